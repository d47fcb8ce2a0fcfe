//! Private keys: where they are, what they can do and under which conditions.

use cardmod_crypto::KeyKind;
use zeroize::Zeroizing;

use super::PivFlavour;
use crate::model::codec::{Decoder, Encoder, Malformed};

/// A key reference that holds an asymmetric key (SP 800-73 part 1, Table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u8);

/// What a key is (SP 800-78, Table 9, and YubiKey's additions).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Rsa1024 = 0x06,
    Rsa2048 = 0x07,
    Rsa3072 = 0x05,
    Rsa4096 = 0x16,
    P256 = 0x11,
    P384 = 0x14,
    Ed25519 = 0xE0,
    X25519 = 0xE1,
}

/// When the PIN must have been verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PinPolicy {
    Never = 1,
    Once = 2,
    Always = 3,
}

/// When the sensor must be touched. Nobody touches a virtual card: it answers as if somebody had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TouchPolicy {
    Never = 1,
    Always = 2,
    Cached = 3,
}

/// Where a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Generated = 1,
    Imported = 2,
}

/// The conditions of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policies {
    pub(crate) pin: PinPolicy,
    pub(crate) touch: TouchPolicy,
}

/// A key in a slot.
#[derive(Clone)]
pub(crate) struct StoredKey {
    /// Random name of this very key, so that prepared copies are told from its successors.
    pub(crate) id: u64,
    pub(crate) algorithm: Algorithm,
    pub(crate) origin: Origin,
    pub(crate) policies: Policies,
    /// The private key as `cardmod_crypto` stores it.
    pub(crate) der: Zeroizing<Vec<u8>>,
    /// What is inside a public key template 7F49.
    pub(crate) public: Vec<u8>,
}

impl Slot {
    /// Digital signature.
    pub(crate) const SIGNATURE: Slot = Slot(0x9C);
    /// Card authentication.
    pub(crate) const CARD: Slot = Slot(0x9E);
    /// YubiKey's attestation key.
    pub(crate) const ATTESTATION: Slot = Slot(0xF9);

    /// The slot with this reference, if such a card has it.
    pub(crate) fn of(reference: u8, flavour: PivFlavour) -> Option<Slot> {
        match reference {
            0x9A | 0x9C..=0x9E | 0x82..=0x95 => Some(Slot(reference)),
            0xF9 if flavour.is_yubikey() => Some(Slot::ATTESTATION),
            _ => None,
        }
    }

    pub(crate) fn reference(self) -> u8 {
        self.0
    }

    /// The PIN policy of a key made without one (SP 800-73 part 1, Table 4).
    pub(crate) fn default_pin_policy(self) -> PinPolicy {
        match self {
            Slot::SIGNATURE => PinPolicy::Always,
            Slot::CARD => PinPolicy::Never,
            _ => PinPolicy::Once,
        }
    }

    /// Whether a standard card agrees on keys with it: 9D and the retired ones (SP 800-73 part 2, 3.2.4).
    pub(crate) fn agrees(self) -> bool {
        !matches!(self.0, 0x9A | 0x9C | 0x9E)
    }
}

impl Algorithm {
    const ALL: [Algorithm; 8] = [
        Algorithm::Rsa1024,
        Algorithm::Rsa2048,
        Algorithm::Rsa3072,
        Algorithm::Rsa4096,
        Algorithm::P256,
        Algorithm::P384,
        Algorithm::Ed25519,
        Algorithm::X25519,
    ];

    /// Those that such a card makes keys of.
    pub(crate) fn of_card(flavour: PivFlavour) -> impl Iterator<Item = Algorithm> {
        let standard = |algorithm: &Algorithm| {
            matches!(algorithm, Algorithm::Rsa2048 | Algorithm::Rsa3072 | Algorithm::P256 | Algorithm::P384)
        };
        Algorithm::ALL.into_iter().filter(move |algorithm| flavour.is_yubikey() || standard(algorithm))
    }

    /// The algorithm with this identifier, if such a card has it.
    pub(crate) fn from_id(id: u8, flavour: PivFlavour) -> Option<Algorithm> {
        Algorithm::of_card(flavour).find(|algorithm| algorithm.id() == id)
    }

    pub(crate) fn id(self) -> u8 {
        self as u8
    }

    pub(crate) fn kind(self) -> KeyKind {
        match self {
            Algorithm::Rsa1024 => KeyKind::Rsa(1024),
            Algorithm::Rsa2048 => KeyKind::Rsa(2048),
            Algorithm::Rsa3072 => KeyKind::Rsa(3072),
            Algorithm::Rsa4096 => KeyKind::Rsa(4096),
            Algorithm::P256 => KeyKind::P256,
            Algorithm::P384 => KeyKind::P384,
            Algorithm::Ed25519 => KeyKind::Ed25519,
            Algorithm::X25519 => KeyKind::X25519,
        }
    }
}

impl PinPolicy {
    pub(crate) fn from_byte(byte: u8) -> Option<PinPolicy> {
        [PinPolicy::Never, PinPolicy::Once, PinPolicy::Always].into_iter().find(|known| *known as u8 == byte)
    }
}

impl TouchPolicy {
    pub(crate) fn from_byte(byte: u8) -> Option<TouchPolicy> {
        let all = [TouchPolicy::Never, TouchPolicy::Always, TouchPolicy::Cached];
        all.into_iter().find(|known| *known as u8 == byte)
    }
}

impl StoredKey {
    /// Bytes this key takes from the card's capacity.
    pub(crate) fn size(&self) -> usize {
        self.der.len() + self.public.len()
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.quad(self.id);
        out.byte(self.algorithm.id());
        out.byte(self.origin as u8);
        out.byte(self.policies.pin as u8);
        out.byte(self.policies.touch as u8);
        out.bytes(&self.der);
        out.bytes(&self.public);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<StoredKey, Malformed> {
        let id = read.quad()?;
        let algorithm = Algorithm::from_id(read.byte()?, PivFlavour::YubiKey).ok_or(Malformed)?;
        let origin = match read.byte()? {
            1 => Origin::Generated,
            2 => Origin::Imported,
            _ => return Err(Malformed),
        };
        let pin = PinPolicy::from_byte(read.byte()?).ok_or(Malformed)?;
        let touch = TouchPolicy::from_byte(read.byte()?).ok_or(Malformed)?;
        let der = Zeroizing::new(read.bytes()?.to_vec());
        let public = read.bytes()?.to_vec();
        Ok(StoredKey { id, algorithm, origin, policies: Policies { pin, touch }, der, public })
    }
}
