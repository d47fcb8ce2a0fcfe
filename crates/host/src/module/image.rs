//! What a library's file tells before it is loaded: the system and the machine it is for, whether it
//! exports `CardAcquireContext`, and whether a signature is attached.
//!
//! No code of the file runs for that. The formats are those of Windows (PE/COFF) and of ELF systems.

use std::fmt;
use std::fs::File;
use std::path::Path;

use object::read::{NameOrOrdinal, Object as _, ReadCache};
use object::{Architecture, BinaryFormat};

use super::source::LoadError;

/// The one export of a card module.
const ENTRY: &str = "CardAcquireContext";

/// A library's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// For which system and machine it was built.
    pub built_for: Machine,
    /// Whether it exports `CardAcquireContext`.
    pub entry: EntryExport,
    /// Whether it is signed, where its format knows signatures (Authenticode).
    pub signature: Option<Signature>,
}

/// A system and a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The file's format, which tells the system.
    pub system: System,
    /// The processor.
    pub processor: Processor,
}

/// The systems that libraries are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum System {
    /// Windows: PE/COFF.
    Windows,
    /// Linux and its relatives: ELF.
    Elf,
    /// macOS: Mach-O.
    MacOs,
}

/// The processors that libraries are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Processor {
    /// 32-bit x86.
    X86,
    /// 64-bit x86.
    X86_64,
    /// 64-bit ARM.
    Arm64,
    /// Another one.
    Other,
}

/// How a library exports its entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryExport {
    /// By the name that hosts ask for.
    Plain,
    /// By a decorated name, such as `CardAcquireContext@8`, that no host asks for.
    Decorated(String),
    /// Not at all.
    Missing,
}

/// Whether a file carries a signature. Whether it is valid, and whose it is, is not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signature {
    /// One is attached.
    Attached,
    /// None is.
    Missing,
}

impl Machine {
    /// That of this program.
    #[must_use]
    pub const fn own() -> Self {
        let system = if cfg!(windows) {
            System::Windows
        } else if cfg!(target_os = "macos") {
            System::MacOs
        } else {
            System::Elf
        };
        let processor = if cfg!(target_arch = "x86") {
            Processor::X86
        } else if cfg!(target_arch = "x86_64") {
            Processor::X86_64
        } else if cfg!(target_arch = "aarch64") {
            Processor::Arm64
        } else {
            Processor::Other
        };
        Self { system, processor }
    }

    /// A library for the other one cannot be loaded by a program for this one. Machines that this
    /// code has no name for are left to the system's loader.
    #[must_use]
    pub fn loads(self, library: Self) -> bool {
        let unknown = [self.processor, library.processor].contains(&Processor::Other);
        self.system == library.system && (unknown || self.processor == library.processor)
    }
}

impl Image {
    /// Reads what a file tells of itself; `None` where it is no library of a known format.
    ///
    /// # Errors
    /// [`LoadError::NotFound`], [`LoadError::Folder`], [`LoadError::Unreadable`], and
    /// [`LoadError::NotALibrary`] for a file that begins as a library and is damaged.
    pub fn read(path: &Path) -> Result<Option<Self>, LoadError> {
        let Some((cache, _)) = open(path)? else { return Ok(None) };
        let damaged = |error: object::Error| LoadError::NotALibrary {
            path: path.display().to_string(),
            reason: error.to_string(),
        };
        let file = object::File::parse(&cache).map_err(damaged)?;
        let Some(system) = system(file.format()) else { return Ok(None) };
        let mut entry = EntryExport::Missing;
        for export in file.exports().map_err(damaged)? {
            let export = export.map_err(damaged)?;
            let NameOrOrdinal::Name(name) = export.name() else { continue };
            match std::str::from_utf8(name) {
                Ok(ENTRY) => entry = EntryExport::Plain,
                Ok(name) if entry == EntryExport::Missing && is_decorated(name) => {
                    entry = EntryExport::Decorated(name.to_owned());
                }
                _ => {}
            }
        }
        let signature = match &file {
            object::File::Pe32(pe) => Some(pe.data_directory(SECURITY)),
            object::File::Pe64(pe) => Some(pe.data_directory(SECURITY)),
            _ => None,
        };
        let attached = |directory: Option<&object::pe::ImageDataDirectory>| {
            let size = directory.map_or(0, |directory| directory.size.get(object::LittleEndian));
            if size == 0 { Signature::Missing } else { Signature::Attached }
        };
        Ok(Some(Self {
            built_for: Machine { system, processor: processor(file.architecture()) },
            entry,
            signature: signature.map(attached),
        }))
    }
}

/// The place of the attached signatures in a PE file's data directories.
const SECURITY: usize = object::pe::IMAGE_DIRECTORY_ENTRY_SECURITY;

/// Refuses a library for another system or machine, in words, before the system's loader does with a
/// number. What is no library of a known format is left to the loader.
pub(super) fn check_machine(path: &Path) -> Result<(), LoadError> {
    match open(path)? {
        Some((_, built_for)) if !Machine::own().loads(built_for) => Err(LoadError::WrongMachine {
            path: path.display().to_string(),
            library: built_for,
            program: Machine::own(),
        }),
        _ => Ok(()),
    }
}

/// Opens a file; its machine by the first bytes, where it is a library of a known format.
fn open(path: &Path) -> Result<Option<(ReadCache<File>, Machine)>, LoadError> {
    let unreadable = |error: std::io::Error| LoadError::of_file(path, &error);
    let file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.is_dir() {
        return Err(LoadError::Folder { path: path.display().to_string() });
    }
    let cache = ReadCache::new(file);
    let machine = match object::File::parse(&cache) {
        Ok(file) => {
            system(file.format()).map(|system| Machine { system, processor: processor(file.architecture()) })
        }
        Err(_) => None,
    };
    Ok(machine.map(|machine| (cache, machine)))
}

fn system(format: BinaryFormat) -> Option<System> {
    match format {
        BinaryFormat::Pe => Some(System::Windows),
        BinaryFormat::Elf => Some(System::Elf),
        _ => None,
    }
}

fn processor(architecture: Architecture) -> Processor {
    match architecture {
        Architecture::I386 => Processor::X86,
        Architecture::X86_64 => Processor::X86_64,
        Architecture::Aarch64 => Processor::Arm64,
        _ => Processor::Other,
    }
}

/// As 32-bit Windows compilers write a function of two arguments that clears its stack.
fn is_decorated(name: &str) -> bool {
    let plain = name.trim_start_matches('_');
    let arguments = plain.strip_prefix(ENTRY).and_then(|rest| rest.strip_prefix('@'));
    plain.len() < name.len() && plain == ENTRY
        || arguments.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let system = match self.system {
            System::Windows => "Windows",
            System::Elf => "Linux (ELF)",
            System::MacOs => "macOS",
        };
        write!(f, "{} {system}", self.processor)
    }
}

impl fmt::Display for Processor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86 => "32-bit (x86)",
            Self::X86_64 => "64-bit (x86-64)",
            Self::Arm64 => "64-bit (ARM64)",
            Self::Other => "another processor's",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_itself_is_for_its_own_machine() {
        let own = std::env::current_exe().unwrap();
        let image = Image::read(&own).unwrap().expect("a known format");
        assert_eq!(image.built_for, Machine::own());
        assert_eq!(image.entry, EntryExport::Missing);
        assert_eq!(image.signature, cfg!(windows).then_some(Signature::Missing));
        assert_eq!(check_machine(&own), Ok(()));
    }

    #[test]
    fn another_machine_is_told_from_ours() {
        let windows = |processor| Machine { system: System::Windows, processor };
        assert!(windows(Processor::X86).loads(windows(Processor::X86)));
        assert!(!windows(Processor::X86_64).loads(windows(Processor::X86)));
        assert!(!windows(Processor::X86).loads(Machine { system: System::Elf, processor: Processor::X86 }));
        assert!(windows(Processor::X86_64).loads(windows(Processor::Other)), "the loader's to say");
        assert_eq!(windows(Processor::X86).to_string(), "32-bit (x86) Windows");
    }

    #[test]
    fn decorated_names() {
        for name in ["CardAcquireContext@8", "_CardAcquireContext@8", "_CardAcquireContext"] {
            assert!(is_decorated(name), "{name}");
        }
        for name in ["CardAcquireContext", "CardAcquireContextEx", "CardAcquireContext@", "Card@8"] {
            assert!(!is_decorated(name), "{name}");
        }
    }
}
