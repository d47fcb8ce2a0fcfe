//! [`VirtualCard`]: a process's connection to a card.
//!
//! Every operation takes the card's file lock, brings the card in memory up to date with what other
//! connections did, works, and writes what changed. Where nothing changed elsewhere that costs one lock,
//! one read of 28 bytes and one unlock.

mod lease;
mod ports;
mod shared;

use std::time::Duration;

use zeroize::Zeroizing;

use crate::atr;
use crate::disk::run::Run;
use crate::fault::CardFault;
use crate::ports::{Clock, SystemClock};
use crate::store::CardPlace;

pub use crate::disk::run::Share;
pub use lease::{Disposition, Lease};
use shared::Shared;
pub(crate) use shared::snapshot;

/// How often, at most, the time of a lease's last activity is written.
const ACTIVITY_STEP: Duration = Duration::from_millis(100);

/// How a card is reset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reset {
    /// Power off and on.
    Cold,
    /// The reset line alone. A virtual card forgets the same.
    Warm,
}

/// What can be seen of a card from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CardStatus {
    /// The card is in its reader.
    pub present: bool,
    /// How often it was put in; changes with [`VirtualCard::insert`].
    pub insertions: u32,
    /// How often it was reset or powered.
    pub resets: u32,
    /// Living connections of any kind; a card without one has no power.
    pub connections: u32,
    /// Living connections that claim the card together with others.
    pub shared: u32,
    /// A living connection claims it alone.
    pub exclusive: bool,
    /// It is behind pcscd.
    pub plugged: bool,
    /// A transaction is open.
    pub leased: bool,
}

/// Memory of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes for files and keys together.
    pub capacity: u32,
    /// Bytes in use.
    pub used: u32,
    /// Containers the card takes.
    pub max_containers: u32,
    /// Containers there are.
    pub containers: u32,
}

/// A connection to a virtual card. Each has its own claim, transaction and view of resets; several may
/// exist in one process. Dropping one while its transaction is open resets the card.
pub struct VirtualCard {
    shared: Shared,
    clock: Box<dyn Clock>,
    /// Events this connection knows of.
    seen: Events,
    /// Nested begins of the open transaction.
    depth: u32,
}

/// Counters that tell of resets and removals.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Events {
    insertions: u32,
    resets: u32,
}

impl VirtualCard {
    pub(crate) fn open(place: CardPlace) -> Result<VirtualCard, CardFault> {
        let shared = Shared::open(place)?;
        let seen = Events::of(shared.run());
        Ok(VirtualCard { shared, clock: Box::new(SystemClock), seen, depth: 0 })
    }

    /// The card's name in its store.
    #[must_use]
    pub fn name(&self) -> &str {
        self.shared.name()
    }

    /// The answer to reset.
    #[must_use]
    pub fn atr(&self) -> Vec<u8> {
        atr::atr(self.shared.card().options())
    }

    /// Sends one command APDU and answers the response APDU with SW1 SW2.
    ///
    /// # Errors
    /// [`CardFault::Leased`], [`CardFault::Exclusive`], [`CardFault::PluggedIn`] while another connection
    /// has the card; [`CardFault::WasReset`], [`CardFault::Removed`] until [`VirtualCard::acknowledge`];
    /// [`CardFault::NotPresent`], [`CardFault::Erased`]; and what the host failed at, [`CardFault::NotSaved`]
    /// above all.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        self.check_process()?;
        let (seen, now) = (self.seen, self.clock.now_ms());
        self.shared.locked(|shared| {
            check_usable(shared, Some(seen))?;
            shared.note_activity(now, ACTIVITY_STEP);
            shared.process(command)
        })
    }

    /// Resets the card, and takes note of earlier resets and removals.
    ///
    /// # Errors
    /// As [`VirtualCard::transmit`], without the events.
    pub fn reset(&mut self, _kind: Reset) -> Result<(), CardFault> {
        self.check_process()?;
        self.seen = self.shared.locked(|shared| {
            check_usable(shared, None)?;
            shared.reset();
            Ok(Events::of(shared.run()))
        })?;
        Ok(())
    }

    /// Takes note of resets and removals, so that [`VirtualCard::transmit`] works again. Answers whether
    /// there were any.
    ///
    /// # Errors
    /// [`CardFault::NotPresent`], [`CardFault::Erased`], [`CardFault::Io`].
    pub fn acknowledge(&mut self) -> Result<bool, CardFault> {
        self.check_process()?;
        let now = self.shared.locked(|shared| {
            check_present(shared)?;
            Ok(Events::of(shared.run()))
        })?;
        let changed = now != self.seen;
        self.seen = now;
        Ok(changed)
    }

    /// Claims the card together with others, alone, or for pcscd. A connection starts as an observer.
    ///
    /// # Errors
    /// [`CardFault::Exclusive`], [`CardFault::PluggedIn`] if a living connection's claim stands against it;
    /// [`CardFault::Leased`] for a claim of the card alone while another connection has a transaction open.
    pub fn claim(&mut self, share: Share) -> Result<(), CardFault> {
        self.check_process()?;
        self.shared.locked(|shared| {
            check_present(shared)?;
            shared.claim(share)
        })
    }

    /// Takes the card out of its reader: nobody can use it until [`VirtualCard::insert`].
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`].
    pub fn eject(&mut self) -> Result<(), CardFault> {
        self.check_process()?;
        self.depth = 0;
        self.shared.locked(|shared| {
            shared.eject();
            Ok(())
        })
    }

    /// Puts the card back. The other connections are told with [`CardFault::Removed`].
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`].
    pub fn insert(&mut self) -> Result<(), CardFault> {
        self.check_process()?;
        self.seen = self.shared.locked(|shared| {
            shared.insert();
            Ok(Events::of(shared.run()))
        })?;
        Ok(())
    }

    /// What can be seen from outside. Does not wait for a command that is running.
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`].
    pub fn status(&mut self) -> Result<CardStatus, CardFault> {
        self.check_process()?;
        self.shared.status()
    }

    /// Whether the card is in its reader.
    ///
    /// # Errors
    /// As [`VirtualCard::status`].
    pub fn is_present(&mut self) -> Result<bool, CardFault> {
        Ok(self.status()?.present)
    }

    /// How much is stored and how much fits.
    ///
    /// # Errors
    /// [`CardFault::Erased`], [`CardFault::Io`], [`CardFault::Image`].
    pub fn space(&mut self) -> Result<Space, CardFault> {
        self.check_process()?;
        self.shared.locked(|shared| {
            let card = shared.card();
            let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            Ok(Space {
                capacity: card.options().capacity,
                used: small(card.used_bytes()),
                max_containers: u32::from(card.options().max_containers),
                containers: small(card.containers()),
            })
        })
    }

    /// A forked child shares its parent's locks, so it must not use them: it connects anew, as another
    /// client, without the parent's claim or transaction.
    fn check_process(&mut self) -> Result<(), CardFault> {
        if self.shared.is_of_this_process() {
            return Ok(());
        }
        self.shared = Shared::open(self.shared.place().clone())?;
        self.seen = Events::of(self.shared.run());
        self.depth = 0;
        Ok(())
    }
}

impl Events {
    fn of(run: &Run) -> Events {
        Events { insertions: run.insertions, resets: run.resets }
    }
}

impl std::fmt::Debug for VirtualCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VirtualCard").field("name", &self.name()).finish_non_exhaustive()
    }
}

fn check_present(shared: &Shared) -> Result<(), CardFault> {
    if shared.run().ejected { Err(CardFault::NotPresent { card: shared.name().to_owned() }) } else { Ok(()) }
}

/// Whether this connection may use the card now; with `seen`, also whether it knows the card's events.
fn check_usable(shared: &mut Shared, seen: Option<Events>) -> Result<(), CardFault> {
    check_present(shared)?;
    if let Some(seen) = seen {
        let now = Events::of(shared.run());
        let card = || shared.name().to_owned();
        if seen.insertions != now.insertions {
            return Err(CardFault::Removed { card: card() });
        }
        if seen.resets != now.resets {
            return Err(CardFault::WasReset { card: card() });
        }
    }
    let before = shared.run().resets;
    shared.check_free()?;
    // The check may have taken over a dead owner's lease, which resets the card.
    match seen {
        Some(_) if shared.run().resets != before => {
            Err(CardFault::WasReset { card: shared.name().to_owned() })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use cardmod_types::{CardId, Pin, SecretBytes};

    use super::*;
    use crate::{GidsProfile, Store};

    const SELECT: [u8; 14] = [0, 0xA4, 4, 0x0C, 9, 0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59];

    fn card() -> (tempfile::TempDir, Store, VirtualCard) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let profile = GidsProfile::new(Pin::from("1234"), SecretBytes::from(&[7; 24]), CardId([1; 16]));
        store.create("card", &profile).unwrap();
        let card = store.open_card("card").unwrap();
        (dir, store, card)
    }

    #[test]
    fn a_forked_child_is_another_connection() {
        let (_dir, _store, mut card) = card();
        card.begin(Duration::ZERO).unwrap();
        let parent = card.shared.client_id();
        // What a child finds: everything as in its parent, and another process id.
        let held = card.shared.keep_client_locked();
        card.shared.pretend_to_be_forked();
        assert!(matches!(card.transmit(&SELECT), Err(CardFault::Leased { .. })), "the parent's transaction");
        assert_ne!(card.shared.client_id(), parent);
        assert!(matches!(card.end(Disposition::Leave), Err(CardFault::NoTransaction { .. })));
        // The parent ends: its transaction goes with it.
        drop(held);
        assert!(matches!(card.transmit(&SELECT), Err(CardFault::WasReset { .. })));
        card.acknowledge().unwrap();
        assert_eq!(*card.transmit(&SELECT).unwrap(), [0x90, 0x00]);
    }

    #[test]
    fn files_of_the_dead_do_not_pile_up() {
        let (dir, store, card) = card();
        let clients = dir.path().join("card/clients");
        std::fs::write(clients.join("00000000000000aa"), "").unwrap();
        drop(card);
        let _card = store.open_card("card").unwrap();
        assert_eq!(std::fs::read_dir(clients).unwrap().count(), 1);
    }

    /// A process that died after it announced that it would erase the card.
    #[test]
    fn an_announced_erasure_that_never_came() {
        let (_dir, store, mut card) = card();
        let mut other = store.open_card("card").unwrap();
        card.transmit(&SELECT).unwrap();
        card.shared.mark_erased_only();
        assert!(store.status("card").unwrap().present, "it can be seen");
        assert_eq!(*other.transmit(&SELECT).unwrap(), [0x90, 0x00], "who has it goes on");
        card.shared.mark_erased_only();
        assert_eq!(*store.open_card("card").unwrap().transmit(&SELECT).unwrap(), [0x90, 0x00]);
        card.shared.mark_erased_only();
        drop((card, other));
        store.erase("card").unwrap();
        assert!(store.status("card").is_err());
    }

    /// A process that died after it announced a new image and before it was there.
    #[test]
    fn an_announced_image_that_never_came() {
        let (_dir, store, mut card) = card();
        let mut other = store.open_card("card").unwrap();
        card.transmit(&SELECT).unwrap();
        card.shared.announce_only();
        let wrong = [0, 0x20, 0, 0x80, 4, b'9', b'9', b'9', b'9'];
        assert_eq!(*other.transmit(&wrong).unwrap(), [0x63, 0xC2]);
        assert_eq!(*card.transmit(&wrong).unwrap(), [0x63, 0xC1]);
        assert_eq!(*other.transmit(&wrong).unwrap(), [0x63, 0xC0]);
    }
}
