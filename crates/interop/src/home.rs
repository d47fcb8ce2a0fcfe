//! A home for virtual cards, and the `cardmod` program that works in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::command::{Outcome, package_hint, run};

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

    /// A home with a card `demo`: an RSA-2048 key with a certificate in container `web`, its public key
    /// in `web.pub.pem`, and a file `data`.
    ///
    /// # Panics
    /// When something of it cannot be made.
    pub fn provisioned() -> Self {
        let home = Self::new();
        let key = "--card demo --pin-env PIN --container web";
        home.run("card new demo").success();
        home.run(&format!("key generate --algorithm rsa2048 {key}")).success();
        home.run("key public --card demo --container web --out web.pub.pem").success();
        home.run(&format!("cert self-sign --subject CN=web --out web.pem {key}")).success();
        home.run(&format!("cert import web.pem {key}")).success();
        std::fs::write(home.file("data"), b"the data to be signed").expect("a file");
        home
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

    /// A program under the environment that `cardmod card env` prints for a card, as a shell
    /// understands it.
    ///
    /// # Panics
    /// When the program is not installed.
    #[track_caller]
    pub fn stranger(&self, card: &str, line: &str) -> Command {
        const SCRIPT: &str = r#"lines=$("$0" card env "$1") && eval "$lines" && shift && exec "$@""#;
        let program = line.split_whitespace().next().expect("a command has a name");
        assert!(is_installed(program), "{program} is not installed; {}", package_hint(program));
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT]).arg(cardmod_program()).arg(card).args(line.split_whitespace());
        self.furnish(&mut command);
        command
    }

    /// Gives a command this home as its environment and its folder.
    pub fn furnish(&self, command: &mut Command) {
        command.current_dir(self.folder()).env("CARDMOD_HOME", self.folder()).env("PIN", "123456");
    }
}

/// A path that is there, or a name on the search path.
fn is_installed(program: &str) -> bool {
    let search = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&search).any(|folder| folder.join(program).is_file())
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

/// A program of the Python environment that `./test.sh` makes in the target folder, with ykman in it.
///
/// # Panics
/// When it is not there.
pub fn python_tool(name: &str) -> String {
    let target = cardmod_program();
    let target = target.parent().and_then(Path::parent).expect("TARGET/PROFILE");
    let path = target.join("tools/ykman/bin").join(name);
    assert!(path.exists(), "{} is not there; ./test.sh installs it", path.display());
    path.to_str().expect("a path of text").to_owned()
}

/// OpenSC's PKCS#11 module.
///
/// # Panics
/// When it is not installed.
pub fn pkcs11_module() -> PathBuf {
    pkcs11_module_of("opensc-pkcs11.so", "opensc-pkcs11")
}

/// A PKCS#11 module by its file's name and its Debian package.
///
/// # Panics
/// When it is not installed.
pub fn pkcs11_module_of(file: &str, package: &str) -> PathBuf {
    let places = ["x86_64-linux-gnu", "aarch64-linux-gnu", "."]
        .map(|place| Path::new("/usr/lib").join(place).join(file));
    let found = places.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{file}, of the Debian package {package}, which ./test.sh installs"))
}

/// A product of this workspace, beside the running test, which lies in `PROFILE/deps`, or beside the running
/// program.
fn built(name: &str) -> PathBuf {
    let program = std::env::current_exe().expect("a program knows its own path");
    let folder = program.parent().expect("a folder");
    let profile = if folder.ends_with("deps") { folder.parent().expect("PROFILE") } else { folder };
    let path = profile.join(name);
    assert!(path.exists(), "{} is not built; cargo build --workspace makes it", path.display());
    path
}
