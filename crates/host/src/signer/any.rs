//! A signer for whatever key a container has, for programs that issue certificates or requests and do
//! not want to know in advance.

use cardmod_types::{EcCurve, HashAlgorithm, PublicKey, SignaturePadding};
use der::Document;
use der::asn1::{Any, BitString, Null, ObjectIdentifier};
use signature::{Keypair, SignatureEncoding, Signer};
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SignatureBitStringEncoding,
};

use super::{CardKey, failed};
use crate::error::Error;
use crate::x509::ecdsa_to_der;

/// Signs as certificates want it: ECDSA as DER with the hash of the curve's size, RSA with PKCS#1 v1.5 and
/// SHA-256.
#[derive(Clone, Debug)]
pub struct AnySigner {
    key: CardKey,
    hash: HashAlgorithm,
}

impl CardKey {
    /// A signer for whatever the key is.
    #[must_use]
    pub fn any_signer(&self) -> AnySigner {
        let hash = match self.public() {
            PublicKey::Rsa(_) => HashAlgorithm::Sha256,
            PublicKey::Ec(key) => match key.curve() {
                EcCurve::P256 => HashAlgorithm::Sha256,
                EcCurve::P384 => HashAlgorithm::Sha384,
                EcCurve::P521 => HashAlgorithm::Sha512,
            },
        };
        AnySigner { key: self.clone(), hash }
    }
}

impl AnySigner {
    /// The key.
    #[must_use]
    pub fn key(&self) -> &CardKey {
        &self.key
    }

    /// The hash that messages are signed with.
    #[must_use]
    pub fn hash(&self) -> HashAlgorithm {
        self.hash
    }

    fn sign_message(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = self.hash.digest(message);
        let digest =
            digest.ok_or_else(|| Error::BadInput { what: format!("{} is not computed here", self.hash) })?;
        match self.key.public() {
            PublicKey::Rsa(_) => {
                self.key.sign_digest(SignaturePadding::Pkcs1 { hash: Some(self.hash) }, &digest)
            }
            PublicKey::Ec(_) => ecdsa_to_der(&self.key.sign_digest(SignaturePadding::None, &digest)?),
        }
    }
}

impl Signer<AnySignature> for AnySigner {
    fn try_sign(&self, message: &[u8]) -> signature::Result<AnySignature> {
        self.sign_message(message).map(AnySignature).map_err(failed)
    }
}

impl Keypair for AnySigner {
    type VerifyingKey = AnyVerifyingKey;

    fn verifying_key(&self) -> AnyVerifyingKey {
        AnyVerifyingKey(self.key.public().clone())
    }
}

impl DynSignatureAlgorithmIdentifier for AnySigner {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        let is_rsa = matches!(self.key.public(), PublicKey::Rsa(_));
        // RFC 8017, appendix C, and RFC 5758, section 3.2.
        let oid = match (is_rsa, self.hash) {
            (true, _) => "1.2.840.113549.1.1.11",
            (false, HashAlgorithm::Sha256) => "1.2.840.10045.4.3.2",
            (false, HashAlgorithm::Sha384) => "1.2.840.10045.4.3.3",
            (false, _) => "1.2.840.10045.4.3.4",
        };
        let oid = ObjectIdentifier::new(oid).map_err(|_| spki::Error::KeyMalformed)?;
        // RSA has a NULL for parameters, ECDSA none (RFC 4055, section 5).
        let parameters = if is_rsa { Some(Any::encode_from(&Null)?) } else { None };
        Ok(AlgorithmIdentifierOwned { oid, parameters })
    }
}

/// The public half of an [`AnySigner`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnyVerifyingKey(pub PublicKey);

impl EncodePublicKey for AnyVerifyingKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Document::try_from(self.0.to_spki_der()).map_err(Into::into)
    }
}

/// A signature in the form certificates have: DER for ECDSA, big-endian for RSA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnySignature(Vec<u8>);

impl AnySignature {
    /// The signature.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl TryFrom<&[u8]> for AnySignature {
    type Error = signature::Error;

    fn try_from(bytes: &[u8]) -> signature::Result<Self> {
        if bytes.is_empty() { Err(signature::Error::new()) } else { Ok(Self(bytes.to_vec())) }
    }
}

impl From<AnySignature> for Vec<u8> {
    fn from(signature: AnySignature) -> Self {
        signature.0
    }
}

impl SignatureEncoding for AnySignature {
    type Repr = Vec<u8>;
}

impl SignatureBitStringEncoding for AnySignature {
    fn to_bitstring(&self) -> der::Result<BitString> {
        BitString::from_bytes(&self.0)
    }
}
