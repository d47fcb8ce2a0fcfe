//! What a session remembers of its card, for as long as the card's freshness counters say so.
//!
//! The counters (file `cardcf`) are read once in each transaction that needs to know. The pair of
//! card identity and counters decides: after another card, or another value, what depends on it is
//! read anew. Cards that have no counters, or ask for no cache, are read anew in each transaction.

use std::collections::HashMap;

use cardmod_sys::{
    SCARD_E_DIR_NOT_FOUND, SCARD_E_FILE_NOT_FOUND, SCARD_E_INVALID_PARAMETER, SCARD_E_NO_KEY_CONTAINER,
};
use cardmod_types::{
    CacheMode, Capabilities, CardCf, CardId, ContainerIndex, ContainerKeys, ContainerMap, FilePath, PinId,
    PinInfo, PinPurpose,
};

use super::session::CardSession;
use crate::error::Error;

/// What is remembered.
#[derive(Default)]
pub(super) struct Cached {
    card_id: Option<CardId>,
    /// The identity was read since the connection was last made.
    identified: bool,
    cardcf: Option<CardCf>,
    /// The counters were read in the running transaction.
    fresh: bool,
    mode: Option<CacheMode>,
    read_only: Option<bool>,
    capabilities: Option<Capabilities>,
    map: Option<ContainerMap>,
    keys: HashMap<ContainerIndex, ContainerKeys>,
    owners: HashMap<ContainerIndex, PinId>,
    pins: HashMap<PinId, PinInfo>,
}

impl Cached {
    /// A new transaction begins: the counters have to be looked at again.
    pub(super) fn new_transaction(&mut self) {
        self.fresh = false;
    }

    /// The card may have been another's meanwhile, or be another card.
    pub(super) fn connection_lost(&mut self) {
        self.fresh = false;
        self.identified = false;
    }

    /// Forgets the keys of a container.
    pub(super) fn drop_keys(&mut self, index: ContainerIndex) {
        self.keys.remove(&index);
        self.owners.remove(&index);
    }

    /// Forgets what a changed container counter makes doubtful.
    fn drop_containers(&mut self) {
        self.map = None;
        self.keys.clear();
        self.owners.clear();
    }

    /// Forgets everything but the card's identity.
    fn drop_all(&mut self) {
        self.drop_containers();
        self.pins.clear();
        self.read_only = None;
        self.capabilities = None;
    }
}

/// A counter of `cardcf`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    Pins,
    Containers,
    Files,
}

/// Every method needs a transaction.
impl CardSession {
    /// Makes sure that what is remembered is the card's: once in each transaction.
    pub(super) fn refresh(&mut self) -> Result<(), Error> {
        if self.cached.fresh {
            return Ok(());
        }
        if !self.cached.identified {
            let id = self.module.card_id().map_err(|error| self.failed("tell its identity", error))?;
            if self.cached.card_id.is_some_and(|known| known != id) {
                return Err(self.card_is_gone());
            }
            self.cached.card_id = Some(id);
            self.cached.identified = true;
        }
        if self.cached.mode.is_none() {
            let mode = self.module.cache_mode().map_err(|error| self.failed("tell its cache mode", error))?;
            self.cached.mode = Some(mode);
        }
        let counters = self.read_cardcf()?;
        match (self.cached.cardcf.take(), &counters) {
            (Some(known), Some(read)) if self.cached.mode != Some(CacheMode::None) => {
                if known.containers != read.containers {
                    self.cached.drop_containers();
                }
                if known.files != read.files {
                    self.cached.map = None;
                }
                if known.pins != read.pins {
                    self.cached.pins.clear();
                    self.tries = [None; 8];
                    self.session_pins = [None; 8];
                    self.pin_cache.forget_changed(&self.reader, read.pins);
                }
            }
            _ => self.cached.drop_all(),
        }
        self.cached.cardcf = counters;
        self.cached.fresh = true;
        Ok(())
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
    pub(super) fn forget_counters(&mut self) {
        self.cached.fresh = false;
    }

    /// Counts a change, before it is made: an interrupted one is noticed, not overlooked.
    pub(super) fn count(&mut self, counters: &[Counter]) -> Result<(), Error> {
        self.refresh()?;
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
        if let Err(error) = self.module.write_file(&path, &cardcf.to_bytes()) {
            // The card may have the new values all the same; they must not be given out twice.
            self.forget_counters();
            return Err(Error::of_file(&self.reader, &path.to_string(), "write its counters", error));
        }
        self.cached.cardcf = Some(cardcf);
        if counters.contains(&Counter::Containers) {
            self.cached.keys.clear();
            self.cached.owners.clear();
        }
        Ok(())
    }

    /// The card's identity.
    pub(super) fn card_id(&mut self) -> Result<Option<CardId>, Error> {
        self.refresh()?;
        Ok(self.cached.card_id)
    }

    /// The card's counters.
    pub(super) fn cardcf(&mut self) -> Result<Option<CardCf>, Error> {
        self.refresh()?;
        Ok(self.cached.cardcf.clone())
    }

    /// How far the card lets a host cache.
    pub(super) fn cache_mode(&mut self) -> Result<CacheMode, Error> {
        self.refresh()?;
        Ok(self.cached.mode.unwrap_or(CacheMode::None))
    }

    /// The card refuses to be written.
    pub(super) fn read_only(&mut self) -> Result<bool, Error> {
        self.refresh()?;
        if let Some(read_only) = self.cached.read_only {
            return Ok(read_only);
        }
        let read_only =
            self.module.read_only().map_err(|error| self.failed("tell whether it is read-only", error))?;
        self.cached.read_only = Some(read_only);
        Ok(read_only)
    }

    /// Refuses a change of a read-only card before it is begun.
    pub(super) fn writable(&mut self) -> Result<(), Error> {
        if !self.read_only()? {
            return Ok(());
        }
        let why = "its property \"Read Only Mode\" says so".to_owned();
        Err(Error::ReadOnlyCard { card: self.reader.clone(), why })
    }

    /// What the module can do.
    pub(super) fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.refresh()?;
        if let Some(capabilities) = self.cached.capabilities {
            return Ok(capabilities);
        }
        let capabilities =
            self.module.capabilities().map_err(|error| self.failed("tell its capabilities", error))?;
        self.cached.capabilities = Some(capabilities);
        Ok(capabilities)
    }

    /// The container map; a card that has none yet has an empty one.
    pub(super) fn map(&mut self) -> Result<&mut ContainerMap, Error> {
        self.refresh()?;
        if self.cached.map.is_none() {
            let path = FilePath::cmapfile();
            let map = match self.module.read_file(&path) {
                Ok(file) => ContainerMap::parse(&file)
                    .map_err(|error| self.damaged(format!("file {path}: {error}")))?,
                Err(error) if error.is(SCARD_E_FILE_NOT_FOUND) || error.is(SCARD_E_DIR_NOT_FOUND) => {
                    ContainerMap::new()
                }
                Err(error) => {
                    return Err(Error::of_file(&self.reader, &path.to_string(), "read a file", error));
                }
            };
            self.cached.map = Some(map);
        }
        Ok(self.cached.map.get_or_insert_with(ContainerMap::new))
    }

    /// Remembers what was written to the card's map, or forgets it after a failure.
    pub(super) fn remember_map(&mut self, map: Option<ContainerMap>) {
        self.cached.map = map;
    }

    /// A container's public keys; none where the card has no key for it.
    pub(super) fn container_keys(&mut self, index: ContainerIndex) -> Result<ContainerKeys, Error> {
        self.refresh()?;
        if let Some(keys) = self.cached.keys.get(&index) {
            return Ok(keys.clone());
        }
        let keys = match self.module.get_container_info(index) {
            // In the map, but its key was never made: the creation was broken off.
            Err(error) if error.is(SCARD_E_NO_KEY_CONTAINER) => return Ok(ContainerKeys::default()),
            keys => keys.map_err(|error| self.failed("tell the public keys of a container", error))?,
        };
        self.cached.keys.insert(index, keys.clone());
        Ok(keys)
    }

    /// The role that owns a container's keys.
    pub(super) fn container_owner(&mut self, index: ContainerIndex) -> Result<PinId, Error> {
        self.refresh()?;
        if let Some(owner) = self.cached.owners.get(&index) {
            return Ok(*owner);
        }
        let owner = match self.module.container_pin(index) {
            // Without a key there is nothing to own: the user's PIN changes the container.
            Err(error) if error.is(SCARD_E_NO_KEY_CONTAINER) => return Ok(PinId::USER),
            owner => owner.map_err(|error| self.failed("tell the owner of a container", error))?,
        };
        self.cached.owners.insert(index, owner);
        Ok(owner)
    }

    /// What a role's PIN is for, where it is known without a card.
    pub(super) fn known_purpose(&self, role: PinId) -> PinPurpose {
        self.cached.pins.get(&role).map_or(PinPurpose::Authentication, |info| info.purpose)
    }

    /// A role's PIN.
    pub(super) fn pin_info(&mut self, role: PinId) -> Result<PinInfo, Error> {
        self.refresh()?;
        if let Some(info) = self.cached.pins.get(&role) {
            return Ok(*info);
        }
        let info = self.module.pin_info(role);
        let info = info.map_err(|error| match error.is(SCARD_E_INVALID_PARAMETER) {
            true => Error::NoSuchRole { card: self.reader.clone(), role },
            false => self.failed("describe a PIN", error),
        })?;
        self.cached.pins.insert(role, info);
        Ok(info)
    }
}
