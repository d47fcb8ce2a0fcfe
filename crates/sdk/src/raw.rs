//! Pointer helpers: the only place that turns what C hands over into Rust values and back.
//!
//! Each function is small, states what it needs of its pointer, and touches memory once. NULL is an
//! answer, never a crash.

#![allow(unsafe_code)]

use core::mem::MaybeUninit;
use core::ops::Range;

/// Types for which every bit pattern, all zeroes included, is a value.
///
/// # Safety
/// The type holds integers, raw pointers, nullable function pointers and arrays or structures of them.
pub(crate) unsafe trait Plain: Copy {}

macro_rules! plain {
    ($($name:ty),+ $(,)?) => {
        $(
            // SAFETY:
            // - by its definition (cardmod-sys, or the language) the type holds integers and pointers.
            unsafe impl Plain for $name {}
        )+
    };
}

plain!(
    u8,
    u16,
    u32,
    usize,
    cardmod_sys::CARD_DATA,
    cardmod_sys::CARD_CAPABILITIES,
    cardmod_sys::CARD_FREE_SPACE_INFO,
    cardmod_sys::CARD_KEY_SIZES,
    cardmod_sys::CARD_FILE_INFO,
    cardmod_sys::CONTAINER_INFO,
    cardmod_sys::PIN_INFO,
    cardmod_sys::CARD_SIGNING_INFO,
    cardmod_sys::CARD_RSA_DECRYPT_INFO,
    cardmod_sys::CARD_DH_AGREEMENT_INFO,
    cardmod_sys::CARD_DERIVE_KEY,
    cardmod_sys::BCRYPT_PKCS1_PADDING_INFO,
    cardmod_sys::BCRYPT_PSS_PADDING_INFO,
    cardmod_sys::BCRYPT_OAEP_PADDING_INFO,
    cardmod_sys::BCryptBufferDesc,
    cardmod_sys::BCryptBuffer,
);

// SAFETY:
// - a raw pointer has no invalid bit pattern.
unsafe impl<T> Plain for *mut T {}
// SAFETY:
// - as above.
unsafe impl<T> Plain for *const T {}

/// A pointer to one member of a structure, by its offset; the structure need not exist behind it.
pub(crate) fn member_at<S, T>(base: *mut S, offset: usize, _type_of_member: fn(&S) -> &T) -> *mut T {
    base.cast::<u8>().wrapping_add(offset).cast()
}

/// `member!(pointer, Structure, field)`: a typed pointer to the field.
macro_rules! member {
    ($base:expr, $structure:ty, $field:ident) => {
        $crate::raw::member_at::<$structure, _>(
            $base,
            core::mem::offset_of!($structure, $field),
            |structure| &structure.$field,
        )
    };
}
pub(crate) use member;

/// Reads a value.
///
/// # Safety
/// `pointer` is readable for `size_of::<T>()` bytes.
pub(crate) unsafe fn read<T: Plain>(pointer: *const T) -> T {
    // SAFETY:
    // - readable: the caller's promise; unaligned reads need no alignment;
    // - the bytes are a value: T is Plain.
    unsafe { pointer.read_unaligned() }
}

/// Writes a value.
///
/// # Safety
/// `pointer` is writable for `size_of::<T>()` bytes.
pub(crate) unsafe fn write<T: Plain>(pointer: *mut T, value: T) {
    // SAFETY:
    // - writable: the caller's promise; unaligned writes need no alignment.
    unsafe { pointer.write_unaligned(value) }
}

/// Reads the first `length` bytes of a structure; the rest is zero.
///
/// # Safety
/// `pointer` is readable for `length` bytes.
pub(crate) unsafe fn prefix<T: Plain>(pointer: *const T, length: usize) -> T {
    let mut value = MaybeUninit::<T>::zeroed();
    let length = length.min(size_of::<T>());
    // SAFETY:
    // - source: readable for `length` bytes by the caller's promise;
    // - target: a local value of at least `length` bytes, which nothing else knows.
    unsafe { core::ptr::copy_nonoverlapping(pointer.cast::<u8>(), value.as_mut_ptr().cast(), length) };
    // SAFETY:
    // - zero or copied bytes, and T is Plain.
    unsafe { value.assume_init() }
}

/// Writes some bytes of a structure and nothing beside them.
///
/// # Safety
/// `target` is writable for `range`, which lies inside the structure.
pub(crate) unsafe fn write_range<T: Plain>(target: *mut T, value: &T, range: Range<usize>) {
    debug_assert!(range.end <= size_of::<T>());
    let source = core::ptr::from_ref(value).cast::<u8>().wrapping_add(range.start);
    let target = target.cast::<u8>().wrapping_add(range.start);
    // SAFETY:
    // - source: inside a reference's value, by the caller's promise about the range;
    // - target: writable by the caller's promise; `value` is the SDK's own and does not overlap it.
    unsafe { core::ptr::copy_nonoverlapping(source, target, range.len()) }
}

/// The bytes of a counted buffer: `None` for NULL. A count of 0 reads nothing.
///
/// # Safety
/// `pointer` is NULL or readable for `length` bytes, unchanged for `'a`.
pub(crate) unsafe fn slice<'a>(pointer: *const u8, length: usize) -> Option<&'a [u8]> {
    if pointer.is_null() || isize::try_from(length).is_err() {
        return None;
    }
    if length == 0 {
        return Some(&[]);
    }
    // SAFETY:
    // - readable for `length` bytes and unchanged: the caller's promise;
    // - not NULL and not longer than `isize::MAX`: checked above.
    Some(unsafe { core::slice::from_raw_parts(pointer, length) })
}

/// Copies bytes out.
///
/// # Safety
/// `target` is writable for `bytes.len()` bytes and does not overlap `bytes`.
pub(crate) unsafe fn copy_out(bytes: &[u8], target: *mut u8) {
    // SAFETY:
    // - source: a slice; target: the caller's promise.
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) }
}

/// What a bounded scan for a terminator found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scan<T> {
    /// The pointer is NULL.
    Null,
    /// The text without its terminator.
    Text(Vec<T>),
    /// No terminator within the limit.
    TooLong,
}

/// Reads a terminated string, at most `limit` units with the terminator; nothing behind the terminator
/// or the limit is touched.
///
/// # Safety
/// `pointer` is NULL or points to units readable up to a zero or up to `limit` units, whichever is first.
pub(crate) unsafe fn terminated<T: Plain + Default + PartialEq>(pointer: *const T, limit: usize) -> Scan<T> {
    if pointer.is_null() {
        return Scan::Null;
    }
    let mut text = Vec::new();
    for index in 0..limit {
        // SAFETY:
        // - no zero came before this unit and it is within the limit: the caller promises it readable.
        let unit = unsafe { read(pointer.wrapping_add(index)) };
        if unit == T::default() {
            return Scan::Text(text);
        }
        text.push(unit);
    }
    Scan::TooLong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_stops_at_terminator_or_limit() {
        let text = *b"cmapfile\0";
        // SAFETY:
        // - a local array with terminator.
        assert_eq!(unsafe { terminated(text.as_ptr(), 9) }, Scan::Text(b"cmapfile".to_vec()));
        // SAFETY:
        // - eight units of a local array.
        assert_eq!(unsafe { terminated(text.as_ptr(), 8) }, Scan::TooLong);
        // SAFETY:
        // - NULL is allowed.
        assert_eq!(unsafe { terminated::<u16>(core::ptr::null(), 8) }, Scan::Null);
    }

    #[test]
    fn prefixes_touch_only_their_bytes() {
        let source: [u32; 2] = [7, 0xAAAA_AAAA];
        // SAFETY:
        // - four of the eight bytes of a local array.
        let value = unsafe { prefix::<usize>(source.as_ptr().cast(), 4) };
        assert_eq!(value.to_ne_bytes()[..4], 7u32.to_ne_bytes());
        let mut target = [0xFFu8; 8];
        // SAFETY:
        // - two bytes of a local array.
        unsafe { write_range(target.as_mut_ptr().cast::<u32>(), &0, 1..3) };
        assert_eq!(target, [0xFF, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
    }

    #[test]
    fn slices_know_null_and_zero() {
        // SAFETY:
        // - NULL is allowed.
        assert!(unsafe { slice(core::ptr::null(), 3) }.is_none());
        let dangling = core::ptr::dangling::<u8>();
        // SAFETY:
        // - nothing is read for a count of 0.
        assert_eq!(unsafe { slice(dangling, 0) }, Some(&[][..]));
    }

    #[test]
    fn members_are_found_by_offset() {
        let mut info = cardmod_sys::CARD_FILE_INFO { dwVersion: 1, cbFileSize: 2, AccessCondition: 3 };
        let pointer = member!(&raw mut info, cardmod_sys::CARD_FILE_INFO, cbFileSize);
        // SAFETY:
        // - a member of a local structure.
        assert_eq!(unsafe { read(pointer) }, 2);
    }
}
