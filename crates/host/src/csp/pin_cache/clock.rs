//! What time it is, for PINs that may be kept for some seconds.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment on two clocks, which part when the machine sleeps or its clock is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Since some fixed moment; stands still while the machine sleeps, on most systems.
    pub running: Duration,
    /// Since 1970, by the clock on the wall.
    pub wall: Duration,
}

/// How far the two clocks may part by the usual corrections of the wall clock.
const DRIFT: Duration = Duration::from_secs(60);

impl Moment {
    /// The time since `earlier`, by the clock that says more; `None` where the machine slept, or its
    /// clock was set, between the two.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Duration> {
        let running = self.running.checked_sub(earlier.running)?;
        let wall = match self.wall.checked_sub(earlier.wall) {
            Some(wall) => wall,
            None if earlier.wall - self.wall <= DRIFT => Duration::ZERO,
            None => return None,
        };
        (running.abs_diff(wall) <= DRIFT).then(|| running.max(wall))
    }
}

/// Tells a [`PinCache`](super::PinCache) the time.
pub trait PinClock: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
}

/// The system's clocks.
#[derive(Clone, Copy, Debug)]
pub(super) struct SystemClock(Instant);

impl SystemClock {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }
}

impl PinClock for SystemClock {
    fn now(&self) -> Moment {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment { running: self.0.elapsed(), wall }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(running: u64, wall: u64) -> Moment {
        Moment { running: Duration::from_secs(running), wall: Duration::from_secs(wall) }
    }

    #[test]
    fn the_clock_that_says_more_counts() {
        let stored = moment(100, 5_000);
        assert_eq!(moment(110, 5_010).since(stored), Some(Duration::from_secs(10)));
        assert_eq!(moment(110, 5_030).since(stored), Some(Duration::from_secs(30)));
        assert_eq!(moment(110, 4_999).since(stored), Some(Duration::from_secs(10)));
    }

    #[test]
    fn sleep_and_a_clock_that_is_set_are_noticed() {
        let stored = moment(100, 5_000);
        assert_eq!(moment(110, 9_000).since(stored), None, "it slept, or was set forward");
        assert_eq!(moment(110, 4_000).since(stored), None, "it was set back");
        assert_eq!(moment(90, 5_010).since(stored), None, "another clock altogether");
    }
}
