//! Who the card is: its CHUID, and the card identifier made from it.

use cardmod_iso7816::{Command, Le};
use cardmod_types::CardId;
use sha2::{Digest, Sha256};

use crate::card::PivCard;
use crate::objects::chuid::Chuid;
use crate::objects::fascn::FascN;
use crate::state::Facts;
use crate::{ObjectTag, PivCommand, PivError};

impl PivCard<'_> {
    /// The card's CHUID, from the first answer alone: FASC-N and GUID stand in the first hundred bytes of an
    /// object that may have three thousand, and the rest stays on the card. `None` for a card without, or
    /// with an object that is none.
    ///
    /// Comes from memory where it was read since the last doubt. Read anew it confirms what else is
    /// remembered, or drops it: another CHUID is another card.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object).
    pub fn chuid(&mut self) -> Result<Option<Chuid>, PivError> {
        let head = match self.state.content.identity() {
            Some(head) => head.clone(),
            None => {
                let head = match self.fetch_head(ObjectTag::CHUID) {
                    Err(PivError::Malformed(_)) => None,
                    head => head?.filter(|head| !head.is_empty()),
                };
                if self.state.content.identify(head.clone()) {
                    // What one card lacks or tells, another may have or keep to itself. A length that was
                    // refused may be the reader's fault, and costs little not to try again.
                    let extended_refused = self.state.facts.extended_refused;
                    self.state.facts = Facts { extended_refused, ..Facts::default() };
                    // There may be no global PIN to take back.
                    self.state.by_global_pin = false;
                }
                head
            }
        };
        Ok(head.map(|head| Chuid::parse(&head)))
    }

    /// The card identifier: the CHUID's GUID; where it is missing or zero, the first 16 bytes of the FASC-N's
    /// SHA-256; where that is missing too, or the one that all cards of no federal agency have, those of the
    /// SHA-256 over `atr` and the serial number, where the card tells one. Never zeros: hosts key their caches
    /// with it.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object).
    pub fn card_id(&mut self, atr: &[u8]) -> Result<CardId, PivError> {
        let Chuid { guid, fascn, .. } = self.chuid()?.unwrap_or_default();
        if let Some(guid) = guid {
            return Ok(CardId(guid));
        }
        let digest = match fascn.filter(|fascn| fascn.agency() != FascN::NON_FEDERAL) {
            Some(fascn) => Sha256::digest(fascn.as_bytes()),
            None => {
                let serial = self.serial_number()?.unwrap_or_default();
                Sha256::new().chain_update(atr).chain_update(serial).finalize()
            }
        };
        let mut id = [0; CardId::LEN];
        id.copy_from_slice(&digest[..CardId::LEN]);
        Ok(CardId(id))
    }

    /// The answer to GET SERIAL, a vendors' extension: four bytes, big-endian. `None` where the card has no
    /// such command, which is remembered.
    pub(crate) fn serial_number(&mut self) -> Result<Option<Vec<u8>>, PivError> {
        if self.state.lacks(PivCommand::GetSerial) {
            return Ok(None);
        }
        self.require_selected()?;
        let response = self.send(&Command::new(0x00, 0xF8, 0x00, 0x00).le(Le::Short))?;
        match response.ok() {
            Ok(serial) if !serial.is_empty() => Ok(Some(serial.to_vec())),
            Ok(_) | Err(_) => {
                self.state.facts.lacking.insert(PivCommand::GetSerial);
                Ok(None)
            }
        }
    }
}
