//! GIDS cards.

use cardmod_host::{CardSession, KeyAlgorithm, KeySource, NewContainer, SignRequest, x509};
use cardmod_types::{EcCurve, HashAlgorithm, KeyHalf};

use crate::{Columns, Counted, common, request};

fn make(session: &mut CardSession, name: &str, algorithm: KeyAlgorithm) {
    let key = KeySource::Generate(algorithm);
    let new = NewContainer { name: name.into(), key, half: KeyHalf::Signature, default: false };
    let made = session.create_container(&new, &mut common::pin()).expect("a container");
    let public = made.key(None).expect("its key").public.clone();
    let subject = format!("CN={name}");
    let subject = x509::Subject { name: &subject, alternative_names: &[] };
    let sign = |digest: &[u8]| session.sign(Some(name), &request(algorithm, digest), &mut common::pin());
    let certificate = x509::self_signed(&subject, 9, &public, HashAlgorithm::Sha256, sign).expect("signed");
    session.import_certificate(Some(name), None, &certificate, &mut common::pin()).expect("stored");
}

fn list(certificates: usize) -> impl Fn(&mut CardSession) {
    move |session| {
        let containers = session.containers().expect("containers");
        let certified =
            |container: &&cardmod_host::Container| container.keys.iter().any(|key| key.certificate.is_some());
        assert_eq!(containers.iter().filter(certified).count(), certificates);
    }
}

fn sign(session: &mut CardSession) {
    let request = SignRequest::pkcs1(HashAlgorithm::Sha256, &[9; 32]);
    session.sign(Some("one"), &request, &mut common::pin()).expect("a signature");
}

/// A card with two RSA-2048 keys and certificates, each task by a new program without and with what an earlier
/// one remembered, then by one program again.
fn two_certificates(card: &Counted, cold_list: Columns, cold_sign: Columns, cold_key: Columns) {
    let cache = tempfile::tempdir().expect("a folder");
    let mut first = card.program(cache.path());
    for name in ["one", "two"] {
        make(&mut first.session, name, KeyAlgorithm::Rsa(2048));
    }
    common::close(first.session);

    for (task, work, cold, warm) in [
        ("list", &list(2) as &dyn Fn(&mut CardSession), cold_list, [1, 2, 0, 0, 0, 0]),
        ("sign", &sign, cold_sign, [1, 2, 0, 1, 2, 2]),
        (
            "public key",
            &|session| drop(session.key(Some("one"), None).expect("a key")),
            cold_key,
            [1, 2, 0, 0, 0, 0],
        ),
    ] {
        let cache = tempfile::tempdir().expect("a folder");
        assert_eq!(card.whole(cache.path(), work), cold, "{task}, a card never seen");
        assert_eq!(card.whole(cache.path(), work), warm, "{task}, a card seen by an earlier program");
    }

    let mut program = card.program(cache.path());
    program.step(list(2));
    program.step(sign);
    assert_eq!(program.step(list(2)), [0, 1, 0, 0, 0, 0], "in another transaction the counters");
    assert_eq!(program.step(sign), [0, 1, 0, 1, 2, 2], "and PIN, key, signature, and the end");
    let mut held = program.session.hold().expect("a transaction");
    list(2)(&mut held);
    let before = card.lines().len();
    list(2)(&mut held);
    assert_eq!(card.lines().len(), before, "in the same transaction nothing");
    sign(&mut held);
    let before = card.lines().len();
    sign(&mut held);
    assert_eq!(
        card.columns(program.start, before - program.start),
        [0, 0, 0, 0, 1, 0],
        "the signature alone"
    );
    drop(held);
    assert_eq!(card.columns(program.start, before + 1 - program.start), [0, 0, 0, 0, 0, 2], "the end");
    common::close(program.session);
}

#[test]
fn with_extended_length() {
    // Table and keymap, the certificates' file, and each public key; before the PIN, what the card says of PINs.
    let card = Counted::gids("extended", true);
    two_certificates(&card, [2, 2, 4, 0, 0, 0], [2, 2, 4, 1, 2, 2], [2, 2, 3, 0, 0, 0]);
}

#[test]
fn with_short_length() {
    // The same by parts of 256 bytes; who needs the key alone does not read a certificate.
    let card = Counted::gids("short", false);
    two_certificates(&card, [2, 2, 12, 0, 0, 0], [2, 2, 5, 1, 2, 2], [2, 2, 4, 0, 0, 0]);
}

#[test]
fn with_more_and_more_containers() {
    let card = Counted::gids("growing", true);
    let cache = tempfile::tempdir().expect("a folder");
    let mut made = 0;
    // Up to five certificates their file is read at once. From six on the container map and one certificate
    // come alone, the second brings all the others.
    for (containers, extra) in [(1, 0), (5, 0), (6, 2), (12, 2)] {
        let mut maker = card.program(cache.path());
        for number in made..containers {
            make(&mut maker.session, &number.to_string(), KeyAlgorithm::Ec(EcCurve::P256));
        }
        made = containers;
        common::close(maker.session);
        let cold = tempfile::tempdir().expect("a folder");
        assert_eq!(
            card.whole(cold.path(), list(containers)),
            [2, 2, 2 + containers + extra, 0, 0, 0],
            "{containers} containers"
        );
    }
}
