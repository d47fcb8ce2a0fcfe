//! `cargo xtask fuzz [SECONDS] [TARGET…]`: libFuzzer over the targets of `cardmod-fuzz`, one after the other.
//!
//! It needs a nightly toolchain, `cargo-fuzz` and a C++ compiler. The short form, which needs none of them, is
//! among the ordinary tests: `cargo test -p cardmod-fuzz`.

use std::path::Path;
use std::process::Command;

/// Seconds for each target when no number is given.
const SECONDS: &str = "60";
/// Longest input; what cards and files of this project hold.
const MAX_LEN: u32 = 8192;

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (seconds, wanted) = match arguments.split_first() {
        Some((first, rest)) if first.parse::<u32>().is_ok() => (first.as_str(), rest),
        _ => (SECONDS, arguments),
    };
    let root = crate::workspace_root();
    let seeds = root.join("target/fuzz/corpus");
    write_seeds(&seeds)?;
    let targets = names(&seeds)?;
    if let Some(unknown) = wanted.iter().find(|name| !targets.contains(name)) {
        return Err(format!("there is no target {unknown}; there are {}", targets.join(", ")));
    }
    for target in targets.iter().filter(|name| wanted.is_empty() || wanted.contains(name)) {
        println!("\n== {target}, {seconds} s");
        fuzz(&root, &seeds.join(target), target, seconds)?;
    }
    Ok(())
}

/// The seeds where libFuzzer adds to them; what is kept in the repository are finds alone.
fn write_seeds(to: &Path) -> Result<(), String> {
    const TEST: &str = "seeds_are_written_where_they_are_wanted";
    let mut test = crate::cargo();
    test.args(["test", "--quiet", "--package", "cardmod-fuzz", "--test", "corpus", "--"]);
    run_to_end(test.args(["--ignored", "--exact", TEST]).env("CARDMOD_FUZZ_SEEDS", to))
}

fn names(seeds: &Path) -> Result<Vec<String>, String> {
    let entries = std::fs::read_dir(seeds).map_err(|cause| format!("{}: {cause}", seeds.display()))?;
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

fn fuzz(root: &Path, corpus: &Path, target: &str, seconds: &str) -> Result<(), String> {
    let folder = root.join("crates/fuzz");
    let finds = folder.join("corpus").join(target);
    std::fs::create_dir_all(&finds).map_err(|cause| format!("{}: {cause}", finds.display()))?;
    let mut command = crate::ci::nightly();
    command.args(["fuzz", "run", "--fuzz-dir"]).arg(folder.join("libfuzzer")).arg("any");
    command.args([corpus, finds.as_path()]);
    command.arg("--").arg(format!("-max_total_time={seconds}")).arg(format!("-max_len={MAX_LEN}"));
    command.arg(format!("-artifact_prefix={}/", finds.display()));
    command.env("CARDMOD_FUZZ_TARGET", target).env("CARGO_TARGET_DIR", root.join("target/fuzz/build"));
    let result = run_to_end(&mut command);
    // A folder without finds stays out of the tree.
    drop(std::fs::remove_dir(&finds));
    result.map_err(|problem| format!("{target}: {problem}; a find lies in {}", finds.display()))
}

fn run_to_end(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|cause| cause.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("ended with {status}")) }
}
