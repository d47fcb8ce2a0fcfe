//! The Card Capability Container: nearly empty, and asked for by other systems (SP 800-73 part 1, section
//! 3.1.1).

use super::fields::Fields;

/// What of the Card Capability Container may say anything.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CardCapabilities {
    /// Card identifier (tag F0): 21 bytes, or none.
    pub card_identifier: Vec<u8>,
    /// Version of the container (tag F1), 21 for version 2.1.
    pub container_version: Option<u8>,
    /// Registered data model number (tag F5): 10 for PIV.
    pub data_model: Option<u8>,
}

impl CardCapabilities {
    /// Reads the object's value; what is not whole ends the reading.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let mut container = Self::default();
        for (tag, value) in Fields::new(value) {
            match tag {
                0xF0 => container.card_identifier = value.to_vec(),
                0xF1 => container.container_version = value.first().copied(),
                0xF5 => container.data_model = value.first().copied(),
                _ => {}
            }
        }
        container
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::bytes;

    #[test]
    fn the_smallest_and_a_full_container() {
        let smallest = bytes("F000F100F200F300F400F50110F600F700FA00FB00FC00FD00FE00");
        let read = CardCapabilities::parse(&smallest);
        assert_eq!(read, CardCapabilities { data_model: Some(0x10), ..Default::default() });
        let full = bytes("F015A000000116FF020102030405060708090A0B0C0D0EF10121F20121F300F40100F50110FE00");
        let read = CardCapabilities::parse(&full);
        assert_eq!((read.card_identifier.len(), read.container_version), (21, Some(0x21)));
        assert_eq!(CardCapabilities::parse(&full[..10]), CardCapabilities::default());
    }
}
