//! The PC/SC API over virtual readers, forwarding to the system library for real ones.
//!
//! Called by C programs and card modules as `libpcsclite.so.1` (the shared library has this name inside it),
//! and by this program's own code through [`table`].
//!
//! Invariants:
//! - each virtual card of the store is a reader named `Cardmod Virtual Reader (NAME) 00 00`; there is no daemon:
//!   processes meet in the card's files;
//! - types, codes and semantics are pcsc-lite's on Linux and Windows' on Windows; where their semantics differ
//!   a profile selects (`CARDMOD_PCSC_PROFILE`);
//! - real readers are the system library's, found by full path and never this library itself
//!   (`CARDMOD_PCSC_SYSTEM` names another one, or `none`);
//! - no panic crosses into C; it is answered as `SCARD_E_UNEXPECTED`;
//! - a forked child's contexts and handles are not valid until it establishes its own;
//! - nothing secret reaches the APDU log;
//! - unsafe code stands in `exports`, `buffer` and `windows` alone.

#![deny(unsafe_code)]

mod api;
mod attributes;
mod buffer;
mod cache;
mod connection;
mod context;
mod equipment;
mod exports;
mod faults;
mod forward;
mod handle;
mod keypad;
#[cfg(windows)]
mod locate;
mod log;
mod profile;
mod readers;
mod registry;
mod status_change;
#[cfg(windows)]
mod stay;
mod t0;
mod vpcd;
#[cfg(windows)]
mod windows;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cardmod_virtual::Store;

pub use equipment::{Asked, Equipment, Keypad, Typed, Typist};
pub use exports::table;
pub use faults::{Fault, FaultKind};
pub use forward::{SystemService, system_service};
pub use log::ApduCounters;
pub use readers::{card_name, reader_name};
pub use vpcd::{PlugError, VPCD_ADDRESS, plug};

/// Appends every APDU to this file from now on, with secrets replaced; `None` ends the log.
///
/// The environment variable `CARDMOD_APDU_LOG` does the same from the start.
///
/// # Errors
/// What the system says about the file.
pub fn set_apdu_log(path: Option<&Path>) -> io::Result<()> {
    match registry::current() {
        Ok(registry) => registry.log.set(path),
        Err(_) => Err(io::Error::other("this process has been forked too often")),
    }
}

/// How many APDUs this process has sent through this library.
#[must_use]
pub fn counters() -> ApduCounters {
    registry::current().map(|registry| registry.log.counters()).unwrap_or_default()
}

/// Why the virtual card in this reader failed last; `None` for real readers and where it did not. PC/SC itself
/// passes on nothing but a code. That another program was in the way is forgotten when the card answers again,
/// anything else when the card is connected to anew.
#[must_use]
pub fn last_fault(reader: &str) -> Option<Fault> {
    registry::current().ok()?.readers.faults.last(reader)
}

/// Serves the virtual cards of another directory from now on; `None` means the default one again.
pub fn set_store_dir(directory: Option<&Path>) {
    if let Ok(registry) = registry::current() {
        registry.set_store_dir(directory);
    }
}

/// Makes a virtual reader one that is not like the others, from the next connection on; `None` makes it as the
/// environment says again. For programs and tests that want a keypad, T=0, or a reader that carries less.
pub fn equip(reader: &str, equipment: Option<Equipment>) {
    if let Ok(registry) = registry::current() {
        registry.readers.furnished.set(reader, equipment);
    }
}

/// Serves the virtual cards of one more directory, until this value is dropped: for tests that have a store
/// each, in one process. Where two directories have a card of one name, the first one's is served.
#[must_use = "the directory is served until this is dropped"]
#[derive(Debug)]
pub struct Mounted {
    directory: PathBuf,
}

impl Mounted {
    /// Serves the cards of this store.
    ///
    /// # Errors
    /// In a process that has been forked too often.
    pub fn new(store: &Store) -> io::Result<Self> {
        let Ok(registry) = registry::current() else {
            return Err(io::Error::other("this process has been forked too often"));
        };
        registry.mount(Arc::new(store.clone()));
        Ok(Self { directory: store.dir().to_owned() })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if let Ok(registry) = registry::current() {
            registry.unmount(&self.directory);
        }
    }
}
