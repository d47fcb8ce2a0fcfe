//! One card, opened: its connection, its transactions, its module's context.

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use cardmod_heap::Ledger;
use cardmod_pcsc::{
    Card, CardStatus, Context as Pcsc, Disposition, PcscError, Protocols, ReaderFeatures, ShareMode,
};
use cardmod_sys::{SCARD_E_NO_SMARTCARD, SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD};
use cardmod_types::{CardApplication, CardId, PinSet};

use super::cache::{Cached, Order};
use super::management;
use super::pin_cache::PinCache;
use super::timer::Timer;
use super::transaction::Transaction;
use crate::clock::Clock;
use crate::error::Error;
use crate::host::OpenOptions;
use crate::module::{Connection, Context, LoadError, Module};
use crate::store::PublicStore;

/// A card, opened with a card module.
///
/// Every method is one operation: it begins a transaction, authenticates where it must, works,
/// takes the rights away again and ends the transaction. [`hold`](Self::hold) keeps one transaction
/// over several operations, so that the second signature costs one command and no PIN.
///
/// A reset of the card by others, a restart of the smart card service, and the removal of the card are
/// survived: once the same card is back the next operation goes on, with nobody authenticated. While
/// another card is there, operations fail with [`Error::Removed`].
///
/// It is `Send`, not shared: one session is one thread's at a time. Several sessions, also on one
/// card, are independent. [`share`](Self::share) makes a [`Card`](super::Card) of it, for several threads and
/// with transactions that go on for a while.
pub struct CardSession {
    // The module's context goes first when the session is dropped: it may still want the connection.
    pub(super) module: Context,
    /// Whence another context comes when the card was taken out.
    pub(super) loaded: Module,
    pub(super) card: Card,
    pub(super) pcsc: Pcsc,
    pub(super) reader: String,
    pub(super) options: OpenOptions,
    pub(super) atr: Vec<u8>,
    pub(super) cached: Cached,
    pub(super) transaction: Transaction,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) timer: Arc<Timer>,
    /// The roles this session authenticated in the running transaction.
    pub(super) authenticated: PinSet,
    /// The roles the card may take for authenticated although this session does not: they are
    /// deauthenticated with the others.
    pub(super) doubtful: PinSet,
    /// The card was taken out; there is no context until it is back.
    pub(super) detached: bool,
    /// A right could neither be taken away nor lost to a reset.
    pub(super) owes_reset: bool,
    closed: bool,
    /// The tries left of each role, as last told.
    pub(super) tries: [Option<u32>; 8],
    /// Whether each role's PIN is turned into a session PIN; unknown until asked.
    pub(super) session_pins: [Option<bool>; 8],
    /// The host's kept PINs.
    pub(super) pin_cache: PinCache,
    /// What the reader says of itself, once it was asked.
    features: OnceCell<ReaderFeatures>,
}

/// What a host lends every session.
pub(crate) struct HostParts<'a> {
    pub(crate) pin_cache: PinCache,
    pub(crate) timer: &'a Arc<Timer>,
    pub(crate) store: Option<Arc<dyn PublicStore>>,
}

impl CardSession {
    pub(crate) fn open(
        reader: &str,
        pcsc: Pcsc,
        card: Card,
        module: &Module,
        options: OpenOptions,
        HostParts { pin_cache, timer, store }: HostParts<'_>,
    ) -> Result<Self, Error> {
        begin_again(&card, reader, &options)?;
        let acquired = acquire_in_order(reader, &pcsc, &card, module, &options, store.as_ref());
        end_quietly(&card);
        let (context, atr, met) = acquired?;
        let mut cached = Cached::default();
        if let Some(id) = met {
            cached.met(id);
        }
        let session = Self {
            module: context,
            loaded: module.clone(),
            card,
            pcsc,
            reader: reader.to_owned(),
            options,
            atr,
            cached,
            transaction: Transaction::new(timer.clock().now()),
            clock: Arc::clone(timer.clock()),
            timer: Arc::clone(timer),
            authenticated: PinSet::NONE,
            doubtful: PinSet::NONE,
            detached: false,
            owes_reset: false,
            closed: false,
            tries: [None; 8],
            session_pins: [None; 8],
            pin_cache,
            features: OnceCell::new(),
        };
        Ok(session.remembering(store, module.identity()))
    }

    /// The reader the card is in.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// What the reader can do beyond carrying short APDUs, as far as it says: a keypad, extended length. It is
    /// asked once, and the card not at all.
    pub fn reader_features(&self) -> &ReaderFeatures {
        self.features.get_or_init(|| self.card.features())
    }

    /// The protocol between reader and card: 0 or 1; `None` where they speak another.
    #[must_use]
    pub fn protocol(&self) -> Option<u8> {
        match self.card.protocol() {
            cardmod_pcsc::SCARD_PROTOCOL_T0 => Some(0),
            cardmod_pcsc::SCARD_PROTOCOL_T1 => Some(1),
            _ => None,
        }
    }

    /// The name the card was opened under.
    #[must_use]
    pub fn card_name(&self) -> &str {
        &self.options.card_name
    }

    /// The card's answer to reset.
    #[must_use]
    pub fn atr(&self) -> &[u8] {
        &self.atr
    }

    /// The version of the interface agreed on with the module (4 to 7).
    #[must_use]
    pub fn interface_version(&self) -> u32 {
        self.module.version()
    }

    /// The account of the memory lent to the module.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.module.ledger()
    }

    /// Ends the session: takes rights away, deletes the module's context, leaves the card. Answers
    /// the account of the memory lent, in which a clean module leaves no live block.
    ///
    /// # Errors
    /// The module's, or PC/SC's. The session is over in any case.
    pub fn close(mut self) -> Result<Ledger, Error> {
        self.end()
    }

    /// As [`close`](Self::close), for a session that others still have.
    pub(super) fn end(&mut self) -> Result<Ledger, Error> {
        self.check_open()?;
        self.closed = true;
        self.transaction.forget_holds();
        let finished = self.suspend();
        let deleted = self.module.delete();
        let ledger = deleted.map_err(|error| Error::of_call(&self.reader, "end its context", error))?;
        finished.map(|()| ledger)
    }

    /// Fails where the session was closed.
    pub(super) fn check_open(&self) -> Result<(), Error> {
        if self.closed { Err(Error::Closed { reader: self.reader.clone() }) } else { Ok(()) }
    }
}

impl Drop for CardSession {
    fn drop(&mut self) {
        self.suspend_quietly();
    }
}

/// Acquires the module's context as the memory of such cards advises; answers the card's ATR and, where it was read,
/// its identity with it. See [`Order`].
fn acquire_in_order(
    reader: &str,
    pcsc: &Pcsc,
    card: &Card,
    module: &Module,
    options: &OpenOptions,
    store: Option<&Arc<dyn PublicStore>>,
) -> Result<(Context, Vec<u8>, Option<CardId>), Error> {
    let atr = card.status().map_err(|error| Error::of_pcsc(reader, error))?.atr;
    if let Some(order) = Order::of(store, module, &atr, options)
        && let Some((mut context, atr)) = acquire_alone(reader, pcsc, card, module, options, order.first())?
    {
        match context.card_id() {
            Ok(id) if order.holds_for(&id) => return Ok((context, atr, Some(id))),
            Ok(id) => tracing::debug!(card = %id, "of this card nothing is known yet"),
            Err(error) => tracing::debug!(%error, "the card does not say which it is"),
        }
    }
    acquire(reader, pcsc, card, module, options).map(|(context, atr)| (context, atr, None))
}

/// Acquires the module's context once more for a card on which this application was opened; of a card without it, by
/// the module's own order.
pub(super) fn acquire_again(
    reader: &str,
    pcsc: &Pcsc,
    card: &Card,
    module: &Module,
    options: &OpenOptions,
    opened: Option<CardApplication>,
) -> Result<(Context, Vec<u8>), Error> {
    if let Some(opened) = opened
        && let Some(acquired) = acquire_alone(reader, pcsc, card, module, options, opened)?
    {
        return Ok(acquired);
    }
    acquire(reader, pcsc, card, module, options)
}

/// Acquires the module's context for one application; `None` where the card has it not.
fn acquire_alone(
    reader: &str,
    pcsc: &Pcsc,
    card: &Card,
    module: &Module,
    options: &OpenOptions,
    application: CardApplication,
) -> Result<Option<(Context, Vec<u8>)>, Error> {
    let alone = OpenOptions { card_name: application.card_name().to_owned(), ..options.clone() };
    match acquire(reader, pcsc, card, module, &alone) {
        Ok(acquired) => Ok(Some(acquired)),
        Err(Error::ModuleLoad(LoadError::UnknownCard { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Acquires the module's context within a transaction; answers the card's ATR with it.
fn acquire(
    reader: &str,
    pcsc: &Pcsc,
    card: &Card,
    module: &Module,
    options: &OpenOptions,
) -> Result<(Context, Vec<u8>), Error> {
    let atr = card.status().map_err(|error| Error::of_pcsc(reader, error))?.atr;
    let connection =
        Connection { context: pcsc.raw(), card: card.raw(), atr: &atr, card_name: &options.card_name };
    let mut context =
        module.acquire(&connection, options.max_version, options.heap).map_err(|error| match error {
            LoadError::Refused { code: SCARD_W_REMOVED_CARD | SCARD_E_NO_SMARTCARD, .. } => {
                Error::Removed { reader: reader.to_owned() }
            }
            LoadError::Refused { code: SCARD_W_RESET_CARD, .. } => Error::Reset { reader: reader.to_owned() },
            error => Error::ModuleLoad(error),
        })?;
    if let Some(key) = &options.management_key {
        management::hand_over(reader, &mut context, Some(key))?;
    }
    // Every context of a session: what its module keeps is believed after a look at the counters.
    context.module_cache().manage();
    Ok((context, atr))
}

/// Virtual readers know the same limit, and say more about whoever keeps the card: they have the first word.
const GRACE: Duration = Duration::from_secs(1);

/// Begins a transaction, waiting for other programs as long as the options say.
pub(super) fn begin_patiently(card: &Card, reader: &str, options: &OpenOptions) -> Result<(), PcscError> {
    card.begin_transaction_within(options.patience + GRACE, || tell_of_wait(reader, options))
}

/// Connects, waiting for other programs as long as the options say.
pub(crate) fn connect_patiently(pcsc: &Pcsc, reader: &str, options: &OpenOptions) -> Result<Card, PcscError> {
    let tell = || tell_of_wait(reader, options);
    pcsc.connect_within(options.patience + GRACE, tell, reader, ShareMode::Shared, Protocols::ANY)
}

/// Connects anew on the same handle, waiting for other programs as long as the options say.
pub(super) fn reconnect_patiently(
    card: &Card,
    reader: &str,
    options: &OpenOptions,
    first: Disposition,
) -> Result<(), PcscError> {
    let tell = || tell_of_wait(reader, options);
    card.reconnect_within(options.patience + GRACE, tell, ShareMode::Shared, Protocols::ANY, first)
}

/// Asks for the status outside of a transaction, waiting for other programs as long as the options say.
pub(super) fn status_patiently(
    card: &Card,
    reader: &str,
    options: &OpenOptions,
) -> Result<CardStatus, PcscError> {
    card.status_within(options.patience + GRACE, || tell_of_wait(reader, options))
}

fn tell_of_wait(reader: &str, options: &OpenOptions) {
    tracing::info!(reader, "another program has the card for itself");
    if let Some(tell) = options.on_wait {
        tell(reader);
    }
}

/// Begins a transaction on a card nobody knows anything of yet: a reset by others means nothing.
pub(super) fn begin_again(card: &Card, reader: &str, options: &OpenOptions) -> Result<(), Error> {
    let failed = |error| Error::of_pcsc(reader, error);
    match begin_patiently(card, reader, options) {
        Err(error) if error.code == SCARD_W_RESET_CARD => {
            reconnect_patiently(card, reader, options, Disposition::Leave).map_err(failed)?;
            begin_patiently(card, reader, options).map_err(failed)
        }
        begun => begun.map_err(failed),
    }
}

/// Ends a transaction in which nobody was authenticated; if that fails, the next one tells.
pub(super) fn end_quietly(card: &Card) {
    if let Err(error) = card.end_transaction(Disposition::Leave) {
        tracing::debug!(%error, "a transaction was not ended cleanly");
    }
}

#[cfg(test)]
mod tests {
    use super::CardSession;

    #[test]
    fn a_session_may_go_to_another_thread() {
        const fn is_send<T: Send>() {}
        const { is_send::<CardSession>() };
    }
}
