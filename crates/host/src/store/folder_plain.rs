//! A directory of files, by path: for systems where a user's own folder is guarded by its access list.

use std::fs::{self, File, OpenOptions};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::directory::too_large;

/// A directory.
pub(super) struct Folder {
    path: PathBuf,
}

/// A file in it.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        if fs::symlink_metadata(path)?.is_dir() {
            Ok(Self { path: path.to_owned() })
        } else {
            Err(io::Error::other("it is no directory"))
        }
    }

    /// Makes the directory, and what is missing above it.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        Self::open(path)
    }

    pub(super) fn read(&self, name: &str, largest: usize) -> io::Result<Vec<u8>> {
        let path = self.path.join(name);
        if too_large(&entry(name, &regular(&path)?)?, largest) {
            return Err(io::Error::other("it is larger than any"));
        }
        let mut content = Vec::new();
        File::open(path)?.take(largest as u64).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Makes a new file with this content.
    pub(super) fn create(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(self.path.join(name))?;
        file.write_all(content)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    /// The regular files.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in fs::read_dir(&self.path)? {
            let found = found?;
            let Ok(name) = found.file_name().into_string() else { continue };
            // Another process may just have removed it.
            entries.extend(regular(&found.path()).and_then(|metadata| entry(&name, &metadata)));
        }
        Ok(entries)
    }

    /// A number for the file as it is now: a replacement has another.
    pub(super) fn stamp(&self, name: &str) -> io::Result<u64> {
        let entry = entry(name, &regular(&self.path.join(name))?)?;
        let mut hasher = DefaultHasher::new();
        (entry.size, entry.modified).hash(&mut hasher);
        Ok(hasher.finish())
    }
}

fn regular(path: &Path) -> io::Result<fs::Metadata> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_file() { Ok(metadata) } else { Err(io::Error::other("it is no file")) }
}

fn entry(name: &str, metadata: &fs::Metadata) -> io::Result<Entry> {
    Ok(Entry { name: name.to_owned(), size: metadata.len(), modified: metadata.modified()? })
}
