//! Virtual GIDS and PIV cards: APDU in, APDU out, in an image that several processes share.
//!
//! [`Store`] makes, lists, opens and erases cards; [`VirtualCard`] is a process's connection to one and
//! what the virtual reader of `cardmod-winscard` drives. [`Card`] is the card alone, without files, for
//! those who bring their own [`Storage`], [`Random`] and [`Clock`].
//!
//! Invariants:
//!
//! * No I/O except through the storage, time and randomness traits and, for what they stand for on a
//!   real machine, the files under `disk/`.
//! * A handler answers a status word or a [`CardFault`]; what the host failed at never looks like the
//!   card's refusal.
//! * Persistent state changes as a whole: a kill or a power cut leaves the old or the new image.
//! * A PIN's lost try is stored before the comparison: tries are never gained, and a kill costs at most
//!   the one it interrupted.
//! * Every APDU runs under the card's file lock; a transaction is a lease that ends with its owner.

#![forbid(unsafe_code)]

mod atr;
mod card;
mod connection;
mod disk;
mod fault;
mod model;
mod options;
mod personalise;
mod ports;
mod profile;
mod store;

pub use card::{Card, command_page};
pub use connection::{CardStatus, Disposition, Lease, Reset, Share, Space, VirtualCard};
pub use fault::{CardFault, ImageError, PCSC_SERVICE, StoreError};
pub use options::{BadOptions, Behaviour, CardOptions};
pub use ports::{Clock, Random, Storage, SystemClock, SystemRandom};
pub use profile::{
    ADMIN_KEY_LEN, BlankProfile, DEFAULT_FIRMWARE, DEFAULT_MANAGEMENT_KEY, GidsProfile, ManagementAlgorithm,
    PivFlavour, PivProfile,
};
pub use store::{CardEntry, CardKind, CreatedCard, Store};
