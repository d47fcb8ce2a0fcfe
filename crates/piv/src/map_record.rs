//! One record of the stored container map: 107 packed bytes, as Yubico's published library declares them
//! (yubico-piv-tool, `ykpiv_container`).

use std::fmt;

use cardmod_types::{ContainerName, KeySpec};

use crate::{KeyReference, Slot};

/// Length of a record in bytes.
pub(crate) const RECORD_LEN: usize = 107;
/// Length of the name in it: 40 UTF-16 units, terminator included.
const NAME_LEN: usize = 80;
/// Where the slot's reference stands.
const SLOT: usize = 80;
/// Where the key spec stands.
const SPEC: usize = 81;
/// Where the key's size in bits stands, little-endian.
const BITS: usize = 82;
/// Where the flags stand: those of the minidriver specification's container map.
const FLAGS: usize = 84;
/// Where the PIN's number stands.
const PIN: usize = 85;
/// Where the index of the associated ECDH container stands.
const ASSOCIATED: usize = 86;
/// Where the certificate's fingerprint stands.
const FINGERPRINT: usize = 87;

/// Flag: the record is in use.
const VALID: u8 = 1;
/// Flag: the default container.
const DEFAULT: u8 = 2;
/// The user's PIN.
const USER: u8 = 1;
/// No associated container.
const NONE: u8 = 0xFF;

/// What the map says of one container. Fields nobody here knows keep their bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct MapRecord {
    raw: [u8; RECORD_LEN],
}

impl MapRecord {
    /// A container of this name, whose key of this spec and size lies in this slot.
    #[must_use]
    pub fn new(name: &ContainerName, slot: Slot, spec: KeySpec, bits: u16) -> Self {
        let mut record = Self { raw: [0; RECORD_LEN] };
        record.raw[FLAGS] = VALID;
        record.raw[PIN] = USER;
        record.raw[ASSOCIATED] = NONE;
        record.set_name(name);
        record.set_key(slot, spec, bits);
        record
    }

    /// A record of its bytes.
    #[must_use]
    pub const fn from_bytes(raw: [u8; RECORD_LEN]) -> Self {
        Self { raw }
    }

    /// A record that says nothing.
    #[must_use]
    pub const fn vacant() -> Self {
        Self { raw: [0; RECORD_LEN] }
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; RECORD_LEN] {
        &self.raw
    }

    /// Whether the record is in use.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.raw[FLAGS] & VALID != 0
    }

    /// Whether it is the default container.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        self.raw[FLAGS] & DEFAULT != 0
    }

    /// The container's name; `None` where it is no name the interface knows.
    #[must_use]
    pub fn name(&self) -> Option<ContainerName> {
        let units = self.raw[..NAME_LEN].as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        ContainerName::parse(&String::from_utf16(&units).ok()?).ok()
    }

    /// The slot; `None` for a reference this edge does not know.
    #[must_use]
    pub const fn slot(&self) -> Option<Slot> {
        Slot::from_reference(KeyReference::new(self.raw[SLOT]))
    }

    /// The key spec; `None` for a number the interface does not know.
    #[must_use]
    pub fn spec(&self) -> Option<KeySpec> {
        KeySpec::try_from(u32::from(self.raw[SPEC])).ok()
    }

    /// The key's size in bits.
    #[must_use]
    pub const fn bits(&self) -> u16 {
        u16::from_le_bytes([self.raw[BITS], self.raw[BITS + 1]])
    }

    /// The certificate's fingerprint: the first 20 bytes of its SHA-256 digest, as the vendor's driver was
    /// observed to write it; zeros where it is not known.
    #[must_use]
    pub fn fingerprint(&self) -> &[u8] {
        &self.raw[FINGERPRINT..]
    }

    /// Gives the container another name.
    pub fn set_name(&mut self, name: &ContainerName) {
        self.raw[..NAME_LEN].fill(0);
        let units = name.as_str().encode_utf16();
        for (to, unit) in self.raw[..NAME_LEN].as_chunks_mut::<2>().0.iter_mut().zip(units) {
            *to = unit.to_le_bytes();
        }
    }

    /// Notes another key: its slot, spec and size. The old certificate's fingerprint goes.
    pub fn set_key(&mut self, slot: Slot, spec: KeySpec, bits: u16) {
        self.raw[SLOT] = slot.reference().get();
        // The specs of the interface are 1 to 8.
        self.raw[SPEC] = spec.code() as u8;
        self.raw[BITS..FLAGS].copy_from_slice(&bits.to_le_bytes());
        self.set_fingerprint(None);
    }

    /// Notes that the key lies in another slot now, with its certificate.
    pub const fn set_slot(&mut self, slot: Slot) {
        self.raw[SLOT] = slot.reference().get();
    }

    /// Notes whether it is the default container.
    pub const fn set_default(&mut self, default: bool) {
        self.raw[FLAGS] = if default { self.raw[FLAGS] | DEFAULT } else { self.raw[FLAGS] & !DEFAULT };
    }

    /// Notes the SHA-256 digest of the certificate, or that there is none.
    pub fn set_fingerprint(&mut self, sha256: Option<&[u8; 32]>) {
        let field = &mut self.raw[FINGERPRINT..];
        match sha256 {
            Some(digest) => field.iter_mut().zip(digest).for_each(|(to, from)| *to = *from),
            None => field.fill(0),
        }
    }
}

impl fmt::Debug for MapRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapRecord")
            .field("name", &self.name())
            .field("slot", &self.slot())
            .field("spec", &self.spec())
            .field("bits", &self.bits())
            .field("valid", &self.is_valid())
            .field("default", &self.is_default())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_laid_out_as_declared() {
        let name = ContainerName::parse("le-User-7f").unwrap();
        let mut record = MapRecord::new(&name, Slot::KeyManagement, KeySpec::KeyExchange, 2048);
        let raw = *record.as_bytes();
        assert_eq!(raw[..6], [b'l', 0, b'e', 0, b'-', 0]);
        assert_eq!(raw[80..87], [0x9D, 1, 0x00, 0x08, 0x01, 0x01, 0xFF]);
        assert_eq!(raw[87..], [0; 20]);
        record.set_default(true);
        record.set_fingerprint(Some(&[0xAB; 32]));
        assert_eq!(record.as_bytes()[84], 0x03);
        assert_eq!(record.fingerprint(), [0xAB; 20]);
        assert_eq!(record.name(), Some(name));
        assert_eq!((record.slot(), record.bits()), (Some(Slot::KeyManagement), 2048));
        assert!(record.is_valid() && record.is_default());
        record.set_key(Slot::Signature, KeySpec::EcdsaP384, 384);
        assert_eq!((record.spec(), record.fingerprint()), (Some(KeySpec::EcdsaP384), &[0; 20][..]));
        record.set_name(&ContainerName::parse("x").unwrap());
        assert_eq!(record.as_bytes()[..4], [b'x', 0, 0, 0], "nothing is left of the longer name");
    }

    #[test]
    fn what_is_unknown_is_none() {
        let mut raw = [0xFF; RECORD_LEN];
        let record = MapRecord::from_bytes(raw);
        assert_eq!((record.name(), record.slot(), record.spec()), (None, None, None));
        assert!(record.is_valid());
        raw[..2].copy_from_slice(&0xD800_u16.to_le_bytes());
        raw[2..80].fill(0);
        assert_eq!(MapRecord::from_bytes(raw).name(), None, "half a surrogate pair");
        assert!(!MapRecord::vacant().is_valid());
    }
}
