//! What a card tells about a key, a PIN or a PUK: GET METADATA, an extension of Yubico that compatible
//! tokens have (`00 F7 00 reference`).

use cardmod_iso7816::tlv::{Reader, Tag};

use crate::management::ManagementAlgorithm;
use crate::public::public_key;
use crate::{KeyAlgorithm, PinPolicy, PivError, SlotKey, TouchPolicy};

/// Algorithm; `FF` for PIN and PUK.
const ALGORITHM: Tag = Tag::new(0x01);
/// PIN policy and touch policy.
const POLICY: Tag = Tag::new(0x02);
/// Where the key comes from.
const ORIGIN: Tag = Tag::new(0x03);
/// The public key.
const PUBLIC_KEY: Tag = Tag::new(0x04);
/// Whether the value is still the one it was made with.
const DEFAULT_VALUE: Tag = Tag::new(0x05);
/// All tries and tries left.
const TRIES: Tag = Tag::new(0x06);

/// Where a key was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOrigin {
    /// On the card: it never was anywhere else.
    Generated,
    /// Outside, and imported.
    Imported,
}

/// A counter of tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tries {
    /// How many there are when nothing went wrong.
    pub total: u8,
    /// How many are left.
    pub left: u8,
}

/// What the card tells; which of it depends on card and reference.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The algorithm identifier. [`Metadata::key_algorithm`] and [`Metadata::management_algorithm`] say
    /// what it means.
    pub algorithm_id: Option<u8>,
    /// When the PIN is asked for.
    pub pin_policy: Option<PinPolicy>,
    /// When a touch is asked for.
    pub touch_policy: Option<TouchPolicy>,
    /// Where the key comes from.
    pub origin: Option<KeyOrigin>,
    /// The public key, where its algorithm is known here.
    pub public_key: Option<SlotKey>,
    /// Whether PIN, PUK or management key still have the value of a fresh token.
    pub is_default: Option<bool>,
    /// The tries of PIN or PUK; `None` also where the card says that more are left than there are, or that
    /// there are none at all.
    pub tries: Option<Tries>,
}

impl Metadata {
    /// Reads an answer. Objects and numbers nobody here knows are skipped.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`].
    pub fn parse(answer: &[u8]) -> Result<Self, PivError> {
        const MALFORMED: PivError = PivError::Malformed("metadata");
        let mut metadata = Self::default();
        let mut key = None;
        for tlv in Reader::new(answer) {
            let tlv = tlv.map_err(|_| MALFORMED)?;
            match (tlv.tag, tlv.value) {
                (ALGORITHM, [0xFF]) => {}
                (ALGORITHM, [id]) => metadata.algorithm_id = Some(*id),
                (POLICY, [pin, touch]) => {
                    metadata.pin_policy = PinPolicy::from_id(*pin);
                    metadata.touch_policy = TouchPolicy::from_id(*touch);
                }
                (ORIGIN, [0x01]) => metadata.origin = Some(KeyOrigin::Generated),
                (ORIGIN, [0x02]) => metadata.origin = Some(KeyOrigin::Imported),
                (DEFAULT_VALUE, [flag]) => metadata.is_default = Some(*flag != 0),
                // A counter that contradicts itself says nothing.
                (TRIES, [total, left]) if *total == 0 || left > total => metadata.tries = None,
                (TRIES, [total, left]) => metadata.tries = Some(Tries { total: *total, left: *left }),
                (PUBLIC_KEY, objects) => key = Some(objects),
                (ALGORITHM | POLICY | DEFAULT_VALUE | TRIES, _) => return Err(MALFORMED),
                _ => {}
            }
        }
        if let (Some(objects), Some(algorithm)) = (key, metadata.key_algorithm()) {
            metadata.public_key = Some(public_key(algorithm, objects)?);
        }
        Ok(metadata)
    }

    /// The algorithm of a key of the cardholder; `None` where this edge does not know it.
    #[must_use]
    pub fn key_algorithm(&self) -> Option<KeyAlgorithm> {
        self.algorithm_id.and_then(KeyAlgorithm::from_id)
    }

    /// The algorithm of the management key.
    #[must_use]
    pub fn management_algorithm(&self) -> Option<ManagementAlgorithm> {
        self.algorithm_id.and_then(ManagementAlgorithm::from_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] =
        &[0x01, 0x01, 0x11, 0x02, 0x02, 0x02, 0x01, 0x03, 0x01, 0x01, 0x04, 0x43, 0x86, 0x41, 0x04];

    fn key() -> Vec<u8> {
        [KEY, &[0xC4; 64]].concat()
    }

    #[test]
    fn a_key() {
        let metadata = Metadata::parse(&key()).unwrap();
        assert_eq!(metadata.key_algorithm(), Some(KeyAlgorithm::P256));
        assert_eq!(metadata.pin_policy, Some(PinPolicy::Once));
        assert_eq!(metadata.touch_policy, Some(TouchPolicy::Never));
        assert_eq!(metadata.origin, Some(KeyOrigin::Generated));
        assert!(matches!(metadata.public_key, Some(SlotKey::Ec(_))));
        assert_eq!(metadata.is_default, None);
    }

    #[test]
    fn pin_and_management_key() {
        let pin = Metadata::parse(&[0x01, 0x01, 0xFF, 0x05, 0x01, 0x01, 0x06, 0x02, 0x05, 0x04]).unwrap();
        assert_eq!(pin.algorithm_id, None);
        assert_eq!(pin.is_default, Some(true));
        assert_eq!(pin.tries, Some(Tries { total: 5, left: 4 }));
        // A card that leaves the algorithm out.
        let pin = Metadata::parse(&[0x05, 0x01, 0x01, 0x06, 0x02, 0x05, 0x05]).unwrap();
        assert_eq!(pin.tries, Some(Tries { total: 5, left: 5 }));
        let management = Metadata::parse(&[1, 1, 3, 2, 2, 0, 1, 5, 1, 0]).unwrap();
        assert_eq!(management.management_algorithm(), Some(ManagementAlgorithm::TripleDes));
        assert_eq!(management.is_default, Some(false));
    }

    #[test]
    fn what_is_cut_is_an_error_or_less_and_what_is_unknown_is_skipped() {
        let whole = key();
        for cut in 0..whole.len() {
            let read = Metadata::parse(&whole[..cut]);
            assert!(read.is_err() || read.is_ok_and(|m| m.public_key.is_none()), "cut at {cut}");
        }
        let unknown =
            Metadata::parse(&[0x01, 0x01, 0x53, 0x02, 0x02, 0x09, 0x09, 0x44, 0x01, 0x00, 0x04, 0x00]);
        let expected = Metadata { algorithm_id: Some(0x53), ..Metadata::default() };
        assert_eq!(unknown, Ok(expected));
        assert_eq!(Metadata::parse(&[0x06, 0x01, 0x05]), Err(PivError::Malformed("metadata")));
    }
}
