//! The pseudo-random functions of TLS (RFC 2246 and RFC 5246, sections 5).

use super::{KdfError, TlsProtocol, hmac};
use crate::hash::HashAlgorithm;
use crate::secret::SecretBytes;

/// What TLS makes of a shared secret: the master secret, in bytes.
pub(super) const MASTER_SECRET_LEN: usize = 48;
/// Client random and server random.
const SEED_LEN: usize = 64;

/// The master secret, for the PRF of this protocol version.
pub(super) fn prf(
    protocol: TlsProtocol,
    hash: Option<HashAlgorithm>,
    secret: &[u8],
    label: &[u8],
    seed: &[u8],
) -> Result<SecretBytes, KdfError> {
    if seed.len() != SEED_LEN {
        return Err(KdfError::SeedLength(seed.len()));
    }
    let mut out = SecretBytes::zeroed(MASTER_SECRET_LEN);
    match (protocol, hash) {
        (TlsProtocol::Tls12, None) => {
            p_hash_xor(HashAlgorithm::Sha256, secret, &[label, seed], out.as_mut_bytes())?;
        }
        (TlsProtocol::Tls12, Some(hash @ (HashAlgorithm::Sha256 | HashAlgorithm::Sha384))) => {
            p_hash_xor(hash, secret, &[label, seed], out.as_mut_bytes())?;
        }
        // Before TLS 1.2 the function has no parameter; CNG's callers name SHA-1 or nothing.
        (TlsProtocol::Tls10 | TlsProtocol::Tls11, None | Some(HashAlgorithm::Sha1)) => {
            old_prf(secret, &[label, seed], out.as_mut_bytes())?;
        }
        (_, Some(other)) => return Err(KdfError::UnsupportedHash(other)),
    }
    Ok(out)
}

/// TLS 1.0 and 1.1: MD5 over the first half of the secret, SHA-1 over the second; the halves share
/// the middle byte of an odd length.
fn old_prf(secret: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Result<(), KdfError> {
    let half = secret.len().div_ceil(2);
    p_hash_xor(HashAlgorithm::Md5, &secret[..half], seed, out)?;
    p_hash_xor(HashAlgorithm::Sha1, &secret[secret.len() - half..], seed, out)
}

/// XORs `P_hash(secret, seed)` over `out`.
fn p_hash_xor(hash: HashAlgorithm, secret: &[u8], seed: &[&[u8]], out: &mut [u8]) -> Result<(), KdfError> {
    let mut a = hmac(hash, secret, seed)?;
    for chunk in out.chunks_mut(hash.len()) {
        let parts: Vec<&[u8]> = core::iter::once(a.as_bytes()).chain(seed.iter().copied()).collect();
        let block = hmac(hash, secret, &parts)?;
        chunk.iter_mut().zip(block.as_bytes()).for_each(|(byte, with)| *byte ^= with);
        a = hmac(hash, secret, &[a.as_bytes()])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn published_vector_of_tls_1_0() {
        let mut out = [0; 104];
        old_prf(&[0xAB; 48], &[b"PRF Testvector", &[0xCD; 64]], &mut out).unwrap();
        let expected = "D3D4D1E349B5D515044666D51DE32BAB258CB521B6B053463E354832FD976754\
                        443BCF9A296519BC289ABCBC1187E4EBD31E602353776C408AAFB74CBC85EFF6\
                        9255F9788FAA184CBB957A9819D84A5D7EB006EB459D3AE8DE9810454B8B2D8F\
                        1AFBC655A8C9A013";
        assert_eq!(out[..], hex(expected));
    }

    #[test]
    fn published_vector_of_tls_1_2() {
        let mut out = [0; 100];
        let seed = hex("a0ba9f936cda311827a6f796ffd5198c");
        let secret = hex("9bbe436ba940f017b17652849a71db35");
        p_hash_xor(HashAlgorithm::Sha256, &secret, &[b"test label", &seed], &mut out).unwrap();
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a\
                        6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab\
                        4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701\
                        87347b66";
        assert_eq!(out[..], hex(expected));
    }

    #[test]
    fn parameters_are_checked() {
        let run = |protocol, hash| prf(protocol, hash, &[1; 32], b"master secret", &[2; 64]);
        let sha256 = run(TlsProtocol::Tls12, None).unwrap();
        assert_eq!(sha256.len(), MASTER_SECRET_LEN);
        assert_eq!(run(TlsProtocol::Tls12, Some(HashAlgorithm::Sha256)).unwrap(), sha256);
        assert_ne!(run(TlsProtocol::Tls12, Some(HashAlgorithm::Sha384)).unwrap(), sha256);
        assert_eq!(run(TlsProtocol::Tls10, None), run(TlsProtocol::Tls11, Some(HashAlgorithm::Sha1)));
        for (protocol, hash) in [
            (TlsProtocol::Tls12, HashAlgorithm::Sha1),
            (TlsProtocol::Tls12, HashAlgorithm::Sha512),
            (TlsProtocol::Tls10, HashAlgorithm::Sha256),
        ] {
            assert_eq!(run(protocol, Some(hash)), Err(KdfError::UnsupportedHash(hash)));
        }
        let short = prf(TlsProtocol::Tls12, None, &[1; 32], b"", &[2; 63]);
        assert_eq!(short, Err(KdfError::SeedLength(63)));
    }
}
