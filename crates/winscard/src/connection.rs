//! A connection to a virtual reader: sharing, transactions, resets and removals as a resource manager has them.
//!
//! Each connection is one [`VirtualCard`], so that processes and handles are the same thing to the card: its
//! lease is the transaction, its counters say what others did. Waiting for another connection's transaction:
//! its end in this process wakes the waiter at once; its end in another process is seen by trying again every
//! [`TRY_EVERY`].

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cardmod_pcsc::{
    CardStatus, DWORD, Disposition, SCARD_ABSENT, SCARD_E_INVALID_HANDLE, SCARD_E_INVALID_PARAMETER,
    SCARD_E_NO_SMARTCARD, SCARD_E_NOT_TRANSACTED, SCARD_E_PROTO_MISMATCH, SCARD_E_READER_UNAVAILABLE,
    SCARD_E_SHARING_VIOLATION, SCARD_E_UNSUPPORTED_FEATURE, SCARD_F_COMM_ERROR, SCARD_PROTOCOL_RAW,
    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1, SCARD_PROTOCOL_UNDEFINED, SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD,
    ShareMode,
};
use cardmod_virtual::{CardFault, Disposition as LeaseEnd, Reset, Share, StoreError, VirtualCard};
use zeroize::Zeroizing;

use crate::attributes::{self, Facts, Function};
use crate::equipment::Equipment;
use crate::faults::Fault;
use crate::keypad;
use crate::log::Trace;
use crate::readers::{Found, event_count};
use crate::registry::Registry;
use crate::t0::T0;

/// How often a connection tries again while another process has a transaction.
const TRY_EVERY: Duration = Duration::from_millis(1);

pub(crate) struct Connection {
    reader: String,
    name: String,
    equipment: Equipment,
    trace: Trace,
    state: Mutex<State>,
}

struct State {
    card: VirtualCard,
    /// The card's ATR as the reader shows it.
    atr: Vec<u8>,
    /// What the card holds back under the rules of T=0, in a reader that speaks it.
    t0: Option<T0>,
    share: ShareMode,
    protocol: u32,
    /// The card's counters as this connection knows them.
    seen: Events,
    /// A reset by this connection itself, or of its idle transaction, that it is still to be told.
    reset_pending: bool,
    /// Transactions begun and not ended.
    depth: u32,
    /// When the open transaction was last used.
    used: Instant,
    ended: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Events {
    insertions: u32,
    resets: u32,
}

/// What a call does where another connection has a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// As the profile says.
    Profile,
    /// It waits in every profile.
    Wait,
}

impl Connection {
    /// Connects: `SCardConnect`.
    pub(crate) fn open(
        registry: &Registry,
        found: Found,
        share: ShareMode,
        protocols: u32,
    ) -> Result<Self, u32> {
        let card = found.store.open_card(&found.card).map_err(|error| {
            registry.readers.faults.note(&found.reader, Fault::of_store(&error));
            match error {
                StoreError::Card(fault) => code_of(&fault),
                _ => SCARD_E_READER_UNAVAILABLE,
            }
        })?;
        let equipment = registry.readers.furnished.of(&found.reader);
        let state = State {
            atr: equipment.atr(card.atr()),
            t0: equipment.t0.then(T0::default),
            card,
            share,
            protocol: SCARD_PROTOCOL_UNDEFINED,
            seen: Events::default(),
            reset_pending: false,
            depth: 0,
            used: Instant::now(),
            ended: false,
        };
        let trace = registry.log.connection(&found.reader);
        let (reader, name) = (found.reader, found.card);
        let connection = Self { reader, name, equipment, trace, state: Mutex::new(state) };
        connection.patiently(registry, Busy::Wait, |state| {
            state.claim(share)?;
            if registry.profile.connecting_waits {
                state.refuse_foreign_lease()?;
            }
            state.take_note()
        })?;
        let mut state = connection.lock();
        state.protocol = state.choose(share, protocols)?;
        drop(state);
        registry.readers.faults.connected(&connection.reader);
        Ok(connection)
    }

    pub(crate) fn protocol(&self) -> u32 {
        self.lock().protocol
    }

    /// `SCardReconnect`: what others did is acknowledged by it.
    pub(crate) fn reconnect(
        &self,
        registry: &Registry,
        share: ShareMode,
        protocols: u32,
        initialization: Disposition,
    ) -> Result<u32, u32> {
        self.patiently(registry, Busy::Profile, |state| {
            state.refuse_foreign_lease()?;
            if initialization != Disposition::Leave {
                state.dispose(initialization)?;
            }
            state.claim(share)?;
            if share != ShareMode::Direct || state.card.is_present()? {
                state.card.acknowledge()?;
            }
            state.share = share;
            state.reset_pending = false;
            state.take_note()
        })?;
        let mut state = self.lock();
        state.protocol = state.choose(share, protocols)?;
        Ok(state.protocol)
    }

    /// `SCardDisconnect`; an open transaction ends with it.
    pub(crate) fn disconnect(&self, registry: &Registry, how: Disposition) -> Result<(), u32> {
        let result = match how {
            Disposition::Leave => Ok(()),
            other => self.patiently(registry, Busy::Wait, |state| {
                state.refuse_foreign_lease()?;
                state.dispose(other)
            }),
        };
        self.abandon();
        // A card that is gone is disconnected all the same.
        result.or_else(|code| if code == SCARD_E_NO_SMARTCARD { Ok(()) } else { Err(code) })
    }

    /// Ends the connection and its transaction; the card stays as it is.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        if state.ended {
            return;
        }
        state.ended = true;
        state.give_lease_back();
        // A claim that cannot be given back ends with the connection.
        let _ = state.card.claim(Share::Observer);
    }

    /// `SCardBeginTransaction`.
    pub(crate) fn begin(&self, registry: &Registry) -> Result<(), u32> {
        self.patiently(registry, Busy::Wait, |state| {
            state.check_events(registry.profile.idle_limit)?;
            if state.depth == 0 && !state.card.try_begin()? {
                return Err(CardFault::Leased { card: self.name.clone() });
            }
            state.depth += 1;
            state.used = Instant::now();
            Ok(())
        })
    }

    /// `SCardEndTransaction`.
    pub(crate) fn end(&self, registry: &Registry, how: Disposition) -> Result<(), u32> {
        let result = self.end_quietly(registry, how);
        registry.events.notify();
        result
    }

    fn end_quietly(&self, registry: &Registry, how: Disposition) -> Result<(), u32> {
        let mut state = self.lock();
        if state.ended {
            return Err(SCARD_E_INVALID_HANDLE);
        }
        if let Err(fault) = state.check_events(registry.profile.idle_limit) {
            state.give_lease_back();
            return Err(self.failed(registry, &fault));
        }
        if state.depth == 0 {
            let leased = state.refuse_foreign_lease();
            return Err(leased.map_or_else(|fault| code_of(&fault), |()| SCARD_E_NOT_TRANSACTED));
        }
        let ended = state.end_transaction(how);
        if how != Disposition::Leave && registry.profile.own_reset_is_reported {
            state.reset_pending = true;
        }
        ended.map_err(|fault| self.failed(registry, &fault))
    }

    /// `SCardTransmit`.
    pub(crate) fn transmit(
        &self,
        registry: &Registry,
        protocol: u32,
        command: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, u32> {
        {
            let state = self.lock();
            if protocol != SCARD_PROTOCOL_RAW && protocol != state.protocol {
                return Err(SCARD_E_PROTO_MISMATCH);
            }
        }
        if !self.equipment.carries(command) {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        registry.log.exchange(&self.trace, command, || {
            self.patiently(registry, Busy::Profile, |state| {
                state.check_pending(registry.profile.idle_limit)?;
                state.used = Instant::now();
                state.exchange(command).map_err(|fault| match fault {
                    // It was there when this connection was made.
                    CardFault::NotPresent { card } if state.share != ShareMode::Direct => {
                        CardFault::Removed { card }
                    }
                    other => other,
                })
            })
        })
    }

    /// `SCardControl`: what the reader itself does.
    pub(crate) fn control(&self, registry: &Registry, code: DWORD, input: &[u8]) -> Result<Vec<u8>, u32> {
        let send = |command: &[u8]| self.transmit(registry, self.protocol(), command);
        let function = attributes::function(code, &self.equipment)?;
        match (function, &self.equipment.keypad) {
            (Function::Features, _) => Ok(attributes::features(&self.equipment)),
            (Function::TlvProperties, _) => Ok(attributes::properties(&self.equipment)),
            (Function::PinProperties, _) => Ok(attributes::PIN_PROPERTIES.to_vec()),
            (Function::VerifyPin, Some(keypad)) => keypad::verify(keypad, input, send),
            (Function::ModifyPin, Some(keypad)) => keypad::modify(keypad, input, send),
            (Function::VerifyPin | Function::ModifyPin, None) => Err(SCARD_E_UNSUPPORTED_FEATURE),
        }
    }

    /// `SCardStatus`: the status and the event counter.
    pub(crate) fn status(&self, registry: &Registry) -> Result<(CardStatus, u16), u32> {
        self.patiently(registry, Busy::Profile, |state| {
            state.refuse_foreign_lease()?;
            if state.share != ShareMode::Direct {
                state.check_events(registry.profile.idle_limit)?;
            }
            // Windows counts every call for a card as a use of its transaction.
            if state.depth > 0 && registry.profile.idle_limit.is_some() {
                state.used = Instant::now();
                state.card.use_lease()?;
            }
            let status = state.card.status()?;
            let (card_state, atr) = if status.present {
                (registry.profile.connected_state, state.atr.clone())
            } else {
                (SCARD_ABSENT, Vec::new())
            };
            let reader = self.reader.clone();
            let card_status = CardStatus { reader, state: card_state, protocol: state.protocol, atr };
            Ok((card_status, event_count(&status)))
        })
    }

    /// `SCardGetAttrib`.
    pub(crate) fn attribute(&self, registry: &Registry, id: u32) -> Result<Vec<u8>, u32> {
        let (status, _) = self.status(registry)?;
        let facts = Facts {
            reader: &self.reader,
            card: &self.name,
            atr: &status.atr,
            present: status.state != SCARD_ABSENT,
            protocol: status.protocol,
        };
        attributes::attribute(id, &facts)
    }

    /// Carries out an operation, again while another connection's transaction stands in its way.
    fn patiently<T>(
        &self,
        registry: &Registry,
        busy: Busy,
        mut operation: impl FnMut(&mut State) -> Result<T, CardFault>,
    ) -> Result<T, u32> {
        loop {
            let seen = registry.events.count();
            {
                let mut state = self.lock();
                if state.ended {
                    return Err(SCARD_E_INVALID_HANDLE);
                }
                match operation(&mut state) {
                    Ok(value) => {
                        registry.readers.faults.answered(&self.reader);
                        return Ok(value);
                    }
                    Err(CardFault::Leased { .. }) if busy == Busy::Wait || registry.profile.waits => {
                        if let Some(limit) = registry.profile.idle_limit {
                            state
                                .card
                                .break_idle_lease(limit)
                                .map_err(|fault| self.failed(registry, &fault))?;
                        }
                    }
                    Err(fault) => return Err(self.failed(registry, &fault)),
                }
            }
            registry.events.wait(seen, TRY_EVERY);
        }
    }

    /// The code of a fault, which is kept for whoever asks for more.
    fn failed(&self, registry: &Registry, fault: &CardFault) -> u32 {
        registry.readers.faults.note(&self.reader, Fault::of_card(fault));
        code_of(fault)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.abandon();
    }
}

impl State {
    /// Claims the card as the sharing mode says. A direct connection without a card claims nothing.
    fn claim(&mut self, share: ShareMode) -> Result<(), CardFault> {
        let wanted = match share {
            ShareMode::Exclusive => Share::Exclusive,
            ShareMode::Shared => Share::Shared,
            ShareMode::Direct if self.card.is_present()? => Share::Shared,
            ShareMode::Direct => return Ok(()),
        };
        self.card.claim(wanted)
    }

    /// One command, as the reader and the card speak with each other.
    fn exchange(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        let Self { card, t0, .. } = self;
        match t0 {
            Some(t0) => t0.transmit(command, |command| card.transmit(command)),
            None => card.transmit(command),
        }
    }

    /// Knows the card's counters from now on. Whatever the card held back is gone.
    fn take_note(&mut self) -> Result<(), CardFault> {
        self.t0 = self.t0.take().map(|_| T0::default());
        let status = self.card.status()?;
        self.seen = Events { insertions: status.insertions, resets: status.resets };
        Ok(())
    }

    /// Fails where the card was reset or taken out since this connection took note.
    fn check_events(&mut self, idle_limit: Option<Duration>) -> Result<(), CardFault> {
        self.check_pending(idle_limit)?;
        let status = self.card.status()?;
        let card = self.card.name().to_owned();
        if !status.present || status.insertions != self.seen.insertions {
            return Err(CardFault::Removed { card });
        }
        if status.resets != self.seen.resets {
            return Err(CardFault::WasReset { card });
        }
        Ok(())
    }

    /// Fails where this connection is still to be told of a reset, and breaks its own idle transaction.
    fn check_pending(&mut self, idle_limit: Option<Duration>) -> Result<(), CardFault> {
        if self.depth > 0 && idle_limit.is_some_and(|limit| self.used.elapsed() >= limit) {
            self.reset_pending = true;
            self.depth = 0;
            // The lease may have been broken by who waited for it.
            let _ = self.card.end(LeaseEnd::Reset);
        }
        if self.reset_pending {
            return Err(CardFault::WasReset { card: self.card.name().to_owned() });
        }
        Ok(())
    }

    /// Fails where another connection has a transaction.
    fn refuse_foreign_lease(&mut self) -> Result<(), CardFault> {
        match self.card.lease()? {
            Some(lease) if !lease.own => Err(CardFault::Leased { card: self.card.name().to_owned() }),
            _ => Ok(()),
        }
    }

    /// Ends one level of the transaction. The card itself knows one level only.
    fn end_transaction(&mut self, how: Disposition) -> Result<(), CardFault> {
        self.depth -= 1;
        self.used = Instant::now();
        if self.depth > 0 {
            return self.dispose(how);
        }
        self.card.end(match how {
            Disposition::Leave => LeaseEnd::Leave,
            Disposition::Reset => LeaseEnd::Reset,
            Disposition::Unpower => LeaseEnd::Unpower,
            Disposition::Eject => LeaseEnd::Eject,
        })?;
        if how == Disposition::Leave { Ok(()) } else { self.take_note() }
    }

    fn give_lease_back(&mut self) {
        if std::mem::take(&mut self.depth) > 0 {
            // A lease that is lost already need not be given back.
            let _ = self.card.end(LeaseEnd::Leave);
        }
    }

    fn dispose(&mut self, how: Disposition) -> Result<(), CardFault> {
        match how {
            Disposition::Leave => return Ok(()),
            Disposition::Reset => self.card.reset(Reset::Warm)?,
            Disposition::Unpower => self.card.reset(Reset::Cold)?,
            Disposition::Eject => self.card.eject()?,
        }
        self.take_note()
    }

    /// The protocol of a connection: the reader's own where it was asked for, else the card's.
    fn choose(&self, share: ShareMode, protocols: u32) -> Result<u32, u32> {
        if protocols & SCARD_PROTOCOL_RAW != 0 {
            return Ok(SCARD_PROTOCOL_RAW);
        }
        if share == ShareMode::Direct {
            return Ok(SCARD_PROTOCOL_UNDEFINED);
        }
        let offered = atr_protocols(&self.atr) & protocols;
        [SCARD_PROTOCOL_T1, SCARD_PROTOCOL_T0]
            .into_iter()
            .find(|protocol| offered & protocol != 0)
            .ok_or(SCARD_E_PROTO_MISMATCH)
    }
}

/// The protocols a card offers: the low halves of the interface bytes TDi, T=0 where there is none (ISO 7816-3
/// 8.2.3).
fn atr_protocols(atr: &[u8]) -> u32 {
    let mut protocols = 0;
    let mut position = 1;
    let mut presence = atr.get(1).copied().unwrap_or(0);
    while presence & 0x80 != 0 {
        position += (presence & 0xF0).count_ones() as usize;
        let Some(td) = atr.get(position).copied() else { break };
        protocols |= match td & 0x0F {
            0 => SCARD_PROTOCOL_T0,
            1 => SCARD_PROTOCOL_T1,
            _ => 0,
        };
        presence = td;
    }
    if protocols == 0 { SCARD_PROTOCOL_T0 } else { protocols }
}

/// The PC/SC code of a card's fault.
pub(crate) fn code_of(fault: &CardFault) -> u32 {
    match fault {
        CardFault::NotPresent { .. } => SCARD_E_NO_SMARTCARD,
        CardFault::Removed { .. } => SCARD_W_REMOVED_CARD,
        CardFault::WasReset { .. } => SCARD_W_RESET_CARD,
        CardFault::Leased { .. }
        | CardFault::Exclusive { .. }
        | CardFault::PluggedIn { .. }
        | CardFault::Busy { .. }
        | CardFault::Timeout { .. } => SCARD_E_SHARING_VIOLATION,
        CardFault::NoTransaction { .. } => SCARD_E_NOT_TRANSACTED,
        CardFault::Erased { .. } => SCARD_E_READER_UNAVAILABLE,
        _ => SCARD_F_COMM_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocols_are_read_from_the_atr() {
        assert_eq!(atr_protocols(&[0x3B, 0x00]), SCARD_PROTOCOL_T0);
        assert_eq!(atr_protocols(&[0x3B, 0x80, 0x01]), SCARD_PROTOCOL_T1);
        assert_eq!(atr_protocols(&[0x3B, 0x80, 0x80, 0x01]), SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1);
        assert_eq!(atr_protocols(&[0x3B, 0xF0, 0x11, 0, 0, 0x81, 0x31, 0x20, 0x45]), SCARD_PROTOCOL_T1);
        assert_eq!(atr_protocols(&[0x3B, 0xF0]), SCARD_PROTOCOL_T0, "cut off");
        assert_eq!(atr_protocols(&[]), SCARD_PROTOCOL_T0);
    }
}
