//! What a card needs from outside: storage, randomness, time. All I/O of the crate is behind these.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::fault::CardFault;

/// Where a card's persistent state goes.
pub trait Storage {
    /// Replaces the stored state as a whole, durably: after an error or a power cut either the old or
    /// the new one is there. The bytes are secret.
    ///
    /// # Errors
    /// [`CardFault::NotSaved`] with the old state intact.
    fn save(&mut self, state: &[u8]) -> Result<(), CardFault>;
}

/// A source of randomness for keys, challenges and nonces.
pub trait Random {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`CardFault::Random`].
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault>;
}

/// A clock that all processes of one machine share.
pub trait Clock: Send {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;
}

/// The operating system's random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        getrandom::fill(out).map_err(|_| CardFault::Random)
    }
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
