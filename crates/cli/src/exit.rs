//! The exit codes of `cardmod`: one table, printed by `--help`, never reused.

use std::process::ExitCode;

/// How a run ended. The number of each is part of the program's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It worked.
    Ok,
    /// It failed, and none of the more telling codes fits.
    Failed,
    /// The command line, or a value on it, is wrong.
    Usage,
    /// There is no such reader.
    NoReader,
    /// There is no card.
    NoCard,
    /// A PIN, PUK or key for authentication was wrong.
    WrongPin,
    /// A PIN is blocked.
    PinBlocked,
    /// The card or its module cannot do this.
    NotSupported,
}

/// Every exit code, in the order of its number.
pub(crate) const TABLE: [Exit; 8] = [
    Exit::Ok,
    Exit::Failed,
    Exit::Usage,
    Exit::NoReader,
    Exit::NoCard,
    Exit::WrongPin,
    Exit::PinBlocked,
    Exit::NotSupported,
];

impl Exit {
    /// The number and what it means.
    const fn row(self) -> (u8, &'static str) {
        match self {
            Self::Ok => (0, "it worked"),
            Self::Failed => (1, "it failed, or a signature is wrong"),
            Self::Usage => (2, "wrong command line"),
            Self::NoReader => (3, "no such reader"),
            Self::NoCard => (4, "no card"),
            Self::WrongPin => (5, "wrong PIN, PUK, administrator or management key"),
            Self::PinBlocked => (6, "PIN blocked"),
            Self::NotSupported => (7, "not supported by the card or its module"),
        }
    }

    /// The number the process ends with.
    pub(crate) const fn number(self) -> u8 {
        self.row().0
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.number())
    }
}

/// The table as `--help` shows it.
pub(crate) fn help() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in TABLE {
        let (number, meaning) = exit.row();
        text.push_str(&format!("  {number}  {meaning}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_table_and_unique() {
        let numbers: Vec<u8> = TABLE.iter().map(|exit| exit.number()).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(help().contains("  5  wrong PIN"));
    }

    #[test]
    fn the_read_me_has_the_same_table() {
        let read_me = include_str!("../README.md");
        for exit in TABLE {
            let (number, meaning) = exit.row();
            assert!(read_me.contains(&format!("| {number} | {meaning} |")), "{number}");
        }
    }
}
