//! A sign of life for what takes longer than a second, while a person is watching.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::Output;

/// How long a step may take before anything is drawn.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(120);

/// A spinner that appears after a second and vanishes when dropped.
#[derive(Debug)]
pub(crate) struct Progress(Option<(Sender<()>, JoinHandle<()>)>);

impl Progress {
    /// Starts waiting; `what` is what is being done ("generating rsa4096").
    pub(crate) fn start(out: Output, what: impl Into<String>) -> Self {
        if !out.watched() {
            return Self(None);
        }
        let what = what.into();
        let (stop, stopped) = mpsc::channel();
        let drawer = thread::spawn(move || {
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
        Self(Some((stop, drawer)))
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((stop, drawer)) = self.0.take() {
            drop(stop);
            // A drawer that panicked has nothing left to clear.
            let _ = drawer.join();
        }
    }
}
