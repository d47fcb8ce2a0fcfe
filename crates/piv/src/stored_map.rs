//! Where the container map is kept on this card: in Yubico's object where that is, or may be, else in an
//! object of this project.

use cardmod_iso7816::StatusWord;

use crate::{KeyReference, ObjectTag, PivCard, PivError, SlotMap};

/// Where a container map may lie, in the order in which they are looked for.
const PLACES: [ObjectTag; 2] = [ObjectTag::YUBICO_CONTAINER_MAP, ObjectTag::CARDMOD_CONTAINER_MAP];

/// A container map and the object it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMap {
    /// The object.
    pub place: ObjectTag,
    /// What is in it.
    pub map: SlotMap,
}

impl PivCard<'_> {
    /// The container map stored on the card; `None` where there is none.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object); [`PivError::Malformed`].
    pub fn container_map(&mut self) -> Result<Option<StoredMap>, PivError> {
        for place in PLACES {
            if let Some(value) = self.map_object(place)? {
                return Ok(Some(StoredMap { place, map: SlotMap::parse(&value)? }));
            }
        }
        Ok(None)
    }

    /// Stores the container map: where there is one already; else in Yubico's object on a card of that
    /// family, told by its answer to GET METADATA, else in this project's object, else in the other one.
    /// The administrator must be authenticated.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] on a card that refuses both objects; as [`put_object`](Self::put_object).
    pub fn write_container_map(&mut self, map: &SlotMap) -> Result<ObjectTag, PivError> {
        let value = map.encode();
        for place in PLACES {
            if self.map_object(place)?.is_some() {
                return self.put_object(place, &value).map(|()| place);
            }
        }
        let [vendors, own] = PLACES;
        let order = if self.is_vendors_family()? { [vendors, own] } else { [own, vendors] };
        for place in order {
            match self.put_object(place, &value) {
                Err(PivError::Status { status, .. }) if is_unknown_object(status) => {}
                outcome => return outcome.map(|()| place),
            }
        }
        Err(PivError::Unsupported("a stored container map"))
    }

    /// An object that is there and not emptied. A card that refuses to read an object it does not know has
    /// none.
    fn map_object(&mut self, place: ObjectTag) -> Result<Option<Vec<u8>>, PivError> {
        match self.object(place) {
            Ok(value) => Ok(value.filter(|value| !value.is_empty())),
            Err(PivError::Status { status, .. }) if is_unknown_object(status) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_vendors_family(&mut self) -> Result<bool, PivError> {
        if !self.state.answers_metadata() {
            match self.metadata(KeyReference::PIN) {
                Ok(_) | Err(PivError::Unsupported(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.state.answers_metadata())
    }
}

/// Refusals of an object the card does not know, as opposed to a missing right or missing room.
const fn is_unknown_object(status: StatusWord) -> bool {
    matches!(
        status,
        StatusWord::FILE_NOT_FOUND
            | StatusWord::WRONG_DATA
            | StatusWord::FUNCTION_NOT_SUPPORTED
            | StatusWord::INCORRECT_P1_P2
            | StatusWord::REFERENCED_DATA_NOT_FOUND
    )
}
