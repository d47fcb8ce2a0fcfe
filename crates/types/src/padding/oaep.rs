//! OAEP with MGF1 (RFC 8017, section 7.1).

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

use super::pkcs1::shift_left;
use super::{PaddingError, hash_parts, mgf1_xor};
use crate::hash::HashAlgorithm;
use crate::secret::SecretBytes;

/// The block to encrypt, of the modulus' length in bytes. The seed is random and as long as a digest.
///
/// # Errors
/// [`PaddingError::TooLong`], [`PaddingError::SeedLength`], [`PaddingError::UnsupportedHash`].
pub fn oaep_encode(
    hash: HashAlgorithm,
    label: &[u8],
    message: &[u8],
    seed: &[u8],
    modulus_len: usize,
) -> Result<SecretBytes, PaddingError> {
    let label_hash = hash_parts(hash, &[label])?;
    if seed.len() != hash.len() {
        return Err(PaddingError::SeedLength { expected: hash.len(), actual: seed.len() });
    }
    let room = modulus_len.checked_sub(2 * hash.len() + 2);
    if room.is_none_or(|room| room < message.len()) {
        return Err(PaddingError::TooLong { len: message.len(), block: modulus_len });
    }
    let mut block = SecretBytes::zeroed(modulus_len);
    let (masked_seed, db) = block.as_mut_bytes()[1..].split_at_mut(hash.len());
    masked_seed.copy_from_slice(seed);
    db[..hash.len()].copy_from_slice(&label_hash);
    let message_at = db.len() - message.len();
    db[message_at - 1] = 1;
    db[message_at..].copy_from_slice(message);
    mgf1_xor(hash, masked_seed, db)?;
    mgf1_xor(hash, db, masked_seed)?;
    Ok(block)
}

/// The message of a decrypted block of the modulus' length.
///
/// # Errors
/// [`PaddingError::Decryption`], whatever is wrong with the block; until the answer is made, the
/// work done depends on lengths alone. [`PaddingError::UnsupportedHash`] before any of it.
pub fn oaep_unpad(hash: HashAlgorithm, label: &[u8], block: &[u8]) -> Result<SecretBytes, PaddingError> {
    let label_hash = hash_parts(hash, &[label])?;
    if block.len() < 2 * hash.len() + 2 || u32::try_from(block.len()).is_err() {
        return Err(PaddingError::Decryption);
    }
    let mut opened = SecretBytes::from(block);
    let (seed, db) = opened.as_mut_bytes()[1..].split_at_mut(hash.len());
    mgf1_xor(hash, db, seed)?;
    mgf1_xor(hash, seed, db)?;

    let (found_hash, rest) = db.split_at(hash.len());
    let mut valid = block[0].ct_eq(&0) & found_hash.ct_eq(&label_hash);
    let mut searching = Choice::from(1);
    let mut start = 0u32;
    for (at, byte) in (1u32..).zip(rest) {
        let separator = byte.ct_eq(&1);
        start.conditional_assign(&at, searching & separator);
        // Before the separator there is nothing but zeros.
        valid &= !searching | separator | byte.ct_eq(&0);
        searching &= !separator;
    }
    valid &= !searching;
    // An invalid block is worked on like one with an empty message.
    start.conditional_assign(&(rest.len() as u32), !valid);
    let mut message = SecretBytes::from(rest);
    shift_left(message.as_mut_bytes(), start);
    message.truncate(message.len() - start as usize);
    if valid.into() { Ok(message) } else { Err(PaddingError::Decryption) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: HashAlgorithm = HashAlgorithm::Sha256;

    #[test]
    fn messages_of_every_length_come_back() {
        for len in 0..=128 - 66 {
            let message: Vec<u8> = (0..len as u8).collect();
            let block = oaep_encode(HASH, b"label", &message, &[5; 32], 128).unwrap();
            assert_eq!(oaep_unpad(HASH, b"label", block.as_bytes()).unwrap().as_bytes(), message);
        }
        assert!(matches!(
            oaep_encode(HASH, b"", &[0; 63], &[5; 32], 128),
            Err(PaddingError::TooLong { len: 63, block: 128 })
        ));
        assert!(matches!(
            oaep_encode(HASH, b"", b"", &[5; 31], 128),
            Err(PaddingError::SeedLength { expected: 32, actual: 31 })
        ));
    }

    #[test]
    fn every_change_gives_the_same_error() {
        let block = oaep_encode(HASH, b"", b"message", &[5; 32], 128).unwrap();
        for bit in 0..8 * 128 {
            let mut bad = block.as_bytes().to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(oaep_unpad(HASH, b"", &bad), Err(PaddingError::Decryption), "{bit}");
        }
        assert_eq!(oaep_unpad(HASH, b"other", block.as_bytes()), Err(PaddingError::Decryption));
        for len in [0, 1, 65, 127] {
            assert_eq!(oaep_unpad(HASH, b"", &block.as_bytes()[..len]), Err(PaddingError::Decryption));
        }
    }

    #[test]
    fn what_stands_before_the_message_must_be_zeros_and_one() {
        let sealed = |rest: &[u8]| {
            let mut block = [&[0; 33], &HASH.digest(b"").unwrap()[..], rest].concat();
            let (seed, db) = block[1..].split_at_mut(32);
            mgf1_xor(HASH, seed, db).unwrap();
            mgf1_xor(HASH, db, seed).unwrap();
            oaep_unpad(HASH, b"", &block)
        };
        assert_eq!(sealed(&[0, 0, 1, 9, 1]).unwrap().as_bytes(), [9, 1]);
        assert_eq!(sealed(&[1]).unwrap().as_bytes(), []);
        for bad in [&[0, 0, 0][..], &[0, 2, 1, 9], &[3, 1], &[]] {
            assert_eq!(sealed(bad), Err(PaddingError::Decryption), "{bad:?}");
        }
    }

    #[test]
    fn pass_through_hashes_are_refused() {
        for hash in [HashAlgorithm::Md2, HashAlgorithm::Md4, HashAlgorithm::Ssl3ShaMd5] {
            assert_eq!(oaep_unpad(hash, b"", &[0; 256]), Err(PaddingError::UnsupportedHash(hash)));
        }
    }
}
