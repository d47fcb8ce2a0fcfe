//! Everything but lists and signatures on PIV cards that answer anything at any step: what is claimed was done, what
//! was not done can be done in the end, and nothing else is lost.

#[allow(unreachable_pub, dead_code, reason = "made for another kind of test, too")]
#[path = "table/check.rs"]
mod check;
#[path = "support/piv.rs"]
mod piv;
#[path = "support/trouble.rs"]
mod trouble;

use cardmod_class::ClassModule;
use cardmod_crypto::KeyKind;
use cardmod_piv::{PivState, Slot, SlotKey};
use cardmod_sdk::testing::Driver;
use cardmod_sdk::{CardModule, KeyRef, NewKey, Result, Status, UnblockAuthority};
use cardmod_types::{
    ContainerIndex, ContainerMap, ContainerName, ContainerRecord, FileAccess, FilePath, KeyHalf, KeySpec,
    Pin, PinId, PublicKey, SecretBytes, admin,
};
use cardmod_virtual::{DEFAULT_MANAGEMENT_KEY, PivFlavour, PivProfile};
use piv::{PivCardOf, Trouble, acquire};
use trouble::{disturb, every_trouble};

const PIN: &str = "123456";
const NEW: &str = "24681357";
const PUK: &str = "12345678";
const OTHER_KEY: [u8; 24] = *b"another one of 24 bytes.";
/// In 9A, 9C and 9D.
const FIRST: KeyRef = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };
const SECOND: KeyRef = KeyRef { container: ContainerIndex::new(1), spec: KeySpec::EcdsaP256 };
const THIRD: KeyRef = KeyRef { container: ContainerIndex::new(2), spec: KeySpec::EcdheP256 };

type Module = Driver<ClassModule>;

fn verify(driver: &mut Module, pin: &str) -> Result<()> {
    driver.call(|module, cx| module.verify_pin(cx, PinId::USER, &Pin::from(pin)))
}

fn give(driver: &mut Module) -> Result<()> {
    driver.call(|module, cx| {
        let own = module.own_properties().ok_or(Status::UnsupportedFeature)?;
        own.set(cx, "Cardmod Management Key", &[1], 0)
    })
}

fn create(driver: &mut Module, key: KeyRef, new: NewKey<'_>) -> Result<()> {
    driver.call(|module, cx| {
        let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
        creation.create_key(cx, key, new, PinId::USER)
    })
}

fn public(driver: &mut Module, key: KeyRef) -> Result<PublicKey> {
    let keys = driver.call(|module, cx| module.container_keys(cx, key.container))?;
    keys.signature.or(keys.key_exchange).ok_or(Status::NoKeyContainer)
}

fn read(driver: &mut Module, path: &FilePath) -> Result<Vec<u8>> {
    driver.call(|module, cx| module.read_file(cx, path))
}

fn write(driver: &mut Module, path: &FilePath, data: &[u8]) -> Result<()> {
    driver.call(|module, cx| {
        module.file_writing().ok_or(Status::UnsupportedFeature)?.write_file(cx, path, data)
    })
}

/// A card with keys in 9A and 9C.
fn card(flavour: PivFlavour) -> PivCardOf {
    let card = PivCardOf::new(&PivProfile { flavour, ..PivProfile::new(Pin::from(PIN), Pin::from(PUK)) });
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver, PIN).expect("the PIN");
    give(&mut driver).expect("the management key");
    for key in [FIRST, SECOND] {
        create(&mut driver, key, NewKey::Generate { bits: 256 }).expect("a key");
    }
    card.reset();
    card
}

/// Something that changes a card.
struct Deed<'a> {
    /// Does it, from the PIN on.
    work: &'a dyn Fn(&mut Module) -> Result<()>,
    /// Whether it was done, as another program sees it.
    is_done: &'a dyn Fn(&mut Module) -> bool,
}

impl Deed<'_> {
    /// Does it on a copy of the card for each trouble at each command, and again until it is done.
    fn is_done_or_not_claimed(&self, original: &PivCardOf) {
        let second = public(&mut acquire(original).expect("acquired"), SECOND).expect("a key");
        let card = original.copy();
        (self.work)(&mut acquire(&card).expect("acquired")).expect("done");
        let steps = card.commands().len();
        card.reset();
        assert!((self.is_done)(&mut acquire(&card).expect("acquired")));
        for (at, trouble) in (0..steps).flat_map(|at| every_trouble().map(move |trouble| (at, trouble))) {
            let card = original.copy();
            card.trouble(at, 1, trouble);
            let claimed = acquire(&card).and_then(|mut driver| (self.work)(&mut driver));
            let again = || {
                card.reset();
                acquire(&card).expect("acquired")
            };
            let done = (self.is_done)(&mut again());
            assert!(done || claimed.is_err() || trouble.is_lie(), "{at}: {trouble:?}: {claimed:?}");
            if !done {
                let repeated = (self.work)(&mut again()).or_else(|_| (self.work)(&mut again()));
                assert_eq!(repeated, Ok(()), "{at}: {trouble:?}: {claimed:?}");
                assert!((self.is_done)(&mut again()), "{at}: {trouble:?}");
            }
            let kept = match public(&mut again(), SECOND) {
                Err(Status::NoKeyContainer) if trouble.denies() => in_slot_of_second(&card),
                shown => shown,
            };
            assert_eq!(kept.as_ref(), Ok(&second), "{at}: {trouble:?}: the other key");
        }
    }
}

/// What the card itself says of the key in 9C.
fn in_slot_of_second(card: &PivCardOf) -> Result<PublicKey> {
    card.reset();
    let (mut state, mut channel) = (PivState::new(), card.clone());
    let metadata = state.on(&mut channel).metadata(Slot::Signature.reference()).expect("metadata");
    match metadata.and_then(|metadata| metadata.public_key) {
        Some(SlotKey::Ec(key)) => Ok(PublicKey::Ec(key)),
        other => panic!("another key: {other:?}"),
    }
}

fn for_each_flavour(deed: &Deed<'_>) {
    for flavour in [PivFlavour::Standard, PivFlavour::YubiKey] {
        deed.is_done_or_not_claimed(&card(flavour));
    }
}

/// Authenticated, and the key to write with at hand.
fn ready(driver: &mut Module) -> Result<()> {
    verify(driver, PIN)?;
    give(driver)
}

#[test]
fn a_key_is_imported_or_not_claimed() {
    let (key, _) = check::software_key(KeyKind::P256);
    let deed = Deed {
        work: &|driver| {
            ready(driver)?;
            create(driver, THIRD, NewKey::Import(&key))
        },
        is_done: &|driver| public(driver, THIRD) == Ok(key.public()),
    };
    deed.is_done_or_not_claimed(&card(PivFlavour::YubiKey));
}

#[test]
fn a_container_is_deleted_or_there() {
    for_each_flavour(&Deed {
        work: &|driver| {
            ready(driver)?;
            driver.call(|module, cx| {
                let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
                creation.delete_container(cx, FIRST.container)
            })
        },
        is_done: &|driver| public(driver, FIRST) == Err(Status::NoKeyContainer),
    });
}

#[test]
fn a_name_is_written_or_not_claimed() {
    let renamed = |driver: &mut Module| -> Result<ContainerMap> {
        let map = ContainerMap::parse(&read(driver, &FilePath::cmapfile())?);
        Ok(map.expect("a map of our own making"))
    };
    let deed = Deed {
        work: &|driver| {
            ready(driver)?;
            let mut map = renamed(driver)?;
            let mut record = ContainerRecord::new(ContainerName::parse("renamed").expect("a name"));
            record.signature_bits = 256;
            map.set(FIRST.container, Some(record)).expect("a record");
            write(driver, &FilePath::cmapfile(), &map.to_bytes())
        },
        is_done: &|driver| {
            let map = renamed(driver).expect("a map");
            map.get(FIRST.container).is_some_and(|record| record.name.as_str() == "renamed")
        },
    };
    deed.is_done_or_not_claimed(&card(PivFlavour::YubiKey));
}

#[test]
fn a_pin_is_changed_or_the_old_one_is_good() {
    let change = |driver: &mut Module, role: u32, old: &str| {
        let role = PinId::try_from(role).expect("a role");
        driver.call(|module, cx| {
            let pins = module.pin_administration().ok_or(Status::UnsupportedFeature)?;
            pins.change_pin(cx, role, &Pin::from(old), role, &Pin::from(NEW))
        })
    };
    let unblock = |driver: &mut Module, puk: &str| {
        let (role, puk) = (PinId::try_from(4).expect("a role"), Pin::from(puk));
        driver.call(|module, cx| {
            let pins = module.pin_administration().ok_or(Status::UnsupportedFeature)?;
            let authority = UnblockAuthority::Secret(role, &puk);
            pins.unblock_pin(cx, authority, PinId::USER, &Pin::from(NEW), None)
        })
    };
    let has_new = |driver: &mut Module| {
        let is_new = verify(driver, NEW).is_ok();
        assert!(is_new || verify(driver, PIN).is_ok(), "neither PIN is good");
        is_new
    };
    for_each_flavour(&Deed { work: &|driver| change(driver, 1, PIN), is_done: &has_new });
    for_each_flavour(&Deed { work: &|driver| unblock(driver, PUK), is_done: &has_new });
    for_each_flavour(&Deed {
        work: &|driver| change(driver, 4, PUK),
        is_done: &|driver| unblock(driver, NEW).is_ok(),
    });
}

#[test]
fn the_administrator_is_one_or_not() {
    let respond = |driver: &mut Module, key: &[u8; 24], new: Option<&[u8; 24]>| {
        give(driver)?;
        driver.call(|module, cx| {
            let administrator = module.admin_authentication().ok_or(Status::UnsupportedFeature)?;
            let challenge = administrator.challenge(cx)?;
            let response = admin::challenge_response(&SecretBytes::from(&key[..]), &challenge);
            let response = response.map_err(|_| Status::Unexpected)?;
            match new {
                Some(new) => administrator.change_key(cx, &response, &SecretBytes::from(&new[..])),
                None => administrator.authenticate(cx, &response),
            }
        })
    };
    for flavour in [PivFlavour::Standard, PivFlavour::YubiKey] {
        let work = |driver: &mut Module| respond(driver, &DEFAULT_MANAGEMENT_KEY, Some(&OTHER_KEY));
        let is_done = |driver: &mut Module| {
            let is_done = respond(driver, &OTHER_KEY, None).is_ok();
            assert!(is_done || respond(driver, &DEFAULT_MANAGEMENT_KEY, None).is_ok(), "neither key is good");
            is_done
        };
        if flavour == PivFlavour::YubiKey {
            Deed { work: &work, is_done: &is_done }.is_done_or_not_claimed(&card(flavour));
        }
        disturb(&card(flavour), |card, trouble| {
            let Ok(mut driver) = acquire(card) else { return };
            let claimed = respond(&mut driver, &DEFAULT_MANAGEMENT_KEY, None);
            assert!(claimed.is_ok() || trouble.is_some());
            card.calm();
            // Who is the administrator can make a key without the user.
            let made = create(&mut driver, FIRST, NewKey::Generate { bits: 256 });
            let is_lie = trouble.is_some_and(Trouble::is_lie);
            assert!(made.is_ok() || claimed.is_err() || is_lie, "{trouble:?}: {claimed:?}, {made:?}");
        });
    }
}

/// What the SDK has of a certificate of nobody: the card does not look.
fn certificate(key: &PublicKey) -> Vec<u8> {
    let algorithm = [0x30, 10, 6, 8, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2];
    let long =
        |tag: u8, value: &[u8]| [&[tag, 0x82][..], &(value.len() as u16).to_be_bytes(), value].concat();
    let dates = [&[0x30, 30][..], b"\x17\x0d250101000000Z\x17\x0d450101000000Z"].concat();
    let name = [0x30, 0];
    let head = [0xA0, 3, 2, 1, 2, 2, 1, 7];
    let body = [&head[..], &algorithm, &name, &dates, &name, &key.to_spki_der()].concat();
    let whole = [long(0x30, &body), algorithm.to_vec(), vec![3, 9, 0, 0x30, 6, 2, 1, 1, 2, 1, 1]].concat();
    long(0x30, &whole)
}

#[test]
fn a_certificate_is_written_or_deleted_or_not_claimed() {
    let path = FilePath::certificate(KeyHalf::Signature, FIRST.container);
    let put = |driver: &mut Module| {
        ready(driver)?;
        let der = certificate(&public(driver, FIRST)?);
        driver.call(|module, cx| {
            let files = module.file_writing().ok_or(Status::UnsupportedFeature)?;
            match files.create_file(cx, &path, 1, FileAccess::EveryoneReadUserWrite) {
                Ok(()) | Err(Status::FileExists) => files.write_file(cx, &path, &der),
                Err(status) => Err(status),
            }
        })
    };
    let is_there = |driver: &mut Module| {
        let key = public(driver, FIRST).expect("the key is there in any case");
        read(driver, &path) == Ok(certificate(&key))
    };
    for_each_flavour(&Deed { work: &put, is_done: &is_there });
    for flavour in [PivFlavour::Standard, PivFlavour::YubiKey] {
        let card = card(flavour);
        put(&mut acquire(&card).expect("acquired")).expect("a certificate");
        card.reset();
        card.commands();
        let deed = Deed {
            work: &|driver| {
                ready(driver)?;
                driver.call(|module, cx| {
                    module.file_writing().ok_or(Status::UnsupportedFeature)?.delete_file(cx, &path)
                })
            },
            is_done: &|driver| {
                public(driver, FIRST).expect("the key is there in any case");
                read(driver, &path) == Err(Status::FileNotFound)
            },
        };
        deed.is_done_or_not_claimed(&card);
    }
}

#[test]
fn a_secret_is_opened_or_agreed_rightly_or_refused() {
    let (rsa, _) = check::software_key(KeyKind::Rsa(1024));
    let PublicKey::Rsa(modulus) = rsa.public() else { panic!("an RSA key") };
    let block = [&[0, 2][..], &vec![7; modulus.modulus_len() - 9], &[0], b"secret"].concat();
    let cryptogram = check::rsa_public(&rsa.public(), &block);
    let (ec, software) = check::software_key(KeyKind::P256);
    let PublicKey::Ec(peer) = check::software_key(KeyKind::P256).0.public() else { panic!("an EC key") };
    let shared = software.ecdh(&peer.to_uncompressed()).expect("a secret");
    let exchange = KeyRef { spec: KeySpec::KeyExchange, ..THIRD };
    for (key, private) in [(exchange, &rsa), (THIRD, &ec)] {
        let card = card(PivFlavour::YubiKey);
        let mut driver = acquire(&card).expect("acquired");
        ready(&mut driver).expect("the PIN");
        create(&mut driver, key, NewKey::Import(private)).expect("a key");
        let open = |driver: &mut Module| -> Result<SecretBytes> {
            verify(driver, PIN)?;
            driver.call(|module, cx| {
                if key.spec == KeySpec::EcdheP256 {
                    module.key_agreement().ok_or(Status::UnsupportedFeature)?.agree(cx, key, &peer)
                } else {
                    let decryption = module.rsa_decryption().ok_or(Status::UnsupportedFeature)?;
                    decryption.decrypt_raw(cx, key, &cryptogram)
                }
            })
        };
        let expected = if key == THIRD { &shared[..] } else { &block };
        disturb(&card, |card, trouble| {
            match acquire(card).and_then(|mut driver| open(&mut driver)) {
                Ok(secret) => assert_eq!(secret.as_bytes(), expected, "{trouble:?}"),
                Err(status) => assert!(trouble.is_some(), "{status:?}"),
            }
            card.reset();
            open(&mut acquire(card).expect("acquired")).expect("no try was lost");
        });
    }
}
