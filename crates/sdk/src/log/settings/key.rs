//! A key of Windows' registry: opened, asked and written with the functions of advapi32 alone, so that a module
//! links nothing else for three values.
//!
//! Always the 64-bit view: one key for modules of both bitnesses.

#![allow(unsafe_code)]

use core::ptr::{from_ref, null, null_mut};
use std::io::{self, ErrorKind};

use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_SUCCESS, WIN32_ERROR};
#[cfg(test)]
use windows_sys::Win32::System::Registry::HKEY_CURRENT_USER;
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY, KEY_WRITE, REG_DWORD, REG_EXPAND_SZ,
    REG_OPTION_NON_VOLATILE, REG_SZ, REG_VALUE_TYPE, RegCloseKey, RegCreateKeyExW, RegDeleteValueW,
    RegOpenKeyExW, RegQueryValueExW, RegSetValueExW,
};

/// The longest value that is read, in bytes; a path has at most half of it.
const LONGEST: u32 = 128 * 1024;
/// What most values fit in, in UTF-16 units.
const USUAL: usize = 280;

/// Where a path begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Root {
    Machine,
    #[cfg(test)]
    User,
}

impl Root {
    fn handle(self) -> HKEY {
        match self {
            Self::Machine => HKEY_LOCAL_MACHINE,
            #[cfg(test)]
            Self::User => HKEY_CURRENT_USER,
        }
    }
}

/// What is under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// `REG_DWORD`.
    Number(u32),
    /// `REG_SZ`.
    Text(String),
    /// `REG_EXPAND_SZ`, the names in it not replaced.
    Expandable(String),
    /// Any other type, or a value that is not what its type says.
    Other,
}

/// An open key; closed when dropped.
#[derive(Debug)]
pub(super) struct Key(HKEY);

impl Key {
    /// Opens a key for reading.
    ///
    /// # Errors
    /// The system's, among them [`ErrorKind::NotFound`].
    pub(super) fn open(root: Root, path: &str) -> io::Result<Self> {
        let path = wide(path)?;
        let mut key = null_mut();
        // SAFETY:
        // - the root is one of the system's own handles, which are always open.
        // - `path` ends with a NUL and outlives the call; `key` is written.
        let code = unsafe {
            RegOpenKeyExW(root.handle(), path.as_ptr(), 0, KEY_READ | KEY_WOW64_64KEY, &raw mut key)
        };
        told(code).map(|()| Self(key))
    }

    /// Opens a key for reading and writing, and makes it where it is missing.
    ///
    /// # Errors
    /// The system's, among them [`ErrorKind::PermissionDenied`].
    pub(super) fn create(root: Root, path: &str) -> io::Result<Self> {
        let path = wide(path)?;
        let access = KEY_READ | KEY_WRITE | KEY_WOW64_64KEY;
        let mut key = null_mut();
        // SAFETY:
        // - the root is one of the system's own handles, which are always open.
        // - `path` ends with a NUL and outlives the call; `key` is written.
        // - class, security and what became of it may be NULL: none, what the parent passes on, not asked.
        let code = unsafe {
            RegCreateKeyExW(
                root.handle(),
                path.as_ptr(),
                0,
                null(),
                REG_OPTION_NON_VOLATILE,
                access,
                null(),
                &raw mut key,
                null_mut(),
            )
        };
        told(code).map(|()| Self(key))
    }

    /// The value of a name; `None` where there is none.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::InvalidData`] for a value longer than any path.
    pub(super) fn value(&self, name: &str) -> io::Result<Option<Value>> {
        let name = wide(name)?;
        let mut buffer = vec![0; USUAL];
        loop {
            let (code, kind, size) = self.ask(&name, &mut buffer);
            match code {
                ERROR_SUCCESS => return Ok(Some(read(kind, &buffer, size as usize))),
                ERROR_FILE_NOT_FOUND => return Ok(None),
                // It may grow again before it is asked for again, but not for ever.
                ERROR_MORE_DATA if size > LONGEST => return Err(ErrorKind::InvalidData.into()),
                ERROR_MORE_DATA => buffer.resize((buffer.len() + 1).max(size.div_ceil(2) as usize), 0),
                _ => told(code)?,
            }
        }
    }

    /// The system's answer, the value's type, and how many bytes it has or would need.
    fn ask(&self, name: &[u16], buffer: &mut [u16]) -> (WIN32_ERROR, REG_VALUE_TYPE, u32) {
        let mut kind = 0;
        let mut size = u32::try_from(size_of_val(buffer)).unwrap_or(u32::MAX);
        // SAFETY:
        // - the key is open as long as `self` lives.
        // - `name` comes from `wide`, ends with a NUL and outlives the call.
        // - `buffer` may be written for the `size` bytes that are told; any bytes are good as `u16`.
        // - `kind` and `size` are written.
        let code = unsafe {
            RegQueryValueExW(
                self.0,
                name.as_ptr(),
                null(),
                &raw mut kind,
                buffer.as_mut_ptr().cast(),
                &raw mut size,
            )
        };
        (code, kind, size)
    }

    /// Removes a value, if there is one.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        let name = wide(name)?;
        // SAFETY:
        // - the key is open as long as `self` lives; `name` ends with a NUL and outlives the call.
        match unsafe { RegDeleteValueW(self.0, name.as_ptr()) } {
            ERROR_FILE_NOT_FOUND => Ok(()),
            code => told(code),
        }
    }

    /// Sets a `REG_DWORD`.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn set_number(&self, name: &str, number: u32) -> io::Result<()> {
        let name = wide(name)?;
        // SAFETY:
        // - the key is open as long as `self` lives; `name` ends with a NUL and outlives the call.
        // - `number` may be read for the four bytes that are told.
        told(unsafe {
            RegSetValueExW(self.0, name.as_ptr(), 0, REG_DWORD, from_ref(&number).cast(), u32::BITS / 8)
        })
    }

    /// Sets a `REG_SZ`.
    ///
    /// # Errors
    /// The system's; [`ErrorKind::InvalidInput`] for a text with a NUL in it.
    pub(super) fn set_text(&self, name: &str, text: &str) -> io::Result<()> {
        let (name, text) = (wide(name)?, wide(text)?);
        let size = u32::try_from(size_of_val(text.as_slice())).map_err(|_| ErrorKind::InvalidInput)?;
        // SAFETY:
        // - the key is open as long as `self` lives; `name` ends with a NUL and outlives the call.
        // - `text` may be read for the `size` bytes that are told, its NUL among them.
        told(unsafe { RegSetValueExW(self.0, name.as_ptr(), 0, REG_SZ, text.as_ptr().cast(), size) })
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY:
        // - the key was opened by this value, and nobody closed it before.
        let code = unsafe { RegCloseKey(self.0) };
        debug_assert_eq!(code, ERROR_SUCCESS, "a key of ours is open");
    }
}

fn told(code: WIN32_ERROR) -> io::Result<()> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// UTF-16 with a NUL at its end, and none before.
fn wide(text: &str) -> io::Result<Vec<u16>> {
    let units: Vec<u16> = text.encode_utf16().chain([0]).collect();
    if units.iter().position(|unit| *unit == 0) == Some(units.len() - 1) {
        Ok(units)
    } else {
        Err(ErrorKind::InvalidInput.into())
    }
}

/// A value of `size` bytes at the buffer's beginning. Nobody promises that a text ends with a NUL, or has whole units.
fn read(kind: REG_VALUE_TYPE, buffer: &[u16], size: usize) -> Value {
    let units = &buffer[..buffer.len().min(size / 2)];
    let text = || {
        let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
        String::from_utf16(&units[..end]).ok()
    };
    match kind {
        REG_DWORD if size == 4 => match *units {
            [low, high] => Value::Number(u32::from(high) << 16 | u32::from(low)),
            _ => Value::Other,
        },
        REG_SZ => text().map_or(Value::Other, Value::Text),
        REG_EXPAND_SZ => text().map_or(Value::Other, Value::Expandable),
        _ => Value::Other,
    }
}

#[cfg(test)]
mod tests {
    use windows_registry::{CURRENT_USER, Type};

    use super::*;

    /// A key of the test's own, seen through another crate; removed when dropped.
    struct Place(String);

    impl Place {
        fn new(of: &str) -> (Self, windows_registry::Key) {
            let path = format!(r"Software\cardmod tests\{of} {}", std::process::id());
            let _ = CURRENT_USER.remove_tree(&path);
            let theirs = CURRENT_USER.create(&path).unwrap();
            (Self(path), theirs)
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = CURRENT_USER.remove_tree(&self.0);
        }
    }

    fn value(place: &Place, name: &str) -> Option<Value> {
        Key::open(Root::User, &place.0).unwrap().value(name).unwrap()
    }

    #[test]
    fn values_of_each_type_are_told_apart() {
        let (place, theirs) = Place::new("types");
        theirs.set_u32("number", 0x0102_0304).unwrap();
        theirs.set_string("text", "C:\\Ordner ä\\𝄞").unwrap();
        theirs.set_expand_string("names", "%SystemRoot%\\x").unwrap();
        theirs.set_string("empty", "").unwrap();
        theirs.set_u64("long number", 1).unwrap();
        theirs.set_bytes("bytes", Type::Bytes, &[1, 0]).unwrap();
        assert_eq!(value(&place, "number"), Some(Value::Number(0x0102_0304)));
        assert_eq!(value(&place, "text"), Some(Value::Text("C:\\Ordner ä\\𝄞".to_owned())));
        assert_eq!(value(&place, "names"), Some(Value::Expandable("%SystemRoot%\\x".to_owned())));
        assert_eq!(value(&place, "empty"), Some(Value::Text(String::new())));
        assert_eq!(value(&place, "long number"), Some(Value::Other));
        assert_eq!(value(&place, "bytes"), Some(Value::Other));
        assert_eq!(value(&place, "missing"), None);
    }

    #[test]
    fn values_that_are_not_what_their_type_says() {
        let text = |of: &str| Value::Text(of.to_owned());
        let (a, b, half) = (u16::from(b'a'), u16::from(b'b'), 0xD81E);
        assert_eq!(read(REG_DWORD, &[1, 2], 4), Value::Number(0x0002_0001));
        for (buffer, size) in [(&[1, 2][..], 2), (&[1, 2, 0], 6), (&[1, 2], 0)] {
            assert_eq!(read(REG_DWORD, buffer, size), Value::Other, "{size} bytes");
        }
        assert_eq!(read(REG_SZ, &[a, b, b], 4), text("ab"), "no NUL at the end");
        assert_eq!(read(REG_SZ, &[a, b, b], 3), text("a"), "half a unit");
        assert_eq!(read(REG_SZ, &[a, 0, b, 0], 8), text("a"), "two ends");
        assert_eq!(read(REG_SZ, &[a], 0), text(""));
        assert_eq!(read(REG_SZ, &[a, 0], 100), text("a"), "more than there is");
        assert_eq!(read(REG_EXPAND_SZ, &[half, 0], 4), Value::Other, "half a character");
    }

    #[test]
    fn long_values_are_read_whole_or_refused() {
        let (place, theirs) = Place::new("long");
        for length in [USUAL - 1, USUAL, USUAL + 1, 32_767] {
            theirs.set_string("text", "x".repeat(length)).unwrap();
            assert_eq!(value(&place, "text"), Some(Value::Text("x".repeat(length))), "{length}");
        }
        theirs.set_string("text", "x".repeat(LONGEST as usize)).unwrap();
        let refused = Key::open(Root::User, &place.0).unwrap().value("text").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidData);
    }

    #[test]
    fn what_is_written_others_read() {
        let (place, theirs) = Place::new("written");
        let ours = Key::create(Root::User, &format!("{}\\new", place.0)).unwrap();
        ours.set_number("number", 0xFFFE_FDFC).unwrap();
        ours.set_text("text", "C:\\Ordner ä").unwrap();
        assert_eq!(ours.value("number").unwrap(), Some(Value::Number(0xFFFE_FDFC)));
        let theirs = theirs.open("new").unwrap();
        assert_eq!(theirs.get_type("number").unwrap(), Type::U32);
        assert_eq!(theirs.get_u32("number").unwrap(), 0xFFFE_FDFC);
        assert_eq!(theirs.get_type("text").unwrap(), Type::String);
        assert_eq!(theirs.get_string("text").unwrap(), "C:\\Ordner ä");
        let refused = ours.set_text("text", "C:\\a\0b").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        assert_eq!(theirs.get_string("text").unwrap(), "C:\\Ordner ä", "the value stays");
        ours.remove("text").unwrap();
        ours.remove("text").unwrap();
        assert_eq!(ours.value("text").unwrap(), None);
    }

    #[test]
    fn the_systems_errors_are_told() {
        let (place, _theirs) = Place::new("errors");
        let missing = Key::open(Root::User, &format!("{}\\missing", place.0)).unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
        let reading = Key::open(Root::User, &place.0).unwrap();
        let refused = reading.set_number("number", 1).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
    }
}
