//! How many commands each task costs, against a small mock card: the plans of the crate.

mod support;

use cardmod_iso7816::Limits;
use cardmod_piv::{
    KeyAlgorithm, ObjectTag, PinReference, PivError, PivState, RetiredNumber, Slot, SlotKey, SlotView,
};
use cardmod_types::{EcCurve, EcPublicKey, Pin};
use support::{ATR, MockCard, PIN, certificate, certificate_object, chuid, key};

const SELECT: u8 = 0xA4;
const GET: u8 = 0xCB;
const MORE: u8 = 0xC0;
const VERIFY: u8 = 0x20;
const USE: u8 = 0x87;

const SLOT: Slot = Slot::Authentication;

fn pin() -> Pin {
    Pin::new(PIN.to_vec())
}

fn list(state: &mut PivState, card: &mut MockCard) -> Vec<SlotView> {
    let views = state.on(card).slots().expect("the list");
    for (number, view) in (1..).zip(&views) {
        assert_eq!(view.key(), Some(&key(number)), "{:?}", view.slot);
    }
    views
}

fn verify(state: &mut PivState, card: &mut MockCard) {
    state.on(card).verify_pin(PinReference::User, &pin()).expect("the PIN is right");
}

fn sign(
    state: &mut PivState,
    card: &mut MockCard,
    slot: Slot,
    algorithm: KeyAlgorithm,
) -> Result<(), PivError> {
    let input = vec![0x41; if algorithm.is_rsa() { algorithm.byte_len() } else { 32 }];
    let signature = state.on(card).sign(slot, algorithm, &input)?;
    let numbers = if algorithm.is_rsa() { 1 } else { 2 };
    assert_eq!(signature.len(), numbers * algorithm.byte_len());
    Ok(())
}

#[test]
fn four_certificates_cold_cost_fifteen() {
    let mut card = MockCard::with_four_certificates();
    let views = list(&mut PivState::new(), &mut card);
    assert_eq!(views.len(), 4);
    assert!(views.iter().all(|view| view.certificate().is_some() && !view.is_hint));
    let mut expected = vec![SELECT, GET, GET];
    (0..4).for_each(|_| expected.extend([GET, MORE, MORE]));
    assert_eq!(card.commands(), expected);
    // SELECT, six reads and eight GET RESPONSE; the application template, CHUID, Key History, objects.
    assert_eq!(card.bytes.0, 15 + 6 * 11 + 8 * 5);
    assert_eq!(card.bytes.1, (10 + 2) + (61 + 2) + (10 + 2) + 4 * (522 + 3 * 2));
}

#[test]
fn four_certificates_with_extended_length_cost_seven() {
    let mut card = MockCard::with_four_certificates().extended();
    list(&mut PivState::new(), &mut card);
    assert_eq!(card.commands(), [SELECT, GET, GET, GET, GET, GET, GET]);
}

#[test]
fn a_card_that_answers_in_short_parts_after_extended_commands_costs_what_its_parts_cost() {
    let mut card = MockCard::with_four_certificates().extended();
    card.longest_answer = (255, 255);
    list(&mut PivState::new(), &mut card);
    // Objects of 522 bytes: three answers of at most 255.
    assert_eq!(card.count(), 3 + 4 * 3);
}

#[test]
fn over_t0_every_answer_is_fetched_and_nothing_else() {
    let mut card = MockCard::with_four_certificates();
    card.limits = Limits { t0: true, ..Limits::EXTENDED };
    list(&mut PivState::new(), &mut card);
    // An announcement each for SELECT, CHUID, Key History; 522 bytes in three parts for the rest.
    assert_eq!(card.count(), 3 * 2 + 4 * 4);
}

#[test]
fn of_a_long_chuid_the_head_is_enough() {
    let mut card = MockCard::with_four_certificates();
    card.put(ObjectTag::CHUID, &chuid(0x11, 2800));
    let mut state = PivState::new();
    list(&mut state, &mut card);
    assert_eq!(card.count(), 15);
    assert_eq!(state.on(&mut card).card_id(&ATR).expect("CHUID").as_bytes(), &[0x11; 16]);
    assert_eq!(card.count(), 0);
    let mut card = card.extended();
    card.reset();
    list(&mut PivState::new(), &mut card);
    assert_eq!(card.count(), 7);
}

#[test]
fn absent_places_cost_one_and_the_history_tells_of_retired_ones() {
    let mut card = MockCard::with_four_certificates();
    card.objects.remove(&Slot::KeyManagement.object().get());
    card.put(ObjectTag::KEY_HISTORY, &[0xC1, 1, 2, 0xC2, 1, 0, 0xFE, 0]);
    for number in 1..=2 {
        let slot = Slot::Retired(RetiredNumber::new(number).expect("in range"));
        card.put(slot.object(), &certificate_object(&certificate(&key(9), 200)));
    }
    let views = PivState::new().on(&mut card).slots().expect("the list");
    let labels: Vec<_> = views.iter().map(|view| (view.slot.label(), view.is_occupied())).collect();
    let expected = [("9a", true), ("9c", true), ("9d", false), ("9e", true), ("82", true), ("83", true)];
    assert_eq!(labels, expected.map(|(label, occupied)| (label.to_owned(), occupied)));
    assert_eq!(card.count(), 3 + 3 * 3 + 1 + 2);
}

#[test]
fn without_history_retired_places_are_left_alone_until_somebody_asks_for_them() {
    let mut card = MockCard::with_four_certificates();
    card.objects.remove(&ObjectTag::KEY_HISTORY.get());
    let third = Slot::Retired(RetiredNumber::new(3).expect("in range"));
    card.put(third.object(), &certificate_object(&certificate(&key(9), 200)));
    let mut state = PivState::new();
    assert_eq!(list(&mut state, &mut card).len(), 4);
    assert_eq!(card.count(), 15);
    let views = state.on(&mut card).slots_of(&[third]).expect("the place");
    assert_eq!(views[0].key(), Some(&key(9)));
    assert_eq!(card.count(), 1);
}

#[test]
fn a_warm_list_costs_nothing_one_or_two() {
    let mut card = MockCard::with_four_certificates();
    let mut state = PivState::new();
    list(&mut state, &mut card);
    card.commands();
    assert!(list(&mut state, &mut card).iter().all(|view| !view.is_hint));
    assert_eq!(card.count(), 0, "nobody can have come between");
    state.doubt();
    assert!(list(&mut state, &mut card).iter().all(|view| view.is_hint));
    assert_eq!(card.commands(), [GET], "another program may have selected another application");
    state.connection_lost();
    card.reset();
    assert!(list(&mut state, &mut card).iter().all(|view| view.is_hint));
    assert_eq!(card.commands(), [SELECT, GET], "inserted again");
    state.doubt();
    card.other_application();
    list(&mut state, &mut card);
    assert_eq!(card.commands(), [GET, SELECT, GET], "another program has selected another application");
}

#[test]
fn another_card_is_read_anew() {
    let mut card = MockCard::with_four_certificates();
    let mut state = PivState::new();
    list(&mut state, &mut card);
    state.connection_lost();
    let mut other = MockCard::with_four_certificates();
    other.put(ObjectTag::CHUID, &chuid(0x22, 0));
    assert!(list(&mut state, &mut other).iter().all(|view| !view.is_hint));
    assert_eq!(other.count(), 15);
}

#[test]
fn a_card_nobody_can_tell_apart_is_read_anew_after_a_reset() {
    let mut card = MockCard::with_four_certificates();
    card.objects.remove(&ObjectTag::CHUID.get());
    let mut state = PivState::new();
    list(&mut state, &mut card);
    card.commands();
    state.connection_lost();
    card.reset();
    list(&mut state, &mut card);
    assert_eq!(card.count(), 15);
}

#[test]
fn a_certificate_to_present_is_never_a_hint() {
    let mut card = MockCard::with_four_certificates();
    let mut state = PivState::new();
    list(&mut state, &mut card);
    card.put(SLOT.object(), &certificate_object(&certificate(&key(7), 509)));
    state.doubt();
    card.commands();
    assert_eq!(state.on(&mut card).slots().expect("the list")[0].key(), Some(&key(1)), "a hint");
    let read = state.on(&mut card).certificate(SLOT).expect("read").expect("there");
    assert_eq!(read.key(), Some(&key(7)));
    assert_eq!(card.count(), 1 + 3);
    let view = &state.on(&mut card).slots().expect("the list")[0];
    assert_eq!((view.key(), view.is_hint), (Some(&key(7)), false));
    assert_eq!(card.count(), 0);
}

#[test]
fn a_key_that_turns_out_to_be_another_is_looked_up_anew() {
    let mut card = MockCard::with_four_certificates();
    let mut state = PivState::new();
    list(&mut state, &mut card);
    state.doubt();
    list(&mut state, &mut card);
    card.commands();
    // Another program has put another key there; the card refuses the remembered algorithm.
    let free = Slot::CardAuthentication;
    card.put(free.object(), &certificate_object(&certificate(&key(7), 509)));
    card.refuse_keys = Some(0x6A86);
    assert!(sign(&mut state, &mut card, free, KeyAlgorithm::P256).is_err());
    card.commands();
    let views = state.on(&mut card).slots().expect("the list");
    assert_eq!((views[3].key(), views[3].is_hint), (Some(&key(7)), false));
    assert_eq!(card.commands(), [GET, MORE, MORE]);
}

/// Commands of the first signature, of the same with the application selected and the PIN to be verified,
/// and of one more.
fn signature_costs(mut card: MockCard, slot: Slot, algorithm: KeyAlgorithm) -> [usize; 3] {
    let mut state = PivState::new();
    verify(&mut state, &mut card);
    sign(&mut state, &mut card, slot, algorithm).expect("signed");
    let cold = card.count();
    state.on(&mut card).log_out().expect("logged out");
    assert_eq!(card.commands(), [VERIFY], "log-out costs one");
    verify(&mut state, &mut card);
    sign(&mut state, &mut card, slot, algorithm).expect("signed");
    let with_pin = card.count();
    if slot.is_pin_always() {
        verify(&mut state, &mut card);
    }
    sign(&mut state, &mut card, slot, algorithm).expect("signed");
    assert_eq!(card.strays, 0);
    [cold, with_pin, card.count()]
}

#[test]
fn signatures_cost_what_the_plan_says() {
    let short = MockCard::default;
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa1024] {
        assert_eq!(signature_costs(short(), SLOT, algorithm), [3, 2, 1], "{algorithm}");
        assert_eq!(signature_costs(short(), Slot::Signature, algorithm), [3, 2, 2], "{algorithm}");
    }
    for algorithm in [KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa3072] {
        assert_eq!(signature_costs(short(), SLOT, algorithm), [5, 4, 3], "{algorithm}");
        assert_eq!(signature_costs(short(), Slot::Signature, algorithm), [5, 4, 4], "{algorithm}");
    }
    assert_eq!(signature_costs(short(), SLOT, KeyAlgorithm::Rsa4096), [7, 6, 5]);
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::Rsa2048, KeyAlgorithm::Rsa4096] {
        assert_eq!(signature_costs(short().extended(), SLOT, algorithm), [3, 2, 1], "{algorithm}");
    }
}

#[test]
fn over_t0_an_answer_costs_one_more() {
    // Cold, with PIN, repeat: an announcement for SELECT and for each signature.
    let t0 = || MockCard { limits: Limits { t0: true, ..Limits::EXTENDED }, ..MockCard::default() };
    assert_eq!(signature_costs(t0(), SLOT, KeyAlgorithm::P256), [5, 3, 2]);
    assert_eq!(signature_costs(t0(), SLOT, KeyAlgorithm::Rsa2048), [7, 5, 4]);
}

#[test]
fn a_free_key_costs_select_and_itself() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    for expected in [&[SELECT, USE][..], &[USE]] {
        sign(&mut state, &mut card, Slot::CardAuthentication, KeyAlgorithm::P256).expect("signed");
        assert_eq!(card.commands(), expected);
    }
}

#[test]
fn optimism_costs_one_refused_command() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    let error = sign(&mut state, &mut card, SLOT, KeyAlgorithm::P256).expect_err("without PIN");
    assert!(error.is_access_denied());
    verify(&mut state, &mut card);
    sign(&mut state, &mut card, SLOT, KeyAlgorithm::P256).expect("signed");
    assert_eq!(card.commands(), [SELECT, USE, VERIFY, USE]);
}

#[test]
fn a_key_is_used_at_once_where_the_selection_is_believed() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    let free = Slot::CardAuthentication;
    sign(&mut state, &mut card, free, KeyAlgorithm::P256).expect("signed");
    state.doubt();
    card.commands();
    sign(&mut state, &mut card, free, KeyAlgorithm::P256).expect("signed");
    assert_eq!(card.commands(), [USE]);
    for status in [0x6D00, 0x6E00, 0x6986, 0x6A86, 0x6A88, 0x6982] {
        state.doubt();
        card.other_application();
        card.other_answer = status;
        sign(&mut state, &mut card, free, KeyAlgorithm::P256).expect("signed");
        assert_eq!(card.commands(), [USE, SELECT, USE], "{status:04X}");
    }
}

#[test]
fn agreement_and_the_curves_of_25519_cost_one() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    verify(&mut state, &mut card);
    card.commands();
    let point: Vec<u8> = std::iter::once(4).chain(1..=64).collect();
    let peer = SlotKey::Ec(EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("well-formed"));
    let mut piv = state.on(&mut card);
    assert_eq!(piv.agree(Slot::KeyManagement, &peer).expect("agreed").as_bytes(), &point[1..33]);
    assert_eq!(piv.agree(Slot::KeyManagement, &SlotKey::X25519([3; 32])).expect("agreed").len(), 32);
    assert_eq!(piv.sign(SLOT, KeyAlgorithm::Ed25519, b"message").expect("signed").len(), 64);
    assert_eq!(card.commands(), [USE, USE, USE]);
}

#[test]
fn deciphering_costs_what_signing_costs() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    verify(&mut state, &mut card);
    card.commands();
    let block = state.on(&mut card).decipher(Slot::KeyManagement, KeyAlgorithm::Rsa2048, &[7; 256]);
    assert_eq!(block.expect("deciphered").as_bytes(), [7; 256]);
    assert_eq!(card.commands(), [USE, USE, MORE]);
}
