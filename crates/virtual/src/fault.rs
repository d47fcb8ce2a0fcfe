//! What can go wrong outside the card: these are errors of the host, never status words.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// What a plugged card is plugged into, as texts name it. vpcd drivers are there for Windows' service too.
pub const PCSC_SERVICE: &str = if cfg!(windows) { "the smart card service" } else { "pcscd" };

/// Why an image could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The file does not begin as card images do.
    #[error("this is not a card image")]
    NotAnImage,
    /// A newer program wrote it.
    #[error("the image has format {found}, this program knows formats up to {newest}; update the program")]
    Newer {
        /// The image's format.
        found: u16,
        /// The newest known one.
        newest: u16,
    },
    /// The file is shorter than it says.
    #[error("the image is cut off: {found} of {expected} bytes are there")]
    Truncated {
        /// Bytes the header promises.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// The checksum is wrong, or the content makes no sense.
    #[error("the image is damaged")]
    Damaged,
    /// The image is whole but was sealed with another store's secret.
    #[error("the image belongs to another card store: its device secret is not here")]
    ForeignSecret,
}

/// Why a virtual card did not answer with a status word.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardFault {
    /// The card was ejected.
    #[error("the virtual card {card} is not in its reader")]
    NotPresent {
        /// Its name.
        card: String,
    },
    /// The card was taken out and put back since this connection was made or acknowledged it.
    #[error("the virtual card {card} was taken out of its reader and put back")]
    Removed {
        /// Its name.
        card: String,
    },
    /// Another connection, or the end of one, reset the card; see `VirtualCard::acknowledge`.
    #[error("the virtual card {card} was reset by another program")]
    WasReset {
        /// Its name.
        card: String,
    },
    /// Another connection's transaction is open.
    #[error("another program has a transaction open on the virtual card {card}")]
    Leased {
        /// Its name.
        card: String,
    },
    /// Another connection claims the card for itself alone.
    #[error("another program uses the virtual card {card} exclusively")]
    Exclusive {
        /// Its name.
        card: String,
    },
    /// The card is behind pcscd at the moment.
    #[error(
        "the virtual card {card} is plugged into {PCSC_SERVICE}; use it through that, or unplug it first"
    )]
    PluggedIn {
        /// Its name.
        card: String,
    },
    /// A transaction was to be ended or used that this connection does not hold.
    #[error("no transaction of this connection is open on the virtual card {card}")]
    NoTransaction {
        /// Its name.
        card: String,
    },
    /// The card was erased from its store.
    #[error("the virtual card {card} was erased")]
    Erased {
        /// Its name.
        card: String,
    },
    /// The image cannot be used.
    #[error("the image {path} cannot be used: {cause}")]
    Image {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: ImageError,
    },
    /// The image could not be replaced; the old one is intact.
    #[error("the image {path} was not saved and keeps its old content")]
    NotSaved {
        /// The file.
        path: PathBuf,
        /// What the system says, for example that the disk is full.
        #[source]
        cause: io::Error,
    },
    /// A file that is locked for the time of a command stayed locked by another program, which may have been
    /// stopped.
    #[error("another program keeps {path} locked for more than {} ms", waited.as_millis())]
    Busy {
        /// The file.
        path: PathBuf,
        /// How long the caller waited.
        waited: Duration,
    },
    /// A file of the card could not be opened, read, written or locked.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The system gave no random numbers.
    #[error("the system gave no random numbers")]
    Random,
    /// The crypto library failed on a sound request.
    #[error("a key operation of the virtual card failed")]
    Crypto(#[source] cardmod_crypto::CryptoError),
    /// The stored state and the program disagree; nothing was changed.
    #[error("the virtual card's stored state makes no sense: {0}")]
    Inconsistent(&'static str),
    /// The other program did not end its transaction in time.
    #[error("another program's transaction on the virtual card {card} did not end within {} ms", waited.as_millis())]
    Timeout {
        /// The card.
        card: String,
        /// How long the caller waited.
        waited: Duration,
    },
}

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// No directory for cards can be derived from the environment.
    #[error("no directory for virtual cards: set CARDMOD_HOME or {}", if cfg!(windows) { "LOCALAPPDATA" } else { "HOME" })]
    NoDirectory,
    /// The name is not one a card can have.
    #[error(
        "{name:?} cannot be a card's name: use 1 to 32 letters, digits, '-', '_' or '.', not beginning with '.'"
    )]
    BadName {
        /// The refused name.
        name: String,
    },
    /// The name is one that the system keeps for itself.
    #[error("{name:?} cannot be a card's name: to this system it means no file, or a file of another name")]
    ReservedName {
        /// The refused name.
        name: String,
    },
    /// There is such a card already.
    #[error("a virtual card named {name} exists already")]
    Exists {
        /// Its name.
        name: String,
    },
    /// There is no such card.
    #[error("there is no virtual card named {name} in {dir}")]
    NoSuchCard {
        /// The name asked for.
        name: String,
        /// The store.
        dir: PathBuf,
    },
    /// The card is in use and cannot be erased.
    #[error("the virtual card {name} is in use by another program")]
    InUse {
        /// Its name.
        name: String,
    },
    /// The profile asks for what no card can have.
    #[error("{0}")]
    Profile(String),
    /// The device secret can be read by others.
    #[error("the device secret {path} is open to other users (mode {mode:o}); make it 600")]
    SecretExposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The device secret is not 32 bytes.
    #[error("the device secret {path} is damaged; images sealed with it cannot be opened")]
    SecretDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The environment's limit for waiting is no number.
    #[error("{value:?} in CARDMOD_CARD_PATIENCE_MS is no number of milliseconds")]
    BadPatience {
        /// What is there.
        value: String,
    },
    /// The card or a file of it failed.
    #[error(transparent)]
    Card(#[from] CardFault),
}
