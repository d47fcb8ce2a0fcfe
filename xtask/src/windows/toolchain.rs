//! The compiler of the leg: Debian's, of one version with the sources of its standard library, whatever
//! rustup has beside it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::outcome::{Failure, Result, output};
use super::target::Target;

const CARGO: &str = "/usr/bin/cargo";
const RUSTC: &str = "/usr/bin/rustc";
const RUSTDOC: &str = "/usr/bin/rustdoc";

/// What cargo, rustup and the caller's shell leave in the environment that would turn Debian's compiler
/// into another one or change what it makes.
const FOREIGN: &[&str] = &[
    "RUSTUP_TOOLCHAIN",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "LD_LIBRARY_PATH",
    "RUST_BACKTRACE",
    "DISPLAY",
];

/// Cargo with Debian's compiler, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    with_compiler(Command::new(CARGO))
}

/// Any program that calls cargo, so that it calls this one.
pub(crate) fn with_compiler(mut command: Command) -> Command {
    for name in FOREIGN {
        command.env_remove(name);
    }
    command.envs([("CARGO", CARGO), ("RUSTC", RUSTC), ("RUSTDOC", RUSTDOC)]);
    command.current_dir(crate::workspace_root());
    command
}

/// The compiler itself.
pub(crate) fn rustc() -> Command {
    with_compiler(Command::new(RUSTC))
}

/// What tells one compiler with its sources from another.
pub(crate) fn identity() -> Result<String> {
    let compiler = output("rustc", rustc().arg("-vV"))?;
    let packages = [super::packages::version("rustc-web")?, super::packages::version("rust-web-src")?];
    Ok(format!("{compiler}{}", packages.join("\n")))
}

/// The sources of the standard library.
pub(crate) fn library_sources() -> Result<PathBuf> {
    let sysroot = output("rustc", rustc().args(["--print", "sysroot"]))?;
    let sources = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
    if sources.join("std/src/lib.rs").is_file() {
        return Ok(sources);
    }
    Err(Failure::Failed(format!("the sources of the standard library are not in {}", sources.display())))
}

/// Whether a version of Debian's package is at least the workspace's `rust-version`.
pub(crate) fn is_new_enough(package_version: &str) -> bool {
    numbers(package_version) >= numbers(env!("CARGO_PKG_RUST_VERSION"))
}

/// Major and minor number.
fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

/// Downloads what the workspace depends on, where that was not done before.
pub(crate) fn fetch(target: Target) -> Result<()> {
    let mut known = cargo();
    known.args(["fetch", "--locked", "--quiet", "--offline", "--target", target.triple()]);
    if output("cargo fetch", &mut known).is_ok() {
        return Ok(());
    }
    let mut online = cargo();
    online.args(["fetch", "--locked", "--quiet", "--target", target.triple()]);
    output("cargo fetch", &mut online).map(drop).map_err(network_or_failure)
}

/// What cargo says where it cannot reach the registry.
pub(crate) fn network_or_failure(failure: Failure) -> Failure {
    const NO_NETWORK: &[&str] = &[
        "Could not resolve host",
        "Couldn't resolve host",
        "Could not connect",
        "Couldn't connect",
        "Failed to connect",
        "Connection timed out",
        "Network is unreachable",
        "Resolving timed out",
    ];
    match failure {
        Failure::Failed(why) if NO_NETWORK.iter().any(|words| why.contains(words)) => {
            Failure::CannotBeTried("the registry of Rust's crates cannot be reached".to_owned())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_by_number() {
        assert!(is_new_enough("1.96.0+dfsg1-1~deb12u2"));
        assert!(is_new_enough(env!("CARGO_PKG_RUST_VERSION")));
        assert!(is_new_enough("2.0.0"));
        assert!(!is_new_enough("1.85.0+dfsg3-1"));
        assert!(!is_new_enough("1.9.0"));
    }

    #[test]
    fn a_registry_out_of_reach_is_no_failure_of_the_code() {
        let offline = Failure::Failed("cargo fetch: Could not resolve host: index.example".to_owned());
        assert!(matches!(network_or_failure(offline), Failure::CannotBeTried(_)));
        let broken = Failure::Failed("cargo fetch: the lock file needs to be updated".to_owned());
        assert_eq!(network_or_failure(broken.clone()), broken);
    }
}
