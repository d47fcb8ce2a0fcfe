//! Keys: generation, import, signatures, decryption, key agreement, checked with other implementations.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "in tests a panic is a finding")]

mod common;

use cardmod_crypto::{KeyKind, PrivateKey};
use cardmod_iso7816::tlv::{Tag, Writer};
use common::{Bench, SELECT, VERIFY, bench, bench_with, chained, hex, unhex};
use rsa::BoxedUint;
use rsa::traits::PaddingScheme as _;
use sha1::Sha1;

/// What Windows sends for a key-exchange container of this size, recorded.
fn create_rsa(index: u8, size: u8) -> String {
    let entry =
        |tag: &str, high: u8| format!("{tag}09 8001{:02X} 8301{:02X} 950140", high | size, 0x81 + index);
    let uses = [entry("B8", 0), entry("B8", 0x80), entry("B8", 0x40), entry("B6", 0x10), entry("B6", 0x50)];
    format!("00E00000 49 6247 820118 8302B0{:02X} 8C058F10101000 A537 {}", 0x81 + index, uses.concat())
}

/// A container for a curve: ECDSA and key agreement.
fn create_ec(index: u8, curve: u8) -> String {
    let key = 0x81 + index;
    format!(
        "00E00000 28 6226 820118 8302B0{key:02X} 8C058F10101000 A516 \
         B809 8001{curve:02X} 8301{key:02X} 950140 B609 8001{:02X} 8301{key:02X} 950140",
        0x10 | curve
    )
}

fn generate(bench: &mut Bench, index: u8, algorithm: u8) -> Vec<u8> {
    bench.data(&unhex(&format!("00470000 08 AC06 8001{algorithm:02X} 8301{:02X} 00", 0x81 + index)))
}

fn public_key(bench: &mut Bench, index: u8) -> Vec<u8> {
    bench.data(&unhex(&format!("00CB3FFF 0A 7008 8401{:02X} A503 7F4980 00", 0x81 + index)))
}

fn ready() -> Bench {
    let mut bench = bench();
    bench.send(SELECT);
    bench.send(VERIFY);
    bench
}

/// Modulus and exponent of `7F49 { 81, 82 }`.
fn rsa_public(template: &[u8]) -> rsa::RsaPublicKey {
    let template = cardmod_iso7816::tlv::single(template).unwrap();
    assert_eq!(template.tag.get(), 0x7F49);
    let number = |tag| {
        let value = template.children().find(Tag::new(tag)).unwrap().unwrap();
        BoxedUint::from_be_slice_vartime(value)
    };
    rsa::RsaPublicKey::new(number(0x81), number(0x82)).unwrap()
}

#[test]
fn rsa_generation_and_signatures() {
    let mut bench = ready();
    assert_eq!(bench.send(&create_rsa(0, 7)), "9000");
    bench.run(
        "00 44 00 00 => 9000
         00 CB 3F FF 0A 70 08 84 01 81 A5 03 7F 49 80 00 => 6A88
         00 22 41 B6 06 80 01 57 84 01 81 => 6985
         00 47 00 00 08 AC 06 80 01 06 83 01 81 00 => 6A80    # not the size the file is for
         00 47 00 00 08 AC 06 80 01 0A 83 01 81 00 => 6A81
         00 47 00 00 08 AC 06 80 01 07 83 01 82 00 => 6A88",
    );
    let template = generate(&mut bench, 0, 7);
    assert_eq!(public_key(&mut bench, 0), template);
    let other = unhex("00CB3FFF 0A A308 840181 A503 7F4980 00");
    assert_eq!(bench.data(&other), template, "the tag the specification prints");
    let public = rsa_public(&template);
    bench.run(
        "00 2A 9E 9A 01 00 00 => 6985
         00 22 41 B6 06 80 01 57 84 01 81 => 9000",
    );
    let digest_info = unhex(
        "3031300D060960864801650304020105000420 000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
    );
    let sign = |info: &[u8]| [&unhex("002A9E9A")[..], &[info.len() as u8], info, &[0]].concat();
    let signature = bench.data(&sign(&digest_info));
    let scheme = rsa::Pkcs1v15Sign::new_unprefixed();
    public.verify(scheme.clone(), &digest_info, &signature).unwrap();
    let tls = [0x5A; 36];
    let signature = bench.data(&sign(&tls));
    public.verify(scheme, &tls, &signature).unwrap();
    assert_eq!(bench.exchange(&sign(&[1; 246])).1, 0x6A80, "no room for padding");
    // Raw: the host pads.
    bench.run("00 22 41 B6 06 80 01 17 84 01 81 => 9000");
    let mut block = vec![0x00, 0x01];
    block.resize(256 - 52, 0xFF);
    block.push(0);
    block.extend_from_slice(&digest_info);
    let [first, last] = &chained([0x00, 0x2A, 0x9E, 0x9A], &block, true)[..] else { panic!("two parts") };
    assert_eq!(bench.data(first), []);
    let signature = bench.data(last);
    public.verify(rsa::Pkcs1v15Sign::new_unprefixed(), &digest_info, &signature).unwrap();
    assert_eq!(bench.exchange(&sign(&[1; 20])).1, 0x6A80, "a raw block is as long as the modulus");
}

/// Answers longer than a short APDU's come in two pieces.
#[test]
fn large_rsa_keys() {
    let mut bench = ready();
    for (index, size, len) in [(0, 8, 384), (1, 9, 512)] {
        assert_eq!(bench.send(&create_rsa(index, size)), "9000");
        bench.send("00 44 00 00");
        let public = rsa_public(&generate(&mut bench, index, size));
        bench.run(&format!("00 22 41 B6 06 80 01 {:02X} 84 01 {:02X} => 9000", 0x50 | size, 0x81 + index));
        let command = unhex("002A9E9A 04 01020304 00");
        let first = bench.card.transmit(&command).unwrap();
        assert_eq!((first.len(), first[256]), (258, 0x61));
        let signature = bench.data(&command);
        assert_eq!(signature.len(), len);
        public.verify(rsa::Pkcs1v15Sign::new_unprefixed(), &[1, 2, 3, 4], &signature).unwrap();
    }
}

#[test]
fn rsa_decryption() {
    let mut bench = ready();
    bench.send(&create_rsa(0, 6));
    bench.send("00 44 00 00");
    let public = rsa_public(&generate(&mut bench, 0, 6));
    let mut rng = Rng;
    let pkcs1 = rsa::Pkcs1v15Encrypt.encrypt(&mut rng, &public, b"test1234567890").unwrap();
    let oaep = rsa::Oaep::<Sha1>::new().encrypt(&mut rng, &public, b"oaep").unwrap();
    let decipher = |data: &[u8]| [&unhex("002A8086")[..], &[data.len() as u8], data, &[0]].concat();
    bench.run("00 22 41 B8 06 80 01 46 84 01 81 => 9000");
    assert_eq!(bench.data(&decipher(&pkcs1)), b"test1234567890");
    assert_eq!(bench.data(&decipher(&[&[0x00], &pkcs1[..]].concat())), b"test1234567890", "with indicator");
    assert_eq!(bench.exchange(&decipher(&oaep)).1, 0x6A80);
    assert_eq!(bench.exchange(&decipher(&pkcs1[1..])).1, 0x6A80);
    bench.run("00 22 41 B8 06 80 01 86 84 01 81 => 9000");
    assert_eq!(bench.data(&decipher(&oaep)), b"oaep");
    assert_eq!(bench.exchange(&decipher(&pkcs1)).1, 0x6A80);
    bench.run("00 22 41 B8 06 80 01 06 84 01 81 => 9000");
    let raw = bench.data(&decipher(&pkcs1));
    assert_eq!((raw.len(), raw[0], raw[1]), (128, 0, 2));
    assert!(raw.ends_with(b"\0test1234567890"));
    assert_eq!(bench.exchange(&decipher(&[0xFF; 128])).1, 0x6A80, "larger than the modulus");
}

#[test]
fn curves_sign_and_agree() {
    use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
    let mut bench = ready();
    for (index, curve, coordinate) in [(0, 0x0C, 32), (1, 0x0D, 48), (2, 0x0E, 66)] {
        assert_eq!(bench.send(&create_ec(index, curve)), "9000");
        bench.send("00 44 00 00");
        let template = generate(&mut bench, index, curve);
        assert_eq!(public_key(&mut bench, index), template);
        let point = &template[template.len() - 2 * coordinate - 1..];
        assert_eq!(point[0], 4);
        let key = 0x81 + index;
        let digest = [0x3C; 32];
        bench.run(&format!("00 22 41 B6 06 80 01 {:02X} 84 01 {key:02X} => 9000", 0x10 | curve));
        let signature = bench.data(&unhex(&format!("002A9E9A 20 {} 00", hex(&digest))));
        match curve {
            0x0C => {
                let verifier = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
                let signature = p256::ecdsa::Signature::from_der(&signature).unwrap();
                verifier.verify_prehash(&digest, &signature).unwrap();
            }
            0x0D => {
                let verifier = p384::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
                let signature = p384::ecdsa::Signature::from_der(&signature).unwrap();
                verifier.verify_prehash(&digest, &signature).unwrap();
            }
            _ => assert_eq!(signature[0], 0x30),
        }
        bench.run(&format!("00 22 41 B8 06 80 01 {curve:02X} 84 01 {key:02X} => 9000"));
        let kind = [KeyKind::P256, KeyKind::P384, KeyKind::P521][usize::from(index)];
        let peer = PrivateKey::generate(kind).unwrap();
        let peer_point = peer.ec_point().unwrap();
        let agree = [&unhex("002A8086")[..], &[peer_point.len() as u8], peer_point, &[0]].concat();
        let shared = bench.data(&agree);
        assert_eq!(shared, *peer.ecdh(point).unwrap());
        assert_eq!(shared.len(), coordinate);
        let mut off_curve = agree.clone();
        *off_curve.iter_mut().rev().nth(1).unwrap() ^= 1;
        assert_eq!(bench.exchange(&off_curve).1, 0x6A80);
    }
}

#[test]
fn a_card_without_curves_refuses_them() {
    let mut bench = bench_with(|profile| profile.options.ec = false);
    bench.send(SELECT);
    bench.send(VERIFY);
    assert_eq!(bench.send(&create_ec(0, 0x0C)), "6A81");
    assert_eq!(bench.send(&create_rsa(0, 7)), "9000");
}

#[test]
fn the_pin_guards_the_choice_and_the_use() {
    let mut bench = ready();
    bench.send(&create_ec(0, 0x0C));
    bench.send("00 44 00 00");
    generate(&mut bench, 0, 0x0C);
    let sign = "00 2A 9E 9A 04 01 02 03 04 00";
    bench.run(
        "00 22 41 B6 06 80 01 57 84 01 81 => 6A80      # not listed
         00 22 41 B6 03 84 01 81 => 6A80
         00 22 41 B6 06 80 01 1C 84 01 81 => 9000
         00 20 00 80 => 9000",
    );
    assert!(bench.send(sign).ends_with("9000"));
    assert!(bench.send(sign).ends_with("9000"), "the choice stays");
    bench.run("00 CB A0 10 04 5C 02 DF 22 00 => DF*");
    assert!(bench.send(sign).ends_with("9000"), "reading does not disturb it");
    // Deauthentication takes the choice with it.
    bench.run("00 20 00 82 => 9000");
    assert_eq!(bench.send(sign), "6985");
    bench.run("00 22 41 B6 06 80 01 1C 84 01 81 => 6982");
    bench.send(VERIFY);
    assert_eq!(bench.send(sign), "6985");
    bench.run("00 22 41 B6 06 80 01 1C 84 01 81 => 9000");
    // So does a wrong PIN.
    bench.send("00 20 00 80 04 30 30 30 30");
    assert_eq!(bench.send(sign), "6985");
    bench.send(VERIFY);
    bench.run("00 22 41 B6 06 80 01 1C 84 01 81 => 9000");
    // And a key that is replaced is not the chosen one.
    generate(&mut bench, 0, 0x0C);
    assert_eq!(bench.send(sign), "6985");
}

#[test]
fn counted_uses() {
    let mut bench = ready();
    let file = "00E00000 23 6221 820118 8302B081 8C058F10101000 A511 B60F 80011C 830181 950140 A304 90020002";
    assert_eq!(bench.send(file), "9000");
    bench.send("00 44 00 00");
    generate(&mut bench, 0, 0x0C);
    let sign = "00 2A 9E 9A 04 01 02 03 04 00";
    bench.run("00 22 41 B6 06 80 01 1C 84 01 81 => 9000");
    assert!(bench.send(sign).ends_with("9000"));
    assert!(bench.send(sign).ends_with("9000"));
    assert_eq!(bench.send(sign), "6982");
    bench.send(VERIFY);
    assert!(bench.send(sign).ends_with("9000"));
}

#[test]
fn import() {
    let mut bench = ready();
    bench.send(&create_rsa(0, 7));
    bench.send("00 44 00 00");
    bench.send(&create_ec(1, 0x0C));
    bench.send("00 44 00 00");
    let rsa = PrivateKey::generate(KeyKind::Rsa(2048)).unwrap();
    let der = rsa.to_der().unwrap();
    let put = |bench: &mut Bench, reference: u8, kind: u8, value: &[u8]| {
        let key = Writer::new().template(Tag::new(0x70), |key| {
            key.object(Tag::new(0x84), &[reference]).template(Tag::new(0xA5), |fields| {
                fields
                    .object(Tag::new(0x83), &[kind])
                    .object(Tag::new(0x84), &[0])
                    .object(Tag::new(0x87), value)
            })
        });
        let parts = chained([0x00, 0xDB, 0x3F, 0xFF], &key.finish(), false);
        parts.iter().fold(0, |_, part| bench.exchange(part).1)
    };
    assert_eq!(put(&mut bench, 0x81, 2, &der), 0x9000);
    let public = rsa_public(&public_key(&mut bench, 0));
    bench.run("00 22 41 B6 06 80 01 57 84 01 81 => 9000");
    let signature = bench.data(&unhex("002A9E9A 04 01020304 00"));
    public.verify(rsa::Pkcs1v15Sign::new_unprefixed(), &[1, 2, 3, 4], &signature).unwrap();

    let mut broken = der.to_vec();
    *broken.last_mut().unwrap() ^= 1;
    assert_eq!(put(&mut bench, 0x81, 2, &broken), 0x6A80);
    assert_eq!(put(&mut bench, 0x81, 3, &der), 0x6A80);
    assert_eq!(put(&mut bench, 0x81, 1, &der[..24]), 0x6A80);
    let small = PrivateKey::generate(KeyKind::Rsa(1024)).unwrap();
    assert_eq!(put(&mut bench, 0x81, 2, &small.to_der().unwrap()), 0x6A80, "another size than the file's");

    let scalar = [0x11; 32];
    let ec = PrivateKey::from_ec(KeyKind::P256, &scalar, None).unwrap();
    let sequence = |point: &[u8]| {
        let fields =
            Writer::new().object(Tag::new(2), &[1]).object(Tag::new(4), &scalar).object(Tag::new(4), point);
        Writer::new().object(Tag::new(0x30), &fields.finish()).finish()
    };
    assert_eq!(put(&mut bench, 0x82, 3, &sequence(ec.ec_point().unwrap())), 0x9000);
    assert!(public_key(&mut bench, 1).ends_with(ec.ec_point().unwrap()));
    let other = PrivateKey::generate(KeyKind::P256).unwrap();
    assert_eq!(put(&mut bench, 0x82, 3, &sequence(other.ec_point().unwrap())), 0x6A80);
    bench.run(
        "00 DB 3F FF 07 70 05 84 01 82 A5 00 => 9000     # erased
         00 CB 3F FF 0A 70 08 84 01 82 A5 03 7F 49 80 00 => 6A88
         00 A4 00 04 02 B0 82 00 => 62*
         00 E4 00 00 => 9000
         00 DB 3F FF 07 70 05 84 01 82 A5 00 => 6A88
         00 20 00 82 => 9000
         00 DB 3F FF 07 70 05 84 01 81 A5 00 => 6982",
    );
}

#[test]
fn containers_are_limited() {
    let mut bench = bench_with(|profile| profile.options.max_containers = 2);
    bench.send(SELECT);
    bench.send(VERIFY);
    assert_eq!(bench.send(&create_ec(0, 0x0C)), "9000");
    assert_eq!(bench.send(&create_ec(1, 0x0C)), "9000");
    assert_eq!(bench.send(&create_ec(2, 0x0C)), "6A84");
    assert_eq!(bench.card.space().unwrap().containers, 2);
}

/// The system's randomness for the other implementation's padding.
struct Rng;

impl rsa::rand_core::TryRng for Rng {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_ne_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        cardmod_virtual::Random::fill(&mut cardmod_virtual::SystemRandom, out).unwrap();
        Ok(())
    }
}

impl rsa::rand_core::TryCryptoRng for Rng {}
