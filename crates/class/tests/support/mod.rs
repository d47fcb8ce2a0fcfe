//! A virtual card in memory that several connections share, and the module driven over it.

use std::sync::{Arc, Mutex, PoisonError};

use cardmod_class::GidsModule;
use cardmod_gids::{GidsState, Personalisation};
use cardmod_iso7816::{CardChannel, Limits, TransportError};
use cardmod_sdk::testing::{Driver, Surroundings};
use cardmod_sdk::{AdminAuthentication, CardModule, Result};
use cardmod_types::{CardId, Pin, PinId, SecretBytes, admin};
use cardmod_virtual::{Card, CardFault, CardOptions, Random, Storage, SystemRandom};
use zeroize::Zeroizing;

pub(crate) const PIN: &[u8] = b"12345678";
pub(crate) const PUK: &[u8] = b"87654321";
pub(crate) const ADMIN_KEY: [u8; 24] = [0x31; 24];

struct Ports;

impl Storage for Ports {
    fn save(&mut self, _: &[u8]) -> core::result::Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Ports {
    fn fill(&mut self, out: &mut [u8]) -> core::result::Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

struct Inside {
    card: Card,
    log: Vec<u8>,
    extended: bool,
}

/// A handle to the card; clones are other connections to the same card.
#[derive(Clone)]
pub(crate) struct SharedCard(Arc<Mutex<Inside>>);

impl SharedCard {
    pub(crate) fn blank(options: CardOptions) -> Self {
        let extended = options.extended_length;
        Self(Arc::new(Mutex::new(Inside { card: Card::blank(options, false), log: Vec::new(), extended })))
    }

    /// A card with the generic profile.
    pub(crate) fn new(options: CardOptions, puk: bool) -> Self {
        let mut card = Self::blank(options);
        let profile = Personalisation {
            pin: pin(PIN),
            puk: puk.then(|| pin(PUK)),
            admin_key: SecretBytes::new(ADMIN_KEY.to_vec()),
            card_id: CardId([7; 16]),
        };
        GidsState::new().on(&mut card).personalise(&profile).expect("personalised");
        card
    }

    /// The instruction bytes seen since the last call.
    pub(crate) fn commands(&self) -> Vec<u8> {
        std::mem::take(&mut self.inside().log)
    }

    pub(crate) fn reset(&self) {
        self.inside().card.reset();
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CardChannel for SharedCard {
    fn transmit(&mut self, command: &[u8]) -> core::result::Result<Zeroizing<Vec<u8>>, TransportError> {
        let mut inside = self.inside();
        inside.log.push(command[1]);
        inside.card.process(&mut Ports, command).map_err(|_| TransportError { code: 0x8010_0013 })
    }

    fn limits(&self) -> Limits {
        Limits { extended_length: self.inside().extended, ..Limits::SHORT }
    }
}

pub(crate) fn pin(text: &[u8]) -> Pin {
    Pin::new(text.to_vec())
}

pub(crate) fn acquire(card: &SharedCard) -> Driver<GidsModule> {
    Driver::acquire(card.clone(), Surroundings::default()).expect("acquired")
}

pub(crate) fn as_user(driver: &mut Driver<GidsModule>) {
    driver.call(|module, cx| module.verify_pin(cx, PinId::USER, &pin(PIN))).expect("PIN");
}

/// The administrator's answer to a fresh challenge.
pub(crate) fn response(driver: &mut Driver<GidsModule>, key: &[u8]) -> Vec<u8> {
    let challenge = driver.call(|module, cx| module.challenge(cx)).expect("challenge");
    admin::challenge_response(&SecretBytes::new(key.to_vec()), &challenge).expect("response")
}

pub(crate) fn as_admin(driver: &mut Driver<GidsModule>, key: &[u8]) -> Result<()> {
    let response = response(driver, key);
    driver.call(|module, cx| module.authenticate(cx, &response))
}
