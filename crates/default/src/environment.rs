//! The environment: provider, host, store of virtual cards, card module.

use std::path::PathBuf;
use std::sync::Arc;

use cardmod_host::registry::{Origin, Registry, RegistryPaths};
use cardmod_host::{DirectoryStore, Host, ModuleSource};
use cardmod_pcsc::{Provider, ProviderError};
use cardmod_virtual::{Store, StoreError};
use cardmod_winscard::Fault;

use crate::shared::SharedProvider;

/// How the environment is set up.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentOptions {
    /// The directory of the virtual cards; `None` is [`Store::default_dir`].
    pub store_dir: Option<PathBuf>,
    /// A card module to be loaded for every card; `None` chooses by the registry, card by card, and
    /// takes the built-in class module for the others.
    pub module: Option<PathBuf>,
    /// Where the module registry is; `None` is [`RegistryPaths::standard`].
    pub registry: Option<RegistryPaths>,
    /// A file for one JSON object per APDU, with secrets replaced.
    pub apdu_log: Option<PathBuf>,
    /// Where public data of cards outlives the program. `None` is [`DirectoryStore::standard`]; with a
    /// `store_dir` of its own an environment leaves nothing elsewhere, and `None` is nowhere.
    pub cache_dir: Option<PathBuf>,
}

/// Why there is no environment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The virtual cards cannot be reached.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The process cannot use this PC/SC provider.
    #[error("{error}{}", source_text(error))]
    Provider {
        /// The provider's own words.
        #[from]
        error: ProviderError,
    },
    /// The shared provider, which a loaded card module needs, is not there.
    #[error("{file}, which card modules share with this program, is not beside {program} ({searched})")]
    NoSharedProvider {
        /// The library's file name.
        file: &'static str,
        /// The program's file name.
        program: String,
        /// The folders that were looked into.
        searched: String,
        /// The program is one that cargo built, and lies where it did.
        in_build: bool,
    },
    /// The shared provider is there, and is not what it should be.
    #[error("{path} is not the PC/SC library of this program: {reason}")]
    BadSharedProvider {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The module that is registered for a card cannot be used.
    #[error("the card module registered for this card as {name:?} ({origin}) cannot be used: {reason}")]
    RegisteredModule {
        /// The entry's name.
        name: String,
        /// Whose entry it is, and its file and line or its key.
        origin: Origin,
        /// Why.
        reason: String,
    },
    /// The card cannot be opened.
    #[error(transparent)]
    Card(#[from] cardmod_host::Error),
    /// There is no place for the files of a test's card.
    #[error("a test's virtual card has no place for its files: {reason}")]
    NoTemporaryStore {
        /// What the system says.
        reason: String,
    },
    /// The APDU log cannot be written.
    #[error("the APDU log {path} cannot be written: {reason}")]
    ApduLog {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
    },
}

/// The loader's own words, which the error keeps apart.
fn source_text(error: &ProviderError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

/// Host, virtual cards and card module, ready to be used together.
pub struct Environment {
    /// The host.
    pub host: Host,
    /// The virtual cards.
    pub store: Store,
    /// The card module of cards for which no other is registered.
    pub module: ModuleSource,
    /// The module registry. Empty where one module was named for all cards.
    pub registry: Registry,
    /// The provider's further functions, where it is the shared library.
    shared: Option<SharedProvider>,
    /// Why a registered module that is a file cannot be loaded: it would find another provider.
    pub(crate) not_shared: Option<String>,
}

/// The host with its store of public data.
fn remembering(host: Host, options: &EnvironmentOptions) -> Host {
    let store = match (&options.cache_dir, &options.store_dir) {
        (Some(directory), _) => Some(DirectoryStore::new(directory)),
        (None, Some(_)) => None,
        (None, None) => DirectoryStore::standard(),
    };
    match store {
        Some(store) => host.with_public_store(Arc::new(store)),
        None => host,
    }
}

impl Environment {
    /// Sets everything up. A process has one provider, so a second environment with the other kind of
    /// module is refused.
    ///
    /// # Errors
    /// [`EnvironmentError`].
    pub fn open(options: EnvironmentOptions) -> Result<Self, EnvironmentError> {
        let directory = match &options.store_dir {
            Some(directory) => directory.clone(),
            None => Store::default_dir()?,
        };
        let store = Store::open(directory)?;
        match &options.module {
            Some(path) => {
                let shared = SharedProvider::load()?;
                let module = ModuleSource::Path(path.clone());
                Self::sharing(store, module, Registry::default(), shared, &options)
            }
            None => {
                let paths = options.registry.clone().unwrap_or_else(RegistryPaths::standard);
                Self::by_registry(store, Registry::load(&paths), &options)
            }
        }
    }

    /// This program's own modules and provider, unless a registered module may need the shared one.
    fn by_registry(
        store: Store,
        registry: Registry,
        options: &EnvironmentOptions,
    ) -> Result<Self, EnvironmentError> {
        if !registry.has_libraries() {
            return Self::built_in(store, registry, options);
        }
        match SharedProvider::load() {
            Ok(shared) => Self::sharing(store, built_in_module(), registry, shared, options),
            // Most cards need no module from a file; those that do are refused with this.
            Err(error) => {
                let mut environment = Self::built_in(store, registry, options)?;
                environment.not_shared = Some(error.to_string());
                Ok(environment)
            }
        }
    }

    /// This program's own code, called directly.
    fn built_in(
        store: Store,
        registry: Registry,
        options: &EnvironmentOptions,
    ) -> Result<Self, EnvironmentError> {
        let provider = Provider::from_table(cardmod_winscard::table());
        Provider::install(Arc::clone(&provider))?;
        if options.store_dir.is_some() {
            cardmod_winscard::set_store_dir(options.store_dir.as_deref());
        }
        if let Some(path) = &options.apdu_log {
            cardmod_winscard::set_apdu_log(Some(path)).map_err(|error| EnvironmentError::ApduLog {
                path: path.display().to_string(),
                reason: error.to_string(),
            })?;
        }
        let host = remembering(Host::new(provider), options);
        Ok(Self { host, store, module: built_in_module(), registry, shared: None, not_shared: None })
    }

    /// The shared library, which is loaded before any module so that the module finds it.
    fn sharing(
        store: Store,
        module: ModuleSource,
        registry: Registry,
        (provider, shared): (Arc<Provider>, SharedProvider),
        options: &EnvironmentOptions,
    ) -> Result<Self, EnvironmentError> {
        Provider::install(Arc::clone(&provider))?;
        if let Some(directory) = &options.store_dir {
            shared.set_store_dir(directory)?;
        }
        if let Some(path) = &options.apdu_log {
            shared.set_apdu_log(path)?;
        }
        Ok(Self {
            host: remembering(Host::new(provider), options),
            store,
            module,
            registry,
            shared: Some(shared),
            not_shared: None,
        })
    }

    /// How many APDUs this process has sent so far, to all readers.
    #[must_use]
    pub fn apdu_count(&self) -> u64 {
        match &self.shared {
            Some(shared) => shared.apdu_count(),
            None => cardmod_winscard::counters().total,
        }
    }

    /// Why the virtual card in this reader failed last, where it did: a disk without room, a damaged image.
    /// `None` for real readers, and while the card answers.
    #[must_use]
    pub fn last_fault(&self, reader: &str) -> Option<Fault> {
        match &self.shared {
            Some(shared) => shared.last_fault(reader),
            None => cardmod_winscard::last_fault(reader),
        }
    }

    /// The reader that holds the virtual card of this name.
    #[must_use]
    pub fn reader_of(&self, card_name: &str) -> String {
        cardmod_winscard::reader_name(card_name)
    }

    /// The virtual card a reader holds; `None` for real readers.
    #[must_use]
    pub fn card_of(&self, reader: &str) -> Option<String> {
        let cards = self.store.cards().unwrap_or_default();
        cards.into_iter().map(|card| card.name).find(|name| self.reader_of(name) == reader)
    }
}

/// The class module of this program.
pub(crate) fn built_in_module() -> ModuleSource {
    ModuleSource::BuiltIn { entry: cardmod_class::CardAcquireContext, name: "built-in class module" }
}
