//! Public keys of the places: those of the module interface, and the two of Curve25519 beside them.

use std::fmt;

use cardmod_types::{EcPublicKey, PublicKey, RsaPublicKey};
use const_oid::ObjectIdentifier;
use der::asn1::BitStringRef;
use der::{Decode, Encode};
use spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoRef};

use crate::PivError;

/// `id-X25519` (RFC 8410, section 3).
const X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.110");
/// `id-Ed25519` (RFC 8410, section 3).
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The public key of a place.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum SlotKey {
    /// RSA.
    Rsa(RsaPublicKey),
    /// A NIST curve.
    Ec(EcPublicKey),
    /// Ed25519: the encoded point (RFC 8032, section 5.1.2).
    Ed25519([u8; 32]),
    /// X25519: the u-coordinate, little-endian (RFC 7748, section 5).
    X25519([u8; 32]),
}

impl SlotKey {
    /// The key as the module interface knows it; `None` for Curve25519, which it has no name for.
    #[must_use]
    pub fn to_public_key(&self) -> Option<PublicKey> {
        match self {
            Self::Rsa(key) => Some(PublicKey::Rsa(key.clone())),
            Self::Ec(key) => Some(PublicKey::Ec(key.clone())),
            Self::Ed25519(_) | Self::X25519(_) => None,
        }
    }

    /// The key as X.509 `SubjectPublicKeyInfo`.
    #[must_use]
    pub fn to_spki_der(&self) -> Vec<u8> {
        let (oid, point) = match self {
            Self::Rsa(key) => return PublicKey::Rsa(key.clone()).to_spki_der(),
            Self::Ec(key) => return PublicKey::Ec(key.clone()).to_spki_der(),
            Self::Ed25519(point) => (ED25519, point),
            Self::X25519(point) => (X25519, point),
        };
        BitStringRef::from_bytes(point)
            .and_then(|subject_public_key| {
                let algorithm = AlgorithmIdentifierRef { oid, parameters: None };
                SubjectPublicKeyInfoRef { algorithm, subject_public_key }.to_der()
            })
            .expect("32 bytes always encode")
    }

    /// Reads an X.509 `SubjectPublicKeyInfo`.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] for an algorithm cards of this kind do not have,
    /// [`PivError::Malformed`] for anything that is no key.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, PivError> {
        const MALFORMED: PivError = PivError::Malformed("public key");
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| MALFORMED)?;
        let point = || {
            let bytes = info.subject_public_key.as_bytes().ok_or(MALFORMED)?;
            <[u8; 32]>::try_from(bytes).map_err(|_| MALFORMED)
        };
        match info.algorithm.oid {
            ED25519 => point().map(Self::Ed25519),
            X25519 => point().map(Self::X25519),
            _ => match PublicKey::from_spki_der(der) {
                Ok(key) => Ok(key.into()),
                Err(cardmod_types::KeyError::UnknownAlgorithm(_)) => {
                    Err(PivError::Unsupported("the key's algorithm"))
                }
                Err(_) => Err(MALFORMED),
            },
        }
    }
}

impl From<PublicKey> for SlotKey {
    fn from(key: PublicKey) -> Self {
        match key {
            PublicKey::Rsa(key) => Self::Rsa(key),
            PublicKey::Ec(key) => Self::Ec(key),
        }
    }
}

impl fmt::Debug for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |f: &mut fmt::Formatter<'_>, name: &str, point: &[u8; 32]| {
            write!(f, "{name}(")?;
            point.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
            f.write_str(")")
        };
        match self {
            Self::Rsa(key) => fmt::Debug::fmt(key, f),
            Self::Ec(key) => fmt::Debug::fmt(key, f),
            Self::Ed25519(point) => hex(f, "Ed25519", point),
            Self::X25519(point) => hex(f, "X25519", point),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::EcCurve;

    #[test]
    fn keys_come_back_from_their_spki() {
        let point: Vec<u8> = [4].into_iter().chain(1..=64).collect();
        let keys = [
            SlotKey::Ec(EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("well-formed")),
            SlotKey::Rsa(RsaPublicKey::new(&[0xF1; 256], 65537).expect("well-formed")),
            SlotKey::Ed25519([7; 32]),
            SlotKey::X25519([9; 32]),
        ];
        for key in keys {
            assert_eq!(SlotKey::from_spki_der(&key.to_spki_der()), Ok(key.clone()), "{key:?}");
        }
    }

    #[test]
    fn the_curves_of_rfc_8410() {
        // RFC 8410, section 10.1.
        let der = SlotKey::Ed25519([0x19; 32]).to_spki_der();
        assert_eq!(der[..12], [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]);
    }

    #[test]
    fn anything_else_is_refused() {
        let mut der = SlotKey::Ed25519([7; 32]).to_spki_der();
        assert_eq!(SlotKey::from_spki_der(&der[..43]), Err(PivError::Malformed("public key")));
        der[8] = 0x71;
        assert_eq!(SlotKey::from_spki_der(&der), Err(PivError::Unsupported("the key's algorithm")));
        assert_eq!(SlotKey::from_spki_der(&[]), Err(PivError::Malformed("public key")));
    }
}
