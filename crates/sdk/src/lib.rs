//! Write a Windows smart card minidriver (card module) in safe Rust.
//!
//! A module author implements [`CardModule`] and the capability traits his card deserves, and names
//! the type in [`export!`]; the result is a DLL or shared object that every host of Cardmod.h
//! (interface versions 4 to 7) can load. The SDK is called by hosts through C, and calls the author's
//! type through safe Rust.
//!
//! What the SDK promises, whatever host and module do:
//!
//! - `unsafe` lives in `boundary` and `raw`, on Windows in `process` and where the log's settings are read too;
//!   everything else, the author's crate included, forbids it.
//! - No panic crosses to C: it is answered with `SCARD_E_UNEXPECTED`, and the context stays closed until
//!   it is deleted.
//! - Nothing beyond the prefix of the answered version of `CARD_DATA` is read or written.
//! - Every entry is filled. What the card lacks answers `SCARD_E_UNSUPPORTED_FEATURE`; only RSA
//!   decryption and key agreement are NULL where the module says so
//!   ([`CardModule::RSA`], [`CardModule::ECC`]).
//! - Outputs are NULL or 0 on failure, and nothing allocated by the host's callbacks is left behind.
//! - The host's handles are read at every call, and the module is told when they changed.
//! - A module writes a log file where the machine's settings want one, with nothing secret in it ([`log`]).
//! - One call at a time enters a context; a callback that enters again on the same thread is refused
//!   instead of waiting for itself; deleting a context under a running call is safe, also while the process
//!   ends.
//! - A library made with [`export!`] can be unloaded for good, any number of times in one process.

#![deny(unsafe_code)]

mod boundary;
mod context;
mod conventions;
mod entry;
mod export;
mod link;
mod live;
pub mod log;
mod memory;
mod module;
mod panics;
mod process;
mod raw;
mod slots;
mod status;
pub mod testing;

pub use boundary::acquire;

pub use context::{Cache, CardContext, PadRequest};
pub use conventions::{
    APPLICATION_PROPERTY, HINTS_PROPERTY, MANAGEMENT_KEY_PROPERTY, NAMES_PROPERTY, PLACE_PROPERTY,
    PLACES_PROPERTY,
};
pub use entry::property::{FORGET_PROPERTY, TRANSACTION_PROPERTY, TRIES_PROPERTY};
pub use module::{
    AdminAuthentication, CardModule, ContainerCreation, FileWriting, KeyAgreement, KeyInjection, KeyRef,
    NewKey, OwnProperties, PinAdministration, PropertyWriting, Result, RsaDecryption, SecurePinEntry,
    SignatureInput, UnblockAuthority,
};
pub use status::Status;

/// APDUs, for modules that talk to a card.
pub use cardmod_iso7816 as iso7816;
/// Cardmod.h, for who needs the raw interface beside the traits.
pub use cardmod_sys as sys;
/// The types in the traits.
pub use cardmod_types as types;
