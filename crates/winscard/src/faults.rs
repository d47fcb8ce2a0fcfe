//! What a virtual reader failed at last. PC/SC passes on a code; a program that can ask here learns the reason,
//! such as a disk without room.
//!
//! That another program was in the way stands until the card answers again; what its files failed at stands
//! until the card is connected to anew, since a host goes on with other commands to leave the card tidy.

use std::collections::HashMap;
use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cardmod_virtual::{CardFault, StoreError};

/// Why a virtual card did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kind.
    pub kind: FaultKind,
    /// What happened, with its causes: one clause, lower case.
    pub text: String,
}

/// Kinds of faults, by what is to be done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// Another program uses the card, for itself or in a transaction.
    Busy,
    /// The card is plugged into pcscd and reached through it alone.
    PluggedIn,
    /// The card was reset or taken out, as the PC/SC code says too.
    Event,
    /// The image cannot be used: damaged, cut off, too new, or another store's.
    Image,
    /// The disk, the quota or a limit has no room for what is to be written. The card has its old content.
    NoRoom,
    /// The user may not read or write the card's files.
    NoRights,
    /// The image was not saved for another reason. The card has its old content.
    NotSaved,
    /// The card, or its store's secret, is gone or unusable.
    Store,
    /// Anything else.
    Other,
}

impl FaultKind {
    const ALL: [Self; 9] = [
        Self::Busy,
        Self::PluggedIn,
        Self::Event,
        Self::Image,
        Self::NoRoom,
        Self::NoRights,
        Self::NotSaved,
        Self::Store,
        Self::Other,
    ];

    /// It ends by itself, or with what another program does.
    const fn passes(self) -> bool {
        matches!(self, Self::Busy | Self::PluggedIn | Self::Event)
    }

    /// The number by which the shared library names the kind; 0 is none.
    #[must_use]
    pub const fn code(self) -> u32 {
        self as u32 + 1
    }

    /// The kind of a number. One that a newer library gives is [`FaultKind::Other`].
    #[must_use]
    pub fn from_code(code: u32) -> Option<Self> {
        if code == 0 {
            return None;
        }
        Some(Self::ALL.into_iter().find(|kind| kind.code() == code).unwrap_or(Self::Other))
    }
}

impl Fault {
    pub(crate) fn of_card(fault: &CardFault) -> Self {
        Self { kind: kind_of(fault), text: told(fault) }
    }

    pub(crate) fn of_store(error: &StoreError) -> Self {
        match error {
            StoreError::Card(fault) => Self::of_card(fault),
            other => Self { kind: FaultKind::Store, text: told(other) },
        }
    }
}

fn kind_of(fault: &CardFault) -> FaultKind {
    match fault {
        CardFault::Leased { .. }
        | CardFault::Exclusive { .. }
        | CardFault::Busy { .. }
        | CardFault::Timeout { .. } => FaultKind::Busy,
        CardFault::PluggedIn { .. } => FaultKind::PluggedIn,
        CardFault::NotPresent { .. } | CardFault::Removed { .. } | CardFault::WasReset { .. } => {
            FaultKind::Event
        }
        CardFault::Image { .. } => FaultKind::Image,
        CardFault::NotSaved { cause, .. } => kind_of_io(cause).unwrap_or(FaultKind::NotSaved),
        CardFault::Io { cause, .. } => kind_of_io(cause).unwrap_or(FaultKind::Other),
        CardFault::Erased { .. } => FaultKind::Store,
        _ => FaultKind::Other,
    }
}

fn kind_of_io(cause: &io::Error) -> Option<FaultKind> {
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            Some(FaultKind::NoRoom)
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Some(FaultKind::NoRights),
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Some(FaultKind::Busy),
        _ => None,
    }
}

/// An error with its causes, each told once.
fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// The faults that stand, by reader.
#[derive(Default)]
pub(crate) struct Faults {
    /// There is one: the way of a card that answers stays short.
    any: AtomicBool,
    readers: Mutex<HashMap<String, Fault>>,
}

impl Faults {
    pub(crate) fn note(&self, reader: &str, fault: Fault) {
        let mut readers = self.lock();
        // A passing fault does not hide a lasting one.
        if !fault.kind.passes() || readers.get(reader).is_none_or(|known| known.kind.passes()) {
            readers.insert(reader.to_owned(), fault);
        }
        self.any.store(true, Ordering::Release);
    }

    /// The card answered.
    pub(crate) fn answered(&self, reader: &str) {
        self.remove(reader, |fault| fault.kind.passes());
    }

    /// The card is connected to.
    pub(crate) fn connected(&self, reader: &str) {
        self.remove(reader, |_| true);
    }

    fn remove(&self, reader: &str, which: impl FnOnce(&Fault) -> bool) {
        if !self.any.load(Ordering::Acquire) {
            return;
        }
        let mut readers = self.lock();
        if readers.get(reader).is_some_and(which) {
            readers.remove(reader);
        }
        self.any.store(!readers.is_empty(), Ordering::Release);
    }

    pub(crate) fn last(&self, reader: &str) -> Option<Fault> {
        self.lock().get(reader).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Fault>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_numbers_of_their_own() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::from_code(kind.code()), Some(kind));
        }
        assert_eq!(FaultKind::from_code(0), None);
        assert_eq!(FaultKind::from_code(4711), Some(FaultKind::Other), "of a newer library");
    }

    #[test]
    fn the_cause_decides_and_is_told() {
        let saved = |kind: ErrorKind| {
            Fault::of_card(&CardFault::NotSaved { path: "card.image".into(), cause: kind.into() })
        };
        assert_eq!(saved(ErrorKind::StorageFull).kind, FaultKind::NoRoom);
        assert_eq!(saved(ErrorKind::ReadOnlyFilesystem).kind, FaultKind::NoRights);
        assert_eq!(saved(ErrorKind::Other).kind, FaultKind::NotSaved);
        let text = saved(ErrorKind::StorageFull).text;
        assert!(text.contains("not saved") && text.contains("no storage space"), "{text}");
        let gone = Fault::of_store(&StoreError::BadName { name: "x".to_owned() });
        assert_eq!(gone.kind, FaultKind::Store);
    }

    #[test]
    fn a_fault_stands_until_it_cannot_be_the_reason_any_more() {
        let faults = Faults::default();
        let fault = |kind| Fault { kind, text: format!("{kind:?}") };
        let last = |reader: &str| faults.last(reader).map(|fault| fault.kind);
        faults.answered("a");
        faults.note("a", fault(FaultKind::Busy));
        faults.note("b", fault(FaultKind::Busy));
        faults.answered("a");
        assert_eq!((last("a"), last("b")), (None, Some(FaultKind::Busy)));
        faults.note("b", fault(FaultKind::NoRoom));
        faults.note("b", fault(FaultKind::Event));
        faults.answered("b");
        assert_eq!(last("b"), Some(FaultKind::NoRoom), "what a host does afterwards hides nothing");
        faults.connected("b");
        assert_eq!(last("b"), None);
    }
}
