//! What the class module keeps with the host for the use of a PIV card's keys: believed by programs that come
//! after, and never to the harm of anybody where it is wrong.

#[path = "common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::Arc;

use cardmod_host::{
    CacheRecord, CardSession, DirectoryStore, FixedPin, KeyAlgorithm, KeySource, ManagementKey, NewContainer,
    OpenOptions, PublicStore as _, SignRequest, verify,
};
use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_piv::{MapRecord, PivCard, PivState, Policies, Slot, SlotMap};
use cardmod_types::{ContainerIndex, ContainerName, EcCurve, KeyHalf, KeySpec, PublicKey, SignaturePadding};
use cardmod_virtual::{CardOptions, PivProfile};
use zeroize::Zeroizing;

const DIGEST: [u8; 32] = [9; 32];
const P256: KeyAlgorithm = KeyAlgorithm::Ec(EcCurve::P256);

/// A card with keys in these places, and a folder in which programs remember it.
struct Desk {
    reader: String,
    cache: tempfile::TempDir,
}

/// The card as another program has it, which takes no notice of caches.
struct Wire(common::Stranger);

impl CardChannel for Wire {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        Ok(Zeroizing::new(self.0.card.transmit(command).expect("an answer").to_vec()))
    }
}

impl Desk {
    fn new(name: &str, profile: PivProfile, places: &[(&str, KeyHalf)]) -> Self {
        let reader = common::piv_card_of(name, &profile);
        let desk = Self { reader, cache: tempfile::tempdir().expect("a folder") };
        let management_key = Some(ManagementKey::well_known());
        let options = OpenOptions { management_key, ..OpenOptions::default() };
        let apart = tempfile::tempdir().expect("a folder");
        let mut maker = program(&desk.reader, apart.path(), options);
        for (place, half) in places {
            let key = KeySource::Generate(P256);
            let new = NewContainer { name: (*place).into(), key, half: *half, default: false };
            maker.create_container(&new, &mut common::pin()).expect("a container");
        }
        common::close(maker);
        desk
    }

    fn signing(name: &str) -> Self {
        let places = [("9a", KeyHalf::Signature), ("9e", KeyHalf::Signature)];
        Self::new(name, common::piv_profile(name), &places)
    }

    /// A program that comes anew.
    fn program(&self) -> CardSession {
        program(&self.reader, self.cache.path(), OpenOptions::default())
    }

    /// What a program of another kind does with the card as its administrator.
    fn elsewhere<T>(&self, work: impl FnOnce(&mut PivCard<'_>) -> T) -> T {
        let mut wire = Wire(common::Stranger::new(&self.reader));
        wire.0.card.begin_transaction().expect("the card is free");
        let mut state = PivState::new();
        let mut card = state.on(&mut wire);
        card.authenticate_management(&cardmod_piv::ManagementKey::well_known(), [7; 16]).expect("its key");
        let done = work(&mut card);
        wire.0.card.end_transaction(cardmod_pcsc::Disposition::Reset).expect("its end");
        done
    }

    /// The names of what is kept of the cards.
    fn kept(&self) -> Vec<String> {
        let store = DirectoryStore::new(self.cache.path());
        let records = store.list().into_iter().filter_map(|key| CacheRecord::parse(&store.load(&key)?));
        let names = records.flat_map(|record| record.items.into_keys());
        names.filter(|name| name.starts_with("module:")).collect()
    }
}

fn program(reader: &str, cache: &Path, options: OpenOptions) -> CardSession {
    let host = common::host().with_public_store(Arc::new(DirectoryStore::new(cache)));
    host.open(reader, &common::class_module(), options).expect("a session")
}

/// Signs in a new program; answers the commands it took, without discovery, identity, PIN, key and log-out.
fn signed_by(desk: &Desk, place: &str, public: &PublicKey) -> u64 {
    let before = common::apdus(&desk.reader);
    let mut program = desk.program();
    let signature =
        program.sign(Some(place), &SignRequest::ecdsa(&DIGEST), &mut common::pin()).expect("a signature");
    let right = verify::verify_signature(public, &SignaturePadding::None, &DIGEST, &signature);
    assert!(right.is_ok(), "it is not of the key that is there");
    common::close(program);
    common::apdus(&desk.reader) - before - 5
}

fn public(desk: &Desk, place: &str) -> PublicKey {
    let apart = tempfile::tempdir().expect("a folder");
    let mut program = program(&desk.reader, apart.path(), OpenOptions::default());
    let key = program.read_key(Some(place), None).expect("a key").public;
    common::close(program);
    key
}

#[test]
fn what_one_program_needed_the_next_one_has() {
    let desk = Desk::signing("needed");
    let key = public(&desk, "9a");
    assert_eq!([signed_by(&desk, "9a", &key), signed_by(&desk, "9a", &key)], [3, 0]);
    assert_eq!(desk.kept(), ["module:piv-key-9a", "module:piv-map", "module:piv-pin"]);
}

#[test]
fn a_key_replaced_by_another_program_is_found_whatever_its_kind() {
    let desk = Desk::signing("replaced");
    for algorithm in [cardmod_piv::KeyAlgorithm::P256, cardmod_piv::KeyAlgorithm::P384] {
        let known = public(&desk, "9a");
        signed_by(&desk, "9a", &known);
        let made = desk
            .elsewhere(|card| card.generate(Slot::Authentication, algorithm, Policies::NONE).expect("a key"));
        let made = made.to_public_key().expect("one with a spec");
        let repeated = signed_by(&desk, "9a", &made);
        assert!(repeated > 0, "{algorithm:?}: read again");
        assert_eq!(signed_by(&desk, "9a", &made), 0, "{algorithm:?}: and known from then on");
    }
}

#[test]
fn a_key_that_moved_to_another_slot_is_found_there() {
    let desk = Desk::signing("moved");
    let key = public(&desk, "9a");
    assert_eq!(signed_by(&desk, "9a", &key), 3);
    // The index stays, as the stored map says.
    let to: Slot = "82".parse().expect("a slot");
    desk.elsewhere(|card| {
        card.move_key(Slot::Authentication, to).expect("moved");
        let mut map = card.container_map().expect("readable").expect("a map").map;
        let record = *map.get(ContainerIndex::new(0)).expect("its record");
        let name = record.name().expect("its name");
        let record = MapRecord::new(&name, to, KeySpec::EcdsaP256, 256);
        map.set(ContainerIndex::new(0), record).expect("room");
        card.write_container_map(&map).expect("written");
    });
    assert!(signed_by(&desk, "82", &key) > 0);
    assert_eq!(signed_by(&desk, "82", &key), 0);
}

#[test]
fn a_name_that_went_to_another_slot_is_believed_until_its_key_is_another() {
    let desk = Desk::signing("renamed");
    let (first, second) = (public(&desk, "9a"), public(&desk, "9e"));
    signed_by(&desk, "9a", &first);
    let name = |name: &str| ContainerName::parse(name).expect("a name");
    desk.elsewhere(|card| {
        let mut map = SlotMap::new();
        let record = |named: &str, slot| MapRecord::new(&name(named), slot, KeySpec::EcdsaP256, 256);
        map.set(ContainerIndex::new(0), record("9a", Slot::CardAuthentication)).expect("room");
        map.set(ContainerIndex::new(3), record("other", Slot::Authentication)).expect("room");
        card.write_container_map(&map).expect("written");
    });
    assert_eq!(signed_by(&desk, "9a", &first), 0, "what was remembered, and is still true of that slot");
    desk.elsewhere(|card| card.delete_key(Slot::Authentication).expect("deleted"));
    let mut program = desk.program();
    let signed = program.sign(Some("9a"), &SignRequest::ecdsa(&DIGEST), &mut common::pin());
    let signature = signed.expect("by the key that has the name now");
    assert!(verify::verify_signature(&second, &SignaturePadding::None, &DIGEST, &signature).is_ok());
    common::close(program);
}

#[test]
fn a_card_of_the_same_identity_and_another_answer_to_reset_is_another_card() {
    let desk = Desk::signing("twins");
    let known = public(&desk, "9a");
    signed_by(&desk, "9a", &known);
    // Another reading of the specification has other historical bytes.
    let profile = common::piv_profile("twins");
    let options = CardOptions { extended_length: false, ..profile.options.clone() };
    let places = [("9a", KeyHalf::Signature)];
    let Desk { reader, .. } = Desk::new("twin2", PivProfile { options, ..profile }, &places);
    let twin = Desk { reader, cache: desk.cache };
    let other = public(&twin, "9a");
    assert_ne!(other, known);
    assert_eq!(signed_by(&twin, "9a", &other), 3, "nothing of the first one is believed");
}

#[test]
fn what_decrypts_or_agrees_is_read_again_in_each_insertion() {
    let desk = Desk::new("agreeing", common::piv_profile("agreeing"), &[("9d", KeyHalf::KeyExchange)]);
    let peer = |seed: u8| {
        let secret = p256::SecretKey::from_slice(&[seed; 32]).expect("a key");
        let point = p256::elliptic_curve::sec1::ToSec1Point::to_sec1_point(&secret.public_key(), false);
        cardmod_types::EcPublicKey::from_uncompressed(EcCurve::P256, point.as_bytes()).expect("a point")
    };
    let peer = peer(7);
    let agree = |desk: &Desk| {
        let before = common::apdus(&desk.reader);
        let mut program = desk.program();
        let kdf = cardmod_types::kdf::Kdf::Truncate;
        let request = cardmod_host::DeriveRequest { half: None, peer: &peer, kdf: &kdf, len: None };
        program.derive(Some("9d"), &request, &mut common::pin()).expect("a secret");
        common::close(program);
        common::apdus(&desk.reader) - before - 5
    };
    assert_eq!(
        [agree(&desk), agree(&desk)],
        [3, 3],
        "map and key once more, and nothing else is believed then"
    );
}

#[test]
fn a_change_by_this_program_leaves_nothing_that_was_kept_before_it() {
    let desk = Desk::signing("changed");
    let key = public(&desk, "9a");
    signed_by(&desk, "9a", &key);
    let management_key = Some(ManagementKey::well_known());
    let options = OpenOptions { management_key, ..OpenOptions::default() };
    let mut writer = program(&desk.reader, desk.cache.path(), options);
    writer.delete_container("9a", &mut common::pin()).expect("deleted");
    common::close(writer);
    assert!(!desk.kept().iter().any(|name| name.ends_with("9a")), "{:?}", desk.kept());
}

#[test]
fn another_pin_that_comes_first_by_now_is_the_one_that_is_used() {
    // Nothing but the PIN, and the key, tells the second card from the first.
    let desk = Desk::signing("pins");
    let key = public(&desk, "9a");
    assert_eq!(signed_by(&desk, "9a", &key), 3);
    let global = cardmod_types::Pin::from("987654");
    let profile = PivProfile {
        global_pin: Some(global.clone()),
        global_pin_first: true,
        ..common::piv_profile("pins")
    };
    let reader = common::piv_card_of("pins2", &profile);
    let Desk { cache, .. } = desk;
    let desk = Desk { reader, cache };
    let made = desk.elsewhere(|card| {
        let name = ContainerName::parse("9a").expect("a name");
        let mut map = SlotMap::new();
        let record = MapRecord::new(&name, Slot::Authentication, KeySpec::EcdsaP256, 256);
        map.set(ContainerIndex::new(0), record).expect("room");
        card.write_container_map(&map).expect("written");
        card.generate(Slot::Authentication, cardmod_piv::KeyAlgorithm::P256, Policies::NONE).expect("a key")
    });
    let made = made.to_public_key().expect("one with a spec");
    for _ in 0..2 {
        let mut program = desk.program();
        let request = SignRequest::ecdsa(&DIGEST);
        let signed = program.sign(Some("9a"), &request, &mut FixedPin::new(global.clone()));
        let signature = signed.expect("by the PIN that comes first");
        assert!(verify::verify_signature(&made, &SignaturePadding::None, &DIGEST, &signature).is_ok());
        common::close(program);
    }
    let tries = desk.elsewhere(|card| card.pin_state(cardmod_piv::PinReference::User).expect("its state"));
    assert_eq!(tries.and_then(|state| state.tries_left), Some(2), "the wrong guess was made once");
}
