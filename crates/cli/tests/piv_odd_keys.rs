//! Keys of PIV cards that are not as their places say: a PIN policy of their own where everybody may use the key,
//! and a new key beside the certificate of the one it replaced.

mod common;

use cardmod_default::piv::edge::{KeyAlgorithm, PinPolicy, Policies, Slot};
use common::Home;
use common::piv::{administer, enrolled, token};

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_key_of_everyone_that_wants_the_pin_signs() {
    for policy in [PinPolicy::Once, PinPolicy::Always] {
        let home = token("");
        home.write("data", b"data");
        // Another program's key, with a certificate of its own.
        let policies = Policies { pin: Some(policy), touch: None };
        let key = administer(&home, |card| {
            card.generate(Slot::CardAuthentication, KeyAlgorithm::P256, policies).expect("a key")
        });
        let der = certificate_of(&home, &key.to_spki_der());
        administer(&home, |card| {
            card.write_certificate(Slot::CardAuthentication, &der, Default::default()).expect("written");
        });
        for cache in ["off", "on", "on"] {
            let mut command =
                home.cardmod("--card token sign --container 9e --in data --out data.sig --pin-env PIN");
            command.env("CARDMOD_CACHE", cache);
            common::Outcome::of(&mut command).succeeds();
            home.run("--card token key public --container 9e --out own.pub").succeeds();
            home.tool("openssl dgst -sha256 -verify own.pub -signature data.sig data").succeeds();
        }
    }
}

/// A certificate for a public key, by an issuer made for it.
fn certificate_of(home: &Home, spki: &[u8]) -> Vec<u8> {
    home.write("new.der", spki);
    home.tool("openssl pkey -pubin -inform der -in new.der -out new.pub").succeeds();
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem").succeeds();
    home.tool("openssl req -newkey rsa:2048 -nodes -keyout any.key -subj /CN=new -out any.csr").succeeds();
    home.tool("openssl x509 -req -in any.csr -force_pubkey new.pub -CA ca.pem -CAkey ca.key -CAcreateserial -out new.pem")
        .succeeds();
    home.tool("openssl x509 -in new.pem -outform der -out new.crt").succeeds();
    home.read("new.crt")
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn the_certificate_of_a_key_that_another_program_made_is_imported_over_the_outdated_one() {
    for algorithm in [KeyAlgorithm::P256, KeyAlgorithm::P384, KeyAlgorithm::Rsa2048] {
        let home = enrolled(&["9a"]);
        home.write("data", b"data");
        let key = administer(&home, |card| {
            card.generate(Slot::Authentication, algorithm, Policies::NONE).expect("a key")
        });
        let right = certificate_of(&home, &key.to_spki_der());
        let import =
            |file: &str| home.run(&format!("--card token cert import --container 9a {file} --pin-env PIN"));
        import("ca.pem").exits(1).says("does not match the key");
        import("new.pem").succeeds();
        home.run("--card token cert export --container 9a --der --out out.der").succeeds();
        assert_eq!(home.read("out.der"), right, "{algorithm:?}");
        home.run("--card token sign --container 9a --in data --out data.sig --pin-env PIN").succeeds();
        home.tool("openssl dgst -sha256 -verify new.pub -signature data.sig data").succeeds();
        home.run("--card token container list").succeeds().says("9a");
    }
}
