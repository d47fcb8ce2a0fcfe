//! Windows' registry itself.

use std::io;
use std::path::PathBuf;

use windows_registry::{CURRENT_USER, Key, LOCAL_MACHINE, OpenOptions, Type, Value as Raw};

use super::values::{self, Folders, KNOWN, MODULE, Value, Values};
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

/// The values of the key with this name; `None` where there is none.
pub(super) fn card(key: &CalaisKey, name: &str) -> io::Result<Option<Values>> {
    let found = there(options(root(key), key).read().open(format!(r"{}\{name}", key.path)))?;
    found.map(|card| read(&card)).transpose()
}

/// Writes an entry's values in their order, of which the module is the last. Of what was there before the
/// known values go, first the module, so that a reader sees the old entry, none, or the new one; others stay.
/// Where writing fails, the known values are again what they were, and a key that was not there is gone.
pub(super) fn write(key: &CalaisKey, name: &str, values: &[(&str, Value)]) -> io::Result<()> {
    let existed = card(key, name)?.is_some();
    let parent = io(options(root(key), key).read().write().create().open(&key.path))?;
    let card = io(options(&parent, key).read().write().access(DELETE).create().open(name))?;
    let before = known(&card)?;
    let written = clear(&card).and_then(|()| put(&card, values));
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

/// The known values that are there, as they are; the module last.
fn known(card: &Key) -> io::Result<Vec<(&'static str, Raw)>> {
    let mut found = Vec::new();
    for name in KNOWN {
        found.extend(there(card.get_value(name))?.map(|value| (name, value)));
    }
    Ok(found)
}

/// Takes the known values away, the module first.
fn clear(card: &Key) -> io::Result<()> {
    for name in KNOWN.into_iter().rev() {
        there(card.remove_value(name))?;
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

fn restore(card: &Key, before: &[(&str, Raw)]) -> io::Result<()> {
    clear(card)?;
    for (name, value) in before {
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
    let Some(raw) = there(card.get_value(name))? else { return Ok(None) };
    let text = |raw: &[u8]| values::text_of(raw).ok_or_else(|| "no text in UTF-16".to_owned());
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

/// What was asked for, or `None` where it is not there.
fn there<T>(outcome: Outcome<T>) -> io::Result<Option<T>> {
    match io(outcome) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
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

#[cfg(test)]
mod tests {
    use super::super::super::entry::Scope;
    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let path = format!(r"Software\cardmod\Tests\rollback-{}", std::process::id());
        let key = CalaisKey::in_place_of(Scope::User, &path);
        let text = |text: &str| Value::Text(text.to_owned());
        let old = [(values::ATR, Value::Bytes(vec![0x3B, 1])), (MODULE, text(r"C:\old.dll"))];
        write(&key, "card", &old).expect("it is written");
        let of_card =
            io(options(root(&key), &key).read().write().open(format!(r"{}\card", key.path))).expect("a key");
        of_card.set_string("80000100", "of another program").expect("a value");
        let before = card(&key, "card").expect("it is there");
        let no_value = Value::Other("of no type".to_owned());
        let new = [
            (values::ATR, Value::Bytes(vec![0x3B, 2])),
            (values::MASK, Value::Bytes(vec![0xFF, 0xFF])),
            (values::CRYPTO_PROVIDER, text("a provider")),
            (MODULE, no_value),
        ];
        write(&key, "card", &new).expect_err("a value that cannot be written");
        assert_eq!(card(&key, "card").expect("it is there"), before);
        write(&key, "other", &new).expect_err("a value that cannot be written");
        assert_eq!(card(&key, "other").expect("it can be asked"), None);
        write(&key, "card", &old[..1]).expect("it is written");
        assert_eq!(of_card.get_string("80000100").expect("it stays"), "of another program");
        CURRENT_USER.remove_tree(&path).expect("the test's own key");
    }
}
