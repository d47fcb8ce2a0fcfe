//! What can go wrong between a caller and a PIV card: the channel, the card's refusal together with the
//! command it answered, data that makes no sense, or a rule of the standard.

use std::fmt;

use cardmod_iso7816::{ExchangeError, PinEntryError, StatusWord};

use crate::{ManagementAlgorithm, Slot};

/// The command a status word answered. A status word means nothing without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PivCommand {
    /// SELECT, `A4`.
    Select,
    /// GET DATA, `CB`.
    GetData,
    /// PUT DATA, `DB`.
    PutData,
    /// VERIFY, `20`.
    Verify,
    /// CHANGE REFERENCE DATA, `24`.
    ChangeReferenceData,
    /// RESET RETRY COUNTER, `2C`.
    ResetRetryCounter,
    /// GENERAL AUTHENTICATE with a key of the cardholder, `87`.
    UseKey,
    /// GENERAL AUTHENTICATE with the management key, `87 xx 9B`.
    AuthenticateManagement,
    /// GENERATE ASYMMETRIC KEY PAIR, `47`.
    GenerateKey,
    /// IMPORT ASYMMETRIC KEY, `FE`: vendors' extension, as all that follow.
    ImportKey,
    /// GET METADATA, `F7`.
    GetMetadata,
    /// ATTEST, `F9`.
    Attest,
    /// MOVE KEY and DELETE KEY, `F6`.
    MoveKey,
    /// SET PIN RETRIES, `FA`.
    SetPinRetries,
    /// RESET, `FB`.
    Reset,
    /// SET MANAGEMENT KEY, `FF`.
    SetManagementKey,
    /// GET VERSION, `FD`.
    GetVersion,
    /// GET SERIAL, `F8`.
    GetSerial,
    /// The algorithm extension of CanoKey, `EE`.
    AlgorithmExtension,
}

impl fmt::Display for PivCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "SELECT",
            Self::GetData => "GET DATA",
            Self::PutData => "PUT DATA",
            Self::Verify => "VERIFY",
            Self::ChangeReferenceData => "CHANGE REFERENCE DATA",
            Self::ResetRetryCounter => "RESET RETRY COUNTER",
            Self::UseKey => "GENERAL AUTHENTICATE",
            Self::AuthenticateManagement => "GENERAL AUTHENTICATE (management key)",
            Self::GenerateKey => "GENERATE ASYMMETRIC KEY PAIR",
            Self::ImportKey => "IMPORT ASYMMETRIC KEY",
            Self::GetMetadata => "GET METADATA",
            Self::Attest => "ATTEST",
            Self::MoveKey => "MOVE KEY",
            Self::SetPinRetries => "SET PIN RETRIES",
            Self::Reset => "RESET",
            Self::SetManagementKey => "SET MANAGEMENT KEY",
            Self::GetVersion => "GET VERSION",
            Self::GetSerial => "GET SERIAL",
            Self::AlgorithmExtension => "ALGORITHM EXTENSION",
        })
    }
}

/// Why an operation failed.
///
/// There is no general translation into a module's codes: what `6982` or `6A80` means depends on the
/// operation the caller was in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PivError {
    /// The channel failed, or the answer is no response APDU. Nothing is known of the card any more.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The card refused.
    #[error("the card answered {status} to {command}")]
    Status {
        /// What it was asked.
        command: PivCommand,
        /// What it answered.
        status: StatusWord,
    },
    /// The card's data breaks its format.
    #[error("the card's {0} is malformed")]
    Malformed(&'static str),
    /// The caller's data breaks a rule that could be checked without the card.
    #[error("{0}")]
    InvalidInput(&'static str),
    /// A PIN or PUK the card cannot have. It was not sent, or refused for its form; no try was lost.
    #[error("a PIN has 6 to 8 {characters}", characters = if *.digits { "digits" } else { "characters" })]
    PinFormat {
        /// The card is known to take digits only.
        digits: bool,
    },
    /// The reader's keypad sent no PIN to the card.
    #[error(transparent)]
    PinEntry(#[from] PinEntryError),
    /// The place has no key.
    #[error("there is no key in {0}")]
    NoKey(Slot),
    /// The place has a key, or a certificate, that would be lost.
    #[error("{0} is in use")]
    Occupied(Slot),
    /// The administrator is not authenticated.
    #[error("the role this needs is not authenticated")]
    AccessDenied,
    /// The card refused the proof of the management key. Cards of this kind do not count.
    #[error("the management key is wrong")]
    WrongManagementKey,
    /// The card's management key is of another kind than the one given.
    #[error("the card's management key is of another kind: {0} with {len} bytes", len = .0.key_len())]
    OtherManagementAlgorithm(ManagementAlgorithm),
    /// The card took our proof of the management key, and its own proof is wrong.
    #[error("the card could not prove that it has the management key")]
    CardNotAuthentic,
    /// A reset needs PIN and PUK blocked, and they are not.
    #[error("the card is set back only when PIN and PUK are blocked")]
    NotBlocked,
    /// No room: of places, or memory (`6A84`).
    #[error("the card has no room for {0}")]
    Full(&'static str),
    /// The card, or the standard, cannot do this.
    #[error("the card does not support {0}")]
    Unsupported(&'static str),
    /// The caller's source of randomness failed; nothing was sent that needed it.
    #[error("the system gives no randomness")]
    NoRandomness,
}

impl PivError {
    /// The status word, when the card refused.
    #[must_use]
    pub const fn status(&self) -> Option<StatusWord> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the card said that a secret was wrong: SW1 `63`, with or without the `C` nibble (very old
    /// YubiKeys answer `630x`).
    #[must_use]
    pub fn is_wrong_secret(&self) -> bool {
        self.status().is_some_and(|status| status.sw1() == 0x63)
    }

    /// The tries left, when the card refused a secret and said so. `6300` says nothing.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        self.status().and_then(tries_left)
    }

    /// Whether the right was missing (`6982`): the PIN is to be verified, for a PIN-always key again.
    #[must_use]
    pub fn is_access_denied(&self) -> bool {
        matches!(self, Self::AccessDenied) || self.status() == Some(StatusWord::SECURITY_STATUS_NOT_SATISFIED)
    }
}

/// The tries a status word names. `63CF` is fifteen: a counter of a card that may have so many.
pub(crate) fn tries_left(status: StatusWord) -> Option<u8> {
    match status.get() {
        0x6301..=0x630F | 0x63C0..=0x63CF => Some(status.sw2() & 0x0F),
        _ => None,
    }
}

/// The card's refusal as an error.
pub(crate) const fn refused(command: PivCommand, status: StatusWord) -> PivError {
    PivError::Status { command, status }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verify(status: u16) -> PivError {
        refused(PivCommand::Verify, status.into())
    }

    #[test]
    fn tries_are_read_leniently() {
        assert_eq!(verify(0x63C2).tries_left(), Some(2));
        assert_eq!(verify(0x6302).tries_left(), Some(2), "a card without the C nibble");
        assert_eq!(verify(0x63C0).tries_left(), Some(0));
        assert_eq!(verify(0x6300).tries_left(), None);
        assert!(verify(0x6300).is_wrong_secret());
        assert!(!verify(0x6983).is_wrong_secret());
        assert!(verify(0x6982).is_access_denied());
    }

    #[test]
    fn messages_name_what_happened() {
        assert_eq!(
            verify(0x6982).to_string(),
            "the card answered 6982 (security status not satisfied) to VERIFY"
        );
        assert_eq!(PivError::PinFormat { digits: true }.to_string(), "a PIN has 6 to 8 digits");
        assert_eq!(PivError::Occupied(Slot::Signature).to_string(), "9c is in use");
    }
}
