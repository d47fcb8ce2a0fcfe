//! `cargo xtask`: `ci` is the definition of green, `tidy` keeps the house, `apdus` counts,
//! `fuzz` and `kills` look for what breaks, `bench` measures, `windows` builds and tests for Windows.
//!
//! Each verb is a module with a `run` function; nothing else is here.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // its output is what it is for

mod apdus;
mod bench;
mod ci;
mod fuzz;
mod kills;
mod tidy;
mod windows;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// A verb: what it is called, what it does, and the function that does it.
struct Verb {
    name: &'static str,
    does: &'static str,
    run: fn(&[String]) -> Result<(), String>,
}

const VERBS: &[Verb] = &[
    Verb { name: "apdus", does: "how many APDUs a task costs, beside OpenSC", run: apdus::run },
    Verb {
        name: "bench",
        does: "what signatures, lists and a new process cost, beside peers",
        run: bench::run,
    },
    Verb { name: "ci", does: "everything a change must pass, or the steps named", run: ci::run },
    Verb { name: "fuzz", does: "libFuzzer over every parser and hostile cards", run: fuzz::run },
    Verb { name: "kills", does: "the program killed at thousands of random moments", run: kills::run },
    Verb { name: "tidy", does: "the rules of the house that no compiler checks", run: tidy::run },
    Verb { name: "windows", does: "the Windows leg: set-up, build, tests under Wine", run: windows::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        return usage("a verb is missing");
    };
    let Some(verb) = VERBS.iter().find(|verb| verb.name == name) else {
        return usage(&format!("there is no verb {name}"));
    };
    match (verb.run)(rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask {name}: {message}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("xtask: {problem}\n\nusage: cargo xtask VERB");
    for verb in VERBS {
        eprintln!("  {:7} {}", verb.name, verb.does);
    }
    ExitCode::from(2)
}

/// The workspace's folder: that of this package's parent.
fn workspace_root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().map_or(package.clone(), PathBuf::from)
}

/// The cargo that runs this, in the workspace's folder.
fn cargo() -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(cargo);
    command.current_dir(workspace_root());
    command
}
