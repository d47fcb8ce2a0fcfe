//! Memory from the system, by pages: reserve, commit, protect, reset. This file has unsafe code: the
//! system's calls. Under Miri, which has no pages, one allocation stands in for them.
#![allow(unsafe_code)]

use std::ptr::NonNull;

#[cfg(miri)]
use stand_in as system;
#[cfg(all(unix, not(miri)))]
use unix as system;
#[cfg(all(windows, not(miri)))]
use windows as system;

/// A range of addresses that is this process's for as long as it lives. Its pages are asked for with
/// [`Reserved::commit`] before they are used.
#[derive(Debug)]
pub(crate) struct Reserved {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY:
// * the range is never given back to the system, and this type only hands out addresses in it.
unsafe impl Send for Reserved {}

// SAFETY:
// * as above; no method changes the value, and the system's calls may come from any thread.
unsafe impl Sync for Reserved {}

impl Reserved {
    /// Reserves `len` bytes at a multiple of `align`, a power of two; `None` where the system refuses.
    pub(crate) fn new(len: usize, align: usize) -> Option<Self> {
        system::reserve(len, align).map(|base| Self { base, len })
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The address `from` bytes into the range, if `from..from + len` lies in it.
    pub(crate) fn at(&self, from: usize, len: usize) -> Option<NonNull<u8>> {
        let end = from.checked_add(len)?;
        if end > self.len {
            return None;
        }
        // SAFETY:
        // * `from` is at most the length of the reservation, which is one object: checked above.
        Some(unsafe { self.base.add(from) })
    }

    /// Makes whole pages readable and writable; `false` where the system has no memory for them.
    pub(crate) fn commit(&self, from: usize, len: usize) -> bool {
        self.at(from, len).is_some_and(|start| system::commit(start, len))
    }

    /// Makes whole pages untouchable, their content stays; [`Reserved::commit`] undoes it. `false`
    /// where the system refuses.
    pub(crate) fn protect(&self, from: usize, len: usize) -> bool {
        self.at(from, len).is_some_and(|start| system::protect(start, len))
    }

    /// Gives the memory of whole pages back to the system, the addresses stay reserved. They must
    /// be committed again. Answers whether they are zero then.
    pub(crate) fn reset(&self, from: usize, len: usize) -> bool {
        self.at(from, len).is_some_and(|start| system::reset(start, len))
    }
}

/// The length of a page in bytes.
pub(crate) fn page_size() -> usize {
    system::page_size()
}

#[cfg(all(unix, not(miri)))]
mod unix {
    use std::ptr::{NonNull, null_mut};

    const NEW: libc::c_int = libc::MAP_PRIVATE | libc::MAP_ANON | libc::MAP_NORESERVE;

    pub(super) fn reserve(len: usize, align: usize) -> Option<NonNull<u8>> {
        let wide = len.checked_add(align)?;
        // SAFETY:
        // * a new private mapping at an address of the system's choice changes nothing that exists.
        let start = unsafe { libc::mmap(null_mut(), wide, libc::PROT_NONE, NEW, -1, 0) };
        if start == libc::MAP_FAILED {
            return None;
        }
        let start: *mut u8 = start.cast();
        let skip = start.addr().next_multiple_of(align) - start.addr();
        // SAFETY:
        // * `skip` is less than `align`, and the mapping is `align` longer than `len`.
        NonNull::new(unsafe { start.add(skip) })
    }

    pub(super) fn commit(start: NonNull<u8>, len: usize) -> bool {
        mprotect(start, len, libc::PROT_READ | libc::PROT_WRITE)
    }

    pub(super) fn protect(start: NonNull<u8>, len: usize) -> bool {
        mprotect(start, len, libc::PROT_NONE)
    }

    fn mprotect(start: NonNull<u8>, len: usize, access: libc::c_int) -> bool {
        // SAFETY:
        // * the pages are of a mapping made by `reserve`: `Reserved` checks the range;
        // * no Rust reference points into it: blocks are only reached through raw pointers.
        unsafe { libc::mprotect(start.as_ptr().cast(), len, access) == 0 }
    }

    pub(super) fn reset(start: NonNull<u8>, len: usize) -> bool {
        // SAFETY:
        // * the pages are of a mapping made by `reserve`, and their content is not needed any more:
        //   `Reserved` checks the range, the arena resets only runs that are its own again.
        let done = unsafe { libc::madvise(start.as_ptr().cast(), len, libc::MADV_DONTNEED) } == 0;
        // Elsewhere the advice may leave the old content in place.
        done && cfg!(target_os = "linux")
    }

    pub(super) fn page_size() -> usize {
        // SAFETY:
        // * asks for a constant of the system.
        let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        usize::try_from(size).unwrap_or(4096)
    }
}

#[cfg(all(windows, not(miri)))]
mod windows {
    use std::ptr::{NonNull, null};

    use windows_sys::Win32::System::Memory as memory;
    use windows_sys::Win32::System::SystemInformation::{GetSystemInfo, SYSTEM_INFO};

    // Windows reserves at multiples of 64 KiB.
    const GRANULE: usize = 64 * 1024;

    pub(super) fn reserve(len: usize, align: usize) -> Option<NonNull<u8>> {
        if align > GRANULE {
            return None;
        }
        // SAFETY:
        // * a new reservation at an address of the system's choice changes nothing that exists.
        let start = unsafe { memory::VirtualAlloc(null(), len, memory::MEM_RESERVE, memory::PAGE_NOACCESS) };
        NonNull::new(start.cast())
    }

    pub(super) fn commit(start: NonNull<u8>, len: usize) -> bool {
        let at = start.as_ptr().cast();
        // SAFETY:
        // * the pages are of a reservation made by `reserve`: `Reserved` checks the range. Pages that are
        //   committed already keep their content and become accessible again.
        let done = unsafe { memory::VirtualAlloc(at, len, memory::MEM_COMMIT, memory::PAGE_READWRITE) };
        !done.is_null()
    }

    pub(super) fn protect(start: NonNull<u8>, len: usize) -> bool {
        let mut before = 0;
        // SAFETY:
        // * the pages are of a reservation made by `reserve`, and committed: the arena protects only
        //   parts of runs that are in use.
        unsafe {
            memory::VirtualProtect(start.as_ptr().cast(), len, memory::PAGE_NOACCESS, &raw mut before) != 0
        }
    }

    pub(super) fn reset(start: NonNull<u8>, len: usize) -> bool {
        // SAFETY:
        // * the pages are of a reservation made by `reserve`, and their content is not needed any more:
        //   the arena resets only runs that are its own again.
        unsafe { memory::VirtualFree(start.as_ptr().cast(), len, memory::MEM_DECOMMIT) != 0 }
    }

    pub(super) fn page_size() -> usize {
        let mut info = SYSTEM_INFO::default();
        // SAFETY:
        // * writes one structure, which is ours.
        unsafe { GetSystemInfo(&raw mut info) };
        usize::try_from(info.dwPageSize).unwrap_or(4096)
    }
}

#[cfg(miri)]
mod stand_in {
    use std::alloc::{Layout, alloc_zeroed};
    use std::ptr::NonNull;

    pub(super) fn reserve(len: usize, align: usize) -> Option<NonNull<u8>> {
        let layout = Layout::from_size_align(len, align).ok()?;
        // SAFETY:
        // * the layout's size is not zero: the arena never reserves nothing.
        NonNull::new(unsafe { alloc_zeroed(layout) })
    }

    pub(super) fn commit(_: NonNull<u8>, _: usize) -> bool {
        true
    }

    pub(super) fn protect(_: NonNull<u8>, _: usize) -> bool {
        true
    }

    pub(super) fn reset(_: NonNull<u8>, _: usize) -> bool {
        false
    }

    /// Short ones: Miri takes its time over each byte.
    pub(super) fn page_size() -> usize {
        256
    }
}
