//! The buffer conventions of PC/SC, once for all functions.
//!
//! A caller gives a buffer and a length. A null buffer asks for the length; the length `SCARD_AUTOALLOCATE`
//! asks for memory that `SCardFreeMemory` takes back, whose address goes where the buffer pointer points; a
//! buffer that is too small gets nothing but the length that is needed.
//!
//! One of the two files with unsafe code (`buffer`, `exports`).

#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_char;
use std::slice;
use std::sync::{Mutex, PoisonError};

use cardmod_pcsc::{
    DWORD, SCARD_AUTOALLOCATE, SCARD_E_INSUFFICIENT_BUFFER, SCARD_E_INVALID_PARAMETER, SCARD_E_UNEXPECTED,
};

/// Longest name that is looked at, in characters.
const MAX_NAME: usize = 4096;

/// Memory handed out under `SCARD_AUTOALLOCATE`, by address.
#[derive(Default)]
pub(crate) struct Allocations {
    /// Eight-byte units, so that any character type is aligned.
    blocks: Mutex<HashMap<usize, Box<[u64]>>>,
}

impl Allocations {
    /// Copies the value into a new block and answers its address.
    fn add<T: Copy>(&self, value: &[T]) -> *mut T {
        let mut block = vec![0_u64; size_of_val(value).div_ceil(8).max(1)].into_boxed_slice();
        let address: *mut T = block.as_mut_ptr().cast();
        // SAFETY:
        // - `block` has at least the value's size and an alignment of 8, more than any `T` here;
        // - it was just made, so nothing overlaps.
        unsafe { address.copy_from_nonoverlapping(value.as_ptr(), value.len()) };
        self.blocks.lock().unwrap_or_else(PoisonError::into_inner).insert(address as usize, block);
        address
    }

    /// Takes a block back; null is nothing.
    pub(crate) fn free(&self, address: usize) -> Result<(), u32> {
        if address == 0 {
            return Ok(());
        }
        let block = self.blocks.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
        block.map(drop).ok_or(SCARD_E_INVALID_PARAMETER)
    }
}

/// Whether the length must be given: for `SCardListReaders` and others it must, for the two buffers of
/// `SCardStatus` a null length means that the caller does not want the value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Required,
    Optional,
}

/// Hands a value to the caller by the convention.
///
/// # Safety
/// `length` is null or valid for reads and writes. `buffer` is null, or valid for writes of `*length` values,
/// or, where `*length` is `SCARD_AUTOALLOCATE`, valid for the write of a pointer (caller, winscard.h).
pub(crate) unsafe fn give<T: Copy>(
    allocations: &Allocations,
    value: &[T],
    buffer: *mut T,
    length: *mut DWORD,
    wanted: Length,
) -> Result<(), u32> {
    if length.is_null() {
        return if wanted == Length::Optional { Ok(()) } else { Err(SCARD_E_INVALID_PARAMETER) };
    }
    // SAFETY: not null, and valid for reads (caller).
    let room = unsafe { length.read_unaligned() };
    let needed = DWORD::try_from(value.len()).map_err(|_| SCARD_E_UNEXPECTED)?;
    if room == SCARD_AUTOALLOCATE && buffer.is_null() {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    // SAFETY: not null, and valid for writes (caller).
    unsafe { length.write_unaligned(needed) };
    if buffer.is_null() {
        return Ok(());
    }
    if room == SCARD_AUTOALLOCATE {
        let block = allocations.add(value);
        // SAFETY: under SCARD_AUTOALLOCATE the buffer is a place for a pointer (caller).
        unsafe { buffer.cast::<*mut T>().write_unaligned(block) };
        return Ok(());
    }
    if room < needed {
        return Err(SCARD_E_INSUFFICIENT_BUFFER);
    }
    // SAFETY:
    // - the buffer has `room` values (caller), and `needed` is not more;
    // - the value is ours and does not overlap with the caller's memory.
    unsafe { buffer.copy_from_nonoverlapping(value.as_ptr(), value.len()) };
    Ok(())
}

/// Writes one number where the caller wants it.
///
/// # Safety
/// `place` is null or valid for writes (caller, winscard.h).
pub(crate) unsafe fn put<T: Copy>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not null, and valid for writes (caller).
        unsafe { place.write_unaligned(value) };
    }
}

/// The caller's bytes; empty for a null pointer.
///
/// # Safety
/// `bytes` is null or valid for reads of `length` bytes as long as the answer is used (caller, winscard.h).
pub(crate) unsafe fn take<'a>(bytes: *const u8, length: DWORD) -> Result<&'a [u8], u32> {
    let length = usize::try_from(length).map_err(|_| SCARD_E_INVALID_PARAMETER)?;
    if bytes.is_null() {
        return if length == 0 { Ok(&[]) } else { Err(SCARD_E_INVALID_PARAMETER) };
    }
    if length > isize::MAX as usize {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    // SAFETY: not null, `length` bytes are readable (caller), and the size is in range.
    Ok(unsafe { slice::from_raw_parts(bytes, length) })
}

/// A character of names: a byte (of UTF-8; on Windows of the system's code page), or a unit of UTF-16.
pub(crate) trait Character: Copy + Default + PartialEq {
    /// The text without a NUL at its end.
    fn encode(text: &str) -> Vec<Self>;
    /// The text; what is not valid is replaced.
    fn decode(units: &[Self]) -> String;
}

impl Character for c_char {
    fn encode(text: &str) -> Vec<Self> {
        #[cfg(windows)]
        let bytes = crate::windows::to_ansi(text);
        #[cfg(not(windows))]
        let bytes = text.as_bytes();
        bytes.iter().map(|byte| *byte as Self).collect()
    }

    fn decode(units: &[Self]) -> String {
        let bytes: Vec<u8> = units.iter().map(|unit| *unit as u8).collect();
        #[cfg(windows)]
        return crate::windows::from_ansi(&bytes);
        #[cfg(not(windows))]
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Character for u16 {
    fn encode(text: &str) -> Vec<Self> {
        text.encode_utf16().collect()
    }

    fn decode(units: &[Self]) -> String {
        String::from_utf16_lossy(units)
    }
}

/// The caller's name up to its NUL; `None` for a null pointer.
///
/// # Safety
/// `name` is null or ends in a NUL (caller, winscard.h).
pub(crate) unsafe fn name<C: Character>(name: *const C) -> Result<Option<String>, u32> {
    // SAFETY: as the caller says.
    let units = unsafe { until_nul(name) }?;
    Ok(units.map(|units| C::decode(&units)))
}

/// # Safety
/// `text` is null or ends in a zero.
pub(crate) unsafe fn until_nul<T: Copy + Default + PartialEq>(text: *const T) -> Result<Option<Vec<T>>, u32> {
    if text.is_null() {
        return Ok(None);
    }
    let mut units = Vec::new();
    for index in 0..MAX_NAME {
        // SAFETY: no NUL came before this index, so the text reaches at least here (caller).
        let place = unsafe { text.add(index) };
        // SAFETY: as above.
        let unit = unsafe { place.read_unaligned() };
        if unit == T::default() {
            return Ok(Some(units));
        }
        units.push(unit);
    }
    Err(SCARD_E_INVALID_PARAMETER)
}

#[cfg(test)]
mod tests {
    use std::ptr::{null, null_mut};

    use super::*;

    fn ask(value: &[u8], buffer: *mut u8, length: &mut DWORD, allocations: &Allocations) -> Result<(), u32> {
        // SAFETY: the tests below pass what the convention asks for.
        unsafe { give(allocations, value, buffer, length, Length::Required) }
    }

    #[test]
    fn the_four_ways_to_ask() {
        let allocations = Allocations::default();
        let mut length: DWORD = 0;
        assert_eq!(ask(b"value", null_mut(), &mut length, &allocations), Ok(()));
        assert_eq!(length, 5);

        let mut small = [0xEE_u8; 4];
        length = 4;
        assert_eq!(
            ask(b"value", small.as_mut_ptr(), &mut length, &allocations),
            Err(SCARD_E_INSUFFICIENT_BUFFER)
        );
        assert_eq!((length, small), (5, [0xEE; 4]));

        let mut whole = [0_u8; 6];
        length = 6;
        assert_eq!(ask(b"value", whole.as_mut_ptr(), &mut length, &allocations), Ok(()));
        assert_eq!((length, &whole), (5, b"value\0"));

        let mut block: *mut u8 = null_mut();
        length = SCARD_AUTOALLOCATE;
        assert_eq!(ask(b"value", (&raw mut block).cast(), &mut length, &allocations), Ok(()));
        // SAFETY: the block was just handed out with this length.
        let copy = unsafe { take(block, length) }.expect("a block").to_vec();
        assert_eq!(copy, b"value");
        assert_eq!(allocations.free(block as usize), Ok(()));
        assert_eq!(allocations.free(block as usize), Err(SCARD_E_INVALID_PARAMETER), "only once");
        assert_eq!(allocations.free(0), Ok(()));
    }

    #[test]
    fn names_come_in_both_characters() {
        // Windows-1252 is the code page of the systems this is tested on.
        let narrow = if cfg!(windows) { c"Leser \xE4" } else { c"Leser \u{e4}" };
        let wide = [0x4C, 0xE4, 0];
        // SAFETY: ends in NUL.
        assert_eq!(unsafe { name(narrow.as_ptr()) }, Ok(Some("Leser ä".to_owned())));
        // SAFETY: ends in NUL.
        assert_eq!(unsafe { name::<u16>(wide.as_ptr()) }, Ok(Some("Lä".to_owned())));
        // SAFETY: null is allowed.
        assert_eq!(unsafe { name::<u16>(null()) }, Ok(None));
        let endless = vec![0x41_u16; MAX_NAME];
        // SAFETY: it is looked at to this length only.
        assert_eq!(unsafe { name(endless.as_ptr()) }, Err(SCARD_E_INVALID_PARAMETER));
        assert_eq!(u16::decode(&u16::encode("ä")), "ä");
        assert_eq!(c_char::decode(&c_char::encode("Lä")), "Lä");
        let unknown = c_char::decode(&c_char::encode("a\u{6587}b"));
        assert_eq!(unknown, if cfg!(windows) { "a?b" } else { "a\u{6587}b" });
    }

    #[test]
    fn nulls_are_told_apart() {
        let allocations = Allocations::default();
        let mut length = SCARD_AUTOALLOCATE;
        assert_eq!(ask(b"v", null_mut(), &mut length, &allocations), Err(SCARD_E_INVALID_PARAMETER));
        // SAFETY: null is allowed.
        let optional = unsafe { give(&allocations, b"v", null_mut(), null_mut(), Length::Optional) };
        assert_eq!(optional, Ok(()));
        // SAFETY: null is allowed.
        let required = unsafe { give(&allocations, b"v", null_mut(), null_mut(), Length::Required) };
        assert_eq!(required, Err(SCARD_E_INVALID_PARAMETER));
        // SAFETY: null is allowed.
        assert_eq!(unsafe { take(null(), 0) }, Ok(&[][..]));
        // SAFETY: null is refused where bytes are announced.
        assert_eq!(unsafe { take(null(), 1) }, Err(SCARD_E_INVALID_PARAMETER));
    }
}
