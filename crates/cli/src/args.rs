//! The command line: global options and verbs.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

use cardmod_host::ContainerSpec;
use cardmod_types::{CardApplication, HashAlgorithm, KeyHalf, SecretBytes};

use crate::verbs;

/// Smart cards through card modules (Cardmod.h): keys, certificates, signatures, and virtual cards
/// that need no hardware.
///
/// With no card named, the one card found is used; where there is none, the virtual card `default`.
#[derive(Debug, Parser)]
#[command(name = "cardmod", version, max_term_width = 100,
          after_help = crate::exit::help())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// Options of every verb.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Use this virtual card
    #[arg(
        long,
        global = true,
        help_heading = "Every verb's options",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "reader"
    )]
    pub(crate) card: Option<String>,
    /// Use the card in this reader
    #[arg(
        long,
        global = true,
        help_heading = "Every verb's options",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub(crate) reader: Option<String>,
    /// Drive this card module (a shared library) instead of the registered or built-in one
    #[arg(long, global = true, help_heading = "Every verb's options", value_name = "PATH")]
    pub(crate) module: Option<PathBuf>,
    /// Use this application of a card that has several [default: the module's choice]
    #[arg(long, global = true, help_heading = "Every verb's options", value_enum)]
    pub(crate) application: Option<Application>,
    /// Print one JSON document instead of text
    #[arg(long, global = true, help_heading = "Every verb's options")]
    pub(crate) json: bool,
    /// Append one JSON object a line for each APDU, secrets left out
    #[arg(long, global = true, help_heading = "Every verb's options", value_name = "FILE")]
    pub(crate) apdu_log: Option<PathBuf>,
    /// Print results and errors only
    #[arg(long, short, global = true, help_heading = "Every verb's options")]
    pub(crate) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Do everything once on a fresh virtual card, and show each step
    Try(verbs::trial::TryArgs),
    /// Print what a shell needs to complete this program's words
    Completions(verbs::shell::CompletionsArgs),
    /// Print the manual page, or write one for each verb
    Man(verbs::shell::ManArgs),
    /// Explain why a card does not work, and what to do about it
    Doctor,
    /// Explain the card: reader, module, PINs, containers, certificates
    Info(verbs::info::InfoArgs),
    /// List, delete, rebuild or choose the default of the card's key containers
    #[command(subcommand)]
    Container(verbs::container::ContainerVerb),
    /// Make, import or show keys
    #[command(subcommand)]
    Key(verbs::key::KeyVerb),
    /// Request, make, import, export or delete certificates
    #[command(subcommand)]
    Cert(verbs::cert::CertVerb),
    /// Sign a file with a key of the card
    Sign(verbs::sign::SignArgs),
    /// Verify a signature with a container's public key or a public key file
    Verify(verbs::verify::VerifyArgs),
    /// Decrypt a file with an RSA key of the card
    Decrypt(verbs::decrypt::DecryptArgs),
    /// Agree on a secret with another party's public key (ECDH)
    Derive(verbs::derive::DeriveArgs),
    /// Show, verify, change or unblock PINs
    #[command(subcommand)]
    Pin(verbs::pin::PinVerb),
    /// Look after a PIV card: what it tells, attestation, moving keys, management key, reset
    #[command(subcommand)]
    Piv(verbs::piv::PivVerb),
    /// Check or replace the administrator key; unblock a PIN with an administrator elsewhere
    #[command(subcommand)]
    Admin(verbs::admin::AdminVerb),
    /// Create, list, erase, eject, insert or plug virtual cards, or show them to other programs
    #[command(subcommand)]
    Card(verbs::card::CardVerb),
    /// Choose which card module serves which card
    #[command(subcommand)]
    Module(verbs::module::ModuleVerb),
    /// Show or forget what is remembered of cards from run to run
    #[command(subcommand)]
    Cache(verbs::cache::CacheVerb),
    /// Switch the log files of card modules, or show them
    #[command(subcommand)]
    Log(verbs::log::LogVerb),
    /// List, read, write or delete the card's logical files and directories
    #[command(subcommand)]
    File(verbs::file::FileVerb),
    /// List, show or set the card's properties
    #[command(subcommand)]
    Property(verbs::property::PropertyVerb),
}

/// Which application of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Application {
    /// NIST SP 800-73
    Piv,
    /// Microsoft's generic profile
    Gids,
}

impl From<Application> for CardApplication {
    fn from(application: Application) -> Self {
        match application {
            Application::Piv => Self::Piv,
            Application::Gids => Self::Gids,
        }
    }
}

/// Which key of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Purpose {
    /// The signature key
    Sign,
    /// The key exchange key (which an RSA container signs with too)
    Exchange,
}

impl From<Purpose> for KeyHalf {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Sign => Self::Signature,
            Purpose::Exchange => Self::KeyExchange,
        }
    }
}

/// Which container, and which key of it.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeyChoice {
    /// The container, with or without its card's reader: NAME or \\.\READER\NAME; an empty NAME is the
    /// card's default container [default: that]
    #[arg(long, value_name = "NAME")]
    pub(crate) container: Option<ContainerSpec>,
    /// Which key of a container that has both
    #[arg(long, value_enum)]
    pub(crate) purpose: Option<Purpose>,
}

impl KeyChoice {
    /// The container's name, as the host takes it.
    pub(crate) fn name(&self) -> Option<&str> {
        self.container.as_ref().and_then(ContainerSpec::container)
    }

    /// The half, as the host takes it.
    pub(crate) fn half(&self) -> Option<KeyHalf> {
        self.purpose.map(KeyHalf::from)
    }
}

/// Hash algorithms a user can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Hash {
    /// MD5, for old peers alone
    Md5,
    /// SHA-1
    Sha1,
    /// SHA-256
    Sha256,
    /// SHA-384
    Sha384,
    /// SHA-512
    Sha512,
}

impl From<Hash> for HashAlgorithm {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Md5 => Self::Md5,
            Hash::Sha1 => Self::Sha1,
            Hash::Sha256 => Self::Sha256,
            Hash::Sha384 => Self::Sha384,
            Hash::Sha512 => Self::Sha512,
        }
    }
}

/// Bytes given in hexadecimal on the command line (never secrets).
#[derive(Clone, Debug, Default)]
pub(crate) struct HexBytes(pub(crate) Vec<u8>);

impl HexBytes {
    /// As the key derivation functions take what stands around the secret.
    pub(crate) fn secret(&self) -> SecretBytes {
        SecretBytes::new(self.0.clone())
    }
}

impl std::str::FromStr for HexBytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b':')).collect();
        decode_hex(&digits).map(Self).ok_or("an even number of hexadecimal digits is expected")
    }
}

/// Decodes hexadecimal digits; `None` for anything else.
pub(crate) fn decode_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pairs = text.chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some((digit(pair[0])? * 16 + digit(pair[1])?) as u8)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn hexadecimal_is_read_strictly() {
        assert_eq!("00fF".parse::<HexBytes>().unwrap().0, [0x00, 0xFF]);
        assert!("0".parse::<HexBytes>().is_err());
        assert!("zz".parse::<HexBytes>().is_err());
    }
}
