//! What the tests of the program share: a home for cards, the program run in it, openssl.
#![allow(dead_code, reason = "each test program uses its part")]

pub(crate) mod piv;
#[cfg_attr(unix, path = "unix.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod system;

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

use tempfile::TempDir;

/// A temporary `CARDMOD_HOME` that is the working folder too.
pub(crate) struct Home {
    folder: TempDir,
}

/// What a program left behind.
pub(crate) struct Outcome {
    line: String,
    pub(crate) status: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Home {
    /// An empty home.
    #[allow(clippy::new_without_default, reason = "it makes a folder")]
    pub(crate) fn new() -> Self {
        Self { folder: TempDir::new().expect("a temporary folder") }
    }

    /// A home with a card `demo` (PIN 123456).
    pub(crate) fn with_card() -> Self {
        let home = Self::new();
        home.run("card new demo").succeeds();
        home
    }

    /// A home with a card `demo` that has a key in container `web`.
    pub(crate) fn with_key(algorithm: &str) -> Self {
        let home = Self::with_card();
        home.generate("web", algorithm).succeeds();
        home.write("data", b"the data to be signed");
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("a file can be written");
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The program with these words, PIN=123456 in its environment and nothing on its input.
    pub(crate) fn cardmod(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardmod"));
        command.args(line.split_whitespace());
        self.furnish(&mut command);
        command
    }

    /// Runs [`Self::cardmod`].
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Outcome {
        Outcome::of(&mut self.cardmod(line))
    }

    /// Runs any program here, its words split at blanks.
    #[track_caller]
    pub(crate) fn tool(&self, line: &str) -> Outcome {
        let mut words = line.split_whitespace();
        let mut command = Command::new(words.next().expect("a program's name"));
        command.args(words);
        self.furnish(&mut command);
        Outcome::of(&mut command)
    }

    /// Has openssl look at something, where the system has one; elsewhere this program's own word stands alone.
    #[track_caller]
    pub(crate) fn judged_by_openssl(&self, line: &str) {
        if cfg!(unix) {
            self.tool(&format!("openssl {line}")).succeeds();
        }
    }

    /// Runs a line in a shell.
    #[track_caller]
    pub(crate) fn shell(&self, line: &str) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", line]).env("CARDMOD", env!("CARGO_BIN_EXE_cardmod"));
        self.furnish(&mut command);
        Outcome::of(&mut command)
    }

    pub(crate) fn generate(&self, container: &str, algorithm: &str) -> Outcome {
        self.run(&format!(
            "--card demo key generate --container {container} --algorithm {algorithm} --pin-env PIN"
        ))
    }

    /// The registry key, of those of the user, that stands for Windows' list of cards.
    fn registry_key(&self) -> String {
        let name = self.folder().file_name().expect("a folder's name").to_string_lossy();
        format!(r"Software\cardmod-tests\{name}")
    }

    pub(crate) fn furnish(&self, command: &mut Command) {
        command
            .current_dir(self.folder())
            .env("CARDMOD_HOME", self.folder())
            .env("PIN", "123456")
            .env("WRONG", "654321")
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_STATE_HOME", self.path("state"))
            .env("APPDATA", self.path("config"))
            .env("CARDMOD_CALAIS_KEY", self.registry_key())
            .env("CARDMOD_SYSTEM_CONFIG", self.path("etc"))
            .env_remove("CARDMOD_CARDS")
            .env_remove("CARDMOD_APDU_LOG")
            .env_remove("CARDMOD_LOG")
            .env_remove("CARDMOD_MODULE_LOG_LEVEL")
            .env_remove("CARDMOD_MODULE_LOG_DIR")
            .stdin(Stdio::null());
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        system::forget_registry_key(&self.registry_key());
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn of(command: &mut Command) -> Self {
        let line = format!("{command:?}");
        let output = system::output(command).unwrap_or_else(|error| panic!("{line}: {error}"));
        Self {
            line,
            status: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    #[track_caller]
    pub(crate) fn succeeds(self) -> Self {
        self.exits(0)
    }

    #[track_caller]
    pub(crate) fn exits(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    /// One of the streams contains `text`.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.text().contains(text) || self.stderr.contains(text), "no {text:?} in\n{self}");
        self
    }

    /// Neither stream contains `text`.
    #[track_caller]
    pub(crate) fn never_says(self, text: &str) -> Self {
        assert!(!self.text().contains(text) && !self.stderr.contains(text), "{text:?} in\n{self}");
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.stdout).unwrap_or_else(|error| panic!("{error} in\n{self}"))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, status, text, stderr) = (&self.line, self.status, self.text(), &self.stderr);
        write!(f, "$ {line}\nstatus {status:?}\n--- stdout\n{text}\n--- stderr\n{stderr}")
    }
}

/// The class module as a shared library, with the PC/SC provider beside it: built as the program was.
pub(crate) fn class_module() -> PathBuf {
    static BUILT: Once = Once::new();
    let folder = Path::new(env!("CARGO_BIN_EXE_cardmod")).parent().expect("the program lies in a folder");
    BUILT.call_once(|| system::build_libraries(folder));
    let name = format!("{}cardmod_class{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    folder.join(name)
}
