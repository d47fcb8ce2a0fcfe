//! What people install: gathered in `target/windows/<architecture>`, looked at, and listed with hashes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::build::{Builder, Profile};
use super::outcome::{Failure, Result, output};
use super::portable::{self, Expected, Facts, Kind};
use super::target::Target;
use super::{limited, wine};

/// One file: its name there, cargo's name for it, and what it must be like.
struct Artefact {
    name: &'static str,
    built_as: &'static str,
    kind: Kind,
    /// One name a line.
    exports: &'static str,
    /// One library a line, with ` only ` and the architecture where others do without it.
    imports: &'static str,
}

const ARTEFACTS: &[Artefact] = &[
    Artefact {
        name: "cardmod.exe",
        built_as: "cardmod.exe",
        kind: Kind::Program,
        exports: include_str!("lists/cardmod.exports.txt"),
        imports: include_str!("lists/cardmod.imports.txt"),
    },
    Artefact {
        name: "cardmod_class.dll",
        built_as: "cardmod_class.dll",
        kind: Kind::Library,
        exports: include_str!("lists/cardmod_class.exports.txt"),
        imports: include_str!("lists/cardmod_class.imports.txt"),
    },
    // under the name that programs ask for
    Artefact {
        name: "winscard.dll",
        built_as: "cardmod_winscard.dll",
        kind: Kind::Library,
        exports: include_str!("lists/winscard.exports.txt"),
        imports: include_str!("lists/winscard.imports.txt"),
    },
];

/// What registers the class module: the name, and the verb of `cardmod module` that writes it.
const REGISTRATION: &[(&str, &str)] = &[("cardmod_class.inf", "inf"), ("cardmod_class.reg", "reg")];

/// Copies what `builder` built into `folder`, looks at it, and writes SHA256SUMS.
pub(crate) fn gather(builder: &Builder, profile: Profile, folder: &Path) -> Result<()> {
    let failed = |cause| Failure::of("gathering the artefacts", cause);
    fs::create_dir_all(folder).map_err(failed)?;
    for artefact in ARTEFACTS {
        let from = builder.output(profile).join(artefact.built_as);
        fs::copy(&from, folder.join(artefact.name))
            .map_err(|cause| Failure::of(&from.display().to_string(), cause))?;
    }
    check(builder.target, folder)?;
    write_registration(builder.target, folder)?;
    write_sums(folder)
}

/// The INF and .reg files of the class module. The same commit gives the same date.
fn write_registration(target: Target, folder: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(crate::workspace_root()).args(["log", "-1", "--format=%ct"]);
    let date = output("git log", &mut git).unwrap_or_default();
    for (name, verb) in REGISTRATION {
        // from an earlier run; where there is none, that is as well
        let _ = fs::remove_file(folder.join(name));
        let mut program = cardmod(target, folder);
        program.current_dir(folder).args(["module", verb, "class", "--out", name]);
        if (target, *verb) == (Target::I686, "inf") {
            program.args(["--x86", "cardmod_class.dll"]);
        }
        program.env("SOURCE_DATE_EPOCH", if date.is_empty() { "0" } else { date.trim() });
        limited::succeed(&format!("cardmod module {verb} class"), &mut program, Duration::from_mins(10))?;
        let written = fs::read(folder.join(name)).map_err(|cause| Failure::of(name, cause))?;
        if written.is_empty() {
            return Err(Failure::Failed(format!("{name} is empty")));
        }
    }
    Ok(())
}

/// The program just built; where it does not run here that of this machine, which writes the same.
fn cardmod(target: Target, folder: &Path) -> Command {
    if target == Target::X86_64 {
        return wine::program(&folder.join("cardmod.exe"));
    }
    let mut cargo = crate::cargo();
    cargo.args(["run", "--quiet", "--package", "cardmod-cli", "--bin", "cardmod", "--manifest-path"]);
    cargo.arg(crate::workspace_root().join("Cargo.toml")).arg("--");
    cargo
}

/// Complains of everything that is wrong with the files of `folder`.
pub(crate) fn check(target: Target, folder: &Path) -> Result<()> {
    portable::the_rules_see()?;
    let mut found = Vec::new();
    for artefact in ARTEFACTS {
        let bytes =
            fs::read(folder.join(artefact.name)).map_err(|cause| Failure::of(artefact.name, cause))?;
        let complaints = match Facts::read(&bytes) {
            Ok(facts) => portable::complaints(&facts, &artefact.expected(target)),
            Err(cause) => vec![cause],
        };
        found.extend(complaints.iter().map(|complaint| format!("{}: {complaint}", artefact.name)));
    }
    if found.is_empty() { Ok(()) } else { Err(Failure::Failed(found.join("\n"))) }
}

/// The SHA-256 of each file, as sha256sum prints and checks it.
pub(crate) fn write_sums(folder: &Path) -> Result<()> {
    const SUMS: &str = "SHA256SUMS";
    let failed = |cause| Failure::of(SUMS, cause);
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(failed)?;
    names.sort();
    let mut lines = String::new();
    for path in names.iter().filter(|path| path.is_file() && !path.ends_with(SUMS)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        lines += &format!("{}  {name}\n", sum(path)?);
    }
    fs::write(folder.join(SUMS), lines).map_err(failed)
}

fn sum(path: &Path) -> Result<String> {
    let bytes = fs::read(path).map_err(|cause| Failure::of(&path.display().to_string(), cause))?;
    Ok(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The files that differ between two folders, by content.
pub(crate) fn different(one: &Path, other: &Path) -> Result<Vec<&'static str>> {
    let names =
        ARTEFACTS.iter().map(|artefact| artefact.name).chain(REGISTRATION.iter().map(|(name, _)| *name));
    let mut different = Vec::new();
    for name in names {
        if sum(&one.join(name))? != sum(&other.join(name))? {
            different.push(name);
        }
    }
    Ok(different)
}

impl Artefact {
    fn expected(&self, target: Target) -> Expected {
        Expected {
            target,
            kind: self.kind,
            exports: names(self.exports),
            libraries: libraries(self.imports, target),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            file_name: self.name.to_owned(),
        }
    }
}

/// The lines of a list that hold for a target.
fn libraries(list: &str, target: Target) -> BTreeSet<String> {
    let named = names(list);
    let held = named.iter().filter_map(|line| match line.split_once(" only ") {
        None => Some(line.as_str()),
        Some((name, architecture)) => (architecture == target.folder()).then_some(name),
    });
    held.map(str::to_owned).collect()
}

/// The lines of a list, without comments.
fn names(list: &str) -> BTreeSet<String> {
    let lines = list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_may_be_needed_on_one_architecture_alone() {
        let list = "# the system\nkernel32.dll\nbcrypt.dll only i686\n";
        assert_eq!(libraries(list, Target::X86_64), names("kernel32.dll"));
        assert_eq!(libraries(list, Target::I686), names("kernel32.dll\nbcrypt.dll"));
    }
}
