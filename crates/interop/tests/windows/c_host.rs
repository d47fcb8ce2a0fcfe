//! `cardmod_class.dll` in the hands of a host written in C (`fixtures/c-host`): a stranger to everything of
//! cardmod's but the header. The host checks what it gets and prints verdicts; signatures, keys and cryptograms
//! go to Linux' OpenSSL.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use cardmod_interop::{Outcome, run};
use cardmod_types::PublicKey;

use crate::desk::{Desk, program, windows};

const PUK: &str = "87654321";
const ADMIN_KEY: &str = "0102030405060708090a0b0c0d0e0f101112131415161718";
const READER: &str = "Cardmod Virtual Reader (demo) 00 00";

#[test]
#[ignore = "run by cargo xtask windows"]
fn every_function_is_walked() {
    let desk = with_gids_card();
    let walked = host(&desk, "walk", &[]).says("entries called: 44").says("both agree: yes");
    let judged = judge_signatures(&desk, &walked);
    assert_eq!(judged, ["rsa", "ecdsa", "exchange"]);
    assert_eq!(
        value(&walked, "with padding information"),
        section(&walked, "rsa")["signature"],
        "PKCS #1 v1.5 is PKCS #1 v1.5, however it is asked for"
    );
    decrypts(&desk, &section(&walked, "exchange")["key"]);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_piv_card_signs() {
    let desk = Desk::new();
    desk.wine("card new demo --type piv").success();
    desk.wine(
        "--card demo key generate --container 9a --algorithm p256 --management-key default --pin-env PIN",
    )
    .success();
    install(&desk);
    let signed = host(&desk, "piv", &[]);
    assert_eq!(judge_signatures(&desk, &signed), ["piv"]);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn nothing_is_written_beyond_the_version_asked_for() {
    let desk = with_gids_card();
    let outcome = host(&desk, "versions", &[]);
    for line in [
        "version 4 in 328 bytes: ok",
        "version 5 in 352 bytes: ok",
        "version 6 in 416 bytes: ok",
        "version 7 in 504 bytes: ok",
        "version 0: refused",
        "version 3: refused",
        "version 8: answered 7",
    ] {
        assert!(outcome.stdout.lines().any(|said| said.trim_end() == line), "{line}: {outcome}");
    }
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn memory_that_runs_out_is_told_of() {
    let desk = with_gids_card();
    let refused: u32 = value(&host(&desk, "memory", &[]), "allocations refused").parse().expect("a number");
    assert!(refused >= 1);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_context_is_deleted_after_the_end_was_announced() {
    let desk = with_gids_card();
    let outcome = host(&desk, "late", &[]);
    ends_in_order(&outcome);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_process_ends_with_a_call_running() {
    ends_in_calls(&with_gids_card());
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn a_thousand_loads_leave_nothing() {
    loads_leave_nothing(&with_gids_card(), "1000");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn contexts_that_nobody_deleted_go_with_the_library() {
    let desk = with_gids_card();
    nothing_grew(&host(&desk, "abandon", &[("CHOST_ROUNDS", "200")]));
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_host_is_compiled_for_32_bits_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    compile("i686-w64-mingw32-gcc", folder.path());
}

/// A home with a GIDS card `demo`, whose secrets are known, and the host.
fn with_gids_card() -> Desk {
    let desk = Desk::new();
    let words =
        ["card", "new", "demo", "--new-pin-env", "PIN", "--puk-env", "PUK", "--admin-key-env", "ADMIN_KEY"];
    let mut made = desk.wine_command(&words);
    desk.finish(made.env("PUK", PUK).env("ADMIN_KEY", ADMIN_KEY)).success();
    install(&desk);
    desk
}

/// The host's process ends with a call running: in the module, and on its way out of it.
#[track_caller]
pub(crate) fn ends_in_calls(desk: &Desk) {
    let inside = host(desk, "exit-in-call", &[("CHOST_INSIDE", "1")]);
    // the call that will never end has the context; who asks for it is told, and does not wait
    ends_in_order(&inside.says("asked after the end: 0x8010001f"));
    ends_in_order(&host(desk, "exit-in-call", &[("CHOST_INSIDE", "0")]));
}

/// The host loads, uses and unloads the module so many times.
#[track_caller]
pub(crate) fn loads_leave_nothing(desk: &Desk, rounds: &str) {
    nothing_grew(&host(desk, "growth", &[("CHOST_ROUNDS", rounds)]));
}

/// Puts the host into the home, and beside it the PC/SC library that it asks for by name.
pub(crate) fn install(desk: &Desk) {
    compile("x86_64-w64-mingw32-gcc", desk.folder());
    std::fs::copy(program("winscard.dll"), desk.path("winscard.dll")).expect("a copy");
}

/// Compiles program and library with every warning, against cardmod's header.
fn compile(compiler: &str, folder: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/c-host");
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sys/include");
    let mut names: Vec<PathBuf> = std::fs::read_dir(&sources)
        .expect("the host's sources")
        .map(|entry| entry.expect("a source").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "c") && !path.ends_with("late.c"))
        .collect();
    names.sort();
    let gcc = || {
        let mut gcc = Command::new(compiler);
        gcc.args(["-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-I"]).arg(&include);
        gcc
    };
    let libraries = ["-lbcrypt", "-lpsapi"];
    run(gcc().args(names).arg("-o").arg(folder.join("c-host.exe")).args(libraries)).success();
    let late = folder.join("late.dll");
    run(gcc().arg("-shared").arg(sources.join("late.c")).arg("-o").arg(late).arg("-luser32")).success();
}

/// One scenario, which must be content.
#[track_caller]
fn host(desk: &Desk, scenario: &str, settings: &[(&str, &str)]) -> Outcome {
    let mut command = desk.wine_program(&desk.path("c-host.exe"));
    command
        .arg(scenario)
        .env("CHOST_MODULE", windows(&program("cardmod_class.dll")))
        .env("CHOST_READER", READER)
        .env("CHOST_PIN", "123456")
        .env("CHOST_PUK", PUK)
        .env("CHOST_ADMIN_KEY", ADMIN_KEY)
        .envs(settings.iter().copied());
    let outcome = desk.finish(&mut command).success().says("verdict: ok");
    assert!(!outcome.stdout.contains("FAILED"), "{outcome}");
    outcome
}

#[track_caller]
fn ends_in_order(outcome: &Outcome) {
    let said: Vec<&str> = outcome.stdout.lines().map(str::trim_end).collect();
    let at = |line: &str| said.iter().position(|said| *said == line);
    let (told, ends, deleted) =
        (at("verdict: ok"), at("process ends: 0x00000001"), at("deleted after the end: 0x00000000"));
    assert!(told.is_some() && told < ends && ends < deleted, "{outcome}");
}

/// What can be counted is what it was; pages may differ by a few.
#[track_caller]
fn nothing_grew(outcome: &Outcome) {
    for name in [
        "blocks of the heap",
        "bytes of the heap",
        "threads",
        "threads of the module at work",
        "thread-local indices",
        "fiber-local indices",
        "next handle",
        "libraries",
    ] {
        assert_eq!(value(outcome, name), "+0", "{name}: {outcome}");
    }
    for name in ["private bytes", "working set"] {
        let more: i64 = value(outcome, name).parse().expect("a number");
        // a heap takes its pages in steps of 64 KiB; a page lost in each round is more than this
        assert!(more < 512 << 10, "{name}: {outcome}");
    }
}

/// What stands after `name: `, the first time.
#[track_caller]
fn value(outcome: &Outcome, name: &str) -> String {
    let line = outcome.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {name:?} in {outcome}")).trim_end().to_owned()
}

/// The lines of one signature: `key`, `hash`, `signature`.
fn section(outcome: &Outcome, name: &str) -> BTreeMap<String, String> {
    let start = format!("key of: {name}");
    let lines = outcome.stdout.lines().skip_while(|line| line.trim_end() != start).skip(1).take(3);
    lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()))
        .collect()
}

/// OpenSSL verifies every signature the host told of; answers their names.
fn judge_signatures(desk: &Desk, outcome: &Outcome) -> Vec<String> {
    let names = outcome.stdout.lines().filter_map(|line| line.strip_prefix("key of: "));
    let names: Vec<String> = names.map(|name| name.trim_end().to_owned()).collect();
    for name in &names {
        let told = section(outcome, name);
        let key = write_key(desk, &told["key"]);
        let mut signature = bytes(&told["signature"]);
        match key {
            // the interface's RSA numbers are little-endian
            PublicKey::Rsa(_) => signature.reverse(),
            PublicKey::Ec(_) => signature = der_signature(&signature),
        }
        desk.write("signature", &signature);
        desk.write("hash", &bytes(&told["hash"]));
        desk.tool(
            "openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -sigfile signature -in hash \
             -pkeyopt digest:sha256",
        )
        .success()
        .says("Signature Verified Successfully");
    }
    names
}

/// The card decrypts what OpenSSL encrypted for the key that the walk left on it.
fn decrypts(desk: &Desk, key: &str) {
    write_key(desk, key);
    desk.write("secret", b"known to both");
    desk.tool("openssl pkeyutl -encrypt -pubin -keyform DER -inkey key.der -in secret -out sealed").success();
    let sealed = hex(&desk.read("sealed"));
    let opened = host(desk, "decrypt", &[("CHOST_CRYPTOGRAM", &sealed)]);
    assert_eq!(value(&opened, "plaintext"), hex(b"known to both"));
}

/// A key as the interface has it, to `key.der` for OpenSSL.
fn write_key(desk: &Desk, blob: &str) -> PublicKey {
    let (key, _) = PublicKey::from_blob(&bytes(blob)).expect("a key blob");
    desk.write("key.der", &key.to_spki_der());
    key
}

/// `r‖s` as the SEQUENCE of two INTEGERs that OpenSSL reads.
fn der_signature(fixed: &[u8]) -> Vec<u8> {
    let (r, s) = fixed.split_at(fixed.len() / 2);
    let numbers = [integer(r), integer(s)].concat();
    [&[0x30, numbers.len() as u8], numbers.as_slice()].concat()
}

fn integer(number: &[u8]) -> Vec<u8> {
    let significant = number.iter().position(|byte| *byte != 0).map_or(&number[..0], |at| &number[at..]);
    let sign: &[u8] = if significant.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    let length = (sign.len() + significant.len()) as u8;
    [&[0x02, length], sign, significant].concat()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    let text = digits.map(|pair| std::str::from_utf8(pair).expect("digits"));
    text.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect()
}
