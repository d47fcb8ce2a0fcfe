//! The administrator's challenge and response: three-key triple DES (minidriver specification,
//! section 7.6).
//!
//! One block of 8 bytes is the rule; there ECB, which the specification's examples use, and CBC with
//! a zero initial vector, which its text says, are the same. Longer challenges are answered in CBC,
//! as the mutual authentication of GIDS wants it.

use des::TdesEde3;
use des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use thiserror::Error;

use crate::secret::SecretBytes;

/// Bytes of a block, and of a customary challenge.
pub const BLOCK_LEN: usize = 8;
/// Bytes of an administrator's key.
pub const KEY_LEN: usize = 24;

/// Why a response cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdminError {
    /// The key has not 24 bytes.
    #[error("administrator key has {0} bytes instead of 24")]
    KeyLength(usize),
    /// The data are no whole number of blocks.
    #[error("challenge of {0} bytes is not a whole number of 8-byte blocks")]
    BlockLength(usize),
}

/// The answer to a challenge, as long as the challenge.
///
/// # Errors
/// [`AdminError`]; an empty challenge is a wrong length too.
pub fn challenge_response(key: &SecretBytes, challenge: &[u8]) -> Result<Vec<u8>, AdminError> {
    encrypt(key, challenge).map(|response| response.as_bytes().to_vec())
}

/// Triple DES in CBC mode with a zero initial vector.
///
/// # Errors
/// [`AdminError`].
pub fn encrypt(key: &SecretBytes, data: &[u8]) -> Result<SecretBytes, AdminError> {
    let (cipher, mut data) = prepare(key, data)?;
    let mut previous = [0; BLOCK_LEN];
    for block in data.as_mut_bytes().as_chunks_mut().0 {
        xor(block, &previous);
        cipher.encrypt_block(<&mut Array<u8, _>>::from(&mut *block));
        previous = *block;
    }
    Ok(data)
}

/// The inverse of [`encrypt`].
///
/// # Errors
/// [`AdminError`].
pub fn decrypt(key: &SecretBytes, data: &[u8]) -> Result<SecretBytes, AdminError> {
    let (cipher, mut data) = prepare(key, data)?;
    let mut previous = [0; BLOCK_LEN];
    for block in data.as_mut_bytes().as_chunks_mut().0 {
        let ciphertext = *block;
        cipher.decrypt_block(<&mut Array<u8, _>>::from(&mut *block));
        xor(block, &previous);
        previous = ciphertext;
    }
    Ok(data)
}

/// The key check value: the first three bytes of a block of zeros encrypted.
///
/// # Errors
/// [`AdminError::KeyLength`].
pub fn key_check_value(key: &SecretBytes) -> Result<[u8; 3], AdminError> {
    let block = encrypt(key, &[0; BLOCK_LEN])?;
    let [a, b, c, ..] = block.as_bytes() else { return Err(AdminError::BlockLength(block.len())) };
    Ok([*a, *b, *c])
}

fn prepare(key: &SecretBytes, data: &[u8]) -> Result<(TdesEde3, SecretBytes), AdminError> {
    let cipher = TdesEde3::new_from_slice(key.as_bytes()).map_err(|_| AdminError::KeyLength(key.len()))?;
    if data.is_empty() || !data.len().is_multiple_of(BLOCK_LEN) {
        return Err(AdminError::BlockLength(data.len()));
    }
    Ok((cipher, SecretBytes::from(data)))
}

fn xor(block: &mut [u8; BLOCK_LEN], with: &[u8; BLOCK_LEN]) {
    block.iter_mut().zip(with).for_each(|(byte, with)| *byte ^= with);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_key() -> SecretBytes {
        SecretBytes::from([1, 2, 3, 4, 5, 6, 7, 8].repeat(3))
    }

    #[test]
    fn sample_key_of_the_generic_profile() {
        assert_eq!(key_check_value(&sample_key()), Ok([0xB0, 0x73, 0xDC]));
        assert_eq!(
            challenge_response(&sample_key(), b"\x01\x02\x03\x04\x05\x06\x07\x08").unwrap(),
            b"\x77\xA7\xD6\xBC\xF5\x79\x62\xB9"
        );
    }

    #[test]
    fn mutual_authentication_token_is_cbc() {
        let plain: Vec<u8> = (0x20..=0x2F).chain(0x10..=0x1F).chain(0xA1..=0xA7).chain([0x80]).collect();
        let token = encrypt(&sample_key(), &plain).unwrap();
        assert_eq!(token.as_bytes()[..8], *b"\x43\x3f\x7a\x75\x8c\xa2\x74\xb8");
        assert_eq!(token.as_bytes()[32..], *b"\x26\x4f\x9c\x23\x94\xbb\xf9\x54");
        assert_eq!(decrypt(&sample_key(), token.as_bytes()).unwrap().as_bytes(), plain);
    }

    #[test]
    fn vector_of_nist_sp_800_67_with_three_different_keys() {
        let key = SecretBytes::from(
            b"\x01\x23\x45\x67\x89\xAB\xCD\xEF\x23\x45\x67\x89\xAB\xCD\xEF\x01\x45\x67\x89\xAB\xCD\xEF\x01\x23",
        );
        let response = challenge_response(&key, b"The qufc").unwrap();
        assert_eq!(response, b"\xA8\x26\xFD\x8C\xE5\x3B\x85\x5F");
    }

    #[test]
    fn lengths_are_checked() {
        assert_eq!(challenge_response(&sample_key(), &[]), Err(AdminError::BlockLength(0)));
        assert_eq!(challenge_response(&sample_key(), &[0; 12]), Err(AdminError::BlockLength(12)));
        let short = SecretBytes::from(&[1; 16]);
        assert_eq!(challenge_response(&short, &[0; 8]), Err(AdminError::KeyLength(16)));
    }
}
