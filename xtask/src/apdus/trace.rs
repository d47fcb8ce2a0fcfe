//! What a program sent, from the APDU log, and what each command was for.

use serde_json::Value;

/// What a command is for, as far as the command tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Finding out which card it is: everything up to the selection of GIDS, and other selections.
    Search,
    /// The card's identity (`cardid`) and its freshness counters (`cardcf`).
    Identity,
    /// Other objects: file table, containers, certificates, public keys, PIN states.
    Reading,
    /// The PIN.
    Pin,
    /// Choosing the key, and using it.
    Key,
    /// Giving the rights back.
    End,
}

impl Kind {
    pub(super) const ALL: [Self; 6] =
        [Self::Search, Self::Identity, Self::Reading, Self::Pin, Self::Key, Self::End];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Search => "search",
            Self::Identity => "identity, freshness",
            Self::Reading => "reading",
            Self::Pin => "PIN",
            Self::Key => "key",
            Self::End => "end",
        }
    }
}

/// One command with its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchange {
    pub(super) kind: Kind,
}

/// GIDS (application identifier, in hexadecimal).
const GIDS: &str = "A00000039742544659";
/// `cardid` and `cardcf`: the object and the file that holds it (GIDS 2.0, Microsoft's profile).
const CARDID: [&str; 2] = ["CBA012", "5C02DF20"];
const CARDCF: [&str; 2] = ["CBA010", "5C02DF22"];

/// The exchanges of an APDU log, one JSON object a line.
pub(super) fn parse(log: &str) -> Result<Vec<Exchange>, String> {
    let mut found = false;
    let mut last = Kind::Search;
    let classified = |line: &str| {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("APDU log: {error}"))?;
        let command = value["command"].as_str().ok_or("APDU log: a line without a command")?;
        last = classify(command, found, last);
        found |= command.contains(GIDS);
        Ok(Exchange { kind: last })
    };
    log.lines().map(classified).collect()
}

/// What a command in hexadecimal is for, given whether GIDS was selected before, and the kind of the
/// command before.
fn classify(command: &str, found: bool, last: Kind) -> Kind {
    let header = command.get(2..8).unwrap_or_default();
    let about = |[start, object]: [&str; 2]| header == start && command.contains(object);
    match header.get(..2).unwrap_or_default() {
        // the rest of an answer belongs to its command
        "C0" => last,
        "A4" if last == Kind::End => Kind::End,
        "A4" => Kind::Search,
        _ if !found => Kind::Search,
        "20" if header == "200082" => Kind::End,
        "20" => Kind::Pin,
        "22" | "2A" => Kind::Key,
        _ if about(CARDID) || about(CARDCF) => Kind::Identity,
        _ => Kind::Reading,
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::{End, Identity, Key, Pin, Reading, Search};
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
        let expected = [Search, Identity, Identity, Reading, Pin, Key, Key, Key, End, End];
        assert_eq!(kinds(&signature), expected);
    }

    #[test]
    fn before_the_selection_everything_is_a_search() {
        assert_eq!(kinds(&["00CADF3005", "00C0000000", "00A40800023F00"]), [Search; 3]);
    }

    #[test]
    fn a_log_of_another_kind_is_refused() {
        assert!(parse("{}").is_err());
        assert!(parse("no JSON").is_err());
    }
}
