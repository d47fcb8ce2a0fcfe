//! Who must be authenticated for an operation, and how that is done within its transaction.

use cardmod_sys::{
    SCARD_E_INVALID_PARAMETER, SCARD_W_CANCELLED_BY_USER, SCARD_W_CHV_BLOCKED, SCARD_W_WRONG_CHV,
};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinKind};

use super::operation::{Attempt, Need};
use super::pin_source::{PinRequest, PinSource};
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

impl CardSession {
    /// Reads who must be authenticated, authenticates, works. A transaction runs.
    pub(super) fn within<T>(
        &mut self,
        given: &mut Option<(PinId, Pin)>,
        silent: bool,
        container: &mut Option<String>,
        need: &mut impl FnMut(&mut Self) -> Result<Need, Error>,
        body: &mut impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        let need = need(self)?;
        *container = need.container;
        let Some(role) = need.role else { return body(self).map(Attempt::Done) };
        let info = self.pin_info(role)?;
        let every_time = info.cache == PinCachePolicy::AlwaysPrompt;
        if every_time || !self.authenticated.contains(role) {
            match info.kind {
                PinKind::Empty => {}
                // The module would have to show something.
                PinKind::External if silent => {
                    return Err(Error::PinRequired { card: self.reader.clone(), role });
                }
                PinKind::External => self.authenticate(role, None, false)?,
                PinKind::AlphaNumeric => match given {
                    Some((asked, pin)) if *asked == role => {
                        let authenticated = self.authenticate(role, Some(pin), silent);
                        if authenticated.as_ref().is_err_and(Error::is_reset) {
                            *given = None;
                        }
                        authenticated?;
                    }
                    _ => return Ok(Attempt::Ask(role)),
                },
                PinKind::ChallengeResponse => {
                    let card = self.reader.clone();
                    return Err(Error::NotAuthenticated { card, operation: "act for the administrator" });
                }
            }
        }
        let result = body(self);
        let dropped = if every_time { self.drop_role(role) } else { Ok(()) };
        // What the operation failed at is what counts, and may be worth a repetition.
        let value = result?;
        dropped.map(|()| Attempt::Done(value))
    }

    /// Verifies a PIN and remembers what came of it.
    pub(super) fn authenticate(&mut self, role: PinId, pin: Option<&Pin>, silent: bool) -> Result<(), Error> {
        match self.module.verify_pin(role, pin, silent) {
            Ok(()) => {
                self.authenticated.insert(role);
                self.note_tries(role, None);
                Ok(())
            }
            Err(error) => {
                if self.authenticated.contains(role) || !is_refusal(&error) {
                    self.doubt(role);
                }
                Err(self.failed_authentication(role, "verify a PIN", error))
            }
        }
    }

    /// Asks for a PIN. No transaction runs.
    pub(super) fn ask(
        &mut self,
        role: PinId,
        container: Option<&str>,
        pins: Option<&mut (dyn PinSource + '_)>,
    ) -> Result<Pin, Error> {
        let required = || Error::PinRequired { card: self.reader.clone(), role };
        let pins = pins.filter(|pins| !pins.silent()).ok_or_else(required)?;
        // Read in the transaction that found the PIN missing.
        let purpose = self.known_purpose(role);
        let request = PinRequest {
            card: &self.options.card_name,
            reader: &self.reader,
            container,
            role,
            purpose,
            tries_left: self.known_tries(role),
        };
        pins.pin(&request).map_err(Error::PinSource)
    }

    /// The tries left of a role, as last told.
    pub(super) fn known_tries(&self, role: PinId) -> Option<u32> {
        usize::try_from(role.get()).ok().and_then(|at| self.tries.get(at).copied()).flatten()
    }

    /// Notes the tries left of a role.
    pub(super) fn note_tries(&mut self, role: PinId, left: Option<u32>) {
        let slot = usize::try_from(role.get()).ok().and_then(|at| self.tries.get_mut(at));
        if let Some(slot) = slot {
            *slot = left;
        }
    }

    /// A failed authentication, whose tries are noted.
    pub(super) fn failed_authentication(
        &mut self,
        role: PinId,
        operation: &'static str,
        error: CallError,
    ) -> Error {
        let whose = (role, self.known_purpose(role));
        let error = Error::of_authentication(&self.reader, whose, operation, error);
        match &error {
            Error::WrongPin { tries_left, .. } => self.note_tries(role, *tries_left),
            Error::PinBlocked { .. } => self.note_tries(role, Some(0)),
            _ => {}
        }
        error
    }
}

/// The card or the module said no: whoever was not authenticated before is not now. After other failures
/// nobody knows what the card made of the command.
pub(super) fn is_refusal(error: &CallError) -> bool {
    let refusals =
        [SCARD_W_WRONG_CHV, SCARD_W_CHV_BLOCKED, SCARD_W_CANCELLED_BY_USER, SCARD_E_INVALID_PARAMETER];
    error.is_unsupported() || refusals.into_iter().any(|code| error.is(code))
}
