//! What the log asks of the operating system: the thread's number, and how a file is opened that nobody else
//! may have put there.

#[cfg_attr(windows, path = "system/windows.rs")]
#[cfg_attr(not(windows), path = "system/unix.rs")]
mod own;

pub(super) use own::{append_to, create, thread_id};
#[cfg(not(windows))]
pub(super) use own::{is_privileged, make_folder};
