//! `cardmod doctor`: every state a card can be in has its line, its advice and its exit code.
#![forbid(unsafe_code)]

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use common::{Home, Outcome};
use serde_json::Value;

/// The program without real readers, which are none of the tests' business.
fn doctor(home: &Home, options: &str) -> Outcome {
    Outcome::of(home.cardmod(&format!("{options} doctor")).env("CARDMOD_PCSC_SYSTEM", "none"))
}

/// The finding of this check whose message contains `words`.
#[track_caller]
fn finding(document: &Value, check: &str, words: &str) -> Value {
    let findings = document["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| {
        finding["check"] == check && finding["message"].as_str().is_some_and(|text| text.contains(words))
    });
    found.unwrap_or_else(|| panic!("no {check} with {words:?} in {document:#}")).clone()
}

/// Runs it and looks for one finding.
#[track_caller]
fn finds(home: &Home, options: &str, exit: i32, (check, result, words): (&str, &str, &str)) -> Value {
    let document = doctor(home, &format!("{options} --json")).exits(exit).json();
    let found = finding(&document, check, words);
    assert_eq!(found["result"], result, "{found}");
    if result != "good" {
        assert!(found["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "no advice: {found}");
    }
    // People get the same line.
    let mark = [("good", "✓"), ("warning", "!"), ("fault", "✗")].iter().find(|(word, _)| *word == result);
    let line = format!("{} {}", mark.expect("a mark").1, found["message"].as_str().expect("text"));
    doctor(home, options).exits(exit).says(&line);
    document
}

#[test]
fn a_card_that_works() {
    let home = Home::with_key("p256");
    home.run("--card demo container default web --pin-env PIN").succeeds();
    home.run("--card demo cert self-sign --container web --subject CN=web --store --pin-env PIN").succeeds();
    let document = finds(&home, "", 0, ("certificate", "good", "CN=web"));
    for (check, words) in [
        ("environment", "virtual cards are kept in"),
        ("virtual-card", "demo: its image is whole"),
        ("reader", "a card"),
        ("atr", "T=1, historical bytes"),
        ("module", "built-in class module"),
        ("open", "version 7"),
        ("application", "GIDS"),
        ("identity", "cardid"),
        ("counters", "cardcf"),
        ("access", "read and written"),
        ("space", "29 containers"),
        ("pin", "the user PIN has 3 tries left"),
        ("container-map", "says what is on the card"),
    ] {
        assert_eq!(finding(&document, check, words)["result"], "good");
    }
    // Only that real readers are switched off, for this test.
    let warnings = |finding: &&Value| finding["result"] != "good";
    let others: Vec<&Value> =
        document["findings"].as_array().expect("them").iter().filter(warnings).collect();
    assert_eq!(others.len(), 1, "{others:?}");
    assert_eq!((&document["result"], &others[0]["check"]), (&"warning".into(), &"pcsc-library".into()));
}

#[test]
fn nothing_there_at_all() {
    let home = Home::new();
    finds(&home, "", 3, ("readers", "fault", "no such reader"));
    finds(&home, "--card other", 3, ("readers", "fault", "no such reader"));
    let with = |library: &str, socket: &str| {
        let mut command = home.cardmod("doctor");
        Outcome::of(command.env("CARDMOD_PCSC_SYSTEM", library).env("PCSCLITE_CSOCK_NAME", socket)).exits(3)
    };
    with("/no/such/library.so", "").says("! the system has no PC/SC library").says("/no/such/library.so");
    doctor(&home, "").exits(3).says("! real readers are switched off");
}

/// The real library, whose service is not there: pcsc-lite's has a socket.
#[cfg(unix)]
#[test]
fn a_service_that_is_not_there() {
    let home = Home::new();
    let nowhere = home.path("no-socket").display().to_string();
    let mut command = home.cardmod("doctor");
    let told =
        Outcome::of(command.env_remove("CARDMOD_PCSC_SYSTEM").env("PCSCLITE_CSOCK_NAME", &nowhere)).exits(3);
    told.says("! the service does not answer").says(&format!("{nowhere} is not there")).says("pcscd.socket");
}

#[test]
fn a_reader_without_a_card() {
    let home = Home::with_card();
    home.run("card eject demo").succeeds();
    let document = finds(&home, "", 4, ("card", "fault", "no reader holds a card"));
    let ejected = finding(&document, "virtual-card", "it is ejected");
    assert_eq!(ejected["advice"], "cardmod card insert demo puts it back");
}

#[test]
fn pins_that_are_blocked_or_nearly() {
    let home = Home::with_card();
    home.run("--card demo pin verify --pin-env WRONG").exits(5);
    home.run("--card demo pin verify --pin-env WRONG").exits(5);
    finds(&home, "", 0, ("pin", "warning", "the user PIN has 1 try left"));
    home.run("--card demo pin verify --pin-env WRONG").exits(6);
    let document = finds(&home, "", 6, ("pin", "fault", "the user PIN is blocked"));
    let advice = finding(&document, "pin", "the user PIN is blocked")["advice"].clone();
    let advice = advice.as_str().expect("advice");
    assert!(advice.contains("with its PUK") && advice.contains("administrator key"), "{advice}");
}

#[test]
fn a_blocked_puk_costs_no_key() {
    let home = Home::with_card();
    for _ in 0..3 {
        home.run("--card demo pin unblock --puk-env WRONG --new-pin-env PIN");
    }
    let document = finds(&home, "", 0, ("pin", "warning", "the PUK (role 3) is blocked"));
    let advice = finding(&document, "pin", "the PUK")["advice"].clone();
    assert!(advice.as_str().is_some_and(|advice| advice.contains("go on working")), "{advice}");
}

#[test]
fn a_blank_card_is_told_once() {
    let home = Home::new();
    home.run("card new demo --blank").succeeds();
    let document = finds(&home, "", 1, ("identity", "fault", "could not tell its identity"));
    let findings = document["findings"].as_array().expect("findings");
    let faults = findings.iter().filter(|finding| finding["result"] == "fault").count();
    assert_eq!(faults, 1, "{document:#}");
    home.run("info").exits(1).says("a blank card is like that");
}

#[test]
fn maps_and_images_that_are_damaged() {
    let home = Home::with_key("p256");
    home.write("broken", &[7; 50]);
    home.run("--card demo file read mscp/cmapfile --out map").succeeds();
    home.run("--card demo file write mscp/cmapfile --in broken --pin-env PIN").succeeds();
    let document = finds(&home, "", 1, ("container-map", "fault", "is damaged"));
    let advice = finding(&document, "container-map", "is damaged")["advice"].clone();
    assert!(advice.as_str().is_some_and(|advice| advice.contains("container rebuild")), "{advice}");
    home.run("--card demo file write mscp/cmapfile --in map --pin-env PIN").succeeds();
    finds(&home, "", 0, ("container-map", "good", "says what is on the card"));
    let image = home.run("card list --json").succeeds().json()["cards"][0]["path"].clone();
    std::fs::write(image.as_str().expect("a path"), b"this is no image").expect("a file");
    finds(&home, "", 1, ("virtual-card", "fault", "card.image"));
}

#[test]
fn a_card_that_is_plugged_in_elsewhere() {
    let home = Home::with_card();
    let driver = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = driver.local_addr().expect("an address");
    let mut program = home.cardmod(&format!("card plug demo --address {address}"));
    let mut program = program.stdout(Stdio::piped()).spawn().expect("the program");
    let (mut stream, _) = driver.accept().expect("a connection");
    stream.write_all(&[0, 1, 4]).expect("the card listens");
    let mut length = [0; 2];
    stream.read_exact(&mut length).expect("a length");
    stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes(length))]).expect("an ATR");
    let document = finds(&home, "", 1, ("open", "fault", "plugged"));
    let text = format!("plugged into {}", cardmod_virtual::PCSC_SERVICE);
    assert_eq!(finding(&document, "virtual-card", &text)["result"], "warning");
    drop(stream);
    assert!(program.wait().expect("it ends").success());
}

#[test]
#[cfg_attr(windows, ignore = "a Unix shell sets the limit")]
fn no_room_on_the_disk() {
    let home = Home::with_card();
    let line = "trap '' XFSZ; ulimit -f 2; CARDMOD_PCSC_SYSTEM=none \"$CARDMOD\" doctor";
    home.shell(line).exits(1).says("✗ the image").says("nothing can be written to this card");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn certificates_without_key_of_another_key_expired_and_missing() {
    let home = Home::with_key("p256");
    finds(
        &home,
        "",
        0,
        ("certificate", "warning", "container \"web\", key for sign: there is no certificate"),
    );
    home.generate("mail", "p256").succeeds();
    for name in ["web", "mail"] {
        let line = format!(
            "--card demo cert self-sign --container {name} --subject CN={name} --store --pin-env PIN"
        );
        home.run(&line).succeeds();
    }
    home.run("--card demo file read mscp/ksc00 --out certificate").succeeds();
    home.run("--card demo file write mscp/ksc01 --in certificate --pin-env PIN").succeeds();
    finds(
        &home,
        "",
        1,
        (
            "certificate",
            "fault",
            "container \"mail\", key for sign: the certificate of CN=web is for another key",
        ),
    );
    home.run("--card demo container delete mail --pin-env PIN").succeeds();
    home.run("--card demo file write mscp/ksc01 --in certificate --pin-env PIN").succeeds();
    finds(&home, "", 0, ("certificate", "warning", "container 1 has a certificate (sign) and no key"));
    home.run("--card demo cert request --container web --subject CN=web --out web.csr --pin-env PIN")
        .succeeds();
    home.write("ca.cnf", b"[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n");
    home.write("index.txt", b"");
    home.write("serial", b"01\n");
    let ca = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca";
    home.tool(ca).succeeds();
    let issue = "openssl ca -batch -config ca.cnf -in web.csr -keyfile ca.key -cert ca.pem -out web.pem \
                 -startdate 20010101000000Z -enddate 20020101000000Z";
    home.tool(issue).succeeds();
    home.run("--card demo cert import --container web web.pem --pin-env PIN").succeeds();
    finds(&home, "", 0, ("certificate", "warning", "expired"));
}

#[test]
#[cfg_attr(windows, ignore = "a C compiler of this system makes the modules")]
fn modules_that_do_not_serve_the_card() {
    let home = Home::with_card();
    let atr = home.run("--card demo info --json").succeeds().json()["card"]["atr"].clone();
    let atr = atr.as_str().expect("an ATR");
    common::class_module();
    home.run(&format!("module register /no/such.so --name gone --atr {atr} --no-check")).succeeds();
    home.run(&format!("module register class --name second --system --atr {atr}")).succeeds();
    home.write("config/cardmod/cards.d/bad.toml", b"[[card]]\nname = 1\n");
    let document = finds(&home, "", 1, ("open", "fault", "\"gone\""));
    assert_eq!(finding(&document, "registry", "bad.toml:2")["result"], "warning");
    assert_eq!(finding(&document, "module", "\"second\"")["result"], "warning");
    home.run("module unregister gone").succeeds();
    finds(&home, "", 0, ("module", "good", "registered as \"second\""));
    let found = doctor(&home, "--application piv --json").exits(1).json();
    assert_eq!(finding(&found, "open", "does not know this card")["result"], "fault");
    // A module that takes no card at all.
    home.write(
        "no.c",
        b"unsigned CardAcquireContext(void *d, unsigned f) { (void)d; (void)f; return 0x8010000Du; }",
    );
    let mut build = Command::new("cc");
    build.args(["-shared", "-fPIC", "-o"]).arg(home.path("no.so")).arg(home.path("no.c"));
    assert!(build.status().expect("a C compiler").success());
    let line = format!("--card demo --module {}", home.path("no.so").display());
    finds(&home, &line, 1, ("open", "fault", "does not know this card"));
}

#[test]
#[cfg_attr(windows, ignore = "permission bits are those of Unix")]
fn a_cache_that_others_could_write() {
    let home = Home::with_card();
    let run = |set: &[(&str, &str)]| {
        let mut command = home.cardmod("doctor");
        Outcome::of(
            command.env("CARDMOD_PCSC_SYSTEM", "none").env_remove("CARDMOD_CACHE").envs(set.iter().copied()),
        )
        .succeeds()
    };
    run(&[("CARDMOD_CACHE", "off")]).says("✓ nothing is kept across runs");
    let directory = home.path("cache").display().to_string();
    run(&[("CARDMOD_CACHE_DIR", &directory)]).says("✓");
    std::fs::remove_dir_all(&directory).ok();
    std::fs::create_dir(&directory).expect("a folder");
    assert!(Command::new("chmod").args(["777", &directory]).status().expect("chmod").success());
    run(&[("CARDMOD_CACHE_DIR", &directory)]).says("! the cache").says("others may write it (mode 777)");
}
