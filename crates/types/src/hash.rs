//! The hash algorithms of the interface by their names and numbers.

use core::fmt;

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};
use zeroize::Zeroize;

/// A hash algorithm a signature, padding or key derivation can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// MD2, 16 bytes.
    Md2,
    /// MD4, 16 bytes.
    Md4,
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
    /// MD5 and SHA-1, one after the other, 36 bytes: client authentication up to TLS 1.1. Signed
    /// without an object identifier.
    Ssl3ShaMd5,
}

impl HashAlgorithm {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Md2,
        Self::Md4,
        Self::Md5,
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Ssl3ShaMd5,
    ];

    /// Length of a digest in bytes. Never zero, so there is no `is_empty`.
    #[must_use]
    #[allow(clippy::len_without_is_empty)]
    pub const fn len(self) -> usize {
        match self {
            Self::Md2 | Self::Md4 | Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
            Self::Ssl3ShaMd5 => 36,
        }
    }

    /// The `ALG_ID` of wincrypt.h.
    #[must_use]
    pub const fn calg(self) -> u32 {
        match self {
            Self::Md2 => 0x8001,
            Self::Md4 => 0x8002,
            Self::Md5 => 0x8003,
            Self::Sha1 => 0x8004,
            Self::Ssl3ShaMd5 => 0x8008,
            Self::Sha256 => 0x800C,
            Self::Sha384 => 0x800D,
            Self::Sha512 => 0x800E,
        }
    }

    /// The algorithm of an `ALG_ID`; `None` for what is no plain hash here.
    #[must_use]
    pub fn from_calg(calg: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.calg() == calg)
    }

    /// The name in CNG (`BCRYPT_SHA256_ALGORITHM` and so on); "SHAMD5" for the concatenation.
    #[must_use]
    pub const fn cng_name(self) -> &'static str {
        match self {
            Self::Md2 => "MD2",
            Self::Md4 => "MD4",
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
            Self::Ssl3ShaMd5 => "SHAMD5",
        }
    }

    /// The algorithm of a CNG name, whose case does not matter.
    #[must_use]
    pub fn from_cng_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hash| hash.cng_name().eq_ignore_ascii_case(name))
    }

    /// What stands before the digest in a DER `DigestInfo` (RFC 8017, section 9.2, note 1); empty
    /// for [`HashAlgorithm::Ssl3ShaMd5`].
    #[must_use]
    pub const fn digest_info_prefix(self) -> &'static [u8] {
        match self {
            Self::Md2 => b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x02\x05\x00\x04\x10",
            Self::Md4 => b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x04\x05\x00\x04\x10",
            Self::Md5 => b"\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
            Self::Sha1 => b"\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
            Self::Sha256 => b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
            Self::Sha384 => b"\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
            Self::Sha512 => b"\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
            Self::Ssl3ShaMd5 => b"",
        }
    }

    /// Hashes; `None` for MD2 and MD4, which are only passed through.
    #[must_use]
    pub fn digest(self, data: &[u8]) -> Option<Vec<u8>> {
        self.digest_parts(&[data])
    }

    /// Hashes the concatenation of the parts; `None` as in [`HashAlgorithm::digest`].
    pub(crate) fn digest_parts(self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        match self {
            Self::Md2 | Self::Md4 => None,
            Self::Md5 => Some(run::<Md5>(parts)),
            Self::Sha1 => Some(run::<Sha1>(parts)),
            Self::Sha256 => Some(run::<Sha256>(parts)),
            Self::Sha384 => Some(run::<Sha384>(parts)),
            Self::Sha512 => Some(run::<Sha512>(parts)),
            Self::Ssl3ShaMd5 => Some([run::<Md5>(parts), run::<Sha1>(parts)].concat()),
        }
    }
}

fn run<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    parts.iter().for_each(|part| hash.update(part));
    let mut digest = hash.finalize();
    let copy = digest.to_vec();
    // What is hashed can be a secret to derive a key from, and then so is this.
    digest.as_mut_slice().zeroize();
    copy
}

impl fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.cng_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_come_back() {
        for hash in HashAlgorithm::ALL {
            assert_eq!(HashAlgorithm::from_calg(hash.calg()), Some(hash));
            assert_eq!(HashAlgorithm::from_cng_name(&hash.cng_name().to_lowercase()), Some(hash));
        }
        for calg in [0, 0x8005, 0x8009, 0x1000_0000] {
            assert_eq!(HashAlgorithm::from_calg(calg), None);
        }
        assert_eq!(HashAlgorithm::from_cng_name("SHA3-256"), None);
    }

    #[test]
    fn prefixes_end_with_the_digest_length() {
        for hash in HashAlgorithm::ALL {
            let prefix = hash.digest_info_prefix();
            if let Some((last, _)) = prefix.split_last() {
                assert_eq!(usize::from(*last), hash.len());
                assert_eq!(usize::from(prefix[1]), prefix.len() - 2 + hash.len());
            }
        }
    }

    #[test]
    fn digests_have_their_length_or_do_not_exist() {
        for hash in HashAlgorithm::ALL {
            match hash.digest(b"abc") {
                Some(digest) => assert_eq!(digest.len(), hash.len()),
                None => assert!(matches!(hash, HashAlgorithm::Md2 | HashAlgorithm::Md4)),
            }
        }
        assert_eq!(
            HashAlgorithm::Sha1.digest(b"abc").unwrap(),
            b"\xa9\x99\x3e\x36\x47\x06\x81\x6a\xba\x3e\x25\x71\x78\x50\xc2\x6c\x9c\xd0\xd8\x9d"
        );
    }
}
