//! Files are short, and each Rust file begins by saying what it is.

use super::Report;
use super::tree::{SourceFile, Tree};

/// The most lines of a file that people write.
const MAX_LINES: usize = 800;

/// Files that may be longer: path, ceiling, reason.
const EXCEPTIONS: &[(&str, usize, &str)] = &[(
    "crates/sys/include/cardmod.h",
    1_400,
    "generated from the crate as one header, which a test compares",
)];

/// What people write; tables and fixtures may be as long as they are.
const WRITTEN: &[&str] = &["rs", "toml", "md", "sh", "c", "h", "py", "yml", "yaml"];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for file in tree.files() {
        let extension = file.path.rsplit_once('.').map_or("", |(_, extension)| extension);
        if WRITTEN.contains(&extension) {
            check_length(file, report);
        }
        if file.is_rust() && !file.text.starts_with("//!") {
            report.violation(&file.path, 1, "does not begin with a //! line that says what it is");
        }
    }
    for (path, _, _) in EXCEPTIONS.iter().filter(|(path, _, _)| tree.file(path).is_none()) {
        report.violation(path, 1, "has an exception for its length but does not exist");
    }
}

fn check_length(file: &SourceFile, report: &mut Report) {
    let lines = file.text.lines().count();
    let exception = EXCEPTIONS.iter().find(|(path, _, _)| *path == file.path);
    let ceiling = exception.map_or(MAX_LINES, |(_, ceiling, _)| *ceiling);
    if lines > ceiling {
        report.violation(&file.path, ceiling + 1, format!("has {lines} lines, more than {ceiling}"));
    } else if exception.is_some() && lines <= MAX_LINES {
        report.violation(&file.path, 1, "no longer needs its exception for length");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_beyond_the_ceiling_is_named() {
        let check = |lines: usize| {
            let mut report = Report::default();
            let file = SourceFile { path: "x.rs".to_owned(), text: "a\n".repeat(lines) };
            check_length(&file, &mut report);
            report.violations
        };
        assert!(check(800).is_empty());
        assert_eq!(check(801), ["x.rs:801: has 801 lines, more than 800"]);
    }
}
