//! A card that nobody of cardmod wrote, the firmware `piv-authenticator`.

use cardmod_interop::pkcs11_module;

use crate::desk::Desk;
use crate::pkcs11::Module;
use crate::ssh;

#[test]
fn the_card_is_one_to_the_tools_of_others() {
    let desk = Desk::with_firmware();
    desk.piv_tool("-a status").success().says("PIN tries left:\t3");
    desk.piv_tool("-a set-chuid -a set-ccc").success();
    for (place, algorithm) in [("9a", "ECCP256"), ("9d", "RSA2048")] {
        desk.enrol_by_yubico(place, algorithm);
        desk.piv_tool(&format!("-s {place} -a read-certificate -o back.pem")).success();
        desk.same(&format!("{place}.pem"), "back.pem");
        desk.beside("openssl verify -CAfile ca.pem back.pem").success();
    }
    desk.piv_tool("-s 9a -a verify-pin -P 123456 -a test-signature -i 9a.pem").success();
    desk.piv_tool("-s 9d -a verify-pin -P 123456 -a test-decipher -i 9d.pem").success();
    let opensc = pkcs11_module();
    let module = Module::new(&desk, &opensc);
    module.signs_ec("01", "9a.pub");
    module.decrypts("03", "9d.pub");
    assert_eq!(ssh::keys(&desk, &opensc).lines().count(), 2);
    ssh::sign_by_agent(&desk, &opensc);
    ssh::log_in(&desk, &opensc);
}

/// The card has what another program put there, which `cardmod` lists, signs with and opens with.
#[test]
fn cardmod_uses_what_yubico_s_program_put_on_the_card() {
    let desk = Desk::with_firmware();
    desk.piv_tool("-a set-chuid -a set-ccc").success();
    for (place, algorithm) in [("9a", "ECCP256"), ("9c", "RSA2048"), ("9d", "RSA2048"), ("82", "ECCP256")] {
        desk.enrol_by_yubico(place, algorithm);
    }
    let listed = desk.cardmod("container list --json").success();
    let listed: serde_json::Value = serde_json::from_str(&listed.stdout).expect("JSON");
    let containers = listed["containers"].as_array().expect("containers");
    let places: Vec<_> = containers.iter().map(|found| found["place"].as_str().expect("a place")).collect();
    assert_eq!(places, ["9a", "9c", "9d", "82"]);
    for place in ["9a", "9c"] {
        desk.cardmod_signs(place);
        desk.cardmod(&format!("cert export --container {place} --out back.pem")).success();
        desk.same(&format!("{place}.pem"), "back.pem");
    }
    desk.cardmod_decrypts("9d");
    // One more place, of a card that another program personalised.
    desk.enrol_by_cardmod("9e", "p256");
    desk.piv_tool("-s 9e -a read-certificate -o back.pem").success();
    desk.same("9e.pem", "back.pem");
    desk.cardmod_signs("9e");
    let shown = desk.cardmod("info --pin-env PIN").success();
    assert_eq!(shown.stdout.matches("CN=key-").count(), 5, "{shown}");
    desk.cardmod("sign --container 9a --in data --out signature --pin-file wrong").exits_with(5);
    desk.cardmod("pin status").success().says("2");
}

/// Keys and certificates that `cardmod` put on the card, which the programs of others then find and use.
#[test]
fn what_cardmod_enrols_on_the_card_is_used_by_others() {
    let desk = Desk::with_firmware();
    for (place, algorithm) in [("9a", "p256"), ("9d", "rsa2048")] {
        desk.enrol_by_cardmod(place, algorithm);
        desk.piv_tool(&format!("-s {place} -a read-certificate -o back.pem")).success();
        desk.same(&format!("{place}.pem"), "back.pem");
    }
    desk.cardmod_signs("9a");
    desk.cardmod_decrypts("9d");
    desk.piv_tool("-s 9a -a verify-pin -P 123456 -a test-signature -i 9a.pem").success();
    desk.piv_tool("-s 9d -a verify-pin -P 123456 -a test-decipher -i 9d.pem").success();
    let opensc = pkcs11_module();
    let module = Module::new(&desk, &opensc);
    module.signs_ec("01", "9a.pub");
    module.decrypts("03", "9d.pub");
    ssh::log_in(&desk, &opensc);
}
