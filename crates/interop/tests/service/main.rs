//! pcscd is killed and started again under programs that go on: a watch, a card that a program keeps open, and
//! programs that come while it is away.
#![forbid(unsafe_code)]

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use cardmod_default::{Environment, EnvironmentOptions};
use cardmod_host::{FixedPin, OpenOptions, SignRequest};
use cardmod_interop::{Home, READER, World};
use cardmod_types::{HashAlgorithm, Pin, SignaturePadding};

/// Begins the answers of the program that keeps a card open, among what the test harness prints.
const ANSWER: &str = "answer: ";

#[test]
fn a_watch_outlives_the_service() {
    let home = Home::provisioned();
    let mut world = World::new();
    let words = ["cardmod", "info", "--watch", "--json", "--reader", READER];
    let mut program = world.start_at(&home, &words);
    let mut lines = BufReader::new(program.stdout.take().expect("its output is piped")).lines();
    let mut until = |event: &str| {
        let wanted = format!("\"event\":\"{event}\"");
        lines.by_ref().map(|line| line.expect("text")).find(|line| line.contains(&wanted))
    };
    until("watching").expect("it watches");
    let plug = world.plug(&home, "demo");
    until("card-inserted").expect("the card is seen");
    world.stop_service();
    drop(plug);
    until("reader-removed").expect("the readers are gone");
    world.start_service();
    until("reader-added").expect("the readers are back");
    let _plug = world.plug(&home, "demo");
    let card = until("card-inserted").expect("the card is seen again");
    assert!(card.contains("\"name\":\"web\""), "and explained: {card}");
    let sent = Command::new("kill").args(["-s", "INT", &program.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    assert_eq!(program.wait().expect("it ends").code(), Some(0));
}

/// A program that has a card open for as long as it runs, and signs when it is told to.
struct Keeper {
    program: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Keeper {
    fn start(world: &World, home: &Home) -> Self {
        let myself = std::env::current_exe().expect("this program's path");
        let words = [
            myself.to_str().expect("a path that is text"),
            "--exact",
            "keeper_process",
            "--ignored",
            "--nocapture",
        ];
        let mut command = world.command_at(home, &words);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut program = command.spawn().expect("this program");
        let orders = program.stdin.take().expect("its input is piped");
        let answers = BufReader::new(program.stdout.take().expect("its output is piped")).lines();
        Self { program, orders, answers }
    }

    /// Has it sign; what it says.
    fn sign(&mut self) -> String {
        writeln!(self.orders, "sign").expect("it listens");
        let answer = self.answers.by_ref().map(|line| line.expect("text"));
        let answer =
            answer.filter_map(|line| line.split_once(ANSWER).map(|(_, answer)| answer.to_owned())).next();
        answer.expect("an answer")
    }

    fn end(mut self) {
        drop(self.orders);
        assert!(self.program.wait().expect("it ends").success());
    }
}

/// A PIV card with a key whose container is called as that of the usual card.
fn piv_home() -> Home {
    let home = Home::new();
    home.run("card new demo --type piv").success();
    let generate = "key generate --container 9d --name web --algorithm rsa2048 --card demo --pin-env PIN";
    home.run(generate).success();
    home
}

#[test]
fn a_card_that_is_kept_open_outlives_the_service() {
    outlives_the_service(&Home::provisioned());
}

#[test]
fn a_piv_card_that_is_kept_open_outlives_the_service() {
    outlives_the_service(&piv_home());
}

fn outlives_the_service(home: &Home) {
    let mut world = World::new();
    let plug = world.plug(home, "demo");
    let mut keeper = Keeper::start(&world, home);
    assert_eq!(keeper.sign(), "signed");
    assert_eq!(keeper.sign(), "signed", "within the lingering transaction or after it");
    world.stop_service();
    drop(plug);
    let error = keeper.sign();
    assert_ne!(error, "signed", "without a service");
    world.start_service();
    let error = keeper.sign();
    assert_ne!(error, "signed", "without a card");
    let _plug = world.plug(home, "demo");
    assert_eq!(keeper.sign(), "signed", "the same card is back");
    keeper.end();
}

#[test]
#[ignore = "the program that the test above starts"]
fn keeper_process() {
    let environment = Environment::open(EnvironmentOptions::default()).expect("an environment");
    let session = environment.open_card(READER, OpenOptions::default()).expect("the card");
    let card = session.share();
    let mut pin = FixedPin::new(Pin::from(std::env::var("PIN").expect("the PIN").as_str()));
    for line in std::io::stdin().lines() {
        assert_eq!(line.expect("text"), "sign");
        let padding = SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha256) };
        let request = SignRequest { half: None, padding, digest: &[7; 32] };
        let signed = card.lock().sign(Some("web"), &request, &mut pin);
        match signed {
            Ok(signature) => println!("{ANSWER}{}", if signature.is_empty() { "nothing" } else { "signed" }),
            Err(error) => println!("{ANSWER}{error}"),
        }
    }
}

#[test]
fn without_the_service_programs_say_so() {
    let home = Home::provisioned();
    let mut world = World::new();
    world.stop_service();
    let outcome = world.run_at(&home, &["cardmod", "info", "--reader", READER, "--json"]);
    assert_eq!(outcome.status, Some(3), "no reader: {outcome}");
    let doctor = world.run_at(&home, &["cardmod", "doctor", "--reader", READER]);
    assert_ne!(doctor.status, Some(0), "{doctor}");
    assert!(doctor.stdout.contains("pcscd"), "{doctor}");
    // Virtual readers need none.
    let virtual_card = world.run_at(&home, &["cardmod", "--card", "demo", "container", "list", "--json"]);
    assert!(virtual_card.success().stdout.contains("\"web\""));
}
