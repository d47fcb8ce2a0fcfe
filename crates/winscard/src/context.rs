//! An application's context: its real counterpart, and the one call of it that may block for long.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::forward::RealContext;

pub(crate) struct Context {
    pub(crate) id: u32,
    pub(crate) real: RealContext,
    blocked: Mutex<Blocked>,
}

#[derive(Default)]
struct Blocked {
    waiting: u32,
    cancelled: bool,
    released: bool,
}

/// How a wait is to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    GoOn,
    Cancelled,
    Released,
}

impl Context {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, real: RealContext::default(), blocked: Mutex::default() }
    }

    /// Marks a blocking call; it is over when the guard is gone.
    pub(crate) fn block(&self) -> Waiting<'_> {
        self.lock().waiting += 1;
        Waiting { context: self }
    }

    /// Cancels the blocking call, if there is one.
    pub(crate) fn cancel(&self) {
        {
            let mut blocked = self.lock();
            blocked.cancelled = blocked.waiting > 0;
        }
        self.real.cancel();
    }

    /// Ends the blocking call because its context is gone.
    pub(crate) fn release(&self) {
        self.lock().released = true;
        self.real.cancel();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Blocked> {
        self.blocked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) struct Waiting<'a> {
    context: &'a Context,
}

impl Waiting<'_> {
    pub(crate) fn verdict(&self) -> Verdict {
        let blocked = self.context.lock();
        match (blocked.released, blocked.cancelled) {
            (true, _) => Verdict::Released,
            (false, true) => Verdict::Cancelled,
            (false, false) => Verdict::GoOn,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut blocked = self.context.lock();
        blocked.waiting -= 1;
        if blocked.waiting == 0 {
            blocked.cancelled = false;
        }
    }
}

/// Wakes the blocked calls of this process when something in it changes.
#[derive(Default)]
pub(crate) struct Events {
    count: Mutex<u64>,
    changed: Condvar,
}

impl Events {
    pub(crate) fn notify(&self) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.changed.notify_all();
    }

    /// The number of changes so far, to be given to [`Events::wait`].
    pub(crate) fn count(&self) -> u64 {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there are more changes than `seen`, at most as long as `longest`.
    pub(crate) fn wait(&self, seen: u64, longest: Duration) {
        let count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.changed.wait_timeout_while(count, longest, |count| *count == seen);
    }
}
