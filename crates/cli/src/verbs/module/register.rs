//! `cardmod module register` and `unregister`.

use std::path::{Path, PathBuf};

use cardmod_host::LoadError;
use cardmod_host::install::{BASE_PROVIDER, KEY_STORAGE_PROVIDER};
use cardmod_host::module::{EntryExport, Image, Machine, Processor};
use cardmod_host::registry::{
    self, NewEntry, Place, RegisterError, RegisteredModule, RegistryPaths, check_module,
};
use cardmod_iso7816::Atr;
use clap::Args;
use serde_json::json;

use super::{AtrBytes, atr_of_card, paths, scope};
use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Output, hex};
use crate::session::Desk;

/// The word for the class module.
const CLASS: &str = "class";

/// `module register`.
#[derive(Args, Debug)]
pub(crate) struct RegisterArgs {
    /// The card module (a shared library), or `class` for the built-in one
    #[arg(value_name = "PATH")]
    library: PathBuf,
    /// The card's name [default: that of the library's file]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The ATR in hexadecimal, blanks and colons allowed [default: that of the card]
    #[arg(long, value_name = "HEX")]
    atr: Option<AtrBytes>,
    /// Which bits of the ATR count, as many bytes [default: all]
    #[arg(long, value_name = "HEX")]
    mask: Option<AtrBytes>,
    /// For every user of this machine (Windows: HKEY_LOCAL_MACHINE, else /etc/cardmod/cards.d)
    #[arg(long)]
    system: bool,
    /// For 32-bit programs of a 64-bit Windows, which have entries and modules of their own
    #[arg(long, requires = "system")]
    wow64: bool,
    /// Replace an entry of this name
    #[arg(long)]
    replace: bool,
    /// Do not try whether the library is a card module
    #[arg(long)]
    no_check: bool,
    /// The CryptoAPI provider's name, empty for none [default on Windows: Microsoft's for card modules]
    #[arg(long, value_name = "NAME")]
    crypto_provider: Option<String>,
    /// The CNG key storage provider's name, empty for none [default on Windows: Microsoft's for card modules]
    #[arg(long, value_name = "NAME")]
    key_storage_provider: Option<String>,
}

/// `module unregister`.
#[derive(Args, Debug)]
pub(crate) struct UnregisterArgs {
    /// The card's name, as `module list` shows it
    #[arg(value_name = "NAME")]
    name: String,
    /// From the entries of every user of this machine
    #[arg(long)]
    system: bool,
    /// From those that 32-bit programs of a 64-bit Windows have
    #[arg(long, requires = "system")]
    wow64: bool,
}

/// Runs `module register`.
pub(super) fn register(args: &RegisterArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let is_class = args.library.as_os_str() == CLASS;
    let paths = paths(args.wow64)?;
    // A module of this program's width is loaded, with the PC/SC library that it shares with this program, or it
    // might not load; one of the other width is looked at alone.
    let loaded = !is_class && !args.no_check && !args.wow64;
    let global = Global { module: loaded.then(|| args.library.clone()), ..global.clone() };
    let desk = Desk::open(&global, out)?;
    let module = match () {
        () if is_class => RegisteredModule::Class,
        () if loaded => {
            RegisteredModule::Library(check_module(&args.library).map_err(cardmod_host::Error::ModuleLoad)?)
        }
        () => {
            let absolute = std::path::absolute(&args.library)
                .map_err(|error| Failure::file("find", &args.library, error))?;
            if !args.no_check {
                check_32_bit(&absolute)?;
            }
            RegisteredModule::Library(absolute)
        }
    };
    let mut atr = match &args.atr {
        Some(atr) => atr.0.clone(),
        None => atr_of_card(&desk)?,
    };
    let truncated = args.mask.is_none().then(|| Atr::parse(&atr).err()).flatten();
    let mask = args.mask.as_ref().map_or_else(|| vec![0xFF; atr.len()], |mask| mask.0.clone());
    // The registry has the ATR after masking; cards and data sheets have it before.
    atr.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte &= mask);
    let stem = args.library.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let new = NewEntry {
        name: args.name.clone().or(stem).unwrap_or_default(),
        atr,
        mask,
        module,
        crypto_provider: provider(args.crypto_provider.as_deref(), BASE_PROVIDER, &paths),
        key_storage_provider: provider(args.key_storage_provider.as_deref(), KEY_STORAGE_PROVIDER, &paths),
        replace: args.replace,
    };
    let place = registry::register(&paths, scope(args.system), &new)?;
    if let Some(error) = truncated {
        let atr = hex(&new.atr);
        out.note(&format!("note: {atr} is no whole answer to reset ({error}), so no card may match it"));
    }
    if cfg!(windows) && !args.system {
        out.note("note: this entry is for cardmod alone; Windows itself reads --system entries only");
    }
    let mut document = json!({
        "registered": new.name,
        "atr": hex(&new.atr),
        "mask": hex(&new.mask),
        "module": new.module.to_string(),
    });
    let (member, text) = member(&place);
    document[member] = json!(text);
    out.done(&document, || format!("registered {} for {:?} in {text}\n", new.module, new.name))
}

/// A provider's name: the one that is named, none for an empty one, and Windows' own where Windows reads it.
fn provider(named: Option<&str>, own: &str, paths: &RegistryPaths) -> Option<String> {
    match named {
        Some("") => None,
        Some(named) => Some(named.to_owned()),
        None => paths.system_key.is_some().then(|| own.to_owned()),
    }
}

/// A module for 32-bit programs, which this program cannot load: its file is looked at.
fn check_32_bit(path: &Path) -> Result<(), Failure> {
    let image = Image::read(path).map_err(cardmod_host::Error::ModuleLoad)?;
    let wanted = Machine { processor: Processor::X86, ..Machine::own() };
    match image {
        Some(image) if image.built_for != wanted => Err(Failure::failed(
            "module-load",
            format!("{} is a {} library; {wanted} programs cannot load it", path.display(), image.built_for),
        )
        .hint("without --wow64 it is registered for programs of this width")),
        Some(image) if image.entry != EntryExport::Plain => {
            Err(cardmod_host::Error::ModuleLoad(LoadError::NoEntry { path: path.display().to_string() })
                .into())
        }
        Some(_) => Ok(()),
        None => Err(Failure::failed("module-load", format!("{} is no library", path.display()))),
    }
}

/// A place as documents have it.
fn member(place: &Place) -> (&'static str, String) {
    match place {
        Place::File { file, .. } => ("file", file.display().to_string()),
        Place::Key(key) => ("key", key.clone()),
    }
}

/// What is said of a name that the system's entries do not have.
const UNKNOWN_TO_THE_SYSTEM: &str = if cfg!(windows) {
    "cardmod module list shows them, list --wow64 those of 32-bit programs; without --system it is yours that is meant"
} else {
    "cardmod module list shows them; without --system it is yours that is meant"
};

/// Runs `module unregister`.
pub(super) fn unregister(args: &UnregisterArgs, out: Output) -> Result<(), Failure> {
    let gone =
        registry::unregister(&paths(args.wow64)?, scope(args.system), &args.name).map_err(|error| {
            let unknown = matches!(error, RegisterError::Unknown { .. });
            let failure = Failure::from(error);
            match (unknown, args.wow64, args.system) {
            (true, true, _) => failure.hint(
                "cardmod module list --wow64 shows them; without --wow64 it is taken from those of programs \
                 of this width",
            ),
            (true, _, true) => failure.hint(UNKNOWN_TO_THE_SYSTEM),
            _ => failure,
        }
        })?;
    let (member, text) = member(&gone.place);
    let mut document = json!({"unregistered": args.name, member: text});
    if let Place::File { .. } = gone.place {
        document["file_removed"] = json!(gone.file_removed);
    }
    out.done(&document, || match gone.place {
        Place::File { .. } => format!("took {:?} out of {text}\n", args.name),
        Place::Key(_) => format!("took {text} away\n"),
    })
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        let (exit, code) = match &error {
            RegisterError::BadName | RegisterError::BackslashInName => (Exit::Usage, "bad-card-name"),
            RegisterError::BadPattern(_) => (Exit::Usage, "bad-atr"),
            RegisterError::Exists { .. } => (Exit::Failed, "entry-exists"),
            RegisterError::NoModule { .. } => (Exit::Failed, "no-module-entry"),
            RegisterError::Unknown { .. } => (Exit::Failed, "no-such-entry"),
            RegisterError::Denied { .. } => (Exit::Failed, "access-denied"),
            RegisterError::Place { .. } => (Exit::Failed, "file"),
            RegisterError::Module(_) => (Exit::Failed, "module-load"),
            _ => (Exit::Failed, "registry"),
        };
        let failure = Self::new(exit, code, error.to_string());
        match error {
            RegisterError::Exists { .. } => failure.hint("--replace puts the new one in its place"),
            RegisterError::Denied { .. } if cfg!(windows) => failure.hint(
                "administrators may, in a console that was opened with \"Run as administrator\"; without \
                 --system it is registered for this user alone",
            ),
            RegisterError::Denied { .. } => {
                failure.hint("root may; without --system it is registered for this user alone")
            }
            RegisterError::NoModule { .. } => {
                failure.hint("its provider's own installation, or regedit, changes it; --name names another")
            }
            RegisterError::Unknown { .. } => {
                failure.hint("cardmod module list shows them; --system means those of every user")
            }
            _ => failure,
        }
    }
}
