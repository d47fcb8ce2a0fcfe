//! Ed25519 and X25519 against the vectors of their standards and openssl's command, and RSA keys made of
//! their primes.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

use cardmod_crypto::{CryptoError, KeyKind, PrivateKey};

fn hex(text: &str) -> Vec<u8> {
    let pair = |i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap();
    (0..text.len() / 2).map(pair).collect()
}

/// RFC 8032, 7.1, TEST 1 and TEST 3.
#[test]
fn ed25519_vectors() {
    let cases = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
             5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ];
    for (seed, public, message, signature) in cases {
        let key = PrivateKey::from_private_bytes(KeyKind::Ed25519, &hex(seed)).unwrap();
        assert_eq!(key.ec_point().unwrap(), hex(public));
        assert_eq!(key.eddsa_sign(&hex(message)).unwrap().to_vec(), hex(&signature.replace(' ', "")));
    }
}

/// RFC 7748, 6.1.
#[test]
fn x25519_vectors() {
    let private = hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
    let bob = PrivateKey::from_private_bytes(KeyKind::X25519, &private).unwrap();
    let public = hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    assert_eq!(bob.ec_point().unwrap(), public);
    let alice = hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
    let shared = bob.x25519(&alice).unwrap();
    assert_eq!(*shared, hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"));
    for bad in [&[][..], &[1; 31], &[1; 33], &[0; 32]] {
        assert_eq!(bob.x25519(bad).unwrap_err(), CryptoError::BadPoint);
    }
}

#[test]
fn other_operations_and_lengths_are_refused() {
    let signer = PrivateKey::generate(KeyKind::Ed25519).unwrap();
    let agreement = PrivateKey::generate(KeyKind::X25519).unwrap();
    let nist = PrivateKey::generate(KeyKind::P256).unwrap();
    for key in [&signer, &agreement] {
        assert_eq!(key.ecdsa_sign(&[1; 32]).unwrap_err(), CryptoError::WrongKind);
        assert_eq!(key.rsa_raw(&[1; 128]).unwrap_err(), CryptoError::WrongKind);
        assert_eq!(key.rsa_public().unwrap_err(), CryptoError::WrongKind);
    }
    assert_eq!(agreement.eddsa_sign(b"m").unwrap_err(), CryptoError::WrongKind);
    assert_eq!(signer.x25519(&[9; 32]).unwrap_err(), CryptoError::WrongKind);
    assert_eq!(nist.eddsa_sign(b"m").unwrap_err(), CryptoError::WrongKind);
    for (kind, len) in [(KeyKind::Ed25519, 31), (KeyKind::X25519, 33), (KeyKind::P256, 32)] {
        assert_eq!(
            PrivateKey::from_private_bytes(kind, &vec![1; len]).unwrap_err(),
            CryptoError::BadKey,
            "{kind}"
        );
    }
    assert_eq!(PrivateKey::from_ec(KeyKind::Ed25519, &[5], None).unwrap_err(), CryptoError::BadKey);
}

/// Unix systems alone have openssl at hand.
#[cfg(unix)]
#[test]
fn keys_travel_to_openssl_and_back() {
    let dir = tempfile::tempdir().unwrap();
    for (kind, name) in [(KeyKind::Ed25519, "ED25519"), (KeyKind::X25519, "X25519")] {
        let key = PrivateKey::generate(kind).unwrap();
        let der = key.to_der().unwrap();
        std::fs::write(dir.path().join("key.der"), &*der).unwrap();
        let output = std::process::Command::new("openssl")
            .args("pkey -inform DER -in key.der -pubout -outform DER".split(' '))
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(output.stdout.ends_with(key.ec_point().unwrap()));
        let back = PrivateKey::from_der(kind, &der).unwrap();
        assert_eq!((back.kind(), back.ec_point().unwrap()), (kind, key.ec_point().unwrap()));
        let other = if kind == KeyKind::X25519 { KeyKind::Ed25519 } else { KeyKind::X25519 };
        assert_eq!(PrivateKey::from_der(other, &der).unwrap_err(), CryptoError::BadKey);
        assert_eq!(PrivateKey::from_der(kind, &der[..47]).unwrap_err(), CryptoError::BadKey);
        assert_eq!(format!("{key:?}").to_uppercase(), format!("PRIVATEKEY({name})"));
    }
}

#[test]
fn primes_make_an_rsa_key() {
    let key = PrivateKey::generate(KeyKind::Rsa(1024)).unwrap();
    let der = key.to_der().unwrap();
    let parts = rsa::pkcs1::RsaPrivateKeyRef::try_from(der.as_slice()).unwrap();
    let numbers = [&parts.prime1, &parts.prime2, &parts.exponent1, &parts.exponent2, &parts.coefficient];
    let numbers = numbers.map(|number| number.as_bytes().to_vec());
    let make = |n: &[Vec<u8>; 5]| PrivateKey::from_rsa_primes(&n[0], &n[1], &n[2], &n[3], &n[4]);
    let made = make(&numbers).unwrap();
    assert_eq!(made.rsa_public().unwrap(), key.rsa_public().unwrap());
    let block = [&[0, 1][..], &[0x5A; 126]].concat();
    assert_eq!(made.rsa_raw(&block).unwrap(), key.rsa_raw(&block).unwrap());
    // Leading zeros change nothing.
    let padded = numbers.clone().map(|number| [&[0; 2][..], &number].concat());
    assert_eq!(make(&padded).unwrap().rsa_public().unwrap(), key.rsa_public().unwrap());
    for index in 0..5 {
        for wrong in [vec![], vec![0], vec![1], vec![2], vec![0xFF; 64], vec![0xFF; 600]] {
            let mut numbers = numbers.clone();
            numbers[index] = wrong.clone();
            assert!(make(&numbers).is_err(), "number {index} as {wrong:02X?}");
        }
    }
}
