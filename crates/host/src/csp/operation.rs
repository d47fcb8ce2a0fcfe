//! One operation: its transaction, its PIN, its one repetition.

use cardmod_sys::{
    SCARD_E_INVALID_PARAMETER, SCARD_W_CANCELLED_BY_USER, SCARD_W_CHV_BLOCKED, SCARD_W_WRONG_CHV,
};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinKind};

use super::pin_source::{PinRequest, PinSource};
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

/// The most questions one operation may put to a [`PinSource`]: one for each role there is.
const MOST_QUESTIONS: usize = 8;

/// Who must be authenticated for an operation.
#[derive(Clone, Debug, Default)]
pub(super) struct Need {
    /// The role; `None` where nobody must.
    pub(super) role: Option<PinId>,
    /// The container that is used, for the question.
    pub(super) container: Option<String>,
}

impl Need {
    /// The card's user.
    pub(super) fn user() -> Self {
        Self { role: Some(PinId::USER), container: None }
    }
}

/// Whether an operation may be begun again when the card was reset in its midst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It changes nothing, or the same again.
    Safe,
    /// It may have changed something.
    Never,
}

/// How an attempt ended.
enum Attempt<T> {
    Done(T),
    /// A PIN has to be asked for, which is not done within a transaction.
    Ask(PinId),
}

impl CardSession {
    /// Runs an operation that needs nobody's rights.
    pub(super) fn plain<T>(
        &mut self,
        repeat: Repeat,
        body: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.run(repeat, None, |_| Ok(Need::default()), body)
    }

    /// Runs an operation: `need` says who must be authenticated, `body` works. Both run within the
    /// transaction, and from the beginning again after a PIN was asked for, since anything may have
    /// happened meanwhile.
    pub(super) fn run<T>(
        &mut self,
        repeat: Repeat,
        mut pins: Option<&mut dyn PinSource>,
        mut need: impl FnMut(&mut Self) -> Result<Need, Error>,
        mut body: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut given: Option<(PinId, Pin)> = None;
        let (mut repeated, mut authenticated_again) = (false, false);
        let mut questions = 0;
        let mut container = None;
        loop {
            let silent = pins.as_ref().is_none_or(|pins| pins.silent());
            let pin_given = given.is_some();
            let attempt = self.attempt(&mut given, silent, &mut container, &mut need, &mut body);
            // Whether a PIN whose answer was lost is right is not known: sending it again could cost a
            // second try.
            let pin_unanswered = pin_given && given.is_none();
            match attempt {
                Ok(Attempt::Done(value)) => return Ok(value),
                Ok(Attempt::Ask(role)) => {
                    questions += 1;
                    if questions > MOST_QUESTIONS {
                        return Err(Error::NotAuthenticated {
                            card: self.reader.clone(),
                            operation: "go on",
                        });
                    }
                    given = Some((role, self.ask(role, container.as_deref(), pins.as_deref_mut())?));
                }
                Err(error) if error.is_reset() && repeat == Repeat::Safe && !repeated && !pin_unanswered => {
                    repeated = true;
                    self.reconnect()?;
                }
                // The rights this session believed to have are gone: take them again, once.
                Err(Error::NotAuthenticated { .. })
                    if given.is_none()
                        && !authenticated_again
                        && self.held_rights()
                        && repeat == Repeat::Safe =>
                {
                    authenticated_again = true;
                    self.suspend()?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// One attempt, within one transaction.
    fn attempt<T>(
        &mut self,
        given: &mut Option<(PinId, Pin)>,
        silent: bool,
        container: &mut Option<String>,
        need: &mut impl FnMut(&mut Self) -> Result<Need, Error>,
        body: &mut impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        self.begin()?;
        let result = self.within(given, silent, container, need, body);
        let finished = match &result {
            // Nothing is held while a user is asked.
            Ok(Attempt::Ask(_)) => self.suspend(),
            // Nothing holds any more. The module is not trusted with that: rights are taken away, or
            // the card is reset, even if it should have happened already.
            Err(Error::Reset { .. } | Error::Removed { .. }) => self.suspend(),
            Ok(Attempt::Done(_)) | Err(_) => self.finish(),
        };
        let value = result?;
        finished.map(|()| value)
    }

    fn within<T>(
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

    /// This session authenticated somebody in the running transaction.
    fn held_rights(&self) -> bool {
        !self.authenticated.is_empty()
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
    fn ask(
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

    /// A failed call of the module, with this card's name.
    pub(super) fn failed(&self, operation: &'static str, error: CallError) -> Error {
        Error::of_call(&self.reader, operation, error)
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

    /// A file or answer of this card is broken.
    pub(super) fn damaged(&self, what: String) -> Error {
        Error::BadCardData { what, card: self.reader.clone() }
    }
}

/// The card or the module said no: whoever was not authenticated before is not now. After other failures
/// nobody knows what the card made of the command.
pub(super) fn is_refusal(error: &CallError) -> bool {
    let refusals =
        [SCARD_W_WRONG_CHV, SCARD_W_CHV_BLOCKED, SCARD_W_CANCELLED_BY_USER, SCARD_E_INVALID_PARAMETER];
    error.is_unsupported() || refusals.into_iter().any(|code| error.is(code))
}
