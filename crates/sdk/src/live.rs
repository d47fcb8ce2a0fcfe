//! A living context: the module, what is remembered for it, and the one way into it.

use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use cardmod_types::{DecryptPadding, SecretBytes};
use zeroize::Zeroizing;

use crate::boundary::Host;
use crate::context::{CardContext, Facts, PadRequest, Services};
use crate::link::Link;
use crate::log::User;
use crate::memory::Memory;
use crate::module::{CardModule, KeyRef, Result};
use crate::panics::{Panicked, inside};
use crate::process;
use crate::slots::{self, Handle};
use crate::status::Status;

/// What stands behind one acquired `CARD_DATA`.
pub(crate) struct Live<M> {
    /// The thread that is inside, by its token; 0 for none.
    owner: AtomicUsize,
    state: Mutex<State<M>>,
    /// As long as there are contexts, the log keeps what it knows.
    _logging: User,
}

/// Everything a context has, reached under its lock only.
pub(crate) struct State<M> {
    pub(crate) module: M,
    pub(crate) facts: Facts,
    pub(crate) memory: Memory,
    protected: Vec<String>,
    link: Link,
    /// The handles lead to another card than the one acquired; the card is out of reach until they change.
    other_card: bool,
    /// A panic left the module in an unknown state.
    closed: bool,
}

/// One call on its way: the module and its surroundings.
pub(crate) struct Call<'a, M> {
    pub(crate) module: &'a mut M,
    pub(crate) cx: CardContext<'a>,
    pub(crate) memory: &'a mut Memory,
}

/// Whether the host's cache may be used: not while the host needs this answer to run its cache.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum CacheUse {
    Open,
    Closed,
}

/// Makes a context's module from a structure that was checked, and puts it into the table.
///
/// # Errors
/// [`Status::UnknownCard`] for the answer to reset of another card; what the module's acquire answers;
/// [`Status::NoMemory`] where the table is full.
pub(crate) fn acquire<M: CardModule>(host: &Host, facts: Facts) -> Result<(Offers, Handle)> {
    let mut link = Link::new(host.handles);
    let mut protected = Vec::new();
    let mut services = Lent { host, version: facts.version, protected: &mut protected };
    let mut module = M::acquire(&mut CardContext::new(&mut link, &mut services, &facts, false))?;
    if link.has_reached_other_card(&facts.atr) {
        return Err(Status::UnknownCard); // 5.1: the answer to reset is another card's than the handle's
    }
    let offers = Offers::of(&mut module);
    let state =
        State { module, facts, memory: Memory::default(), protected, link, other_card: false, closed: false };
    let live = Live { owner: AtomicUsize::new(0), state: Mutex::new(state), _logging: User::another() };
    let handle = slots::insert(Arc::new(live)).ok_or(Status::NoMemory)?;
    Ok((offers, handle))
}

/// Takes the context out of the table. Whoever still runs in it frees it; else it is freed here.
pub(crate) fn delete(host: &Host) {
    let taken = host.handle().and_then(slots::take);
    host.forget_handle();
    release(taken);
}

/// Frees what hosts did not delete before they unmapped the library: secrets are wiped, and nothing stays in
/// the process. The hosts' memory is not touched: no context has any outside of a call.
#[cfg(windows)]
pub(crate) fn abandon_all() {
    for context in slots::take_all() {
        release(Some(context));
    }
}

/// Calls the module, with the host's cache.
///
/// # Errors
/// [`Status::InvalidParameter`] for a structure that was not acquired or is deleted,
/// [`Status::Unexpected`] after a panic and for a call from inside a call, else what `body` answers.
pub(crate) fn enter<M: CardModule, R>(
    host: &Host,
    body: impl FnOnce(&mut Call<'_, M>) -> Result<R>,
) -> Result<R> {
    enter_with(host, CacheUse::Open, body)
}

/// As [`enter`], choosing the use of the cache.
pub(crate) fn enter_with<M: CardModule, R>(
    host: &Host,
    cache: CacheUse,
    body: impl FnOnce(&mut Call<'_, M>) -> Result<R>,
) -> Result<R> {
    with_state::<M, R>(host, |state| {
        if state.other_card {
            return Err(Status::Removed);
        }
        let State { module, facts, memory, protected, link, .. } = state;
        let mut services = Lent { host, version: facts.version, protected };
        let cx = CardContext::new(link, &mut services, facts, cache == CacheUse::Open);
        body(&mut Call { module, cx, memory })
    })
}

/// Enters a context without its card: for what the SDK keeps by itself.
pub(crate) fn with_state<M: CardModule, R>(
    host: &Host,
    body: impl FnOnce(&mut State<M>) -> Result<R>,
) -> Result<R> {
    let shared = host.handle().and_then(slots::get).ok_or(Status::InvalidParameter)?;
    let live = shared.downcast::<Live<M>>().map_err(|_| Status::InvalidParameter)?;
    let result = live.enter(host, body);
    release(Some(live));
    result
}

/// Drops a context, containing what the module's own drop may do.
fn release(context: Option<Arc<impl Any + Send + Sync + ?Sized>>) {
    if let Err(Panicked) = inside(|| drop(context)) {
        tracing::error!("panic while a context was freed");
    }
}

impl<M: CardModule> Live<M> {
    fn enter<R>(&self, host: &Host, body: impl FnOnce(&mut State<M>) -> Result<R>) -> Result<R> {
        let mut inner = self.lock()?;
        let state = &mut *inner.state;
        if state.closed {
            return Err(Status::Unexpected);
        }
        let outcome = inside(|| {
            state.follow(host);
            let result = body(state);
            if result.as_ref().err().is_some_and(|status| status.loses_connection()) {
                state.card_lost();
            }
            result
        });
        outcome.unwrap_or_else(|Panicked| {
            inner.state.closed = true;
            Err(Status::Unexpected)
        })
    }

    /// Waits for other threads; a call from inside a call of the same thread is refused.
    fn lock(&self) -> Result<Inside<'_, M>> {
        let token = process::thread_token();
        if self.owner.load(Ordering::Relaxed) == token {
            tracing::error!("a host callback entered the same context again");
            return Err(Status::Unexpected);
        }
        // A thread that was ended with the process may have been inside, and nothing is sound there then.
        let state = process::lock(&self.state).ok_or(Status::Unexpected)?;
        self.owner.store(token, Ordering::Relaxed);
        Ok(Inside { owner: &self.owner, state })
    }
}

impl<M: CardModule> State<M> {
    /// Looks at the handles of this call.
    fn follow(&mut self, host: &Host) {
        if self.link.follow(host.handles) {
            self.card_lost();
            self.other_card = self.link.is_other_card(&self.facts.atr);
        }
    }

    /// Nothing known of the card holds, the host's promise included.
    fn card_lost(&mut self) {
        self.facts.transaction = 0;
        self.memory.card_lost();
        self.module.connection_lost();
    }

    /// What was told of the card's content turned out to be wrong.
    pub(crate) fn forget_content(&mut self) {
        self.memory.forget_content();
        self.module.forget_content();
    }

    /// The host's word about its transaction: another serial, or none, breaks what is known of the card.
    pub(crate) fn vouch(&mut self, serial: u32) {
        if serial == 0 || serial != self.facts.transaction {
            self.memory.transaction_lost();
            self.module.connection_lost();
        }
        self.facts.transaction = serial;
    }
}

/// The lock, with the owner's token in place as long as it is held.
struct Inside<'a, M> {
    owner: &'a AtomicUsize,
    state: MutexGuard<'a, State<M>>,
}

impl<M> Drop for Inside<'_, M> {
    fn drop(&mut self) {
        self.owner.store(0, Ordering::Relaxed);
    }
}

/// What the card's module has beyond the core trait; decides about the published entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offers {
    pub(crate) rsa_decryption: bool,
    pub(crate) key_agreement: bool,
    pub(crate) container_creation: bool,
    pub(crate) file_writing: bool,
    pub(crate) pin_administration: bool,
    pub(crate) admin_authentication: bool,
    pub(crate) property_writing: bool,
    pub(crate) key_injection: bool,
}

impl Offers {
    fn of(module: &mut impl CardModule) -> Self {
        Self {
            rsa_decryption: module.rsa_decryption().is_some(),
            key_agreement: module.key_agreement().is_some(),
            container_creation: module.container_creation().is_some(),
            file_writing: module.file_writing().is_some(),
            pin_administration: module.pin_administration().is_some(),
            admin_authentication: module.admin_authentication().is_some(),
            property_writing: module.property_writing().is_some(),
            key_injection: module.key_injection().is_some(),
        }
    }
}

/// The host's services for one call.
struct Lent<'a> {
    host: &'a Host,
    version: u32,
    protected: &'a mut Vec<String>,
}

impl Services for Lent<'_> {
    fn cache_lookup(&mut self, tag: &str) -> Option<Zeroizing<Vec<u8>>> {
        self.host.cache_lookup(tag)
    }

    fn cache_add(&mut self, tag: &str, data: &[u8]) {
        self.host.cache_add(tag, data);
    }

    fn cache_delete(&mut self, tag: &str) {
        self.host.cache_delete(tag);
    }

    fn remember_protected(&mut self, tag: &str) {
        if !self.protected.iter().any(|known| known == tag) {
            self.protected.push(tag.to_owned());
        }
    }

    fn forget_protected(&mut self) {
        for tag in self.protected.drain(..) {
            self.host.cache_delete(&tag);
        }
    }

    fn pad(&mut self, request: &PadRequest<'_>) -> Result<Zeroizing<Vec<u8>>> {
        self.host.pad_for(request)
    }

    fn unpad(&mut self, key: KeyRef, padding: &DecryptPadding, block: &[u8]) -> Result<SecretBytes> {
        self.host.unpad_for(self.version, key, padding, block)
    }
}
