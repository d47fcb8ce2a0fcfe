//! Who may do what on the virtual PIV card: every command in every state, as a table.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_virtual::PivFlavour::{Standard, YubiKey};
use cardmod_virtual::{Card, CardFault, PivFlavour, Random, Storage, SystemRandom};
use common::piv::{SELECT, VERIFY, cryptogram, profile};
use common::{hex, unhex};

/// What was done before the command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Reset, nothing selected.
    Fresh,
    /// Selected.
    Selected,
    /// PIN verified, at once before the command.
    Pin,
    /// PIN verified, then something else.
    PinBefore,
    /// The management key proved.
    Administrator,
    /// Both.
    Both,
    /// PIN used up.
    Blocked,
}

const STATES: [State; 7] = [
    State::Fresh,
    State::Selected,
    State::Pin,
    State::PinBefore,
    State::Administrator,
    State::Both,
    State::Blocked,
];

/// Command and the answers in the order of [`STATES`]: whole status words, or `ok` for 9000 and 61xx.
type Row = (&'static str, [&'static str; 7]);

const FREE: [&str; 7] = ["6D00", "ok", "ok", "ok", "ok", "ok", "ok"];
const PIN: [&str; 7] = ["6D00", "6982", "ok", "ok", "6982", "ok", "6982"];
const AT_ONCE: [&str; 7] = ["6D00", "6982", "ok", "6982", "6982", "6982", "6982"];
const ADMIN: [&str; 7] = ["6D00", "6982", "6982", "6982", "ok", "ok", "6982"];
const BOTH: [&str; 7] = ["6D00", "6982", "6982", "6982", "6982", "ok", "6982"];
const UNKNOWN: [&str; 7] = ["6D00"; 7];

/// The same on both flavours. Keys are in 9A, 9C, 9D, 9E and 82.
const COMMON: &[Row] = &[
    ("00 A4 04 00 05 A0 00 00 03 08 00", ["ok"; 7]),
    ("00 A4 04 00 05 A0 00 00 05 27 00", ["6A82"; 7]),
    ("00 CB 3F FF 03 5C 01 7E 00", FREE),
    ("00 CB 3F FF 05 5C 03 5F C1 02 00", FREE),
    ("00 CB 3F FF 05 5C 03 5F C1 07 00", FREE),
    ("00 CB 3F FF 05 5C 03 5F C1 05 00", FREE),
    ("00 CB 3F FF 05 5C 03 5F C1 03 00", PIN),
    ("00 CB 3F FF 05 5C 03 5F C1 08 00", PIN),
    ("00 CB 3F FF 05 5C 03 5F C1 09 00", PIN),
    ("00 CB 3F FF 05 5C 03 5F C1 21 00", PIN),
    ("00 CB 3F FF 05 5C 03 5F C1 23 00", PIN),
    ("00 DB 3F FF 08 5C 03 5F C1 05 53 01 AA", ADMIN),
    ("00 DB 3F FF 08 5C 03 5F C1 0C 53 01 AA", ADMIN),
    ("00 DB 3F FF 08 5C 03 5F C1 09 53 01 AA", ADMIN),
    ("00 DB 3F FF 07 5C 03 5F C1 02 53 00", ADMIN),
    ("00 47 00 9A 05 AC 03 80 01 11 00", ADMIN),
    ("00 47 00 95 05 AC 03 80 01 14 00", ADMIN),
    ("00 20 00 80", ["6D00", "63C3", "ok", "ok", "63C3", "ok", "6983"]),
    ("00 20 FF 80", FREE),
    ("00 20 00 80 08 31 32 33 34 35 36 FF FF", ["6D00", "ok", "ok", "ok", "ok", "ok", "6983"]),
    ("00 20 00 80 08 31 32 33 34 35 37 FF FF", ["6D00", "63C2", "63C2", "63C2", "63C2", "63C2", "6983"]),
    ("00 20 00 80 07 31 32 33 34 35 36 FF", ["6D00", "6A80", "6A80", "6A80", "6A80", "6A80", "6A80"]),
    (
        "00 24 00 80 10 31 32 33 34 35 36 FF FF 36 35 34 33 32 31 FF FF",
        ["6D00", "ok", "ok", "ok", "ok", "ok", "6983"],
    ),
    ("00 24 00 81 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 37 38", FREE),
    ("00 2C 00 80 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 FF FF", FREE),
    ("00 87 03 9B 04 7C 02 81 00 00", FREE),
    ("00 87 03 9B 04 7C 02 80 00 00", FREE),
    (
        "00 87 03 9B 0C 7C 0A 82 08 00 11 22 33 44 55 66 77",
        ["6D00", "6982", "6982", "6982", "6982", "6982", "6982"],
    ),
    ("00 87 11 9A 26 7C 24 82 00 81 20 {hash} 00", PIN),
    ("00 87 11 9C 26 7C 24 82 00 81 20 {hash} 00", AT_ONCE),
    ("00 87 11 9D 26 7C 24 82 00 81 20 {hash} 00", PIN),
    ("00 87 11 9E 26 7C 24 82 00 81 20 {hash} 00", FREE),
    ("00 87 11 82 26 7C 24 82 00 81 20 {hash} 00", PIN),
    ("00 87 11 9D 47 7C 45 82 00 85 41 {point} 00", PIN),
    ("00 87 11 82 47 7C 45 82 00 85 41 {point} 00", PIN),
    // What is wrong in the header is said before who may; what is wrong in the data, afterwards.
    ("00 87 14 9A 26 7C 24 82 00 81 20 {hash} 00", ["6D00", "6A86", "6A86", "6A86", "6A86", "6A86", "6A86"]),
    ("00 87 11 9A 06 7C 04 82 00 81 00 00", ["6D00", "6982", "6A80", "6A80", "6982", "6A80", "6982"]),
    ("00 DB 3F FF 02 53 00", ["6D00", "6982", "6982", "6982", "6A80", "6A80", "6982"]),
    ("00 47 00 9A 02 AC 00 00", ["6D00", "6982", "6982", "6982", "6A80", "6A80", "6982"]),
    ("00 2A 9E 9A 20 {hash} 00", UNKNOWN),
    ("00 22 41 B6 06 80 01 57 84 01 81", UNKNOWN),
    ("00 E0 00 00", UNKNOWN),
    ("00 B0 00 00 00", UNKNOWN),
    ("00 EE 00 00", UNKNOWN),
    ("80 CA 9F 7F 00", ["6E00"; 7]),
    ("04 CB 3F FF 03 5C 01 7E 00", ["6882"; 7]),
    ("01 CB 3F FF 03 5C 01 7E 00", ["6881"; 7]),
];

/// The vendor's commands on the vendor's card.
const VENDOR: &[Row] = &[
    ("00 FD 00 00 00", FREE),
    ("00 F8 00 00 00", FREE),
    ("00 F7 00 80 00", FREE),
    ("00 F7 00 81 00", FREE),
    ("00 F7 00 9B 00", FREE),
    ("00 F7 00 9A 00", FREE),
    ("00 F7 00 F9 00", FREE),
    ("00 F7 00 95 00", ["6D00", "6A88", "6A88", "6A88", "6A88", "6A88", "6A88"]),
    ("00 F9 9A 00 00", FREE),
    ("00 F9 95 00 00", ["6D00", "6A88", "6A88", "6A88", "6A88", "6A88", "6A88"]),
    ("00 F6 95 9A", ADMIN),
    ("00 F6 FF 9A", ADMIN),
    ("00 FA 03 03", BOTH),
    ("00 FB 00 00", ["6D00", "6985", "6985", "6985", "6985", "6985", "6985"]),
    ("00 FF FF FF 13 08 9B 10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F", ADMIN),
    ("00 FE 11 9A 22 06 20 {hash}", ADMIN),
    ("00 FE E0 9A 22 07 20 {hash}", ADMIN),
    ("00 DB 3F FF 08 5C 03 5F FF 10 53 01 AA", ADMIN),
    ("00 CB 3F FF 05 5C 03 5F FF 01 00", FREE),
    ("00 47 00 F9 05 AC 03 80 01 11 00", ADMIN),
    ("00 87 11 9A 47 7C 45 82 00 85 41 {point} 00", PIN),
    ("00 87 11 95 26 7C 24 82 00 81 20 {hash} 00", ["6D00", "6A88", "6A88", "6A88", "6A88", "6A88", "6A88"]),
    ("00 87 11 F9 26 7C 24 82 00 81 20 {hash} 00", ["6D00", "6A86", "6A86", "6A86", "6A86", "6A86", "6A86"]),
];

/// The same on a standard card.
const PLAIN: &[Row] = &[
    ("00 FD 00 00 00", UNKNOWN),
    ("00 F8 00 00 00", UNKNOWN),
    ("00 F7 00 80 00", UNKNOWN),
    ("00 F9 9A 00 00", UNKNOWN),
    ("00 F6 95 9A", UNKNOWN),
    ("00 FA 03 03", UNKNOWN),
    ("00 FB 00 00", UNKNOWN),
    ("00 FF FF FF 13 08 9B 10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F", UNKNOWN),
    ("00 FE 11 9A 22 06 20 {hash}", UNKNOWN),
    ("00 DB 3F FF 08 5C 03 5F FF 10 53 01 AA", ["6D00", "6982", "6982", "6982", "6A80", "6A80", "6982"]),
    ("00 CB 3F FF 05 5C 03 5F FF 01 00", ["6D00", "6A82", "6A82", "6A82", "6A82", "6A82", "6A82"]),
    ("00 47 00 F9 05 AC 03 80 01 11 00", ["6D00", "6A86", "6A86", "6A86", "6A86", "6A86", "6A86"]),
    ("00 87 11 9A 47 7C 45 82 00 85 41 {point} 00", ["6D00", "6982", "6A80", "6A80", "6982", "6A80", "6982"]),
    ("00 87 11 95 26 7C 24 82 00 81 20 {hash} 00", ["6D00", "6A86", "6A86", "6A86", "6A86", "6A86", "6A86"]),
];

/// Nothing is kept.
struct Desk;

impl Storage for Desk {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Desk {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

fn send(card: &mut Card, command: &str) -> String {
    hex(&card.process(&mut Desk, &unhex(command)).unwrap())
}

fn administrate(card: &mut Card) {
    let challenge = send(card, "00 87 03 9B 04 7C 02 81 00 00");
    let response = hex(&cryptogram(&unhex(&challenge[8..24])));
    assert_eq!(send(card, &format!("00 87 03 9B 0C 7C 0A 82 08 {response}")), "9000");
}

/// A card with keys and objects, switched off.
fn furnished(flavour: PivFlavour) -> Vec<u8> {
    let mut card = Card::piv(&profile(flavour)).unwrap();
    send(&mut card, SELECT);
    administrate(&mut card);
    for slot in ["9A", "9C", "9D", "9E", "82"] {
        let made = send(&mut card, &format!("00 47 00 {slot} 05 AC 03 80 01 11 00"));
        assert!(made.ends_with("9000"), "{made}");
    }
    for tag in ["03", "05", "08", "09", "21", "23"] {
        assert_eq!(send(&mut card, &format!("00 DB 3F FF 08 5C 03 5F C1 {tag} 53 01 AA")), "9000");
    }
    card.persistent_state().to_vec()
}

fn brought_to(state: State, stored: &[u8]) -> Card {
    let mut card = Card::load(stored).unwrap();
    if state == State::Fresh {
        return card;
    }
    send(&mut card, SELECT);
    if matches!(state, State::Pin | State::PinBefore | State::Both) {
        assert_eq!(send(&mut card, VERIFY), "9000");
    }
    match state {
        State::PinBefore => assert!(send(&mut card, "00 CB 3F FF 03 5C 01 7E 00").ends_with("9000")),
        State::Administrator | State::Both => administrate(&mut card),
        State::Blocked => {
            for left in ["63C2", "63C1", "63C0"] {
                assert_eq!(send(&mut card, "00 20 00 80 08 31 31 31 31 31 31 FF FF"), left);
            }
        }
        _ => {}
    }
    card
}

fn check(flavour: PivFlavour, own: &[Row]) {
    let stored = furnished(flavour);
    let point = "04700C48F77F56584C5CC632CA65640DB91B6BACCE3A4DF6B42CE7CC838833D287\
                 DB71E509E3FD9B060DDB20BA5C51DCC5948D46FBF640DFE0441782CAB85FA4AC";
    for (command, answers) in COMMON.iter().chain(own) {
        let apdu = command.replace("{hash}", &"5A".repeat(32)).replace("{point}", point);
        for (state, expected) in STATES.into_iter().zip(answers) {
            let mut card = brought_to(state, &stored);
            let before = card.persistent_state();
            let answer = send(&mut card, &apdu);
            let status = &answer[answer.len() - 4..];
            let fine =
                status == *expected || *expected == "ok" && (status == "9000" || status.starts_with("61"));
            assert!(fine, "{flavour:?}, {state:?}: {command} answers {status} instead of {expected}");
            // A refusal changes nothing, but for a try that was used.
            if status.starts_with('6') && !status.starts_with("61") && !status.starts_with("63C") {
                assert_eq!(*card.persistent_state(), *before, "{flavour:?}, {state:?}: {command}");
            }
            // Who may not, gets no byte.
            assert!(status == "9000" || status.starts_with("61") || answer.len() == 4, "{answer}");
        }
    }
}

#[test]
fn a_standard_card() {
    check(Standard, PLAIN);
}

#[test]
fn a_card_like_a_yubikey() {
    check(YubiKey, VENDOR);
}
