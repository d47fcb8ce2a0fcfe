//! What the session asks of its card, from memory where that holds.

use cardmod_sys::{
    SCARD_E_DIR_NOT_FOUND, SCARD_E_FILE_NOT_FOUND, SCARD_E_INVALID_PARAMETER, SCARD_E_NO_KEY_CONTAINER,
};
use cardmod_types::{
    Capabilities, ContainerIndex, ContainerKeys, ContainerMap, FilePath, KeySizes, KeySpec, PinId, PinInfo,
    PinPurpose,
};

use super::items::{self, Remembered};
use crate::csp::session::CardSession;
use crate::error::Error;
use crate::module::{Names, Places};

/// Every method needs a transaction.
impl CardSession {
    /// The card refuses to be written.
    pub(in crate::csp) fn read_only(&mut self) -> Result<bool, Error> {
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
    pub(in crate::csp) fn writable(&mut self) -> Result<(), Error> {
        if !self.read_only()? {
            return Ok(());
        }
        if self.options.management_key.is_none() && self.takes_management_key() {
            return Err(Error::ManagementKeyRequired { card: self.reader.clone() });
        }
        let why = "its property \"Read Only Mode\" says so".to_owned();
        Err(Error::ReadOnlyCard { card: self.reader.clone(), why })
    }

    /// What the module can do.
    pub(in crate::csp) fn capabilities(&mut self) -> Result<Capabilities, Error> {
        self.refresh()?;
        if let Some(capabilities) = self.cached.parsed.capabilities {
            return Ok(capabilities);
        }
        let name = items::CAPABILITIES;
        let capabilities = match self.item(name) {
            Some(known) => known,
            None => {
                let told = self.module.capabilities();
                let told = told.map_err(|error| self.failed("tell its capabilities", error))?;
                self.remember(name.to_owned(), &told);
                told
            }
        };
        self.cached.parsed.capabilities = Some(capabilities);
        Ok(capabilities)
    }

    /// The lengths of a kind of keys; `None` where the card has no such keys.
    pub(in crate::csp) fn key_sizes(&mut self, spec: KeySpec) -> Result<Option<KeySizes>, Error> {
        self.refresh()?;
        let name = items::key_sizes(spec);
        if let Some(known) = self.item(&name) {
            return Ok(known);
        }
        let sizes = self.module.key_sizes(spec).map_err(|error| self.failed("tell its key sizes", error))?;
        self.remember(name, &sizes);
        Ok(sizes)
    }

    /// A file; `None` where there is none. Those that everybody may read are remembered.
    pub(in crate::csp) fn file(
        &mut self,
        path: &FilePath,
        operation: &'static str,
    ) -> Result<Option<Vec<u8>>, Error> {
        self.refresh()?;
        let (name, public) = (items::file(path), items::is_public(path));
        if let Some(known) = self.cached.items.get(&name) {
            return Ok(known.map(<[u8]>::to_vec));
        }
        self.read_anew();
        let content = match self.module.read_file(path) {
            Ok(content) => Some(content.to_vec()),
            Err(error) if error.is(SCARD_E_FILE_NOT_FOUND) => None,
            // The one failure that is remembered is the one above.
            Err(error) if error.is(SCARD_E_DIR_NOT_FOUND) => return Ok(None),
            Err(error) => return Err(Error::of_file(&self.reader, &path.to_string(), operation, error)),
        };
        if public {
            self.cached.items.put(name, content.clone());
        }
        Ok(content)
    }

    /// The container map; a card that has none yet has an empty one.
    pub(in crate::csp) fn map(&mut self) -> Result<&mut ContainerMap, Error> {
        self.refresh()?;
        if self.cached.parsed.map.is_none() {
            let path = FilePath::cmapfile();
            let map = match self.file(&path, "read a file")? {
                Some(file) => ContainerMap::parse(&file)
                    .map_err(|error| self.damaged(format!("file {path}: {error}")))?,
                None => ContainerMap::new(),
            };
            self.cached.parsed.map = Some(map);
        }
        Ok(self.cached.parsed.map.get_or_insert_with(ContainerMap::new))
    }

    /// A container was found on the card: a map that is remembered without it is out of date.
    pub(in crate::csp) fn was_found(&mut self, index: ContainerIndex) {
        let name = items::file(&FilePath::cmapfile());
        let hint = self.cached.items.iter().find(|(known, _)| *known == name && self.cached.is_hint(known));
        let lists = |map: &[u8]| ContainerMap::parse(map).is_ok_and(|map| map.get(index).is_some());
        if hint.is_some_and(|(_, map)| !map.is_some_and(lists)) {
            self.cached.items.drop_one(&name);
        }
    }

    /// Remembers what was written to the card's map, or forgets it after a failure.
    pub(in crate::csp) fn remember_map(&mut self, map: Option<ContainerMap>) {
        self.drop_touched();
        self.cached.drop_names();
        let name = items::file(&FilePath::cmapfile());
        match &map {
            Some(map) => self.cached.items.put(name, Some(map.to_bytes())),
            None => self.cached.items.drop_one(&name),
        }
        self.cached.parsed.map = map;
    }

    /// Remembers a file everybody may read as it was just written.
    pub(in crate::csp) fn remember_file(&mut self, path: &FilePath, content: &[u8]) {
        self.drop_touched();
        if items::is_public(path) {
            self.cached.items.put(items::file(path), Some(content.to_vec()));
        }
    }

    /// A container's public keys; none where the card has no key for it.
    pub(in crate::csp) fn container_keys(&mut self, index: ContainerIndex) -> Result<ContainerKeys, Error> {
        self.refresh()?;
        self.cached.used.insert(index);
        if let Some(keys) = self.cached.parsed.keys.get(&index) {
            return Ok(keys.clone());
        }
        let name = items::keys(index);
        let keys = match self.item::<ContainerKeys>(&name) {
            Some(known) => known,
            None => {
                self.read_anew();
                let keys = match self.module.get_container_info(index) {
                    // In the map, but its key was never made: the creation was broken off.
                    Err(error) if error.is(SCARD_E_NO_KEY_CONTAINER) => return Ok(ContainerKeys::default()),
                    keys => {
                        keys.map_err(|error| self.failed("tell the public keys of a container", error))?
                    }
                };
                self.cached.was_told(index);
                self.remember(name, &keys);
                keys
            }
        };
        self.cached.parsed.keys.insert(index, keys.clone());
        Ok(keys)
    }

    /// The role that owns a container's keys.
    pub(in crate::csp) fn container_owner(&mut self, index: ContainerIndex) -> Result<PinId, Error> {
        self.refresh()?;
        if let Some(owner) = self.cached.parsed.owners.get(&index) {
            return Ok(*owner);
        }
        let name = items::owner(index);
        let owner = match self.item(&name) {
            Some(known) => known,
            None => {
                let owner = match self.module.container_pin(index) {
                    // Without a key there is nothing to own: the user's PIN changes the container.
                    Err(error) if error.is(SCARD_E_NO_KEY_CONTAINER) => return Ok(PinId::USER),
                    owner => owner.map_err(|error| self.failed("tell the owner of a container", error))?,
                };
                self.remember(name, &owner);
                owner
            }
        };
        self.cached.parsed.owners.insert(index, owner);
        Ok(owner)
    }

    /// Has the module tell anew whose the keys are that were used: their use may have taught it.
    pub(in crate::csp) fn forget_owners(&mut self) {
        for index in core::mem::take(&mut self.cached.parsed.owners).into_keys() {
            self.cached.items.drop_one(&items::owner(index));
        }
    }

    /// What a role's PIN is for, where it is known without a card.
    pub(in crate::csp) fn known_purpose(&self, role: PinId) -> PinPurpose {
        self.cached.parsed.pins.get(&role).map_or(PinPurpose::Authentication, |info| info.purpose)
    }

    /// The places the card has for keys; none on most cards.
    pub(in crate::csp) fn places(&mut self) -> Result<&Places, Error> {
        self.refresh()?;
        if self.cached.parsed.places.is_none() {
            let places = match self.item(items::PLACES) {
                Some(known) => known,
                None => {
                    self.read_anew();
                    let told = self.module.places();
                    let told = told.map_err(|error| self.failed("tell its places for keys", error))?;
                    // Most cards have none, which need not be remembered.
                    if !told.is_empty() {
                        self.remember(items::PLACES.to_owned(), &told);
                    }
                    told
                }
            };
            self.cached.parsed.places = Some(places);
        }
        Ok(self.cached.parsed.places.get_or_insert_default())
    }

    /// The names of the containers in all places, where the module tells them without the map.
    pub(in crate::csp) fn names(&mut self) -> Result<&Names, Error> {
        self.refresh()?;
        if self.cached.parsed.names.is_none() {
            let names = match self.item(items::NAMES) {
                Some(known) => known,
                None => {
                    self.read_anew();
                    let told = self.module.names();
                    let told =
                        told.map_err(|error| self.failed("tell the names of its containers", error))?;
                    if !told.is_empty() {
                        self.remember(items::NAMES.to_owned(), &told);
                    }
                    told
                }
            };
            self.cached.parsed.names = Some(names);
        }
        Ok(self.cached.parsed.names.get_or_insert_default())
    }

    /// The container map is at hand, be it as a hint.
    pub(in crate::csp) fn knows_map(&mut self) -> Result<bool, Error> {
        self.refresh()?;
        let file = items::file(&FilePath::cmapfile());
        Ok(self.cached.parsed.map.is_some() || self.cached.items.get(&file).is_some())
    }

    /// A role's PIN.
    pub(in crate::csp) fn pin_info(&mut self, role: PinId) -> Result<PinInfo, Error> {
        self.refresh()?;
        if let Some(info) = self.cached.parsed.pins.get(&role) {
            return Ok(*info);
        }
        let name = items::pin(role, self.reader_features().verifies_pins());
        let info = match self.item(&name) {
            Some(known) => known,
            None => {
                let info = self.module.pin_info(role);
                let info = info.map_err(|error| match error.is(SCARD_E_INVALID_PARAMETER) {
                    true => Error::NoSuchRole { card: self.reader.clone(), role },
                    false => self.failed("describe a PIN", error),
                })?;
                self.remember(name, &info);
                info
            }
        };
        self.cached.parsed.pins.insert(role, info);
        Ok(info)
    }

    /// A value from memory or the store.
    pub(super) fn item<T: Remembered>(&self, name: &str) -> Option<T> {
        self.cached.items.get(name).flatten().and_then(T::from_item)
    }

    fn remember(&mut self, name: String, value: &impl Remembered) {
        self.cached.items.put(name, Some(value.to_item()));
    }
}
