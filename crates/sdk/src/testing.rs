//! Drives a card module in unit tests, without C and without PC/SC.
//!
//! A [`Driver`] stands where a host and the SDK's boundary stand otherwise: it gives the module a card
//! (any [`CardChannel`], such as a virtual card or a script) and an in-memory cache, and calls its trait
//! methods. The checks of arguments that the boundary makes are not made here.
//!
//! ```
//! use cardmod_sdk::testing::{Driver, Surroundings};
//! # use cardmod_sdk::testing::NoCard;
//! # use cardmod_sdk::*;
//! # use cardmod_types::*;
//! # struct MyModule;
//! # impl CardModule for MyModule {
//! #     fn acquire(_: &mut CardContext<'_>) -> Result<Self> { Ok(Self) }
//! #     fn connection_lost(&mut self) {}
//! #     fn card_id(&mut self, _: &mut CardContext<'_>) -> Result<CardId> { Ok(CardId([7; 16])) }
//! #     fn capabilities(&mut self, _: &mut CardContext<'_>) -> Result<Capabilities> { Ok(Capabilities::default()) }
//! #     fn free_space(&mut self, _: &mut CardContext<'_>) -> Result<FreeSpace> { Ok(FreeSpace::default()) }
//! #     fn key_sizes(&mut self, _: &mut CardContext<'_>, _: KeySpec) -> Result<KeySizes> { Err(Status::UnsupportedFeature) }
//! #     fn pin_list(&mut self, _: &mut CardContext<'_>) -> Result<PinSet> { Ok(PinSet::NONE) }
//! #     fn pin_info(&mut self, _: &mut CardContext<'_>, _: PinId) -> Result<PinInfo> { Err(Status::InvalidParameter) }
//! #     fn container_keys(&mut self, _: &mut CardContext<'_>, _: ContainerIndex) -> Result<ContainerKeys> { Err(Status::NoKeyContainer) }
//! #     fn container_pin(&mut self, _: &mut CardContext<'_>, _: ContainerIndex) -> Result<PinId> { Err(Status::NoKeyContainer) }
//! #     fn read_file(&mut self, _: &mut CardContext<'_>, _: &FilePath) -> Result<Vec<u8>> { Err(Status::FileNotFound) }
//! #     fn file_info(&mut self, _: &mut CardContext<'_>, _: &FilePath) -> Result<FileInfo> { Err(Status::FileNotFound) }
//! #     fn list_files(&mut self, _: &mut CardContext<'_>, _: Option<&DirectoryName>) -> Result<Vec<FileName>> { Ok(Vec::new()) }
//! #     fn verify_pin(&mut self, _: &mut CardContext<'_>, _: PinId, _: &Pin) -> Result<()> { Err(Status::InvalidParameter) }
//! #     fn deauthenticate(&mut self, _: &mut CardContext<'_>, _: PinSet) -> Result<()> { Ok(()) }
//! #     fn sign(&mut self, _: &mut CardContext<'_>, _: KeyRef, _: &SignatureInput<'_>) -> Result<Vec<u8>> { Err(Status::NoKeyContainer) }
//! # }
//! let mut driver = Driver::<MyModule>::acquire(NoCard, Surroundings::default()).unwrap();
//! let id = driver.call(|module, cx| module.card_id(cx)).unwrap();
//! assert_eq!(id.as_bytes(), &[7; 16]);
//! ```

use std::collections::BTreeMap;

use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_types::{DecryptPadding, SecretBytes};
use zeroize::Zeroizing;

use crate::context::{CardContext, Facts, PadRequest, Services};
use crate::log;
use crate::module::{CardModule, KeyRef, Result};
use crate::status::Status;

/// Lets this process's modules (those linked into it) log by these settings, whatever the machine's say;
/// `None` for the machine's again, from the next acquire on.
pub fn fix_log_settings(settings: Option<log::Settings>) {
    log::fix(settings);
}

/// A module acquired over a card of the test's own.
pub struct Driver<M> {
    module: M,
    card: Box<dyn CardChannel + Send>,
    facts: Facts,
    cache: MemoryCache,
}

/// What a host says of itself and the card at acquire.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The card's answer to reset.
    pub atr: Vec<u8>,
    /// The name of the card type.
    pub card_name: String,
    /// The interface version, 4 to 7.
    pub version: u32,
}

impl Default for Surroundings {
    /// An ATR without historical bytes, version 7.
    fn default() -> Self {
        Self { atr: vec![0x3B, 0x80, 0x01, 0x81], card_name: "Test Card".to_owned(), version: 7 }
    }
}

impl<M: CardModule> Driver<M> {
    /// Calls [`CardModule::acquire`], with the cache closed as it is then.
    ///
    /// # Errors
    /// What the module answers.
    pub fn acquire(card: impl CardChannel + Send + 'static, around: Surroundings) -> Result<Self> {
        let facts = Facts {
            atr: around.atr,
            card_name: around.card_name,
            version: around.version,
            ..Facts::default()
        };
        let (mut card, mut cache) = (Box::new(card), MemoryCache::default());
        let module = M::acquire(&mut CardContext::new(card.as_mut(), &mut cache, &facts, false))?;
        Ok(Self { module, card, facts, cache })
    }

    /// Calls the module. As in the SDK, a failure that means a lost connection is followed by
    /// [`CardModule::connection_lost`].
    ///
    /// # Errors
    /// What `body` answers.
    pub fn call<R>(&mut self, body: impl FnOnce(&mut M, &mut CardContext<'_>) -> Result<R>) -> Result<R> {
        let mut cx = CardContext::new(self.card.as_mut(), &mut self.cache, &self.facts, true);
        let result = body(&mut self.module, &mut cx);
        if result.as_ref().err().is_some_and(|status| status.loses_connection()) {
            self.facts.transaction = 0;
            self.module.connection_lost();
        }
        result
    }

    /// Does what a host does that vouches for its transaction: see
    /// [`TRANSACTION_PROPERTY`](crate::TRANSACTION_PROPERTY).
    pub fn vouch(&mut self, serial: u32) {
        if serial == 0 || serial != self.facts.transaction {
            self.module.connection_lost();
        }
        self.facts.transaction = serial;
    }

    /// Puts another connection in place, as a host does that reconnected.
    pub fn reconnect(&mut self, card: impl CardChannel + Send + 'static) {
        self.card = Box::new(card);
        self.facts.transaction = 0;
        self.module.connection_lost();
    }

    /// The module itself.
    pub fn module(&mut self) -> &mut M {
        &mut self.module
    }

    /// The card behind the module.
    pub fn card(&mut self) -> &mut (dyn CardChannel + Send) {
        self.card.as_mut()
    }

    /// Forgets everything in the cache, as a host may at any time.
    pub fn clear_cache(&mut self) {
        self.cache.entries.clear();
    }
}

/// A reader without card: every command is answered with `SCARD_W_REMOVED_CARD`.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCard;

impl CardChannel for NoCard {
    fn transmit(&mut self, _command: &[u8]) -> core::result::Result<Zeroizing<Vec<u8>>, TransportError> {
        Err(TransportError { code: Status::Removed.code() })
    }
}

/// A host's cache that forgets nothing; a host that does not pad.
#[derive(Default)]
struct MemoryCache {
    entries: BTreeMap<String, Zeroizing<Vec<u8>>>,
    protected: Vec<String>,
}

impl Services for MemoryCache {
    fn cache_lookup(&mut self, tag: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.entries.get(tag).cloned()
    }

    fn cache_add(&mut self, tag: &str, data: &[u8]) {
        self.entries.insert(tag.to_owned(), Zeroizing::new(data.to_vec()));
    }

    fn cache_delete(&mut self, tag: &str) {
        self.entries.remove(tag);
    }

    fn remember_protected(&mut self, tag: &str) {
        self.protected.push(tag.to_owned());
    }

    fn forget_protected(&mut self) {
        for tag in self.protected.drain(..) {
            self.entries.remove(&tag);
        }
    }

    fn pad(&mut self, _request: &PadRequest<'_>) -> Result<Zeroizing<Vec<u8>>> {
        Err(Status::UnsupportedFeature)
    }

    fn unpad(&mut self, _key: KeyRef, _padding: &DecryptPadding, _block: &[u8]) -> Result<SecretBytes> {
        Err(Status::UnsupportedFeature)
    }
}
