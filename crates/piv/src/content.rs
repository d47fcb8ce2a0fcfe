//! Public content kept in memory, and how far it may still be trusted.
//!
//! PIV has no change counter: what another program may have written over is a hint and no more, even
//! when the card is found to be the same one.

use std::collections::BTreeMap;

use crate::{KeyReference, Metadata, ObjectTag};

/// What tells a card apart, the head of its CHUID; `None` for a card without one.
pub(crate) type Identity = Option<Vec<u8>>;

/// A value of the cache.
#[derive(Debug)]
struct Entry {
    /// The object's value; `None` for one known to be missing.
    value: Option<Vec<u8>>,
    /// When it was read.
    epoch: u64,
}

/// A value from the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// The object's value; `None` for one known to be missing.
    pub(crate) value: Option<Vec<u8>>,
    /// Another program may have changed it since.
    pub(crate) is_hint: bool,
}

/// The cache. Time is cut into epochs: a new one begins whenever another program, or another card, may
/// have come between.
#[derive(Debug, Default)]
pub(crate) struct Content {
    entries: BTreeMap<ObjectTag, Entry>,
    /// What the card told of its keys, and when; `None` of a key that is not there.
    keys: BTreeMap<KeyReference, (Option<Metadata>, u64)>,
    epoch: u64,
    /// The identity and the epoch it was last confirmed in.
    identity: Option<(Identity, u64)>,
    /// There may be another card in the reader.
    swapped: bool,
}

impl Content {
    /// Another program may have used the card.
    pub(crate) fn doubt(&mut self) {
        self.epoch += 1;
    }

    /// There may be another card.
    pub(crate) fn doubt_identity(&mut self) {
        self.epoch += 1;
        self.swapped = true;
    }

    /// What was read in this epoch.
    pub(crate) fn fresh(&self, tag: ObjectTag) -> Option<Option<Vec<u8>>> {
        let entry = self.entries.get(&tag)?;
        (entry.epoch == self.epoch).then(|| entry.value.clone())
    }

    /// What was ever read from this card, once its identity is confirmed in this epoch.
    pub(crate) fn known(&self, tag: ObjectTag) -> Option<Known> {
        let entry = self.entries.get(&tag)?;
        let is_hint = entry.epoch != self.epoch;
        (!is_hint || self.is_confirmed()).then(|| Known { value: entry.value.clone(), is_hint })
    }

    /// The identity, where it was read in this epoch.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        let (identity, epoch) = self.identity.as_ref()?;
        (*epoch == self.epoch).then_some(identity)
    }

    fn is_confirmed(&self) -> bool {
        self.identity().is_some()
    }

    /// Enters the identity read from the card. Older content of another card is dropped, and so is that
    /// of a card that may have been changed for another one which nothing tells apart. Answers whether what
    /// was found out before may be about another card.
    pub(crate) fn identify(&mut self, identity: Identity) -> bool {
        let is_same = self.identity.as_ref().is_some_and(|(known, _)| *known == identity)
            && (identity.is_some() || !self.swapped);
        let is_another = !is_same && (self.identity.is_some() || self.swapped);
        if !is_same {
            let epoch = self.epoch;
            self.entries.retain(|_, entry| entry.epoch == epoch);
        }
        self.identity = Some((identity, self.epoch));
        self.swapped = false;
        is_another
    }

    /// Enters what was read from the card, or written to it.
    pub(crate) fn enter(&mut self, tag: ObjectTag, value: Option<Vec<u8>>) {
        if !tag.is_private() {
            self.entries.insert(tag, Entry { value, epoch: self.epoch });
        }
    }

    /// Nothing is known of the object: a write is under way, or failed.
    pub(crate) fn forget(&mut self, tag: ObjectTag) {
        self.entries.remove(&tag);
    }

    /// What the card told of a key in this epoch.
    pub(crate) fn key(&self, reference: KeyReference) -> Option<Option<Metadata>> {
        let (metadata, epoch) = self.keys.get(&reference)?;
        (*epoch == self.epoch).then(|| metadata.clone())
    }

    /// Enters what the card told of a key of the cardholder.
    pub(crate) fn enter_key(&mut self, reference: KeyReference, metadata: Option<Metadata>) {
        self.keys.insert(reference, (metadata, self.epoch));
    }

    /// Nothing is known of any key: one is about to be made, moved or deleted.
    pub(crate) fn forget_keys(&mut self) {
        self.keys.clear();
    }

    /// Nothing is known of any object but that the card is who it was.
    pub(crate) fn forget_all(&mut self) {
        self.entries.clear();
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: ObjectTag = ObjectTag::CERTIFICATE_AUTHENTICATION;

    fn filled() -> Content {
        let mut content = Content::default();
        content.identify(Some(vec![7]));
        content.enter(TAG, Some(vec![1]));
        content
    }

    #[test]
    fn without_doubt_content_is_fresh() {
        let content = filled();
        assert_eq!(content.fresh(TAG), Some(Some(vec![1])));
        assert_eq!(content.known(TAG), Some(Known { value: Some(vec![1]), is_hint: false }));
        assert_eq!(content.fresh(ObjectTag::CCC), None);
    }

    #[test]
    fn after_a_doubt_it_is_a_hint_of_the_same_card_alone() {
        let mut content = filled();
        content.doubt();
        assert_eq!((content.fresh(TAG), content.known(TAG)), (None, None));
        content.identify(Some(vec![7]));
        assert_eq!(content.fresh(TAG), None);
        assert_eq!(content.known(TAG), Some(Known { value: Some(vec![1]), is_hint: true }));
        content.doubt_identity();
        content.identify(Some(vec![8]));
        assert_eq!(content.known(TAG), None);
    }

    #[test]
    fn what_is_read_in_doubt_is_not_mixed_with_what_was_known() {
        let mut content = filled();
        content.doubt_identity();
        content.enter(ObjectTag::CCC, None);
        assert_eq!(content.fresh(ObjectTag::CCC), Some(None));
        content.identify(Some(vec![8]));
        assert_eq!(content.fresh(ObjectTag::CCC), Some(None), "read from the card that is there");
        assert_eq!(content.known(TAG), None, "read from the other one");
    }

    #[test]
    fn a_card_without_identity_keeps_its_content_until_it_may_be_another() {
        let mut content = Content::default();
        content.identify(None);
        content.enter(TAG, Some(vec![1]));
        content.doubt();
        content.identify(None);
        assert!(content.known(TAG).is_some());
        content.doubt_identity();
        content.identify(None);
        assert_eq!(content.known(TAG), None);
    }

    #[test]
    fn what_was_told_of_keys_ends_with_the_epoch() {
        let (mut content, key) = (filled(), KeyReference::new(0x9A));
        content.enter_key(key, None);
        assert_eq!((content.key(key), content.key(KeyReference::new(0x9C))), (Some(None), None));
        content.doubt();
        content.identify(Some(vec![7]));
        assert_eq!(content.key(key), None, "of the same card too");
        content.enter_key(key, Some(Metadata::default()));
        content.forget_keys();
        assert_eq!(content.key(key), None);
    }

    #[test]
    fn private_content_is_not_kept() {
        let mut content = filled();
        content.enter(ObjectTag::PRINTED, Some(vec![1]));
        assert_eq!(content.fresh(ObjectTag::PRINTED), None);
    }
}
