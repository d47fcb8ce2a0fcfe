//! What every crate's manifest says alike, and what the workspace's promises.

use cargo_metadata::semver::Version;
use toml::{Table, Value};

use super::Report;
use super::tree::{SourceFile, Tree};

/// The newest compiler that may be demanded.
const NEWEST_RUST: Version = Version::new(1, 95, 0);
/// Both licences, at the user's choice.
const LICENCE: &str = "MIT OR Apache-2.0";
/// The licences' files, and words that each must contain.
const LICENCE_FILES: &[(&str, &str)] =
    &[("LICENSE-MIT", "Permission is hereby granted"), ("LICENSE-APACHE", "Apache License")];

pub(super) fn check(tree: &Tree, report: &mut Report) {
    for (path, words) in LICENCE_FILES {
        if !tree.file(path).is_some_and(|file| file.text.contains(words)) {
            report.violation(path, 1, "is missing or not that licence");
        }
    }
    check_packages(tree, report);
    match tree.file("Cargo.toml").map(|file| (file, file.text.parse::<Table>())) {
        Some((file, Ok(manifest))) => {
            check_profiles(file, &manifest, report);
            check_dependencies_are_used(tree, file, &manifest, report);
        }
        _ => report.violation("Cargo.toml", 1, "is missing or not TOML"),
    }
}

fn check_packages(tree: &Tree, report: &mut Report) {
    let packages = &tree.metadata().packages;
    let floor = packages.iter().find_map(|package| package.rust_version.as_ref());
    for package in packages {
        let path = tree.relative(&package.manifest_path);
        let line = |needle| tree.file(&path).map_or(1, |file| file.line_of(needle));
        match &package.rust_version {
            None => report.violation(&path, 1, "has no rust-version"),
            Some(version) if *version > NEWEST_RUST => {
                let what = format!("demands Rust {version}, newer than {NEWEST_RUST}");
                report.violation(&path, line("rust-version"), what);
            }
            Some(version) if Some(version) != floor => {
                report.violation(&path, line("rust-version"), "demands another Rust than other crates");
            }
            Some(_) => {}
        }
        if package.license.as_deref() != Some(LICENCE) {
            report.violation(&path, line("license"), format!("its licence is not {LICENCE}"));
        }
        if package.description.as_deref().is_none_or(str::is_empty) {
            report.violation(&path, line("description"), "has no description");
        }
        let manifest = tree.file(&path).and_then(|file| file.text.parse::<Table>().ok());
        let lints = manifest.as_ref().and_then(|manifest| manifest.get("lints")?.get("workspace")?.as_bool());
        if lints != Some(true) {
            report.violation(&path, 1, "does not take the workspace's lints");
        }
    }
}

/// A card module must answer a panic with a code, so panics unwind in every profile.
fn check_profiles(file: &SourceFile, manifest: &Table, report: &mut Report) {
    let profiles = manifest.get("profile").and_then(Value::as_table);
    let panic_of = |profile: &str| profiles?.get(profile)?.get("panic")?.as_str();
    if panic_of("release") != Some("unwind") {
        report.violation(
            &file.path,
            file.line_of("[profile.release]"),
            "release profile: panic is not \"unwind\"",
        );
    }
    for name in profiles.into_iter().flat_map(|profiles| profiles.keys()) {
        if panic_of(name) == Some("abort") {
            let line = file.line_of(&format!("[profile.{name}]"));
            report.violation(&file.path, line, format!("profile {name}: panic is \"abort\""));
        }
    }
}

/// Each dependency the workspace names is some crate's.
fn check_dependencies_are_used(tree: &Tree, file: &SourceFile, manifest: &Table, report: &mut Report) {
    for name in workspace_dependencies(manifest) {
        let used = tree
            .metadata()
            .packages
            .iter()
            .any(|package| package.dependencies.iter().any(|dependency| dependency.name == *name));
        if !used {
            report.violation(&file.path, file.line_of(&format!("{name} =")), format!("no crate uses {name}"));
        }
    }
}

/// The names of `[workspace.dependencies]`.
pub(super) fn workspace_dependencies(manifest: &Table) -> impl Iterator<Item = &String> {
    let dependencies = manifest.get("workspace").and_then(|workspace| workspace.get("dependencies"));
    dependencies.and_then(Value::as_table).into_iter().flat_map(|dependencies| dependencies.keys())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_must_unwind_in_every_profile() {
        let check = |text: &str| {
            let file = SourceFile { path: "Cargo.toml".to_owned(), text: text.to_owned() };
            let mut report = Report::default();
            check_profiles(&file, &text.parse().unwrap(), &mut report);
            report.violations
        };
        assert!(check("[profile.release]\npanic = \"unwind\"\n").is_empty());
        let missing = "Cargo.toml:1: release profile: panic is not \"unwind\"";
        assert_eq!(check("[profile.release]\n"), [missing]);
        let both = check("[profile.release]\npanic = \"unwind\"\n[profile.small]\npanic = \"abort\"\n");
        assert_eq!(both, ["Cargo.toml:3: profile small: panic is \"abort\""]);
    }

    #[test]
    fn dependencies_of_the_workspace_are_named() {
        let manifest: Table = "[workspace.dependencies]\na = \"1\"\nb = { path = \"b\" }\n".parse().unwrap();
        assert_eq!(workspace_dependencies(&manifest).collect::<Vec<_>>(), ["a", "b"]);
    }
}
