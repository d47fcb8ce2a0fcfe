//! The transaction of a session: when it begins, how long it goes on, and that nobody stays authenticated
//! when it ends.
//!
//! | State | Begun by | While it lasts | Ends |
//! |---|---|---|---|
//! | idle | – | no transaction, nobody authenticated; other programs use the card | with an operation |
//! | running | an operation | nobody waits for time | with the operation: lingering in a [`Card`](super::Card), held in a hold, else idle |
//! | lingering | the end of an operation of a `Card` | whoever was authenticated stays so; other programs wait | with the next operation, or idle after [`OpenOptions::transaction_hold`](crate::OpenOptions::transaction_hold) |
//! | held | [`CardSession::hold`], [`Card::hold`](super::Card::hold) | the same | with the guard; after [`HOLD_LIMIT`] without an operation it is idle, and the next operation begins another |
//!
//! Every way to idle is [`CardSession::suspend`]: every role is deauthenticated, or the card is reset. Time
//! is looked at in two places: by the host's timer, which ends what nobody uses, and at the beginning of each
//! operation, so that one that comes before a late timer finds the same.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use cardmod_pcsc::Disposition;
use cardmod_types::{PinId, PinSet};

use super::recovery::ended_by_itself;
use super::session::CardSession;
use crate::error::{Error, Fault};

/// The longest a transaction idles. Windows resets a card after five seconds (SCardBeginTransaction, from
/// Windows 8); before that the rights are taken away in good order.
pub const HOLD_LIMIT: Duration = Duration::from_secs(4);

/// The transaction of a session.
pub(super) struct Transaction {
    /// It runs.
    pub(super) begun: bool,
    /// The callers who keep it over several operations.
    holds: u32,
    /// How long it goes on after an operation although nobody holds it; zero: not at all.
    linger: Duration,
    /// The end of the last operation in it.
    used: Instant,
    /// Its number, never 0. Another number is another transaction.
    serial: u32,
    /// The module takes the number (see `Context::announce_transaction`); unknown until tried.
    announces: bool,
}

impl Transaction {
    pub(super) fn new(now: Instant) -> Self {
        Self { begun: false, holds: 0, linger: Duration::ZERO, used: now, serial: 0, announces: true }
    }

    /// From now on it goes on after each operation.
    pub(super) fn linger(&mut self, time: Duration) {
        self.linger = time.min(HOLD_LIMIT);
    }

    /// Another context of the module knows no number, and may take it.
    pub(super) fn new_context(&mut self) {
        self.announces = true;
    }

    /// Nobody holds it any more.
    pub(super) fn forget_holds(&mut self) {
        self.holds = 0;
        self.linger = Duration::ZERO;
    }

    /// When it ends, unless it is used before; `None` where there is none.
    fn ends(&self) -> Option<Instant> {
        let idle = if self.holds > 0 { HOLD_LIMIT } else { self.linger };
        self.begun.then(|| self.used + idle)
    }
}

impl CardSession {
    /// Keeps one transaction over several operations, which are called through the guard. Whoever
    /// was authenticated stays so until the guard is dropped; other programs wait that long.
    ///
    /// A hold without an operation for [`HOLD_LIMIT`] loses its transaction and every right: the next
    /// operation begins anew. Who cannot be sure to be that fast shares the session
    /// ([`share`](Self::share)) and holds the [`Card`](super::Card), so that other programs get the card as
    /// soon as the time is up.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Pcsc`].
    pub fn hold(&mut self) -> Result<Held<'_>, Error> {
        self.begin_hold()?;
        Ok(Held { session: self })
    }

    pub(super) fn begin_hold(&mut self) -> Result<(), Error> {
        self.begin()?;
        self.transaction.holds += 1;
        Ok(())
    }

    /// A hold ends, and with the last one the transaction.
    pub(super) fn end_hold(&mut self) {
        self.transaction.holds = self.transaction.holds.saturating_sub(1);
        if self.transaction.holds == 0 {
            self.suspend_quietly();
        }
    }

    /// Begins the transaction of an operation, unless one goes on.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        self.check_open()?;
        self.end_if_due(self.clock.now());
        if self.transaction.begun {
            return Ok(());
        }
        self.begin_transaction()?;
        self.transaction.begun = true;
        self.transaction.used = self.clock.now();
        self.nobody_is_authenticated();
        self.cached.new_transaction();
        self.module.set_handles(self.pcsc.raw(), self.card.raw());
        self.announce();
        Ok(())
    }

    /// Tells the module the number of the new transaction, until it once refuses.
    fn announce(&mut self) {
        let transaction = &mut self.transaction;
        transaction.serial = transaction.serial.checked_add(1).unwrap_or(1);
        if !transaction.announces {
            return;
        }
        if let Err(error) = self.module.announce_transaction(transaction.serial) {
            // Another failure is the card's, and shows in the operation that follows.
            transaction.announces = !error.is_unknown_property();
        }
    }

    /// Ends an operation. Its transaction and its rights end with it, unless they go on for a while.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let now = self.clock.now();
        self.transaction.used = now;
        if self.transaction.ends().is_some_and(|end| end <= now) { self.suspend() } else { Ok(()) }
    }

    /// When the transaction is to be ended if nobody uses it before; `None` where there is none.
    pub(super) fn ends(&self) -> Option<Instant> {
        self.transaction.ends()
    }

    /// Ends a transaction that nobody used for too long.
    pub(super) fn end_if_due(&mut self, now: Instant) {
        if self.transaction.ends().is_some_and(|end| end <= now) {
            self.suspend_quietly();
        }
    }

    /// As [`suspend`](Self::suspend), where there is nobody to tell.
    pub(super) fn suspend_quietly(&mut self) {
        if let Err(error) = self.suspend() {
            tracing::warn!(%error, reader = self.reader, "a card's transaction was not ended cleanly");
        }
    }

    /// Takes every right away and ends the transaction, held or not. Where the module cannot take
    /// the rights away, the card is reset; where that cannot be done either, it is owed.
    pub(super) fn suspend(&mut self) -> Result<(), Error> {
        if !core::mem::take(&mut self.transaction.begun) {
            return Ok(());
        }
        let disposition = self.drop_rights();
        match disposition {
            Disposition::Leave => self.store_public(),
            _ => self.store_hints(),
        }
        self.end_transaction(disposition)
    }

    /// Ends the transaction, which is taken for over from here on. Where a reset was to take rights away and
    /// cannot be had, it is owed.
    fn end_transaction(&mut self, disposition: Disposition) -> Result<(), Error> {
        self.transaction.begun = false;
        let Err(error) = self.card.end_transaction(disposition) else { return Ok(()) };
        // A reset and a removal have taken every right already.
        let lost = matches!(Fault::of_code(error.code), Some(Fault::Reset | Fault::Removal));
        self.owes_reset |= disposition == Disposition::Reset && !lost;
        if ended_by_itself(&error) && !self.owes_reset {
            // The next operation notices what became of the connection.
            return Ok(());
        }
        // With new handles it is over for certain, and what is owed is paid.
        self.recover(Fault::Service)
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

    /// Takes every right away, now. A held or lingering transaction goes on; where it took a reset, a held one
    /// is followed by another.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Pcsc`].
    pub fn deauthenticate(&mut self) -> Result<(), Error> {
        if !self.transaction.begun {
            return Ok(());
        }
        if self.drop_rights() == Disposition::Leave {
            return Ok(());
        }
        self.end_transaction(Disposition::Reset)?;
        if self.transaction.holds > 0 { self.begin() } else { Ok(()) }
    }

    /// A new transaction, or another connection: the card knows of no right of this session.
    pub(super) fn nobody_is_authenticated(&mut self) {
        self.authenticated = PinSet::NONE;
        self.doubtful = PinSet::NONE;
    }

    /// Counts on a role's rights no longer. Whether the card still grants them is not known, so they are
    /// taken away at the end.
    pub(super) fn doubt(&mut self, role: PinId) {
        self.authenticated.remove(role);
        self.doubtful.insert(role);
    }

    /// A role's rights are gone. Other roles may have had theirs by the same PIN: of those the card does not
    /// confirm, nothing is believed.
    fn lose_shared_rights(&mut self) {
        if self.authenticated.is_empty() {
            return;
        }
        if let Ok(Some(confirmed)) = self.module.authenticated() {
            self.authenticated = self.authenticated.difference(self.authenticated.difference(confirmed));
        }
    }

    /// Forgets one role's rights, after the card took them or they were used up.
    pub(super) fn drop_role(&mut self, role: PinId) -> Result<(), Error> {
        if !self.authenticated.contains(role) {
            return Ok(());
        }
        match self.module.deauthenticate_roles(PinSet::only(role)) {
            Ok(()) => {
                self.authenticated.remove(role);
                self.lose_shared_rights();
                Ok(())
            }
            Err(_) => self.deauthenticate(),
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
        self.session.end_hold();
    }
}
