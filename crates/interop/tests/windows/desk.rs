//! A folder that is the home of virtual cards, and both programs run in it: the Windows one under Wine, the
//! Linux one as it is.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cardmod_interop::{Outcome, cardmod_program};
use tempfile::TempDir;

/// How long a program may take, in seconds: far longer than any does, on a busy machine too.
const LIMIT: &str = "90";
/// What `timeout` ends with when the time is over.
const TIME_OVER: i32 = 124;

/// The home of a test's cards and files.
pub(crate) struct Desk {
    /// Removed with the value.
    root: TempDir,
    folder: PathBuf,
    /// Options that stand before every verb.
    options: Vec<String>,
}

impl Desk {
    /// An empty home.
    pub(crate) fn new() -> Self {
        Self::named("home")
    }

    /// An empty home in a folder of this name, which may have further folders in it.
    pub(crate) fn named(name: &str) -> Self {
        let root = TempDir::with_prefix("cardmod-windows-").expect("a temporary folder");
        let folder = root.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Self { root, folder, options: Vec::new() }
    }

    /// The same home, every verb with these options.
    pub(crate) fn with_options(mut self, options: &[&str]) -> Self {
        self.options = options.iter().map(|option| (*option).to_owned()).collect();
        self
    }

    /// A home with a GIDS card `demo`, made by the Windows program, and a file `data`.
    pub(crate) fn with_card() -> Self {
        let desk = Self::new();
        desk.wine("card new demo").success();
        desk.write("data", b"the data to be signed");
        desk
    }

    /// A home whose card `demo` has a P-256 key in container `web`, its public key in `web.pub.pem`.
    pub(crate) fn with_key() -> Self {
        let desk = Self::with_card();
        desk.wine("--card demo key generate --container web --algorithm p256 --pin-env PIN").success();
        desk.wine("--card demo key public --container web --out web.pub.pem").success();
        desk
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The Windows program with these words, split at blanks.
    #[track_caller]
    pub(crate) fn wine(&self, line: &str) -> Outcome {
        self.wine_words(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// The Windows program with these words.
    #[track_caller]
    pub(crate) fn wine_words(&self, words: &[impl AsRef<OsStr>]) -> Outcome {
        self.finish(&mut self.wine_command(words))
    }

    /// The Windows program with these words, not yet run.
    pub(crate) fn wine_command(&self, words: &[impl AsRef<OsStr>]) -> Command {
        let mut command = limited(&program("cardmod.exe"));
        command.args(&self.options).args(words);
        self.furnish(&mut command);
        command
    }

    /// Another Windows program, not yet run.
    pub(crate) fn wine_program(&self, path: &Path) -> Command {
        let mut command = limited(path);
        self.furnish(&mut command);
        command
    }

    /// The Windows program as a process of its own: whoever ends this process ends the program.
    pub(crate) fn spawn(&self, line: &str) -> Child {
        let mut command = Command::new(variable("CARDMOD_WINE"));
        command.arg(program("cardmod.exe")).args(line.split_whitespace());
        self.furnish(&mut command);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program starts")
    }

    /// The Linux program with these words, split at blanks, in the same home.
    #[track_caller]
    pub(crate) fn linux(&self, line: &str) -> Outcome {
        let mut command = Command::new(cardmod_program());
        command.args(line.split_whitespace());
        self.furnish(&mut command);
        command.env("CARDMOD_HOME", &self.folder);
        self.finish(&mut command)
    }

    /// A program of Linux with these words, split at blanks, in the home's folder.
    #[track_caller]
    pub(crate) fn tool(&self, line: &str) -> Outcome {
        let mut command = cardmod_interop::tool(line);
        command.current_dir(&self.folder);
        self.finish(&mut command)
    }

    /// Runs a command to its end. Its words go to files: a wineserver that it starts keeps what it inherits
    /// open, and a pipe would not end before the server does.
    ///
    /// # Panics
    /// When it takes too long.
    #[track_caller]
    pub(crate) fn finish(&self, command: &mut Command) -> Outcome {
        self.finish_reading(command, Stdio::null())
    }

    /// As [`Desk::finish`], with something on the program's standard input.
    #[track_caller]
    pub(crate) fn finish_reading(&self, command: &mut Command, input: Stdio) -> Outcome {
        let spoken = TempDir::new().expect("a temporary folder");
        let file = |name: &str| File::create(spoken.path().join(name)).expect("a file");
        command.stdin(input).stdout(file("out")).stderr(file("err"));
        let line = format!("{command:?}");
        let status = command.status().unwrap_or_else(|error| panic!("{line}: {error}"));
        let bytes = std::fs::read(spoken.path().join("out")).expect("what it printed");
        let stderr = std::fs::read(spoken.path().join("err")).expect("what it printed");
        let outcome = Outcome {
            line,
            status: status.code(),
            stdout: String::from_utf8_lossy(&bytes).into_owned(),
            stderr: String::from_utf8_lossy(&stderr).into_owned(),
            bytes,
        };
        assert_ne!(outcome.status, Some(TIME_OVER), "it took more than {LIMIT} s: {outcome}");
        outcome
    }

    /// The registry key, of those of the user, that stands for Windows' list of cards.
    pub(crate) fn registry_key(&self) -> String {
        let name = self.root.path().file_name().expect("a folder's name").to_string_lossy();
        format!(r"Software\{name}")
    }

    fn furnish(&self, command: &mut Command) {
        command
            .current_dir(&self.folder)
            .env("CARDMOD_HOME", windows(&self.folder))
            // Nothing outside of the home is read or written: no registered module, no cache of another test.
            .env("CARDMOD_SYSTEM_CONFIG", windows(&self.path("etc")))
            .env("CARDMOD_CACHE_DIR", windows(&self.path("cache")))
            .env("CARDMOD_CALAIS_KEY", self.registry_key())
            .env("CARDMOD_PCSC_SYSTEM", "none")
            .env("PIN", "123456")
            .env("WRONG", "654321")
            // Under another locale Wine takes letters outside of ASCII out of names and arguments.
            .env("LC_ALL", "C.UTF-8")
            .env("RUST_BACKTRACE", "0")
            .env("WINEDEBUG", "-all")
            .env("WINEDLLOVERRIDES", "winscard=n,b")
            .env_remove("CARDMOD_CARDS")
            .env_remove("CARDMOD_APDU_LOG")
            .env_remove("CARDMOD_LOG");
    }
}

/// What the tests of the Windows programs need: set by `cargo xtask windows`.
pub(crate) fn variable(name: &str) -> PathBuf {
    let value = std::env::var_os(name).filter(|value| !value.is_empty());
    value.unwrap_or_else(|| panic!("{name} is not set; cargo xtask windows sets it")).into()
}

/// A built Windows program or library.
pub(crate) fn program(name: &str) -> PathBuf {
    let path = variable("CARDMOD_WINDOWS_DIR").join(name);
    assert!(path.is_file(), "{} is not there; cargo xtask windows builds it", path.display());
    path
}

/// A path of Linux as Windows programs see it.
pub(crate) fn windows(path: &Path) -> String {
    assert!(path.is_absolute(), "{} is not absolute", path.display());
    format!("Z:{}", path.to_str().expect("a path of text").replace('/', "\\"))
}

/// A Windows program under Wine, ended when it takes too long.
fn limited(program: &Path) -> Command {
    // Without its prefix Wine would make one in the user's home.
    variable("WINEPREFIX");
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT]).arg(variable("CARDMOD_WINE")).arg(program);
    command
}

/// The tries left of the user PIN, from what `pin status --json` printed.
#[track_caller]
pub(crate) fn tries_left(outcome: &Outcome) -> u64 {
    let document: serde_json::Value = serde_json::from_str(&outcome.stdout).expect("a document");
    document["pins"][0]["tries_left"].as_u64().unwrap_or_else(|| panic!("no tries in {outcome}"))
}
