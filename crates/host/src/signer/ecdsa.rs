//! ECDSA signatures by a key of a card.

use core::marker::PhantomData;
use core::ops::Add;
use std::fmt;

use cardmod_types::{EcCurve, EcPublicKey, PublicKey, SignaturePadding};
use ecdsa::elliptic_curve::array::ArraySize;
use ecdsa::elliptic_curve::{CurveArithmetic, FieldBytesSize};
use ecdsa::{DigestAlgorithm, EcdsaCurve, Signature, VerifyingKey, der};
use sha2::Digest;
use sha2::digest::FixedOutput;
use sha2::digest::const_oid::AssociatedOid;
use signature::hazmat::PrehashSigner;
use signature::{DigestSigner, Keypair, MultipartSigner, Signer};
use spki::{AlgorithmIdentifierOwned, AssociatedAlgorithmIdentifier, DynSignatureAlgorithmIdentifier};

use super::{CardKey, failed};
use crate::csp::KeyAlgorithm;
use crate::error::Error;

/// A curve that cards have: P-256, P-384 and P-521, as the types `p256::NistP256`, `p384::NistP384` and
/// `p521::NistP521`. No others can be added.
pub trait CardCurve: EcdsaCurve + CurveArithmetic + DigestAlgorithm + sealed::Sealed {
    /// The curve.
    const CURVE: EcCurve;

    /// A public key of this curve; `None` for what is no point on it.
    #[doc(hidden)]
    fn verifying_key(public: &EcPublicKey) -> Option<VerifyingKey<Self>>;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! card_curve {
    ($($curve:path => $name:ident),*) => {$(
        impl sealed::Sealed for $curve {}

        impl CardCurve for $curve {
            const CURVE: EcCurve = EcCurve::$name;

            fn verifying_key(public: &EcPublicKey) -> Option<VerifyingKey<Self>> {
                VerifyingKey::from_sec1_bytes(&public.to_uncompressed()).ok()
            }
        }
    )*};
}

card_curve!(p256::NistP256 => P256, p384::NistP384 => P384, p521::NistP521 => P521);

/// Signs with ECDSA on one curve. Messages are hashed with the hash of the curve's size (SHA-256,
/// SHA-384, SHA-512); hashes that were made elsewhere are signed by [`PrehashSigner`].
pub struct EcdsaSigner<C: CardCurve> {
    key: CardKey,
    verifying: VerifyingKey<C>,
    curve: PhantomData<C>,
}

impl CardKey {
    /// An ECDSA signer.
    ///
    /// # Errors
    /// [`Error::WrongKeyKind`] for a key of another curve, or of RSA; [`Error::BadCardData`] for a public
    /// key that is not on its curve.
    pub fn ecdsa<C: CardCurve>(&self) -> Result<EcdsaSigner<C>, Error> {
        match self.public() {
            PublicKey::Ec(public) if public.curve() == C::CURVE => {
                let verifying = C::verifying_key(public).ok_or_else(|| Error::BadCardData {
                    what: "a public key is not on its curve".to_owned(),
                    card: self.shared.reader.clone(),
                })?;
                Ok(EcdsaSigner { key: self.clone(), verifying, curve: PhantomData })
            }
            _ => Err(self.wrong_kind(KeyAlgorithm::Ec(C::CURVE).to_string())),
        }
    }
}

impl<C: CardCurve> EcdsaSigner<C> {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &CardKey {
        &self.key
    }
}

impl<C: CardCurve> PrehashSigner<Signature<C>> for EcdsaSigner<C> {
    fn sign_prehash(&self, prehash: &[u8]) -> signature::Result<Signature<C>> {
        let made = self.key.sign_digest(SignaturePadding::None, prehash).map_err(failed)?;
        Signature::from_slice(&made)
    }
}

impl<C: CardCurve, D: Digest + FixedOutput> DigestSigner<D, Signature<C>> for EcdsaSigner<C> {
    fn try_sign_digest<F>(&self, f: F) -> signature::Result<Signature<C>>
    where
        F: Fn(&mut D) -> signature::Result<()>,
    {
        let mut digest = D::new();
        f(&mut digest)?;
        self.sign_prehash(&digest.finalize_fixed())
    }
}

impl<C: CardCurve> MultipartSigner<Signature<C>> for EcdsaSigner<C> {
    fn try_multipart_sign(&self, parts: &[&[u8]]) -> signature::Result<Signature<C>> {
        self.try_sign_digest(|digest: &mut C::Digest| {
            parts.iter().for_each(|part| Digest::update(digest, part));
            Ok(())
        })
    }
}

impl<C: CardCurve> Signer<Signature<C>> for EcdsaSigner<C> {
    fn try_sign(&self, message: &[u8]) -> signature::Result<Signature<C>> {
        self.try_multipart_sign(&[message])
    }
}

impl<C> PrehashSigner<der::Signature<C>> for EcdsaSigner<C>
where
    C: CardCurve,
    der::MaxSize<C>: ArraySize,
    <FieldBytesSize<C> as Add>::Output: Add<der::MaxOverhead> + ArraySize,
{
    fn sign_prehash(&self, prehash: &[u8]) -> signature::Result<der::Signature<C>> {
        PrehashSigner::<Signature<C>>::sign_prehash(self, prehash).map(Into::into)
    }
}

impl<C, D> DigestSigner<D, der::Signature<C>> for EcdsaSigner<C>
where
    C: CardCurve,
    D: Digest + FixedOutput,
    der::MaxSize<C>: ArraySize,
    <FieldBytesSize<C> as Add>::Output: Add<der::MaxOverhead> + ArraySize,
{
    fn try_sign_digest<F>(&self, f: F) -> signature::Result<der::Signature<C>>
    where
        F: Fn(&mut D) -> signature::Result<()>,
    {
        DigestSigner::<D, Signature<C>>::try_sign_digest(self, f).map(Into::into)
    }
}

impl<C> Signer<der::Signature<C>> for EcdsaSigner<C>
where
    C: CardCurve,
    der::MaxSize<C>: ArraySize,
    <FieldBytesSize<C> as Add>::Output: Add<der::MaxOverhead> + ArraySize,
{
    fn try_sign(&self, message: &[u8]) -> signature::Result<der::Signature<C>> {
        Signer::<Signature<C>>::try_sign(self, message).map(Into::into)
    }
}

impl<C: CardCurve> Keypair for EcdsaSigner<C> {
    type VerifyingKey = VerifyingKey<C>;

    fn verifying_key(&self) -> VerifyingKey<C> {
        self.verifying
    }
}

impl<C> DynSignatureAlgorithmIdentifier for EcdsaSigner<C>
where
    C: CardCurve,
    C::Digest: AssociatedOid,
    Signature<C>: AssociatedAlgorithmIdentifier,
{
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        // ECDSA has no parameters (RFC 5758, section 3.2).
        let oid = <Signature<C> as AssociatedAlgorithmIdentifier>::ALGORITHM_IDENTIFIER.oid;
        Ok(AlgorithmIdentifierOwned { oid, parameters: None })
    }
}

impl<C: CardCurve> Clone for EcdsaSigner<C> {
    fn clone(&self) -> Self {
        Self { key: self.key.clone(), verifying: self.verifying, curve: PhantomData }
    }
}

impl<C: CardCurve> fmt::Debug for EcdsaSigner<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EcdsaSigner").field(&self.key).finish()
    }
}
