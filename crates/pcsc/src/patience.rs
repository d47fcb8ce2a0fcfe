//! Waiting for another program's transaction, but not for ever.
//!
//! `SCardBeginTransaction` waits without a limit, as do, outside of a transaction, `SCardReconnect` and, on
//! Windows, `SCardStatus`; and nothing ends the wait: pcsc-lite's `SCardCancel` is for
//! changes of readers alone, and every other call of the context waits with it. So a thread waits; who gives up
//! leaves handle and context to it, and it gives both back as soon as it can.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::card::{Card, Disposition};
use crate::codes::{SCARD_E_INVALID_HANDLE, SCARD_E_SHARING_VIOLATION, SCARD_LEAVE_CARD};
use crate::context::{Context, Protocols, ShareMode};
use crate::error::PcscError;
use crate::provider::Provider;
use crate::raw::CardStatus;

/// After this time a wait is worth a word.
const NOTICE: Duration = Duration::from_secs(1);

/// What became of the wait.
enum Wait<T> {
    Goes,
    Over(Result<T, PcscError>),
    /// Nobody wants it any more.
    GivenUp,
}

struct Shared<T> {
    wait: Mutex<Wait<T>>,
    over: Condvar,
}

impl<T> Shared<T> {
    fn lock(&self) -> MutexGuard<'_, Wait<T>> {
        self.wait.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the end until then.
    fn until(&self, end: Instant) -> MutexGuard<'_, Wait<T>> {
        let left = end.saturating_duration_since(Instant::now());
        let goes = |wait: &mut Wait<T>| matches!(wait, Wait::Goes);
        let waited = self.over.wait_timeout_while(self.lock(), left, goes);
        waited.map_or_else(|poisoned| poisoned.into_inner().0, |(held, _)| held)
    }
}

/// How long somebody waits for other programs, and what he does meanwhile.
struct Patience<W> {
    limit: Duration,
    /// Called once where it takes more than a moment.
    waiting: W,
}

/// How a wait ended.
enum Ended<T> {
    WithAnswer(Result<T, PcscError>),
    WithoutPatience,
    /// There is no thread to wait.
    AtOnce,
}

impl<W: FnOnce()> Patience<W> {
    /// Has a thread do something that may wait; `undo` is for what came of it when nobody wants it any more.
    fn wait<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, PcscError> + Send + 'static,
        undo: impl FnOnce(Result<T, PcscError>) + Send + 'static,
    ) -> Ended<T> {
        let shared = Arc::new(Shared { wait: Mutex::new(Wait::Goes), over: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let thread = move || {
            let result = work();
            let mut held = theirs.lock();
            if matches!(*held, Wait::GivenUp) {
                drop(held);
                return undo(result);
            }
            *held = Wait::Over(result);
            drop(held);
            theirs.over.notify_one();
        };
        if std::thread::Builder::new().name("cardmod-wait".to_owned()).spawn(thread).is_err() {
            return Ended::AtOnce;
        }
        let end = Instant::now() + self.limit;
        let mut held = shared.until(end.min(Instant::now() + NOTICE));
        if matches!(*held, Wait::Goes) && Instant::now() < end {
            drop(held);
            (self.waiting)();
            held = shared.until(end);
        }
        match std::mem::replace(&mut *held, Wait::GivenUp) {
            Wait::Over(result) => Ended::WithAnswer(result),
            _ => Ended::WithoutPatience,
        }
    }
}

/// Each of these waits no longer than `limit` while another connection has a transaction; `waiting` is called
/// once where that takes more than a moment. Where the time is over they answer `SCARD_E_SHARING_VIOLATION`,
/// and this connection and its context are lost: `SCARD_E_INVALID_HANDLE` is what further calls of these
/// functions answer, and other calls may wait for the other program. Connect anew in a context of its own.
impl Card {
    /// Begins a transaction, not waiting for ever.
    ///
    /// # Errors
    /// What `SCardBeginTransaction` answers; else see above.
    pub fn begin_transaction_within(&self, limit: Duration, waiting: impl FnOnce()) -> Result<(), PcscError> {
        self.within(Patience { limit, waiting }, "SCardBeginTransaction", Provider::begin_transaction)
    }

    /// [`Card::status`], not waiting for ever: outside of a transaction Windows keeps `SCardStatus` waiting for
    /// the end of another connection's.
    ///
    /// # Errors
    /// What `SCardStatus` answers; else see above.
    pub fn status_within(&self, limit: Duration, waiting: impl FnOnce()) -> Result<CardStatus, PcscError> {
        self.within(Patience { limit, waiting }, "SCardStatus", Provider::status)
    }

    /// [`Card::reconnect`], not waiting for ever.
    ///
    /// # Errors
    /// What `SCardReconnect` answers; else see above. Where the time is over, the card may still be reset as
    /// `initialization` says, as soon as the other program lets go of it.
    pub fn reconnect_within(
        &self,
        limit: Duration,
        waiting: impl FnOnce(),
        share: ShareMode,
        protocols: Protocols,
        initialization: Disposition,
    ) -> Result<(), PcscError> {
        let (share, first) = (share.code(), initialization.code());
        let work = move |provider: &Provider, handle| provider.reconnect(handle, share, protocols.0, first);
        self.within(Patience { limit, waiting }, "SCardReconnect", work).map(|active| self.speaks(active))
    }

    /// Has a thread do something with the handle, which is the thread's when nobody waits for it any more.
    fn within<T: Send + 'static>(
        &self,
        patience: Patience<impl FnOnce()>,
        call: &'static str,
        work: impl FnOnce(&Provider, usize) -> Result<T, PcscError> + Clone + Send + 'static,
    ) -> Result<T, PcscError> {
        if self.is_ended() {
            return Err(PcscError::new(SCARD_E_INVALID_HANDLE, call));
        }
        let (context, handle) = (self.context(), self.raw());
        let (later, theirs) = (self.context(), work.clone());
        let ended = patience.wait(
            move || theirs(&context.provider, handle),
            // A transaction that was had after all ends with the connection.
            move |_| {
                let _ = later.provider.disconnect(handle, SCARD_LEAVE_CARD);
            },
        );
        match ended {
            Ended::WithAnswer(answer) => answer,
            Ended::WithoutPatience => {
                self.abandon();
                Err(PcscError::new(SCARD_E_SHARING_VIOLATION, call))
            }
            Ended::AtOnce => work(&self.context().provider, handle),
        }
    }
}

impl Context {
    /// Connects to the card in a reader, waiting no longer than `limit` while another connection has a
    /// transaction: there are resource managers that wait for its end in `SCardConnect`.
    ///
    /// # Errors
    /// What `SCardConnect` answers; `SCARD_E_SHARING_VIOLATION` also where the time is over. Calls in this
    /// context may then wait for the other program, so it is best replaced.
    pub fn connect_within(
        &self,
        limit: Duration,
        waiting: impl FnOnce(),
        reader: &str,
        share: ShareMode,
        protocols: Protocols,
    ) -> Result<Card, PcscError> {
        let (context, name) = (self.another(), reader.to_owned());
        let waited = Patience { limit, waiting }.wait(move || context.connect(&name, share, protocols), drop);
        match waited {
            Ended::WithAnswer(connected) => connected,
            Ended::WithoutPatience => Err(PcscError::new(SCARD_E_SHARING_VIOLATION, "SCardConnect")),
            Ended::AtOnce => self.connect(reader, share, protocols),
        }
    }
}
