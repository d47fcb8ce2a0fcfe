//! `cardmod file`: the logical file system of Cardmod.h (cardcf, mscp/cmapfile, …).

use std::path::PathBuf;

use cardmod_host::{AdminAuthority, CardSession, FileAuthority};
use cardmod_types::{DirectoryName, FileAccess, FilePath};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::output::{Delivery, Output, table};
use crate::pins::PinAnswer;
use crate::secrets::{self, AdminKeyOptions, PinOptions};
use crate::session::{Desk, WithoutCard};
use crate::verbs::pin::admin_key;

/// What to do with files.
#[derive(Debug, Subcommand)]
pub(crate) enum FileVerb {
    /// List the files of the root and of mscp, or of one directory
    List(ListArgs),
    /// Read a file
    Read(ReadArgs),
    /// Write a file; makes it where it does not exist
    Write(WriteArgs),
    /// Delete a file
    Delete(DeleteArgs),
}

/// `file list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// The directory
    #[arg(value_name = "DIRECTORY", value_parser = directory)]
    directory: Option<DirectoryName>,
}

/// `file read`.
#[derive(Args, Debug)]
pub(crate) struct ReadArgs {
    /// The file, such as cardcf or mscp/cmapfile
    #[arg(value_name = "PATH", value_parser = path)]
    path: FilePath,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `file write`.
#[derive(Args, Debug)]
pub(crate) struct WriteArgs {
    /// The file, such as mscp/notes: names of at most 8 characters
    #[arg(value_name = "PATH", value_parser = path)]
    path: FilePath,
    /// The data (`-`: standard input)
    #[arg(long = "in", value_name = "FILE", default_value = "-")]
    input: PathBuf,
    /// Who may read and write a file that is made
    #[arg(long, value_enum, default_value_t = Access::User)]
    access: Access,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
}

/// `file delete`.
#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// The file
    #[arg(value_name = "PATH", value_parser = path)]
    path: FilePath,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
}

/// Access conditions a file can be made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Access {
    /// Everyone reads, the user writes
    User,
    /// Everyone reads, the administrator writes
    Admin,
    /// The user alone reads and writes
    UserOnly,
}

#[derive(Serialize)]
struct ListDocument {
    files: Vec<FileView>,
}

#[derive(Serialize)]
struct FileView {
    path: String,
    bytes: u32,
    access: &'static str,
}

/// Runs the verb.
pub(crate) fn run(verb: &FileVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        FileVerb::List(args) => list(args, global, out),
        FileVerb::Read(args) => read(args, global, out),
        FileVerb::Write(args) => write(args, global, out),
        FileVerb::Delete(args) => delete(args, global, out),
    }
}

fn list(args: &ListArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let files = desk.with_card(WithoutCard::Refuse, |session| match args.directory {
        Some(directory) => views(session, Some(directory)),
        None => {
            let mut files = views(session, None)?;
            match views(session, Some(DirectoryName::MSCP)) {
                Ok(more) => files.extend(more),
                // A card without the Base CSP's directory has its root alone.
                Err(failure) if failure.code == "directory-not-found" => {}
                Err(failure) => return Err(failure),
            }
            Ok(files)
        }
    })?;
    let document = ListDocument { files };
    out.show(&document, || {
        let row = |file: &FileView| [file.path.clone(), file.bytes.to_string(), file.access.to_owned()];
        table(["file", "bytes", "access"], document.files.iter().map(row).collect())
    })
}

fn views(session: &mut CardSession, directory: Option<DirectoryName>) -> Result<Vec<FileView>, Failure> {
    let mut files = Vec::new();
    for name in session.list_files(directory.as_ref())? {
        let path = FilePath { directory, name };
        let info = session.file_info(&path)?;
        files.push(FileView { path: path.to_string(), bytes: info.size, access: access_word(info.access) });
    }
    Ok(files)
}

fn read(args: &ReadArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let bytes = desk.with_card(WithoutCard::Refuse, |session| Ok(session.read_file(&args.path)?))?;
    let delivery = Delivery { name: "data", bytes: &bytes, text: false, sensitivity: Sensitivity::Public };
    let facts = json!({"path": args.path.to_string(), "bytes": bytes.len()});
    out.deliver(&delivery, args.out.as_deref(), facts)
}

fn write(args: &WriteArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.input)?;
    secrets::apart(args.admin_key.source(), &args.input)?;
    let bytes = data::read(&args.input)?;
    let size =
        u32::try_from(bytes.len()).map_err(|_| Failure::failed("bad-input", "the data are too long"))?;
    let mut pins = PinAnswer::new(&args.pin);
    let access = FileAccess::from(args.access);
    authorised(&args.admin_key, global, out, |session, authority| {
        match session.file_info(&args.path) {
            Ok(_) => {}
            Err(cardmod_host::Error::FileNotFound { .. }) => {
                session.create_file(&args.path, size, access, authority, &mut pins)?;
            }
            Err(error) => return Err(error.into()),
        }
        Ok(session.write_file(&args.path, &bytes, authority, &mut pins)?)
    })?;
    let facts = json!({"path": args.path.to_string(), "bytes": bytes.len()});
    out.done(&facts, || format!("wrote {} bytes to {}\n", bytes.len(), args.path))
}

fn delete(args: &DeleteArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    authorised(&args.admin_key, global, out, |session, authority| {
        Ok(session.delete_file(&args.path, authority, &mut pins)?)
    })?;
    out.done(&json!({"deleted": args.path.to_string()}), || format!("deleted {}\n", args.path))
}

/// Runs `work` as the user, or, where the options name its key, as the administrator.
fn authorised(
    key: &AdminKeyOptions,
    global: &Global,
    out: Output,
    work: impl FnOnce(&mut CardSession, FileAuthority) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let key = match key.source() {
        Some(source) => Some(admin_key(&source.read("administrator key")?)?),
        None => None,
    };
    let desk = Desk::open(global, out)?;
    desk.with_card(WithoutCard::Refuse, |session| match key {
        None => work(session, FileAuthority::User),
        Some(key) => {
            let mut held = session.hold()?;
            held.admin_authenticate(&mut AdminAuthority::Key(key))?;
            work(&mut held, FileAuthority::AsIs)
        }
    })
}

fn path(text: &str) -> Result<FilePath, String> {
    FilePath::parse(text).map_err(|error| error.to_string())
}

fn directory(text: &str) -> Result<DirectoryName, String> {
    DirectoryName::parse(text.as_bytes()).map_err(|error| error.to_string())
}

const fn access_word(access: Option<FileAccess>) -> &'static str {
    match access {
        Some(FileAccess::EveryoneReadUserWrite) => "user",
        Some(FileAccess::UserWriteExecute) => "user-execute",
        Some(FileAccess::EveryoneReadAdminWrite) => "admin",
        Some(FileAccess::UserReadWrite) => "user-only",
        Some(FileAccess::AdminReadWrite) => "admin-only",
        None => "unknown",
    }
}

impl From<Access> for FileAccess {
    fn from(access: Access) -> Self {
        match access {
            Access::User => Self::EveryoneReadUserWrite,
            Access::Admin => Self::EveryoneReadAdminWrite,
            Access::UserOnly => Self::UserReadWrite,
        }
    }
}
