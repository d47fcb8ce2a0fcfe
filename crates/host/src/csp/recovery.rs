//! What a session does when its connection is no longer what it was: the card was reset by others, or the
//! resource manager dropped the handles.

use cardmod_pcsc::{Context as Pcsc, Disposition, PcscError, Protocols, ReaderState, ShareMode};
use cardmod_sys::{
    SCARD_E_INVALID_HANDLE, SCARD_E_NO_SERVICE, SCARD_E_NO_SMARTCARD, SCARD_E_NOT_TRANSACTED,
    SCARD_E_READER_UNAVAILABLE, SCARD_E_SERVICE_STOPPED, SCARD_E_SYSTEM_CANCELLED, SCARD_E_TIMEOUT,
    SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD,
};

use super::session::CardSession;
use crate::error::Error;

impl CardSession {
    /// Connects anew after somebody else reset the card. Nothing that was known holds: no right, no
    /// transaction; the cache is checked against the card again.
    pub(super) fn reconnect(&mut self) -> Result<(), Error> {
        self.transaction.begun = false;
        self.nobody_is_authenticated();
        self.cached.connection_lost();
        match self.card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave) {
            Ok(()) => self.same_card(),
            Err(error) if is_lost_handle(&error) => self.reestablish(),
            Err(error) => Err(Error::of_pcsc(&self.reader, error)),
        }
    }

    /// Makes new handles after the resource manager dropped the old ones. What happened to the card
    /// meanwhile nobody saw: its PINs are asked for anew.
    pub(super) fn reestablish(&mut self) -> Result<(), Error> {
        self.pin_cache.forget_reader(&self.reader);
        let failed = |error| Error::of_pcsc(&self.reader, error);
        let pcsc = Pcsc::establish(self.pcsc.provider()).map_err(failed)?;
        let card = pcsc.connect(&self.reader, ShareMode::Shared, Protocols::ANY).map_err(failed)?;
        self.card = card;
        self.pcsc = pcsc;
        self.transaction.begun = false;
        self.nobody_is_authenticated();
        self.cached.connection_lost();
        self.same_card()
    }

    /// The reader's counter of insertions and removals; `None` where it cannot be had.
    pub(super) fn insertion(&self) -> Option<u32> {
        let mut state = [ReaderState::unaware(&self.reader)];
        let [state] = match self.pcsc.status_change(Some(0), &mut state) {
            Err(error) if error.code != SCARD_E_TIMEOUT => return None,
            Ok(()) | Err(_) => state,
        };
        state.has_card().then_some(state.insertion())
    }

    /// After a reconnection: another kind of card is another card. One of the same kind shows by its
    /// identity, which the cache compares.
    fn same_card(&mut self) -> Result<(), Error> {
        let status = self.card.status().map_err(|error| Error::of_pcsc(&self.reader, error))?;
        if status.atr == self.atr { Ok(()) } else { Err(self.card_is_gone()) }
    }
}

/// The resource manager dropped the handles: a service restart, a change of desktop.
pub(super) fn is_lost_handle(error: &PcscError) -> bool {
    matches!(
        error.code,
        SCARD_E_INVALID_HANDLE
            | SCARD_E_NO_SERVICE
            | SCARD_E_SERVICE_STOPPED
            | SCARD_E_SYSTEM_CANCELLED
            | SCARD_E_READER_UNAVAILABLE
    )
}

/// The transaction, and every right with it, ended without us.
pub(super) fn ended_by_itself(error: &PcscError) -> bool {
    is_lost_handle(error)
        || matches!(
            error.code,
            SCARD_W_RESET_CARD | SCARD_W_REMOVED_CARD | SCARD_E_NO_SMARTCARD | SCARD_E_NOT_TRANSACTED
        )
}
