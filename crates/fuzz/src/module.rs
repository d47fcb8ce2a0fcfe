//! The class module, whole, over a card that is tampered with: some operations in a row, as a host asks for them.
//!
//! What must hold whatever comes back: every operation returns, after a bounded number of commands; no PIN goes
//! out before the application is known (`tamper.rs` asserts it); what is answered keeps the lengths it promises.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use cardmod_class::ClassModule;
use cardmod_gids::{GidsState, Personalisation};
use cardmod_host::x509;
use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_sdk::testing::{Driver, Surroundings};
use cardmod_sdk::{
    CardModule, KeyRef, MANAGEMENT_KEY_PROPERTY, NewKey, SignatureInput, Status, UnblockAuthority,
};
use cardmod_types::{
    CardId, ContainerIndex, EcCurve, EcPublicKey, FileAccess, FilePath, KeyHalf, KeySpec, Pin, PinId, PinSet,
    PrivateKey, SecretBytes,
};
use cardmod_virtual::{Card, CardOptions, PivFlavour, PivProfile};
use zeroize::Zeroizing;

use crate::Target;
use crate::parsers::{BUNDLE, CERTIFICATE};
use crate::source::Source;
use crate::tamper::{Ports, Tampered};

const PIN: &[u8] = b"123456";
const PUK: &[u8] = b"12345678";
/// Longest file a card of ours could hand out.
const MOST_FILE: usize = 1 << 16;
/// Commands of one run: far more than its operations need, far fewer than "for ever".
const MOST_COMMANDS: usize = 60_000;

pub(crate) const TARGETS: &[Target] = &[
    Target {
        name: "gids_module",
        shows: "the class module over hostile GIDS cards",
        run: gids,
        seeds,
        mutations: 5000,
    },
    Target {
        name: "piv_module",
        shows: "the class module over hostile PIV cards",
        run: piv,
        seeds,
        mutations: 5000,
    },
    Target {
        name: "standard_piv_module",
        shows: "the class module over hostile PIV cards without a vendor's commands and objects",
        run: |data| run(standard_piv_card(), piv_card(), data),
        seeds,
        mutations: 3000,
    },
    Target {
        name: "swapped_module",
        shows: "the class module while a PIV card becomes another one, or a GIDS card",
        run: |data| {
            let gids_next = data.first().is_some_and(|setting| setting & 0x20 != 0);
            run(piv_card(), if gids_next { gids_card() } else { standard_piv_card() }, data);
        },
        seeds,
        mutations: 3000,
    },
];

/// A card in memory; clones lead to the same one.
#[derive(Clone)]
struct Shared(Arc<Mutex<(Card, Ports)>>);

impl Shared {
    fn new(card: Card) -> Self {
        Self(Arc::new(Mutex::new((card, Ports::default()))))
    }

    fn state(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.persistent_state().to_vec()
    }
}

impl CardChannel for Shared {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let mut inside = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (card, ports) = &mut *inside;
        card.process(ports, command).map_err(|_| TransportError { code: 0x8010_0013 })
    }
}

/// A GIDS card with a P-256 key and a file in the place of its certificate.
fn gids_card() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| {
        let card = Shared::new(Card::blank(CardOptions::default(), false));
        let profile = Personalisation {
            pin: pin(PIN),
            puk: Some(pin(PUK)),
            admin_key: SecretBytes::new(vec![0x31; 24]),
            card_id: CardId([7; 16]),
        };
        GidsState::new().on(&mut card.clone()).personalise(&profile).expect("personalised");
        equip(&card);
        card.state()
    })
}

/// A PIV card with the same.
fn piv_card() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| equipped_piv(PivFlavour::YubiKey))
}

/// The same without anything beyond the standard: no metadata, no stored map.
fn standard_piv_card() -> &'static [u8] {
    static STATE: OnceLock<Vec<u8>> = OnceLock::new();
    STATE.get_or_init(|| equipped_piv(PivFlavour::Standard))
}

fn equipped_piv(flavour: PivFlavour) -> Vec<u8> {
    let mut profile = PivProfile::new(pin(PIN), pin(PUK));
    profile.flavour = flavour;
    let card = Shared::new(Card::piv(&profile).expect("a sound profile"));
    equip(&card);
    card.state()
}

/// Makes what the operations look for: a key in container 0, and its certificate's file. Where no key can be
/// imported one is generated, which has no certificate.
fn equip(card: &Shared) {
    let mut driver = Driver::<ClassModule>::acquire(card.clone(), Surroundings::default()).expect("acquired");
    use_default_management_key(&mut driver);
    let key = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };
    let path = FilePath::certificate(KeyHalf::Signature, key.container);
    let made = driver.call(|module, cx| {
        module.verify_pin(cx, PinId::USER, &pin(PIN))?;
        let creation = module.container_creation().expect("keys can be made");
        match creation.create_key(cx, key, NewKey::Import(&certified_key()), PinId::USER) {
            Err(Status::UnsupportedFeature) => {
                return creation.create_key(cx, key, NewKey::Generate { bits: 256 }, PinId::USER);
            }
            imported => imported?,
        }
        let files = module.file_writing().expect("files can be written");
        files.create_file(cx, &path, 500, FileAccess::EveryoneReadUserWrite)?;
        files.write_file(cx, &path, CERTIFICATE)
    });
    made.expect("a key and a file");
}

/// The management key is the one every card of its kind begins with; GIDS cards have none.
fn use_default_management_key(driver: &mut Driver<ClassModule>) {
    const DEFAULT: &[u8] = &[1];
    let _ = driver.call(|module, cx| match module.own_properties() {
        Some(properties) if properties.has(MANAGEMENT_KEY_PROPERTY) => {
            properties.set(cx, MANAGEMENT_KEY_PROPERTY, DEFAULT, 0)
        }
        _ => Ok(()),
    });
}

/// The key of [`CERTIFICATE`].
fn certified_key() -> PrivateKey {
    let mut bundle = x509::read_pkcs12(BUNDLE, "password").expect("a file of openssl's");
    bundle.keys.remove(0).key
}

fn gids(data: &[u8]) {
    run(gids_card(), gids_card(), data);
}

fn piv(data: &[u8]) {
    run(piv_card(), piv_card(), data);
}

/// The first bytes say which operations, the others what becomes of the answers.
fn run(state: &[u8], other: &[u8], data: &[u8]) {
    let mut source = Source::new(data);
    let setting = source.byte();
    let operations = source.bytes(usize::from(setting & 7)).to_vec();
    let load = |state| Card::load(state).expect("a state just made");
    let card = Tampered::new(load(state), load(other), source.rest(), setting & 8 != 0);
    let Ok(mut driver) = Driver::<ClassModule>::acquire(card.clone(), Surroundings::default()) else {
        return;
    };
    if setting & 0x10 != 0 {
        use_default_management_key(&mut driver);
    }
    for (serial, operation) in (1..).zip(&operations) {
        if operation & 0x80 != 0 {
            driver.vouch(serial);
        }
        operate(&mut driver, operation & 0x7F);
        assert!(card.commands() <= MOST_COMMANDS, "{} commands", card.commands());
    }
}

/// One entry of the module; refusals are as good as answers.
fn operate(driver: &mut Driver<ClassModule>, operation: u8) {
    match operation % 4 {
        0 => look(driver, operation / 4),
        1 => use_key(driver, operation / 4),
        2 => use_pin(driver, operation / 4),
        _ => change(driver, operation / 4),
    }
}

fn look(driver: &mut Driver<ClassModule>, which: u8) {
    let index = ContainerIndex::new(which / 16);
    let _ = driver.call(|module, cx| match which % 16 {
        0 => module.card_id(cx).map(drop),
        1 => module.capabilities(cx).map(drop),
        2 => module.free_space(cx).map(drop),
        3 => module.key_sizes(cx, KeySpec::EcdsaP256).map(drop),
        4 => module.read_only(cx).map(drop),
        5 => module.pin_list(cx).map(drop),
        6 => module.pin_info(cx, PinId::USER).map(drop),
        7 => module.authenticated(cx).map(drop),
        8 => module.tries_left(cx, PinId::USER).map(drop),
        9 => module.container_keys(cx, index).map(drop),
        10 => module.container_pin(cx, index).map(drop),
        11 => module.read_file(cx, &FilePath::cmapfile()).map(drop),
        12 => module.read_file(cx, &certificate(index)).map(|file| assert!(file.len() <= MOST_FILE)),
        13 => module.list_files(cx, None).map(drop),
        14 => module.file_info(cx, &certificate(index)).map(drop),
        _ => module.read_file(cx, &FilePath::cardcf()).map(drop),
    });
}

fn use_key(driver: &mut Driver<ClassModule>, which: u8) {
    let container = ContainerIndex::new(which / 8);
    let ec = KeyRef { container, spec: KeySpec::EcdsaP256 };
    let rsa = KeyRef { container, spec: KeySpec::KeyExchange };
    let _ = driver.call(|module, cx| match which % 8 {
        0..=2 => {
            let signature = module.sign(cx, ec, &SignatureInput::Ecdsa(&[0x5A; 32]))?;
            assert_eq!(signature.len(), 64, "r and s of P-256");
            Ok(())
        }
        3 => module.sign(cx, rsa, &SignatureInput::Pkcs1(&[0x5A; 51])).map(drop),
        4 => module.sign(cx, rsa, &SignatureInput::RawRsa(&[0x5A; 256])).map(drop),
        5 => module
            .rsa_decryption()
            .map_or(Ok(()), |rsa_key| rsa_key.decrypt_raw(cx, rsa, &[0x5A; 256]).map(drop)),
        _ => {
            let peer = EcPublicKey::new(EcCurve::P256, &[3; 32], &[4; 32]).expect("two coordinates");
            let agreement = KeyRef { container, spec: KeySpec::EcdheP256 };
            module.key_agreement().map_or(Ok(()), |key| key.agree(cx, agreement, &peer).map(drop))
        }
    });
}

fn use_pin(driver: &mut Driver<ClassModule>, which: u8) {
    let _ = driver.call(|module, cx| match which % 8 {
        0..=2 => module.verify_pin(cx, PinId::USER, &pin(PIN)),
        3 => module.verify_pin(cx, PinId::USER, &pin(b"999999")),
        4 => module.deauthenticate(cx, PinSet::only(PinId::USER)),
        5 => module
            .pin_administration()
            .map_or(Ok(()), |pins| pins.change_pin(cx, PinId::USER, &pin(PIN), PinId::USER, &pin(b"654321"))),
        6 => module.pin_administration().map_or(Ok(()), |pins| {
            let role = PinId::try_from(3 + u32::from(which & 1)).expect("a role");
            let puk = pin(PUK);
            pins.unblock_pin(cx, UnblockAuthority::Secret(role, &puk), PinId::USER, &pin(PIN), None)
        }),
        _ => module.admin_authentication().map_or(Ok(()), |admin| {
            let challenge = admin.challenge(cx)?;
            admin.authenticate(cx, &challenge)
        }),
    });
}

fn change(driver: &mut Driver<ClassModule>, which: u8) {
    let index = ContainerIndex::new(which / 8 % 3);
    let _ = driver.call(|module, cx| match which % 8 {
        0 | 1 => module.container_creation().map_or(Ok(()), |keys| {
            let key = KeyRef { container: index, spec: KeySpec::EcdsaP256 };
            keys.create_key(cx, key, NewKey::Generate { bits: 256 }, PinId::USER)
        }),
        2 => module.container_creation().map_or(Ok(()), |keys| keys.delete_container(cx, index)),
        3 => module.file_writing().map_or(Ok(()), |files| {
            files.create_file(cx, &certificate(index), 20, FileAccess::EveryoneReadUserWrite)
        }),
        4 | 5 => module
            .file_writing()
            .map_or(Ok(()), |files| files.write_file(cx, &certificate(index), &[0x30; 600])),
        6 => module.file_writing().map_or(Ok(()), |files| files.delete_file(cx, &certificate(index))),
        _ => {
            module.connection_lost();
            Ok(())
        }
    });
}

fn certificate(index: ContainerIndex) -> FilePath {
    FilePath::certificate(KeyHalf::Signature, index)
}

fn pin(text: &[u8]) -> Pin {
    Pin::new(text.to_vec())
}

/// Every group of operations once, undisturbed, and with a disturbance in the middle.
fn seeds() -> Vec<Vec<u8>> {
    vec![
        vec![6, 0x2C, 0x24, 0x82, 0x01, 0x81, 0x12],
        vec![6, 0x82, 0x83, 0x8F, 0x93, 0x24, 0x0B, 0, 0, 0, 6, 0],
        vec![14, 0x30, 0x82, 0x85, 0x96, 0x9A, 0x1E, 0, 0, 2, 7, 0, 0, 5, 200],
        vec![0x16, 0x82, 0x83, 0x8F, 0x93, 0x24, 0x0B, 0, 0, 0, 0, 0, 12, 7],
        vec![5, 0x82, 0x81, 0x7F, 0x02, 0x01, 0, 0, 0, 7, 0, 0, 10],
    ]
}
