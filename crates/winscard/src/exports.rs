//! The functions that C programs call: thin shells that turn pointers into slices, catch panics and answer
//! native codes. What they do is in `api`.
//!
//! One of the two files with unsafe code (`buffer`, `exports`). All shells stand on the same ground: the
//! caller keeps winscard.h's contract for pointers and lengths; handles are numbers and are checked.

#![allow(unsafe_code)]
#![allow(non_snake_case, non_upper_case_globals)]
// C programs and `table()` are the callers; Rust programs use cardmod-pcsc.
#![allow(unreachable_pub)]

use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::slice;

use cardmod_pcsc::{
    CardIdentifier, DWORD, FunctionTable, LONG, READER_STATE_ATR_LEN, ReaderState,
    SCARD_E_INSUFFICIENT_BUFFER, SCARD_E_INVALID_HANDLE, SCARD_E_INVALID_PARAMETER, SCARD_E_INVALID_VALUE,
    SCARD_E_UNEXPECTED, SCARD_IO_REQUEST, SCARD_PROTOCOL_RAW, SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1,
    SCARD_READERSTATE, SCARDCONTEXT, SCARDHANDLE, card_state_to_native, code_to_native,
    protocols_from_native, protocols_to_native,
};

use crate::api;
use crate::buffer::{self, Character, Length};
use crate::registry;

/// Control information of T=0.
#[unsafe(no_mangle)]
pub static g_rgSCardT0Pci: SCARD_IO_REQUEST = SCARD_IO_REQUEST::new(SCARD_PROTOCOL_T0 as DWORD);
/// Control information of T=1.
#[unsafe(no_mangle)]
pub static g_rgSCardT1Pci: SCARD_IO_REQUEST = SCARD_IO_REQUEST::new(SCARD_PROTOCOL_T1 as DWORD);
/// Control information of the reader's own protocol (4 with pcsc-lite).
#[unsafe(no_mangle)]
pub static g_rgSCardRawPci: SCARD_IO_REQUEST =
    SCARD_IO_REQUEST::new(if cfg!(windows) { SCARD_PROTOCOL_RAW as DWORD } else { 4 });

#[cfg(not(windows))]
use narrow_cache as cache;
#[cfg(windows)]
use wide_cache as cache;

/// The functions of this file.
#[must_use]
pub fn table() -> &'static FunctionTable {
    static TABLE: FunctionTable = FunctionTable {
        EstablishContext: SCardEstablishContext,
        ReleaseContext: SCardReleaseContext,
        IsValidContext: SCardIsValidContext,
        ListReaderGroups: native::SCardListReaderGroups,
        ListReaders: native::SCardListReaders,
        FreeMemory: SCardFreeMemory,
        GetStatusChange: native::SCardGetStatusChange,
        Cancel: SCardCancel,
        Connect: native::SCardConnect,
        Reconnect: SCardReconnect,
        Disconnect: SCardDisconnect,
        BeginTransaction: SCardBeginTransaction,
        EndTransaction: SCardEndTransaction,
        Status: native::SCardStatus,
        Transmit: SCardTransmit,
        Control: SCardControl,
        GetAttrib: SCardGetAttrib,
        SetAttrib: SCardSetAttrib,
        ReadCache: Some(cache::SCardReadCache),
        WriteCache: Some(cache::SCardWriteCache),
    };
    &TABLE
}

/// Runs a function's body; a panic becomes `SCARD_E_UNEXPECTED` and goes no further.
pub(crate) fn shell(body: impl FnOnce() -> Result<(), u32>) -> LONG {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => 0,
        Ok(Err(code)) => code_to_native(code),
        Err(_) => code_to_native(SCARD_E_UNEXPECTED),
    }
}

/// A handle as this library gives them out.
pub(crate) fn id(handle: impl TryInto<u32>) -> Result<u32, u32> {
    handle.try_into().map_err(|_| SCARD_E_INVALID_HANDLE)
}

/// A number of the caller's; one beyond 32 bits is none that PC/SC knows.
fn number(value: DWORD) -> Result<u32, u32> {
    u32::try_from(value).map_err(|_| SCARD_E_INVALID_VALUE)
}

/// # Safety
/// winscard.h: `context` is null or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardEstablishContext(
    scope: DWORD,
    _reserved1: *const c_void,
    _reserved2: *const c_void,
    context: *mut SCARDCONTEXT,
) -> LONG {
    shell(|| {
        if context.is_null() {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        // SAFETY: winscard.h: the place may be written. Zero first, as pcsc-lite does.
        unsafe { buffer::put(context, 0) };
        #[cfg(windows)]
        crate::stay::keep();
        let established = api::establish_context(number(scope)?)?;
        // SAFETY: as above.
        unsafe { buffer::put(context, established as SCARDCONTEXT) };
        Ok(())
    })
}

/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardReleaseContext(context: SCARDCONTEXT) -> LONG {
    shell(|| api::release_context(id(context)?))
}

/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardIsValidContext(context: SCARDCONTEXT) -> LONG {
    shell(|| api::is_valid_context(id(context)?))
}

/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardCancel(context: SCARDCONTEXT) -> LONG {
    shell(|| api::cancel(id(context)?))
}

/// # Safety
/// None beyond the calling convention: the address is only looked up.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardFreeMemory(context: SCARDCONTEXT, memory: *const c_void) -> LONG {
    shell(|| {
        let freed = api::free_memory(id(context)?, memory as usize);
        #[cfg(windows)]
        if freed == Err(SCARD_E_INVALID_PARAMETER) {
            return crate::windows::free(context, memory as usize).unwrap_or(freed);
        }
        freed
    })
}

/// # Safety
/// winscard.h: `protocol` is null or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardReconnect(
    card: SCARDHANDLE,
    share: DWORD,
    protocols: DWORD,
    initialization: DWORD,
    protocol: *mut DWORD,
) -> LONG {
    shell(|| {
        if protocol.is_null() {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        let wanted = protocols_from_native(protocols);
        let active = api::reconnect(id(card)?, number(share)?, wanted, number(initialization)?)?;
        // SAFETY: winscard.h: the place may be written.
        unsafe { buffer::put(protocol, protocols_to_native(active)) };
        Ok(())
    })
}

/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardDisconnect(card: SCARDHANDLE, disposition: DWORD) -> LONG {
    shell(|| api::disconnect(id(card)?, number(disposition)?))
}

/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardBeginTransaction(card: SCARDHANDLE) -> LONG {
    shell(|| api::begin_transaction(id(card)?))
}

/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardEndTransaction(card: SCARDHANDLE, disposition: DWORD) -> LONG {
    shell(|| api::end_transaction(id(card)?, number(disposition)?))
}

/// # Safety
/// winscard.h: control information is null or valid; the command has its length; `length` is valid and the
/// response buffer has `*length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardTransmit(
    card: SCARDHANDLE,
    send_pci: *const SCARD_IO_REQUEST,
    command: *const u8,
    command_length: DWORD,
    receive_pci: *mut SCARD_IO_REQUEST,
    response: *mut u8,
    length: *mut DWORD,
) -> LONG {
    shell(|| {
        if send_pci.is_null() || command.is_null() || response.is_null() || length.is_null() {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        // SAFETY: not null, and readable (winscard.h).
        let pci = unsafe { send_pci.read_unaligned() };
        // SAFETY: the command has this length (winscard.h).
        let command = unsafe { buffer::take(command, command_length) }?;
        // SAFETY: not null, and readable (winscard.h).
        let room = unsafe { length.read_unaligned() };
        if room < 2 {
            return Err(SCARD_E_INSUFFICIENT_BUFFER);
        }
        let answer =
            api::transmit(id(card)?, protocols_from_native(pci.dwProtocol), command).inspect_err(|_| {
                // SAFETY: the place may be written (winscard.h). Nothing was received.
                unsafe { buffer::put(length, 0) };
            })?;
        // SAFETY: null or writable (winscard.h).
        unsafe { buffer::put(receive_pci, SCARD_IO_REQUEST::new(pci.dwProtocol)) };
        let allocations = &registry::current()?.allocations;
        // SAFETY: the response buffer has `*length` bytes, or a pointer's place (winscard.h).
        unsafe { buffer::give(allocations, &answer, response, length, Length::Required) }
    })
}

/// # Safety
/// winscard.h: input and output have their lengths; `returned` is null or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardControl(
    card: SCARDHANDLE,
    code: DWORD,
    input: *const c_void,
    input_length: DWORD,
    output: *mut c_void,
    output_length: DWORD,
    returned: *mut DWORD,
) -> LONG {
    shell(|| {
        // SAFETY: null or writable (winscard.h).
        unsafe { buffer::put(returned, 0) };
        // SAFETY: the input has this length (winscard.h).
        let input = unsafe { buffer::take(input.cast(), input_length) }?;
        let answer = api::control(id(card)?, code, input)?;
        if usize::try_from(output_length).is_ok_and(|room| room < answer.len()) {
            return Err(SCARD_E_INSUFFICIENT_BUFFER);
        }
        let mut length = output_length;
        let allocations = &registry::current()?.allocations;
        // SAFETY: the output has this length, and is large enough (checked above).
        unsafe {
            buffer::give(allocations, &answer, output.cast::<u8>(), &raw mut length, Length::Required)
        }?;
        // SAFETY: null or writable (winscard.h).
        unsafe { buffer::put(returned, length) };
        Ok(())
    })
}

/// # Safety
/// winscard.h: `length` is valid and the buffer has `*length` bytes, or asks by the convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardGetAttrib(
    card: SCARDHANDLE,
    attribute: DWORD,
    value: *mut u8,
    length: *mut DWORD,
) -> LONG {
    shell(|| {
        if length.is_null() {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        let answer = api::attribute(id(card)?, number(attribute)?)?;
        let allocations = &registry::current()?.allocations;
        // SAFETY: buffer and length keep the convention (winscard.h).
        unsafe { buffer::give(allocations, &answer, value, length, Length::Required) }
    })
}

/// # Safety
/// winscard.h: the value has its length.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardSetAttrib(
    card: SCARDHANDLE,
    attribute: DWORD,
    value: *const u8,
    length: DWORD,
) -> LONG {
    shell(|| {
        if value.is_null() || length == 0 {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        // SAFETY: the value has this length (winscard.h).
        let value = unsafe { buffer::take(value, length) }?;
        api::set_attribute(id(card)?, number(attribute)?, value)
    })
}

/// The functions that take names, for one character type, under their symbols: plain names with pcsc-lite,
/// `A` and `W` on Windows.
macro_rules! named_exports {
    ($module:ident, $character:ty, $groups:literal $readers:literal $change:literal $connect:literal
     $status:literal) => {
        mod $module {
            use super::*;

            /// # Safety
            /// winscard.h: buffer and length keep the convention.
            #[unsafe(export_name = $groups)]
            pub unsafe extern "system" fn SCardListReaderGroups(
                context: SCARDCONTEXT,
                groups: *mut $character,
                length: *mut DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract.
                shell(|| unsafe { list_groups(context, groups, length) })
            }

            /// # Safety
            /// winscard.h: buffer and length keep the convention. The groups are not looked at, as with
            /// pcsc-lite.
            #[unsafe(export_name = $readers)]
            pub unsafe extern "system" fn SCardListReaders(
                context: SCARDCONTEXT,
                _groups: *const $character,
                readers: *mut $character,
                length: *mut DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract.
                shell(|| unsafe { list_readers(context, readers, length) })
            }

            /// # Safety
            /// winscard.h: `states` has `count` entries, whose names end in NUL.
            #[unsafe(export_name = $change)]
            pub unsafe extern "system" fn SCardGetStatusChange(
                context: SCARDCONTEXT,
                timeout: DWORD,
                states: *mut SCARD_READERSTATE,
                count: DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract; the structure differs in a pointer's type.
                shell(|| unsafe { status_change::<$character>(context, timeout, states, count) })
            }

            /// # Safety
            /// winscard.h: the name ends in NUL; the two places are valid for writes.
            #[unsafe(export_name = $connect)]
            pub unsafe extern "system" fn SCardConnect(
                context: SCARDCONTEXT,
                reader: *const $character,
                share: DWORD,
                protocols: DWORD,
                card: *mut SCARDHANDLE,
                protocol: *mut DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract.
                shell(|| unsafe { connect(context, reader, share, protocols, card, protocol) })
            }

            /// # Safety
            /// winscard.h: each buffer and its length keep the convention; the other places are null or
            /// writable.
            #[unsafe(export_name = $status)]
            pub unsafe extern "system" fn SCardStatus(
                card: SCARDHANDLE,
                reader: *mut $character,
                reader_length: *mut DWORD,
                state: *mut DWORD,
                protocol: *mut DWORD,
                atr: *mut u8,
                atr_length: *mut DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract.
                shell(|| unsafe { status(card, reader, reader_length, state, protocol, atr, atr_length) })
            }
        }
    };
}

/// The two cache functions for one character type, under their symbols.
macro_rules! cache_exports {
    ($module:ident, $character:ty, $read:literal $write:literal) => {
        mod $module {
            use super::*;

            /// # Safety
            /// winscard.h: the identifier and the name are valid; buffer and length keep the convention.
            #[unsafe(export_name = $read)]
            pub unsafe extern "system" fn SCardReadCache(
                context: SCARDCONTEXT,
                card: *const CardIdentifier,
                freshness: DWORD,
                lookup: *const $character,
                data: *mut u8,
                length: *mut DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract.
                shell(|| unsafe { read_cache(context, card, freshness, lookup, data, length) })
            }

            /// # Safety
            /// winscard.h: the identifier and the name are valid; the data have their length.
            #[unsafe(export_name = $write)]
            pub unsafe extern "system" fn SCardWriteCache(
                context: SCARDCONTEXT,
                card: *const CardIdentifier,
                freshness: DWORD,
                lookup: *const $character,
                data: *const u8,
                length: DWORD,
            ) -> LONG {
                // SAFETY: the caller keeps winscard.h's contract.
                shell(|| unsafe { write_cache(context, card, freshness, lookup, data, length) })
            }
        }
    };
}

#[cfg(not(windows))]
named_exports!(native, c_char, "SCardListReaderGroups" "SCardListReaders" "SCardGetStatusChange" "SCardConnect"
    "SCardStatus");
#[cfg(windows)]
named_exports!(native, u16, "SCardListReaderGroupsW" "SCardListReadersW" "SCardGetStatusChangeW" "SCardConnectW"
    "SCardStatusW");
#[cfg(windows)]
named_exports!(narrow, c_char, "SCardListReaderGroupsA" "SCardListReadersA" "SCardGetStatusChangeA" "SCardConnectA"
    "SCardStatusA");
// Card modules have UTF-16 names on every platform (Cardmod.h), so both forms exist everywhere.
cache_exports!(narrow_cache, c_char, "SCardReadCacheA" "SCardWriteCacheA");
cache_exports!(wide_cache, u16, "SCardReadCacheW" "SCardWriteCacheW");

/// # Safety
/// winscard.h: buffer and length keep the convention.
unsafe fn list_groups<C: Character>(
    context: SCARDCONTEXT,
    groups: *mut C,
    length: *mut DWORD,
) -> Result<(), u32> {
    let names = multi_string(&api::list_groups(id(context)?)?);
    let allocations = &registry::current()?.allocations;
    // SAFETY: as the caller says.
    unsafe { buffer::give(allocations, &names, groups, length, Length::Required) }
}

/// # Safety
/// winscard.h: buffer and length keep the convention.
unsafe fn list_readers<C: Character>(
    context: SCARDCONTEXT,
    readers: *mut C,
    length: *mut DWORD,
) -> Result<(), u32> {
    if length.is_null() {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    let names = multi_string(&api::list_readers(id(context)?)?);
    let allocations = &registry::current()?.allocations;
    // SAFETY: as the caller says.
    unsafe { buffer::give(allocations, &names, readers, length, Length::Required) }
}

/// # Safety
/// winscard.h: `states` has `count` entries, whose names are of this character type and end in NUL.
unsafe fn status_change<C: Character>(
    context: SCARDCONTEXT,
    timeout: DWORD,
    states: *mut SCARD_READERSTATE,
    count: DWORD,
) -> Result<(), u32> {
    // A 32-bit program's INFINITE may arrive with its sign extended.
    let timeout = u32::try_from(timeout).unwrap_or(cardmod_pcsc::INFINITE);
    let work = |readers: &mut [ReaderState]| api::status_change(id(context)?, timeout, readers);
    // SAFETY: as the caller says.
    unsafe { with_states::<C>(states, count, work) }
}

/// Lends the caller's reader states, and tells it what became of them, also where the work failed.
///
/// # Safety
/// winscard.h: `states` has `count` entries, whose names are of this character type and end in NUL.
pub(crate) unsafe fn with_states<C: Character>(
    states: *mut SCARD_READERSTATE,
    count: DWORD,
    work: impl FnOnce(&mut [ReaderState]) -> Result<(), u32>,
) -> Result<(), u32> {
    if count == 0 {
        return Ok(());
    }
    if states.is_null() || count > api::MAX_READERS as DWORD {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    // SAFETY: not null, and `count` entries are the caller's to lend (winscard.h).
    let states = unsafe { slice::from_raw_parts_mut(states, count as usize) };
    let mut readers = Vec::with_capacity(states.len());
    for state in &*states {
        // SAFETY: the name is null or ends in NUL (winscard.h).
        let name = unsafe { buffer::name(state.szReader.cast::<C>()) }?.ok_or(SCARD_E_INVALID_VALUE)?;
        readers.push(ReaderState { current: state.dwCurrentState as u32, ..ReaderState::unaware(&name) });
    }
    let result = work(&mut readers);
    for (state, reader) in states.iter_mut().zip(&readers) {
        let length = reader.atr.len().min(READER_STATE_ATR_LEN);
        state.dwEventState = reader.event as DWORD;
        state.cbAtr = length as DWORD;
        state.rgbAtr[..length].copy_from_slice(&reader.atr[..length]);
    }
    result
}

/// # Safety
/// winscard.h: the name ends in NUL; the two places are null or valid for writes.
unsafe fn connect<C: Character>(
    context: SCARDCONTEXT,
    reader: *const C,
    share: DWORD,
    protocols: DWORD,
    card: *mut SCARDHANDLE,
    protocol: *mut DWORD,
) -> Result<(), u32> {
    if card.is_null() || protocol.is_null() {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    // SAFETY: writable (winscard.h). Zero first, as pcsc-lite does.
    unsafe { buffer::put(card, 0) };
    // SAFETY: null or ending in NUL (winscard.h).
    let reader = unsafe { buffer::name(reader) }?.ok_or(cardmod_pcsc::SCARD_E_UNKNOWN_READER)?;
    let wanted = protocols_from_native(protocols);
    let (handle, active) = api::connect(id(context)?, &reader, number(share)?, wanted)?;
    // SAFETY: writable (winscard.h).
    unsafe { buffer::put(card, handle as SCARDHANDLE) };
    // SAFETY: writable (winscard.h).
    unsafe { buffer::put(protocol, protocols_to_native(active)) };
    Ok(())
}

/// # Safety
/// winscard.h: each buffer and its length keep the convention; the other places are null or writable.
pub(crate) unsafe fn status<C: Character>(
    card: SCARDHANDLE,
    reader: *mut C,
    reader_length: *mut DWORD,
    state: *mut DWORD,
    protocol: *mut DWORD,
    atr: *mut u8,
    atr_length: *mut DWORD,
) -> Result<(), u32> {
    let (status, events) = api::status(id(card)?)?;
    // SAFETY: null or writable (winscard.h).
    unsafe { buffer::put(state, card_state_to_native(status.state, events)) };
    // SAFETY: null or writable (winscard.h).
    unsafe { buffer::put(protocol, protocols_to_native(status.protocol)) };
    let mut name = multi_string(&[status.reader]);
    if !cfg!(windows) {
        name.pop(); // one string there, a multi-string on Windows
    }
    let allocations = &registry::current()?.allocations;
    // SAFETY: buffer and length keep the convention (winscard.h).
    let named = unsafe { buffer::give(allocations, &name, reader, reader_length, Length::Optional) };
    // SAFETY: buffer and length keep the convention (winscard.h).
    let answered = unsafe { buffer::give(allocations, &status.atr, atr, atr_length, Length::Optional) };
    named.and(answered)
}

/// # Safety
/// winscard.h: the identifier and the name are null or valid; buffer and length keep the convention.
unsafe fn read_cache<C: Character>(
    context: SCARDCONTEXT,
    card: *const CardIdentifier,
    freshness: DWORD,
    lookup: *const C,
    data: *mut u8,
    length: *mut DWORD,
) -> Result<(), u32> {
    // SAFETY: null or ending in NUL (winscard.h).
    let name = unsafe { buffer::name(lookup) }?;
    let name = name.filter(|_| !card.is_null()).ok_or(SCARD_E_INVALID_PARAMETER)?;
    // SAFETY: not null, and sixteen readable bytes (winscard.h).
    let card = unsafe { card.read_unaligned() };
    let item = api::read_cache(id(context)?, card, number(freshness)?, &name)?;
    let allocations = &registry::current()?.allocations;
    // SAFETY: buffer and length keep the convention (winscard.h).
    unsafe { buffer::give(allocations, &item, data, length, Length::Required) }
}

/// # Safety
/// winscard.h: the identifier and the name are null or valid; the data have their length.
unsafe fn write_cache<C: Character>(
    context: SCARDCONTEXT,
    card: *const CardIdentifier,
    freshness: DWORD,
    lookup: *const C,
    data: *const u8,
    length: DWORD,
) -> Result<(), u32> {
    // SAFETY: null or ending in NUL (winscard.h).
    let name = unsafe { buffer::name(lookup) }?;
    let name = name.filter(|_| !card.is_null()).ok_or(SCARD_E_INVALID_PARAMETER)?;
    // SAFETY: not null, and sixteen readable bytes (winscard.h).
    let card = unsafe { card.read_unaligned() };
    // SAFETY: the data have this length (winscard.h).
    let data = unsafe { buffer::take(data, length) }?;
    api::write_cache(id(context)?, card, number(freshness)?, &name, data)
}

/// The names, a NUL after each, and one more NUL.
fn multi_string<C: Character>(names: &[String]) -> Vec<C> {
    let ended = |name: &String| C::encode(name).into_iter().chain([C::default()]);
    names.iter().flat_map(ended).chain([C::default()]).collect()
}

/// pcsc-lite's `pcsc_stringify_error`: a code in words, in memory that stays.
///
/// # Safety
/// None beyond the calling convention.
#[cfg(not(windows))]
#[unsafe(no_mangle)]
pub unsafe extern "system" fn pcsc_stringify_error(code: LONG) -> *const c_char {
    catch_unwind(|| api::code_words(code as u32)).unwrap_or(c"an unknown error").as_ptr()
}

/// Writes the APDU log to a file from now on; null ends it. Answers 0, or a PC/SC code where the file cannot
/// be opened.
///
/// # Safety
/// `path` is null or ends in NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn CardmodSetApduLog(path: *const c_char) -> LONG {
    shell(|| {
        // SAFETY: null or ending in NUL (caller).
        let path = unsafe { path_argument(path) }?;
        crate::set_apdu_log(path.as_deref().map(std::path::Path::new)).map_err(|_| SCARD_E_INVALID_VALUE)
    })
}

/// Serves the virtual cards of another directory from now on; null means the default one again.
///
/// # Safety
/// `path` is null or ends in NUL.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn CardmodSetStoreDir(path: *const c_char) -> LONG {
    shell(|| {
        // SAFETY: null or ending in NUL (caller).
        let path = unsafe { path_argument(path) }?;
        registry::current()?.set_store_dir(path.as_deref().map(std::path::Path::new));
        Ok(())
    })
}

/// The number of APDUs that this process has sent to readers, virtual and real.
///
/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn CardmodApduCount() -> u64 {
    catch_unwind(|| crate::counters().total).unwrap_or(0)
}

/// Why the virtual card in a reader failed last (see [`crate::last_fault`]). `kind` gets the number of
/// its kind ([`crate::FaultKind::code`]), 0 for none. `text` gets what happened in UTF-8, at most `length` bytes
/// with the NUL; what does not fit is left out. Answers 0, or `SCARD_E_INVALID_PARAMETER` for null pointers.
///
/// # Safety
/// `reader` is null or ends in NUL; `kind` is null or writable; `text` is null or has `length` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn CardmodLastFault(
    reader: *const c_char,
    kind: *mut u32,
    text: *mut c_char,
    length: u32,
) -> LONG {
    shell(|| {
        // SAFETY: null or ending in NUL (caller).
        let reader = unsafe { path_argument(reader) }?.ok_or(SCARD_E_INVALID_PARAMETER)?;
        if kind.is_null() || text.is_null() || length == 0 {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        let fault = crate::last_fault(&reader);
        let (code, words) = fault.map_or((0, String::new()), |fault| (fault.kind.code(), fault.text));
        let room = length as usize - 1;
        let end = (0..=room.min(words.len())).rev().find(|at| words.is_char_boundary(*at)).unwrap_or(0);
        // SAFETY: not null, and writable (caller).
        unsafe { kind.write_unaligned(code) };
        let mut ended = words.as_bytes()[..end].to_vec();
        ended.push(0);
        // SAFETY: at most `length` bytes, and the text has this many writable ones (caller).
        unsafe { std::ptr::copy_nonoverlapping(ended.as_ptr().cast(), text, ended.len()) };
        Ok(())
    })
}

/// # Safety
/// `path` is null or ends in NUL.
unsafe fn path_argument(path: *const c_char) -> Result<Option<String>, u32> {
    if path.is_null() {
        return Ok(None);
    }
    // SAFETY: not null, and ending in NUL (caller).
    let path = unsafe { CStr::from_ptr(path) };
    path.to_str().map(|path| Some(path.to_owned())).map_err(|_| SCARD_E_INVALID_VALUE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code() {
        assert_eq!(shell(|| panic!("as a broken card would")), code_to_native(SCARD_E_UNEXPECTED));
        assert_eq!(shell(|| Err(SCARD_E_INVALID_VALUE)), code_to_native(SCARD_E_INVALID_VALUE));
        assert_eq!(shell(|| Ok(())), 0);
    }

    #[test]
    #[cfg(not(windows))]
    fn codes_have_words() {
        let words = |code: u32| {
            // SAFETY: any code is allowed.
            let words = unsafe { pcsc_stringify_error(code_to_native(code)) };
            // SAFETY: the words end in NUL and stay.
            unsafe { CStr::from_ptr(words) }.to_str().expect("text").to_owned()
        };
        assert!(words(cardmod_pcsc::SCARD_W_REMOVED_CARD).contains("SCARD_W_REMOVED_CARD"));
        assert!(words(0).contains("success"));
        assert_eq!(words(0x1234), "an unknown error");
    }
}
