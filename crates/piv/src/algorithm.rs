//! Algorithm identifiers of asymmetric keys (SP 800-78-5, table 13; vendors' ones for what it lacks).

use std::fmt;

use cardmod_types::EcCurve;

use crate::SlotKey;

/// What a key is; the value is P1 of GENERAL AUTHENTICATE and the mechanism of GENERATE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// RSA, 1024 bits: old keys only.
    Rsa1024 = 0x06,
    /// RSA, 2048 bits.
    Rsa2048 = 0x07,
    /// RSA, 3072 bits.
    Rsa3072 = 0x05,
    /// RSA, 4096 bits: a vendors' identifier.
    Rsa4096 = 0x16,
    /// NIST P-256.
    P256 = 0x11,
    /// NIST P-384.
    P384 = 0x14,
    /// Ed25519: a vendors' identifier.
    Ed25519 = 0xE0,
    /// X25519: a vendors' identifier.
    X25519 = 0xE1,
}

impl KeyAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 8] = [
        Self::Rsa1024,
        Self::Rsa2048,
        Self::Rsa3072,
        Self::Rsa4096,
        Self::P256,
        Self::P384,
        Self::Ed25519,
        Self::X25519,
    ];

    /// The algorithm identifier.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The algorithm of an identifier; `None` for one this edge does not know.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.id() == id)
    }

    /// The RSA algorithm for a modulus of `bits` bits.
    #[must_use]
    pub fn rsa(bits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.is_rsa() && algorithm.bits() == bits)
    }

    /// The algorithm of a curve; `None` for P-521, which PIV has no identifier for.
    #[must_use]
    pub const fn ec(curve: EcCurve) -> Option<Self> {
        match curve {
            EcCurve::P256 => Some(Self::P256),
            EcCurve::P384 => Some(Self::P384),
            EcCurve::P521 => None,
        }
    }

    /// The algorithm of a public key; `None` for a size or curve PIV has no identifier for.
    #[must_use]
    pub fn of(key: &SlotKey) -> Option<Self> {
        match key {
            SlotKey::Rsa(key) => Self::rsa(key.bits()),
            SlotKey::Ec(key) => Self::ec(key.curve()),
            SlotKey::Ed25519(_) => Some(Self::Ed25519),
            SlotKey::X25519(_) => Some(Self::X25519),
        }
    }

    /// Key length in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Rsa1024 => 1024,
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::P256 | Self::Ed25519 | Self::X25519 => 256,
            Self::P384 => 384,
        }
    }

    /// Length in bytes of modulus, block and signature (RSA), of a coordinate (NIST curves), or of a
    /// point (25519).
    #[must_use]
    pub const fn byte_len(self) -> usize {
        (self.bits() / 8) as usize
    }

    /// The NIST curve; `None` for anything else.
    #[must_use]
    pub const fn curve(self) -> Option<EcCurve> {
        match self {
            Self::P256 => Some(EcCurve::P256),
            Self::P384 => Some(EcCurve::P384),
            _ => None,
        }
    }

    /// Whether it is RSA.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        matches!(self, Self::Rsa1024 | Self::Rsa2048 | Self::Rsa3072 | Self::Rsa4096)
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::P256 => f.write_str("P-256"),
            Self::P384 => f.write_str("P-384"),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::X25519 => f.write_str("X25519"),
            rsa => write!(f, "RSA-{}", rsa.bits()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_and_sizes_come_back() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(KeyAlgorithm::from_id(algorithm.id()), Some(algorithm));
            if algorithm.is_rsa() {
                assert_eq!(KeyAlgorithm::rsa(algorithm.bits()), Some(algorithm));
            }
            if let Some(curve) = algorithm.curve() {
                assert_eq!(KeyAlgorithm::ec(curve), Some(algorithm));
                assert_eq!(curve.coordinate_len(), algorithm.byte_len());
            }
        }
        assert_eq!(KeyAlgorithm::from_id(0x22), None);
        assert_eq!(KeyAlgorithm::rsa(256), None);
        assert_eq!(KeyAlgorithm::Rsa3072.to_string(), "RSA-3072");
    }
}
