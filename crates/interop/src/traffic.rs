//! What a program sent, from the APDU log, and what each command was for: the columns in which the tests assert
//! and `cargo xtask apdus` shows what a task costs.

use serde_json::Value;

/// What a command is for, as far as the command tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Finding out which card it is: everything up to the selection of its application, and other selections.
    Discovery,
    /// The card's identity (`cardid`) and its freshness counters (`cardcf`).
    Identity,
    /// Other objects: file table, containers, certificates, public keys, PIN states.
    Reading,
    /// The PIN.
    Pin,
    /// Choosing the key, and using it.
    Key,
    /// Giving the rights back.
    Deauthentication,
}

impl Kind {
    /// Every kind, in the order of the columns.
    pub const ALL: [Self; 6] =
        [Self::Discovery, Self::Identity, Self::Reading, Self::Pin, Self::Key, Self::Deauthentication];

    /// The column's title.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Discovery => "discovery",
            Self::Identity => "identity, freshness",
            Self::Reading => "reading",
            Self::Pin => "PIN",
            Self::Key => "key",
            Self::Deauthentication => "deauthentication",
        }
    }
}

/// One command with its answer.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// What it was for.
    pub kind: Kind,
    /// How many bytes went both ways, header and status word included.
    pub bytes: usize,
}

/// The applications' identifiers, in hexadecimal.
const GIDS: &str = "A00000039742544659";
const PIV: &str = "A000000308";
/// `cardid` and `cardcf`: the object and the file that holds it (GIDS 2.0, Microsoft's profile).
const CARDID: [&str; 2] = ["CBA012", "5C02DF20"];
const CARDCF: [&str; 2] = ["CBA010", "5C02DF22"];
/// The holder's identifier of a PIV card (SP 800-73), of which hosts make the card's identity. PIV has no counters.
const CHUID: [&str; 2] = ["CB3FFF", "5C035FC102"];

/// The exchanges of one process and card, from its APDU log, one JSON object a line.
///
/// # Errors
/// What of the log is none.
pub fn parse(log: &str) -> Result<Vec<Exchange>, String> {
    let mut found = false;
    let mut last = Kind::Discovery;
    let classified = |line: &str| {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("APDU log: {error}"))?;
        let command = value["command"].as_str().ok_or("APDU log: a line without a command")?;
        last = classify(command, found, last);
        found |= [GIDS, PIV].iter().any(|application| command.contains(application));
        let parts =
            ["command", "response", "sw"].map(|part| length(value[part].as_str().unwrap_or_default()));
        Ok(Exchange { kind: last, bytes: parts.iter().sum() })
    };
    log.lines().map(classified).collect()
}

/// What a command in hexadecimal is for, given whether one of the applications was selected before, and the kind of the
/// command before.
fn classify(command: &str, found: bool, last: Kind) -> Kind {
    let header = command.get(2..8).unwrap_or_default();
    let about = |[start, object]: [&str; 2]| header == start && command.contains(object);
    match header.get(..2).unwrap_or_default() {
        // the rest of an answer belongs to its command
        "C0" => last,
        // of GIDS alone, which has a command and a selection for it
        "A4" if last == Kind::Deauthentication && !command.contains(PIV) => Kind::Deauthentication,
        "A4" => Kind::Discovery,
        _ if !found => Kind::Discovery,
        "20" if ["200082", "20FF80"].contains(&header) => Kind::Deauthentication,
        "20" => Kind::Pin,
        // the management key of a PIV card is a right, its other keys are used
        "87" if header.ends_with("9B") => Kind::Pin,
        "22" | "2A" | "87" => Kind::Key,
        _ if about(CARDID) || about(CARDCF) || about(CHUID) => Kind::Identity,
        _ => Kind::Reading,
    }
}

/// How many bytes a text of the log stands for: hexadecimal digits, and `<N bytes>` for what is not shown.
fn length(text: &str) -> usize {
    let hidden = |part: &str| part.split(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
    let pieces = text.split('<').enumerate().map(|(number, piece)| match piece.split_once('>') {
        Some((part, digits)) if number > 0 => hidden(part) + digits.len() / 2,
        _ => piece.len() / 2,
    });
    pieces.sum()
}

/// How many of the exchanges were for what, in the order of [`Kind::ALL`].
pub fn columns(exchanges: &[Exchange]) -> [usize; 6] {
    Kind::ALL.map(|kind| exchanges.iter().filter(|exchange| exchange.kind == kind).count())
}

#[cfg(test)]
mod tests {
    use super::Kind::{Deauthentication, Discovery, Identity, Key, Pin, Reading};
    use super::*;

    fn kinds(commands: &[&str]) -> Vec<Kind> {
        let lines: Vec<_> = commands.iter().map(|command| format!(r#"{{"command":"{command}"}}"#)).collect();
        parse(&lines.join("\n")).unwrap().iter().map(|exchange| exchange.kind).collect()
    }

    #[test]
    fn commands_tell_what_they_are_for() {
        let signature = [
            "00A4040009A0000003974254465900",
            "00CBA0120000045C02DF200000",
            "00CBA0100000045C02DF220000",
            "00CBA0000000025C000000",
            "0020008006<6 bytes>",
            "002241B606800157840181",
            "002A9E9A0100",
            "00C0000000",
            "00200082",
            "00A4040009A0000003974254465900",
        ];
        let expected =
            [Discovery, Identity, Identity, Reading, Pin, Key, Key, Key, Deauthentication, Deauthentication];
        assert_eq!(kinds(&signature), expected);
        let exchanges = expected.map(|kind| Exchange { kind, bytes: 0 });
        assert_eq!(columns(&exchanges), [1, 2, 1, 1, 3, 2]);
    }

    #[test]
    fn commands_of_piv_tell_it_too() {
        let signature = [
            "00A4040009A0000003080000100000",
            "00CB3FFF055C035FC10200",
            "00CB3FFF0000055C035FC1050000",
            "00F7009A000000",
            "0020008008<8 bytes>",
            "1087079AFF<255 bytes>",
            "0087079A0B<11 bytes>00",
            "00C0000008",
            "0020FF80",
        ];
        let expected = [Discovery, Identity, Reading, Reading, Pin, Key, Key, Key, Deauthentication];
        assert_eq!(kinds(&signature), expected);
        assert_eq!(kinds(&[signature[0], "0087039B04<4 bytes>00"]), [Discovery, Pin]);
        let next = kinds(&[signature[0], "0020FF80", signature[0]]);
        assert_eq!(next, [Discovery, Deauthentication, Discovery], "a selection begins the next transaction");
    }

    #[test]
    fn bytes_are_counted_though_they_are_not_shown() {
        let log = r#"{"command":"0020008008<8 bytes>","response":"","sw":"9000"}
{"command":"00CB3FFF055C035FC10900","response":"53<1 byte><20 bytes>","sw":"6100"}"#;
        let bytes: Vec<usize> = parse(log).unwrap().iter().map(|exchange| exchange.bytes).collect();
        assert_eq!(bytes, [5 + 8 + 2, 11 + 22 + 2]);
    }

    #[test]
    fn before_the_selection_everything_is_discovery() {
        assert_eq!(kinds(&["00CADF3005", "00C0000000", "00A40800023F00"]), [Discovery; 3]);
    }

    #[test]
    fn a_log_of_another_kind_is_refused() {
        assert!(parse("{}").is_err());
        assert!(parse("no JSON").is_err());
    }
}
