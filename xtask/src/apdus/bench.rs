//! What the counting stands on: the built programs, and a temporary home with one card in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use cardmod_interop::traffic::{self, Exchange};

/// The card, its PIN, and the container that signs and decrypts.
pub(super) const CARD: &str = "counted";
pub(super) const PIN: &str = "123456";
pub(super) const CONTAINER: &str = "one";

/// Where the built programs are.
pub(super) struct Build {
    folder: PathBuf,
}

/// A home with a card that has two RSA-2048 keys with certificates.
pub(super) struct Bench<'a> {
    build: &'a Build,
    home: TempDir,
}

impl Build {
    /// Builds what is needed.
    pub(super) fn make() -> Result<Self, String> {
        for arguments in [
            &["build", "--quiet", "-p", "cardmod-cli", "-p", "cardmod-class", "-p", "cardmod-winscard"][..],
            &["build", "--quiet", "-p", "cardmod-default", "--example", "counts", "--example", "piv_counts"]
                [..],
        ] {
            let mut command = crate::cargo();
            done(command.args(arguments))?;
        }
        let metadata = cargo_metadata::MetadataCommand::new()
            .current_dir(crate::workspace_root())
            .no_deps()
            .exec()
            .map_err(|error| error.to_string())?;
        Ok(Self { folder: metadata.target_directory.join("debug").into() })
    }
}

impl Build {
    /// A built example.
    pub(super) fn example(&self, name: &str) -> PathBuf {
        self.folder.join("examples").join(name)
    }
}

impl<'a> Bench<'a> {
    /// Makes the card with these options, its keys and certificates, and the files to work on.
    pub(super) fn set_up(build: &'a Build, options: &[&str]) -> Result<Self, String> {
        let home = tempfile::tempdir().map_err(|error| error.to_string())?;
        let bench = Self { build, home };
        done(bench.cardmod(&["card", "new", CARD]).args(options))?;
        for container in [CONTAINER, "two"] {
            let file = format!("{container}.pem");
            let subject = format!("CN={container}");
            let secret = ["--card", CARD, "--pin-env", "PIN"];
            let named = ["--container", container];
            let steps: [&[&str]; 3] = [
                &["key", "generate", "--algorithm", "rsa2048"],
                &["cert", "self-sign", "--subject", &subject, "--out", &file],
                &["cert", "import", &file],
            ];
            for step in steps {
                done(bench.cardmod(step).args(named).args(secret))?;
            }
        }
        std::fs::write(bench.file("data"), "the data to be signed").map_err(|error| error.to_string())?;
        let public = ["key", "public", "--card", CARD, "--container", CONTAINER, "--out", "public.pem"];
        done(&mut bench.cardmod(&public))?;
        let mut seal = bench.command(Path::new("openssl"));
        done(seal.args("pkeyutl -encrypt -pubin -inkey public.pem -in data -out sealed".split(' ')))?;
        Ok(bench)
    }

    /// The `cardmod` program, working in the home.
    pub(super) fn cardmod(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.build.folder.join("cardmod"));
        command.args(arguments);
        command
    }

    /// The example that counts what the operations of one session send.
    pub(super) fn session(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.build.example("counts"));
        command.args(arguments);
        command
    }

    /// Another program, which finds cardmod's PC/SC library where it looks for pcsc-lite's.
    pub(super) fn stranger(&self, program: &str) -> Result<Command, String> {
        let folder = self.file("pcsc");
        let name = folder.join("libpcsclite.so.1");
        if !name.exists() {
            let library = self.build.folder.join("libcardmod_winscard.so");
            let linked = std::fs::create_dir_all(&folder).and_then(|()| link(&library, &name));
            linked.map_err(|error| format!("{}: {error}", name.display()))?;
        }
        let mut command = self.command(Path::new(program));
        command.env("LD_LIBRARY_PATH", folder);
        Ok(command)
    }

    /// A file in the home.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a command to its end; what it printed, and what it sent to the card.
    pub(super) fn watched(&self, mut command: Command) -> Result<(String, Vec<Exchange>), String> {
        let log = self.file("apdus.jsonl");
        let printed = done(command.env("CARDMOD_APDU_LOG", &log))?;
        let text = std::fs::read_to_string(&log).map_err(|error| format!("{command:?}: no APDU: {error}"))?;
        std::fs::remove_file(&log).map_err(|error| error.to_string())?;
        Ok((printed, traffic::parse(&text)?))
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.home.path()).env("CARDMOD_HOME", self.home.path()).env("PIN", PIN);
        command
    }
}

#[cfg(unix)]
fn link(library: &Path, name: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(library, name)
}

/// Elsewhere the programs take the system's own library.
#[cfg(not(unix))]
fn link(_: &Path, _: &Path) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Runs a command to its end; its output.
pub(crate) fn done(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&said)))
}
