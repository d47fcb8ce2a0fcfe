//! From what a PIV card refused to the cause a host is told: one function per kind of operation, since a
//! status word means something only together with what was asked.

use cardmod_iso7816::StatusWord;
use cardmod_piv::{PivCommand, PivError};
use cardmod_sdk::Status;

/// Vendors' answer to a touch that did not come, a policy or a PIN that is too simple (`6985`).
const CONDITIONS: StatusWord = StatusWord::CONDITIONS_NOT_SATISFIED;

/// Causes that are the same in every operation. A status word without a meaning of its own in the
/// operation is unexpected; its bytes go to the log.
fn common(error: &PivError) -> Status {
    match error {
        PivError::Exchange(exchange) => Status::from(*exchange),
        PivError::Status { status: StatusWord::SECURITY_STATUS_NOT_SATISFIED, .. }
        | PivError::AccessDenied => Status::SecurityViolation,
        PivError::NoKey(_) => Status::NoKeyContainer,
        PivError::Full(_) => Status::NoMemory,
        PivError::Occupied(_) => Status::NoAccess,
        PivError::Unsupported(_) => Status::UnsupportedFeature,
        PivError::InvalidInput(_) | PivError::PinFormat { .. } => Status::InvalidParameter,
        other => {
            tracing::warn!(error = %other, "unexpected answer of the card");
            Status::Unexpected
        }
    }
}

/// Reading. A missing object is never "file not found": hosts remember that.
pub(super) fn reading(error: PivError) -> Status {
    common(&error)
}

/// Writing of certificates and of the stored map.
pub(super) fn writing(error: PivError) -> Status {
    match &error {
        PivError::Full(_) => Status::WriteTooMany,
        PivError::Status { command: PivCommand::PutData, status } => match *status {
            StatusWord::NOT_ENOUGH_MEMORY => Status::WriteTooMany,
            StatusWord::FILE_NOT_FOUND
            | StatusWord::FUNCTION_NOT_SUPPORTED
            | StatusWord::INCORRECT_P1_P2
            | StatusWord::REFERENCED_DATA_NOT_FOUND => Status::UnsupportedFeature,
            StatusWord::WRONG_DATA | StatusWord::WRONG_LENGTH => Status::WriteTooMany,
            _ => managing(error),
        },
        _ => managing(error),
    }
}

/// Signing, decryption, key agreement.
pub(super) fn using_a_key(error: PivError) -> Status {
    match &error {
        PivError::Status { command: PivCommand::UseKey, status } => match *status {
            // The algorithm is not the key's, or there is no key.
            StatusWord::INCORRECT_P1_P2
            | StatusWord::REFERENCED_DATA_NOT_FOUND
            | StatusWord::REFERENCE_DATA_NOT_USABLE
            | StatusWord::FILE_NOT_FOUND => Status::NoKeyContainer,
            StatusWord::FUNCTION_NOT_SUPPORTED => Status::UnsupportedFeature,
            StatusWord::WRONG_DATA => Status::InvalidParameter,
            CONDITIONS => Status::Cancelled,
            _ => common(&error),
        },
        _ => common(&error),
    }
}

/// Making and deleting of keys.
pub(super) fn making_a_key(error: PivError) -> Status {
    match &error {
        PivError::Status { command: PivCommand::GenerateKey | PivCommand::ImportKey, status } => {
            match *status {
                // The mechanism, or the slot, is none of the card's.
                StatusWord::WRONG_DATA
                | StatusWord::FUNCTION_NOT_SUPPORTED
                | StatusWord::INCORRECT_P1_P2
                | StatusWord::INSTRUCTION_NOT_SUPPORTED => Status::UnsupportedFeature,
                StatusWord::NOT_ENOUGH_MEMORY => Status::NoMemory,
                _ => managing(error),
            }
        }
        PivError::Full(_) => Status::NoMemory,
        _ => managing(error),
    }
}

/// The administrator's authentication inside of an operation, and what needs it: a key that the card does
/// not take is a right that is missing.
pub(super) fn managing(error: PivError) -> Status {
    match &error {
        PivError::Status {
            command: PivCommand::AuthenticateManagement,
            status: StatusWord::AUTHENTICATION_BLOCKED,
        } => Status::PinBlocked,
        PivError::WrongManagementKey | PivError::OtherManagementAlgorithm(_) | PivError::CardNotAuthentic => {
            tracing::error!(%error, "the card cannot be written");
            Status::SecurityViolation
        }
        _ => common(&error),
    }
}

/// Verification of a PIN. One that the card cannot have is a wrong PIN that cost no try.
pub(super) fn verifying(error: PivError) -> Status {
    match &error {
        PivError::PinFormat { .. } => Status::WrongPin { attempts: None },
        PivError::PinEntry(entry) => crate::receipt::entry_refused(*entry),
        PivError::Status { status, .. } => match *status {
            _ if error.is_wrong_secret() => Status::WrongPin { attempts: error.tries_left().map(u32::from) },
            StatusWord::AUTHENTICATION_BLOCKED => Status::PinBlocked,
            StatusWord::WRONG_LENGTH | StatusWord::WRONG_DATA => Status::WrongPin { attempts: None },
            StatusWord::REFERENCED_DATA_NOT_FOUND => Status::UnsupportedFeature,
            _ => common(&error),
        },
        _ => common(&error),
    }
}

/// Change and unblocking of a PIN: what is said of the form is said of the new PIN.
pub(super) fn changing(error: PivError) -> Status {
    match &error {
        PivError::PinFormat { .. } => Status::InvalidParameter,
        PivError::Status {
            command: PivCommand::ChangeReferenceData | PivCommand::ResetRetryCounter,
            status: StatusWord::WRONG_LENGTH | StatusWord::WRONG_DATA | CONDITIONS,
        } => Status::InvalidParameter,
        _ => verifying(error),
    }
}

/// Challenge and response with the management key.
pub(super) fn challenging(error: PivError) -> Status {
    match &error {
        PivError::Status { command: PivCommand::AuthenticateManagement, status } => match *status {
            StatusWord::AUTHENTICATION_BLOCKED => Status::PinBlocked,
            StatusWord::INCORRECT_P1_P2 | StatusWord::REFERENCED_DATA_NOT_FOUND => Status::UnsupportedFeature,
            _ => common(&error),
        },
        // No card says how many tries a key has left.
        PivError::WrongManagementKey => Status::WrongPin { attempts: None },
        _ => common(&error),
    }
}

/// The first SELECT: a card that refuses it is none of ours.
pub(super) fn discovering(error: PivError) -> Status {
    match error {
        PivError::Exchange(_) => common(&error),
        _ => Status::UnknownCard,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_iso7816::{ExchangeError, TransportError};
    use cardmod_piv::Slot;

    fn refused(command: PivCommand, status: u16) -> PivError {
        PivError::Status { command, status: status.into() }
    }

    #[test]
    fn the_same_status_word_means_what_was_asked() {
        use PivCommand::{AuthenticateManagement, GenerateKey, GetData, PutData, Select, UseKey, Verify};
        assert_eq!(reading(refused(GetData, 0x6982)), Status::SecurityViolation);
        assert_eq!(reading(refused(GetData, 0x6A88)), Status::Unexpected, "hosts remember not found");
        assert_eq!(using_a_key(refused(UseKey, 0x6982)), Status::SecurityViolation);
        assert_eq!(using_a_key(refused(UseKey, 0x6A86)), Status::NoKeyContainer);
        assert_eq!(using_a_key(refused(UseKey, 0x6A80)), Status::InvalidParameter);
        assert_eq!(using_a_key(refused(UseKey, 0x6985)), Status::Cancelled, "nobody touched it");
        assert_eq!(making_a_key(refused(GenerateKey, 0x6A80)), Status::UnsupportedFeature);
        assert_eq!(making_a_key(refused(GenerateKey, 0x6A84)), Status::NoMemory);
        assert_eq!(making_a_key(PivError::WrongManagementKey), Status::SecurityViolation);
        assert_eq!(challenging(PivError::WrongManagementKey), Status::WrongPin { attempts: None });
        assert_eq!(challenging(refused(AuthenticateManagement, 0x6983)), Status::PinBlocked);
        assert_eq!(writing(refused(AuthenticateManagement, 0x6983)), Status::PinBlocked);
        assert_eq!(writing(refused(PutData, 0x6A84)), Status::WriteTooMany);
        assert_eq!(writing(refused(PutData, 0x6A81)), Status::UnsupportedFeature);
        assert_eq!(verifying(refused(Verify, 0x6982)), Status::SecurityViolation);
        assert_eq!(discovering(refused(Select, 0x6A82)), Status::UnknownCard);
        assert_eq!(making_a_key(PivError::Occupied(Slot::Signature)), Status::NoAccess);
    }

    #[test]
    fn tries_are_told() {
        let verify = |status| verifying(refused(PivCommand::Verify, status));
        assert_eq!(verify(0x63C2), Status::WrongPin { attempts: Some(2) });
        assert_eq!(verify(0x63C0), Status::WrongPin { attempts: Some(0) });
        assert_eq!(verify(0x6300), Status::WrongPin { attempts: None });
        assert_eq!(verify(0x6983), Status::PinBlocked);
        assert_eq!(verify(0x6A80), Status::WrongPin { attempts: None });
        let format = PivError::PinFormat { digits: false };
        assert_eq!(verifying(format.clone()), Status::WrongPin { attempts: None });
        assert_eq!(changing(format), Status::InvalidParameter);
        let change = |command, status| changing(refused(command, status));
        assert_eq!(change(PivCommand::ChangeReferenceData, 0x6985), Status::InvalidParameter, "too simple");
        assert_eq!(change(PivCommand::ResetRetryCounter, 0x63C1), Status::WrongPin { attempts: Some(1) });
        assert_eq!(change(PivCommand::ResetRetryCounter, 0x6983), Status::PinBlocked);
    }

    #[test]
    fn transport_codes_go_up() {
        let gone = PivError::Exchange(ExchangeError::Transport(TransportError { code: 0x8010_0069 }));
        for map in [
            reading,
            writing,
            using_a_key,
            making_a_key,
            managing,
            verifying,
            changing,
            challenging,
            discovering,
        ] {
            assert_eq!(map(gone.clone()), Status::Removed);
        }
    }
}
