//! The base types of the interface, of the same width on every platform.
//!
//! pcsc-lite's `DWORD` is a C `unsigned long`, eight bytes on 64-bit Linux; the card module
//! interface keeps Windows' four everywhere.

use core::ffi::c_void;

/// Unsigned, 8 bits.
pub type BYTE = u8;
/// Unsigned, 16 bits.
pub type WORD = u16;
/// Unsigned, 32 bits.
pub type DWORD = u32;
/// Unsigned, 32 bits (the spelling of bcrypt.h).
pub type ULONG = u32;
/// Boolean of 32 bits: 0 or not 0. Never a Rust `bool`: a caller may store any value.
pub type BOOL = i32;
/// One byte of a narrow string.
pub type CHAR = u8;
/// One UTF-16 code unit, little-endian in memory on every platform cardmod runs on.
pub type WCHAR = u16;
/// An algorithm identifier (`CALG_…`).
pub type ALG_ID = u32;
/// An unsigned number of the size of a pointer.
pub type SIZE_T = usize;
/// An unsigned number of the size of a pointer.
pub type ULONG_PTR = usize;
/// A PC/SC context handle, as the card module interface carries it.
pub type SCARDCONTEXT = usize;
/// A PC/SC card handle, as the card module interface carries it.
pub type SCARDHANDLE = usize;
/// A handle of a symmetric key inside a card module (interface version 7).
pub type CARD_KEY_HANDLE = usize;
/// A role's number, 0 to 7.
pub type PIN_ID = u32;
/// A set of roles; role `n` is bit `1 << n`.
pub type PIN_SET = u32;

/// Pointer to anything.
pub type LPVOID = *mut c_void;
/// Pointer to anything.
pub type PVOID = *mut c_void;
/// Narrow string ended by a zero byte; not const in the header even where it is only read.
pub type LPSTR = *mut CHAR;
/// UTF-16 string ended by a zero unit; not const in the header even where it is only read.
pub type LPWSTR = *mut WCHAR;
/// UTF-16 string ended by a zero unit.
pub type LPCWSTR = *const WCHAR;
/// Pointer to bytes.
pub type PBYTE = *mut BYTE;
/// Pointer to bytes (the spelling of bcrypt.h).
pub type PUCHAR = *mut BYTE;
/// Pointer to a number.
pub type PDWORD = *mut DWORD;
/// Pointer to a number.
pub type LPDWORD = *mut DWORD;
/// Pointer to a key handle.
pub type PCARD_KEY_HANDLE = *mut CARD_KEY_HANDLE;

/// Who may create and delete in a directory: [`crate::UserCreateDeleteDirAc`] and its neighbours.
pub type CARD_DIRECTORY_ACCESS_CONDITION = u32;
/// Who may read and write a file: [`crate::EveryoneReadUserWriteAc`] and its neighbours.
pub type CARD_FILE_ACCESS_CONDITION = u32;
/// How a PIN is entered: [`crate::AlphaNumericPinType`] and its neighbours.
pub type SECRET_TYPE = u32;
/// What a PIN is for, which chooses the prompt's text: [`crate::AuthenticationPin`] and its neighbours.
pub type SECRET_PURPOSE = u32;
/// How long a host may keep a PIN: [`crate::PinCacheNormal`] and its neighbours.
pub type PIN_CACHE_POLICY_TYPE = u32;

scalars! {
    BYTE, WORD, DWORD, BOOL, WCHAR, ALG_ID, SIZE_T, ULONG_PTR, SCARDCONTEXT, SCARDHANDLE, CARD_KEY_HANDLE,
    PIN_ID, PIN_SET, LPVOID, PVOID, LPSTR, LPWSTR, LPCWSTR, PBYTE, PDWORD, PCARD_DATA,
    CARD_DIRECTORY_ACCESS_CONDITION, CARD_FILE_ACCESS_CONDITION, SECRET_TYPE, SECRET_PURPOSE,
    PIN_CACHE_POLICY_TYPE,
}

use crate::PCARD_DATA;
