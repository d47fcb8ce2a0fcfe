//! Cardmod.h, the C interface between Windows' smart card base providers and card modules
//! (minidrivers), versions 4 to 7, written by hand.
//!
//! Called by `cardmod-sdk` (the module's side of the interface) and `cardmod-host` (the caller's
//! side), and by anybody who wants the raw interface. Names are spelled as in the header, and all
//! items are found flat in this crate.
//!
//! Invariants:
//! - no dependency, `no_std`, no unsafe code;
//! - `DWORD` is 32 bits and `WCHAR` 16 bits on every platform, also where the platform's own
//!   headers say otherwise;
//! - enumerations of the header are integers, since a foreign value must not become a Rust enum;
//! - every size, offset, value and signature is compared by test with measured tables
//!   (`tests/abi/*.json`), for 64 and 32 bit; nothing is generated from those tables.
//!
//! Sources: Windows Smart Card Minidriver Specification v7.07; the public metadata of Windows.
#![no_std]
#![forbid(unsafe_code)]
#![allow(
    non_camel_case_types,
    non_snake_case,
    non_upper_case_globals,
    reason = "names are those of the header"
)]

#[macro_use]
mod macros;

mod card_data;
mod cng;
mod cng_names;
mod constants;
mod errors;
mod functions;
mod ncrypt;
mod piv;
mod scalars;
mod strings;
mod structures;
mod wincrypt;

pub mod header;
pub mod reflect;
pub mod version;

pub use card_data::*;
pub use cng::*;
pub use cng_names::*;
pub use constants::*;
pub use errors::*;
pub use functions::*;
pub use ncrypt::*;
pub use piv::*;
pub use scalars::*;
pub use strings::*;
pub use structures::*;
pub use wincrypt::*;
