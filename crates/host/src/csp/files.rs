//! The card's logical files, for callers that want more of them than containers and certificates,
//! and its properties.

use cardmod_sys::SCARD_E_FILE_NOT_FOUND;
use cardmod_types::{DirectoryAccess, DirectoryName, FileAccess, FileInfo, FileName, FilePath};

use super::cache::Counter;
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::request::FileAuthority;
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

impl CardSession {
    /// The names of the files of a directory, or of the root.
    ///
    /// # Errors
    /// [`Error::DirectoryNotFound`], [`Error::NotAuthenticated`].
    pub fn list_files(&mut self, directory: Option<&DirectoryName>) -> Result<Vec<FileName>, Error> {
        let shown = directory.map_or("the root", DirectoryName::as_str);
        self.plain(Repeat::Safe, |session| {
            session.read_anew();
            match session.module.enum_files(directory) {
                // That is how the interface says "empty".
                Err(error) if error.is(SCARD_E_FILE_NOT_FOUND) => Ok(Vec::new()),
                names => names.map_err(|error| Error::of_file(&session.reader, shown, "list files", error)),
            }
        })
    }

    /// Size and access condition of a file.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::DirectoryNotFound`], [`Error::NotAuthenticated`].
    pub fn file_info(&mut self, path: &FilePath) -> Result<FileInfo, Error> {
        self.plain(Repeat::Safe, |session| {
            session.read_anew();
            let info = session.module.get_file_info(path);
            info.map_err(|error| session.file_failed(path, "look at a file", error))
        })
    }

    /// A file's content.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::DirectoryNotFound`], [`Error::NotAuthenticated`].
    pub fn read_file(&mut self, path: &FilePath) -> Result<Vec<u8>, Error> {
        self.plain(Repeat::Safe, |session| {
            session.read_anew();
            let content = session.module.read_file(path);
            content
                .map(|content| content.to_vec())
                .map_err(|error| session.file_failed(path, "read a file", error))
        })
    }

    /// Replaces a file's content.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::DirectoryNotFound`], [`Error::CardFull`],
    /// [`Error::ReadOnlyCard`], [`Error::NotAuthenticated`], those of the PIN.
    pub fn write_file(
        &mut self,
        path: &FilePath,
        content: &[u8],
        authority: FileAuthority,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        // The same content twice is the same content.
        self.change_file(Repeat::Safe, authority, pins, Some(path), |session| {
            let written = session.module.write_file(path, content);
            written.map_err(|error| session.file_failed(path, "write a file", error))
        })
    }

    /// Replaces a file's content, or makes the file where there is none. A file that was made for it and
    /// cannot be filled is removed again.
    ///
    /// # Errors
    /// Those of [`write_file`](Self::write_file), but a missing file is none.
    pub fn put_file(
        &mut self,
        path: &FilePath,
        content: &[u8],
        access: FileAccess,
        authority: FileAuthority,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        self.change_file(Repeat::Never, authority, pins, Some(path), |session| {
            match session.module.write_file(path, content) {
                Err(error) if error.is(SCARD_E_FILE_NOT_FOUND) => {}
                written => return written.map_err(|error| session.file_failed(path, "write a file", error)),
            }
            let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
            let created = session.module.create_file(path, size, access);
            created.map_err(|error| session.file_failed(path, "create a file", error))?;
            session.module.write_file(path, content).map_err(|error| {
                if let Err(error) = session.module.delete_file(path) {
                    tracing::debug!(%error, "a file that was not written stays on the card");
                }
                session.file_failed(path, "write a file", error)
            })
        })
    }

    /// Makes an empty file, with room for `size` bytes.
    ///
    /// # Errors
    /// [`Error::FileExists`], [`Error::DirectoryNotFound`], [`Error::CardFull`],
    /// [`Error::ReadOnlyCard`], [`Error::NotAuthenticated`], those of the PIN.
    pub fn create_file(
        &mut self,
        path: &FilePath,
        size: u32,
        access: FileAccess,
        authority: FileAuthority,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        self.change_file(Repeat::Never, authority, pins, Some(path), |session| {
            let created = session.module.create_file(path, size, access);
            created.map_err(|error| session.file_failed(path, "create a file", error))
        })
    }

    /// Deletes a file.
    ///
    /// # Errors
    /// [`Error::FileNotFound`], [`Error::DirectoryNotFound`], [`Error::ReadOnlyCard`],
    /// [`Error::NotAuthenticated`], those of the PIN.
    pub fn delete_file(
        &mut self,
        path: &FilePath,
        authority: FileAuthority,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        self.change_file(Repeat::Never, authority, pins, Some(path), |session| {
            let deleted = session.module.delete_file(path);
            deleted.map_err(|error| session.file_failed(path, "delete a file", error))
        })
    }

    /// Makes a directory of the root.
    ///
    /// # Errors
    /// [`Error::FileExists`], [`Error::CardFull`], [`Error::ReadOnlyCard`],
    /// [`Error::NotAuthenticated`], those of the PIN.
    pub fn create_directory(
        &mut self,
        name: &DirectoryName,
        access: DirectoryAccess,
        authority: FileAuthority,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        self.change_file(Repeat::Never, authority, pins, None, |session| {
            let created = session.module.create_directory(name, access);
            created
                .map_err(|error| Error::of_file(&session.reader, name.as_str(), "create a directory", error))
        })
    }

    /// Deletes an empty directory.
    ///
    /// # Errors
    /// [`Error::DirectoryNotFound`], [`Error::DirectoryNotEmpty`], [`Error::ReadOnlyCard`],
    /// [`Error::NotAuthenticated`], those of the PIN.
    pub fn delete_directory(
        &mut self,
        name: &DirectoryName,
        authority: FileAuthority,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        self.change_file(Repeat::Never, authority, pins, None, |session| {
            let deleted = session.module.delete_directory(name);
            deleted
                .map_err(|error| Error::of_file(&session.reader, name.as_str(), "delete a directory", error))
        })
    }

    /// A property's bytes as the module answers them. `version` is that of a structure, where the
    /// property is one; `flags` selects a PIN, key spec or operation, where the property has one.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for one the module has not.
    pub fn property(&mut self, name: &str, version: u32, flags: u32) -> Result<Vec<u8>, Error> {
        self.plain(Repeat::Safe, |session| {
            let bytes = session.module.get_property(name, version, flags);
            bytes.map(|bytes| bytes.to_vec()).map_err(|error| session.property_failed(name, "tell", error))
        })
    }

    /// Sets a property. Whoever must be authenticated for it, has to be so in a held transaction.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for one the module has not or lets nobody set,
    /// [`Error::NotAuthenticated`].
    pub fn set_property(&mut self, name: &str, data: Option<&[u8]>, flags: u32) -> Result<(), Error> {
        self.plain(Repeat::Safe, |session| {
            let set = session.module.set_property(name, data, flags);
            set.map_err(|error| session.property_failed(name, "set", error))
        })
    }

    /// Runs a change of the file system: refused on a read-only card, counted before it is made.
    fn change_file(
        &mut self,
        repeat: Repeat,
        authority: FileAuthority,
        pins: &mut dyn PinSource,
        path: Option<&FilePath>,
        mut change: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let need = |session: &mut Self| {
            session.writable()?;
            Ok(match authority {
                FileAuthority::User => Need::user(),
                FileAuthority::AsIs => Need::default(),
            })
        };
        let is = |known: FilePath| path == Some(&known);
        let (counters, map) = (is(FilePath::cardcf()), is(FilePath::cmapfile()));
        self.change(repeat, Some(pins), need, |session| {
            if !counters {
                session.count(&[Counter::Files])?;
            }
            change(session)?;
            if counters {
                session.forget_counters();
            }
            if map {
                session.remember_map(None);
            }
            Ok(())
        })
    }

    fn file_failed(&self, path: &FilePath, operation: &'static str, error: CallError) -> Error {
        Error::of_file(&self.reader, &path.to_string(), operation, error)
    }

    fn property_failed(&self, name: &str, verb: &'static str, error: CallError) -> Error {
        if error.is_unknown_property() {
            let what = format!("{verb} property {name:?}");
            return Error::NotSupported { what, card: self.reader.clone() };
        }
        self.failed("handle a property", error)
    }
}
