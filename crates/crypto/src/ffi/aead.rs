//! The calls into AWS-LC for AES-256-GCM.

#![allow(unsafe_code)]

use std::ptr::NonNull;

use aws_lc_sys as lc;
use zeroize::Zeroizing;

use super::{check, owned};
use crate::CryptoError;

/// Bytes of the authentication tag.
pub(crate) const TAG_LEN: usize = 16;

/// An owned `EVP_AEAD_CTX`.
pub(crate) struct Aead(NonNull<lc::EVP_AEAD_CTX>);

// SAFETY:
// * a context belongs to no thread (aead.h)
unsafe impl Send for Aead {}
// SAFETY:
// * seal and open take the context as const and may run concurrently (aead.h)
unsafe impl Sync for Aead {}

impl Aead {
    pub(crate) fn new(key: &[u8; 32]) -> Result<Aead, CryptoError> {
        // SAFETY:
        // * takes no argument; answers a pointer to static data
        let algorithm = unsafe { lc::EVP_aead_aes_256_gcm() };
        // SAFETY:
        // * the key is passed with its length, which is the algorithm's; the key is copied
        owned(unsafe { lc::EVP_AEAD_CTX_new(algorithm, key.as_ptr(), key.len(), TAG_LEN) }).map(Aead)
    }

    pub(crate) fn seal(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, CryptoError> {
        let (mut out, mut len) = (vec![0; plain.len() + TAG_LEN], 0);
        // SAFETY:
        // * the context is live; every slice is passed with its length; `out` overlaps none of them
        check(unsafe {
            lc::EVP_AEAD_CTX_seal(
                self.0.as_ptr(),
                out.as_mut_ptr(),
                &mut len,
                out.len(),
                nonce.as_ptr(),
                nonce.len(),
                plain.as_ptr(),
                plain.len(),
                associated.as_ptr(),
                associated.len(),
            )
        })?;
        out.truncate(len);
        Ok(out)
    }

    pub(crate) fn open(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let (mut out, mut len) = (Zeroizing::new(vec![0; sealed.len()]), 0);
        // SAFETY:
        // * the context is live; every slice is passed with its length; `out` overlaps none of them
        check(unsafe {
            lc::EVP_AEAD_CTX_open(
                self.0.as_ptr(),
                out.as_mut_ptr(),
                &mut len,
                out.len(),
                nonce.as_ptr(),
                nonce.len(),
                sealed.as_ptr(),
                sealed.len(),
                associated.as_ptr(),
                associated.len(),
            )
        })
        .map_err(|_| CryptoError::Unsealable)?;
        out.truncate(len);
        Ok(out)
    }
}

impl Drop for Aead {
    fn drop(&mut self) {
        // SAFETY:
        // * owned by this value, wiped and freed once
        unsafe { lc::EVP_AEAD_CTX_free(self.0.as_ptr()) }
    }
}
