//! The module's own log file, for places without a console and without an environment: LSASS, a service, a
//! browser.
//!
//! Off unless the machine's settings say otherwise ([`Settings`]), and then it costs a call one load of an
//! atomic byte. The settings are read at each `CardAcquireContext` and hold until the next one, so that a
//! service is not started again for a log.
//!
//! - Nothing stays behind in an unloaded library: no thread, no thread-local with a destructor, no open file
//!   (each line opens the file and closes it), no memory after the last context.
//! - Nothing fails for it: a line that cannot be written is counted, and the count stands before the next line
//!   that can.
//! - Nothing secret is in it: of arguments the list in `shown` is shown, of APDUs what
//!   [`cardmod_types::redact`] shows, of a panic its place and a text that stood in the source.

mod call;
mod file;
mod line;
mod settings;
pub(crate) mod shown;
mod system;

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard};

pub(crate) use call::{Call, Exchange, Outcome};
pub use settings::{ChangeError, Level, NewFolder, Origin, Scope, Settings, files};

use crate::boundary::CardHandles;
use crate::process;
use file::Sink;

/// The level in force; the one thing a call looks at while the log is off.
static LEVEL: AtomicU8 = AtomicU8::new(0);
static STATE: Mutex<State> = Mutex::new(State { users: 0, fixed: None, active: None, lost: 0 });

struct State {
    /// Contexts, and calls that write; with the last of them goes what follows.
    users: usize,
    /// What a test wants, whatever the machine's settings say.
    fixed: Option<Settings>,
    active: Option<Active>,
    /// Lines that could not be written since the last that could.
    lost: u64,
}

struct Active {
    settings: Settings,
    sink: Sink,
}

/// The level in force.
#[inline]
pub(crate) fn level() -> u8 {
    LEVEL.load(Ordering::Relaxed)
}

/// From here on the settings are these, for tests; `None` for the machine's, from the next acquire on.
pub(crate) fn fix(settings: Option<Settings>) {
    let Some(mut state) = state() else { return };
    state.fixed.clone_from(&settings);
    if let Some(settings) = settings {
        state.apply(settings);
    }
}

/// Somebody who keeps the log awake.
pub(crate) struct User(());

impl User {
    /// A context about to be acquired: the settings are read.
    pub(crate) fn enter() -> Self {
        let fixed = state().and_then(|state| state.fixed.clone());
        let settings = fixed.unwrap_or_else(Settings::read);
        if let Some(mut state) = state() {
            state.apply(settings);
            state.users += 1;
        }
        Self(())
    }

    /// One more beside those that are there.
    pub(crate) fn another() -> Self {
        if let Some(mut state) = state() {
            state.users += 1;
        }
        Self(())
    }
}

impl Drop for User {
    fn drop(&mut self) {
        let Some(mut state) = state() else { return };
        state.users = state.users.saturating_sub(1);
        if state.users == 0 {
            LEVEL.store(0, Ordering::Relaxed);
            state.active = None;
        }
    }
}

impl State {
    fn apply(&mut self, settings: Settings) {
        if self.active.as_ref().is_some_and(|active| active.settings == settings) {
            return;
        }
        LEVEL.store(settings.level.number(), Ordering::Relaxed);
        self.active = match (&settings.folder, settings.level) {
            (_, Level::Off) => None,
            (None, _) => {
                LEVEL.store(0, Ordering::Relaxed);
                None
            }
            (Some(folder), _) => Some(Active { sink: Sink::new(folder, &settings), settings }),
        };
    }

    fn write(&mut self, handles: CardHandles, text: &str) {
        let Some(active) = &mut self.active else { return };
        let mut lines = String::new();
        if self.lost > 0 {
            let lost = format!("{} lines could not be written", self.lost);
            line::push(&mut lines, CardHandles::default(), &lost);
        }
        line::push(&mut lines, handles, text);
        match active.sink.append(&lines) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost = self.lost.saturating_add(1),
        }
    }
}

fn write(handles: CardHandles, text: &str) {
    if let Some(mut state) = state() {
        state.write(handles, text);
    }
}

/// A panic inside the module: where, and what the source says there. A text made while running may hold
/// anything, such as the string in which an index was wrong; it is left out.
pub(crate) fn panicked(info: &PanicHookInfo<'_>) {
    if level() == 0 {
        return;
    }
    // A panic while a line is written, if there ever is one, must not wait for itself.
    let Ok(mut state) = STATE.try_lock() else { return };
    let (file, line) = info.location().map_or(("an unknown place", 0), |place| (place.file(), place.line()));
    let text = info.payload().downcast_ref::<&'static str>().copied();
    let text = text.unwrap_or("the text was made while running and is left out");
    state.write(CardHandles::default(), &format!("panic at {file}:{line}: {}", text.escape_debug()));
}

/// `None` where a thread had it that was ended with the process.
fn state() -> Option<MutexGuard<'static, State>> {
    process::lock(&STATE)
}
