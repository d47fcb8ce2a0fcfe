//! The causes a card module can answer, each with the code that goes to the caller.
//!
//! One line per cause: name, code, the code's name in the headers, meaning. The codes come from
//! winerror.h (specification, section 3); a test compares them with the tables of `cardmod-sys`.

use core::fmt;

use cardmod_iso7816::{ExchangeError, TransportError};

macro_rules! causes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:ident $value:literal $text:literal,)+) => {
        /// Why an entry fails: a closed set of causes.
        ///
        /// [`Status::code`] is what the caller sees. Detail belongs in the log, the cause goes to C.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Status {
            $($(#[doc = $doc])+ $variant,)+
            /// A secret was wrong: PIN, PUK or response (`SCARD_W_WRONG_CHV`).
            WrongPin {
                /// The tries left; `None` where the card does not say.
                attempts: Option<u32>,
            },
            /// A PC/SC code that goes up untouched, with its Windows value: what `SCardTransmit`
            /// answered. Removal and reset have causes of their own.
            Transport(u32),
        }

        impl Status {
            /// Every cause without payload.
            pub const PLAIN: &'static [Self] = &[$(Self::$variant,)+];

            /// The code the caller sees.
            #[must_use]
            pub const fn code(self) -> u32 {
                match self {
                    $(Self::$variant => $value,)+
                    Self::WrongPin { .. } => WRONG_CHV,
                    Self::Transport(code) => code,
                }
            }

            /// The code's name in the Windows headers; `None` for a transport code.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => Some(stringify!($code)),)+
                    Self::WrongPin { .. } => Some("SCARD_W_WRONG_CHV"),
                    Self::Transport(_) => None,
                }
            }

            /// The cause that has this code; any other code is a transport code.
            #[must_use]
            pub const fn from_code(code: u32) -> Self {
                match code {
                    $($value => Self::$variant,)+
                    WRONG_CHV => Self::WrongPin { attempts: None },
                    other => Self::Transport(other),
                }
            }

            const fn text(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                    Self::WrongPin { .. } => "the PIN or response is wrong",
                    Self::Transport(_) => "the card could not be reached",
                }
            }
        }
    };
}

/// `SCARD_W_WRONG_CHV`.
const WRONG_CHV: u32 = 0x8010_006B;

causes! {
    /// The command was cancelled.
    Cancelled = SCARD_E_CANCELLED 0x8010_0002 "the operation was cancelled",
    /// No card handle, or a key handle that is none.
    InvalidHandle = SCARD_E_INVALID_HANDLE 0x8010_0003 "the handle is not valid",
    /// An argument breaks the interface's rules.
    InvalidParameter = SCARD_E_INVALID_PARAMETER 0x8010_0004 "an argument is not valid",
    /// The host's allocator gave nothing, or the card or a table is full.
    NoMemory = SCARD_E_NO_MEMORY 0x8010_0006 "there is no room left",
    /// Data shorter than the operation needs, such as an RSA block.
    InsufficientBuffer = SCARD_E_INSUFFICIENT_BUFFER 0x8010_0008 "the data is shorter than the key needs",
    /// The card is not one of this module's.
    UnknownCard = SCARD_E_UNKNOWN_CARD 0x8010_000D "the card is not known to this module",
    /// Reader and card do not understand each other.
    CommunicationError = SCARD_F_COMM_ERROR 0x8010_0013 "the communication with the card failed",
    /// A failure without a better cause; also the answer after a panic.
    Unexpected = SCARD_E_UNEXPECTED 0x8010_001F "an unexpected failure",
    /// The card or module cannot do this.
    UnsupportedFeature = SCARD_E_UNSUPPORTED_FEATURE 0x8010_0022 "the card does not support this",
    /// The directory is missing, even if a file has that name.
    DirectoryNotFound = SCARD_E_DIR_NOT_FOUND 0x8010_0023 "the directory does not exist",
    /// The file is missing in an existing directory. Hosts remember this answer.
    FileNotFound = SCARD_E_FILE_NOT_FOUND 0x8010_0024 "the file does not exist",
    /// The card denies access for a reason other than a missing authentication.
    NoAccess = SCARD_E_NO_ACCESS 0x8010_0027 "access is denied",
    /// A file cannot grow to the length wanted.
    WriteTooMany = SCARD_E_WRITE_TOO_MANY 0x8010_0028 "the card has no room for this file",
    /// The answer of the card was incomplete.
    CommunicationDataLost = SCARD_E_COMM_DATA_LOST 0x8010_002F "the card's answer was incomplete",
    /// The container is empty or out of the card's range.
    NoKeyContainer = SCARD_E_NO_KEY_CONTAINER 0x8010_0030 "the container does not exist",
    /// Another process reset the card.
    Reset = SCARD_W_RESET_CARD 0x8010_0068 "the card was reset",
    /// The card is gone.
    Removed = SCARD_W_REMOVED_CARD 0x8010_0069 "the card was removed",
    /// The role needed is not authenticated.
    SecurityViolation = SCARD_W_SECURITY_VIOLATION 0x8010_006A "the role needed is not authenticated",
    /// No tries are left.
    PinBlocked = SCARD_W_CHV_BLOCKED 0x8010_006C "the PIN is blocked",
    /// The user closed the PIN dialog.
    CancelledByUser = SCARD_W_CANCELLED_BY_USER 0x8010_006E "the user cancelled",
    /// No PIN has been presented.
    NotAuthenticated = SCARD_W_CARD_NOT_AUTHENTICATED 0x8010_006F "no PIN was presented to the card",
    /// A file or directory of that name exists.
    FileExists = ERROR_FILE_EXISTS 0x50 "the name exists already",
    /// A property's buffer is too small; the length needed has been told.
    BufferTooSmall = ERROR_INSUFFICIENT_BUFFER 0x7A "the buffer is too small",
    /// The directory still has files.
    DirectoryNotEmpty = ERROR_DIR_NOT_EMPTY 0x91 "the directory is not empty",
    /// The version of the interface or of a structure is not spoken here.
    RevisionMismatch = ERROR_REVISION_MISMATCH 0x51A "the version is not supported",
}

impl Status {
    /// What `pcAttemptsRemaining` shows beside this cause (specification, section 7.5); `None` where
    /// the caller's value stays 0.
    #[must_use]
    pub const fn attempts(self) -> Option<u32> {
        match self {
            Self::WrongPin { attempts: Some(left) } => Some(left),
            Self::WrongPin { attempts: None } => Some(cardmod_sys::CARD_DATA_VALUE_UNKNOWN),
            _ => None,
        }
    }

    /// After this cause nothing known of the card's state holds any more.
    #[must_use]
    pub const fn loses_connection(self) -> bool {
        matches!(
            self,
            Self::Reset
                | Self::Removed
                | Self::CommunicationError
                | Self::CommunicationDataLost
                | Self::Transport(_)
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongPin { attempts: Some(left) } => write!(f, "{}, {left} tries left", self.text()),
            Self::Transport(code) => write!(f, "{} (PC/SC code {code:#010x})", self.text()),
            _ => f.write_str(self.text()),
        }
    }
}

impl core::error::Error for Status {}

impl From<TransportError> for Status {
    /// Reset and removal become causes of their own, success (which no failure may carry) becomes
    /// [`Status::CommunicationError`], every other code goes up untouched.
    fn from(error: TransportError) -> Self {
        match error.code {
            0 => Self::CommunicationError,
            code if code == Self::Reset.code() => Self::Reset,
            code if code == Self::Removed.code() => Self::Removed,
            code => Self::Transport(code),
        }
    }
}

impl From<ExchangeError> for Status {
    /// A transport failure keeps its code; an answer that is no response is
    /// [`Status::CommunicationDataLost`].
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::Transport(transport) => transport.into(),
            _ => Self::CommunicationDataLost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! same_as_sys {
        ($($name:ident),+ $(,)?) => {
            [$((stringify!($name), cardmod_sys::$name as u32)),+]
        };
    }

    #[test]
    fn codes_are_those_of_the_headers() {
        let table = same_as_sys![
            SCARD_E_CANCELLED,
            SCARD_E_INVALID_HANDLE,
            SCARD_E_INVALID_PARAMETER,
            SCARD_E_NO_MEMORY,
            SCARD_E_INSUFFICIENT_BUFFER,
            SCARD_E_UNKNOWN_CARD,
            SCARD_F_COMM_ERROR,
            SCARD_E_UNEXPECTED,
            SCARD_E_UNSUPPORTED_FEATURE,
            SCARD_E_DIR_NOT_FOUND,
            SCARD_E_FILE_NOT_FOUND,
            SCARD_E_NO_ACCESS,
            SCARD_E_WRITE_TOO_MANY,
            SCARD_E_COMM_DATA_LOST,
            SCARD_E_NO_KEY_CONTAINER,
            SCARD_W_RESET_CARD,
            SCARD_W_REMOVED_CARD,
            SCARD_W_SECURITY_VIOLATION,
            SCARD_W_CHV_BLOCKED,
            SCARD_W_CANCELLED_BY_USER,
            SCARD_W_CARD_NOT_AUTHENTICATED,
            ERROR_FILE_EXISTS,
            ERROR_INSUFFICIENT_BUFFER,
            ERROR_DIR_NOT_EMPTY,
            ERROR_REVISION_MISMATCH,
        ];
        assert_eq!(table.len(), Status::PLAIN.len());
        for (status, (name, code)) in Status::PLAIN.iter().zip(table) {
            assert_eq!((status.name(), status.code()), (Some(name), code));
            assert_eq!(Status::from_code(code), *status);
        }
        assert_eq!(Status::WrongPin { attempts: None }.code(), cardmod_sys::SCARD_W_WRONG_CHV);
        assert_eq!(Status::from_code(0x8010_0017), Status::Transport(0x8010_0017));
    }

    #[test]
    fn attempts_follow_the_counter_rules() {
        assert_eq!(Status::WrongPin { attempts: Some(2) }.attempts(), Some(2));
        assert_eq!(Status::WrongPin { attempts: None }.attempts(), Some(u32::MAX));
        assert_eq!(Status::PinBlocked.attempts(), None);
    }

    #[test]
    fn transport_codes_go_up_untouched() {
        assert_eq!(Status::from(TransportError { code: 0x8010_0068 }), Status::Reset);
        assert_eq!(Status::from(TransportError { code: 0x8010_0069 }), Status::Removed);
        assert_eq!(Status::from(TransportError { code: 0x8010_0012 }).code(), 0x8010_0012);
        assert_ne!(Status::from(TransportError { code: 0 }).code(), 0);
    }
}
