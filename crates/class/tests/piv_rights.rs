//! Rights end with the entry that wanted them: on cards whose reset takes nothing, with another card, with another
//! management key.

#[path = "support/piv.rs"]
mod piv;

use cardmod_class::ClassModule;
use cardmod_sdk::testing::Driver;
use cardmod_sdk::{CardModule, KeyRef, NewKey, Result, SignatureInput, Status, UnblockAuthority};
use cardmod_types::{ContainerIndex, KeySpec, Pin, PinId, PinSet, SecretBytes, admin};
use cardmod_virtual::{ManagementAlgorithm, PivProfile};
use piv::{PivCardOf, Trouble, acquire};

const KEY: KeyRef = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };
const MANAGEMENT_KEY: [u8; 24] = *b"a management key of 24 b";
const OTHER_KEY: [u8; 24] = *b"another one of 24 bytes.";

fn profile() -> PivProfile {
    PivProfile { guid: Some([0x21; 16]), ..PivProfile::new(Pin::from("123456"), Pin::from("12345678")) }
}

fn verify(driver: &mut Driver<ClassModule>) {
    driver.call(|module, cx| module.verify_pin(cx, PinId::USER, &Pin::from("123456"))).expect("the PIN");
}

fn give(driver: &mut Driver<ClassModule>, key: &[u8]) {
    let value = [&[3][..], key].concat();
    let given = driver.call(|module, cx| {
        let own = module.own_properties().ok_or(Status::UnsupportedFeature)?;
        own.set(cx, "Cardmod Management Key", &value, 0)
    });
    given.expect("a key");
}

fn generate(driver: &mut Driver<ClassModule>) -> Result<()> {
    driver.call(|module, cx| {
        let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
        creation.create_key(cx, KEY, NewKey::Generate { bits: 256 }, PinId::USER)
    })
}

fn sign(driver: &mut Driver<ClassModule>) -> Result<Vec<u8>> {
    driver.call(|module, cx| module.sign(cx, KEY, &SignatureInput::Ecdsa(&[7; 32])))
}

/// Changes the management key by challenge and response, as whoever has the one before.
fn change_key(driver: &mut Driver<ClassModule>, old: &[u8; 24], new: &[u8; 24]) -> Result<()> {
    driver.call(|module, cx| {
        let administrator = module.admin_authentication().ok_or(Status::UnsupportedFeature)?;
        let challenge = administrator.challenge(cx)?;
        let response =
            admin::challenge_response(&SecretBytes::from(&old[..]), &challenge).expect("a response");
        administrator.change_key(cx, &response, &SecretBytes::from(&new[..]))
    })
}

#[test]
fn the_pin_ends_with_a_write_even_where_a_reset_takes_nothing() {
    let card = PivCardOf::new(&profile());
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver);
    generate(&mut driver).expect("a key");
    sign(&mut driver).expect("a signature");
    let ended = driver.call(|module, cx| module.deauthenticate(cx, PinSet::only(PinId::USER)));
    assert_eq!(ended, Err(Status::UnsupportedFeature), "the host resets");
    // The reset that follows has no effect; the next program comes.
    let mut next = acquire(&card).expect("acquired");
    assert_eq!(sign(&mut next), Err(Status::SecurityViolation));
}

#[test]
fn a_management_key_is_good_for_the_card_it_was_given_for() {
    let kept = |guid| PivProfile {
        guid: Some(guid),
        management_key: SecretBytes::from(&MANAGEMENT_KEY[..]),
        ..profile()
    };
    let (card, other) = (PivCardOf::new(&kept([1; 16])), PivCardOf::new(&kept([2; 16])));
    let mut driver = acquire(&card).expect("acquired");
    give(&mut driver, &MANAGEMENT_KEY);
    verify(&mut driver);
    generate(&mut driver).expect("a key");
    driver.reconnect(other.clone());
    other.commands();
    verify(&mut driver);
    assert_eq!(driver.call(|module, cx| module.read_only(cx)), Ok(true));
    assert_eq!(generate(&mut driver), Err(Status::UnsupportedFeature));
    let keyed = |command: &Vec<u8>| command[1] == 0x87 && command[3] == 0x9B;
    assert!(!other.commands().iter().any(keyed), "the other card saw nothing of the key");
    // The same card back in the reader is another matter.
    give(&mut driver, &MANAGEMENT_KEY);
    other.reset();
    driver.reconnect(other.clone());
    verify(&mut driver);
    generate(&mut driver).expect("a key");
}

#[test]
fn a_new_management_key_replaces_its_copy_behind_the_pin() {
    let card = PivCardOf::new(&PivProfile {
        protect_management_key: true,
        management_key: SecretBytes::from(&MANAGEMENT_KEY[..]),
        management_algorithm: ManagementAlgorithm::TripleDes,
        ..profile()
    });
    let mut driver = acquire(&card).expect("acquired");
    let without_pin = change_key(&mut driver, &MANAGEMENT_KEY, &OTHER_KEY);
    assert_eq!(without_pin, Err(Status::SecurityViolation), "the copy cannot be replaced");
    card.reset();
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver);
    change_key(&mut driver, &MANAGEMENT_KEY, &OTHER_KEY).expect("changed");
    card.reset();
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver);
    generate(&mut driver).expect("the copy is of the new key");
    card.reset();
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver);
    give(&mut driver, &OTHER_KEY);
    driver
        .call(|module, cx| {
            let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
            creation.delete_container(cx, KEY.container)
        })
        .expect("the card's key is the new one");
}

#[test]
fn a_pin_is_unblocked_on_a_card_that_cannot_log_out() {
    let card = PivCardOf::new(&profile());
    let puk = PinId::try_from(4).expect("a role");
    let unblock = |driver: &mut Driver<ClassModule>| {
        driver.call(|module, cx| {
            let pins = module.pin_administration().ok_or(Status::UnsupportedFeature)?;
            let (puk, new) = (UnblockAuthority::Secret(puk, &Pin::from("12345678")), Pin::from("123456"));
            pins.unblock_pin(cx, puk, PinId::USER, &new, None)
        })
    };
    let mut driver = acquire(&card).expect("acquired");
    card.commands();
    unblock(&mut driver).expect("unblocked");
    let sent = card.commands();
    let at = sent.iter().position(|command| command[1..3] == [0x20, 0xFF]).expect("a log-out");
    card.reset();
    let mut driver = acquire(&card).expect("acquired");
    card.trouble(at, 1, Trouble::Status(0x6A86));
    unblock(&mut driver).expect("the PIN is new, whatever becomes of the right");
    card.calm();
    let ended = driver.call(|module, cx| module.deauthenticate(cx, PinSet::only(PinId::USER)));
    assert_eq!(ended, Err(Status::UnsupportedFeature), "the host resets");
}
