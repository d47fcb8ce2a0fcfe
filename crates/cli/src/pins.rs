//! The PIN the host asks for: from the option that names it, or from the terminal.

use std::io::Write as _;

use cardmod_host::{LockedSecret, PinPlace, PinRequest, PinSource, PinSourceError};
use cardmod_types::{Pin, PinId};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Pause, Progress};
use crate::secrets::{self, PinOptions, SecretSource};

/// Answers the host's questions with one PIN for each role, read at the first of them. Where a person is
/// asked, a wrong one is asked for again.
pub(crate) struct PinAnswer {
    source: Option<SecretSource>,
    keypad: bool,
    known: Option<(PinId, Known)>,
    tries_at_last_answer: Option<u32>,
    pause: Option<Pause>,
}

impl PinAnswer {
    /// Answers as the options say.
    pub(crate) fn new(options: &PinOptions) -> Self {
        let (source, keypad) = (options.source(), options.keypad());
        Self { source, keypad, known: None, tries_at_last_answer: None, pause: None }
    }

    /// Shows that something goes on, except while the PIN is asked for.
    pub(crate) fn progress(&mut self, out: Output, what: &str) -> Progress {
        let progress = Progress::start(out, what);
        self.pause = Some(progress.pause());
        progress
    }

    fn prompt(&self, text: &str, name: &str) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let ask = || secrets::prompt(text, name, "pin");
        match &self.pause {
            Some(pause) => pause.during(ask),
            None => ask(),
        }
    }

    /// The PIN, for verbs that take it outside a question of the host.
    pub(crate) fn read(options: &PinOptions, role: PinId) -> Result<Pin, Failure> {
        let name = role_name(role);
        match options.source() {
            Some(source) => source.read(name).map(Pin::from),
            None => secrets::prompt(&format!("{name}: "), name, "pin").map(Pin::from),
        }
    }
}

/// The PIN that was given, while the program may be asked for it again.
enum Known {
    Locked(LockedSecret),
    /// Where the system locks no memory.
    Plain(Pin),
}

impl Known {
    fn new(pin: &Pin) -> Self {
        LockedSecret::new(pin.as_bytes()).map_or_else(|_| Self::Plain(pin.clone()), Self::Locked)
    }

    fn pin(&self) -> Pin {
        match self {
            Self::Locked(locked) => Pin::from(locked.as_bytes()),
            Self::Plain(pin) => pin.clone(),
        }
    }
}

impl PinSource for PinAnswer {
    /// A file may be a pipe that somebody is to write to.
    fn at_hand(&self) -> bool {
        self.known.is_some() || matches!(self.source, Some(SecretSource::Environment(_)))
    }

    fn has_at_hand(&self, role: PinId) -> bool {
        match &self.known {
            Some((known, _)) if *known == role => true,
            _ => matches!(self.source, Some(SecretSource::Environment(_))),
        }
    }

    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        // What turned out wrong is not given again: the tries of a card are precious.
        if let Some((role, known)) = &self.known
            && *role == request.role
            && (request.last_error.is_none() || self.source.is_some())
        {
            // In an operation before this one: the tries become known, or fewer, by a failure alone.
            let was_wrong = match (self.tries_at_last_answer, request.tries_left) {
                (Some(before), Some(now)) => now < before,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            let again = was_wrong && request.last_error.is_none();
            return if again { Err(PinSourceError::Cancelled) } else { Ok(known.pin()) };
        }
        let name = role_name(request.role);
        let secret = match &self.source {
            Some(source) => source.read(name),
            None => self.prompt(&question(request), name),
        };
        let pin = Pin::from(secret.map_err(|failure| PinSourceError::Unavailable(failure.message))?);
        self.tries_at_last_answer = request.tries_left;
        // A person is asked again for each use of a key that wants that.
        let asked_again = request.every_time && self.source.is_none();
        self.known = Some((request.role, Known::new(&pin))).filter(|_| !asked_again);
        Ok(pin)
    }

    /// A PIN that was given is used, and a person who wants the keyboard gets it.
    fn place(&mut self, request: &PinRequest<'_>) -> PinPlace {
        if !self.keypad {
            return PinPlace::Here;
        }
        let tell = || at_the_reader(&question(request));
        match &self.pause {
            Some(pause) => pause.during(tell),
            None => tell(),
        }
        PinPlace::Reader
    }

    /// A person may mistype.
    fn asks_again(&self) -> bool {
        self.source.is_none()
    }
}

/// Says on the terminal that the reader is waiting.
pub(crate) fn at_the_reader(question: &str) {
    // Nobody may be looking: the reader asks all the same.
    let _ = writeln!(std::io::stderr(), "{question}enter it at the reader");
}

fn question(request: &PinRequest<'_>) -> String {
    let wrong = if request.last_error.is_some() { "wrong; " } else { "" };
    let of = match request.container {
        Some(container) => format!(" for {container}"),
        None => String::new(),
    };
    let tries = match request.tries_left {
        Some(1) => ", 1 try left".to_owned(),
        Some(tries) => format!(", {tries} tries left"),
        None => String::new(),
    };
    format!("{wrong}{}{of} (card in {}{tries}): ", request.what(), request.reader)
}

/// What people call a role's PIN.
pub(crate) fn role_name(role: PinId) -> &'static str {
    match role {
        PinId::USER => "PIN",
        PinId::ADMIN => "administrator PIN",
        PinId::EVERYONE => "PIN of everyone",
        _ => "PIN of a further role",
    }
}
