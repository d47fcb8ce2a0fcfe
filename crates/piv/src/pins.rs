//! PIN, PUK and global PIN: VERIFY, log-out, status, CHANGE REFERENCE DATA, RESET RETRY COUNTER (SP 800-73
//! part 2, section 3.2).

use cardmod_iso7816::{Command, Le, StatusWord};
use cardmod_types::Pin;
use zeroize::Zeroizing;

use crate::card::PivCard;
use crate::error::{refused, tries_left};
use crate::state::{Selection, VerifiedRoles};
use crate::{KeyReference, PivCommand, PivError};

/// What every PIN and PUK is filled up to.
const LENGTH: usize = 8;
/// What it is filled up with.
const FILLING: u8 = 0xFF;
/// The shortest PIN (SP 800-73 part 2, section 2.4.3).
const SHORTEST: usize = 6;

/// Applications to turn to when the card cannot log out: the issuer's security domain of Java cards, two that
/// tokens carry beside PIV.
const OTHERS: [&[u8]; 3] = [
    &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00, 0x00],
    &[0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17],
    &[0xD2, 0x76, 0x00, 0x01, 0x24, 0x01],
];

/// A secret of the cardholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinReference {
    /// The card's PIN, which PIV takes only where the Discovery object says so.
    Global = 0x00,
    /// The PIN of the PIV application.
    User = 0x80,
    /// The PUK.
    Puk = 0x81,
}

/// What the card tells about a PIN without costing a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinState {
    /// Tries left; `None` while the PIN is verified, since the card does not say it then.
    pub tries_left: Option<u8>,
    /// The PIN is verified. Only `true` proves anything: cards exist that say no all the same.
    pub is_verified: bool,
}

impl PivCard<'_> {
    /// Verifies a PIN. A wrong one costs a try and takes the right away.
    ///
    /// # Errors
    ///
    /// [`PivError::PinFormat`] without sending the PIN; the card's refusal: `63Cx`, see
    /// [`PivError::tries_left`], `6983` when blocked, `6A88` for a global PIN the card does not take.
    pub fn verify_pin(&mut self, reference: PinReference, pin: &Pin) -> Result<(), PivError> {
        let block = self.padded(reference, pin)?;
        let command = Command::new(0x00, 0x20, 0x00, reference as u8).secret_data(block);
        let outcome = self.command(PivCommand::Verify, &command);
        if reference != PinReference::Puk {
            self.state.verified.user = outcome.is_ok();
            self.state.just_verified = outcome.is_ok();
            self.state.by_global_pin |= outcome.is_ok() && reference == PinReference::Global;
        }
        outcome.map_err(|error| self.about_form(error, reference, pin)).map(drop)
    }

    /// A card that refuses letters for their form counts no try, and is not shown any again.
    fn about_form(&mut self, error: PivError, reference: PinReference, pin: &Pin) -> PivError {
        let is_word = !pin.as_bytes().iter().all(u8::is_ascii_digit) && reference != PinReference::Puk;
        if !is_word || error.status() != Some(StatusWord::WRONG_DATA) {
            return error;
        }
        self.state.facts.wants_digits = true;
        PivError::PinFormat { digits: true }
    }

    /// The PIN the cardholder is to be asked for: the global one where the Discovery object says that it
    /// comes first. Costs one command, once.
    ///
    /// # Errors
    ///
    /// The channel's, a failed SELECT.
    pub fn primary_pin(&mut self) -> Result<PinReference, PivError> {
        match self.discovery() {
            Ok(Some(discovery)) if discovery.prefers_global_pin() => Ok(PinReference::Global),
            Err(error @ PivError::Exchange(_)) => Err(error),
            Err(error @ PivError::Status { command: PivCommand::Select, .. }) => Err(error),
            Ok(_) | Err(_) => Ok(PinReference::User),
        }
    }

    /// Asks VERIFY without data for tries and status, about a PUK GET METADATA; `None` where the card tells
    /// neither. A PIN-always key wants the PIN anew after that.
    ///
    /// # Errors
    ///
    /// The channel's, a failed SELECT.
    pub fn pin_state(&mut self, reference: PinReference) -> Result<Option<PinState>, PivError> {
        if reference == PinReference::Puk {
            return self.puk_state();
        }
        self.require_selected()?;
        let status = self.send(&Command::new(0x00, 0x20, 0x00, reference as u8))?.status;
        self.state.facts.tells_verified |= status.is_ok();
        let tries_left = match status {
            StatusWord::OK => return Ok(Some(PinState { tries_left: None, is_verified: true })),
            StatusWord::AUTHENTICATION_BLOCKED => Some(0),
            _ => tries_left(status),
        };
        Ok(tries_left.map(|left| PinState { tries_left: Some(left), is_verified: false }))
    }

    fn puk_state(&mut self) -> Result<Option<PinState>, PivError> {
        let metadata = match self.metadata(KeyReference::PUK) {
            Err(error @ PivError::Exchange(_)) => return Err(error),
            Err(error @ PivError::Status { command: PivCommand::Select, .. }) => return Err(error),
            metadata => metadata.ok().flatten(),
        };
        let tries = metadata.and_then(|metadata| metadata.tries);
        Ok(tries.map(|tries| PinState { tries_left: Some(tries.left), is_verified: false }))
    }

    /// The roles believed to be authenticated, after asking the card where there are any: a reset between two
    /// calls shows in no other way. A card that is known to answer an empty VERIFY truthfully is believed
    /// when it says no, and any card that has lost the selection.
    ///
    /// Nothing is asked right after VERIFY, where a PIN-always key would want the PIN anew.
    ///
    /// # Errors
    ///
    /// [`PivError::Exchange`].
    pub fn confirmed_roles(&mut self) -> Result<VerifiedRoles, PivError> {
        if !self.state.verified.any() || self.state.just_verified {
            return Ok(self.state.verified);
        }
        let reference = if self.state.by_global_pin { PinReference::Global } else { PinReference::User };
        let status = self.send(&Command::new(0x00, 0x20, 0x00, reference as u8))?.status;
        self.state.facts.tells_verified |= status.is_ok();
        let is_answer = tries_left(status).is_some() || status == StatusWord::AUTHENTICATION_BLOCKED;
        let is_believed = self.state.verified.user && self.state.facts.tells_verified;
        if !status.is_ok() && (!is_answer || is_believed) {
            self.state.interrupted();
        }
        Ok(self.state.verified)
    }

    /// Changes the PIN or PUK. After a change of the PIN the user is authenticated, by the new one.
    ///
    /// # Errors
    ///
    /// [`PivError::PinFormat`] for either without sending them; the card's refusal: `63Cx` and `6983`
    /// speak of the old one, `6A80` and `6985` of the new one. After a refusal nobody is authenticated.
    pub fn change_pin(&mut self, reference: PinReference, old: &Pin, new: &Pin) -> Result<(), PivError> {
        self.check_form(new)?;
        let both = joined(&self.padded(reference, old)?, &self.padded(reference, new)?);
        let command = Command::new(0x00, 0x24, 0x00, reference as u8).secret_data(both);
        if let Err(error) = self.command(PivCommand::ChangeReferenceData, &command) {
            let error = self.abandon(error);
            return Err(self.about_form(error, reference, new));
        }
        match reference {
            PinReference::Puk => Ok(()),
            // Whether the change authenticates differs from card to card.
            _ => self.verify_pin(reference, new),
        }
    }

    /// Sets a new PIN by the PUK, and its tries. Who is authenticated stays as it was.
    ///
    /// # Errors
    ///
    /// [`PivError::PinFormat`] for either without sending them; the card's refusal: `63Cx` and `6983`
    /// speak of the PUK.
    pub fn unblock_pin(&mut self, puk: &Pin, new: &Pin) -> Result<(), PivError> {
        self.check_form(new)?;
        let both = joined(&self.padded(PinReference::Puk, puk)?, &self.padded(PinReference::User, new)?);
        let command = Command::new(0x00, 0x2C, 0x00, PinReference::User as u8).secret_data(both);
        self.command(PivCommand::ResetRetryCounter, &command).map(drop)
    }

    /// Takes the user's right away. A card that cannot do that (it came with SP 800-73-4) is turned to another
    /// application and back, which clears it too, but for the global PIN's: that outlives the application's
    /// selection. An administrator's right stays until the card is reset.
    ///
    /// # Errors
    ///
    /// The card's refusal where neither helps; the caller then resets the card.
    pub fn log_out(&mut self) -> Result<(), PivError> {
        self.require_selected()?;
        if self.state.by_global_pin {
            let status = self.send(&Command::new(0x00, 0x20, 0xFF, PinReference::Global as u8))?.status;
            if !status.is_ok() {
                return Err(refused(PivCommand::Verify, status));
            }
            self.state.by_global_pin = false;
        }
        let status = self.send(&Command::new(0x00, 0x20, 0xFF, PinReference::User as u8))?.status;
        if !status.is_ok() && !self.turn_away()? {
            return Err(refused(PivCommand::Verify, status));
        }
        self.state.verified.user = false;
        Ok(())
    }

    /// Selects another application and PIV again. `false` where the card has none of those tried, or says
    /// that the PIN is verified all the same.
    fn turn_away(&mut self) -> Result<bool, PivError> {
        // Even a SELECT that fails ends the selection on some cards.
        self.state.selection = Selection::Unknown;
        for aid in OTHERS {
            let command = Command::new(0x00, 0xA4, 0x04, 0x00).data(aid).le(Le::Short);
            let status = self.send_head(&command)?.status;
            if status.is_ok() || status.more_data().is_some() {
                let state = self.pin_state(PinReference::User)?;
                return Ok(!state.is_some_and(|state| state.is_verified));
            }
        }
        Ok(false)
    }

    /// Takes the rights away that were got for an operation which then failed. Its error is the one to
    /// report, so a card that cannot do this keeps its state, which the caller's own end of the session
    /// will meet.
    pub(crate) fn abandon(&mut self, error: PivError) -> PivError {
        if self.state.verified.user {
            drop(self.log_out());
        }
        error
    }

    /// The PIN as it travels: eight bytes, filled up.
    ///
    /// Tokens take any characters, and a shorter PUK; a card by the standard alone takes digits for the PIN and
    /// eight bytes for the PUK, and counts some other values as wrong ones. Which of them it is is asked only
    /// where it matters.
    fn padded(&mut self, reference: PinReference, pin: &Pin) -> Result<Zeroizing<Vec<u8>>, PivError> {
        self.check_form(pin)?;
        let bytes = pin.as_bytes();
        if reference == PinReference::Puk {
            if bytes.len() != LENGTH && self.is_strict()? {
                return Err(PivError::InvalidInput("the PUK of this card has 8 characters"));
            }
        } else if !bytes.iter().all(u8::is_ascii_digit) && self.is_strict()? {
            return Err(PivError::PinFormat { digits: true });
        }
        let mut block = Zeroizing::new(vec![FILLING; LENGTH]);
        block[..bytes.len()].copy_from_slice(bytes);
        Ok(block)
    }

    /// What no card takes.
    fn check_form(&self, pin: &Pin) -> Result<(), PivError> {
        let bytes = pin.as_bytes();
        if (SHORTEST..=LENGTH).contains(&bytes.len()) && !bytes.contains(&FILLING) {
            return Ok(());
        }
        let digits = self.state.facts.wants_digits || self.state.lacks(PivCommand::GetVersion);
        Err(PivError::PinFormat { digits })
    }

    /// Whether the card goes by the standard: it has said so, or lacks GET VERSION, which all tokens have.
    fn is_strict(&mut self) -> Result<bool, PivError> {
        if self.state.facts.wants_digits || self.state.facts.has_version {
            return Ok(self.state.facts.wants_digits);
        }
        match self.version() {
            Ok(version) => Ok(version.is_none()),
            Err(PivError::Malformed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn joined(first: &[u8], second: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut both = Zeroizing::new(Vec::with_capacity(first.len() + second.len()));
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    both
}
