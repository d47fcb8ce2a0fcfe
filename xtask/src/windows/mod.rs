//! `cargo xtask windows`: the Windows leg. It sets up what Debian and Rust need to build for Windows,
//! builds, looks at what was built, and runs the tests under Wine. Results are in `target/windows/`.

mod artefacts;
mod bindings;
mod build;
mod limited;
mod options;
mod other_checks;
mod outcome;
mod packages;
mod portable;
mod reproducible;
mod standard;
mod suite;
mod target;
mod toolchain;
mod wine;

use std::time::Instant;

use build::{Builder, Packages, Profile};
use options::Job;
use outcome::{Result, both};
use target::Target;

pub(crate) use outcome::Failure;

/// The verb.
pub(crate) fn run(arguments: &[String]) -> std::result::Result<(), String> {
    let job = options::parse(arguments)?;
    perform(job).map_err(|failure| failure.to_string())
}

/// The short form, for `cargo xtask ci`.
pub(crate) fn quick() -> Result<()> {
    perform(Job::Quick)
}

fn perform(job: Job) -> Result<()> {
    match job {
        Job::Help => println!("{}", options::USAGE),
        Job::SetUp => drop(set_up(Target::X86_64)?),
        Job::Environment => print_environment(&set_up(Target::X86_64)?),
        Job::Full => full()?,
        Job::Quick => short()?,
        Job::Tests(packages, filter) => {
            let builder = set_up(Target::X86_64)?;
            builder.tests(&packages)?;
            let _server = wine::Server::start()?;
            suite::run_tests(&builder, &packages, filter.as_deref())?;
        }
        Job::I686 => drop(install_files(Target::I686)?),
        Job::Msvc => other_checks::msvc()?,
        Job::Clippy => other_checks::clippy(&set_up(Target::X86_64)?)?,
        Job::Reproducible => reproducible::check(&install_files(Target::X86_64)?)?,
    }
    Ok(())
}

/// All of it: what people install, and every test.
fn full() -> Result<()> {
    // a library for 32-bit programs is among the bad input, and its C compiler looks at the header too
    packages::ensure(packages::COMPILER).and_then(|()| packages::ensure(packages::MINGW_32))?;
    let builder = install_files(Target::X86_64)?;
    timed("building the tests", || builder.tests(&Packages::All))?;
    let _server = wine::Server::start()?;
    timed("the tests", || suite::run_tests(&builder, &Packages::All, None))?;
    let folder = target::home().join(builder.target.folder());
    timed("the programs, from Linux", || suite::drive_from_linux(&folder, None))
}

/// What every change must pass, within minutes from nothing.
fn short() -> Result<()> {
    let builder = timed("set-up", || set_up(Target::X86_64))?;
    timed("building", || builder.chosen(suite::CHOSEN))?;
    let folder = target::home().join("quick").join(builder.target.folder());
    artefacts::gather(&builder, Profile::Windows, &folder)?;
    let _server = wine::Server::start()?;
    timed("the tests", || suite::run_chosen(&builder))?;
    timed("the programs, from Linux", || suite::drive_from_linux(&folder, Some(suite::CHOSEN_FROM_LINUX)))
}

/// The files of `target/windows/<architecture>`.
fn install_files(target: Target) -> Result<Builder> {
    let builder = timed("set-up", || set_up(target))?;
    timed("building what people install", || builder.artefacts(Profile::Release))?;
    let folder = target::home().join(target.folder());
    artefacts::gather(&builder, Profile::Release, &folder)?;
    println!("{} is complete", folder.display());
    Ok(builder)
}

fn timed<T>(what: &str, part: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("-- {what}");
    let started = Instant::now();
    let result = part();
    println!("-- {what}: {:.1} s", started.elapsed().as_secs_f64());
    result
}

/// Everything that must be there before the first build. Wine and the standard library do not need each
/// other, and so do not wait for each other.
fn set_up(target: Target) -> Result<Builder> {
    packages::ensure(packages::COMPILER)?;
    if target == Target::I686 {
        packages::ensure(packages::MINGW_32)?;
        packages::ensure(bindings::PACKAGES)?;
        bindings::ensure()?;
    }
    let (library, prefix) = std::thread::scope(|scope| {
        let prefix = scope.spawn(|| packages::ensure(packages::WINE).and_then(|()| wine::ensure_prefix()));
        let library = toolchain::fetch(target).and_then(|()| standard::ensure(target));
        let prefix = prefix.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (library, prefix)
    });
    both(library.as_ref().map(drop).map_err(Clone::clone), prefix)?;
    Ok(Builder::new(target, library?))
}

fn print_environment(builder: &Builder) {
    println!("export CARGO=/usr/bin/cargo RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc");
    for (name, value) in builder.environment() {
        println!("export {name}=$'{}'", value.replace('\'', "\\'").replace('\u{1f}', "\\x1f"));
    }
    for (name, value) in wine::settings() {
        println!("export {name}='{}'", value.display());
    }
    println!("unset DISPLAY RUSTUP_TOOLCHAIN RUSTFLAGS");
}
