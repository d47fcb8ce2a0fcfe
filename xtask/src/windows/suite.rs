//! The tests: those of the crates under Wine, and those that drive the Windows programs from Linux.

use std::path::Path;
use std::process::Command;

use super::build::{Builder, INSTALLED, Packages, Profile};
use super::outcome::{Failure, Result, output, run};
use super::{toolchain, wine};

/// A test program: its package, and its name or none for the library's own tests.
pub(crate) type Chosen = (&'static str, Option<&'static str>);

/// What the short form runs: where Windows is another world than Linux. Files, locks and privacy of the
/// virtual cards; libraries that are loaded, the registry, the module through its C functions, paths. What is
/// arithmetic and parsing runs the same code on Linux.
pub(crate) const CHOSEN: &[Chosen] = &[
    ("cardmod-sys", None),
    ("cardmod-pcsc", None),
    ("cardmod-sdk", None),
    ("cardmod-virtual", None),
    ("cardmod-winscard", None),
    ("cardmod-host", None),
    ("cardmod-class", Some("c_table_files")),
    ("cardmod-virtual", Some("sharing")),
];

/// Which of the tests that drive the programs belong to the short form: the same transcript and signatures as on
/// Linux, and bad input.
pub(crate) const CHOSEN_FROM_LINUX: &[&str] = &[
    "transcript::",
    "gids::",
    "modules::",
    "names::",
    "paths::",
    "registration::",
    "c_host::every_function_is_walked",
    "c_host::nothing_is_written_beyond_the_version_asked_for",
    "c_host::a_context_is_deleted_after_the_end_was_announced",
    "c_host::contexts_that_nobody_deleted_go_with_the_library",
    "c_host::a_process_ends_with_a_call_running",
];

/// Runs the tests of `packages`, all or those of nextest's filter expression.
pub(crate) fn run_tests(builder: &Builder, packages: &Packages, filter: Option<&str>) -> Result<()> {
    let mut command = runner(builder, filter);
    packages.name_to(&mut command);
    command.args(["--bins", "--tests"]);
    run("the tests under Wine", &mut command)
}

/// Runs what the short form runs.
pub(crate) fn run_chosen(builder: &Builder) -> Result<()> {
    let mut command = runner(builder, None);
    name_chosen(CHOSEN, &mut command);
    run("the tests under Wine", &mut command)
}

/// Names packages and test programs to cargo or nextest. The packages are always the same ones, those of the
/// program and the libraries among them: another selection has other features, and is built all over again.
pub(crate) fn name_chosen(chosen: &[Chosen], command: &mut Command) {
    let mut packages: Vec<&str> = INSTALLED.to_vec();
    packages.extend(chosen.iter().map(|(package, _)| *package));
    packages.sort_unstable();
    packages.dedup();
    packages.iter().for_each(|package| _ = command.args(["-p", package]));
    command.arg("--lib");
    for name in chosen.iter().filter_map(|(_, name)| *name) {
        command.args(["--test", name]);
    }
}

/// The tests of `interop` that drive the Windows programs of `folder`: all, or those of some names.
pub(crate) fn drive_from_linux(folder: &Path, filters: Option<&[&str]>) -> Result<()> {
    // beside them runs the Linux program, whose answers are the expected ones
    run("the program for Linux", crate::cargo().args(["build", "--workspace"]))?;
    let filters = filters.unwrap_or_default();
    let known = output("the tests of the Windows programs", driving(&[]).arg("--list"))?;
    if let Some(none) = filters.iter().find(|filter| !known.contains(*filter)) {
        return Err(Failure::Failed(format!("no test of the Windows programs is named {none}")));
    }
    let mut command = driving(filters);
    command.env("CARDMOD_WINDOWS_DIR", folder).env_remove("DISPLAY").envs(wine::settings());
    run("the tests of the Windows programs", &mut command)
}

/// The whole workspace, so that what `cargo xtask ci` built before is what is needed here.
fn driving(filters: &[&str]) -> Command {
    let mut command = crate::cargo();
    command.args(["test", "--workspace", "--test", "windows", "--", "--ignored"]).args(filters);
    command
}

/// What runs test programs, without the packages and programs to run.
fn runner(builder: &Builder, filter: Option<&str>) -> Command {
    let mut command = match nextest() {
        Some(nextest) => with_nextest(nextest, filter),
        None => without_nextest(builder),
    };
    command.args(["--locked", "--no-fail-fast", "--target", builder.target.triple(), "--target-dir"]);
    command.arg(&builder.folder).envs(builder.environment()).envs(wine::settings());
    command
}

/// `.config/nextest.toml` says how long a test may take there.
fn with_nextest(nextest: Command, filter: Option<&str>) -> Command {
    let mut command = toolchain::with_compiler(nextest);
    command.args(["nextest", "run", "--profile", "windows", "--cargo-profile", Profile::Windows.name()]);
    if let Some(filter) = filter {
        command.args(["--filterset", filter]);
    }
    command
}

/// Without nextest every test runs, whatever the filter.
fn without_nextest(builder: &Builder) -> Command {
    println!("cargo-nextest is not installed; using cargo test, which knows no filter expressions");
    let mut command = toolchain::cargo();
    command.current_dir(&builder.workspace);
    command.args(["test", "--profile", Profile::Windows.name()]);
    command
}

/// cargo-nextest from PATH or where `test.sh` puts it.
fn nextest() -> Option<Command> {
    let own = crate::workspace_root().join("target/tools/bin/cargo-nextest");
    ["cargo-nextest".into(), own].into_iter().find_map(|program| {
        let version = Command::new(&program).args(["nextest", "--version"]).output();
        version.is_ok_and(|version| version.status.success()).then(|| Command::new(program))
    })
}
