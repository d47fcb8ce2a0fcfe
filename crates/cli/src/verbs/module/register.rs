//! `cardmod module register` and `unregister`.

use std::path::PathBuf;

use cardmod_host::registry::{self, NewEntry, RegisterError, RegisteredModule, RegistryPaths, check_module};
use clap::Args;
use serde_json::json;

use super::{AtrBytes, atr_of_card, scope};
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
    /// For every user of this machine (/etc/cardmod/cards.d)
    #[arg(long)]
    system: bool,
    /// Replace an entry of this name
    #[arg(long)]
    replace: bool,
    /// Do not try whether the library is a card module
    #[arg(long)]
    no_check: bool,
    /// The CryptoAPI provider's name, for hosts that have one
    #[arg(long, value_name = "NAME")]
    crypto_provider: Option<String>,
    /// The CNG key storage provider's name, for hosts that have one
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
}

/// Runs `module register`.
pub(super) fn register(args: &RegisterArgs, global: &Global, out: Output) -> Result<(), Failure> {
    // The library finds the PC/SC library that it shares with this program, or it might not load.
    let is_class = args.library.as_os_str() == CLASS;
    let library = (!is_class && !args.no_check).then(|| args.library.clone());
    let global = Global { module: library, ..global.clone() };
    let desk = Desk::open(&global, out)?;
    let module = if is_class {
        RegisteredModule::Class
    } else if args.no_check {
        let absolute = std::path::absolute(&args.library);
        RegisteredModule::Library(absolute.map_err(|error| Failure::file("find", &args.library, error))?)
    } else {
        RegisteredModule::Library(check_module(&args.library).map_err(cardmod_host::Error::ModuleLoad)?)
    };
    let mut atr = match &args.atr {
        Some(atr) => atr.0.clone(),
        None => atr_of_card(&desk)?,
    };
    let mask = args.mask.as_ref().map_or_else(|| vec![0xFF; atr.len()], |mask| mask.0.clone());
    // The registry has the ATR after masking; cards and data sheets have it before.
    atr.iter_mut().zip(&mask).for_each(|(byte, mask)| *byte &= mask);
    let stem = args.library.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let new = NewEntry {
        name: args.name.clone().or(stem).unwrap_or_default(),
        atr,
        mask,
        module,
        crypto_provider: args.crypto_provider.clone(),
        key_storage_provider: args.key_storage_provider.clone(),
        replace: args.replace,
    };
    let file = registry::register(&RegistryPaths::standard(), scope(args.system), &new)?;
    let document = json!({
        "registered": new.name,
        "atr": hex(&new.atr),
        "mask": hex(&new.mask),
        "module": new.module.to_string(),
        "file": file.display().to_string(),
    });
    out.done(&document, || format!("registered {} for {:?} in {}\n", new.module, new.name, file.display()))
}

/// Runs `module unregister`.
pub(super) fn unregister(args: &UnregisterArgs, out: Output) -> Result<(), Failure> {
    let paths = RegistryPaths::standard();
    let gone = registry::unregister(&paths, scope(args.system), &args.name)?;
    let file = gone.entry.origin.file.display().to_string();
    let document = json!({"unregistered": args.name, "file": file, "file_removed": gone.file_removed});
    out.done(&document, || format!("took {:?} out of {file}\n", args.name))
}

impl From<RegisterError> for Failure {
    fn from(error: RegisterError) -> Self {
        let (exit, code) = match &error {
            RegisterError::BadName => (Exit::Usage, "bad-card-name"),
            RegisterError::BadPattern(_) => (Exit::Usage, "bad-atr"),
            RegisterError::Exists { .. } => (Exit::Failed, "entry-exists"),
            RegisterError::Unknown { .. } => (Exit::Failed, "no-such-entry"),
            RegisterError::File { .. } => (Exit::Failed, "file"),
            RegisterError::Module(_) => (Exit::Failed, "module-load"),
            _ => (Exit::Failed, "registry"),
        };
        let failure = Self::new(exit, code, error.to_string());
        match error {
            RegisterError::Exists { .. } => failure.hint("--replace puts the new one in its place"),
            RegisterError::Unknown { .. } => {
                failure.hint("cardmod module list shows them; --system means those of every user")
            }
            _ => failure,
        }
    }
}
