//! `cardmod log`: the log files that card modules write, wherever they run.
//!
//! The program's own log is another one: `CARDMOD_LOG` lets it tell on standard error what its libraries do.

mod show;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use cardmod_sdk::log::{self, ChangeError, Level, NewFolder, Scope, Settings};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;

/// Instead of a folder: the system's place. A folder of this name is `./default`.
const DEFAULT: &str = "default";

/// What to do with the log.
#[derive(Debug, Subcommand)]
pub(crate) enum LogVerb {
    /// Tell what is logged, who says so, and where the files are
    Status,
    /// Let card modules write log files, from the next time on that a program opens a card
    On(OnArgs),
    /// Write no more
    Off(ScopeArgs),
    /// Print the file that was written last
    Show(show::ShowArgs),
}

/// Options of `log on`.
#[derive(Args, Debug)]
pub(crate) struct OnArgs {
    /// 1: calls that fail; 2: all calls; 3: and their APDUs, secrets left out
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=3))]
    level: u8,
    /// The folder of the files, `default` for the system's place for such files [default: as it was]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// How long a file may grow before it becomes the older of two, in KiB [default: as it was, or 10240]
    #[arg(long, value_name = "KIB", value_parser = clap::value_parser!(u32).range(16..))]
    max_size: Option<u32>,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Whose programs.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ScopeArgs {
    /// For the programs of all users, which an administrator alone may say (on Windows always so)
    #[arg(long)]
    machine: bool,
}

impl ScopeArgs {
    const fn scope(self) -> Scope {
        if self.machine || cfg!(windows) { Scope::Machine } else { Scope::User }
    }
}

#[derive(Serialize)]
struct StatusDocument {
    level: u8,
    /// The level in words.
    logged: String,
    /// Who says so.
    origin: String,
    /// Where `on` and `off` write.
    settings: Option<String>,
    folder: Option<String>,
    /// The folder is there, or is made by the first module that has something to write.
    folder_usable: bool,
    max_size_kib: u32,
    files: Vec<FileView>,
    #[serde(skip)]
    files_known: bool,
    problems: Vec<String>,
}

#[derive(Serialize)]
struct FileView {
    path: String,
    bytes: u64,
}

/// Runs the verb.
pub(crate) fn run(verb: &LogVerb, out: Output) -> Result<(), Failure> {
    match verb {
        LogVerb::Status => status(Settings::read(), ScopeArgs { machine: false }.scope(), out),
        LogVerb::On(args) => {
            let level = Level::from_number(args.level.into());
            let named = args.folder.as_deref().filter(|folder| *folder != Path::new(DEFAULT));
            let absolute = named.map(absolute).transpose()?;
            let folder = match (&args.folder, &absolute) {
                (None, _) => NewFolder::Same,
                (Some(_), None) => NewFolder::Default,
                (Some(_), Some(folder)) => NewFolder::Named(folder),
            };
            change(args.scope.scope(), level, folder, args.max_size, out)
        }
        LogVerb::Off(args) => change(args.scope(), Level::Off, NewFolder::Same, None, out),
        LogVerb::Show(args) => show::run(args, out),
    }
}

/// The folder as every program will find it, whatever folder it works in.
fn absolute(folder: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(folder).map_err(|error| Failure::file("name", folder, error))
}

/// Changes the settings and shows what holds now; a variable of the environment that says otherwise is told.
fn change(
    scope: Scope,
    level: Level,
    folder: NewFolder<'_>,
    max_size: Option<u32>,
    out: Output,
) -> Result<(), Failure> {
    Settings::change(scope, level, folder, max_size).map_err(|error| refused(scope, &error))?;
    let settings = Settings::read();
    if settings.level != level {
        out.note(&format!(
            "note: level {} holds here, for {} says so",
            settings.level.number(),
            settings.level_from
        ));
    }
    status(settings, scope, out)
}

fn refused(scope: Scope, error: &ChangeError) -> Failure {
    let message = error.to_string();
    let (kind, of_system) = match error {
        // What the system did not say was found wrong with the folder, whoever asks.
        ChangeError::Folder(_, error) => (error.kind(), error.raw_os_error().is_some()),
        ChangeError::Settings(error) => (error.kind(), true),
    };
    match kind {
        ErrorKind::PermissionDenied if scope == Scope::Machine && of_system => Failure::failed(
            "administrator-needed",
            format!("the log of the whole machine is an administrator's to switch: {message}"),
        )
        .hint(if cfg!(windows) {
            "open a console with \"Run as administrator\" and try again there"
        } else {
            "try again with sudo, or leave --machine away for your own programs"
        }),
        ErrorKind::Unsupported => Failure::failed("no-place", message).hint("set HOME or XDG_CONFIG_HOME"),
        _ => Failure::failed("file", message),
    }
}

fn status(settings: Settings, scope: Scope, out: Output) -> Result<(), Failure> {
    let folder = settings.folder.as_deref();
    let mut problems = settings.problems;
    let found = folder.map_or(Ok(Vec::new()), files);
    let found = found.map_err(|problem| problems.push(problem)).ok();
    let document = StatusDocument {
        level: settings.level.number(),
        logged: settings.level.to_string(),
        origin: settings.level_from.to_string(),
        settings: Settings::place(scope).map(|place| place.to_string()),
        folder: folder.map(|folder| folder.display().to_string()),
        folder_usable: folder.is_some_and(|folder| settings.make_folder || folder.is_dir()),
        max_size_kib: settings.max_size,
        files: found.iter().flatten().map(|path| FileView::of(path)).collect(),
        files_known: found.is_some(),
        problems,
    };
    out.show(&document, || text(&document))
}

/// The files in a folder, which has none while it is missing.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    match log::files(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        found => found.map_err(|error| {
            format!("cannot read the folder of the log files, {}: {error}", folder.display())
        }),
    }
}

impl FileView {
    fn of(path: &Path) -> Self {
        Self {
            path: path.display().to_string(),
            bytes: std::fs::metadata(path).map_or(0, |found| found.len()),
        }
    }
}

fn text(document: &StatusDocument) -> String {
    let mut lines = vec![format!(
        "log of card modules: {} (level {}; {})",
        document.logged, document.level, document.origin
    )];
    match &document.folder {
        None => lines.push("folder: there is no place for the files, so nothing is written".to_owned()),
        Some(folder) if document.folder_usable => lines.push(format!("folder: {folder}")),
        Some(folder) => {
            lines.push(format!("folder: {folder} (missing: nothing is written until it is there)"))
        }
    }
    if let Some(settings) = &document.settings {
        lines.push(format!("settings: {settings}"));
    }
    lines.push(format!("a file grows to {} KiB, and one older is kept beside it", document.max_size_kib));
    lines.extend(document.problems.iter().map(|problem| format!("problem: {problem}")));
    match document.files.as_slice() {
        [] if !document.files_known => lines.push("files: unknown".to_owned()),
        [] => lines.push("files: none".to_owned()),
        files => {
            lines.push("files, the one written last first:".to_owned());
            lines.extend(files.iter().map(|file| format!("  {} ({} bytes)", file.path, file.bytes)));
        }
    }
    lines.join("\n") + "\n"
}
