//! Function types against the measured table: names, parameters and results, and the bytes a
//! 32-bit callee takes from the stack.

mod oracle;

use cardmod_sys::reflect::{FUNCTIONS, Function, SCALARS};
use oracle::{number, rows, table, text};

#[test]
fn function_types_are_those_of_the_header() {
    let functions = table("functions.json");
    let expected = rows(&functions, "pfn_types");
    for row in expected {
        let ours = function(text(row, "name"));
        let parameters = rows(row, "params");
        assert_eq!(ours.parameters.len(), parameters.len(), "parameters of {}", ours.name);
        for ((name, ty), parameter) in ours.parameters.iter().zip(parameters) {
            assert_eq!(*name, text(parameter, "name"), "in {}", ours.name);
            assert_eq!(c_spelling(ty), text(parameter, "type"), "{name} of {}", ours.name);
            assert_eq!(kind(ty), text(parameter, "kind"), "{name} of {}", ours.name);
        }
        let result = if ours.result.is_empty() { "void" } else { ours.result };
        assert_eq!(result, text(row, "return_type"), "result of {}", ours.name);
        // every parameter takes four bytes on 32-bit x86, also a BYTE
        assert_eq!(4 * ours.parameters.len() as u64, number(row, "i686_stack_bytes"), "{}", ours.name);
    }
    assert_eq!(expected.len(), FUNCTIONS.len());
}

#[test]
fn prototypes_agree_with_their_types() {
    let functions = table("functions.json");
    let mut compared = 0;
    for row in rows(&functions, "prototypes") {
        // the one prototype without a type is neither exported by modules nor called by hosts
        let Some(ty) = row["pfn_type"].as_str() else {
            assert_eq!(text(row, "name"), "I_CardConvertFileNameToAnsi");
            continue;
        };
        let ours = function(ty);
        let parameters: Vec<_> =
            rows(row, "params").iter().map(|parameter| text(parameter, "kind")).collect();
        assert_eq!(ours.parameters.iter().map(|(_, ty)| kind(ty)).collect::<Vec<_>>(), parameters, "{ty}");
        compared += 1;
    }
    assert_eq!(compared, 46);
}

fn function(name: &str) -> &'static Function {
    FUNCTIONS
        .iter()
        .find(|function| function.name == name)
        .unwrap_or_else(|| panic!("no function type {name}"))
}

/// `*mut PBYTE` is `PBYTE*` in C.
fn c_spelling(ty: &str) -> String {
    match ty.strip_prefix("*mut ") {
        Some(pointee) => format!("{pointee}*"),
        None => ty.to_owned(),
    }
}

fn kind(ty: &str) -> &'static str {
    if ty.starts_with('*') || ty.starts_with("LP") || (ty.starts_with('P') && !ty.starts_with("PIN_")) {
        return "ptr";
    }
    match ty {
        "SECRET_TYPE" | "SECRET_PURPOSE" | "PIN_CACHE_POLICY_TYPE" => return "enum32",
        "CARD_DIRECTORY_ACCESS_CONDITION" | "CARD_FILE_ACCESS_CONDITION" => return "enum32",
        "SIZE_T" | "CARD_KEY_HANDLE" | "ULONG_PTR" => return "usize",
        _ => {}
    }
    match SCALARS.iter().find(|scalar| scalar.name == ty).unwrap_or_else(|| panic!("no scalar {ty}")).size {
        1 => "u8",
        2 => "u16",
        4 => "u32",
        size => panic!("{ty} has {size} bytes"),
    }
}
