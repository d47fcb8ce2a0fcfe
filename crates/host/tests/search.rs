//! Containers looked for among several cards, and what a policy or a card refuses beforehand.

mod common;

use cardmod_host::types::{EcCurve, EcPrivateKey, EcPublicKey, KeyHalf, PrivateKey};
use cardmod_host::{CardSession, Error, KeyAlgorithm, KeySource, NewContainer, OpenOptions, Policy, Search};

const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

/// The smallest private key, whose point is the curve's generator.
const ONE: [u8; 32] = {
    let mut one = [0; 32];
    one[31] = 1;
    one
};

/// The generator of P-256 (SP 800-186, section 3.2.1.3).
fn generator() -> EcPublicKey {
    let digits = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                  4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("a byte");
    let point: Vec<u8> = (0..digits.len()).step_by(2).map(byte).collect();
    EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point")
}

fn new(name: &str, key: KeySource) -> NewContainer {
    NewContainer { name: name.to_owned(), key, half: KeyHalf::Signature, default: false }
}

fn card(name: &str, container: &str) -> String {
    let reader = common::card_of(name, &common::profile(name));
    let mut session = common::open(&reader);
    session
        .create_container(&new(container, KeySource::Generate(P256)), &mut common::pin())
        .expect("a container");
    common::close(session);
    reader
}

fn open(reader: &str) -> Result<CardSession, Error> {
    common::host().open(reader, &common::class_module(), OpenOptions::default())
}

#[test]
fn the_card_with_the_container_is_found() {
    let readers = [card("search-a", "web"), card("search-b", "mail"), "Nowhere 00 00".to_owned()];
    let search = Search::container(&readers, Some("mail"), open);
    assert_eq!(search.one("container \"mail\""), Ok(readers[1].as_str()));
    let reasons: Vec<&str> = search.others.iter().map(|(_, reason)| reason.as_str()).collect();
    assert!(reasons[0].starts_with("there is no container \"mail\" on the card in"), "{reasons:?}");
    assert!(reasons[1].starts_with("there is no reader \"Nowhere 00 00\""), "{reasons:?}");
    let both = Search::container(&readers, None, open);
    let refused = both.one("a default container").expect_err("two cards");
    assert!(matches!(&refused, Error::SeveralCards { readers: told, .. } if told.contains(&readers[0])));
    let none =
        Search::container(&readers, Some("nobody"), open).one("container \"nobody\"").map(str::to_owned);
    assert!(matches!(none, Err(Error::NoCardFits { .. })), "{none:?}");
}

#[test]
fn cards_without_such_keys_are_passed_over_with_the_reason() {
    let profile = |name: &str| common::profile(name);
    let mut old = profile("search-old");
    old.options.ec = false;
    let readers = [
        common::card_of("search-old", &old),
        common::card_of("search-room", &profile("search-room")),
        "Nowhere 00 00".to_owned(),
    ];
    let search = Search::room(&readers, (P256, KeyHalf::Signature), false, open);
    assert_eq!(search.one("a new key"), Ok(readers[1].as_str()));
    assert!(search.others[0].1.contains("has no p256 keys for signatures"), "{:?}", search.others);
    let strange = Search::room(&readers, (KeyAlgorithm::Rsa(9999), KeyHalf::KeyExchange), false, open);
    let refused = strange.one("a new key").expect_err("no card").to_string();
    assert!(refused.contains("has no keys of 9999 bits"), "{refused}");
    assert!(refused.starts_with("no card fits for a new key: "), "{refused}");
}

#[test]
fn a_policy_forbids_imports_before_a_pin_is_asked_for() {
    let reader = common::card_of("search-policy", &common::profile("search-policy"));
    let options = OpenOptions { policy: Policy::generated_alone(), ..OpenOptions::default() };
    let mut session = common::host().open(&reader, &common::class_module(), options).expect("a session");
    let key = || KeySource::Import(PrivateKey::Ec(EcPrivateKey::new(&ONE, generator()).expect("a key")));
    let refused = session.create_container(&new("in", key()), &mut cardmod_host::NoPin).map(drop);
    assert!(matches!(&refused, Err(Error::Forbidden { what }) if what.contains("p256")), "{refused:?}");
    assert!(session.takes(P256, KeyHalf::Signature, false).is_ok());
    session.create_container(&new("made", KeySource::Generate(P256)), &mut common::pin()).expect("generated");
    common::close(session);
    let mut session = common::open(&reader);
    session
        .create_container(&new("in", key()), &mut common::pin())
        .expect("imported under the default policy");
    common::close(session);
}
