//! From an empty application to the Microsoft generic profile (MSP, electrical profile).

use cardmod_iso7816::Command;
use cardmod_iso7816::tlv::Tag;
use cardmod_types::{CardCf, CardId, Pin, SecretBytes, admin};

use crate::admin::ADMIN_KEY;
use crate::card::GidsCard;
use crate::keys::put_key;
use crate::layout::{ef, object};
use crate::pins::PinReference;
use crate::table::FileTable;
use crate::templates::{admin_key_file_template, data_file_template};
use crate::{GidsCommand, GidsError};

/// cardapps of a card with the Base CSP's directory: an 8-byte name.
const CARDAPPS: &[u8; 8] = b"mscp\0\0\0\0";

/// The data EFs of the profile with their conditions for writing and reading.
const DATA_FILES: [(u16, u8, u8); 6] = [
    (ef::TABLE, 0x30, 0x00),
    (ef::EVERYONE_READ_USER_WRITE, 0x30, 0x00),
    (ef::USER_WRITE_EXECUTE, 0x30, 0xFF),
    (ef::EVERYONE_READ_ADMIN_WRITE, 0x20, 0x00),
    (ef::USER_READ_WRITE, 0x30, 0x30),
    (ef::ADMIN_READ_WRITE, 0x20, 0x20),
];

/// What a new card is given.
#[derive(Debug)]
pub struct Personalisation {
    /// The user's PIN.
    pub pin: Pin,
    /// The PUK; without one the admin key unblocks the PIN.
    pub puk: Option<Pin>,
    /// The admin key: 24 bytes, 3-key triple DES.
    pub admin_key: SecretBytes,
    /// The card's identity.
    pub card_id: CardId,
}

impl GidsCard<'_> {
    /// Writes the generic profile to a card in the initialisation state and makes it operational.
    ///
    /// # Errors
    ///
    /// [`GidsError::InvalidInput`] for an admin key of another length, [`GidsError::PinLength`]; the card's
    /// refusal, which leaves the card where the refused step found it.
    pub fn personalise(&mut self, wanted: &Personalisation) -> Result<(), GidsError> {
        let check_value = admin::key_check_value(&wanted.admin_key)
            .map_err(|_| GidsError::InvalidInput("the admin key is not 24 bytes"))?;
        self.forget();
        self.select()?;
        self.create_pin(PinReference::User, &wanted.pin)?;
        if let Some(puk) = &wanted.puk {
            self.create_pin(PinReference::Puk, puk)?;
        }
        for (ef, write, read) in DATA_FILES {
            self.create_ef(&data_file_template(ef, write, read))?;
        }
        self.create_ef(&admin_key_file_template())?;
        let key = put_key(ADMIN_KEY, |parts| {
            parts.object(Tag::new(0x87), wanted.admin_key.as_bytes()).object(Tag::new(0x88), &check_value)
        });
        self.command(GidsCommand::PutKey, &Command::new(0x00, 0xDB, 0x3F, 0xFF).secret_data(key))?;
        self.write_profile(&wanted.card_id)?;
        self.select_file(ef::APPLICATION)?;
        self.command(GidsCommand::ActivateFile, &Command::new(0x00, 0x44, 0x00, 0x00))?;
        self.forget();
        Ok(())
    }

    fn forget(&mut self) {
        self.state.connection_lost();
        self.state.forget_content();
        self.state.has_puk = None;
    }

    fn write_profile(&mut self, card_id: &CardId) -> Result<(), GidsError> {
        let shared = ef::EVERYONE_READ_USER_WRITE;
        self.put_object(ef::TABLE, object::FILE_TABLE, &FileTable::initial().to_bytes())?;
        self.put_object(shared, object::CARDAPPS, CARDAPPS)?;
        self.put_object(shared, object::CARDCF, &CardCf::new().to_bytes())?;
        self.put_object(shared, object::CMAPFILE, &[])?;
        self.put_object(ef::EVERYONE_READ_ADMIN_WRITE, object::KEYMAP_OR_CARDID, card_id.as_bytes())
    }

    fn create_pin(&mut self, reference: PinReference, secret: &Pin) -> Result<(), GidsError> {
        if !(1..=127).contains(&secret.as_bytes().len()) {
            return Err(GidsError::PinLength);
        }
        let command = Command::new(0x00, 0x24, 0x01, reference as u8).data(secret.as_bytes());
        self.command(GidsCommand::ChangeReferenceData, &command).map(drop)
    }

    fn create_ef(&mut self, template: &[u8]) -> Result<(), GidsError> {
        self.command(GidsCommand::CreateFile, &Command::new(0x00, 0xE0, 0x00, 0x00).data(template))?;
        self.command(GidsCommand::ActivateFile, &Command::new(0x00, 0x44, 0x00, 0x00)).map(drop)
    }
}
