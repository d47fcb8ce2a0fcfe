//! Which PIN a card is asked for: the global one where it comes first, typed here or at the reader's keypad; and
//! never what an earlier card in the reader said of that.

#[path = "support/piv.rs"]
mod piv;

use cardmod_class::ClassModule;
use cardmod_iso7816::{
    CardChannel, EntryRequest, Limits, PinEntry, PinEntryError, SecretForm, StatusWord, TransportError,
};
use cardmod_sdk::testing::{Driver, Surroundings};
use cardmod_sdk::{CardModule, KeyRef, NewKey, Result, SignatureInput, Status, UnblockAuthority};
use cardmod_types::{CardApplication, ContainerIndex, KeySpec, Pin, PinId, PinSet};
use cardmod_virtual::PivProfile;
use piv::{PivCardOf, acquire};
use zeroize::Zeroizing;

const PIN: &str = "123456";
const GLOBAL: &str = "98765432";
const NEW: &str = "24681357";
const PUK: &str = "12345678";
const KEY: KeyRef = KeyRef { container: ContainerIndex::new(0), spec: KeySpec::EcdsaP256 };

type Module = Driver<ClassModule>;

/// A card that wants its own PIN.
fn own(guid: u8) -> PivCardOf {
    PivCardOf::new(&PivProfile { guid: Some([guid; 16]), ..PivProfile::new(Pin::from(PIN), Pin::from(PUK)) })
}

/// A card that wants the global PIN.
fn global(guid: u8) -> PivCardOf {
    PivCardOf::new(&PivProfile {
        guid: Some([guid; 16]),
        global_pin: Some(Pin::from(GLOBAL)),
        global_pin_first: true,
        ..PivProfile::new(Pin::from(PIN), Pin::from(PUK))
    })
}

/// A reader whose keypad has these digits typed, whatever it asks for.
struct Keypad {
    card: PivCardOf,
    pin: &'static str,
    new: &'static str,
}

impl CardChannel for Keypad {
    fn transmit(&mut self, command: &[u8]) -> core::result::Result<Zeroizing<Vec<u8>>, TransportError> {
        self.card.transmit(command)
    }

    fn limits(&self) -> Limits {
        self.card.limits()
    }

    fn pin_entry(&mut self) -> Option<&mut dyn PinEntry> {
        Some(self)
    }
}

impl Keypad {
    fn send(
        &mut self,
        request: &EntryRequest,
        typed: &[&str],
    ) -> core::result::Result<StatusWord, PinEntryError> {
        let mut command = request.header.to_vec();
        command.push(8 * typed.len() as u8);
        for digits in typed {
            let mut block = request.form.template();
            block[..digits.len()].copy_from_slice(digits.as_bytes());
            command.extend(block);
        }
        let answer = self.card.transmit(&command).map_err(PinEntryError::Transport)?;
        Ok(StatusWord::from(u16::from_be_bytes([answer[0], answer[1]])))
    }
}

impl PinEntry for Keypad {
    fn verifies(&self, _: SecretForm) -> bool {
        true
    }

    fn modifies(&self, _: SecretForm) -> bool {
        true
    }

    fn verify(&mut self, request: &EntryRequest) -> core::result::Result<StatusWord, PinEntryError> {
        self.send(request, &[self.pin])
    }

    fn modify(&mut self, request: &EntryRequest) -> core::result::Result<StatusWord, PinEntryError> {
        self.send(request, &[self.pin, self.new])
    }
}

fn at_keypad(card: &PivCardOf, pin: &'static str) -> Keypad {
    Keypad { card: card.clone(), pin, new: NEW }
}

fn acquire_at_keypad(card: &PivCardOf, pin: &'static str) -> Module {
    let card_name = CardApplication::Piv.card_name().to_owned();
    Driver::acquire(at_keypad(card, pin), Surroundings { card_name, ..Surroundings::default() })
        .expect("acquired")
}

fn verify(driver: &mut Module, pin: &str) -> Result<()> {
    driver.call(|module, cx| module.verify_pin(cx, PinId::USER, &Pin::from(pin)))
}

fn change(driver: &mut Module, role: PinId, old: &str, new: &str) -> Result<()> {
    driver.call(|module, cx| {
        let administration = module.pin_administration().ok_or(Status::UnsupportedFeature)?;
        administration.change_pin(cx, role, &Pin::from(old), role, &Pin::from(new))
    })
}

fn unblock(driver: &mut Module, puk: &str, new: &str) -> Result<()> {
    driver.call(|module, cx| {
        let administration = module.pin_administration().ok_or(Status::UnsupportedFeature)?;
        let (puk, new) = (Pin::from(puk), Pin::from(new));
        administration.unblock_pin(cx, UnblockAuthority::Secret(self::puk(), &puk), PinId::USER, &new, None)
    })
}

fn type_pin(driver: &mut Module) -> Result<()> {
    driver.call(|module, cx| {
        let entry = module.secure_pin_entry().ok_or(Status::UnsupportedFeature)?;
        entry.verify_external(cx, PinId::USER, false, None).map(drop)
    })
}

fn type_new_pin(driver: &mut Module) -> Result<()> {
    driver.call(|module, cx| {
        let entry = module.secure_pin_entry().ok_or(Status::UnsupportedFeature)?;
        entry.change_external(cx, PinId::USER)
    })
}

fn tries(driver: &mut Module) -> Result<Option<u32>> {
    driver.call(|module, cx| module.tries_left(cx, PinId::USER))
}

fn puk() -> PinId {
    PinId::try_from(4).expect("a role")
}

fn generate(driver: &mut Module) -> Result<()> {
    driver.call(|module, cx| {
        let creation = module.container_creation().ok_or(Status::UnsupportedFeature)?;
        creation.create_key(cx, KEY, NewKey::Generate { bits: 256 }, PinId::USER)
    })
}

fn sign(driver: &mut Module) -> Result<Vec<u8>> {
    driver.call(|module, cx| module.sign(cx, KEY, &SignatureInput::Ecdsa(&[7; 32])))
}

/// The references of the PIN commands sent, all of which stand behind the CHUID if there is one.
fn references(card: &PivCardOf) -> Vec<u8> {
    let sent = card.commands();
    let is_pin = |command: &&Vec<u8>| matches!(command[1], 0x20 | 0x24 | 0x2C);
    let first = sent.iter().position(|command| is_pin(&command));
    let chuid = sent.iter().position(|command| command[1] == 0xCB && command.ends_with(&[0x5F, 0xC1, 2, 0]));
    assert!(
        chuid.is_some() && (first.is_none() || chuid < first),
        "nobody asked which card it is: {sent:02X?}"
    );
    sent.iter().filter(is_pin).map(|command| command[3]).collect()
}

/// Uses the PIN of a card of one kind, and then that of a card of the other kind in the same reader.
fn swapped(to_global: bool, work: impl Fn(&mut Module, &str)) -> Vec<u8> {
    let (first, second) = if to_global { (own(1), global(2)) } else { (global(1), own(2)) };
    let pin = |global| if global { GLOBAL } else { PIN };
    let mut driver = acquire_at_keypad(&first, pin(!to_global));
    verify(&mut driver, pin(!to_global)).expect("the first card's PIN");
    second.commands();
    driver.reconnect(at_keypad(&second, pin(to_global)));
    work(&mut driver, pin(to_global));
    references(&second)
}

#[test]
fn a_pin_goes_by_what_the_card_in_the_reader_says() {
    for (to_global, reference) in [(true, 0x00), (false, 0x80)] {
        let sent = swapped(to_global, |driver, pin| verify(driver, pin).expect("verified"));
        assert_eq!(sent, [reference]);
        let sent = swapped(to_global, |driver, _| type_pin(driver).expect("verified"));
        assert_eq!(sent, [reference], "typed at the reader");
        let sent = swapped(to_global, |driver, _| assert_eq!(tries(driver), Ok(Some(3))));
        assert_eq!(sent, [reference], "asked for its tries");
        let sent = swapped(to_global, |driver, pin| change(driver, PinId::USER, pin, NEW).expect("changed"));
        assert_eq!(sent, [reference; 2], "changed, and verified by the new one");
        let sent = swapped(to_global, |driver, _| type_new_pin(driver).expect("changed"));
        assert_eq!(sent, [reference; 2], "changed at the reader, and asked whether it is verified");
        let sent = swapped(to_global, |driver, _| {
            assert_eq!(generate(driver), Err(Status::SecurityViolation), "nobody is the user of this card");
        });
        assert_eq!(sent, [reference], "asked whether the user is there");
        let sent = swapped(to_global, |driver, _| change(driver, puk(), PUK, NEW).expect("changed"));
        assert_eq!(sent, [0x81]);
    }
    let sent = swapped(false, |driver, _| unblock(driver, PUK, NEW).expect("unblocked"));
    assert_eq!(sent, [0x80; 2], "set by the PUK, and taken back");
    let sent =
        swapped(true, |driver, _| assert_eq!(unblock(driver, PUK, NEW), Err(Status::UnsupportedFeature)));
    assert!(sent.is_empty(), "the PUK is not that of the global PIN");
}

#[test]
fn where_the_global_pin_comes_first_it_is_the_user_s() {
    let card = global(3);
    let mut driver = acquire(&card).expect("acquired");
    assert_eq!(
        verify(&mut driver, PIN),
        Err(Status::WrongPin { attempts: Some(2) }),
        "the application's PIN"
    );
    assert_eq!(tries(&mut driver), Ok(Some(2)));
    verify(&mut driver, GLOBAL).expect("the global PIN");
    generate(&mut driver).expect("a key");
    card.reset();
    let mut driver = acquire(&card).expect("acquired");
    verify(&mut driver, GLOBAL).expect("the global PIN");
    sign(&mut driver).expect("a signature");
    driver.call(|module, cx| module.deauthenticate(cx, PinSet::only(PinId::USER))).expect("logged out");
    assert_eq!(sign(&mut acquire(&card).expect("acquired")), Err(Status::SecurityViolation));

    assert_eq!(change(&mut driver, PinId::USER, PIN, NEW), Err(Status::WrongPin { attempts: Some(2) }));
    change(&mut driver, PinId::USER, GLOBAL, NEW).expect("changed");
    sign(&mut driver).expect("by the new PIN");
    card.reset();
    let mut driver = acquire(&card).expect("acquired");
    for left in (0..3).rev() {
        assert_eq!(verify(&mut driver, GLOBAL), Err(Status::WrongPin { attempts: Some(left) }));
    }
    assert_eq!(verify(&mut driver, NEW), Err(Status::PinBlocked));
    assert_eq!(tries(&mut driver), Ok(Some(0)));
    assert_eq!(unblock(&mut driver, PUK, GLOBAL), Err(Status::UnsupportedFeature), "there is nobody to ask");
    assert_eq!(verify(&mut driver, PIN), Err(Status::PinBlocked), "the application's PIN was not set either");
}

#[test]
fn a_global_pin_typed_at_the_reader_ends_with_the_session() {
    let card = global(4);
    let mut driver = acquire_at_keypad(&card, GLOBAL);
    type_pin(&mut driver).expect("typed");
    generate(&mut driver).expect("a key");
    card.reset();
    for changes in [false, true] {
        let entry = if changes { type_new_pin } else { type_pin };
        let mut driver = acquire_at_keypad(&card, GLOBAL);
        entry(&mut driver).expect("typed");
        let by_other = sign(&mut acquire(&card).expect("acquired"));
        assert_eq!(by_other.is_ok(), !changes, "the status is the card's, not the program's");
        driver.call(|module, cx| module.deauthenticate(cx, PinSet::only(PinId::USER))).expect("logged out");
        let next = sign(&mut acquire(&card).expect("acquired"));
        assert_eq!(next, Err(Status::SecurityViolation), "the next program finds nobody");
    }
}
