//! The error of a number that has no meaning in its group of constants.

use thiserror::Error;

/// A number from the other side of an interface that is none of the values its group defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{code:#x} is not a valid {what}")]
pub struct UnknownCode {
    /// What the number should have been, such as "key spec".
    pub what: &'static str,
    /// The number.
    pub code: u32,
}

impl UnknownCode {
    pub(crate) const fn new(what: &'static str, code: u32) -> Self {
        Self { what, code }
    }
}
