//! PIV cards that other programs use too: keys made elsewhere, policies, another card in the reader.

#[path = "support/piv.rs"]
mod piv;

use std::io::Write;

use cardmod_class::ClassModule;
use cardmod_piv::{
    CertificateForm, KeyAlgorithm, ManagementKey, PinPolicy, PivState, Policies, Slot, SlotKey,
};
use cardmod_sdk::testing::Driver;
use cardmod_sdk::{CardModule, KeyRef, NewKey, Result, SignatureInput, Status};
use cardmod_types::{CardId, ContainerIndex, ContainerMap, FilePath, KeyHalf, KeySpec, Pin, PinId};
use cardmod_virtual::{PivFlavour, PivProfile};
use piv::{PivCardOf, Trouble, acquire};

const PIN: &[u8] = b"123456";
const PUK: &[u8] = b"12345678";
const FIRST: KeyRef = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };

fn token() -> PivProfile {
    PivProfile::new(Pin::from(PIN), Pin::from(PUK))
}

/// What another program does with the card, as its administrator.
fn elsewhere<T>(card: &PivCardOf, work: impl FnOnce(&mut cardmod_piv::PivCard<'_>) -> T) -> T {
    card.reset();
    let (mut state, mut channel) = (PivState::new(), card.clone());
    let mut other = state.on(&mut channel);
    other.authenticate_management(&ManagementKey::well_known(), [7; 16]).expect("the administrator");
    let made = work(&mut other);
    card.reset();
    made
}

/// A certificate of a key, as an issuer puts it on the card.
fn certify(card: &mut cardmod_piv::PivCard<'_>, slot: Slot, key: &SlotKey) {
    card.write_certificate(slot, &certificate(key), CertificateForm::Plain).expect("written");
}

fn certificate(key: &SlotKey) -> Vec<u8> {
    let spki = key.to_spki_der();
    let mut body = vec![0xA0, 3, 2, 1, 2, 2, 1, 7];
    let algorithm = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
    body.extend(algorithm);
    body.extend([0x30, 0, 0x30, 30]);
    body.extend(b"\x17\x0d250101000000Z\x17\x0d450101000000Z");
    body.extend([0x30, 0]);
    body.extend(spki);
    let long =
        |tag: u8, value: &[u8]| [&[tag, 0x82][..], &(value.len() as u16).to_be_bytes(), value].concat();
    let whole = [long(0x30, &body), algorithm.to_vec(), vec![3, 9, 0, 0x30, 6, 2, 1, 1, 2, 1, 1]].concat();
    long(0x30, &whole)
}

type Module = Driver<ClassModule>;

fn verify(driver: &mut Module, role: u32, pin: &[u8]) -> Result<()> {
    let role = PinId::try_from(role).expect("a role");
    driver.call(|module, cx| module.verify_pin(cx, role, &Pin::from(pin)))
}

fn generate(driver: &mut Module, key: KeyRef) -> Result<()> {
    driver.call(|module, cx| {
        let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
        creation.create_key(cx, key, NewKey::Generate { bits: 256 }, PinId::USER)
    })
}

fn sign(driver: &mut Module, key: KeyRef) -> Result<Vec<u8>> {
    driver.call(|module, cx| module.sign(cx, key, &SignatureInput::Ecdsa(&[7; 32])))
}

fn indexes(driver: &mut Module) -> Vec<u8> {
    let file = driver.call(|module, cx| module.read_file(cx, &FilePath::cmapfile())).expect("the map");
    ContainerMap::parse(&file).expect("a map").iter().map(|(index, _)| index.get()).collect()
}

#[test]
fn indexes_stay_when_a_certificate_appears() {
    let card = PivCardOf::new(&token());
    elsewhere(&card, |other| {
        let key = other.generate(Slot::KeyManagement, KeyAlgorithm::P256, Policies::NONE).expect("a key");
        certify(other, Slot::KeyManagement, &key);
    });
    let mut driver = acquire(&card).expect("acquired");
    assert_eq!(indexes(&mut driver), [2]);
    verify(&mut driver, 1, PIN).expect("the PIN");
    generate(&mut driver, KeyRef { container: ContainerIndex::new(4), spec: KeySpec::EcdheP256 })
        .expect("a key");
    elsewhere(&card, |other| {
        let key = other.generate(Slot::Authentication, KeyAlgorithm::P384, Policies::NONE).expect("a key");
        certify(other, Slot::Authentication, &key);
    });
    assert_eq!(indexes(&mut acquire(&card).expect("acquired")), [0, 2, 4]);
    // The card can be written, so that nothing is taken from memory in another transaction.
    driver.vouch(9);
    assert_eq!(indexes(&mut driver), [0, 2, 4]);
}

#[test]
fn a_key_without_name_in_windows_is_hidden_and_not_overwritten() {
    let card = PivCardOf::new(&token());
    let hidden = elsewhere(&card, |other| {
        let key = other.generate(Slot::Authentication, KeyAlgorithm::Ed25519, Policies::NONE).expect("a key");
        certify(other, Slot::Authentication, &key);
        // And one that nobody noted down at all.
        other.generate(Slot::Signature, KeyAlgorithm::P256, Policies::NONE).expect("a key");
        key
    });
    let mut driver = acquire(&card).expect("acquired");
    assert!(indexes(&mut driver).is_empty());
    let keys = driver.call(|module, cx| module.container_keys(cx, FIRST.container));
    assert_eq!(keys.err(), Some(Status::NoKeyContainer));
    assert_eq!(
        driver.call(|m, cx| m.read_file(cx, &FilePath::certificate(KeyHalf::Signature, FIRST.container))),
        Err(Status::FileNotFound)
    );
    verify(&mut driver, 1, PIN).expect("the PIN");
    assert_eq!(generate(&mut driver, FIRST), Err(Status::NoMemory), "9A and 9C are in use");
    let agreement = KeyRef { spec: KeySpec::EcdheP256, ..FIRST };
    generate(&mut driver, agreement).expect("9D is free");
    assert_eq!(indexes(&mut driver), [0]);
    elsewhere(&card, |other| {
        let metadata = other.metadata(Slot::Authentication.reference()).expect("metadata").expect("a key");
        assert_eq!(metadata.public_key, Some(hidden), "the key is still there");
    });
}

#[test]
fn a_key_that_wants_the_pin_each_time_is_found_out() {
    let card = PivCardOf::new(&token());
    elsewhere(&card, |other| {
        let always = Policies { pin: Some(PinPolicy::Always), touch: None };
        let key = other.generate(Slot::Authentication, KeyAlgorithm::P256, always).expect("a key");
        certify(other, Slot::Authentication, &key);
    });
    let mut driver = acquire(&card).expect("acquired");
    driver.vouch(1);
    let owner =
        |driver: &mut Module| driver.call(|m, cx| m.container_pin(cx, FIRST.container)).map(PinId::get);
    assert_eq!(owner(&mut driver), Ok(1));
    verify(&mut driver, 1, PIN).expect("the PIN");
    sign(&mut driver, FIRST).expect("a signature");
    assert_eq!(sign(&mut driver, FIRST), Err(Status::SecurityViolation));
    assert_eq!(owner(&mut driver), Ok(3), "the role that is asked for each time");
    for _ in 0..2 {
        card.commands();
        verify(&mut driver, 3, PIN).expect("the PIN");
        sign(&mut driver, FIRST).expect("a signature");
        let sent: Vec<u8> = card.commands().iter().map(|command| command[1]).collect();
        assert!(sent.ends_with(&[0x20, 0x87]), "{sent:02X?}");
    }
}

/// A key with a policy of its own in 9E, which everybody may use by the standard.
fn card_authentication(policy: PinPolicy, certified: bool) -> PivCardOf {
    let card = PivCardOf::new(&token());
    elsewhere(&card, |other| {
        let policies = Policies { pin: Some(policy), touch: None };
        let key = other.generate(Slot::CardAuthentication, KeyAlgorithm::P256, policies).expect("a key");
        if certified {
            certify(other, Slot::CardAuthentication, &key);
        }
    });
    card
}

const OF_EVERYONE: KeyRef = KeyRef { container: ContainerIndex::new(3), spec: KeySpec::EcdsaP256 };

fn owner(driver: &mut Module, key: KeyRef) -> Result<u32> {
    driver.call(|m, cx| m.container_pin(cx, key.container)).map(PinId::get)
}

#[test]
fn a_key_of_everyone_that_wants_the_pin_is_found_out() {
    for (policy, each_time) in [(PinPolicy::Once, false), (PinPolicy::Always, true)] {
        let card = card_authentication(policy, true);
        let mut driver = acquire(&card).expect("acquired");
        driver.vouch(1);
        assert_eq!(owner(&mut driver, OF_EVERYONE), Ok(0), "nothing speaks against it");
        assert_eq!(sign(&mut driver, OF_EVERYONE), Err(Status::SecurityViolation));
        assert_eq!(owner(&mut driver, OF_EVERYONE), Ok(1));
        // A host that begins anew has the module read the card again.
        driver
            .call(|m, _| {
                m.forget_content();
                Ok(())
            })
            .expect("told");
        assert_eq!(owner(&mut driver, OF_EVERYONE), Ok(1));
        verify(&mut driver, 1, PIN).expect("the PIN");
        sign(&mut driver, OF_EVERYONE).expect("a signature");
        if each_time {
            assert_eq!(sign(&mut driver, OF_EVERYONE), Err(Status::SecurityViolation));
            assert_eq!(owner(&mut driver, OF_EVERYONE), Ok(3));
            verify(&mut driver, 3, PIN).expect("the PIN");
        }
        card.commands();
        sign(&mut driver, OF_EVERYONE).expect("a signature");
        assert_eq!(card.commands().len(), 1);
    }
}

#[test]
fn an_ordinary_key_of_everyone_costs_no_command_more() {
    let card = card_authentication(PinPolicy::Never, true);
    let mut driver = acquire(&card).expect("acquired");
    driver.vouch(1);
    assert_eq!(owner(&mut driver, OF_EVERYONE), Ok(0));
    card.commands();
    sign(&mut driver, OF_EVERYONE).expect("a signature");
    assert_eq!(card.commands().len(), 1);
    assert_eq!(owner(&mut driver, OF_EVERYONE), Ok(0));
}

#[test]
fn a_missing_key_is_no_missing_touch() {
    let refuse = |card: &PivCardOf, driver: &mut Module| {
        card.trouble(0, 1, Trouble::Status(0x6985));
        sign(driver, OF_EVERYONE)
    };
    // The card tells of the key: it was not touched.
    let card = card_authentication(PinPolicy::Never, true);
    let mut driver = acquire(&card).expect("acquired");
    driver.vouch(1);
    owner(&mut driver, OF_EVERYONE).expect("a key");
    assert_eq!(refuse(&card, &mut driver), Err(Status::Cancelled));
    // It tells that there is none, beside a certificate.
    elsewhere(&card, |other| other.delete_key(Slot::CardAuthentication)).expect("deleted");
    let mut driver = acquire(&card).expect("acquired");
    driver.vouch(1);
    owner(&mut driver, OF_EVERYONE).expect("a certificate");
    assert_eq!(refuse(&card, &mut driver), Err(Status::NoKeyContainer));
    // It knows neither of keys nor, as its version says, of touches.
    let card = card_authentication(PinPolicy::Never, true);
    card.refuse(Some(0xF7));
    for (version, expected) in [
        (&[6, 6, 6, 0x90, 0][..], Status::NoKeyContainer),
        (&[4, 3, 5, 0x90, 0], Status::Cancelled),
        (&[5, 2, 4, 0x90, 0], Status::Cancelled),
        (&[0x6D, 0], Status::NoKeyContainer),
    ] {
        let mut driver = acquire(&card).expect("acquired");
        driver.vouch(1);
        owner(&mut driver, OF_EVERYONE).expect("a key");
        card.script(vec![(0x87, &[0x69, 0x85]), (0xFD, version)]);
        assert_eq!(sign(&mut driver, OF_EVERYONE), Err(expected), "{version:02X?}");
    }
}

#[test]
fn a_key_that_the_card_cannot_delete_is_given_up() {
    let card = PivCardOf::new(&token());
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver, 1, PIN).expect("the PIN");
    generate(&mut driver, FIRST).expect("a key");
    let key = |driver: &mut Module| driver.call(|m, cx| m.container_keys(cx, FIRST.container));
    let first = key(&mut driver).expect("keys");
    card.refuse(Some(0xF6));
    let deleted = driver.call(|module, cx| {
        module.container_creation().expect("creation").delete_container(cx, FIRST.container)
    });
    deleted.expect("deleted as far as it goes");
    card.reset();
    let mut next = acquire(&card).expect("acquired");
    assert!(indexes(&mut next).is_empty());
    verify(&mut next, 1, PIN).expect("the PIN");
    // A host announces the new container before it makes the key.
    let mut map = ContainerMap::new();
    let name = cardmod_types::ContainerName::parse("again").expect("a name");
    map.set(FIRST.container, Some(cardmod_types::ContainerRecord::new(name))).expect("a map");
    let file = map.to_bytes();
    let announced = next.call(|module, cx| {
        module.file_writing().expect("files").write_file(cx, &FilePath::cmapfile(), &file)
    });
    announced.expect("announced");
    assert_eq!(key(&mut next).err(), Some(Status::NoKeyContainer), "the old key is not back");
    generate(&mut next, FIRST).expect("the slot is free");
    assert_ne!(key(&mut next).expect("keys"), first);
    card.reset();
    assert_eq!(indexes(&mut acquire(&card).expect("acquired")), [0]);
}

#[test]
fn the_global_pin_is_asked_for_where_it_comes_first() {
    let profile = PivProfile { global_pin: Some(Pin::from(&b"99999999"[..])), ..token() };
    let card = PivCardOf::new(&profile);
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver, 1, PIN).expect("the application's PIN, which this card prefers");
    // A Discovery object that prefers the global one: 60 20.
    elsewhere(&card, |other| {
        other.generate(Slot::Authentication, KeyAlgorithm::P256, Policies::NONE).map(drop)
    })
    .expect("a key");
    let mut driver = acquire(&card).expect("acquired");
    card.trouble(
        0,
        1,
        Trouble::Bytes(&[
            0x7E, 0x12, 0x4F, 0x0B, 0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0, 0x5F, 0x2F, 2, 0x60, 0x20, 0x90, 0,
        ]),
    );
    card.commands();
    verify(&mut driver, 1, b"99999999").expect("the global PIN");
    let sent = card.commands();
    assert_eq!(sent.last().map(|command| command[..4].to_vec()), Some(vec![0x00, 0x20, 0x00, 0x00]));
}

#[test]
fn another_card_in_the_reader_is_another_card() {
    let with = |guid: u8| PivProfile { guid: Some([guid; 16]), ..token() };
    let (one, two) = (PivCardOf::new(&with(0x11)), PivCardOf::new(&with(0x22)));
    for card in [&one, &two] {
        elsewhere(card, |other| {
            let key =
                other.generate(Slot::Authentication, KeyAlgorithm::P256, Policies::NONE).expect("a key");
            certify(other, Slot::Authentication, &key);
        });
    }
    let key = |driver: &mut Module| {
        driver.call(|m, cx| m.container_keys(cx, FIRST.container)).expect("keys").signature.expect("a key")
    };
    let mut driver = acquire(&one).expect("acquired");
    let first = key(&mut driver);
    let id = |driver: &mut Module| driver.call(|m, cx| m.card_id(cx)).expect("an identity");
    assert_eq!(id(&mut driver), CardId([0x11; 16]));
    driver.reconnect(two.clone());
    let second = key(&mut driver);
    assert_ne!(first, second, "nothing of the other card is left");
    assert_eq!(id(&mut driver), CardId([0x22; 16]));
    assert_eq!(second, key(&mut acquire(&two).expect("acquired")));
}

#[test]
fn a_standard_card_with_the_default_key_is_read_only_unless_told() {
    let card = PivCardOf::new(&PivProfile { flavour: PivFlavour::Standard, ..token() });
    let mut driver = acquire(&card).expect("acquired");
    assert_eq!(driver.call(|m, cx| m.read_only(cx)), Ok(true), "nobody says that the key is the default one");
    card.commands();
    assert_eq!(driver.call(|m, cx| m.read_only(cx)), Ok(true));
    assert!(card.commands().is_empty(), "asked once");
    driver
        .call(|module, cx| {
            let own = module.own_properties().expect("properties");
            own.set(cx, cardmod_sdk::MANAGEMENT_KEY_PROPERTY, &[1], 0)
        })
        .expect("the default key");
    assert_eq!(driver.call(|m, cx| m.read_only(cx)), Ok(false));
}

/// What is in a certificate's place and is none: nonsense, one that was cut off, one that unpacks to far more than
/// any certificate.
fn unreadable_certificates() -> [Vec<u8>; 3] {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![0; 1 << 20]).expect("packed");
    let packed = packed.finish().expect("packed");
    let length = (packed.len() as u16).to_be_bytes();
    let bomb = [&[0x70, 0x82][..], &length, &packed, &[0x71, 1, 1, 0xFE, 0]].concat();
    let cut_off = [&[0x70, 0x82, 0x02, 0x00, 0x30, 0x82, 0x01, 0xFC][..], &[7; 100]].concat();
    [vec![0xFF; 40], cut_off, bomb]
}

#[test]
fn what_cannot_be_read_is_hidden_and_never_overwritten() {
    for (kind, content) in unreadable_certificates().into_iter().enumerate() {
        let card = PivCardOf::new(&token());
        let key = elsewhere(&card, |other| {
            let key =
                other.generate(Slot::Authentication, KeyAlgorithm::P256, Policies::NONE).expect("a key");
            other.put_object(Slot::Authentication.object(), &content).expect("written");
            key
        });
        let mut driver = acquire(&card).expect("acquired");
        assert!(indexes(&mut driver).is_empty(), "{kind}");
        let keys = driver.call(|module, cx| module.container_keys(cx, FIRST.container));
        assert_eq!(keys.err(), Some(Status::NoKeyContainer), "{kind}");
        let file = FilePath::certificate(KeyHalf::Signature, FIRST.container);
        assert_eq!(driver.call(|m, cx| m.read_file(cx, &file)), Err(Status::FileNotFound), "{kind}");
        let free = driver.call(|module, cx| module.free_space(cx)).expect("room").containers;
        assert_eq!(free, Some(23), "{kind}: the slot is in use");
        verify(&mut driver, 1, PIN).expect("the PIN");
        let placed = driver.call(|module, cx| {
            let own = module.own_properties().ok_or(Status::UnsupportedFeature)?;
            own.set(cx, "Cardmod Place", b"9a", 0)
        });
        placed.expect("a place");
        assert_eq!(generate(&mut driver, FIRST), Err(Status::NoAccess), "{kind}");
        generate(&mut driver, FIRST).expect("somewhere else");
        assert_eq!(indexes(&mut driver), [0], "{kind}");
        elsewhere(&card, |other| {
            let metadata =
                other.metadata(Slot::Authentication.reference()).expect("metadata").expect("a key");
            assert_eq!(metadata.public_key.as_ref(), Some(&key), "{kind}: the key is still there");
            let kept = other.object(Slot::Authentication.object()).expect("the object");
            assert_eq!(kept, Some(content), "{kind}");
        });
    }
}

/// A certificate of a key, as the host writes it into its file.
fn write(driver: &mut Module, half: KeyHalf, der: &[u8]) -> Result<()> {
    let path = FilePath::certificate(half, FIRST.container);
    driver.call(|module, cx| {
        let files = module.file_writing().expect("files");
        match files.write_file(cx, &path, der) {
            Err(Status::FileNotFound) => {
                files.create_file(cx, &path, 1, cardmod_types::FileAccess::EveryoneReadUserWrite)?;
                files.write_file(cx, &path, der)
            }
            written => written,
        }
    })
}

/// A key in 9A that another program put beside the certificate of an older one; and both certificates.
fn outdated(algorithms: [KeyAlgorithm; 2]) -> (PivCardOf, [Vec<u8>; 2]) {
    let card = PivCardOf::new(&token());
    let certificates = elsewhere(&card, |other| {
        let [old, new] = algorithms
            .map(|algorithm| other.generate(Slot::Authentication, algorithm, Policies::NONE).expect("a key"));
        certify(other, Slot::Authentication, &old);
        [certificate(&old), certificate(&new)]
    });
    (card, certificates)
}

#[test]
fn the_certificate_of_a_replaced_key_does_not_stand_against_the_new_keys() {
    use KeyAlgorithm::{P256, P384, Rsa2048};
    let halves = [KeyHalf::Signature, KeyHalf::KeyExchange];
    for (old, new, half) in [
        (P256, P256, halves[0]),
        (P256, P384, halves[0]),
        (Rsa2048, Rsa2048, halves[1]),
        (Rsa2048, P256, halves[0]),
    ] {
        for tells in [true, false] {
            let case = format!("{old:?}, {new:?}, the card tells: {tells}");
            let (card, [outdated, right]) = outdated([old, new]);
            let other = self::outdated([new, new]).1[1].clone();
            card.refuse((!tells).then_some(0xF7));
            let mut driver = acquire(&card).expect("acquired");
            driver
                .call(|module, cx| {
                    let own = module.own_properties().expect("properties");
                    own.set(cx, cardmod_sdk::MANAGEMENT_KEY_PROPERTY, &[1], 0)
                })
                .expect("the default key");
            verify(&mut driver, 1, PIN).expect("the PIN");
            assert_eq!(
                write(&mut driver, half, &other),
                Err(Status::InvalidParameter),
                "{case}: of no key here"
            );
            if tells && old == new {
                let refused = write(&mut driver, half, &outdated);
                assert_eq!(refused, Err(Status::InvalidParameter), "{case}: the outdated one again");
            }
            assert_eq!(write(&mut driver, half, &right), Ok(()), "{case}");
            let path = FilePath::certificate(half, FIRST.container);
            assert_eq!(driver.call(|m, cx| m.read_file(cx, &path)).as_deref(), Ok(&right[..]), "{case}");
        }
    }
}
