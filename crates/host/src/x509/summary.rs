//! What a certificate says, for people, and whether it is for a key.

use cardmod_types::PublicKey;
use der::{Decode as _, Encode as _};
use x509_cert::Certificate;

use crate::error::Error;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The subject, in RFC 4514's form.
    pub subject: String,
    /// The issuer, in RFC 4514's form.
    pub issuer: String,
    /// The serial number, in lower-case hexadecimal.
    pub serial: String,
    /// The first moment it is valid, in RFC 3339's form.
    pub not_before: String,
    /// The last moment it is valid, in RFC 3339's form.
    pub not_after: String,
    /// The key it is for.
    pub public: PublicKey,
}

/// Reads a certificate (DER).
///
/// # Errors
/// [`Error::BadCertificate`] for broken DER, data behind it, or a kind of key no card has.
pub fn summary(der: &[u8]) -> Result<Summary, Error> {
    let bad = |reason: String| Error::BadCertificate { reason };
    let certificate = Certificate::from_der(der).map_err(|error| bad(error.to_string()))?;
    let certificate = certificate.tbs_certificate();
    let spki = certificate.subject_public_key_info().to_der().map_err(|error| bad(error.to_string()))?;
    let public =
        PublicKey::from_spki_der(&spki).map_err(|error| bad(format!("its key cannot be used: {error}")))?;
    let validity = certificate.validity();
    Ok(Summary {
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        serial: hex(certificate.serial_number().as_bytes()),
        not_before: validity.not_before.to_date_time().to_string(),
        not_after: validity.not_after.to_date_time().to_string(),
        public,
    })
}

/// The certificate of a file, as DER: PEM (the first one) or DER.
///
/// # Errors
/// [`Error::BadCertificate`] for what is neither.
pub fn parse(file: &[u8]) -> Result<Vec<u8>, Error> {
    const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";
    const END: &[u8] = b"-----END CERTIFICATE-----";
    let bad = |reason: String| Error::BadCertificate { reason };
    let find = |wanted: &[u8], from: usize| {
        file.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
    };
    let Some(begin) = find(BEGIN, 0) else {
        summary(file)?;
        return Ok(file.to_vec());
    };
    let end = find(END, begin).ok_or_else(|| bad("its PEM does not end".to_owned()))? + END.len();
    let pem = file.get(begin..end).unwrap_or_default();
    let (_, der) = der::pem::decode_vec(pem).map_err(|error| bad(format!("its PEM is broken: {error}")))?;
    summary(&der)?;
    Ok(der)
}

/// The certificate is for this key.
///
/// # Errors
/// [`Error::BadCertificate`].
pub fn matches(der: &[u8], public: &PublicKey) -> Result<bool, Error> {
    Ok(summary(der)?.public == *public)
}

/// DER as PEM, under a label such as `CERTIFICATE`, `CERTIFICATE REQUEST` or `PUBLIC KEY`.
///
/// # Errors
/// [`Error::BadInput`] for a label PEM does not have.
pub fn to_pem(label: &str, der: &[u8]) -> Result<String, Error> {
    der::pem::encode_string(label, der::pem::LineEnding::LF, der)
        .map_err(|error| Error::BadInput { what: format!("{label:?} cannot be written as PEM: {error}") })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
