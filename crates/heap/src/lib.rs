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
//! * Unsafe code is in `callbacks.rs` alone.
#![deny(unsafe_code)]

mod callbacks;
mod functions;
mod heap;
mod ledger;
mod mode;
mod slots;

pub use callbacks::Callbacks;
pub use heap::{BlockError, Entered, Heap, OutOfMemory, late_calls};
pub use ledger::{Damaged, FunctionUse, Incident, IncidentKind, Ledger, LiveBlock, Refused};
pub use mode::{FaultPlan, Mode};
