//! Setting the application back to what it was when the token was made: RESET, an extension of Yubico,
//! which a card carries out only when PIN and PUK are blocked.

use cardmod_iso7816::{Command, StatusWord};

use crate::error::refused;
use crate::state::Selection;
use crate::{PivCard, PivCommand, PivError};

/// No card has more tries than a byte counts.
const MOST_TRIES: usize = 256;
/// A value no PIN or PUK has: all padding.
const NOTHING: [u8; 8] = [0xFF; 8];
/// Values for cards that refuse that one unseen. Should one be right by chance, the next is not.
const GUESSES: [[u8; 8]; 2] = [*b"83051647", *b"61947250"];

impl PivCard<'_> {
    /// Sets the application back: all keys and certificates go, PIN, PUK and management key get the values
    /// of a fresh token. Only where PIN and PUK are blocked already.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card has not the command; [`PivError::NotBlocked`] where PIN or
    /// PUK is not blocked; the card's refusal. Nothing has changed then.
    pub fn reset(&mut self) -> Result<(), PivError> {
        match self.extension(PivCommand::Reset, &Command::new(0x00, 0xFB, 0x00, 0x00)) {
            Ok(_) => {
                self.state.connection_lost();
                self.state.forget_content();
                self.state.facts.management_algorithm = None;
                Ok(())
            }
            Err(PivError::Status {
                status: StatusWord::CONDITIONS_NOT_SATISFIED | StatusWord::SECURITY_STATUS_NOT_SATISFIED,
                ..
            }) => Err(PivError::NotBlocked),
            Err(error) => Err(error),
        }
    }

    /// Blocks PUK and PIN, then sets the application back.
    ///
    /// Blocked for good is a card that has no reset, so it is found out first that this one has: it must
    /// answer GET VERSION, as all tokens with a reset do, and refuse the reset for its conditions alone.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card is not known to have a reset: nothing has changed then.
    /// Afterwards those of [`reset`](Self::reset), or a card that does not let itself be blocked.
    pub fn block_and_reset(&mut self) -> Result<(), PivError> {
        const NO_RESET: PivError = PivError::Unsupported("a reset");
        if self.version()?.is_none() {
            return Err(NO_RESET);
        }
        match self.reset() {
            Err(PivError::NotBlocked) => {}
            outcome => return outcome,
        }
        // The PUK first: should a guess at it be right, it gives the PIN its tries back.
        self.block(PivCommand::ResetRetryCounter, 0x2C, |guess| [guess, NOTHING].concat())?;
        self.block(PivCommand::Verify, 0x20, |guess| guess.to_vec())?;
        self.reset()
    }

    /// Sends wrong values until the card answers that it counts no more.
    fn block(
        &mut self,
        name: PivCommand,
        ins: u8,
        data: impl Fn([u8; 8]) -> Vec<u8>,
    ) -> Result<(), PivError> {
        let mut values = std::iter::once(NOTHING).chain(GUESSES).peekable();
        for _ in 0..MOST_TRIES {
            let value = *values.peek().ok_or(PivError::Unsupported("being blocked"))?;
            self.require_selected()?;
            self.state.verified.user = false;
            let response = self.send(&Command::new(0x00, ins, 0x00, 0x80).data(&data(value)))?;
            match response.status {
                StatusWord::AUTHENTICATION_BLOCKED => return Ok(()),
                status if status.retries() == Some(0) => return Ok(()),
                // A wrong try was counted.
                status if status.sw1() == 0x63 => {}
                // By chance the right one, or one the card does not even look at.
                StatusWord::OK
                | StatusWord::WRONG_DATA
                | StatusWord::WRONG_LENGTH
                | StatusWord::CONDITIONS_NOT_SATISFIED => {
                    values.next();
                }
                status => return Err(refused(name, status)),
            }
        }
        self.state.selection = Selection::Believed;
        Err(PivError::Unsupported("being blocked"))
    }
}
