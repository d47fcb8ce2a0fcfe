//! Where PINs come from: the caller's prompt, file, environment or keypad.

use cardmod_types::{Pin, PinId, PinPurpose};

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

/// Supplies PINs. It is called with no transaction and no lock held, so it may take its time.
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
}
