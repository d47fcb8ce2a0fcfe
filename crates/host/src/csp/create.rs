//! New containers: the record, the counters and the key, in the order that leaves no doubt when
//! something is interrupted.
//!
//! The order of writes is the one seen of Windows: a counter moves before what it covers, the record
//! is there before the key, and the key's length is written when the key is there.

use cardmod_types::{
    ContainerIndex, ContainerKeys, ContainerMap, ContainerName, ContainerRecord, KeyHalf, KeySpec, PinId,
    RecordState,
};

use super::cache::Counter;
use super::containers::HALVES;
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::places::Sites;
use super::request::{Container, KeyAlgorithm, KeySource, NewContainer};
use super::session::CardSession;
use crate::error::Error;
use crate::module::{CallError, KeyMaterial};

impl CardSession {
    /// Makes a container with a key, generated on the card or imported. Where a container of this
    /// name exists and has no key in the wanted half, the key is added to it.
    ///
    /// # Errors
    /// Before anything is written: [`Error::BadContainerName`], [`Error::ContainerExists`],
    /// [`Error::ReadOnlyCard`], [`Error::UnsupportedAlgorithm`], [`Error::UnsupportedKeySize`],
    /// [`Error::CardFull`]. Then those of the PIN and of the card; the record is taken back.
    pub fn create_container(
        &mut self,
        new: &NewContainer,
        pins: &mut dyn PinSource,
    ) -> Result<Container, Error> {
        self.create(new, None, pins)
    }

    /// The same in a place of the card that is named by its label, such as `9a`: see
    /// [`place_labels`](Self::place_labels). A name that is itself a label needs no place beside it: without
    /// this function too, a container of that name is made in that place.
    ///
    /// On a card with places the container's name is the module's where the card does not keep names.
    ///
    /// # Errors
    /// Also [`Error::PlaceTaken`]; [`Error::BadInput`] for a label the card has not, [`Error::NotSupported`]
    /// for a card without places.
    pub fn create_container_in(
        &mut self,
        place: &str,
        new: &NewContainer,
        pins: &mut dyn PinSource,
    ) -> Result<Container, Error> {
        self.create(new, Some(place), pins)
    }

    fn create(
        &mut self,
        new: &NewContainer,
        place: Option<&str>,
        pins: &mut dyn PinSource,
    ) -> Result<Container, Error> {
        let name = ContainerName::parse(&new.name)
            .map_err(|error| Error::BadContainerName { name: new.name.clone(), reason: error.to_string() })?;
        let need = |session: &mut Self| {
            session.plan(new, place)?;
            Ok(Need { role: Some(PinId::USER), container: Some(new.name.clone()) })
        };
        self.change(Repeat::Never, Some(pins), need, |session| {
            let index = match session.plan(new, place)? {
                Plan::Anywhere(site) => {
                    session.make(new, &name, site)?;
                    session.find(Some(&new.name))?.0
                }
                Plan::InPlace(sites) => session.make_in_place(new, &name, &sites)?,
            };
            let record = session.map()?.get(index).cloned();
            let record =
                record.ok_or_else(|| session.damaged("its container map lost a record".to_owned()))?;
            session.described(index, &record)
        })
    }

    /// Where the key goes, after every reason not to make it was looked for.
    fn plan(&mut self, new: &NewContainer, place: Option<&str>) -> Result<Plan, Error> {
        self.writable()?;
        let card = self.reader.clone();
        let map = self.map()?;
        let (index, existing) = match map.find(&new.name) {
            Some(index) => (Some(index), map.get(index).cloned()),
            None => (None, None),
        };
        let first = map.default_container().is_none();
        let has_key = |record: &ContainerRecord| record.bits(new.half) != 0;
        if existing.as_ref().is_some_and(has_key) {
            return Err(Error::ContainerExists { name: new.name.clone(), card });
        }
        self.check_kind(new.key.algorithm(), new.half, matches!(new.key, KeySource::Import(_)))?;
        // A place has one key, and who has the name has the place; without key, it waits for one.
        let has_any_key = |record: &ContainerRecord| HALVES.into_iter().any(|half| record.bits(half) != 0);
        if existing.as_ref().is_some_and(has_any_key) && self.has_places()? {
            return Err(Error::ContainerExists { name: new.name.clone(), card });
        }
        if let Some(sites) = self.sites(new, place)? {
            return Ok(Plan::InPlace(sites));
        }
        let index = match index {
            Some(index) => index,
            None => {
                self.check_room()?;
                self.unused_index()?
            }
        };
        Ok(Plan::Anywhere(Site { index, existing, default: new.default || first }))
    }

    /// The lowest vacant place of the map. A place at which the card has a key all the same, since the map
    /// was lost or emptied, is passed over: making a key there would destroy that one.
    fn unused_index(&mut self) -> Result<ContainerIndex, Error> {
        let map = self.map()?.clone();
        if map.iter().next().is_none() && map.damaged().next().is_some() {
            let what =
                "file mscp/cmapfile is no container map, or none of its records can be read".to_owned();
            return Err(self.damaged(what));
        }
        let vacant =
            |index: &ContainerIndex| matches!(map.state(*index), RecordState::Vacant | RecordState::Absent);
        for index in (0..=u8::MAX).map(ContainerIndex::new).filter(vacant) {
            let keys = self.container_keys(index)?;
            if keys.signature.is_none() && keys.key_exchange.is_none() {
                return Ok(index);
            }
        }
        let what = "its container map has no place left".to_owned();
        Err(Error::CardFull { card: self.reader.clone(), what })
    }

    /// The card takes a new container with a key of this kind, `imported` or generated. Needs no PIN, and
    /// writes nothing.
    ///
    /// # Errors
    /// Why it does not: [`Error::ReadOnlyCard`], [`Error::UnsupportedAlgorithm`],
    /// [`Error::UnsupportedKeySize`], [`Error::NotSupported`], [`Error::CardFull`], [`Error::Forbidden`].
    pub fn takes(&mut self, algorithm: KeyAlgorithm, half: KeyHalf, imported: bool) -> Result<(), Error> {
        self.plain(Repeat::Safe, |session| {
            session.writable()?;
            session.check_kind(algorithm, half, imported)?;
            session.check_room()
        })
    }

    /// The host's policy allows the key, and the card has keys of this kind and size.
    fn check_kind(&mut self, algorithm: KeyAlgorithm, half: KeyHalf, imported: bool) -> Result<(), Error> {
        let (card, spec) = (self.reader.clone(), algorithm.spec(half));
        if imported && !self.options.policy.imports(algorithm, half) {
            let what =
                format!("import {}; generate one instead", describe_spec(spec, &algorithm.to_string()));
            return Err(Error::Forbidden { what });
        }
        let sizes = self.key_sizes(spec)?;
        let Some(sizes) = sizes else {
            return Err(Error::UnsupportedAlgorithm {
                algorithm: describe_spec(spec, &algorithm.to_string()),
                card,
            });
        };
        if !sizes.contains(algorithm.bits()) {
            let supported = match sizes.minimum == sizes.maximum {
                true => format!("{} bits only", sizes.minimum),
                false => {
                    format!("{} to {} bits in steps of {}", sizes.minimum, sizes.maximum, sizes.increment)
                }
            };
            return Err(Error::UnsupportedKeySize { bits: algorithm.bits(), supported, card });
        }
        if !imported && !self.capabilities()?.key_generation {
            return Err(Error::NotSupported { what: "generate keys; import one instead".to_owned(), card });
        }
        Ok(())
    }

    /// The card says it has no room for another container.
    fn check_room(&mut self) -> Result<(), Error> {
        let space = self.module.free_space().map_err(|error| self.failed("tell its free space", error))?;
        if space.containers == Some(0) {
            let what = match space.max_containers {
                Some(most) => format!("all its {most} containers are taken"),
                None => "it has no container left".to_owned(),
            };
            return Err(Error::CardFull { card: self.reader.clone(), what });
        }
        Ok(())
    }

    /// Writes the record, makes the key, writes the key's length; a failure takes the record back.
    fn make(&mut self, new: &NewContainer, name: &ContainerName, site: Site) -> Result<(), Error> {
        let Site { index, existing, default } = site;
        let before = self.map()?.clone();
        let announced = existing.is_none();
        let mut record = existing.unwrap_or_else(|| ContainerRecord::new(name.clone()));
        let empty = HALVES.into_iter().all(|half| record.bits(half) == 0);
        let made = self
            .announce_record(index, &mut record, announced, default)
            .and_then(|()| self.make_key(index, new, empty));
        if let Err(error) = made {
            // A key without a record would keep its place for ever; with it, the next creation replaces it.
            if !empty || self.delete_keys(index).is_ok() {
                self.take_back(before);
            }
            return Err(error);
        }
        let bits = u16::try_from(new.key.algorithm().bits()).unwrap_or(u16::MAX);
        record.set_bits(new.half, bits);
        self.write_record(index, &record)
    }

    /// Writes the record that says that a key is to come.
    fn announce_record(
        &mut self,
        index: ContainerIndex,
        record: &mut ContainerRecord,
        new: bool,
        default: bool,
    ) -> Result<(), Error> {
        if new {
            self.write_record(index, record)?;
        }
        if default && !record.default {
            record.default = true;
            self.write_record(index, record)?;
        }
        Ok(())
    }

    /// Makes the key. In a container whose record tells of none (`empty`), what a broken off creation left
    /// goes first: a card with one key for each container would not take another kind beside it.
    fn make_key(&mut self, index: ContainerIndex, new: &NewContainer, empty: bool) -> Result<(), Error> {
        let algorithm = new.key.algorithm();
        self.count(&[Counter::Containers])?;
        if empty && self.container_keys(index)? != ContainerKeys::default() {
            self.delete_keys(index)?;
        }
        let material = match &new.key {
            KeySource::Generate(_) => KeyMaterial::Generate(algorithm.bits()),
            KeySource::Import(key) => KeyMaterial::Import(key),
        };
        let made = self.module.create_key(index, algorithm.spec(new.half), material, PinId::USER);
        made.map_err(|error| self.failed_creation(new, error))
    }

    pub(super) fn failed_creation(&self, new: &NewContainer, error: CallError) -> Error {
        match &new.key {
            KeySource::Generate(_) => self.failed("generate a key", error),
            KeySource::Import(_) => self.failed("import a key", error),
        }
    }

    fn write_record(&mut self, index: ContainerIndex, record: &ContainerRecord) -> Result<(), Error> {
        self.count(&[Counter::Files])?;
        self.write_map(|map: &mut ContainerMap| map.set(index, Some(record.clone())))
    }

    /// After a failure: the map as it was, with the default container it had, as far as the card lets
    /// it. The first failure is the one that is reported.
    pub(super) fn take_back(&mut self, before: ContainerMap) {
        let restored = self.count(&[Counter::Files]).and_then(|()| {
            self.remember_map(Some(before));
            self.write_map(|_| Ok(()))
        });
        if let Err(error) = restored {
            tracing::warn!(%error, "the record of a container that was not made stays on the card");
        }
    }
}

/// Where a key goes.
enum Plan {
    Anywhere(Site),
    InPlace(Sites),
}

/// A place in the container map.
struct Site {
    index: ContainerIndex,
    existing: Option<ContainerRecord>,
    default: bool,
}

/// An algorithm for a message, with its use where the curve alone does not say it.
pub(super) fn describe_spec(spec: KeySpec, algorithm: &str) -> String {
    match (spec.is_rsa(), spec.half()) {
        (true, KeyHalf::Signature) => format!("{algorithm} keys for signatures"),
        (true, KeyHalf::KeyExchange) => format!("{algorithm} keys"),
        (false, KeyHalf::Signature) => format!("{algorithm} keys for signatures (ECDSA)"),
        (false, KeyHalf::KeyExchange) => format!("{algorithm} keys for key agreement (ECDH)"),
    }
}
