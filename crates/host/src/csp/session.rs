//! One card, opened: its connection, its transactions, its module's context.

use std::ops::{Deref, DerefMut};

use cardmod_heap::Ledger;
use cardmod_pcsc::{Card, Context as Pcsc, Disposition, PcscError, Protocols, ReaderState, ShareMode};
use cardmod_sys::{
    SCARD_E_INVALID_HANDLE, SCARD_E_NO_SERVICE, SCARD_E_NO_SMARTCARD, SCARD_E_NOT_TRANSACTED,
    SCARD_E_READER_UNAVAILABLE, SCARD_E_SERVICE_STOPPED, SCARD_E_SYSTEM_CANCELLED, SCARD_E_TIMEOUT,
    SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD,
};
use cardmod_types::{PinId, PinSet};

use super::cache::Cached;
use super::pin_cache::PinCache;
use crate::error::Error;
use crate::host::OpenOptions;
use crate::module::{Connection, Context, LoadError, Module};

/// A card, opened with a card module.
///
/// Every method is one operation: it begins a transaction, authenticates where it must, works,
/// takes the rights away again and ends the transaction. [`hold`](Self::hold) keeps one transaction
/// over several operations, so that the second signature costs one command and no PIN.
///
/// A reset of the card by others is survived; a removal ends the session, and whoever inserts the card
/// again opens another.
///
/// It is `Send`, not shared: one session is one thread's at a time. Several sessions, also on one
/// card, are independent.
pub struct CardSession {
    // The module's context goes first when the session is dropped: it may still want the connection.
    pub(super) module: Context,
    card: Card,
    pcsc: Pcsc,
    pub(super) reader: String,
    pub(super) options: OpenOptions,
    pub(super) atr: Vec<u8>,
    pub(super) cached: Cached,
    /// A transaction runs.
    begun: bool,
    /// The caller keeps the transaction over several operations.
    held: bool,
    /// The number of the transaction, never 0. Another number is another transaction.
    serial: u32,
    /// The module takes the number (see `Context::announce_transaction`); unknown until tried.
    announces: bool,
    /// The roles this session authenticated in the running transaction.
    pub(super) authenticated: PinSet,
    /// The roles the card may take for authenticated although this session does not: they are
    /// deauthenticated with the others.
    pub(super) doubtful: PinSet,
    /// Another card was found where this session's was. That never changes again.
    gone: bool,
    /// The tries left of each role, as last told.
    pub(super) tries: [Option<u32>; 8],
    /// Whether each role's PIN is turned into a session PIN; unknown until asked.
    pub(super) session_pins: [Option<bool>; 8],
    /// The host's kept PINs.
    pub(super) pin_cache: PinCache,
}

impl CardSession {
    pub(crate) fn open(
        reader: &str,
        pcsc: Pcsc,
        card: Card,
        module: &Module,
        options: OpenOptions,
        pin_cache: PinCache,
    ) -> Result<Self, Error> {
        begin_again(&card, reader)?;
        let acquired = acquire(reader, &pcsc, &card, module, &options);
        let (module, atr) = match acquired {
            Ok(acquired) => acquired,
            Err(error) => {
                end_quietly(&card);
                return Err(error);
            }
        };
        end_quietly(&card);
        Ok(Self {
            module,
            card,
            pcsc,
            reader: reader.to_owned(),
            options,
            atr,
            cached: Cached::default(),
            begun: false,
            held: false,
            serial: 0,
            announces: true,
            authenticated: PinSet::NONE,
            doubtful: PinSet::NONE,
            gone: false,
            tries: [None; 8],
            session_pins: [None; 8],
            pin_cache,
        })
    }

    /// The reader the card is in.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// The name the card was opened under.
    #[must_use]
    pub fn card_name(&self) -> &str {
        &self.options.card_name
    }

    /// The card's answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// The version of the interface agreed on with the module (4 to 7).
    #[must_use]
    pub fn interface_version(&self) -> u32 {
        self.module.version()
    }

    /// The account of the memory lent to the module.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.module.ledger()
    }

    /// Keeps one transaction over several operations, which are called through the guard. Whoever
    /// was authenticated stays so until the guard is dropped; other programs wait that long.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Pcsc`].
    pub fn hold(&mut self) -> Result<Held<'_>, Error> {
        self.begin()?;
        self.held = true;
        Ok(Held { session: self })
    }

    /// Ends the session: takes rights away, deletes the module's context, leaves the card. Answers
    /// the account of the memory lent, in which a clean module leaves no live block.
    ///
    /// # Errors
    /// The module's, or PC/SC's. The session is over in any case.
    pub fn close(mut self) -> Result<Ledger, Error> {
        self.held = false;
        let finished = self.suspend();
        let deleted = self.module.delete();
        let ledger = deleted.map_err(|error| Error::of_call(&self.reader, "end its context", error))?;
        finished.map(|()| ledger)
    }

    /// Begins the transaction of an operation, unless one is held.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if self.gone {
            return Err(Error::Removed { reader: self.reader.clone() });
        }
        if self.begun {
            return Ok(());
        }
        match self.card.begin_transaction() {
            Ok(()) => {}
            Err(error) if error.code == SCARD_W_RESET_CARD => {
                self.reconnect()?;
                self.card.begin_transaction().map_err(|error| Error::of_pcsc(&self.reader, error))?;
            }
            Err(error) if is_lost_handle(&error) => {
                self.reestablish()?;
                self.card.begin_transaction().map_err(|error| Error::of_pcsc(&self.reader, error))?;
            }
            Err(error) => return Err(Error::of_pcsc(&self.reader, error)),
        }
        self.begun = true;
        self.nobody_is_authenticated();
        self.cached.new_transaction();
        self.module.set_handles(self.pcsc.raw(), self.card.raw());
        self.announce();
        Ok(())
    }

    /// Tells the module the number of the new transaction, until it once refuses.
    fn announce(&mut self) {
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        if !self.announces {
            return;
        }
        if let Err(error) = self.module.announce_transaction(self.serial) {
            // Another failure is the card's, and shows in the operation that follows.
            self.announces = !error.is_unknown_property();
        }
    }

    /// Ends an operation: its rights and its transaction, unless the transaction is held.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        if self.held { Ok(()) } else { self.suspend() }
    }

    /// Takes every right away and ends the transaction, held or not. Where the module cannot take
    /// the rights away, the card is reset.
    pub(super) fn suspend(&mut self) -> Result<(), Error> {
        if !core::mem::take(&mut self.begun) {
            return Ok(());
        }
        let disposition = self.drop_rights();
        match self.card.end_transaction(disposition) {
            Ok(()) => Ok(()),
            // The card lost every right by itself, and the next operation will notice.
            Err(error) if ended_by_itself(&error) => Ok(()),
            Err(error) => Err(Error::of_pcsc(&self.reader, error)),
        }
    }

    /// Takes the rights of every authenticated role away; answers how the transaction must end.
    fn drop_rights(&mut self) -> Disposition {
        let roles = self.authenticated.union(self.doubtful);
        self.nobody_is_authenticated();
        if roles.is_empty() {
            return Disposition::Leave;
        }
        match self.module.deauthenticate_roles(roles) {
            Ok(()) => Disposition::Leave,
            Err(error) => {
                tracing::debug!(%error, reader = self.reader, "the card is reset to take rights away");
                Disposition::Reset
            }
        }
    }

    /// Takes every right away, now; a held transaction goes on.
    ///
    /// # Errors
    /// [`Error::Pcsc`].
    pub fn deauthenticate(&mut self) -> Result<(), Error> {
        if !self.begun {
            return Ok(());
        }
        if self.drop_rights() == Disposition::Leave {
            return Ok(());
        }
        self.begun = false;
        let ended = self.card.end_transaction(Disposition::Reset);
        ended.map_err(|error| Error::of_pcsc(&self.reader, error))?;
        if self.held { self.begin() } else { Ok(()) }
    }

    /// A new transaction, or another connection: the card knows of no right of this session.
    fn nobody_is_authenticated(&mut self) {
        self.authenticated = PinSet::NONE;
        self.doubtful = PinSet::NONE;
    }

    /// Counts on a role's rights no longer. Whether the card still grants them is not known, so they are
    /// taken away at the end.
    pub(super) fn doubt(&mut self, role: PinId) {
        self.authenticated.remove(role);
        self.doubtful.insert(role);
    }

    /// Another card is in the reader: the session is over.
    pub(super) fn card_is_gone(&mut self) -> Error {
        self.gone = true;
        self.pin_cache.forget_reader(&self.reader);
        Error::Removed { reader: self.reader.clone() }
    }

    /// Forgets one role's rights, after the card took them or they were used up.
    pub(super) fn drop_role(&mut self, role: PinId) -> Result<(), Error> {
        if !self.authenticated.contains(role) {
            return Ok(());
        }
        match self.module.deauthenticate_roles(PinSet::only(role)) {
            Ok(()) => {
                self.authenticated.remove(role);
                Ok(())
            }
            Err(_) => self.deauthenticate(),
        }
    }

    /// Connects anew after somebody else reset the card. Nothing that was known holds: no right, no
    /// transaction; the cache is checked against the card again.
    pub(super) fn reconnect(&mut self) -> Result<(), Error> {
        self.begun = false;
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
    fn reestablish(&mut self) -> Result<(), Error> {
        self.pin_cache.forget_reader(&self.reader);
        let failed = |error| Error::of_pcsc(&self.reader, error);
        let pcsc = Pcsc::establish(self.pcsc.provider()).map_err(failed)?;
        let card = pcsc.connect(&self.reader, ShareMode::Shared, Protocols::ANY).map_err(failed)?;
        self.card = card;
        self.pcsc = pcsc;
        self.begun = false;
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

impl Drop for CardSession {
    fn drop(&mut self) {
        if let Err(error) = self.suspend() {
            tracing::warn!(%error, "a card's transaction was not ended cleanly");
        }
    }
}

/// A session whose transaction is kept; see [`CardSession::hold`].
pub struct Held<'a> {
    session: &'a mut CardSession,
}

impl Deref for Held<'_> {
    type Target = CardSession;

    fn deref(&self) -> &CardSession {
        self.session
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut CardSession {
        self.session
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.session.held = false;
        if let Err(error) = self.session.suspend() {
            tracing::warn!(%error, "a held transaction was not ended cleanly");
        }
    }
}

/// Acquires the module's context within a transaction; answers the card's ATR with it.
fn acquire(
    reader: &str,
    pcsc: &Pcsc,
    card: &Card,
    module: &Module,
    options: &OpenOptions,
) -> Result<(Context, Vec<u8>), Error> {
    let atr = card.status().map_err(|error| Error::of_pcsc(reader, error))?.atr;
    let connection =
        Connection { context: pcsc.raw(), card: card.raw(), atr: &atr, card_name: &options.card_name };
    let context =
        module.acquire(&connection, options.max_version, options.heap).map_err(|error| match error {
            LoadError::Refused { code: SCARD_W_REMOVED_CARD | SCARD_E_NO_SMARTCARD, .. } => {
                Error::Removed { reader: reader.to_owned() }
            }
            LoadError::Refused { code: SCARD_W_RESET_CARD, .. } => Error::Reset { reader: reader.to_owned() },
            error => Error::ModuleLoad(error),
        })?;
    Ok((context, atr))
}

/// Begins a transaction on a card nobody knows anything of yet: a reset by others means nothing.
fn begin_again(card: &Card, reader: &str) -> Result<(), Error> {
    let failed = |error| Error::of_pcsc(reader, error);
    match card.begin_transaction() {
        Err(error) if error.code == SCARD_W_RESET_CARD => {
            card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).map_err(failed)?;
            card.begin_transaction().map_err(failed)
        }
        begun => begun.map_err(failed),
    }
}

/// Ends a transaction in which nobody was authenticated; if that fails, the next one tells.
fn end_quietly(card: &Card) {
    if let Err(error) = card.end_transaction(Disposition::Leave) {
        tracing::debug!(%error, "a transaction was not ended cleanly");
    }
}

/// The resource manager dropped the handles: a service restart, a change of desktop.
fn is_lost_handle(error: &PcscError) -> bool {
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
fn ended_by_itself(error: &PcscError) -> bool {
    is_lost_handle(error)
        || matches!(
            error.code,
            SCARD_W_RESET_CARD | SCARD_W_REMOVED_CARD | SCARD_E_NO_SMARTCARD | SCARD_E_NOT_TRANSACTED
        )
}

#[cfg(test)]
mod tests {
    use super::CardSession;

    #[test]
    fn a_session_may_go_to_another_thread() {
        fn is_send<T: Send>(_: Option<T>) -> bool {
            true
        }
        assert!(is_send(None::<CardSession>));
    }
}
