//! The directory of the public data kept across runs.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use cardmod_host::{DirectoryStore, PublicStore as _};

use super::findings::Report;

/// How long ago, in days, is old enough to be said.
const OLD: u64 = 90;
const DAY: u64 = 86_400;

/// Looks at the directory; that there is none yet is as it should be.
pub(super) fn examine(report: &mut Report) {
    if std::env::var_os("CARDMOD_CACHE").is_some_and(|value| value == "off") {
        return report.good("cache", "nothing is kept across runs (CARDMOD_CACHE is off)");
    }
    let Some(path) = directory(|name| std::env::var_os(name).filter(|value| !value.is_empty())) else {
        return report.warning(
            "cache",
            "there is no place for public data kept across runs",
            "set HOME, or name a directory with CARDMOD_CACHE_DIR",
        );
    };
    match std::fs::symlink_metadata(&path) {
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
            None => contents(&path, report),
        },
    }
}

/// As the program itself looks for it.
fn directory(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Option<PathBuf> {
    let path = |name: &str| variable(name).map(PathBuf::from);
    path("CARDMOD_CACHE_DIR")
        .or_else(|| path("XDG_CACHE_HOME").filter(|path| path.is_absolute()).map(|path| path.join("cardmod")))
        .or_else(|| path("HOME").map(|home| home.join(".cache").join("cardmod")))
}

fn contents(path: &Path, report: &mut Report) {
    let keys = DirectoryStore::new(path).list();
    let ages = std::fs::read_dir(path).into_iter().flatten().filter_map(|entry| {
        let modified = entry.ok()?.metadata().ok()?.modified().ok()?;
        Some(SystemTime::now().duration_since(modified).unwrap_or_default().as_secs() / DAY)
    });
    let oldest = ages.max().unwrap_or(0);
    let message = format!(
        "{} keeps public data of {} cards, the oldest saved {oldest} days ago",
        path.display(),
        keys.len()
    );
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
