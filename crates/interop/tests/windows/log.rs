//! The log of card modules, switched through the registry: written by the module built in and by the library, read
//! from Linux, without a secret in it.

use std::path::Path;

use crate::c_host;
use crate::desk::{Desk, program, windows};

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_registry_switches_the_log_of_modules() {
    let desk = Desk::with_key();
    let folder = desk.path("Protokolle ä");
    let words = ["log", "on", "--level", "3", "--folder", &windows(&folder)];
    desk.wine_words(&words).success().says("HKEY_LOCAL_MACHINE").says("calls with APDUs");
    assert!(folder.is_dir(), "the administrator makes the folder");
    let told = desk.wine("log status --json").success();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("a document");
    assert_eq!(told["folder"].as_str(), Some(windows(&folder).as_str()));
    desk.wine("pin verify --pin-env PIN").success();
    let built_in = logs(&folder);
    let module = windows(&program("cardmod_class.dll"));
    desk.wine_words(&["--module", &module, "pin", "verify", "--pin-env", "WRONG"]).exits_with(5);
    c_host::install(&desk);
    c_host::ends_in_calls(&desk);
    c_host::loads_leave_nothing(&desk, "50");
    desk.wine("log off").success();
    let all = logs(&folder);
    let mut files = std::fs::read_dir(&folder).expect("the folder");
    let by_host = |name: std::ffi::OsString| name.to_string_lossy().starts_with("cardmod-c-host-");
    assert!(files.any(|file| by_host(file.expect("a file").file_name())), "the host's calls are in it");
    assert!(all.len() > built_in.len(), "the library writes too");
    for line in [
        "> CardAcquireContext(flags=0x0, card=",
        "  apdu 00A40400",
        "pin=<6 bytes>",
        "  apdu 0020008006<6 bytes>",
        "0x8010006B SCARD_W_WRONG_CHV",
        "< CardDeleteContext() = 0x00000000",
    ] {
        assert!(all.contains(line), "{line}");
    }
    for secret in ["313233343536", "363534333231"] {
        assert!(!all.contains(secret), "a PIN is in the log");
    }
    desk.wine("pin verify --pin-env PIN").success();
    desk.wine("log show").success().says("CardAuthenticate");
}

/// No variable of the environment has a say on Windows.
#[test]
#[ignore = "run by cargo xtask windows"]
fn the_environment_does_not_switch_the_log() {
    let desk = Desk::with_card();
    let folder = desk.path("logs");
    std::fs::create_dir(&folder).expect("a folder");
    let mut command = desk.wine_command(&["pin", "status"]);
    command.env("CARDMOD_MODULE_LOG_LEVEL", "3").env("CARDMOD_MODULE_LOG_DIR", windows(&folder));
    desk.finish(&mut command).success();
    assert_eq!(logs(&folder), "");
}

/// Every log in the folder; other tests' programs may have written there meanwhile.
fn logs(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).expect("the folder");
    files.map(|file| std::fs::read_to_string(file.expect("a file").path()).expect("a log")).collect()
}
