//! The log's needs on Unix.

#![allow(unsafe_code)]

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The number of the running thread as the system's tools show it.
pub(crate) fn thread_id() -> u64 {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // SAFETY:
        // - takes nothing, cannot fail.
        let number = unsafe { libc::syscall(libc::SYS_gettid) };
        number.unsigned_abs()
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        crate::process::thread_token() as u64
    }
}

/// Whether the process has rights that whoever started it has not, so that its environment is not to be
/// believed (setuid, setgid, capabilities of the file).
pub(crate) fn is_privileged() -> bool {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        // SAFETY:
        // - takes a number; answers 0 for what it does not know.
        let secure = unsafe { libc::getauxval(libc::AT_SECURE) };
        secure != 0
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    {
        // SAFETY:
        // - takes nothing, cannot fail.
        let real = unsafe { libc::getuid() };
        // SAFETY:
        // - as above.
        let group = unsafe { libc::getgid() };
        // SAFETY:
        // - as above.
        let effective_group = unsafe { libc::getegid() };
        real != user() || group != effective_group
    }
}

fn user() -> u32 {
    // SAFETY:
    // - takes nothing, cannot fail.
    unsafe { libc::geteuid() }
}

/// The folder of the files. It need not be the user's alone: what is in it is looked at file by file.
pub(crate) struct Folder;

impl Folder {
    /// The folder, made with those above it for this user alone if that is wanted.
    pub(crate) fn ready(path: &Path, make: bool) -> io::Result<Self> {
        if make {
            DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        }
        Ok(Self)
    }
}

/// A file that was not there before, for this user alone. A link that waits at the name is "already there".
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW).open(path)
}

/// A file that this user has made by [`create`]: no link leads to it or away from it, and nobody else reads it.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] for anything else.
pub(crate) fn append_to(path: &Path) -> io::Result<File> {
    // Without O_NONBLOCK the opening of somebody's pipe would wait for its reader.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().append(true).custom_flags(flags).open(path)?;
    let found = file.metadata()?;
    let own = found.is_file() && found.uid() == user() && found.nlink() == 1 && found.mode() & 0o077 == 0;
    if own { Ok(file) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}
