//! The file table, DO `DF1F` of EF `A000`: which data object holds which file of the minidriver's logical
//! file system (MSP, electrical profile).

use cardmod_types::{DirectoryName, FileName, FilePath, KeyHalf};

use crate::layout::{ef, object};

/// The first byte of every table.
const VERSION: u8 = 0x01;
/// Length of a record in bytes.
const RECORD: usize = 28;
/// Length of a name field in a record: 8 characters and their terminator.
const NAME_FIELD: usize = 9;

/// The table's bytes are no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The version byte is not 1.
    #[error("version {0} is not known")]
    Version(u8),
    /// The length is not a number of whole records.
    #[error("{0} bytes are no whole number of records")]
    Length(usize),
}

/// Where a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileEntry {
    /// Its path.
    pub path: FilePath,
    /// The EF, which says who may read and write it.
    pub ef: u16,
    /// The data object in that EF.
    pub tag: u32,
}

/// A record as it stands on the card. Records this project cannot read are kept as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record([u8; RECORD]);

/// The file table.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FileTable {
    records: Vec<Record>,
}

impl FileTable {
    /// The table of a freshly personalised card: `mscp`, cardid, cardapps, cardcf, mscp\cmapfile.
    #[must_use]
    pub fn initial() -> Self {
        let mut table = Self::default();
        table.add_directory(DirectoryName::MSCP, ef::TABLE);
        for (path, ef, tag) in [
            (FilePath::cardid(), ef::EVERYONE_READ_ADMIN_WRITE, object::KEYMAP_OR_CARDID),
            (FilePath::cardapps(), ef::EVERYONE_READ_USER_WRITE, object::CARDAPPS),
            (FilePath::cardcf(), ef::EVERYONE_READ_USER_WRITE, object::CARDCF),
            (FilePath::cmapfile(), ef::EVERYONE_READ_USER_WRITE, object::CMAPFILE),
        ] {
            table.add_file(FileEntry { path, ef, tag });
        }
        table
    }

    /// Reads a table. An empty object is an empty table.
    ///
    /// # Errors
    ///
    /// [`TableError`] for another version or a broken length.
    pub fn parse(bytes: &[u8]) -> Result<Self, TableError> {
        match bytes {
            [] => Ok(Self::default()),
            [VERSION, records @ ..] => {
                let (records, rest) = records.as_chunks::<RECORD>();
                if !rest.is_empty() {
                    return Err(TableError::Length(bytes.len()));
                }
                Ok(Self { records: records.iter().copied().map(Record).collect() })
            }
            [version, ..] => Err(TableError::Version(*version)),
        }
    }

    /// The table as it stands on the card.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        for record in &self.records {
            bytes.extend_from_slice(&record.0);
        }
        bytes
    }

    /// The files, in the table's order.
    pub fn files(&self) -> impl Iterator<Item = FileEntry> + '_ {
        self.records.iter().filter_map(Record::file)
    }

    /// Where this file is. From container 10 on some writers number certificates in hexadecimal (`kxc0a`
    /// for container 10); such a name answers for the decimal one when it can mean nothing else.
    #[must_use]
    pub fn find(&self, path: &FilePath) -> Option<FileEntry> {
        let named = |wanted: &FilePath| self.files().find(|entry| entry.path == *wanted);
        named(path).or_else(|| named(&hexadecimal_name(path)?))
    }

    /// The directories, in the table's order.
    pub fn directories(&self) -> impl Iterator<Item = DirectoryName> + '_ {
        self.records.iter().filter_map(Record::directory).map(|(name, _)| name)
    }

    /// Whether there is this directory, by a record of its own or by a file in it.
    #[must_use]
    pub fn has_directory(&self, name: &DirectoryName) -> bool {
        self.directories().any(|other| other == *name)
            || self.files().any(|entry| entry.path.directory.as_ref() == Some(name))
    }

    /// The EF of the directory's record.
    #[must_use]
    pub fn directory_ef(&self, name: &DirectoryName) -> Option<u16> {
        self.records.iter().filter_map(Record::directory).find(|(other, _)| other == name).map(|(_, ef)| ef)
    }

    /// The first data object tag of an EF that no record uses, from `DF21` to `DF7F`.
    #[must_use]
    pub fn free_tag(&self, ef: u16) -> Option<u32> {
        (object::FIRST_FREE..=object::LAST_FREE)
            .find(|tag| !self.records.iter().any(|record| record.place() == (*tag, u32::from(ef))))
    }

    /// Appends a file.
    pub fn add_file(&mut self, entry: FileEntry) {
        let directory = entry.path.directory.as_ref().map_or("", DirectoryName::as_str);
        self.records.push(Record::new(directory, entry.path.name.as_str(), entry.tag, entry.ef));
    }

    /// Removes a file's record.
    pub fn remove_file(&mut self, entry: &FileEntry) {
        self.records.retain(|record| record.file() != Some(*entry));
    }

    /// Appends a directory.
    pub fn add_directory(&mut self, name: DirectoryName, ef: u16) {
        self.records.push(Record::new(name.as_str(), "", 0, ef));
    }

    /// Removes a directory's record.
    pub fn remove_directory(&mut self, name: &DirectoryName) {
        self.records.retain(|record| record.directory().is_none_or(|(other, _)| other != *name));
    }
}

impl Record {
    fn new(directory: &str, name: &str, tag: u32, ef: u16) -> Self {
        let mut bytes = [0; RECORD];
        bytes[..directory.len()].copy_from_slice(directory.as_bytes());
        bytes[NAME_FIELD..NAME_FIELD + name.len()].copy_from_slice(name.as_bytes());
        bytes[20..24].copy_from_slice(&tag.to_le_bytes());
        bytes[24..28].copy_from_slice(&u32::from(ef).to_le_bytes());
        Self(bytes)
    }

    fn file(&self) -> Option<FileEntry> {
        let name = FileName::parse(self.name_field(NAME_FIELD)).ok()?;
        let directory = match self.name_field(0) {
            [] => None,
            directory => Some(DirectoryName::parse(directory).ok()?),
        };
        let (tag, ef) = self.place();
        Some(FileEntry { path: FilePath { directory, name }, ef: u16::try_from(ef).ok()?, tag })
    }

    fn directory(&self) -> Option<(DirectoryName, u16)> {
        let name = DirectoryName::parse(self.name_field(0)).ok()?;
        let (_, ef) = self.place();
        self.name_field(NAME_FIELD).is_empty().then_some((name, u16::try_from(ef).ok()?))
    }

    /// Tag and EF.
    fn place(&self) -> (u32, u32) {
        let number =
            |at: usize| u32::from_le_bytes([self.0[at], self.0[at + 1], self.0[at + 2], self.0[at + 3]]);
        (number(20), number(24))
    }

    /// The characters of a name field, without the zeros behind them.
    fn name_field(&self, at: usize) -> &[u8] {
        let field = &self.0[at..at + NAME_FIELD];
        let length = field.iter().position(|byte| *byte == 0).unwrap_or(NAME_FIELD);
        &field[..length]
    }
}

/// The hexadecimal form of a certificate's name, when it has a letter and so is not the decimal name of
/// another container.
fn hexadecimal_name(path: &FilePath) -> Option<FilePath> {
    let (half, index) = path.name.certified_key()?;
    let prefix: &str = KeyHalf::file_prefix(half);
    let digits = format!("{:02x}", index.get());
    let lettered = digits.bytes().any(|digit| digit.is_ascii_alphabetic());
    let name = FileName::parse(format!("{prefix}{digits}").as_bytes()).ok()?;
    lettered.then_some(FilePath { directory: path.directory, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::ContainerIndex;

    #[test]
    fn the_initial_table_is_the_published_one() {
        let bytes = FileTable::initial().to_bytes();
        assert_eq!(bytes.len(), 141);
        assert_eq!(bytes[..6], [1, 0x6D, 0x73, 0x63, 0x70, 0]);
        assert_eq!(bytes[21..29], [0, 0, 0, 0, 0, 0xA0, 0, 0]);
        assert_eq!(&bytes[38..44], b"cardid");
        assert_eq!(bytes[49..57], [0x20, 0xDF, 0, 0, 0x12, 0xA0, 0, 0]);
        assert_eq!(&bytes[113..118], b"mscp\0");
        assert_eq!(bytes[133..], [0x23, 0xDF, 0, 0, 0x10, 0xA0, 0, 0]);
        assert_eq!(FileTable::parse(&bytes), Ok(FileTable::initial()));
    }

    #[test]
    fn a_certificate_is_added_where_others_put_it() {
        let mut table = FileTable::initial();
        let path = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(0));
        let tag = table.free_tag(ef::EVERYONE_READ_USER_WRITE).expect("room");
        assert_eq!(tag, 0xDF24);
        let entry = FileEntry { path, ef: ef::EVERYONE_READ_USER_WRITE, tag };
        table.add_file(entry);
        let bytes = table.to_bytes();
        assert_eq!(bytes.len(), 0xA9);
        assert_eq!(bytes[141..150], *b"mscp\0\0\0\0\0");
        assert_eq!(bytes[150..159], *b"kxc00\0\0\0\0");
        assert_eq!(bytes[161..], [0x24, 0xDF, 0, 0, 0x10, 0xA0, 0, 0]);
        assert_eq!(table.find(&path), Some(entry));
        assert_eq!(table.free_tag(ef::USER_READ_WRITE), Some(0xDF21));
        table.remove_file(&entry);
        assert_eq!(table, FileTable::initial());
    }

    #[test]
    fn tags_run_out() {
        let mut table = FileTable::default();
        for number in 0..95 {
            let name = FileName::parse(format!("f{number}").as_bytes()).expect("name");
            let tag = table.free_tag(ef::USER_READ_WRITE).expect("room");
            table.add_file(FileEntry { path: FilePath::in_root(name), ef: ef::USER_READ_WRITE, tag });
        }
        assert_eq!(table.free_tag(ef::USER_READ_WRITE), None);
    }

    #[test]
    fn hexadecimal_certificate_names_answer_when_unambiguous() {
        let mut table = FileTable::initial();
        for name in ["kxc0a", "kxc10"] {
            let path = FilePath::new(DirectoryName::MSCP, FileName::parse(name.as_bytes()).expect("name"));
            let tag = table.free_tag(ef::EVERYONE_READ_USER_WRITE).expect("room");
            table.add_file(FileEntry { path, ef: ef::EVERYONE_READ_USER_WRITE, tag });
        }
        let of = |index| {
            let path = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(index));
            table.find(&path).map(|entry| entry.path.name.to_string())
        };
        assert_eq!(of(10).as_deref(), Some("kxc10"), "the decimal name comes first");
        assert_eq!(of(16), None, "kxc10 is container 10");
        table.remove_file(&table.find(&FilePath::parse("mscp/kxc10").expect("path")).expect("file"));
        let ten = FilePath::certificate(KeyHalf::KeyExchange, ContainerIndex::new(10));
        assert_eq!(table.find(&ten).map(|entry| entry.path.name.to_string()).as_deref(), Some("kxc0a"));
    }

    #[test]
    fn directories() {
        let mut table = FileTable::initial();
        let name = DirectoryName::parse(b"own").expect("name");
        assert!(!table.has_directory(&name));
        table.add_directory(name, ef::EVERYONE_READ_ADMIN_WRITE);
        assert_eq!(table.directory_ef(&name), Some(ef::EVERYONE_READ_ADMIN_WRITE));
        table.remove_directory(&name);
        assert_eq!(table.directories().collect::<Vec<_>>(), [DirectoryName::MSCP]);
    }

    #[test]
    fn broken_tables_are_refused_and_odd_records_kept() {
        assert_eq!(FileTable::parse(&[2]), Err(TableError::Version(2)));
        assert_eq!(FileTable::parse(&[1, 0]), Err(TableError::Length(2)));
        let mut odd = vec![1];
        odd.extend([b'*'; RECORD]);
        let table = FileTable::parse(&odd).expect("length is right");
        assert_eq!(table.files().count(), 0);
        assert_eq!(table.to_bytes(), odd);
    }
}
