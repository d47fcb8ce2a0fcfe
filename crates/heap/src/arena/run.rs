//! A run of committed memory, and everything that is ever done to the bytes of a block.
//! This file has unsafe code: raw memory, which modules write at the same time.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::ptr::{NonNull, copy_nonoverlapping, write_bytes};

use zeroize::Zeroizing;

/// Up to here zeroing is done store by store.
const SHORT: usize = 128;

/// A type that may have any bytes.
trait Integer: Copy {}
impl Integer for u8 {}
impl Integer for u128 {}

/// Whole units of the arena, committed, and this value's alone until it is given back.
///
/// Lengths and offsets are in bytes from the run's start. What lies beyond its end is an error of this
/// crate and panics; the callbacks answer a panic with NULL.
#[derive(Debug)]
pub(crate) struct Run {
    base: NonNull<u8>,
    first: u32,
    units: u32,
    zero: bool,
}

// SAFETY:
// * a run is the only one for its memory, like a box.
unsafe impl Send for Run {}

// SAFETY:
// * what a shared run allows only reads; bytes are written through an exclusive one.
unsafe impl Sync for Run {}

impl Run {
    /// The run of these units, at `base`. `zero`: every byte is known to be zero.
    ///
    /// # Safety
    ///
    /// * the units' memory is at `base`, committed, and of no other run;
    /// * it stays reserved for as long as the process lives.
    pub(super) unsafe fn new(base: NonNull<u8>, first: u32, units: u32, zero: bool) -> Self {
        Self { base, first, units, zero }
    }

    pub(crate) fn first(&self) -> u32 {
        self.first
    }

    pub(crate) fn units(&self) -> u32 {
        self.units
    }

    pub(crate) fn len(&self) -> usize {
        self.units as usize * super::UNIT
    }

    /// Whether every byte was zero when the run was taken.
    pub(crate) fn came_zero(&self) -> bool {
        self.zero
    }

    /// The address of a part, for a module.
    #[inline(always)]
    pub(crate) fn at(&self, from: usize, len: usize) -> NonNull<u8> {
        let end = from.checked_add(len);
        assert!(end.is_some_and(|end| end <= self.len()), "a part beyond the end of its run");
        // SAFETY:
        // * `from` is at most the run's length, checked above, and the run is part of one reservation.
        unsafe { self.base.add(from) }
    }

    /// Overwrites a part with one value, beyond the reach of the optimiser.
    #[inline]
    pub(crate) fn fill(&mut self, from: usize, len: usize, value: u8) {
        let start = self.at(from, len).as_ptr();
        // SAFETY:
        // * the part lies in the run (`at`), which is committed and this value's alone (`new`); parts
        //   that were protected are committed again before they are filled (`checked.rs`).
        unsafe { write_bytes(start, value, len) };
        // The part is read by somebody the compiler does not know: it must really be written.
        black_box(start);
    }

    /// Zeroes a part that begins at a multiple of 16, and up to 15 bytes more, to the next one: for
    /// short blocks a few stores instead of a call.
    #[inline(always)]
    pub(crate) fn zero(&mut self, from: usize, len: usize) {
        if len > SHORT {
            return self.fill(from, len, 0);
        }
        for at in (from..from + len).step_by(16) {
            let word = self.at(at, 16).cast::<[u64; 2]>();
            // SAFETY:
            // * the 16 bytes lie in the run (`at`), which is committed and this value's alone (`new`);
            // * runs begin at a page and `from` is a multiple of 16, so `word` is aligned.
            unsafe { word.write_volatile([0; 2]) };
        }
    }

    /// The offset of an address in this run.
    #[inline(always)]
    pub(crate) fn offset_of(&self, address: usize) -> Option<usize> {
        let offset = address.wrapping_sub(self.base.as_ptr().addr());
        (offset < self.len()).then_some(offset)
    }

    /// Whether every byte of a part has this value.
    pub(crate) fn is_filled(&self, from: usize, len: usize, value: u8) -> bool {
        let (words, rest) = (len / 16, len % 16);
        let word = u128::from_ne_bytes([value; 16]);
        let filled = (0..words).all(|nth| self.get::<u128>(from + nth * 16) == word);
        filled && (0..rest).all(|nth| self.get::<u8>(from + words * 16 + nth) == value)
    }

    /// The integer at an offset, whatever its alignment.
    fn get<T: Integer>(&self, from: usize) -> T {
        let start = self.at(from, size_of::<T>()).cast::<T>();
        // SAFETY:
        // * the bytes lie in the run (`at`), which is committed and was zeroed (`new`, `span.rs`);
        // * any bytes are an integer (`Integer`).
        unsafe { start.read_unaligned() }
    }

    /// Copies the beginning of a part of another run to here.
    pub(crate) fn copy_from(&mut self, to: usize, other: &Run, from: usize, len: usize) {
        let target = self.at(to, len).as_ptr();
        let source = other.at(from, len).as_ptr();
        // SAFETY:
        // * both parts lie in their runs (`at`), which are committed and do not share memory (`new`).
        unsafe { copy_nonoverlapping(source, target, len) };
    }

    /// Copies within this run; the parts do not overlap.
    pub(crate) fn copy_within(&mut self, to: usize, from: usize, len: usize) {
        assert!(to.abs_diff(from) >= len, "two blocks of one run overlap");
        let target = self.at(to, len).as_ptr();
        let source = self.at(from, len).as_ptr();
        // SAFETY:
        // * both parts lie in the run (`at`), which is committed, and do not overlap: checked above.
        unsafe { copy_nonoverlapping(source, target, len) };
    }

    /// Copies bytes into a part.
    pub(crate) fn write(&mut self, to: usize, bytes: &[u8]) {
        let target = self.at(to, bytes.len()).as_ptr();
        // SAFETY:
        // * the part lies in the run (`at`), which is committed;
        // * `bytes` is Rust's memory and no part of the arena.
        unsafe { copy_nonoverlapping(bytes.as_ptr(), target, bytes.len()) };
    }

    /// A copy of a part.
    pub(crate) fn read(&self, from: usize, len: usize) -> Zeroizing<Vec<u8>> {
        let mut copy = Zeroizing::new(vec![0u8; len]);
        let source = self.at(from, len).as_ptr();
        // SAFETY:
        // * the part lies in the run (`at`), which is committed and was zeroed when lent;
        // * `copy` is Rust's memory of `len` bytes and no part of the arena.
        unsafe { copy_nonoverlapping(source, copy.as_mut_ptr(), len) };
        copy
    }
}
