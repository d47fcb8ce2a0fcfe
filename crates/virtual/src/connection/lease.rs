//! Transactions: leases of the card with owner, start and last activity.

use std::time::{Duration, Instant};

use super::{Events, VirtualCard, check_usable};
use crate::disk::run::LeaseRecord;
use crate::fault::CardFault;

/// Who waits has the next turn, as long as it asks again within this time.
const TURN_MS: u64 = 100;
/// Shortest and longest pause between two looks at a lease.
const PAUSE: (Duration, Duration) = (Duration::from_micros(50), Duration::from_millis(2));

/// What happens to the card when a transaction ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing.
    Leave,
    /// It is reset.
    Reset,
    /// It is powered off and on.
    Unpower,
    /// It is ejected.
    Eject,
}

/// An open transaction as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// It is this connection's.
    pub own: bool,
    /// When it began, in milliseconds since 1970.
    pub start_ms: u64,
    /// When its owner last used the card, to a tenth of a second.
    pub last_activity_ms: u64,
}

impl VirtualCard {
    /// Begins a transaction if the card is free; `false` if another connection has one open. Whoever was
    /// refused has the next turn if it asks again within 100 ms. A connection may begin again inside
    /// its own transaction; it then has to end as often.
    ///
    /// # Errors
    /// As [`VirtualCard::transmit`], except that another transaction is no error.
    pub fn try_begin(&mut self) -> Result<bool, CardFault> {
        self.check_process()?;
        let (seen, now, depth) = (self.seen, self.clock.now_ms(), self.depth);
        let own = self.shared.client_id();
        let begun = self.shared.locked(|shared| {
            match check_usable(shared, Some(seen)) {
                Ok(()) => {}
                Err(CardFault::Leased { .. }) => {
                    let free = shared.run().waiter.is_none_or(|(_, since)| now.abs_diff(since) > TURN_MS);
                    if free || shared.run().waiter.is_some_and(|(id, _)| id == own) {
                        shared.set_waiter(Some((own, now)));
                    }
                    return Ok(false);
                }
                Err(fault) => return Err(fault),
            }
            if depth > 0 {
                // The lease may have been broken while it was idle.
                let held = shared.run().lease.is_some_and(|lease| lease.owner == own);
                return if held {
                    Ok(true)
                } else {
                    Err(CardFault::WasReset { card: shared.name().to_owned() })
                };
            }
            let others_turn =
                shared.run().waiter.is_some_and(|(id, since)| id != own && now.abs_diff(since) <= TURN_MS);
            if others_turn {
                return Ok(false);
            }
            shared.set_waiter(None);
            shared.set_lease(Some(LeaseRecord { owner: own, start_ms: now, last_ms: now }));
            Ok(true)
        })?;
        self.depth += u32::from(begun);
        Ok(begun)
    }

    /// Begins a transaction, waiting for other connections' ones at most this long.
    ///
    /// # Errors
    /// [`CardFault::Timeout`], otherwise as [`VirtualCard::try_begin`].
    pub fn begin(&mut self, wait: Duration) -> Result<(), CardFault> {
        let start = Instant::now();
        let mut pause = PAUSE.0;
        while !self.try_begin()? {
            let left = wait.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(CardFault::Timeout { card: self.name().to_owned(), waited: wait });
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(PAUSE.1);
        }
        Ok(())
    }

    /// Ends this connection's transaction, or one level of it.
    ///
    /// # Errors
    /// [`CardFault::NoTransaction`] if none is open, also because it was broken.
    pub fn end(&mut self, disposition: Disposition) -> Result<(), CardFault> {
        self.check_process()?;
        let (own, last) = (self.shared.client_id(), self.depth == 1);
        let held = self.depth > 0;
        self.depth = self.depth.saturating_sub(1);
        let seen = self.seen;
        let result = self.shared.locked(|shared| {
            if !held || shared.run().lease.is_none_or(|lease| lease.owner != own) {
                return Err(CardFault::NoTransaction { card: shared.name().to_owned() });
            }
            if last {
                shared.set_lease(None);
            }
            match disposition {
                Disposition::Leave => return Ok(seen),
                Disposition::Reset | Disposition::Unpower => shared.reset(),
                Disposition::Eject => shared.eject(),
            }
            Ok(Events::of(shared.run()))
        });
        if result.is_err() {
            self.depth = 0;
        }
        self.seen = result?;
        Ok(())
    }

    /// The open transaction, if there is one.
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`].
    pub fn lease(&mut self) -> Result<Option<Lease>, CardFault> {
        self.check_process()?;
        let own = self.shared.client_id();
        self.shared.locked(|shared| {
            Ok(shared.run().lease.map(|lease| Lease {
                own: lease.owner == own,
                start_ms: lease.start_ms,
                last_activity_ms: lease.last_ms,
            }))
        })
    }

    /// Notes that this connection uses its transaction, by something else than a command. For resource
    /// managers with Windows' five-second rule.
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`].
    pub fn use_lease(&mut self) -> Result<(), CardFault> {
        self.check_process()?;
        let now = self.clock.now_ms();
        self.shared.locked(|shared| {
            shared.note_activity(now, Duration::ZERO);
            Ok(())
        })
    }

    /// Breaks another connection's transaction if its owner has not used the card for this long: the
    /// card is reset and the owner finds its transaction gone. Answers whether it was broken. For
    /// resource managers with Windows' five-second rule.
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`].
    pub fn break_idle_lease(&mut self, idle: Duration) -> Result<bool, CardFault> {
        self.check_process()?;
        let (own, now) = (self.shared.client_id(), self.clock.now_ms());
        self.shared.locked(|shared| {
            let other = shared.run().lease.filter(|lease| lease.owner != own);
            let is_idle =
                |lease: &LeaseRecord| u128::from(now.saturating_sub(lease.last_ms)) >= idle.as_millis();
            let idle = other.filter(is_idle).is_some();
            if idle {
                shared.set_lease(None);
                shared.reset();
            }
            Ok(idle)
        })
    }
}
