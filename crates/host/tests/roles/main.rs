//! PINs that are kept, by the card's own policies, and every role there is: with a card module made for
//! this, whose record says what reached the card.

#[path = "../common/mod.rs"]
mod common;

mod admission;
mod card;
mod changes;
mod keeping;
mod modes;

use std::sync::{Arc, Mutex};

use cardmod_host::{
    CardSession, Error, Host, ModuleSource, Moment, OpenOptions, PinCache, PinClock, PinRequest, PinSource,
    PinSourceError, SignRequest,
};
use cardmod_types::Pin;

use card::State;

/// A clock that is set by hand.
#[derive(Clone)]
struct Hand(Arc<Mutex<Moment>>);

impl Hand {
    fn new() -> Self {
        let start = std::time::Duration::from_secs(1_000);
        Self(Arc::new(Mutex::new(Moment { running: start, wall: start })))
    }

    fn pass(&self, seconds: u64) {
        let mut now = self.0.lock().expect("the clock");
        now.running += std::time::Duration::from_secs(seconds);
        now.wall += std::time::Duration::from_secs(seconds);
    }
}

impl PinClock for Hand {
    fn now(&self) -> Moment {
        *self.0.lock().expect("the clock")
    }
}

/// One card in its reader, with the host that keeps its PINs.
struct Desk {
    name: String,
    reader: String,
    host: Host,
    clock: Hand,
    card: Arc<Mutex<State>>,
}

impl Desk {
    fn new(name: &str) -> Self {
        let clock = Hand::new();
        Self {
            name: name.to_owned(),
            reader: common::card_of(name, &common::profile(name)),
            host: common::caching_host().with_pin_cache(PinCache::with_clock(clock.clone())),
            clock,
            card: card::state(name),
        }
    }

    fn open(&self) -> CardSession {
        self.open_with(OpenOptions::default())
    }

    fn open_silent(&self) -> CardSession {
        self.open_with(OpenOptions { silent: true, ..OpenOptions::default() })
    }

    fn open_with(&self, options: OpenOptions) -> CardSession {
        let source = ModuleSource::BuiltIn { entry: cardmod_sdk::acquire::<card::Module>, name: "roles" };
        let options = OpenOptions { card_name: self.name.clone(), ..options };
        self.host.open(&self.reader, &source, options).expect("a session")
    }

    /// What reached the card since the last look.
    fn done(&self) -> Vec<String> {
        self.card.lock().expect("the card").done()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.card.lock().expect("the card"));
    }

    fn kept(&self) -> usize {
        self.host.pin_cache().len()
    }
}

/// Signs with the key of a role.
fn sign(session: &mut CardSession, number: u32, pins: &mut dyn PinSource) -> Result<(), Error> {
    let name = card::role(number).to_string();
    session.sign(Some(&name), &SignRequest::ecdsa(&[1; 32]), pins).map(drop)
}

/// A person who types one PIN after the other, and remembers what the prompts said.
struct Person {
    types: Vec<&'static str>,
    persistent: bool,
    prompts: Vec<String>,
}

impl Person {
    fn who_types(pins: &[&'static str]) -> Self {
        Self { types: pins.iter().rev().copied().collect(), persistent: true, prompts: Vec::new() }
    }

    fn who_knows() -> Self {
        Self::who_types(&[card::PIN; 9])
    }

    fn asked(&self) -> usize {
        self.prompts.len()
    }
}

impl PinSource for Person {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        let again = request.last_error.map_or(String::new(), |error| format!(", since {error}"));
        let tries = request.tries_left.map_or(String::new(), |tries| format!(", {tries} left"));
        self.prompts.push(format!("{} #{}{tries}{again}", request.what(), request.attempt));
        self.types.pop().map(Pin::from).ok_or(PinSourceError::Cancelled)
    }

    fn asks_again(&self) -> bool {
        self.persistent
    }

    fn respond(&mut self, _request: &PinRequest<'_>, challenge: &[u8]) -> Result<Vec<u8>, PinSourceError> {
        self.prompts.push(format!("challenge of {} bytes", challenge.len()));
        Ok(challenge.iter().map(|byte| !byte).collect())
    }
}
