//! Where a logical file is: in the root or in a directory of the root; there is nothing deeper.

use core::fmt;

use crate::keyspec::{ContainerIndex, KeyHalf};
use crate::names::{DirectoryName, FileName, NameError};

/// A file of the card by directory and name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilePath {
    /// The directory; `None` is the root.
    pub directory: Option<DirectoryName>,
    /// The file's name in it.
    pub name: FileName,
}

impl FilePath {
    /// A file of the root.
    #[must_use]
    pub const fn in_root(name: FileName) -> Self {
        Self { directory: None, name }
    }

    /// A file of a directory.
    #[must_use]
    pub const fn new(directory: DirectoryName, name: FileName) -> Self {
        Self { directory: Some(directory), name }
    }

    /// Parses "name" or "directory/name".
    ///
    /// # Errors
    /// [`NameError`] of the part that is wrong; a second slash is a character not allowed in a name.
    pub fn parse(path: &str) -> Result<Self, NameError> {
        match path.split_once('/') {
            None => Ok(Self::in_root(path.parse()?)),
            Some((directory, name)) => Ok(Self::new(directory.parse()?, name.parse()?)),
        }
    }

    /// "cardid".
    #[must_use]
    pub const fn cardid() -> Self {
        Self::in_root(FileName::CARDID)
    }

    /// "cardcf".
    #[must_use]
    pub const fn cardcf() -> Self {
        Self::in_root(FileName::CARDCF)
    }

    /// "cardapps".
    #[must_use]
    pub const fn cardapps() -> Self {
        Self::in_root(FileName::CARDAPPS)
    }

    /// "mscp/cmapfile".
    #[must_use]
    pub const fn cmapfile() -> Self {
        Self::new(DirectoryName::MSCP, FileName::CMAPFILE)
    }

    /// "mscp/msroots".
    #[must_use]
    pub const fn msroots() -> Self {
        Self::new(DirectoryName::MSCP, FileName::MSROOTS)
    }

    /// The certificate of a container's key, such as "mscp/kxc00".
    #[must_use]
    pub fn certificate(half: KeyHalf, index: ContainerIndex) -> Self {
        Self::new(DirectoryName::MSCP, FileName::certificate(half, index))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(directory) = &self.directory {
            write!(f, "{directory}/")?;
        }
        write!(f, "{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_print_and_parse() {
        let certificate = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(0));
        for (path, text) in [
            (FilePath::cardid(), "cardid"),
            (FilePath::cardcf(), "cardcf"),
            (FilePath::cardapps(), "cardapps"),
            (FilePath::cmapfile(), "mscp/cmapfile"),
            (FilePath::msroots(), "mscp/msroots"),
            (certificate, "mscp/kxc00"),
        ] {
            assert_eq!(path.to_string(), text);
            assert_eq!(FilePath::parse(&text.to_ascii_uppercase()), Ok(path));
        }
    }

    #[test]
    fn there_is_no_third_level() {
        assert_eq!(FilePath::parse("a/b/c"), Err(NameError::Character(b'/')));
        assert_eq!(FilePath::parse("/b"), Err(NameError::Empty));
        assert_eq!(FilePath::parse("a/"), Err(NameError::Empty));
    }
}
