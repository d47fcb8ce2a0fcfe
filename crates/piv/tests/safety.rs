//! What goes to which card: a PIN only to PIV, nothing between a PIN and its key, formats that cost no try,
//! log-out of cards that cannot, and limits that are found out once.

mod support;

use cardmod_iso7816::Limits;
use cardmod_piv::{KeyAlgorithm, ObjectTag, PinReference, PivError, PivState, Slot};
use cardmod_types::Pin;
use support::{ATR, MockCard, PIN, Selected, chuid};

const SELECT: u8 = 0xA4;
const GET: u8 = 0xCB;
const MORE: u8 = 0xC0;
const VERIFY: u8 = 0x20;
const USE: u8 = 0x87;

fn pin() -> Pin {
    Pin::new(PIN.to_vec())
}

fn verify(state: &mut PivState, card: &mut MockCard) -> Result<(), PivError> {
    state.on(card).verify_pin(PinReference::User, &pin())
}

#[test]
fn a_pin_goes_to_piv_alone() {
    for event in [PivState::doubt, PivState::interrupted, PivState::connection_lost] {
        let mut card = MockCard::with_four_certificates();
        let mut state = PivState::new();
        state.on(&mut card).select().expect("PIV");
        event(&mut state);
        card.other_application();
        card.commands();
        verify(&mut state, &mut card).expect("the PIN is right");
        assert_eq!((card.commands(), card.strays), (vec![SELECT, VERIFY], 0));
    }
}

#[test]
fn the_read_of_an_object_proves_the_application_as_well() {
    let mut card = MockCard::with_four_certificates();
    let mut state = PivState::new();
    state.on(&mut card).select().expect("PIV");
    state.doubt();
    card.commands();
    state.on(&mut card).chuid().expect("CHUID");
    verify(&mut state, &mut card).expect("the PIN is right");
    assert_eq!(card.commands(), [GET, VERIFY]);
    state.interrupted();
    assert!(state.on(&mut card).object(ObjectTag::KEY_HISTORY).expect("read").is_some());
    verify(&mut state, &mut card).expect("the PIN is right");
    assert_eq!(card.commands(), [GET, VERIFY]);
}

#[test]
fn an_object_that_is_missing_proves_nothing() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    state.on(&mut card).select().expect("PIV");
    state.doubt();
    card.other_application();
    card.other_answer = 0x6A82;
    assert_eq!(state.on(&mut card).object(ObjectTag::CCC), Ok(None));
    verify(&mut state, &mut card).expect("the PIN is right");
    assert_eq!((card.commands(), card.strays), (vec![SELECT, GET, SELECT, GET, VERIFY], 0));
}

#[test]
fn without_piv_no_pin_is_sent() {
    for status in [0x6A82, 0x6D00, 0x6283, 0x6999] {
        let mut card = MockCard { selected: Selected::Other, ..MockCard::default() };
        let mut state = PivState::new();
        // A card whose SELECT of PIV fails.
        let mut refusing = Refusing { card: &mut card, status };
        let error = state.on(&mut refusing).verify_pin(PinReference::User, &pin()).expect_err("no PIV");
        assert_eq!(error.status().map(u16::from), Some(status));
        assert_eq!((card.strays, state.is_just_verified()), (0, false));
    }
}

/// Refuses SELECT.
struct Refusing<'a> {
    card: &'a mut MockCard,
    status: u16,
}

impl cardmod_iso7816::CardChannel for Refusing<'_> {
    fn transmit(
        &mut self,
        command: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, cardmod_iso7816::TransportError> {
        if command[1] == SELECT {
            return Ok(self.status.to_be_bytes().to_vec().into());
        }
        self.card.transmit(command)
    }
}

#[test]
fn a_verified_pin_outlives_doubt_and_nothing_else() {
    let mut card = MockCard::with_four_certificates();
    let mut state = PivState::new();
    verify(&mut state, &mut card).expect("the PIN is right");
    state.doubt();
    assert!(state.verified().user, "the caller holds its transaction");
    card.commands();
    state.on(&mut card).sign(Slot::Authentication, KeyAlgorithm::P256, &[1; 32]).expect("signed");
    assert_eq!(card.commands(), [USE]);
    state.doubt();
    verify(&mut state, &mut card).expect("the PIN is right");
    assert_eq!(card.commands(), [VERIFY]);
    state.interrupted();
    assert!(!state.verified().user);
    verify(&mut state, &mut card).expect("the PIN is right");
    card.gone = true;
    assert!(state.on(&mut card).object(ObjectTag::CCC).is_err());
    assert!(!state.verified().user, "a failure of the channel takes all belief away");
    card.gone = false;
    card.reset();
    card.commands();
    verify(&mut state, &mut card).expect("the PIN is right");
    assert_eq!(card.commands(), [SELECT, VERIFY]);
}

#[test]
fn nothing_stands_between_the_pin_and_a_pin_always_key() {
    // A card that announces extended length and does not take it: the first trial would be the key's use.
    for answer in [None, Some(0x6700), Some(0x6D00)] {
        let mut card = MockCard { limits: Limits::EXTENDED, extended_answer: answer, ..MockCard::default() };
        let mut state = PivState::new();
        verify(&mut state, &mut card).expect("the PIN is right");
        assert!(state.is_just_verified());
        state.on(&mut card).sign(Slot::Signature, KeyAlgorithm::Rsa2048, &[1; 256]).expect("signed");
        assert_eq!(card.commands(), [SELECT, VERIFY, USE, USE, MORE], "{answer:?}");
        assert!(!state.is_just_verified() && state.verified().user);
        let again = state.on(&mut card).sign(Slot::Signature, KeyAlgorithm::P256, &[1; 32]);
        assert!(again.expect_err("the PIN is to be verified again").is_access_denied());
    }
}

#[test]
fn a_right_that_the_card_denies_is_not_believed_any_more() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    verify(&mut state, &mut card).expect("the PIN is right");
    card.verified = false;
    let denied = state.on(&mut card).sign(Slot::Authentication, KeyAlgorithm::P256, &[1; 32]);
    assert!(denied.expect_err("the card forgot the PIN").is_access_denied());
    assert!(!state.verified().user);
}

#[test]
fn where_extended_length_is_proven_a_pin_always_key_uses_it() {
    let mut card = MockCard::with_four_certificates().extended();
    let mut state = PivState::new();
    state.on(&mut card).slots().expect("the list");
    verify(&mut state, &mut card).expect("the PIN is right");
    card.commands();
    state.on(&mut card).sign(Slot::Signature, KeyAlgorithm::Rsa2048, &[1; 256]).expect("signed");
    assert_eq!(card.commands(), [USE]);
}

#[test]
fn refused_extended_length_is_found_out_once() {
    for status in [0x6700, 0x6D00, 0x6E00] {
        let mut card = MockCard::with_four_certificates();
        card.limits = Limits::EXTENDED;
        card.extended_answer = Some(status);
        let mut state = PivState::new();
        assert_eq!(state.on(&mut card).slots().expect("the list").len(), 4);
        assert_eq!(card.count(), 15 + 1, "{status:04X}");
        state.connection_lost();
        card.reset();
        state.on(&mut card).certificate(Slot::Authentication).expect("read").expect("there");
        assert_eq!(card.commands(), [SELECT, GET, MORE, MORE], "a fact of the card, {status:04X}");
    }
}

/// A reader that gives up on a length it does not know.
struct OldReader(MockCard);

impl cardmod_iso7816::CardChannel for OldReader {
    fn transmit(
        &mut self,
        command: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, cardmod_iso7816::TransportError> {
        if command.len() > 6 && command[4] == 0 {
            return Err(cardmod_iso7816::TransportError { code: 0x8010_0016 });
        }
        self.0.transmit(command)
    }

    fn limits(&self) -> Limits {
        Limits::EXTENDED
    }
}

#[test]
fn a_reader_that_fails_on_extended_length_is_not_tried_again() {
    let mut reader = OldReader(MockCard::with_four_certificates());
    let mut state = PivState::new();
    assert!(state.on(&mut reader).certificate(Slot::Authentication).is_err());
    reader.0.reset();
    reader.0.commands();
    assert!(state.on(&mut reader).certificate(Slot::Authentication).expect("read").is_some());
    assert_eq!(reader.0.commands(), [SELECT, GET, MORE, MORE]);
}

#[test]
fn formats_no_card_has_cost_no_try() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    let good = pin();
    for bad in [&b""[..], b"12345", b"123456789", b"123456\xFF", &[0xFF; 8]] {
        let bad = Pin::new(bad.to_vec());
        let mut piv = state.on(&mut card);
        let format = Err(PivError::PinFormat { digits: false });
        assert_eq!(piv.verify_pin(PinReference::User, &bad), format);
        assert_eq!(piv.change_pin(PinReference::User, &good, &bad), format);
        assert_eq!(piv.change_pin(PinReference::Puk, &bad, &good), format);
        assert_eq!(piv.unblock_pin(&bad, &good), format);
        assert_eq!(piv.unblock_pin(&good, &bad), format);
    }
    assert_eq!(card.count(), 0);
}

#[test]
fn digits_are_demanded_of_cards_by_the_standard_alone() {
    const VERSION: u8 = 0xFD;
    let letters = Pin::new(b"abcdef".to_vec());
    let short = Pin::new(b"1234567".to_vec());
    // A token takes any characters: the try is lost.
    let mut card = MockCard { version: Some([5, 4, 3]), ..MockCard::default() };
    let mut state = PivState::new();
    for (left, expected) in [(2, vec![SELECT, VERSION, VERIFY]), (1, vec![VERIFY])] {
        let error = state.on(&mut card).verify_pin(PinReference::User, &letters).expect_err("wrong");
        assert_eq!((error.tries_left(), card.commands()), (Some(left), expected));
    }
    // A card that has not the tokens' command is one by the standard: the try is not.
    let mut card = MockCard::default();
    let mut state = PivState::new();
    for expected in [vec![SELECT, VERSION], vec![]] {
        let error = state.on(&mut card).verify_pin(PinReference::User, &letters).expect_err("refused");
        assert_eq!(error, PivError::PinFormat { digits: true });
        assert_eq!(card.commands(), expected);
    }
    let error = state.on(&mut card).unblock_pin(&short, &pin()).expect_err("refused");
    assert_eq!(error, PivError::InvalidInput("the PUK of this card has 8 characters"));
    // A token that refuses the form says so once.
    let mut card = MockCard { version: Some([6, 6, 6]), wants_digits: true, ..MockCard::default() };
    let mut state = PivState::new();
    for expected in [vec![SELECT, VERSION, VERIFY], vec![]] {
        let error = state.on(&mut card).verify_pin(PinReference::User, &letters).expect_err("refused");
        assert_eq!(error, PivError::PinFormat { digits: true });
        assert_eq!((card.commands(), card.tries), (expected, 3));
    }
    let error = PivState::new().on(&mut card).change_pin(PinReference::User, &pin(), &letters);
    assert_eq!(error, Err(PivError::PinFormat { digits: true }));
    // Digits are asked of nobody: nothing has to be found out.
    let mut card = MockCard::default();
    let mut state = PivState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("the PIN is right");
    assert_eq!((card.commands(), card.tries), (vec![SELECT, VERIFY], 3));
}

#[test]
fn tries_are_told_without_costing_one() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    let wrong = Pin::new(b"654321".to_vec());
    for left in [2, 1, 0] {
        let error = state.on(&mut card).verify_pin(PinReference::User, &wrong).expect_err("wrong");
        assert_eq!((error.is_wrong_secret(), error.tries_left()), (true, Some(left)));
        let told = state.on(&mut card).pin_state(PinReference::User).expect("told").expect("a PIN");
        assert_eq!((told.tries_left, told.is_verified), (Some(left), false));
    }
    let error = verify(&mut state, &mut card).expect_err("blocked");
    assert_eq!(error.status().map(u16::from), Some(0x6983));
}

#[test]
fn a_card_that_cannot_log_out_is_turned_to_another_application() {
    let domain = vec![0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00];
    let mut card = MockCard { knows_log_out: false, others: vec![domain], ..MockCard::default() };
    let mut state = PivState::new();
    verify(&mut state, &mut card).expect("the PIN is right");
    card.commands();
    state.on(&mut card).log_out().expect("logged out");
    assert_eq!(card.commands(), [VERIFY, SELECT, SELECT, VERIFY]);
    assert!(!card.verified && !state.verified().user);

    card.others.clear();
    verify(&mut state, &mut card).expect("the PIN is right");
    let error = state.on(&mut card).log_out().expect_err("the caller is to reset the card");
    assert_eq!(error.status().map(u16::from), Some(0x6A86));
    assert!(state.verified().user, "nobody is told that the right is gone");
}

#[test]
fn a_change_authenticates_by_the_new_pin_and_a_refused_one_leaves_nobody() {
    let mut card = MockCard::default();
    let mut state = PivState::new();
    state.on(&mut card).change_pin(PinReference::User, &pin(), &pin()).expect("changed");
    assert_eq!(card.commands(), [SELECT, 0x24, VERIFY]);
    assert!(state.verified().user);
    let wrong = Pin::new(b"654321".to_vec());
    let error = state.on(&mut card).change_pin(PinReference::User, &wrong, &pin()).expect_err("wrong");
    assert_eq!(error.tries_left(), Some(2));
    assert!(!state.verified().user && !card.verified);
}

#[test]
fn the_card_identifier_is_made_from_what_there_is() {
    let id = |card: &mut MockCard| *PivState::new().on(card).card_id(&ATR).expect("an identifier").as_bytes();
    let mut card = MockCard::default();
    card.put(ObjectTag::CHUID, &chuid(0x11, 0));
    assert_eq!(id(&mut card), [0x11; 16]);
    // Without GUID: SHA-256 of the FASC-N.
    card.put(ObjectTag::CHUID, &chuid(0, 0));
    let of_fascn = id(&mut card);
    assert_ne!(of_fascn, [0; 16]);
    card.serial = Some([0, 1, 2, 3]);
    assert_eq!(id(&mut card), of_fascn);
    // Without CHUID: SHA-256 of ATR and serial number, or of the ATR alone.
    card.objects.clear();
    let of_serial = id(&mut card);
    card.serial = None;
    let of_atr = id(&mut card);
    assert!(of_serial != of_fascn && of_atr != of_serial && of_atr != of_fascn);
    card.put(ObjectTag::CHUID, &[]);
    assert_eq!(id(&mut card), of_atr, "an emptied CHUID");
}

#[test]
fn the_pin_to_ask_for_is_the_discovery_objects() {
    for (policy, expected) in [
        (None, PinReference::User),
        (Some([0x40, 0x20]), PinReference::User),
        (Some([0x60, 0x10]), PinReference::User),
        (Some([0x60, 0x20]), PinReference::Global),
    ] {
        let mut card = MockCard::default();
        if let Some([first, second]) = policy {
            card.put(ObjectTag::DISCOVERY, &[0x5F, 0x2F, 2, first, second]);
        }
        let mut state = PivState::new();
        assert_eq!(state.on(&mut card).primary_pin(), Ok(expected), "{policy:?}");
        assert_eq!(state.on(&mut card).primary_pin(), Ok(expected));
        assert_eq!(card.commands(), [SELECT, GET]);
    }
}
