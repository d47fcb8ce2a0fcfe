//! The table of living contexts: `pvVendorSpecific` holds a slot's number and generation, never an
//! address.
//!
//! Deleting takes the context out of the table; whoever still runs in it holds it alive and frees it
//! as the last. A stale or invented value finds nothing.

use std::any::Any;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::process;

/// A context of any module type.
pub(crate) type Shared = Arc<dyn Any + Send + Sync>;

/// Half of the handle is the slot's number plus one, the other half its generation.
const HALF: u32 = usize::BITS / 2;
const MASK: usize = (1 << HALF) - 1;

static TABLE: Mutex<Table> = Mutex::new(Table { slots: Vec::new(), generation: 0 });

struct Table {
    slots: Vec<Option<(usize, Shared)>>,
    generation: usize,
}

/// What stands in `pvVendorSpecific`; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(usize);

impl Handle {
    /// The handle in a `pvVendorSpecific`, if it is not NULL.
    pub(crate) fn from_raw(raw: usize) -> Option<Self> {
        (raw != 0).then_some(Self(raw))
    }

    pub(crate) fn to_raw(self) -> usize {
        self.0
    }

    fn slot(self) -> Option<usize> {
        (self.0 & MASK).checked_sub(1)
    }

    fn generation(self) -> usize {
        self.0 >> HALF
    }
}

/// Puts a context into the table; `None` when every number is taken, or the table is out of reach.
pub(crate) fn insert(context: Shared) -> Option<Handle> {
    let mut table = table()?;
    table.generation = (table.generation + 1) & MASK;
    let generation = table.generation;
    let slot = table.slots.iter().position(Option::is_none).unwrap_or(table.slots.len());
    if slot >= MASK {
        return None;
    }
    if slot == table.slots.len() {
        table.slots.push(None);
    }
    table.slots[slot] = Some((generation, context));
    Some(Handle(generation << HALF | (slot + 1)))
}

/// The context, kept alive by the caller from now on.
pub(crate) fn get(handle: Handle) -> Option<Shared> {
    let table = table()?;
    let (generation, context) = table.slots.get(handle.slot()?)?.as_ref()?;
    (*generation == handle.generation()).then(|| Arc::clone(context))
}

/// Takes the context out: no further call finds it.
pub(crate) fn take(handle: Handle) -> Option<Shared> {
    let mut table = table()?;
    let slot = table.slots.get_mut(handle.slot()?)?;
    if slot.as_ref()?.0 != handle.generation() {
        return None;
    }
    let taken = slot.take();
    if table.slots.iter().all(Option::is_none) {
        // An unloaded library leaves no memory behind; generations make old handles stale all the same.
        table.slots = Vec::new();
    }
    taken.map(|(_, context)| context)
}

/// Takes every context out: the library goes. None where the table is out of reach.
#[cfg(windows)]
pub(crate) fn take_all() -> Vec<Shared> {
    let slots = table().map(|mut table| core::mem::take(&mut table.slots)).unwrap_or_default();
    slots.into_iter().flatten().map(|(_, context)| context).collect()
}

/// The table; `None` where a thread had it that was ended with the process.
fn table() -> Option<MutexGuard<'static, Table>> {
    process::lock(&TABLE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_and_invented_handles_find_nothing() {
        let first = insert(Arc::new(1u32)).unwrap();
        assert!(get(first).is_some());
        assert!(take(first).is_some());
        assert!(take(first).is_none());
        let second = insert(Arc::new(2u32)).unwrap();
        assert!(get(first).is_none());
        assert_ne!(first, second);
        assert!(get(Handle(MASK)).is_none());
        assert!(Handle::from_raw(0).is_none());
        assert!(take(second).is_some());
    }

    #[test]
    fn whoever_runs_holds_the_context() {
        let handle = insert(Arc::new(String::from("alive"))).unwrap();
        let running = get(handle).unwrap();
        drop(take(handle));
        assert_eq!(running.downcast_ref::<String>().unwrap(), "alive");
    }
}
