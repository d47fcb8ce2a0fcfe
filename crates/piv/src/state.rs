//! What is believed about the card's volatile state, and how belief is lost.

use std::collections::BTreeSet;

use cardmod_iso7816::CardChannel;

use crate::application::Application;
use crate::content::Content;
use crate::{ManagementAlgorithm, ObjectTag, PivCard, PivCommand};

/// Whether the PIV application is the selected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Selection {
    /// Not selected by this state since the last break: nothing is sent before a SELECT.
    #[default]
    Unknown,
    /// Was selected, and nobody vouches that it still is: good enough for a read whose answer shows
    /// whether the guess was right, and for the use of a key, which no other application mistakes.
    Believed,
    /// A SELECT, or the read of a PIV object, has succeeded and nothing came between.
    Certain,
}

/// The roles this state has seen authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct VerifiedRoles {
    /// The cardholder, by PIN.
    pub user: bool,
    /// The administrator, by the management key.
    pub management: bool,
}

impl VerifiedRoles {
    /// Whether any role is.
    #[must_use]
    pub const fn any(self) -> bool {
        self.user || self.management
    }
}

/// Facts of the card, which outlive a reset and are asked for once.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The card, or the way to it, refused an extended APDU.
    pub(crate) extended_refused: bool,
    /// The card has answered an extended APDU.
    pub(crate) extended_proven: bool,
    /// Commands the card has answered as one answers what one does not have.
    pub(crate) lacking: BTreeSet<PivCommand>,
    /// The card has answered GET METADATA.
    pub(crate) answers_metadata: bool,
    /// What kind of key the management key was found to be.
    pub(crate) management_algorithm: Option<ManagementAlgorithm>,
    /// The card has answered GET VERSION.
    pub(crate) has_version: bool,
    /// The card has refused a PIN because it was not made of digits.
    pub(crate) wants_digits: bool,
    /// The card has answered an empty VERIFY with 9000.
    pub(crate) tells_verified: bool,
}

/// What is known of one card over the life of a connection.
///
/// Four events take knowledge away:
/// - [`connection_lost`](Self::connection_lost): reset, removal, and by itself every transport failure;
/// - [`interrupted`](Self::interrupted): other handles, or a transaction that ended;
/// - [`doubt`](Self::doubt): a call whose transaction nobody vouches for. A role authenticated by this
///   state stays trusted, since the caller holds its transaction from authentication to log-out;
/// - answers of the card that show another application, or a lost right.
#[derive(Debug, Default)]
pub struct PivState {
    pub(crate) selection: Selection,
    pub(crate) verified: VerifiedRoles,
    /// The global PIN was verified, whose status no other PIN's log-out takes.
    pub(crate) by_global_pin: bool,
    /// VERIFY was the last command the card carried out.
    pub(crate) just_verified: bool,
    /// The administrator was asked for the answer to a challenge in this algorithm.
    pub(crate) pending: Option<ManagementAlgorithm>,
    pub(crate) application: Option<Application>,
    pub(crate) content: Content,
    pub(crate) facts: Facts,
}

impl PivState {
    /// Nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lends the state a channel.
    pub fn on<'a>(&'a mut self, channel: &'a mut dyn CardChannel) -> PivCard<'a> {
        PivCard::new(self, channel)
    }

    /// The card's volatile state may be any: nothing selected, nobody authenticated, and perhaps another
    /// card. Content is kept, and becomes a hint once the same CHUID is found.
    pub fn connection_lost(&mut self) {
        self.selection = Selection::Unknown;
        self.pending = None;
        self.drop_rights();
        self.content.doubt_identity();
    }

    /// The transaction ended, or the handles changed, without sign of a reset: nobody is authenticated.
    /// The selection is still believed, so that a read may try it; after a failure of the channel it stays
    /// unknown. Content becomes a hint once the same CHUID is found.
    pub fn interrupted(&mut self) {
        self.disbelieve();
        self.drop_rights();
        self.content.doubt_identity();
    }

    /// Another program may have used the card since the last call. Content becomes a hint once the same
    /// CHUID is found. Does nothing while a role authenticated by this state is verified.
    pub fn doubt(&mut self) {
        if self.verified.any() {
            return;
        }
        self.disbelieve();
        self.just_verified = false;
        self.content.doubt();
    }

    fn disbelieve(&mut self) {
        if self.selection == Selection::Certain {
            self.selection = Selection::Believed;
        }
    }

    pub(crate) fn drop_rights(&mut self) {
        self.verified = VerifiedRoles::default();
        self.just_verified = false;
    }

    /// Forgets all cached content; the next reads go to the card.
    pub fn forget_content(&mut self) {
        self.content.forget_all();
    }

    /// Forgets what is cached of one object; the next read of it goes to the card.
    pub fn forget_object(&mut self, tag: ObjectTag) {
        self.content.forget(tag);
    }

    /// The roles seen authenticated.
    #[must_use]
    pub const fn verified(&self) -> VerifiedRoles {
        self.verified
    }

    /// Whether the PIN was verified by the last command the card carried out: what a PIN-always key asks
    /// for.
    #[must_use]
    pub const fn is_just_verified(&self) -> bool {
        self.just_verified
    }

    /// What the card answered to the last SELECT; `None` before the first.
    #[must_use]
    pub const fn application(&self) -> Option<&Application> {
        self.application.as_ref()
    }

    /// Whether the card is known not to have a command.
    #[must_use]
    pub fn lacks(&self, command: PivCommand) -> bool {
        self.facts.lacking.contains(&command)
    }
}
