//! Watching the readers: what is inserted, removed, attached and detached, waited for and not asked for
//! again and again.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cardmod_pcsc::{
    CancelHandle, Context, PNP_NOTIFICATION, PcscError, Provider, ReaderState, SCARD_E_CANCELLED,
    SCARD_E_INVALID_HANDLE, SCARD_E_NO_SERVICE, SCARD_E_READER_UNAVAILABLE, SCARD_E_SERVICE_STOPPED,
    SCARD_E_TIMEOUT, SCARD_E_UNKNOWN_READER, SCARD_F_COMM_ERROR, SCARD_STATE_PRESENT,
};

use crate::csp::PinCache;
use crate::error::Error;
use crate::host::{Host, ReaderInfo, reader_info};

/// How long the end of a wait that was cancelled is waited for before it is cancelled again.
const AGAIN: Duration = Duration::from_millis(10);

/// How often a service that stops, or a reader that goes, is looked for anew within one wait.
const FAILURES: u32 = 10;

/// What happened to a reader.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReaderEvent {
    /// A reader is there that was not.
    ReaderAdded(ReaderInfo),
    /// A reader is gone; a card it held was reported as removed before.
    ReaderRemoved {
        /// Its name.
        reader: String,
    },
    /// A card is there that was not.
    CardInserted(ReaderInfo),
    /// A card is gone.
    CardRemoved {
        /// The name of the reader that held it.
        reader: String,
    },
}

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// Something happened, in this order.
    Events(Vec<ReaderEvent>),
    /// Nothing happened in the time allowed.
    TimedOut,
    /// [`WatchStop::stop`] was called; every later wait ends so too.
    Stopped,
}

/// Watches the readers of a [`Host`]; see [`Host::watch`].
pub struct Watch {
    context: Context,
    readers: Vec<ReaderState>,
    notification: ReaderState,
    begun: bool,
    /// What happened and was not reported yet: no failure loses it.
    events: Vec<ReaderEvent>,
    switch: Arc<Switch>,
    pin_cache: PinCache,
}

/// Ends a [`Watch`]'s wait from another thread.
#[derive(Clone)]
pub struct WatchStop {
    switch: Arc<Switch>,
}

#[derive(Default)]
struct Switch {
    state: Mutex<SwitchState>,
    changed: Condvar,
}

#[derive(Default)]
struct SwitchState {
    stopped: bool,
    /// What ends the wait that goes on.
    waiting: Option<CancelHandle>,
}

impl Host {
    /// Begins to watch the readers, virtual and real ones. PINs of cards that are seen to go are forgotten.
    ///
    /// # Errors
    /// [`Error::Pcsc`].
    pub fn watch(&self) -> Result<Watch, Error> {
        Ok(Watch {
            context: establish(self.provider())?,
            readers: Vec::new(),
            notification: ReaderState::unaware(PNP_NOTIFICATION),
            begun: false,
            events: Vec::new(),
            switch: Arc::default(),
            pin_cache: self.pin_cache().clone(),
        })
    }
}

impl Watch {
    /// Waits until something happens, at most as long as `timeout` (`None` waits without end). The
    /// first call answers at once with the readers and cards that are there, which may be none.
    ///
    /// # Errors
    /// [`Error::Pcsc`]. A service that is restarted is no error: its readers are gone and come back.
    pub fn next(&mut self, timeout: Option<Duration>) -> Result<Watched, Error> {
        // A time beyond every clock is no limit.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut failures = 0;
        loop {
            let result = self.look(deadline);
            if self.switch.is_stopped() {
                return Ok(Watched::Stopped);
            }
            match result.map_err(|error| (error.code, error)) {
                Ok(()) => {}
                Err((SCARD_E_TIMEOUT, _)) if !self.events.is_empty() || !self.begun => {}
                Err((SCARD_E_TIMEOUT, _)) => return Ok(Watched::TimedOut),
                Err((code, _)) if is_passing(code) && failures < FAILURES => {
                    failures += 1;
                    self.context = establish(self.context.provider())?;
                    continue;
                }
                Err((_, error)) => return Err(failed(error)),
            }
            if !self.events.is_empty() || !std::mem::replace(&mut self.begun, true) {
                let events = std::mem::take(&mut self.events);
                self.forget_pins(&events);
                return Ok(Watched::Events(events));
            }
        }
    }

    /// Looks which readers there are, and waits until something happens to them.
    fn look(&mut self, deadline: Option<Instant>) -> Result<(), PcscError> {
        self.relist()?;
        let wait = if self.events.is_empty() && self.begun { None } else { Some(Duration::ZERO) };
        let remaining = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let result = self.wait(wait.or(remaining));
        self.take_states();
        result
    }

    /// What ends the wait from another thread, or from a signal's.
    #[must_use]
    pub fn stopper(&self) -> WatchStop {
        WatchStop { switch: Arc::clone(&self.switch) }
    }

    /// The PINs of cards that are gone are kept no longer.
    fn forget_pins(&self, events: &[ReaderEvent]) {
        for event in events {
            if let ReaderEvent::CardRemoved { reader } | ReaderEvent::ReaderRemoved { reader } = event {
                self.pin_cache.forget_reader(reader);
            }
        }
    }

    /// Compares the readers there are with those that are known.
    fn relist(&mut self) -> Result<(), PcscError> {
        let names = self.context.list_readers()?;
        let events = &mut self.events;
        self.readers.retain(|reader| {
            let stays = names.contains(&reader.name);
            if !stays && reader.current & SCARD_STATE_PRESENT != 0 {
                events.push(ReaderEvent::CardRemoved { reader: reader.name.clone() });
            }
            if !stays {
                events.push(ReaderEvent::ReaderRemoved { reader: reader.name.clone() });
            }
            stays
        });
        for name in names {
            if !self.readers.iter().any(|reader| reader.name == name) {
                self.readers.push(ReaderState::unaware(&name));
            }
        }
        // A reader that was never looked at is reported by the look that follows.
        Ok(())
    }

    /// One call of the resource manager, which [`WatchStop::stop`] ends.
    fn wait(&mut self, longest: Option<Duration>) -> Result<(), PcscError> {
        let mut states = self.readers.clone();
        states.push(self.notification.clone());
        let unaware = states.iter().any(|state| state.current == 0 && state.name != PNP_NOTIFICATION);
        let longest = if unaware { Some(Duration::ZERO) } else { longest };
        let milliseconds = longest.map(|longest| {
            // Not a millisecond early: a wait that is over must find its time over.
            u32::try_from(longest.as_micros().div_ceil(1000)).unwrap_or(u32::MAX - 1)
        });
        if !self.switch.begin(&self.context) {
            return Err(PcscError::new(SCARD_E_CANCELLED, "SCardGetStatusChange"));
        }
        let result = self.context.status_change(milliseconds, &mut states);
        self.switch.end();
        if matches!(result.as_ref().map_err(|error| error.code), Ok(()) | Err(SCARD_E_TIMEOUT)) {
            self.notification = states.pop().unwrap_or_else(|| self.notification.clone());
            self.notification.acknowledge();
            self.readers = states;
        }
        result
    }

    /// Makes events of what the last call reported.
    fn take_states(&mut self) {
        let events = &mut self.events;
        for reader in &mut self.readers {
            let (before, now) = (reader.current, reader.event);
            if now == 0 {
                continue;
            }
            let first = before == 0;
            reader.acknowledge();
            if first {
                events.push(ReaderEvent::ReaderAdded(reader_info(reader.clone())));
            }
            let had = !first && before & SCARD_STATE_PRESENT != 0;
            let has = reader.has_card();
            // Taken out and put in again between two looks: only the reader's counter tells.
            let replaced = had && has && before >> 16 != now >> 16;
            if had && (!has || replaced) {
                events.push(ReaderEvent::CardRemoved { reader: reader.name.clone() });
            }
            if has && (!had || replaced) {
                events.push(ReaderEvent::CardInserted(reader_info(reader.clone())));
            }
            reader.event = 0;
        }
    }
}

impl WatchStop {
    /// Ends the wait that goes on, and every later one. It comes back once the wait is over.
    pub fn stop(&self) {
        let mut state = self.switch.lock();
        state.stopped = true;
        // A wait that is announced may not have reached the resource manager yet, which forgets a
        // cancellation of nothing: so it is cancelled until it is over.
        while let Some(waiting) = state.waiting.clone() {
            drop(state);
            if let Err(error) = waiting.cancel() {
                tracing::debug!(%error, "a wait for readers was not cancelled");
            }
            state = self.switch.lock();
            if state.waiting.is_some() {
                let wait = self.switch.changed.wait_timeout(state, AGAIN);
                state = wait.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

impl Switch {
    /// A wait begins, unless the watch is stopped.
    fn begin(&self, context: &Context) -> bool {
        let mut state = self.lock();
        if !state.stopped {
            state.waiting = Some(context.cancel_handle());
        }
        !state.stopped
    }

    fn end(&self) {
        self.lock().waiting = None;
        self.changed.notify_all();
    }

    fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SwitchState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A service that was restarted, or a reader gone between the list and the wait: the next list tells.
fn is_passing(code: u32) -> bool {
    matches!(
        code,
        SCARD_E_NO_SERVICE
            | SCARD_E_SERVICE_STOPPED
            | SCARD_E_INVALID_HANDLE
            | SCARD_E_UNKNOWN_READER
            | SCARD_E_READER_UNAVAILABLE
            | SCARD_F_COMM_ERROR
    )
}

fn establish(provider: &Arc<Provider>) -> Result<Context, Error> {
    Context::establish(provider).map_err(failed)
}

fn failed(error: PcscError) -> Error {
    Error::of_pcsc("the readers", error)
}
