//! Sizes, alignments and offsets against the measured tables, on the target the test runs on.

mod oracle;

use cardmod_sys::reflect::{SCALARS, STRUCTURES, Structure};
use cardmod_sys::version;
use oracle::{number, rows, table, text};
use serde_json::Value;

#[cfg(target_pointer_width = "64")]
const LAYOUT: &str = "layout-x86_64.json";
#[cfg(target_pointer_width = "32")]
const LAYOUT: &str = "layout-i686.json";

#[test]
fn base_types_have_their_widths() {
    let layout = table(LAYOUT);
    let expected = layout["scalars"].as_object().expect("scalars");
    for (name, row) in expected {
        let scalar = SCALARS.iter().find(|scalar| scalar.name == name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(scalar.size as u64, number(row, "size"), "size of {name}");
        assert_eq!(scalar.align as u64, number(row, "align"), "alignment of {name}");
    }
    assert_eq!(expected.len(), SCALARS.len());
}

#[test]
fn structures_of_the_interface_are_laid_out_as_measured() {
    let layout = table(LAYOUT);
    for expected in rows(&layout, "structs") {
        let ours = structure(text(expected, "name"));
        compare(ours, expected);
    }
}

#[test]
fn structures_of_cryptography_are_laid_out_as_measured() {
    let crypto = table("crypto.json");
    let target = if cfg!(target_pointer_width = "64") { "x86_64" } else { "i686" };
    let mut compared = 0;
    for expected in rows(&crypto, "structs") {
        let ours = structure(text(expected, "name"));
        assert_eq!(ours.size as u64, number(&expected["size"], target), "size of {}", ours.name);
        let fields = rows(expected, "fields");
        assert_eq!(ours.fields.len(), fields.len(), "members of {}", ours.name);
        for (field, row) in ours.fields.iter().zip(fields) {
            assert_eq!(field.name, text(row, "name"), "in {}", ours.name);
            assert_eq!(field.offset as u64, number(&row["offset"], target), "{}::{}", ours.name, field.name);
            compared += 1;
        }
    }
    assert!(compared > 40, "only {compared} members were compared");
}

#[test]
fn card_data_grows_as_measured() {
    let layout = table(LAYOUT);
    let card_data =
        rows(&layout, "structs").iter().find(|row| text(row, "name") == "CARD_DATA").expect("CARD_DATA");
    for boundary in rows(card_data, "version_boundaries") {
        let v = number(boundary, "version") as u32;
        assert_eq!(version::size_of_card_data(v), Some(number(boundary, "size") as usize), "version {v}");
        let members: Vec<_> = version::members(v).collect();
        assert_eq!(members.len() as u64, number(boundary, "members"), "version {v}");
        assert_eq!(members.last().expect("members").name, text(boundary, "last_field"));
    }
    for (ours, row) in version::members(7).zip(rows(card_data, "fields")) {
        assert_eq!(ours.name, text(row, "name"));
        assert_eq!(ours.ty, text(row, "type"), "type of {}", ours.name);
        assert_eq!(u64::from(ours.since), number(row, "since"), "since of {}", ours.name);
        assert_eq!(format!("{:?}", ours.set_by).to_lowercase(), text(row, "set_by"), "{}", ours.name);
    }
    assert_eq!(version::size_of_card_data(3), None);
    assert_eq!(version::size_of_card_data(8), None);
}

#[test]
fn structures_that_grew_end_where_they_ended() {
    let layout = table(LAYOUT);
    let mut compared = 0;
    for (name, v1) in [
        ("CARD_RSA_DECRYPT_INFO", cardmod_sys::CARD_RSA_DECRYPT_INFO_V1_SIZE),
        ("CARD_SIGNING_INFO", cardmod_sys::CARD_SIGNING_INFO_V1_SIZE),
        ("CARD_DERIVE_KEY", cardmod_sys::CARD_DERIVE_KEY_V1_SIZE),
    ] {
        let row = rows(&layout, "structs").iter().find(|row| text(row, "name") == name).expect(name);
        for boundary in rows(row, "dwversion_boundaries") {
            let expected = number(boundary, "size") as usize;
            let ours = if number(boundary, "dwVersion") == 1 { v1 } else { structure(name).size };
            assert_eq!(ours, expected, "{name} {boundary}");
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
}

fn compare(ours: &Structure, expected: &Value) {
    assert_eq!(ours.size as u64, number(expected, "size"), "size of {}", ours.name);
    assert_eq!(ours.align as u64, number(expected, "align"), "alignment of {}", ours.name);
    let fields = rows(expected, "fields");
    assert_eq!(ours.fields.len(), fields.len(), "members of {}", ours.name);
    for (field, row) in ours.fields.iter().zip(fields) {
        assert_eq!(field.name, text(row, "name"), "in {}", ours.name);
        assert_eq!(field.offset as u64, number(row, "offset"), "offset of {}::{}", ours.name, field.name);
        assert_eq!(field.size as u64, number(row, "size"), "size of {}::{}", ours.name, field.name);
        let spelled = match row["array_len"].as_u64() {
            Some(length) => format!("[{}; {length}]", text(row, "type")),
            None => text(row, "type").to_owned(),
        };
        assert_eq!(field.ty, spelled, "type of {}::{}", ours.name, field.name);
    }
}

fn structure(name: &str) -> &'static Structure {
    let all = STRUCTURES.iter().copied().flatten();
    all.into_iter().find(|structure| structure.name == name).unwrap_or_else(|| panic!("no structure {name}"))
}
