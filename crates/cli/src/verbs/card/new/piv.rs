//! `cardmod card new --type piv` and the PIV half of `--type dual`.

use cardmod_types::{Pin, SecretBytes};
use cardmod_virtual::{
    CardOptions, DEFAULT_FIRMWARE, DEFAULT_MANAGEMENT_KEY, ManagementAlgorithm, PivFlavour, PivProfile,
    StoreError, SystemRandom,
};
use clap::{Args, ValueEnum};

use super::document::KeySource;
use crate::args::decode_hex;
use crate::failure::Failure;
use crate::secrets::{GlobalPinOptions, ManagementKeyOptions};

/// Options of the PIV application.
#[derive(Args, Debug)]
#[command(next_help_heading = "PIV cards")]
pub(super) struct PivArgs {
    /// Whether the card knows more than the standard [default: yubikey]
    #[arg(long, value_enum)]
    flavour: Option<Flavour>,
    /// How many wrong PUKs in a row block it [default: as many as PINs]
    #[arg(long, value_name = "NUMBER")]
    puk_tries: Option<u8>,
    /// The GUID of the CHUID, 16 bytes in hexadecimal or as a UUID [default: random]
    #[arg(long, value_name = "GUID", conflicts_with = "no_chuid")]
    guid: Option<Guid>,
    /// Without CHUID and capability container, like a token nobody has set up
    #[arg(long)]
    no_chuid: bool,
    /// The firmware version the card says it has, like 5.7.1; it changes nothing but what programs dare to
    /// ask for [default: 5.4.3]
    #[arg(long, value_name = "VERSION")]
    firmware: Option<Firmware>,
    /// Which management key, where none is given [default: default; random with --protect-management-key,
    /// aes128 and aes256]
    #[arg(long, value_enum, conflicts_with = "ManagementKeyOptions")]
    management_key: Option<ChosenKey>,
    /// The cipher of the management key [default: 3des]
    #[arg(long, value_enum)]
    management_key_algorithm: Option<Algorithm>,
    /// Put a copy of the management key on the card, behind the PIN
    #[arg(long)]
    protect_management_key: bool,
    #[command(flatten)]
    management_key_options: ManagementKeyOptions,
    #[command(flatten)]
    global_pin: GlobalPinOptions,
}

/// What the card knows beside the standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Flavour {
    /// SP 800-73 alone
    Standard,
    /// Also the commands and objects of Yubico's tokens and others like them
    #[value(name = "yubikey")]
    YubiKey,
}

/// A management key that is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ChosenKey {
    /// The one every new token has
    Default,
    /// A random one, shown once
    Random,
}

/// A cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Algorithm {
    /// Three-key triple DES
    #[value(name = "3des")]
    TripleDes,
    /// AES with 128 bits
    Aes128,
    /// AES with 192 bits
    Aes192,
    /// AES with 256 bits
    Aes256,
}

/// Sixteen bytes.
#[derive(Clone, Copy, Debug)]
struct Guid([u8; 16]);

impl std::str::FromStr for Guid {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        let bytes = decode_hex(&digits).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or("a GUID has 32 hexadecimal digits")
    }
}

/// Major, minor, patch.
#[derive(Clone, Copy, Debug)]
struct Firmware([u8; 3]);

impl std::str::FromStr for Firmware {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let numbers: Option<Vec<u8>> = text.split('.').map(|number| number.parse::<u8>().ok()).collect();
        let version = numbers.and_then(|numbers| numbers.try_into().ok());
        version.map(Self).ok_or("a version has three numbers up to 255, like 5.7.1")
    }
}

impl PivArgs {
    /// The options that were used, by name.
    pub(super) fn used(&self) -> Vec<&'static str> {
        let used = [
            ("--flavour", self.flavour.is_some()),
            ("--puk-tries", self.puk_tries.is_some()),
            ("--guid", self.guid.is_some()),
            ("--no-chuid", self.no_chuid),
            ("--firmware", self.firmware.is_some()),
            ("--management-key", self.management_key.is_some()),
            ("--management-key-algorithm", self.management_key_algorithm.is_some()),
            ("--protect-management-key", self.protect_management_key),
            ("a management key", self.management_key_options.source().is_some()),
            ("a global PIN", self.global_pin.source().is_some()),
        ];
        used.iter().filter(|(_, used)| *used).map(|(name, _)| *name).collect()
    }

    /// The profile, and where its management key comes from.
    pub(super) fn profile(
        &self,
        pin: Pin,
        puk: Pin,
        options: CardOptions,
    ) -> Result<(PivProfile, KeySource), Failure> {
        let mut random = SystemRandom;
        let tries = options.pin_tries;
        let mut profile = PivProfile {
            options,
            flavour: match self.flavour {
                Some(Flavour::Standard) => PivFlavour::Standard,
                Some(Flavour::YubiKey) | None => PivFlavour::YubiKey,
            },
            pin_tries: tries,
            puk_tries: self.puk_tries.unwrap_or(tries),
            protect_management_key: self.protect_management_key,
            without_chuid: self.no_chuid,
            firmware: self.firmware.map_or(DEFAULT_FIRMWARE, |Firmware(version)| version),
            ..PivProfile::new(pin, puk)
        };
        profile.guid = Some(match self.guid {
            Some(Guid(guid)) => guid,
            None => PivProfile::random_guid(&mut random).map_err(StoreError::from)?,
        });
        if let Some(source) = self.global_pin.source() {
            profile.global_pin = Some(Pin::new(source.read("global PIN")?.to_vec()));
        }
        let source = self.key_source();
        profile.management_algorithm = self.algorithm();
        profile.management_key = match self.management_key_options.source() {
            Some(given) => management_key(&given.read("management key")?, profile.management_algorithm)?,
            None if source == KeySource::Default => default_key(profile.management_algorithm)?,
            None => {
                profile
                    .generate_management_key(profile.management_algorithm, &mut random)
                    .map_err(StoreError::from)?;
                profile.management_key.clone()
            }
        };
        Ok((profile, source))
    }

    fn key_source(&self) -> KeySource {
        match (self.management_key_options.source(), self.management_key) {
            (Some(_), _) => KeySource::Given,
            (None, Some(ChosenKey::Default)) => KeySource::Default,
            (None, Some(ChosenKey::Random)) => KeySource::Random,
            // Behind the PIN, a key that everybody knows would protect nothing.
            (None, None) if self.protect_management_key => KeySource::Random,
            (None, None) => match self.algorithm().key_len() == DEFAULT_MANAGEMENT_KEY.len() {
                true => KeySource::Default,
                false => KeySource::Random,
            },
        }
    }

    fn algorithm(&self) -> ManagementAlgorithm {
        match self.management_key_algorithm {
            Some(Algorithm::TripleDes) | None => ManagementAlgorithm::TripleDes,
            Some(Algorithm::Aes128) => ManagementAlgorithm::Aes128,
            Some(Algorithm::Aes192) => ManagementAlgorithm::Aes192,
            Some(Algorithm::Aes256) => ManagementAlgorithm::Aes256,
        }
    }
}

/// The cipher's name, as the option takes it.
pub(super) fn algorithm_name(algorithm: ManagementAlgorithm) -> &'static str {
    match algorithm {
        ManagementAlgorithm::TripleDes => "3des",
        ManagementAlgorithm::Aes128 => "aes128",
        ManagementAlgorithm::Aes192 => "aes192",
        ManagementAlgorithm::Aes256 => "aes256",
    }
}

fn management_key(text: &[u8], algorithm: ManagementAlgorithm) -> Result<SecretBytes, Failure> {
    let len = algorithm.key_len();
    decode_hex(text.trim_ascii()).filter(|key| key.len() == len).map(SecretBytes::new).ok_or_else(|| {
        let (digits, name) = (2 * len, algorithm_name(algorithm));
        Failure::failed("secret", format!("the management key is not of {digits} hexadecimal digits"))
            .hint(format!("a key for {name} has {len} bytes; --management-key-algorithm chooses another"))
    })
}

fn default_key(algorithm: ManagementAlgorithm) -> Result<SecretBytes, Failure> {
    if algorithm.key_len() == DEFAULT_MANAGEMENT_KEY.len() {
        return Ok(SecretBytes::from(&DEFAULT_MANAGEMENT_KEY));
    }
    let name = algorithm_name(algorithm);
    Err(Failure::usage(format!("there is no default management key for {name}"))
        .hint("the default key has 24 bytes: take 3des or aes192, or --management-key random"))
}
