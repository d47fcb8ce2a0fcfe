//! The file cardcf: counters by which a host knows what of its cache is stale (minidriver
//! specification, section 5.4.3).

use thiserror::Error;

/// A cardcf file shorter than its 6 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("freshness file has {0} bytes instead of at least 6")]
pub struct CardCfLength(pub usize);

/// `CARD_CACHE_FILE_FORMAT`. The counters wrap; only whether they are equal has a meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardCf {
    /// `bVersion`: 0 on cards created by the specification's tools; kept as found.
    pub version: u8,
    /// `bPinsFreshness`: changes with any PIN change or unblock.
    pub pins: u8,
    /// `wContainersFreshness`: changes when a key is made, imported or deleted.
    pub containers: u16,
    /// `wFilesFreshness`: changes when a file is written, made or deleted.
    pub files: u16,
    /// What follows the six bytes: words of further applications, kept as found.
    tail: Vec<u8>,
}

impl CardCf {
    /// Length in bytes of what every card has.
    pub const MIN_LEN: usize = 6;

    /// The content of a fresh card: six zero bytes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the file's content, at least 6 bytes.
    ///
    /// # Errors
    /// [`CardCfLength`] for less.
    pub fn parse(file: &[u8]) -> Result<Self, CardCfLength> {
        let Some((&[version, pins, c0, c1, f0, f1], tail)) = file.split_first_chunk() else {
            return Err(CardCfLength(file.len()));
        };
        Ok(Self {
            version,
            pins,
            containers: u16::from_le_bytes([c0, c1]),
            files: u16::from_le_bytes([f0, f1]),
            tail: tail.to_vec(),
        })
    }

    /// The file's content: what was read, with the counters of now.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.version, self.pins];
        bytes.extend(self.containers.to_le_bytes());
        bytes.extend(self.files.to_le_bytes());
        bytes.extend(&self.tail);
        bytes
    }

    /// A PIN changes.
    pub const fn bump_pins(&mut self) {
        self.pins = self.pins.wrapping_add(1);
    }

    /// A key changes.
    pub const fn bump_containers(&mut self) {
        self.containers = self.containers.wrapping_add(1);
    }

    /// A file changes.
    pub const fn bump_files(&mut self) {
        self.files = self.files.wrapping_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_little_endian_and_the_tail_is_kept() {
        let file = [1, 2, 3, 4, 5, 6, 7, 8, 9];
        let mut cf = CardCf::parse(&file).unwrap();
        assert_eq!((cf.version, cf.pins, cf.containers, cf.files), (1, 2, 0x0403, 0x0605));
        assert_eq!(cf.to_bytes(), file);
        cf.bump_files();
        assert_eq!(cf.to_bytes(), [1, 2, 3, 4, 6, 6, 7, 8, 9]);
        assert_eq!(CardCf::new().to_bytes(), [0; 6]);
    }

    #[test]
    fn counters_wrap() {
        let mut cf = CardCf::parse(&[0xFF; 6]).unwrap();
        cf.bump_pins();
        cf.bump_containers();
        cf.bump_files();
        assert_eq!(cf.to_bytes(), [0xFF, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn five_bytes_are_too_few() {
        assert_eq!(CardCf::parse(&[0; 5]), Err(CardCfLength(5)));
        assert_eq!(
            CardCf::parse(&[]).unwrap_err().to_string(),
            "freshness file has 0 bytes instead of at least 6"
        );
    }
}
