//! Paths as people of Windows write them: with blanks, longer than 260 characters, with either slash, relative
//! to a drive, and in the form that is passed on as it stands.

use std::path::PathBuf;

use crate::desk::{Desk, program, windows};

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_path_with_blanks() {
    let desk = Desk::named("My Documents and Settings");
    let folder = desk.path("Program Files (x86)/card mod");
    let module = install(&folder);
    desk.wine("card new demo").success();
    desk.write("my data.txt", b"the data to be signed");
    let run = |words: &[&str]| {
        let mut command = desk.wine_program(&folder.join("cardmod.exe"));
        desk.finish(command.args(["--card", "demo", "--module", &module, "--apdu-log", "my log"]).args(words))
    };
    run(&["key", "generate", "--container", "my key", "--algorithm", "p256", "--pin-env", "PIN"]).success();
    run(&["key", "public", "--container", "my key", "--out", "public"]).success();
    let signed = ["--in", "my data.txt", "--out", "my signature", "--pin-env", "PIN"];
    run(&[&["sign", "--container", "my key"], &signed[..]].concat()).success();
    desk.write("data", &desk.read("my data.txt"));
    desk.write("signature", &desk.read("my signature"));
    desk.openssl_verifies("public", "signature", "data", "");
    assert!(!desk.read("my log").is_empty());
}

/// Store, log, module, program and files, all deeper than `MAX_PATH`.
#[test]
#[ignore = "run by cargo xtask windows"]
fn paths_beyond_260_characters() {
    let desk = Desk::named(&["a-folder-with-a-name-of-some-length-in-it"; 8].join("/"));
    assert!(windows(desk.folder()).len() > 300);
    desk.write("data", b"the data to be signed");
    let full = |name: &str| windows(&desk.path(name));
    // Wine takes no such folder for the current one.
    let run = |words: &[&str]| desk.finish(desk.wine_command(words).current_dir("/"));
    run(&["card", "new", "demo"]).success();
    let log = full("log");
    let run = |words: &[&str]| run(&[&["--card", "demo", "--apdu-log", &log], words].concat());
    run(&["key", "generate", "--container", "web", "--algorithm", "p256", "--pin-env", "PIN"]).success();
    run(&["key", "public", "--container", "web", "--out", &full("public")]).success();
    let (data, signature) = (full("data"), full("signature"));
    run(&["sign", "--container", "web", "--in", &data, "--out", &signature, "--pin-env", "PIN"]).success();
    desk.openssl_verifies("public", "signature", "data", "");
    assert!(!desk.read("log").is_empty());
    run(&["container", "list"]).success().says("web");
    run(&["sign", "--in", &full("not-there"), "--pin-env", "PIN"]).exits_with(1).says(&full("not-there"));
    let module = install(&desk.path("program"));
    run(&["--module", &module, "container", "list"]).success().says("web");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn either_slash_drives_and_verbatim_paths() {
    let desk = Desk::with_key();
    std::fs::create_dir(desk.path("sub")).expect("a folder");
    desk.write("sub/data", &desk.read("data"));
    let home = windows(desk.folder());
    let below_drive = home.strip_prefix("Z:").expect("on this drive").to_owned();
    for (data, signature) in [
        (r"sub\data".to_owned(), r"sub\out".to_owned()),
        ("sub/data".to_owned(), "sub/out".to_owned()),
        (r".\sub/../sub\data".to_owned(), r".\sub/../sub\out".to_owned()),
        // relative to the folder that is the current one on the drive
        (r"Z:sub\data".to_owned(), r"Z:sub\out".to_owned()),
        // relative to the root of the current drive
        (format!(r"{below_drive}\sub\data"), format!(r"{below_drive}\sub\out")),
        (format!(r"{home}\sub\data").replace('\\', "/"), format!(r"{home}\sub\out").replace('\\', "/")),
        (format!(r"\\?\{home}\sub\data"), format!(r"\\?\{home}\sub\out")),
        (format!(r"\\.\{home}\sub\data"), format!(r"\\.\{home}\sub\out")),
    ] {
        let words =
            ["--card", "demo", "sign", "--container", "web", "--pin-env", "PIN", "--in", &data, "--out"];
        desk.wine_words(&[&words[..], &[&signature]].concat()).success();
        desk.openssl_verifies("web.pub.pem", "sub/out", "data", "");
        std::fs::remove_file(desk.path("sub/out")).expect("it was written");
    }
    for home in
        [format!(r"\\?\{home}"), home.replace('\\', "/"), ".".to_owned(), "Z:.".to_owned(), below_drive]
    {
        let mut command = desk.wine_command(&["--card", "demo", "container", "list"]);
        desk.finish(command.env("CARDMOD_HOME", &home)).success().says("web");
    }
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_module_by_any_kind_of_path() {
    let desk = Desk::with_key();
    let module = install(&desk.path("modules"));
    let forward = module.replace('\\', "/");
    let verbatim = format!(r"\\?\{module}");
    let relative_to_drive = r"Z:modules\cardmod_class.dll";
    for path in [
        &module,
        &forward,
        &verbatim,
        relative_to_drive,
        r"modules\cardmod_class.dll",
        "modules/CARDMOD_CLASS.DLL",
    ] {
        let words = ["--card", "demo", "--module", path, "container", "list"];
        desk.wine_words(&words).success().says("web");
    }
    // A bare name is a file of the current folder: nothing is looked for in the system's folders.
    desk.wine("--card demo --module version.dll container list").exits_with(1).says("version.dll");
}

/// Puts the Windows programs into a folder; the path of the class module there.
fn install(folder: &PathBuf) -> String {
    std::fs::create_dir_all(folder).expect("a folder");
    for name in ["cardmod.exe", "cardmod_class.dll", "winscard.dll"] {
        std::fs::copy(program(name), folder.join(name)).expect("a file");
    }
    windows(&folder.join("cardmod_class.dll"))
}
