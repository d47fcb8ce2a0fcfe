//! The containers of a PIV card: what is in its slots, under which index, name and key spec.
//!
//! A slot holds a container when its certificate object has a certificate, or when the stored map names a
//! key there that the card itself tells of (metadata). A key that neither names is somebody else's business;
//! its slot is not free all the same. Keys that Windows has no spec for (Curve25519) are hidden.

use std::collections::BTreeMap;

use cardmod_piv::{PinPolicy, PivCard, PivCommand, PivError, Slot, SlotKey, SlotMap, own_name};
use cardmod_types::{
    CardId, ContainerIndex, ContainerMap, ContainerMapError, ContainerName, ContainerRecord, KeyHalf,
    KeySpec, PublicKey,
};

use super::places::{self, Places};

/// What is in a slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    /// The key, as far as certificate, placeholder or metadata tell of it.
    pub(super) key: Option<SlotKey>,
    /// The certificate, DER. A placeholder is none.
    pub(super) certificate: Option<Vec<u8>>,
    /// Something is there that would be lost: a certificate object, readable or not, or a key.
    pub(super) occupied: bool,
    /// When the key wants the PIN, where the card was asked and tells.
    pub(super) pin_policy: Option<PinPolicy>,
}

/// A container that a host can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Visible {
    pub(super) index: ContainerIndex,
    pub(super) slot: Slot,
    pub(super) spec: KeySpec,
    pub(super) public: PublicKey,
}

/// The card's slots at one time.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) map: SlotMap,
    pub(super) places: Places,
    pub(super) contents: BTreeMap<Slot, Content>,
}

impl View {
    /// Reads every slot that may hold something: the main ones, the retired ones that the card or the map
    /// knows of.
    ///
    /// # Errors
    /// A failing channel; an object that exists and cannot be read.
    pub(super) fn read(card: &mut PivCard<'_>, map: SlotMap) -> Result<Self, PivError> {
        let mut contents = BTreeMap::new();
        for slot in slots_in_use(card, &map)? {
            let content = look(card, slot, Some(&map))?;
            contents.insert(slot, content);
        }
        Ok(Self { places: Places::of(&map), map, contents })
    }

    /// What is in a slot; nothing in one that was not looked at.
    pub(super) fn content(&self, slot: Slot) -> Content {
        self.contents.get(&slot).cloned().unwrap_or_default()
    }

    /// The container of an index, if a host can see a key there.
    pub(super) fn visible(&self, index: ContainerIndex) -> Option<Visible> {
        let slot = self.places.slot(index)?;
        let key = self.contents.get(&slot)?.key.as_ref()?;
        let (spec, public) = places::spec(slot, key, told(&self.map, slot))?;
        Some(Visible { index, slot, spec, public })
    }

    /// All of them, by index.
    pub(super) fn all_visible(&self) -> impl Iterator<Item = Visible> {
        self.places.iter().filter_map(|(index, _)| self.visible(index))
    }

    /// The name of an index's container.
    pub(super) fn name(&self, id: CardId, index: ContainerIndex, slot: Slot) -> ContainerName {
        name(&self.map, id, index, slot)
    }

    /// The index of the default container: the one the map says; else 9A's if it has a certificate; else the
    /// first of 9D, 9C, 9E and the retired slots, with a certificate before one without.
    pub(super) fn default_container(&self) -> Option<ContainerIndex> {
        let named = self.map.containers().find(|(_, record)| record.is_default()).map(|(index, _)| index);
        if let Some(named) = named.filter(|index| self.is_listed(*index)) {
            return Some(named);
        }
        let order = [Slot::Authentication, Slot::KeyManagement, Slot::Signature, Slot::CardAuthentication];
        let candidates: Vec<_> = order
            .into_iter()
            .chain(Slot::retired())
            .filter_map(|slot| self.places.index(slot).and_then(|index| self.visible(index)))
            .collect();
        let certified = candidates.iter().find(|visible| self.content(visible.slot).certificate.is_some());
        certified.or(candidates.first()).map(|visible| visible.index)
    }

    /// Whether the container map has a record at the index: a key, or a name that was given and waits for
    /// its key.
    fn is_listed(&self, index: ContainerIndex) -> bool {
        self.visible(index).is_some() || self.awaits_key(index)
    }

    /// Whether the map names a container at the index that has no key, nor anything else in its slot.
    pub(super) fn awaits_key(&self, index: ContainerIndex) -> bool {
        let slot = self.map.get(index).and_then(|record| record.slot());
        slot.is_some_and(|slot| self.places.slot(index) == Some(slot) && !self.content(slot).occupied)
    }

    /// The file cmapfile.
    ///
    /// # Errors
    /// None that these records could bring about.
    pub(super) fn container_map(&self, id: CardId) -> Result<ContainerMap, ContainerMapError> {
        let mut file = ContainerMap::new();
        let default = self.default_container();
        for (index, slot) in self.places.iter() {
            let visible = self.visible(index);
            if visible.is_none() && !self.awaits_key(index) {
                continue;
            }
            let mut record = ContainerRecord::new(self.name(id, index, slot));
            record.default = default == Some(index);
            if let Some(visible) = visible {
                let bits = u16::try_from(visible.public.bits()).unwrap_or(u16::MAX);
                record.set_bits(visible.spec.half(), bits);
            }
            file.set(index, Some(record))?;
        }
        Ok(file)
    }

    /// The containers whose certificates are files, with the half that names the file.
    pub(super) fn certified(&self) -> impl Iterator<Item = (KeyHalf, ContainerIndex)> {
        let has = |visible: &Visible| self.content(visible.slot).certificate.is_some();
        self.all_visible().filter(has).map(|visible| (visible.spec.half(), visible.index))
    }
}

/// The name of an index's container: the stored one, else the one computed of card and slot.
pub(super) fn name(map: &SlotMap, id: CardId, index: ContainerIndex, slot: Slot) -> ContainerName {
    let stored = map.get(index).filter(|record| record.slot() == Some(slot));
    stored.and_then(|record| record.name()).unwrap_or_else(|| own_name(id, slot))
}

/// The key spec the map has for a slot.
pub(super) fn told(map: &SlotMap, slot: Slot) -> Option<KeySpec> {
    map.by_slot(slot).and_then(|(_, record)| record.spec())
}

/// The slots to look at: the main ones, the retired ones of the Key History, and those the map knows. Tokens
/// do not maintain a Key History by themselves.
fn slots_in_use(card: &mut PivCard<'_>, map: &SlotMap) -> Result<Vec<Slot>, PivError> {
    let history = match card.key_history() {
        Ok(history) => history,
        Err(error) if is_about_content(&error) => None,
        Err(error) => return Err(error),
    };
    let historic: Vec<Slot> = history.iter().flat_map(|history| history.slots_with_certificate()).collect();
    let used = |slot: &Slot| historic.contains(slot) || map.by_slot(*slot).is_some();
    Ok(Slot::MAIN.into_iter().chain(Slot::retired().filter(used)).collect())
}

/// What is in a slot. The card is asked for its metadata only where the map says that there is a key and no
/// certificate tells which; without a map it is not asked. A key that was given up is none.
pub(super) fn look(card: &mut PivCard<'_>, slot: Slot, map: Option<&SlotMap>) -> Result<Content, PivError> {
    let certificate = match card.certificate(slot) {
        Ok(certificate) => certificate,
        Err(error) if is_about_content(&error) => {
            tracing::warn!(%slot, %error, "what is in the certificate's place cannot be read");
            return Ok(Content { occupied: true, ..Content::default() });
        }
        Err(error) => return Err(error),
    };
    if let Some(certificate) = certificate {
        let key = certificate.key().cloned();
        let shown = !certificate.is_placeholder();
        let certificate = shown.then(|| certificate.into_der());
        return Ok(Content { key, certificate, occupied: true, pin_policy: None });
    }
    let Some(map) = map.filter(|map| map.by_slot(slot).is_some()) else { return Ok(Content::default()) };
    match ask(card, slot)? {
        Told::Key(key, pin_policy) if !map.is_given_up(slot, &key) => {
            Ok(Content { key: Some(key), certificate: None, occupied: true, pin_policy })
        }
        Told::Key(..) | Told::Nothing => Ok(Content::default()),
        // The map says that there is a key, and nobody that there is none.
        Told::Nonsense => Ok(Content { occupied: true, ..Content::default() }),
    }
}

/// The key in a slot, and when it wants the PIN where the card tells, for its use, in the fewest commands. Where the map names a key and lies where cards
/// that tell of their keys have it, that comes before the certificate, which is longer.
pub(super) fn key(
    card: &mut PivCard<'_>,
    slot: Slot,
    map: &SlotMap,
    tells: bool,
) -> Result<(Option<SlotKey>, Option<PinPolicy>), PivError> {
    let named = map.by_slot(slot).is_some();
    if tells
        && named
        && !card.state().lacks(PivCommand::GetMetadata)
        && let Told::Key(key, policy) = ask(card, slot)?
        && !map.is_given_up(slot, &key)
    {
        return Ok((Some(key), policy));
    }
    look(card, slot, Some(map)).map(|content| (content.key, content.pin_policy))
}

/// The key the card itself tells of, where it can.
pub(super) fn told_by_card(card: &mut PivCard<'_>, slot: Slot) -> Result<Option<SlotKey>, PivError> {
    Ok(match ask(card, slot)? {
        Told::Key(key, _) => Some(key),
        Told::Nothing | Told::Nonsense => None,
    })
}

/// What a card says of a slot's key.
enum Told {
    /// The key, and when it wants the PIN.
    Key(SlotKey, Option<PinPolicy>),
    /// There is none, or the card does not tell of keys.
    Nothing,
    /// A card that tells of keys does not of this one.
    Nonsense,
}

fn ask(card: &mut PivCard<'_>, slot: Slot) -> Result<Told, PivError> {
    match card.metadata(slot.reference()) {
        Ok(metadata) => {
            let told = metadata.and_then(|told| Some((told.public_key?, told.pin_policy)));
            Ok(told.map_or(Told::Nothing, |(key, policy)| Told::Key(key, policy)))
        }
        Err(error @ PivError::Exchange(_)) => Err(error),
        Err(error) => {
            tracing::debug!(%slot, %error, "the card does not tell of its key");
            Ok(if matches!(error, PivError::Unsupported(_)) { Told::Nothing } else { Told::Nonsense })
        }
    }
}

/// Whether an error is about one object alone: nonsense in it, or a refusal to show it.
fn is_about_content(error: &PivError) -> bool {
    matches!(error, PivError::Malformed(_) | PivError::Status { command: PivCommand::GetData, .. })
}
