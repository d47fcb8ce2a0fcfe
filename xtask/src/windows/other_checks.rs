//! Checks that link nothing: Microsoft's targets, and lints of the code for Windows.

use std::process::Command;

use super::build::{Builder, Packages};
use super::outcome::{Result, run};
use super::{packages, target, toolchain};

/// Targets for which nothing on Debian can link.
const MICROSOFT: &[&str] = &["x86_64-pc-windows-msvc", "i686-pc-windows-msvc", "aarch64-pc-windows-msvc"];

/// What ends up in a driver, and the host. The virtual cards need Microsoft's C compiler for their
/// cryptography.
const WITHOUT_C: &[&str] = &[
    "cardmod-sys",
    "cardmod-types",
    "cardmod-heap",
    "cardmod-sdk",
    "cardmod-iso7816",
    "cardmod-pcsc",
    "cardmod-gids",
    "cardmod-piv",
    "cardmod-class",
    "cardmod-host",
];

/// The compiler's check for Microsoft's targets.
pub(crate) fn msvc() -> Result<()> {
    packages::ensure(packages::COMPILER)?;
    for triple in MICROSOFT {
        println!("-- {triple}");
        let mut cargo = toolchain::cargo();
        cargo.env("RUSTC_BOOTSTRAP", "1").args(["check", "--locked", "--target", triple]);
        cargo.args(["-Z", "build-std=std,panic_unwind", "--target-dir"]).arg(target::home().join("msvc"));
        WITHOUT_C.iter().for_each(|name| _ = cargo.args(["-p", name]));
        run(&format!("checking for {triple}"), &mut cargo)?;
    }
    Ok(())
}

/// Clippy on the code that is compiled for Windows alone, by the compiler that compiles it.
pub(crate) fn clippy(builder: &Builder) -> Result<()> {
    packages::ensure(packages::CLIPPY)?;
    // called by its name `cargo clippy` would be rustup's, of another version
    let mut clippy = toolchain::with_compiler(Command::new("/usr/bin/cargo-clippy"));
    clippy.args(["clippy", "--locked", "--all-targets", "--target", builder.target.triple()]);
    Packages::All.name_to(&mut clippy);
    clippy.arg("--target-dir").arg(target::home().join("clippy"));
    clippy.args(["--", "-D", "warnings"]).envs(builder.environment());
    run("clippy on the code for Windows", &mut clippy)
}
