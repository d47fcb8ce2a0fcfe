//! `cardmod`, with its cache on, and the programs of others in turn on one card: each sees what the other wrote,
//! and nothing outdated is handed out or signed with.

use cardmod_interop::{Authority, Home, pkcs11_module, run};

use crate::desk::Desk;
use crate::pkcs11::Module;
use crate::ssh;

#[test]
fn each_side_sees_what_the_other_wrote() {
    let desk = Desk::with_card("");
    let authority = Authority::new(&desk.home);
    let export = |container: &str| {
        desk.cardmod(&format!("cert export --container {container} --out back.pem")).success();
    };
    // ours, with a name that the card keeps
    let write = "--pin-env PIN --management-key default";
    desk.cardmod(&format!("key generate --container 9a --name mine --algorithm p256 {write}")).success();
    desk.cardmod("key public --container mine --out 9a.pub").success();
    desk.cardmod(&format!("cert self-sign --container mine --subject CN=mine --store {write}")).success();
    desk.piv_tool("-a status").success().says("Subject DN:\tCN=mine");
    Module::new(&desk, &pkcs11_module()).signs_ec("01", "9a.pub");
    assert_eq!(desk.containers(), ["mine"]);

    // theirs, in another place
    desk.enrol_by_yubico("9d", "RSA2048");
    desk.cardmod_decrypts("9d");
    export("9d");
    desk.same("9d.pem", "back.pem");
    assert_eq!(desk.containers().len(), 2);

    // theirs in place of ours: the certificate, which is read before it is handed out
    export("mine");
    authority.certify("9a.pub", "renewed", "renewed.pem");
    desk.piv_tool("-s 9a -a import-certificate -i renewed.pem").success();
    export("mine");
    desk.same("renewed.pem", "back.pem");

    // key and certificate: the first signature shows what has changed
    desk.cardmod_signs("9a");
    desk.enrol_by_yubico("9a", "ECCP256");
    desk.cardmod_signs("9a");
    export("mine");
    desk.same("9a.pem", "back.pem");

    // and what we delete is gone for everybody
    desk.cardmod(&format!("container delete mine {write}")).success();
    desk.piv_tool("-s 9a -a read-certificate").exits_with(1);
    assert!(!desk.containers().contains(&"mine".to_owned()));
    desk.piv_tool("-s 9d -a verify-pin -P 123456 -a test-decipher -i 9d.pem").success();
}

/// What the documentation shows: a key made on the card where it is, used by ssh once it is in a reader.
#[test]
fn a_key_made_without_a_daemon_is_one_for_openssh_in_a_reader() {
    for flavour in ["standard", "yubikey"] {
        let home = Home::new();
        home.run(&format!("card new mypiv --type piv --flavour {flavour}")).success();
        let write = if flavour == "standard" { "--management-key default" } else { "" };
        let key = format!("--card mypiv --container 9a --pin-env PIN {write}");
        home.run(&format!("key generate --algorithm p256 {key}")).success();
        home.run("key public --card mypiv --container 9a --out 9a.pub").success();
        home.run("cert request --card mypiv --container 9a --subject CN=me --out 9a.csr --pin-env PIN")
            .success();
        Authority::new(&home).certify("9a.pub", "me", "9a.pem");
        home.run(&format!("cert import 9a.pem {key}")).success();
        let opensc = pkcs11_module();
        let listing = format!("ssh-keygen -D {}", opensc.display());
        let without_daemon = run(&mut home.stranger("mypiv", &listing)).success().stdout;
        assert!(without_daemon.starts_with("ecdsa-sha2-nistp256 "), "{without_daemon}");

        let desk = Desk::at(home, "mypiv");
        assert_eq!(ssh::keys(&desk, &opensc), without_daemon);
        ssh::log_in(&desk, &opensc);
        desk.cardmod_signs("9a");
    }
}

/// A card with both applications is each to whoever asks for it.
#[test]
fn a_card_with_both_applications_is_served_by_each() {
    let home = Home::new();
    home.run("card new both --type dual").success();
    home.run("--card both --application gids key generate --container web --algorithm rsa2048 --pin-env PIN")
        .success();
    let desk = Desk::at(home, "both");
    desk.enrol_by_yubico("9a", "ECCP256");
    desk.cardmod_signs("9a");
    let gids = "--application gids";
    desk.cardmod(&format!("{gids} key public --container web --out web.pub")).success();
    desk.cardmod(&format!("{gids} sign --container web --in data --out signature --pin-env PIN")).success();
    desk.verify("web.pub", "signature");
    assert_eq!(desk.containers().len(), 1, "PIV comes first");
}
