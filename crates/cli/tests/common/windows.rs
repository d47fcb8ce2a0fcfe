//! What the tests of the program do in Windows' own way.

use std::path::Path;
use std::process::{Command, Output};

/// The class module and the PC/SC provider are in the program's folder already: under Wine there is no compiler
/// to build them with. The provider gets the name that programs ask for.
///
/// # Panics
/// When they are not there.
pub(super) fn build_libraries(folder: &Path) {
    for name in ["cardmod_class.dll", "cardmod_winscard.dll"] {
        let path = folder.join(name);
        assert!(path.is_file(), "{} is not there; cargo xtask windows builds it", path.display());
    }
    let (built, named) = (folder.join("cardmod_winscard.dll"), folder.join("winscard.dll"));
    let content = std::fs::read(built).expect("the provider");
    if std::fs::read(&named).is_ok_and(|there| there == content) {
        return;
    }
    // Several tests do this at the same time, and a library in use is not replaced.
    let own = folder.join(format!("winscard-{}.dll", std::process::id()));
    std::fs::write(&own, &content).expect("a copy");
    if std::fs::rename(&own, &named).is_err() {
        std::fs::remove_file(&own).expect("the copy");
        let there = std::fs::read(&named).expect("another test put it there");
        assert!(there == content, "{} is an old one, and in use", named.display());
    }
}

/// Removes what a test registered.
pub(super) fn forget_registry_key(key: &str) {
    // Most tests register nothing.
    let _ = windows_registry::CURRENT_USER.remove_tree(key);
}

/// Runs a program to its end. Among a thousand processes on a busy machine Wine fails to start one, and says so
/// by this code; nothing has run then.
pub(super) fn output(command: &mut Command) -> std::io::Result<Output> {
    const ERROR_INTERNAL_ERROR: i32 = 1359;
    const STARTS: usize = 4;
    let not_started = |outcome: &std::io::Result<Output>| {
        outcome.as_ref().is_err_and(|error| error.raw_os_error() == Some(ERROR_INTERNAL_ERROR))
    };
    let mut outcome = command.output();
    for _ in 1..STARTS {
        if !not_started(&outcome) {
            break;
        }
        outcome = command.output();
    }
    outcome
}
