//! PIN entry at the reader: the command goes without its secret, which the reader's own keypad adds.
//!
//! The rules of the forms are PC/SC 2 part 10 (2.5); how a reader is asked is the channel's affair.

use std::time::Duration;

use crate::{StatusWord, TransportError};

/// Longest data field of the short commands that carry secrets.
const SHORT_DATA: usize = 255;

/// How a secret of digits stands in the data field of its command, in ASCII from the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretForm {
    /// Fewest digits.
    pub minimum: u8,
    /// Most digits.
    pub maximum: u8,
    /// The field's fixed length and what fills it up; `None` for a field as long as the secret.
    pub padding: Option<(u8, u8)>,
}

impl SecretForm {
    /// A secret that is as long as it is.
    #[must_use]
    pub const fn variable(minimum: u8, maximum: u8) -> Self {
        Self { minimum, maximum, padding: None }
    }

    /// A secret in a field of `length` bytes, filled with `fill`.
    #[must_use]
    pub const fn padded(minimum: u8, maximum: u8, length: u8, fill: u8) -> Self {
        Self { minimum, maximum, padding: Some((length, fill)) }
    }

    /// The data field before the reader puts a secret into it: the filling, or nothing.
    #[must_use]
    pub fn template(self) -> Vec<u8> {
        self.padding.map_or_else(Vec::new, |(length, fill)| vec![fill; usize::from(length)])
    }
}

/// What a reader is asked for: a command whose data field is one secret (VERIFY), or two (CHANGE REFERENCE
/// DATA).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRequest {
    /// Class, instruction, P1, P2.
    pub header: [u8; 4],
    /// How the secrets stand in the data field.
    pub form: SecretForm,
    /// How long the reader waits for a key; the reader's own time where there is none. Whole seconds up to 255.
    pub timeout: Option<Duration>,
}

/// A reader's own way to take secrets.
pub trait PinEntry {
    /// Whether it takes one secret of this form.
    fn verifies(&self, form: SecretForm) -> bool;

    /// Whether it takes an old secret and a new one, and puts the one behind the other.
    fn modifies(&self, form: SecretForm) -> bool;

    /// Has a secret typed and the command sent; answers the card's status word. Lasts as long as the person
    /// at the reader.
    ///
    /// # Errors
    /// [`PinEntryError`]; the card has then got nothing, except where the transport failed.
    fn verify(&mut self, request: &EntryRequest) -> Result<StatusWord, PinEntryError>;

    /// Has the old secret and twice the new one typed and the command sent; answers the card's status word.
    ///
    /// # Errors
    /// As [`verify`](Self::verify).
    fn modify(&mut self, request: &EntryRequest) -> Result<StatusWord, PinEntryError>;
}

/// Why a reader sent no secret to the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PinEntryError {
    /// The time was over (`6400`).
    #[error("nobody entered a PIN at the reader in time")]
    Timeout,
    /// The person pressed the cancel key (`6401`).
    #[error("the entry at the reader was cancelled")]
    Cancelled,
    /// The new PIN was not the same twice (`6402`).
    #[error("the new PIN typed at the reader was not the same twice")]
    Mismatch,
    /// Too few or too many digits (`6403`).
    #[error("the PIN typed at the reader has too few or too many digits")]
    Length,
    /// The reader does not take this form, or has no such function (`6B80`).
    #[error("the reader cannot take a PIN of this form")]
    Unsupported,
    /// Its answer is shorter than a status word.
    #[error("the reader answered less than a status word")]
    Malformed,
    /// The reader or the card could not be reached. The card may have got the command.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl EntryRequest {
    /// The command as it is handed to the reader: Lc and the field's filling where its length is fixed, and
    /// Lc 0 for the reader to correct where it is not (PC/SC 2 part 10, 2.5.2).
    ///
    /// `secrets` is 1, or 2 for a change. `None` where that is longer than a short command.
    #[must_use]
    pub fn command(&self, secrets: usize) -> Option<Vec<u8>> {
        let field = self.form.template().repeat(secrets);
        let length = u8::try_from(field.len()).ok().filter(|length| usize::from(*length) <= SHORT_DATA)?;
        let mut command = self.header.to_vec();
        command.push(length);
        command.extend(field);
        Some(command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_without_their_secrets() {
        let header = [0x00, 0x20, 0x00, 0x80];
        let piv = EntryRequest { header, form: SecretForm::padded(6, 8, 8, 0xFF), timeout: None };
        assert_eq!(piv.command(1).unwrap(), [&header[..], &[8], &[0xFF; 8]].concat());
        assert_eq!(piv.command(2).unwrap(), [&header[..], &[16], &[0xFF; 16]].concat());
        let gids = EntryRequest { form: SecretForm::variable(4, 15), ..piv };
        assert_eq!(gids.command(1).unwrap(), [0x00, 0x20, 0x00, 0x80, 0]);
        let long = EntryRequest { form: SecretForm::padded(1, 200, 200, 0), ..piv };
        assert_eq!(long.command(2), None);
    }
}
