//! The log's needs on Windows.

mod security;

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY, FILE_READ_ATTRIBUTES, FILE_SHARE_READ,
    FILE_SHARE_WRITE, READ_CONTROL,
};

/// SYSTEM and the administrators have all rights, to which nothing is inherited. Users list the folder, add files
/// (0x2) to it and read all; whoever made a file does with it what he likes. No folder, no attribute and no name of
/// others can be changed by them, nor can the folder become a link, for which any of these would do.
const SHARED: &str =
    "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OIIO;FA;;;CO)(A;;0x1200ab;;;BU)(A;OIIO;0x120089;;;BU)";
/// Users read.
const ABOVE: &str = "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)";
/// A folder that is not empty cannot be made a link by those who may add files to it.
const MARK: &str = "about these files.txt";
const MARK_TEXT: &str = "Card modules of cardmod write their logs here while the log is on, see `cardmod log status`.\r\n\
     Leave this file where it is: as long as it is there, nobody who may only add files can put a link in the \
     folder's place.\r\n";

/// The number of the running thread as the system's tools show it.
pub(crate) fn thread_id() -> u64 {
    crate::process::thread_token() as u64
}

/// The folder of the files, held while a file in it is opened: meanwhile nobody puts another in its place.
pub(crate) struct Folder {
    _held: File,
}

impl Folder {
    /// The folder, if it is no link and nobody else's. It is the administrator's to make: who made it would own it.
    ///
    /// # Errors
    /// [`ErrorKind::PermissionDenied`] for a link or a folder of another user; others from the file system.
    pub(crate) fn ready(path: &Path, _make: bool) -> io::Result<Self> {
        let flags = FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT;
        let held = OpenOptions::new()
            // Without a right to the content, the system would not note what is shared.
            .access_mode(FILE_LIST_DIRECTORY | FILE_READ_ATTRIBUTES | READ_CONTROL)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE)
            .custom_flags(flags)
            .open(path)?;
        let found = held.metadata()?.file_attributes();
        let refused = |what: &str| Err(io::Error::new(ErrorKind::PermissionDenied, what));
        if found & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return refused("the folder is a link");
        }
        if found & FILE_ATTRIBUTE_DIRECTORY == 0 {
            return Err(ErrorKind::NotADirectory.into());
        }
        if !security::is_trusted(&held)? {
            return refused("the folder belongs to another user");
        }
        Ok(Self { _held: held })
    }
}

/// A folder where every user's programs may make files, and those above it that are missing. What is there
/// already, of `path` itself and of folders below `open_to_all`, has to be nobody else's.
///
/// # Errors
/// As of [`Folder::ready`].
pub(crate) fn make_shared(path: &Path, open_to_all: Option<&Path>) -> io::Result<()> {
    make_above(path.parent(), open_to_all)?;
    make_one(path, SHARED)?;
    mark(path)
}

fn make_above(path: Option<&Path>, open_to_all: Option<&Path>) -> io::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let below = open_to_all.is_some_and(|open_to_all| path != open_to_all && path.starts_with(open_to_all));
    if !below && path.exists() {
        return Ok(());
    }
    make_above(path.parent(), open_to_all)?;
    make_one(path, ABOVE)
}

fn make_one(path: &Path, rights: &str) -> io::Result<()> {
    match security::create_folder(path, rights) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Folder::ready(path, false).map(drop),
    }
}

/// Keeps the folder from being empty.
fn mark(folder: &Path) -> io::Result<()> {
    let path = folder.join(MARK);
    match create(&path) {
        Ok(mut file) => file.write_all(MARK_TEXT.as_bytes()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => append_to(&path).map(drop),
        Err(error) => Err(error),
    }
}

/// A file that was not there before. A link that waits at the name is "already there", for the standard
/// library opens the link itself; who may read the file is what its folder passes on.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create_new(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)
}

/// A file that this user, SYSTEM or an administrator has made: no link leads to it or away from it.
///
/// # Errors
/// [`ErrorKind::PermissionDenied`] for anything else.
pub(crate) fn append_to(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
    let found = file.metadata()?.file_attributes();
    let plain = found & (FILE_ATTRIBUTE_REPARSE_POINT | FILE_ATTRIBUTE_DIRECTORY) == 0;
    let own = plain && security::names(&file)? == 1 && security::is_trusted(&file)?;
    if own { Ok(file) } else { Err(ErrorKind::PermissionDenied.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_folder_is_made_with_those_above_it_and_is_never_empty() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("cardmod").join("Logs");
        for _ in 0..2 {
            make_shared(&folder, Some(base.path())).unwrap();
            assert!(std::fs::read_to_string(folder.join(MARK)).unwrap().starts_with("Card modules"));
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
        drop(create(&folder.join("cardmod-a-1.log")).unwrap());
        append_to(&folder.join("cardmod-a-1.log")).unwrap();
    }

    #[test]
    fn files_where_folders_should_be_and_files_of_two_names_are_refused() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        std::fs::write(&file, "").unwrap();
        assert_eq!(make_shared(&file, None).unwrap_err().kind(), ErrorKind::NotADirectory);
        make_shared(&file.join("below"), Some(base.path())).unwrap_err();
        std::fs::hard_link(&file, base.path().join(MARK)).unwrap();
        assert_eq!(make_shared(base.path(), None).unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "");
    }

    /// Where the system makes such links for this user; elsewhere nobody can put one there.
    #[test]
    fn a_folder_that_is_a_link_is_refused() {
        let base = tempfile::tempdir().unwrap();
        let link = base.path().join("link");
        let made = std::os::windows::fs::symlink_dir(std::env::temp_dir(), &link);
        // Wine may say so and make none.
        if made.is_ok() && link.symlink_metadata().is_ok() {
            let refused = Folder::ready(&link, false).map(drop).unwrap_err();
            assert_eq!(refused.to_string(), "the folder is a link");
            make_shared(&link.join("cardmod"), Some(base.path())).unwrap_err();
        }
    }
}
