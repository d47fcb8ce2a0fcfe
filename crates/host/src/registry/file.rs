//! Reading registry files.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::entry::{CardEntry, Origin, Part, Place, RegisteredModule, Scope, pattern};
use super::paths::Directory;

/// Why a registry file, a directory of them, or a key of Windows' registry cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
#[non_exhaustive]
pub struct RegistryProblem {
    /// The file, directory or key.
    pub place: Place,
    /// What is wrong.
    pub reason: String,
}

/// A file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    card: Vec<Written>,
}

/// An entry, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: Spanned<String>,
    atr: Spanned<String>,
    mask: Option<Spanned<String>>,
    module: Spanned<String>,
    crypto_provider: Option<String>,
    key_storage_provider: Option<String>,
}

/// The files of a place, in the order of their names.
pub(super) fn files(directory: Directory<'_>) -> Vec<Result<PathBuf, RegistryProblem>> {
    let path = directory.path;
    let failed = |reason: String| {
        vec![Err(RegistryProblem { place: Place::File { file: path.clone(), line: None }, reason })]
    };
    if directory.scope == Scope::Environment && path.is_file() {
        return vec![Ok(path.clone())];
    }
    let listed = std::fs::read_dir(path)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>());
    let mut paths = match listed {
        Ok(paths) => paths,
        // Only what somebody named must be there.
        Err(error) if error.kind() == ErrorKind::NotFound && directory.scope != Scope::Environment => {
            return Vec::new();
        }
        Err(error) => return failed(format!("it cannot be read: {error}")),
    };
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    paths.into_iter().map(Ok).collect()
}

/// The entries of one file; one that is wrong makes the file unusable.
pub(super) fn read(path: &Path, scope: Scope) -> Result<Vec<CardEntry>, RegistryProblem> {
    let failed = |line, reason: String| RegistryProblem {
        place: Place::File { file: path.to_owned(), line },
        reason: reason.trim().into(),
    };
    check_owner(path).map_err(|reason| failed(None, reason))?;
    let text =
        std::fs::read_to_string(path).map_err(|error| failed(None, format!("it cannot be read: {error}")))?;
    let document: Document = toml::from_str(&text).map_err(|error| {
        let line = error.span().map(|span| line_of(&text, span.start));
        let written = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default();
        // As in module = "C:\cards\x.dll".
        let advice = if written.contains('"') && written.contains('\\') {
            "; write paths with a backslash in single quotes"
        } else {
            ""
        };
        failed(line, format!("{}{advice}", error.message().replace('\n', " ").trim()))
    })?;
    // Relative module paths begin at the file, wherever the program runs.
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    document
        .card
        .into_iter()
        .map(|written| {
            entry(written, &text, &absolute, scope).map_err(|(line, reason)| failed(Some(line), reason))
        })
        .collect()
}

/// An entry, checked; what is wrong with its line.
fn entry(written: Written, text: &str, file: &Path, scope: Scope) -> Result<CardEntry, (usize, String)> {
    let line = |span: std::ops::Range<usize>| line_of(text, span.start);
    for (named, what) in [(&written.name, "name"), (&written.module, "module")] {
        if named.get_ref().trim().is_empty() {
            return Err((line(named.span()), format!("the {what} is empty")));
        }
    }
    let mask = written.mask.as_ref();
    let (atr, bits) = pattern(written.atr.get_ref(), mask.map(|mask| mask.get_ref().as_str())).map_err(
        |(part, reason)| {
            let span = match (part, mask) {
                (Part::Mask, Some(mask)) => mask.span(),
                _ => written.atr.span(),
            };
            (line(span), reason)
        },
    )?;
    Ok(CardEntry {
        atr,
        mask: bits,
        module: RegisteredModule::of(written.module.get_ref(), file),
        crypto_provider: written.crypto_provider,
        key_storage_provider: written.key_storage_provider,
        origin: Origin {
            scope,
            place: Place::File { file: file.to_owned(), line: Some(line(written.name.span())) },
        },
        name: written.name.into_inner(),
    })
}

/// The line of a byte, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// A file that everybody may write, or put into its directory, would have everybody choose the code that this
/// program loads.
#[cfg(unix)]
fn check_owner(path: &Path) -> Result<(), String> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o002;
    let of = |path: &Path| path.metadata().map_err(|error| format!("it cannot be read: {error}"));
    let file = of(path)?;
    if file.permissions().mode() & OTHERS_WRITE != 0 {
        return Err("everybody may write it, so it is not used (chmod o-w takes that away)".to_owned());
    }
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let Some(directory) = path.parent() else { return Ok(()) };
    let mode = of(directory)?.permissions().mode();
    if mode & OTHERS_WRITE == 0 {
        return Ok(());
    }
    if mode & STICKY == 0 {
        let directory = directory.display();
        return Err(format!("everybody may write its directory, so it is not used (chmod o-w {directory})"));
    }
    // As in /tmp: others can put files there, and cannot touch those of the user and of root.
    match file.uid() {
        0 => Ok(()),
        owner if owner == rustix::process::geteuid().as_raw() => Ok(()),
        _ => {
            Err("it is another user's, in a directory that everybody may write, so it is not used".to_owned())
        }
    }
}

/// Directories of programs and users have their own rights there.
#[cfg(not(unix))]
fn check_owner(_path: &Path) -> Result<(), String> {
    Ok(())
}
