//! The host: readers, and cards opened with a card module.

use std::sync::Arc;
use std::time::Duration;

use cardmod_pcsc::{Context, Provider, ReaderState};
use cardmod_types::CardId;

use crate::clock::{Clock, SystemClock};
use crate::csp::{
    Card, CardSession, HostParts, ManagementKey, PinCache, Policy, Timer, connect_patiently, forget_hints,
};
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
    /// Nothing may be shown to a user: what needs a PIN that is not kept fails with
    /// [`Error::PinRequired`], whatever the [`PinSource`](crate::PinSource) says.
    pub silent: bool,
    /// The window (`HWND`) above which a module shows its own PIN entry; 0 for none.
    pub parent_window: usize,
    /// How long the transaction of a [`Card`] goes on after an operation, with whoever was authenticated;
    /// at most [`HOLD_LIMIT`](crate::HOLD_LIMIT), zero for not at all. Windows calls it
    /// `TransactionTimeoutMilliseconds` (specification 7.07, section 7.8) and takes 1500 ms, as here.
    pub transaction_hold: Duration,
    /// Which private keys may come from outside the card.
    pub policy: Policy,
    /// The key with which the card's module writes where the user's PIN gives no such right: key 9B of a PIV
    /// card. A card whose module takes none is not opened with one.
    pub management_key: Option<ManagementKey>,
    /// How long another program's transaction is waited for, before the operation fails with
    /// [`Error::ReaderBusy`]: 30 seconds, or as many milliseconds as `CARDMOD_CARD_PATIENCE_MS` says.
    pub patience: Duration,
    /// Called with the reader's name where that takes more than a second.
    pub on_wait: Option<fn(&str)>,
}

/// How long another program's transaction is waited for.
const PATIENCE: Duration = Duration::from_secs(30);
/// The variable that says otherwise.
const PATIENCE_VARIABLE: &str = "CARDMOD_CARD_PATIENCE_MS";

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            heap: cardmod_heap::Mode::default(),
            max_version: HIGHEST_VERSION,
            card_name: "Identity Device".to_owned(),
            rule: "given by the caller".to_owned(),
            silent: false,
            parent_window: 0,
            transaction_hold: Duration::from_millis(1500),
            policy: Policy::default(),
            management_key: None,
            patience: usual_patience(),
            on_wait: None,
        }
    }
}

/// What the environment says, else [`PATIENCE`].
fn usual_patience() -> Duration {
    let told = std::env::var(PATIENCE_VARIABLE).ok().and_then(|value| value.parse().ok());
    told.map_or(PATIENCE, Duration::from_millis)
}

/// Opens cards over one PC/SC provider.
#[derive(Clone)]
pub struct Host {
    provider: Arc<Provider>,
    store: Option<Arc<dyn PublicStore>>,
    pin_cache: PinCache,
    timer: Arc<LastHost>,
}

/// The timer, as the clones of one host have it: when the last goes, what it waits for is done at once.
struct LastHost(Arc<Timer>);

impl Drop for LastHost {
    fn drop(&mut self) {
        self.0.finish_all();
    }
}

impl Host {
    /// A host over this provider.
    ///
    /// Before a card module is loaded from a library, the provider must be installed as the process's
    /// ([`Provider::install`]): the library finds no other.
    #[must_use]
    pub fn new(provider: Arc<Provider>) -> Self {
        let timer = Arc::new(LastHost(Timer::new(Arc::new(SystemClock))));
        Self { provider, store: None, pin_cache: PinCache::default(), timer }
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

    /// Before a card without counters is changed past its card module: every program forgets what is remembered of
    /// it as hints, even if the change is broken off. To be called within the transaction of the change. The
    /// cards with the same answer to reset are forgotten with it, since the change may be of its identity.
    pub fn forget_hints(&self, card: Option<&CardId>, atr: &[u8]) {
        if let Some(store) = &self.store {
            forget_hints(store.as_ref(), card, atr);
        }
    }

    /// This host, keeping PINs in a cache of the caller's.
    #[must_use]
    pub fn with_pin_cache(self, pin_cache: PinCache) -> Self {
        Self { pin_cache, ..self }
    }

    /// This host, keeping no PIN: each is asked for in every transaction that needs it.
    #[must_use]
    pub fn without_pin_cache(self) -> Self {
        self.with_pin_cache(PinCache::off())
    }

    /// The PINs this host keeps for its sessions.
    #[must_use]
    pub fn pin_cache(&self) -> &PinCache {
        &self.pin_cache
    }

    /// Forgets every PIN, at once.
    pub fn forget_pins(&self) {
        self.pin_cache.forget_all();
    }

    /// The same host with another clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { timer: Arc::new(LastHost(Timer::new(clock))), ..self }
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Arc<Provider> {
        &self.provider
    }

    /// The readers, with what is in them. PINs of cards that were removed meanwhile are forgotten.
    ///
    /// # Errors
    /// [`Error::Pcsc`]. No reader at all is an empty list.
    pub fn readers(&self) -> Result<Vec<ReaderInfo>, Error> {
        let failed = |error| Error::of_pcsc("the readers", error);
        let context = Context::establish(&self.provider).map_err(failed)?;
        let names = context.list_readers().map_err(failed)?;
        if names.is_empty() {
            self.forget_pins();
            return Ok(Vec::new());
        }
        let mut states: Vec<_> = names.iter().map(|name| ReaderState::unaware(name)).collect();
        match context.status_change(Some(0), &mut states) {
            Err(error) if error.code != cardmod_pcsc::SCARD_E_TIMEOUT => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let inserted = |name: &str| states.iter().find(|state| state.name == name && state.has_card());
        self.pin_cache.forget_removed(|name| inserted(name).map(ReaderState::insertion));
        Ok(states.into_iter().map(reader_info).collect())
    }

    /// Opens the card in a reader with a card module: connects, negotiates, and reads nothing yet, but for the
    /// identity of a card that by its answer to reset may be one the store knows to have GIDS alone (`csp/cache/order`).
    ///
    /// # Errors
    /// [`Error::NoReader`], [`Error::UnknownReader`], [`Error::NoCard`], [`Error::ReaderBusy`],
    /// [`Error::ModuleLoad`]; [`Error::NotSupported`] for a management key the module does not take.
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
        let card = connect_patiently(&context, reader, &options).map_err(failed)?;
        let parts =
            HostParts { pin_cache: self.pin_cache.clone(), timer: &self.timer.0, store: self.store.clone() };
        CardSession::open(reader, context, card, &module, options, parts)
    }

    /// Opens the card in a reader for several threads, with transactions that go on for a while after each
    /// operation ([`OpenOptions::transaction_hold`]).
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_card(
        &self,
        reader: &str,
        source: &ModuleSource,
        options: OpenOptions,
    ) -> Result<Card, Error> {
        self.open(reader, source, options).map(CardSession::share)
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
