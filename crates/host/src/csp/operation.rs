//! One operation: its transaction, its PIN, its one repetition.

use cardmod_types::PinId;

use super::dialogue::{Dialogue, Question};
use super::pin_source::PinSource;
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

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
pub(super) enum Attempt<T> {
    Done(T),
    /// A PIN has to be asked for, which is not done within a transaction.
    Ask(Question),
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
        pins: Option<&mut dyn PinSource>,
        mut need: impl FnMut(&mut Self) -> Result<Need, Error>,
        mut body: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut dialogue = Dialogue::new(pins, self.options.silent);
        let (mut repeated, mut renewed, mut authenticated_again) = (false, false, false);
        loop {
            match self.attempt(repeat, &mut dialogue, &mut need, &mut body) {
                Ok(Attempt::Done(value)) => return Ok(value),
                Ok(Attempt::Ask(question)) => self.ask(&mut dialogue, &question)?,
                Err(error)
                    if error.is_reset()
                        && repeat == Repeat::Safe
                        && !repeated
                        && !dialogue.was_unanswered() =>
                {
                    repeated = true;
                    self.reconnect()?;
                }
                // It failed at what was only remembered, which is forgotten now.
                Err(Error::CardChanged { .. }) if repeat == Repeat::Safe && !renewed => renewed = true,
                // The rights this session believed to have are gone: take them again, once.
                Err(Error::NotAuthenticated { .. })
                    if !dialogue.has_answer()
                        && !authenticated_again
                        && self.held_rights()
                        && repeat == Repeat::Safe =>
                {
                    authenticated_again = true;
                    self.suspend()?;
                }
                Err(error) => {
                    if matches!(error, Error::Removed { .. } | Error::NoCard { .. }) {
                        self.pin_cache.forget_reader(&self.reader);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// One attempt, within one transaction.
    fn attempt<T>(
        &mut self,
        repeat: Repeat,
        dialogue: &mut Dialogue<'_>,
        need: &mut impl FnMut(&mut Self) -> Result<Need, Error>,
        body: &mut impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Attempt<T>, Error> {
        self.begin()?;
        let result = self.within(dialogue, need, body);
        let result = result.map_err(|error| self.reconsidered(repeat, error));
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

    /// This session authenticated somebody in the running transaction.
    fn held_rights(&self) -> bool {
        !self.authenticated.is_empty()
    }

    /// A failed call of the module, with this card's name.
    pub(super) fn failed(&self, operation: &'static str, error: CallError) -> Error {
        Error::of_call(&self.reader, operation, error)
    }

    /// A file or answer of this card is broken.
    pub(super) fn damaged(&self, what: String) -> Error {
        Error::BadCardData { what, card: self.reader.clone() }
    }
}
