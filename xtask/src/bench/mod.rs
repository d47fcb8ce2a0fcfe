//! `cargo xtask bench`: what signatures, lists and `cardmod info` cost, beside peers in the same run, as the
//! tables of `docs/benchmarks.md`.
//!
//! `cargo xtask bench overhead info` runs the named parts; `--figure FILE` also draws how costs grow. The
//! figures of the memory callbacks and of APDUs have commands of their own. Nothing is asserted here.

mod figure;
mod info;
mod measures;
mod peer;
mod table;

use std::path::PathBuf;

/// A part of the page.
struct Part {
    name: &'static str,
    title: &'static str,
    run: fn(Option<&PathBuf>) -> Result<String, String>,
}

const PARTS: &[Part] = &[
    Part {
        name: "overhead",
        title: "What host and module add to a signature",
        run: |_| measures::overhead(),
    },
    Part { name: "throughput", title: "Signatures per second", run: |_| measures::throughput() },
    Part { name: "growth", title: "More containers, more contexts", run: measures::growth },
    Part { name: "info", title: "A new process: cardmod info", run: |_| info::run() },
];

/// Runs the verb.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    let (names, figure) = parse(arguments)?;
    for part in PARTS.iter().filter(|part| names.is_empty() || names.iter().any(|name| name == part.name)) {
        println!("## {}\n\n{}", part.title, (part.run)(figure.as_ref())?);
    }
    Ok(())
}

/// The parts wanted, and where the figure goes.
fn parse(arguments: &[String]) -> Result<(Vec<String>, Option<PathBuf>), String> {
    let (mut names, mut figure) = (Vec::new(), None);
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--figure" {
            figure = Some(PathBuf::from(arguments.next().ok_or("--figure wants a file")?));
        } else if PARTS.iter().any(|part| part.name == argument) {
            names.push(argument.clone());
        } else {
            let known: Vec<_> = PARTS.iter().map(|part| part.name).collect();
            return Err(format!("there is no part {argument}; known are {}", known.join(", ")));
        }
    }
    Ok((names, figure))
}

/// Where cargo puts what it builds.
fn target() -> Result<PathBuf, String> {
    let metadata =
        cargo_metadata::MetadataCommand::new().current_dir(crate::workspace_root()).no_deps().exec();
    metadata.map(|metadata| metadata.target_directory.into()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn parts_and_the_figure_are_told_apart() {
        let (names, figure) = parse(&words("growth --figure a.svg info")).unwrap();
        assert_eq!((names, figure), (words("growth info"), Some(PathBuf::from("a.svg"))));
        assert_eq!(parse(&[]).unwrap(), (Vec::new(), None));
        assert!(parse(&words("other")).unwrap_err().contains("overhead"));
        assert!(parse(&words("--figure")).is_err());
    }
}
