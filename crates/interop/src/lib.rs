//! What the tests against other people's programs stand on: a private PC/SC world, a home for
//! virtual cards, and commands whose output is kept when they fail.
//!
//! Called by this crate's tests; [`traffic`] also by those of the host, and by `cargo xtask apdus`.
//!
//! Invariants: nothing outside a test's own temporary folder and namespaces is touched; readiness
//! is a handshake (a line printed, a connection accepted), never a fixed sleep; a program that is
//! missing fails the test with the package's name.

#![forbid(unsafe_code)]

mod authority;
mod command;
mod fixture;
mod home;
pub mod traffic;
mod turns;
mod world;

pub use authority::Authority;
pub use command::{Outcome, run, tool};
pub use fixture::fixture;
pub use home::{Home, cardmod_program, class_module, pkcs11_module, pkcs11_module_of, python_tool};
pub use turns::Table;
pub use world::{Plug, READER, World};
