//! What `export!` refuses, and in which words.

#[test]
fn export_takes_one_card_module() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/compile_fail/forbids_unsafe.rs");
    cases.compile_fail("tests/compile_fail/no_module.rs");
    cases.compile_fail("tests/compile_fail/no_type.rs");
    cases.compile_fail("tests/compile_fail/twice.rs");
}
