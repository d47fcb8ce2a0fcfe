//! How a program is killed: at a system call, after an APDU, at a fraction of its time.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::place::{Place, Template, words};
use crate::random::Random;
use crate::verbs::Verb;

/// The system calls by which the program changes anything on the disk.
const CHANGES: &str = "write,pwrite64,writev,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,fsync,fdatasync,ftruncate";
const KILL: i32 = 9;

/// How the moment is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    SystemCall,
    Apdu,
    Time,
}

/// A verb as it goes when nobody disturbs it.
pub(crate) struct Measured {
    /// The system calls that change the disk: each one's name, and how many of this name there were so far.
    calls: Vec<(String, u64)>,
    apdus: u64,
    time: Duration,
}

/// What a kill was, and what it hit.
pub(crate) struct Blow {
    at: String,
    /// The program had ended before.
    pub(crate) ended: bool,
    /// It had begun to talk to the card, or to write, and had not yet begun to print its result.
    pub(crate) at_work: bool,
}

/// The ways that are possible here.
pub(crate) struct Weapons {
    can_trace: bool,
}

impl Weapons {
    /// # Panics
    /// When `strace` is missing. Where it is there and the system forbids tracing, the other ways remain.
    pub(crate) fn tried() -> Self {
        let mut strace = Command::new("strace");
        let status = strace.args(["-f", "-qq", "-e", "trace=none", "true"]).stderr(Stdio::null()).status();
        let status = status.unwrap_or_else(|error| {
            panic!(
                "strace cannot be run ({error}); it is in the Debian package strace, which ./test.sh installs"
            )
        });
        if !status.success() {
            eprintln!("this system forbids tracing: no program is killed at a chosen system call");
        }
        Self { can_trace: status.success() }
    }

    pub(crate) fn ways(&self) -> &'static [Way] {
        if self.can_trace { &[Way::SystemCall, Way::Apdu, Way::Time] } else { &[Way::Apdu, Way::Time] }
    }

    /// Runs the verb undisturbed, in a place of its own each time.
    pub(crate) fn measure(&self, verb: &Verb, template: &Template) -> Measured {
        let once = || {
            let place = template.place(verb.start);
            let started = Instant::now();
            place.run(verb.line).exits(verb.exit);
            started.elapsed()
        };
        // The shortest: after a longer one, on a busy machine, most programs would be done.
        let time = (0..3).map(|_| once()).min().unwrap_or_default();
        let place = template.place(verb.start);
        place.run(&format!("{} --apdu-log log", verb.line)).exits(verb.exit);
        let apdus = lines(&place, "log");
        let calls = if self.can_trace { traced_calls(&template.place(verb.start), verb) } else { Vec::new() };
        Measured { calls, apdus, time }
    }

    /// Kills the verb once.
    pub(crate) fn strike(
        &self,
        place: &Place,
        verb: &Verb,
        way: Way,
        measured: &Measured,
        random: &mut Random,
    ) -> Blow {
        match way {
            Way::SystemCall => {
                let call = random.choose(&measured.calls);
                let status = place.spawn_traced(verb, Some(call)).wait().expect("strace ends");
                let ended = status.signal() != Some(KILL);
                let trace = fs::read_to_string(place.path("trace")).expect("the trace");
                let prints = |line: &str| {
                    let call = line.split_whitespace().nth(1).unwrap_or_default();
                    ["write(1,", "write(2,", "writev(1,", "writev(2,"].contains(&call)
                };
                let at_work = !trace.lines().any(prints);
                Blow { at: format!("{} number {}", call.0, call.1), ended, at_work }
            }
            Way::Apdu if measured.apdus > 0 => after_an_apdu(place, verb, measured, random),
            Way::Apdu | Way::Time => at_a_time(place, verb, measured, random),
        }
    }
}

/// Runs the verb undisturbed and notes its system calls. `strace` counts each name by itself.
fn traced_calls(place: &Place, verb: &Verb) -> Vec<(String, u64)> {
    place.spawn_traced(verb, None).wait().expect("strace ends");
    let trace = fs::read_to_string(place.path("trace")).expect("the trace");
    let mut calls: Vec<(String, u64)> = Vec::new();
    for name in trace.lines().filter_map(|line| line.split_whitespace().nth(1)?.split_once('(')) {
        let before = calls.iter().filter(|(known, _)| known == name.0).count() as u64;
        calls.push((name.0.to_owned(), before + 1));
    }
    assert!(!calls.is_empty(), "no system call in\n{trace}");
    calls
}

/// Waits for a line of the APDU log, then a part of the time between two of them.
fn after_an_apdu(place: &Place, verb: &Verb, measured: &Measured, random: &mut Random) -> Blow {
    let (number, part) = (1 + random.below(measured.apdus), random.fraction());
    let gap = measured.time / u32::try_from(measured.apdus).unwrap_or(u32::MAX);
    let log = place.path("log");
    let _ = fs::remove_file(&log);
    let made = Command::new("mkfifo").arg(&log).status().expect("mkfifo, of the Debian package coreutils");
    assert!(made.success(), "no pipe for the APDU log");
    let mut child = place.spawn(&format!("{} --apdu-log log", verb.line));
    let lines = BufReader::new(fs::File::open(&log).expect("the pipe")).lines();
    let seen = lines.take(number as usize).filter(Result::is_ok).count() as u64;
    spend(gap.mul_f64(part));
    let ended = end(&mut child);
    let _ = fs::remove_file(&log);
    Blow {
        at: format!("{part:.2} of a gap after APDU {number} of {}", measured.apdus),
        ended,
        at_work: seen > 0 && !has_printed(place),
    }
}

fn at_a_time(place: &Place, verb: &Verb, measured: &Measured, random: &mut Random) -> Blow {
    let part = random.fraction();
    let _ = fs::remove_file(place.path("log"));
    let mut child = place.spawn(&format!("{} --apdu-log log", verb.line));
    spend(measured.time.mul_f64(part));
    let ended = end(&mut child);
    // Of a verb without APDUs nobody knows how far it was.
    let at_work = lines(place, "log") > 0 && !has_printed(place);
    Blow { at: format!("{part:.2} of {:?}", measured.time), ended, at_work }
}

/// Kills; had it ended before?
fn end(child: &mut Child) -> bool {
    let ended = child.try_wait().expect("its status").is_some();
    // One that is gone already cannot be killed.
    let _ = child.kill();
    ended | (child.wait().expect("its end").signal() != Some(KILL))
}

/// The moment of a kill is a length of time: this is no wait for something to happen.
fn spend(time: Duration) {
    let started = Instant::now();
    while started.elapsed() < time {
        std::thread::sleep(Duration::from_micros(50).min(time));
    }
}

fn has_printed(place: &Place) -> bool {
    fs::metadata(place.path("printed")).is_ok_and(|file| file.len() > 0)
}

fn lines(place: &Place, file: &str) -> u64 {
    fs::read(place.path(file)).map_or(0, |text| text.iter().filter(|byte| **byte == b'\n').count() as u64)
}

impl Place {
    fn spawn(&self, line: &str) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardmod"));
        command.args(words(line));
        self.start(&mut command)
    }

    /// Under `strace`; with a call, killed at entry into it.
    fn spawn_traced(&self, verb: &Verb, call: Option<&(String, u64)>) -> Child {
        let mut command = Command::new("strace");
        command.args(["-f", "-qq", "-o", "trace", "-e", &format!("trace={CHANGES}")]);
        if let Some((name, number)) = call {
            command.args(["-e", &format!("inject={name}:signal=KILL:when={number}")]);
        }
        command.arg(env!("CARGO_BIN_EXE_cardmod")).args(words(verb.line));
        self.start(&mut command)
    }

    fn start(&self, command: &mut Command) -> Child {
        self.furnish(command);
        let printed = fs::File::create(self.path("printed")).expect("a file");
        let errors = printed.try_clone().expect("the same file");
        command.stdout(printed).stderr(errors).spawn().expect("the program starts")
    }
}

impl fmt::Display for Blow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", if self.ended { "missed" } else { "killed" }, self.at)
    }
}
