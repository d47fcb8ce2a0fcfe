//! Real readers: the system's PC/SC library, loaded by its full path so that it is never this one.
//!
//! A missing library or service means that there are no real readers. The system library's own interposition
//! is avoided by binding its symbols to itself ([`Provider::load_foreign`]).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use cardmod_pcsc::{Context, PcscError, Provider};

/// Names the system's library, or `none` for no real readers.
const VARIABLE: &str = "CARDMOD_PCSC_SYSTEM";
/// A symbol that only this library exports.
const MARKER: &std::ffi::CStr = c"CardmodApduCount";
/// How long a service that did not answer is left alone.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// The system's library, looked for at first use.
#[derive(Default)]
pub(crate) struct Forward {
    provider: OnceLock<Option<Arc<Provider>>>,
}

impl Forward {
    fn provider(&self) -> Option<&Arc<Provider>> {
        self.provider.get_or_init(find).as_ref()
    }
}

/// One application context's context with the real service, made when needed and made again when lost.
#[derive(Default)]
pub(crate) struct RealContext {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    context: Option<Context>,
    failed: Option<Instant>,
}

impl RealContext {
    /// The real context, or `None` where no library or service is there.
    pub(crate) fn get(&self, forward: &Forward) -> Option<Context> {
        let provider = forward.provider()?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = &state.context {
            if context.is_valid() {
                return Some(context.clone());
            }
            state.context = None;
        }
        if state.failed.is_some_and(|at| at.elapsed() < RETRY_AFTER) {
            return None;
        }
        match Context::establish(provider) {
            Ok(context) => {
                state.failed = None;
                state.context = Some(context.clone());
                Some(context)
            }
            Err(_) => {
                state.failed = Some(Instant::now());
                None
            }
        }
    }

    /// Ends a blocking call in the real context.
    pub(crate) fn cancel(&self) {
        let context = self.state.lock().unwrap_or_else(PoisonError::into_inner).context.clone();
        if let Some(context) = context {
            // Nothing to cancel is no failure of ours.
            let _ = context.cancel_handle().cancel();
        }
    }
}

/// What there is of the system's PC/SC, for whoever explains why real readers are not seen.
#[derive(Debug)]
pub struct SystemService {
    /// The library that real readers are reached through; `None` where none can be loaded.
    pub library: Option<PathBuf>,
    /// Where it was looked for; empty where `CARDMOD_PCSC_SYSTEM=none` forbids real readers.
    pub searched: Vec<PathBuf>,
    /// The number of real readers, or why the service does not answer; `None` without a library.
    pub readers: Option<Result<usize, PcscError>>,
}

/// Looks for the system's library and asks its service.
#[must_use]
pub fn system_service() -> SystemService {
    let searched = wanted();
    let Some((library, provider)) = load_first(&searched) else {
        return SystemService { library: None, searched, readers: None };
    };
    let readers = Context::establish(&provider).and_then(|context| context.list_readers());
    SystemService { library: Some(library), searched, readers: Some(readers.map(|names| names.len())) }
}

fn find() -> Option<Arc<Provider>> {
    load_first(&wanted()).map(|(_, provider)| provider)
}

/// The files that may be the system's library.
fn wanted() -> Vec<PathBuf> {
    match std::env::var_os(VARIABLE) {
        Some(value) if value == "none" => Vec::new(),
        Some(value) => vec![PathBuf::from(value)],
        None => candidates(),
    }
}

fn load_first(candidates: &[PathBuf]) -> Option<(PathBuf, Arc<Provider>)> {
    candidates
        .iter()
        .filter(|path| path.is_absolute() && path.exists())
        .find_map(|path| Some((path.clone(), Provider::load_foreign(path, MARKER).ok()?)))
}

#[cfg(not(windows))]
fn candidates() -> Vec<PathBuf> {
    let triplet = match std::env::consts::ARCH {
        "x86" => "i386-linux-gnu".to_owned(),
        "arm" => "arm-linux-gnueabihf".to_owned(),
        arch => format!("{arch}-linux-gnu"),
    };
    [
        format!("/usr/lib/{triplet}"),
        format!("/lib/{triplet}"),
        "/usr/lib64".to_owned(),
        "/lib64".to_owned(),
        "/usr/lib".to_owned(),
        "/usr/local/lib".to_owned(),
    ]
    .iter()
    .map(|directory| PathBuf::from(directory).join("libpcsclite.so.1"))
    .collect()
}

#[cfg(windows)]
fn candidates() -> Vec<PathBuf> {
    crate::windows::system_directory().map(|directory| directory.join("winscard.dll")).into_iter().collect()
}
