//! Virtual readers that are not like the others: with a keypad, with T=0, and such as carry less.

mod common;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use cardmod_iso7816::{
    CardChannel, Command, EntryRequest, Le, PinEntryError, SecretForm, Session, StatusWord, TransportError,
};
use cardmod_pcsc::{
    Card, Protocols, SCARD_E_INVALID_PARAMETER, SCARD_E_PROTO_MISMATCH, SCARD_PROTOCOL_T0,
    SCARD_W_REMOVED_CARD, ShareMode,
};
use cardmod_winscard::{Asked, Equipment, Keypad, Typed, Typist, equip};
use common::{IS_VERIFIED, SELECT, connect, context, status_word, world};

/// What a person at the keypad does next; asked for through a channel, so that a test sees the question.
struct Person {
    asked: Mutex<Sender<Asked>>,
    typed: Mutex<Receiver<Typed>>,
}

impl Typist for Person {
    fn type_in(&self, asked: Asked) -> Typed {
        self.asked.lock().expect("a question").send(asked).expect("somebody listens");
        self.typed.lock().expect("an answer").try_recv().unwrap_or(Typed::Nothing)
    }
}

/// The two ends of a person: what is typed goes in, what was asked comes out.
struct Hands {
    typed: Sender<Typed>,
    asked: Receiver<Asked>,
}

impl Hands {
    fn digits(&self, digits: &[u8]) {
        self.typed.send(Typed::Digits(digits.to_vec().into())).expect("the keypad is there");
    }
}

/// Gives a reader a keypad.
fn with_keypad(reader: &str) -> Hands {
    let (asked, questions) = channel();
    let (typed, answers) = channel();
    let typist = Arc::new(Person { asked: Mutex::new(asked), typed: Mutex::new(answers) });
    let keypad = Some(Keypad { modifies: true, typist });
    equip(reader, Some(Equipment { keypad, ..Equipment::default() }));
    Hands { typed, asked: questions }
}

fn verify(card: &Card) -> Result<StatusWord, PinEntryError> {
    let request =
        EntryRequest { header: [0x00, 0x20, 0x00, 0x80], form: SecretForm::variable(4, 15), timeout: None };
    let mut channel = card.borrowed();
    channel.pin_entry().expect("a keypad").verify(&request)
}

#[test]
fn a_pin_typed_at_the_reader_opens_the_card() {
    let reader = world().card("keypad");
    let hands = with_keypad(&reader);
    let context = context();
    let card = connect(&context, &reader);
    let features = card.features();
    assert!(features.verifies_pins() && features.modifies_pins());
    assert_eq!(features.display, Some(0));
    card.transmit(SELECT).expect("an answer");

    hands.digits(b"123456");
    assert_eq!(verify(&card), Ok(StatusWord::OK));
    assert_eq!(hands.asked.try_recv(), Ok(Asked::Pin));
    assert_eq!(status_word(&card.transmit(IS_VERIFIED).expect("an answer")), 0x9000);
}

#[test]
fn what_is_not_typed_costs_no_try_and_what_is_wrong_costs_one() {
    let reader = world().card("mistyped");
    let hands = with_keypad(&reader);
    let context = context();
    let card = connect(&context, &reader);
    card.transmit(SELECT).expect("an answer");

    hands.typed.send(Typed::Cancel).expect("the keypad is there");
    assert_eq!(verify(&card), Err(PinEntryError::Cancelled));
    assert_eq!(verify(&card), Err(PinEntryError::Timeout));
    hands.digits(b"123");
    assert_eq!(verify(&card), Err(PinEntryError::Length));
    for left in [2, 1, 0] {
        hands.digits(b"999999");
        assert_eq!(verify(&card), Ok(StatusWord::tries(left)));
    }
    hands.digits(b"123456");
    assert_eq!(verify(&card), Ok(StatusWord::AUTHENTICATION_BLOCKED));
    assert_eq!(hands.asked.try_iter().count(), 7);
}

#[test]
fn a_card_that_is_gone_gets_no_pin() {
    let reader = world().card("pulled");
    let hands = with_keypad(&reader);
    let context = context();
    let card = connect(&context, &reader);
    card.transmit(SELECT).expect("an answer");
    let mut borrowed = card.borrowed();
    assert!(borrowed.pin_entry().is_some());
    world().store().open_card("pulled").expect("the card").eject().expect("it is out");
    hands.digits(b"123456");
    let removed = TransportError { code: SCARD_W_REMOVED_CARD };
    assert_eq!(verify_with(&mut borrowed), Err(PinEntryError::Transport(removed)));
}

fn verify_with(channel: &mut dyn CardChannel) -> Result<StatusWord, PinEntryError> {
    let form = SecretForm::variable(4, 15);
    let request = EntryRequest { header: [0x00, 0x20, 0x00, 0x80], form, timeout: None };
    channel.pin_entry().expect("a keypad").verify(&request)
}

#[test]
fn no_keypad_without_the_feature() {
    let reader = world().card("bare");
    let context = context();
    let card = connect(&context, &reader);
    assert!(!card.features().verifies_pins());
    assert!(card.borrowed().pin_entry().is_none());
}

/// GET DATA of GIDS' file table, whose answer is longer than a short APDU brings with the certificates of a
/// card that has some, and short on an empty one.
fn file_table() -> Command {
    Command::new(0x00, 0xCB, 0xA0, 0x00).data(&[0x5C, 0x02, 0xDF, 0x1F]).le(Le::All)
}

#[test]
fn over_t0_the_answer_is_fetched_and_case_4_refused() {
    let reader = world().card("t0");
    let usual = {
        let context = context();
        let card = connect(&context, &reader);
        let mut channel = card.borrowed();
        let mut session = Session::new(&mut channel);
        session.send(&Command::new(0x00, 0xA4, 0x04, 0x00).data(&SELECT[5..14]).le(Le::Short)).expect("GIDS");
        session.send(&file_table()).expect("the file table")
    };

    equip(&reader, Some(Equipment { t0: true, ..Equipment::default() }));
    let context = context();
    let refused = context.connect(&reader, ShareMode::Shared, Protocols::T1).expect_err("no T=1");
    assert_eq!(refused.code, SCARD_E_PROTO_MISMATCH);
    let card = connect(&context, &reader);
    assert_eq!(card.protocol(), SCARD_PROTOCOL_T0);
    assert_eq!(card.status().expect("a status").atr[1] & 0xF0, 0, "no TD1 is T=0");
    // SELECT with Le is no command of T=0.
    assert_eq!(card.transmit(SELECT).expect_err("case 4").code, SCARD_E_INVALID_PARAMETER);
    assert_eq!(card.transmit(&SELECT[..14]).expect("case 3")[0], 0x61);

    let mut channel = card.borrowed();
    assert!(channel.limits().t0 && !channel.limits().extended_length);
    let mut session = Session::new(&mut channel);
    assert_eq!(session.send(&file_table()).expect("the file table"), usual);
}

#[test]
fn a_reader_that_carries_little_gets_little() {
    let reader = world().card("narrow");
    equip(&reader, Some(Equipment { max_apdu_data: Some(64), ..Equipment::default() }));
    let context = context();
    let card = connect(&context, &reader);
    card.transmit(SELECT).expect("an answer");
    let long = [&[0x00, 0xDB, 0xA0, 0x10, 65][..], &[0; 65]].concat();
    assert_eq!(card.transmit(&long).expect_err("too long").code, SCARD_E_INVALID_PARAMETER);
    let mut channel = card.borrowed();
    assert!(!channel.limits().extended_length, "the card takes it, the reader does not");
    assert_eq!(channel.limits().command_data.map(core::num::NonZeroU32::get), Some(64));
    let put = Command::new(0x00, 0xDB, 0xA0, 0x10).data(&[0x53; 200]);
    let answer = Session::new(&mut channel).send(&put).expect("an answer of the card");
    assert_ne!(answer.status, StatusWord::WRONG_LENGTH, "every part was carried");
}

#[test]
fn a_reader_that_says_nothing_takes_short_commands() {
    let reader = world().card("silent");
    equip(&reader, Some(Equipment { max_apdu_data: None, ..Equipment::default() }));
    let context = context();
    let card = connect(&context, &reader);
    assert_eq!(card.features().max_apdu_data, None);
    let limits = card.borrowed().limits();
    assert!(!limits.extended_length && limits.command_data.is_none());
    let extended = [0x00, 0xCB, 0xA0, 0x00, 0, 0, 0];
    assert_eq!(card.transmit(&extended).expect_err("extended").code, SCARD_E_INVALID_PARAMETER);
}
