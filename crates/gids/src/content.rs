//! Public content kept in memory, and whether it may still be used.

use std::collections::BTreeMap;

use cardmod_types::PublicKey;

use crate::layout::{ef, object};

/// What has to be found unchanged before cached content is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// Nothing: no other program can have written.
    #[default]
    None,
    /// The counters (cardcf).
    Freshness,
    /// The card's identity (cardid), then the counters.
    Identity,
}

/// The data objects of one EF.
#[derive(Debug, Default)]
struct FileContent {
    /// Value by tag; `None` for an object known to be missing.
    objects: BTreeMap<u32, Option<Vec<u8>>>,
    /// The whole EF was read at once.
    bulk: bool,
}

/// The cache.
#[derive(Debug, Default)]
pub(crate) struct Content {
    files: BTreeMap<u16, FileContent>,
    keys: BTreeMap<u8, PublicKey>,
    doubt: Doubt,
    /// Other handles may have been put in place: the next read of cardid goes to the card and is compared.
    unconfirmed: bool,
    /// cardcf as read since the card's identity came into doubt: counts once that is settled.
    unproved_counters: Option<Vec<u8>>,
}

/// Where cardcf is on every card of the profile.
pub(crate) const CARDCF: (u16, u32) = (ef::EVERYONE_READ_USER_WRITE, object::CARDCF);
/// Where cardid is on every card of the profile.
pub(crate) const CARDID: (u16, u32) = (ef::EVERYONE_READ_ADMIN_WRITE, object::KEYMAP_OR_CARDID);

impl Content {
    pub(crate) fn doubt_freshness(&mut self) {
        self.doubt = self.doubt.max(Doubt::Freshness);
        self.unproved_counters = None;
    }

    /// As [`doubt_freshness`](Self::doubt_freshness); and a caller who asks for cardid is not answered from
    /// memory.
    pub(crate) fn doubt_handles(&mut self) {
        self.doubt_freshness();
        self.unconfirmed = true;
    }

    pub(crate) fn doubt_identity(&mut self) {
        self.doubt = Doubt::Identity;
        self.unproved_counters = None;
    }

    /// Content of a card whose cardid was never read cannot be claimed for the card that is there now:
    /// drops it. Returns whether it did.
    pub(crate) fn drop_unidentified(&mut self) -> bool {
        let unidentified = self.peek(CARDID.0, CARDID.1).is_none();
        if unidentified {
            let counters = self.unproved_counters.take();
            *self = Self::default();
            if counters.is_some() {
                self.enter(CARDCF.0, CARDCF.1, counters);
            }
        }
        unidentified
    }

    /// What must be compared before anything is used; `None` also when there is nothing to lose.
    pub(crate) fn doubt(&mut self) -> Doubt {
        if self.files.is_empty() && self.keys.is_empty() {
            self.doubt = Doubt::None;
        }
        self.doubt
    }

    /// Whether cardid is to be read from the card and settles something by itself.
    pub(crate) fn questions_identity(&mut self) -> bool {
        self.doubt() == Doubt::Identity || self.unconfirmed
    }

    /// An object, if it may be used: `Some(None)` when it is known to be missing.
    pub(crate) fn get(&mut self, ef: u16, tag: u32) -> Option<Option<Vec<u8>>> {
        match self.doubt() {
            _ if (ef, tag) == CARDID && self.unconfirmed => None,
            Doubt::None => self.peek(ef, tag).cloned(),
            _ => None,
        }
    }

    fn peek(&self, ef: u16, tag: u32) -> Option<&Option<Vec<u8>>> {
        self.files.get(&ef)?.objects.get(&tag)
    }

    /// Whether anything of the EF is cached.
    pub(crate) fn knows(&self, ef: u16) -> bool {
        self.files.contains_key(&ef)
    }

    /// Whether the EF has been read as a whole.
    pub(crate) fn is_bulk(&self, ef: u16) -> bool {
        self.files.get(&ef).is_some_and(|file| file.bulk)
    }

    /// Enters what was read from the card. A cardid or cardcf settles the doubt about the rest: the same
    /// value keeps it, another one drops it.
    pub(crate) fn read(&mut self, ef: u16, tag: u32, value: Option<Vec<u8>>) {
        match (self.doubt(), (ef, tag)) {
            (_, CARDID) if self.questions_identity() => self.settle_identity(value),
            (Doubt::Identity, CARDCF) => self.unproved_counters = value,
            (Doubt::Freshness, CARDCF) => self.settle_freshness(value),
            (Doubt::None, _) => self.enter(ef, tag, value),
            // While other content is in doubt nothing is added to it.
            _ => {}
        }
    }

    fn settle_identity(&mut self, cardid: Option<Vec<u8>>) {
        let counters = self.unproved_counters.take();
        if self.is_unchanged(CARDID, &cardid) {
            self.doubt = self.doubt.min(Doubt::Freshness);
            self.unconfirmed = false;
        } else {
            *self = Self::default();
            self.enter(CARDID.0, CARDID.1, cardid);
        }
        if counters.is_some() {
            self.read(CARDCF.0, CARDCF.1, counters);
        }
    }

    fn settle_freshness(&mut self, cardcf: Option<Vec<u8>>) {
        if self.is_unchanged(CARDCF, &cardcf) {
            self.doubt = Doubt::None;
        } else {
            *self = Self::default();
            self.enter(CARDCF.0, CARDCF.1, cardcf);
        }
    }

    fn is_unchanged(&self, (ef, tag): (u16, u32), value: &Option<Vec<u8>>) -> bool {
        value.is_some() && self.peek(ef, tag) == Some(value)
    }

    fn enter(&mut self, ef: u16, tag: u32, value: Option<Vec<u8>>) {
        self.files.entry(ef).or_default().objects.insert(tag, value);
    }

    /// Enters a whole EF.
    pub(crate) fn read_all(&mut self, ef: u16, objects: BTreeMap<u32, Option<Vec<u8>>>) {
        self.files.insert(ef, FileContent { objects, bulk: true });
    }

    /// What this program wrote stands on the card. Written over doubtful content it proves nothing about
    /// the rest, which is dropped.
    pub(crate) fn written(&mut self, ef: u16, tag: u32, value: Option<Vec<u8>>) {
        if self.doubt() != Doubt::None {
            *self = Self::default();
        }
        self.enter(ef, tag, value);
    }

    /// A write failed midway: nothing is known of the object.
    pub(crate) fn forget(&mut self, ef: u16, tag: u32) {
        if let Some(file) = self.files.get_mut(&ef) {
            file.objects.remove(&tag);
        }
    }

    /// Enters what an earlier run of a program read, where nothing newer is known and nothing in doubt.
    /// Returns whether it did.
    pub(crate) fn restore(&mut self, ef: u16, objects: impl IntoIterator<Item = (u32, Vec<u8>)>) -> bool {
        let free = self.doubt() == Doubt::None && !self.knows(ef);
        if free {
            objects.into_iter().for_each(|(tag, value)| self.enter(ef, tag, Some(value)));
        }
        free
    }

    pub(crate) fn key(&mut self, reference: u8) -> Option<PublicKey> {
        match self.doubt() {
            Doubt::None => self.keys.get(&reference).cloned(),
            _ => None,
        }
    }

    pub(crate) fn set_key(&mut self, reference: u8, key: Option<PublicKey>) {
        match key {
            Some(key) if self.doubt() == Doubt::None => {
                self.keys.insert(reference, key);
            }
            _ => {
                self.keys.remove(&reference);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled() -> Content {
        let mut content = Content::default();
        content.read(CARDCF.0, CARDCF.1, Some(vec![1]));
        content.read(CARDID.0, CARDID.1, Some(vec![7; 16]));
        content.read(ef::TABLE, object::FILE_TABLE, Some(vec![1]));
        content.read(ef::TABLE, object::KEYMAP_OR_CARDID, None);
        content
    }

    #[test]
    fn the_same_counters_keep_the_content() {
        let mut content = filled();
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), Some(Some(vec![1])));
        assert_eq!(content.get(ef::TABLE, object::KEYMAP_OR_CARDID), Some(None));
        content.doubt_freshness();
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), None);
        content.read(CARDCF.0, CARDCF.1, Some(vec![1]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), Some(Some(vec![1])));
    }

    #[test]
    fn other_counters_drop_it() {
        let mut content = filled();
        content.doubt_freshness();
        content.read(CARDCF.0, CARDCF.1, Some(vec![2]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), None);
        assert_eq!(content.get(CARDCF.0, CARDCF.1), Some(Some(vec![2])));
    }

    #[test]
    fn another_card_drops_it_and_the_same_card_is_asked_for_its_counters() {
        let mut content = filled();
        content.doubt_identity();
        content.read(CARDCF.0, CARDCF.1, Some(vec![1]));
        assert_eq!(content.doubt(), Doubt::Identity, "the counters alone prove nothing");
        content.read(CARDID.0, CARDID.1, Some(vec![7; 16]));
        assert_eq!(content.doubt(), Doubt::None, "together they do, in either order");
        content.doubt_identity();
        content.read(CARDID.0, CARDID.1, Some(vec![7; 16]));
        assert_eq!(content.doubt(), Doubt::Freshness);
        content.read(CARDCF.0, CARDCF.1, Some(vec![1]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), Some(Some(vec![1])));

        content.doubt_identity();
        content.read(CARDID.0, CARDID.1, Some(vec![8; 16]));
        assert_eq!(content.doubt(), Doubt::None);
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), None);
    }

    #[test]
    fn other_handles_are_found_out_by_whoever_asks_for_the_cardid() {
        let mut content = filled();
        content.doubt_handles();
        content.read(CARDCF.0, CARDCF.1, Some(vec![1]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), Some(Some(vec![1])));
        assert_eq!(content.get(CARDID.0, CARDID.1), None, "not from memory");
        content.read(CARDID.0, CARDID.1, Some(vec![7; 16]));
        assert_eq!(content.get(CARDID.0, CARDID.1), Some(Some(vec![7; 16])));
        content.doubt_handles();
        content.read(CARDID.0, CARDID.1, Some(vec![8; 16]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), None);
        assert_eq!(content.get(CARDID.0, CARDID.1), Some(Some(vec![8; 16])));
    }

    #[test]
    fn counters_read_before_a_doubt_do_not_settle_it() {
        let mut content = filled();
        content.doubt_identity();
        content.read(CARDCF.0, CARDCF.1, Some(vec![1]));
        content.doubt_freshness();
        content.read(CARDID.0, CARDID.1, Some(vec![7; 16]));
        assert_eq!(content.doubt(), Doubt::Freshness);
    }

    #[test]
    fn content_of_an_unidentified_card_is_dropped() {
        let mut content = Content::default();
        content.read(ef::TABLE, object::FILE_TABLE, Some(vec![1]));
        content.doubt_identity();
        content.read(CARDCF.0, CARDCF.1, Some(vec![5]));
        assert!(content.drop_unidentified());
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), None);
        assert_eq!(content.get(CARDCF.0, CARDCF.1), Some(Some(vec![5])));
        assert!(!filled().drop_unidentified());
    }

    #[test]
    fn writing_over_doubtful_content_drops_the_rest() {
        let mut content = filled();
        content.written(CARDCF.0, CARDCF.1, Some(vec![2]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), Some(Some(vec![1])));
        content.doubt_freshness();
        content.written(CARDCF.0, CARDCF.1, Some(vec![3]));
        assert_eq!(content.get(ef::TABLE, object::FILE_TABLE), None);
    }
}
