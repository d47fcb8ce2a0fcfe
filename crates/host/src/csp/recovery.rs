//! What a session does when its connection is no longer what it was.
//!
//! | Fault | Seen as | The session |
//! |---|---|---|
//! | reset by others | `SCARD_W_RESET_CARD` | connects again; nobody is authenticated, what is cached is compared with the counters |
//! | card taken out | `SCARD_W_REMOVED_CARD`, `SCARD_E_NO_SMARTCARD` | deletes the module's context; as soon as the same card (ATR and identity) is back, acquires another and goes on; another card, and a session that had not looked at its card's identity yet, stay [`Error::Removed`] |
//! | handles dropped | `SCARD_E_INVALID_HANDLE`, `SCARD_E_SERVICE_STOPPED`, `SCARD_E_SYSTEM_CANCELLED`, … | makes new ones; the module is told before its next call |
//! | command or answer lost | `SCARD_F_COMM_ERROR`, … | resets the card |
//!
//! In each case every right is gone before anything else happens: taken away, or by a reset. Where even that
//! failed, the reset is owed, and paid with the next connection. Whether the operation is then begun again is
//! `operation`'s to say.
//!
//! All of this happens outside of a transaction, so another program's may stand in the way of each call: none
//! waits longer than the options say.

use cardmod_pcsc::{Context as Pcsc, Disposition, PcscError, ReaderState};
use cardmod_sys as sys;

use super::session::{self, CardSession};
use crate::error::{Error, Fault};

/// How often a transaction is begun before it is given up: what is found on the way, one after the other,
/// may be lost handles, a removal, and a reset.
const MOST_BEGINNINGS: usize = 4;

impl CardSession {
    /// Begins a transaction on the session's card, wherever its connection is by now.
    pub(super) fn begin_transaction(&mut self) -> Result<(), Error> {
        let mut last = None;
        for _ in 0..MOST_BEGINNINGS {
            if self.detached {
                self.attach()?;
            }
            let begun = session::begin_patiently(&self.card, &self.reader, &self.options);
            let Err(error) = begun else { return Ok(()) };
            let Some(fault) = Fault::of_code(error.code) else {
                return Err(Error::of_pcsc(&self.reader, error));
            };
            last = Some(Error::of_pcsc(&self.reader, error));
            self.recover(fault)?;
        }
        Err(last.unwrap_or_else(|| Error::Reset { reader: self.reader.clone() }))
    }

    /// Gets over a fault, as far as this is possible without an operation: new handles, another context.
    pub(super) fn recover(&mut self, fault: Fault) -> Result<(), Error> {
        self.forget_connection();
        match fault {
            Fault::Reset => self.reconnect(Disposition::Leave),
            Fault::Communication => self.reconnect(Disposition::Reset),
            Fault::Service => self.reestablish(),
            Fault::Removal => {
                self.detach();
                self.attach()
            }
        }
    }

    /// Nothing that was known of the connection holds: no transaction, no right. The cache is compared with
    /// the card again.
    fn forget_connection(&mut self) {
        self.transaction.begun = false;
        self.nobody_is_authenticated();
        self.cached.connection_lost();
    }

    /// Connects anew on the same handle.
    fn reconnect(&mut self, first: Disposition) -> Result<(), Error> {
        let first = if core::mem::take(&mut self.owes_reset) { Disposition::Reset } else { first };
        let reconnected = session::reconnect_patiently(&self.card, &self.reader, &self.options, first);
        let Err(error) = reconnected else { return self.same_kind() };
        self.owes_reset |= first == Disposition::Reset;
        match Fault::of_code(error.code) {
            Some(Fault::Service) => self.reestablish(),
            Some(Fault::Removal) => {
                self.detach();
                self.attach()
            }
            _ => Err(Error::of_pcsc(&self.reader, error)),
        }
    }

    /// Makes new handles after the resource manager dropped the old ones. What happened to the card
    /// meanwhile nobody saw: its PINs are asked for anew.
    fn reestablish(&mut self) -> Result<(), Error> {
        self.pin_cache.forget_reader(&self.reader);
        self.disconnect();
        let failed = |error| Error::of_pcsc(&self.reader, error);
        self.pcsc = Pcsc::establish(self.pcsc.provider()).map_err(failed)?;
        if !self.cached.knows_card() {
            // Whether it is the card that was opened, nothing could tell.
            self.detach();
            return Err(Error::Removed { reader: self.reader.clone() });
        }
        match session::connect_patiently(&self.pcsc, &self.reader, &self.options) {
            Ok(card) => self.card = card,
            Err(error) if Fault::of_code(error.code) == Some(Fault::Removal) => {
                self.detach();
                return Err(Error::Removed { reader: self.reader.clone() });
            }
            Err(error) => return Err(Error::of_pcsc(&self.reader, error)),
        }
        if self.owes_reset {
            return self.reconnect(Disposition::Reset);
        }
        self.same_kind()
    }

    /// Gives the old handle back, if the resource manager still knows it: a transaction that runs on it would
    /// keep the new one out.
    fn disconnect(&self) {
        if let Err(error) = self.card.end(Disposition::Leave) {
            tracing::debug!(%error, reader = self.reader, "the old handle is gone already");
        }
    }

    /// The card is out of the reader: it has lost every right, and the module's context ends with it
    /// (specification 7.07, section 4.2: an authentication ends with the power).
    fn detach(&mut self) {
        self.detached = true;
        self.owes_reset = false;
        self.drop_touched();
        self.forget_connection();
        self.pin_cache.forget_reader(&self.reader);
        match self.module.delete() {
            Ok(ledger) if ledger.live_blocks > 0 => {
                tracing::warn!(
                    blocks = ledger.live_blocks,
                    "the module of a removed card left memory behind"
                );
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the context of a removed card was not ended cleanly"),
        }
    }

    /// Takes the card in the reader for the session's own, if it is: same answer to reset, same identity.
    /// Nothing is shown to another card but the questions who it is.
    fn attach(&mut self) -> Result<(), Error> {
        let removed = || Error::Removed { reader: self.reader.clone() };
        if !self.cached.knows_card() {
            return Err(removed());
        }
        self.disconnect();
        let card = session::connect_patiently(&self.pcsc, &self.reader, &self.options);
        let card = match card.map_err(|error| (Fault::of_code(error.code), error)) {
            Ok(card) => card,
            Err((Some(Fault::Removal), _)) => return Err(removed()),
            Err((Some(Fault::Service), _)) => {
                let failed = |error| Error::of_pcsc(&self.reader, error);
                self.pcsc = Pcsc::establish(self.pcsc.provider()).map_err(failed)?;
                session::connect_patiently(&self.pcsc, &self.reader, &self.options).map_err(failed)?
            }
            Err((_, error)) => return Err(Error::of_pcsc(&self.reader, error)),
        };
        let status = session::status_patiently(&card, &self.reader, &self.options);
        let status = status.map_err(|error| Error::of_pcsc(&self.reader, error))?;
        if status.atr != self.atr {
            return Err(removed());
        }
        session::begin_again(&card, &self.reader, &self.options)?;
        let opened = self.cached.opened_second();
        let acquired =
            session::acquire_again(&self.reader, &self.pcsc, &card, &self.loaded, &self.options, opened);
        let known = acquired.and_then(|(mut module, _)| {
            let id = module.card_id();
            let id = id.map_err(|error| Error::of_call(&self.reader, "tell its identity", error))?;
            Ok(self.cached.is_card(id).then_some(module))
        });
        session::end_quietly(&card);
        let Some(module) = known? else { return Err(removed()) };
        self.module = module;
        self.card = card;
        self.transaction.new_context();
        self.detached = false;
        Ok(())
    }

    /// Another card answers where this session's was: as if it had been taken out.
    pub(super) fn another_card(&mut self) -> Error {
        self.suspend_quietly();
        self.detach();
        Error::Removed { reader: self.reader.clone() }
    }

    /// The reader's counter of insertions and removals; `None` where it cannot be had.
    pub(super) fn insertion(&self) -> Option<u32> {
        let mut state = [ReaderState::unaware(&self.reader)];
        let [state] = match self.pcsc.status_change(Some(0), &mut state) {
            Err(error) if error.code != sys::SCARD_E_TIMEOUT => return None,
            Ok(()) | Err(_) => state,
        };
        state.has_card().then_some(state.insertion())
    }

    /// After a reconnection: another kind of card is another card. One of the same kind shows by its
    /// identity, which the cache compares.
    fn same_kind(&mut self) -> Result<(), Error> {
        let status = session::status_patiently(&self.card, &self.reader, &self.options);
        let status = status.map_err(|error| Error::of_pcsc(&self.reader, error))?;
        if status.atr == self.atr { Ok(()) } else { Err(self.another_card()) }
    }
}

/// The transaction ended without us.
pub(super) fn ended_by_itself(error: &PcscError) -> bool {
    Fault::of_code(error.code).is_some_and(|fault| fault != Fault::Communication)
        || error.code == sys::SCARD_E_NOT_TRANSACTED
}
