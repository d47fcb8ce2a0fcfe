//! PINs typed at the reader: VERIFY and CHANGE REFERENCE DATA without their secrets, which the reader's keypad
//! puts into the filled-up blocks of eight.

use cardmod_iso7816::{EntryRequest, ExchangeError, PinEntry, PinEntryError, SecretForm, StatusWord};

use crate::card::PivCard;
use crate::error::refused;
use crate::pins::PinReference;
use crate::{PivCommand, PivError};

/// Six to eight digits, filled up with FF (SP 800-73 part 2, section 2.4.3).
const FORM: SecretForm = SecretForm::padded(6, 8, 8, 0xFF);

impl PivCard<'_> {
    /// The reader has a keypad that takes a PIN. The card is not asked.
    pub fn reader_takes_pin(&mut self) -> bool {
        self.channel.pin_entry().is_some_and(|entry| entry.verifies(FORM))
    }

    /// Has a PIN typed at the reader and verified. A wrong one costs a try and takes the right away. Lasts as
    /// long as the person at the reader.
    ///
    /// # Errors
    ///
    /// [`PivError::PinEntry`] where nothing was sent; the card's refusal as in
    /// [`verify_pin`](Self::verify_pin).
    pub fn verify_pin_at_reader(&mut self, reference: PinReference) -> Result<(), PivError> {
        let outcome =
            self.typed_at_reader(PivCommand::Verify, 0x20, reference, |entry, request| entry.verify(request));
        if reference != PinReference::Puk {
            self.state.verified.user = outcome.is_ok();
            self.state.just_verified = outcome.is_ok();
            self.state.by_global_pin |= outcome.is_ok() && reference == PinReference::Global;
        }
        outcome
    }

    /// Has the old PIN or PUK and twice the new one typed at the reader. Whether the user is authenticated
    /// afterwards differs from card to card, so the card is asked.
    ///
    /// # Errors
    ///
    /// As [`change_pin`](Self::change_pin); [`PivError::PinEntry`] where nothing was sent.
    pub fn change_pin_at_reader(&mut self, reference: PinReference) -> Result<(), PivError> {
        let outcome =
            self.typed_at_reader(PivCommand::ChangeReferenceData, 0x24, reference, |entry, request| {
                match entry.modifies(FORM) {
                    true => entry.modify(request),
                    false => Err(PinEntryError::Unsupported),
                }
            });
        match outcome {
            Ok(()) if reference == PinReference::Puk => Ok(()),
            Ok(()) => {
                self.state.just_verified = false;
                let state = self.pin_state(reference)?;
                let is_verified = state.is_some_and(|state| state.is_verified);
                self.state.verified.user = is_verified;
                self.state.by_global_pin |= is_verified && reference == PinReference::Global;
                Ok(())
            }
            Err(error @ PivError::PinEntry(_)) => Err(error),
            Err(error) => Err(self.abandon(error)),
        }
    }

    fn typed_at_reader(
        &mut self,
        command: PivCommand,
        instruction: u8,
        reference: PinReference,
        enter: impl FnOnce(&mut dyn PinEntry, &EntryRequest) -> Result<StatusWord, PinEntryError>,
    ) -> Result<(), PivError> {
        // Another application may take the same VERIFY for its own.
        self.require_selected()?;
        let entry = self.channel.pin_entry();
        let entry = entry.ok_or(PivError::PinEntry(PinEntryError::Unsupported))?;
        let header = [0x00, instruction, 0x00, reference as u8];
        match enter(entry, &EntryRequest { header, form: FORM, timeout: None }) {
            Ok(StatusWord::OK) => Ok(()),
            Ok(status) => Err(refused(command, status)),
            Err(PinEntryError::Transport(error)) => {
                self.state.connection_lost();
                Err(PivError::Exchange(ExchangeError::Transport(error)))
            }
            Err(PinEntryError::Malformed) => {
                self.state.connection_lost();
                Err(PivError::Malformed("answer by the reader's keypad"))
            }
            Err(error) => Err(PivError::PinEntry(error)),
        }
    }
}
