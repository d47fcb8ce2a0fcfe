//! PIN entry at the reader for PIV cards: blocks of eight, the key that wants the PIN each time, the change of a
//! PIN.

use cardmod_host::{CardSession, Error, FixedPin, KeyAlgorithm, KeySource, NewContainer, SignRequest};
use cardmod_types::{EcCurve, KeyHalf, Pin, PinCachePolicy, PinId, PinKind};
use cardmod_virtual::PivProfile;
use cardmod_winscard::Asked;

use crate::common;
use crate::keypad::{Act, Person, keypad_at};

/// The role of keys that want the PIN each time.
fn always() -> PinId {
    PinId::try_from(3).expect("a role")
}

/// A PIV card with a key in a place.
fn card(name: &str, place: &str) -> String {
    let profile = PivProfile::new(Pin::from(common::PIN), Pin::from(common::PUK));
    common::store().create_piv(name, &profile).expect("a card");
    let reader = cardmod_winscard::reader_name(name);
    let mut session = common::open(&reader);
    let new = NewContainer {
        name: place.to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: false,
    };
    session.create_container(&new, &mut common::pin()).expect("a key");
    common::close(session);
    reader
}

fn sign(session: &mut CardSession, place: &str, person: &mut Person) -> Result<Vec<u8>, Error> {
    session.sign(Some(place), &SignRequest::ecdsa(&[0x11; 32]), person)
}

#[test]
fn the_key_that_wants_the_pin_each_time_has_it_typed_each_time() {
    let reader = card("pivpad", "9c");
    let hands = keypad_at(&reader);
    let mut session = common::open(&reader);
    let described = session.describe().expect("a description");
    let of = |id| described.pins.iter().find(|pin| pin.id == id).expect("a role").info;
    assert_eq!((of(PinId::USER).kind, of(PinId::USER).cache), (PinKind::External, PinCachePolicy::None));
    assert_eq!((of(always()).kind, of(always()).cache), (PinKind::External, PinCachePolicy::AlwaysPrompt));
    let mut person = Person::default();
    hands.will([Act::Types(common::PIN), Act::Types(common::PIN)]);
    let mut held = session.hold().expect("a transaction");
    for _ in 0..2 {
        sign(&mut held, "9c", &mut person).expect("a signature");
    }
    drop(held);
    assert_eq!(hands.entries(), 2);
    hands.will([Act::Types("99999999")]);
    let error = sign(&mut session, "9c", &mut person).expect_err("wrong");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    hands.will([Act::Types("12345")]);
    let error = sign(&mut session, "9c", &mut person).expect_err("too short for the card");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}; no try was lost");
    common::close(session);
}

#[test]
fn a_pin_is_changed_at_the_reader() {
    let reader = card("pivchange", "9a");
    let hands = keypad_at(&reader);
    let mut session = common::open(&reader);
    hands.will([Act::Types(common::PIN), Act::Types("654321"), Act::Types("654322")]);
    let error = session.change_pin_at_reader(PinId::USER).expect_err("not the same twice");
    assert!(matches!(error, Error::PinPolicy { .. }), "{error}");
    hands.will([Act::Types(common::PIN), Act::Types("654321"), Act::Types("654321")]);
    session.change_pin_at_reader(PinId::USER).expect("changed");
    let asked = std::mem::take(&mut *hands.asked.lock().expect("what was asked"));
    assert_eq!(asked[3..], [Asked::Pin, Asked::NewPin, Asked::Repetition]);
    hands.entries();
    hands.will([Act::Types("654321")]);
    sign(&mut session, "9a", &mut Person::default()).expect("by the new PIN");
    let typed =
        session.sign(Some("9a"), &SignRequest::ecdsa(&[0x11; 32]), &mut FixedPin::new(Pin::from("654321")));
    typed.expect("and typed here");
    assert_eq!(hands.entries(), 1);
    hands.will([Act::Types(common::PIN), Act::Types("111111"), Act::Types("111111")]);
    let error = session.change_pin_at_reader(PinId::USER).expect_err("the old PIN is wrong");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    common::close(session);
}
