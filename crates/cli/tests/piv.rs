//! `cardmod piv` and `container names` on virtual PIV cards. Keys are made by the edge itself, so that what is
//! tested here is these verbs alone.

mod common;

use cardmod_default::piv::edge::{
    CertificateForm, KeyAlgorithm, MapRecord, PinPolicy, Policies, Slot, SlotMap,
};
use cardmod_types::{ContainerIndex, ContainerName, KeySpec};
use common::Home;
use common::piv::{administer, enrolled, token};
use serde_json::Value;

fn slots(home: &Home) -> Vec<String> {
    let status = home.run("--json piv status").succeeds().json();
    let slots = status["slots"].as_array().expect("slots").iter();
    slots.map(|row| row["slot"].as_str().expect("a place").to_owned()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

#[test]
fn status_tells_what_the_card_tells() {
    let home = enrolled(&["9a", "9c", "83"]);
    let shown = home.run("piv status").succeeds();
    let shown = shown.says("firmware says    5.4.3").says("3 of 3 tries left; still the one everybody knows");
    let shown = shown.says("3des; still the one everybody knows").says("9c     P-256");
    shown.says("certificate, ").never_says("123456");
    assert_eq!(slots(&home), ["9a", "9c", "83"]);
    let status = home.run("--json piv status").succeeds().json();
    assert_eq!(text(&status["slots"][1]["pin_policy"]), "always");
    assert_eq!(text(&status["management_key"]["storage"]), "kept");
    let standard = token("--flavour standard");
    let shown = standard.run("piv status").succeeds().says("PUK              the card does not tell");
    shown.never_says("firmware says");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn metadata_and_attestation_of_a_key() {
    let home = enrolled(&["9a"]);
    home.run("piv metadata 9A").succeeds().says("generated").says("BEGIN PUBLIC KEY");
    home.run("piv metadata puk").succeeds().says("3 of 3 left");
    home.run("piv metadata management-key").succeeds().says("3des").never_says("PIN policy");
    home.run("piv metadata 9d").exits(1).says("there is no key in 9d");
    home.run("piv metadata 96").exits(2);
    home.run("piv attest 9a --chain --out chain.pem").succeeds();
    home.run("piv attest 9a --out key.pem").succeeds();
    home.shell("awk '/BEGIN/{n++} n==2' chain.pem > issuer.pem").succeeds();
    home.tool("openssl verify -partial_chain -trusted issuer.pem key.pem").succeeds().says("OK");
    home.run("piv attest 9a --der --out key.der").succeeds();
    home.tool("openssl x509 -in key.der -inform DER -noout -subject").succeeds();
    home.run("piv attest 9d").exits(1).says("there is no key in 9d");
    let standard = token("--flavour standard");
    standard.run("piv attest 9a").exits(7).says("does not support attestation");
    standard.run("piv metadata pin").exits(7).says("does not support metadata");
}

#[test]
fn a_key_is_moved_and_deleted_with_all_that_is_its() {
    let home = enrolled(&["9a", "9d"]);
    administer(&home, |card| {
        let name = ContainerName::parse("le-User").expect("a name");
        let mut map = SlotMap::new();
        let record = MapRecord::new(&name, Slot::Authentication, KeySpec::EcdsaP256, 256);
        map.set(ContainerIndex::new(0), record).expect("set");
        card.write_container_map(&map).expect("written");
    });
    home.run("piv move 9a 9d").exits(1).says("9d is in use").says("choose a free place");
    home.run("piv move 9a 85").succeeds().says("the one everybody knows").says("with its certificate");
    assert_eq!(slots(&home), ["9d", "85"]);
    let names = home.run("--json container names --rule yubico").succeeds().json();
    assert_eq!(text(&names["containers"][1]["slot"]), "85");
    assert_eq!(text(&names["containers"][1]["names"]["yubico"]), "le-User");
    home.run("piv move 9a 9c").exits(1).says("there is no key in 9a");
    home.run("piv delete-key 85").succeeds().says("and its certificate");
    home.run("piv delete-key 85").exits(1).says("there is no key in 85");
    assert_eq!(slots(&home), ["9d"]);
    let standard = token("--flavour standard --management-key default");
    standard.run("piv delete-key 9a --management-key default").exits(7).says("--container 9a");
}

/// The containers by place, and whether any row is shown as remembered.
fn listed(home: &Home) -> (Vec<String>, bool) {
    let document = home.run("--json container list").succeeds().json();
    let rows = document["containers"].as_array().expect("rows");
    (
        rows.iter().map(|row| text(&row["place"]).to_owned()).collect(),
        rows.iter().any(|row| row["cached"] == true),
    )
}

#[test]
fn what_these_verbs_change_is_remembered_by_nobody() {
    for (line, left) in [
        ("piv delete-key 9a", &["9d"][..]),
        ("piv move 9a 9c", &["9c", "9d"]),
        ("piv retries --pin-tries 5 --puk-tries 4 --yes --pin-env PIN", &["9a", "9d"]),
        ("piv management-key --generate --out management.key", &["9a", "9d"]),
        ("piv reset --yes", &[]),
    ] {
        let home = enrolled(&["9a", "9d"]);
        for cached in [false, true] {
            assert_eq!(listed(&home), (vec!["9a".to_owned(), "9d".to_owned()], cached), "{line}");
        }
        home.run(line).succeeds();
        let kept = home.run("--json cache show").succeeds().json();
        assert_eq!(kept["cards"], serde_json::json!([]), "{line}");
        let left: Vec<_> = left.iter().map(|place| (*place).to_owned()).collect();
        assert_eq!(listed(&home), (left.clone(), false), "{line}");
        let exported = home.run("cert export --container 9a --der --out out.der");
        assert_eq!(exported.status == Some(0), left.contains(&"9a".to_owned()), "{line}: {exported}");
    }
    // A card that gets another identity is not taken for one that it was before.
    let home = enrolled(&["9a"]);
    home.run("piv reset --yes").succeeds();
    administer(&home, |card| {
        card.generate(Slot::Authentication, KeyAlgorithm::P256, Policies::NONE).map(drop)
    })
    .expect("a key");
    administer(&home, |card| {
        let certificate = card.attest(Slot::Authentication)?;
        card.write_certificate(Slot::Authentication, &certificate, CertificateForm::Plain).map(drop)
    })
    .expect("a certificate");
    for cached in [false, true] {
        assert_eq!(listed(&home), (vec!["9a".to_owned()], cached));
    }
    home.run("piv init").succeeds();
    home.run("piv reset --yes").succeeds();
    assert_eq!(listed(&home), (vec![], false));
}

#[test]
fn what_is_remembered_of_a_card_goes_where_its_keys_are_moved() {
    let home = token("");
    home.run("key generate --container 9a --algorithm p256 --pin-env PIN").succeeds();
    let list = || home.run("--json container list").succeeds().json()["containers"].clone();
    assert_eq!(text(&list()[0]["place"]), "9a");
    home.run("piv move 9a 8a").succeeds();
    let moved = list();
    // A container that is called after its place goes on being called after it.
    assert_eq!((text(&moved[0]["place"]), text(&moved[0]["name"])), ("8a", "8a"));
    home.run("key generate --container 9a --algorithm p256 --pin-env PIN").succeeds();
    assert_eq!(list().as_array().map(Vec::len), Some(2));
    home.run("piv delete-key 8a").succeeds();
    assert_eq!(list().as_array().map(Vec::len), Some(1));
    home.run("piv reset --yes").succeeds();
    home.run("container list").succeeds().says("no containers");
}

#[test]
fn the_attesting_key_is_not_lost_by_a_slip() {
    let home = enrolled(&["9a"]);
    home.run("piv move 9a f9").exits(2).says("stays where it is");
    home.run("piv move f9 82").exits(2).says("stays where it is");
    home.run("piv attest f9").exits(2).says("--chain");
    home.run("piv delete-key f9").exits(2).says("never again vouches").says("--yes");
    home.run("piv attest 9a").succeeds();
    home.run("piv delete-key f9 --yes").succeeds();
    home.run("piv attest 9a").exits(1);
}

#[test]
fn a_place_that_is_none_is_no_name() {
    let home = token("");
    for name in ["96", "9b", "f9", "81"] {
        let line = format!("key generate --container {name} --algorithm p256 --pin-env PIN");
        home.run(&line).exits(1).says("has no place").says("9a, 9c, 9d, 9e, 82");
    }
    home.run("key generate --container 9a --name 9c --algorithm p256 --pin-env PIN")
        .exits(2)
        .says("the label of another place");
    home.run("container list").succeeds().says("no containers");
    home.run("key generate --container 9a --name 9a --algorithm p256 --pin-env PIN").succeeds();
}

#[test]
fn names_of_every_driver() {
    let home = token("--guid ad64beac-1611-4a56-93a2-9d583b74cb44");
    home.run("container names").succeeds().says("no keys and certificates").says("inbox-piv (observed)");
    let all = home.run("container names --all --rule opensc").succeeds();
    all.says("9a     0164beac16114a5693a29d583b74cb44").says("95     2464beac16114a5693a29d583b74cb44");
    let windows = home.run("container names --all --rule inbox-piv").succeeds();
    windows.says("9c     acbe64ad-1116-564a-93a2-9d583b5fc10a").says("pull requests 8319");
    let all = home.run("--json container names --all").succeeds().json();
    assert_eq!(all["containers"].as_array().map(Vec::len), Some(24));
    assert_eq!(all["rules"].as_array().map(Vec::len), Some(4));
    assert!(all["containers"][0]["names"].get("yubico").is_none(), "no map, no name");
    home.run("container names --rule windows").exits(2).says("inbox-piv, yubico, opensc or cardmod");
}

#[test]
fn the_management_key_is_replaced_protected_and_exposed_again() {
    let home = token("--protect-management-key");
    home.run("piv status").succeeds().says("on the card, behind the PIN");
    home.run("piv init").exits(1).says("the PIN is needed");
    home.run("piv init --pin-env WRONG").exits(5).says("wrong");
    home.run("piv init --pin-env PIN").succeeds().says("nothing is changed");
    home.run("piv management-key --generate --pin-env PIN").exits(2).says("--protect");
    let line = "piv management-key --generate --new-algorithm aes256 --out key --pin-env PIN";
    home.run(line).succeeds().says("aes256");
    let digits = String::from_utf8(home.read("key")).expect("text");
    assert_eq!(digits.trim().len(), 64);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(home.path("key")).expect("the file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    home.run("piv status").succeeds().says("management key   aes256\n").never_says("behind the PIN");
    home.run("piv init --pin-env PIN").exits(1).says("the management key is needed");
    home.run("piv init --management-key default").exits(5).says("of another kind: aes256 with 32 bytes");
    home.run("piv init --management-key-file key").succeeds();
    let mut by_environment = home.cardmod("piv init");
    common::Outcome::of(by_environment.env("CARDMOD_PIV_MANAGEMENT_KEY_FILE", home.path("key"))).succeeds();
    home.write("wrong", digits.replace(|digit: char| digit != '\n', "5").as_bytes());
    home.run("piv init --management-key-file wrong").exits(5).says("the management key is wrong");
    home.run("key generate --container 9a --algorithm p256 --pin-env PIN --management-key-file wrong")
        .exits(5)
        .says("the management key is wrong");
    // The file may hold the only copy of the key that the card has; a key that is not set is not kept.
    home.run("piv management-key --generate --out key --management-key-file key --pin-env PIN")
        .exits(1)
        .says("exists already");
    assert_eq!(home.read("key"), digits.as_bytes());
    home.run("piv management-key --generate --out other --management-key-file wrong --pin-env PIN").exits(5);
    assert!(!home.path("other").exists());
    let line = "piv management-key --generate --protect --management-key-file key --pin-env PIN";
    home.run(line).succeeds().says("behind the PIN").never_says(digits.trim());
    home.run("piv init --management-key-file key").exits(5).says("the management key is wrong");
    home.run("piv init --pin-env PIN").succeeds();
    let back = "piv management-key --to-default --new-algorithm 3des --pin-env PIN";
    home.run(back).succeeds();
    home.run("piv status").succeeds().says("3des; still the one everybody knows");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_read_is_not_taken() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = token("");
    home.write("key", b"010203040506070801020304050607080102030405060708\n");
    let mode = |mode| std::fs::set_permissions(home.path("key"), std::fs::Permissions::from_mode(mode));
    mode(0o644).expect("set");
    let run = || {
        let mut command = home.cardmod("piv init");
        common::Outcome::of(command.env("CARDMOD_PIV_MANAGEMENT_KEY_FILE", home.path("key")))
    };
    run().exits(1).says("others may read it").never_says("0102030405");
    home.write("own", b"a1a2a3a4a5a6a7a8b1b2b3b4b5b6b7b8c1c2c3c4c5c6c7c8\n");
    home.run("piv management-key --new-management-key-file own").succeeds();
    let mut generate = home.cardmod("key generate --container 9a --algorithm p256 --pin-env PIN");
    common::Outcome::of(generate.env("CARDMOD_PIV_MANAGEMENT_KEY_FILE", home.path("key")))
        .exits(1)
        .says("CARDMOD_PIV_MANAGEMENT_KEY_FILE names a file that gives no key");
    home.run("piv management-key --to-default --management-key-file own").succeeds();
    mode(0o600).expect("set");
    run().succeeds();
    home.write("key", b"default\n");
    mode(0o600).expect("set");
    run().succeeds();
}

#[test]
fn the_pin_is_taken_back_by_itself_before_the_reset() {
    let home = token("--protect-management-key");
    home.run("--apdu-log log piv init --pin-env PIN").succeeds();
    let log = String::from_utf8(home.read("log")).expect("text");
    let sent = |start: &str| log.rfind(&format!("\"command\":\"{start}"));
    let verified = sent("00200080").expect("a PIN");
    assert!(sent("0020FF80").expect("a log-out") > verified, "{log}");
}

#[test]
fn tries_are_set_and_the_card_set_back() {
    let home = enrolled(&["9a"]);
    home.run("piv retries --pin-tries 5 --puk-tries 4").exits(2).says("--yes");
    home.run("piv retries --pin-tries 0 --puk-tries 4 --yes").exits(2);
    home.run("piv retries --pin-tries 5 --puk-tries 4 --yes --pin-env WRONG").exits(5);
    home.run("piv retries --pin-tries 5 --puk-tries 4 --yes --pin-env PIN").succeeds().says("change both");
    home.run("piv status").succeeds().says("5 of 5 tries left").says("4 of 4 tries left");
    home.run("piv reset").exits(2).says("destroys every key").says("--yes");
    assert_eq!(slots(&home), ["9a"]);
    home.run("piv reset --yes").succeeds().says("as it was made");
    assert!(slots(&home).is_empty());
    home.run("piv status").succeeds().says("GUID             none").says("3 of 3 tries left");
    home.run("piv init --expires 20301399").exits(2).says("no date");
    home.run("piv init --expires 2030").exits(2).says("YYYYMMDD");
    let guid = text(&home.run("--json piv init --expires 20301231").succeeds().json()["guid"]).to_owned();
    home.run("piv status").succeeds().says(&guid).says("20301231").says("CCC              there");
    home.run("piv init").succeeds().says("nothing is changed");
}

#[test]
fn a_standard_card_is_never_blocked_by_a_reset() {
    let home = token("--flavour standard");
    home.run("piv reset --yes").exits(7).says("does not support a reset");
    home.run("piv status").succeeds().says("3 tries left");
    home.run("piv init").exits(1).says("--management-key default");
    home.run("piv init --management-key default").succeeds();
    let line = "piv retries --pin-tries 5 --puk-tries 4 --yes --pin-env PIN --management-key default";
    home.run(line).exits(7).says("does not support setting the number of tries");
}

#[test]
fn a_card_without_piv_says_so() {
    let home = Home::with_card();
    home.run("piv status").exits(7).says("has no PIV application");
    home.run("container names").exits(7).says("has no PIV application");
    home.run("--card nobody piv status").exits(4);
}

#[test]
fn a_key_that_wants_the_pin_each_time_is_used_wherever_it_is() {
    let home = token("");
    administer(&home, |card| {
        let policies = Policies { pin: Some(PinPolicy::Always), touch: None };
        card.generate(Slot::Authentication, KeyAlgorithm::P256, policies).expect("a key");
        let vouched = card.attest(Slot::Authentication).expect("a certificate of the key");
        card.write_certificate(Slot::Authentication, &vouched, CertificateForm::Plain).expect("written");
    });
    home.write("letter", b"hello");
    for _ in 0..3 {
        home.run("sign --container 9a --in letter --out signature --pin-env PIN").succeeds();
        home.run("verify --container 9a --in letter --signature signature").succeeds();
    }
}
