//! What is to be logged, and where: the machine's settings, read in one place and changed in one place.
//!
//! On Windows they are values of `HKEY_LOCAL_MACHINE\SOFTWARE\cardmod\Logging`, which administrators alone
//! write, in the 64-bit view for modules of both bitnesses. Nothing of an environment is believed there, not even
//! for the place of the folder: a user could have set it for a process with more rights than his own.
//!
//! Elsewhere they are lines of the same names in `logging.conf`, in the user's or the machine's configuration, or
//! environment variables, which go before both. A process with more rights than whoever started it takes the
//! machine's file alone.

#[cfg_attr(windows, path = "settings/registry.rs")]
#[cfg_attr(not(windows), path = "settings/files.rs")]
mod own;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The longest a file grows where nothing else is said, in KiB.
pub(super) const MAX_SIZE: u32 = 10 * 1024;
/// The shortest limit that is taken: a few calls with their APDUs, in KiB.
const LEAST_SIZE: u32 = 16;
/// What the names of the files begin with.
const FILE_PREFIX: &str = "cardmod-";

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
#[repr(u8)]
pub enum Level {
    /// Nothing.
    #[default]
    Off = 0,
    /// Calls that fail, and panics.
    Errors = 1,
    /// All calls.
    Calls = 2,
    /// All calls when they begin and when they end, and their APDUs with secrets left out.
    Apdus = 3,
}

impl Level {
    /// The level of a number; one above the last is the last.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Off,
            1 => Self::Errors,
            2 => Self::Calls,
            _ => Self::Apdus,
        }
    }

    /// 0 to 3.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Off => "off",
            Self::Errors => "errors",
            Self::Calls => "calls",
            Self::Apdus => "calls with APDUs",
        })
    }
}

/// Who said something.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Origin {
    /// Nobody.
    #[default]
    Default,
    /// An environment variable.
    Environment(&'static str),
    /// A file.
    File(PathBuf),
    /// A key of the registry.
    Registry(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("nothing says otherwise"),
            Self::Environment(name) => f.write_str(name),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Registry(key) => f.write_str(key),
        }
    }
}

/// For whom settings are changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The user's own programs; Windows has no such settings.
    User,
    /// All programs of the machine; needs an administrator.
    Machine,
}

/// What is to be logged, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How much.
    pub level: Level,
    /// Who said so.
    pub level_from: Origin,
    /// The folder of the files; `None` where there is no place for one, so that nothing is logged.
    pub folder: Option<PathBuf>,
    /// The folder is the user's own, and a module makes it where it is missing. Any other folder has to be there.
    pub make_folder: bool,
    /// The longest a file grows before it becomes the older of two, in KiB.
    pub max_size: u32,
    /// What of the settings is not understood and passed over.
    pub problems: Vec<String>,
}

impl Settings {
    /// The machine's settings, as a module of this process takes them at `CardAcquireContext`.
    #[must_use]
    pub fn read() -> Self {
        own::read()
    }

    /// Settings of a test: this level, in this folder.
    #[must_use]
    pub fn in_folder(level: Level, folder: &Path) -> Self {
        Self {
            level,
            level_from: Origin::Default,
            folder: Some(folder.to_owned()),
            make_folder: false,
            max_size: MAX_SIZE,
            problems: Vec::new(),
        }
    }

    /// Where the settings of a scope are kept; `None` where it has none.
    #[must_use]
    pub fn place(scope: Scope) -> Option<Origin> {
        own::place(scope)
    }

    /// Makes the folder, and then changes the settings of a scope: where there is no folder, nothing is changed.
    /// Of the size `None` leaves what there is.
    ///
    /// # Errors
    /// [`ChangeError::Folder`] for a folder that cannot be made or used, is not absolute, or is a link or another
    /// user's on Windows. [`ChangeError::Settings`] of kind [`io::ErrorKind::PermissionDenied`] where an
    /// administrator is needed, [`io::ErrorKind::Unsupported`] for a scope without settings; others from the system.
    pub fn change(
        scope: Scope,
        level: Level,
        folder: NewFolder<'_>,
        max_size: Option<u32>,
    ) -> Result<(), ChangeError> {
        if let NewFolder::Named(folder) = folder
            && !folder.is_absolute()
        {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "the path is not absolute");
            return Err(ChangeError::Folder(folder.to_owned(), error));
        }
        own::change(scope, level, folder, max_size)
    }
}

/// Where the files are to be from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewFolder<'a> {
    /// Where they were.
    Same,
    /// In the system's place for such files.
    Default,
    /// Here; an absolute path.
    Named(&'a Path),
}

/// Why settings were not changed.
#[derive(Debug)]
pub enum ChangeError {
    /// The folder cannot be made or used.
    Folder(PathBuf, io::Error),
    /// The settings cannot be written.
    Settings(io::Error),
}

impl fmt::Display for ChangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use io::ErrorKind::{AlreadyExists, NotADirectory};
        match self {
            Self::Folder(path, error) => {
                write!(f, "cannot use {} as the folder of the log: ", path.display())?;
                match error.kind() {
                    AlreadyExists | NotADirectory => f.write_str("what is there is no folder"),
                    _ => error.fmt(f),
                }
            }
            Self::Settings(error) => write!(f, "cannot change the settings of the log: {error}"),
        }
    }
}

impl std::error::Error for ChangeError {}

impl From<io::Error> for ChangeError {
    fn from(error: io::Error) -> Self {
        Self::Settings(error)
    }
}

/// The log files of a folder, the one written last first.
///
/// # Errors
/// The folder cannot be read.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let ours = name.starts_with(FILE_PREFIX) && (name.ends_with(".log") || name.ends_with(".log.1"));
        // What is gone by now was no log to show.
        let Ok(known) = entry.metadata() else { continue };
        if ours && known.is_file() {
            found.push((known.modified()?, entry.path()));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().rev().map(|(_, path)| path).collect())
}

fn max_size(wanted: Option<u32>) -> u32 {
    wanted.unwrap_or(MAX_SIZE).max(LEAST_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_numbers() {
        for (number, level) in [(0, Level::Off), (1, Level::Errors), (2, Level::Calls), (3, Level::Apdus)] {
            assert_eq!(Level::from_number(number), level);
            assert_eq!(u32::from(level.number()), number);
        }
        assert_eq!(Level::from_number(u32::MAX), Level::Apdus);
        assert!(Level::Errors < Level::Calls);
    }

    #[test]
    fn sizes_have_a_least() {
        assert_eq!(max_size(None), 10_240);
        assert_eq!(max_size(Some(0)), 16);
        assert_eq!(max_size(Some(u32::MAX)), u32::MAX);
    }

    #[test]
    fn a_relative_folder_is_refused() {
        let folder = NewFolder::Named(Path::new("logs"));
        let error = Settings::change(Scope::User, Level::Off, folder, None).unwrap_err();
        assert_eq!(error.to_string(), "cannot use logs as the folder of the log: the path is not absolute");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri sets no times of files")]
    fn files_are_told_by_name_and_sorted_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["cardmod-a-1.log", "other.log", "cardmod-b-2.log.1", "cardmod-c.txt"] {
            std::fs::write(at(name), name).unwrap();
        }
        let older = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
        let file = std::fs::File::options().append(true).open(at("cardmod-b-2.log.1")).unwrap();
        file.set_modified(older).unwrap();
        drop(file);
        assert_eq!(files(folder.path()).unwrap(), [at("cardmod-a-1.log"), at("cardmod-b-2.log.1")]);
        assert!(files(&at("missing")).is_err());
    }
}
