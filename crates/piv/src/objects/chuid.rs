//! The CHUID: who the card is (SP 800-73 part 1, section 3.1.2).

use super::fascn::FascN;
use super::fields::Fields;

/// Card Holder Unique Identifier, without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Chuid {
    /// The card's UUID (tag 34); `None` where it is missing or all zeros, as on cards nobody initialised.
    pub guid: Option<[u8; 16]>,
    /// The identifier of federal cards (tag 30); `None` where it is missing or all zeros.
    pub fascn: Option<FascN>,
    /// Expiry, `YYYYMMDD` (tag 35); `None` where it is not eight digits.
    pub expiry: Option<String>,
    /// The cardholder's UUID (tag 36).
    pub cardholder: Option<[u8; 16]>,
}

impl Chuid {
    /// Reads the object's value, or the head of it: the identifiers stand before the signature, which may
    /// be long. What is cut off, or malformed, and all that follows it is taken as missing.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let mut chuid = Self::default();
        for (tag, value) in Fields::new(value) {
            match tag {
                0x30 => chuid.fascn = FascN::new(value),
                0x34 => chuid.guid = uuid(value),
                0x35 => chuid.expiry = date(value),
                0x36 => chuid.cardholder = uuid(value),
                _ => {}
            }
        }
        chuid
    }
}

fn uuid(value: &[u8]) -> Option<[u8; 16]> {
    value.try_into().ok().filter(|uuid| *uuid != [0; 16])
}

fn date(value: &[u8]) -> Option<String> {
    let is_date = value.len() == 8 && value.iter().all(u8::is_ascii_digit);
    is_date.then(|| value.iter().map(|digit| char::from(*digit)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::bytes;

    /// The example of Yubico's documentation, without the outer tag.
    const TOKEN: &str = "3019D4E739DA739CED39CE739D836858210842108421384210C3F5\
                         3410AD64BEAC16114A5693A29D583B74CB4435083230333030313031 3E00FE00";

    #[test]
    fn a_tokens_chuid() {
        let chuid = Chuid::parse(&bytes(TOKEN));
        assert_eq!(chuid.guid.expect("there")[..4], [0xAD, 0x64, 0xBE, 0xAC]);
        assert_eq!(chuid.expiry.as_deref(), Some("20300101"));
        assert_eq!(chuid.fascn.expect("there").agency(), 9999);
        assert_eq!(chuid.cardholder, None);
    }

    #[test]
    fn a_head_is_read_as_far_as_it_goes() {
        let whole = bytes(TOKEN);
        for length in 0..=whole.len() {
            let chuid = Chuid::parse(&whole[..length]);
            assert_eq!(chuid.fascn.is_some(), length >= 27, "{length}");
            assert_eq!(chuid.guid.is_some(), length >= 45, "{length}");
            assert_eq!(chuid.expiry.is_some(), length >= 55, "{length}");
        }
    }

    #[test]
    fn the_form_of_revision_4_and_zeros() {
        let old = bytes(
            "EE020B3A 3019 00000000000000000000000000000000000000000000000000 3200 3300 \
                         3410 00000000000000000000000000000000 3508 3230 3352 3030 3031 3610 \
                         DB17539147494A32977D7A3843775E8A",
        );
        let chuid = Chuid::parse(&old);
        assert_eq!((chuid.guid, chuid.fascn, chuid.expiry), (None, None, None));
        assert_eq!(chuid.cardholder.expect("there")[0], 0xDB);
    }
}
