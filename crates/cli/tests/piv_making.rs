//! `cardmod piv generate` and `import`: keys with policies, and of algorithms that containers do not have.
#![forbid(unsafe_code)]

mod common;

use cardmod_default::piv::edge::{CertificateForm, KeyAlgorithm, Policies, Slot};
use common::Home;
use common::piv::{administer, enrolled, token};
use serde_json::Value;

fn row(home: &Home, place: &str) -> Value {
    let status = home.run("--json piv status").succeeds().json();
    let slots = status["slots"].as_array().expect("slots");
    slots
        .iter()
        .find(|row| row["slot"] == place)
        .unwrap_or_else(|| panic!("nothing in {place}: {status}"))
        .clone()
}

fn containers(home: &Home) -> Vec<String> {
    let list = home.run("--json container list").succeeds().json();
    let list = list["containers"].as_array().expect("containers").iter();
    let text = |member: &serde_json::Value| member.as_str().expect("a text").to_owned();
    list.map(|row| format!("{} in {}", text(&row["name"]), text(&row["place"]))).collect()
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_key_has_the_policies_it_was_made_with() {
    let home = token("--firmware 5.7.1");
    let line = "piv generate 9a --algorithm ed25519 --pin-policy always --touch-policy cached --out key.pem";
    home.run(line).succeeds().says("9a has a new Ed25519 key");
    home.tool("openssl pkey -pubin -in key.pem -noout -text").succeeds().says("ED25519 Public-Key");
    home.run("piv metadata 9a").succeeds().says("PIN policy    always").says("touch policy  cached");
    let told = home.run("--json piv metadata 9a").succeeds().json();
    assert_eq!(told["public_key"].as_str().map(str::as_bytes), Some(&home.read("key.pem")[..]));
    assert!(containers(&home).is_empty(), "a container cannot have such a key");

    let made = home.run("--json piv generate 82 --algorithm x25519 --pin-policy never").succeeds().json();
    assert_eq!((made["pin_policy"].as_str(), made["named"].as_bool()), (Some("never"), Some(false)));
    assert!(made["public_key"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY"));
    home.run("piv generate 83 --algorithm rsa3072").succeeds().says("BEGIN PUBLIC KEY");
    assert_eq!(row(&home, "83")["algorithm"], "RSA-3072");
    home.run("piv generate 84 --algorithm p256 --pin-policy often").exits(2).says("match-once");
    home.run("piv generate f9 --algorithm p256 --yes").exits(2).says("f9");
    home.run("piv generate 84 --algorithm p256 --out none/key.pem").exits(1).says("no such directory");
    assert_eq!(containers(&home), ["83 in 83"]);
    // A key that no container can have takes the name with it.
    home.run("piv generate 83 --algorithm ed25519 --yes").succeeds();
    assert!(containers(&home).is_empty());
}

#[test]
fn a_key_made_here_is_a_container_for_every_verb() {
    let home = token("");
    home.run("container list").succeeds();
    home.run("piv generate 9a --algorithm p256 --pin-policy once --out key.pem").succeeds();
    assert_eq!(containers(&home), ["9a in 9a"]);
    home.write("letter", b"hello");
    home.run("sign --container 9a --in letter --out letter.sig --pin-env PIN").succeeds();
    home.run("verify --public key.pem --in letter --signature letter.sig").succeeds();
    home.run("cert self-sign --container 9a --subject CN=alice --store --pin-env PIN --out alice.pem")
        .succeeds();
    home.run("piv status").succeeds().says("bytes, CN=alice");
    assert_eq!(row(&home, "9a")["subject"], "CN=alice");

    // What was remembered of the old key goes, and its certificate.
    home.run("piv generate 9a --algorithm p384 --yes --out other.pem")
        .succeeds()
        .says("certificate that was there");
    assert_eq!(containers(&home), ["9a in 9a"]);
    home.run("sign --container 9a --in letter --out letter.sig --pin-env PIN").succeeds();
    home.run("verify --public other.pem --in letter --signature letter.sig").succeeds();
    assert_eq!(row(&home, "9a")["content"], "key");
    // A refusal leaves key and name.
    let refused = home.run("piv generate 9a --algorithm p256 --pin-policy match-once --yes");
    refused.exits(7).says("this algorithm with these policies").says("without --pin-policy");
    assert_eq!(row(&home, "9a")["algorithm"], "P-384");
    assert_eq!(containers(&home), ["9a in 9a"]);
}

#[test]
fn what_is_in_a_place_is_not_lost_by_a_slip() {
    let home = enrolled(&["9a"]);
    home.run("piv generate 9a --algorithm p256").exits(1).says("has a key and a certificate").says("--yes");
    administer(&home, |card| card.delete_key(Slot::Authentication)).expect("deleted");
    home.run("piv generate 9a --algorithm p256").exits(1).says("has a certificate");
    administer(&home, |card| card.generate(Slot::Signature, KeyAlgorithm::P256, Policies::NONE))
        .expect("a key");
    home.run("piv generate 9c --algorithm p256").exits(1).says("has a key").never_says("and a certificate");
    home.run("piv import 9c missing.pem").exits(1);
    assert_eq!(row(&home, "9c")["origin"], "generated");
    home.run("piv generate 9c --algorithm p256 --yes --management-key-prompt").exits(1);
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_card_of_the_plain_standard_refuses_what_it_does_not_have() {
    let home = token("--flavour standard");
    let line = "piv generate 9a --algorithm p256 --management-key default";
    home.run(line).exits(1).says("may have a key: the card does not tell");
    let policies = format!("{line} --yes --pin-policy never");
    home.run(&policies).exits(7).says("this algorithm with these policies").says("without --pin-policy");
    home.run(&line.replace("p256", "ed25519 --yes")).exits(7).says("does not support this algorithm");
    home.run(&format!("{line} --yes --out key.pem")).succeeds();
    // The card tells of the key by the note alone that is left there.
    home.write("letter", b"hello");
    home.run("sign --container 9a --in letter --out letter.sig --pin-env PIN").succeeds();
    home.run("verify --public key.pem --in letter --signature letter.sig").succeeds();
    home.run(line).exits(1).says("has a certificate");
    home.tool("openssl genrsa -out rsa.pem 2048").succeeds();
    home.run("piv import 9d rsa.pem --yes --management-key default").exits(7).says("import of keys");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn keys_are_imported_with_policies() {
    let home = token("--firmware 5.7.1");
    for (place, options) in
        [("9a", "ed25519"), ("9c", "EC -pkeyopt ec_paramgen_curve:P-384"), ("9d", "x25519"), ("82", "RSA")]
    {
        home.tool(&format!("openssl genpkey -algorithm {options} -out {place}.pem")).succeeds();
        home.tool(&format!("openssl pkey -in {place}.pem -pubout -out {place}.pub")).succeeds();
        let line = format!("piv import {place} {place}.pem --pin-policy once --touch-policy always");
        home.run(&line).succeeds().says("key of the file");
        let told = home.run(&format!("--json piv metadata {place}")).succeeds().json();
        assert_eq!(told["origin"], "imported");
        assert_eq!(
            (told["pin_policy"].as_str(), told["touch_policy"].as_str()),
            (Some("once"), Some("always"))
        );
        let public = String::from_utf8(home.read(&format!("{place}.pub"))).expect("PEM");
        assert_eq!(told["public_key"].as_str().map(str::trim), Some(public.trim()));
    }
    assert_eq!(containers(&home), ["9c in 9c", "82 in 82"]);
    home.run("piv import 9a 9c.pem").exits(1).says("9a (authentication) has a key");
    administer(&home, |card| {
        let attestation = card
            .attest(Slot::Attestation)
            .or_else(|_| {
                card.certificate(Slot::Attestation)
                    .map(|certificate| certificate.expect("of the maker").der().to_vec())
            })
            .expect("a certificate");
        card.write_certificate(Slot::Authentication, &attestation, CertificateForm::Plain).expect("written");
    });
    home.run("piv import 9a 9c.pem --yes").succeeds().says("the certificate that was there is deleted");
    assert_eq!(row(&home, "9a")["algorithm"], "P-384");
    home.write("junk", b"junk");
    home.run("piv import 9e junk").exits(1).says("private key cannot be read");
}
