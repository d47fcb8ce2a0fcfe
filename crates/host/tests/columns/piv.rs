//! PIV cards, of each flavour. What the edge needs at least is in its own tests; here is what host and module add:
//! the identity once for each program and transaction in which a key is used, where the card says of its keys and
//! PIN (stored map, Discovery), and giving the right back.

use cardmod_host::{CardSession, KeyAlgorithm, KeySource, NewContainer, x509};
use cardmod_types::{EcCurve, HashAlgorithm, KeyHalf, PublicKey};
use cardmod_virtual::{CardOptions, PivFlavour, PivProfile};

use crate::{Columns, Counted, common, request};

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);
const RSA: KeyAlgorithm = KeyAlgorithm::Rsa(2048);
const PLACES: [&str; 4] = ["9a", "9c", "9d", "9e"];

/// A card with a key and its certificate in each of these places.
fn card(name: &str, flavour: PivFlavour, extended_length: bool, keys: &[(&str, KeyAlgorithm)]) -> Counted {
    let profile = common::piv_profile(name);
    let options = CardOptions { extended_length, ..profile.options.clone() };
    let card = Counted::of(|| common::piv_card_of(name, &PivProfile { options, flavour, ..profile }));
    let cache = tempfile::tempdir().expect("a folder");
    let mut maker = card.writer(cache.path());
    for (place, algorithm) in keys {
        make(&mut maker.session, place, *algorithm);
    }
    common::close(maker.session);
    card
}

/// Makes a key, whose certificate is about as long as those that authorities issue for such keys.
fn make(session: &mut CardSession, place: &str, algorithm: KeyAlgorithm) {
    let public = make_key(session, place, algorithm);
    let name = format!("CN={place},O={}", "an organisation with a name ".repeat(2).trim_end());
    let more = [format!("DNS:{}.example", "long".repeat(15)), "email:somebody@example.org".to_owned()];
    let subject = x509::Subject { name: &name, alternative_names: &more };
    let sign = |digest: &[u8]| session.sign(Some(place), &request(algorithm, digest), &mut common::pin());
    let certificate =
        x509::self_signed(&subject, 9, &public, HashAlgorithm::Sha256, sign).expect("a certificate");
    if algorithm == P256 {
        assert!((512..760).contains(&(certificate.len() + 12)), "three answers each: {}", certificate.len());
    }
    session.import_certificate(Some(place), None, &certificate, &mut common::pin()).expect("stored");
}

fn make_key(session: &mut CardSession, place: &str, algorithm: KeyAlgorithm) -> PublicKey {
    let key = KeySource::Generate(algorithm);
    let new = NewContainer { name: place.into(), key, half: KeyHalf::Signature, default: false };
    let made = session.create_container(&new, &mut common::pin()).expect("a container");
    made.key(None).expect("its key").public.clone()
}

fn list(certificates: usize) -> impl Fn(&mut CardSession) {
    move |session| {
        let containers = session.containers().expect("containers");
        let certified =
            containers.iter().filter(|found| found.keys.iter().any(|key| key.certificate.is_some()));
        assert_eq!(certified.count(), certificates);
    }
}

fn sign(place: &'static str, algorithm: KeyAlgorithm) -> impl Fn(&mut CardSession) {
    move |session| {
        let signed = session.sign(Some(place), &request(algorithm, &[9; 32]), &mut common::pin());
        signed.expect("a signature");
    }
}

/// A task by a program that never saw the card, by one after another program listed its containers, then again in
/// the same program.
fn three_times(card: &Counted, work: &dyn Fn(&mut CardSession)) -> [Columns; 3] {
    let cold = tempfile::tempdir().expect("a folder");
    let warm = tempfile::tempdir().expect("a folder");
    card.whole(warm.path(), |session| drop(session.containers().expect("a list")));
    let first = card.whole(cold.path(), work);
    let second = card.whole(warm.path(), work);
    let mut program = card.program(warm.path());
    program.step(work);
    let again = program.step(work);
    common::close(program.session);
    [first, second, again]
}

#[test]
fn a_list_of_four_certificates() {
    // Map and Key History, and three answers for each certificate; whatever is known costs the look at the card,
    // and in a program that looked at it nothing.
    let keys = PLACES.map(|place| (place, P256));
    for (name, flavour, extended, reading) in [
        ("listshort", PivFlavour::YubiKey, false, 15),
        ("listlong", PivFlavour::YubiKey, true, 6),
        ("liststandard", PivFlavour::Standard, false, 15),
    ] {
        let card = card(name, flavour, extended, &keys);
        let expected = [[1, 1, reading, 0, 0, 0], [1, 1, 0, 0, 0, 0], [0; 6]];
        assert_eq!(three_times(&card, &list(4)), expected, "{name}");
    }
}

#[test]
fn a_signature() {
    // A program that knows nothing reads the stored map, which names the key's slot, the key alone of what the
    // slots hold, and before the first PIN, whether it is the card's own or the global one. One to which the
    // hints tell the key asks about the PIN; and where any program has used a PIN before, nothing.
    for (name, algorithm, extended, cold, parts) in [
        ("signec", P256, true, 3, 1),
        ("signecshort", P256, false, 3, 1),
        ("signrsa", RSA, true, 3, 1),
        ("signrsashort", RSA, false, 4, 3),
    ] {
        let card = card(name, PivFlavour::YubiKey, extended, &[("9a", algorithm), ("9c", algorithm)]);
        for place in ["9a", "9c"] {
            let expected = [[1, 1, cold, 1, parts, 1], [1, 1, 1, 1, parts, 1], [0, 1, 0, 1, parts, 1]];
            assert_eq!(three_times(&card, &sign(place, algorithm)), expected, "{name}, {place}");
            let used = tempfile::tempdir().expect("a folder");
            // A PIN-always key of RSA is used in extended length only once the card has shown that it takes it.
            let shown = usize::from(place == "9c" && algorithm == RSA && extended);
            for reading in [cold, shown] {
                let columns = card.whole(used.path(), sign(place, algorithm));
                assert_eq!(columns, [1, 1, reading, 1, parts, 1], "{name}, {place}: program after program");
            }
        }
        let cache = tempfile::tempdir().expect("a folder");
        let mut program = card.program(cache.path());
        let mut held = program.session.hold().expect("a transaction");
        for (place, again) in [("9a", [0, 0, 0, 0, parts, 0]), ("9c", [0, 0, 0, 1, parts, 1])] {
            sign(place, algorithm)(&mut held);
            let before = card.lines().len();
            sign(place, algorithm)(&mut held);
            let columns = card.columns(program.start, before - program.start);
            assert_eq!(columns, again, "{name}, {place}: in the same transaction");
        }
        drop(held);
        common::close(program.session);
    }
}

#[test]
fn a_signature_on_a_card_by_the_standard_alone() {
    // The stored map is in the second of two objects, and the key is told by the certificate alone.
    let keys = [("9a", P256), ("9d", P256)];
    for (name, extended, cold) in [("plain", true, 4), ("plainshort", false, 6)] {
        let card = card(name, PivFlavour::Standard, extended, &keys);
        let expected = [[1, 1, cold, 1, 1, 1], [1, 1, 1, 1, 1, 1], [0, 1, 0, 1, 1, 1]];
        assert_eq!(three_times(&card, &sign("9a", P256)), expected, "{name}");
    }
}

#[test]
fn a_new_key_is_made_in_one_transaction() {
    // Places, map and keys for the plan; what the card has in the slot, the right to write, the map, the key,
    // whether the card tells it by itself, and the name.
    let empty = card("making", PivFlavour::YubiKey, true, &[("9e", P256)]);
    let cache = tempfile::tempdir().expect("a folder");
    let mut writer = empty.writer(cache.path());
    let made = writer.step(|session| {
        let mut held = session.hold().expect("a transaction");
        assert_eq!(held.place_labels().expect("places").len(), 24);
        make_key(&mut held, "9a", P256);
    });
    assert_eq!(made, [0, 1, 13, 3, 0, 1]);
    common::close(writer.session);
}

#[test]
fn a_certificate_that_is_handed_out() {
    let card = card("handout", PivFlavour::YubiKey, true, &PLACES.map(|place| (place, P256)));
    let export = |session: &mut CardSession| {
        let container = session.container(Some("9d")).expect("the container");
        assert!(container.keys[0].certificate.is_some() && !container.cached);
    };
    // Where it is, and the certificate itself.
    let expected = [[1, 1, 6, 0, 0, 0], [1, 1, 2, 0, 0, 0], [0, 1, 2, 0, 0, 0]];
    assert_eq!(three_times(&card, &export), expected);
}
