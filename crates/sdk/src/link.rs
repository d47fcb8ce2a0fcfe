//! The card behind the host's handles, which may change before any call.

use std::cell::OnceCell;

use cardmod_iso7816::{CardChannel, Limits, PinEntry, TransportError};
use cardmod_pcsc::BorrowedCard;
use zeroize::Zeroizing;

use crate::boundary::CardHandles;
use crate::log::Exchange;
use crate::status::Status;

/// A channel over the handles of the running call; the connection's facts are kept as long as they stay.
#[derive(Default)]
pub(crate) struct Link {
    handles: CardHandles,
    card: OnceCell<BorrowedCard>,
    logged: Exchange,
}

impl Link {
    pub(crate) fn new(handles: CardHandles) -> Self {
        let mut link = Self { handles, ..Self::default() };
        link.logged.follow_level();
        link
    }

    /// Takes the handles of the running call; answers whether they are others than before.
    pub(crate) fn follow(&mut self, handles: CardHandles) -> bool {
        if self.handles == handles {
            self.logged.follow_level();
            return false;
        }
        *self = Self::new(handles);
        true
    }

    /// Whether the reader now holds another card than the one with this ATR. A reader that does not tell
    /// is believed to hold the same.
    pub(crate) fn is_other_card(&self, atr: &[u8]) -> bool {
        self.borrowed().is_ok_and(|card| is_another(card, atr))
    }

    /// As [`Link::is_other_card`], of a card that was reached already: one that nobody has asked for
    /// anything is not asked for this.
    pub(crate) fn has_reached_other_card(&self, atr: &[u8]) -> bool {
        self.card.get().is_some_and(|card| is_another(card, atr))
    }

    fn borrowed(&self) -> Result<&BorrowedCard, TransportError> {
        if self.handles.card == 0 {
            return Err(TransportError { code: Status::InvalidHandle.code() });
        }
        if let Some(card) = self.card.get() {
            return Ok(card);
        }
        let card = BorrowedCard::new(self.handles.context, self.handles.card)?;
        Ok(self.card.get_or_init(|| card))
    }
}

fn is_another(card: &BorrowedCard, atr: &[u8]) -> bool {
    card.status().is_ok_and(|status| !status.atr.is_empty() && status.atr != atr)
}

impl CardChannel for Link {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.borrowed()?;
        let unconnected = TransportError { code: Status::InvalidHandle.code() };
        let card = self.card.get_mut().ok_or(unconnected)?;
        let exchange = || card.transmit(command).map_err(TransportError::from);
        self.logged.around(self.handles, command, exchange)
    }

    fn limits(&self) -> Limits {
        self.borrowed().map_or(Limits::SHORT, CardChannel::limits)
    }

    fn pin_entry(&mut self) -> Option<&mut dyn PinEntry> {
        self.borrowed().ok()?;
        self.card.get_mut()?.pin_entry()
    }
}
