//! What the callbacks lent to a module see of its context: the memory, the module's own cache, the
//! agreements. The context running on a thread is known per thread, since three of the callbacks
//! have no context argument.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cardmod_heap::Heap;

use super::cache::ModuleCache;
use super::function::CardFunction;

thread_local! {
    /// The contexts whose module functions run on this thread, the innermost last.
    static RUNNING: RefCell<Vec<(Arc<Shared>, usize)>> = const { RefCell::new(Vec::new()) };
}

/// One context as its callbacks see it.
pub(super) struct Shared {
    heap: Heap,
    cache: Mutex<ModuleCache>,
    agreements: Mutex<Vec<(usize, u8)>>,
}

/// A context may be used from any thread, and its callbacks reach it from there.
const _: () = {
    const fn is_send_and_sync<T: Send + Sync>() {}
    is_send_and_sync::<Shared>();
};

impl Shared {
    pub(super) fn new(heap: Heap) -> Self {
        Self { heap, cache: Mutex::default(), agreements: Mutex::default() }
    }

    pub(super) fn heap(&self) -> &Heap {
        &self.heap
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, ModuleCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The agreements the host made: the handle it knows them by, and the module's index.
    pub(super) fn agreements(&self) -> MutexGuard<'_, Vec<(usize, u8)>> {
        self.agreements.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that a function of this context's module, whose `CARD_DATA` is at `data`, runs on this
    /// thread for as long as the guard lives.
    pub(super) fn enter(self: &Arc<Self>, function: CardFunction, data: usize) -> Running {
        // At the end of a thread the list may be gone before a session is: the callbacks that need it
        // then refuse.
        let entered = (Arc::clone(self), data);
        let listed = RUNNING.try_with(|running| running.borrow_mut().push(entered)).is_ok();
        Running { listed, _function: self.heap.enter(function.name()) }
    }
}

/// A module's function runs; see [`Shared::enter`].
pub(super) struct Running {
    listed: bool,
    _function: cardmod_heap::Entered,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.listed {
            let innermost = RUNNING.try_with(|running| running.borrow_mut().pop());
            drop(innermost);
        }
    }
}

/// The context whose module runs on this thread, and the address of its `CARD_DATA`.
pub(super) fn running() -> Option<(Arc<Shared>, usize)> {
    RUNNING.try_with(|running| running.borrow().last().cloned()).ok().flatten()
}
