//! From the caller's hash, flags and padding to what the card is given to sign (5.32).

use cardmod_sys::CRYPT_NOHASHOID;
use cardmod_types::padding::{digest_info, pss_encode};
use cardmod_types::{HashAlgorithm, KeySpec};

use crate::boundary::PaddingInfo;
use crate::live::Call;
use crate::memory::KeyShape;
use crate::module::{CardModule, KeyRef, Result, SignatureInput};
use crate::status::Status;

/// Padding bytes PKCS#1 v1.5 needs at least.
const PKCS1_OVERHEAD: usize = 11;
/// Longest data to sign with ECDSA: longer than any hash.
const MAX_ECDSA_DATA: usize = 128;

/// How a signature is made, everything about the caller's request being checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    /// PKCS#1 v1.5 over this, a `DigestInfo` or the bare data.
    Pkcs1(Vec<u8>),
    /// The data are a complete block.
    RawRsa,
    Pss {
        hash: HashAlgorithm,
        salt_len: usize,
    },
    Ecdsa,
}

impl Scheme {
    /// # Errors
    /// [`Status::InvalidParameter`] for a request that makes no sense, [`Status::UnsupportedFeature`] for
    /// a hash that is known and not supported.
    pub(super) fn choose(
        spec: KeySpec,
        flags: u32,
        algorithm: u32,
        padding: Option<PaddingInfo>,
        data: &[u8],
    ) -> Result<Self> {
        if data.is_empty() {
            return Err(Status::InvalidParameter);
        }
        match padding {
            None => {
                let hash = calg_hash(algorithm)?;
                if hash.is_some_and(|hash| hash.len() != data.len()) {
                    return Err(Status::InvalidParameter);
                }
                if spec.is_rsa() {
                    pkcs1(hash.filter(|_| flags & CRYPT_NOHASHOID == 0), data)
                } else {
                    ecdsa(data)
                }
            }
            Some(PaddingInfo::None) if spec.is_rsa() => Ok(Self::RawRsa),
            Some(PaddingInfo::None) => ecdsa(data),
            Some(PaddingInfo::Pkcs1 { hash }) if spec.is_rsa() => {
                let hash = hash.map(|name| cng_hash(&name)).transpose()?;
                pkcs1(hash, data)
            }
            Some(PaddingInfo::Pss { hash, salt_len }) if spec.is_rsa() => {
                let hash = cng_hash_or_sha1(hash.as_deref())?;
                if hash.len() != data.len() {
                    return Err(Status::InvalidParameter);
                }
                // PSS hashes by itself: what is not computed here cannot be used for it.
                hash.digest(&[]).ok_or(Status::UnsupportedFeature)?;
                Ok(Self::Pss { hash, salt_len: salt_len as usize })
            }
            Some(_) => Err(Status::InvalidParameter),
        }
    }

    /// Whether the data fit the key.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`].
    pub(super) fn check_room(&self, key: &KeyShape, data: &[u8]) -> Result<()> {
        let fits = match self {
            Self::Pkcs1(block) => block.len() + PKCS1_OVERHEAD <= key.signature_len,
            Self::RawRsa => data.len() == key.signature_len,
            Self::Pss { hash, salt_len } => {
                let encoded = (key.bits as usize - 1).div_ceil(8);
                encoded.checked_sub(hash.len() + 2).is_some_and(|room| *salt_len <= room)
            }
            Self::Ecdsa => true,
        };
        if fits { Ok(()) } else { Err(Status::InvalidParameter) }
    }

    pub(super) fn sign<M: CardModule>(
        &self,
        call: &mut Call<'_, M>,
        key: KeyRef,
        shape: &KeyShape,
        data: &[u8],
    ) -> Result<Vec<u8>> {
        let block;
        let input = match self {
            Self::Pkcs1(block) => SignatureInput::Pkcs1(block),
            Self::RawRsa => SignatureInput::RawRsa(data),
            Self::Pss { hash, salt_len } => {
                let mut salt = vec![0; *salt_len];
                getrandom::fill(&mut salt).map_err(|_| Status::Unexpected)?;
                block = pss_encode(*hash, data, &salt, shape.bits as usize)
                    .map_err(|_| Status::InvalidParameter)?;
                SignatureInput::RawRsa(&block)
            }
            // SEC 1, 4.1.3: the leftmost bits of a hash longer than the curve's order.
            Self::Ecdsa => SignatureInput::Ecdsa(&data[..data.len().min(shape.signature_len / 2)]),
        };
        call.module.sign(&mut call.cx, key, &input)
    }
}

fn ecdsa(data: &[u8]) -> Result<Scheme> {
    if data.len() > MAX_ECDSA_DATA { Err(Status::InvalidParameter) } else { Ok(Scheme::Ecdsa) }
}

fn pkcs1(hash: Option<HashAlgorithm>, data: &[u8]) -> Result<Scheme> {
    match hash {
        Some(hash) => digest_info(hash, data).map(Scheme::Pkcs1).map_err(|_| Status::InvalidParameter),
        None => Ok(Scheme::Pkcs1(data.to_vec())),
    }
}

/// An `ALG_ID`; 0 for none.
fn calg_hash(algorithm: u32) -> Result<Option<HashAlgorithm>> {
    /// `ALG_CLASS_HASH`: the class of all hash algorithms, in bits 13 to 15.
    const CLASS_HASH: u32 = 4 << 13;
    /// The one hash of an older numbering, outside of the class.
    const HUGHES_MD5: u32 = 0xA003;
    if algorithm == 0 {
        return Ok(None);
    }
    if algorithm == HUGHES_MD5 {
        return Err(Status::UnsupportedFeature);
    }
    if algorithm & !0x1FFF != CLASS_HASH {
        return Err(Status::InvalidParameter);
    }
    HashAlgorithm::from_calg(algorithm).map(Some).ok_or(Status::UnsupportedFeature)
}

/// A hash algorithm by its CNG name.
pub(super) fn cng_hash(name: &str) -> Result<HashAlgorithm> {
    HashAlgorithm::from_cng_name(name).ok_or(Status::UnsupportedFeature)
}

/// As [`cng_hash`]; a caller that names none means SHA-1 (10.6).
pub(super) fn cng_hash_or_sha1(name: Option<&str>) -> Result<HashAlgorithm> {
    name.map_or(Ok(HashAlgorithm::Sha1), cng_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA_256: u32 = 0x800C;

    fn choose(spec: KeySpec, algorithm: u32, padding: Option<PaddingInfo>, data: &[u8]) -> Result<Scheme> {
        Scheme::choose(spec, 0, algorithm, padding, data)
    }

    #[test]
    fn hash_ids_are_told_apart() {
        let spec = KeySpec::Signature;
        let digest = [1; 32];
        assert_eq!(choose(spec, 0x8005, None, &digest), Err(Status::UnsupportedFeature), "CALG_MAC");
        assert_eq!(choose(spec, 0xA003, None, &digest[..16]), Err(Status::UnsupportedFeature), "Hughes MD5");
        assert_eq!(choose(spec, 0x1000_0000, None, &digest), Err(Status::InvalidParameter));
        assert_eq!(choose(spec, SHA_256, None, &digest[..20]), Err(Status::InvalidParameter));
        let Ok(Scheme::Pkcs1(info)) = choose(spec, SHA_256, None, &digest) else { panic!() };
        assert_eq!(info.len(), 51);
        assert_eq!(choose(spec, 0, None, &digest), Ok(Scheme::Pkcs1(digest.to_vec())));
        let bare = Scheme::choose(spec, CRYPT_NOHASHOID, SHA_256, None, &digest);
        assert_eq!(bare, Ok(Scheme::Pkcs1(digest.to_vec())));
        let tls = choose(spec, 0x8008, None, &[2; 36]);
        assert_eq!(tls, Ok(Scheme::Pkcs1(vec![2; 36])), "no identifier for MD5 and SHA-1 together");
    }

    #[test]
    fn padding_fits_the_kind_of_key() {
        let digest = [1; 32];
        let pss = || PaddingInfo::Pss { hash: Some("SHA256".into()), salt_len: 32 };
        assert_eq!(
            choose(KeySpec::Signature, 0, Some(pss()), &digest),
            Ok(Scheme::Pss { hash: HashAlgorithm::Sha256, salt_len: 32 })
        );
        assert_eq!(choose(KeySpec::EcdsaP256, 0, Some(pss()), &digest), Err(Status::InvalidParameter));
        assert_eq!(choose(KeySpec::EcdsaP256, 0, Some(PaddingInfo::None), &digest), Ok(Scheme::Ecdsa));
        let md2 = PaddingInfo::Pss { hash: Some("MD2".into()), salt_len: 0 };
        assert_eq!(choose(KeySpec::Signature, 0, Some(md2), &[0; 16]), Err(Status::UnsupportedFeature));
        let unknown = PaddingInfo::Pkcs1 { hash: Some("SHA3".into()) };
        assert_eq!(choose(KeySpec::Signature, 0, Some(unknown), &digest), Err(Status::UnsupportedFeature));
        assert_eq!(choose(KeySpec::Signature, 0, None, &[]), Err(Status::InvalidParameter));
    }

    #[test]
    fn salt_must_fit() {
        let shape = KeyShape { spec: KeySpec::Signature, bits: 1024, signature_len: 128 };
        let pss = |salt_len| Scheme::Pss { hash: HashAlgorithm::Sha256, salt_len };
        assert!(pss(94).check_room(&shape, &[0; 32]).is_ok());
        assert!(pss(95).check_room(&shape, &[0; 32]).is_err());
        assert!(Scheme::Pkcs1(vec![0; 117]).check_room(&shape, &[]).is_ok());
        assert!(Scheme::Pkcs1(vec![0; 118]).check_room(&shape, &[]).is_err());
        assert!(Scheme::RawRsa.check_room(&shape, &[0; 127]).is_err());
    }
}
