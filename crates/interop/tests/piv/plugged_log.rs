//! The APDU log of a card in a reader: it tells what every program sends, and no secret.

use cardmod_interop::{Home, World};

#[test]
fn the_log_of_a_plugged_card_tells_what_others_send_but_no_secret() {
    let home = Home::new();
    home.run("card new mypiv --type piv").success();
    let world = World::new();
    let words = ["cardmod", "card", "plug", "mypiv", "--apdu-log", "log"];
    let _plug = world.plug_program(&home, &words);
    let on_card = |line: &str| world.run_at(&home, &line.split(' ').collect::<Vec<_>>());
    let tool = "yubico-piv-tool --reader Virtual";
    on_card(&format!("{tool} -a verify-pin -P 123456")).success();
    on_card(&format!("{tool} -a change-pin -P 123456 -N 271828")).success();
    let key = "F0E1D2C3B4A5968778695A4B3C2D1E0F0112233445566778";
    on_card(&format!("{tool} -a set-mgm-key -n {key}")).success();

    let log = std::fs::read_to_string(home.file("log")).expect("the log");
    for sent in ["\"command\":\"00A40400", "0020008008<8 bytes>", "0024008010<16 bytes>"] {
        assert!(log.contains(sent), "no {sent} in\n{log}");
    }
    assert!(log.contains("\"command\":\"00FFFF"), "the management key is changed\n{log}");
    for secret in ["313233343536", "323731383238", key] {
        assert!(!log.contains(secret), "{secret} is in\n{log}");
    }
}
