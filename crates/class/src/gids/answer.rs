//! From what a GIDS card refused to the cause a host is told: one function per kind of operation, since a
//! status word means something only together with what was asked.

use cardmod_gids::{GidsCommand, GidsError};
use cardmod_iso7816::StatusWord;
use cardmod_sdk::Status;

/// Causes that are the same in every operation. A status word without a meaning of its own in the
/// operation is unexpected; its bytes go to the log.
fn common(error: &GidsError) -> Status {
    match error {
        GidsError::Exchange(exchange) => Status::from(*exchange),
        GidsError::Status { status: StatusWord::SECURITY_STATUS_NOT_SATISFIED, .. }
        | GidsError::AccessDenied => Status::SecurityViolation,
        GidsError::DirectoryNotFound(_) => Status::DirectoryNotFound,
        GidsError::FileNotFound(_) => Status::FileNotFound,
        GidsError::FileExists(_) | GidsError::DirectoryExists(_) => Status::FileExists,
        GidsError::DirectoryNotEmpty(_) => Status::DirectoryNotEmpty,
        GidsError::Full(_) => Status::NoMemory,
        GidsError::NoKey(_) => Status::NoKeyContainer,
        GidsError::Unsupported(_) => Status::UnsupportedFeature,
        GidsError::InvalidInput(_) | GidsError::PinLength => Status::InvalidParameter,
        other => {
            tracing::warn!(error = %other, "unexpected answer of the card");
            Status::Unexpected
        }
    }
}

/// Reading and listing of files. A missing data object is never "file not found": hosts remember that.
pub(crate) fn reading(error: GidsError) -> Status {
    common(&error)
}

/// Making and deleting of files and directories.
pub(crate) fn filing(error: GidsError) -> Status {
    common(&error)
}

/// Writing of a file's content.
pub(crate) fn writing(error: GidsError) -> Status {
    match error {
        GidsError::Full(_) => Status::WriteTooMany,
        other => common(&other),
    }
}

/// Signing, decryption, key agreement.
pub(crate) fn using_a_key(error: GidsError) -> Status {
    use GidsCommand::{Decipher, KeyAgreement, ManageSecurityEnvironment, Sign};
    match error {
        GidsError::Status { command: ManageSecurityEnvironment, status } => match status {
            StatusWord::REFERENCED_DATA_NOT_FOUND
            | StatusWord::REFERENCE_DATA_NOT_USABLE
            | StatusWord::FILE_NOT_FOUND => Status::NoKeyContainer,
            StatusWord::WRONG_DATA | StatusWord::FUNCTION_NOT_SUPPORTED | StatusWord::NO_DIAGNOSIS => {
                Status::UnsupportedFeature
            }
            _ => common(&error),
        },
        GidsError::Status { command: Sign | Decipher | KeyAgreement, status: StatusWord::WRONG_DATA } => {
            Status::InvalidParameter
        }
        other => common(&other),
    }
}

/// Making and deleting of keys.
pub(crate) fn making_a_key(error: GidsError) -> Status {
    use GidsCommand::{CreateFile, GenerateKey, PutKey};
    match error {
        GidsError::Status {
            command: CreateFile | GenerateKey,
            status: StatusWord::WRONG_DATA | StatusWord::FUNCTION_NOT_SUPPORTED | StatusWord::NO_DIAGNOSIS,
        }
        | GidsError::Status { command: PutKey, status: StatusWord::FUNCTION_NOT_SUPPORTED } => {
            Status::UnsupportedFeature
        }
        GidsError::Status { command: PutKey, status: StatusWord::WRONG_DATA } => Status::InvalidParameter,
        other => common(&other),
    }
}

/// Verification of a PIN or PUK. A length the card does not take is a wrong PIN that cost no try.
pub(crate) fn verifying(error: GidsError) -> Status {
    match &error {
        GidsError::PinLength => Status::WrongPin { attempts: None },
        GidsError::PinEntry(entry) => crate::receipt::entry_refused(*entry),
        GidsError::Status { status, .. } => match *status {
            _ if error.is_wrong_secret() => Status::WrongPin { attempts: error.tries_left().map(u32::from) },
            StatusWord::AUTHENTICATION_BLOCKED => Status::PinBlocked,
            StatusWord::WRONG_LENGTH | StatusWord::WRONG_DATA => Status::WrongPin { attempts: None },
            StatusWord::REFERENCED_DATA_NOT_FOUND => Status::UnsupportedFeature,
            _ => common(&error),
        },
        _ => common(&error),
    }
}

/// Change and unblocking of a PIN: lengths are the new PIN's.
pub(crate) fn changing(error: GidsError) -> Status {
    match &error {
        GidsError::PinLength => Status::InvalidParameter,
        GidsError::Status {
            command: GidsCommand::ChangeReferenceData | GidsCommand::ResetRetryCounter,
            status: StatusWord::WRONG_LENGTH | StatusWord::WRONG_DATA,
        } => Status::InvalidParameter,
        _ => verifying(error),
    }
}

/// Authentication of the administrator.
pub(crate) fn challenging(error: GidsError) -> Status {
    match &error {
        _ if error.is_wrong_response() => Status::WrongPin { attempts: error.tries_left().map(u32::from) },
        GidsError::Status { status: StatusWord::AUTHENTICATION_BLOCKED, .. } => Status::PinBlocked,
        _ => common(&error),
    }
}

/// The first SELECT: a card that refuses it is none of ours.
pub(crate) fn discovering(error: GidsError) -> Status {
    match error {
        GidsError::Exchange(_) => common(&error),
        _ => Status::UnknownCard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_iso7816::{ExchangeError, TransportError};

    fn refused(command: GidsCommand, status: u16) -> GidsError {
        GidsError::Status { command, status: status.into() }
    }

    #[test]
    fn the_same_status_word_means_what_was_asked() {
        assert_eq!(reading(refused(GidsCommand::GetData, 0x6982)), Status::SecurityViolation);
        assert_eq!(
            challenging(refused(GidsCommand::GeneralAuthenticate, 0x6982)),
            Status::WrongPin { attempts: None }
        );
        assert_eq!(
            using_a_key(refused(GidsCommand::ManageSecurityEnvironment, 0x6982)),
            Status::SecurityViolation
        );
        assert_eq!(
            using_a_key(refused(GidsCommand::ManageSecurityEnvironment, 0x6A88)),
            Status::NoKeyContainer
        );
        assert_eq!(
            reading(refused(GidsCommand::GetData, 0x6A88)),
            Status::Unexpected,
            "hosts remember not found"
        );
        assert_eq!(discovering(refused(GidsCommand::Select, 0x6A82)), Status::UnknownCard);
        assert_eq!(using_a_key(refused(GidsCommand::Decipher, 0x6A80)), Status::InvalidParameter);
        assert_eq!(making_a_key(refused(GidsCommand::GenerateKey, 0x6A80)), Status::UnsupportedFeature);
        assert_eq!(making_a_key(refused(GidsCommand::PutKey, 0x6A80)), Status::InvalidParameter);
    }

    #[test]
    fn tries_are_told() {
        let verify = |status| verifying(refused(GidsCommand::Verify, status));
        assert_eq!(verify(0x63C2), Status::WrongPin { attempts: Some(2) });
        assert_eq!(verify(0x63C0), Status::WrongPin { attempts: Some(0) });
        assert_eq!(verify(0x6983), Status::PinBlocked);
        assert_eq!(verify(0x6700), Status::WrongPin { attempts: None });
        assert_eq!(verifying(GidsError::PinLength), Status::WrongPin { attempts: None });
        assert_eq!(changing(refused(GidsCommand::ChangeReferenceData, 0x6A80)), Status::InvalidParameter);
        assert_eq!(changing(refused(GidsCommand::Verify, 0x63C1)), Status::WrongPin { attempts: Some(1) });
        assert_eq!(changing(refused(GidsCommand::ResetRetryCounter, 0x6983)), Status::PinBlocked);
    }

    #[test]
    fn room_is_told_as_the_operation_wants_it() {
        assert_eq!(writing(GidsError::Full("x")), Status::WriteTooMany);
        assert_eq!(filing(GidsError::Full("x")), Status::NoMemory);
        assert_eq!(making_a_key(GidsError::Full("x")), Status::NoMemory);
    }

    #[test]
    fn transport_codes_go_up() {
        let gone = GidsError::Exchange(ExchangeError::Transport(TransportError { code: 0x8010_0069 }));
        for map in [
            reading,
            writing,
            filing,
            using_a_key,
            making_a_key,
            verifying,
            changing,
            challenging,
            discovering,
        ] {
            assert_eq!(map(gone.clone()), Status::Removed);
        }
    }
}
