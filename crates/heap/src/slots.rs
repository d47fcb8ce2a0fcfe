//! The slots: who owns which callbacks.
//!
//! First core: every block is a vector in a table by address.

use std::collections::BTreeMap;
use std::ptr::{NonNull, null_mut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zeroize::{Zeroize, Zeroizing};

use crate::callbacks::{OVERFLOW, POOL};
use crate::functions;
use crate::heap::{BlockError, Entered};
use crate::ledger::Ledger;
use crate::mode::Mode;

struct Block {
    bytes: Vec<u128>,
    len: usize,
}

#[derive(Default)]
struct Slot {
    users: usize,
    term: u64,
    function: u8,
    ledger: Ledger,
    blocks: BTreeMap<usize, Block>,
}

static SLOTS: [Mutex<Option<Slot>>; POOL + 1] = [const { Mutex::new(None) }; POOL + 1];
static LATE: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

/// The right to a slot's callbacks.
#[derive(Debug)]
pub(crate) struct Lease {
    slot: usize,
}

impl Lease {
    pub(crate) fn take(mode: Mode) -> Self {
        for index in 0..=POOL {
            let mut guard = lock(index);
            let slot = guard.get_or_insert_default();
            if slot.users == 0 {
                slot.ledger = Ledger { mode, ..Ledger::default() };
            } else if index != OVERFLOW {
                continue;
            }
            slot.users += 1;
            slot.ledger.shared_overflow = index == OVERFLOW;
            return Self { slot: index };
        }
        Self { slot: OVERFLOW }
    }

    pub(crate) fn slot(&self) -> usize {
        self.slot
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(slot) = lock(self.slot).as_mut() {
            slot.users -= 1;
            if slot.users == 0 {
                slot.term += 1;
                slot.blocks.values_mut().for_each(|block| block.bytes.zeroize());
                slot.blocks.clear();
            }
        }
    }
}

fn lock(slot: usize) -> MutexGuard<'static, Option<Slot>> {
    SLOTS[slot].lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<T: Default>(slot: usize, act: impl FnOnce(&mut Slot) -> T) -> T {
    match lock(slot).as_mut().filter(|slot| slot.users > 0) {
        Some(slot) => act(slot),
        None => {
            LATE.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            T::default()
        }
    }
}

impl Slot {
    fn make(&mut self, size: usize) -> Option<*mut u8> {
        let mut bytes = Vec::new();
        let words = size.div_ceil(16).max(1);
        bytes.try_reserve_exact(words).ok()?;
        bytes.resize(words, 0u128);
        let block: *mut u8 = bytes.as_mut_ptr().cast();
        self.blocks.insert(block.addr(), Block { bytes, len: size });
        self.ledger.live_blocks += 1;
        self.ledger.live_bytes += size as u64;
        self.ledger.peak_bytes = self.ledger.peak_bytes.max(self.ledger.live_bytes);
        Some(block)
    }

    fn drop_block(&mut self, block: *mut u8) -> Option<Block> {
        let mut gone = self.blocks.remove(&block.addr())?;
        self.ledger.live_blocks -= 1;
        self.ledger.live_bytes -= gone.len as u64;
        let copy = Block { bytes: gone.bytes.clone(), len: gone.len };
        gone.bytes.zeroize();
        Some(copy)
    }
}

impl Block {
    fn to_bytes(&self, len: usize) -> Vec<u8> {
        let mut all: Vec<u8> = self.bytes.iter().flat_map(|word| word.to_ne_bytes()).collect();
        all.truncate(len);
        all
    }
}

pub(crate) fn alloc(slot: usize, size: usize) -> *mut u8 {
    let made = with(slot, |slot| {
        slot.ledger.calls += 1;
        slot.ledger.allocs += 1;
        slot.make(size).map(|block| block.expose_provenance())
    });
    made.map_or(null_mut(), std::ptr::with_exposed_provenance_mut)
}

pub(crate) fn realloc(slot: usize, block: *mut u8, size: usize) -> *mut u8 {
    if block.is_null() {
        return alloc(slot, size);
    }
    let moved = with(slot, |slot| {
        slot.ledger.calls += 1;
        slot.ledger.reallocs += 1;
        if !slot.blocks.contains_key(&block.addr()) {
            slot.ledger.refused.foreign += 1;
            return None;
        }
        let made = slot.make(size)?;
        let old = slot.drop_block(block)?;
        let new = slot.blocks.get_mut(&made.addr())?;
        let words = new.bytes.len().min(old.bytes.len());
        new.bytes[..words].copy_from_slice(&old.bytes[..words]);
        Some(made.expose_provenance())
    });
    moved.map_or(null_mut(), std::ptr::with_exposed_provenance_mut)
}

pub(crate) fn free(slot: usize, block: *mut u8) {
    with(slot, |slot| {
        slot.ledger.calls += 1;
        slot.ledger.frees += 1;
        if !block.is_null() && slot.drop_block(block).is_none() {
            slot.ledger.refused.foreign += 1;
        }
    });
}

pub(crate) fn take(lease: &Lease, block: *mut u8, len: usize) -> Result<Zeroizing<Vec<u8>>, BlockError> {
    if block.is_null() {
        return Err(BlockError::Null { len });
    }
    let taken = with(lease.slot, |slot| {
        let have = slot.blocks.get(&block.addr()).map(|known| known.len)?;
        if have < len {
            return Some(Err(BlockError::TooShort { have, wanted: len }));
        }
        slot.drop_block(block).map(|known| Ok(Zeroizing::new(known.to_bytes(len))))
    });
    taken.unwrap_or(Err(BlockError::Foreign))
}

pub(crate) fn release(lease: &Lease, block: *mut u8) -> Result<(), BlockError> {
    with(lease.slot, |slot| slot.drop_block(block)).map(drop).ok_or(BlockError::Foreign)
}

pub(crate) fn give(lease: &Lease, bytes: &[u8]) -> Option<NonNull<u8>> {
    let made = with(lease.slot, |slot| {
        let block = slot.make(bytes.len())?;
        let words = slot.blocks.get_mut(&block.addr())?;
        for (word, part) in words.bytes.iter_mut().zip(bytes.chunks(16)) {
            let mut whole = [0u8; 16];
            whole[..part.len()].copy_from_slice(part);
            *word = u128::from_ne_bytes(whole);
        }
        Some(block.expose_provenance())
    });
    NonNull::new(std::ptr::with_exposed_provenance_mut(made?))
}

pub(crate) fn ledger(lease: &Lease) -> Ledger {
    with(lease.slot, |slot| Some(slot.ledger.clone())).unwrap_or_default()
}

pub(crate) fn enter(lease: &Lease, function: &'static str) -> Entered {
    let number = functions::number(function);
    let (term, previous) =
        with(lease.slot, |slot| (slot.term, std::mem::replace(&mut slot.function, number)));
    Entered { slot: lease.slot, term, previous }
}

pub(crate) fn leave(entered: &Entered) {
    if let Some(slot) = lock(entered.slot).as_mut()
        && slot.term == entered.term
    {
        slot.function = entered.previous;
    }
}

pub(crate) fn late_calls() -> u64 {
    LATE.load(std::sync::atomic::Ordering::Relaxed)
}
