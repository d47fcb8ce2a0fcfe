//! The arena: one reserved range of addresses, cut into units, and a table that says of every unit
//! whose it is. So an address is judged by a subtraction and one look, and never by what is there.
//! This file has unsafe code: it makes the runs.
#![allow(unsafe_code)]

mod lock;
mod run;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

pub(crate) use lock::{Guard, Lock};
pub(crate) use run::Run;

use crate::pages::{self, Reserved};

/// The length of a unit in bytes; a run has whole units.
pub(crate) const UNIT: usize = 64 * 1024;

/// Runs of at least so many units (4 MiB) give their memory back to the system when they are given
/// back. Shorter ones keep it: to fault their pages in again costs more than to zero them.
const RESET_UNITS: u32 = 64;

/// Fresh memory is committed this many units at a time.
const COMMIT_UNITS: u32 = 16;

/// How much is reserved at first; where the system refuses, half of it, and so on.
const RESERVE: usize = if cfg!(miri) {
    16 << 20
} else if cfg!(target_pointer_width = "64") {
    32 << 30
} else {
    256 << 20
};

/// Less than this is not worth having.
const RESERVE_LEAST: usize = 16 << 20;

static ARENA: OnceLock<Option<Arena>> = OnceLock::new();

/// The process's arena; `None` where the system reserves nothing.
#[inline]
pub(crate) fn arena() -> Option<&'static Arena> {
    ARENA.get_or_init(Arena::new).as_ref()
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Arena {
    range: Reserved,
    table: Box<[AtomicU64]>,
    runs: Mutex<Runs>,
}

/// The units that are in no run.
#[derive(Debug, Default)]
struct Runs {
    /// The first unit that was never in a run.
    next: u32,
    /// The first unit that was never committed.
    committed: u32,
    /// Runs given back, by their length in units: first unit, and how they were left.
    idle: BTreeMap<u32, Vec<(u32, Left)>>,
}

/// In which state a run was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// Committed, with what was in it.
    AsIs,
    /// Its memory went back to the system; whether it will come back zero.
    Reset { zero: bool },
}

/// Who owns a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// The slot, below 256.
    pub(crate) slot: u8,
    /// The stripe in it, below 16.
    pub(crate) stripe: u8,
    /// The span in that stripe, below 2²⁴.
    pub(crate) span: u32,
}

/// What an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In no run, now or before.
    Nowhere,
    /// In a run, so many bytes from its start.
    Owned { owner: Owner, offset: usize },
    /// In a run that was given back.
    Gone { slot: u8, offset: usize, moved: bool },
}

impl Arena {
    fn new() -> Option<Self> {
        if pages::page_size() > UNIT {
            return None;
        }
        lock::find_flag();
        let mut len = RESERVE;
        while len >= RESERVE_LEAST {
            if let Some(range) = Reserved::new(len, UNIT) {
                let table = Box::new_zeroed_slice(len / UNIT);
                // SAFETY:
                // * an atomic integer may have any value, zero too.
                let table = unsafe { table.assume_init() };
                return Some(Self { range, table, runs: Mutex::default() });
            }
            len /= 2;
        }
        None
    }

    /// Judges an address without touching it.
    #[inline(always)]
    pub(crate) fn find(&self, address: usize) -> Place {
        let offset = address.wrapping_sub(self.range.base().as_ptr().addr());
        match self.table.get(offset / UNIT) {
            Some(entry) => Entry(entry.load(Ordering::Acquire)).place(offset % UNIT),
            None => Place::Nowhere,
        }
    }

    /// A run of so many units, with its owner in the table; `None` when there is no memory.
    pub(crate) fn take(&self, units: u32, owner: Owner) -> Option<Run> {
        let (first, zero) = self.take_units(units)?;
        let base = self.range.at(first as usize * UNIT, units as usize * UNIT)?;
        for nth in 0..units {
            let entry = Entry::owned(owner, nth);
            self.table[(first + nth) as usize].store(entry.0, Ordering::Release);
        }
        // SAFETY:
        // * `at` gave the address of exactly these units, and `take_units` committed them;
        // * they are in no other run: `take_units` takes them out of `Runs`, `give` puts them back;
        // * the range lives in a static.
        Some(unsafe { Run::new(base, first, units, zero) })
    }

    fn take_units(&self, units: u32) -> Option<(u32, bool)> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((first, left)) = runs.idle.get_mut(&units).and_then(Vec::pop) {
            // Also where nothing went back to the system: the last owner may have left guard pages.
            if self.range.commit(first as usize * UNIT, units as usize * UNIT) {
                return Some((first, left == Left::Reset { zero: true }));
            }
            runs.idle.entry(units).or_default().push((first, left));
            return None;
        }
        let first = runs.next;
        let end = first.checked_add(units)?;
        if end as usize > self.table.len() {
            return None;
        }
        if end > runs.committed {
            let whole = end.next_multiple_of(COMMIT_UNITS).min(self.table.len() as u32);
            let from = runs.committed as usize * UNIT;
            if !self.range.commit(from, whole as usize * UNIT - from) {
                return None;
            }
            runs.committed = whole;
        }
        runs.next = end;
        Some((first, true))
    }

    /// Takes a run back. Its blocks are wiped by now. `moved`: its last block was moved, not freed.
    pub(crate) fn give(&self, run: Run, slot: u8, moved: bool) {
        let (first, units) = (run.first(), run.units());
        for nth in 0..units {
            let entry = Entry::gone(slot, nth, moved);
            self.table[(first + nth) as usize].store(entry.0, Ordering::Release);
        }
        let left = if units >= RESET_UNITS {
            Left::Reset { zero: self.range.reset(first as usize * UNIT, run.len()) }
        } else {
            Left::AsIs
        };
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        runs.idle.entry(units).or_default().push((first, left));
    }

    /// Makes whole pages of a run untouchable.
    pub(crate) fn protect(&self, run: &mut Run, from: usize, len: usize) -> bool {
        len == 0 || self.range.protect(run.first() as usize * UNIT + from, len)
    }

    /// Makes a whole run accessible again.
    pub(crate) fn unprotect(&self, run: &mut Run) -> bool {
        self.range.commit(run.first() as usize * UNIT, run.len())
    }

    /// The longest block there can be.
    pub(crate) fn longest(&self) -> usize {
        self.range.len() / 2
    }
}

/// A word of the table: kind (2 bits), slot (8), stripe (4), span (24), unit's place in its run (24).
#[derive(Clone, Copy)]
struct Entry(u64);

const OWNED: u64 = 1;
const FREED: u64 = 2;
const MOVED: u64 = 3;

impl Entry {
    fn owned(owner: Owner, nth: u32) -> Self {
        let low = OWNED | u64::from(owner.slot) << 2 | u64::from(owner.stripe & 0xF) << 10;
        Self(low | u64::from(owner.span & 0xFF_FFFF) << 14 | u64::from(nth) << 38)
    }

    fn gone(slot: u8, nth: u32, moved: bool) -> Self {
        Self(if moved { MOVED } else { FREED } | u64::from(slot) << 2 | u64::from(nth) << 38)
    }

    #[inline(always)]
    fn place(self, within: usize) -> Place {
        let slot = (self.0 >> 2) as u8;
        let offset = (self.0 >> 38) as usize * UNIT + within;
        match self.0 & 3 {
            OWNED => {
                let stripe = (self.0 >> 10) as u8 & 0xF;
                let span = (self.0 >> 14) as u32 & 0xFF_FFFF;
                Place::Owned { owner: Owner { slot, stripe, span }, offset }
            }
            FREED | MOVED => Place::Gone { slot, offset, moved: self.0 & 3 == MOVED },
            _ => Place::Nowhere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_say_what_was_put_in() {
        let owner = Owner { slot: 128, stripe: 7, span: 0xAB_CDEF };
        assert_eq!(Entry::owned(owner, 3).place(5), Place::Owned { owner, offset: 3 * UNIT + 5 });
        let gone = Place::Gone { slot: 255, offset: UNIT, moved: true };
        assert_eq!(Entry::gone(255, 1, true).place(0), gone);
        assert_eq!(Entry(0).place(9), Place::Nowhere);
    }

    #[test]
    fn a_run_is_found_until_it_is_given_back() {
        let arena = arena().expect("memory");
        let owner = Owner { slot: 200, stripe: 1, span: 9 };
        let run = arena.take(2, owner).expect("memory");
        let start = run.at(0, 1).as_ptr().addr();
        let last = start + 2 * UNIT - 1;
        assert_eq!(arena.find(start), Place::Owned { owner, offset: 0 });
        assert_eq!(arena.find(last), Place::Owned { owner, offset: 2 * UNIT - 1 });
        arena.give(run, 200, false);
        assert_eq!(arena.find(0), Place::Nowhere);
        assert_eq!(arena.find(usize::MAX), Place::Nowhere);
        assert!(matches!(arena.find(last), Place::Gone { slot: 200, .. } | Place::Owned { .. }));
    }

    #[test]
    fn too_much_is_refused() {
        let arena = arena().expect("memory");
        let owner = Owner { slot: 200, stripe: 0, span: 0 };
        assert!(arena.take(u32::MAX, owner).is_none());
        let all = u32::try_from(arena.range.len() / UNIT).expect("units");
        assert!(arena.take(all + 1, owner).is_none());
    }
}
