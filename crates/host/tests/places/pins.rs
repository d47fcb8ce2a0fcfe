//! A PIN for one use, a key without a PIN, and a PUK whose role is known by what it is for.

use cardmod_host::{CardSession, PinRequest, PinSource, PinSourceError, SignRequest, UnblockWith};
use cardmod_types::{Pin, PinId};

use crate::{Desk, card, common, pin};

/// A person, who notes what is asked.
#[derive(Default)]
struct Person(Vec<(u32, bool)>);

impl PinSource for Person {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        self.0.push((request.role.get(), request.every_time));
        Ok(Pin::from(card::PIN))
    }
}

fn signing(desk: &Desk) -> CardSession {
    desk.change(|card| {
        card.put(0, 1, None);
        card.put(1, 2, None);
        card.put(3, 3, None);
    });
    let host = common::caching_host();
    let source =
        cardmod_host::ModuleSource::BuiltIn { entry: cardmod_sdk::acquire::<card::Module>, name: "places" };
    let options =
        cardmod_host::OpenOptions { card_name: desk.name.clone(), ..cardmod_host::OpenOptions::default() };
    host.open(&desk.reader, &source, options).expect("a session")
}

fn sign(session: &mut CardSession, place: &str, pins: &mut dyn PinSource) {
    session.sign(Some(place), &SignRequest::ecdsa(&[1; 32]), pins).expect("a signature");
}

/// Nothing comes between a PIN and the use of the key it is for.
fn assert_adjacent(done: &[String]) {
    for (at, sent) in done.iter().enumerate().filter(|(_, sent)| *sent == "sign 9c") {
        assert_eq!(done[at - 1], "PIN right", "{sent}: {done:?}");
    }
}

#[test]
fn a_pin_for_one_use_is_asked_for_each_time_and_used_at_once() {
    let desk = Desk::new("always");
    let mut session = signing(&desk);
    let mut person = Person::default();
    for _ in 0..3 {
        sign(&mut session, "9c", &mut person);
    }
    assert_eq!(person.0, [(3, true); 3], "although the host keeps PINs");
    assert_adjacent(&desk.done());
    let mut held = session.hold().expect("a transaction");
    for _ in 0..2 {
        sign(&mut held, "9c", &mut person);
    }
    drop(held);
    assert_eq!(person.0.len(), 5, "in a held transaction too");
    assert_adjacent(&desk.done());
    common::close(session);
}

#[test]
fn the_users_pin_is_kept_and_the_one_for_one_use_does_not_leave_it_in_doubt() {
    let desk = Desk::new("mixed");
    let mut session = signing(&desk);
    let mut person = Person::default();
    let mut held = session.hold().expect("a transaction");
    for place in ["9a", "9c", "9a", "9c", "9a"] {
        sign(&mut held, place, &mut person);
    }
    drop(held);
    assert_eq!(person.0, [(1, false), (3, true), (3, true)]);
    let done = desk.done();
    assert_adjacent(&done);
    assert_eq!(done.iter().filter(|sent| sent.starts_with("sign")).count(), 5, "none failed: {done:?}");
    common::close(session);
}

#[test]
fn a_key_of_everyone_needs_no_pin() {
    let desk = Desk::new("everyone");
    let mut session = signing(&desk);
    sign(&mut session, "9e", &mut cardmod_host::NoPin);
    let done = desk.done();
    assert!(!done.iter().any(|sent| sent.starts_with("PIN")), "{done:?}");
    common::close(session);
}

#[test]
fn the_puk_is_found_by_what_it_is_for() {
    let desk = Desk::new("puk");
    let mut session = signing(&desk);
    desk.done();
    let new = Pin::from("another");
    let puk = || UnblockWith::Puk { role: None, puk: Pin::from("puk") };
    session.unblock_pin(PinId::USER, &mut puk(), &new).expect("unblocked");
    assert!(desk.done().contains(&"role 4 unblocks user".to_owned()));
    let refused = session.verify_pin(card::role(4), &Pin::from("puk"));
    assert!(refused.is_err(), "a PUK only unblocks");
    let mut pins = pin();
    sign(&mut session, "9a", &mut pins);
    common::close(session);
}
