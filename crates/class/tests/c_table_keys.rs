//! Containers and keys through the table a host gets, on virtual cards.

mod table;

use cardmod_crypto::KeyKind;
use cardmod_sdk::Status;
use cardmod_sdk::sys::{
    KDF_ALGORITHMID, KDF_HASH_ALGORITHM, KDF_HKDF_INFO, KDF_HKDF_SALT, KDF_HMAC_KEY, KDF_PARTYUINFO,
    KDF_PARTYVINFO, KDF_SECRET_APPEND, KDF_SECRET_PREPEND, KDF_TLS_PRF_LABEL, KDF_TLS_PRF_PROTOCOL,
    KDF_TLS_PRF_SEED, KDF_USE_SECRET_AS_HMAC_KEY_FLAG,
};
use cardmod_types::kdf::{Kdf, TlsProtocol};
use cardmod_types::padding::{digest_info, oaep_encode, pkcs1_encrypt_block, pkcs1_sign_block, pss_verify};
use cardmod_types::{EcCurve, EcPublicKey, HashAlgorithm, KeyHalf, KeySpec, PublicKey, SecretBytes};

use table::calls::Padding;
use table::check::{ecdsa_is_right, pss_is_right, rsa_public, software_key};
use table::{ADMIN_KEY, Host, call, outcome, wide};

const SHA_256: u32 = 0x800C;
const DIGEST: [u8; 32] = [0x5D; 32];
const KEY_EXCHANGE: KeySpec = KeySpec::KeyExchange;
const SIGNATURE: KeySpec = KeySpec::Signature;

#[test]
fn rsa_keys_of_every_size_sign_and_decrypt() {
    let mut host = Host::new("rsa-sizes");
    host.as_user();
    rsa_keys_of_every_size(&mut host, [0, 1, 2, 3]);
    assert_eq!(host.keys(4).err(), Some(Status::NoKeyContainer));
    assert_eq!(host.keys(255).err(), Some(Status::NoKeyContainer));
    let mut host = Host::piv("rsa-sizes-piv", &table::piv::token());
    host.as_user();
    // In 9A, 9D, 82 and 83.
    rsa_keys_of_every_size(&mut host, [0, 2, 4, 5]);
}

fn rsa_keys_of_every_size(host: &mut Host, indexes: [u8; 4]) {
    for (index, bits) in indexes.into_iter().zip([1024, 2048, 3072, 4096]) {
        let (key, _) = software_key(KeyKind::rsa(bits).expect("a size"));
        host.import(index, KEY_EXCHANGE, &key).expect("imported");
        let public = host.key(index);
        assert_eq!(public, key.public());
        let length = bits as usize / 8;

        let info = digest_info(HashAlgorithm::Sha256, &DIGEST).expect("an encoding");
        let block = pkcs1_sign_block(&info, length).expect("a block");
        for padding in [Padding::Basic(SHA_256), Padding::Pkcs1(Some("SHA256"))] {
            let signature = host.sign(index, KEY_EXCHANGE, padding, &DIGEST).expect("a signature");
            assert_eq!(rsa_public(&public, &signature), block, "{padding:?}");
        }
        let bare = pkcs1_sign_block(&[7; 36], length).expect("a block");
        for padding in [Padding::Basic(0), Padding::Basic(0x8008), Padding::Pkcs1(None)] {
            let signature = host.sign(index, KEY_EXCHANGE, padding, &[7; 36]).expect("a signature");
            assert_eq!(rsa_public(&public, &signature), bare, "{padding:?}");
        }
        let mut raw = vec![0x11; length];
        raw[0] = 0;
        let signature = host.sign(index, KEY_EXCHANGE, Padding::None, &raw).expect("a signature");
        assert_eq!(rsa_public(&public, &signature), raw);
        let most = length as u32 - 32 - 2;
        for salt in [0, 20, 32, most] {
            let padding = Padding::Pss(Some("SHA256"), salt);
            let signature = host.sign(index, KEY_EXCHANGE, padding, &DIGEST).expect("a signature");
            let block = rsa_public(&public, &signature);
            let is_right =
                pss_verify(HashAlgorithm::Sha256, &DIGEST, Some(salt as usize), &block, bits as usize);
            assert!(is_right, "{bits} {salt}");
            assert!(pss_is_right(&public, &DIGEST, salt as usize, &signature), "{bits} {salt}");
        }
        let too_long = Padding::Pss(Some("SHA256"), most + 1);
        assert_eq!(host.sign(index, KEY_EXCHANGE, too_long, &DIGEST), Err(Status::InvalidParameter));
        decrypts(host, index, &public, length);
    }
}

fn decrypts(host: &mut Host, index: u8, public: &PublicKey, length: usize) {
    let mut ones = |out: &mut [u8]| out.fill(1);
    let block = pkcs1_encrypt_block(b"a secret", length, &mut ones).expect("a block");
    let cryptogram = rsa_public(public, block.as_bytes());
    assert_eq!(
        host.decrypt(index, KEY_EXCHANGE, Padding::Pkcs1(None), &cryptogram).as_deref(),
        Ok(&b"a secret"[..])
    );
    assert_eq!(host.decrypt(index, KEY_EXCHANGE, Padding::None, &cryptogram), Ok(block.as_bytes().to_vec()));
    let oaep = Padding::Oaep("SHA256", b"label");
    let block = oaep_encode(HashAlgorithm::Sha256, b"label", b"another", &[3; 32], length).expect("a block");
    let cryptogram = rsa_public(public, block.as_bytes());
    assert_eq!(host.decrypt(index, KEY_EXCHANGE, oaep, &cryptogram).as_deref(), Ok(&b"another"[..]));
    let unlike = Padding::Oaep("SHA256", b"Label");
    assert_eq!(host.decrypt(index, KEY_EXCHANGE, unlike, &cryptogram), Err(Status::InvalidParameter));
    let short = &cryptogram[1..];
    assert_eq!(host.decrypt(index, KEY_EXCHANGE, oaep, short), Err(Status::InsufficientBuffer));
}

#[test]
fn the_length_of_a_signature_is_told_before() {
    let mut host = Host::new("lengths");
    host.as_user();
    host.generate(0, SIGNATURE, 1024).expect("a key");
    host.generate(1, KeySpec::EcdsaP521, 0).expect("a key");
    host.key(0);
    host.key(1);
    host.deauthenticate().expect("deauthenticated");
    let before = host.apdus();
    assert_eq!(host.sign_length(0, SIGNATURE, Padding::Basic(SHA_256), &DIGEST), Ok(128));
    assert_eq!(host.sign_length(0, SIGNATURE, Padding::Pss(Some("SHA256"), 32), &DIGEST), Ok(128));
    assert_eq!(host.sign_length(1, KeySpec::EcdsaP521, Padding::Basic(0), &DIGEST), Ok(132));
    for (index, spec, padding, cause) in [
        (0, SIGNATURE, Padding::Oaep("SHA256", b""), Status::InvalidParameter),
        (0, SIGNATURE, Padding::Pss(Some("SHA3-256"), 32), Status::UnsupportedFeature),
        (0, SIGNATURE, Padding::Pss(Some("SHA256"), 95), Status::InvalidParameter),
        (0, SIGNATURE, Padding::Basic(0x8005), Status::UnsupportedFeature),
        (0, SIGNATURE, Padding::Basic(0x1000_0000), Status::InvalidParameter),
        (0, SIGNATURE, Padding::None, Status::InvalidParameter),
        (1, KeySpec::EcdsaP521, Padding::Pkcs1(Some("SHA256")), Status::InvalidParameter),
        (1, KeySpec::EcdsaP521, Padding::Pss(Some("SHA256"), 32), Status::InvalidParameter),
        (1, KeySpec::EcdsaP256, Padding::Basic(0), Status::InvalidParameter),
    ] {
        assert_eq!(host.sign_length(index, spec, padding, &DIGEST), Err(cause), "{spec:?} {padding:?}");
    }
    assert_eq!(host.apdus(), before, "none of this needs the card");
    // A deauthenticated card refuses; the host then asks for the PIN.
    let refused = host.sign(0, SIGNATURE, Padding::Basic(SHA_256), &DIGEST);
    assert_eq!(refused, Err(Status::SecurityViolation));
    host.as_user();
    assert!(host.sign(0, SIGNATURE, Padding::Pss(Some("SHA256"), 32), &DIGEST).is_ok());
}

#[test]
fn a_key_is_replaced_and_nothing_else_is_lost() {
    let mut host = Host::new("replace");
    let (imported, _) = software_key(KeyKind::Rsa(2048));
    assert_eq!(host.generate(0, KEY_EXCHANGE, 1024), Err(Status::SecurityViolation));
    assert_eq!(host.import(0, KEY_EXCHANGE, &imported), Err(Status::SecurityViolation));
    host.as_admin(&ADMIN_KEY).expect("admin");
    assert_eq!(host.generate(0, KEY_EXCHANGE, 1024), Err(Status::SecurityViolation), "admin alone");
    assert_eq!(host.keys(0).err(), Some(Status::NoKeyContainer));
    host.as_user();
    let mut seen = Vec::new();
    host.generate(0, KEY_EXCHANGE, 1024).expect("a key");
    seen.push(host.key(0));
    host.generate(0, KEY_EXCHANGE, 1024).expect("another of the same size");
    seen.push(host.key(0));
    host.generate(0, KEY_EXCHANGE, 2048).expect("of another size");
    seen.push(host.key(0));
    host.import(0, KEY_EXCHANGE, &imported).expect("imported over it");
    seen.push(host.key(0));
    host.generate(0, KeySpec::EcdheP256, 0).expect("of another kind");
    seen.push(host.key(0));
    host.generate(0, KEY_EXCHANGE, 1024).expect("and back");
    seen.push(host.key(0));
    for (at, key) in seen.iter().enumerate() {
        assert!(!seen[..at].contains(key), "each key is new");
    }
    let last = seen.pop().expect("a key");

    // The profile gives a container one key: the other half is refused, and the key stays what it was.
    let half = software_key(KeyKind::Rsa(1024)).0;
    assert_eq!(host.generate(0, SIGNATURE, 1024), Err(Status::UnsupportedFeature));
    assert_eq!(host.import(0, SIGNATURE, &half), Err(Status::UnsupportedFeature));
    assert_eq!(host.generate(0, KeySpec::EcdsaP256, 0), Err(Status::UnsupportedFeature));
    assert_eq!(host.generate(0, KEY_EXCHANGE, 1000), Err(Status::InvalidParameter));
    assert_eq!(host.generate(0, KeySpec::EcdheP256, 384), Err(Status::InvalidParameter));
    assert_eq!(host.generate(30, KEY_EXCHANGE, 1024), Err(Status::NoKeyContainer));
    assert_eq!(host.generate(255, KEY_EXCHANGE, 1024), Err(Status::NoKeyContainer));
    assert_eq!(host.key(0), last);
    let signature = host.sign(0, KEY_EXCHANGE, Padding::Basic(SHA_256), &DIGEST).expect("a signature");
    let info = digest_info(HashAlgorithm::Sha256, &DIGEST).expect("an encoding");
    assert_eq!(rsa_public(&last, &signature), pkcs1_sign_block(&info, 128).expect("a block"));
    assert_eq!(host.sign(0, SIGNATURE, Padding::Basic(SHA_256), &DIGEST), Err(Status::NoKeyContainer));
}

#[test]
fn creation_checks_what_it_is_given() {
    let mut host = Host::new("creation");
    host.as_user();
    let null = std::ptr::null_mut();
    let mut garbage = [0u8; 64];
    let ec = software_key(KeyKind::P256).0;
    let mut wrong_kind = ec.to_blob(KeySpec::EcdsaP256).as_bytes().to_vec();
    let create = |host: &mut Host, flags: u32, spec: u32, blob: *mut u8, owner: u32| {
        outcome(call!(host, pfnCardCreateContainerEx, 0, flags, spec, 1024, blob, owner))
    };
    for (flags, spec, blob, owner, cause) in [
        (0, 1, null, 1, Status::InvalidParameter),
        (3, 1, null, 1, Status::InvalidParameter),
        (1, 0, null, 1, Status::InvalidParameter),
        (1, 9, null, 1, Status::InvalidParameter),
        (1, 1, null, 0, Status::InvalidParameter),
        (1, 1, null, 2, Status::SecurityViolation),
        (1, 1, null, 3, Status::InvalidParameter), // the PUK owns nothing
        (1, 1, null, 4, Status::InvalidParameter),
        (1, 1, null, 8, Status::InvalidParameter),
        (2, 1, null, 1, Status::InvalidParameter),
        (2, 1, garbage.as_mut_ptr(), 1, Status::InvalidParameter),
        (2, 1, wrong_kind.as_mut_ptr(), 1, Status::InvalidParameter),
        (2, 6, wrong_kind.as_mut_ptr(), 1, Status::InvalidParameter),
    ] {
        assert_eq!(create(&mut host, flags, spec, blob, owner), Err(cause), "{flags} {spec} {owner}");
    }
    assert_eq!(host.keys(0).err(), Some(Status::NoKeyContainer));
    assert_eq!(create(&mut host, 1, 1, null, 1), Ok(()));
    assert_eq!(outcome(call!(host, pfnCardDeleteContainer, 0, 1)), Err(Status::InvalidParameter));
    host.deauthenticate().expect("deauthenticated");
    assert_eq!(host.delete(0), Err(Status::SecurityViolation));
    for missing in [1, 29, 30, 255] {
        assert_eq!(host.delete(missing), Ok(()), "what is not there is deleted");
    }
    host.as_admin(&ADMIN_KEY).expect("admin");
    assert_eq!(host.delete(0), Ok(()), "the administrator may");
    assert_eq!(host.keys(0).err(), Some(Status::NoKeyContainer));
}

#[test]
fn containers_tell_and_confirm_their_owner() {
    let mut host = Host::new("owners");
    host.as_user();
    host.generate(0, KeySpec::EcdsaP256, 0).expect("a key");
    host.deauthenticate().expect("deauthenticated");
    let name = wide("PIN Identifier");
    let set = |host: &mut Host, index: u8, id: u32| {
        let mut id = id.to_ne_bytes();
        let name = name.as_ptr();
        outcome(call!(host, pfnCardSetContainerProperty, index, name, id.as_mut_ptr(), 4, 0))
    };
    assert_eq!(set(&mut host, 0, 1), Err(Status::SecurityViolation));
    host.as_admin(&ADMIN_KEY).expect("admin");
    assert_eq!(set(&mut host, 0, 1), Ok(()));
    assert_eq!(set(&mut host, 0, 2), Err(Status::SecurityViolation), "never the administrator's");
    assert_eq!(set(&mut host, 0, 3), Err(Status::UnsupportedFeature));
    assert_eq!(set(&mut host, 0, 5), Err(Status::InvalidParameter));
    assert_eq!(set(&mut host, 1, 1), Err(Status::NoKeyContainer));
    let (mut id, mut length) = ([0u8; 4], 0);
    let code =
        call!(host, pfnCardGetContainerProperty, 0, name.as_ptr(), id.as_mut_ptr(), 4, &raw mut length, 0);
    assert_eq!((outcome(code), u32::from_ne_bytes(id), length), (Ok(()), 1, 4));
}

#[test]
fn elliptic_curve_keys_sign() {
    let mut host = Host::new("ecdsa");
    host.as_user();
    let curves = [
        (KeySpec::EcdsaP256, EcCurve::P256),
        (KeySpec::EcdsaP384, EcCurve::P384),
        (KeySpec::EcdsaP521, EcCurve::P521),
    ];
    for (index, (spec, curve)) in curves.into_iter().enumerate() {
        let index = index as u8;
        host.generate(index, spec, 0).expect("a key");
        let public = host.key(index);
        for digest in [&[9; 20][..], &[9; 32], &[9; 48], &[9; 64]] {
            for padding in [Padding::Basic(0), Padding::None] {
                let signature = host.sign(index, spec, padding, digest).expect("a signature");
                assert_eq!(signature.len(), 2 * curve.coordinate_len());
                let used = &digest[..digest.len().min(curve.coordinate_len())];
                assert!(ecdsa_is_right(&public, used, &signature), "{curve:?} {}", digest.len());
            }
        }
        let kx = KeySpec::ec(KeyHalf::KeyExchange, curve);
        assert_eq!(host.sign(index, kx, Padding::Basic(0), &DIGEST), Err(Status::NoKeyContainer));
        let rsa = host.decrypt(index, KEY_EXCHANGE, Padding::None, &[1; 256]);
        assert_eq!(rsa, Err(Status::NoKeyContainer));
        assert_eq!(host.agree(index, &peer(curve).1).err(), Some(Status::NoKeyContainer));
    }
}

/// A peer of a key agreement and its public key blob.
fn peer(curve: EcCurve) -> (cardmod_crypto::PrivateKey, Vec<u8>) {
    let kind = match curve {
        EcCurve::P256 => KeyKind::P256,
        EcCurve::P384 => KeyKind::P384,
        EcCurve::P521 => KeyKind::P521,
    };
    let key = cardmod_crypto::PrivateKey::generate(kind).expect("a key");
    let point = EcPublicKey::from_uncompressed(curve, key.ec_point().expect("a point")).expect("a point");
    (key, PublicKey::Ec(point).to_blob(KeySpec::ec(KeyHalf::KeyExchange, curve)))
}

#[test]
fn keys_are_agreed_and_derived() {
    let mut host = Host::new("ecdh");
    host.as_user();
    for (index, curve) in [EcCurve::P256, EcCurve::P384, EcCurve::P521].into_iter().enumerate() {
        let index = index as u8;
        let spec = KeySpec::ec(KeyHalf::KeyExchange, curve);
        host.generate(index, spec, 0).expect("a key");
        let PublicKey::Ec(own) = host.key(index) else { panic!("not an EC key") };
        let (peer, blob) = peer(curve);
        let secret = SecretBytes::new(peer.ecdh(&own.to_uncompressed()).expect("a secret").to_vec());
        let agreement = host.agree(index, &blob).expect("an agreement");
        let other = host.agree(index, &blob).expect("several at one time");
        assert_ne!(agreement, other);
        for (name, flags, parameters, kdf) in derivations() {
            let key = host.derive(agreement, name, flags, &parameters).expect("a key");
            let expected = kdf.derive(&secret, None).expect("a key");
            assert_eq!(key, expected.as_bytes(), "{name} on {curve:?}");
        }
        assert_eq!(host.derive(agreement, "NOPE", 0, &[]), Err(Status::InvalidParameter));
        // A key exchange key signs too, to prove its possession in a request.
        let signature = host.sign(index, spec, Padding::Basic(0), &DIGEST).expect("a signature");
        assert!(ecdsa_is_right(&PublicKey::Ec(own.clone()), &DIGEST, &signature));
        host.destroy(agreement).expect("destroyed");
        assert_eq!(host.destroy(agreement), Err(Status::InvalidParameter));
        assert_eq!(host.derive(agreement, "HASH", 0, &[]), Err(Status::InvalidParameter));
        host.derive(other, "HASH", 0, &[]).expect("the other one is untouched");
    }
    refusals_of_agreements(&mut host);
}

fn refusals_of_agreements(host: &mut Host) {
    let (_, blob) = peer(EcCurve::P256);
    let mut off_curve = blob.clone();
    off_curve[20] ^= 1;
    assert_eq!(host.agree(0, &off_curve).err(), Some(Status::InvalidParameter));
    assert_eq!(host.agree(1, &blob).err(), Some(Status::InvalidParameter), "another curve");
    assert_eq!(host.agree(0, &blob[..71]).err(), Some(Status::InvalidParameter));
    assert_eq!(host.agree(9, &blob).err(), Some(Status::NoKeyContainer));
    let kept = host.agree(0, &blob).expect("an agreement");
    host.deauthenticate().expect("deauthenticated");
    assert_eq!(host.agree(0, &blob).err(), Some(Status::SecurityViolation));
    // What was agreed is the context's until the card is reset.
    host.derive(kept, "HASH", 0, &[]).expect("a key");
    host.reset();
    assert_eq!(host.agree(0, &blob).err(), Some(Status::SecurityViolation));
}

type Derivations = Vec<(&'static str, u32, Vec<(u32, Vec<u8>)>, Kdf)>;

/// Every function with its parameters, as the interface has them and as typed values.
fn derivations() -> Derivations {
    [plain_derivations(), tls_derivations(), other_derivations()].into_iter().flatten().collect()
}

fn hash(name: &str) -> (u32, Vec<u8>) {
    (KDF_HASH_ALGORITHM, wide(name).iter().flat_map(|unit| unit.to_ne_bytes()).collect())
}

fn none() -> SecretBytes {
    SecretBytes::zeroed(0)
}

fn plain_derivations() -> Derivations {
    let secret = |bytes: &[u8]| SecretBytes::from(bytes);
    let (sha1, sha256) = (HashAlgorithm::Sha1, HashAlgorithm::Sha256);
    vec![
        ("HASH", 0, vec![], Kdf::Hash { hash: sha1, prepend: none(), append: none() }),
        (
            "HASH",
            0,
            vec![
                hash("SHA256"),
                (KDF_SECRET_PREPEND, b"before".to_vec()),
                (KDF_SECRET_APPEND, b"after".to_vec()),
            ],
            Kdf::Hash { hash: sha256, prepend: secret(b"before"), append: secret(b"after") },
        ),
        (
            "HMAC",
            0,
            vec![hash("SHA384"), (KDF_HMAC_KEY, b"key".to_vec())],
            Kdf::Hmac {
                hash: HashAlgorithm::Sha384,
                key: Some(secret(b"key")),
                prepend: none(),
                append: none(),
            },
        ),
        (
            "HMAC",
            KDF_USE_SECRET_AS_HMAC_KEY_FLAG,
            vec![hash("SHA512")],
            Kdf::Hmac { hash: HashAlgorithm::Sha512, key: None, prepend: none(), append: none() },
        ),
    ]
}

fn tls_derivations() -> Derivations {
    vec![
        (
            "TLS_PRF",
            0,
            vec![(KDF_TLS_PRF_LABEL, b"master secret".to_vec()), (KDF_TLS_PRF_SEED, vec![8; 64])],
            Kdf::TlsPrf {
                label: b"master secret".to_vec(),
                seed: vec![8; 64],
                protocol: TlsProtocol::Tls10,
                hash: None,
            },
        ),
        (
            "TLS_PRF",
            0,
            vec![
                (KDF_TLS_PRF_LABEL, b"master secret".to_vec()),
                (KDF_TLS_PRF_SEED, vec![8; 64]),
                (KDF_TLS_PRF_PROTOCOL, 0x0303u32.to_ne_bytes().to_vec()),
                hash("SHA384"),
            ],
            Kdf::TlsPrf {
                label: b"master secret".to_vec(),
                seed: vec![8; 64],
                protocol: TlsProtocol::Tls12,
                hash: Some(HashAlgorithm::Sha384),
            },
        ),
    ]
}

fn other_derivations() -> Derivations {
    let sha256 = HashAlgorithm::Sha256;
    vec![
        (
            "SP800_56A_CONCAT",
            0,
            vec![
                hash("SHA256"),
                (KDF_ALGORITHMID, b"id".to_vec()),
                (KDF_PARTYUINFO, b"u".to_vec()),
                (KDF_PARTYVINFO, b"v".to_vec()),
            ],
            Kdf::Sp800_56aConcat {
                hash: sha256,
                algorithm_id: b"id".to_vec(),
                party_u: b"u".to_vec(),
                party_v: b"v".to_vec(),
                supp_pub: Vec::new(),
                supp_priv: none(),
            },
        ),
        ("TRUNCATE", 0, vec![], Kdf::Truncate),
        (
            "HKDF",
            0,
            vec![hash("SHA256"), (KDF_HKDF_SALT, b"salt".to_vec()), (KDF_HKDF_INFO, b"info".to_vec())],
            Kdf::Hkdf { hash: sha256, salt: b"salt".to_vec(), info: b"info".to_vec() },
        ),
    ]
}
