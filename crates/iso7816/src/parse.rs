//! The command APDU as a card reads it.

use std::fmt;

use crate::StatusWord;

/// A command APDU taken apart, borrowing its data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CommandRef<'a> {
    /// Class byte as received, chaining bit included.
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter byte.
    pub p1: u8,
    /// Second parameter byte.
    pub p2: u8,
    /// Command data, possibly empty.
    pub data: &'a [u8],
    /// Expected length in bytes (1 to 65,536); `None` when there is no Le field.
    pub le: Option<usize>,
    /// The lengths were in extended form.
    pub extended: bool,
}

impl CommandRef<'_> {
    /// Whether more parts of the same command follow (bit 5 of an interindustry class, ISO 7816-4 5.3.3).
    #[must_use]
    pub const fn is_chained(&self) -> bool {
        matches!(self.cla, 0x10..=0x1F) || self.cla & 0xD0 == 0x50
    }

    /// The class without the chaining bit.
    #[must_use]
    pub const fn class(&self) -> u8 {
        self.cla & !0x10
    }

    /// P1 P2 as one number.
    #[must_use]
    pub const fn p1p2(&self) -> u16 {
        u16::from_be_bytes([self.p1, self.p2])
    }
}

/// Prints the header and lengths only.
impl fmt::Debug for CommandRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cla, ins, p1, p2, data, le, .. } = self;
        write!(f, "CommandRef({cla:02X} {ins:02X} {p1:02X} {p2:02X}, {} bytes, le {le:?})", data.len())
    }
}

/// Takes a command APDU apart: the seven cases of ISO 7816-3, 12.1.3.
///
/// # Errors
///
/// The status word to answer: `6700` when the bytes fit none of the cases.
pub fn parse_command(apdu: &[u8]) -> Result<CommandRef<'_>, StatusWord> {
    let (&[cla, ins, p1, p2], body) = apdu.split_first_chunk::<4>().ok_or(StatusWord::WRONG_LENGTH)?;
    let (data, le, extended) = match body {
        [0, _, _, ..] => {
            let (data, le) = parse_extended(&body[1..])?;
            (data, le, true)
        }
        _ => {
            let (data, le) = parse_short(body)?;
            (data, le, false)
        }
    };
    Ok(CommandRef { cla, ins, p1, p2, data, le, extended })
}

fn parse_short(body: &[u8]) -> Result<(&[u8], Option<usize>), StatusWord> {
    let expected = |le: u8| if le == 0 { 256 } else { usize::from(le) };
    match body {
        [] => Ok((&[], None)),
        [le] => Ok((&[], Some(expected(*le)))),
        [0, _] => Err(StatusWord::WRONG_LENGTH),
        [lc, rest @ ..] => {
            let (data, tail) = rest.split_at_checked(usize::from(*lc)).ok_or(StatusWord::WRONG_LENGTH)?;
            match tail {
                [] => Ok((data, None)),
                [le] => Ok((data, Some(expected(*le)))),
                _ => Err(StatusWord::WRONG_LENGTH),
            }
        }
    }
}

/// `body` follows the leading `00` and has at least two bytes.
fn parse_extended(body: &[u8]) -> Result<(&[u8], Option<usize>), StatusWord> {
    let expected = |high: u8, low: u8| match u16::from_be_bytes([high, low]) {
        0 => 65_536,
        length => usize::from(length),
    };
    match body {
        [high, low] => Ok((&[], Some(expected(*high, *low)))),
        [0, 0, ..] => Err(StatusWord::WRONG_LENGTH),
        [high, low, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            let (data, tail) = rest.split_at_checked(length).ok_or(StatusWord::WRONG_LENGTH)?;
            match tail {
                [] => Ok((data, None)),
                [high, low] => Ok((data, Some(expected(*high, *low)))),
                _ => Err(StatusWord::WRONG_LENGTH),
            }
        }
        _ => Err(StatusWord::WRONG_LENGTH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(apdu: &[u8]) -> Result<(Vec<u8>, Option<usize>, bool), StatusWord> {
        parse_command(apdu).map(|c| (c.data.to_vec(), c.le, c.extended))
    }

    #[test]
    fn all_cases() {
        assert_eq!(parts(&[0, 1, 2, 3]), Ok((vec![], None, false)));
        assert_eq!(parts(&[0, 1, 2, 3, 0]), Ok((vec![], Some(256), false)));
        assert_eq!(parts(&[0, 1, 2, 3, 2, 8, 9]), Ok((vec![8, 9], None, false)));
        assert_eq!(parts(&[0, 1, 2, 3, 2, 8, 9, 5]), Ok((vec![8, 9], Some(5), false)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 0]), Ok((vec![], Some(65_536), true)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 1, 7]), Ok((vec![7], None, true)));
        assert_eq!(parts(&[0, 1, 2, 3, 0, 0, 1, 7, 1, 0]), Ok((vec![7], Some(256), true)));
    }

    #[test]
    fn wrong_lengths_are_6700() {
        for bad in [
            &[][..],
            &[0, 1, 2][..],
            &[0, 1, 2, 3, 0, 1][..],
            &[0, 1, 2, 3, 3, 1, 2][..],
            &[0, 1, 2, 3, 1, 1, 2, 3][..],
            &[0, 1, 2, 3, 0, 0, 2, 7][..],
            &[0, 1, 2, 3, 0, 0, 0, 7][..],
            &[0, 1, 2, 3, 0, 0, 1, 7, 1][..],
        ] {
            assert_eq!(parts(bad), Err(StatusWord::WRONG_LENGTH), "{bad:02X?}");
        }
    }

    #[test]
    fn class_bits() {
        let command = parse_command(&[0x10, 0xDB, 0xA0, 0x10]).expect("case 1");
        assert!(command.is_chained());
        assert_eq!((command.class(), command.p1p2()), (0, 0xA010));
        assert!(!parse_command(&[0x00, 0xDB, 0, 0]).expect("case 1").is_chained());
    }
}
