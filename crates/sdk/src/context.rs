//! What a module is given for the time of one call: the card, and the host's services.

use core::sync::atomic::{AtomicU64, Ordering};

use cardmod_iso7816::CardChannel;
use cardmod_types::{DecryptPadding, SecretBytes, SignaturePadding};
use zeroize::Zeroizing;

use crate::module::{KeyRef, Result};

/// The surroundings of one call.
///
/// Nothing of it can be kept: the host may change its handles before the next call, and does.
pub struct CardContext<'a> {
    card: &'a mut dyn CardChannel,
    services: &'a mut dyn Services,
    facts: &'a Facts,
    cache_open: bool,
    call: u64,
}

/// What is fixed or remembered between the calls of one context.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) atr: Vec<u8>,
    pub(crate) card_name: String,
    pub(crate) version: u32,
    /// The serial the host vouches with; 0 when it does not.
    pub(crate) transaction: u32,
    pub(crate) parent_window: usize,
    pub(crate) pin_context: Option<String>,
}

/// What a host lends. Behind it stand the callbacks of `CARD_DATA`, or memory in tests.
pub(crate) trait Services {
    fn cache_lookup(&mut self, tag: &str) -> Option<Zeroizing<Vec<u8>>>;
    fn cache_add(&mut self, tag: &str, data: &[u8]);
    fn cache_delete(&mut self, tag: &str);
    /// The tag is about to hold what only an authenticated role may read.
    fn remember_protected(&mut self, tag: &str);
    /// Deletes everything stored under the rights of a role.
    fn forget_protected(&mut self);
    fn pad(&mut self, request: &PadRequest<'_>) -> Result<Zeroizing<Vec<u8>>>;
    fn unpad(&mut self, key: KeyRef, padding: &DecryptPadding, block: &[u8]) -> Result<SecretBytes>;
}

/// What [`CardContext::pad`] is asked for.
#[derive(Clone, Copy, Debug)]
pub struct PadRequest<'a> {
    /// The key the block is for.
    pub key: KeyRef,
    /// How to pad: PKCS#1 v1.5, or PSS (which only the key storage provider pads).
    pub padding: &'a SignaturePadding,
    /// The hash value.
    pub digest: &'a [u8],
    /// Length of the modulus in bytes, which the block will have.
    pub modulus_len: u32,
}

impl<'a> CardContext<'a> {
    pub(crate) fn new(
        card: &'a mut dyn CardChannel,
        services: &'a mut dyn Services,
        facts: &'a Facts,
        cache_open: bool,
    ) -> Self {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        Self { card, services, facts, cache_open, call }
    }

    /// The number of this call, another one for each. Within a call the host holds a transaction, so that a
    /// module has to doubt what it knows once in a call at most.
    #[must_use]
    pub const fn call(&self) -> u64 {
        self.call
    }

    /// The card, as command and response APDUs.
    ///
    /// The host holds the transaction; a module cannot begin or end one, connect or reset.
    pub fn card(&mut self) -> &mut (dyn CardChannel + 'a) {
        &mut *self.card
    }

    /// The card's answer to reset, as the host gave it to `CardAcquireContext`.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.facts.atr
    }

    /// The name of the card type, as the host gave it to `CardAcquireContext`.
    #[must_use]
    pub fn card_name(&self) -> &str {
        &self.facts.card_name
    }

    /// The interface version of this context, 4 to 7.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.facts.version
    }

    /// The host vouches that the transaction has not been broken since
    /// [`CardModule::connection_lost`](crate::CardModule::connection_lost) was last called (see
    /// [`TRANSACTION_PROPERTY`](crate::TRANSACTION_PROPERTY)).
    ///
    /// Where this is `false`, another process may have used the card since the last call: what is known
    /// of its volatile state is to be probed before it is relied on.
    #[must_use]
    pub fn continuity(&self) -> bool {
        self.facts.transaction != 0
    }

    /// The window PIN entry belongs to (property "Parent Window"); 0 for none.
    #[must_use]
    pub fn parent_window(&self) -> usize {
        self.facts.parent_window
    }

    /// What the PIN entry is for (property "PIN Context String").
    #[must_use]
    pub fn pin_context(&self) -> Option<&str> {
        self.facts.pin_context.as_deref()
    }

    /// The host's cache, for the module's own data.
    pub fn cache(&mut self) -> Cache<'_> {
        Cache { services: &mut *self.services, open: self.cache_open }
    }

    /// A role lost its rights: what was stored under them goes.
    pub(crate) fn forget_protected(&mut self) {
        self.services.forget_protected();
    }

    /// Lets the host pad a hash; the block is big-endian and has the modulus' length.
    ///
    /// The SDK pads by itself before it calls [`CardModule::sign`](crate::CardModule::sign); this is for
    /// a module that wants the host's padding all the same.
    ///
    /// # Errors
    /// [`Status::UnsupportedFeature`](crate::Status::UnsupportedFeature) where the host does not pad,
    /// else what the host answered.
    pub fn pad(&mut self, request: &PadRequest<'_>) -> Result<Zeroizing<Vec<u8>>> {
        self.services.pad(request)
    }

    /// Lets the host remove the padding of a raw decrypted block (big-endian), interface version 7.
    ///
    /// The SDK removes padding by itself, in constant time.
    ///
    /// # Errors
    /// [`Status::UnsupportedFeature`](crate::Status::UnsupportedFeature) where the host does not, else
    /// what the host answered.
    pub fn unpad(&mut self, key: KeyRef, padding: &DecryptPadding, block: &[u8]) -> Result<SecretBytes> {
        self.services.unpad(key, padding, block)
    }
}

/// The host's cache for a module's own data (specification, section 6.4).
///
/// The host ties entries to the card's identity and freshness counters and may forget any of them. Tags
/// are case-sensitive and the module's own choice. While the host needs the card's identity and
/// counters to run its cache (acquire, `cardid`, `cardcf`) the cache is closed: nothing is found and
/// nothing is stored. A host without cache looks the same.
pub struct Cache<'a> {
    services: &'a mut dyn Services,
    open: bool,
}

impl Cache<'_> {
    /// What was stored under the tag, if the host still has it.
    pub fn lookup(&mut self, tag: &str) -> Option<Zeroizing<Vec<u8>>> {
        if self.open { self.services.cache_lookup(tag) } else { None }
    }

    /// Stores public data, replacing what the tag had.
    pub fn add(&mut self, tag: &str, data: &[u8]) {
        if self.open {
            self.services.cache_add(tag, data);
        }
    }

    /// Stores data that only an authenticated role may read; the SDK deletes it when a role is
    /// deauthenticated.
    pub fn add_protected(&mut self, tag: &str, data: &[u8]) {
        if self.open {
            self.services.remember_protected(tag);
            self.services.cache_add(tag, data);
        }
    }

    /// Removes what the tag has.
    pub fn delete(&mut self, tag: &str) {
        if self.open {
            self.services.cache_delete(tag);
        }
    }
}
