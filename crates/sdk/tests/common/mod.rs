//! A host for the tests: `CARD_DATA` with an allocator that keeps account, cache callbacks and a call
//! macro. Everything is per thread, so tests do not meet.

#![allow(
    dead_code,
    unused_macros,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    reason = "each test file uses its part"
)]

pub mod module;

use std::alloc::Layout;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_void;

use cardmod_sdk::sys::{CARD_DATA, DWORD, LPWSTR, PVOID, Zeroed};
use cardmod_sdk::{CardModule, Status, acquire};

/// What the allocator and the cache saw.
#[derive(Default)]
pub struct Ledger {
    blocks: BTreeMap<usize, Layout>,
    pub allocations: usize,
    /// The allocation (counted from 1) that fails, if any.
    pub fail_at: Option<usize>,
    pub foreign_frees: usize,
    pub cache: BTreeMap<String, Vec<u8>>,
    pub cache_calls: usize,
}

thread_local! {
    static LEDGER: RefCell<Ledger> = RefCell::default();
}

pub fn ledger<R>(look: impl FnOnce(&mut Ledger) -> R) -> R {
    LEDGER.with_borrow_mut(look)
}

pub fn live_blocks() -> usize {
    ledger(|ledger| ledger.blocks.len())
}

unsafe extern "system" fn alloc(size: usize) -> *mut c_void {
    ledger(|ledger| {
        ledger.allocations += 1;
        assert!(size > 0, "the module never asks for nothing");
        if ledger.fail_at == Some(ledger.allocations) {
            return std::ptr::null_mut();
        }
        let layout = Layout::from_size_align(size, 16).unwrap();
        // SAFETY:
        // - the size is not 0: asserted above.
        let pointer = unsafe { std::alloc::alloc(layout) };
        // SAFETY:
        // - a fresh block of that size.
        unsafe { pointer.write_bytes(0xA5, size) };
        ledger.blocks.insert(pointer.addr(), layout);
        pointer.cast()
    })
}

unsafe extern "system" fn realloc(_old: *mut c_void, _size: usize) -> *mut c_void {
    std::ptr::null_mut()
}

unsafe extern "system" fn free(pointer: *mut c_void) {
    ledger(|ledger| {
        match ledger.blocks.remove(&pointer.addr()) {
            // SAFETY:
            // - a live block of `alloc` with its layout.
            Some(layout) => unsafe { std::alloc::dealloc(pointer.cast(), layout) },
            None => ledger.foreign_frees += 1,
        }
    });
}

unsafe extern "system" fn cache_add(
    _context: PVOID,
    tag: LPWSTR,
    _flags: DWORD,
    data: *mut u8,
    length: DWORD,
) -> DWORD {
    // SAFETY:
    // - the SDK gives a live buffer.
    let bytes = unsafe { std::slice::from_raw_parts(data, length as usize) }.to_vec();
    ledger(|ledger| {
        ledger.cache_calls += 1;
        ledger.cache.insert(tag_text(tag), bytes);
    });
    0
}

unsafe extern "system" fn cache_lookup(
    _context: PVOID,
    tag: LPWSTR,
    _flags: DWORD,
    data: *mut *mut u8,
    length: *mut DWORD,
) -> DWORD {
    let found = ledger(|ledger| {
        ledger.cache_calls += 1;
        ledger.cache.get(&tag_text(tag)).cloned()
    });
    let Some(found) = found else { return 0x8010_0070 };
    hand_out(&found, data, length);
    0
}

unsafe extern "system" fn cache_delete(_context: PVOID, tag: LPWSTR, _flags: DWORD) -> DWORD {
    ledger(|ledger| {
        ledger.cache_calls += 1;
        ledger.cache.remove(&tag_text(tag));
    });
    0
}

/// What a callback of the host does that answers a block: copies into the host's memory.
pub fn hand_out(bytes: &[u8], target: *mut *mut u8, length: *mut u32) {
    // SAFETY:
    // - the allocator of this file.
    let block: *mut u8 = unsafe { alloc(bytes.len().max(1)) }.cast();
    // SAFETY:
    // - a fresh block of that length.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), block, bytes.len()) };
    // SAFETY:
    // - the SDK gives live outputs.
    unsafe { target.write(block) };
    // SAFETY:
    // - as above.
    unsafe { length.write(bytes.len() as u32) };
}

fn tag_text(tag: LPWSTR) -> String {
    let mut units = Vec::new();
    loop {
        // SAFETY:
        // - a terminated string of the SDK.
        let unit = unsafe { tag.wrapping_add(units.len()).read() };
        if unit == 0 {
            return String::from_utf16(&units).unwrap();
        }
        units.push(unit);
    }
}

/// The ATR of the test card.
pub const ATR: [u8; 9] = [0x3B, 0x85, 0x80, 0x01, b'H', b'E', b'L', b'L', b'O'];

/// UTF-16 with its NUL.
pub fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

/// An 8-bit string with its NUL.
pub fn name(text: &str) -> Vec<u8> {
    text.bytes().chain([0]).collect()
}

/// One context, acquired; deleted when it is dropped, and then nothing may be left.
pub struct Host {
    data: Box<CARD_DATA>,
    atr: Vec<u8>,
    card_name: Vec<u16>,
}

impl Host {
    /// A filled structure that was not acquired.
    pub fn prepared(version: u32) -> Self {
        let mut host =
            Self { data: Box::new(CARD_DATA::ZEROED), atr: ATR.to_vec(), card_name: wide("Test Card") };
        let data = &mut *host.data;
        data.dwVersion = version;
        data.pbAtr = host.atr.as_mut_ptr();
        data.cbAtr = host.atr.len() as u32;
        data.pwszCardName = host.card_name.as_mut_ptr();
        data.pfnCspAlloc = Some(alloc);
        data.pfnCspReAlloc = Some(realloc);
        data.pfnCspFree = Some(free);
        data.pfnCspCacheAddFile = Some(cache_add);
        data.pfnCspCacheLookupFile = Some(cache_lookup);
        data.pfnCspCacheDeleteFile = Some(cache_delete);
        data.hSCardCtx = 1;
        data.hScard = 1;
        host
    }

    pub fn acquire<M: CardModule>(&mut self, flags: u32) -> u32 {
        // SAFETY:
        // - a whole structure, filled, with live pointers.
        unsafe { acquire::<M>(self.pointer(), flags) }
    }

    /// A context of the highest version.
    pub fn new<M: CardModule>() -> Self {
        Self::of_version::<M>(7)
    }

    pub fn of_version<M: CardModule>(version: u32) -> Self {
        let mut host = Self::prepared(version);
        assert_eq!(host.acquire::<M>(0), 0);
        host
    }

    pub fn data(&mut self) -> &mut CARD_DATA {
        &mut self.data
    }

    pub fn pointer(&mut self) -> *mut CARD_DATA {
        &raw mut *self.data
    }

    pub fn delete(&mut self) -> u32 {
        let Some(delete) = self.data.pfnCardDeleteContext else { return 0 };
        // SAFETY:
        // - the structure that was acquired.
        unsafe { delete(self.pointer()) }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        assert_eq!(self.delete(), 0);
        if !std::thread::panicking() {
            assert_eq!(ledger(|ledger| ledger.foreign_frees), 0, "nothing was freed that is not the host's");
        }
    }
}

/// Calls an entry of the table and answers its code.
macro_rules! call {
    ($host:expr, $entry:ident $(, $argument:expr)* $(,)?) => {{
        let entry = $host.data().$entry.expect(concat!(stringify!($entry), " is published"));
        let data = $host.pointer();
        // SAFETY:
        // - the entry of this context; the test gives arguments that are live as far as it may be read.
        unsafe { entry(data $(, $argument)*) }
    }};
}
pub(crate) use call;

/// Asserts an answer by its cause.
macro_rules! refused {
    ($code:expr, $status:expr) => {{
        let (code, status) = ($code, $status);
        assert_eq!(
            cardmod_sdk::Status::from_code(code),
            status,
            "{code:#010x} instead of {:#010x}",
            status.code()
        );
    }};
}
pub(crate) use refused;

/// A block the module handed out: copied and given back, as a host does.
pub fn take(pointer: *mut u8, length: u32) -> Vec<u8> {
    assert!(!pointer.is_null(), "success hands out a block");
    let size = ledger(|ledger| ledger.blocks.get(&pointer.addr()).map(Layout::size));
    assert!(size.expect("a block of the host's allocator") >= length as usize);
    // SAFETY:
    // - a live block of at least that size, filled by the module.
    let bytes = unsafe { std::slice::from_raw_parts(pointer, length as usize) }.to_vec();
    // SAFETY:
    // - a live block of this file's allocator.
    unsafe { free(pointer.cast()) };
    bytes
}

/// An output pair preset to garbage that must not be read.
pub struct Out {
    pub pointer: *mut u8,
    pub length: u32,
}

impl Out {
    pub fn garbage() -> Self {
        Self { pointer: std::ptr::dangling_mut::<u64>().cast(), length: 0xDEAD_BEEF }
    }

    pub fn take(self) -> Vec<u8> {
        take(self.pointer, self.length)
    }

    pub fn assert_cleared(&self) {
        assert!(self.pointer.is_null(), "a failure leaves NULL");
        assert_eq!(self.length, 0, "a failure leaves 0");
    }
}
