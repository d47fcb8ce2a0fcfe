//! The answer to reset.

use crate::options::CardOptions;

/// The name in the historical bytes and in EF.ATR.
pub(crate) const NAME: &[u8; 7] = b"cardmod";

impl CardOptions {
    /// The answer to reset of a card with these options.
    #[must_use]
    pub fn answer_to_reset(&self) -> Vec<u8> {
        atr(self)
    }
}

/// ATR of a card with these options: T=1, information field 254, historical bytes in compact TLV with
/// card capabilities and the name (ISO 7816-3, 8; ISO 7816-4, 12.1.1).
pub(crate) fn atr(options: &CardOptions) -> Vec<u8> {
    // Selection by whole and partial AID; one-byte data units; chaining, and extended length if so.
    let lengths = if options.extended_length { 0xC0 } else { 0x80 };
    let mut historical = vec![0x80, 0x73, 0xC0, 0x01, lengths, 0x60 | NAME.len() as u8];
    historical.extend_from_slice(NAME);
    let mut atr = vec![0x3B, 0x80 | historical.len() as u8, 0x81, 0x31, 0xFE, 0x45];
    atr.extend_from_slice(&historical);
    let check = atr[1..].iter().fold(0, |sum, byte| sum ^ byte);
    atr.push(check);
    atr
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structure_and_checksum() {
        let atr = atr(&CardOptions::default());
        assert_eq!(atr[..6], [0x3B, 0x8D, 0x81, 0x31, 0xFE, 0x45]);
        assert_eq!(atr.len(), 6 + 13 + 1);
        assert_eq!(atr[1..].iter().fold(0, |sum, byte| sum ^ byte), 0);
        assert!(atr.windows(7).any(|window| window == NAME));
        let short = super::atr(&CardOptions { extended_length: false, ..CardOptions::default() });
        assert_ne!(atr, short);
    }
}
