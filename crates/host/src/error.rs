//! What goes wrong for a user of cards: one enum to match on, and messages that say what happened,
//! to which card and container, and what to do.

use std::fmt;

use cardmod_pcsc::PcscError;
use cardmod_sys as sys;
use cardmod_types::{KeyHalf, PinId, PinPurpose, PinSet};

use crate::csp::PinSourceError;
use crate::module::{CallError, LoadError, code_text};

/// Why an operation on a card failed.
///
/// `card` is the name of the reader the card is in: that is what a user can see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the messages say what the members are")]
pub enum Error {
    /// No reader at all.
    #[error("there is no card reader; connect one, or make a virtual card")]
    NoReader,
    /// No reader of this name.
    #[error("there is no reader {name:?}; known are: {known}")]
    UnknownReader { name: String, known: String },
    /// The reader is empty.
    #[error("there is no card in {reader:?}; insert one")]
    NoCard { reader: String },
    /// Another program has the card for itself.
    #[error("the card in {reader:?} is in exclusive use by another program; try again when it is done")]
    ReaderBusy { reader: String },
    /// The card is gone.
    #[error("the card was removed from {reader:?}; insert it and try again")]
    Removed { reader: String },
    /// What was remembered of the card is not on it, more than once during one operation.
    #[error("the card in {card:?} is not what was remembered of it; try again")]
    CardChanged { card: String },
    /// The card was reset, more than once during one operation.
    #[error("the card in {reader:?} was reset by another program; try again")]
    Reset { reader: String },
    /// The session was closed, by this or another part of the program.
    #[error("the card in {reader:?} was closed by this program; open it again")]
    Closed { reader: String },
    /// The connection failed after a change was begun that is not begun again by itself: it may have been
    /// made, or not, or in part.
    #[error(
        "whether the card in {card:?} made the change is not known, since {fault} in its midst; look at what is there before you try again"
    )]
    Interrupted { card: String, fault: Fault },
    /// PC/SC itself fails.
    #[error("PC/SC fails for {reader:?}: {} answered {}", .source.call, code_text(.source.code))]
    Pcsc { reader: String, source: PcscError },
    /// The card module cannot be used.
    #[error(transparent)]
    ModuleLoad(#[from] LoadError),
    /// The card module failed in a way that has no meaning of its own here.
    #[error("the card in {card:?} could not {operation}: {source}")]
    Call { card: String, operation: &'static str, source: CallError },
    /// The PIN is wrong.
    #[error("{} is wrong for the card in {card:?}; {}", pin_text(*.role, *.purpose), tries(*.tries_left))]
    WrongPin { card: String, role: PinId, purpose: PinPurpose, tries_left: Option<u32> },
    /// The PIN is blocked.
    #[error(
        "{} is blocked on the card in {card:?}{}", pin_text(*.role, *.purpose), way_out(*.role, *.purpose)
    )]
    PinBlocked { card: String, role: PinId, purpose: PinPurpose },
    /// A PIN is needed and may not be asked for.
    #[error("the card in {card:?} wants {}, and none was given", pin_text(*.role, PinPurpose::Authentication))]
    PinRequired { card: String, role: PinId },
    /// The PIN source gave none.
    #[error(transparent)]
    PinSource(#[from] PinSourceError),
    /// The new PIN is not one the card takes.
    #[error(
        "the card in {card:?} does not take the new value of {}: its length or form is against the card's rules",
        pin_text(*.role, PinPurpose::Authentication)
    )]
    PinPolicy { card: String, role: PinId },
    /// The card has no such role.
    #[error("the card in {card:?} has no {role}")]
    NoSuchRole { card: String, role: PinId },
    /// A role may not do this to a PIN. No try was spent.
    #[error(
        "{} on the card in {card:?} cannot be {action} by {}; {}",
        pin_text(*.role, PinPurpose::Authentication), who(*.by), allowed_text(*.allowed)
    )]
    PinPermission { card: String, role: PinId, action: PinAction, by: PinId, allowed: PinSet },
    /// The role that would be needed is not authenticated.
    #[error("the card in {card:?} does not allow to {operation} without another authentication")]
    NotAuthenticated { card: String, operation: &'static str },
    /// No container of this name.
    #[error("there is no container {name:?} on the card in {card:?}")]
    NoSuchContainer { name: String, card: String },
    /// The card has no default container.
    #[error("the card in {card:?} has no default container; name one")]
    NoDefaultContainer { card: String },
    /// The container has not that key; with no half, it has none at all, as a creation that was broken off
    /// leaves it.
    #[error("container {container:?} on the card in {card:?} has no {}", half_text(*.half))]
    NoSuchKey { container: String, half: Option<KeyHalf>, card: String },
    /// The key is of another kind than the one asked for.
    #[error("the key of container {container:?} on the card in {card:?} is {found}, not {wanted}")]
    WrongKeyKind { container: String, card: String, found: String, wanted: String },
    /// The container has another key than when its signer was made.
    #[error("container {container:?} on the card in {card:?} has another key now; open its key again")]
    KeyChanged { container: String, card: String },
    /// The key in a place is not the one that is told of it, which where a certificate lies is the
    /// certificate's: another program made a new key and left the certificate of the old one.
    #[error(
        "the key in place {place} on the card in {card:?} is not the one of the certificate beside it: that may \
         be outdated, of a key that another program has replaced or deleted"
    )]
    CertificateOutdated { place: String, card: String },
    /// A container of this name has that key already.
    #[error("container {name:?} exists on the card in {card:?}; delete it first, or take another name")]
    ContainerExists { name: String, card: String },
    /// The place of a card that has places for keys has one already. Where the container map does not tell of
    /// it, the name is empty.
    #[error("place {place} of the card in {card:?} has a key already{}; {}", named(.name), if .name.is_empty() { "take another place" } else { "delete it first, or take another place" })]
    PlaceTaken { place: String, name: String, card: String },
    /// The name is none.
    #[error("{name:?} is no container name: {reason}")]
    BadContainerName { name: String, reason: String },
    /// No room.
    #[error("the card in {card:?} is full: {what}; delete something first")]
    CardFull { card: String, what: String },
    /// The card cannot be written.
    #[error("the card in {card:?} is read-only: {why}")]
    ReadOnlyCard { card: String, why: String },
    /// The card is read-only for whoever has not its management key.
    #[error("the card in {card:?} is read-only without its management key; give the key")]
    ManagementKeyRequired { card: String },
    /// The management key is not the card's. The PIN was right.
    #[error("the management key is wrong for the card in {card:?}")]
    WrongManagementKey { card: String },
    /// The card has not this algorithm.
    #[error("the card in {card:?} has no {algorithm}")]
    UnsupportedAlgorithm { algorithm: String, card: String },
    /// The card has not this key size.
    #[error("the card in {card:?} has no keys of {bits} bits; it has {supported}")]
    UnsupportedKeySize { bits: u32, supported: String, card: String },
    /// The card or its module cannot do this.
    #[error("the card in {card:?} cannot {what}")]
    NotSupported { what: String, card: String },
    /// The certificate belongs to another key.
    #[error("the certificate does not match the key of container {container:?} on the card in {card:?}")]
    CertificateMismatch { container: String, card: String },
    /// The certificate is too large.
    #[error("the certificate has {length} bytes; a card takes at most {limit}")]
    CertificateTooLarge { length: usize, limit: usize },
    /// The certificate is none.
    #[error("this is no certificate: {reason}")]
    BadCertificate { reason: String },
    /// There is no certificate.
    #[error("container {container:?} on the card in {card:?} has no certificate")]
    NoCertificate { container: String, card: String },
    /// The certificate is not in the card's root store.
    #[error("this certificate is not among the roots on the card in {card:?}")]
    NoSuchRoot { card: String },
    /// The password of a file is wrong.
    #[error("the password is wrong, or the PKCS #12 file is broken: {reason}")]
    WrongFilePassword { reason: String },
    /// A PKCS #12 file cannot be read.
    #[error("this PKCS #12 file cannot be read: {reason}")]
    BadKeyFile { reason: String },
    /// None of several cards has what is looked for, or takes it.
    #[error("no card fits for {what}: {reasons}")]
    NoCardFits { what: String, reasons: String },
    /// Several cards have what is looked for, or take it.
    #[error("several cards fit for {what}: name one of the readers {readers}")]
    SeveralCards { what: String, readers: String },
    /// The host's policy forbids it.
    #[error("the policy of this program does not allow to {what}")]
    Forbidden { what: String },
    /// A file or directory name is none.
    #[error("{name:?} is no file name: {reason}")]
    BadFileName { name: String, reason: String },
    /// The file is not there.
    #[error("there is no file {path} on the card in {card:?}")]
    FileNotFound { path: String, card: String },
    /// The directory is not there.
    #[error("there is no directory for {path} on the card in {card:?}")]
    DirectoryNotFound { path: String, card: String },
    /// The file or directory is there.
    #[error("{path} exists on the card in {card:?}")]
    FileExists { path: String, card: String },
    /// The directory has files.
    #[error("directory {path} on the card in {card:?} is not empty")]
    DirectoryNotEmpty { path: String, card: String },
    /// What was handed in cannot be used.
    #[error("{what}")]
    BadInput { what: String },
    /// The decryption yields nothing; why is not said, since that helps attackers alone.
    #[error(
        "the ciphertext cannot be decrypted with the key of container {container:?} on the card in {card:?}"
    )]
    DecryptionFailed { container: String, card: String },
    /// The signature does not verify.
    #[error("the signature is wrong: it was not made by this key over these data")]
    SignatureWrong,
    /// A file or answer of the card is broken.
    #[error("the card in {card:?} is damaged: {what}")]
    BadCardData { what: String, card: String },
}

/// What may be done to a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinAction {
    /// Replaced by the authority of somebody who may.
    Change,
    /// Replaced, with its tries given back.
    Unblock,
}

impl std::fmt::Display for PinAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Change => "changed",
            Self::Unblock => "unblocked",
        })
    }
}

/// What people call the secret of a role.
fn pin_text(role: PinId, purpose: PinPurpose) -> String {
    match role {
        PinId::USER => "the user PIN".to_owned(),
        PinId::ADMIN => "the administrator key".to_owned(),
        _ if purpose == PinPurpose::UnblockOnly => "the PUK".to_owned(),
        role => format!("the PIN of {role}"),
    }
}

/// The container in a place, where it is known.
fn named(name: &str) -> String {
    if name.is_empty() {
        ", which its container map does not tell of".to_owned()
    } else {
        format!(", that of container {name:?}")
    }
}

/// What people call a role.
fn who(role: PinId) -> String {
    match role {
        PinId::USER => "the user".to_owned(),
        PinId::ADMIN => "the administrator".to_owned(),
        role => role.to_string(),
    }
}

fn allowed_text(roles: PinSet) -> String {
    let names: Vec<String> = roles.iter().map(who).collect();
    match names.as_slice() {
        [] => "nobody may".to_owned(),
        names => format!("{} may", names.join(" or ")),
    }
}

/// What is left to do where a secret is blocked.
fn way_out(role: PinId, purpose: PinPurpose) -> &'static str {
    match role {
        PinId::ADMIN => "",
        // An administrator's key, which is for that on some cards, is for the caller to know of.
        _ if purpose == PinPurpose::UnblockOnly => "",
        _ => "; unblock it with the PUK, or with the administrator key where the card has one",
    }
}

fn tries(left: Option<u32>) -> String {
    match left {
        Some(0) => "it is blocked now".to_owned(),
        Some(1) => "1 try left".to_owned(),
        Some(left) => format!("{left} tries left"),
        None => "the card does not tell how many tries are left".to_owned(),
    }
}

fn half_text(half: Option<KeyHalf>) -> &'static str {
    match half {
        Some(KeyHalf::Signature) => "signature key",
        Some(KeyHalf::KeyExchange) => "key exchange key",
        None => "key",
    }
}

/// What befell the connection to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Another program reset the card, or the resource manager did.
    Reset,
    /// The card was taken out, perhaps put back.
    Removal,
    /// The resource manager dropped the connection: it was stopped or restarted, or the desktop was switched.
    Service,
    /// A command or its answer was lost on the way.
    Communication,
}

impl Fault {
    /// The fault a PC/SC code tells of, be it PC/SC's own answer or passed on by a card module.
    #[must_use]
    pub fn of_code(code: u32) -> Option<Self> {
        match code {
            sys::SCARD_W_RESET_CARD => Some(Self::Reset),
            sys::SCARD_W_REMOVED_CARD | sys::SCARD_E_NO_SMARTCARD => Some(Self::Removal),
            sys::SCARD_E_INVALID_HANDLE
            | sys::SCARD_E_NO_SERVICE
            | sys::SCARD_E_SERVICE_STOPPED
            | sys::SCARD_E_SYSTEM_CANCELLED
            | sys::SCARD_E_READER_UNAVAILABLE => Some(Self::Service),
            sys::SCARD_F_COMM_ERROR
            | sys::SCARD_E_COMM_DATA_LOST
            | sys::SCARD_E_NOT_TRANSACTED
            | sys::SCARD_W_UNPOWERED_CARD
            | sys::SCARD_W_UNRESPONSIVE_CARD => Some(Self::Communication),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reset => "another program reset it",
            Self::Removal => "it was taken out",
            Self::Service => "the smart card service dropped the connection",
            Self::Communication => "an answer was lost",
        })
    }
}

impl Error {
    /// A failed PC/SC call, by its meaning.
    #[must_use]
    pub fn of_pcsc(reader: &str, source: PcscError) -> Self {
        let reader = reader.to_owned();
        match source.code {
            sys::SCARD_E_NO_SMARTCARD => Self::NoCard { reader },
            sys::SCARD_W_REMOVED_CARD => Self::Removed { reader },
            sys::SCARD_W_RESET_CARD => Self::Reset { reader },
            sys::SCARD_E_SHARING_VIOLATION => Self::ReaderBusy { reader },
            sys::SCARD_E_NO_READERS_AVAILABLE => Self::NoReader,
            _ => Self::Pcsc { reader, source },
        }
    }

    /// A failed call of the module, where its code has the same meaning for every function.
    pub(crate) fn of_call(card: &str, operation: &'static str, source: CallError) -> Self {
        let card = card.to_owned();
        match source.code() {
            Some(sys::SCARD_W_RESET_CARD) => Self::Reset { reader: card },
            Some(sys::SCARD_W_REMOVED_CARD | sys::SCARD_E_NO_SMARTCARD) => Self::Removed { reader: card },
            Some(sys::SCARD_W_SECURITY_VIOLATION | sys::SCARD_W_CARD_NOT_AUTHENTICATED) => {
                Self::NotAuthenticated { card, operation }
            }
            Some(sys::SCARD_E_READ_ONLY_CARD) => {
                Self::ReadOnlyCard { card, why: format!("it could not {operation} ({source})") }
            }
            Some(sys::SCARD_E_WRITE_TOO_MANY | sys::SCARD_E_NO_MEMORY | sys::ERROR_NOT_ENOUGH_MEMORY) => {
                Self::CardFull { card, what: format!("it could not {operation} ({source})") }
            }
            _ if source.is_unsupported() => Self::NotSupported { what: operation.to_owned(), card },
            _ => Self::Call { card, operation, source },
        }
    }

    /// A failed call that authenticates a role.
    pub(crate) fn of_authentication(
        card: &str,
        (role, purpose): (PinId, PinPurpose),
        operation: &'static str,
        source: CallError,
    ) -> Self {
        let name = || card.to_owned();
        match source.code() {
            Some(sys::SCARD_W_WRONG_CHV) => {
                Self::WrongPin { card: name(), role, purpose, tries_left: source.tries_left }
            }
            Some(sys::SCARD_W_CHV_BLOCKED) => Self::PinBlocked { card: name(), role, purpose },
            Some(sys::SCARD_W_CANCELLED_BY_USER) => Self::PinSource(PinSourceError::Cancelled),
            Some(sys::SCARD_E_TIMEOUT) => {
                let why = "nobody entered it at the reader in time".to_owned();
                Self::PinSource(PinSourceError::Unavailable(why))
            }
            _ => Self::of_call(card, operation, source),
        }
    }

    /// A failed call on a file or directory.
    pub(crate) fn of_file(card: &str, path: &str, operation: &'static str, source: CallError) -> Self {
        let (card_name, path) = (card.to_owned(), path.to_owned());
        match source.code() {
            Some(sys::SCARD_E_FILE_NOT_FOUND) => Self::FileNotFound { path, card: card_name },
            Some(sys::SCARD_E_DIR_NOT_FOUND) => Self::DirectoryNotFound { path, card: card_name },
            Some(sys::ERROR_FILE_EXISTS) => Self::FileExists { path, card: card_name },
            Some(sys::ERROR_DIR_NOT_EMPTY) => Self::DirectoryNotEmpty { path, card: card_name },
            _ => Self::of_call(card, operation, source),
        }
    }

    /// The connection failed, whatever the operation.
    #[must_use]
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Reset { .. } => Some(Fault::Reset),
            Self::Removed { .. } | Self::NoCard { .. } => Some(Fault::Removal),
            Self::Interrupted { fault, .. } => Some(*fault),
            Self::Pcsc { source, .. } => Fault::of_code(source.code),
            Self::Call { source, .. } => source.code().and_then(Fault::of_code),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::CardFunction;

    #[test]
    fn tries_are_shown_and_secrets_have_the_names_people_use() {
        let error = |role, purpose, tries_left| {
            Error::WrongPin { card: "R 0".to_owned(), role, purpose, tries_left }.to_string()
        };
        let user = |left| error(PinId::USER, PinPurpose::Authentication, left);
        assert_eq!(user(Some(2)), "the user PIN is wrong for the card in \"R 0\"; 2 tries left");
        assert!(user(Some(1)).ends_with("1 try left"));
        assert!(user(Some(0)).ends_with("it is blocked now"));
        assert!(user(None).contains("does not tell"));
        let admin = error(PinId::ADMIN, PinPurpose::Authentication, None);
        assert!(admin.starts_with("the administrator key is wrong for"), "{admin}");
        let further = PinId::try_from(3).expect("a role");
        assert!(error(further, PinPurpose::UnblockOnly, None).starts_with("the PUK is wrong for"));
        assert!(error(further, PinPurpose::DigitalSignature, None).starts_with("the PIN of role 3 is wrong"));
        let puk =
            Error::PinBlocked { card: "R 0".to_owned(), role: further, purpose: PinPurpose::UnblockOnly };
        assert!(!puk.to_string().contains("with the PUK"), "{puk}");
    }

    #[test]
    fn codes_get_their_meaning() {
        let call = |code| CallError::code_of(CardFunction::SignData, code);
        assert!(Error::of_call("R", "sign", call(sys::SCARD_W_RESET_CARD)).fault() == Some(Fault::Reset));
        assert_eq!(
            Error::of_call("R", "sign", call(sys::SCARD_E_UNSUPPORTED_FEATURE)),
            Error::NotSupported { what: "sign".to_owned(), card: "R".to_owned() }
        );
        let blocked = Error::of_authentication(
            "R",
            (PinId::USER, PinPurpose::Authentication),
            "verify a PIN",
            call(sys::SCARD_W_CHV_BLOCKED),
        );
        assert!(matches!(blocked, Error::PinBlocked { .. }));
        let full = Error::of_call("R", "write a file", call(sys::SCARD_E_WRITE_TOO_MANY));
        assert!(matches!(full, Error::CardFull { .. }), "{full}");
    }
}
