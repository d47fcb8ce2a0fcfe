//! The module registry: which card module serves which card, by the card's answer to reset (ATR).
//!
//! On Windows it is the key `Calais\SmartCards` that Windows itself uses, and elsewhere, and beside that, TOML
//! files with the same values: each entry has the card's name, its ATR with a mask, and the module. An entry
//! is for a card when `ATR of the card & mask` equals the entry's ATR; the first entry that matches wins.
//! Entries of the file or directory in `CARDMOD_CARDS` come first, then the user's, then the system's; of
//! these those of the key before those of files; keys in the order of their names, files too, within a file
//! entries as written. So the order is the same in every run.
//!
//! A file or key that cannot be used is a [`RegistryProblem`] that names it; the others still count.

mod calais;
mod entry;
mod file;
mod paths;
mod register;

pub use self::calais::{CalaisKey, RegistryRoot, RegistryView};
pub(crate) use self::calais::{ModuleName, is_absolute, module_name};
pub use self::entry::{CardEntry, MAX_ATR_LEN, Origin, Place, RegisteredModule, Scope, hexadecimal};
pub use self::file::RegistryProblem;
pub use self::paths::RegistryPaths;
pub(crate) use self::register::check_entry;
pub use self::register::{NewEntry, RegisterError, Unregistered, check_module, register, unregister};

/// The entries of every file and key, in the order in which they are tried.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    entries: Vec<CardEntry>,
    problems: Vec<RegistryProblem>,
}

/// What the registry knows of one ATR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<'a> {
    /// The entry that wins.
    pub entry: &'a CardEntry,
    /// Further entries that match, in their order.
    pub others: Vec<&'a CardEntry>,
}

impl Registry {
    /// Reads every file and key of these places. What cannot be used is in [`problems`](Self::problems).
    #[must_use]
    pub fn load(paths: &RegistryPaths) -> Self {
        let mut registry = Self::default();
        for scope in [Scope::Environment, Scope::User, Scope::System] {
            for found in paths.key(scope).into_iter().flat_map(|key| calais::read(key, scope)) {
                registry.take(found.map(|entry| vec![entry]));
            }
            for found in paths.directory(scope).into_iter().flat_map(file::files) {
                registry.take(found.and_then(|path| file::read(&path, scope)));
            }
        }
        registry
    }

    fn take(&mut self, read: Result<Vec<CardEntry>, RegistryProblem>) {
        match read {
            Ok(entries) => self.entries.extend(entries),
            Err(problem) => self.problems.push(problem),
        }
    }

    /// The entry for a card with this ATR: the first that matches.
    #[must_use]
    pub fn find(&self, atr: &[u8]) -> Option<&CardEntry> {
        self.entries.iter().find(|entry| entry.matches(atr))
    }

    /// The entry for a card with this ATR, and those that match too and lose.
    #[must_use]
    pub fn matches(&self, atr: &[u8]) -> Option<Match<'_>> {
        let mut matching = self.entries.iter().filter(|entry| entry.matches(atr));
        Some(Match { entry: matching.next()?, others: matching.collect() })
    }

    /// All entries, in the order in which they are tried.
    #[must_use]
    pub fn entries(&self) -> &[CardEntry] {
        &self.entries
    }

    /// The files and keys that cannot be used, and why.
    #[must_use]
    pub fn problems(&self) -> &[RegistryProblem] {
        &self.problems
    }

    /// An entry names a module that is a file: a program that loads it shares its PC/SC library with it.
    #[must_use]
    pub fn has_libraries(&self) -> bool {
        self.entries.iter().any(|entry| matches!(entry.module, RegisteredModule::Library(_)))
    }
}
