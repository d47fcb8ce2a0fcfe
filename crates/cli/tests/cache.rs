//! `cardmod cache`, and what the next run of the program does not have to read.
#![forbid(unsafe_code)]

mod common;

use common::{Home, Outcome};

/// Runs the program; what it said, and how many APDUs it sent.
fn counted(home: &Home, line: &str) -> (Outcome, usize) {
    let log = home.path("apdus.jsonl");
    let outcome = Outcome::of(home.cardmod(line).arg("--apdu-log").arg(&log));
    let sent = std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    let _ = std::fs::remove_file(&log);
    (outcome, sent)
}

const SIGN: &str = "--card demo sign --container web --in data --out sig --pin-env PIN";

#[test]
fn the_next_run_reads_identity_and_counters_alone() {
    let home = Home::with_key("rsa2048");
    home.run(SIGN).succeeds();
    home.run("--card demo container list").succeeds();
    let (outcome, sent) = counted(&home, "--card demo container list");
    outcome.succeeds().says("web");
    assert_eq!(sent, 3, "selection, cardid, cardcf");
    let (outcome, sent) = counted(&home, SIGN);
    outcome.succeeds();
    assert_eq!(sent, 8, "selection, cardid, cardcf, PIN, key, signature, and two to take the rights away");

    let off = home.cardmod(SIGN).env("CARDMOD_CACHE", "off").output().expect("the program runs");
    assert!(off.status.success());
    home.run("cache flush").succeeds().says("forgot 1 card");
    let (outcome, sent) = counted(&home, "--card demo container list");
    outcome.succeeds();
    assert!(sent > 4, "everything is read again: {sent}");
}

#[test]
fn what_is_remembered_is_shown_and_forgotten() {
    let home = Home::with_key("p256");
    let shown = home.run("cache show --json").succeeds().json();
    let cards = shown["cards"].as_array().expect("cards");
    assert_eq!(cards.len(), 1);
    assert_eq!(shown["directory"].as_str(), home.path("cache").to_str());
    assert_eq!(cards[0]["counters"]["containers"], 1);
    assert_eq!(cards[0]["application"], "gids");
    let items = cards[0]["items"].as_array().expect("items");
    let names: Vec<_> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    assert!(names.contains(&"file:mscp/cmapfile") && names.contains(&"container:00/keys"), "{names:?}");
    let id = cards[0]["card_id"].as_str().expect("an identity");
    home.run("cache show").succeeds().says(id);

    home.run("card new other").succeeds();
    home.run("--card other container list").succeeds();
    assert_eq!(home.run("cache show --json").json()["cards"].as_array().map(Vec::len), Some(2));
    home.run("--card other cache show").succeeds().never_says(id);
    home.run("--card other cache flush --json").succeeds().says("\"flushed\": 1");
    home.run("cache show").succeeds().says(id);
    home.run("cache flush").succeeds();
    home.run("cache show").succeeds().says("nothing is remembered");
    home.run("cache flush").succeeds().says("nothing was remembered");
}

#[test]
fn nothing_secret_is_remembered_and_nothing_at_all_where_it_is_switched_off() {
    let home = Home::with_key("p256");
    home.run(SIGN).succeeds();
    home.run("--card demo pin verify --pin-env PIN").succeeds();
    for file in std::fs::read_dir(home.path("cache")).expect("the cache") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("text");
        // the PIN 123456, as text and as bytes in hexadecimal
        assert!(!text.contains("123456") && !text.contains("313233343536"), "{text}");
    }
    let home = Home::new();
    for line in ["card new demo", "--card demo container list", "cache show", "cache flush"] {
        let run = home.cardmod(line).env("CARDMOD_CACHE", "off").output().expect("the program runs");
        assert!(run.status.success(), "{line}");
    }
    assert!(!home.path("cache").exists());
}

#[test]
fn a_damaged_cache_is_none() {
    let home = Home::with_key("p256");
    home.run("--card demo container list").succeeds().says("web");
    let folder = home.path("cache");
    let file = std::fs::read_dir(&folder).expect("the cache").next().expect("a file").expect("a file").path();
    let mut bytes = std::fs::read(&file).expect("a record");
    for damage in [bytes.len() / 2, bytes.len() - 2] {
        bytes[damage] ^= 1;
        std::fs::write(&file, &bytes).expect("damaged");
        home.run("--card demo container list").succeeds().says("web");
        home.run(SIGN).succeeds();
    }
    std::fs::write(&file, []).expect("empty");
    home.run(SIGN).succeeds();
    std::fs::remove_dir_all(&folder).expect("removed");
    std::fs::write(&folder, b"a file in its place").expect("a file");
    home.run(SIGN).succeeds();
    home.run("cache show").succeeds().says("nothing is remembered");
}
