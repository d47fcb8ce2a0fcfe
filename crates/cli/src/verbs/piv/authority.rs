//! The right to write a PIV card: the management key, given or kept on the card behind the PIN.

use std::path::PathBuf;

use cardmod_default::piv::edge::{ManagementAlgorithm, ManagementKey, PivCard, PivError};
use cardmod_types::{Pin, SecretBytes};
use clap::Args;
use zeroize::Zeroizing;

use super::PivDesk;
use crate::args::decode_hex;
use crate::failure::Failure;
use crate::management::{KEY_FILE, ManagementOptions};
use crate::output::Output;
use crate::secrets::{self, PinOptions, SecretSource};

/// Where the management key comes from, and the PIN that may stand before it.
#[derive(Args, Clone, Debug)]
pub(crate) struct AuthorityOptions {
    #[command(flatten)]
    management: ManagementOptions,
    #[command(flatten)]
    pub(crate) pin: PinOptions,
}

/// What the administrator proves himself with.
pub(crate) enum Authority {
    /// A key that was given, or the one everybody knows.
    Key(ManagementKey),
    /// The key on the card behind this PIN.
    Protected(Pin),
    /// The key that is made of this PIN.
    Derived(Pin, ManagementKey),
}

impl AuthorityOptions {
    /// Finds out what gives the right on this card, and reads or asks for it.
    pub(crate) fn resolve(&self, desk: &mut PivDesk, out: Output) -> Result<Authority, Failure> {
        if let Some(given) = self.given()? {
            return Ok(Authority::Key(given));
        }
        let (admin, metadata) = desk.work(|card| {
            let admin = card.admin_data()?;
            Ok((admin, card.management_metadata()?))
        })?;
        if admin.is_key_protected() {
            return self.pin().map(Authority::Protected);
        }
        if let Some(salt) = admin.salt() {
            let pin = self.pin()?;
            let key = ManagementKey::derived(pin.as_bytes(), salt);
            return Ok(Authority::Derived(pin, key));
        }
        if metadata.and_then(|metadata| metadata.is_default) == Some(true) {
            out.note("note: the card's management key is the one everybody knows");
            return Ok(Authority::Key(ManagementKey::well_known()));
        }
        Err(Failure::failed("management-key-required", "the management key is needed").hint(
            "give --management-key-file, -env, -fd or -prompt; --management-key default is the one \
             cards are made with",
        ))
    }

    /// Where the management key is read from, if an option says so.
    pub(crate) fn management_source(&self) -> Option<SecretSource> {
        self.management.source()
    }

    /// The PIN, from its option or from the terminal.
    pub(crate) fn pin(&self) -> Result<Pin, Failure> {
        match self.pin.source() {
            Some(source) => source.read("PIN").map(Pin::from),
            None => secrets::prompt("PIN: ", "PIN", "pin").map(Pin::from),
        }
    }

    fn given(&self) -> Result<Option<ManagementKey>, Failure> {
        if let Some(key) = self.management.key()? {
            let algorithm = key.algorithm().map(|algorithm| algorithm.to_string().parse());
            let algorithm =
                algorithm.transpose().map_err(|error: UnknownAlgorithm| Failure::usage(error.to_string()))?;
            return match key.secret() {
                None => Ok(Some(ManagementKey::well_known())),
                Some(bytes) => key_of(bytes.clone(), algorithm).map(Some),
            };
        }
        match std::env::var_os(KEY_FILE).filter(|path| !path.is_empty()) {
            Some(path) => key_in_file(PathBuf::from(path)).map(Some),
            None => Ok(None),
        }
    }
}

type UnknownAlgorithm = cardmod_default::piv::edge::UnknownManagementAlgorithm;

impl Authority {
    /// Proves it to the card.
    pub(crate) fn prove(&self, card: &mut PivCard<'_>) -> Result<(), PivError> {
        match self {
            Self::Key(key) => card.authenticate_management(key, nonce()?),
            Self::Protected(pin) => {
                verify(card, pin)?;
                card.authenticate_protected(nonce).map(drop)
            }
            Self::Derived(pin, key) => {
                // A wrong PIN makes a wrong key, which says less than the PIN itself.
                verify(card, pin)?;
                card.authenticate_management(key, nonce()?)
            }
        }
    }

    /// The PIN, where one was needed.
    pub(crate) const fn pin(&self) -> Option<&Pin> {
        match self {
            Self::Key(_) => None,
            Self::Protected(pin) | Self::Derived(pin, _) => Some(pin),
        }
    }
}

/// Verifies the PIN that this card asks its user for.
pub(crate) fn verify(card: &mut PivCard<'_>, pin: &Pin) -> Result<(), PivError> {
    let reference = card.primary_pin()?;
    card.verify_pin(reference, pin)
}

/// Fresh randomness for our side of the mutual proof.
fn nonce() -> Result<[u8; 16], PivError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| PivError::NoRandomness)?;
    Ok(nonce)
}

/// Fills bytes from the system's source.
pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Failure> {
    getrandom::fill(bytes).map_err(|_| Failure::failed("no-randomness", PivError::NoRandomness.to_string()))
}

/// A key of its bytes; the message of a wrong length says which lengths there are.
pub(crate) fn key_of(
    bytes: SecretBytes,
    algorithm: Option<ManagementAlgorithm>,
) -> Result<ManagementKey, Failure> {
    ManagementKey::new(bytes, algorithm).map_err(|error| Failure::failed("secret", error.to_string()))
}

/// A key of its hexadecimal digits.
pub(crate) fn key_of_digits(
    digits: &Zeroizing<Vec<u8>>,
    algorithm: Option<ManagementAlgorithm>,
) -> Result<ManagementKey, Failure> {
    let bytes = decode_hex(digits.trim_ascii());
    let bytes =
        bytes.ok_or_else(|| Failure::failed("secret", "the management key is not of hexadecimal digits"))?;
    key_of(SecretBytes::new(bytes), algorithm)
}

/// The key in the file that the environment names, which nobody else may read.
fn key_in_file(path: PathBuf) -> Result<ManagementKey, Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().map_err(|error| Failure::file("read", &path, error))?.permissions().mode();
        if mode & 0o077 != 0 {
            let text = format!("{} holds the management key and others may read it", path.display());
            return Err(Failure::failed("secret", text).hint("chmod 600 makes it yours alone"));
        }
    }
    let digits = SecretSource::File(path).read("management key")?;
    if digits.trim_ascii().eq_ignore_ascii_case(b"default") {
        return Ok(ManagementKey::well_known());
    }
    key_of_digits(&digits, None)
}
