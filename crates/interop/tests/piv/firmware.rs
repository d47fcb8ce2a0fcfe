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
