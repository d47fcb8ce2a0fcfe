//! Public keys: as numbers, as blobs of the interface, as `SubjectPublicKeyInfo`.
//!
//! Blobs are those of `CONTAINER_INFO` and `CARD_DH_AGREEMENT_INFO`: `PUBLICKEYBLOB` of wincrypt.h
//! with a little-endian modulus for RSA, `BCRYPT_ECCKEY_BLOB` of bcrypt.h with big-endian
//! coordinates for elliptic curves.

use core::fmt;

use crate::key_error::{KeyBlobError, KeyError};
use crate::keyspec::{EcCurve, KeyHalf, KeySpec};

/// The most bits of an RSA modulus.
pub(crate) const MAX_MODULUS_BITS: u32 = 16_384;
/// The fewest bits of an RSA modulus.
pub(crate) const MIN_MODULUS_BITS: u32 = 512;
/// `PUBLICKEYSTRUC` and `RSAPUBKEY`.
pub(crate) const RSA_HEADER_LEN: usize = 20;
/// `BCRYPT_ECCKEY_BLOB`.
pub(crate) const EC_HEADER_LEN: usize = 8;
/// "RSA1".
const RSA_PUBLIC_MAGIC: u32 = 0x3141_5352;
/// `PUBLICKEYBLOB`.
const PUBLIC_KEY_BLOB: u8 = 6;
/// `CUR_BLOB_VERSION`.
pub(crate) const BLOB_VERSION: u8 = 2;

/// A public key of the interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// RSA.
    Rsa(RsaPublicKey),
    /// P-256, P-384 or P-521.
    Ec(EcPublicKey),
}

impl PublicKey {
    /// The key's length in bits, as the container map notes it.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        match self {
            Self::Rsa(key) => key.bits(),
            Self::Ec(key) => key.curve.bits(),
        }
    }

    /// The key spec such a key has in a half of a container.
    #[must_use]
    pub const fn spec(&self, half: KeyHalf) -> KeySpec {
        match self {
            Self::Rsa(_) => half.rsa_spec(),
            Self::Ec(key) => KeySpec::ec(half, key.curve),
        }
    }

    /// Length in bytes of a signature or decrypted block of this key: the modulus, or `r‖s`.
    #[must_use]
    pub const fn signature_len(&self) -> usize {
        match self {
            Self::Rsa(key) => key.modulus_len(),
            Self::Ec(key) => key.curve.signature_len(),
        }
    }

    /// The blob of the interface. Of the spec only the half matters; kind and curve are the key's.
    #[must_use]
    pub fn to_blob(&self, spec: KeySpec) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let mut blob = rsa_header(PUBLIC_KEY_BLOB, RSA_PUBLIC_MAGIC, spec.half(), key);
                blob.extend(key.modulus.iter().rev());
                blob
            }
            Self::Ec(key) => {
                let mut blob = ec_header(EcMagic { curve: key.curve, half: spec.half(), private: false });
                blob.extend(&key.x);
                blob.extend(&key.y);
                blob
            }
        }
    }

    /// Reads a blob of the interface, to its exact length.
    ///
    /// # Errors
    /// [`KeyError`]: wrong length, magic number, algorithm, or numbers that are no key.
    pub fn from_blob(blob: &[u8]) -> Result<(Self, KeyHalf), KeyBlobError> {
        let magic = leading_u32(blob)?;
        if let Some(EcMagic { curve, half, private: false }) = EcMagic::parse(magic) {
            let n = ec_coordinate_len(blob, curve)?;
            let body = exact_body(blob, EC_HEADER_LEN, 2 * n)?;
            let (x, y) = body.split_at(n);
            return Ok((Self::Ec(EcPublicKey { curve, x: x.to_vec(), y: y.to_vec() }), half));
        }
        let header = RsaHeader::parse(blob, PUBLIC_KEY_BLOB, RSA_PUBLIC_MAGIC)?;
        let body = exact_body(blob, RSA_HEADER_LEN, header.modulus_len())?;
        Ok((Self::Rsa(header.public_key(body)?), header.half))
    }
}

/// An RSA public key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RsaPublicKey {
    modulus: Vec<u8>,
    exponent: u32,
}

impl RsaPublicKey {
    /// A key of a big-endian modulus (leading zeros are dropped) and exponent.
    ///
    /// # Errors
    /// [`KeyError`] for a modulus that is even, or not of 512 to 16384 bits, and for an exponent that
    /// is even or below 3.
    pub fn new(modulus: &[u8], exponent: u32) -> Result<Self, KeyError> {
        let modulus = without_leading_zeros(modulus);
        let bits = bit_len(modulus);
        if !(MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits) {
            return Err(KeyError::ModulusLength(bits));
        }
        if modulus.last().is_none_or(|low| low & 1 == 0) {
            return Err(KeyError::Modulus);
        }
        if exponent < 3 || exponent & 1 == 0 {
            return Err(KeyError::Exponent);
        }
        Ok(Self { modulus: modulus.to_vec(), exponent })
    }

    /// The modulus, big-endian, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> &[u8] {
        &self.modulus
    }

    /// The public exponent.
    #[must_use]
    pub const fn exponent(&self) -> u32 {
        self.exponent
    }

    /// The modulus' exact length in bits.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        // The first byte exists and is not zero.
        self.modulus.as_slice().len() as u32 * 8 - self.modulus.as_slice()[0].leading_zeros()
    }

    /// The modulus' length in bytes, which is that of a signature and of a ciphertext.
    #[must_use]
    pub const fn modulus_len(&self) -> usize {
        self.modulus.len()
    }
}

/// An elliptic curve public key. Whether the point lies on the curve is for the user of the key to
/// check, by the library that computes with it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EcPublicKey {
    curve: EcCurve,
    x: Vec<u8>,
    y: Vec<u8>,
}

impl EcPublicKey {
    /// A key of its coordinates, big-endian, each of the curve's length.
    ///
    /// # Errors
    /// [`KeyError::CoordinateLength`].
    pub fn new(curve: EcCurve, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        for coordinate in [x, y] {
            check_coordinate_len(curve, coordinate)?;
        }
        Ok(Self { curve, x: x.to_vec(), y: y.to_vec() })
    }

    /// A key of its point in uncompressed form, `04‖X‖Y`.
    ///
    /// # Errors
    /// [`KeyError::PointForm`], [`KeyError::CoordinateLength`].
    pub fn from_uncompressed(curve: EcCurve, point: &[u8]) -> Result<Self, KeyError> {
        let n = curve.coordinate_len();
        match point.split_first() {
            Some((4, xy)) if xy.len() == 2 * n => Self::new(curve, &xy[..n], &xy[n..]),
            Some((4, xy)) => Err(KeyError::CoordinateLength { expected: 2 * n, actual: xy.len() }),
            _ => Err(KeyError::PointForm),
        }
    }

    /// The point in uncompressed form, `04‖X‖Y`.
    #[must_use]
    pub fn to_uncompressed(&self) -> Vec<u8> {
        [&[4][..], &self.x, &self.y].concat()
    }

    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> EcCurve {
        self.curve
    }

    /// The X coordinate, big-endian, of the curve's length.
    #[must_use]
    pub fn x(&self) -> &[u8] {
        &self.x
    }

    /// The Y coordinate, big-endian, of the curve's length.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        &self.y
    }
}

impl fmt::Debug for EcPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcPublicKey({}, ", self.curve)?;
        self.x.iter().chain(&self.y).try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

/// What the magic number of a `BCRYPT_ECCKEY_BLOB` says: "ECS" or "ECK" and a digit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct EcMagic {
    pub(crate) curve: EcCurve,
    pub(crate) half: KeyHalf,
    pub(crate) private: bool,
}

impl EcMagic {
    pub(crate) fn parse(magic: u32) -> Option<Self> {
        EcCurve::ALL.into_iter().find_map(|curve| {
            [KeyHalf::Signature, KeyHalf::KeyExchange].into_iter().find_map(|half| {
                [false, true]
                    .into_iter()
                    .map(|private| Self { curve, half, private })
                    .find(|kind| kind.code() == magic)
            })
        })
    }

    pub(crate) const fn code(self) -> u32 {
        let purpose = match self.half {
            KeyHalf::Signature => b'S',
            KeyHalf::KeyExchange => b'K',
        };
        let digit = match self.curve {
            EcCurve::P256 => b'1',
            EcCurve::P384 => b'3',
            EcCurve::P521 => b'5',
        };
        u32::from_le_bytes([b'E', b'C', purpose, digit + self.private as u8])
    }
}

/// `PUBLICKEYSTRUC` and `RSAPUBKEY`, checked.
pub(crate) struct RsaHeader {
    pub(crate) half: KeyHalf,
    bits: u32,
    exponent: u32,
}

impl RsaHeader {
    /// Reads the header of a blob of this type and magic number.
    pub(crate) fn parse(blob: &[u8], kind: u8, magic: u32) -> Result<Self, KeyError> {
        let bits = Self::parse_bits(blob, kind, magic)?;
        let word = |at: usize| read_u32(blob, at);
        let algorithm = word(4)?;
        let half = match algorithm {
            0x2400 => KeyHalf::Signature,
            0xA400 => KeyHalf::KeyExchange,
            _ => return Err(KeyError::Algorithm(algorithm)),
        };
        Ok(Self { half, bits, exponent: word(16)? })
    }

    /// Reads as much as decides about the blob's length: 16 bytes.
    pub(crate) fn parse_bits(blob: &[u8], kind: u8, magic: u32) -> Result<u32, KeyError> {
        let start = leading_u32(blob)?;
        if start != u32::from_le_bytes([kind, BLOB_VERSION, 0, 0]) {
            return Err(KeyError::Magic(start));
        }
        let found = read_u32(blob, 8)?;
        if found != magic {
            return Err(KeyError::Magic(found));
        }
        let bits = read_u32(blob, 12)?;
        if !(MIN_MODULUS_BITS..=MAX_MODULUS_BITS).contains(&bits) || !bits.is_multiple_of(8) {
            return Err(KeyError::ModulusLength(bits));
        }
        Ok(bits)
    }

    pub(crate) const fn modulus_len(&self) -> usize {
        self.bits as usize / 8
    }

    /// The key of this header and its little-endian modulus.
    pub(crate) fn public_key(&self, modulus: &[u8]) -> Result<RsaPublicKey, KeyError> {
        if modulus.last().is_none_or(|top| *top == 0) {
            return Err(KeyError::Modulus);
        }
        let modulus: Vec<u8> = modulus.iter().rev().copied().collect();
        RsaPublicKey::new(&modulus, self.exponent)
    }
}

pub(crate) fn rsa_header(kind: u8, magic: u32, half: KeyHalf, key: &RsaPublicKey) -> Vec<u8> {
    let algorithm: u32 = match half {
        KeyHalf::Signature => 0x2400,
        KeyHalf::KeyExchange => 0xA400,
    };
    let mut blob = vec![kind, BLOB_VERSION, 0, 0];
    // The length field counts whole bytes, so that the layout follows from it.
    for word in [algorithm, magic, 8 * key.modulus_len() as u32, key.exponent()] {
        blob.extend(word.to_le_bytes());
    }
    blob
}

pub(crate) fn ec_header(magic: EcMagic) -> Vec<u8> {
    let mut blob = magic.code().to_le_bytes().to_vec();
    blob.extend((magic.curve.coordinate_len() as u32).to_le_bytes());
    blob
}

/// `cbKey`, which must be the curve's.
pub(crate) fn ec_coordinate_len(blob: &[u8], curve: EcCurve) -> Result<usize, KeyError> {
    let (expected, actual) = (curve.coordinate_len(), read_u32(blob, 4)? as usize);
    if actual == expected { Ok(expected) } else { Err(KeyError::CoordinateLength { expected, actual }) }
}

pub(crate) fn check_coordinate_len(curve: EcCurve, number: &[u8]) -> Result<(), KeyError> {
    let (expected, actual) = (curve.coordinate_len(), number.len());
    if actual == expected { Ok(()) } else { Err(KeyError::CoordinateLength { expected, actual }) }
}

pub(crate) fn leading_u32(blob: &[u8]) -> Result<u32, KeyError> {
    read_u32(blob, 0)
}

pub(crate) fn without_leading_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

fn read_u32(blob: &[u8], at: usize) -> Result<u32, KeyError> {
    let word = blob.get(at..).and_then(|rest| rest.first_chunk()).ok_or(KeyError::Truncated)?;
    Ok(u32::from_le_bytes(*word))
}

fn exact_body(blob: &[u8], header: usize, len: usize) -> Result<&[u8], KeyError> {
    let body = blob.get(header..).ok_or(KeyError::Truncated)?;
    match body.len().checked_sub(len) {
        None => Err(KeyError::Truncated),
        Some(0) => Ok(body),
        Some(more) => Err(KeyError::TrailingBytes(more)),
    }
}

/// Length in bits of a number without leading zeros.
fn bit_len(number: &[u8]) -> u32 {
    let whole = u32::try_from(number.len()).unwrap_or(u32::MAX).saturating_mul(8);
    number.first().map_or(0, |top| whole - top.leading_zeros())
}
