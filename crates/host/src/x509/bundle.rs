//! Several certificates in one file: PEM texts, single DER ones, and PKCS #7 bags (`.p7b`), which is also
//! what cards keep their roots in.

use der::asn1::{Any, ObjectIdentifier, SetOfVec};
use der::{Decode as _, Encode as _, Sequence};

use super::ber;
use super::summary::summary;
use crate::error::Error;

/// `id-signedData` (RFC 5652, section 5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// `id-data` (RFC 5652, section 4).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");

/// `ContentInfo` (RFC 5652, section 3).
#[derive(Sequence)]
struct ContentInfo {
    kind: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    content: Any,
}

/// `SignedData` (RFC 5652, section 5.1). The certificates stay byte for byte what they were: old roots
/// break rules that a parser of today insists on.
#[derive(Sequence)]
struct SignedData {
    version: u8,
    digest_algorithms: SetOfVec<Any>,
    content: Any,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", optional = "true")]
    certificates: Option<SetOfVec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    revocation_lists: Option<SetOfVec<Any>>,
    signers: SetOfVec<Any>,
}

/// `EncapsulatedContentInfo` without content.
#[derive(Sequence)]
struct NoContent {
    kind: ObjectIdentifier,
}

/// The certificates of a file, each as DER, in the file's order: PEM (any number, with PKCS #7 blocks
/// among them), one DER certificate, or a PKCS #7 bag.
///
/// # Errors
/// [`Error::BadCertificate`] for a file without certificates, or with one that cannot be read.
pub fn parse_all(file: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let mut found = Vec::new();
    let mut rest = file;
    while let Some(begin) = find(rest, b"-----BEGIN ") {
        let block = &rest[begin..];
        let end = find(block, b"-----END ").ok_or_else(|| bad("its PEM does not end"))? + 9;
        let end = end + find(&block[end..], b"-----").ok_or_else(|| bad("its PEM does not end"))? + 5;
        let wanted = ["-----BEGIN CERTIFICATE-----", "-----BEGIN PKCS7-----", "-----BEGIN CMS-----"];
        if let Some(label) = wanted.iter().find(|label| block.starts_with(label.as_bytes())) {
            let (_, der) = der::pem::decode_vec(&block[..end])
                .map_err(|error| bad(&format!("its PEM is broken: {error}")))?;
            if label.contains("CERTIFICATE") { found.push(der) } else { found.extend(from_pkcs7(&der)?) }
        }
        rest = &block[end..];
    }
    if rest.len() == file.len() {
        found = match summary(file) {
            Ok(_) => vec![file.to_vec()],
            Err(error) => from_pkcs7(file).map_err(|_| error)?,
        };
    }
    if found.is_empty() {
        return Err(bad("there is no certificate in the file"));
    }
    for der in &found {
        x509_cert::Certificate::from_der(der).map_err(|error| bad(&error.to_string()))?;
    }
    Ok(found)
}

/// The certificates of a PKCS #7 bag (DER or BER), each as DER.
///
/// # Errors
/// [`Error::BadCertificate`] for what is none.
pub fn from_pkcs7(file: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    let broken = |error: der::Error| bad(&format!("it is no PKCS #7 bag: {error}"));
    // DER first, in which everything stays as it is.
    let outer = match ContentInfo::from_der(file) {
        Ok(outer) => outer,
        Err(_) => {
            let neither = || bad("it is neither a certificate nor a PKCS #7 bag");
            ContentInfo::from_der(&ber::definite(file).ok_or_else(neither)?).map_err(broken)?
        }
    };
    if outer.kind != SIGNED_DATA {
        return Err(bad("it is a PKCS #7 file of another kind, without certificates"));
    }
    let inner: SignedData = outer.content.decode_as().map_err(broken)?;
    let certificates = inner.certificates.unwrap_or_default();
    certificates.iter().map(|certificate| certificate.to_der().map_err(broken)).collect()
}

/// A PKCS #7 bag (DER) of these certificates, without content and without signers.
///
/// # Errors
/// [`Error::BadCertificate`] for one that is no DER. One that is there twice is taken once.
pub fn to_pkcs7(certificates: &[Vec<u8>]) -> Result<Vec<u8>, Error> {
    let broken = |error: der::Error| bad(&error.to_string());
    let mut set = SetOfVec::new();
    for (at, certificate) in certificates.iter().enumerate() {
        if !certificates[..at].contains(certificate) {
            set.insert(Any::from_der(certificate).map_err(broken)?).map_err(broken)?;
        }
    }
    let inner = SignedData {
        version: 1,
        digest_algorithms: SetOfVec::new(),
        content: Any::encode_from(&NoContent { kind: DATA }).map_err(broken)?,
        certificates: Some(set),
        revocation_lists: None,
        signers: SetOfVec::new(),
    };
    let outer = ContentInfo { kind: SIGNED_DATA, content: Any::encode_from(&inner).map_err(broken)? };
    outer.to_der().map_err(broken)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn bad(reason: &str) -> Error {
    Error::BadCertificate { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_no_certificate_is_refused() {
        for (file, reason) in [
            (&b""[..], "this is no certificate"),
            (b"words", "this is no certificate"),
            (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "there is no certificate"),
            (b"-----BEGIN CERTIFICATE-----\nAAAA", "its PEM does not end"),
            (b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n", "its PEM is broken"),
        ] {
            let refused = parse_all(file).expect_err("no certificates").to_string();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn an_empty_bag_comes_back() {
        let bag = to_pkcs7(&[]).expect("a bag");
        assert_eq!(from_pkcs7(&bag).expect("the bag"), Vec::<Vec<u8>>::new());
        assert!(from_pkcs7(&[0x30, 0x00]).is_err());
        // Whatever byte is broken, it is read or refused; what is cut short is refused.
        for at in 0..bag.len() {
            let mut broken = bag.clone();
            broken[at] ^= 0x81;
            assert!(from_pkcs7(&broken).is_ok_and(|found| found.is_empty()) || from_pkcs7(&broken).is_err());
            assert!(from_pkcs7(&bag[..at]).is_err());
        }
    }
}
