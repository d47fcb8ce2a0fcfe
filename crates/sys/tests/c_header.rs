//! The C header: up to date, accepted by C and C++ compilers, beside pcsc-lite's, with the layout
//! that the crate has.

// Runs compilers, which are not where a program for Windows runs that was built on another system.
#![cfg(unix)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use cardmod_sys::reflect::STRUCTURES;

#[test]
fn the_committed_header_is_up_to_date() {
    let mut fresh = String::new();
    cardmod_sys::header::write(&mut fresh).expect("a string takes everything");
    let committed = std::fs::read_to_string(include_folder().join("cardmod.h")).expect("include/cardmod.h");
    assert!(
        fresh == committed,
        "run: cargo run -p cardmod-sys --example header > crates/sys/include/cardmod.h"
    );
}

#[test]
fn c_sees_the_same_layout() {
    let mut source = String::from("#include \"cardmod.h\"\n");
    for structure in STRUCTURES.iter().copied().flatten() {
        let name = structure.name;
        writeln!(source, "_Static_assert(sizeof(cardmod_{name}) == {}, \"{name}\");", structure.size)
            .expect("text");
        for field in structure.fields {
            let (member, offset) = (field.name, field.offset);
            writeln!(
                source,
                "_Static_assert(offsetof(cardmod_{name}, {member}) == {offset}, \"{name}.{member}\");"
            )
            .expect("text");
        }
    }
    compile("c", &["-std=c11", "-pedantic"], &source);
}

#[test]
fn older_c_and_cplusplus_accept_it() {
    let source = "#include \"cardmod.h\"\nint used(cardmod_CARD_DATA *data);\n";
    compile("c", &["-std=c99", "-pedantic"], source);
    compile("c++", &["-std=c++11"], source);
}

#[test]
fn it_stands_beside_clashing_names() {
    // what pcsc-lite's wintypes.h declares, in widths that differ from Windows'
    let source = "typedef unsigned long DWORD; typedef unsigned char BYTE; typedef short BOOL;\n\
                  typedef char *LPSTR; typedef void *LPVOID; typedef long SCARDHANDLE;\n\
                  #define SCARD_E_UNSUPPORTED_FEATURE ((long)0x8010001F)\n\
                  #include \"cardmod.h\"\n\
                  _Static_assert(CARDMOD_SCARD_E_UNSUPPORTED_FEATURE == UINT32_C(0x80100022), \"\");\n";
    compile("c", &["-std=c11"], source);
}

fn compile(language: &str, options: &[&str], source: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("test.source");
    std::fs::write(&file, source).expect("a source file");
    let output = Command::new(if language == "c" { "cc" } else { "c++" })
        .args(["-c", "-Wall", "-Wextra", "-Werror", "-x", language])
        .args(options)
        .arg("-I")
        .arg(include_folder())
        .arg(&file)
        .arg("-o")
        .arg(folder.path().join("test.o"))
        .output()
        .expect("a C compiler");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn include_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("include")
}
