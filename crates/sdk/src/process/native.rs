//! A thread's depth where the system's loader keeps thread-local values: nothing is left of them when the
//! library goes.

use std::cell::Cell;

thread_local! {
    /// Const and without destructor: see the invariants of `panics`.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// How deep this thread is inside the fence.
pub(crate) fn depth() -> usize {
    DEPTH.with(Cell::get)
}

pub(crate) fn set_depth(depth: usize) {
    DEPTH.with(|cell| cell.set(depth));
}

/// A number no other living thread has, without touching the thread's handle.
#[cfg(not(windows))]
pub(super) fn token() -> usize {
    DEPTH.with(|depth| core::ptr::from_ref(depth).addr())
}
