//! Names with letters of all the world: of containers, users, folders and files.

use crate::desk::{Desk, program, windows};

/// Umlauts, Cyrillic, and a character outside of the Basic Multilingual Plane: two units in UTF-16.
const NAME: &str = "Schlüssel für Ключ 🔑";

#[test]
#[ignore = "run by cargo xtask windows"]
fn homes_containers_and_files_with_letters_of_all_the_world() {
    let desk = Desk::named("Benutzer Jürgen Ключников 🔑");
    desk.wine("card new demo").success();
    desk.write("Größe Ж 🗎.txt", b"the data to be signed");
    let run = |words: &[&str]| desk.wine_words(&[&["--card", "demo"], words].concat());
    run(&["key", "generate", "--container", NAME, "--algorithm", "p256", "--pin-env", "PIN"])
        .success()
        .says(NAME);
    let list = run(&["container", "list", "--json"]).success();
    assert_eq!(document(&list.stdout)["containers"][0]["name"], NAME, "{list}");
    let public = run(&["key", "public", "--container", NAME, "--out", "öffentlich.pem"]);
    public.success();
    let (data, signature) = ("Größe Ж 🗎.txt", "Подпись 🖋.sig");
    run(&["sign", "--container", NAME, "--in", data, "--out", signature, "--pin-env", "PIN"]).success();
    for (copy, name) in [("public", "öffentlich.pem"), ("signature", signature), ("data", data)] {
        desk.write(copy, &desk.read(name));
    }
    desk.openssl_verifies("public", "signature", "data", "");
    let subject = format!("CN={NAME}");
    run(&["cert", "self-sign", "--container", NAME, "--subject", &subject, "--store", "--pin-env", "PIN"])
        .success();
    run(&["info"]).success().says(&subject);
    // The module and the program from such a folder too: its path reaches the loader.
    let folder = desk.path("Программа ü 🔑");
    std::fs::create_dir(&folder).expect("a folder");
    for name in ["cardmod.exe", "cardmod_class.dll", "winscard.dll"] {
        std::fs::copy(program(name), folder.join(name)).expect("a file");
    }
    let module = windows(&folder.join("cardmod_class.dll"));
    let mut elsewhere = desk.wine_program(&folder.join("cardmod.exe"));
    elsewhere.args(["--card", "demo", "--module", &module, "sign", "--container", NAME, "--pin-env", "PIN"]);
    elsewhere.args(["--in", data, "--out", "signature"]);
    desk.finish(&mut elsewhere).success();
    desk.openssl_verifies("public", "signature", "data", "");
}

/// Without `CARDMOD_HOME` the cards lie in the user's own folder, whatever the user is called.
#[test]
#[ignore = "run by cargo xtask windows"]
fn a_user_with_such_a_name_has_cards() {
    let desk = Desk::new();
    let profile = desk.path("Users/Jürgen Ключников 🔑");
    let local = profile.join("AppData/Local");
    std::fs::create_dir_all(&local).expect("a folder");
    // Wine itself sets what names a user's folders when it starts a program; a batch file sets it anew.
    desk.write("as-user.bat", b"@set LOCALAPPDATA=%TEST_LOCAL%\r\n@set CARDMOD_HOME=\r\n@set CARDMOD_CACHE_DIR=\r\n@\"%TEST_PROGRAM%\" %*\r\n");
    let as_user = |words: &[&str]| {
        let mut command = desk.wine_program(std::path::Path::new("cmd"));
        command.args(["/c", "as-user.bat"]).args(words);
        command.env("TEST_LOCAL", windows(&local)).env("TEST_PROGRAM", windows(&program("cardmod.exe")));
        desk.finish(&mut command)
    };
    as_user(&["card", "new", "demo"]).success();
    assert!(local.join("cardmod/cards/demo/card.image").is_file(), "no card in {}", local.display());
    as_user(&["key", "generate", "--container", "web", "--algorithm", "p256", "--pin-env", "PIN"]).success();
    let list = as_user(&["card", "list", "--json"]).success();
    let path = document(&list.stdout)["cards"][0]["path"].clone();
    assert_eq!(path, windows(&local.join("cardmod/cards/demo/card.image")), "{list}");
    as_user(&["container", "list"]).success().says("web");
}

/// Names that Windows' file system gives a meaning of its own are no card's.
#[test]
#[ignore = "run by cargo xtask windows"]
fn cards_with_names_that_windows_keeps_for_itself() {
    let desk = Desk::new();
    for name in ["NUL", "con", "Aux.1", "COM1", "lpt9", "demo.", "DEVICE.SECRET"] {
        let words = ["card", "new", name];
        desk.wine_words(&words).exits_with(2).says(&format!("{name:?} cannot be a card's name"));
    }
    for name in ["Jürgen", "a b", "a/b", r"a\b", "a:b", ".."] {
        desk.wine_words(&["card", "new", name]).exits_with(2).says("cannot be a card's name");
    }
    desk.wine("card list").success().says("no virtual cards");
    desk.wine("card new Demo").success();
    // Folders are the same in any case of their letters.
    desk.wine("card new DEMO").exits_with(1).says("exists already");
    desk.wine("card new com10").success();
    desk.wine("card list").success().says("Demo").says("com10");
}

/// A reader with letters that no virtual one has is looked for, and told as it was typed.
#[test]
#[ignore = "run by cargo xtask windows"]
fn a_reader_that_is_not_there_is_told_as_it_was_typed() {
    let desk = Desk::with_card();
    let reader = "Lesegerät Считыватель 🔑 0";
    desk.wine_words(&["--reader", reader, "info"]).exits_with(3).says(reader);
    let json = desk.wine_words(&["--json", "--reader", reader, "info"]).exits_with(3);
    let message = document(&json.stdout)["error"]["message"].clone();
    assert!(message.as_str().is_some_and(|message| message.contains(reader)), "{json}");
    // Halves of a pair, which are no text, do no harm.
    desk.wine_words(&["--reader", "demo\u{FFFD}", "info"]).exits_with(3);
}

#[track_caller]
fn document(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
