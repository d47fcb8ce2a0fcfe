//! How each kind of role is authenticated.

use cardmod_host::{Error, FixedPin, NoPin, OpenOptions, PinSource, SignRequest};
use cardmod_types::{Pin, PinId};

use crate::card::{EXTERNAL, RESPONSE, TIMED};
use crate::{Desk, Person, common, sign};

#[test]
fn each_container_wants_the_pin_of_its_owner() {
    let desk = Desk::new("owners");
    let mut session = desk.open();
    let mut person = Person::who_knows();
    let mut held = session.hold().expect("a transaction");
    for number in [1, TIMED, 1, TIMED] {
        sign(&mut held, number, &mut person).expect("a signature");
    }
    drop(held);
    assert_eq!(person.prompts, ["PIN #1", "PIN for decryption (role 3) #1"]);
    let done = desk.done();
    assert_eq!(done.last().map(String::as_str), Some("drop user, role 3"), "{done:?}");
    common::close(session);
}

#[test]
fn everyone_is_never_authenticated() {
    let desk = Desk::new("everyone");
    let mut session = desk.open_silent();
    sign(&mut session, 0, &mut NoPin).expect("nobody is asked");
    assert_eq!(desk.done(), ["sign"]);
    common::close(session);
}

#[test]
fn any_pin_that_controls_a_key_will_do() {
    let desk = Desk::new("controls");
    desk.change(|card| card.user_controls_timed = true);
    let mut session = desk.open();
    let mut person = Person::who_knows();
    let mut held = session.hold().expect("a transaction");
    sign(&mut held, 1, &mut person).expect("a signature");
    sign(&mut held, TIMED, &mut person).expect("the user's PIN opens it too");
    drop(held);
    assert_eq!(person.asked(), 1);
    assert_eq!(desk.done(), ["user right", "sign", "sign", "drop user, role 3"]);
    common::close(session);
}

#[test]
fn a_person_may_try_again_until_it_is_blocked() {
    let desk = Desk::new("again");
    let mut session = desk.open();
    let mut person = Person::who_types(&["bad", "right"]);
    sign(&mut session, 1, &mut person).expect("the second was right");
    assert_eq!(
        person.prompts,
        [
            "PIN #1".to_owned(),
            format!(
                "PIN #2, 2 left, since the user PIN is wrong for the card in {:?}; 2 tries left",
                desk.reader
            )
        ]
    );
    desk.host.forget_pins();
    let mut person = Person::who_types(&["bad", "bad", "worse", "worst", "right"]);
    let error = sign(&mut session, 1, &mut person).expect_err("the same again is no new try");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    assert_eq!(person.asked(), 2);
    let error = sign(&mut session, 1, &mut person).expect_err("the last try");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(0), .. }), "{error}");
    assert_eq!(person.asked(), 4);
    let error = sign(&mut session, 1, &mut person).expect_err("blocked");
    assert!(matches!(error, Error::PinBlocked { .. }), "{error}");
    common::close(session);
}

#[test]
fn a_program_with_one_pin_is_asked_once() {
    let desk = Desk::new("fixed");
    let mut session = desk.open();
    let error = sign(&mut session, 1, &mut FixedPin::new(Pin::from("bad"))).expect_err("wrong");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    assert_eq!(desk.done(), ["user wrong"]);
    common::close(session);
}

#[test]
fn the_module_collects_a_pin_and_its_session_pin_is_kept() {
    let desk = Desk::new("external");
    let mut session = desk.open_with(OpenOptions { parent_window: 77, ..OpenOptions::default() });
    let mut person = Person::who_knows();
    sign(&mut session, EXTERNAL, &mut person).expect("a signature");
    let shown = r#"collected above 77 for Some("PIN for signatures (role 5) for role 5")"#;
    assert_eq!(desk.done(), [shown, "sign", "drop role 5"]);
    assert_eq!((person.asked(), desk.kept()), (0, 1), "the host asks for nothing");
    // Kept, it shows nothing, and a silent session may use it.
    let mut silent = desk.open_silent();
    sign(&mut silent, EXTERNAL, &mut person).expect("a signature");
    assert_eq!(desk.done(), ["session PIN right", "sign", "drop role 5"]);
    // Stale, it is collected again where somebody may be asked.
    desk.change(|card| card.session_serial += 1);
    let error = sign(&mut silent, EXTERNAL, &mut person).expect_err("silent");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    assert_eq!((desk.done(), desk.kept()), (vec!["session PIN stale".to_owned()], 0));
    sign(&mut session, EXTERNAL, &mut person).expect("collected again");
    assert_eq!(desk.done(), [shown, "sign", "drop role 5"]);
    common::close(silent);
    common::close(session);
}

#[test]
fn a_pin_may_become_a_session_pin() {
    let desk = Desk::new("session");
    desk.change(|card| card.session_pins = true);
    let mut session = desk.open();
    let mut person = Person::who_knows();
    sign(&mut session, 1, &mut person).expect("a signature");
    let made = ["user right", "session PIN made", "session PIN right", "sign", "drop user"];
    assert_eq!(desk.done(), made);
    sign(&mut session, 1, &mut person).expect("a signature");
    assert_eq!(desk.done(), ["session PIN right", "sign", "drop user"], "the PIN itself travels no more");
    desk.change(|card| card.session_serial += 1);
    sign(&mut session, 1, &mut person).expect("asked for again, without a try lost");
    assert_eq!(person.asked(), 2);
    assert_eq!(desk.done(), [&["session PIN stale"][..], &made].concat());
    common::close(session);
}

#[test]
fn a_role_may_answer_challenges() {
    let desk = Desk::new("response");
    let mut session = desk.open();
    let mut person = Person::who_knows();
    sign(&mut session, RESPONSE, &mut person).expect("a signature");
    assert_eq!(person.prompts, ["challenge of 8 bytes"]);
    assert_eq!(desk.done(), ["challenge for role 6", "response right", "sign", "drop role 6"]);
    let mut fixed = FixedPin::new(Pin::from("right"));
    let error = sign(&mut session, RESPONSE, &mut fixed).expect_err("it answers no challenges");
    assert!(matches!(error, Error::PinSource(_)), "{error}");
    let error = sign(&mut session, RESPONSE, &mut NoPin).expect_err("silent");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(session);
}

#[test]
fn a_silent_session_asks_nobody_whatever_the_source() {
    let desk = Desk::new("silent");
    let mut session = desk.open_silent();
    let mut person = Person::who_knows();
    let sources: [&mut dyn PinSource; 2] = [&mut person, &mut FixedPin::new(Pin::from("right"))];
    for source in sources {
        let signed = session.sign(Some("user"), &SignRequest::ecdsa(&[1; 32]), source);
        assert!(matches!(signed, Err(Error::PinRequired { role: PinId::USER, .. })), "{signed:?}");
        let deleted = session.delete_container("user", source);
        assert!(matches!(deleted, Err(Error::PinRequired { .. })), "{deleted:?}");
    }
    assert_eq!(person.asked(), 0);
    assert!(desk.done().is_empty());
    session.verify_pin(PinId::USER, &Pin::from("right")).expect("given, not asked for");
    sign(&mut session, 1, &mut NoPin).expect("it is kept");
    common::close(session);
}
