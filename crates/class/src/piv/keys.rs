//! The use of keys: which slot and algorithm a container's key has, signatures, decryption, agreement.

use std::collections::{BTreeMap, BTreeSet};

use cardmod_piv::{FirmwareVersion, KeyAlgorithm, PinPolicy, PivError, Slot, SlotKey, SlotMap};
use cardmod_sdk::{CardContext, KeyAgreement, KeyRef, Result, RsaDecryption, SignatureInput, Status};
use cardmod_types::{
    ContainerIndex, ContainerKeys, EcPublicKey, KeyHalf, KeySpec, PinId, PublicKey, SecretBytes, padding,
};

use super::places::{self, Places};
use super::view::{self, Content, View};
use super::{PivModule, answer, pins};

/// The longest number, in bytes, that a short command has room for beside what is around it.
const SHORT: usize = 240;

/// What this context has seen of the card's containers, for the use of their keys. PIV has no counter that
/// tells of changes: what another program changed shows when the key is used, and a host that finds it says
/// so. What is read for its own sake (files, free places) does not come from here.
#[derive(Debug, Default)]
pub(super) struct Seen {
    map: Option<SeenMap>,
    keys: BTreeMap<Slot, Option<SlotKey>>,
    wishes: Wishes,
}

/// What turned out of the PIN policies of keys, which any slot may have another of than the standard's. A key
/// whose policy asks for less needs no note.
#[derive(Debug, Default)]
struct Wishes {
    /// Slots that everybody may use by the standard, and whose key wanted the PIN.
    pin: BTreeSet<Slot>,
    /// Slots that wanted the PIN again although it was verified.
    pin_again: BTreeSet<Slot>,
}

impl Wishes {
    fn forget(&mut self, slot: Slot) {
        self.pin.remove(&slot);
        self.pin_again.remove(&slot);
    }

    /// Takes over what the card tells of a key.
    fn learn(&mut self, slot: Slot, policy: Option<PinPolicy>) {
        match policy {
            Some(PinPolicy::Always | PinPolicy::MatchAlways) => {
                self.pin_again.insert(slot);
            }
            Some(PinPolicy::Once | PinPolicy::MatchOnce) if slot.is_free() => {
                self.pin.insert(slot);
            }
            _ => {}
        }
    }
}

/// What the stored map says, as far as the use of keys goes.
#[derive(Clone, Debug)]
pub(super) struct SeenMap {
    pub(super) places: Places,
    pub(super) map: SlotMap,
    /// It lies in the vendors' object.
    vendors: bool,
    /// It was kept with the host, and not read by this context.
    kept: bool,
}

impl Seen {
    /// Nothing was seen of this card.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// What the card has may have changed. What its keys turned out to want is found out by a refusal alone,
    /// and stays: a PIN too many does less harm than a key that never can be used.
    pub(super) fn forget_content(&mut self) {
        self.map = None;
        self.keys.clear();
    }

    /// Takes over what was just read.
    pub(super) fn learn(&mut self, view: &View, vendors: bool) {
        self.learn_map(&view.map, vendors);
        self.keys.clear();
        for (slot, content) in &view.contents {
            self.learn_content(*slot, content);
        }
    }

    pub(super) fn learn_map(&mut self, map: &SlotMap, vendors: bool) {
        self.map = Some(SeenMap { places: Places::of(map), map: map.clone(), vendors, kept: false });
    }

    /// The map, and whether it lies in the vendors' object.
    pub(super) fn map(&self) -> Option<(&SlotMap, bool)> {
        self.map.as_ref().map(|seen| (&seen.map, seen.vendors))
    }

    /// The key of a slot.
    pub(super) fn key(&self, slot: Slot) -> Option<&SlotKey> {
        self.keys.get(&slot)?.as_ref()
    }

    fn learn_content(&mut self, slot: Slot, content: &Content) {
        self.keys.insert(slot, content.key.clone());
        self.wishes.learn(slot, content.pin_policy);
    }

    /// Takes over a key that was just read.
    pub(super) fn learn_key(&mut self, slot: Slot, key: SlotKey) {
        self.keys.insert(slot, Some(key));
    }

    /// A slot's key is another one, or gone.
    pub(super) fn forget_key(&mut self, slot: Slot) {
        self.keys.remove(&slot);
        self.wishes.forget(slot);
    }
}

impl SeenMap {
    /// The slot of an index, and the key spec that the map has for it.
    fn slot(&self, index: ContainerIndex) -> Result<(Slot, Option<KeySpec>)> {
        let slot = self.places.slot(index).ok_or(Status::NoKeyContainer)?;
        Ok((slot, view::told(&self.map, slot)))
    }
}

/// A key of the card, ready for use.
struct Usable {
    slot: Slot,
    algorithm: KeyAlgorithm,
    public: PublicKey,
}

impl PivModule {
    /// The stored map for all but the use of keys: as this context has read it.
    pub(super) fn card_map(&mut self, cx: &mut CardContext<'_>) -> Result<SeenMap> {
        if self.seen.map.as_ref().is_some_and(|seen| seen.kept) {
            self.identity(cx)?;
            let stored = self.read_map(cx)?;
            self.seen.learn_map(&stored, self.map_is_vendors);
        }
        self.seen_map_or(cx, |_, _| None)
    }

    /// The stored map for the use of keys: a hint will do.
    fn seen_map(&mut self, cx: &mut CardContext<'_>) -> Result<SeenMap> {
        self.seen_map_or(cx, Self::kept_map)
    }

    fn seen_map_or(
        &mut self,
        cx: &mut CardContext<'_>,
        kept: impl FnOnce(&mut Self, &mut CardContext<'_>) -> Option<(SlotMap, bool)>,
    ) -> Result<SeenMap> {
        self.recognise(cx)?;
        if self.seen.map.is_none() {
            // An object that is surely there shows that PIV is selected; one that is not does not.
            self.identity(cx)?;
            if let Some((map, vendors)) = kept(self, cx) {
                self.seen.map = Some(SeenMap { places: Places::of(&map), map, vendors, kept: true });
            } else {
                let stored = self.read_map(cx)?;
                self.seen.learn_map(&stored, self.map_is_vendors);
            }
        }
        self.seen.map.clone().ok_or(Status::Unexpected)
    }

    /// The slot of an index, and the key spec that the map has for it: for its certificate, so never by what
    /// was kept.
    pub(super) fn slot_of(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<(Slot, Option<KeySpec>)> {
        self.card_map(cx)?.slot(index)
    }

    /// The key of a container, with its spec. What was seen before is used as it is.
    fn key_at(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<(Slot, KeySpec, PublicKey)> {
        let seen = self.seen_map(cx)?;
        let (slot, told) = seen.slot(index)?;
        if !self.seen.keys.contains_key(&slot) {
            let (key, pin_policy) = match self.kept_key(cx, slot) {
                Some(kept) => (Some(kept), None),
                None => {
                    view::key(&mut self.card(cx), slot, &seen.map, seen.vendors).map_err(answer::reading)?
                }
            };
            self.seen.wishes.learn(slot, pin_policy);
            self.seen.keys.insert(slot, key);
        }
        let key = self.seen.keys.get(&slot).cloned().flatten().ok_or(Status::NoKeyContainer)?;
        let (spec, public) = places::spec(slot, &key, told).ok_or(Status::NoKeyContainer)?;
        Ok((slot, spec, public))
    }

    pub(super) fn public_keys(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<ContainerKeys> {
        let (slot, spec, public) = self.key_at(cx, index)?;
        self.keep(cx, slot);
        Ok(match spec.half() {
            KeyHalf::Signature => ContainerKeys { signature: Some(public), key_exchange: None },
            KeyHalf::KeyExchange => ContainerKeys { signature: None, key_exchange: Some(public) },
        })
    }

    /// The role that a container's key wants: everyone for 9E, unless its key turned out to want the PIN; the
    /// PIN each time for 9C, and for slots that turned out to want it.
    pub(super) fn owner(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<PinId> {
        let (slot, _, _) = self.key_at(cx, index)?;
        let wishes = &self.seen.wishes;
        Ok(if slot.is_pin_always() || wishes.pin_again.contains(&slot) {
            pins::always()
        } else if slot.is_free() && !wishes.pin.contains(&slot) {
            PinId::EVERYONE
        } else {
            PinId::USER
        })
    }

    /// Before a PIN for one use: whatever a PIN-always key needs to be known is read now, so that VERIFY is
    /// followed by the key's use.
    pub(super) fn prepare_always(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        let places = self.seen_map(cx)?.places;
        let known = self.seen.wishes.pin_again.iter().copied();
        let slots: BTreeSet<Slot> = known.chain([Slot::Signature]).collect();
        for index in slots.into_iter().filter_map(|slot| places.index(slot)) {
            match self.key_at(cx, index) {
                Ok((_, _, PublicKey::Rsa(key))) if key.modulus_len() > SHORT => self.prove_length(cx)?,
                Ok(_) | Err(Status::NoKeyContainer) => {}
                Err(status) => return Err(status),
            }
        }
        Ok(())
    }

    /// Behind the PIN a command in extended length is sent only where the card is known to take it, else in
    /// parts. One read of the Discovery object, which is short, costs less than they do.
    fn prove_length(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        if self.card(cx).is_extended_length_open() {
            self.pin = Some(self.card(cx).primary_pin().map_err(answer::reading)?);
        }
        Ok(())
    }

    /// The key behind a reference, which must be of the kind the caller believes it to be.
    fn usable(&mut self, cx: &mut CardContext<'_>, key: KeyRef) -> Result<Usable> {
        let (slot, spec, public) = self.key_at(cx, key.container)?;
        if spec != key.spec {
            return Err(Status::NoKeyContainer);
        }
        let algorithm = KeyAlgorithm::of(&SlotKey::from(public.clone())).ok_or(Status::UnsupportedFeature)?;
        Ok(Usable { slot, algorithm, public })
    }

    pub(super) fn sign_with(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        input: &SignatureInput<'_>,
    ) -> Result<Vec<u8>> {
        let key = self.usable(cx, key)?;
        let block = match (*input, &key.public) {
            (SignatureInput::Pkcs1(info), PublicKey::Rsa(public)) => {
                padding::pkcs1_sign_block(info, public.modulus_len()).map_err(|_| Status::InvalidParameter)?
            }
            (SignatureInput::RawRsa(block), PublicKey::Rsa(public))
                if block.len() == public.modulus_len() =>
            {
                block.to_vec()
            }
            (SignatureInput::Ecdsa(hash), PublicKey::Ec(_)) => hash.to_vec(),
            _ => return Err(Status::InvalidParameter),
        };
        let mut card = self.card(cx);
        let verified = card.state().verified().user;
        let signed = card.sign(key.slot, key.algorithm, &block);
        signed.map_err(|error| self.refused_use(cx, key.slot, verified, error))
    }

    /// What a refusal teaches: a slot that wants the PIN although it was verified wants it each time, one that
    /// everybody may use by the standard and that is refused wants it too, and one whose key is another has been
    /// changed.
    fn refused_use(
        &mut self,
        cx: &mut CardContext<'_>,
        slot: Slot,
        verified: bool,
        error: PivError,
    ) -> Status {
        if error.is_access_denied() {
            if verified {
                self.seen.wishes.pin_again.insert(slot);
            } else if slot.is_free() {
                self.seen.wishes.pin.insert(slot);
            }
        }
        let mut status = answer::using_a_key(error);
        if status == Status::Cancelled {
            status = self.untouched(cx, slot);
        }
        if matches!(status, Status::NoKeyContainer | Status::InvalidParameter) {
            self.seen.forget_key(slot);
            self.trust.lose();
        }
        status
    }

    /// What `6985` means: nobody touched the token in time, or, on cards that do not know of touches, that there
    /// is no key. Cards that know of touches tell of their keys, but for old ones of the first maker, whose
    /// version says so.
    fn untouched(&mut self, cx: &mut CardContext<'_>, slot: Slot) -> Status {
        let mut card = self.card(cx);
        match card.metadata(slot.reference()) {
            Ok(Some(_)) => Status::Cancelled,
            Err(error @ PivError::Exchange(_)) => answer::using_a_key(error),
            Ok(None) => Status::NoKeyContainer,
            Err(_) => match card.version() {
                Ok(Some(FirmwareVersion(4, _, _) | FirmwareVersion(5, 0..=2, _))) => Status::Cancelled,
                Err(error @ PivError::Exchange(_)) => answer::using_a_key(error),
                Ok(_) | Err(_) => Status::NoKeyContainer,
            },
        }
    }
}

impl RsaDecryption for PivModule {
    fn decrypt_raw(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        ciphertext: &[u8],
    ) -> Result<SecretBytes> {
        let key = self.usable(cx, key)?;
        match &key.public {
            PublicKey::Rsa(public) if public.modulus_len() == ciphertext.len() => {}
            _ => return Err(Status::InvalidParameter),
        }
        let mut card = self.card(cx);
        let verified = card.state().verified().user;
        let opened = card.decipher(key.slot, key.algorithm, ciphertext);
        opened.map_err(|error| self.refused_use(cx, key.slot, verified, error))
    }
}

impl KeyAgreement for PivModule {
    fn agree(&mut self, cx: &mut CardContext<'_>, key: KeyRef, peer: &EcPublicKey) -> Result<SecretBytes> {
        let key = self.usable(cx, key)?;
        match &key.public {
            PublicKey::Ec(own) if own.curve() == peer.curve() => {}
            _ => return Err(Status::InvalidParameter),
        }
        let mut card = self.card(cx);
        let verified = card.state().verified().user;
        let agreed = card.agree(key.slot, &SlotKey::Ec(peer.clone()));
        agreed.map_err(|error| self.refused_use(cx, key.slot, verified, error))
    }
}
