//! The program at readers that are not like the others: a keypad, T=0, small APDUs.
#![forbid(unsafe_code)]

mod common;

use common::{Home, Outcome};

/// Runs the program at readers with a keypad, at which these lines are typed.
fn typed(home: &Home, lines: &str, line: &str) -> Outcome {
    home.write("typed", lines.as_bytes());
    Outcome::of(home.cardmod(line).env("CARDMOD_KEYPAD_FILE", home.path("typed")))
}

#[test]
fn a_pin_is_typed_at_the_reader() {
    let home = Home::with_key("p256");
    home.write("data", b"data");
    let sign = "sign --container web --in data --out data.sig";
    typed(&home, "123456\n", sign).succeeds().says("enter it at the reader");
    home.run("verify --container web --in data --signature data.sig").succeeds();
    typed(&home, "999999\n123456\n", sign).succeeds().says("wrong; ");
    typed(&home, "cancel\n", sign).exits(1).says("cancelled");
    typed(&home, "", sign).exits(1).says("in time");
    typed(&home, "999999\n999999\n", &format!("{sign} --pin-env PIN")).succeeds().never_says("at the reader");
    typed(&home, "123456\n", "pin verify").succeeds().says("the PIN is right");
    typed(&home, "999999\n", "pin verify").exits(5).says("2 tries left");
}

#[test]
fn the_keyboard_can_be_preferred() {
    let home = Home::with_key("p256");
    home.write("data", b"data");
    // Without a terminal nobody can be asked: it is the keyboard that is wanted, not the keypad.
    let line = "sign --container web --in data --out data.sig --no-keypad";
    typed(&home, "123456\n", line).exits(1).never_says("at the reader");
    home.write("typed", b"123456\n");
    let mut command = home.cardmod("pin verify");
    command.env("CARDMOD_KEYPAD_FILE", home.path("typed")).env("CARDMOD_NO_KEYPAD", "1");
    Outcome::of(&mut command).exits(1).never_says("at the reader");
}

#[test]
fn info_and_doctor_tell_what_the_reader_is_like() {
    let home = Home::with_key("p256");
    let info = typed(&home, "", "info --json").succeeds().json();
    let connection = &info["card"]["connection"];
    assert_eq!(connection["protocol"], "T=1");
    assert_eq!(connection["max_apdu_data"], 65_536);
    assert_eq!((&connection["verifies_pins"], &connection["changes_pins"]), (&true.into(), &true.into()));
    assert!(connection["features"].as_array().expect("a list").contains(&"VERIFY_PIN_DIRECT".into()));
    home.run("info").succeeds().says("T=1, extended length, no keypad");
    home.run("doctor").says("T=1, extended length, no keypad");
    let mut narrow = home.cardmod("info");
    narrow.env("CARDMOD_READER_PROTOCOL", "t0").env("CARDMOD_READER_DATA", "100");
    Outcome::of(&mut narrow).succeeds().says("T=0, APDUs with at most 100 bytes of data, no keypad");
}
