//! One locked file for each connection. The system drops the lock when the process ends, however it
//! ends, so a file that can be locked belongs to nobody any more.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::files;
use crate::fault::CardFault;

/// A connection's file, locked as long as this value lives.
pub(crate) struct ClientFile {
    pub(crate) id: u64,
    path: PathBuf,
    /// Held for its lock.
    _file: File,
}

impl ClientFile {
    /// Makes and locks the file of a new connection.
    pub(crate) fn create(directory: &Path, id: u64) -> Result<ClientFile, CardFault> {
        files::create_directory(directory)?;
        let path = path_of(directory, id);
        let file = files::private_options().create_new(true).open(&path);
        let file = file.map_err(|cause| files::fault("create", &path, cause))?;
        file.try_lock().map_err(|error| files::fault("lock", &path, error.into()))?;
        Ok(ClientFile { id, path, _file: file })
    }

    /// Removes the file; the lock goes with the value.
    pub(crate) fn remove(&self) {
        // One that stays behind is found unlocked and removed by the next who looks.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the connection's process still holds its file.
pub(crate) fn is_alive(directory: &Path, id: u64) -> bool {
    match files::private_options().open(path_of(directory, id)) {
        Ok(file) => file.try_lock().is_err(),
        // Whoever cannot be looked at (too many open files, for example) is taken for alive.
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Removes the file of a connection that is gone.
pub(crate) fn forget(directory: &Path, id: u64) {
    let _ = std::fs::remove_file(path_of(directory, id));
}

/// Removes what processes left that died before they were known; all but the connection `own`.
pub(crate) fn sweep(directory: &Path, own: u64) {
    let own = path_of(directory, own);
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        if entry.path() != own {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn path_of(directory: &Path, id: u64) -> PathBuf {
    directory.join(format!("{id:016x}"))
}
