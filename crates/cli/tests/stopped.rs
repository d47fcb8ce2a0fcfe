//! A program that was stopped in the middle of a card's command: others wait for it within a limit, and say why
//! they gave up.
#![forbid(unsafe_code)]

mod common;

use common::{Home, Outcome};

/// Runs the program with this limit in milliseconds.
fn patient(home: &Home, limit: &str, line: &str) -> Outcome {
    Outcome::of(home.cardmod(line).env("CARDMOD_CARD_PATIENCE_MS", limit))
}

#[test]
fn a_card_that_stays_locked_is_a_busy_reader() {
    let home = Home::with_card();
    home.run("--card demo container list").succeeds();
    let lock = std::fs::File::open(home.path("cards/demo/lock")).expect("the card's lock");
    lock.lock().expect("locked, as by a program that was stopped");
    for line in ["--card demo container list --json", "card erase demo --yes --json"] {
        let refused = patient(&home, "50", line).exits(1);
        refused.says("\"reader-busy\"").says("another program keeps").says("more than 50 ms");
    }
    // With the file goes its lock.
    drop(lock);
    patient(&home, "50", "--card demo container list").succeeds();
}

#[test]
fn a_limit_that_is_none_is_refused() {
    let home = Home::with_card();
    patient(&home, "soon", "--card demo container list")
        .exits(2)
        .says("\"soon\" in CARDMOD_CARD_PATIENCE_MS");
}
