//! The virtual PIV card against power cuts, full disks and any bytes in any order.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use std::io;

use cardmod_virtual::{Card, CardFault, PivFlavour, Random, Storage};
use common::piv::{FLAVOURS, SELECT, VERIFY, WITNESS, cryptogram, profile};
use common::{hex, unhex};
use proptest::prelude::*;

/// Storage that keeps what it was given and breaks after some saves, as a full disk or a pulled plug does;
/// counting randomness.
#[derive(Default)]
struct Plug {
    state: Vec<u8>,
    saves: usize,
    breaks_after: Option<usize>,
    count: u8,
}

impl Storage for Plug {
    fn save(&mut self, state: &[u8]) -> Result<(), CardFault> {
        if self.breaks_after == Some(self.saves) {
            let cause = io::Error::other("the plug is out");
            return Err(CardFault::NotSaved { path: "memory".into(), cause });
        }
        self.saves += 1;
        self.state = state.to_vec();
        Ok(())
    }
}

impl Random for Plug {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        for byte in out {
            self.count = self.count.wrapping_add(1);
            *byte = self.count;
        }
        Ok(())
    }
}

fn send(card: &mut Card, plug: &mut Plug, command: &str) -> String {
    hex(&card.process(plug, &unhex(command)).unwrap())
}

/// A selected card whose administrator is known.
fn administrated(flavour: PivFlavour) -> (Card, Plug) {
    let mut card = Card::piv(&profile(flavour)).unwrap();
    let mut plug = Plug { state: card.persistent_state().to_vec(), ..Plug::default() };
    send(&mut card, &mut plug, SELECT);
    let challenge = send(&mut card, &mut plug, "00 87 03 9B 04 7C 02 81 00 00");
    let response = hex(&cryptogram(&unhex(&challenge[8..24])));
    assert_eq!(send(&mut card, &mut plug, &format!("00 87 03 9B 0C 7C 0A 82 08 {response}")), "9000");
    (card, plug)
}

/// Every command that changes the card, cut off at every save: the card has the old state or the new one,
/// in memory as on the disk, and a try is lost at most, never gained.
#[test]
fn a_power_cut_leaves_the_old_state_or_the_new_one() {
    let commands = [
        "00 20 00 80 08 31 32 33 34 35 36 FF FF",
        "00 20 00 80 08 31 32 33 34 35 37 FF FF",
        "00 24 00 80 10 31 32 33 34 35 36 FF FF 36 35 34 33 32 31 FF FF",
        "00 24 00 81 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 37 38",
        "00 2C 00 80 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 FF FF",
        "00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00",
        "00 DB 3F FF 07 5C 03 5F C1 02 53 00",
        "00 47 00 9D 05 AC 03 80 01 11 00",
        "00 FE 11 9A 22 06 20 7D 7D C5 F7 1E B2 9D DA F8 0D 62 14 63 2E EA E0 3D 90 58 AF 1F B6 D2 2E D8 0B AD B6 2B C1 A5 34",
        "00 F6 82 9C",
        "00 F6 FF 9C",
        "00 FF FF FF 1B 0A 9B 18 08 07 06 05 04 03 02 01 08 07 06 05 04 03 02 01 08 07 06 05 04 03 02 01",
        "00 FA 05 05",
    ];
    for command in commands {
        let needs_pin = command.starts_with("00 FA");
        let mut longest = 0;
        for cut in 0..4 {
            let (mut card, mut plug) = administrated(PivFlavour::YubiKey);
            send(&mut card, &mut plug, "00 47 00 9C 05 AC 03 80 01 11 00");
            if needs_pin {
                send(&mut card, &mut plug, VERIFY);
            }
            let tries = |card: &mut Card, plug: &mut Plug| {
                card.reset();
                send(card, plug, SELECT);
                let of = |answer: String| u8::from_str_radix(&answer[answer.len() - 6..answer.len() - 4], 16);
                let pin = of(send(card, plug, "00 F7 00 80 00")).unwrap();
                (pin, of(send(card, plug, "00 F7 00 81 00")).unwrap())
            };
            let before = plug.state.clone();
            plug.breaks_after = Some(plug.saves + cut);
            let answer = card.process(&mut plug, &unhex(command));
            longest = longest.max(if answer.is_ok() { cut } else { 0 });
            assert_eq!(*card.persistent_state(), plug.state, "{command}, cut {cut}");
            if answer.is_err() && cut == 0 {
                assert_eq!(plug.state, before, "{command}");
            }
            plug.breaks_after = None;
            let mut again = Card::load(&plug.state).unwrap();
            let (pin, puk) = tries(&mut again, &mut plug);
            if !needs_pin {
                assert!((2..=3).contains(&pin) && (2..=3).contains(&puk), "{command}: {pin} {puk}");
                assert!(pin + puk >= 5, "{command}: {pin} {puk}");
            }
        }
        assert!((1..=3).contains(&longest), "{command} saves {longest} times");
    }
}

/// The lost try is stored before the comparison, for the right value as for a wrong one.
#[test]
fn the_try_is_lost_before_the_comparison() {
    for (command, reference) in [
        ("00 20 00 80 08 31 32 33 34 35 36 FF FF", "80"),
        ("00 20 00 80 08 31 32 33 34 35 37 FF FF", "80"),
        ("00 2C 00 80 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 FF FF", "81"),
    ] {
        let (mut card, mut plug) = administrated(PivFlavour::YubiKey);
        plug.breaks_after = Some(plug.saves + 1);
        let right = card.process(&mut plug, &unhex(command)).is_err();
        assert_eq!(right, !command.contains("35 37"), "the right one saves twice");
        plug.breaks_after = None;
        let mut card = Card::load(&plug.state).unwrap();
        send(&mut card, &mut plug, SELECT);
        let metadata = send(&mut card, &mut plug, &format!("00 F7 00 {reference} 00"));
        assert!(metadata.ends_with("060203029000"), "{metadata}");
    }
}

/// A reset that cannot be stored leaves the blocked card with all its keys.
#[test]
fn a_reset_is_whole_or_none() {
    let (mut card, mut plug) = administrated(PivFlavour::YubiKey);
    send(&mut card, &mut plug, "00 47 00 9A 05 AC 03 80 01 11 00");
    for _ in 0..3 {
        send(&mut card, &mut plug, "00 20 00 80 08 FF FF FF FF FF FF FF FF");
        send(&mut card, &mut plug, "00 2C 00 80 10 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF");
    }
    let before = plug.state.clone();
    plug.breaks_after = Some(plug.saves);
    let fault = card.process(&mut plug, &unhex("00 FB 00 00")).unwrap_err();
    assert!(matches!(fault, CardFault::NotSaved { .. }), "{fault}");
    assert_eq!((&plug.state, &*card.persistent_state()), (&before, &before));
    assert!(send(&mut card, &mut plug, "00 F7 00 9A 00").ends_with("9000"));
    plug.breaks_after = None;
    assert_eq!(send(&mut card, &mut plug, "00 FB 00 00"), "9000");
    assert_eq!(send(&mut card, &mut plug, "00 F7 00 9A 00"), "6A88");
    let mut again = Card::load(&plug.state).unwrap();
    send(&mut again, &mut plug, SELECT);
    assert_eq!(send(&mut again, &mut plug, VERIFY), "9000");
}

/// What the host failed at is no status word, and the card goes on afterwards.
#[test]
fn a_full_disk_is_no_refusal() {
    let (mut card, mut plug) = administrated(PivFlavour::Standard);
    plug.breaks_after = Some(plug.saves);
    for command in [VERIFY, "00 47 00 9A 05 AC 03 80 01 11 00", "00 DB 3F FF 07 5C 03 5F C1 02 53 00"] {
        let fault = card.process(&mut plug, &unhex(command)).unwrap_err();
        assert!(matches!(fault, CardFault::NotSaved { .. }), "{command}: {fault}");
    }
    assert_eq!(send(&mut card, &mut plug, "00 20 00 80"), "63C3", "nothing was compared");
    plug.breaks_after = None;
    assert_eq!(send(&mut card, &mut plug, VERIFY), "9000");
}

/// Memory that is used up answers 6A84, and nothing is half there.
#[test]
fn capacity() {
    for flavour in FLAVOURS {
        let mut small = profile(flavour);
        small.options.capacity = 4096;
        let mut card = Card::piv(&small).unwrap();
        let mut plug = Plug::default();
        send(&mut card, &mut plug, SELECT);
        let challenge = send(&mut card, &mut plug, "00 87 03 9B 04 7C 02 81 00 00");
        let response = hex(&cryptogram(&unhex(&challenge[8..24])));
        send(&mut card, &mut plug, &format!("00 87 03 9B 0C 7C 0A 82 08 {response}"));
        let mut put = |tag: &str, len: usize| {
            let data = format!("5C 03 {tag} 53 82 {len:04X} {}", "A5".repeat(len));
            let data = unhex(&data);
            let apdu = format!("00 DB 3F FF 00 {:04X} {}", data.len(), hex(&data));
            send(&mut card, &mut plug, &apdu)
        };
        assert_eq!(put("5F C1 05", 3053), "6A84", "no object is so large");
        assert_eq!(put("5F C1 05", 3052), "9000");
        assert_eq!(put("5F C1 0A", 1000), "6A84", "the card is full");
        assert_eq!(put("5F C1 05", 3000), "9000", "smaller is always possible");
        assert_eq!(put("5F C1 05", 100), "9000");
        assert_eq!(put("5F C1 0A", 1000), "9000");
    }
}

/// Commands that make sense often enough to reach the depths, with anything in their data.
fn command() -> impl Strategy<Value = Vec<u8>> {
    let known: Vec<[u8; 4]> = [
        0x00CB_3FFF,
        0x00DB_3FFF,
        0x10DB_3FFF,
        0x0020_0080,
        0x0020_FF80,
        0x0024_0080,
        0x0024_0081,
        0x002C_0080,
        0x0087_119A,
        0x1087_119A,
        0x0087_119C,
        0x1087_119C,
        0x0087_149D,
        0x0087_E09E,
        0x0087_E182,
        0x0087_039B,
        0x00FE_119A,
        0x00FE_E09E,
        0x00FE_E182,
        0x00FE_0795,
        0x00F7_0080,
        0x00F7_009A,
        0x00F7_009B,
        0x00F9_9A00,
        0x00F6_829A,
        0x00F6_FF9D,
        0x00FA_0303,
        0x00FB_0000,
        0x00FF_FFFF,
        0x00C0_0000,
        0x00A4_0400,
    ]
    .map(u32::to_be_bytes)
    .to_vec();
    let header = prop_oneof![9 => prop::sample::select(known), 1 => any::<[u8; 4]>()];
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
    let hash = "5A".repeat(32);
    let point = "04700C48F77F56584C5CC632CA65640DB91B6BACCE3A4DF6B42CE7CC838833D287DB71E509E3FD9B060DDB20BA5C51DCC5948D46FBF640DFE0441782CAB85FA4AC";
    let known: Vec<String> = [
        "",
        "A000000308",
        "5C035FC102",
        "5C035FC109",
        "5C017E",
        "5C035FC10C5302FE00",
        "5C035FC1055300",
        "5C035FFF015300",
        "7F6103020100",
        "313233343536FFFF",
        "313233343537FFFF",
        "313233343536FFFF363534333231FFFF",
        "3132333435363738363534333231FFFF",
        "7C028100",
        "7C028000",
        "7C0A820877A7D6BCF57962B9",
        "7C148008010203040506070881080102030405060708",
        "7C0482008100",
        "7C22820081",
        "AC03800111",
        "AC098001 14AA0101AB0101",
        "039B18010203040506070801020304050607080102030405060708",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        format!("7C2482008120{hash}"),
        format!("7C458200 8541{point}"),
        format!("7C2482008520{hash}"),
        format!("0620{hash}"),
        format!("0720{hash}AA0103"),
        format!("0820{hash}"),
    ])
    .collect();
    let known = prop::sample::select(known).prop_map(|text| {
        let text: String = text.split_whitespace().collect();
        unhex(&text[..text.len() / 2 * 2])
    });
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_commands_get_answers(
        commands in prop::collection::vec(prop_oneof![8 => command(), 1 => prop::collection::vec(any::<u8>(), 0..20)], 1..60),
        yubikey: bool,
    ) {
        let flavour = if yubikey { PivFlavour::YubiKey } else { PivFlavour::Standard };
        let (mut card, mut plug) = administrated(flavour);
        for slot in ["9A", "9C", "9D"] {
            let algorithm = if slot == "9D" { "14" } else { "11" };
            send(&mut card, &mut plug, &format!("00 47 00 {slot} 05 AC 03 80 01 {algorithm} 00"));
        }
        send(&mut card, &mut plug, VERIFY);
        for command in &commands {
            let response = card.process(&mut plug, command).unwrap();
            prop_assert!(response.len() >= 2);
            let sw1 = response[response.len() - 2];
            prop_assert!(matches!(sw1, 0x61 | 0x63 | 0x67..=0x6E | 0x90), "{:02X}", sw1);
        }
        // Whatever happened: what was saved is what the card knows, and it can be loaded.
        prop_assert_eq!(&plug.state, &*card.persistent_state());
        let loaded = Card::load(&plug.state).unwrap();
        prop_assert_eq!(&plug.state, &*loaded.persistent_state());
    }

    /// Nobody becomes the administrator without the key, whatever is said to reference 9B.
    #[test]
    fn nobody_guesses_the_management_key(
        bodies in prop::collection::vec(body(), 1..40),
        algorithm in prop::sample::select(vec![0x00u8, 0x03, 0x08, 0x0A]),
    ) {
        let mut card = Card::piv(&profile(PivFlavour::YubiKey)).unwrap();
        let mut plug = Plug { count: 0x77, ..Plug::default() };
        send(&mut card, &mut plug, SELECT);
        send(&mut card, &mut plug, WITNESS);
        for body in bodies.iter().filter(|body| !body.is_empty()) {
            let mut apdu = vec![0x00, 0x87, algorithm, 0x9B, body.len() as u8];
            apdu.extend(body);
            card.process(&mut plug, &apdu).unwrap();
            prop_assert_eq!(send(&mut card, &mut plug, "00 DB 3F FF 07 5C 03 5F C1 02 53 00"), "6982");
        }
    }

    #[test]
    fn any_state_is_loaded_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut: prop::sample::Index,
    ) {
        let (card, mut plug) = administrated(PivFlavour::YubiKey);
        let mut state = card.persistent_state().to_vec();
        for (index, value) in changes {
            let index = index.index(state.len());
            state[index] = value;
        }
        if let Ok(mut card) = Card::load(&state) {
            for command in [SELECT, VERIFY, "00 F9 9A 00 00", "00 F7 00 F9 00", "00 CB 3F FF 05 5C 03 5F C1 02 00"] {
                let _ = card.process(&mut plug, &unhex(command));
            }
        }
        prop_assert!(Card::load(&state[..cut.index(state.len())]).is_err());
    }
}
