//! What of a PIV application survives a power cut.

use std::collections::BTreeMap;

use cardmod_iso7816::tlv::{Tag, length_field};
use cardmod_types::Pin;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::key::{Slot, StoredKey, TouchPolicy};
use super::object;
use super::secret::{self, Secret, Use, padded};
use crate::fault::CardFault;
use crate::model::codec::{Decoder, Encoder, Malformed};
use crate::personalise::Object;
use crate::profile::{DEFAULT_FIRMWARE, DEFAULT_MANAGEMENT_KEY, ManagementAlgorithm, PivFlavour, PivProfile};

/// The AID of SP 800-73 with its version (part 1, section 2.2).
pub(crate) const AID: [u8; 11] = [0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00];

/// The layout of the bytes that [`Persistent::encode`] writes. The first one knew no firmware version.
const LAYOUT: u8 = 2;

/// The PIV application's part of an image.
#[derive(Clone)]
pub(crate) struct Persistent {
    pub(crate) flavour: PivFlavour,
    /// YubiKey's serial number.
    pub(crate) serial: u32,
    /// YubiKey's version: major, minor, patch.
    pub(crate) firmware: [u8; 3],
    pub(crate) pin: Secret,
    pub(crate) puk: Secret,
    pub(crate) global: Option<Global>,
    pub(crate) management: ManagementKey,
    /// Values by tag: what is inside 53, or the whole object where there is no 53.
    pub(crate) objects: BTreeMap<u32, Zeroizing<Vec<u8>>>,
    pub(crate) keys: BTreeMap<Slot, StoredKey>,
}

/// The PIN of the whole card (key reference 00).
#[derive(Clone)]
pub(crate) struct Global {
    pub(crate) pin: Secret,
    /// Whether people are to be asked for it rather than for the application's PIN.
    pub(crate) primary: bool,
}

/// The key of reference 9B.
#[derive(Clone)]
pub(crate) struct ManagementKey {
    pub(crate) algorithm: ManagementAlgorithm,
    pub(crate) value: Zeroizing<Vec<u8>>,
    pub(crate) touch: TouchPolicy,
}

impl Persistent {
    /// An application as it leaves the factory: a sound profile's PINs and management key, these objects
    /// (inside of 53), no keys.
    pub(crate) fn new(
        profile: &PivProfile,
        objects: Vec<Object>,
        serial: u32,
    ) -> Result<Persistent, CardFault> {
        let secret = |what, typed: &Pin, tries| {
            let value = padded(profile.flavour, what, typed.as_bytes());
            value
                .map(|value| Secret::new(value, tries))
                .ok_or(CardFault::Inconsistent("a PIN no card can have"))
        };
        let global = match &profile.global_pin {
            None => None,
            Some(pin) => Some(Global {
                pin: secret(Use::Pin, pin, profile.pin_tries)?,
                primary: profile.global_pin_first,
            }),
        };
        Ok(Persistent {
            flavour: profile.flavour,
            serial,
            firmware: profile.firmware,
            pin: secret(Use::Pin, &profile.pin, profile.pin_tries)?,
            puk: secret(Use::Puk, &profile.puk, profile.puk_tries)?,
            global,
            management: ManagementKey {
                algorithm: profile.management_algorithm,
                value: Zeroizing::new(profile.management_key.as_bytes().to_vec()),
                touch: TouchPolicy::Never,
            },
            objects: objects.into_iter().map(|(tag, value)| (tag.get(), value)).collect(),
            keys: BTreeMap::new(),
        })
    }

    /// As RESET leaves a YubiKey: default values and nothing stored but what attests.
    pub(crate) fn factory(&self) -> Result<Persistent, CardFault> {
        let defaults = PivProfile::new(Pin::from(secret::DEFAULT_PIN), Pin::from(secret::DEFAULT_PUK));
        // From firmware 5.7 on the same bytes are an AES key.
        let aes = self.firmware >= [5, 7, 0];
        let profile = PivProfile {
            flavour: self.flavour,
            firmware: self.firmware,
            management_algorithm: if aes {
                ManagementAlgorithm::Aes192
            } else {
                ManagementAlgorithm::TripleDes
            },
            ..defaults
        };
        let mut fresh = Persistent::new(&profile, Vec::new(), self.serial)?;
        let certificate = self.objects.get(&object::ATTESTATION);
        fresh.objects.extend(certificate.map(|value| (object::ATTESTATION, value.clone())));
        fresh.keys.extend(self.keys.get(&Slot::ATTESTATION).map(|key| (Slot::ATTESTATION, key.clone())));
        Ok(fresh)
    }

    /// Bytes in use of [`crate::CardOptions::capacity`].
    pub(crate) fn used(&self) -> usize {
        let object = |(tag, value): (&u32, &Zeroizing<Vec<u8>>)| {
            Tag::new(*tag).bytes().len() + length_field(value.len()).len() + value.len()
        };
        let objects: usize = self.objects.iter().map(object).sum();
        objects + self.keys.values().map(StoredKey::size).sum::<usize>()
    }

    /// How many keys there are besides the one that attests.
    pub(crate) fn keys_of_the_user(&self) -> usize {
        self.keys.keys().filter(|slot| **slot != Slot::ATTESTATION).count()
    }

    /// The Discovery object (SP 800-73 part 1, 3.3.2): which PINs there are, and which to ask for.
    pub(crate) fn discovery(&self) -> Vec<u8> {
        let policy = match &self.global {
            None => [0x40, 0x00],
            Some(Global { primary: false, .. }) => [0x60, 0x10],
            Some(Global { primary: true, .. }) => [0x60, 0x20],
        };
        let mut object = vec![0x7E, 0x12, 0x4F, 0x0B];
        object.extend_from_slice(&AID);
        object.extend_from_slice(&[0x5F, 0x2F, 0x02]);
        object.extend_from_slice(&policy);
        object
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.byte(LAYOUT);
        out.flag(self.flavour.is_yubikey());
        out.long(self.serial);
        out.raw(&self.firmware);
        self.pin.encode(out);
        self.puk.encode(out);
        out.option(self.global.as_ref(), |out, global| {
            global.pin.encode(out);
            out.flag(global.primary);
        });
        self.management.encode(out);
        out.long(u32::try_from(self.objects.len()).unwrap_or(u32::MAX));
        for (tag, value) in &self.objects {
            out.long(*tag);
            out.bytes(value);
        }
        out.byte(u8::try_from(self.keys.len()).unwrap_or(u8::MAX));
        for (slot, key) in &self.keys {
            out.byte(slot.reference());
            key.encode(out);
        }
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Persistent, Malformed> {
        let layout = read.byte()?;
        if !(1..=LAYOUT).contains(&layout) {
            return Err(Malformed);
        }
        let flavour = if read.flag()? { PivFlavour::YubiKey } else { PivFlavour::Standard };
        let serial = read.long()?;
        let firmware = if layout == 1 { DEFAULT_FIRMWARE } else { read.array()? };
        let (pin, puk) = (Secret::decode(read)?, Secret::decode(read)?);
        let global = read.option(|read| Ok(Global { pin: Secret::decode(read)?, primary: read.flag()? }))?;
        let management = ManagementKey::decode(read)?;
        let mut objects = BTreeMap::new();
        for _ in 0..read.long()? {
            let tag = read.long()?;
            objects.insert(tag, Zeroizing::new(read.bytes()?.to_vec()));
        }
        let mut keys = BTreeMap::new();
        for _ in 0..read.byte()? {
            let slot = Slot::of(read.byte()?, flavour).ok_or(Malformed)?;
            keys.insert(slot, StoredKey::decode(read)?);
        }
        Ok(Persistent { flavour, serial, firmware, pin, puk, global, management, objects, keys })
    }
}

impl ManagementKey {
    /// Whether it is the one everybody knows.
    pub(crate) fn is_default(&self) -> bool {
        self.value.as_slice().ct_eq(&DEFAULT_MANAGEMENT_KEY).into()
    }

    fn encode(&self, out: &mut Encoder) {
        out.byte(self.algorithm.id());
        out.bytes(&self.value);
        out.byte(self.touch as u8);
    }

    fn decode(read: &mut Decoder<'_>) -> Result<ManagementKey, Malformed> {
        let algorithm = ManagementAlgorithm::from_id(read.byte()?).ok_or(Malformed)?;
        let value = Zeroizing::new(read.bytes()?.to_vec());
        let touch = TouchPolicy::from_byte(read.byte()?).ok_or(Malformed)?;
        let sound = value.len() == algorithm.key_len();
        if sound { Ok(ManagementKey { algorithm, value, touch }) } else { Err(Malformed) }
    }
}
