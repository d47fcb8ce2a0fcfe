//! Files, directories and properties through the program.

mod common;

use common::Home;

/// The administrator's key of the card, in a file.
fn administrator(home: &Home) -> &'static str {
    home.write("admin", b"000102030405060708090a0b0c0d0e0f1011121314151617\n");
    home.run("card new adm --admin-key-file admin --new-pin-env PIN --no-puk").succeeds();
    "--admin-key-file admin"
}

#[test]
fn directories_come_and_go() {
    let home = Home::with_card();
    home.write("data", b"some words");
    let card = |line: &str| home.run(&format!("--card demo file {line}"));
    card("mkdir notes --pin-env PIN").succeeds();
    card("mkdir notes --pin-env PIN").exits(1).says("notes exists");
    card("mkdir far-too-long --pin-env PIN").exits(2).says("longer than 8 characters");
    card("mkdir a:b --pin-env PIN").exits(2).says("not allowed in a name");
    card("write notes/one --in data --pin-env PIN").succeeds();
    card("list notes").succeeds().says("notes/one").says("free: unknown bytes, 30 of 30 containers");
    card("rmdir notes --pin-env PIN").exits(1).says("is not empty");
    card("delete notes/one --pin-env PIN").succeeds();
    card("rmdir notes --pin-env WRONG").exits(5);
    card("rmdir notes --pin-env PIN").succeeds();
    card("list notes").exits(1).says("no directory");
    card("rmdir notes --pin-env PIN").exits(1).says("no directory");
}

#[test]
fn a_file_larger_than_any_card_is_refused_and_nothing_is_left() {
    let home = Home::with_card();
    home.write("huge", &vec![7; (1 << 24) + 1]);
    let card = |line: &str| home.run(&format!("--card demo file {line}"));
    card("write mscp/huge --in huge --pin-env PIN").exits(1).says("is full").says("write a file");
    card("read mscp/huge --out same").exits(1).says("there is no file mscp/huge");
}

#[test]
fn access_conditions_hold_and_are_shown() {
    let home = Home::with_card();
    home.write("data", b"some words");
    let key = administrator(&home);
    let card = |line: &str| home.run(&format!("--card adm {line}"));
    card("file write mscp/own --in data --access user-only --pin-env PIN").succeeds();
    card(&format!("file write mscp/adm --in data --access admin {key}")).succeeds();
    card("file list").succeeds().says("mscp/own").says("mscp/adm").says("admin");
    let free = card("--json file list").succeeds().json();
    // A GIDS card does not tell the bytes that are free.
    assert_eq!((&free["free_bytes"], &free["free_containers"]), (&serde_json::Value::Null, &30.into()));
    card("file list").succeeds().says("needs a right");
    card("file read mscp/adm --out same").succeeds();
    assert_eq!(home.read("same"), b"some words");
    card("file read mscp/own").exits(1).says("does not allow");
    card("file read mscp/own --pin-env WRONG").exits(5);
    card("file read mscp/own --pin-env PIN --out same").succeeds();
    card("file write mscp/adm --in data --pin-env PIN").exits(1).says("does not allow");
    card(&format!("file delete mscp/adm {key}")).succeeds();
}

#[test]
fn properties_are_listed_shown_and_set() {
    let home = Home::with_card();
    let key = administrator(&home);
    let card = |line: &str| home.run(&format!("--card adm {line}"));
    let property = |verb: &str, name: &str, more: &str| {
        let mut command = home.cardmod(&format!("--card adm property {verb}"));
        common::Outcome::of(command.arg(name).args(more.split_whitespace()))
    };
    let list = card("property list").succeeds();
    for name in
        ["Free Space", "Key Sizes", "Read Only Mode", "PIN Information", "Card Identifier", "(not told)"]
    {
        assert!(list.text().contains(name), "no {name} in\n{list}");
    }
    property("get", "pin list", "").succeeds().says("user, admin");
    property("get", "Key Sizes", "--of 2").succeeds().says("minimum 1024, default 2048, maximum 4096");
    property("get", "Key Sizes", "--of 99").exits(7);
    property("get", "PIN List", "--of 1").exits(2).says("has one value");
    property("get", "Nonsense", "").exits(2).says("known are");
    let id = "00112233-4455-6677-8899-aabbccddeeff";
    property("set", "Card Identifier", &format!("{id} --admin-key-env PIN")).exits(1);
    home.write("wrong", b"100102030405060708090a0b0c0d0e0f1011121314151617\n");
    property("set", "Card Identifier", &format!("{id} --admin-key-file wrong")).exits(5);
    property("set", "Card Identifier", &format!("{id} {key}")).succeeds().says("is now 00112233445566778899");
    property("get", "Card Identifier", "").succeeds().says("00112233445566778899aabbccddeeff");
    home.run("--card adm --json info").succeeds().says("00112233445566778899aabbccddeeff");
    property("set", "Card Identifier", &format!("00 {key}"))
        .exits(1)
        .says("32 hexadecimal digits is expected");
    property("set", "PIN List", &format!("1 {key}")).exits(1).says("cannot be set");
    property("set", "Cache Mode", &format!("1 {key}")).exits(7);
}
