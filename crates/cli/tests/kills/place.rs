//! Where a trial happens: a home with a copy of the card that all trials begin with.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cardmod_virtual::Store;
use tempfile::TempDir;

use crate::common::Outcome;

/// What the secrets are called in the program's environment.
pub(crate) const SECRETS: [(&str, &str); 9] = [
    ("PIN", "123456"),
    ("NEW", "567890"),
    ("P12", "secret"),
    ("WRONG", "999999"),
    ("PUK", "12345678"),
    ("WRONGPUK", "87654321"),
    ("KEY", "000102030405060708090a0b0c0d0e0f1011121314151617"),
    ("MANAGEMENT", "010203040506070801020304050607080102030405060708"),
    ("NEWKEY", "f0f1f2f3f4f5f6f7e8e9eaebecedeeefd0d1d2d3d4d5d6d7"),
];

/// Where a trial begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// With the card `demo`.
    Card,
    /// With no card at all.
    Nothing,
    /// With the card, whose container map was deleted.
    NoMap,
    /// With the card out of its reader.
    Ejected,
    /// With the card, and what the cache keeps of it.
    Cached,
    /// With a PIV card.
    Piv,
}

/// The card `demo`: containers `web` (the default one, with certificate), `bare` (a key alone) and `rsa`, a
/// file `mscp/notes`, an empty directory `spare`, a root certificate, and one try of the PIN and of the PUK lost,
/// so that one gained would show. And the same card as a PIV card, without files and roots: `web` in 9A, `rsa`
/// in 9D, `bare` in 9E.
pub(crate) struct Template {
    gids: Place,
    piv: Place,
}

/// A home that is the working folder too.
pub(crate) struct Place {
    folder: TempDir,
}

impl Template {
    pub(crate) fn new() -> Self {
        Self { gids: gids(), piv: piv() }
    }

    /// A home of its own that begins as asked.
    pub(crate) fn place(&self, start: Start) -> Place {
        let place = Place { folder: TempDir::new().expect("a temporary folder") };
        let template = if start == Start::Piv { &self.piv } else { &self.gids };
        copy(template.folder(), place.folder(), start);
        match start {
            Start::Card | Start::Nothing | Start::Piv => {}
            Start::NoMap => drop(place.run("file delete mscp/cmapfile --card demo --pin-env PIN").succeeds()),
            Start::Ejected => drop(place.run("card eject demo").succeeds()),
            Start::Cached => drop(place.run("info --card demo").succeeds()),
        }
        place
    }
}

impl Place {
    /// A copy, to be spoiled.
    pub(crate) fn scratch(&self) -> Place {
        let place = Place { folder: TempDir::new().expect("a temporary folder") };
        copy(self.folder(), place.folder(), Start::Card);
        place
    }
}

fn gids() -> Place {
    let place = Place { folder: TempDir::new().expect("a temporary folder") };
    make_files(&place);
    for line in [
        "card new demo --tries 5 --new-pin-env PIN --puk-env PUK --admin-key-env KEY",
        "key generate --card demo --container web --algorithm p256 --pin-env PIN",
        "key generate --card demo --container bare --algorithm p256 --pin-env PIN",
        "key generate --card demo --container rsa --algorithm rsa2048 --pin-env PIN",
    ] {
        place.run(line).succeeds();
    }
    make_certificates(&place);
    for line in [
        "cert roots import ca.pem --card demo --pin-env PIN",
        "file write mscp/notes --in notes --card demo --pin-env PIN",
        "file mkdir spare --card demo --pin-env PIN",
    ] {
        place.run(line).succeeds();
    }
    lose_tries(&place);
    place
}

fn piv() -> Place {
    let place = Place { folder: TempDir::new().expect("a temporary folder") };
    make_files(&place);
    for line in [
        "card new demo --type piv --tries 5 --new-pin-env PIN --puk-env PUK",
        "key generate --card demo --container web --algorithm p256 --pin-env PIN",
        "key generate --card demo --container rsa --algorithm rsa2048 --pin-env PIN",
        "key generate --card demo --container 9e --name bare --algorithm p256 --pin-env PIN",
    ] {
        place.run(line).succeeds();
    }
    make_certificates(&place);
    lose_tries(&place);
    place
}

/// What the verbs read: data, and keys to be imported.
fn make_files(place: &Place) {
    fs::write(place.path("data"), b"the data to be signed").expect("a file");
    fs::write(place.path("notes"), vec![b'n'; 900]).expect("a file");
    fs::write(place.path("more"), vec![b'm'; 1500]).expect("a file");
    for (file, algorithm) in [("p256.key", "EC -pkeyopt ec_paramgen_curve:P-256"), ("rsa.key", "RSA")] {
        let mut openssl = Command::new("openssl");
        let line = format!("genpkey -out {file} -algorithm {algorithm}");
        openssl.args(line.split_whitespace()).current_dir(place.folder());
        Outcome::of(&mut openssl).succeeds();
    }
}

/// Those on the card and those to come.
fn make_certificates(place: &Place) {
    let on_web = "--card demo --container web --pin-env PIN";
    for line in [
        &format!("cert self-sign --subject CN=renewed --out renewed.pem {on_web}"),
        &format!("cert self-sign --subject CN=web --store --out web.pem {on_web}"),
        "cert self-sign --subject CN=bare --out bare.pem --card demo --container bare --pin-env PIN",
    ] {
        place.run(line).succeeds();
    }
    make_chain(place);
}

fn lose_tries(place: &Place) {
    place.run("pin verify --card demo --pin-env WRONG").exits(5);
    place.run("pin unblock --card demo --puk-env WRONGPUK --new-pin-env NEW").exits(5);
}

/// The roots `ca.pem` and `other.pem`, a bundle of a certificate of `web` with the second, and a PKCS#12 file
/// with it.
fn make_chain(place: &Place) {
    let request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9";
    for line in [
        format!("{request} -keyout ca.key -subj /CN=ca -out ca.pem"),
        format!("{request} -keyout other.key -subj /CN=other -out other.pem"),
        format!("{request} -keyout chain.key -subj /CN=chain -out chain.pem"),
        "pkcs12 -export -inkey chain.key -in chain.pem -certfile other.pem -name chain -passout env:P12 \
         -out chain.p12"
            .to_owned(),
    ] {
        let mut openssl = Command::new("openssl");
        openssl.args(line.split_whitespace());
        place.furnish(&mut openssl);
        Outcome::of(&mut openssl).succeeds();
    }
    let bundle = ["renewed.pem", "other.pem"].map(|file| fs::read(place.path(file)).expect("a file"));
    fs::write(place.path("bundle.pem"), bundle.concat()).expect("a file");
}

/// The words of a command line; `~` is a space in one.
pub(crate) fn words(line: &str) -> impl Iterator<Item = String> {
    line.split_whitespace().map(|word| word.replace('~', " "))
}

fn copy(from: &Path, to: &Path, start: Start) {
    for entry in fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let name = entry.file_name().expect("a name");
        let target = to.join(name);
        if entry.is_file() {
            fs::copy(&entry, &target).expect("a copy");
        } else if start != Start::Nothing && name != "cache" {
            fs::create_dir(&target).expect("a folder");
            copy(&entry, &target, start);
        }
    }
}

impl Place {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// Runs the program to its end.
    #[track_caller]
    pub(crate) fn run(&self, line: &str) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cardmod"));
        command.args(words(line));
        self.furnish(&mut command);
        Outcome::of(&mut command)
    }

    pub(crate) fn furnish(&self, command: &mut Command) {
        command
            .current_dir(self.folder())
            .env("CARDMOD_HOME", self.folder())
            .env("CARDMOD_CACHE_DIR", self.path("cache"))
            .env_remove("CARDMOD_APDU_LOG")
            .env_remove("CARDMOD_LOG")
            .envs(SECRETS)
            .stdin(Stdio::null());
    }

    /// The keys that are on the card, whoever knows of them.
    pub(crate) fn keys_on_the_card(&self, card: &str) -> usize {
        let store = Store::open(self.path("cards")).expect("a store");
        let mut card = store.open_card(card).expect("a card");
        card.space().expect("its space").containers as usize
    }
}
