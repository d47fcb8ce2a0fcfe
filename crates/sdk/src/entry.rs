//! What the entries do, in safe code: one module for each chapter of the specification's section 5.
//!
//! Every function checks in the order a certification kit expects: NULL pointers, flags, versions, key
//! specs and names, and only then asks the module. Results are handed out after the context's lock is
//! released, so that a host's allocator may do what it likes.

pub(crate) mod agreement;
mod algorithms;
pub(crate) mod container;
pub(crate) mod file;
pub(crate) mod injection;
mod kdf;
mod key;
pub(crate) mod pin;
pub(crate) mod property;
mod property_set;
pub(crate) mod query;
pub(crate) mod rsa;
mod signature;

use cardmod_types::KeySpec;

use crate::live::Call;
use crate::module::{CardModule, Result};
use crate::status::Status;

/// Flags and reserved parameters that must be 0.
fn reserved(flags: u32) -> Result<()> {
    if flags == 0 { Ok(()) } else { Err(Status::InvalidParameter) }
}

/// A key spec of the interface; what the card has is another question.
fn key_spec(code: u32) -> Result<KeySpec> {
    KeySpec::try_from(code).map_err(|_| Status::InvalidParameter)
}

/// Nothing may be written to a read-only card.
fn writable<M: CardModule>(call: &mut Call<'_, M>) -> Result<()> {
    if call.module.read_only(&mut call.cx)? { Err(Status::UnsupportedFeature) } else { Ok(()) }
}

/// A capability that was there at acquire.
fn offered<T>(capability: Option<T>) -> Result<T> {
    capability.ok_or(Status::UnsupportedFeature)
}
