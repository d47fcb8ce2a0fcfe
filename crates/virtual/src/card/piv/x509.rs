//! The few X.509 structures an attestation is made of (RFC 5280), written and read as data objects: with
//! lengths in the shortest form BER and DER are the same.

use cardmod_crypto::{CryptoError, PrivateKey};
use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};
use cardmod_types::HashAlgorithm;
use cardmod_types::padding::{digest_info, pkcs1_sign_block};
use sha2::{Digest as _, Sha256, Sha384};

use crate::model::piv::key::Algorithm;

const INTEGER: Tag = Tag::new(0x02);
const BIT_STRING: Tag = Tag::new(0x03);
const OCTET_STRING: Tag = Tag::new(0x04);
const IDENTIFIER: Tag = Tag::new(0x06);
const UTF8_STRING: Tag = Tag::new(0x0C);
const SEQUENCE: Tag = Tag::new(0x30);
const SET: Tag = Tag::new(0x31);
const VERSION: Tag = Tag::new(0xA0);
const EXTENSIONS: Tag = Tag::new(0xA3);

/// Years of no interest: a virtual card has no clock (RFC 5280, 4.1.2.5, for the end).
pub(super) const VALIDITY: &[u8] = b"\x30\x20\x17\x0D200101000000Z\x18\x0F99991231235959Z";

/// What is certified.
pub(super) struct Subject<'a> {
    /// 16 bytes.
    pub(super) serial: &'a [u8],
    /// Name and validity as they are encoded.
    pub(super) issuer: &'a [u8],
    pub(super) validity: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) algorithm: Algorithm,
    /// The fields of the public key template 7F49.
    pub(super) public: &'a [u8],
    /// Encoded extensions, one after the other.
    pub(super) extensions: &'a [u8],
}

/// Subject name and validity of a certificate, as they are encoded.
pub(super) struct Issuer<'a> {
    pub(super) name: &'a [u8],
    pub(super) validity: &'a [u8],
}

/// Reads the issuer's certificate.
pub(super) fn issuer(certificate: &[u8]) -> Option<Issuer<'_>> {
    let certificate = single(certificate).ok().filter(|object| object.tag == SEQUENCE)?;
    let signed = certificate.children().read().ok().flatten().filter(|object| object.tag == SEQUENCE)?;
    let mut fields = signed.children();
    let mut next = || fields.read().ok().flatten();
    // Version 1 certificates have no version field.
    let first = next()?;
    if first.tag == VERSION {
        next()?;
    }
    let (_signature, _issuer, validity, name) = (next()?, next()?, next()?, next()?);
    let sound = validity.tag == SEQUENCE && name.tag == SEQUENCE;
    sound.then_some(Issuer { name: name.raw, validity: validity.raw })
}

/// The certificate, signed. `None` if the signer's key cannot sign or the public key is none.
pub(super) fn certificate(
    subject: &Subject<'_>,
    signer: &PrivateKey,
    signer_algorithm: Algorithm,
) -> Result<Option<Vec<u8>>, CryptoError> {
    let Some(identifier) = signature_algorithm(signer_algorithm) else { return Ok(None) };
    let Some(key_info) = public_key_info(subject.algorithm, subject.public) else { return Ok(None) };
    let signed = Writer::new().template(SEQUENCE, |fields| {
        fields
            .template(VERSION, |version| version.object(INTEGER, &[2]))
            .object(INTEGER, &unsigned(subject.serial))
            .encoded(&identifier)
            .encoded(subject.issuer)
            .encoded(subject.validity)
            .encoded(subject.name)
            .encoded(&key_info)
            .template(EXTENSIONS, |wrapped| {
                wrapped.template(SEQUENCE, |list| list.encoded(subject.extensions))
            })
    });
    let signed = signed.finish();
    let signature = sign(signer, signer_algorithm, &signed)?;
    let whole = Writer::new().template(SEQUENCE, |fields| {
        fields.encoded(&signed).encoded(&identifier).object(BIT_STRING, &bits(&signature))
    });
    Ok(Some(whole.finish().to_vec()))
}

/// A name of one common name.
pub(super) fn common_name(text: &str) -> Vec<u8> {
    let attribute =
        |fields: Writer| fields.object(IDENTIFIER, &[0x55, 0x04, 0x03]).object(UTF8_STRING, text.as_bytes());
    let name =
        Writer::new().template(SEQUENCE, |name| name.template(SET, |set| set.template(SEQUENCE, attribute)));
    name.finish().to_vec()
}

/// One extension.
pub(super) fn extension(identifier: &[u8], critical: bool, value: &[u8]) -> Vec<u8> {
    let extension = Writer::new().template(SEQUENCE, |fields| {
        let fields = fields.object(IDENTIFIER, identifier);
        let fields = if critical { fields.object(Tag::new(0x01), &[0xFF]) } else { fields };
        fields.object(OCTET_STRING, value)
    });
    extension.finish().to_vec()
}

/// A number as the value of an INTEGER: not negative, shortest form.
pub(super) fn unsigned(number: &[u8]) -> Vec<u8> {
    let digits = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    match digits.first() {
        None => vec![0],
        Some(first) if first & 0x80 != 0 => [&[0], digits].concat(),
        Some(_) => digits.to_vec(),
    }
}

fn bits(bytes: &[u8]) -> Vec<u8> {
    [&[0], bytes].concat()
}

/// SubjectPublicKeyInfo of the fields of a template 7F49 (RFC 3279, 5480, 8410).
fn public_key_info(algorithm: Algorithm, fields: &[u8]) -> Option<Vec<u8>> {
    const RSA: [u8; 9] = [0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
    const EC: [u8; 7] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
    const P256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07];
    const P384: [u8; 5] = [0x2B, 0x81, 0x04, 0x00, 0x22];
    let field = |tag| Reader::new(fields).find(Tag::new(tag)).ok().flatten();
    let identifiers = |list: &[&[u8]]| {
        let writer = list.iter().fold(Writer::new(), |writer, entry| writer.object(IDENTIFIER, entry));
        writer.finish()
    };
    let (algorithm, key) = match algorithm {
        Algorithm::P256 => (identifiers(&[&EC, &P256]), field(0x86)?.to_vec()),
        Algorithm::P384 => (identifiers(&[&EC, &P384]), field(0x86)?.to_vec()),
        Algorithm::Ed25519 => (identifiers(&[&[0x2B, 0x65, 0x70]]), field(0x86)?.to_vec()),
        Algorithm::X25519 => (identifiers(&[&[0x2B, 0x65, 0x6E]]), field(0x86)?.to_vec()),
        _ => {
            let (modulus, exponent) = (field(0x81)?, field(0x82)?);
            let numbers = Writer::new().template(SEQUENCE, |numbers| {
                numbers.object(INTEGER, &unsigned(modulus)).object(INTEGER, &unsigned(exponent))
            });
            let algorithm = Writer::new().object(IDENTIFIER, &RSA).object(Tag::new(0x05), &[]);
            (algorithm.finish(), numbers.finish().to_vec())
        }
    };
    let info = Writer::new()
        .template(SEQUENCE, |info| info.object(SEQUENCE, &algorithm).object(BIT_STRING, &bits(&key)));
    Some(info.finish().to_vec())
}

/// AlgorithmIdentifier of the signatures such a key makes here.
fn signature_algorithm(signer: Algorithm) -> Option<Vec<u8>> {
    let (identifier, parameters): (&[u8], &[u8]) = match signer {
        Algorithm::P256 => (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02], &[]),
        Algorithm::P384 => (&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03], &[]),
        Algorithm::Ed25519 => (&[0x2B, 0x65, 0x70], &[]),
        Algorithm::X25519 => return None,
        _ => (&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B], &[0x05, 0x00]),
    };
    let algorithm =
        Writer::new().template(SEQUENCE, |fields| fields.object(IDENTIFIER, identifier).encoded(parameters));
    Some(algorithm.finish().to_vec())
}

fn sign(key: &PrivateKey, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, CryptoError> {
    match algorithm {
        Algorithm::P256 => key.ecdsa_sign(&Sha256::digest(message)),
        Algorithm::P384 => key.ecdsa_sign(&Sha384::digest(message)),
        Algorithm::Ed25519 => key.eddsa_sign(message).map(|signature| signature.to_vec()),
        _ => {
            let info = digest_info(HashAlgorithm::Sha256, &Sha256::digest(message));
            let block = info.and_then(|info| pkcs1_sign_block(&info, key.kind().block_len()));
            key.rsa_raw(&block.map_err(|_| CryptoError::BadInput)?).map(|signature| signature.to_vec())
        }
    }
}
