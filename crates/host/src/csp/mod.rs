//! What Windows calls the Base CSP and the key storage provider: one card, used by container name.

mod authentication;
mod cache;
mod certificates;
mod containers;
mod create;
mod describe;
mod dialogue;
mod files;
mod kdf_parameters;
mod keys;
mod operation;
mod pin_cache;
mod pin_source;
mod pins;
mod rebuild;
mod request;
mod session;

pub use pin_cache::{Moment, PinCache, PinClock};
pub use pin_source::{FixedPin, NoPin, PinRequest, PinSource, PinSourceError};
pub use rebuild::{RebuildAction, RebuildEntry, RebuildPlan};
pub use request::{
    AdminAuthority, CardDescription, Container, ContainerKey, DecryptRequest, DeriveRequest, FileAuthority,
    KeyAlgorithm, KeySource, NewContainer, PinStatus, Responder, SignRequest, UnblockWith,
    UnknownKeyAlgorithm,
};
pub use session::{CardSession, Held};
