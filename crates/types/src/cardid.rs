//! The file cardid: the card's identity (minidriver specification, section 5.4.1).

use core::fmt;

use thiserror::Error;

/// A cardid file that has not 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("card identifier has {0} bytes instead of 16")]
pub struct CardIdLength(pub usize);

/// 16 opaque bytes, random at the card's creation: file cardid and property "Card Identifier".
///
/// Hosts key their PIN and data caches with it, so two cards of one value are one card to them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CardId(pub [u8; CardId::LEN]);

impl CardId {
    /// Length in bytes.
    pub const LEN: usize = 16;

    /// Reads the file's content.
    ///
    /// # Errors
    /// [`CardIdLength`] for any length but 16.
    pub fn parse(file: &[u8]) -> Result<Self, CardIdLength> {
        file.try_into().map(Self).map_err(|_| CardIdLength(file.len()))
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// A value that cannot tell cards apart: all bytes equal, as on cards nobody initialised.
    #[must_use]
    pub fn is_placeholder(&self) -> bool {
        self.0.iter().all(|byte| *byte == self.0[0])
    }
}

impl From<[u8; CardId::LEN]> for CardId {
    fn from(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }
}

impl TryFrom<&[u8]> for CardId {
    type Error = CardIdLength;

    fn try_from(file: &[u8]) -> Result<Self, CardIdLength> {
        Self::parse(file)
    }
}

impl fmt::Display for CardId {
    /// 32 hexadecimal digits, in the order of the bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CardId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_is_sixteen_bytes() {
        let id = CardId::parse(&(0..16).collect::<Vec<u8>>()).unwrap();
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0e0f");
        assert!(!id.is_placeholder());
        assert!(CardId([0xFF; 16]).is_placeholder());
        assert_eq!(CardId::parse(&[0; 15]), Err(CardIdLength(15)));
        assert_eq!(
            CardId::parse(&[0; 17]).unwrap_err().to_string(),
            "card identifier has 17 bytes instead of 16"
        );
    }
}
