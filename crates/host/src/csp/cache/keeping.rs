//! The store: what it has is taken over when a transaction's counters are known, what is new goes into
//! it before the transaction ends.
//!
//! Both happen within the card's transaction, so no two programs do it for one card at a time, and a
//! program that found the card changed is not overwritten by one that has not noticed yet.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use cardmod_types::{CacheMode, CardCf, CardId};

use super::items::{MODULE, Moved};
use super::record::CacheRecord;
use crate::csp::session::CardSession;
use crate::store::PublicStore;

/// The store of a session, and what was last seen in it.
#[derive(Default)]
pub(super) struct Keeper {
    store: Option<Arc<dyn PublicStore>>,
    /// The card module, and which build of it.
    module: String,
    /// What else decides what the module tells: the version agreed on, and the name the card was opened
    /// under.
    view: String,
    /// The state of the record that is taken over already.
    stamp: Option<u64>,
    /// The epoch of what is remembered.
    epoch: Option<u64>,
}

impl CardSession {
    /// The same session with a store, and the build of the card module that fills it.
    pub(in crate::csp) fn remembering(mut self, store: Option<Arc<dyn PublicStore>>, module: &str) -> Self {
        let view = view(self.module.version(), &self.options.card_name);
        self.cached.keeper = Keeper { store, module: module.to_owned(), view, ..Keeper::default() };
        self
    }

    /// Where the card's record is: only for cards that have an identity of their own, and either counters
    /// and let a host remember across insertions, or allow hints.
    fn place(&self) -> Option<(Arc<dyn PublicStore>, String, CardId)> {
        let cached = &self.cached;
        let global = cached.mode == Some(CacheMode::Global) && cached.cardcf.is_some();
        let card = cached.card_id.filter(|id| (global || cached.has_hints()) && is_distinct(id))?;
        let store = Arc::clone(cached.keeper.store.as_ref()?);
        let keeper = &cached.keeper;
        Some((store, CacheRecord::key(&card, &self.atr, [&keeper.module, &keeper.view]), card))
    }

    /// Takes over what the store has, as far as its counters are the card's.
    pub(super) fn recall(&mut self) {
        let Some((store, key, card)) = self.place() else { return };
        let stamp = store.stamp(&key);
        if stamp == self.cached.keeper.stamp {
            return;
        }
        let record = store.load(&key).and_then(|bytes| CacheRecord::parse(&bytes));
        let record = record.filter(|record| {
            record.card == card && record.atr == self.atr && record.module == self.cached.keeper.module
        });
        let epoch = record.as_ref().map(|record| record.epoch);
        let known = self.cached.keeper.epoch;
        self.cached.keeper.stamp = stamp;
        self.cached.keeper.epoch = epoch;
        // Another program found the card to be another than remembered, or flushed.
        if known.is_some() && known != epoch {
            tracing::debug!(card = %card, "another program made this one forget the card");
            self.forget_everything();
        }
        if let Some(record) = record {
            self.take_over(record);
        }
    }

    fn take_over(&mut self, record: CacheRecord) {
        let hints = self.cached.has_hints();
        if record.hints != hints {
            return;
        }
        let counters = self.cached.cardcf.as_ref();
        let moved = match counters {
            // The counters of such a card mean nothing to another context.
            _ if hints => None,
            Some(cardcf) => Some(Moved::between(&record.cardcf, cardcf)),
            None => return,
        };
        let valid = record.items.into_iter().filter(|(name, _)| moved.is_none_or(|m| !m.concerns(name)));
        if hints {
            // Newer than what this program remembers.
            self.cached.parsed = super::Parsed::default();
        }
        for (name, value) in valid {
            self.cached.proofs.hearsay = true;
            match (name.strip_prefix(MODULE), value) {
                (Some(tag), Some(data)) => self.module.module_cache().restore(tag, &data),
                (Some(_), None) => {}
                (None, value) => self.cached.items.restore(name, value, hints),
            }
        }
    }

    /// Hands what is new to the store. The transaction still runs, and nobody is authenticated any more.
    pub(in crate::csp) fn store_public(&mut self) {
        self.drop_touched();
        self.ask_as_anybody();
        let changed = self.module.module_cache().take_changed();
        if changed {
            self.cached.items.touch();
        }
        self.store_items();
    }

    /// The same where somebody may still be authenticated until the card is reset: nothing is asked of the
    /// module. What was written is known, so hints are of it.
    pub(in crate::csp) fn store_hints(&mut self) {
        self.drop_touched();
        if self.cached.has_hints() {
            self.store_items();
        }
    }

    fn store_items(&mut self) {
        if self.cached.fresh && self.place().is_some() && self.cached.items.take_changed() {
            self.save();
        }
    }

    /// What the module kept while a role was authenticated is gone, although most of it is for everybody to
    /// read. It is asked for the keys that were used once more: a module that remembers them keeps them
    /// now, and for the next program, at no command.
    fn ask_as_anybody(&mut self) {
        if !self.module.module_cache().take_lost() || !self.cached.fresh || self.place().is_none() {
            return;
        }
        for index in std::mem::take(&mut self.cached.used) {
            if let Err(error) = self.module.get_container_info(index) {
                tracing::debug!(%error, "the module does not tell a key once more");
            }
        }
    }

    /// Writes the record as things are.
    fn save(&mut self) {
        let Some((store, key, card)) = self.place() else { return };
        let hints = self.cached.has_hints();
        let counters = self.cached.cardcf.clone().filter(|_| !hints);
        let Some(cardcf) = counters.or_else(|| hints.then(CardCf::default)) else { return };
        let Some(epoch) = self.cached.keeper.epoch.or_else(new_epoch) else { return };
        let known = self.cached.items.iter();
        let mut items: BTreeMap<_, _> =
            known.map(|(name, value)| (name.to_owned(), value.map(<[u8]>::to_vec))).collect();
        let kept = self.module.module_cache();
        items
            .extend(kept.public_entries().map(|(tag, data)| (format!("{MODULE}{tag}"), Some(data.to_vec()))));
        drop(kept);
        let (atr, module) = (self.atr.clone(), self.cached.keeper.module.clone());
        let saved = SystemTime::now();
        let application = self.cached.application;
        let record = CacheRecord { card, atr, module, application, cardcf, hints, epoch, saved, items };
        if let Some(bytes) = record.to_bytes() {
            store.save(&key, &bytes);
            self.cached.keeper.stamp = store.stamp(&key);
            self.cached.keeper.epoch = self.cached.keeper.stamp.map(|_| epoch);
        }
    }

    /// Forgets the card's content, here and in the module.
    pub(super) fn forget_everything(&mut self) {
        self.cached.drop_all();
        self.cached.proofs = super::Proofs::default();
        self.module.forget_content();
        self.cached.untold = false;
    }

    /// Before a card without counters is changed: no program is to believe afterwards what was remembered before,
    /// even if this one ends in the middle. What it knows when it is done, it stores again.
    pub(super) fn disown_hints(&mut self) {
        let Some((store, key, card)) = self.place().filter(|_| self.cached.has_hints()) else { return };
        let Some(epoch) = new_epoch() else { return };
        let (atr, module) = (self.atr.clone(), self.cached.keeper.module.clone());
        let (cardcf, saved, items) = (CardCf::default(), SystemTime::now(), BTreeMap::new());
        let application = self.cached.application;
        let record = CacheRecord { card, atr, module, application, cardcf, hints: true, epoch, saved, items };
        if let Some(bytes) = record.to_bytes() {
            store.save(&key, &bytes);
            self.cached.keeper.stamp = store.stamp(&key);
            self.cached.keeper.epoch = self.cached.keeper.stamp.map(|_| epoch);
            self.cached.items.touch();
        }
    }

    /// Makes every program forget what is remembered of the card: it turned out to be of another one.
    pub(super) fn condemn(&mut self) {
        self.forget_everything();
        self.cached.proofs.suspected = true;
        self.cached.keeper.epoch = new_epoch();
        self.save();
    }
}

/// Removes the records of hints that may be of this card: those under its identity, and those of any card with
/// its answer to reset, as it may have had another identity before, or get one.
pub(crate) fn forget_hints(store: &dyn PublicStore, card: Option<&CardId>, atr: &[u8]) {
    let is_of_it = |record: CacheRecord| record.hints && (Some(&record.card) == card || record.atr == atr);
    for key in store.list() {
        // What nobody can read is nobody's hint.
        if store.load(&key).and_then(|bytes| CacheRecord::parse(&bytes)).is_some_and(is_of_it) {
            store.remove(&key);
        }
    }
}

/// What else than the build of the module decides what it tells.
pub(super) fn view(version: u32, card_name: &str) -> String {
    format!("{version} {card_name}")
}

/// Cards that were never given an identity all have the same.
pub(super) fn is_distinct(card: &CardId) -> bool {
    let bytes = card.as_bytes();
    bytes.iter().any(|byte| *byte != bytes[0])
}

fn new_epoch() -> Option<u64> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).ok().map(|()| u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_without_an_identity_of_their_own_are_not_kept() {
        assert!(!is_distinct(&CardId([0; 16])) && !is_distinct(&CardId([0xFF; 16])));
        let mut id = [0; 16];
        id[15] = 1;
        assert!(is_distinct(&CardId(id)));
    }
}
