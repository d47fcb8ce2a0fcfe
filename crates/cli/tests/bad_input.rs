//! What users and files do wrong: each gives a clear message and a stable exit code, and nothing is lost.
#![forbid(unsafe_code)]

mod common;

use common::{Home, Outcome};

/// After whatever went wrong, the card still has its key and signs with it.
#[track_caller]
fn still_whole(home: &Home) {
    home.run("--card demo sign --container web --in data --out data.sig --pin-env PIN").succeeds();
    home.run("--card demo verify --container web --in data --signature data.sig").succeeds();
}

#[test]
fn a_wrong_pin_shows_the_tries_left_and_a_blocked_one_says_so() {
    let home = Home::with_key("p256");
    let sign = |pin: &str| home.run(&format!("--card demo sign --container web --in data --pin-env {pin}"));
    sign("WRONG").exits(5).says("2 tries");
    let refused =
        home.run("--card demo sign --container web --in data --pin-env WRONG --json").exits(5).json();
    assert_eq!(refused["error"]["code"], "wrong-pin");
    assert_eq!(refused["error"]["tries_left"], 1);
    // another process can ask without a try
    let tries =
        || home.run("--card demo pin status --json").succeeds().json()["pins"][0]["tries_left"].clone();
    assert_eq!((tries(), tries()), (1.into(), 1.into()));
    sign("PIN").succeeds();
    assert_eq!(tries(), 3);
    sign("WRONG").exits(5).says("2 tries");
    sign("WRONG").exits(5).says("1 try");
    // The try that blocks it: the PIN was wrong, and it is blocked now.
    let last = home.run("--card demo sign --container web --in data --pin-env WRONG");
    last.exits(6).says("blocked");
    sign("PIN").exits(6).says("blocked").says("cardmod pin unblock");
    home.run("--card demo sign --container web --in data --pin-env WRONG").never_says("654321");
}

#[test]
fn a_blocked_pin_is_unblocked_by_puk_or_by_administrator_key() {
    let home = Home::new();
    home.write("puk", b"87654321\n");
    home.write("key", b"000102030405060708090A0B0C0D0E0F1011121314151617\n");
    home.run("card new demo --puk-file puk --admin-key-file key")
        .succeeds()
        .says("123456")
        .never_says("87654321");
    let block = || {
        for _ in 0..3 {
            home.run("--card demo pin verify --pin-env WRONG");
        }
        home.run("--card demo pin verify --pin-env PIN").exits(6);
    };
    block();
    home.run("--card demo pin unblock --puk-file key --new-pin-env PIN").exits(5).says("the PUK is wrong");
    home.run("--card demo pin unblock --puk-file puk --new-pin-env PIN").succeeds();
    home.run("--card demo pin verify --pin-env PIN").succeeds();
    block();
    home.run("--card demo pin unblock --admin-key-file key --new-pin-env WRONG").succeeds();
    home.run("--card demo pin verify --pin-env WRONG").succeeds();
    home.run("--card demo pin change --pin-env WRONG --new-pin-env PIN").succeeds();
    home.run("--card demo pin verify --pin-env PIN").succeeds();
}

#[test]
fn the_administrator_key_is_checked_and_replaced() {
    let home = Home::new();
    home.write("old", b"000102030405060708090a0b0c0d0e0f1011121314151617\n");
    home.write("new", b"171615141312111009080706050403020100aabbccddeeff\n");
    home.write("short", b"0001\n");
    home.run("card new demo --admin-key-file old").succeeds().never_says("0a0b0c");
    home.run("--card demo admin verify --admin-key-file old").succeeds();
    home.run("--card demo admin verify --admin-key-file new").exits(5).says("the administrator key is wrong");
    home.run("--card demo pin change --role admin").exits(7).says("cardmod admin change");
    home.run("--card demo pin verify --role admin").exits(7).says("cardmod admin verify");
    home.run("--card demo admin verify --admin-key-file short").exits(1).says("48");
    home.run("--card demo admin change --admin-key-file old --new-admin-key-file new").succeeds();
    home.run("--card demo admin verify --admin-key-file old").exits(5);
    home.run("--card demo admin verify --admin-key-file new").succeeds();
    home.write("data", b"data");
    home.run("--card demo file write mscp/notes --in data --access admin --admin-key-file new").succeeds();
    home.run("--card demo file delete mscp/notes --pin-env PIN").exits(1);
    home.run("--card demo file delete mscp/notes --admin-key-file new").succeeds();
}

#[test]
fn containers_that_are_not_or_are_already_there() {
    let home = Home::with_key("p256");
    home.run("--card demo sign --container other --in data --pin-env PIN")
        .exits(1)
        .says("other")
        .says("container list");
    home.run("--card demo container delete other --pin-env PIN").exits(1).says("other");
    home.generate("web", "p256").exits(1).says("web").says("delete");
    home.generate("a-name-of-forty-characters-is-too-long-xx", "p256").exits(2);
    still_whole(&home);
}

#[test]
fn a_full_card() {
    let home = Home::new();
    home.run("card new demo --containers 1").succeeds();
    home.write("data", b"data");
    home.generate("web", "p256").succeeds();
    let full = home.run("--card demo key generate --container more --algorithm p256 --pin-env PIN --json");
    assert_eq!(full.exits(1).json()["error"]["code"], "card-full");
    still_whole(&home);
    home.run("--card demo container list").succeeds().never_says("more");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn a_card_without_room_for_a_certificate() {
    let home = Home::new();
    home.run("card new demo --capacity 4096").succeeds();
    home.write("data", b"data");
    home.generate("web", "p256").succeeds();
    certificate(&home, 5_000);
    home.run("--card demo cert import --container web big.pem --pin-env PIN").exits(1).says("full");
    still_whole(&home);
    home.run("--card demo cert export --container web").exits(1).says("no certificate");
}

#[test]
fn algorithms_and_sizes_no_card_has() {
    let home = Home::with_card();
    home.generate("web", "dsa1024").exits(2).says("dsa1024");
    home.generate("web", "rsa1536").exits(7).says("1536");
    home.generate("web", "rsa512").exits(7).says("512");
    home.run("--card demo container list").succeeds().says("no containers");
    let home = Home::new();
    home.run("card new demo --no-ec").succeeds();
    home.generate("web", "p256").exits(7);
    home.run("--card demo container list").succeeds().says("no containers");
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn certificates_that_do_not_fit() {
    let home = Home::with_key("p256");
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout other.key -subj /CN=other -out other.pem")
        .succeeds();
    home.run("--card demo cert import --container web other.pem --pin-env PIN").exits(1).says("key");
    certificate(&home, 70_000);
    home.run("--card demo cert import --container web big.pem --pin-env PIN").exits(1).says("bytes");
    home.write("broken.der", &[0x30, 0x82, 0x01, 0x00, 0x02]);
    home.run("--card demo cert import --container web broken.der --pin-env PIN").exits(1).says("certificate");
    home.write("broken.pem", b"-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----\n");
    home.run("--card demo cert import --container web broken.pem --pin-env PIN").exits(1);
    home.run("--card demo cert import --container web missing.pem --pin-env PIN")
        .exits(1)
        .says("missing.pem");
    home.run("--card demo cert export --container web").exits(1).says("no certificate");
    still_whole(&home);
}

/// `big.pem`: a certificate for the key of container `web`, `padding` bytes longer than it need be.
fn certificate(home: &Home, padding: usize) {
    home.run("--card demo key public --container web --out web.pub.pem").succeeds();
    // A hash would be compressed to nothing; hexadecimal of a running hash is not.
    home.shell(&format!(
        "openssl rand -hex {} | tr -d '\\n' > filler && printf '1.2.3.4=ASN1:UTF8String:' > big.ext && cat filler >> big.ext",
        padding / 2
    ))
    .succeeds();
    home.tool("openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=ca -out ca.pem").succeeds();
    home.tool("openssl req -new -newkey rsa:2048 -nodes -keyout tmp.key -subj /CN=big -out big.csr")
        .succeeds();
    home.tool(
        "openssl x509 -req -in big.csr -CA ca.pem -CAkey ca.key -CAcreateserial -force_pubkey web.pub.pem \
         -extfile big.ext -out big.pem",
    )
    .succeeds();
    assert!(home.read("big.pem").len() > padding);
}

#[test]
#[cfg_attr(windows, ignore = "openssl, which Linux has, makes or judges what is used")]
fn keys_that_cannot_be_read() {
    let home = Home::with_card();
    home.write("junk", b"this is no key");
    home.write("der", &[0x30, 0x82, 0x04, 0x00, 0x02, 0x01]);
    home.write("pem", b"-----BEGIN PRIVATE KEY-----\nMIIEvQ\n-----END PRIVATE KEY-----\n");
    home.tool("openssl genpkey -algorithm RSA -aes256 -pass pass:x -out locked.pem").succeeds();
    home.tool("openssl genpkey -algorithm ED25519 -out ed.pem").succeeds();
    for (file, words) in [
        ("junk", "private key"),
        ("der", "private key"),
        ("pem", "PEM"),
        ("locked.pem", "encrypted"),
        ("ed.pem", "private key"),
        ("missing", "missing"),
    ] {
        home.run(&format!("--card demo key import --container web --in {file} --pin-env PIN"))
            .exits(1)
            .says(words);
    }
    home.run("--card demo container list").succeeds().says("no containers");
}

#[test]
fn file_names_the_card_cannot_have() {
    let home = Home::with_key("p256");
    home.run("--card demo file write mscp/longer-than-8 --in data --pin-env PIN").exits(2).says("8");
    home.run("--card demo file read mscp/nothing").exits(1).says("mscp");
    home.run("--card demo file write mscp/notes --in data --pin-env PIN").succeeds();
    home.run("--card demo file read mscp/notes --out back").succeeds();
    assert_eq!(home.read("back"), home.read("data"));
    home.run("--card demo file list").succeeds().says("mscp/notes").says("cardcf");
    home.run("--card demo file delete mscp/notes --pin-env PIN").succeeds();
    home.run("--card demo file read mscp/notes").exits(1);
}

#[test]
fn cards_and_readers_that_are_not_there() {
    let home = Home::new();
    home.run("info").exits(3).says("no reader and no virtual card").says("card new");
    home.run("--card other info").exits(4).says("other");
    home.run("--reader Nowhere info").exits(3).says("Nowhere");
    home.run("card new a").succeeds();
    home.run("info").succeeds().says("(a)");
    home.run("card new a").exits(1).says("exists");
    home.run("card new ../a").exits(2);
    home.run("card new b").succeeds();
    home.run("info").exits(2).says("--card a").says("--card b");
    home.run("--reader (b) info").succeeds();
    home.run("card erase a").exits(2).says("--yes");
    home.run("card erase a --yes").succeeds();
    home.run("card erase a --yes").exits(4);
    home.run("card list").succeeds().says("b").never_says("a ");
}

#[test]
fn the_default_card_is_made_where_there_is_none() {
    let home = Home::new();
    home.run("key generate --container web --algorithm p256 --pin-env PIN").succeeds().says("default");
    home.run("container list").succeeds().says("web");
    home.run("card list").succeeds().says("default");
}

#[test]
fn command_lines_that_are_wrong() {
    let home = Home::with_key("p256");
    home.run("").exits(2);
    home.run("frobnicate").exits(2).says("frobnicate");
    home.run("--card demo --reader x info").exits(2);
    home.run("--card demo sign --container web --in data --padding pss --pin-env PIN").exits(2).says("RSA");
    home.run("--card demo sign --container web --in data --pin-env PIN --pin-file data").exits(2);
    let refused = home.run("frobnicate --json").exits(2).json();
    assert_eq!(refused["error"]["code"], "usage");
    home.run("--help").succeeds().says("wrong PIN");
    home.run("--version").succeeds();
    still_whole(&home);
}

#[test]
fn pins_come_from_files_and_variables() {
    let home = Home::with_key("p256");
    home.write("pin", b"123456\n");
    home.write("empty", b"");
    home.run("--card demo pin verify --pin-file pin").succeeds();
    home.run("--card demo pin verify --pin-file empty").exits(1).says("empty");
    home.run("--card demo pin verify --pin-file nowhere").exits(1).says("nowhere");
    home.run("--card demo pin verify --pin-env NOT_SET").exits(1).says("NOT_SET");
    for line in [
        "sign --container web --pin-fd 0",
        "decrypt --container web --in - --pin-fd 0",
        "file write mscp/notes --in - --admin-key-fd 0",
    ] {
        home.run(&format!("--card demo {line}")).exits(2).says("standard input");
    }
}

/// A shell of Unix opens them, and takes the terminal away.
#[cfg(unix)]
#[test]
fn pins_come_from_descriptors() {
    let home = Home::with_key("p256");
    home.write("pin", b"123456\n");
    home.shell("printf 123456 | \"$CARDMOD\" --card demo pin verify --pin-fd 0").succeeds();
    home.shell("\"$CARDMOD\" --card demo pin verify --pin-fd 7 7<pin").succeeds();
    home.run("--card demo pin verify --pin-fd 99").exits(1).says("file descriptor 99 is not open");
    home.shell("setsid \"$CARDMOD\" --card demo sign --container web --in data").exits(1).says("--pin-env");
}

/// `script` (util-linux) lends a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_pin_is_asked_for_on_the_terminal() {
    let home = Home::with_key("p256");
    let typed = |typing: &str, line: &str| {
        home.shell(&format!("({typing}) | script -qec '\"$CARDMOD\" --card demo {line}' /dev/null"))
    };
    let (right, wrong) = ("echo 123456", "echo 654321");
    typed(right, "pin verify").succeeds().says("PIN: ").says("right");
    typed(right, "sign --container web --in data --out data.sig").succeeds().says("web");
    // Whoever takes longer than the second after which progress is shown is not disturbed by it.
    let slowly = typed("sleep 2; echo 123456", "sign --container web --in data --out data.sig");
    slowly.succeeds().says("PIN for web").never_says("signing");
    typed(wrong, "sign --container web --in data --out data.sig").exits(5).says("2 tries");
    // The end of the input, typed.
    typed("printf '\\004'", "pin verify").exits(1).says("no PIN was typed");
    typed("printf '\\004'", "sign --container web --in data --out data.sig")
        .exits(1)
        .says("no PIN was typed");
    still_whole(&home);
}

#[test]
fn outputs_that_cannot_be_written() {
    let home = Home::with_key("p256");
    let sign = "--card demo sign --container web --in data --pin-env PIN";
    home.run(&format!("{sign} --out nowhere/data.sig")).exits(1).says("nowhere");
    home.run(&format!("{sign} --json --out -")).exits(2);
    let document = home.run(&format!("{sign} --json")).succeeds().json();
    assert!(document["signature"].as_str().unwrap().len() > 130);
    assert_eq!(document["schema"], 1);
    home.run("--card demo sign --container web --in nowhere --pin-env PIN").exits(1).says("nowhere");
}

/// The device that Unix has for it.
#[cfg(unix)]
#[test]
fn an_output_without_room() {
    let home = Home::with_key("p256");
    let sign = "--card demo sign --container web --in data --pin-env PIN";
    home.run(&format!("{sign} --out /dev/full")).exits(1).says("/dev/full");
    home.shell(&format!("\"$CARDMOD\" {sign} > /dev/full")).exits(1);
}

#[test]
fn operations_a_key_does_not_have() {
    let home = Home::with_key("p256");
    home.write("sealed", &[1; 256]);
    home.run("--card demo decrypt --container web --in sealed --pin-env PIN").exits(7);
    home.generate("rsa", "rsa2048").succeeds();
    home.run("--card demo key public --container web --out ec.pub.pem").succeeds();
    home.run("--card demo key public --container rsa --out rsa.pub.pem").succeeds();
    home.run("--card demo derive --container rsa --peer ec.pub.pem --pin-env PIN").exits(7).says("RSA");
    home.run("--card demo derive --container web --peer rsa.pub.pem --pin-env PIN").exits(1).says("RSA");
    home.run("--card demo decrypt --container rsa --in data --pin-env PIN").exits(1);
    still_whole(&home);
}

#[test]
fn no_default_card_is_made_beside_a_damaged_one() {
    let home = Home::with_key("p256");
    home.write("cards/demo/card.image", b"junk");
    for line in ["container list", "key generate --container new --algorithm p256 --pin-env PIN"] {
        home.run(line).exits(1).says("card.image");
    }
    assert!(!home.path("cards/default").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_at_the_question_leaves_the_terminal_as_it_was() {
    let home = Home::with_key("p256");
    let shell = r#"trap : INT; "$CARDMOD" --card demo pin verify; echo "ended with $?"; stty -a"#;
    home.write("asking", shell.as_bytes());
    let keys = r"(sleep 1; printf '\003'; sleep 1)";
    let outcome = home.shell(&format!("{keys} | script -qec 'sh asking' /dev/null"));
    outcome.says("PIN: ").says("ended with 130").says(" echo ").never_says("-echo ");
}

/// What is left where the program was killed while the card made the key.
#[test]
fn a_container_without_a_key() {
    let home = Home::with_card();
    let mut record = [0; 86];
    record[..4].copy_from_slice(b"k\0x\0");
    record[80] = 1;
    home.write("map", &record);
    home.write("data", b"data");
    home.run("--card demo file write mscp/cmapfile --in map --pin-env PIN").succeeds();
    for line in [
        "sign --container kx --in data --pin-env PIN",
        "key public --container kx",
        "container default kx --pin-env PIN",
    ] {
        home.run(&format!("--card demo {line}")).exits(1).says("has no key").says("broken off");
    }
    home.run("--card demo container list").succeeds().says("kx").says("a container without a key");
    home.generate("kx", "p256").succeeds();
    home.run("--card demo sign --container kx --in data --out sig --pin-env PIN").succeeds();
}

#[test]
fn what_is_missing_on_the_command_line_is_named_in_json_too() {
    let home = Home::new();
    let refused = home.run("key generate --json").exits(2).json();
    let message = refused["error"]["message"].as_str().expect("text");
    assert!(message.contains("--container") && message.contains("--algorithm"), "{message}");
    Outcome::of(home.cardmod("container list").args(["--card", ""])).exits(2).says("--card");
    Outcome::of(home.cardmod("container list").args(["--reader", ""])).exits(2).says("--reader");
}

#[test]
fn a_secret_that_is_not_there_is_no_proof_that_failed() {
    let home = Home::with_key("p256");
    home.run("info --pin-env NOWHERE").exits(1).says("NOWHERE: it is not set");
    home.run("info --pin-file nowhere").exits(1).says("cannot read the PIN from nowhere");
    home.run("info --watch --timeout 1 --pin-env NOWHERE").exits(1).says("NOWHERE: it is not set");
    home.run("pin verify --pin-file -").exits(1).says("reads standard input");
    home.run("pin change --pin-env PIN").exits(1).says("the new PIN is needed");
}

#[test]
fn an_ejected_card_is_put_back_not_made_anew() {
    let home = Home::with_card();
    home.run("card erase other").exits(4).says("no virtual card named other").never_says("--yes");
    home.run("card eject demo").succeeds();
    home.run("container list").exits(4).says("cardmod card insert demo");
    assert_eq!(home.run("card list --json").succeeds().json()["cards"][0]["place"], "ejected");
    home.run("--card demo container list").exits(4).says("cardmod card insert demo");
}

#[test]
fn a_key_for_signatures_agrees_on_nothing_and_says_so() {
    let home = Home::with_key("p256");
    home.run("--card demo key public --container web --out peer").succeeds();
    home.run("--card demo derive --container web --peer peer --pin-env WRONG")
        .exits(1)
        .says("for signatures, not for key agreement")
        .says("--purpose");
    home.run("--card demo pin status").says("3");
    home.run("--card demo file delete cardid --pin-env PIN").exits(1).says("--admin-key-file FILE acts");
}

#[test]
fn a_blocked_puk_points_to_the_administrator_key_alone() {
    let home = Home::with_card();
    let unblock = || home.run("--card demo pin unblock --puk-env WRONG --new-pin-env PIN");
    unblock().exits(5);
    unblock().exits(5);
    for _ in 0..2 {
        unblock().exits(6).says("--admin-key-file FILE").never_says("with the PUK");
    }
}
