//! A note of a key that has no certificate yet: an unsigned X.509 certificate (RFC 9925) in the slot's
//! certificate object. A card of the plain standard tells a public key once, when it is made; the note makes
//! that known to every later program. Programs that look for certificates find one that vouches for nothing.

use cardmod_iso7816::tlv::{Tag, Writer};

use crate::{Slot, SlotKey};

const SEQUENCE: Tag = Tag::new(0x30);
const SET: Tag = Tag::new(0x31);
const OID: Tag = Tag::new(0x06);
const INTEGER: Tag = Tag::new(0x02);
const BIT_STRING: Tag = Tag::new(0x03);
const UTF8: Tag = Tag::new(0x0C);
const GENERALIZED_TIME: Tag = Tag::new(0x18);
const UTC_TIME: Tag = Tag::new(0x17);
const VERSION: Tag = Tag::new(0xA0);

/// `id-alg-unsigned`, 1.3.6.1.5.5.7.6.36.
const UNSIGNED: [u8; 8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x06, 0x24];
/// `id-rdna-unsigned`, 1.3.6.1.5.5.7.25.1: the name of an issuer that there is not.
const NO_ISSUER: [u8; 8] = [0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x19, 0x01];
/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];

/// The DER of the note of a slot's key: for the slot's certificate object, where nothing else would tell of the
/// key (RFC 9925, RFC 5280).
#[must_use]
pub fn placeholder(slot: Slot, key: &SlotKey) -> Vec<u8> {
    let algorithm = |writer: Writer| writer.template(SEQUENCE, |writer| writer.object(OID, &UNSIGNED));
    let subject = format!("key of slot {} without certificate", slot.label());
    let to_be_signed = |writer: Writer| {
        let writer = writer.template(VERSION, |version| version.object(INTEGER, &[2]));
        let writer = algorithm(writer.object(INTEGER, &[1]));
        let writer = name(writer, &NO_ISSUER, "");
        let writer = writer.template(SEQUENCE, |validity| {
            // No end (RFC 5280, section 4.1.2.5).
            validity.object(UTC_TIME, b"000101000000Z").object(GENERALIZED_TIME, b"99991231235959Z")
        });
        name(writer, &COMMON_NAME, &subject).encoded(&key.to_spki_der())
    };
    let certificate = Writer::new().template(SEQUENCE, |writer| {
        // The signature is a bit string without bits.
        algorithm(writer.template(SEQUENCE, to_be_signed)).object(BIT_STRING, &[0])
    });
    certificate.finish().to_vec()
}

fn name(writer: Writer, attribute: &[u8], text: &str) -> Writer {
    let value = |pair: Writer| pair.object(OID, attribute).object(UTF8, text.as_bytes());
    writer.template(SEQUENCE, |name| name.template(SET, |set| set.template(SEQUENCE, value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Certificate;
    use cardmod_types::{EcCurve, EcPublicKey, RsaPublicKey};

    fn read_back(key: &SlotKey) -> Certificate {
        let der = placeholder(Slot::KeyManagement, key);
        let value = Writer::new().object(Tag::new(0x70), &der).object(Tag::new(0x71), &[0]).finish();
        Certificate::parse(&value).expect("a certificate").expect("one is there")
    }

    #[test]
    fn the_edge_reads_it_as_what_it_is() {
        let point: Vec<u8> = [4].into_iter().chain(1..=96).collect();
        let keys = [
            SlotKey::Ec(EcPublicKey::from_uncompressed(EcCurve::P384, &point).unwrap()),
            SlotKey::Rsa(RsaPublicKey::new(&[0xF1; 512], 65537).unwrap()),
            SlotKey::X25519([9; 32]),
        ];
        for key in keys {
            let read = read_back(&key);
            assert!(read.is_placeholder());
            assert_eq!(read.key(), Some(&key));
        }
    }

    #[test]
    fn its_der_is_that_of_the_rfc() {
        let der = placeholder(Slot::Signature, &SlotKey::X25519([9; 32]));
        assert!(der.ends_with(&[0x30, 0x0A, 0x06, 0x08, 0x2B, 6, 1, 5, 5, 7, 6, 0x24, 0x03, 0x01, 0x00]));
        let text = String::from_utf8_lossy(&der);
        assert!(text.contains("key of slot 9c without certificate"));
    }
}
