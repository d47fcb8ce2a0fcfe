//! Where time comes from: the system's clock, or one that a test moves.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// What is called when a clock that does not run by itself was moved.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// A clock that never goes back.
pub trait Clock: fmt::Debug + Send + Sync {
    /// What time it is.
    fn now(&self) -> Instant;

    /// How long to sleep until `moment`; `None` where the clock stands still until somebody moves it, which
    /// the waker then tells.
    fn sleep_until(&self, moment: Instant) -> Option<Duration> {
        Some(moment.saturating_duration_since(self.now()))
    }

    /// Takes what is to be called after each move of a clock that does not run by itself.
    fn on_move(&self, _waker: Waker) {}
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }
}

/// A clock for tests: it stands still until it is moved.
pub struct ManualClock {
    start: Instant,
    moved: Mutex<Moved>,
}

#[derive(Default)]
struct Moved {
    by: Duration,
    wakers: Vec<Waker>,
}

impl ManualClock {
    /// A clock that stands still.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), moved: Mutex::default() })
    }

    /// Moves the clock, and wakes who waits for a moment. What is due then happens on the waiter's thread,
    /// perhaps after this call is over.
    pub fn advance(&self, by: Duration) {
        let wakers = {
            let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
            moved.by += by;
            moved.wakers.clone()
        };
        wakers.iter().for_each(|wake| wake());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start + self.moved.lock().unwrap_or_else(PoisonError::into_inner).by
    }

    fn sleep_until(&self, _moment: Instant) -> Option<Duration> {
        None
    }

    fn on_move(&self, waker: Waker) {
        self.moved.lock().unwrap_or_else(PoisonError::into_inner).wakers.push(waker);
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock").finish_non_exhaustive()
    }
}
