//! What a reset makes a GIDS application forget: security status, current file, security environment.

use std::collections::BTreeMap;

use super::access::SecurityStatus;
use crate::model::codec::{Decoder, Encoder, Malformed};

/// A key and algorithm chosen by MANAGE SECURITY ENVIRONMENT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Environment {
    /// The key EF.
    pub(crate) file: u16,
    /// Which key it held then; a key that replaced it was not chosen.
    pub(crate) key_id: u64,
    /// The algorithm reference.
    pub(crate) algorithm: u8,
}

/// An authentication that waits for the host's answer.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// External authentication: the card's challenge.
    External([u8; 8]),
    /// Mutual authentication: the host's and the card's challenge.
    Mutual { host: [u8; 16], card: [u8; 16] },
}

/// The state between two resets.
#[derive(Clone, PartialEq, Eq, Default)]
pub(crate) struct Volatile {
    /// The current EF.
    pub(crate) current: Option<u16>,
    pub(crate) status: SecurityStatus,
    pub(crate) signature: Option<Environment>,
    pub(crate) confidentiality: Option<Environment>,
    /// The key EF chosen for authentication.
    pub(crate) authentication: Option<u16>,
    pub(crate) challenge: Option<Challenge>,
    /// Uses of counted keys since the PIN was verified, by key EF.
    pub(crate) uses: BTreeMap<u16, u16>,
}

impl Volatile {
    /// What was proved, what was chosen on the strength of it, and what was being proved.
    pub(crate) fn drop_security(&mut self) {
        *self = Volatile { current: self.current, ..Volatile::default() };
    }

    /// A failed comparison of the PIN ends the user's status and the choice of keys made under it.
    pub(crate) fn drop_user(&mut self) {
        self.status.user = false;
        self.signature = None;
        self.confidentiality = None;
        self.uses.clear();
    }

    /// A key EF is gone or has another key.
    pub(crate) fn forget_file(&mut self, file: u16) {
        self.signature = self.signature.filter(|chosen| chosen.file != file);
        self.confidentiality = self.confidentiality.filter(|chosen| chosen.file != file);
        self.authentication = self.authentication.filter(|chosen| *chosen != file);
        self.current = self.current.filter(|current| *current != file);
        self.uses.remove(&file);
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.option(self.current.as_ref(), |out, id| out.word(*id));
        out.flag(self.status.user);
        out.flag(self.status.admin);
        for environment in [&self.signature, &self.confidentiality] {
            out.option(environment.as_ref(), |out, chosen| {
                out.word(chosen.file);
                out.quad(chosen.key_id);
                out.byte(chosen.algorithm);
            });
        }
        out.option(self.authentication.as_ref(), |out, id| out.word(*id));
        match &self.challenge {
            None => out.byte(0),
            Some(Challenge::External(challenge)) => {
                out.byte(1);
                out.raw(challenge);
            }
            Some(Challenge::Mutual { host, card }) => {
                out.byte(2);
                out.raw(host);
                out.raw(card);
            }
        }
        out.word(u16::try_from(self.uses.len()).unwrap_or(u16::MAX));
        for (file, uses) in &self.uses {
            out.word(*file);
            out.word(*uses);
        }
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Volatile, Malformed> {
        let environment = |read: &mut Decoder<'_>| {
            Ok(Environment { file: read.word()?, key_id: read.quad()?, algorithm: read.byte()? })
        };
        let current = read.option(Decoder::word)?;
        let status = SecurityStatus { user: read.flag()?, admin: read.flag()? };
        let signature = read.option(environment)?;
        let confidentiality = read.option(environment)?;
        let authentication = read.option(Decoder::word)?;
        let challenge = match read.byte()? {
            0 => None,
            1 => Some(Challenge::External(read.array()?)),
            2 => Some(Challenge::Mutual { host: read.array()?, card: read.array()? }),
            _ => return Err(Malformed),
        };
        let mut uses = BTreeMap::new();
        for _ in 0..read.word()? {
            uses.insert(read.word()?, read.word()?);
        }
        Ok(Volatile { current, status, signature, confidentiality, authentication, challenge, uses })
    }
}
