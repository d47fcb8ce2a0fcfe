//! Files only their owner can read, and their replacement as a whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::fault::CardFault;

/// A fault of one file.
pub(crate) fn fault(action: &'static str, path: &Path, cause: io::Error) -> CardFault {
    CardFault::Io { action, path: path.to_path_buf(), cause }
}

/// Options for reading and writing a file that, if it is made, is its owner's alone.
pub(crate) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Opens a file for reading and writing, making it if it is not there.
pub(crate) fn open_or_create(path: &Path) -> Result<File, CardFault> {
    private_options().create(true).truncate(false).open(path).map_err(|cause| fault("open", path, cause))
}

/// Whether the open file is the one that is found at the path. Where the system does not let open files be
/// removed, it is.
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let place = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        match (file.metadata().map(place), std::fs::metadata(path).map(place)) {
            (Ok(open), Ok(found)) => open == found,
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

/// Makes a directory, and those above it, that only their owner can enter.
pub(crate) fn create_directory(path: &Path) -> Result<(), CardFault> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|cause| fault("create", path, cause))
}

/// Replaces a file's content: after an error, a kill or a power cut the file is the old or the new one.
/// The caller holds the lock that keeps others from doing the same.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path);
    let written = write_new(&new, content).and_then(|()| std::fs::rename(&new, path));
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

/// Makes a rename durable. Only Unix lets a program do that; elsewhere the system decides.
pub(crate) fn sync_directory(of: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(directory) = of.parent() {
        File::open(directory)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = of;
    Ok(())
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
