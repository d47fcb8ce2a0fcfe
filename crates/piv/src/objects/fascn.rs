//! FASC-N, the identifier of federal cards: 40 symbols of five bits (SP 800-73 part 1, section 3.1.2; the
//! layout is that of PACS 2.3).

use std::fmt;

/// Federal Agency Smart Credential Number. Neither parity nor check symbol is looked at: a constant with a
/// wrong symbol stands on many tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FascN([u8; FascN::LEN]);

/// Where the fields' digits stand among the symbols; separators stand between the first six fields.
const FIELDS: [(usize, usize); 9] =
    [(1, 4), (6, 4), (11, 6), (18, 1), (20, 1), (22, 10), (32, 1), (33, 4), (37, 1)];

impl FascN {
    /// Bytes of a FASC-N.
    pub const LEN: usize = 25;
    /// The agency of issuers that are no federal agency: it says nothing about the card.
    pub const NON_FEDERAL: u64 = 9999;

    /// The number, unless it has another length or is all zeros.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().filter(|bytes| *bytes != [0; Self::LEN]).map(Self)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Agency code, four digits.
    #[must_use]
    pub fn agency(&self) -> u64 {
        self.field(0)
    }

    /// The decimal digits of all fields, 32 of them, without separators.
    #[must_use]
    pub fn digits(&self) -> String {
        FIELDS.iter().flat_map(|(at, count)| (*at..at + count).map(|at| self.symbol(at))).map(digit).collect()
    }

    fn field(&self, index: usize) -> u64 {
        let (at, count) = FIELDS[index];
        (at..at + count).fold(0, |value, at| value * 10 + u64::from(self.symbol(at)))
    }

    /// The symbol's four bits, least significant first on the card; 0 to 15.
    fn symbol(&self, index: usize) -> u8 {
        let bit = |at: usize| self.0[at / 8] >> (7 - at % 8) & 1;
        (0..4).fold(0, |value, place| value | bit(index * 5 + place) << place)
    }
}

/// A symbol as text: decimal as it should be, hexadecimal where it is none of the ten digits.
fn digit(symbol: u8) -> char {
    char::from_digit(u32::from(symbol), 16).unwrap_or('?')
}

impl fmt::Display for FascN {
    /// The fields with hyphens between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (at, count)) in FIELDS.into_iter().enumerate() {
            if index > 0 {
                f.write_str("-")?;
            }
            (at..at + count).try_for_each(|at| write!(f, "{}", digit(self.symbol(at))))?;
        }
        Ok(())
    }
}

impl fmt::Debug for FascN {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FascN({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::bytes;

    fn decoded(hex: &str) -> String {
        FascN::new(&bytes(hex)).expect("not zero").to_string()
    }

    #[test]
    fn known_numbers() {
        assert_eq!(
            decoded("D4E739DA739CED39CE739D836858210842108421C84210C3EB"),
            "9999-9999-999999-0-1-0000000000-3-0000-1"
        );
        assert_eq!(
            decoded("D13810D828AB6C10C339E5A1685A08C92ADE0A6184E739C3E7"),
            "4700-0256-001337-1-1-1234567890-1-9999-1"
        );
    }

    #[test]
    fn wrong_parity_is_not_looked_at() {
        let text = decoded("D4E739DA739CED39CE739D836858210842108421384210C3F5");
        assert!(text.starts_with("9999-9999-999999-0-1-0000000000-"), "{text}");
        assert_eq!(FascN::new(&[0xFF; 25]).expect("25 bytes").digits().len(), 32);
    }

    #[test]
    fn zeros_and_other_lengths_are_none() {
        assert_eq!(FascN::new(&[0; 25]), None);
        assert_eq!(FascN::new(&[1; 24]), None);
        assert_eq!(FascN::new(&[]), None);
    }
}
