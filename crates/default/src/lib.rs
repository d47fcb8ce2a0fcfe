//! cardmod with everything wired: the host, the class card module, and virtual cards in virtual
//! readers beside the real ones.
//!
//! Called by programs that want it all ([`Environment::open`]); it has no logic beyond the choice of
//! who talks to whom. [`testing`] makes virtual cards for tests.
//!
//! Invariants:
//! - one PC/SC provider for the process: with the built-in card module it is this program's own code;
//!   with a card module from a file, named or registered for any card, it is the shared library that
//!   the module finds too;
//! - options of the environment reach that provider, whichever it is.
//! - Unsafe code is in `shared.rs` alone: calls of the shared provider's functions.
#![deny(unsafe_code)]

mod choice;
mod environment;
pub mod piv;
mod shared;
pub mod testing;

pub use choice::ModuleChoice;
pub use environment::{Environment, EnvironmentError, EnvironmentOptions};
pub use shared::shared_library;

/// The guide for Rust programs, whose code is run.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
mod guide {}
