//! The log's needs on Windows.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_OPEN_REPARSE_POINT,
};
/// The number of the running thread as the system's tools show it.
pub(crate) fn thread_id() -> u64 {
    crate::process::thread_token() as u64
}

/// A file that was not there before. A link that waits at the name is "already there", for the standard
/// library opens the link itself; who may read the file is what its folder passes on.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// A file that is there, no link.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] for anything else.
pub(crate) fn append_to(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    let found = file.metadata()?.file_attributes();
    let plain = found & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY) == 0;
    if plain { Ok(file) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}
