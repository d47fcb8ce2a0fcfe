//! OpenSC's side: its programs for what a new process does, its PKCS#11 module in one Python process
//! (PyKCS11) for what one session does.

use std::path::Path;
use std::process::Command;

use super::bench::{Bench, PIN, done};
use super::ours::Steps;
use super::{Count, Operation};
use cardmod_interop::traffic::Exchange;

pub(super) const OPENSC: &str = "OpenSC";
pub(super) const NOT_INSTALLED: &str = "not installed";
/// The system's own, which has the distribution's packages.
pub(super) const PYTHON: &str = "/usr/bin/python3";
/// One PKCS#11 session; prints what `Steps` reads.
pub(super) const SESSION: &str = include_str!("session.py");
/// Where OpenSC's PKCS#11 module may be.
pub(super) const MODULES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so",
    "/usr/lib64/opensc-pkcs11.so",
    "/usr/lib64/pkcs11/opensc-pkcs11.so",
    "/usr/lib/opensc-pkcs11.so",
];

/// Counts every operation; what is not installed is said in place of a count.
pub(super) fn count(bench: &Bench<'_>) -> Result<Vec<Count>, String> {
    let mut counts = Vec::new();
    let key = ["--login", "--pin", PIN, "--id", "00", "--output-file", "by-opensc", "--input-file"];
    for (operation, program, arguments) in [
        (Operation::List, "pkcs15-tool", vec!["--list-certificates"]),
        (
            Operation::Sign,
            "pkcs11-tool",
            [&key[..], &["data", "--sign", "--mechanism", "SHA256-RSA-PKCS"]].concat(),
        ),
        (
            Operation::Decrypt,
            "pkcs11-tool",
            [&key[..], &["sealed", "--decrypt", "--mechanism", "RSA-PKCS"]].concat(),
        ),
    ] {
        let sent = if installed(program, "--version") {
            let mut command = bench.stranger(program)?;
            command.args(arguments);
            Ok(bench.watched(command)?.1)
        } else {
            Err(NOT_INSTALLED)
        };
        counts.push(Count { operation: operation.name(), through: OPENSC, sent });
    }
    let session = session(bench)?;
    for (operation, step) in [(Operation::ListAgain, "list again"), (Operation::SignAgain, "sign again")] {
        let sent: Result<Vec<Exchange>, _> = match &session {
            Some(steps) => Ok(steps.step(step)?),
            None => Err(NOT_INSTALLED),
        };
        counts.push(Count { operation: operation.name(), through: OPENSC, sent });
    }
    Ok(counts)
}

/// One session through PKCS#11, where module and PyKCS11 are installed.
fn session(bench: &Bench<'_>) -> Result<Option<Steps>, String> {
    let Some(module) = MODULES.iter().find(|path| Path::new(path).exists()) else {
        return Ok(None);
    };
    if !has_binding() {
        return Ok(None);
    }
    let mut command = bench.stranger(PYTHON)?;
    command.args(["-c", SESSION, module, "2", "SHA256_RSA_PKCS"]);
    let (printed, sent) = bench.watched(command)?;
    Steps::new(&printed, sent).map(Some)
}

/// Whether Python finds PyKCS11.
pub(super) fn has_binding() -> bool {
    let found = Command::new(PYTHON).args(["-c", "import PyKCS11"]).output();
    found.is_ok_and(|output| output.status.success())
}

/// What was measured against.
pub(super) fn version() -> String {
    match done(Command::new("opensc-tool").arg("--info")) {
        Ok(text) => text.lines().next().unwrap_or_default().to_owned(),
        Err(_) => "OpenSC is not installed (Debian: opensc, python3-pykcs11)".to_owned(),
    }
}

pub(super) fn installed(program: &str, harmless: &str) -> bool {
    Command::new(program).arg(harmless).output().is_ok()
}
