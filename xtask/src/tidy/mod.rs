//! `cargo xtask tidy`: the rules of the house that no compiler checks.
//!
//! Each rule is a file here, with a function that looks at the tree and reports violations. A rule's
//! exceptions are data at the top of its file, each with its reason, and an exception that is no
//! longer needed is a violation itself.

mod architecture;
mod edges;
mod functions;
mod length;
mod manifests;
mod text;
mod tree;
mod unsafety;

use tree::Tree;

/// Checks the whole tree and prints a line for each violation.
pub(crate) fn run(arguments: &[String]) -> Result<(), String> {
    if let Some(unknown) = arguments.first() {
        return Err(format!("unknown argument {unknown}"));
    }
    let tree = Tree::load(&crate::workspace_root())?;
    let mut report = Report::default();
    length::check(&tree, &mut report);
    let functions = functions::check(&tree, &mut report);
    unsafety::check(&tree, &mut report);
    text::check(&tree, &mut report);
    manifests::check(&tree, &mut report);
    edges::check(&tree, &mut report);
    architecture::check(&tree, &mut report);

    report.violations.sort();
    report.notes.iter().for_each(|note| println!("note: {note}"));
    report.violations.iter().for_each(|violation| println!("{violation}"));
    let (files, count) = (tree.files().len(), report.violations.len());
    println!("tidy: {files} files, {functions} functions, {count} violations");
    if count == 0 { Ok(()) } else { Err("the house is not tidy".to_owned()) }
}

/// What the rules found.
#[derive(Default)]
pub(crate) struct Report {
    /// Lines "path:line: what is wrong", ready to print.
    violations: Vec<String>,
    /// What is worth knowing and not wrong.
    notes: Vec<String>,
}

impl Report {
    /// Something is wrong at a line (counted from 1) of a file.
    fn violation(&mut self, path: &str, line: usize, what: impl std::fmt::Display) {
        self.violations.push(format!("{path}:{line}: {what}"));
    }

    /// Something is worth a look, and not wrong.
    fn note(&mut self, path: &str, line: usize, what: impl std::fmt::Display) {
        self.notes.push(format!("{path}:{line}: {what}"));
    }
}
