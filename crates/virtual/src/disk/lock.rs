//! Locks of files that other processes hold for the time of a command: taken within a limit, so that a
//! process which was stopped with one in its hands holds up nobody for ever.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{files, system};
use crate::fault::{CardFault, StoreError};

/// The limit where nothing else is said: longer than the longest command, the generation of an RSA-4096 key
/// on a machine with other work to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// Names another limit, in milliseconds.
pub(crate) const VARIABLE: &str = "CARDMOD_CARD_PATIENCE_MS";
/// Shortest and longest pause between two tries: commands mostly take microseconds.
const PAUSE: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

/// Locks the file that was opened at `path`, waiting for its holder no longer than `patience`.
///
/// # Errors
/// [`CardFault::Busy`] when it is still locked then; [`CardFault::Io`].
pub(crate) fn lock(file: &File, path: &Path, patience: Duration) -> Result<(), CardFault> {
    let (mut pause, mut begun) = (PAUSE.0, None);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(cause)) if cause.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(TryLockError::Error(cause)) => return Err(files::fault("lock", path, cause)),
        }
        let left = patience.saturating_sub(begun.get_or_insert_with(Instant::now).elapsed());
        if left.is_zero() {
            return Err(CardFault::Busy { path: path.to_path_buf(), waited: patience });
        }
        std::thread::sleep(pause.min(left));
        pause = (pause * 2).min(PAUSE.1);
    }
}

/// Gives back a lock that [`lock`] took, or that was there to be taken at once.
pub(crate) fn unlock(file: &File, path: &Path) -> Result<(), CardFault> {
    match file.unlock() {
        Err(cause) if !system::is_unlocked(&cause) => Err(files::fault("unlock", path, cause)),
        _ => Ok(()),
    }
}

/// The limit that the environment sets, else [`PATIENCE`].
///
/// # Errors
/// [`StoreError::BadPatience`] for anything but a number.
pub(crate) fn patience_from_environment() -> Result<Duration, StoreError> {
    match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
        Some(value) => parse(&value.to_string_lossy()),
        None => Ok(PATIENCE),
    }
}

fn parse(value: &str) -> Result<Duration, StoreError> {
    let milliseconds = value.parse().map_err(|_| StoreError::BadPatience { value: value.to_owned() })?;
    Ok(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_number_of_milliseconds() {
        assert_eq!(parse("1500").unwrap(), Duration::from_millis(1500));
        for bad in ["", "1.5", "-1", "2s"] {
            assert!(matches!(parse(bad), Err(StoreError::BadPatience { value }) if value == bad), "{bad}");
        }
    }

    #[test]
    fn a_lock_is_taken_as_soon_as_it_is_free_and_waited_for_within_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let (first, second) = (files::open_or_create(&path).unwrap(), files::open_or_create(&path).unwrap());
        lock(&first, &path, Duration::ZERO).unwrap();
        let busy = lock(&second, &path, Duration::from_millis(5)).unwrap_err();
        assert!(
            matches!(busy, CardFault::Busy { path: at, waited } if at == path && waited.as_millis() == 5)
        );
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| lock(&second, &path, PATIENCE));
            unlock(&first, &path).unwrap();
            waiting.join().unwrap().unwrap();
        });
    }
}
