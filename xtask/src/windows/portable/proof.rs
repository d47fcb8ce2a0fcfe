//! That the rules see what is wrong: a library with as many faults as mingw's compiler can be made to put into
//! one is complained of. Part of the leg, since ordinary tests run where there is no mingw.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use super::{Expected, Facts, Kind, complaints};
use crate::windows::outcome::{Failure, Result, output};
use crate::windows::target::Target;

const SOURCE: &str = r#"
#include <windows.h>
__attribute__((section("shared"))) int for_all = 1;
__declspec(dllexport) int CardAcquireContext(void) { return MessageBoxA(0, "", "", for_all); }
__declspec(dllexport) int Other(void) { return 1; }
int nameless(void) { return 2; }
"#;

/// An export by number alone, as linkers read it. Names are listed again: the file stands for all exports.
const DEFINITIONS: &str = "EXPORTS\n CardAcquireContext\n Other\n nameless @7 NONAME\n";

/// What must be found in it.
const COMPLAINTS: &[&str] = &[
    "unexpected export Other",
    "unexpected export #7",
    "missing export DllRegisterServer",
    "unexpected import of user32.dll",
    "missing import of advapi32.dll",
    "DYNAMIC_BASE is not set",
    "NX_COMPAT is not set",
    "HIGH_ENTROPY_VA is not set",
    "the time of linking is in it",
    "it has no version resource",
];

/// Fails where a fault is not seen.
pub(crate) fn the_rules_see() -> Result<()> {
    let failed = |cause| Failure::of("the faulty library", cause);
    let folder = tempfile::tempdir().map_err(failed)?;
    let (source, library) = (folder.path().join("faulty.c"), folder.path().join("faulty.dll"));
    let definitions = folder.path().join("faulty.def");
    fs::write(&source, SOURCE).map_err(failed)?;
    fs::write(&definitions, DEFINITIONS).map_err(failed)?;
    let mut gcc = Command::new(format!("{}gcc", Target::X86_64.mingw()));
    gcc.args(["-shared", "-Wl,--disable-dynamicbase,--disable-nxcompat,--disable-high-entropy-va"]);
    gcc.args(["-Wl,--insert-timestamp", "-o"]).arg(&library).arg(&source).arg(&definitions).arg("-luser32");
    output("compiling a faulty library", &mut gcc)?;
    let facts = Facts::read(&fs::read(&library).map_err(failed)?).map_err(Failure::Failed)?;
    let found = complaints(&facts, &expected());
    for wanted in COMPLAINTS {
        if !found.iter().any(|complaint| complaint.starts_with(wanted)) {
            return Err(Failure::Failed(format!("of a faulty library is not seen: {wanted}\n{found:?}")));
        }
    }
    Ok(())
}

fn expected() -> Expected {
    let names = |of: &[&str]| of.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>();
    Expected {
        target: Target::X86_64,
        kind: Kind::Library,
        exports: names(&["CardAcquireContext", "DllRegisterServer"]),
        libraries: names(&["advapi32.dll", "kernel32.dll", "msvcrt.dll"]),
        version: "1.2.3".to_owned(),
        file_name: "faulty.dll".to_owned(),
    }
}
