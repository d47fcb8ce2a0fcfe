//! Keys out of the shared secret of a key agreement, as CNG's `BCryptDeriveKey` makes them
//! (minidriver specification, section 4.8.4; bcrypt.h).
//!
//! The secret `Z` is the X coordinate of the shared point, big-endian and of the curve's length.

mod tls;

use core::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use thiserror::Error;
use zeroize::Zeroize;

use crate::code::UnknownCode;
use crate::hash::HashAlgorithm;
use crate::secret::SecretBytes;

/// A key derivation function with its parameters.
#[derive(Clone, PartialEq, Eq)]
pub enum Kdf {
    /// "HASH": `hash(prepend ‖ Z ‖ append)`.
    Hash {
        /// `KDF_HASH_ALGORITHM`, SHA-1 where the caller named none.
        hash: HashAlgorithm,
        /// `KDF_SECRET_PREPEND`.
        prepend: SecretBytes,
        /// `KDF_SECRET_APPEND`.
        append: SecretBytes,
    },
    /// "HMAC": `HMAC(key, prepend ‖ Z ‖ append)`.
    Hmac {
        /// `KDF_HASH_ALGORITHM`, SHA-1 where the caller named none.
        hash: HashAlgorithm,
        /// `KDF_HMAC_KEY`; `None` takes `Z` (`KDF_USE_SECRET_AS_HMAC_KEY_FLAG`).
        key: Option<SecretBytes>,
        /// `KDF_SECRET_PREPEND`.
        prepend: SecretBytes,
        /// `KDF_SECRET_APPEND`.
        append: SecretBytes,
    },
    /// "TLS_PRF": the pseudo-random function of TLS over label and seed, 48 bytes.
    TlsPrf {
        /// `KDF_TLS_PRF_LABEL`.
        label: Vec<u8>,
        /// `KDF_TLS_PRF_SEED`: client and server random, 64 bytes.
        seed: Vec<u8>,
        /// `KDF_TLS_PRF_PROTOCOL`.
        protocol: TlsProtocol,
        /// `KDF_HASH_ALGORITHM`: for TLS 1.2 SHA-256 (also when `None`) or SHA-384.
        hash: Option<HashAlgorithm>,
    },
    /// "SP800_56A_CONCAT": the one-step function of NIST SP 800-56A with a hash,
    /// `hash(counter ‖ Z ‖ AlgorithmID ‖ PartyUInfo ‖ PartyVInfo ‖ SuppPubInfo ‖ SuppPrivInfo)`.
    Sp800_56aConcat {
        /// `KDF_HASH_ALGORITHM`.
        hash: HashAlgorithm,
        /// `KDF_ALGORITHMID`.
        algorithm_id: Vec<u8>,
        /// `KDF_PARTYUINFO`.
        party_u: Vec<u8>,
        /// `KDF_PARTYVINFO`.
        party_v: Vec<u8>,
        /// `KDF_SUPPPUBINFO`.
        supp_pub: Vec<u8>,
        /// `KDF_SUPPPRIVINFO`.
        supp_priv: SecretBytes,
    },
    /// "TRUNCATE" (`BCRYPT_KDF_RAW_SECRET`): `Z` itself. CNG answers it in little-endian order, the
    /// reverse of what other software calls the shared secret, and cuts at the end.
    Truncate,
    /// "HKDF": RFC 5869.
    Hkdf {
        /// `KDF_HASH_ALGORITHM`.
        hash: HashAlgorithm,
        /// `KDF_HKDF_SALT`, empty for none.
        salt: Vec<u8>,
        /// `KDF_HKDF_INFO`.
        info: Vec<u8>,
    },
}

/// The protocol version that "TLS_PRF" is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsProtocol {
    /// TLS 1.0, `0x0301`.
    Tls10,
    /// TLS 1.1, `0x0302`.
    Tls11,
    /// TLS 1.2, `0x0303`.
    Tls12,
}

impl TlsProtocol {
    /// The number in the protocol and in `KDF_TLS_PRF_PROTOCOL`.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
        }
    }
}

impl TryFrom<u32> for TlsProtocol {
    type Error = UnknownCode;

    fn try_from(code: u32) -> Result<Self, UnknownCode> {
        [Self::Tls10, Self::Tls11, Self::Tls12]
            .into_iter()
            .find(|protocol| protocol.code() == code)
            .ok_or(UnknownCode::new("TLS protocol version", code))
    }
}

/// Why no key can be derived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KdfError {
    /// A hash algorithm the function is not defined for.
    #[error("hash algorithm {0} is not supported for this key derivation")]
    UnsupportedHash(HashAlgorithm),
    /// The TLS seed has not 64 bytes.
    #[error("seed has {0} bytes instead of 64")]
    SeedLength(usize),
    /// More bytes wanted than the function gives.
    #[error("{wanted} bytes are wanted of a key derivation that gives {available}")]
    TooLong {
        /// Bytes wanted.
        wanted: usize,
        /// The most there are.
        available: usize,
    },
}

impl Kdf {
    /// The most bytes that are derived in one call.
    pub const MAX_LEN: usize = 65_536;

    /// The function's name in CNG.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hash { .. } => "HASH",
            Self::Hmac { .. } => "HMAC",
            Self::TlsPrf { .. } => "TLS_PRF",
            Self::Sp800_56aConcat { .. } => "SP800_56A_CONCAT",
            Self::Truncate => "TRUNCATE",
            Self::Hkdf { .. } => "HKDF",
        }
    }

    /// How many bytes there are when no number is wanted, for a secret of `secret_len` bytes: a
    /// digest, 48 for TLS, the secret's own length for the raw one.
    #[must_use]
    pub const fn natural_len(&self, secret_len: usize) -> usize {
        match self {
            Self::Hash { hash, .. }
            | Self::Hmac { hash, .. }
            | Self::Sp800_56aConcat { hash, .. }
            | Self::Hkdf { hash, .. } => hash.len(),
            Self::TlsPrf { .. } => tls::MASTER_SECRET_LEN,
            Self::Truncate => secret_len,
        }
    }

    /// Derives `wanted` bytes, or as many as the function makes by itself.
    ///
    /// # Errors
    /// [`KdfError`].
    pub fn derive(&self, secret: &SecretBytes, wanted: Option<usize>) -> Result<SecretBytes, KdfError> {
        let len = wanted.unwrap_or(self.natural_len(secret.len()));
        let available = self.available(secret.len());
        if len > available {
            return Err(KdfError::TooLong { wanted: len, available });
        }
        let z = secret.as_bytes();
        let mut key = match self {
            Self::Hash { hash, prepend, append } => {
                digest(*hash, &[prepend.as_bytes(), z, append.as_bytes()])?
            }
            Self::Hmac { hash, key, prepend, append } => {
                let key = key.as_ref().unwrap_or(secret);
                hmac(*hash, key.as_bytes(), &[prepend.as_bytes(), z, append.as_bytes()])?
            }
            Self::TlsPrf { label, seed, protocol, hash } => tls::prf(*protocol, *hash, z, label, seed)?,
            Self::Sp800_56aConcat { hash, algorithm_id, party_u, party_v, supp_pub, supp_priv } => {
                let info = [algorithm_id, party_u, party_v, supp_pub, supp_priv.as_bytes()];
                concat(*hash, z, info, len)?
            }
            Self::Truncate => {
                let mut raw = secret.clone();
                raw.as_mut_bytes().reverse();
                raw
            }
            Self::Hkdf { hash, salt, info } => hkdf(*hash, z, salt, info, len)?,
        };
        key.truncate(len);
        Ok(key)
    }

    /// The most bytes the function gives.
    fn available(&self, secret_len: usize) -> usize {
        match self {
            Self::Sp800_56aConcat { .. } => Self::MAX_LEN,
            Self::Hkdf { hash, .. } => 255 * hash.len(),
            _ => self.natural_len(secret_len),
        }
    }
}

impl fmt::Debug for Kdf {
    /// The name alone: parameters can be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kdf({})", self.name())
    }
}

/// Whether a key derivation may use the algorithm: all that are computed, but not the concatenation.
fn check(hash: HashAlgorithm) -> Result<(), KdfError> {
    match hash {
        HashAlgorithm::Md2 | HashAlgorithm::Md4 | HashAlgorithm::Ssl3ShaMd5 => {
            Err(KdfError::UnsupportedHash(hash))
        }
        _ => Ok(()),
    }
}

fn digest(hash: HashAlgorithm, parts: &[&[u8]]) -> Result<SecretBytes, KdfError> {
    check(hash)?;
    hash.digest_parts(parts).map(SecretBytes::new).ok_or(KdfError::UnsupportedHash(hash))
}

/// HMAC (RFC 2104) of the concatenated parts.
fn hmac(hash: HashAlgorithm, key: &[u8], parts: &[&[u8]]) -> Result<SecretBytes, KdfError> {
    fn run<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<SecretBytes> {
        let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
        parts.iter().for_each(|part| mac.update(part));
        let mut code = mac.finalize().into_bytes();
        let secret = SecretBytes::from(code.as_slice());
        code.as_mut_slice().zeroize();
        Some(secret)
    }
    let made = match hash {
        HashAlgorithm::Md5 => run::<Hmac<Md5>>(key, parts),
        HashAlgorithm::Sha1 => run::<Hmac<Sha1>>(key, parts),
        HashAlgorithm::Sha256 => run::<Hmac<Sha256>>(key, parts),
        HashAlgorithm::Sha384 => run::<Hmac<Sha384>>(key, parts),
        HashAlgorithm::Sha512 => run::<Hmac<Sha512>>(key, parts),
        HashAlgorithm::Md2 | HashAlgorithm::Md4 | HashAlgorithm::Ssl3ShaMd5 => None,
    };
    made.ok_or(KdfError::UnsupportedHash(hash))
}

fn concat(hash: HashAlgorithm, z: &[u8], info: [&[u8]; 5], len: usize) -> Result<SecretBytes, KdfError> {
    check(hash)?;
    let mut key = SecretBytes::zeroed(len);
    for (counter, chunk) in (1u32..).zip(key.as_mut_bytes().chunks_mut(hash.len())) {
        let [a, b, c, d, e] = info;
        let block = digest(hash, &[&counter.to_be_bytes(), z, a, b, c, d, e])?;
        chunk.copy_from_slice(&block.as_bytes()[..chunk.len()]);
    }
    Ok(key)
}

fn hkdf(
    hash: HashAlgorithm,
    z: &[u8],
    salt: &[u8],
    info: &[u8],
    len: usize,
) -> Result<SecretBytes, KdfError> {
    let mut key = SecretBytes::zeroed(len);
    let out = key.as_mut_bytes();
    let expanded = match hash {
        HashAlgorithm::Md5 => Hkdf::<Md5>::new(Some(salt), z).expand(info, out),
        HashAlgorithm::Sha1 => Hkdf::<Sha1>::new(Some(salt), z).expand(info, out),
        HashAlgorithm::Sha256 => Hkdf::<Sha256>::new(Some(salt), z).expand(info, out),
        HashAlgorithm::Sha384 => Hkdf::<Sha384>::new(Some(salt), z).expand(info, out),
        HashAlgorithm::Sha512 => Hkdf::<Sha512>::new(Some(salt), z).expand(info, out),
        HashAlgorithm::Md2 | HashAlgorithm::Md4 | HashAlgorithm::Ssl3ShaMd5 => {
            return Err(KdfError::UnsupportedHash(hash));
        }
    };
    expanded.map_err(|_| KdfError::TooLong { wanted: len, available: 255 * hash.len() })?;
    Ok(key)
}
