//! The types of the PC/SC functions as this platform's library declares them.
//!
//! pcsc-lite (`PCSC/wintypes.h`, `PCSC/pcsclite.h` 1.9.9) says `unsigned long` where Windows says a 32-bit
//! integer, and signed `long` handles where Windows has pointer-sized unsigned ones. macOS has packed
//! structures of its own and is not supported.

#![allow(non_camel_case_types, non_snake_case)]

use std::ffi::c_void;

/// Unsigned integer of the PC/SC functions: C `unsigned long` with pcsc-lite, 32 bits on Windows.
#[cfg(not(windows))]
pub type DWORD = std::ffi::c_ulong;
/// Unsigned integer of the PC/SC functions: C `unsigned long` with pcsc-lite, 32 bits on Windows.
#[cfg(windows)]
pub type DWORD = u32;

/// Return type of the PC/SC functions: C `long` with pcsc-lite, 32 bits on Windows.
#[cfg(not(windows))]
pub type LONG = std::ffi::c_long;
/// Return type of the PC/SC functions: C `long` with pcsc-lite, 32 bits on Windows.
#[cfg(windows)]
pub type LONG = i32;

/// Handle of a resource manager context.
#[cfg(not(windows))]
pub type SCARDCONTEXT = std::ffi::c_long;
/// Handle of a resource manager context.
#[cfg(windows)]
pub type SCARDCONTEXT = usize;

/// Handle of a connection to a card.
#[cfg(not(windows))]
pub type SCARDHANDLE = std::ffi::c_long;
/// Handle of a connection to a card.
#[cfg(windows)]
pub type SCARDHANDLE = usize;

/// Character of reader names: a byte of UTF-8 with pcsc-lite, a UTF-16 unit on Windows, where the `W`
/// functions are the ones in the table.
#[cfg(not(windows))]
pub type CHAR = std::ffi::c_char;
/// Character of reader names: a byte of UTF-8 with pcsc-lite, a UTF-16 unit on Windows, where the `W`
/// functions are the ones in the table.
#[cfg(windows)]
pub type CHAR = u16;

/// Length of the ATR field in [`SCARD_READERSTATE`]: 33 with pcsc-lite, 36 on Windows.
pub const READER_STATE_ATR_LEN: usize = if cfg!(windows) { 36 } else { 33 };

/// `SCARD_AUTOALLOCATE`: instead of a length, asks the function to allocate the answer itself.
pub const SCARD_AUTOALLOCATE: DWORD = DWORD::MAX;

/// One reader in `SCardGetStatusChange` (pcsclite.h; Winscard.h `SCARD_READERSTATEW`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SCARD_READERSTATE {
    /// The reader's name, ending in NUL.
    pub szReader: *const CHAR,
    /// The caller's own; never touched.
    pub pvUserData: *mut c_void,
    /// What the caller believes.
    pub dwCurrentState: DWORD,
    /// What is so; the event counter is in bits 16 to 31.
    pub dwEventState: DWORD,
    /// Valid bytes in `rgbAtr`.
    pub cbAtr: DWORD,
    /// The card's answer to reset.
    pub rgbAtr: [u8; READER_STATE_ATR_LEN],
}

/// Protocol control information (pcsclite.h; Winscard.h `SCARD_IO_REQUEST`).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SCARD_IO_REQUEST {
    /// The protocol, as a native `SCARD_PROTOCOL_*` value.
    pub dwProtocol: DWORD,
    /// Length of this structure in bytes.
    pub cbPciLength: DWORD,
}

impl SCARD_IO_REQUEST {
    /// The control information of a protocol, given as its native value.
    #[must_use]
    pub const fn new(protocol: DWORD) -> Self {
        Self { dwProtocol: protocol, cbPciLength: size_of::<Self>() as DWORD }
    }
}

/// The sixteen bytes that name a card in the resource manager's cache (`UUID`).
pub type CardIdentifier = [u8; 16];

#[cfg(all(test, target_os = "linux", target_pointer_width = "64"))]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn layouts_are_those_of_pcsc_lite_on_lp64() {
        assert_eq!(size_of::<DWORD>(), 8);
        assert_eq!(size_of::<SCARD_READERSTATE>(), 80);
        assert_eq!(offset_of!(SCARD_READERSTATE, dwEventState), 24);
        assert_eq!(offset_of!(SCARD_READERSTATE, rgbAtr), 40);
        assert_eq!(size_of::<SCARD_IO_REQUEST>(), 16);
    }
}

/// Winscard.h and winsmcrd.h of the Windows SDK.
#[cfg(all(test, windows))]
mod tests {
    use super::*;
    use std::mem::offset_of;

    #[test]
    fn layouts_are_those_of_windows() {
        let pointer = size_of::<*const ()>();
        assert_eq!((size_of::<DWORD>(), size_of::<LONG>(), size_of::<CHAR>()), (4, 4, 2));
        assert_eq!((size_of::<SCARDCONTEXT>(), size_of::<SCARDHANDLE>()), (pointer, pointer));
        assert_eq!(offset_of!(SCARD_READERSTATE, dwEventState), 2 * pointer + 4);
        assert_eq!(offset_of!(SCARD_READERSTATE, rgbAtr), 2 * pointer + 12);
        assert_eq!(size_of::<SCARD_READERSTATE>(), 2 * pointer + 48);
        assert_eq!(size_of::<SCARD_IO_REQUEST>(), 8);
    }
}
