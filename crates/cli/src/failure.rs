//! What went wrong, as the program tells it: a sentence, a hint, a stable word and an exit code.

use std::fmt::Display;
use std::path::Path;

use serde::Serialize;

use crate::exit::Exit;

/// The word of a run whose result says all.
const TOLD: &str = "told";

/// The word of a run whose reader went away.
pub(crate) const BROKEN_PIPE: &str = "broken-pipe";

/// The one error of the program.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// A stable word for scripts (`"wrong-pin"`), finer than the exit code.
    pub(crate) code: &'static str,
    /// What happened: one clause, lower case.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// How many tries a PIN has left, where that is known and counts.
    pub(crate) tries_left: Option<u32>,
}

/// A failure in `--json` form: `{"error": {...}}`.
#[derive(Serialize)]
pub(crate) struct FailureDocument<'a> {
    error: FailureBody<'a>,
}

/// What is inside of it.
#[derive(Serialize)]
pub(crate) struct FailureBody<'a> {
    code: &'static str,
    exit: u8,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tries_left: Option<u32>,
}

impl Failure {
    /// A failure with an exit code and a stable word.
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), hint: None, tries_left: None }
    }

    /// A plain failure: exit code 1.
    pub(crate) fn failed(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, code, message)
    }

    /// The end of a run whose result, printed already, is no success.
    pub(crate) fn told(exit: Exit) -> Self {
        Self::new(exit, TOLD, "")
    }

    /// Nothing is to be printed of it.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.code, TOLD | BROKEN_PIPE)
    }

    /// A wrong command line, found after its grammar was right.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A file that could not be read or written.
    pub(crate) fn file(verb: &str, path: &Path, error: impl Display) -> Self {
        Self::failed("file", format!("cannot {verb} {}: {error}", path.display()))
    }

    /// The same failure with a line of advice.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The document that `--json` prints.
    pub(crate) fn document(&self) -> FailureDocument<'_> {
        FailureDocument { error: self.body() }
    }

    /// What `--json` says of it, as a part of another document.
    pub(crate) fn body(&self) -> FailureBody<'_> {
        FailureBody {
            code: self.code,
            exit: self.exit.number(),
            message: &self.message,
            hint: self.hint.as_deref(),
            tries_left: self.tries_left,
        }
    }

    /// The lines a person reads.
    pub(crate) fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("cardmod: {}\n  hint: {hint}\n", self.message),
            None => format!("cardmod: {}\n", self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_say_the_same() {
        let mut failure = Failure::new(Exit::WrongPin, "wrong-pin", "wrong PIN").hint("try again");
        failure.tries_left = Some(2);
        assert_eq!(failure.text(), "cardmod: wrong PIN\n  hint: try again\n");
        let json = serde_json::to_value(failure.document()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"error": {"code": "wrong-pin", "exit": 5, "message": "wrong PIN",
                "hint": "try again", "tries_left": 2}})
        );
    }
}
