//! ECDSA signatures: from the DER form a card answers to the fixed-width `r‖s` of the interface above.

use cardmod_iso7816::tlv::{Reader, Tag, single};
use cardmod_types::EcCurve;

use crate::GidsError;

/// Turns `SEQUENCE { INTEGER r, INTEGER s }` into `r‖s`, each as long as a coordinate of the curve.
///
/// # Errors
///
/// [`GidsError::Malformed`] when it is no such sequence, or a number is empty, negative or too long.
pub(crate) fn ecdsa_from_der(der: &[u8], curve: EcCurve) -> Result<Vec<u8>, GidsError> {
    split(der, curve.coordinate_len()).ok_or(GidsError::Malformed("signature"))
}

fn split(der: &[u8], width: usize) -> Option<Vec<u8>> {
    let sequence = single(der).ok().filter(|tlv| tlv.tag == Tag::new(0x30))?;
    let mut reader = Reader::new(sequence.value);
    let mut signature = Vec::with_capacity(2 * width);
    for _ in 0..2 {
        let integer = reader.read().ok()?.filter(|tlv| tlv.tag == Tag::new(0x02))?;
        if integer.value.first()? & 0x80 != 0 {
            return None;
        }
        let zeros = integer.value.iter().take_while(|byte| **byte == 0).count();
        let digits = &integer.value[zeros..];
        let padding = width.checked_sub(digits.len())?;
        signature.resize(signature.len() + padding, 0);
        signature.extend_from_slice(digits);
    }
    reader.read().ok()?.is_none().then_some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brought_to_the_curves_width() {
        let der = [0x30, 0x07, 0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x05];
        let signature = ecdsa_from_der(&der, EcCurve::P256).expect("well-formed");
        assert_eq!(signature.len(), 64);
        assert_eq!((signature[31], signature[63]), (0x80, 0x05));
        assert_eq!(signature.iter().filter(|byte| **byte != 0).count(), 2);
    }

    #[test]
    fn anything_else_is_malformed() {
        let long = [&[0x30, 0x26, 0x02, 0x21][..], &[1; 33], &[0x02, 0x01, 0x05]].concat();
        for der in [
            &[][..],
            &[0x31, 0x06, 0x02, 1, 1, 0x02, 1, 1][..],
            &[0x30, 0x03, 0x02, 1, 1][..],
            &[0x30, 0x06, 0x02, 1, 0x80, 0x02, 1, 1][..],
            &[0x30, 0x05, 0x02, 0, 0x02, 1, 1][..],
            &[0x30, 0x09, 0x02, 1, 1, 0x02, 1, 1, 0x02, 1, 1][..],
            &long,
        ] {
            assert_eq!(
                ecdsa_from_der(der, EcCurve::P256),
                Err(GidsError::Malformed("signature")),
                "{der:02X?}"
            );
        }
    }
}
