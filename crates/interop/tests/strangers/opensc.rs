//! OpenSC recognises the card, signs and decrypts.

use cardmod_interop::{Home, Outcome, run, tool};

fn opensc(home: &Home, line: &str) -> Outcome {
    run(&mut home.stranger("demo", line)).success()
}

#[test]
fn opensc_recognises_lists_signs_and_decrypts() {
    let home = Home::provisioned();
    opensc(&home, "opensc-tool --name").says("GIDS");
    opensc(&home, "pkcs15-tool --list-certificates").says("X.509 Certificate [web]");
    opensc(&home, "pkcs15-tool --list-keys").says("ModLength      : 2048");

    let login = "pkcs11-tool --login --pin 123456";
    opensc(&home, &format!("{login} --sign --mechanism SHA256-RSA-PKCS --input-file data --output-file sig"));
    let verify = "openssl dgst -sha256 -verify web.pub.pem -signature sig data";
    run(tool(verify).current_dir(home.folder())).success().says("Verified OK");

    let seal = "openssl pkeyutl -encrypt -pubin -inkey web.pub.pem -in data -out sealed";
    run(tool(seal).current_dir(home.folder())).success();
    opensc(
        &home,
        &format!("{login} --decrypt --mechanism RSA-PKCS --input-file sealed --output-file opened"),
    );
    assert_eq!(std::fs::read(home.file("opened")).expect("opened"), b"the data to be signed");
}

#[test]
fn a_wrong_pin_costs_one_try() {
    let home = Home::provisioned();
    let wrong = "pkcs11-tool --login --pin 654321 --sign --mechanism SHA256-RSA-PKCS --input-file data";
    run(&mut home.stranger("demo", wrong)).exits_with(1).says("CKR_PIN_INCORRECT");
    home.run("--card demo pin status").success().says("2");
    // the right one gives the tries back, to whichever program it is
    opensc(&home, "pkcs11-tool --login --pin 123456 --list-objects --type privkey").says("RSA");
    home.run("--card demo pin status").success().says("3");
}
