//! A private PC/SC world: pcscd with vsmartcard's vpcd in name spaces of its own.
//!
//! vpcd listens on every address and pcscd on one socket per machine, so each test gets its own
//! network and mount name space and nothing of the machine is seen or disturbed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::command::{Outcome, run};
use crate::home::{Home, cardmod_program};

/// The reader that a plugged card appears in.
pub const READER: &str = "Virtual PCD 00 00";

/// What runs inside the name spaces: the socket's folder is private, then pcscd takes the process.
const START: &str = "ip link set lo up && mkdir -p /run/pcscd && mount -t tmpfs tmpfs /run/pcscd \
                     && exec pcscd --foreground --config \"$0\"";

/// The same in name spaces that are there: what the killed one left is in the way.
const RESTART: &str =
    "rm -f /run/pcscd/pcscd.comm /run/pcscd/pcscd.pid; exec pcscd --foreground --config \"$0\"";

/// A running pcscd, ended when dropped.
pub struct World {
    daemon: Child,
    reader: String,
    configuration: TempDir,
}

/// A card plugged into a reader of the world, pulled when dropped.
pub struct Plug {
    program: Child,
}

impl World {
    /// Starts pcscd and waits until it answers. Its first reader is [`READER`].
    ///
    /// # Panics
    /// When it does not answer within 20 seconds: not root, or a package is missing.
    #[allow(clippy::new_without_default, reason = "it starts a service")]
    pub fn new() -> Self {
        Self::with_readers("Virtual PCD")
    }

    /// The same with readers of another name, since there are programs that talk to readers of their maker
    /// alone. pcscd appends ` 00 00` to the first one's name.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn with_readers(name: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let configuration = folder.path().join("reader.conf");
        std::fs::write(&configuration, reader_configuration(name)).expect("a file");
        let daemon = Command::new("unshare")
            .args(["--mount", "--net", "--", "sh", "-c", START])
            .arg(&configuration)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare, of the Debian package util-linux");
        let world = Self { daemon, reader: format!("{name} 00 00"), configuration: folder };
        world.wait_for(|| world.run(&["opensc-tool", "--list-readers"]), &world.reader);
        world
    }

    /// Ends pcscd; the name spaces stay. Cards that were plugged in are pulled.
    ///
    /// # Panics
    /// When nothing can be started in the name spaces.
    pub fn stop_service(&mut self) {
        // Name spaces live as long as a process in them.
        let keeper = self.command(Path::new("/"), &["sleep", "infinity"]).spawn().expect("sleep");
        self.wait_for(|| run(Command::new("readlink").arg(format!("/proc/{}/ns/net", keeper.id()))), &{
            let mine = std::fs::read_link(format!("/proc/{}/ns/net", self.daemon.id()));
            mine.expect("pcscd's name space").display().to_string()
        });
        end(&mut self.daemon);
        self.daemon = keeper;
    }

    /// Starts pcscd anew after [`stop_service`](Self::stop_service), and waits until it answers.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn start_service(&mut self) {
        let configuration = self.configuration.path().join("reader.conf");
        let words = ["sh", "-c", RESTART, configuration.to_str().expect("a path that is text")];
        let mut command = self.command(Path::new("/"), &words);
        let daemon = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("pcscd");
        let mut keeper = std::mem::replace(&mut self.daemon, daemon);
        let entered = || run(Command::new("readlink").arg(format!("/proc/{}/ns/net", self.daemon.id())));
        let wanted = std::fs::read_link(format!("/proc/{}/ns/net", keeper.id()));
        self.wait_for(entered, &wanted.expect("the name space").display().to_string());
        self.wait_for(|| self.run(&["opensc-tool", "--list-readers"]), &self.reader);
        end(&mut keeper);
    }

    /// The name of the first reader.
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// Runs a program inside this world; the first word `cardmod` means the built program, which
    /// works in `home`.
    #[track_caller]
    pub fn run_at(&self, home: &Home, words: &[&str]) -> Outcome {
        run(&mut self.command_at(home, words))
    }

    /// Runs a program that needs no home.
    #[track_caller]
    pub fn run(&self, words: &[&str]) -> Outcome {
        run(&mut self.command(Path::new("/"), words))
    }

    /// Plugs a card of `home` into the first reader and waits until the card is seen there.
    ///
    /// # Panics
    /// When `cardmod card plug` ends, or the card is not seen within 20 seconds.
    pub fn plug(&self, home: &Home, card: &str) -> Plug {
        self.plug_program(home, &["cardmod", "card", "plug", card])
    }

    /// Plugs a card into the second reader, whose name ends in ` 00 01`: vpcd has two, on ports that follow
    /// each other.
    ///
    /// # Panics
    /// As [`Self::plug`].
    pub fn plug_second(&self, home: &Home, card: &str) -> Plug {
        self.plug_into("1", home, &["cardmod", "card", "plug", card, "--address", "127.0.0.1:35964"])
    }

    /// The same with a card that is a program of its own, which says `plugged` once it is connected to vpcd.
    ///
    /// # Panics
    /// When the program ends, or the card is not seen within 20 seconds.
    pub fn plug_program(&self, home: &Home, words: &[&str]) -> Plug {
        self.plug_into("0", home, words)
    }

    fn plug_into(&self, reader: &str, home: &Home, words: &[&str]) -> Plug {
        let mut program = self.start_at(home, words);
        let mut first = String::new();
        let output = program.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut first).expect("its first line");
        assert!(first.contains("plugged"), "{words:?} said {first:?}");
        let plug = Plug { program };
        self.wait_for(|| self.run(&["opensc-tool", "--reader", reader, "--atr"]), "3b:");
        plug
    }

    /// A program that goes on, with its output piped; the first word as in [`Self::run_at`].
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start_at(&self, home: &Home, words: &[&str]) -> Child {
        let mut command = self.command_at(home, words);
        command.stdout(Stdio::piped()).spawn().expect("a program that can be started")
    }

    /// A program inside this world, to be started by the caller; see [`run_at`](Self::run_at). Its process
    /// is the program's own.
    pub fn command_at(&self, home: &Home, words: &[&str]) -> Command {
        let mut command = self.command(home.folder(), words);
        home.furnish(&mut command);
        command
    }

    /// Entering a mount name space loses the working folder, so it is named anew.
    fn command(&self, folder: &Path, words: &[&str]) -> Command {
        let (program, arguments) = words.split_first().expect("a command has a name");
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.daemon.id()))
            .args(["--mount", "--net"])
            .arg(format!("--wdns={}", folder.display()))
            .arg("--");
        match *program {
            "cardmod" => command.arg(cardmod_program()),
            other => command.arg(other),
        };
        command.args(arguments);
        command
    }

    /// Asks until the answer contains `text`.
    #[track_caller]
    fn wait_for(&self, ask: impl Fn() -> Outcome, text: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = ask();
            if answer.stdout.contains(text) {
                return;
            }
            assert!(Instant::now() < deadline, "no {text:?} within 20 s (root is needed)\n{answer}");
            std::thread::sleep(Duration::from_millis(20)); // between two questions, not instead of one
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        end(&mut self.daemon);
    }
}

impl Drop for Plug {
    fn drop(&mut self) {
        end(&mut self.program);
    }
}

/// vsmartcard's driver under another name; the rest as Debian's package has it.
fn reader_configuration(name: &str) -> String {
    let port = "0x8C7B";
    format!(
        "FRIENDLYNAME \"{name}\"\nDEVICENAME /dev/null:{port}\n\
         LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so\nCHANNELID {port}\n"
    )
}

fn end(child: &mut Child) {
    let _gone_already = child.kill();
    let _reaped = child.wait();
}
