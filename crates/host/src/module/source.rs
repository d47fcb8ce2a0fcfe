//! Where a card module comes from, and why one cannot be used.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::function::code_text;
use super::image::Machine;
use super::table::BuiltInEntry;

/// Where a card module comes from.
#[derive(Clone)]
pub enum ModuleSource {
    /// A module compiled into this program, driven through the same C interface.
    BuiltIn {
        /// Its `CardAcquireContext`.
        entry: BuiltInEntry,
        /// Its name, for people.
        name: &'static str,
    },
    /// A shared library that exports `CardAcquireContext`.
    Path(PathBuf),
}

impl fmt::Display for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn { name, .. } => f.write_str(name),
            Self::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

impl fmt::Debug for ModuleSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModuleSource({self})")
    }
}

/// Why a card module cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// There is no such file.
    #[error("the card module {path} does not exist")]
    NotFound {
        /// The file.
        path: String,
    },
    /// The file is a folder.
    #[error("the card module {path} is a folder, not a library")]
    Folder {
        /// The folder.
        path: String,
    },
    /// The library is for another system, or for programs of another width.
    #[error("the card module {path} is a {library} library; this program is a {program} one")]
    WrongMachine {
        /// The file.
        path: String,
        /// For what it was built.
        library: Machine,
        /// For what this program was built.
        program: Machine,
    },
    /// The file cannot be read.
    #[error("the card module {path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
    /// The file is not a shared library this program can load.
    #[error("{path} is not a library this program can load: {reason}")]
    NotALibrary {
        /// The file.
        path: String,
        /// What the system's loader says.
        reason: String,
    },
    /// The library is not a card module.
    #[error("{path} is not a card module: it exports no CardAcquireContext")]
    NoEntry {
        /// The file.
        path: String,
    },
    /// The module refuses the card, or cannot start.
    #[error("{module} refuses to start: CardAcquireContext answered {}", code_text(*.code))]
    Refused {
        /// The module.
        module: String,
        /// Its code.
        code: u32,
    },
    /// The module does not know the card.
    #[error("{module} does not know this card (ATR {atr}); name another card module")]
    UnknownCard {
        /// The module.
        module: String,
        /// The card's answer to reset, in hexadecimal.
        atr: String,
    },
    /// The module speaks none of the versions this host asked for.
    #[error("{module} speaks no version of the interface from {lowest} to {highest}")]
    NoCommonVersion {
        /// The module.
        module: String,
        /// The lowest version asked for.
        lowest: u32,
        /// The highest version asked for.
        highest: u32,
    },
    /// The module answered success with a version that cannot be.
    #[error("{module} was asked for version {asked} of the interface and answered version {answered}")]
    WrongVersion {
        /// The module.
        module: String,
        /// What was asked for.
        asked: u32,
        /// What it answered.
        answered: u32,
    },
    /// The module left entries of its function table NULL that its version must have.
    #[error("{module} answered version {version} but left {} of its function table empty", .missing.join(", "))]
    Holes {
        /// The module.
        module: String,
        /// The version it answered.
        version: u32,
        /// The entries, as `Cardmod.h` calls them.
        missing: Vec<&'static str>,
    },
    /// The module changed what belongs to the host.
    #[error("{module} overwrote {member}, which belongs to the host")]
    HostMember {
        /// The module.
        module: String,
        /// The member of `CARD_DATA`.
        member: &'static str,
    },
}

impl LoadError {
    /// What the system says of a module's file.
    pub(crate) fn of_file(path: &Path, error: &std::io::Error) -> Self {
        let shown = || path.display().to_string();
        // Windows says of a folder that it may not be read.
        if path.is_dir() {
            return Self::Folder { path: shown() };
        }
        match error.kind() {
            // Whole, since a relative one leaves open where it was looked for.
            ErrorKind::NotFound => match std::path::absolute(path) {
                Ok(whole) => Self::NotFound { path: whole.display().to_string() },
                Err(_) => Self::NotFound { path: shown() },
            },
            _ => Self::Unreadable { path: shown(), reason: error.to_string() },
        }
    }
}

/// The whole path of a module's file, without the form that Windows' own programs do not take where it can be
/// done without.
///
/// # Errors
/// [`LoadError::NotFound`], [`LoadError::Unreadable`].
pub(crate) fn whole_path(path: &Path) -> Result<PathBuf, LoadError> {
    dunce::canonicalize(path)
        .or_else(|error| match path.is_file() {
            // Wine cannot tell the final name of a file whose path is longer than 260 characters.
            true => std::path::absolute(path),
            false => Err(error),
        })
        .map_err(|error| LoadError::of_file(path, &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_told_with_its_whole_path() {
        let told = whole_path(Path::new("nowhere.dll")).expect_err("it is not there").to_string();
        let whole = std::env::current_dir().expect("a folder").join("nowhere.dll");
        assert_eq!(told, format!("the card module {} does not exist", whole.display()));
        let folder = std::env::temp_dir();
        let told = super::super::Image::read(&folder).expect_err("it is a folder").to_string();
        assert_eq!(told, format!("the card module {} is a folder, not a library", folder.display()));
    }
}
