//! ISO 7816-4 on the wire: command and response APDUs, command chaining, GET RESPONSE, extended
//! length, status words and BER-TLV.
//!
//! Who calls it: the card edges (`cardmod-gids`) drive a card through [`Session`]; a virtual card reads
//! what arrives with [`parse_command`]; both sides use [`tlv`]. [`Atr`] takes answers to reset apart. The crate knows no card: nothing in it
//! depends on an application, a file or a key.
//!
//! Invariants:
//! - no unsafe code, no I/O: bytes travel through the caller's [`CardChannel`];
//! - command data and response data are wiped when dropped;
//! - every loop driven by the card's answers is bounded;
//! - what a card answers is parsed, never trusted: a malformed answer is an error, not a panic.
#![forbid(unsafe_code)]

mod atr;
mod channel;
mod command;
mod ecdsa;
mod parse;
mod pin_entry;
mod response;
mod session;
mod status;
pub mod tlv;

pub use atr::{Atr, AtrError};
pub use channel::{CardChannel, Limits, TransportError};
pub use command::{Command, Le};
pub use ecdsa::ecdsa_fixed_width;
pub use parse::{CommandRef, parse_command};
pub use pin_entry::{EntryRequest, PinEntry, PinEntryError, SecretForm};
pub use response::Response;
pub use session::{ExchangeError, Session};
pub use status::StatusWord;
