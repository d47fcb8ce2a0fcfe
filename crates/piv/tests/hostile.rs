//! Cards that answer anything: every operation ends, with a bounded number of commands and without panic, and
//! no PIN goes out in doubt.

mod support;
#[path = "support/traffic.rs"]
mod traffic;

use std::collections::VecDeque;

use cardmod_iso7816::{CardChannel, ExchangeError, Limits, TransportError};
use cardmod_piv::{
    CardCapabilities, Certificate, Chuid, Discovery, KeyAlgorithm, KeyHistory, KeyReference, ObjectTag,
    PinReference, PivError, PivState, PrintedInformation, SecurityObject, Slot, SlotContent, SlotKey,
};
use cardmod_types::Pin;
use proptest::prelude::*;
use support::{ATR, MockCard, PIN, Selected, certificate, certificate_object, chuid, key};
use traffic::{Event, Recorder, sends_a_pin_in_doubt};
use zeroize::Zeroizing;

/// Answers from a list, then fails.
struct Liar {
    answers: VecDeque<Vec<u8>>,
    commands: usize,
    limits: Limits,
}

impl CardChannel for Liar {
    fn transmit(&mut self, _: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.commands += 1;
        self.answers.pop_front().map(Zeroizing::new).ok_or(TransportError { code: 0x8010_0069 })
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

/// Answers with a chance of being taken seriously.
fn answer() -> impl Strategy<Value = Vec<u8>> {
    let status = prop_oneof![
        6 => Just(vec![0x90, 0x00]),
        1 => Just(vec![0x6A, 0x82]),
        1 => Just(vec![0x6D, 0x00]),
        1 => Just(vec![0x69, 0x82]),
        1 => Just(vec![0x69, 0x86]),
        1 => Just(vec![0x67, 0x00]),
        1 => Just(vec![0x61, 0x05]),
        1 => Just(vec![0x6C, 0x03]),
        1 => Just(vec![0x63, 0xC1]),
        1 => proptest::collection::vec(any::<u8>(), 0..3),
    ];
    let object = |tag: Vec<u8>| {
        proptest::collection::vec(any::<u8>(), 0..60)
            .prop_map(move |value| [&tag[..], &[u8::try_from(value.len()).unwrap_or(0)], &value].concat())
    };
    let inner = prop_oneof![
        object(vec![0x70]),
        object(vec![0x70, 0x1F, 0x8B]),
        object(vec![0x70, 0x01, 0x00]),
        object(vec![0x30]),
        object(vec![0xC1]),
        Just(chuid(3, 0)),
        Just(certificate_object(&certificate(&key(1), 90))),
    ];
    let data = prop_oneof![
        3 => Just(vec![]),
        4 => inner.prop_map(|value| [&[0x53, 0x81, u8::try_from(value.len()).unwrap_or(0)], &value[..]].concat()),
        1 => object(vec![0x53]),
        1 => object(vec![0x7E]),
        2 => object(vec![0x7C]),
        1 => object(vec![0x61]),
        1 => proptest::collection::vec(any::<u8>(), 0..80),
    ];
    (data, status).prop_map(|(data, status)| [data, status].concat())
}

const OPERATIONS: u8 = 21;

fn told(answer: impl std::fmt::Debug) -> String {
    format!("{answer:?}")
}

fn operate(state: &mut PivState, card: &mut dyn CardChannel, operation: u8) -> Result<String, PivError> {
    let pin = Pin::new(PIN.to_vec());
    let mut piv = state.on(card);
    match operation {
        0 => piv.select().map(told),
        1 => piv.card_id(&ATR).map(told),
        2 => piv.slots().map(|views| {
            let keys = views.iter().filter_map(|view| Some(format!("{:?} {:?}", view.slot, view.key()?)));
            keys.collect::<Vec<_>>().join("\n")
        }),
        3 => piv.certificate(Slot::KeyManagement).map(told),
        4 => piv.verify_pin(PinReference::User, &pin).map(told),
        5 => piv.pin_state(PinReference::User).map(told),
        6 => piv.sign(Slot::Authentication, KeyAlgorithm::Rsa2048, &[1; 256]).map(told),
        7 => piv.sign(Slot::Signature, KeyAlgorithm::P256, &[1; 32]).map(told),
        8 => piv.sign(Slot::CardAuthentication, KeyAlgorithm::Ed25519, &[1; 300]).map(told),
        9 => piv.agree(Slot::KeyManagement, &SlotKey::X25519([1; 32])).map(told),
        10 => piv.decipher(Slot::KeyManagement, KeyAlgorithm::Rsa1024, &[1; 128]).map(told),
        11 => piv.change_pin(PinReference::User, &pin, &pin).map(told),
        12 => piv.unblock_pin(&pin, &pin).map(told),
        13 => piv.log_out().map(told),
        14 => piv.primary_pin().map(told),
        15 => piv.key_history().map(told),
        16 => piv.ccc().map(told),
        17 => piv.printed_information().map(told),
        18 => piv.security_object().map(told),
        19 => piv.metadata(KeyReference::PIN).map(told),
        _ => piv.confirmed_roles().map(told),
    }
}

#[test]
fn the_check_of_recorded_traffic_finds_what_it_is_for() {
    let select = || Event::Exchange([&[0, 0xA4, 4, 0, 9][..], &cardmod_piv::AID].concat(), vec![0x90, 0]);
    let refused = || Event::Exchange([&[0, 0xA4, 4, 0, 9][..], &cardmod_piv::AID].concat(), vec![0x6A, 0x82]);
    let read = || Event::Exchange(vec![0, 0xCB, 0x3F, 0xFF, 0], vec![0x53, 0, 0x90, 0]);
    let verify = || Event::Exchange(vec![0, 0x20, 0, 0x80, 8, 1, 2, 3, 4, 5, 6, 7, 8], vec![0x90, 0]);
    assert!(!sends_a_pin_in_doubt(&[select(), verify(), verify()]));
    assert!(!sends_a_pin_in_doubt(&[select(), Event::Break, read(), verify()]));
    assert!(sends_a_pin_in_doubt(&[verify()]));
    assert!(sends_a_pin_in_doubt(&[select(), Event::Break, verify()]));
    assert!(sends_a_pin_in_doubt(&[select(), refused(), verify()]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn every_operation_ends_and_no_pin_goes_out_in_doubt(
        answers in proptest::collection::vec(answer(), 0..60),
        steps in proptest::collection::vec((0_u8..OPERATIONS, 0_u8..5), 1..12),
        extended in any::<bool>(),
        t0 in any::<bool>(),
    ) {
        let limits = Limits { extended_length: extended, t0, ..Limits::SHORT };
        let card = Liar { answers: answers.into(), commands: 0, limits };
        let mut recorder = Recorder { card, traffic: Vec::new() };
        let mut state = PivState::new();
        for (operation, event) in steps {
            let before = recorder.card.commands;
            let _ = operate(&mut state, &mut recorder, operation);
            let sent = recorder.card.commands - before;
            prop_assert!(sent <= 80, "operation {}: {}", operation, sent);
            let is_held = state.verified().any();
            match event {
                // Does nothing while somebody is authenticated, whose caller holds the transaction.
                0 => state.doubt(),
                1 => state.interrupted(),
                2 => state.connection_lost(),
                _ => continue,
            }
            if !(event == 0 && is_held) {
                recorder.traffic.push(Event::Break);
            }
        }
        prop_assert!(!sends_a_pin_in_doubt(&recorder.traffic), "{:02X?}", recorder.traffic);
    }

    #[test]
    fn another_program_never_gets_the_pin(
        steps in proptest::collection::vec((0_u8..OPERATIONS, 0_u8..6), 1..20),
        other_answer in prop_oneof![
            Just(0x6D00_u16), Just(0x6E00), Just(0x6986), Just(0x6A82), Just(0x6A88), Just(0x6982), Just(0x9000)
        ],
        knows_log_out in any::<bool>(),
    ) {
        let mut card = MockCard::with_four_certificates().extended();
        card.other_answer = other_answer;
        card.knows_log_out = knows_log_out;
        let mut state = PivState::new();
        for (operation, event) in steps {
            let _ = operate(&mut state, &mut card, operation);
            match event {
                0 if !state.verified().any() => {
                    state.doubt();
                    card.other_application();
                }
                1 => {
                    state.interrupted();
                    card.other_application();
                }
                2 => {
                    state.connection_lost();
                    card.reset();
                }
                _ => {}
            }
            prop_assert_eq!(card.strays, 0, "operation {}", operation);
        }
        prop_assert_eq!(card.tries, 3);
    }

    #[test]
    fn parsers_take_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        // What is read lies within what was there.
        if let Ok(Some(read)) = Certificate::parse(&bytes) {
            prop_assert!(!read.der().is_empty());
        }
        if let Ok(history) = KeyHistory::parse(&bytes) {
            prop_assert!(history.slots_with_certificate().count() + history.slots_without_certificate().count() <= 20);
        }
        prop_assert!(CardCapabilities::parse(&bytes).card_identifier.len() <= bytes.len());
        prop_assert!(SecurityObject::parse(&bytes).signed.len() <= bytes.len());
        let printed = PrintedInformation::parse(&bytes);
        prop_assert!(printed.organisation.len() <= bytes.len());
        prop_assert!(Chuid::parse(&bytes).guid != Some([0; 16]));
        let _ = Discovery::parse(&bytes);
    }
}

/// The answer to the read of an object: its value in the outer tag.
fn answer_of(value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("short").to_be_bytes();
    [&[0x53, 0x82, length[0], length[1]], value].concat()
}

#[test]
fn objects_cut_anywhere_are_missing_or_malformed_and_hide_nothing_else() {
    let whole = answer_of(&certificate_object(&certificate(&key(1), 120)));
    for length in 0..whole.len() {
        let mut card = MockCard::with_four_certificates();
        card.raw.insert(Slot::Authentication.object().get(), whole[..length].to_vec());
        let mut state = PivState::new();
        let views = state.on(&mut card).slots().expect("the list");
        assert!(matches!(views[0].content, SlotContent::Unreadable(PivError::Malformed(_))), "{length}");
        assert!(views[1..].iter().all(|view| view.certificate().is_some()), "{length}");
        assert!(state.on(&mut card).certificate(Slot::Authentication).is_err());
    }
}

#[test]
fn a_chuid_and_a_history_cut_anywhere_leave_the_list() {
    for (tag, value) in
        [(ObjectTag::CHUID, chuid(0x11, 40)), (ObjectTag::KEY_HISTORY, vec![0xC1, 1, 0, 0xC2, 1, 0, 0xFE, 0])]
    {
        let whole = answer_of(&value);
        for length in 0..whole.len() {
            let mut card = MockCard::with_four_certificates();
            card.raw.insert(tag.get(), whole[..length].to_vec());
            let mut state = PivState::new();
            let views = state.on(&mut card).slots().expect("the list");
            assert_eq!(views.len(), 4, "{tag} {length}");
            assert!(views.iter().all(|view| view.certificate().is_some()), "{tag} {length}");
            let id = state.on(&mut card).card_id(&ATR).expect("an identifier");
            assert!(!id.is_placeholder() || id.as_bytes() == &[0x11; 16], "{tag} {length}");
        }
    }
}

#[test]
fn lengths_and_tags_that_lie_are_found_out() {
    let whole = answer_of(&certificate_object(&certificate(&key(1), 120)));
    let good = MockCard::with_four_certificates();
    for at in 0..12 {
        for byte in 0..=255_u8 {
            let mut answer = whole.clone();
            answer[at] = byte;
            let mut card = good.clone();
            card.raw.insert(Slot::Authentication.object().get(), answer);
            let views = PivState::new().on(&mut card).slots().expect("the list");
            // Either the lie does not matter, or the place is said to be unreadable; nothing else is read.
            match views[0].key() {
                Some(read) => assert_eq!(read, &key(1), "{at} {byte:02X}"),
                None => assert!(!matches!(views[0].content, SlotContent::Placeholder(_)), "{at} {byte:02X}"),
            }
            assert_eq!(views[1].key(), Some(&key(2)));
        }
    }
}

#[test]
fn an_answer_longer_than_asked_for_is_read_as_far_as_the_object_goes() {
    let value = certificate_object(&certificate(&key(1), 120));
    let mut card = MockCard::with_four_certificates();
    card.longest_answer = (70_000, 70_000);
    card.raw.insert(Slot::Authentication.object().get(), [answer_of(&value), vec![0xAA; 3000]].concat());
    let read = PivState::new().on(&mut card).certificate(Slot::Authentication).expect("read").expect("there");
    assert_eq!(read.key(), Some(&key(1)));
}

/// Answers a step of an otherwise honest exchange with a status word alone. What it claims to have done it
/// has done.
struct Saboteur {
    card: MockCard,
    at: usize,
    status: u16,
    step: usize,
    /// Instructions and the status words the other side saw.
    claims: Vec<(u8, u16)>,
}

impl CardChannel for Saboteur {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.step += 1;
        if self.step.checked_sub(1) == Some(self.at) {
            if matches!(self.status, 0x9000 | 0x6100..=0x61FF) {
                self.card.transmit(command)?;
            }
            self.claims.push((command[1], self.status));
            return Ok(Zeroizing::new(self.status.to_be_bytes().to_vec()));
        }
        let answer = self.card.transmit(command)?;
        let status = answer.last_chunk::<2>().map_or(0, |status| u16::from_be_bytes(*status));
        self.claims.push((command[1], status));
        Ok(answer)
    }
}

/// Every status word there is a reason for, and neighbours of them.
fn status_words() -> impl Iterator<Item = u16> {
    let second = [
        0x00, 0x01, 0x0F, 0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0xC0, 0xC3, 0xCF, 0xFF,
    ];
    (0x60..=0x6F)
        .chain([0x00, 0x90, 0x91, 0x9F, 0xFF])
        .flat_map(move |first: u16| second.map(|low| first << 8 | low))
}

/// What an operation answered, such that two answers can be compared.
type Told = Result<String, PivError>;

/// A PIN is verified, then an operation made; with the number of steps before it and of all.
fn sabotaged(card: &MockCard, operation: u8, at: usize, status: u16) -> (Told, Saboteur, usize) {
    let mut saboteur = Saboteur { card: card.clone(), at, status, step: 0, claims: Vec::new() };
    let mut state = PivState::new();
    let _ = operate(&mut state, &mut saboteur, 4);
    let before = saboteur.step;
    saboteur.claims.clear();
    let told = operate(&mut state, &mut saboteur, operation);
    (told, saboteur, before)
}

/// Whether success may be told of an operation whose step was answered with this status word alone.
fn may_succeed(operation: u8, told: &str, honest: &Told, saboteur: &Saboteur) -> bool {
    // `61xx` is success too, with something to fetch.
    let claimed = |instruction| {
        let mut of_it = saboteur.claims.iter().filter(|(claimed, _)| *claimed == instruction);
        of_it.any(|(_, status)| matches!(status, 0x9000 | 0x6100..=0x61FF))
    };
    match operation {
        // Only the card can say that a PIN is right, or was changed.
        4 => claimed(0x20),
        11 => claimed(0x24),
        12 => claimed(0x2C),
        13 => !saboteur.card.verified || saboteur.card.selected != Selected::Piv || claimed(0x20),
        // The result of a key is the card's, whole, or there is none.
        6..=10 => honest.as_deref() == Ok(told),
        // An object that the card refuses to show is not one that is not there, and a success without data is
        // an object without content.
        3 | 15..=18 => {
            let absent = matches!(saboteur.status, 0x6A82 | 0x6A88 | 0x9000 | 0x6100..=0x61FF);
            honest.as_deref() == Ok(told) || absent
        }
        // A list shows fewer keys, and no other ones.
        2 => {
            told.lines().all(|line| honest.as_ref().is_ok_and(|honest| honest.lines().any(|one| one == line)))
        }
        // Identity, capabilities and counters are made of what a card tells, if anything.
        _ => true,
    }
}

#[test]
fn every_status_word_at_every_step_of_every_operation() {
    let card = MockCard::with_four_certificates();
    let (mut cases, mut refused) = (0_u32, 0_u32);
    for operation in 0..OPERATIONS {
        let (honest, run, before) = sabotaged(&card, operation, usize::MAX, 0);
        assert!(run.step > before || operation == 20, "operation {operation} sends nothing");
        for at in 0..run.step {
            for status in status_words() {
                let case = format!("operation {operation}, step {at} of {}, {status:04X}", run.step);
                let (told, saboteur, begun) = sabotaged(&card, operation, at, status);
                assert!(saboteur.step - begun <= run.step + 12, "{case}: {} commands", saboteur.step - begun);
                assert_eq!(saboteur.card.strays, 0, "{case}");
                cases += 1;
                match told {
                    Ok(told) => assert!(may_succeed(operation, &told, &honest, &saboteur), "{case}: {told}"),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    assert!(refused > cases / 10, "{refused} of {cases}");
}

/// Answers VERIFY with a PIN from a list of counters, whatever the PIN, then for ever with the last.
struct Counting {
    counters: Vec<u16>,
    shown: usize,
}

impl CardChannel for Counting {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if command[1] == 0xA4 {
            return Ok(Zeroizing::new(vec![0x90, 0x00]));
        }
        let counter = self.counters[self.shown.min(self.counters.len() - 1)];
        self.shown += usize::from(command.len() > 5);
        Ok(Zeroizing::new(counter.to_be_bytes().to_vec()))
    }
}

#[test]
fn a_counter_that_lies_is_told_as_it_is_and_each_pin_goes_out_once() {
    let counters = vec![0x63C1, 0x63CF, 0x63C0, 0x63C3, 0x6983, 0x63C3];
    let mut card = Counting { counters: counters.clone(), shown: 0 };
    let mut state = PivState::new();
    for (sent, counter) in (1..).zip(&counters) {
        let error =
            state.on(&mut card).verify_pin(PinReference::User, &Pin::new(PIN.to_vec())).expect_err("wrong");
        assert_eq!(card.shown, sent, "{counter:04X}");
        assert_eq!(error.status().map(|status| status.get()), Some(*counter));
        let left = (*counter != 0x6983).then_some((counter & 0x0F) as u8);
        assert_eq!(error.tries_left(), left, "{counter:04X}");
        assert!(!state.verified().user);
    }
    // Nor does a question cost anything.
    let told = state.on(&mut card).pin_state(PinReference::User).expect("a state").expect("it tells");
    assert_eq!((told.tries_left, card.shown), (Some(3), counters.len()));
}

#[test]
fn of_all_status_words_one_verifies_a_pin() {
    let pin = Pin::new(PIN.to_vec());
    for status in 0..=0xFFFF_u16 {
        let mut saboteur = Saboteur { card: MockCard::default(), at: 1, status, step: 0, claims: Vec::new() };
        let mut state = PivState::new();
        let outcome = state.on(&mut saboteur).verify_pin(PinReference::User, &pin);
        // Answers of another application are followed by SELECT, `6Cxx` and `61xx` by what they ask for.
        let repeated = matches!(status, 0x6D00 | 0x6E00 | 0x6986 | 0x6C00..=0x6CFF | 0x6100..=0x61FF);
        assert_eq!(outcome.is_ok(), status == 0x9000 || repeated, "{status:04X}");
        assert_eq!(state.verified().user, outcome.is_ok(), "{status:04X}");
        assert!(saboteur.step <= 4, "{status:04X}");
    }
}

/// Says the same for ever, once PIV is selected.
struct Parrot {
    answer: Vec<u8>,
    commands: usize,
}

impl CardChannel for Parrot {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.commands += 1;
        let is_select = command[1] == 0xA4;
        Ok(Zeroizing::new(if is_select { vec![0x90, 0x00] } else { self.answer.clone() }))
    }
}

#[test]
fn answers_without_end_are_cut_off() {
    for (answer, most) in [
        (vec![0x61, 0x00], 2),
        (vec![0x61, 0x01], 2),
        (vec![0x53, 0x61, 0x01], 1_100),
        ([&[0x53; 256][..], &[0x61, 0x00]].concat(), 260),
        (vec![0x6C, 0x01], 3),
        (vec![0x6C, 0x00], 3),
    ] {
        let mut parrot = Parrot { answer, commands: 0 };
        let mut state = PivState::new();
        let error = state.on(&mut parrot).object(ObjectTag::CCC).expect_err("no object");
        assert!(parrot.commands <= most + 1, "{} commands, {error}", parrot.commands);
        let endless = error == PivError::Exchange(ExchangeError::EndlessResponse);
        assert_eq!(endless, parrot.answer[parrot.answer.len() - 2] == 0x61);
        let before = parrot.commands;
        let _ = state.on(&mut parrot).slots();
        assert!(parrot.commands - before <= 6 * most + 10, "{} commands", parrot.commands - before);
    }
}

/// Takes the card out after some commands and puts another one in.
struct Swap {
    first: MockCard,
    second: MockCard,
    after: usize,
}

impl CardChannel for Swap {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        match self.after {
            0 => self.second.transmit(command),
            1 => {
                self.after = 0;
                Err(TransportError { code: 0x8010_0069 })
            }
            _ => {
                self.after -= 1;
                self.first.transmit(command)
            }
        }
    }
}

#[test]
fn a_card_swapped_between_two_commands_is_never_mixed_with_the_other() {
    for after in 1..=15 {
        let mut second = MockCard::with_four_certificates();
        second.put(ObjectTag::CHUID, &chuid(0x22, 0));
        for (number, slot) in (11..).zip(Slot::MAIN) {
            second.put(slot.object(), &certificate_object(&certificate(&key(number), 509)));
        }
        let mut swap = Swap { first: MockCard::with_four_certificates(), second, after };
        let mut state = PivState::new();
        assert!(state.on(&mut swap).slots().is_err(), "{after}");
        let views = state.on(&mut swap).slots().expect("the list");
        for (number, view) in (11..).zip(&views) {
            assert_eq!((view.key(), view.is_hint), (Some(&key(number)), false), "{after}");
        }
    }
}
