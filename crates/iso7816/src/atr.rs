//! The answer to reset (ATR) of a card with contacts (ISO/IEC 7816-3, section 8).

use core::fmt;

/// An answer to reset, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Atr {
    /// The protocols offered, as they come; T=0 where none is named.
    pub protocols: Vec<u8>,
    /// The historical bytes, at most 15.
    pub historical: Vec<u8>,
    /// A check character (TCK) is at its end.
    pub checked: bool,
    /// The bits are inverted on the wire (TS is 3F).
    pub inverse: bool,
}

/// Why bytes are no answer to reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtrError {
    /// It begins with neither 3B nor 3F.
    Convention(u8),
    /// It ends within what it announces.
    Truncated,
    /// More follows than it announces.
    TooLong,
    /// The check character TCK is wrong.
    Checksum,
}

impl fmt::Display for AtrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convention(byte) => write!(f, "it begins with {byte:02x}, not with 3b or 3f"),
            Self::Truncated => f.write_str("it ends too early"),
            Self::TooLong => f.write_str("bytes follow that it does not announce"),
            Self::Checksum => f.write_str("its check character is wrong"),
        }
    }
}

impl core::error::Error for AtrError {}

impl Atr {
    /// Takes an answer to reset apart.
    ///
    /// # Errors
    /// [`AtrError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, AtrError> {
        let mut rest = bytes.iter().copied();
        let mut next = || rest.next().ok_or(AtrError::Truncated);
        let first = next()?;
        if first != 0x3B && first != 0x3F {
            return Err(AtrError::Convention(first));
        }
        let format = next()?;
        let (mut protocols, mut checked) = (Vec::new(), false);
        // The high half announces TA, TB, TC and TD of a round; the high half of TD those of the next.
        let mut announced = format >> 4;
        while announced != 0 {
            for _ in 0..(announced & 0x7).count_ones() {
                next()?;
            }
            if announced & 0x8 == 0 {
                break;
            }
            let interface = next()?;
            let protocol = interface & 0x0F;
            // Only where T=0 is all there is does the check character fail to come.
            checked |= protocol != 0;
            // T=15 qualifies global interface bytes; it is no protocol.
            if protocol != 15 && !protocols.contains(&protocol) {
                protocols.push(protocol);
            }
            announced = interface >> 4;
        }
        let historical = (0..format & 0x0F).map(|_| next()).collect::<Result<Vec<_>, _>>()?;
        if checked {
            next()?;
        }
        if rest.len() > 0 {
            return Err(AtrError::TooLong);
        }
        if checked && bytes[1..].iter().fold(0, |sum, byte| sum ^ byte) != 0 {
            return Err(AtrError::Checksum);
        }
        if protocols.is_empty() {
            protocols.push(0);
        }
        Ok(Self { protocols, historical, checked, inverse: first == 0x3F })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_real_cards_are_taken_apart() {
        // Both protocols, and a check character.
        let both = [0x3B, 0x80, 0x80, 0x01, 0x01];
        assert_eq!(Atr::parse(&both).unwrap().protocols, [0, 1]);
        // T=0 alone: no check character.
        let plain = Atr::parse(&[0x3B, 0x65, 0x00, 0x00, 1, 2, 3, 4, 5]).unwrap();
        assert_eq!((plain.protocols, plain.historical, plain.checked), (vec![0], vec![1, 2, 3, 4, 5], false));
        // T=1 and T=15, with interface bytes of each.
        let t15 = [0x3B, 0x80, 0x81, 0x1F, 0xC7, 0xD9];
        assert_eq!(t15[1..].iter().fold(0, |sum, byte| sum ^ byte), 0, "the example is right");
        let t15 = Atr::parse(&t15).unwrap();
        assert_eq!((t15.protocols, t15.checked, t15.inverse), (vec![1], true, false));
    }

    #[test]
    fn what_is_none_is_refused() {
        assert_eq!(Atr::parse(&[]), Err(AtrError::Truncated));
        assert_eq!(Atr::parse(&[0x00, 0x00]), Err(AtrError::Convention(0)));
        assert_eq!(Atr::parse(&[0x3B, 0x05, 1]), Err(AtrError::Truncated));
        assert_eq!(Atr::parse(&[0x3B, 0x01, 1, 2]), Err(AtrError::TooLong));
        assert_eq!(Atr::parse(&[0x3B, 0x80, 0x80, 0x01, 0x02]), Err(AtrError::Checksum));
        assert_eq!(Atr::parse(&[0x3B, 0x80, 0x80, 0x01]), Err(AtrError::Truncated));
        for length in 0..40 {
            // Nothing of any length panics.
            let _ = Atr::parse(&[0x3B; 40][..length]);
            let _ = Atr::parse(&[&[0x3B, 0xFF][..], &[0xFF; 40][..length]].concat());
        }
    }
}
