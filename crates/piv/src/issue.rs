//! The two objects that make a blank token a PIV card for other programs: CHUID, which Windows wants, and
//! CCC, which macOS wants (SP 800-73-5 part 1, sections 3.1.1 and 3.1.2, appendix A).

use cardmod_iso7816::tlv::{Tag, Writer};

use crate::PivError;

/// FASC-N of an issuer outside of the government: agency 9999, every other field without meaning.
const FASC_N: [u8; 25] = [
    0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42,
    0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
];
/// How a card identifier begins: a registered prefix of non-government issuers, card type Java Card.
const CCC_PREFIX: [u8; 7] = [0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02];

/// What is new about a card that is being initialised. The random parts are the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The card's GUID: made a random UUID (version 4) of these bytes.
    pub guid: [u8; 16],
    /// The card's number in the CCC.
    pub card_number: [u8; 14],
    /// When the CHUID expires, `YYYYMMDD` in digits.
    pub expires: [u8; 8],
}

impl Identity {
    /// The value of the CHUID (within `53`). It is not signed, as on all tokens.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] for an expiry that is no date.
    pub fn chuid(&self) -> Result<Vec<u8>, PivError> {
        if !is_date(&self.expires) {
            return Err(PivError::InvalidInput("the expiry is no date of eight digits"));
        }
        let writer = Writer::new()
            .object(Tag::new(0x30), &FASC_N)
            .object(Tag::new(0x34), &self.uuid())
            .object(Tag::new(0x35), &self.expires)
            .object(Tag::new(0x3E), &[])
            .object(Tag::new(0xFE), &[]);
        Ok(writer.finish().to_vec())
    }

    /// The value of the CCC (within `53`): identifier and versions, nothing else.
    #[must_use]
    pub fn ccc(&self) -> Vec<u8> {
        let identifier = [&CCC_PREFIX[..], &self.card_number].concat();
        let objects: [(u32, &[u8]); 13] = [
            (0xF0, &identifier),
            (0xF1, &[0x21]),
            (0xF2, &[0x21]),
            (0xF3, &[]),
            (0xF4, &[0x00]),
            (0xF5, &[0x10]),
            (0xF6, &[]),
            (0xF7, &[]),
            (0xFA, &[]),
            (0xFB, &[]),
            (0xFC, &[]),
            (0xFD, &[]),
            (0xFE, &[]),
        ];
        let write = |writer: Writer, (tag, value): (u32, &[u8])| writer.object(Tag::new(tag), value);
        objects.into_iter().fold(Writer::new(), write).finish().to_vec()
    }

    /// The GUID as a UUID of version 4.
    #[must_use]
    pub const fn uuid(&self) -> [u8; 16] {
        let mut uuid = self.guid;
        uuid[6] = uuid[6] & 0x0F | 0x40;
        uuid[8] = uuid[8] & 0x3F | 0x80;
        uuid
    }
}

/// Whether these are eight digits, a month and a day among them.
fn is_date(text: &[u8; 8]) -> bool {
    let number = |digits: &[u8]| digits.iter().fold(0, |n, digit| 10 * n + u32::from(digit - b'0'));
    text.iter().all(u8::is_ascii_digit)
        && (1..=12).contains(&number(&text[4..6]))
        && (1..=31).contains(&number(&text[6..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDENTITY: Identity = Identity { guid: [0xFF; 16], card_number: [7; 14], expires: *b"20400229" };

    #[test]
    fn chuid_has_the_form_of_the_vendor_tools() {
        let chuid = IDENTITY.chuid().unwrap();
        assert_eq!(chuid.len(), 0x3B);
        assert_eq!(chuid[..2], [0x30, 0x19]);
        assert_eq!(chuid[2..27], FASC_N);
        let guid = [255, 255, 255, 255, 255, 255, 0x4F, 255, 0xBF, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(chuid[27..45], [&[0x34, 0x10][..], &guid].concat());
        assert_eq!(chuid[45..55], *b"\x35\x0820400229");
        assert_eq!(chuid[55..], [0x3E, 0x00, 0xFE, 0x00]);
    }

    #[test]
    fn ccc_is_51_bytes_long() {
        let ccc = IDENTITY.ccc();
        assert_eq!(ccc.len(), 51);
        assert_eq!(ccc[..9], [0xF0, 0x15, 0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02]);
        assert_eq!(ccc[9..23], [7; 14]);
        assert_eq!(ccc[23..26], [0xF1, 0x01, 0x21]);
        assert_eq!(ccc[49..], [0xFE, 0x00]);
    }

    #[test]
    fn an_expiry_is_a_date() {
        for expires in [b"20401301", b"20400132", b"20400100", b"2040-1-1", b"        "] {
            let identity = Identity { expires: *expires, ..IDENTITY };
            assert!(matches!(identity.chuid(), Err(PivError::InvalidInput(_))));
        }
    }
}
