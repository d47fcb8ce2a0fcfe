//! Windows' own registry of card kinds, `Calais\SmartCards` (minidriver specification 7.07, section 3.1.4
//! and appendix A): one key for each kind of card, with values for ATR, mask and module.
//!
//! The same code reads and checks values on every system; only [`store`] touches a registry, and where the
//! system has none there is nothing to read and nowhere to write.
//!
//! Windows leaves the order of keys open. Here they are tried by name, as [`str`]s compare without regard
//! to case, so that the first match is the same in every run.

#[cfg_attr(not(windows), path = "elsewhere.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod store;
pub(super) mod values;

use std::fmt;
use std::io;

use self::values::Values;
pub(crate) use self::values::{ModuleName, is_absolute, module_name};
use super::entry::{CardEntry, Origin, Place, Scope};
use super::file::RegistryProblem;
use super::register::{NewEntry, RegisterError};

/// Where Windows keeps the kinds of cards, below a root.
const SMART_CARDS: &str = r"SOFTWARE\Microsoft\Cryptography\Calais\SmartCards";

/// A key of Windows' registry that has one key for each kind of card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalaisKey {
    /// The root it is below.
    pub root: RegistryRoot,
    /// The path from there.
    pub path: String,
    /// For programs of which width.
    pub view: RegistryView,
}

/// The roots of Windows' registry that have entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryRoot {
    /// `HKEY_CURRENT_USER`.
    CurrentUser,
    /// `HKEY_LOCAL_MACHINE`.
    LocalMachine,
}

/// Whose view of the registry: 32-bit programs on a 64-bit Windows have entries of their own (WOW64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegistryView {
    /// That of this program.
    Own,
    /// That of 32-bit programs.
    Programs32,
}

impl CalaisKey {
    /// The system's entries, which Windows itself uses, for programs of this width.
    #[must_use]
    pub fn system(view: RegistryView) -> Self {
        Self { root: RegistryRoot::LocalMachine, path: SMART_CARDS.to_owned(), view }
    }

    /// The user's entries. Windows itself does not read them.
    #[must_use]
    pub fn user() -> Self {
        Self { root: RegistryRoot::CurrentUser, path: SMART_CARDS.to_owned(), view: RegistryView::Own }
    }

    /// A key of the user's in the place of a scope's, for tests and trees that are built elsewhere.
    #[must_use]
    pub fn in_place_of(scope: Scope, path: &str) -> Self {
        let part = if scope == Scope::System { "System" } else { "User" };
        Self { root: RegistryRoot::CurrentUser, path: format!(r"{path}\{part}"), view: RegistryView::Own }
    }

    /// The same for 32-bit programs. Users have no such node of their own; a key in the place of the system's
    /// has another beside it.
    pub(super) fn for_32_bit_programs(self) -> Self {
        match self.root {
            RegistryRoot::LocalMachine => Self { view: RegistryView::Programs32, ..self },
            RegistryRoot::CurrentUser => Self { path: format!("{}32", self.path), ..self },
        }
    }

    /// The key of a card.
    fn of_card(&self, name: &str) -> String {
        format!(r"{self}\{name}")
    }
}

/// The entries of a key in their order, and those that cannot be used.
pub(super) fn read(key: &CalaisKey, scope: Scope) -> Vec<Result<CardEntry, RegistryProblem>> {
    let failed = |key: String, reason: String| RegistryProblem { place: Place::Key(key), reason };
    let mut cards = match store::cards(key) {
        Ok(cards) => cards,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => return vec![Err(failed(key.to_string(), format!("it cannot be read: {error}")))],
    };
    cards.sort_by_cached_key(|(name, _)| name.to_lowercase());
    let folders = store::folders(key.view);
    let entry = |(name, values): (String, io::Result<Values>)| {
        let place = key.of_card(&name);
        let values = match values {
            Ok(values) => values,
            // Taken out since the names were read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return Some(Err(failed(place, format!("it cannot be read: {error}")))),
        };
        let origin = Origin { scope, place: Place::Key(place.clone()) };
        values::entry(name, &values, &folders, origin).map_err(|reason| failed(place, reason)).transpose()
    };
    cards.into_iter().filter_map(entry).collect()
}

/// Writes an entry; answers its key. A key of this name that is none of a card module is not replaced.
///
/// # Errors
/// [`RegisterError`]; nothing is changed then.
pub(super) fn register(key: &CalaisKey, new: &NewEntry) -> Result<Place, RegisterError> {
    if new.name.contains('\\') {
        return Err(RegisterError::BackslashInName);
    }
    let place = Place::Key(key.of_card(&new.name));
    if find(key, &new.name)?.is_some() && !new.replace {
        return Err(RegisterError::Exists { name: new.name.clone(), place });
    }
    let written = values::written(new, &store::folders(key.view))
        .map_err(|reason| RegisterError::Place { place: place.clone(), reason })?;
    store::write(key, &new.name, &written).map_err(|error| RegisterError::of_place(place.clone(), &error))?;
    Ok(place)
}

/// The entry's key, where it is there, usable or not.
///
/// # Errors
/// [`RegisterError::NoModule`] where the key is none of a card module; others.
pub(super) fn find(key: &CalaisKey, name: &str) -> Result<Option<Place>, RegisterError> {
    // Such a text names another key than that of a card: an empty one all of them.
    if name.is_empty() || name.contains(['\\', '\0']) {
        return Ok(None);
    }
    let place = Place::Key(key.of_card(name));
    let values = match store::card(key, name) {
        Ok(Some(values)) => values,
        Ok(None) => return Ok(None),
        Err(error) => return Err(RegisterError::of_place(place, &error)),
    };
    let origin = Origin { scope: Scope::System, place: place.clone() };
    match values::entry(name.to_owned(), &values, &store::folders(key.view), origin) {
        Ok(None) => Err(RegisterError::NoModule { place }),
        Ok(Some(_)) | Err(_) => Ok(Some(place)),
    }
}

/// Takes an entry out with all its values; answers its key, where it was there.
///
/// # Errors
/// [`RegisterError`]; nothing is changed then.
pub(super) fn unregister(key: &CalaisKey, name: &str) -> Result<Option<Place>, RegisterError> {
    let Some(place) = find(key, name)? else { return Ok(None) };
    match store::remove(key, name) {
        Ok(()) => Ok(Some(place)),
        Err(error) => Err(RegisterError::of_place(place, &error)),
    }
}

impl fmt::Display for CalaisKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = match self.root {
            RegistryRoot::CurrentUser => "HKEY_CURRENT_USER",
            RegistryRoot::LocalMachine => "HKEY_LOCAL_MACHINE",
        };
        // As regedit shows it to an administrator.
        match (self.view, self.path.split_once('\\')) {
            (RegistryView::Programs32, Some((first, rest))) => {
                write!(f, r"{root}\{first}\WOW6432Node\{rest}")
            }
            _ => write!(f, r"{root}\{}", self.path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_as_regedit_shows_them() {
        assert_eq!(
            CalaisKey::system(RegistryView::Own).of_card("A card"),
            r"HKEY_LOCAL_MACHINE\SOFTWARE\Microsoft\Cryptography\Calais\SmartCards\A card"
        );
        assert_eq!(
            CalaisKey::system(RegistryView::Programs32).to_string(),
            r"HKEY_LOCAL_MACHINE\SOFTWARE\WOW6432Node\Microsoft\Cryptography\Calais\SmartCards"
        );
        let test = CalaisKey::in_place_of(Scope::System, r"Software\test");
        assert_eq!(test.to_string(), r"HKEY_CURRENT_USER\Software\test\System");
    }
}
