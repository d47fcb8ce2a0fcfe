//! Where registry files are.

use std::ffi::OsString;
use std::path::PathBuf;

use super::entry::Scope;

/// Names a file, or a directory of them, that comes before all others.
const CARDS: &str = "CARDMOD_CARDS";
/// Names the directory in the place of the system's, for trees that are built elsewhere.
const SYSTEM: &str = "CARDMOD_SYSTEM_CONFIG";

/// The files and directories of the registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryPaths {
    /// A file, or a directory with `*.toml` files, that must be there.
    pub environment: Option<PathBuf>,
    /// The user's directory, which need not be there.
    pub user: Option<PathBuf>,
    /// The system's directory, which need not be there.
    pub system: Option<PathBuf>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) scope: Scope,
    pub(super) path: &'a PathBuf,
}

impl RegistryPaths {
    /// The standard ones: `$CARDMOD_CARDS`; `$XDG_CONFIG_HOME/cardmod/cards.d` (else
    /// `~/.config/cardmod/cards.d`; on Windows `%APPDATA%\cardmod\cards.d`); `/etc/cardmod/cards.d` (on
    /// Windows `%ProgramData%\cardmod\cards.d`), or `cards.d` in `$CARDMOD_SYSTEM_CONFIG`.
    #[must_use]
    pub fn standard() -> Self {
        Self::of(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let directory = |name: &str| variable(name).map(PathBuf::from);
        let (user, system) = if cfg!(windows) {
            let ours = |path: PathBuf| path.join("cardmod");
            (directory("APPDATA").map(ours), directory("ProgramData").map(ours))
        } else {
            // A relative path there is to be ignored (XDG Base Directory Specification).
            let configured = directory("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
            let user = configured.or_else(|| directory("HOME").map(|home| home.join(".config")));
            (user.map(|path| path.join("cardmod")), Some(PathBuf::from("/etc/cardmod")))
        };
        let cards = |path: PathBuf| path.join("cards.d");
        Self {
            environment: directory(CARDS),
            user: user.map(cards),
            system: directory(SYSTEM).or(system).map(cards),
        }
    }

    /// The places, first the one that wins.
    pub(super) fn in_order(&self) -> impl Iterator<Item = Place<'_>> {
        [(Scope::Environment, &self.environment), (Scope::User, &self.user), (Scope::System, &self.system)]
            .into_iter()
            .filter_map(|(scope, path)| Some(Place { scope, path: path.as_ref()? }))
    }
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    #[test]
    fn the_standard_places() {
        let of = |set: &[(&str, &str)]| {
            RegistryPaths::of(|name| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value))
            })
        };
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
