//! What the PC/SC functions do: handles are looked up, and the call goes to a virtual reader or to a real one.
//!
//! All values are Windows'; the exports translate.

use std::collections::HashMap;
use std::ffi::{CStr, CString};
use std::sync::{Arc, LazyLock, PoisonError};

use cardmod_pcsc::{
    CardIdentifier, CardStatus, Context as RealService, DWORD, Disposition, PcscError, Protocols,
    SCARD_E_INVALID_HANDLE, SCARD_E_INVALID_VALUE, SCARD_E_NO_READERS_AVAILABLE, SCARD_E_PROTO_MISMATCH,
    SCARD_E_UNKNOWN_READER, SCARD_E_UNSUPPORTED_FEATURE, SCARD_PROTOCOL_RAW, SCARD_PROTOCOL_T0,
    SCARD_PROTOCOL_T1, ShareMode, code_name, code_text,
};
use zeroize::Zeroizing;

use crate::connection::Connection;
use crate::context::Context;
use crate::handle::{Handle, Kind};
use crate::registry::{self, Registry};

/// Most readers in one `SCardGetStatusChange`.
pub(crate) const MAX_READERS: usize = 256;
/// The one group all readers are in.
const DEFAULT_GROUP: &str = "SCard$DefaultReaders";
/// Highest scope (pcsc-lite's `SCARD_SCOPE_GLOBAL`).
const LAST_SCOPE: u32 = 3;

pub(crate) use crate::status_change::status_change;

pub(crate) fn establish_context(scope: u32) -> Result<u32, u32> {
    if scope > LAST_SCOPE {
        return Err(SCARD_E_INVALID_VALUE);
    }
    let registry = registry::current()?;
    let context = Arc::new(Context::new(registry.new_id()));
    let id = context.id;
    registry.add_context(context);
    Ok(id)
}

/// Releases a context; what is connected in it is disconnected, and the card left as it is.
pub(crate) fn release_context(id: u32) -> Result<(), u32> {
    let registry = registry::current()?;
    let (context, handles) = registry.remove_context(id)?;
    context.release();
    registry.events.notify();
    for handle in handles {
        if let Kind::Virtual(connection) = &handle.kind {
            connection.abandon();
        }
    }
    registry.events.notify();
    Ok(())
}

pub(crate) fn is_valid_context(id: u32) -> Result<(), u32> {
    registry::current()?.context(id).map(drop)
}

pub(crate) fn cancel(id: u32) -> Result<(), u32> {
    let registry = registry::current()?;
    registry.context(id)?.cancel();
    registry.events.notify();
    Ok(())
}

/// What a question is asked in that needs no state: a context, or on Windows also none (winscard.h: `hContext` may be
/// NULL for lists of readers and groups, memory, and the database).
fn asking(registry: &Registry, id: u32) -> Result<Option<Arc<Context>>, u32> {
    if cfg!(windows) && id == 0 { Ok(None) } else { registry.context(id).map(Some) }
}

/// The real service behind a context, or on Windows behind none.
pub(crate) fn real_service(id: u32) -> Result<Option<RealService>, u32> {
    let registry = registry::current()?;
    let context = asking(registry, id)?;
    let real = context.as_ref().map_or(&registry.nobody, |context| &context.real);
    Ok(real.get(&registry.forward))
}

/// Takes back what was handed out in whatever context.
pub(crate) fn free_memory(id: u32, address: usize) -> Result<(), u32> {
    let registry = registry::current()?;
    asking(registry, id)?;
    registry.allocations.free(address)
}

pub(crate) fn list_groups(id: u32) -> Result<Vec<String>, u32> {
    asking(registry::current()?, id)?;
    Ok(vec![DEFAULT_GROUP.to_owned()])
}

/// Virtual readers first, then the real ones.
pub(crate) fn list_readers(id: u32) -> Result<Vec<String>, u32> {
    let registry = registry::current()?;
    asking(registry, id)?;
    let mut names = registry.readers.names();
    if let Some(real) = real_service(id)? {
        names.extend(real.list_readers().unwrap_or_default());
    }
    if names.is_empty() { Err(SCARD_E_NO_READERS_AVAILABLE) } else { Ok(names) }
}

/// Answers the handle and the active protocol.
pub(crate) fn connect(id: u32, reader: &str, share: u32, protocols: u32) -> Result<(u32, u32), u32> {
    let registry = registry::current()?;
    let context = registry.context(id)?;
    let share = share_mode(share)?;
    check_protocols(share, protocols)?;
    let (kind, protocol) = match registry.readers.find(reader) {
        Some(found) => {
            let connection = Connection::open(registry, found, share, protocols)?;
            let protocol = connection.protocol();
            (Kind::Virtual(Box::new(connection)), protocol)
        }
        None => {
            let real = context.real.get(&registry.forward).ok_or(SCARD_E_UNKNOWN_READER)?;
            let card = real.connect(reader, share, Protocols(protocols)).map_err(code)?;
            let protocol = card.protocol();
            (Kind::Real { card, trace: registry.log.connection(reader) }, protocol)
        }
    };
    let handle = Arc::new(Handle { id: registry.new_id(), context: id, kind });
    let card = handle.id;
    registry.add_handle(handle);
    // Released meanwhile by another thread, the context no longer takes its handles along.
    if registry.context(id).is_err() {
        disconnect(card, Disposition::Leave.code()).ok();
        return Err(SCARD_E_INVALID_HANDLE);
    }
    registry.events.notify();
    Ok((card, protocol))
}

/// Answers the active protocol.
pub(crate) fn reconnect(id: u32, share: u32, protocols: u32, initialization: u32) -> Result<u32, u32> {
    let registry = registry::current()?;
    let handle = registry.handle(id)?;
    let (share, initialization) = (share_mode(share)?, disposition(initialization)?);
    if initialization == Disposition::Eject {
        return Err(SCARD_E_INVALID_VALUE);
    }
    check_protocols(share, protocols)?;
    let protocol = match &handle.kind {
        Kind::Virtual(connection) => connection.reconnect(registry, share, protocols, initialization)?,
        Kind::Real { card, .. } => {
            card.reconnect(share, Protocols(protocols), initialization).map_err(code)?;
            card.protocol()
        }
    };
    registry.events.notify();
    Ok(protocol)
}

pub(crate) fn disconnect(id: u32, how: u32) -> Result<(), u32> {
    let registry = registry::current()?;
    let how = disposition(how)?;
    let handle = registry.remove_handle(id)?;
    let result = match &handle.kind {
        Kind::Virtual(connection) => connection.disconnect(registry, how),
        Kind::Real { card, .. } => card.end(how).map_err(code),
    };
    registry.events.notify();
    result
}

pub(crate) fn begin_transaction(id: u32) -> Result<(), u32> {
    let registry = registry::current()?;
    match &registry.handle(id)?.kind {
        Kind::Virtual(connection) => connection.begin(registry),
        Kind::Real { card, .. } => card.begin_transaction().map_err(code),
    }
}

pub(crate) fn end_transaction(id: u32, how: u32) -> Result<(), u32> {
    let registry = registry::current()?;
    let handle = registry.handle(id)?;
    let how = disposition(how)?;
    match &handle.kind {
        Kind::Virtual(connection) => connection.end(registry, how),
        Kind::Real { card, .. } => card.end_transaction(how).map_err(code),
    }
}

/// Answers the status and the reader's event counter.
pub(crate) fn status(id: u32) -> Result<(CardStatus, u16), u32> {
    let registry = registry::current()?;
    match &registry.handle(id)?.kind {
        Kind::Virtual(connection) => connection.status(registry),
        Kind::Real { card, .. } => card.status().map(|status| (status, 0)).map_err(code),
    }
}

pub(crate) fn transmit(id: u32, protocol: u32, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, u32> {
    let registry = registry::current()?;
    match &registry.handle(id)?.kind {
        Kind::Virtual(connection) => connection.transmit(registry, protocol, command),
        Kind::Real { card, trace } => {
            registry.log.exchange(trace, command, || card.transmit_as(protocol, command).map_err(code))
        }
    }
}

pub(crate) fn control(id: u32, control: DWORD, input: &[u8]) -> Result<Vec<u8>, u32> {
    let registry = registry::current()?;
    match &registry.handle(id)?.kind {
        Kind::Virtual(connection) => connection.control(registry, control, input),
        Kind::Real { card, .. } => card.control_by_code(control as u32, input).map_err(code),
    }
}

pub(crate) fn attribute(id: u32, attribute: u32) -> Result<Vec<u8>, u32> {
    let registry = registry::current()?;
    match &registry.handle(id)?.kind {
        Kind::Virtual(connection) => connection.attribute(registry, attribute),
        Kind::Real { card, .. } => card.attribute(attribute).map_err(code),
    }
}

pub(crate) fn set_attribute(id: u32, attribute: u32, value: &[u8]) -> Result<(), u32> {
    let registry = registry::current()?;
    match &registry.handle(id)?.kind {
        Kind::Virtual(_) => Err(SCARD_E_UNSUPPORTED_FEATURE),
        Kind::Real { card, .. } => card.set_attribute(attribute, value).map_err(code),
    }
}

pub(crate) fn read_cache(id: u32, card: CardIdentifier, freshness: u32, name: &str) -> Result<Vec<u8>, u32> {
    let registry = registry::current()?;
    registry.context(id)?;
    let cache = registry.cache.lock().unwrap_or_else(PoisonError::into_inner);
    cache.read(card, freshness, name).map(<[u8]>::to_vec)
}

pub(crate) fn write_cache(
    id: u32,
    card: CardIdentifier,
    freshness: u32,
    name: &str,
    data: &[u8],
) -> Result<(), u32> {
    let registry = registry::current()?;
    registry.context(id)?;
    registry.cache.lock().unwrap_or_else(PoisonError::into_inner).write(card, freshness, name, data)
}

/// A return code in words that stay in memory.
#[cfg_attr(windows, allow(dead_code))]
pub(crate) fn code_words(code: u32) -> &'static CStr {
    static WORDS: LazyLock<HashMap<u32, CString>> = LazyLock::new(|| {
        (0..=0x72)
            .map(|low| if low == 0 { 0 } else { 0x8010_0000 + low })
            .filter_map(|code| {
                Some((code, CString::new(format!("{} ({})", code_text(code)?, code_name(code)?)).ok()?))
            })
            .collect()
    });
    WORDS.get(&code).map_or(c"an unknown error", CString::as_c_str)
}

fn share_mode(share: u32) -> Result<ShareMode, u32> {
    [ShareMode::Exclusive, ShareMode::Shared, ShareMode::Direct]
        .into_iter()
        .find(|mode| mode.code() == share)
        .ok_or(SCARD_E_INVALID_VALUE)
}

fn disposition(value: u32) -> Result<Disposition, u32> {
    [Disposition::Leave, Disposition::Reset, Disposition::Unpower, Disposition::Eject]
        .into_iter()
        .find(|disposition| disposition.code() == value)
        .ok_or(SCARD_E_INVALID_VALUE)
}

/// A connection to a card must offer a protocol; one to a reader need not.
fn check_protocols(share: ShareMode, protocols: u32) -> Result<(), u32> {
    let known = SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1 | SCARD_PROTOCOL_RAW;
    if share == ShareMode::Direct || protocols & known != 0 { Ok(()) } else { Err(SCARD_E_PROTO_MISMATCH) }
}

fn code(error: PcscError) -> u32 {
    error.code
}
