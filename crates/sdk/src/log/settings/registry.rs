//! The settings of Windows: values of a key that administrators alone write.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use windows_registry::{Key, LOCAL_MACHINE, Type};

use super::{Level, Origin, Scope, Settings, max_size};

const KEY: &str = r"SOFTWARE\cardmod\Logging";
const LEVEL: &str = "Level";
const FOLDER: &str = "Folder";
const MAX_SIZE: &str = "MaxSize";
/// `KEY_WOW64_64KEY`: one key for modules of both bitnesses.
const ONE_VIEW: u32 = 0x0100;
/// Where Windows says what is behind the names of its folders.
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
const SYSTEM: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";

pub(super) fn read() -> Settings {
    let mut problems = Vec::new();
    let key = LOCAL_MACHINE.options().read().access(ONE_VIEW).open(KEY).ok();
    let number = |name: &str, problems: &mut Vec<String>| {
        let key = key.as_ref().filter(|key| key.get_type(name).is_ok())?;
        let value = key.get_u32(name).ok();
        if value.is_none() {
            problems.push(format!("the value {name} of HKLM\\{KEY} is no DWORD"));
        }
        value
    };
    let level = number(LEVEL, &mut problems).map(Level::from_number);
    let size = number(MAX_SIZE, &mut problems);
    let folder = match key.as_ref().and_then(folder_value) {
        Some(text) => named_folder(&text, &mut problems),
        None => default_folder(),
    };
    Settings {
        level: level.unwrap_or_default(),
        level_from: if level.is_some() { origin() } else { Origin::Default },
        folder,
        make_folder: false,
        max_size: max_size(size),
        problems,
    }
}

pub(super) fn place(scope: Scope) -> Option<Origin> {
    (scope == Scope::Machine).then(origin)
}

fn origin() -> Origin {
    Origin::Registry(format!("HKEY_LOCAL_MACHINE\\{KEY}"))
}

/// The text of the value, names in it replaced where its type says that there are some.
fn folder_value(key: &Key) -> Option<String> {
    let text = key.get_string(FOLDER).ok().filter(|text| !text.is_empty())?;
    match key.get_type(FOLDER) {
        Ok(Type::ExpandString) => Some(expand(&text, 0).unwrap_or(text)),
        _ => Some(text),
    }
}

fn named_folder(text: &str, problems: &mut Vec<String>) -> Option<PathBuf> {
    let folder = PathBuf::from(text);
    if folder.is_absolute() {
        return Some(folder);
    }
    problems.push(format!("the value {FOLDER} of HKLM\\{KEY} is no absolute path: {text}"));
    None
}

/// `%ProgramData%\cardmod\Logs`.
fn default_folder() -> Option<PathBuf> {
    let data = variable("ProgramData", 0)?;
    Some(PathBuf::from(data).join("cardmod").join("Logs"))
}

/// How deep the names of folders lead to each other.
const DEPTH: u32 = 3;

/// Replaces `%Name%`; `None` for a name that the machine does not say anything of.
fn expand(text: &str, depth: u32) -> Option<String> {
    let mut result = String::new();
    let mut parts = text.split('%');
    result.push_str(parts.next()?);
    while let Some(name) = parts.next() {
        let after = parts.next()?; // a sign without its pair is no path
        result.push_str(&variable(name, depth + 1)?);
        result.push_str(after);
    }
    Some(result)
}

/// The folders that Windows itself has, from the registry and not from the environment.
fn variable(name: &str, depth: u32) -> Option<String> {
    if depth > DEPTH {
        return None;
    }
    let root = || machine_value(SYSTEM, "SystemRoot");
    if name.eq_ignore_ascii_case("ProgramData") {
        expand(&machine_value(PROFILES, "ProgramData")?, depth)
    } else if name.eq_ignore_ascii_case("SystemRoot") || name.eq_ignore_ascii_case("windir") {
        root()
    } else if name.eq_ignore_ascii_case("SystemDrive") {
        root()?.get(..2).map(str::to_owned)
    } else {
        None
    }
}

fn machine_value(key: &str, name: &str) -> Option<String> {
    let key = LOCAL_MACHINE.options().read().access(ONE_VIEW).open(key).ok()?;
    key.get_string(name).ok().filter(|text| !text.is_empty())
}

pub(super) fn change(
    scope: Scope,
    level: Level,
    folder: Option<&Path>,
    max_size: Option<u32>,
) -> io::Result<()> {
    if scope != Scope::Machine {
        return Err(ErrorKind::Unsupported.into());
    }
    // (The crate does not name its error.)
    macro_rules! told {
        ($result:expr) => {
            $result.map_err(|error| failure(error.code().0.cast_unsigned(), error.message()))?
        };
    }
    let key = told!(LOCAL_MACHINE.options().read().write().create().access(ONE_VIEW).open(KEY));
    told!(key.set_u32(LEVEL, u32::from(level.number())));
    if let Some(folder) = folder {
        told!(key.set_string(FOLDER, folder.to_str().ok_or(ErrorKind::InvalidInput)?));
    }
    if let Some(size) = max_size {
        told!(key.set_u32(MAX_SIZE, size));
    }
    match read().folder {
        // Made by an administrator it is the administrators', and passes on that users may make files there.
        Some(folder) if level != Level::Off => std::fs::create_dir_all(folder),
        _ => Ok(()),
    }
}

/// The system's code out of an `HRESULT` that carries one (`FACILITY_WIN32`).
fn failure(code: u32, message: String) -> io::Error {
    if code >> 16 == 0x8007 {
        io::Error::from_raw_os_error((code & 0xFFFF).cast_signed())
    } else {
        io::Error::other(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_come_from_the_registry() {
        let root = variable("SystemRoot", 0).unwrap();
        assert_eq!(expand("%systemroot%\\Logs", 0).unwrap(), format!("{root}\\Logs"));
        assert_eq!(expand("%SystemDrive%\\x", 0).unwrap(), format!("{}\\x", &root[..2]));
        assert_eq!(expand("plain", 0).unwrap(), "plain");
        for refused in ["%TEMP%\\x", "%USERPROFILE%", "100%", "%%"] {
            assert_eq!(expand(refused, 0), None, "{refused}");
        }
        let folder = default_folder().unwrap();
        assert!(folder.is_absolute() && folder.ends_with("cardmod\\Logs"), "{folder:?}");
    }

    #[test]
    fn a_relative_folder_is_no_place() {
        let mut problems = Vec::new();
        assert_eq!(named_folder("logs", &mut problems), None);
        assert_eq!(problems.len(), 1);
        assert!(named_folder(r"C:\logs", &mut problems).is_some());
    }

    #[test]
    fn users_have_no_settings_of_their_own() {
        assert_eq!(place(Scope::User), None);
        let error = change(Scope::User, Level::Calls, None, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
}
