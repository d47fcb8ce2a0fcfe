//! A sign of life for what takes longer than a second, while a person is watching.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// How long a step may take before anything is drawn.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);

/// A spinner that appears after a second and vanishes when dropped.
pub(crate) struct Progress(Rc<Spinner>);

/// Takes a spinner away for as long as a question is asked.
pub(crate) struct Pause(Rc<Spinner>);

struct Spinner {
    watched: bool,
    what: String,
    drawer: RefCell<Option<Drawer>>,
}

/// The thread that draws; it ends, and the line is cleared, when this is dropped.
struct Drawer {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts waiting; `what` is what is being done ("generating rsa4096").
    pub(crate) fn start(out: Output, what: impl Into<String>) -> Self {
        let spinner =
            Rc::new(Spinner { watched: out.watched(), what: what.into(), drawer: RefCell::new(None) });
        spinner.show();
        Self(spinner)
    }

    /// What whoever asks questions meanwhile needs.
    pub(crate) fn pause(&self) -> Pause {
        Pause(Rc::clone(&self.0))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.hide();
    }
}

impl Pause {
    /// Asks with nothing drawn; the second of patience begins anew afterwards.
    pub(crate) fn during<T>(&self, ask: impl FnOnce() -> T) -> T {
        self.0.hide();
        let answer = ask();
        self.0.show();
        answer
    }
}

impl Spinner {
    fn show(&self) {
        if self.watched {
            *self.drawer.borrow_mut() = Some(Drawer::start(self.what.clone()));
        }
    }

    fn hide(&self) {
        *self.drawer.borrow_mut() = None;
    }
}

impl Drawer {
    fn start(what: String) -> Self {
        let (stop, stopped) = mpsc::channel();
        let thread = thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            let bar = ProgressBar::new_spinner().with_message(what);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(TICK);
            // Either answer means the end: a message, or the sender gone.
            let _ = stopped.recv();
            bar.finish_and_clear();
        });
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Drawer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A drawer that panicked has nothing left to clear.
            let _ = thread.join();
        }
    }
}
