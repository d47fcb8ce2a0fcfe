//! `cardmod module inf` and `module reg`: what installs a card module on Windows. They work on every system.

mod what;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cardmod_host::install::{
    DriverDate, DriverVersion, InstallError, Package, PackageFile, RegFile, file_name, utf16_file,
};
use cardmod_host::module::{EntryExport, Image, Processor, System};
use clap::Args;
use der::DateTime;
use serde_json::json;

use self::what::{Wanted, WhatArgs, value_of};
use crate::args::Global;
use crate::data::{Sensitivity, is_standard};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{Delivery, Output};

/// `module inf`.
#[derive(Args, Debug)]
pub(crate) struct InfArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// A plug and play id of the cards, once for each [default: those of the ATRs]
    #[arg(long, value_name = "ID")]
    hardware_id: Vec<String>,
    /// The package's file for 64-bit x86 [default: the module, unless its file is for another processor]
    #[arg(long, value_name = "FILE")]
    amd64: Option<PathBuf>,
    /// The package's file for 32-bit x86, for 32-bit programs of a 64-bit Windows too
    #[arg(long, value_name = "FILE")]
    x86: Option<PathBuf>,
    /// The package's file for 64-bit ARM
    #[arg(long, value_name = "FILE")]
    arm64: Option<PathBuf>,
    /// Who makes the package, as Windows shows it [default: the card's name]
    #[arg(long, value_name = "NAME")]
    maker: Option<String>,
    /// The package's version, which must grow from release to release
    #[arg(long, value_name = "N.N.N.N", default_value = "1.0.0.0")]
    version: DriverVersion,
    /// The package's date [default: that of SOURCE_DATE_EPOCH, else today]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    date: Option<DriverDate>,
    /// The catalogue that will hold the package's signature [default: the module's name with .cat]
    #[arg(long, value_name = "FILE")]
    catalog: Option<String>,
    /// Write the INF there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `module reg`.
#[derive(Args, Debug)]
pub(crate) struct RegArgs {
    #[command(flatten)]
    what: WhatArgs,
    /// For 32-bit programs of a 64-bit Windows too
    #[arg(long)]
    wow64: bool,
    /// The module for these programs, where it is not the same name in their own system folder
    #[arg(long, value_name = "PATH", requires = "wow64")]
    x86: Option<String>,
    /// For the user who imports it alone: cardmod reads such entries, Windows itself does not
    #[arg(long, conflicts_with = "wow64")]
    user: bool,
    /// Take the entries out instead
    #[arg(long)]
    remove: bool,
    /// Write the file there
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs `module inf`.
pub(super) fn inf(args: &InfArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let wanted = args.what.find(global, out)?;
    wanted.check_own()?;
    let hardware_ids = match args.hardware_id.as_slice() {
        [] => wanted.pnp_ids()?,
        named => named.to_vec(),
    };
    let installed_as = wanted.file_name();
    let files = package_files(args, &wanted)?;
    let stem = Path::new(&installed_as).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let package = Package {
        maker: args.maker.clone().unwrap_or_else(|| wanted.maker.clone()),
        catalog: args.catalog.clone().unwrap_or_else(|| format!("{stem}.cat")),
        kinds: wanted.kinds,
        hardware_ids,
        installed_as,
        files,
        providers: wanted.providers,
        date: args.date.map_or_else(build_date, Ok)?,
        version: args.version,
    };
    let inf = package.inf()?;
    // Windows reads both; what needs no more than ASCII stays readable everywhere.
    let bytes = if inf.is_ascii() { inf.clone().into_bytes() } else { utf16_file(&inf) };
    let facts = json!({"hardware_ids": package.hardware_ids, "catalog": package.catalog});
    deliver("inf", &inf, &bytes, args.out.as_deref(), facts, out)
}

/// Runs `module reg`.
pub(super) fn reg(args: &RegArgs, global: &Global, out: Output) -> Result<(), Failure> {
    let wanted = args.what.find(global, out)?;
    let module = wanted.module_value(out)?;
    let module_32 = match &args.x86 {
        Some(path) => Some(value_of(path, out)?),
        None => args.wow64.then(|| module.clone()),
    };
    let file = RegFile {
        module,
        module_32,
        kinds: wanted.kinds,
        providers: wanted.providers,
        user: args.user,
        remove: args.remove,
    };
    let text = file.text()?;
    deliver("reg", &text, &utf16_file(&text), args.out.as_deref(), json!({"module": file.module}), out)
}

/// The bytes into the file or to standard output; the text into a document.
fn deliver(
    name: &'static str,
    text: &str,
    bytes: &[u8],
    path: Option<&Path>,
    facts: serde_json::Value,
    out: Output,
) -> Result<(), Failure> {
    let inside = out.json() && path.is_none();
    let bytes = if inside { text.as_bytes() } else { bytes };
    let delivery = Delivery { name, bytes, text: inside, sensitivity: Sensitivity::Public };
    out.deliver(&delivery, path, facts)?;
    if let Some(path) = path.filter(|path| !is_standard(path)) {
        out.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// The module's files in the package. Those that are there must be card modules for their processor.
fn package_files(args: &InfArgs, wanted: &Wanted) -> Result<Vec<PackageFile>, Failure> {
    let named =
        [(Processor::X86_64, &args.amd64), (Processor::X86, &args.x86), (Processor::Arm64, &args.arm64)];
    let mut files = Vec::new();
    for (processor, path) in named {
        let Some(path) = path else { continue };
        match look(path)? {
            Some(found) if found != processor => {
                let message = format!("{} is {found}, not {processor}", path.display());
                return Err(Failure::failed("module-load", message));
            }
            _ => files.push((processor, path.clone())),
        }
    }
    let module = wanted.path();
    let of_module = look(&module)?.unwrap_or(Processor::X86_64);
    let is_named = |(processor, path): &(Processor, PathBuf)| {
        *processor == of_module || name_of(path) == name_of(&module)
    };
    if !files.iter().any(is_named) {
        files.push((of_module, module));
    }
    let file = |(processor, path): (Processor, PathBuf)| PackageFile { processor, name: name_of(&path) };
    Ok(files.into_iter().map(file).collect())
}

/// The name of a file, which may be one of another system.
fn name_of(path: &Path) -> String {
    file_name(&path.to_string_lossy()).to_owned()
}

/// The processor of a file that is there.
fn look(path: &Path) -> Result<Option<Processor>, Failure> {
    if !path.is_file() {
        return Ok(None);
    }
    let wrong = |what: String| Failure::failed("module-load", format!("{} {what}", path.display()));
    let image = Image::read(path).map_err(cardmod_host::Error::ModuleLoad)?;
    let image = image.ok_or_else(|| wrong("is no library".to_owned()))?;
    if image.built_for.system != System::Windows {
        return Err(wrong(format!("is a {} library; an INF is for Windows", image.built_for)));
    }
    match image.entry {
        EntryExport::Plain => Ok(Some(image.built_for.processor)),
        EntryExport::Decorated(name) => Err(wrong(format!(
            "is not a card module: it exports {name}, and hosts ask for CardAcquireContext"
        ))),
        EntryExport::Missing => {
            Err(wrong("is not a card module: it exports no CardAcquireContext".to_owned()))
        }
    }
}

/// The date that builds have, the same each time, or today.
fn build_date() -> Result<DriverDate, Failure> {
    const VARIABLE: &str = "SOURCE_DATE_EPOCH";
    let since = match std::env::var(VARIABLE) {
        Ok(text) => {
            let seconds = text.trim().parse().map_err(|_| {
                Failure::usage(format!("{VARIABLE} is {text:?}, and is to be seconds since 1970"))
            })?;
            Duration::from_secs(seconds)
        }
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
    };
    let date = DateTime::from_unix_duration(since).unwrap_or(DateTime::INFINITY);
    Ok(DriverDate { year: date.year(), month: date.month(), day: date.day() })
}

/// `YYYY-MM-DD`
fn date(text: &str) -> Result<DriverDate, String> {
    let wrong = || format!("{text:?} is no date of the form YYYY-MM-DD");
    let parts: Vec<&str> = text.split('-').collect();
    let [year, month, day] = parts[..] else { return Err(wrong()) };
    let digits = |part: &str, length: usize| part.len() == length && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(year, 4) || !digits(month, 2) || !digits(day, 2) {
        return Err(wrong());
    }
    let number = |part: &str| part.parse::<u16>().map_err(|_| wrong());
    let (year, month, day) = (number(year)?, number(month)? as u8, number(day)? as u8);
    // It knows the lengths of months, and nothing before 1970.
    DateTime::new(year, month, day, 0, 0, 0).map_err(|_| wrong())?;
    Ok(DriverDate { year, month, day })
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        match error {
            InstallError::Entry(error) => error.into(),
            error => {
                let failure = Self::new(Exit::Usage, "install-file", error.to_string());
                match error {
                    InstallError::OfWindows(_) => failure.hint(
                        "cardmod module reg registers it for a card; cardmod module inf class --atr HEX makes a \
                         package of cardmod's own class module",
                    ),
                    InstallError::OneForBoth { .. } => failure.hint(
                        "--x86 PATH names the 32-bit module; a name alone is a file of System32, and of SysWOW64 \
                         for 32-bit programs",
                    ),
                    _ => failure,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date("2026-02-03"), Ok(DriverDate { year: 2026, month: 2, day: 3 }));
        for bad in ["2026-02-30", "2026-2-3", "03.02.2026", "2026-13-01", "", "2026-02-03-04", "+026-02-03"] {
            assert!(date(bad).is_err(), "{bad}");
        }
    }
}
