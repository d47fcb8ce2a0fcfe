//! The card itself: an APDU in, an APDU out.
//!
//! `Card::process` reads the command, lets the dispatch table (`table.rs`) decide whether it may run,
//! runs the handler and cuts the answer to the expected length. Handlers are one file per group of
//! commands; they answer a [`Reply`], a status word, or a fault of the host.

mod admin;
mod context;
mod environment;
mod exchange;
mod files;
mod keys;
mod objects;
mod operations;
mod pins;
mod put_key;
mod select;
mod table;

use cardmod_iso7816::{CommandRef, StatusWord, parse_command};
use zeroize::Zeroizing;

use crate::disk::image::FORMAT;
use crate::fault::CardFault;
use crate::model::codec::{Decoder, Encoder, Malformed};
use crate::model::persistent::{LifeCycle, Persistent};
use crate::model::volatile::{Exchange, Volatile};
use crate::options::CardOptions;
use crate::ports::{Random, Storage};

use context::{Context, Reply, Request, Stop};
use keys::KeyCache;

pub use table::command_page;

/// A virtual GIDS card without any file around it.
pub struct Card {
    persistent: Persistent,
    volatile: Volatile,
    exchange: Exchange,
    prepared: KeyCache,
}

impl Card {
    /// A card without files, PIN and keys. With `bare` it waits for its templates (creation state),
    /// otherwise for its files (initialisation state).
    #[must_use]
    pub fn blank(options: CardOptions, bare: bool) -> Card {
        let life_cycle = if bare { LifeCycle::Creation } else { LifeCycle::Initialisation };
        Card::with(Persistent::new(options, life_cycle))
    }

    /// A powered-off card from what [`Card::persistent_state`] gave.
    ///
    /// # Errors
    /// [`CardFault::Inconsistent`].
    pub fn load(state: &[u8]) -> Result<Card, CardFault> {
        Card::load_format(FORMAT, state)
    }

    /// The same from an image of any known format; older ones are brought forward here, and written in
    /// the newest one at the next change.
    pub(crate) fn load_format(format: u16, state: &[u8]) -> Result<Card, CardFault> {
        let mut read = Decoder::new(state);
        let persistent = match format {
            1 => Persistent::decode(&mut read),
            _ => Err(Malformed),
        };
        let persistent = persistent.and_then(|card| read.end().map(|()| card));
        persistent.map(Card::with).map_err(|Malformed| CardFault::Inconsistent("unreadable persistent state"))
    }

    /// What survives a power cut, as [`Storage::save`] gets it. Secret.
    #[must_use]
    pub fn persistent_state(&self) -> Zeroizing<Vec<u8>> {
        encode_persistent(&self.persistent)
    }

    /// The card's capabilities and limits.
    #[must_use]
    pub fn options(&self) -> &CardOptions {
        &self.persistent.options
    }

    /// Bytes of [`CardOptions::capacity`] in use.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.persistent.used()
    }

    /// Key files besides the administrator's.
    #[must_use]
    pub fn containers(&self) -> usize {
        files::container_count(&self.persistent)
    }

    /// Forgets everything volatile, as a reset or a power cut does.
    pub fn reset(&mut self) {
        self.volatile = Volatile::default();
        self.exchange = Exchange::default();
    }

    /// Answers one command APDU; the response ends with SW1 SW2. Bytes that are no command are
    /// answered 6700.
    ///
    /// # Errors
    /// [`CardFault`] for what the host failed at: state not saved, no randomness. Nothing of the
    /// command's effect on persistent state remains then, except a PIN's lost try.
    pub fn process<P: Storage + Random>(
        &mut self,
        ports: &mut P,
        apdu: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CardFault> {
        match self.answer(ports, apdu) {
            Ok((data, status)) => Ok(joined(&data, status)),
            Err(Stop::Status(status)) => {
                self.exchange.chain = None;
                Ok(joined(&[], status))
            }
            Err(Stop::Fault(fault)) => {
                self.exchange = Exchange::default();
                Err(fault)
            }
        }
    }

    /// Replaces persistent state that another process changed.
    pub(crate) fn replace_persistent(&mut self, other: Card) {
        self.persistent = other.persistent;
    }

    pub(crate) fn encode_session(&self, out: &mut Encoder) {
        self.volatile.encode(out);
        self.exchange.encode(out);
    }

    pub(crate) fn decode_session(&mut self, read: &mut Decoder<'_>) -> Result<(), Malformed> {
        let (volatile, exchange) = (Volatile::decode(read)?, Exchange::decode(read)?);
        (self.volatile, self.exchange) = (volatile, exchange);
        Ok(())
    }

    fn with(persistent: Persistent) -> Card {
        Card {
            persistent,
            volatile: Volatile::default(),
            exchange: Exchange::default(),
            prepared: KeyCache::default(),
        }
    }

    fn answer<P: Storage + Random>(
        &mut self,
        ports: &mut P,
        apdu: &[u8],
    ) -> Result<(Zeroizing<Vec<u8>>, StatusWord), Stop> {
        let command = parse_command(apdu)?;
        self.check_form(&command)?;
        if exchange::is_get_response(&command) {
            return exchange::get_response(&mut self.exchange, &command).map_err(Stop::Status);
        }
        self.exchange.pending = Zeroizing::default();
        let row = table::find(&command, self.volatile.selected, self.persistent.life_cycle)?;
        let whole =
            exchange::collect(&mut self.exchange, &command, row.chaining, self.persistent.options.behaviour)?;
        let Some(whole) = whole else { return Ok((Zeroizing::default(), StatusWord::OK)) };
        let data = whole.as_ref().map_or(command.data, |chained| chained.as_slice());
        row.check_data(data)?;
        row.check_access(&self.persistent, self.volatile.status)?;
        let request = Request { p1: command.p1, p2: command.p2, data };
        let mut context = Context {
            persistent: &mut self.persistent,
            volatile: &mut self.volatile,
            prepared: &mut self.prepared,
            ports,
        };
        let Reply { data, status } = (row.run)(&mut context, &request)?;
        Ok(exchange::cut(&mut self.exchange, data, status, &command))
    }

    /// Class byte and length form.
    fn check_form(&self, command: &CommandRef<'_>) -> Result<(), StatusWord> {
        if command.extended && !self.persistent.options.extended_length {
            return Err(StatusWord::WRONG_LENGTH);
        }
        match command.cla {
            0x00 | 0x10 => Ok(()),
            cla if cla & 0xE0 != 0 => Err(StatusWord::CLASS_NOT_SUPPORTED),
            cla if cla & 0x0C != 0 => Err(StatusWord::SECURE_MESSAGING_NOT_SUPPORTED),
            _ => Err(StatusWord::CHANNEL_NOT_SUPPORTED),
        }
    }
}

/// Persistent state as bytes.
fn encode_persistent(persistent: &Persistent) -> Zeroizing<Vec<u8>> {
    let mut out = Encoder::default();
    persistent.encode(&mut out);
    out.finish()
}

/// Data and status word as they travel.
fn joined(data: &[u8], status: StatusWord) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(data.len() + 2));
    out.extend_from_slice(data);
    out.extend_from_slice(&status.to_bytes());
    out
}
