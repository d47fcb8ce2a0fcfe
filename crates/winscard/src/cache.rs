//! `SCardReadCache` and `SCardWriteCache`: public data of cards, kept as long as this process lives.
//!
//! Windows' resource manager keeps one cache for all processes. Here each process has its own, so that no
//! process can feed another one.

use std::collections::HashMap;

use cardmod_pcsc::{
    CardIdentifier, SCARD_W_CACHE_ITEM_NOT_FOUND, SCARD_W_CACHE_ITEM_STALE, SCARD_W_CACHE_ITEM_TOO_BIG,
};

/// Largest item in bytes.
const MAX_ITEM: usize = 64 * 1024;
/// All items together in bytes; beyond this the cache starts anew.
const MAX_TOTAL: usize = 4 * 1024 * 1024;

#[derive(Default)]
pub(crate) struct Cache {
    items: HashMap<(CardIdentifier, String), Item>,
    total: usize,
}

struct Item {
    freshness: u32,
    data: Vec<u8>,
}

impl Cache {
    /// The item, if it was written with this freshness counter.
    pub(crate) fn read(&self, card: CardIdentifier, freshness: u32, name: &str) -> Result<&[u8], u32> {
        match self.items.get(&(card, name.to_owned())) {
            None => Err(SCARD_W_CACHE_ITEM_NOT_FOUND),
            Some(item) if item.freshness != freshness => Err(SCARD_W_CACHE_ITEM_STALE),
            Some(item) => Ok(&item.data),
        }
    }

    /// Stores the item in place of what has the same card and name.
    pub(crate) fn write(
        &mut self,
        card: CardIdentifier,
        freshness: u32,
        name: &str,
        data: &[u8],
    ) -> Result<(), u32> {
        if data.len() > MAX_ITEM {
            return Err(SCARD_W_CACHE_ITEM_TOO_BIG);
        }
        if self.total + data.len() > MAX_TOTAL {
            self.items.clear();
            self.total = 0;
        }
        let item = Item { freshness, data: data.to_vec() };
        let old = self.items.insert((card, name.to_owned()), item);
        self.total = self.total + data.len() - old.map_or(0, |item| item.data.len());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: CardIdentifier = [7; 16];

    #[test]
    fn freshness_decides() {
        let mut cache = Cache::default();
        assert_eq!(cache.read(CARD, 1, "a"), Err(SCARD_W_CACHE_ITEM_NOT_FOUND));
        cache.write(CARD, 1, "a", b"one").expect("small");
        assert_eq!(cache.read(CARD, 1, "a"), Ok(&b"one"[..]));
        assert_eq!(cache.read(CARD, 2, "a"), Err(SCARD_W_CACHE_ITEM_STALE));
        assert_eq!(cache.read([8; 16], 1, "a"), Err(SCARD_W_CACHE_ITEM_NOT_FOUND));
        cache.write(CARD, 2, "a", b"two").expect("small");
        assert_eq!(cache.read(CARD, 2, "a"), Ok(&b"two"[..]));
    }

    #[test]
    fn sizes_are_bounded() {
        let mut cache = Cache::default();
        assert_eq!(cache.write(CARD, 0, "big", &vec![0; MAX_ITEM + 1]), Err(SCARD_W_CACHE_ITEM_TOO_BIG));
        for n in 0..100 {
            cache.write(CARD, 0, &n.to_string(), &vec![0; MAX_ITEM]).expect("at the limit");
            assert!(cache.total <= MAX_TOTAL);
        }
        assert!(cache.read(CARD, 0, "99").is_ok());
        let total: usize = cache.items.values().map(|item| item.data.len()).sum();
        assert_eq!(total, cache.total);
    }
}
