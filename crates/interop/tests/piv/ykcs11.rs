//! Yubico's PKCS#11 module (ykcs11, of yubico-piv-tool) on virtual PIV cards, in a reader that is named as it wants.

use std::path::PathBuf;

use cardmod_interop::{Authority, pkcs11_module_of};

use crate::desk::Desk;
use crate::pkcs11::Module;
use crate::ssh;

/// The management key is this module's SO PIN.
const ADMINISTRATOR: &str =
    "--login --login-type so --so-pin 010203040506070801020304050607080102030405060708";

fn ykcs11() -> PathBuf {
    pkcs11_module_of("libykcs11.so", "ykcs11")
}

#[test]
fn keys_are_made_and_used_through_ykcs11_and_seen_by_opensc() {
    let desk = Desk::with_card_in_yubico_s_reader("");
    let path = ykcs11();
    let module = Module::new(&desk, &path);
    module.tool("--list-slots").success().says("YubiKey PIV #");
    for (id, kind) in [("1", "EC:secp256r1"), ("2", "rsa:2048"), ("3", "rsa:2048")] {
        module.tool(&format!("{ADMINISTRATOR} --keypairgen --key-type {kind} --id {id}")).success();
        module.tool(&format!("--read-object --type pubkey --id {id} --output-file key.der")).success();
        let (public, certificate) = (format!("{id}.pub"), format!("{id}.pem"));
        desk.beside(&format!("openssl pkey -pubin -inform DER -in key.der -out {public}")).success();
        Authority::new(&desk.home).certify(&public, &format!("key-{id}"), &certificate);
        module.tool(&format!("{ADMINISTRATOR} --write-object {id}.der --type cert --id {id}")).success();
    }
    let listed = module.login("--list-objects").success();
    assert_eq!(listed.stdout.matches("DN: CN=key-").count(), 3, "{listed}");
    module.signs_ec("1", "1.pub");
    module.signs_rsa("2", "2.pub");
    module.decrypts("3", "3.pub");

    let opensc = cardmod_interop::pkcs11_module();
    let other = Module::new(&desk, &opensc);
    other.signs_ec("01", "1.pub");
    other.decrypts("03", "3.pub");
}

#[test]
fn openssh_logs_in_with_ykcs11() {
    let desk = Desk::with_card_in_yubico_s_reader("");
    desk.enrol_by_yubico("9a", "ECCP256");
    let path = ykcs11();
    ssh::sign_by_agent(&desk, &path);
    ssh::log_in(&desk, &path);
    Module::new(&desk, &path).login("--change-pin --new-pin 654321").success();
    desk.piv_tool("-a verify-pin -P 654321").success();
}
