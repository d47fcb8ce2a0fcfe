//! The transcript of `cardmod try`: the same on Linux and under Wine, but for paths and times.

use std::path::Path;

use cardmod_interop::class_module;
use serde_json::Value;

use crate::desk::{Desk, program, windows};

/// Where the time stands in a step's line.
const TIME: std::ops::Range<usize> = 46..55;

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_trial_goes_the_same_way() {
    let desk = Desk::new();
    let (linux, wine) = (desk.linux("try").success(), desk.wine("try").success());
    assert_eq!(without_times(&wine.stdout), without_times(&linux.stdout), "{wine}\n{linux}");
    assert_eq!(wine.stderr, linux.stderr, "{wine}\n{linux}");
    assert!(wine.stdout.contains("\nEverything works: "), "{wine}");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn with_the_module_as_a_library_too() {
    let (desk, (library, dll)) = (Desk::new(), modules());
    let (linux, wine) = (
        desk.linux(&format!("try --module {library}")).success(),
        desk.wine(&format!("try --module {dll}")).success(),
    );
    for (outcome, module) in [(&linux, &library), (&wine, &dll)] {
        assert_eq!(outcome.stdout.matches(module.as_str()).count(), 1, "{outcome}");
    }
    let linux_text = without_times(&linux.stdout.replace(&library, "<module>"));
    assert_eq!(without_times(&wine.stdout.replace(&dll, "<module>")), linux_text, "{wine}\n{linux}");
    assert_eq!(wine.stderr, linux.stderr, "{wine}\n{linux}");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_document_of_the_trial_is_the_same() {
    let (desk, (library, dll)) = (Desk::new(), modules());
    for (on_linux, under_wine) in [
        ("try --json".to_owned(), "try --json".to_owned()),
        (format!("try --json --module {library}"), format!("try --json --module {dll}")),
    ] {
        let linux = desk.linux(&on_linux).success();
        let wine = desk.wine(&under_wine).success();
        // As text, where JSON has doubled the backslashes.
        let linux_document = document(&linux.stdout.replace(&library, "<module>"));
        let wine_document = document(&wine.stdout.replace(&dll.replace('\\', "\\\\"), "<module>"));
        assert_eq!(wine_document, linux_document, "{wine}\n{linux}");
        assert_eq!(wine_document["result"], "ok");
    }
}

/// The class module as each program is told of it.
fn modules() -> (String, String) {
    let library = class_module();
    let dll = windows(&program("cardmod_class.dll"));
    (text(&library), dll)
}

fn text(path: &Path) -> String {
    path.to_str().expect("a path of text").to_owned()
}

/// The transcript with every time taken out, which must have stood where it belongs.
#[track_caller]
fn without_times(transcript: &str) -> String {
    assert!(!transcript.contains('\r'), "line ends are those of the transcript: {transcript:?}");
    let mut steps = 0;
    let lines: Vec<String> = transcript
        .lines()
        .map(|line| match (line.split_whitespace().next(), line.strip_suffix('.')) {
            (Some(number), _) if number.parse() == Ok(steps + 1) => {
                steps += 1;
                assert!(is_time(line[TIME].trim()), "no time in {line:?}");
                format!("{}<time>{}", &line[..TIME.start], &line[TIME.end..])
            }
            (Some("Everything"), Some(sum)) => {
                let (sum, time) = sum.rsplit_once(", ").expect("the sum ends with the time");
                assert!(is_time(time), "no time in {line:?}");
                format!("{sum}, <time>.")
            }
            _ => line.to_owned(),
        })
        .collect();
    assert!(steps > 15, "only {steps} steps in\n{transcript}");
    lines.join("\n")
}

/// The document with every time taken out, of which there is one for each step and one for all.
#[track_caller]
fn document(text: &str) -> Value {
    let mut document: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let taken = document.as_object_mut().expect("an object").remove("milliseconds");
    assert!(taken.is_some_and(|time| time.is_number()), "{text}");
    for step in document["steps"].as_array_mut().expect("steps") {
        let taken = step.as_object_mut().expect("a step").remove("milliseconds");
        assert!(taken.is_some_and(|time| time.is_number()), "{step}");
    }
    document
}

/// `1.2 ms` or `3.4 s`.
fn is_time(text: &str) -> bool {
    matches!(text.split_once(' '), Some((number, "ms" | "s")) if number.parse::<f64>().is_ok())
}
