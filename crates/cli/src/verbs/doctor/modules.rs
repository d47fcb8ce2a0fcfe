//! The module registry: which of its parts are used, and whether each registered file is a card module that
//! this program, and on Windows the system, could load. Nothing of a file runs for that.

use std::path::Path;

use cardmod_host::LoadError;
use cardmod_host::module::{EntryExport, Image, Machine, Signature};
use cardmod_host::registry::{CardEntry, RegisteredModule, Registry, RegistryPaths};

use super::findings::Report;
use crate::session::Desk;
use crate::verbs::module::view::taken_out;

/// So many bytes may differ for an ATR to look like a slip.
const NEARLY: usize = 3;

/// Looks at every entry.
pub(super) fn examine(desk: &Desk, report: &mut Report) {
    let registry = &desk.environment.registry;
    if !registry.problems().is_empty() || !registry.entries().is_empty() {
        report.section("Module registry");
    }
    for problem in registry.problems() {
        report.warning(
            "registry",
            format!("a part of the module registry is not used: {problem}"),
            "mend it, or take it away",
        );
    }
    let kinds = registry.entries().len();
    match kinds {
        0 => {}
        1 => report.good("registry", "1 kind of card is registered with a module of its own"),
        _ => report
            .good("registry", format!("{kinds} kinds of cards are registered with a module of their own")),
    }
    for entry in registry.entries() {
        if let RegisteredModule::Library(path) = &entry.module {
            library(entry, path, report);
        }
    }
    for_32_bit_programs(registry, report);
}

/// The file of an entry.
fn library(entry: &CardEntry, path: &Path, report: &mut Report) {
    let (name, module) = (&entry.name, path.display());
    let mut warn = |what: String, advice: &str| report.warning("entry", format!("{name:?}: {what}"), advice);
    let image = match Image::read(path) {
        Ok(Some(image)) => image,
        Ok(None) => {
            return warn(format!("{module} is no library"), "put the module there, or correct the entry");
        }
        Err(LoadError::NotFound { .. }) => {
            let advice = format!("put the module there; or {}", taken_out(name, &entry.origin));
            return warn(format!("{module} does not exist"), &advice);
        }
        Err(error @ LoadError::Folder { .. }) => {
            let advice = format!("the entry is to name the file; {}", taken_out(name, &entry.origin));
            return warn(error.to_string(), &advice);
        }
        Err(error) => return warn(error.to_string(), "the program must be able to read it"),
    };
    if !Machine::own().loads(image.built_for) {
        let what = format!("{module} is a {} library; this is a {} program", image.built_for, Machine::own());
        return warn(
            what,
            "register the module's file for this kind of program (docs/modules.md, docs/windows.md)",
        );
    }
    match image.entry {
        EntryExport::Plain => {}
        EntryExport::Decorated(export) => {
            let what = format!("{module} exports {export}, and hosts ask for CardAcquireContext");
            return warn(what, "its maker gives the linker a .def file with the plain name");
        }
        EntryExport::Missing => {
            let what = format!("{module} exports no CardAcquireContext, so it is no card module");
            return warn(what, "a PKCS#11 library, for example, is none; ask its maker for the card module");
        }
    }
    let signed = match image.signature {
        Some(Signature::Attached) => "; signed (whose signature it is was not looked at)",
        Some(Signature::Missing) => {
            "; not signed: a protected LSA (logon) does not load it, other programs do"
        }
        None => "",
    };
    report.good("entry", format!("{name:?}: {module} is a card module for this kind of program{signed}"));
}

/// Entries that 32-bit programs alone have, which explains a card that works in one program of two.
fn for_32_bit_programs(registry: &Registry, report: &mut Report) {
    if cfg!(target_pointer_width = "32") {
        return;
    }
    let Some(paths) = RegistryPaths::standard().for_32_bit_programs() else { return };
    let known = |entry: &CardEntry| registry.entries().iter().any(|own| own.name == entry.name);
    for entry in Registry::load(&paths).entries().iter().filter(|entry| !known(entry)) {
        report.good(
            "entry",
            format!("{:?} is registered for 32-bit programs alone, and this one is none", entry.name),
        );
    }
}

/// Why no entry is for a card: those that nearly are.
pub(super) fn near_misses(registry: &Registry, atr: &[u8], report: &mut Report) {
    for entry in registry.entries().iter().filter(|entry| entry.atr.len() == atr.len()) {
        let differences = entry.differences(atr);
        let (Some(&first), 1..=NEARLY) = (differences.first(), differences.len()) else { continue };
        let wanted = if entry.mask[first] == 0xFF { "wants" } else { "wants, after masking," };
        report.warning(
            "module",
            format!(
                "{:?} ({}) is nearly for this card: byte {first} of the ATR is {:02x}, and the entry {wanted} {:02x}",
                entry.name, entry.origin, atr[first], entry.atr[first]
            ),
            "mask out bytes that differ between cards of one kind (cardmod module register --mask)",
        );
    }
}
