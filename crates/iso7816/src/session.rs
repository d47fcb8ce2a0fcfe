//! From logical commands to APDUs: chaining, GET RESPONSE, wrong-Le repetition, extended length.

use zeroize::Zeroizing;

use crate::command::{encode_extended, encode_short};
use crate::{CardChannel, Command, Le, Limits, Response, StatusWord, TransportError};

/// The chaining bit of the class byte (ISO 7816-4, 5.3.3).
const CHAINING: u8 = 0x10;
/// More than any answer this crate is used for; a card that announces more is cut off.
const MAX_RESPONSE: usize = 65_536;
/// More parts than any card needs for that, which sends 255 bytes at a time, or 64 over a slow link.
const MOST_PARTS: usize = 1024;
/// Longest data field of one short APDU.
const MAX_SHORT_DATA: usize = 255;
/// Longest data field of one extended APDU.
const MAX_EXTENDED_DATA: usize = 65_535;

/// Why a command has no usable answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// The channel failed.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The answer is shorter than a status word.
    #[error("the card answered {length} bytes, which is less than a status word")]
    Truncated {
        /// Bytes received: 0 or 1.
        length: usize,
    },
    /// The card keeps announcing more data without sending any, or more than any answer can hold.
    #[error("the card announces more data without end")]
    EndlessResponse,
}

/// Sends logical commands over a channel.
///
/// The session adds nothing to the card's state: it may be made anew for each command.
#[derive(Debug)]
pub struct Session<C> {
    channel: C,
    part_size: usize,
}

impl<C: CardChannel> Session<C> {
    /// A session that chains in parts of 255 bytes.
    pub const fn new(channel: C) -> Self {
        Self::with_part_size(channel, 255)
    }

    /// A session that chains in parts of `part_size` bytes, brought into the range 1 to 255.
    pub const fn with_part_size(channel: C, part_size: usize) -> Self {
        let part_size = match part_size {
            0 => 1,
            1..=255 => part_size,
            _ => 255,
        };
        Self { channel, part_size }
    }

    /// The channel.
    pub const fn channel(&mut self) -> &mut C {
        &mut self.channel
    }

    /// Gives the channel back.
    pub fn into_channel(self) -> C {
        self.channel
    }

    /// Sends one command and gathers its whole answer.
    ///
    /// Data longer than one APDU, or the reader, carries is chained; when the card refuses a part, its answer to that
    /// part is the answer. `61xx` is followed by GET RESPONSE until the answer is complete, `6Cxx`
    /// repeats the command once with the length the card named. Any other status word is returned, not
    /// judged.
    ///
    /// # Errors
    ///
    /// [`ExchangeError`] when the channel fails or the card answers something that is no response.
    pub fn send(&mut self, command: &Command) -> Result<Response, ExchangeError> {
        let first = self.send_command(command)?;
        self.gather(command.cla, first)
    }

    /// Sends one command and takes the head of its answer: what comes in the first answer that carries data.
    /// `61xx` then stays the status word; the rest of the answer is left to the card, which drops it at the
    /// next command.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn send_head(&mut self, command: &Command) -> Result<Response, ExchangeError> {
        let first = self.send_command(command)?;
        match first.status.more_data() {
            // Over T=0 the first answer is the announcement alone.
            Some(available) if first.data.is_empty() => {
                self.send_whole(&Command::new(command.cla, 0xC0, 0, 0).le(bytes(available)), encode_short)
            }
            _ => Ok(first),
        }
    }

    /// Whether the command goes as one extended APDU, by what the channel can carry.
    pub fn sends_extended(&self, command: &Command) -> bool {
        let limits = self.channel.limits();
        let carried = carried(limits);
        // What a reader that carries less than the form could say would do with a longer answer is not known:
        // such answers are fetched in parts.
        let all_at_once = command.le == Some(Le::All) && carried >= MAX_EXTENDED_DATA;
        let extended = limits.extended_length && !limits.t0 && command.data.len() <= carried;
        extended && (!command.fits_short() || all_at_once)
    }

    /// The command, in as many parts as it takes, and the answer to the last one.
    fn send_command(&mut self, command: &Command) -> Result<Response, ExchangeError> {
        let limits = self.channel.limits();
        if !self.sends_extended(command) {
            return self.send_parts(command, limits.t0, carried(limits));
        }
        let most = u32::try_from(carried(limits)).unwrap_or(u32::MAX);
        self.send_whole(command, |header, data, le| {
            encode_extended(header, data, le.map(|le| le.at_most(most)))
        })
    }

    fn send_parts(&mut self, command: &Command, t0: bool, carried: usize) -> Result<Response, ExchangeError> {
        let mut data = command.data.as_slice();
        if data.len() > carried.min(MAX_SHORT_DATA) {
            let part_size = self.part_size.min(carried);
            let whole_parts = (data.len() - 1) / part_size;
            let (front, last) = data.split_at(whole_parts * part_size);
            for part in front.chunks(part_size) {
                let header = [command.cla | CHAINING, command.ins, command.p1, command.p2];
                let response = self.exchange(&encode_short(header, part, None))?;
                if !response.status.is_ok() {
                    return Ok(response);
                }
            }
            data = last;
        }
        let last = Command { data: Zeroizing::new(data.to_vec()), ..command.clone_header() };
        let without_le = t0 && !data.is_empty();
        self.send_whole(&last, |header, data, le| encode_short(header, data, le.filter(|_| !without_le)))
    }

    /// One APDU, repeated once when the card names a better Le.
    fn send_whole(
        &mut self,
        command: &Command,
        encode: impl Fn([u8; 4], &[u8], Option<Le>) -> Zeroizing<Vec<u8>>,
    ) -> Result<Response, ExchangeError> {
        let header = [command.cla, command.ins, command.p1, command.p2];
        let response = self.exchange(&encode(header, &command.data, command.le))?;
        match response.status.correct_le() {
            Some(le) => self.exchange(&encode(header, &command.data, Some(bytes(le)))),
            None => Ok(response),
        }
    }

    /// Follows `61xx` until the answer is complete.
    fn gather(&mut self, cla: u8, first: Response) -> Result<Response, ExchangeError> {
        let mut answer = first;
        let mut parts = 0;
        while let Some(available) = answer.status.more_data() {
            parts += 1;
            let more = self.send_whole(&Command::new(cla, 0xC0, 0, 0).le(bytes(available)), encode_short)?;
            let progress = !more.data.is_empty();
            let endless = more.status.more_data().is_some() && !progress;
            if endless || parts > MOST_PARTS || answer.data.len() + more.data.len() > MAX_RESPONSE {
                return Err(ExchangeError::EndlessResponse);
            }
            append(&mut answer.data, &more.data);
            answer.status = more.status;
        }
        Ok(answer)
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<Response, ExchangeError> {
        let raw = self.channel.transmit(apdu)?;
        let length = raw.len();
        Response::parse(raw).ok_or(ExchangeError::Truncated { length })
    }
}

impl Command {
    /// The same command with empty data, without copying (possibly secret) data.
    fn clone_header(&self) -> Self {
        Self {
            cla: self.cla,
            ins: self.ins,
            p1: self.p1,
            p2: self.p2,
            data: Zeroizing::default(),
            le: self.le,
        }
    }
}

fn bytes(count: usize) -> Le {
    Le::Bytes(u32::try_from(count).unwrap_or(256))
}

/// The most data one command can carry.
fn carried(limits: Limits) -> usize {
    limits.command_data.map_or(MAX_EXTENDED_DATA, |most| most.get() as usize)
}

/// Appends without leaving an unwiped copy behind: growing a `Vec` would free the old block as it is.
fn append(data: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    if data.capacity() - data.len() < more.len() {
        let mut grown =
            Zeroizing::new(Vec::with_capacity((data.len() + more.len()).max(data.capacity() * 2)));
        grown.extend_from_slice(data);
        *data = grown;
    }
    data.extend_from_slice(more);
}

impl ExchangeError {
    /// The transport failure, when it is one.
    #[must_use]
    pub const fn transport(&self) -> Option<TransportError> {
        match self {
            Self::Transport(error) => Some(*error),
            _ => None,
        }
    }
}

impl Response {
    /// The data when the status word is `9000`.
    ///
    /// # Errors
    ///
    /// Any other status word.
    pub fn ok(self) -> Result<Zeroizing<Vec<u8>>, StatusWord> {
        if self.status.is_ok() { Ok(self.data) } else { Err(self.status) }
    }
}
