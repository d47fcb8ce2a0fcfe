//! The module registry through the program: which module serves which card, and what is said where the
//! registered one cannot.
#![forbid(unsafe_code)]

mod common;

use std::path::Path;
use std::process::Command;

use common::{Home, class_module};
use serde_json::Value;

/// The ATR of the card `demo`, as `info` tells it.
fn atr(home: &Home) -> String {
    let document = home.run("--card demo info --json").succeeds().json();
    document["card"]["atr"].as_str().expect("an ATR").to_owned()
}

/// The path as an entry keeps it: whole, and on Windows in the form that programs write.
fn whole(path: &Path) -> String {
    let path = if cfg!(windows) { std::path::absolute(path) } else { path.canonicalize() };
    path.expect("the module").display().to_string()
}

fn compile(home: &Home, name: &str, source: &str) -> String {
    let (file, library) = (home.path(&format!("{name}.c")), home.path(&format!("{name}.so")));
    std::fs::write(&file, source).expect("a file can be written");
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file).status();
    assert!(built.expect("a C compiler").success(), "{name}.c does not compile");
    library.display().to_string()
}

#[test]
fn a_registered_module_serves_its_cards() {
    let home = Home::with_key("p256");
    let module = whole(&class_module());
    // The file of the entry, or Windows' registry key.
    let place = if cfg!(windows) { r"\User\Demo" } else { "config/cardmod/cards.d/demo.toml" };
    home.run("module match").succeeds().says("built-in class module").says("no entry");
    let line = format!("--card demo module register {module} --name Demo");
    home.run(&line).succeeds().says(place);
    home.run(&line).exits(1).says("registered already").says("--replace");
    home.run(&format!("{line} --replace")).succeeds();
    let info = home.run("--card demo info --json").succeeds().json();
    let rule = info["module"]["chosen_by"].as_str().expect("a rule");
    assert!(rule.starts_with("registered as \"Demo\" (") && rule.contains(place), "{rule}");
    assert_eq!(info["card"]["name"], "Demo");
    assert_eq!(info["containers"][0]["name"], "web");
    // A real use of the key through it.
    home.run("--card demo sign --container web --in data --out sig --pin-env PIN").succeeds();
    home.run("--card demo verify --container web --in data --signature sig").succeeds();
    let list = home.run("module list --json").succeeds().json();
    assert_eq!(list["cards"][0]["module"], Value::from(module.clone()));
    assert_eq!((&list["cards"][0]["scope"], &list["problems"]), (&"user".into(), &Value::Array(vec![])));
    home.run("module list").succeeds().says("Demo").says("any other");
    home.run("module unregister Demo --system")
        .exits(1)
        .says("no entry of the system")
        .says("without --system");
    home.run("module unregister Demo").succeeds();
    home.run("--card demo info").succeeds().says("none is registered");
}

#[test]
fn the_first_entry_wins_and_the_others_are_named() {
    let home = Home::with_card();
    let atr = atr(&home);
    let spaced =
        atr.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair)).collect::<Vec<_>>().join(":");
    let module = class_module().display().to_string();
    let register = |options: &str| home.run(&format!("module register {options} --atr {spaced}")).succeeds();
    register(&format!("{module} --name system --system"));
    register("class --name user");
    let found = home.run("--card demo module match --json").succeeds().json();
    assert_eq!((&found["entry"]["name"], &found["rule"]), (&"user".into(), &"registered".into()));
    assert_eq!(found["others"][0]["name"], "system");
    home.run(&format!("module match --atr {atr}")).succeeds().says("would match").says("\"system\" too");
    home.run("--card demo info").succeeds().says("registered as \"user\"").says("built-in class module");
    // The environment goes before both.
    home.write("first.toml", format!("[[card]]\nname='first'\natr='{atr}'\nmodule='class'\n").as_bytes());
    let mut command = home.cardmod("--card demo module match");
    common::Outcome::of(command.env("CARDMOD_CARDS", home.path("first.toml"))).succeeds().says("\"first\" (");
    // A mask takes in cards of several kinds.
    home.run("module register class --name wide --atr 3b8d --mask ff00").succeeds();
    home.run("module match --atr 3b77").succeeds().says("\"wide\"");
    home.run("module match --atr 3c77").succeeds().says("no entry");
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn an_entry_that_leads_nowhere_is_named_with_its_file() {
    let home = Home::with_card();
    let atr = atr(&home);
    let empty = compile(&home, "empty", "int something_else(void) { return 0; }");
    class_module();
    for (module, words) in [("/no/such/module.so", "does not exist"), (empty.as_str(), "CardAcquireContext")]
    {
        home.run(&format!("module register {module} --name bad --atr {atr}")).exits(1).says(words);
        home.run(&format!("module register {module} --name bad --atr {atr} --no-check")).succeeds();
        let failed = home.run("--card demo info").exits(1);
        failed.says("\"bad\"").says("bad.toml:2").says(words).says("module unregister");
        let document = home.run("--card demo info --json").exits(1).json();
        assert_eq!(document["error"]["code"], "module-load");
        // Who names a module is not troubled by what is registered.
        let named = class_module().display().to_string();
        home.run(&format!("--card demo info --module {named}")).succeeds().says("named by the caller");
        home.run("module unregister bad").succeeds();
    }
    // What is said to take it out does so.
    home.run(&format!("module register /no/such.so --name bad --atr {atr} --no-check --system")).succeeds();
    home.run("--card demo info").exits(1).says("module unregister \"bad\" --system takes it out");
    let mut doctor = home.cardmod("--card demo doctor");
    let told = common::Outcome::of(doctor.env("CARDMOD_PCSC_SYSTEM", "none"));
    told.says("module unregister \"bad\" --system takes it out");
    home.run("module unregister bad --system").succeeds();
    home.write("named.toml", format!("[[card]]\nname='bad'\natr='{atr}'\nmodule='/no/such.so'\n").as_bytes());
    let mut info = home.cardmod("--card demo info");
    let told = common::Outcome::of(info.env("CARDMOD_CARDS", home.path("named.toml"))).exits(1);
    told.says("named.toml, which CARDMOD_CARDS names");
    let folder = home.folder().display().to_string();
    home.run(&format!("module register {folder} --name bad --atr {atr}")).exits(1).says("is a folder, not a");
    home.run("--card demo info --module nowhere.so").exits(1).says(&format!("{folder}/nowhere.so"));
}

/// A library's file with its machine changed: byte 18 of an ELF header, and the width in byte 4.
fn for_another_machine(home: &Home, library: &str, name: &str, changes: &[(usize, u8)]) -> String {
    let mut bytes = std::fs::read(library).expect("the library");
    for (at, byte) in changes {
        bytes[*at] = *byte;
    }
    home.write(name, &bytes);
    home.path(name).display().to_string()
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn a_module_for_another_machine_is_told_in_words() {
    let home = Home::with_card();
    let atr = atr(&home);
    class_module();
    let library = compile(&home, "plain", "int CardAcquireContext(void *data, int flags) { return 0; }");
    // EM_AARCH64 (183), or EM_X86_64 (62) where this is run on one.
    let machine = if cfg!(target_arch = "aarch64") { 62 } else { 183 };
    let other = for_another_machine(&home, &library, "other.so", &[(18, machine)]);
    let line = format!("module register {other} --name other --atr {atr}");
    home.run(&line).exits(1).says("library; this program is a 64-bit").says("other.so is a 64-bit");
    home.run(&format!("{line} --no-check")).succeeds();
    home.run("--card demo info").exits(1).says("\"other\"").says("library; this program is a");
    // A Windows library on this system, as far as its first bytes tell: MZ, the PE header at 0x40.
    let mut dll = vec![0; 1024];
    dll[..2].copy_from_slice(b"MZ");
    dll[0x3C] = 0x40;
    dll[0x40..0x46].copy_from_slice(b"PE\0\0\x64\x86");
    dll[0x54] = 240;
    dll[0x58..0x5A].copy_from_slice(&[0x0B, 0x02]);
    dll[0x58 + 108] = 16;
    home.write("module.dll", &dll);
    let windows = home.path("module.dll").display().to_string();
    home.run(&format!("--module {windows} --card demo info"))
        .exits(1)
        .says("64-bit (x86-64) Windows library");
    home.write("text.so", b"this is no library at all, and longer than any header is");
    let text = home.path("text.so").display().to_string();
    home.run(&format!("--module {text} --card demo info")).exits(1).says("is not a library");
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn doctor_walks_the_registered_modules() {
    let home = Home::with_card();
    let atr = atr(&home);
    let module = class_module().display().to_string();
    let empty = compile(&home, "empty", "int something_else(void) { return 0; }");
    let entry = |name: &str, module: &str, atr: &str| {
        home.run(&format!("module register {module} --name {name} --atr {atr} --no-check")).succeeds();
    };
    entry("good", &module, "3b01");
    entry("gone", "/no/such/module.so", "3b02");
    entry("empty", &empty, "3b03");
    // One byte of this card's ATR is another.
    let near = format!("{}00", &atr[..atr.len() - 2]);
    entry("near", "class", &near);
    let mut command = home.cardmod("--card demo doctor");
    let told = common::Outcome::of(command.env("CARDMOD_PCSC_SYSTEM", "none")).succeeds();
    let told =
        told.says("Module registry").says("\"good\": ").says("is a card module for this kind of program");
    let told = told.says("\"gone\": /no/such/module.so does not exist").says("module unregister");
    let told = told.says("\"empty\": ").says("exports no CardAcquireContext");
    told.says("\"near\" (").says("nearly for this card: byte 19");
    let document = home.run("module list --json").succeeds().json();
    assert_eq!(document["cards"].as_array().map(Vec::len), Some(4));
}

#[test]
fn plug_and_play_ids() {
    let home = Home::with_card();
    let id = home.run("--card demo module pnp-id -q").succeeds();
    assert_eq!(id.stdout, b"SCFILTER\\CID_8073C001C067636172646D6F64\n");
    home.run("module pnp-id --atr 3b0451ff0800").succeeds().says("SCFILTER\\CID_51FF0800");
    home.run("module pnp-id --atr 3b0451ff08").exits(2).says("ends too early");
    home.run("module pnp-id --atr 3b0451ff080011").exits(2).says("bytes follow");
    home.run("module pnp-id --atr 3b8101ff00").exits(2).says("check character");
    home.run("module pnp-id --atr 3b00").exits(1).says("no historical bytes");
}

#[test]
fn a_bad_file_is_told_and_the_others_are_used() {
    let home = Home::with_card();
    home.run("--card demo module register class --name good").succeeds();
    let directory = home.path("config/cardmod/cards.d");
    std::fs::create_dir_all(&directory).expect("a folder");
    std::fs::write(directory.join("a.toml"), "[[card]]\nname = 'x'\natr = '3B 8'\nmodule = 'm'\n")
        .expect("a file");
    home.run("--card demo info").succeeds().says("a.toml:3: ").says("odd").says("registered as \"good\"");
    let list = home.run("module list --json").succeeds().json();
    assert_eq!(list["problems"][0]["line"], 3);
    assert_eq!(list["cards"].as_array().map(Vec::len), Some(1));
    home.run("module register class --name x --atr 3b8").exits(2);
    home.run("module register class --name x --atr 3b80 --mask ff").exits(2).says("equal");
    home.run("module register class --name x --atr 3b").exits(2).says("2 to 33 bytes");
    home.run("module match --atr 3b").exits(2).says("2 to 33 bytes, not 1");
    // Four historical bytes are announced, and none is there.
    home.run("module register class --name x --atr 3b04").succeeds().says("no whole answer to reset");
    home.run("module register class --name y --atr 3b0451ff0800").succeeds().never_says("no whole");
}

#[test]
fn without_the_shared_library_only_cards_that_need_it_are_refused() {
    let home = Home::with_card();
    let atr = atr(&home);
    let module = class_module().display().to_string();
    home.run(&format!("module register {module} --name other --atr 3b0102")).succeeds();
    // A copy of the program with nothing beside it.
    std::fs::create_dir_all(home.path("alone/bin")).expect("a folder");
    let alone = home.path("alone/bin/cardmod");
    std::fs::copy(Path::new(env!("CARGO_BIN_EXE_cardmod")), &alone).expect("a copy");
    let words = format!("{} --card demo info", alone.display());
    home.tool(&words).succeeds().says("none is registered");
    home.run(&format!("module register {module} --name demo --atr {atr}")).succeeds();
    home.tool(&words).exits(1).says("\"demo\"").says("winscard").says("is not beside cardmod");
    let named = format!("{} --card demo --module {module} info", alone.display());
    home.tool(&named).exits(1).says("is not beside cardmod").says("from the package");
    home.run("--card demo info").succeeds().says("registered as \"demo\"");
}

#[test]
fn an_application_is_chosen_by_name() {
    let home = Home::with_card();
    let info = home.run("--card demo --application gids info --json").succeeds().json();
    assert_eq!(info["card"]["name"], "Identity Device (Microsoft Generic Profile)");
    home.run("--card demo --application piv info")
        .exits(1)
        .says("does not know this card")
        .says("without --application the module chooses");
    home.run("--card demo --application openpgp info").exits(2);
    let module = class_module().display().to_string();
    home.run(&format!("--card demo --application piv --module {module} info")).exits(1).says("--application");
}
