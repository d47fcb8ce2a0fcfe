//! Where PINs come from: the caller's prompt, file or environment, or the reader's keypad.

use cardmod_types::{Pin, PinId, PinPurpose};

use super::dialogue::no_response;
use crate::error::Error;

/// What is asked of a [`PinSource`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PinRequest<'a> {
    /// The card's name.
    pub card: &'a str,
    /// The reader the card is in.
    pub reader: &'a str,
    /// The container whose key is to be used, where the PIN is for a key.
    pub container: Option<&'a str>,
    /// The role whose PIN it is.
    pub role: PinId,
    /// What the card says this PIN is for.
    pub purpose: PinPurpose,
    /// The tries left, where the session knows them.
    pub tries_left: Option<u32>,
    /// How often this PIN is asked for in this operation: 1 at first.
    pub attempt: u32,
    /// Why it is asked for again: the PIN before was wrong, or the one that was kept no longer is right.
    pub last_error: Option<&'a Error>,
    /// The PIN opens the key for one use: whoever remembers PINs asks for this one again each time.
    pub every_time: bool,
    /// The card wants the entry protected from other programs (`PIN_INFO_REQUIRE_SECURE_ENTRY`).
    pub secure_entry: bool,
}

impl PinRequest<'_> {
    /// What is asked for, for a prompt: "PIN for signatures".
    #[must_use]
    pub fn what(&self) -> String {
        Self::what_of(self.role, self.purpose)
    }

    pub(super) fn what_of(role: PinId, purpose: PinPurpose) -> String {
        let what = match purpose {
            PinPurpose::Authentication | PinPurpose::PrimaryCard => "PIN",
            PinPurpose::DigitalSignature => "PIN for signatures",
            PinPurpose::Encryption => "PIN for decryption",
            PinPurpose::NonRepudiation => "PIN for legally binding signatures",
            PinPurpose::Administrator => "administrator PIN",
            PinPurpose::UnblockOnly => "PUK",
        };
        match role {
            PinId::USER | PinId::ADMIN => what.to_owned(),
            role => format!("{what} ({role})"),
        }
    }
}

/// Why a [`PinSource`] gave no PIN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinSourceError {
    /// The user closed the prompt.
    #[error("the PIN entry was cancelled")]
    Cancelled,
    /// There is nobody to ask and nothing to read.
    #[error("no PIN could be had: {0}")]
    Unavailable(String),
}

/// Where a PIN is typed that the reader takes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinPlace {
    /// At the reader, or whatever device the card's module has: no program sees it.
    Reader,
    /// Here: the source is asked for it.
    Here,
}

/// Supplies PINs. It is called with no transaction and no lock held, so it may take its time, unless it
/// says that it takes none ([`at_hand`](Self::at_hand)).
pub trait PinSource {
    /// The PIN of `request.role`.
    ///
    /// # Errors
    /// [`PinSourceError`] where there is none; the operation then ends without touching the card.
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError>;

    /// Nothing may be shown to a user: an operation that needs a PIN fails with
    /// [`Error::PinRequired`](crate::Error::PinRequired) instead of asking.
    fn silent(&self) -> bool {
        false
    }

    /// [`pin`](Self::pin) answers from memory: nobody is asked and nothing is waited for, so the card's
    /// transaction goes on meanwhile, and its counters need not be read again.
    fn at_hand(&self) -> bool {
        false
    }

    /// The same for one role's PIN.
    fn has_at_hand(&self, role: PinId) -> bool {
        let _ = role;
        self.at_hand()
    }

    /// After a wrong PIN it may be asked again, within the same operation and as long as there are tries:
    /// there is a person who can type another. Otherwise the operation ends with
    /// [`Error::WrongPin`](crate::Error::WrongPin).
    fn asks_again(&self) -> bool {
        false
    }

    /// The card refused this PIN: one that was kept, or the last answer. A source that passes questions on
    /// learns which answer would cost a try for nothing.
    fn was_refused(&mut self, role: PinId, pin: &Pin) {
        let _ = (role, pin);
    }

    /// Where the PIN is typed, of a role whose PIN the reader takes. Called when the reader is about to ask, so
    /// this is the place to tell a user to look there; within the transaction, so it must wait for nobody. A
    /// role whose PIN can be typed nowhere else is entered at the reader whatever this says.
    fn place(&mut self, request: &PinRequest<'_>) -> PinPlace {
        let _ = request;
        PinPlace::Reader
    }

    /// The answer to a challenge of the card, for a role that is authenticated so. Unlike
    /// [`pin`](Self::pin) this is called within the transaction, since any other command would spend the
    /// challenge: other programs wait.
    ///
    /// # Errors
    /// [`PinSourceError`] where there is none, which is so unless a source says otherwise.
    fn respond(&mut self, request: &PinRequest<'_>, challenge: &[u8]) -> Result<Vec<u8>, PinSourceError> {
        let _ = (request, challenge);
        Err(no_response())
    }
}

/// A source that has no PIN: operations that need one fail.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPin;

impl PinSource for NoPin {
    fn pin(&mut self, _request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        Err(PinSourceError::Unavailable("none was given".to_owned()))
    }

    fn silent(&self) -> bool {
        true
    }
}

/// A source that answers every question with one and the same PIN.
#[derive(Debug)]
pub struct FixedPin(Pin);

impl FixedPin {
    /// A source of this PIN.
    #[must_use]
    pub fn new(pin: Pin) -> Self {
        Self(pin)
    }
}

impl PinSource for FixedPin {
    fn pin(&mut self, _request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        Ok(self.0.clone())
    }

    fn at_hand(&self) -> bool {
        true
    }

    fn place(&mut self, _request: &PinRequest<'_>) -> PinPlace {
        PinPlace::Here
    }
}
