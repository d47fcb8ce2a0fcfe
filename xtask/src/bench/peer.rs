//! SoftHSM2 as a peer: a program of its own (`xtask/fixtures/pkcs11-speed`) signs through its PKCS#11 module.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::apdus::done;

const MODULES: &[&str] = &[
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm.so",
];

/// What it signs of one kind of key.
pub(super) struct Rate {
    pub(super) algorithm: String,
    /// Signatures per second.
    pub(super) rate: f64,
}

/// SoftHSM2's rates; none where it is not installed.
pub(super) fn softhsm() -> Result<Vec<Rate>, String> {
    let Some(module) = MODULES.iter().find(|path| Path::new(path).exists()) else {
        return Ok(Vec::new());
    };
    let folder = crate::workspace_root().join("xtask/fixtures/pkcs11-speed");
    let target = super::target()?.join("fixtures");
    let mut build = crate::cargo();
    build.args(["build", "--quiet", "--release", "--locked", "--target-dir"]).arg(&target);
    done(build.arg("--manifest-path").arg(folder.join("Cargo.toml")))?;
    let home = tempfile::tempdir().map_err(|error| error.to_string())?;
    let tokens = home.path().join("tokens");
    let settings = home.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    let written = std::fs::create_dir(&tokens).and_then(|()| std::fs::write(&settings, text));
    written.map_err(|error| format!("{}: {error}", settings.display()))?;
    let mut command = Command::new(target.join("release/pkcs11-speed"));
    let printed = done(command.args([module, "123456"]).env("SOFTHSM2_CONF", &settings))?;
    printed.lines().map(read).collect()
}

fn read(line: &str) -> Result<Rate, String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("{line:?}: {error}"))?;
    match (value["algorithm"].as_str(), value["rate"].as_f64()) {
        (Some(algorithm), Some(rate)) => Ok(Rate { algorithm: algorithm.to_owned(), rate }),
        _ => Err(format!("{line:?} is no rate")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        let rate = read(r#"{"algorithm":"p256","rate":1234}"#).unwrap();
        assert_eq!((rate.algorithm.as_str(), rate.rate), ("p256", 1234.0));
        assert!(read("{}").is_err());
    }
}
