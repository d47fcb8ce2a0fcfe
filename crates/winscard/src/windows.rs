//! What the library has on Windows alone: the rest of `winscard.dll`'s functions, and what it asks of Windows.
//!
//! A program that links to `winscard.dll` starts only if each function it names is there, so all that Windows'
//! own exports are. What virtual readers can answer is answered; questions to the smart card database and about
//! real readers go to the system's library once its service has given a context, and without one are answered
//! as `SCARD_E_NO_SERVICE`. Its functions are never called before: where there is no service they need not work.
//!
//! One of the files with unsafe code. All functions stand on the same ground as those of `exports`.

#![allow(unsafe_code)]
#![allow(non_snake_case)]
// C programs are the callers.
#![allow(unreachable_pub)]

use std::collections::HashSet;
use std::ffi::{CStr, OsString, c_char, c_void};
use std::os::windows::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::ptr::{null, null_mut};
use std::sync::{Mutex, OnceLock, PoisonError};

use cardmod_iso7816::{Atr, AtrError};
use cardmod_pcsc::{
    Context as RealService, DWORD, LONG, READER_STATE_ATR_LEN, ReaderState, SCARD_AUTOALLOCATE,
    SCARD_E_INVALID_PARAMETER, SCARD_E_INVALID_VALUE, SCARD_E_NO_SERVICE, SCARD_E_UNSUPPORTED_FEATURE,
    SCARD_READERSTATE, SCARDCONTEXT, SCARDHANDLE,
};
use windows_sys::Win32::Globalization::{CP_ACP, MultiByteToWideChar, WideCharToMultiByte};
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;
use windows_sys::Win32::System::Threading::CreateEventW;

use crate::api;
use crate::buffer::{self, Character};
use crate::exports::{id, shell, status, with_states};
use crate::handle::Kind;
use crate::locate::{AtrMask, locate};
use crate::registry;

/// `SCARD_READER_TYPE_VENDOR`: how a virtual reader is connected is its own affair.
const READER_TYPE_VENDOR: DWORD = 0xF0;
/// Most masks in one call.
const MAX_MASKS: DWORD = 1024;
/// Most bytes of a card's names in the database.
const NAMES_LEN: usize = 16 * 1024;

/// What the system's library has handed out and takes back.
static FOREIGN: Mutex<Option<HashSet<usize>>> = Mutex::new(None);

/// winscard.h `SCARD_ATRMASK`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SCARD_ATRMASK {
    cbAtr: DWORD,
    rgbAtr: [u8; 36],
    rgbMask: [u8; 36],
}

/// The service behind a caller's context, or behind none.
fn service(context: SCARDCONTEXT) -> Result<RealService, u32> {
    api::real_service(id(context)?)?.ok_or(SCARD_E_NO_SERVICE)
}

/// A function of the system's library, as an address.
fn function(service: &RealService, name: &CStr) -> Result<*const (), u32> {
    service.provider().address(name).filter(|address| !address.is_null()).ok_or(SCARD_E_UNSUPPORTED_FEATURE)
}

fn outcome(code: LONG) -> Result<(), u32> {
    if code == 0 { Ok(()) } else { Err(code.cast_unsigned()) }
}

/// One word of an argument list, whatever it is.
type Word = usize;

/// Functions that take a context and words, handed on as they are. Where a buffer and its length end the list, memory
/// that the system's library hands out under `SCARD_AUTOALLOCATE` is remembered for `SCardFreeMemory`.
macro_rules! handed_on {
    (@word $argument:ident) => { Word };
    ($($name:ident($($argument:ident),*) $(gives $buffer:ident $length:ident)?;)*) => {$(
        /// # Safety
        /// winscard.h, whose namesake this is.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $name(
            context: SCARDCONTEXT $(, $argument: Word)* $(, $buffer: *mut usize, $length: *mut DWORD)?
        ) -> LONG {
            shell(|| {
                let service = service(context)?;
                let address = function(&service, cstr(concat!(stringify!($name), "\0")))?;
                type Function = unsafe extern "system" fn(
                    SCARDCONTEXT $(, handed_on!(@word $argument))*
                    $(, handed_on!(@pointer $buffer usize), handed_on!(@pointer $length DWORD))?
                ) -> LONG;
                // SAFETY:
                // - the address is that of the namesake in the system's library, which takes a context and words
                // - the service keeps the library loaded
                let function = unsafe { std::mem::transmute::<*const (), Function>(address) };
                $(
                // SAFETY: null or readable (winscard.h).
                let allocates = unsafe { is_autoallocate($length) };
                )?
                // SAFETY: the caller keeps winscard.h's contract, and the context is the library's own.
                let code = unsafe { function(service.raw() $(, $argument)* $(, $buffer, $length)?) };
                outcome(code)?;
                $(
                if allocates {
                    // SAFETY: under SCARD_AUTOALLOCATE the buffer is a place for a pointer (winscard.h).
                    remember(unsafe { $buffer.read_unaligned() });
                }
                )?
                Ok(())
            })
        }
    )*};
    (@pointer $name:ident $type:ty) => { *mut $type };
}

handed_on! {
    SCardListInterfacesA(card) gives guids length;
    SCardListInterfacesW(card) gives guids length;
    SCardGetProviderIdA(card, provider);
    SCardGetProviderIdW(card, provider);
    SCardGetCardTypeProviderNameA(card, provider) gives name length;
    SCardGetCardTypeProviderNameW(card, provider) gives name length;
    SCardSetCardTypeProviderNameA(card, provider, name);
    SCardSetCardTypeProviderNameW(card, provider, name);
    SCardListCardsA(atr, interfaces, count) gives cards length;
    SCardListCardsW(atr, interfaces, count) gives cards length;
    SCardIntroduceCardTypeA(card, primary, interfaces, count, atr, mask, length);
    SCardIntroduceCardTypeW(card, primary, interfaces, count, atr, mask, length);
    SCardForgetCardTypeA(card);
    SCardForgetCardTypeW(card);
    SCardIntroduceReaderGroupA(group);
    SCardIntroduceReaderGroupW(group);
    SCardForgetReaderGroupA(group);
    SCardForgetReaderGroupW(group);
    SCardIntroduceReaderA(reader, device);
    SCardIntroduceReaderW(reader, device);
    SCardForgetReaderA(reader);
    SCardForgetReaderW(reader);
    SCardAddReaderToGroupA(reader, group);
    SCardAddReaderToGroupW(reader, group);
    SCardRemoveReaderFromGroupA(reader, group);
    SCardRemoveReaderFromGroupW(reader, group);
    SCardListReadersWithDeviceInstanceIdA(device) gives readers length;
    SCardListReadersWithDeviceInstanceIdW(device) gives readers length;
    SCardAudit(event);
}

/// Functions about one reader: a virtual one is no device, and has neither a picture nor a place.
macro_rules! of_reader {
    ($($name:ident $character:ty;)*) => {$(
        /// # Safety
        /// winscard.h, whose namesake this is.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $name(
            context: SCARDCONTEXT,
            reader: *const $character,
            buffer: *mut usize,
            length: *mut DWORD,
        ) -> LONG {
            shell(|| {
                // SAFETY: null or ending in NUL (winscard.h).
                if unsafe { is_virtual(context, reader) }? {
                    return Err(SCARD_E_UNSUPPORTED_FEATURE);
                }
                let service = service(context)?;
                let address = function(&service, cstr(concat!(stringify!($name), "\0")))?;
                type Function = unsafe extern "system" fn(
                    SCARDCONTEXT, *const $character, *mut usize, *mut DWORD
                ) -> LONG;
                // SAFETY:
                // - the address is that of the namesake in the system's library, whose type this is
                // - the service keeps the library loaded
                let function = unsafe { std::mem::transmute::<*const (), Function>(address) };
                // SAFETY: null or readable (winscard.h).
                let allocates = unsafe { is_autoallocate(length) };
                // SAFETY: the caller keeps winscard.h's contract, and the context is the library's own.
                outcome(unsafe { function(service.raw(), reader, buffer, length) })?;
                if allocates {
                    // SAFETY: under SCARD_AUTOALLOCATE the buffer is a place for a pointer (winscard.h).
                    remember(unsafe { buffer.read_unaligned() });
                }
                Ok(())
            })
        }
    )*};
}

of_reader! {
    SCardGetReaderIconA c_char;
    SCardGetReaderIconW u16;
    SCardGetReaderDeviceInstanceIdA c_char;
    SCardGetReaderDeviceInstanceIdW u16;
}

/// The functions that take names and are answered here, for one character type.
macro_rules! answered {
    ($character:ty, $list:literal, $kind:ident $kind_of:literal $by_name:ident $by_atr:ident) => {
        /// # Safety
        /// winscard.h: the name ends in NUL; `kind` is null or valid for writes.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $kind(
            context: SCARDCONTEXT,
            reader: *const $character,
            kind: *mut DWORD,
        ) -> LONG {
            shell(|| {
                if kind.is_null() {
                    return Err(SCARD_E_INVALID_PARAMETER);
                }
                // SAFETY: null or ending in NUL (winscard.h).
                if unsafe { is_virtual(context, reader) }? {
                    // SAFETY: not null, and writable (winscard.h).
                    unsafe { buffer::put(kind, READER_TYPE_VENDOR) };
                    return Ok(());
                }
                let service = service(context)?;
                type Function =
                    unsafe extern "system" fn(SCARDCONTEXT, *const $character, *mut DWORD) -> LONG;
                // SAFETY:
                // - the address is that of the namesake in the system's library, whose type this is
                // - the service keeps the library loaded
                let function =
                    unsafe { std::mem::transmute::<*const (), Function>(function(&service, $kind_of)?) };
                // SAFETY: the caller keeps winscard.h's contract, and the context is the library's own.
                outcome(unsafe { function(service.raw(), reader, kind) })
            })
        }

        /// # Safety
        /// winscard.h: the names are null or a multi-string; `states` has `count` entries, whose names end in NUL.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $by_name(
            context: SCARDCONTEXT,
            cards: *const $character,
            states: *mut SCARD_READERSTATE,
            count: DWORD,
        ) -> LONG {
            shell(|| {
                // SAFETY: a multi-string (winscard.h).
                let wanted = unsafe { names::<$character>(cards) }?;
                let service = service(context)?;
                let work = |readers: &mut [ReaderState]| {
                    locate(id(context)?, readers, |atr| {
                        Ok(cards_of(&service, atr)?.iter().any(|card| is_one_of(&wanted, card)))
                    })
                };
                // SAFETY: the caller keeps winscard.h's contract.
                unsafe { with_states::<$character>(states, count, work) }
            })
        }

        /// # Safety
        /// winscard.h: `masks` and `states` have their counts of entries; the readers' names end in NUL.
        #[unsafe(no_mangle)]
        pub unsafe extern "system" fn $by_atr(
            context: SCARDCONTEXT,
            masks: *const SCARD_ATRMASK,
            mask_count: DWORD,
            states: *mut SCARD_READERSTATE,
            count: DWORD,
        ) -> LONG {
            shell(|| {
                // SAFETY: the masks have their count (winscard.h).
                let wanted = unsafe { atr_masks(masks, mask_count) }?;
                let is_wanted = |atr: &[u8]| Ok(wanted.iter().any(|mask| mask.matches(atr)));
                let work = |readers: &mut [ReaderState]| locate(id(context)?, readers, is_wanted);
                // SAFETY: the caller keeps winscard.h's contract.
                unsafe { with_states::<$character>(states, count, work) }
            })
        }
    };
}

answered!(c_char, "A", SCardGetDeviceTypeIdA c"SCardGetDeviceTypeIdA" SCardLocateCardsA SCardLocateCardsByATRA);
answered!(u16, "W", SCardGetDeviceTypeIdW c"SCardGetDeviceTypeIdW" SCardLocateCardsW SCardLocateCardsByATRW);

/// The older form of `SCardStatus`.
///
/// # Safety
/// winscard.h: the buffer and its length keep the convention; the other places are null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardState(
    card: SCARDHANDLE,
    state: *mut DWORD,
    protocol: *mut DWORD,
    atr: *mut u8,
    atr_length: *mut DWORD,
) -> LONG {
    // SAFETY: the caller keeps winscard.h's contract; no name is asked for.
    shell(|| unsafe { status::<u16>(card, null_mut(), null_mut(), state, protocol, atr, atr_length) })
}

/// How often a card was spoken to since it was put in. Virtual readers do not count that.
///
/// # Safety
/// winscard.h: `count` is null or valid for writes.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardGetTransmitCount(card: SCARDHANDLE, count: *mut DWORD) -> LONG {
    type Function = unsafe extern "system" fn(SCARDHANDLE, *mut DWORD) -> LONG;
    shell(|| {
        let registry = registry::current()?;
        let handle = registry.handle(id(card)?)?;
        let Kind::Real { card, .. } = &handle.kind else { return Err(SCARD_E_UNSUPPORTED_FEATURE) };
        let service = registry.context(handle.context)?.real.get(&registry.forward);
        let service = service.ok_or(SCARD_E_NO_SERVICE)?;
        // SAFETY:
        // - the address is that of the namesake in the system's library, whose type this is
        // - the service keeps the library loaded
        let function = unsafe {
            std::mem::transmute::<*const (), Function>(function(&service, c"SCardGetTransmitCount")?)
        };
        // SAFETY: the caller keeps winscard.h's contract, and the handle is the library's own.
        outcome(unsafe { function(card.raw(), count) })
    })
}

/// An event that is signalled as soon as there is a service. Virtual readers need none, so it always is.
///
/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardAccessStartedEvent() -> *mut c_void {
    static EVENT: OnceLock<usize> = OnceLock::new();
    let create = || {
        // SAFETY: no attributes, no name: nothing of the caller's is read. Manual reset, signalled.
        unsafe { CreateEventW(null(), 1, 1, null()) as usize }
    };
    *EVENT.get_or_init(create) as *mut c_void
}

/// The event stays: other callers may wait for it.
///
/// # Safety
/// None beyond the calling convention.
#[unsafe(no_mangle)]
pub unsafe extern "system" fn SCardReleaseStartedEvent() {}

/// # Safety
/// `length` is null or readable.
unsafe fn is_autoallocate(length: *const DWORD) -> bool {
    // SAFETY: not null, and readable (caller).
    !length.is_null() && unsafe { length.read_unaligned() } == SCARD_AUTOALLOCATE
}

fn remember(address: usize) {
    let mut foreign = FOREIGN.lock().unwrap_or_else(PoisonError::into_inner);
    foreign.get_or_insert_default().insert(address);
}

/// Gives memory of the system's library back to it; `None` where it is not its memory.
pub(crate) fn free(context: SCARDCONTEXT, address: usize) -> Option<Result<(), u32>> {
    let mut foreign = FOREIGN.lock().unwrap_or_else(PoisonError::into_inner);
    if !foreign.as_mut()?.remove(&address) {
        return None;
    }
    drop(foreign);
    Some(service(context).and_then(|service| {
        // SAFETY: the library handed this address out and has not had it back (`FOREIGN`).
        let code =
            unsafe { (service.provider().table().FreeMemory)(service.raw(), address as *const c_void) };
        outcome(code)
    }))
}

/// # Safety
/// `reader` is null or ends in NUL.
unsafe fn is_virtual<C: Character>(context: SCARDCONTEXT, reader: *const C) -> Result<bool, u32> {
    // SAFETY: as the caller says.
    let name = unsafe { buffer::name(reader) }?.ok_or(SCARD_E_INVALID_PARAMETER)?;
    let registry = registry::current()?;
    registry.context(id(context)?)?;
    Ok(registry.readers.find(&name).is_some())
}

/// The names in a multi-string; none for a null pointer.
///
/// # Safety
/// `text` is null or a multi-string.
unsafe fn names<C: Character>(text: *const C) -> Result<Vec<String>, u32> {
    let (mut found, mut at) = (Vec::new(), text);
    // SAFETY: null, or a string of the multi-string (caller).
    while let Some(units) = unsafe { buffer::until_nul(at) }? {
        if units.is_empty() {
            break;
        }
        // SAFETY: the next string, or the NUL at the end, follows this one's NUL (caller).
        at = unsafe { at.add(units.len() + 1) };
        found.push(C::decode(&units));
    }
    Ok(found)
}

/// # Safety
/// `masks` is null or has `count` entries.
unsafe fn atr_masks(masks: *const SCARD_ATRMASK, count: DWORD) -> Result<Vec<AtrMask>, u32> {
    if count == 0 || masks.is_null() || count > MAX_MASKS {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    let mut wanted = Vec::with_capacity(count as usize);
    for index in 0..count as usize {
        // SAFETY: within the entries (caller).
        let place = unsafe { masks.add(index) };
        // SAFETY: as above.
        let mask = unsafe { place.read_unaligned() };
        let atr = mask.rgbAtr.get(..mask.cbAtr as usize).ok_or(SCARD_E_INVALID_VALUE)?;
        wanted.push(AtrMask { atr: atr.to_vec(), mask: mask.rgbMask[..atr.len()].to_vec() });
    }
    Ok(wanted)
}

/// What the database calls cards with this ATR. It gets no length, and reads as far as the bytes announce more: an
/// ATR that is not as long as it says is that of no card in there.
fn cards_of(service: &RealService, atr: &[u8]) -> Result<Vec<String>, u32> {
    type Function = unsafe extern "system" fn(
        SCARDCONTEXT,
        *const u8,
        *const c_void,
        DWORD,
        *mut u16,
        *mut DWORD,
    ) -> LONG;
    let Some(atr) = padded(atr) else { return Ok(Vec::new()) };
    // SAFETY:
    // - the address is that of the system's function of this name, whose type this is
    // - the service keeps the library loaded
    let function =
        unsafe { std::mem::transmute::<*const (), Function>(function(service, c"SCardListCardsW")?) };
    let mut names = vec![0_u16; NAMES_LEN];
    let mut length = NAMES_LEN as DWORD;
    // SAFETY: the ATR says its own length and has room for the longest; the buffer has its length; no interfaces.
    let code =
        unsafe { function(service.raw(), atr.as_ptr(), null(), 0, names.as_mut_ptr(), &raw mut length) };
    outcome(code)?;
    let names = names.split(|unit| *unit == 0).take_while(|name| !name.is_empty());
    Ok(names.map(String::from_utf16_lossy).collect())
}

/// An ATR that is as long as it says, in the room that winscard.h has for one.
fn padded(atr: &[u8]) -> Option<[u8; READER_STATE_ATR_LEN]> {
    // What the check character is does not change the length.
    if !matches!(Atr::parse(atr), Ok(_) | Err(AtrError::Checksum)) {
        return None;
    }
    let mut room = [0; READER_STATE_ATR_LEN];
    room.get_mut(..atr.len())?.copy_from_slice(atr);
    Some(room)
}

/// The database does not tell capitals from small letters.
fn is_one_of(wanted: &[String], card: &str) -> bool {
    wanted.iter().any(|name| name.to_lowercase() == card.to_lowercase())
}

fn cstr(name: &'static str) -> &'static CStr {
    CStr::from_bytes_with_nul(name.as_bytes()).unwrap_or_default()
}

/// The folder of the system's libraries.
pub(crate) fn system_directory() -> Option<PathBuf> {
    let mut path = vec![0_u16; 1024];
    // SAFETY: the buffer has this length.
    let length = unsafe { GetSystemDirectoryW(path.as_mut_ptr(), path.len() as u32) } as usize;
    (length > 0 && length < path.len()).then(|| PathBuf::from(OsString::from_wide(&path[..length])))
}

/// Text in the characters of the `A` functions, as Windows makes them: what they do not have is replaced.
pub(crate) fn to_ansi(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    let wide: Vec<u16> = text.encode_utf16().collect();
    let Ok(count) = i32::try_from(wide.len()) else { return Vec::new() };
    // Three bytes a unit are the most that any code page takes.
    let mut ansi = vec![0_u8; wide.len() * 3];
    let room = i32::try_from(ansi.len()).unwrap_or(i32::MAX);
    // SAFETY: both buffers have their lengths; no replacement is named or asked about.
    let written = unsafe {
        WideCharToMultiByte(CP_ACP, 0, wide.as_ptr(), count, ansi.as_mut_ptr(), room, null(), null_mut())
    };
    ansi.truncate(usize::try_from(written).unwrap_or(0));
    ansi
}

/// Text from the characters of the `A` functions.
pub(crate) fn from_ansi(ansi: &[u8]) -> String {
    if ansi.is_ascii() {
        return String::from_utf8_lossy(ansi).into_owned();
    }
    let Ok(count) = i32::try_from(ansi.len()) else { return String::new() };
    let mut wide = vec![0_u16; ansi.len()];
    // SAFETY: both buffers have this length: no character of a code page has more units than bytes.
    let written = unsafe { MultiByteToWideChar(CP_ACP, 0, ansi.as_ptr(), count, wide.as_mut_ptr(), count) };
    String::from_utf16_lossy(&wide[..usize::try_from(written).unwrap_or(0)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_sees_no_atr_that_is_shorter_than_it_says() {
        let whole = [0x3B, 0x65, 0x00, 0x00, 1, 2, 3, 4, 5];
        let room = padded(&whole).expect("an ATR");
        assert_eq!(room[..9], whole);
        assert_eq!(room[9..], [0; READER_STATE_ATR_LEN - 9]);
        assert!(padded(&[0x3B, 0x80, 0x80, 0x01, 0x02]).is_some(), "whose check character is wrong");
        for bad in [&[][..], &[0x3B], &[0x3B, 0x65, 0, 0, 1, 2, 3, 4], &[0x3B, 0x00, 0x00], &[0x00; 9]] {
            assert_eq!(padded(bad), None, "{bad:02x?}");
        }
        // Rounds of four interface bytes without an end.
        let endless = [&[0x3B, 0xFF][..], &[0xFF; 31]].concat();
        assert_eq!(padded(&endless), None);
    }

    #[test]
    fn memory_of_the_system_is_known_without_a_context_too() {
        assert_eq!(free(0, 0x1000), None, "not the system's");
        remember(0x1000);
        // Where no service runs the memory cannot be its own; what counts is that NULL is a context here.
        assert_ne!(free(0, 0x1000), Some(Err(cardmod_pcsc::SCARD_E_INVALID_HANDLE)));
        assert_eq!(free(0, 0x1000), None, "only once");
    }
}
