//! What `info` tells, for people.

use super::document::{CardView, CountersView, Document, FreeSpaceView, KeySizesView, ProofView, ReaderView};
use crate::output::{facts, indent, table};
use crate::report::{ContainerView, PinView, container_table, pin_table};

/// The sections of one card.
pub(super) fn text(document: &Document) -> String {
    let mut sections = vec![
        ("Readers", reader_table(&document.readers)),
        ("Card", card_facts(document)),
        ("Key sizes", key_sizes_table(&document.card.key_sizes)),
        ("PINs", pin_table(&document.pins)),
        ("Containers", container_table(&document.containers)),
    ];
    if let Some(proofs) = &document.proofs {
        sections.push(("Proof signatures", proof_table(proofs)));
    }
    let parts: Vec<String> =
        sections.iter().map(|(title, body)| format!("{title}\n{}", indent(body))).collect();
    parts.join("\n")
}

fn reader_table(readers: &[ReaderView]) -> String {
    let row = |reader: &ReaderView| {
        let state = match (reader.card_present, reader.in_use) {
            (false, _) => "empty",
            (true, false) => "card",
            (true, true) => "card, in use",
        };
        let atr = reader.atr.clone().unwrap_or_else(|| "-".into());
        [reader.name.clone(), state.to_owned(), atr]
    };
    table(["reader", "state", "ATR"], readers.iter().map(row).collect())
}

fn card_facts(document: &Document) -> String {
    let Document { card, module, .. } = document;
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
    let mut rows = vec![
        ("reader", card.reader.clone()),
        ("card", card.name.clone()),
        ("card id", or_dash(&card.id)),
        ("serial number", or_dash(&card.serial_number)),
        ("module", format!("{} (interface version {})", module.name, module.interface_version)),
        ("chosen by", module.chosen_by.clone()),
        ("connection", card.connection.text.clone()),
        ("access", access_text(card).to_owned()),
        ("caching", if card.hints { HINTS } else { card.cache_mode }.to_owned()),
        ("free", free_text(&card.free_space)),
    ];
    if let Some(application) = card.application {
        rows.insert(2, ("application", application.to_uppercase()));
    }
    let each_time = each_time(document);
    if !each_time.is_empty() {
        rows.push(("PIN for each use", each_time));
    }
    if let Some(counters) = &card.counters {
        let CountersView { pins, containers, files } = counters;
        rows.push(("counters", format!("PINs {pins}, containers {containers}, files {files}")));
    }
    facts(&rows)
}

/// How a card is remembered that has no counters.
const HINTS: &str = "no counters: what is remembered is marked as cached";

/// What may be done with the card, and why.
fn access_text(card: &CardView) -> &'static str {
    match (card.read_only, card.takes_management_key) {
        (true, true) => "read only: no management key is at hand",
        (true, false) => "read only",
        (false, true) => "read and write: a management key is at hand",
        (false, false) => "read and write",
    }
}

/// The containers whose PIN opens them for one use.
fn each_time(document: &Document) -> String {
    let roles: Vec<u32> = document.pins.iter().filter_map(PinView::asked_each_time).collect();
    let of = |container| roles.iter().find_map(|role| ContainerView::of_role(container, *role));
    document.containers.iter().filter_map(of).collect::<Vec<_>>().join(", ")
}

/// What the card tells of its room, and nothing of what it does not.
fn free_text(space: &FreeSpaceView) -> String {
    let bytes = space.bytes.map(|bytes| format!("{bytes} bytes"));
    let containers = space.containers.map(|free| match space.max_containers {
        Some(most) => format!("{free} of {most} containers"),
        None => format!("{free} containers"),
    });
    let known: Vec<String> = bytes.into_iter().chain(containers).collect();
    if known.is_empty() { "unknown".to_owned() } else { known.join(", ") }
}

fn key_sizes_table(sizes: &[KeySizesView]) -> String {
    let row = |sizes: &KeySizesView| {
        [
            sizes.key_spec.to_owned(),
            sizes.minimum.to_string(),
            sizes.default.to_string(),
            sizes.maximum.to_string(),
        ]
    };
    table(["key", "smallest", "default", "largest"], sizes.iter().map(row).collect())
}

fn proof_table(proofs: &[ProofView]) -> String {
    if proofs.is_empty() {
        return "no signing keys\n".into();
    }
    let row = |proof: &ProofView| {
        let result = proof.problem.clone().unwrap_or_else(|| "signs, verified".into());
        [proof.container.clone(), proof.purpose.to_owned(), result]
    };
    table(["container", "key for", "result"], proofs.iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_room_is_told() {
        let text = |bytes, containers, max_containers| {
            free_text(&FreeSpaceView { bytes, containers, max_containers })
        };
        assert_eq!(text(Some(900), Some(29), Some(30)), "900 bytes, 29 of 30 containers");
        assert_eq!(text(None, Some(29), Some(30)), "29 of 30 containers");
        assert_eq!(text(None, Some(29), None), "29 containers");
        assert_eq!(text(None, None, Some(30)), "unknown");
    }
}
