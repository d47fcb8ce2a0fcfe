//! A PIN for a card that is shared: asked for after the card's lock was given back.

use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use cardmod_types::{Pin, PinId, PinPurpose};

use crate::csp::{
    Card, CardSession, MOST_QUESTIONS, PinPlace, PinRequest, PinSource, PinSourceError, accepted,
};
use crate::error::Error;

/// The caller's source of PINs.
pub(super) struct Source(Mutex<Box<dyn PinSource + Send>>);

impl Source {
    pub(super) fn new(source: impl PinSource + Send + 'static) -> Self {
        Self(Mutex::new(Box::new(source)))
    }

    /// Waits where another thread asks.
    fn lock(&self) -> MutexGuard<'_, Box<dyn PinSource + Send>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` where another thread asks at this moment.
    fn try_lock(&self) -> Option<MutexGuard<'_, Box<dyn PinSource + Send>>> {
        match self.0.try_lock() {
            Ok(source) => Some(source),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Runs an operation on the card. Where it needs a PIN, the card is given back, the source is asked,
    /// and the operation begins again with the answer.
    pub(super) fn attend<T>(
        &self,
        card: &Card,
        mut operation: impl FnMut(&mut CardSession, &mut dyn PinSource) -> Result<T, Error>,
    ) -> Result<T, Error> {
        // A source that asks at this moment is no silent one.
        let silent = self.try_lock().is_some_and(|source| source.silent());
        let mut courier =
            Courier { source: self, silent, question: None, answer: None, sent: None, refused: None };
        let mut questions = 0;
        loop {
            let result = operation(&mut card.lock(), &mut courier);
            let question = match (courier.question.take(), result) {
                (Some(question), _) => question,
                (None, Err(error)) => courier.again(error)?,
                (None, done) => return done,
            };
            let Some(mut source) = self.try_lock() else {
                // The answer that another thread gets may do for this one too.
                drop(self.lock());
                continue;
            };
            questions += 1;
            if questions > MOST_QUESTIONS {
                return Err(Error::NotAuthenticated { card: question.reader, operation: "go on" });
            }
            let answer = source.pin(&question.request());
            courier.take(question, answer)?;
        }
    }
}

/// A question, kept until the card was given back.
#[derive(Clone)]
struct Question {
    card: String,
    reader: String,
    container: Option<String>,
    role: PinId,
    purpose: PinPurpose,
    tries_left: Option<u32>,
    attempt: u32,
    last_error: Option<Error>,
    every_time: bool,
    secure_entry: bool,
}

impl Question {
    fn of(request: &PinRequest<'_>) -> Self {
        Self {
            card: request.card.to_owned(),
            reader: request.reader.to_owned(),
            container: request.container.map(str::to_owned),
            role: request.role,
            purpose: request.purpose,
            tries_left: request.tries_left,
            attempt: request.attempt,
            last_error: request.last_error.cloned(),
            every_time: request.every_time,
            secure_entry: request.secure_entry,
        }
    }

    fn request(&self) -> PinRequest<'_> {
        PinRequest {
            card: &self.card,
            reader: &self.reader,
            container: self.container.as_deref(),
            role: self.role,
            purpose: self.purpose,
            tries_left: self.tries_left,
            attempt: self.attempt,
            last_error: self.last_error.as_ref(),
            every_time: self.every_time,
            secure_entry: self.secure_entry,
        }
    }
}

/// Carries questions out of an operation and answers into the next.
struct Courier<'a> {
    source: &'a Source,
    silent: bool,
    question: Option<Question>,
    /// Handed out once: a PIN that was wrong is not sent again.
    answer: Option<(PinId, Pin)>,
    /// The question answered last.
    sent: Option<Question>,
    /// The PIN that the card refused last.
    refused: Option<(PinId, Pin)>,
}

impl Courier<'_> {
    /// The question to ask anew after the last answer was wrong; the error, where it is over.
    fn again(&mut self, error: Error) -> Result<Question, Error> {
        let Error::WrongPin { role: wrong, tries_left, .. } = error else { return Err(error) };
        let asked = self.sent.as_ref().filter(|question| question.role == wrong);
        match asked {
            Some(question) if tries_left != Some(0) && self.source.lock().asks_again() => {
                let attempt = question.attempt.saturating_add(1);
                Ok(Question { attempt, tries_left, last_error: Some(error), ..question.clone() })
            }
            _ => Err(error),
        }
    }

    /// Takes an answer along.
    fn take(&mut self, question: Question, answer: Result<Pin, PinSourceError>) -> Result<(), Error> {
        let refused = self.refused.as_ref().filter(|(role, _)| *role == question.role);
        let pin = accepted(answer, question.last_error.as_ref(), refused.map(|(_, pin)| pin))?;
        self.answer = Some((question.role, pin));
        self.sent = Some(question);
        Ok(())
    }
}

impl PinSource for Courier<'_> {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        if let Some((_, pin)) = self.answer.take_if(|(role, _)| *role == request.role) {
            return Ok(pin);
        }
        self.question = Some(Question::of(request));
        Err(PinSourceError::Unavailable("it is asked for without the card".to_owned()))
    }

    fn silent(&self) -> bool {
        self.silent
    }

    fn was_refused(&mut self, role: PinId, pin: &Pin) {
        self.refused = Some((role, pin.clone()));
    }

    fn place(&mut self, request: &PinRequest<'_>) -> PinPlace {
        self.source.lock().place(request)
    }

    /// Challenges are answered within the transaction.
    fn respond(&mut self, request: &PinRequest<'_>, challenge: &[u8]) -> Result<Vec<u8>, PinSourceError> {
        self.source.lock().respond(request, challenge)
    }
}
