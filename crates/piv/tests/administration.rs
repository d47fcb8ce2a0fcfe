//! Administration of the virtual card: what is written is there, what is refused changed nothing, and a
//! connection that breaks at any command of a change leaves a card whose management key is known.

mod support;
#[path = "support/virtual_card.rs"]
mod virtual_card;

use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_piv::{
    AdminData, CertificateForm, Evidence, Identity, ImportKey, KeyAlgorithm, KeyOrigin, KeyReference,
    ManagementAlgorithm, ManagementKey, MapRecord, NameRule, NameSource, ObjectTag, PinPolicy, PinReference,
    PivCard, PivCommand, PivError, PivState, Policies, Slot, SlotKey, SlotMap, TouchPolicy, container_name,
    own_name,
};
use cardmod_types::{CardId, ContainerIndex, ContainerName, KeySpec, Pin, SecretBytes};
use cardmod_virtual::{PivFlavour, Reset};
use support::{ATR, PIN, certificate};
use virtual_card::{GUID, PUK, Virtual};
use zeroize::Zeroizing;

const NONCE: [u8; 16] = *b"0123456789abcdef";
const YUBIKEY: PivFlavour = PivFlavour::YubiKey;

fn pin() -> Pin {
    Pin::new(PIN.to_vec())
}

fn known() -> ManagementKey {
    ManagementKey::well_known()
}

fn key(byte: u8, algorithm: ManagementAlgorithm) -> ManagementKey {
    let bytes: Vec<u8> = (0..algorithm.key_len()).map(|at| byte.wrapping_add(at as u8)).collect();
    ManagementKey::new(bytes.into(), Some(algorithm)).expect("of its length")
}

fn token() -> Virtual {
    Virtual::new(YUBIKEY, |_| {})
}

/// The administrator's card.
macro_rules! administer {
    ($card:expr, $state:ident, $piv:ident) => {
        let mut $state = PivState::new();
        let mut $piv = $state.on(&mut $card);
        $piv.authenticate_management(&known(), NONCE).expect("the key everybody knows");
    };
}

fn slot(label: &str) -> Slot {
    label.parse().expect("a place")
}

/// Nobody is authenticated, and nothing selected.
fn after_reset(card: &mut Virtual) -> PivState {
    card.card.reset(Reset::Cold).expect("reset");
    card.card.acknowledge().expect("seen");
    card.log.clear();
    PivState::new()
}

#[test]
fn management_keys_of_every_algorithm_cost_two_commands() {
    let mut card = token();
    let mut old = known();
    for (byte, algorithm) in (1..).zip(ManagementAlgorithm::ALL) {
        let new = key(byte, algorithm);
        let mut state = PivState::new();
        let mut piv = state.on(&mut card);
        piv.authenticate_management(&old, NONCE).expect("the old key");
        piv.set_management_key(&new, TouchPolicy::Never).expect("replaced");
        assert!(piv.state().verified().management, "the administrator stays authenticated");
        let mut state = after_reset(&mut card);
        let mut piv = state.on(&mut card);
        assert_eq!(piv.authenticate_management(&new, NONCE), Ok(()));
        let metadata = piv.management_metadata().expect("answered").expect("told");
        assert_eq!(metadata.management_algorithm(), Some(algorithm));
        assert_eq!(metadata.is_default, Some(false));
        assert_eq!(card.commands(), [0xA4, 0x87, 0x87, 0xF7], "{algorithm}");
        let mut state = after_reset(&mut card);
        assert!(state.on(&mut card).authenticate_management(&old, NONCE).is_err());
        old = new;
    }
}

#[test]
fn a_wrong_key_gives_no_right() {
    let mut card = token();
    let mut state = PivState::new();
    let mut piv = state.on(&mut card);
    let wrong = key(9, ManagementAlgorithm::TripleDes);
    assert_eq!(piv.authenticate_management(&wrong, NONCE), Err(PivError::WrongManagementKey));
    let other = key(9, ManagementAlgorithm::Aes256);
    let outcome = piv.authenticate_management(&other, NONCE);
    assert_eq!(outcome, Err(PivError::OtherManagementAlgorithm(ManagementAlgorithm::TripleDes)));
    let challenge = piv.management_challenge(None).expect("a challenge");
    let response = wrong.respond(challenge.algorithm, &challenge.block).expect("computed");
    assert_eq!(piv.management_response(&response), Err(PivError::WrongManagementKey));
    let challenge = piv.management_challenge(None).expect("a challenge");
    let response = known().respond(challenge.algorithm, &challenge.block).expect("computed");
    assert_eq!(piv.management_response(&response), Ok(()));
    assert!(state.verified().management);
}

#[test]
fn without_the_administrator_nothing_is_written() {
    let mut card = token();
    card.enrol(slot("9a"), KeyAlgorithm::P256);
    let mut state = after_reset(&mut card);
    let mut piv = state.on(&mut card);
    let der = certificate(&support::key(1), 300);
    let ed25519 = SecretBytes::from(&[7; 32]);
    let new = key(1, ManagementAlgorithm::TripleDes);
    let denied = [
        piv.generate(slot("9c"), KeyAlgorithm::P256, Policies::NONE).map(drop),
        piv.import(slot("9c"), &ImportKey::Ed25519(&ed25519), Policies::NONE),
        piv.put_object(ObjectTag::CCC, &[0xFE, 0]),
        piv.write_certificate(slot("9a"), &der, CertificateForm::Fitting).map(drop),
        piv.delete_certificate(slot("9a")),
        piv.move_key(slot("9a"), slot("82")),
        piv.delete_key(slot("9a")),
        piv.set_retries(3, 3),
        piv.set_management_key(&new, TouchPolicy::Never),
        piv.write_container_map(&SlotMap::new()).map(drop),
        piv.move_together(slot("9a"), slot("82")).map(drop),
    ];
    for (number, outcome) in denied.into_iter().enumerate() {
        assert!(outcome.expect_err("no right").is_access_denied(), "{number}");
    }
    assert!(piv.occupancy(slot("9a")).expect("told").is_occupied());
    assert!(piv.occupancy(slot("9c")).expect("told").is_free());
    assert!(piv.occupancy(slot("82")).expect("told").is_free());
}

#[test]
fn keys_are_made_with_their_policies_and_told_again() {
    let mut card = token();
    administer!(card, state, piv);
    let policies = Policies { pin: Some(PinPolicy::Never), touch: Some(TouchPolicy::Cached) };
    for (label, algorithm) in
        [("9a", KeyAlgorithm::P256), ("9c", KeyAlgorithm::P384), ("9d", KeyAlgorithm::Rsa1024)]
    {
        assert!(piv.occupancy(slot(label)).expect("told").is_free());
        let made = piv.generate(slot(label), algorithm, policies).expect("a key");
        assert_eq!(KeyAlgorithm::of(&made), Some(algorithm));
        let metadata = piv.metadata(slot(label).reference()).expect("told").expect("a key");
        assert_eq!(metadata.public_key, Some(made));
        assert_eq!(metadata.origin, Some(KeyOrigin::Generated));
        assert_eq!((metadata.pin_policy, metadata.touch_policy), (policies.pin, policies.touch));
        let occupancy = piv.occupancy(slot(label)).expect("told");
        assert_eq!((occupancy.key, occupancy.certificate), (Some(true), false));
    }
    let first = piv.metadata(slot("9a").reference()).expect("told").expect("a key").public_key;
    let second = piv.generate(slot("9a"), KeyAlgorithm::P256, Policies::NONE).expect("over the old one");
    assert_ne!(first, Some(second), "the old key is gone");
}

#[test]
fn the_standard_card_takes_the_standard_alone() {
    let mut card = Virtual::new(PivFlavour::Standard, |_| {});
    administer!(card, state, piv);
    let policies = Policies { pin: Some(PinPolicy::Once), touch: None };
    let refused = piv.generate(slot("9a"), KeyAlgorithm::P256, policies);
    assert_eq!(refused, Err(PivError::Unsupported("this algorithm with these policies")));
    let made = piv.generate(slot("9a"), KeyAlgorithm::P256, Policies::NONE).expect("a key");
    let der = certificate(&made, 700);
    assert_eq!(piv.write_certificate(slot("9a"), &der, CertificateForm::Fitting), Ok(false));
    assert_eq!(piv.certificate(slot("9a")).expect("read").expect("there").der(), der);
    let occupancy = piv.occupancy(slot("9a")).expect("told");
    assert_eq!((occupancy.key, occupancy.certificate), (None, true));
    let ed25519 = SecretBytes::from(&[7; 32]);
    let outcome = piv.import(slot("9c"), &ImportKey::Ed25519(&ed25519), Policies::NONE);
    assert_eq!(outcome, Err(PivError::Unsupported("the import of keys")));
    assert_eq!(piv.version(), Ok(None));
    assert_eq!(piv.serial(), Ok(None));
    assert_eq!(
        piv.write_container_map(&SlotMap::new()),
        Err(PivError::Unsupported("a stored container map"))
    );
    assert_eq!(piv.block_and_reset(), Err(PivError::Unsupported("a reset")));
    assert_eq!(piv.management_algorithm(), Ok(Some(ManagementAlgorithm::TripleDes)), "by asking");
    for command in [PivCommand::ImportKey, PivCommand::GetVersion, PivCommand::GetMetadata] {
        assert!(piv.state().lacks(command), "{command}");
    }
    assert_eq!(piv.pin_state(PinReference::User).expect("told").expect("told").tries_left, Some(3));
}

#[test]
fn imported_keys_are_those_that_were_imported() {
    use p256::elliptic_curve::sec1::ToSec1Point as _;
    let mut card = token();
    administer!(card, state, piv);
    let secret = [0x55; 32];
    let private = p256::SecretKey::from_slice(&secret).expect("a scalar");
    let point = private.public_key().to_sec1_point(false);
    let public =
        cardmod_types::EcPublicKey::from_uncompressed(cardmod_types::EcCurve::P256, point.as_bytes());
    let ec = cardmod_types::EcPrivateKey::new(&secret, public.expect("a point")).expect("a key");
    piv.import(slot("9d"), &ImportKey::Ec(&ec), Policies::NONE).expect("imported");
    let metadata = piv.metadata(slot("9d").reference()).expect("told").expect("a key");
    assert_eq!(metadata.origin, Some(KeyOrigin::Imported));
    assert_eq!(metadata.public_key, Some(SlotKey::Ec(ec.public().clone())));
    let attested = piv.attest(slot("9d"));
    assert!(matches!(attested, Err(PivError::Status { command: PivCommand::Attest, .. })), "{attested:?}");

    let curve = cardmod_types::EcCurve::P521;
    let public = cardmod_types::EcPublicKey::new(curve, &[1; 66], &[1; 66]).expect("coordinates");
    let mut scalar = [1; 66];
    scalar[0] = 0;
    let large = cardmod_types::EcPrivateKey::new(&scalar, public).expect("a key");
    let short = SecretBytes::from(&[7; 31]);
    card.log.clear();
    let mut piv = state.on(&mut card);
    let outcome = piv.import(slot("9a"), &ImportKey::Ec(&large), Policies::NONE);
    assert_eq!(outcome, Err(PivError::Unsupported("this curve")));
    let outcome = piv.import(slot("9a"), &ImportKey::X25519(&short), Policies::NONE);
    assert!(matches!(outcome, Err(PivError::InvalidInput(_))));
    assert_eq!(card.count(), 0, "nothing was sent");
}

#[test]
fn certificates_are_written_in_parts_compressed_and_deleted() {
    let mut card = token();
    administer!(card, state, piv);
    let der = certificate(&support::key(1), 1500);
    let place = slot("9a");
    assert_eq!(piv.write_certificate(place, &der, CertificateForm::Plain), Ok(false));
    assert_eq!(piv.write_certificate(place, &der, CertificateForm::Gzip), Ok(true));
    piv.delete_certificate(place).expect("deleted");
    assert_eq!(piv.certificate(place), Ok(None));
    assert!(piv.occupancy(place).expect("told").is_free());
    // A certificate that fits only when compressed, and one that never does.
    let long = certificate(&support::key(1), 5000);
    assert_eq!(piv.write_certificate(place, &long, CertificateForm::Fitting), Ok(true));
    let plain = piv.write_certificate(place, &long, CertificateForm::Plain);
    assert_eq!(plain, Err(PivError::Full("an object of this size")));
    let mut state = after_reset(&mut card);
    let read = state.on(&mut card).certificate(place).expect("read").expect("there");
    assert_eq!(read.der(), long, "the refusal left the old one");
}

#[test]
fn the_key_history_follows_the_retired_certificates_where_it_exists() {
    let mut card = token();
    administer!(card, state, piv);
    let der = certificate(&support::key(1), 300);
    let history =
        |piv: &mut PivCard<'_>| piv.object(ObjectTag::KEY_HISTORY).expect("read").unwrap_or_default();
    piv.write_certificate(slot("83"), &der, CertificateForm::Plain).expect("written");
    assert_eq!(history(&mut piv), [], "a card without one is left without");
    piv.put_object(ObjectTag::KEY_HISTORY, &[0xC1, 1, 2, 0xC2, 1, 0, 0xFE, 0]).expect("written");
    piv.write_certificate(slot("86"), &der, CertificateForm::Plain).expect("written");
    assert_eq!(history(&mut piv), [0xC1, 1, 5, 0xC2, 1, 0, 0xFE, 0]);
    piv.delete_certificate(slot("86")).expect("deleted");
    assert_eq!(history(&mut piv), [0xC1, 1, 2, 0xC2, 1, 0, 0xFE, 0]);
    piv.delete_certificate(slot("83")).expect("deleted");
    assert_eq!(history(&mut piv), [0xC1, 1, 0, 0xC2, 1, 0, 0xFE, 0]);
    piv.write_certificate(slot("9c"), &der, CertificateForm::Plain).expect("written");
    assert_eq!(history(&mut piv)[2], 0, "no retired one");
}

#[test]
fn attestation_vouches_for_made_keys() {
    let mut card = token();
    let made = card.enrol(slot("9a"), KeyAlgorithm::P256);
    let mut state = PivState::new();
    let mut piv = state.on(&mut card);
    let attestation = piv.attest(slot("9a")).expect("attested");
    let spki = made.to_spki_der();
    assert!(attestation.windows(spki.len()).any(|window| window == spki));
    assert_eq!(piv.attest(slot("9c")), Err(PivError::NoKey(slot("9c"))));
}

fn named(name: &str, place: Slot) -> MapRecord {
    let name = ContainerName::parse(name).expect("a name");
    MapRecord::new(&name, place, KeySpec::EcdsaP256, 256)
}

#[test]
fn a_key_moves_and_goes_with_certificate_and_name() {
    let mut card = token();
    card.enrol(slot("9a"), KeyAlgorithm::P256);
    card.enrol(slot("9d"), KeyAlgorithm::P256);
    administer!(card, state, piv);
    let mut map = SlotMap::new();
    map.set(ContainerIndex::new(2), named("web", slot("9a"))).expect("set");
    assert_eq!(piv.write_container_map(&map), Ok(ObjectTag::YUBICO_CONTAINER_MAP));
    let before = piv.certificate(slot("9a")).expect("read").expect("there");
    assert_eq!(piv.move_together(slot("9a"), slot("9d")), Err(PivError::Occupied(slot("9d"))));
    let moved = piv.move_together(slot("9a"), slot("90")).expect("moved");
    assert!(moved.certificate && moved.named);
    assert!(piv.occupancy(slot("9a")).expect("told").is_free());
    assert_eq!(piv.certificate(slot("90")).expect("read"), Some(before));
    let stored = piv.container_map().expect("read").expect("there");
    let (index, record) = stored.map.by_slot(slot("90")).expect("recorded");
    assert_eq!(index, ContainerIndex::new(2));
    assert_eq!(record.name().expect("a name").as_str(), "web");
    assert_eq!(piv.move_together(slot("9c"), slot("91")), Err(PivError::NoKey(slot("9c"))));
    let deleted = piv.delete_together(slot("90")).expect("deleted");
    assert!(deleted.certificate && deleted.named);
    assert!(piv.occupancy(slot("90")).expect("told").is_free());
    assert!(piv.container_map().expect("read").is_none_or(|stored| stored.map.is_empty()));
    assert_eq!(piv.delete_together(slot("90")), Err(PivError::NoKey(slot("90"))));
    // What is broken off behind the key's deletion is brought to an end by the next one.
    piv.generate(slot("91"), KeyAlgorithm::P256, Policies::NONE).expect("a key");
    let vouched = piv.attest(slot("91")).expect("a certificate of the key");
    piv.write_certificate(slot("91"), &vouched, CertificateForm::Plain).expect("written");
    piv.delete_key(slot("91")).expect("deleted");
    assert_eq!(piv.delete_together(slot("91")).map(|gone| gone.certificate), Ok(true));
    assert_eq!(piv.certificate(slot("91")), Ok(None));
}

#[test]
fn the_stored_map_names_containers_for_two_drivers() {
    let mut card = token();
    administer!(card, state, piv);
    let mut map = SlotMap::new();
    map.set(ContainerIndex::new(0), named("le-User", slot("9d"))).expect("set");
    piv.write_container_map(&map).expect("written");
    let mut state = after_reset(&mut card);
    let mut piv = state.on(&mut card);
    let stored = piv.container_map().expect("read").expect("there").map;
    assert_eq!(stored, map);
    let card_id = piv.card_id(&ATR).expect("read");
    let chuid = piv.chuid().expect("read").expect("there");
    let source = NameSource { card_id, guid: chuid.guid, fasc_n: chuid.fascn, map: Some(&stored) };
    let name = |rule, label| container_name(rule, &source, slot(label));
    assert_eq!(name(NameRule::Yubico, "9d").as_deref(), Some("le-User"));
    assert_eq!(name(NameRule::Cardmod, "9d").as_deref(), Some("le-User"));
    assert_eq!(name(NameRule::Cardmod, "9a"), Some(own_name(CardId(GUID), slot("9a")).to_string()));
    assert_eq!(name(NameRule::InboxPiv, "9a").as_deref(), Some("21212121-2121-2121-2121-2121215fc105"));
    assert_eq!(NameRule::InboxPiv.evidence(), Evidence::Observed);
}

#[test]
fn a_blank_card_gets_chuid_and_ccc_once() {
    let mut card = Virtual::new(YUBIKEY, |profile| profile.without_chuid = true);
    let identity = Identity { guid: [0xA5; 16], card_number: [3; 14], expires: *b"20401231" };
    let mut state = PivState::new();
    let mut piv = state.on(&mut card);
    assert_eq!(piv.chuid(), Ok(None));
    let before = piv.card_id(&ATR).expect("from the serial number");
    piv.authenticate_management(&known(), NONCE).expect("the key everybody knows");
    let made = piv.initialise(&identity).expect("written");
    assert!(made.chuid && made.ccc);
    let after = piv.card_id(&ATR).expect("read");
    assert_eq!(after, CardId(identity.uuid()));
    assert_ne!(before, after);
    let again = piv.initialise(&Identity { guid: [1; 16], ..identity }).expect("nothing to do");
    assert!(!again.chuid && !again.ccc);
    assert_eq!(piv.chuid().expect("read").expect("there").guid, Some(identity.uuid()));
    let broken = Identity { expires: *b"20401399", ..identity };
    let mut other = Virtual::new(YUBIKEY, |profile| profile.without_chuid = true);
    administer!(other, state, piv);
    assert!(matches!(piv.initialise(&broken), Err(PivError::InvalidInput(_))));
    assert_eq!(piv.chuid(), Ok(None));
}

#[test]
fn tries_are_set_and_the_card_is_set_back() {
    let mut card = token();
    card.enrol(slot("9a"), KeyAlgorithm::P256);
    administer!(card, state, piv);
    assert!(piv.set_retries(7, 9).expect_err("the PIN is missing").is_access_denied());
    piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
    piv.authenticate_management(&known(), NONCE).expect("the key everybody knows");
    let admin = AdminData::default().with_puk_blocked(true);
    piv.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin.encode()).expect("written");
    piv.set_retries(7, 9).expect("set");
    assert!(!piv.admin_data().expect("read").is_puk_blocked());
    let puk = piv.metadata(KeyReference::PUK).expect("told").expect("told");
    assert_eq!(puk.tries.map(|tries| (tries.left, tries.total)), Some((9, 9)));
    assert_eq!(piv.reset(), Err(PivError::NotBlocked));
    assert!(piv.occupancy(slot("9a")).expect("told").is_occupied(), "the refusal lost nothing");
    piv.block_and_reset().expect("set back");
    assert!(piv.occupancy(slot("9a")).expect("told").is_free());
    let puk = piv.metadata(KeyReference::PUK).expect("told").expect("told");
    assert_eq!(puk.tries.map(|tries| (tries.left, tries.total)), Some((3, 3)));
    piv.verify_pin(PinReference::User, &pin()).expect("the PIN of a fresh card");
}

#[test]
fn a_card_with_a_blocked_puk_can_still_be_set_back() {
    let mut card = token();
    let mut state = PivState::new();
    let mut piv = state.on(&mut card);
    for _ in 0..3 {
        assert!(piv.unblock_pin(&Pin::from("99999999"), &pin()).is_err());
    }
    let blocked = piv.unblock_pin(&Pin::new(PUK.to_vec()), &pin()).expect_err("blocked");
    assert_eq!(blocked.status().map(cardmod_iso7816::StatusWord::get), Some(0x6983));
    piv.block_and_reset().expect("set back");
    piv.unblock_pin(&Pin::from("12345678"), &pin()).expect("the PUK of a fresh card");
}

#[test]
fn a_key_made_of_the_pin_is_understood_and_replaced() {
    let mut card = token();
    administer!(card, state, piv);
    let salt = [0x5A; 16];
    let derived = ManagementKey::derived(PIN, &salt);
    piv.set_management_key(&derived, TouchPolicy::Never).expect("set");
    let admin = [&[0x80, 0x12, 0x82, 0x10][..], &salt].concat();
    piv.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin).expect("written");
    let mut state = after_reset(&mut card);
    let mut piv = state.on(&mut card);
    let salt = piv.admin_data().expect("read").salt().expect("a salt").to_vec();
    let derived = ManagementKey::derived(PIN, &salt);
    piv.authenticate_management(&derived, NONCE).expect("the same key");
    piv.expose_management_key(&key(3, ManagementAlgorithm::Aes192), TouchPolicy::Never).expect("replaced");
    assert_eq!(piv.admin_data(), Ok(AdminData::default()), "the salt is of no use any more");
}

/// A channel that breaks before, or after, its n-th command.
struct Breaking<'a> {
    card: &'a mut Virtual,
    left: usize,
    lost_answer: bool,
}

impl CardChannel for Breaking<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        const REMOVED: TransportError = TransportError { code: 0x8010_0069 };
        if self.left == 0 {
            if self.lost_answer {
                // It reached the card, and nobody saw the answer.
                self.lost_answer = false;
                self.card.transmit(command).map(drop)?;
            }
            return Err(REMOVED);
        }
        self.left -= 1;
        self.card.transmit(command)
    }
}

/// Whoever finds the card later: the old key, or what is stored on the card.
fn finds_the_key(card: &mut Virtual, old: &ManagementKey) -> bool {
    let mut state = after_reset(card);
    let mut piv = state.on(card);
    piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
    piv.authenticate_management(old, NONCE).is_ok() || piv.authenticate_protected(|| Ok(NONCE)).is_ok()
}

#[test]
fn no_interruption_loses_the_management_key() {
    let algorithm = ManagementAlgorithm::Aes192;
    for protected_before in [false, true] {
        let mut completed = 0;
        for at in 0..40 {
            let lost_answer = at % 2 == 1;
            let mut card = token();
            administer!(card, state, piv);
            piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
            let old = if protected_before {
                // Kept nowhere else but on the card.
                piv.protect_management_key(&key(1, algorithm), TouchPolicy::Never).expect("stored");
                key(99, algorithm)
            } else {
                known()
            };
            let mut channel = Breaking { card: &mut card, left: at / 2, lost_answer };
            let changed =
                state.on(&mut channel).protect_management_key(&key(2, algorithm), TouchPolicy::Never);
            completed += usize::from(changed.is_ok());
            assert!(finds_the_key(&mut card, &old), "broken at {at}, {protected_before}: {changed:?}");
            if changed.is_ok() {
                let mut state = after_reset(&mut card);
                let mut piv = state.on(&mut card);
                piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
                let stored = piv.protected_management_keys().expect("read");
                assert_eq!(stored.len(), 1);
                assert_eq!(stored[0].as_bytes(), key(2, algorithm).as_bytes());
            }
        }
        assert!((5..35).contains(&completed), "both broken and whole changes were tried: {completed}");
    }
}

#[test]
fn a_stored_key_is_behind_the_pin_and_taken_away_again() {
    let mut card = token();
    administer!(card, state, piv);
    let new = key(4, ManagementAlgorithm::Aes128);
    assert!(piv.protect_management_key(&new, TouchPolicy::Never).expect_err("no PIN").is_access_denied());
    piv.authenticate_management(&known(), NONCE).expect("the old key still");
    piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
    piv.authenticate_management(&known(), NONCE).expect("again");
    piv.protect_management_key(&new, TouchPolicy::Never).expect("stored");
    let mut state = after_reset(&mut card);
    let mut piv = state.on(&mut card);
    assert!(piv.authenticate_protected(|| Ok(NONCE)).expect_err("no PIN").is_access_denied());
    piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
    let found = piv.authenticate_protected(|| Ok(NONCE)).expect("with the PIN");
    assert_eq!(found, new);
    let open = key(5, ManagementAlgorithm::Aes256);
    piv.expose_management_key(&open, TouchPolicy::Never).expect("exposed");
    assert!(!piv.admin_data().expect("read").is_key_protected());
    assert_eq!(piv.protected_management_keys(), Ok(Vec::new()));
    let printed = piv.secret_object(ObjectTag::PRINTED).expect("read").unwrap_or_default();
    assert!(!printed.windows(16).any(|window| window == new.as_bytes()), "the old key is not left behind");
}

#[test]
fn printed_information_of_a_person_is_not_written_over() {
    let mut card = token();
    administer!(card, state, piv);
    piv.put_object(ObjectTag::PRINTED, &[0x01, 0x03, b'D', b'o', b'e', 0xFE, 0x00]).expect("written");
    piv.verify_pin(PinReference::User, &pin()).expect("the PIN");
    piv.authenticate_management(&known(), NONCE).expect("again");
    let new = key(4, ManagementAlgorithm::Aes128);
    let refused = piv.protect_management_key(&new, TouchPolicy::Never);
    assert!(matches!(refused, Err(PivError::Unsupported(_))), "{refused:?}");
    assert_eq!(piv.authenticate_management(&known(), NONCE), Ok(()), "the key is the old one");
}

#[test]
fn a_move_that_was_broken_off_is_brought_to_an_end_by_the_next() {
    // Behind the certificate's copy, behind the name, behind the key.
    for (steps, certified) in [(1, true), (2, true), (3, true), (2, false), (3, false)] {
        let mut card = token();
        administer!(card, state, piv);
        piv.generate(slot("9a"), KeyAlgorithm::P256, Policies::NONE).expect("a key");
        if certified {
            let vouched = piv.attest(slot("9a")).expect("a certificate of the key");
            piv.write_certificate(slot("9a"), &vouched, CertificateForm::Plain).expect("written");
        }
        let (mut map, mut later) = (SlotMap::new(), SlotMap::new());
        map.set(ContainerIndex::new(0), named("web", slot("9a"))).expect("set");
        later.set(ContainerIndex::new(0), named("web", slot("82"))).expect("set");
        piv.write_container_map(&map).expect("written");
        if certified {
            let value = piv.object(slot("9a").object()).expect("read").expect("there");
            piv.put_object(slot("82").object(), &value).expect("copied");
        }
        if steps >= 2 {
            piv.write_container_map(&later).expect("written");
        }
        if steps >= 3 {
            piv.move_key(slot("9a"), slot("82")).expect("moved");
        }
        let moved = piv.move_together(slot("9a"), slot("82"));
        if steps == 3 && !certified {
            assert_eq!(moved, Err(PivError::Occupied(slot("82"))), "it is done");
        } else {
            let moved = moved.unwrap_or_else(|error| panic!("{steps} {certified}: {error}"));
            assert_eq!(moved.certificate, certified);
        }
        assert!(piv.occupancy(slot("9a")).expect("told").is_free());
        let there = piv.occupancy(slot("82")).expect("told");
        assert_eq!((there.key, there.certificate), (Some(true), certified));
        let stored = piv.container_map().expect("read").expect("there");
        assert!(stored.map.by_slot(slot("82")).is_some() && stored.map.by_slot(slot("9a")).is_none());
    }
    // Another certificate is no copy.
    let mut card = token();
    card.enrol(slot("9a"), KeyAlgorithm::P256);
    administer!(card, state, piv);
    let other = certificate(&support::key(1), 300);
    piv.write_certificate(slot("82"), &other, CertificateForm::Plain).expect("written");
    assert_eq!(piv.move_together(slot("9a"), slot("82")), Err(PivError::Occupied(slot("82"))));
}
