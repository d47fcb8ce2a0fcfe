//! RSA padding (RFC 8017): PKCS#1 v1.5, PSS and OAEP, around the raw operation of a card.
//!
//! Cards of this interface often know raw RSA only, so padding is made and removed beside them.
//! Removal is constant time in the block's content: one error says that it failed, and neither time
//! nor memory access tells why. What is random (salt, seed, filling) is the caller's argument.

mod oaep;
mod pkcs1;
mod pss;

use thiserror::Error;

use crate::hash::HashAlgorithm;

pub use oaep::{oaep_encode, oaep_unpad};
pub use pkcs1::{digest_info, pkcs1_encrypt_block, pkcs1_sign_block, pkcs1_unpad};
pub use pss::{pss_encode, pss_verify};

/// How the data of a signature becomes a block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SignaturePadding {
    /// Not at all: ECDSA, or a block that is complete already.
    None,
    /// PKCS#1 v1.5; without a hash algorithm the data are padded as they are, without object
    /// identifier.
    Pkcs1 {
        /// The hash algorithm whose identifier stands before the digest.
        hash: Option<HashAlgorithm>,
    },
    /// PSS with MGF1 over the same hash algorithm.
    Pss {
        /// The hash algorithm.
        hash: HashAlgorithm,
        /// Bytes of salt.
        salt_len: usize,
    },
}

/// How a plaintext is found in a decrypted block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DecryptPadding {
    /// The block is the plaintext.
    None,
    /// PKCS#1 v1.5.
    Pkcs1,
    /// OAEP with MGF1 over the same hash algorithm.
    Oaep {
        /// The hash algorithm.
        hash: HashAlgorithm,
        /// The label, usually empty.
        label: Vec<u8>,
    },
}

/// Why padding could not be made, or was not recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PaddingError {
    /// The digest has not the length of its algorithm.
    #[error("digest has {actual} bytes instead of {expected}")]
    DigestLength {
        /// Bytes the algorithm makes.
        expected: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// The data do not fit into a block of the key.
    #[error("data of {len} bytes do not fit into a block of {block} bytes")]
    TooLong {
        /// Bytes of data, salt included.
        len: usize,
        /// Bytes of the block.
        block: usize,
    },
    /// A hash algorithm that is not computed here.
    #[error("hash algorithm {0} is not supported for this padding")]
    UnsupportedHash(HashAlgorithm),
    /// The seed has not the length of the hash.
    #[error("seed has {actual} bytes instead of {expected}")]
    SeedLength {
        /// Bytes the hash makes.
        expected: usize,
        /// Bytes there are.
        actual: usize,
    },
    /// The source of random bytes gave zeros again and again.
    #[error("random filling consists of zeros")]
    NoRandomness,
    /// The decrypted block is not padded as it should be; says nothing more on purpose.
    #[error("decryption failed")]
    Decryption,
}

fn check_digest_len(hash: HashAlgorithm, digest: &[u8]) -> Result<(), PaddingError> {
    let (expected, actual) = (hash.len(), digest.len());
    if expected == actual { Ok(()) } else { Err(PaddingError::DigestLength { expected, actual }) }
}

/// Hashes for PSS and OAEP, where an algorithm of the pass-through kind has no place.
fn hash_parts(hash: HashAlgorithm, parts: &[&[u8]]) -> Result<Vec<u8>, PaddingError> {
    let unsupported = PaddingError::UnsupportedHash(hash);
    match hash {
        HashAlgorithm::Ssl3ShaMd5 => Err(unsupported),
        _ => hash.digest_parts(parts).ok_or(unsupported),
    }
}

/// XORs the MGF1 mask of a seed over the target (RFC 8017, appendix B.2.1).
fn mgf1_xor(hash: HashAlgorithm, seed: &[u8], target: &mut [u8]) -> Result<(), PaddingError> {
    for (counter, chunk) in (0u32..).zip(target.chunks_mut(hash.len())) {
        let mut mask = zeroize::Zeroizing::new(hash_parts(hash, &[seed, &counter.to_be_bytes()])?);
        chunk.iter_mut().zip(mask.iter_mut()).for_each(|(byte, mask)| *byte ^= *mask);
    }
    Ok(())
}
