//! What Unix does in its own way with a store's files: permission bits, durable renames.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// A file made with these options is its owner's alone.
pub(crate) fn private_file(options: &mut OpenOptions) {
    options.mode(0o600);
}

/// A directory made with this builder can be entered by its owner alone.
pub(crate) fn private_directory(builder: &mut DirBuilder) {
    builder.mode(0o700);
}

/// The file's permission bits if they let others at it.
pub(crate) fn exposed(path: &Path) -> io::Result<Option<u32>> {
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

/// Gives a file or directory another name; a file may be there already.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Makes the last rename within a directory durable.
pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Whether the system gives a file of this name a meaning of its own. Here none does.
pub(crate) fn is_reserved(_name: &str) -> bool {
    false
}

/// Whether an unlocking failed only because nothing was locked any more.
pub(crate) fn is_unlocked(_cause: &io::Error) -> bool {
    false
}

/// Removes a file, also one that is open.
pub(crate) fn remove_file(path: &Path, _aside: impl FnOnce() -> PathBuf) -> io::Result<()> {
    std::fs::remove_file(path)
}

/// Removes a directory with everything in it, also what is open.
pub(crate) fn remove_directory(directory: &Path, _aside: impl FnMut() -> PathBuf) -> io::Result<()> {
    std::fs::remove_dir_all(directory)
}
