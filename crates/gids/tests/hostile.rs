//! Cards that answer anything: every operation ends, with a bounded number of commands and without panic.

use std::collections::VecDeque;

use cardmod_gids::{CardKey, FileTable, GidsState, KeyAlgorithm, KeyMaterial, Keymap, PinReference};
use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_types::{ContainerIndex, EcCurve, FileAccess, FilePath, KeyHalf, Pin};
use proptest::prelude::*;
use zeroize::Zeroizing;

/// Answers from a list, then fails.
struct Liar {
    answers: VecDeque<Vec<u8>>,
    commands: usize,
}

impl CardChannel for Liar {
    fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.commands += 1;
        self.answers.pop_front().map(Zeroizing::new).ok_or(TransportError { code: 0x8010_0069 })
    }
}

/// Answers with a chance of being taken seriously.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        6 => Just(vec![0x90, 0x00]),
        1 => Just(vec![0x6A, 0x88]),
        1 => Just(vec![0x6A, 0x82]),
        1 => Just(vec![0x6D, 0x00]),
        1 => Just(vec![0x61, 0x05]),
        1 => Just(vec![0x6C, 0x03]),
        1 => Just(vec![0x63, 0xC1]),
        1 => Just(vec![0x6A, 0x89]),
        1 => proptest::collection::vec(any::<u8>(), 0..3),
    ];
    let object = |tag: Vec<u8>| {
        proptest::collection::vec(any::<u8>(), 0..60)
            .prop_map(move |value| [&tag[..], &[u8::try_from(value.len()).unwrap_or(0)], &value].concat())
    };
    let table = proptest::collection::vec(any::<u8>(), 28).prop_map(|mut record| {
        record[..9].copy_from_slice(b"mscp\0\0\0\0\0");
        record[9..18].copy_from_slice(b"kxc00\0\0\0\0");
        [&[0xDF, 0x1F, 29, 1][..], &record].concat()
    });
    let keymap = any::<[u8; 2]>().prop_map(|[algorithm, usage]| {
        vec![0xDF, 0x20, 13, 1, 1, 0, 0, 0, algorithm & 0x0F, usage | 0x9A, 0x81, 0xB0, 0xFF, 0xFF, 0, 0]
    });
    let data = prop_oneof![
        3 => Just(vec![]),
        2 => object(vec![0xDF, 0x1F]),
        2 => object(vec![0xDF, 0x20]),
        2 => object(vec![0xDF, 0x22]),
        2 => table,
        2 => keymap,
        1 => object(vec![0x7F, 0x49]),
        1 => object(vec![0x7C]),
        1 => proptest::collection::vec(any::<u8>(), 0..80),
    ];
    (data, status).prop_map(|(data, status)| [data, status].concat())
}

fn operate(state: &mut GidsState, card: &mut Liar, operation: u8) {
    let zero = ContainerIndex::new(0);
    let path = FilePath::certificate(KeyHalf::KeyExchange, zero);
    let rsa = CardKey { reference: 0x81, algorithm: KeyAlgorithm::Rsa1024 };
    let ec = CardKey { reference: 0x82, algorithm: KeyAlgorithm::ec(EcCurve::P256) };
    let pin = Pin::new(b"123456".to_vec());
    let mut gids = state.on(card);
    let _ = match operation {
        0 => gids.select().map(drop),
        1 => gids.card_id().map(drop),
        2 => gids.certificates().map(drop),
        3 => gids.container_key(zero).map(drop),
        4 => gids.verify_pin(PinReference::User, &pin),
        5 => gids.pin_state(PinReference::User).map(drop),
        6 => gids.sign_pkcs1(rsa, &[7; 51]).map(drop),
        7 => gids.sign_raw(rsa, &[1; 128]).map(drop),
        8 => gids.sign_ecdsa(ec, &[1; 32]).map(drop),
        9 => gids.create_file(&path, FileAccess::EveryoneReadUserWrite),
        10 => gids.write_file(&path, &[1; 700]),
        11 => gids.delete_file(&path),
        12 => gids.create_key(zero, KeyHalf::KeyExchange, KeyMaterial::Generate(rsa.algorithm)).map(drop),
        13 => gids.delete_key(zero),
        14 => gids.external_challenge().and_then(|c| gids.authenticate_admin(c.as_bytes())),
        15 => gids.change_pin(&pin, &pin),
        16 => gids.read_file(&FilePath::cmapfile()).map(drop),
        _ => gids.deauthenticate(),
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_operation_ends(
        answers in proptest::collection::vec(answer(), 0..60),
        steps in proptest::collection::vec((0_u8..18, 0_u8..4), 1..12),
    ) {
        let mut card = Liar { answers: answers.into(), commands: 0 };
        let mut state = GidsState::new();
        for (operation, event) in steps {
            let before = card.commands;
            operate(&mut state, &mut card, operation);
            prop_assert!(card.commands - before <= 80, "operation {}: {}", operation, card.commands - before);
            match event {
                0 => state.doubt(),
                1 => state.interrupted(),
                _ => {}
            }
        }
    }

    #[test]
    fn tables_and_maps_that_are_read_are_written_back_unchanged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = bytes;
        if let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        if let Ok(table) = FileTable::parse(&bytes) {
            let written = table.to_bytes();
            prop_assert!(written == bytes || bytes.is_empty());
            prop_assert!(table.files().count() <= bytes.len() / 28);
        }
        if let Ok(map) = Keymap::parse(&bytes) {
            prop_assert!(map.to_bytes() == bytes || bytes.is_empty());
        }
    }
}
