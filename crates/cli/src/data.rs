//! Input and output files. `-` is standard input or output; a file is replaced in one step, so that
//! nobody ever sees half of it.

mod devices;

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::failure::Failure;

/// The largest input: everything is held in memory, and nothing sensible is longer.
const INPUT_LIMIT: u64 = 1 << 30;

/// Who may read an output file that did not exist before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sensitivity {
    /// Whatever the umask allows.
    Public,
    /// Its owner alone.
    Secret,
}

/// The path means standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads a whole input.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if is_standard(path) {
        io::stdin().lock().take(INPUT_LIMIT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(INPUT_LIMIT + 1).read_to_end(&mut bytes))
    };
    let length = read.map_err(|error| Failure::file("read", path, error))?;
    if length as u64 > INPUT_LIMIT {
        return Err(Failure::file("read", path, "it is larger than 1 GiB"));
    }
    Ok(bytes)
}

/// Writes a file: beside its place first, then moved there. What is not a regular file (a pipe, a
/// device) is written to as it is.
pub(crate) fn write(path: &Path, bytes: &[u8], sensitivity: Sensitivity) -> Result<(), Failure> {
    if cfg!(windows) && devices::is_device(path) {
        // Neither made nor cut off, as a file would be.
        let written = fs::OpenOptions::new().write(true).open(path).and_then(|mut it| it.write_all(bytes));
        return written.map_err(|error| Failure::file("write", path, error));
    }
    // A symbolic link keeps pointing where it does: its target is replaced.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let existing = fs::metadata(&target).ok();
    let written = match &existing {
        Some(existing) if !existing.is_file() => fs::write(&target, bytes),
        _ => replace(&target, bytes, sensitivity, existing.as_ref()),
    };
    written.map_err(|error| Failure::file("write", path, error))
}

fn replace(
    target: &Path,
    bytes: &[u8],
    sensitivity: Sensitivity,
    existing: Option<&fs::Metadata>,
) -> io::Result<()> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".cardmod-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if sensitivity == Sensitivity::Secret { 0o600 } else { 0o666 };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    let mut file = builder.tempfile_in(directory).map_err(|error| without_place(&error))?;
    file.write_all(bytes)?;
    if let (Some(existing), Sensitivity::Public) = (existing, sensitivity) {
        file.as_file().set_permissions(existing.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(target).map_err(|error| error.error)?;
    Ok(())
}

/// The system's own words alone: the name of the temporary file, which follows them, helps nobody.
fn without_place(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let words = text.split_once(" at path ").map_or(text.as_str(), |(words, _)| words);
    io::Error::new(error.kind(), words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("out");
        write(&path, b"first", Sensitivity::Public).unwrap();
        write(&path, b"second", Sensitivity::Public).unwrap();
        assert_eq!(read(&path).unwrap().as_slice(), b"second");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_directory_is_a_clear_error() {
        let failure = write(Path::new("/nonexistent/out"), b"", Sensitivity::Public).unwrap_err();
        assert!(failure.message.starts_with("cannot write /nonexistent/out: "), "{}", failure.message);
        assert!(!failure.message.contains(".cardmod-"), "{}", failure.message);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, b"").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        write(&path, b"x", Sensitivity::Secret).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_stays_one() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, b"new", Sensitivity::Public).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
    }
}
