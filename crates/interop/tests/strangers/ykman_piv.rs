//! A management key kept on the card behind the PIN: what cardmod stores ykman finds, and the other way round.

use cardmod_interop::{Home, python_tool, run};

const READER: &str = "Cardmod Virtual Reader (demo) 00 00";

#[test]
fn a_management_key_behind_the_pin_serves_both() {
    let home = Home::new();
    home.run("card new demo --type piv").success();
    home.run("--card demo piv management-key --generate --new-algorithm aes192 --protect --pin-env PIN")
        .success();
    let ykman = python_tool("ykman");
    let say = |line: &str| {
        let mut command = home.stranger("demo", &ykman);
        run(command.args(["--reader", READER]).args(line.split_whitespace())).success()
    };
    let info = say("piv info");
    assert!(info.stdout.contains("AES192"), "{info}");
    info.says("protected by PIN");
    // ykman has no key but the one on the card.
    say("piv keys generate -P 123456 -a ECCP256 9a public.pem");
    say("piv certificates generate -P 123456 -s CN=web 9a public.pem");
    home.run("--card demo piv status").success().says("9a     P-256      generated");
    // The key that ykman stores is the one that cardmod uses next.
    say("piv access change-management-key -P 123456 --generate --protect -a AES256");
    home.run("--card demo piv status").success().says("aes256; on the card, behind the PIN");
    home.run("--card demo piv move 9a 82 --pin-env PIN").success();
    let exported = say("piv certificates export 82 -");
    assert!(exported.stdout.contains("BEGIN CERTIFICATE"), "{exported}");
    home.run("--card demo piv management-key --to-default --new-algorithm 3des --pin-env PIN").success();
    say("piv info").says("default Management key");
}
