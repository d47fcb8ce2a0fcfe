//! The functions of `Cardmod.h` by name, and what goes wrong when one is called.

use std::fmt;

use cardmod_heap::BlockError;

macro_rules! functions {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// A function of a card module.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum CardFunction {
            $(#[doc = concat!("`", $name, "`")] $variant),+
        }

        impl CardFunction {
            /// Every function, in the order of the header.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as in `Cardmod.h`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }
    };
}

functions! {
    AcquireContext = "CardAcquireContext",
    DeleteContext = "CardDeleteContext",
    QueryCapabilities = "CardQueryCapabilities",
    DeleteContainer = "CardDeleteContainer",
    CreateContainer = "CardCreateContainer",
    GetContainerInfo = "CardGetContainerInfo",
    AuthenticatePin = "CardAuthenticatePin",
    GetChallenge = "CardGetChallenge",
    AuthenticateChallenge = "CardAuthenticateChallenge",
    UnblockPin = "CardUnblockPin",
    ChangeAuthenticator = "CardChangeAuthenticator",
    Deauthenticate = "CardDeauthenticate",
    CreateDirectory = "CardCreateDirectory",
    DeleteDirectory = "CardDeleteDirectory",
    CreateFile = "CardCreateFile",
    ReadFile = "CardReadFile",
    WriteFile = "CardWriteFile",
    DeleteFile = "CardDeleteFile",
    EnumFiles = "CardEnumFiles",
    GetFileInfo = "CardGetFileInfo",
    QueryFreeSpace = "CardQueryFreeSpace",
    QueryKeySizes = "CardQueryKeySizes",
    SignData = "CardSignData",
    RsaDecrypt = "CardRSADecrypt",
    ConstructDhAgreement = "CardConstructDHAgreement",
    DeriveKey = "CardDeriveKey",
    DestroyDhAgreement = "CardDestroyDHAgreement",
    GetChallengeEx = "CardGetChallengeEx",
    AuthenticateEx = "CardAuthenticateEx",
    ChangeAuthenticatorEx = "CardChangeAuthenticatorEx",
    DeauthenticateEx = "CardDeauthenticateEx",
    GetContainerProperty = "CardGetContainerProperty",
    SetContainerProperty = "CardSetContainerProperty",
    GetProperty = "CardGetProperty",
    SetProperty = "CardSetProperty",
    ImportSessionKeyIntoModule = "MDImportSessionKey",
    EncryptData = "MDEncryptData",
    ImportSessionKey = "CardImportSessionKey",
    GetSharedKeyHandle = "CardGetSharedKeyHandle",
    GetAlgorithmProperty = "CardGetAlgorithmProperty",
    GetKeyProperty = "CardGetKeyProperty",
    SetKeyProperty = "CardSetKeyProperty",
    DestroyKey = "CardDestroyKey",
    ProcessEncryptedData = "CardProcessEncryptedData",
    CreateContainerEx = "CardCreateContainerEx",
}

impl CardFunction {
    /// The function changes what a card keeps: keys, files, PINs. Properties are left out: setting one
    /// again makes no difference.
    pub(crate) fn changes_card(self) -> bool {
        matches!(
            self,
            Self::DeleteContainer
                | Self::CreateContainer
                | Self::CreateContainerEx
                | Self::UnblockPin
                | Self::ChangeAuthenticator
                | Self::ChangeAuthenticatorEx
                | Self::CreateDirectory
                | Self::DeleteDirectory
                | Self::CreateFile
                | Self::WriteFile
                | Self::DeleteFile
        )
    }

    /// The function sends the card a secret, which costs a try where it is wrong.
    pub(crate) fn sends_secret(self) -> bool {
        matches!(
            self,
            Self::AuthenticatePin
                | Self::AuthenticateEx
                | Self::AuthenticateChallenge
                | Self::UnblockPin
                | Self::ChangeAuthenticator
                | Self::ChangeAuthenticatorEx
        )
    }
}

impl fmt::Display for CardFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call of a card module that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// The function that was called.
    pub function: CardFunction,
    /// What happened.
    pub kind: CallErrorKind,
    /// The tries left, where the function tells them and did.
    pub tries_left: Option<u32>,
}

/// What happened in a [`CallError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallErrorKind {
    /// The module answered this code.
    Code(u32),
    /// The module has no such function in the version of the interface agreed on.
    Absent,
    /// The module answered success with a result that cannot be.
    Lie(&'static str),
    /// The module answered success with memory that is not its to give.
    Block(BlockError),
    /// The host cannot express the request: an argument is too long, or has a NUL within.
    Argument(&'static str),
}

impl CallError {
    /// The module answered a code.
    #[must_use]
    pub fn code_of(function: CardFunction, code: u32) -> Self {
        Self { function, kind: CallErrorKind::Code(code), tries_left: None }
    }

    pub(crate) fn new(function: CardFunction, kind: CallErrorKind) -> Self {
        Self { function, kind, tries_left: None }
    }

    pub(crate) fn lie(function: CardFunction, what: &'static str) -> Self {
        Self::new(function, CallErrorKind::Lie(what))
    }

    /// The code the module answered, where it answered one.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        match self.kind {
            CallErrorKind::Code(code) => Some(code),
            _ => None,
        }
    }

    /// The module answered this very code.
    #[must_use]
    pub fn is(&self, code: u32) -> bool {
        self.code() == Some(code)
    }

    /// The operation does not exist: the function is absent, or says so itself.
    #[must_use]
    pub fn is_unsupported(&self) -> bool {
        matches!(self.kind, CallErrorKind::Absent) || self.is(cardmod_sys::SCARD_E_UNSUPPORTED_FEATURE)
    }

    /// The property is not one of the module's: unsupported, or a parameter it does not know.
    #[must_use]
    pub fn is_unknown_property(&self) -> bool {
        self.is_unsupported() || self.is(cardmod_sys::SCARD_E_INVALID_PARAMETER)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = self.function;
        match &self.kind {
            CallErrorKind::Code(code) => write!(f, "{function} answered {}", code_text(*code)),
            CallErrorKind::Absent => write!(f, "the card module has no {function}"),
            CallErrorKind::Lie(what) => write!(f, "{function} answered success, but {what}"),
            CallErrorKind::Block(error) => {
                write!(f, "{function} answered success, but with memory the host cannot take: {error}")
            }
            CallErrorKind::Argument(what) => write!(f, "{function} cannot be called: {what}"),
        }
    }
}

impl std::error::Error for CallError {}

/// A code as text: `SCARD_E_FILE_NOT_FOUND (0x80100024)`.
#[must_use]
pub fn code_text(code: u32) -> String {
    match cardmod_sys::reflect::code_name(code) {
        Some(name) => format!("{name} (0x{code:08X})"),
        None => format!("0x{code:08X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_function_and_code() {
        let error = CallError::code_of(CardFunction::ReadFile, 0x8010_0024);
        assert_eq!(error.to_string(), "CardReadFile answered SCARD_E_FILE_NOT_FOUND (0x80100024)");
        let odd = CallError::code_of(CardFunction::SignData, 7);
        assert_eq!(odd.to_string(), "CardSignData answered 0x00000007");
    }

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = CardFunction::ALL.iter().map(|function| function.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CardFunction::ALL.len());
        assert_eq!(names.len(), 45);
    }
}
