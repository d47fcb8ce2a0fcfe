//! The card itself: an APDU in, an APDU out.
//!
//! `Card::process` reads the command, finds the application it is for (`dispatch.rs`), lets that one's
//! table decide whether it may run, runs the handler and cuts the answer to the expected length. Handlers
//! are one file per group of commands in the application's directory; they answer a [`context::Reply`], a
//! status word, or a fault of the host.

mod cache;
mod context;
mod dispatch;
mod exchange;
mod gids;
mod piv;

use cardmod_iso7816::{CommandRef, StatusWord, parse_command};
use zeroize::Zeroizing;

use crate::disk::image::{FORMAT, ImageKind};
use crate::fault::{CardFault, StoreError};
use crate::model::codec::{Decoder, Encoder, Malformed};
use crate::model::gids::persistent::LifeCycle;
use crate::model::persistent::{Parts, Persistent};
use crate::model::volatile::{Exchange, Volatile};
use crate::options::CardOptions;
use crate::personalise;
use crate::ports::{Random, Storage};
use crate::profile::{GidsProfile, PivProfile};

use cache::KeyCache;
use context::Stop;

pub(crate) use piv::equip as equip_piv;

/// A virtual card without any file around it.
pub struct Card {
    persistent: Persistent,
    volatile: Volatile,
    exchange: Exchange,
    prepared: KeyCache,
}

impl Card {
    /// A GIDS card without files, PIN and keys. With `bare` it waits for its templates (creation state),
    /// otherwise for its files (initialisation state).
    #[must_use]
    pub fn blank(options: CardOptions, bare: bool) -> Card {
        let life_cycle = if bare { LifeCycle::Creation } else { LifeCycle::Initialisation };
        let gids = crate::model::gids::Persistent::new(life_cycle);
        Card::with(Persistent { options, gids: Some(gids), piv: None })
    }

    /// A card with the Microsoft generic profile.
    ///
    /// # Errors
    /// [`StoreError::Profile`] for what no card can have; [`StoreError::Card`] for what the host failed at.
    pub fn gids(profile: &GidsProfile) -> Result<Card, StoreError> {
        Ok(personalise::gids_card(profile)?)
    }

    /// A PIV card.
    ///
    /// # Errors
    /// As [`Card::gids`].
    pub fn piv(profile: &PivProfile) -> Result<Card, StoreError> {
        Ok(personalise::piv_card(profile)?)
    }

    /// A card with both applications. The options of the GIDS profile hold for the card.
    ///
    /// # Errors
    /// As [`Card::gids`].
    pub fn dual(gids: &GidsProfile, piv: &PivProfile) -> Result<Card, StoreError> {
        Ok(personalise::dual_card(gids, piv)?)
    }

    /// A card with a PIV application alone.
    pub(crate) fn of_piv(options: CardOptions, application: crate::model::piv::Persistent) -> Card {
        Card::with(Persistent { options, gids: None, piv: Some(application) })
    }

    /// The card with a PIV application beside what it has.
    pub(crate) fn with_piv(self, application: crate::model::piv::Persistent) -> Card {
        Card::with(Persistent { piv: Some(application), ..self.persistent })
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
            1 => Persistent::decode_gids(&mut read),
            2 => Persistent::decode(&mut read),
            _ => Err(Malformed),
        };
        let persistent = persistent.and_then(|card| read.end().map(|()| card));
        persistent.map(Card::with).map_err(|Malformed| CardFault::Inconsistent("unreadable persistent state"))
    }

    /// What survives a power cut, as [`Storage::save`] gets it. Secret.
    #[must_use]
    pub fn persistent_state(&self) -> Zeroizing<Vec<u8>> {
        encode(self.persistent.parts())
    }

    /// The card's capabilities and limits.
    #[must_use]
    pub fn options(&self) -> &CardOptions {
        &self.persistent.options
    }

    /// Bytes of [`CardOptions::capacity`] in use.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.persistent.parts().used()
    }

    /// Key files of GIDS besides the administrator's, and keys of PIV besides the one that attests.
    #[must_use]
    pub fn containers(&self) -> usize {
        let gids = self.persistent.gids.as_ref().map_or(0, gids::container_count);
        gids + self.persistent.piv.as_ref().map_or(0, crate::model::piv::Persistent::keys_of_the_user)
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

    /// The applications on the card.
    pub(crate) fn kind(&self) -> ImageKind {
        match (&self.persistent.gids, &self.persistent.piv) {
            (_, None) => ImageKind::Gids,
            (None, Some(_)) => ImageKind::Piv,
            (Some(_), Some(_)) => ImageKind::Dual,
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
        let command = parse_command(apdu);
        self.arrived(command.as_ref().ok());
        let command = command?;
        self.check_form(&command)?;
        if exchange::is_get_response(&command) {
            return exchange::get_response(&mut self.exchange, &command).map_err(Stop::Status);
        }
        self.exchange.pending = Zeroizing::default();
        self.dispatch(ports, &command)
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
fn encode(parts: Parts<'_>) -> Zeroizing<Vec<u8>> {
    let mut out = Encoder::default();
    parts.encode(&mut out);
    out.finish()
}

/// Data and status word as they travel.
fn joined(data: &[u8], status: StatusWord) -> Zeroizing<Vec<u8>> {
    let mut out = Zeroizing::new(Vec::with_capacity(data.len() + 2));
    out.extend_from_slice(data);
    out.extend_from_slice(&status.to_bytes());
    out
}

/// The command page of the documentation, in Markdown.
#[must_use]
pub fn command_page() -> String {
    let (gids, piv) = (gids::table::section(), piv::table::section());
    format!(
        "# Commands of the virtual card\n\n\
         Printed from the dispatch tables; a test compares the two.\n\
         Classes are 00 and, for parts of a chain but the last, 10. GET RESPONSE (C0, P1 P2 0000) belongs to\n\
         the exchange and is answered in every state.\n\n{gids}\n{piv}"
    )
}
