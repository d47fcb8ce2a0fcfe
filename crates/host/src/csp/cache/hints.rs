//! Hints: what is remembered of a card that has no freshness counters.
//!
//! A module may say that public data of its card can be kept although no counter shows when it changes
//! (property "Cardmod Hints"; PIV cards). What was read in an earlier transaction is a hint from then on,
//! in memory as in a store. A hint
//! - is shown in lists, marked as remembered;
//! - finds a key, which is checked at its first use of each insertion (`first_use`);
//! - does not count where the card is changed, so that no change is planned by it;
//! - is read again before it is handed out as the card's: where the card has something else now, every
//!   program forgets everything, and the operation is made once more.
//!
//! The module may remember too. Before the first content of a transaction that is not taken from memory, it
//! is told to forget, so that what it answers is what the card has.

use cardmod_types::{ContainerIndex, FilePath, RecordState};

use super::items;
use crate::csp::containers::{HALVES, is_missing};
use crate::csp::operation::{Need, Repeat};
use crate::csp::pin_source::PinSource;
use crate::csp::session::CardSession;
use crate::error::Error;

impl super::Cached {
    /// What is remembered of this card are hints.
    pub(in crate::csp) fn has_hints(&self) -> bool {
        self.hints == Some(true)
    }

    /// An item of this name is remembered from an earlier transaction.
    pub(in crate::csp) fn is_hint(&self, name: &str) -> bool {
        self.has_hints() && self.items.is_hint(name)
    }

    /// A container was made anew or deleted: what was remembered to lie beside its keys does not any more, or is
    /// of another key.
    pub(super) fn drop_hints_of(&mut self, index: ContainerIndex) {
        if self.has_hints() {
            for half in HALVES {
                self.items.drop_one(&items::file(&FilePath::certificate(half, index)));
            }
        }
    }

    /// From now on everything known is of an earlier transaction.
    pub(super) fn age(&mut self) {
        if !self.has_hints() {
            return;
        }
        self.items.age();
        if self.items.passes_over_hints() {
            self.parsed = super::Parsed::default();
        }
        self.proofs.hearsay |= !self.items.is_empty();
        self.untold = true;
    }
}

impl CardSession {
    /// Runs an operation that changes the card: hints do not count in it. A management key that the card
    /// refuses is told as that.
    pub(in crate::csp) fn change<T>(
        &mut self,
        repeat: Repeat,
        pins: Option<&mut dyn PinSource>,
        need: impl FnMut(&mut Self) -> Result<Need, Error>,
        body: impl FnMut(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let changed = self.without_hints(|session| session.run(repeat, pins, need, body));
        changed.map_err(|error| match error {
            Error::NotAuthenticated { card, .. } if self.options.management_key.is_some() => {
                Error::WrongManagementKey { card }
            }
            error => error,
        })
    }

    /// The work sees the card as it is, not as it is remembered.
    pub(in crate::csp) fn without_hints<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.cached.items.pass_over_hints(true);
        if self.cached.has_hints() && !before {
            self.cached.parsed = super::Parsed::default();
        }
        let done = work(self);
        self.cached.items.pass_over_hints(before);
        done
    }

    /// Asks the module once whether it allows hints. A transaction runs.
    pub(super) fn learn_hints(&mut self) -> Result<bool, Error> {
        if let Some(known) = self.cached.hints {
            return Ok(known);
        }
        let told = self.module.hints_allowed();
        let hints = told.map_err(|error| self.failed("tell whether it may be remembered", error))?;
        // Another module's odd answer is none.
        self.cached.application = self.module.application().unwrap_or_default();
        self.cached.hints = Some(hints);
        self.cached.untold = hints;
        Ok(hints)
    }

    /// Before content is read that is not remembered: the module, too, is to read it from the card.
    pub(in crate::csp) fn read_anew(&mut self) {
        if core::mem::take(&mut self.cached.untold) {
            self.module.forget_content();
        }
    }

    /// A container's keys or certificates are remembered from an earlier transaction.
    pub(in crate::csp) fn is_remembered(&self, index: ContainerIndex) -> bool {
        let files = HALVES.map(|half| items::file(&FilePath::certificate(half, index)));
        files.iter().any(|name| self.cached.is_hint(name)) || self.cached.is_hint(&items::keys(index))
    }

    /// Makes sure that what is known of a container's keys and certificates is what the card has now.
    pub(in crate::csp) fn confirm(&mut self, index: ContainerIndex) -> Result<(), Error> {
        self.refresh()?;
        if self.cached.has_hints() {
            // What was read in this transaction holds as long as that does, and nothing is sent that would tell.
            self.card.status().map_err(|error| Error::of_pcsc(&self.reader, error))?;
        }
        for half in HALVES {
            self.confirm_file(&FilePath::certificate(half, index))?;
        }
        self.confirm_keys(index)
    }

    /// Makes sure that a card on which no container is known has none: an empty list has no row that could
    /// be marked as remembered.
    pub(in crate::csp) fn confirm_emptiness(&mut self) -> Result<(), Error> {
        let map = self.map()?;
        let is_vacant = |index| matches!(map.state(index), RecordState::Vacant | RecordState::Absent);
        if (0..=u8::MAX).take(map.len()).map(ContainerIndex::new).all(is_vacant) {
            self.confirm_file(&FilePath::cmapfile())?;
        }
        Ok(())
    }

    /// Makes sure that what is known of a container's keys is what the card has now.
    pub(in crate::csp) fn confirm_keys(&mut self, index: ContainerIndex) -> Result<(), Error> {
        self.refresh()?;
        let name = items::keys(index);
        if !self.cached.is_hint(&name) {
            return Ok(());
        }
        let known = self.item(&name);
        let keys = self.keys_from_the_card(index)?;
        if known != Some(keys) {
            return Err(self.not_the_card_remembered());
        }
        self.cached.items.confirm(&name);
        self.cached.prove(index);
        Ok(())
    }

    /// Makes sure that a file that is remembered is what the card has now.
    fn confirm_file(&mut self, path: &FilePath) -> Result<(), Error> {
        let name = items::file(path);
        if !self.cached.is_hint(&name) {
            return Ok(());
        }
        self.read_anew();
        let content = match self.module.read_file(path) {
            Ok(content) => Some(content),
            Err(error) if is_missing(&error) => None,
            Err(error) => {
                return Err(Error::of_file(&self.reader, &path.to_string(), "read a file", error));
            }
        };
        let known = self.cached.items.get(&name).flatten();
        if known != content.as_ref().map(|content| content.as_slice()) {
            return Err(self.not_the_card_remembered());
        }
        self.cached.items.confirm(&name);
        Ok(())
    }
}
