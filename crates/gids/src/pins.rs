//! PIN and PUK: VERIFY, status, CHANGE REFERENCE DATA, RESET RETRY COUNTER, deauthentication.

use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};
use cardmod_iso7816::{Command, StatusWord};
use cardmod_types::Pin;
use zeroize::Zeroizing;

use crate::card::{GidsCard, get_data};
use crate::error::tries_left;
use crate::layout::{ef, object};
use crate::state::VerifiedRoles;
use crate::{GidsCommand, GidsError};

/// The longest PIN VERIFY takes (GIDS).
const MAX_PIN: usize = 127;
/// P2 that clears the security status.
const CLEAR: u8 = 0x82;

/// A secret of the cardholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PinReference {
    /// The application's PIN.
    User = 0x80,
    /// The PUK.
    Puk = 0x81,
}

/// Tries of a PIN, as GET DATA tells them without costing one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinState {
    /// Tries left.
    pub tries_left: u8,
    /// Tries after a success, where the card says so.
    pub try_limit: Option<u8>,
}

impl GidsCard<'_> {
    /// Verifies a PIN or PUK. A wrong one costs a try and takes the role's rights away.
    ///
    /// # Errors
    ///
    /// [`GidsError::PinLength`] without sending anything; the card's refusal: `63Cx`, see
    /// [`GidsError::tries_left`], `6983` when blocked.
    pub fn verify_pin(&mut self, reference: PinReference, pin: &Pin) -> Result<(), GidsError> {
        check_length(pin)?;
        let command = Command::new(0x00, 0x20, 0x00, reference as u8).data(pin.as_bytes());
        let outcome = self.command(GidsCommand::Verify, &command);
        if reference == PinReference::User {
            self.state.verified.user = outcome.is_ok();
        }
        outcome.map(drop)
    }

    /// Asks VERIFY without data whether the PIN is verified. Only `Ok(true)` proves anything: cards
    /// exist that say no all the same.
    ///
    /// # Errors
    ///
    /// [`GidsError::Exchange`]; every refusal is "not verified".
    pub fn is_verified(&mut self, reference: PinReference) -> Result<bool, GidsError> {
        self.require_selected()?;
        let is_verified = self.send(&Command::new(0x00, 0x20, 0x00, reference as u8))?.status.is_ok();
        self.state.tells_verified |= is_verified;
        Ok(is_verified)
    }

    /// The roles believed to be authenticated, after asking the card where there are any: a reset between
    /// two calls shows in no other way. A card that is known to answer an empty VERIFY truthfully is
    /// believed when it says no, and any card that has lost the selection.
    ///
    /// # Errors
    ///
    /// [`GidsError::Exchange`].
    pub fn confirmed_roles(&mut self) -> Result<VerifiedRoles, GidsError> {
        if !self.state.verified.any() {
            return Ok(self.state.verified);
        }
        let status = self.send(&Command::new(0x00, 0x20, 0x00, PinReference::User as u8))?.status;
        self.state.tells_verified |= status.is_ok();
        let is_answer = tries_left(status).is_some() || status == StatusWord::AUTHENTICATION_BLOCKED;
        if !status.is_ok() && !is_answer {
            self.state.interrupted();
        } else if !status.is_ok() && self.state.verified.user && self.state.tells_verified {
            // The user's rights went without a word, and nothing but a reset does that.
            self.state.interrupted();
        }
        Ok(self.state.verified)
    }

    /// Whether this state has seen the user verified and nothing has taken it back; never asks the card.
    #[must_use]
    pub fn user_is_verified(&self) -> bool {
        self.state.verified.user
    }

    /// As [`user_is_verified`](Self::user_is_verified), of the administrator, whom a card cannot be asked
    /// about.
    #[must_use]
    pub fn administrator_is_verified(&self) -> bool {
        self.state.verified.admin
    }

    /// The tries of a PIN: from its status object, else from the answer to an empty VERIFY; `None` where
    /// the card tells neither, or has no such PIN.
    ///
    /// # Errors
    ///
    /// [`GidsError::Exchange`], a failed SELECT.
    pub fn pin_state(&mut self, reference: PinReference) -> Result<Option<PinState>, GidsError> {
        let tags: &[u32] = match reference {
            PinReference::User => &[object::LOCAL_PIN, object::GLOBAL_PIN],
            PinReference::Puk => &[object::LOCAL_PUK],
        };
        for tag in tags {
            if let Some(state) = self.status_object(*tag)? {
                return Ok(Some(state));
            }
        }
        if reference == PinReference::Puk {
            return Ok(None);
        }
        self.require_selected()?;
        let status = self.send(&Command::new(0x00, 0x20, 0x00, reference as u8))?.status;
        let left = match status {
            StatusWord::AUTHENTICATION_BLOCKED => Some(0),
            _ => tries_left(status),
        };
        Ok(left.map(|tries_left| PinState { tries_left, try_limit: None }))
    }

    /// Whether the card has a PUK; where it has none, the admin key unblocks. Asked once per card.
    ///
    /// # Errors
    ///
    /// [`GidsError::Exchange`], a failed SELECT.
    pub fn has_puk(&mut self) -> Result<bool, GidsError> {
        match self.state.has_puk {
            Some(known) => Ok(known),
            None => {
                let has_puk = self.status_object(object::LOCAL_PUK)?.is_some();
                self.state.has_puk = Some(has_puk);
                Ok(has_puk)
            }
        }
    }

    fn status_object(&mut self, tag: u32) -> Result<Option<PinState>, GidsError> {
        let tag_bytes = Tag::new(tag).bytes();
        let list = Writer::new().object(Tag::new(0x5C), &tag_bytes).finish();
        let command = get_data(ef::APPLICATION, &list);
        let response = self.read(&command, |response| response.data.starts_with(&tag_bytes))?;
        Ok(response.status.is_ok().then(|| parse_state(&response.data, tag)).flatten())
    }

    /// Changes the PIN. The old one is verified first: the card takes both as one string and would split
    /// a wrong one at another place. The user is authenticated afterwards.
    ///
    /// # Errors
    ///
    /// As [`verify_pin`](Self::verify_pin) for the old PIN; [`GidsError::PinLength`] for the new one, or
    /// the card's refusal of it: `6A80`, `6700`, after which nobody is authenticated.
    pub fn change_pin(&mut self, old: &Pin, new: &Pin) -> Result<(), GidsError> {
        check_length(new)?;
        self.verify_pin(PinReference::User, old)?;
        let both = concatenated(old, new);
        let command = Command::new(0x00, 0x24, 0x00, PinReference::User as u8).secret_data(both);
        if let Err(error) = self.command(GidsCommand::ChangeReferenceData, &command) {
            // The old PIN was right, but a failed change leaves nobody authenticated.
            return Err(self.abandon(error));
        }
        // Some cards count the change as the end of the authentication.
        self.verify_pin(PinReference::User, new)
    }

    /// Sets a new PIN by the PUK, and its tries.
    ///
    /// # Errors
    ///
    /// [`GidsError::PinLength`]; the card's refusal: `63Cx` and `6983` speak of the PUK, `6A88` when there
    /// is none.
    pub fn unblock_with_puk(&mut self, puk: &Pin, new: &Pin) -> Result<(), GidsError> {
        check_length(puk)?;
        check_length(new)?;
        let both = concatenated(puk, new);
        let command = Command::new(0x00, 0x2C, 0x00, PinReference::User as u8).secret_data(both);
        self.command(GidsCommand::ResetRetryCounter, &command).map(drop)
    }

    /// Sets a new PIN, and its tries, after the administrator has been authenticated. The card takes the
    /// administrator's rights away again.
    ///
    /// # Errors
    ///
    /// [`GidsError::PinLength`]; the card's refusal: `6982` without administrator, `6A80` for the PIN.
    /// After either nobody is authenticated.
    pub fn unblock_as_admin(&mut self, new: &Pin) -> Result<(), GidsError> {
        let outcome = check_length(new).and_then(|()| {
            let command = Command::new(0x00, 0x2C, 0x02, PinReference::User as u8).data(new.as_bytes());
            self.command(GidsCommand::ResetRetryCounter, &command)
        });
        match outcome {
            Ok(_) => {
                self.state.verified.admin = false;
                Ok(())
            }
            Err(error) => Err(self.abandon(error)),
        }
    }

    /// Takes the rights away that were got for an operation which then failed. Its error is the one to
    /// report, so a card that cannot do this keeps its state, which the caller's own end of the session
    /// will meet.
    pub(crate) fn abandon(&mut self, error: GidsError) -> GidsError {
        if self.state.verified.any() {
            drop(self.deauthenticate());
        }
        error
    }

    /// Takes every role's rights away. A key chosen by MSE is given up too, by selecting the application
    /// again: there are cards that sign with it after the status was cleared, since they look at the PIN
    /// in MSE only.
    ///
    /// # Errors
    ///
    /// The card's refusal; the caller then resets the card.
    pub fn deauthenticate(&mut self) -> Result<(), GidsError> {
        self.command(GidsCommand::Verify, &Command::new(0x00, 0x20, 0x00, CLEAR))?;
        self.state.verified = VerifiedRoles::default();
        self.state.pending = None;
        if self.state.environments.touched {
            self.select()?;
        }
        Ok(())
    }
}

fn check_length(pin: &Pin) -> Result<(), GidsError> {
    if (1..=MAX_PIN).contains(&pin.as_bytes().len()) { Ok(()) } else { Err(GidsError::PinLength) }
}

fn concatenated(first: &Pin, second: &Pin) -> Zeroizing<Vec<u8>> {
    let mut both = Zeroizing::new(Vec::with_capacity(first.as_bytes().len() + second.as_bytes().len()));
    both.extend_from_slice(first.as_bytes());
    both.extend_from_slice(second.as_bytes());
    both
}

/// `7F7x { 97 tries left (or 9F17), 93 limit }`.
fn parse_state(bytes: &[u8], tag: u32) -> Option<PinState> {
    let template = single(bytes).ok().filter(|tlv| tlv.tag == Tag::new(tag))?;
    let byte = |tag: u32| match Reader::new(template.value).find(Tag::new(tag)).ok()?? {
        [byte] => Some(*byte),
        _ => None,
    };
    Some(PinState { tries_left: byte(0x97).or_else(|| byte(0x9F17))?, try_limit: byte(0x93) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_counter() {
        let usual = [0x7F, 0x72, 6, 0x97, 1, 2, 0x93, 1, 3];
        let state = PinState { tries_left: 2, try_limit: Some(3) };
        assert_eq!(parse_state(&usual, object::LOCAL_PIN), Some(state));
        let other = [0x7F, 0x72, 4, 0x9F, 0x17, 1, 5];
        let state = PinState { tries_left: 5, try_limit: None };
        assert_eq!(parse_state(&other, object::LOCAL_PIN), Some(state));
        assert_eq!(parse_state(&usual, object::LOCAL_PUK), None);
        assert_eq!(parse_state(&[0x7F, 0x72, 0], object::LOCAL_PIN), None);
    }

    #[test]
    fn lengths() {
        for (length, valid) in [(0, false), (1, true), (127, true), (128, false)] {
            assert_eq!(check_length(&Pin::new(vec![b'1'; length])).is_ok(), valid, "{length}");
        }
    }
}
