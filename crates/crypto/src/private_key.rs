//! [`PrivateKey`]: one prepared key and what it can do.

use pkcs1::RsaPrivateKeyRef;
use pkcs1::der::{Decode as _, Encode as _, asn1::UintRef};
use sec1::EcParameters;
use sec1::der::oid::ObjectIdentifier;
use zeroize::Zeroizing;

use crate::ffi::{self, EcKey, Ed25519Key, RsaKey, X25519Key};
use crate::{CryptoError, KeyKind};

/// A private key, prepared for use. Operations take `&self` and may run on several threads at once.
pub struct PrivateKey {
    kind: KeyKind,
    inner: Inner,
}

enum Inner {
    Rsa { key: RsaKey, modulus: Vec<u8>, exponent: Vec<u8> },
    Ec { key: EcKey, point: Vec<u8> },
    Ed25519(Ed25519Key),
    X25519(X25519Key),
}

impl PrivateKey {
    /// Makes a new key. RSA keys have the exponent 65537; RSA-4096 takes seconds.
    ///
    /// # Errors
    /// [`CryptoError::Kind`] for a size that is not served, [`CryptoError::Library`].
    pub fn generate(kind: KeyKind) -> Result<PrivateKey, CryptoError> {
        match kind.checked()? {
            KeyKind::Rsa(bits) => PrivateKey::from_rsa(RsaKey::generate(bits)?),
            KeyKind::Ed25519 => Ok(PrivateKey::from_ed25519(Ed25519Key::generate())),
            KeyKind::X25519 => Ok(PrivateKey::from_x25519(X25519Key::generate())),
            curve => PrivateKey::from_ec_key(curve, EcKey::generate(curve)?),
        }
    }

    /// An RSA key from its eight numbers, each big-endian: modulus, public exponent, private
    /// exponent, both primes, both CRT exponents, CRT coefficient.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] if the numbers do not belong together, [`CryptoError::Kind`].
    #[expect(clippy::too_many_arguments, reason = "the eight numbers of RFC 8017, A.1.2, in its order")]
    pub fn from_rsa_parts(
        n: &[u8],
        e: &[u8],
        d: &[u8],
        p: &[u8],
        q: &[u8],
        dp: &[u8],
        dq: &[u8],
        qinv: &[u8],
    ) -> Result<PrivateKey, CryptoError> {
        let number = |bytes| UintRef::new(bytes).map_err(|_| CryptoError::BadKey);
        let parts = RsaPrivateKeyRef {
            modulus: number(n)?,
            public_exponent: number(e)?,
            private_exponent: number(d)?,
            prime1: number(p)?,
            prime2: number(q)?,
            exponent1: number(dp)?,
            exponent2: number(dq)?,
            coefficient: number(qinv)?,
            other_prime_infos: None,
        };
        let der = Zeroizing::new(parts.to_der().map_err(|_| CryptoError::BadKey)?);
        PrivateKey::from_pkcs1_der(&der)
    }

    /// An RSA key from a DER `RSAPrivateKey` (RFC 8017, A.1.2) with two primes and all CRT numbers.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] for malformed DER, trailing bytes or numbers that do not belong
    /// together; [`CryptoError::Kind`] for a size that is not served.
    pub fn from_pkcs1_der(der: &[u8]) -> Result<PrivateKey, CryptoError> {
        PrivateKey::from_rsa(RsaKey::from_pkcs1_der(der)?)
    }

    /// An RSA key with the public exponent 65537 from its primes and CRT numbers, each big-endian: both
    /// primes, both CRT exponents, CRT coefficient.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] if the numbers do not belong together, [`CryptoError::Kind`].
    pub fn from_rsa_primes(
        p: &[u8],
        q: &[u8],
        dp: &[u8],
        dq: &[u8],
        qinv: &[u8],
    ) -> Result<PrivateKey, CryptoError> {
        // Twice the largest prime of any kind served; the library would multiply whatever comes.
        if p.len() > 512 || q.len() > 512 {
            return Err(CryptoError::BadKey);
        }
        let numbers = ffi::from_primes(p, q)?;
        PrivateKey::from_rsa_parts(
            &numbers.modulus,
            &[1, 0, 1],
            &numbers.private_exponent,
            p,
            q,
            dp,
            dq,
            qinv,
        )
    }

    /// An Ed25519 or X25519 key from its 32 private bytes (RFC 8032, 5.1.5; RFC 7748, 5).
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] for another kind or length.
    pub fn from_private_bytes(kind: KeyKind, private: &[u8]) -> Result<PrivateKey, CryptoError> {
        let private = private.try_into().map_err(|_| CryptoError::BadKey)?;
        match kind {
            KeyKind::Ed25519 => Ok(PrivateKey::from_ed25519(Ed25519Key::from_seed(private))),
            KeyKind::X25519 => Ok(PrivateKey::from_x25519(X25519Key::from_private(private))),
            _ => Err(CryptoError::BadKey),
        }
    }

    /// An EC key from its private scalar (big-endian, at most one coordinate long) and, if it is
    /// given, the point `04 || X || Y` that must belong to it.
    ///
    /// # Errors
    /// [`CryptoError::BadKey`] for a scalar outside 1..order, a point that is not the scalar's or a kind
    /// that is no NIST curve.
    pub fn from_ec(kind: KeyKind, scalar: &[u8], point: Option<&[u8]>) -> Result<PrivateKey, CryptoError> {
        if !kind.is_nist() || scalar.len() > kind.block_len() {
            return Err(CryptoError::BadKey);
        }
        let key = PrivateKey::from_ec_key(kind, EcKey::from_scalar(kind, scalar)?)?;
        match point {
            Some(point) if key.ec_point()? != point => Err(CryptoError::BadKey),
            _ => Ok(key),
        }
    }

    /// A key from what [`PrivateKey::to_der`] gave.
    ///
    /// # Errors
    /// As [`PrivateKey::from_pkcs1_der`] and [`PrivateKey::from_ec`].
    pub fn from_der(kind: KeyKind, der: &[u8]) -> Result<PrivateKey, CryptoError> {
        let key = match kind {
            KeyKind::Rsa(_) => PrivateKey::from_pkcs1_der(der)?,
            KeyKind::Ed25519 | KeyKind::X25519 => {
                let private = der.strip_prefix(&rfc8410_prefix(kind)).ok_or(CryptoError::BadKey)?;
                PrivateKey::from_private_bytes(kind, private)?
            }
            curve => {
                let parsed = sec1::EcPrivateKey::from_der(der).map_err(|_| CryptoError::BadKey)?;
                let stated = parsed.parameters.and_then(|parameters| parameters.named_curve());
                if stated.is_some_and(|oid| oid != curve_oid(curve)) {
                    return Err(CryptoError::BadKey);
                }
                PrivateKey::from_ec(curve, parsed.private_key, parsed.public_key)?
            }
        };
        if key.kind == kind { Ok(key) } else { Err(CryptoError::BadKey) }
    }

    /// The whole key for storage: DER `RSAPrivateKey` (RFC 8017), `ECPrivateKey` (RFC 5915), or for
    /// Ed25519 and X25519 `OneAsymmetricKey` (RFC 8410, 7).
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn to_der(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match &self.inner {
            Inner::Rsa { key, .. } => key.to_pkcs1_der(),
            Inner::Ec { key, point } => {
                let scalar = key.scalar(self.kind.block_len())?;
                let document = sec1::EcPrivateKey {
                    private_key: &scalar,
                    parameters: Some(EcParameters::NamedCurve(curve_oid(self.kind))),
                    public_key: Some(point),
                };
                Ok(Zeroizing::new(document.to_der().map_err(|_| CryptoError::Library)?))
            }
            Inner::Ed25519(key) => Ok(rfc8410(self.kind, key.seed())),
            Inner::X25519(key) => Ok(rfc8410(self.kind, key.private())),
        }
    }

    /// The key's kind and size.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Modulus and public exponent, big-endian without leading zeros.
    ///
    /// # Errors
    /// [`CryptoError::WrongKind`] for an EC key.
    pub fn rsa_public(&self) -> Result<(&[u8], &[u8]), CryptoError> {
        match &self.inner {
            Inner::Rsa { modulus, exponent, .. } => Ok((modulus, exponent)),
            _ => Err(CryptoError::WrongKind),
        }
    }

    /// The public point: `04 || X || Y`, or the 32 bytes of Ed25519 and X25519.
    ///
    /// # Errors
    /// [`CryptoError::WrongKind`] for an RSA key.
    pub fn ec_point(&self) -> Result<&[u8], CryptoError> {
        match &self.inner {
            Inner::Ec { point, .. } => Ok(point),
            Inner::Ed25519(key) => Ok(key.public()),
            Inner::X25519(key) => Ok(key.public()),
            Inner::Rsa { .. } => Err(CryptoError::WrongKind),
        }
    }

    /// The RSA private operation on one block without any padding (blinded): what a signature and a
    /// decryption have in common. The block is exactly as long as the modulus and a number
    /// between 1 and the modulus minus 1, both excluded (NIST SP 800-56B, 7.1.2).
    ///
    /// # Errors
    /// [`CryptoError::BadInput`], [`CryptoError::WrongKind`].
    pub fn rsa_raw(&self, block: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match &self.inner {
            Inner::Rsa { key, modulus, .. } if is_representative(block, modulus) => key.raw(block),
            Inner::Rsa { .. } => Err(CryptoError::BadInput),
            _ => Err(CryptoError::WrongKind),
        }
    }

    /// ECDSA over a digest of 1 to 64 bytes; answers the DER `SEQUENCE { r, s }`.
    ///
    /// # Errors
    /// [`CryptoError::BadInput`], [`CryptoError::WrongKind`], [`CryptoError::Library`].
    pub fn ecdsa_sign(&self, digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
        match &self.inner {
            Inner::Ec { .. } if digest.is_empty() || digest.len() > 64 => Err(CryptoError::BadInput),
            Inner::Ec { key, .. } => key.sign(digest),
            _ => Err(CryptoError::WrongKind),
        }
    }

    /// Ed25519 over a whole message; answers 64 bytes.
    ///
    /// # Errors
    /// [`CryptoError::WrongKind`], [`CryptoError::Library`].
    pub fn eddsa_sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        match &self.inner {
            Inner::Ed25519(key) => key.sign(message),
            _ => Err(CryptoError::WrongKind),
        }
    }

    /// X25519 with a peer's 32 public bytes.
    ///
    /// # Errors
    /// [`CryptoError::BadPoint`] for another length or a point of small order, [`CryptoError::WrongKind`].
    pub fn x25519(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match &self.inner {
            Inner::X25519(key) => key.agree(peer.try_into().map_err(|_| CryptoError::BadPoint)?),
            _ => Err(CryptoError::WrongKind),
        }
    }

    /// ECDH with a peer's point `04 || X || Y`; answers the shared point's X, one coordinate long.
    ///
    /// # Errors
    /// [`CryptoError::BadPoint`] for a point not on the curve, [`CryptoError::WrongKind`].
    pub fn ecdh(&self, peer: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        match &self.inner {
            Inner::Ec { .. } if peer.len() != 1 + 2 * self.kind.block_len() || peer[0] != 4 => {
                Err(CryptoError::BadPoint)
            }
            Inner::Ec { key, .. } => key.agree(peer, self.kind.block_len()),
            _ => Err(CryptoError::WrongKind),
        }
    }

    fn from_rsa(key: RsaKey) -> Result<PrivateKey, CryptoError> {
        let kind = KeyKind::rsa(key.bits())?;
        let (modulus, exponent) = key.public()?;
        Ok(PrivateKey { kind, inner: Inner::Rsa { key, modulus, exponent } })
    }

    fn from_ed25519(key: Ed25519Key) -> PrivateKey {
        PrivateKey { kind: KeyKind::Ed25519, inner: Inner::Ed25519(key) }
    }

    fn from_x25519(key: X25519Key) -> PrivateKey {
        PrivateKey { kind: KeyKind::X25519, inner: Inner::X25519(key) }
    }

    fn from_ec_key(kind: KeyKind, key: EcKey) -> Result<PrivateKey, CryptoError> {
        let point = key.point(kind.block_len())?;
        Ok(PrivateKey { kind, inner: Inner::Ec { key, point } })
    }
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PrivateKey({})", self.kind)
    }
}

/// Whether 1 < block < modulus - 1, both being equally long.
fn is_representative(block: &[u8], modulus: &[u8]) -> bool {
    let (Some((low, high)), Some((modulus_low, modulus_high))) = (block.split_last(), modulus.split_last())
    else {
        return false;
    };
    let above_one = *low > 1 || high.iter().any(|byte| *byte != 0);
    // A modulus is odd, so one less differs in the last bit alone.
    let below = (high, *low) < (modulus_high, modulus_low & !1);
    block.len() == modulus.len() && above_one && below
}

/// What stands before the 32 private bytes in a `OneAsymmetricKey` of Ed25519 or X25519 without
/// attributes and public key (RFC 8410, 7 and 10.3).
fn rfc8410_prefix(kind: KeyKind) -> [u8; 16] {
    let algorithm = if kind == KeyKind::X25519 { 0x6E } else { 0x70 };
    [0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, algorithm, 0x04, 0x22, 0x04, 0x20]
}

fn rfc8410(kind: KeyKind, private: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(16 + private.len()));
    out.extend_from_slice(&rfc8410_prefix(kind));
    out.extend_from_slice(private);
    out
}

/// RFC 5480, 2.1.1.1.
fn curve_oid(kind: KeyKind) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(match kind {
        KeyKind::P384 => "1.3.132.0.34",
        KeyKind::P521 => "1.3.132.0.35",
        _ => "1.2.840.10045.3.1.7",
    })
}
