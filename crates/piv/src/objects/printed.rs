//! Printed Information: what is printed on the card (SP 800-73 part 1, appendix A). Yubico's tools use the
//! same object for something else, which is not read here.

use super::fields::{Fields, text};

/// The text on the card; everything is text of the card, not to be trusted.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PrintedInformation {
    /// Name.
    pub name: Option<String>,
    /// Employee affiliation.
    pub affiliation: Option<String>,
    /// Expiry, `YYYYMMMDD`.
    pub expiry: Option<String>,
    /// Agency card serial number.
    pub serial: Option<String>,
    /// Issuer identification.
    pub issuer: Option<String>,
    /// Organisation affiliation, up to two lines.
    pub organisation: Vec<String>,
}

impl PrintedInformation {
    /// Reads the object's value; what is not whole ends the reading.
    #[must_use]
    pub fn parse(value: &[u8]) -> Self {
        let mut printed = Self::default();
        for (tag, value) in Fields::new(value) {
            let line = Some(text(value)).filter(|line| !line.is_empty());
            match tag {
                0x01 => printed.name = line,
                0x02 => printed.affiliation = line,
                0x04 => printed.expiry = line,
                0x05 => printed.serial = line,
                0x06 => printed.issuer = line,
                0x07 | 0x08 => printed.organisation.extend(line),
                _ => {}
            }
        }
        printed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_their_filling() {
        let value = b"\x01\x05Doe  \x04\x092032DEC02\x05\x03123\x07\x02Co\x08\x00\xFE\x00";
        let printed = PrintedInformation::parse(value);
        assert_eq!(printed.name.as_deref(), Some("Doe"));
        assert_eq!(printed.expiry.as_deref(), Some("2032DEC02"));
        assert_eq!(printed.organisation, ["Co"]);
        assert_eq!(printed.issuer, None);
    }

    #[test]
    fn a_management_key_in_its_place_is_not_read() {
        let printed = PrintedInformation::parse(b"\x88\x04\x89\x02\x01\x02");
        assert_eq!(printed, PrintedInformation::default());
    }
}
