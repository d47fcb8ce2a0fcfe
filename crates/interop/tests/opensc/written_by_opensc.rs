//! A card that `gids-tool` initialised and OpenSC filled is served by the class module over the
//! system's PC/SC library.

use cardmod_interop::{Authority, Home, READER, World, run, tool};

const ADMIN_KEY: &str = "000102030405060708090A0B0C0D0E0F1011121314151617";
const LOGIN: [&str; 4] = ["pkcs11-tool", "--login", "--pin", "123456"];

/// A blank card initialised and filled by OpenSC: one RSA-2048 key and its certificate.
fn filled_by_opensc(home: &Home, world: &World) {
    world
        .run_at(
            home,
            &[
                "gids-tool",
                "--initialize",
                "--pin",
                "123456",
                "--admin-key",
                ADMIN_KEY,
                "--serial-number",
                "00000000000000000000000000000042",
            ],
        )
        .success();
    let generate = ["--keypairgen", "--key-type", "rsa:2048", "--id", "01", "--label", "made by OpenSC"];
    world.run_at(home, &[&LOGIN[..], &generate].concat()).success();
    // OpenSC numbers the keys of a GIDS card by container
    let public = world.run_at(home, &["pkcs15-tool", "--read-public-key", "00"]).success();
    std::fs::write(home.file("pub.pem"), &public.stdout).expect("a file");
    Authority::new(home).certify("pub.pem", "holder", "cert.pem");
    let store = ["--write-object", "cert.der", "--type", "cert", "--id", "00", "--label", "made by OpenSC"];
    world.run_at(home, &[&LOGIN[..], &store].concat()).success();
}

#[test]
fn the_class_module_serves_a_card_filled_by_opensc() {
    let home = Home::new();
    home.run("card new other --blank").success();
    let world = World::new();
    let _plug = world.plug(&home, "other");
    filled_by_opensc(&home, &world);
    std::fs::write(home.file("data"), b"the data to be signed").expect("a file");

    let reader = ["cardmod", "--reader", READER];
    let on_card = |words: &[&str]| world.run_at(&home, &[&reader[..], words].concat());
    let listed = on_card(&["container", "list", "--json"]).success();
    let container = field(&listed.stdout, "name");

    on_card(&[
        "sign",
        "--container",
        &container,
        "--hash",
        "sha256",
        "--in",
        "data",
        "--out",
        "sig",
        "--pin-env",
        "PIN",
    ])
    .success();
    let verify = "openssl dgst -sha256 -verify pub.pem -signature sig data";
    run(tool(verify).current_dir(home.folder())).success().says("Verified OK");

    let seal = "openssl pkeyutl -encrypt -pubin -inkey pub.pem -in data -out sealed";
    run(tool(seal).current_dir(home.folder())).success();
    on_card(&["decrypt", "--container", &container, "--in", "sealed", "--out", "opened", "--pin-env", "PIN"])
        .success();
    assert_eq!(std::fs::read(home.file("opened")).expect("opened"), b"the data to be signed");

    on_card(&["cert", "export", "--container", &container, "--out", "back.pem"]).success();
    run(tool("openssl x509 -in back.pem -noout -subject").current_dir(home.folder()))
        .success()
        .says("holder");
}

/// The first value of a string field in JSON text.
fn field(json: &str, name: &str) -> String {
    let start = json.find(&format!("\"{name}\"")).unwrap_or_else(|| panic!("no {name} in {json}"));
    let value = json[start..].split('"').nth(3).expect("a string value");
    value.to_owned()
}
