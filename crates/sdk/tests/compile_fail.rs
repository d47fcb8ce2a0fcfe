//! What `export!` refuses, and in which words.

// Runs the compiler, which is not where a program for Windows runs that was built on another system.
#![cfg(unix)]

#[test]
fn export_takes_one_card_module() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/forbids_unsafe.rs");
    cases.compile_fail("tests/compile_fail/no_module.rs");
    cases.compile_fail("tests/compile_fail/no_type.rs");
    cases.compile_fail("tests/compile_fail/twice.rs");
}
