//! One entry: a kind of card and its module.

use std::fmt;
use std::path::{Path, PathBuf};

/// The longest answer to reset, in bytes (ISO/IEC 7816-3: TS and 32 further characters).
pub const MAX_ATR_LEN: usize = 33;

/// The word for the class module in a registry file, in the place of a path.
pub(super) const CLASS: &str = "class";

/// A kind of card, and the module that serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CardEntry {
    /// The card's name, as Windows' `Calais\SmartCards` key has it.
    pub name: String,
    /// The expected ATR after masking; as long as the mask.
    pub atr: Vec<u8>,
    /// Which bits of the card's ATR are compared.
    pub mask: Vec<u8>,
    /// The module.
    pub module: RegisteredModule,
    /// The CryptoAPI provider's name (`Crypto Provider`), for hosts that have one.
    pub crypto_provider: Option<String>,
    /// The CNG key storage provider's name (`Smart Card Key Storage Provider`).
    pub key_storage_provider: Option<String>,
    /// Where it is written.
    pub origin: Origin,
}

/// The module of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegisteredModule {
    /// The class module of the program that asks.
    Class,
    /// A shared library, by its absolute path.
    Library(PathBuf),
}

/// Where an entry is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Whose entry it is.
    pub scope: Scope,
    /// The place.
    pub place: Place,
}

/// A place in the registry: in a file, or in the registry of Windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, or a directory of them.
    File {
        /// The file.
        file: PathBuf,
        /// The line, counted from 1, where one is meant.
        line: Option<usize>,
    },
    /// A key of Windows' registry, from the root's name on.
    Key(String),
}

/// Whose entries come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Named by the environment variable `CARDMOD_CARDS`.
    Environment,
    /// The user's.
    User,
    /// The system's.
    System,
}

impl CardEntry {
    /// The entry is for cards with this ATR: as long as the entry's, and equal under the mask.
    #[must_use]
    pub fn matches(&self, atr: &[u8]) -> bool {
        atr.len() == self.atr.len() && self.differences(atr).is_empty()
    }

    /// Which bytes of an ATR of the same length are others than the entry wants, counted from 0.
    #[must_use]
    pub fn differences(&self, atr: &[u8]) -> Vec<usize> {
        let pairs = atr.iter().zip(&self.mask).zip(&self.atr).enumerate();
        pairs.filter(|(_, ((byte, mask), wanted))| *byte & *mask != **wanted).map(|(at, _)| at).collect()
    }
}

impl RegisteredModule {
    /// What a file says: a path, which a relative one begins at the file's directory, or `class`.
    pub(super) fn of(text: &str, file: &Path) -> Self {
        if text == CLASS {
            return Self::Class;
        }
        Self::Library(file.parent().unwrap_or(Path::new(".")).join(text))
    }
}

impl fmt::Display for RegisteredModule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class => f.write_str(CLASS),
            Self::Library(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.place.fmt(f)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { file, line: Some(line) } => write!(f, "{}:{line}", file.display()),
            Self::File { file, line: None } => file.display().fmt(f),
            Self::Key(key) => f.write_str(key),
        }
    }
}

impl Scope {
    /// One word for it: `environment`, `user`, `system`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

/// An ATR and its mask, checked against each other; no mask compares every bit.
pub(super) fn pattern(atr: &str, mask: Option<&str>) -> Result<(Vec<u8>, Vec<u8>), (Part, String)> {
    let atr = hexadecimal(atr).map_err(|reason| (Part::Atr, reason))?;
    let mask = match mask {
        Some(mask) => Some(hexadecimal(mask).map_err(|reason| (Part::Mask, reason))?),
        None => None,
    };
    checked_pattern(atr, mask)
}

/// An ATR and its mask, checked against each other; no mask compares every bit.
pub(super) fn checked_pattern(
    atr: Vec<u8>,
    mask: Option<Vec<u8>>,
) -> Result<(Vec<u8>, Vec<u8>), (Part, String)> {
    let mask = mask.unwrap_or_else(|| vec![0xFF; atr.len()]);
    if atr.len() < 2 || atr.len() > MAX_ATR_LEN {
        let reason = format!("an ATR has 2 to {MAX_ATR_LEN} bytes, not {}", atr.len());
        return Err((Part::Atr, reason));
    }
    if atr.len() != mask.len() {
        let reason =
            format!("the lengths of mask and ATR must be equal: they are {} and {}", mask.len(), atr.len());
        return Err((Part::Mask, reason));
    }
    if let Some(at) = atr.iter().zip(&mask).position(|(byte, mask)| byte & !mask != 0) {
        let reason = format!(
            "byte {at} of the ATR has bits that the mask leaves out, so that it never matches \
             (0x{:02x} under mask 0x{:02x} is 0x{:02x})",
            atr[at],
            mask[at],
            atr[at] & mask[at]
        );
        return Err((Part::Atr, reason));
    }
    Ok((atr, mask))
}

/// Which of an entry's texts is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Atr,
    Mask,
}

/// Bytes from hexadecimal digits; blanks and colons may stand between bytes.
///
/// # Errors
/// What is wrong, in words.
pub fn hexadecimal(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut digits = text.chars().filter(|c| !c.is_whitespace() && *c != ':');
    while let Some(high) = digits.next() {
        let digit = |c: char| c.to_digit(16).ok_or_else(|| format!("{c:?} is no hexadecimal digit"));
        let high = digit(high)?;
        let low = digits.next().ok_or("the number of hexadecimal digits is odd")?;
        bytes.push((high * 16 + digit(low)?) as u8);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_checked() {
        assert_eq!(pattern("3B 80", None), Ok((vec![0x3B, 0x80], vec![0xFF, 0xFF])));
        assert_eq!(pattern("3b:00", Some("ff 00")), Ok((vec![0x3B, 0], vec![0xFF, 0])));
        let wrong = |atr: &str, mask: Option<&str>| pattern(atr, mask).expect_err("it is wrong");
        assert_eq!(wrong("3B", None).0, Part::Atr);
        assert_eq!(wrong(&"3B".repeat(34), None).0, Part::Atr);
        assert_eq!(wrong("3B8", None).1, "the number of hexadecimal digits is odd");
        assert_eq!(wrong("3B8x", None).1, "'x' is no hexadecimal digit");
        assert_eq!(wrong("3B 80", Some("ff")).0, Part::Mask);
        let (part, reason) = wrong("3B 81", Some("ff f0"));
        assert_eq!(part, Part::Atr);
        assert!(reason.contains("byte 1") && reason.contains("0x80"), "{reason}");
    }
}
