//! What `cardmod card env` prints.

use cardmod_interop::{Home, run};

#[test]
fn programs_find_the_card_among_those_of_their_environment() {
    let home = Home::new();
    home.run("card new demo").success();
    home.run("card new other").success();
    let readers = run(&mut home.stranger("demo", "opensc-tool --list-readers")).success();
    for name in ["Cardmod Virtual Reader (demo) 00 00", "Cardmod Virtual Reader (other) 00 00"] {
        assert!(readers.stdout.contains(name), "no {name} in\n{readers}");
    }
    assert!(readers.stdout.lines().filter(|line| line.contains("Yes")).count() == 2, "{readers}");
}

#[test]
fn programs_are_told_the_same_as_people() {
    let home = Home::new();
    home.run("card new demo").success();
    let library = home.file("pcsc/libpcsclite.so.1");
    let told = home.run("card env demo --json").success();
    let told: serde_json::Value = serde_json::from_str(&told.stdout).expect("JSON");
    assert_eq!(told["reader"], "Cardmod Virtual Reader (demo) 00 00");
    assert_eq!(told["environment"]["CARDMOD_HOME"], home.folder().to_str().expect("text"));
    let folder = told["environment"]["LD_LIBRARY_PATH"].as_str().expect("a folder");
    assert_eq!(std::path::Path::new(folder), library.parent().expect("a folder"));
    let target = std::fs::read_link(&library).expect("a link");
    assert_eq!(told["library"], target.to_str().expect("text"));
    assert!(target.is_file(), "{}", target.display());
}

#[test]
fn a_card_that_is_not_there_has_no_environment() {
    let home = Home::new();
    home.run("card env demo").exits_with(4).says("no virtual card named demo");
    assert!(!home.file("pcsc").exists());
}
