//! The differences between pcsc-lite and Windows: return codes, protocols, state words and control codes.
//!
//! The safe interface speaks Windows' values everywhere. What is native belongs to `raw` and to providers.

use crate::codes::{
    SCARD_ABSENT, SCARD_E_UNEXPECTED, SCARD_E_UNSUPPORTED_FEATURE, SCARD_NEGOTIABLE, SCARD_POWERED,
    SCARD_PRESENT, SCARD_PROTOCOL_RAW, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, SCARD_SPECIFIC, SCARD_SWALLOWED,
    SCARD_UNKNOWN,
};
use crate::native::{DWORD, LONG};

/// pcsc-lite's bits of a reader's state in `SCardStatus` (pcsclite.h), lowest first.
const STATE_BITS: [(u32, u32); 6] = [
    (SCARD_SPECIFIC, 0x40),
    (SCARD_NEGOTIABLE, 0x20),
    (SCARD_POWERED, 0x10),
    (SCARD_SWALLOWED, 0x08),
    (SCARD_PRESENT, 0x04),
    (SCARD_ABSENT, 0x02),
];

/// Calls in which pcsc-lite's 0x8010001F says "unsupported feature"; elsewhere it says "unexpected".
const MAY_BE_UNSUPPORTED: [&str; 5] =
    ["SCardControl", "SCardGetAttrib", "SCardSetAttrib", "SCardReadCache", "SCardWriteCache"];

/// A native return value of the function `call` as Windows' code.
///
/// pcsc-lite has one number, 0x8010001F, for `SCARD_E_UNEXPECTED` and `SCARD_E_UNSUPPORTED_FEATURE`.
#[must_use]
pub fn code_from_native(native: LONG, call: &str) -> u32 {
    let code = native as u32;
    if !cfg!(windows) && code == SCARD_E_UNEXPECTED && MAY_BE_UNSUPPORTED.contains(&call) {
        return SCARD_E_UNSUPPORTED_FEATURE;
    }
    code
}

/// Windows' code as the native return value.
#[must_use]
pub fn code_to_native(code: u32) -> LONG {
    let code = if !cfg!(windows) && code == SCARD_E_UNSUPPORTED_FEATURE { SCARD_E_UNEXPECTED } else { code };
    // On a platform with a 64-bit `long` pcsc-lite's codes are positive; `as` gives just that.
    code as LONG
}

/// Windows' protocol bits as native ones.
#[must_use]
pub fn protocols_to_native(protocols: u32) -> DWORD {
    if cfg!(windows) {
        return protocols as DWORD;
    }
    let raw = if protocols & SCARD_PROTOCOL_RAW != 0 { 4 } else { 0 };
    (protocols & (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1) | raw) as DWORD
}

/// Native protocol bits as Windows' ones; other bits (T=15) are dropped.
#[must_use]
pub fn protocols_from_native(native: DWORD) -> u32 {
    let native = native as u32;
    if cfg!(windows) {
        return native;
    }
    let raw = if native & 4 != 0 { SCARD_PROTOCOL_RAW } else { 0 };
    native & (SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1) | raw
}

/// The state of `SCardStatus` as Windows' number: pcsc-lite answers bits, with an event counter above them.
#[must_use]
pub fn card_state_from_native(native: DWORD) -> u32 {
    let native = native as u32;
    if cfg!(windows) {
        return native;
    }
    STATE_BITS.iter().find(|(_, bit)| native & bit != 0).map_or(SCARD_UNKNOWN, |(state, _)| *state)
}

/// Windows' number of a reader's state as the native state of `SCardStatus`.
///
/// pcsc-lite sets PRESENT and POWERED beside NEGOTIABLE or SPECIFIC; bits 16 to 31 are the event counter.
#[must_use]
pub fn card_state_to_native(state: u32, events: u16) -> DWORD {
    if cfg!(windows) {
        return state as DWORD;
    }
    let bits = match state {
        SCARD_SPECIFIC => 0x40 | 0x10 | 0x04,
        SCARD_NEGOTIABLE => 0x20 | 0x10 | 0x04,
        SCARD_POWERED => 0x10 | 0x04,
        SCARD_SWALLOWED => 0x08 | 0x04,
        SCARD_PRESENT => 0x04,
        SCARD_ABSENT => 0x02,
        _ => 0x01,
    };
    (bits | u32::from(events) << 16) as DWORD
}

/// The control code of a function number (`SCARD_CTL_CODE`): 0x42000000 + n with pcsc-lite,
/// `CTL_CODE(FILE_DEVICE_SMARTCARD, n, METHOD_BUFFERED, FILE_ANY_ACCESS)` on Windows.
#[must_use]
pub fn control_code(function: u32) -> DWORD {
    if cfg!(windows) { (0x31 << 16 | function << 2) as DWORD } else { (0x4200_0000 + function) as DWORD }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(not(windows))]
    fn the_double_number_is_told_apart_by_the_call() {
        assert_eq!(
            code_from_native(code_to_native(SCARD_E_UNSUPPORTED_FEATURE), "SCardControl"),
            0x8010_0022
        );
        assert_eq!(code_from_native(code_to_native(SCARD_E_UNEXPECTED), "SCardTransmit"), 0x8010_001F);
        assert_eq!(code_to_native(SCARD_E_UNSUPPORTED_FEATURE), 0x8010_001F);
    }

    #[test]
    fn protocols_survive_both_ways() {
        for bits in [0, 1, 2, 3, SCARD_PROTOCOL_RAW, SCARD_PROTOCOL_RAW | 3] {
            assert_eq!(protocols_from_native(protocols_to_native(bits)), bits);
        }
        if cfg!(not(windows)) {
            assert_eq!(protocols_to_native(SCARD_PROTOCOL_RAW), 4);
        }
    }

    #[test]
    fn states_survive_both_ways() {
        for state in 0..=6 {
            assert_eq!(card_state_from_native(card_state_to_native(state, 0xFFFF)), state);
        }
        if cfg!(not(windows)) {
            assert_eq!(card_state_to_native(SCARD_NEGOTIABLE, 2), 0x0002_0034);
            assert_eq!(control_code(3400), 0x4200_0D48);
        }
    }
}
