//! The stored container map: read with tolerance, changed as far as the card takes it.

use cardmod_piv::{MapRecord, ObjectTag, PivError, SlotMap, own_name};
use cardmod_sdk::{CardContext, Result, Status};
use cardmod_types::{
    CardId, ContainerIndex, ContainerMap, ContainerName, ContainerRecord, KeySpec, RecordState,
};

use super::places::{self, COUNT, Places};
use super::view::View;
use super::{PivModule, answer};

/// What became of a map that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is on the card.
    Yes,
    /// The card has no place for it.
    NoPlace,
}

impl PivModule {
    /// The stored map. One that is no map names nothing, and is not written over.
    pub(super) fn read_map(&mut self, cx: &mut CardContext<'_>) -> Result<SlotMap> {
        match self.card(cx).container_map() {
            Ok(stored) => {
                self.map_is_foreign = false;
                self.map_is_vendors =
                    stored.as_ref().is_some_and(|stored| stored.place == ObjectTag::YUBICO_CONTAINER_MAP);
                Ok(stored.map(|stored| stored.map).unwrap_or_default())
            }
            Err(error @ (PivError::Malformed(_) | PivError::Status { .. }))
                if !matches!(error, PivError::Status { command: cardmod_piv::PivCommand::Select, .. }) =>
            {
                tracing::warn!(%error, "the stored container map cannot be read");
                self.map_is_foreign = true;
                self.map_is_vendors = false;
                Ok(SlotMap::new())
            }
            Err(error) => Err(answer::reading(error)),
        }
    }

    /// Stores a map. The administrator must be authenticated.
    pub(super) fn store_map(&mut self, cx: &mut CardContext<'_>, map: &SlotMap) -> Result<Kept> {
        if self.map_is_foreign {
            return Ok(Kept::NoPlace);
        }
        self.forget_kept(cx, None);
        match self.card(cx).write_container_map(map) {
            Ok(place) => {
                self.map_is_vendors = place == ObjectTag::YUBICO_CONTAINER_MAP;
                self.seen.learn_map(map, self.map_is_vendors);
                Ok(Kept::Yes)
            }
            Err(PivError::Unsupported(_)) => {
                tracing::warn!(
                    "the card stores no container names: every container is called by its slot's name"
                );
                Ok(Kept::NoPlace)
            }
            Err(error) => {
                self.seen.forget();
                Err(answer::writing(error))
            }
        }
    }

    /// Carries out what a host writes into cmapfile: names, the default container, records for keys to come.
    /// Sizes are the card's own and not taken from there.
    pub(super) fn write_names(&mut self, cx: &mut CardContext<'_>, file: &ContainerMap) -> Result<()> {
        let id = self.identity(cx)?;
        let view = self.view(cx)?;
        let change = Change::of(&view, id, file)?;
        if change.map == view.map {
            return Ok(());
        }
        self.require_user(cx)?;
        for index in &change.renamed {
            self.require_room(cx, &view, file, *index)?;
        }
        self.authorise(cx)?;
        match self.store_map(cx, &change.map)? {
            Kept::Yes => Ok(()),
            // A container is made all the same: it has the name of its slot. Other names would be lost.
            Kept::NoPlace if change.renamed.iter().all(|index| self.is_new(&view, file, *index)) => Ok(()),
            Kept::NoPlace => Err(Status::WriteTooMany),
        }
    }

    /// A record for a key to come takes no slot in which a key lies that no map tells of: with the record it would
    /// be the container's own, and the new key would take its place.
    fn require_room(
        &mut self,
        cx: &mut CardContext<'_>,
        view: &View,
        file: &ContainerMap,
        index: ContainerIndex,
    ) -> Result<()> {
        let is_announced = file.get(index).is_some_and(is_keyless) && view.visible(index).is_none();
        let Some(slot) = view.places.slot(index).filter(|_| is_announced) else { return Ok(()) };
        if self.is_free(cx, view, index, slot)? {
            return Ok(());
        }
        tracing::error!(%slot, "the slot is in use");
        Err(Status::NoAccess)
    }

    /// Whether the index has no key, in the host's eyes either, or one that was made in this context: its name is
    /// not the card's yet.
    fn is_new(&self, view: &View, file: &ContainerMap, index: ContainerIndex) -> bool {
        let announced = view.visible(index).is_none() && file.get(index).is_some_and(is_keyless);
        announced || self.made.contains(&index)
    }
}

/// Whether a host's record is that of a key to come.
fn is_keyless(record: &ContainerRecord) -> bool {
    record.signature_bits == 0 && record.key_exchange_bits == 0
}

/// What a new cmapfile changes of the stored map.
struct Change {
    map: SlotMap,
    /// The indexes whose record is not what it was.
    renamed: Vec<ContainerIndex>,
}

impl Change {
    fn of(view: &View, id: CardId, file: &ContainerMap) -> Result<Self> {
        let was = view.container_map(id).map_err(|_| Status::Unexpected)?;
        let mut change = Self { map: view.map.clone(), renamed: Vec::new() };
        for index in (0..=u8::MAX).map(ContainerIndex::new) {
            match (file.state(index), was.get(index)) {
                (RecordState::Damaged { .. }, _) => return Err(Status::InvalidParameter),
                (RecordState::Valid(_), _) if index.get() >= COUNT => return Err(Status::WriteTooMany),
                (RecordState::Valid(record), known)
                    if known.map(|known| &known.name) != Some(&record.name) =>
                {
                    change.name(view, index, &record.name)?;
                }
                (RecordState::Vacant | RecordState::Absent, Some(_)) => change.remove(view, id, index)?,
                _ => {}
            }
        }
        if file.default_container() != was.default_container() {
            change.set_default(view, id, file.default_container())?;
        }
        Ok(change)
    }

    fn name(&mut self, view: &View, index: ContainerIndex, name: &ContainerName) -> Result<()> {
        let record = renamed(view, &self.map, index, name)?;
        self.map.set(index, record).map_err(answer::writing)?;
        self.renamed.push(index);
        Ok(())
    }

    /// A record without a key goes. One with a key says that there is one: it goes with the key.
    fn remove(&mut self, view: &View, id: CardId, index: ContainerIndex) -> Result<()> {
        if view.visible(index).is_some() {
            tracing::warn!(%index, "the record of a container goes with its key");
            return Err(Status::UnsupportedFeature);
        }
        clear(&mut self.map, view, id, index)
    }

    fn set_default(&mut self, view: &View, id: CardId, index: Option<ContainerIndex>) -> Result<()> {
        if let Some(index) = index
            && self.map.get(index).is_none()
        {
            let slot = view.places.slot(index).ok_or(Status::WriteTooMany)?;
            let record = renamed(view, &self.map, index, &own_name(id, slot))?;
            self.map.set(index, record).map_err(answer::writing)?;
        }
        self.map.set_default(index);
        Ok(())
    }
}

/// The record of an index under a new name: the one the map has, or one for the key that is there, or one
/// that says that a key is to come.
fn renamed(view: &View, map: &SlotMap, index: ContainerIndex, name: &ContainerName) -> Result<MapRecord> {
    let slot = view.places.slot(index).ok_or(Status::WriteTooMany)?;
    if let Some(record) = map.get(index).filter(|record| record.slot() == Some(slot)) {
        let mut record = *record;
        record.set_name(name);
        return Ok(record);
    }
    Ok(match view.visible(index) {
        Some(visible) => {
            let bits = u16::try_from(visible.public.bits()).unwrap_or(u16::MAX);
            MapRecord::new(name, slot, visible.spec, bits)
        }
        None => MapRecord::new(name, slot, places::half(slot, true).rsa_spec(), 0),
    })
}

/// Removes the record of an index, such that no other container moves to another index.
pub(super) fn clear(map: &mut SlotMap, view: &View, id: CardId, index: ContainerIndex) -> Result<()> {
    map.clear(index);
    hold_in_place(map, view, id, Some(index))
}

/// Gives records to the visible containers that a changed map would move: they stay at their indexes. In a map
/// that contradicts itself, a record that goes may give another one a say, and that one moves the next container.
pub(super) fn hold_in_place(
    map: &mut SlotMap,
    view: &View,
    id: CardId,
    except: Option<ContainerIndex>,
) -> Result<()> {
    for _ in 0..COUNT {
        let before = map.clone();
        hold_moved(map, view, id, except)?;
        if *map == before {
            break;
        }
    }
    Ok(())
}

fn hold_moved(map: &mut SlotMap, view: &View, id: CardId, except: Option<ContainerIndex>) -> Result<()> {
    let changed = Places::of(map);
    let moved: Vec<_> = view
        .all_visible()
        .filter(|visible| Some(visible.index) != except && changed.slot(visible.index) != Some(visible.slot))
        .collect();
    for visible in moved {
        let name = view.name(id, visible.index, visible.slot);
        let bits = u16::try_from(visible.public.bits()).unwrap_or(u16::MAX);
        let record = MapRecord::new(&name, visible.slot, visible.spec, bits);
        map.set(visible.index, record).map_err(answer::writing)?;
    }
    Ok(())
}

/// The record of a key that was made.
pub(super) fn record_of(
    map: &SlotMap,
    index: ContainerIndex,
    slot: cardmod_piv::Slot,
    spec: KeySpec,
    bits: u16,
    id: CardId,
) -> MapRecord {
    let mut record = match map.get(index) {
        Some(record) if record.name().is_some() => *record,
        _ => MapRecord::new(&own_name(id, slot), slot, spec, bits),
    };
    record.set_key(slot, spec, bits);
    record
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cardmod_piv::{Slot, SlotKey};
    use cardmod_types::{EcCurve, EcPublicKey};
    use proptest::prelude::*;

    use super::super::view::Content;
    use super::*;

    const ID: CardId = CardId([7; 16]);

    fn slot(number: u8) -> Slot {
        Slot::all().nth(usize::from(number)).expect("a place")
    }

    fn view(records: &[(u8, u8)], keys: &[u8]) -> View {
        let mut map = SlotMap::new();
        for (index, place) in records {
            let record = MapRecord::new(&own_name(ID, slot(*place)), slot(*place), KeySpec::EcdsaP256, 256);
            map.set(ContainerIndex::new(*index), record).expect("set");
        }
        let point: Vec<u8> = [4].into_iter().chain(1..=64).collect();
        let key = SlotKey::Ec(EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point"));
        let certificate = Some(vec![0x30, 0]);
        let content = Content { key: Some(key), certificate, occupied: true, ..Content::default() };
        let contents: BTreeMap<_, _> = keys.iter().map(|number| (slot(*number), content.clone())).collect();
        View { places: Places::of(&map), map, contents }
    }

    #[test]
    fn a_contradiction_that_comes_to_light_moves_nothing() {
        let view = view(&[(1, 3), (2, 3), (4, 3)], &[2, 3, 4]);
        let mut map = view.map.clone();
        clear(&mut map, &view, ID, ContainerIndex::new(1)).expect("cleared");
        let after = Places::of(&map);
        for number in [2, 4] {
            assert_eq!(after.slot(ContainerIndex::new(number)), Some(slot(number)));
        }
    }

    proptest! {
        /// Whatever a map says, truly or not, no container moves because a key is made or goes.
        #[test]
        fn no_container_moves(
            records in prop::collection::vec((0u8..8, 0u8..8), 0..6),
            keys in prop::collection::vec(0u8..8, 0..6),
            (index, place) in (0u8..8, 0u8..8),
        ) {
            let view = view(&records, &keys);
            let (index, place) = (ContainerIndex::new(index), slot(place));
            let before: Vec<_> = view.all_visible().collect();
            let mut map = view.map.clone();
            if view.visible(index).is_some() {
                clear(&mut map, &view, ID, index).expect("cleared");
            } else if !view.content(place).occupied && map.by_slot(place).is_none_or(|(at, _)| at == index) {
                let record = record_of(&map, index, place, KeySpec::EcdsaP256, 256, ID);
                map.set(index, record).expect("set");
                hold_in_place(&mut map, &view, ID, Some(index)).expect("held");
                prop_assert_eq!(Places::of(&map).slot(index), Some(place), "the new key is where it was put");
            }
            let after = Places::of(&map);
            for visible in before.iter().filter(|visible| visible.index != index) {
                prop_assert_eq!(after.slot(visible.index), Some(visible.slot), "{:?} {:?}", records, keys);
            }
        }
    }
}
