//! RSA signatures by a key of a card: PKCS#1 v1.5 and PSS.

use core::marker::PhantomData;
use std::fmt;

use cardmod_types::{HashAlgorithm, PublicKey, SignaturePadding};
use rsa::pkcs1v15::RsaSignatureAssociatedOid;
use rsa::{BoxedUint, RsaPublicKey, pkcs1v15, pss};
use sha2::Digest;
use sha2::digest::FixedOutput;
use sha2::digest::const_oid::AssociatedOid;
use signature::hazmat::PrehashSigner;
use signature::{DigestSigner, Keypair, MultipartSigner, Signer};
use spki::{AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier};

use super::{CardKey, failed};
use crate::error::Error;

/// The sizes of RSA keys that are taken for keys, in bits.
const SIZES: core::ops::RangeInclusive<usize> = 512..=16_384;

/// A hash that RSA signers sign with: SHA-256, SHA-384 and SHA-512, as the types of the `sha2` crate. No
/// others can be added; [`CardKey::sign_digest`] signs whatever hash the card takes.
pub trait CardDigest:
    Digest + FixedOutput + AssociatedOid + RsaSignatureAssociatedOid + sealed::Sealed
{
    /// The hash.
    const HASH: HashAlgorithm;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! card_digest {
    ($($digest:path => $name:ident),*) => {$(
        impl sealed::Sealed for $digest {}

        impl CardDigest for $digest {
            const HASH: HashAlgorithm = HashAlgorithm::$name;
        }
    )*};
}

card_digest!(sha2::Sha256 => Sha256, sha2::Sha384 => Sha384, sha2::Sha512 => Sha512);

impl CardKey {
    /// A PKCS#1 v1.5 signer with one hash.
    ///
    /// # Errors
    /// [`Error::WrongKeyKind`] for an elliptic key.
    pub fn rsa_pkcs1<D: CardDigest>(&self) -> Result<RsaPkcs1Signer<D>, Error> {
        let verifying = pkcs1v15::VerifyingKey::new(self.rsa_public()?);
        Ok(RsaPkcs1Signer { key: self.clone(), verifying, digest: PhantomData })
    }

    /// A PSS signer with one hash, whose salts are of the hash's length.
    ///
    /// # Errors
    /// [`Error::WrongKeyKind`] for an elliptic key.
    pub fn rsa_pss<D: CardDigest>(&self) -> Result<RsaPssSigner<D>, Error> {
        let verifying = pss::VerifyingKey::new(self.rsa_public()?);
        Ok(RsaPssSigner { key: self.clone(), verifying, digest: PhantomData })
    }

    /// The public key as that of the `rsa` crate.
    pub(super) fn rsa_public(&self) -> Result<RsaPublicKey, Error> {
        let PublicKey::Rsa(public) = self.public() else {
            return Err(self.wrong_kind("an RSA key".to_owned()));
        };
        let modulus = BoxedUint::from_be_slice_vartime(public.modulus());
        let exponent = BoxedUint::from(u64::from(public.exponent()));
        RsaPublicKey::new_with_size_limits(modulus, exponent, SIZES).map_err(|error| Error::BadCardData {
            what: format!("an RSA key cannot be used: {error}"),
            card: self.shared.reader.clone(),
        })
    }
}

/// Signs with RSA PKCS#1 v1.5 and one hash.
pub struct RsaPkcs1Signer<D: CardDigest> {
    key: CardKey,
    verifying: pkcs1v15::VerifyingKey<D>,
    digest: PhantomData<D>,
}

/// Signs with RSA-PSS and one hash; the salts have the hash's length.
pub struct RsaPssSigner<D: CardDigest> {
    key: CardKey,
    verifying: pss::VerifyingKey<D>,
    digest: PhantomData<D>,
}

macro_rules! rsa_signer {
    ($signer:ident, $scheme:ident, $padding:expr, $algorithm:expr) => {
        impl<D: CardDigest> $signer<D> {
            /// The key.
            #[must_use]
            pub fn key(&self) -> &CardKey {
                &self.key
            }
        }

        impl<D: CardDigest> PrehashSigner<$scheme::Signature> for $signer<D> {
            fn sign_prehash(&self, prehash: &[u8]) -> signature::Result<$scheme::Signature> {
                let made = self.key.sign_digest($padding(D::HASH), prehash).map_err(failed)?;
                $scheme::Signature::try_from(made.as_slice())
            }
        }

        impl<D: CardDigest> DigestSigner<D, $scheme::Signature> for $signer<D> {
            fn try_sign_digest<F>(&self, f: F) -> signature::Result<$scheme::Signature>
            where
                F: Fn(&mut D) -> signature::Result<()>,
            {
                let mut digest = D::new();
                f(&mut digest)?;
                self.sign_prehash(&digest.finalize_fixed())
            }
        }

        impl<D: CardDigest> MultipartSigner<$scheme::Signature> for $signer<D> {
            fn try_multipart_sign(&self, parts: &[&[u8]]) -> signature::Result<$scheme::Signature> {
                self.try_sign_digest(|digest: &mut D| {
                    parts.iter().for_each(|part| Digest::update(digest, part));
                    Ok(())
                })
            }
        }

        impl<D: CardDigest> Signer<$scheme::Signature> for $signer<D> {
            fn try_sign(&self, message: &[u8]) -> signature::Result<$scheme::Signature> {
                self.try_multipart_sign(&[message])
            }
        }

        impl<D: CardDigest> Keypair for $signer<D> {
            type VerifyingKey = $scheme::VerifyingKey<D>;

            fn verifying_key(&self) -> Self::VerifyingKey {
                self.verifying.clone()
            }
        }

        impl<D: CardDigest> DynSignatureAlgorithmIdentifier for $signer<D> {
            fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
                $algorithm(&self.verifying)
            }
        }

        impl<D: CardDigest> Clone for $signer<D> {
            fn clone(&self) -> Self {
                Self { key: self.key.clone(), verifying: self.verifying.clone(), digest: PhantomData }
            }
        }

        impl<D: CardDigest> fmt::Debug for $signer<D> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($signer)).field(&self.key).field(&D::HASH).finish()
            }
        }
    };
}

rsa_signer!(
    RsaPkcs1Signer,
    pkcs1v15,
    |hash| SignaturePadding::Pkcs1 { hash: Some(hash) },
    pkcs1v15::VerifyingKey::<D>::signature_algorithm_identifier
);
rsa_signer!(
    RsaPssSigner,
    pss,
    |hash: HashAlgorithm| SignaturePadding::Pss { hash, salt_len: hash.len() },
    |_| pss::get_default_pss_signature_algo_id::<D>()
);
