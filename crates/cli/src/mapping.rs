//! The errors of the libraries as failures of the program: a stable word, an exit code, a hint.

use cardmod_default::EnvironmentError;
use cardmod_host::{Error, PinSourceError};
use cardmod_types::{PinId, PinPurpose};
use cardmod_virtual::{CardFault, StoreError};
use cardmod_winscard::{Fault, FaultKind};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::verbs::module::view::taken_out;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, code) = classify(&error);
        let mut failure = Self::new(exit, code, told(&error));
        failure.hint = hint(&error).map(str::to_owned);
        failure.tries_left = match &error {
            Error::WrongPin { tries_left, .. } => *tries_left,
            Error::PinBlocked { .. } => Some(0),
            _ => None,
        };
        failure
    }
}

impl From<EnvironmentError> for Failure {
    fn from(error: EnvironmentError) -> Self {
        let failure = Self::failed("environment", told(&error));
        match error {
            EnvironmentError::Card(error) => error.into(),
            EnvironmentError::Store(error) => error.into(),
            EnvironmentError::RegisteredModule { name, origin, .. } => {
                Self { code: "module-load", ..failure }
                    .hint(format!("{}; --module names another", taken_out(&name, &origin)))
            }
            EnvironmentError::NoSharedProvider { in_build: true, .. } => failure.hint(if cfg!(windows) {
                "cargo build --release --workspace builds it as cardmod_winscard.dll; copy that to winscard.dll"
            } else {
                "cargo build --release --workspace builds it beside this program"
            }),
            EnvironmentError::NoSharedProvider { file, program, .. } => failure
                .hint(format!("copy {file} from the package that {program} came in into the same folder")),
            _ => failure,
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let (exit, code) = match &error {
            StoreError::BadName { .. } | StoreError::ReservedName { .. } => (Exit::Usage, "bad-card-name"),
            StoreError::Profile(_) => (Exit::Usage, "bad-profile"),
            StoreError::Exists { .. } => (Exit::Failed, "card-exists"),
            StoreError::NoSuchCard { .. } => (Exit::NoCard, "no-card"),
            StoreError::Card(CardFault::PluggedIn { .. }) => (Exit::Failed, "plugged"),
            StoreError::BadPatience { .. } => (Exit::Usage, "bad-patience"),
            StoreError::Card(CardFault::Busy { .. }) => (Exit::Failed, "reader-busy"),
            StoreError::Card(CardFault::Image { .. }) => (Exit::Failed, "bad-image"),
            StoreError::Card(CardFault::NotSaved { .. }) => (Exit::Failed, "not-saved"),
            _ => (Exit::Failed, "virtual-card"),
        };
        Self::new(exit, code, told(&error))
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        let (exit, code, hint) = match fault.kind {
            FaultKind::Busy => (Exit::Failed, "reader-busy", Some("end the other program, or wait for it")),
            FaultKind::PluggedIn => (Exit::Failed, "plugged", None),
            FaultKind::Image => (
                Exit::Failed,
                "bad-image",
                Some("put a copy of the image in its place, or erase the card: cardmod card erase NAME"),
            ),
            FaultKind::NoRoom => (
                Exit::Failed,
                "not-saved",
                Some("make room on the disk, or raise the limit; then run the command again"),
            ),
            FaultKind::NoRights => {
                (Exit::Failed, "not-saved", Some("the folder of the card must be writable for you"))
            }
            FaultKind::NotSaved => (Exit::Failed, "not-saved", None),
            _ => (Exit::Failed, "virtual-card", None),
        };
        Self { hint: hint.map(str::to_owned), ..Self::new(exit, code, fault.text) }
    }
}

/// An error with its causes, each told once.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

fn classify(error: &Error) -> (Exit, &'static str) {
    match error {
        Error::NoReader => (Exit::NoReader, "no-reader"),
        Error::UnknownReader { .. } => (Exit::NoReader, "unknown-reader"),
        Error::NoCard { .. } => (Exit::NoCard, "no-card"),
        Error::Removed { .. } => (Exit::NoCard, "removed"),
        // The try that was the last: the PIN was wrong, and what matters now is that it is blocked.
        Error::WrongPin { tries_left: Some(0), .. } => (Exit::PinBlocked, "pin-blocked"),
        Error::WrongPin { .. } => (Exit::WrongPin, "wrong-pin"),
        Error::PinBlocked { .. } => (Exit::PinBlocked, "pin-blocked"),
        Error::WrongManagementKey { .. } => (Exit::WrongPin, "wrong-management-key"),
        Error::NotSupported { .. } => (Exit::NotSupported, "not-supported"),
        Error::UnsupportedAlgorithm { .. } => (Exit::NotSupported, "unsupported-algorithm"),
        Error::UnsupportedKeySize { .. } => (Exit::NotSupported, "unsupported-key-size"),
        Error::BadContainerName { .. } => (Exit::Usage, "bad-container-name"),
        Error::SeveralCards { .. } => (Exit::Usage, "several-cards"),
        Error::BadFileName { .. } => (Exit::Usage, "bad-file-name"),
        Error::BadInput { .. } => (Exit::Failed, "bad-input"),
        other => (Exit::Failed, failed_word(other)),
    }
}

/// The word for what ends with exit code 1.
fn failed_word(error: &Error) -> &'static str {
    match error {
        Error::ReaderBusy { .. } => "reader-busy",
        Error::Reset { .. } => "reset",
        Error::CardChanged { .. } => "card-changed",
        Error::Closed { .. } => "closed",
        Error::Interrupted { .. } => "interrupted",
        Error::Pcsc { .. } => "pcsc",
        Error::ModuleLoad(_) => "module-load",
        Error::Call { .. } => "module-call",
        Error::PinRequired { .. } | Error::PinSource(_) => "pin-required",
        Error::PinPolicy { .. } => "pin-policy",
        Error::PinPermission { .. } => "pin-permission",
        Error::NoSuchRole { .. } => "no-such-role",
        Error::NotAuthenticated { .. } => "not-authenticated",
        Error::NoSuchContainer { .. } => "no-such-container",
        Error::NoDefaultContainer { .. } => "no-default-container",
        Error::NoSuchKey { .. } => "no-such-key",
        Error::WrongKeyKind { .. } => "wrong-key-kind",
        Error::KeyChanged { .. } => "key-changed",
        Error::CertificateOutdated { .. } => "certificate-outdated",
        Error::ContainerExists { .. } => "container-exists",
        Error::PlaceTaken { .. } => "place-taken",
        Error::CardFull { .. } => "card-full",
        Error::ReadOnlyCard { .. } => "read-only-card",
        Error::ManagementKeyRequired { .. } => "management-key-required",
        Error::CertificateMismatch { .. } => "certificate-mismatch",
        Error::CertificateTooLarge { .. } => "certificate-too-large",
        Error::BadCertificate { .. } => "bad-certificate",
        Error::NoCertificate { .. } => "no-certificate",
        Error::NoCardFits { .. } => "no-card-fits",
        Error::Forbidden { .. } => "forbidden",
        Error::NoSuchRoot { .. } => "no-such-root",
        Error::WrongFilePassword { .. } => "wrong-password",
        Error::BadKeyFile { .. } => "bad-key-file",
        Error::FileNotFound { .. } => "file-not-found",
        Error::DirectoryNotFound { .. } => "directory-not-found",
        Error::FileExists { .. } => "file-exists",
        Error::DirectoryNotEmpty { .. } => "directory-not-empty",
        Error::DecryptionFailed { .. } => "decryption-failed",
        Error::SignatureWrong => "signature-wrong",
        Error::BadCardData { .. } => "bad-card-data",
        _ => "failed",
    }
}

/// The environment names a file with a management key.
fn names_key_file() -> bool {
    std::env::var_os(crate::management::KEY_FILE).is_some()
}

/// What to do about a container that has no key at all.
pub(crate) const NO_KEY_HINT: &str = "its creation was broken off: make the key with cardmod key generate or key import, or delete the container";

/// What is wrong with the file that the environment names.
const KEY_FILE_HINT: &str = if cfg!(windows) {
    "CARDMOD_PIV_MANAGEMENT_KEY_FILE names a file that gives no key: it must be there and hold hexadecimal digits"
} else {
    "CARDMOD_PIV_MANAGEMENT_KEY_FILE names a file that gives no key: it must be there, hold hexadecimal digits, and be for nobody else to read (chmod 600)"
};

/// Where a PIN may come from. On Windows no other descriptor is inherited.
const PIN_HINT: &str = if cfg!(windows) {
    "give --pin-file, --pin-env or --pin-fd 0, or run in a terminal"
} else {
    "give --pin-file, --pin-env or --pin-fd, or run in a terminal"
};

fn hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NoSuchContainer { .. } => {
            "cardmod container list shows the containers; where the card's map lost some, container rebuild finds them"
        }
        Error::NoDefaultContainer { .. } => {
            "name one with --container, or choose one: cardmod container default NAME"
        }
        Error::NoSuchKey { half: None, .. } => NO_KEY_HINT,
        Error::PlaceTaken { name, .. } if !name.is_empty() => {
            "cardmod container delete PLACE deletes its key and certificate"
        }
        Error::CertificateOutdated { .. } => {
            "cardmod cert import puts the right certificate in its place; or cardmod cert delete --container PLACE \
             removes the old one; then cardmod cert request asks for \
             one of the key that is there, or, where the card does not tell its key, cardmod key generate makes one"
        }
        Error::ContainerExists { .. } => "choose another name, or delete it: cardmod container delete NAME",
        Error::ManagementKeyRequired { .. } if names_key_file() => KEY_FILE_HINT,
        Error::ManagementKeyRequired { .. } => {
            "--management-key-file FILE (or -env, -fd, -prompt) gives it; --management-key default is the one PIV cards are made with"
        }
        Error::CardFull { what, .. } if what.starts_with("it has no place") => {
            "cardmod container delete NAME makes room; the retired places of a PIV card (--container 82 to 95) take keys for anything"
        }
        Error::CardFull { .. } => "cardmod container delete NAME makes room",
        Error::WrongManagementKey { .. } => {
            "cardmod piv status shows what kind of management key the card has"
        }
        Error::PinPolicy { .. } => "PIN and PUK of a PIV card have 6 to 8 characters, best digits",
        Error::PinBlocked { .. } | Error::WrongPin { .. } => return way_out(error),
        Error::PinRequired { .. } | Error::PinSource(PinSourceError::Unavailable(_)) => PIN_HINT,
        Error::CertificateMismatch { .. } => {
            "the certificate must be for the container's key: cardmod cert request makes the request for it"
        }
        Error::NotAuthenticated { operation, .. } if operation.contains("file") => {
            "cardmod file list shows whose files are; --admin-key-file FILE acts for the administrator"
        }
        Error::NotAuthenticated { operation, .. } if operation.contains("key") && names_key_file() => {
            "perhaps the card has another management key than the file that CARDMOD_PIV_MANAGEMENT_KEY_FILE names"
        }
        Error::Call { operation: "import a key", .. } => {
            "PIV cards take RSA keys with the public exponent 65537 alone; --apdu-log FILE shows what the card answered"
        }
        Error::WrongKeyKind { .. } => {
            "cardmod container list shows what keys are for; cardmod key generate --purpose chooses it"
        }
        Error::Call { operation: "tell its identity", .. } => {
            "a blank card is like that: its maker's tool sets it up, and cardmod card new makes a virtual card that is set up"
        }
        Error::UnsupportedKeySize { .. } | Error::UnsupportedAlgorithm { .. } => {
            "cardmod info shows the card's key sizes"
        }
        _ => return None,
    })
}

/// What is left to do where a secret is blocked; nothing where it is only wrong.
fn way_out(error: &Error) -> Option<&'static str> {
    Some(match error {
        // What unblocks others is unblocked by nobody.
        Error::PinBlocked { role: PinId::ADMIN, .. } | Error::WrongPin { role: PinId::ADMIN, .. } => {
            return None;
        }
        Error::PinBlocked { purpose: PinPurpose::UnblockOnly, .. }
        | Error::WrongPin { purpose: PinPurpose::UnblockOnly, tries_left: Some(0), .. } => {
            "where the card has an administrator key, cardmod pin unblock --admin-key-file FILE sets a new PIN; on a PIV card PINs that are not blocked go on working, and a blocked one is left to cardmod piv reset"
        }
        Error::PinBlocked { .. } | Error::WrongPin { tries_left: Some(0), .. } => {
            "cardmod pin unblock sets a new PIN with the PUK, --admin-key-file FILE with the administrator key of cards that have one"
        }
        _ => return None,
    })
}
