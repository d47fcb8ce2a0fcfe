//! The file cmapfile: the containers of a card by name (minidriver specification, section 5.4.2).
//!
//! The file is a row of 86-byte records, whose position is the container's index. A record counts
//! when bit 0 of its flags is set. Records that nobody touches are written back byte for byte as
//! they were read, and a record that counts but has no readable name is reported as damaged and
//! never overwritten by accident.

use core::fmt;

use thiserror::Error;

use crate::keyspec::{ContainerIndex, KeyHalf};

/// Length in bytes of a `CONTAINER_MAP_RECORD`.
const RECORD_LEN: usize = 86;
/// UTF-16 units of `wszGuid`, terminator included.
const NAME_UNITS: usize = 40;
/// `CONTAINER_MAP_VALID_CONTAINER`.
const VALID: u8 = 1;
/// `CONTAINER_MAP_DEFAULT_CONTAINER`.
const DEFAULT: u8 = 2;
/// Indexes are bytes.
const MAX_RECORDS: usize = 256;

/// Why a text is no container name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContainerNameError {
    /// Nothing there.
    #[error("container name is empty")]
    Empty,
    /// More than 39 UTF-16 units.
    #[error("container name is longer than 39 characters")]
    TooLong,
    /// A backslash or NUL.
    #[error("container name contains a backslash or NUL")]
    Character,
    /// Not UTF-16 (a lone surrogate).
    #[error("container name is not UTF-16 text")]
    NotText,
}

/// A container's name: 1 to 39 UTF-16 units without backslash and NUL, often a GUID.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerName(String);

impl ContainerName {
    /// The most UTF-16 units a name has (`MAX_CONTAINER_NAME_LEN`).
    pub const MAX_UNITS: usize = NAME_UNITS - 1;

    /// Checks a name.
    ///
    /// # Errors
    /// [`ContainerNameError`] says which rule is broken.
    pub fn parse(name: &str) -> Result<Self, ContainerNameError> {
        if name.is_empty() {
            return Err(ContainerNameError::Empty);
        }
        if name.encode_utf16().count() > Self::MAX_UNITS {
            return Err(ContainerNameError::TooLong);
        }
        if name.contains(['\\', '\0']) {
            return Err(ContainerNameError::Character);
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads `wszGuid`: UTF-16LE up to a terminator, which must be there.
    fn from_field(field: &[u8]) -> Result<Self, ContainerNameError> {
        let units = field.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
        let units: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
        let name = String::from_utf16(&units).map_err(|_| ContainerNameError::NotText)?;
        Self::parse(&name)
    }
}

impl core::str::FromStr for ContainerName {
    type Err = ContainerNameError;

    fn from_str(name: &str) -> Result<Self, ContainerNameError> {
        Self::parse(name)
    }
}

impl AsRef<str> for ContainerName {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ContainerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A container as the map describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRecord {
    /// `wszGuid`.
    pub name: ContainerName,
    /// `CONTAINER_MAP_DEFAULT_CONTAINER`.
    pub default: bool,
    /// `wSigKeySizeBits`: 0 where there is no signature key.
    pub signature_bits: u16,
    /// `wKeyExchangeKeySizeBits`: 0 where there is no key exchange key.
    pub key_exchange_bits: u16,
}

impl ContainerRecord {
    /// A container of this name without keys.
    #[must_use]
    pub const fn new(name: ContainerName) -> Self {
        Self { name, default: false, signature_bits: 0, key_exchange_bits: 0 }
    }

    /// The length in bits of a half's key; 0 where there is none.
    #[must_use]
    pub const fn bits(&self, half: KeyHalf) -> u16 {
        match half {
            KeyHalf::Signature => self.signature_bits,
            KeyHalf::KeyExchange => self.key_exchange_bits,
        }
    }

    /// Notes the length in bits of a half's key; 0 for none.
    pub const fn set_bits(&mut self, half: KeyHalf, bits: u16) {
        match half {
            KeyHalf::Signature => self.signature_bits = bits,
            KeyHalf::KeyExchange => self.key_exchange_bits = bits,
        }
    }

    fn to_raw(&self) -> RawRecord {
        let mut raw = [0; RECORD_LEN];
        for (to, unit) in raw.as_chunks_mut::<2>().0.iter_mut().zip(self.name.0.encode_utf16()) {
            *to = unit.to_le_bytes();
        }
        raw[80] = if self.default { VALID | DEFAULT } else { VALID };
        raw[82..84].copy_from_slice(&self.signature_bits.to_le_bytes());
        raw[84..86].copy_from_slice(&self.key_exchange_bits.to_le_bytes());
        raw
    }
}

type RawRecord = [u8; RECORD_LEN];

/// What the map cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ContainerMapError {
    /// The file has more records than there are indexes.
    #[error("container map has {0} records, more than the 256 there are indexes for")]
    TooManyRecords(usize),
    /// The file has something in it, and that is shorter than a record.
    #[error("container map has {0} bytes, fewer than the 86 of a record")]
    TooShort(usize),
    /// The record is marked valid but has no readable name; see [`ContainerMap::discard_damaged`].
    #[error("container map record {index} is damaged ({cause})")]
    Damaged {
        /// The record.
        index: ContainerIndex,
        /// What is wrong with its name.
        cause: ContainerNameError,
    },
    /// No valid record there.
    #[error("container map has no container {0}")]
    NoSuchContainer(ContainerIndex),
}

/// A record of the map, whatever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState<'a> {
    /// Beyond the file's end.
    Absent,
    /// Not marked valid: free for use.
    Vacant,
    /// A container.
    Valid(&'a ContainerRecord),
    /// Marked valid, but without a readable name.
    Damaged {
        /// What is wrong with the name.
        cause: ContainerNameError,
        /// The record's bytes.
        raw: &'a [u8; RECORD_LEN],
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Vacant,
    Valid(ContainerRecord),
    Damaged(ContainerNameError),
}

#[derive(Clone, PartialEq, Eq)]
struct Slot {
    raw: RawRecord,
    content: Content,
}

impl Slot {
    const VACANT: Self = Self { raw: [0; RECORD_LEN], content: Content::Vacant };

    fn parse(raw: RawRecord) -> Self {
        let content = if raw[80] & VALID == 0 {
            Content::Vacant
        } else {
            match ContainerName::from_field(&raw[..2 * NAME_UNITS]) {
                Ok(name) => Content::Valid(ContainerRecord {
                    name,
                    default: raw[80] & DEFAULT != 0,
                    signature_bits: u16::from_le_bytes([raw[82], raw[83]]),
                    key_exchange_bits: u16::from_le_bytes([raw[84], raw[85]]),
                }),
                Err(cause) => Content::Damaged(cause),
            }
        };
        Self { raw, content }
    }

    fn record(&self) -> Option<&ContainerRecord> {
        match &self.content {
            Content::Valid(record) => Some(record),
            _ => None,
        }
    }

    fn set_default(&mut self, default: bool) {
        if let Content::Valid(record) = &mut self.content
            && record.default != default
        {
            record.default = default;
            self.raw[80] ^= DEFAULT;
        }
    }
}

/// The containers of a card.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ContainerMap {
    slots: Vec<Slot>,
}

impl ContainerMap {
    /// Length in bytes of a record.
    pub const RECORD_LEN: usize = RECORD_LEN;

    /// The map of a fresh card: an empty file.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the file's content. Bytes after the last whole record mean nothing, as do zeros alone.
    ///
    /// # Errors
    /// [`ContainerMapError::TooManyRecords`], [`ContainerMapError::TooShort`]. A damaged record is no error here: the others stay
    /// usable, and it is found by [`ContainerMap::damaged`].
    pub fn parse(file: &[u8]) -> Result<Self, ContainerMapError> {
        let (records, rest) = file.as_chunks::<RECORD_LEN>();
        if records.is_empty() && rest.iter().any(|byte| *byte != 0) {
            return Err(ContainerMapError::TooShort(file.len()));
        }
        if records.len() > MAX_RECORDS {
            return Err(ContainerMapError::TooManyRecords(records.len()));
        }
        Ok(Self { slots: records.iter().copied().map(Slot::parse).collect() })
    }

    /// The file's content: untouched records as they were read, vacated ones zero.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.slots.iter().flat_map(|slot| slot.raw).collect()
    }

    /// How many records there are, vacant ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the map has no record at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// The container of this index.
    #[must_use]
    pub fn get(&self, index: ContainerIndex) -> Option<&ContainerRecord> {
        self.slots.get(usize::from(index.get()))?.record()
    }

    /// What is at this index.
    #[must_use]
    pub fn state(&self, index: ContainerIndex) -> RecordState<'_> {
        match self.slots.get(usize::from(index.get())) {
            None => RecordState::Absent,
            Some(Slot { content: Content::Vacant, .. }) => RecordState::Vacant,
            Some(Slot { content: Content::Valid(record), .. }) => RecordState::Valid(record),
            Some(Slot { content: Content::Damaged(cause), raw }) => {
                RecordState::Damaged { cause: *cause, raw }
            }
        }
    }

    /// The containers, by index.
    pub fn iter(&self) -> impl Iterator<Item = (ContainerIndex, &ContainerRecord)> {
        self.indexed().filter_map(|(index, slot)| Some((index, slot.record()?)))
    }

    /// The damaged records, by index.
    pub fn damaged(&self) -> impl Iterator<Item = (ContainerIndex, ContainerNameError)> {
        self.indexed().filter_map(|(index, slot)| match slot.content {
            Content::Damaged(cause) => Some((index, cause)),
            _ => None,
        })
    }

    /// The container of this name, the first one where several have it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<ContainerIndex> {
        self.iter().find(|(_, record)| record.name.as_str() == name).map(|(index, _)| index)
    }

    /// The default container, the first one where several are marked.
    #[must_use]
    pub fn default_container(&self) -> Option<ContainerIndex> {
        self.iter().find(|(_, record)| record.default).map(|(index, _)| index)
    }

    /// Where a new container goes: the lowest vacant record, or behind the last one; `None` when
    /// every index is taken.
    #[must_use]
    pub fn free_index(&self) -> Option<ContainerIndex> {
        let vacant = self.slots.iter().position(|slot| slot.content == Content::Vacant);
        u8::try_from(vacant.unwrap_or(self.slots.len())).ok().map(ContainerIndex::new)
    }

    /// Writes a container's record, or with `None` vacates it (all zero). A record that becomes the
    /// default takes this from the others. Records between the file's end and a new one are vacant.
    ///
    /// # Errors
    /// [`ContainerMapError::Damaged`] instead of overwriting such a record.
    pub fn set(
        &mut self,
        index: ContainerIndex,
        record: Option<ContainerRecord>,
    ) -> Result<(), ContainerMapError> {
        let at = usize::from(index.get());
        if let RecordState::Damaged { cause, .. } = self.state(index) {
            return Err(ContainerMapError::Damaged { index, cause });
        }
        let Some(record) = record else {
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = Slot::VACANT;
            }
            return Ok(());
        };
        if record.default {
            self.slots.iter_mut().for_each(|slot| slot.set_default(false));
        }
        if self.slots.len() <= at {
            self.slots.resize(at + 1, Slot::VACANT);
        }
        self.slots[at] = Slot { raw: record.to_raw(), content: Content::Valid(record) };
        Ok(())
    }

    /// Makes a container the default one, and no other.
    ///
    /// # Errors
    /// [`ContainerMapError::NoSuchContainer`].
    pub fn set_default(&mut self, index: ContainerIndex) -> Result<(), ContainerMapError> {
        if self.get(index).is_none() {
            return Err(ContainerMapError::NoSuchContainer(index));
        }
        for (at, slot) in self.slots.iter_mut().enumerate() {
            slot.set_default(at == usize::from(index.get()));
        }
        Ok(())
    }

    /// Vacates a damaged record, for a caller who knows that nothing is lost; answers whether it was one.
    pub fn discard_damaged(&mut self, index: ContainerIndex) -> bool {
        let slot = self.slots.get_mut(usize::from(index.get()));
        match slot {
            Some(slot) if matches!(slot.content, Content::Damaged(_)) => {
                *slot = Slot::VACANT;
                true
            }
            _ => false,
        }
    }

    fn indexed(&self) -> impl Iterator<Item = (ContainerIndex, &Slot)> {
        (0..=u8::MAX).map(ContainerIndex::new).zip(&self.slots)
    }
}

impl fmt::Debug for ContainerMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.indexed().map(|(index, slot)| (index.get(), &slot.content))).finish()
    }
}
