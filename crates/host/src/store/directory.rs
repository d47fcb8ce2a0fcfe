//! [`DirectoryStore`]: one file per key in a directory of the user's own.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::folder::{Entry, Folder};
use super::{PublicStore, is_key};

/// How the files of a store end.
const SUFFIX: &str = ".cache";
/// The largest value of one key, in bytes: some hundred certificates.
const LARGEST: usize = 1024 * 1024;
/// What a store may take on the disk, in bytes.
const DEFAULT_LIMIT: u64 = 16 * 1024 * 1024;
/// A half-written file this old is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// A [`PublicStore`] in a directory (mode 0700) with one file (mode 0600) per key.
///
/// A file is written beside and renamed, so that another process sees the old or the new one. A
/// directory, or a file in it, that belongs to somebody else or that others may write is not used: who
/// could change it could make a program believe in another's certificate. Neither is a symbolic link in
/// its place. When all files together grow beyond the limit, those saved longest ago go.
#[derive(Debug)]
pub struct DirectoryStore {
    path: PathBuf,
    limit: u64,
    /// The directory was refused, and that was said.
    refused: AtomicBool,
}

impl DirectoryStore {
    /// A store in this directory, which is made when the first value is saved.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), limit: DEFAULT_LIMIT, refused: AtomicBool::new(false) }
    }

    /// The store of this user: in `$CARDMOD_CACHE_DIR`; else in `cache` below `$CARDMOD_HOME`, where that is
    /// set; else in `$XDG_CACHE_HOME/cardmod` or `~/.cache/cardmod` (`%LOCALAPPDATA%\cardmod\cache` on
    /// Windows). `None` where `CARDMOD_CACHE` is `off`, or none of these can be told.
    #[must_use]
    pub fn standard() -> Option<Self> {
        Self::standard_of(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn standard_of(variable: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        if variable("CARDMOD_CACHE").is_some_and(|value| value == "off") {
            return None;
        }
        let path = |name| variable(name).map(PathBuf::from);
        let local = || path("LOCALAPPDATA").filter(|_| cfg!(windows));
        let local = || local().map(|local| local.join("cardmod").join("cache"));
        let shared = || {
            let absolute = path("XDG_CACHE_HOME").filter(|path| path.is_absolute());
            let cache = absolute.or_else(|| path("HOME").map(|home| home.join(".cache")));
            cache.map(|cache| cache.join("cardmod"))
        };
        let directory = path("CARDMOD_CACHE_DIR")
            .or_else(|| path("CARDMOD_HOME").map(|home| home.join("cache")))
            .or_else(local)
            .or_else(shared);
        directory.map(Self::new)
    }

    /// The same store with another limit for all files together, in bytes.
    #[must_use]
    pub fn with_limit(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory, opened and found to be this user's; `None` where there is none.
    fn folder(&self) -> Option<Folder> {
        match Folder::open(&self.path) {
            Ok(folder) => Some(folder),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => {
                self.refuse(&error);
                None
            }
        }
    }

    fn refuse(&self, error: &io::Error) {
        if !self.refused.swap(true, Ordering::Relaxed) {
            tracing::debug!(%error, directory = %self.path.display(), "the cache directory is not used");
        }
    }

    fn try_save(&self, key: &str, value: &[u8]) -> io::Result<()> {
        let folder = match Folder::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Folder::make(&self.path)?,
            folder => folder?,
        };
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let temporary = format!(".{:016x}", u64::from_ne_bytes(random));
        let written = folder.create(&temporary, value);
        let replaced = written.and_then(|()| folder.rename(&temporary, &file_name(key)));
        if replaced.is_err() {
            // It may never have been made.
            let _ = folder.remove(&temporary);
        }
        replaced?;
        // Another process may be at it too.
        if let Err(error) = self.evict(&folder, key) {
            tracing::debug!(%error, "the cache was not cleared up");
        }
        Ok(())
    }

    /// Removes the files saved longest ago until all of them together keep the limit, and what a killed
    /// process left half-written. The file just saved stays.
    fn evict(&self, folder: &Folder, saved: &str) -> io::Result<()> {
        let mut entries = folder.entries()?;
        let long_ago = SystemTime::now().checked_sub(ABANDONED);
        for entry in &entries {
            let abandoned = entry.name.starts_with('.') && long_ago.is_some_and(|then| entry.modified < then);
            if abandoned {
                folder.remove(&entry.name)?;
            }
        }
        entries.retain(|entry| key_of(&entry.name).is_some());
        entries.sort_by_key(|entry| entry.modified);
        let mut total: u64 = entries.iter().map(|entry| entry.size).sum();
        for entry in entries.iter().filter(|entry| key_of(&entry.name) != Some(saved)) {
            if total <= self.limit {
                break;
            }
            folder.remove(&entry.name)?;
            total -= entry.size;
        }
        Ok(())
    }
}

impl PublicStore for DirectoryStore {
    fn load(&self, key: &str) -> Option<Vec<u8>> {
        let folder = self.folder().filter(|_| is_key(key))?;
        match folder.read(&file_name(key), LARGEST) {
            Ok(value) => Some(value),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(%error, key, "a cache file is not used");
                }
                None
            }
        }
    }

    fn save(&self, key: &str, value: &[u8]) {
        if !is_key(key) {
            return;
        }
        let saved = match value.len() {
            ..=LARGEST => self.try_save(key, value),
            _ => Err(io::Error::other("it is larger than any")),
        };
        if let Err(error) = saved {
            self.refuse(&error);
            // What was to be replaced may be wrong.
            self.remove(key);
        }
    }

    fn remove(&self, key: &str) -> bool {
        let Some(folder) = self.folder().filter(|_| is_key(key)) else { return false };
        match folder.remove(&file_name(key)) {
            Ok(()) => true,
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    tracing::debug!(%error, key, "a cache file cannot be removed");
                }
                false
            }
        }
    }

    fn list(&self) -> Vec<String> {
        let Some(folder) = self.folder() else { return Vec::new() };
        let mut entries = folder.entries().unwrap_or_default();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.modified));
        entries.iter().filter_map(|entry| key_of(&entry.name)).map(str::to_owned).collect()
    }

    fn stamp(&self, key: &str) -> Option<u64> {
        let folder = self.folder().filter(|_| is_key(key))?;
        folder.stamp(&file_name(key)).ok()
    }
}

fn file_name(key: &str) -> String {
    format!("{key}{SUFFIX}")
}

/// The key a file is for; `None` for files of other kinds.
fn key_of(name: &str) -> Option<&str> {
    name.strip_suffix(SUFFIX).filter(|key| is_key(key))
}

/// Whether a file is larger than what may be read.
pub(super) fn too_large(entry: &Entry, largest: usize) -> bool {
    usize::try_from(entry.size).map_or(true, |size| size > largest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standard(variables: &[(&str, &str)]) -> Option<PathBuf> {
        let value =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|found| found.1.into());
        DirectoryStore::standard_of(value).map(|store| store.path)
    }

    #[test]
    fn the_environment_says_where_it_is() {
        let absolute = if cfg!(windows) { "C:/xdg" } else { "/xdg" };
        let all = [
            ("CARDMOD_CACHE_DIR", "/cache"),
            ("CARDMOD_HOME", "/h/cards"),
            ("XDG_CACHE_HOME", absolute),
            ("HOME", "/h/user"),
        ];
        let shared = format!("{absolute}/cardmod");
        let expected = ["/cache", "/h/cards/cache", &shared, "/h/user/.cache/cardmod"];
        for (at, expected) in expected.into_iter().enumerate() {
            assert_eq!(standard(&all[at..]), Some(PathBuf::from(expected)));
        }
        assert_eq!(standard(&[]), None);
        let relative = [("XDG_CACHE_HOME", "here"), ("HOME", "/h/user")];
        assert_eq!(standard(&relative), Some(PathBuf::from("/h/user/.cache/cardmod")));
        let local = [("LOCALAPPDATA", "C:/local"), ("HOME", "/h/user")];
        // As text: paths are equal with either slash.
        let shown = DirectoryStore::standard_of(|name| (name == "LOCALAPPDATA").then(|| r"C:\local".into()));
        let shown = shown.map(|store| store.path.display().to_string());
        assert_eq!(shown.as_deref(), cfg!(windows).then_some(r"C:\local\cardmod\cache"));
        let expected = if cfg!(windows) { "C:/local/cardmod/cache" } else { "/h/user/.cache/cardmod" };
        assert_eq!(standard(&local), Some(PathBuf::from(expected)));
        for (word, on) in [("off", false), ("on", true), ("", true)] {
            assert_eq!(standard(&[("CARDMOD_CACHE", word), ("HOME", "/h")]).is_some(), on, "{word:?}");
        }
    }
}
