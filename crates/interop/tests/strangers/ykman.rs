//! ykman and its own pyscard, from PyPI: its readers, its way to APDUs, and what it says of a card that is no
//! YubiKey.

use cardmod_interop::{Home, python_tool, run};

const READER: &str = "Cardmod Virtual Reader (demo) 00 00";
const CARD_ID: &str = "00112233445566778899AABBCCDDEEFF";

/// Opens the card as ykman opens a YubiKey, and sends through ykman's protocol layer.
const SCRIPT: &str = r#"
import smartcard, sys
from ykman.pcsc import list_devices
from yubikit.core.smartcard import ApduError, SmartCardConnection, SmartCardProtocol

assert smartcard.__file__.startswith(sys.prefix), smartcard.__file__
(device,) = list_devices("Cardmod")
print("device", device.fingerprint)
with device.open_connection(SmartCardConnection) as connection:
    card = SmartCardProtocol(connection)
    print("select", card.select(bytes.fromhex("A00000039742544659")).hex().upper())
    print("cardid", card.send_apdu(0, 0xCB, 0xA0, 0x12, bytes.fromhex("5C02DF20")).hex().upper())
    try:
        card.send_apdu(0, 0x20, 0x00, 0x80, b"000000")
    except ApduError as error:
        print("wrong", "%04X" % error.sw)
"#;

#[test]
fn ykman_lists_the_reader_and_says_that_the_card_is_no_yubikey() {
    let home = Home::new();
    home.run("card new demo").success();
    let ykman = python_tool("ykman");
    let listed = run(home.stranger("demo", &ykman).args(["list", "--readers"])).success();
    assert_eq!(listed.stdout.trim(), READER);
    for words in [&["info"][..], &["piv", "info"]] {
        let refused = run(home.stranger("demo", &ykman).args(["--reader", READER]).args(words));
        refused.exits_with(1).says("Failed to connect to YubiKey");
    }
    home.run("--card demo pin status").success().says("3");
}

#[test]
fn apdus_go_through_ykman_s_own_layers() {
    let home = Home::new();
    home.run(&format!("card new demo --card-id {CARD_ID}")).success();
    let said = run(home.stranger("demo", &python_tool("python")).args(["-c", SCRIPT])).success();
    let lines: Vec<&str> = said.stdout.lines().collect();
    let [device, select, card_id, wrong] = lines[..] else { panic!("four lines, not\n{said}") };
    assert!(device.contains(READER), "{device}");
    assert!(select.starts_with("select 61124F0B"), "{select}");
    assert_eq!(card_id, format!("cardid DF2010{CARD_ID}"));
    assert_eq!(wrong, "wrong 63C2");
    home.run("--card demo pin status").success().says("2");
}
