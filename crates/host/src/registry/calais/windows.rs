//! Windows' registry itself.

use std::io;
use std::path::PathBuf;

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, OpenOptions, Type, Value as Raw};

use super::values::{self, Folders, MODULE, Value, Values};
use super::{CalaisKey, RegistryRoot, RegistryView};

/// The 32-bit view of the registry (`KEY_WOW64_32KEY`, winnt.h).
const VIEW_32: u32 = 0x0200;
/// The right to delete a key (`DELETE`, winnt.h).
const DELETE: u32 = 0x0001_0000;
/// Where Windows notes its own folder.
const WINDOWS: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
/// `FACILITY_WIN32`, and the bit for failure.
const WIN32_FAILURE: u32 = 0x8007_0000;

/// What opening a key found: the system's errors as those of `std`.
type Outcome<T> = windows_registry::Result<T>;

/// The system's folder as programs of this view have it. Asked of the registry, which only administrators
/// write, not of the environment, which everybody sets.
pub(super) fn folders(view: RegistryView) -> Folders {
    let noted = LOCAL_MACHINE.open(WINDOWS).and_then(|key| key.get_string("SystemRoot"));
    let windows = noted.ok().or_else(|| std::env::var("SystemRoot").ok());
    let windows = PathBuf::from(windows.unwrap_or_else(|| r"C:\Windows".to_owned()));
    let of_32 = view == RegistryView::Programs32 && cfg!(target_pointer_width = "64");
    Folders { system: windows.join(if of_32 { "SysWOW64" } else { "System32" }) }
}

/// The names below a key with their values.
pub(super) fn cards(key: &CalaisKey) -> io::Result<Vec<(String, io::Result<Values>)>> {
    let parent = io(options(root(key), key).read().open(&key.path))?;
    let names: Vec<String> = io(parent.keys())?.collect();
    let read = |name: String| {
        let values = io(options(&parent, key).read().open(&name)).and_then(|card| read(&card));
        (name, values)
    };
    Ok(names.into_iter().map(read).collect())
}

pub(super) fn exists(key: &CalaisKey, name: &str) -> io::Result<bool> {
    match io(options(root(key), key).read().open(format!(r"{}\{name}", key.path))) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Writes an entry's values in their order, of which the module is the last. What was there before goes
/// first the module, so that a reader sees the old entry, none, or the new one; where writing fails, what
/// was there is put back.
pub(super) fn write(key: &CalaisKey, name: &str, values: &[(&str, Value)]) -> io::Result<()> {
    let existed = exists(key, name)?;
    let parent = io(options(root(key), key).read().write().create().open(&key.path))?;
    let card = io(options(&parent, key).read().write().access(DELETE).create().open(name))?;
    let before: Vec<(String, Raw)> = io(card.values())?.collect();
    let written = clear(&card, &before).and_then(|()| put(&card, values));
    if let Err(error) = written {
        let undone = if existed { restore(&card, &before) } else { io(parent.remove_tree(name)) };
        let Err(worse) = undone else { return Err(error) };
        let told = format!("{error}; and what was there before could not be put back: {worse}");
        return Err(io::Error::new(error.kind(), told));
    }
    Ok(())
}

pub(super) fn remove(key: &CalaisKey, name: &str) -> io::Result<()> {
    let parent = io(options(root(key), key).read().write().access(DELETE).open(&key.path))?;
    io(parent.remove_tree(name))
}

fn clear(card: &Key, before: &[(String, Raw)]) -> io::Result<()> {
    let module_first = before.iter().filter(|(name, _)| name == MODULE);
    for (name, _) in module_first.chain(before.iter().filter(|(name, _)| name != MODULE)) {
        io(card.remove_value(name))?;
    }
    Ok(())
}

fn put(card: &Key, values: &[(&str, Value)]) -> io::Result<()> {
    for (name, value) in values {
        io(match value {
            Value::Text(text) => card.set_string(name, text),
            Value::Expandable(text) => card.set_expand_string(name, text),
            Value::Bytes(bytes) => card.set_bytes(name, Type::Bytes, bytes),
            Value::Other(what) => return Err(io::Error::new(io::ErrorKind::InvalidInput, what.clone())),
        })?;
    }
    Ok(())
}

fn restore(card: &Key, before: &[(String, Raw)]) -> io::Result<()> {
    let module_last = before.iter().filter(|(name, _)| name != MODULE);
    for (name, value) in module_last.chain(before.iter().filter(|(name, _)| name == MODULE)) {
        io(card.set_value(name, value))?;
    }
    Ok(())
}

fn read(card: &Key) -> io::Result<Values> {
    Ok(Values {
        atr: value(card, values::ATR)?,
        mask: value(card, values::MASK)?,
        module: value(card, MODULE)?,
        crypto_provider: value(card, values::CRYPTO_PROVIDER)?,
        key_storage_provider: value(card, values::KEY_STORAGE_PROVIDER)?,
    })
}

fn value(card: &Key, name: &str) -> io::Result<Option<Value>> {
    let raw = match io(card.get_value(name)) {
        Ok(raw) => raw,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(match raw.ty() {
        Type::Bytes => Value::Bytes(raw.to_vec()),
        Type::String => text(&raw).map_or_else(Value::Other, Value::Text),
        Type::ExpandString => text(&raw).map_or_else(Value::Other, Value::Expandable),
        Type::U32 => Value::Other("a number (REG_DWORD)".to_owned()),
        Type::U64 => Value::Other("a number (REG_QWORD)".to_owned()),
        Type::MultiString => Value::Other("a list of texts (REG_MULTI_SZ)".to_owned()),
        Type::Other(number) => Value::Other(format!("of type {number}")),
    }))
}

/// A text up to the NULs at its end.
fn text(raw: &Raw) -> Result<String, String> {
    let (pairs, odd) = raw.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let end = units.iter().rposition(|unit| *unit != 0).map_or(0, |last| last + 1);
    match String::from_utf16(&units[..end]) {
        Ok(text) if odd.is_empty() && !text.contains('\0') => Ok(text),
        _ => Err("no text in UTF-16".to_owned()),
    }
}

fn root(key: &CalaisKey) -> &'static Key {
    match key.root {
        RegistryRoot::CurrentUser => CURRENT_USER,
        RegistryRoot::LocalMachine => LOCAL_MACHINE,
    }
}

fn options<'a>(parent: &'a Key, key: &CalaisKey) -> OpenOptions<'a> {
    let mut options = parent.options();
    if key.view == RegistryView::Programs32 {
        options.access(VIEW_32);
    }
    options
}

/// The system's code as `std` knows it, which tells absent from forbidden.
fn io<T>(outcome: Outcome<T>) -> io::Result<T> {
    outcome.map_err(|error| {
        let code = error.code().0 as u32;
        if code & 0xFFFF_0000 == WIN32_FAILURE {
            return io::Error::from_raw_os_error((code & 0xFFFF) as i32);
        }
        io::Error::other(error.message())
    })
}
