//! Change and unblocking: who may, and what becomes of a kept PIN.

use cardmod_host::types::{Pin, PinId, PinSet, SecretBytes};
use cardmod_host::{Error, NoPin, PinAction, UnblockWith};

use crate::card::{ALWAYS, EXTERNAL, RESPONSE, TIMED, UNKEPT, role};
use crate::{Desk, Person, common, sign};

fn pin(text: &str) -> Pin {
    Pin::from(text)
}

#[test]
fn who_may_not_is_told_before_a_try_is_spent() {
    let desk = Desk::new("permission");
    let mut session = desk.open();
    let error = session.change_pin(role(UNKEPT), &pin("right"), &pin("new")).expect_err("the user's right");
    let Error::PinPermission { action, by, allowed, .. } = &error else { panic!("{error}") };
    assert_eq!((*action, *by, *allowed), (PinAction::Change, role(UNKEPT), PinSet::only(PinId::USER)));
    assert!(error.to_string().contains("cannot be changed by role 4; the user may"), "{error}");
    let error = session.change_pin(role(ALWAYS), &pin("right"), &pin("new")).expect_err("nobody's right");
    assert!(error.to_string().ends_with("nobody may"), "{error}");
    let mut puk = UnblockWith::Puk { role: Some(role(UNKEPT)), puk: pin("puk") };
    let error = session.unblock_pin(PinId::USER, &mut puk, &pin("new")).expect_err("role 3's right");
    assert!(error.to_string().contains("cannot be unblocked by role 4; role 3 may"), "{error}");
    // Nobody unblocks his own PIN, whatever the bits say.
    let mut own = UnblockWith::Puk { role: Some(role(TIMED)), puk: pin("puk") };
    let error = session.unblock_pin(role(TIMED), &mut own, &pin("new")).expect_err("itself");
    assert!(matches!(error, Error::PinPermission { action: PinAction::Unblock, .. }), "{error}");
    let mut admin = UnblockWith::AdminKey(SecretBytes::from(&[1; 24][..]));
    let error =
        session.unblock_pin(PinId::USER, &mut admin, &pin("new")).expect_err("not the administrator's");
    assert!(error.to_string().contains("cannot be unblocked by the administrator"), "{error}");
    assert!(desk.done().is_empty(), "no try was spent");
    common::close(session);
}

#[test]
fn roles_without_a_pin_to_type_are_told_apart() {
    let desk = Desk::new("kinds");
    let mut session = desk.open();
    for (number, part) in
        [(EXTERNAL, "its own device"), (RESPONSE, "answers challenges"), (2, "answers challenges")]
    {
        let error = session.verify_pin(role(number), &pin("right")).expect_err("no PIN to type");
        assert!(matches!(error, Error::NotSupported { .. }), "{error}");
        assert!(error.to_string().contains(part), "{error}");
        session.change_pin(role(number), &pin("right"), &pin("new")).expect_err("nor to change");
    }
    let error = session.verify_pin(PinId::EVERYONE, &pin("right")).expect_err("nobody");
    assert!(matches!(error, Error::NoSuchRole { .. }), "{error}");
    assert!(desk.done().is_empty());
    common::close(session);
}

#[test]
fn a_changed_pin_replaces_the_kept_one() {
    let desk = Desk::new("replace");
    let mut session = desk.open();
    sign(&mut session, 1, &mut Person::who_knows()).expect("a signature");
    session.change_pin(PinId::USER, &pin("right"), &pin("newer")).expect("changed");
    desk.done();
    sign(&mut session, 1, &mut NoPin).expect("with the new one");
    assert_eq!(desk.done(), ["user right", "sign", "drop user"]);
    assert_eq!(desk.change_counter(), 1, "the change is counted");
    let error = session.change_pin(PinId::USER, &pin("right"), &pin("newest")).expect_err("the old PIN");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    assert_eq!(desk.kept(), 0, "after a wrong PIN nothing is kept");
    common::close(session);
}

#[test]
fn another_role_may_change_a_pin() {
    let desk = Desk::new("other");
    let mut session = desk.open();
    let (old, new) = (pin("right"), pin("newer"));
    session.change_pin_by(PinId::USER, &old, role(UNKEPT), &new).expect("the user may");
    assert_eq!(desk.done()[..2], ["user right", "role 4 changed"]);
    common::close(session);
}

#[test]
fn an_unblocked_pin_is_asked_for() {
    let desk = Desk::new("unblocked");
    let mut session = desk.open();
    sign(&mut session, 1, &mut Person::who_knows()).expect("a signature");
    let mut wrong = UnblockWith::Puk { role: None, puk: pin("no") };
    let error = session.unblock_pin(PinId::USER, &mut wrong, &pin("newer")).expect_err("a wrong PUK");
    assert!(
        matches!(error, Error::WrongPin { role, tries_left: Some(4), .. } if role.get() == TIMED),
        "{error}"
    );
    let mut puk = UnblockWith::Puk { role: None, puk: pin("puk") };
    session.unblock_pin(PinId::USER, &mut puk, &pin("newer")).expect("unblocked");
    assert_eq!(desk.kept(), 0);
    let error = sign(&mut session, 1, &mut NoPin).expect_err("forgotten");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    sign(&mut session, 1, &mut Person::who_types(&["newer"])).expect("the new PIN");
    common::close(session);
}

impl Desk {
    /// The card's counter of PIN changes.
    fn change_counter(&self) -> u8 {
        self.card.lock().expect("the card").files["cardcf"][1]
    }
}
