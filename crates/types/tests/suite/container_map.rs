//! The container map: known records, damage, and that untouched records stay as they are.

use cardmod_types::{
    ContainerIndex, ContainerMap, ContainerMapError, ContainerName, ContainerNameError, ContainerRecord,
    KeyHalf, RecordState,
};
use proptest::prelude::*;

const NAME: &str = "tq-00eb5be7-d2bd-48f8-9211-b0faddbf2788";

fn index(n: u8) -> ContainerIndex {
    ContainerIndex::new(n)
}

fn record(name: &str) -> ContainerRecord {
    ContainerRecord::new(name.parse().unwrap())
}

/// A record as it is on a card: name in UTF-16LE, terminator, flags, sizes.
fn raw(name: &str, flags: u8, signature: u16, key_exchange: u16) -> Vec<u8> {
    let mut bytes: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    bytes.resize(80, 0);
    bytes.extend([flags, 0]);
    bytes.extend(signature.to_le_bytes());
    bytes.extend(key_exchange.to_le_bytes());
    bytes
}

#[test]
fn a_record_written_by_windows_is_read_and_written_the_same() {
    let file = raw(NAME, 3, 0, 2048);
    let map = ContainerMap::parse(&file).unwrap();
    let found = map.get(index(0)).unwrap();
    assert_eq!(found.name.as_str(), NAME);
    assert_eq!((found.default, found.signature_bits, found.key_exchange_bits), (true, 0, 2048));
    assert_eq!(found.bits(KeyHalf::KeyExchange), 2048);
    assert_eq!(map.find(NAME), Some(index(0)));

    let mut made = ContainerMap::new();
    let mut new = record(NAME);
    new.default = true;
    new.set_bits(KeyHalf::KeyExchange, 2048);
    made.set(index(0), Some(new)).unwrap();
    assert_eq!(made.to_bytes(), file);
    assert_eq!(made, map);
}

#[test]
fn names_follow_the_rules() {
    assert_eq!(ContainerName::parse(""), Err(ContainerNameError::Empty));
    assert!(ContainerName::parse(&"x".repeat(39)).is_ok());
    assert_eq!(ContainerName::parse(&"x".repeat(40)), Err(ContainerNameError::TooLong));
    // 20 characters beyond the basic plane are 40 units.
    assert_eq!(ContainerName::parse(&"\u{1F511}".repeat(20)), Err(ContainerNameError::TooLong));
    assert!(ContainerName::parse(&"\u{1F511}".repeat(19)).is_ok());
    for bad in ["a\\b", "a\0b"] {
        assert_eq!(ContainerName::parse(bad), Err(ContainerNameError::Character));
    }
}

#[test]
fn validity_is_the_bit_and_not_the_name() {
    let file = [raw("left over", 0, 1024, 0), raw("left over too", 2, 0, 0)].concat();
    let map = ContainerMap::parse(&file).unwrap();
    assert_eq!(map.iter().count(), 0);
    assert_eq!(map.state(index(0)), RecordState::Vacant);
    assert_eq!(map.state(index(2)), RecordState::Absent);
    assert_eq!(map.free_index(), Some(index(0)));
    assert_eq!(map.default_container(), None);
    assert_eq!(map.to_bytes(), file);
}

#[test]
fn damaged_records_are_reported_and_kept() {
    let mut unterminated = raw("", 1, 0, 0);
    unterminated[..80].fill(b'a');
    let mut lone_surrogate = raw("xy", 1, 0, 0);
    lone_surrogate[..2].copy_from_slice(&[0x00, 0xD8]);
    let file = [raw("", 1, 0, 0), unterminated, lone_surrogate, raw("a\\b", 1, 0, 0), raw("good", 1, 0, 0)];
    let mut map = ContainerMap::parse(&file.concat()).unwrap();
    let causes: Vec<_> = map.damaged().collect();
    assert_eq!(
        causes,
        [
            (index(0), ContainerNameError::Empty),
            (index(1), ContainerNameError::TooLong),
            (index(2), ContainerNameError::NotText),
            (index(3), ContainerNameError::Character),
        ]
    );
    assert_eq!(map.find("good"), Some(index(4)));
    assert_eq!(map.free_index(), Some(index(5)));
    let refused = map.set(index(1), Some(record("new"))).unwrap_err();
    assert_eq!(refused, ContainerMapError::Damaged { index: index(1), cause: ContainerNameError::TooLong });
    assert_eq!(
        map.set(index(0), None).unwrap_err().to_string(),
        "container map record 0 is damaged (container name is empty)"
    );
    assert_eq!(map.to_bytes(), file.concat());

    assert!(map.discard_damaged(index(1)));
    assert!(!map.discard_damaged(index(1)), "only once");
    assert!(!map.discard_damaged(index(4)), "a good record stays");
    map.set(index(1), Some(record("new"))).unwrap();
    assert_eq!(map.find("new"), Some(index(1)));
}

#[test]
fn first_valid_duplicate_wins_and_trailing_bytes_mean_nothing() {
    let mut file = [raw("gone", 0, 0, 0), raw("twin", 1, 1, 0), raw("twin", 3, 2, 0)].concat();
    file.extend([0xEE; 85]);
    let map = ContainerMap::parse(&file).unwrap();
    assert_eq!(map.find("twin"), Some(index(1)));
    assert_eq!(map.find("Twin"), None);
    assert_eq!(map.default_container(), Some(index(2)));
    assert_eq!(map.to_bytes(), file[..3 * 86]);
    assert_eq!(map.len(), 3);
}

#[test]
fn slots_are_reused_from_the_lowest_and_never_moved() {
    let mut map = ContainerMap::new();
    assert!(map.is_empty());
    for name in ["a", "b", "c"] {
        let free = map.free_index().unwrap();
        map.set(free, Some(record(name))).unwrap();
    }
    map.set(index(1), None).unwrap();
    map.set(index(9), None).unwrap();
    assert_eq!(map.len(), 3, "vacating what is not there makes nothing");
    assert_eq!(map.to_bytes()[86..172], [0; 86]);
    assert_eq!(map.free_index(), Some(index(1)));
    assert_eq!(map.find("c"), Some(index(2)));
    map.set(index(5), Some(record("f"))).unwrap();
    assert_eq!(map.len(), 6);
    assert_eq!(map.state(index(4)), RecordState::Vacant);
}

#[test]
fn one_container_is_the_default() {
    let mut map = ContainerMap::new();
    for n in 0..3 {
        let mut new = record(&format!("c{n}"));
        new.default = true;
        map.set(index(n), Some(new)).unwrap();
        assert_eq!(map.default_container(), Some(index(n)));
    }
    map.set_default(index(1)).unwrap();
    assert_eq!(map.iter().filter(|(_, record)| record.default).count(), 1);
    assert_eq!(map.default_container(), Some(index(1)));
    assert_eq!(ContainerMap::parse(&map.to_bytes()).unwrap(), map);
    assert_eq!(map.set_default(index(7)), Err(ContainerMapError::NoSuchContainer(index(7))));
}

#[test]
fn all_256_indexes_can_be_used_and_no_more() {
    let mut map = ContainerMap::new();
    for n in 0..=255 {
        assert_eq!(map.free_index(), Some(index(n)));
        map.set(index(n), Some(record("x"))).unwrap();
    }
    assert_eq!(map.free_index(), None);
    assert_eq!(ContainerMap::parse(&map.to_bytes()).unwrap(), map);
    assert_eq!(ContainerMap::parse(&vec![0; 257 * 86]), Err(ContainerMapError::TooManyRecords(257)));
    assert_eq!(ContainerMap::parse(b"abc"), Err(ContainerMapError::TooShort(3)));
    assert!(ContainerMap::parse(&[0; 85]).unwrap().is_empty());
}

proptest! {
    #[test]
    fn any_file_is_kept_byte_for_byte(file in prop::collection::vec(any::<u8>(), 0..1000)) {
        let map = match ContainerMap::parse(&file) {
            Err(refused) => {
                prop_assert_eq!(refused, ContainerMapError::TooShort(file.len()));
                prop_assert!(file.len() < 86 && file.iter().any(|byte| *byte != 0));
                return Ok(());
            }
            Ok(map) => map,
        };
        prop_assert!(file.len() >= 86 || file.iter().all(|byte| *byte == 0));
        let whole = file.len() / 86 * 86;
        prop_assert_eq!(map.to_bytes(), &file[..whole]);
        prop_assert_eq!(map.len(), whole / 86);
    }

    #[test]
    fn a_change_touches_its_own_record_only(
        file in prop::collection::vec(any::<u8>(), 86 * 4),
        at in 0u8..4,
        name in "[a-zA-Z0-9äß€-]{1,39}",
        bits in any::<u16>(),
    ) {
        let mut map = ContainerMap::parse(&file).unwrap();
        let mut new = record(&name);
        new.set_bits(KeyHalf::Signature, bits);
        let start = usize::from(at) * 86;
        match map.set(index(at), Some(new.clone())) {
            Ok(()) => prop_assert_eq!(map.get(index(at)), Some(&new)),
            Err(_) => prop_assert_eq!(&map.to_bytes()[start..start + 86], &file[start..start + 86]),
        }
        let bytes = map.to_bytes();
        prop_assert_eq!(&bytes[..start], &file[..start]);
        prop_assert_eq!(&bytes[start + 86..], &file[start + 86..]);
        prop_assert_eq!(ContainerMap::parse(&bytes).unwrap(), map);
    }
}
