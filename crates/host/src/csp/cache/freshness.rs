//! The freshness counters: compared once in each transaction, moved before what they cover.

use cardmod_sys::{SCARD_E_DIR_NOT_FOUND, SCARD_E_FILE_NOT_FOUND};
use cardmod_types::{CacheMode, CardCf, CardId, FilePath};

use super::items::{self, Moved};
use crate::csp::session::CardSession;
use crate::error::Error;

/// A counter of `cardcf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::csp) enum Counter {
    Pins,
    Containers,
    Files,
}

/// Every method needs a transaction.
impl CardSession {
    /// Makes sure that what is remembered is the card's: once in each transaction.
    pub(in crate::csp) fn refresh(&mut self) -> Result<(), Error> {
        self.drop_touched();
        if self.cached.fresh { Ok(()) } else { self.look() }
    }

    /// Looks which card it is and what its counters say.
    fn look(&mut self) -> Result<(), Error> {
        self.identify()?;
        let hints = self.learn_hints()?;
        if !hints {
            self.learn_mode()?;
        }
        let counters = self.read_cardcf()?;
        if !hints {
            self.compare(counters.as_ref());
        }
        self.cached.cardcf = counters;
        self.cached.fresh = true;
        self.recall();
        self.module.module_cache().settle();
        Ok(())
    }

    fn learn_mode(&mut self) -> Result<CacheMode, Error> {
        if let Some(mode) = self.cached.mode {
            return Ok(mode);
        }
        let mode = self.module.cache_mode().map_err(|error| self.failed("tell its cache mode", error))?;
        self.cached.mode = Some(mode);
        Ok(mode)
    }

    fn identify(&mut self) -> Result<(), Error> {
        if self.cached.identified {
            return Ok(());
        }
        let id = self.module.card_id().map_err(|error| self.failed("tell its identity", error))?;
        if self.cached.card_id.is_some_and(|known| known != id) {
            return Err(self.another_card());
        }
        self.cached.card_id = Some(id);
        self.cached.identified = true;
        Ok(())
    }

    /// Drops what the counters just read say may be another now.
    fn compare(&mut self, read: Option<&CardCf>) {
        let known = self.cached.cardcf.take().filter(|_| self.cached.mode != Some(CacheMode::None));
        let (Some(known), Some(read)) = (known, read) else {
            self.cached.drop_all();
            self.module.clear_module_cache();
            return;
        };
        let moved = Moved::between(&known, read);
        if moved.any() {
            self.cached.drop_moved(moved);
            self.module.clear_module_cache();
        }
        if moved.pins {
            self.tries = [None; 8];
            self.session_pins = [None; 8];
            self.pin_cache.forget_changed(&self.reader, read.pins);
        }
    }

    fn read_cardcf(&mut self) -> Result<Option<CardCf>, Error> {
        let path = FilePath::cardcf();
        match self.module.read_file(&path) {
            Ok(file) => {
                CardCf::parse(&file).map(Some).map_err(|error| self.damaged(format!("file cardcf: {error}")))
            }
            Err(error) if error.is(SCARD_E_FILE_NOT_FOUND) || error.is(SCARD_E_DIR_NOT_FOUND) => Ok(None),
            Err(error) => Err(Error::of_file(&self.reader, &path.to_string(), "read a file", error)),
        }
    }

    /// The counters were written by somebody else than [`count`](Self::count).
    pub(in crate::csp) fn forget_counters(&mut self) {
        self.cached.fresh = false;
    }

    /// Counts a change, before it is made: an interrupted one is noticed, not overlooked.
    pub(in crate::csp) fn count(&mut self, counters: &[Counter]) -> Result<(), Error> {
        self.refresh()?;
        if counters.iter().any(|counter| *counter != Counter::Pins) {
            self.disown_hints();
        }
        // A card without counters has nothing to write.
        let Some(mut cardcf) = self.cached.cardcf.clone() else { return Ok(()) };
        for counter in counters {
            match counter {
                Counter::Pins => cardcf.bump_pins(),
                Counter::Containers => cardcf.bump_containers(),
                Counter::Files => cardcf.bump_files(),
            }
        }
        let path = FilePath::cardcf();
        let before = self.module.footprint();
        let written = self.module.write_file(&path, &cardcf.to_bytes());
        // A counter that moves once too often changes nothing.
        self.module.forgive_changes(before);
        if let Err(error) = written {
            // The card may have the new values all the same; they must not be given out twice.
            self.forget_counters();
            return Err(Error::of_file(&self.reader, &path.to_string(), "write its counters", error));
        }
        // What is written under them is dropped by `drop_touched`, and the rest goes on to be the card's.
        self.module.take_touched_file(&path);
        self.cached.cardcf = Some(cardcf);
        self.cached.items.touch();
        Ok(())
    }

    /// Forgets what was written through the module since this was last done, whoever wrote it and whether
    /// it succeeded or not.
    pub(in crate::csp) fn drop_touched(&mut self) {
        let touched = self.module.take_touched();
        if touched.is_empty() {
            return;
        }
        for path in &touched.files {
            self.cached.items.drop_one(&items::file(path));
            match *path {
                path if path == FilePath::cmapfile() => {
                    self.cached.parsed.map = None;
                    self.cached.drop_places();
                }
                path if path == FilePath::cardcf() => self.forget_counters(),
                path if path == FilePath::cardid() => self.cached.another_identity(),
                _ => {}
            }
        }
        for index in touched.containers {
            self.cached.drop_keys(index);
            self.cached.drop_hints_of(index);
        }
        if touched.properties {
            self.cached.drop_all();
            self.cached.another_identity();
        }
    }

    /// The card's identity.
    pub(in crate::csp) fn card_id(&mut self) -> Result<Option<CardId>, Error> {
        self.refresh()?;
        Ok(self.cached.card_id)
    }

    /// The card's counters.
    pub(in crate::csp) fn cardcf(&mut self) -> Result<Option<CardCf>, Error> {
        self.refresh()?;
        Ok(self.cached.cardcf.clone())
    }

    /// How far the card lets a host cache.
    pub(in crate::csp) fn cache_mode(&mut self) -> Result<CacheMode, Error> {
        self.refresh()?;
        self.learn_mode()
    }

    /// What is remembered of the card are hints.
    pub(in crate::csp) fn hints(&mut self) -> Result<bool, Error> {
        self.refresh()?;
        Ok(self.cached.has_hints())
    }
}

impl super::Cached {
    /// The session itself may have given the card another identity, or another mode.
    fn another_identity(&mut self) {
        self.card_id = None;
        self.identified = false;
        self.mode = None;
        self.hints = None;
        self.fresh = false;
    }
}
