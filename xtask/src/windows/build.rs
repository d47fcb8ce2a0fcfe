//! What cargo is asked to build for Windows, and with which flags.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::bindings;
use super::outcome::{Result, run};
use super::suite::Chosen;
use super::target::{self, Target};
use super::toolchain;

/// How programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build and without debug information: what tests run with (`Cargo.toml`).
    Windows,
    /// What people install.
    Release,
}

impl Profile {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Release => "release",
        }
    }
}

/// Crates whose subject is Linux programs, or the building itself.
pub(crate) const LINUX_ONLY: &[&str] = &["cardmod-interop", "xtask"];

/// The packages of what people install.
pub(crate) const INSTALLED: &[&str] = &["cardmod-cli", "cardmod-class", "cardmod-winscard"];

/// One way to build: for whom, against which standard library, and where.
#[derive(Debug, Clone)]
pub(crate) struct Builder {
    pub(crate) target: Target,
    /// The sysroot with the target's standard library.
    pub(crate) sysroot: PathBuf,
    /// The workspace's folder; another one where the same is built a second time.
    pub(crate) workspace: PathBuf,
    /// Cargo's target folder.
    pub(crate) folder: PathBuf,
}

impl Builder {
    /// Builds this workspace.
    pub(crate) fn new(target: Target, sysroot: PathBuf) -> Self {
        Self { target, sysroot, workspace: crate::workspace_root(), folder: target::build_folder() }
    }

    /// Where cargo puts what it built.
    pub(crate) fn output(&self, profile: Profile) -> PathBuf {
        self.folder.join(self.target.triple()).join(profile.name())
    }

    /// What a command needs in its environment to build this way.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let underscored = self.target.triple().replace('-', "_");
        let maps: Vec<String> = hidden_paths(&self.workspace)
            .iter()
            .map(|(from, to)| quoted(&format!("-ffile-prefix-map={}={to}", from.display())))
            .collect();
        let mut settings = vec![
            ("CARGO_ENCODED_RUSTFLAGS".to_owned(), self.flags().join("\u{1f}")),
            (format!("CFLAGS_{underscored}"), maps.join(" ")),
            // a folder's name may have blanks in it
            ("CC_SHELL_ESCAPED_FLAGS".to_owned(), "1".to_owned()),
        ];
        if self.target == Target::I686 {
            settings.extend(bindings::settings());
        }
        settings
    }

    fn flags(&self) -> Vec<String> {
        let mut flags = vec![
            format!("--sysroot={}", self.sysroot.display()),
            // the time of building is not part of what is built
            "-Clink-arg=-Wl,--no-insert-timestamp".to_owned(),
        ];
        for (from, to) in hidden_paths(&self.workspace) {
            flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        }
        flags
    }

    /// `cargo VERB` for the target.
    pub(crate) fn cargo(&self, verb: &str) -> Command {
        let mut cargo = toolchain::cargo();
        cargo.current_dir(&self.workspace).envs(self.environment());
        cargo.args([verb, "--locked", "--target", self.target.triple(), "--target-dir"]).arg(&self.folder);
        cargo
    }

    /// The tests of `packages`, and the libraries that tests load from beside themselves.
    pub(crate) fn tests(&self, packages: &Packages) -> Result<()> {
        let mut cargo = self.cargo("build");
        cargo.args(["--profile", Profile::Windows.name(), "--bins", "--tests", "--examples"]);
        packages.name_to(&mut cargo);
        run("building for Windows", &mut cargo)
    }

    /// The program, the two libraries and the test programs of the short form.
    pub(crate) fn chosen(&self, chosen: &[Chosen]) -> Result<()> {
        for (verb, more) in [("build", "--bins"), ("test", "--no-run")] {
            let mut cargo = self.cargo(verb);
            cargo.args(["--profile", Profile::Windows.name(), more]);
            super::suite::name_chosen(chosen, &mut cargo);
            run("building for Windows", &mut cargo)?;
        }
        Ok(())
    }

    /// The program and the two libraries.
    pub(crate) fn artefacts(&self, profile: Profile) -> Result<()> {
        let mut cargo = self.cargo("build");
        cargo.args(["--profile", profile.name(), "--lib", "--bins"]);
        INSTALLED.iter().for_each(|name| _ = cargo.args(["-p", name]));
        run("building for Windows", &mut cargo)
    }
}

/// Which packages a command is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packages {
    /// All but `LINUX_ONLY`.
    All,
    Named(Vec<String>),
}

impl Packages {
    pub(crate) fn name_to(&self, command: &mut Command) {
        match self {
            Self::All => {
                // among the tests too, and refused where the one package named has none
                command.args(["--workspace", "--lib"]);
                LINUX_ONLY.iter().for_each(|name| _ = command.args(["--exclude", name]));
            }
            Self::Named(names) => names.iter().for_each(|name| _ = command.args(["-p", name])),
        }
    }
}

/// One word of a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Folders of this machine, and what stands for them in programs.
fn hidden_paths(workspace: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut paths = vec![(workspace.to_owned(), "cardmod")];
    paths.extend(cargo_home().map(|home| (home, "cargo")));
    paths
}

/// The flag that keeps cargo's home out of programs.
pub(crate) fn hidden_cargo_home() -> Option<String> {
    cargo_home().map(|home| format!("--remap-path-prefix={}=cargo", home.display()))
}

fn cargo_home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cargo")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_stays_one() {
        assert_eq!(quoted("-f=/a folder"), "'-f=/a folder'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
