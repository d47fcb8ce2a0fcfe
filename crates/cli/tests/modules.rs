//! Card modules that are none, or none one can use: each is refused with its reason.
#![forbid(unsafe_code)]

mod common;

use std::process::Command;

use common::Home;

/// Compiles a card module from C.
fn compile(home: &Home, name: &str, source: &str) -> String {
    let (file, library) = (home.path(&format!("{name}.c")), home.path(&format!("{name}.so")));
    std::fs::write(&file, source).expect("a file can be written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file).status();
    assert!(built.expect("a C compiler").success(), "{name}.c does not compile");
    library.display().to_string()
}

#[track_caller]
fn refused(home: &Home, module: &str, words: &str) {
    let name = module.rsplit('/').next().unwrap_or(module);
    home.run(&format!("--module {module} --card demo info")).exits(1).says(name).says(words);
    let document = home.run(&format!("--module {module} --card demo info --json")).exits(1).json();
    assert_eq!(document["error"]["exit"], 1);
}

#[test]
fn files_that_are_no_modules() {
    let home = Home::with_card();
    home.write("text.so", b"this is no library");
    refused(&home, &home.path("text.so").display().to_string(), "");
    refused(&home, &home.path("missing.so").display().to_string(), "");
    refused(&home, &home.folder().display().to_string(), "");
    home.run("--card demo info").succeeds();
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn a_library_without_the_entry() {
    let home = Home::with_card();
    let module = compile(&home, "empty", "int something_else(void) { return 0; }");
    refused(&home, &module, "CardAcquireContext");
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn a_module_that_answers_a_version_nobody_asked_for() {
    let home = Home::with_card();
    for version in [0, 3, 8, 99] {
        let source = format!(
            "unsigned CardAcquireContext(unsigned *card_data, unsigned flags) \
             {{ (void)flags; card_data[0] = {version}; return 0; }}"
        );
        let module = compile(&home, &format!("version{version}"), &source);
        refused(&home, &module, "version");
    }
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn a_module_that_leaves_its_table_empty() {
    let home = Home::with_card();
    let source = "unsigned CardAcquireContext(void *card_data, unsigned flags) \
                  { (void)card_data; (void)flags; return 0; }";
    let module = compile(&home, "holes", source);
    refused(&home, &module, "pfnCardReadFile");
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn a_module_that_does_not_know_the_card() {
    let home = Home::with_card();
    // SCARD_E_UNKNOWN_CARD
    let source = "unsigned CardAcquireContext(void *card_data, unsigned flags) \
                  { (void)card_data; (void)flags; return 0x8010000Du; }";
    let module = compile(&home, "stranger", source);
    home.run(&format!("--module {module} --card demo info")).exits(1).says("card");
}

#[test]
fn the_log_is_for_those_who_ask() {
    let home = Home::with_card();
    let with = |filter: &str, line: &str| {
        let output = home.cardmod(line).env("CARDMOD_LOG", filter).output().expect("the program runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let wrong = "--card demo pin verify --pin-env WRONG";
    let (status, told) = with("cardmod_sdk=debug", wrong);
    assert_eq!(status, Some(5));
    assert!(told.contains("DEBUG cardmod_sdk::panics: refused"), "{told}");
    assert!(!told.contains("654321") && !told.contains('\u{1b}'), "{told}");
    let (_, quiet) = with("", wrong);
    assert!(!quiet.contains("DEBUG"), "{quiet}");
    let (status, told) = with("cardmod_sdk=loud", "--card demo info");
    assert_eq!(status, Some(2), "{told}");
    assert!(told.contains("CARDMOD_LOG holds no filter"), "{told}");
}
