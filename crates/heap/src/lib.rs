//! The memory a host lends to card modules: `PFN_CSP_ALLOC`, `PFN_CSP_REALLOC` and `PFN_CSP_FREE`.
//!
//! A host makes one [`Heap`] per `CARD_DATA`, puts its [`Callbacks`] there, and says with
//! [`Heap::enter`] which card function runs. What a module answers it takes over with [`Heap::take`];
//! what it owes a module (a cached file, a padded block) it makes with [`Heap::give`]. At the end the
//! [`Ledger`] says whether the module was clean.
//!
//! # Invariants
//!
//! * An address is looked up outside the blocks before anything it points at is touched: a foreign, stale
//!   or double pointer is refused, counted and reported.
//! * A block is at a multiple of 16, zeroed when lent, and wiped when it is freed, moved or cut off.
//! * A callback works from any thread and never fails otherwise than by NULL, also after its heap is gone.
//! * Unsafe code is in `callbacks.rs` (the C functions), `pages.rs` (the system's memory), `arena/mod.rs`
//!   and `arena/run.rs` (raw bytes), `arena/lock.rs` (the lock), and for tests
//!   `tests/module.rs` (a module's reads and writes); and nowhere else.
//!
//! # How it works
//!
//! ```text
//! callbacks.rs   one triple of C functions per slot
//! slots.rs       slot: who owns the triple; leads a call to a stripe
//! stripe.rs      stripe: spans, free blocks and counts under one lock
//! span.rs        span: a run cut into blocks, and what is known of each, beside the run
//! arena/         one reserved range of addresses; a table says whose each 64 KiB are
//! ```
//!
//! A context uses one stripe, whose counts are exact, until its callbacks are seen to collide; from then on
//! each thread uses one of several. The memory of a context is its own: spans are not shared, and when
//! the heap is dropped they go back whole.
//!
//! # Limits
//!
//! * A child forked while another thread is inside a callback may wait for ever when it uses that heap: a
//!   process that goes on using contexts after `fork` makes new ones.
//! * With more contexts than slots since a context ended, a module's very late call may reach the slot's
//!   next owner: its pointers are refused as foreign there, unless the same address has been lent again.
#![deny(unsafe_code)]

mod account;
mod arena;
mod callbacks;
mod checked;
mod classes;
mod functions;
mod heap;
mod ledger;
mod mode;
mod pages;
mod slots;
mod span;
mod stripe;
#[cfg(test)]
mod tests;

pub use callbacks::Callbacks;
pub use heap::{BlockError, Entered, Heap, OutOfMemory, late_calls};
pub use ledger::{Damaged, FunctionUse, Incident, IncidentKind, Ledger, LiveBlock, Refused};
pub use mode::{FaultPlan, Mode};
