//! The session against scripted cards: what goes over the channel, and what hostile answers become.

use std::collections::VecDeque;

use cardmod_iso7816::{
    CardChannel, Command, ExchangeError, Le, Limits, Session, StatusWord, TransportError, parse_command,
};
use proptest::prelude::*;
use zeroize::Zeroizing;

/// Answers from a list and keeps what it was sent.
#[derive(Default)]
struct Script {
    sent: Vec<Vec<u8>>,
    answers: VecDeque<Vec<u8>>,
    limits: Limits,
}

impl Script {
    fn new(answers: &[&[u8]]) -> Self {
        Self { answers: answers.iter().map(|a| a.to_vec()).collect(), ..Self::default() }
    }
}

impl CardChannel for Script {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.sent.push(command.to_vec());
        self.answers.pop_front().map(Zeroizing::new).ok_or(TransportError { code: 0x8010_0069 })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

fn get_data() -> Command {
    Command::new(0, 0xCB, 0xA0, 0x10).data(&[0x5C, 0]).le(Le::All)
}

#[test]
fn get_response_follows_61() {
    let mut card = Script::new(&[&[1, 2, 0x61, 0x00], &[3, 0x61, 0x01], &[4, 0x90, 0]]);
    let response = Session::new(&mut card).send(&get_data()).expect("complete answer");
    assert_eq!((response.data.as_slice(), response.status), (&[1, 2, 3, 4][..], StatusWord::OK));
    assert_eq!(card.sent[1], [0, 0xC0, 0, 0, 0]);
    assert_eq!(card.sent[2], [0, 0xC0, 0, 0, 1]);
}

#[test]
fn get_response_for_ever_is_an_error() {
    let mut empty = Script::new(&[&[0x61, 0x00], &[0x61, 0x10]]);
    assert_eq!(Session::new(&mut empty).send(&get_data()), Err(ExchangeError::EndlessResponse));

    struct Generous(usize);
    impl CardChannel for Generous {
        fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
            self.0 += 1;
            Ok(Zeroizing::new([&[7; 256][..], &[0x61, 0x00]].concat()))
        }
    }
    let mut generous = Generous(0);
    assert_eq!(Session::new(&mut generous).send(&get_data()), Err(ExchangeError::EndlessResponse));
    assert_eq!(generous.0, 257, "256 answers of 256 bytes are taken, the next is too many");
}

#[test]
fn an_answer_in_drops_is_given_up_after_a_thousand() {
    struct Dripping(usize);
    impl CardChannel for Dripping {
        fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
            self.0 += 1;
            Ok(Zeroizing::new(vec![0xAA, 0x61, 0x01]))
        }
    }
    let mut card = Dripping(0);
    assert_eq!(Session::new(&mut card).send(&get_data()), Err(ExchangeError::EndlessResponse));
    assert!(card.0 < 1100, "{} commands", card.0);
}

#[test]
fn wrong_le_is_repeated_once() {
    let mut card = Script::new(&[&[0x6C, 0x05], &[1, 2, 3, 4, 5, 0x90, 0]]);
    let response = Session::new(&mut card).send(&get_data()).expect("answer");
    assert_eq!(response.data.len(), 5);
    assert_eq!(card.sent[1], [0, 0xCB, 0xA0, 0x10, 2, 0x5C, 0, 5]);

    let mut stubborn = Script::new(&[&[0x6C, 0x05], &[0x6C, 0x06], &[0x90, 0]]);
    let response = Session::new(&mut stubborn).send(&get_data()).expect("answer");
    assert_eq!(response.status, StatusWord::wrong_le(6));
    assert_eq!(stubborn.sent.len(), 2);
}

#[test]
fn long_data_is_chained_and_only_the_last_part_has_le() {
    let data: Vec<u8> = (0..=255).chain(0..=10).collect();
    let mut card = Script::new(&[&[0x90, 0], &[9, 0x90, 0]]);
    let command = Command::new(0, 0x2A, 0x80, 0x86).data(&data).le(Le::All);
    let response = Session::with_part_size(&mut card, 240).send(&command).expect("answer");
    assert_eq!(response.data.as_slice(), [9]);
    assert_eq!(card.sent[0][..5], [0x10, 0x2A, 0x80, 0x86, 240]);
    assert_eq!(card.sent[0].len(), 5 + 240);
    assert_eq!(card.sent[1][..5], [0, 0x2A, 0x80, 0x86, 27]);
    assert_eq!(card.sent[1].last(), Some(&0));
    assert_eq!([&card.sent[0][5..], &card.sent[1][5..32]].concat(), data);
}

#[test]
fn a_refused_part_ends_the_chain() {
    let mut card = Script::new(&[&[0x69, 0x82]]);
    let command = Command::new(0, 0xDB, 0xA0, 0x10).data(&[0; 600]);
    let response = Session::new(&mut card).send(&command).expect("answer");
    assert_eq!(response.status, StatusWord::SECURITY_STATUS_NOT_SATISFIED);
    assert_eq!(card.sent.len(), 1);
}

#[test]
fn extended_length_only_when_allowed_and_needed() {
    let big = Command::new(0, 0xDB, 0xA0, 0x10).data(&[5; 600]);
    let small = Command::new(0, 0x20, 0, 0x80).data(b"123456");
    let mut card = Script::new(&[&[0x90, 0], &[0x90, 0], &[0x90, 0]]);
    card.limits = Limits::EXTENDED;
    let mut session = Session::new(&mut card);
    for command in [&big, &small, &get_data()] {
        assert!(session.send(command).expect("answer").status.is_ok());
    }
    assert_eq!(card.sent[0][..7], [0, 0xDB, 0xA0, 0x10, 0, 2, 0x58]);
    assert_eq!(card.sent[1][..5], [0, 0x20, 0, 0x80, 6]);
    assert_eq!(card.sent[2], [0, 0xCB, 0xA0, 0x10, 0, 0, 2, 0x5C, 0, 0, 0]);

    let mut t0 = Script::new(&[&[0x61, 0x01], &[8, 0x90, 0]]);
    t0.limits = Limits { extended_length: true, t0: true, ..Limits::SHORT };
    let response = Session::new(&mut t0).send(&get_data()).expect("answer");
    assert_eq!(response.data.as_slice(), [8]);
    assert_eq!(t0.sent[0], [0, 0xCB, 0xA0, 0x10, 2, 0x5C, 0], "no Le in case 4 over T=0");
}

#[test]
fn hostile_answers_are_errors() {
    for answer in [&[][..], &[0x90][..]] {
        let mut card = Script::new(&[answer]);
        let error = Session::new(&mut card).send(&get_data()).expect_err("no status word");
        assert_eq!(error, ExchangeError::Truncated { length: answer.len() });
    }
    let mut gone = Script::new(&[&[0x61, 0x10]]);
    let error = Session::new(&mut gone).send(&get_data()).expect_err("removed");
    assert_eq!(error.transport(), Some(TransportError { code: 0x8010_0069 }));
}

proptest! {
    /// Whatever a card answers, a command ends after a bounded number of exchanges.
    #[test]
    fn any_answers_end(answers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..6), 0..40)) {
        let slices: Vec<&[u8]> = answers.iter().map(Vec::as_slice).collect();
        let mut card = Script::new(&slices);
        let _ = Session::new(&mut card).send(&get_data());
        prop_assert!(card.sent.len() <= answers.len() + 1);
    }

    /// The card side reads back what the session sent.
    #[test]
    fn what_is_sent_is_what_is_parsed(data in proptest::collection::vec(any::<u8>(), 0..1500),
        part in 1_usize..400, extended in any::<bool>(), le in proptest::option::of(1_u32..=65_536)) {
        let answers = vec![&[0x90_u8, 0][..]; 2000];
        let mut card = Script::new(&answers);
        card.limits.extended_length = extended;
        let mut command = Command::new(0, 0xDB, 0xA0, 0x10).data(&data);
        command.le = le.map(Le::Bytes);
        prop_assert!(Session::with_part_size(&mut card, part).send(&command).is_ok());
        let mut gathered = Vec::new();
        for (position, apdu) in card.sent.iter().enumerate() {
            let parsed = parse_command(apdu).expect("well-formed");
            prop_assert_eq!(parsed.is_chained(), position + 1 < card.sent.len());
            prop_assert_eq!(parsed.p1p2(), 0xA010);
            gathered.extend_from_slice(parsed.data);
            if !parsed.is_chained() {
                let short = u32::min(le.unwrap_or(0), 256) as usize;
                let expected = if parsed.extended { le.map(|l| l as usize) } else { le.map(|_| short) };
                prop_assert_eq!(parsed.le, expected);
            }
        }
        prop_assert_eq!(gathered, data);
    }

    #[test]
    fn parsing_never_panics(apdu in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(command) = parse_command(&apdu) {
            prop_assert!(command.data.len() < apdu.len());
        }
    }
}

/// A reader that carries no more command data than this in one APDU.
fn carries(bytes: u32, extended_length: bool) -> Limits {
    Limits { extended_length, command_data: core::num::NonZeroU32::new(bytes), ..Limits::SHORT }
}

#[test]
fn a_reader_that_carries_less_gets_shorter_parts() {
    let put = Command::new(0, 0xDB, 0x3F, 0xFF).data(&[7; 200]);
    let mut card = Script::new(&[&[0x90, 0], &[0x90, 0], &[0x90, 0]]);
    card.limits = carries(96, false);
    let response = Session::new(&mut card).send(&put).expect("an answer");
    assert!(response.status.is_ok());
    let lengths: Vec<_> = card.sent.iter().map(|sent| (sent[0], sent[4])).collect();
    assert_eq!(lengths, [(0x10, 96), (0x10, 96), (0x00, 8)]);

    // What it carries is not chained, and longer parts than the session's own are not made.
    let mut card = Script::new(&[&[0x90, 0]]);
    card.limits = carries(200, false);
    Session::new(&mut card).send(&put).expect("an answer");
    assert_eq!(card.sent.len(), 1);
    let mut card = Script::new(&[&[0x90, 0], &[0x90, 0]]);
    card.limits = carries(199, false);
    Session::with_part_size(&mut card, 100).send(&put).expect("an answer");
    assert_eq!(card.sent.iter().map(|sent| sent[4]).collect::<Vec<_>>(), [100, 100]);
}

#[test]
fn a_reader_of_extended_length_is_not_given_more_than_it_carries() {
    let put = |length| Command::new(0, 0xDB, 0x3F, 0xFF).data(&vec![7; length]);
    let mut card = Script::new(&[&[0x90, 0]]);
    card.limits = carries(1000, true);
    Session::new(&mut card).send(&put(1000)).expect("an answer");
    assert_eq!(card.sent[0][4..7], [0, 0x03, 0xE8], "one extended APDU");
    let mut card = Script::new(&[&[0x90, 0][..]; 4]);
    card.limits = carries(1000, true);
    Session::new(&mut card).send(&put(1001)).expect("an answer");
    assert_eq!(card.sent.iter().map(|sent| sent[4]).collect::<Vec<_>>(), [255, 255, 255, 236], "chained");

    // An answer of any length is fetched in parts; one with data does not ask for more than the reader brings.
    let mut card = Script::new(&[&[1, 0x61, 1], &[2, 0x90, 0]]);
    card.limits = carries(1000, true);
    Session::new(&mut card).send(&get_data()).expect("an answer");
    assert_eq!(card.sent[0], [0, 0xCB, 0xA0, 0x10, 2, 0x5C, 0, 0]);
    let mut card = Script::new(&[&[0x90, 0]]);
    card.limits = carries(1000, true);
    Session::new(&mut card).send(&put(300).le(Le::All)).expect("an answer");
    assert_eq!(card.sent[0][card.sent[0].len() - 2..], [0x03, 0xE8]);
}
