//! PKCS#1 v1.5 (RFC 8017, sections 7.2 and 9.2).

use subtle::{Choice, ConditionallySelectable, ConstantTimeEq, ConstantTimeGreater};

use super::{PaddingError, check_digest_len};
use crate::hash::HashAlgorithm;
use crate::secret::SecretBytes;

/// `00 01`, at least eight filling bytes, `00`.
const OVERHEAD: usize = 11;

/// The DER `DigestInfo` of a digest; the bare digest for [`HashAlgorithm::Ssl3ShaMd5`].
///
/// # Errors
/// [`PaddingError::DigestLength`].
pub fn digest_info(hash: HashAlgorithm, digest: &[u8]) -> Result<Vec<u8>, PaddingError> {
    check_digest_len(hash, digest)?;
    Ok([hash.digest_info_prefix(), digest].concat())
}

/// The block to sign, `00 01 FF … FF 00 data`, of the modulus' length in bytes.
///
/// # Errors
/// [`PaddingError::TooLong`].
pub fn pkcs1_sign_block(data: &[u8], modulus_len: usize) -> Result<Vec<u8>, PaddingError> {
    check_room(data, modulus_len)?;
    let mut block = vec![0xFF; modulus_len];
    let (head, tail) = block.split_at_mut(modulus_len - data.len());
    tail.copy_from_slice(data);
    (head[0], head[1], head[head.len() - 1]) = (0, 1, 0);
    Ok(block)
}

/// The block to encrypt, `00 02 random 00 message`, of the modulus' length in bytes. `random` fills
/// a buffer with random bytes; zeros among them are replaced by asking again.
///
/// # Errors
/// [`PaddingError::TooLong`], [`PaddingError::NoRandomness`].
pub fn pkcs1_encrypt_block(
    message: &[u8],
    modulus_len: usize,
    random: &mut dyn FnMut(&mut [u8]),
) -> Result<SecretBytes, PaddingError> {
    check_room(message, modulus_len)?;
    let mut block = SecretBytes::zeroed(modulus_len);
    let (head, tail) = block.as_mut_bytes().split_at_mut(modulus_len - message.len());
    tail.copy_from_slice(message);
    head[1] = 2;
    let filling = head.len() - 1;
    for byte in &mut head[2..filling] {
        // One byte is zero once in 256; 64 zeros in a row come from a broken source only.
        for _ in 0..64 {
            random(core::slice::from_mut(byte));
            if *byte != 0 {
                break;
            }
        }
        if *byte == 0 {
            return Err(PaddingError::NoRandomness);
        }
    }
    Ok(block)
}

/// The message of a decrypted block of the modulus' length.
///
/// # Errors
/// [`PaddingError::Decryption`], whatever is wrong. Until the answer is made, the work done depends
/// on the block's length alone.
pub fn pkcs1_unpad(block: &[u8]) -> Result<SecretBytes, PaddingError> {
    if block.len() < OVERHEAD || u32::try_from(block.len()).is_err() {
        return Err(PaddingError::Decryption);
    }
    let mut valid = block[0].ct_eq(&0) & block[1].ct_eq(&2);
    let mut found = Choice::from(0);
    let mut start = 0u32;
    for (at, byte) in (3u32..).zip(&block[2..]) {
        let separator = byte.ct_eq(&0) & !found;
        start.conditional_assign(&at, separator);
        found |= separator;
    }
    valid &= found & start.ct_gt(&(OVERHEAD as u32 - 1));
    // An invalid block is worked on like one with an empty message.
    start.conditional_assign(&(block.len() as u32), !valid);
    let mut message = SecretBytes::from(block);
    shift_left(message.as_mut_bytes(), start);
    message.truncate(block.len() - start as usize);
    if valid.into() { Ok(message) } else { Err(PaddingError::Decryption) }
}

/// Moves the bytes `by` places to the front, in steps that do not depend on `by`.
pub(super) fn shift_left(bytes: &mut [u8], by: u32) {
    let len = bytes.len();
    let mut step = 1;
    while step <= len {
        let move_now = Choice::from(u8::from(by & step as u32 != 0));
        for at in 0..len {
            let from = bytes.get(at + step).copied().unwrap_or(0);
            bytes[at].conditional_assign(&from, move_now);
        }
        step *= 2;
    }
}

fn check_room(data: &[u8], block: usize) -> Result<(), PaddingError> {
    match data.len().checked_add(OVERHEAD) {
        Some(needed) if needed <= block => Ok(()),
        _ => Err(PaddingError::TooLong { len: data.len(), block }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Vec<u8> {
        let mut block = vec![0, 2];
        block.extend(text.bytes().map(|byte| if byte == b'.' { 0 } else { byte }));
        block
    }

    #[test]
    fn sign_block_is_filled_with_ff() {
        let made = pkcs1_sign_block(b"abc", 14).unwrap();
        assert_eq!(made, b"\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00abc");
        assert_eq!(pkcs1_sign_block(b"abcd", 14), Err(PaddingError::TooLong { len: 4, block: 14 }));
    }

    #[test]
    fn digest_info_checks_the_length() {
        let info = digest_info(HashAlgorithm::Sha1, &[7; 20]).unwrap();
        assert_eq!(info.len(), 35);
        assert_eq!(info[15..], [7; 20]);
        assert_eq!(digest_info(HashAlgorithm::Ssl3ShaMd5, &[1; 36]).unwrap(), [1; 36]);
        assert_eq!(
            digest_info(HashAlgorithm::Sha256, &[7; 20]),
            Err(PaddingError::DigestLength { expected: 32, actual: 20 })
        );
    }

    #[test]
    fn unpadding_finds_the_first_separator() {
        assert_eq!(pkcs1_unpad(&block("fillfill.message")).unwrap().as_bytes(), b"message");
        assert_eq!(pkcs1_unpad(&block("fillfill.a.b")).unwrap().as_bytes(), b"a\0b");
        assert_eq!(pkcs1_unpad(&block("fillfill.")).unwrap().as_bytes(), b"");
    }

    #[test]
    fn every_wrong_block_gives_the_same_error() {
        let mut first = block("fillfill.message");
        first[0] = 1;
        let mut second = block("fillfill.message");
        second[1] = 1;
        for bad in [first, second, block("fillfil.message"), block("nothing separates"), vec![0, 2], vec![]] {
            assert_eq!(pkcs1_unpad(&bad), Err(PaddingError::Decryption), "{bad:?}");
        }
    }

    #[test]
    fn a_source_of_zeros_is_refused() {
        let made = pkcs1_encrypt_block(b"x", 32, &mut |bytes| bytes.fill(0));
        assert_eq!(made, Err(PaddingError::NoRandomness));
    }

    #[test]
    fn shifting_moves_any_distance() {
        for by in 0..=9 {
            let mut bytes = *b"abcdefghi";
            shift_left(&mut bytes, by);
            let mut expected = b"abcdefghi"[by as usize..].to_vec();
            expected.resize(9, 0);
            assert_eq!(bytes[..], expected[..], "{by}");
        }
    }
}
