//! The logical file system: directories, files, their content, their descriptions.

use std::ffi::CString;

use cardmod_types::{DirectoryAccess, DirectoryName, FileAccess, FileInfo, FileName, FilePath};
use zeroize::Zeroizing;

use super::fits;
use crate::module::context::Context;
use crate::module::function::{CallError, CallErrorKind, CardFunction};
use crate::module::layout;
use crate::module::table::Block;

impl Context {
    /// `CardCreateDirectory` (specification 7.07, section 4.3.1).
    ///
    /// # Errors
    /// The module's code: `ERROR_FILE_EXISTS`, `SCARD_W_SECURITY_VIOLATION`.
    pub fn create_directory(
        &mut self,
        name: &DirectoryName,
        access: DirectoryAccess,
    ) -> Result<(), CallError> {
        let name = narrow(CardFunction::CreateDirectory, name.as_str())?;
        self.table.create_directory(&name, access.code())
    }

    /// `CardDeleteDirectory` (specification 7.07, section 4.3.2).
    ///
    /// # Errors
    /// The module's code: `SCARD_E_DIR_NOT_FOUND`, `ERROR_DIR_NOT_EMPTY`.
    pub fn delete_directory(&mut self, name: &DirectoryName) -> Result<(), CallError> {
        let name = narrow(CardFunction::DeleteDirectory, name.as_str())?;
        self.table.delete_directory(&name)
    }

    /// `CardCreateFile` (specification 7.07, section 4.3.3), with room for `size` bytes.
    ///
    /// # Errors
    /// The module's code: `ERROR_FILE_EXISTS`, `SCARD_E_DIR_NOT_FOUND`, `SCARD_W_SECURITY_VIOLATION`.
    pub fn create_file(&mut self, path: &FilePath, size: u32, access: FileAccess) -> Result<(), CallError> {
        let (directory, name) = split(CardFunction::CreateFile, path)?;
        self.touched.files.push(*path);
        self.table.create_file(directory.as_deref(), &name, size, access.code())
    }

    /// `CardReadFile` (specification 7.07, section 4.3.4).
    ///
    /// # Errors
    /// The module's code: `SCARD_E_FILE_NOT_FOUND`, `SCARD_E_DIR_NOT_FOUND`; or an answer that
    /// cannot be.
    pub fn read_file(&mut self, path: &FilePath) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let (directory, name) = split(CardFunction::ReadFile, path)?;
        let mut content = Block::EMPTY;
        self.table.read_file(directory.as_deref(), &name, &mut content)?;
        self.take(CardFunction::ReadFile, &content)
    }

    /// `CardWriteFile` (specification 7.07, section 4.3.5): replaces the whole content.
    ///
    /// # Errors
    /// The module's code: `SCARD_E_FILE_NOT_FOUND`, `SCARD_E_WRITE_TOO_MANY`.
    pub fn write_file(&mut self, path: &FilePath, content: &[u8]) -> Result<(), CallError> {
        fits(CardFunction::WriteFile, content)?;
        let (directory, name) = split(CardFunction::WriteFile, path)?;
        self.touched.files.push(*path);
        self.table.write_file(directory.as_deref(), &name, content)
    }

    /// `CardDeleteFile` (specification 7.07, section 4.3.6).
    ///
    /// # Errors
    /// The module's code: `SCARD_E_FILE_NOT_FOUND`.
    pub fn delete_file(&mut self, path: &FilePath) -> Result<(), CallError> {
        let (directory, name) = split(CardFunction::DeleteFile, path)?;
        self.touched.files.push(*path);
        self.table.delete_file(directory.as_deref(), &name)
    }

    /// `CardEnumFiles` (specification 7.07, section 4.3.7): the files of a directory, or of the root.
    ///
    /// # Errors
    /// The module's code: `SCARD_E_FILE_NOT_FOUND` for an empty directory; or a list that cannot be.
    pub fn enum_files(&mut self, directory: Option<&DirectoryName>) -> Result<Vec<FileName>, CallError> {
        let function = CardFunction::EnumFiles;
        let directory = directory.map(|name| narrow(function, name.as_str())).transpose()?;
        let mut names = Block::EMPTY;
        self.table.enum_files(directory.as_deref(), &mut names)?;
        let names = self.take(function, &names)?;
        multi_string(&names).map_err(|what| CallError::lie(function, what))
    }

    /// `CardGetFileInfo` (specification 7.07, section 4.3.8).
    ///
    /// # Errors
    /// The module's code: `SCARD_E_FILE_NOT_FOUND`.
    pub fn get_file_info(&mut self, path: &FilePath) -> Result<FileInfo, CallError> {
        let (directory, name) = split(CardFunction::GetFileInfo, path)?;
        let mut info = layout::FileInfo::new();
        self.table.get_file_info(directory.as_deref(), &name, &mut info)?;
        Ok(FileInfo { size: info.0.cbFileSize, access: FileAccess::try_from(info.0.AccessCondition).ok() })
    }
}

/// A name as the interface's 8-bit string.
fn narrow(function: CardFunction, name: &str) -> Result<CString, CallError> {
    let what = CallErrorKind::Argument("a file name has a NUL within");
    CString::new(name).map_err(|_| CallError::new(function, what))
}

/// Directory and file of a path.
fn split(function: CardFunction, path: &FilePath) -> Result<(Option<CString>, CString), CallError> {
    let directory = path.directory.as_ref().map(|name| narrow(function, name.as_str())).transpose()?;
    Ok((directory, narrow(function, path.name.as_str())?))
}

/// The names of a multi-string: each ends with a NUL, and one more NUL ends the list.
fn multi_string(bytes: &[u8]) -> Result<Vec<FileName>, &'static str> {
    let mut names = Vec::new();
    let mut rest = bytes;
    loop {
        let end = rest.iter().position(|byte| *byte == 0).ok_or("its list of names does not end")?;
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            return Ok(names);
        }
        names.push(FileName::parse(name).map_err(|_| "its list of names holds one that is none")?);
        rest = after.split_first().map_or(&[][..], |(_, after)| after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multi_string_ends_with_two_nuls() {
        let names = multi_string(b"cardid\0cardcf\0\0").expect("two names");
        assert_eq!(names.iter().map(FileName::as_str).collect::<Vec<_>>(), ["cardid", "cardcf"]);
        assert_eq!(multi_string(b"\0").expect("no name").len(), 0);
        assert!(multi_string(b"cardid\0cardcf\0").is_err());
        assert!(multi_string(b"cardid").is_err());
        assert!(multi_string(b"").is_err());
        assert!(multi_string(b"toolongname\0\0").is_err());
    }
}
