//! Files that are no card modules, and a program whose libraries are not beside it: each is refused with the
//! reason, and nothing else happens.

use std::path::PathBuf;

use cardmod_interop::Outcome;

use crate::desk::{Desk, program, windows};
use crate::pe;

/// The program with this module, at a card of the home.
#[track_caller]
fn with_module(desk: &Desk, module: &str) -> Outcome {
    desk.wine_words(&["--json", "--card", "demo", "--module", module, "container", "list"])
}

/// It is refused with exit code 1 and a JSON error that has these words in it.
#[track_caller]
fn refused(desk: &Desk, module: &str, words: &[&str]) {
    let outcome = with_module(desk, module).exits_with(1);
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("a document");
    assert_eq!(document["error"]["code"], "module-load", "{outcome}");
    let message = document["error"]["message"].as_str().expect("a message");
    for word in words {
        assert!(message.contains(word), "no {word:?} in {message:?}");
    }
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn what_is_no_card_module_is_refused_with_the_reason() {
    let desk = Desk::with_card();
    refused(&desk, "nowhere.dll", &["nowhere.dll"]);
    refused(&desk, r"C:\no\such\folder\module.dll", &[r"C:\no\such\folder\module.dll"]);
    desk.write("text.dll", b"this is no library\n");
    refused(&desk, "text.dll", &["text.dll", "library"]);
    desk.write("empty.dll", b"");
    refused(&desk, "empty.dll", &["empty.dll"]);
    std::fs::create_dir(desk.path("folder.dll")).expect("a folder");
    refused(&desk, "folder.dll", &["folder.dll"]);
    let class = std::fs::read(program("cardmod_class.dll")).expect("the module");
    desk.write("cut.dll", &class[..class.len() / 3]);
    refused(&desk, "cut.dll", &["cut.dll"]);
    // A library as others are, without the one export of a card module.
    refused(&desk, &windows(&program("winscard.dll")), &["winscard.dll", "CardAcquireContext"]);
    refused(&desk, r"C:\windows\system32\version.dll", &["version.dll", "CardAcquireContext"]);
    desk.wine("--card demo container list").success();
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_module_for_another_machine_is_told_apart() {
    let desk = Desk::with_card();
    desk.write("narrow.dll", &pe::library(pe::I386));
    refused(&desk, "narrow.dll", &["narrow.dll", "32-bit", "64-bit"]);
    desk.write("arm.dll", &pe::library(pe::ARM64));
    refused(&desk, "arm.dll", &["arm.dll", "ARM"]);
    // One of Linux.
    std::fs::copy(cardmod_interop::class_module(), desk.path("linux.dll")).expect("a file");
    refused(&desk, "linux.dll", &["linux.dll", "Windows"]);
}

/// `cardmod.exe` alone: it works with the module that is built in, and says what a module from a file needs.
#[test]
#[ignore = "run by cargo xtask windows"]
fn without_winscard_beside_it_no_module_is_loaded() {
    let desk = Desk::with_card();
    let alone = installed(&desk, "alone", &["cardmod.exe"]);
    let module = windows(&program("cardmod_class.dll"));
    let run = |words: &[&str]| desk.finish(desk.wine_program(&alone).args(words));
    run(&["--card", "demo", "container", "list"]).success().says("no containers");
    let refused = run(&["--card", "demo", "--module", &module, "container", "list"]).exits_with(1);
    let folder = windows(alone.parent().expect("a folder"));
    refused
        .says("winscard.dll, which")
        .says(&format!("is not beside cardmod.exe ({folder})"))
        .says("copy winscard.dll from the package");
    // One folder above, where others may be able to write, is not beside it.
    let above = installed(&desk, "tools/bin", &["cardmod.exe"]);
    std::fs::copy(program("winscard.dll"), desk.path("tools/winscard.dll")).expect("a file");
    std::fs::create_dir_all(desk.path("tools/lib/cardmod")).expect("a folder");
    std::fs::copy(program("winscard.dll"), desk.path("tools/lib/winscard.dll")).expect("a file");
    std::fs::copy(program("winscard.dll"), desk.path("tools/lib/cardmod/winscard.dll")).expect("a file");
    let words = ["--card", "demo", "--module", &module, "container", "list"];
    desk.finish(desk.wine_program(&above).args(words)).exits_with(1).says("is not beside cardmod.exe");
    // What is there under its name, and is something else, is not taken for it.
    std::fs::copy(program("cardmod_class.dll"), desk.path("alone/winscard.dll")).expect("a file");
    run(&["--card", "demo", "--module", &module, "container", "list"]).exits_with(1).says("winscard.dll");
    std::fs::copy(program("winscard.dll"), desk.path("alone/winscard.dll")).expect("a file");
    run(&["--card", "demo", "--module", &module, "container", "list"]).success().says("no containers");
}

/// A folder of the home with these of the Windows programs in it; the path of the first.
fn installed(desk: &Desk, folder: &str, names: &[&str]) -> PathBuf {
    let folder = desk.path(folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in names {
        std::fs::copy(program(name), folder.join(name)).expect("a file");
    }
    folder.join(names[0])
}
