//! PIN entry at the reader, over the class module and a virtual reader with a keypad.

use std::sync::{Arc, Mutex};

use cardmod_host::{
    CardSession, Error, FixedPin, NoPin, OpenOptions, PinPlace, PinRequest, PinSource, PinSourceError,
};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinKind};
use cardmod_winscard::{Asked, Equipment, Keypad, Typed, Typist, equip};

use crate::common;
use crate::{make_key, sign};

/// What a person does at the keypad, in this order; then nothing.
#[derive(Default)]
pub(crate) struct Hands {
    typed: Mutex<Vec<Act>>,
    entries: Mutex<usize>,
    pub(crate) asked: Mutex<Vec<Asked>>,
}

pub(crate) enum Act {
    Types(&'static str),
    Cancels,
    /// Takes the card out, and types all the same.
    Pulls(&'static str),
}

impl Typist for Hands {
    fn type_in(&self, asked: Asked) -> Typed {
        self.asked.lock().expect("what was asked").push(asked);
        *self.entries.lock().expect("a number") += 1;
        let mut typed = self.typed.lock().expect("what is typed");
        if typed.is_empty() {
            return Typed::Nothing;
        }
        let digits = || Typed::Digits(common::PIN.as_bytes().to_vec().into());
        match typed.remove(0) {
            Act::Types(digits) => Typed::Digits(digits.as_bytes().to_vec().into()),
            Act::Cancels => Typed::Cancel,
            Act::Pulls(card) => {
                common::store().open_card(card).expect("the card").eject().expect("it is out");
                digits()
            }
        }
    }
}

impl Hands {
    pub(crate) fn will(&self, acts: impl IntoIterator<Item = Act>) {
        self.typed.lock().expect("what is typed").extend(acts);
    }

    /// How often the reader asked since the last look.
    pub(crate) fn entries(&self) -> usize {
        std::mem::take(&mut *self.entries.lock().expect("a number"))
    }
}

/// A person at the reader who is told to look there.
#[derive(Default)]
pub(crate) struct Person {
    pub(crate) told: Vec<String>,
    patient: bool,
}

impl PinSource for Person {
    fn pin(&mut self, _request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        panic!("no PIN is typed here");
    }

    fn place(&mut self, request: &PinRequest<'_>) -> PinPlace {
        let again = request.last_error.map_or(String::new(), |error| format!(", since {error}"));
        self.told.push(format!("{} #{}{again}", request.what(), request.attempt));
        PinPlace::Reader
    }

    fn asks_again(&self) -> bool {
        self.patient
    }
}

/// A card with a key in a reader with a keypad.
fn card(name: &str) -> (String, Arc<Hands>) {
    let mut session = common::session(name);
    make_key(&mut session, &mut common::pin()).expect("a key");
    let reader = session.reader().to_owned();
    common::close(session);
    let hands = keypad_at(&reader);
    (reader, hands)
}

/// Gives a reader a keypad.
pub(crate) fn keypad_at(reader: &str) -> Arc<Hands> {
    let hands = Arc::new(Hands::default());
    let keypad = Keypad { modifies: true, typist: hands.clone() };
    equip(reader, Some(Equipment { keypad: Some(keypad), ..Equipment::default() }));
    hands
}

fn kind(session: &mut CardSession) -> PinKind {
    let card = session.describe().expect("a description");
    card.pins.iter().find(|pin| pin.id == PinId::USER).expect("a user").info.kind
}

#[test]
fn a_pin_typed_at_the_reader_signs() {
    let (reader, hands) = card("pad");
    let mut session = common::open(&reader);
    assert!(session.reader_features().verifies_pins());
    let described = session.describe().expect("a description");
    let user = described.pins.iter().find(|pin| pin.id == PinId::USER).expect("a user");
    assert_eq!((user.info.kind, user.info.cache), (PinKind::External, PinCachePolicy::None));
    let strength = user.strength.expect("it says how the PIN travels");
    assert!(strength.plain && strength.session_pin);

    let mut person = Person::default();
    hands.will([Act::Types(common::PIN), Act::Types(common::PIN)]);
    let before = common::apdus(&reader);
    sign(&mut session, &mut person).expect("a signature");
    let first = common::apdus(&reader) - before;
    assert_eq!(person.told, ["PIN #1"]);
    assert_eq!(hands.entries(), 1);
    sign(&mut session, &mut person).expect("the next transaction asks again");
    assert_eq!(hands.entries(), 1);
    common::close(session);

    // The keypad adds nothing to what goes to the card.
    equip(&reader, None);
    let mut session = common::open(&reader);
    assert_eq!(kind(&mut session), PinKind::AlphaNumeric);
    let before = common::apdus(&reader);
    sign(&mut session, &mut common::pin()).expect("a signature");
    assert_eq!(common::apdus(&reader) - before, first);
    common::close(session);
}

#[test]
fn in_one_transaction_it_is_typed_once() {
    let (reader, hands) = card("padonce");
    let mut session = common::open(&reader);
    hands.will([Act::Types(common::PIN)]);
    let mut held = session.hold().expect("a transaction");
    for _ in 0..3 {
        sign(&mut held, &mut Person::default()).expect("a signature");
    }
    drop(held);
    assert_eq!(hands.entries(), 1);
    assert_eq!(common::Stranger::new(&reader).sign(), common::REFUSED, "nobody inherits the right");
    common::close(session);
}

#[test]
fn what_goes_wrong_at_the_keypad_is_told() {
    let (reader, hands) = card("padwrong");
    let mut session = common::open(&reader);
    let mut person = Person::default();
    hands.will([Act::Cancels]);
    let error = sign(&mut session, &mut person).expect_err("cancelled");
    assert!(matches!(error, Error::PinSource(PinSourceError::Cancelled)), "{error}");
    let error = sign(&mut session, &mut person).expect_err("nobody typed");
    assert!(error.to_string().contains("in time"), "{error}");
    hands.will([Act::Types("12")]);
    let error = sign(&mut session, &mut person).expect_err("too short");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(3), .. }), "{error}; no try was lost");

    // One who may type again does, as long as there are tries.
    let mut patient = Person { patient: true, ..Person::default() };
    hands.will([Act::Types("999999"), Act::Types(common::PIN)]);
    sign(&mut session, &mut patient).expect("a signature");
    assert_eq!(patient.told.len(), 2);
    assert!(patient.told[1].starts_with("PIN #2, since the user PIN is wrong"), "{:?}", patient.told);
    hands.will([Act::Types("999999"), Act::Cancels]);
    let error = sign(&mut session, &mut patient).expect_err("given up");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    hands.will([Act::Types("999999"), Act::Types("999999"), Act::Types(common::PIN)]);
    let error = sign(&mut session, &mut patient).expect_err("the last try");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(0), .. }), "{error}");
    let error = sign(&mut session, &mut patient).expect_err("blocked");
    assert!(matches!(error, Error::PinBlocked { .. }), "{error}");
    common::close(session);
}

#[test]
fn silent_sessions_and_given_pins_leave_the_keypad_alone() {
    let (reader, hands) = card("padquiet");
    let silent = OpenOptions { silent: true, ..OpenOptions::default() };
    let mut session = common::host().open(&reader, &common::class_module(), silent).expect("a session");
    let error = sign(&mut session, &mut Person::default()).expect_err("silent");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(session);

    let mut session = common::open(&reader);
    let error = sign(&mut session, &mut NoPin).expect_err("nobody may be asked");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    sign(&mut session, &mut common::pin()).expect("by the PIN that was given");
    let error = sign(&mut session, &mut FixedPin::new(Pin::from("999999"))).expect_err("wrong");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    session.verify_pin(PinId::USER, &Pin::from(common::PIN)).expect("the right PIN");
    session.change_pin(PinId::USER, &Pin::from(common::PIN), &Pin::from("654321")).expect("changed");
    sign(&mut session, &mut FixedPin::new(Pin::from("654321"))).expect("by the new PIN");
    assert_eq!(hands.entries(), 0);
    common::close(session);
}

#[test]
fn verified_at_the_reader_by_itself_and_changed_only_where_the_card_allows() {
    let (reader, hands) = card("padverify");
    let mut session = common::open(&reader);
    hands.will([Act::Types(common::PIN)]);
    session.verify_pin_at_reader(PinId::USER).expect("the right PIN");
    assert_eq!(hands.entries(), 1);
    let error = session.change_pin_at_reader(PinId::USER).expect_err("GIDS has no places for two PINs");
    assert!(matches!(error, Error::NotSupported { .. }), "{error}");
    let error = session.verify_pin_at_reader(PinId::try_from(3).expect("the PUK")).expect_err("typed here");
    assert!(matches!(error, Error::NotSupported { .. }), "{error}");
    assert_eq!(hands.entries(), 0);
    common::close(session);
}

#[test]
fn a_card_pulled_while_somebody_types_gets_nothing() {
    let (reader, hands) = card("padpull");
    let mut session = common::open(&reader);
    session.containers().expect("a list");
    hands.will([Act::Pulls("padpull")]);
    let error = sign(&mut session, &mut Person { patient: true, ..Person::default() }).expect_err("pulled");
    assert!(matches!(error, Error::Removed { .. }), "{error}");
    assert_eq!(hands.entries(), 1, "nobody is asked to type for an empty reader");
    common::store().open_card("padpull").expect("the card").insert().expect("it is back");
    hands.will([Act::Types(common::PIN)]);
    sign(&mut session, &mut Person::default()).expect("a signature");
    common::close(session);
}

#[test]
fn a_host_of_an_older_interface_types_the_pin_itself() {
    let (reader, hands) = card("padold");
    let old = OpenOptions { max_version: 5, ..OpenOptions::default() };
    let mut session = common::host().open(&reader, &common::class_module(), old).expect("a session");
    sign(&mut session, &mut common::pin()).expect("a signature");
    assert_eq!(hands.entries(), 0, "that interface knows no PIN that is typed elsewhere");
    common::close(session);
}
