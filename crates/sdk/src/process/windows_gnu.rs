//! Thread-local storage where Rust's runtime takes it from the process, index by index, and never gives it
//! back: `*-pc-windows-gnu`, whose linker knows no other kind.
//!
//! A process has 1088 indices. The runtime takes two or three of them for each load of a library (one as the
//! library goes), so that a host that loads a module for each card would be ended by the runtime after some
//! hundred cards ("out of TLS indexes"). So a library that is loaded has its own imports of `TlsAlloc` and
//! `TlsFree` led through here, notes what it holds, and frees it at the end. Only the library's own import
//! table is touched, before any of its code has run.

#![allow(unsafe_code)]

use core::ffi::c_void;
use core::mem;
use core::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use super::indices::Indices;
use windows_sys::Win32::System::Memory::{PAGE_READWRITE, VirtualProtect};
use windows_sys::Win32::System::Threading::{TLS_OUT_OF_INDEXES, TlsAlloc, TlsGetValue, TlsSetValue};

type AllocFn = unsafe extern "system" fn() -> u32;
type FreeFn = unsafe extern "system" fn(u32) -> i32;

unsafe extern "C" {
    /// Where this image's import table holds the address of `TlsAlloc`.
    #[cfg_attr(target_arch = "x86", link_name = "_imp__TlsAlloc@0")]
    #[cfg_attr(not(target_arch = "x86"), link_name = "__imp_TlsAlloc")]
    safe static IMPORTED_ALLOC: AtomicUsize;
    /// The same for `TlsFree`.
    #[cfg_attr(target_arch = "x86", link_name = "_imp__TlsFree@4")]
    #[cfg_attr(not(target_arch = "x86"), link_name = "__imp_TlsFree")]
    safe static IMPORTED_FREE: AtomicUsize;
}

/// The system's functions.
static ALLOC: AtomicUsize = AtomicUsize::new(0);
static FREE: AtomicUsize = AtomicUsize::new(0);

/// What this library holds.
static HELD: Indices = Indices::new();

/// The index of this thread's depth, one more; 0 before the library arrived and after it left. Its values are
/// plain numbers: nothing is lost with them.
static DEPTH: AtomicU32 = AtomicU32::new(0);

/// How deep this thread is inside the fence.
pub(crate) fn depth() -> usize {
    match DEPTH.load(Ordering::Relaxed).checked_sub(1) {
        // SAFETY:
        // - an index of this image's that was not freed.
        Some(index) => unsafe { TlsGetValue(index) }.addr(),
        None => 0,
    }
}

pub(crate) fn set_depth(depth: usize) {
    if let Some(index) = DEPTH.load(Ordering::Relaxed).checked_sub(1) {
        // SAFETY:
        // - an index of this image's that was not freed; the value is a number to everybody.
        unsafe { TlsSetValue(index, core::ptr::without_provenance(depth)) };
    }
}

/// The image is mapped: a library keeps account from now on.
pub(super) fn arrive(library: bool) {
    if library {
        ALLOC.store(IMPORTED_ALLOC.load(Ordering::Relaxed), Ordering::Relaxed);
        FREE.store(IMPORTED_FREE.load(Ordering::Relaxed), Ordering::Relaxed);
        if !lead(&IMPORTED_ALLOC, (take as AllocFn) as usize) {
            HELD.miss();
        }
        lead(&IMPORTED_FREE, (give_back as FreeFn) as usize);
    }
    // A library's own calls may go by an import of another name, which is not led anywhere.
    let index = if library {
        // SAFETY:
        // - no conditions but that the system's function is known, which it is.
        unsafe { take() }
    } else {
        // SAFETY:
        // - no conditions.
        unsafe { TlsAlloc() }
    };
    if index != TLS_OUT_OF_INDEXES {
        DEPTH.store(index + 1, Ordering::Relaxed);
    }
}

/// The image goes: everything it holds is freed.
pub(super) fn leave() {
    DEPTH.store(0, Ordering::Relaxed);
    HELD.close(|index| {
        system_free(index);
    });
}

/// Leads an import to a function of this library. A table that cannot be written stays as it is: then indices
/// are lost as they would be without this.
fn lead(import: &'static AtomicUsize, function: usize) -> bool {
    let (address, length) = (core::ptr::from_ref(import).cast::<c_void>(), size_of::<AtomicUsize>());
    let mut before = 0;
    // SAFETY:
    // - a word of this image's import table, which lives as long as this code.
    if unsafe { VirtualProtect(address, length, PAGE_READWRITE, &raw mut before) } == 0 {
        return false;
    }
    import.store(function, Ordering::Relaxed);
    // SAFETY:
    // - as above, with the protection it had.
    unsafe { VirtualProtect(address, length, before, &raw mut before) };
    true
}

/// `TlsAlloc` of this library's own code.
unsafe extern "system" fn take() -> u32 {
    let address = ALLOC.load(Ordering::Relaxed);
    // SAFETY:
    // - what the loader wrote into the import of this name.
    let alloc = unsafe { mem::transmute::<usize, AllocFn>(address) };
    // SAFETY:
    // - the system's function has no conditions.
    let index = unsafe { alloc() };
    if index != TLS_OUT_OF_INDEXES {
        HELD.add(index);
    }
    index
}

/// `TlsFree` of this library's own code. After [`leave`] there may still be some to run, and each index it holds was
/// given back: it gets the answer it waits for.
unsafe extern "system" fn give_back(index: u32) -> i32 {
    if HELD.remove(index) { system_free(index) } else { 1 }
}

fn system_free(index: u32) -> i32 {
    let address = FREE.load(Ordering::Relaxed);
    // SAFETY:
    // - what the loader wrote into the import of this name.
    let free = unsafe { mem::transmute::<usize, FreeFn>(address) };
    // SAFETY:
    // - an index that this library holds, or what its own code asks to be freed.
    unsafe { free(index) }
}
