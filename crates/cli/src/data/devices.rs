//! The names that Windows keeps for devices, in whatever folder they are said to be (Naming Files, Paths, and
//! Namespaces): `NUL` throws away what is written to it, `CON` is the console. No file takes their place.

use std::path::Path;

/// Whether Windows takes the path for a device: by its reserved name, or by its place below `\\.\`.
pub(super) fn is_device(path: &Path) -> bool {
    let Some(text) = path.to_str() else { return false };
    let text = text.replace('/', "\\");
    match text.strip_prefix(r"\\.\") {
        // Below a drive there are files again.
        Some(device) => !device.contains('\\'),
        // Windows leaves away what trails there.
        None => text.trim_end_matches([':', '.', ' ']).rsplit(['\\', ':']).next().is_some_and(is_reserved),
    }
}

fn is_reserved(name: &str) -> bool {
    let name = name.trim_end_matches(' ').to_ascii_uppercase();
    let numbered = |kind: &str| {
        name.strip_prefix(kind).is_some_and(|number| {
            let mut digits = number.chars();
            matches!((digits.next(), digits.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
        })
    };
    matches!(name.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
        || numbered("COM")
        || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_are_devices_in_every_folder() {
        for name in ["NUL", "nul", r"out\NUL", "out/con", "Z:aux", "com1", "LPT¹", r"\\.\NUL", r"\\.\pipe"]
            .into_iter()
            .chain(["NUL:", "nul.", "NUL: ", r"out\con .:", "Z:com1:"])
        {
            assert!(is_device(Path::new(name)), "{name}");
        }
        for name in [
            "null",
            "nul.txt",
            "nul.txt:",
            "Z:",
            r"nul:\x",
            "nul:x",
            "console",
            "com10",
            "com",
            "",
            r"NUL\out",
            r"\\.\Z:\out",
            r"\\?\Z:\out",
        ] {
            assert!(!is_device(Path::new(name)), "{name}");
        }
    }
}
