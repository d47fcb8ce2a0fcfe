//! The device secret of a store: 32 random bytes without which its images cannot be opened.

use std::io;
use std::path::Path;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use cardmod_crypto::SealKey;

use super::{files, system};
use crate::fault::{CardFault, StoreError};
use crate::ports::{Random, SystemRandom};

const LEN: usize = 32;

/// The secret. It derives one key for each image.
pub(crate) struct DeviceSecret(Zeroizing<[u8; LEN]>);

impl DeviceSecret {
    /// Reads the secret, making it at the first use. The caller holds the store's lock.
    pub(crate) fn load_or_create(path: &Path) -> Result<DeviceSecret, StoreError> {
        match DeviceSecret::load(path)? {
            Some(secret) => Ok(secret),
            None => {
                let mut secret = Zeroizing::new([0; LEN]);
                SystemRandom.fill(secret.as_mut_slice())?;
                files::replace(path, secret.as_slice())
                    .map_err(|cause| files::fault("write", path, cause))?;
                Ok(DeviceSecret(secret))
            }
        }
    }

    /// Reads the secret; `None` if there is none yet.
    pub(crate) fn load(path: &Path) -> Result<Option<DeviceSecret>, StoreError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(files::fault("read", path, cause).into()),
        };
        check_mode(path)?;
        let secret = <[u8; LEN]>::try_from(bytes.as_slice());
        let secret = secret.map_err(|_| StoreError::SecretDamaged { path: path.to_path_buf() })?;
        Ok(Some(DeviceSecret(Zeroizing::new(secret))))
    }

    /// The key of the image with this salt: HKDF-SHA256.
    pub(crate) fn image_key(&self, salt: &[u8; 16]) -> Result<SealKey, CardFault> {
        let mut key = Zeroizing::new([0; 32]);
        let derived = Hkdf::<Sha256>::new(Some(salt), self.0.as_slice());
        derived
            .expand(b"cardmod virtual card image", key.as_mut_slice())
            .map_err(|_| CardFault::Inconsistent("a key length HKDF cannot give"))?;
        SealKey::new(&key).map_err(CardFault::Crypto)
    }
}

/// Whoever can read the secret can open the images, so others must not.
fn check_mode(path: &Path) -> Result<(), StoreError> {
    match system::exposed(path).map_err(|cause| files::fault("read", path, cause))? {
        Some(mode) => Err(StoreError::SecretExposed { path: path.to_path_buf(), mode }),
        None => Ok(()),
    }
}
