//! A context with the resource manager: readers, their states, connections, the card cache.

use std::fmt;
use std::sync::Arc;

use crate::card::Card;
use crate::codes::{
    INFINITE, SCARD_E_NO_READERS_AVAILABLE, SCARD_SCOPE_SYSTEM, SCARD_SCOPE_USER, SCARD_SHARE_DIRECT,
    SCARD_SHARE_EXCLUSIVE, SCARD_SHARE_SHARED,
};
use crate::error::PcscError;
use crate::native::{CardIdentifier, DWORD, READER_STATE_ATR_LEN, SCARD_READERSTATE};
use crate::provider::Provider;
use crate::text;

/// Whose readers a context sees. Both kinds are the same with pcsc-lite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// The user's.
    #[default]
    User,
    /// The system's.
    System,
}

/// With whom a connection shares the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShareMode {
    /// With nobody.
    Exclusive,
    /// With others.
    Shared,
    /// A connection to the reader; there may be no card.
    Direct,
}

impl ShareMode {
    /// The `SCARD_SHARE_*` value.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Exclusive => SCARD_SHARE_EXCLUSIVE,
            Self::Shared => SCARD_SHARE_SHARED,
            Self::Direct => SCARD_SHARE_DIRECT,
        }
    }
}

/// A set of protocols, as Windows' bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocols(pub u32);

impl Protocols {
    /// None: for direct connections.
    pub const NONE: Self = Self(0);
    /// T=0 or T=1, as the card and the reader like.
    pub const ANY: Self = Self(crate::codes::SCARD_PROTOCOL_T0 | crate::codes::SCARD_PROTOCOL_T1);
    /// T=0.
    pub const T0: Self = Self(crate::codes::SCARD_PROTOCOL_T0);
    /// T=1.
    pub const T1: Self = Self(crate::codes::SCARD_PROTOCOL_T1);
    /// The reader's own.
    pub const RAW: Self = Self(crate::codes::SCARD_PROTOCOL_RAW);
}

/// One reader in [`Context::status_change`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReaderState {
    /// The reader's name, or [`crate::PNP_NOTIFICATION`].
    pub name: String,
    /// What the caller believes: `SCARD_STATE_*` bits with the event counter in bits 16 to 31.
    pub current: u32,
    /// What was so at the end of the last call, in the same form.
    pub event: u32,
    /// The card's answer to reset, empty without a card.
    pub atr: Vec<u8>,
}

impl ReaderState {
    /// A reader of which nothing is known yet (`SCARD_STATE_UNAWARE`).
    #[must_use]
    pub fn unaware(name: &str) -> Self {
        Self { name: name.to_owned(), current: 0, event: 0, atr: Vec::new() }
    }

    /// Makes what was reported last what is believed now.
    pub fn acknowledge(&mut self) {
        self.current = self.event & !crate::codes::SCARD_STATE_CHANGED;
    }

    /// The reader's counter of insertions and removals, as last reported: bits 16 to 31.
    #[must_use]
    pub fn insertion(&self) -> u32 {
        self.event >> 16
    }

    /// Is a card in the reader, as last reported?
    #[must_use]
    pub fn has_card(&self) -> bool {
        self.event & crate::codes::SCARD_STATE_PRESENT != 0
    }
}

/// A context; released when the last clone and the last card of it are gone.
#[derive(Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) provider: Arc<Provider>,
    pub(crate) handle: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A context that is gone already (service stopped, forked child) needs no release.
        let _ = self.provider.release(self.handle);
    }
}

/// Ends a blocking [`Context::status_change`] from another thread.
#[derive(Clone)]
pub struct CancelHandle {
    inner: Arc<Inner>,
}

impl CancelHandle {
    /// Ends the context's blocking call with `SCARD_E_CANCELLED`.
    ///
    /// # Errors
    /// What `SCardCancel` answers.
    pub fn cancel(&self) -> Result<(), PcscError> {
        self.inner.provider.cancel(self.inner.handle)
    }
}

impl Context {
    /// A context of the user's.
    ///
    /// # Errors
    /// What `SCardEstablishContext` answers; `SCARD_E_NO_SERVICE` where no resource manager runs.
    pub fn establish(provider: &Arc<Provider>) -> Result<Self, PcscError> {
        Self::establish_in(provider, Scope::User)
    }

    /// A context of a given scope.
    ///
    /// # Errors
    /// As [`Context::establish`].
    pub fn establish_in(provider: &Arc<Provider>, scope: Scope) -> Result<Self, PcscError> {
        let scope = match scope {
            Scope::User => SCARD_SCOPE_USER,
            Scope::System => SCARD_SCOPE_SYSTEM,
        };
        let handle = provider.establish(scope)?;
        Ok(Self { inner: Arc::new(Inner { provider: provider.clone(), handle }) })
    }

    /// The names of all readers; none is an answer, not an error.
    ///
    /// # Errors
    /// What `SCardListReaders` answers.
    pub fn list_readers(&self) -> Result<Vec<String>, PcscError> {
        none_is_empty(self.inner.provider.list_readers(self.inner.handle))
    }

    /// The names of all reader groups.
    ///
    /// # Errors
    /// What `SCardListReaderGroups` answers.
    pub fn list_groups(&self) -> Result<Vec<String>, PcscError> {
        none_is_empty(self.inner.provider.list_groups(self.inner.handle))
    }

    /// Waits until a reader's state differs from what its entry believes, and reports all states.
    ///
    /// `timeout_ms` counts milliseconds; `None` waits without end.
    ///
    /// # Errors
    /// What `SCardGetStatusChange` answers: `SCARD_E_TIMEOUT`, `SCARD_E_CANCELLED`, `SCARD_E_UNKNOWN_READER`.
    /// On `SCARD_E_TIMEOUT` the states are reported all the same.
    pub fn status_change(
        &self,
        timeout_ms: Option<u32>,
        readers: &mut [ReaderState],
    ) -> Result<(), PcscError> {
        let names: Vec<_> = readers.iter().map(|reader| text::to_native(&reader.name)).collect();
        let mut states: Vec<_> = readers
            .iter()
            .zip(&names)
            .map(|(reader, name)| SCARD_READERSTATE {
                szReader: name.as_ptr(),
                pvUserData: std::ptr::null_mut(),
                dwCurrentState: reader.current as DWORD,
                dwEventState: 0,
                cbAtr: 0,
                rgbAtr: [0; READER_STATE_ATR_LEN],
            })
            .collect();
        let timeout = timeout_ms.unwrap_or(INFINITE);
        let result = self.inner.provider.status_change(self.inner.handle, timeout, &mut states);
        for (reader, state) in readers.iter_mut().zip(&states) {
            reader.event = state.dwEventState as u32;
            reader.atr = state.rgbAtr[..(state.cbAtr as usize).min(READER_STATE_ATR_LEN)].to_vec();
        }
        result
    }

    /// What ends this context's blocking call from another thread.
    #[must_use]
    pub fn cancel_handle(&self) -> CancelHandle {
        CancelHandle { inner: self.inner.clone() }
    }

    /// Connects to the card in a reader.
    ///
    /// # Errors
    /// What `SCardConnect` answers.
    pub fn connect(&self, reader: &str, share: ShareMode, protocols: Protocols) -> Result<Card, PcscError> {
        let (handle, protocol) =
            self.inner.provider.connect(self.inner.handle, reader, share.code(), protocols.0)?;
        Ok(Card::new(self.inner.clone(), handle, protocol))
    }

    /// The same context, which lives as long as either.
    pub(crate) fn another(&self) -> Self {
        Self { inner: self.inner.clone() }
    }

    /// Reads an item of the resource manager's cache.
    ///
    /// # Errors
    /// `SCARD_W_CACHE_ITEM_NOT_FOUND`, `SCARD_W_CACHE_ITEM_STALE` (another freshness is stored), or
    /// `SCARD_E_UNSUPPORTED_FEATURE` where the library has no cache (pcsc-lite).
    pub fn read_cache(
        &self,
        card: &CardIdentifier,
        freshness: u32,
        name: &str,
    ) -> Result<Vec<u8>, PcscError> {
        self.inner.provider.read_cache(self.inner.handle, card, freshness, name)
    }

    /// Writes an item to the resource manager's cache.
    ///
    /// # Errors
    /// `SCARD_W_CACHE_ITEM_TOO_BIG`, or `SCARD_E_UNSUPPORTED_FEATURE` where the library has no cache.
    pub fn write_cache(
        &self,
        card: &CardIdentifier,
        freshness: u32,
        name: &str,
        data: &[u8],
    ) -> Result<(), PcscError> {
        self.inner.provider.write_cache(self.inner.handle, card, freshness, name, data)
    }

    /// Is the context still known to the resource manager?
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.inner.provider.is_valid(self.inner.handle).is_ok()
    }

    /// The provider this context belongs to.
    #[must_use]
    pub fn provider(&self) -> &Arc<Provider> {
        &self.inner.provider
    }

    /// The handle, for `CARD_DATA.hSCardCtx`.
    #[must_use]
    pub fn raw(&self) -> usize {
        self.inner.handle
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Context({:#x})", self.inner.handle)
    }
}

fn none_is_empty(result: Result<Vec<String>, PcscError>) -> Result<Vec<String>, PcscError> {
    match result {
        Err(error) if error.code == SCARD_E_NO_READERS_AVAILABLE => Ok(Vec::new()),
        other => other,
    }
}
