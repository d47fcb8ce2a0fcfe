//! Writing the registry: a key for each registered card on Windows, a file for each elsewhere.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, value};

use super::entry::{CLASS, CardEntry, Place, RegisteredModule, Scope, checked_pattern};
use super::paths::{Directory, RegistryPaths};
use super::{calais, file};
use crate::module::{LoadError, Module, ModuleSource, whole_path};

/// An entry to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEntry {
    /// The card's name, which no other entry of the same scope has.
    pub name: String,
    /// The ATR after masking.
    pub atr: Vec<u8>,
    /// The mask, as long as the ATR.
    pub mask: Vec<u8>,
    /// The module.
    pub module: RegisteredModule,
    /// The CryptoAPI provider's name.
    pub crypto_provider: Option<String>,
    /// The CNG key storage provider's name.
    pub key_storage_provider: Option<String>,
    /// An entry of this name is replaced. Values of its key that mean nothing here stay.
    pub replace: bool,
}

/// What was taken out of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unregistered {
    /// Where it was: its key, or its line in a file.
    pub place: Place,
    /// Its file held nothing else and was removed.
    pub file_removed: bool,
}

/// Why the registry was not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The system has no such place.
    #[error("there is no place for entries of the {} here", .0.word())]
    NoPlace(Scope),
    /// The name is no name of a card.
    #[error("a card's name has 1 to 127 characters and no control characters")]
    BadName,
    /// The name cannot be that of a key of Windows' registry.
    #[error("a card's name in the registry of Windows has no backslash")]
    BackslashInName,
    /// ATR and mask do not go together.
    #[error("{0}")]
    BadPattern(String),
    /// The name is taken.
    #[error("{name:?} is registered already in {place}")]
    Exists {
        /// The name.
        name: String,
        /// Where.
        place: Place,
    },
    /// The key is none of a card module, and not this program's to change.
    #[error(
        "{place} is left alone: it is not a card module's, but that of a provider or of Windows' class driver"
    )]
    NoModule {
        /// The key.
        place: Place,
    },
    /// No entry has this name.
    #[error("no entry of the {} is named {name:?}", .scope.word())]
    Unknown {
        /// The name.
        name: String,
        /// Where it was looked for.
        scope: Scope,
    },
    /// The module cannot be used.
    #[error(transparent)]
    Module(#[from] LoadError),
    /// The user may not write there.
    #[error("this user may not write {place}")]
    Denied {
        /// The file, directory or key.
        place: Place,
    },
    /// A file or key cannot be read or written.
    #[error("{place}: {reason}")]
    Place {
        /// The file, directory or key.
        place: Place,
        /// What the system says.
        reason: String,
    },
}

impl RegisterError {
    /// What the system says of a place.
    pub(super) fn of_place(place: Place, error: &std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Denied { place },
            _ => Self::Place { place, reason: error.to_string() },
        }
    }
}

/// Loads a module's library and finds `CardAcquireContext` in it; answers its absolute path.
///
/// # Errors
/// [`LoadError`].
pub fn check_module(path: &Path) -> Result<PathBuf, LoadError> {
    let absolute = whole_path(path)?;
    Module::load(&ModuleSource::Path(absolute.clone()))?;
    Ok(absolute)
}

/// Writes an entry: a key of its own where the scope has one in Windows' registry, else a file of its own;
/// answers where it is. No other entry of the scope has its name then, in a key or in a file.
///
/// # Errors
/// [`RegisterError`]; nothing is changed then.
pub fn register(paths: &RegistryPaths, scope: Scope, new: &NewEntry) -> Result<Place, RegisterError> {
    check_entry(&new.name, &new.atr, &new.mask)?;
    let directory = directory(paths, scope);
    let Some(key) = paths.key(scope) else {
        return write_entry(directory?, new).map(|file| Place::File { file, line: None });
    };
    match directory {
        Ok(directory) => instead_of_files(directory, new, || calais::register(key, new)),
        Err(_) => calais::register(key, new),
    }
}

/// Whether a name, an ATR and its mask make an entry.
///
/// # Errors
/// [`RegisterError::BadName`], [`RegisterError::BadPattern`].
pub(crate) fn check_entry(name: &str, atr: &[u8], mask: &[u8]) -> Result<(), RegisterError> {
    if name.trim().is_empty() || name.chars().count() > 127 || name.contains(char::is_control) {
        return Err(RegisterError::BadName);
    }
    let checked = checked_pattern(atr.to_vec(), Some(mask.to_vec()));
    checked.map(drop).map_err(|(_, reason)| RegisterError::BadPattern(reason))
}

/// Writes an entry into a file of its own.
fn write_entry(directory: Directory<'_>, new: &NewEntry) -> Result<PathBuf, RegisterError> {
    let text = document(new)?.to_string();
    instead_of_files(directory, new, || {
        let file = free_file(directory.path, &new.name);
        write(&file, &text)?;
        Ok(file)
    })
}

/// Writes an entry in the place of one of its name in a file, which is put back where that fails.
fn instead_of_files<T>(
    directory: Directory<'_>,
    new: &NewEntry,
    write_it: impl FnOnce() -> Result<T, RegisterError>,
) -> Result<T, RegisterError> {
    let Some(known) = entries(directory).into_iter().find(|entry| entry.name == new.name) else {
        return write_it();
    };
    let place = known.origin.place;
    if !new.replace {
        return Err(RegisterError::Exists { name: new.name.clone(), place });
    }
    let Place::File { file, .. } = &place else { return write_it() };
    let before = std::fs::read_to_string(file).map_err(|error| of_system(file, &error))?;
    take_out(directory, &new.name)?;
    write_it().map_err(|error| match write(file, &before) {
        Ok(()) => error,
        Err(worse) => {
            let reason = format!("{error}; and what was there before could not be put back: {worse}");
            failed(file, reason)
        }
    })
}

/// A file with this one entry.
fn document(new: &NewEntry) -> Result<DocumentMut, RegisterError> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let mut card = toml_edit::Table::new();
    card["name"] = value(new.name.as_str());
    card["atr"] = value(hex(&new.atr));
    card["mask"] = value(hex(&new.mask));
    card["module"] = match &new.module {
        RegisteredModule::Class => value(CLASS),
        RegisteredModule::Library(path) => {
            let text = path.to_str().ok_or_else(|| failed(path, "the path is no Unicode text"))?;
            value(text)
        }
    };
    for (key, name) in
        [("crypto-provider", &new.crypto_provider), ("key-storage-provider", &new.key_storage_provider)]
    {
        if let Some(name) = name {
            card[key] = value(name.as_str());
        }
    }
    let mut document = DocumentMut::new();
    let mut cards = toml_edit::ArrayOfTables::new();
    cards.push(card);
    document["card"] = Item::ArrayOfTables(cards);
    Ok(document)
}

/// Takes the entry of this name out of the registry: the key with all its values, else the part of a file,
/// where other entries and comments stay.
///
/// # Errors
/// [`RegisterError`]; nothing is changed then.
pub fn unregister(paths: &RegistryPaths, scope: Scope, name: &str) -> Result<Unregistered, RegisterError> {
    let Some(key) = paths.key(scope) else {
        return take_out(directory(paths, scope)?, name);
    };
    if let Some(place) = calais::unregister(key, name)? {
        return Ok(Unregistered { place, file_removed: false });
    }
    match directory(paths, scope) {
        Ok(directory) => take_out(directory, name),
        Err(_) => Err(RegisterError::Unknown { name: name.to_owned(), scope }),
    }
}

/// Takes an entry out of its file.
fn take_out(directory: Directory<'_>, name: &str) -> Result<Unregistered, RegisterError> {
    let unknown = || RegisterError::Unknown { name: name.to_owned(), scope: directory.scope };
    let entry = entries(directory).into_iter().find(|entry| entry.name == name).ok_or_else(unknown)?;
    let place = entry.origin.place;
    let Place::File { file, .. } = &place else { return Err(unknown()) };
    let text = std::fs::read_to_string(file).map_err(|error| of_system(file, &error))?;
    let mut document: DocumentMut = text.parse().map_err(|error| failed(file, error))?;
    let cards = document.get_mut("card").and_then(Item::as_array_of_tables_mut);
    let cards =
        cards.ok_or_else(|| failed(file, "its cards are written in one line: take it out by hand"))?;
    cards.retain(|card| card.get("name").and_then(Item::as_str) != Some(name));
    if cards.is_empty() {
        document.remove("card");
    }
    let rest = document.to_string();
    let file_removed = rest.trim().is_empty();
    if file_removed {
        std::fs::remove_file(file).map_err(|error| of_system(file, &error))?;
    } else {
        write(file, &rest)?;
    }
    Ok(Unregistered { place, file_removed })
}

fn directory(paths: &RegistryPaths, scope: Scope) -> Result<Directory<'_>, RegisterError> {
    paths.directory(scope).ok_or(RegisterError::NoPlace(scope))
}

/// The entries of one directory; files that cannot be used have none.
fn entries(directory: Directory<'_>) -> Vec<CardEntry> {
    let read = |path: PathBuf| file::read(&path, directory.scope).unwrap_or_default();
    file::files(directory).into_iter().flatten().flat_map(read).collect()
}

/// A file that is not there yet, named after the card.
fn free_file(directory: &Path, name: &str) -> PathBuf {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let words: String = name.chars().map(plain).collect();
    let stem = words.split('-').filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-");
    let stem = if stem.is_empty() { "card".to_owned() } else { stem };
    let numbered = (2..).map(|number: u32| directory.join(format!("{stem}-{number}.toml")));
    let mut candidates = std::iter::once(directory.join(format!("{stem}.toml"))).chain(numbered);
    candidates.find(|path| !path.exists()).unwrap_or_else(|| directory.join("card.toml"))
}

/// Replaces a file as a whole; a reader sees the old one or the new one.
fn write(file: &Path, text: &str) -> Result<(), RegisterError> {
    let directory = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory).map_err(|error| of_system(directory, &error))?;
    // A name that is no registry file's.
    let new = file.with_extension(format!("new-{}", std::process::id()));
    let written = std::fs::File::create(&new).and_then(|mut opened| {
        opened.write_all(text.as_bytes())?;
        opened.sync_all()?;
        std::fs::rename(&new, file)
    });
    written.map_err(|error| {
        // What is left of it is nobody's.
        let _ = std::fs::remove_file(&new);
        of_system(file, &error)
    })
}

fn of_system(file: &Path, error: &std::io::Error) -> RegisterError {
    RegisterError::of_place(Place::File { file: file.to_owned(), line: None }, error)
}

fn failed(file: &Path, reason: impl ToString) -> RegisterError {
    let reason = reason.to_string().trim().replace('\n', " ");
    RegisterError::Place { place: Place::File { file: file.to_owned(), line: None }, reason }
}
