//! PIV cards that answer anything at any step: nothing panics, no PIN goes astray, and what is claimed is so.

#[allow(unreachable_pub, dead_code, reason = "made for another kind of test, too")]
#[path = "table/check.rs"]
mod check;
#[path = "support/piv.rs"]
mod piv;
#[path = "support/trouble.rs"]
mod trouble;

use cardmod_class::ClassModule;
use cardmod_iso7816::{CardChannel, TransportError};
use cardmod_sdk::testing::{Driver, Surroundings};
use cardmod_sdk::{CardModule, KeyRef, NewKey, Result, SignatureInput, Status};
use cardmod_types::{
    CardApplication, ContainerIndex, ContainerMap, FilePath, KeySpec, Pin, PinId, PublicKey,
};
use cardmod_virtual::{PivFlavour, PivProfile};
use piv::{PivCardOf, Trouble, acquire};
use trouble::{disturb, every_trouble};
use zeroize::Zeroizing;

const PIN: &[u8] = b"123456";
const KEY: KeyRef = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };
const ALWAYS: KeyRef = KeyRef { container: ContainerIndex::new(1), spec: KeySpec::EcdsaP256 };

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

/// A key for the container of index 4, in a place that is not its own.
fn generate_in(driver: &mut Module, place: &str) -> Result<()> {
    driver.call(|module, cx| {
        let own = module.own_properties().ok_or(Status::UnsupportedFeature)?;
        own.set(cx, "Cardmod Management Key", &[1], 0)?;
        own.set(cx, "Cardmod Place", place.as_bytes(), 0)
    })?;
    generate(driver, KeyRef { container: ContainerIndex::new(4), ..KEY })
}

fn sign(driver: &mut Module, key: KeyRef) -> Result<Vec<u8>> {
    driver.call(|module, cx| module.sign(cx, key, &SignatureInput::Ecdsa(&[7; 32])))
}

fn public(driver: &mut Module, key: KeyRef) -> PublicKey {
    let keys = driver.call(|module, cx| module.container_keys(cx, key.container)).expect("keys");
    keys.signature.expect("a key")
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
                let hidden = 2 - listed.iter().count();
                assert!(
                    hidden == 0 || trouble.is_some_and(is_about_an_object),
                    "{trouble:?}: {hidden} hidden"
                );
            }
        });
    }
}

/// What hides a container, since it may be about that one object: any refusal, and nonsense in it. What is hidden
/// is kept all the same, see below. A lost connection hides nothing.
fn is_about_an_object(trouble: Trouble) -> bool {
    matches!(trouble, Trouble::Status(_) | Trouble::Bytes(_))
}

#[test]
fn a_key_that_cannot_be_read_is_not_overwritten() {
    let original = card(PivFlavour::YubiKey);
    let key = public(&mut acquire(&original).expect("acquired"), KEY);
    disturb(&original, |card, trouble| {
        let Ok(mut driver) = acquire(card) else { return };
        // What another container's new key may not take.
        let made = verify(&mut driver, 1).and_then(|()| generate_in(&mut driver, "9a"));
        assert!(made.is_err(), "{trouble:?}");
        card.reset();
        assert_eq!(public(&mut acquire(card).expect("acquired"), KEY), key, "{trouble:?}");
    });
}

#[test]
fn a_signature_is_made_or_refused() {
    for key in [KEY, ALWAYS] {
        let card = card(PivFlavour::YubiKey);
        let public = public(&mut acquire(&card).expect("acquired"), key);
        disturb(&card, |card, trouble| {
            let Ok(mut driver) = acquire(card) else { return };
            let role = if key == ALWAYS { 3 } else { 1 };
            let verified = verify(&mut driver, role);
            let signed = verified.and_then(|()| sign(&mut driver, key));
            match &signed {
                Ok(signature) => assert!(check::ecdsa_is_right(&public, &[7; 32], signature), "{trouble:?}"),
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
                if made.is_ok() && !trouble.is_lie() {
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
