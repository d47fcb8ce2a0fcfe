//! What a card is made with: capabilities and limits that no command changes.

use crate::model::codec::{Decoder, Encoder, Malformed};

/// Where the specification and the widespread GidsApplet differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behaviour {
    /// GIDS 2.0 to the letter: selecting the application again keeps what was proved, an empty PUT DATA
    /// deletes, an empty VERIFY answers 9000 when the PIN is verified.
    #[default]
    Specification,
    /// As GidsApplet was measured: selecting by AID forgets PIN and security environment, an empty PUT
    /// DATA on a filled object empties it first, an empty VERIFY always answers 63Cx.
    Applet,
}

/// Capabilities and limits of a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardOptions {
    /// Wrong PINs or PUKs in a row before they block, 1 to 15.
    pub pin_tries: u8,
    /// How many containers the card takes, 1 to 30 (key references 81 to 9E).
    pub max_containers: u8,
    /// Bytes for files and keys together.
    pub capacity: u32,
    /// Elliptic curves P-256, P-384, P-521, and key agreement as the project's extension.
    pub ec: bool,
    /// APDUs with extended length.
    pub extended_length: bool,
    /// `5C 00`: all data objects of a file in one answer.
    pub bulk_read: bool,
    /// Which reading of the specification.
    pub behaviour: Behaviour,
}

impl Default for CardOptions {
    fn default() -> CardOptions {
        CardOptions {
            pin_tries: 3,
            max_containers: 30,
            capacity: 256 * 1024,
            ec: true,
            extended_length: true,
            bulk_read: true,
            behaviour: Behaviour::Specification,
        }
    }
}

/// Options no card can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadOptions {
    /// See [`CardOptions::pin_tries`].
    #[error("a PIN has 1 to 15 tries, not {0}")]
    PinTries(u8),
    /// See [`CardOptions::max_containers`].
    #[error("a card takes 1 to 30 containers, not {0}")]
    Containers(u8),
    /// See [`CardOptions::capacity`].
    #[error("a card's capacity is 4096 bytes to 16 MiB, not {0} bytes")]
    Capacity(u32),
}

impl CardOptions {
    /// Checks the limits.
    ///
    /// # Errors
    /// [`BadOptions`] naming the first value out of range.
    pub fn check(&self) -> Result<(), BadOptions> {
        if !(1..=15).contains(&self.pin_tries) {
            return Err(BadOptions::PinTries(self.pin_tries));
        }
        if !(1..=30).contains(&self.max_containers) {
            return Err(BadOptions::Containers(self.max_containers));
        }
        if !(4096..=16 * 1024 * 1024).contains(&self.capacity) {
            return Err(BadOptions::Capacity(self.capacity));
        }
        Ok(())
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.byte(self.pin_tries);
        out.byte(self.max_containers);
        out.long(self.capacity);
        out.flag(self.ec);
        out.flag(self.extended_length);
        out.flag(self.bulk_read);
        out.flag(self.behaviour == Behaviour::Applet);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<CardOptions, Malformed> {
        let options = CardOptions {
            pin_tries: read.byte()?,
            max_containers: read.byte()?,
            capacity: read.long()?,
            ec: read.flag()?,
            extended_length: read.flag()?,
            bulk_read: read.flag()?,
            behaviour: if read.flag()? { Behaviour::Applet } else { Behaviour::Specification },
        };
        options.check().map(|()| options).map_err(|_| Malformed)
    }
}
