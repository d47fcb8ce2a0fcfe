//! Keys in files, as other programs write and read them: PEM and DER; PKCS#8, PKCS#1, SEC1, and
//! SubjectPublicKeyInfo or a certificate for public keys.

use cardmod_host::x509;
use cardmod_iso7816::tlv::{Reader, Tag, single};
use cardmod_types::{PrivateKey, PublicKey, SecretBytes};
use der::pem;
use zeroize::Zeroizing;

use crate::failure::Failure;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// What an encrypted PKCS#1 or SEC1 key says of itself (RFC 1421, 4.6.1.1).
const ENCRYPTED: &[u8] = b"Proc-Type: 4,ENCRYPTED";

/// One PEM block.
struct Block {
    label: String,
    der: Zeroizing<Vec<u8>>,
}

/// Reads a private key, whatever of the known forms it has.
pub(crate) fn private_key(bytes: &[u8]) -> Result<PrivateKey, Failure> {
    let broken = |error: &dyn std::fmt::Display| {
        Failure::failed("bad-key", format!("the private key cannot be read: {error}"))
            .hint("PKCS#8, PKCS#1 (RSA) and SEC1 (EC) keys are read, PEM or DER, not encrypted")
    };
    if !is_pem(bytes) {
        return PrivateKey::from_pkcs8_der(bytes)
            .or_else(|_| PrivateKey::from_pkcs1_der(bytes))
            .or_else(|_| PrivateKey::from_sec1_der(bytes))
            .map_err(|_| broken(&"it is neither PEM nor DER of a known form"));
    }
    if find(bytes, ENCRYPTED).is_some() {
        return Err(encrypted());
    }
    for block in blocks(bytes)? {
        let key = match block.label.as_str() {
            "PRIVATE KEY" => PrivateKey::from_pkcs8_der(&block.der),
            "RSA PRIVATE KEY" => PrivateKey::from_pkcs1_der(&block.der),
            "EC PRIVATE KEY" => PrivateKey::from_sec1_der(&block.der),
            "ENCRYPTED PRIVATE KEY" => return Err(encrypted()),
            // Parameters, certificates and the like may stand beside the key.
            _ => continue,
        };
        return key.map_err(|error| broken(&error));
    }
    Err(broken(&"there is no private key in it"))
}

/// The private key of a curve the module interface has no name for.
pub(crate) enum Key25519 {
    /// RFC 8032.
    Ed25519(SecretBytes),
    /// RFC 7748.
    X25519(SecretBytes),
}

/// Reads a private key of Curve25519 (PKCS#8, RFC 8410 section 7, PEM or DER); `None` for any other file.
pub(crate) fn curve_25519(bytes: &[u8]) -> Result<Option<Key25519>, Failure> {
    if !is_pem(bytes) {
        return Ok(curve_25519_of(bytes));
    }
    let blocks = blocks(bytes)?;
    let block = blocks.iter().find(|block| block.label == "PRIVATE KEY");
    Ok(block.and_then(|block| curve_25519_of(&block.der)))
}

fn curve_25519_of(der: &[u8]) -> Option<Key25519> {
    /// `id-X25519` and `id-Ed25519` (RFC 8410, section 3).
    const X25519: [u8; 3] = [0x2B, 0x65, 0x6E];
    const ED25519: [u8; 3] = [0x2B, 0x65, 0x70];
    const KEY_LEN: usize = 32;
    let value = |bytes, tag| single(bytes).ok().filter(|tlv| tlv.tag == Tag::new(tag)).map(|tlv| tlv.value);
    let whole = value(der, 0x30)?;
    let find = |tag| Reader::new(whole).find(Tag::new(tag)).ok()?;
    let oid = value(find(0x30)?, 0x06)?;
    let key = value(find(0x04)?, 0x04).filter(|key| key.len() == KEY_LEN)?;
    match oid.try_into().ok()? {
        ED25519 => Some(Key25519::Ed25519(SecretBytes::new(key.to_vec()))),
        X25519 => Some(Key25519::X25519(SecretBytes::new(key.to_vec()))),
        _ => None,
    }
}

fn encrypted() -> Failure {
    Failure::failed("bad-key", "the private key is encrypted")
        .hint("openssl pkey -in KEY -out PLAIN decrypts it; delete PLAIN afterwards")
}

/// Reads a public key: a `PUBLIC KEY`, or the key of a certificate.
pub(crate) fn public_key(bytes: &[u8]) -> Result<PublicKey, Failure> {
    let broken = |error: &dyn std::fmt::Display| {
        Failure::failed("bad-key", format!("the public key cannot be read: {error}"))
            .hint("a SubjectPublicKeyInfo (openssl pkey -pubout) or a certificate is read, PEM or DER")
    };
    if !is_pem(bytes) {
        return PublicKey::from_spki_der(bytes)
            .or_else(|_| x509::summary(bytes).map(|summary| summary.public))
            .map_err(|_| broken(&"it is neither PEM nor DER of a known form"));
    }
    for block in blocks(bytes)? {
        return match block.label.as_str() {
            "PUBLIC KEY" => PublicKey::from_spki_der(&block.der).map_err(|error| broken(&error)),
            "CERTIFICATE" => {
                x509::summary(&block.der).map(|summary| summary.public).map_err(|error| broken(&error))
            }
            _ => continue,
        };
    }
    Err(broken(&"there is no public key in it"))
}

/// A public key as other programs take it (SubjectPublicKeyInfo, RFC 5280).
pub(crate) fn public_pem(key: &PublicKey) -> Result<String, Failure> {
    Ok(x509::to_pem("PUBLIC KEY", &key.to_spki_der())?)
}

fn is_pem(bytes: &[u8]) -> bool {
    find(bytes, BEGIN).is_some()
}

/// Every PEM block of a file, whatever text stands around them.
fn blocks(bytes: &[u8]) -> Result<Vec<Block>, Failure> {
    let broken = |why: &str| Failure::failed("bad-pem", format!("the PEM text is broken: {why}"));
    let mut rest = bytes;
    let mut blocks = Vec::new();
    while let Some(start) = find(rest, BEGIN) {
        let end = find(&rest[start..], END).map(|at| start + at + END.len());
        let end = end.ok_or_else(|| broken("a block has no end line"))?;
        let dashes = find(&rest[end..], DASHES).ok_or_else(|| broken("an end line is not closed"))?;
        let stop = end + dashes + DASHES.len();
        let (label, der) = pem::decode_vec(&rest[start..stop]).map_err(|error| broken(&error.to_string()))?;
        blocks.push(Block { label: label.to_owned(), der: Zeroizing::new(der) });
        rest = &rest[stop..];
    }
    Ok(blocks)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator of P-256 as a public key, as openssl writes it.
    const P256: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt
6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==
-----END PUBLIC KEY-----
";

    #[test]
    fn blocks_are_found_whatever_stands_around_them() {
        let text = format!("Bag attributes\n{P256}some words\n{P256}the end");
        let found = blocks(text.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].label, "PUBLIC KEY");
        assert_eq!(found[0].der, found[1].der);
    }

    #[test]
    fn broken_pem_is_said_to_be_that() {
        for text in ["-----BEGIN PUBLIC KEY-----\nAAAA", "-----BEGIN X-----\nAAAA\n-----END X"] {
            let failure = blocks(text.as_bytes()).err().unwrap();
            assert!(failure.message.starts_with("the PEM text is broken"), "{}", failure.message);
        }
    }

    #[test]
    fn a_public_key_is_read_in_both_forms() {
        let from_pem = public_key(P256.as_bytes()).unwrap();
        let from_der = public_key(&blocks(P256.as_bytes()).unwrap()[0].der).unwrap();
        assert!(from_pem == from_der);
        assert_eq!(from_pem.bits(), 256);
        assert!(public_key(b"junk").is_err());
    }

    #[test]
    fn an_encrypted_key_is_said_to_be_that() {
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                   DEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        let new = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        for key in [old, new] {
            assert_eq!(private_key(key.as_bytes()).err().unwrap().message, "the private key is encrypted");
        }
    }

    #[test]
    fn keys_of_curve25519_are_told_from_others() {
        // RFC 8410, section 10.3: the same key without and with attributes and public key.
        let plain = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC
-----END PRIVATE KEY-----
";
        let der = &blocks(plain.as_bytes()).unwrap()[0].der;
        for file in [plain.as_bytes(), der] {
            let Some(Key25519::Ed25519(key)) = curve_25519(file).unwrap() else { panic!("no Ed25519 key") };
            assert_eq!(key.as_bytes()[..4], [0xD4, 0xEE, 0x72, 0xDB]);
        }
        let mut agreement = der.to_vec();
        agreement[11] = 0x6E;
        assert!(matches!(curve_25519(&agreement).unwrap(), Some(Key25519::X25519(_))));
        agreement[11] = 0x71;
        for other in [&agreement[..], &der[..47], P256.as_bytes(), b"junk"] {
            assert!(curve_25519(other).unwrap().is_none());
        }
    }

    #[test]
    fn what_is_no_private_key_is_refused_with_advice() {
        for junk in [&b"junk"[..], P256.as_bytes(), &[0x30, 0x03, 0x02, 0x01]] {
            let failure = private_key(junk).err().unwrap();
            assert_eq!(failure.code, "bad-key");
            assert!(failure.hint.is_some());
        }
    }
}
