//! The fence: no panic crosses to C, and the message of one inside a module goes to the log.
//!
//! The default panic hook asks for the current thread's name, which in a shared object leaves a
//! thread-local destructor behind that runs after unloading. So inside the fence panics are reported by
//! a hook that does not; outside of it the hook that was there before answers, which matters where the
//! SDK is linked into a larger program.
//!
//! A module that is a library of its own has a `tracing` of its own, to which nobody listens. So where the
//! environment has [`LOG_VARIABLE`], the report is a line on standard error; and where the module's own log is
//! on ([`crate::log`]), a line there.

use std::any::Any;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

use crate::log::{self, Call, Outcome};
use crate::module::Result;
use crate::process;
use crate::status::Status;

/// Runs an entry and answers its code.
pub(crate) fn fence(entry: &'static str, body: impl FnOnce(&mut Call) -> Result<()>) -> u32 {
    let mut call = Call::begin(entry);
    let (code, outcome) = match inside(|| body(&mut call)) {
        Ok(Ok(())) => (0, Outcome::Done),
        Ok(Err(status)) => {
            tracing::debug!(entry, %status, code = status.code(), "refused");
            (status.code(), Outcome::Refused(status))
        }
        Err(Panicked) => {
            tracing::error!(entry, "panic answered");
            (Status::Unexpected.code(), Outcome::Panicked)
        }
    };
    call.end(&outcome);
    code
}

/// A panic was caught; what it carried is gone.
pub(crate) struct Panicked;

/// Runs something that may panic.
pub(crate) fn inside<R>(body: impl FnOnce() -> R) -> core::result::Result<R, Panicked> {
    install_hook();
    let _depth = Depth::enter();
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| {
        dispose(payload);
        Panicked
    })
}

/// Drops what a panic carried, which may panic in its turn; in the end it is rather forgotten.
fn dispose(mut payload: Box<dyn Any + Send>) {
    for _ in 0..3 {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}

struct Depth;

impl Depth {
    fn enter() -> Self {
        process::set_depth(process::depth() + 1);
        Self
    }
}

impl Drop for Depth {
    fn drop(&mut self) {
        // Without a place for it, it stays 0.
        process::set_depth(process::depth().saturating_sub(1));
    }
}

fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        process::keep();
        if std::thread::panicking() {
            return; // a hook cannot be changed now; this panic is being reported already
        }
        let previous = take_hook();
        set_hook(Box::new(move |info| if process::depth() > 0 { report(info) } else { previous(info) }));
    });
}

/// Takes the hook away as the library goes, so that it is given back. A panic that is on its way keeps it.
#[cfg(windows)]
pub(crate) fn remove_hook() {
    if !std::thread::panicking() {
        drop(take_hook());
    }
}

fn report(info: &PanicHookInfo<'_>) {
    let (file, line) = info.location().map_or(("", 0), |place| (place.file(), place.line()));
    let message = info.payload_as_str().unwrap_or("");
    tracing::error!(file, line, message, "card module panicked");
    log::panicked(info);
    if !tracing::dispatcher::has_been_set() && log_is_wanted() {
        let text = format!("card module panicked: {message} at {file}:{line}\n");
        // Where standard error is closed, nobody reads it.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }
}

/// The variable whose value programs such as `cardmod` take as the filter of their log.
const LOG_VARIABLE: &str = "CARDMOD_LOG";

fn log_is_wanted() -> bool {
    std::env::var_os(LOG_VARIABLE).is_some_and(|filter| !filter.is_empty() && filter != "off")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_unexpected() {
        assert_eq!(fence("test", |_| panic!("inside")), Status::Unexpected.code());
        assert_eq!(fence("test", |_| Err(Status::NoMemory)), Status::NoMemory.code());
        assert_eq!(fence("test", |_| Ok(())), 0);
    }

    #[test]
    fn a_payload_that_panics_is_contained() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        assert_eq!(fence("test", |_| std::panic::panic_any(Bomb)), Status::Unexpected.code());
    }
}
