//! A virtual PIV card in memory that a test may interrupt at any command, and the module driven over it.

#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::{Arc, Mutex, PoisonError};

use cardmod_class::ClassModule;
use cardmod_iso7816::{CardChannel, Limits, TransportError};
use cardmod_sdk::testing::{Driver, Surroundings};
use cardmod_types::CardApplication;
use cardmod_virtual::{Card, CardFault, PivProfile, Random, Storage, SystemRandom};
use zeroize::Zeroizing;

struct Ports;

impl Storage for Ports {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Ports {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        SystemRandom.fill(out)
    }
}

/// What happens instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The command does not reach the card, which seems to answer this status word alone.
    Status(u16),
    /// The card carries the command out, and this comes instead of its answer.
    Bytes(&'static [u8]),
    /// The card carries the command out, and the answer is lost.
    Lost(u32),
}

struct Inside {
    card: Card,
    log: Vec<Vec<u8>>,
    /// At which command of those to come, and for how many.
    trouble: Option<(usize, usize, Trouble)>,
    proven: bool,
    /// An instruction the card has not.
    refused: Option<u8>,
    /// What answers the next command of an instruction, instead of the card.
    script: Vec<(u8, &'static [u8])>,
}

/// A handle to the card; clones are other connections to the same card.
#[derive(Clone)]
pub(crate) struct PivCardOf(Arc<Mutex<Inside>>);

impl PivCardOf {
    pub(crate) fn new(profile: &PivProfile) -> Self {
        Self::around(Card::piv(profile).expect("a card"))
    }

    /// Another card with the same content, freshly inserted.
    pub(crate) fn copy(&self) -> Self {
        let state = self.inside().card.persistent_state();
        Self::around(Card::load(&state).expect("a card"))
    }

    fn around(card: Card) -> Self {
        Self(Arc::new(Mutex::new(Inside {
            card,
            log: Vec::new(),
            trouble: None,
            proven: false,
            refused: None,
            script: Vec::new(),
        })))
    }

    /// The commands since the last call.
    pub(crate) fn commands(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.inside().log)
    }

    /// From the command of this number on (0 is the next one), `count` times.
    pub(crate) fn trouble(&self, at: usize, count: usize, trouble: Trouble) {
        self.inside().trouble = Some((at, count, trouble));
    }

    /// A card without this instruction.
    pub(crate) fn refuse(&self, instruction: Option<u8>) {
        self.inside().refused = instruction;
    }

    /// What answers the next command of each of these instructions, instead of the card.
    pub(crate) fn script(&self, script: Vec<(u8, &'static [u8])>) {
        self.inside().script = script;
    }

    pub(crate) fn calm(&self) {
        self.inside().trouble = None;
    }

    /// The card as another program finds it: reset, and without trouble.
    pub(crate) fn reset(&self) {
        let mut inside = self.inside();
        inside.card.reset();
        inside.trouble = None;
        inside.proven = false;
    }

    fn inside(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CardChannel for PivCardOf {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        let mut inside = self.inside();
        inside.log.push(command.to_vec());
        if command[1] == 0x20 && command.len() > 4 {
            assert!(inside.proven, "a PIN is sent to who knows whom");
        }
        if inside.refused == Some(command[1]) {
            return Ok(Zeroizing::new(vec![0x6D, 0x00]));
        }
        if let Some(at) = inside.script.iter().position(|(instruction, _)| *instruction == command[1]) {
            return Ok(Zeroizing::new(inside.script.remove(at).1.to_vec()));
        }
        let trouble = match &mut inside.trouble {
            Some((0, count @ 1.., trouble)) => {
                *count -= 1;
                Some(*trouble)
            }
            Some((at @ 1.., _, _)) => {
                *at -= 1;
                None
            }
            _ => None,
        };
        let answer = match trouble {
            Some(Trouble::Status(status)) => Zeroizing::new(status.to_be_bytes().to_vec()),
            _ => {
                let lost = TransportError { code: 0x8010_0013 };
                let answer = inside.card.process(&mut Ports, command).map_err(|_| lost)?;
                match trouble {
                    Some(Trouble::Bytes(bytes)) => Zeroizing::new(bytes.to_vec()),
                    Some(Trouble::Lost(code)) => {
                        inside.proven = false;
                        return Err(TransportError { code });
                    }
                    _ => answer,
                }
            }
        };
        let served = answer.ends_with(&[0x90, 0]) || answer.len() >= 2 && answer[answer.len() - 2] == 0x61;
        inside.proven |= served && matches!(command[1], 0xA4 | 0xCB);
        Ok(answer)
    }

    fn limits(&self) -> Limits {
        Limits { extended_length: true, ..Limits::SHORT }
    }
}

/// The module on the card, which is asked for PIV alone.
pub(crate) fn acquire(card: &PivCardOf) -> cardmod_sdk::Result<Driver<ClassModule>> {
    let card_name = CardApplication::Piv.card_name().to_owned();
    Driver::acquire(card.clone(), Surroundings { card_name, ..Surroundings::default() })
}
