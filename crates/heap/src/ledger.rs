//! What is known about the memory of one context: who asked, what is still lent, what was refused.

use std::fmt;

use crate::mode::Mode;

/// An account of one context's memory at one moment, from [`Heap::ledger`](crate::Heap::ledger).
///
/// The sums are exact when no callback runs meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ledger {
    /// The module's calls of the three callbacks, refused and failed ones included.
    pub calls: u64,
    /// The calls of `PFN_CSP_ALLOC` among them.
    pub allocs: u64,
    /// The calls of `PFN_CSP_REALLOC` among them.
    pub reallocs: u64,
    /// The calls of `PFN_CSP_FREE` among them.
    pub frees: u64,
    /// The calls answered with NULL.
    pub failed: u64,
    /// The blocks lent and not yet given back.
    pub live_blocks: u64,
    /// Their lengths together, as asked for, in bytes.
    pub live_bytes: u64,
    /// The most `live_bytes` has been. Once several threads were seen to allocate in this context at
    /// the same moment it is an upper bound.
    pub peak_bytes: u64,
    /// The pointers that were refused.
    pub refused: Refused,
    /// Blocks found damaged when they were given back (checked blocks only).
    pub damaged: Damaged,
    /// The same per card function, in the order in which the functions were first entered.
    pub by_function: Vec<FunctionUse>,
    /// The first [`Ledger::LISTED`] live blocks: where a leak comes from.
    pub live: Vec<LiveBlock>,
    /// The first [`Ledger::LISTED`] refused pointers and damaged blocks.
    pub incidents: Vec<Incident>,
    /// The mode in force. A heap in the shared overflow is always plain.
    pub mode: Mode,
    /// The pool of callbacks was used up: this account is shared with other contexts.
    pub shared_overflow: bool,
}

impl Ledger {
    /// How many live blocks and incidents are listed one by one; the counts go on.
    pub const LISTED: usize = 64;

    /// Whether the module gave back everything and never a pointer that was not its own.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.live_blocks == 0 && self.refused.total() == 0 && self.damaged.total() == 0
    }
}

/// The pointers refused, by kind. None of them was touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Never lent by this context: another allocator's, another context's, or the inside of a block.
    pub foreign: u64,
    /// Freed before, and freed again.
    pub double: u64,
    /// Lent once and no longer: moved by `PFN_CSP_REALLOC`, or used after it was freed.
    pub stale: u64,
}

impl Refused {
    /// All kinds together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.foreign + self.double + self.stale
    }
}

/// The damage found around and inside checked blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Damaged {
    /// The bytes just before or behind the block were written.
    pub overrun: u64,
    /// The block was written after it was freed.
    pub written_after_free: u64,
}

impl Damaged {
    /// Both kinds together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.overrun + self.written_after_free
    }
}

/// What one card function did to the memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionUse {
    /// The name given to [`Heap::enter`](crate::Heap::enter); empty where no function ran.
    pub function: &'static str,
    /// The calls of `PFN_CSP_ALLOC` while it ran.
    pub allocs: u64,
    /// The calls of `PFN_CSP_REALLOC` while it ran.
    pub reallocs: u64,
    /// The calls of `PFN_CSP_FREE` while it ran.
    pub frees: u64,
    /// The blocks allocated in it that are still lent.
    pub live_blocks: u64,
    /// Their lengths together, in bytes.
    pub live_bytes: u64,
}

/// A block lent and not yet given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LiveBlock {
    /// Its length as asked for, in bytes.
    pub len: usize,
    /// The card function that allocated it; empty where none ran.
    pub function: &'static str,
    /// Which block of the context it is, counted from 1, while threads do not allocate at once.
    pub serial: u64,
}

/// What was wrong with a pointer or a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IncidentKind {
    /// See [`Refused::foreign`].
    Foreign,
    /// See [`Refused::double`].
    Double,
    /// See [`Refused::stale`].
    Stale,
    /// See [`Damaged::overrun`].
    Overrun,
    /// See [`Damaged::written_after_free`].
    WrittenAfterFree,
}

/// A refused pointer or a damaged block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incident {
    /// What was wrong.
    pub kind: IncidentKind,
    /// The callback it was given to, or the host's own call.
    pub call: &'static str,
    /// The card function that ran; empty where none did.
    pub function: &'static str,
    /// The card function that allocated the block, where that is known.
    pub allocated_in: Option<&'static str>,
}

impl fmt::Display for Incident {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            IncidentKind::Foreign => "a pointer this context never lent",
            IncidentKind::Double => "a block that was freed before",
            IncidentKind::Stale => "a block that is no longer lent",
            IncidentKind::Overrun => "a block written beyond its ends",
            IncidentKind::WrittenAfterFree => "a block written after it was freed",
        };
        write!(f, "{} got {what}", self.call)?;
        if !self.function.is_empty() {
            write!(f, " in {}", self.function)?;
        }
        match self.allocated_in {
            Some(function) if !function.is_empty() => write!(f, " (allocated in {function})"),
            _ => Ok(()),
        }
    }
}
