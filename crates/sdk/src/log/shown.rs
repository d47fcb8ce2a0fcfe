//! What the log shows of a call's arguments: numbers, names, and of everything else the length, of PINs and
//! responses not even that.
//!
//! An argument's type decides, and a type without words here does not compile as an argument. Buffers are never
//! looked into, so no PIN, key, challenge, answer or plaintext can be in what is shown.

use core::fmt::Write as _;

/// An argument as the log shows it.
pub(crate) trait Shown {
    /// Appends the value, under the name of its parameter.
    fn show(&self, name: &str, text: &mut String);
}

/// Numbers that people read as numbers; the others are bits or codes.
const COUNTED: &[&str] = &["bits", "count", "index", "retry", "size"];

impl Shown for u8 {
    fn show(&self, name: &str, text: &mut String) {
        u32::from(*self).show(name, text);
    }
}

impl Shown for u32 {
    fn show(&self, name: &str, text: &mut String) {
        // Writing to a string does not fail.
        let _ = if COUNTED.contains(&name) { write!(text, "{self}") } else { write!(text, "0x{self:X}") };
    }
}

impl Shown for usize {
    fn show(&self, _: &str, text: &mut String) {
        let _ = write!(text, "0x{self:X}");
    }
}

/// Parameters whose length is a secret too: that of a PIN says how many there can be.
const SECRET: &[&str] = &["authority", "current", "new", "pin", "response"];

/// The arguments, with the names of their parameters.
pub(super) fn list(arguments: &[(&str, &dyn Shown)]) -> String {
    let mut text = String::new();
    for (name, value) in arguments {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(name);
        text.push('=');
        value.show(name, &mut text);
    }
    text
}

/// A buffer of the caller's by its length, or by its being there where that is too much.
pub(crate) fn length(parameter: &str, is_null: bool, length: usize, text: &mut String) {
    match (is_null, length) {
        (true, _) if SECRET.contains(&parameter) => text.push_str("NULL"),
        (false, _) if SECRET.contains(&parameter) => text.push_str("<given>"),
        (true, 0) => text.push_str("NULL"),
        (true, _) => {
            let _ = write!(text, "NULL for {length} bytes");
        }
        (false, 1) => text.push_str("<1 byte>"),
        (false, _) => {
            let _ = write!(text, "<{length} bytes>");
        }
    }
}

/// A name, with whatever could end the line spelled out.
pub(crate) fn name(value: &str, text: &mut String) {
    let _ = write!(text, "\"{}\"", value.escape_debug());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_counts_or_codes() {
        assert_eq!(
            list(&[("index", &7u8), ("bits", &2048u32), ("flags", &0x40u32)]),
            "index=7, bits=2048, flags=0x40"
        );
        assert_eq!(list(&[("key", &0xABusize)]), "key=0xAB");
    }

    #[test]
    fn buffers_are_lengths_and_names_cannot_end_a_line() {
        let shown = |show: &dyn Fn(&mut String)| {
            let mut text = String::new();
            show(&mut text);
            text
        };
        assert_eq!(shown(&|text| length("value", false, 6, text)), "<6 bytes>");
        assert_eq!(shown(&|text| length("value", false, 1, text)), "<1 byte>");
        assert_eq!(shown(&|text| length("value", true, 0, text)), "NULL");
        assert_eq!(shown(&|text| length("value", true, 9, text)), "NULL for 9 bytes");
        for parameter in SECRET {
            for bytes in [0, 1, 6] {
                assert_eq!(shown(&|text| length(parameter, false, bytes, text)), "<given>");
                assert_eq!(shown(&|text| length(parameter, true, bytes, text)), "NULL");
            }
        }
        assert_eq!(shown(&|text| name("a\"\n\u{1b}", text)), r#""a\"\n\u{1b}""#);
    }
}
