//! Where registry files are.

use std::ffi::OsString;
use std::path::PathBuf;

use super::calais::{CalaisKey, RegistryView};
use super::entry::Scope;

/// Names a file, or a directory of them, that comes before all others.
const CARDS: &str = "CARDMOD_CARDS";
/// Names the directory in the place of the system's, for trees that are built elsewhere.
const SYSTEM: &str = "CARDMOD_SYSTEM_CONFIG";

/// Names a key below `HKEY_CURRENT_USER` in the place of Windows' own, with the keys `User` and `System`.
const KEY: &str = "CARDMOD_CALAIS_KEY";

/// The files, directories and keys of the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryPaths {
    /// A file, or a directory with `*.toml` files, that must be there.
    pub environment: Option<PathBuf>,
    /// The user's directory, which need not be there.
    pub user: Option<PathBuf>,
    /// The system's directory, which need not be there. Windows has none, see [`standard`](Self::standard).
    pub system: Option<PathBuf>,
    /// The user's key in Windows' registry, which need not be there.
    pub user_key: Option<CalaisKey>,
    /// The system's key in Windows' registry, which need not be there.
    pub system_key: Option<CalaisKey>,
}

/// One of the directories.
#[derive(Clone, Copy, Debug)]
pub(super) struct Directory<'a> {
    pub(super) scope: Scope,
    pub(super) path: &'a PathBuf,
}

impl RegistryPaths {
    /// The standard ones: `$CARDMOD_CARDS`; `$XDG_CONFIG_HOME/cardmod/cards.d` (else
    /// `~/.config/cardmod/cards.d`; on Windows `%APPDATA%\cardmod\cards.d`); `/etc/cardmod/cards.d`, or
    /// `cards.d` in `$CARDMOD_SYSTEM_CONFIG`; and on Windows the user's and the system's keys
    /// `Calais\SmartCards`, or those in `$CARDMOD_CALAIS_KEY`.
    ///
    /// On Windows no directory is the system's: below `%ProgramData%` every user may make one, and would
    /// choose the code that the programs of others load, an administrator's among them. The system's key is
    /// for administrators alone to write.
    #[must_use]
    pub fn standard() -> Self {
        Self::of(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let directory = |name: &str| variable(name).map(PathBuf::from);
        let (user, system) = if cfg!(windows) {
            (directory("APPDATA").map(|path| path.join("cardmod")), None)
        } else {
            // A relative path there is to be ignored (XDG Base Directory Specification).
            let configured = directory("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
            let user = configured.or_else(|| directory("HOME").map(|home| home.join(".config")));
            let system = directory(SYSTEM).unwrap_or_else(|| PathBuf::from("/etc/cardmod"));
            (user.map(|path| path.join("cardmod")), Some(system))
        };
        let cards = |path: PathBuf| path.join("cards.d");
        let named = variable(KEY).map(|path| path.to_string_lossy().into_owned());
        let key = |scope, own: CalaisKey| match &named {
            Some(path) => CalaisKey::in_place_of(scope, path),
            None => own,
        };
        Self {
            environment: directory(CARDS),
            user: user.map(cards),
            system: system.map(cards),
            user_key: cfg!(windows).then(|| key(Scope::User, CalaisKey::user())),
            system_key: cfg!(windows).then(|| key(Scope::System, CalaisKey::system(RegistryView::Own))),
        }
    }

    /// The same, with the entries that 32-bit programs have of the system's key, and without the system's
    /// directory, whose entries are not theirs alone; `None` where there are no such.
    #[must_use]
    pub fn for_32_bit_programs(&self) -> Option<Self> {
        let key = self.system_key.clone()?;
        let system_key = Some(key.for_32_bit_programs());
        Some(Self { system_key, system: None, ..self.clone() })
    }

    /// The key of a scope.
    pub(super) fn key(&self, scope: Scope) -> Option<&CalaisKey> {
        match scope {
            Scope::Environment => None,
            Scope::User => self.user_key.as_ref(),
            Scope::System => self.system_key.as_ref(),
        }
    }

    /// The directory of a scope.
    pub(super) fn directory(&self, scope: Scope) -> Option<Directory<'_>> {
        let path = match scope {
            Scope::Environment => &self.environment,
            Scope::User => &self.user,
            Scope::System => &self.system,
        };
        path.as_ref().map(|path| Directory { scope, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> RegistryPaths {
        RegistryPaths::of(|name| {
            set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
        })
    }

    #[cfg(windows)]
    #[test]
    fn no_folder_that_everybody_may_make_is_the_systems() {
        let set = of(&[("ProgramData", r"C:\ProgramData"), ("APPDATA", r"C:\mine"), (SYSTEM, r"C:\s")]);
        assert_eq!(set.system, None);
        assert_eq!(set.user, Some(PathBuf::from(r"C:\mine\cardmod\cards.d")));
        assert_eq!(set.system_key, Some(CalaisKey::system(RegistryView::Own)));
    }

    #[cfg(not(windows))]
    #[test]
    fn the_standard_places() {
        let path = |text: &str| Some(PathBuf::from(text));
        let home = of(&[("HOME", "/h")]);
        assert_eq!(home.user, path("/h/.config/cardmod/cards.d"));
        assert_eq!((home.environment, home.system), (None, path("/etc/cardmod/cards.d")));
        let set = of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), (CARDS, "x.toml"), (SYSTEM, "/s")]);
        assert_eq!(set.user, path("/c/cardmod/cards.d"));
        assert_eq!((set.environment, set.system), (path("x.toml"), path("/s/cards.d")));
        assert_eq!(of(&[("XDG_CONFIG_HOME", "relative")]).user, None);
    }
}
