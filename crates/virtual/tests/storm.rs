//! Any bytes, in any order, to PIV cards and to cards with both applications: an answer, no panic, and a
//! state that can be loaded; images and states cut at every byte.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_types::Pin;
use cardmod_virtual::{Card, CardFault, GidsProfile, ImageError, PivFlavour, PivProfile, Store, StoreError};
use common::memory::Memory;
use common::piv::{SELECT, VERIFY, cryptogram};
use common::{hex, unhex};
use proptest::prelude::*;

/// Which card, and how far it is.
#[derive(Debug, Clone, Copy)]
struct Setting {
    flavour: PivFlavour,
    dual: bool,
    pin: bool,
    administrator: bool,
}

fn setting() -> impl Strategy<Value = Setting> {
    let flavour = prop_oneof![Just(PivFlavour::Standard), Just(PivFlavour::YubiKey)];
    (flavour, any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(flavour, dual, pin, administrator)| Setting { flavour, dual, pin, administrator })
}

/// Headers that lead somewhere, in one piece and in parts.
fn header() -> impl Strategy<Value = [u8; 4]> {
    let known = prop::sample::select(vec![
        "00A40400", "00A4000C", "00CB3FFF", "10CB3FFF", "00DB3FFF", "10DB3FFF", "00200080", "00200000",
        "0020FF80", "00200081", "00240080", "00240081", "00240000", "002C0080", "0087039B", "00870A9B",
        "0087119A", "1087119A", "0087119C", "0087119D", "0087149D", "0087079A", "1087079A", "0087E09A",
        "0087E19D", "0047009A", "1047009A", "0047009C", "00470082", "00F7009A", "00F7009B", "00F70080",
        "00F70081", "00F80000", "00F99A00", "00F6829A", "00F6FF9A", "00FA0303", "00FB0000", "00FD0000",
        "00FE119D", "10FE119D", "00FE079A", "00FE1495", "00FFFFFF", "00FFFFFE", "00C00000", "00CBA010",
        "00DBA010", "002241B6",
    ]);
    prop_oneof![
        8 => known.prop_map(|text| unhex(text).try_into().unwrap()),
        1 => any::<[u8; 4]>(),
    ]
}

/// Data fields: known ones, known ones with a changed byte, anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "",
        "A000000308000010000100",
        "A000000308",
        "A00000039742544659",
        "5C017E",
        "5C027F61",
        "5C035FC102",
        "5C035FC105",
        "5C035FC109",
        "5C035FFF10",
        "5C035FC1055300",
        "5C035FC105530570 01AAFE00",
        "5C035FC10953028800",
        "5C035FFF105301BB",
        "7F6103020100",
        "313233343536FFFF",
        "393939393939FFFF",
        "313233343536FFFF373737373737FFFF",
        "3132333435363738373737373737FFFF",
        "7C028000",
        "7C028100",
        "7C0A82080011223344556677",
        "7C14800800112233445566778108 0102030405060708",
        "7C2482008120AF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF",
        "7C820106820081820100",
        "7C228200 8520700C48F77F56585C5CC632CA65640DB91B6BACCE3A4DF6B42CE7CC838833D287",
        "AC03800111",
        "AC03800114",
        "AC098001 11AA0103AB0101",
        "AC0380 01E0",
        "06207D7DC5F71EB29DDAF80D6214632EEAE03D9058AF1FB6D22ED80BADB62BC1A534",
        "0720000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F AA0101",
        "039B18010203040506070801020304050607080102030405060708",
        "0A9B18000102030405060708090A0B0C0D0E0F1011121314151617",
        "0C9B20",
        "0101 020102030104",
    ]);
    let known = known.prop_map(unhex);
    prop_oneof![
        4 => known.clone(),
        2 => (known, any::<prop::sample::Index>(), any::<u8>()).prop_map(|(mut data, index, value)| {
            if !data.is_empty() {
                let index = index.index(data.len());
                data[index] = value;
            }
            data
        }),
        1 => prop::collection::vec(any::<u8>(), 0..255),
    ]
}

fn command() -> impl Strategy<Value = Vec<u8>> {
    let built =
        (header(), body(), any::<Option<u8>>(), any::<bool>()).prop_map(|(header, data, le, extended)| {
            let mut apdu = header.to_vec();
            if extended {
                apdu.push(0);
                if !data.is_empty() {
                    apdu.extend((data.len() as u16).to_be_bytes());
                    apdu.extend(&data);
                }
                apdu.extend(le.map(|le| [0, le]).into_iter().flatten());
            } else {
                if !data.is_empty() {
                    apdu.push(data.len() as u8);
                    apdu.extend(&data);
                }
                apdu.extend(le);
            }
            apdu
        });
    prop_oneof![12 => built, 1 => prop::collection::vec(any::<u8>(), 0..20)]
}

fn send(card: &mut Card, memory: &mut Memory, command: &str) -> String {
    hex(&card.process(memory, &unhex(command)).unwrap())
}

fn card(setting: Setting, memory: &mut Memory) -> Card {
    let piv = PivProfile {
        global_pin: setting.dual.then(|| Pin::from("24681357")),
        ..common::piv::profile(setting.flavour)
    };
    let gids: GidsProfile = common::profile();
    let mut card = if setting.dual { Card::dual(&gids, &piv) } else { Card::piv(&piv) }.unwrap();
    assert!(send(&mut card, memory, SELECT).ends_with("9000"));
    let challenge = send(&mut card, memory, "00 87 03 9B 04 7C 02 81 00 00");
    let response = hex(&cryptogram(&unhex(&challenge[8..24])));
    assert_eq!(send(&mut card, memory, &format!("00 87 03 9B 0C 7C 0A 82 08 {response}")), "9000");
    for slot in ["9A", "9C"] {
        assert!(send(&mut card, memory, &format!("00 47 00 {slot} 05 AC 03 80 01 11 00")).ends_with("9000"));
    }
    assert_eq!(send(&mut card, memory, "00 DB 3F FF 0C 5C 03 5F C1 05 53 05 70 01 11 FE 00"), "9000");
    if !setting.administrator {
        card.reset();
        send(&mut card, memory, SELECT);
    }
    if setting.pin {
        assert_eq!(send(&mut card, memory, VERIFY), "9000");
    }
    card
}

/// Making an RSA key takes seconds; those of curves are covered.
fn is_slow(command: &[u8]) -> bool {
    command.get(1) == Some(&0x47) && command.windows(3).any(|part| matches!(part, [0x80, 1, 5..=7 | 0x16]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn any_commands_get_answers(setting in setting(), commands in prop::collection::vec(command(), 1..60)) {
        let mut memory = Memory::default();
        let mut card = card(setting, &mut memory);
        for command in commands.iter().filter(|command| !is_slow(command)) {
            let response = card.process(&mut memory, command).unwrap();
            prop_assert!(response.len() >= 2, "{}", hex(command));
            let sw1 = response[response.len() - 2];
            prop_assert!(matches!(sw1, 0x61..=0x63 | 0x65..=0x6E | 0x90), "{}: {sw1:02X}", hex(command));
            prop_assert_ne!(sw1, 0x6F);
        }
        // Whatever happened: what was saved is what the card knows, and it can be loaded.
        let saved = memory.state.unwrap();
        prop_assert_eq!(&saved, &*card.persistent_state());
        let loaded = Card::load(&saved).unwrap();
        prop_assert_eq!(&saved, &*loaded.persistent_state());
    }

    /// Nobody becomes somebody else: without a right PIN or management key nothing that is behind them is
    /// written or given out, whatever comes.
    #[test]
    fn what_is_behind_a_proof_stays_there(
        flavour in prop_oneof![Just(PivFlavour::Standard), Just(PivFlavour::YubiKey)],
        commands in prop::collection::vec(command(), 1..60),
    ) {
        let mut memory = Memory::default();
        let setting = Setting { flavour, dual: false, pin: false, administrator: false };
        let mut card = card(setting, &mut memory);
        // Only tries may go: the right PIN and PUK are taken out of what is sent.
        let shows = |command: &[u8], secret: &[u8]| command.windows(secret.len()).any(|part| part == secret);
        let harmless = |command: &&Vec<u8>| !shows(command, b"123456") && !is_slow(command);
        for command in commands.iter().filter(harmless) {
            let response = card.process(&mut memory, command).unwrap();
            let ins = command.get(1).copied().unwrap_or_default();
            let good = response.ends_with(&[0x90, 0x00]) || response[response.len() - 2] == 0x61;
            let chained = command.first().is_some_and(|class| class & 0x10 != 0);
            let writes = matches!(ins, 0xDB | 0x47 | 0xF6 | 0xFA | 0xFE | 0xFF);
            prop_assert!(!(good && writes && !chained), "{}: {}", hex(command), hex(&response));
        }
        let mut fresh = Card::load(&card.persistent_state()).unwrap();
        send(&mut fresh, &mut memory, SELECT);
        if !commands.iter().any(|command| command.get(1) == Some(&0xFB)) {
            let certificate = send(&mut fresh, &mut memory, "00 CB 3F FF 05 5C 03 5F C1 05 00");
            prop_assert_eq!(certificate, "5305700111FE009000");
        }
    }

    #[test]
    fn any_state_is_loaded_or_refused(
        setting in setting(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        commands in prop::collection::vec(command(), 0..8),
    ) {
        let mut state = card(setting, &mut Memory::default()).persistent_state().to_vec();
        for (index, value) in changes {
            let index = index.index(state.len());
            state[index] = value;
        }
        if let Ok(mut card) = Card::load(&state) {
            let mut memory = Memory::default();
            for command in std::iter::once(&unhex(SELECT)).chain(&commands).filter(|command| !is_slow(command)) {
                // A key that was changed may be none: that is a fault, and no panic.
                if let Ok(response) = card.process(&mut memory, command) {
                    prop_assert!(response.len() >= 2);
                }
            }
        }
    }
}

#[test]
fn states_cut_at_every_byte_are_refused() {
    for dual in [false, true] {
        for flavour in common::piv::FLAVOURS {
            let setting = Setting { flavour, dual, pin: false, administrator: false };
            let state = card(setting, &mut Memory::default()).persistent_state().to_vec();
            Card::load(&state).unwrap();
            for len in 0..state.len() {
                assert!(Card::load(&state[..len]).is_err(), "{len} of {} bytes", state.len());
            }
            assert!(Card::load(&[&state[..], &[0]].concat()).is_err(), "a byte too many");
        }
    }
}

#[test]
fn images_cut_at_every_byte_are_refused_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    store.create_dual("test", &common::profile(), &common::piv::profile(PivFlavour::YubiKey)).unwrap();
    let path = dir.path().join("test/card.image");
    let whole = std::fs::read(&path).unwrap();
    for len in 0..whole.len() {
        std::fs::write(&path, &whole[..len]).unwrap();
        match store.open_card("test").map(drop) {
            Err(StoreError::Card(CardFault::Image {
                cause: ImageError::Truncated { found, .. }, ..
            })) => {
                assert_eq!(found, len as u64);
            }
            other => panic!("{len} bytes: {other:?}"),
        }
    }
    std::fs::write(&path, &whole).unwrap();
    store.open_card("test").unwrap();
}
