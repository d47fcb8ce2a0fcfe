//! Containers by name: list, find, delete, default.

use cardmod_types::{
    ContainerIndex, ContainerKeys, ContainerMap, ContainerNameError, ContainerRecord, FilePath, KeyHalf,
    PinId, PublicKey, RecordState, certificate,
};

use super::cache::Counter;
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::places;
use super::request::{Container, ContainerKey};
use super::session::CardSession;
use crate::error::Error;

/// The two halves of a container, in the order they are shown.
pub(super) const HALVES: [KeyHalf; 2] = [KeyHalf::KeyExchange, KeyHalf::Signature];

impl CardSession {
    /// The containers of the card, in the order of its container map. One that cannot be read is
    /// listed with what is wrong with it; where not even its record can be, its name is empty.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::BadCardData`], [`Error::Call`].
    pub fn containers(&mut self) -> Result<Vec<Container>, Error> {
        self.plain(Repeat::Safe, |session| {
            session.confirm_emptiness()?;
            let map = session.map()?.clone();
            let mut listed = Vec::new();
            for index in (0..=u8::MAX).take(map.len()).map(ContainerIndex::new) {
                match map.state(index) {
                    RecordState::Valid(record) => {
                        let mut container = session.listed(index, record)?;
                        let problem = container.problem.take();
                        container.problem = problem.or_else(|| ambiguity(&map, index, record));
                        listed.push(container);
                    }
                    RecordState::Damaged { cause, .. } => {
                        listed.push(session.nameless(index, cause)?);
                    }
                    RecordState::Vacant | RecordState::Absent => {}
                }
            }
            Ok(listed)
        })
    }

    /// One container by its name, or by the label of its place, or with `None` the card's default container.
    /// Its keys and certificates are those the card has now, whatever is remembered.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoDefaultContainer`], [`Error::BadCardData`].
    pub fn container(&mut self, name: Option<&str>) -> Result<Container, Error> {
        self.plain(Repeat::Safe, |session| {
            let (index, record) = session.find(name)?;
            session.confirm(index)?;
            session.described(index, &record)
        })
    }

    /// Deletes a container with its keys and certificates. Where it was the default one, the next
    /// container becomes it.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::ReadOnlyCard`], those of the PIN.
    pub fn delete_container(&mut self, name: &str, pins: &mut dyn PinSource) -> Result<(), Error> {
        let need = |session: &mut Self| {
            session.writable()?;
            session.find(Some(name))?;
            Ok(Need { role: Some(PinId::USER), container: Some(name.to_owned()) })
        };
        self.change(Repeat::Never, Some(pins), need, |session| {
            let (index, record) = session.find(Some(name))?;
            session.count(&[Counter::Containers, Counter::Files])?;
            session.delete_keys(index)?;
            // Before the record: a certificate that stayed behind would become that of the next key here.
            for half in HALVES {
                session.delete_certificate_file(half, index)?;
            }
            if session.has_places()? {
                // The module's map has lost it with the key.
                session.remember_map(None);
                if !session.is_listed(index, record.default)? {
                    return Ok(());
                }
            }
            session.write_map(|map| {
                map.set(index, None)?;
                let next = map.iter().next().map(|(next, _)| next);
                match next {
                    Some(next) if record.default => map.set_default(next),
                    _ => Ok(()),
                }
            })
        })
    }

    /// Makes a container the card's default one.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchKey`] for a container without a key,
    /// [`Error::ReadOnlyCard`], those of the PIN.
    pub fn set_default(&mut self, name: &str, pins: &mut dyn PinSource) -> Result<(), Error> {
        let need = |session: &mut Self| {
            session.writable()?;
            session.usable(name)?;
            Ok(Need { role: Some(PinId::USER), container: Some(name.to_owned()) })
        };
        self.change(Repeat::Safe, Some(pins), need, |session| {
            let (index, record) = session.find(Some(name))?;
            if record.default {
                return Ok(());
            }
            session.count(&[Counter::Files])?;
            let written = session.write_map(|map| map.set_default(index));
            match written {
                Err(error) if places::is_not_kept(&error) && session.has_places()? => {
                    let what = "keep which container is the default one".to_owned();
                    Err(Error::NotSupported { what, card: session.reader.clone() })
                }
                written => written,
            }
        })
    }

    /// After a deletion the module's map tells of the container still, or misses a default one.
    fn is_listed(&mut self, index: ContainerIndex, was_default: bool) -> Result<bool, Error> {
        let map = self.map()?;
        let headless = was_default && map.default_container().is_none() && map.iter().next().is_some();
        Ok(map.get(index).is_some() || headless)
    }

    /// Deletes the keys of a container, where there are any. They are counted by the caller.
    pub(super) fn delete_keys(&mut self, index: ContainerIndex) -> Result<(), Error> {
        self.cached.drop_keys(index);
        match self.module.delete_container(index) {
            // The record alone is there: it goes.
            Err(error) if error.is(cardmod_sys::SCARD_E_NO_KEY_CONTAINER) => Ok(()),
            deleted => deleted.map_err(|error| self.failed("delete a container", error)),
        }
    }

    /// The public keys of a container as far as its record tells of them: a key that the record does not
    /// know was left by a creation that was broken off, and nobody uses it. The next creation there
    /// replaces it.
    pub(super) fn recorded_keys(
        &mut self,
        index: ContainerIndex,
        record: &ContainerRecord,
    ) -> Result<ContainerKeys, Error> {
        let keys = self.container_keys(index)?;
        let told = |half| record.bits(half) != 0;
        Ok(ContainerKeys {
            signature: keys.signature.filter(|_| told(KeyHalf::Signature)),
            key_exchange: keys.key_exchange.filter(|_| told(KeyHalf::KeyExchange)),
        })
    }

    /// Where a container is, its name and its keys, for their use. Where the map is not at hand, and the module
    /// tells names and places without it, the other containers are not looked at.
    pub(super) fn find_keys(
        &mut self,
        name: Option<&str>,
    ) -> Result<(ContainerIndex, String, ContainerKeys), Error> {
        if let Some(name) = name
            && !self.knows_map()?
            && let Some(index) = self.find_by_names(name)?
        {
            let keys = self.container_keys(index)?;
            if keys != ContainerKeys::default()
                && let Some(name) = self.names()?.name(index).map(str::to_owned)
            {
                self.was_found(index);
                return Ok((index, name, keys));
            }
        }
        let (index, record) = self.find(name)?;
        let keys = self.recorded_keys(index, &record)?;
        Ok((index, record.name.as_str().to_owned(), keys))
    }

    /// The index of a name, or of a place's label, where the module tells names; there need be no key.
    fn find_by_names(&mut self, name: &str) -> Result<Option<ContainerIndex>, Error> {
        let names = self.names()?;
        if names.is_empty() {
            return Ok(None);
        }
        match names.find(name) {
            Some(index) => Ok(Some(index)),
            None => Ok(self.places()?.find(name)),
        }
    }

    /// Looks whether there is a container of this name, or with `None` a default container.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoDefaultContainer`], [`Error::BadCardData`].
    pub fn locate(&mut self, name: Option<&str>) -> Result<(), Error> {
        self.plain(Repeat::Safe, |session| session.find(name).map(drop))
    }

    /// Where a container is, and its record.
    pub(super) fn find(&mut self, name: Option<&str>) -> Result<(ContainerIndex, ContainerRecord), Error> {
        let card = self.reader.clone();
        let map = self.map()?;
        let (index, missing) = match name {
            Some(name) => (map.find(name), Error::NoSuchContainer { name: name.to_owned(), card }),
            None => (map.default_container(), Error::NoDefaultContainer { card }),
        };
        // A name that no container has may be the label of a place.
        let index = match (index, name) {
            (None, Some(label)) => self.places()?.find(label),
            (index, _) => index,
        };
        let index = index.ok_or_else(|| missing.clone())?;
        let record = self.map()?.get(index).cloned().ok_or(missing)?;
        Ok((index, record))
    }

    /// A container whose record is damaged, for a list: without a name, with its keys as far as they can
    /// be read.
    fn nameless(&mut self, index: ContainerIndex, cause: ContainerNameError) -> Result<Container, Error> {
        let keys = self.container_keys(index);
        let described = keys.and_then(|keys| self.described_as(bare(index, String::new(), false), &keys));
        let mut container = match described {
            Err(error @ (Error::BadCardData { .. } | Error::Call { .. })) if error.fault().is_none() => {
                bare(index, String::new(), false)
            }
            described => described?,
        };
        container.problem = Some(format!("its record in the container map is damaged: {cause}"));
        Ok(container)
    }

    /// A container for a list: what cannot be read of it is said, and the others are still listed.
    fn listed(&mut self, index: ContainerIndex, record: &ContainerRecord) -> Result<Container, Error> {
        match self.described(index, record) {
            Err(error @ (Error::BadCardData { .. } | Error::Call { .. })) if error.fault().is_none() => {
                let mut container = bare(index, record.name.as_str().to_owned(), record.default);
                container.problem = Some(error.to_string());
                Ok(container)
            }
            described => described,
        }
    }

    /// A container with its keys and certificates.
    pub(super) fn described(
        &mut self,
        index: ContainerIndex,
        record: &ContainerRecord,
    ) -> Result<Container, Error> {
        let keys = self.recorded_keys(index, record)?;
        self.described_as(bare(index, record.name.as_str().to_owned(), record.default), &keys)
    }

    fn described_as(&mut self, mut container: Container, keys: &ContainerKeys) -> Result<Container, Error> {
        let index = container.index;
        container.place = self.places()?.label(index).map(str::to_owned);
        container.pin = self.container_owner(index)?;
        for half in HALVES {
            let key = match half {
                KeyHalf::Signature => &keys.signature,
                KeyHalf::KeyExchange => &keys.key_exchange,
            };
            let Some(public) = key else { continue };
            let certificate = match self.certificate(half, index) {
                Err(Error::BadCardData { what, .. }) => {
                    container.problem = Some(what);
                    None
                }
                certificate => certificate?,
            };
            container.keys.push(key_of(half, public, certificate));
        }
        container.cached = self.is_remembered(index);
        Ok(container)
    }

    /// A certificate from its file, as DER; `None` where there is none.
    pub(super) fn certificate(
        &mut self,
        half: KeyHalf,
        index: ContainerIndex,
    ) -> Result<Option<Vec<u8>>, Error> {
        let path = FilePath::certificate(half, index);
        match self.file(&path, "read a certificate")? {
            Some(file) if file.is_empty() => Ok(None),
            Some(file) => certificate::expand(&file).map(Some).map_err(|error| {
                self.damaged(format!("the certificate in file {path} cannot be read: {error}"))
            }),
            None => Ok(None),
        }
    }

    /// Changes the container map on the card; what is remembered follows only what was written.
    pub(super) fn write_map(
        &mut self,
        change: impl FnOnce(&mut ContainerMap) -> Result<(), cardmod_types::ContainerMapError>,
    ) -> Result<(), Error> {
        let mut map = self.map()?.clone();
        change(&mut map).map_err(|error| self.damaged(format!("its container map: {error}")))?;
        // Of such a card the module says what the map is, whatever is written.
        let derived = self.has_places()?;
        self.remember_map(None);
        let path = FilePath::cmapfile();
        self.write_or_create(&path, &map.to_bytes())?;
        self.remember_map(Some(map).filter(|_| !derived));
        Ok(())
    }

    /// Writes a file of the host's own, making it where it is missing.
    pub(super) fn write_or_create(&mut self, path: &FilePath, content: &[u8]) -> Result<(), Error> {
        let text = path.to_string();
        let written = match self.module.write_file(path, content) {
            Err(error) if error.is(cardmod_sys::SCARD_E_FILE_NOT_FOUND) => {
                let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
                let access = cardmod_types::FileAccess::EveryoneReadUserWrite;
                let created = self.module.create_file(path, size, access);
                created.map_err(|error| Error::of_file(&self.reader, &text, "create a file", error))?;
                self.module.write_file(path, content)
            }
            written => written,
        };
        written.map_err(|error| Error::of_file(&self.reader, &text, "write a file", error))
    }
}

/// The file is not there, nor perhaps its directory.
pub(super) fn is_missing(error: &crate::module::CallError) -> bool {
    error.is(cardmod_sys::SCARD_E_FILE_NOT_FOUND) || error.is(cardmod_sys::SCARD_E_DIR_NOT_FOUND)
}

/// What of a readable record contradicts another: the first of both counts.
fn ambiguity(map: &ContainerMap, index: ContainerIndex, record: &ContainerRecord) -> Option<String> {
    let name = record.name.as_str();
    match (map.find(name), map.default_container()) {
        (Some(first), _) if first != index => {
            Some(format!("container {} has the same name, and hides this one", first.get()))
        }
        (_, Some(first)) if record.default && first != index => {
            Some(format!("container {} is marked as the default too, and counts", first.get()))
        }
        _ => None,
    }
}

fn bare(index: ContainerIndex, name: String, default: bool) -> Container {
    let (pin, keys) = (PinId::USER, Vec::new());
    Container { index, name, default, place: None, pin, keys, cached: false, problem: None }
}

fn key_of(half: KeyHalf, public: &PublicKey, certificate: Option<Vec<u8>>) -> ContainerKey {
    ContainerKey { half, spec: public.spec(half), public: public.clone(), certificate }
}
