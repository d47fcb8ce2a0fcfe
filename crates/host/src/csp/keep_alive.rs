//! A transaction that is kept in use while a person takes his time.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How often a sign of life is given. Windows resets a card whose transaction nobody used for five seconds,
/// and any call for the card is a use (SCardBeginTransaction, remarks).
pub(super) const EVERY: Duration = Duration::from_secs(2);

/// Waits, and gives signs of life meanwhile until one fails. What the wait is for is done on this thread.
pub(super) fn while_alive<T>(
    every: Duration,
    mut sign: impl FnMut() -> bool + Send,
    wait: impl FnOnce() -> T,
) -> T {
    let (waiting, over) = channel::<()>();
    std::thread::scope(|scope| {
        let signs = move || while over.recv_timeout(every) == Err(RecvTimeoutError::Timeout) && sign() {};
        let thread = std::thread::Builder::new().name("cardmod-alive".to_owned()).spawn_scoped(scope, signs);
        if let Err(error) = thread {
            tracing::debug!(%error, "nobody keeps the transaction in use");
        }
        // Dropped at the end of the wait, however it ends: the thread goes at once.
        let _waiting = waiting;
        wait()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_given_while_it_is_waited() {
        let (given, seen) = channel();
        let sign = move || given.send(()).is_ok();
        let count = while_alive(Duration::from_millis(1), sign, move || {
            (0..3).filter(|_| seen.recv().is_ok()).count()
        });
        assert_eq!(count, 3, "and the thread ended, or this would not be reached");
    }

    #[test]
    fn a_failed_sign_is_the_last_and_a_panic_ends_them() {
        let mut signs = 0;
        let (failed, seen) = channel();
        let sign = || {
            signs += 1;
            failed.send(()).expect("somebody waits");
            false
        };
        while_alive(Duration::from_millis(1), sign, || seen.recv().expect("a sign"));
        assert_eq!(signs, 1);
        let panicked = std::panic::catch_unwind(|| while_alive(EVERY, || true, || panic!("the responder")));
        assert!(panicked.is_err());
    }
}
