//! What a session remembers of its card, and a store for the next program.
//!
//! The counters (file `cardcf`) are read once in each transaction that needs to know. Identity and
//! counters decide: after another card nothing holds, after another value what depends on it is read
//! anew (specification, sections 8.4 and 9). Cards that have no counters, or ask for no cache, are read
//! anew in each transaction.
//!
//! - `items`: what is remembered, as bytes by name, and which counter it follows;
//! - `freshness`: the counters, compared and moved;
//! - `content`: the typed questions, answered from memory, the store or the card;
//! - `record` and `keeping`: the store;
//! - `order`: which application a card of this kind is asked for first;
//! - `hints`: what is remembered of cards without counters;
//! - `first_use`: what no counter shows is found when a key is used.
//!
//! Only what everybody may read is remembered at all. FILE_NOT_FOUND is, and no other failure.

mod content;
mod first_use;
mod freshness;
mod hints;
mod items;
mod keeping;
mod order;
mod record;

use std::collections::{BTreeSet, HashMap, HashSet};

use cardmod_types::{
    CacheMode, Capabilities, CardApplication, CardCf, CardId, ContainerIndex, ContainerKeys, ContainerMap,
    PinId, PinInfo,
};

use items::{Items, Moved};
use keeping::Keeper;

use crate::module::{Names, Places};

pub(super) use freshness::Counter;
pub(crate) use keeping::forget_hints;
pub(super) use order::Order;
pub use record::CacheRecord;

/// What is remembered.
#[derive(Default)]
pub(super) struct Cached {
    card_id: Option<CardId>,
    /// The identity was read since the connection was last made.
    identified: bool,
    cardcf: Option<CardCf>,
    /// The counters were read in the running transaction.
    fresh: bool,
    mode: Option<CacheMode>,
    /// Which application of the card the module opened, where it tells; asked with `hints`.
    application: Option<CardApplication>,
    /// What is remembered are hints, since the card has no counters; unknown until asked.
    hints: Option<bool>,
    /// The module was not told yet, in this transaction, to forget what it remembers of a card with hints.
    untold: bool,
    /// No counter says when this changes, so it is kept in no store.
    read_only: Option<bool>,
    items: Items,
    parsed: Parsed,
    proofs: Proofs,
    /// The containers whose keys were asked for in this transaction.
    used: BTreeSet<ContainerIndex>,
    keeper: Keeper,
}

/// Items that are asked for often, parsed.
#[derive(Default)]
struct Parsed {
    capabilities: Option<Capabilities>,
    map: Option<ContainerMap>,
    keys: HashMap<ContainerIndex, ContainerKeys>,
    owners: HashMap<ContainerIndex, PinId>,
    pins: HashMap<PinId, PinInfo>,
    places: Option<Places>,
    names: Option<Names>,
}

/// What is known about whether the remembered public keys are those of the card that is there.
#[derive(Default)]
struct Proofs {
    /// Something is remembered that was not read from the card in this insertion.
    hearsay: bool,
    /// Read or used in this insertion.
    insertion: HashSet<ContainerIndex>,
    /// Read or used in this transaction.
    transaction: HashSet<ContainerIndex>,
    /// A signature was not that of the key: the next one is checked in any case.
    suspected: bool,
}

impl Cached {
    /// A new transaction begins: the counters have to be looked at again.
    pub(super) fn new_transaction(&mut self) {
        self.fresh = false;
        self.proofs.transaction.clear();
        self.used.clear();
        self.age();
    }

    /// The card may have been another's meanwhile, or be another card.
    pub(super) fn connection_lost(&mut self) {
        self.fresh = false;
        self.identified = false;
        self.read_only = None;
        self.proofs = Proofs { hearsay: true, ..Proofs::default() };
        if self.mode == Some(CacheMode::Session) && !self.has_hints() {
            self.drop_all();
        }
    }

    /// What a host may do with the card has to be asked anew.
    pub(super) fn rights_changed(&mut self) {
        self.read_only = None;
        self.mode = None;
        self.parsed.pins.clear();
        self.items.drop_pins();
    }

    /// The card's identity was read, in this connection or another.
    pub(super) fn knows_card(&self) -> bool {
        self.card_id.is_some()
    }

    /// The application that the module opened, unless it asks for that first anyway.
    pub(super) fn opened_second(&self) -> Option<CardApplication> {
        self.application.filter(|application| *application == CardApplication::Gids)
    }

    /// The card of this identity was found when it was opened.
    pub(super) fn met(&mut self, id: CardId) {
        self.card_id = Some(id);
        self.identified = true;
    }

    /// The card of this identity is the one that is remembered.
    pub(super) fn is_card(&self, id: CardId) -> bool {
        self.card_id == Some(id)
    }

    /// Forgets the keys of a container.
    pub(super) fn drop_keys(&mut self, index: ContainerIndex) {
        self.items.drop_one(&items::keys(index));
        self.items.drop_one(&items::owner(index));
        self.drop_places();
        self.parsed.keys.remove(&index);
        self.parsed.owners.remove(&index);
        self.proofs.insertion.remove(&index);
        self.proofs.transaction.remove(&index);
    }

    /// Forgets which name each container has.
    fn drop_names(&mut self) {
        self.items.drop_one(items::NAMES);
        self.parsed.names = None;
    }

    /// Forgets which place, and which name, each container has.
    fn drop_places(&mut self) {
        self.items.drop_one(items::PLACES);
        self.parsed.places = None;
        self.drop_names();
    }

    /// Forgets what changed counters make doubtful.
    fn drop_moved(&mut self, moved: Moved) {
        self.items.drop_moved(moved);
        if moved.any() {
            self.parsed.names = None;
        }
        if moved.containers || moved.files {
            self.parsed.map = None;
        }
        if moved.containers {
            self.parsed.places = None;
            self.parsed.keys.clear();
            self.parsed.owners.clear();
            self.parsed.capabilities = None;
            self.proofs.insertion.clear();
            self.proofs.transaction.clear();
        }
        if moved.pins {
            self.parsed.pins.clear();
        }
    }

    /// Forgets everything but the card's identity.
    fn drop_all(&mut self) {
        self.items.clear();
        self.parsed = Parsed::default();
        self.read_only = None;
    }
}
