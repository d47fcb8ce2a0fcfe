//! Which slot stands behind which container index, and what a key in a slot is for.
//!
//! Indexes are fixed: 0 is 9A, 1 is 9C, 2 is 9D, 3 is 9E, 4 to 23 are the retired slots. A stored container
//! map overrides that as a permutation: the index it names for a slot swaps places with the slot's own, so
//! that no index moves because a key appears or goes.

use cardmod_piv::{Slot, SlotKey, SlotMap};
use cardmod_types::{ContainerIndex, KeyHalf, KeySpec, PublicKey};

/// How many containers a PIV card can have.
pub(super) const COUNT: u8 = 24;

/// The slots by container index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places(Vec<Slot>);

impl Places {
    /// The slots of a card without a map.
    pub(super) fn fixed() -> Self {
        Self(Slot::all().collect())
    }

    /// The slots as the map has them. What the map says of other slots, or twice, is passed over.
    pub(super) fn of(map: &SlotMap) -> Self {
        let mut places = Self::fixed();
        let mut settled = [false; COUNT as usize];
        for (index, record) in map.containers() {
            let to = usize::from(index.get());
            let from = record.slot().and_then(|slot| places.0.iter().position(|known| *known == slot));
            if let Some(from) = from
                && to < settled.len()
                && !settled[to]
                && !settled[from]
            {
                places.0.swap(to, from);
                settled[to] = true;
            }
        }
        places
    }

    /// The slot of an index; `None` beyond the last.
    pub(super) fn slot(&self, index: ContainerIndex) -> Option<Slot> {
        self.0.get(usize::from(index.get())).copied()
    }

    /// The index of a slot; `None` for one that is no place of the cardholder's keys.
    pub(super) fn index(&self, slot: Slot) -> Option<ContainerIndex> {
        let at = self.0.iter().position(|known| *known == slot)?;
        u8::try_from(at).ok().map(ContainerIndex::new)
    }

    /// Indexes and slots, in order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (ContainerIndex, Slot)> {
        (0..COUNT).map(ContainerIndex::new).zip(self.0.iter().copied())
    }

    /// The labels of the slots, a NUL between two.
    pub(super) fn labels(&self) -> String {
        let labels: Vec<String> = self.0.iter().map(|slot| slot.label()).collect();
        labels.join("\0")
    }
}

/// Which half of its container a slot's key is, unless the map says otherwise. Software of the CryptoAPI
/// era asks for an exchange key when it logs on, hence RSA in 9A; the curves of 9A, 9C and 9E sign, those of
/// 9D and the retired slots agree.
pub(super) const fn half(slot: Slot, rsa: bool) -> KeyHalf {
    match slot {
        Slot::Authentication if rsa => KeyHalf::KeyExchange,
        Slot::Authentication | Slot::Signature | Slot::CardAuthentication | Slot::Attestation => {
            KeyHalf::Signature
        }
        Slot::KeyManagement | Slot::Retired(_) => KeyHalf::KeyExchange,
    }
}

/// Whether a new key of this spec belongs into a slot, where nobody names the slot: every slot takes what its
/// keys are for, and 9A signs with RSA too.
pub(super) fn suits(slot: Slot, spec: KeySpec) -> bool {
    half(slot, spec.is_rsa()) == spec.half() || slot == Slot::Authentication && spec == KeySpec::Signature
}

/// The spec of a slot's key, given the half that the map names for it; `None` for keys that Windows has no
/// spec for.
pub(super) fn spec(slot: Slot, key: &SlotKey, told: Option<KeySpec>) -> Option<(KeySpec, PublicKey)> {
    let public = key.to_public_key()?;
    let rsa = matches!(public, PublicKey::Rsa(_));
    let half = told.filter(|told| told.is_rsa() == rsa).map_or(half(slot, rsa), KeySpec::half);
    Some((public.spec(half), public))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_piv::{MapRecord, RetiredNumber};
    use cardmod_types::{ContainerName, RsaPublicKey};

    fn map(records: &[(u8, Slot)]) -> SlotMap {
        let mut map = SlotMap::new();
        for (index, slot) in records {
            let name = ContainerName::parse(&format!("name {index}")).unwrap();
            let record = MapRecord::new(&name, *slot, KeySpec::KeyExchange, 2048);
            map.set(ContainerIndex::new(*index), record).unwrap();
        }
        map
    }

    fn retired(number: u8) -> Slot {
        Slot::Retired(RetiredNumber::new(number).unwrap())
    }

    #[test]
    fn indexes_are_fixed() {
        let places = Places::fixed();
        let at = |index| places.slot(ContainerIndex::new(index));
        assert_eq!(
            [at(0), at(1), at(2), at(3)],
            [Slot::Authentication, Slot::Signature, Slot::KeyManagement, Slot::CardAuthentication].map(Some)
        );
        assert_eq!((at(4), at(23), at(24)), (Some(retired(1)), Some(retired(20)), None));
        assert!(places.labels().starts_with("9a\09c\09d\09e\082\0") && places.labels().ends_with("\095"));
        assert_eq!(places.iter().count(), 24);
        assert!(places.iter().all(|(index, slot)| places.index(slot) == Some(index)));
        assert_eq!(places.index(Slot::Attestation), None);
    }

    #[test]
    fn a_map_swaps_indexes_and_moves_no_other() {
        let places = Places::of(&map(&[(1, Slot::KeyManagement)]));
        let at = |index| places.slot(ContainerIndex::new(index)).unwrap();
        assert_eq!((at(1), at(2)), (Slot::KeyManagement, Slot::Signature));
        let fixed = Places::fixed();
        assert!(places.iter().filter(|(i, _)| i.get() > 2).all(|(i, slot)| fixed.slot(i) == Some(slot)));
        let all = Places::of(&map(&[(0, Slot::Signature), (1, Slot::KeyManagement), (2, retired(20))]));
        let at = |index| all.slot(ContainerIndex::new(index)).unwrap();
        assert_eq!([at(0), at(1), at(2)], [Slot::Signature, Slot::KeyManagement, retired(20)]);
        let mut seen: Vec<_> = all.iter().map(|(_, slot)| slot).collect();
        seen.sort();
        let mut every: Vec<_> = Slot::all().collect();
        every.sort();
        assert_eq!(seen, every, "a permutation");
    }

    #[test]
    fn a_map_that_contradicts_itself_loses_the_later_word() {
        let places =
            Places::of(&map(&[(0, Slot::Signature), (3, Slot::Signature), (200, Slot::Authentication)]));
        assert_eq!(places.slot(ContainerIndex::new(0)), Some(Slot::Signature));
        assert_eq!(places.slot(ContainerIndex::new(1)), Some(Slot::Authentication));
        assert_eq!(places.slot(ContainerIndex::new(3)), Some(Slot::CardAuthentication));
        assert_eq!(Places::of(&map(&[(2, Slot::Attestation)])), Places::fixed());
    }

    #[test]
    fn specs_of_slots() {
        let rsa = SlotKey::Rsa(RsaPublicKey::new(&[0xF1; 256], 65537).unwrap());
        let of = |slot, told| spec(slot, &rsa, told).unwrap().0;
        assert_eq!(of(Slot::Authentication, None), KeySpec::KeyExchange);
        assert_eq!(of(Slot::Signature, None), KeySpec::Signature);
        assert_eq!(of(retired(3), None), KeySpec::KeyExchange);
        assert_eq!(of(Slot::Authentication, Some(KeySpec::Signature)), KeySpec::Signature);
        assert_eq!(of(Slot::Authentication, Some(KeySpec::EcdsaP256)), KeySpec::KeyExchange, "not of RSA");
        assert_eq!(spec(Slot::Authentication, &SlotKey::Ed25519([7; 32]), None), None);
        assert!(suits(Slot::Authentication, KeySpec::Signature));
        assert!(!suits(Slot::Authentication, KeySpec::EcdheP256));
        assert!(suits(retired(1), KeySpec::EcdheP384) && !suits(retired(1), KeySpec::EcdsaP384));
        assert!(!suits(Slot::Signature, KeySpec::KeyExchange) && suits(Slot::Signature, KeySpec::Signature));
    }
}
