//! The APDU log and the counters.

mod common;

use cardmod_pcsc::{Disposition, Protocols, ShareMode};
use common::{SELECT, VERIFY, connect, context, world};
use serde_json::Value;

#[test]
fn apdus_are_logged_without_secrets() {
    let reader = world().card("logged \"card\"".replace([' ', '"'], "-").as_str());
    let file = world().directory().join("apdu.log");
    let context = context();
    let card = connect(&context, &reader);
    card.transmit(SELECT).expect("not logged");
    cardmod_winscard::set_apdu_log(Some(&file)).expect("a log");
    card.transmit(SELECT).expect("an answer");
    card.transmit(VERIFY).expect("an answer");
    let other = connect(&context, &reader);
    other.disconnect(Disposition::Reset).expect("reset");
    card.transmit(SELECT).expect_err("the card was reset");
    cardmod_winscard::set_apdu_log(None).expect("no log");
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
    card.transmit(SELECT).expect("not logged");

    let text = std::fs::read_to_string(&file).expect("the log");
    assert!(!text.contains("313233343536"), "the PIN is in the log");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let [select, verify, failed] = &lines[..] else { panic!("three lines, not {}", lines.len()) };
    assert_eq!(select["reader"], reader.as_str());
    assert_eq!(select["n"], 2);
    assert_eq!(select["command"], "00A4040009A0000003974254465900");
    assert!(select["response"].as_str().expect("text").starts_with("61124F0B"));
    assert_eq!((&select["sw"], &verify["sw"]), (&Value::from("9000"), &Value::from("9000")));
    assert_eq!(verify["command"], "0020008006<6 bytes>");
    assert_eq!(failed["error"], "SCARD_W_RESET_CARD");
    assert!(failed.get("sw").is_none());
    assert!(lines.windows(2).all(|pair| pair[0]["time_us"].as_u64() <= pair[1]["time_us"].as_u64()));

    let counters = cardmod_winscard::counters();
    assert_eq!(counters.readers.get(&reader), Some(&5));
    assert_eq!(counters.total, 5);
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).expect("the log"));
        assert_eq!(mode & 0o777, 0o600, "the log is the user's alone");
    }
    let nowhere = world().directory().join("no such directory").join("log");
    cardmod_winscard::set_apdu_log(Some(&nowhere)).expect_err("cannot be made");
}
