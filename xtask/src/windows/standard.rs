//! The standard library for a target, built once per compiler from that compiler's own sources.
//!
//! Debian has none for Windows. What cargo builds of `-Z build-std` is put into a sysroot of its own in the
//! user's cache folder, so that from then on the target is like any installed one and no system folder is
//! touched.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use sha2::{Digest, Sha256};

use super::outcome::{Failure, Result, output};
use super::target::{self, Target};
use super::toolchain;

/// Changes when the way of building changes, so that what was built the old way is not taken for it.
const RECIPE: &str = "1: std,panic_unwind,proc_macro,test, release, no debug information";

/// The folder to give to `rustc --sysroot`; builds what is missing.
pub(crate) fn ensure(target: Target) -> Result<PathBuf> {
    let stamp = stamp(&toolchain::identity()?);
    let sysroot = target::cache().join(format!("std-{}-{stamp}", target.folder()));
    if sysroot.is_dir() {
        return Ok(sysroot);
    }
    let started = Instant::now();
    build(target, &sysroot)?;
    remove_older(target, &sysroot);
    eprintln!("the standard library for {} took {:.0} s", target.triple(), started.elapsed().as_secs_f64());
    Ok(sysroot)
}

fn stamp(identity: &str) -> String {
    let digest = Sha256::digest(format!("{RECIPE}\n{identity}"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Builds in a folder beside the final one, which then appears whole.
fn build(target: Target, sysroot: &Path) -> Result<()> {
    let failed = |cause| Failure::of("the standard library's folder", cause);
    let parent = target::cache();
    fs::create_dir_all(&parent).map_err(failed)?;
    let work = tempfile::Builder::new().prefix("std-").tempdir_in(&parent).map_err(failed)?;
    write_package(work.path()).map_err(failed)?;
    compile(target, work.path())?;
    let made = work.path().join("sysroot");
    let libraries = made.join("lib/rustlib").join(target.triple()).join("lib");
    fs::create_dir_all(&libraries).map_err(failed)?;
    collect(&work.path().join("build").join(target.triple()).join("release/deps"), &libraries)
        .map_err(failed)?;
    start_objects(target, &libraries)?;
    match fs::rename(&made, sysroot) {
        Err(_) if sysroot.is_dir() => Ok(()), // another checkout was faster
        renamed => renamed.map_err(failed),
    }
}

/// A package of nothing: all that is wanted is what it stands on.
fn write_package(folder: &Path) -> std::io::Result<()> {
    const MANIFEST: &str =
        "[package]\nname = \"nothing\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
    fs::create_dir(folder.join("src"))?;
    fs::write(folder.join("Cargo.toml"), MANIFEST)?;
    fs::write(folder.join("src/lib.rs"), "#![no_std]\n")
}

fn compile(target: Target, folder: &Path) -> Result<()> {
    let mut cargo = toolchain::cargo();
    cargo.current_dir(folder).env("RUSTC_BOOTSTRAP", "1");
    // paths of this machine stay out of what ends up in programs
    if let Some(flag) = super::build::hidden_cargo_home() {
        cargo.env("CARGO_ENCODED_RUSTFLAGS", flag);
    }
    cargo.args(["build", "--release", "--target", target.triple()]);
    cargo.args(["-Z", "build-std=std,panic_unwind,proc_macro,test", "--target-dir", "build"]);
    output("building the standard library", &mut cargo).map(drop).map_err(toolchain::network_or_failure)
}

/// The libraries, without the empty package's.
fn collect(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let (path, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libnothing-") {
            fs::copy(&path, to.join(&*name))?;
        }
    }
    Ok(())
}

/// The objects that 32-bit programs need at both ends to unwind; 64-bit ones take no harm.
fn start_objects(target: Target, libraries: &Path) -> Result<()> {
    let sources = toolchain::library_sources()?.join("rtstartup");
    for name in ["rsbegin", "rsend"] {
        let mut rustc = toolchain::rustc();
        rustc.env("RUSTC_BOOTSTRAP", "1");
        rustc.args(["--target", target.triple(), "--crate-type", "lib", "--emit=obj", "-o"]);
        rustc.arg(libraries.join(format!("{name}.o"))).arg(sources.join(format!("{name}.rs")));
        output(name, &mut rustc)?;
    }
    Ok(())
}

/// What older compilers were given is of no use any more.
fn remove_older(target: Target, current: &Path) {
    let prefix = format!("std-{}-", target.folder());
    let Ok(entries) = fs::read_dir(target::cache()) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix));
        if is_ours && path != current {
            // one in use by a build that runs elsewhere may resist; the next time is soon enough
            let _ = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_compiler_has_another_stamp() {
        assert_eq!(stamp("rustc 1.96.0").len(), 16);
        assert_eq!(stamp("rustc 1.96.0"), stamp("rustc 1.96.0"));
        assert_ne!(stamp("rustc 1.96.0"), stamp("rustc 1.96.1"));
    }

    #[test]
    fn only_the_libraries_are_collected() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for name in ["libstd-1.rlib", "libnothing-2.rlib", "libstd-1.rmeta", "std-1.d"] {
            fs::write(from.path().join(name), name).unwrap();
        }
        collect(from.path(), to.path()).unwrap();
        let names: Vec<_> =
            fs::read_dir(to.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["libstd-1.rlib"]);
    }
}
