//! Any bytes, in any order: an answer, no panic; and the documentation page of the commands.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use cardmod_virtual::{Behaviour, Card, CardOptions};
use common::memory::Memory;
use common::unhex;
use proptest::prelude::*;

/// Commands that make sense often enough to reach the depths, with anything in their data.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let header = prop_oneof![
        Just([0x00, 0xA4, 0x04, 0x00]),
        Just([0x00, 0xA4, 0x00, 0x04]),
        Just([0x00, 0xCB, 0x3F, 0xFF]),
        Just([0x00, 0xCB, 0xA0, 0x10]),
        Just([0x00, 0xDB, 0xA0, 0x10]),
        Just([0x10, 0xDB, 0xA0, 0x10]),
        Just([0x00, 0xDB, 0x3F, 0xFF]),
        Just([0x00, 0xDB, 0x00, 0x00]),
        Just([0x00, 0xE0, 0x00, 0x00]),
        Just([0x00, 0x44, 0x00, 0x00]),
        Just([0x00, 0xE4, 0x00, 0x00]),
        Just([0x00, 0x20, 0x00, 0x80]),
        Just([0x00, 0x24, 0x00, 0x80]),
        Just([0x00, 0x24, 0x01, 0x81]),
        Just([0x00, 0x2C, 0x00, 0x80]),
        Just([0x00, 0x22, 0x41, 0xB6]),
        Just([0x00, 0x22, 0x41, 0xB8]),
        Just([0x00, 0x22, 0x81, 0xA4]),
        Just([0x00, 0x2A, 0x9E, 0x9A]),
        Just([0x00, 0x2A, 0x80, 0x86]),
        Just([0x00, 0x87, 0x00, 0x00]),
        Just([0x00, 0xC0, 0x00, 0x00]),
        any::<[u8; 4]>(),
    ];
    (header, body(), any::<Option<u8>>()).prop_map(|(header, data, le)| {
        let mut apdu = header.to_vec();
        if !data.is_empty() {
            apdu.push(data.len() as u8);
            apdu.extend(data);
        }
        apdu.extend(le);
        apdu
    })
}

/// Data fields: known ones, known ones with a changed byte, anything.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        "",
        "A00000039742544659",
        "3FFF",
        "A010",
        "B081",
        "5C00",
        "5C015C",
        "5C02DF1F",
        "5C027F71",
        "3132333435363738",
        "31323334353637383939393939",
        "DF2500",
        "DF2503010203",
        "DF3003010203DF3100",
        "620C8201398302A0208C03033000",
        "62268201188302B0818C058F10101000A516B80980010C830181950140B60980011C830181950140",
        "80011C840181",
        "80010C840181",
        "830180",
        "7C028100",
        "7C128110101112131415161718191A1B1C1D1E1F",
        "7C0A82080011223344556677",
        "7008840181A5037F4980",
        "7005840181A500",
        "70248401 80A51F8718010203040506070801020304050607080102030405060708 8803B073DC",
        "701C840181A517830103870 2300087 0E0102030405060708090A0B0C0D0E",
    ]);
    let known = known.prop_map(|text| {
        let text: String = text.split_whitespace().collect();
        unhex(&text[..text.len() / 2 * 2])
    });
    prop_oneof![
        3 => known.clone(),
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

fn card(operational: bool, behaviour: Behaviour, memory: &mut Memory) -> Card {
    let mut card = Card::blank(CardOptions { behaviour, ..CardOptions::default() }, false);
    let mut script = vec![
        "00A4040C09A00000039742544659",
        "00240180083132333435363738",
        "00E000000E620C8201398302A0108C03033000",
        "00440000",
        "00E000002862268201188302B0818C058F10101000A516B80980010C830181950140B60980011C830181950140",
        "00440000",
        "0047000008AC0680010C830181",
        "00E000001C621A8201188302B0808C04870020FFA50BA409800102830180 9501C0",
        "00440000",
    ];
    if operational {
        script.extend(["00A4000C023FFF", "00440000"]);
    }
    for command in script {
        card.process(memory, &unhex(command)).unwrap();
    }
    card
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_commands_get_answers(
        commands in prop::collection::vec(prop_oneof![8 => command(), 1 => prop::collection::vec(any::<u8>(), 0..20)], 1..60),
        operational: bool,
        applet: bool,
    ) {
        let behaviour = if applet { Behaviour::Applet } else { Behaviour::Specification };
        let mut memory = Memory::default();
        let mut card = card(operational, behaviour, &mut memory);
        for command in &commands {
            // Four RSA sizes take seconds to generate; curves are covered.
            let slow = command.get(1) == Some(&0x47);
            if !slow {
                let response = card.process(&mut memory, command).unwrap();
                prop_assert!(response.len() >= 2);
                let sw1 = response[response.len() - 2];
                prop_assert!(matches!(sw1, 0x61 | 0x62 | 0x63 | 0x65..=0x6E | 0x90), "{:02X}", sw1);
            }
        }
        // Whatever happened: what was saved is what the card knows, and it can be loaded.
        let saved = memory.state.unwrap();
        prop_assert_eq!(&saved, &*card.persistent_state());
        let loaded = Card::load(&saved).unwrap();
        prop_assert_eq!(&saved, &*loaded.persistent_state());
    }

    #[test]
    fn any_state_is_loaded_or_refused(mut state in Just(()).prop_map(|()| {
        card(true, Behaviour::Specification, &mut Memory::default()).persistent_state().to_vec()
    }), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), cut: prop::sample::Index) {
        for (index, value) in changes {
            let index = index.index(state.len());
            state[index] = value;
        }
        let _ = Card::load(&state).map(|mut card| {
            card.process(&mut Memory::default(), &unhex("00A4040009A0000003974254465900")).unwrap()
        });
        prop_assert!(Card::load(&state[..cut.index(state.len())]).is_err());
    }
}

/// `COMMANDS.md` is the table the card works with. After a change of the table, run this test with
/// `CARDMOD_UPDATE=1`.
#[test]
fn the_command_page_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/COMMANDS.md");
    let page = cardmod_virtual::command_page();
    if std::env::var_os("CARDMOD_UPDATE").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), page);
}
