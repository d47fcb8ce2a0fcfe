//! The inside of PIV's data objects: tags are one byte, whatever BER would make of them, followed by a BER
//! length (SP 800-73 part 1, section 4.1).

use cardmod_iso7816::tlv::read_length;

/// Reads fields one after another. Ends where nothing whole follows; [`rest`](Self::rest) tells whether
/// that was the end.
#[derive(Clone, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What could not be read: empty after a well-formed sequence.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The value of the first field with this tag; `None` where there is none among the whole ones.
    pub(crate) fn find(mut self, tag: u8) -> Option<&'a [u8]> {
        self.find_map(|(found, value)| (found == tag).then_some(value))
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (tag, rest) = self.rest.split_first()?;
        let (length, rest) = read_length(rest)?;
        let (value, rest) = rest.split_at_checked(length)?;
        self.rest = rest;
        Some((*tag, value))
    }
}

/// Text of the card: what is not UTF-8 is replaced, the spaces and zeros that fill fixed fields are dropped.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_one_byte_each() {
        let bytes = [0x3E, 0, 0x5F, 1, 7, 0x7F, 2, 8, 9, 0xFE, 0];
        let fields: Vec<_> = Fields::new(&bytes).collect();
        assert_eq!(fields, [(0x3E, &[][..]), (0x5F, &[7][..]), (0x7F, &[8, 9][..]), (0xFE, &[][..])]);
        assert_eq!(Fields::new(&bytes).find(0x7F), Some(&[8, 9][..]));
        assert_eq!(Fields::new(&bytes).find(0x7E), None);
    }

    #[test]
    fn reading_ends_where_nothing_whole_follows() {
        for (bytes, rest) in [(&[0x30, 1, 5, 0x34, 9, 1][..], 3), (&[0x30, 1, 5, 0x34][..], 1), (&[], 0)] {
            let mut fields = Fields::new(bytes);
            assert_eq!(fields.by_ref().count(), usize::from(!bytes.is_empty()));
            assert_eq!(fields.rest().len(), rest);
        }
    }

    #[test]
    fn fixed_fields_lose_their_filling() {
        assert_eq!(text(b"Doe  \0\0"), "Doe");
        assert_eq!(text(b"\xFFx"), "\u{FFFD}x");
    }
}
