//! How many commands each task costs, and that nothing is sent to a card in an unknown state that may
//! not be: the promises of the crate, against a small mock card.

mod support;

use cardmod_gids::{CardKey, FileEntry, FileTable, GidsError, GidsState, KeyAlgorithm, PinReference};
use cardmod_types::{ContainerIndex, FilePath, KeyHalf, Pin};
use support::{MockCard, PIN};

const SELECT: u8 = 0xA4;
const GET: u8 = 0xCB;
const VERIFY: u8 = 0x20;
const MSE: u8 = 0x22;
const PSO: u8 = 0x2A;

const KEY: CardKey = CardKey { reference: 0x81, algorithm: KeyAlgorithm::Rsa2048 };
const OTHER_KEY: CardKey = CardKey { reference: 0x82, algorithm: KeyAlgorithm::Rsa2048 };

fn pin() -> Pin {
    Pin::new(PIN.to_vec())
}

fn list(state: &mut GidsState, card: &mut MockCard) {
    let mut gids = state.on(card);
    assert_eq!(gids.card_id().expect("cardid").as_bytes(), &[7; 16]);
    let certificates = gids.certificates().expect("certificates");
    assert_eq!(certificates.len(), 2);
    assert_eq!(certificates[1].file, vec![1; 706]);
    assert_eq!(
        (certificates[1].half, certificates[1].container),
        (KeyHalf::KeyExchange, ContainerIndex::new(1))
    );
    for path in [FilePath::cardcf(), FilePath::cmapfile(), FilePath::cardapps()] {
        assert!(!gids.read_file(&path).expect("file").is_empty());
    }
}

fn sign(state: &mut GidsState, card: &mut MockCard, key: CardKey) -> Result<Vec<u8>, GidsError> {
    state.on(card).sign_pkcs1(key, &[0x30; 51])
}

#[test]
fn listing_two_certificates_cold_costs_ten() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    list(&mut state, &mut card);
    assert_eq!(card.commands().len(), 10);
    list(&mut state, &mut card);
    assert_eq!(card.commands().len(), 0, "nothing can have changed");
}

#[test]
fn listing_with_extended_length_costs_four() {
    let mut card = MockCard::with_two_certificates();
    card.extended = true;
    let mut state = GidsState::new();
    list(&mut state, &mut card);
    assert_eq!(card.commands(), [SELECT, GET, GET, GET]);
}

#[test]
fn a_card_without_bulk_reading_is_asked_once() {
    let mut card = MockCard::with_two_certificates();
    card.bulk = false;
    let mut state = GidsState::new();
    list(&mut state, &mut card);
    let refused = |apdu: &&Vec<u8>| apdu[1] == GET && apdu[5..7] == [0x5C, 0x00];
    assert_eq!(card.log.iter().filter(refused).count(), 1);
    // SELECT, cardid, the refused try, the table, three per certificate, cardcf, cmapfile, cardapps.
    assert_eq!(card.commands().len(), 13);
}

#[test]
fn a_large_foreign_file_is_not_read_along() {
    let mut card = MockCard::with_two_certificates();
    let mut table = FileTable::parse(&card.objects[&(0xA000, 0xDF1F)]).expect("table");
    table.add_file(FileEntry { path: FilePath::msroots(), ef: 0xA010, tag: 0xDF30 });
    card.objects.insert((0xA000, 0xDF1F), table.to_bytes());
    card.objects.insert((0xA010, 0xDF30), vec![1; 6000]);
    let mut state = GidsState::new();
    assert_eq!(state.on(&mut card).certificates().expect("certificates").len(), 2);
    // SELECT, the table in two parts, three per certificate.
    assert_eq!(card.commands().len(), 1 + 2 + 6);
}

#[test]
fn a_file_too_long_to_be_read_at_once_is_read_by_object() {
    for extended in [false, true] {
        let mut card = MockCard::with_two_certificates();
        card.extended = extended;
        card.objects.insert((0xA010, 0xDF24), vec![4; 65_000]);
        let mut state = GidsState::new();
        let certificates = state.on(&mut card).certificates().expect("certificates");
        assert_eq!(certificates.iter().map(|c| c.file.len()).collect::<Vec<_>>(), [65_000, 706]);
    }
}

/// A card with extended length, six certificates of containers 0 to 5, and their file table.
fn card_with_six_certificates() -> MockCard {
    let mut card = MockCard::with_two_certificates();
    card.extended = true;
    let mut table = FileTable::parse(&card.objects[&(0xA000, 0xDF1F)]).expect("table");
    for number in 2..6 {
        let path = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(number));
        table.add_file(FileEntry { path, ef: 0xA010, tag: 0xDF24 + u32::from(number) });
        card.objects.insert((0xA010, 0xDF24 + u32::from(number)), vec![number; 900]);
    }
    card.objects.insert((0xA000, 0xDF1F), table.to_bytes());
    card
}

fn certificate(container: u8) -> FilePath {
    FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(container))
}

#[test]
fn who_wants_a_second_certificate_of_many_gets_them_all() {
    let mut card = card_with_six_certificates();
    let mut state = GidsState::new();
    for path in [FilePath::cmapfile(), FilePath::cardcf(), certificate(0)] {
        state.on(&mut card).read_file(&path).expect("a file");
    }
    assert_eq!(card.commands(), [SELECT, GET, GET, GET, GET], "table, and each file alone");
    for number in 1..6 {
        let expected = card.objects[&(0xA010, 0xDF24 + u32::from(number))].clone();
        assert_eq!(state.on(&mut card).read_file(&certificate(number)).expect("a certificate"), expected);
    }
    assert_eq!(card.log.last().expect("a command")[7..9], [0x5C, 0], "all objects of the file");
    assert_eq!(card.commands(), [GET], "five certificates");
}

#[test]
fn one_file_of_many_is_read_alone() {
    let mut card = card_with_six_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).read_file(&FilePath::cmapfile()).expect("cmapfile");
    let last = card.log.last().expect("a command").clone();
    assert_eq!(last[7..11], [0x5C, 2, 0xDF, 0x23], "cmapfile alone");
    assert_eq!(state.on(&mut card).certificates().expect("certificates").len(), 6);
}

#[test]
fn signing_costs_four_three_two_one() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    assert_eq!(sign(&mut state, &mut card, KEY).expect("signature").len(), 256);
    assert_eq!(card.commands(), [SELECT, VERIFY, MSE, PSO], "cold");

    sign(&mut state, &mut card, KEY).expect("signature");
    assert_eq!(card.commands(), [PSO], "repeat");
    sign(&mut state, &mut card, OTHER_KEY).expect("signature");
    assert_eq!(card.commands(), [MSE, PSO], "other key");

    state.on(&mut card).deauthenticate().expect("deauthentication");
    assert_eq!(card.commands(), [VERIFY, SELECT], "cleared, and the environment given up");
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    sign(&mut state, &mut card, KEY).expect("signature");
    assert_eq!(card.commands(), [VERIFY, MSE, PSO], "selected, PIN needed");
}

#[test]
fn deauthentication_is_effective_on_a_card_that_checks_the_pin_in_mse_only() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    sign(&mut state, &mut card, KEY).expect("signature");
    state.on(&mut card).deauthenticate().expect("deauthentication");
    assert_eq!(card.environment, None);
    let error = sign(&mut state, &mut card, KEY).expect_err("no rights");
    assert_eq!(error.status().map(u16::from), Some(0x6982));
}

#[test]
fn without_anything_to_undo_deauthentication_costs_one() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    card.commands();
    state.on(&mut card).deauthenticate().expect("deauthentication");
    assert_eq!(card.commands(), [VERIFY]);
    assert!(!card.verified && !state.verified().any());
}

#[test]
fn warm_reads_cost_one() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    list(&mut state, &mut card);
    card.commands();

    state.doubt();
    list(&mut state, &mut card);
    assert_eq!(card.commands(), [GET], "the same insertion: the counters alone");

    card.other_application();
    state.doubt();
    list(&mut state, &mut card);
    assert_eq!(card.commands(), [GET, SELECT, GET], "another application was selected");

    card.other_application();
    state.connection_lost();
    list(&mut state, &mut card);
    assert_eq!(card.commands(), [SELECT, GET, GET], "after a reset: selection, identity, counters");

    state.interrupted();
    state.on(&mut card).read_file(&FilePath::cardcf()).expect("cardcf");
    list(&mut state, &mut card);
    assert_eq!(card.commands(), [GET, GET], "another transaction: counters, and identity when asked for");

    state.interrupted();
    state.on(&mut card).certificates().expect("certificates");
    assert_eq!(card.commands(), [GET], "the counters alone");
}

#[test]
fn changed_counters_drop_what_was_cached() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    list(&mut state, &mut card);
    state.doubt();
    card.objects.insert((0xA010, 0xDF22), vec![0, 0, 0, 0, 1, 0]);
    card.objects.insert((0xA010, 0xDF25), vec![9; 20]);
    let path = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(1));
    assert_eq!(state.on(&mut card).read_file(&path), Ok(vec![9; 20]));
}

#[test]
fn another_card_is_noticed() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    list(&mut state, &mut card);
    let mut other = MockCard::with_two_certificates();
    other.objects.insert((0xA012, 0xDF20), vec![8; 16]);
    other.objects.insert((0xA010, 0xDF24), vec![5; 30]);
    state.connection_lost();
    let path = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(0));
    assert_eq!(state.on(&mut other).read_file(&path), Ok(vec![5; 30]));
}

#[test]
fn the_pin_never_goes_to_an_unknown_application() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    for _ in 0..2 {
        state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
        assert_eq!(card.commands()[..2], [SELECT, VERIFY]);
        card.other_application();
        state.connection_lost();
    }
    // Nobody vouches for the selection made by a read in an earlier call.
    list(&mut state, &mut card);
    card.commands();
    state.doubt();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    assert_eq!(card.commands(), [SELECT, VERIFY]);
    state.interrupted();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    assert_eq!(card.commands(), [SELECT, VERIFY]);
    // A read of a GIDS object in this call proves it.
    state.on(&mut card).deauthenticate().expect("deauthentication");
    state.doubt();
    card.commands();
    let mut gids = state.on(&mut card);
    gids.read_file(&FilePath::cardcf()).expect("cardcf");
    gids.verify_pin(PinReference::User, &pin()).expect("PIN");
    assert_eq!(card.commands(), [GET, VERIFY]);
}

#[test]
fn doubt_does_not_touch_an_authenticated_connection() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    sign(&mut state, &mut card, KEY).expect("signature");
    card.commands();
    state.doubt();
    sign(&mut state, &mut card, KEY).expect("signature");
    assert_eq!(card.commands(), [PSO]);
}

#[test]
fn a_lost_environment_is_set_again_and_a_lost_right_is_told() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    sign(&mut state, &mut card, KEY).expect("signature");
    card.environment = None;
    card.commands();
    sign(&mut state, &mut card, KEY).expect("signature");
    assert_eq!(card.commands(), [PSO, MSE, PSO]);

    card.environment = None;
    card.verified = false;
    let error = sign(&mut state, &mut card, KEY).expect_err("no rights");
    assert_eq!(error.status().map(u16::from), Some(0x6982));
    assert!(!state.verified().user);
}

#[test]
fn another_application_behind_the_back_is_a_lost_right() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    card.other_application();
    card.commands();
    let error = state.on(&mut card).write_file(&FilePath::cmapfile(), &[1]).expect_err("no rights");
    assert_eq!(error.status().map(u16::from), Some(0x6982));
    assert!(!state.verified().any());

    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    sign(&mut state, &mut card, KEY).expect("signature");
    card.other_application();
    let error = sign(&mut state, &mut card, KEY).expect_err("no rights");
    assert_eq!(error.status().map(u16::from), Some(0x6982));
}

#[test]
fn a_transport_failure_takes_all_belief_away() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    state.on(&mut card).verify_pin(PinReference::User, &pin()).expect("PIN");
    card.gone = true;
    let error = sign(&mut state, &mut card, KEY).expect_err("reset");
    assert!(matches!(error, GidsError::Exchange(e) if e.transport().map(|t| t.code) == Some(0x8010_0068)));
    assert!(!state.verified().any());
    card.gone = false;
    card.other_application();
    assert!(sign(&mut state, &mut card, KEY).is_err());
    assert_eq!(card.commands()[2..], [SELECT, MSE]);
}

#[test]
fn a_card_that_refuses_extended_length_is_driven_short() {
    struct Announcing(MockCard);
    impl cardmod_iso7816::CardChannel for Announcing {
        fn transmit(
            &mut self,
            command: &[u8],
        ) -> Result<zeroize::Zeroizing<Vec<u8>>, cardmod_iso7816::TransportError> {
            self.0.transmit(command)
        }
        fn limits(&self) -> cardmod_iso7816::Limits {
            cardmod_iso7816::Limits::EXTENDED
        }
    }
    let mut card = Announcing(MockCard::with_two_certificates());
    let mut state = GidsState::new();
    assert_eq!(state.on(&mut card).certificates().expect("certificates").len(), 2);
    let extended = |apdu: &&Vec<u8>| apdu.len() > 5 && apdu[4] == 0;
    assert_eq!(card.0.log.iter().filter(extended).count(), 1, "one try");
}

#[test]
fn impossible_pins_are_not_sent() {
    let mut card = MockCard::with_two_certificates();
    let mut state = GidsState::new();
    for length in [0, 128] {
        let pin = Pin::new(vec![b'1'; length]);
        assert_eq!(state.on(&mut card).verify_pin(PinReference::User, &pin), Err(GidsError::PinLength));
    }
    assert!(card.log.is_empty());
    let error = state.on(&mut card).verify_pin(PinReference::User, &Pin::new(b"000000".to_vec()));
    assert_eq!(error.expect_err("wrong").tries_left(), Some(2));
}
