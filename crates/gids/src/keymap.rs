//! The keymap, DO `DF20` of EF `A000`: which key EF belongs to which container (as written by the Windows
//! inbox driver).

use cardmod_types::{ContainerIndex, KeyHalf};

use crate::algorithm::KeyAlgorithm;
use crate::table::TableError;

/// The first byte of every keymap.
const VERSION: u8 = 0x01;
/// Length of a record in bytes.
const RECORD: usize = 12;
/// Usage byte of a key exchange key.
const KEY_EXCHANGE: u8 = 0x9A;
/// Usage byte of a signature key.
const SIGNATURE: u8 = 0x9C;
/// A record without key.
const FREE: [u8; RECORD] = [0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0];

/// The key of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Its algorithm; `None` for one this edge does not know.
    pub algorithm: Option<KeyAlgorithm>,
    /// What it is for.
    pub half: KeyHalf,
    /// Its EF.
    pub ef: u16,
}

impl KeyRecord {
    /// The key reference in MSE, GENERATE and PUT KEY: the low byte of the EF.
    #[must_use]
    pub const fn key_reference(&self) -> u8 {
        (self.ef & 0xFF) as u8
    }
}

/// The keymap. The position of a record is its container's index.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Keymap {
    records: Vec<[u8; RECORD]>,
}

impl Keymap {
    /// Reads a keymap. An empty object is an empty map.
    ///
    /// # Errors
    ///
    /// [`TableError`] for another version or a broken length.
    pub fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        match bytes {
            [] => Ok(Self::default()),
            [VERSION, records @ ..] => match records.as_chunks::<RECORD>() {
                (records, []) => Ok(Self { records: records.to_vec() }),
                _ => Err(TableError::Length(bytes.len())),
            },
            [version, ..] => Err(TableError::Version(*version)),
        }
    }

    /// The keymap as it stands on the card.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [&[VERSION][..], self.records.as_flattened()].concat()
    }

    /// The key of a container.
    #[must_use]
    pub fn get(&self, container: ContainerIndex) -> Option<KeyRecord> {
        let record = self.records.get(usize::from(container.get()))?;
        let [1, 0, 0, 0, algorithm, usage, low, high, ..] = *record else { return None };
        let half = match usage {
            KEY_EXCHANGE => KeyHalf::KeyExchange,
            SIGNATURE => KeyHalf::Signature,
            _ => return None,
        };
        let ef = u16::from_le_bytes([low, high]);
        Some(KeyRecord { algorithm: KeyAlgorithm::from_reference(algorithm), half, ef })
    }

    /// Enters the key of a container; the map grows as far as needed.
    pub fn set(&mut self, container: ContainerIndex, algorithm: KeyAlgorithm, half: KeyHalf, ef: u16) {
        let position = usize::from(container.get());
        if self.records.len() <= position {
            self.records.resize(position + 1, FREE);
        }
        let usage = match half {
            KeyHalf::KeyExchange => KEY_EXCHANGE,
            KeyHalf::Signature => SIGNATURE,
        };
        let [low, high] = ef.to_le_bytes();
        self.records[position] =
            [1, 0, 0, 0, algorithm.reference(), usage, low, high, 0xFF, 0xFF, 0x00, 0x00];
    }

    /// Frees a container's record. Records never move.
    pub fn clear(&mut self, container: ContainerIndex) {
        if let Some(record) = self.records.get_mut(usize::from(container.get())) {
            *record = FREE;
        }
    }

    /// The containers with a key.
    pub fn used(&self) -> impl Iterator<Item = ContainerIndex> + '_ {
        (0..=u8::MAX)
            .take(self.records.len())
            .map(ContainerIndex::new)
            .filter(|container| self.get(*container).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_exchange_key_is_the_recorded_map() {
        let mut map = Keymap::default();
        map.set(ContainerIndex::new(0), KeyAlgorithm::Rsa2048, KeyHalf::KeyExchange, 0xB081);
        assert_eq!(map.to_bytes(), [1, 1, 0, 0, 0, 7, 0x9A, 0x81, 0xB0, 0xFF, 0xFF, 0, 0]);
        let record = map.get(ContainerIndex::new(0)).expect("key");
        assert_eq!((record.algorithm, record.half), (Some(KeyAlgorithm::Rsa2048), KeyHalf::KeyExchange));
        assert_eq!(record.key_reference(), 0x81);
        assert_eq!(Keymap::parse(&map.to_bytes()), Ok(map));
    }

    #[test]
    fn records_stay_in_place() {
        let mut map = Keymap::default();
        map.set(ContainerIndex::new(2), KeyAlgorithm::P256, KeyHalf::Signature, 0xB083);
        map.set(ContainerIndex::new(0), KeyAlgorithm::P521, KeyHalf::KeyExchange, 0xB081);
        assert_eq!(map.used().map(ContainerIndex::get).collect::<Vec<_>>(), [0, 2]);
        map.clear(ContainerIndex::new(0));
        map.clear(ContainerIndex::new(9));
        assert_eq!(map.get(ContainerIndex::new(0)), None);
        assert_eq!(map.get(ContainerIndex::new(2)).map(|key| key.half), Some(KeyHalf::Signature));
        assert_eq!(map.to_bytes()[1..13], FREE);
    }

    #[test]
    fn broken_maps_are_refused_and_strange_keys_named() {
        assert_eq!(Keymap::parse(&[3]), Err(TableError::Version(3)));
        assert_eq!(Keymap::parse(&[1, 1]), Err(TableError::Length(2)));
        let map = Keymap::parse(&[1, 1, 0, 0, 0, 0x0A, 0x9C, 0x81, 0xB0, 0xFF, 0xFF, 0, 0]).expect("map");
        assert_eq!(map.get(ContainerIndex::new(0)).map(|key| key.algorithm), Some(None));
    }
}
