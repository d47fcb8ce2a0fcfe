//! PINs and the administrator's challenge.

use cardmod_sys::{
    CARD_AUTHENTICATE_PIN_CHALLENGE_RESPONSE, CARD_AUTHENTICATE_PIN_PIN, PIN_CHANGE_FLAG_CHANGEPIN,
    PIN_CHANGE_FLAG_UNBLOCK, SCARD_W_CHV_BLOCKED, SCARD_W_WRONG_CHV, wszCARD_USER_ADMIN, wszCARD_USER_USER,
};
use cardmod_types::{Pin, PinId, PinSet, SecretBytes};

use super::{fits, view};
use crate::module::context::Context;
use crate::module::function::{CallError, CardFunction};
use crate::module::table::Block;

/// What a module answers for a number of tries it does not know.
const TRIES_UNKNOWN: u32 = u32::MAX;
/// No card counts further: a larger number is not a count.
const MOST_TRIES: u32 = 255;

/// A principal of the functions of versions 4 and 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserName {
    /// `wszCARD_USER_USER`.
    User,
    /// `wszCARD_USER_ADMIN`.
    Admin,
}

impl UserName {
    fn role(self) -> PinId {
        match self {
            Self::User => PinId::USER,
            Self::Admin => PinId::ADMIN,
        }
    }

    fn units(self) -> &'static [u16] {
        match self {
            Self::User => wszCARD_USER_USER,
            Self::Admin => wszCARD_USER_ADMIN,
        }
    }
}

/// What the authority of `CardUnblockPin` and `CardChangeAuthenticator` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnblockFlag {
    /// The answer to a challenge fetched before.
    Response,
    /// A PIN or PUK.
    Pin,
}

impl UnblockFlag {
    fn code(self) -> u32 {
        match self {
            Self::Response => CARD_AUTHENTICATE_PIN_CHALLENGE_RESPONSE,
            Self::Pin => CARD_AUTHENTICATE_PIN_PIN,
        }
    }
}

impl Context {
    /// `CardAuthenticatePin` (specification 7.07, section 4.2.7).
    ///
    /// # Errors
    /// The module's code, with the tries left: `SCARD_W_WRONG_CHV`, `SCARD_W_CHV_BLOCKED`.
    pub fn authenticate_pin(&mut self, user: UserName, pin: &Pin) -> Result<(), CallError> {
        let function = CardFunction::AuthenticatePin;
        fits(function, pin.as_bytes())?;
        let (role, user) = (user.role(), view(function, user.units())?);
        let mut tries = TRIES_UNKNOWN;
        self.authenticating(role);
        self.table.authenticate_pin(user, pin.as_bytes(), &mut tries).map_err(|error| counted(error, tries))
    }

    /// `CardAuthenticateEx` (specification 7.07, section 4.2.8): with `None` the module collects the
    /// PIN itself. Answers the session PIN, where one was made.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn authenticate_ex(
        &mut self,
        role: PinId,
        flags: u32,
        pin: Option<&Pin>,
    ) -> Result<Option<SecretBytes>, CallError> {
        let function = CardFunction::AuthenticateEx;
        let bytes = pin.map(Pin::as_bytes);
        bytes.map_or(Ok(()), |bytes| fits(function, bytes))?;
        let (mut session, mut tries) = (Block::EMPTY, TRIES_UNKNOWN);
        self.authenticating(role);
        self.table
            .authenticate_ex(role.get(), flags, bytes, &mut session, &mut tries)
            .map_err(|error| counted(error, tries))?;
        let session = self.take(function, &session)?;
        Ok((!session.is_empty()).then(|| SecretBytes::from(session.as_slice())))
    }

    /// `CardGetChallenge` (specification 7.07, section 4.2.9).
    ///
    /// # Errors
    /// The module's code, or an empty challenge.
    pub fn get_challenge(&mut self) -> Result<Vec<u8>, CallError> {
        let mut challenge = Block::EMPTY;
        self.table.get_challenge(&mut challenge)?;
        self.challenge(CardFunction::GetChallenge, &challenge)
    }

    /// `CardGetChallengeEx` (specification 7.07, section 4.2.10).
    ///
    /// # Errors
    /// The module's code, or an empty challenge.
    pub fn get_challenge_ex(&mut self, role: PinId) -> Result<Vec<u8>, CallError> {
        let mut challenge = Block::EMPTY;
        self.table.get_challenge_ex(role.get(), &mut challenge)?;
        self.challenge(CardFunction::GetChallengeEx, &challenge)
    }

    fn challenge(&self, function: CardFunction, block: &Block) -> Result<Vec<u8>, CallError> {
        let challenge = self.take(function, block)?;
        if challenge.is_empty() {
            return Err(CallError::lie(function, "gave an empty challenge"));
        }
        Ok(challenge.to_vec())
    }

    /// `CardAuthenticateChallenge` (specification 7.07, section 4.2.11).
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn authenticate_challenge(&mut self, response: &[u8]) -> Result<(), CallError> {
        fits(CardFunction::AuthenticateChallenge, response)?;
        let mut tries = TRIES_UNKNOWN;
        self.authenticating(PinId::ADMIN);
        self.table.authenticate_challenge(response, &mut tries).map_err(|error| counted(error, tries))
    }

    /// `CardUnblockPin` (specification 7.07, section 4.2.12). `tries` 0 leaves the limit as it is.
    ///
    /// # Errors
    /// The module's code.
    pub fn unblock_pin(
        &mut self,
        user: UserName,
        authority: &[u8],
        flag: UnblockFlag,
        new: &Pin,
        tries: u32,
    ) -> Result<(), CallError> {
        let function = CardFunction::UnblockPin;
        fits(function, authority)?;
        fits(function, new.as_bytes())?;
        self.authenticating(PinId::USER);
        self.authenticating(PinId::ADMIN);
        let user = view(function, user.units())?;
        self.table.unblock_pin(user, authority, new.as_bytes(), tries, flag.code())
    }

    /// `CardChangeAuthenticator` (specification 7.07, section 4.2.13): the user's PIN by the old one,
    /// or the administrator's key by the answer to a challenge. `tries` 0 leaves the limit as it is.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn change_authenticator(
        &mut self,
        user: UserName,
        current: &[u8],
        flag: UnblockFlag,
        new: &[u8],
        tries: u32,
    ) -> Result<(), CallError> {
        let function = CardFunction::ChangeAuthenticator;
        fits(function, current)?;
        fits(function, new)?;
        self.authenticating(user.role());
        let user = view(function, user.units())?;
        let mut left = TRIES_UNKNOWN;
        self.table
            .change_authenticator(user, current, new, tries, flag.code(), &mut left)
            .map_err(|error| counted(error, left))
    }

    /// `CardChangeAuthenticatorEx` as a change (specification 7.07, section 4.2.14).
    ///
    /// # Errors
    /// The module's code, with the tries left of the authenticating role.
    pub fn change_authenticator_ex(
        &mut self,
        by: PinId,
        authority: &[u8],
        target: PinId,
        new: &[u8],
    ) -> Result<(), CallError> {
        self.change_or_unblock_ex(PIN_CHANGE_FLAG_CHANGEPIN, (by, Some(authority)), (target, Some(new)))
    }

    /// `CardChangeAuthenticatorEx` as a change of a PIN of external type: without data, the module collects both
    /// secrets.
    ///
    /// # Errors
    /// The module's code, with the tries left.
    pub fn change_external_ex(&mut self, role: PinId) -> Result<(), CallError> {
        self.change_or_unblock_ex(PIN_CHANGE_FLAG_CHANGEPIN, (role, None), (role, None))
    }

    /// `CardChangeAuthenticatorEx` as an unblocking (specification 7.07, section 4.2.14).
    ///
    /// # Errors
    /// The module's code, with the tries left of the authenticating role.
    pub fn unblock_pin_ex(
        &mut self,
        by: PinId,
        authority: &[u8],
        target: PinId,
        new: &[u8],
    ) -> Result<(), CallError> {
        self.change_or_unblock_ex(PIN_CHANGE_FLAG_UNBLOCK, (by, Some(authority)), (target, Some(new)))
    }

    fn change_or_unblock_ex(
        &mut self,
        flag: u32,
        (by, authority): (PinId, Option<&[u8]>),
        (target, new): (PinId, Option<&[u8]>),
    ) -> Result<(), CallError> {
        let function = CardFunction::ChangeAuthenticatorEx;
        for secret in [authority, new].into_iter().flatten() {
            fits(function, secret)?;
        }
        self.authenticating(by);
        self.authenticating(target);
        let mut left = TRIES_UNKNOWN;
        self.table
            .change_authenticator_ex(flag, by.get(), authority, target.get(), new, 0, &mut left)
            .map_err(|error| counted(error, left))
    }

    /// `CardDeauthenticate` (specification 7.07, section 4.2.15).
    ///
    /// # Errors
    /// The module's code; the rights are then not known to be gone, and the card must be reset.
    pub fn deauthenticate(&mut self, user: UserName) -> Result<(), CallError> {
        let (role, user) = (user.role(), view(CardFunction::Deauthenticate, user.units())?);
        self.table.deauthenticate(user)?;
        self.deauthenticated(PinSet::only(role));
        Ok(())
    }

    /// `CardDeauthenticateEx` (specification 7.07, section 4.2.16).
    ///
    /// # Errors
    /// The module's code; the rights are then not known to be gone, and the card must be reset.
    pub fn deauthenticate_ex(&mut self, roles: PinSet) -> Result<(), CallError> {
        self.table.deauthenticate_ex(roles.bits())?;
        self.deauthenticated(roles);
        Ok(())
    }
}

/// The error with the tries left, where the module told a number that can be one.
fn counted(mut error: CallError, tries: u32) -> CallError {
    if (error.is(SCARD_W_WRONG_CHV) || error.is(SCARD_W_CHV_BLOCKED)) && tries <= MOST_TRIES {
        error.tries_left = Some(tries);
    }
    error
}
