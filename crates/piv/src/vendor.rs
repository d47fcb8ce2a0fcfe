//! What vendors added to the standard: version, serial number, metadata, attestation, moving and deleting
//! keys, retries, reset, and CanoKey's algorithm identifiers.
//!
//! Nothing is inferred from a version, which compatible tokens make up: a command is sent, and a card that
//! answers as one does that has not the command is not asked again.

use cardmod_iso7816::tlv::single;
use cardmod_iso7816::{Command, Le, StatusWord};
use zeroize::Zeroizing;

use crate::error::refused;
use crate::{KeyReference, Metadata, ObjectTag, PivCard, PivCommand, PivError, PivState, Slot};

/// What P1 of MOVE KEY names to delete the key.
const NOWHERE: u8 = 0xFF;

/// A firmware version: major, minor, patch. Tokens that are none of Yubico's answer one of Yubico's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FirmwareVersion(pub u8, pub u8, pub u8);

impl std::fmt::Display for FirmwareVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(major, minor, patch) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// Which identifiers a CanoKey uses for algorithms that the standard has no identifiers for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AlgorithmExtension {
    /// Whether the card takes them at all.
    pub enabled: bool,
    /// Ed25519: `E0` on a fresh card.
    pub ed25519: u8,
    /// RSA with 3072 bits: `05`.
    pub rsa3072: u8,
    /// RSA with 4096 bits: `16`.
    pub rsa4096: u8,
    /// X25519: `E1`.
    pub x25519: u8,
    /// secp256k1: `53`.
    pub secp256k1: u8,
    /// SM2: `54`.
    pub sm2: u8,
}

impl PivState {
    /// Whether the card has answered GET METADATA: it belongs to the family of tokens that have Yubico's
    /// objects too.
    #[must_use]
    pub const fn answers_metadata(&self) -> bool {
        self.facts.answers_metadata
    }
}

impl PivCard<'_> {
    /// What the firmware says its version is; `None` where the card has not the command.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`] for fewer than three bytes; a failing channel.
    pub fn version(&mut self) -> Result<Option<FirmwareVersion>, PivError> {
        let command = Command::new(0x00, 0xFD, 0x00, 0x00).le(Le::Short);
        match self.extension(PivCommand::GetVersion, &command).map(|answer| answer.to_vec()) {
            Ok(answer) => match answer.as_slice() {
                [major, minor, patch, ..] => {
                    self.state.facts.has_version = true;
                    Ok(Some(FirmwareVersion(*major, *minor, *patch)))
                }
                _ => Err(PivError::Malformed("firmware version")),
            },
            Err(error) => self.not_there(PivCommand::GetVersion, error),
        }
    }

    /// The serial number; `None` where the card has not the command. Some tokens answer all the same one.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`] for another length than four bytes; a failing channel.
    pub fn serial(&mut self) -> Result<Option<u32>, PivError> {
        let Some(answer) = self.serial_number()? else { return Ok(None) };
        match answer.as_slice().try_into() {
            Ok(bytes) => Ok(Some(u32::from_be_bytes(bytes))),
            Err(_) => Err(PivError::Malformed("serial number")),
        }
    }

    /// What the card tells about a key, PIN or PUK; `None` where there is none under that reference. About the
    /// keys of slots it is asked once, as long as nobody can have come between.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card has not the command, which is remembered;
    /// [`PivError::Malformed`]; a failing channel.
    pub fn metadata(&mut self, reference: KeyReference) -> Result<Option<Metadata>, PivError> {
        let of_slot = Slot::all().any(|slot| slot.reference() == reference);
        if let Some(told) = self.state.content.key(reference) {
            return Ok(told);
        }
        let told = self.fetch_metadata(reference)?;
        if of_slot {
            self.state.content.enter_key(reference, told.clone());
        }
        Ok(told)
    }

    fn fetch_metadata(&mut self, reference: KeyReference) -> Result<Option<Metadata>, PivError> {
        const UNSUPPORTED: PivError = PivError::Unsupported("metadata");
        let command = Command::new(0x00, 0xF7, 0x00, reference.get()).le(Le::All);
        match self.extension(PivCommand::GetMetadata, &command) {
            // Firmware exists that answers nothing to whatever it is asked.
            // Some of it answers about one key all the same, which says nothing about the others.
            Ok(answer) if answer.is_empty() => {
                if !self.state.facts.answers_metadata {
                    self.state.facts.lacking.insert(PivCommand::GetMetadata);
                }
                Err(UNSUPPORTED)
            }
            Ok(answer) => {
                let metadata = Metadata::parse(&answer)?;
                self.state.facts.answers_metadata = true;
                Ok(Some(metadata))
            }
            Err(PivError::Status { status, .. }) if is_nothing_there(status) => Ok(None),
            Err(PivError::Status { status: StatusWord::INCORRECT_P1_P2, .. }) => {
                if !self.state.facts.answers_metadata {
                    self.state.facts.lacking.insert(PivCommand::GetMetadata);
                }
                Err(UNSUPPORTED)
            }
            Err(error) => Err(error),
        }
    }

    /// What the card tells about its management key; `None` where it tells nothing.
    ///
    /// # Errors
    ///
    /// As [`metadata`](Self::metadata), but for a card without the command.
    pub fn management_metadata(&mut self) -> Result<Option<Metadata>, PivError> {
        match self.metadata(KeyReference::MANAGEMENT) {
            Ok(metadata) => {
                let algorithm = metadata.as_ref().and_then(Metadata::management_algorithm);
                self.state.facts.management_algorithm = algorithm.or(self.state.facts.management_algorithm);
                Ok(metadata)
            }
            Err(PivError::Unsupported(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A certificate by which the card vouches that it made the key of a slot itself, as DER. It is signed
    /// by the key in F9, whose certificate is an object of its own.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card has not the command; the card's refusal, which for an
    /// imported key is any status word; [`PivError::Malformed`].
    pub fn attest(&mut self, slot: Slot) -> Result<Vec<u8>, PivError> {
        let command = Command::new(0x00, 0xF9, slot.reference().get(), 0x00).le(Le::All);
        let answer = match self.extension(PivCommand::Attest, &command) {
            Err(PivError::Status { status, .. }) if is_nothing_there(status) => Err(PivError::NoKey(slot)),
            other => other,
        }?;
        match single(&answer) {
            Ok(tlv) if tlv.tag.get() == 0x30 => Ok(answer.to_vec()),
            _ => Err(PivError::Malformed("attestation")),
        }
    }

    /// Moves a key to a slot that has none. Certificates stay where they are. The administrator must be
    /// authenticated.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card has not the command; [`PivError::NoKey`]; the card's
    /// refusal, after which nothing has moved.
    pub fn move_key(&mut self, from: Slot, to: Slot) -> Result<(), PivError> {
        if from == to {
            return Err(PivError::InvalidInput("a key cannot be moved to where it is"));
        }
        self.move_to(to.reference().get(), from)
    }

    /// Deletes the key of a slot; its certificate stays. The administrator must be authenticated.
    ///
    /// # Errors
    ///
    /// As [`move_key`](Self::move_key).
    pub fn delete_key(&mut self, slot: Slot) -> Result<(), PivError> {
        self.move_to(NOWHERE, slot)
    }

    fn move_to(&mut self, to: u8, from: Slot) -> Result<(), PivError> {
        let command = Command::new(0x00, 0xF6, to, from.reference().get());
        self.state.content.forget_keys();
        match self.extension(PivCommand::MoveKey, &command) {
            Ok(_) => Ok(()),
            Err(PivError::Status { status, .. }) if is_nothing_there(status) => Err(PivError::NoKey(from)),
            Err(error) => Err(self.without_right(error)),
        }
    }

    /// Sets how many tries PIN and PUK have, and sets both to the values of a fresh token. Administrator
    /// and PIN must be authenticated; the PIN is not afterwards. Admin data that call the PUK blocked are
    /// put right.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] for no tries; [`PivError::Unsupported`]; the card's refusal, after which
    /// nothing has changed. Afterwards those of [`put_object`](Self::put_object).
    pub fn set_retries(&mut self, pin: u8, puk: u8) -> Result<(), PivError> {
        if pin == 0 || puk == 0 {
            return Err(PivError::InvalidInput("PIN and PUK have at least one try"));
        }
        match self.extension(PivCommand::SetPinRetries, &Command::new(0x00, 0xFA, pin, puk)) {
            Ok(_) => self.state.verified.user = false,
            Err(error) => return Err(self.without_right(error)),
        }
        // The PUK has its tries again, also where the tools noted that it was blocked on purpose.
        let admin = self.admin_data()?;
        if admin.is_puk_blocked() {
            self.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin.with_puk_blocked(false).encode())?;
        }
        Ok(())
    }

    /// Which identifiers a CanoKey uses for other algorithms; `None` where the card has not the command.
    /// The administrator must be authenticated.
    ///
    /// # Errors
    ///
    /// The card's refusal; [`PivError::Malformed`].
    pub fn algorithm_extension(&mut self) -> Result<Option<AlgorithmExtension>, PivError> {
        let command = Command::new(0x00, 0xEE, 0x01, 0x00).le(Le::Short);
        match self.extension(PivCommand::AlgorithmExtension, &command).map(|answer| answer.to_vec()) {
            Ok(answer) => match *answer.as_slice() {
                [enabled, ed25519, rsa3072, rsa4096, x25519, secp256k1, sm2, ..] => {
                    let enabled = enabled != 0;
                    Ok(Some(AlgorithmExtension {
                        enabled,
                        ed25519,
                        rsa3072,
                        rsa4096,
                        x25519,
                        secp256k1,
                        sm2,
                    }))
                }
                _ => Err(PivError::Malformed("algorithm extension")),
            },
            Err(PivError::Unsupported(_)) => Ok(None),
            Err(error) => Err(self.without_right(error)),
        }
    }

    /// One command that cards may lack, to the application, which must certainly be selected.
    pub(crate) fn extension(
        &mut self,
        name: PivCommand,
        command: &Command,
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        if self.state.lacks(name) {
            return Err(lacking(name));
        }
        self.require_selected()?;
        let response = self.send(command)?;
        match response.status {
            StatusWord::OK => Ok(response.data),
            status if is_lacking(name, status) => {
                self.state.facts.lacking.insert(name);
                Err(lacking(name))
            }
            status => Err(refused(name, status)),
        }
    }

    /// The refusal of a command without parameters: whatever the card answers, it has it not.
    fn not_there<T>(&mut self, name: PivCommand, error: PivError) -> Result<Option<T>, PivError> {
        match error {
            PivError::Unsupported(_) => Ok(None),
            PivError::Status { .. } => {
                self.state.facts.lacking.insert(name);
                Ok(None)
            }
            error => Err(error),
        }
    }
}

/// Answers of a card that has not the command. `6A81` to a key that is sent is about the key.
const fn is_lacking(name: PivCommand, status: StatusWord) -> bool {
    let is_key_sent = matches!(name, PivCommand::ImportKey | PivCommand::SetManagementKey);
    matches!(status, StatusWord::INSTRUCTION_NOT_SUPPORTED | StatusWord::CLASS_NOT_SUPPORTED)
        || !is_key_sent && matches!(status, StatusWord::FUNCTION_NOT_SUPPORTED)
}

/// Answers to a reference under which there is nothing.
pub(crate) const fn is_nothing_there(status: StatusWord) -> bool {
    matches!(status, StatusWord::REFERENCED_DATA_NOT_FOUND | StatusWord::FILE_NOT_FOUND)
}

const fn lacking(name: PivCommand) -> PivError {
    PivError::Unsupported(match name {
        PivCommand::SetManagementKey => "another management key",
        PivCommand::ImportKey => "the import of keys",
        PivCommand::GetMetadata => "metadata",
        PivCommand::Attest => "attestation",
        PivCommand::MoveKey => "moving and deleting keys",
        PivCommand::SetPinRetries => "setting the number of tries",
        PivCommand::Reset => "a reset",
        PivCommand::AlgorithmExtension => "the algorithm extension of CanoKey",
        _ => "this vendor command",
    })
}
