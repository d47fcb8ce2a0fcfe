//! Functions are short: 99 of 100 have at most 60 lines, none more than 120.
//!
//! A function's lines go from its signature to its closing brace. What macros generate, and functions
//! inside macro invocations, are not seen.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::Report;
use super::tree::Tree;

/// The most lines of an ordinary function.
const ORDINARY: usize = 60;
/// The most lines of any function.
const CEILING: usize = 120;
/// One function in so many may be longer than an ordinary one.
const ONE_IN: usize = 100;

/// Measures all functions and answers how many there are.
pub(super) fn check(tree: &Tree, report: &mut Report) -> usize {
    let mut total = 0;
    let mut long = Vec::new();
    for file in tree.rust_files() {
        match measure(&file.text) {
            Ok(functions) => {
                total += functions.len();
                let beyond = functions.into_iter().filter(|function| function.lines > ORDINARY);
                long.extend(beyond.map(|function| (file.path.as_str(), function)));
            }
            Err(cause) => {
                report.violation(&file.path, cause.span().start().line, format!("not Rust: {cause}"))
            }
        }
    }
    let too_many = long.len() * ONE_IN > total;
    for (path, function) in &long {
        let Function { name, line, lines } = function;
        let what = format!("function {name} has {lines} lines");
        if *lines > CEILING {
            report.violation(path, *line, format!("{what}, more than {CEILING}"));
        } else if too_many {
            report.violation(
                path,
                *line,
                format!("{what}, more than {ORDINARY}, as more than 1 % of all have"),
            );
        } else {
            report.note(path, *line, what);
        }
    }
    total
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

fn measure(text: &str) -> syn::Result<Vec<Function>> {
    let mut functions = Functions(Vec::new());
    functions.visit_file(&syn::parse_file(text)?);
    Ok(functions.0)
}

struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let end = body.brace_token.span.close().end().line;
        self.0.push(Function { name: signature.ident.to_string(), line, lines: end + 1 - line });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_from_signature_to_brace() {
        let text = "/// Doc.\n#[inline]\npub fn a(\n    x: u8,\n) {\n    fn inner() {}\n}\n\
                    trait T { fn b(); fn c() {} }\nimpl X { fn d() {\n } }\n";
        let found: Vec<_> = measure(text).unwrap().into_iter().map(|f| (f.name, f.line, f.lines)).collect();
        let expected = [("a", 3, 5), ("inner", 6, 1), ("c", 8, 1), ("d", 9, 2)];
        assert_eq!(found, expected.map(|(name, line, lines)| (name.to_owned(), line, lines)));
    }

    #[test]
    fn what_is_no_rust_is_an_error() {
        assert!(measure("fn a( {").is_err());
    }
}
