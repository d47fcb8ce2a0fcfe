//! OpenSC on virtual PIV cards: its piv-tool for those who set cards up, its PKCS#11 module for everybody else.

use cardmod_interop::{Authority, pkcs11_module};

use crate::desk::Desk;
use crate::pkcs11::Module;
use crate::ssh;

/// The key every new token has, as piv-tool reads it from a file.
const MANAGEMENT_KEY: &str = "01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08";

/// piv-tool with the management key at hand.
fn piv_tool(desk: &Desk, line: &str) -> cardmod_interop::Outcome {
    std::fs::write(desk.home.file("management.key"), MANAGEMENT_KEY).expect("a file");
    let words: Vec<&str> = ["piv-tool"].into_iter().chain(line.split_whitespace()).collect();
    let mut command = desk.world.command_at(&desk.home, &words);
    command.env("PIV_EXT_AUTH_KEY", desk.home.file("management.key"));
    cardmod_interop::run(&mut command)
}

/// The answer's bytes among what piv-tool says of an APDU: lines of hexadecimal digits, with the characters beside
/// them.
fn answer(said: &str) -> Vec<u8> {
    let lines = said.lines().skip_while(|line| !line.starts_with("Received")).skip(1);
    let digits = lines.flat_map(|line| line.get(..48).unwrap_or(line).split_whitespace());
    digits.map_while(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// piv-tool generates a key on P-256, whose public half it hands over as the card's answer alone.
fn generate(desk: &Desk) {
    /// SubjectPublicKeyInfo of RFC 5480 up to the point.
    const BEFORE_THE_POINT: [u8; 26] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86,
        0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    let generate = "00:47:00:9A:05:AC:03:80:01:11:00";
    let said = piv_tool(desk, &format!("--admin M:9B:03 --send-apdu {generate}")).success();
    let answer = answer(&said.stdout);
    assert_eq!((answer.len(), &answer[..5]), (70, &[0x7F, 0x49, 0x43, 0x86, 0x41][..]), "{said}");
    let key = [&BEFORE_THE_POINT[..], &answer[5..]].concat();
    std::fs::write(desk.home.file("9a.der"), key).expect("a file");
    desk.beside("openssl pkey -pubin -inform DER -in 9a.der -out 9a.pub").success();
}

#[test]
fn piv_tool_sets_a_card_up() {
    for options in ["--flavour standard", "--flavour yubikey"] {
        let desk = Desk::with_card(options);
        piv_tool(&desk, "--name").success().says("Personal Identity Verification Card");
        generate(&desk);
        Authority::new(&desk.home).certify("9a.pub", "by-piv-tool", "9a.pem");
        // its exit status is the number of bytes, cut to eight bits
        piv_tool(&desk, "--admin M:9B:03 --cert 9A --in 9a.pem");
        desk.run("pkcs15-tool --read-certificate 01 --output back.pem").success();
        desk.beside("openssl verify -CAfile ca.pem back.pem").success();
        std::fs::write(desk.home.file("printed"), [0x53, 0x05, 0x01, 0x03, b'A', b'n', b'n'])
            .expect("a file");
        piv_tool(&desk, "--admin M:9B:03 --object 3001 --in printed").exits_with(7);

        let opensc = pkcs11_module();
        let module = Module::new(&desk, &opensc);
        module.signs_ec("01", "9a.pub");
        let printed =
            "--read-object --type data --application-id 2.16.840.1.101.3.7.2.48.1 --output-file back";
        module.login(printed).success();
        desk.same("printed", "back");
        let wrong = desk.run("pkcs11-tool --login --pin 000000 --list-objects");
        wrong.exits_with(1).says("CKR_PIN_INCORRECT");
    }
}

#[test]
fn the_pkcs11_module_signs_and_decrypts_with_every_key() {
    let desk = Desk::with_card("");
    for (place, algorithm) in [("9a", "ECCP256"), ("9c", "RSA2048"), ("9d", "RSA2048"), ("9e", "ECCP384")] {
        desk.enrol_by_yubico(place, algorithm);
    }
    let opensc = pkcs11_module();
    let module = Module::new(&desk, &opensc);
    module.signs_ec("01", "9a.pub");
    module.signs_rsa("02", "9c.pub"); // with the PIN once more, which pkcs11-tool gives again
    module.decrypts("03", "9d.pub");
    module.signs_ec("04", "9e.pub");
    let listed = module.login("--list-objects --type privkey").success();
    assert_eq!(listed.stdout.matches("Private Key Object").count(), 4, "{listed}");
    module.login("--change-pin --new-pin 654321").success();
    desk.piv_tool("-a verify-pin -P 654321").success();
}

#[test]
fn openssh_signs_and_logs_in() {
    let desk = Desk::with_card("");
    desk.enrol_by_yubico("9a", "ECCP256");
    let opensc = pkcs11_module();
    assert_eq!(ssh::keys(&desk, &opensc).lines().count(), 1);
    ssh::sign_by_agent(&desk, &opensc);
    ssh::log_in(&desk, &opensc);
}

#[test]
fn gnutls_and_nss_see_the_certificates() {
    let desk = Desk::with_card("");
    desk.enrol_by_yubico("9a", "ECCP256");
    let module = pkcs11_module();
    let module = module.display();
    let listed = desk.run(&format!("p11tool --provider {module} --list-all-certs")).success();
    listed.says("Certificate for PIV Authentication");
    desk.run("certutil -N -d sql:. --empty-password").success();
    desk.run(&format!("modutil -force -dbdir sql:. -add card -libfile {module}")).success();
    std::fs::write(desk.home.file("pin"), "123456").expect("a file");
    let listed = desk.run("certutil -L -d sql:. -h all -f pin").success();
    listed.says("Certificate for PIV Authentication");
}
