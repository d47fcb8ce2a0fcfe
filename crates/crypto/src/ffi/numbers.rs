//! The numbers of an RSA key that follow from its primes.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use aws_lc_sys as lc;
use zeroize::Zeroizing;

use super::{BigNum, check, owned, padded};
use crate::CryptoError;

/// The scratch space of the library's arithmetic.
struct Scratch(NonNull<lc::BN_CTX>);

/// Modulus and private exponent, big-endian.
pub(crate) struct Numbers {
    pub(crate) modulus: Vec<u8>,
    pub(crate) private_exponent: Zeroizing<Vec<u8>>,
}

/// Modulus and private exponent of two primes and the public exponent 65537. Whether the primes are
/// primes is not looked at; whoever makes a key of the numbers does. Not in constant time: it runs once,
/// when its caller imports a key it knows.
pub(crate) fn from_primes(p: &[u8], q: &[u8]) -> Result<Numbers, CryptoError> {
    let scratch = Scratch::new()?;
    let (p, q) = (BigNum::from_bytes(p)?, BigNum::from_bytes(q)?);
    let modulus = product(&p, &q, &scratch)?;
    let totient = product(&less_one(p)?, &less_one(q)?, &scratch)?;
    let exponent = BigNum::from_bytes(&[1, 0, 1])?;
    let inverse = BigNum::from_bytes(&[])?;
    // SAFETY:
    // * all four objects are live; the answer is the first one or null, and is not used further
    let found = unsafe {
        lc::BN_mod_inverse(inverse.0.as_ptr(), exponent.0.as_ptr(), totient.0.as_ptr(), scratch.0.as_ptr())
    };
    owned(found).map_err(|_| CryptoError::BadKey)?;
    Ok(Numbers { modulus: bytes(&modulus)?.to_vec(), private_exponent: bytes(&inverse)? })
}

fn product(a: &BigNum, b: &BigNum, scratch: &Scratch) -> Result<BigNum, CryptoError> {
    let out = BigNum::from_bytes(&[])?;
    // SAFETY:
    // * all four objects are live
    check(unsafe { lc::BN_mul(out.0.as_ptr(), a.0.as_ptr(), b.0.as_ptr(), scratch.0.as_ptr()) })?;
    Ok(out)
}

fn less_one(number: BigNum) -> Result<BigNum, CryptoError> {
    // SAFETY:
    // * the number is live and owned by this function
    check(unsafe { lc::BN_sub_word(number.0.as_ptr(), 1) })?;
    Ok(number)
}

fn bytes(number: &BigNum) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    // SAFETY:
    // * the number is live
    let len = unsafe { lc::BN_num_bytes(number.0.as_ptr()) };
    padded(number.0, len as usize)
}

impl Scratch {
    fn new() -> Result<Scratch, CryptoError> {
        // SAFETY:
        // * takes no argument
        owned(unsafe { lc::BN_CTX_new() }).map(Scratch)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY:
        // * owned by this value, freed once
        unsafe { lc::BN_CTX_free(self.0.as_ptr()) }
    }
}
