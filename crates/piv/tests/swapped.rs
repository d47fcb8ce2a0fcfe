//! What was found out about one card does not hold for the next one in the reader, nor what one key's answer
//! tells for another key.

mod support;
#[path = "support/virtual_card.rs"]
mod virtual_card;

use cardmod_piv::{
    KeyAlgorithm, KeyReference, ManagementKey, ObjectTag, PinReference, PivCommand, PivError, PivState,
    Policies, Slot,
};
use cardmod_types::Pin;
use cardmod_virtual::{PivFlavour, Reset};
use support::{ATR, MockCard, PIN, chuid};
use virtual_card::Virtual;

/// Cards with and without vendors' extensions, one after the other with one state.
fn both() -> (Virtual, Virtual) {
    let mut standard = Virtual::new(PivFlavour::Standard, |profile| profile.guid = Some([0x33; 16]));
    standard.enrol(Slot::KeyManagement, KeyAlgorithm::P256);
    let mut token = Virtual::new(PivFlavour::YubiKey, |_| {});
    let mut state = PivState::new();
    let mut piv = state.on(&mut token);
    piv.authenticate_management(&ManagementKey::well_known(), [7; 16]).expect("the default key");
    piv.generate(Slot::Authentication, KeyAlgorithm::P256, Policies::default()).expect("a key");
    token.card.reset(Reset::Cold).expect("reset");
    (standard, token)
}

#[test]
fn a_key_without_certificate_is_seen_after_a_card_that_tells_of_none() {
    let (mut standard, mut token) = both();
    let mut state = PivState::new();
    let mut piv = state.on(&mut standard);
    piv.card_id(&ATR).expect("an identifier");
    assert_eq!(piv.occupancy(Slot::Authentication).map(|found| found.key), Ok(None));
    assert!(state.lacks(PivCommand::GetMetadata));
    state.connection_lost();
    let mut piv = state.on(&mut token);
    piv.card_id(&ATR).expect("an identifier");
    assert_eq!(piv.occupancy(Slot::Authentication).map(|found| found.key), Ok(Some(true)));
}

#[test]
fn a_card_that_tells_nothing_has_no_free_slots_after_one_that_tells_all() {
    let (mut standard, mut token) = both();
    let mut state = PivState::new();
    state.on(&mut token).card_id(&ATR).expect("an identifier");
    assert!(state.on(&mut token).occupancy(Slot::Authentication).expect("told").is_occupied());
    state.interrupted();
    state.connection_lost();
    let mut piv = state.on(&mut standard);
    piv.card_id(&ATR).expect("an identifier");
    assert_eq!(piv.occupancy(Slot::Signature).map(|found| found.key), Ok(None));
}

#[test]
fn the_same_card_is_not_asked_again_what_it_lacks() {
    let (mut standard, _) = both();
    let mut state = PivState::new();
    state.on(&mut standard).card_id(&ATR).expect("an identifier");
    assert!(state.on(&mut standard).metadata(KeyReference::PIN).is_err());
    standard.card.reset(Reset::Cold).expect("reset");
    state.connection_lost();
    state.on(&mut standard).card_id(&ATR).expect("an identifier");
    standard.commands();
    assert!(state.on(&mut standard).metadata(KeyReference::PIN).is_err());
    assert_eq!(standard.count(), 0);
}

#[test]
fn a_pin_of_letters_is_held_back_from_a_strict_card_after_a_token() {
    let (mut standard, mut token) = both();
    let letters = Pin::from("secret");
    let mut state = PivState::new();
    let mut piv = state.on(&mut token);
    piv.card_id(&ATR).expect("an identifier");
    assert_eq!(piv.verify_pin(PinReference::User, &letters).map_err(|e| e.tries_left()), Err(Some(2)));
    state.connection_lost();
    let mut piv = state.on(&mut standard);
    piv.card_id(&ATR).expect("an identifier");
    standard.commands();
    let held = state.on(&mut standard).verify_pin(PinReference::User, &letters);
    assert_eq!(held, Err(PivError::PinFormat { digits: true }));
    assert!(!standard.commands().contains(&0x20));
    state.on(&mut standard).verify_pin(PinReference::User, &Pin::from(PIN)).expect("the PIN is right");
}

#[test]
fn cards_of_no_agency_are_not_one_card() {
    let id = |serial: u8| {
        let mut card = MockCard { serial: Some([0, 0, 0, serial]), ..MockCard::default() };
        let mut value = chuid(0, 0);
        let constant = [
            0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08,
            0x42, 0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
        ];
        value[2..27].copy_from_slice(&constant);
        card.put(ObjectTag::CHUID, &value);
        PivState::new().on(&mut card).card_id(&ATR).expect("an identifier")
    };
    assert_eq!(id(1), id(1));
    assert_ne!(id(1), id(2));
}

/// Firmware that answers about a key in 9E in part, and about everything else nothing.
struct Sparse(MockCard);

impl cardmod_iso7816::CardChannel for Sparse {
    fn transmit(
        &mut self,
        command: &[u8],
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, cardmod_iso7816::TransportError> {
        let answer: &[u8] = match command[1..4] {
            [0xF7, _, 0x9E] => &[0x02, 0x02, 0x01, 0x00, 0x90, 0x00],
            [0xF7, ..] => &[0x90, 0x00],
            _ => return self.0.transmit(command),
        };
        Ok(answer.to_vec().into())
    }

    fn limits(&self) -> cardmod_iso7816::Limits {
        self.0.limits()
    }
}

#[test]
fn an_empty_answer_is_no_key_whatever_another_key_was_answered() {
    let mut card = Sparse(MockCard::default());
    let mut state = PivState::new();
    let mut piv = state.on(&mut card);
    // Policies alone, whether there is a key or not.
    assert_eq!(piv.occupancy(Slot::CardAuthentication).map(|found| found.key), Ok(None));
    assert_eq!(piv.occupancy(Slot::Authentication).map(|found| found.key), Ok(None));
}
