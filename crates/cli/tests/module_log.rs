//! `cardmod log`: switching the log of card modules, and reading it.
//!
//! Not on Windows, where the switch is the whole machine's; there the tests of the Windows programs turn it.
#![cfg(unix)]
#![forbid(unsafe_code)]

mod common;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use common::{Home, Outcome};

fn status(home: &Home) -> serde_json::Value {
    home.run("log status --json").succeeds().json()
}

#[test]
fn a_log_is_switched_on_written_shown_and_switched_off() {
    let home = Home::with_key("p256");
    let before = status(&home);
    assert_eq!((&before["level"], &before["logged"]), (&0.into(), &"off".into()));
    assert_eq!(before["files"], serde_json::json!([]));
    home.run("log show").exits(1).says("no card module has written a log file");

    home.run("log on --level 3").succeeds().says("calls with APDUs (level 3");
    home.run("sign --container web --in data --pin-env PIN --out sig").succeeds();
    let after = status(&home);
    assert_eq!((&after["level"], &after["folder_usable"]), (&3.into(), &true.into()));
    assert_eq!(after["origin"].as_str(), home.path("config/cardmod/logging.conf").to_str());
    assert_eq!(after["files"].as_array().map(Vec::len), Some(1), "{after}");
    let shown = home.run("log show").succeeds();
    for line in
        ["< CardSignData(", "  apdu 00A40400", "  apdu 00200080<given>", "< CardDeleteContext() = 0x00000000"]
    {
        assert!(String::from_utf8_lossy(&shown.stdout).contains(line), "{line}");
    }
    shown.never_says("313233343536");

    home.run("log off").succeeds().says("level 0");
    home.run("sign --container web --in data --pin-env PIN --out sig").succeeds();
    assert_eq!(status(&home)["files"], after["files"], "nothing was written since");
}

#[test]
fn folder_and_size_are_kept_until_they_are_said_anew() {
    let home = Home::with_card();
    home.run("log on --level 2 --folder logs --max-size 64").succeeds();
    home.run("log off").succeeds();
    home.run("log on --level 1").succeeds();
    let told = status(&home);
    assert_eq!(told["folder"].as_str(), home.path("logs").to_str(), "as an absolute path");
    assert_eq!((&told["level"], &told["max_size_kib"]), (&1.into(), &64.into()));
    home.run("--card demo pin verify --pin-env WRONG").exits(5);
    let shown = home.run("log show").succeeds().says("SCARD_W_WRONG_CHV");
    shown.never_says("< CardAcquireContext");
}

#[test]
fn a_folder_that_is_none_changes_nothing_and_the_default_comes_back() {
    let home = Home::with_card();
    let usual = status(&home);
    home.write("file", b"");
    for folder in ["file", "file/below"] {
        let refused = home.run(&format!("log on --folder {folder}")).exits(1);
        refused.says(&format!("cannot use {} as the folder of the log: ", home.path(folder).display()));
    }
    home.run("log on --folder file").exits(1).says("what is there is no folder");
    assert_eq!(status(&home), usual, "nothing was switched");
    home.run("log on --folder logs").succeeds();
    assert_eq!(status(&home)["folder"].as_str(), home.path("logs").to_str());
    home.run("log on --folder default").succeeds();
    assert_eq!(status(&home)["folder"], usual["folder"]);
    home.run("log on --help").succeeds().says("`default` for the system's place");
}

#[test]
fn a_folder_that_cannot_be_read_and_a_log_that_is_off_are_told() {
    let home = Home::with_card();
    home.run("log on --folder logs").succeeds();
    home.run("--card demo info").succeeds();
    home.run("log off").succeeds();
    home.run("log show").succeeds().says("CardAcquireContext").says("note: the log is off");
    std::fs::remove_dir_all(home.path("logs")).expect("the folder");
    home.write("logs", b"");
    let told = "cannot read the folder of the log files";
    home.run("log status").succeeds().says(told).says("files: unknown");
    home.run("log show").exits(1).says(told);
    home.run("log show --follow").exits(1).says(told);
}

#[test]
fn the_environment_goes_first_and_is_told() {
    let home = Home::with_card();
    let mut off = home.cardmod("log off");
    Outcome::of(off.env("CARDMOD_MODULE_LOG_LEVEL", "2"))
        .succeeds()
        .says("level 2 holds here, for CARDMOD_MODULE_LOG_LEVEL says so");
    let mut info = home.cardmod("--card demo info");
    info.env("CARDMOD_MODULE_LOG_LEVEL", "2").env("CARDMOD_MODULE_LOG_DIR", home.path("missing"));
    Outcome::of(&mut info).succeeds();
    assert!(!home.path("missing").exists(), "a folder that was named is not made");
    std::fs::create_dir(home.path("missing")).expect("a folder");
    Outcome::of(&mut info).succeeds();
    assert_eq!(std::fs::read_dir(home.path("missing")).expect("the folder").count(), 1);
}

#[test]
fn what_is_not_understood_is_told() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("config/cardmod")).expect("a folder");
    home.write("config/cardmod/logging.conf", b"Level = much\n");
    home.run("log status").succeeds().says("problem: line 1 of ").says("is not understood");
    home.run("log on --level 4").exits(2);
    home.run("log on --max-size 1").exits(2);
}

#[test]
fn the_machines_log_is_an_administrators() {
    let home = Home::new();
    // A file where the folder would be: root, too, cannot write there.
    home.write("etc", b"");
    home.run("log on --machine").exits(1).says("cannot change the settings of the log");
    std::fs::remove_file(home.path("etc")).expect("the file");
    let logs = home.path("shared");
    home.run(&format!("log on --machine --folder {}", logs.display())).succeeds().says("etc/logging.conf");
    let mode = std::fs::metadata(&logs).expect("the folder").permissions().mode();
    assert_eq!(mode & 0o7777, 0o1777, "every user's programs may write there");
}

#[test]
fn a_log_is_followed() {
    let home = Home::with_card();
    home.run("log on").succeeds();
    let mut follow = home.cardmod("log show --follow --json");
    let mut following = follow.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    let mut lines = BufReader::new(following.stdout.take().expect("a pipe")).lines();
    let mut wait_for = |text: &str| loop {
        let line = lines.next().expect("a line").expect("text");
        let document: serde_json::Value = serde_json::from_str(&line).expect("a document");
        let members: Vec<&String> = document.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["file", "line", "schema"]);
        if document["line"].as_str().expect("a line").contains(text) {
            return document["file"].as_str().expect("a file").to_owned();
        }
    };
    home.run("--card demo info").succeeds();
    let first = wait_for("CardDeleteContext()");
    home.run("--card demo pin verify --pin-env PIN").succeeds();
    let second = wait_for("CardAuthenticateEx(");
    assert_ne!(first, second, "a newer file is taken up");
    following.kill().expect("it runs");
    following.wait().expect("it ends");
    let rest = home.run("log status").succeeds();
    rest.says(&second);
}
