//! Where the data of a command APDU are (ISO 7816-4, section 5.2).

/// A command with its parts found.
pub(super) struct Parsed<'a> {
    /// CLA, INS, P1, P2.
    pub(super) header: [u8; 4],
    /// Where the data begin; in a command without data, its end.
    pub(super) data_at: usize,
    /// The data, without lengths.
    pub(super) data: &'a [u8],
}

/// Finds the data of a short or extended command; `None` for bytes whose lengths contradict each
/// other. `Le` may follow the data.
pub(super) fn parse(apdu: &[u8]) -> Option<Parsed<'_>> {
    let (&header, body) = apdu.split_first_chunk()?;
    let (length_bytes, data_len, le_lens) = match *body {
        // Nothing, or Le alone: one byte, or three beginning with zero.
        [] | [_] | [0, _, _] => return Some(Parsed { header, data_at: apdu.len(), data: &[] }),
        [0, high, low, ..] => (3, usize::from(u16::from_be_bytes([high, low])), [0, 2]),
        [len, ..] => (1, usize::from(len), [0, 1]),
    };
    let (data, le) = body.get(length_bytes..)?.split_at_checked(data_len)?;
    if data_len == 0 || !le_lens.contains(&le.len()) {
        return None;
    }
    Some(Parsed { header, data_at: header.len() + length_bytes, data })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seven_cases_are_told_apart() {
        let long = [&[0, 0xDB, 0x3F, 0xFF, 0, 1, 0][..], &[7; 256]].concat();
        let long_le = [&long[..], &[0, 0]].concat();
        for (apdu, at, len) in [
            (&b"\x00\xA4\x00\x0C"[..], 4, 0),
            (b"\x00\xCA\x00\x00\x00", 5, 0),
            (b"\x00\xCA\x00\x00\x00\x00\x00", 7, 0),
            (b"\x00\x20\x00\x80\x04\x31\x32\x33\x34", 5, 4),
            (b"\x00\x20\x00\x80\x04\x31\x32\x33\x34\x00", 5, 4),
            (&long, 7, 256),
            (&long_le, 7, 256),
        ] {
            let parsed = parse(apdu).unwrap();
            assert_eq!((parsed.data_at, parsed.data.len()), (at, len), "{apdu:02x?}");
        }
    }

    #[test]
    fn contradicting_lengths_are_no_command() {
        for apdu in [
            &b""[..],
            b"\x00\x20\x00",
            b"\x00\x20\x00\x80\x05\x31\x32\x33\x34",
            b"\x00\x20\x00\x80\x04\x31\x32\x33\x34\x00\x00",
            b"\x00\x20\x00\x80\x00\x31",
            b"\x00\x20\x00\x80\x00\x00\x00\x31",
            b"\x00\x20\x00\x80\x00\x00\x02\x31\x32\x00",
            b"\x00\x20\x00\x80\x00\x00\x05\x31",
        ] {
            assert!(parse(apdu).is_none(), "{apdu:02x?}");
        }
    }
}
