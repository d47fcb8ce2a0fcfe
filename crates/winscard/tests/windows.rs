//! The library as Windows' programs see it: all that they may link to is there, and what needs the smart card
//! service says so where none runs.

#![cfg(windows)]

mod common;

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use cardmod_pcsc::{
    DWORD, LONG, SCARD_E_INVALID_HANDLE, SCARD_E_INVALID_PARAMETER, SCARD_E_NO_SERVICE,
    SCARD_E_UNSUPPORTED_FEATURE, SCARD_IO_REQUEST, SCARD_READERSTATE, SCARD_STATE_ATRMATCH,
    SCARD_STATE_PRESENT, SCARDCONTEXT, SCARDHANDLE,
};
use cardmod_virtual::Store;
use common::built_library;
use libloading::{Library, Symbol};
use tempfile::TempDir;

/// What Windows' own library exports (`winscard.lib` of the Windows SDK), but for setup and two events that only the
/// shell used.
const EXPORTS: &str = "SCardAccessStartedEvent SCardAddReaderToGroupA SCardAddReaderToGroupW SCardAudit
    SCardBeginTransaction SCardCancel SCardConnectA SCardConnectW SCardControl SCardDisconnect SCardEndTransaction
    SCardEstablishContext SCardForgetCardTypeA SCardForgetCardTypeW SCardForgetReaderA SCardForgetReaderGroupA
    SCardForgetReaderGroupW SCardForgetReaderW SCardFreeMemory SCardGetAttrib SCardGetCardTypeProviderNameA
    SCardGetCardTypeProviderNameW SCardGetDeviceTypeIdA SCardGetDeviceTypeIdW SCardGetProviderIdA
    SCardGetProviderIdW SCardGetReaderDeviceInstanceIdA SCardGetReaderDeviceInstanceIdW SCardGetReaderIconA
    SCardGetReaderIconW SCardGetStatusChangeA SCardGetStatusChangeW SCardGetTransmitCount
    SCardIntroduceCardTypeA SCardIntroduceCardTypeW SCardIntroduceReaderA SCardIntroduceReaderGroupA
    SCardIntroduceReaderGroupW SCardIntroduceReaderW SCardIsValidContext SCardListCardsA SCardListCardsW
    SCardListInterfacesA SCardListInterfacesW SCardListReaderGroupsA SCardListReaderGroupsW SCardListReadersA
    SCardListReadersW SCardListReadersWithDeviceInstanceIdA SCardListReadersWithDeviceInstanceIdW
    SCardLocateCardsA SCardLocateCardsByATRA SCardLocateCardsByATRW SCardLocateCardsW SCardReadCacheA
    SCardReadCacheW SCardReconnect SCardReleaseContext SCardReleaseStartedEvent SCardRemoveReaderFromGroupA
    SCardRemoveReaderFromGroupW SCardSetAttrib SCardSetCardTypeProviderNameA SCardSetCardTypeProviderNameW
    SCardState SCardStatusA SCardStatusW SCardTransmit SCardWriteCacheA SCardWriteCacheW
    g_rgSCardRawPci g_rgSCardT0Pci g_rgSCardT1Pci";

fn library() -> Library {
    // SAFETY: the library was built from this crate; it has no initialisers that do harm.
    unsafe { Library::new(built_library()) }.expect("the shared library")
}

fn find<'library, T>(library: &'library Library, name: &str) -> Symbol<'library, T> {
    // SAFETY: the callers below name the types of winscard.h.
    unsafe { library.get(name.as_bytes()) }.unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_export_of_windows_is_there() {
    let library = library();
    for name in EXPORTS.split_whitespace() {
        find::<*const ()>(&library, name);
    }
    for (name, protocol) in [("g_rgSCardT0Pci", 1), ("g_rgSCardT1Pci", 2), ("g_rgSCardRawPci", 0x1_0000)] {
        let pci = *find::<*const SCARD_IO_REQUEST>(&library, name);
        // SAFETY: a data export of this type.
        let pci = unsafe { pci.read() };
        assert_eq!((pci.dwProtocol, pci.cbPciLength), (protocol, 8), "{name}");
    }
}

/// A context in the library with one card, and what keeps it.
struct Bench {
    library: Library,
    context: SCARDCONTEXT,
    reader: String,
    _home: TempDir,
}

fn bench() -> Bench {
    let home = TempDir::new().expect("a directory");
    let store = Store::open(home.path()).expect("a store");
    let reader = common::card_of(&store, "mine");
    let library = library();
    let directory = std::ffi::CString::new(home.path().to_str().expect("text")).expect("text");
    let set = find::<unsafe extern "system" fn(*const i8) -> LONG>(&library, "CardmodSetStoreDir");
    // SAFETY: the text ends in NUL.
    assert_eq!(unsafe { set(directory.as_ptr()) }, 0);
    let establish = find::<unsafe extern "system" fn(DWORD, usize, usize, *mut SCARDCONTEXT) -> LONG>(
        &library,
        "SCardEstablishContext",
    );
    let mut context = 0;
    // SAFETY: the place lives.
    assert_eq!(unsafe { establish(2, 0, 0, &raw mut context) }, 0);
    Bench { context, reader, _home: home, library }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn code(answer: LONG) -> u32 {
    answer.cast_unsigned()
}

/// Under Wine 8 the system's library answers nothing, and most of its functions end the program that calls them.
#[test]
fn questions_to_the_database_need_the_service() {
    let bench = bench();
    let name = wide("Some Card");
    let provider = find::<
        unsafe extern "system" fn(SCARDCONTEXT, *const u16, DWORD, *mut u16, *mut DWORD) -> LONG,
    >(&bench.library, "SCardGetCardTypeProviderNameW");
    let list = find::<
        unsafe extern "system" fn(
            SCARDCONTEXT,
            *const u8,
            *const c_void,
            DWORD,
            *mut u16,
            *mut DWORD,
        ) -> LONG,
    >(&bench.library, "SCardListCardsW");
    for context in [bench.context, 0] {
        let mut length = 0;
        // SAFETY: the name ends in NUL; the length's place lives; no buffer.
        let answer = unsafe { provider(context, name.as_ptr(), 0x8000_0001, null_mut(), &raw mut length) };
        assert!([SCARD_E_NO_SERVICE, 2, 0x8010_000D].contains(&code(answer)), "{answer:#x}");
        // SAFETY: all cards; the length's place lives; no buffer.
        let answer = unsafe { list(context, null(), null(), 0, null_mut(), &raw mut length) };
        assert!([SCARD_E_NO_SERVICE, 0].contains(&code(answer)), "{answer:#x}");
    }
    // SAFETY: a context that is none.
    let answer = unsafe { provider(7, name.as_ptr(), 1, null_mut(), null_mut()) };
    assert_eq!(code(answer), cardmod_pcsc::SCARD_E_INVALID_HANDLE);
}

#[repr(C)]
struct AtrMask {
    length: DWORD,
    atr: [u8; 36],
    mask: [u8; 36],
}

#[test]
fn virtual_readers_are_located_by_atr() {
    let bench = bench();
    let locate = find::<
        unsafe extern "system" fn(SCARDCONTEXT, *const AtrMask, DWORD, *mut SCARD_READERSTATE, DWORD) -> LONG,
    >(&bench.library, "SCardLocateCardsByATRW");
    let name = wide(&bench.reader);
    let mut state = SCARD_READERSTATE {
        szReader: name.as_ptr(),
        pvUserData: null_mut(),
        dwCurrentState: 0,
        dwEventState: 0,
        cbAtr: 0,
        rgbAtr: [0; 36],
    };
    let mut mask = AtrMask { length: 2, atr: [0x3B; 36], mask: [0xFF; 36] };
    let mut ask = |mask: &AtrMask| {
        // SAFETY: one mask, one state, whose name ends in NUL.
        assert_eq!(code(unsafe { locate(bench.context, mask, 1, &raw mut state, 1) }), 0);
        assert_ne!(state.dwEventState & SCARD_STATE_PRESENT, 0);
        (state.dwEventState & SCARD_STATE_ATRMATCH != 0, state.cbAtr, state.rgbAtr)
    };
    let (found, length, atr) = ask(&mask);
    assert!(!found && length > 2, "of two bytes it is not");
    mask = AtrMask { length, atr, mask: [0xFF; 36] };
    assert!(ask(&mask).0);
    mask.atr[3] ^= 0x0F;
    assert!(!ask(&mask).0);
    mask.mask[3] = 0xF0;
    assert!(ask(&mask).0, "these bits do not count");
    mask.length = 37;
    // SAFETY: one mask, one state, whose name ends in NUL.
    let answer = unsafe { locate(bench.context, &raw const mask, 1, &raw mut state, 1) };
    assert_eq!(code(answer), cardmod_pcsc::SCARD_E_INVALID_VALUE);
}

#[test]
fn what_a_virtual_reader_is_and_is_not() {
    let bench = bench();
    let name = wide(&bench.reader);
    let kind_of = find::<unsafe extern "system" fn(SCARDCONTEXT, *const u16, *mut DWORD) -> LONG>(
        &bench.library,
        "SCardGetDeviceTypeIdW",
    );
    let mut kind = 0;
    // SAFETY: the name ends in NUL; the place lives.
    assert_eq!(unsafe { kind_of(bench.context, name.as_ptr(), &raw mut kind) }, 0);
    assert_eq!(kind, 0xF0, "SCARD_READER_TYPE_VENDOR");
    for function in ["SCardGetReaderIconW", "SCardGetReaderDeviceInstanceIdW"] {
        let ask = find::<unsafe extern "system" fn(SCARDCONTEXT, *const u16, *mut u8, *mut DWORD) -> LONG>(
            &bench.library,
            function,
        );
        let mut length = 0;
        // SAFETY: the name ends in NUL; the length's place lives; no buffer.
        let answer = unsafe { ask(bench.context, name.as_ptr(), null_mut(), &raw mut length) };
        assert_eq!(code(answer), SCARD_E_UNSUPPORTED_FEATURE, "{function}");
    }
    let connect = find::<
        unsafe extern "system" fn(
            SCARDCONTEXT,
            *const u16,
            DWORD,
            DWORD,
            *mut SCARDHANDLE,
            *mut DWORD,
        ) -> LONG,
    >(&bench.library, "SCardConnectW");
    let (mut card, mut protocol) = (0, 0);
    // SAFETY: the name ends in NUL; the places live.
    let answer = unsafe { connect(bench.context, name.as_ptr(), 2, 3, &raw mut card, &raw mut protocol) };
    assert_eq!((code(answer), protocol), (0, 2));
    let state_of = find::<
        unsafe extern "system" fn(SCARDHANDLE, *mut DWORD, *mut DWORD, *mut u8, *mut DWORD) -> LONG,
    >(&bench.library, "SCardState");
    let (mut state, mut protocol, mut atr, mut length) = (0, 0, [0_u8; 36], 36);
    // SAFETY: the places live; the ATR's buffer has its length.
    let answer =
        unsafe { state_of(card, &raw mut state, &raw mut protocol, atr.as_mut_ptr(), &raw mut length) };
    assert_eq!((code(answer), state, protocol, atr[0]), (0, 6, 2, 0x3B));
    let count_of = find::<unsafe extern "system" fn(SCARDHANDLE, *mut DWORD) -> LONG>(
        &bench.library,
        "SCardGetTransmitCount",
    );
    // SAFETY: the place lives.
    let answer = unsafe { count_of(card, &raw mut length) };
    assert_eq!(code(answer), SCARD_E_UNSUPPORTED_FEATURE);
}

#[test]
fn the_service_of_virtual_readers_has_always_started() {
    let library = library();
    let event = find::<unsafe extern "system" fn() -> *mut c_void>(&library, "SCardAccessStartedEvent");
    let release = find::<unsafe extern "system" fn()>(&library, "SCardReleaseStartedEvent");
    // SAFETY: any program may call these.
    let (first, second) = unsafe { (event(), event()) };
    assert!(!first.is_null());
    assert_eq!(first, second);
    // SAFETY: as above.
    unsafe { release() };
    // SAFETY: as above.
    assert_eq!(unsafe { event() }, first, "it stays for others");
    // SAFETY: the system's library, of this name.
    let kernel = unsafe { Library::new("kernel32.dll") }.expect("kernel32.dll");
    let wait = find::<unsafe extern "system" fn(*mut c_void, DWORD) -> DWORD>(&kernel, "WaitForSingleObject");
    // SAFETY: the handle is an event's.
    assert_eq!(unsafe { wait(first, 0) }, 0, "signalled");
}

/// Threads that used a card may still have to run code of it; and each load costs the process something that the
/// runtime never gives back, of which there are some thousand.
#[test]
fn once_loaded_the_library_stays() {
    use libloading::os::windows::Library as Loaded;
    const NAME: &str = "cardmod_winscard.dll";
    assert!(Loaded::open_already_loaded(NAME).is_err(), "nobody has loaded it");
    let first = library();
    let count = *find::<unsafe extern "system" fn() -> u64>(&first, "CardmodApduCount");
    drop(first);
    for _ in 0..1200 {
        drop(library());
    }
    assert!(Loaded::open_already_loaded(NAME).is_ok(), "unused, it stays");
    // SAFETY: the library is still loaded, and any program may call this.
    assert_eq!(unsafe { count() }, 0);
    drop(bench().library);
    assert!(Loaded::open_already_loaded(NAME).is_ok(), "used, it stays");
}

type ListOf = unsafe extern "system" fn(SCARDCONTEXT, *const u16, *mut u16, *mut DWORD) -> LONG;
type GroupsOf = unsafe extern "system" fn(SCARDCONTEXT, *mut u16, *mut DWORD) -> LONG;
type FreeOf = unsafe extern "system" fn(SCARDCONTEXT, *const c_void) -> LONG;

/// winscard.h: lists and memory belong to no context.
#[test]
fn lists_need_no_context() {
    let bench = bench();
    let readers = find::<ListOf>(&bench.library, "SCardListReadersW");
    let groups = find::<GroupsOf>(&bench.library, "SCardListReaderGroupsW");
    let free = find::<FreeOf>(&bench.library, "SCardFreeMemory");
    for context in [0, bench.context] {
        let (mut block, mut length) = (null_mut::<u16>(), DWORD::MAX);
        // SAFETY: SCARD_AUTOALLOCATE, for which the buffer is a place for a pointer; both places live.
        let answer = unsafe { readers(context, null(), (&raw mut block).cast(), &raw mut length) };
        assert_eq!(code(answer), 0);
        // SAFETY: the block has this length until it is given back below.
        let text = String::from_utf16_lossy(unsafe { std::slice::from_raw_parts(block, length as usize) });
        assert!(text.split('\0').any(|name| name == bench.reader), "{text:?}");
        // SAFETY: any address may be asked about.
        assert_eq!(code(unsafe { free(0, block.cast()) }), 0);
        // SAFETY: as above.
        assert_eq!(code(unsafe { free(0, block.cast()) }), SCARD_E_INVALID_PARAMETER, "only once");

        let mut length = 0;
        // SAFETY: no buffer; the length's place lives.
        assert_eq!(code(unsafe { groups(context, null_mut(), &raw mut length) }), 0);
        assert_eq!(length as usize, "SCard$DefaultReaders".len() + 2);
    }
    let mut length = 0;
    // SAFETY: no buffer; the length's place lives.
    let answer = unsafe { readers(7, null(), null_mut(), &raw mut length) };
    assert_eq!(code(answer), SCARD_E_INVALID_HANDLE, "7 is no context");
    // SAFETY: nothing is given back.
    assert_eq!(code(unsafe { free(7, null()) }), SCARD_E_INVALID_HANDLE);
    let narrow = find::<unsafe extern "system" fn(SCARDCONTEXT, *const i8, *mut i8, *mut DWORD) -> LONG>(
        &bench.library,
        "SCardListReadersA",
    );
    // SAFETY: no buffer; the length's place lives.
    assert_eq!(code(unsafe { narrow(0, null(), null_mut(), &raw mut length) }), 0);
    assert!(length as usize > bench.reader.len());
}
