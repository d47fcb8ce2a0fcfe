//! The log of card modules, switched through the registry: written by the module built in and by the library, read
//! from Linux, without a secret in it.

use std::path::Path;

use crate::c_host;
use crate::desk::{Desk, program, windows};

/// Whatever happens to its test, the whole machine's log is off afterwards and in its usual place.
struct Switched(Desk);

impl Drop for Switched {
    fn drop(&mut self) {
        let key = r"HKLM\SOFTWARE\cardmod\Logging";
        let mut command = self.0.wine_program(Path::new("reg.exe"));
        let _ = command.args(["delete", key, "/f", "/reg:64"]).output();
    }
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_registry_switches_the_log_of_modules() {
    let desk = Switched(Desk::with_key());
    let desk = &desk.0;
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
    c_host::install(desk);
    c_host::ends_in_calls(desk);
    c_host::loads_leave_nothing(desk, "50");
    desk.wine("log off").success();
    let all = logs(&folder);
    let mut files = std::fs::read_dir(&folder).expect("the folder");
    let by_host = |name: std::ffi::OsString| name.to_string_lossy().starts_with("cardmod-c-host-");
    assert!(files.any(|file| by_host(file.expect("a file").file_name())), "the host's calls are in it");
    assert!(all.len() > built_in.len(), "the library writes too");
    for line in [
        "> CardAcquireContext(flags=0x0, card=",
        "  apdu 00A40400",
        "pin=<given>",
        "  apdu 00200080<given>",
        "0x8010006B SCARD_W_WRONG_CHV",
        "< CardDeleteContext() = 0x00000000",
    ] {
        assert!(all.contains(line), "{line}");
    }
    // Without the times, in whose microseconds any six digits may be.
    let said: Vec<&str> = all.lines().filter_map(|line| Some(line.split_once(' ')?.1)).collect();
    let said = said.join("\n");
    for secret in ["313233343536", "363534333231", "123456", "654321", "0020008006"] {
        assert!(!said.contains(secret), "a PIN is in the log, or its length: {secret}");
    }
    let first = all.lines().next().expect("a line");
    assert!(first.starts_with("# cardmod ") && first.contains(r"Z:\"), "{first}");
    assert!(!first.contains(r"\\"), "the path stands as it is: {first}");
    desk.wine("pin verify --pin-env PIN").success();
    desk.wine("log show").success().says("c-host.exe").says("CardReadFile").says("note: the log is off");
    others_folders_are_refused(desk);
}

/// Folders of another user, files and links: nothing is switched to them, and nothing is written into them.
fn others_folders_are_refused(desk: &Desk) {
    let holds = || {
        let told = desk.wine("log status --json").success();
        let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("a document");
        (told["level"].clone(), told["folder"].clone())
    };
    let before = holds();
    let on = |folder: &Path| desk.wine_words(&["log", "on", "--folder", &windows(folder)]);
    desk.write("file", b"");
    on(&desk.path("file")).exits_with(1).says("what is there is no folder");
    let folder = desk.path("theirs");
    std::fs::create_dir(&folder).expect("a folder");
    // Root alone gives folders away; Wine shows them as somebody else's.
    if std::os::unix::fs::chown(&folder, Some(65534), None).is_ok() {
        on(&folder).exits_with(1).says("belongs to another user").says("theirs");
    }
    assert_eq!(holds(), before, "nothing is switched");
    let ours = desk.path("ours");
    on(&ours).success();
    desk.wine("pin status").success();
    let count = || std::fs::read_dir(&ours).expect("the folder").count();
    assert!(ours.join("about these files.txt").is_file(), "the folder is not empty");
    assert!(count() > 1, "it has logs");
    if std::os::unix::fs::chown(&ours, Some(65534), None).is_ok() {
        let written = count();
        desk.wine("pin status").success();
        assert_eq!(count(), written, "nothing is written where another user has the folder");
    }
    desk.wine("log on --folder default").success().says(r"ProgramData\cardmod\Logs");
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
    let files = files.map(|file| file.expect("a file").path());
    let logs = files.filter(|file| file.extension().is_some_and(|end| end == "log"));
    logs.map(|file| std::fs::read_to_string(file).expect("a log")).collect()
}
