//! The host: readers, and cards opened with a card module.

use std::sync::Arc;

use cardmod_pcsc::{Context, Protocols, Provider, ReaderState, ShareMode};

use crate::csp::CardSession;
use crate::error::Error;
use crate::module::{HIGHEST_VERSION, Module, ModuleSource};
use crate::store::PublicStore;

/// A reader, as PC/SC sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderInfo {
    /// Its name.
    pub name: String,
    /// A card is in it.
    pub present: bool,
    /// Some program uses the card.
    pub in_use: bool,
    /// Some program has the card for itself.
    pub exclusive: bool,
    /// The card does not answer.
    pub mute: bool,
    /// The card's answer to reset; empty where there is no card.
    pub atr: Vec<u8>,
}

/// How a card is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// What kind of memory the module is lent.
    pub heap: cardmod_heap::Mode,
    /// The highest version of the interface to ask for (4 to 7).
    pub max_version: u32,
    /// The name the card is opened under (`pwszCardName`).
    pub card_name: String,
    /// The rule by which the module was chosen, for [`CardSession::describe`].
    pub rule: String,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            heap: cardmod_heap::Mode::default(),
            max_version: HIGHEST_VERSION,
            card_name: "Identity Device".to_owned(),
            rule: "given by the caller".to_owned(),
        }
    }
}

/// Opens cards over one PC/SC provider.
#[derive(Clone)]
pub struct Host {
    provider: Arc<Provider>,
    store: Option<Arc<dyn PublicStore>>,
}

impl Host {
    /// A host over this provider.
    ///
    /// Before a card module is loaded from a library, the provider must be installed as the process's
    /// ([`Provider::install`]): the library finds no other.
    #[must_use]
    pub fn new(provider: Arc<Provider>) -> Self {
        Self { provider, store: None }
    }

    /// The same host, which keeps what everybody may read of a card in this store: the next program that
    /// opens the card reads its identity and its counters alone.
    #[must_use]
    pub fn with_public_store(self, store: Arc<dyn PublicStore>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// The store of public data, where there is one.
    #[must_use]
    pub fn public_store(&self) -> Option<&Arc<dyn PublicStore>> {
        self.store.as_ref()
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// The readers, with what is in them.
    ///
    /// # Errors
    /// [`Error::Pcsc`]. No reader at all is an empty list.
    pub fn readers(&self) -> Result<Vec<ReaderInfo>, Error> {
        let failed = |error| Error::of_pcsc("the readers", error);
        let context = Context::establish(&self.provider).map_err(failed)?;
        let names = context.list_readers().map_err(failed)?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut states: Vec<_> = names.iter().map(|name| ReaderState::unaware(name)).collect();
        match context.status_change(Some(0), &mut states) {
            Err(error) if error.code != cardmod_pcsc::SCARD_E_TIMEOUT => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        Ok(states.into_iter().map(reader_info).collect())
    }

    /// Opens the card in a reader with a card module: connects, negotiates, and reads nothing yet.
    ///
    /// # Errors
    /// [`Error::NoReader`], [`Error::UnknownReader`], [`Error::NoCard`], [`Error::ReaderBusy`],
    /// [`Error::ModuleLoad`].
    pub fn open(
        &self,
        reader: &str,
        source: &ModuleSource,
        options: OpenOptions,
    ) -> Result<CardSession, Error> {
        let failed = |error| Error::of_pcsc(reader, error);
        let context = Context::establish(&self.provider).map_err(failed)?;
        let known = context.list_readers().map_err(failed)?;
        if known.is_empty() {
            return Err(Error::NoReader);
        }
        if !known.iter().any(|name| name == reader) {
            return Err(Error::UnknownReader { name: reader.to_owned(), known: known.join(", ") });
        }
        // The module first: a file that is no card module is reported without touching the card.
        let module = Module::load(source)?;
        let card = context.connect(reader, ShareMode::Shared, Protocols::ANY).map_err(failed)?;
        CardSession::open(reader, context, card, &module, options)
    }
}

pub(crate) fn reader_info(state: ReaderState) -> ReaderInfo {
    let has = |bit| state.event & bit != 0;
    ReaderInfo {
        present: has(cardmod_pcsc::SCARD_STATE_PRESENT),
        in_use: has(cardmod_pcsc::SCARD_STATE_INUSE),
        exclusive: has(cardmod_pcsc::SCARD_STATE_EXCLUSIVE),
        mute: has(cardmod_pcsc::SCARD_STATE_MUTE),
        name: state.name,
        atr: state.atr,
    }
}
