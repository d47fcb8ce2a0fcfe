//! The PIN the host asks for: from the option that names it, or from the terminal.

use cardmod_host::{PinRequest, PinSource, PinSourceError};
use cardmod_types::{Pin, PinId};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Pause, Progress};
use crate::secrets::{self, PinOptions, SecretSource};

/// Answers the host's questions with one PIN, read at the first of them.
///
/// A PIN that turned out wrong is not given again: the tries of a card are precious.
pub(crate) struct PinAnswer {
    source: Option<SecretSource>,
    known: Option<(PinId, Pin)>,
    tries_at_last_answer: Option<u32>,
    pause: Option<Pause>,
}

impl PinAnswer {
    /// Answers as the options say.
    pub(crate) fn new(options: &PinOptions) -> Self {
        Self { source: options.source(), known: None, tries_at_last_answer: None, pause: None }
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
        if let Some(source) = options.source() {
            return Ok(Pin::new(source.read(name)?.to_vec()));
        }
        let typed = secrets::prompt(&format!("{name}: "), name, "pin")?;
        Ok(Pin::new(typed.to_vec()))
    }
}

impl PinSource for PinAnswer {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        if let Some((role, known)) = &self.known
            && *role == request.role
        {
            // The tries become known, or fewer, by a failed attempt alone.
            let was_wrong = match (self.tries_at_last_answer, request.tries_left) {
                (Some(before), Some(now)) => now < before,
                (None, Some(_)) => true,
                (_, None) => false,
            };
            return if was_wrong { Err(PinSourceError::Cancelled) } else { Ok(known.clone()) };
        }
        let name = role_name(request.role);
        let secret = match &self.source {
            Some(source) => source.read(name),
            None => self.prompt(&question(request), name),
        };
        let secret = secret.map_err(|failure| PinSourceError::Unavailable(failure.message))?;
        let pin = Pin::new(secret.to_vec());
        self.tries_at_last_answer = request.tries_left;
        self.known = Some((request.role, pin.clone()));
        Ok(pin)
    }
}

fn question(request: &PinRequest<'_>) -> String {
    let of = match request.container {
        Some(container) => format!(" for {container}"),
        None => String::new(),
    };
    let tries = match request.tries_left {
        Some(1) => ", 1 try left".to_owned(),
        Some(tries) => format!(", {tries} tries left"),
        None => String::new(),
    };
    format!("{}{of} (card in {}{tries}): ", role_name(request.role), request.reader)
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
