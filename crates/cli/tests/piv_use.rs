//! Keys and certificates of PIV cards through the program, with openssl as the other side: enrolment, use, a
//! card that is read-only without its management key, and what another program replaced.

mod common;

use cardmod_default::piv::edge::{CertificateForm, KeyAlgorithm, Policies, Slot};
use common::Home;
use common::piv::{administer, enrolled, token};
use serde_json::Value;

/// A management key of one's own, in a file.
fn private_token(home_options: &str) -> Home {
    let home = Home::new();
    home.write("key", b"a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8\n");
    home.run(&format!("card new token --type piv --management-key-file key {home_options}")).succeeds();
    home
}

fn containers(home: &Home, arguments: &str) -> Value {
    home.run(&format!("--card token --json {arguments}")).succeeds().json()["containers"].clone()
}

/// The container in a place.
fn at(containers: &Value, place: &str) -> Value {
    let all = containers.as_array().expect("containers");
    all.iter().find(|found| found["place"] == place).unwrap_or_else(|| panic!("{containers}")).clone()
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_key_is_enrolled_and_used() {
    let home = token("");
    home.run("--card token key generate --container 9a --algorithm p256 --pin-env PIN")
        .succeeds()
        .says("container 9a has a new p256 key for sign");
    home.run("--card token cert request --container 9a --subject CN=me --out me.csr --pin-env PIN")
        .succeeds();
    home.tool("openssl req -in me.csr -noout -verify").succeeds().says("verify OK");
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem").succeeds();
    home.tool("openssl x509 -req -in me.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -out me.pem")
        .succeeds();
    home.run("--card token cert import --container 9a me.pem --pin-env PIN").succeeds();
    home.run("--card token cert export --container 9A --out out.pem").succeeds();
    assert_eq!(home.read("out.pem"), home.read("me.pem"));
    home.tool("openssl verify -CAfile ca.pem out.pem").succeeds();
    home.write("data", b"to be signed");
    home.run("--card token sign --container 9a --in data --out data.sig --pin-env PIN").succeeds();
    home.run("--card token key public --container 9a --out me.pub").succeeds();
    home.tool("openssl dgst -sha256 -verify me.pub -signature data.sig data").succeeds().says("Verified OK");
    home.run("--card token verify --container 9a --in data --signature data.sig").succeeds();
    home.run("--card token key generate --container 9a --algorithm p256 --pin-env PIN")
        .exits(1)
        .says("exists");
    home.run("--card token cert delete --container 9a --pin-env PIN").succeeds();
    home.run("--card token cert export --container 9a").exits(1).says("has no certificate");
    home.run("--card token container delete 9a --pin-env PIN").succeeds();
    home.run("--card token container list").succeeds().says("no containers");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn keys_decrypt_and_agree_in_their_places() {
    let home = token("");
    home.write("data", b"a secret");
    home.run("--card token key generate --container 9d --name secrets --algorithm rsa2048 --pin-env PIN")
        .succeeds()
        .says("container secrets (9d) has a new rsa2048 key for exchange");
    home.run("--card token key public --container secrets --out d.pub").succeeds();
    home.tool("openssl pkeyutl -encrypt -pubin -inkey d.pub -in data -out sealed").succeeds();
    home.run("--card token decrypt --container 9d --padding pkcs1 --in sealed --out opened --pin-env PIN")
        .succeeds();
    assert_eq!(home.read("opened"), b"a secret");

    home.run("--card token key generate --container 82 --algorithm p256 --pin-env PIN")
        .succeeds()
        .says("for exchange");
    home.tool("openssl ecparam -name prime256v1 -genkey -noout -out peer.key").succeeds();
    home.tool("openssl pkey -in peer.key -pubout -out peer.pub").succeeds();
    home.run("--card token key public --container 82 --out own.pub").succeeds();
    home.run("--card token derive --container 82 --peer peer.pub --kdf raw --out ours --pin-env PIN")
        .succeeds();
    home.tool("openssl pkeyutl -derive -inkey peer.key -peerkey own.pub -out theirs").succeeds();
    assert_eq!(home.read("ours"), home.read("theirs"));
    // A key from elsewhere.
    home.tool("openssl genrsa -out import.key 2048").succeeds();
    home.run("--card token key import --container 9c --in import.key --pin-env PIN").succeeds();
    home.run("--card token sign --container 9c --in data --out data.sig --pin-env PIN").succeeds();
    home.tool("openssl rsa -in import.key -pubout -out import.pub").succeeds();
    home.tool("openssl dgst -sha256 -verify import.pub -signature data.sig data").succeeds();
    let list = containers(&home, "container list");
    let places: Vec<_> =
        list.as_array().expect("a list").iter().map(|found| found["place"].clone()).collect();
    assert_eq!(places, ["9c", "9d", "82"]);
    assert_eq!((&at(&list, "9d")["name"], &at(&list, "82")["name"]), (&"secrets".into(), &"82".into()));
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_p12_file_goes_into_a_place() {
    let home = token("");
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -subj /CN=bob -out c.pem").succeeds();
    home.tool("openssl pkcs12 -export -inkey k.pem -in c.pem -passout pass:secret -out bob.p12").succeeds();
    home.write("password", b"secret\n");
    let import = "--card token key import --container 9a --in bob.p12 --p12-password-file password";
    home.run(&format!("{import} --pin-env PIN")).succeeds().says("with its certificate");
    home.run("--card token cert export --container 9a --out out.pem").succeeds();
    assert_eq!(home.read("out.pem"), home.read("c.pem"));
}

#[test]
fn without_the_management_key_the_card_is_read_only() {
    let home = private_token("");
    let generate = "--card token key generate --container 9a --algorithm p256";
    // No PIN is asked for: none is given, and that is not what is said.
    let refused = home.run(&format!("{generate} --json")).exits(1).json();
    assert_eq!(refused["error"]["code"], "management-key-required");
    home.run(generate)
        .exits(1)
        .says("read-only without its management key")
        .says("--management-key-file FILE");
    home.run("--card token info").succeeds().says("read only: no management key is at hand");
    home.run(&format!("{generate} --pin-env PIN --management-key default"))
        .exits(5)
        .says("the management key is wrong for the card");
    home.write("short", b"a1a2");
    home.run(&format!("{generate} --pin-env PIN --management-key-file short")).exits(1).says("has 2 bytes");
    let key = "a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8";
    home.run(&format!("{generate} --pin-env PIN --management-key {key}"))
        .exits(2)
        .says("never a key")
        .never_says(key);
    let wrong = "--management-key-file key --management-key-algorithm aes128";
    home.run(&format!("{generate} --pin-env PIN {wrong}")).exits(1).says("aes128 keys have 16");
    home.run("--card token container list").succeeds().says("no containers");

    home.run(&format!("{generate} --pin-env PIN --management-key-file key")).succeeds();
    let store = "--card token cert self-sign --container 9a --subject CN=me --store --pin-env PIN";
    home.run(store).exits(1).says("read-only without its management key");
    home.run(&format!("{store} --management-key-file key --management-key-algorithm 3des")).succeeds();
    // Reading and using the key needs nothing of it.
    home.run("--card token cert export --container 9a --out me.pem").succeeds();
    home.write("data", b"data");
    home.run("--card token sign --container 9a --in data --out data.sig --pin-env PIN").succeeds();
    home.run("--card token container delete 9a --pin-env PIN --management-key-file key").succeeds();
    // A GIDS card takes none.
    home.run("card new demo").succeeds();
    home.run("--card demo container delete web --management-key-file key --pin-env PIN")
        .exits(7)
        .says("cannot be written with a management key");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_card_that_keeps_its_key_under_the_pin_needs_no_other() {
    let home = token("--protect-management-key");
    home.run("--card token info").succeeds().says("read and write: a management key is at hand");
    home.run("--card token key generate --container 9a --algorithm p256 --pin-env PIN").succeeds();
    home.run("--card token cert self-sign --container 9a --subject CN=me --store --pin-env PIN").succeeds();
    home.run("--card token cert export --container 9a --out me.pem").succeeds();
    home.tool("openssl x509 -in me.pem -noout -subject").succeeds().says("CN = me");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_card_of_the_standard_alone_is_enrolled_too() {
    let home = token("--flavour standard");
    let key = "--management-key default --pin-env PIN";
    home.run(&format!("--card token key generate --container 9c --algorithm p256 {key}")).succeeds();
    home.write("data", b"data");
    home.run("--card token key public --container 9c --out me.pub").succeeds();
    home.run("--card token sign --container 9c --in data --out data.sig --pin-env PIN").succeeds();
    home.tool("openssl dgst -sha256 -verify me.pub -signature data.sig data").succeeds();
    home.run("--card token cert export --container 9c").exits(1).says("has no certificate");
    home.run(&format!("--card token cert self-sign --container 9c --subject CN=me --store {key}")).succeeds();
    home.run("--card token cert export --container 9c --out me.pem").succeeds();
    home.tool("openssl x509 -in me.pem -noout -subject").succeeds().says("CN = me");
    home.run(&format!("--card token cert delete --container 9c {key}")).succeeds();
    home.run("--card token sign --container 9c --in data --out again.sig --pin-env PIN").succeeds();
    home.tool("openssl dgst -sha256 -verify me.pub -signature again.sig data").succeeds();
    home.run("--card token key import --container 9a --in data.sig --management-key default --pin-env PIN")
        .exits(1);
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn one_pin_for_one_use_and_several_files() {
    let home = token("");
    for place in ["9a", "9c"] {
        home.run(&format!("--card token key generate --container {place} --algorithm p256 --pin-env PIN"))
            .succeeds();
    }
    home.write("one", b"first");
    home.write("two", b"second");
    std::fs::create_dir(home.path("signatures")).expect("a folder");
    for place in ["9a", "9c"] {
        home.run(&format!("--card token key public --container {place} --out {place}.pub")).succeeds();
        let log = format!("{place}.log");
        home.run(&format!(
            "--card token sign --container {place} --in one two --out signatures --pin-env PIN --apdu-log {log}"
        ))
        .succeeds()
        .says("wrote 2 signatures");
        for file in ["one", "two"] {
            let signature = format!("-signature signatures/{file}.sig {file}");
            home.tool(&format!("openssl dgst -sha256 -verify {place}.pub {signature}")).succeeds();
        }
        let log = String::from_utf8(home.read(&log)).expect("text");
        let verified = log.lines().filter(|line| line.contains(r#""command":"00200080"#)).count();
        assert_eq!(verified, if place == "9c" { 2 } else { 1 }, "{place}: {log}");
    }
    home.run("--card token sign --container 9a --in one two --pin-env PIN")
        .exits(2)
        .says("names no directory");
    home.run("--card token info").succeeds().says("PIN for each use").says("signing");
}

#[test]
fn the_puk_has_a_name() {
    let home = Home::new();
    home.write("puk", b"87654321\n");
    home.write("new", b"11223344\n");
    home.run("card new token --type piv --puk-file puk").succeeds();
    home.run("--card token pin change --role puk --pin-file puk --new-pin-file new").succeeds();
    home.run("--card token pin unblock --puk-file puk --new-pin-env PIN").exits(5).says("the PUK is wrong");
    home.run("--card token pin unblock --puk-file new --new-pin-env PIN").succeeds();
    home.run("--card token pin verify --role puk --pin-file new").exits(7).says("it only unblocks");
    home.run("--card token pin change --pin-env PIN --new-pin-file new").succeeds();
    home.run("--card token pin verify --pin-file new").succeeds();
}

/// The certificate of the key in a place, made by the card, and its PEM.
fn replace(home: &Home, place: &str, algorithm: Option<KeyAlgorithm>) {
    let slot: Slot = place.parse().expect("a place");
    administer(home, |card| {
        if let Some(algorithm) = algorithm {
            card.generate(slot, algorithm, Policies::NONE).expect("a key");
        }
        let certificate = card.attest(slot).expect("a certificate");
        card.write_certificate(slot, &certificate, CertificateForm::Plain).expect("written");
    });
}

fn on_card(home: &Home, place: &str) -> Vec<u8> {
    let slot: Slot = place.parse().expect("a place");
    administer(home, |card| card.certificate(slot).expect("read").expect("a certificate").into_der())
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_certificate_replaced_by_another_program_is_never_handed_out() {
    for (what, algorithm) in [("the same key", None), ("a new key", Some(KeyAlgorithm::P256))] {
        let home = enrolled(&["9a", "9d"]);
        // Two programs look: the second one remembers what the first one saw.
        let listed = containers(&home, "container list");
        assert!(at(&listed, "9a")["cached"].is_null(), "read just now");
        assert_eq!(at(&containers(&home, "container list"), "9a")["cached"], true);
        assert_eq!(at(&containers(&home, "info"), "9a")["cached"], true);
        for verb in ["container list", "info"] {
            let shown = home.run(&format!("--card token {verb}"));
            let shown = shown.succeeds().says("cached: as it was when it was last read");
            let row = shown.text().lines().find(|line| line.contains(" 9a ")).expect("a row").to_owned();
            assert!(row.contains(" cached "), "{verb}: {row}");
        }
        let old = on_card(&home, "9a");
        replace(&home, "9a", algorithm);
        let new = on_card(&home, "9a");
        assert_ne!(old, new, "{what}");
        let remembered = at(&containers(&home, "container list"), "9a");
        assert_eq!(remembered["cached"], true, "{what}: what is shown is marked");
        home.run("--card token cert export --container 9a --der --out out.der").succeeds();
        assert_eq!(home.read("out.der"), new, "{what}");
        // From then on every program shows it.
        let serial = |container: &Value| container["keys"][0]["certificate"]["serial"].clone();
        assert_ne!(serial(&at(&containers(&home, "container list"), "9a")), serial(&remembered), "{what}");
        home.run("--card token key public --container 9a --out own.pub").succeeds();
        home.tool("openssl x509 -inform der -in out.der -noout -pubkey -out of.pub").succeeds();
        assert_eq!(home.read("own.pub"), home.read("of.pub"), "{what}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_key_replaced_by_another_program_is_found_when_it_signs() {
    let home = enrolled(&["9a"]);
    containers(&home, "container list");
    replace(&home, "9a", Some(KeyAlgorithm::P384));
    home.write("data", b"data");
    home.run("--card token sign --container 9a --in data --out data.sig --pin-env PIN").succeeds();
    home.run("--card token key public --container 9a --out own.pub").succeeds();
    home.tool("openssl dgst -sha256 -verify own.pub -signature data.sig data").succeeds();
    home.run("--card token cert request --container 9a --subject CN=me --out me.csr --pin-env PIN")
        .succeeds();
    home.tool("openssl req -in me.csr -noout -verify").succeeds().says("verify OK");
}

/// A new key in a place, beside whatever certificate lies there.
fn replace_the_key_alone(home: &Home, place: &str, algorithm: KeyAlgorithm) {
    let slot: Slot = place.parse().expect("a place");
    administer(home, |card| drop(card.generate(slot, algorithm, Policies::NONE).expect("a key")));
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_certificate_that_another_program_left_beside_its_new_key_is_named() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048] {
        let home = enrolled(&["9a"]);
        home.write("data", b"data");
        replace_the_key_alone(&home, "9a", algorithm);
        for cache in ["off", "on"] {
            let mut command = home
                .cardmod("--card token --json sign --container 9a --in data --out data.sig --pin-env PIN");
            command.env("CARDMOD_CACHE", cache);
            let refused = common::Outcome::of(&mut command).exits(1).json()["error"].clone();
            assert_eq!(refused["code"], "certificate-outdated", "{algorithm:?}, {cache}: {refused}");
            let message = refused["message"].as_str().expect("a message");
            assert!(message.contains("place 9a") && message.contains("may be outdated"), "{message}");
        }
        // What is advised works.
        home.run("--card token sign --container 9a --in data --out data.sig --pin-env PIN")
            .exits(1)
            .says("cardmod cert delete --container PLACE");
        home.run("--card token cert delete --container 9a --pin-env PIN").succeeds();
        home.run("--card token cert request --container 9a --subject CN=me --out me.csr --pin-env PIN")
            .succeeds();
        home.tool("openssl req -in me.csr -noout -verify").succeeds().says("verify OK");
    }
}

/// What another program adds costs a look at the card, which a list of what is remembered is not; it says so.
#[test]
fn a_key_that_another_program_added_is_shown_once_the_card_is_read_anew() {
    for (first, remembered) in [(&["9a"][..], 1), (&[], 0)] {
        for anew in ["flush", "off"] {
            let home = enrolled(first);
            containers(&home, "container list");
            replace(&home, "9d", Some(KeyAlgorithm::P256));
            let listed = containers(&home, "container list");
            if listed.as_array().expect("a list").len() == remembered {
                for verb in ["container list", "info"] {
                    home.run(&format!("--card token {verb}"))
                        .succeeds()
                        .says("keys of other programs made since are not shown")
                        .says("cardmod cache flush")
                        .says("CARDMOD_CACHE=off");
                }
            }
            let mut list = home.cardmod("--card token --json container list");
            if anew == "flush" {
                home.run("--card token cache flush").succeeds();
            } else {
                list.env("CARDMOD_CACHE", "off");
            }
            let listed = common::Outcome::of(&mut list).succeeds().json()["containers"].clone();
            assert!(at(&listed, "9d")["cached"].is_null(), "{anew}: read just now");
        }
    }
}

#[test]
fn nothing_is_remembered_where_that_is_switched_off() {
    let home = enrolled(&["9a"]);
    for _ in 0..2 {
        let mut command = home.cardmod("--card token --json container list");
        command.env("CARDMOD_CACHE", "off");
        let listed = common::Outcome::of(&mut command).succeeds().json()["containers"].clone();
        assert!(at(&listed, "9a")["cached"].is_null());
    }
    containers(&home, "container list");
    home.run("--card token cache show").succeeds().says("none: hints");
    home.run("--card token cache flush").succeeds().says("forgot 1 card");
    assert!(at(&containers(&home, "container list"), "9a")["cached"].is_null());
}

#[test]
fn the_card_is_explained() {
    let home = enrolled(&["9c"]);
    let info = home.run("--card token --json info").succeeds().json();
    assert_eq!(info["card"]["application"], "piv");
    assert_eq!((&info["card"]["takes_management_key"], &info["card"]["hints"]), (&true.into(), &true.into()));
    assert_eq!(info["card"]["counters"], Value::Null);
    home.run("--card token info").succeeds().says("PIN for each use  9c").says("application       PIV");
    let doctor = home.run("--card token doctor").succeeds();
    for finding in [
        "the PIV application answered its SELECT",
        "it has a CHUID",
        "slot 9a has no certificate",
        "the PIN is the one everybody knows",
        "the management key is the one everybody knows",
        "the PUK is not the one it was made with",
    ] {
        assert!(doctor.text().contains(finding), "{finding}: {doctor}");
    }
    let bare = token("--no-chuid");
    bare.run("--card token doctor").succeeds().says("it has no CHUID").says("cardmod piv init");
}

#[test]
fn a_card_with_both_applications_is_used_by_each() {
    let home = Home::new();
    home.run("card new token --type dual").succeeds();
    home.run("--card token key generate --container 9a --algorithm p256 --pin-env PIN").succeeds();
    let gids = "--card token --application gids";
    home.run(&format!("{gids} key generate --container web --algorithm p256 --pin-env PIN")).succeeds();
    assert_eq!(containers(&home, "container list")[0]["place"], "9a");
    let web = &containers(&home, "--application gids container list")[0];
    assert_eq!((&web["name"], &web["place"]), (&"web".into(), &Value::Null));
}

/// The name of a new key is stored before the key is made: that must not make a key its own that is another's.
#[test]
fn a_key_that_no_map_tells_of_is_never_replaced() {
    let home = token("");
    let slot: Slot = "82".parse().expect("a place");
    let key_there = || {
        administer(&home, |card| {
            let metadata = card.metadata(slot.reference()).expect("metadata").expect("a key");
            metadata.public_key.expect("its public half")
        })
    };
    administer(&home, |card| drop(card.generate(slot, KeyAlgorithm::P256, Policies::NONE).expect("a key")));
    let key = key_there();
    let generate = "--card token key generate --algorithm p256 --pin-env PIN --container";
    for options in ["82", "82 --name mine"] {
        home.run(&format!("{generate} {options}")).exits(1).says("does not tell of");
        assert!(key_there() == key, "{options}: the key is still there");
    }
    home.run("--card token container list").succeeds().says("no containers");
    // Without a place the free ones for signatures are taken, and no other.
    for (name, code) in [("a", 0), ("b", 0), ("c", 1)] {
        home.run(&format!("{generate} {name}")).exits(code);
        assert!(key_there() == key, "{name}: the key is still there");
    }
}
