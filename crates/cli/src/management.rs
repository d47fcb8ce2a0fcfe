//! The management key a verb may write a card with: key 9B of PIV cards.

use cardmod_host::{ManagementAlgorithm, ManagementKey};
use cardmod_types::SecretBytes;
use clap::Args;

use crate::args::decode_hex;
use crate::failure::Failure;
use crate::secrets::{self, ManagementKeySource, SecretSource};

/// What the key is called in messages.
const NAME: &str = "management key";

/// The file a management key is read from where no option names one.
pub(crate) const KEY_FILE: &str = "CARDMOD_PIV_MANAGEMENT_KEY_FILE";

/// Where the management key comes from, and what it is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ManagementOptions {
    #[command(flatten)]
    source: ManagementKeySource,
    /// Ask for the management key on the terminal
    #[arg(
        long = "management-key-prompt",
        id = "management-key-prompt",
        help_heading = "Secrets",
        conflicts_with_all = ["management-key-file", "management-key-env", "management-key-fd"]
    )]
    prompt: bool,
    /// The word `default`: the key that PIV cards are made with, which everybody knows
    // Any text is taken here, so that a key typed by mistake is not repeated in an error.
    #[arg(
        long = "management-key",
        id = "management-key",
        value_name = "default",
        help_heading = "Secrets",
        hide_possible_values = true,
        conflicts_with_all =
            ["management-key-file", "management-key-env", "management-key-fd", "management-key-prompt"]
    )]
    word: Option<String>,
    /// The management key's algorithm: 3des, aes128, aes192 or aes256 [default: the card tells]
    #[arg(
        long = "management-key-algorithm",
        id = "management-key-algorithm",
        value_name = "ALGORITHM",
        help_heading = "Secrets"
    )]
    algorithm: Option<ManagementAlgorithm>,
}

impl ManagementOptions {
    /// The source of the key, where it is read from somewhere.
    pub(crate) fn source(&self) -> Option<SecretSource> {
        self.source.source()
    }

    /// The key the options name, read now.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(crate) fn key(&self) -> Result<Option<ManagementKey>, Failure> {
        if let Some(word) = &self.word {
            return self.well_known(word).map(Some);
        }
        let digits = match self.source() {
            Some(source) => source.read(NAME)?,
            None if self.prompt => {
                secrets::prompt("Management key (hexadecimal digits): ", NAME, NAME_OPTION)?
            }
            None if self.algorithm.is_some() => {
                return Err(Failure::usage("--management-key-algorithm is of a key that is not given")
                    .hint("--management-key-file, -env, -fd or -prompt gives it"));
            }
            None => return Ok(None),
        };
        let Some(bytes) = decode_hex(digits.trim_ascii()) else {
            return Err(Failure::failed("secret", "the management key is not of hexadecimal digits"));
        };
        Ok(Some(ManagementKey::new(self.algorithm, SecretBytes::new(bytes))?))
    }

    fn well_known(&self, word: &str) -> Result<ManagementKey, Failure> {
        if !word.eq_ignore_ascii_case("default") {
            return Err(Failure::usage("--management-key takes the word default alone, never a key")
                .hint("--management-key-file, -env, -fd or -prompt takes a key"));
        }
        match self.algorithm {
            Some(_) => Err(Failure::usage("the default management key has the card's own algorithm")
                .hint("leave --management-key-algorithm out")),
            None => Ok(ManagementKey::well_known()),
        }
    }
}

/// The options that give the key, without their endings.
const NAME_OPTION: &str = "management-key";

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        management: ManagementOptions,
    }

    fn key(words: &[&str]) -> Result<Option<ManagementKey>, String> {
        let line = Line::try_parse_from([&["program"], words].concat());
        let line = line.map_err(|error| error.to_string())?;
        line.management.key().map_err(|failure| failure.message)
    }

    #[test]
    fn a_key_comes_from_one_place() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "010203040506070801020304050607080102030405060708\n").unwrap();
        let path = file.path().to_str().unwrap();
        let read = key(&["--management-key-file", path]).unwrap().unwrap();
        assert_eq!((read.algorithm(), read.secret().unwrap().len()), (None, 24));
        let named = key(&["--management-key-file", path, "--management-key-algorithm", "AES-192"]);
        assert_eq!(named.unwrap().unwrap().algorithm(), Some(ManagementAlgorithm::Aes192));
        assert!(key(&[]).unwrap().is_none());
        assert!(key(&["--management-key", "default"]).unwrap().unwrap().secret().is_none());

        for words in [
            &["--management-key-file", path, "--management-key", "default"][..],
            &["--management-key-file", path, "--management-key-env", "X"],
            &["--management-key-prompt", "--management-key", "default"],
            &["--management-key-algorithm", "aes128"],
            &["--management-key", "default", "--management-key-algorithm", "aes128"],
            &["--management-key-file", path, "--management-key-algorithm", "aes128"],
        ] {
            assert!(key(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn a_key_typed_on_the_command_line_is_not_repeated() {
        let typed = "010203040506070801020304050607080102030405060708";
        let refused = key(&["--management-key", typed]).unwrap_err();
        assert!(refused.contains("never a key") && !refused.contains(typed), "{refused}");
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "01020304 what").unwrap();
        let refused = key(&["--management-key-file", file.path().to_str().unwrap()]).unwrap_err();
        assert!(refused.contains("hexadecimal") && !refused.contains("01020304"), "{refused}");
    }
}
