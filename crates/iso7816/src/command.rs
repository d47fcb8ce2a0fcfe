//! The command APDU as the terminal builds it.

use std::fmt;

use zeroize::Zeroizing;

/// How much the terminal expects in the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Le {
    /// Up to 256 bytes are enough: always the short `00`.
    Short,
    /// Everything there is: `00` in a short APDU (the rest comes by GET RESPONSE), `0000` in an
    /// extended one.
    All,
    /// This many bytes, 1 to 65,536. Above 256 extended length is needed; a short APDU asks for 256.
    Bytes(u32),
}

impl Le {
    /// The same, of an extended APDU that brings no more than this.
    pub(crate) fn at_most(self, most: u32) -> Self {
        match self {
            Self::All if most < 65_535 => Self::Bytes(most),
            Self::Bytes(count) => Self::Bytes(count.min(most.max(1))),
            other => other,
        }
    }
}

/// One logical command: its data may be longer than a short APDU carries; [`crate::Session`] splits it.
///
/// Data is wiped when the command is dropped and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// Class byte, without the chaining bit (`10`).
    pub cla: u8,
    /// Instruction byte.
    pub ins: u8,
    /// First parameter byte.
    pub p1: u8,
    /// Second parameter byte.
    pub p2: u8,
    /// Command data; empty means no Lc field.
    pub data: Zeroizing<Vec<u8>>,
    /// Expected answer; `None` means no Le field.
    pub le: Option<Le>,
}

impl Command {
    /// A command without data and without expected answer (case 1).
    #[must_use]
    pub fn new(cla: u8, ins: u8, p1: u8, p2: u8) -> Self {
        Self { cla, ins, p1, p2, data: Zeroizing::new(Vec::new()), le: None }
    }

    /// With this data field. The slice is copied; the copy is wiped when dropped.
    #[must_use]
    pub fn data(mut self, data: &[u8]) -> Self {
        self.data = Zeroizing::new(data.to_vec());
        self
    }

    /// With this data field, without copying it.
    #[must_use]
    pub fn secret_data(mut self, data: Zeroizing<Vec<u8>>) -> Self {
        self.data = data;
        self
    }

    /// With this expected answer.
    #[must_use]
    pub fn le(mut self, le: Le) -> Self {
        self.le = Some(le);
        self
    }

    /// Whether one short APDU can carry the command.
    #[must_use]
    pub fn fits_short(&self) -> bool {
        self.data.len() <= 255 && !matches!(self.le, Some(Le::Bytes(257..)))
    }
}

/// Prints the header and the length of the data only.
impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cla, ins, p1, p2, data, le } = self;
        write!(f, "Command({cla:02X} {ins:02X} {p1:02X} {p2:02X}, {} bytes, le {le:?})", data.len())
    }
}

/// One short APDU. `data` is at most 255 bytes.
pub(crate) fn encode_short(header: [u8; 4], data: &[u8], le: Option<Le>) -> Zeroizing<Vec<u8>> {
    debug_assert!(data.len() <= 255, "the session splits longer data");
    let mut apdu = Zeroizing::new(Vec::with_capacity(6 + data.len()));
    apdu.extend_from_slice(&header);
    if let (Ok(length @ 1..), true) = (u8::try_from(data.len()), !data.is_empty()) {
        apdu.push(length);
        apdu.extend_from_slice(data);
    }
    if let Some(le) = le {
        apdu.push(match le {
            Le::Bytes(count) => u8::try_from(count).unwrap_or(0),
            Le::Short | Le::All => 0,
        });
    }
    apdu
}

/// One extended APDU. `data` is at most 65,535 bytes.
pub(crate) fn encode_extended(header: [u8; 4], data: &[u8], le: Option<Le>) -> Zeroizing<Vec<u8>> {
    let mut apdu = Zeroizing::new(Vec::with_capacity(9 + data.len()));
    apdu.extend_from_slice(&header);
    apdu.push(0);
    if let (Ok(length), false) = (u16::try_from(data.len()), data.is_empty()) {
        apdu.extend_from_slice(&length.to_be_bytes());
        apdu.extend_from_slice(data);
    }
    if let Some(le) = le {
        let count = match le {
            Le::Bytes(count) => u16::try_from(count).unwrap_or(0),
            Le::Short => 256,
            Le::All => 0,
        };
        apdu.extend_from_slice(&count.to_be_bytes());
    }
    apdu
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_cases_in_short_form() {
        let header = [0, 0xCB, 0x3F, 0xFF];
        assert_eq!(*encode_short(header, &[], None), header);
        assert_eq!(*encode_short(header, &[], Some(Le::Short)), [0, 0xCB, 0x3F, 0xFF, 0]);
        assert_eq!(*encode_short(header, &[9], None), [0, 0xCB, 0x3F, 0xFF, 1, 9]);
        assert_eq!(*encode_short(header, &[9], Some(Le::Bytes(8))), [0, 0xCB, 0x3F, 0xFF, 1, 9, 8]);
        assert_eq!(*encode_short(header, &[9], Some(Le::Bytes(300))), [0, 0xCB, 0x3F, 0xFF, 1, 9, 0]);
    }

    #[test]
    fn extended_form() {
        let header = [0, 0xCB, 0x3F, 0xFF];
        assert_eq!(*encode_extended(header, &[], Some(Le::All)), [0, 0xCB, 0x3F, 0xFF, 0, 0, 0]);
        assert_eq!(*encode_extended(header, &[9], Some(Le::Short)), [0, 0xCB, 0x3F, 0xFF, 0, 0, 1, 9, 1, 0]);
        assert_eq!(*encode_extended(header, &[9], None), [0, 0xCB, 0x3F, 0xFF, 0, 0, 1, 9]);
    }

    #[test]
    fn debug_hides_the_data() {
        let command = Command::new(0, 0x20, 0, 0x80).data(b"123456");
        let text = format!("{command:?}");
        assert_eq!(text, "Command(00 20 00 80, 6 bytes, le None)");
    }
}
