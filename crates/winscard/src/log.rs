//! The APDU log and the APDU counters.
//!
//! One JSON object per line, written whole, so that several processes may write to one file:
//! `{"time_us":…,"pid":…,"reader":"…","n":1,"command":"00A4…","response":"…","sw":"9000","us":12}`; an exchange
//! that failed has `"error":"SCARD_W_RESET_CARD"` in place of response and status word. Secrets are replaced by
//! their length before anything is written. `n` counts the exchanges of this process with the reader.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cardmod_pcsc::code_name;
use cardmod_types::redact::Redactor;
use zeroize::Zeroizing;

/// Names the file of the log.
const VARIABLE: &str = "CARDMOD_APDU_LOG";

/// How many APDUs this process has sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApduCounters {
    /// To all readers.
    pub total: u64,
    /// To each reader that was connected to, by its name.
    pub readers: BTreeMap<String, u64>,
}

#[derive(Default)]
pub(crate) struct ApduLog {
    on: AtomicBool,
    target: Mutex<Option<Target>>,
    readers: Mutex<BTreeMap<String, Arc<ReaderTrace>>>,
}

struct Target {
    path: PathBuf,
    file: File,
}

/// What the log keeps of one reader.
struct ReaderTrace {
    name: String,
    count: AtomicU64,
}

/// What the log keeps of one connection: chains of commands must not mix.
pub(crate) struct Trace {
    reader: Arc<ReaderTrace>,
    redactor: Mutex<Redactor>,
}

impl ApduLog {
    /// A log to this file; a file that cannot be opened means no log.
    pub(crate) fn open(path: Option<&Path>) -> Self {
        let log = Self::default();
        // Started by the environment, there is nobody to tell; `set` answers errors.
        let _ = log.set(path);
        log
    }

    pub(crate) fn path_from_environment() -> Option<PathBuf> {
        std::env::var_os(VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Where the log goes, unless it is being changed at this moment.
    pub(crate) fn try_path(&self) -> Option<PathBuf> {
        self.target.try_lock().ok()?.as_ref().map(|target| target.path.clone())
    }

    /// Appends to this file from now on; `None` ends the log.
    pub(crate) fn set(&self, path: Option<&Path>) -> io::Result<()> {
        let target = match path {
            Some(path) => Some(Target { path: path.to_owned(), file: open_private(path)? }),
            None => None,
        };
        self.on.store(target.is_some(), Ordering::Release);
        *self.target.lock().unwrap_or_else(PoisonError::into_inner) = target;
        Ok(())
    }

    /// The trace of a new connection to a reader.
    pub(crate) fn connection(&self, reader: &str) -> Trace {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(ReaderTrace { name: reader.to_owned(), count: AtomicU64::new(0) });
        let reader = readers.entry(reader.to_owned()).or_insert_with(new).clone();
        Trace { reader, redactor: Mutex::default() }
    }

    pub(crate) fn counters(&self) -> ApduCounters {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        let readers: BTreeMap<String, u64> =
            readers.iter().map(|(name, trace)| (name.clone(), trace.count.load(Ordering::Relaxed))).collect();
        ApduCounters { total: readers.values().sum(), readers }
    }

    /// Counts an exchange, carries it out and logs it.
    pub(crate) fn exchange(
        &self,
        trace: &Trace,
        command: &[u8],
        transmit: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, u32>,
    ) -> Result<Zeroizing<Vec<u8>>, u32> {
        let number = trace.reader.count.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.on.load(Ordering::Acquire) {
            return transmit();
        }
        let (time, started) = (SystemTime::now(), Instant::now());
        let result = transmit();
        let took = started.elapsed().as_micros();
        let line = trace.line(number, time, took, command, &result);
        self.write(&line);
        result
    }

    fn write(&self, line: &str) {
        let mut target = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(target) = target.as_mut() {
            // A full disk must not stop the card.
            let _ = target.file.write_all(line.as_bytes());
        }
    }
}

impl Trace {
    fn line(
        &self,
        number: u64,
        time: SystemTime,
        took: u128,
        command: &[u8],
        result: &Result<Zeroizing<Vec<u8>>, u32>,
    ) -> String {
        let time = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let reader = serde_json::Value::from(self.reader.name.as_str());
        let process = std::process::id();
        let mut redactor = self.redactor.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = redactor.command(command);
        let outcome = match result {
            Ok(response) => {
                let text = redactor.response(response);
                // The status word is the last four digits; a response too short for one has none.
                let digits = if response.len() < 2 { 0 } else { 4 };
                let (data, status) = text.split_at(text.len() - digits);
                format!(r#""response":"{data}","sw":"{status}""#)
            }
            Err(code) => match code_name(*code) {
                Some(name) => format!(r#""error":"{name}""#),
                None => format!(r#""error":"0x{code:08X}""#),
            },
        };
        format!(
            "{{\"time_us\":{time},\"pid\":{process},\"reader\":{reader},\"n\":{number},\"command\":\"{shown}\",{outcome},\"us\":{took}}}\n"
        )
    }
}

/// Opens for appending; a new file is the user's alone.
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
