//! PIV cards: the profile of a new one.

use cardmod_types::{Pin, SecretBytes};
use zeroize::Zeroizing;

use crate::fault::CardFault;
use crate::options::CardOptions;
use crate::ports::Random;

/// The management key tokens leave the factory with, under triple-DES and AES-192 alike. Everybody knows it.
pub const DEFAULT_MANAGEMENT_KEY: [u8; 24] =
    [1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8];

/// The firmware of a new YubiKey-like card.
pub const DEFAULT_FIRMWARE: [u8; 3] = [5, 4, 3];

/// Which PIV card it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PivFlavour {
    /// SP 800-73 and nothing else: no vendor commands, no vendor objects.
    Standard,
    /// The commands and objects that `YubiKey`s and compatible tokens have besides: import, metadata,
    /// attestation and others.
    #[default]
    YubiKey,
}

/// The cipher of the management key (9B; SP 800-78, section 5, and its identifiers in Table 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ManagementAlgorithm {
    /// 03: three-key triple-DES, 24 bytes.
    #[default]
    TripleDes,
    /// 08: 16 bytes.
    Aes128,
    /// 0A: 24 bytes.
    Aes192,
    /// 0C: 32 bytes.
    Aes256,
}

/// A PIV card, ready for use: PIN, PUK, management key, CHUID, capability container; no keys.
#[derive(Debug, Clone)]
pub struct PivProfile {
    /// Capabilities and limits. Of these [`CardOptions::pin_tries`], [`CardOptions::max_containers`],
    /// [`CardOptions::bulk_read`] and [`CardOptions::behaviour`] say nothing about PIV. On a card with
    /// both applications the options of the GIDS profile hold.
    pub options: CardOptions,
    /// Plain or with a vendor's extensions.
    pub flavour: PivFlavour,
    /// The PIN, 6 to 8 bytes; decimal digits on a [`PivFlavour::Standard`] card.
    pub pin: Pin,
    /// The PUK, 8 bytes; 6 to 8 with [`PivFlavour::YubiKey`].
    pub puk: Pin,
    /// Wrong PINs in a row before it is blocked, 1 to 15.
    pub pin_tries: u8,
    /// Wrong PUKs in a row before it is blocked, 1 to 15.
    pub puk_tries: u8,
    /// The management key, as long as its algorithm says.
    pub management_key: SecretBytes,
    /// Its cipher.
    pub management_algorithm: ManagementAlgorithm,
    /// Puts a copy of the management key behind the PIN, in the Printed Information object, as Yubico's
    /// programs do; not on a [`PivFlavour::Standard`] card.
    pub protect_management_key: bool,
    /// The GUID of the CHUID; without one a random one (UUID version 4).
    pub guid: Option<[u8; 16]>,
    /// Leaves out CHUID and capability container, as on a token nobody initialised.
    pub without_chuid: bool,
    /// A global PIN, 6 to 8 decimal digits, which unlocks the application as well. The Discovery object
    /// says so.
    pub global_pin: Option<Pin>,
    /// Discovery tells programs to ask for the global PIN rather than for the application's own.
    pub global_pin_first: bool,
    /// The firmware a [`PivFlavour::YubiKey`] card says it has: major, minor, patch. What the card can do
    /// does not depend on it, but programs refuse to try what they think a firmware has not: to ykman,
    /// moving keys, RSA over 2048 bits and Curve25519 need 5.7.0.
    pub firmware: [u8; 3],
    /// The day in the CHUID, `YYYYMMDD`.
    pub expiry: [u8; 8],
}

impl ManagementAlgorithm {
    /// The algorithm identifier.
    #[must_use]
    pub fn id(self) -> u8 {
        match self {
            ManagementAlgorithm::TripleDes => 0x03,
            ManagementAlgorithm::Aes128 => 0x08,
            ManagementAlgorithm::Aes192 => 0x0A,
            ManagementAlgorithm::Aes256 => 0x0C,
        }
    }

    /// The algorithm with this identifier; 00 is triple-DES too.
    #[must_use]
    pub fn from_id(id: u8) -> Option<ManagementAlgorithm> {
        match id {
            0x00 | 0x03 => Some(ManagementAlgorithm::TripleDes),
            0x08 => Some(ManagementAlgorithm::Aes128),
            0x0A => Some(ManagementAlgorithm::Aes192),
            0x0C => Some(ManagementAlgorithm::Aes256),
            _ => None,
        }
    }

    /// Bytes of a key.
    #[must_use]
    pub fn key_len(self) -> usize {
        match self {
            ManagementAlgorithm::Aes128 => 16,
            ManagementAlgorithm::TripleDes | ManagementAlgorithm::Aes192 => 24,
            ManagementAlgorithm::Aes256 => 32,
        }
    }

    /// Bytes of a block, and so of a challenge.
    #[must_use]
    pub fn block_len(self) -> usize {
        if self == ManagementAlgorithm::TripleDes { 8 } else { 16 }
    }
}

impl PivProfile {
    /// The profile with this PIN and PUK, three tries each, and the well-known management key.
    #[must_use]
    pub fn new(pin: Pin, puk: Pin) -> PivProfile {
        PivProfile {
            options: CardOptions::default(),
            flavour: PivFlavour::default(),
            pin,
            puk,
            pin_tries: 3,
            puk_tries: 3,
            management_key: SecretBytes::from(&DEFAULT_MANAGEMENT_KEY),
            management_algorithm: ManagementAlgorithm::default(),
            protect_management_key: false,
            guid: None,
            without_chuid: false,
            global_pin: None,
            global_pin_first: false,
            firmware: DEFAULT_FIRMWARE,
            expiry: *b"20501231",
        }
    }

    /// A GUID as a CHUID may have one: a random UUID (version 4; RFC 9562, section 5.4).
    ///
    /// # Errors
    /// [`CardFault::Random`].
    pub fn random_guid(random: &mut dyn Random) -> Result<[u8; 16], CardFault> {
        let mut uuid = [0; 16];
        random.fill(&mut uuid)?;
        uuid[6] = uuid[6] & 0x0F | 0x40;
        uuid[8] = uuid[8] & 0x3F | 0x80;
        Ok(uuid)
    }

    /// Replaces the management key by a random one. Keep it, unless a copy is put behind the PIN: it
    /// cannot be read from the card.
    ///
    /// # Errors
    /// [`CardFault::Random`].
    pub fn generate_management_key(
        &mut self,
        algorithm: ManagementAlgorithm,
        random: &mut dyn Random,
    ) -> Result<(), CardFault> {
        let mut key = Zeroizing::new(vec![0; algorithm.key_len()]);
        random.fill(&mut key)?;
        self.management_key = SecretBytes::from(key);
        self.management_algorithm = algorithm;
        Ok(())
    }

    /// What of the profile no card can have.
    pub(crate) fn check(&self) -> Result<(), String> {
        let standard = self.flavour == PivFlavour::Standard;
        let digits = |pin: &Pin| pin.as_bytes().iter().all(u8::is_ascii_digit);
        if !(6..=8).contains(&self.pin.len()) || self.pin.as_bytes().contains(&0xFF) {
            return Err("a PIV card's PIN has 6 to 8 characters".into());
        }
        if standard && !digits(&self.pin) {
            return Err("the PIN of a standard PIV card is made of decimal digits".into());
        }
        if !(6..=8).contains(&self.puk.len()) || self.puk.as_bytes().contains(&0xFF) {
            return Err("a PIV card's PUK has 6 to 8 characters".into());
        }
        if standard && self.puk.len() != 8 {
            return Err("the PUK of a standard PIV card has 8 characters".into());
        }
        if let Some(global) = &self.global_pin
            && !((6..=8).contains(&global.len()) && digits(global))
        {
            return Err("a global PIN has 6 to 8 decimal digits".into());
        }
        if self.global_pin_first && self.global_pin.is_none() {
            return Err("there is no global PIN that could be asked for first".into());
        }
        if standard && self.firmware != DEFAULT_FIRMWARE {
            return Err("a standard PIV card says nothing about its firmware".into());
        }
        for (name, tries) in [("PIN", self.pin_tries), ("PUK", self.puk_tries)] {
            if !(1..=15).contains(&tries) {
                return Err(format!("a {name} has 1 to 15 tries, not {tries}"));
            }
        }
        let expected = self.management_algorithm.key_len();
        if self.management_key.len() != expected {
            let found = self.management_key.len();
            return Err(format!("the management key has {found} bytes instead of {expected}"));
        }
        if standard && self.protect_management_key {
            return Err("a standard PIV card has no place for a management key behind the PIN".into());
        }
        if !self.expiry.iter().all(u8::is_ascii_digit) {
            return Err("the expiry of a CHUID is eight digits, year, month and day".into());
        }
        Ok(())
    }
}
