//! The one thread of a [`Host`](crate::Host): it does what is due when time has passed without anybody
//! asking, above all the end of a transaction that goes on after its last operation.
//!
//! It is started when the first thing has to be waited for, sleeps until the next is due, and ends with
//! the last of host and cards, who wait for its end.
//!
//! Locks: the timer's own is never held while something due is done, so whoever is called may lock what it
//! likes and set the timer again.

use std::collections::HashMap;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::Instant;

use crate::clock::Clock;

/// What is done when its time has come.
pub(crate) trait Due: Send + Sync {
    /// Does what is due at `now`; answers when to come again. It does not wait for a user of the thing: who
    /// uses it sets the timer afterwards.
    fn due(&self, now: Instant) -> Option<Instant>;

    /// The host ends: does it at once, whatever the time, unless the thing is in use.
    fn now_or_never(&self);
}

/// A name for what the timer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimerId(u64);

/// The timer; its thread ends when it is dropped.
pub(crate) struct Timer {
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread and its owners share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: HashMap<TimerId, (Instant, Weak<dyn Due>)>,
    /// What the thread is at.
    at_work_on: Option<TimerId>,
    last: u64,
    stop: bool,
}

impl Timer {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        let shared = Arc::new(Shared::default());
        let moved = Arc::downgrade(&shared);
        clock.on_move(Arc::new(move || {
            if let Some(shared) = moved.upgrade() {
                // Taken and given back: a thread that looked at the clock before it was moved sleeps by now.
                drop(shared.lock());
                shared.changed.notify_all();
            }
        }));
        Arc::new(Self { clock, shared, thread: Mutex::default() })
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn new_id(&self) -> TimerId {
        let mut state = self.shared.lock();
        state.last += 1;
        TimerId(state.last)
    }

    /// Has something done at `when`, instead of the moment set before.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(crate) fn set(&self, id: TimerId, when: Instant, what: Weak<dyn Due>) -> io::Result<()> {
        self.run()?;
        let mut state = self.shared.lock();
        let earlier = state.waiting.values().all(|(other, _)| when < *other);
        state.waiting.insert(id, (when, what));
        // Otherwise the thread wakes in time by itself, and looks again.
        if earlier {
            self.shared.changed.notify_all();
        }
        Ok(())
    }

    /// Forgets something. When this returns, the thread is not at it, nor will it be.
    pub(crate) fn forget(&self, id: TimerId) {
        let mut state = self.shared.lock();
        state.waiting.remove(&id);
        while state.at_work_on == Some(id) {
            state = self.shared.wait(state);
            state.waiting.remove(&id);
        }
    }

    /// Does everything that is waited for at once, on this thread.
    pub(crate) fn finish_all(&self) {
        let all = core::mem::take(&mut self.shared.lock().waiting);
        for what in all.into_values().filter_map(|(_, what)| what.upgrade()) {
            what.now_or_never();
        }
    }

    /// Starts the thread, unless it runs.
    fn run(&self) -> io::Result<()> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if thread.as_ref().is_none_or(JoinHandle::is_finished) {
            let (shared, clock) = (Arc::clone(&self.shared), Arc::clone(&self.clock));
            let run = move || shared.run(&*clock);
            *thread = Some(std::thread::Builder::new().name("cardmod-timer".to_owned()).spawn(run)?);
        }
        Ok(())
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the timer's thread panicked");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread.
    fn run(&self, clock: &dyn Clock) {
        let mut state = self.lock();
        while !state.stop {
            let next = state.waiting.iter().min_by_key(|(_, (when, _))| *when);
            let Some((id, when)) = next.map(|(id, (when, _))| (*id, *when)) else {
                state = self.wait(state);
                continue;
            };
            let now = clock.now();
            state = if when > now { self.sleep(state, clock, when) } else { self.work(state, id, now) };
        }
    }

    fn sleep<'a>(
        &self,
        state: MutexGuard<'a, State>,
        clock: &dyn Clock,
        until: Instant,
    ) -> MutexGuard<'a, State> {
        match clock.sleep_until(until) {
            Some(pause) => self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0,
            None => self.wait(state),
        }
    }

    /// Does one thing that is due, without the lock.
    fn work<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        id: TimerId,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        let Some(what) = state.waiting.remove(&id).map(|(_, what)| what) else { return state };
        state.at_work_on = Some(id);
        drop(state);
        // Whoever forgets this waits for its end, so the thread must outlive it.
        let done = catch_unwind(AssertUnwindSafe(|| what.upgrade().and_then(|due| due.due(now))));
        let again = done.unwrap_or_else(|_| {
            tracing::error!("what the timer was to do panicked");
            None
        });
        let mut state = self.lock();
        state.at_work_on = None;
        if let Some(when) = again {
            // What was set meanwhile is newer.
            state.waiting.entry(id).or_insert((when, what));
        }
        self.changed.notify_all();
        state
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    /// Tells that it was done, and wants to be done again after a while.
    struct Told(Mutex<Sender<Instant>>, Option<Duration>);

    impl Due for Told {
        fn due(&self, now: Instant) -> Option<Instant> {
            self.0.lock().expect("no panic").send(now).expect("a listener");
            self.1.map(|pause| now + pause)
        }

        fn now_or_never(&self) {
            self.due(Instant::now());
        }
    }

    fn told(again: Option<Duration>) -> (Arc<dyn Due>, Receiver<Instant>) {
        let (sender, receiver) = channel();
        (Arc::new(Told(Mutex::new(sender), again)), receiver)
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_due_is_done_once_in_order_and_again_where_it_asks() {
        let clock = ManualClock::new();
        let timer = Timer::new(clock.clone());
        let start = clock.now();
        let (once, heard_once) = told(None);
        let (often, heard_often) = told(Some(SECOND));
        timer.set(timer.new_id(), start + 2 * SECOND, Arc::downgrade(&once)).expect("a thread");
        timer.set(timer.new_id(), start + SECOND, Arc::downgrade(&often)).expect("a thread");
        clock.advance(SECOND);
        assert_eq!(heard_often.recv(), Ok(start + SECOND));
        clock.advance(SECOND);
        assert_eq!(heard_often.recv(), Ok(start + 2 * SECOND));
        assert_eq!(heard_once.recv(), Ok(start + 2 * SECOND));
        clock.advance(SECOND);
        assert_eq!(heard_often.recv(), Ok(start + 3 * SECOND));
        assert!(heard_once.try_recv().is_err(), "done already");
    }

    #[test]
    fn something_that_panics_holds_nobody_up() {
        struct Broken;
        impl Due for Broken {
            fn due(&self, _now: Instant) -> Option<Instant> {
                panic!("what is due is broken")
            }
            fn now_or_never(&self) {}
        }
        let clock = ManualClock::new();
        let timer = Timer::new(clock.clone());
        let broken: Arc<dyn Due> = Arc::new(Broken);
        let (next, heard) = told(None);
        let id = timer.new_id();
        timer.set(id, clock.now() + SECOND, Arc::downgrade(&broken)).expect("a thread");
        timer.set(timer.new_id(), clock.now() + 2 * SECOND, Arc::downgrade(&next)).expect("a thread");
        clock.advance(2 * SECOND);
        heard.recv().expect("the next one is done");
        timer.forget(id);
    }

    #[test]
    fn what_is_forgotten_or_gone_is_not_done() {
        let clock = ManualClock::new();
        let timer = Timer::new(clock.clone());
        let due = clock.now() + SECOND;
        let (forgotten, never) = told(None);
        let (gone, neither) = told(None);
        let (last, heard) = told(None);
        let id = timer.new_id();
        timer.set(id, due, Arc::downgrade(&forgotten)).expect("a thread");
        timer.set(timer.new_id(), due, Arc::downgrade(&gone)).expect("a thread");
        timer.set(timer.new_id(), due + SECOND, Arc::downgrade(&last)).expect("a thread");
        timer.forget(id);
        drop(gone);
        clock.advance(2 * SECOND);
        heard.recv().expect("the last one");
        assert!(never.try_recv().is_err() && neither.try_recv().is_err());
    }

    #[test]
    fn the_thread_ends_with_its_timer_and_runs_only_when_needed() {
        let clock = ManualClock::new();
        let timer = Timer::new(clock.clone());
        assert!(timer.thread.lock().expect("no panic").is_none(), "nothing to wait for");
        let (what, heard) = told(None);
        timer.set(timer.new_id(), clock.now() + SECOND, Arc::downgrade(&what)).expect("a thread");
        let shared = Arc::downgrade(&timer.shared);
        timer.finish_all();
        heard.recv().expect("done at once");
        drop(timer);
        assert!(shared.upgrade().is_none(), "the thread is gone, and what it shared");
        clock.advance(SECOND);
    }
}
