//! What is believed about the card's volatile state, and how belief is lost.

use crate::admin::PendingChallenge;
use crate::algorithm::KeyOperation;
use crate::application::Application;
use crate::card::GidsCard;
use crate::content::Content;
use crate::layout::{ef, object};
use cardmod_iso7816::CardChannel;

/// Whether the GIDS application is the selected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Selection {
    /// Not selected by this state since the last break: nothing is sent before a SELECT.
    #[default]
    Unknown,
    /// Was selected, and nobody vouches that it still is: good enough for a read whose answer shows
    /// whether the guess was right.
    Believed,
    /// A SELECT, or the read of a GIDS object, has succeeded and nothing came between.
    Certain,
}

/// The roles this state has seen authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct VerifiedRoles {
    /// The user, by PIN.
    pub user: bool,
    /// The administrator, by challenge and response.
    pub admin: bool,
}

impl VerifiedRoles {
    /// Whether any role is.
    #[must_use]
    pub const fn any(self) -> bool {
        self.user || self.admin
    }
}

/// A key and algorithm set by MSE. One is current per control reference template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Environment {
    pub(crate) algorithm_reference: u8,
    pub(crate) key_reference: u8,
}

/// The current environments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Environments {
    signature: Option<Environment>,
    confidentiality: Option<Environment>,
    /// Some MSE succeeded since the last SELECT by AID: a deauthentication has to undo it.
    pub(crate) touched: bool,
}

impl Environments {
    pub(crate) fn slot(&mut self, operation: KeyOperation) -> &mut Option<Environment> {
        match operation {
            KeyOperation::SignPkcs1 | KeyOperation::SignRaw => &mut self.signature,
            KeyOperation::DecipherRaw | KeyOperation::Agree => &mut self.confidentiality,
        }
    }

    /// Trusts none of them any more.
    pub(crate) fn distrust(&mut self) {
        self.signature = None;
        self.confidentiality = None;
    }
}

/// Where everything is on a card: the two objects that map files and containers to places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardLayout {
    /// The file table (A000/DF1F), as it stands on the card.
    pub file_table: Vec<u8>,
    /// The keymap (A000/DF20), as it stands on the card.
    pub keymap: Vec<u8>,
}

/// What is known of one card over the life of a connection.
///
/// Four events take knowledge away:
/// - [`connection_lost`](Self::connection_lost): reset, removal, and by itself every transport failure;
/// - [`interrupted`](Self::interrupted): other handles, or a transaction that ended;
/// - [`doubt`](Self::doubt): a call whose transaction nobody vouches for. A role authenticated by this
///   state stays trusted, since the caller holds its transaction from authentication to deauthentication;
/// - answers of the card that show another application, or a lost right.
#[derive(Debug, Default)]
pub struct GidsState {
    pub(crate) selection: Selection,
    pub(crate) verified: VerifiedRoles,
    pub(crate) environments: Environments,
    pub(crate) pending: Option<PendingChallenge>,
    pub(crate) application: Option<Application>,
    pub(crate) content: Content,
    /// The card refused `5C 00`, or an extended APDU: facts of the card, which outlive a reset.
    pub(crate) bulk_refused: bool,
    pub(crate) extended_refused: bool,
    /// The card has answered an empty VERIFY with 9000: a fact of the card, too.
    pub(crate) tells_verified: bool,
    /// Whether 7F73 exists; a fact of the card.
    pub(crate) has_puk: Option<bool>,
}

impl GidsState {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lends the state a channel.
    pub fn on<'a>(&'a mut self, channel: &'a mut dyn CardChannel) -> GidsCard<'a> {
        GidsCard::new(self, channel)
    }

    /// The card's volatile state may be any: nothing selected, nobody authenticated, and perhaps another
    /// card. Content is kept and used again once cardid and cardcf are found unchanged.
    pub fn connection_lost(&mut self) {
        self.selection = Selection::Unknown;
        self.verified = VerifiedRoles::default();
        self.environments = Environments::default();
        self.pending = None;
        self.content.doubt_identity();
    }

    /// The transaction ended, or the handles changed, without sign of a reset: nobody is authenticated and
    /// no key is chosen. The selection is still believed, so that a read may try it; after a failure of the
    /// channel it stays unknown. Content is used again once cardcf is found unchanged; a caller that
    /// changes handles asks for the cardid, which then comes from the card and drops the content of
    /// another card.
    pub fn interrupted(&mut self) {
        if self.selection == Selection::Certain {
            self.selection = Selection::Believed;
        }
        self.verified = VerifiedRoles::default();
        self.environments = Environments::default();
        self.content.doubt_handles();
    }

    /// Another program may have used the card since the last call. Content is used again once cardcf is
    /// found unchanged. Does nothing while a role authenticated by this state is verified. A challenge
    /// fetched before stays answerable: its holder may be far away.
    pub fn doubt(&mut self) {
        if self.verified.any() {
            return;
        }
        if self.selection == Selection::Certain {
            self.selection = Selection::Believed;
        }
        self.environments.distrust();
        self.content.doubt_freshness();
    }

    /// A challenge fetched before is not going to be answered.
    pub fn forget_challenge(&mut self) {
        self.pending = None;
    }

    /// Forgets all cached content; the next reads go to the card.
    pub fn forget_content(&mut self) {
        self.content = Content::default();
    }

    /// File table and keymap as they are known now, for a store that outlives this state; `None` where they
    /// are not both known, or in doubt. Everybody may read them on every card of the profile.
    pub fn layout(&mut self) -> Option<CardLayout> {
        let mut object = |tag| self.content.get(ef::TABLE, tag).flatten();
        Some(CardLayout {
            file_table: object(object::FILE_TABLE)?,
            keymap: object(object::KEYMAP_OR_CARDID)?,
        })
    }

    /// Takes over what [`layout`](Self::layout) answered under the same identity and counters, which the
    /// caller vouches for. Does nothing where something newer is known.
    pub fn restore_layout(&mut self, layout: CardLayout) {
        let CardLayout { file_table, keymap } = layout;
        let objects = [(object::FILE_TABLE, file_table), (object::KEYMAP_OR_CARDID, keymap)];
        self.content.restore(ef::TABLE, objects);
    }

    /// Whether the card has a PUK, where that was found out.
    #[must_use]
    pub const fn known_puk(&self) -> Option<bool> {
        self.has_puk
    }

    /// Takes over whether the card has a PUK, which is fixed when a card is made.
    pub fn restore_puk(&mut self, has_puk: bool) {
        self.has_puk.get_or_insert(has_puk);
    }

    /// The roles seen authenticated.
    #[must_use]
    pub const fn verified(&self) -> VerifiedRoles {
        self.verified
    }

    /// What the card answered to the last SELECT; `None` before the first.
    #[must_use]
    pub const fn application(&self) -> Option<&Application> {
        self.application.as_ref()
    }
}
