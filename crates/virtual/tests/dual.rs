//! A card with both applications: whom a command is for, what selecting ends, what the two share.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_types::Pin;
use cardmod_virtual::{CardKind, PivFlavour, Store};
use common::piv::administrate;
use common::{Bench, SELECT as SELECT_GIDS, VERIFY as VERIFY_GIDS, hex, send, unhex};

const SELECT_PIV: &str = common::piv::SELECT;
const VERIFY_PIV: &str = common::piv::VERIFY;
const STATUS: &str = "00 20 00 80";
const UNKNOWN: &str = "00 A4 04 00 08 A0 00 00 05 27 47 11 17 00";

/// A card whose applications have different PINs and tries.
fn bench() -> Bench {
    bench_with(256 * 1024, None)
}

fn bench_with(capacity: u32, global_pin: Option<Pin>) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut gids = common::profile();
    gids.options.pin_tries = 7;
    gids.options.capacity = capacity;
    let mut piv = common::piv::profile(PivFlavour::YubiKey);
    piv.global_pin = global_pin;
    store.create_dual("test", &gids, &piv).unwrap();
    let card = store.open_card("test").unwrap();
    Bench { dir, store, card }
}

#[test]
fn a_name_means_one_application() {
    let mut bench = bench();
    for (name, answer) in [
        ("09 A0 00 00 03 97 42 54 46 59", "6112"),
        ("05 A0 00 00 03 97", "6112"),
        ("0B A0 00 00 03 97 42 54 46 59 02 01", "6112"),
        ("0B A0 00 00 03 08 00 00 10 00 01 00", "6111"),
        ("09 A0 00 00 03 08 00 00 10 00", "6111"),
        ("05 A0 00 00 03 08", "6111"),
        ("08 A0 00 00 05 27 47 11 17", "6A82"),
    ] {
        let found = bench.send(&format!("00 A4 04 00 {name} 00"));
        assert!(found.starts_with(answer), "{name}: {found}");
    }
    // What both names begin with means the first.
    assert!(bench.send("00 A4 04 00 04 A0 00 00 03 00").starts_with("6112"));
    bench.run("00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 01 00 00 => 6111*");
}

#[test]
fn before_a_selection_only_what_is_the_cards_own_is_answered() {
    let mut bench = bench();
    bench.run(
        "00 20 00 80 => 6D00
         00 CB 3F FF 03 5C 01 7E 00 => 6D00
         00 F7 00 80 00 => 6D00
         00 CB 2F 01 03 5C 01 47 00 => 47 03 08 01 C0 90 00
         00 A4 00 0C 02 3F FF => 9000                        # only GIDS has an identifier
         00 CB 3F FF 04 5C 02 7F 71 00 => 7F 71 06 97 01 07 93 01 07 90 00",
    );
}

#[test]
fn each_application_has_its_own_commands_and_tries() {
    let mut bench = bench();
    bench.run(&format!("{SELECT_GIDS} => 6112*\n{STATUS} => 63C7\n00 F7 00 80 00 => 6D00"));
    bench.run("00 CB A0 12 04 5C 02 DF 20 00 => DF 20 10*");
    bench.run(&format!("{SELECT_PIV} => 6111*\n{STATUS} => 63C3\n00 22 81 A4 03 83 01 80 => 6D00"));
    bench.run("00 CB A0 12 04 5C 02 DF 20 00 => 6A86\n00 A4 00 0C 02 3F FF => 6A86");
    bench.run("00 20 00 80 08 39 39 39 39 39 39 FF FF => 63C2");
    bench.run(&format!("{SELECT_GIDS} => 6112*\n{STATUS} => 63C7\n00 20 00 80 04 30 30 30 30 => 63C6"));
    bench.run(&format!("{SELECT_PIV} => 6111*\n{STATUS} => 63C2\n{VERIFY_PIV} => 9000\n{STATUS} => 9000"));
    bench.run(&format!("{SELECT_GIDS} => 6112*\n{STATUS} => 63C6"));
}

/// SP 800-73 part 2, 3.1.1: selecting another application ends the security status of the one that was.
#[test]
fn selecting_the_other_ends_what_was_proved() {
    let mut bench = bench();
    bench.run(&format!("{SELECT_GIDS} => 6112*\n{VERIFY_GIDS} => 9000\n{STATUS} => 9000"));
    bench.run("00 A4 00 0C 02 A0 10 => 9000");
    bench.run(&format!("{UNKNOWN} => 6A82\n{STATUS} => 9000              # nothing changed"));
    bench.send(SELECT_PIV);
    bench.run(&format!("{STATUS} => 63C3\n{VERIFY_PIV} => 9000"));
    administrate(&mut bench);
    bench.run("00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => 9000");
    bench.run(&format!("{UNKNOWN} => 6A82\n{STATUS} => 9000"));
    bench.send(SELECT_GIDS);
    bench.run(&format!("{STATUS} => 63C7\n00 A4 00 0C 02 00 00 => 6A82   # no current file"));
    bench.send(SELECT_PIV);
    bench.run(&format!("{STATUS} => 63C3\n00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => 6982"));
}

#[test]
fn a_refused_selection_of_the_other_changes_nothing() {
    let mut bench = bench();
    bench.run(&format!("{SELECT_PIV} => 6111*\n{VERIFY_PIV} => 9000"));
    bench.run(&format!(
        "00 A4 04 02 09 A0 00 00 03 97 42 54 46 59 00 => 6A82  # the next one\n{STATUS} => 9000"
    ));
    bench.run(&format!("{SELECT_GIDS} => 6112*\n{VERIFY_GIDS} => 9000"));
    bench.run(&format!("00 A4 04 04 05 A0 00 00 03 08 00 => 6A86\n{STATUS} => 9000"));
}

/// The global PIN is the whole card's: its status survives, that of the application's PIN does not.
#[test]
fn the_global_pin_stays_verified() {
    let mut bench = bench_with(256 * 1024, Some(Pin::from("24681357")));
    bench.run(&format!("{SELECT_PIV} => 6111*\n{VERIFY_PIV} => 9000"));
    bench.run("00 20 00 00 08 32 34 36 38 31 33 35 37 => 9000\n00 20 00 00 => 9000");
    bench.send(SELECT_GIDS);
    bench.run(&format!("{STATUS} => 63C7"));
    bench.send(SELECT_PIV);
    bench.run(&format!("{STATUS} => 63C3\n00 20 00 00 => 9000\nreset"));
    bench.send(SELECT_PIV);
    bench.run("00 20 00 00 => 63C3");
}

#[test]
fn a_chain_and_a_waiting_answer_end_with_the_selection() {
    let mut bench = bench();
    bench.run(&format!("{SELECT_PIV} => 6111*"));
    administrate(&mut bench);
    bench.run("10 DB 3F FF 05 5C 03 5F C1 0C => 9000");
    bench.send(SELECT_GIDS);
    bench.send(SELECT_PIV);
    administrate(&mut bench);
    bench.run("00 DB 3F FF 04 53 02 FE 00 => 6A80        # not the end of what was begun");
    bench.run("00 CB 3F FF 05 5C 03 5F C1 02 01 => 53 61 3C");
    bench.send(SELECT_GIDS);
    bench.run("00 C0 00 00 3C => 6985");
}

#[test]
fn both_use_one_memory() {
    let mut bench = bench_with(4096, None);
    bench.send(SELECT_PIV);
    administrate(&mut bench);
    let put = |bench: &mut Bench, tag: u8, len: usize| {
        let value = [vec![0x53, 0x82, (len >> 8) as u8, len as u8], vec![0x55; len]].concat();
        let data = [&[0x5C, 0x03, 0x5F, 0xC1, tag][..], &value].concat();
        let parts = common::chained([0x00, 0xDB, 0x3F, 0xFF], &data, false);
        parts.iter().fold(0, |_, part| bench.exchange(part).1)
    };
    let filled = (0x0D..0x20).take_while(|tag| put(&mut bench, *tag, 400) == 0x9000).count();
    assert!((1..10).contains(&filled), "{filled} objects of 400 bytes in 4096");
    let space = bench.card.space().unwrap();
    assert!(space.used <= space.capacity && space.capacity - space.used < 420, "{space:?}");
    bench.send(SELECT_GIDS);
    bench.send(VERIFY_GIDS);
    let large = [&unhex("00 DB A0 10 00 01 A5 DF 30 82 01 A0")[..], &[0x66; 416]].concat();
    assert_eq!(bench.exchange(&large).1, 0x6A84);
    bench.send(SELECT_PIV);
    administrate(&mut bench);
    bench.run("00 DB 3F FF 07 5C 03 5F C1 0D 53 00 => 9000");
    bench.send(SELECT_GIDS);
    bench.send(VERIFY_GIDS);
    assert_eq!(bench.exchange(&large).1, 0x9000);
}

/// The selection and what was proved are the card's, not the connection's.
#[test]
fn connections_see_one_selection() {
    let mut bench = bench();
    let mut other = bench.store.open_card("test").unwrap();
    bench.run(&format!("{SELECT_PIV} => 6111*\n{VERIFY_PIV} => 9000"));
    assert_eq!(send(&mut other, STATUS), "9000");
    assert!(send(&mut other, SELECT_GIDS).starts_with("6112"));
    bench.run(&format!("{STATUS} => 63C7\n{SELECT_PIV} => 6111*\n{STATUS} => 63C3"));
    drop(other);
    drop(bench.card);
    let mut card = bench.store.open_card("test").unwrap();
    assert_eq!(send(&mut card, STATUS), "6D00", "without a connection a card has no power");
}

#[test]
fn a_listing_tells_the_kinds_apart() {
    let bench = bench();
    bench.store.create_piv("piv", &common::piv::profile(PivFlavour::Standard)).unwrap();
    bench.store.create("gids", &common::profile()).unwrap();
    let kinds: Vec<_> = bench.store.cards().unwrap().into_iter().map(|card| (card.name, card.kind)).collect();
    let expected = [("gids", CardKind::Gids), ("piv", CardKind::Piv), ("test", CardKind::Dual)];
    assert_eq!(kinds, expected.map(|(name, kind)| (name.to_owned(), kind)));
    // A kind byte that was changed opens nothing: it is sealed with the rest.
    let path = bench.dir.path().join("piv/card.image");
    let mut image = std::fs::read(&path).unwrap();
    image[10] = 3;
    std::fs::write(&path, image).unwrap();
    assert!(bench.store.open_card("piv").is_err());
}

/// A dual card's atr and objects tell of extended length as its options say.
#[test]
fn the_options_of_the_gids_profile_hold() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let mut gids = common::profile();
    gids.options.extended_length = false;
    store.create_dual("test", &gids, &common::piv::profile(PivFlavour::YubiKey)).unwrap();
    let mut card = store.open_card("test").unwrap();
    assert!(send(&mut card, SELECT_PIV).ends_with("9000"));
    let extended = unhex("00 CB 3F FF 00 00 05 5C 03 5F C1 02 00 00");
    assert_eq!(hex(&card.transmit(&extended).unwrap()), "6700");
    let short = card.atr().to_vec();
    gids.options.extended_length = true;
    store.create_dual("long", &gids, &common::piv::profile(PivFlavour::YubiKey)).unwrap();
    let mut long = store.open_card("long").unwrap();
    assert_ne!(short, long.atr().to_vec());
    assert!(send(&mut long, SELECT_PIV).ends_with("9000"));
    assert!(hex(&long.transmit(&extended).unwrap()).ends_with("9000"));
}
