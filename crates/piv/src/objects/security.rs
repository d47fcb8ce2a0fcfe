//! The Security Object: which objects are covered by its signed digests (SP 800-73 part 1, section 3.1.6).

use super::fields::Fields;

/// What of the Security Object is read: that it is there, and which containers it speaks of. The digests are
/// for issuers' software.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct SecurityObject {
    /// Container identifiers by data group number (tag BA): "`DB00` is data group 1".
    pub mapping: Vec<(u8, u16)>,
    /// The signed digests, CMS (tag BB); empty where they are missing.
    pub signed: Vec<u8>,
}

impl SecurityObject {
    /// Reads the object's value; what is not whole ends the reading.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let mut object = Self::default();
        for (tag, value) in Fields::new(value) {
            match tag {
                0xBA => object.mapping = mapping(value),
                0xBB => object.signed = value.to_vec(),
                _ => {}
            }
        }
        object
    }
}

fn mapping(value: &[u8]) -> Vec<(u8, u16)> {
    let entry = |entry: &[u8; 3]| (entry[0], u16::from_be_bytes([entry[1], entry[2]]));
    value.as_chunks::<3>().0.iter().map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_containers() {
        let object = SecurityObject::parse(&[0xBA, 7, 1, 0xDB, 0, 2, 0x30, 0, 9, 0xBB, 1, 0x30, 0xFE, 0]);
        assert_eq!(object.mapping, [(1, 0xDB00), (2, 0x3000)]);
        assert_eq!(object.signed, [0x30]);
        assert_eq!(SecurityObject::parse(&[0xBA, 3, 1]), SecurityObject::default());
    }
}
