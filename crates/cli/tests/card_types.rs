//! `card new --type`: PIV cards, cards with both applications, and what no card can be.

mod common;

use common::{Home, Outcome};

const DEFAULT_KEY: &str = "010203040506070801020304050607080102030405060708";

/// A member of the answer, which is text.
#[track_caller]
fn member(outcome: &Outcome, name: &str) -> String {
    let value = outcome.json()[name].clone();
    value.as_str().unwrap_or_else(|| panic!("no {name} in {outcome}")).to_owned()
}

#[test]
fn a_piv_card_tells_its_secrets_once_and_that_its_key_is_known() {
    let home = Home::new();
    let made = home.run("card new token --type piv").succeeds();
    let made = made.says("PIN             123456").says(DEFAULT_KEY).says("known to everybody");
    made.says("GUID").never_says("administrator key");
    let document = home.run("--json card new other --type piv").succeeds();
    assert_eq!(member(&document, "kind"), "PIV");
    assert_eq!(member(&document, "management_key_source"), "default");
    assert_eq!(member(&document, "management_key_algorithm"), "3des");
    let puk = member(&document, "puk");
    assert!(puk.len() == 8 && puk.bytes().all(|digit| digit.is_ascii_digit()), "{puk}");
    let guid = member(&document, "guid");
    assert_eq!(&guid[12..13], "4", "a random UUID: {guid}");
    assert!(document.json().get("card_id").is_none());
    home.run("card list").succeeds().says("token").says("PIV");
    home.run("card list").never_says(DEFAULT_KEY).never_says(&puk);
}

#[test]
fn secrets_that_were_given_are_not_shown() {
    let home = Home::new();
    home.write("puk", b"24680135");
    home.write("key", b"00112233445566778899aabbccddeeff");
    let line = "card new token --type piv --new-pin-env PIN --puk-file puk --management-key-file key \
                --management-key-algorithm aes128 --guid 00112233-4455-6677-8899-aabbccddeeff --tries 5 \
                --puk-tries 4";
    let made = home.run(&format!("--json {line}")).succeeds();
    assert_eq!(member(&made, "management_key_source"), "given");
    assert_eq!(member(&made, "guid"), "00112233445566778899aabbccddeeff");
    made.never_says("123456").never_says("24680135").never_says("\"management_key\"");
}

#[test]
fn management_keys_of_every_algorithm() {
    let home = Home::new();
    for (name, algorithm, digits, source) in [
        ("a", "3des", 48, "default"),
        ("b", "aes128", 32, "random"),
        ("c", "aes192", 48, "default"),
        ("d", "aes256", 64, "random"),
        ("e", "3des --management-key random", 48, "random"),
        ("f", "aes192 --protect-management-key", 48, "random"),
    ] {
        let line = format!("--json card new {name} --type piv --management-key-algorithm {algorithm}");
        let made = home.run(&line).succeeds();
        assert_eq!(member(&made, "management_key_source"), source, "{algorithm}");
        let key = member(&made, "management_key");
        assert_eq!((key.len(), key == DEFAULT_KEY), (digits, source == "default"), "{algorithm}");
        assert_eq!(made.json()["management_key_protected"].as_bool(), (name == "f").then_some(true));
    }
}

#[test]
fn a_card_tells_the_firmware_it_was_given() {
    let home = Home::new();
    home.run("card new token --type piv --firmware 5.7.1").succeeds();
    home.run("--card token piv status").succeeds().says("firmware says    5.7.1");
    // What the card can do does not depend on it.
    home.run("card new old --type piv --firmware 1.0.0").succeeds();
    home.run("--card old piv status").succeeds().says("firmware says    1.0.0").says("3 of 3 tries left");
}

#[test]
fn a_card_with_both_applications_has_the_secrets_of_both() {
    let home = Home::new();
    let made = home.run("--json card new both --type dual").succeeds();
    for name in ["card_id", "guid", "pin", "puk", "admin_key", "management_key"] {
        assert!(!member(&made, name).is_empty());
    }
    home.run("card list").succeeds().says("GIDS and PIV");
    home.run("card new plain").succeeds();
    home.run("--json card list").succeeds().says("\"GIDS and PIV\"").says("\"GIDS\"");
}

#[test]
fn what_no_card_can_be_is_refused_before_one_is_made() {
    let home = Home::new();
    home.write("short", b"12345");
    home.write("text", b"12345a");
    home.write("key", b"0011");
    for (options, reason) in [
        ("--guid 00112233445566778899aabbccddeeff", "--guid is for cards with PIV"),
        ("--flavour standard", "--flavour is for cards with PIV"),
        ("--protect-management-key", "--type piv"),
        ("--management-key-file key", "management key"),
        ("--type piv --blank", "--blank"),
        ("--type dual --blank", "--blank"),
        ("--type piv --no-puk", "--no-puk"),
        ("--type piv --no-ec", "--no-ec"),
        ("--type piv --containers 3", "--containers"),
        ("--type piv --admin-key-file key", "administrator key"),
        ("--type piv --tries 0", "tries"),
        ("--type piv --puk-tries 16", "tries"),
        ("--type piv --new-pin-file short", "6 to 8"),
        ("--type piv --flavour standard --new-pin-file text", "digits"),
        ("--type piv --flavour standard --protect-management-key", "behind the PIN"),
        ("--type piv --global-pin-file text", "global PIN"),
        ("--type piv --guid 0011", "32"),
        ("--type piv --no-chuid --guid 00112233445566778899aabbccddeeff", "--no-chuid"),
        ("--type piv --management-key default --management-key-algorithm aes256", "random"),
        ("--type piv --management-key random --management-key-file key", "--management-key"),
        ("--firmware 5.7.1", "--firmware is for cards with PIV"),
        ("--type piv --firmware 5.7", "three numbers"),
        ("--type piv --firmware 5.7.256", "three numbers"),
        ("--type piv --flavour standard --firmware 5.7.1", "firmware"),
        ("--type smartcard", "smartcard"),
    ] {
        home.run(&format!("card new bad {options}")).exits(2).says(reason);
    }
    home.run("card new bad --type piv --management-key-file key").exits(1).says("48 hexadecimal digits");
    home.run("card list").succeeds().says("no virtual cards");
}
