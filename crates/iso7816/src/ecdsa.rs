//! ECDSA signatures: from the DER form a card answers to fixed width.

use crate::tlv::{Reader, Tag, single};

/// Turns `SEQUENCE { INTEGER r, INTEGER s }` (RFC 3279, section 2.2.3) into `r‖s`, each of `width` bytes, which
/// is the length of the curve's coordinates. `None` when it is no such sequence, or a number is empty,
/// negative or too long; superfluous leading zeros are dropped.
#[must_use]
pub fn ecdsa_fixed_width(der: &[u8], width: usize) -> Option<Vec<u8>> {
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
    fn numbers_are_brought_to_the_width() {
        let der = [0x30, 0x07, 0x02, 0x02, 0x00, 0x80, 0x02, 0x01, 0x05];
        let signature = ecdsa_fixed_width(&der, 32).expect("well-formed");
        assert_eq!(signature.len(), 64);
        assert_eq!((signature[31], signature[63]), (0x80, 0x05));
        assert_eq!(signature.iter().filter(|byte| **byte != 0).count(), 2);
    }

    #[test]
    fn anything_else_is_refused() {
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
            assert_eq!(ecdsa_fixed_width(der, 32), None, "{der:02X?}");
        }
    }
}
