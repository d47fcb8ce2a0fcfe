//! A card that `cardmod` provisioned and filled is a GIDS card to OpenSC.

use cardmod_interop::{Home, World, run, tool};

const MODULE_OPTIONS: [&str; 4] = ["pkcs11-tool", "--login", "--pin", "123456"];

#[test]
fn opensc_lists_signs_and_decrypts() {
    let home = Home::provisioned();
    let world = World::new();
    let plug = world.plug(&home, "demo");

    world.run_at(&home, &["opensc-tool", "-n"]).success().says("GIDS");
    world.run_at(&home, &["pkcs15-tool", "--list-certificates"]).success().says("X.509 Certificate");
    world.run_at(&home, &["pkcs15-tool", "--list-keys"]).success().says("ModLength      : 2048");

    // the card hashes nothing and pads by itself: SHA256-RSA-PKCS
    let sign = ["--sign", "--mechanism", "SHA256-RSA-PKCS", "--input-file", "data", "--output-file", "sig"];
    world.run_at(&home, &[&MODULE_OPTIONS[..], &sign].concat()).success();
    let mut verify = tool("openssl dgst -sha256 -verify web.pub.pem -signature sig data");
    run(verify.current_dir(home.folder())).success().says("Verified OK");

    let seal = "openssl pkeyutl -encrypt -pubin -inkey web.pub.pem -in data -out sealed";
    run(tool(seal).current_dir(home.folder())).success();
    let decrypt =
        ["--decrypt", "--mechanism", "RSA-PKCS", "--input-file", "sealed", "--output-file", "opened"];
    world.run_at(&home, &[&MODULE_OPTIONS[..], &decrypt].concat()).success();
    assert_eq!(std::fs::read(home.file("opened")).expect("opened"), b"the data to be signed");

    // while it is plugged, the card is not also a reader of its own
    home.run("--card demo info").exits_with(1).says("plugged");
    drop(plug);
    home.run("--card demo info").success().says("web");
}
