//! A card that several parts of a program use: one session behind a lock, whose transaction goes on for a
//! while after each operation.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Instant;

use cardmod_heap::Ledger;

use super::session::CardSession;
use super::timer::{Due, Timer, TimerId};
use crate::error::Error;

/// A card shared by the threads of a program. Clones are the same card.
///
/// Operations are those of [`CardSession`], called through [`lock`](Self::lock). After one, the transaction
/// goes on for [`OpenOptions::transaction_hold`](crate::OpenOptions::transaction_hold): whoever was
/// authenticated stays so, and the next signature is one command to the card. Other programs wait meanwhile.
/// Then the host takes the rights away and ends it. So it does at once when the last clone is dropped, the
/// card is closed, or the host is dropped.
///
/// ```no_run
/// # fn sign(host: &cardmod_host::Host, module: &cardmod_host::ModuleSource) -> Result<(), cardmod_host::Error> {
/// use cardmod_host::{Card, OpenOptions};
///
/// let card: Card = host.open_card("a reader", module, OpenOptions::default())?;
/// let other = card.clone();
/// std::thread::spawn(move || other.lock().containers());
/// let containers = card.lock().containers()?;
/// card.close()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Card {
    owner: Arc<Owner>,
}

/// What all clones own together. The timer knows the slot, never its owner: so the timer, which waits for its
/// thread, is not dropped on that thread.
struct Owner {
    slot: Arc<Slot>,
    timer: Arc<Timer>,
    id: TimerId,
}

struct Slot {
    session: Mutex<CardSession>,
}

impl CardSession {
    /// Makes a card of this session that several parts of a program use.
    #[must_use]
    pub fn share(mut self) -> Card {
        self.transaction.linger(self.options.transaction_hold);
        let timer = Arc::clone(&self.timer);
        let id = timer.new_id();
        Card { owner: Arc::new(Owner { slot: Arc::new(Slot { session: Mutex::new(self) }), timer, id }) }
    }
}

impl Card {
    /// The session, for this thread alone until the guard is dropped. Keep it for an operation or a few that
    /// belong together: other threads wait, and the transaction's time is not up before it is dropped.
    ///
    /// A [`PinSource`](crate::PinSource) is asked while its caller has the guard, so it must not lock the
    /// same card.
    #[must_use]
    pub fn lock(&self) -> CardGuard<'_> {
        CardGuard { session: self.owner.slot.lock(), settling: Settling { owner: &self.owner, ends: None } }
    }

    /// Keeps one transaction over several operations of this and other threads, until the hold is dropped:
    /// the guards in between may come and go. What [`CardSession::hold`] says of time holds here, and the
    /// host's timer sees to it.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Pcsc`], [`Error::Closed`].
    pub fn hold(&self) -> Result<CardHold, Error> {
        self.lock().begin_hold()?;
        Ok(CardHold { card: self.clone() })
    }

    /// Ends the session for all clones: takes rights away, ends the transaction, deletes the module's
    /// context. Answers the account of the memory lent, in which a clean module leaves no live block. Later
    /// operations of other clones fail with [`Error::Closed`].
    ///
    /// # Errors
    /// The module's, or PC/SC's; [`Error::Closed`] where another clone was faster. The session is over in
    /// any case.
    pub fn close(self) -> Result<Ledger, Error> {
        self.owner.slot.lock().end()
    }
}

impl Slot {
    /// After a panic in an operation the session is as it was when its guard was dropped: suspended.
    fn lock(&self) -> MutexGuard<'_, CardSession> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session, unless somebody uses it.
    fn try_lock(&self) -> Option<MutexGuard<'_, CardSession>> {
        match self.session.try_lock() {
            Ok(session) => Some(session),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Due for Slot {
    fn due(&self, now: Instant) -> Option<Instant> {
        let mut session = self.try_lock()?;
        session.end_if_due(now);
        session.ends()
    }

    fn now_or_never(&self) {
        if let Some(mut session) = self.try_lock() {
            session.suspend_quietly();
        }
    }
}

impl Owner {
    /// A guard was dropped: has the transaction it left ended in time.
    fn settle(&self, ends: Instant) {
        let due = Arc::downgrade(&self.slot);
        if let Err(error) = self.timer.set(self.id, ends, due) {
            tracing::warn!(%error, "a card's transaction ends at once, since there is no thread to end it later");
            self.slot.lock().suspend_quietly();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.timer.forget(self.id);
        self.slot.lock().suspend_quietly();
    }
}

/// The session of a [`Card`], for one thread; see [`Card::lock`].
pub struct CardGuard<'a> {
    session: MutexGuard<'a, CardSession>,
    // Dropped after the lock: the timer passes by a session that is in use. That a faster thread set a later
    // time already does no harm, since the session has the last word on its own.
    settling: Settling<'a>,
}

/// Sets the timer when it is dropped.
struct Settling<'a> {
    owner: &'a Owner,
    ends: Option<Instant>,
}

impl Deref for CardGuard<'_> {
    type Target = CardSession;

    fn deref(&self) -> &CardSession {
        &self.session
    }
}

impl DerefMut for CardGuard<'_> {
    fn deref_mut(&mut self) -> &mut CardSession {
        &mut self.session
    }
}

impl Drop for CardGuard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.session.suspend_quietly();
        }
        self.settling.ends = self.session.ends();
    }
}

impl Drop for Settling<'_> {
    fn drop(&mut self) {
        if let Some(ends) = self.ends {
            self.owner.settle(ends);
        }
    }
}

/// A card whose transaction is kept; see [`Card::hold`].
pub struct CardHold {
    card: Card,
}

impl Deref for CardHold {
    type Target = Card;

    fn deref(&self) -> &Card {
        &self.card
    }
}

impl Drop for CardHold {
    fn drop(&mut self) {
        self.card.lock().end_hold();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_for_all_threads() {
        const fn is_shared<T: Clone + Send + Sync>() {}
        const fn is_send<T: Send + Sync>() {}
        const { is_shared::<Card>() };
        const { is_send::<CardHold>() };
        const { is_send::<Slot>() };
        const { is_send::<Timer>() };
    }
}
