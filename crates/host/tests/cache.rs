//! What is remembered of a card from one program to the next: used while the counters stand, dropped when
//! they move, and found out at the first use of a key where they do not.

mod common;

use std::path::Path;
use std::sync::Arc;

use cardmod_host::{
    CardSession, DecryptRequest, DeriveRequest, DirectoryStore, Error, FileAuthority, KeyAlgorithm,
    KeySource, NewContainer, OpenOptions, SignRequest, verify, x509,
};
use cardmod_types::kdf::Kdf;
use cardmod_types::{
    DecryptPadding, EcCurve, FilePath, HashAlgorithm, KeyHalf, PrivateKey, PublicKey, SecretBytes,
    SignaturePadding, padding,
};
use rsa::BoxedUint;

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

/// A program of its own, as far as cards and cache are concerned.
fn program(cache: &Path, reader: &str) -> CardSession {
    let host = common::host().with_public_store(Arc::new(DirectoryStore::new(cache)));
    host.open(reader, &common::class_module(), OpenOptions::default()).expect("a session")
}

fn make(session: &mut CardSession, algorithm: KeyAlgorithm, half: KeyHalf) -> PublicKey {
    let new = NewContainer { name: "web".into(), key: KeySource::Generate(algorithm), half, default: false };
    let made = session.create_container(&new, &mut common::pin()).expect("a container");
    made.key(None).expect("its key").public.clone()
}

fn listed(session: &mut CardSession) -> PublicKey {
    let containers = session.containers().expect("containers");
    assert_eq!(containers.len(), 1);
    containers[0].key(None).expect("its key").public.clone()
}

fn sign(session: &mut CardSession) -> Vec<u8> {
    session.sign(Some("web"), &SignRequest::ecdsa(&[9; 32]), &mut common::pin()).expect("a signature")
}

fn is_signed_by(signature: &[u8], key: &PublicKey) -> bool {
    verify::verify_signature(key, &SignaturePadding::None, &[9; 32], signature).is_ok()
}

/// The card is changed by a program that leaves its counters as they were.
fn silently<T>(reader: &str, change: impl FnOnce(&mut CardSession) -> T) -> T {
    let mut stranger = common::open(reader);
    let counters = stranger.read_file(&FilePath::cardcf()).expect("the counters");
    let value = change(&mut stranger);
    stranger
        .write_file(&FilePath::cardcf(), &counters, FileAuthority::User, &mut common::pin())
        .expect("the old counters");
    common::close(stranger);
    value
}

/// The card's key is replaced, and its counters say that nothing happened.
fn replace_silently(reader: &str, algorithm: KeyAlgorithm, half: KeyHalf) -> PublicKey {
    silently(reader, |stranger| {
        stranger.delete_container("web", &mut common::pin()).expect("deleted");
        make(stranger, algorithm, half)
    })
}

/// A key and its certificate, which is answered.
fn make_certified(session: &mut CardSession, algorithm: KeyAlgorithm, half: KeyHalf) -> (PublicKey, Vec<u8>) {
    let key = make(session, algorithm, half);
    let subject = x509::Subject { name: "CN=web", alternative_names: &[] };
    let der = x509::self_signed(&subject, 1, &key, HashAlgorithm::Sha256, |digest| {
        let request = match algorithm {
            KeyAlgorithm::Rsa(_) => SignRequest::pkcs1(HashAlgorithm::Sha256, digest),
            _ => SignRequest::ecdsa(digest),
        };
        session.sign(Some("web"), &request, &mut common::pin())
    });
    let der = der.expect("a certificate");
    session.import_certificate(Some("web"), None, &der, &mut common::pin()).expect("stored");
    (key, der)
}

/// Key and certificate of the one container.
fn certified(session: &mut CardSession) -> (PublicKey, Vec<u8>) {
    let containers = session.containers().expect("containers");
    assert_eq!(containers.len(), 1);
    let key = containers[0].key(None).expect("its key");
    (key.public.clone(), key.certificate.clone().expect("its certificate"))
}

fn apdus_of<T>(reader: &str, work: impl FnOnce() -> T) -> (T, u64) {
    let before = common::apdus(reader);
    let value = work();
    (value, common::apdus(reader) - before)
}

#[test]
fn the_next_program_reads_identity_and_counters_alone() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("warm", &common::profile("warm"));
    let mut first = program(cache.path(), &reader);
    let key = make(&mut first, P256, KeyHalf::Signature);
    common::close(first);
    let ((), cost) = apdus_of(&reader, || {
        let mut next = program(cache.path(), &reader);
        assert_eq!(listed(&mut next), key);
        common::close(next);
    });
    assert_eq!(cost, 3, "selection, cardid, cardcf");
    let ((), cost) = apdus_of(&reader, || {
        let mut next = program(cache.path(), &reader);
        assert!(is_signed_by(&sign(&mut next), &key));
        common::close(next);
    });
    assert_eq!(cost, 8, "selection, cardid, cardcf, PIN, key, signature, and two to take the rights away");

    let mut session = program(cache.path(), &reader);
    listed(&mut session);
    let (_, cost) = apdus_of(&reader, || listed(&mut session));
    assert_eq!(cost, 1, "in another transaction: the counters");
    let mut held = session.hold().expect("a transaction");
    held.containers().expect("containers");
    let (_, cost) = apdus_of(&reader, || held.containers().expect("containers"));
    assert_eq!(cost, 0, "in the same one nothing");
    held.sign(None, &SignRequest::ecdsa(&[9; 32]), &mut common::pin()).expect("a signature");
    let (_, cost) = apdus_of(&reader, || {
        held.sign(None, &SignRequest::ecdsa(&[9; 32]), &mut common::pin()).expect("a signature")
    });
    assert_eq!(cost, 1, "the signature alone");
    drop(held);
    common::close(session);
}

#[test]
fn what_another_program_counts_is_seen_at_once() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("counted", &common::profile("counted"));
    let mut ours = program(cache.path(), &reader);
    let key = make(&mut ours, P256, KeyHalf::Signature);
    let bare = ours.container(None).expect("the container");
    assert_eq!(bare.keys[0].certificate, None, "remembered as missing");

    let mut other = common::open(&reader);
    let certificate = |session: &mut CardSession, subject: &str| {
        let sign = |digest: &[u8]| session.sign(None, &SignRequest::ecdsa(digest), &mut common::pin());
        x509::self_signed(
            &x509::Subject { name: subject, alternative_names: &[] },
            1,
            &key,
            HashAlgorithm::Sha256,
            sign,
        )
        .expect("a certificate")
    };
    for subject in ["CN=one", "CN=two"] {
        let der = certificate(&mut other, subject);
        other.import_certificate(None, None, &der, &mut common::pin()).expect("stored");
        let seen = ours.container(None).expect("the container");
        assert_eq!(seen.keys[0].certificate.as_deref(), Some(&der[..]), "{subject}");
        let mut next = program(cache.path(), &reader);
        assert_eq!(next.container(None).expect("it").keys[0].certificate.as_deref(), Some(&der[..]));
        common::close(next);
    }
    other.delete_container("web", &mut common::pin()).expect("deleted");
    assert_eq!(ours.containers().expect("none").len(), 0);
    let replaced = make(&mut other, P256, KeyHalf::Signature);
    assert_eq!(listed(&mut ours), replaced);
    assert!(is_signed_by(&sign(&mut program(cache.path(), &reader)), &replaced));
    common::close(other);
    common::close(ours);
}

#[test]
fn a_key_replaced_in_silence_is_found_when_it_signs_and_never_shown_again() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("silent", &common::profile("silent"));
    let mut open = program(cache.path(), &reader);
    let old = make(&mut open, P256, KeyHalf::Signature);
    let mut other = program(cache.path(), &reader);
    assert_eq!(listed(&mut other), old);

    let new = replace_silently(&reader, P256, KeyHalf::Signature);
    assert_ne!(old, new);
    let mut fresh = program(cache.path(), &reader);
    assert_eq!(listed(&mut fresh), old, "no counter shows it");
    let signature = sign(&mut fresh);
    assert!(is_signed_by(&signature, &new), "the signature is of the key the card has");
    assert_eq!(listed(&mut fresh), new);
    assert_eq!(listed(&mut other), new, "another program with the old key in memory");
    assert_eq!(listed(&mut open), new);
    assert_eq!(listed(&mut program(cache.path(), &reader)), new, "the next program");

    let newest = replace_silently(&reader, P256, KeyHalf::Signature);
    assert!(is_signed_by(&sign(&mut open), &newest), "also in the insertion in which it was read");
    assert_eq!(listed(&mut fresh), newest);
    for session in [open, other, fresh] {
        common::close(session);
    }
}

/// A use of a key that has this public half.
type Use = fn(&mut CardSession, &PublicKey);

#[test]
fn a_certificate_replaced_in_silence_is_found_at_the_first_use_of_its_key_and_never_shown_again() {
    let signs: Use = |session, key| assert!(is_signed_by(&sign(session), key));
    let decrypts: Use = |session, key| {
        let request = DecryptRequest {
            half: None,
            padding: DecryptPadding::Pkcs1,
            ciphertext: &encrypted(key, b"secret"),
        };
        let opened = session.decrypt(Some("web"), &request, &mut common::pin()).expect("the secret");
        assert_eq!(opened.as_bytes(), b"secret");
    };
    let uses = [
        ("certsign", P256, KeyHalf::Signature, signs),
        ("certdecrypt", KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange, decrypts),
    ];
    for (name, algorithm, half, first_use) in uses {
        let cache = tempfile::tempdir().expect("a folder");
        let reader = common::card_of(name, &common::profile(name));
        let mut first = program(cache.path(), &reader);
        let old = make_certified(&mut first, algorithm, half);
        assert_eq!(certified(&mut first), old, "{name}");
        common::close(first);
        let mut other = program(cache.path(), &reader);
        assert_eq!(certified(&mut other), old, "{name}");

        let new = silently(&reader, |stranger| {
            stranger.delete_container("web", &mut common::pin()).expect("deleted");
            make_certified(stranger, algorithm, half)
        });
        assert_ne!((&old.0, &old.1), (&new.0, &new.1), "{name}");
        let mut session = program(cache.path(), &reader);
        assert_eq!(certified(&mut session), old, "{name}: no counter shows it");
        first_use(&mut session, &new.0);
        for session in [&mut session, &mut other, &mut program(cache.path(), &reader)] {
            assert_eq!(certified(session), new, "{name}");
        }
        common::close(session);
        assert_eq!(certified(&mut program(cache.path(), &reader)), new, "{name}: a later program");
        common::close(other);
    }
}

#[test]
fn a_key_replaced_in_silence_is_found_before_it_decrypts() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("decrypt", &common::profile("decrypt"));
    let algorithm = KeyAlgorithm::Rsa(1024);
    let mut first = program(cache.path(), &reader);
    let old = make(&mut first, algorithm, KeyHalf::KeyExchange);
    common::close(first);
    let new = replace_silently(&reader, algorithm, KeyHalf::KeyExchange);
    let mut session = program(cache.path(), &reader);
    assert_eq!(listed(&mut session), old);
    let ciphertext = encrypted(&new, b"secret");
    let request = DecryptRequest { half: None, padding: DecryptPadding::Pkcs1, ciphertext: &ciphertext };
    let opened = session.decrypt(Some("web"), &request, &mut common::pin()).expect("the secret");
    assert_eq!(opened.as_bytes(), b"secret");
    assert_eq!(listed(&mut session), new);
    assert_eq!(listed(&mut program(cache.path(), &reader)), new);
    common::close(session);
}

#[test]
fn a_key_replaced_in_silence_is_found_before_it_agrees() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("derive", &common::profile("derive"));
    let mut first = program(cache.path(), &reader);
    let old = make(&mut first, P256, KeyHalf::KeyExchange);
    common::close(first);
    let new = replace_silently(&reader, P256, KeyHalf::KeyExchange);
    let mut session = program(cache.path(), &reader);
    assert_eq!(listed(&mut session), old);
    // agreement with the card's own public key is as good as any
    let PublicKey::Ec(peer) = &new else { panic!("an elliptic key") };
    let request = DeriveRequest { half: None, peer, kdf: &Kdf::Truncate, len: None };
    let derived = session.derive(Some("web"), &request, &mut common::pin()).expect("a secret");
    assert_eq!(listed(&mut session), new);
    assert_eq!(listed(&mut program(cache.path(), &reader)), new);
    let again = common::open(&reader).derive(Some("web"), &request, &mut common::pin()).expect("a secret");
    assert_eq!(derived.as_bytes(), again.as_bytes());
    common::close(session);
}

#[test]
fn a_key_of_another_kind_in_its_place_is_found_too() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("kind", &common::profile("kind"));
    let mut first = program(cache.path(), &reader);
    make(&mut first, KeyAlgorithm::Rsa(1024), KeyHalf::KeyExchange);
    common::close(first);
    let new = replace_silently(&reader, P256, KeyHalf::Signature);
    let mut session = program(cache.path(), &reader);
    assert!(is_signed_by(&sign(&mut session), &new));
    common::close(session);

    silently(&reader, |stranger| stranger.delete_container("web", &mut common::pin()).expect("deleted"));
    let mut session = program(cache.path(), &reader);
    let gone = session.sign(Some("web"), &SignRequest::ecdsa(&[9; 32]), &mut common::pin());
    assert!(matches!(gone, Err(Error::NoSuchContainer { .. })), "{gone:?}");
    assert_eq!(session.containers().expect("none").len(), 0);
}

#[test]
fn two_cards_with_one_identity_are_told_apart_at_the_first_use() {
    let cache = tempfile::tempdir().expect("a folder");
    let profile = common::profile("twins");
    let readers = ["twinone", "twintwo"].map(|name| common::card_of(name, &profile));
    let mut sessions = readers.clone().map(|reader| common::open(&reader));
    let [one, two] = [0, 1].map(|at| make(&mut sessions[at], P256, KeyHalf::Signature));
    assert_ne!(one, two);
    let counters = readers
        .clone()
        .map(|reader| common::open(&reader).read_file(&FilePath::cardcf()).expect("the counters"));
    assert_eq!(counters[0], counters[1], "nothing tells them apart");

    let mut first = program(cache.path(), &readers[0]);
    assert_eq!(listed(&mut first), one);
    common::close(first);
    let mut second = program(cache.path(), &readers[1]);
    assert_eq!(listed(&mut second), one, "what is remembered is the other's");
    assert!(is_signed_by(&sign(&mut second), &two));
    assert_eq!(listed(&mut second), two);
    let mut first = program(cache.path(), &readers[0]);
    assert!(is_signed_by(&sign(&mut first), &one), "and the same the other way round");
    assert_eq!(listed(&mut first), one);
}

#[test]
fn a_card_rolled_back_is_found_by_counters_or_at_the_first_use() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("rolled", &common::profile("rolled"));
    let folder = common::store().dir().join("rolled");
    let image = std::fs::read(folder.join("card.image")).expect("the image");
    let roll_back = || {
        std::fs::write(folder.join("card.image"), &image).expect("the old image");
        std::fs::remove_file(folder.join("run")).expect("no card is powered");
    };
    let mut first = program(cache.path(), &reader);
    let old = make(&mut first, P256, KeyHalf::Signature);
    common::close(first);

    roll_back();
    let mut session = program(cache.path(), &reader);
    assert_eq!(session.containers().expect("none").len(), 0, "its counters are other ones");
    common::close(session);

    let mut again = program(cache.path(), &reader);
    assert_eq!(make(&mut again, P256, KeyHalf::Signature), listed(&mut again));
    common::close(again);
    roll_back();
    // another program brings the counters back to where they were, with another key
    let mut stranger = common::open(&reader);
    let new = make(&mut stranger, P256, KeyHalf::Signature);
    common::close(stranger);
    let mut session = program(cache.path(), &reader);
    assert!(is_signed_by(&sign(&mut session), &new));
    assert_eq!(listed(&mut session), new);
    assert_ne!(old, new);
    common::close(session);
}

#[test]
fn own_writes_are_seen_and_a_flush_is_noticed() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("own", &common::profile("own"));
    let mut session = program(cache.path(), &reader);
    make(&mut session, P256, KeyHalf::Signature);
    session.set_default("web", &mut common::pin()).expect("the default");
    let key = listed(&mut session);
    let secret = PrivateKey::from_pkcs8_der(p256_pkcs8().as_bytes()).expect("a key");
    let new = NewContainer {
        name: "second".into(),
        key: KeySource::Import(secret),
        half: KeyHalf::Signature,
        default: false,
    };
    session.create_container(&new, &mut common::pin()).expect("imported");
    assert_eq!(session.containers().expect("two").len(), 2);
    let mut next = program(cache.path(), &reader);
    assert_eq!(next.containers().expect("two").len(), 2);
    session.delete_container("second", &mut common::pin()).expect("deleted");
    assert_eq!(listed(&mut next), key);

    for file in std::fs::read_dir(cache.path()).expect("the cache") {
        std::fs::remove_file(file.expect("a file").path()).expect("flushed");
    }
    let (_, cost) = apdus_of(&reader, || listed(&mut next));
    assert!(cost > 1, "what was flushed is not shown from memory: {cost}");
    common::close(next);
    common::close(session);
}

#[test]
fn a_signer_never_signs_with_a_key_put_in_the_place_of_its_own() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("signer", &common::profile("signer"));
    let mut first = program(cache.path(), &reader);
    make(&mut first, P256, KeyHalf::Signature);
    common::close(first);
    let host = common::host().with_public_store(Arc::new(DirectoryStore::new(cache.path())));
    let card = host.open_card(&reader, &common::class_module(), OpenOptions::default()).expect("a card");
    let key = card.signer(Some("web"), None, common::pin()).expect("the key that is remembered");
    // The transaction lingers, and others wait for its end.
    card.lock().deauthenticate().expect("it ends");
    drop(card.lock().hold().expect("a transaction"));

    let new = replace_silently(&reader, P256, KeyHalf::Signature);
    for _ in 0..2 {
        let refused = key.sign_digest(SignaturePadding::None, &[9; 32]);
        assert!(matches!(refused, Err(Error::KeyChanged { .. })), "{refused:?}");
    }
    let other = card.signer(Some("web"), None, common::pin()).expect("the key that is there");
    assert_eq!(other.public(), &new);
    let signature = other.sign_digest(SignaturePadding::None, &[9; 32]).expect("a signature");
    assert!(is_signed_by(&signature, &new));
    card.close().expect("a clean end");
}

#[test]
fn a_change_is_not_refused_for_what_is_only_remembered() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("changed", &common::profile("changed"));
    let mut first = program(cache.path(), &reader);
    assert_eq!(first.containers().expect("none").len(), 0);
    common::close(first);
    silently(&reader, |stranger| drop(make(stranger, P256, KeyHalf::Signature)));
    let mut session = program(cache.path(), &reader);
    session.delete_container("web", &mut common::pin()).expect("it is there");
    let key = make(&mut session, P256, KeyHalf::Signature);
    common::close(session);

    silently(&reader, |stranger| stranger.delete_container("web", &mut common::pin()).expect("deleted"));
    let mut session = program(cache.path(), &reader);
    assert_eq!(listed(&mut session), key, "no counter shows that it is gone");
    assert_ne!(make(&mut session, P256, KeyHalf::Signature), key, "its name is free");
    common::close(session);
}

#[test]
fn what_an_older_interface_tells_is_not_taken_for_what_a_newer_would() {
    let cache = tempfile::tempdir().expect("a folder");
    let reader = common::card_of("versions", &common::profile("versions"));
    let pins = |version, cache: Option<&Path>| {
        let host = match cache {
            Some(cache) => common::host().with_public_store(Arc::new(DirectoryStore::new(cache))),
            None => common::host(),
        };
        let options = OpenOptions { max_version: version, ..OpenOptions::default() };
        let mut session = host.open(&reader, &common::class_module(), options).expect("a session");
        let told = session.describe().expect("a description");
        common::close(session);
        format!("{:?} {:?}", told.pins, told.key_sizes)
    };
    let right = [7, 5].map(|version| pins(version, None));
    assert_ne!(right[0], right[1], "version 5 has no PIN_INFO");
    for _ in 0..2 {
        for (version, right) in [5, 7].into_iter().zip(right.iter().rev()) {
            assert_eq!(&pins(version, Some(cache.path())), right, "version {version}");
        }
    }
}

/// The P-256 key whose private half is 32 bytes of 7, as PKCS#8.
fn p256_pkcs8() -> SecretBytes {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = key.verifying_key().to_sec1_point(false).to_bytes();
    let head: [u8; 36] = [
        0x30, 0x81, 0x87, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1, 6, 8, 0x2A, 0x86,
        0x48, 0xCE, 0x3D, 3, 1, 7, 4, 0x6D, 0x30, 0x6B, 2, 1, 1, 4, 0x20,
    ];
    let tail = [0xA1, 0x44, 3, 0x42, 0];
    SecretBytes::new([&head[..], &[7; 32], &tail, &point].concat())
}

fn encrypted(key: &PublicKey, message: &[u8]) -> Vec<u8> {
    let PublicKey::Rsa(key) = key else { panic!("an RSA key") };
    let length = key.modulus_len();
    let block =
        padding::pkcs1_encrypt_block(message, length, &mut |random| random.fill(0x55)).expect("a block");
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let public =
        rsa::RsaPublicKey::new(modulus, BoxedUint::from(u64::from(key.exponent()))).expect("a public key");
    let number = rsa::hazmat::rsa_encrypt(&public, &BoxedUint::from_be_slice_vartime(block.as_bytes()));
    let bytes = number.expect("a ciphertext").to_be_bytes_trimmed_vartime();
    [vec![0; length - bytes.len()], bytes.to_vec()].concat()
}
