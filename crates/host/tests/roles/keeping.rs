//! What is kept, for how long, and what makes a host forget it.

use cardmod_host::types::{CardId, Pin, PinId};
use cardmod_host::{Error, Host, NoPin};

use crate::card::{ALWAYS, TIMED, UNKEPT};
use crate::{Desk, Person, common, sign};

#[test]
fn a_pin_is_typed_once_for_all_sessions_of_a_host() {
    let desk = Desk::new("once");
    let mut person = Person::who_knows();
    let mut session = desk.open();
    for _ in 0..3 {
        sign(&mut session, 1, &mut person).expect("a signature");
    }
    assert_eq!(person.asked(), 1);
    let one = ["user right", "sign", "drop user"];
    assert_eq!(desk.done(), [one, one, one].concat(), "each operation takes its right away again");
    common::close(session);
    let mut silent = desk.open_silent();
    sign(&mut silent, 1, &mut person).expect("a kept PIN is no prompt");
    assert_eq!(person.asked(), 1);
    common::close(silent);
}

#[test]
fn a_host_may_keep_nothing_and_forget_at_once() {
    let desk = Desk::new("nothing");
    let mut person = Person::who_knows();
    let mut session = desk.open();
    sign(&mut session, 1, &mut person).expect("a signature");
    desk.host.forget_pins();
    assert_eq!(desk.kept(), 0);
    sign(&mut session, 1, &mut person).expect("a signature");
    assert_eq!(person.asked(), 2);
    common::close(session);
    let host: Host = desk.host.clone().without_pin_cache();
    let desk = Desk { host, ..desk };
    let mut session = desk.open();
    for _ in 0..2 {
        sign(&mut session, 1, &mut person).expect("a signature");
    }
    assert_eq!((person.asked(), desk.kept()), (4, 0));
    common::close(session);
}

#[test]
fn a_pin_may_be_kept_for_some_seconds() {
    let desk = Desk::new("timed");
    let mut person = Person::who_knows();
    let mut session = desk.open();
    sign(&mut session, TIMED, &mut person).expect("a signature");
    desk.clock.pass(29);
    sign(&mut session, TIMED, &mut person).expect("a signature");
    assert_eq!(person.asked(), 1);
    desk.clock.pass(2);
    let error = sign(&mut session, TIMED, &mut NoPin).expect_err("its time is over");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    sign(&mut session, TIMED, &mut person).expect("a signature");
    assert_eq!(person.asked(), 2, "a use does not prolong it");
    common::close(session);
}

#[test]
fn a_pin_may_live_for_its_transaction_alone() {
    let desk = Desk::new("unkept");
    let mut person = Person::who_knows();
    let mut session = desk.open();
    let mut held = session.hold().expect("a transaction");
    for _ in 0..2 {
        sign(&mut held, UNKEPT, &mut person).expect("a signature");
    }
    drop(held);
    assert_eq!((person.asked(), desk.kept()), (1, 0));
    sign(&mut session, UNKEPT, &mut person).expect("a signature");
    assert_eq!(person.asked(), 2);
    common::close(session);
}

#[test]
fn some_pins_are_asked_for_before_every_operation() {
    let desk = Desk::new("always");
    let mut person = Person::who_knows();
    let mut session = desk.open();
    let mut held = session.hold().expect("a transaction");
    for _ in 0..2 {
        sign(&mut held, ALWAYS, &mut person).expect("a signature");
    }
    drop(held);
    assert_eq!(person.asked(), 2);
    assert_eq!(person.prompts[0], "PIN for legally binding signatures (role 7) #1");
    let one = ["role 7 right", "sign", "drop role 7"];
    assert_eq!(desk.done(), [one, one].concat());
    let error = sign(&mut session, ALWAYS, &mut NoPin).expect_err("nobody to ask");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(session);
    let mut silent = desk.open_silent();
    let error = sign(&mut silent, ALWAYS, &mut person).expect_err("a silent session");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    assert_eq!((person.asked(), desk.kept()), (2, 0));
    common::close(silent);
}

#[test]
fn a_kept_pin_that_is_wrong_now_costs_one_try_and_is_never_sent_again() {
    let desk = Desk::new("stale");
    let mut session = desk.open();
    sign(&mut session, 1, &mut Person::who_knows()).expect("a signature");
    // Somebody changed the PIN, and the card does not count such changes.
    desk.change(|card| card.pin = "other".to_owned());
    desk.done();
    // The same again from the source is not sent, and not asked for a third time.
    let mut stubborn = Person::who_knows();
    stubborn.persistent = false;
    let error = sign(&mut session, 1, &mut stubborn).expect_err("wrong");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    assert_eq!(stubborn.asked(), 1);
    assert!(stubborn.prompts[0].contains("2 left, since the user PIN is wrong"), "{:?}", stubborn.prompts);
    assert_eq!(desk.done(), ["user wrong"]);
    assert_eq!(desk.kept(), 0);
    // The right one is, in the same operation.
    desk.change(|card| card.pin = "right".to_owned());
    sign(&mut session, 1, &mut Person::who_knows()).expect("kept again");
    desk.change(|card| card.pin = "other".to_owned());
    desk.done();
    sign(&mut session, 1, &mut Person::who_types(&["other"])).expect("asked after the kept one failed");
    assert_eq!(desk.done(), ["user wrong", "user right", "sign", "drop user"]);
    common::close(session);
}

#[test]
fn a_silent_session_tells_that_a_kept_pin_was_wrong() {
    let desk = Desk::new("silentstale");
    let mut session = desk.open_silent();
    session.verify_pin(PinId::USER, &Pin::from("right")).expect("the right PIN");
    assert_eq!(desk.kept(), 1, "a PIN that was right is kept, wherever it came from");
    desk.change(|card| card.pin = "other".to_owned());
    let error = sign(&mut session, 1, &mut NoPin).expect_err("wrong");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    let error = sign(&mut session, 1, &mut NoPin).expect_err("forgotten");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(session);
}

#[test]
fn a_changed_counter_a_removal_and_another_card_forget() {
    let desk = Desk::new("forgets");
    let mut session = desk.open();
    let learn = |session: &mut _| {
        sign(session, 1, &mut Person::who_knows()).expect("a signature");
        assert_eq!(desk.kept(), 1);
    };
    learn(&mut session);
    desk.change(|card| drop(card.files.insert("cardcf".to_owned(), vec![0, 1, 0, 0, 0, 0])));
    let error = sign(&mut session, 1, &mut NoPin).expect_err("somebody changed a PIN");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    assert_eq!(desk.kept(), 0);

    learn(&mut session);
    let mut virtual_card = common::store().open_card("forgets").expect("the card");
    virtual_card.eject().expect("out");
    desk.host.readers().expect("the readers");
    assert_eq!(desk.kept(), 0, "whoever looks at the readers sees it");
    virtual_card.insert().expect("in again");
    session.close().ok();

    let mut session = desk.open();
    learn(&mut session);
    virtual_card.eject().expect("out");
    virtual_card.insert().expect("in again: the same card, with the same identity");
    let mut again = desk.open_silent();
    let error = sign(&mut again, 1, &mut NoPin).expect_err("it was out");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    session.close().ok();
    common::close(again);

    let mut session = desk.open();
    learn(&mut session);
    desk.change(|card| card.id = CardId([8; 16]));
    let mut other = desk.open();
    let error = sign(&mut other, 1, &mut NoPin).expect_err("another card");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(other);
    common::close(session);
}

#[test]
fn cards_with_one_identity_do_not_share_a_pin() {
    // Both modules answer the same card identity, and the virtual cards the same ATR.
    let first = Desk::new("twin1");
    let second = Desk { host: first.host.clone(), ..Desk::new("twin2") };
    let (mut one, mut two) = (first.open(), second.open());
    sign(&mut one, 1, &mut Person::who_knows()).expect("a signature");
    let error = sign(&mut two, 1, &mut NoPin).expect_err("another card");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    assert!(second.done().is_empty(), "no PIN was shown to it");
    assert_eq!(first.kept(), 1);
    common::close(one);
    common::close(two);
}
