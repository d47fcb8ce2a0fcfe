//! One typed method of [`Context`](super::Context) for each function of `Cardmod.h`, by chapter.

mod cards;
mod containers;
mod files;
mod injection;
mod keys;
mod pins;
mod properties;

pub use injection::{OaepParameters, SessionKeyPadding, SharedKey};
pub use keys::{Agreement, KdfParameter};
pub use pins::{UnblockFlag, UserName};

use super::function::{CallError, CallErrorKind, CardFunction};
use super::layout::{Wide, wide_units};

/// A text as the interface's UTF-16.
fn wide(function: CardFunction, text: &str) -> Result<Vec<u16>, CallError> {
    wide_units(text)
        .ok_or_else(|| CallError::new(function, CallErrorKind::Argument("a name has a NUL within")))
}

/// A view of units that end with their only NUL.
fn view(function: CardFunction, units: &[u16]) -> Result<Wide<'_>, CallError> {
    Wide::new(units)
        .ok_or_else(|| CallError::new(function, CallErrorKind::Argument("a name has a NUL within")))
}

/// A length the interface can express.
fn fits(function: CardFunction, bytes: &[u8]) -> Result<(), CallError> {
    match u32::try_from(bytes.len()) {
        Ok(_) => Ok(()),
        Err(_) => Err(CallError::new(function, CallErrorKind::Argument("the data is longer than 4 GiB"))),
    }
}
