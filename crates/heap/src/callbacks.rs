//! The C functions: one triple per slot, since the callbacks have no argument that says for whom they
//! work. This file has unsafe code: the functions' types are those of `Cardmod.h`.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use crate::slots;

/// `PFN_CSP_ALLOC`, `PFN_CSP_REALLOC` and `PFN_CSP_FREE` of one context.
///
/// The functions may be called from any thread and at any time, also after the heap they came from
/// is gone: then they lend nothing and refuse everything.
#[derive(Clone, Copy, Debug)]
pub struct Callbacks {
    /// `PFN_CSP_ALLOC`: a zeroed block of so many bytes at a multiple of 16; NULL when there is none.
    pub alloc: unsafe extern "system" fn(usize) -> *mut c_void,
    /// `PFN_CSP_REALLOC`: the same bytes in a block of another length; NULL when there is none, and
    /// the old block stays.
    pub realloc: unsafe extern "system" fn(*mut c_void, usize) -> *mut c_void,
    /// `PFN_CSP_FREE`: wipes a block and takes it back.
    pub free: unsafe extern "system" fn(*mut c_void),
}

/// Rows and columns of the pool; a slot is `row * COLUMNS + column`.
const ROWS: usize = 8;
const COLUMNS: usize = 16;

/// How many contexts have callbacks of their own at one time.
pub(crate) const POOL: usize = ROWS * COLUMNS;

/// The slot whose callbacks all further contexts share.
pub(crate) const OVERFLOW: usize = POOL;

macro_rules! row {
    ($row:literal: $($column:literal)*) => { [$(triple::<$row, $column>()),*] };
}

macro_rules! rows {
    ($($row:literal)*) => { [$(row!($row: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15)),*] };
}

static TRIPLES: [[Callbacks; COLUMNS]; ROWS] = rows!(0 1 2 3 4 5 6 7);
static SHARED: Callbacks = triple::<ROWS, 0>();

/// The callbacks of a slot.
pub(crate) fn of(slot: usize) -> Callbacks {
    if slot == OVERFLOW { SHARED } else { TRIPLES[slot / COLUMNS][slot % COLUMNS] }
}

const fn triple<const ROW: usize, const COLUMN: usize>() -> Callbacks {
    Callbacks { alloc: alloc::<ROW, COLUMN>, realloc: realloc::<ROW, COLUMN>, free: free::<ROW, COLUMN> }
}

/// # Safety
///
/// None is asked of the caller.
unsafe extern "system" fn alloc<const ROW: usize, const COLUMN: usize>(size: usize) -> *mut c_void {
    let slot = ROW * COLUMNS + COLUMN;
    catch_unwind(|| slots::alloc(slot, size)).unwrap_or(null_mut()).cast()
}

/// # Safety
///
/// * no other thread uses the block meanwhile, if `block` is one: the module's author sees to it,
///   as with every allocator. Any other value is refused without being touched.
unsafe extern "system" fn realloc<const ROW: usize, const COLUMN: usize>(
    block: *mut c_void,
    size: usize,
) -> *mut c_void {
    let slot = ROW * COLUMNS + COLUMN;
    let call = AssertUnwindSafe(|| slots::realloc(slot, block.cast(), size));
    catch_unwind(call).unwrap_or(null_mut()).cast()
}

/// # Safety
///
/// * nobody uses the block from here on, if `block` is one: the module's author sees to it, as with
///   every allocator. Any other value is refused without being touched.
unsafe extern "system" fn free<const ROW: usize, const COLUMN: usize>(block: *mut c_void) {
    let slot = ROW * COLUMNS + COLUMN;
    // A panic here has nothing to answer; the block stays lent and shows in the ledger.
    let _ = catch_unwind(AssertUnwindSafe(|| slots::free(slot, block.cast())));
}
