//! PSS with MGF1 (RFC 8017, section 9.1).

use subtle::ConstantTimeEq;

use super::{PaddingError, check_digest_len, hash_parts, mgf1_xor};
use crate::hash::HashAlgorithm;

/// The block to sign, of the modulus' length in bytes. `modulus_bits` is the modulus' exact length
/// in bits; the salt is random, customarily as long as the digest.
///
/// # Errors
/// [`PaddingError::DigestLength`], [`PaddingError::TooLong`], [`PaddingError::UnsupportedHash`].
pub fn pss_encode(
    hash: HashAlgorithm,
    digest: &[u8],
    salt: &[u8],
    modulus_bits: usize,
) -> Result<Vec<u8>, PaddingError> {
    check_digest_len(hash, digest)?;
    let shape = Shape::new(hash, modulus_bits);
    let wanted = hash.len().saturating_add(salt.len());
    let room = shape.encoded.checked_sub(hash.len() + 2);
    if room.is_none_or(|room| room < salt.len()) {
        return Err(PaddingError::TooLong { len: wanted, block: shape.block });
    }
    let h = hash_parts(hash, &[&[0; 8], digest, salt])?;
    let mut block = vec![0; shape.block];
    let (db, trailer) = block[shape.block - shape.encoded..].split_at_mut(shape.db());
    let salt_at = db.len() - salt.len();
    db[salt_at - 1] = 1;
    db[salt_at..].copy_from_slice(salt);
    mgf1_xor(hash, &h, db)?;
    db[0] &= shape.top_mask;
    trailer[..h.len()].copy_from_slice(&h);
    trailer[h.len()] = 0xBC;
    Ok(block)
}

/// Whether a block opened with the public key is the PSS block of this digest. `salt_len` is the
/// length the salt must have; `None` takes any. `modulus_bits` is exact.
#[must_use]
pub fn pss_verify(
    hash: HashAlgorithm,
    digest: &[u8],
    salt_len: Option<usize>,
    block: &[u8],
    modulus_bits: usize,
) -> bool {
    recover_salt(hash, digest, block, modulus_bits)
        .is_some_and(|salt| salt_len.is_none_or(|wanted| wanted == salt))
}

/// The salt's length, if the block is one of this digest.
fn recover_salt(hash: HashAlgorithm, digest: &[u8], block: &[u8], modulus_bits: usize) -> Option<usize> {
    let shape = Shape::new(hash, modulus_bits);
    if block.len() != shape.block || check_digest_len(hash, digest).is_err() {
        return None;
    }
    if shape.encoded < hash.len() + 2 {
        return None;
    }
    let (lead, encoded) = block.split_at(shape.block - shape.encoded);
    let (masked, trailer) = encoded.split_at(shape.db());
    let (h, last) = trailer.split_at(hash.len());
    if lead.iter().any(|byte| *byte != 0) || last != [0xBC] || masked[0] & !shape.top_mask != 0 {
        return None;
    }
    let mut db = masked.to_vec();
    mgf1_xor(hash, h, &mut db).ok()?;
    db[0] &= shape.top_mask;
    let one = db.iter().position(|byte| *byte != 0)?;
    if db[one] != 1 {
        return None;
    }
    let salt = &db[one + 1..];
    let expected = hash_parts(hash, &[&[0; 8], digest, salt]).ok()?;
    bool::from(expected.ct_eq(h)).then_some(salt.len())
}

/// Lengths that follow from the modulus.
struct Shape {
    /// Bytes of the modulus.
    block: usize,
    /// Bytes of the encoded message, one less where the modulus begins on a byte's lowest bit.
    encoded: usize,
    /// The bits of the first encoded byte that may be set.
    top_mask: u8,
    hash_len: usize,
}

impl Shape {
    const fn new(hash: HashAlgorithm, modulus_bits: usize) -> Self {
        let encoded_bits = modulus_bits.saturating_sub(1);
        let encoded = encoded_bits.div_ceil(8);
        Self {
            block: modulus_bits.div_ceil(8),
            encoded,
            top_mask: 0xFF >> (8 * encoded - encoded_bits),
            hash_len: hash.len(),
        }
    }

    /// Bytes of the data block, for an encoded message that is long enough.
    const fn db(&self) -> usize {
        self.encoded - self.hash_len - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_verify_for_every_modulus_length_in_bits() {
        let digest = HashAlgorithm::Sha1.digest(b"message").unwrap();
        for bits in 1016..=1032 {
            let block = pss_encode(HashAlgorithm::Sha1, &digest, &[9; 20], bits).unwrap();
            assert_eq!(block.len(), bits.div_ceil(8));
            assert!(pss_verify(HashAlgorithm::Sha1, &digest, Some(20), &block, bits), "{bits}");
            assert!(pss_verify(HashAlgorithm::Sha1, &digest, None, &block, bits), "{bits}");
            assert!(!pss_verify(HashAlgorithm::Sha1, &digest, Some(19), &block, bits), "{bits}");
            for at in 0..block.len() {
                let mut bad = block.clone();
                bad[at] ^= 0x80;
                assert!(!pss_verify(HashAlgorithm::Sha1, &digest, Some(20), &bad, bits), "{bits} {at}");
            }
        }
    }

    #[test]
    fn salt_may_fill_the_block_and_no_more() {
        let digest = HashAlgorithm::Sha512.digest(b"x").unwrap();
        let most = 128 - 64 - 2;
        let block = pss_encode(HashAlgorithm::Sha512, &digest, &vec![3; most], 1024).unwrap();
        assert!(pss_verify(HashAlgorithm::Sha512, &digest, Some(most), &block, 1024));
        assert_eq!(
            pss_encode(HashAlgorithm::Sha512, &digest, &vec![3; most + 1], 1024),
            Err(PaddingError::TooLong { len: 127, block: 128 })
        );
        for bits in [0, 1, 8, 500] {
            assert!(pss_encode(HashAlgorithm::Sha512, &digest, &[], bits).is_err());
            assert!(!pss_verify(HashAlgorithm::Sha512, &digest, None, &vec![0; bits.div_ceil(8)], bits));
        }
    }

    #[test]
    fn pass_through_hashes_are_refused() {
        for hash in [HashAlgorithm::Md2, HashAlgorithm::Md4, HashAlgorithm::Ssl3ShaMd5] {
            assert_eq!(
                pss_encode(hash, &vec![0; hash.len()], &[], 1024),
                Err(PaddingError::UnsupportedHash(hash))
            );
        }
    }
}
