//! What one operation asks about PINs, from its first attempt to its last.

use cardmod_types::{Pin, PinCachePolicy, PinId, PinInfo};

use super::pin_source::{PinPlace, PinRequest, PinSource, PinSourceError};
use super::session::CardSession;
use crate::error::Error;

/// The most questions one operation may put to a [`PinSource`].
pub(crate) const MOST_QUESTIONS: u32 = 16;

/// What has to be asked.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) role: PinId,
    pub(super) info: PinInfo,
    /// The container that is used.
    pub(super) container: Option<String>,
}

impl Question {
    /// The question in words, for a module that shows something by itself.
    pub(super) fn text(&self) -> String {
        let what = PinRequest::what_of(self.role, self.info.purpose);
        match &self.container {
            Some(container) => format!("{what} for {container}"),
            None => what.to_owned(),
        }
    }

    /// The question as a [`PinSource`] takes it.
    pub(super) fn request<'a>(
        &'a self,
        card: &'a str,
        reader: &'a str,
        tries_left: Option<u32>,
    ) -> PinRequest<'a> {
        PinRequest {
            card,
            reader,
            container: self.container.as_deref(),
            role: self.role,
            purpose: self.info.purpose,
            tries_left,
            attempt: 1,
            last_error: None,
            every_time: self.info.cache == PinCachePolicy::AlwaysPrompt,
            secure_entry: self.info.secure_entry,
        }
    }
}

/// A PIN that was sent to the card in this operation.
struct Sent {
    role: PinId,
    pin: Pin,
    /// The card's no.
    refusal: Option<Error>,
}

/// The dialogue of one operation with whoever knows the PINs.
pub(super) struct Dialogue<'p> {
    source: Option<&'p mut (dyn PinSource + 'p)>,
    silent: bool,
    /// The answer to the last question, until it is refused.
    given: Option<(PinId, Pin)>,
    sent: Option<Sent>,
    questions: u32,
    /// How often something was typed at the reader, and what was wrong with it last.
    entries: u32,
    mistyped: Option<Error>,
    /// How often the present role was asked for.
    attempt: u32,
}

impl<'p> Dialogue<'p> {
    /// A dialogue with this source; with none, and for a silent session, nothing is asked.
    pub(super) fn new(source: Option<&'p mut (dyn PinSource + 'p)>, silent: bool) -> Self {
        let silent = silent || source.as_ref().is_none_or(|source| source.silent());
        Self { source, silent, given: None, sent: None, questions: 0, entries: 0, mistyped: None, attempt: 0 }
    }

    /// The source answers for this role without asking anybody.
    pub(super) fn at_hand(&self, role: PinId) -> bool {
        self.source.as_ref().is_some_and(|source| source.has_at_hand(role))
    }

    /// Nobody may be asked.
    pub(super) fn silent(&self) -> bool {
        self.silent
    }

    /// The answer to the question for this role. It is told in every attempt, since the card may have been
    /// reset meanwhile.
    pub(super) fn answer(&self, role: PinId) -> Option<Pin> {
        self.given.as_ref().filter(|(asked, _)| *asked == role).map(|(_, pin)| pin.clone())
    }

    /// A PIN was asked for in this operation, and is not used up.
    pub(super) fn has_answer(&self) -> bool {
        self.given.is_some()
    }

    /// A kept PIN was sent to the card.
    pub(super) fn tried(&mut self, role: PinId, pin: Pin) {
        self.sent = Some(Sent { role, pin, refusal: None });
    }

    /// The PIN sent last was wrong; `asked` where it came from the source. Answers the error to end with,
    /// or `None` where the source is to be asked again.
    pub(super) fn refused(&mut self, role: PinId, error: Error, asked: bool) -> Option<Error> {
        if let Some((role, pin)) = self.given.take_if(|_| asked) {
            self.sent = Some(Sent { role, pin, refusal: None });
        }
        if let (Some(source), Some(sent)) = (&mut self.source, &self.sent)
            && sent.role == role
        {
            source.was_refused(role, &sent.pin);
        }
        let over = matches!(error, Error::WrongPin { tries_left: Some(0), .. });
        let again = !asked || self.source.as_ref().is_some_and(|source| source.asks_again());
        if over || self.silent || !again {
            return Some(error);
        }
        if let Some(sent) = self.sent.as_mut().filter(|sent| sent.role == role) {
            sent.refusal = Some(error);
        }
        None
    }

    /// Where a PIN is typed that the reader takes. A source that wants it at the reader tells the user so.
    pub(super) fn place(&mut self, request: PinRequest<'_>) -> PinPlace {
        let (attempt, last_error) = (self.entries + 1, self.mistyped.as_ref());
        let request = PinRequest { attempt, last_error, ..request };
        self.source.as_mut().map_or(PinPlace::Reader, |source| source.place(&request))
    }

    /// An entry at the reader failed. Answers the error to end with, or `None` where it is to be typed again.
    pub(super) fn entry_failed(&mut self, error: Error) -> Option<Error> {
        self.entries += 1;
        let wrong = matches!(error, Error::WrongPin { tries_left, .. } if tries_left != Some(0));
        if wrong && self.entries < MOST_QUESTIONS && self.source.as_ref().is_some_and(|it| it.asks_again()) {
            self.mistyped = Some(error);
            return None;
        }
        match (error, self.mistyped.take()) {
            // Whoever gives up after a wrong PIN is told of that, and of the tries it left.
            (Error::PinSource(_), Some(wrong)) => Some(wrong),
            (error, _) => Some(error),
        }
    }

    /// Has a challenge answered. The transaction goes on.
    pub(super) fn respond(&mut self, request: &PinRequest<'_>, challenge: &[u8]) -> Result<Vec<u8>, Error> {
        let source = self.source.as_mut().filter(|_| !self.silent).ok_or_else(|| required(request))?;
        source.respond(request, challenge).map_err(Error::PinSource)
    }

    /// Asks for a PIN.
    fn ask(&mut self, request: PinRequest<'_>) -> Result<(), Error> {
        let role = request.role;
        let refused = self.sent.as_ref().filter(|sent| sent.role == role);
        let refused = refused.and_then(|sent| Some((sent.pin.clone(), sent.refusal.clone()?)));
        self.questions += 1;
        self.attempt = if refused.is_some() { self.attempt + 1 } else { 1 };
        let source = self.source.as_mut().filter(|_| !self.silent).ok_or_else(|| required(&request))?;
        if self.questions > MOST_QUESTIONS {
            let card = request.reader.to_owned();
            return Err(Error::NotAuthenticated { card, operation: "go on" });
        }
        let last_error = refused.as_ref().map(|(_, error)| error);
        let answer = source.pin(&PinRequest { attempt: self.attempt, last_error, ..request });
        let pin = accepted(answer, last_error, refused.as_ref().map(|(pin, _)| pin))?;
        self.given = Some((role, pin));
        Ok(())
    }
}

/// What an answer comes to after `last_error`, by which the card refused a PIN before.
pub(crate) fn accepted(
    answer: Result<Pin, PinSourceError>,
    last_error: Option<&Error>,
    refused: Option<&Pin>,
) -> Result<Pin, Error> {
    match (answer, last_error) {
        // It is known to be wrong: it would cost a try for nothing.
        (Ok(pin), Some(error)) if refused == Some(&pin) => Err(error.clone()),
        (Ok(pin), _) => Ok(pin),
        // Whoever gives up after a wrong PIN is told of that, and of the tries it left.
        (Err(_), Some(error)) => Err(error.clone()),
        (Err(error), None) => Err(Error::PinSource(error)),
    }
}

fn required(request: &PinRequest<'_>) -> Error {
    Error::PinRequired { card: request.reader.to_owned(), role: request.role }
}

impl CardSession {
    /// Asks what an attempt found missing. No transaction runs.
    pub(super) fn ask(&mut self, dialogue: &mut Dialogue<'_>, question: &Question) -> Result<(), Error> {
        let tries_left = self.known_tries(question.role);
        dialogue.ask(question.request(&self.options.card_name, &self.reader, tries_left))
    }
}

/// What a source that answers no challenges says.
pub(super) fn no_response() -> PinSourceError {
    PinSourceError::Unavailable("nobody here answers challenges".to_owned())
}
