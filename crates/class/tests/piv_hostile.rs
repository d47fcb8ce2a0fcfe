//! PIV cards that answer anything at any step: nothing panics, no PIN goes astray, and what is claimed is so.

#[path = "support/piv.rs"]
mod piv;

use cardmod_class::ClassModule;
use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_sdk::testing::{Driver, Surroundings};
use cardmod_sdk::{CardModule, KeyRef, NewKey, Result, SignatureInput, Status};
use cardmod_types::{CardApplication, ContainerIndex, ContainerMap, FilePath, KeySpec, Pin, PinId};
use cardmod_virtual::{PivFlavour, PivProfile};
use piv::{PivCardOf, Trouble, acquire};
use zeroize::Zeroizing;

const PIN: &[u8] = b"123456";
const KEY: KeyRef = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };
const ALWAYS: KeyRef = KeyRef { container: ContainerIndex::new(1), spec: KeySpec::EcdsaP256 };

/// What cards answer, rightly or not, and what none should.
const STATUSES: [u16; 30] = [
    0x9000, 0x6100, 0x61FF, 0x6200, 0x6281, 0x6283, 0x6285, 0x6300, 0x63C0, 0x63C2, 0x6400, 0x6581, 0x6700,
    0x6881, 0x6882, 0x6900, 0x6982, 0x6983, 0x6984, 0x6985, 0x6986, 0x6999, 0x6A80, 0x6A81, 0x6A82, 0x6A84,
    0x6A86, 0x6A88, 0x6C10, 0x6D00,
];
const ANSWERS: [&[u8]; 9] = [
    &[],
    &[0x90],
    &[0x53, 0x90, 0x00],
    &[0x53, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 0x90, 0x00],
    &[0x53, 0x00, 0x90, 0x00],
    &[0x7C, 0x02, 0x82, 0x00, 0x90, 0x00],
    &[0x53, 0x02, 0x70, 0x7F, 0x90, 0x00],
    &[0xFF; 64],
    &[0x7F, 0x49, 0x02, 0x86, 0x00, 0x90, 0x00],
];
const LOSSES: [u32; 3] = [0x8010_0068, 0x8010_0069, 0x8010_002F];

fn every_trouble() -> impl Iterator<Item = Trouble> {
    let statuses = STATUSES.into_iter().chain([0x6E00, 0x6F00, 0xFFFF, 0x0000]).map(Trouble::Status);
    statuses.chain(ANSWERS.map(Trouble::Bytes)).chain(LOSSES.map(Trouble::Lost))
}

fn profile(flavour: PivFlavour) -> PivProfile {
    PivProfile { flavour, ..PivProfile::new(Pin::from(PIN), Pin::from(&b"12345678"[..])) }
}

type Module = Driver<ClassModule>;

fn verify(driver: &mut Module, role: u32) -> Result<()> {
    let role = PinId::try_from(role).expect("a role");
    driver.call(|module, cx| module.verify_pin(cx, role, &Pin::from(PIN)))
}

fn generate(driver: &mut Module, key: KeyRef) -> Result<()> {
    if let Some(own) = driver.module().own_properties() {
        assert!(own.has("Cardmod Place"));
    }
    driver.call(|module, cx| {
        if let Some(own) = module.own_properties() {
            own.set(cx, "Cardmod Management Key", &[1], 0)?;
        }
        let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
        creation.create_key(cx, key, NewKey::Generate { bits: 256 }, PinId::USER)
    })
}

fn sign(driver: &mut Module, key: KeyRef) -> Result<Vec<u8>> {
    driver.call(|module, cx| module.sign(cx, key, &SignatureInput::Ecdsa(&[7; 32])))
}

fn list(driver: &mut Module) -> Result<ContainerMap> {
    let file = driver.call(|module, cx| module.read_file(cx, &FilePath::cmapfile()))?;
    Ok(ContainerMap::parse(&file).expect("a map of our own making"))
}

/// A card with a key in 9A and one in 9C.
fn card(flavour: PivFlavour) -> PivCardOf {
    let card = PivCardOf::new(&profile(flavour));
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver, 1).expect("the PIN");
    generate(&mut driver, KEY).expect("a key");
    generate(&mut driver, ALWAYS).expect("a key");
    card.reset();
    card.commands();
    card
}

/// Runs a job with every trouble at every one of its commands.
fn disturb(card: &PivCardOf, job: impl Fn(&PivCardOf, Option<Trouble>)) {
    card.reset();
    card.commands();
    job(card, None);
    let steps = card.commands().len();
    assert!(steps > 1);
    for at in 0..steps {
        for trouble in every_trouble() {
            for count in [1, 3] {
                card.reset();
                card.trouble(at, count, trouble);
                job(card, Some(trouble));
            }
        }
    }
    card.reset();
}

#[test]
fn a_list_is_right_or_refused() {
    for flavour in [PivFlavour::Standard, PivFlavour::YubiKey] {
        disturb(&card(flavour), |card, trouble| {
            let Ok(mut driver) = acquire(card) else {
                assert!(trouble.is_some());
                return;
            };
            let listed = list(&mut driver);
            card.calm();
            // Whatever was hidden by the trouble is back when it is over.
            let again = driver.call(|module, _| {
                module.forget_content();
                Ok(())
            });
            again.expect("nothing to fail");
            let whole = list(&mut driver).unwrap_or_else(|status| panic!("{trouble:?}: {status:?}"));
            assert_eq!(whole.iter().count(), 2, "{trouble:?}");
            if let Ok(listed) = listed {
                assert!(listed.iter().count() <= 2, "{trouble:?}");
            }
        });
    }
}

#[test]
fn a_signature_is_made_or_refused() {
    for key in [KEY, ALWAYS] {
        disturb(&card(PivFlavour::YubiKey), |card, trouble| {
            let Ok(mut driver) = acquire(card) else { return };
            let role = if key == ALWAYS { 3 } else { 1 };
            let verified = verify(&mut driver, role);
            let signed = verified.and_then(|()| sign(&mut driver, key));
            match &signed {
                Ok(signature) => assert_eq!(signature.len(), 64, "{trouble:?}"),
                Err(_) => assert!(trouble.is_some()),
            }
            // The next program finds the card as it was.
            card.reset();
            let mut driver = acquire(card).expect("acquired");
            verify(&mut driver, role).expect("no try was lost");
            sign(&mut driver, key).expect("a signature");
        });
    }
}

#[test]
fn a_key_is_made_or_not_claimed() {
    let third = KeyRef { container: ContainerIndex::new(2), spec: KeySpec::EcdheP256 };
    for flavour in [PivFlavour::Standard, PivFlavour::YubiKey] {
        let profile = profile(flavour);
        let fresh = || {
            let card = PivCardOf::new(&profile);
            card.commands();
            card
        };
        let job = |card: &PivCardOf| -> Result<()> {
            let mut driver = acquire(card)?;
            verify(&mut driver, 1)?;
            generate(&mut driver, third)
        };
        let card = fresh();
        job(&card).expect("a key");
        let steps = card.commands().len();
        for at in 0..steps {
            for trouble in every_trouble() {
                let card = fresh();
                card.trouble(at, 1, trouble);
                let made = job(&card);
                card.reset();
                let mut next = acquire(&card).expect("acquired");
                let listed = list(&mut next).expect("a list");
                let record = listed.get(third.container);
                // Who says yes and does nothing is believed, for want of anybody else to ask.
                let lie = matches!(trouble, Trouble::Status(0x9000 | 0x6100..=0x62FF));
                if made.is_ok() && !lie {
                    assert_eq!(record.map(|record| record.key_exchange_bits), Some(256), "{at}: {trouble:?}");
                }
                // Whatever was left, a key can be made there in the end.
                verify(&mut next, 1).expect("no try was lost");
                if made.is_err() && record.is_none_or(|record| record.key_exchange_bits == 0) {
                    generate(&mut next, third)
                        .or_else(|_| generate(&mut next, third))
                        .unwrap_or_else(|status| panic!("{at}: {trouble:?}: {status:?}"));
                }
            }
        }
    }
}

/// A card that answers everything with the same bytes.
struct Same(Vec<u8>);

impl CardChannel for Same {
    fn transmit(&mut self, _: &[u8]) -> core::result::Result<Zeroizing<Vec<u8>>, TransportError> {
        Ok(Zeroizing::new(self.0.clone()))
    }
}

#[test]
fn what_is_neither_is_unknown() {
    // 6285 is a terminated application, which GIDS shows as far as it still answers.
    let refusal =
        |status: &u16| !matches!(status, 0x6100..=0x61FF | 0x6C00..=0x6CFF | 0x9000..=0x90FF | 0x6285);
    for status in (0..=u16::MAX).filter(refusal) {
        let answer = Same(status.to_be_bytes().to_vec());
        let acquired = Driver::<ClassModule>::acquire(answer, Surroundings::default());
        assert_eq!(acquired.err(), Some(Status::UnknownCard), "{status:04X}");
    }
    // A card that says yes to everything and has nothing of PIV, and one that never comes to an end.
    for answer in [&[0x90, 0x00][..], &[0xFF, 0xFF, 0x90, 0x00], &[0x61, 0x01], &[0x61, 0x00], &[0x6C, 0x01]]
    {
        let card_name = CardApplication::Piv.card_name().to_owned();
        let around = Surroundings { card_name, ..Surroundings::default() };
        let acquired = Driver::<ClassModule>::acquire(Same(answer.to_vec()), around);
        assert!(acquired.is_err(), "{answer:02X?}");
    }
}
