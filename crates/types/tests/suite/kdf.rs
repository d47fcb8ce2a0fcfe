//! Key derivation against published vectors: RFC 2202, 4231, 5869, 7518, and the hash of FIPS 180-4.

use cardmod_types::kdf::{Kdf, KdfError, TlsProtocol};
use cardmod_types::{HashAlgorithm, SecretBytes};
use proptest::prelude::*;

use crate::support::hex;

fn secret(bytes: &[u8]) -> SecretBytes {
    SecretBytes::from(bytes)
}

fn none() -> SecretBytes {
    secret(b"")
}

#[test]
fn hash_of_the_concatenation() {
    let kdf = |hash| Kdf::Hash { hash, prepend: secret(b"a"), append: secret(b"c") };
    let vectors = [
        (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
        (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ];
    for (hash, expected) in vectors {
        assert_eq!(kdf(hash).derive(&secret(b"b"), None).unwrap().as_bytes(), hex(expected));
        let cut = kdf(hash).derive(&secret(b"b"), Some(5)).unwrap();
        assert_eq!(cut.as_bytes(), &hex(expected)[..5]);
    }
    let too_long = kdf(HashAlgorithm::Sha1).derive(&secret(b"b"), Some(21));
    assert_eq!(too_long, Err(KdfError::TooLong { wanted: 21, available: 20 }));
}

#[test]
fn hmac_of_rfc_2202_and_4231() {
    // Test case 2 of both, the data spread over prefix, secret and suffix.
    let vectors = [
        (HashAlgorithm::Md5, "750c783e6ab0b503eaa86e310a5db738"),
        (HashAlgorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (HashAlgorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
        (
            HashAlgorithm::Sha384,
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e\
             8e2240ca5e69e2c78b3239ecfab21649",
        ),
        (
            HashAlgorithm::Sha512,
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554\
             9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        ),
    ];
    for (hash, expected) in vectors {
        let key = Some(secret(b"Jefe"));
        let kdf = Kdf::Hmac { hash, key, prepend: secret(b"what do ya "), append: secret(b"nothing?") };
        assert_eq!(kdf.derive(&secret(b"want for "), None).unwrap().as_bytes(), hex(expected));
    }
}

#[test]
fn hmac_takes_the_secret_as_key() {
    let hash = HashAlgorithm::Sha256;
    let without = Kdf::Hmac { hash, key: None, prepend: secret(b"p"), append: none() };
    let with = Kdf::Hmac { hash, key: Some(secret(b"zz")), prepend: secret(b"p"), append: none() };
    assert_eq!(without.derive(&secret(b"zz"), None), with.derive(&secret(b"zz"), None));
    assert_ne!(without.derive(&secret(b"zy"), None), with.derive(&secret(b"zy"), None));
}

#[test]
fn concatenation_of_rfc_7518() {
    // Appendix C: Z, AlgorithmID, PartyUInfo, PartyVInfo and SuppPubInfo of the ECDH-ES example.
    let kdf = Kdf::Sp800_56aConcat {
        hash: HashAlgorithm::Sha256,
        algorithm_id: b"\0\0\0\x07A128GCM".to_vec(),
        party_u: b"\0\0\0\x05Alice".to_vec(),
        party_v: b"\0\0\0\x03Bob".to_vec(),
        supp_pub: vec![0, 0, 0, 128],
        supp_priv: none(),
    };
    let z = hex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4");
    let key = kdf.derive(&secret(&z), Some(16)).unwrap();
    assert_eq!(key.as_bytes(), hex("56aa8deaf8236d205c2228cd71a7101a"));
    let whole = kdf.derive(&secret(&z), None).unwrap();
    let longer = kdf.derive(&secret(&z), Some(100)).unwrap();
    assert_eq!((whole.len(), longer.len()), (32, 100));
    assert_eq!(longer.as_bytes()[..32], *whole.as_bytes());
    assert_ne!(longer.as_bytes()[32..64], *whole.as_bytes());
}

#[test]
fn hkdf_of_rfc_5869() {
    // Test cases 1, 3 and 4.
    let info = hex("f0f1f2f3f4f5f6f7f8f9");
    let salt = hex("000102030405060708090a0b0c");
    for (hash, ikm, salt, info, expected) in [
        (
            HashAlgorithm::Sha256,
            [0x0B; 22].to_vec(),
            salt.clone(),
            info.clone(),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            HashAlgorithm::Sha256,
            [0x0B; 22].to_vec(),
            vec![],
            vec![],
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
        (
            HashAlgorithm::Sha1,
            [0x0B; 11].to_vec(),
            salt,
            info,
            "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896",
        ),
    ] {
        let kdf = Kdf::Hkdf { hash, salt, info };
        assert_eq!(kdf.derive(&secret(&ikm), Some(42)).unwrap().as_bytes(), hex(expected));
        assert_eq!(kdf.derive(&secret(&ikm), None).unwrap().len(), hash.len());
        let most = 255 * hash.len();
        assert_eq!(kdf.derive(&secret(&ikm), Some(most)).unwrap().len(), most);
        let refused = kdf.derive(&secret(&ikm), Some(most + 1));
        assert_eq!(refused, Err(KdfError::TooLong { wanted: most + 1, available: most }));
    }
}

#[test]
fn raw_secret_is_little_endian() {
    let raw = Kdf::Truncate.derive(&secret(&[1, 2, 3, 4]), None).unwrap();
    assert_eq!(raw.as_bytes(), [4, 3, 2, 1]);
    let cut = Kdf::Truncate.derive(&secret(&[1, 2, 3, 4]), Some(2)).unwrap();
    assert_eq!(cut.as_bytes(), [4, 3]);
    let refused = Kdf::Truncate.derive(&secret(&[1, 2, 3, 4]), Some(5));
    assert_eq!(refused, Err(KdfError::TooLong { wanted: 5, available: 4 }));
}

#[test]
fn tls_gives_a_master_secret() {
    let kdf =
        |protocol| Kdf::TlsPrf { label: b"master secret".to_vec(), seed: vec![7; 64], protocol, hash: None };
    let old = kdf(TlsProtocol::Tls10).derive(&secret(&[1; 32]), None).unwrap();
    let new = kdf(TlsProtocol::Tls12).derive(&secret(&[1; 32]), None).unwrap();
    assert_eq!((old.len(), new.len()), (48, 48));
    assert_ne!(old, new);
    let refused = kdf(TlsProtocol::Tls12).derive(&secret(&[1; 32]), Some(49));
    assert_eq!(refused, Err(KdfError::TooLong { wanted: 49, available: 48 }));
    assert_eq!(TlsProtocol::try_from(0x0303), Ok(TlsProtocol::Tls12));
    assert!(TlsProtocol::try_from(0x0304).is_err());
}

#[test]
fn hashes_that_are_not_computed_are_refused() {
    for hash in [HashAlgorithm::Md2, HashAlgorithm::Md4, HashAlgorithm::Ssl3ShaMd5] {
        let refused = Err(KdfError::UnsupportedHash(hash));
        let (prepend, append) = (none(), none());
        let concat = Kdf::Sp800_56aConcat {
            hash,
            algorithm_id: vec![],
            party_u: vec![],
            party_v: vec![],
            supp_pub: vec![],
            supp_priv: none(),
        };
        for kdf in [
            Kdf::Hash { hash, prepend: prepend.clone(), append: append.clone() },
            Kdf::Hmac { hash, key: None, prepend, append },
            Kdf::Hkdf { hash, salt: vec![], info: vec![] },
            concat,
        ] {
            assert_eq!(kdf.derive(&secret(b"z"), None), refused, "{kdf:?}");
        }
    }
}

#[test]
fn debug_shows_the_name_alone() {
    let kdf =
        Kdf::Hmac { hash: HashAlgorithm::Md5, key: Some(secret(b"key")), prepend: none(), append: none() };
    assert_eq!(format!("{kdf:?}"), "Kdf(HMAC)");
}

proptest! {
    #[test]
    fn a_shorter_key_is_the_beginning_of_a_longer_one(
        z in prop::collection::vec(any::<u8>(), 0..80),
        info in prop::collection::vec(any::<u8>(), 0..40),
        short in 0usize..200,
        more in 0usize..200,
    ) {
        let hkdf = Kdf::Hkdf { hash: HashAlgorithm::Sha384, salt: info.clone(), info: info.clone() };
        let concat = Kdf::Sp800_56aConcat {
            hash: HashAlgorithm::Sha1,
            algorithm_id: info.clone(),
            party_u: vec![],
            party_v: info,
            supp_pub: vec![],
            supp_priv: none(),
        };
        for kdf in [hkdf, concat] {
            let short_key = kdf.derive(&secret(&z), Some(short)).unwrap();
            let long_key = kdf.derive(&secret(&z), Some(short + more)).unwrap();
            prop_assert_eq!(short_key.as_bytes(), &long_key.as_bytes()[..short]);
        }
    }
}
