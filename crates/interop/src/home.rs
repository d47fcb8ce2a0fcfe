//! A home for virtual cards, and the `cardmod` program that works in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::{Outcome, run};

/// A temporary `CARDMOD_HOME`, with a place for a test's files.
pub struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty home.
    ///
    /// # Panics
    /// When no temporary folder can be made.
    #[allow(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        Self { folder }
    }

    /// The home's folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// `cardmod` with these words, the PIN variable set to the default PIN, working in the home.
    pub fn cardmod(&self, line: &str) -> Command {
        let mut command = Command::new(cardmod_program());
        command.args(line.split_whitespace());
        self.furnish(&mut command);
        command
    }

    /// Runs [`Self::cardmod`].
    #[track_caller]
    pub fn run(&self, line: &str) -> Outcome {
        run(&mut self.cardmod(line))
    }

    /// Gives a command this home as its environment and its folder.
    pub fn furnish(&self, command: &mut Command) {
        command.current_dir(self.folder()).env("CARDMOD_HOME", self.folder()).env("PIN", "123456");
    }
}

/// The built `cardmod`.
///
/// # Panics
/// When it has not been built.
pub fn cardmod_program() -> PathBuf {
    built("cardmod")
}

/// The built class module.
///
/// # Panics
/// When it has not been built.
pub fn class_module() -> PathBuf {
    built("libcardmod_class.so")
}

/// A product of this workspace, beside the running test.
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let profile = test.parent().and_then(Path::parent).expect("tests lie in PROFILE/deps");
    let path = profile.join(name);
    assert!(path.exists(), "{} is not built; cargo build --workspace makes it", path.display());
    path
}
