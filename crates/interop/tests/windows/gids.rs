//! A whole life of a GIDS card under Wine, with the class module built in and as a library: keys made and
//! imported, certificates, signatures, decryption, key agreement, each judged by OpenSSL.

use cardmod_interop::Outcome;

use crate::desk::{Desk, program, windows};

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_module_built_in() {
    let desk = Desk::with_card().with_options(&["--card", "demo"]);
    whole_life(&desk);
    desk.wine("info").success().says("built-in class module");
}

#[test]
#[ignore = "run by cargo xtask windows"]
fn the_module_as_a_library() {
    let module = windows(&program("cardmod_class.dll"));
    let desk = Desk::with_card().with_options(&["--card", "demo", "--module", &module]);
    whole_life(&desk);
    desk.wine("info").success().says(&module).says("named by the caller");
}

fn whole_life(desk: &Desk) {
    desk.wine("container list").success().says("no containers");
    rsa_signs_and_decrypts(desk);
    ecdsa_signs(desk);
    ecdh_agrees(desk);
    certificates_come_and_go(desk);
    imported_keys_sign(desk);
    let list = desk.wine("container list").success();
    list.says("rsa").says("ec").says("agree").says("brought").says("rsa2048").says("p384");
}

/// With the words of a PIN behind.
#[track_caller]
fn with_pin(desk: &Desk, line: &str) -> Outcome {
    desk.wine(&format!("{line} --pin-env PIN"))
}

fn rsa_signs_and_decrypts(desk: &Desk) {
    with_pin(desk, "key generate --container rsa --algorithm rsa2048").success();
    desk.wine("key public --container rsa --out rsa.pub.pem").success();
    with_pin(desk, "sign --container rsa --in data --out pkcs1.sig").success();
    desk.openssl_verifies("rsa.pub.pem", "pkcs1.sig", "data", "");
    with_pin(desk, "sign --container rsa --in data --out pss.sig --padding pss").success();
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32";
    desk.openssl_verifies("rsa.pub.pem", "pss.sig", "data", pss);
    desk.wine("verify --container rsa --in data --signature pss.sig --padding pss").success();
    desk.write("other", b"other data");
    desk.wine("verify --container rsa --in other --signature pkcs1.sig").exits_with(1).says("signature");
    for (sealing, opening) in [
        ("", ""),
        (
            "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256",
            "--padding oaep --oaep-hash sha256",
        ),
    ] {
        desk.openssl_seals("rsa.pub.pem", sealing);
        with_pin(desk, &format!("decrypt --container rsa --in sealed --out opened {opening}")).success();
        assert_eq!(desk.read("opened"), desk.read("data"), "{sealing}");
    }
}

fn ecdsa_signs(desk: &Desk) {
    with_pin(desk, "key generate --container ec --algorithm p256").success();
    desk.wine("key public --container ec --out ec.pub.pem").success();
    with_pin(desk, "sign --container ec --in data --out ec.sig").success();
    desk.openssl_verifies("ec.pub.pem", "ec.sig", "data", "");
    // What OpenSSL signs is verified here.
    desk.tool("openssl ecparam -name prime256v1 -genkey -noout -out signer.pem").success();
    desk.tool("openssl pkey -in signer.pem -pubout -out signer.pub.pem").success();
    desk.tool("openssl dgst -sha256 -sign signer.pem -out signer.sig data").success();
    desk.wine("verify --public signer.pub.pem --in data --signature signer.sig").success();
}

fn ecdh_agrees(desk: &Desk) {
    with_pin(desk, "key generate --container agree --algorithm p256 --purpose exchange").success();
    desk.wine("key public --container agree --out agree.pub.pem").success();
    desk.openssl_agrees("agree.pub.pem", "P-256");
    with_pin(desk, "derive --container agree --peer peer.pub.pem --out ours").success();
    assert_eq!(desk.read("ours"), desk.read("theirs"));
}

fn certificates_come_and_go(desk: &Desk) {
    with_pin(desk, "cert request --container rsa --subject CN=web,O=Example --out web.csr").success();
    desk.openssl_certifies("web.csr", "rsa.pub.pem", "web.pem");
    with_pin(desk, "cert import --container rsa web.pem").success();
    desk.wine("cert export --container rsa --out back.pem").success();
    desk.same_certificate("web.pem", "back.pem");
    with_pin(desk, "cert self-sign --container ec --subject CN=own --out own.pem").success();
    desk.tool("openssl verify -CAfile own.pem own.pem").success().says("OK");
    desk.wine("info").success().says("CN=web,O=Example");
}

fn imported_keys_sign(desk: &Desk) {
    desk.tool("openssl ecparam -name secp384r1 -genkey -noout -out key.pem").success();
    desk.tool("openssl pkey -in key.pem -pubout -out key.pub.pem").success();
    with_pin(desk, "key import --container brought --in key.pem").success();
    with_pin(desk, "sign --container brought --in data --out brought.sig").success();
    desk.openssl_verifies("key.pub.pem", "brought.sig", "data", "");
}
