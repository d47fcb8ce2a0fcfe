//! A directory of files, by descriptor: nobody can put another in its place between a check and a use.

use std::fs::{DirBuilder, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{self, AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::directory::too_large;

/// A directory that belongs to this user and that nobody else may write.
pub(super) struct Folder {
    directory: OwnedFd,
}

/// A file in it.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) size: u64,
    pub(super) modified: SystemTime,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = fs::open(path, flags, Mode::empty())?;
        check(&fs::fstat(&directory)?)?;
        Ok(Self { directory })
    }

    /// Makes the directory, and what is missing above it.
    pub(super) fn make(path: &Path) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Self::open(path)
    }

    pub(super) fn read(&self, name: &str, largest: usize) -> io::Result<Vec<u8>> {
        // Non-blocking: a FIFO in place of a file must not hold anybody up.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = fs::openat(&self.directory, name, flags, Mode::empty())?;
        let stat = fs::fstat(&file)?;
        check(&stat)?;
        if too_large(&entry(name, &stat), largest) {
            return Err(io::Error::other("it is larger than any"));
        }
        let mut content = Vec::new();
        File::from(file).take(largest as u64).read_to_end(&mut content)?;
        Ok(content)
    }

    /// Makes a new file with this content.
    pub(super) fn create(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&self.directory, name, flags, Mode::RUSR | Mode::WUSR)?;
        File::from(file).write_all(content)
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Ok(fs::renameat(&self.directory, from, &self.directory, to)?)
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        Ok(fs::unlinkat(&self.directory, name, AtFlags::empty())?)
    }

    /// The regular files.
    pub(super) fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for found in Dir::read_from(&self.directory)? {
            let found = found?;
            let Ok(name) = found.file_name().to_str() else { continue };
            // Another process may just have removed it.
            let Ok(stat) = fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile {
                entries.push(entry(name, &stat));
            }
        }
        Ok(entries)
    }

    /// A number for the file as it is now: a replacement has another.
    pub(super) fn stamp(&self, name: &str) -> io::Result<u64> {
        let stat = fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let mut hasher = DefaultHasher::new();
        (stat.st_ino, stat.st_size, stat.st_mtime, stat.st_mtime_nsec).hash(&mut hasher);
        Ok(hasher.finish())
    }
}

fn entry(name: &str, stat: &Stat) -> Entry {
    let seconds = u64::try_from(stat.st_mtime).unwrap_or(0);
    let since = Duration::new(seconds, u32::try_from(stat.st_mtime_nsec).unwrap_or(0));
    Entry {
        name: name.to_owned(),
        size: u64::try_from(stat.st_size).unwrap_or(u64::MAX),
        modified: SystemTime::UNIX_EPOCH + since,
    }
}

/// This user's alone, and a file or directory.
fn check(stat: &Stat) -> io::Result<()> {
    let kind = FileType::from_raw_mode(stat.st_mode);
    if !matches!(kind, FileType::RegularFile | FileType::Directory) {
        return Err(io::Error::other("it is neither a file nor a directory"));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("it belongs to another user"));
    }
    if Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
        return Err(io::Error::other("other users may write it"));
    }
    Ok(())
}
