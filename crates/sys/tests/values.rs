//! Numbers, texts and codes against the measured tables: each row must be found in the crate.

mod oracle;

use cardmod_sys::reflect::{NUMBERS, TEXTS, code_name};
use oracle::{number, rows, table, text};
use serde_json::Value;

#[test]
fn constants_of_the_interface() {
    let constants = table("constants.json");
    assert_eq!(compare_all(rows(&constants, "constants")), 183);
}

#[test]
fn constants_of_cryptography() {
    let crypto = table("crypto.json");
    assert_eq!(compare_all(rows(&crypto, "constants")), 538);
}

#[test]
fn codes() {
    let errors = table("errors.json");
    let errors = rows(&errors, "errors");
    for row in errors {
        assert_eq!(u64::from(our_number(text(row, "name"))), number(row, "value"), "{row}");
    }
    assert_eq!(errors.len(), 209);
    assert_eq!(code_name(0x8010_0030), Some("SCARD_E_NO_KEY_CONTAINER"));
    assert_eq!(code_name(0x51A), Some("ERROR_REVISION_MISMATCH"));
    assert_eq!(code_name(0), Some("SCARD_S_SUCCESS"));
    assert_eq!(code_name(0x1234_5678), None);
}

#[test]
fn nothing_is_declared_that_the_tables_do_not_have() {
    let known: Vec<String> = ["constants.json", "crypto.json", "errors.json"]
        .into_iter()
        .flat_map(|file| {
            let table = table(file);
            let array = if file == "errors.json" { "errors" } else { "constants" };
            rows(&table, array).iter().map(|row| text(row, "name").to_owned()).collect::<Vec<_>>()
        })
        .collect();
    let names = NUMBERS.iter().copied().flatten().map(|number| number.name);
    let names = names.chain(TEXTS.iter().copied().flatten().map(|text| text.name));
    let strange: Vec<_> = names.filter(|name| !known.iter().any(|row| row == name)).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[test]
fn pin_set_macros_work_as_sampled() {
    let constants = table("constants.json");
    for row in rows(&constants, "function_macros") {
        let samples = row["samples"].as_array().cloned().unwrap_or_default();
        for sample in samples {
            let expected = sample[1].as_u64().expect("a result");
            let ours = match text(row, "name") {
                "CREATE_PIN_SET" => {
                    cardmod_sys::CREATE_PIN_SET(sample[0].as_u64().expect("a role") as u32).into()
                }
                "IS_PIN_SET" => {
                    let set = sample[0][0].as_u64().expect("a set") as u32;
                    u64::from(cardmod_sys::IS_PIN_SET(set, sample[0][1].as_u64().expect("a role") as u32))
                }
                name => panic!("no sample of {name} is known"),
            };
            assert_eq!(ours, expected, "{row}");
        }
    }
    let mut set = cardmod_sys::PIN_SET_NONE;
    cardmod_sys::SET_PIN(&mut set, 2);
    cardmod_sys::SET_PIN(&mut set, 3);
    cardmod_sys::CLEAR_PIN(&mut set, 2);
    assert_eq!(set, 8);
}

#[test]
fn wide_texts_end_with_zero() {
    assert_eq!(cardmod_sys::CP_CARD_GUID.last(), Some(&0));
    assert_eq!(String::from_utf16_lossy(cardmod_sys::CP_CARD_GUID), "Card Identifier\0");
    assert_eq!(cardmod_sys::szCACHE_FILE.to_bytes_with_nul(), b"cardcf\0");
}

fn compare_all(rows: &[Value]) -> usize {
    for row in rows {
        let name = text(row, "name");
        match text(row, "kind") {
            "int" | "enumerator" => {
                assert_eq!(u64::from(our_number(name)), number(row, "value") & 0xFFFF_FFFF, "{name}")
            }
            kind => {
                let ours = TEXTS.iter().copied().flatten().find(|text| text.name == name);
                let ours = ours.unwrap_or_else(|| panic!("no text {name}"));
                assert_eq!(ours.value, text(row, "value"), "{name}");
                assert_eq!(ours.wide, kind == "utf16", "{name}");
            }
        }
    }
    rows.len()
}

fn our_number(name: &str) -> u32 {
    let ours = NUMBERS.iter().copied().flatten().find(|number| number.name == name);
    ours.unwrap_or_else(|| panic!("no number {name}")).value
}
