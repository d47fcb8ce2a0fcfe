//! `cardmod info --watch` while other processes make, use, eject and erase cards.
#![forbid(unsafe_code)]

mod common;

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use common::Home;
use serde_json::Value;

/// A watching program, killed when dropped.
struct Watch {
    program: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Watch {
    /// Starts it and reads what is there, up to the word that it waits.
    fn start(home: &Home, options: &str) -> (Self, Vec<Value>) {
        let mut command = home.cardmod(&format!("info --watch --json {options}"));
        // Real readers of this machine are none of the tests' business.
        command.env("CARDMOD_PCSC_SYSTEM", "none").stdout(Stdio::piped());
        let mut program = command.spawn().expect("the program runs");
        let lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
        let mut watch = Self { program, lines };
        let mut before = Vec::new();
        loop {
            let event = watch.next().expect("it says that it waits");
            assert_eq!(event["initial"], true, "{event}");
            if event["event"] == "watching" {
                return (watch, before);
            }
            before.push(event);
        }
    }

    /// The next event; `None` at the end of the program.
    fn next(&mut self) -> Option<Value> {
        let line = self.lines.next()?.expect("text");
        let event: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert_eq!(event["schema"], 1);
        Some(event)
    }

    #[track_caller]
    fn expect(&mut self, event: &str) -> Value {
        let next = self.next().expect("an event");
        assert_eq!(next["event"], event, "{next}");
        assert_eq!(next["initial"], false);
        let time = next["time"].as_str().expect("a time");
        assert!(time.len() == 20 && time.ends_with('Z'), "{time}");
        next
    }

    /// Told to end by this signal it does, in order and with nothing more to say.
    #[cfg(unix)]
    #[track_caller]
    fn ends_by(mut self, signal: &str) {
        let sent = Command::new("kill").args(["-s", signal, &self.program.id().to_string()]).status();
        assert!(sent.expect("kill runs").success());
        assert_eq!(self.next(), None);
        assert_eq!(self.program.wait().expect("it ends").code(), Some(0));
    }

    /// Nothing more was said when it is ended. Windows has no signals that one process sends another.
    #[cfg(windows)]
    #[track_caller]
    fn ends_by(mut self, _signal: &str) {
        self.program.kill().expect("it runs");
        assert_eq!(self.next(), None);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Ended already, mostly.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn cards_come_and_go() {
    let home = Home::new();
    let (mut watch, before) = Watch::start(&home, "");
    assert_eq!(before, Vec::<Value>::new());
    home.run("card new demo").succeeds();
    let reader = watch.expect("reader-added")["reader"].clone();
    let card = watch.expect("card-inserted");
    assert_eq!((&card["reader"], &card["virtual_card"]), (&reader, &Value::from("demo")));
    assert_eq!(card["info"]["card"]["atr"], card["atr"]);
    assert_eq!(card["info"]["containers"], Value::Array(Vec::new()));
    assert!(card.get("error").is_none() && card["info"].get("proofs").is_none(), "{card}");

    home.generate("web", "p256").succeeds();
    home.run("card eject demo").succeeds();
    assert_eq!(watch.expect("card-removed")["reader"], reader);
    home.run("--card demo info").exits(4);
    home.run("card insert demo").succeeds();
    let card = watch.expect("card-inserted");
    assert_eq!(card["info"]["containers"][0]["name"], "web");

    home.run("card erase demo --yes").succeeds();
    assert_eq!(watch.expect("card-removed")["reader"], reader);
    assert_eq!(watch.expect("reader-removed")["reader"], reader);
    watch.ends_by("TERM");
}

#[test]
fn what_is_there_is_told_first_and_other_readers_are_left_out() {
    let home = Home::with_card();
    let (mut watch, before) = Watch::start(&home, "--card demo");
    let events: Vec<&Value> = before.iter().map(|event| &event["event"]).collect();
    assert_eq!(events, ["reader-added", "card-inserted"]);
    home.run("card new other").succeeds();
    home.run("card eject other").succeeds();
    // What happened before is told before: nothing was, of the other card.
    home.run("card eject demo").succeeds();
    assert_eq!(watch.expect("card-removed")["reader"], before[0]["reader"]);
    watch.ends_by("INT");
}

#[test]
fn keys_are_proved_at_each_insertion_with_one_pin() {
    let home = Home::with_key("p256");
    let (mut watch, before) = Watch::start(&home, "--card demo --pin-env PIN");
    assert_eq!(before[1]["info"]["proofs"][0]["signs"], true);
    home.run("card eject demo").succeeds();
    watch.expect("card-removed");
    home.run("card insert demo").succeeds();
    assert_eq!(watch.expect("card-inserted")["info"]["proofs"][0]["signs"], true);
}

/// A descriptor gives a PIN once: what the host kept went with the card, so the next line is read.
#[test]
#[cfg_attr(windows, ignore = "file descriptors are those of Unix")]
fn a_descriptor_is_read_a_line_for_each_insertion() {
    let home = Home::with_key("p256");
    home.write("pins", b"123456\n123456\n");
    let line = "mkfifo pipe; exec 3<>pipe; cat pins >&3; exec \"$CARDMOD\" info --watch --json --count 2 --card demo --pin-fd 3";
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(home.folder()).env("CARDMOD_HOME", home.folder());
    command.env("CARDMOD", env!("CARGO_BIN_EXE_cardmod")).env("CARDMOD_PCSC_SYSTEM", "none");
    let mut program = command.stdout(Stdio::piped()).spawn().expect("a shell");
    let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
    let mut expect = |event: &str| loop {
        let line = lines.next().expect("another event").expect("text");
        let found: Value = serde_json::from_str(&line).expect("a document");
        if found["event"] == event {
            return found;
        }
    };
    assert_eq!(expect("card-inserted")["info"]["proofs"][0]["signs"], true);
    expect("watching");
    home.run("card eject demo").succeeds();
    expect("card-removed");
    home.run("card insert demo").succeeds();
    assert_eq!(expect("card-inserted")["info"]["proofs"][0]["signs"], true);
    assert!(program.wait().expect("it ends").success());
}

#[test]
fn a_wrong_pin_costs_one_try_however_often_the_card_is_inserted() {
    let home = Home::with_key("p256");
    let (mut watch, before) = Watch::start(&home, "--card demo --pin-env WRONG");
    assert_eq!(before[1]["error"]["code"], "wrong-pin", "{}", before[1]);
    assert_eq!(before[1]["info"]["containers"][0]["name"], "web");
    let left = before[1]["error"]["tries_left"].as_u64().expect("the tries left");
    for _ in 0..3 {
        home.run("card eject demo").succeeds();
        watch.expect("card-removed");
        home.run("card insert demo").succeeds();
        let card = watch.expect("card-inserted");
        assert!(card.get("error").is_none(), "{card}");
        assert_eq!(card["info"]["pins"][0]["tries_left"], left, "{card}");
    }
}

#[test]
fn it_ends_after_so_many_cards_or_so_many_seconds() {
    let home = Home::with_card();
    let text = home.run("info --watch --count 1 --card demo").succeeds().text();
    assert!(
        text.contains("card in Cardmod Virtual Reader (demo)") && text.contains("  Containers"),
        "{text}"
    );
    home.run("info --watch --count 2 --timeout 0 --card demo").exits(4).says("only 1 of 2 cards came");
    home.run("info --watch --timeout 0 --card demo").succeeds();
    home.run("info --count 1").exits(2).says("--watch");
    home.run("info --watch --count 0").exits(2);
}

#[test]
fn a_card_that_cannot_be_used_is_told_and_the_watch_goes_on() {
    let home = Home::with_card();
    home.write("text.so", b"this is no library");
    let module = home.path("text.so").display().to_string();
    common::class_module();
    let (mut watch, before) = Watch::start(&home, &format!("--card demo --module {module}"));
    assert_eq!(before[1]["error"]["code"], "module-load", "{}", before[1]);
    home.run("card eject demo").succeeds();
    watch.expect("card-removed");
}
