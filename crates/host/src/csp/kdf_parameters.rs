//! Key derivation functions as the interface writes them: names, buffers by number, one flag.

use cardmod_sys::{
    KDF_ALGORITHMID, KDF_HASH_ALGORITHM, KDF_HKDF_INFO, KDF_HKDF_SALT, KDF_HMAC_KEY, KDF_PARTYUINFO,
    KDF_PARTYVINFO, KDF_SECRET_APPEND, KDF_SECRET_PREPEND, KDF_SUPPPRIVINFO, KDF_SUPPPUBINFO,
    KDF_TLS_PRF_LABEL, KDF_TLS_PRF_PROTOCOL, KDF_TLS_PRF_SEED, KDF_USE_SECRET_AS_HMAC_KEY_FLAG,
};
use cardmod_types::kdf::Kdf;
use cardmod_types::{HashAlgorithm, SecretBytes};

use crate::module::KdfParameter;

/// A function's buffers, which own their bytes.
pub(super) struct KdfParameters {
    buffers: Vec<(u32, SecretBytes)>,
    flags: u32,
}

impl KdfParameters {
    pub(super) fn of(kdf: &Kdf) -> Self {
        let mut parameters = Self { buffers: Vec::new(), flags: 0 };
        match kdf {
            Kdf::Hash { hash, prepend, append } => {
                parameters.hash(*hash);
                parameters.given(KDF_SECRET_PREPEND, prepend.as_bytes());
                parameters.given(KDF_SECRET_APPEND, append.as_bytes());
            }
            Kdf::Hmac { hash, key, prepend, append } => {
                parameters.hash(*hash);
                match key {
                    Some(key) => parameters.always(KDF_HMAC_KEY, key.as_bytes()),
                    None => parameters.flags |= KDF_USE_SECRET_AS_HMAC_KEY_FLAG,
                }
                parameters.given(KDF_SECRET_PREPEND, prepend.as_bytes());
                parameters.given(KDF_SECRET_APPEND, append.as_bytes());
            }
            Kdf::TlsPrf { label, seed, protocol, hash } => {
                parameters.always(KDF_TLS_PRF_LABEL, label);
                parameters.always(KDF_TLS_PRF_SEED, seed);
                parameters.always(KDF_TLS_PRF_PROTOCOL, &protocol.code().to_le_bytes());
                if let Some(hash) = hash {
                    parameters.hash(*hash);
                }
            }
            Kdf::Sp800_56aConcat { hash, algorithm_id, party_u, party_v, supp_pub, supp_priv } => {
                parameters.hash(*hash);
                parameters.always(KDF_ALGORITHMID, algorithm_id);
                parameters.always(KDF_PARTYUINFO, party_u);
                parameters.always(KDF_PARTYVINFO, party_v);
                parameters.given(KDF_SUPPPUBINFO, supp_pub);
                parameters.given(KDF_SUPPPRIVINFO, supp_priv.as_bytes());
            }
            Kdf::Truncate => {}
            Kdf::Hkdf { hash, salt, info } => {
                parameters.hash(*hash);
                parameters.given(KDF_HKDF_SALT, salt);
                parameters.given(KDF_HKDF_INFO, info);
            }
        }
        parameters
    }

    pub(super) fn flags(&self) -> u32 {
        self.flags
    }

    pub(super) fn list(&self) -> Vec<KdfParameter<'_>> {
        self.buffers.iter().map(|(kind, bytes)| KdfParameter::Bytes(*kind, bytes.as_bytes())).collect()
    }

    /// A hash by its CNG name, with the NUL that ends it.
    fn hash(&mut self, hash: HashAlgorithm) {
        let name: Vec<u8> = hash.cng_name().encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        self.always(KDF_HASH_ALGORITHM, &name);
    }

    /// A buffer that is there even if it is empty.
    fn always(&mut self, kind: u32, bytes: &[u8]) {
        self.buffers.push((kind, SecretBytes::from(bytes)));
    }

    /// A buffer that is left out if it is empty.
    fn given(&mut self, kind: u32, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.always(kind, bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_named_in_utf16() {
        let parameters = KdfParameters::of(&Kdf::Hash {
            hash: HashAlgorithm::Sha256,
            prepend: SecretBytes::from(&[][..]),
            append: SecretBytes::from(&[7][..]),
        });
        assert_eq!(parameters.buffers.len(), 2);
        assert_eq!(parameters.buffers[0].0, KDF_HASH_ALGORITHM);
        assert_eq!(parameters.buffers[0].1.as_bytes(), b"S\0H\0A\x002\x005\x006\0\0\0");
        assert_eq!(
            (parameters.buffers[1].0, parameters.buffers[1].1.as_bytes()),
            (KDF_SECRET_APPEND, &[7][..])
        );
        assert_eq!(parameters.flags(), 0);
    }

    #[test]
    fn the_secret_itself_is_a_key_by_flag() {
        let none = SecretBytes::from(&[][..]);
        let kdf = Kdf::Hmac { hash: HashAlgorithm::Sha1, key: None, prepend: none.clone(), append: none };
        assert_eq!(KdfParameters::of(&kdf).flags(), KDF_USE_SECRET_AS_HMAC_KEY_FLAG);
        assert!(KdfParameters::of(&Kdf::Truncate).list().is_empty());
    }
}
