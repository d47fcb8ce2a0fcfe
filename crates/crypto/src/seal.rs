//! [`SealKey`]: authenticated encryption of what a card keeps on disk.

use zeroize::Zeroizing;

use crate::CryptoError;
use crate::ffi::Aead;

/// An AES-256-GCM key.
pub struct SealKey(Aead);

/// By how much a sealed message is longer than the plain one: the 16-byte tag.
pub const fn sealed_overhead() -> usize {
    crate::ffi::TAG_LEN
}

impl SealKey {
    /// Prepares a key.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn new(key: &[u8; 32]) -> Result<SealKey, CryptoError> {
        Aead::new(key).map(SealKey)
    }

    /// Encrypts `plain` and binds `associated` to it. A nonce must never be used twice with one key;
    /// random ones are good for 2^32 messages (NIST SP 800-38D, 8.3).
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn seal(&self, nonce: &[u8; 12], associated: &[u8], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.0.seal(nonce, associated, plain)
    }

    /// The plain bytes of what [`SealKey::seal`] gave for the same nonce and associated data.
    ///
    /// # Errors
    /// [`CryptoError::Unsealable`] if anything was changed or the key is another one.
    pub fn open(
        &self,
        nonce: &[u8; 12],
        associated: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.0.open(nonce, associated, sealed)
    }
}
