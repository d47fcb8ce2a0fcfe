//! Attestation by the virtual YubiKey, judged by the openssl program, which only Unix systems have at hand.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

mod common;

use std::path::Path;
use std::process::Command;

use cardmod_virtual::PivFlavour::YubiKey;
use common::piv::{VERIFY, administrate, bench};
use common::{hex, unhex};

/// The chain of an attestation holds for openssl, and the extensions say what is true.
#[test]
fn attestation() {
    let dir = tempfile::tempdir().unwrap();
    let mut card = bench(YubiKey);
    let serial = card.send("00 F8 00 00 00");
    administrate(&mut card);
    card.run(
        "00 F9 9A 00 00 => 6A88
         00 F9 F9 00 00 => 6A86
         00 F9 9B 00 00 => 6A86
         00 F9 9A 01 00 => 6A86",
    );
    let object = card.data(&unhex("00 CB 3F FF 05 5C 03 5F FF 01 00"));
    let object = &object[object.iter().position(|byte| *byte == 0x70).unwrap()..];
    let (len, certificate) = cardmod_iso7816::tlv::read_length(&object[1..]).unwrap();
    std::fs::write(dir.path().join("f9.der"), &certificate[..len]).unwrap();
    openssl(dir.path(), "x509 -inform DER -in f9.der -out f9.pem");
    for (slot, algorithm, extra) in [
        ("9A", "11", ""),
        ("9C", "14", "AA 01 01 AB 01 02"),
        ("9D", "06", ""),
        ("82", "E0", ""),
        ("83", "E1", ""),
    ] {
        let data = format!("80 01 {algorithm} {extra}");
        let len = unhex(&data).len();
        let apdu = format!("00 47 00 {slot} {:02X} AC {len:02X} {data} 00", len + 2);
        card.data(&unhex(&apdu));
        let attested = card.data(&unhex(&format!("00 F9 {slot} 00 00")));
        std::fs::write(dir.path().join("key.der"), &attested).unwrap();
        openssl(dir.path(), "x509 -inform DER -in key.der -out key.pem");
        let verdict = openssl(dir.path(), "verify -CAfile f9.pem key.pem");
        assert_eq!(verdict, "key.pem: OK\n", "{slot}");
        let text = openssl(dir.path(), "x509 -in key.pem -noout -subject -text");
        assert!(text.contains(&format!("cardmod PIV Attestation {}", slot.to_lowercase())), "{text}");
        let policies = if slot == "9C" { "0102" } else { "0201" };
        let identifier = |number: &str| unhex(&format!("06 0A 2B 06 01 04 01 82 C4 0A 03 {number} 04"));
        let extension = |number: &str| {
            let identifier = identifier(number);
            let at = attested.windows(identifier.len()).position(|bytes| bytes == identifier).unwrap();
            let rest = &attested[at + identifier.len()..];
            hex(&rest[1..1 + usize::from(rest[0])])
        };
        assert_eq!(extension("03"), "050403");
        assert_eq!(extension("08"), policies);
        assert_eq!(extension("09"), "01");
        let number = extension("07");
        assert_eq!(format!("{:0>8}", &number[4..]), serial[..8], "{number}");
    }
}

/// The attestation key is replaced by one of every kind that signs.
#[test]
fn another_attestation_key() {
    let dir = tempfile::tempdir().unwrap();
    let mut card = bench(YubiKey);
    administrate(&mut card);
    card.data(&unhex("00 47 00 9A 05 AC 03 80 01 11 00"));
    for (algorithm, make) in [
        ("06", "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out key.pem"),
        ("11", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"),
        ("14", "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem"),
        ("E0", "genpkey -algorithm ED25519 -out key.pem"),
    ] {
        openssl(dir.path(), make);
        openssl(dir.path(), "req -x509 -new -key key.pem -subj /CN=ours -days 30 -out ca.pem");
        openssl(dir.path(), "x509 -in ca.pem -outform DER -out ca.der");
        openssl(dir.path(), "pkey -in key.pem -traditional -outform DER -out key.der");
        let key = std::fs::read(dir.path().join("key.der")).unwrap();
        let fields = private_fields(algorithm, &key);
        let apdu = extended(&format!("00 FE {algorithm} F9"), &fields);
        assert_eq!(card.send(&apdu), "9000", "{algorithm}");
        let certificate = std::fs::read(dir.path().join("ca.der")).unwrap();
        let body = [&[0x70, 0x82][..], &(certificate.len() as u16).to_be_bytes(), &certificate].concat();
        let object = [&unhex("5C 03 5F FF 01 53 82")[..], &(body.len() as u16).to_be_bytes(), &body].concat();
        assert_eq!(card.send(&extended("00 DB 3F FF", &object)), "9000");
        std::fs::write(dir.path().join("key.der"), card.data(&unhex("00 F9 9A 00 00"))).unwrap();
        openssl(dir.path(), "x509 -inform DER -in key.der -out att.pem");
        assert_eq!(openssl(dir.path(), "verify -CAfile ca.pem att.pem"), "att.pem: OK\n", "{algorithm}");
    }
    card.run(&format!("{VERIFY} => 9000\n00 DB 3F FF 0A 5C 03 5F FF 01 53 03 70 01 30 => 9000"));
    card.run("00 F9 9A 00 00 => 6985                               # a certificate that is none");
    card.run("00 DB 3F FF 07 5C 03 5F FF 01 53 00 => 9000\n00 F9 9A 00 00 => 6A88");
}

/// The fields of IMPORT from what openssl writes.
fn private_fields(algorithm: &str, der: &[u8]) -> Vec<u8> {
    let object = |tag: u8, value: &[u8]| [&[tag][..], &[value.len() as u8], value].concat();
    match algorithm {
        "06" => {
            let key = rsa::pkcs1::RsaPrivateKeyRef::try_from(der).unwrap();
            let numbers = [key.prime1, key.prime2, key.exponent1, key.exponent2, key.coefficient];
            (1..).zip(&numbers).flat_map(|(tag, number)| object(tag, number.as_bytes())).collect()
        }
        "E0" => object(7, &der[16..48]),
        _ => {
            let sequence = cardmod_iso7816::tlv::single(der).unwrap();
            object(6, sequence.children().find(cardmod_iso7816::tlv::Tag::new(0x04)).unwrap().unwrap())
        }
    }
}

fn extended(header: &str, data: &[u8]) -> String {
    format!("{header} 00 {:04X} {}", data.len(), hex(data))
}

fn openssl(directory: &Path, arguments: &str) -> String {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "openssl {arguments}: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}
