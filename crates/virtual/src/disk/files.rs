//! Files only their owner can read, and their replacement as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use same_file::Handle;

use super::system;
use crate::fault::CardFault;

/// A fault of one file.
pub(crate) fn fault(action: &'static str, path: &Path, cause: io::Error) -> CardFault {
    CardFault::Io { action, path: path.to_path_buf(), cause }
}

/// Options for reading and writing a file that, if it is made, is its owner's alone.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    system::private_file(&mut options);
    options
}

/// Opens a file for reading and writing, making it if it is not there.
pub(crate) fn open_or_create(path: &Path) -> Result<File, CardFault> {
    private_options().create(true).truncate(false).open(path).map_err(|cause| fault("open", path, cause))
}

/// Whether the open file is the one that is found at the path.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    match (file.try_clone().and_then(Handle::from_file), Handle::from_path(path)) {
        (Ok(open), Ok(found)) => open == found,
        _ => false,
    }
}

/// Makes a directory, and those above it, that only their owner can enter.
pub(crate) fn create_directory(path: &Path) -> Result<(), CardFault> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    system::private_directory(&mut builder);
    builder.create(path).map_err(|cause| fault("create", path, cause))
}

/// Replaces a file's content: after an error, a kill or a power cut the file is the old or the new one.
/// The caller holds the lock that keeps others from doing the same.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path);
    let written = write_new(&new, content).and_then(|()| system::rename(&new, path));
    if written.is_err() {
        // The error to report is the first one; what is left is overwritten next time.
        let _ = std::fs::remove_file(&new);
    }
    written?;
    sync_directory(path)
}

/// The file next to `path` in which its successor is written.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = private_options().create(true).truncate(true).open(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Makes a rename to this name durable, where the system lets a program do that.
pub(crate) fn sync_directory(of: &Path) -> io::Result<()> {
    of.parent().map_or(Ok(()), system::sync_directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacement_is_private_and_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"old").unwrap();
        replace(&path, b"new content").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new content");
        assert!(!beside(&path).exists());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_failed_replacement_keeps_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        replace(&path, b"old").unwrap();
        std::fs::create_dir(beside(&path)).unwrap();
        assert!(replace(&path, b"new").is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
    }
}
