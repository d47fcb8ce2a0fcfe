//! The administrator at the other end of a telephone: a challenge is shown, a response is typed.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};

use cardmod_host::PinSourceError;
use serde_json::json;

use crate::args::decode_hex;
use crate::failure::Failure;
use crate::output::{Output, hex};
use crate::secrets;

/// How often something that is no response may be typed: it costs nothing, since the card does not see it.
const SLIPS: usize = 3;
/// The longest line looked at.
const LONGEST: u64 = 1024;

/// Shows challenges and reads responses.
pub(super) struct Helper {
    input: BufReader<Box<dyn Read>>,
    out: Output,
    /// Why showing the challenge failed: no matter of the card.
    unshown: Option<Failure>,
}

impl Helper {
    pub(super) fn new(args: &super::ResponseArgs, out: Output) -> Result<Self, Failure> {
        let input: Box<dyn Read> = match args.response_fd {
            None => Box::new(io::stdin()),
            Some(number) => Box::new(descriptor(number)?),
        };
        Ok(Self { input: BufReader::new(input), out, unshown: None })
    }

    /// Shows a challenge and waits for its response. The card waits too: the challenge is good for its
    /// next command alone, so no other program may use the card meanwhile.
    pub(super) fn respond(&mut self, challenge: &[u8]) -> Result<Vec<u8>, PinSourceError> {
        let shown = self
            .out
            .line(&json!({"challenge": hex(challenge)}), || format!("challenge: {}\n", spelled(challenge)));
        if let Err(failure) = shown {
            self.unshown = Some(failure);
            return Err(PinSourceError::Cancelled);
        }
        self.out.note(
            "the administrator answers it: cardmod admin respond --challenge HEX --admin-key-file FILE",
        );
        self.out.note("the card waits; leave it in the reader and type the response:");
        for _ in 0..SLIPS {
            let line = self.line()?;
            match digits(&line).filter(|response| response.len() == challenge.len()) {
                Some(response) => return Ok(response),
                None => self.out.note(&format!(
                    "a response has {} hexadecimal digits; nothing was sent to the card, type it again:",
                    challenge.len() * 2
                )),
            }
        }
        Err(PinSourceError::Unavailable("what was typed is no response".to_owned()))
    }

    /// The outcome, after what went wrong with showing the challenge.
    pub(super) fn ended<T>(self, worked: Result<T, Failure>) -> Result<T, Failure> {
        match self.unshown {
            Some(failure) => Err(failure),
            // The hints are for PINs.
            None => worked.map_err(|failure| match failure.code {
                "pin-required" => {
                    let message = failure.message.trim_start_matches("no PIN could be had: ").to_owned();
                    Failure { hint: None, code: "response", message, ..failure }
                }
                // The card cannot tell a mistyped response from one made with another key.
                "wrong-pin" => {
                    let message = failure.message.replacen("the administrator key", "the response", 1);
                    let hint = "run it again for a new challenge; is it the key of this card, and the whole challenge?";
                    Failure { message, ..failure }.hint(hint)
                }
                _ => failure,
            }),
        }
    }

    fn line(&mut self) -> Result<String, PinSourceError> {
        let mut line = String::new();
        match self.input.by_ref().take(LONGEST).read_line(&mut line) {
            Ok(0) => Err(PinSourceError::Unavailable("the input ended without a response".to_owned())),
            Ok(_) => Ok(line),
            Err(error) => Err(PinSourceError::Unavailable(format!("the response cannot be read: {error}"))),
        }
    }
}

fn descriptor(number: u32) -> Result<File, Failure> {
    secrets::open_descriptor(number).map_err(|error| {
        Failure::failed("response", format!("cannot read from file descriptor {number}: {error}"))
    })
}

/// Hexadecimal digits as they are read out: in groups of four.
pub(super) fn spelled(bytes: &[u8]) -> String {
    bytes.chunks(2).map(hex).collect::<Vec<_>>().join(" ")
}

/// Hexadecimal digits as people write them: with blanks and hyphens, in either case.
pub(super) fn digits(text: &str) -> Option<Vec<u8>> {
    let plain: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-').collect();
    decode_hex(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_come_back_however_they_are_written() {
        let bytes = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
        assert_eq!(digits(&spelled(&bytes)), Some(bytes.to_vec()));
        assert_eq!(digits("0123-4567 89ab CDEF\r\n"), Some(bytes.to_vec()));
        assert_eq!(spelled(&bytes).len(), 19);
        assert_eq!(digits("0123 456"), None);
        assert_eq!(digits("zz"), None);
    }
}
