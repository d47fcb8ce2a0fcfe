//! `cardmod file`: the logical file system of Cardmod.h (cardcf, mscp/cmapfile, …).

use std::path::PathBuf;

use cardmod_host::{AdminAuthority, CardSession, FileAuthority};
use cardmod_types::{DirectoryAccess, DirectoryName, FileAccess, FilePath, PinId};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::data::{self, Sensitivity};
use crate::failure::Failure;
use crate::management::ManagementOptions;
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
    /// Make a directory in the root
    Mkdir(MkdirArgs),
    /// Delete an empty directory
    Rmdir(RmdirArgs),
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
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
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
    #[command(flatten)]
    management: ManagementOptions,
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
    #[command(flatten)]
    management: ManagementOptions,
}

/// `file mkdir`.
#[derive(Args, Debug)]
pub(crate) struct MkdirArgs {
    /// The directory: a name of at most 8 characters
    #[arg(value_name = "DIRECTORY", value_parser = directory)]
    directory: DirectoryName,
    /// Only the administrator makes files in it
    #[arg(long)]
    admin: bool,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
    #[command(flatten)]
    management: ManagementOptions,
}

/// `file rmdir`.
#[derive(Args, Debug)]
pub(crate) struct RmdirArgs {
    /// The directory
    #[arg(value_name = "DIRECTORY", value_parser = directory)]
    directory: DirectoryName,
    #[command(flatten)]
    pin: PinOptions,
    #[command(flatten)]
    admin_key: AdminKeyOptions,
    #[command(flatten)]
    management: ManagementOptions,
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
    /// The administrator alone reads and writes
    AdminOnly,
    /// Nobody reads, the user writes
    UserExecute,
}

#[derive(Serialize)]
struct ListDocument {
    files: Vec<FileView>,
    /// `null` where the card does not tell.
    free_bytes: Option<u32>,
    free_containers: Option<u32>,
    max_containers: Option<u32>,
}

#[derive(Serialize)]
struct FileView {
    path: String,
    /// `null` for a file that needs a right to be looked at.
    bytes: Option<u32>,
    access: &'static str,
}

/// Runs the verb.
pub(crate) fn run(verb: &FileVerb, global: &Global, out: Output) -> Result<(), Failure> {
    match verb {
        FileVerb::List(args) => list(args, global, out),
        FileVerb::Read(args) => read(args, global, out),
        FileVerb::Write(args) => write(args, global, out),
        FileVerb::Delete(args) => delete(args, global, out),
        FileVerb::Mkdir(args) => mkdir(args, global, out),
        FileVerb::Rmdir(args) => rmdir(args, global, out),
    }
}

fn list(args: &ListArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let desk = Desk::open(global, out)?;
    let (files, free) = desk.with_card(WithoutCard::Refuse, |session| {
        let mut held = session.hold()?;
        let mut files = views(&mut held, args.directory)?;
        if args.directory.is_none() {
            match views(&mut held, Some(DirectoryName::MSCP)) {
                Ok(more) => files.extend(more),
                // A card without the Base CSP's directory has its root alone.
                Err(failure) if failure.code == "directory-not-found" => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok((files, held.free_space()?))
    })?;
    let document = ListDocument {
        files,
        free_bytes: free.bytes,
        free_containers: free.containers,
        max_containers: free.max_containers,
    };
    out.show(&document, || {
        let row = |file: &FileView| {
            let bytes = file.bytes.map_or_else(|| "-".to_owned(), |bytes| bytes.to_string());
            [file.path.clone(), bytes, file.access.to_owned()]
        };
        let mut text = table(["file", "bytes", "access"], document.files.iter().map(row).collect());
        let known =
            |value: Option<u32>| value.map_or_else(|| "unknown".to_owned(), |value| value.to_string());
        let (containers, most) = (known(free.containers), known(free.max_containers));
        text.push_str(&format!("free: {} bytes, {containers} of {most} containers\n", known(free.bytes)));
        text
    })
}

fn views(session: &mut CardSession, directory: Option<DirectoryName>) -> Result<Vec<FileView>, Failure> {
    let mut files = Vec::new();
    for name in session.list_files(directory.as_ref())? {
        let path = FilePath { directory, name };
        files.push(match session.file_info(&path) {
            Ok(info) => {
                FileView { path: path.to_string(), bytes: Some(info.size), access: access_word(info.access) }
            }
            Err(cardmod_host::Error::NotAuthenticated { .. }) => {
                FileView { path: path.to_string(), bytes: None, access: "needs a right" }
            }
            Err(error) => return Err(error.into()),
        });
    }
    Ok(files)
}

fn read(args: &ReadArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    authorised(&args.admin_key, &ManagementOptions::default(), global, out, |session, authority| {
        // A file that everyone reads needs no PIN, and none is sent to the card.
        bytes = match (args.pin.source(), session.read_file(&args.path), authority) {
            (Some(_), Err(cardmod_host::Error::NotAuthenticated { .. }), FileAuthority::User) => {
                let mut held = session.hold()?;
                held.verify_pin(PinId::USER, &PinAnswer::read(&args.pin, PinId::USER)?)?;
                held.read_file(&args.path)?
            }
            (_, read, _) => read?,
        };
        Ok(())
    })?;
    let delivery = Delivery { name: "data", bytes: &bytes, text: false, sensitivity: Sensitivity::Public };
    let facts = json!({"path": args.path.to_string(), "bytes": bytes.len()});
    out.deliver(&delivery, args.out.as_deref(), facts)
}

fn write(args: &WriteArgs, global: &Global, out: Output) -> Result<(), Failure> {
    secrets::apart(args.pin.source(), &args.input)?;
    secrets::apart(args.admin_key.source(), &args.input)?;
    let bytes = data::read(&args.input)?;
    let mut pins = PinAnswer::new(&args.pin);
    let access = FileAccess::from(args.access);
    authorised(&args.admin_key, &args.management, global, out, |session, authority| {
        Ok(session.put_file(&args.path, &bytes, access, authority, &mut pins)?)
    })?;
    let facts = json!({"path": args.path.to_string(), "bytes": bytes.len()});
    out.done(&facts, || format!("wrote {} bytes to {}\n", bytes.len(), args.path))
}

fn delete(args: &DeleteArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    authorised(&args.admin_key, &args.management, global, out, |session, authority| {
        Ok(session.delete_file(&args.path, authority, &mut pins)?)
    })?;
    out.done(&json!({"deleted": args.path.to_string()}), || format!("deleted {}\n", args.path))
}

fn mkdir(args: &MkdirArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    let access = match args.admin {
        true => DirectoryAccess::AdminCreateDelete,
        false => DirectoryAccess::UserCreateDelete,
    };
    authorised(&args.admin_key, &args.management, global, out, |session, authority| {
        Ok(session.create_directory(&args.directory, access, authority, &mut pins)?)
    })?;
    let name = args.directory.to_string();
    out.done(&json!({"directory": name}), || format!("made directory {name}\n"))
}

fn rmdir(args: &RmdirArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let mut pins = PinAnswer::new(&args.pin);
    authorised(&args.admin_key, &args.management, global, out, |session, authority| {
        Ok(session.delete_directory(&args.directory, authority, &mut pins)?)
    })?;
    let name = args.directory.to_string();
    out.done(&json!({"deleted": name}), || format!("deleted directory {name}\n"))
}

/// Runs `work` as the user, or, where the options name its key, as the administrator.
fn authorised(
    key: &AdminKeyOptions,
    management: &ManagementOptions,
    global: &Global,
    out: Output,
    work: impl FnOnce(&mut CardSession, FileAuthority) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let key = match key.source() {
        Some(source) => Some(admin_key(&source.read("administrator key")?)?),
        None => None,
    };
    let desk = Desk::open(global, out)?.with_management(management)?;
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
            Access::AdminOnly => Self::AdminReadWrite,
            Access::UserExecute => Self::UserWriteExecute,
        }
    }
}
