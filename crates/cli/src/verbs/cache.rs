//! `cardmod cache`: what is remembered of cards from run to run, and forgetting it.

use std::time::{SystemTime, UNIX_EPOCH};

use cardmod_host::{CacheRecord, DirectoryStore, PublicStore as _};
use cardmod_types::{CardApplication, CardId};
use clap::Subcommand;
use serde::Serialize;
use serde_json::json;

use crate::args::Global;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::report::is_false;
use crate::session::Desk;

/// What to do with the cache.
#[derive(Debug, Subcommand)]
pub(crate) enum CacheVerb {
    /// Show what is remembered of cards: public data alone, each until the card's counters move
    Show,
    /// Forget it: of all cards, or of the one that --card or --reader names
    Flush,
}

#[derive(Serialize)]
struct ShowDocument {
    /// The directory; none where the cache is switched off.
    directory: Option<String>,
    cards: Vec<CardView>,
}

/// What is remembered of one card.
#[derive(Serialize)]
struct CardView {
    card_id: String,
    atr: String,
    module: String,
    /// The application of the card that the module opened, where it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    application: Option<&'static str>,
    counters: CountersView,
    /// The card has no counters: what is remembered may be another by now, and is read again where it counts.
    #[serde(skip_serializing_if = "is_false")]
    hints: bool,
    /// When it was written, in seconds since 1970 (UTC).
    saved: u64,
    age_seconds: u64,
    /// Of all items.
    bytes: usize,
    items: Vec<ItemView>,
}

#[derive(Serialize)]
struct CountersView {
    pins: u8,
    containers: u16,
    files: u16,
}

#[derive(Serialize)]
struct ItemView {
    name: String,
    /// Its length; none for a file that is known to be missing.
    bytes: Option<usize>,
}

/// Runs the verb.
pub(crate) fn run(verb: &CacheVerb, global: &Global, out: Output) -> Result<(), Failure> {
    let store = DirectoryStore::standard();
    let only = match (&global.card, &global.reader) {
        (None, None) => None,
        _ => Some(identity(global, out)?),
    };
    match verb {
        CacheVerb::Show => show(store.as_ref(), only, out),
        CacheVerb::Flush => flush(store.as_ref(), only, out),
    }
}

/// The identity of the card the options name.
fn identity(global: &Global, out: Output) -> Result<CardId, Failure> {
    let known = Desk::open(global, out)?.in_one_transaction(|session| Ok(session.describe()?.card_id))?;
    known.ok_or_else(|| Failure::failed("no-identity", "the card has no identity, so nothing of it is kept"))
}

fn show(store: Option<&DirectoryStore>, only: Option<CardId>, out: Output) -> Result<(), Failure> {
    let cards = store.map(|store| records(store, only)).unwrap_or_default();
    let document = ShowDocument {
        directory: store.map(|store| store.path().display().to_string()),
        cards: cards.iter().map(CardView::from).collect(),
    };
    out.show(&document, || text(&document))
}

/// What is readable of the wanted cards, the newest first.
fn records(store: &DirectoryStore, only: Option<CardId>) -> Vec<CacheRecord> {
    let keys = store.list().into_iter();
    let known = keys.filter_map(|key| CacheRecord::parse(&store.load(&key)?));
    known.filter(|record| only.is_none_or(|card| record.card == card)).collect()
}

fn text(document: &ShowDocument) -> String {
    let Some(directory) = &document.directory else {
        return if std::env::var_os("CARDMOD_CACHE").is_some_and(|value| value == "off") {
            "the cache is switched off (CARDMOD_CACHE=off)\n".to_owned()
        } else {
            "nothing is remembered: there is no place for it; set HOME, or CARDMOD_CACHE_DIR\n".to_owned()
        };
    };
    if document.cards.is_empty() {
        return format!("nothing is remembered in {directory}\n");
    }
    let row = |card: &CardView| {
        let CountersView { pins, containers, files } = card.counters;
        [
            card.card_id.clone(),
            age(card.age_seconds),
            if card.hints { "none: hints".to_owned() } else { format!("{pins}, {containers}, {files}") },
            format!("{} ({} bytes)", card.items.len(), card.bytes),
            card.application.unwrap_or("-").to_owned(),
            card.module.clone(),
        ]
    };
    let header = ["Card", "Age", "Counters (PINs, containers, files)", "Items", "Application", "Card module"];
    let table = output::table(header, document.cards.iter().map(row).collect());
    format!("{table}\nin {directory}; --json lists the items\n")
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

fn flush(store: Option<&DirectoryStore>, only: Option<CardId>, out: Output) -> Result<(), Failure> {
    let flushed = store.map_or(0, |store| remove(store, only));
    out.done(&json!({"flushed": flushed}), || match flushed {
        0 => "nothing was remembered\n".to_owned(),
        1 => "forgot 1 card\n".to_owned(),
        _ => format!("forgot {flushed} cards\n"),
    })
}

/// Removes what is remembered of the wanted cards; answers of how many.
fn remove(store: &DirectoryStore, only: Option<CardId>) -> usize {
    // A key begins with the card's identity, so that a damaged record goes with its card too.
    let prefix = only.map(|card| format!("{}-", output::hex(card.as_bytes()).to_ascii_lowercase()));
    let wanted = |key: &&String| prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix));
    store.list().iter().filter(wanted).filter(|key| store.remove(key)).count()
}

impl From<&CacheRecord> for CardView {
    fn from(record: &CacheRecord) -> Self {
        let item = |(name, value): (&String, &Option<Vec<u8>>)| ItemView {
            name: name.clone(),
            bytes: value.as_ref().map(Vec::len),
        };
        let items: Vec<_> = record.items.iter().map(item).collect();
        let since = |time: SystemTime, start| time.duration_since(start).unwrap_or_default().as_secs();
        Self {
            card_id: output::hex(record.card.as_bytes()),
            atr: output::hex(&record.atr),
            module: record.module.clone(),
            application: record.application.map(CardApplication::label),
            counters: CountersView {
                pins: record.cardcf.pins,
                containers: record.cardcf.containers,
                files: record.cardcf.files,
            },
            hints: record.hints,
            saved: since(record.saved, UNIX_EPOCH),
            age_seconds: since(SystemTime::now(), record.saved),
            bytes: items.iter().filter_map(|item| item.bytes).sum(),
            items,
        }
    }
}
