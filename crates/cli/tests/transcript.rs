//! The transcript of the README, each line a process of its own, its results judged by openssl.
#![forbid(unsafe_code)]

mod common;

use common::Home;

/// What a newcomer types, line by line.
const TRANSCRIPT: &str = r#"
set -eu
cardmod card new demo
export PIN=123456
cardmod --card demo key generate --container web --algorithm rsa2048 --pin-env PIN
cardmod --card demo key public --container web --out web.pub.pem
cardmod --card demo sign --container web --hash sha256 --in data --out data.sig --pin-env PIN
openssl dgst -sha256 -verify web.pub.pem -signature data.sig data
cardmod --card demo cert request --container web --subject CN=web --out web.csr --pin-env PIN
openssl req -in web.csr -noout -verify
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem -days 9
openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -out web.pem
cardmod --card demo cert import --container web web.pem --pin-env PIN
cardmod --card demo info --json
openssl pkeyutl -encrypt -pubin -inkey web.pub.pem -in data -out sealed
cardmod --card demo decrypt --container web --in sealed --out opened --pin-env PIN
cmp opened data
"#;

#[test]
#[cfg_attr(windows, ignore = "the transcript is for a Unix shell")]
fn the_transcript_word_for_word() {
    let home = Home::new();
    home.write("data", b"the data to be signed");
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_cardmod")).parent().expect("a folder");
    home.shell(&format!("PATH={}:$PATH\n{TRANSCRIPT}", program.display()))
        .succeeds()
        .says("Verified OK")
        .says("verify OK")
        .says("CN=web")
        .never_says("FAIL");
}

/// Signs `data` and has openssl verify it.
#[track_caller]
fn signs(home: &Home, options: &str, openssl: &str) {
    home.run("--card demo key public --container web --out web.pub.pem").succeeds();
    home.run(&format!(
        "--card demo sign --container web --hash sha256 --in data --out data.sig --pin-env PIN {options}"
    ))
    .succeeds();
    home.judged_by_openssl(&format!("dgst -sha256 -verify web.pub.pem -signature data.sig {openssl} data"));
    home.run(&format!("--card demo verify --container web --in data --signature data.sig {options}"))
        .succeeds();
    home.run(&format!("verify --public web.pub.pem --in data --signature data.sig {options}")).succeeds();
    home.write("other", b"other data");
    home.run(&format!("verify --public web.pub.pem --in other --signature data.sig {options}"))
        .exits(1)
        .says("signature");
}

#[test]
fn rsa_signatures_are_right_to_openssl() {
    for algorithm in ["rsa1024", "rsa2048", "rsa3072"] {
        let home = Home::with_key(algorithm);
        signs(&home, "", "");
        signs(&home, "--padding pss", "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32");
    }
}

#[test]
fn the_largest_rsa_key_signs() {
    let home = Home::with_key("rsa4096");
    signs(&home, "", "");
}

#[test]
fn ecdsa_signatures_are_right_to_openssl() {
    for (algorithm, raw_length) in [("p256", 64), ("p384", 96), ("p521", 132)] {
        let home = Home::with_key(algorithm);
        signs(&home, "", "");
        home.run("--card demo sign --container web --in data --out raw.sig --raw --pin-env PIN").succeeds();
        assert_eq!(home.read("raw.sig").len(), raw_length);
        home.run("--card demo verify --container web --in data --signature raw.sig --raw").succeeds();
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn other_hashes_and_digests() {
    let home = Home::with_key("rsa2048");
    home.run("--card demo key public --container web --out web.pub.pem").succeeds();
    for hash in ["sha1", "sha384", "sha512"] {
        home.run(&format!(
            "--card demo sign --container web --hash {hash} --in data --out data.sig --pin-env PIN"
        ))
        .succeeds();
        home.tool(&format!("openssl dgst -{hash} -verify web.pub.pem -signature data.sig data")).succeeds();
    }
    home.tool("openssl dgst -sha256 -binary -out data.sha data").succeeds();
    home.run("--card demo sign --container web --digest --in data.sha --out data.sig --pin-env PIN")
        .succeeds();
    home.tool("openssl dgst -sha256 -verify web.pub.pem -signature data.sig data").succeeds();
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn certificates_from_request_to_export() {
    for algorithm in ["rsa2048", "p256", "p521"] {
        let home = Home::with_key(algorithm);
        home.run("--card demo cert request --container web --subject CN=web --out web.csr --pin-env PIN")
            .succeeds();
        home.tool("openssl req -in web.csr -noout -verify").succeeds();
        issue(&home);
        home.run("--card demo cert import --container web web.pem --pin-env PIN").succeeds();
        home.run("--card demo cert export --container web --out back.pem").succeeds();
        let fingerprint = |file: &str| {
            home.tool(&format!("openssl x509 -in {file} -noout -fingerprint -sha256")).succeeds().text()
        };
        assert_eq!(fingerprint("web.pem"), fingerprint("back.pem"));
        let info = home.run("--card demo info --json").succeeds().json();
        let certificate = &info["containers"][0]["keys"][0]["certificate"];
        assert_eq!(certificate["subject"], "CN=web");
        assert_eq!(certificate["issuer"], "CN=ca");
        assert_eq!(certificate["matches_key"], true);
        home.run("--card demo cert delete --container web --pin-env PIN").succeeds();
        home.run("--card demo cert export --container web").exits(1).says("no certificate");
    }
}

/// An openssl CA answers `web.csr` with `web.pem`.
fn issue(home: &Home) {
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem -days 9")
        .succeeds();
    home.tool("openssl x509 -req -in web.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 9 -out web.pem")
        .succeeds();
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn self_signed_certificates_verify() {
    for algorithm in ["rsa2048", "p384"] {
        let home = Home::with_key(algorithm);
        home.run(
            "--card demo cert self-sign --container web --subject CN=web,O=Example --san DNS:web.example \
             --out web.pem --store --pin-env PIN",
        )
        .succeeds();
        home.tool("openssl verify -CAfile web.pem web.pem").succeeds().says("OK");
        home.tool("openssl x509 -in web.pem -noout -ext subjectAltName").succeeds().says("DNS:web.example");
        home.run("--card demo cert export --container web").succeeds().says("BEGIN CERTIFICATE");
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn what_openssl_seals_is_opened() {
    let home = Home::with_key("rsa2048");
    home.run("--card demo key public --container web --out web.pub.pem").succeeds();
    let oaep = "-pkeyopt rsa_padding_mode:oaep";
    for (seal, open) in [
        (String::new(), ""),
        (oaep.to_owned(), "--padding oaep"),
        (
            format!("{oaep} -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256"),
            "--padding oaep --oaep-hash sha256",
        ),
        (format!("{oaep} -pkeyopt rsa_oaep_label:00ff"), "--padding oaep --oaep-label 00ff"),
    ] {
        home.tool(&format!("openssl pkeyutl -encrypt -pubin -inkey web.pub.pem -in data -out sealed {seal}"))
            .succeeds();
        home.run(&format!(
            "--card demo decrypt --container web --in sealed --out opened --pin-env PIN {open}"
        ))
        .succeeds();
        assert_eq!(home.read("opened"), home.read("data"), "{seal}");
    }
    home.run("--card demo decrypt --container web --in sealed --padding oaep --pin-env PIN").exits(1);
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn both_sides_derive_the_same_secret() {
    for (algorithm, curve) in [("p256", "P-256"), ("p384", "P-384"), ("p521", "P-521")] {
        let home = Home::with_card();
        home.run(&format!(
            "--card demo key generate --container web --algorithm {algorithm} --purpose exchange --pin-env PIN"
        ))
        .succeeds();
        home.run("--card demo key public --container web --out web.pub.pem").succeeds();
        home.tool(&format!("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{curve} -out peer.pem"))
            .succeeds();
        home.tool("openssl pkey -in peer.pem -pubout -out peer.pub.pem").succeeds();
        home.tool("openssl pkeyutl -derive -inkey peer.pem -peerkey web.pub.pem -out theirs").succeeds();
        home.run("--card demo derive --container web --peer peer.pub.pem --out ours --pin-env PIN")
            .succeeds();
        assert_eq!(home.read("ours"), home.read("theirs"), "{algorithm}");

        home.run(
            "--card demo derive --container web --peer peer.pub.pem --kdf hash --out hashed --pin-env PIN",
        )
        .succeeds();
        home.tool("openssl dgst -sha256 -binary -out expected theirs").succeeds();
        assert_eq!(home.read("hashed"), home.read("expected"), "{algorithm}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn imported_keys_sign_in_every_form() {
    let home = Home::with_card();
    home.write("data", b"the data to be signed");
    home.tool("openssl genrsa -out rsa.pem 2048").succeeds();
    home.tool("openssl rsa -in rsa.pem -traditional -out rsa1.pem").succeeds();
    home.tool("openssl pkey -in rsa.pem -outform DER -out rsa.der").succeeds();
    home.tool("openssl ecparam -name secp384r1 -genkey -out ec1.pem").succeeds();
    home.tool("openssl pkcs8 -topk8 -nocrypt -in ec1.pem -out ec.pem").succeeds();
    for (file, public) in [
        ("rsa.pem", "rsa.pem"),
        ("rsa1.pem", "rsa.pem"),
        ("rsa.der", "rsa.pem"),
        ("ec1.pem", "ec1.pem"),
        ("ec.pem", "ec1.pem"),
    ] {
        home.run(&format!("--card demo key import --container web --in {file} --pin-env PIN")).succeeds();
        home.run("--card demo sign --container web --in data --out data.sig --pin-env PIN").succeeds();
        home.tool(&format!("openssl pkey -in {public} -pubout -out web.pub.pem")).succeeds();
        home.tool("openssl dgst -sha256 -verify web.pub.pem -signature data.sig data").succeeds();
        home.run("--card demo container delete web --pin-env PIN").succeeds();
    }
}

#[test]
fn the_apdu_log_counts_and_keeps_secrets() {
    let home = Home::with_key("p256");
    home.run("--card demo sign --container web --in data --out data.sig --pin-env PIN --apdu-log log")
        .succeeds();
    let log = String::from_utf8(home.read("log")).unwrap();
    assert!(log.lines().count() >= 4, "{log}");
    for line in log.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(record["command"].is_string() && record["sw"].is_string(), "{line}");
    }
    assert!(!log.contains("313233343536"), "the PIN is in the log:\n{log}");
}

#[test]
fn the_module_as_a_library_does_the_same() {
    let module = common::class_module();
    let home = Home::with_card();
    home.write("data", b"the data to be signed");
    let run = |line: &str| home.run(&format!("--module {} --card demo {line}", module.display())).succeeds();
    run("key generate --container web --algorithm rsa2048 --pin-env PIN");
    run("key public --container web --out web.pub.pem");
    run("sign --container web --in data --out data.sig --pin-env PIN");
    home.judged_by_openssl("dgst -sha256 -verify web.pub.pem -signature data.sig data");
    run("verify --container web --in data --signature data.sig");
    run("cert self-sign --container web --subject CN=web --store --pin-env PIN");
    run("key generate --container ec --algorithm p256 --pin-env PIN");
    let (outside, inside) =
        (run("container list --json"), home.run("--card demo container list --json").succeeds());
    assert_eq!(outside.json(), inside.json());
    let file = module.file_name().and_then(|name| name.to_str()).expect("a name of text");
    run("info").says(file).says("named by the caller");
    let trial = home.run(&format!("try --json --module {}", module.display())).succeeds().json();
    assert_eq!(trial["apdus"], home.run("try --json").succeeds().json()["apdus"]);
}

#[test]
fn the_trial_shows_every_step() {
    let home = Home::new();
    home.run("try").succeeds().says("Everything works").says("0 blocks left");
    let document = home.run("try --json --apdu-log log").succeeds().json();
    let logged = String::from_utf8(home.read("log")).unwrap().lines().count();
    assert_eq!(document["apdus"], logged);
    assert_eq!(document["result"], "ok");
    assert_eq!(document["ledger"]["live_blocks"], 0);
    assert!(document["apdus"].as_u64().unwrap() > 20);
    assert!(home.run("card list --json").succeeds().json()["cards"].as_array().unwrap().is_empty());
}
