//! The host as one call sees it: its handles and callbacks, read from `CARD_DATA` at every entry.

use core::cell::Cell;
use core::ffi::c_void;
use core::ptr;

use cardmod_sys::{
    CARD_DATA, CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO, PFN_CSP_ALLOC, PFN_CSP_CACHE_ADD_FILE,
    PFN_CSP_CACHE_DELETE_FILE, PFN_CSP_CACHE_LOOKUP_FILE, PFN_CSP_FREE, PFN_CSP_GET_DH_AGREEMENT,
    PFN_CSP_PAD_DATA, PFN_CSP_UNPAD_DATA,
};
use core::sync::atomic::{AtomicPtr, Ordering};
use zeroize::{Zeroize, Zeroizing};

use crate::module::Result;
use crate::raw::{self, member};
use crate::slots::Handle;
use crate::status::Status;

/// The longest answer taken from a host's callback; a cache entry or padded block is far shorter.
const MAX_CALLBACK_BYTES: u32 = 1 << 24;

/// The handles of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct CardHandles {
    pub(crate) context: usize,
    pub(crate) card: usize,
}

/// A `CARD_DATA` of version 4 or more, and what of it serves the running call.
///
/// Invariant: the value was made by [`Host::read`], so pointer and callbacks are what Cardmod.h says
/// for as long as the call runs.
pub(crate) struct Host {
    data: *mut CARD_DATA,
    vendor: usize,
    pub(crate) handles: CardHandles,
    alloc: PFN_CSP_ALLOC,
    free: PFN_CSP_FREE,
    cache_add: PFN_CSP_CACHE_ADD_FILE,
    cache_lookup: PFN_CSP_CACHE_LOOKUP_FILE,
    cache_delete: PFN_CSP_CACHE_DELETE_FILE,
    cache_context: *mut c_void,
    pad: PFN_CSP_PAD_DATA,
    /// Bytes of the last block handed out, for the log.
    answered: Cell<Option<u32>>,
}

macro_rules! fetch {
    ($data:expr, $field:ident) => {{
        let pointer = member!($data, CARD_DATA, $field);
        // SAFETY:
        // - the structure has at least the members of version 4, of which this is one (or of the version
        //   the caller of this macro has checked): the contract of the function around.
        unsafe { pointer.read_unaligned() }
    }};
}

impl Host {
    /// Reads the host's members.
    ///
    /// # Safety
    /// `data` is NULL or points to a `CARD_DATA` with at least the members of version 4, filled as
    /// Cardmod.h asks, for as long as the returned value lives.
    pub(super) unsafe fn read(data: *mut CARD_DATA) -> Result<Self> {
        if data.is_null() {
            return Err(Status::InvalidParameter);
        }
        let vendor = member!(data, CARD_DATA, pvVendorSpecific);
        Ok(Self {
            data,
            // SAFETY:
            // - a member of version 4.
            vendor: unsafe { vendor_word(vendor) }.load(Ordering::Acquire).addr(),
            handles: CardHandles { context: fetch!(data, hSCardCtx), card: fetch!(data, hScard) },
            alloc: fetch!(data, pfnCspAlloc),
            free: fetch!(data, pfnCspFree),
            cache_add: fetch!(data, pfnCspCacheAddFile),
            cache_lookup: fetch!(data, pfnCspCacheLookupFile),
            cache_delete: fetch!(data, pfnCspCacheDeleteFile),
            cache_context: fetch!(data, pvCacheContext),
            pad: fetch!(data, pfnCspPadData),
            answered: Cell::new(None),
        })
    }

    /// How many bytes the running call handed out last.
    pub(super) fn answered(&self) -> Option<u32> {
        self.answered.get()
    }

    /// The context this structure belongs to; `None` before acquire and after delete.
    pub(crate) fn handle(&self) -> Option<Handle> {
        Handle::from_raw(self.vendor)
    }

    /// What `pvVendorSpecific` held before acquire is not a context of this structure.
    pub(super) fn forget_old_handle(&mut self) {
        self.vendor = 0;
    }

    /// Takes the context's handle out of the structure, so that no later call finds it there.
    pub(crate) fn forget_handle(&self) {
        let vendor = member!(self.data, CARD_DATA, pvVendorSpecific);
        // SAFETY:
        // - a member of version 4 of the structure this value was made from.
        unsafe { vendor_word(vendor) }.store(ptr::null_mut(), Ordering::Release);
    }

    /// Copies bytes into memory of the host's allocator.
    ///
    /// # Errors
    /// [`Status::NoMemory`] where it gives none.
    pub(crate) fn block(&self, bytes: &[u8]) -> Result<HostBlock> {
        let length = u32::try_from(bytes.len()).map_err(|_| Status::NoMemory)?;
        let (Some(alloc), Some(_)) = (self.alloc, self.free) else {
            return Err(Status::NoMemory);
        };
        // SAFETY:
        // - the host's function, by the invariant of this type; never asked for 0 bytes.
        let pointer: *mut u8 = unsafe { alloc(bytes.len().max(1)) }.cast();
        if pointer.is_null() {
            return Err(Status::NoMemory);
        }
        // SAFETY:
        // - a fresh block of at least `bytes.len()` bytes, or the host breaks its contract.
        unsafe { raw::copy_out(bytes, pointer) };
        self.answered.set(Some(length));
        Ok(HostBlock { pointer, length, free: self.free })
    }

    /// Stores in the host's cache; a host without cache, or one that refuses, changes nothing.
    pub(crate) fn cache_add(&self, tag: &str, data: &[u8]) {
        let (Some(add), Ok(length)) = (self.cache_add, u32::try_from(data.len())) else { return };
        let mut tag = wide(tag);
        let mut copy = Zeroizing::new(data.to_vec());
        // SAFETY:
        // - the host's function and its own context; tag and buffer are local and outlive the call.
        let code = unsafe { add(self.cache_context, tag.as_mut_ptr(), 0, copy.as_mut_ptr(), length) };
        tracing::trace!(code, "cache add");
    }

    /// Looks in the host's cache; any failure is a miss.
    pub(crate) fn cache_lookup(&self, tag: &str) -> Option<Zeroizing<Vec<u8>>> {
        let lookup = self.cache_lookup?;
        let mut tag = wide(tag);
        let mut pointer = ptr::null_mut();
        let mut length = 0;
        // SAFETY:
        // - the host's function and its own context; tag and outputs are local and outlive the call.
        let code =
            unsafe { lookup(self.cache_context, tag.as_mut_ptr(), 0, &raw mut pointer, &raw mut length) };
        self.take(code, pointer, length)
    }

    /// Removes from the host's cache.
    pub(crate) fn cache_delete(&self, tag: &str) {
        let Some(delete) = self.cache_delete else { return };
        let mut tag = wide(tag);
        // SAFETY:
        // - the host's function and its own context; the tag is local and outlives the call.
        let code = unsafe { delete(self.cache_context, tag.as_mut_ptr(), 0) };
        tracing::trace!(code, "cache delete");
    }

    /// Lets the host pad; the block as it came (little-endian).
    ///
    /// # Safety
    /// Everything the structure points to is live.
    pub(super) unsafe fn pad(&self, info: &mut CARD_SIGNING_INFO, width: u32) -> Result<Zeroizing<Vec<u8>>> {
        let pad = self.pad.ok_or(Status::UnsupportedFeature)?;
        let mut pointer = ptr::null_mut();
        let mut length = 0;
        // SAFETY:
        // - the host's function; structure and outputs are live references of this thread, and what the
        //   structure points to is live by the caller's promise.
        let code = unsafe { pad(info, width, &raw mut length, &raw mut pointer) };
        self.take(code, pointer, length).ok_or_else(|| callback_failure(code))
    }

    /// Lets the host remove padding, version 7; the plaintext as it came (little-endian).
    ///
    /// # Safety
    /// Everything the structure points to is live.
    pub(super) unsafe fn unpad(
        &self,
        version: u32,
        info: &mut CARD_RSA_DECRYPT_INFO,
    ) -> Result<Zeroizing<Vec<u8>>> {
        let unpad: PFN_CSP_UNPAD_DATA = if version >= 7 { fetch!(self.data, pfnCspUnpadData) } else { None };
        let unpad = unpad.ok_or(Status::UnsupportedFeature)?;
        let mut pointer = ptr::null_mut();
        let mut length = 0;
        // SAFETY:
        // - the host's function; structure and outputs are live references of this thread, and what the
        //   structure points to is live by the caller's promise.
        let code = unsafe { unpad(info, &raw mut length, &raw mut pointer) };
        self.take(code, pointer, length).ok_or_else(|| callback_failure(code))
    }

    /// The agreement's number behind a secret handle of the host (specification, section 6.7).
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] where the host has no such function, or the secret is not one of
    /// this card.
    pub(crate) fn agreement_index(&self, version: u32, secret: usize) -> Result<u8> {
        let get: PFN_CSP_GET_DH_AGREEMENT =
            if version >= 5 { fetch!(self.data, pfnCspGetDHAgreement) } else { None };
        let get = get.ok_or(Status::InvalidParameter)?;
        let mut index = 0u8;
        let secret = ptr::without_provenance_mut(secret);
        // SAFETY:
        // - the host's function, with the structure of the running call and the host's own secret; the
        //   output is local.
        let code = unsafe { get(self.data, secret, &raw mut index, 0) };
        if code == 0 { Ok(index) } else { Err(Status::InvalidParameter) }
    }

    /// Copies a block that a callback made and gives it back, wiped.
    fn take(&self, code: u32, pointer: *mut u8, length: u32) -> Option<Zeroizing<Vec<u8>>> {
        if code != 0 || pointer.is_null() {
            return None;
        }
        let block = HostBlock { pointer, length, free: self.free };
        if length > MAX_CALLBACK_BYTES {
            return None;
        }
        Some(Zeroizing::new(block.bytes().to_vec()))
    }
}

/// The word of `pvVendorSpecific`: read by every call, cleared by delete, which may run at the same time.
///
/// # Safety
/// `word` is a member of a live `CARD_DATA`.
unsafe fn vendor_word<'a>(word: *mut *mut c_void) -> &'a AtomicPtr<c_void> {
    // SAFETY:
    // - live and aligned: the caller's promise (the structure is naturally aligned, being C's);
    // - after acquire the SDK alone touches this word, always through here.
    unsafe { AtomicPtr::from_ptr(word) }
}

fn callback_failure(code: u32) -> Status {
    // Only codes of the smart card family go up; the interface names no others for these callbacks.
    if code >> 16 == 0x8010 { Status::from_code(code) } else { Status::UnsupportedFeature }
}

pub(super) fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// Memory of the host's allocator: wiped and given back, unless it is handed out.
pub(crate) struct HostBlock {
    pointer: *mut u8,
    length: u32,
    free: PFN_CSP_FREE,
}

impl HostBlock {
    pub(crate) fn len(&self) -> u32 {
        self.length
    }

    /// Hands the block out; it is the caller's from now on.
    pub(crate) fn into_raw(self) -> *mut u8 {
        let pointer = self.pointer;
        core::mem::forget(self);
        pointer
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY:
        // - the block has `length` bytes: made so by `Host::block`, or promised by the host's callback.
        unsafe { raw::slice(self.pointer, self.length as usize) }.unwrap_or_default()
    }

    fn wipe(&mut self) {
        if self.length > MAX_CALLBACK_BYTES {
            return; // a callback's lie about the length is not followed
        }
        // SAFETY:
        // - as for `bytes`, and the block belongs to this value alone.
        unsafe { core::slice::from_raw_parts_mut(self.pointer, self.length as usize) }.zeroize();
    }
}

impl Drop for HostBlock {
    fn drop(&mut self) {
        self.wipe();
        if let Some(free) = self.free {
            // SAFETY:
            // - the block came from this host's allocator (or a callback that says so) and was not given
            //   back or handed out before.
            unsafe { free(self.pointer.cast()) };
        }
    }
}
