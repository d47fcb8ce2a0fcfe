//! Writing the registry: one file for each registered card.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, value};

use super::entry::{CLASS, CardEntry, RegisteredModule, Scope, pattern};
use super::file;
use super::paths::{Place, RegistryPaths};
use crate::module::{LoadError, Module, ModuleSource};

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
    /// An entry of this name is replaced, where it has a file of its own.
    pub replace: bool,
}

/// What was taken out of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unregistered {
    /// The entry.
    pub entry: CardEntry,
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
    /// ATR and mask do not go together.
    #[error("{0}")]
    BadPattern(String),
    /// The name is taken.
    #[error("{name:?} is registered already in {file}")]
    Exists {
        /// The name.
        name: String,
        /// File and line.
        file: String,
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
    /// A file cannot be read or written.
    #[error("{}: {reason}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the system says.
        reason: String,
    },
}

/// Loads a module's library and finds `CardAcquireContext` in it; answers its absolute path.
///
/// # Errors
/// [`LoadError`].
pub fn check_module(path: &Path) -> Result<PathBuf, LoadError> {
    let unreadable = |error: std::io::Error| LoadError::Unreadable {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    let absolute = path.canonicalize().map_err(unreadable)?;
    Module::load(&ModuleSource::Path(absolute.clone()))?;
    Ok(absolute)
}

/// Writes an entry into a file of its own; answers the file.
///
/// # Errors
/// [`RegisterError`]; nothing is changed then.
pub fn register(paths: &RegistryPaths, scope: Scope, new: &NewEntry) -> Result<PathBuf, RegisterError> {
    if new.name.trim().is_empty() || new.name.chars().count() > 127 || new.name.contains(char::is_control) {
        return Err(RegisterError::BadName);
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    pattern(&hex(&new.atr), Some(&hex(&new.mask)))
        .map_err(|(_, reason)| RegisterError::BadPattern(reason))?;
    let directory = directory(paths, scope)?;
    let known = entries(directory, scope).into_iter().find(|entry| entry.name == new.name);
    let file = match known {
        Some(known) if new.replace => {
            unregister(paths, scope, &known.name)?;
            free_file(directory, &new.name)
        }
        Some(known) => {
            return Err(RegisterError::Exists { name: new.name.clone(), file: known.origin.to_string() });
        }
        None => free_file(directory, &new.name),
    };
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
    write(&file, &document.to_string())?;
    Ok(file)
}

/// Takes the entry of this name out of the registry. A file that holds others keeps them and
/// their comments.
///
/// # Errors
/// [`RegisterError::Unknown`], [`RegisterError::File`].
pub fn unregister(paths: &RegistryPaths, scope: Scope, name: &str) -> Result<Unregistered, RegisterError> {
    let directory = directory(paths, scope)?;
    let entry = entries(directory, scope)
        .into_iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| RegisterError::Unknown { name: name.to_owned(), scope })?;
    let file = &entry.origin.file;
    let text = std::fs::read_to_string(file).map_err(|error| failed(file, error))?;
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
        std::fs::remove_file(file).map_err(|error| failed(file, error))?;
    } else {
        write(file, &rest)?;
    }
    Ok(Unregistered { entry, file_removed })
}

fn directory(paths: &RegistryPaths, scope: Scope) -> Result<&PathBuf, RegisterError> {
    let place = match scope {
        Scope::Environment => &paths.environment,
        Scope::User => &paths.user,
        Scope::System => &paths.system,
    };
    place.as_ref().ok_or(RegisterError::NoPlace(scope))
}

/// The entries of one directory; files that cannot be used have none.
fn entries(directory: &PathBuf, scope: Scope) -> Vec<CardEntry> {
    let files = file::files(Place { scope, path: directory });
    files.into_iter().flatten().flat_map(|path| file::read(&path, scope).unwrap_or_default()).collect()
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
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
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
        failed(file, error)
    })
}

fn failed(file: &Path, reason: impl ToString) -> RegisterError {
    RegisterError::File { file: file.to_owned(), reason: reason.to_string().trim().replace('\n', " ") }
}
