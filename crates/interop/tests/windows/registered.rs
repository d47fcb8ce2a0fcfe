//! Modules that Windows' registry names for a card: one that serves it, and one that is not there.

use cardmod_interop::Outcome;
use serde_json::Value;

use crate::desk::{Desk, program, windows};

/// A name as an issuer of cards may have it.
const NAME: &str = "Bürgerkarte Ж";

#[test]
#[ignore = "run by cargo xtask windows"]
fn what_the_registry_names_is_used_and_told() {
    let desk = Desk::with_key();
    let module = windows(&program("cardmod_class.dll"));
    let run = |words: &[&str]| desk.wine_words(&[&["--card", "demo"], words].concat());
    run(&["info"]).success().says("none is registered");
    run(&["module", "register", &module, "--name", NAME]).success().says(NAME);
    // The key is there for any program that looks, with the values Windows' own resource manager knows.
    let entry = registry(&desk, &["query", &entry_of(&desk, NAME), "/s"]).success();
    for value in ["ATR", "ATRMask", "Crypto Provider", "80000001", "REG_BINARY"] {
        assert!(entry.stdout.contains(value), "no {value} in {entry}");
    }
    let info = document(&run(&["info", "--json"]).success());
    let rule = info["module"]["chosen_by"].as_str().expect("a rule").to_owned();
    assert!(
        rule.contains(&format!("registered as {NAME:?}")) && rule.contains("HKEY_CURRENT_USER"),
        "{rule}"
    );
    assert_eq!(info["containers"][0]["name"], "web");
    run(&["sign", "--container", "web", "--in", "data", "--out", "data.sig", "--pin-env", "PIN"]).success();
    desk.openssl_verifies("web.pub.pem", "data.sig", "data", "");
    let list = document(&run(&["module", "list", "--json"]).success());
    assert_eq!((&list["cards"][0]["name"], &list["cards"][0]["module"]), (&NAME.into(), &module.into()));
    run(&["module", "unregister", NAME]).success();
    run(&["info"]).success().says("none is registered");
    forgotten(&desk);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn an_entry_that_leads_nowhere_is_named() {
    let desk = Desk::with_key();
    let run = |words: &[&str]| desk.wine_words(&[&["--card", "demo"], words].concat());
    let register = ["module", "register", r"C:\no such\module.dll", "--name", NAME];
    run(&register).exits_with(1).says(r"C:\no such\module.dll");
    run(&[&register[..], &["--no-check"]].concat()).success();
    run(&["info"]).exits_with(1).says(&format!("{NAME:?}")).says(r"C:\no such\module.dll");
    // Who names a module, or takes the entry out, is served.
    let module = windows(&program("cardmod_class.dll"));
    run(&["--module", &module, "container", "list"]).success().says("web");
    run(&["module", "unregister", NAME]).success();
    run(&["container", "list"]).success().says("web");
    forgotten(&desk);
}

/// The registry's key of an entry.
fn entry_of(desk: &Desk, name: &str) -> String {
    format!(r"HKCU\{}\User\{name}", desk.registry_key())
}

/// Windows' own program for the registry.
#[track_caller]
fn registry(desk: &Desk, words: &[&str]) -> Outcome {
    desk.finish(desk.wine_program("reg".as_ref()).args(words))
}

/// Nothing of the test stays in the registry.
#[track_caller]
fn forgotten(desk: &Desk) {
    registry(desk, &["delete", &format!(r"HKCU\{}", desk.registry_key()), "/f"]).success();
}

#[track_caller]
fn document(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|error| panic!("{error}: {outcome}"))
}
