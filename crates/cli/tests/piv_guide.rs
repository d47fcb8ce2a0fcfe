//! The guide for PIV cards, docs/piv.md: every command in it is run as it stands, and answers what it shows.
#![forbid(unsafe_code)]

mod common;

use std::path::Path;

use common::Home;

const GUIDE: &str = include_str!("../../../docs/piv.md");

/// A command of the guide and the lines it shows.
struct Step<'a> {
    command: &'a str,
    shown: Vec<&'a str>,
}

fn steps() -> Vec<Step<'static>> {
    let mut steps: Vec<Step<'static>> = Vec::new();
    for block in GUIDE.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").expect("a closed block");
        for line in block.lines() {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step { command, shown: Vec::new() }),
                (None, Some(step)) => step.shown.push(line),
                (None, None) => panic!("output without a command: {line}"),
            }
        }
    }
    steps
}

/// Whether a line is the one shown: `…` stands for anything, blanks at the end do not count.
fn is_shown(line: &str, shown: &str) -> bool {
    let mut parts = shown.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.trim_end().strip_prefix(first) else { return false };
    let mut whole = false;
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
        whole = part.is_empty();
    }
    whole || rest.is_empty()
}

#[test]
#[cfg_attr(windows, ignore = "the guide is for a Unix shell")]
fn every_command_of_the_guide_answers_what_it_shows() {
    let home = Home::new();
    let program = Path::new(env!("CARGO_BIN_EXE_cardmod")).parent().expect("a folder");
    let steps = steps();
    assert!(steps.len() > 40, "{} commands", steps.len());
    // What is exported holds for the commands that follow, as in one shell.
    let mut exports = format!("export CARDMOD_PCSC_SYSTEM=none PATH={}:$PATH\n", program.display());
    for Step { command, shown } in steps {
        if command.starts_with("export ") {
            exports += &format!("{command}\n");
            continue;
        }
        let fails = shown.first().is_some_and(|line| line.starts_with("cardmod: "));
        let outcome = home.shell(&format!("{exports}{command}"));
        assert_eq!(outcome.status != Some(0), fails, "{command}\n{outcome}");
        let said = format!("{}\n{}", outcome.text(), outcome.stderr);
        for line in shown {
            assert!(
                said.lines().any(|said| is_shown(said, line)),
                "{command}\ndoes not say {line:?}\n{outcome}"
            );
        }
    }
}

#[test]
fn lines_are_compared_as_the_guide_means_it() {
    assert!(is_shown("PUK             12345678", "PUK             …"));
    assert!(is_shown("wrong; 4 tries left", "…; 4 tries left"));
    assert!(!is_shown("wrong; 4 tries left (card)", "…; 4 tries left"));
    assert!(!is_shown("the PIN is changed", "the PIN"));
}
