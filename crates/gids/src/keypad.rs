//! The user's PIN typed at the reader: VERIFY without its secret, which the reader's keypad adds.
//!
//! CHANGE REFERENCE DATA is not done so: GIDS puts old and new PIN one behind the other without filling, and
//! no reader can be told where the new one begins.

use cardmod_iso7816::{EntryRequest, ExchangeError, PinEntryError, SecretForm};

use crate::card::{GidsCard, is_foreign, refused};
use crate::pins::PinReference;
use crate::{GidsCommand, GidsError};

/// A PIN of digits as keypads take it. GIDS itself allows 127 bytes of anything; readers end at 16 digits, and
/// a person who wants fewer than four types them on the keyboard.
const FORM: SecretForm = SecretForm::variable(4, 16);

impl GidsCard<'_> {
    /// The reader has a keypad that takes the user's PIN. The card is not asked.
    pub fn reader_takes_pin(&mut self) -> bool {
        self.channel.pin_entry().is_some_and(|entry| entry.verifies(FORM))
    }

    /// Has the user's PIN typed at the reader and verified. A wrong one costs a try and takes the user's rights
    /// away. Lasts as long as the person at the reader.
    ///
    /// # Errors
    ///
    /// [`GidsError::PinEntry`] where nothing was sent; the card's refusal as in
    /// [`verify_pin`](Self::verify_pin).
    pub fn verify_pin_at_reader(&mut self) -> Result<(), GidsError> {
        // Another application may take the same VERIFY for its own.
        self.require_selected()?;
        let entry = self.channel.pin_entry();
        let entry = entry.ok_or(GidsError::PinEntry(PinEntryError::Unsupported))?;
        let header = [0x00, 0x20, 0x00, PinReference::User as u8];
        let status = match entry.verify(&EntryRequest { header, form: FORM, timeout: None }) {
            Ok(status) => status,
            Err(PinEntryError::Transport(error)) => {
                self.state.connection_lost();
                return Err(GidsError::Exchange(ExchangeError::Transport(error)));
            }
            Err(PinEntryError::Malformed) => {
                self.state.connection_lost();
                return Err(GidsError::Malformed("answer by the reader's keypad"));
            }
            Err(error) => return Err(GidsError::PinEntry(error)),
        };
        self.state.verified.user = status.is_ok();
        if is_foreign(status) {
            // Nobody is asked to type it a second time.
            self.select()?;
        }
        if status.is_ok() { Ok(()) } else { Err(refused(GidsCommand::Verify, status)) }
    }
}
