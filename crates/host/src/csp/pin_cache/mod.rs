//! The PINs a host keeps, so that a user types each of them once.
//!
//! An entry belongs to one role of one card as it was when the PIN was right: its reader, its
//! insertion, its identity, its answer to reset and its counter of PIN changes. When any of these is
//! another one the entry is wiped, not used: cards that share an identity do not share a PIN, and a card
//! that was out of the reader is asked for anew.

mod clock;
mod locked;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use cardmod_types::{CardId, Pin, PinCachePolicy, PinId, SecretBytes};

use super::timer::{Due, Timer};
use clock::SystemClock;

pub use clock::{Moment, PinClock};
pub use locked::{LockedSecret, NotLocked};

/// The most PINs kept at a time; each takes a page of locked memory, of which systems give little.
const MOST_ENTRIES: usize = 64;

/// Keeps the PINs of a [`Host`](crate::Host)'s cards, by the card's own policy (`PIN_INFO`), in memory
/// that is locked against swapping and wiped.
///
/// Clones share one cache. What is kept is forgotten when the card is removed or another is found in its
/// place, when the card's PINs were changed, when a PIN turns out wrong, when its time is over, when the
/// machine slept, by [`forget_all`](Self::forget_all), and with the last clone.
#[derive(Clone)]
pub struct PinCache {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    clock: Box<dyn PinClock>,
    entries: Mutex<HashMap<(String, PinId), Entry>>,
}

/// A card, as it was when its PIN was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CardState {
    pub(super) id: Option<CardId>,
    pub(super) atr: Vec<u8>,
    /// The reader's counter of insertions and removals.
    pub(super) insertion: u32,
    /// The card's counter of PIN changes, where it has one.
    pub(super) pins: Option<u8>,
}

/// What is kept for a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// The PIN itself.
    Pin(Pin),
    /// What the module gave in its stead.
    SessionPin(SecretBytes),
}

struct Entry {
    card: CardState,
    secret: LockedSecret,
    is_session_pin: bool,
    stored: Moment,
    lifetime: Option<Duration>,
}

impl Entry {
    fn lives(&self, now: Moment) -> bool {
        now.since(self.stored).is_some_and(|age| self.lifetime.is_none_or(|most| age < most))
    }

    fn secret(&self) -> Kept {
        let bytes = self.secret.as_bytes();
        match self.is_session_pin {
            true => Kept::SessionPin(SecretBytes::from(bytes)),
            false => Kept::Pin(Pin::from(bytes)),
        }
    }
}

impl Default for PinCache {
    fn default() -> Self {
        Self::with_clock(SystemClock::new())
    }
}

impl PinCache {
    /// A cache by another clock than the system's.
    #[must_use]
    pub fn with_clock(clock: impl PinClock + 'static) -> Self {
        let inner = Inner { clock: Box::new(clock), entries: Mutex::default() };
        Self { inner: Some(Arc::new(inner)) }
    }

    /// A cache that keeps nothing.
    #[must_use]
    pub fn off() -> Self {
        Self { inner: None }
    }

    /// How many PINs are kept now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.living().map_or(0, |entries| entries.len())
    }

    /// Whether no PIN is kept now.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets every PIN.
    pub fn forget_all(&self) {
        if let Some(inner) = &self.inner {
            inner.entries().clear();
        }
    }

    /// Forgets the PINs of the card in a reader.
    pub fn forget_reader(&self, reader: &str) {
        if let Some(inner) = &self.inner {
            inner.entries().retain(|(kept, _), _| kept != reader);
        }
    }

    /// Forgets the PINs of the card in a reader that were kept under another value of its counter of
    /// changes.
    pub(super) fn forget_changed(&self, reader: &str, pins: u8) {
        if let Some(inner) = &self.inner {
            inner.entries().retain(|(kept, _), entry| kept != reader || entry.card.pins == Some(pins));
        }
    }

    /// Forgets one PIN.
    pub(super) fn forget(&self, reader: &str, role: PinId) {
        if let Some(inner) = &self.inner {
            inner.entries().remove(&(reader.to_owned(), role));
        }
    }

    /// Forgets the PINs of cards that are no longer as inserted: `insertion` tells the counter of a
    /// reader that holds a card.
    pub(crate) fn forget_removed(&self, insertion: impl Fn(&str) -> Option<u32>) {
        if let Some(inner) = &self.inner {
            inner.entries().retain(|(reader, _), entry| insertion(reader) == Some(entry.card.insertion));
        }
    }

    /// Keeps a secret that was right, as far as the policy allows. Where no memory can be locked it is
    /// not kept: the user is then asked again.
    pub(super) fn keep(
        &self,
        reader: &str,
        role: PinId,
        card: CardState,
        secret: &Kept,
        policy: PinCachePolicy,
    ) {
        let Some(inner) = &self.inner else { return };
        let lifetime = match policy {
            PinCachePolicy::Normal => None,
            PinCachePolicy::Timed(seconds) => Some(Duration::from_secs(seconds.into())),
            PinCachePolicy::None | PinCachePolicy::AlwaysPrompt => return self.forget(reader, role),
        };
        let (bytes, is_session_pin) = match secret {
            Kept::Pin(pin) => (pin.as_bytes(), false),
            Kept::SessionPin(pin) => (pin.as_bytes(), true),
        };
        let stored = inner.clock.now();
        let mut entries = inner.living(stored);
        let key = (reader.to_owned(), role);
        entries.remove(&key);
        if entries.len() >= MOST_ENTRIES {
            return;
        }
        match LockedSecret::new(bytes) {
            Ok(secret) => {
                entries.insert(key, Entry { card, secret, is_session_pin, stored, lifetime });
            }
            Err(error) => tracing::warn!(%error, "a PIN is not kept: no memory can be locked for it"),
        }
    }

    /// Has the timer wipe a PIN that was just kept for some seconds when these are over. Without a thread for
    /// that it is wiped when the cache is looked at next.
    pub(super) fn expire_by(&self, timer: &Timer, policy: PinCachePolicy) {
        let (Some(inner), PinCachePolicy::Timed(seconds)) = (&self.inner, policy) else { return };
        let when = timer.clock().now() + Duration::from_secs(seconds.into());
        let due: Weak<dyn Due> = Arc::downgrade(inner) as Weak<dyn Due>;
        if let Err(error) = timer.set(timer.new_id(), when, due) {
            tracing::debug!(%error, "no thread wipes a PIN in time");
        }
    }

    /// What is kept for a role of this card, as the card is now. What was kept of another is wiped.
    pub(super) fn find(&self, reader: &str, role: PinId, card: &CardState) -> Option<Kept> {
        let mut entries = self.living()?;
        let key = (reader.to_owned(), role);
        match entries.get(&key) {
            Some(entry) if entry.card == *card => Some(entry.secret()),
            _ => {
                entries.remove(&key);
                None
            }
        }
    }

    /// Whether anything is kept for a role of the card in a reader: whether to look closer.
    pub(super) fn may_have(&self, reader: &str, role: PinId) -> bool {
        self.living().is_some_and(|entries| entries.contains_key(&(reader.to_owned(), role)))
    }

    fn living(&self) -> Option<MutexGuard<'_, HashMap<(String, PinId), Entry>>> {
        self.inner.as_ref().map(|inner| inner.living(inner.clock.now()))
    }
}

impl Inner {
    fn entries(&self) -> MutexGuard<'_, HashMap<(String, PinId), Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The entries whose time is not over; the others are wiped.
    fn living(&self, now: Moment) -> MutexGuard<'_, HashMap<(String, PinId), Entry>> {
        let mut entries = self.entries();
        entries.retain(|_, entry| entry.lives(now));
        entries
    }
}

impl Due for Inner {
    fn due(&self, _now: Instant) -> Option<Instant> {
        drop(self.living(self.clock.now()));
        None
    }

    fn now_or_never(&self) {
        self.due(Instant::now());
    }
}

impl fmt::Debug for PinCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.inner {
            Some(inner) => write!(f, "PinCache({})", inner.entries().len()),
            None => f.write_str("PinCache(off)"),
        }
    }
}

#[cfg(test)]
mod tests;
