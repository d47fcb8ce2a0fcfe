//! The container map stored on the card: which slot, key spec and name the container of an index has.
//!
//! Yubico's minidriver keeps one in object 5FFF10: `81 L` and a row of records, whose position is the
//! index (yubico-piv-tool, `ykpiv_util_read_mscmap`). The same content in object 5FFF40 serves the cards
//! that refuse the vendor's object. Records, bytes and objects nobody here knows are written back as they
//! were read.

use cardmod_iso7816::tlv::{Reader, Tag, Writer};
use cardmod_types::{ContainerIndex, ContainerName};
use sha2::{Digest, Sha256};

use crate::map_record::RECORD_LEN;
use crate::{MapRecord, PivError, Slot, SlotKey};

/// The row of records.
const RECORDS: Tag = Tag::new(0x81);
/// Keys that were deleted as far as the card could: an addition of this project, which readers of the row pass
/// over.
const GIVEN_UP: Tag = Tag::new(0x8F);
/// Length of an entry there: the slot's reference, and the front of the SHA-256 digest of the public key.
const GIVEN_UP_LEN: usize = 21;
/// Indexes are bytes.
const MAX_RECORDS: usize = 256;

/// A stored container map.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SlotMap {
    records: Vec<MapRecord>,
    /// What follows the last whole record.
    tail: Vec<u8>,
    /// Encoded objects with other tags.
    others: Vec<u8>,
    /// The keys that were given up.
    given_up: Vec<[u8; GIVEN_UP_LEN]>,
}

impl SlotMap {
    /// A map that names nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the object's value (within `53`). An empty one names nothing.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`] for a value that is no such object; more records than there are indexes.
    pub fn parse(value: &[u8]) -> Result<Self, PivError> {
        const MALFORMED: PivError = PivError::Malformed("container map");
        let (mut map, mut row) = (Self::default(), None);
        for tlv in Reader::new(value) {
            let tlv = tlv.map_err(|_| MALFORMED)?;
            if tlv.tag == RECORDS && row.is_none() {
                row = Some(tlv.value);
            } else if tlv.tag == GIVEN_UP {
                map.given_up.extend_from_slice(tlv.value.as_chunks().0);
            } else {
                map.others.extend_from_slice(tlv.raw);
            }
        }
        let (records, tail) = row.unwrap_or_default().as_chunks::<RECORD_LEN>();
        if records.len() > MAX_RECORDS {
            return Err(MALFORMED);
        }
        map.records = records.iter().map(|raw| MapRecord::from_bytes(*raw)).collect();
        map.tail = tail.to_vec();
        Ok(map)
    }

    /// The object's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut row: Vec<u8> = self.records.iter().flat_map(|record| *record.as_bytes()).collect();
        row.extend_from_slice(&self.tail);
        let mut writer = Writer::new().object(RECORDS, &row).encoded(&self.others);
        if !self.given_up.is_empty() {
            writer = writer.object(GIVEN_UP, self.given_up.as_flattened());
        }
        writer.finish().to_vec()
    }

    /// The containers it names, with their indexes.
    pub fn containers(&self) -> impl Iterator<Item = (ContainerIndex, &MapRecord)> {
        let indexes = (0..=u8::MAX).map(ContainerIndex::new);
        indexes.zip(&self.records).filter(|(_, record)| record.is_valid())
    }

    /// Whether it names nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.containers().next().is_none()
    }

    /// The container of an index.
    #[must_use]
    pub fn get(&self, index: ContainerIndex) -> Option<&MapRecord> {
        self.records.get(usize::from(index.get())).filter(|record| record.is_valid())
    }

    /// The container whose key lies in a slot; the first one, should several claim it.
    #[must_use]
    pub fn by_slot(&self, slot: Slot) -> Option<(ContainerIndex, &MapRecord)> {
        self.containers().find(|(_, record)| record.slot() == Some(slot))
    }

    /// The container of a name.
    #[must_use]
    pub fn by_name(&self, name: &ContainerName) -> Option<(ContainerIndex, &MapRecord)> {
        self.containers().find(|(_, record)| record.name().as_ref() == Some(name))
    }

    /// Names the container of an index, in place of what the map said. Indexes in between stay vacant.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] when bytes nobody here knows follow the last record: a longer row would
    /// give them another meaning.
    pub fn set(&mut self, index: ContainerIndex, record: MapRecord) -> Result<(), PivError> {
        let at = usize::from(index.get());
        if at >= self.records.len() {
            if !self.tail.is_empty() {
                return Err(PivError::InvalidInput("the container map ends in bytes of unknown meaning"));
            }
            self.records.resize(at + 1, MapRecord::vacant());
        }
        self.records[at] = record;
        Ok(())
    }

    /// Removes the container of an index. Vacant records at the end go with it.
    pub fn clear(&mut self, index: ContainerIndex) {
        if let Some(record) = self.records.get_mut(usize::from(index.get())) {
            *record = MapRecord::vacant();
        }
        while self.tail.is_empty() && self.records.last() == Some(&MapRecord::vacant()) {
            self.records.pop();
        }
    }

    /// Notes that a key was deleted, though the card keeps it: cards exist that tell of their keys and cannot
    /// delete them. Its slot is free for another key.
    pub fn give_up(&mut self, slot: Slot, key: &SlotKey) {
        self.reclaim(slot);
        self.given_up.push(given_up(slot, key));
    }

    /// Whether this very key of a slot was given up.
    #[must_use]
    pub fn is_given_up(&self, slot: Slot, key: &SlotKey) -> bool {
        self.given_up.contains(&given_up(slot, key))
    }

    /// Forgets what was given up in a slot: another key comes there.
    pub fn reclaim(&mut self, slot: Slot) {
        self.given_up.retain(|entry| entry[0] != slot.reference().get());
    }

    /// Makes one container the default, and no other.
    pub fn set_default(&mut self, index: Option<ContainerIndex>) {
        for (at, record) in self.records.iter_mut().enumerate().filter(|(_, record)| record.is_valid()) {
            record.set_default(index.is_some_and(|index| usize::from(index.get()) == at));
        }
    }
}

fn given_up(slot: Slot, key: &SlotKey) -> [u8; GIVEN_UP_LEN] {
    let mut entry = [slot.reference().get(); GIVEN_UP_LEN];
    let digest = Sha256::digest(key.to_spki_der());
    entry[1..].copy_from_slice(&digest[..GIVEN_UP_LEN - 1]);
    entry
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::KeySpec;
    use proptest::prelude::*;

    fn record(name: &str, slot: Slot) -> MapRecord {
        MapRecord::new(&ContainerName::parse(name).unwrap(), slot, KeySpec::KeyExchange, 2048)
    }

    fn index(index: u8) -> ContainerIndex {
        ContainerIndex::new(index)
    }

    #[test]
    fn containers_are_found_by_index_slot_and_name() {
        let mut map = SlotMap::new();
        assert!(map.is_empty());
        map.set(index(2), record("two", Slot::KeyManagement)).unwrap();
        map.set(index(0), record("zero", Slot::Authentication)).unwrap();
        map.set_default(Some(index(2)));
        let read = SlotMap::parse(&map.encode()).unwrap();
        assert_eq!(read, map);
        assert_eq!(map.encode().len(), 4 + 3 * RECORD_LEN);
        assert_eq!(read.get(index(1)), None);
        assert_eq!(read.by_slot(Slot::KeyManagement).map(|(at, _)| at), Some(index(2)));
        let name = ContainerName::parse("zero").unwrap();
        assert_eq!(read.by_name(&name).map(|(at, _)| at), Some(index(0)));
        let defaults: Vec<_> =
            read.containers().filter(|(_, r)| r.is_default()).map(|(at, _)| at.get()).collect();
        assert_eq!(defaults, [2]);
    }

    #[test]
    fn what_was_given_up_is_that_very_key() {
        let (key, other) = (SlotKey::X25519([7; 32]), SlotKey::X25519([8; 32]));
        let mut map = SlotMap::new();
        map.give_up(Slot::Signature, &key);
        map.give_up(Slot::Authentication, &key);
        let mut read = SlotMap::parse(&map.encode()).unwrap();
        assert_eq!(read, map);
        assert!(read.is_given_up(Slot::Signature, &key) && !read.is_given_up(Slot::Signature, &other));
        read.give_up(Slot::Signature, &other);
        assert!(!read.is_given_up(Slot::Signature, &key), "one for each slot");
        read.reclaim(Slot::Signature);
        assert!(!read.is_given_up(Slot::Signature, &other) && read.is_given_up(Slot::Authentication, &key));
    }

    #[test]
    fn clearing_shortens_the_row() {
        let mut map = SlotMap::new();
        map.set(index(1), record("one", Slot::Signature)).unwrap();
        map.set(index(3), record("three", Slot::KeyManagement)).unwrap();
        map.clear(index(3));
        assert_eq!(map.encode().len(), 3 + 2 * RECORD_LEN);
        map.clear(index(200));
        map.clear(index(1));
        assert_eq!(map.encode(), [0x81, 0x00]);
    }

    #[test]
    fn what_is_unknown_is_kept() {
        let strange = [0xFF; RECORD_LEN];
        let row = [&strange[..], &[1, 2, 3]].concat();
        let value = [&[0x81, row.len() as u8][..], &row, &[0x99, 0x01, 0x55]].concat();
        let mut map = SlotMap::parse(&value).unwrap();
        assert_eq!(map.encode(), value);
        assert!(map.set(index(1), record("one", Slot::Signature)).is_err());
        map.set(index(0), record("zero", Slot::Signature)).unwrap();
        assert!(map.encode().ends_with(&[1, 2, 3, 0x99, 0x01, 0x55]));
        assert_eq!(SlotMap::parse(&[]).unwrap(), SlotMap::new());
    }

    #[test]
    fn too_many_records_are_refused() {
        let row = vec![0; 257 * RECORD_LEN];
        let value = Writer::new().object(RECORDS, &row).finish();
        assert_eq!(SlotMap::parse(&value), Err(PivError::Malformed("container map")));
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_map_that_writes_itself_back_or_an_error(value: Vec<u8>) {
            if let Ok(map) = SlotMap::parse(&value) {
                prop_assert_eq!(SlotMap::parse(&map.encode()), Ok(map));
            }
        }
    }
}
