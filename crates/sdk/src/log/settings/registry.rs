//! The settings of Windows: values of a key that administrators alone write.

mod key;

use std::io::{self, ErrorKind};
use std::path::PathBuf;

use self::key::{Key, Root, Value};
use super::{ChangeError, Level, NewFolder, Origin, Scope, Settings, max_size};
use crate::log::system;

const KEY: &str = r"SOFTWARE\cardmod\Logging";
const LEVEL: &str = "Level";
const FOLDER: &str = "Folder";
const MAX_SIZE: &str = "MaxSize";
/// Where Windows says what is behind the names of its folders.
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
const SYSTEM: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";

pub(super) fn read() -> Settings {
    let mut problems = Vec::new();
    let key = Key::open(Root::Machine, KEY).ok();
    let value = |name| key.as_ref().and_then(|key| key.value(name).unwrap_or(Some(Value::Other)));
    let level = number(LEVEL, value(LEVEL), &mut problems).map(Level::from_number);
    let size = number(MAX_SIZE, value(MAX_SIZE), &mut problems);
    let folder = match folder_text(value(FOLDER), &mut problems) {
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

fn number(name: &str, value: Option<Value>, problems: &mut Vec<String>) -> Option<u32> {
    match value? {
        Value::Number(number) => Some(number),
        _ => {
            problems.push(format!("the value {name} of HKLM\\{KEY} is no DWORD"));
            None
        }
    }
}

/// The text of the value, names in it replaced where its type says that there are some; `None` for an empty one.
fn folder_text(value: Option<Value>, problems: &mut Vec<String>) -> Option<String> {
    let text = match value? {
        Value::Text(text) => text,
        Value::Expandable(text) => expand(&text, 0).unwrap_or(text),
        Value::Number(_) | Value::Other => {
            problems.push(format!("the value {FOLDER} of HKLM\\{KEY} is no text"));
            return None;
        }
    };
    (!text.is_empty()).then_some(text)
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
    match Key::open(Root::Machine, key).ok()?.value(name).ok()?? {
        Value::Text(text) | Value::Expandable(text) if !text.is_empty() => Some(text),
        _ => None,
    }
}

pub(super) fn change(
    scope: Scope,
    level: Level,
    folder: NewFolder<'_>,
    max_size: Option<u32>,
) -> Result<(), ChangeError> {
    if scope != Scope::Machine {
        return Err(io::Error::from(ErrorKind::Unsupported).into());
    }
    // First of all whether this user may.
    let key = Key::create(Root::Machine, KEY)?;
    let text = match folder {
        NewFolder::Named(path) => Some(path.to_str().ok_or_else(|| {
            let error = io::Error::new(ErrorKind::InvalidInput, "the path is no text");
            ChangeError::Folder(path.to_owned(), error)
        })?),
        NewFolder::Same | NewFolder::Default => None,
    };
    if level != Level::Off {
        make(folder)?;
    }
    match (folder, text) {
        (_, Some(text)) => key.set_text(FOLDER, text)?,
        (NewFolder::Default, None) => key.remove(FOLDER)?,
        (NewFolder::Same | NewFolder::Named(_), None) => {}
    }
    if let Some(size) = max_size {
        key.set_number(MAX_SIZE, size)?;
    }
    Ok(key.set_number(LEVEL, u32::from(level.number()))?)
}

/// Makes the folder that is to hold, with rights that let no user lead what others write elsewhere.
fn make(folder: NewFolder<'_>) -> Result<(), ChangeError> {
    let wanted = match folder {
        NewFolder::Same => read().folder,
        NewFolder::Default => default_folder(),
        NewFolder::Named(path) => Some(path.to_owned()),
    };
    let Some(wanted) = wanted else { return Ok(()) };
    // Below it every user may make folders, and would own what is to be the log's.
    let open_to_all = variable("ProgramData", 0).map(PathBuf::from);
    system::make_shared(&wanted, open_to_all.as_deref()).map_err(|error| ChangeError::Folder(wanted, error))
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
    fn values_of_other_types_are_told_and_passed_over() {
        let mut problems = Vec::new();
        assert_eq!(number(LEVEL, Some(Value::Number(2)), &mut problems), Some(2));
        assert_eq!(number(LEVEL, None, &mut problems), None);
        assert_eq!(folder_text(None, &mut problems), None);
        assert_eq!(folder_text(Some(Value::Text(String::new())), &mut problems), None);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(number(LEVEL, Some(Value::Text("2".to_owned())), &mut problems), None);
        assert_eq!(folder_text(Some(Value::Other), &mut problems), None);
        assert!(problems[0].contains("Level") && problems[1].contains("Folder"), "{problems:?}");
    }

    #[test]
    fn names_are_replaced_where_the_type_says_that_there_are_some() {
        let text = "%SystemRoot%\\Logs".to_owned();
        let mut problems = Vec::new();
        assert_eq!(folder_text(Some(Value::Text(text.clone())), &mut problems), Some(text.clone()));
        let replaced = folder_text(Some(Value::Expandable(text)), &mut problems).unwrap();
        assert_eq!(replaced, format!("{}\\Logs", variable("SystemRoot", 0).unwrap()));
        let unknown = folder_text(Some(Value::Expandable("%TEMP%\\x".to_owned())), &mut problems);
        assert_eq!(unknown.as_deref(), Some("%TEMP%\\x"), "and so no absolute path");
        assert_eq!(problems, Vec::<String>::new());
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
        let error = change(Scope::User, Level::Calls, NewFolder::Same, None).unwrap_err();
        assert!(matches!(error, ChangeError::Settings(error) if error.kind() == ErrorKind::Unsupported));
    }
}
