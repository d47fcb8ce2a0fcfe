//! `cargo xtask ci`: what a change must pass, step by step, ending at the first failure.
//!
//! `cargo xtask ci` runs all steps, `cargo xtask ci fmt tidy` the named ones, `cargo xtask ci --list`
//! shows them.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// A step: its name, what it shows, and the function that does it.
struct Step {
    name: &'static str,
    shows: &'static str,
    run: fn() -> Outcome,
}

/// How a step ended.
enum Outcome {
    Passed,
    /// It could not be tried here, and why.
    Skipped(String),
    Failed(String),
}

const STEPS: &[Step] = &[
    Step { name: "fmt", shows: "the code is formatted", run: || cargo(&["fmt", "--all", "--check"]) },
    Step { name: "tidy", shows: "the rules of the house hold", run: tidy },
    Step { name: "clippy", shows: "no lint complains", run: clippy },
    // also the shared objects, which tests load from beside themselves
    Step { name: "build", shows: "everything builds", run: || cargo(&["build", "--workspace"]) },
    Step { name: "test", shows: "every test passes", run: test },
    Step { name: "pcsclite", shows: "virtual readers answer as pcsc-lite does", run: pcsclite },
    Step {
        name: "doctest",
        shows: "the examples in the docs run",
        run: || cargo(&["test", "--workspace", "--doc"]),
    },
    Step { name: "doc", shows: "the docs build without a warning", run: doc },
    Step {
        name: "try",
        shows: "the first command of the README works",
        run: || cargo(&["run", "--release", "--", "try"]),
    },
    Step {
        name: "apdus",
        shows: "ours beside OpenSC's and ykcs11's, counted on one card in one run",
        run: apdus,
    },
    Step { name: "windows", shows: "the Windows programs and libraries under Wine", run: windows },
    Step { name: "miri", shows: "no undefined behaviour at the walls", run: miri },
    Step { name: "deny", shows: "licences, duplicates and origins of dependencies", run: deny },
    Step { name: "advisories", shows: "no dependency has a known hole", run: advisories },
];

/// Runs the steps named, or all.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if arguments == ["--list"] {
        STEPS.iter().for_each(|step| println!("{:10} {}", step.name, step.shows));
        return Ok(());
    }
    if let Some(unknown) = arguments.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        return Err(format!("there is no step {unknown}; --list shows them"));
    }
    let wanted = |step: &&Step| arguments.is_empty() || arguments.iter().any(|name| name == step.name);
    let steps: Vec<&Step> = STEPS.iter().filter(wanted).collect();
    let mut summary = Vec::new();
    let result = run_steps(&steps, &mut summary);
    println!("\n== summary");
    summary.iter().for_each(|line| println!("{line}"));
    result
}

fn run_steps(steps: &[&Step], summary: &mut Vec<String>) -> Result<(), String> {
    let started = Instant::now();
    for (number, step) in (1..).zip(steps) {
        println!("\n== {number}/{} {}: {}", steps.len(), step.name, step.shows);
        let step_started = Instant::now();
        let outcome = (step.run)();
        let took = seconds(step_started.elapsed());
        match outcome {
            Outcome::Passed => summary.push(format!("passed   {:10} {took}", step.name)),
            Outcome::Skipped(reason) => {
                println!("skipped: {reason}");
                summary.push(format!("skipped  {:10} {took}  {reason}", step.name));
            }
            Outcome::Failed(reason) => {
                summary.push(format!("FAILED   {:10} {took}  {reason}", step.name));
                return Err(format!("step {} failed: {reason}", step.name));
            }
        }
    }
    summary.push(format!("all green after {}", seconds(started.elapsed())));
    Ok(())
}

fn tidy() -> Outcome {
    match crate::tidy::run(&[]) {
        Ok(()) => Outcome::Passed,
        Err(reason) => Outcome::Failed(reason),
    }
}

fn clippy() -> Outcome {
    cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

/// With nextest where it is installed; both run every test.
fn test() -> Outcome {
    if has_subcommand("nextest") {
        cargo(&["nextest", "run", "--workspace", "--no-fail-fast"])
    } else {
        println!("cargo-nextest is not installed; using cargo test");
        cargo(&["test", "--workspace", "--lib", "--bins", "--tests", "--examples", "--no-fail-fast"])
    }
}

/// One transcript of calls, through the real library and through ours. It needs root for the name
/// spaces in which pcscd runs, so it is not among the ordinary tests.
fn pcsclite() -> Outcome {
    const TEST: &str = "answers_are_those_of_pcsc_lite";
    cargo(&["test", "--package", "cardmod-winscard", "--test", "pcscd", "--", "--ignored", "--exact", TEST])
}

/// The short form of `cargo xtask windows`.
fn windows() -> Outcome {
    match crate::windows::quick() {
        Ok(()) => Outcome::Passed,
        Err(crate::windows::Failure::CannotBeTried(reason)) => Outcome::Skipped(reason),
        Err(crate::windows::Failure::Failed(reason)) => Outcome::Failed(reason),
    }
}

/// The short form: the memory lent to modules and the pointers of the SDK. `cargo +nightly miri test`
/// on the other boundary tests takes longer.
fn miri() -> Outcome {
    let mut version = nightly();
    let version = version.args(["miri", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    if !version.status().is_ok_and(|status| status.success()) {
        return Outcome::Skipped("there is no nightly toolchain with Miri".to_owned());
    }
    let mut command = nightly();
    // integers are turned into pointers where C hands out addresses; lines of logs tell the time
    command.env("MIRIFLAGS", "-Zmiri-permissive-provenance -Zmiri-disable-isolation");
    run_command(command.args(["miri", "test", "-p", "cardmod-heap", "-p", "cardmod-sdk", "--lib"]))
}

/// The nightly cargo. This program runs under a stable one, whose choices would be inherited.
pub(crate) fn nightly() -> Command {
    let mut command = Command::new("cargo");
    command.arg("+nightly").current_dir(crate::workspace_root());
    for name in ["CARGO", "RUSTUP_TOOLCHAIN", "RUSTC", "RUSTDOC"] {
        command.env_remove(name);
    }
    command
}

fn doc() -> Outcome {
    run_command(crate::cargo().args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The table is printed for the reader; what must hold is asserted by tests.
fn apdus() -> Outcome {
    match crate::apdus::check() {
        Ok(None) => Outcome::Passed,
        Ok(Some(missing)) => Outcome::Skipped(missing),
        Err(reason) => Outcome::Failed(reason),
    }
}

fn deny() -> Outcome {
    if !has_subcommand("deny") {
        return Outcome::Skipped("cargo-deny is not installed".to_owned());
    }
    cargo(&["deny", "check", "bans", "licenses", "sources"])
}

/// Needs the advisory database, which not every machine can fetch.
fn advisories() -> Outcome {
    if !has_subcommand("deny") {
        return Outcome::Skipped("cargo-deny is not installed".to_owned());
    }
    let fetched =
        crate::cargo().args(["deny", "fetch", "db"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !fetched.is_ok_and(|status| status.success()) {
        return Outcome::Skipped("the advisory database cannot be fetched from here".to_owned());
    }
    cargo(&["deny", "check", "--disable-fetch", "advisories"])
}

fn cargo(arguments: &[&str]) -> Outcome {
    run_command(crate::cargo().args(arguments))
}

fn run_command(command: &mut Command) -> Outcome {
    match command.status() {
        Ok(status) if status.success() => Outcome::Passed,
        Ok(status) => Outcome::Failed(status.to_string()),
        Err(cause) => Outcome::Failed(cause.to_string()),
    }
}

fn has_subcommand(name: &str) -> bool {
    let version =
        crate::cargo().args([name, "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    version.is_ok_and(|status| status.success())
}

fn seconds(duration: Duration) -> String {
    format!("{:7.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(name: &'static str, run: fn() -> Outcome) -> Step {
        Step { name, shows: "", run }
    }

    #[test]
    fn the_first_failure_ends_the_run() {
        let pass = step("one", || Outcome::Passed);
        let fail = step("two", || Outcome::Failed("because".to_owned()));
        let mut summary = Vec::new();
        let result = run_steps(&[&pass, &fail, &pass], &mut summary);
        assert_eq!(result, Err("step two failed: because".to_owned()));
        assert_eq!(summary.len(), 2);
        assert!(summary[1].starts_with("FAILED   two"), "{summary:?}");
    }

    #[test]
    fn what_is_skipped_says_why() {
        let skip = step("one", || Outcome::Skipped("not here".to_owned()));
        let mut summary = Vec::new();
        assert_eq!(run_steps(&[&skip], &mut summary), Ok(()));
        assert!(summary[0].starts_with("skipped  one") && summary[0].ends_with("not here"), "{summary:?}");
        assert!(summary[1].starts_with("all green after"), "{summary:?}");
    }

    #[test]
    fn unknown_steps_are_refused() {
        assert!(run(&["no-such-step".to_owned()]).is_err());
    }
}
