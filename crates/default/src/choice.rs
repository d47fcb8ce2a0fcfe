//! Which card module serves which card: the one that was named, the registered one, the class module.

use cardmod_host::registry::{CardEntry, RegisteredModule};
use cardmod_host::{CardSession, Error, ModuleSource, OpenOptions};

use crate::environment::{Environment, EnvironmentError, built_in_module};

/// A card module, and why it is this one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ModuleChoice {
    /// The module.
    pub source: ModuleSource,
    /// The rule, in words.
    pub rule: String,
    /// The registry's entry, where that was the rule.
    pub entry: Option<CardEntry>,
}

impl Environment {
    /// The module for a card with this ATR: the one named for all cards, else the one registered for
    /// the ATR, else the built-in class module.
    ///
    /// # Errors
    /// [`EnvironmentError::RegisteredModule`] where the registered one is a file that this process
    /// cannot share its PC/SC library with.
    pub fn module_for(&self, atr: &[u8]) -> Result<ModuleChoice, EnvironmentError> {
        let Some(entry) = self.registry.find(atr) else {
            return Ok(ModuleChoice { source: self.module.clone(), rule: self.module_rule(), entry: None });
        };
        let source = match (&entry.module, &self.not_shared) {
            (RegisteredModule::Class, _) => built_in_module(),
            (RegisteredModule::Library(path), None) => ModuleSource::Path(path.clone()),
            (RegisteredModule::Library(_), Some(reason)) => return Err(unusable(entry, reason)),
        };
        let rule = format!("registered as {:?} ({})", entry.name, entry.origin);
        Ok(ModuleChoice { source, rule, entry: Some(entry.clone()) })
    }

    /// The module for the card in a reader, as [`module_for`](Self::module_for). Where there is no
    /// reader of this name, or no card in it, nothing is registered for it.
    ///
    /// # Errors
    /// As [`module_for`](Self::module_for); [`EnvironmentError::Card`] where the readers cannot be asked.
    pub fn module_of(&self, reader: &str) -> Result<ModuleChoice, EnvironmentError> {
        if self.registry.entries().is_empty() {
            return self.module_for(&[]);
        }
        let readers = self.host.readers()?;
        let found = readers.into_iter().find(|info| info.name == reader);
        self.module_for(&found.map(|info| info.atr).unwrap_or_default())
    }

    /// Opens the card in a reader with the module chosen for it. The rule goes into `options`, and,
    /// where these name no card, a registered card's name.
    ///
    /// # Errors
    /// Those of [`module_of`](Self::module_of); [`EnvironmentError::Card`];
    /// [`EnvironmentError::RegisteredModule`] where the registered module cannot be loaded or refuses.
    pub fn open_card(&self, reader: &str, mut options: OpenOptions) -> Result<CardSession, EnvironmentError> {
        let choice = self.module_of(reader)?;
        options.rule = choice.rule;
        let Some(entry) = choice.entry else {
            return Ok(self.host.open(reader, &choice.source, options)?);
        };
        if options.card_name == OpenOptions::default().card_name {
            options.card_name.clone_from(&entry.name);
        }
        self.host.open(reader, &choice.source, options).map_err(|error| match error {
            Error::ModuleLoad(error) => unusable(&entry, &error.to_string()),
            error => error.into(),
        })
    }

    /// The rule by which [`Environment::module`] was chosen.
    #[must_use]
    pub fn module_rule(&self) -> String {
        match &self.module {
            ModuleSource::BuiltIn { .. } => {
                "the built-in module, since none was named and none is registered for this ATR".to_owned()
            }
            ModuleSource::Path(path) => format!("named by the caller: {}", path.display()),
        }
    }
}

fn unusable(entry: &CardEntry, reason: &str) -> EnvironmentError {
    EnvironmentError::RegisteredModule {
        name: entry.name.clone(),
        origin: entry.origin.clone(),
        reason: reason.to_owned(),
    }
}
