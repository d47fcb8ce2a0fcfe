//! What a reset makes a PIV application forget.

use cardmod_iso7816::CommandRef;
use zeroize::Zeroizing;

use crate::model::codec::{Decoder, Encoder, Malformed};

/// The state between two resets.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Volatile {
    /// The application's PIN was verified.
    pub(crate) pin: bool,
    /// The global PIN was verified.
    pub(crate) global_pin: bool,
    /// The management key was proved.
    pub(crate) administrator: bool,
    pub(crate) immediacy: Immediacy,
    pub(crate) challenge: Option<Challenge>,
}

/// Whether a PIN was verified immediately before: what keys with the policy "always" ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Immediacy {
    /// It was not, or something came in between.
    #[default]
    Gone,
    /// The last command verified it.
    Verified,
    /// Parts of the one operation are arriving: its P1 P2.
    Arriving(u16),
    /// The command that is being run is the one.
    Now,
}

/// An authentication with the management key that waits for the host's answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// The host was asked to encrypt this.
    External(Zeroizing<Vec<u8>>),
    /// The host got this encrypted and was asked to decrypt it.
    Witness(Zeroizing<Vec<u8>>),
}

const GENERAL_AUTHENTICATE: u8 = 0x87;

impl Volatile {
    /// A command, or one part of it, arrived; `None` for bytes that are no command.
    pub(crate) fn arrived(&mut self, command: Option<&CommandRef<'_>>) {
        let use_of_key = command.filter(|command| command.ins == GENERAL_AUTHENTICATE);
        self.immediacy = match (self.immediacy, use_of_key) {
            (Immediacy::Verified, Some(command)) if command.is_chained() => {
                Immediacy::Arriving(command.p1p2())
            }
            (Immediacy::Verified, Some(_)) => Immediacy::Now,
            (Immediacy::Arriving(which), Some(command)) if which == command.p1p2() => {
                if command.is_chained() { self.immediacy } else { Immediacy::Now }
            }
            _ => Immediacy::Gone,
        };
    }

    /// Another application was selected: what was proved to this one is forgotten, but for the global
    /// PIN (SP 800-73 part 2, 3.1.1).
    pub(crate) fn leave(&mut self) {
        *self = Volatile { global_pin: self.global_pin, ..Volatile::default() };
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.flag(self.pin);
        out.flag(self.global_pin);
        out.flag(self.administrator);
        match self.immediacy {
            Immediacy::Gone | Immediacy::Now => out.byte(0),
            Immediacy::Verified => out.byte(1),
            Immediacy::Arriving(which) => {
                out.byte(2);
                out.word(which);
            }
        }
        match &self.challenge {
            None => out.byte(0),
            Some(Challenge::External(value)) => {
                out.byte(1);
                out.bytes(value);
            }
            Some(Challenge::Witness(value)) => {
                out.byte(2);
                out.bytes(value);
            }
        }
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Volatile, Malformed> {
        let (pin, global_pin, administrator) = (read.flag()?, read.flag()?, read.flag()?);
        let immediacy = match read.byte()? {
            0 => Immediacy::Gone,
            1 => Immediacy::Verified,
            2 => Immediacy::Arriving(read.word()?),
            _ => return Err(Malformed),
        };
        let value = |read: &mut Decoder<'_>| read.bytes().map(|value| Zeroizing::new(value.to_vec()));
        let challenge = match read.byte()? {
            0 => None,
            1 => Some(Challenge::External(value(read)?)),
            2 => Some(Challenge::Witness(value(read)?)),
            _ => return Err(Malformed),
        };
        Ok(Volatile { pin, global_pin, administrator, immediacy, challenge })
    }
}
