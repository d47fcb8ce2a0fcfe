//! What the tests of the program do in Unix' own way.

use std::path::Path;
use std::process::Command;

/// Builds the class module and the PC/SC provider into the program's folder.
pub(super) fn build_libraries(folder: &Path) {
    let target = folder.parent().expect("the program lies in TARGET/PROFILE");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "-q", "-p", "cardmod-class", "-p", "cardmod-winscard"]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    let built = build.env("CARGO_TARGET_DIR", target).status().expect("cargo can be run");
    assert!(built.success(), "the class module does not build");
}

/// There is no registry.
pub(super) fn forget_registry_key(_key: &str) {}

/// Runs a program to its end.
pub(super) fn output(command: &mut Command) -> std::io::Result<std::process::Output> {
    command.output()
}
