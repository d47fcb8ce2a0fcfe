//! Against the virtual card, with real keys: the same counts, and results that other code can use.

mod support;
#[path = "support/virtual_card.rs"]
mod virtual_card;

use cardmod_iso7816::Limits;
use cardmod_piv::{
    KeyAlgorithm, ManagementKey, ObjectTag, PinReference, PinState, PivError, PivState, Slot, SlotKey,
};
use cardmod_types::{EcCurve, EcPublicKey, Pin};
use cardmod_virtual::{PivFlavour, Reset};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use support::{ATR, PIN, chuid};
use virtual_card::{GUID, PUK, Virtual};

const SELECT: u8 = 0xA4;
const GET: u8 = 0xCB;
const VERIFY: u8 = 0x20;
const USE: u8 = 0x87;

fn pin() -> Pin {
    Pin::new(PIN.to_vec())
}

fn verify(state: &mut PivState, card: &mut Virtual) {
    state.on(card).verify_pin(PinReference::User, &pin()).expect("the PIN is right");
}

fn flavours() -> [PivFlavour; 2] {
    [PivFlavour::Standard, PivFlavour::YubiKey]
}

fn with_four_keys(flavour: PivFlavour) -> (Virtual, Vec<SlotKey>) {
    let mut card = Virtual::new(flavour, |_| {});
    let keys = Slot::MAIN.map(|slot| card.enrol(slot, KeyAlgorithm::P256)).to_vec();
    card.card.reset(Reset::Warm).expect("reset");
    card.card.acknowledge().expect("seen");
    (card, keys)
}

#[test]
fn four_certificates_cost_fifteen_or_seven_and_warm_nothing_one_or_two() {
    for flavour in flavours() {
        let (mut card, keys) = with_four_keys(flavour);
        for (limits, expected) in [(Limits::SHORT, 15), (Limits::EXTENDED, 7)] {
            card.limits = limits;
            let mut state = PivState::new();
            let views = state.on(&mut card).slots().expect("the list");
            assert_eq!(card.count(), expected, "{flavour:?}");
            assert!(views.iter().map(|view| view.key().cloned()).eq(keys.iter().cloned().map(Some)));
            assert_eq!(state.on(&mut card).slots(), Ok(views));
            assert_eq!(card.count(), 0);
            state.doubt();
            assert!(state.on(&mut card).slots().expect("the list").iter().all(|view| view.is_hint));
            assert_eq!(card.commands(), [GET]);
            card.card.reset(Reset::Cold).expect("reset");
            card.card.acknowledge().expect("seen");
            state.connection_lost();
            assert_eq!(state.on(&mut card).slots().expect("the list").len(), 4);
            assert_eq!(card.commands(), [SELECT, GET]);
            assert_eq!(state.on(&mut card).card_id(&ATR).expect("CHUID").as_bytes(), &GUID);
            assert_eq!(card.count(), 0);
        }
    }
}

#[test]
fn the_rest_of_a_long_chuid_stays_on_the_card_and_disturbs_nothing() {
    let (mut card, keys) = with_four_keys(PivFlavour::Standard);
    let mut admin = PivState::new();
    let mut piv = admin.on(&mut card);
    piv.authenticate_management(&ManagementKey::well_known(), [7; 16]).expect("the default key");
    piv.put_object(ObjectTag::CHUID, &chuid(0x33, 2700)).expect("written");
    card.card.reset(Reset::Warm).expect("reset");
    card.card.acknowledge().expect("seen");
    card.log.clear();
    let mut state = PivState::new();
    assert_eq!(state.on(&mut card).card_id(&ATR).expect("CHUID").as_bytes(), &[0x33; 16]);
    verify(&mut state, &mut card);
    state.on(&mut card).chuid().expect("known");
    let signature = state.on(&mut card).sign(Slot::Authentication, KeyAlgorithm::P256, &[5; 32]);
    check_p256(&keys[0], &[5; 32], &signature.expect("signed"));
    assert_eq!(card.commands(), [SELECT, GET, VERIFY, USE]);
    let whole = state.on(&mut card).object(ObjectTag::CHUID).expect("read").expect("there");
    assert_eq!(whole, chuid(0x33, 2700));
}

fn check_p256(key: &SlotKey, hash: &[u8], signature: &[u8]) {
    let SlotKey::Ec(key) = key else { panic!("{key:?}") };
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&key.to_uncompressed()).expect("a point");
    let signature = p256::ecdsa::Signature::from_slice(signature).expect("r‖s");
    key.verify_prehash(hash, &signature).expect("the key's signature");
}

#[test]
fn elliptic_signatures_cost_three_two_and_one() {
    for flavour in flavours() {
        let (mut card, keys) = with_four_keys(flavour);
        let mut state = PivState::new();
        for (slot, key, expected) in [
            (Slot::Authentication, &keys[0], [vec![SELECT, VERIFY, USE], vec![VERIFY, USE], vec![USE]]),
            (Slot::Signature, &keys[1], [vec![SELECT, VERIFY, USE], vec![VERIFY, USE], vec![VERIFY, USE]]),
        ] {
            state.connection_lost();
            for (time, expected) in expected.into_iter().enumerate() {
                if expected.contains(&VERIFY) {
                    verify(&mut state, &mut card);
                }
                let hash = [time as u8 + 1; 32];
                let signature = state.on(&mut card).sign(slot, KeyAlgorithm::P256, &hash).expect("signed");
                check_p256(key, &hash, &signature);
                assert_eq!(card.commands(), expected, "{flavour:?}");
            }
            state.on(&mut card).log_out().expect("logged out");
            assert_eq!(card.commands(), [VERIFY]);
            let error = state.on(&mut card).sign(slot, KeyAlgorithm::P256, &[1; 32]).expect_err("logged out");
            assert!(error.is_access_denied());
            card.log.clear();
        }
        let free = state.on(&mut card).sign(Slot::CardAuthentication, KeyAlgorithm::P256, &[9; 32]);
        check_p256(&keys[3], &[9; 32], &free.expect("signed without PIN"));
        assert_eq!(card.commands(), [USE]);
    }
}

#[test]
fn longer_and_shorter_hashes_are_signed_as_the_standard_says() {
    let (mut card, keys) = with_four_keys(PivFlavour::YubiKey);
    let mut state = PivState::new();
    for length in [20, 32, 48, 64] {
        let hash: Vec<u8> = (1..=length).collect();
        let signature =
            state.on(&mut card).sign(Slot::CardAuthentication, KeyAlgorithm::P256, &hash).expect("signed");
        // The verifier brings the hash to the curve's length by itself; it refuses very short ones.
        let padded = if hash.len() < 32 { [vec![0; 32 - hash.len()], hash.clone()].concat() } else { hash };
        check_p256(&keys[3], &padded[..32], &signature);
    }
}

#[test]
fn rsa_signatures_cost_five_and_three_or_three_and_one() {
    let mut card = Virtual::new(PivFlavour::YubiKey, |_| {});
    let SlotKey::Rsa(key) = card.enrol(Slot::Authentication, KeyAlgorithm::Rsa2048) else { panic!("RSA") };
    let modulus = rsa::BoxedUint::from_be_slice(key.modulus(), 2048).expect("2048 bits");
    let public = rsa::RsaPublicKey::new(modulus, key.exponent().into()).expect("a key");
    let mut block = vec![0xFF; 256];
    block[..2].copy_from_slice(&[0, 1]);
    block[204] = 0;
    block[205..].fill(0x30);
    for (limits, cold, repeat) in [(Limits::SHORT, 5, 3), (Limits::EXTENDED, 3, 1)] {
        card.limits = limits;
        let mut state = PivState::new();
        verify(&mut state, &mut card);
        for expected in [cold, repeat] {
            let signature = state
                .on(&mut card)
                .sign(Slot::Authentication, KeyAlgorithm::Rsa2048, &block)
                .expect("signed");
            public.verify(rsa::Pkcs1v15Sign::new_unprefixed(), &[0x30; 51], &signature).expect("valid");
            assert_eq!(card.count(), expected);
        }
        let cryptogram = rsa::hazmat::rsa_encrypt(&public, &rsa::BoxedUint::from(42_u64)).expect("below");
        let cryptogram = cryptogram.to_be_bytes();
        let opened = state.on(&mut card).decipher(Slot::Authentication, KeyAlgorithm::Rsa2048, &cryptogram);
        assert_eq!(opened.expect("deciphered").as_bytes()[255], 42);
        assert_eq!(card.count(), repeat);
    }
}

#[test]
fn a_key_of_4096_bits_costs_seven_and_five_or_three_and_one() {
    let mut card = Virtual::new(PivFlavour::YubiKey, |_| {});
    card.enrol(Slot::Authentication, KeyAlgorithm::Rsa4096);
    let mut block = vec![0xFF; 512];
    block[..2].copy_from_slice(&[0, 1]);
    for (limits, cold, repeat) in [(Limits::SHORT, 7, 5), (Limits::EXTENDED, 3, 1)] {
        card.limits = limits;
        let mut state = PivState::new();
        verify(&mut state, &mut card);
        for expected in [cold, repeat] {
            let signature = state.on(&mut card).sign(Slot::Authentication, KeyAlgorithm::Rsa4096, &block);
            assert_eq!(signature.expect("signed").len(), 512);
            assert_eq!(card.count(), expected);
        }
    }
}

#[test]
fn both_sides_agree_on_a_secret() {
    let (mut card, keys) = with_four_keys(PivFlavour::YubiKey);
    let SlotKey::Ec(ours) = &keys[2] else { panic!("a curve") };
    let scalar = p256::SecretKey::from_slice(&[0x42; 32]).expect("a scalar");
    let point = scalar.public_key().to_sec1_bytes();
    let peer = EcPublicKey::from_uncompressed(EcCurve::P256, &p256_uncompressed(&point)).expect("a point");
    let mut state = PivState::new();
    verify(&mut state, &mut card);
    let secret = state.on(&mut card).agree(Slot::KeyManagement, &SlotKey::Ec(peer)).expect("agreed");
    let other = p256::PublicKey::from_sec1_bytes(&ours.to_uncompressed()).expect("a point");
    let expected = p256::ecdh::diffie_hellman(scalar.to_nonzero_scalar(), other.as_affine());
    assert_eq!(secret.as_bytes(), expected.raw_secret_bytes().as_slice());
    assert_eq!(card.commands(), [SELECT, VERIFY, USE]);
}

fn p256_uncompressed(point: &[u8]) -> Vec<u8> {
    use p256::elliptic_curve::sec1::ToSec1Point;
    let key = p256::PublicKey::from_sec1_bytes(point).expect("a point");
    key.to_sec1_point(false).as_bytes().to_vec()
}

#[test]
fn pins_are_told_changed_and_unblocked() {
    for flavour in flavours() {
        let mut card = Virtual::new(flavour, |_| {});
        let mut state = PivState::new();
        let (new, wrong, puk) = (Pin::from("987654"), Pin::from("000000"), Pin::new(PUK.to_vec()));
        let mut piv = state.on(&mut card);
        let told = |left| Ok(Some(PinState { tries_left: Some(left), is_verified: false }));
        assert_eq!(piv.pin_state(PinReference::User), told(3));
        piv.change_pin(PinReference::User, &pin(), &new).expect("changed");
        assert_eq!(
            piv.pin_state(PinReference::User),
            Ok(Some(PinState { tries_left: None, is_verified: true }))
        );
        for left in [2, 1, 0] {
            let error = piv.verify_pin(PinReference::User, &wrong).expect_err("wrong");
            assert_eq!(error.tries_left(), Some(left));
        }
        assert_eq!(piv.pin_state(PinReference::User), told(0));
        let error = piv.unblock_pin(&wrong_puk(), &pin()).expect_err("wrong");
        assert_eq!(error.tries_left(), Some(2));
        let of_puk = if flavour == PivFlavour::YubiKey { told(2) } else { Ok(None) };
        assert_eq!(piv.pin_state(PinReference::Puk), of_puk);
        piv.unblock_pin(&puk, &pin()).expect("unblocked");
        piv.verify_pin(PinReference::User, &pin()).expect("the PIN is right");
        piv.change_pin(PinReference::Puk, &puk, &wrong_puk()).expect("changed");
        piv.unblock_pin(&wrong_puk(), &new).expect("unblocked");
    }
}

fn wrong_puk() -> Pin {
    Pin::from("87654321")
}

#[test]
fn a_global_pin_is_taken_where_discovery_says_so() {
    let mut card = Virtual::new(PivFlavour::Standard, |profile| {
        profile.global_pin = Some(Pin::from("246810"));
    });
    card.enrol(Slot::Authentication, KeyAlgorithm::P256);
    let mut state = PivState::new();
    let mut piv = state.on(&mut card);
    assert!(piv.discovery().expect("read").expect("there").takes_global_pin());
    piv.verify_pin(PinReference::Global, &Pin::from("246810")).expect("the PIN is right");
    piv.sign(Slot::Authentication, KeyAlgorithm::P256, &[1; 32]).expect("signed");
    assert!(piv.pin_state(PinReference::Global).expect("told").expect("told").is_verified);
    assert!(piv.confirmed_roles().expect("told").user, "the card is asked about the PIN that was verified");
    piv.log_out().expect("logged out");
    let again = piv.sign(Slot::Authentication, KeyAlgorithm::P256, &[1; 32]);
    assert!(again.is_err_and(|error| error.is_access_denied()), "no PIN's right is left");
    let mut without = Virtual::new(PivFlavour::Standard, |_| {});
    let error = PivState::new().on(&mut without).verify_pin(PinReference::Global, &Pin::from("246810"));
    assert!(matches!(error, Err(PivError::Status { .. })));
}

#[test]
fn a_card_nobody_initialised_still_has_an_identifier() {
    let mut card = Virtual::new(PivFlavour::YubiKey, |profile| profile.without_chuid = true);
    let mut state = PivState::new();
    let id = state.on(&mut card).card_id(&ATR).expect("an identifier");
    assert!(!id.is_placeholder());
    assert_eq!(state.on(&mut card).chuid(), Ok(None));
    assert_eq!(state.on(&mut card).object(ObjectTag::CCC), Ok(None));
    state.connection_lost();
    assert_eq!(state.on(&mut card).card_id(&ATR), Ok(id));
}
