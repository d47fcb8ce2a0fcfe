//! Which keys a virtual card can hold.

use std::fmt;

/// A private key's kind and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyKind {
    /// RSA with a modulus of this many bits: 1024 to 4096 in steps of 128.
    Rsa(u16),
    /// ECDSA and ECDH on NIST P-256.
    P256,
    /// ECDSA and ECDH on NIST P-384.
    P384,
    /// ECDSA and ECDH on NIST P-521.
    P521,
    /// EdDSA on edwards25519 (RFC 8032).
    Ed25519,
    /// Key agreement on Curve25519 (RFC 7748).
    X25519,
}

/// A size outside what [`KeyKind`] allows. The library would round odd sizes silently, so they
/// are refused before it sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("RSA keys of {bits} bits are not supported; sizes are 1024 to 4096 in steps of 128")]
pub struct UnsupportedKeyKind {
    /// The refused modulus size.
    pub bits: u32,
}

impl KeyKind {
    /// An RSA kind, if the size is served.
    pub fn rsa(bits: u32) -> Result<KeyKind, UnsupportedKeyKind> {
        match u16::try_from(bits) {
            Ok(small) if (1024..=4096).contains(&small) && small % 128 == 0 => Ok(KeyKind::Rsa(small)),
            _ => Err(UnsupportedKeyKind { bits }),
        }
    }

    /// The same kind if its size is served; a hand-made `Rsa(1000)` is not.
    pub fn checked(self) -> Result<KeyKind, UnsupportedKeyKind> {
        match self {
            KeyKind::Rsa(bits) => KeyKind::rsa(u32::from(bits)),
            curve => Ok(curve),
        }
    }

    /// Bits of the modulus or of the curve's field; 256 also for the field of 255 bits of Curve25519, as
    /// its encodings have.
    pub fn bits(self) -> u32 {
        match self {
            KeyKind::Rsa(bits) => u32::from(bits),
            KeyKind::P256 | KeyKind::Ed25519 | KeyKind::X25519 => 256,
            KeyKind::P384 => 384,
            KeyKind::P521 => 521,
        }
    }

    /// Bytes of an RSA block or of one EC coordinate: 32, 48 or 66.
    pub fn block_len(self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// Whether this is a NIST curve: ECDSA and ECDH with points `04 || X || Y`.
    pub fn is_nist(self) -> bool {
        matches!(self, KeyKind::P256 | KeyKind::P384 | KeyKind::P521)
    }

    /// Whether this is an RSA kind.
    pub fn is_rsa(self) -> bool {
        matches!(self, KeyKind::Rsa(_))
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyKind::Rsa(bits) => write!(f, "RSA-{bits}"),
            KeyKind::Ed25519 => f.write_str("Ed25519"),
            KeyKind::X25519 => f.write_str("X25519"),
            curve => write!(f, "P-{}", curve.bits()),
        }
    }
}
