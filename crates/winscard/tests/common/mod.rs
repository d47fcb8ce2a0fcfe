//! A store of virtual cards for a test program, and another process that uses them too.

#![allow(dead_code, reason = "each test program uses its part")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, LazyLock};

use cardmod_pcsc::{Card, Context, Disposition, PcscError, Protocols, Provider, ShareMode, code_name};
use cardmod_types::{CardId, Pin, SecretBytes};
use cardmod_virtual::{GidsProfile, Store};
use tempfile::TempDir;

/// SELECT of the GIDS application.
pub(crate) const SELECT: &[u8] =
    &[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0x00, 0x00, 0x03, 0x97, 0x42, 0x54, 0x46, 0x59, 0x00];
/// VERIFY of the right PIN.
pub(crate) const VERIFY: &[u8] = &[0x00, 0x20, 0x00, 0x80, 0x06, b'1', b'2', b'3', b'4', b'5', b'6'];
/// VERIFY without data: asks whether the PIN is verified.
pub(crate) const IS_VERIFIED: &[u8] = &[0x00, 0x20, 0x00, 0x80];

/// The state of a card in use, as this platform's resource manager tells it.
pub(crate) const CONNECTED: u32 =
    if cfg!(windows) { cardmod_pcsc::SCARD_SPECIFIC } else { cardmod_pcsc::SCARD_NEGOTIABLE };

/// Names the store's directory to a child process.
pub(crate) const DIRECTORY: &str = "CARDMOD_TEST_CARDS";

/// The test program's store.
pub(crate) struct World {
    directory: TempDir,
    store: Store,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let directory = TempDir::new().expect("a directory");
    cardmod_winscard::set_store_dir(Some(directory.path()));
    let store = Store::open(directory.path()).expect("a store");
    World { directory, store }
});

pub(crate) fn world() -> &'static World {
    &WORLD
}

impl World {
    /// Makes a card and answers its reader's name.
    pub(crate) fn card(&self, name: &str) -> String {
        card_of(&self.store, name)
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }
}

/// Makes a card in this store and answers its reader's name.
pub(crate) fn card_of(store: &Store, name: &str) -> String {
    let admin_key = SecretBytes::from(vec![7; 24]);
    let profile = GidsProfile::new(Pin::from("123456"), admin_key, CardId([9; 16]));
    store.create(name, &profile).expect("a card");
    cardmod_winscard::reader_name(name)
}

/// The provider of this crate's own functions.
pub(crate) fn provider() -> Arc<Provider> {
    Provider::from_table(cardmod_winscard::table())
}

pub(crate) fn context() -> Context {
    Context::establish(&provider()).expect("a context")
}

pub(crate) fn connect(context: &Context, reader: &str) -> Card {
    context.connect(reader, ShareMode::Shared, Protocols::ANY).expect("a connection")
}

/// The status word of a response.
pub(crate) fn status_word(response: &[u8]) -> u16 {
    let status = response.last_chunk::<2>().expect("a status word");
    u16::from_be_bytes(*status)
}

/// The shared library that cargo built beside this test program.
pub(crate) fn built_library() -> PathBuf {
    let program = std::env::current_exe().expect("this program's path");
    let beside = program.parent().expect("a directory");
    let library = beside.join(if cfg!(windows) { "cardmod_winscard.dll" } else { "libcardmod_winscard.so" });
    assert!(library.exists(), "{} is not there", library.display());
    library
}

/// Another process that does what it is told: the test `other_process` of the same program.
pub(crate) struct Other {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// Marks the answers among the lines that the test runner prints.
const MARK: &str = "=> ";

impl Other {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this program's path"))
            .args(["--exact", "other_process", "--ignored", "--nocapture"])
            .env(DIRECTORY, world().directory())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("another process");
        let input = child.stdin.take().expect("its input");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        Self { child, input, output }
    }

    /// Gives an order and waits for the answer.
    pub(crate) fn ask(&mut self, order: &str) -> String {
        self.order(order);
        self.answer()
    }

    pub(crate) fn order(&mut self, order: &str) {
        writeln!(self.input, "{order}").expect("the other process listens");
    }

    pub(crate) fn answer(&mut self) -> String {
        let mut line = String::new();
        loop {
            line.clear();
            let count = self.output.read_line(&mut line).expect("the other process talks");
            assert_ne!(count, 0, "the other process is gone");
            if let Some((_, answer)) = line.split_once(MARK) {
                return answer.trim_end().to_owned();
            }
        }
    }

    /// Ends the process without letting it clean up.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the other process does: orders on its input, answers on its output.
#[allow(clippy::print_stdout, reason = "its output is a pipe to the test")]
pub(crate) fn obey() {
    let directory = std::env::var_os(DIRECTORY).expect("started by a test");
    cardmod_winscard::set_store_dir(Some(Path::new(&directory)));
    let context = context();
    let mut card: Option<Card> = None;
    let mut locked = Vec::new();
    for order in std::io::stdin().lines() {
        let order = order.expect("an order");
        let (verb, rest) = order.split_once(' ').unwrap_or((&order, ""));
        let answer = match (verb, &card) {
            ("shared" | "exclusive", _) => {
                let share = if verb == "shared" { ShareMode::Shared } else { ShareMode::Exclusive };
                context.connect(rest, share, Protocols::ANY).map(|new| {
                    card = Some(new);
                    "done".to_owned()
                })
            }
            ("lock", _) => {
                let file = std::fs::File::open(rest).expect("the file to lock");
                file.lock().expect("its lock");
                locked.push(file);
                Ok("done".to_owned())
            }
            ("begin", Some(card)) => card.begin_transaction().map(|()| "done".to_owned()),
            ("end", Some(card)) => card.end_transaction(Disposition::Leave).map(|()| "done".to_owned()),
            ("reset", Some(card)) => card.end_transaction(Disposition::Reset).map(|()| "done".to_owned()),
            ("select", Some(card)) => {
                card.transmit(SELECT).map(|answer| format!("{:04X}", status_word(&answer)))
            }
            ("verified", Some(card)) => {
                card.transmit(IS_VERIFIED).map(|answer| format!("{:04X}", status_word(&answer)))
            }
            ("leave", Some(_)) => {
                card = None;
                Ok("done".to_owned())
            }
            _ => panic!("no such order: {order}"),
        };
        println!("{MARK}{}", answer.unwrap_or_else(|error| name_of(error).to_owned()));
    }
}

/// The name of an error's code.
pub(crate) fn name_of(error: PcscError) -> &'static str {
    code_name(error.code).expect("a code with a name")
}
