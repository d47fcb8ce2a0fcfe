//! The logical file system: files and directories by name, as the file table maps them.

use cardmod_iso7816::StatusWord;
use cardmod_types::{
    CardCf, CardId, ContainerIndex, DirectoryAccess, DirectoryName, FileAccess, FileName, FilePath, KeyHalf,
};

use crate::card::GidsCard;
use crate::content::{CARDCF, Doubt};
use crate::layout::{access_of, ef, ef_for, object};
use crate::table::{FileEntry, FileTable};
use crate::{GidsCommand, GidsError};

/// A certificate file as it stands on the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCertificate {
    /// Which key of the container it is for.
    pub half: KeyHalf,
    /// The container.
    pub container: ContainerIndex,
    /// The file, normally compressed.
    pub file: Vec<u8>,
}

impl GidsCard<'_> {
    /// The file table.
    ///
    /// # Errors
    ///
    /// [`GidsError::Malformed`], or the card's refusal: `6A82`/`6A88` on a card without the profile.
    pub fn file_table(&mut self) -> Result<FileTable, GidsError> {
        let missing = GidsError::Status {
            command: GidsCommand::GetData,
            status: StatusWord::REFERENCED_DATA_NOT_FOUND,
        };
        let bytes = self.object(ef::TABLE, object::FILE_TABLE)?.ok_or(missing)?;
        FileTable::parse(&bytes).map_err(|_| GidsError::Malformed("file table"))
    }

    /// The card's identity.
    ///
    /// # Errors
    ///
    /// As [`read_file`](Self::read_file); [`GidsError::Malformed`] when it is not 16 bytes.
    pub fn card_id(&mut self) -> Result<CardId, GidsError> {
        // Its place is fixed, so the table need not be read for it; other writers may have moved it.
        let (id_ef, id_tag) = (ef::EVERYONE_READ_ADMIN_WRITE, object::KEYMAP_OR_CARDID);
        let file = match self.object(id_ef, id_tag) {
            Ok(Some(file)) => file,
            Ok(None) | Err(GidsError::Status { .. }) => self.read_file(&FilePath::cardid())?,
            Err(error) => return Err(error),
        };
        CardId::parse(&file).map_err(|_| GidsError::Malformed("cardid"))
    }

    /// A whole file. A file in the table without data object is empty: that is what a creation cut short
    /// leaves.
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryNotFound`], [`GidsError::FileNotFound`]; the card's refusal, `6982` without
    /// the right to read.
    pub fn read_file(&mut self, path: &FilePath) -> Result<Vec<u8>, GidsError> {
        let (ef, tag) = if *path == FilePath::cardcf() {
            self.place_of_cardcf()?
        } else {
            let entry = self.entry(path)?;
            (entry.ef, entry.tag)
        };
        Ok(self.object(ef, tag)?.unwrap_or_default())
    }

    /// cardcf is read at the start of every transaction, to learn whether anything else must be read:
    /// its place is taken from the table only when that is known already.
    fn place_of_cardcf(&mut self) -> Result<(u16, u32), GidsError> {
        match self.state.content.get(ef::TABLE, object::FILE_TABLE) {
            Some(_) => self.entry(&FilePath::cardcf()).map(|entry| (entry.ef, entry.tag)),
            None => Ok((ef::EVERYONE_READ_USER_WRITE, object::CARDCF)),
        }
    }

    /// The access condition of a file; `None` for an EF outside of the profile.
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryNotFound`], [`GidsError::FileNotFound`].
    pub fn file_access(&mut self, path: &FilePath) -> Result<Option<FileAccess>, GidsError> {
        Ok(access_of(self.entry(path)?.ef))
    }

    /// The files of a directory (`None`: the root).
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryNotFound`].
    pub fn list_files(&mut self, directory: Option<&DirectoryName>) -> Result<Vec<FileName>, GidsError> {
        let table = self.file_table()?;
        check_directory(&table, directory)?;
        let inside = table.files().filter(|entry| entry.path.directory.as_ref() == directory);
        Ok(inside.map(|entry| entry.path.name).collect())
    }

    /// Every certificate on the card, by the fewest commands: `mscp`'s EF is read as a whole unless it
    /// holds other files, which may be large.
    ///
    /// # Errors
    ///
    /// As [`read_file`](Self::read_file).
    pub fn certificates(&mut self) -> Result<Vec<StoredCertificate>, GidsError> {
        let table = self.file_table()?;
        if well_known_files(&table).is_some() {
            self.read_ahead(ef::EVERYONE_READ_USER_WRITE)?;
        }
        let found: Vec<_> = table.files().filter_map(|entry| Some((certified_key(&entry)?, entry))).collect();
        found
            .into_iter()
            .map(|((half, container), entry)| {
                let file = self.object(entry.ef, entry.tag)?.unwrap_or_default();
                Ok(StoredCertificate { half, container, file })
            })
            .collect()
    }

    /// Makes an empty file.
    ///
    /// The data object is made before the table names it, so a creation cut short leaves the old card.
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryNotFound`], [`GidsError::FileExists`] (in the root also for a directory of
    /// that name), [`GidsError::Full`] when the EF has no
    /// free tag, [`GidsError::AccessDenied`] in an administrator's directory; the card's refusal.
    pub fn create_file(&mut self, path: &FilePath, access: FileAccess) -> Result<(), GidsError> {
        let mut table = self.file_table()?;
        check_directory(&table, path.directory.as_ref())?;
        if table.find(path).is_some() || is_directory_of_root(&table, path) {
            return Err(GidsError::FileExists(*path));
        }
        self.check_directory_right(&table, path.directory.as_ref())?;
        let ef = ef_for(access);
        let tag = table.free_tag(ef).ok_or(GidsError::Full("another file"))?;
        self.put_object(ef, tag, &[]).map_err(full)?;
        table.add_file(FileEntry { path: *path, ef, tag });
        self.put_object(ef::TABLE, object::FILE_TABLE, &table.to_bytes()).map_err(full)
    }

    /// Replaces the content of a file. When the card has no room for old and new content side by side,
    /// the old content is removed first, and put back when the new one does not fit even then.
    ///
    /// # Errors
    ///
    /// [`GidsError::FileNotFound`], [`GidsError::Full`]; the card's refusal.
    pub fn write_file(&mut self, path: &FilePath, data: &[u8]) -> Result<(), GidsError> {
        let entry = self.entry(path)?;
        if data.is_empty() {
            return self.empty(&entry);
        }
        match self.put_object(entry.ef, entry.tag, data).map_err(full) {
            Err(GidsError::Full(_)) => self.write_without_spare_room(&entry, data),
            other => other,
        }
    }

    fn write_without_spare_room(&mut self, entry: &FileEntry, data: &[u8]) -> Result<(), GidsError> {
        let room = GidsError::Full("this file's content");
        let old = match self.object(entry.ef, entry.tag)? {
            Some(old) if !old.is_empty() => old,
            _ => return Err(room),
        };
        self.put_object(entry.ef, entry.tag, &[])?;
        match self.put_object(entry.ef, entry.tag, data).map_err(full) {
            Err(GidsError::Full(_)) => {
                self.put_object(entry.ef, entry.tag, &old)?;
                Err(room)
            }
            other => other,
        }
    }

    /// Empties a file; an empty PUT DATA would delete an object that is empty already.
    fn empty(&mut self, entry: &FileEntry) -> Result<(), GidsError> {
        let filled = self.object(entry.ef, entry.tag)?.is_some_and(|content| !content.is_empty());
        if filled { self.put_object(entry.ef, entry.tag, &[]) } else { Ok(()) }
    }

    /// Deletes a file. Its content goes first, under the card's own access rules, then its name.
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryNotFound`], [`GidsError::FileNotFound`], [`GidsError::AccessDenied`] in an
    /// administrator's directory; the card's refusal.
    pub fn delete_file(&mut self, path: &FilePath) -> Result<(), GidsError> {
        let entry = self.entry(path)?;
        let mut table = self.file_table()?;
        self.check_directory_right(&table, path.directory.as_ref())?;
        self.delete_object(entry.ef, entry.tag)?;
        table.remove_file(&entry);
        self.put_object(ef::TABLE, object::FILE_TABLE, &table.to_bytes())
    }

    /// Makes a directory of the root. The profile has one EF for directory records, which user and
    /// administrator may write; an administrator's directory names EF `A012` instead, and this edge then
    /// asks for the administrator before it changes what is inside.
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryExists`], also for a file of the root of that name; the card's refusal.
    pub fn create_directory(
        &mut self,
        name: &DirectoryName,
        access: DirectoryAccess,
    ) -> Result<(), GidsError> {
        let mut table = self.file_table()?;
        let same_name =
            |entry: FileEntry| entry.path.directory.is_none() && entry.path.name.as_str() == name.as_str();
        if table.has_directory(name) || table.files().any(same_name) {
            return Err(GidsError::DirectoryExists(*name));
        }
        let ef = match access {
            DirectoryAccess::UserCreateDelete => ef::TABLE,
            DirectoryAccess::AdminCreateDelete => ef::EVERYONE_READ_ADMIN_WRITE,
        };
        table.add_directory(*name, ef);
        self.put_object(ef::TABLE, object::FILE_TABLE, &table.to_bytes()).map_err(full)
    }

    /// Deletes an empty directory.
    ///
    /// # Errors
    ///
    /// [`GidsError::DirectoryNotFound`], [`GidsError::DirectoryNotEmpty`], [`GidsError::AccessDenied`]; the
    /// card's refusal.
    pub fn delete_directory(&mut self, name: &DirectoryName) -> Result<(), GidsError> {
        let mut table = self.file_table()?;
        check_directory(&table, Some(name))?;
        if table.files().any(|entry| entry.path.directory.as_ref() == Some(name)) {
            return Err(GidsError::DirectoryNotEmpty(*name));
        }
        self.check_directory_right(&table, Some(name))?;
        table.remove_directory(name);
        self.put_object(ef::TABLE, object::FILE_TABLE, &table.to_bytes())
    }

    /// The counters in cardcf, where that costs nothing: as last read, after settling whether that still
    /// holds, which the next read would have to do anyway. `None` when they were never read.
    ///
    /// # Errors
    ///
    /// As [`read_file`](Self::read_file) for cardcf.
    pub fn counters_at_hand(&mut self) -> Result<Option<CardCf>, GidsError> {
        self.settle_doubt()?;
        let (ef, tag) = CARDCF;
        let file = self.state.content.get(ef, tag).flatten();
        Ok(file.and_then(|file| CardCf::parse(&file).ok()))
    }

    /// File table or keymap would have to be read, or may be stale.
    pub fn lacks_layout(&mut self) -> bool {
        let content = &mut self.state.content;
        content.doubt() != Doubt::None || !content.knows(ef::TABLE)
    }

    /// The table's entry of a file.
    fn entry(&mut self, path: &FilePath) -> Result<FileEntry, GidsError> {
        let table = self.file_table()?;
        check_directory(&table, path.directory.as_ref())?;
        table.find(path).ok_or(GidsError::FileNotFound(*path))
    }

    fn check_directory_right(
        &self,
        table: &FileTable,
        directory: Option<&DirectoryName>,
    ) -> Result<(), GidsError> {
        let ef = directory.and_then(|name| table.directory_ef(name));
        let admins = ef == Some(ef::EVERYONE_READ_ADMIN_WRITE);
        if admins && !self.state.verified.admin { Err(GidsError::AccessDenied) } else { Ok(()) }
    }
}

/// How many files share the certificates' EF, when all of them are the Base CSP's own or certificates;
/// `None` when there are others, which may be large.
pub(crate) fn well_known_files(table: &FileTable) -> Option<usize> {
    let own = [FilePath::cardapps(), FilePath::cardcf(), FilePath::cmapfile()];
    let mut shared = table.files().filter(|entry| entry.ef == ef::EVERYONE_READ_USER_WRITE);
    shared.try_fold(0, |count, entry| {
        (certified_key(&entry).is_some() || own.contains(&entry.path)).then_some(count + 1)
    })
}

/// The tags of the certificates in the certificates' EF.
pub(crate) fn certificate_tags(table: &FileTable) -> impl Iterator<Item = u32> {
    let certificates = table.files().filter(|entry| certified_key(entry).is_some());
    certificates.filter(|entry| entry.ef == ef::EVERYONE_READ_USER_WRITE).map(|entry| entry.tag)
}

/// The key whose certificate a file is.
fn certified_key(entry: &FileEntry) -> Option<(KeyHalf, ContainerIndex)> {
    entry.path.name.certified_key().filter(|_| entry.path.directory == Some(DirectoryName::MSCP))
}

fn check_directory(table: &FileTable, directory: Option<&DirectoryName>) -> Result<(), GidsError> {
    match directory {
        Some(name) if !table.has_directory(name) => Err(GidsError::DirectoryNotFound(*name)),
        _ => Ok(()),
    }
}

/// Files and directories of the root share their names.
fn is_directory_of_root(table: &FileTable, path: &FilePath) -> bool {
    let same_name = |directory: DirectoryName| directory.as_str() == path.name.as_str();
    path.directory.is_none() && table.directories().any(same_name)
}

/// "Not enough memory" in its own words.
pub(crate) fn full(error: GidsError) -> GidsError {
    match error.status() {
        Some(StatusWord::NOT_ENOUGH_MEMORY) => GidsError::Full("this file's content"),
        _ => error,
    }
}
