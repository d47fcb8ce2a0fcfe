//! Certificate objects (SP 800-73 part 1, appendix A): a certificate, plain or compressed, and what to know
//! about it.

use std::io::Read;

use cardmod_iso7816::tlv::{Reader, Tag, Tlv};
use cardmod_types::certificate::{MAX_LEN, expand, is_compressed};
use const_oid::ObjectIdentifier;
use flate2::read::GzDecoder;

use super::fields::Fields;
use crate::{PivError, SlotKey};

/// Tag of the certificate.
const CERTIFICATE: u8 = 0x70;
/// Tag of CertInfo, which says whether it is compressed. The certificate's first bytes say it better.
const INFO: u8 = 0x71;
/// Tag of the MSCUID, which revision 5 dropped.
const MSCUID: u8 = 0x72;
/// Tag of the error detection code, which is always empty and often missing.
const CHECK: u8 = 0xFE;

/// How a gzip member begins (RFC 1952, section 2.3.1).
const GZIP: [u8; 2] = [0x1F, 0x8B];
/// Tag of a DER `SEQUENCE`.
const SEQUENCE: Tag = Tag::new(0x30);
/// Tag of a DER `INTEGER`.
const INTEGER: Tag = Tag::new(0x02);
/// Tag of the version of a certificate.
const VERSION: Tag = Tag::new(0xA0);
/// `id-alg-unsigned` (RFC 9925): a certificate that carries a key and vouches for nothing.
const UNSIGNED: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.6.36");

/// How a certificate lies in its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateEncoding {
    /// DER.
    Plain,
    /// gzip (RFC 1952), the standard's compression.
    Gzip,
    /// `01 00`, the length, zlib (RFC 1950): what middleware of the Base CSP's kind writes.
    Zlib,
}

/// The content of a certificate object.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    encoding: CertificateEncoding,
    key: Option<SlotKey>,
    is_placeholder: bool,
    mscuid: Option<Vec<u8>>,
}

impl Certificate {
    /// Reads the object's value; `None` for an emptied object.
    ///
    /// Which form the certificate is in its first bytes say, whatever the object's CertInfo claims. No more
    /// than 64 KiB are ever expanded. What follows the certificate, in the object or behind the certificate's
    /// own end, is tolerated.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`] when it is no certificate.
    pub fn parse(value: &[u8]) -> Result<Option<Self>, PivError> {
        let fields = Fields::new(value);
        let Some(stored) = fields.clone().find(CERTIFICATE) else {
            return if is_emptied(value) { Ok(None) } else { Err(MALFORMED) };
        };
        if stored.is_empty() {
            return Ok(None);
        }
        let (encoding, mut der) = expanded(stored)?;
        let Parts { length, spki, is_unsigned } = Parts::of(&der).ok_or(MALFORMED)?;
        let key = SlotKey::from_spki_der(spki).ok();
        der.truncate(length);
        let mscuid = fields.clone().find(MSCUID).map(<[u8]>::to_vec);
        Ok(Some(Self { der, encoding, key, is_placeholder: is_unsigned, mscuid }))
    }

    /// The certificate, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate, DER, without a copy.
    #[must_use]
    pub fn into_der(self) -> Vec<u8> {
        self.der
    }

    /// How it lay in its object.
    #[must_use]
    pub const fn encoding(&self) -> CertificateEncoding {
        self.encoding
    }

    /// Its public key; `None` for a key no PIV card has.
    #[must_use]
    pub const fn key(&self) -> Option<&SlotKey> {
        self.key.as_ref()
    }

    /// Whether it is an unsigned certificate of RFC 9925, which stands for a key that has none: nothing to
    /// show to anybody.
    #[must_use]
    pub const fn is_placeholder(&self) -> bool {
        self.is_placeholder
    }

    /// The MSCUID, in objects of older revisions.
    #[must_use]
    pub fn mscuid(&self) -> Option<&[u8]> {
        self.mscuid.as_deref()
    }
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { der, encoding, key, is_placeholder, .. } = self;
        let kind = if *is_placeholder { "placeholder" } else { "certificate" };
        write!(f, "Certificate({kind}, {} bytes, {encoding:?}, {key:?})", der.len())
    }
}

const MALFORMED: PivError = PivError::Malformed("certificate");

/// Whether an object without certificate is one that was emptied: nothing in it, or nothing but the frame.
fn is_emptied(value: &[u8]) -> bool {
    let mut fields = Fields::new(value);
    let frame_only = fields.by_ref().all(|(tag, _)| matches!(tag, INFO | CHECK));
    frame_only && fields.rest().is_empty()
}

/// The certificate's bytes, and perhaps more behind them, by what they begin with.
fn expanded(stored: &[u8]) -> Result<(CertificateEncoding, Vec<u8>), PivError> {
    if stored.starts_with(&GZIP) {
        let mut der = Vec::new();
        let mut decoder = GzDecoder::new(stored).take(MAX_LEN as u64 + 1);
        decoder.read_to_end(&mut der).map_err(|_| PivError::Malformed("compressed certificate"))?;
        return match der.len() {
            0..=MAX_LEN => Ok((CertificateEncoding::Gzip, der)),
            _ => Err(PivError::Malformed("compressed certificate")),
        };
    }
    let form = if is_compressed(stored) { CertificateEncoding::Zlib } else { CertificateEncoding::Plain };
    expand(stored).map(|der| (form, der)).map_err(|_| match form {
        CertificateEncoding::Plain => MALFORMED,
        _ => PivError::Malformed("compressed certificate"),
    })
}

/// What is wanted of a certificate. Only its frame is walked along: whether names, dates and extensions
/// make sense is for whoever uses the certificate.
struct Parts<'a> {
    /// Length of the certificate, without what may follow it.
    length: usize,
    /// `SubjectPublicKeyInfo`.
    spki: &'a [u8],
    /// The signature algorithm is `id-alg-unsigned`.
    is_unsigned: bool,
}

impl<'a> Parts<'a> {
    fn of(der: &'a [u8]) -> Option<Self> {
        let certificate = sequence(&mut Reader::new(der))?;
        let mut outer = certificate.children();
        let mut body = sequence(&mut outer)?.children();
        let algorithm = sequence(&mut outer)?;
        let first = next(&mut body)?;
        let serial = if first.tag == VERSION { next(&mut body)? } else { first };
        if serial.tag != INTEGER {
            return None;
        }
        // Signature, issuer, validity, subject.
        for _ in 0..4 {
            sequence(&mut body)?;
        }
        let spki = sequence(&mut body)?.raw;
        let oid = next(&mut algorithm.children())?;
        let is_unsigned = oid.tag == Tag::new(0x06) && oid.value == UNSIGNED.as_bytes();
        Some(Self { length: certificate.raw.len(), spki, is_unsigned })
    }
}

fn next<'a>(reader: &mut Reader<'a>) -> Option<Tlv<'a>> {
    reader.read().ok()?
}

fn sequence<'a>(reader: &mut Reader<'a>) -> Option<Tlv<'a>> {
    next(reader).filter(|tlv| tlv.tag == SEQUENCE)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use cardmod_iso7816::tlv::Writer;
    use cardmod_types::certificate::compress;
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;
    use crate::objects::tests::bytes;

    /// The frame of a certificate around an Ed25519 key.
    fn certificate(algorithm: &[u8]) -> Vec<u8> {
        let spki = SlotKey::Ed25519([7; 32]).to_spki_der();
        let empty = |writer: Writer| writer.template(SEQUENCE, |inner| inner);
        Writer::new()
            .template(SEQUENCE, |outer| {
                outer
                    .template(SEQUENCE, |body| {
                        let body = body.template(VERSION, |version| version.object(INTEGER, &[2]));
                        let body = body.object(INTEGER, &[0x80, 1]);
                        (0..4).fold(body, |body, _| empty(body)).encoded(&spki)
                    })
                    .template(SEQUENCE, |id| id.object(Tag::new(0x06), algorithm))
                    .object(Tag::new(0x03), &[0])
            })
            .finish()
            .to_vec()
    }

    fn signed() -> Vec<u8> {
        certificate(&[0x2B, 0x65, 0x70])
    }

    fn object(stored: &[u8]) -> Vec<u8> {
        Writer::new()
            .object(Tag::new(0x70), stored)
            .object(Tag::new(0x71), &[0])
            .object(Tag::new(0xFE), &[])
            .finish()
            .to_vec()
    }

    fn gzip(der: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(der).expect("memory");
        encoder.finish().expect("memory")
    }

    #[test]
    fn all_forms_by_their_first_bytes() {
        let der = signed();
        let zlib = compress(&der).expect("short");
        for (stored, form) in [
            (der.clone(), CertificateEncoding::Plain),
            (gzip(&der), CertificateEncoding::Gzip),
            (zlib, CertificateEncoding::Zlib),
        ] {
            let read = Certificate::parse(&object(&stored)).expect("well-formed").expect("there");
            assert_eq!((read.der(), read.encoding()), (&der[..], form));
            assert_eq!(read.key(), Some(&SlotKey::Ed25519([7; 32])));
            assert!(!read.is_placeholder());
        }
    }

    #[test]
    fn the_published_gzip_member_is_expanded() {
        let stored = bytes("1F8B080000000000020333606662640500D5F1431F05000000");
        let (form, der) = expanded(&stored).expect("well-formed");
        assert_eq!((form, der), (CertificateEncoding::Gzip, bytes("3003020105")));
    }

    #[test]
    fn an_unsigned_certificate_is_a_placeholder() {
        let der = certificate(UNSIGNED.as_bytes());
        let read = Certificate::parse(&object(&der)).expect("well-formed").expect("there");
        assert!(read.is_placeholder());
        assert_eq!(read.key(), Some(&SlotKey::Ed25519([7; 32])));
    }

    #[test]
    fn trailing_data_and_missing_frames_are_tolerated() {
        let der = signed();
        let padded = [&der[..], &[0; 20]].concat();
        for value in [
            object(&padded),
            [&object(&der)[..], &[0xFF, 0xFF]].concat(),
            Writer::new().object(Tag::new(0x70), &der).finish().to_vec(),
            object(&gzip(&padded)),
        ] {
            assert_eq!(Certificate::parse(&value).expect("well-formed").expect("there").der(), der);
        }
        let with_mscuid = [&object(&der)[..], &[0x72, 2, 1, 2]].concat();
        let read = Certificate::parse(&with_mscuid).expect("well-formed").expect("there");
        assert_eq!(read.mscuid(), Some(&[1, 2][..]));
    }

    #[test]
    fn emptied_objects_have_no_certificate() {
        for value in
            [&[][..], &[0x70, 0], &[0x70, 0, 0x71, 1, 0, 0xFE, 0], &[0x71, 1, 0, 0xFE, 0], &[0xFE, 0]]
        {
            assert_eq!(Certificate::parse(value), Ok(None), "{value:02X?}");
        }
    }

    #[test]
    fn a_key_no_card_has_leaves_the_certificate() {
        let mut der = signed();
        let at = der.windows(3).position(|oid| oid == [0x2B, 0x65, 0x70]).expect("the key's");
        der[at + 2] = 0x55;
        let read = Certificate::parse(&object(&der)).expect("well-formed").expect("there");
        assert_eq!((read.key(), read.der()), (None, &der[..]));
    }

    #[test]
    fn a_certificate_cut_anywhere_is_malformed() {
        let der = signed();
        for length in 1..der.len() {
            assert_eq!(Certificate::parse(&object(&der[..length])), Err(MALFORMED), "{length}");
        }
        let whole = object(&der);
        for length in 1..der.len() {
            assert!(Certificate::parse(&whole[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn bombs_are_not_expanded() {
        let bomb = gzip(&vec![0x30; 10_000_000]);
        assert!(bomb.len() < 12_000);
        let error = Err(PivError::Malformed("compressed certificate"));
        assert_eq!(Certificate::parse(&object(&bomb)), error);
        let mut zlib = compress(&vec![0x30; 60_000]).expect("fits");
        zlib[2..4].copy_from_slice(&10_u16.to_le_bytes());
        assert_eq!(Certificate::parse(&object(&zlib)), error);
        assert_eq!(Certificate::parse(&object(&gzip(&signed())[..20])), error);
    }
}
