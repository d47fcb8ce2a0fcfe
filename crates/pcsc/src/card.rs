//! A connection to a card, owned by this program.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::borrowed::BorrowedCard;
use crate::codes::{
    SCARD_E_INVALID_HANDLE, SCARD_EJECT_CARD, SCARD_LEAVE_CARD, SCARD_RESET_CARD, SCARD_UNPOWER_CARD,
};
use crate::context::{Inner, Protocols, ShareMode};
use crate::convert::control_code;
use crate::error::PcscError;
use crate::exchange::ResponseBuffer;
use crate::features::ReaderFeatures;
use crate::raw::CardStatus;

/// What becomes of the card when a transaction or connection ends, or before a reconnection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It stays as it is.
    Leave,
    /// It is reset (warm).
    Reset,
    /// It loses power (cold reset).
    Unpower,
    /// It is ejected, where the reader can.
    Eject,
}

impl Disposition {
    /// The `SCARD_*_CARD` value.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Leave => SCARD_LEAVE_CARD,
            Self::Reset => SCARD_RESET_CARD,
            Self::Unpower => SCARD_UNPOWER_CARD,
            Self::Eject => SCARD_EJECT_CARD,
        }
    }
}

/// A connection; left (`SCARD_LEAVE_CARD`) when dropped.
pub struct Card {
    context: Arc<Inner>,
    handle: usize,
    protocol: AtomicU32,
    buffer: Mutex<ResponseBuffer>,
    ended: AtomicBool,
}

impl Card {
    pub(crate) fn new(context: Arc<Inner>, handle: usize, protocol: u32) -> Self {
        let buffer = Mutex::new(ResponseBuffer::default());
        Self { context, handle, protocol: AtomicU32::new(protocol), buffer, ended: AtomicBool::new(false) }
    }

    /// Begins a transaction, waiting while another connection has one.
    ///
    /// # Errors
    /// What `SCardBeginTransaction` answers.
    pub fn begin_transaction(&self) -> Result<(), PcscError> {
        self.context.provider.begin_transaction(self.handle)
    }

    /// Ends a transaction.
    ///
    /// # Errors
    /// What `SCardEndTransaction` answers; `SCARD_E_NOT_TRANSACTED` where there is none.
    pub fn end_transaction(&self, disposition: Disposition) -> Result<(), PcscError> {
        self.context.provider.end_transaction(self.handle, disposition.code())
    }

    /// Sends one command and answers its response with the status word.
    ///
    /// # Errors
    /// What `SCardTransmit` answers.
    pub fn transmit(&self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, PcscError> {
        self.transmit_as(self.protocol(), command)
    }

    /// As [`Card::transmit`], with a protocol of the caller's choice.
    ///
    /// # Errors
    /// What `SCardTransmit` answers; `SCARD_E_PROTO_MISMATCH` where the protocol is not the active one.
    pub fn transmit_as(&self, protocol: u32, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, PcscError> {
        let mut buffer = self.buffer.lock().unwrap_or_else(PoisonError::into_inner);
        buffer.exchange(command, |response| {
            self.context.provider.transmit(self.handle, protocol, command, response)
        })
    }

    /// Connects again with the same handle, after a reset by somebody else or to change mode or protocol.
    ///
    /// # Errors
    /// What `SCardReconnect` answers.
    pub fn reconnect(
        &self,
        share: ShareMode,
        protocols: Protocols,
        initialization: Disposition,
    ) -> Result<(), PcscError> {
        let (share, first) = (share.code(), initialization.code());
        let protocol = self.context.provider.reconnect(self.handle, share, protocols.0, first)?;
        self.speaks(protocol);
        Ok(())
    }

    /// The protocol a reconnection came to.
    pub(crate) fn speaks(&self, protocol: u32) {
        self.protocol.store(protocol, Ordering::Relaxed);
    }

    /// The reader, the card's state and its ATR.
    ///
    /// # Errors
    /// What `SCardStatus` answers; `SCARD_W_RESET_CARD` and `SCARD_W_REMOVED_CARD` say what happened.
    pub fn status(&self) -> Result<CardStatus, PcscError> {
        self.context.provider.status(self.handle)
    }

    /// An attribute of the reader, one of `SCARD_ATTR_*`.
    ///
    /// # Errors
    /// What `SCardGetAttrib` answers; `SCARD_E_UNSUPPORTED_FEATURE` where the reader does not know it.
    pub fn attribute(&self, id: u32) -> Result<Vec<u8>, PcscError> {
        self.context.provider.attribute(self.handle, id)
    }

    /// Sets an attribute of the reader.
    ///
    /// # Errors
    /// What `SCardSetAttrib` answers.
    pub fn set_attribute(&self, id: u32, value: &[u8]) -> Result<(), PcscError> {
        self.context.provider.set_attribute(self.handle, id, value)
    }

    /// A control function of the reader by its number ([`crate::CM_IOCTL_GET_FEATURE_REQUEST`]); the
    /// platform's control code is made from it.
    ///
    /// # Errors
    /// What `SCardControl` answers.
    pub fn control(&self, function: u32, input: &[u8]) -> Result<Vec<u8>, PcscError> {
        self.context.provider.control(self.handle, control_code(function), input)
    }

    /// A control function by the code that a feature list gave.
    ///
    /// # Errors
    /// What `SCardControl` answers.
    pub fn control_by_code(&self, code: u32, input: &[u8]) -> Result<Vec<u8>, PcscError> {
        self.context.provider.control(self.handle, code as crate::native::DWORD, input)
    }

    /// What the reader can do beyond carrying short APDUs, as far as it says. Costs calls of the reader, none
    /// of the card.
    #[must_use]
    pub fn features(&self) -> ReaderFeatures {
        ReaderFeatures::ask(|code, input| self.context.provider.control(self.handle, code, input))
    }

    /// Ends the connection and says what becomes of the card.
    ///
    /// # Errors
    /// What `SCardDisconnect` answers; the connection is gone all the same.
    pub fn disconnect(self, disposition: Disposition) -> Result<(), PcscError> {
        self.end(disposition)
    }

    /// As [`Card::disconnect`], for a connection that others still hold; their calls then fail.
    ///
    /// # Errors
    /// What `SCardDisconnect` answers.
    pub fn end(&self, disposition: Disposition) -> Result<(), PcscError> {
        if self.ended.swap(true, Ordering::AcqRel) {
            return Err(PcscError::new(SCARD_E_INVALID_HANDLE, "SCardDisconnect"));
        }
        self.context.provider.disconnect(self.handle, disposition.code())
    }

    /// It was ended, or left to somebody who still waits.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Leaves the handle to somebody else, who ends it.
    pub(crate) fn abandon(&self) {
        self.ended.store(true, Ordering::Release);
    }

    /// What the handle belongs to, for as long as somebody uses it.
    pub(crate) fn context(&self) -> Arc<Inner> {
        Arc::clone(&self.context)
    }

    /// What a card module may use of this connection.
    #[must_use]
    pub fn borrowed(&self) -> BorrowedCard {
        BorrowedCard::with_provider(self.context.provider.clone(), self.context.handle, self.handle)
    }

    /// The active protocol, one of `SCARD_PROTOCOL_*`, or 0 on a direct connection.
    #[must_use]
    pub fn protocol(&self) -> u32 {
        self.protocol.load(Ordering::Relaxed)
    }

    /// The handle, for `CARD_DATA.hScard`.
    #[must_use]
    pub fn raw(&self) -> usize {
        self.handle
    }

    /// The handle of the context this connection belongs to.
    #[must_use]
    pub fn context_raw(&self) -> usize {
        self.context.handle
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Acquire) {
            // A card that is gone needs no disconnection; there is nobody to tell.
            let _ = self.context.provider.disconnect(self.handle, SCARD_LEAVE_CARD);
        }
    }
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Card({:#x})", self.handle)
    }
}
