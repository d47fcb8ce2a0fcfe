//! The virtual PIV card: selection, data objects, PINs, keys, the administrator, as exchanges of bytes.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_virtual::PivFlavour::{Standard, YubiKey};
use common::piv::{FLAVOURS, SELECT, VERIFY, administrate, bench, profile};
use common::{Bench, chained, hex, unhex};

#[test]
fn selection() {
    let mut card = bench(YubiKey);
    card.run(
        "00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 01 00 00 => 61 11 4F 06 00 00 10 00 01 00 79 07 4F 05 A0 00 00 03 08 90 00
         00 A4 04 00 09 A0 00 00 03 08 00 00 10 00 00 => 61 11*
         00 A4 04 00 05 A0 00 00 03 08 => 61 11*
         00 A4 04 00 08 A0 00 00 05 27 47 11 17 00 => 6A82
         00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 02 00 00 => 6A82
         00 A4 04 00 04 A0 00 00 03 00 => 6A82
         00 A4 04 00 => 6700
         00 A4 00 0C 02 3F FF => 6A86
         00 A4 04 04 05 A0 00 00 03 08 00 => 6A86
         00 CB 3F FF 03 5C 01 7E 00 => 7E 12*
         reset
         00 CB 3F FF 03 5C 01 7E 00 => 6D00
         00 20 00 80 => 6D00
         00 20 00 00 => 6D00
         00 A4 04 00 05 A0 00 00 03 08 00 => 61 11*
         00 20 00 80 => 63C3",
    );
    let mut card = bench(Standard);
    card.run(
        "00 A4 04 00 0B A0 00 00 03 08 00 00 10 00 01 00 00 => 61 50 4F 0B A0 00 00 03 08 00 00 10 00 01 00 79 07 4F 05 A0 00 00 03 08 50 18*",
    );
}

#[test]
fn selecting_again_keeps_what_was_proved() {
    for (flavour, after) in [(Standard, "9000"), (YubiKey, "6982")] {
        let mut card = bench(flavour);
        card.send(VERIFY);
        administrate(&mut card);
        card.run("00 A4 04 00 08 A0 00 00 05 27 47 11 17 00 => 6A82\n 00 20 00 80 => 9000");
        card.run("00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => 9000");
        card.send(SELECT);
        card.run("00 20 00 80 => 9000");
        card.run(&format!("00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => {after}"));
    }
}

#[test]
fn objects() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        card.run(
            "00 CB 3F FF 03 5C 01 7E 00 => 7E 12 4F 0B A0 00 00 03 08 00 00 10 00 01 00 5F 2F 02 40 00 90 00
             00 CB 3F FF 05 5C 03 5F C1 02 00 => 53 3B 30 19 D4 E7 39 DA*
             00 CB 3F FF 05 5C 03 5F C1 07 00 => 53*
             00 CB 3F FF 05 5C 03 5F C1 05 00 => 6A82
             00 CB 3F FF 04 5C 02 7F 61 00 => 6A82
             00 CB 3F FF 05 5C 03 5F C1 09 00 => 6982      # before it says whether it is there
             00 CB 3F FF 0A 5C 08 5F C1 02 5F C1 07 5F C1 00 => 6A82
             00 CB 3F FF 05 5C 03 60 00 00 00 => 6A82
             00 CB 3F FF 05 5C 04 5F C1 02 00 => 6A80
             00 CB 3F FF 02 5C 00 00 => 6A80
             00 CB 3F FF 05 53 03 5F C1 02 00 => 6A80
             00 CB 3F FE 05 5C 03 5F C1 02 00 => 6A86
             00 CB 3F FF => 6700
             00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => 6982",
        );
        administrate(&mut card);
        card.run(
            "00 DB 3F FF 0F 5C 03 5F C1 0C 53 08 C1 01 00 C2 01 00 FE 00 => 9000
             00 CB 3F FF 05 5C 03 5F C1 0C 00 => 53 08 C1 01 00 C2 01 00 FE 00 90 00
             10 DB 3F FF 05 5C 03 5F C1 0C => 9000              # in parts, cut anywhere
             10 DB 3F FF 01 53 => 9000
             00 DB 3F FF 03 02 FE 00 => 9000
             00 CB 3F FF 05 5C 03 5F C1 0C 00 => 53 02 FE 00 90 00
             00 DB 3F FF 07 5C 03 5F C1 0C 53 00 => 9000        # removed
             00 CB 3F FF 05 5C 03 5F C1 0C 00 => 6A82
             00 DB 3F FF 06 7F 61 03 02 01 00 => 9000
             00 CB 3F FF 04 5C 02 7F 61 00 => 7F 61 03 02 01 00 90 00
             00 DB 3F FF 03 7F 61 00 => 9000
             00 CB 3F FF 04 5C 02 7F 61 00 => 6A82
             00 DB 3F FF 14 7E 12 4F 0B A0 00 00 03 08 00 00 10 00 01 00 5F 2F 02 40 00 => 9000
             00 DB 3F FF 14 7E 12 4F 0B A0 00 00 03 08 00 00 10 00 01 00 5F 2F 02 60 10 => 6A80
             00 DB 3F FF 05 5C 03 5F C1 0C => 6A80
             00 DB 3F FF 0A 5C 03 5F C1 0C 53 02 FE 00 00 => 6A80
             00 DB 3F FF 08 5C 03 5F C1 0C 53 02 FE => 6A80
             00 DB 3F FF 05 5C 01 7E 53 00 => 6A80
             00 DB 3F FF 07 5C 03 60 00 00 53 00 => 6A80",
        );
        card.send(VERIFY);
        card.run("00 CB 3F FF 05 5C 03 5F C1 09 00 => 6A82");
    }
}

#[test]
fn vendor_objects_are_the_vendors() {
    let mut card = bench(YubiKey);
    administrate(&mut card);
    card.run(
        "00 DB 3F FF 08 5C 03 5F FF 10 53 01 AA => 9000
         00 CB 3F FF 05 5C 03 5F FF 10 00 => 53 01 AA 90 00
         00 CB 3F FF 05 5C 03 5F FF 00 00 => 6A82",
    );
    let mut card = bench(Standard);
    administrate(&mut card);
    card.run(
        "00 DB 3F FF 08 5C 03 5F FF 10 53 01 AA => 6A80
         00 CB 3F FF 05 5C 03 5F FF 10 00 => 6A82
         00 DB 3F FF 08 5C 03 5F C1 04 53 01 AA => 6A80",
    );
    for vendor in 0xEE..=0xFF {
        assert_eq!(card.send(&format!("00 {vendor:02X} 00 9A")), "6D00", "{vendor:02X}");
    }
}

#[test]
fn keys_sign_and_agree() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        card.run("00 47 00 9A 05 AC 03 80 01 11 00 => 6982");
        administrate(&mut card);
        card.run(
            "00 47 00 9A 05 AC 03 80 01 11 00 => 7F 49 43 86 41 04*
             00 47 00 9D 05 AC 03 80 01 11 00 => 7F 49 43 86 41 04*
             00 47 00 9A 05 AC 03 80 01 22 00 => 6A80
             00 47 00 9F 05 AC 03 80 01 11 00 => 6A86
             00 47 01 9A 05 AC 03 80 01 11 00 => 6A86
             00 47 00 9A 02 AC 00 00 => 6A80",
        );
        let sign = "00 87 11 9A 26 7C 24 82 00 81 20 AF 2B DB E1 AA 9B 6E C1 E2 AD E1 D6 94 F4 1F C7 1A 83 1D 02 68 E9 89 15 62 11 3D 8A 62 AD D1 BF 00";
        card.run(&format!("{sign} => 6982\n{VERIFY} => 9000\n{sign} => 7C*\n{sign} => 7C*"));
        card.run(&format!("{} => 6A86", sign.replacen("11 9A", "14 9A", 1)));
        card.run(&format!("{} => 6A86", sign.replacen("11 9A", "11 9B", 1)));
        let none = if flavour == YubiKey { "6A88" } else { "6A86" };
        card.run(&format!("{} => {none}", sign.replacen("11 9A", "11 9E", 1)));
    }
}

/// Objects as they are on cards and in the documents: whatever the card was given it gives back.
#[test]
fn known_objects() {
    let objects = [
        (
            "5FC102",
            "3019D4E739DA739CED39CE739D836858210842108421C84210C3EB3410199EE7771657CFDE061B7457151AC46D\
             350832303330303130313E00FE00",
        ),
        (
            "5FC107",
            "F015A0000000795049562020322E332E322063617264202020F10121F20121F300F40111F50110F611000000\
             0000000000000000000000000000F700FA00FB00FC00FD00FE00",
        ),
        ("5FC10C", "C10105C20100FE00"),
        ("5FC105", "70191F8B080000000000020333606662640500D5F1431F05000000710101FE00"),
        ("5FC120", "700530030201057101 00FE00"),
    ];
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        administrate(&mut card);
        for (tag, value) in objects {
            let len = unhex(value).len();
            let get = format!("00 CB 3F FF 05 5C 03 {tag} 00");
            card.run(&format!("00 DB 3F FF {:02X} 5C 03 {tag} 53 {len:02X} {value} => 9000", len + 7));
            card.run(&format!("{get} => 53 {len:02X} {value} 90 00"));
            card.run(&format!("reset\n{SELECT} => 61*\n{get} => 53 {len:02X} {value} 90 00"));
            administrate(&mut card);
        }
    }
}

/// Objects of every length around the limits of length fields and answers, in parts and in one piece.
#[test]
fn long_objects() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        administrate(&mut card);
        for len in [1, 127, 128, 251, 252, 253, 254, 255, 256, 257, 508, 509, 1857, 3052] {
            let value: Vec<u8> = (0..len).map(|index| index as u8).collect();
            let field = cardmod_iso7816::tlv::length_field(len);
            let object = [&[0x53][..], &field, &value].concat();
            for part in
                chained([0x00, 0xDB, 0x3F, 0xFF], &[&unhex("5C035FC10A")[..], &object].concat(), false)
            {
                assert_eq!(card.data(&part), []);
            }
            let get = unhex("00 CB 3F FF 05 5C 03 5F C1 0A 00");
            assert_eq!(card.data(&get), object, "{len}");
            let first = card.send(&hex(&get));
            let waiting = object.len().saturating_sub(256);
            let end = match waiting {
                0 => "9000".to_owned(),
                1..=255 => format!("61{waiting:02X}"),
                _ => "6100".to_owned(),
            };
            assert_eq!((first.len() / 2, &first[first.len() - 4..]), (object.len().min(256) + 2, &*end));
            let whole = card.send("00 CB 3F FF 00 00 05 5C 03 5F C1 0A 00 00");
            assert_eq!(whole, format!("{}9000", hex(&object)), "{len}");
        }
    }
}

/// Section 2 of SP 800-73 part 2, 3.1.1: another application ends what was proved to this one, but for the
/// global PIN.
#[test]
fn another_application() {
    let dir = tempfile::tempdir().unwrap();
    let store = cardmod_virtual::Store::open(dir.path()).unwrap();
    let mut piv = profile(YubiKey);
    piv.global_pin = Some(cardmod_types::Pin::from("87654321"));
    store.create_dual("test", &common::profile(), &piv).unwrap();
    let card = store.open_card("test").unwrap();
    let mut card = Bench { dir, store, card };
    card.send(SELECT);
    administrate(&mut card);
    card.run(&format!(
        "00 47 00 9A 05 AC 03 80 01 11 00 => 7F49*
         00 47 00 9C 05 AC 03 80 01 11 00 => 7F49*
         00 20 00 00 08 38 37 36 35 34 33 32 31 => 9000
         {VERIFY} => 9000
         {gids} => 61*
         00 20 00 80 => 63C3                                # the other application's PIN
         {SELECT} => 61*
         00 20 00 80 => 63C3
         00 20 00 00 => 9000
         00 DB 3F FF 07 5C 03 5F C1 02 53 00 => 6982
         00 87 11 9A 26 7C 24 82 00 81 20 {hash} 00 => 7C*
         00 20 00 00 08 38 37 36 35 34 33 32 31 => 9000
         {gids} => 61*
         {SELECT} => 61*
         00 87 11 9C 26 7C 24 82 00 81 20 {hash} 00 => 6982
         reset
         {SELECT} => 61*
         00 20 00 00 => 63C3",
        gids = common::SELECT,
        hash = "5A".repeat(32),
    ));
}
