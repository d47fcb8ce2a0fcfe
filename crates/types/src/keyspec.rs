//! Which key of a container: its key spec, its half, its curve.

use core::fmt;

use crate::code::UnknownCode;

/// A container's number (`bContainerIndex`): the position of its record in the container map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerIndex(u8);

impl ContainerIndex {
    /// The container of this number.
    #[must_use]
    pub const fn new(index: u8) -> Self {
        Self(index)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<u8> for ContainerIndex {
    fn from(index: u8) -> Self {
        Self(index)
    }
}

impl fmt::Display for ContainerIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The two keys a container can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyHalf {
    /// The signature key: `AT_SIGNATURE` and the ECDSA specs.
    Signature,
    /// The key exchange key: `AT_KEYEXCHANGE` and the ECDHE specs.
    KeyExchange,
}

impl KeyHalf {
    /// How the names of this half's certificate files begin: "ksc" or "kxc".
    #[must_use]
    pub const fn file_prefix(self) -> &'static str {
        match self {
            Self::Signature => "ksc",
            Self::KeyExchange => "kxc",
        }
    }

    /// The RSA key spec of this half.
    #[must_use]
    pub const fn rsa_spec(self) -> KeySpec {
        match self {
            Self::Signature => KeySpec::Signature,
            Self::KeyExchange => KeySpec::KeyExchange,
        }
    }
}

impl fmt::Display for KeyHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Signature => "signature",
            Self::KeyExchange => "key exchange",
        })
    }
}

/// The elliptic curves of Cardmod.h (NIST P-256, P-384, P-521).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EcCurve {
    /// P-256, secp256r1.
    P256,
    /// P-384, secp384r1.
    P384,
    /// P-521, secp521r1.
    P521,
}

impl EcCurve {
    /// All of them, by size.
    pub const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The key's length in bits: 256, 384, 521.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// The curve of a key of this length in bits.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        match bits {
            256 => Some(Self::P256),
            384 => Some(Self::P384),
            521 => Some(Self::P521),
            _ => None,
        }
    }

    /// Bytes of a coordinate or scalar: 32, 48, 66.
    #[must_use]
    pub const fn coordinate_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// Bytes of a signature `r‖s`: 64, 96, 132.
    #[must_use]
    pub const fn signature_len(self) -> usize {
        2 * self.coordinate_len()
    }
}

impl fmt::Display for EcCurve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P-{}", self.bits())
    }
}

/// `dwKeySpec`: kind and half of a key, in one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// `AT_KEYEXCHANGE`: RSA, signs and decrypts.
    KeyExchange = 1,
    /// `AT_SIGNATURE`: RSA, signs.
    Signature = 2,
    /// `AT_ECDSA_P256`.
    EcdsaP256 = 3,
    /// `AT_ECDSA_P384`.
    EcdsaP384 = 4,
    /// `AT_ECDSA_P521`.
    EcdsaP521 = 5,
    /// `AT_ECDHE_P256`.
    EcdheP256 = 6,
    /// `AT_ECDHE_P384`.
    EcdheP384 = 7,
    /// `AT_ECDHE_P521`.
    EcdheP521 = 8,
}

impl KeySpec {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 8] = [
        Self::KeyExchange,
        Self::Signature,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::EcdheP256,
        Self::EcdheP384,
        Self::EcdheP521,
    ];

    /// The number of Cardmod.h.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32
    }

    /// The half of the container such a key belongs to.
    #[must_use]
    pub const fn half(self) -> KeyHalf {
        match self {
            Self::Signature | Self::EcdsaP256 | Self::EcdsaP384 | Self::EcdsaP521 => KeyHalf::Signature,
            Self::KeyExchange | Self::EcdheP256 | Self::EcdheP384 | Self::EcdheP521 => KeyHalf::KeyExchange,
        }
    }

    /// The curve; `None` for RSA.
    #[must_use]
    pub const fn curve(self) -> Option<EcCurve> {
        match self {
            Self::KeyExchange | Self::Signature => None,
            Self::EcdsaP256 | Self::EcdheP256 => Some(EcCurve::P256),
            Self::EcdsaP384 | Self::EcdheP384 => Some(EcCurve::P384),
            Self::EcdsaP521 | Self::EcdheP521 => Some(EcCurve::P521),
        }
    }

    /// Whether it is an RSA key.
    #[must_use]
    pub const fn is_rsa(self) -> bool {
        self.curve().is_none()
    }

    /// The spec of an elliptic curve key.
    #[must_use]
    pub const fn ec(half: KeyHalf, curve: EcCurve) -> Self {
        match (half, curve) {
            (KeyHalf::Signature, EcCurve::P256) => Self::EcdsaP256,
            (KeyHalf::Signature, EcCurve::P384) => Self::EcdsaP384,
            (KeyHalf::Signature, EcCurve::P521) => Self::EcdsaP521,
            (KeyHalf::KeyExchange, EcCurve::P256) => Self::EcdheP256,
            (KeyHalf::KeyExchange, EcCurve::P384) => Self::EcdheP384,
            (KeyHalf::KeyExchange, EcCurve::P521) => Self::EcdheP521,
        }
    }
}

impl TryFrom<u32> for KeySpec {
    type Error = UnknownCode;

    fn try_from(code: u32) -> Result<Self, UnknownCode> {
        Self::ALL.into_iter().find(|spec| spec.code() == code).ok_or(UnknownCode::new("key spec", code))
    }
}

impl fmt::Display for KeySpec {
    /// The name of Cardmod.h.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyExchange => "AT_KEYEXCHANGE",
            Self::Signature => "AT_SIGNATURE",
            Self::EcdsaP256 => "AT_ECDSA_P256",
            Self::EcdsaP384 => "AT_ECDSA_P384",
            Self::EcdsaP521 => "AT_ECDSA_P521",
            Self::EcdheP256 => "AT_ECDHE_P256",
            Self::EcdheP384 => "AT_ECDHE_P384",
            Self::EcdheP521 => "AT_ECDHE_P521",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specs_are_numbers_one_to_eight() {
        for code in 1..=8 {
            assert_eq!(KeySpec::try_from(code).unwrap().code(), code);
        }
        for code in [0, 9, 65538, u32::MAX] {
            assert_eq!(KeySpec::try_from(code).unwrap_err().code, code);
        }
    }

    #[test]
    fn half_and_curve_make_the_spec() {
        for spec in KeySpec::ALL {
            let again = spec.curve().map_or(spec.half().rsa_spec(), |curve| KeySpec::ec(spec.half(), curve));
            assert_eq!(again, spec);
        }
        assert_eq!(KeySpec::EcdheP521.half().file_prefix(), "kxc");
        assert_eq!(KeySpec::EcdsaP256.half().file_prefix(), "ksc");
    }

    #[test]
    fn curve_lengths_follow_from_the_bits() {
        for curve in EcCurve::ALL {
            assert_eq!(curve.coordinate_len(), curve.bits().div_ceil(8) as usize);
            assert_eq!(EcCurve::from_bits(curve.bits()), Some(curve));
        }
        assert_eq!(EcCurve::from_bits(512), None);
    }
}
