//! The environment: provider, host, store of virtual cards, card module.

use std::path::PathBuf;
use std::sync::Arc;

use cardmod_host::{Host, ModuleSource};
use cardmod_pcsc::{Provider, ProviderError};
use cardmod_virtual::{Store, StoreError};

use crate::shared::SharedProvider;

/// How the environment is set up.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentOptions {
    /// The directory of the virtual cards; `None` is [`Store::default_dir`].
    pub store_dir: Option<PathBuf>,
    /// A card module to be loaded; `None` is the built-in one.
    pub module: Option<PathBuf>,
    /// A file for one JSON object per APDU, with secrets replaced.
    pub apdu_log: Option<PathBuf>,
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
    #[error(
        "the PC/SC library that card modules share with this program is not installed; looked for {searched}"
    )]
    NoSharedProvider {
        /// The files that were looked for.
        searched: String,
    },
    /// The shared provider is there, and is not what it should be.
    #[error("{path} is not the PC/SC library of this program: {reason}")]
    BadSharedProvider {
        /// The file.
        path: String,
        /// What is wrong.
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
    /// The card module.
    pub module: ModuleSource,
    /// The provider's further functions, where it is the shared library.
    shared: Option<SharedProvider>,
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
            None => Self::built_in(store, &options),
            Some(path) => Self::with_module(store, path.clone(), &options),
        }
    }

    /// This program's own code, called directly.
    fn built_in(store: Store, options: &EnvironmentOptions) -> Result<Self, EnvironmentError> {
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
        let entry = cardmod_class::CardAcquireContext;
        let module = ModuleSource::BuiltIn { entry, name: "built-in class module" };
        Ok(Self { host: Host::new(provider), store, module, shared: None })
    }

    /// The shared library, which is loaded before the module so that the module finds it.
    fn with_module(
        store: Store,
        module: PathBuf,
        options: &EnvironmentOptions,
    ) -> Result<Self, EnvironmentError> {
        let (provider, shared) = SharedProvider::load()?;
        Provider::install(Arc::clone(&provider))?;
        if let Some(directory) = &options.store_dir {
            shared.set_store_dir(directory)?;
        }
        if let Some(path) = &options.apdu_log {
            shared.set_apdu_log(path)?;
        }
        Ok(Self {
            host: Host::new(provider),
            store,
            module: ModuleSource::Path(module),
            shared: Some(shared),
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

    /// The rule by which the card module was chosen.
    #[must_use]
    pub fn module_rule(&self) -> String {
        match &self.module {
            ModuleSource::BuiltIn { .. } => "the built-in module, since none was named".to_owned(),
            ModuleSource::Path(path) => format!("named by the caller: {}", path.display()),
        }
    }
}
