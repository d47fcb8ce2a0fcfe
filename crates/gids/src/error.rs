//! What can go wrong between a caller and a GIDS card: the channel, the card's refusal together with the
//! command it answered, data that makes no sense, or a rule of the profile.

use std::fmt;

use cardmod_iso7816::{ExchangeError, PinEntryError, StatusWord};
use cardmod_types::{ContainerIndex, DirectoryName, FilePath};

/// The command a status word answered. A status word means nothing without it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GidsCommand {
    /// SELECT, `A4`.
    Select,
    /// GET DATA, `CB`.
    GetData,
    /// GET DATA for a public key, `CB 3FFF`.
    GetPublicKey,
    /// PUT DATA, `DB`.
    PutData,
    /// PUT KEY, `DB 3FFF`.
    PutKey,
    /// CREATE FILE, `E0`.
    CreateFile,
    /// ACTIVATE FILE, `44`.
    ActivateFile,
    /// DELETE FILE, `E4`.
    DeleteFile,
    /// VERIFY, `20`.
    Verify,
    /// CHANGE REFERENCE DATA, `24`.
    ChangeReferenceData,
    /// RESET RETRY COUNTER, `2C`.
    ResetRetryCounter,
    /// MANAGE SECURITY ENVIRONMENT, `22`.
    ManageSecurityEnvironment,
    /// PERFORM SECURITY OPERATION: compute digital signature, `2A 9E 9A`.
    Sign,
    /// PERFORM SECURITY OPERATION: decipher, `2A 80 86`.
    Decipher,
    /// PERFORM SECURITY OPERATION with an elliptic curve point, `2A 80 86`.
    KeyAgreement,
    /// GENERATE ASYMMETRIC KEY PAIR, `47`.
    GenerateKey,
    /// GENERAL AUTHENTICATE, `87`.
    GeneralAuthenticate,
}

impl fmt::Display for GidsCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "SELECT",
            Self::GetData => "GET DATA",
            Self::GetPublicKey => "GET DATA (public key)",
            Self::PutData => "PUT DATA",
            Self::PutKey => "PUT DATA (key)",
            Self::CreateFile => "CREATE FILE",
            Self::ActivateFile => "ACTIVATE FILE",
            Self::DeleteFile => "DELETE FILE",
            Self::Verify => "VERIFY",
            Self::ChangeReferenceData => "CHANGE REFERENCE DATA",
            Self::ResetRetryCounter => "RESET RETRY COUNTER",
            Self::ManageSecurityEnvironment => "MANAGE SECURITY ENVIRONMENT",
            Self::Sign => "PSO COMPUTE DIGITAL SIGNATURE",
            Self::Decipher => "PSO DECIPHER",
            Self::KeyAgreement => "PSO KEY AGREEMENT",
            Self::GenerateKey => "GENERATE ASYMMETRIC KEY PAIR",
            Self::GeneralAuthenticate => "GENERAL AUTHENTICATE",
        })
    }
}

/// Why an operation failed.
///
/// There is no general translation into a module's codes: what `6982` or `6A88` means depends on the
/// operation the caller was in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GidsError {
    /// The channel failed, or the answer is no response APDU. Nothing is known of the card any more.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The card refused.
    #[error("the card answered {status} to {command}")]
    Status {
        /// What it was asked.
        command: GidsCommand,
        /// What it answered.
        status: StatusWord,
    },
    /// The card's data breaks its format.
    #[error("the card's {0} is malformed")]
    Malformed(&'static str),
    /// The directory is not in the file table.
    #[error("the card has no directory {0}")]
    DirectoryNotFound(DirectoryName),
    /// The file is not in the file table.
    #[error("the card has no file {0}")]
    FileNotFound(FilePath),
    /// A file of that name exists.
    #[error("the card already has a file {0}")]
    FileExists(FilePath),
    /// A directory of that name exists.
    #[error("the card already has a directory {0}")]
    DirectoryExists(DirectoryName),
    /// The directory still holds files.
    #[error("the directory {0} is not empty")]
    DirectoryNotEmpty(DirectoryName),
    /// The profile reserves this to a role that is not authenticated.
    #[error("the role this needs is not authenticated")]
    AccessDenied,
    /// No room: of data object tags, containers, or memory (`6A84`).
    #[error("the card has no room for {0}")]
    Full(&'static str),
    /// The container has no key, or lies outside of the card's range.
    #[error("container {0} has no key")]
    NoKey(ContainerIndex),
    /// The card, or the profile, cannot do this.
    #[error("the card does not support {0}")]
    Unsupported(&'static str),
    /// The caller's data breaks a rule that could be checked without the card.
    #[error("{0}")]
    InvalidInput(&'static str),
    /// The reader's keypad sent no PIN to the card.
    #[error(transparent)]
    PinEntry(#[from] PinEntryError),
    /// A PIN of 0 or more than 127 bytes, which no VERIFY can carry. Nothing was sent.
    #[error("a PIN has 1 to 127 bytes")]
    PinLength,
}

impl GidsError {
    /// The status word, when the card refused.
    #[must_use]
    pub const fn status(&self) -> Option<StatusWord> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the card said that a secret was wrong: SW1 `63`, with or without the `C` nibble (GIDS
    /// VERIFY; some cards answer `630x`).
    #[must_use]
    pub fn is_wrong_secret(&self) -> bool {
        self.status().is_some_and(|status| status.sw1() == 0x63)
    }

    /// The tries left, when the card refused a secret and said so. `6300` says nothing, `63CF` that the
    /// counter is not deterministic.
    #[must_use]
    pub fn tries_left(&self) -> Option<u8> {
        self.status().and_then(tries_left)
    }
}

/// The tries a status word names.
pub(crate) fn tries_left(status: StatusWord) -> Option<u8> {
    match status.get() {
        0x6300 | 0x63CF => None,
        0x6301..=0x630F | 0x63C0..=0x63CE => Some(status.sw2() & 0x0F),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16) -> GidsError {
        GidsError::Status { command: GidsCommand::Verify, status: status.into() }
    }

    #[test]
    fn tries_are_read_leniently() {
        assert_eq!(refused(0x63C2).tries_left(), Some(2));
        assert_eq!(refused(0x6302).tries_left(), Some(2), "a card without the C nibble");
        assert_eq!(refused(0x63C0).tries_left(), Some(0));
        assert_eq!(refused(0x6300).tries_left(), None);
        assert_eq!(refused(0x63CF).tries_left(), None);
        assert!(refused(0x63CF).is_wrong_secret());
        assert!(!refused(0x6983).is_wrong_secret());
    }

    #[test]
    fn the_message_names_command_and_status() {
        let text = refused(0x6982).to_string();
        assert_eq!(text, "the card answered 6982 (security status not satisfied) to VERIFY");
    }
}
