//! A virtual card behind somebody who reads along: the input says for each command whether the card's answer
//! passes or what becomes of it.

use std::sync::{Arc, Mutex, PoisonError};

use cardmod_iso7816::{CardChannel, Limits, TransportError};
use cardmod_virtual::{Card, CardFault, Random, Storage};
use zeroize::Zeroizing;

/// PC/SC codes of a connection that broke.
const BREAKS: [u32; 4] = [0x8010_0069, 0x8010_0068, 0x8010_0013, 0x8010_0017];
/// Status words worth trying everywhere.
const STATUS_WORDS: [[u8; 2]; 16] = [
    [0x90, 0x00],
    [0x61, 0x10],
    [0x63, 0x00],
    [0x63, 0xC0],
    [0x63, 0xC3],
    [0x67, 0x00],
    [0x68, 0x82],
    [0x69, 0x82],
    [0x69, 0x83],
    [0x69, 0x85],
    [0x69, 0x86],
    [0x6A, 0x80],
    [0x6A, 0x82],
    [0x6A, 0x88],
    [0x6C, 0x08],
    [0x6D, 0x00],
];
/// How many answers of "more data" a card gives in a row here.
const LONG: u16 = 600;

/// Neither stores nor surprises: the same bytes in every run.
#[derive(Default)]
pub(crate) struct Ports(u64);

impl Storage for Ports {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Ports {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        for byte in out {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
        Ok(())
    }
}

struct Inside {
    card: Card,
    other: Option<Card>,
    ports: Ports,
    decisions: Vec<u8>,
    position: usize,
    commands: usize,
    endless: u16,
    /// A SELECT or a read succeeded since the last break: a PIN may go out.
    proved: bool,
    extended: bool,
}

/// A way to a card that is tampered with; clones lead to the same card.
#[derive(Clone)]
pub(crate) struct Tampered(Arc<Mutex<Inside>>);

impl Tampered {
    /// `other` is what a swap puts in the reader.
    pub(crate) fn new(card: Card, other: Card, decisions: &[u8], extended: bool) -> Self {
        let inside = Inside {
            card,
            other: Some(other),
            ports: Ports::default(),
            decisions: decisions.to_vec(),
            position: 0,
            commands: 0,
            endless: 0,
            proved: false,
            extended,
        };
        Self(Arc::new(Mutex::new(inside)))
    }

    /// Commands seen so far.
    pub(crate) fn commands(&self) -> usize {
        self.inside().commands
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CardChannel for Tampered {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let mut inside = self.inside();
        inside.commands += 1;
        inside.check_pin_rule(command);
        let answer = inside.answer(command);
        inside.watch(command, &answer);
        answer.map(Zeroizing::new).map_err(|code| TransportError { code })
    }

    fn limits(&self) -> Limits {
        if self.inside().extended { Limits::EXTENDED } else { Limits::SHORT }
    }
}

impl Inside {
    fn byte(&mut self) -> u8 {
        let byte = self.decisions.get(self.position).copied().unwrap_or(0);
        self.position += 1;
        byte
    }

    fn answer(&mut self, command: &[u8]) -> Result<Vec<u8>, u32> {
        if self.endless > 0 {
            self.endless -= 1;
            return Ok(vec![0x5A, 0x61, 0x10]);
        }
        let decision = self.byte();
        if decision == 10 {
            self.swap();
        }
        let answer = self.card.process(&mut self.ports, command);
        let mut answer = answer.map_err(|_| BREAKS[2])?.to_vec();
        let data = answer.len() - 2;
        match decision {
            1 => {
                let status = [self.byte(), self.byte()];
                answer[data..].copy_from_slice(&status);
            }
            2 => answer[data..].copy_from_slice(&STATUS_WORDS[usize::from(self.byte() & 15)]),
            3 => answer = vec![0x90, 0x00],
            4 => {
                let at = usize::from(self.byte()) % answer.len();
                answer[at] ^= self.byte() | 1;
            }
            5 => {
                let more = usize::from(self.byte());
                answer.splice(data..data, std::iter::repeat_n(0x5A, more));
            }
            6 => return Err(BREAKS[usize::from(self.byte() & 3)]),
            7 => self.endless = LONG,
            8 => drop(answer.drain(..data / 2)),
            9 => drop(answer.drain(data / 2..data)),
            11 => answer.truncate(usize::from(self.byte() & 1)),
            12 => {
                let status = STATUS_WORDS[usize::from(self.byte() & 15)];
                answer = status.to_vec();
            }
            _ => {}
        }
        Ok(answer)
    }

    /// Another card, without a word.
    fn swap(&mut self) {
        if let Some(other) = self.other.take() {
            self.card = other;
        }
        self.card.reset();
    }

    /// VERIFY, CHANGE REFERENCE DATA and RESET RETRY COUNTER with data are tries in whatever application is
    /// selected: none goes out in doubt.
    fn check_pin_rule(&self, command: &[u8]) {
        let carries_pin = matches!(command, [0x00 | 0x10, 0x20 | 0x24 | 0x2C, _, _, _, _, ..]);
        assert!(!carries_pin || self.proved, "a PIN went out before the application was known");
    }

    fn watch(&mut self, command: &[u8], answer: &Result<Vec<u8>, u32>) {
        let succeeded = match answer {
            Ok(answer) => {
                answer.ends_with(&[0x90, 0x00]) || answer.len() > 2 && answer[answer.len() - 2] == 0x61
            }
            Err(_) => {
                self.proved = false;
                return;
            }
        };
        match command.get(1) {
            Some(0xA4) if command.get(2) == Some(&0x04) => self.proved = succeeded,
            Some(0xCB) if succeeded => self.proved = true,
            _ => {}
        }
    }
}
