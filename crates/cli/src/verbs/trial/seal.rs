//! What somebody without a card does to write to its holder: RSA encryption with the public key.

use cardmod_types::{DecryptPadding, RsaPublicKey, SecretBytes, padding};
use cardmod_virtual::{Random as _, SystemRandom};
use rsa::{BoxedUint, hazmat};

use crate::failure::Failure;

/// Seals a message; the ciphertext is big-endian, of the modulus' length.
pub(super) fn seal(key: &RsaPublicKey, padding: &DecryptPadding, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let length = key.modulus_len();
    let block = match padding {
        DecryptPadding::None => SecretBytes::new(message.to_vec()),
        // Bytes left zero by a failing source are asked for again, and refused in the end.
        DecryptPadding::Pkcs1 => padding::pkcs1_encrypt_block(message, length, &mut |bytes| {
            let _ = SystemRandom.fill(bytes);
        })
        .map_err(failed)?,
        DecryptPadding::Oaep { hash, label } => {
            let mut seed = vec![0; hash.len()];
            SystemRandom.fill(&mut seed).map_err(failed)?;
            padding::oaep_encode(*hash, label, message, &seed, length).map_err(failed)?
        }
    };
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let exponent = BoxedUint::from(u64::from(key.exponent()));
    let public = rsa::RsaPublicKey::new(modulus, exponent).map_err(failed)?;
    let block = BoxedUint::from_be_slice_vartime(block.as_bytes());
    let sealed = hazmat::rsa_encrypt(&public, &block).map_err(failed)?.to_be_bytes_trimmed_vartime();
    let mut ciphertext = vec![0; length.saturating_sub(sealed.len())];
    ciphertext.extend_from_slice(&sealed);
    Ok(ciphertext)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed("try", format!("cannot seal with the public key: {error}"))
}
