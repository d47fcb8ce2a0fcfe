//! Registration on Windows: `cardmod module` on Windows' registry, and the files that install a module, applied by
//! Windows' own tools.
//!
//! Every test has keys of its own below `HKEY_CURRENT_USER`: what is in `HKEY_LOCAL_MACHINE` would be every
//! other test's too. For that the root and the path in the INF and `.reg` files are exchanged; all else is as printed.

use std::path::Path;
use std::process::Command;

use cardmod_interop::Outcome;
use serde_json::Value;

use crate::desk::{Desk, program, windows};

/// The key in the files.
const SMART_CARDS: &str = r"SOFTWARE\Microsoft\Cryptography\Calais\SmartCards";

/// A home with registry keys of its own.
struct Registered {
    desk: Desk,
    key: String,
}

impl Registered {
    fn new(test: &str) -> Self {
        let key = format!(r"Software\cardmod\Tests\{test}-{}", std::process::id());
        Self { desk: Desk::with_card(), key }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = self.desk.wine_command(words);
        command.env("CARDMOD_CALAIS_KEY", &self.key);
        command
    }

    #[track_caller]
    fn cardmod(&self, words: &[&str]) -> Outcome {
        self.desk.finish(&mut self.command(words))
    }

    #[track_caller]
    fn json(&self, words: &[&str]) -> Value {
        let outcome = self.cardmod(&[&["--json"], words].concat()).success();
        serde_json::from_str(&outcome.stdout).expect("a document")
    }

    #[track_caller]
    fn tool(&self, name: &str, words: &[&str]) -> Outcome {
        self.desk.finish(self.desk.wine_program(Path::new(name)).args(words))
    }

    /// The class module under another name, as a maker's.
    fn module(&self, name: &str) -> String {
        std::fs::copy(program("cardmod_class.dll"), self.desk.path(name)).expect("a copy");
        windows(&self.desk.path(name))
    }

    fn atr(&self) -> String {
        self.json(&["--card", "demo", "info"])["card"]["atr"].as_str().expect("an ATR").to_owned()
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // A test that failed before it registered anything has no key.
        let key = format!(r"HKCU\{}", self.key);
        let mut command = self.desk.wine_program(Path::new("reg.exe"));
        let _ = command.args(["delete", &key, "/f"]).output();
    }
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_registered_module_serves_its_cards() {
    let home = Registered::new("serves");
    let module = home.module("maker's ü.dll");
    let said = home.cardmod(&["--card", "demo", "module", "register", &module, "--name", "Käse"]).success();
    said.says(&format!(r"HKEY_CURRENT_USER\{}\User\Käse", home.key));
    home.cardmod(&["--card", "demo", "module", "register", "class", "--name", "Other", "--system"]).success();
    let info = home.json(&["--card", "demo", "info"]);
    let rule = info["module"]["chosen_by"].as_str().expect("a rule");
    assert!(rule.starts_with(r#"registered as "Käse" (HKEY_CURRENT_USER\"#), "{rule}");
    assert_eq!(info["card"]["name"], "Käse");
    // A real use of a key through it.
    let demo = |line: &str| {
        let words: Vec<&str> = ["--card", "demo"].into_iter().chain(line.split_whitespace()).collect();
        home.cardmod(&words).success()
    };
    demo("key generate --container web --algorithm p256 --pin-env PIN");
    demo("sign --container web --in data --out sig --pin-env PIN");
    demo("verify --container web --in data --signature sig");
    let found = home.json(&["--card", "demo", "module", "match"]);
    assert_eq!((&found["entry"]["name"], &found["others"][0]["name"]), (&"Käse".into(), &"Other".into()));
    assert_eq!(found["entry"]["crypto_provider"], "Microsoft Base Smart Card Crypto Provider");
    let taken = home.cardmod(&["--card", "demo", "module", "register", "class", "--name", "KÄSE"]);
    taken.exits_with(1).says("registered already").says("--replace");
    home.cardmod(&["--card", "demo", "module", "register", "class", "--name", r"a\b"])
        .exits_with(2)
        .says("backslash");
    home.cardmod(&["module", "unregister", "Käse"]).success();
    home.cardmod(&["--card", "demo", "info"]).success().says("registered as \"Other\"");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn entries_that_lead_nowhere_are_told_apart() {
    let home = Registered::new("nowhere");
    let atr = home.atr();
    // The machine in the PE header is another (IMAGE_FILE_MACHINE_I386).
    let mut bytes = std::fs::read(program("cardmod_class.dll")).expect("the module");
    let header = u32::from_le_bytes(bytes[0x3C..0x40].try_into().expect("four bytes")) as usize;
    bytes[header + 4..header + 6].copy_from_slice(&0x014C_u16.to_le_bytes());
    home.desk.write("other.dll", &bytes);
    let other = windows(&home.desk.path("other.dll"));
    let winscard = windows(&program("winscard.dll"));
    for (module, words) in [
        (r"C:\no\such.dll", "does not exist"),
        (winscard.as_str(), "exports no CardAcquireContext"),
        (other.as_str(), "is a 32-bit (x86) Windows library; this program is a 64-bit (x86-64) Windows one"),
    ] {
        let entry = ["module", "register", module, "--name", "bad", "--atr", &atr];
        home.cardmod(&entry).exits_with(1).says(words);
        home.cardmod(&[&entry[..], &["--no-check"]].concat()).success();
        home.cardmod(&["--card", "demo", "info"]).exits_with(1).says("\"bad\"").says(words);
        home.cardmod(&["--card", "demo", "doctor"]).exits_with(1).says("Module registry").says("\"bad\": ");
        home.cardmod(&["module", "unregister", "bad"]).success();
    }
    // A name alone is a file of the system folder, never one of the current folder.
    home.module("here.dll");
    let key = format!(r"HKCU\{}\User\bare", home.key);
    let value = |name: &str, kind: &str, data: &str| {
        home.tool("reg.exe", &["add", &key, "/v", name, "/t", kind, "/d", data, "/f"]).success();
    };
    value("80000001", "REG_SZ", "here.dll");
    value("ATR", "REG_BINARY", &atr);
    let refused = home.cardmod(&["--card", "demo", "info"]).exits_with(1);
    refused.says(r"C:\windows\System32\here.dll does not exist");
    // A mistake is told with its key, and the entry left out.
    value("ATRMask", "REG_BINARY", "ff");
    let told = home.cardmod(&["--card", "demo", "info"]).success();
    told.says(r"\User\bare: ").says("the lengths of mask and ATR must be equal");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn an_entry_is_carried_over_as_it_is() {
    let home = Registered::new("carried");
    let entry = ["module", "register", r"C:\windows\System32\carried.dll", "--name", "Carried", "--no-check"];
    let options = ["--atr", "3b0451ff0800", "--crypto-provider", "A maker's", "--key-storage-provider", ""];
    home.cardmod(&[&entry[..], &options[..]].concat()).success();
    let reg = |words: &[&str]| {
        let made = home.json(&[&["module", "reg", "--from-entry", "Carried"], words].concat());
        made["reg"].as_str().expect("the file").to_owned()
    };
    let text = reg(&["--wow64"]);
    assert_eq!(text.matches("\"80000001\"=\"carried.dll\"").count(), 2, "{text}");
    assert!(text.contains("\"Crypto Provider\"=\"A maker's\"") && !text.contains("Key Storage"), "{text}");
    let text = reg(&["--crypto-provider", "", "--key-storage-provider", "Named"]);
    assert!(!text.contains("Crypto Provider"), "{text}");
    assert!(text.contains("\"Smart Card Key Storage Provider\"=\"Named\""), "{text}");
    home.cardmod(&["module", "register", "class", "--name", "Own", "--atr", "3b0451ff0800"]).success();
    home.cardmod(&["module", "inf", "--from-entry", "Own"])
        .exits_with(2)
        .says("msclmd.dll is Windows' own class driver");
}

/// The entries, without their places.
#[track_caller]
fn listed(home: &Registered) -> Value {
    let mut cards = home.json(&["module", "list"])["cards"].clone();
    for card in cards.as_array_mut().expect("a list") {
        card.as_object_mut().expect("an entry").remove("key");
    }
    cards
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn what_the_files_install_is_what_is_registered() {
    let home = Registered::new("files");
    let name = format!("cardmodtest{}.dll", std::process::id());
    home.module(&name);
    let what = [name.as_str(), "--name", "A card, [1] ü", "--atr", "3b0451ff0800", "--mask", "ffffffffff00"];
    home.cardmod(&[&["module", "reg"], &what[..], &["--out", "a.reg"]].concat()).success();
    home.cardmod(&[&["module", "inf"], &what[..], &["--out", "a.inf"]].concat()).success();
    let exchanged = |file: &str, from: [&str; 2], root: &str| {
        let units: Vec<u16> =
            home.desk.read(file).chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        let text = String::from_utf16(&units).expect("UTF-16, since a name is not ASCII");
        assert!(text.starts_with('\u{feff}') && text.contains(from[0]) && text.contains(from[1]), "{text}");
        let text = text.replace(from[0], root).replace(from[1], &format!(r"{}\System", home.key));
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        home.desk.write(file, &bytes);
    };
    exchanged("a.reg", ["HKEY_LOCAL_MACHINE", SMART_CARDS], "HKEY_CURRENT_USER");
    exchanged("a.inf", ["HKLM,", SMART_CARDS], "HKCU,");
    let register = ["module", "register", &format!(r"C:\windows\System32\{name}"), "--system", "--no-check"];
    home.cardmod(&[&register[..], &what[1..]].concat()).success();
    let expected = listed(&home);
    assert_eq!(expected.as_array().map(Vec::len), Some(1));
    home.cardmod(&["module", "unregister", "A card, [1] ü", "--system"]).success();
    let none = Value::Array(Vec::new());
    for (tool, words) in [("reg.exe", ["import", "a.reg"]), ("regedit.exe", ["/S", "a.reg"])] {
        assert_eq!(listed(&home), none);
        home.tool(tool, &words).success();
        assert_eq!(listed(&home), expected, "{tool}");
        home.cardmod(&["module", "unregister", "A card, [1] ü", "--system"]).success();
    }
    let inf = windows(&home.desk.path("a.inf"));
    let section = |section: &str| {
        home.tool("rundll32.exe", &["setupapi,InstallHinfSection", section, "128", &inf]).success();
    };
    section("DefaultInstall");
    assert_eq!(listed(&home), expected, "the INF");
    // It was copied there, or this would not find it.
    let installed = format!(r"C:\windows\System32\{name}");
    home.cardmod(&["--card", "demo", "--module", &installed, "info"]).success().says("named by the caller");
    section("DefaultUninstall");
    assert_eq!(listed(&home), none);
    home.cardmod(&["--card", "demo", "--module", &installed, "info"]).exits_with(1).says("does not exist");
}
