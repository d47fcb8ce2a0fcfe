//! What Windows does in its own way with a store's files: who may read is inherited from the directory above,
//! open files stand in the way of renames, and every unlocking is asked for twice.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a rename is tried that somebody stands in the way of. Other programs of this store have an image open
/// for microseconds, virus scanners and indexers for some milliseconds.
const PATIENCE: Duration = Duration::from_secs(1);
/// Pause between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// "Access is denied": among other things, the file to be replaced is open, or was removed and is open still.
const ERROR_ACCESS_DENIED: i32 = 5;
/// Another program has the file open and does not share it.
const ERROR_SHARING_VIOLATION: i32 = 32;
/// A lock stands in the way.
const ERROR_LOCK_VIOLATION: i32 = 33;

/// A file has the access list of its directory.
pub(crate) fn private_file(_options: &mut OpenOptions) {}

/// A directory has the access list of the one above, as far as that is inherited; that of a user's
/// `%LOCALAPPDATA%` lets the user, the system and the administrators in, and nobody else.
pub(crate) fn private_directory(_builder: &mut DirBuilder) {}

/// There are no permission bits to look at.
pub(crate) fn exposed(_path: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}

/// Gives a file or directory another name; a file may be there already. Waits a little for whoever has one of them
/// open.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    patiently(|| std::fs::rename(from, to))
}

/// Tries again for a while what somebody stands in the way of.
fn patiently(work: impl Fn() -> io::Result<()>) -> io::Result<()> {
    let begun = Instant::now();
    loop {
        match work() {
            Err(cause) if is_in_the_way(&cause) && begun.elapsed() < PATIENCE => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
}

fn is_in_the_way(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(ERROR_ACCESS_DENIED | ERROR_SHARING_VIOLATION))
}

/// No program can make a rename durable here; the file system's journal does.
pub(crate) fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}

/// Whether the system gives a file of this name a meaning of its own: devices' names with whatever behind a dot,
/// and names that end with a dot, which is left out (Naming Files, Paths, and Namespaces).
pub(crate) fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered =
        |kind: &str| stem.strip_prefix(kind).is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']));
    name.ends_with('.')
        || matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || numbered("COM")
        || numbered("LPT")
}

/// Whether an unlocking failed only because nothing was locked any more: the standard library unlocks twice, as
/// a file may be locked both ways, and takes Windows' `ERROR_NOT_LOCKED` for success the second time. Wine has
/// another code for it.
pub(crate) fn is_unlocked(cause: &io::Error) -> bool {
    cause.raw_os_error() == Some(ERROR_LOCK_VIOLATION)
}

/// Removes a file, also one that is open: that lives on until it is closed, but its name is free at once. `aside` makes
/// up a name on the same volume.
pub(crate) fn remove_file(path: &Path, aside: impl FnOnce() -> PathBuf) -> io::Result<()> {
    let gone = aside();
    rename(path, &gone)?;
    patiently(|| std::fs::remove_file(&gone))
}

/// Removes a directory with everything in it, also what is open: such a file keeps its name until it is closed, and
/// its directory with it, but can be given another name. `aside` makes up names on the same volume.
pub(crate) fn remove_directory(directory: &Path, mut aside: impl FnMut() -> PathBuf) -> io::Result<()> {
    empty(directory, &mut aside)?;
    std::fs::remove_dir(directory)
}

fn empty(directory: &Path, aside: &mut impl FnMut() -> PathBuf) -> io::Result<()> {
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            empty(&entry.path(), aside)?;
            std::fs::remove_dir(entry.path())?;
        } else {
            let gone = aside();
            rename(&entry.path(), &gone)?;
            // One that stays is removed with the next card that is made.
            let _ = std::fs::remove_file(&gone);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_devices_are_no_files() {
        for name in ["NUL", "con", "Aux.1", "com0", "LPT9.card", "demo."] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["demo", "null", "console", "com", "com10", "com1x", "a.nul"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn a_directory_goes_with_its_open_files() {
        let dir = tempfile::tempdir().unwrap();
        let card = dir.path().join("card");
        std::fs::create_dir_all(card.join("clients")).unwrap();
        let open =
            [card.join("lock"), card.join("clients/1")].map(|path| std::fs::File::create(path).unwrap());
        let mut count = 0;
        let aside = || {
            count += 1;
            dir.path().join(format!("gone-{count}"))
        };
        remove_directory(&card, aside).unwrap();
        assert!(!card.exists());
        assert_eq!(count, 2);
        drop(open);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_name_of_an_open_file_is_free_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("image");
        std::fs::write(&path, "old").unwrap();
        let open = std::fs::File::open(&path).unwrap();
        remove_file(&path, || dir.path().join("gone")).unwrap();
        assert!(!path.exists());
        std::fs::write(&path, "new").unwrap();
        drop(open);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "and the old one is gone");
    }

    #[test]
    fn a_file_that_is_being_read_is_replaced_when_it_is_closed() {
        use std::os::windows::fs::OpenOptionsExt as _;
        const FILE_SHARE_READ: u32 = 1;
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join("old"), dir.path().join("new"));
        std::fs::write(&old, "old").unwrap();
        std::fs::write(&new, "new").unwrap();
        // As a virus scanner may open it: nobody else may replace or remove it.
        let reader = OpenOptions::new().read(true).share_mode(FILE_SHARE_READ).open(&old).unwrap();
        std::thread::scope(|scope| {
            let replacing = scope.spawn(|| rename(&new, &old));
            drop(reader);
            replacing.join().unwrap().unwrap();
        });
        assert_eq!(std::fs::read(&old).unwrap(), b"new");
    }
}
