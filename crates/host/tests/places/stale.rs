//! A certificate or key that another program replaced is never handed out as the card's, in whatever program
//! and state the host is.

use cardmod_host::{CardSession, Error};

use crate::card;
use crate::{Desk, certificate, certificate_of, common, is_signed_by, sign};

/// How a program comes to a certificate it hands out.
type Handed = fn(&mut CardSession) -> Option<Vec<u8>>;

const WAYS: [(&str, Handed); 2] = [
    ("container", |session| certificate_of(&session.container(Some("9a")).expect("the container"))),
    ("chain", |session| match session.certificate_chain(Some("9a"), None, &[]) {
        Ok(chain) => chain.into_iter().next(),
        Err(Error::NoCertificate { .. }) => None,
        Err(error) => panic!("{error}"),
    }),
];

/// What the other program puts there: for the same key, for another one, with no certificate at all.
fn replacements() -> [(&'static str, u8, Option<Vec<u8>>); 4] {
    [
        ("same key", 1, Some(certificate(1, "renewed"))),
        ("new key", 5, Some(certificate(5, "replaced"))),
        ("no certificate", 1, None),
        ("new key alone", 5, None),
    ]
}

/// Who knows the old certificate, and how it goes on.
/// Who goes on after the other program.
type GoesOn = fn(&Desk, CardSession) -> CardSession;

const SITUATIONS: [(&str, GoesOn); 4] = [
    ("the same session", |_, session| session),
    ("the same session after a reset", |desk, session| {
        let mut card = common::store().open_card(&desk.name).expect("the card");
        card.eject().expect("out");
        card.insert().expect("in again");
        session
    }),
    ("another program", |desk, session| {
        common::close(session);
        desk.open()
    }),
    ("another program after the first one listed again", |desk, mut session| {
        session.containers().expect("a list");
        common::close(session);
        desk.open()
    }),
];

#[test]
fn a_replaced_certificate_is_never_handed_out() {
    let mut cases = 0;
    for (way, handed) in WAYS {
        for (what, seed, new) in replacements() {
            for (situation, goes_on) in SITUATIONS {
                cases += 1;
                let desk = Desk::with_keys(&format!("stale{cases}"));
                let mut session = desk.open();
                let listed = session.containers().expect("a list");
                assert_eq!(certificate_of(&listed[0]), Some(certificate_on(&desk)));
                session
                    .sign(Some("9a"), &crate::SignRequest::ecdsa(&[9; 32]), &mut crate::pin())
                    .expect("one");
                desk.change(|card| card.put(0, seed, new.clone()));
                let mut session = goes_on(&desk, session);
                let seen = handed(&mut session);
                assert_eq!(seen, new, "{way}, {what}, {situation}");
                // And from then on it is shown everywhere.
                for session in [&mut session, &mut desk.open()] {
                    let listed = session.containers().expect("a list");
                    assert_eq!(certificate_of(&listed[0]), new, "{way}, {what}, {situation}: a list");
                }
                common::close(session);
            }
        }
    }
}

fn certificate_on(desk: &Desk) -> Vec<u8> {
    let card = desk.card.lock().expect("the card");
    card.slots[0].as_ref().and_then(|slot| slot.certificate.clone()).expect("a certificate")
}

#[test]
fn a_replaced_key_is_found_at_its_first_use_and_the_signature_is_of_the_key_there() {
    for (number, (situation, goes_on)) in SITUATIONS.into_iter().enumerate() {
        let desk = Desk::with_keys(&format!("stalekey{number}"));
        let mut session = desk.open();
        session.containers().expect("a list");
        sign(&mut session, "9a");
        let new = certificate(6, "new");
        desk.change(|card| card.put(0, 6, Some(new.clone())));
        let mut session = goes_on(&desk, session);
        assert!(is_signed_by(&sign(&mut session, "9a"), &card::public(6)), "{situation}");
        let listed = session.containers().expect("a list");
        assert_eq!(certificate_of(&listed[0]), Some(new), "{situation}: what lay beside it was dropped too");
        assert_eq!(session.read_key(Some("9a"), None).expect("it").public, card::public(6));
        common::close(session);
    }
}

#[test]
fn a_request_is_not_signed_by_another_key_than_it_names() {
    let desk = Desk::with_keys("named");
    let mut session = desk.open();
    let key = session.read_key(Some("9a"), None).expect("the key");
    desk.change(|card| card.put(0, 6, None));
    let refused = session.sign_as(&key, &crate::SignRequest::ecdsa(&[9; 32]), &mut crate::pin());
    assert!(matches!(refused, Err(Error::KeyChanged { .. })), "{refused:?}");
    common::close(session);
}

#[test]
fn a_container_that_came_or_went_is_found() {
    let desk = Desk::with_keys("cameandwent");
    let mut session = desk.open();
    session.containers().expect("a list");
    desk.change(|card| {
        card.put(3, 8, None);
        card.slots[0] = None;
    });
    assert!(is_signed_by(&sign(&mut session, "9e"), &card::public(8)), "a place that was empty");
    desk.change(|card| card.put(0, 9, None));
    session.containers().expect("a list");
    desk.change(|card| card.slots[0] = None);
    let gone = session.container(Some("9a")).map(drop);
    assert!(matches!(gone, Err(Error::NoSuchContainer { .. })), "{gone:?}");
    common::close(session);
}

#[test]
fn a_signers_certificate_is_the_cards() {
    let desk = Desk::with_keys("signer");
    let card = desk.open().share();
    let key = card.signer(Some("9a"), None, crate::pin()).expect("a key");
    assert_eq!(key.certificate().expect("one"), certificate_on(&desk));
    let renewed = certificate(1, "renewed");
    desk.change(|card| card.put(0, 1, Some(renewed.clone())));
    // Within the lingering transaction nobody else can write, but that ends with the card taken out.
    let mut state = common::store().open_card(&desk.name).expect("the card");
    state.eject().expect("out");
    state.insert().expect("in again");
    assert_eq!(key.certificate().expect("one"), renewed);
    desk.change(|card| card.put(0, 5, Some(certificate(5, "replaced"))));
    state.eject().expect("out");
    state.insert().expect("in again");
    let refused = key.certificate();
    assert!(matches!(refused, Err(Error::KeyChanged { .. })), "{refused:?}");
}
