//! The values of one card's key, and what they mean.

use std::path::PathBuf;

use super::super::entry::{CardEntry, Origin, Part, RegisteredModule, checked_pattern};
use super::super::register::NewEntry;

/// The expected ATR after masking, binary.
pub(crate) const ATR: &str = "ATR";
/// Which bits of it count, binary.
pub(crate) const MASK: &str = "ATRMask";
/// The card module (`SCARD_PROVIDER_CARD_MODULE`), a text.
pub(crate) const MODULE: &str = "80000001";
/// The CryptoAPI provider, a text.
pub(crate) const CRYPTO_PROVIDER: &str = "Crypto Provider";
/// The CNG key storage provider, a text.
pub(crate) const KEY_STORAGE_PROVIDER: &str = "Smart Card Key Storage Provider";

/// Windows' own class driver. Its part is the class module's here.
const WINDOWS_CLASS_DRIVER: &str = "msclmd.dll";
/// Its 64-bit file in driver packages.
const WINDOWS_CLASS_DRIVER_64: &str = "msclmd64.dll";
/// The provider that drives card modules.
const BASE_PROVIDER: &str = "Microsoft Base Smart Card Crypto Provider";

/// A value.
#[cfg_attr(not(windows), allow(dead_code, reason = "values are read where there is such a registry"))]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `REG_SZ`.
    Text(String),
    /// `REG_EXPAND_SZ`.
    Expandable(String),
    /// `REG_BINARY`.
    Bytes(Vec<u8>),
    /// Another type, or a text that is none; in words.
    Other(String),
}

/// The values of a card's key that mean something here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Values {
    pub(crate) atr: Option<Value>,
    pub(crate) mask: Option<Value>,
    pub(crate) module: Option<Value>,
    pub(crate) crypto_provider: Option<Value>,
    pub(crate) key_storage_provider: Option<Value>,
}

/// The folders of Windows that names of modules begin at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Folders {
    /// `System32`, or what 32-bit programs have for it.
    pub(crate) system: PathBuf,
}

/// What the text of a module is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ModuleName {
    /// Windows' own class driver, wherever it is said to be.
    WindowsClassDriver,
    /// A path from a drive or a share on.
    Absolute,
    /// A path from Windows' system folder on.
    BelowSystem,
}

/// The entry that these values make. `None` is a key that has nothing for a host of card modules: a class
/// entry without an ATR, and a card that a CryptoAPI provider of its own serves.
///
/// # Errors
/// What is wrong, in words.
pub(crate) fn entry(
    name: String,
    values: &Values,
    folders: &Folders,
    origin: Origin,
) -> Result<Option<CardEntry>, String> {
    let crypto_provider = text(values.crypto_provider.as_ref(), CRYPTO_PROVIDER)?;
    let Some(module) = text(values.module.as_ref(), MODULE)? else {
        let served = crypto_provider.is_some_and(|provider| !provider.eq_ignore_ascii_case(BASE_PROVIDER));
        return if served { Ok(None) } else { Err(format!("it has no value {MODULE:?}, the card module")) };
    };
    let module = module_of(&module, folders)?;
    // Windows' own entries of cards that no ATR tells apart have both values, with nothing in them.
    let atr = bytes(values.atr.as_ref(), ATR)?.filter(|atr| !atr.is_empty());
    let mask = bytes(values.mask.as_ref(), MASK)?.filter(|mask| atr.is_some() || !mask.is_empty());
    let (atr, mask) = match (atr, mask) {
        (None, None) if module == RegisteredModule::Class => return Ok(None),
        (None, _) => return Err(format!("it has no value {ATR:?}")),
        (Some(atr), mask) => checked_pattern(atr, mask).map_err(|(part, reason)| match part {
            Part::Atr => format!("{ATR:?}: {reason}"),
            Part::Mask => format!("{MASK:?}: {reason}"),
        })?,
    };
    let key_storage_provider = text(values.key_storage_provider.as_ref(), KEY_STORAGE_PROVIDER)?;
    Ok(Some(CardEntry { name, atr, mask, module, crypto_provider, key_storage_provider, origin }))
}

/// The names of the values that mean something here, the module's last.
#[cfg_attr(not(windows), allow(dead_code, reason = "values are written where there is such a registry"))]
pub(crate) const KNOWN: [&str; 5] = [ATR, MASK, CRYPTO_PROVIDER, KEY_STORAGE_PROVIDER, MODULE];

/// The values of a new entry, in the order in which they are to be written: the module comes last, since a
/// key without it is no entry yet.
///
/// # Errors
/// What cannot be written, in words.
pub(crate) fn written(new: &NewEntry, folders: &Folders) -> Result<Vec<(&'static str, Value)>, String> {
    let mut values = vec![(ATR, Value::Bytes(new.atr.clone())), (MASK, Value::Bytes(new.mask.clone()))];
    for (name, provider) in
        [(CRYPTO_PROVIDER, &new.crypto_provider), (KEY_STORAGE_PROVIDER, &new.key_storage_provider)]
    {
        values.extend(provider.clone().map(|provider| (name, Value::Text(provider))));
    }
    let module = match &new.module {
        // For Windows its own class driver, for this program its own class module.
        RegisteredModule::Class => WINDOWS_CLASS_DRIVER.to_owned(),
        RegisteredModule::Library(path) => {
            let text = path.to_str().ok_or("the module's path is no Unicode text")?;
            module_of(text, folders)?;
            text.to_owned()
        }
    };
    values.push((MODULE, Value::Text(module)));
    Ok(values)
}

/// The text of a value (`REG_SZ`) in UTF-16: up to the first NUL, after which some programs leave what was
/// in their buffer. `None` is no text.
#[cfg_attr(not(windows), allow(dead_code, reason = "values are read where there is such a registry"))]
pub(crate) fn text_of(bytes: &[u8]) -> Option<String> {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    match units.iter().position(|unit| *unit == 0) {
        Some(end) => String::from_utf16(&units[..end]).ok(),
        None if odd.is_empty() => String::from_utf16(&units).ok(),
        None => None,
    }
}

/// The module that a value names.
fn module_of(text: &str, folders: &Folders) -> Result<RegisteredModule, String> {
    match module_name(text).map_err(|why| format!("{MODULE:?}: {why}"))? {
        ModuleName::WindowsClassDriver => Ok(RegisteredModule::Class),
        ModuleName::Absolute => Ok(RegisteredModule::Library(PathBuf::from(text))),
        ModuleName::BelowSystem => Ok(RegisteredModule::Library(folders.system.join(text))),
    }
}

/// What the text names, by Windows' rules: an absolute path, or a file below `System32`. The current folder is
/// never searched.
///
/// # Errors
/// It is neither, in words.
pub(crate) fn module_name(text: &str) -> Result<ModuleName, String> {
    let file = text.rsplit(['\\', '/']).next().unwrap_or_default();
    if file.trim().is_empty() {
        return Err("the module is empty".to_owned());
    }
    if [WINDOWS_CLASS_DRIVER, WINDOWS_CLASS_DRIVER_64].iter().any(|class| file.eq_ignore_ascii_case(class)) {
        return Ok(ModuleName::WindowsClassDriver);
    }
    if is_absolute(text) {
        return Ok(ModuleName::Absolute);
    }
    let below = !text.contains(':')
        && !text.starts_with(['\\', '/'])
        && text.split(['\\', '/']).all(|part| !matches!(part, "" | "." | ".."));
    if below {
        return Ok(ModuleName::BelowSystem);
    }
    Err(format!("{text:?} is neither an absolute path nor a file of Windows' system folder"))
}

/// Whether it is a path from a drive or a share on.
pub(crate) fn is_absolute(text: &str) -> bool {
    match text.as_bytes() {
        [drive, b':', b'\\' | b'/', ..] => drive.is_ascii_alphabetic(),
        bytes => bytes.starts_with(br"\\"),
    }
}

/// A text, with names of environment variables replaced where its type asks for that.
fn text(value: Option<&Value>, name: &str) -> Result<Option<String>, String> {
    match value {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.clone())),
        Some(Value::Expandable(text)) => expanded(text, |name| std::env::var(name).ok())
            .map(Some)
            .map_err(|why| format!("{name:?}: {why}")),
        Some(Value::Bytes(_)) => Err(format!("{name:?} is binary, and is to be a text (REG_SZ)")),
        Some(Value::Other(what)) => Err(format!("{name:?} is {what}, and is to be a text (REG_SZ)")),
    }
}

fn bytes(value: Option<&Value>, name: &str) -> Result<Option<Vec<u8>>, String> {
    match value {
        None => Ok(None),
        Some(Value::Bytes(bytes)) => Ok(Some(bytes.clone())),
        Some(Value::Text(_) | Value::Expandable(_)) => {
            Err(format!("{name:?} is a text, and is to be binary (REG_BINARY)"))
        }
        Some(Value::Other(what)) => Err(format!("{name:?} is {what}, and is to be binary (REG_BINARY)")),
    }
}

/// `%NAME%` replaced by the variable's value; `%%` and a single `%` stay.
fn expanded(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut parts = text.split('%');
    let mut result = parts.next().unwrap_or_default().to_owned();
    while let Some(name) = parts.next() {
        match parts.next() {
            Some(after) if !name.is_empty() => {
                result += &variable(name).ok_or_else(|| format!("the variable {name} is not set"))?;
                result += after;
            }
            Some(after) => result += &format!("%%{after}"),
            None => result += &format!("%{name}"),
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests;
