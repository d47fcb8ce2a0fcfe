//! pyscard: a program of its own, APDU by APDU.

use cardmod_interop::{Home, run};

const CARD_ID: &str = "00112233445566778899AABBCCDDEEFF";

/// Waits for a card, selects GIDS, reads `cardid` inside a transaction.
const SCRIPT: &str = r#"
from smartcard.CardRequest import CardRequest
from smartcard.CardType import AnyCardType
from smartcard.ExclusiveTransmitCardConnection import ExclusiveTransmitCardConnection
from smartcard.util import toBytes, toHexString, PACK

service = CardRequest(timeout=10, cardType=AnyCardType()).waitforcard()
print("reader", service.connection.getReader())
card = ExclusiveTransmitCardConnection(service.connection)
card.connect()
print("ATR", toHexString(card.getATR(), PACK))
card.lock()
for name, command in (
    ("before", "00CBA012045C02DF2000"),
    ("SELECT", "00A4040009A0000003974254465900"),
    ("cardid", "00CBA012045C02DF2000"),
):
    data, sw1, sw2 = card.transmit(toBytes(command))
    print(name, toHexString(data, PACK), "%02X%02X" % (sw1, sw2))
card.unlock()
card.disconnect()
"#;

#[test]
fn pyscard_waits_for_the_card_and_exchanges_apdus() {
    let home = Home::new();
    home.run(&format!("card new demo --card-id {CARD_ID}")).success();
    let mut script = home.stranger("demo", "/usr/bin/python3 -c");
    let said = run(script.arg(SCRIPT)).success();
    let lines: Vec<&str> = said.stdout.lines().collect();
    let [reader, atr, before, select, card_id] = lines[..] else { panic!("five lines, not\n{said}") };
    assert_eq!(reader, "reader Cardmod Virtual Reader (demo) 00 00");
    let shown = home.run("--card demo info --json").success();
    let shown: serde_json::Value = serde_json::from_str(&shown.stdout).expect("JSON");
    let expected = shown["card"]["atr"].as_str().expect("an ATR").to_uppercase();
    assert_eq!(atr, format!("ATR {expected}"));
    assert!(!before.ends_with("9000"), "nothing is selected yet: {before}");
    assert!(select.starts_with("SELECT 61124F0B") && select.ends_with(" 9000"), "{select}");
    assert_eq!(card_id, format!("cardid DF2010{CARD_ID} 9000"));
}
