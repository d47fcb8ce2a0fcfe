//! What the log asks of the operating system: the thread's number, and how a file is opened that nobody else
//! may have put there.

#[cfg_attr(windows, path = "system/windows.rs")]
#[cfg_attr(not(windows), path = "system/unix.rs")]
mod own;

#[cfg(not(windows))]
pub(super) use own::is_privileged;
#[cfg(windows)]
pub(super) use own::make_shared;
pub(super) use own::{Folder, append_to, create, thread_id};
