//! The calls into AWS-LC for key objects: owned handles, each freed once, and the operations on them.
//!
//! Every function here is safe to call with any bytes; sizes that the library would round or accept
//! silently are checked by the callers in `private_key.rs` and `kind.rs`.

#![allow(unsafe_code)]

mod aead;
mod curve25519;
mod numbers;

use std::ffi::c_int;
use std::ptr::{self, NonNull};

use aws_lc_sys as lc;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{CryptoError, KeyKind};

pub(crate) use aead::{Aead, TAG_LEN};
pub(crate) use curve25519::{Ed25519Key, X25519Key};
pub(crate) use numbers::from_primes;

/// An owned `RSA` with all CRT numbers.
pub(crate) struct RsaKey(NonNull<lc::RSA>);

/// An owned `EC_KEY` with private and public half.
pub(crate) struct EcKey(NonNull<lc::EC_KEY>);

/// An owned `BIGNUM`; wiped when freed.
struct BigNum(NonNull<lc::BIGNUM>);

/// An owned `EC_POINT`.
struct Point(NonNull<lc::EC_POINT>);

// SAFETY:
// * an `RSA` belongs to no thread; its lock and blinding cache are inside the object (rsa.h, "Thread safety")
unsafe impl Send for RsaKey {}
// SAFETY:
// * after construction only functions are called that rsa.h documents as not mutating for the purposes
//   of thread safety (RSA_sign_raw, RSA_private_key_to_bytes, the getters); RSA_free needs `&mut`
unsafe impl Sync for RsaKey {}
// SAFETY:
// * an `EC_KEY` belongs to no thread (ec_key.h)
unsafe impl Send for EcKey {}
// SAFETY:
// * after construction only functions taking `const EC_KEY *` are called, which ec_key.h allows
//   concurrently; EC_KEY_free needs `&mut`
unsafe impl Sync for EcKey {}

impl RsaKey {
    /// A new key with the exponent 65537. `bits` was checked by [`KeyKind::checked`].
    pub(crate) fn generate(bits: u16) -> Result<RsaKey, CryptoError> {
        let exponent = BigNum::from_bytes(&[1, 0, 1])?;
        // SAFETY:
        // * takes no argument
        let key = RsaKey(owned(unsafe { lc::RSA_new() })?);
        // SAFETY:
        // * `key` and `exponent` are live objects owned by this function
        // * a null callback is allowed (rsa.h)
        check(unsafe {
            lc::RSA_generate_key_ex(key.0.as_ptr(), c_int::from(bits), exponent.0.as_ptr(), ptr::null_mut())
        })?;
        Ok(key)
    }

    /// Parses and validates (RSA_check_key) a two-prime key with CRT numbers.
    pub(crate) fn from_pkcs1_der(der: &[u8]) -> Result<RsaKey, CryptoError> {
        // SAFETY:
        // * pointer and length come from one slice
        let raw = unsafe { lc::RSA_private_key_from_bytes(der.as_ptr(), der.len()) };
        let key = RsaKey(owned(raw).map_err(|_| CryptoError::BadKey)?);
        // SAFETY:
        // * `key` is a live object; the answer is a borrowed pointer or null and is not dereferenced
        let prime = unsafe { lc::RSA_get0_p(key.0.as_ptr()) };
        // A key without primes would sign slowly and could not be stored again with its CRT numbers.
        if prime.is_null() { Err(CryptoError::BadKey) } else { Ok(key) }
    }

    /// DER `RSAPrivateKey`.
    pub(crate) fn to_pkcs1_der(&self) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (mut start, mut len) = (ptr::null_mut(), 0);
        // SAFETY:
        // * both out-pointers are to locals; `self` is live
        check(unsafe { lc::RSA_private_key_to_bytes(&mut start, &mut len, self.0.as_ptr()) })?;
        let start = owned(start)?;
        // SAFETY:
        // * on success the library hands over `len` initialised bytes at `start`
        // * nothing else knows the block, and the slice ends before it is freed
        let bytes = unsafe { std::slice::from_raw_parts_mut(start.as_ptr(), len) };
        let copy = Zeroizing::new(bytes.to_vec());
        bytes.zeroize();
        // SAFETY:
        // * the block was allocated by the library for its caller and is freed once, here
        unsafe { lc::OPENSSL_free(start.as_ptr().cast()) };
        Ok(copy)
    }

    /// Bits of the modulus.
    pub(crate) fn bits(&self) -> u32 {
        // SAFETY:
        // * `self` is live
        unsafe { lc::RSA_bits(self.0.as_ptr()) }
    }

    /// Modulus and exponent, big-endian.
    pub(crate) fn public(&self) -> Result<(Vec<u8>, Vec<u8>), CryptoError> {
        // SAFETY:
        // * `self` is live; the answer is borrowed from it
        let n = unsafe { lc::RSA_get0_n(self.0.as_ptr()) };
        // SAFETY:
        // * as above
        let e = unsafe { lc::RSA_get0_e(self.0.as_ptr()) };
        let n = NonNull::new(n.cast_mut()).ok_or(CryptoError::Library)?;
        let e = NonNull::new(e.cast_mut()).ok_or(CryptoError::Library)?;
        // SAFETY:
        // * both numbers are live as long as `self`, which is borrowed here
        let len = unsafe { lc::BN_num_bytes(n.as_ptr()) };
        // SAFETY:
        // * as above
        let exponent_len = unsafe { lc::BN_num_bytes(e.as_ptr()) };
        Ok((padded(n, len as usize)?.to_vec(), padded(e, exponent_len as usize)?.to_vec()))
    }

    /// The private operation; `block` is as long as the modulus and in range.
    pub(crate) fn raw(&self, block: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut out = Zeroizing::new(vec![0; block.len()]);
        let mut len = 0;
        // SAFETY:
        // * `out` and `block` are live slices passed with their lengths; the library checks both
        // * RSA_sign_raw does not mutate the key for the purposes of thread safety (rsa.h)
        check(unsafe {
            lc::RSA_sign_raw(
                self.0.as_ptr(),
                &mut len,
                out.as_mut_ptr(),
                out.len(),
                block.as_ptr(),
                block.len(),
                lc::RSA_NO_PADDING,
            )
        })?;
        if len == out.len() { Ok(out) } else { Err(CryptoError::Library) }
    }
}

impl EcKey {
    /// A new key; `kind` is a curve.
    pub(crate) fn generate(kind: KeyKind) -> Result<EcKey, CryptoError> {
        let key = EcKey::empty(kind)?;
        // SAFETY:
        // * `key` is live, has a group, and nothing else knows it
        check(unsafe { lc::EC_KEY_generate_key(key.0.as_ptr()) })?;
        Ok(key)
    }

    /// A key from its scalar; the public point is computed. Refuses scalars outside 1..order.
    pub(crate) fn from_scalar(kind: KeyKind, scalar: &[u8]) -> Result<EcKey, CryptoError> {
        let key = EcKey::empty(kind)?;
        let scalar = BigNum::from_bytes(scalar)?;
        // SAFETY:
        // * both objects are live; the scalar is copied
        check(unsafe { lc::EC_KEY_set_private_key(key.0.as_ptr(), scalar.0.as_ptr()) })
            .map_err(|_| CryptoError::BadKey)?;
        let point = Point::new(key.group())?;
        // SAFETY:
        // * group, point and scalar are live; the two nulls mean that only the generator is multiplied
        check(unsafe {
            lc::EC_POINT_mul(
                key.group(),
                point.0.as_ptr(),
                scalar.0.as_ptr(),
                ptr::null(),
                ptr::null(),
                ptr::null_mut(),
            )
        })?;
        // SAFETY:
        // * both objects are live and of one group; the point is copied
        check(unsafe { lc::EC_KEY_set_public_key(key.0.as_ptr(), point.0.as_ptr()) })
            .map_err(|_| CryptoError::BadKey)?;
        // SAFETY:
        // * `key` is live
        check(unsafe { lc::EC_KEY_check_key(key.0.as_ptr()) }).map_err(|_| CryptoError::BadKey)?;
        Ok(key)
    }

    /// The private scalar, `len` bytes big-endian.
    pub(crate) fn scalar(&self, len: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        // SAFETY:
        // * `self` is live; the answer is borrowed from it
        let number = unsafe { lc::EC_KEY_get0_private_key(self.0.as_ptr()) };
        padded(NonNull::new(number.cast_mut()).ok_or(CryptoError::Library)?, len)
    }

    /// The public point, uncompressed, for coordinates of `coordinate` bytes.
    pub(crate) fn point(&self, coordinate: usize) -> Result<Vec<u8>, CryptoError> {
        let mut out = vec![0; 1 + 2 * coordinate];
        // SAFETY:
        // * `self` is live; the answer is borrowed from it
        let point = unsafe { lc::EC_KEY_get0_public_key(self.0.as_ptr()) };
        // SAFETY:
        // * group and point are borrowed from the live key; `out` is passed with its length
        // * the library refuses a null point and a buffer that is too short
        let written = unsafe {
            lc::EC_POINT_point2oct(
                self.group(),
                point,
                lc::point_conversion_form_t::POINT_CONVERSION_UNCOMPRESSED,
                out.as_mut_ptr(),
                out.len(),
                ptr::null_mut(),
            )
        };
        if written == out.len() { Ok(out) } else { Err(failed()) }
    }

    /// ECDSA; the DER signature.
    pub(crate) fn sign(&self, digest: &[u8]) -> Result<Vec<u8>, CryptoError> {
        // SAFETY:
        // * `self` is live
        let room = unsafe { lc::ECDSA_size(self.0.as_ptr()) };
        let (mut out, mut len) = (vec![0; room], 0);
        // SAFETY:
        // * `out` has the room ECDSA_size asks for; `digest` is passed with its length
        // * ECDSA_sign takes the key as const
        check(unsafe {
            lc::ECDSA_sign(0, digest.as_ptr(), digest.len(), out.as_mut_ptr(), &mut len, self.0.as_ptr())
        })?;
        out.truncate(len as usize);
        Ok(out)
    }

    /// ECDH; `peer` is an encoded point, the answer is X in `coordinate` bytes.
    pub(crate) fn agree(&self, peer: &[u8], coordinate: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let point = Point::new(self.group())?;
        // SAFETY:
        // * group and point are live; `peer` is passed with its length; the curve equation is checked
        check(unsafe {
            lc::EC_POINT_oct2point(self.group(), point.0.as_ptr(), peer.as_ptr(), peer.len(), ptr::null_mut())
        })
        .map_err(|_| CryptoError::BadPoint)?;
        let mut out = Zeroizing::new(vec![0; coordinate]);
        // SAFETY:
        // * `out` is passed with its length, point and key are live and of one group
        // * without a derivation function the library copies at most that length of X
        let written = unsafe {
            lc::ECDH_compute_key(out.as_mut_ptr().cast(), out.len(), point.0.as_ptr(), self.0.as_ptr(), None)
        };
        if usize::try_from(written).is_ok_and(|n| n == coordinate) { Ok(out) } else { Err(failed()) }
    }

    fn empty(kind: KeyKind) -> Result<EcKey, CryptoError> {
        let curve = match kind {
            KeyKind::P256 => lc::NID_X9_62_prime256v1,
            KeyKind::P384 => lc::NID_secp384r1,
            KeyKind::P521 => lc::NID_secp521r1,
            KeyKind::Rsa(_) | KeyKind::Ed25519 | KeyKind::X25519 => return Err(CryptoError::WrongKind),
        };
        // SAFETY:
        // * takes a number; an unknown one answers null
        owned(unsafe { lc::EC_KEY_new_by_curve_name(curve) }).map(EcKey)
    }

    /// The key's group, which lives as long as the key.
    fn group(&self) -> *const lc::EC_GROUP {
        // SAFETY:
        // * `self` is live
        unsafe { lc::EC_KEY_get0_group(self.0.as_ptr()) }
    }
}

impl BigNum {
    fn from_bytes(bytes: &[u8]) -> Result<BigNum, CryptoError> {
        // SAFETY:
        // * pointer and length come from one slice; a null target makes a new number
        owned(unsafe { lc::BN_bin2bn(bytes.as_ptr(), bytes.len(), ptr::null_mut()) }).map(BigNum)
    }
}

impl Point {
    /// A new point of a live group.
    fn new(group: *const lc::EC_GROUP) -> Result<Point, CryptoError> {
        // SAFETY:
        // * every caller passes the group of a key it borrows
        owned(unsafe { lc::EC_POINT_new(group) }).map(Point)
    }
}

impl Drop for RsaKey {
    fn drop(&mut self) {
        // SAFETY:
        // * owned by this value, freed once
        unsafe { lc::RSA_free(self.0.as_ptr()) }
    }
}

impl Drop for EcKey {
    fn drop(&mut self) {
        // SAFETY:
        // * owned by this value, freed once
        unsafe { lc::EC_KEY_free(self.0.as_ptr()) }
    }
}

impl Drop for BigNum {
    fn drop(&mut self) {
        // SAFETY:
        // * owned by this value, wiped and freed once
        unsafe { lc::BN_clear_free(self.0.as_ptr()) }
    }
}

impl Drop for Point {
    fn drop(&mut self) {
        // SAFETY:
        // * owned by this value, freed once
        unsafe { lc::EC_POINT_free(self.0.as_ptr()) }
    }
}

/// A number as `len` bytes, big-endian. The number must be live during the call, which every caller
/// guarantees by borrowing its owner.
fn padded(number: NonNull<lc::BIGNUM>, len: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let mut out = Zeroizing::new(vec![0; len]);
    // SAFETY:
    // * `out` is passed with its length; the library refuses a number that is longer
    check(unsafe { lc::BN_bn2bin_padded(out.as_mut_ptr(), out.len(), number.as_ptr()) })?;
    Ok(out)
}

/// A pointer the library made for its caller; null means failure.
fn owned<T>(pointer: *mut T) -> Result<NonNull<T>, CryptoError> {
    NonNull::new(pointer).ok_or_else(failed)
}

/// The library's 1 for success.
fn check(result: c_int) -> Result<(), CryptoError> {
    if result == 1 { Ok(()) } else { Err(failed()) }
}

/// The error of a failed call; empties the thread's error queue, which nobody reads.
fn failed() -> CryptoError {
    // SAFETY:
    // * touches only the calling thread's error queue
    unsafe { lc::ERR_clear_error() };
    CryptoError::Library
}
