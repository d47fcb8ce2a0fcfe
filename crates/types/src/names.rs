//! Names of the card's logical files and directories (minidriver specification, sections 4.3, 5.1).

use core::fmt;

use thiserror::Error;

use crate::keyspec::{ContainerIndex, KeyHalf};

/// Why a byte string is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing there.
    #[error("name is empty")]
    Empty,
    /// More than 8 characters.
    #[error("name is longer than 8 characters")]
    TooLong,
    /// One of `" * / : < > ? \ |`, a control character, or a byte beyond ASCII.
    #[error("byte {0:#04x} is not allowed in a name")]
    Character(u8),
}

/// 1 to 8 checked ASCII characters in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Name {
    bytes: [u8; Name::MAX],
    len: u8,
}

impl Name {
    const MAX: usize = 8;

    fn parse(name: &[u8]) -> Result<Self, NameError> {
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > Self::MAX {
            return Err(NameError::TooLong);
        }
        let mut bytes = [0; Self::MAX];
        for (to, &from) in bytes.iter_mut().zip(name) {
            if from < 0x20 || !from.is_ascii() || b"\"*/:<>?\\|".contains(&from) {
                return Err(NameError::Character(from));
            }
            *to = from.to_ascii_lowercase();
        }
        Ok(Self { bytes, len: name.len() as u8 })
    }

    fn as_str(&self) -> &str {
        // Only ASCII gets in, so the fallback is never taken.
        core::str::from_utf8(&self.bytes[..usize::from(self.len)]).unwrap_or_default()
    }
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Name);

        impl $name {
            /// Checks a name without its terminator: 1 to 8 ASCII characters, none of them a control
            /// character or one of `" * / : < > ? \ |`. Names compare without case and are kept in
            /// lower case.
            ///
            /// # Errors
            /// [`NameError`] says which rule is broken.
            pub fn parse(name: &[u8]) -> Result<Self, NameError> {
                Name::parse(name).map(Self)
            }

            /// The name in lower case.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl core::str::FromStr for $name {
            type Err = NameError;

            fn from_str(name: &str) -> Result<Self, NameError> {
                Self::parse(name.as_bytes())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    };
}

name_type! {
    /// The name of a directory of the card, such as "mscp".
    DirectoryName
}

name_type! {
    /// The name of a file of the card, such as "cmapfile".
    FileName
}

impl DirectoryName {
    /// "mscp": the directory of the Base CSP.
    pub const MSCP: Self = Self(Name { bytes: *b"mscp\0\0\0\0", len: 4 });
    /// "mscerts": intermediate certificates.
    pub const MSCERTS: Self = Self(Name { bytes: *b"mscerts\0", len: 7 });
}

impl FileName {
    /// "cardid": the card's 16-byte identity.
    pub const CARDID: Self = Self(Name { bytes: *b"cardid\0\0", len: 6 });
    /// "cardcf": the freshness counters.
    pub const CARDCF: Self = Self(Name { bytes: *b"cardcf\0\0", len: 6 });
    /// "cardapps": the applications on the card.
    pub const CARDAPPS: Self = Self(Name { bytes: *b"cardapps", len: 8 });
    /// "cmapfile": the container map.
    pub const CMAPFILE: Self = Self(Name { bytes: *b"cmapfile", len: 8 });
    /// "msroots": root certificates.
    pub const MSROOTS: Self = Self(Name { bytes: *b"msroots\0", len: 7 });

    /// The name of the certificate of a container's key: "ksc" or "kxc" and the container's number
    /// in decimal, at least two digits.
    #[must_use]
    pub fn certificate(half: KeyHalf, index: ContainerIndex) -> Self {
        let text = format!("{}{:02}", half.file_prefix(), index.get());
        let mut bytes = [0; Name::MAX];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Self(Name { bytes, len: text.len() as u8 })
    }

    /// The key whose certificate a file of this name holds; `None` for any other name.
    /// Only the form that [`FileName::certificate`] writes is understood.
    #[must_use]
    pub fn certified_key(&self) -> Option<(KeyHalf, ContainerIndex)> {
        [KeyHalf::Signature, KeyHalf::KeyExchange].into_iter().find_map(|half| {
            let digits = self.as_str().strip_prefix(half.file_prefix())?;
            let index = ContainerIndex::new(digits.parse().ok()?);
            (Self::certificate(half, index) == *self).then_some((half, index))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_in_lower_case() {
        assert_eq!(FileName::parse(b"CMapFile").unwrap(), FileName::CMAPFILE);
        assert_eq!(DirectoryName::parse(b"MSCP").unwrap().as_str(), "mscp");
        assert_eq!(format!("{:?}", FileName::CARDCF), "\"cardcf\"");
    }

    #[test]
    fn each_broken_rule_has_its_error() {
        assert_eq!(FileName::parse(b""), Err(NameError::Empty));
        assert_eq!(FileName::parse(b"ninechars"), Err(NameError::TooLong));
        for bad in (0..32).chain(128..=255).chain(*b"\"*/:<>?\\|") {
            assert_eq!(FileName::parse(&[b'a', bad]), Err(NameError::Character(bad)));
        }
        assert!(FileName::parse(b"a b.c-_~").is_ok());
    }

    #[test]
    fn constants_satisfy_the_rules() {
        for name in
            [FileName::CARDID, FileName::CARDCF, FileName::CARDAPPS, FileName::CMAPFILE, FileName::MSROOTS]
        {
            assert_eq!(FileName::parse(name.as_str().as_bytes()), Ok(name));
        }
        for name in [DirectoryName::MSCP, DirectoryName::MSCERTS] {
            assert_eq!(DirectoryName::parse(name.as_str().as_bytes()), Ok(name));
        }
    }

    #[test]
    fn certificate_names_are_decimal_and_come_back() {
        let name = |half, n| FileName::certificate(half, ContainerIndex::new(n));
        assert_eq!(name(KeyHalf::KeyExchange, 0).as_str(), "kxc00");
        assert_eq!(name(KeyHalf::Signature, 10).as_str(), "ksc10");
        for n in 0..=255 {
            for half in [KeyHalf::Signature, KeyHalf::KeyExchange] {
                assert_eq!(name(half, n).certified_key(), Some((half, ContainerIndex::new(n))));
            }
        }
        for other in ["kxc", "kxc0", "kxc000", "kxc256", "kxc+1", "kss00", "cardcf"] {
            assert_eq!(other.parse::<FileName>().unwrap().certified_key(), None, "{other}");
        }
    }
}
