//! A connection that belongs to somebody else: what a card module may use of its host's.

use std::fmt;
use std::sync::{Arc, OnceLock};

use cardmod_iso7816::{CardChannel, Limits, PinEntry, TransportError};
use zeroize::Zeroizing;

use crate::codes::{SCARD_E_NO_SERVICE, SCARD_E_PROTO_MISMATCH, SCARD_PROTOCOL_T0};
use crate::convert::control_code;
use crate::error::PcscError;
use crate::exchange::ResponseBuffer;
use crate::features::ReaderFeatures;
use crate::native::DWORD;
use crate::pinpad::Pinpad;
use crate::provider::Provider;
use crate::raw::CardStatus;

/// What a connection is like as long as its protocol stays.
#[derive(Clone, Copy)]
struct Connection {
    protocol: u32,
    /// The card takes extended length.
    extended: bool,
}

/// `SCardControl` on one handle.
type Control = Box<dyn Fn(u32, &[u8]) -> Result<Vec<u8>, PcscError> + Send + Sync>;

/// The host's handles, as `CARD_DATA` carries them. Can transmit and ask; cannot begin transactions,
/// connect, reset or disconnect, which are the host's.
pub struct BorrowedCard {
    provider: Arc<Provider>,
    context: usize,
    handle: usize,
    /// Asked for once; forgotten where the card refuses the protocol.
    connection: OnceLock<Connection>,
    /// Asked for once: the reader stays the same.
    features: OnceLock<ReaderFeatures>,
    /// The keypad, while it is lent.
    pinpad: Option<Pinpad<Control>>,
    buffer: ResponseBuffer,
}

impl BorrowedCard {
    /// Handles of the process's provider.
    ///
    /// # Errors
    /// `SCARD_E_NO_SERVICE` where the process has no PC/SC library.
    pub fn new(context: usize, handle: usize) -> Result<Self, PcscError> {
        let provider = Provider::current().map_err(|_| PcscError::new(SCARD_E_NO_SERVICE, "SCardStatus"))?;
        Ok(Self::with_provider(provider, context, handle))
    }

    /// Handles of a given provider.
    #[must_use]
    pub fn with_provider(provider: Arc<Provider>, context: usize, handle: usize) -> Self {
        Self {
            provider,
            context,
            handle,
            connection: OnceLock::new(),
            features: OnceLock::new(),
            pinpad: None,
            buffer: ResponseBuffer::default(),
        }
    }

    /// Sends one command and answers its response with the status word.
    ///
    /// # Errors
    /// What `SCardTransmit` answers, or `SCardStatus` at the first command.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, PcscError> {
        let known = self.connection.get().is_some();
        match self.transmit_once(command) {
            // The host may have reconnected with another protocol. The command did not reach the card.
            Err(error) if known && error.code == SCARD_E_PROTO_MISMATCH => {
                self.connection = OnceLock::new();
                self.transmit_once(command)
            }
            other => other,
        }
    }

    /// The reader, the card's state and its ATR.
    ///
    /// # Errors
    /// What `SCardStatus` answers.
    pub fn status(&self) -> Result<CardStatus, PcscError> {
        self.provider.status(self.handle)
    }

    /// An attribute of the reader, one of `SCARD_ATTR_*`.
    ///
    /// # Errors
    /// What `SCardGetAttrib` answers.
    pub fn attribute(&self, id: u32) -> Result<Vec<u8>, PcscError> {
        self.provider.attribute(self.handle, id)
    }

    /// A control function of the reader by its number.
    ///
    /// # Errors
    /// What `SCardControl` answers.
    pub fn control(&self, function: u32, input: &[u8]) -> Result<Vec<u8>, PcscError> {
        self.provider.control(self.handle, control_code(function), input)
    }

    /// A control function by the code that a feature list gave.
    ///
    /// # Errors
    /// What `SCardControl` answers.
    pub fn control_by_code(&self, code: u32, input: &[u8]) -> Result<Vec<u8>, PcscError> {
        self.provider.control(self.handle, code as DWORD, input)
    }

    /// What the reader can do beyond carrying short APDUs; asked once.
    pub fn features(&self) -> &ReaderFeatures {
        let control = |code, input: &[u8]| self.provider.control(self.handle, code, input);
        self.features.get_or_init(|| ReaderFeatures::ask(control))
    }

    /// The context's handle (`hSCardCtx`).
    #[must_use]
    pub fn context(&self) -> usize {
        self.context
    }

    /// The connection's handle (`hScard`).
    #[must_use]
    pub fn handle(&self) -> usize {
        self.handle
    }

    fn transmit_once(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, PcscError> {
        let protocol = self.connection()?.protocol;
        let (provider, handle) = (&self.provider, self.handle);
        self.buffer.exchange(command, |response| provider.transmit(handle, protocol, command, response))
    }

    fn connection(&self) -> Result<Connection, PcscError> {
        if let Some(connection) = self.connection.get() {
            return Ok(*connection);
        }
        let status = self.provider.status(self.handle)?;
        let extended = Limits::announced_in_atr(&status.atr).extended_length;
        Ok(*self.connection.get_or_init(|| Connection { protocol: status.protocol, extended }))
    }
}

impl CardChannel for BorrowedCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        Self::transmit(self, command).map_err(TransportError::from)
    }

    /// Extended length where the card's ATR and the reader's properties announce it.
    fn limits(&self) -> Limits {
        let Ok(connection) = self.connection() else { return Limits::SHORT };
        let t0 = connection.protocol == SCARD_PROTOCOL_T0;
        let features = self.features();
        let extended_length = !t0 && connection.extended && features.extended_length();
        Limits { extended_length, t0, command_data: features.command_data() }
    }

    fn pin_entry(&mut self) -> Option<&mut dyn PinEntry> {
        if !self.features().verifies_pins() {
            return None;
        }
        let (provider, handle, features) = (Arc::clone(&self.provider), self.handle, self.features().clone());
        let pinpad = self.pinpad.get_or_insert_with(|| {
            let control: Control =
                Box::new(move |code, input| provider.control(handle, code as DWORD, input));
            Pinpad::new(features, control)
        });
        Some(pinpad)
    }
}

impl From<PcscError> for TransportError {
    fn from(error: PcscError) -> Self {
        Self { code: error.code }
    }
}

impl fmt::Debug for BorrowedCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BorrowedCard({:#x}, {:#x})", self.context, self.handle)
    }
}
