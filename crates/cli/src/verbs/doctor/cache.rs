//! The directory of the public data kept across runs.

use std::time::SystemTime;

use cardmod_host::{CacheRecord, DirectoryStore, PublicStore as _};

use super::findings::Report;
use crate::report::count;

/// How long ago, in days, is old enough to be said.
const OLD: u64 = 90;
const DAY: u64 = 86_400;

/// Looks at the directory; that there is none yet is as it should be.
pub(super) fn examine(report: &mut Report) {
    if std::env::var_os("CARDMOD_CACHE").is_some_and(|value| value == "off") {
        return report.good("cache", "nothing is kept across runs (CARDMOD_CACHE is off)");
    }
    let Some(store) = DirectoryStore::standard() else {
        return report.warning(
            "cache",
            "there is no place for public data kept across runs",
            "set HOME, or name a directory with CARDMOD_CACHE_DIR",
        );
    };
    let path = store.path();
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.good("cache", format!("nothing is kept across runs yet ({})", path.display()));
        }
        Err(error) => report.warning(
            "cache",
            format!("the cache {} cannot be used: {error}", path.display()),
            "cards work without it, slower",
        ),
        Ok(metadata) => match unsafe_directory(&metadata) {
            Some(reason) => report.warning(
                "cache",
                format!("the cache {} is not used: {reason}", path.display()),
                "remove it; it is made anew with the right owner and rights",
            ),
            None => contents(&store, report),
        },
    }
}

fn contents(store: &DirectoryStore, report: &mut Report) {
    let path = store.path().display();
    let keys = store.list().into_iter();
    let records: Vec<CacheRecord> = keys.filter_map(|key| CacheRecord::parse(&store.load(&key)?)).collect();
    let age = |record: &CacheRecord| {
        SystemTime::now().duration_since(record.saved).unwrap_or_default().as_secs() / DAY
    };
    let oldest = records.iter().map(age).max().unwrap_or(0);
    let (cards, days) = (count(records.len() as u64, "card"), count(oldest, "day"));
    let message = format!("{path} keeps public data of {cards}, the oldest saved {days} ago");
    if oldest > OLD {
        report.warning(
            "cache",
            message,
            "cardmod cache flush empties it, if an old certificate keeps showing",
        );
    } else {
        report.good("cache", message);
    }
}

/// Why a directory is not one that only this user writes.
#[cfg(unix)]
fn unsafe_directory(metadata: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let mode = metadata.permissions().mode() & 0o777;
    if !metadata.is_dir() {
        return Some("it is no directory".to_owned());
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Some("it belongs to another user".to_owned());
    }
    (mode & 0o022 != 0).then(|| format!("others may write it (mode {mode:o})"))
}

#[cfg(not(unix))]
fn unsafe_directory(metadata: &std::fs::Metadata) -> Option<String> {
    (!metadata.is_dir()).then(|| "it is no directory".to_owned())
}
