//! What the SDK remembers between the calls of one context, beside the module's own state.

use std::collections::BTreeMap;

use cardmod_types::{ContainerIndex, ContainerKeys, KeyHalf, KeySpec, PublicKey, SecretBytes};

use crate::module::Result;
use crate::status::Status;

/// Agreements a context can have at one time.
const MAX_AGREEMENTS: usize = 64;

/// Derived state; none of it outlives what it was derived from.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) agreements: Agreements,
    /// Length of the challenge handed out last and not answered yet.
    challenge: Option<usize>,
    keys: BTreeMap<ContainerIndex, [Option<KeyShape>; 2]>,
}

/// What of a public key decides about operations with the private one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeyShape {
    pub(crate) spec: KeySpec,
    pub(crate) bits: u32,
    /// Length of the modulus, or of both coordinates: that of a signature.
    pub(crate) signature_len: usize,
}

impl KeyShape {
    fn of(key: &PublicKey, half: KeyHalf) -> Self {
        Self { spec: key.spec(half), bits: key.bits(), signature_len: key.signature_len() }
    }
}

impl Memory {
    /// The card was reset, or is reached through other handles: nothing volatile is left of it.
    pub(crate) fn card_lost(&mut self) {
        self.agreements = Agreements::default();
        self.transaction_lost();
    }

    /// Another process may have used the card.
    pub(crate) fn transaction_lost(&mut self) {
        self.challenge = None;
        self.keys.clear();
    }

    /// What was seen of the card's content is not the card's.
    pub(crate) fn forget_content(&mut self) {
        self.keys.clear();
    }

    pub(crate) fn challenge_given(&mut self, length: usize) {
        self.challenge = Some(length);
    }

    /// Checks a response's length against the challenge's; the challenge is spent when it fits.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for another length, [`Status::WrongPin`] (at no cost) where no
    /// challenge was fetched.
    pub(crate) fn spend_challenge(&mut self, response: usize) -> Result<()> {
        match self.challenge {
            None => Err(Status::WrongPin { attempts: None }),
            Some(length) if length != response => Err(Status::InvalidParameter),
            Some(_) => {
                self.challenge = None;
                Ok(())
            }
        }
    }

    /// The challenge is void: an authentication command was refused that would have used it.
    pub(crate) fn void_challenge(&mut self) {
        self.challenge = None;
    }

    pub(crate) fn learn_keys(&mut self, index: ContainerIndex, keys: &ContainerKeys) {
        let shape = |half, key: &Option<PublicKey>| key.as_ref().map(|key| KeyShape::of(key, half));
        let shapes =
            [shape(KeyHalf::Signature, &keys.signature), shape(KeyHalf::KeyExchange, &keys.key_exchange)];
        self.keys.insert(index, shapes);
    }

    pub(crate) fn forget_keys(&mut self, index: ContainerIndex) {
        self.keys.remove(&index);
    }

    /// The shape of a key seen before; the outer `None` where the container was not seen.
    pub(crate) fn known_key(&self, index: ContainerIndex, half: KeyHalf) -> Option<Option<KeyShape>> {
        let slot = match half {
            KeyHalf::Signature => 0,
            KeyHalf::KeyExchange => 1,
        };
        self.keys.get(&index).map(|shapes| shapes[slot])
    }
}

/// The secrets of key agreements, by the number the host knows them under. Wiped when they go.
#[derive(Default)]
pub(crate) struct Agreements {
    secrets: BTreeMap<u8, SecretBytes>,
    last: u8,
}

impl Agreements {
    /// Keeps a secret; numbers are not used again at once.
    ///
    /// # Errors
    /// [`Status::NoMemory`] when full.
    pub(crate) fn add(&mut self, secret: SecretBytes) -> Result<u8> {
        if self.is_full() {
            return Err(Status::NoMemory);
        }
        let mut index = self.last.wrapping_add(1);
        while self.secrets.contains_key(&index) {
            index = index.wrapping_add(1);
        }
        self.last = index;
        self.secrets.insert(index, secret);
        Ok(index)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.secrets.len() >= MAX_AGREEMENTS
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for a number without agreement.
    pub(crate) fn get(&self, index: u8) -> Result<&SecretBytes> {
        self.secrets.get(&index).ok_or(Status::InvalidParameter)
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for a number without agreement.
    pub(crate) fn remove(&mut self, index: u8) -> Result<()> {
        self.secrets.remove(&index).map(drop).ok_or(Status::InvalidParameter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agreements_are_bounded_and_numbered_apart() {
        let mut agreements = Agreements::default();
        let numbers: Vec<u8> =
            (0..MAX_AGREEMENTS).map(|_| agreements.add(SecretBytes::zeroed(32)).unwrap()).collect();
        assert_eq!(agreements.add(SecretBytes::zeroed(32)), Err(Status::NoMemory));
        agreements.remove(numbers[0]).unwrap();
        assert_eq!(agreements.get(numbers[0]), Err(Status::InvalidParameter));
        assert_ne!(agreements.add(SecretBytes::zeroed(32)).unwrap(), numbers[0]);
        assert_eq!(agreements.remove(numbers[0]), Err(Status::InvalidParameter));
    }

    #[test]
    fn numbers_wrap() {
        let mut agreements = Agreements::default();
        for _ in 0..600 {
            let number = agreements.add(SecretBytes::zeroed(1)).unwrap();
            agreements.remove(number).unwrap();
        }
        assert!(agreements.add(SecretBytes::zeroed(1)).is_ok());
    }

    #[test]
    fn a_challenge_is_answered_once_and_in_full() {
        let mut memory = Memory::default();
        assert_eq!(memory.spend_challenge(8), Err(Status::WrongPin { attempts: None }));
        memory.challenge_given(8);
        assert_eq!(memory.spend_challenge(7), Err(Status::InvalidParameter));
        assert_eq!(memory.spend_challenge(8), Ok(()));
        assert_eq!(memory.spend_challenge(8), Err(Status::WrongPin { attempts: None }));
    }
}
