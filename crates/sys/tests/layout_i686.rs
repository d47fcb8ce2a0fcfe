//! The layout on 32-bit x86, by the compiler: a crate of assertions made from the measured table
//! is type-checked for i686 targets, where a wrong size or offset does not compile.
//!
//! The core library for that target is built from source, which stable Rust does not allow to be
//! asked for; the test uses a nightly toolchain where there is one and else the variable that lets
//! a stable compiler do it. `CARDMOD_SKIP_I686=1` skips the test on machines without Rust's sources.

// Runs compilers, which are not where a program for Windows runs that was built on another system.
#![cfg(unix)]

mod oracle;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use oracle::{number, rows, table, text};

/// Two systems whose compilers differ in what they align.
const TARGETS: [&str; 2] = ["i686-unknown-linux-gnu", "i686-pc-windows-gnu"];

#[test]
fn structures_have_their_32_bit_layout() {
    if std::env::var_os("CARDMOD_SKIP_I686").is_some() {
        eprintln!("skipped: CARDMOD_SKIP_I686 is set");
        return;
    }
    for target in TARGETS {
        let good = check(&assertions(0), target);
        assert!(good.status.success(), "{target}: {}", String::from_utf8_lossy(&good.stderr));
        // a check that cannot fail is none: offsets moved by one byte must not compile
        let bad = check(&assertions(1), target);
        assert!(!bad.status.success(), "wrong offsets compiled for {target}");
        let said = String::from_utf8_lossy(&bad.stderr);
        assert!(said.contains("assertion failed") || said.contains("evaluation"), "{said}");
    }
}

/// Assertions of every size, alignment, offset and version boundary; offsets off by `error`.
fn assertions(error: u64) -> String {
    let mut source =
        String::from("#![no_std]\n#![allow(dead_code)]\nuse core::mem::{align_of, offset_of, size_of};\n");
    let layout = table("layout-i686.json");
    for row in rows(&layout, "structs") {
        let name = text(row, "name");
        let (size, align) = (number(row, "size"), number(row, "align"));
        writeln!(source, "const _: () = assert!(size_of::<cardmod_sys::{name}>() == {size});").expect("text");
        writeln!(source, "const _: () = assert!(align_of::<cardmod_sys::{name}>() == {align});")
            .expect("text");
        for field in rows(row, "fields") {
            let (member, offset) = (text(field, "name"), number(field, "offset") + error);
            writeln!(source, "const _: () = assert!(offset_of!(cardmod_sys::{name}, {member}) == {offset});")
                .expect("text");
        }
        for boundary in row["version_boundaries"].as_array().into_iter().flatten() {
            let (version, size) = (number(boundary, "version"), number(boundary, "size"));
            writeln!(
                source,
                "const _: () = assert!(matches!(cardmod_sys::version::size_of_card_data({version}), Some({size})));"
            )
            .expect("text");
        }
    }
    assert!(source.lines().count() > 200, "the table has shrunk");
    source
}

fn check(source: &str, target: &str) -> std::process::Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let manifest = format!(
        "[package]\nname = \"layout-i686\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
         [dependencies]\ncardmod-sys = {{ path = {:?} }}\n[workspace]\n",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::create_dir(folder.path().join("src")).expect("a folder");
    std::fs::write(folder.path().join("Cargo.toml"), manifest).expect("a manifest");
    std::fs::write(folder.path().join("src/lib.rs"), source).expect("a source file");
    // the workspace's lock file pins nothing here: there is no dependency but the crate itself
    let folder_of_target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("layout-i686");
    let mut cargo = Command::new("cargo");
    if has_nightly() {
        cargo.arg("+nightly");
    } else {
        cargo.env("RUSTC_BOOTSTRAP", "1");
    }
    cargo
        .args(["check", "--quiet", "-Zbuild-std=core", "--target", target, "--target-dir"])
        .arg(folder_of_target)
        .current_dir(folder.path())
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO")
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()
        .expect("cargo")
}

fn has_nightly() -> bool {
    let mut cargo = Command::new("cargo");
    cargo.args(["+nightly", "--version"]).env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    cargo.output().is_ok_and(|output| output.status.success())
}
