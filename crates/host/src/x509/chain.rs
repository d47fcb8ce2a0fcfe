//! Who certified whom: the way from a certificate to its root, found among others.

use cardmod_types::{HashAlgorithm, PublicKey, SignaturePadding};
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;

use super::ecdsa::ecdsa_from_der;
use crate::error::Error;
use crate::verify::verify_signature;

/// More certificates than any chain has.
const LONGEST: usize = 16;

/// A certificate's chain: the certificate itself, who certified it, and so on, as far as `others` have
/// them; a root ends it. Names lead, and where a signature can be checked here (RSA PKCS #1 v1.5 and
/// ECDSA) it must be right. Whether anybody trusts the root, and validity in time, is not looked at.
///
/// # Errors
/// [`Error::BadCertificate`] where `leaf` is none; others that cannot be read are passed over.
pub fn chain(leaf: &[u8], others: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, Error> {
    let read = |der: &[u8]| Certificate::from_der(der);
    let mut below = read(leaf).map_err(|error| Error::BadCertificate { reason: error.to_string() })?;
    let pool: Vec<_> = others.iter().filter_map(|der| Some((der, read(der).ok()?))).collect();
    let mut chain = vec![leaf.to_vec()];
    while chain.len() < LONGEST && !is_root(&below) {
        let issuer = pool.iter().find(|(der, above)| !chain.contains(der) && certified(&below, above));
        let Some((der, above)) = issuer else { break };
        chain.push((*der).clone());
        below = above.clone();
    }
    Ok(chain)
}

/// It names itself as its issuer.
fn is_root(certificate: &Certificate) -> bool {
    let body = certificate.tbs_certificate();
    body.issuer() == body.subject()
}

/// `below` names `above` as its issuer, and its signature does not contradict.
fn certified(below: &Certificate, above: &Certificate) -> bool {
    below.tbs_certificate().issuer() == above.tbs_certificate().subject()
        && signature_holds(below, above) != Some(false)
}

/// `None` where the signature cannot be checked here.
fn signature_holds(below: &Certificate, above: &Certificate) -> Option<bool> {
    // RFC 4055, section 5, and RFC 5758, section 3.2.
    let (rsa, hash) = match below.signature_algorithm().oid.to_string().as_str() {
        "1.2.840.113549.1.1.5" => (true, HashAlgorithm::Sha1),
        "1.2.840.113549.1.1.11" => (true, HashAlgorithm::Sha256),
        "1.2.840.113549.1.1.12" => (true, HashAlgorithm::Sha384),
        "1.2.840.113549.1.1.13" => (true, HashAlgorithm::Sha512),
        "1.2.840.10045.4.3.2" => (false, HashAlgorithm::Sha256),
        "1.2.840.10045.4.3.3" => (false, HashAlgorithm::Sha384),
        "1.2.840.10045.4.3.4" => (false, HashAlgorithm::Sha512),
        _ => return None,
    };
    let spki = above.tbs_certificate().subject_public_key_info().to_der().ok()?;
    let public = PublicKey::from_spki_der(&spki).ok()?;
    let digest = hash.digest(&below.tbs_certificate().to_der().ok()?)?;
    let signature = below.signature().as_bytes()?;
    let holds = match (&public, rsa) {
        (PublicKey::Rsa(_), true) => {
            verify_signature(&public, &SignaturePadding::Pkcs1 { hash: Some(hash) }, &digest, signature)
        }
        (PublicKey::Ec(key), false) => ecdsa_from_der(signature, key.curve())
            .and_then(|raw| verify_signature(&public, &SignaturePadding::None, &digest, &raw)),
        _ => return Some(false),
    };
    Some(holds.is_ok())
}
