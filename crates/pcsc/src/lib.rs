//! The PC/SC functions, found at run time, with the differences of pcsc-lite and Windows in one place.
//!
//! Called by the host (contexts, connections, transactions), by card modules through the SDK
//! ([`BorrowedCard`]) and by the provider of virtual readers ([`FunctionTable`], conversions).
//!
//! Invariants:
//! - nothing is linked: a program starts without any PC/SC library;
//! - a process has one provider ([`Provider::current`]);
//! - the safe interface speaks Windows' values on every platform: return codes, `SCARD_PROTOCOL_RAW`, states,
//!   control functions. What pcsc-lite does otherwise is translated here and known nowhere else;
//! - unsafe code stands in `table`, `provider` and `raw` alone.

#![deny(unsafe_code)]

mod borrowed;
mod card;
mod codes;
mod context;
mod convert;
mod error;
mod exchange;
mod features;
mod native;
mod patience;
mod pinpad;
mod provider;
mod raw;
mod table;
mod text;

pub use borrowed::BorrowedCard;
pub use card::{Card, Disposition};
pub use codes::*;
pub use context::{CancelHandle, Context, Protocols, ReaderState, Scope, ShareMode};
pub use convert::{
    card_state_from_native, card_state_to_native, code_from_native, code_to_native, control_code,
    protocols_from_native, protocols_to_native,
};
pub use error::PcscError;
pub use features::{
    ENTRY_VALIDATION, Feature, LCD_LAYOUT, MAX_APDU_DATA_SIZE, MAX_PIN_SIZE, MIN_PIN_SIZE, ReaderFeatures,
    parse_features, parse_property,
};
pub use native::{
    CHAR, CardIdentifier, DWORD, LONG, READER_STATE_ATR_LEN, SCARD_AUTOALLOCATE, SCARD_IO_REQUEST,
    SCARD_READERSTATE, SCARDCONTEXT, SCARDHANDLE,
};
pub use pinpad::{
    FORMAT_ASCII, MODIFY_HEADER, VALIDATION_KEY, VERIFY_HEADER, modify_structure, verify_structure,
};
pub use provider::{Provider, ProviderError};
pub use raw::CardStatus;
pub use table::FunctionTable;
pub use text::{from_native, multi_from_native, multi_to_native, to_native};
