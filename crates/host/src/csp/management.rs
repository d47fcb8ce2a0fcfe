//! The management key of a card: what lets a host write cards whose PIN alone does not give that right.
//!
//! The key goes to the card module by a property of its own ("Cardmod Management Key"), before anything is
//! written, and is used by the module alone: a host cannot see what it does with it. On a PIV card it is key
//! 9B (SP 800-73).

use std::fmt;
use std::str::FromStr;

use cardmod_types::SecretBytes;
use zeroize::Zeroizing;

use super::operation::Repeat;
use super::session::CardSession;
use crate::error::Error;
use crate::module::Context;

/// The property's value that stands for the key a card was made with.
const DEFAULT: &[u8] = &[1];

/// The cipher of a management key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ManagementAlgorithm {
    /// Triple DES with three keys: 24 bytes.
    TripleDes,
    /// AES with 16 bytes.
    Aes128,
    /// AES with 24 bytes.
    Aes192,
    /// AES with 32 bytes.
    Aes256,
}

impl ManagementAlgorithm {
    /// Every one there is.
    pub const ALL: [Self; 4] = [Self::TripleDes, Self::Aes128, Self::Aes192, Self::Aes256];

    /// The number SP 800-78 gives it.
    #[must_use]
    pub const fn id(self) -> u8 {
        match self {
            Self::TripleDes => 0x03,
            Self::Aes128 => 0x08,
            Self::Aes192 => 0x0A,
            Self::Aes256 => 0x0C,
        }
    }

    /// The length of its keys in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::TripleDes | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }
}

impl fmt::Display for ManagementAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TripleDes => "3des",
            Self::Aes128 => "aes128",
            Self::Aes192 => "aes192",
            Self::Aes256 => "aes256",
        })
    }
}

impl FromStr for ManagementAlgorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let plain = text.replace(['-', '_'], "").to_ascii_lowercase();
        let known = Self::ALL.into_iter().find(|algorithm| algorithm.to_string() == plain);
        let other = || (plain == "tdes").then_some(Self::TripleDes);
        known.or_else(other).ok_or_else(|| Error::BadInput {
            what: format!(
                "unknown management key algorithm {text:?}: known are 3des, aes128, aes192 and aes256"
            ),
        })
    }
}

/// A management key. Wiped when dropped; `Debug` shows no byte of it.
#[derive(Clone, Debug)]
pub struct ManagementKey(Value);

#[derive(Clone, Debug)]
enum Value {
    /// The key the card was made with.
    Default,
    Key {
        algorithm: Option<ManagementAlgorithm>,
        key: SecretBytes,
    },
}

impl ManagementKey {
    /// A key of this algorithm; with `None` the module finds out which it is.
    ///
    /// # Errors
    /// [`Error::BadInput`] for a length that no key has, or not one of this algorithm.
    pub fn new(algorithm: Option<ManagementAlgorithm>, key: SecretBytes) -> Result<Self, Error> {
        let fits = |known: &ManagementAlgorithm| known.key_len() == key.len();
        if algorithm.map_or_else(|| ManagementAlgorithm::ALL.iter().any(fits), |known| fits(&known)) {
            return Ok(Self(Value::Key { algorithm, key }));
        }
        let expected = match algorithm {
            Some(known) => format!("{known} keys have {}", known.key_len()),
            None => "a key has 16, 24 or 32".to_owned(),
        };
        Err(Error::BadInput { what: format!("the management key has {} bytes; {expected}", key.len()) })
    }

    /// The key that cards of this kind are made with, which everybody knows: the module knows it too.
    #[must_use]
    pub const fn well_known() -> Self {
        Self(Value::Default)
    }

    /// The algorithm, where it was named.
    #[must_use]
    pub const fn algorithm(&self) -> Option<ManagementAlgorithm> {
        match &self.0 {
            Value::Default => None,
            Value::Key { algorithm, .. } => *algorithm,
        }
    }

    /// The key; `None` stands for the one cards are made with.
    #[must_use]
    pub const fn secret(&self) -> Option<&SecretBytes> {
        match &self.0 {
            Value::Default => None,
            Value::Key { key, .. } => Some(key),
        }
    }

    /// The value of the property.
    fn to_property(&self) -> Zeroizing<Vec<u8>> {
        match &self.0 {
            Value::Default => Zeroizing::new(DEFAULT.to_vec()),
            Value::Key { algorithm, key } => {
                let mut value = Zeroizing::new(Vec::with_capacity(1 + key.len()));
                value.push(algorithm.map_or(0, ManagementAlgorithm::id));
                value.extend_from_slice(key.as_bytes());
                value
            }
        }
    }
}

/// Hands a key to a module, or with `None` makes it forget the one it has. Nothing is sent to the card.
pub(super) fn hand_over(card: &str, module: &mut Context, key: Option<&ManagementKey>) -> Result<(), Error> {
    let value = key.map(ManagementKey::to_property).unwrap_or_default();
    module.set_management_key(&value).map_err(|error| match error.code() {
        Some(cardmod_sys::SCARD_E_INVALID_PARAMETER) => {
            Error::BadInput { what: "the card module does not take this management key".to_owned() }
        }
        _ if error.is_unsupported() => {
            Error::NotSupported { what: "be written with a management key".to_owned(), card: card.to_owned() }
        }
        _ => Error::of_call(card, "take a management key", error),
    })
}

impl CardSession {
    /// Takes a key with which the card may be written from now on, or with `None` forgets the one it has. The
    /// key is checked by the card when it is first used.
    ///
    /// # Errors
    /// [`Error::NotSupported`] where the card's module takes no such key.
    pub fn set_management_key(&mut self, key: Option<ManagementKey>) -> Result<(), Error> {
        self.plain(Repeat::Safe, |session| {
            hand_over(&session.reader, &mut session.module, key.as_ref())?;
            session.options.management_key.clone_from(&key);
            session.cached.rights_changed();
            Ok(())
        })
    }

    /// The module would take a management key.
    pub(super) fn takes_management_key(&mut self) -> bool {
        // Making it forget what it has not changes nothing.
        self.options.management_key.is_some() || hand_over(&self.reader, &mut self.module, None).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(algorithm: Option<ManagementAlgorithm>, len: usize) -> Result<ManagementKey, Error> {
        ManagementKey::new(algorithm, SecretBytes::new(vec![0xA5; len]))
    }

    #[test]
    fn a_key_travels_behind_its_algorithm() {
        let property = |key: Result<ManagementKey, Error>| key.expect("a key").to_property().to_vec();
        for (algorithm, id, len) in [
            (ManagementAlgorithm::TripleDes, 0x03, 24),
            (ManagementAlgorithm::Aes128, 0x08, 16),
            (ManagementAlgorithm::Aes192, 0x0A, 24),
            (ManagementAlgorithm::Aes256, 0x0C, 32),
        ] {
            assert_eq!(property(key(Some(algorithm), len)), [&[id][..], &vec![0xA5; len]].concat());
            assert_eq!(algorithm.to_string().parse(), Ok(algorithm));
        }
        assert_eq!(property(key(None, 24)), [&[0][..], &[0xA5; 24]].concat());
        assert_eq!(property(Ok(ManagementKey::well_known())), [1]);
        assert_eq!("AES-192".parse(), Ok(ManagementAlgorithm::Aes192));
        assert!("aes".parse::<ManagementAlgorithm>().is_err());
    }

    #[test]
    fn what_has_no_length_of_a_key_is_none() {
        for (algorithm, len) in [
            (None, 0),
            (None, 23),
            (Some(ManagementAlgorithm::TripleDes), 16),
            (Some(ManagementAlgorithm::Aes128), 24),
            (Some(ManagementAlgorithm::Aes256), 16),
        ] {
            assert!(matches!(key(algorithm, len), Err(Error::BadInput { .. })), "{algorithm:?} {len}");
        }
        let shown = format!("{:?}", key(None, 24));
        assert!(!shown.contains("165") && !shown.to_ascii_lowercase().contains("a5"), "{shown}");
    }
}
