//! The virtual PIV card: selection, data objects, PINs, keys, the administrator, as exchanges of bytes.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_virtual::PivFlavour::{Standard, YubiKey};
use common::piv::{FLAVOURS, SELECT, VERIFY, administrate, bench};

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
