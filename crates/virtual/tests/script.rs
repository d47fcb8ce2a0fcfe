//! The card against the published byte sequences of GIDS and the Microsoft generic profile.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use cardmod_virtual::{Behaviour, CardOptions};
use common::{SELECT, VERIFY, bench, bench_with, blank};

#[test]
fn selection_and_templates() {
    let mut bench = bench_with(|profile| profile.options.ec = false);
    bench.run(
        "00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 01 00 => 6A82   # PIV
         00 CB A0 00 04 5C 02 DF 1F 00 => 6D00                      # nothing is selected
         00 A4 04 00 0A A0 00 00 03 97 43 49 44 5F 01 00 => 6A82    # smart card PnP
         00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00 => 61 12 4F 0B A0 00 00 03 97 42 54 46 59 02 01 73 03 40 01 C0 90 00
         00 A4 04 00 0B A0 00 00 03 97 42 54 46 59 02 01 => 6114    # no Le: the answer waits
         00 C0 00 00 14 => 61 12 4F 0B*
         00 A4 04 00 05 A0 00 00 03 97 00 => 6112*
         00 A4 04 00 0C A0 00 00 03 97 42 54 46 59 02 01 00 00 => 6A82
         00 A4 04 02 09 A0 00 00 03 97 42 54 46 59 00 => 6A82
         00 A4 04 04 09 A0 00 00 03 97 42 54 46 59 00 => 62 19 82 01 38 84 0B A0 00 00 03 97 42 54 46 59 02 01 8A 01 05 8C 04 23 20 30 30 90 00
         00 A4 04 08 09 A0 00 00 03 97 42 54 46 59 00 => 64 09 5F 2F 01 60 7F 65 02 80 00 90 00
         00 A4 04 0C 09 A0 00 00 03 97 42 54 46 59 => 9000
         00 A4 00 0C 02 3F FF => 9000
         00 A4 00 0C 02 00 00 => 6A82
         00 A4 00 04 02 A0 10 00 => 62 0F 82 01 39 83 02 A0 10 8A 01 05 8C 03 03 30 00 90 00
         00 A4 00 00 02 00 00 00 => 62 0F 82 01 39 83 02 A0 10 8A 01 05 8C 03 03 30 00 90 00
         00 A4 00 08 02 A0 10 00 => 64 00 90 00
         00 A4 00 0C 02 A0 99 => 6A82
         00 A4 00 0C 00 => 6A87
         00 A4 02 0C 02 A0 10 => 6A86
         00 A4 04 00 => 6A87",
    );
}

#[test]
fn a_curve_card_says_so() {
    let mut bench = bench();
    assert!(bench.send(SELECT).ends_with("4001E09000"));
}

#[test]
fn card_level_objects() {
    let mut bench = bench();
    bench.run(
        "00 CB 2F 01 02 5C 00 00 => 43 01 F4 47 03 08 01 C0 46 07 63 61 72 64 6D 6F 64 90 00
         00 CB 2F 01 03 5C 01 47 00 => 47 03 08 01 C0 90 00
         00 CB 2F 00 02 5C 00 00 => 61 12 4F 0B*
         00 CB 3F FF 04 5C 02 7F 71 00 => 6D00",
    );
    bench.send(SELECT);
    bench.run(
        "00 CB 3F FF 04 5C 02 7F 73 00 => 6A88
         00 CB 3F FF 04 5C 02 7F 71 00 => 7F 71 06 97 01 03 93 01 03 90 00
         00 CB 3F FF 04 5C 02 7F 72 00 => 7F 72 06 97 01 03 93 01 03 90 00
         00 CB 3F FF 04 5C 02 7F 62 00 => 6A88
         00 CB 3F FF 02 5C 00 00 => 6984
         00 CB 3F FF 04 5C 02 DF 1F 00 => DF 1F 81 8D 01 6D 73 63 70*",
    );
    let mut with_puk = bench_with(|profile| profile.puk = Some(cardmod_types::Pin::from("87654321")));
    with_puk.send(SELECT);
    with_puk.run("00 CB 3F FF 04 5C 02 7F 73 00 => 7F 73 06 97 01 03 93 01 03 90 00");
}

/// "Windows inbox smart card minidriver", in the published order and byte for byte.
#[test]
fn published_personalisation() {
    let mut bench = blank(CardOptions::default(), false);
    bench.run(PERSONALISATION);
    bench.run(
        "reset
         00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00 => 61*
         00 CB A0 12 04 5C 02 DF 20 00 => DF 20 10 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF 90 00
         00 CB A0 10 02 5C 00 00 => DF21086D73637000000000 DF2206000000000000 DF2300 9000
         00 20 00 80 => 63C3
         00 DB A0 10 03 DF 25 00 => 6982
         00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000
         00 DB A0 10 03 DF 25 00 => 9000
         00 24 01 80 08 31 31 31 31 31 31 31 31 => 6985     # only while it is initialised
         00 22 81 A4 03 83 01 80 => 9000
         00 87 00 00 04 7C 02 81 00 00 => 7C 0A 81 08*",
    );
}

const PERSONALISATION: &str = "
    00 A4 04 04 09 A0 00 00 03 97 42 54 46 59 00 => 62*
    00 24 01 80 08 31 32 33 34 35 36 37 38 => 9000
    00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 00 8C 03 03 30 00 => 9000
    00 44 00 00 00 => 9000
    00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 10 8C 03 03 30 00 => 9000
    00 44 00 00 00 => 9000
    00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 11 8C 03 03 30 FF => 9000
    00 44 00 00 00 => 9000
    00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 12 8C 03 03 20 00 => 9000
    00 44 00 00 00 => 9000
    00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 13 8C 03 03 30 30 => 9000
    00 44 00 00 00 => 9000
    00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 14 8C 03 03 20 20 => 9000
    00 44 00 00 00 => 9000
    00 E0 00 00 1C 62 1A 82 01 18 83 02 B0 80 8C 04 87 00 20 FF A5 0B A4 09 80 01 02 83 01 80 95 01 C0 => 9000
    00 44 00 00 00 => 9000
    00 DB 3F FF 26 70 24 84 01 80 A5 1F 87 18 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 01 02 03 04 05 06 07 08 88 03 B0 73 DC => 9000
    00 DB A0 00 91 DF 1F 81 8D 01 6D 73 63 70 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 A0 00 00 00 00 00 00 00 00 00 00 00 63 61 72 64 69 64 00 00 00 00 00 20 DF 00 00 12 A0 00 00 00 00 00 00 00 00 00 00 00 63 61 72 64 61 70 70 73 00 00 00 21 DF 00 00 10 A0 00 00 00 00 00 00 00 00 00 00 00 63 61 72 64 63 66 00 00 00 00 00 22 DF 00 00 10 A0 00 00 6D 73 63 70 00 00 00 00 00 63 6D 61 70 66 69 6C 65 00 00 00 23 DF 00 00 10 A0 00 00 => 9000
    00 DB A0 10 0B DF 21 08 6D 73 63 70 00 00 00 00 => 9000
    00 DB A0 10 09 DF 22 06 00 00 00 00 00 00 => 9000
    00 DB A0 10 03 DF 23 00 => 9000
    00 DB A0 12 13 DF 20 10 00 11 22 33 44 55 66 77 88 99 AA BB CC DD EE FF => 9000
    00 A4 00 0C 02 3F FF => 9000
    00 44 00 00 00 => 9000";

#[test]
fn the_profile_in_one_call_is_the_published_one() {
    let mut script = blank(CardOptions::default(), false);
    script.run(PERSONALISATION);
    let mut made = bench_with(|profile| {
        profile.card_id = cardmod_types::CardId([
            0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF,
        ]);
    });
    made.send(SELECT);
    for file in ["A000", "A010", "A012"] {
        let command = format!("00CB{file}025C0000");
        assert_eq!(made.send(&command), script.send(&command), "{file}");
    }
    for file in ["A000", "A010", "A011", "A012", "A013", "A014", "B080"] {
        let command = format!("00A40004 02{file} 00");
        assert_eq!(made.send(&command), script.send(&command), "{file}");
    }
}

#[test]
fn data_objects() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    bench.run(
        "00 CB 00 00 02 5C 00 00 => 6A82
         00 DB A0 10 03 DF 25 00 => 9000
         00 CB A0 10 04 5C 02 DF 25 00 => DF 25 00 90 00
         00 CB 00 00 04 5C 02 DF 25 00 => DF 25 00 90 00     # it became the current file
         00 DB A0 10 03 DF 25 00 => 9000                     # empty again: deleted
         00 CB A0 10 04 5C 02 DF 25 00 => 6A88
         00 DB A0 10 05 DF 26 02 AA BB => 9000
         00 DB A0 10 03 DF 26 00 => 9000                     # the specification deletes at once
         00 CB A0 10 04 5C 02 DF 26 00 => 6A88
         00 CB A0 10 03 5C 01 5C 00 => 5C 06 DF 21 DF 22 DF 23 90 00
         00 CB A0 10 06 5C 04 DF 21 DF 22 00 => 6A80
         00 CB A0 10 02 DF 21 00 => 6A80
         00 CB A0 99 02 5C 00 00 => 6A82
         00 CB A0 11 02 5C 00 00 => 6982                     # nobody reads this one
         00 CB A0 13 02 5C 00 00 => 9000                     # empty, but readable now
         00 CB A0 14 02 5C 00 00 => 6982
         00 CB B0 80 02 5C 00 00 => 6981
         00 DB A0 12 05 DF 30 02 01 02 => 6982
         00 DB A0 10 04 DF 26 05 AA => 6A85
         00 DB 3F FF 09 DF 22 06 00 00 01 00 05 00 => 9000   # by its tag alone
         00 CB A0 10 04 5C 02 DF 22 00 => DF 22 06 00 00 01 00 05 00 90 00
         00 DB 3F FF 03 DF 7E 00 => 6A88
         00 20 00 82 => 9000
         00 DB A0 10 03 DF 25 00 => 6982
         00 CB A0 13 02 5C 00 00 => 6982",
    );
}

#[test]
fn several_objects_in_one_chain_are_atomic() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    bench.run(
        "10 DB A0 10 04 DF 30 01 AA => 9000
         00 DB A0 10 04 DF 31 01 BB => 9000
         00 CB A0 10 04 5C 02 DF 30 00 => DF 30 01 AA 90 00
         00 CB A0 10 04 5C 02 DF 31 00 => DF 31 01 BB 90 00
         10 DB A0 10 04 DF 30 01 CC => 9000
         00 DB A0 10 04 DF 31 05 DD => 6A85
         00 CB A0 10 04 5C 02 DF 30 00 => DF 30 01 AA 90 00
         10 DB A0 10 04 DF 30 01 CC => 9000
         00 CB A0 10 04 5C 02 DF 30 00 => DF 30 01 AA 90 00   # a foreign command ends the chain
         00 DB A0 10 01 CC => 6A85",
    );
}

#[test]
fn applet_behaviour() {
    let mut bench = bench_with(|profile| profile.options.behaviour = Behaviour::Applet);
    bench.send(SELECT);
    bench.send(VERIFY);
    bench.run(
        "00 20 00 80 => 63C3
         00 DB A0 10 05 DF 26 02 AA BB => 9000
         00 DB A0 10 03 DF 26 00 => 9000
         00 CB A0 10 04 5C 02 DF 26 00 => DF 26 00 90 00
         00 DB A0 10 03 DF 26 00 => 9000
         00 CB A0 10 04 5C 02 DF 26 00 => 6A88
         10 DB A0 10 04 DF 30 01 CC => 9000
         00 CB A0 10 04 5C 02 DF 30 00 => 6900
         00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00 => 61*
         00 DB A0 10 03 DF 25 00 => 6982",
    );
}

#[test]
fn selecting_again_keeps_the_status() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    bench.send(SELECT);
    bench.run(
        "00 20 00 80 => 9000
         00 A4 04 00 05 A0 00 00 03 08 => 6A82
         00 20 00 80 => 9000
         reset
         00 20 00 80 => 6D00
         00 A4 04 0C 09 A0 00 00 03 97 42 54 46 59 => 9000
         00 20 00 80 => 63C3",
    );
}

#[test]
fn class_length_and_form() {
    let mut bench = bench_with(|profile| profile.options.extended_length = false);
    bench.send(SELECT);
    bench.run(
        "80 CB A0 10 02 5C 00 00 => 6E00
         04 CB A0 10 02 5C 00 00 => 6882
         01 CB A0 10 02 5C 00 00 => 6881
         FF CB A0 10 02 5C 00 00 => 6E00
         00 B0 00 00 00 => 6D00
         00 20 00 83 => 6A86
         00 CB A0 10 => 6700
         10 A4 04 0C 09 A0 00 00 03 97 42 54 46 59 => 6884
         00 CB A0 10 00 00 02 5C 00 00 00 => 6700
         00 C0 00 00 00 => 6985
         00 44 00 00 01 00 => 6700",
    );
    bench.run("00 CB 2F 01 02 5C 00 00 => 43 01 F4 47 03 08 01 80*");
}

#[test]
fn long_answers() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    let mut object = common::unhex("DF 40 82 02 58");
    object.extend((0..600u32).map(|n| n as u8));
    for apdu in common::chained([0x00, 0xDB, 0xA0, 0x10], &object, false) {
        assert_eq!(bench.data(&apdu), []);
    }
    let get = common::unhex("00 CB A0 10 04 5C 02 DF 40 00");
    let first = bench.card.transmit(&get).unwrap();
    assert_eq!((first.len(), &first[256..]), (258, &[0x61, 0x00][..]));
    let second = bench.card.transmit(&[0x00, 0xC0, 0x00, 0x00, 0x00]).unwrap();
    assert_eq!((second.len(), &second[256..]), (258, &[0x61, 93][..]));
    assert_eq!(bench.send("00 C0 00 00 FF"), "6C5D");
    assert_eq!(bench.send("00 C0 00 00 5D").len(), 2 * 95);
    assert_eq!(bench.data(&get), object);
    // Any other command drops what waits.
    bench.card.transmit(&get).unwrap();
    bench.send("00 20 00 80");
    assert_eq!(bench.send("00 C0 00 00 00"), "6985");
    // Extended length: everything at once.
    let whole = bench.card.transmit(&common::unhex("00 CB A0 10 00 00 04 5C 02 DF 40 00 00")).unwrap();
    assert_eq!(whole.len(), object.len() + 2);
}

#[test]
fn creation_state() {
    let mut bench = blank(CardOptions::default(), true);
    bench.run(
        "00 A4 04 0C 09 A0 00 00 03 97 42 54 46 59 => 9000
         00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 00 8C 03 03 30 00 => 6985
         00 DB 00 00 14 61 12 4F 0B A0 00 00 03 97 42 54 46 59 02 01 73 03 40 01 80 => 9000
         00 DB 00 00 07 64 05 5F 2F 02 40 00 => 9000
         00 DB 00 00 08 62 06 82 01 39 8C 01 00 => 6A80
         00 DB 00 00 0B 62 09 82 01 38 8C 05 23 20 20 20 => 6A80
         00 DB 00 00 0B 62 09 82 01 38 8C 04 23 20 20 20 => 9000
         00 A4 04 00 09 A0 00 00 03 97 42 54 46 59 00 => 61 12 4F 0B A0 00 00 03 97 42 54 46 59 02 01 73 03 40 01 80 90 00
         00 A4 04 08 09 A0 00 00 03 97 42 54 46 59 00 => 64 05 5F 2F 02 40 00 90 00
         00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 00 8C 03 03 30 00 => 9000
         00 A4 00 0C 02 3F FF => 9000
         00 44 00 00 => 9000
         00 A4 00 04 02 3F FF 00 => 62 19 82 01 38 84 0B A0 00 00 03 97 42 54 46 59 02 01 8A 01 05 8C 04 23 20 20 20 90 00",
    );
}

#[test]
fn file_life_cycle() {
    let mut bench = bench();
    bench.send(SELECT);
    bench.run(
        "00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 20 8C 03 03 30 00 => 6982
         00 20 00 80 08 31 32 33 34 35 36 37 38 => 9000
         00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 10 8C 03 03 30 00 => 6A89
         00 E0 00 00 0E 62 0C 82 01 39 83 02 3F FF 8C 03 03 30 00 => 6A80
         00 E0 00 00 0E 62 0C 82 01 10 83 02 A0 20 8C 03 03 30 00 => 6A81
         00 E0 00 00 0A 62 08 82 01 39 83 02 A0 20 00 => 6A80
         00 E0 00 00 11 62 0F 82 01 39 83 02 A0 20 8A 01 05 8C 03 03 30 00 => 6A80
         00 E0 00 00 0E 62 0C 82 01 39 83 02 A0 20 8C 03 03 FF FF => 9000
         00 A4 00 04 02 A0 20 00 => 62 0F 82 01 39 83 02 A0 20 8A 01 03 8C 03 03 FF FF 90 00
         00 DB A0 20 04 DF 20 01 55 => 9000                   # rules hold once it is activated
         00 44 00 00 => 9000
         00 44 00 00 00 => 9000
         00 DB A0 20 04 DF 20 01 55 => 6982
         00 CB A0 20 04 5C 02 DF 20 00 => 6982
         00 A4 00 0C 02 A0 20 => 9000
         00 E4 00 00 => 9000
         00 A4 00 0C 02 A0 20 => 6A82
         00 E4 00 00 => 6985
         00 E6 00 00 => 6982                                  # termination is the administrator's",
    );
}

#[test]
fn a_full_card() {
    let mut bench = bench_with(|profile| profile.options.capacity = 4096);
    bench.send(SELECT);
    bench.send(VERIFY);
    let mut object = common::unhex("DF 40 82 0F 00");
    object.extend([0x55; 0x0F00]);
    let parts = common::chained([0x00, 0xDB, 0xA0, 0x10], &object, false);
    let (last, before) = parts.split_last().unwrap();
    for part in before {
        bench.data(part);
    }
    assert_eq!(bench.exchange(last).1, 0x6A84);
    let space = bench.card.space().unwrap();
    assert!(space.used < space.capacity && space.capacity == 4096);
    bench.run("00 DB A0 10 04 DF 41 01 01 => 9000");
}
