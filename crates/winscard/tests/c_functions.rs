//! The functions as C programs call them: null pointers, buffers of every kind, numbers that are no handles.

mod common;

use std::ptr::{null, null_mut};

use cardmod_pcsc::{
    CHAR, DWORD, FunctionTable, LONG, SCARD_AUTOALLOCATE, SCARD_E_INSUFFICIENT_BUFFER,
    SCARD_E_INVALID_HANDLE, SCARD_E_INVALID_PARAMETER, SCARD_E_INVALID_VALUE, SCARD_E_UNKNOWN_READER,
    SCARD_IO_REQUEST, SCARDCONTEXT, SCARDHANDLE, code_to_native, multi_from_native, protocols_to_native,
    to_native,
};
use common::{SELECT, world};

fn table() -> &'static FunctionTable {
    cardmod_winscard::table()
}

fn is(code: LONG, expected: u32) {
    assert_eq!(code, code_to_native(expected), "{:08X}, not {expected:08X}", code as u32);
}

fn established() -> SCARDCONTEXT {
    let mut context: SCARDCONTEXT = 0;
    // SAFETY: the place lives; null is allowed for what is reserved.
    is(unsafe { (table().EstablishContext)(2, null(), null(), &raw mut context) }, 0);
    assert_ne!(context, 0);
    context
}

fn connected(context: SCARDCONTEXT, reader: &str) -> SCARDHANDLE {
    let name = to_native(reader);
    let (mut card, mut protocol): (SCARDHANDLE, DWORD) = (0, 0);
    let any = protocols_to_native(3);
    // SAFETY: the name ends in NUL; the places live.
    let code = unsafe { (table().Connect)(context, name.as_ptr(), 2, any, &raw mut card, &raw mut protocol) };
    is(code, 0);
    assert_eq!(protocol, protocols_to_native(2));
    card
}

#[test]
fn lists_come_in_every_kind_of_buffer() {
    let reader = world().card("listed");
    let context = established();
    let mut length: DWORD = 0;
    // SAFETY: a null buffer asks for the length.
    is(unsafe { (table().ListReaders)(context, null(), null_mut(), &raw mut length) }, 0);
    let needed = length as usize;
    let mut buffer: Vec<CHAR> = vec![0; needed + 200];
    length = 3;
    // SAFETY: the buffer has more than three characters.
    let code = unsafe { (table().ListReaders)(context, null(), buffer.as_mut_ptr(), &raw mut length) };
    is(code, SCARD_E_INSUFFICIENT_BUFFER);
    assert!(length as usize >= needed);
    length = buffer.len() as DWORD;
    // SAFETY: the buffer has this length.
    is(unsafe { (table().ListReaders)(context, null(), buffer.as_mut_ptr(), &raw mut length) }, 0);
    assert!(multi_from_native(&buffer[..length as usize]).contains(&reader));

    let mut block: *mut CHAR = null_mut();
    length = SCARD_AUTOALLOCATE;
    // SAFETY: the buffer pointer is a pointer's place, as this length wants it.
    is(unsafe { (table().ListReaders)(context, null(), (&raw mut block).cast(), &raw mut length) }, 0);
    // SAFETY: the block was just handed out with this length.
    let given = unsafe { std::slice::from_raw_parts(block, length as usize) };
    assert!(multi_from_native(given).contains(&reader));
    // SAFETY: the block is the function's own.
    is(unsafe { (table().FreeMemory)(context, block.cast()) }, 0);
    // SAFETY: an address that is not handed out is looked up, not touched.
    is(unsafe { (table().FreeMemory)(context, block.cast()) }, SCARD_E_INVALID_PARAMETER);
    // SAFETY: null is checked.
    is(unsafe { (table().ListReaders)(context, null(), null_mut(), null_mut()) }, SCARD_E_INVALID_PARAMETER);
    // SAFETY: the handle is a number.
    is(unsafe { (table().ReleaseContext)(context) }, 0);
    // SAFETY: the handle is a number.
    is(unsafe { (table().ReleaseContext)(context) }, SCARD_E_INVALID_HANDLE);
}

#[test]
fn numbers_that_are_no_handles_are_refused() {
    for number in [0, 1, -1, 0x7FFF_FFFF] {
        let context = number as SCARDCONTEXT;
        let card = number as SCARDHANDLE;
        // SAFETY: handles are numbers.
        is(unsafe { (table().IsValidContext)(context) }, SCARD_E_INVALID_HANDLE);
        // SAFETY: handles are numbers.
        is(unsafe { (table().BeginTransaction)(card) }, SCARD_E_INVALID_HANDLE);
        // SAFETY: handles are numbers.
        is(unsafe { (table().Disconnect)(card, 0) }, SCARD_E_INVALID_HANDLE);
        // SAFETY: handles are numbers.
        is(unsafe { (table().Cancel)(context) }, SCARD_E_INVALID_HANDLE);
    }
}

#[test]
fn null_pointers_and_bad_values_are_refused() {
    world().card("nulls");
    // SAFETY: null is checked.
    is(unsafe { (table().EstablishContext)(2, null(), null(), null_mut()) }, SCARD_E_INVALID_PARAMETER);
    let mut context: SCARDCONTEXT = 7;
    // SAFETY: the place lives.
    is(unsafe { (table().EstablishContext)(99, null(), null(), &raw mut context) }, SCARD_E_INVALID_VALUE);
    assert_eq!(context, 0);
    let context = established();
    let (mut card, mut protocol): (SCARDHANDLE, DWORD) = (0, 0);
    // SAFETY: null is checked; the places live.
    let code = unsafe { (table().Connect)(context, null(), 2, 3, &raw mut card, &raw mut protocol) };
    is(code, SCARD_E_UNKNOWN_READER);
    // SAFETY: null is checked.
    let code = unsafe { (table().Connect)(context, null(), 2, 3, null_mut(), &raw mut protocol) };
    is(code, SCARD_E_INVALID_PARAMETER);
    // SAFETY: null is checked.
    is(unsafe { (table().GetStatusChange)(context, 0, null_mut(), 1) }, SCARD_E_INVALID_PARAMETER);
    // SAFETY: no entries, nothing is read.
    is(unsafe { (table().GetStatusChange)(context, 0, null_mut(), 0) }, 0);
}

#[test]
fn transmit_keeps_to_the_buffer() {
    let reader = world().card("transmit");
    let context = established();
    let card = connected(context, &reader);
    let pci = SCARD_IO_REQUEST::new(protocols_to_native(2));
    let mut response = [0xEE_u8; 64];
    let send = |response: &mut [u8], length: &mut DWORD| {
        let count = SELECT.len() as DWORD;
        // SAFETY: command and response have their lengths; the other places live.
        unsafe {
            (table().Transmit)(
                card,
                &raw const pci,
                SELECT.as_ptr(),
                count,
                null_mut(),
                response.as_mut_ptr(),
                length,
            )
        }
    };
    let mut length: DWORD = 1;
    is(send(&mut response, &mut length), SCARD_E_INSUFFICIENT_BUFFER);
    length = 4;
    is(send(&mut response, &mut length), SCARD_E_INSUFFICIENT_BUFFER);
    assert_eq!(response, [0xEE; 64], "nothing is written into a buffer that is too small");
    assert!(length > 4, "the length that is needed");
    length = response.len() as DWORD;
    is(send(&mut response, &mut length), 0);
    assert_eq!(response[length as usize - 2..][..2], [0x90, 0x00]);
    assert!(response[length as usize..].iter().all(|byte| *byte == 0xEE));
    // SAFETY: null is checked.
    let code = unsafe { (table().Transmit)(card, null(), null(), 0, null_mut(), null_mut(), null_mut()) };
    is(code, SCARD_E_INVALID_PARAMETER);
}

#[test]
fn status_answers_what_is_asked_for() {
    let reader = world().card("status");
    let context = established();
    let card = connected(context, &reader);
    // SAFETY: nothing is asked for.
    let code = unsafe {
        (table().Status)(card, null_mut(), null_mut(), null_mut(), null_mut(), null_mut(), null_mut())
    };
    is(code, 0);
    let (mut state, mut atr, mut length): (DWORD, [u8; 36], DWORD) = (0, [0; 36], 36);
    // SAFETY: the places live; the ATR's buffer has its length.
    let code = unsafe {
        (table().Status)(
            card,
            null_mut(),
            null_mut(),
            &raw mut state,
            null_mut(),
            atr.as_mut_ptr(),
            &raw mut length,
        )
    };
    is(code, 0);
    assert_eq!(atr[0], 0x3B);
    assert!(length > 2);
    assert_eq!(cardmod_pcsc::card_state_from_native(state), common::CONNECTED);
    if cfg!(not(windows)) {
        assert_ne!(state >> 16, 0, "the event counter");
    }
}
