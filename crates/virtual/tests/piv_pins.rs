//! PIN, PUK and global PIN of the virtual PIV card: forms, counts, states; SP 800-73 part 2, 3.2.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_types::Pin;
use cardmod_virtual::PivFlavour::{Standard, YubiKey};
use common::piv::{FLAVOURS, VERIFY, administrate, bench, bench_with};

#[test]
fn tries_count_down_and_block() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        card.run(
            "00 20 00 80 => 63C3
             00 20 00 80 08 31 32 33 34 35 37 FF FF => 63C2
             00 20 00 80 => 63C2
             00 20 00 80 08 31 32 33 34 35 36 FF FF => 9000
             00 20 00 80 => 9000
             00 20 00 80 08 31 32 33 34 35 37 FF FF => 63C2
             00 20 00 80 => 63C2                           # and the state is gone
             00 20 00 80 08 31 32 33 34 35 37 FF FF => 63C1
             reset
             00 A4 04 00 05 A0 00 00 03 08 00 => 61*
             00 20 00 80 08 31 32 33 34 35 37 FF FF => 63C0
             00 20 00 80 08 31 32 33 34 35 36 FF FF => 6983
             00 20 00 80 => 6983
             00 24 00 80 10 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF FF => 6983
             00 2C 00 80 10 31 32 33 34 35 36 37 39 36 35 34 33 32 31 FF FF => 63C2
             00 2C 00 80 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 FF FF => 9000
             00 20 00 80 => 63C3
             00 20 00 80 08 36 35 34 33 32 31 FF FF => 9000
             00 2C 00 80 10 31 32 33 34 35 36 37 39 36 35 34 33 32 31 FF FF => 63C2
             00 20 00 80 => 9000                           # the PUK says nothing about the PIN
             00 2C 00 80 10 31 32 33 34 35 36 37 39 36 35 34 33 32 31 FF FF => 63C1
             00 24 00 81 10 31 32 33 34 35 36 37 39 31 31 31 31 31 31 31 31 => 63C0
             00 24 00 81 10 31 32 33 34 35 36 37 38 31 31 31 31 31 31 31 31 => 6983
             00 2C 00 80 10 31 32 33 34 35 36 37 38 36 35 34 33 32 31 FF FF => 6983
             00 20 00 80 => 9000",
        );
    }
}

#[test]
fn parameters_and_references() {
    for flavour in FLAVOURS {
        bench(flavour).run(
            "00 20 00 00 => 6A88                           # there is no global PIN
             00 20 00 00 08 31 32 33 34 35 36 FF FF => 6A88
             00 20 FF 00 => 6A88
             00 20 00 81 => 6A88                           # the PUK is not verified
             00 20 00 96 => 6A88
             00 20 00 98 => 6A88
             00 20 01 80 => 6A86
             00 20 FF 80 08 31 32 33 34 35 36 FF FF => 6700
             00 24 01 80 10 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF FF => 6A86
             00 24 00 00 10 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF FF => 6A88
             00 24 00 9B 10 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF FF => 6A88
             00 2C 00 81 10 31 32 33 34 35 36 37 38 31 32 33 34 35 36 FF FF => 6A88
             00 2C 01 80 10 31 32 33 34 35 36 37 38 31 32 33 34 35 36 FF FF => 6A86
             00 24 00 80 => 6700
             00 2C 00 80 => 6700
             10 20 00 80 04 31 32 33 34 => 6884
             00 20 00 80 08 31 32 33 34 35 36 FF FF => 9000
             00 20 FF 80 => 9000
             00 20 00 80 => 63C3
             00 20 FF 80 => 9000",
        );
    }
}

/// What has not the form of a PIN costs nothing; a YubiKey looks at the length alone.
#[test]
fn forms() {
    let unpadded = "
        00 20 00 80 06 31 32 33 34 35 36 => 6A80
        00 20 00 80 09 31 32 33 34 35 36 37 38 39 => 6A80
        00 24 00 80 0F 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF => 6A80
        00 24 00 80 11 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF FF FF => 6A80
        00 2C 00 80 08 31 32 33 34 35 36 37 38 => 6A80
        00 20 00 80 => 63C3";
    let mut card = bench(Standard);
    card.run(unpadded);
    card.run(
        "00 20 00 80 08 31 32 33 34 FF FF FF FF => 6A80
         00 20 00 80 08 31 32 33 34 35 61 FF FF => 6A80
         00 20 00 80 08 31 32 33 34 35 36 00 00 => 6A80
         00 20 00 80 08 31 32 33 34 35 36 FF 37 => 6A80
         00 20 00 80 08 FF FF FF FF FF FF FF FF => 6A80
         00 24 00 80 10 31 32 33 34 35 36 FF FF 31 32 33 34 35 FF FF FF => 6A80
         00 24 00 80 10 31 32 33 34 35 37 FF FF 31 32 33 34 35 FF FF FF => 6A80
         00 2C 00 80 10 31 32 33 34 35 36 37 39 31 32 33 34 35 61 FF FF => 6A80
         00 20 00 80 => 63C3
         00 24 00 81 10 31 32 33 34 35 36 37 38 00 FF 00 00 00 00 00 00 => 9000
         00 2C 00 80 10 00 FF 00 00 00 00 00 00 36 35 34 33 32 31 FF FF => 9000
         00 20 00 80 08 36 35 34 33 32 31 FF FF => 9000",
    );
    let mut card = bench(YubiKey);
    card.run(unpadded);
    card.run(
        "00 20 00 80 08 31 32 33 34 FF FF FF FF => 63C2
         00 24 00 80 10 31 32 33 34 35 36 FF FF 61 62 63 64 65 66 67 FF => 9000
         00 20 00 80 08 61 62 63 64 65 66 67 FF => 9000
         00 24 00 80 10 61 62 63 64 65 66 67 FF 31 32 33 34 35 FF FF FF => 6A80   # the right old one
         00 20 00 80 => 9000
         00 24 00 80 10 FF FF FF FF FF FF FF FF 31 32 33 34 35 FF FF FF => 63C2
         00 24 00 81 10 31 32 33 34 35 36 37 38 31 32 33 34 35 FF FF FF => 6A80
         00 24 00 81 10 31 32 33 34 35 36 37 38 31 32 33 34 35 36 FF FF => 9000
         00 2C 00 80 10 31 32 33 34 35 36 FF FF 31 32 33 34 35 36 FF FF => 9000",
    );
}

/// ykman and yubico-piv-tool block PIN and PUK with values that neither can have, then reset.
#[test]
fn a_yubikey_is_reset() {
    let mut card = bench_with(YubiKey, |profile| {
        profile.pin = Pin::from("654321");
        profile.pin_tries = 5;
        profile.puk_tries = 2;
    });
    administrate(&mut card);
    card.run(
        "00 47 00 9A 05 AC 03 80 01 11 00 => 7F49*
         00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => 9000
         00 FF FF FF 13 08 9B 10 00 01 02 03 04 05 06 07 08 09 0A 0B 0C 0D 0E 0F => 9000
         00 F7 00 9B 00 => 01 01 08 02 02 00 01 05 01 00 90 00
         00 FB 00 00 => 6985
         00 F7 00 80 00 => 01 01 FF 05 01 00 06 02 05 05 90 00
         00 F7 00 81 00 => 01 01 FF 05 01 01 06 02 02 02 90 00",
    );
    let attested = card.send("00 CB 3F FF 05 5C 03 5F FF 01 00");
    for left in (0..5).rev() {
        let wrong = card.send("00 20 00 80 08 FF FF FF FF FF FF FF FF");
        assert_eq!(wrong, format!("63C{left}"));
    }
    card.run(
        "00 FB 00 00 => 6985
         00 2C 00 80 10 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF => 63C1
         00 2C 00 80 10 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF => 63C0
         00 F7 00 81 00 => 01 01 FF 05 01 01 06 02 02 00 90 00
         00 FB 01 00 => 6A86
         00 FB 00 00 => 9000
         00 F7 00 80 00 => 01 01 FF 05 01 01 06 02 03 03 90 00
         00 F7 00 81 00 => 01 01 FF 05 01 01 06 02 03 03 90 00
         00 F7 00 9B 00 => 01 01 03 02 02 00 01 05 01 01 90 00
         00 F7 00 9A 00 => 6A88
         00 CB 3F FF 05 5C 03 5F C1 02 00 => 6A82
         00 CB 3F FF 05 5C 03 5F C1 0C 00 => 6A82
         00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00 => 6982",
    );
    assert_eq!(card.send("00 CB 3F FF 05 5C 03 5F FF 01 00"), attested, "what attests stays");
    administrate(&mut card);
    card.run(&format!("{VERIFY} => 9000"));
}

#[test]
fn tries_are_set_by_the_administrator_who_has_the_pin() {
    let mut card = bench_with(YubiKey, |profile| profile.puk = Pin::from("87654321"));
    card.run("00 FA 05 0A => 6982");
    administrate(&mut card);
    card.run(&format!(
        "00 FA 05 0A => 6982
         {VERIFY} => 9000
         00 FA 00 0A => 6A86
         00 FA 05 00 => 6A86
         00 FA 05 0A 01 00 => 6700
         00 FA 14 FF => 9000
         00 20 00 80 => 63CF                               # twenty do not fit
         00 F7 00 80 00 => 01 01 FF 05 01 01 06 02 14 14 90 00
         00 F7 00 81 00 => 01 01 FF 05 01 01 06 02 FF FF 90 00
         {VERIFY} => 9000
         00 FA 01 01 => 9000
         00 20 00 80 08 30 30 30 30 30 30 FF FF => 63C0
         {VERIFY} => 6983"
    ));
}

/// SP 800-73 part 1, 3.3.2: Discovery says whether there is a global PIN, and either opens the application.
#[test]
fn a_global_pin() {
    for flavour in FLAVOURS {
        let mut card = bench_with(flavour, |profile| profile.global_pin = Some(Pin::from("87654321")));
        administrate(&mut card);
        card.run(
            "00 CB 3F FF 03 5C 01 7E 00 => 7E 12 4F 0B A0 00 00 03 08 00 00 10 00 01 00 5F 2F 02 60 10 90 00
             00 47 00 9A 05 AC 03 80 01 11 00 => 7F49*
             00 20 00 00 => 63C3
             00 20 00 00 08 31 32 33 34 35 36 37 38 => 63C2
             00 20 00 80 => 63C3
             00 20 00 00 08 38 37 36 35 34 33 32 31 => 9000
             00 20 00 00 => 9000
             00 20 00 80 => 63C3
             00 CB 3F FF 05 5C 03 5F C1 09 00 => 6A82",
        );
        let sign = format!("00 87 11 9A 26 7C 24 82 00 81 20 {} 00", "5A".repeat(32));
        card.run(&format!("{sign} => 7C*\n 00 20 FF 00 => 9000\n {sign} => 6982"));
        card.run(
            "00 24 00 00 10 38 37 36 35 34 33 32 31 31 31 31 31 31 31 FF FF => 9000
             00 20 00 00 08 31 31 31 31 31 31 FF FF => 9000",
        );
        card.run(&format!("{VERIFY} => 9000\n 00 20 FF 80 => 9000\n {sign} => 7C*"));
    }
}

#[test]
fn the_global_pin_first() {
    let mut card = bench_with(Standard, |profile| {
        profile.global_pin = Some(Pin::from("87654321"));
        profile.global_pin_first = true;
    });
    card.run(
        "00 CB 3F FF 03 5C 01 7E 00 => 7E 12 4F 0B A0 00 00 03 08 00 00 10 00 01 00 5F 2F 02 60 20 90 00",
    );
    let dir = tempfile::tempdir().unwrap();
    let store = cardmod_virtual::Store::open(dir.path()).unwrap();
    let mut profile = common::piv::profile(Standard);
    profile.global_pin_first = true;
    let refused = store.create_piv("test", &profile).unwrap_err();
    assert_eq!(refused.to_string(), "there is no global PIN that could be asked for first");
    profile.global_pin_first = false;
    profile.firmware = [5, 7, 0];
    let refused = store.create_piv("test", &profile).unwrap_err();
    assert_eq!(refused.to_string(), "a standard PIV card says nothing about its firmware");
}
