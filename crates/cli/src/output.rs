//! Where results go: text for people or one JSON document for programs on standard output; notes
//! and errors on standard error.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;

use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;
use serde_json::{Value, json};

use crate::data::{self, Sensitivity};
use crate::exit::Exit;
use crate::failure::{BROKEN_PIPE, Failure};

/// The version of the JSON documents; raised when a member changes its meaning or disappears.
const SCHEMA: u32 = 1;

/// A JSON document: the version first, then the members of the value.
#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    #[serde(flatten)]
    value: &'a T,
}

/// How this run talks to its caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
    quiet: bool,
}

/// What a verb that makes bytes (a signature, a key) hands over.
pub(crate) struct Delivery<'a> {
    /// The member's name in the JSON document.
    pub(crate) name: &'static str,
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// The bytes are text (PEM).
    pub(crate) text: bool,
    /// What mode a file gets.
    pub(crate) sensitivity: Sensitivity,
}

impl Output {
    /// Output as the options ask for.
    pub(crate) const fn new(json: bool, quiet: bool) -> Self {
        Self { json, quiet }
    }

    /// The caller asked for `--json`.
    pub(crate) const fn json(self) -> bool {
        self.json
    }

    /// The caller asked for results alone, and for text.
    pub(crate) const fn quiet(self) -> bool {
        self.quiet && !self.json
    }

    /// Prints a result: `value` as JSON, or the text for people.
    pub(crate) fn show<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json { self.document(value) } else { write_stdout(visible(&text(), true).as_bytes()) }
    }

    /// Prints one of many results as it comes: `value` as JSON on one line, or the text for people.
    pub(crate) fn line<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if !self.json {
            return self.show(value, text);
        }
        let text = serde_json::to_string(&Document { schema: SCHEMA, value });
        write_stdout((text.map_err(unwritable)? + "\n").as_bytes())
    }

    /// Prints something a person needs only when no file is named and nothing is `--quiet`.
    pub(crate) fn done<T: Serialize>(self, value: &T, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.quiet && !self.json { Ok(()) } else { self.show(value, text) }
    }

    /// Hands bytes over: into the file, to standard output (no file, or `-`), or, with `--json` and
    /// no file, inside the document. `facts` are further members of the document.
    pub(crate) fn deliver(
        self,
        delivery: &Delivery<'_>,
        out: Option<&Path>,
        facts: Value,
    ) -> Result<(), Failure> {
        let to_stdout = out.is_none_or(data::is_standard);
        if self.json && out.is_some() && to_stdout {
            return Err(Failure::usage("--json and --out - both want standard output")
                .hint("leave --out away to have the result inside the document"));
        }
        let mut facts = facts;
        if let (Some(path), false) = (out, to_stdout) {
            data::write(path, delivery.bytes, delivery.sensitivity)?;
            facts["out"] = json!(path.display().to_string());
            return if self.json { self.document(&facts) } else { Ok(()) };
        }
        if !self.json {
            return write_stdout(delivery.bytes);
        }
        facts[delivery.name] = if delivery.text {
            json!(String::from_utf8_lossy(delivery.bytes))
        } else {
            json!(hex(delivery.bytes))
        };
        self.document(&facts)
    }

    /// A remark on standard error, for people only.
    pub(crate) fn note(self, text: &str) {
        if !self.quiet && !self.json {
            write_stderr(&format!("{text}\n"));
        }
    }

    /// Something on standard error that must be told now or never.
    pub(crate) fn tell(self, text: &str) {
        write_stderr(text);
    }

    /// Prints why a run failed; the exit code to end with.
    pub(crate) fn failure(self, failure: &Failure) -> Exit {
        if failure.is_told() {
            return failure.exit;
        }
        if self.json {
            // Nothing more can be said when standard output is gone: the exit code still tells.
            let _ = self.document(&failure.document());
        } else {
            write_stderr(&visible(&failure.text(), true));
        }
        failure.exit
    }

    /// A failure among the lines that [`Output::line`] prints: with `--json` it is told here, in one line.
    pub(crate) fn failure_line(self, failure: Failure) -> Failure {
        if !self.json || failure.is_told() {
            return failure;
        }
        match self.line(&failure.document(), String::new) {
            Ok(()) => Failure::told(failure.exit),
            Err(_) => failure,
        }
    }

    /// Progress may be drawn: a person is watching.
    pub(crate) fn watched(self) -> bool {
        !self.quiet && !self.json && io::stderr().is_terminal()
    }

    fn document<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let mut text =
            serde_json::to_string_pretty(&Document { schema: SCHEMA, value }).map_err(unwritable)?;
        text.push('\n');
        write_stdout(text.as_bytes())
    }
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::failed("json", format!("cannot write the result as JSON: {error}"))
}

/// Text two columns to the right.
pub(crate) fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

/// A table without lines: a header and rows, two spaces between columns.
pub(crate) fn table<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header.map(str::to_uppercase));
    for row in rows {
        table.add_row(row.map(|cell| visible(&cell, false).into_owned()));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    text.join("\n") + "\n"
}

/// A list of facts: a name and a value a line.
pub(crate) fn facts(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, value)| format!("{name:width$}  {}\n", visible(value, false))).collect()
}

/// Text with its control characters spelled out. Names and subjects come from cards and certificates,
/// and must not move the cursor of the terminal they are shown on, or feign a line.
fn visible(text: &str, lines: bool) -> Cow<'_, str> {
    let hidden = |c: char| c.is_control() && !(lines && c == '\n');
    if !text.contains(hidden) {
        return Cow::Borrowed(text);
    }
    let spell = |c: char| if hidden(c) { c.escape_default().to_string() } else { c.to_string() };
    Cow::Owned(text.chars().map(spell).collect())
}

/// Bytes in hexadecimal, lower case.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes to standard output; a reader that went away ends the run without noise.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    let result = stdout.write_all(bytes).and_then(|()| stdout.flush());
    result.map_err(|error| match error.kind() {
        _ if is_closed_pipe(&error) => Failure::failed(BROKEN_PIPE, "standard output was closed"),
        _ => Failure::failed("file", format!("cannot write to standard output: {error}")),
    })
}

/// Windows has several codes for a pipe whose reader went away, and the standard library does not know this one
/// (`ERROR_PIPE_NOT_CONNECTED`).
fn is_closed_pipe(error: &io::Error) -> bool {
    error.kind() == ErrorKind::BrokenPipe || (cfg!(windows) && error.raw_os_error() == Some(233))
}

fn write_stderr(text: &str) {
    // A closed standard error leaves nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_aligned_and_have_no_trailing_blanks() {
        let text = table(
            ["name", "key"],
            vec![["web".into(), "rsa2048".into()], ["a long one".into(), "p256".into()]],
        );
        assert_eq!(text, "NAME        KEY\nweb         rsa2048\na long one  p256\n");
    }

    #[test]
    fn what_a_card_says_does_not_drive_the_terminal() {
        let cell = "a\nb\u{1b}[31m";
        assert_eq!(table(["name"], vec![[cell.into()]]), "NAME\na\\nb\\u{1b}[31m\n");
        assert_eq!(facts(&[("a", cell.into())]), "a  a\\nb\\u{1b}[31m\n");
        assert_eq!(visible("Öl\n\u{9b}", true), "Öl\n\\u{9b}");
    }

    #[test]
    fn facts_are_aligned() {
        assert_eq!(facts(&[("a", "1".into()), ("long", "2".into())]), "a     1\nlong  2\n");
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(&[0, 0xAB]), "00ab");
    }
}
