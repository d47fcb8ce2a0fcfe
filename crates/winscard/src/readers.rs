//! The virtual readers: one for each card of the store.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cardmod_virtual::{CardEntry, CardKind, CardStatus, Store, StoreError};

use crate::equipment::Furnished;
use crate::faults::{Fault, Faults};

const PREFIX: &str = "Cardmod Virtual Reader (";
const SUFFIX: &str = ") 00 00";

/// The name of the reader that holds the virtual card of this name.
#[must_use]
pub fn reader_name(card: &str) -> String {
    format!("{PREFIX}{card}{SUFFIX}")
}

/// The card's name in a virtual reader's name; `None` for any other reader.
#[must_use]
pub fn card_name(reader: &str) -> Option<&str> {
    reader.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)
}

/// A virtual reader that exists.
pub(crate) struct Found {
    pub(crate) store: Arc<Store>,
    pub(crate) card: String,
    pub(crate) reader: String,
}

/// What can be seen of a reader without connecting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) present: bool,
    pub(crate) in_use: bool,
    pub(crate) exclusive: bool,
    /// Counts insertions and removals.
    pub(crate) events: u16,
    pub(crate) atr: Vec<u8>,
}

pub(crate) struct Readers {
    state: Mutex<State>,
    /// What each failed at last.
    pub(crate) faults: Faults,
    /// What each is like.
    pub(crate) furnished: Furnished,
}

struct State {
    /// The directory that was asked for; `None` is the default one.
    directory: Option<PathBuf>,
    store: Option<Arc<Store>>,
    /// Stores beside it, in the order they came.
    mounted: Vec<Arc<Store>>,
    /// The ATR of each card that was asked for; it never changes.
    atrs: HashMap<String, Vec<u8>>,
}

impl Readers {
    pub(crate) fn new(directory: Option<PathBuf>, mounted: Vec<Arc<Store>>, furnished: Furnished) -> Self {
        let state = State { directory, store: None, mounted, atrs: HashMap::new() };
        Self { state: Mutex::new(state), faults: Faults::default(), furnished }
    }

    pub(crate) fn set_directory(&self, directory: Option<&Path>) {
        let mut state = self.lock();
        state.directory = directory.map(Path::to_owned);
        state.store = None;
        state.atrs.clear();
    }

    /// The directory that was asked for and the stores beside it, unless they are being changed at this
    /// moment.
    pub(crate) fn try_places(&self) -> Option<(Option<PathBuf>, Vec<Arc<Store>>)> {
        let state = self.state.try_lock().ok()?;
        Some((state.directory.clone(), state.mounted.clone()))
    }

    /// Serves the cards of another store too.
    pub(crate) fn mount(&self, store: Arc<Store>) {
        self.lock().mounted.push(store);
    }

    /// Serves the cards of this directory no longer.
    pub(crate) fn unmount(&self, directory: &Path) {
        let mut state = self.lock();
        state.mounted.retain(|store| store.dir() != directory);
        state.atrs.clear();
    }

    /// The names of all virtual readers; no store means none. A card whose files cannot be used has no
    /// reader, here as in [`Self::find`]: a name that is listed and then not known would fail the status of
    /// all readers asked for together with it.
    pub(crate) fn names(&self) -> Vec<String> {
        let stores = self.lock().stores();
        let mut names: Vec<String> = Vec::new();
        for store in stores {
            for card in store.cards().unwrap_or_default() {
                let reader = reader_name(&card.name);
                // The first store with a card of a name has it.
                if !names.contains(&reader) && self.can_be_used(&store, &card, &reader) {
                    names.push(reader);
                }
            }
        }
        names
    }

    /// The virtual reader of this name, if there is one.
    pub(crate) fn find(&self, reader: &str) -> Option<Found> {
        let card = card_name(reader)?;
        let stores = self.lock().stores();
        let (store, _) = self.status_in(&stores, card, reader)?;
        Some(Found { store, card: card.to_owned(), reader: reader.to_owned() })
    }

    fn can_be_used(&self, store: &Store, card: &CardEntry, reader: &str) -> bool {
        let seen = match card.kind {
            // Opening it says why.
            CardKind::Unreadable => store.open_card(&card.name).map(|_| false),
            _ => store.status(&card.name).map(|_| true),
        };
        self.noted(reader, seen).unwrap_or(false)
    }

    /// The first of the stores that has the card in use, and the card's status.
    fn status_in(&self, stores: &[Arc<Store>], card: &str, reader: &str) -> Option<(Arc<Store>, CardStatus)> {
        stores.iter().find_map(|store| match store.status(card) {
            Ok(status) => Some((Arc::clone(store), status)),
            // Another store may have it; that none has it needs no words.
            Err(StoreError::NoSuchCard { .. }) => None,
            Err(error) => self.noted(reader, Err(error)),
        })
    }

    /// The value; or the error is kept for whoever asks.
    fn noted<T>(&self, reader: &str, result: Result<T, StoreError>) -> Option<T> {
        result.map_err(|error| self.faults.note(reader, Fault::of_store(&error))).ok()
    }

    /// What is so in a reader now; `None` where there is no such reader.
    pub(crate) fn observe(&self, reader: &str) -> Option<Observation> {
        let card = card_name(reader)?;
        let mut state = self.lock();
        let stores = state.stores();
        let Some((store, status)) = self.status_in(&stores, card, reader) else {
            state.atrs.remove(card);
            return None;
        };
        if !state.atrs.contains_key(card) {
            let opened = self.noted(reader, store.open_card(card))?;
            state.atrs.insert(card.to_owned(), opened.atr());
        }
        let atr = if status.present { state.atrs.get(card).cloned().unwrap_or_default() } else { Vec::new() };
        let atr = self.furnished.of(reader).atr(atr);
        Some(Observation {
            present: status.present,
            in_use: status.shared > 0,
            exclusive: status.exclusive || status.plugged,
            events: event_count(&status),
            atr,
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// All stores, that of the directory first.
    fn stores(&mut self) -> Vec<Arc<Store>> {
        self.store().into_iter().chain(self.mounted.iter().cloned()).collect()
    }

    /// The store, opened at first use. Its directory need not be there yet.
    fn store(&mut self) -> Option<Arc<Store>> {
        if self.store.is_none() {
            let directory = match &self.directory {
                Some(directory) => directory.clone(),
                None => Store::default_dir().ok()?,
            };
            self.store = Store::open(directory).ok().map(Arc::new);
        }
        self.store.clone()
    }
}

/// Counts insertions and removals from 1, so that 0 can mean that the caller does not count.
pub(crate) fn event_count(status: &CardStatus) -> u16 {
    let count = status.insertions.wrapping_mul(2).wrapping_add(1 + u32::from(!status.present));
    count as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_both_ways() {
        assert_eq!(reader_name("work"), "Cardmod Virtual Reader (work) 00 00");
        assert_eq!(card_name(&reader_name("a) b")), Some("a) b"));
        assert_eq!(card_name("Virtual PCD 00 00"), None);
    }
}
