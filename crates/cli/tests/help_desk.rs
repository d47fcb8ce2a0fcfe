//! The help desk: a user's card asks, an administrator elsewhere answers with his key and no card; and
//! what becomes of tries, roles and permissions through the program.
#![forbid(unsafe_code)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use common::Home;

const KEY: &str = "000102030405060708090A0B0C0D0E0F1011121314151617";

/// A home with a card `demo` whose user PIN is blocked, and the administrator's key in a file.
fn blocked() -> Home {
    let home = Home::new();
    home.write("key", KEY.as_bytes());
    home.write("other-key", KEY.replace('0', "F").as_bytes());
    home.write("new", b"998877\n");
    home.run("card new demo --admin-key-file key").succeeds();
    for status in [5, 5, 6] {
        home.run("--card demo pin verify --pin-env WRONG").exits(status);
    }
    home
}

/// The user's side: `cardmod` holding the card, waiting for a response.
struct User {
    program: Child,
    input: Option<ChildStdin>,
    output: BufReader<std::process::ChildStdout>,
    errors: Option<std::process::ChildStderr>,
}

impl User {
    fn runs(mut command: Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut program = command.spawn().expect("cardmod");
        let input = program.stdin.take();
        let output = BufReader::new(program.stdout.take().expect("its output"));
        let errors = program.stderr.take();
        Self { program, input, output, errors }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line
    }

    /// The challenge that is read out over the telephone.
    #[track_caller]
    fn challenge(&mut self) -> String {
        let line = self.line();
        let challenge = line.strip_prefix("challenge: ").unwrap_or_else(|| panic!("{line:?}"));
        challenge.trim().to_owned()
    }

    fn types(&mut self, text: &str) {
        let input = self.input.as_mut().expect("its input");
        input.write_all(format!("{text}\n").as_bytes()).expect("a line");
    }

    /// Its exit code and its last words.
    fn ends(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let mut words = String::new();
        std::io::Read::read_to_string(&mut self.output, &mut words).expect("its output");
        let mut errors = self.errors.take().expect("its errors");
        std::io::Read::read_to_string(&mut errors, &mut words).expect("its errors");
        (self.program.wait().expect("its end").code(), words)
    }
}

/// The administrator's side: another process, another home, no card.
#[track_caller]
fn administrator_answers(home: &Home, challenge: &str, key: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cardmod"));
    let nowhere = Home::new();
    command.args(["admin", "respond", "--challenge", challenge, "--admin-key-file"]).arg(home.path(key));
    command.env("CARDMOD_HOME", nowhere.folder()).env("CARDMOD_PCSC", "/nowhere").stdin(Stdio::null());
    let outcome = common::Outcome::of(&mut command).succeeds();
    String::from_utf8(outcome.stdout).expect("text").trim().to_owned()
}

#[test]
fn a_blocked_pin_is_set_anew_from_afar() {
    let home = blocked();
    let mut user = User::runs(home.cardmod("--card demo admin unblock --new-pin-file new"));
    let challenge = user.challenge();
    assert_eq!(challenge.len(), 19, "four groups of four digits: {challenge}");
    user.types("what?");
    user.types(&administrator_answers(&home, &challenge, "key"));
    let (status, words) = user.ends();
    assert_eq!(status, Some(0), "{words}");
    assert!(words.contains("the PIN is set and unblocked"), "{words}");
    assert!(words.contains("nothing was sent to the card"), "a slip costs nothing: {words}");
    home.run("--card demo pin verify --pin-file new").succeeds();
    home.run("--card demo pin verify --pin-env PIN").exits(5).says("2 tries left");
}

#[test]
fn documents_for_programs() {
    let home = blocked();
    let mut user = User::runs(home.cardmod("--json --card demo admin unblock --new-pin-file new"));
    let document: serde_json::Value = serde_json::from_str(&user.line()).expect("a document");
    let challenge = document["challenge"].as_str().expect("a challenge").to_owned();
    assert_eq!(document["schema"], 1);
    let line = format!("admin respond --json --challenge {challenge} --admin-key-file key");
    let answer: serde_json::Value = serde_json::from_slice(&home.run(&line).succeeds().stdout).expect("JSON");
    assert_eq!(answer["challenge"], document["challenge"]);
    user.types(answer["response"].as_str().expect("a response"));
    let (status, words) = user.ends();
    assert_eq!(status, Some(0), "{words}");
    assert!(words.contains("\"unblocked\":true"), "{words}");
}

#[test]
fn a_failure_is_one_document_on_one_line_too() {
    let home = blocked();
    let mut user = User::runs(home.cardmod("--json --card demo admin unblock --new-pin-file new"));
    let document: serde_json::Value = serde_json::from_str(&user.line()).expect("a document");
    let challenge = document["challenge"].as_str().expect("a challenge");
    user.types(&administrator_answers(&home, challenge, "other-key"));
    let failure: serde_json::Value = serde_json::from_str(&user.line()).expect("one line");
    assert_eq!((&failure["error"]["code"], &failure["schema"]), (&"wrong-pin".into(), &1.into()));
    assert_eq!(user.ends().0, Some(5));
}

#[test]
fn a_wrong_response_changes_nothing_and_a_challenge_is_good_once() {
    let home = blocked();
    let mut user = User::runs(home.cardmod("--card demo admin unblock --new-pin-file new"));
    let first = user.challenge();
    user.types(&administrator_answers(&home, &first, "other-key"));
    let (status, words) = user.ends();
    assert_eq!(status, Some(5), "{words}");
    assert!(words.contains("the response is wrong"), "{words}");
    assert!(words.contains("how many tries are left"), "this card counts none, and says so: {words}");
    home.run("--card demo pin verify --pin-file new").exits(6);
    // The right answer to the old challenge is no answer to the next.
    let late = administrator_answers(&home, &first, "key");
    let mut user = User::runs(home.cardmod("--card demo admin challenge"));
    assert_ne!(user.challenge(), first);
    user.types(&late);
    assert_eq!(user.ends().0, Some(5));
    let mut user = User::runs(home.cardmod("--card demo admin challenge"));
    let challenge = user.challenge();
    user.types(&administrator_answers(&home, &challenge, "key"));
    let (status, words) = user.ends();
    assert_eq!((status, words.contains("the response is right")), (Some(0), true), "{words}");
}

#[test]
fn no_response_is_no_attempt() {
    let home = blocked();
    home.run("--card demo admin unblock --new-pin-file new").exits(1).says("without a response");
    home.run("--card demo admin unblock --new-pin-fd 0").exits(2).says("one file descriptor");
    home.run("admin respond --challenge 0123 --admin-key-file key").exits(2).says("16 hexadecimal digits");
    home.run("admin respond --challenge 01234567890123456 --admin-key-file key").exits(2);
    home.run("--card demo admin unblock --role 3 --new-pin-file new")
        .exits(1)
        .says("cannot be unblocked by the administrator");
}

#[test]
fn roles_are_named_by_number_and_permissions_looked_at_first() {
    let home = Home::new();
    home.write("puk", b"87654321");
    home.write("new", b"998877\n");
    home.run("card new demo --puk-file puk").succeeds();
    let puk = home.run("--card demo pin status --json").succeeds();
    let status: serde_json::Value = serde_json::from_slice(&puk.stdout).expect("JSON");
    assert_eq!(status["pins"][0]["strength"], serde_json::json!(["plain"]), "{status}");
    home.run("--card demo pin verify --role 3 --pin-env PIN").exits(7).says("it only unblocks");
    home.run("--card demo pin verify --role 5 --pin-env PIN").exits(1).says("has no role 5");
    home.run("--card demo pin verify --role 9 --pin-env PIN").exits(2).says("a number from 1 to 7");
    home.run("--card demo pin change --role 3 --pin-env PIN --new-pin-file new").exits(1).says("nobody may");
    home.run("--card demo pin change --by 3 --pin-file puk --new-pin-file new")
        .exits(1)
        .says("cannot be changed by role 3; the user may");
    home.run("--card demo pin unblock --by 3 --puk-env WRONG --new-pin-file new")
        .exits(5)
        .says("the PUK is wrong")
        .says("2 tries left");
    home.run("--card demo pin unblock --puk-file puk --new-pin-file new").succeeds();
    home.run("--card demo pin change --pin-env PIN --new-pin-file new").exits(5).says("2 tries left");
    home.run("--card demo pin verify --pin-file new").succeeds();
}
