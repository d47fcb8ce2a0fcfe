//! The administrator of the virtual PIV card, and what YubiKeys say about themselves.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cardmod_types::SecretBytes;
use cardmod_virtual::ManagementAlgorithm;
use cardmod_virtual::PivFlavour::{Standard, YubiKey};
use common::piv::{FLAVOURS, SELECT, WITNESS, administrate, bench, bench_with, cryptogram};
use common::{Bench, hex, unhex};

const PUT: &str = "00 DB 3F FF 09 5C 03 5F C1 0C 53 02 FE 00";

#[test]
fn one_sided_authentication() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        card.run(&format!("{PUT} => 6982"));
        administrate(&mut card);
        card.run(&format!("{PUT} => 9000"));
        // An answer counts once, a wrong one ends what was gained.
        let challenge = card.send("00 87 00 9B 04 7C 02 81 00 00");
        let response = hex(&cryptogram(&unhex(&challenge[8..24])));
        card.run(&format!("00 87 03 9B 0C 7C 0A 82 08 {response} => 9000\n{PUT} => 9000"));
        card.run(&format!("00 87 03 9B 0C 7C 0A 82 08 {response} => 6982\n{PUT} => 6982"));
        administrate(&mut card);
        card.run(&format!(
            "00 87 03 9B 04 7C 02 81 00 00 => 7C 0A 81 08*
             00 87 03 9B 0C 7C 0A 82 08 00 11 22 33 44 55 66 77 => 6982
             {PUT} => 6982"
        ));
        card.run(
            "00 87 08 9B 04 7C 02 81 00 00 => 6A86                   # another algorithm than the key's
             00 87 11 9B 04 7C 02 81 00 00 => 6A86
             00 87 03 9B 0C 7C 0A 81 08 00 11 22 33 44 55 66 77 00 => 6A80   # nothing is encrypted for strangers
             00 87 03 9B 0E 7C 0C 81 08 00 11 22 33 44 55 66 77 82 00 00 => 6A80
             00 87 03 9B 04 7C 02 85 00 00 => 6A80
             00 87 03 9B 04 7C 02 83 00 00 => 6A80
             00 87 03 9B 06 7C 04 81 00 81 00 00 => 6A80
             00 87 03 9B 06 7C 04 81 00 80 00 00 => 6A80
             00 87 03 9B 06 7C 04 81 00 82 00 00 => 7C 0A 81 08*",
        );
    }
}

#[test]
fn mutual_authentication() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        let witness = card.send(WITNESS);
        assert!(witness.starts_with("7C0A8008"), "{witness}");
        let plain = hex(&decrypted::<des::TdesEde3>(&common::ADMIN_KEY, &unhex(&witness[8..24])));
        let step = format!("00 87 03 9B 16 7C 14 80 08 {plain} 81 08 01 02 03 04 05 06 07 08 00");
        card.run(&format!("{step} => 7C 0A 82 08 77 A7 D6 BC F5 79 62 B9 90 00\n{PUT} => 9000"));
        card.run(&format!("{step} => 6982\n{PUT} => 6982                # a witness serves once"));
        card.run(&format!(
            "{WITNESS} => 7C*
             00 87 03 9B 18 7C 16 80 08 00 00 00 00 00 00 00 00 81 08 01 02 03 04 05 06 07 08 82 00 00 => 6982
             {WITNESS} => 7C*
             00 87 03 9B 15 7C 13 80 08 00 00 00 00 00 00 00 00 81 07 01 02 03 04 05 06 07 00 => 6A80"
        ));
        // A challenge is no witness, and the other way round.
        card.send("00 87 03 9B 04 7C 02 81 00 00");
        card.run(&format!("{step} => 6982"));
        card.send(WITNESS);
        card.run("00 87 03 9B 0C 7C 0A 82 08 00 11 22 33 44 55 66 77 => 6982");
    }
}

#[test]
fn aes_management_keys() {
    let keys: [(ManagementAlgorithm, &str, Vec<u8>); 3] = [
        (ManagementAlgorithm::Aes128, "08", (0..16).collect()),
        (ManagementAlgorithm::Aes192, "0A", common::ADMIN_KEY.to_vec()),
        (ManagementAlgorithm::Aes256, "0C", (0..32).collect()),
    ];
    for (algorithm, id, key) in keys {
        for flavour in FLAVOURS {
            let mut card = bench_with(flavour, |profile| {
                profile.management_algorithm = algorithm;
                profile.management_key = SecretBytes::from(key.as_slice());
            });
            card.run(&format!("{WITNESS} => 6A86"));
            prove(&mut card, id, &key);
            card.run(&format!("{PUT} => 9000"));
            let challenge = card.send(&format!("00 87 {id} 9B 04 7C 02 81 00 00"));
            assert!(challenge.starts_with("7C128110"), "{challenge}");
            let response = hex(&encrypted(id, &key, &unhex(&challenge[8..40])));
            card.run(&format!("00 87 {id} 9B 14 7C 12 82 10 {response} => 9000"));
        }
        // The same key set by command.
        let mut card = bench(YubiKey);
        administrate(&mut card);
        let len = key.len();
        card.run(&format!("00 FF FF FF {:02X} {id} 9B {len:02X} {} => 9000", len + 3, hex(&key)));
        card.run(&format!("{PUT} => 9000\nreset\n{SELECT} => 61*\n{WITNESS} => 6A86"));
        let default = if id == "0A" { "01" } else { "00" };
        card.run(&format!("00 F7 00 9B 00 => 01 01 {id} 02 02 00 01 05 01 {default} 90 00"));
        prove(&mut card, id, &key);
        card.run(&format!("{PUT} => 9000"));
    }
}

/// Mutual authentication with an AES key.
fn prove(card: &mut Bench, id: &str, key: &[u8]) {
    let witness = card.send(&format!("00 87 {id} 9B 04 7C 02 80 00 00"));
    assert!(witness.starts_with("7C128010"), "{witness}");
    let sealed = unhex(&witness[8..40]);
    let plain = match id {
        "08" => decrypted::<aes::Aes128>(key, &sealed),
        "0A" => decrypted::<aes::Aes192>(key, &sealed),
        _ => decrypted::<aes::Aes256>(key, &sealed),
    };
    let own: Vec<u8> = (1..17).collect();
    let answer =
        card.send(&format!("00 87 {id} 9B 28 7C 26 80 10 {} 81 10 {} 82 00 00", hex(&plain), hex(&own)));
    assert_eq!(answer, format!("7C128210{}9000", hex(&encrypted(id, key, &own))));
}

fn encrypted(id: &str, key: &[u8], block: &[u8]) -> Vec<u8> {
    fn run<C: BlockCipherEncrypt + KeyInit>(key: &[u8], block: &[u8]) -> Vec<u8> {
        let mut block = Block::<C>::try_from(block).unwrap();
        C::new_from_slice(key).unwrap().encrypt_block(&mut block);
        block.to_vec()
    }
    match id {
        "08" => run::<aes::Aes128>(key, block),
        "0A" => run::<aes::Aes192>(key, block),
        _ => run::<aes::Aes256>(key, block),
    }
}

fn decrypted<C: BlockCipherDecrypt + KeyInit>(key: &[u8], block: &[u8]) -> Vec<u8> {
    let mut block = Block::<C>::try_from(block).unwrap();
    C::new_from_slice(key).unwrap().decrypt_block(&mut block);
    block.to_vec()
}

#[test]
fn the_management_key_is_replaced() {
    let mut card = bench(YubiKey);
    let new = "08 07 06 05 04 03 02 01".repeat(3);
    let set = |p2: &str| format!("00 FF FF {p2} 1B 03 9B 18 {new}");
    card.run(&format!("{} => 6982", set("FF")));
    administrate(&mut card);
    card.run(&format!(
        "00 FF FF FC 1B 03 9B 18 {new} => 6A86
         00 FF 00 FF 1B 03 9B 18 {new} => 6A86
         00 FF FF FF 1B 03 9A 18 {new} => 6A80
         00 FF FF FF 1B 00 9B 18 {new} => 6A80
         00 FF FF FF 1B 08 9B 18 {new} => 6A80
         00 FF FF FF 1B 11 9B 18 {new} => 6A80
         00 FF FF FF 1B 03 9B 17 {new} => 6A80
         00 FF FF FF 02 03 9B => 6A80
         00 FF FF FF => 6700
         00 F7 00 9B 00 => 01 01 03 02 02 00 01 05 01 01 90 00
         {} => 9000
         00 F7 00 9B 00 => 01 01 03 02 02 00 02 05 01 00 90 00
         {} => 9000
         00 F7 00 9B 00 => 01 01 03 02 02 00 03 05 01 00 90 00",
        set("FE"),
        set("FD")
    ));
    card.send(SELECT);
    let challenge = card.send("00 87 03 9B 04 7C 02 81 00 00");
    let old = hex(&cryptogram(&unhex(&challenge[8..24])));
    card.run(&format!("00 87 03 9B 0C 7C 0A 82 08 {old} => 6982"));
}

#[test]
fn what_a_yubikey_says_about_itself() {
    let mut card = bench(YubiKey);
    let serial = card.send("00 F8 00 00 00");
    assert_eq!(serial.len(), 12);
    assert_eq!(card.send("00 F8 00 00"), serial, "also where no length is expected");
    assert_ne!(bench(YubiKey).send("00 F8 00 00"), serial);
    card.run(
        "00 FD 00 00 00 => 05 04 03 90 00
         00 FD 00 01 00 => 6A86
         00 F8 01 00 00 => 6A86
         00 F7 00 80 00 => 01 01 FF 05 01 01 06 02 03 03 90 00
         00 F7 00 81 00 => 01 01 FF 05 01 01 06 02 03 03 90 00
         00 F7 00 9B 00 => 01 01 03 02 02 00 01 05 01 01 90 00
         00 F7 00 9A 00 => 6A88
         00 F7 00 96 00 => 6A88
         00 F7 00 00 00 => 6A88
         00 F7 01 80 00 => 6A86
         00 F7 00 F9 00 => 01 01 11 02 02 02 01 03 01 02 04 43 86 41 04*
         00 20 00 80 08 31 32 33 34 35 37 FF FF => 63C2
         00 F7 00 80 00 => 01 01 FF 05 01 01 06 02 03 02 90 00
         00 24 00 80 10 31 32 33 34 35 36 FF FF 36 35 34 33 32 31 FF FF => 9000
         00 F7 00 80 00 => 01 01 FF 05 01 00 06 02 03 03 90 00",
    );
    // A host that expects nothing gets what fits all the same, as from the token.
    card.run("00 CB 3F FF 05 5C 03 5F C1 02 => 53 3B*\n00 87 03 9B 04 7C 02 81 00 => 7C 0A*");
    bench(Standard)
        .run("00 CB 3F FF 05 5C 03 5F C1 02 => 53 3B*\n00 CB 3F FF 05 5C 03 5F C1 02 02 => 53 3B 61 3B");
}

/// Programs go by the version; the card does all the same things. A reset gives the key of its time.
#[test]
fn another_firmware() {
    let mut card = bench_with(YubiKey, |profile| profile.firmware = [5, 7, 1]);
    card.run("00 FD 00 00 00 => 05 07 01 90 00\n00 F7 00 9B 00 => 01 01 03*");
    for _ in 0..3 {
        card.send("00 20 00 80 08 FF FF FF FF FF FF FF FF");
        card.send("00 2C 00 80 10 FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF");
    }
    card.run("00 FB 00 00 => 9000\n00 F7 00 9B 00 => 01 01 0A 02 02 00 01 05 01 01 90 00");
    card.run("00 FD 00 00 00 => 05 07 01 90 00");
    prove(&mut card, "0A", &common::ADMIN_KEY);
    card.run(&format!("{PUT} => 9000"));
}
