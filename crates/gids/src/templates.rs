//! File control parameters for CREATE FILE (GIDS, tables 10–14, access rules; MSP, electrical profile).

use cardmod_iso7816::tlv::{Tag, Writer};
use cardmod_types::KeyHalf;
use zeroize::Zeroizing;

use crate::algorithm::{KeyAlgorithm, KeyOperation};
use crate::layout::ef;

/// Tag of the file control parameters.
const FCP: Tag = Tag::new(0x62);
/// Tag of the file descriptor.
const DESCRIPTOR: Tag = Tag::new(0x82);
/// Tag of the file identifier.
const FILE_ID: Tag = Tag::new(0x83);
/// Tag of the access rules in compact form.
const ACCESS_RULES: Tag = Tag::new(0x8C);
/// Tag of the list of control reference templates.
const KEY_INFORMATION: Tag = Tag::new(0xA5);

/// Descriptor of an EF that holds data objects.
const DATA_OBJECTS: u8 = 0x39;
/// Descriptor of a key EF.
const KEY: u8 = 0x18;

/// Parameters of an EF for data objects: PUT DATA under the security condition `write`, GET DATA under
/// `read` (`00` always, `10` user, `20` admin, `30` either, `FF` never).
#[must_use]
pub fn data_file_template(file_id: u16, write: u8, read: u8) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(FCP, |fcp| {
            fcp.object(DESCRIPTOR, &[DATA_OBJECTS])
                .object(FILE_ID, &file_id.to_be_bytes())
                .object(ACCESS_RULES, &[0x03, write, read])
        })
        .finish()
}

/// Parameters of the key EF of a container: GENERATE, use and PUT KEY need the user, the public key is
/// free.
///
/// A key exchange key may also sign, so that it can prove its possession in a certificate request; a
/// signature key only signs. For RSA these are the templates Windows writes.
#[must_use]
pub fn key_file_template(key_reference: u8, algorithm: KeyAlgorithm, half: KeyHalf) -> Zeroizing<Vec<u8>> {
    let file_id = ef::FIRST_KEY & 0xFF00 | u16::from(key_reference);
    Writer::new()
        .template(FCP, |fcp| {
            fcp.object(DESCRIPTOR, &[KEY])
                .object(FILE_ID, &file_id.to_be_bytes())
                .object(ACCESS_RULES, &[0x8F, 0x10, 0x10, 0x10, 0x00])
                .template(KEY_INFORMATION, |crts| {
                    uses(algorithm, half).iter().fold(crts, |crts, (template, reference)| {
                        crts.template(Tag::new(u32::from(*template)), |crt| {
                            crt.object(Tag::new(0x80), &[*reference])
                                .object(Tag::new(0x83), &[key_reference])
                                .object(Tag::new(0x95), &[0x40])
                        })
                    })
                })
        })
        .finish()
}

/// Control reference templates and algorithm references of a key, in the order Windows writes them.
fn uses(algorithm: KeyAlgorithm, half: KeyHalf) -> Vec<(u8, u8)> {
    let exchange = half == KeyHalf::KeyExchange;
    let own = algorithm.reference();
    let sign = |operation: KeyOperation| (operation.template(), operation.reference(algorithm));
    match (algorithm.is_rsa(), exchange) {
        (true, true) => vec![
            (0xB8, own),
            (0xB8, 0x80 | own),
            (0xB8, 0x40 | own),
            sign(KeyOperation::SignRaw),
            sign(KeyOperation::SignPkcs1),
        ],
        (true, false) => vec![sign(KeyOperation::SignRaw), sign(KeyOperation::SignPkcs1)],
        (false, true) => vec![(0xB8, own), sign(KeyOperation::SignRaw)],
        (false, false) => vec![sign(KeyOperation::SignRaw)],
    }
}

/// Parameters of the admin key EF: use free, PUT KEY admin, reading never; 3-key triple DES.
pub(crate) fn admin_key_file_template() -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(FCP, |fcp| {
            fcp.object(DESCRIPTOR, &[KEY])
                .object(FILE_ID, &ef::ADMIN_KEY.to_be_bytes())
                .object(ACCESS_RULES, &[0x87, 0x00, 0x20, 0xFF])
                .template(KEY_INFORMATION, |crts| {
                    crts.template(Tag::new(0xA4), |crt| {
                        crt.object(Tag::new(0x80), &[0x02])
                            .object(Tag::new(0x83), &[0x80])
                            .object(Tag::new(0x95), &[0xC0])
                    })
                })
        })
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_files() {
        assert_eq!(
            *data_file_template(0xA000, 0x30, 0x00),
            [0x62, 0x0C, 0x82, 1, 0x39, 0x83, 2, 0xA0, 0, 0x8C, 3, 3, 0x30, 0]
        );
        assert_eq!(
            *admin_key_file_template(),
            [
                0x62, 0x1A, 0x82, 1, 0x18, 0x83, 2, 0xB0, 0x80, 0x8C, 4, 0x87, 0, 0x20, 0xFF, 0xA5, 0x0B,
                0xA4, 9, 0x80, 1, 2, 0x83, 1, 0x80, 0x95, 1, 0xC0
            ]
        );
    }

    #[test]
    fn an_rsa_exchange_key_is_what_windows_writes() {
        let template = key_file_template(0x81, KeyAlgorithm::Rsa2048, KeyHalf::KeyExchange);
        assert_eq!(template[..2], [0x62, 0x47]);
        assert_eq!(template[2..16], [0x82, 1, 0x18, 0x83, 2, 0xB0, 0x81, 0x8C, 5, 0x8F, 0x10, 0x10, 0x10, 0]);
        let crts: Vec<_> = template[18..].chunks(11).map(|crt| (crt[0], crt[4], crt[7], crt[10])).collect();
        let expected: Vec<_> = [(0xB8, 0x07), (0xB8, 0x87), (0xB8, 0x47), (0xB6, 0x17), (0xB6, 0x57)]
            .map(|(t, a)| (t, a, 0x81, 0x40))
            .into();
        assert_eq!(crts, expected);
    }

    #[test]
    fn an_ecdsa_key_only_signs() {
        let template = key_file_template(0x82, KeyAlgorithm::P256, KeyHalf::Signature);
        assert_eq!(template[16..], [0xA5, 11, 0xB6, 9, 0x80, 1, 0x1C, 0x83, 1, 0x82, 0x95, 1, 0x40]);
        let exchange = key_file_template(0x82, KeyAlgorithm::P384, KeyHalf::KeyExchange);
        assert_eq!(exchange[18..29], [0xB8, 9, 0x80, 1, 0x0D, 0x83, 1, 0x82, 0x95, 1, 0x40]);
    }
}
