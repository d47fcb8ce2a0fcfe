//! A new key with everything that tells of it: its record in the stored container map, the note of its public
//! half where the card does not tell, and the end of the certificate that was there.

use cardmod_types::{ContainerIndex, ContainerName, KeyHalf, KeySpec};

use crate::objects::placeholder::placeholder;
use crate::{
    ImportKey, KeyAlgorithm, MapRecord, Metadata, ObjectTag, PivCard, PivError, Policies, Slot, SlotKey,
    SlotMap,
};

/// Where a new key comes from.
#[derive(Debug)]
pub enum KeyOf<'a> {
    /// The card makes it.
    Generate(KeyAlgorithm),
    /// It is brought.
    Import {
        /// The private key.
        key: ImportKey<'a>,
        /// Its public half; `None` where nobody knows it, and the card has to tell.
        public: Option<SlotKey>,
    },
}

/// A key that was made, and what tells of it.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The public key; `None` for an imported one of which nobody told.
    pub public: Option<SlotKey>,
    /// What the card tells of it, where it has metadata: above all the policies that hold.
    pub metadata: Option<Metadata>,
    /// A certificate of the key before was in the slot, and is no more.
    pub certificate: bool,
    /// The stored container map names it.
    pub named: bool,
}

impl PivCard<'_> {
    /// Makes or imports a key, whatever was in the slot, such that container programs find it: the stored map
    /// names the slot, under the name it has there or its label; where the map does not fit or the card tells
    /// nothing of its keys, an unsigned certificate notes the public half. The administrator must be
    /// authenticated. Keys of Curve25519, which containers cannot be, get no record.
    ///
    /// The record comes first, then the key, then the end of the old certificate. What is broken off leaves a
    /// name without key, or the certificate of a key that is gone.
    ///
    /// # Errors
    ///
    /// As [`generate`](Self::generate) and [`import`](Self::import), when the map is put back; those of
    /// [`put_object`](Self::put_object).
    pub fn enrol(&mut self, slot: Slot, new: &KeyOf<'_>, policies: Policies) -> Result<Enrolled, PivError> {
        let certificate = !self.is_empty(slot.object())?;
        let is_note = matches!(self.certificate(slot), Ok(Some(certificate)) if certificate.is_placeholder());
        let algorithm = match new {
            KeyOf::Generate(algorithm) => *algorithm,
            KeyOf::Import { key, .. } => key.algorithm()?,
        };
        let before = self.container_map()?.map(|stored| stored.map).unwrap_or_default();
        let after = named(&before, slot, algorithm)?;
        let named = after.is_some();
        let stored = match &after {
            Some(map) if *map != before => self.store_if_it_can(map)?,
            _ => named,
        };
        let public = match self.make_key(slot, new, policies) {
            Ok(public) => public,
            Err(error) => {
                if stored && after.is_some_and(|after| after != before) {
                    // The error that is told is the first one.
                    let _ = self.write_container_map(&before);
                }
                return Err(error);
            }
        };
        if spec(slot, algorithm).is_none() {
            self.unname(&before, slot)?;
        }
        let metadata = self.told(slot)?;
        let told = metadata.as_ref().and_then(|metadata| metadata.public_key.clone());
        let is_told = told.is_some() && (public.is_none() || told == public);
        match &public {
            Some(public) if !is_told || !(stored || spec(slot, algorithm).is_none()) => {
                self.note_key(slot, public)?;
            }
            _ if certificate => self.delete_certificate(slot)?,
            _ => {}
        }
        let certificate = certificate && !is_note;
        Ok(Enrolled { public: public.or(told), metadata, certificate, named: stored })
    }

    fn make_key(
        &mut self,
        slot: Slot,
        new: &KeyOf<'_>,
        policies: Policies,
    ) -> Result<Option<SlotKey>, PivError> {
        match new {
            KeyOf::Generate(algorithm) => self.generate(slot, *algorithm, policies).map(Some),
            KeyOf::Import { key, public } => {
                self.import(slot, key, policies)?;
                Ok(public.clone())
            }
        }
    }

    /// Stores a map; `false` on a card that has no object for it.
    fn store_if_it_can(&mut self, map: &SlotMap) -> Result<bool, PivError> {
        match self.write_container_map(map) {
            Ok(_) => Ok(true),
            Err(PivError::Unsupported(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the record of a key that is gone: the one in its place has no container.
    fn unname(&mut self, before: &SlotMap, slot: Slot) -> Result<(), PivError> {
        let mut map = before.clone();
        if let Some(index) = map.by_slot(slot).map(|(index, _)| index) {
            map.clear(index);
        }
        map.reclaim(slot);
        if map != *before {
            self.write_container_map(&map)?;
        }
        Ok(())
    }

    /// What the card tells of the key in a slot, if anything.
    fn told(&mut self, slot: Slot) -> Result<Option<Metadata>, PivError> {
        match self.metadata(slot.reference()) {
            Err(error @ PivError::Exchange(_)) => Err(error),
            told => Ok(told.ok().flatten()),
        }
    }

    /// Notes a public key in the place of its certificate. Retired slots are looked at as far as the Key
    /// History goes.
    fn note_key(&mut self, slot: Slot, public: &SlotKey) -> Result<(), PivError> {
        if let Slot::Retired(number) = slot
            && self.key_history()?.is_none()
        {
            // SP 800-73 part 1, appendix A: so many keys with, none without certificate on the card.
            let history = [0xC1, 1, number.get(), 0xC2, 1, 0, 0xFE, 0];
            self.put_object(ObjectTag::KEY_HISTORY, &history)?;
        }
        self.write_certificate(slot, &placeholder(slot, public), Default::default()).map(drop)
    }
}

/// The map with a record of a slot's new key. A record that is there keeps its name; a new one is at the
/// slot's own index and called by its label. `None` where there is no room for it without moving other
/// containers, and for keys that are in no container.
fn named(before: &SlotMap, slot: Slot, algorithm: KeyAlgorithm) -> Result<Option<SlotMap>, PivError> {
    let Some(spec) = spec(slot, algorithm) else { return Ok(None) };
    let bits = u16::try_from(algorithm.bits()).unwrap_or(u16::MAX);
    let mut map = before.clone();
    map.reclaim(slot);
    if let Some((index, mut record)) = map.by_slot(slot).map(|(index, record)| (index, *record)) {
        record.set_key(slot, spec, bits);
        map.set(index, record)?;
        return Ok(Some(map));
    }
    let own = Slot::all().position(|known| known == slot).and_then(|at| u8::try_from(at).ok());
    let (Some(own), Ok(name)) = (own.map(ContainerIndex::new), ContainerName::parse(&slot.label())) else {
        return Ok(None);
    };
    if map.get(own).is_some() || map.by_name(&name).is_some() {
        return Ok(None);
    }
    // A map whose end nobody here understands takes no record more.
    Ok(map.set(own, MapRecord::new(&name, slot, spec, bits)).ok().map(|()| map))
}

/// What Cardmod.h calls a key of this kind in this slot; `None` for Curve25519.
fn spec(slot: Slot, algorithm: KeyAlgorithm) -> Option<KeySpec> {
    let half = match slot {
        Slot::Authentication if algorithm.is_rsa() => KeyHalf::KeyExchange,
        Slot::Authentication | Slot::Signature | Slot::CardAuthentication | Slot::Attestation => {
            KeyHalf::Signature
        }
        Slot::KeyManagement | Slot::Retired(_) => KeyHalf::KeyExchange,
    };
    match algorithm.curve() {
        Some(curve) => Some(KeySpec::ec(half, curve)),
        None => algorithm.is_rsa().then(|| half.rsa_spec()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_moves_no_other_container() {
        let name = ContainerName::parse("alice").unwrap();
        let mut map = SlotMap::new();
        let other = MapRecord::new(&name, Slot::Authentication, KeySpec::EcdsaP256, 256);
        map.set(ContainerIndex::new(1), other).unwrap();
        // 9C's own index is taken by the container whose key is in 9A.
        assert_eq!(named(&map, Slot::Signature, KeyAlgorithm::P256), Ok(None));
        let again = named(&map, Slot::Authentication, KeyAlgorithm::Rsa2048).unwrap().unwrap();
        let record = again.get(ContainerIndex::new(1)).unwrap();
        assert_eq!((record.name(), record.spec()), (Some(name), Some(KeySpec::KeyExchange)));
        let free = named(&map, Slot::KeyManagement, KeyAlgorithm::P384).unwrap().unwrap();
        let record = free.get(ContainerIndex::new(2)).unwrap();
        assert_eq!(record.name().unwrap().as_str(), "9d");
        assert_eq!(record.spec(), Some(KeySpec::EcdheP384));
        assert_eq!(named(&map, Slot::Authentication, KeyAlgorithm::Ed25519), Ok(None));
    }
}
