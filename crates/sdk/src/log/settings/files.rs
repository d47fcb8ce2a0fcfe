//! The settings outside of Windows: environment, the user's file, the machine's file.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

use super::{ChangeError, Level, NewFolder, Origin, Scope, Settings, max_size};
use crate::log::system;

/// The level, 0 to 3.
const LEVEL: &str = "CARDMOD_MODULE_LOG_LEVEL";
/// The folder.
const FOLDER: &str = "CARDMOD_MODULE_LOG_DIR";
/// The longest a file grows, in KiB.
const SIZE: &str = "CARDMOD_MODULE_LOG_SIZE";
/// Another folder for the machine's file.
const SYSTEM_CONFIG: &str = "CARDMOD_SYSTEM_CONFIG";
const FILE: &str = "logging.conf";
const MACHINE: &str = "/etc/cardmod";
const MACHINE_FOLDER: &str = "/var/log/cardmod";
/// More than the file ever has.
const LONGEST_FILE: u64 = 1 << 16;

pub(super) fn read() -> Settings {
    let privileged = system::is_privileged();
    let variable = |name: &str| if privileged { None } else { env::var_os(name) };
    let config = base(&variable, "XDG_CONFIG_HOME", ".config");
    gather(variable, config)
}

pub(super) fn place(scope: Scope) -> Option<Origin> {
    match scope {
        Scope::User => user_file(base(&environment, "XDG_CONFIG_HOME", ".config")).map(Origin::File),
        Scope::Machine => Some(Origin::File(machine_file(&environment))),
    }
}

/// The values of one source.
#[derive(Default)]
struct Values {
    level: Option<Level>,
    folder: Option<PathBuf>,
    max_size: Option<u32>,
}

fn environment(name: &str) -> Option<OsString> {
    env::var_os(name)
}

fn gather(variable: impl Fn(&str) -> Option<OsString>, config: Option<PathBuf>) -> Settings {
    let mut problems = Vec::new();
    let machine = machine_file(&variable);
    let mut sources = vec![(Origin::Environment(LEVEL), from_environment(&variable, &mut problems))];
    for file in user_file(config).into_iter().chain([machine.clone()]) {
        let values = from_file(&file, &mut problems);
        sources.push((Origin::File(file), values));
    }
    let level = sources.iter().find_map(|(origin, values)| Some((values.level?, origin.clone())));
    let (level, level_from) = level.unwrap_or_default();
    let folder = sources.iter().find_map(|(_, values)| values.folder.clone());
    let (folder, make_folder) = match folder {
        Some(folder) => (folder, false),
        None if level_from == Origin::File(machine) => (MACHINE_FOLDER.into(), false),
        None => state_folder(&variable).map_or((MACHINE_FOLDER.into(), false), |folder| (folder, true)),
    };
    let wanted = sources.iter().find_map(|(_, values)| values.max_size);
    Settings { level, level_from, folder: Some(folder), make_folder, max_size: max_size(wanted), problems }
}

/// A user's logs are the user's own; those of the machine's setting lie together:
/// `$XDG_STATE_HOME/cardmod/log`, else `~/.local/state/cardmod/log`.
fn state_folder(variable: &impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let home = base(variable, "XDG_STATE_HOME", ".local/state")?;
    Some(home.join("cardmod/log"))
}

/// The user's file in his directory for settings.
fn user_file(config: Option<PathBuf>) -> Option<PathBuf> {
    Some(config?.join("cardmod").join(FILE))
}

fn machine_file(variable: &impl Fn(&str) -> Option<OsString>) -> PathBuf {
    let folder = variable(SYSTEM_CONFIG).map(PathBuf::from).filter(|path| path.is_absolute());
    folder.unwrap_or_else(|| MACHINE.into()).join(FILE)
}

/// A base directory; relative paths are to be ignored (XDG Base Directory Specification).
fn base(variable: &impl Fn(&str) -> Option<OsString>, name: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute(name).or_else(|| absolute("HOME").map(|home| home.join(below_home)))
}

fn from_environment(variable: &impl Fn(&str) -> Option<OsString>, problems: &mut Vec<String>) -> Values {
    let mut values = Values::default();
    for (name, key) in [(LEVEL, "Level"), (FOLDER, "Folder"), (SIZE, "MaxSize")] {
        let Some(value) = variable(name).filter(|value| !value.is_empty()) else { continue };
        let understood = match key {
            // A path need not be text.
            "Folder" => values.set_folder(value.into()),
            _ => value.to_str().is_some_and(|value| values.set(key, value)),
        };
        if !understood {
            problems.push(format!("the environment variable {name} is not understood"));
        }
    }
    values
}

fn from_file(path: &Path, problems: &mut Vec<String>) -> Values {
    let mut values = Values::default();
    let text = match read_file(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return values,
        Err(error) => {
            problems.push(format!("{} cannot be read: {error}", path.display()));
            return values;
        }
    };
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let understood =
            line.split_once('=').is_some_and(|(key, value)| values.set(key.trim(), value.trim()));
        if !understood {
            problems.push(format!("line {} of {} is not understood", number + 1, path.display()));
        }
    }
    values
}

/// A regular file of a sensible length.
fn read_file(path: &Path) -> io::Result<String> {
    let found = fs::metadata(path)?;
    if !found.is_file() || found.len() > LONGEST_FILE {
        return Err(ErrorKind::InvalidData.into());
    }
    fs::read_to_string(path)
}

impl Values {
    /// Takes a value by its name; whether it is understood.
    fn set(&mut self, key: &str, value: &str) -> bool {
        match key {
            "Level" => {
                let level = value.parse().ok().map(Level::from_number);
                self.level = level.or(self.level);
                level.is_some()
            }
            "Folder" => self.set_folder(value.into()),
            "MaxSize" => {
                let size = value.parse().ok();
                self.max_size = size.or(self.max_size);
                size.is_some()
            }
            _ => false,
        }
    }

    fn set_folder(&mut self, folder: PathBuf) -> bool {
        let absolute = folder.is_absolute();
        if absolute {
            self.folder = Some(folder);
        }
        absolute
    }
}

pub(super) fn change(
    scope: Scope,
    level: Level,
    folder: NewFolder<'_>,
    max_size: Option<u32>,
) -> Result<(), ChangeError> {
    let Some(Origin::File(path)) = place(scope) else {
        return Err(io::Error::from(ErrorKind::Unsupported).into());
    };
    let before = from_file(&path, &mut Vec::new());
    let folder = match folder {
        NewFolder::Same => before.folder,
        NewFolder::Default => None,
        NewFolder::Named(folder) => Some(folder.to_owned()),
    };
    let values = Values { level: Some(level), folder, max_size: max_size.or(before.max_size) };
    let make = || if level == Level::Off { Ok(()) } else { make(scope, values.folder.as_deref()) };
    store(&path, &values, make)
}

fn make(scope: Scope, folder: Option<&Path>) -> Result<(), ChangeError> {
    let (folder, made) = match (scope, folder) {
        (Scope::User, Some(folder)) => (folder, system::Folder::ready(folder, true).map(drop)),
        // A module makes it when it has something to write.
        (Scope::User, None) => return Ok(()),
        (Scope::Machine, folder) => {
            let folder = folder.unwrap_or(Path::new(MACHINE_FOLDER));
            (folder, make_shared(folder))
        }
    };
    made.map_err(|error| ChangeError::Folder(folder.to_owned(), error))
}

/// A folder where every user's programs may make files, and nobody removes another's, as `/tmp` is one.
fn make_shared(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(folder)?;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o1777))
}

/// Replaces the file as a whole, when all is ready that it speaks of.
fn store(
    path: &Path,
    values: &Values,
    ready: impl FnOnce() -> Result<(), ChangeError>,
) -> Result<(), ChangeError> {
    let text = text(values)?;
    let folder = path.parent().ok_or(io::Error::from(ErrorKind::InvalidInput))?;
    fs::DirBuilder::new().recursive(true).mode(0o755).create(folder)?;
    let new = path.with_extension(format!("conf.{}", std::process::id()));
    let written = fs::File::create_new(&new).and_then(|mut file| file.write_all(text.as_bytes()));
    let replaced = written.map_err(ChangeError::from).and_then(|()| {
        ready()?;
        Ok(fs::rename(&new, path)?)
    });
    if replaced.is_err() {
        // What is left of a failed try is in nobody's way.
        let _ = fs::remove_file(&new);
    }
    replaced
}

fn text(values: &Values) -> Result<String, ChangeError> {
    let mut text = "# The log of card modules, see `cardmod log`. Level: 0 off, 1 errors, 2 calls, 3 calls with APDUs.\n"
        .to_owned();
    let level = values.level.unwrap_or_default().number();
    text.push_str(&format!("Level = {level}\n"));
    if let Some(folder) = &values.folder {
        let plain = folder.to_str().filter(|folder| !folder.contains('\n') && folder.trim() == *folder);
        let refused = || {
            let error =
                io::Error::new(ErrorKind::InvalidInput, "the path cannot stand in a file of settings");
            ChangeError::Folder(folder.clone(), error)
        };
        text.push_str(&format!("Folder = {}\n", plain.ok_or_else(refused)?));
    }
    if let Some(size) = values.max_size {
        text.push_str(&format!("MaxSize = {size}\n"));
    }
    Ok(text)
}

// Miri knows neither the locks nor the flags of files; no memory is at stake.
#[cfg(test)]
#[cfg(not(miri))]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)], user: Option<&str>) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("cardmod")).unwrap();
        if let Some(text) = user {
            fs::write(folder.path().join("cardmod/logging.conf"), text).unwrap();
        }
        let find = |name: &str| match variables.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => Some(OsString::from(value)),
            // No test depends on what its machine has.
            None => (name == SYSTEM_CONFIG).then(|| folder.path().join("etc").into()),
        };
        gather(find, Some(folder.path().to_owned()))
    }

    #[test]
    fn nothing_said_is_off() {
        let settings = of(&[], None);
        assert_eq!((settings.level, settings.level_from), (Level::Off, Origin::Default));
        assert_eq!(settings.max_size, 10_240);
        assert!(settings.problems.is_empty());
    }

    #[test]
    fn the_environment_goes_before_the_file_value_by_value() {
        let file = "# comment\nLevel = 2\n Folder=/var/tmp/a b \nMaxSize = 100\n";
        let settings = of(&[(LEVEL, "3")], Some(file));
        assert_eq!((settings.level, settings.level_from), (Level::Apdus, Origin::Environment(LEVEL)));
        assert_eq!(settings.folder.as_deref(), Some(Path::new("/var/tmp/a b")));
        assert!(!settings.make_folder);
        assert_eq!(settings.max_size, 100);
        let settings = of(&[(FOLDER, "/f"), (SIZE, "")], Some(file));
        assert_eq!(settings.level, Level::Calls);
        assert!(matches!(settings.level_from, Origin::File(_)));
        assert_eq!((settings.folder.as_deref(), settings.max_size), (Some(Path::new("/f")), 100));
    }

    #[test]
    fn the_default_folder_is_the_users_own() {
        let settings = of(&[("HOME", "/h/u"), (LEVEL, "1")], None);
        assert_eq!(settings.folder.as_deref(), Some(Path::new("/h/u/.local/state/cardmod/log")));
        assert!(settings.make_folder);
        let settings = of(&[("HOME", "/h/u"), ("XDG_STATE_HOME", "/s")], None);
        assert_eq!(settings.folder.as_deref(), Some(Path::new("/s/cardmod/log")));
        let settings = of(&[(LEVEL, "1")], None);
        assert_eq!(settings.folder.as_deref(), Some(Path::new(MACHINE_FOLDER)));
        assert!(!settings.make_folder);
    }

    #[test]
    fn the_machines_logs_lie_together() {
        let etc = tempfile::tempdir().unwrap();
        fs::write(etc.path().join(FILE), "Level = 2").unwrap();
        let etc = etc.path().to_str().unwrap();
        let settings = of(&[("HOME", "/h/u"), (SYSTEM_CONFIG, etc)], None);
        assert_eq!((settings.level, settings.folder), (Level::Calls, Some(MACHINE_FOLDER.into())));
        assert!(!settings.make_folder);
        let settings = of(&[("HOME", "/h/u"), (SYSTEM_CONFIG, etc)], Some("Level = 0"));
        assert_eq!(settings.level, Level::Off, "the user's word goes before the machine's");
    }

    #[test]
    fn what_is_not_understood_is_told_and_passed_over() {
        let settings = of(&[(LEVEL, "loud"), (FOLDER, "relative")], Some("Level = 1\nLevel: 3\nSize = 3\n"));
        assert_eq!(settings.level, Level::Errors);
        assert_eq!(settings.problems.len(), 4);
        assert!(settings.problems[2].starts_with("line 2 of "), "{:?}", settings.problems);
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/logging.conf");
        let values = Values { level: Some(Level::Calls), folder: Some("/a b".into()), max_size: Some(64) };
        store(&path, &values, || Ok(())).unwrap();
        let mut problems = Vec::new();
        let read = from_file(&path, &mut problems);
        assert_eq!((read.level, read.folder, read.max_size), (values.level, values.folder, values.max_size));
        assert!(problems.is_empty());
        let bad = Values { folder: Some("/a\nLevel = 3".into()), ..Values::default() };
        let refused = store(&path, &bad, || Ok(())).unwrap_err();
        assert!(matches!(refused, ChangeError::Folder(_, error) if error.kind() == ErrorKind::InvalidInput));
        let bad = || Err(ChangeError::Folder("/f".into(), ErrorKind::NotADirectory.into()));
        let refused = store(&path, &Values::default(), bad).unwrap_err();
        assert_eq!(refused.to_string(), "cannot use /f as the folder of the log: what is there is no folder");
        assert_eq!(from_file(&path, &mut problems).level, values.level, "nothing is changed");
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no other file is left");
    }
}
