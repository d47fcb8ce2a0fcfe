//! Keys made, imported and deleted: where a new key goes, and how the next program finds it.
//!
//! The record in the stored map comes first, then the key, then the note of its public half where the card
//! does not tell of keys by itself. What is broken off leaves a name without key; where a key was to be replaced,
//! the old one with its certificate, unless the card went between the new key and the end of that certificate:
//! then it is there still, and shows at the key's first use that it is not the key's.

use cardmod_piv::{ImportKey, KeyAlgorithm, ObjectTag, PivError, Policies, Slot, SlotKey};
use cardmod_sdk::{CardContext, ContainerCreation, KeyRef, NewKey, Result, Status};
use cardmod_types::{CardId, ContainerIndex, KeySpec, PinId};

use super::stored::{self, Kept};
use super::view::View;
use super::{PivModule, answer, pins, places, view};

impl ContainerCreation for PivModule {
    fn create_key(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        new: NewKey<'_>,
        owner: PinId,
    ) -> Result<()> {
        let place = self.place.take();
        if key.container.get() >= places::COUNT {
            return Err(Status::NoKeyContainer);
        }
        let algorithm = algorithm_of(key.spec, &new)?;
        self.require_user(cx)?;
        let id = self.identity(cx)?;
        let view = self.view(cx)?;
        let slot = self.choose(cx, &view, key, place)?;
        if owner != PinId::USER && !(owner == pins::always() && slot.is_pin_always()) {
            return Err(Status::InvalidParameter);
        }
        self.authorise(cx)?;
        self.forget_view(cx, Some(slot));
        let kept = self.announce(cx, &view, id, key, slot, algorithm)?;
        if kept == Kept::NoPlace {
            self.require_own_place(cx, &view, key.container, slot)?;
        }
        let made = self.make(cx, slot, algorithm, &new);
        let noted = made.and_then(|public| {
            if kept == Kept::Yes && view.map.is_given_up(slot, &public) {
                self.reclaim(cx, slot)?;
            }
            self.note(cx, slot, &public, kept)
        });
        self.forget_view(cx, Some(slot));
        if let Err(status) = noted {
            self.take_back(cx, &view, slot, kept);
            return Err(status);
        }
        self.made.insert(key.container);
        Ok(())
    }

    fn delete_container(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()> {
        let id = self.identity(cx)?;
        let view = self.view(cx)?;
        let slot = view.places.slot(index).ok_or(Status::NoKeyContainer)?;
        let visible = view.visible(index).is_some();
        if !visible && !view.awaits_key(index) {
            return Err(Status::NoKeyContainer);
        }
        self.require_user(cx)?;
        self.authorise(cx)?;
        self.forget_view(cx, Some(slot));
        self.made.remove(&index);
        let mut map = view.map.clone();
        if visible
            && !self.delete_key(cx, &view, slot)?
            && let Some(key) = &view.content(slot).key
        {
            map.give_up(slot, key);
        }
        stored::clear(&mut map, &view, id, index)?;
        if map != view.map {
            self.store_map(cx, &map)?;
        }
        Ok(())
    }
}

impl PivModule {
    /// The slot for a new key: the place that was asked for; else that of the container's key, which is to be
    /// replaced; else the index's own slot, or the next one, that takes such keys and is free. A key that
    /// everybody may use (9E) is made only where that slot is asked for by name.
    fn choose(
        &mut self,
        cx: &mut CardContext<'_>,
        view: &View,
        key: KeyRef,
        place: Option<Slot>,
    ) -> Result<Slot> {
        let own = view.places.slot(key.container).ok_or(Status::NoKeyContainer)?;
        if let Some(visible) = view.visible(key.container) {
            // One key for each container: another kind beside it has no room.
            let replaced = visible.spec.half() == key.spec.half() && place.is_none_or(|place| place == own);
            return if replaced { Ok(own) } else { Err(Status::UnsupportedFeature) };
        }
        if let Some(place) = place {
            return match self.is_free(cx, view, key.container, place)? {
                true => Ok(place),
                false => {
                    tracing::error!(slot = %place, "the slot is in use");
                    Err(Status::NoAccess)
                }
            };
        }
        let fitting = |slot: &Slot| !slot.is_free() && places::suits(*slot, key.spec);
        let others = Slot::all().filter(|slot| *slot != own);
        for slot in [own].into_iter().chain(others).filter(fitting) {
            if self.is_free(cx, view, key.container, slot)? {
                return Ok(slot);
            }
        }
        tracing::error!(spec = ?key.spec, "no slot is left for keys of this kind");
        Err(Status::NoMemory)
    }

    /// Whether nothing would be lost: neither certificate nor key, as far as anybody can tell, nor a name that
    /// waits for its key.
    pub(super) fn is_free(
        &mut self,
        cx: &mut CardContext<'_>,
        view: &View,
        index: ContainerIndex,
        slot: Slot,
    ) -> Result<bool> {
        let reserved = view.map.by_slot(slot).is_some_and(|(at, _)| at != index);
        if reserved || view.content(slot).occupied {
            return Ok(false);
        }
        let occupancy = self.card(cx).occupancy(slot).map_err(answer::reading)?;
        if occupancy.certificate || occupancy.key != Some(true) {
            return Ok(!occupancy.certificate);
        }
        // A key that the card kept when it was deleted may go.
        let key = view::told_by_card(&mut self.card(cx), slot).map_err(answer::reading)?;
        Ok(key.is_some_and(|key| view.map.is_given_up(slot, &key)))
    }

    /// Stores the record of a key to come. A key in the slot that was given up stays that until the new one is
    /// there: broken off in between, it would come back under the new one's name.
    fn announce(
        &mut self,
        cx: &mut CardContext<'_>,
        view: &View,
        id: CardId,
        key: KeyRef,
        slot: Slot,
        algorithm: KeyAlgorithm,
    ) -> Result<Kept> {
        let bits = u16::try_from(algorithm.bits()).unwrap_or(u16::MAX);
        let record = stored::record_of(&view.map, key.container, slot, key.spec, bits, id);
        let mut map = view.map.clone();
        map.set(key.container, record).map_err(answer::writing)?;
        stored::hold_in_place(&mut map, view, id, Some(key.container))?;
        if map == view.map { Ok(Kept::Yes) } else { self.store_map(cx, &map) }
    }

    /// On a card that stores no map, a key is found where every program looks for it: in the slot of its
    /// index, and in a retired one as far as the Key History goes.
    fn require_own_place(
        &mut self,
        cx: &mut CardContext<'_>,
        view: &View,
        index: ContainerIndex,
        slot: Slot,
    ) -> Result<()> {
        if view.places.slot(index) != Some(slot) {
            tracing::error!(%slot, %index, "the card cannot store that a container is in another slot than its own");
            return Err(Status::NoMemory);
        }
        let Slot::Retired(number) = slot else { return Ok(()) };
        if self.card(cx).key_history().map_err(answer::reading)?.is_some() {
            return Ok(()); // the note of the key is counted there
        }
        // SP 800-73 part 1, appendix A: so many keys with, none without certificate on the card, the check sum.
        let history = [0xC1, 1, number.get(), 0xC2, 1, 0, 0xFE, 0];
        self.card(cx).put_object(ObjectTag::KEY_HISTORY, &history).map_err(answer::writing)
    }

    fn make(
        &mut self,
        cx: &mut CardContext<'_>,
        slot: Slot,
        algorithm: KeyAlgorithm,
        new: &NewKey<'_>,
    ) -> Result<SlotKey> {
        let mut card = self.card(cx);
        match new {
            NewKey::Generate { .. } => card.generate(slot, algorithm, Policies::NONE),
            NewKey::Import(key) => {
                let import = ImportKey::from(*key);
                card.import(slot, &import, Policies::NONE).map(|()| SlotKey::from(key.public()))
            }
        }
        .map_err(answer::making_a_key)
    }

    /// Makes sure that the next program sees the key: by the map and what the card tells of it, else by a
    /// note in the certificate's place. A certificate of the key that was replaced goes.
    pub(super) fn note(
        &mut self,
        cx: &mut CardContext<'_>,
        slot: Slot,
        key: &SlotKey,
        kept: Kept,
    ) -> Result<()> {
        if kept == Kept::Yes && self.is_told_by_card(cx, slot, key)? {
            let left = self.card(cx).occupancy(slot).map_err(answer::reading)?;
            return match left.certificate {
                true => self.card(cx).delete_certificate(slot).map_err(answer::writing),
                false => Ok(()),
            };
        }
        let note = cardmod_piv::placeholder(slot, key);
        self.card(cx).write_certificate(slot, &note, Default::default()).map(drop).map_err(answer::writing)
    }

    /// Whether the card's metadata tell that very key.
    fn is_told_by_card(&mut self, cx: &mut CardContext<'_>, slot: Slot, key: &SlotKey) -> Result<bool> {
        match self.card(cx).metadata(slot.reference()) {
            Ok(metadata) => Ok(metadata.and_then(|metadata| metadata.public_key).as_ref() == Some(key)),
            Err(error @ PivError::Exchange(_)) => Err(answer::reading(error)),
            Err(_) => Ok(false),
        }
    }

    /// The very key that was given up in this slot is imported once more: it is one again.
    fn reclaim(&mut self, cx: &mut CardContext<'_>, slot: Slot) -> Result<()> {
        let mut map = self.read_map(cx)?;
        map.reclaim(slot);
        self.store_map(cx, &map).map(drop)
    }

    /// After a failure: the map as it was, as far as the card lets it; unless there is a key all the same, which
    /// is found, used and deleted by its record alone. The first failure is the one to report.
    fn take_back(&mut self, cx: &mut CardContext<'_>, before: &View, slot: Slot, kept: Kept) {
        if kept != Kept::Yes {
            return;
        }
        let left = view::told_by_card(&mut self.card(cx), slot).ok().flatten();
        if before.content(slot).key.is_none() && left.is_some_and(|key| !before.map.is_given_up(slot, &key)) {
            tracing::warn!(%slot, "the key was made: its record stays on the card");
            return;
        }
        if let Err(status) = self.store_map(cx, &before.map) {
            tracing::warn!(?status, "the record of a key that was not made stays on the card");
        }
    }

    /// Deletes a key and its certificate. The certificate goes first: a key alone can be deleted again, a
    /// certificate alone would pass for one. `false`: the card cannot delete keys and keeps it, unseen.
    fn delete_key(&mut self, cx: &mut CardContext<'_>, view: &View, slot: Slot) -> Result<bool> {
        if self.card(cx).occupancy(slot).map_err(answer::reading)?.certificate || view.content(slot).occupied
        {
            self.card(cx).delete_certificate(slot).map_err(answer::writing)?;
        }
        match self.card(cx).delete_key(slot) {
            Ok(()) | Err(PivError::NoKey(_)) => Ok(true),
            Err(PivError::Unsupported(_)) => {
                tracing::warn!(%slot, "the card cannot delete keys: the key stays, without certificate and name");
                Ok(false)
            }
            Err(error) => Err(answer::making_a_key(error)),
        }
    }
}

/// The algorithm of a new key.
fn algorithm_of(spec: KeySpec, new: &NewKey<'_>) -> Result<KeyAlgorithm> {
    let algorithm = match (new, spec.curve()) {
        (NewKey::Import(key), _) => KeyAlgorithm::of(&SlotKey::from(key.public())),
        (NewKey::Generate { .. }, Some(curve)) => KeyAlgorithm::ec(curve),
        (NewKey::Generate { bits }, None) => KeyAlgorithm::rsa(*bits),
    };
    algorithm.ok_or(Status::UnsupportedFeature)
}
