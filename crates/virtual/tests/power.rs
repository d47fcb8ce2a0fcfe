//! Power cuts at every write of every command of a PIV card that writes: what is on the disk is the card
//! before or after, tries are never gained, and the command can be repeated.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_types::Pin;
use cardmod_virtual::{Card, CardFault, PivProfile, Random, Storage, SystemRandom};
use common::piv::{SELECT, VERIFY, cryptogram};
use common::{hex, unhex};

const WRONG: &str = "00 20 00 80 08 39 39 39 39 39 39 FF FF";
const WRONG_PUK: &str = "00 2C 00 80 10 39 39 39 39 39 39 39 39 37 37 37 37 37 37 FF FF";
const PINS: [&str; 2] = ["31 32 33 34 35 36 FF FF", "37 37 37 37 37 37 FF FF"];
const PUKS: [&str; 2] = ["31 32 33 34 35 36 37 38", "38 38 38 38 38 38 38 38"];
/// PIN and PUK: how many tries there are of each, limit and what is left.
type Tries = [u8; 4];

/// A disk that keeps every state it was given, and is full from the n-th on.
#[derive(Default)]
struct Disk {
    states: Vec<Vec<u8>>,
    full_at: Option<usize>,
}

impl Storage for Disk {
    fn save(&mut self, state: &[u8]) -> Result<(), CardFault> {
        if self.full_at == Some(self.states.len()) {
            let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(CardFault::NotSaved { path: "full".into(), cause });
        }
        self.states.push(state.to_vec());
        Ok(())
    }
}

impl Random for Disk {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

/// What has to be done before a command runs.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Nothing,
    Administrator,
    Both,
    /// All tries of PIN and PUK used up.
    Blocked,
}

/// A command that writes.
struct Case {
    before: Before,
    command: &'static str,
    /// How often it writes, and how it ends.
    writes: usize,
    status: u16,
    /// Whether the PIN's and the PUK's tries may come back before it is done: a right one was shown.
    refills: [bool; 2],
}

const fn case(before: Before, command: &'static str, writes: usize) -> Case {
    Case { before, command, writes, status: 0x9000, refills: [matches!(before, Before::Both), false] }
}

const CASES: &[Case] = &[
    Case { refills: [true, false], ..case(Before::Nothing, VERIFY, 2) },
    Case { status: 0x63C3, ..case(Before::Nothing, WRONG, 1) },
    Case {
        refills: [true, false],
        ..case(Before::Nothing, "00 24 00 80 10 31 32 33 34 35 36 FF FF 37 37 37 37 37 37 FF FF", 3)
    },
    Case {
        status: 0x63C3,
        ..case(Before::Nothing, "00 24 00 80 10 39 39 39 39 39 39 FF FF 37 37 37 37 37 37 FF FF", 1)
    },
    Case {
        refills: [false, true],
        ..case(Before::Nothing, "00 24 00 81 10 31 32 33 34 35 36 37 38 38 38 38 38 38 38 38 38", 3)
    },
    Case {
        refills: [true, true],
        ..case(Before::Nothing, "00 2C 00 80 10 31 32 33 34 35 36 37 38 37 37 37 37 37 37 FF FF", 3)
    },
    Case { status: 0x63C3, ..case(Before::Nothing, WRONG_PUK, 1) },
    case(Before::Administrator, "00 DB 3F FF 0C 5C 03 5F C1 05 53 05 70 01 AA FE 00", 1),
    case(Before::Administrator, "00 DB 3F FF 07 5C 03 5F C1 0A 53 00", 1),
    case(Before::Administrator, "00 DB 3F FF 08 5C 03 5F FF 10 53 01 BB", 1),
    case(Before::Administrator, "00 47 00 9A 05 AC 03 80 01 11 00", 1),
    case(Before::Administrator, "00 47 00 9D 05 AC 03 80 01 14 00", 1),
    case(
        Before::Administrator,
        "00 FE 11 9D 22 06 20 7D 7D C5 F7 1E B2 9D DA F8 0D 62 14 63 2E EA E0 3D 90 58 AF 1F B6 D2 2E D8 0B AD B6 2B C1 A5 34",
        1,
    ),
    case(Before::Administrator, "00 F6 9D 9A", 1),
    case(Before::Administrator, "00 F6 FF 9A", 1),
    case(Before::Administrator, "00 FF FF FF 13 08 9B 10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F", 1),
    case(Before::Both, "00 FA 06 07", 1),
    case(Before::Blocked, "00 FB 00 00", 1),
];

#[test]
fn a_cut_leaves_the_card_before_or_after() {
    let start = start();
    for case in CASES {
        let before = prepared(&start, case.before);
        let run = run(&before, case.before, case.command, None);
        assert_eq!(run.status, Some(case.status), "{}", case.command);
        assert_eq!(run.states.len(), case.writes, "{}", case.command);
        let whole: Vec<&[u8]> =
            std::iter::once(&before[..]).chain(run.states.iter().map(Vec::as_slice)).collect();
        let (old, new) = (content(&before), content(whole[case.writes]));
        for (written, state) in whole.iter().enumerate() {
            let what = format!("{} cut after {written} writes", case.command);
            let found = content(state);
            let done = found == new && written == case.writes;
            assert!(done || found == old, "{what}");
            let (had, has) = (tries(&before), tries(state));
            for (which, refills) in [1, 3].into_iter().zip(case.refills) {
                assert!(refills || done || has[which] <= had[which], "{what}: {had:?} became {has:?}");
            }
            if !done && case.status == 0x9000 {
                let again = self::run(state, case.before, case.command, None);
                assert_eq!(again.status, Some(0x9000), "{what}, repeated");
            }
        }
    }
}

#[test]
fn a_full_disk_at_any_write_changes_no_more_than_a_cut() {
    let start = start();
    for case in CASES {
        let before = prepared(&start, case.before);
        for full_at in 0..case.writes {
            let what = format!("{} with the disk full at write {full_at}", case.command);
            let run = run(&before, case.before, case.command, Some(full_at));
            assert_eq!(run.status, None, "{what}: a fault, no status word");
            let last = run.states.last().unwrap_or(&before);
            assert_eq!(hex(&run.card.persistent_state()), hex(last), "{what}: memory and disk differ");
            assert_eq!(content(last), content(&before), "{what}");
            let mut card = run.card;
            let shown = send(&mut card, "00 20 00 80");
            let was_verified = case.before == Before::Both;
            assert_eq!(shown == "9000", was_verified, "{what}: {shown}");
        }
    }
}

/// On a standard card too the lost try is written before the comparison.
#[test]
fn a_standard_card_counts_before_it_compares() {
    let profile = PivProfile { flavour: cardmod_virtual::PivFlavour::Standard, ..profile() };
    let state = Card::piv(&profile).unwrap().persistent_state().to_vec();
    for (command, left) in [(VERIFY, "63C4"), (WRONG, "63C4")] {
        let run = run(&state, Before::Nothing, command, None);
        let mut cut = Card::load(&run.states[0]).unwrap();
        send(&mut cut, SELECT);
        assert_eq!(send(&mut cut, "00 20 00 80"), left, "{command}");
    }
}

struct Run {
    card: Card,
    states: Vec<Vec<u8>>,
    /// `None` for a fault of the host.
    status: Option<u16>,
}

/// The command on a freshly powered card, with what it needs; the states it writes.
fn run(state: &[u8], before: Before, command: &str, full_at: Option<usize>) -> Run {
    let mut card = Card::load(state).unwrap();
    send(&mut card, SELECT);
    if before == Before::Both {
        assert_eq!(send(&mut card, VERIFY), "9000");
    }
    if matches!(before, Before::Administrator | Before::Both) {
        administrate(&mut card);
    }
    let mut disk = Disk { full_at, ..Disk::default() };
    let status = card.process(&mut disk, &unhex(command)).ok().map(|response| {
        let [high, low] = *response.last_chunk().unwrap();
        u16::from_be_bytes([high, low])
    });
    Run { card, states: disk.states, status }
}

fn profile() -> PivProfile {
    PivProfile { pin_tries: 5, puk_tries: 5, ..PivProfile::new(Pin::from("123456"), Pin::from("12345678")) }
}

/// A card with a key in 9A, certificates, a vendor object, and one try lost of PIN and PUK.
fn start() -> Vec<u8> {
    let mut card = Card::piv(&profile()).unwrap();
    send(&mut card, SELECT);
    administrate(&mut card);
    for command in [
        "00 47 00 9A 05 AC 03 80 01 11 00",
        "00 DB 3F FF 0C 5C 03 5F C1 05 53 05 70 01 11 FE 00",
        "00 DB 3F FF 0C 5C 03 5F C1 0A 53 05 70 01 22 FE 00",
        "00 DB 3F FF 08 5C 03 5F FF 10 53 01 AA",
    ] {
        let answer = send(&mut card, command);
        assert!(answer.ends_with("9000"), "{command}: {answer}");
    }
    assert_eq!(send(&mut card, WRONG), "63C4");
    assert_eq!(send(&mut card, WRONG_PUK), "63C4");
    card.persistent_state().to_vec()
}

/// The state a case begins with.
fn prepared(start: &[u8], before: Before) -> Vec<u8> {
    let mut card = Card::load(start).unwrap();
    send(&mut card, SELECT);
    match before {
        Before::Blocked => {
            for _ in 0..5 {
                send(&mut card, WRONG);
                send(&mut card, WRONG_PUK);
            }
        }
        // What the preparation of every run does to the tries.
        Before::Both => assert_eq!(send(&mut card, VERIFY), "9000"),
        Before::Nothing | Before::Administrator => {}
    }
    card.persistent_state().to_vec()
}

fn send(card: &mut Card, command: &str) -> String {
    hex(&card.process(&mut Disk::default(), &unhex(command)).unwrap())
}

fn administrate(card: &mut Card) {
    let challenge = send(card, "00 87 03 9B 04 7C 02 81 00 00");
    let response = hex(&cryptogram(&unhex(&challenge[8..24])));
    assert_eq!(send(card, &format!("00 87 03 9B 0C 7C 0A 82 08 {response}")), "9000");
}

/// Everything a card can be asked but its tries: objects, keys, which PIN and PUK are right.
fn content(state: &[u8]) -> Vec<String> {
    let fresh = || {
        let mut card = Card::load(state).unwrap();
        send(&mut card, SELECT);
        card
    };
    let mut card = fresh();
    let objects = ["5F C1 02", "5F C1 07", "5F C1 05", "5F C1 0A", "5F FF 10"];
    let mut found: Vec<String> =
        objects.iter().map(|tag| send(&mut card, &format!("00 CB 3F FF 05 5C 03 {tag} 00"))).collect();
    found.extend(["9A", "9C", "9D", "9B"].iter().map(|key| send(&mut card, &format!("00 F7 00 {key} 00"))));
    let blocked = tries(state);
    for pin in PINS.iter().filter(|_| blocked[1] > 0) {
        found.push((send(&mut fresh(), &format!("00 20 00 80 08 {pin}")) == "9000").to_string());
    }
    for puk in PUKS.iter().filter(|_| blocked[3] > 0) {
        let command = format!("00 24 00 81 10 {puk} {puk}");
        found.push((send(&mut fresh(), &command) == "9000").to_string());
    }
    found
}

/// From the metadata of PIN and PUK, tag 06.
fn tries(state: &[u8]) -> Tries {
    let mut card = Card::load(state).unwrap();
    send(&mut card, SELECT);
    let mut both = [0; 4];
    for (which, at) in [("80", 0), ("81", 2)] {
        let answer = unhex(&send(&mut card, &format!("00 F7 00 {which} 00")));
        let tag = answer.windows(2).position(|pair| pair == [0x06, 0x02]).unwrap();
        both[at..at + 2].copy_from_slice(&answer[tag + 2..tag + 4]);
    }
    both
}
