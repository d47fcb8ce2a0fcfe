//! What the drivers of this world call the containers of a PIV card. Who signs a user on over the network
//! has to name the container as the other side's driver names it.
//!
//! Each rule says whether it is documented by whoever made the driver, or was observed by others.

use std::fmt;
use std::str::FromStr;

use cardmod_types::{CardId, ContainerName};
use sha2::{Digest, Sha256};

use crate::{FascN, ObjectTag, Slot, SlotMap};

/// How a FASC-N of a non-government issuer begins: start sentinel and agency 9999. The lower bits of the
/// last byte belong to what follows.
const NON_FEDERAL: [u8; 3] = [0xD4, 0xE7, 0x39];
/// Where the container id replaces two digits of the FASC-N.
const ID_IN_FASC_N: usize = 7;
/// What our own names are digests of, beside card and slot.
const OWN_NAMES: &[u8] = b"cardmod PIV container name 1";

/// How much a rule can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Published by the maker of the driver, in text or source.
    Documented,
    /// Seen by others to hold; the maker says nothing.
    Observed,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Documented => "documented",
            Self::Observed => "observed",
        })
    }
}

/// A driver's rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NameRule {
    /// The PIV driver that comes with Windows.
    InboxPiv,
    /// Yubico's minidriver.
    Yubico,
    /// OpenSC's minidriver.
    OpenSc,
    /// The class module of this project.
    Cardmod,
}

/// A text that names no rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a rule of names is inbox-piv, yubico, opensc or cardmod")]
pub struct UnknownNameRule;

impl NameRule {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::InboxPiv, Self::Yubico, Self::OpenSc, Self::Cardmod];

    /// The name on command lines and in tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::InboxPiv => "inbox-piv",
            Self::Yubico => "yubico",
            Self::OpenSc => "opensc",
            Self::Cardmod => "cardmod",
        }
    }

    /// How much it can be relied on.
    #[must_use]
    pub const fn evidence(self) -> Evidence {
        match self {
            Self::InboxPiv => Evidence::Observed,
            Self::Yubico | Self::OpenSc | Self::Cardmod => Evidence::Documented,
        }
    }

    /// What the rule is.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::InboxPiv => {
                "the GUID of the CHUID as Windows writes a GUID, its last six digits replaced by the \
                 certificate object's tag"
            }
            Self::Yubico => "the name stored in the card's container map, object 5FFF10",
            Self::OpenSc => {
                "the GUID of the CHUID with the key's number as first byte, or the digits of a government \
                 card's FASC-N with the number as eighth byte"
            }
            Self::Cardmod => {
                "the name in the stored container map, else a UUID computed of card identifier and slot"
            }
        }
    }

    /// Where the rule is known from.
    #[must_use]
    pub const fn source(self) -> &'static str {
        match self {
            Self::InboxPiv => {
                "FreeRDP, winpr ncrypt_pkcs11.c and pull requests 8319 and 12684, found on Windows"
            }
            Self::Yubico => "yubico-piv-tool, ykpiv.h and util.c",
            Self::OpenSc => "OpenSC, pkcs15-piv.c and card-piv.c",
            Self::Cardmod => "this project",
        }
    }
}

impl fmt::Display for NameRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for NameRule {
    type Err = UnknownNameRule;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|rule| rule.label().eq_ignore_ascii_case(text)).ok_or(UnknownNameRule)
    }
}

/// What of a card goes into the names of its containers.
#[derive(Clone, Copy, Debug)]
pub struct NameSource<'a> {
    /// The card's identifier, as this project computes it.
    pub card_id: CardId,
    /// The GUID of the CHUID, where there is one that is not zero.
    pub guid: Option<[u8; 16]>,
    /// The FASC-N of the CHUID, where there is one that is not zero.
    pub fasc_n: Option<FascN>,
    /// The stored container map.
    pub map: Option<&'a SlotMap>,
}

/// The name a driver gives the container of a slot; `None` where its rule gives none: without the CHUID,
/// or without a record in the map.
#[must_use]
pub fn container_name(rule: NameRule, source: &NameSource<'_>, slot: Slot) -> Option<String> {
    match rule {
        NameRule::InboxPiv => source.guid.map(|guid| inbox_piv(guid, slot.object())),
        NameRule::Yubico => stored(source.map, slot),
        NameRule::OpenSc => opensc(source, slot),
        NameRule::Cardmod => {
            stored(source.map, slot).or_else(|| Some(own_name(source.card_id, slot).to_string()))
        }
    }
}

/// The names of several slots by one rule, in their order.
#[must_use]
pub fn container_names(
    rule: NameRule,
    source: &NameSource<'_>,
    slots: &[Slot],
) -> Vec<(Slot, Option<String>)> {
    slots.iter().map(|slot| (*slot, container_name(rule, source, *slot))).collect()
}

/// The name this project gives a container that no map names: the text of a UUID (version 8, RFC 9562)
/// made of the SHA-256 digest of card identifier and slot. It never changes.
///
/// # Panics
///
/// Never: the text of a UUID has 36 characters of which none is forbidden in a name.
#[must_use]
pub fn own_name(card_id: CardId, slot: Slot) -> ContainerName {
    let digest = Sha256::new()
        .chain_update(OWN_NAMES)
        .chain_update(card_id.as_bytes())
        .chain_update([slot.reference().get()])
        .finalize();
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&digest[..16]);
    uuid[6] = uuid[6] & 0x0F | 0x80;
    uuid[8] = uuid[8] & 0x3F | 0x80;
    ContainerName::parse(&uuid_text(&uuid)).expect("the text of a UUID is a container name")
}

fn inbox_piv(mut guid: [u8; 16], object: ObjectTag) -> String {
    // Windows keeps the first three fields of a GUID as little-endian numbers.
    guid[..4].reverse();
    guid[4..6].reverse();
    guid[6..8].reverse();
    guid[13..].copy_from_slice(&object.get().to_be_bytes()[1..]);
    uuid_text(&guid)
}

fn stored(map: Option<&SlotMap>, slot: Slot) -> Option<String> {
    let (_, record) = map?.by_slot(slot)?;
    record.name().map(|name| name.to_string())
}

fn opensc(source: &NameSource<'_>, slot: Slot) -> Option<String> {
    let id = opensc_id(slot)?;
    let federal = source.fasc_n.filter(|fasc_n| source.guid.is_none() || !is_non_federal(fasc_n.as_bytes()));
    let mut name = match federal {
        Some(fasc_n) => fasc_n_digits(fasc_n.as_bytes()),
        None => source.guid?,
    };
    name[if federal.is_some() { ID_IN_FASC_N } else { 0 }] = id;
    Some(name.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The key's number: 01 to 04 for 9A, 9C, 9D, 9E, then 05 to 24 for the retired keys, the digits taken as
/// hexadecimal ones.
fn opensc_id(slot: Slot) -> Option<u8> {
    let number = match slot {
        Slot::Authentication => 1,
        Slot::Signature => 2,
        Slot::KeyManagement => 3,
        Slot::CardAuthentication => 4,
        Slot::Retired(number) => 4 + number.get(),
        Slot::Attestation => return None,
    };
    Some(number / 10 * 0x10 + number % 10)
}

fn is_non_federal(fasc_n: &[u8; FascN::LEN]) -> bool {
    fasc_n.starts_with(&NON_FEDERAL) && fasc_n[3] & 0x80 != 0
}

/// The 32 digits of a FASC-N, two to a byte: symbols of five bits, of which the first four are a digit,
/// least significant bit first, and the fifth is its parity, which is not looked at. What is no digit
/// separates.
fn fasc_n_digits(fasc_n: &[u8; FascN::LEN]) -> [u8; 16] {
    let bit = |at: usize| fasc_n[at / 8] >> (7 - at % 8) & 1;
    let symbols = (0..FascN::LEN * 8).step_by(5).map(|at| (0..4).fold(0, |sum, i| sum | bit(at + i) << i));
    let mut digits = [0; 16];
    for (at, digit) in symbols.filter(|symbol| *symbol <= 9).take(32).enumerate() {
        digits[at / 2] |= if at % 2 == 0 { digit << 4 } else { digit };
    }
    digits
}

fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MapRecord;
    use cardmod_types::{ContainerIndex, KeySpec};

    /// The CHUID of a token, from the vendor's documentation.
    const GUID: [u8; 16] =
        [0xAD, 0x64, 0xBE, 0xAC, 0x16, 0x11, 0x4A, 0x56, 0x93, 0xA2, 0x9D, 0x58, 0x3B, 0x74, 0xCB, 0x44];
    const TOKEN_FASC_N: [u8; 25] = [
        0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42,
        0x10, 0x84, 0x21, 0x38, 0x42, 0x10, 0xC3, 0xF5,
    ];
    /// 4700-0256-001337-1-1-1234567890-1-9999-1, of a reference card of the government.
    const FEDERAL_FASC_N: [u8; 25] = [
        0xD1, 0x38, 0x10, 0xD8, 0x28, 0xAB, 0x6C, 0x10, 0xC3, 0x39, 0xE5, 0xA1, 0x68, 0x5A, 0x08, 0xC9, 0x2A,
        0xDE, 0x0A, 0x61, 0x84, 0xE7, 0x39, 0xC3, 0xE7,
    ];

    fn token<'a>(map: Option<&'a SlotMap>) -> NameSource<'a> {
        NameSource { card_id: CardId(GUID), guid: Some(GUID), fasc_n: FascN::new(&TOKEN_FASC_N), map }
    }

    #[test]
    fn names_of_opensc() {
        let name = |slot: &str| container_name(NameRule::OpenSc, &token(None), slot.parse().unwrap());
        assert_eq!(name("9a").unwrap(), "0164beac16114a5693a29d583b74cb44");
        assert_eq!(name("9c").unwrap(), "0264beac16114a5693a29d583b74cb44");
        assert_eq!(name("82").unwrap(), "0564beac16114a5693a29d583b74cb44");
        assert_eq!(name("87").unwrap(), "1064beac16114a5693a29d583b74cb44", "number 10 is byte 10");
        assert_eq!(name("95").unwrap(), "2464beac16114a5693a29d583b74cb44");
        assert_eq!(name("f9"), None);
    }

    #[test]
    fn opensc_tells_government_cards_by_their_fasc_n() {
        let source = NameSource { fasc_n: FascN::new(&FEDERAL_FASC_N), ..token(None) };
        let name = |source: &NameSource<'_>| container_name(NameRule::OpenSc, source, Slot::Authentication);
        // 4700 0256 001337 1 1 1234567890 1 9999 1, digits 15 and 16 replaced.
        assert_eq!(name(&source).unwrap(), "47000256001337011234567890199991");
        let without_guid = NameSource { guid: None, ..token(None) };
        // The token's category is a symbol that is no digit, and its check symbol happens to be one.
        assert_eq!(name(&without_guid).unwrap(), "99999999999999010000000000000015");
        let zero = NameSource { guid: None, fasc_n: None, ..token(None) };
        assert_eq!(name(&zero), None);
    }

    #[test]
    fn names_of_the_inbox_driver() {
        let name = |slot: &str| container_name(NameRule::InboxPiv, &token(None), slot.parse().unwrap());
        assert_eq!(name("9a").unwrap(), "acbe64ad-1116-564a-93a2-9d583b5fc105");
        assert_eq!(name("9e").unwrap(), "acbe64ad-1116-564a-93a2-9d583b5fc101");
        assert_eq!(name("82").unwrap(), "acbe64ad-1116-564a-93a2-9d583b5fc10d");
        let none = NameSource { guid: None, ..token(None) };
        assert_eq!(container_name(NameRule::InboxPiv, &none, Slot::Authentication), None);
    }

    #[test]
    fn stored_names_win_where_a_rule_knows_them() {
        let mut map = SlotMap::new();
        let name = ContainerName::parse("le-User-4711").unwrap();
        let record = MapRecord::new(&name, Slot::KeyManagement, KeySpec::KeyExchange, 2048);
        map.set(ContainerIndex::new(0), record).unwrap();
        let slots = [Slot::Authentication, Slot::KeyManagement];
        let named = |rule| container_names(rule, &token(Some(&map)), &slots);
        assert_eq!(named(NameRule::Yubico), [(slots[0], None), (slots[1], Some(name.to_string()))]);
        let own = named(NameRule::Cardmod);
        assert_eq!(own[1].1.as_deref(), Some("le-User-4711"));
        assert_eq!(own[0].1.as_deref(), Some(own_name(CardId(GUID), slots[0]).as_str()));
        assert!(
            container_name(NameRule::InboxPiv, &token(Some(&map)), slots[1]).unwrap().ends_with("5fc10b")
        );
    }

    #[test]
    fn own_names_are_uuids_that_never_change() {
        // SHA-256 computed with Python's hashlib.
        assert_eq!(
            own_name(CardId(GUID), Slot::Authentication).as_str(),
            "cadb6d26-3d63-8c21-b71d-4491fe0df0ed"
        );
        assert_eq!(own_name(CardId(GUID), Slot::Signature).as_str(), "4deb828d-3759-84b1-97c7-b86ad520d783");
        let names: std::collections::BTreeSet<_> =
            Slot::all().map(|slot| own_name(CardId(GUID), slot)).collect();
        assert_eq!(names.len(), 24);
    }

    #[test]
    fn rules_have_names() {
        for rule in NameRule::ALL {
            assert_eq!(rule.label().parse(), Ok(rule));
            assert!(!rule.source().is_empty() && !rule.text().is_empty());
        }
        assert_eq!("windows".parse::<NameRule>(), Err(UnknownNameRule));
        assert_eq!(NameRule::InboxPiv.evidence(), Evidence::Observed);
    }
}
