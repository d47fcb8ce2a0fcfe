//! Keys against other implementations: openssl's command and pure Rust crates; and what is refused.
#![allow(clippy::unwrap_used, reason = "in tests a panic is a finding")]

use std::sync::Arc;

use cardmod_crypto::{CryptoError, KeyKind, PrivateKey, SealKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rsa::traits::{PrivateKeyParts as _, PublicKeyParts as _};
use rsa::{BoxedUint, Pkcs1v15Sign, RsaPublicKey};
use sha2::{Digest as _, Sha256};

const CURVES: [KeyKind; 3] = [KeyKind::P256, KeyKind::P384, KeyKind::P521];

/// Runs openssl, which only Unix systems have at hand, and answers its standard output.
#[cfg(unix)]
fn openssl(directory: &std::path::Path, arguments: &str) -> Vec<u8> {
    let output = std::process::Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(directory)
        .output()
        .expect("openssl");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The block of a PKCS#1 v1.5 signature over a SHA-256 digest.
fn block(digest: &[u8], len: usize) -> Vec<u8> {
    const PREFIX: [u8; 19] = [
        0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
        0x04, 0x20,
    ];
    let mut block = vec![0x00, 0x01];
    block.resize(len - 1 - PREFIX.len() - digest.len(), 0xFF);
    block.push(0);
    block.extend_from_slice(&PREFIX);
    block.extend_from_slice(digest);
    block
}

fn public(key: &PrivateKey) -> RsaPublicKey {
    let (n, e) = key.rsa_public().unwrap();
    RsaPublicKey::new(BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e)).unwrap()
}

#[test]
fn generated_rsa_keys_sign() {
    let digest = Sha256::digest(b"message");
    for bits in [1024, 1152, 2048, 3072] {
        let key = PrivateKey::generate(KeyKind::Rsa(bits)).unwrap();
        assert_eq!(key.kind(), KeyKind::Rsa(bits));
        let (n, e) = key.rsa_public().unwrap();
        assert_eq!((n.len(), e), (usize::from(bits) / 8, &[1, 0, 1][..]));
        let signature = key.rsa_raw(&block(&digest, n.len())).unwrap();
        let scheme = Pkcs1v15Sign::new_unprefixed();
        let info = &block(&digest, n.len())[n.len() - 51..];
        public(&key).verify(scheme, info, &signature).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn keys_travel_to_openssl_and_back() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("message"), b"message").unwrap();
    let digest = Sha256::digest(b"message");
    for kind in [KeyKind::Rsa(2048), KeyKind::P256, KeyKind::P384, KeyKind::P521] {
        let key = PrivateKey::generate(kind).unwrap();
        std::fs::write(dir.path().join("key.der"), &*key.to_der().unwrap()).unwrap();
        openssl(dir.path(), "pkey -inform DER -in key.der -pubout -out public.pem");
        let signature = if kind.is_rsa() {
            key.rsa_raw(&block(&digest, kind.block_len())).unwrap().to_vec()
        } else {
            key.ecdsa_sign(&digest).unwrap()
        };
        std::fs::write(dir.path().join("signature"), signature).unwrap();
        openssl(dir.path(), "dgst -sha256 -verify public.pem -signature signature message");
        let back = PrivateKey::from_der(kind, &key.to_der().unwrap()).unwrap();
        assert_eq!(*back.to_der().unwrap(), *key.to_der().unwrap());
    }
}

#[cfg(unix)]
#[test]
fn keys_of_openssl_are_taken() {
    let dir = tempfile::tempdir().unwrap();
    for bits in [1024, 2048, 4096] {
        openssl(dir.path(), &format!("genrsa -out key.pem {bits}"));
        openssl(dir.path(), "rsa -in key.pem -traditional -outform DER -out key.der");
        let der = std::fs::read(dir.path().join("key.der")).unwrap();
        let key = PrivateKey::from_pkcs1_der(&der).unwrap();
        assert_eq!((key.kind(), &*key.to_der().unwrap()), (KeyKind::Rsa(bits), &der));
    }
    for (kind, name) in CURVES.into_iter().zip(["prime256v1", "secp384r1", "secp521r1"]) {
        openssl(dir.path(), &format!("ecparam -name {name} -genkey -noout -outform DER -out key.der"));
        let der = std::fs::read(dir.path().join("key.der")).unwrap();
        let key = PrivateKey::from_der(kind, &der).unwrap();
        assert_eq!(*key.to_der().unwrap(), der);
        let other = CURVES[(CURVES.iter().position(|curve| *curve == kind).unwrap() + 1) % 3];
        assert_eq!(PrivateKey::from_der(other, &der).unwrap_err(), CryptoError::BadKey);
    }
}

#[test]
fn curves_agree_with_other_implementations() {
    let key = PrivateKey::generate(KeyKind::P256).unwrap();
    let digest = Sha256::digest(b"message");
    let verifier = p256::ecdsa::VerifyingKey::from_sec1_bytes(key.ec_point().unwrap()).unwrap();
    let signature = p256::ecdsa::Signature::from_der(&key.ecdsa_sign(&digest).unwrap()).unwrap();
    verifier.verify_prehash(&digest, &signature).unwrap();
    for kind in CURVES {
        let (one, two) = (PrivateKey::generate(kind).unwrap(), PrivateKey::generate(kind).unwrap());
        let shared = one.ecdh(two.ec_point().unwrap()).unwrap();
        assert_eq!(shared.len(), kind.block_len());
        assert_eq!(*shared, *two.ecdh(one.ec_point().unwrap()).unwrap());
    }
    // RFC 5903, 8.1: the 256-bit random ECP group.
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect()
    };
    let scalar = hex("C88F01F510D9AC3F70A292DAA2316DE544E9AAB8AFE84049C62A9C57862D1433");
    let peer = hex(concat!(
        "04D12DFB5289C8D4F81208B70270398C342296970A0BCCB74C736FC7554494BF63",
        "56FBF3CA366CC23E8157854C13C58D6AAC23F046ADA30F8353E74F33039872AB"
    ));
    let shared = hex("D6840F6B42F6EDAFD13116E0E12565202FEF8E9ECE7DCE03812464D04B9442DE");
    let key = PrivateKey::from_ec(KeyKind::P256, &scalar, None).unwrap();
    assert_eq!(*key.ecdh(&peer).unwrap(), shared);
}

#[test]
fn rsa_parts_make_a_key() {
    let key = PrivateKey::generate(KeyKind::Rsa(1024)).unwrap();
    let der = key.to_der().unwrap();
    let parts = rsa::RsaPrivateKey::try_from(rsa::pkcs1::RsaPrivateKeyRef::try_from(der.as_slice()).unwrap());
    let parts = parts.unwrap();
    let bytes = |number: &BoxedUint| number.to_be_bytes_trimmed_vartime();
    let [p, q] = parts.primes() else { panic!("two primes") };
    let numbers = [
        bytes(parts.n().as_ref()),
        bytes(parts.e()),
        bytes(parts.d()),
        bytes(p),
        bytes(q),
        bytes(parts.dp().unwrap()),
        bytes(parts.dq().unwrap()),
        bytes(&parts.qinv().unwrap().retrieve()),
    ];
    let make = |n: &[Box<[u8]>; 8]| {
        PrivateKey::from_rsa_parts(&n[0], &n[1], &n[2], &n[3], &n[4], &n[5], &n[6], &n[7])
    };
    assert_eq!(*make(&numbers).unwrap().to_der().unwrap(), *der);
    for index in 0..8 {
        let mut wrong = numbers.clone();
        let last = wrong[index].len() - 1;
        wrong[index][last] ^= 2;
        assert_eq!(make(&wrong).unwrap_err(), CryptoError::BadKey, "number {index}");
    }
}

#[cfg(unix)]
#[test]
fn sizes_are_checked_before_the_library_rounds_them() {
    for bits in [0, 512, 1000, 1023, 1025, 2047, 4097, 8192] {
        let expected = CryptoError::Kind(cardmod_crypto::UnsupportedKeyKind { bits: u32::from(bits) });
        assert_eq!(PrivateKey::generate(KeyKind::Rsa(bits)).unwrap_err(), expected);
    }
    assert_eq!(KeyKind::rsa(70_000), Err(cardmod_crypto::UnsupportedKeyKind { bits: 70_000 }));
    let dir = tempfile::tempdir().unwrap();
    openssl(dir.path(), "genrsa -out key.pem 1100");
    openssl(dir.path(), "rsa -in key.pem -traditional -outform DER -out key.der");
    let odd = PrivateKey::from_pkcs1_der(&std::fs::read(dir.path().join("key.der")).unwrap());
    assert_eq!(odd.unwrap_err(), CryptoError::Kind(cardmod_crypto::UnsupportedKeyKind { bits: 1100 }));
}

#[test]
fn malformed_keys_are_refused() {
    let rsa = PrivateKey::generate(KeyKind::Rsa(1024)).unwrap().to_der().unwrap();
    for cut in [0, 1, 4, 100, rsa.len() - 1] {
        assert_eq!(PrivateKey::from_pkcs1_der(&rsa[..cut]).unwrap_err(), CryptoError::BadKey);
    }
    assert_eq!(PrivateKey::from_pkcs1_der(&[&rsa[..], &[0]].concat()).unwrap_err(), CryptoError::BadKey);
    assert_eq!(PrivateKey::from_der(KeyKind::Rsa(2048), &rsa).unwrap_err(), CryptoError::BadKey);
    for kind in CURVES {
        let len = kind.block_len();
        for scalar in [vec![0; len], vec![0xFF; len], vec![1; len + 1], vec![]] {
            assert_eq!(PrivateKey::from_ec(kind, &scalar, None).unwrap_err(), CryptoError::BadKey);
        }
        let key = PrivateKey::from_ec(kind, &[5], None).unwrap();
        let other = PrivateKey::generate(kind).unwrap();
        assert!(PrivateKey::from_ec(kind, &[5], Some(key.ec_point().unwrap())).is_ok());
        let wrong = PrivateKey::from_ec(kind, &[5], Some(other.ec_point().unwrap()));
        assert_eq!(wrong.unwrap_err(), CryptoError::BadKey);
    }
    assert_eq!(PrivateKey::from_ec(KeyKind::Rsa(1024), &[5], None).unwrap_err(), CryptoError::BadKey);
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let rsa = PrivateKey::generate(KeyKind::Rsa(1024)).unwrap();
    let (n, _) = rsa.rsa_public().unwrap();
    for bad in [&[][..], &[1; 127], &[1; 129], n, &[0xFF; 128], &[0; 128]] {
        assert_eq!(rsa.rsa_raw(bad).unwrap_err(), CryptoError::BadInput);
    }
    let mut last = n.to_vec();
    last[127] -= 1;
    for (bad, next) in [([&[0; 127][..], &[1]].concat(), 1), (last, -2i8)] {
        assert_eq!(rsa.rsa_raw(&bad).unwrap_err(), CryptoError::BadInput);
        let mut good = bad;
        good[127] = good[127].wrapping_add_signed(next);
        assert_eq!(rsa.rsa_raw(&good).unwrap().len(), 128);
    }
    assert_eq!(rsa.ecdsa_sign(&[1; 32]).unwrap_err(), CryptoError::WrongKind);
    assert_eq!(rsa.ec_point().unwrap_err(), CryptoError::WrongKind);
    let ec = PrivateKey::generate(KeyKind::P256).unwrap();
    assert_eq!(ec.rsa_raw(&[1; 128]).unwrap_err(), CryptoError::WrongKind);
    assert_eq!(ec.rsa_public().unwrap_err(), CryptoError::WrongKind);
    assert_eq!(ec.ecdsa_sign(&[]).unwrap_err(), CryptoError::BadInput);
    assert_eq!(ec.ecdsa_sign(&[1; 65]).unwrap_err(), CryptoError::BadInput);
    let mut point = ec.ec_point().unwrap().to_vec();
    point[64] ^= 1;
    let compressed = [&[2], &point[1..33]].concat();
    for bad in [&[][..], &[0], &[4], &point, &compressed, &[4; 65]] {
        assert_eq!(ec.ecdh(bad).unwrap_err(), CryptoError::BadPoint);
    }
}

#[test]
fn one_key_serves_many_threads() {
    let keys =
        [PrivateKey::generate(KeyKind::Rsa(1024)).unwrap(), PrivateKey::generate(KeyKind::P256).unwrap()];
    let keys = Arc::new(keys);
    let expected = keys[0].rsa_raw(&block(&[7; 32], 128)).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    assert_eq!(keys[0].rsa_raw(&block(&[7; 32], 128)).unwrap(), expected);
                    assert_eq!(keys[1].ecdsa_sign(&[7; 32]).unwrap()[0], 0x30);
                }
            });
        }
    });
    assert_eq!(format!("{:?}", keys[1]), "PrivateKey(P-256)");
}

#[test]
fn sealed_data_is_bound_to_key_nonce_and_context() {
    let key = SealKey::new(&[1; 32]).unwrap();
    let sealed = key.seal(&[2; 12], b"context", b"secret").unwrap();
    assert_eq!(sealed.len(), 6 + cardmod_crypto::sealed_overhead());
    assert_eq!(*key.open(&[2; 12], b"context", &sealed).unwrap(), b"secret");
    let mut changed = sealed.clone();
    changed[0] ^= 1;
    let other = SealKey::new(&[3; 32]).unwrap();
    for result in [
        key.open(&[2; 12], b"context", &changed),
        key.open(&[2; 12], b"other", &sealed),
        key.open(&[9; 12], b"context", &sealed),
        key.open(&[2; 12], b"context", &sealed[..5]),
        key.open(&[2; 12], b"context", &[]),
        other.open(&[2; 12], b"context", &sealed),
    ] {
        assert_eq!(result.unwrap_err(), CryptoError::Unsealable);
    }
    // NIST, "The Galois/Counter Mode of Operation", test case 13: an empty message under the zero key.
    let zero = SealKey::new(&[0; 32]).unwrap().seal(&[0; 12], &[], &[]).unwrap();
    assert_eq!(zero[..4], [0x53, 0x0F, 0x8A, 0xFB]);
}
