//! A container map that is damaged, foreign or lost, made anew from what is on the card: the keys say
//! which containers there are, the readable records and the certificates say their names.

use std::collections::BTreeSet;

use cardmod_sys::SCARD_E_NO_KEY_CONTAINER;
use cardmod_types::{
    CardId, ContainerIndex, ContainerKeys, ContainerMap, ContainerName, ContainerRecord, DirectoryName,
    FilePath, KeyHalf, PublicKey, RecordState,
};

use super::cache::Counter;
use super::containers::{HALVES, is_missing};
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::session::CardSession;
use crate::error::Error;
use crate::x509;

/// The indexes that are looked at on a card that does not say how many containers it can have.
const USUAL_CONTAINERS: u32 = 32;

/// What a new container map would be, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildPlan {
    /// What is wrong with the file as a whole, where it cannot be read as a map.
    pub problem: Option<String>,
    /// The places of the map at which there is, or was, something; by index.
    pub entries: Vec<RebuildEntry>,
    /// The file as it is; `None` where there is none.
    pub before: Option<Vec<u8>>,
    /// The file as it is to be.
    pub after: Vec<u8>,
}

impl RebuildPlan {
    /// Something is to be written.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before.as_deref().unwrap_or_default() != self.after
    }
}

/// One place of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RebuildEntry {
    /// The container's index.
    pub index: ContainerIndex,
    /// What happens to its record.
    pub action: RebuildAction,
    /// The name in the record, where that can be read.
    pub name_before: Option<String>,
    /// The name it is to have; `None` where the place becomes, or stays, vacant.
    pub name: Option<String>,
    /// It is to be the default container.
    pub default: bool,
    /// The keys on the card, with their lengths in bits.
    pub keys: Vec<(KeyHalf, u32)>,
    /// The certificate files on the card.
    pub certificates: Vec<KeyHalf>,
    /// What was wrong, one clause each.
    pub remarks: Vec<String>,
}

/// What happens to a record of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RebuildAction {
    /// It stays as it is.
    Keep,
    /// It is written anew: another name, lengths or default flag.
    Repair,
    /// A key that no record told of gets one.
    Add,
    /// A damaged record without a key is vacated.
    Clear,
}

/// What is on the card at an index.
struct Found {
    /// `None` where the module fails to tell: the record is left alone.
    keys: Option<ContainerKeys>,
    certificates: Vec<KeyHalf>,
    /// The subject's common name of the certificate.
    subject: Option<String>,
    remarks: Vec<String>,
}

impl CardSession {
    /// What [`rebuild_map`](Self::rebuild_map) would write. Needs no PIN, and writes nothing.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Call`].
    pub fn plan_rebuild(&mut self) -> Result<RebuildPlan, Error> {
        self.without_hints(|session| session.plain(Repeat::Safe, Self::rebuild_plan))
    }

    /// Makes the container map anew from what is on the card, and writes it once. Readable records keep
    /// their names; keys without a readable record get the name of their certificate's subject, or one
    /// made of the card's identity and the index; a second container of the same name gets its index
    /// behind it; of several defaults the first with a key stays. Nothing else on the card is changed.
    ///
    /// # Errors
    /// [`Error::ReadOnlyCard`], those of the PIN and the card.
    pub fn rebuild_map(&mut self, pins: &mut dyn PinSource) -> Result<RebuildPlan, Error> {
        let need = |session: &mut Self| {
            session.writable()?;
            // Nothing to write needs no PIN.
            Ok(if session.rebuild_plan()?.changes() { Need::user() } else { Need::default() })
        };
        self.change(Repeat::Never, Some(pins), need, |session| {
            let plan = session.rebuild_plan()?;
            if plan.changes() {
                session.count(&[Counter::Containers, Counter::Files])?;
                session.remember_map(None);
                session.write_or_create(&FilePath::cmapfile(), &plan.after)?;
            }
            Ok(plan)
        })
    }

    fn rebuild_plan(&mut self) -> Result<RebuildPlan, Error> {
        self.refresh()?;
        let before = self.map_file()?;
        let (old, problem) = match ContainerMap::parse(before.as_deref().unwrap_or_default()) {
            Ok(map) => (map, None),
            Err(error) => (ContainerMap::new(), Some(error.to_string())),
        };
        let files = self.certificate_files()?;
        let mut entries = Vec::new();
        let mut names = Names::new(self.card_id()?);
        // First every name that stays, so that no invented one takes it.
        old.iter().for_each(|(_, record)| names.reserve(&record.name));
        for index in self.indexes(&old, &files)? {
            let found = self.found(index, &files)?;
            entries.extend(entry(index, old.state(index), found, &mut names));
        }
        choose_default(&old, &mut entries);
        let after = map_of(&old, &entries, before.as_deref().unwrap_or_default());
        Ok(RebuildPlan { problem, entries, before, after })
    }

    /// The map's file as it is; `None` where there is none.
    fn map_file(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let path = FilePath::cmapfile();
        match self.module.read_file(&path) {
            Ok(file) => Ok(Some(file.to_vec())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(Error::of_file(&self.reader, &path.to_string(), "read a file", error)),
        }
    }

    /// The keys whose certificate files are in the directory.
    fn certificate_files(&mut self) -> Result<Vec<(KeyHalf, ContainerIndex)>, Error> {
        match self.module.enum_files(Some(&DirectoryName::MSCP)) {
            Ok(names) => Ok(names.iter().filter_map(|name| name.certified_key()).collect()),
            Err(error) if is_missing(&error) => Ok(Vec::new()),
            Err(error) => Err(Error::of_file(&self.reader, "mscp", "list files", error)),
        }
    }

    /// Every index at which something may be.
    fn indexes(
        &mut self,
        map: &ContainerMap,
        files: &[(KeyHalf, ContainerIndex)],
    ) -> Result<impl Iterator<Item = ContainerIndex> + use<>, Error> {
        let space = self.module.free_space().map_err(|error| self.failed("tell its free space", error))?;
        let told = usize::try_from(space.max_containers.unwrap_or(USUAL_CONTAINERS)).unwrap_or(usize::MAX);
        let highest = files.iter().map(|(_, index)| usize::from(index.get()) + 1).max().unwrap_or(0);
        let count = told.max(map.len()).max(highest);
        Ok((0..=u8::MAX).take(count).map(ContainerIndex::new))
    }

    /// What is on the card at an index.
    fn found(&mut self, index: ContainerIndex, files: &[(KeyHalf, ContainerIndex)]) -> Result<Found, Error> {
        let mut remarks = Vec::new();
        let keys = match self.module.get_container_info(index) {
            Ok(keys) => Some(keys),
            Err(error) if error.is(SCARD_E_NO_KEY_CONTAINER) => Some(ContainerKeys::default()),
            Err(error) => match self.failed("tell the public keys of a container", error) {
                // Of the connection, not of these keys.
                error if error.fault().is_some() => return Err(error),
                error => {
                    remarks.push(format!("its keys cannot be read: {error}"));
                    None
                }
            },
        };
        let certificates: Vec<KeyHalf> =
            HALVES.into_iter().filter(|half| files.contains(&(*half, index))).collect();
        let mut subject = None;
        for half in &certificates {
            match self.certificate(*half, index) {
                Ok(Some(der)) => subject = subject.or_else(|| x509::common_name(&der)),
                Ok(None) => {}
                Err(Error::BadCardData { what, .. }) => remarks.push(what),
                Err(error) => return Err(error),
            }
        }
        Ok(Found { keys, certificates, subject, remarks })
    }
}

/// What becomes of one place of the map; `None` where nothing is there.
fn entry(
    index: ContainerIndex,
    state: RecordState<'_>,
    found: Found,
    names: &mut Names,
) -> Option<RebuildEntry> {
    let Found { keys, certificates, subject, mut remarks } = found;
    let known = keys.is_some();
    let keys = lengths(keys.as_ref());
    let (action, name_before, name) = match state {
        RecordState::Valid(record) => {
            let name = names.keep(&record.name, index);
            if name != record.name {
                remarks.push("another container has this name".to_owned());
            }
            if known && keys.is_empty() {
                remarks.push("it has no key: its creation was broken off".to_owned());
            }
            let lengths_right =
                HALVES.into_iter().all(|half| u32::from(record.bits(half)) == bits_of(&keys, half));
            if known && !lengths_right {
                remarks.push("the lengths of its keys were wrong".to_owned());
            }
            let right = name == record.name && (lengths_right || !known);
            let action = if right { RebuildAction::Keep } else { RebuildAction::Repair };
            (action, Some(record.name.clone()), Some(name))
        }
        RecordState::Damaged { cause, .. } => {
            remarks.push(format!("its record is damaged: {cause}"));
            match (known, keys.is_empty()) {
                (false, _) => (RebuildAction::Keep, None, None),
                (true, true) => (RebuildAction::Clear, None, None),
                (true, false) => (RebuildAction::Repair, None, Some(names.invent(subject, index))),
            }
        }
        RecordState::Vacant | RecordState::Absent => match (keys.is_empty(), certificates.is_empty()) {
            (false, _) => {
                remarks.push("no record told of its key".to_owned());
                (RebuildAction::Add, None, Some(names.invent(subject, index)))
            }
            (true, false) => {
                remarks.push("a certificate without a key, which stays".to_owned());
                (RebuildAction::Keep, None, None)
            }
            (true, true) => return None,
        },
    };
    let text = |name: ContainerName| name.as_str().to_owned();
    Some(RebuildEntry {
        index,
        action,
        name_before: name_before.map(text),
        name: name.map(text),
        default: false,
        keys,
        certificates,
        remarks,
    })
}

/// The keys with their lengths.
fn lengths(keys: Option<&ContainerKeys>) -> Vec<(KeyHalf, u32)> {
    let key = |half| match half {
        KeyHalf::Signature => keys?.signature.as_ref(),
        KeyHalf::KeyExchange => keys?.key_exchange.as_ref(),
    };
    HALVES.into_iter().filter_map(|half| Some((half, key(half).map(PublicKey::bits)?))).collect()
}

fn bits_of(keys: &[(KeyHalf, u32)], half: KeyHalf) -> u32 {
    keys.iter().find(|(of, _)| *of == half).map_or(0, |(_, bits)| *bits)
}

/// One default container: the first marked one that has a key, else the first with a key, else what was.
fn choose_default(old: &ContainerMap, entries: &mut [RebuildEntry]) {
    let marked = |entry: &RebuildEntry| old.get(entry.index).is_some_and(|record| record.default);
    let usable = |entry: &RebuildEntry| entry.name.is_some() && !entry.keys.is_empty();
    let chosen = entries
        .iter()
        .position(|entry| usable(entry) && marked(entry))
        .or_else(|| entries.iter().position(usable))
        .or_else(|| entries.iter().position(|entry| entry.name.is_some() && marked(entry)));
    for (at, entry) in entries.iter_mut().enumerate() {
        entry.default = Some(at) == chosen;
        if entry.default == marked(entry) || entry.name.is_none() {
            continue;
        }
        entry.remarks.push(match entry.default {
            true => "becomes the default container".to_owned(),
            false => "is the default container no longer".to_owned(),
        });
        if entry.action == RebuildAction::Keep {
            entry.action = RebuildAction::Repair;
        }
    }
}

/// The file that the plan makes of the old one: untouched records stay byte for byte.
fn map_of(old: &ContainerMap, entries: &[RebuildEntry], before: &[u8]) -> Vec<u8> {
    if entries.iter().all(|entry| entry.action == RebuildAction::Keep)
        && before.get(old.len() * ContainerMap::RECORD_LEN..).is_some_and(|rest| rest.iter().all(|b| *b == 0))
    {
        return before.to_vec();
    }
    let mut map = old.clone();
    for entry in entries {
        match entry.action {
            RebuildAction::Keep => continue,
            RebuildAction::Clear => {
                map.discard_damaged(entry.index);
                continue;
            }
            RebuildAction::Repair | RebuildAction::Add => {}
        }
        map.discard_damaged(entry.index);
        let Some(Ok(name)) = entry.name.as_deref().map(ContainerName::parse) else { continue };
        let mut record = map.get(entry.index).cloned().unwrap_or_else(|| ContainerRecord::new(name.clone()));
        (record.name, record.default) = (name, entry.default);
        for half in HALVES {
            record.set_bits(half, u16::try_from(bits_of(&entry.keys, half)).unwrap_or(u16::MAX));
        }
        // What was damaged is vacant by now, so nothing refuses the record.
        if let Err(error) = map.set(entry.index, Some(record)) {
            tracing::debug!(%error, "a record of the rebuilt container map");
        }
    }
    map.to_bytes()
}

/// The names of the new map: each once.
struct Names {
    card: Option<CardId>,
    /// Names of records, which no invented name may take.
    reserved: BTreeSet<ContainerName>,
    /// Names given out.
    taken: BTreeSet<ContainerName>,
}

impl Names {
    fn new(card: Option<CardId>) -> Self {
        Self { card, reserved: BTreeSet::new(), taken: BTreeSet::new() }
    }

    fn reserve(&mut self, name: &ContainerName) {
        self.reserved.insert(name.clone());
    }

    /// A record's own name, or where an earlier one has it, with the index behind it.
    fn keep(&mut self, name: &ContainerName, index: ContainerIndex) -> ContainerName {
        if self.taken.insert(name.clone()) {
            return name.clone();
        }
        self.numbered(name.as_str(), index)
    }

    /// A name for a key that has none.
    fn invent(&mut self, subject: Option<String>, index: ContainerIndex) -> ContainerName {
        let subject = subject.and_then(|subject| ContainerName::parse(&subject).ok());
        let name = subject.filter(|name| self.is_free(name)).or_else(|| {
            let name = ContainerName::parse(&derived_name(self.card.as_ref(), index)).ok()?;
            self.is_free(&name).then_some(name)
        });
        let Some(name) = name else { return self.numbered("container", index) };
        self.taken.insert(name.clone());
        name
    }

    fn is_free(&self, name: &ContainerName) -> bool {
        !self.reserved.contains(name) && !self.taken.contains(name)
    }

    /// The text cut to leave room for the number, which goes on until the name is free.
    fn numbered(&mut self, text: &str, index: ContainerIndex) -> ContainerName {
        let mut number = u32::from(index.get());
        loop {
            let suffix = format!("-{number:02}");
            let mut units = ContainerName::MAX_UNITS - suffix.len();
            let start: String = text
                .chars()
                .take_while(|c| {
                    let left = units.checked_sub(c.len_utf16());
                    units = left.unwrap_or(0);
                    left.is_some()
                })
                .collect();
            if let Ok(name) = ContainerName::parse(&format!("{start}{suffix}"))
                && self.is_free(&name)
            {
                self.taken.insert(name.clone());
                return name;
            }
            number += 1;
        }
    }
}

/// A name in the form of a GUID: the card's identity with the index in its last byte, so that another
/// run, and another program that does the same, finds the same name.
fn derived_name(card: Option<&CardId>, index: ContainerIndex) -> String {
    let mut bytes = card.map_or([0; 16], |card| card.0);
    bytes[15] ^= index.get();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> ContainerName {
        ContainerName::parse(text).expect("a name")
    }

    #[test]
    fn names_are_given_once_and_the_same_again() {
        let at = ContainerIndex::new;
        let mut names = Names::new(Some(CardId([0x11; 16])));
        names.reserve(&name("web"));
        assert_eq!(names.keep(&name("web"), at(0)), name("web"));
        assert_eq!(names.keep(&name("web"), at(3)), name("web-03"));
        assert_eq!(names.invent(Some("mail".to_owned()), at(4)), name("mail"));
        assert_eq!(names.invent(Some("web".to_owned()), at(5)), name("11111111-1111-1111-1111-111111111114"));
        assert_eq!(names.invent(None, at(5)), name("container-05"));
        assert_eq!(names.invent(Some("back\\slash".to_owned()), at(6)).as_str().len(), 36);
    }

    #[test]
    fn a_number_fits_behind_the_longest_name() {
        let long = "\u{1F511}".repeat(19) + "x";
        let mut names = Names::new(None);
        assert_eq!(names.keep(&name(&long), ContainerIndex::new(0)), name(&long));
        let second = names.keep(&name(&long), ContainerIndex::new(12));
        assert!(second.as_str().ends_with("-12") && second.as_str().starts_with('\u{1F511}'), "{second}");
        assert_ne!(second, names.keep(&name(&long), ContainerIndex::new(12)));
    }
}
