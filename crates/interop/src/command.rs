//! Running a program and keeping what it said.

use std::process::Command;

/// What a finished program left behind.
#[derive(Debug)]
pub struct Outcome {
    /// The command as it was run, for messages.
    pub line: String,
    /// The exit status; `None` when a signal ended it.
    pub status: Option<i32>,
    /// Standard output, lossily as text.
    pub stdout: String,
    /// Standard output as it came.
    pub bytes: Vec<u8>,
    /// Standard error, lossily as text.
    pub stderr: String,
}

impl Outcome {
    /// The outcome itself, when the program ended with status 0.
    ///
    /// # Panics
    /// With everything the program said, when it did not.
    #[track_caller]
    pub fn success(self) -> Self {
        assert_eq!(self.status, Some(0), "{self}");
        self
    }

    /// The outcome itself, when the program ended with `status`.
    ///
    /// # Panics
    /// With everything the program said, when it did not.
    #[track_caller]
    pub fn exits_with(self, status: i32) -> Self {
        assert_eq!(self.status, Some(status), "{self}");
        self
    }

    /// The outcome itself, when either stream contains `text`.
    ///
    /// # Panics
    /// With everything the program said, when neither does.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stdout.contains(text) || self.stderr.contains(text), "no {text:?} in\n{self}");
        self
    }
}

impl core::fmt::Display for Outcome {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { line, status, stdout, stderr, .. } = self;
        write!(f, "$ {line}\nstatus {status:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Runs a command to its end.
///
/// # Panics
/// When the program cannot be started, with the Debian package that has it where that is known.
#[track_caller]
pub fn run(command: &mut Command) -> Outcome {
    let line = format!("{command:?}");
    let output = command.output().unwrap_or_else(|error| {
        let program = command.get_program().to_string_lossy().into_owned();
        panic!("{program} cannot be run ({error}); {}", package_hint(&program))
    });
    Outcome {
        line,
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        bytes: output.stdout,
    }
}

/// A command with its arguments, split at blanks.
pub fn tool(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a command has a name"));
    command.args(words);
    command
}

/// Where a program comes from, for messages.
pub(crate) fn package_hint(program: &str) -> String {
    let package = match program.rsplit('/').next().unwrap_or(program) {
        "openssl" => "openssl",
        "pcscd" => "pcscd",
        "ip" => "iproute2",
        "p11tool" => "gnutls-bin",
        "python3" => "python3-pyscard",
        "ssh" | "ssh-agent" | "ssh-keygen" => "openssh-client",
        "unshare" | "nsenter" => "util-linux",
        "x86_64-w64-mingw32-gcc" => "gcc-mingw-w64-x86-64-win32",
        "i686-w64-mingw32-gcc" => "gcc-mingw-w64-i686-win32",
        "dropbear" | "dropbearkey" => "dropbear-bin",
        "yubico-piv-tool" => "yubico-piv-tool",
        name if name.contains("cardmod") => return "build it first: cargo build --workspace".into(),
        _ => "opensc",
    };
    format!("it is in the Debian package {package}, which ./test.sh installs")
}
