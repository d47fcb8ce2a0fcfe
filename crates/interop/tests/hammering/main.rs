//! Several processes on one card for a minute: no error that is not a clean "busy", no wrong result, no lost
//! login, and nobody starves. Once over virtual readers in each process, once through pcscd.
//!
//! Two processes of the library (this program, started again) and one loop of `cardmod` runs work at the same
//! time, each with containers and files of its own and with a key of all. `CARDMOD_HAMMER_SECONDS` takes another
//! time than a minute.
#![forbid(unsafe_code)]

mod program;
mod worker;

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cardmod_interop::{Home, Outcome, READER, World, run};
use serde_json::Value;
use worker::{NAME, Order};

/// The virtual reader of the card that is hammered.
const VIRTUAL: &str = "Cardmod Virtual Reader (demo) 00 00";
/// An ordinary run.
const MINUTE: Duration = Duration::from_secs(60);
/// What each of the two processes must at least have had of both turns over virtual readers, where whoever waits
/// has the next turn. pcscd gives no turns: whoever asks at the right moment gets the card.
const FAIR: f64 = 0.3;
const PCSCD: f64 = 0.01;

#[test]
fn two_processes_and_the_program_hammer_a_virtual_reader() {
    let home = prepared();
    let start = |order: &Order| {
        let mut command = Command::new(std::env::current_exe().expect("this program's path"));
        command.args(order.arguments());
        home.furnish(&mut command);
        order.furnish(&home, &mut command);
        start(&mut command)
    };
    hammer(&start, &home, VIRTUAL, FAIR, |words| run(home.cardmod("").args(words)));
}

#[test]
fn two_processes_and_the_program_hammer_pcscd() {
    let home = prepared();
    let world = World::new();
    let _plug = world.plug(&home, "demo");
    let myself = std::env::current_exe().expect("this program's path");
    let start = |order: &Order| {
        let program = myself.to_str().expect("a path that is text");
        let words: Vec<&str> = [program].into_iter().chain(order.arguments()).collect();
        let mut command = world.command_at(&home, &words);
        order.furnish(&home, &mut command);
        start(&mut command)
    };
    hammer(&start, &home, READER, PCSCD, |words| world.run_at(&home, &[&["cardmod"], words].concat()));
}

#[test]
#[ignore = "the processes that the tests above start"]
fn worker_process() {
    worker::work(&Order::from_environment());
}

/// A card with the key that all use.
fn prepared() -> Home {
    let home = Home::new();
    home.run("card new demo --tries 5").success();
    home.run("key generate --card demo --container shared --algorithm p256 --pin-env PIN").success();
    std::fs::write(home.file("data"), b"the data to be signed").expect("a file");
    home
}

fn start(command: &mut Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("another process")
}

fn seconds() -> Duration {
    let given = std::env::var("CARDMOD_HAMMER_SECONDS").ok();
    given.map_or(MINUTE, |text| Duration::from_secs(text.parse().expect("a number of seconds")))
}

fn hammer(
    start: &impl Fn(&Order) -> Child,
    home: &Home,
    reader: &str,
    least_share: f64,
    run: impl Fn(&[&str]) -> Outcome,
) {
    let time = seconds();
    let order = |name: &str| Order { name: name.to_owned(), reader: reader.to_owned(), time };
    let workers = ["a", "b"].map(|name| start(&order(name)));
    let by_program = program::work(home, reader, time, &run);
    let mut turns = vec![by_program];
    for worker in workers {
        let (report, said) = finished(worker);
        let report = report.unwrap_or_else(|| panic!("a process failed:\n{said}"));
        turns.push(report["transactions"].as_u64().expect("a number"));
        assert!(report["signatures"].as_u64().is_some_and(|count| count > 0), "{report}");
        report_line(&report.to_string());
    }
    report_line(&format!("transactions of the program and of both processes: {turns:?}"));
    // Between the two that do the same.
    let (one, other) = (turns[1] as f64, turns[2] as f64);
    let least = one.min(other) / (one + other);
    assert!(least >= least_share, "one of two processes starved: {turns:?}");
    assert!(turns[0] >= 3, "the program starved: {turns:?}");
    // Afterwards the card is as if nobody had been there.
    let listed = run(&["--reader", reader, "container", "list", "--json"]).success();
    let listed: Value = serde_json::from_str(&listed.stdout).expect("JSON");
    for container in listed["containers"].as_array().expect("containers") {
        assert_eq!(container["keys"].as_array().map(Vec::len), Some(1), "{container:#}");
        assert!(!container["name"].as_str().unwrap_or("tmp").contains("tmp"), "{container:#}");
    }
}

/// The report that a process printed at its end, if it came that far, and everything it said.
fn finished(mut child: Child) -> (Option<Value>, String) {
    let mut said = String::new();
    child.stdout.take().expect("its output").read_to_string(&mut said).expect("text");
    child.stderr.take().expect("its errors").read_to_string(&mut said).expect("text");
    let succeeded = child.wait().expect("its end").success();
    let line = said.lines().find_map(|line| line.split_once(NAME).map(|(_, report)| report));
    let report = line.filter(|_| succeeded).and_then(|report| serde_json::from_str(report).ok());
    (report, said)
}

#[allow(clippy::print_stderr, reason = "what was done belongs into the test's output")]
fn report_line(text: &str) {
    eprintln!("{text}");
}
