//! Key algorithms and the algorithm references of MSE and key files (GIDS, tables 25–28).

use cardmod_types::{EcCurve, PublicKey};

/// What a container's key is; the value is the low nibble of every algorithm reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// RSA, 1024 bits.
    Rsa1024 = 0x06,
    /// RSA, 2048 bits.
    Rsa2048 = 0x07,
    /// RSA, 3072 bits.
    Rsa3072 = 0x08,
    /// RSA, 4096 bits.
    Rsa4096 = 0x09,
    /// NIST P-256.
    P256 = 0x0C,
    /// NIST P-384.
    P384 = 0x0D,
    /// NIST P-521.
    P521 = 0x0E,
}

impl KeyAlgorithm {
    /// Every algorithm.
    pub const ALL: [Self; 7] =
        [Self::Rsa1024, Self::Rsa2048, Self::Rsa3072, Self::Rsa4096, Self::P256, Self::P384, Self::P521];

    /// The algorithm reference of GENERATE and of the keymap; `None` for one this edge does not know
    /// (P-192 and P-224 are `0A` and `0B`).
    #[must_use]
    pub fn from_reference(reference: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.reference() == reference)
    }

    /// The RSA algorithm for a modulus of `bits` bits.
    #[must_use]
    pub fn rsa(bits: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.is_rsa() && algorithm.bits() == bits)
    }

    /// The algorithm of an elliptic curve.
    #[must_use]
    pub const fn ec(curve: EcCurve) -> Self {
        match curve {
            EcCurve::P256 => Self::P256,
            EcCurve::P384 => Self::P384,
            EcCurve::P521 => Self::P521,
        }
    }

    /// The algorithm of a public key; `None` for an RSA modulus of a size GIDS has no reference for.
    #[must_use]
    pub fn of(key: &PublicKey) -> Option<Self> {
        match key {
            PublicKey::Rsa(_) => Self::rsa(key.bits()),
            PublicKey::Ec(ec) => Some(Self::ec(ec.curve())),
        }
    }

    /// The reference in GENERATE, in the keymap and, combined with a padding, in MSE.
    #[must_use]
    pub const fn reference(self) -> u8 {
        self as u8
    }

    /// Key length in bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Rsa1024 => 1024,
            Self::Rsa2048 => 2048,
            Self::Rsa3072 => 3072,
            Self::Rsa4096 => 4096,
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// The curve; `None` for RSA.
    #[must_use]
    pub const fn curve(self) -> Option<EcCurve> {
        match self {
            Self::P256 => Some(EcCurve::P256),
            Self::P384 => Some(EcCurve::P384),
            Self::P521 => Some(EcCurve::P521),
            _ => None,
        }
    }

    /// Whether it is RSA.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        self.curve().is_none()
    }

    /// Length of modulus, block and signature in bytes (RSA), or of a coordinate (EC).
    #[must_use]
    pub const fn byte_len(self) -> usize {
        self.bits().div_ceil(8) as usize
    }
}

/// What a key is used for; chooses the control reference template and the algorithm reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyOperation {
    /// The card pads with PKCS#1 v1.5 (RSA).
    SignPkcs1,
    /// A full block (RSA), or a hash (ECDSA).
    SignRaw,
    /// The raw private-key operation (RSA).
    DecipherRaw,
    /// Key agreement (EC): an extension of this project, `B8` with the key's own algorithm.
    Agree,
}

/// Control reference template for digital signature.
const CRT_SIGNATURE: u8 = 0xB6;
/// Control reference template for confidentiality.
const CRT_CONFIDENTIALITY: u8 = 0xB8;

impl KeyOperation {
    /// The control reference template: P2 of MSE.
    pub(crate) const fn template(self) -> u8 {
        match self {
            Self::SignPkcs1 | Self::SignRaw => CRT_SIGNATURE,
            Self::DecipherRaw | Self::Agree => CRT_CONFIDENTIALITY,
        }
    }

    /// The algorithm reference: bits 8 and 7 the padding, bit 5 "hash computed off the card", low nibble
    /// the key.
    pub(crate) const fn reference(self, algorithm: KeyAlgorithm) -> u8 {
        match self {
            Self::SignPkcs1 => 0x50 | algorithm.reference(),
            Self::SignRaw => 0x10 | algorithm.reference(),
            Self::DecipherRaw | Self::Agree => algorithm.reference(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_those_of_the_tables() {
        let rsa = KeyAlgorithm::Rsa2048;
        assert_eq!(KeyOperation::SignPkcs1.reference(rsa), 0x57);
        assert_eq!(KeyOperation::SignRaw.reference(rsa), 0x17);
        assert_eq!(KeyOperation::DecipherRaw.reference(rsa), 0x07);
        assert_eq!(KeyOperation::SignRaw.reference(KeyAlgorithm::P256), 0x1C);
        assert_eq!(KeyOperation::Agree.reference(KeyAlgorithm::P521), 0x0E);
        assert_eq!(KeyOperation::Agree.template(), 0xB8);
    }

    #[test]
    fn references_and_sizes_come_back() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(KeyAlgorithm::from_reference(algorithm.reference()), Some(algorithm));
            match algorithm.curve() {
                Some(curve) => assert_eq!(KeyAlgorithm::ec(curve), algorithm),
                None => assert_eq!(KeyAlgorithm::rsa(algorithm.bits()), Some(algorithm)),
            }
        }
        assert_eq!(KeyAlgorithm::from_reference(0x0A), None);
        assert_eq!(KeyAlgorithm::rsa(1536), None);
        assert_eq!(KeyAlgorithm::P521.byte_len(), 66);
    }
}
