//! The measured tables, read from `tests/abi/`.

use serde_json::Value;

/// One table.
pub(crate) fn table(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/abi").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An array of a table.
pub(crate) fn rows<'a>(table: &'a Value, name: &str) -> &'a [Value] {
    table[name].as_array().unwrap_or_else(|| panic!("no array {name}"))
}

/// A text of a row.
pub(crate) fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap_or_else(|| panic!("no text {name} in {row}"))
}

/// A number of a row.
pub(crate) fn number(row: &Value, name: &str) -> u64 {
    row[name].as_u64().unwrap_or_else(|| panic!("no number {name} in {row}"))
}
