//! The key derivation of PKCS #12 (RFC 7292, appendix B.2), which MACs and the old ciphers take. PBES2 has
//! another, in `pkcs5`.

use sha2::Digest;
use sha2::digest::block_api::BlockSizeUser;
use zeroize::Zeroizing;

/// What the bytes are for: the diversifier of appendix B.3.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Derives `len` bytes from a password (UTF-16, big-endian, with its NUL) and a salt.
pub(super) fn derive<H: Digest + BlockSizeUser>(
    password: &[u8],
    salt: &[u8],
    purpose: Purpose,
    rounds: u32,
    len: usize,
) -> Zeroizing<Vec<u8>> {
    let block = H::block_size();
    let diversifier = vec![purpose as u8; block];
    let mut material = repeated(salt, block);
    material.extend_from_slice(&repeated(password, block));
    let mut out = Zeroizing::new(Vec::with_capacity(len + <H as Digest>::output_size()));
    loop {
        let first = H::new().chain_update(&diversifier).chain_update(&*material).finalize();
        let mut hash = Zeroizing::new(first.to_vec());
        for _ in 1..rounds {
            let next = H::digest(&*hash);
            hash.copy_from_slice(&next);
        }
        out.extend_from_slice(&hash);
        if out.len() >= len {
            out.truncate(len);
            return out;
        }
        let addend = repeated_to(&hash, block);
        material.chunks_exact_mut(block).for_each(|part| add_one_and(part, &addend));
    }
}

/// The text again and again, up to whole blocks; nothing stays nothing.
fn repeated(text: &[u8], block: usize) -> Zeroizing<Vec<u8>> {
    repeated_to(text, text.len().next_multiple_of(block))
}

fn repeated_to(text: &[u8], len: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.iter().copied().cycle().take(len).collect())
}

/// `part = part + addend + 1`, big-endian, the overflow dropped.
fn add_one_and(part: &mut [u8], addend: &[u8]) {
    let mut carry = 1_u16;
    for (byte, more) in part.iter_mut().zip(addend).rev() {
        let sum = u16::from(*byte) + u16::from(*more) + carry;
        *byte = (sum & 0xFF) as u8;
        carry = sum >> 8;
    }
}

#[cfg(test)]
mod tests {
    use sha1::Sha1;

    use super::*;

    /// What openssl's `PKCS12KDF` derives of "smeg", salt 0A58CF64530D823F, one round: 24 bytes of key and
    /// 8 of an initial vector. The long ones take two turns of the loop.
    #[test]
    fn it_derives_what_others_do() {
        let password: Vec<u8> = "smeg\0".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let salt = [0x0A, 0x58, 0xCF, 0x64, 0x53, 0x0D, 0x82, 0x3F];
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
        let key = derive::<Sha1>(&password, &salt, Purpose::Key, 1, 24);
        assert_eq!(hex(&key), "8AAAE6297B6CB04642AB5B077851284EB7128F1A2A7FBCA3");
        let iv = derive::<Sha1>(&password, &salt, Purpose::Iv, 1, 8);
        assert_eq!(hex(&iv), "79993DFE048D3B76");
    }
}
