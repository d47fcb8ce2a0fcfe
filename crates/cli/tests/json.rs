//! The documents of `--json` are those of docs/json-schema.json, for every verb.
#![forbid(unsafe_code)]

mod common;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use common::{Home, Outcome};
use serde_json::{Value, json};

/// The schema, as users have it.
fn schema() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/json-schema.json")
}

/// Documents with the verbs that printed them.
struct Collection<'a> {
    home: &'a Home,
    documents: Vec<Value>,
}

impl Collection<'_> {
    /// Runs a verb with `--json` and keeps its document.
    #[track_caller]
    fn run(&mut self, exit: i32, verb: &str, options: &str) -> Value {
        let mut command = self.home.cardmod(&format!("--json {verb} {options}"));
        let outcome = Outcome::of(command.env("CARDMOD_PCSC_SYSTEM", "none")).exits(exit);
        let document = outcome.json();
        self.keep(verb, document.clone());
        document
    }

    #[track_caller]
    fn good(&mut self, verb: &str, options: &str) -> Value {
        self.run(0, verb, options)
    }

    fn keep(&mut self, verb: &str, document: Value) {
        self.documents.push(json!({"verb": verb, "document": document}));
    }

    #[track_caller]
    fn validates(&self) {
        // The judge is a Python program, and the documents are of one program on every system.
        if cfg!(windows) {
            return;
        }
        let list = Value::from(self.documents.clone()).to_string();
        self.home.write("documents.json", list.as_bytes());
        let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/schema/validate.py");
        let mut python = Command::new("python3");
        python.arg(script).arg(schema()).arg(self.home.path("documents.json"));
        Outcome::of(&mut python).succeeds();
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn keys_certificates_and_what_is_made_with_them() {
    let home = Home::with_card();
    home.write("data", b"the data");
    let mut all = Collection { home: &home, documents: Vec::new() };
    all.good("key generate", "--container web --algorithm p256 --pin-env PIN");
    all.good("key generate", "--container rsa --algorithm rsa2048 --purpose exchange --pin-env PIN");
    home.run("--card demo key generate --container dh --algorithm p256 --purpose exchange --pin-env PIN")
        .succeeds();
    all.good("container default", "web --pin-env PIN");
    all.good("key public", "--container rsa");
    all.good("key public", "--container web --out web.pem");
    home.run("key public --container rsa --out rsa.pem").succeeds();
    all.good("sign", "--container web --in data --pin-env PIN");
    all.good("sign", "--container web --in data --out sig --pin-env PIN");
    all.good("verify", "--container web --in data --signature sig");
    all.run(1, "verify", "--container rsa --in data --signature sig");
    home.tool("openssl pkeyutl -encrypt -pubin -inkey rsa.pem -in data -out sealed").succeeds();
    all.good("decrypt", "--container rsa --in sealed --pin-env PIN");
    home.tool("openssl ecparam -name prime256v1 -genkey -noout -out peer.key").succeeds();
    home.tool("openssl ec -in peer.key -pubout -out peer.pem").succeeds();
    all.good("derive", "--container dh --peer peer.pem --pin-env PIN");
    all.good("key import", "--container imported --in peer.key --purpose sign --pin-env PIN");
    all.good("cert request", "--container web --subject CN=web --pin-env PIN");
    all.good("cert self-sign", "--container web --subject CN=web --pin-env PIN");
    all.good("cert self-sign", "--container web --subject CN=web --store --out web.crt --pin-env PIN");
    all.good("cert import", "--container web web.crt --pin-env PIN");
    all.good("cert export", "--container web");
    all.good("cert roots import", "web.crt --pin-env PIN");
    all.good("cert roots list", "");
    all.good("cert roots export", "");
    all.good("cert roots delete", "--all --pin-env PIN");
    all.good("container list", "");
    all.good("info", "--pin-env PIN");
    all.good("doctor", "");
    all.good("cache show", "");
    all.good("cache flush", "");
    module_log(&mut all);
    all.good("cert delete", "--container web --pin-env PIN");
    all.good("container delete", "rsa --pin-env PIN");
    all.good("container rebuild", "--dry-run");
    all.run(1, "cert export", "--container web");
    all.validates();
}

#[test]
fn pins_files_and_the_administrator() {
    let home = Home::new();
    home.write("key", b"31313131313131313131313131313131313131313131313131".get(..48).expect("48 digits"));
    home.write(
        "new-key",
        b"32323232323232323232323232323232323232323232323232".get(..48).expect("48 digits"),
    );
    home.write("puk", b"87654321");
    home.write("new", b"222333");
    home.write("file", b"content");
    let mut all = Collection { home: &home, documents: Vec::new() };
    all.good("card new", "demo --admin-key-file key --puk-file puk");
    all.good("pin status", "");
    all.run(5, "pin verify", "--pin-env WRONG");
    all.good("pin verify", "--pin-env PIN");
    all.good("pin change", "--pin-env PIN --new-pin-file new");
    all.good("pin unblock", "--puk-file puk --new-pin-env PIN");
    all.good("admin verify", "--admin-key-file key");
    all.good("admin change", "--admin-key-file key --new-admin-key-file new-key");
    all.good("file write", "mscp/notes --in file --pin-env PIN");
    all.good("file read", "mscp/notes");
    all.good("file read", "mscp/notes --out copy");
    all.good("file list", "");
    all.good("file mkdir", "notes --pin-env PIN");
    all.good("file rmdir", "notes --pin-env PIN");
    all.good("property list", "");
    all.good("file delete", "mscp/notes --pin-env PIN");
    all.run(1, "file read", "mscp/notes");
    all.run(2, "key generate", "--nonsense");
    all.validates();
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn piv_cards_and_the_names_of_their_containers() {
    let home = common::piv::enrolled(&["9a", "9d"]);
    let mut all = Collection { home: &home, documents: Vec::new() };
    all.good("piv status", "");
    all.good("container names", "--all");
    all.good("container names", "--all --rule opensc");
    all.good("piv metadata", "pin");
    all.good("piv metadata", "management-key");
    all.good("piv metadata", "9a");
    all.good("piv attest", "9a --chain");
    all.good("piv attest", "9a --der --out f9.der");
    all.run(1, "piv move", "9a 9d");
    all.good("piv generate", "9c --algorithm p256 --pin-policy once --touch-policy cached");
    all.good("piv generate", "9c --algorithm p384 --out public.pem --yes");
    all.run(1, "piv generate", "9c --algorithm p256");
    home.tool("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out private.pem").succeeds();
    all.good("piv import", "9c private.pem --pin-policy always --yes");
    all.good("piv delete-key", "9c");
    all.good("piv move", "9a 9c");
    all.good("piv delete-key", "9c");
    all.good("piv init", "");
    all.good("piv retries", "--pin-tries 4 --puk-tries 5 --yes --pin-env PIN");
    all.good("piv management-key", "--generate --protect --pin-env PIN");
    all.good("piv management-key", "--to-default --pin-env PIN");
    all.good("piv management-key", "--generate --out key");
    all.run(5, "piv init", "--management-key default");
    all.good("piv reset", "--yes");
    all.good("piv init", "");
    all.good("piv status", "");
    all.validates();
}

#[test]
fn cards_of_every_type() {
    let home = Home::new();
    let mut all = Collection { home: &home, documents: Vec::new() };
    all.good("card new", "blank --blank");
    all.good("card new", "piv --type piv");
    all.good("card new", "both --type dual --protect-management-key");
    all.run(2, "card new", "bad --type piv --no-puk");
    all.good("card list", "");
    all.validates();
}

#[test]
fn cards_modules_and_the_program_itself() {
    let home = Home::new();
    let mut all = Collection { home: &home, documents: Vec::new() };
    common::class_module();
    all.run(3, "info", "");
    all.run(3, "doctor", "");
    all.good("card new", "demo");
    all.good("card list", "");
    // Windows gives programs no way to be shown another PC/SC library.
    all.run(if cfg!(windows) { 7 } else { 0 }, "card env", "demo");
    all.good("card eject", "demo");
    all.good("card insert", "demo");
    all.good("module register", "class --name one");
    all.good("module register", "class --name two --system --crypto-provider x --key-storage-provider y");
    // Where Windows' registry keeps the entries the folder is not there yet.
    std::fs::create_dir_all(home.path("config/cardmod/cards.d")).expect("a folder");
    home.write("config/cardmod/cards.d/bad.toml", b"[");
    all.good("module list", "");
    all.good("module match", "");
    all.good("module match", "--atr 3b00");
    all.good("module pnp-id", "");
    all.good("module inf", "class");
    all.good("module inf", "class --out class.inf");
    all.good("module reg", "--from-entry two");
    all.good("module reg", "class --out class.reg");
    all.run(2, "module pnp-id", "--atr 3b80");
    all.good("module unregister", "one");
    all.run(1, "module unregister", "one");
    all.good("completions", "bash");
    all.good("man", "");
    all.good("man", "--out pages");
    all.good("try", "");
    let watched = home.run("--json info --watch --count 1 --timeout 60 --card demo").succeeds();
    for line in watched.text().lines() {
        all.keep("info --watch", serde_json::from_str(line).expect("a document a line"));
    }
    let plugged = plug(&home);
    all.keep("card plug", plugged);
    all.good("card erase", "demo --yes");
    all.validates();
}

/// What `card plug` prints, to a driver of the test's own.
fn plug(home: &Home) -> Value {
    let driver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = driver.local_addr().expect("an address");
    let mut program = home.cardmod(&format!("--json card plug demo --address {address}"));
    let program = program.stdout(Stdio::piped()).spawn().expect("the program");
    let (mut stream, _) = driver.accept().expect("a connection");
    // GET ATR: the card says that it is plugged once it is spoken to.
    stream.write_all(&[0, 1, 4]).expect("the card listens");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))]).expect("an ATR");
    // What it says is read to its end, which the driver's end makes.
    drop(stream);
    let output = program.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("one document")
}

/// Not on Windows, where the switch is the whole machine's.
#[cfg(unix)]
fn module_log(all: &mut Collection<'_>) {
    all.run(1, "log show", "");
    all.good("log on", "--level 3");
    all.good("pin status", "");
    all.good("log status", "");
    all.good("log show", "");
    all.good("log off", "");
    let line = json!({"schema": 1, "file": "a.log", "line": "what stands there"});
    all.keep("log show --follow", line);
}

#[cfg(not(unix))]
fn module_log(all: &mut Collection<'_>) {
    all.good("log status", "");
}

/// A verb without a schema is found by the manual pages, one for each verb.
#[test]
fn every_verb_has_a_schema() {
    let home = Home::new();
    let document = home.run("man --out pages --json").succeeds().json();
    let pages = document["pages"].as_array().expect("pages").iter().filter_map(Value::as_str);
    // A page's name does not tell a verb's hyphens from those between verbs; its synopsis does.
    let known: Value =
        serde_json::from_slice(&std::fs::read(schema()).expect("the schema")).expect("a document");
    let known: BTreeSet<String> =
        known["$defs"]["verbs"].as_object().expect("verbs").keys().cloned().collect();
    for page in pages {
        let text = String::from_utf8_lossy(&home.read(&format!("pages/{page}"))).into_owned();
        if text.contains(".SH SUBCOMMANDS") {
            continue;
        }
        let name = page.trim_end_matches(".1").trim_start_matches("cardmod-");
        let found = known.iter().any(|verb| verb.replace(' ', "-") == name);
        assert!(
            found,
            "docs/json-schema.json has no $defs/verbs entry for cardmod {}",
            name.replace('-', " ")
        );
    }
}
