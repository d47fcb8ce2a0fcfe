//! How programs name a container: the four forms of Windows (container specification types I to IV).

use std::fmt;
use std::str::FromStr;

use cardmod_types::ContainerName;

/// What a reader's name stands behind.
const PREFIX: &str = r"\\.\";

/// A container, with or without the reader its card is in.
///
/// | Text | Means |
/// |---|---|
/// | `\\.\Reader\Container` | this container of the card in this reader |
/// | `\\.\Reader\` | the default container of the card in this reader |
/// | `Container` | this container of whatever card has it |
/// | nothing | the default container of whatever card there is |
///
/// For a container to be made, a text without reader means any card with room.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ContainerSpec {
    reader: Option<String>,
    container: Option<String>,
}

impl ContainerSpec {
    /// The reader that is named.
    #[must_use]
    pub fn reader(&self) -> Option<&str> {
        self.reader.as_deref()
    }

    /// The container that is named; `None` is the default one.
    #[must_use]
    pub fn container(&self) -> Option<&str> {
        self.container.as_deref()
    }
}

/// A text that specifies no container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} names no container: {reason}")]
pub struct BadContainerSpec {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl FromStr for ContainerSpec {
    type Err = BadContainerSpec;

    fn from_str(text: &str) -> Result<Self, BadContainerSpec> {
        let bad = |reason: &str| BadContainerSpec { text: text.to_owned(), reason: reason.to_owned() };
        let (reader, container) = match text.strip_prefix(PREFIX) {
            None => (None, text),
            // A container's name has no backslash; a reader's might.
            Some(rest) => match rest.rsplit_once('\\') {
                Some(("", _)) => return Err(bad("the reader's name is empty")),
                Some((reader, container)) => (Some(reader.to_owned()), container),
                None => {
                    return Err(bad(r"after the reader's name a backslash is missing: \\.\Reader\Container"));
                }
            },
        };
        if container.is_empty() {
            return Ok(Self { reader, container: None });
        }
        ContainerName::parse(container).map_err(|error| bad(&error.to_string()))?;
        Ok(Self { reader, container: Some(container.to_owned()) })
    }
}

impl fmt::Display for ContainerSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reader) = &self.reader {
            write!(f, r"{PREFIX}{reader}\")?;
        }
        f.write_str(self.container.as_deref().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_forms_are_read_and_written() {
        for (text, reader, container) in [
            (r"\\.\Some Reader 00 00\web", Some("Some Reader 00 00"), Some("web")),
            (r"\\.\Some Reader 00 00\", Some("Some Reader 00 00"), None),
            (r"\\.\Odd\Reader\web", Some(r"Odd\Reader"), Some("web")),
            ("web", None, Some("web")),
            ("", None, None),
        ] {
            let spec: ContainerSpec = text.parse().expect(text);
            assert_eq!((spec.reader(), spec.container()), (reader, container));
            assert_eq!(spec.to_string(), text);
        }
        assert_eq!("".parse(), Ok(ContainerSpec::default()));
    }

    #[test]
    fn what_is_none_is_refused() {
        let long = "x".repeat(40);
        for text in [r"\\.\", r"\\.\Reader", r"\\.\\web", r"\web", r"a\b", long.as_str()] {
            assert!(text.parse::<ContainerSpec>().is_err(), "{text}");
        }
        let error = r"\\.\Reader".parse::<ContainerSpec>().expect_err("no container").to_string();
        assert!(error.contains("a backslash is missing"), "{error}");
    }
}
