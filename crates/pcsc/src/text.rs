//! Reader names and multi-strings in this platform's characters.

use crate::native::CHAR;

/// A name in native characters with its NUL. A NUL inside cuts the name off there, as C would.
#[must_use]
pub fn to_native(name: &str) -> Vec<CHAR> {
    let name = name.split('\0').next().unwrap_or_default();
    #[cfg(windows)]
    let mut native: Vec<CHAR> = name.encode_utf16().collect();
    #[cfg(not(windows))]
    let mut native: Vec<CHAR> = name.bytes().map(|byte| byte as CHAR).collect();
    native.push(0);
    native
}

/// Native characters up to a NUL or the end as text; what is not valid is replaced.
#[must_use]
pub fn from_native(native: &[CHAR]) -> String {
    let name = native.split(|unit| *unit == 0).next().unwrap_or_default();
    #[cfg(windows)]
    return String::from_utf16_lossy(name);
    #[cfg(not(windows))]
    String::from_utf8_lossy(&name.iter().map(|unit| *unit as u8).collect::<Vec<_>>()).into_owned()
}

/// The names of a multi-string: NUL after each, one more NUL at the end.
#[must_use]
pub fn multi_from_native(native: &[CHAR]) -> Vec<String> {
    native.split(|unit| *unit == 0).take_while(|name| !name.is_empty()).map(from_native).collect()
}

/// A multi-string of names; for none, a single NUL.
#[must_use]
pub fn multi_to_native<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<CHAR> {
    let mut native: Vec<CHAR> = names.into_iter().flat_map(to_native).collect();
    native.push(0);
    native
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multi_strings_survive_both_ways() {
        let names = ["Reader Ä 00 00", "b"];
        let native = multi_to_native(names);
        assert_eq!(multi_from_native(&native), names);
        assert_eq!(multi_from_native(&multi_to_native([])), Vec::<String>::new());
        assert_eq!(from_native(&to_native("x\0y")), "x");
    }
}
