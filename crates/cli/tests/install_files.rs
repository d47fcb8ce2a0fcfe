//! The files that install a card module on Windows, made on any system.
#![forbid(unsafe_code)]

mod common;

use common::Home;

/// Any ATR with historical bytes.
const ATR: &str = "--atr 3b0451ff0800";

/// The text of a `.reg` file.
fn reg_file(home: &Home, name: &str) -> String {
    let bytes = home.read(name);
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    String::from_utf16(&units).expect("UTF-16")
}

/// What `module reg` with these words writes.
fn registered(home: &Home, words: &str) -> String {
    home.run(&format!("module reg {words} {ATR} --name Example --out x.reg")).succeeds();
    reg_file(home, "x.reg")
}

#[test]
fn files_that_install_on_windows() {
    let home = Home::with_card();
    let inf =
        "module inf example.dll --name Example --atr 3b0451ff0800 --x86 example32.dll --arm64 examplearm.dll";
    let dated = format!("{inf} --version 2.1 --date 2026-02-03 --maker Maker");
    home.run(&format!("{dated} --out a.inf")).succeeds();
    home.run(&format!("{dated} --out b.inf")).succeeds();
    let text = String::from_utf8(home.read("a.inf")).expect("ASCII");
    assert_eq!(home.read("b.inf"), text.as_bytes(), "the same each time");
    for words in
        ["DriverVer=02/03/2026,2.1.0.0", "NTamd64,NTamd64.6.1,NTx86,NTx86.6.1,NTarm64", "example.cat"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let mut built = home.cardmod(inf);
    let built = common::Outcome::of(built.env("SOURCE_DATE_EPOCH", "86400")).succeeds();
    assert!(String::from_utf8_lossy(&built.stdout).contains("DriverVer=01/02/1970,1.0.0.0"));
    let mut built = home.cardmod(inf);
    common::Outcome::of(built.env("SOURCE_DATE_EPOCH", "yesterday")).exits(2).says("SOURCE_DATE_EPOCH");
    home.run(&format!("{inf} --mask ff")).exits(2).says("equal");
    home.run("module inf --atr 3b0451ff0800").exits(2).says("no card module is named");
    home.run("module inf x.dll --name a\\b --atr 3b0451ff0800").exits(2).says("backslash");
    home.run("module inf x.dll --name 5% --atr 3b0451ff0800").exits(2).says("percent");
    // A file of another name may be there, and then must be a card module for Windows.
    home.write("here.dll", b"nothing of the kind");
    home.run("module inf here.dll --atr 3b0451ff0800").exits(1).says("is no library");
    // What is registered can be carried over.
    home.run("--card demo module register class --name mine").succeeds();
    home.run("module reg --from-entry mine --out mine.reg").succeeds();
    let text = reg_file(&home, "mine.reg");
    assert!(text.starts_with("\u{feff}Windows Registry Editor Version 5.00\r\n"), "{text}");
    assert!(
        text.contains("\\Calais\\SmartCards\\mine]") && text.contains("\"80000001\"=\"msclmd.dll\""),
        "{text}"
    );
    home.run("module reg --from-entry other").exits(1).says("no entry");
    let own = home.run("module inf --from-entry mine").exits(2);
    own.says("msclmd.dll is Windows' own class driver").says("cardmod module inf class");
    home.run("module inf msclmd.dll --atr 3b0451ff0800").exits(2).says("Windows' own class driver");
    home.run("--card demo module register mine.dll --no-check --name library").succeeds();
    home.run("module inf --from-entry library").succeeds().says("SCFILTER\\CID_8073C001C067636172646D6F64");
    home.run("module register wide.dll --no-check --name wide --atr 3b0441424344 --mask ffffffff0000")
        .succeeds();
    home.run("module inf --from-entry wide").exits(2).says("--hardware-id");
    home.run("module inf --from-entry wide --hardware-id SCFILTER\\CID_4142").succeeds().says("CID_4142");
    if cfg!(not(windows)) {
        home.run("module list --wow64").exits(2).says("Windows' registry");
        home.run(&format!("module match --wow64 {ATR}")).exits(2).says("Windows' registry");
    }
}

#[test]
fn a_registered_module_is_an_absolute_path_or_a_name() {
    let home = Home::new();
    for (given, value) in [
        (r".\mycard.dll", "mycard.dll"),
        (r"..\..\evil.dll", "evil.dll"),
        ("build/mycard.dll", "mycard.dll"),
        (r"C:\Windows\System32\mycard.dll", "mycard.dll"),
        (r"C:\cards\mycard.dll", r"C:\\cards\\mycard.dll"),
        (r"\\server\cards\mycard.dll", r"\\\\server\\cards\\mycard.dll"),
    ] {
        let text = registered(&home, given);
        assert!(text.contains(&format!("\r\n\"80000001\"=\"{value}\"\r\n")), "{given}: {text}");
    }
    let told = home.run(&format!(r"module reg .\mycard.dll {ATR} --out x.reg")).succeeds();
    told.says(r".\mycard.dll becomes mycard.dll in Windows' system folder").says("wrote x.reg");
    let told = home.run(&format!(r"module reg .\mycard.dll {ATR} --out x.reg --quiet")).succeeds();
    assert_eq!(told.stderr, "");
    for none in [r"C:mycard.dll", r"cards\.."] {
        home.run(&format!("module reg {none} {ATR}")).exits(2).says("nor a file of Windows' system folder");
    }
}

#[test]
fn each_width_gets_a_file_of_its_own() {
    let home = Home::new();
    let text = registered(&home, "mycard.dll --wow64");
    assert_eq!(text.matches("=\"mycard.dll\"").count(), 2, "{text}");
    let text = registered(&home, r"C:\Windows\System32\mycard.dll --wow64");
    assert_eq!(text.matches("=\"mycard.dll\"").count(), 2, "{text}");
    home.run(&format!(r"module reg C:\x\mycard.dll --wow64 {ATR}"))
        .exits(2)
        .says("programs of 64 and of 32 bits need one each")
        .says("--x86");
    let text = registered(&home, r"C:\x\mycard.dll --wow64 --x86 C:\x\mycard32.dll");
    let (own, wow) = text.split_once("WOW6432Node").expect("both");
    assert!(own.contains(r"x\\mycard.dll") && wow.contains(r"x\\mycard32.dll"), "{text}");
    registered(&home, r"C:\x\mycard.dll --wow64 --remove");
    let package = format!("module inf mycard.dll {ATR} --x86 my32.dll --amd64 mycard.dll --arm64 myarm.dll");
    let inf = home.run(&package).succeeds();
    let inf = String::from_utf8_lossy(&inf.stdout).into_owned();
    assert_eq!(inf.matches("\r\nCopyFiles=arm64_CopyFiles,wow64_CopyFiles\r\n").count(), 2, "{inf}");
}

#[test]
fn paths_of_windows_are_taken_on_every_system() {
    let home = Home::new();
    let inf = home.run(&format!(r"module inf C:\x\mycard.dll {ATR} --x86 D:\y\mycard32.dll")).succeeds();
    let inf = String::from_utf8_lossy(&inf.stdout).into_owned();
    for line in ["mycard.dll=1", "mycard32.dll=1", "CatalogFile=mycard.cat", "Module=\"mycard.dll\""] {
        assert!(inf.lines().any(|known| known == line), "{line}: {inf}");
    }
}

#[test]
fn whose_cards_the_class_module_is_for_is_told() {
    let home = Home::new();
    let mut named = home.cardmod("module inf class --out x.inf --name");
    let named = common::Outcome::of(named.arg("Our badge")).succeeds();
    named.says("cardmod's virtual cards").says("--atr").says("wrote x.inf");
    let own = home.run("module inf class --out x.inf").succeeds();
    assert_eq!(own.stderr, "wrote x.inf\n");
    let given = home.run(&format!("module inf class --name badge {ATR} --out x.inf")).succeeds();
    assert_eq!(given.stderr, "wrote x.inf\n");
}
