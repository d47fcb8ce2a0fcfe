//! PKCS #12 files (`.p12`, `.pfx`; RFC 7292): a private key with its certificates behind a password, as
//! Windows, openssl, NSS and Java write them.
//!
//! What is read: integrity by a MAC over SHA-1 or SHA-2, encryption by PBES2 (AES, triple DES; PBKDF2,
//! scrypt) and by the old schemes with SHA-1 (triple DES, RC2), BER as well as DER. What is not: RC4,
//! PBMAC1 (RFC 9579), integrity and privacy by public keys.

mod decrypt;
mod derive;
mod structures;

use cardmod_types::{KeyError, PrivateKey, PublicKey};
use der::asn1::{BmpString, ObjectIdentifier, OctetString, OctetStringRef};
use der::{Decode as _, Encode as _};
use zeroize::Zeroizing;

use super::{ber, chain, summary};
use crate::error::Error;
use decrypt::Password;
use structures::{Bag, CertificateBag, ContentInfo, EncryptedData, Pfx, ShroudedKey};

/// `id-data` and `id-encryptedData` (RFC 5652).
const DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.1");
const ENCRYPTED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.6");
/// The only version there is.
const VERSION: u8 = 3;
/// The kinds of bags (RFC 7292, appendix D): a key in the clear, an encrypted one, a certificate, bags in a
/// bag.
const KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.1");
const SHROUDED_KEY_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.2");
const CERTIFICATE_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.3");
const SAFE_CONTENTS_BAG: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.10.1.6");
/// An X.509 certificate in a certificate's bag (RFC 2985).
const X509_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.22.1");
/// The attribute `friendlyName` (RFC 2985).
const FRIENDLY_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.20");
/// The attribute `localKeyId` (RFC 2985), which a key shares with its certificate.
const LOCAL_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.21");
/// The depth to which bags may be in bags.
const DEEPEST: usize = 8;

/// What a PKCS #12 file holds.
#[derive(Default)]
#[non_exhaustive]
pub struct Pkcs12 {
    /// The private keys, in the file's order.
    pub keys: Vec<Pkcs12Key>,
    /// The certificates (DER), in the file's order.
    pub certificates: Vec<Vec<u8>>,
}

/// A private key of a PKCS #12 file.
#[non_exhaustive]
pub struct Pkcs12Key {
    /// The key.
    pub key: PrivateKey,
    /// The name its maker gave it (`friendlyName`).
    pub name: Option<String>,
}

impl Pkcs12 {
    /// The certificate of a key, and the certificates of the file above it; empty where there is none.
    ///
    /// # Errors
    /// [`Error::BadCertificate`].
    pub fn chain_of(&self, key: &Pkcs12Key) -> Result<Vec<Vec<u8>>, Error> {
        let public = key.key.public();
        let own = |der: &&Vec<u8>| summary(der).is_ok_and(|summary| summary.public == public);
        match self.certificates.iter().find(own) {
            Some(leaf) => chain(leaf, &self.certificates),
            None => Ok(Vec::new()),
        }
    }
}

impl core::fmt::Debug for Pkcs12 {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Pkcs12 {{ keys: {}, certificates: {} }}", self.keys.len(), self.certificates.len())
    }
}

/// The file looks like PKCS #12: a sequence that begins with version 3.
#[must_use]
pub fn is_pkcs12(file: &[u8]) -> bool {
    ber::definite(file).is_some_and(|der| Pfx::from_der(&der).is_ok_and(|pfx| pfx.version == VERSION))
}

/// Reads a PKCS #12 file. A file without a password is read with an empty one.
///
/// # Errors
/// [`Error::WrongFilePassword`]; [`Error::BadKeyFile`] for what is no PKCS #12 file, or one protected in
/// a way that is not known here, which is named.
pub fn read_pkcs12(file: &[u8], password: &str) -> Result<Pkcs12, Error> {
    let der = ber::definite(file).ok_or_else(|| bad("it is no ASN.1"))?;
    let pfx = Pfx::from_der(&der).map_err(broken)?;
    if pfx.version != VERSION {
        return Err(bad("it is of a version not known here"));
    }
    if pfx.auth_safe.kind != DATA {
        return Err(bad("its integrity is protected by a public key, not by a password"));
    }
    let content: &OctetStringRef = pfx.auth_safe.content.decode_as().map_err(broken)?;
    // An empty password and none at all are two things in old files, and nobody can tell which it was.
    let mut candidates = vec![Password::new(password)];
    if password.is_empty() {
        candidates.push(Password::none());
    }
    let mut found = Err(wrong("no password fits"));
    for password in &candidates {
        found = match &pfx.mac {
            Some(mac) => decrypt::check_mac(mac, password, content.as_bytes()),
            None => Ok(()),
        }
        .and_then(|()| authenticated_safe(content.as_bytes(), password));
        if !matches!(found, Err(Error::WrongFilePassword { .. })) {
            break;
        }
    }
    found
}

/// What was found so far.
#[derive(Default)]
struct Found {
    keys: Vec<FoundKey>,
    /// The certificates, each with its bag's `localKeyId`.
    certificates: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A private key (PKCS #8) with its bag's attributes.
struct FoundKey {
    pkcs8: Zeroizing<Vec<u8>>,
    name: Option<String>,
    local_id: Option<Vec<u8>>,
}

impl Found {
    fn finish(self) -> Result<Pkcs12, Error> {
        let keys: Result<Vec<_>, Error> = self.keys.iter().map(|key| self.key(key)).collect();
        Ok(Pkcs12 { keys: keys?, certificates: self.certificates.into_iter().map(|(der, _)| der).collect() })
    }

    /// The key; one without its public point gets that of the certificate its bag belongs to.
    fn key(&self, found: &FoundKey) -> Result<Pkcs12Key, Error> {
        let unusable = |error| bad(&format!("its private key is of no kind that cards have: {error}"));
        let key = match PrivateKey::from_pkcs8_der(&found.pkcs8) {
            Err(KeyError::NoPublicPoint) => {
                let mut certificates = self.certificates.iter().filter(|(_, id)| *id == found.local_id);
                let public = certificates.find_map(|(der, _)| summary(der).ok());
                match public.map(|summary| summary.public) {
                    Some(PublicKey::Ec(point)) => PrivateKey::from_pkcs8_with_point(&found.pkcs8, &point),
                    _ => Err(KeyError::NoPublicPoint),
                }
            }
            key => key,
        };
        Ok(Pkcs12Key { key: key.map_err(unusable)?, name: found.name.clone() })
    }
}

/// Everything in the `AuthenticatedSafe` (RFC 7292, section 4.1).
fn authenticated_safe(content: &[u8], password: &Password) -> Result<Pkcs12, Error> {
    let der = ber::definite(content).ok_or_else(|| bad("it is no ASN.1"))?;
    let safes = Vec::<ContentInfo<'_>>::from_der(&der).map_err(broken)?;
    let mut found = Found::default();
    for safe in safes {
        let contents = match safe.kind {
            DATA => {
                let data: &OctetStringRef = safe.content.decode_as().map_err(broken)?;
                Zeroizing::new(data.as_bytes().to_vec())
            }
            ENCRYPTED_DATA => {
                let data: EncryptedData<'_> = safe.content.decode_as().map_err(broken)?;
                let Some(ciphertext) = data.content.content else { continue };
                decrypt::decrypt(&data.content.algorithm, ciphertext.as_bytes(), password)?
            }
            other => return Err(bad(&format!("it is encrypted in a way not known here (content {other})"))),
        };
        safe_contents(&contents, password, &mut found, 0)?;
    }
    found.finish()
}

fn safe_contents(contents: &[u8], password: &Password, found: &mut Found, depth: usize) -> Result<(), Error> {
    if depth > DEEPEST {
        return Err(bad("its bags are nested too deep"));
    }
    let der = ber::definite(contents).ok_or_else(|| bad("what is in it is no ASN.1"))?;
    for bag in Vec::<Bag<'_>>::from_der(&der).map_err(broken)? {
        let value = Zeroizing::new(bag.value.to_der().map_err(broken)?);
        match bag.kind {
            KEY_BAG => found.keys.push(FoundKey::new(value, &bag)),
            SHROUDED_KEY_BAG => {
                let shrouded = ShroudedKey::from_der(&value).map_err(broken)?;
                let ciphertext = shrouded.ciphertext.as_bytes();
                let plain = decrypt::decrypt(&shrouded.algorithm, ciphertext, password)?;
                found.keys.push(FoundKey::new(plain, &bag));
            }
            CERTIFICATE_BAG => {
                let certificate = CertificateBag::from_der(&value).map_err(broken)?;
                // Another kind of certificate is nothing a card could use.
                if certificate.kind == X509_CERTIFICATE {
                    found.certificates.push((certificate.value.as_bytes().to_vec(), local_key_id(&bag)));
                }
            }
            SAFE_CONTENTS_BAG => safe_contents(&value, password, found, depth + 1)?,
            // Revocation lists and other secrets.
            _ => {}
        }
    }
    Ok(())
}

impl FoundKey {
    fn new(pkcs8: Zeroizing<Vec<u8>>, bag: &Bag<'_>) -> Self {
        Self { pkcs8, name: friendly_name(bag), local_id: local_key_id(bag) }
    }
}

fn friendly_name(bag: &Bag<'_>) -> Option<String> {
    let value = attribute(bag, FRIENDLY_NAME)?;
    let name = BmpString::from_der(&value).ok()?.to_string();
    (!name.is_empty()).then_some(name)
}

fn local_key_id(bag: &Bag<'_>) -> Option<Vec<u8>> {
    let value = attribute(bag, LOCAL_KEY_ID)?;
    OctetString::from_der(&value).ok().map(|id| id.as_bytes().to_vec())
}

/// The first value of an attribute, in DER.
fn attribute(bag: &Bag<'_>, kind: ObjectIdentifier) -> Option<Vec<u8>> {
    let attribute = bag.attributes.as_ref()?.iter().find(|attribute| attribute.kind == kind)?;
    attribute.values.iter().next()?.to_der().ok()
}

fn broken(error: der::Error) -> Error {
    bad(&error.to_string())
}

fn bad(reason: &str) -> Error {
    Error::BadKeyFile { reason: reason.to_owned() }
}

fn wrong(reason: &str) -> Error {
    Error::WrongFilePassword { reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_pkcs12_file_is_refused() {
        for file in [&b""[..], b"words", &[0x30, 0x03, 0x02, 0x01, 0x03], &[0x30, 0x80, 0x00, 0x00]] {
            assert!(!is_pkcs12(file));
            let refused = read_pkcs12(file, "secret").expect_err("no file");
            assert!(matches!(refused, Error::BadKeyFile { .. }), "{refused}");
        }
    }
}
