//! Keys of the virtual PIV card: every algorithm, import, policies, moving, metadata.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use cardmod_crypto::{KeyKind, PrivateKey};
use cardmod_virtual::PivFlavour::{Standard, YubiKey};
use common::piv::{FLAVOURS, SELECT, VERIFY, administrate, bench, bench_with};
use common::{Bench, chained, hex, unhex};

const SIGN: &str =
    "00 87 11 9C 26 7C 24 82 00 81 20 5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A 00";

/// GENERAL AUTHENTICATE with the input under this tag; the response without its templates.
fn use_key(bench: &mut Bench, algorithm: u8, slot: u8, tag: u8, input: &[u8]) -> Vec<u8> {
    let body = [&[0x82, 0x00, tag][..], &length(input.len()), input].concat();
    let data = [&[0x7C][..], &length(body.len()), &body].concat();
    let parts = chained([0x00, 0x87, algorithm, slot], &data, true);
    let (last, first) = parts.split_last().unwrap();
    for part in first {
        assert!(bench.data(part).is_empty());
    }
    let answer = bench.data(last);
    value(&value(&answer, 0x7C), 0x82)
}

fn length(len: usize) -> Vec<u8> {
    cardmod_iso7816::tlv::length_field(len)
}

/// The value of the one object that `bytes` are, or of the first with the tag.
fn value(bytes: &[u8], tag: u32) -> Vec<u8> {
    let found = cardmod_iso7816::tlv::Reader::new(bytes).find(cardmod_iso7816::tlv::Tag::new(tag));
    found.unwrap().unwrap_or_else(|| panic!("no {tag:02X} in {}", hex(bytes))).to_vec()
}

fn generate(bench: &mut Bench, slot: u8, algorithm: u8) -> Vec<u8> {
    let answer = bench.data(&unhex(&format!("00 47 00 {slot:02X} 05 AC 03 80 01 {algorithm:02X} 00")));
    value(&answer, 0x7F49)
}

fn import(bench: &mut Bench, slot: u8, algorithm: u8, fields: &[(u8, &[u8])]) -> u16 {
    let mut data = Vec::new();
    for (tag, part) in fields {
        data.extend([&[*tag][..], &length(part.len()), part].concat());
    }
    let parts = chained([0x00, 0xFE, algorithm, slot], &data, false);
    parts.iter().fold(0, |_, part| bench.exchange(part).1)
}

/// A block as PKCS #1 v1.5 makes it, of which raw RSA sees nothing.
fn block(len: usize) -> Vec<u8> {
    let mut block = vec![0xFF; len];
    block[0] = 0;
    block[1] = 1;
    block[len - 33] = 0;
    block
}

fn rsa_verifies(fields: &[u8], block: &[u8], signature: &[u8]) {
    use rsa::BoxedUint;
    let number = |bytes: &[u8]| BoxedUint::from_be_slice_vartime(bytes);
    let key = rsa::RsaPublicKey::new(number(&value(fields, 0x81)), number(&value(fields, 0x82))).unwrap();
    key.verify(rsa::Pkcs1v15Sign::new_unprefixed(), &block[block.len() - 32..], signature).unwrap();
}

#[test]
fn rsa_keys() {
    let all = [(0x06, 1024), (0x07, 2048), (0x05, 3072), (0x16, 4096)];
    for (flavour, sizes) in [(Standard, &all[1..3]), (YubiKey, &all[..])] {
        let mut card = bench(flavour);
        administrate(&mut card);
        card.send(VERIFY);
        for (algorithm, bits) in sizes {
            let fields = generate(&mut card, 0x9A, *algorithm);
            assert_eq!(value(&fields, 0x81).len(), bits / 8);
            let input = block(bits / 8);
            let signature = use_key(&mut card, *algorithm, 0x9A, 0x81, &input);
            rsa_verifies(&fields, &input, &signature);
            for wrong in
                [vec![1; bits / 8 - 1], vec![1; bits / 8 + 1], vec![0xFF; bits / 8], vec![0; bits / 8]]
            {
                let body = [&[0x82, 0x00, 0x81][..], &length(wrong.len()), &wrong].concat();
                let data = [&[0x7C][..], &length(body.len()), &body].concat();
                let parts = chained([0x00, 0x87, *algorithm, 0x9A], &data, true);
                let answers: Vec<u16> = parts.iter().map(|part| card.exchange(part).1).collect();
                assert_eq!(answers.last(), Some(&0x6A80));
            }
        }
    }
}

/// SP 800-73 part 2, A.3: a template of 266 bytes in two parts, an answer of 264 bytes in two.
#[test]
fn rsa_2048_in_short_apdus() {
    let mut card = bench(Standard);
    administrate(&mut card);
    generate(&mut card, 0x9A, 0x07);
    card.send(VERIFY);
    let input = hex(&block(256));
    card.run(&format!("10 87 07 9A FF 7C 82 01 06 82 00 81 82 01 00 {} => 9000", &input[..490]));
    let first = card.send(&format!("00 87 07 9A 0B {} 00", &input[490..]));
    assert!(first.starts_with("7C82010482820100") && first.ends_with("6108"), "{first}");
    let rest = card.send("00 C0 00 00 08");
    assert!(rest.len() == 20 && rest.ends_with("9000"));
    // The same in one extended APDU.
    let whole = card.send(&format!("00 87 07 9A 00 01 0A 7C 82 01 06 82 00 81 82 01 00 {input} 00 00"));
    assert_eq!(whole, format!("{}{rest}", &first[..first.len() - 4]));
    // A broken chain has no effect.
    card.run(&format!(
        "10 87 07 9A FF 7C 82 01 06 82 00 81 82 01 00 {} => 9000\n00 20 00 80 => 9000",
        &input[..490]
    ));
    card.run(&format!("00 87 07 9A 0B {} 00 => 6A80", &input[490..]));
}

#[test]
fn extended_length_only_where_the_card_says_so() {
    for flavour in FLAVOURS {
        let mut card = bench_with(flavour, |profile| profile.options.extended_length = false);
        card.run(
            "00 A4 04 00 00 00 09 A0 00 00 03 08 00 00 10 00 00 00 => 6700
             00 A4 04 00 09 A0 00 00 03 08 00 00 10 00 00 => 61*",
        );
    }
}

#[test]
fn nist_curves() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        administrate(&mut card);
        card.send(VERIFY);
        for (algorithm, kind) in [(0x11, KeyKind::P256), (0x14, KeyKind::P384)] {
            for slot in [0x9A, 0x9D, 0x9E, 0x82, 0x95] {
                let point = value(&generate(&mut card, slot, algorithm), 0x86);
                let digest = vec![0x3C; kind.block_len()];
                let signature = use_key(&mut card, algorithm, slot, 0x81, &digest);
                verify_ecdsa(kind, &point, &digest, &signature);
                let peer = PrivateKey::generate(kind).unwrap();
                if flavour == YubiKey || slot == 0x9D || slot < 0x9A {
                    let shared = use_key(&mut card, algorithm, slot, 0x85, peer.ec_point().unwrap());
                    assert_eq!(shared, *peer.ecdh(&point).unwrap());
                } else {
                    let body =
                        [&[0x82, 0x00, 0x85, point.len() as u8][..], peer.ec_point().unwrap()].concat();
                    let data = [&[0x7C, body.len() as u8][..], &body].concat();
                    let apdu = [&[0x00, 0x87, algorithm, slot, data.len() as u8][..], &data, &[0]].concat();
                    assert_eq!(card.exchange(&apdu).1, 0x6A80, "no agreement with {slot:02X}");
                }
            }
        }
        card.run(&format!(
            "00 87 11 82 26 7C 24 82 00 81 20 {hash} 00 => 6A86          # the slot has P-384
             00 87 14 82 26 7C 24 82 00 81 20 {hash} 00 => {short}       # a hash too short but for tokens
             00 87 14 82 37 7C 35 82 00 81 31 {hash}{half}00 00 => 6A80  # one too long
             00 87 14 82 24 7C 22 81 20 {hash} 00 => 6A80                # no response asked for
             00 87 14 82 26 7C 24 81 20 {hash} 82 00 00 => {short}
             00 87 14 82 47 7C 45 82 00 85 41 04 {hash}{hash} 00 => 6A80 # no point of the curve
             00 87 14 82 04 7C 02 82 00 00 => 6A80
             00 87 14 82 02 7C 00 00 => 6A80
             00 87 14 82 03 7D 01 00 00 => 6A80
             00 87 14 82 => 6700
             00 87 14 81 04 7C 02 82 00 00 => 6A86
             00 87 14 F9 04 7C 02 82 00 00 => 6A86
             00 87 55 82 04 7C 02 82 00 00 => 6A86",
            hash = "3C".repeat(32),
            half = "3C".repeat(16),
            short = if flavour == YubiKey { "7C*" } else { "6A80" },
        ));
        // The order inside the template does not matter.
        card.run(&format!("00 87 14 82 36 7C 34 81 30 {} 82 00 00 => 7C*", "3C".repeat(48)));
    }
}

fn verify_ecdsa(kind: KeyKind, point: &[u8], digest: &[u8], signature: &[u8]) {
    use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
    if kind == KeyKind::P256 {
        let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
        key.verify_prehash(digest, &p256::ecdsa::Signature::from_der(signature).unwrap()).unwrap();
    } else {
        let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
        key.verify_prehash(digest, &p384::ecdsa::Signature::from_der(signature).unwrap()).unwrap();
    }
}

/// RFC 8032 TEST 3 and RFC 7748, 6.1, with imported keys.
#[test]
fn edwards_and_montgomery() {
    let mut card = bench(YubiKey);
    administrate(&mut card);
    card.send(VERIFY);
    let seed = unhex("C5AA8DF43F9F837BEDB7442F31DCB7B166D38535076F094B85CE3A2E0B4458F7");
    assert_eq!(import(&mut card, 0x9A, 0xE0, &[(7, &seed)]), 0x9000);
    assert_eq!(
        hex(&use_key(&mut card, 0xE0, 0x9A, 0x81, &[0xAF, 0x82])),
        "6291D657DEEC24024827E69C3ABE01A30CE548A284743A445E3680D7DB5AC3AC\
         18FF9B538D16F290AE67F760984DC6594A7C15E9716ED28DC027BECEEA1EC40A"
    );
    assert_eq!(use_key(&mut card, 0xE0, 0x9A, 0x81, &[0x5A; 3000]).len(), 64, "a long message in parts");
    let private = unhex("5DAB087E624A8A4B79E17F8B83800EE66F3BB1292618B6FD1C2F8B27FF88E0EB");
    assert_eq!(import(&mut card, 0x9D, 0xE1, &[(8, &private)]), 0x9000);
    let peer = unhex("8520F0098930A754748B7DDCB43EF75A0DBF3A0D26381AF4EBA4A98EAA9B4E6A");
    assert_eq!(
        hex(&use_key(&mut card, 0xE1, 0x9D, 0x85, &peer)),
        "4A5D9D5BA4CE2DE1728E3BF480350F25E07E21C947D19E3376F09B3C1E161742"
    );
    assert_eq!(value(&generate(&mut card, 0x82, 0xE1), 0x86).len(), 32);
    assert_eq!(value(&generate(&mut card, 0x83, 0xE0), 0x86).len(), 32);
    card.run(&format!(
        "00 87 E1 9D 26 7C 24 82 00 85 20 {zeros} 00 => 6A80
         00 87 E1 9D 26 7C 24 82 00 81 20 {zeros} 00 => 6A80
         00 87 E0 9A 26 7C 24 82 00 85 20 {zeros} 00 => 6A80
         00 47 00 F9 05 AC 03 80 01 E1 00 => 6A80",
        zeros = "00".repeat(32)
    ));
}

/// SP 800-73 example values of piv.md: the RFC 6979 key, and a NIST CAVP vector of ECC CDH.
#[test]
fn imported_keys() {
    let mut card = bench(YubiKey);
    let scalar = unhex("7D7DC5F71EB29DDAF80D6214632EEAE03D9058AF1FB6D22ED80BADB62BC1A534");
    assert_eq!(import(&mut card, 0x9D, 0x11, &[(6, &scalar)]), 0x6982);
    administrate(&mut card);
    assert_eq!(import(&mut card, 0x9D, 0x11, &[(6, &scalar)]), 0x9000);
    card.run(&format!(
        "{VERIFY} => 9000
         00 87 11 9D 47 7C 45 82 00 85 41 04 70 0C 48 F7 7F 56 58 4C 5C C6 32 CA 65 64 0D B9 1B 6B AC CE 3A 4D F6 B4 2C E7 CC 83 88 33 D2 87 DB 71 E5 09 E3 FD 9B 06 0D DB 20 BA 5C 51 DC C5 94 8D 46 FB F6 40 DF E0 44 17 82 CA B8 5F A4 AC 00 => 7C 22 82 20 46 FC 62 10 64 20 FF 01 2E 54 A4 34 FB DD 2D 25 CC C5 85 20 60 56 1E 68 04 0D D7 77 89 97 BD 7B 90 00"
    ));
    // RFC 6979, A.2.5, with the SHA-256 of "sample".
    let scalar = unhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
    assert_eq!(import(&mut card, 0x9A, 0x11, &[(6, &scalar)]), 0x9000);
    let digest = unhex("AF2BDBE1AA9B6EC1E2ADE1D694F41FC71A831D0268E9891562113D8A62ADD1BF");
    let signature = use_key(&mut card, 0x11, 0x9A, 0x81, &digest);
    let public = unhex(
        "0460FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6\
         7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
    );
    verify_ecdsa(KeyKind::P256, &public, &digest, &signature);
    for (kind, algorithm) in [(KeyKind::Rsa(1024), 0x06), (KeyKind::Rsa(2048), 0x07)] {
        let key = PrivateKey::generate(kind).unwrap();
        let der = key.to_der().unwrap();
        let parsed = rsa::pkcs1::RsaPrivateKeyRef::try_from(der.as_slice()).unwrap();
        let numbers = [parsed.prime1, parsed.prime2, parsed.exponent1, parsed.exponent2, parsed.coefficient];
        let fields: Vec<(u8, &[u8])> = (1..).zip(numbers.iter().map(|number| number.as_bytes())).collect();
        assert_eq!(import(&mut card, 0x9A, algorithm, &fields), 0x9000);
        let input = block(kind.block_len());
        assert_eq!(use_key(&mut card, algorithm, 0x9A, 0x81, &input), *key.rsa_raw(&input).unwrap());
        let metadata = card.data(&unhex("00 F7 00 9A 00"));
        assert_eq!(value(&metadata, 0x03), [2]);
        assert_eq!(value(&value(&metadata, 0x04), 0x81), key.rsa_public().unwrap().0);
        for missing in 0..5 {
            let mut fewer = fields.clone();
            fewer.remove(missing);
            assert_eq!(import(&mut card, 0x9A, algorithm, &fewer), 0x6A80);
        }
        assert_eq!(import(&mut card, 0x9A, algorithm ^ 1, &fields), 0x6A80, "another size");
        assert_eq!(import(&mut card, 0x9A, 0x11, &fields), 0x6A80);
        card.run("00 F9 9A 00 00 => 6A80                     # nobody attests what came from outside");
    }
    let bad: [&[(u8, &[u8])]; 7] = [
        &[],
        &[(6, &[0; 32])],
        &[(6, &[0xFF; 32])],
        &[(6, &[1; 33])],
        &[(6, &[1; 31])],
        &[(6, &scalar), (7, &scalar)],
        &[(6, &scalar), (0x5A, &[1])],
    ];
    for fields in bad {
        let answer = import(&mut card, 0x9D, 0x11, if fields.is_empty() { &[(6, &[])] } else { fields });
        assert_eq!(answer, 0x6A80);
    }
    assert_eq!(import(&mut card, 0x9B, 0x11, &[(6, &scalar)]), 0x6A86);
    assert_eq!(import(&mut card, 0x9D, 0x55, &[(6, &scalar)]), 0x6A86);
}

/// "PIN always": one operation, and only as the very next command; its parts count as one.
#[test]
fn a_pin_verified_immediately_before() {
    for flavour in FLAVOURS {
        let mut card = bench(flavour);
        administrate(&mut card);
        generate(&mut card, 0x9C, 0x11);
        generate(&mut card, 0x9A, 0x11);
        let other = SIGN.replacen("9C", "9A", 1);
        card.run(&format!(
            "{SIGN} => 6982
             {VERIFY} => 9000
             {SIGN} => 7C*
             {SIGN} => 6982
             {other} => 7C*                                  # whose policy is once
             {VERIFY} => 9000
             {other} => 7C*
             {SIGN} => 6982"
        ));
        let between = [
            "00 CB 3F FF 03 5C 01 7E 00",
            "00 20 00 80",
            "00 F7 00 9C 00",
            SELECT,
            "00 A4 04 00 05 A0 00 00 00 01 00",
            "00 C0 00 00 00",
            "80 20 00 80",
            "00",
            "00 87 11 9B 04 7C 02 82 00 00",
            "00 24 00 81 10 31 32 33 34 35 36 37 38 31 32 33 34 35 36 37 38",
            "10 87 11 9A 02 7C 24",
            "10 DB 3F FF 02 5C 03",
        ];
        for command in between {
            card.run(&format!("{VERIFY} => 9000"));
            card.send(command);
            card.run(&format!("{SIGN} => 6982\n00 20 00 80 => 9000"));
        }
        // In parts, then a second time.
        let (head, tail) = (unhex(SIGN)[5..25].to_vec(), unhex(SIGN)[25..].to_vec());
        let (first, last) =
            (format!("10 87 11 9C 14 {}", hex(&head)), format!("00 87 11 9C 12 {}", hex(&tail)));
        card.run(&format!(
            "{VERIFY} => 9000\n{first} => 9000\n{last} => 7C*\n{first} => 9000\n{last} => 6982"
        ));
        card.run(&format!("{VERIFY} => 9000\n{first} => 9000\n00 20 00 80 => 9000\n{SIGN} => 6982"));
        // A refused operation has used it up as well.
        let wrong = SIGN.replacen("87 11 9C", "87 14 9C", 1);
        card.run(&format!("{VERIFY} => 9000\n{wrong} => 6A86\n{SIGN} => 6982"));
        card.run(&format!("{VERIFY} => 9000\nreset\n{SELECT} => 61*\n{SIGN} => 6982"));
    }
}

#[test]
fn policies() {
    let mut card = bench(YubiKey);
    administrate(&mut card);
    let sign = |slot: &str| SIGN.replacen("9C", slot, 1);
    card.run(
        "00 47 00 9C 0B AC 09 80 01 11 AA 01 01 AB 01 02 00 => 7F49*
         00 47 00 9E 0B AC 09 80 01 11 AA 01 02 AB 01 03 00 => 7F49*
         00 47 00 9A 0B AC 09 80 01 11 AA 01 03 AB 01 01 00 => 7F49*
         00 47 00 9D 0B AC 09 80 01 11 AA 01 00 AB 01 00 00 => 7F49*
         00 F7 00 9C 00 => 01 01 11 02 02 01 02 03 01 01 04 43 86 41 04*
         00 F7 00 9E 00 => 01 01 11 02 02 02 03 03 01 01*
         00 F7 00 9A 00 => 01 01 11 02 02 03 01 03 01 01*
         00 F7 00 9D 00 => 01 01 11 02 02 02 01 03 01 01*
         00 47 00 9C 08 AC 06 80 01 11 AA 01 04 00 => 6A80
         00 47 00 9C 08 AC 06 80 01 11 AB 01 04 00 => 6A80
         00 47 00 9C 07 AC 05 80 01 11 AA 00 00 => 6A80
         00 47 00 9C 08 AC 06 80 01 11 81 01 03 00 => 6A80
         00 47 00 9C 0B AC 09 80 01 11 81 04 00 01 00 01 00 => 7F49*",
    );
    card.run("00 47 00 9C 0B AC 09 80 01 11 AA 01 01 AB 01 02 00 => 7F49*");
    card.run(&format!("{} => 7C*", sign("9C")));
    card.run(&format!("{} => 6982\n{} => 6982", sign("9E"), sign("9A")));
    card.run(&format!("{VERIFY} => 9000\n{} => 7C*\n{} => 6982", sign("9E"), sign("9A")));
    card.run(&format!("{VERIFY} => 9000\n{} => 7C*\n{} => 6982", sign("9A"), sign("9A")));
    // A standard card has no policies to choose.
    let mut card = bench(Standard);
    administrate(&mut card);
    card.run(
        "00 47 00 9C 08 AC 06 80 01 11 AA 01 01 00 => 6A80
         00 47 00 9A 05 AC 03 80 01 06 00 => 6A80
         00 47 00 9A 05 AC 03 80 01 16 00 => 6A80
         00 47 00 9A 05 AC 03 80 01 E0 00 => 6A80
         00 47 00 F9 05 AC 03 80 01 11 00 => 6A86
         00 47 00 9E 05 AC 03 80 01 11 00 => 7F49*",
    );
    card.run(&format!("{} => 7C*", sign("9E")));
}

#[test]
fn keys_are_moved_and_erased() {
    let mut card = bench(YubiKey);
    card.run("00 F6 82 9A => 6982");
    administrate(&mut card);
    let point = generate(&mut card, 0x9C, 0x11);
    generate(&mut card, 0x9A, 0x11);
    card.run(
        "00 F6 82 9E => 6A88
         00 F6 9A 9C => 6985
         00 F6 9C 9C => 6985
         00 F6 82 9B => 6A86
         00 F6 9B 9C => 6A86
         00 F6 F9 9C => 6A86
         00 F6 82 F9 => 6A86
         00 F6 82 9C 01 00 => 6700
         00 F6 82 9C => 9000
         00 F7 00 9C 00 => 6A88
         00 F7 00 82 00 => 01 01 11 02 02 03 01 03 01 01*     # the policy goes with it
         00 F6 FF 9A => 9000
         00 F6 FF 9A => 6A88
         00 F7 00 9A 00 => 6A88",
    );
    let metadata = card.data(&unhex("00 F7 00 82 00"));
    assert_eq!(value(&metadata, 0x04), point);
    card.run(&format!("{VERIFY} => 9000\n{} => 7C*", SIGN.replacen("9C", "82", 1)));
    card.run("00 F6 FF F9 => 9000\n00 F9 82 00 00 => 6A88\n00 F7 00 F9 00 => 6A88");
}

/// Several thousand bytes and keys in all slots survive being put away and opened again.
#[test]
fn all_slots_at_once() {
    let mut card = bench(YubiKey);
    administrate(&mut card);
    let slots: Vec<u8> = [0x9A, 0x9C, 0x9D, 0x9E].into_iter().chain(0x82..=0x95).collect();
    let points: Vec<Vec<u8>> = slots.iter().map(|slot| generate(&mut card, *slot, 0x11)).collect();
    let mut again = card.store.open_card("test").unwrap();
    common::send(&mut again, SELECT);
    for (slot, point) in slots.iter().zip(points) {
        let (metadata, status) = common::exchange(&mut again, &[0x00, 0xF7, 0x00, *slot, 0x00]);
        assert_eq!((status, value(&metadata, 0x04)), (0x9000, point));
    }
}
