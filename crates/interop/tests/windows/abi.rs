//! The C header in the hands of Windows' C compilers: laid out as the measured tables say, for both bitnesses.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cardmod_interop::Outcome;
use serde_json::Value;

#[test]
#[ignore = "run by cargo xtask windows"]
fn c_sees_the_measured_layout_on_x86_64() {
    both_ways("x86_64-w64-mingw32-gcc", "layout-x86_64.json", "x86_64");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn c_sees_the_measured_layout_on_i686() {
    both_ways("i686-w64-mingw32-gcc", "layout-i686.json", "i686");
}

/// The right offsets compile; wrong ones do not: a check that cannot fail is none.
fn both_ways(compiler: &str, layout: &str, machine: &str) {
    compile(compiler, &assertions(layout, machine, 0)).success();
    let refused = compile(compiler, &assertions(layout, machine, 1));
    assert!(refused.status != Some(0) && refused.stderr.contains("static assertion failed"), "{refused}");
}

fn compile(compiler: &str, source: &str) -> Outcome {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("layout.c");
    std::fs::write(&file, source).expect("a source file");
    let mut gcc = Command::new(compiler);
    gcc.args(["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-c", "-I"]).arg(sys().join("include"));
    cardmod_interop::run(gcc.arg(&file).arg("-o").arg(folder.path().join("layout.o")))
}

/// Assertions of every size, offset and end of a version; offsets off by `error`. `windows.h` stands beside the
/// header: no name of one may mean something else in the other.
fn assertions(layout: &str, machine: &str, error: u64) -> String {
    let mut source = String::from("#include <windows.h>\n#include \"cardmod.h\"\n");
    for row in rows(&table(layout), "structs") {
        let (name, size) = (text(row, "name"), number(row, "size"));
        assert_size(&mut source, name, size);
        for field in rows(row, "fields") {
            assert_offset(&mut source, name, text(field, "name"), number(field, "offset") + error);
        }
        for boundary in row["version_boundaries"].as_array().into_iter().flatten() {
            let (field, size) = (text(boundary, "last_field"), number(boundary, "size"));
            writeln!(
                source,
                "_Static_assert(offsetof(cardmod_{name}, {field}) + sizeof(void *) == {size}, \"end of {field}\");"
            )
            .expect("text");
        }
    }
    for row in rows(&table("crypto.json"), "structs") {
        let name = text(row, "name");
        assert_size(&mut source, name, number(&row["size"], machine));
        for field in rows(row, "fields") {
            let offset = number(&field["offset"], machine) + error;
            assert_offset(&mut source, name, text(field, "name"), offset);
        }
    }
    assert!(source.lines().count() > 250, "the tables have shrunk");
    source
}

fn assert_size(source: &mut String, name: &str, size: u64) {
    writeln!(source, "_Static_assert(sizeof(cardmod_{name}) == {size}, \"{name}\");").expect("text");
}

fn assert_offset(source: &mut String, name: &str, field: &str, offset: u64) {
    writeln!(source, "_Static_assert(offsetof(cardmod_{name}, {field}) == {offset}, \"{name}.{field}\");")
        .expect("text");
}

/// The crate of the interface: its header, and the tables measured elsewhere.
fn sys() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../sys")
}

fn table(name: &str) -> Value {
    let text = std::fs::read_to_string(sys().join("tests/abi").join(name)).expect("a table");
    serde_json::from_str(&text).expect("JSON")
}

fn rows<'a>(table: &'a Value, name: &str) -> &'a Vec<Value> {
    table[name].as_array().unwrap_or_else(|| panic!("no {name}"))
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("no {name} in {row}"))
}

fn number(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap_or_else(|| panic!("no {name} in {row}"))
}
