//! Decryption by an RSA key of a card, as the `rsa` crate's trait has it.

use cardmod_types::{DecryptPadding, HashAlgorithm, SecretBytes};
use rsa::RsaPublicKey;
use rsa::traits::{Decryptor, EncryptingKeypair};

use super::CardKey;
use crate::error::Error;

/// Decrypts with an RSA key and one padding.
///
/// [`Self::open`] says why something failed. The `rsa` crate's [`Decryptor`] has no room for that: there,
/// a ciphertext that cannot be decrypted is `Decryption`, and everything else, a wrong PIN for instance,
/// `Internal`.
#[derive(Clone, Debug)]
pub struct RsaDecryptor {
    key: CardKey,
    public: RsaPublicKey,
    padding: DecryptPadding,
}

impl CardKey {
    /// A decryptor with PKCS#1 v1.5 padding.
    ///
    /// # Errors
    /// [`Error::WrongKeyKind`] for an elliptic key.
    pub fn pkcs1_decryptor(&self) -> Result<RsaDecryptor, Error> {
        self.rsa_decryptor(DecryptPadding::Pkcs1)
    }

    /// A decryptor with OAEP padding (RFC 8017), the same hash in its mask, and no label.
    ///
    /// # Errors
    /// [`Error::WrongKeyKind`] for an elliptic key.
    pub fn oaep_decryptor(&self, hash: HashAlgorithm) -> Result<RsaDecryptor, Error> {
        self.rsa_decryptor(DecryptPadding::Oaep { hash, label: Vec::new() })
    }

    /// A decryptor with any padding.
    ///
    /// # Errors
    /// [`Error::WrongKeyKind`] for an elliptic key.
    pub fn rsa_decryptor(&self, padding: DecryptPadding) -> Result<RsaDecryptor, Error> {
        Ok(RsaDecryptor { key: self.clone(), public: self.rsa_public()?, padding })
    }
}

impl RsaDecryptor {
    /// Decrypts.
    ///
    /// # Errors
    /// Those of [`CardKey::decrypt`].
    pub fn open(&self, ciphertext: &[u8]) -> Result<SecretBytes, Error> {
        self.key.decrypt(self.padding.clone(), ciphertext)
    }
}

impl Decryptor for RsaDecryptor {
    fn decrypt(&self, ciphertext: &[u8]) -> rsa::Result<Vec<u8>> {
        match self.open(ciphertext) {
            Ok(plain) => Ok(plain.as_bytes().to_vec()),
            Err(Error::DecryptionFailed { .. } | Error::BadInput { .. }) => Err(rsa::Error::Decryption),
            Err(error) => {
                tracing::debug!(%error, "a card did not decrypt");
                Err(rsa::Error::Internal)
            }
        }
    }
}

impl EncryptingKeypair for RsaDecryptor {
    type EncryptingKey = RsaPublicKey;

    fn encrypting_key(&self) -> RsaPublicKey {
        self.public.clone()
    }
}
