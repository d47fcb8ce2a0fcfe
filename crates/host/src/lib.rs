//! The open smart card Base CSP: it loads card modules, drives them through the C interface of
//! `Cardmod.h`, and manages containers, PINs and certificates above it.
//!
//! # Who calls it
//! Programs that use cards: the `cardmod` program, front ends, tests. They hand in a PC/SC provider
//! ([`Host::new`]), name a reader and a card module ([`Host::open`]) and get a [`CardSession`], with
//! which they list, create, use and delete containers. Programs that want to talk to a card module
//! itself, one function of `Cardmod.h` at a time, use [`module`].
//!
//! # Layers
//! - [`module`] loads a module, negotiates the version of the interface and has one typed method for
//!   each function. It survives a module that lies about lengths, versions and memory.
//! - [`CardSession`] is what Windows calls the Base CSP and the key storage provider: containers by
//!   name, freshness counters, certificates, padding, PINs, transactions and changed handles. A
//!   [`Card`] is a session for all threads of a program, whose transaction goes on for a while.
//! - [`registry`] finds the module for a card by its answer to reset.
//! - [`signer`] is a container's key behind the traits of the `signature` crate, so that it issues
//!   certificates and signs tokens with the crates that everybody uses.
//! - [`x509`] makes certificate requests and self-signed certificates with a key of a card;
//!   [`verify`] checks signatures with public keys.
//!
//! # A signature
//! ```
//! use p256::NistP256;
//! use p256::ecdsa::Signature;
//! use signature::{Keypair, Signer, Verifier};
//! # use cardmod_host::{KeyAlgorithm, types::EcCurve};
//!
//! let test = cardmod_default::testing::card(); // a virtual card
//! test.generate("web", KeyAlgorithm::Ec(EcCurve::P256));
//! let card = test.host().open_card(test.reader(), &test.module(), Default::default())?;
//! let signer = card.signer(Some("web"), None, test.pin())?.ecdsa::<NistP256>()?;
//! let signature: Signature = signer.try_sign(b"message")?;
//! signer.verifying_key().verify(b"message", &signature)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Invariants
//! - Unsafe code is in `module/table.rs` (calls into the module) and `module/callbacks.rs` (calls
//!   from it), nowhere else.
//! - No panic crosses the C interface, and no integer of a module becomes a Rust enum unchecked.
//! - A [`CardSession`] is `Send`, blocking, and owns everything it needs; nothing of a card is global.
//! - A PIN is asked for with no transaction and no lock held, and it is never in a log or an error.
//! - What a session authenticated, it deauthenticates, or it resets the card.
//! - A fault of the connection ([`Fault`]) ends every right; the operation is begun again once where nothing
//!   is done twice by that, or says so ([`Error::Interrupted`]).
//! - No transaction idles longer than [`HOLD_LIMIT`].
#![deny(unsafe_code)]

pub mod clock;
mod csp;
mod error;
mod host;
pub mod install;
pub mod module;
pub mod registry;
mod search;
pub mod signer;
mod store;
pub mod verify;
mod watch;
pub mod x509;

pub use cardmod_pcsc::{Feature, ReaderFeatures};
pub use csp::{
    AdminAuthority, CacheRecord, Card, CardDescription, CardGuard, CardHold, CardSession, Container,
    ContainerKey, DecryptRequest, DeriveRequest, FileAuthority, FixedPin, HOLD_LIMIT, Held, KeyAlgorithm,
    KeyInfo, KeySource, LockedSecret, ManagementAlgorithm, ManagementKey, Moment, NewContainer, NoPin,
    NotLocked, PinCache, PinClock, PinPlace, PinRequest, PinSource, PinSourceError, PinStatus, RebuildAction,
    RebuildEntry, RebuildPlan, Responder, SignRequest, UnblockWith, UnknownKeyAlgorithm, usual_half,
};
pub use csp::{BadContainerSpec, ContainerSpec, Policy, Property, PropertyValue, Selector};
pub use error::{Error, Fault, PinAction};
pub use host::{Host, OpenOptions, ReaderInfo};
pub use module::{CallError, LoadError, ModuleSource};
pub use search::Search;
pub use store::{DirectoryStore, PublicStore};
pub use watch::{ReaderEvent, Watch, WatchStop, Watched};

/// The types in which this crate's functions take and answer values: names, PINs, keys, paddings.
pub use cardmod_types as types;
