//! A call on its way through the log, and the APDUs in it.

use core::fmt::Write as _;
use std::time::{Duration, Instant};

use cardmod_iso7816::TransportError;
use cardmod_types::redact::{self, Redactor};

use crate::boundary::CardHandles;
use crate::log::settings::Level;
use crate::log::shown::{self, Shown};
use crate::log::{User, level, write};
use crate::process;
use crate::status::Status;

/// One call of a host; nothing but a name while the log is off.
pub(crate) struct Call {
    entry: &'static str,
    running: Option<Box<Running>>,
}

struct Running {
    /// Keeps the log awake until the call's own line is written, be it the one that deletes the last context.
    _user: User,
    started: Instant,
    handles: CardHandles,
    arguments: String,
    /// Bytes handed out in a block of the host's memory.
    answered: Option<u32>,
}

/// How a call ended.
pub(crate) enum Outcome {
    Done,
    Refused(Status),
    Panicked,
}

impl Call {
    #[inline]
    pub(crate) fn begin(entry: &'static str) -> Self {
        let running = if level() == 0 { None } else { Running::new() };
        Self { entry, running }
    }

    /// The arguments, of which those are shown that [`shown`] has words for.
    #[inline]
    pub(crate) fn arguments(&mut self, handles: Option<CardHandles>, list: &[(&str, &dyn Shown)]) {
        if let Some(running) = &mut self.running {
            running.handles = handles.unwrap_or_default();
            running.arguments = shown::list(list);
            if level() >= Level::Apdus.number() {
                let text = format!("> {}({})", c_name(self.entry), running.arguments);
                write(running.handles, &text);
            }
        }
    }

    /// The call handed bytes out.
    #[inline]
    pub(crate) fn answered(&mut self, length: Option<u32>) {
        if let Some(running) = &mut self.running {
            running.answered = length;
        }
    }

    #[inline]
    pub(crate) fn end(self, outcome: &Outcome) {
        if let Some(running) = self.running {
            running.end(self.entry, outcome);
        }
    }
}

impl Running {
    /// `None` while the process ends: what other threads held then, nobody gives back.
    #[cold]
    fn new() -> Option<Box<Self>> {
        if process::threads_are_gone() {
            return None;
        }
        Some(Box::new(Self {
            _user: User::another(),
            started: Instant::now(),
            handles: CardHandles::default(),
            arguments: String::new(),
            answered: None,
        }))
    }

    #[cold]
    fn end(&self, entry: &str, outcome: &Outcome) {
        let wanted = match outcome {
            Outcome::Done => Level::Calls,
            Outcome::Refused(_) | Outcome::Panicked => Level::Errors,
        };
        if level() < wanted.number() {
            return;
        }
        let mut text = format!("< {}({}) = {}", c_name(entry), self.arguments, result(outcome));
        if let (Outcome::Done, Some(length)) = (outcome, self.answered) {
            let _ = write!(text, ", {length} bytes");
        }
        let _ = write!(text, ", {}", milliseconds(self.started.elapsed()));
        write(self.handles, &text);
    }
}

fn result(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Done => "0x00000000".to_owned(),
        Outcome::Refused(status) => {
            let name = status.name().map(|name| format!(" {name}")).unwrap_or_default();
            format!("0x{:08X}{name} ({status})", status.code())
        }
        Outcome::Panicked => format!("0x{:08X} after a panic", Status::Unexpected.code()),
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{}.{:03} ms", time.as_millis(), time.as_micros() % 1000)
}

/// A command as the log shows it: of one with a PIN not even the length, which other users could read here.
fn apdu(redactor: &mut Redactor, command: &[u8]) -> String {
    let text = redactor.command(command);
    match command {
        // VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, each in its two encodings, with data.
        [class, ins @ (0x20 | 0x21 | 0x24 | 0x25 | 0x2C | 0x2D), p1, p2, _, _, ..] if *class != 0xFF => {
            redact::hex(&[*class, *ins, *p1, *p2]) + "<given>"
        }
        _ => text,
    }
}

/// A function's name as Cardmod.h writes it.
fn c_name(entry: &str) -> String {
    entry.split('_').map(c_word).collect()
}

fn c_word(word: &str) -> String {
    match word {
        "md" => "MD".to_owned(),
        "rsa" => "RSA".to_owned(),
        "dh" => "DH".to_owned(),
        _ => {
            let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
            first.to_ascii_uppercase() + rest
        }
    }
}

/// The APDUs of one connection, as the log shows them.
#[derive(Default)]
pub(crate) struct Exchange {
    redactor: Option<Redactor>,
}

impl Exchange {
    /// Looks, at the beginning of a call, whether APDUs are wanted. Not in between: the parts of a chain are
    /// shown or hidden by its first.
    #[inline]
    pub(crate) fn follow_level(&mut self) {
        if level() < Level::Apdus.number() {
            self.redactor = None;
        } else if self.redactor.is_none() {
            self.redactor = Some(Redactor::new());
        }
    }

    /// Writes command and answer around their exchange.
    #[inline]
    pub(crate) fn around<A: AsRef<[u8]>>(
        &mut self,
        handles: CardHandles,
        command: &[u8],
        exchange: impl FnOnce() -> Result<A, TransportError>,
    ) -> Result<A, TransportError> {
        let Some(redactor) = &mut self.redactor else { return exchange() };
        write(handles, &format!("  apdu {}", apdu(redactor, command)));
        let started = Instant::now();
        let answer = exchange();
        let time = milliseconds(started.elapsed());
        let text = match &answer {
            Ok(answer) => format!("  answer {}, {time}", redactor.response(answer.as_ref())),
            Err(error) => format!("  no answer: SCardTransmit = 0x{:08X}, {time}", error.code),
        };
        write(handles, &text);
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_with_a_pin_do_not_tell_its_length() {
        let mut redactor = Redactor::new();
        let mut shown = |command: &[u8]| apdu(&mut redactor, command);
        for (header, text) in [
            (*b"\x00\x20\x00\x80", "00200080<given>"),
            (*b"\x10\x24\x00\x80", "10240080<given>"),
            (*b"\x00\x2C\x02\x80", "002C0280<given>"),
            (*b"\x0C\x21\x00\x81", "0C210081<given>"),
        ] {
            for pin in [&b"1"[..], b"123456", b"12345678"] {
                let short = [&header[..], &[pin.len() as u8], pin].concat();
                let long = [&header[..], &[0, 0, pin.len() as u8], pin].concat();
                let cut = &short[..short.len() - 1];
                assert_eq!([shown(&short), shown(&long)], [text, text]);
                assert!(cut.len() == 5 || shown(cut) == text, "also where lengths contradict");
            }
        }
        assert_eq!(shown(b"\x00\x20\x00\x80"), "00200080", "how many tries are left");
        assert_eq!(shown(b"\x00\xA4\x04\x00\x01\xA0"), "00A4040001A0");
        assert_eq!(shown(b"\x00\x87\x00\x9B\x02\x7C\x00"), "0087009B02<2 bytes>");
    }

    #[test]
    fn functions_are_named_as_in_the_header() {
        for (entry, name) in [
            ("CardAcquireContext", "CardAcquireContext"),
            ("card_read_file", "CardReadFile"),
            ("card_rsa_decrypt", "CardRSADecrypt"),
            ("card_construct_dh_agreement", "CardConstructDHAgreement"),
            ("md_import_session_key", "MDImportSessionKey"),
            ("card_authenticate_ex", "CardAuthenticateEx"),
        ] {
            assert_eq!(c_name(entry), name);
        }
    }

    #[test]
    fn results_have_code_name_and_tries() {
        let wrong = Outcome::Refused(Status::WrongPin { attempts: Some(2) });
        assert_eq!(
            result(&wrong),
            "0x8010006B SCARD_W_WRONG_CHV (the PIN or response is wrong, 2 tries left)"
        );
        assert_eq!(result(&Outcome::Done), "0x00000000");
        assert_eq!(result(&Outcome::Panicked), "0x8010001F after a panic");
        assert_eq!(milliseconds(Duration::from_micros(1_002_003)), "1002.003 ms");
    }
}
