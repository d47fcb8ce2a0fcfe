//! Cards in two readers of one pcscd, one PIV and one GIDS; and a PIV card that speaks T=0.

use cardmod_interop::{Home, World};

use crate::desk::Desk;

const FIRST: &str = "Virtual PCD 00 00";
const SECOND: &str = "Virtual PCD 00 01";

#[test]
fn two_cards_are_told_apart_and_never_mixed() {
    let home = Home::new();
    home.run("card new mypiv --type piv").success();
    home.run("key generate --algorithm p256 --card mypiv --container 9a --pin-env PIN").success();
    home.run("card new demo").success();
    home.run("key generate --algorithm p256 --card demo --container web --pin-env PIN").success();
    std::fs::write(home.file("data"), "the data to be signed").expect("a file");
    let world = World::new();
    let _first = world.plug(&home, "mypiv");
    let second = world.plug_second(&home, "demo");
    let cardmod = |reader: &str, words: &[&str]| {
        let first = ["cardmod", "--reader", reader];
        world.run_at(&home, &[&first[..], words].concat())
    };
    let doctor = world.run_at(&home, &["cardmod", "info"]);
    doctor.exits_with(2).says("there are several cards").says(FIRST).says(SECOND);
    for (reader, other, container, foreign, application) in
        [(FIRST, SECOND, "9a", "web", "piv"), (SECOND, FIRST, "web", "9a", "")]
    {
        let info = cardmod(reader, &["info", "--json"]).success();
        let info: serde_json::Value = serde_json::from_str(&info.stdout).expect("JSON");
        assert_eq!(info["card"]["reader"], reader);
        assert_eq!(info["card"]["application"].as_str().unwrap_or_default(), application);
        assert_eq!(info["containers"].as_array().map(Vec::len), Some(1), "{info}");
        for _ in 0..2 {
            let sign = ["--in", "data", "--out", "signature", "--pin-env", "PIN"];
            cardmod(reader, &[&["sign", "--container", container][..], &sign].concat()).success();
            cardmod(
                reader,
                &["verify", "--container", container, "--in", "data", "--signature", "signature"],
            )
            .success();
            // Of the cards that there are it is the one that has the container.
            world
                .run_at(&home, &[&["cardmod", "sign", "--container", container][..], &sign].concat())
                .success();
            cardmod(
                reader,
                &["verify", "--container", container, "--in", "data", "--signature", "signature"],
            )
            .success();
            let refused = cardmod(reader, &[&["sign", "--container", foreign][..], &sign].concat());
            assert_ne!(refused.status, Some(0), "{refused}");
            assert!(!refused.stderr.contains(other), "{refused}");
        }
    }
    drop(second);
    // One is left, which needs no name.
    let left = world.run_at(&home, &["cardmod", "--reader", FIRST, "container", "list"]).success();
    assert!(left.stdout.contains("9a"), "{left}");
}

/// pcscd passes commands of T=0 as they are, and the answers that announce others; cardmod and OpenSC fetch them.
#[test]
fn a_piv_card_that_speaks_t0_works_through_pcscd() {
    let desk = Desk::with_t0_card();
    desk.enrol_by_cardmod("9a", "p256");
    desk.enrol_by_cardmod("9d", "rsa2048");
    desk.cardmod_signs("9a");
    desk.cardmod_decrypts("9d");
    let atr = desk.run("opensc-tool --reader 0 --atr").success();
    assert!(atr.stdout.starts_with("3b:0"), "no TD1, which is T=0: {atr}");
    let listed = desk.run("pkcs15-tool --list-certificates").success();
    assert_eq!(listed.stdout.matches("X.509 Certificate").count(), 2, "{listed}");
    desk.run("pkcs15-tool --read-certificate 01 --output back.pem").success();
    desk.same("9a.pem", "back.pem");
}
