//! `unsafe` is in the listed files and nowhere else, and each block and implementation says why it
//! is sound.
//!
//! What counts is code, in macros too: blocks, functions, implementations, traits, foreign blocks and
//! unsafe attributes. The type of an unsafe function pointer is no unsafe code.

use std::collections::BTreeSet;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

use super::Report;
use super::tree::{SourceFile, Tree};

/// The files that may contain unsafe code, by crate, from the crate's folder.
const LISTED: &[(&str, &[&str])] = &[
    ("crates/class", &["tests/table/mod.rs"]),
    ("crates/crypto", &["src/ffi.rs", "src/ffi/aead.rs", "src/ffi/curve25519.rs", "src/ffi/numbers.rs"]),
    ("crates/default", &["src/shared.rs"]),
    (
        "crates/heap",
        &[
            "benches/heap.rs",
            "src/arena/lock.rs",
            "src/arena/mod.rs",
            "src/arena/run.rs",
            "src/callbacks.rs",
            "src/pages.rs",
            "src/tests/module.rs",
        ],
    ),
    (
        "crates/host",
        &["src/module/callbacks.rs", "src/module/table.rs", "tests/recovery/wire.rs", "tests/watch.rs"],
    ),
    ("crates/pcsc", &["src/provider.rs", "src/raw.rs", "src/table.rs"]),
    (
        "crates/sdk",
        &[
            "src/boundary.rs",
            "src/boundary/acquire.rs",
            "src/boundary/callbacks.rs",
            "src/boundary/host.rs",
            "src/boundary/key_material.rs",
            "src/boundary/params.rs",
            "src/boundary/structures.rs",
            "src/export.rs",
            "src/log/settings/key.rs",
            "src/log/system/security.rs",
            "src/log/system/unix.rs",
            "src/process/windows.rs",
            "src/process/windows_gnu.rs",
            "src/raw.rs",
            "tests/acquire.rs",
            "tests/common/mod.rs",
            "tests/files.rs",
            "tests/keys.rs",
            "tests/lifecycle.rs",
            "tests/loading.rs",
            "tests/log.rs",
            "tests/pcsc.rs",
        ],
    ),
    (
        "crates/winscard",
        &[
            "src/buffer.rs",
            "src/exports.rs",
            "src/stay.rs",
            "src/windows.rs",
            "tests/c_functions.rs",
            "tests/library.rs",
            "tests/readers.rs",
            "tests/windows.rs",
        ],
    ),
];

/// How far above its block a comment may stand when a statement is spread over lines.
const REACH: usize = 12;

pub(super) fn check(tree: &Tree, report: &mut Report) {
    let listed: BTreeSet<String> = LISTED
        .iter()
        .flat_map(|(folder, files)| files.iter().map(move |file| format!("{folder}/{file}")))
        .collect();
    for file in tree.rust_files() {
        let uses = find(&file.text);
        match (uses.first(), listed.contains(&file.path)) {
            (Some(first), false) => {
                report.violation(&file.path, first.line, "unsafe code in a file that is not listed for it");
            }
            (None, true) => report.violation(&file.path, 1, "is listed for unsafe code and has none"),
            _ => {}
        }
        for found in uses.iter().filter(|found| found.wants_reason && !has_reason(file, found.line)) {
            report.violation(&file.path, found.line, "unsafe without a SAFETY comment");
        }
    }
    for path in listed.iter().filter(|path| tree.file(path).is_none()) {
        report.violation(path, 1, "is listed for unsafe code but does not exist");
    }
    check_roots(tree, &listed, report);
}

/// A crate without unsafe code forbids it, a crate with some denies it outside of its files.
fn check_roots(tree: &Tree, listed: &BTreeSet<String>, report: &mut Report) {
    for package in &tree.metadata().packages {
        let folder = tree.relative(package.manifest_path.parent().unwrap_or(&package.manifest_path));
        let source = format!("{folder}/src/");
        let wanted = if listed.iter().any(|path| path.starts_with(&source)) { "deny" } else { "forbid" };
        let attribute = format!("#![{wanted}(unsafe_code)]");
        for target in package.targets.iter().filter(|target| target.is_lib() || target.is_bin()) {
            let path = tree.relative(&target.src_path);
            if tree.file(&path).is_some_and(|file| !file.text.contains(&attribute)) {
                report.violation(&path, 1, format!("{attribute} is missing"));
            }
        }
    }
}

/// A use of `unsafe`.
#[derive(Debug, PartialEq)]
struct Use {
    line: usize,
    /// A block or implementation: what it relies on has to be said. A function says what it demands
    /// in its documentation, which clippy checks.
    wants_reason: bool,
}

/// All uses in a text, in order; none in what is no Rust (other rules say that).
fn find(text: &str) -> Vec<Use> {
    let mut uses = Vec::new();
    if let Ok(tokens) = text.parse() {
        find_in(tokens, &mut uses);
    }
    uses
}

fn find_in(tokens: TokenStream, uses: &mut Vec<Use>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => find_in(group.stream(), uses),
            TokenTree::Ident(word) if word == "unsafe" => {
                let line = word.span().start().line;
                uses.extend(classify(&tokens[at + 1..]).map(|wants_reason| Use { line, wants_reason }));
            }
            _ => {}
        }
    }
}

/// Whether what follows the word is unsafe code, and if so, whether it wants a reason.
fn classify(next: &[TokenTree]) -> Option<bool> {
    match next {
        [TokenTree::Group(group), ..] => Some(group.delimiter() == Delimiter::Brace),
        [TokenTree::Ident(word), ..] if word == "impl" => Some(true),
        [TokenTree::Ident(word), rest @ ..] if word == "extern" => match rest {
            [TokenTree::Literal(_), rest @ ..] => classify_function(rest),
            rest => classify_function(rest),
        },
        rest => classify_function(rest),
    }
}

/// `fn` and a parenthesis is a type; anything else is code.
fn classify_function(next: &[TokenTree]) -> Option<bool> {
    let is_type = matches!(next, [TokenTree::Ident(word), TokenTree::Group(_), ..] if word == "fn");
    (!is_type).then_some(false)
}

/// Whether a SAFETY comment stands on the line, or above the statement that the line belongs to.
fn has_reason(file: &SourceFile, line: usize) -> bool {
    let above: Vec<&str> = file.text.lines().take(line).map(str::trim).collect();
    let Some((own, above)) = above.split_last() else { return false };
    if own.contains("SAFETY:") {
        return true;
    }
    let mut lines = above.iter().rev().take(REACH).peekable();
    // The statement's earlier lines; one that ends another statement or opens a block is not among them.
    while lines.next_if(|line| !is_comment(line) && !line.ends_with([';', '}', '{'])).is_some() {}
    lines.take_while(|line| is_comment(line)).any(|line| line.contains("SAFETY:"))
}

fn is_comment(line: &str) -> bool {
    line.starts_with("//")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(usize, bool)> {
        find(text).into_iter().map(|found| (found.line, found.wants_reason)).collect()
    }

    #[test]
    fn code_is_found_and_types_are_not() {
        let text = "fn a() { unsafe { b() } }\nunsafe impl Send for X {}\nunsafe fn c() {}\n\
                    unsafe extern \"C\" { fn d(); }\n#[unsafe(no_mangle)]\nfn e() {}\n\
                    type F = Option<unsafe extern \"system\" fn(u8)>;\ntype G = unsafe fn();\n\
                    macro_rules! m { ($n:ident) => { unsafe extern \"C\" fn $n() { unsafe { x() } } } }\n\
                    // unsafe { }\nconst T: &str = \"unsafe {}\";\nunsafe trait H {}\n";
        let expected =
            [(1, true), (2, true), (3, false), (4, false), (5, false), (9, false), (9, true), (12, false)];
        assert_eq!(found(text), expected);
    }

    #[test]
    fn reasons_stand_above_the_statement() {
        let reason = |text: &str| {
            let file = SourceFile { path: String::new(), text: text.to_owned() };
            let line = file.line_of("unsafe");
            has_reason(&file, line)
        };
        assert!(reason("// SAFETY: because\nunsafe { x() }"));
        assert!(reason("// SAFETY:\n// - one\n// - two\nlet a = b(\n    c,\n    unsafe { x() }"));
        assert!(reason("x = unsafe { x() }; // SAFETY: because"));
        assert!(!reason("// because\nunsafe { x() }"));
        assert!(!reason("// SAFETY: another one\nlet a = 1;\nunsafe { x() }"));
        assert!(!reason("unsafe { x() }"));
    }
}
