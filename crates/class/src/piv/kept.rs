//! What the module keeps with the host for the use of keys: the stored map, the public key of a slot, and
//! which PIN comes first.
//!
//! No counter of a PIV card tells of a change, so these are hints. They are looked at only for a host that
//! asked whether hints are allowed, and thereby knows what to do with them: it verifies signatures here,
//! has keys read again before they decrypt or agree, and tells this module to forget before it takes
//! anything for the card's. From then on none of them is believed in this context. Files, free places and
//! every change go by the card alone.
//!
//! Each entry says whose it is: the card identifier, which is read in this insertion before an entry is
//! looked at, and the answer to reset.

use cardmod_piv::{PinReference, Slot, SlotKey, SlotMap};
use cardmod_sdk::CardContext;

use super::PivModule;

/// The entry with the stored map.
const MAP: &str = "piv-map";
/// The entry that says which PIN comes first: its reference.
const PIN: &str = "piv-pin";

/// How far entries are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Trust {
    /// The host did not ask about hints.
    #[default]
    Unasked,
    /// As hints.
    Hints,
    /// One was wrong, or the host wants what the card has.
    Lost,
}

impl Trust {
    /// The host asked whether hints are allowed.
    pub(super) fn asked(&mut self) {
        if *self == Self::Unasked {
            *self = Self::Hints;
        }
    }

    /// From now on the card alone is believed.
    pub(super) fn lose(&mut self) {
        if *self == Self::Hints {
            *self = Self::Lost;
        }
    }
}

impl PivModule {
    /// The stored map as it was, and whether it lies in the vendors' object.
    pub(super) fn kept_map(&mut self, cx: &mut CardContext<'_>) -> Option<(SlotMap, bool)> {
        let entry = self.kept(cx, MAP)?;
        let (vendors, map) = entry.split_first()?;
        Some((SlotMap::parse(map).ok()?, *vendors == 1))
    }

    /// The public key that was in a slot.
    pub(super) fn kept_key(&mut self, cx: &mut CardContext<'_>, slot: Slot) -> Option<SlotKey> {
        SlotKey::from_spki_der(&self.kept(cx, &key_tag(slot))?).ok()
    }

    /// The PIN that came first.
    pub(super) fn kept_pin(&mut self, cx: &mut CardContext<'_>) -> Option<PinReference> {
        let entry = self.kept(cx, PIN)?;
        [PinReference::User, PinReference::Global].into_iter().find(|pin| entry == [*pin as u8])
    }

    /// Keeps what is known for the use of the slot's key.
    pub(super) fn keep(&mut self, cx: &mut CardContext<'_>, slot: Slot) {
        if let Some((map, vendors)) = self.seen.map() {
            let entry = [&[u8::from(vendors)][..], &map.encode()].concat();
            self.put(cx, MAP, &entry);
        }
        if let Some(key) = self.seen.key(slot) {
            self.put(cx, &key_tag(slot), &key.to_spki_der());
        }
        self.keep_pin(cx);
    }

    /// Keeps which PIN comes first.
    pub(super) fn keep_pin(&mut self, cx: &mut CardContext<'_>) {
        if let Some(pin) = self.pin {
            self.put(cx, PIN, &[pin as u8]);
        }
    }

    /// The map, and what is in a slot, is about to change.
    pub(super) fn forget_kept(&mut self, cx: &mut CardContext<'_>, slot: Option<Slot>) {
        cx.cache().delete(MAP);
        if let Some(slot) = slot {
            cx.cache().delete(&key_tag(slot));
        }
    }

    /// Another PIN comes first.
    pub(super) fn forget_kept_pin(&mut self, cx: &mut CardContext<'_>) {
        cx.cache().delete(PIN);
    }

    fn kept(&mut self, cx: &mut CardContext<'_>, tag: &str) -> Option<Vec<u8>> {
        if self.trust != Trust::Hints {
            return None;
        }
        let whose = self.whose(cx)?;
        let entry = cx.cache().lookup(tag)?;
        entry.strip_prefix(whose.as_slice()).map(<[u8]>::to_vec)
    }

    fn put(&mut self, cx: &mut CardContext<'_>, tag: &str, data: &[u8]) {
        let Some(whose) = self.whose(cx).filter(|_| self.trust != Trust::Unasked) else { return };
        let entry = [&whose, data].concat();
        if cx.cache().lookup(tag).is_none_or(|kept| *kept != entry) {
            cx.cache().add(tag, &entry);
        }
    }

    /// The card that is there: answer to reset, with its length, and identifier. `None` before it was
    /// identified in this insertion.
    fn whose(&self, cx: &CardContext<'_>) -> Option<Vec<u8>> {
        let id = self.id.filter(|_| !self.unsure)?;
        let atr = cx.atr();
        let length = u8::try_from(atr.len()).ok()?;
        Some([&[length][..], atr, id.as_bytes()].concat())
    }
}

fn key_tag(slot: Slot) -> String {
    format!("piv-key-{}", slot.label())
}
