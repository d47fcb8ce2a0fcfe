//! One card in a store: a line that says what it is and proves that it is whole, then JSON.
//!
//! ```text
//! cardmod-cache 1 <SHA-256 of what follows the line, in hexadecimal>
//! {"card":"…","atr":"…","module":"…","application":"gids","cardcf":"…","epoch":"…","saved":1,"items":{"file:mscp/kxc00":"…"}}
//! ```
//!
//! JSON, since a user can look and see that nothing secret is kept. A record of another format, of
//! another card, or one that is damaged is none.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cardmod_types::{CardApplication, CardCf, CardId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// How a record begins: its kind and the version of its format.
const HEADER: &str = "cardmod-cache 1 ";
/// The largest item that is written.
const LARGEST_ITEM: usize = 64 * 1024;

/// What a store holds for one card.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheRecord {
    /// The card's identity.
    pub card: CardId,
    /// Its answer to reset.
    pub atr: Vec<u8>,
    /// The card module, and which build of it.
    pub module: String,
    /// The application of the card that the module opened, where it tells.
    pub application: Option<CardApplication>,
    /// The counters the items belong to; all zero where they are hints.
    pub cardcf: CardCf,
    /// The card has no counters: what is remembered of it may be another by now.
    pub hints: bool,
    /// A number that changes when everything known of the card was found to be wrong.
    pub(super) epoch: u64,
    /// When it was written.
    pub saved: SystemTime,
    /// Bytes by name; `None` for a file that is known to be missing.
    pub items: BTreeMap<String, Option<Vec<u8>>>,
}

#[derive(Serialize, Deserialize)]
struct Json {
    card: String,
    atr: String,
    module: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    application: Option<String>,
    cardcf: String,
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    hints: bool,
    epoch: String,
    saved: u64,
    items: BTreeMap<String, Option<String>>,
}

impl CacheRecord {
    /// Reads what a [`PublicStore`](crate::PublicStore) holds; `None` for what is no record, or damaged.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (checksum, body) = text.strip_prefix(HEADER)?.split_once('\n')?;
        if checksum != checksum_of(body) {
            return None;
        }
        let json: Json = serde_json::from_str(body).ok()?;
        let item = |(name, value): (String, Option<String>)| match value {
            Some(value) => Some((name, Some(bytes_of(&value)?))),
            None => Some((name, None)),
        };
        Some(Self {
            card: CardId::parse(&bytes_of(&json.card)?).ok()?,
            atr: bytes_of(&json.atr)?,
            module: json.module,
            application: json.application.as_deref().and_then(CardApplication::of_label),
            cardcf: CardCf::parse(&bytes_of(&json.cardcf)?).ok()?,
            hints: json.hints,
            epoch: u64::from_str_radix(&json.epoch, 16).ok()?,
            saved: UNIX_EPOCH.checked_add(Duration::from_secs(json.saved))?,
            items: json.items.into_iter().map(item).collect::<Option<_>>()?,
        })
    }

    /// The record for a store.
    pub(super) fn to_bytes(&self) -> Option<Vec<u8>> {
        let fits = |value: &&Option<Vec<u8>>| value.as_ref().is_none_or(|value| value.len() <= LARGEST_ITEM);
        let items = self.items.iter().filter(|(_, value)| fits(value));
        let json = Json {
            card: hex(self.card.as_bytes()),
            atr: hex(&self.atr),
            module: self.module.clone(),
            application: self.application.map(|application| application.label().to_owned()),
            cardcf: hex(&self.cardcf.to_bytes()),
            hints: self.hints,
            epoch: format!("{:x}", self.epoch),
            saved: self.saved.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs(),
            items: items.map(|(name, value)| (name.clone(), value.as_deref().map(hex))).collect(),
        };
        let body = serde_json::to_string(&json).ok()?;
        Some(format!("{HEADER}{}\n{body}", checksum_of(&body)).into_bytes())
    }

    /// The key under which a store has the record of a card, for a module and what it was asked for: what an
    /// older version of the interface cannot tell is not taken for what the card has.
    pub(super) fn key(card: &CardId, atr: &[u8], [module, view]: [&str; 2]) -> String {
        Self::key_of(card, &Self::key_of_kind(atr, [module, view]))
    }

    /// The key of a card among those whose keys end alike.
    pub(super) fn key_of(card: &CardId, kind: &str) -> String {
        format!("{}{kind}", hex(card.as_bytes()))
    }

    /// How the keys of all cards with this answer to reset end.
    pub(super) fn key_of_kind(atr: &[u8], [module, view]: [&str; 2]) -> String {
        let mut digest = Sha256::new();
        digest.update([u8::try_from(atr.len()).unwrap_or(u8::MAX)]);
        digest.update(atr);
        digest.update(module);
        digest.update([0]);
        digest.update(view);
        format!("-{}", hex(&digest.finalize()[..8]))
    }
}

fn checksum_of(body: &str) -> String {
    hex(&Sha256::digest(body))
}

/// Lower-case hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    crate::module::hex(bytes).to_ascii_lowercase()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok();
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> CacheRecord {
        CacheRecord {
            card: CardId([7; 16]),
            atr: vec![0x3B, 0x80],
            module: "a module 1.0".to_owned(),
            application: Some(CardApplication::Gids),
            cardcf: CardCf::parse(&[0, 1, 2, 0, 3, 0, 9]).expect("counters"),
            hints: false,
            epoch: u64::MAX,
            saved: UNIX_EPOCH + Duration::from_secs(1_700_000_000),
            items: [("file:cardapps".to_owned(), Some(vec![1, 2])), ("file:mscp/kxc00".to_owned(), None)]
                .into(),
        }
    }

    #[test]
    fn records_come_back() {
        let bytes = record().to_bytes().expect("bytes");
        assert_eq!(CacheRecord::parse(&bytes), Some(record()));
        let hints = CacheRecord { hints: true, cardcf: CardCf::default(), ..record() };
        assert_eq!(CacheRecord::parse(&hints.to_bytes().expect("bytes")), Some(hints));
    }

    #[test]
    fn one_changed_bit_makes_it_none() {
        let bytes = record().to_bytes().expect("bytes");
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(CacheRecord::parse(&damaged), None, "byte {at}");
            assert_eq!(CacheRecord::parse(&bytes[..at]), None, "cut at {at}");
        }
        let newer = String::from_utf8(bytes).expect("text").replacen("cache 1", "cache 2", 1);
        assert_eq!(CacheRecord::parse(newer.as_bytes()), None, "another format");
    }

    #[test]
    fn what_is_too_large_is_left_out() {
        let mut large = record();
        large.items.insert("file:mscp/msroots".to_owned(), Some(vec![0; LARGEST_ITEM + 1]));
        assert_eq!(CacheRecord::parse(&large.to_bytes().expect("bytes")), Some(record()));
    }

    #[test]
    fn another_card_or_module_has_another_key() {
        let key = |card, atr: &[u8], module| CacheRecord::key(&CardId([card; 16]), atr, [module, "7"]);
        let one = key(1, &[1, 2], "a");
        for other in [key(2, &[1, 2], "a"), key(1, &[1], "a"), key(1, &[1, 2], "b"), key(1, &[1], "\u{2}a")] {
            assert_ne!(one, other);
        }
        assert_ne!(one, CacheRecord::key(&CardId([1; 16]), &[1, 2], ["a", "5"]), "another view");
        assert!(one.len() <= 64);
    }
}
