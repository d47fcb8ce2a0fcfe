//! Containers on a virtual GIDS card, through host, C table, class module and PC/SC functions.

mod common;

use cardmod_host::{
    DecryptRequest, DeriveRequest, Error, FileAuthority, KeyAlgorithm, KeySource, NewContainer, NoPin,
    SignRequest, verify,
};
use cardmod_types::kdf::Kdf;
use cardmod_types::{
    CardCf, ContainerIndex, ContainerMap, ContainerName, ContainerRecord, DecryptPadding, EcCurve,
    EcPublicKey, FilePath, HashAlgorithm, KeyHalf, KeySpec, PrivateKey, PublicKey, RsaPublicKey, SecretBytes,
    SignaturePadding, padding,
};
use rsa::BoxedUint;

fn new(name: &str, algorithm: KeyAlgorithm, half: KeyHalf) -> NewContainer {
    NewContainer { name: name.to_owned(), key: KeySource::Generate(algorithm), half, default: false }
}

fn rsa_public(key: &PublicKey) -> &RsaPublicKey {
    match key {
        PublicKey::Rsa(key) => key,
        PublicKey::Ec(_) => panic!("an RSA key was expected"),
    }
}

fn ec_public(key: &PublicKey) -> &EcPublicKey {
    match key {
        PublicKey::Ec(key) => key,
        PublicKey::Rsa(_) => panic!("an elliptic key was expected"),
    }
}

/// A block to the power of the public exponent.
fn encrypt(key: &RsaPublicKey, block: &[u8]) -> Vec<u8> {
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let exponent = BoxedUint::from(u64::from(key.exponent()));
    let public = rsa::RsaPublicKey::new(modulus, exponent).expect("a public key");
    let block = BoxedUint::from_be_slice_vartime(block);
    let number = rsa::hazmat::rsa_encrypt(&public, &block).expect("a ciphertext");
    let bytes = number.to_be_bytes_trimmed_vartime();
    let mut ciphertext = vec![0; key.modulus_len() - bytes.len()];
    ciphertext.extend_from_slice(&bytes);
    ciphertext
}

#[test]
fn an_rsa_key_signs_and_decrypts() {
    let mut session = common::session("rsa");
    let container = session
        .create_container(&new("web", KeyAlgorithm::Rsa(2048), KeyHalf::KeyExchange), &mut common::pin())
        .expect("a container");
    assert!(container.default, "the first container is the default one");
    let key = container.key(None).expect("its key").clone();
    assert_eq!((key.spec, key.half), (KeySpec::KeyExchange, KeyHalf::KeyExchange));
    let digest = HashAlgorithm::Sha256.digest(b"message").expect("a hash");
    for request in
        [SignRequest::pkcs1(HashAlgorithm::Sha256, &digest), SignRequest::pss(HashAlgorithm::Sha256, &digest)]
    {
        let signature = session.sign(Some("web"), &request, &mut common::pin()).expect("a signature");
        verify::verify_signature(&key.public, &request.padding, &digest, &signature)
            .expect("a right signature");
        let mut other = digest.clone();
        other[0] ^= 1;
        let wrong = verify::verify_signature(&key.public, &request.padding, &other, &signature);
        assert_eq!(wrong, Err(Error::SignatureWrong));
    }
    let public = rsa_public(&key.public);
    let oaep = DecryptPadding::Oaep { hash: HashAlgorithm::Sha256, label: b"label".to_vec() };
    let blocks = [
        (
            DecryptPadding::Pkcs1,
            padding::pkcs1_encrypt_block(b"secret", 256, &mut |random| random.fill(0x55)).expect("a block"),
        ),
        (
            oaep,
            padding::oaep_encode(HashAlgorithm::Sha256, b"label", b"secret", &[7; 32], 256).expect("a block"),
        ),
    ];
    for (padding, block) in blocks {
        let ciphertext = encrypt(public, block.as_bytes());
        let request = DecryptRequest { half: None, padding, ciphertext: &ciphertext };
        let plain = session.decrypt(None, &request, &mut common::pin()).expect("a plaintext");
        assert_eq!(plain.as_bytes(), b"secret");
        let mut broken = ciphertext.clone();
        broken[255] ^= 1;
        let request = DecryptRequest { ciphertext: &broken, ..request };
        let failed = session.decrypt(None, &request, &mut common::pin());
        assert!(matches!(failed, Err(Error::DecryptionFailed { .. })), "{failed:?}");
    }
    let raw = DecryptRequest { half: None, padding: DecryptPadding::None, ciphertext: &[0; 255] };
    assert!(matches!(session.decrypt(None, &raw, &mut common::pin()), Err(Error::BadInput { .. })));
    common::close(session);
}

#[test]
fn elliptic_keys_sign() {
    let mut session = common::session("ecdsa");
    for curve in EcCurve::ALL {
        let algorithm = KeyAlgorithm::Ec(curve);
        let name = algorithm.to_string();
        let container = session
            .create_container(&new(&name, algorithm, KeyHalf::Signature), &mut common::pin())
            .expect("a container");
        let key = container.key(None).expect("its key");
        assert_eq!(key.spec, KeySpec::ec(KeyHalf::Signature, curve));
        for hash in [HashAlgorithm::Sha1, HashAlgorithm::Sha256, HashAlgorithm::Sha512] {
            let digest = hash.digest(b"message").expect("a hash");
            let signature = session
                .sign(Some(&name), &SignRequest::ecdsa(&digest), &mut common::pin())
                .expect("a signature");
            assert_eq!(signature.len(), curve.signature_len());
            verify::verify_signature(&key.public, &SignaturePadding::None, &digest, &signature)
                .unwrap_or_else(|error| panic!("{name} over {hash}: {error}"));
        }
    }
    assert_eq!(session.containers().expect("the list").len(), 3);
    common::close(session);
}

#[test]
fn elliptic_keys_agree() {
    let mut session = common::session("ecdh");
    let mut publics = Vec::new();
    for name in ["ours", "theirs"] {
        let new = new(name, KeyAlgorithm::Ec(EcCurve::P384), KeyHalf::KeyExchange);
        let container = session.create_container(&new, &mut common::pin()).expect("a container");
        publics.push(ec_public(&container.key(None).expect("its key").public).clone());
    }
    let none = || SecretBytes::from(&[][..]);
    let kdfs = [
        (Kdf::Truncate, None, 48),
        (
            Kdf::Hash { hash: HashAlgorithm::Sha256, prepend: none(), append: SecretBytes::from(&b"x"[..]) },
            None,
            32,
        ),
        (Kdf::Hash { hash: HashAlgorithm::Sha256, prepend: none(), append: none() }, Some(16), 16),
        (Kdf::Hmac { hash: HashAlgorithm::Sha1, key: None, prepend: none(), append: none() }, None, 20),
        (Kdf::Hkdf { hash: HashAlgorithm::Sha256, salt: vec![1], info: vec![2] }, Some(80), 80),
    ];
    for (kdf, len, expected) in kdfs {
        let mut derive = |name, peer| {
            let request = DeriveRequest { half: None, peer, kdf: &kdf, len };
            session
                .derive(Some(name), &request, &mut common::pin())
                .unwrap_or_else(|error| panic!("{kdf:?}: {error}"))
        };
        let ours = derive("ours", &publics[1]);
        let theirs = derive("theirs", &publics[0]);
        assert_eq!(ours.len(), expected, "{}", kdf.name());
        assert_eq!(ours, theirs, "{}", kdf.name());
    }
    let p256 = EcPublicKey::from_uncompressed(
        EcCurve::P256,
        &p256::ecdsa::SigningKey::from_slice(&[7; 32])
            .expect("a key")
            .verifying_key()
            .to_sec1_point(false)
            .to_bytes(),
    )
    .expect("a point");
    let request = DeriveRequest { half: None, peer: &p256, kdf: &Kdf::Truncate, len: None };
    assert!(matches!(
        session.derive(Some("ours"), &request, &mut common::pin()),
        Err(Error::BadInput { .. })
    ));
    let rsa = new("rsa", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange);
    session.create_container(&rsa, &mut common::pin()).expect("a container");
    let refused = session.derive(Some("rsa"), &request, &mut NoPin);
    assert!(matches!(refused, Err(Error::NotSupported { .. })), "{refused:?}");
    common::close(session);
}

#[test]
fn keys_are_imported() {
    let mut session = common::session("import");
    let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = secret.verifying_key().to_sec1_point(false).to_bytes();
    let public = EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point");
    let key = cardmod_types::EcPrivateKey::new(&[7; 32], public.clone()).expect("a private key");
    let new = NewContainer {
        name: "imported".to_owned(),
        key: KeySource::Import(PrivateKey::Ec(key)),
        half: KeyHalf::Signature,
        default: true,
    };
    let container = session.create_container(&new, &mut common::pin()).expect("a container");
    assert_eq!(container.key(None).expect("its key").public, PublicKey::Ec(public));
    common::close(session);
}

#[test]
fn a_second_key_goes_into_the_free_half() {
    let mut session = common::session("halves");
    let algorithm = KeyAlgorithm::Rsa(1024);
    session
        .create_container(&new("both", algorithm, KeyHalf::KeyExchange), &mut common::pin())
        .expect("the first");
    let again = session.create_container(&new("both", algorithm, KeyHalf::KeyExchange), &mut common::pin());
    assert!(matches!(again, Err(Error::ContainerExists { .. })), "{again:?}");
    let added = session.create_container(&new("both", algorithm, KeyHalf::Signature), &mut common::pin());
    match added {
        Ok(container) => assert_eq!(container.keys.len(), 2),
        // A card may have one key in a container only; then it says so, and nothing is lost.
        Err(error) => {
            assert!(matches!(error, Error::NotSupported { .. } | Error::Call { .. }), "{error}");
            assert_eq!(session.container(Some("both")).expect("still there").keys.len(), 1);
        }
    }
    common::close(session);
}

#[test]
fn containers_are_deleted_and_the_default_moves() {
    let mut session = common::session("delete");
    let p256 = KeyAlgorithm::Ec(EcCurve::P256);
    for name in ["one", "two", "three"] {
        session
            .create_container(&new(name, p256, KeyHalf::Signature), &mut common::pin())
            .expect("a container");
    }
    assert_eq!(session.container(None).expect("the default").name, "one");
    session.set_default("three", &mut common::pin()).expect("a new default");
    assert_eq!(session.container(None).expect("the default").name, "three");
    session.delete_container("three", &mut common::pin()).expect("deleted");
    assert_eq!(session.container(None).expect("the default").name, "one");
    let gone = session.container(Some("three"));
    assert!(matches!(gone, Err(Error::NoSuchContainer { .. })), "{gone:?}");
    session.delete_container("one", &mut common::pin()).expect("deleted");
    let reused = session.create_container(&new("four", p256, KeyHalf::Signature), &mut common::pin());
    assert_eq!(reused.expect("a container").index.get(), 0, "the lowest vacated place is taken");
    let names: Vec<_> =
        session.containers().expect("the list").into_iter().map(|container| container.name).collect();
    assert_eq!(names, ["four", "two"]);
    common::close(session);
}

#[test]
fn counters_move_with_what_changes() {
    let mut session = common::session("counters");
    let counters = |session: &mut cardmod_host::CardSession| {
        CardCf::parse(&session.read_file(&FilePath::cardcf()).expect("cardcf")).expect("counters")
    };
    let before = counters(&mut session);
    let p256 = KeyAlgorithm::Ec(EcCurve::P256);
    session.create_container(&new("one", p256, KeyHalf::Signature), &mut common::pin()).expect("a container");
    let created = counters(&mut session);
    // The record, the default mark and the key's size: three writes of the map; and one key.
    assert_eq!(
        (created.pins, created.containers, created.files),
        (before.pins, before.containers + 1, before.files + 3)
    );
    session.delete_container("one", &mut common::pin()).expect("deleted");
    let deleted = counters(&mut session);
    assert_eq!((deleted.containers, deleted.files), (created.containers + 1, created.files + 1));
    common::close(session);
}

#[test]
fn bad_requests_are_refused_before_the_card_is_touched() {
    let mut session = common::session("refused");
    let p256 = KeyAlgorithm::Ec(EcCurve::P256);
    // No PIN is asked for: each of these is refused earlier.
    let mut create = |name: &str, algorithm| {
        session.create_container(&new(name, algorithm, KeyHalf::Signature), &mut NoPin).expect_err("refused")
    };
    assert!(matches!(create("", p256), Error::BadContainerName { .. }));
    assert!(matches!(create(&"x".repeat(40), p256), Error::BadContainerName { .. }));
    assert!(matches!(create("a\\b", p256), Error::BadContainerName { .. }));
    assert!(matches!(create("odd", KeyAlgorithm::Rsa(1111)), Error::UnsupportedKeySize { bits: 1111, .. }));
    assert!(matches!(create("huge", KeyAlgorithm::Rsa(16_384)), Error::UnsupportedKeySize { .. }));
    assert!(matches!(create("fine", p256), Error::PinRequired { .. }));
    assert!(matches!(session.container(None), Err(Error::NoDefaultContainer { .. })));
    let unknown = session.sign(Some("nobody"), &SignRequest::ecdsa(&[1; 32]), &mut NoPin);
    let Err(error @ Error::NoSuchContainer { .. }) = unknown else { panic!("{unknown:?}") };
    assert!(error.to_string().contains("\"nobody\"") && error.to_string().contains("refused"), "{error}");
    common::close(session);
}

#[test]
fn what_the_card_has_not_is_said() {
    let mut profile = common::profile("poor");
    profile.options.ec = false;
    profile.options.max_containers = 1;
    let mut session = common::open(&common::card_of("poor", &profile));
    let elliptic = new("p256", KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature);
    let refused = session.create_container(&elliptic, &mut common::pin());
    assert!(matches!(refused, Err(Error::UnsupportedAlgorithm { .. })), "{refused:?}");
    let first = new("first", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange);
    session.create_container(&first, &mut common::pin()).expect("room for one");
    let second = new("second", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange);
    let full = session.create_container(&second, &mut common::pin());
    assert!(matches!(full, Err(Error::CardFull { .. })), "{full:?}");
    assert_eq!(session.containers().expect("the list").len(), 1, "nothing is left of the second");
    common::close(session);
}

#[test]
fn sessions_see_each_others_changes() {
    let reader = common::card_of("shared", &common::profile("shared"));
    let (mut first, mut second) = (common::open(&reader), common::open(&reader));
    let p256 = KeyAlgorithm::Ec(EcCurve::P256);
    first.create_container(&new("one", p256, KeyHalf::Signature), &mut common::pin()).expect("a container");
    assert_eq!(second.containers().expect("the list").len(), 1);
    let old = second.container(Some("one")).expect("the container").keys[0].public.clone();
    first.delete_container("one", &mut common::pin()).expect("deleted");
    first.create_container(&new("one", p256, KeyHalf::Signature), &mut common::pin()).expect("a new one");
    let new_key = second.container(Some("one")).expect("the container").keys[0].public.clone();
    assert_ne!(old, new_key, "the counter tells the second session that the key is another");
    common::close(first);
    common::close(second);
}

#[test]
fn a_key_that_cannot_be_made_leaves_no_record() {
    let mut profile = common::profile("small");
    profile.options.capacity = 4096;
    let mut session = common::open(&common::card_of("small", &profile));
    let mut made = Vec::new();
    let failure = loop {
        let name = format!("key{}", made.len());
        let new = new(&name, KeyAlgorithm::Rsa(4096), KeyHalf::KeyExchange);
        match session.create_container(&new, &mut common::pin()) {
            Ok(_) => made.push(name),
            Err(error) => break error,
        }
        assert!(made.len() < 10, "the card has room for ever");
    };
    assert!(matches!(failure, Error::CardFull { .. }), "{failure}");
    let names: Vec<_> = session.containers().expect("the list").into_iter().map(|found| found.name).collect();
    assert_eq!(names, made, "the one that failed is not on the card");
    if let Some(first) = made.first() {
        session.delete_container(first, &mut common::pin()).expect("deleted");
    }
    let again = new("again", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange);
    let container = session.create_container(&again, &mut common::pin()).expect("a smaller key fits");
    assert_eq!(container.index.get(), 0, "in the place that is free");
    common::close(session);
}

#[test]
fn a_failed_creation_leaves_the_default_container() {
    let mut profile = common::profile("default");
    profile.options.capacity = 4096;
    let mut session = common::open(&common::card_of("default", &profile));
    let first = new("first", KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature);
    session.create_container(&first, &mut common::pin()).expect("a small key");
    let mut failed = false;
    for number in 0..10 {
        let wanted = NewContainer {
            default: true,
            ..new(&format!("big{number}"), KeyAlgorithm::Rsa(4096), KeyHalf::KeyExchange)
        };
        let before = session.container(None).expect("a default container").name;
        if session.create_container(&wanted, &mut common::pin()).is_err() {
            assert_eq!(session.container(None).expect("still a default container").name, before);
            failed = true;
            break;
        }
    }
    assert!(failed, "the card has room for ever");
    common::close(session);
}

#[test]
fn a_container_without_a_key_is_said_to_have_none_and_can_be_finished_or_deleted() {
    let mut session = common::session("keyless");
    let digest = HashAlgorithm::Sha256.digest(b"message").expect("a hash");
    let request = SignRequest::pkcs1(HashAlgorithm::Sha256, &digest);
    for finished in [true, false] {
        // What a creation leaves that was broken off before the key was made.
        let mut map = ContainerMap::new();
        let record = ContainerRecord::new(ContainerName::parse("kx").expect("a name"));
        map.set(ContainerIndex::new(0), Some(record)).expect("a record");
        session
            .write_file(&FilePath::cmapfile(), &map.to_bytes(), FileAuthority::User, &mut common::pin())
            .expect("a map");
        let without = |error: Error| {
            assert!(matches!(error, Error::NoSuchKey { half: None, .. }), "{error}");
            assert!(error.to_string().ends_with("has no key"), "{error}");
        };
        without(session.sign(Some("kx"), &request, &mut common::pin()).expect_err("no key"));
        without(session.set_default("kx", &mut common::pin()).expect_err("no key"));
        let container = session.container(Some("kx")).expect("the container");
        assert!(container.keys.is_empty() && container.problem.is_none(), "{container:?}");
        assert_eq!(session.containers().expect("the list").len(), 1);
        if finished {
            session
                .create_container(
                    &new("kx", KeyAlgorithm::Rsa(2048), KeyHalf::KeyExchange),
                    &mut common::pin(),
                )
                .expect("the key");
            session.sign(Some("kx"), &request, &mut common::pin()).expect("a signature");
            session.set_default("kx", &mut common::pin()).expect("the default");
        }
        session.delete_container("kx", &mut common::pin()).expect("deleted");
        assert!(session.containers().expect("the list").is_empty());
    }
    common::close(session);
}

#[test]
fn a_hash_and_salt_too_long_for_the_key_are_refused_before_the_card() {
    let mut session = common::session("short");
    session
        .create_container(&new("short", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange), &mut common::pin())
        .expect("a container");
    let digest = HashAlgorithm::Sha512.digest(b"message").expect("a hash");
    let refused = session
        .sign(Some("short"), &SignRequest::pss(HashAlgorithm::Sha512, &digest), &mut NoPin)
        .expect_err("too long");
    assert_eq!(refused.to_string(), "hash and salt do not fit a 1024-bit key: 64 bytes and 64 bytes");
    // 128 bytes hold hash, salt and two bytes more.
    for (salt_len, fits) in [(62, true), (63, false)] {
        let padding = SignaturePadding::Pss { hash: HashAlgorithm::Sha512, salt_len };
        let request = SignRequest { padding, ..SignRequest::pss(HashAlgorithm::Sha512, &digest) };
        let signed = session.sign(Some("short"), &request, &mut common::pin());
        assert_eq!(signed.is_ok(), fits, "{salt_len}: {signed:?}");
    }
    common::close(session);
}

#[test]
fn a_container_map_of_junk_is_said_to_be_damaged_and_can_be_written_anew() {
    let mut session = common::session("junk");
    let mut map = |bytes: &[u8]| {
        let user = FileAuthority::User;
        session.write_file(&FilePath::cmapfile(), bytes, user, &mut common::pin()).expect("a map");
        session.containers()
    };
    let damaged = map(b"abc").expect_err("no map");
    assert!(matches!(damaged, Error::BadCardData { .. }), "{damaged}");
    assert!(damaged.to_string().contains("cmapfile: container map has 3 bytes"), "{damaged}");
    assert!(map(b"").expect("an empty map").is_empty());
    common::close(session);
}
