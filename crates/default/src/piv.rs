//! The PIV edge on a card in a reader: for what the module interface has no words for, such as moving a
//! key or attesting it. Everything else goes through the card module.
//!
//! Invariants: what was authenticated here is gone afterwards: the PIN is taken back, and the card is reset. What
//! hosts remember of the card as hints is gone before anything of it is changed.

use cardmod_host::{Error, Host};
use cardmod_pcsc::{Card, Context, Disposition, PcscError, Protocols, ShareMode};
use cardmod_piv::{PivCard, PivError, PivState};

use crate::Environment;

pub use cardmod_piv as edge;

/// Why work on a PIV card failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PivFailure {
    /// The card in the reader cannot be reached, or not any more.
    #[error(transparent)]
    Reader(#[from] Error),
    /// The card has no PIV application.
    #[error("the card in {reader:?} has no PIV application")]
    NotPiv {
        /// Its reader.
        reader: String,
    },
    /// The card refused, or answered nonsense.
    #[error("{source} (card in {reader:?})")]
    Card {
        /// Its reader.
        reader: String,
        /// What happened.
        source: PivError,
    },
}

/// A connection to a PIV card, with a transaction for each piece of work.
pub struct PivConnection {
    reader: String,
    card: Card,
    atr: Vec<u8>,
    state: PivState,
    host: Host,
    // Ends after the card's connection.
    _context: Context,
}

impl Environment {
    /// Connects to the card in a reader and selects its PIV application.
    ///
    /// # Errors
    /// [`PivFailure`].
    pub fn piv(&self, reader: &str) -> Result<PivConnection, PivFailure> {
        let failed = |error: PcscError| Error::of_pcsc(reader, error);
        let context = Context::establish(self.host.provider()).map_err(failed)?;
        let known = context.list_readers().map_err(failed)?;
        if known.is_empty() {
            return Err(Error::NoReader.into());
        }
        if !known.iter().any(|name| name == reader) {
            return Err(Error::UnknownReader { name: reader.to_owned(), known: known.join(", ") }.into());
        }
        let card = context.connect(reader, ShareMode::Shared, Protocols::ANY).map_err(failed)?;
        let atr = card.status().map_err(failed)?.atr;
        let (reader, state) = (reader.to_owned(), PivState::new());
        let host = self.host.clone();
        let mut connection = PivConnection { reader, card, atr, state, host, _context: context };
        let selected = connection.work(|card| Ok::<_, PivError>(card.select()));
        match selected? {
            Ok(_) => Ok(connection),
            Err(PivError::Status { .. }) => Err(PivFailure::NotPiv { reader: connection.reader }),
            Err(error) => Err(connection.failure(error)),
        }
    }
}

impl PivConnection {
    /// Works on the card within one transaction. Who wants a secret of a person asks before: other programs
    /// wait for the transaction's end.
    ///
    /// # Errors
    /// [`PivFailure`], of the reader or of the work.
    pub fn work<T>(
        &mut self,
        work: impl FnOnce(&mut PivCard<'_>) -> Result<T, PivError>,
    ) -> Result<T, PivFailure> {
        let reader = self.reader.clone();
        let failed = |error: PcscError| PivFailure::from(Error::of_pcsc(&reader, error));
        self.begin().map_err(failed)?;
        // Another program may have used the card before this transaction.
        self.state.interrupted();
        let mut channel = self.card.borrowed();
        let result = work(&mut self.state.on(&mut channel));
        // Nobody counts on a right that is left: whatever was tried may have given one.
        let rights = self.state.verified().any() || result.is_err();
        if self.state.verified().user {
            // Cards exist whose reset takes nothing. Where they cannot log out either, nobody can help it.
            let _ = self.state.on(&mut channel).log_out();
        }
        let disposition = if rights { Disposition::Reset } else { Disposition::Leave };
        let ended = self.card.end_transaction(disposition);
        if rights {
            self.state.connection_lost();
        }
        let value = result.map_err(|error| self.failure(error))?;
        ended.map_err(failed)?;
        Ok(value)
    }

    /// The same for work that changes the card: what is remembered of it from earlier transactions is given up
    /// before, by this program and all others, so that nobody shows or presents what is gone.
    ///
    /// # Errors
    /// [`PivFailure`], of the reader or of the work.
    pub fn change<T>(
        &mut self,
        work: impl FnOnce(&mut PivCard<'_>) -> Result<T, PivError>,
    ) -> Result<T, PivFailure> {
        let (host, atr) = (self.host.clone(), self.atr.clone());
        self.work(|card| {
            // A card whose identity cannot be read is told by its answer to reset alone, and can still be reset.
            let id = card.card_id(&atr).ok();
            host.forget_hints(id.as_ref(), &atr);
            work(card)
        })
    }

    /// The card's answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// The reader.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// A transaction; after a reset by anybody the connection is made anew first.
    fn begin(&mut self) -> Result<(), PcscError> {
        match self.card.begin_transaction() {
            Err(error) if error.code == cardmod_pcsc::SCARD_W_RESET_CARD => {
                self.state.connection_lost();
                self.card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave)?;
                self.card.begin_transaction()
            }
            outcome => outcome,
        }
    }

    fn failure(&self, error: PivError) -> PivFailure {
        let reader = self.reader.clone();
        match error {
            PivError::Exchange(exchange) if exchange.transport().is_some() => {
                let code = exchange.transport().map_or(0, |transport| transport.code);
                Error::of_pcsc(&reader, PcscError::new(code, "SCardTransmit")).into()
            }
            source => PivFailure::Card { reader, source },
        }
    }
}
