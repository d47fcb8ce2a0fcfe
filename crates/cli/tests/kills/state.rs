//! What fresh runs of the program say of the card.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cardmod_types::{ContainerMap, KeyHalf};
use serde_json::Value;

use crate::place::Place;

/// Files that no verb here writes.
const STATIC: [&str; 2] = ["cardid", "cardapps"];

/// The cards of a home.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct State {
    pub(crate) cards: BTreeSet<String>,
    /// The one that the verb works on, if it is there.
    pub(crate) card: Option<Card>,
    /// It is out of its reader.
    pub(crate) ejected: bool,
}

/// A card.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    /// What applications tell it by.
    pub(crate) id: String,
    pub(crate) containers: BTreeMap<String, Container>,
    /// Content by path, without cardcf and the container map.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) map: Vec<u8>,
    /// pins, containers, files; none of a card that has no counters.
    pub(crate) counters: Option<[u64; 3]>,
    /// Tries left by role, where the card tells them.
    pub(crate) tries: BTreeMap<String, u64>,
}

/// A container as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Container {
    pub(crate) index: u64,
    pub(crate) default: bool,
    pub(crate) keys: Vec<Key>,
}

/// A key as it is listed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Key {
    pub(crate) algorithm: String,
    pub(crate) public: String,
    pub(crate) certificate: Option<String>,
}

impl State {
    /// Looks; everything must be readable.
    #[track_caller]
    pub(crate) fn of(place: &Place, story: &str) -> Self {
        let listed = json(place, "card list --json", story);
        let cards: BTreeSet<String> = array(&listed, "cards").iter().map(|card| text(card, "name")).collect();
        let card = ["demo", "other", "default"].into_iter().find(|name| cards.contains(*name));
        let ejected = |name: &str| {
            let mut all = array(&listed, "cards").iter();
            all.any(|card| card["name"] == name && card["place"] == "ejected")
        };
        let ejected = card.is_some_and(ejected);
        let card = card.map(|name| {
            if !ejected {
                return Card::of(place, name, story);
            }
            let place = place.scratch();
            place.run(&format!("card insert {name}")).succeeds();
            Card::of(&place, name, story)
        });
        Self { cards, card, ejected }
    }
}

impl Card {
    #[track_caller]
    fn of(place: &Place, name: &str, story: &str) -> Self {
        let on = |line: &str| json(place, &format!("{line} --card {name} --json"), story);
        let info = on("info");
        let containers = array(&on("container list"), "containers").to_vec();
        let named = |part: &str| {
            info["containers"].as_array().is_some_and(|all| all.len() == containers.len()) && part == "info"
        };
        assert!(named("info"), "info and container list differ\n{story}");
        let pins = on("pin status");
        let tries = array(&pins, "pins").iter();
        let tries = tries.filter_map(|pin| Some((text(pin, "role"), pin["tries_left"].as_u64()?))).collect();
        let mut files = BTreeMap::new();
        for file in array(&on("file list"), "files") {
            let path = text(file, "path");
            if STATIC.contains(&path.as_str()) {
                continue;
            }
            let target = place.path("content");
            place.run(&format!("file read {path} --out content --card {name}")).exits(0);
            files.insert(path, fs::read(target).expect("the file that was read"));
        }
        files.remove("cardcf").unwrap_or_else(|| panic!("no cardcf\n{story}"));
        let map = files.remove("mscp/cmapfile").unwrap_or_default();
        let counters = &info["card"]["counters"];
        let counters = (!counters.is_null())
            .then(|| ["pins", "containers", "files"].map(|counter| number(&counters[counter])));
        let containers: BTreeMap<_, _> = containers
            .iter()
            .map(|container| (text(container, "name"), Container::of(container, story)))
            .collect();
        let id = text(&info["card"], "id");
        let card = Self { id, containers, files, map, counters, tries };
        card.check_map(story);
        card
    }

    /// The map is whole, and says what is listed.
    #[track_caller]
    fn check_map(&self, story: &str) {
        let map = ContainerMap::parse(&self.map).unwrap_or_else(|error| panic!("the map: {error}\n{story}"));
        assert_eq!(map.iter().count(), self.containers.len(), "map and list differ\n{story}");
        for (index, record) in map.iter() {
            let container = self.containers.get(record.name.as_str());
            let container =
                container.unwrap_or_else(|| panic!("{} is not listed\n{story}", record.name.as_str()));
            assert_eq!(container.index, u64::from(index.get()), "{story}");
            let bits = [KeyHalf::Signature, KeyHalf::KeyExchange].map(|half| record.bits(half));
            // A key that the record does not tell of is none. (A record may tell of a key that is gone.)
            let told = bits.iter().filter(|bits| **bits != 0).count();
            assert!(
                container.keys.len() <= told,
                "{} has a key unknown to its record\n{story}",
                record.name.as_str()
            );
        }
    }
}

impl Container {
    #[track_caller]
    fn of(container: &Value, story: &str) -> Self {
        assert!(container.get("problem").is_none_or(Value::is_null), "{container:#}\n{story}");
        let keys = array(container, "keys").iter().map(|key| {
            let certificate = &key["certificate"];
            if !certificate.is_null() {
                assert_eq!(
                    certificate["matches_key"], true,
                    "a certificate of another key: {key:#}\n{story}"
                );
            }
            Key {
                algorithm: text(key, "algorithm"),
                public: text(key, "public_key_spki"),
                certificate: certificate["subject"].as_str().map(str::to_owned),
            }
        });
        Self {
            index: number(&container["index"]),
            default: container["default"] == true,
            keys: keys.collect(),
        }
    }

    /// The same but for who is the default container.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.index == other.index && self.keys == other.keys
    }

    /// Algorithms and certificates, without what is random.
    pub(crate) fn shape(&self) -> Vec<(&str, Option<&str>)> {
        self.keys.iter().map(|key| (key.algorithm.as_str(), key.certificate.as_deref())).collect()
    }
}

#[track_caller]
fn json(place: &Place, line: &str, story: &str) -> Value {
    let outcome = place.run(line);
    assert!(outcome.status == Some(0), "{outcome}\n{story}");
    outcome.json()
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap_or_else(|| panic!("no array {name} in {value:#}"))
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no text {name} in {value:#}")).to_owned()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value:#}"))
}
