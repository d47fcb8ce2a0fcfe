//! What this process has open: contexts, handles, readers, and what all of them share.
//!
//! A forked child starts with a registry of its own, as with pcsc-lite its parent's contexts and handles mean
//! nothing to it. The parent's registry stays behind untouched: a lock in it may be held by a thread that the
//! child does not have.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use cardmod_pcsc::{SCARD_E_INVALID_HANDLE, SCARD_E_NO_SERVICE};
use cardmod_virtual::Store;

use crate::buffer::Allocations;
use crate::cache::Cache;
use crate::context::{Context, Events};
use crate::equipment::Furnished;
use crate::forward::{Forward, RealContext};
use crate::handle::Handle;
use crate::log::ApduLog;
use crate::profile::Profile;
use crate::readers::Readers;

/// How many times a process may fork and use PC/SC in the child and its children.
const GENERATIONS: usize = 64;

static REGISTRIES: [OnceLock<Registry>; GENERATIONS] = [const { OnceLock::new() }; GENERATIONS];
/// Process id in the upper half, number of the generation (from 1) in the lower.
static OWNER: AtomicU64 = AtomicU64::new(0);

pub(crate) struct Registry {
    contexts: RwLock<HashMap<u32, Arc<Context>>>,
    handles: RwLock<HashMap<u32, Arc<Handle>>>,
    next: AtomicU32,
    pub(crate) readers: Readers,
    pub(crate) forward: Forward,
    /// For questions without a context of the caller's.
    pub(crate) nobody: RealContext,
    pub(crate) events: Events,
    pub(crate) cache: Mutex<Cache>,
    pub(crate) allocations: Allocations,
    pub(crate) log: ApduLog,
    pub(crate) profile: Profile,
}

/// The registry of this process.
pub(crate) fn current() -> Result<&'static Registry, u32> {
    let process = std::process::id();
    let mut owner = OWNER.load(Ordering::Acquire);
    loop {
        let generation = (owner & 0xFFFF_FFFF) as usize;
        if generation != 0 && (owner >> 32) as u32 == process {
            let registry = REGISTRIES.get(generation - 1).ok_or(SCARD_E_NO_SERVICE)?;
            return Ok(registry.get_or_init(|| Registry::inherit(generation)));
        }
        let mine = u64::from(process) << 32 | (generation as u64 + 1);
        owner = match OWNER.compare_exchange(owner, mine, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => mine,
            Err(other) => other,
        };
    }
}

impl Registry {
    /// A new registry with the settings of the parent process's, where one can be read.
    fn inherit(generation: usize) -> Self {
        let parent = generation.checked_sub(2).and_then(|index| REGISTRIES[index].get());
        let places = parent.and_then(|parent| parent.readers.try_places());
        let (store_dir, mounted) = places.unwrap_or_default();
        let furnished = parent.and_then(|parent| parent.readers.furnished.try_all()).unwrap_or_default();
        let log_file: Option<PathBuf> = parent.and_then(|parent| parent.log.try_path());
        let seed = std::process::id().wrapping_mul(0x9E37_79B1) ^ generation as u32;
        Self {
            contexts: RwLock::default(),
            handles: RwLock::default(),
            // Positive in 32 bits, never 0, and unlike a parent's numbers.
            next: AtomicU32::new(seed & 0x3FFF_FFFF | 1),
            readers: Readers::new(store_dir, mounted, Furnished::new(furnished)),
            forward: Forward::default(),
            nobody: RealContext::default(),
            events: Events::default(),
            cache: Mutex::default(),
            allocations: Allocations::default(),
            log: ApduLog::open(log_file.as_deref().or(ApduLog::path_from_environment().as_deref())),
            profile: Profile::from_environment(),
        }
    }

    pub(crate) fn new_id(&self) -> u32 {
        self.next.fetch_add(1, Ordering::Relaxed) & 0x7FFF_FFFF
    }

    pub(crate) fn add_context(&self, context: Arc<Context>) {
        self.contexts.write().unwrap_or_else(PoisonError::into_inner).insert(context.id, context);
    }

    pub(crate) fn context(&self, id: u32) -> Result<Arc<Context>, u32> {
        let contexts = self.contexts.read().unwrap_or_else(PoisonError::into_inner);
        contexts.get(&id).cloned().ok_or(SCARD_E_INVALID_HANDLE)
    }

    /// Forgets a context and all handles made in it; the caller disconnects those.
    pub(crate) fn remove_context(&self, id: u32) -> Result<(Arc<Context>, Vec<Arc<Handle>>), u32> {
        let context = {
            let mut contexts = self.contexts.write().unwrap_or_else(PoisonError::into_inner);
            contexts.remove(&id).ok_or(SCARD_E_INVALID_HANDLE)?
        };
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        let orphans =
            handles.extract_if(|_, handle| handle.context == id).map(|(_, handle)| handle).collect();
        Ok((context, orphans))
    }

    pub(crate) fn add_handle(&self, handle: Arc<Handle>) {
        self.handles.write().unwrap_or_else(PoisonError::into_inner).insert(handle.id, handle);
    }

    pub(crate) fn handle(&self, id: u32) -> Result<Arc<Handle>, u32> {
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        handles.get(&id).cloned().ok_or(SCARD_E_INVALID_HANDLE)
    }

    pub(crate) fn remove_handle(&self, id: u32) -> Result<Arc<Handle>, u32> {
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        handles.remove(&id).ok_or(SCARD_E_INVALID_HANDLE)
    }

    /// Serves the virtual cards of another directory; `None` for the default one.
    pub(crate) fn set_store_dir(&self, directory: Option<&Path>) {
        self.readers.set_directory(directory);
        self.events.notify();
    }

    /// Serves the virtual cards of another directory too.
    pub(crate) fn mount(&self, store: Arc<Store>) {
        self.readers.mount(store);
        self.events.notify();
    }

    /// Ends that.
    pub(crate) fn unmount(&self, directory: &Path) {
        self.readers.unmount(directory);
        self.events.notify();
    }
}
