//! Certificate requests (PKCS #10) and self-signed certificates, signed by a key that is elsewhere.

use std::time::Duration;

use cardmod_types::{HashAlgorithm, PublicKey};
use der::asn1::{Any, BitString, Null, ObjectIdentifier};
use der::{Document, Encode as _};
use signature::Keypair;
use spki::{
    AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, EncodePublicKey, SubjectPublicKeyInfoOwned,
    SubjectPublicKeyInfoRef,
};
use x509_cert::TbsCertificate;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use x509_cert::ext::{Extension, ToExtension as _};
use x509_cert::name::Name;
use x509_cert::request::RequestBuilder;
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::Validity;

use super::ecdsa::ecdsa_to_der;
use super::usage::Profile;
use crate::error::Error;

/// The bytes of a random serial number: more than the 64 bits certificate policies want.
const SERIAL_LEN: usize = 16;
/// A certificate that lasts longer than this is a mistake.
const LONGEST_VALIDITY_DAYS: u32 = 36_500;

/// A certificate request (DER) for a key. `sign` is handed the hash of the request's body and answers
/// the signature: RSA PKCS #1 v1.5 big-endian, or ECDSA as `r‖s`.
///
/// # Errors
/// [`Error::BadInput`] for a subject, name or hash that is none; those of `sign`.
pub fn certificate_request<'a>(
    profile: impl Into<Profile<'a>>,
    public: &PublicKey,
    hash: HashAlgorithm,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    let signer = Signer::new(public, hash)?;
    let profile = profile.into();
    let mut builder = RequestBuilder::new(profile.subject.distinguished_name()?).map_err(unmade)?;
    builder.add_extension(&profile.usage(is_rsa(public))?).map_err(unwritten)?;
    if profile.authority {
        builder.add_extension(&constraints(true)).map_err(unwritten)?;
    }
    if let Some(usage) = profile.extended_usage() {
        builder.add_extension(&usage).map_err(unwritten)?;
    }
    if let Some(names) = profile.subject.alternatives()? {
        builder.add_extension(&names).map_err(unwritten)?;
    }
    let body = builder.finalize(&signer).map_err(unmade)?;
    let signature = signer.sign(&body, sign)?;
    builder.assemble(signature, &signer).map_err(unmade)?.to_der().map_err(unwritten)
}

/// A self-signed certificate (DER) for a key, valid from now for `days`. `sign` as for
/// [`certificate_request`].
///
/// # Errors
/// [`Error::BadInput`] for a subject, name, hash or time that is none; those of `sign`.
pub fn self_signed<'a>(
    profile: impl Into<Profile<'a>>,
    days: u32,
    public: &PublicKey,
    hash: HashAlgorithm,
    sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    if days == 0 || days > LONGEST_VALIDITY_DAYS {
        return Err(Error::BadInput {
            what: format!("a certificate lasts 1 to {LONGEST_VALIDITY_DAYS} days"),
        });
    }
    let signer = Signer::new(public, hash)?;
    let wanted = profile.into();
    let profile = SelfSigned {
        name: wanted.subject.distinguished_name()?,
        usage: wanted.usage(is_rsa(public))?,
        authority: wanted.authority,
    };
    let validity = Validity::from_now(Duration::from_secs(u64::from(days) * 86_400)).map_err(unwritten)?;
    let spki = signer.spki().map_err(unwritten)?;
    let mut builder = CertificateBuilder::new(profile, serial_number()?, validity, spki).map_err(unmade)?;
    if let Some(usage) = wanted.extended_usage() {
        builder.add_extension(&usage).map_err(unwritten)?;
    }
    if let Some(names) = wanted.subject.alternatives()? {
        builder.add_extension(&names).map_err(unwritten)?;
    }
    let body = builder.finalize(&signer).map_err(unmade)?;
    let signature = signer.sign(&body, sign)?;
    builder.assemble(signature, &signer).map_err(unmade)?.to_der().map_err(unwritten)
}

/// A random positive number of fixed length.
fn serial_number() -> Result<SerialNumber, Error> {
    let mut bytes = [0; SERIAL_LEN];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::BadInput { what: format!("the system gives no random numbers: {error}") })?;
    // Not zero, and not negative, which would cost a byte more.
    bytes[0] = bytes[0] & 0x7F | 0x40;
    SerialNumber::new(&bytes).map_err(unwritten)
}

fn is_rsa(public: &PublicKey) -> bool {
    matches!(public, PublicKey::Rsa(_))
}

/// Whether the holder certifies others; how far below it is not limited.
const fn constraints(authority: bool) -> BasicConstraints {
    BasicConstraints { ca: authority, path_len_constraint: None }
}

fn unmade(error: x509_cert::builder::Error) -> Error {
    Error::BadInput { what: format!("the certificate cannot be made: {error}") }
}

fn unwritten(error: der::Error) -> Error {
    Error::BadInput { what: format!("the certificate cannot be written: {error}") }
}

/// The extensions of a self-signed certificate.
struct SelfSigned {
    name: Name,
    usage: KeyUsage,
    authority: bool,
}

impl BuilderProfile for SelfSigned {
    fn get_issuer(&self, subject: &Name) -> Name {
        subject.clone()
    }

    fn get_subject(&self) -> Name {
        self.name.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        tbs: &TbsCertificate,
    ) -> x509_cert::builder::Result<Vec<Extension>> {
        let subject = tbs.subject();
        let constraints = constraints(self.authority);
        let identifier = SubjectKeyIdentifier::try_from(key)?;
        Ok(vec![
            (&constraints).to_extension(subject, &[])?,
            (&self.usage).to_extension(subject, &[])?,
            (&identifier).to_extension(subject, &[])?,
        ])
    }
}

/// A key that signs elsewhere, as the builder wants to see it.
#[derive(Clone)]
struct Signer {
    key: VerifyingKey,
    hash: HashAlgorithm,
    algorithm: ObjectIdentifier,
}

/// The public half.
#[derive(Clone)]
struct VerifyingKey {
    spki: Vec<u8>,
    is_rsa: bool,
}

impl Signer {
    fn new(public: &PublicKey, hash: HashAlgorithm) -> Result<Self, Error> {
        let is_rsa = is_rsa(public);
        // RFC 8017, appendix C, and RFC 5758, section 3.2.
        let algorithm = match (is_rsa, hash) {
            (true, HashAlgorithm::Sha256) => "1.2.840.113549.1.1.11",
            (true, HashAlgorithm::Sha384) => "1.2.840.113549.1.1.12",
            (true, HashAlgorithm::Sha512) => "1.2.840.113549.1.1.13",
            (false, HashAlgorithm::Sha256) => "1.2.840.10045.4.3.2",
            (false, HashAlgorithm::Sha384) => "1.2.840.10045.4.3.3",
            (false, HashAlgorithm::Sha512) => "1.2.840.10045.4.3.4",
            (_, hash) => {
                let what =
                    format!("certificates are signed with SHA-256, SHA-384 or SHA-512, not with {hash}");
                return Err(Error::BadInput { what });
            }
        };
        let algorithm = ObjectIdentifier::new(algorithm)
            .map_err(|error| Error::BadInput { what: format!("the signature's algorithm: {error}") })?;
        Ok(Self { key: VerifyingKey { spki: public.to_spki_der(), is_rsa }, hash, algorithm })
    }

    fn spki(&self) -> der::Result<SubjectPublicKeyInfoOwned> {
        use der::Decode as _;
        SubjectPublicKeyInfoOwned::from_der(&self.key.spki)
    }

    /// Has the body's hash signed elsewhere.
    fn sign(
        &self,
        body: &[u8],
        sign: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
    ) -> Result<BitString, Error> {
        let digest = self.hash.digest(body);
        let digest =
            digest.ok_or_else(|| Error::BadInput { what: format!("{} is not computed here", self.hash) })?;
        let signature = sign(&digest)?;
        let signature = if self.key.is_rsa { signature } else { ecdsa_to_der(&signature)? };
        BitString::from_bytes(&signature).map_err(unwritten)
    }
}

impl Keypair for Signer {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.key.clone()
    }
}

impl EncodePublicKey for VerifyingKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Document::try_from(self.spki.as_slice()).map_err(Into::into)
    }
}

impl DynSignatureAlgorithmIdentifier for Signer {
    fn signature_algorithm_identifier(&self) -> spki::Result<AlgorithmIdentifierOwned> {
        // RSA has a NULL for parameters, ECDSA none (RFC 4055, section 5, RFC 5758, section 3.2).
        let parameters = if self.key.is_rsa { Some(Any::encode_from(&Null)?) } else { None };
        Ok(AlgorithmIdentifierOwned { oid: self.algorithm, parameters })
    }
}
