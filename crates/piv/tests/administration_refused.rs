//! Every status word at every step of every administrative operation: what answers "done" has been done, and
//! what answers an error leaves a card that its administrator still has.

mod support;

use std::sync::OnceLock;

use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_piv::{
    CertificateForm, Identity, ImportKey, KeyAlgorithm, ManagementAlgorithm, ManagementKey, MapRecord,
    ObjectTag, PinReference, PivCard, PivError, PivState, Policies, Slot, SlotMap, TouchPolicy,
};
use cardmod_types::{ContainerIndex, ContainerName, KeySpec, Pin, SecretBytes};
use cardmod_virtual::{Card, CardFault, PivProfile, Random, Storage, SystemRandom};
use support::{PIN, certificate};
use zeroize::Zeroizing;

const NONCE: [u8; 16] = *b"0123456789abcdef";
/// Without 6A82 and 6A88, which to a read are no refusal: they say that there is no such object.
const STATUS_WORDS: [u16; 13] =
    [0x6300, 0x63C0, 0x6700, 0x6882, 0x6900, 0x6982, 0x6983, 0x6985, 0x6A80, 0x6A81, 0x6A84, 0x6A86, 0x6F00];
/// More steps than any operation has.
const STEPS: usize = 24;

/// A card in memory: thousands of them are made.
struct Virtual(Card);

/// Storage that keeps nothing: the card itself is the state.
struct Ports;

impl Storage for Ports {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Ports {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

impl CardChannel for Virtual {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.0.process(&mut Ports, command).map_err(|_| TransportError { code: 0x8010_002F })
    }
}

/// Answers one command by itself, with a status word, and does not let the card see it.
struct Refusing<'a> {
    card: &'a mut Virtual,
    left: usize,
    status: u16,
    refused: bool,
}

impl CardChannel for Refusing<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if self.left == 0 && !self.refused {
            self.refused = true;
            return Ok(Zeroizing::new(self.status.to_be_bytes().to_vec()));
        }
        self.left = self.left.saturating_sub(1);
        self.card.transmit(command)
    }
}

fn slot(label: &str) -> Slot {
    label.parse().expect("a place")
}

fn new_key() -> ManagementKey {
    ManagementKey::new(vec![0x42; 24].into(), Some(ManagementAlgorithm::Aes192)).expect("24 bytes")
}

fn der() -> Vec<u8> {
    certificate(&support::key(1), 300)
}

/// The administrator of the card, also with the keys these operations may have set.
fn administrator(piv: &mut PivCard<'_>) {
    let pin = Pin::new(PIN.to_vec());
    piv.verify_pin(PinReference::User, &pin).expect("the PIN");
    let known = piv.authenticate_management(&ManagementKey::well_known(), NONCE);
    let known = known.or_else(|_| piv.authenticate_protected(|| Ok(NONCE)).map(drop));
    known.or_else(|_| piv.authenticate_management(&new_key(), NONCE)).expect("the card's management key");
}

/// A card with a key, a certificate, a name and a Key History.
fn prepared() -> Virtual {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    let state = STATE.get_or_init(|| {
        let profile = PivProfile::new(Pin::new(PIN.to_vec()), Pin::from("12345678"));
        let mut card = Virtual(Card::piv(&profile).expect("a card"));
        furnish(&mut PivState::new().on(&mut card)).expect("furnished");
        card.0.persistent_state().to_vec()
    });
    Virtual(Card::load(state).expect("the card's own state"))
}

fn furnish(piv: &mut PivCard<'_>) -> Result<(), PivError> {
    piv.authenticate_management(&ManagementKey::well_known(), NONCE)?;
    piv.generate(slot("9a"), KeyAlgorithm::P256, Policies::NONE)?;
    piv.write_certificate(slot("9a"), &der(), CertificateForm::Plain)?;
    let name = ContainerName::parse("web").expect("a name");
    let mut map = SlotMap::new();
    map.set(ContainerIndex::new(0), MapRecord::new(&name, slot("9a"), KeySpec::EcdsaP256, 256))?;
    piv.write_container_map(&map)?;
    piv.put_object(ObjectTag::KEY_HISTORY, &[0xC1, 1, 0, 0xC2, 1, 0, 0xFE, 0])
}

fn anew(card: &mut Virtual) -> PivState {
    card.0.reset();
    PivState::new()
}

type Work = fn(&mut PivCard<'_>) -> Result<(), PivError>;
type Done = fn(&mut PivCard<'_>) -> bool;

/// Runs the operation with each refusal at each step.
fn refused_everywhere(name: &str, work: Work, done: Done) {
    let (mut errors, mut whole) = (0, false);
    for step in 0..STEPS {
        for status in STATUS_WORDS {
            let mut card = prepared();
            let mut state = PivState::new();
            administrator(&mut state.on(&mut card));
            let mut channel = Refusing { card: &mut card, left: step, status, refused: false };
            let outcome = work(&mut state.on(&mut channel));
            whole |= !channel.refused;
            errors += usize::from(outcome.is_err());
            let mut state = anew(&mut card);
            let mut piv = state.on(&mut card);
            administrator(&mut piv);
            if outcome.is_ok() {
                assert!(done(&mut piv), "{name}: {status:04X} at step {step} and yet it is said to be done");
            }
        }
        if whole {
            assert!(errors > 0, "{name} was refused nowhere");
            return;
        }
    }
    panic!("{name} has more than {STEPS} steps");
}

#[test]
fn keys() {
    refused_everywhere(
        "generate",
        |piv| piv.generate(slot("9c"), KeyAlgorithm::P256, Policies::NONE).map(drop),
        |piv| piv.occupancy(slot("9c")).is_ok_and(|found| found.key == Some(true)),
    );
    refused_everywhere(
        "import",
        |piv| piv.import(slot("9c"), &ImportKey::Ed25519(&SecretBytes::from(&[7; 32])), Policies::NONE),
        |piv| piv.occupancy(slot("9c")).is_ok_and(|found| found.key == Some(true)),
    );
    refused_everywhere(
        "delete",
        |piv| piv.delete_together(slot("9a")).map(drop),
        |piv| piv.occupancy(slot("9a")).is_ok_and(|found| !found.is_occupied()),
    );
    refused_everywhere(
        "move",
        |piv| piv.move_together(slot("9a"), slot("82")).map(drop),
        |piv| {
            let moved =
                piv.occupancy(slot("82")).is_ok_and(|found| found.key == Some(true) && found.certificate);
            moved && piv.occupancy(slot("9a")).is_ok_and(|found| !found.is_occupied())
        },
    );
}

#[test]
fn objects() {
    refused_everywhere(
        "write_certificate",
        |piv| piv.write_certificate(slot("83"), &der(), CertificateForm::Fitting).map(drop),
        |piv| {
            let history = piv.object(ObjectTag::KEY_HISTORY).expect("read").expect("there");
            let written = piv.certificate(slot("83")).expect("read").is_some_and(|read| read.der() == der());
            written && history[2] == 2
        },
    );
    refused_everywhere(
        "delete_certificate",
        |piv| piv.delete_certificate(slot("9a")),
        |piv| piv.certificate(slot("9a")) == Ok(None),
    );
    refused_everywhere(
        "write_container_map",
        |piv| piv.write_container_map(&SlotMap::new()).map(drop),
        |piv| piv.container_map().is_ok_and(|stored| stored.is_none_or(|stored| stored.map.is_empty())),
    );
    refused_everywhere(
        "initialise",
        |piv| {
            piv.put_object(ObjectTag::CCC, &[])?;
            let identity = Identity { guid: [1; 16], card_number: [2; 14], expires: *b"20401231" };
            piv.initialise(&identity).map(drop)
        },
        |piv| piv.object(ObjectTag::CCC).is_ok_and(|value| value.is_some_and(|value| !value.is_empty())),
    );
}

#[test]
fn the_management_key() {
    refused_everywhere(
        "authenticate_management",
        |piv| {
            piv.authenticate_management(&ManagementKey::well_known(), NONCE)?;
            piv.put_object(ObjectTag::CCC, &[0xFE, 0])
        },
        |piv| piv.object(ObjectTag::CCC) == Ok(Some(vec![0xFE, 0])),
    );
    refused_everywhere(
        "set_management_key",
        |piv| piv.set_management_key(&new_key(), TouchPolicy::Never),
        |piv| piv.authenticate_management(&new_key(), NONCE).is_ok(),
    );
    refused_everywhere(
        "protect_management_key",
        |piv| piv.protect_management_key(&new_key(), TouchPolicy::Never),
        |piv| {
            let keys = piv.protected_management_keys().expect("read");
            keys.len() == 1 && keys[0].as_bytes() == new_key().as_bytes()
        },
    );
    refused_everywhere(
        "expose_management_key",
        |piv| {
            piv.protect_management_key(&new_key(), TouchPolicy::Never)?;
            piv.expose_management_key(&new_key(), TouchPolicy::Never)
        },
        |piv| piv.admin_data().is_ok_and(|data| !data.is_key_protected()),
    );
}

#[test]
fn a_reset_is_whole_or_none() {
    for step in 0..12 {
        for status in STATUS_WORDS {
            let mut card = prepared();
            let mut state = PivState::new();
            let mut channel = Refusing { card: &mut card, left: step, status, refused: false };
            let outcome = state.on(&mut channel).block_and_reset();
            let mut state = anew(&mut card);
            let mut piv = state.on(&mut card);
            let occupied = piv.occupancy(slot("9a")).expect("told").is_occupied();
            assert_eq!(outcome.is_ok(), !occupied, "{status:04X} at step {step}: {outcome:?}");
            // Whatever was broken off, the next try ends it.
            if occupied {
                assert_eq!(piv.block_and_reset(), Ok(()), "{status:04X} at step {step}");
            }
        }
    }
}
