//! Cards whose keys have places of their own, such as the slots of PIV: a container is found by the label of
//! its place too, and made in a place of one's choice.
//!
//! On such a card the module says what the container map is: it is made of the keys that are there, and the
//! names that are written are kept as far as the card has room for them. The name is written before the key, so
//! that whatever is broken off can be found by the name it was to have, and the same request once more finishes
//! it. Then the map is read; where the card does not keep names, or not before there is a key, the name is
//! written once more, and where that is of no use either the container has the name that the module gives it.

use cardmod_sys::{ERROR_FILE_EXISTS, SCARD_E_NO_ACCESS, SCARD_E_NO_MEMORY, SCARD_E_WRITE_TOO_MANY};
use cardmod_types::{
    ContainerIndex, ContainerMap, ContainerName, ContainerRecord, EcCurve, KeyHalf, RecordState,
};

use super::cache::Counter;
use super::containers::HALVES;
use super::create::describe_spec;
use super::request::{KeyAlgorithm, KeySource, NewContainer};
use super::session::CardSession;
use crate::error::Error;
use crate::module::{CallError, KeyMaterial};

/// Where a new key may go.
pub(super) struct Sites {
    /// The indexes to try, one after the other.
    indexes: Vec<ContainerIndex>,
    /// The place's label, where one is wanted and no other.
    label: Option<String>,
}

/// What a key in a place of this label is usually for, where the caller does not say: by SP 800-73, keys in 9c
/// and 9e sign, keys in 9d and the places of retired keys (82 to 95) are for key exchange; everywhere else an
/// RSA key is for key exchange, with which it signs too, and an elliptic key signs.
#[must_use]
pub fn usual_half(place: Option<&str>, algorithm: KeyAlgorithm) -> KeyHalf {
    let by_algorithm = match algorithm {
        KeyAlgorithm::Rsa(_) => KeyHalf::KeyExchange,
        KeyAlgorithm::Ec(EcCurve::P256 | EcCurve::P384 | EcCurve::P521) => KeyHalf::Signature,
    };
    let Some(place) = place.map(str::to_ascii_lowercase) else { return by_algorithm };
    match u8::from_str_radix(&place, 16) {
        Ok(0x9C | 0x9E) if place.len() == 2 => KeyHalf::Signature,
        Ok(0x9D | 0x82..=0x95) if place.len() == 2 => KeyHalf::KeyExchange,
        _ => by_algorithm,
    }
}

/// What is written like a key reference of SP 800-73 (part 1, section 5.1: 80 to 9E and others above) is meant
/// as one: a slip of the pen is no name.
fn is_key_reference(name: &str) -> bool {
    name.len() == 2 && u8::from_str_radix(name, 16).is_ok_and(|number| number >= 0x80)
}

impl CardSession {
    /// The places of the card with the containers they stand for, by index; none on a card whose containers
    /// have none.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Call`].
    pub fn place_labels(&mut self) -> Result<Vec<(ContainerIndex, String)>, Error> {
        self.plain(super::operation::Repeat::Safe, |session| {
            Ok(session.places()?.iter().map(|(index, label)| (index, label.to_owned())).collect())
        })
    }

    /// The card's keys have places of their own.
    pub(super) fn has_places(&mut self) -> Result<bool, Error> {
        Ok(!self.places()?.is_empty())
    }

    /// Where a new container goes: in the place that is named, or whose label its name is, or in the one that
    /// waits for a key under this name, or in the first vacant one. `None` where the card has no places.
    pub(super) fn sites(&mut self, new: &NewContainer, place: Option<&str>) -> Result<Option<Sites>, Error> {
        let places = self.places()?.clone();
        if places.is_empty() {
            return match place {
                None => Ok(None),
                Some(_) => Err(Error::NotSupported {
                    what: "put a key into a place: its containers have none".to_owned(),
                    card: self.reader.clone(),
                }),
            };
        }
        let map = self.map()?.clone();
        let by_name = places.find(&new.name);
        if by_name.is_some() && place.is_some_and(|place| places.find(place) != by_name) {
            let reason = "it is the label of another place of the card".to_owned();
            return Err(Error::BadContainerName { name: new.name.clone(), reason });
        }
        let meant = is_key_reference(&new.name).then_some(new.name.as_str());
        let named = place.or_else(|| by_name.map(|_| new.name.as_str()).or(meant));
        let Some(label) = named else {
            let waiting = map.find(&new.name);
            let free = places.iter().map(|(index, _)| index).filter(|index| Some(*index) != waiting);
            let sites = waiting.into_iter().chain(free).filter(|index| is_free(&map, *index));
            return Ok(Some(Sites { indexes: sites.collect(), label: None }));
        };
        let Some(index) = places.find(label) else {
            let known: Vec<_> = places.iter().map(|(_, label)| label).collect();
            let what = format!("the card has no place {label:?}; it has {}", known.join(", "));
            return Err(Error::BadInput { what });
        };
        if let Some(record) = map.get(index).filter(|_| !is_free(&map, index)) {
            let name = record.name.as_str().to_owned();
            return Err(Error::PlaceTaken { place: label.to_owned(), name, card: self.reader.clone() });
        }
        Ok(Some(Sites { indexes: vec![index], label: Some(label.to_owned()) }))
    }

    /// Gives the first of the sites that takes the key the name, and makes the key there. Answers the
    /// container.
    pub(super) fn make_in_place(
        &mut self,
        new: &NewContainer,
        name: &ContainerName,
        sites: &Sites,
    ) -> Result<ContainerIndex, Error> {
        let before = self.map()?.clone();
        self.count(&[Counter::Containers])?;
        let offered = self.make_at_first(new, name, sites)?;
        self.remember_map(None);
        let after = self.map()?.clone();
        let appeared = |index: &ContainerIndex| !is_free(&after, *index) && is_free(&before, *index);
        let index = Some(offered).filter(appeared).or_else(|| {
            let indexes = (0..=u8::MAX).take(after.len()).map(ContainerIndex::new);
            indexes.into_iter().find(appeared)
        });
        let index = index.ok_or_else(|| {
            self.damaged(format!("it made a key as container {}, and does not list it", offered.get()))
        })?;
        self.name_in_place(index, name, new.default)?;
        Ok(index)
    }

    fn make_at_first(
        &mut self,
        new: &NewContainer,
        name: &ContainerName,
        sites: &Sites,
    ) -> Result<ContainerIndex, Error> {
        let before = self.map()?.clone();
        let mut occupied = false;
        for index in &sites.indexes {
            let announced = match self.announce_in_place(*index, name, new.default) {
                // Something is there that the map does not tell of.
                Err(Error::Call { source, .. }) if is_occupied(&source) => {
                    occupied = true;
                    continue;
                }
                announced => announced?,
            };
            let made = self.make_at(*index, new, sites.label.as_deref());
            if made.is_err() && announced {
                self.take_back(before.clone());
            }
            match made {
                Ok(()) => return Ok(*index),
                // The same, or the key does not suit.
                Err(error) if is_occupied(&error) => occupied = true,
                Err(error) if is_full(&error) && sites.label.is_none() => break,
                Err(error) => return Err(self.failed_creation(new, error)),
            }
        }
        let card = self.reader.clone();
        Err(match (occupied, &sites.label) {
            (true, Some(label)) => Error::PlaceTaken { place: label.clone(), name: String::new(), card },
            _ => {
                let algorithm = new.key.algorithm();
                let kind = describe_spec(algorithm.spec(new.half), &algorithm.to_string());
                Error::CardFull { card, what: format!("it has no place, or no room, left for {kind}") }
            }
        })
    }

    /// Writes the record of a key to come, as far as the card keeps records without keys: not its loss, but its
    /// failure is told. Whether anything was written.
    fn announce_in_place(
        &mut self,
        index: ContainerIndex,
        name: &ContainerName,
        default: bool,
    ) -> Result<bool, Error> {
        let map = self.map()?.clone();
        // What was broken off and is to be made in another place now.
        let elsewhere = map.find(name.as_str()).filter(|at| *at != index);
        let known = map.get(index);
        let mut record = ContainerRecord::new(name.clone());
        record.default = default || known.is_some_and(|known| known.default);
        if elsewhere.is_none()
            && known.is_some_and(|known| known.name == *name && known.default == record.default)
        {
            return Ok(false);
        }
        self.count(&[Counter::Files])?;
        let written = self.write_map(|map| {
            if let Some(elsewhere) = elsewhere {
                map.set(elsewhere, None)?;
            }
            map.set(index, Some(record))
        });
        match written {
            Err(error) if is_not_kept(&error) => {
                tracing::debug!(%error, reader = self.reader, "the card keeps no name of a key to come");
                self.remember_map(None);
                Ok(false)
            }
            written => written.map(|()| true),
        }
    }

    fn make_at(
        &mut self,
        index: ContainerIndex,
        new: &NewContainer,
        label: Option<&str>,
    ) -> Result<(), CallError> {
        if label.is_some() {
            self.module.set_place(label)?;
        }
        let algorithm = new.key.algorithm();
        let material = match &new.key {
            KeySource::Generate(_) => KeyMaterial::Generate(algorithm.bits()),
            KeySource::Import(key) => KeyMaterial::Import(key),
        };
        let owner = cardmod_types::PinId::USER;
        self.module.create_key(index, algorithm.spec(new.half), material, owner)
    }

    /// Gives a container its name, and makes it the default one if it is to be. Where the card does not keep
    /// names, the module's stays.
    fn name_in_place(
        &mut self,
        index: ContainerIndex,
        name: &ContainerName,
        default: bool,
    ) -> Result<(), Error> {
        let map = self.map()?.clone();
        let Some(record) = map.get(index) else { return Ok(()) };
        let default = default || map.default_container().is_none();
        if record.name == *name && (!default || record.default) {
            return Ok(());
        }
        let mut wanted = record.clone();
        wanted.name = name.clone();
        self.count(&[Counter::Files])?;
        let written = self.write_map(|map| {
            map.set(index, Some(wanted))?;
            if default { map.set_default(index) } else { Ok(()) }
        });
        match written {
            Err(error) if is_not_kept(&error) => {
                tracing::warn!(%error, reader = self.reader, "the card does not keep the container's name");
                self.remember_map(None);
                Ok(())
            }
            written => written,
        }
    }
}

/// No key is known to be at this index. A record without one is what a creation that was broken off left: its
/// place is taken again.
fn is_free(map: &ContainerMap, index: ContainerIndex) -> bool {
    match map.state(index) {
        RecordState::Vacant | RecordState::Absent => true,
        RecordState::Valid(record) => HALVES.into_iter().all(|half| record.bits(half) == 0),
        RecordState::Damaged { .. } => false,
    }
}

/// The module refuses the place, not the key.
fn is_occupied(error: &CallError) -> bool {
    error.is(SCARD_E_NO_ACCESS) || error.is(ERROR_FILE_EXISTS)
}

/// The module has tried other places for the key, and has none left or no room.
fn is_full(error: &CallError) -> bool {
    error.is(SCARD_E_NO_MEMORY) || error.is(SCARD_E_WRITE_TOO_MANY)
}

/// The module keeps no such map.
pub(super) fn is_not_kept(error: &Error) -> bool {
    matches!(error, Error::CardFull { .. } | Error::NotSupported { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_is_for_follows_its_place() {
        let (rsa, ec) = (KeyAlgorithm::Rsa(2048), KeyAlgorithm::Ec(EcCurve::P256));
        use KeyHalf::{KeyExchange, Signature};
        for (place, expected) in [
            (None, (KeyExchange, Signature)),
            (Some("9a"), (KeyExchange, Signature)),
            (Some("9C"), (Signature, Signature)),
            (Some("9d"), (KeyExchange, KeyExchange)),
            (Some("9e"), (Signature, Signature)),
            (Some("82"), (KeyExchange, KeyExchange)),
            (Some("95"), (KeyExchange, KeyExchange)),
            (Some("web"), (KeyExchange, Signature)),
            (Some("009d"), (KeyExchange, Signature)),
        ] {
            assert_eq!((usual_half(place, rsa), usual_half(place, ec)), expected, "{place:?}");
        }
    }
}
