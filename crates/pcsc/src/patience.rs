//! Waiting for another program's transaction, but not for ever.
//!
//! `SCardBeginTransaction` waits without a limit, and nothing ends the wait: pcsc-lite's `SCardCancel` is for
//! changes of readers alone, and every other call of the context waits with it. So a thread waits; who gives up
//! leaves handle and context to it, and it gives both back as soon as it can.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::card::Card;
use crate::codes::{SCARD_E_INVALID_HANDLE, SCARD_E_SHARING_VIOLATION, SCARD_LEAVE_CARD};
use crate::error::PcscError;

/// After this time a wait is worth a word.
const NOTICE: Duration = Duration::from_secs(1);

const CALL: &str = "SCardBeginTransaction";

/// What became of the wait.
enum Wait {
    Goes,
    Over(Result<(), PcscError>),
    /// Nobody wants the transaction any more.
    GivenUp,
}

#[derive(Default)]
struct Shared {
    wait: Mutex<Option<Wait>>,
    over: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<Wait>> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end until then; answers what became of it.
    fn until<'a>(&'a self, held: MutexGuard<'a, Option<Wait>>, end: Instant) -> MutexGuard<'a, Option<Wait>> {
        let left = end.saturating_duration_since(Instant::now());
        let goes = |wait: &mut Option<Wait>| matches!(wait, Some(Wait::Goes));
        let waited = self.over.wait_timeout_while(held, left, goes);
        waited.map_or_else(|poisoned| poisoned.into_inner().0, |(held, _)| held)
    }
}

impl Card {
    /// Begins a transaction, waiting no longer than `patience` while another connection has one; `waiting` is
    /// called once where that takes more than a moment.
    ///
    /// # Errors
    /// What `SCardBeginTransaction` answers; `SCARD_E_SHARING_VIOLATION` where the patience is over. This
    /// connection and its context are then lost: `SCARD_E_INVALID_HANDLE` is what further calls of this
    /// function answer, and other calls may wait for the other program. Connect anew in a context of its own.
    pub fn begin_transaction_within(
        &self,
        patience: Duration,
        waiting: impl FnOnce(),
    ) -> Result<(), PcscError> {
        if self.is_ended() {
            return Err(PcscError::new(SCARD_E_INVALID_HANDLE, CALL));
        }
        let shared = Arc::new(Shared { wait: Mutex::new(Some(Wait::Goes)), ..Shared::default() });
        if self.wait_elsewhere(&shared).is_err() {
            // Without a thread there is no limit.
            return self.begin_transaction();
        }
        let end = Instant::now() + patience;
        let mut held = shared.until(shared.lock(), end.min(Instant::now() + NOTICE));
        if matches!(*held, Some(Wait::Goes)) && Instant::now() < end {
            drop(held);
            waiting();
            held = shared.until(shared.lock(), end);
        }
        match held.replace(Wait::GivenUp) {
            Some(Wait::Over(result)) => result,
            _ => {
                self.abandon();
                Err(PcscError::new(SCARD_E_SHARING_VIOLATION, CALL))
            }
        }
    }

    /// Has a thread begin the transaction, and end it again where nobody waits for it any more.
    fn wait_elsewhere(&self, shared: &Arc<Shared>) -> std::io::Result<()> {
        let (context, handle, shared) = (self.context(), self.raw(), Arc::clone(shared));
        let wait = move || {
            let begun = context.provider.begin_transaction(handle);
            let mut held = shared.lock();
            if matches!(*held, Some(Wait::GivenUp)) {
                drop(held);
                // The transaction, where it was had after all, ends with the connection.
                let _ = context.provider.disconnect(handle, SCARD_LEAVE_CARD);
                return;
            }
            *held = Some(Wait::Over(begun));
            drop(held);
            shared.over.notify_one();
        };
        std::thread::Builder::new().name("cardmod-wait".to_owned()).spawn(wait).map(drop)
    }
}
