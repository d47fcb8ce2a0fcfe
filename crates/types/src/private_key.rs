//! Private keys on their way into a card: as numbers and as blobs of the interface.
//!
//! An import blob reaches a module as a bare pointer: its length follows from its own header, which
//! [`PrivateKey::blob_len`] reads and bounds. RSA numbers of a `PRIVATEKEYBLOB` are little-endian,
//! in the order modulus, prime1, prime2, exponent1, exponent2, coefficient, privateExponent
//! (wincrypt.h); those of elliptic curves are big-endian.

use core::fmt;

use zeroize::Zeroizing;

use crate::key_error::{KeyBlobError, KeyError};
use crate::keyspec::{EcCurve, KeyHalf, KeySpec};
use crate::public_key::{
    EC_HEADER_LEN, EcMagic, EcPublicKey, PublicKey, RSA_HEADER_LEN, RsaHeader, RsaPublicKey,
    check_coordinate_len, ec_coordinate_len, ec_header, leading_u32, rsa_header, without_leading_zeros,
};
use crate::secret::SecretBytes;

/// "RSA2".
const RSA_PRIVATE_MAGIC: u32 = 0x3241_5352;
/// `PRIVATEKEYBLOB`.
const PRIVATE_KEY_BLOB: u8 = 7;

/// A private key of the interface. Its secret numbers are wiped when it is dropped, and never printed.
#[derive(Clone)]
pub enum PrivateKey {
    /// RSA with two primes.
    Rsa(RsaPrivateKey),
    /// P-256, P-384 or P-521.
    Ec(EcPrivateKey),
}

impl PrivateKey {
    /// How many bytes of a blob decide about its length: no valid blob is shorter.
    pub const BLOB_HEADER_LEN: usize = 16;

    /// The whole length of an import blob, from its first [`PrivateKey::BLOB_HEADER_LEN`] bytes. At
    /// most 9236 bytes, the length for a modulus of 16384 bits.
    ///
    /// # Errors
    /// [`KeyError`] for a header that begins no private key blob.
    pub fn blob_len(header: &[u8]) -> Result<usize, KeyBlobError> {
        if let Some(EcMagic { curve, private: true, .. }) = EcMagic::parse(leading_u32(header)?) {
            return Ok(EC_HEADER_LEN + 3 * ec_coordinate_len(header, curve)?);
        }
        let bits = RsaHeader::parse_bits(header, PRIVATE_KEY_BLOB, RSA_PRIVATE_MAGIC)?;
        if !bits.is_multiple_of(16) {
            return Err(KeyError::ModulusLength(bits));
        }
        let modulus = bits as usize / 8;
        Ok(RSA_HEADER_LEN + 2 * modulus + 5 * (modulus / 2))
    }

    /// Reads an import blob. The slice may be longer than the blob; what follows is not looked at.
    ///
    /// # Errors
    /// [`KeyError`]: too short, wrong magic number or algorithm, or numbers that are no key.
    pub fn from_blob(bytes: &[u8]) -> Result<(Self, KeyHalf), KeyBlobError> {
        let len = Self::blob_len(bytes)?;
        let blob = bytes.get(..len).ok_or(KeyError::Truncated)?;
        if let Some(EcMagic { curve, half, private: true }) = EcMagic::parse(leading_u32(blob)?) {
            let n = curve.coordinate_len();
            let (public, d) = blob[EC_HEADER_LEN..].split_at(2 * n);
            let public = EcPublicKey::new(curve, &public[..n], &public[n..])?;
            return Ok((Self::Ec(EcPrivateKey::new(d, public)?), half));
        }
        let header = RsaHeader::parse(blob, PRIVATE_KEY_BLOB, RSA_PRIVATE_MAGIC)?;
        let mut rest = &blob[RSA_HEADER_LEN..];
        let whole = header.modulus_len();
        let public = header.public_key(take(&mut rest, whole))?;
        let mut number = |len| {
            let mut bytes = SecretBytes::from(take(&mut rest, len));
            bytes.as_mut_bytes().reverse();
            bytes
        };
        let [p, q, dp, dq, qinv] = core::array::from_fn(|_| number(whole / 2));
        let d = number(whole);
        let parts = RsaPrivateParts {
            d: d.as_bytes(),
            p: p.as_bytes(),
            q: q.as_bytes(),
            dp: dp.as_bytes(),
            dq: dq.as_bytes(),
            qinv: qinv.as_bytes(),
        };
        Ok((Self::Rsa(RsaPrivateKey::new(public, &parts)?), header.half))
    }

    /// The import blob of the interface. Of the spec only the half matters; kind and curve are the
    /// key's.
    #[must_use]
    pub fn to_blob(&self, spec: KeySpec) -> SecretBytes {
        match self {
            Self::Rsa(key) => rsa_blob(key, spec.half()),
            Self::Ec(key) => ec_blob(key, spec.half()),
        }
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(key.public.clone()),
            Self::Ec(key) => PublicKey::Ec(key.public.clone()),
        }
    }

    /// The key's length in bits.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        match self {
            Self::Rsa(key) => key.public.bits(),
            Self::Ec(key) => key.public.curve().bits(),
        }
    }

    /// The key spec such a key has in a half of a container.
    #[must_use]
    pub const fn spec(&self, half: KeyHalf) -> KeySpec {
        match self {
            Self::Rsa(_) => half.rsa_spec(),
            Self::Ec(key) => KeySpec::ec(half, key.public.curve()),
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa(key) => fmt::Debug::fmt(key, f),
            Self::Ec(key) => fmt::Debug::fmt(key, f),
        }
    }
}

/// The private numbers of an RSA key, big-endian, by their names in RFC 8017.
#[derive(Clone, Copy)]
pub struct RsaPrivateParts<'a> {
    /// Private exponent.
    pub d: &'a [u8],
    /// First prime.
    pub p: &'a [u8],
    /// Second prime.
    pub q: &'a [u8],
    /// `d mod (p-1)`.
    pub dp: &'a [u8],
    /// `d mod (q-1)`.
    pub dq: &'a [u8],
    /// Inverse of `q` modulo `p`.
    pub qinv: &'a [u8],
}

/// An RSA private key with two primes. All numbers are big-endian and of fixed length: `d` that of
/// the modulus, the others half of it.
#[derive(Clone)]
pub struct RsaPrivateKey {
    public: RsaPublicKey,
    d: SecretBytes,
    p: SecretBytes,
    q: SecretBytes,
    dp: SecretBytes,
    dq: SecretBytes,
    qinv: SecretBytes,
}

impl RsaPrivateKey {
    /// A key of its numbers; leading zeros do not matter.
    ///
    /// # Errors
    /// [`KeyError::ModulusLength`] for a modulus of an odd number of bytes, which blobs cannot hold;
    /// [`KeyError::PrivateKey`] when a number is too long or zero, or the modulus is not the product
    /// of the primes.
    pub fn new(public: RsaPublicKey, parts: &RsaPrivateParts<'_>) -> Result<Self, KeyError> {
        let whole = public.modulus_len();
        if !whole.is_multiple_of(2) {
            return Err(KeyError::ModulusLength(public.bits()));
        }
        let half = whole / 2;
        let key = Self {
            d: fixed_width(parts.d, whole)?,
            p: fixed_width(parts.p, half)?,
            q: fixed_width(parts.q, half)?,
            dp: fixed_width(parts.dp, half)?,
            dq: fixed_width(parts.dq, half)?,
            qinv: fixed_width(parts.qinv, half)?,
            public,
        };
        let product = multiply(key.p.as_bytes(), key.q.as_bytes());
        if without_leading_zeros(&product) == key.public.modulus() {
            Ok(key)
        } else {
            Err(KeyError::PrivateKey)
        }
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &RsaPublicKey {
        &self.public
    }

    /// The modulus, without leading zeros.
    #[must_use]
    pub fn n(&self) -> &[u8] {
        self.public.modulus()
    }

    /// The public exponent.
    #[must_use]
    pub const fn e(&self) -> u32 {
        self.public.exponent()
    }

    /// The private exponent.
    #[must_use]
    pub fn d(&self) -> &[u8] {
        self.d.as_bytes()
    }

    /// The first prime.
    #[must_use]
    pub fn p(&self) -> &[u8] {
        self.p.as_bytes()
    }

    /// The second prime.
    #[must_use]
    pub fn q(&self) -> &[u8] {
        self.q.as_bytes()
    }

    /// `d mod (p-1)`.
    #[must_use]
    pub fn dp(&self) -> &[u8] {
        self.dp.as_bytes()
    }

    /// `d mod (q-1)`.
    #[must_use]
    pub fn dq(&self) -> &[u8] {
        self.dq.as_bytes()
    }

    /// The inverse of `q` modulo `p`.
    #[must_use]
    pub fn qinv(&self) -> &[u8] {
        self.qinv.as_bytes()
    }
}

impl fmt::Debug for RsaPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPrivateKey({} bits)", self.public.bits())
    }
}

/// An elliptic curve private key with its public point. That they belong together is for the
/// library that computes with them to check.
#[derive(Clone)]
pub struct EcPrivateKey {
    d: SecretBytes,
    public: EcPublicKey,
}

impl EcPrivateKey {
    /// A key of its scalar, big-endian and of the curve's length, and its point.
    ///
    /// # Errors
    /// [`KeyError::CoordinateLength`]; [`KeyError::Scalar`] for zero and for more bits than the
    /// curve has.
    pub fn new(d: &[u8], public: EcPublicKey) -> Result<Self, KeyError> {
        let curve = public.curve();
        check_coordinate_len(curve, d)?;
        let spare_bits = 8 * d.len() as u32 - curve.bits();
        if d.iter().all(|byte| *byte == 0) || d[0].leading_zeros() < spare_bits {
            return Err(KeyError::Scalar);
        }
        Ok(Self { d: SecretBytes::from(d), public })
    }

    /// The curve.
    #[must_use]
    pub const fn curve(&self) -> EcCurve {
        self.public.curve()
    }

    /// The scalar, big-endian, of the curve's length.
    #[must_use]
    pub fn d(&self) -> &[u8] {
        self.d.as_bytes()
    }

    /// The point's X coordinate.
    #[must_use]
    pub fn x(&self) -> &[u8] {
        self.public.x()
    }

    /// The point's Y coordinate.
    #[must_use]
    pub fn y(&self) -> &[u8] {
        self.public.y()
    }

    /// The public key.
    #[must_use]
    pub const fn public(&self) -> &EcPublicKey {
        &self.public
    }
}

impl fmt::Debug for EcPrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EcPrivateKey({})", self.curve())
    }
}

fn rsa_blob(key: &RsaPrivateKey, half: KeyHalf) -> SecretBytes {
    let whole = key.public.modulus_len();
    let header = rsa_header(PRIVATE_KEY_BLOB, RSA_PRIVATE_MAGIC, half, &key.public);
    let mut blob = Zeroizing::new(Vec::with_capacity(RSA_HEADER_LEN + 2 * whole + 5 * (whole / 2)));
    blob.extend(header);
    for number in [key.n(), key.p(), key.q(), key.dp(), key.dq(), key.qinv(), key.d()] {
        blob.extend(number.iter().rev());
    }
    SecretBytes::from(blob)
}

fn ec_blob(key: &EcPrivateKey, half: KeyHalf) -> SecretBytes {
    let curve = key.curve();
    let mut blob = Zeroizing::new(Vec::with_capacity(EC_HEADER_LEN + 3 * curve.coordinate_len()));
    blob.extend(ec_header(EcMagic { curve, half, private: true }));
    for number in [key.x(), key.y(), key.d()] {
        blob.extend(number);
    }
    SecretBytes::from(blob)
}

/// Cuts `len` bytes off the front; the caller has checked that they are there.
fn take<'a>(rest: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (front, back) = rest.split_at(len);
    *rest = back;
    front
}

/// A number other than zero, with zeros in front up to `width` bytes.
fn fixed_width(number: &[u8], width: usize) -> Result<SecretBytes, KeyError> {
    let number = without_leading_zeros(number);
    if number.is_empty() || number.len() > width {
        return Err(KeyError::PrivateKey);
    }
    let mut padded = SecretBytes::zeroed(width);
    padded.as_mut_bytes()[width - number.len()..].copy_from_slice(number);
    Ok(padded)
}

/// The product of two big-endian numbers, by school arithmetic: run once per key, in time that
/// depends on the lengths alone.
fn multiply(a: &[u8], b: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut product = Zeroizing::new(vec![0u8; a.len() + b.len()]);
    for (i, x) in a.iter().rev().enumerate() {
        let mut carry = 0u16;
        for (j, y) in b.iter().rev().chain(&[0]).enumerate() {
            let at = product.len() - 1 - i - j;
            // 255 * 255 + 2 * 255 is the most a u16 holds.
            carry += u16::from(product[at]) + u16::from(*x) * u16::from(*y);
            product[at] = carry as u8;
            carry >>= 8;
        }
    }
    product
}
