//! A program on the `pcsc` crate, which links libpcsclite as any C program does.

use std::path::PathBuf;
use std::process::Command;

use cardmod_interop::{Home, fixture, run};

const CARD_ID: &str = "00112233445566778899AABBCCDDEEFF";
const READER: &str = "Cardmod Virtual Reader (demo) 00 00";

/// The program; it is outside of the workspace, since nothing within may link libpcsclite.
fn program() -> PathBuf {
    fixture("pcsc-crate")
}

#[test]
fn the_pcsc_crate_lists_waits_transmits_resets_and_cancels() {
    let program = program();
    let home = Home::new();
    home.run(&format!("card new demo --card-id {CARD_ID}")).success();
    let mut stranger = home.stranger("demo", program.to_str().expect("a path of text"));
    let said = run(stranger.arg(READER)).success();
    let told = |step: &str| {
        let mut lines = said.stdout.lines().filter_map(|line| line.split_once(' '));
        lines
            .find(|(name, _)| *name == step)
            .map(|(_, what)| what)
            .unwrap_or_else(|| panic!("no {step} in\n{said}"))
    };
    for step in ["listed", "present", "status", "attribute"] {
        assert_eq!(told(step), "true", "{step}");
    }
    let shown = home.run("--card demo info --json").success();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let expected = shown["card"]["atr"].as_str().expect("an ATR").to_uppercase();
    assert_eq!(told("ATR"), expected);
    assert_eq!(told("protocol"), "Some(T1)");
    assert!(told("SELECT").starts_with("61124F0B") && told("SELECT").ends_with("9000"));
    assert_eq!(told("cardid"), format!("DF2010{CARD_ID}9000"));
    for unselected in ["before", "reset"] {
        assert!(!told(unselected).ends_with("9000"), "{unselected}: {}", told(unselected));
    }
    assert_eq!(told("unknown"), "UnknownReader");
    assert_eq!(told("waited"), "Err(Cancelled)");
}

#[test]
fn it_is_the_system_s_library_that_the_program_wants() {
    let linked = run(Command::new("ldd").arg(program())).success();
    assert!(linked.stdout.contains("libpcsclite.so.1"), "{linked}");
}
