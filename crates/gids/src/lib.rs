//! The GIDS card edge: what a Generic Identity Device Specification card understands, as typed calls, and
//! the data model of the Microsoft generic profile on it (file table, keymap, container keys).
//!
//! Who calls it: the class module, and any program that wants a GIDS card without the C interface above.
//! A [`GidsState`] lives as long as the caller's connection; [`GidsState::on`] lends it a channel for a
//! while, and the resulting [`GidsCard`] has the operations.
//!
//! Invariants:
//! - no unsafe code, no I/O but through the caller's `CardChannel`, no knowledge of `CARD_DATA`;
//! - what is believed about the card (application selected, roles verified, key chosen) is kept in one
//!   place, [`GidsState`], and dropped by [`GidsState::connection_lost`] and by every transport failure;
//! - a PIN is never sent before this state has seen its own SELECT, or the read of a GIDS data object,
//!   succeed since the last break: PIV cards take the same VERIFY;
//! - content is cached until it may have changed: freshness is the card's own counter file (cardcf),
//!   identity the card's cardid; private content is never cached;
//! - what a card answers is parsed, never trusted.
//!
//! Sources: Generic Identity Device Specification 2.0, cited as GIDS; the description of the Windows inbox
//! smart card minidriver, cited as MSP.
#![forbid(unsafe_code)]

mod admin;
mod algorithm;
mod application;
mod card;
mod containers;
mod content;
mod error;
mod files;
mod keymap;
mod keypad;
mod keys;
mod layout;
mod personalise;
mod pins;
mod state;
mod table;
mod templates;

pub use admin::{AdminChallenge, MutualNonces};
pub use algorithm::{KeyAlgorithm, KeyOperation};
pub use application::Application;
pub use card::GidsCard;
pub use containers::{KeyMaterial, MAX_CONTAINERS};
pub use error::{GidsCommand, GidsError};
pub use files::StoredCertificate;
pub use keymap::{KeyRecord, Keymap};
pub use keys::CardKey;
pub use layout::{AID, ef, object};
pub use personalise::Personalisation;
pub use pins::{PinReference, PinState};
pub use state::{CardLayout, GidsState, VerifiedRoles};
pub use table::{FileEntry, FileTable, TableError};
pub use templates::{data_file_template, key_file_template};
