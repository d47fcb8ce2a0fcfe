//! The names of the card functions, numbered, so that a block can remember in one byte which function
//! asked for it.

use std::sync::{PoisonError, RwLock};

/// No card function runs.
pub(crate) const NONE: u8 = 0;

/// As many names as are told apart. `Cardmod.h` has 45; the rest is the caller's own.
pub(crate) const LIMIT: usize = 96;

/// The number of every name beyond [`LIMIT`].
const OTHER: u8 = (LIMIT - 1) as u8;

static NAMES: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// The number of a name.
pub(crate) fn number(name: &'static str) -> u8 {
    if name.is_empty() {
        return NONE;
    }
    let found = find(&NAMES.read().unwrap_or_else(PoisonError::into_inner), name);
    found.unwrap_or_else(|| {
        let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
        find(&names, name).unwrap_or_else(|| {
            if names.len() + 2 >= LIMIT {
                return OTHER;
            }
            names.push(name);
            u8::try_from(names.len()).unwrap_or(OTHER)
        })
    })
}

/// The name of a number; empty for [`NONE`].
pub(crate) fn name(number: u8) -> &'static str {
    match number {
        NONE => "",
        OTHER => "other functions",
        _ => {
            let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
            names.get(usize::from(number) - 1).copied().unwrap_or("")
        }
    }
}

fn find(names: &[&'static str], name: &str) -> Option<u8> {
    // The same literal nearly always has the same address, which is compared first by `==`.
    names.iter().position(|known| *known == name).and_then(|at| u8::try_from(at + 1).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number() {
        let first = number("CardReadFile");
        assert_ne!(first, number("CardWriteFile"));
        assert_eq!(first, number("CardReadFile"));
        assert_eq!(name(first), "CardReadFile");
        assert_eq!((number(""), name(NONE)), (NONE, ""));
    }
}
