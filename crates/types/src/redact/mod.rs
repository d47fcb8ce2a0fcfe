//! The one formatter of APDUs for logs: hexadecimal, with whatever is secret replaced by its length.
//!
//! What is shown is on a list of instructions known to carry nothing secret; everything else is
//! hidden, so that an instruction nobody thought of cannot give a PIN away. Header, lengths and
//! status words are always shown, except in bytes that are no command at all.
//!
//! Two things cannot be told from one APDU alone, so a [`Redactor`] is kept for each connection: the
//! parts of a chain are as secret as its first part, and GET RESPONSE fetches what the command before
//! it answered. The functions [`command`] and [`response`] are for APDUs without a connection; where
//! they cannot know, they hide.

mod apdu;
mod rules;

use core::fmt::Write;

use apdu::{Parsed, parse};
use rules::Secrecy;

/// CLA bit of a command that is not the last of its chain (ISO 7816-4, section 5.3.3).
const CHAINING: u8 = 0x10;
/// GET RESPONSE.
const GET_RESPONSE: u8 = 0xC0;

/// Formats the commands and responses of one connection, in the order in which they go over it.
///
/// Each command is followed by its response; where a response never came, the next command is simply
/// formatted. A reset of the card needs no notice, for it ends no secrecy.
///
/// ```
/// let mut redactor = cardmod_types::redact::Redactor::new();
/// assert_eq!(redactor.command(b"\x00\x20\x00\x80\x06123456"), "0020008006<6 bytes>");
/// assert_eq!(redactor.response(b"\x63\xC2"), "63C2");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// The unfinished chain.
    chain: Option<Chain>,
    /// The secrecy of what the last command's response continues to be.
    last: Option<Secrecy>,
}

#[derive(Clone, Copy, Debug)]
struct Chain {
    /// Class without the chaining bit, instruction and parameters: what the parts have in common.
    header: [u8; 4],
    secrecy: Secrecy,
    /// The part was answered with 9000, so that the next one can only be its continuation.
    accepted: bool,
}

impl Redactor {
    /// A connection on which nothing was sent yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Formats a command.
    #[must_use]
    pub fn command(&mut self, apdu: &[u8]) -> String {
        let Some(parsed) = parse(apdu) else {
            self.chain = None;
            self.last = Some(Secrecy::ALL);
            return hidden(apdu.len());
        };
        let secrecy = self.classify(&parsed);
        self.last = Some(secrecy);
        let mut text = hex(&apdu[..parsed.data_at]);
        if secrecy.command && !parsed.data.is_empty() {
            text.push_str(&hidden(parsed.data.len()));
        } else {
            text.push_str(&hex(parsed.data));
        }
        text.push_str(&hex(&apdu[parsed.data_at + parsed.data.len()..]));
        text
    }

    /// Formats the response to the last command: data and status word.
    #[must_use]
    pub fn response(&mut self, response: &[u8]) -> String {
        let Some((data, status)) = response.split_last_chunk::<2>() else {
            return hidden(response.len());
        };
        if let Some(chain) = &mut self.chain {
            chain.accepted = *status == [0x90, 0x00];
        }
        let secret = self.last.is_none_or(|secrecy| secrecy.response);
        let shown = if secret && !data.is_empty() { hidden(data.len()) } else { hex(data) };
        shown + &hex(status)
    }

    /// The secrecy of a command, with what it inherits.
    fn classify(&mut self, parsed: &Parsed<'_>) -> Secrecy {
        let [class, ins, ..] = parsed.header;
        let chained = class != 0xFF && class & CHAINING != 0;
        if ins == GET_RESPONSE && !chained {
            // Leaves the chain alone: it may fetch what a part of the chain answered.
            return self.last.unwrap_or(Secrecy::ALL);
        }
        let mut header = parsed.header;
        if class != 0xFF {
            header[0] &= !CHAINING;
        }
        let own = rules::secrecy(header, parsed.data);
        let secrecy = match self.chain.take() {
            Some(chain) if chain.header == header && chain.accepted => chain.secrecy,
            // The part before was refused or lost: this is its continuation or a new beginning.
            Some(chain) if chain.header == header => chain.secrecy.or(own),
            _ => own,
        };
        if chained {
            self.chain = Some(Chain { header, secrecy, accepted: false });
        }
        secrecy
    }
}

/// Formats a command that stands alone.
#[must_use]
pub fn command(apdu: &[u8]) -> String {
    Redactor::new().command(apdu)
}

/// Formats a response to a command that stands alone.
#[must_use]
pub fn response(command: &[u8], response: &[u8]) -> String {
    let mut redactor = Redactor::new();
    let _ = redactor.command(command);
    redactor.response(response)
}

fn hidden(len: usize) -> String {
    match len {
        0 => String::new(),
        1 => "<1 byte>".to_owned(),
        n => format!("<{n} bytes>"),
    }
}

/// Upper-case hexadecimal digits, for what a log may show in full, such as an answer to reset.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}
