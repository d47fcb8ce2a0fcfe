//! The card's places and what is in them, in the fewest commands.

use crate::card::PivCard;
use crate::objects::ccc::CardCapabilities;
use crate::objects::certificate::Certificate;
use crate::objects::discovery::Discovery;
use crate::objects::history::KeyHistory;
use crate::objects::printed::PrintedInformation;
use crate::objects::security::SecurityObject;
use crate::{ObjectTag, PivError, Slot, SlotKey};

/// What the certificate object of a place holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotContent {
    /// Nothing. There may be a key all the same, whose public half nobody noted down.
    Empty,
    /// A certificate.
    Certificate(Certificate),
    /// A key without certificate: its public half was noted down in an unsigned certificate (RFC 9925).
    Placeholder(SlotKey),
    /// Something that is no certificate, or that the card does not show.
    Unreadable(PivError),
}

/// A place and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Which place.
    pub slot: Slot,
    /// What its certificate object holds.
    pub content: SlotContent,
    /// This comes from memory, and another program may have changed it since: to be shown as such, and read
    /// again before it is presented to anybody.
    pub is_hint: bool,
}

impl SlotView {
    /// The certificate, if there is one to present.
    #[must_use]
    pub const fn certificate(&self) -> Option<&Certificate> {
        match &self.content {
            SlotContent::Certificate(certificate) => Some(certificate),
            _ => None,
        }
    }

    /// The public key, where it is known and a PIV card can have it.
    #[must_use]
    pub const fn key(&self) -> Option<&SlotKey> {
        match &self.content {
            SlotContent::Certificate(certificate) => certificate.key(),
            SlotContent::Placeholder(key) => Some(key),
            SlotContent::Empty | SlotContent::Unreadable(_) => None,
        }
    }

    /// Whether anything is in the certificate object, be it unreadable.
    #[must_use]
    pub const fn is_occupied(&self) -> bool {
        !matches!(self.content, SlotContent::Empty)
    }
}

impl SlotContent {
    fn read(value: Option<Vec<u8>>) -> Self {
        match Certificate::parse(&value.unwrap_or_default()) {
            Ok(None) => Self::Empty,
            Ok(Some(certificate)) if certificate.is_placeholder() => match certificate.key() {
                Some(key) => Self::Placeholder(key.clone()),
                None => Self::Unreadable(PivError::Unsupported("the key's algorithm")),
            },
            Ok(Some(certificate)) => Self::Certificate(certificate),
            Err(error) => Self::Unreadable(error),
        }
    }
}

impl PivCard<'_> {
    /// The main places, and the retired ones the Key History tells of.
    ///
    /// Tokens do not maintain a Key History by themselves: where it is missing, or makes no sense, retired
    /// places are not looked at, since each costs a command on every card and nearly all are empty. Who
    /// knows better, from a map or because all are to be shown, asks [`slots_of`](Self::slots_of).
    ///
    /// Cold this is SELECT, the head of the CHUID, the Key History and one read per place. While nobody can
    /// have come between it costs nothing; after a doubt one command, after a reset two, provided that the
    /// CHUID is the same: the content is a hint then, and says so.
    ///
    /// # Errors
    ///
    /// The channel's, a failed SELECT. What is wrong with one place is said in its view.
    pub fn slots(&mut self) -> Result<Vec<SlotView>, PivError> {
        self.confirm_identity()?;
        let history = match self.hinted(ObjectTag::KEY_HISTORY) {
            Ok((value, _)) => value.and_then(|value| KeyHistory::parse(&value).ok()),
            Err(error) => tolerated(error).map(|_| None)?,
        };
        let retired = history.into_iter().flat_map(|history| history.slots_with_certificate());
        let slots: Vec<Slot> = Slot::MAIN.into_iter().chain(retired).collect();
        self.views(&slots)
    }

    /// These places, as [`slots`](Self::slots) shows them.
    ///
    /// # Errors
    ///
    /// As [`slots`](Self::slots).
    pub fn slots_of(&mut self, slots: &[Slot]) -> Result<Vec<SlotView>, PivError> {
        self.confirm_identity()?;
        self.views(slots)
    }

    fn views(&mut self, slots: &[Slot]) -> Result<Vec<SlotView>, PivError> {
        slots.iter().map(|slot| self.view(*slot)).collect()
    }

    fn view(&mut self, slot: Slot) -> Result<SlotView, PivError> {
        let (content, is_hint) = match self.hinted(slot.object()) {
            Ok((value, is_hint)) => (SlotContent::read(value), is_hint),
            Err(error) => (SlotContent::Unreadable(tolerated(error)?), false),
        };
        Ok(SlotView { slot, content, is_hint })
    }

    /// Reads the CHUID where it was not read since the last doubt. A card that refuses it is nobody's: then
    /// nothing that is remembered is used.
    fn confirm_identity(&mut self) -> Result<(), PivError> {
        match self.chuid() {
            Err(error) => tolerated(error).map(drop),
            Ok(_) => Ok(()),
        }
    }

    /// An object from memory where the card is known to be the same, else from the card; and whether another
    /// program may have changed it since.
    fn hinted(&mut self, tag: ObjectTag) -> Result<(Option<Vec<u8>>, bool), PivError> {
        match self.state.content.known(tag) {
            Some(known) => Ok((known.value, known.is_hint)),
            None => self.object(tag).map(|value| (value, false)),
        }
    }

    /// The certificate of a place, never a hint. A [placeholder](Certificate::is_placeholder) is one, too.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object); [`PivError::Malformed`] when the object holds no certificate.
    pub fn certificate(&mut self, slot: Slot) -> Result<Option<Certificate>, PivError> {
        let value = self.object(slot.object())?;
        Certificate::parse(&value.unwrap_or_default())
    }

    /// The Key History; `None` on a card without, as tokens are.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object); [`PivError::Malformed`] for more keys than there are places.
    pub fn key_history(&mut self) -> Result<Option<KeyHistory>, PivError> {
        self.parsed(ObjectTag::KEY_HISTORY, KeyHistory::parse)
    }

    /// The Discovery object; `None` on a card without.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object); [`PivError::Malformed`] when it names no PIN policy.
    pub fn discovery(&mut self) -> Result<Option<Discovery>, PivError> {
        self.parsed(ObjectTag::DISCOVERY, Discovery::parse)
    }

    /// The Card Capability Container; `None` on a card without.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object).
    pub fn ccc(&mut self) -> Result<Option<CardCapabilities>, PivError> {
        self.parsed(ObjectTag::CCC, |value| Ok(CardCapabilities::parse(value)))
    }

    /// Printed Information, which needs the PIN; `None` on a card without.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object): `6982` before the PIN was verified.
    pub fn printed_information(&mut self) -> Result<Option<PrintedInformation>, PivError> {
        let value = self.secret_object(ObjectTag::PRINTED)?;
        Ok(value.filter(|value| !value.is_empty()).map(|value| PrintedInformation::parse(&value)))
    }

    /// The Security Object; `None` on a card without, as tokens are.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object).
    pub fn security_object(&mut self) -> Result<Option<SecurityObject>, PivError> {
        self.parsed(ObjectTag::SECURITY_OBJECT, |value| Ok(SecurityObject::parse(value)))
    }

    fn parsed<T>(
        &mut self,
        tag: ObjectTag,
        parse: impl FnOnce(&[u8]) -> Result<T, PivError>,
    ) -> Result<Option<T>, PivError> {
        let value = self.object(tag)?.filter(|value| !value.is_empty());
        value.map(|value| parse(&value)).transpose()
    }
}

/// What is wrong with one object and does not keep the others from being read: all but a broken channel or
/// an application that is not there.
fn tolerated(error: PivError) -> Result<PivError, PivError> {
    match error {
        PivError::Malformed(_) | PivError::Status { command: crate::PivCommand::GetData, .. } => Ok(error),
        error => Err(error),
    }
}
