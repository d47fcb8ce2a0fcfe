//! Every call of a PC/SC function: slices and references in, Windows' values out.
//!
//! One of the three files with unsafe code (`table`, `provider`, `raw`). All calls stand on the same ground:
//! the functions come from a [`Provider`], which keeps them loaded and whose maker answers for their types;
//! handles are numbers that the library checks itself; pointers are made from references that outlive the call.

#![allow(unsafe_code)]

use std::ptr::{null, null_mut};

use crate::codes::{
    MAX_ATR_LEN, SCARD_E_INSUFFICIENT_BUFFER, SCARD_E_UNEXPECTED, SCARD_E_UNSUPPORTED_FEATURE,
};
use crate::convert::{card_state_from_native, protocols_from_native, protocols_to_native};
use crate::error::PcscError;
use crate::native::{
    CHAR, CardIdentifier, DWORD, SCARD_IO_REQUEST, SCARD_READERSTATE, SCARDCONTEXT, SCARDHANDLE,
};
use crate::provider::Provider;
use crate::text;

/// Longest reader name accepted from `SCardStatus`, in characters (pcsc-lite's `MAX_READERNAME` is 128).
const READER_NAME_LEN: usize = 512;
/// Longest answer to a control code.
const CONTROL_LEN: usize = 4096;
/// Room for an attribute: pcsc-lite refuses more (`MAX_BUFFER_SIZE`).
const ATTRIBUTE_LEN: usize = 264;
/// How often a list that grows between two calls is asked for again.
const LIST_ATTEMPTS: u32 = 8;

/// What `SCardStatus` tells, with Windows' values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardStatus {
    /// The reader's name.
    pub reader: String,
    /// The state as Windows' number, [`crate::SCARD_ABSENT`] to [`crate::SCARD_SPECIFIC`].
    pub state: u32,
    /// The active protocol, one of `SCARD_PROTOCOL_*`, or 0.
    pub protocol: u32,
    /// The card's answer to reset.
    pub atr: Vec<u8>,
}

impl Provider {
    pub(crate) fn establish(&self, scope: u32) -> Result<usize, PcscError> {
        let mut context: SCARDCONTEXT = 0;
        // SAFETY:
        // - function and types: the provider (see the file's head);
        // - the reserved pointers are null, `context` lives through the call.
        let code =
            unsafe { (self.table().EstablishContext)(scope as DWORD, null(), null(), &raw mut context) };
        PcscError::check(code, "SCardEstablishContext")?;
        Ok(context as usize)
    }

    pub(crate) fn release(&self, context: usize) -> Result<(), PcscError> {
        // SAFETY: function and types: the provider; the handle is a number.
        let code = unsafe { (self.table().ReleaseContext)(context as SCARDCONTEXT) };
        PcscError::check(code, "SCardReleaseContext")
    }

    pub(crate) fn is_valid(&self, context: usize) -> Result<(), PcscError> {
        // SAFETY: function and types: the provider; the handle is a number.
        let code = unsafe { (self.table().IsValidContext)(context as SCARDCONTEXT) };
        PcscError::check(code, "SCardIsValidContext")
    }

    pub(crate) fn cancel(&self, context: usize) -> Result<(), PcscError> {
        // SAFETY: function and types: the provider; the handle is a number.
        let code = unsafe { (self.table().Cancel)(context as SCARDCONTEXT) };
        PcscError::check(code, "SCardCancel")
    }

    pub(crate) fn list_readers(&self, context: usize) -> Result<Vec<String>, PcscError> {
        const CALL: &str = "SCardListReaders";
        list(CALL, |buffer, length| {
            // SAFETY:
            // - function and types: the provider; all groups (null);
            // - `buffer` is null or has `*length` characters (`list`).
            unsafe { (self.table().ListReaders)(context as SCARDCONTEXT, null(), buffer, length) }
        })
    }

    pub(crate) fn list_groups(&self, context: usize) -> Result<Vec<String>, PcscError> {
        const CALL: &str = "SCardListReaderGroups";
        list(CALL, |buffer, length| {
            // SAFETY:
            // - function and types: the provider;
            // - `buffer` is null or has `*length` characters (`list`).
            unsafe { (self.table().ListReaderGroups)(context as SCARDCONTEXT, buffer, length) }
        })
    }

    pub(crate) fn status_change(
        &self,
        context: usize,
        timeout_ms: u32,
        states: &mut [SCARD_READERSTATE],
    ) -> Result<(), PcscError> {
        let context = context as SCARDCONTEXT;
        let timeout = timeout_ms as DWORD;
        // SAFETY:
        // - function and types: the provider;
        // - the pointer and the count are of one slice; the names in it are NUL-terminated and alive, which
        //   the only caller (`Context::status_change`) sees to.
        let code = unsafe {
            (self.table().GetStatusChange)(context, timeout, states.as_mut_ptr(), states.len() as DWORD)
        };
        PcscError::check(code, "SCardGetStatusChange")
    }

    /// Answers the handle and the active protocol.
    pub(crate) fn connect(
        &self,
        context: usize,
        reader: &str,
        share: u32,
        protocols: u32,
    ) -> Result<(usize, u32), PcscError> {
        let reader = text::to_native(reader);
        let protocols = protocols_to_native(protocols);
        let (mut handle, mut active): (SCARDHANDLE, DWORD) = (0, 0);
        // SAFETY:
        // - function and types: the provider;
        // - `reader` ends in NUL (`to_native`) and lives through the call, as `handle` and `active` do.
        let code = unsafe {
            (self.table().Connect)(
                context as SCARDCONTEXT,
                reader.as_ptr(),
                share as DWORD,
                protocols,
                &raw mut handle,
                &raw mut active,
            )
        };
        PcscError::check(code, "SCardConnect")?;
        Ok((handle as usize, protocols_from_native(active)))
    }

    pub(crate) fn reconnect(
        &self,
        handle: usize,
        share: u32,
        protocols: u32,
        initialization: u32,
    ) -> Result<u32, PcscError> {
        let protocols = protocols_to_native(protocols);
        let mut active: DWORD = 0;
        // SAFETY: function and types: the provider; `active` lives through the call.
        let code = unsafe {
            (self.table().Reconnect)(
                handle as SCARDHANDLE,
                share as DWORD,
                protocols,
                initialization as DWORD,
                &raw mut active,
            )
        };
        PcscError::check(code, "SCardReconnect")?;
        Ok(protocols_from_native(active))
    }

    pub(crate) fn disconnect(&self, handle: usize, disposition: u32) -> Result<(), PcscError> {
        // SAFETY: function and types: the provider; the handle is a number.
        let code = unsafe { (self.table().Disconnect)(handle as SCARDHANDLE, disposition as DWORD) };
        PcscError::check(code, "SCardDisconnect")
    }

    pub(crate) fn begin_transaction(&self, handle: usize) -> Result<(), PcscError> {
        // SAFETY: function and types: the provider; the handle is a number.
        let code = unsafe { (self.table().BeginTransaction)(handle as SCARDHANDLE) };
        PcscError::check(code, "SCardBeginTransaction")
    }

    pub(crate) fn end_transaction(&self, handle: usize, disposition: u32) -> Result<(), PcscError> {
        // SAFETY: function and types: the provider; the handle is a number.
        let code = unsafe { (self.table().EndTransaction)(handle as SCARDHANDLE, disposition as DWORD) };
        PcscError::check(code, "SCardEndTransaction")
    }

    pub(crate) fn status(&self, handle: usize) -> Result<CardStatus, PcscError> {
        let mut name: [CHAR; READER_NAME_LEN] = [0; READER_NAME_LEN];
        let mut atr = [0_u8; MAX_ATR_LEN + 3];
        let (mut name_len, mut atr_len) = (name.len() as DWORD, atr.len() as DWORD);
        let (mut state, mut protocol): (DWORD, DWORD) = (0, 0);
        // SAFETY:
        // - function and types: the provider;
        // - each buffer comes with its own length; all outlive the call.
        let code = unsafe {
            (self.table().Status)(
                handle as SCARDHANDLE,
                name.as_mut_ptr(),
                &raw mut name_len,
                &raw mut state,
                &raw mut protocol,
                atr.as_mut_ptr(),
                &raw mut atr_len,
            )
        };
        PcscError::check(code, "SCardStatus")?;
        Ok(CardStatus {
            reader: text::from_native(&name),
            state: card_state_from_native(state),
            protocol: protocols_from_native(protocol),
            atr: atr[..(atr_len as usize).min(atr.len())].to_vec(),
        })
    }

    /// Writes the response to the front of `response` and answers its length.
    pub(crate) fn transmit(
        &self,
        handle: usize,
        protocol: u32,
        command: &[u8],
        response: &mut [u8],
    ) -> Result<usize, PcscError> {
        let pci = SCARD_IO_REQUEST::new(protocols_to_native(protocol));
        let mut length = response.len() as DWORD;
        // SAFETY:
        // - function and types: the provider;
        // - command and response come with their own lengths; `pci` and `length` live through the call;
        // - the receiving control information may be null (both platforms).
        let code = unsafe {
            (self.table().Transmit)(
                handle as SCARDHANDLE,
                &raw const pci,
                command.as_ptr(),
                command.len() as DWORD,
                null_mut(),
                response.as_mut_ptr(),
                &raw mut length,
            )
        };
        PcscError::check(code, "SCardTransmit")?;
        answered(length, response.len(), "SCardTransmit")
    }

    pub(crate) fn control(&self, handle: usize, code: DWORD, input: &[u8]) -> Result<Vec<u8>, PcscError> {
        let mut output = vec![0_u8; CONTROL_LEN];
        let mut length: DWORD = 0;
        // SAFETY:
        // - function and types: the provider;
        // - input and output come with their own lengths and outlive the call.
        let result = unsafe {
            (self.table().Control)(
                handle as SCARDHANDLE,
                code,
                input.as_ptr().cast(),
                input.len() as DWORD,
                output.as_mut_ptr().cast(),
                output.len() as DWORD,
                &raw mut length,
            )
        };
        PcscError::check(result, "SCardControl")?;
        output.truncate(answered(length, output.len(), "SCardControl")?);
        Ok(output)
    }

    pub(crate) fn attribute(&self, handle: usize, id: u32) -> Result<Vec<u8>, PcscError> {
        let mut value = vec![0_u8; ATTRIBUTE_LEN];
        let mut length = value.len() as DWORD;
        // SAFETY: function and types: the provider; the buffer comes with its length and outlives the call.
        let code = unsafe {
            (self.table().GetAttrib)(handle as SCARDHANDLE, id as DWORD, value.as_mut_ptr(), &raw mut length)
        };
        PcscError::check(code, "SCardGetAttrib")?;
        value.truncate(answered(length, value.len(), "SCardGetAttrib")?);
        Ok(value)
    }

    pub(crate) fn set_attribute(&self, handle: usize, id: u32, value: &[u8]) -> Result<(), PcscError> {
        let length = value.len() as DWORD;
        // SAFETY: function and types: the provider; the buffer comes with its length and outlives the call.
        let code =
            unsafe { (self.table().SetAttrib)(handle as SCARDHANDLE, id as DWORD, value.as_ptr(), length) };
        PcscError::check(code, "SCardSetAttrib")
    }

    pub(crate) fn read_cache(
        &self,
        context: usize,
        card: &CardIdentifier,
        freshness: u32,
        name: &str,
    ) -> Result<Vec<u8>, PcscError> {
        const CALL: &str = "SCardReadCache";
        let read = self.table().ReadCache.ok_or(PcscError::new(SCARD_E_UNSUPPORTED_FEATURE, CALL))?;
        let name = text::to_native(name);
        let mut data = Vec::new();
        for _ in 0..LIST_ATTEMPTS {
            let mut length = data.len() as DWORD;
            let buffer = if data.is_empty() { null_mut() } else { data.as_mut_ptr() };
            // SAFETY:
            // - function and types: the provider;
            // - `name` ends in NUL; `buffer` is null (asks for the length) or has `length` bytes.
            let code = unsafe {
                read(
                    context as SCARDCONTEXT,
                    card,
                    freshness as DWORD,
                    name.as_ptr(),
                    buffer,
                    &raw mut length,
                )
            };
            match PcscError::check(code, CALL) {
                Ok(()) if length == 0 => return Ok(Vec::new()),
                Ok(()) if !data.is_empty() => {
                    data.truncate(answered(length, data.len(), CALL)?);
                    return Ok(data);
                }
                Err(error) if error.code != SCARD_E_INSUFFICIENT_BUFFER => return Err(error),
                _ => data = vec![0_u8; length as usize],
            }
        }
        Err(PcscError::new(SCARD_E_UNEXPECTED, CALL))
    }

    pub(crate) fn write_cache(
        &self,
        context: usize,
        card: &CardIdentifier,
        freshness: u32,
        name: &str,
        data: &[u8],
    ) -> Result<(), PcscError> {
        const CALL: &str = "SCardWriteCache";
        let write = self.table().WriteCache.ok_or(PcscError::new(SCARD_E_UNSUPPORTED_FEATURE, CALL))?;
        let name = text::to_native(name);
        let length = data.len() as DWORD;
        // SAFETY: function and types: the provider; `name` ends in NUL, the data come with their length.
        let code = unsafe {
            write(context as SCARDCONTEXT, card, freshness as DWORD, name.as_ptr(), data.as_ptr(), length)
        };
        PcscError::check(code, CALL)
    }
}

/// Asks for a multi-string's length, then for the string, again while it grows in between.
fn list(
    call: &'static str,
    mut ask: impl FnMut(*mut CHAR, *mut DWORD) -> crate::native::LONG,
) -> Result<Vec<String>, PcscError> {
    for _ in 0..LIST_ATTEMPTS {
        let mut length: DWORD = 0;
        PcscError::check(ask(null_mut(), &raw mut length), call)?;
        let mut buffer: Vec<CHAR> = vec![0; length as usize];
        match PcscError::check(ask(buffer.as_mut_ptr(), &raw mut length), call) {
            Ok(()) => {
                buffer.truncate(length as usize);
                return Ok(text::multi_from_native(&buffer));
            }
            Err(error) if error.code == SCARD_E_INSUFFICIENT_BUFFER => {}
            Err(error) => return Err(error),
        }
    }
    Err(PcscError::new(SCARD_E_UNEXPECTED, call))
}

/// A length that the library reports, refused where it exceeds the buffer.
fn answered(length: DWORD, available: usize, call: &'static str) -> Result<usize, PcscError> {
    usize::try_from(length)
        .ok()
        .filter(|length| *length <= available)
        .ok_or(PcscError::new(SCARD_E_UNEXPECTED, call))
}
