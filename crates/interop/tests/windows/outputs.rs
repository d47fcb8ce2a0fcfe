//! Where results go: devices by their reserved names, places that cannot be written. What was there stays.

use crate::desk::Desk;

const SIGN: &str = "--card demo sign --container web --in data --pin-env PIN --out";

#[test]
#[ignore = "run by cargo xtask windows"]
fn outputs_and_the_names_windows_keeps_for_devices() {
    let desk = Desk::with_key();
    let before = listing(&desk);
    for name in ["NUL", "nul", r"\\.\NUL", "NUL:"] {
        desk.wine(&format!("{SIGN} {name}")).success();
        assert_eq!(listing(&desk), before, "{name} left a file");
    }
    for name in ["COM9", "PRN", r"sub\file", "wrong?name", "a|b", r"Q:\out"] {
        desk.wine(&format!("{SIGN} {name}")).exits_with(1).says(&format!("cannot write {name}"));
        assert_eq!(listing(&desk), before, "{name} left a file");
    }
    desk.wine(&format!("{SIGN} cards")).exits_with(1).says("cannot write cards");
}

/// The system's own tables are a folder in which not even an administrator makes a file.
#[test]
#[ignore = "run by cargo xtask windows"]
fn a_folder_that_cannot_be_written() {
    let desk = Desk::with_key();
    desk.wine(&format!(r"{SIGN} Z:\proc\signature")).exits_with(1).says(r"cannot write Z:\proc\signature");
    let mut command = desk.wine_command(&["card", "new", "demo"]);
    let refused = desk.finish(command.env("CARDMOD_HOME", r"Z:\proc")).exits_with(1);
    refused.says(r"cannot create Z:\proc\cards");
    let mut command =
        desk.wine_command(&["--card", "demo", "container", "list", "--apdu-log", r"Z:\proc\log"]);
    desk.finish(&mut command).exits_with(1).says(r"the APDU log Z:\proc\log cannot be written");
    desk.wine("--card demo container list").success().says("web");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn results_on_standard_output_are_as_on_linux() {
    let desk = Desk::with_key();
    desk.tool("chmod 600 cards/device.secret").success();
    for line in [
        "--card demo container list",
        "--card demo container list --json",
        "--card demo key public --container web",
        "--card demo pin status",
        "--card demo file list",
        "--version",
        "--card demo sign --container nobody --in data --pin-env PIN",
        "--card demo pin verify --pin-env NOT_SET",
        "--card nobody info",
        "frobnicate",
    ] {
        let (wine, linux) = (desk.wine(line), desk.linux(line));
        assert_eq!(wine.status, linux.status, "{wine}\n{linux}");
        assert_eq!(wine.stdout, linux.stdout, "{line}");
        assert_eq!(wine.stderr.replace("cardmod.exe", "cardmod"), linux.stderr, "{line}");
    }
    // Bytes are bytes: no line end is changed on the way.
    let written = desk.wine("--card demo file read cardcf").success().bytes;
    assert_eq!(written, desk.linux("--card demo file read cardcf").success().bytes);
    let signature = desk.wine("--card demo sign --container web --in data --pin-env PIN").success().bytes;
    desk.write("signature", &signature);
    desk.openssl_verifies("web.pub.pem", "signature", "data", "");
}

fn listing(desk: &Desk) -> Vec<String> {
    let entries = std::fs::read_dir(desk.folder()).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
