//! `cardmod`: the open smart card minidriver system, from a shell.
//!
//! Who calls it: people and scripts. It reads arguments, files and PINs, calls `cardmod-default`
//! and `cardmod-host`, and prints what they answer.
//!
//! Invariants:
//! - no logic a library user would miss: what a program could want is in `cardmod-host`;
//! - no secret on a command line, in an error or in a log;
//! - results go to standard output, everything else to standard error;
//! - exit codes are the table of `exit.rs`, never reused.
#![forbid(unsafe_code)]

mod args;
mod data;
mod exit;
mod failure;
mod keyfile;
mod log;
mod management;
mod mapping;
mod output;
mod pins;
mod progress;
mod report;
mod secrets;
mod session;
mod terminal;
mod verbs;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    keep_memory_private();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error).into(),
    };
    let out = Output::new(cli.global.json, cli.global.quiet);
    let exit = match log::listen().and_then(|()| verbs::run(&cli, out)) {
        Ok(()) => Exit::Ok,
        Err(failure) => out.failure(&failure),
    };
    exit.into()
}

/// No core dump, and no look into the memory by other processes of the same user: PINs pass through it.
fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        // A kernel that refuses leaves the program as any other is.
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// A command line that does not parse: clap's own words, or a JSON error where `--json` is among
/// the words; `--help` and `--version` come this way too.
fn refused(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        // Help that nobody reads to its end (a closed pipe) is no failure.
        let _ = error.print();
        return Exit::Ok;
    }
    if std::env::args_os().any(|word| word == "--json") {
        let text = error.to_string();
        // The first paragraph: what is missing, and which values there are, stand in its further lines.
        let told: Vec<&str> = text.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
        let message = told.join(" ");
        let message = message.trim_start_matches("error: ");
        return Output::new(true, true).failure(&Failure::usage(message));
    }
    // Nothing can be said where standard error is closed: the exit code tells.
    let _ = error.print();
    Exit::Usage
}
