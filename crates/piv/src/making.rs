//! Making keys: generation on the card (SP 800-73-5 part 2, section 3.3.2) and import (IMPORT ASYMMETRIC
//! KEY, an extension of Yubico); and whether a slot is free for one.

use std::fmt;

use cardmod_iso7816::tlv::{Tag, Writer};
use cardmod_iso7816::{Command, Le, StatusWord};
use cardmod_types::{EcPrivateKey, PrivateKey, RsaPrivateKey, SecretBytes};

use crate::error::refused;
use crate::public::generated;
use crate::{KeyAlgorithm, KeyReference, PivCard, PivCommand, PivError, Policies, Slot, SlotKey};

/// The only public exponent the import command can mean: it carries none.
const EXPONENT: u32 = 65_537;
/// Bytes of a private key of Curve25519.
const SCALAR_25519: usize = 32;

/// A private key on its way into a card.
pub enum ImportKey<'a> {
    /// RSA with the public exponent 65537.
    Rsa(&'a RsaPrivateKey),
    /// P-256 or P-384.
    Ec(&'a EcPrivateKey),
    /// The 32 bytes of an Ed25519 private key (RFC 8032, section 5.1.5).
    Ed25519(&'a SecretBytes),
    /// The 32 bytes of an X25519 private key (RFC 7748, section 5).
    X25519(&'a SecretBytes),
}

impl ImportKey<'_> {
    /// The algorithm.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] for a size or curve PIV has no identifier for.
    pub fn algorithm(&self) -> Result<KeyAlgorithm, PivError> {
        match self {
            Self::Rsa(key) => {
                KeyAlgorithm::rsa(key.public().bits()).ok_or(PivError::Unsupported("RSA keys of this size"))
            }
            Self::Ec(key) => KeyAlgorithm::ec(key.curve()).ok_or(PivError::Unsupported("this curve")),
            Self::Ed25519(_) => Ok(KeyAlgorithm::Ed25519),
            Self::X25519(_) => Ok(KeyAlgorithm::X25519),
        }
    }

    /// The objects of the command.
    fn write(&self, writer: Writer) -> Result<Writer, PivError> {
        match self {
            Self::Rsa(key) if key.e() != EXPONENT => {
                Err(PivError::InvalidInput("an RSA key for import has the public exponent 65537"))
            }
            Self::Rsa(key) => {
                let numbers = [key.p(), key.q(), key.dp(), key.dq(), key.qinv()];
                let object =
                    |writer: Writer, (tag, number): (u32, &[u8])| writer.object(Tag::new(tag), number);
                Ok((1..).zip(numbers).fold(writer, object))
            }
            Self::Ec(key) => Ok(writer.object(Tag::new(0x06), key.d())),
            Self::Ed25519(key) => curve_25519(writer, 0x07, key),
            Self::X25519(key) => curve_25519(writer, 0x08, key),
        }
    }
}

fn curve_25519(writer: Writer, tag: u32, key: &SecretBytes) -> Result<Writer, PivError> {
    if key.len() == SCALAR_25519 {
        Ok(writer.object(Tag::new(tag), key.as_bytes()))
    } else {
        Err(PivError::InvalidInput("a private key of Curve25519 has 32 bytes"))
    }
}

impl<'a> From<&'a PrivateKey> for ImportKey<'a> {
    fn from(key: &'a PrivateKey) -> Self {
        match key {
            PrivateKey::Rsa(key) => Self::Rsa(key),
            PrivateKey::Ec(key) => Self::Ec(key),
        }
    }
}

/// Prints the kind.
impl fmt::Debug for ImportKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa(_) => "ImportKey::Rsa",
            Self::Ec(_) => "ImportKey::Ec",
            Self::Ed25519(_) => "ImportKey::Ed25519",
            Self::X25519(_) => "ImportKey::X25519",
        })
    }
}

/// What is in a slot, as far as the card tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupancy {
    /// Whether there is a key; `None` where the card does not tell.
    pub key: Option<bool>,
    /// Whether there is a certificate.
    pub certificate: bool,
}

impl Occupancy {
    /// Whether something is known to be there.
    #[must_use]
    pub const fn is_occupied(self) -> bool {
        self.certificate || matches!(self.key, Some(true))
    }

    /// Whether the slot is known to be empty. A key without certificate on a card without metadata is
    /// neither this nor occupied.
    #[must_use]
    pub const fn is_free(self) -> bool {
        !self.certificate && matches!(self.key, Some(false))
    }
}

impl PivCard<'_> {
    /// What is in a slot: by its certificate object, and where the card has metadata by those.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object).
    pub fn occupancy(&mut self, slot: Slot) -> Result<Occupancy, PivError> {
        let certificate = self.object(slot.object())?.is_some_and(|value| !value.is_empty());
        let key = match self.metadata(slot.reference()) {
            // Firmware that answers with policies alone does so whether there is a key or not.
            Ok(Some(told)) => (told.algorithm_id.is_some() || told.public_key.is_some()).then_some(true),
            // A card that never answered may say so of everything: it has to know its own PIN.
            Ok(None) if !self.state.answers_metadata() => match self.metadata(KeyReference::PIN) {
                Ok(Some(_)) => Some(false),
                Ok(None) | Err(PivError::Unsupported(_)) => None,
                Err(error) => return Err(error),
            },
            Ok(None) => Some(false),
            Err(PivError::Unsupported(_)) => None,
            Err(error) => return Err(error),
        };
        Ok(Occupancy { key, certificate })
    }

    /// Makes a key pair on the card and returns the public half, which a card of the plain standard tells
    /// only now. The administrator must be authenticated. A key that was in the slot is lost; a certificate
    /// that was there stays and belongs to nothing: see [`occupancy`](Self::occupancy).
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card refuses the algorithm or a policy (`6A80`, `6A81`); the
    /// card's refusal: `6982` without administrator. The old key is then still there.
    /// [`PivError::Malformed`] when the answer is no key of the algorithm: the slot then has a new key of
    /// which nothing is known.
    pub fn generate(
        &mut self,
        slot: Slot,
        algorithm: KeyAlgorithm,
        policies: Policies,
    ) -> Result<SlotKey, PivError> {
        let data = Writer::new()
            .template(Tag::new(0xAC), |template| {
                template.object(Tag::new(0x80), &[algorithm.id()]).encoded(&policies.objects())
            })
            .finish();
        let header = Command::new(0x00, 0x47, 0x00, slot.reference().get());
        self.state.content.forget_keys();
        let answer = self.command(PivCommand::GenerateKey, &header.secret_data(data).le(Le::All));
        let answer = answer.map_err(|error| self.key_refused(error, policies))?;
        generated(algorithm, &answer)
    }

    /// Brings a private key into a slot. The administrator must be authenticated. A key that was there is
    /// lost, as for [`generate`](Self::generate).
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card has not the command, or refuses the algorithm or a policy;
    /// [`PivError::InvalidInput`] for a key the command cannot carry; the card's refusal. The old key is
    /// then still there.
    pub fn import(&mut self, slot: Slot, key: &ImportKey<'_>, policies: Policies) -> Result<(), PivError> {
        let algorithm = key.algorithm()?;
        let data = key.write(Writer::new())?.encoded(&policies.objects()).finish();
        let command = Command::new(0x00, 0xFE, algorithm.id(), slot.reference().get()).secret_data(data);
        self.state.content.forget_keys();
        match self.extension(PivCommand::ImportKey, &command) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.key_refused(error, policies)),
        }
    }

    /// What a refusal of a new key means.
    fn key_refused(&mut self, error: PivError, policies: Policies) -> PivError {
        match error {
            PivError::Status {
                status: StatusWord::WRONG_DATA | StatusWord::FUNCTION_NOT_SUPPORTED, ..
            } if policies.any() => PivError::Unsupported("this algorithm with these policies"),
            PivError::Status {
                status: StatusWord::WRONG_DATA | StatusWord::FUNCTION_NOT_SUPPORTED, ..
            } => PivError::Unsupported("this algorithm"),
            PivError::Status { command, status: StatusWord::NOT_ENOUGH_MEMORY } => {
                self.without_right(refused(command, StatusWord::NOT_ENOUGH_MEMORY));
                PivError::Full("another key")
            }
            error => self.without_right(error),
        }
    }
}
