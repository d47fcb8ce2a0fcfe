//! What a PC/SC function answered, and which one.

use std::fmt;

use crate::codes::{SCARD_S_SUCCESS, code_name, code_text};
use crate::convert::code_from_native;
use crate::native::LONG;

/// A PC/SC function's error: its code with Windows' value and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub struct PcscError {
    /// The code with Windows' value, as [`crate::SCARD_E_NO_SMARTCARD`].
    pub code: u32,
    /// The function's name, as `SCardConnect`.
    pub call: &'static str,
}

impl PcscError {
    /// An error of `call`.
    #[must_use]
    pub const fn new(code: u32, call: &'static str) -> Self {
        Self { code, call }
    }

    /// Turns a native return value into a result.
    pub(crate) fn check(native: LONG, call: &'static str) -> Result<(), Self> {
        match code_from_native(native, call) {
            SCARD_S_SUCCESS => Ok(()),
            code => Err(Self { code, call }),
        }
    }
}

impl fmt::Display for PcscError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = code_text(self.code).unwrap_or("an error");
        match code_name(self.code) {
            Some(name) => write!(f, "{text} ({} answered {name})", self.call),
            None => write!(f, "{text} ({} answered 0x{:08X})", self.call, self.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_function_and_the_code() {
        let error = PcscError::new(crate::SCARD_E_NO_SMARTCARD, "SCardConnect");
        assert_eq!(
            error.to_string(),
            "there is no card in the reader (SCardConnect answered SCARD_E_NO_SMARTCARD)"
        );
        assert!(
            PcscError::new(5, "SCardConnect").to_string().ends_with("(SCardConnect answered 0x00000005)")
        );
    }
}
