//! Which application a card is asked for first when it is opened.
//!
//! A class module asks for PIV before GIDS, so a card that has GIDS alone answers a refusal first. The store
//! knows which application was opened on cards with the same answer to reset. Where that was GIDS on the one seen
//! last, GIDS is asked for alone, and the identity it tells is looked up: of a card of which the store knows that
//! GIDS is what was found, that was the opening, a command shorter. Every other card is opened once more by the
//! module's own order. So the memory makes no card another one: what has PIV too has another record, or none.

use std::sync::Arc;

use cardmod_types::{CardApplication, CardId};

use super::keeping::{is_distinct, view};
use super::record::CacheRecord;
use crate::host::OpenOptions;
use crate::module::{HIGHEST_VERSION, LOWEST_VERSION, Module};
use crate::store::PublicStore;

/// What the store knows of cards with one answer to reset.
pub(in crate::csp) struct Order {
    store: Arc<dyn PublicStore>,
    /// How the keys of their records end.
    kind: String,
    atr: Vec<u8>,
    module: String,
}

impl Order {
    /// The order for cards with this answer to reset; `None` where it is the module's own: where the caller named
    /// an application, or has a management key, which is for PIV.
    pub(in crate::csp) fn of(
        store: Option<&Arc<dyn PublicStore>>,
        module: &Module,
        atr: &[u8],
        options: &OpenOptions,
    ) -> Option<Self> {
        let named = CardApplication::of_card_name(&options.card_name).is_some();
        let store = Arc::clone(store.filter(|_| !named && options.management_key.is_none())?);
        let version = options.max_version.clamp(LOWEST_VERSION, HIGHEST_VERSION);
        let view = view(version, &options.card_name);
        let kind = CacheRecord::key_of_kind(atr, [module.identity(), &view]);
        let order = Self { store, kind, atr: atr.to_vec(), module: module.identity().to_owned() };
        let newest = order.store.list().into_iter().find(|key| key.ends_with(&order.kind))?;
        (order.opened(&newest)? == FIRST).then_some(order)
    }

    /// The application to ask for first.
    pub(in crate::csp) fn first(&self) -> CardApplication {
        FIRST
    }

    /// The card that this application says it is was opened by the module's own order, and this application found.
    pub(in crate::csp) fn holds_for(&self, card: &CardId) -> bool {
        let key = CacheRecord::key_of(card, &self.kind);
        is_distinct(card) && self.opened(&key) == Some(FIRST)
    }

    /// The application that was opened on the card of a record.
    fn opened(&self, key: &str) -> Option<CardApplication> {
        let record = CacheRecord::parse(&self.store.load(key)?)?;
        let same = record.atr == self.atr && record.module == self.module;
        record.application.filter(|_| same && key == CacheRecord::key_of(&record.card, &self.kind))
    }
}

/// The only one that is not the first anyway.
const FIRST: CardApplication = CardApplication::Gids;
