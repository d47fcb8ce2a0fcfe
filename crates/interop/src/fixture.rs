//! Programs outside of the workspace, in `fixtures/`: what they link, nothing of cardmod may.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;
use crate::home::cardmod_program;

/// Builds a fixture into `fixtures/` of the target folder, where it stays for the next run; its program.
///
/// # Panics
/// With what cargo said, when it cannot be built. What they link and are built with, `./test.sh` installs.
pub fn fixture(name: &str) -> PathBuf {
    let manifest = format!("{}/fixtures/{name}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    let built = cardmod_program();
    let target = built.parent().and_then(Path::parent).expect("TARGET/PROFILE").join("fixtures");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--manifest-path", &manifest, "--target-dir"]).arg(&target);
    run(&mut command).success();
    target.join("debug").join(name)
}
