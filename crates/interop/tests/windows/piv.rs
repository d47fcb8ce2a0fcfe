//! A whole life of a PIV card under Wine, with the class module built in and as a library, each result judged
//! by OpenSSL.

use cardmod_interop::Outcome;

use crate::desk::{Desk, program, windows};

/// What whoever writes to the card gives.
const WRITER: &str = "--management-key default --pin-env PIN";

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_module_built_in() {
    let desk = with_token().with_options(&["--card", "token"]);
    whole_life(&desk);
    desk.wine("piv status").success().says("9a").says("9c").says("CN=alice");
    attested(&desk);
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_module_as_a_library() {
    let module = windows(&program("cardmod_class.dll"));
    let desk = with_token().with_options(&["--card", "token", "--module", &module]);
    whole_life(&desk);
    desk.wine("info").success().says(&module).says("PIV");
}

fn with_token() -> Desk {
    let desk = Desk::new();
    desk.wine("card new token --type piv").success();
    desk.write("data", b"the data to be signed");
    desk
}

fn whole_life(desk: &Desk) {
    authentication(desk);
    signature(desk);
    management(desk);
    desk.wine("container list").success().says("9a").says("9c").says("9d").says("9e");
}

/// Asserts that it works, with what reading needs.
#[track_caller]
fn with_pin(desk: &Desk, line: &str) -> Outcome {
    desk.wine(&format!("{line} --pin-env PIN")).success()
}

/// 9A: a P-256 key, with a certificate by way of a request.
fn authentication(desk: &Desk) {
    desk.wine(&format!("key generate --container 9a --algorithm p256 {WRITER}")).success();
    desk.wine("key public --container 9a --out 9a.pub.pem").success();
    with_pin(desk, "cert request --container 9a --subject CN=alice --out alice.csr");
    desk.openssl_certifies("alice.csr", "9a.pub.pem", "alice.pem");
    desk.wine(&format!("cert import --container 9a alice.pem {WRITER}")).success();
    desk.wine("cert export --container 9a --out back.pem").success();
    desk.same_certificate("alice.pem", "back.pem");
    with_pin(desk, "sign --container 9a --in data --out 9a.sig");
    desk.openssl_verifies("9a.pub.pem", "9a.sig", "data", "");
}

/// 9C: an RSA key whose PIN is wanted for each signature.
fn signature(desk: &Desk) {
    desk.wine(&format!("key generate --container 9c --algorithm rsa2048 {WRITER}")).success();
    desk.wine("key public --container 9c --out 9c.pub.pem").success();
    with_pin(desk, "sign --container 9c --in data --out pkcs1.sig");
    desk.openssl_verifies("9c.pub.pem", "pkcs1.sig", "data", "");
    with_pin(desk, "sign --container 9c --in data --out pss.sig --padding pss");
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    desk.openssl_verifies("9c.pub.pem", "pss.sig", "data", pss);
    desk.wine("sign --container 9c --in data --pin-env WRONG").exits_with(5).says("2 tries");
}

/// 9D and 9E: keys that OpenSSL made, one that agrees and one that decrypts.
fn management(desk: &Desk) {
    desk.tool("openssl ecparam -name prime256v1 -genkey -noout -out agree.pem").success();
    desk.tool("openssl pkey -in agree.pem -pubout -out agree.pub.pem").success();
    desk.wine(&format!("key import --container 9d --in agree.pem {WRITER}")).success();
    desk.openssl_agrees("agree.pub.pem", "P-256");
    with_pin(desk, "derive --container 9d --peer peer.pub.pem --out ours");
    assert_eq!(desk.read("ours"), desk.read("theirs"));
    desk.tool("openssl genrsa -out rsa.pem 2048").success();
    desk.tool("openssl pkey -in rsa.pem -pubout -out rsa.pub.pem").success();
    desk.wine(&format!("key import --container 9e --in rsa.pem {WRITER}")).success();
    desk.openssl_seals("rsa.pub.pem", "-pkeyopt rsa_padding_mode:oaep");
    with_pin(desk, "decrypt --container 9e --in sealed --out opened --padding oaep");
    assert_eq!(desk.read("opened"), desk.read("data"));
}

/// The certificates of an attestation are right to OpenSSL.
fn attested(desk: &Desk) {
    desk.wine("piv attest 9a --out attested.pem").success();
    let key = desk.tool("openssl x509 -in attested.pem -noout -pubkey").success();
    assert_eq!(key.stdout, String::from_utf8_lossy(&desk.read("9a.pub.pem")));
}
