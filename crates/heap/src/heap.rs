//! The heap of one context, as the host holds it.

use std::ptr::NonNull;

use zeroize::Zeroizing;

use crate::callbacks::{self, Callbacks};
use crate::ledger::Ledger;
use crate::mode::Mode;
use crate::slots::{self, Lease};

/// The memory lent to one context of a card module.
///
/// Dropping it ends the context's memory: what is still lent is wiped and taken back, and a module that
/// calls its callbacks later is refused.
#[derive(Debug)]
pub struct Heap {
    lease: Lease,
}

impl Heap {
    /// A heap with callbacks of its own. When the pool of callbacks is used up, it shares those of the
    /// overflow with other heaps, which is always plain; the ledger says so.
    #[must_use]
    pub fn new(mode: Mode) -> Self {
        Self { lease: Lease::take(mode) }
    }

    /// The three functions for `CARD_DATA`: `pfnCspAlloc`, `pfnCspReAlloc`, `pfnCspFree`.
    #[must_use]
    pub fn callbacks(&self) -> Callbacks {
        callbacks::of(self.lease.slot())
    }

    /// Says that a card function runs, until the guard is dropped. Calls and blocks are put down to it,
    /// whichever thread they come from.
    #[must_use = "the function has ended when the guard is dropped"]
    pub fn enter(&self, function: &'static str) -> Entered {
        slots::enter(&self.lease, function)
    }

    /// Copies `len` bytes of a block that a module answered, and takes the block back. `NULL` with no
    /// bytes is an empty answer.
    ///
    /// # Errors
    ///
    /// [`BlockError`] where the pointer is not a live block of this context or is shorter than
    /// `len`; a block that is too short stays lent, so that [`Heap::release`] can take it back.
    pub fn take(&self, block: *const u8, len: usize) -> Result<Zeroizing<Vec<u8>>, BlockError> {
        if block.is_null() && len == 0 {
            return Ok(Zeroizing::new(Vec::new()));
        }
        slots::take(&self.lease, block.cast_mut(), len)
    }

    /// Takes a block back without reading it. `NULL` is nothing to take back.
    ///
    /// # Errors
    ///
    /// [`BlockError`] where the pointer is not a live block of this context.
    pub fn release(&self, block: *const u8) -> Result<(), BlockError> {
        if block.is_null() {
            return Ok(());
        }
        slots::release(&self.lease, block.cast_mut())
    }

    /// Makes a block with these bytes for the module, which frees it. No fault plan applies.
    ///
    /// # Errors
    ///
    /// [`OutOfMemory`].
    pub fn give(&self, bytes: &[u8]) -> Result<NonNull<u8>, OutOfMemory> {
        slots::give(&self.lease, bytes).ok_or(OutOfMemory)
    }

    /// The account so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        slots::ledger(&self.lease)
    }
}

/// A card function runs; see [`Heap::enter`].
#[derive(Debug)]
#[must_use = "the function has ended when the guard is dropped"]
pub struct Entered {
    pub(crate) slot: usize,
    pub(crate) term: u64,
    pub(crate) previous: u8,
}

impl Drop for Entered {
    fn drop(&mut self) {
        slots::leave(self);
    }
}

/// Why memory that a module answered was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// NULL, where bytes were promised.
    #[error("the module answered no memory for {len} bytes")]
    Null {
        /// The bytes promised.
        len: usize,
    },
    /// Memory that does not come from this context's callbacks; it was not touched.
    #[error("the module answered memory that this context's callbacks never lent")]
    Foreign,
    /// A block that is no longer lent; it was not touched.
    #[error("the module answered a block that it freed or moved before")]
    Stale,
    /// A block of fewer bytes than the module said.
    #[error("the module answered {wanted} bytes in a block of {have}")]
    TooShort {
        /// The block's length in bytes.
        have: usize,
        /// The bytes promised.
        wanted: usize,
    },
}

/// No memory is left for a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory is left for a card module's block")]
pub struct OutOfMemory;

/// How many calls came, in this process, through callbacks whose context was gone. They were answered
/// with NULL or ignored; a module makes them when it keeps its callbacks beyond `CardDeleteContext`.
#[must_use]
pub fn late_calls() -> u64 {
    slots::late_calls()
}
