//! Files and directories (5.20 to 5.27).

use cardmod_sys::CARD_FILE_INFO;
use cardmod_types::{DirectoryAccess, FileAccess, FileName, FilePath};

use crate::boundary::{Bytes, Host, Name, OutBlock, Versioned};
use crate::entry::query::{VERSION, ask_free_space};
use crate::entry::{offered, reserved, writable};
use crate::live::{CacheUse, enter, enter_with};
use crate::module::{CardModule, Result};
use crate::status::Status;

/// `UnknownAc`: a condition that is none of the interface's.
const UNKNOWN_AC: u32 = 4;

pub(crate) fn create_directory<M: CardModule>(host: &Host, name: Name, access: u32) -> Result<()> {
    let name = name.directory()?;
    let access = DirectoryAccess::try_from(access).map_err(|_| Status::InvalidParameter)?;
    enter::<M, _>(host, |call| {
        writable(call)?;
        offered(call.module.file_writing())?.create_directory(&mut call.cx, &name, access)
    })
}

pub(crate) fn delete_directory<M: CardModule>(host: &Host, name: Name) -> Result<()> {
    let name = name.directory()?;
    enter::<M, _>(host, |call| {
        writable(call)?;
        offered(call.module.file_writing())?.delete_directory(&mut call.cx, &name)
    })
}

pub(crate) fn create<M: CardModule>(
    host: &Host,
    directory: Name,
    name: Name,
    size: u32,
    access: u32,
) -> Result<()> {
    let path = Name::path(&directory, &name)?;
    let access = FileAccess::try_from(access).map_err(|_| Status::InvalidParameter)?;
    enter::<M, _>(host, |call| {
        writable(call)?;
        if size > 0 && ask_free_space(call)?.bytes.is_some_and(|free| size > free) {
            return Err(Status::InvalidParameter);
        }
        offered(call.module.file_writing())?.create_file(&mut call.cx, &path, size, access)
    })
}

pub(crate) fn read<M: CardModule>(
    host: &Host,
    directory: Name,
    name: Name,
    flags: u32,
    content: OutBlock,
) -> Result<()> {
    content.required()?;
    let path = Name::path(&directory, &name)?;
    reserved(flags)?;
    let bytes =
        enter_with::<M, _>(host, cache_for(&path), |call| call.module.read_file(&mut call.cx, &path))?;
    content.give(host, &bytes)
}

/// The host needs identity and counters to run its cache: asking the cache for them would not end.
fn cache_for(path: &FilePath) -> CacheUse {
    if *path == FilePath::cardid() || *path == FilePath::cardcf() { CacheUse::Closed } else { CacheUse::Open }
}

pub(crate) fn write<M: CardModule>(
    host: &Host,
    directory: Name,
    name: Name,
    flags: u32,
    content: Bytes<'_>,
) -> Result<()> {
    let content = content.file()?;
    let path = Name::path(&directory, &name)?;
    reserved(flags)?;
    enter_with::<M, _>(host, cache_for(&path), |call| {
        writable(call)?;
        offered(call.module.file_writing())?.write_file(&mut call.cx, &path, content)
    })
}

pub(crate) fn delete<M: CardModule>(host: &Host, directory: Name, name: Name, flags: u32) -> Result<()> {
    let path = Name::path(&directory, &name)?;
    reserved(flags)?;
    enter::<M, _>(host, |call| {
        writable(call)?;
        offered(call.module.file_writing())?.delete_file(&mut call.cx, &path)
    })
}

pub(crate) fn list<M: CardModule>(host: &Host, directory: Name, names: OutBlock, flags: u32) -> Result<()> {
    names.required()?;
    let directory = directory.directory_or_root()?;
    reserved(flags)?;
    let files = enter::<M, _>(host, |call| call.module.list_files(&mut call.cx, directory.as_ref()))?;
    if files.is_empty() {
        // 5.26: an empty directory has no file to be found.
        return Err(Status::FileNotFound);
    }
    names.give(host, &multi_string(&files))
}

/// Each name with its NUL, and one NUL more.
fn multi_string(names: &[FileName]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.push(0);
    }
    bytes.push(0);
    bytes
}

pub(crate) fn info<M: CardModule>(
    host: &Host,
    directory: Name,
    name: Name,
    info: Versioned<CARD_FILE_INFO>,
) -> Result<()> {
    info.required()?;
    let path = Name::path(&directory, &name)?;
    info.check(VERSION)?;
    let found =
        enter_with::<M, _>(host, cache_for(&path), |call| call.module.file_info(&mut call.cx, &path))?;
    info.set(CARD_FILE_INFO {
        dwVersion: VERSION,
        cbFileSize: found.size,
        AccessCondition: found.access.map_or(UNKNOWN_AC, FileAccess::code),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_twice() {
        let names = [FileName::parse(b"cardid").unwrap(), FileName::parse(b"cardcf").unwrap()];
        assert_eq!(multi_string(&names), b"cardid\0cardcf\0\0");
    }
}
