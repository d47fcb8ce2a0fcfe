//! Who must be authenticated for an operation, and how that is done within its transaction.

use cardmod_sys::{
    SCARD_E_INVALID_PARAMETER, SCARD_W_CANCELLED_BY_USER, SCARD_W_CHV_BLOCKED, SCARD_W_WRONG_CHV,
};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinInfo, PinKind, SecretBytes};

use super::dialogue::{Dialogue, Question};
use super::operation::{Attempt, Need};
use super::pin_cache::{CardState, Kept};
use super::pin_source::PinPlace;
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

/// How a role came to be authenticated.
enum Admission {
    /// It is, or need not be.
    Granted,
    /// Its PIN has to be asked for, which is not done within a transaction.
    Ask(Question),
}

impl CardSession {
    /// Reads who must be authenticated, authenticates, works. A transaction runs.
    pub(super) fn within<T>(
        &mut self,
        dialogue: &mut Dialogue<'_>,
        need: &mut impl FnMut(&mut Self) -> Result<Need, Error>,
        body: &mut impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        let mut needed = need(self)?;
        if !needed.somebody() {
            match body(self) {
                // On a card without counters a key of everyone may have a policy that shows when it is used: the
                // module knows by now.
                Err(error @ Error::NotAuthenticated { .. }) if self.cached.has_hints() => {
                    self.forget_owners();
                    needed = need(self)?;
                    if !needed.somebody() {
                        return Err(error);
                    }
                }
                result => return result.map(Attempt::Done),
            }
        }
        let role = needed.role.unwrap_or(PinId::USER);
        let info = self.pin_info(role)?;
        let every_time = info.cache == PinCachePolicy::AlwaysPrompt;
        if every_time || !self.is_authenticated(role)? {
            let question = Question { role, info, container: needed.container };
            if let Admission::Ask(question) = self.admit(question, dialogue)? {
                return Ok(Attempt::Ask(question));
            }
        }
        let result = body(self);
        let dropped = if every_time { self.drop_role(role) } else { Ok(()) };
        // What the operation failed at is what counts, and may be worth a repetition.
        let value = result?;
        dropped.map(|()| Attempt::Done(value))
    }

    /// The role's PIN opens its keys for one use.
    pub(super) fn is_asked_every_time(&mut self, role: PinId) -> Result<bool, Error> {
        Ok(role != PinId::EVERYONE && self.pin_info(role)?.cache == PinCachePolicy::AlwaysPrompt)
    }

    /// The role is authenticated in this transaction: by its own PIN, or by another that controls it too.
    fn is_authenticated(&mut self, role: PinId) -> Result<bool, Error> {
        if self.authenticated.contains(role) {
            return Ok(true);
        }
        if self.authenticated.is_empty() {
            return Ok(false);
        }
        let roles = self.module.authenticated();
        let roles = roles.or_else(|error| if error.is_unsupported() { Ok(None) } else { Err(error) });
        let roles = roles.map_err(|error| self.failed("tell who is authenticated", error))?;
        let controlled = roles.is_some_and(|roles| roles.contains(role));
        if controlled {
            self.authenticated.insert(role);
        }
        Ok(controlled)
    }

    /// Authenticates a role by what its PIN's kind wants, or says what has to be asked.
    fn admit(&mut self, question: Question, dialogue: &mut Dialogue<'_>) -> Result<Admission, Error> {
        match question.info.kind {
            PinKind::Empty => Ok(Admission::Granted),
            PinKind::AlphaNumeric => self.admit_by_pin(question, dialogue),
            // It was typed here after all.
            PinKind::External if dialogue.answer(question.role).is_some() => {
                self.admit_by_pin(question, dialogue)
            }
            PinKind::External => self.admit_externally(question, dialogue),
            PinKind::ChallengeResponse => self.admit_by_response(&question, dialogue),
        }
    }

    /// By the PIN that was asked for, or by the one that is kept.
    fn admit_by_pin(&mut self, question: Question, dialogue: &mut Dialogue<'_>) -> Result<Admission, Error> {
        let Question { role, info, .. } = question;
        let asked = dialogue.answer(role);
        let verified = match &asked {
            Some(pin) => self.authenticate(role, pin, &info, dialogue.silent()),
            None => match self.admit_by_kept(role, &info, dialogue)? {
                Some(verified) => verified,
                None => return Ok(Admission::Ask(question)),
            },
        };
        match verified {
            Ok(()) => Ok(Admission::Granted),
            Err(error @ Error::WrongPin { .. }) => match dialogue.refused(role, error, asked.is_some()) {
                Some(error) => Err(error),
                None => Ok(Admission::Ask(question)),
            },
            Err(error) => Err(error),
        }
    }

    /// By what is kept; `None` where nothing is. A session PIN that is no longer good cost no try, and is
    /// forgotten without a word.
    fn admit_by_kept(
        &mut self,
        role: PinId,
        info: &PinInfo,
        dialogue: &mut Dialogue<'_>,
    ) -> Result<Option<Result<(), Error>>, Error> {
        match self.kept(role, info)? {
            None => Ok(None),
            Some(Kept::Pin(pin)) => {
                let verified = self.prove(role, &pin, dialogue.silent()).map(drop);
                dialogue.tried(role, pin);
                Ok(Some(verified))
            }
            Some(Kept::SessionPin(pin)) => {
                let verified = self.authenticate_by_session_pin(role, &pin, dialogue.silent())?;
                Ok(verified.then_some(Ok(())))
            }
        }
    }

    /// The module collects the PIN: at a keypad, a sensor, or in a window of its own.
    fn admit_externally(
        &mut self,
        question: Question,
        dialogue: &mut Dialogue<'_>,
    ) -> Result<Admission, Error> {
        let (role, info) = (question.role, &question.info);
        if let Some(Kept::SessionPin(pin)) = self.kept(role, info)?
            && self.authenticate_by_session_pin(role, &pin, dialogue.silent())?
        {
            return Ok(Admission::Granted);
        }
        // The module would have to show something.
        if dialogue.silent() {
            return Err(Error::PinRequired { card: self.reader.clone(), role });
        }
        loop {
            let request = question.request(&self.options.card_name, &self.reader, self.known_tries(role));
            if dialogue.place(request) == PinPlace::Here && self.may_be_typed(role)? {
                return Ok(Admission::Ask(question));
            }
            match self.collect(role, Some(&question.text())) {
                Ok(session_pin) => {
                    if let Some(pin) = session_pin {
                        self.keep(role, &Kept::SessionPin(pin), info);
                    }
                    return Ok(Admission::Granted);
                }
                Err(error) => dialogue.entry_failed(error).map_or(Ok(()), Err)?,
            }
        }
    }

    /// Has the module collect and verify a PIN; answers the session PIN it made of it.
    pub(super) fn collect(&mut self, role: PinId, text: Option<&str>) -> Result<Option<SecretBytes>, Error> {
        self.introduce_entry(text);
        let entered = self.module.collect_pin(role);
        if text.is_some() {
            self.introduce_entry(None);
        }
        self.outcome(role, entered)
    }

    /// An external PIN that the module takes from the host too (property "PIN Strength Verify").
    pub(super) fn may_be_typed(&mut self, role: PinId) -> Result<bool, Error> {
        let strength = self.module.pin_strength(role);
        let strength = strength.map_err(|error| self.failed("tell how a PIN travels", error))?;
        Ok(strength.is_some_and(|strength| strength.plain))
    }

    /// Tells the module the window and the text of what it is going to show, or that it is over. A
    /// module that shows nothing need not know the properties.
    fn introduce_entry(&mut self, text: Option<&str>) {
        let shown = match text {
            Some(text) => self
                .module
                .set_parent_window(self.options.parent_window)
                .and_then(|()| self.module.set_pin_context_string(Some(text))),
            None => self.module.set_pin_context_string(None),
        };
        if let Err(error) = shown {
            tracing::debug!(%error, "the module does not take a text for its PIN entry");
        }
    }

    /// By the answer to a challenge, which is spent by any other command: the transaction goes on while
    /// it is answered.
    fn admit_by_response(
        &mut self,
        question: &Question,
        dialogue: &mut Dialogue<'_>,
    ) -> Result<Admission, Error> {
        let role = question.role;
        if dialogue.silent() {
            return Err(Error::PinRequired { card: self.reader.clone(), role });
        }
        let challenge = self.module.challenge_of(role);
        let challenge = challenge.map_err(|error| self.failed("give a challenge", error))?;
        let request = question.request(&self.options.card_name, &self.reader, self.known_tries(role));
        let response = self.in_use(|| dialogue.respond(&request, &challenge))?;
        let answered = self.module.respond_as(role, &response);
        self.outcome(role, answered).map(|()| Admission::Granted)
    }

    /// Verifies a PIN, remembers what came of it, and keeps the PIN as far as its policy allows.
    pub(super) fn authenticate(
        &mut self,
        role: PinId,
        pin: &Pin,
        info: &PinInfo,
        silent: bool,
    ) -> Result<(), Error> {
        let session_pin = self.prove(role, pin, silent)?;
        let kept = session_pin.map_or_else(|| Kept::Pin(pin.clone()), Kept::SessionPin);
        self.keep(role, &kept, info);
        Ok(())
    }

    /// Verifies a PIN, plainly or by a session PIN made of it, which it answers. A kept PIN comes this way
    /// too: its use does not prolong its life.
    fn prove(&mut self, role: PinId, pin: &Pin, silent: bool) -> Result<Option<SecretBytes>, Error> {
        let session_pin = if self.makes_session_pins(role) {
            let made = self.module.generate_session_pin(role, pin);
            match made {
                // It has none for this role after all.
                Err(error) if error.is_unsupported() => None,
                made => self.judged(role, made)?,
            }
        } else {
            None
        };
        let verified = match &session_pin {
            Some(session_pin) => self.module.verify_session_pin(role, session_pin, silent),
            None => self.module.verify_pin(role, pin, silent),
        };
        self.outcome(role, verified).map(|()| session_pin)
    }

    /// `false` where the session PIN is not good any more.
    fn authenticate_by_session_pin(
        &mut self,
        role: PinId,
        pin: &SecretBytes,
        silent: bool,
    ) -> Result<bool, Error> {
        match self.module.verify_session_pin(role, pin, silent) {
            Err(error) if is_refusal(&error) => {
                self.pin_cache.forget(&self.reader, role);
                Ok(false)
            }
            verified => self.outcome(role, verified).map(|()| true),
        }
    }

    /// What an authentication came to.
    fn outcome<T>(&mut self, role: PinId, answer: Result<T, CallError>) -> Result<T, Error> {
        let value = self.judged(role, answer)?;
        self.authenticated.insert(role);
        self.note_tries(role, None);
        Ok(value)
    }

    /// An answer that authenticates nobody yet; after a failure nothing kept for the role is used again.
    fn judged<T>(&mut self, role: PinId, answer: Result<T, CallError>) -> Result<T, Error> {
        answer.map_err(|error| {
            self.pin_cache.forget(&self.reader, role);
            if self.authenticated.contains(role) || !is_refusal(&error) {
                self.doubt(role);
            }
            self.failed_authentication(role, "verify a PIN", error)
        })
    }

    /// What is kept for a role of this card, where its policy allows to use it.
    fn kept(&mut self, role: PinId, info: &PinInfo) -> Result<Option<Kept>, Error> {
        if info.cache == PinCachePolicy::AlwaysPrompt || !self.pin_cache.may_have(&self.reader, role) {
            return Ok(None);
        }
        let card = self.card_state()?;
        Ok(card.and_then(|card| self.pin_cache.find(&self.reader, role, &card)))
    }

    /// Keeps a secret that was right. That this cannot be done is no failure of the operation.
    pub(super) fn keep(&mut self, role: PinId, secret: &Kept, info: &PinInfo) {
        match self.card_state() {
            Ok(Some(card)) => {
                self.pin_cache.keep(&self.reader, role, card, secret, info.cache);
                self.pin_cache.expire_by(&self.timer, info.cache);
            }
            Ok(None) => self.pin_cache.forget(&self.reader, role),
            Err(error) => tracing::debug!(%error, "a PIN is not kept"),
        }
    }

    /// The card as a kept PIN is bound to it; `None` where the reader does not count its insertions.
    fn card_state(&mut self) -> Result<Option<CardState>, Error> {
        let pins = self.cardcf()?.map(|counters| counters.pins);
        let (id, insertion) = (self.card_id()?, self.insertion());
        Ok(insertion.map(|insertion| CardState { id, atr: self.atr.clone(), insertion, pins }))
    }

    /// The role's plain PINs are to be turned into session PINs first (property "PIN Strength Verify").
    fn makes_session_pins(&mut self, role: PinId) -> bool {
        let slot = usize::try_from(role.get()).unwrap_or(0);
        if let Some(Some(known)) = self.session_pins.get(slot) {
            return *known;
        }
        let strength = self.module.pin_strength(role);
        let makes = matches!(&strength, Ok(Some(strength)) if strength.session_pin);
        if let (Ok(_), Some(place)) = (&strength, self.session_pins.get_mut(slot)) {
            *place = Some(makes);
        }
        makes
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

    /// A failed authentication, whose tries are noted. Where the call does not tell them, the card is
    /// asked.
    pub(super) fn failed_authentication(
        &mut self,
        role: PinId,
        operation: &'static str,
        error: CallError,
    ) -> Error {
        let whose = (role, self.known_purpose(role));
        let mut error = Error::of_authentication(&self.reader, whose, operation, error);
        match &mut error {
            Error::WrongPin { tries_left, .. } => {
                if tries_left.is_none() {
                    *tries_left = self.module.tries_left(role).ok().flatten();
                }
                self.note_tries(role, *tries_left);
            }
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
