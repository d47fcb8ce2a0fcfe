//! One operation: its transaction, its PIN, its one repetition.

use cardmod_types::PinId;

use super::dialogue::{Dialogue, Question};
use super::pin_source::PinSource;
use super::session::CardSession;
use crate::error::{Error, Fault};
use crate::module::{CallError, Footprint};

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

    /// Whether anybody has to be authenticated.
    pub(super) fn somebody(&self) -> bool {
        self.role.is_some_and(|role| role != PinId::EVERYONE)
    }
}

/// Whether an operation may be begun again when the connection failed in its midst.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It changes nothing, or the same again.
    Safe,
    /// Not once it may have changed something. As long as it only looked, it may.
    Never,
}

/// The course of an operation so far.
struct Course {
    repeat: Repeat,
    /// It was begun again after a fault.
    repeated: bool,
    /// It was begun again after what was remembered turned out to be wrong.
    renewed: bool,
    /// It was begun again after a right was found missing.
    authenticated_again: bool,
}

/// What an attempt that failed may have left behind.
#[derive(Clone, Copy, Default)]
struct Traces {
    /// A function was called that changes what the card keeps.
    changed: bool,
    /// A secret was sent, and its answer was lost: sending it again could cost a second try.
    unanswered: bool,
}

impl Traces {
    fn between(before: Footprint, after: Footprint) -> Self {
        Self { changed: before.changes != after.changes, unanswered: before.unanswered != after.unanswered }
    }
}

impl Course {
    fn may_repeat(&self, traces: Traces) -> bool {
        !traces.unanswered && (self.repeat == Repeat::Safe || !traces.changed)
    }
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
        let mut course = Course { repeat, repeated: false, renewed: false, authenticated_again: false };
        loop {
            let (error, traces) = match self.attempt(&course, &mut dialogue, &mut need, &mut body) {
                Ok(Attempt::Done(value)) => return Ok(value),
                Ok(Attempt::Ask(question)) => {
                    self.ask(&mut dialogue, &question)?;
                    continue;
                }
                Err(failed) => failed,
            };
            match (error.fault(), error) {
                (Some(fault), error) => self.after_fault(fault, error, traces, &mut course)?,
                // It failed at what was only remembered, which is forgotten now.
                (None, Error::CardChanged { .. })
                    if course.may_repeat(traces) && !core::mem::replace(&mut course.renewed, true) => {}
                // The rights this session believed to have are gone: take them again, once.
                (None, Error::NotAuthenticated { .. })
                    if !dialogue.has_answer()
                        && !core::mem::replace(&mut course.authenticated_again, true)
                        && self.held_rights()
                        && course.may_repeat(traces) =>
                {
                    self.suspend()?;
                }
                (None, error) => return Err(error),
            }
        }
    }

    /// The connection failed: gets over it and lets the operation be begun again, once, where this is safe;
    /// else answers what the caller has to know.
    fn after_fault(
        &mut self,
        fault: Fault,
        error: Error,
        traces: Traces,
        course: &mut Course,
    ) -> Result<(), Error> {
        if !course.may_repeat(traces) || core::mem::replace(&mut course.repeated, true) {
            if fault == Fault::Removal {
                self.pin_cache.forget_reader(&self.reader);
            }
            return Err(if traces.changed && course.repeat == Repeat::Never {
                Error::Interrupted { card: self.reader.clone(), fault }
            } else {
                error
            });
        }
        tracing::debug!(%error, reader = self.reader, "the operation is begun again");
        self.recover(fault)
    }

    /// One attempt, within one transaction.
    fn attempt<T>(
        &mut self,
        course: &Course,
        dialogue: &mut Dialogue<'_>,
        need: &mut impl FnMut(&mut Self) -> Result<Need, Error>,
        body: &mut impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<Attempt<T>, (Error, Traces)> {
        self.begin().map_err(|error| (error, Traces::default()))?;
        let before = self.module.footprint();
        let mut result = self.within(dialogue, need, body);
        // Where nobody is asked, the transaction goes on.
        while let Ok(Attempt::Ask(question)) = &result
            && dialogue.at_hand(question.role)
        {
            let answered = self.ask(dialogue, &question.clone());
            result = answered.and_then(|()| self.within(dialogue, need, body));
        }
        let traces = Traces::between(before, self.module.footprint());
        let result = result.map_err(|error| match error.fault() {
            // Of what fails once more the reason is told, though another program may have filled the cache
            // again.
            None if !course.renewed && course.may_repeat(traces) => self.reconsidered(error),
            _ => error,
        });
        let finished = match &result {
            // Nothing is held while a user is asked.
            Ok(Attempt::Ask(_)) => self.suspend(),
            // Nothing holds any more. The module is not trusted with that: rights are taken away, or
            // the card is reset, even if it should have happened already.
            Err(error) if error.fault().is_some() => self.suspend(),
            Ok(Attempt::Done(_)) | Err(_) => self.finish(),
        };
        if let Err(error) = finished {
            // What was done is done, and is not begun again for that.
            tracing::warn!(%error, reader = self.reader, "an operation's transaction was not ended cleanly");
        }
        result.map_err(|error| (error, traces))
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
