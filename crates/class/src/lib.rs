//! The class card module: finds out which card edge a card speaks and serves it through Cardmod.h.
//!
//! Built as a shared library it is a card module any host can load (`CardAcquireContext` is its one
//! export; there is no `DllRegisterServer`, for it cannot know for which cards an administrator wants it); as a Rust
//! library the same code is called directly. It knows PIV cards, read-only or read and
//! write as the management key allows, and GIDS cards, read and write.
//!
//! Who calls it: hosts of card modules, through the SDK. It calls: the SDK for everything of the
//! interface, `cardmod-piv` and `cardmod-gids` for everything of the cards.
//!
//! Invariants:
//! - no unsafe code, no threads, no state outside of the context;
//! - thin: no rule of the interface (those are the SDK's), no byte of the card's protocol (those are the
//!   edge's); what is decided here is which card means what by which cause ([`GidsError`] and [`PivError`]
//!   to [`Status`], one function per kind of operation), and what a PIV card's slots are as containers and files;
//! - nothing is believed about the card that the host does not vouch for: without continuity every entry
//!   begins with doubt (`GidsState::doubt`, `PivState::doubt`);
//! - the host's cache is used for file table, keymap, public keys and the existence of a PUK, which everybody
//!   may read; an entry of what changes holds the card's own counters, and there is no cache while those are unknown.
//!
//! [`GidsError`]: cardmod_gids::GidsError
//! [`PivError`]: cardmod_piv::PivError
//! [`Status`]: cardmod_sdk::Status
#![forbid(unsafe_code)]

mod gids;
mod module;
mod piv;
mod receipt;

pub use gids::GidsModule;
pub use module::ClassModule;
pub use piv::PivModule;

cardmod_sdk::export!(ClassModule);
