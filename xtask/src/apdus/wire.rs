//! A PIV card that every program reaches in the same way, with one log for all: in a reader of pcscd, where the card
//! itself counts, or by cardmod's PC/SC library in place of pcsc-lite's, whose readers carry extended length.

use std::path::{Path, PathBuf};
use std::process::Command;

use cardmod_interop::traffic::{self, Exchange};
use cardmod_interop::{Authority, Home, Plug, World, run};

use super::bench::PIN;
use super::strangers::PYTHON;

/// The card's name.
const CARD: &str = "counted";
/// ykcs11 talks to readers of its maker alone.
const READERS: &str = "Yubico YubiKey CCID";
/// Where Debian has vsmartcard's driver.
const DRIVER: &str = "/usr/lib/pcsc/drivers/serial/libifdvpcd.so";

/// The name of its reader in cardmod's library.
const READER: &str = "Cardmod Virtual Reader (counted) 00 00";

/// With Debian's python3-pyscard.
const RESET: &str = "\
import sys
from smartcard.scard import *
_, context = SCardEstablishContext(SCARD_SCOPE_USER)
code, card, _ = SCardConnect(context, sys.argv[1], SCARD_SHARE_SHARED, SCARD_PROTOCOL_ANY)
assert code == 0 and SCardDisconnect(card, SCARD_RESET_CARD) == 0
";

/// How programs reach the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// pcscd with vsmartcard's driver, which announces no extended length.
    Pcscd,
    /// cardmod's library.
    Library,
}

/// A PIV card with keys and certificates, and the way to it.
pub(super) struct Wire {
    // the card is pulled before its reader goes
    pcscd: Option<(Plug, World)>,
    home: Home,
}

/// Why no card can be put into a reader of pcscd here.
pub(super) fn impossible() -> Option<String> {
    let mut user = Command::new("id");
    let root = user.arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    let needed = [DRIVER, "/usr/sbin/pcscd", "/usr/bin/opensc-tool", "/usr/bin/unshare"];
    match needed.iter().find(|path| !Path::new(path).exists()) {
        _ if !root => Some("root is needed for the name spaces in which pcscd runs".to_owned()),
        Some(missing) => Some(format!("{missing} is missing; ./test.sh installs it")),
        None => None,
    }
}

impl Wire {
    /// Makes a card with a key in each of the places with a certificate, and opens the way to it.
    ///
    /// # Panics
    /// With what a program said, when one fails.
    pub(super) fn set_up(way: Way, algorithm: &str, places: &[&str]) -> Self {
        let home = Home::new();
        home.run(&format!("card new {CARD} --type piv")).success();
        let authority = Authority::new(&home);
        for place in places {
            let key = format!("--card {CARD} --container {place}");
            home.run(&format!("key generate --algorithm {algorithm} {key} --pin-env PIN")).success();
            home.run(&format!("key public {key} --out {place}.pub")).success();
            let [public, certificate] = ["pub", "pem"].map(|ending| format!("{place}.{ending}"));
            authority.certify(&public, &subject(place), &certificate);
            home.run(&format!("cert import {certificate} {key} --pin-env PIN")).success();
        }
        std::fs::write(home.file("data"), "the data to be signed").expect("a file");
        std::fs::write(home.file("digest"), [0x5A; 32]).expect("a file");
        let pcscd = (way == Way::Pcscd).then(|| {
            let world = World::with_readers(READERS);
            let log = log(&home);
            let log = log.to_str().expect("a path of text");
            let plug = world.plug_program(&home, &["cardmod", "card", "plug", CARD, "--apdu-log", log]);
            (plug, world)
        });
        Self { pcscd, home }
    }

    /// Runs a program to its end; what it printed, and what it sent. The first word `cardmod` means the built
    /// program; `{reader}` is the reader's name.
    #[track_caller]
    pub(super) fn watched(&self, words: &[&str]) -> Result<(String, Vec<Exchange>), String> {
        self.reset();
        let before = self.lines().len();
        let reader = self.pcscd.as_ref().map_or(READER, |(_, world)| world.reader());
        let words: Vec<&str> =
            words.iter().map(|word| if *word == "{reader}" { reader } else { word }).collect();
        let mut command = self.command(&words);
        let outcome = run(command.env("PIN", PIN)).success();
        let sent = traffic::parse(&self.lines()[before..].join("\n"))?;
        Ok((outcome.stdout, sent))
    }

    /// Resets the card in pcscd's reader, so that nobody finds what another program selected.
    fn reset(&self) {
        if let Some((_, world)) = &self.pcscd {
            world.run(&[PYTHON, "-c", RESET, world.reader()]).success();
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let log = log(&self.home);
        match (&self.pcscd, words) {
            // cardmod's own log would tell everything a second time
            (Some((_, world)), ["cardmod", ..]) => world.command_at(&self.home, words),
            (Some((_, world)), [program, ..]) => {
                let mut command = world.command_at(&self.home, words);
                if *program == PYTHON {
                    command.env("CARDMOD_APDU_LOG", log); // to look how many there are
                }
                command
            }
            (None, ["cardmod", words @ ..]) => {
                let mut command = self.home.cardmod("");
                command.args(words).env("CARDMOD_APDU_LOG", log);
                command
            }
            (None, [program, words @ ..]) => {
                let mut command = self.home.stranger(CARD, program);
                command.args(words).env("CARDMOD_APDU_LOG", log);
                command
            }
            (_, []) => Command::new("false"),
        }
    }

    /// The home, for what needs no card.
    pub(super) const fn home(&self) -> &Home {
        &self.home
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(log(&self.home)).unwrap_or_default(); // none, before the first APDU
        text.lines().map(str::to_owned).collect()
    }
}

fn log(home: &Home) -> PathBuf {
    home.file("apdus.jsonl")
}

/// A name of several parts, which makes certificates as long as they usually are: over 512 bytes.
fn subject(place: &str) -> String {
    let parts = ["O", "OU", "L", "ST"].map(|part| format!("/{part}={}", "x".repeat(60)));
    format!("key-{place}{}", parts.concat())
}
