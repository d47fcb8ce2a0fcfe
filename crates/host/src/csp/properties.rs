//! Card properties by name, with their values as people read and write them (specification 7.07, sections
//! 4.5.4 and 4.5.5).

use std::fmt;

use cardmod_types::{FreeSpace, KeySpec, PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet};

use super::operation::Repeat;
use super::session::CardSession;
use crate::error::Error;

/// What a property's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Switch,
    Number,
    Roles,
    Identity,
    Bytes,
    Names,
    PinInfo,
    /// A structure of a version and these numbers.
    Structure(&'static [&'static str]),
}

/// What the selector of a property chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Selector {
    /// There is nothing to choose.
    None,
    /// A PIN, by its role.
    Pin,
    /// A key spec.
    KeySpec,
    /// 1 for encryption, 2 for signatures.
    Operation,
}

/// A property of Cardmod.h.
#[derive(Debug, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What its selector chooses.
    pub selector: Selector,
    /// The administrator may set it, where the module lets anybody.
    pub settable: bool,
    kind: Kind,
}

const fn told(name: &'static str, kind: Kind, selector: Selector) -> Property {
    Property { name, selector, settable: false, kind }
}

const fn settable(name: &'static str, kind: Kind) -> Property {
    Property { name, selector: Selector::None, settable: true, kind }
}

/// The properties a host may read, in the order of the specification's table. The two that can be written
/// alone (a window, a text for a prompt) belong to a PIN entry and have no value to show.
static PROPERTIES: [Property; 18] = [
    told("Free Space", Kind::Structure(&["bytes", "containers", "max containers"]), Selector::None),
    told("Capabilities", Kind::Structure(&["certificate compression", "key generation"]), Selector::None),
    told("Key Sizes", Kind::Structure(&["minimum", "default", "maximum", "increment"]), Selector::KeySpec),
    settable("Read Only Mode", Kind::Switch),
    settable("Cache Mode", Kind::Number),
    settable("Supports Windows x.509 Enrollment", Kind::Switch),
    settable("Card Identifier", Kind::Identity),
    settable("Card Serial Number", Kind::Bytes),
    told("PIN Information", Kind::PinInfo, Selector::Pin),
    told("PIN List", Kind::Roles, Selector::None),
    told("Authenticated State", Kind::Roles, Selector::None),
    told("PIN Strength Verify", Kind::Number, Selector::Pin),
    told("PIN Strength Change", Kind::Number, Selector::Pin),
    told("PIN Strength Unblock", Kind::Number, Selector::Pin),
    told("Key Import Support", Kind::Number, Selector::None),
    told("Algorithms", Kind::Names, Selector::Operation),
    told("Padding Schemes", Kind::Number, Selector::Operation),
    told("Chaining Modes", Kind::Names, Selector::None),
];

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyValue {
    /// Yes or no.
    Switch(bool),
    /// A number, or bits.
    Number(u32),
    /// Roles.
    Roles(PinSet),
    /// Sixteen bytes in the order they have on the card.
    Identity([u8; 16]),
    /// Bytes.
    Bytes(Vec<u8>),
    /// Names.
    Names(Vec<String>),
    /// A PIN.
    PinInfo(PinInfo),
    /// Numbers with their names; `None` is "unknown".
    Fields(Vec<(&'static str, Option<u32>)>),
}

impl Property {
    /// The properties there are.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &PROPERTIES
    }

    /// A property by its name, in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PROPERTIES.iter().find(|property| property.name.eq_ignore_ascii_case(name.trim()))
    }

    /// The version its structure is asked for with.
    const fn version(&self) -> u32 {
        match self.kind {
            Kind::PinInfo => 6,
            Kind::Structure(_) => 1,
            _ => 0,
        }
    }

    /// Reads the bytes a module answered; `None` where they are none of this property.
    fn decode(&self, bytes: &[u8]) -> Option<PropertyValue> {
        let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(4 * at..)?.first_chunk()?));
        let only = || (bytes.len() == 4).then(|| number(0)).flatten();
        Some(match self.kind {
            Kind::Switch => PropertyValue::Switch(only()? != 0),
            Kind::Number => PropertyValue::Number(only()?),
            Kind::Roles => PropertyValue::Roles(PinSet::from_bits(only()?)),
            Kind::Identity => PropertyValue::Identity(bytes.try_into().ok()?),
            Kind::Bytes => PropertyValue::Bytes(bytes.to_vec()),
            Kind::Names => PropertyValue::Names(names(bytes)?),
            Kind::PinInfo => PropertyValue::PinInfo(PinInfo {
                kind: PinKind::try_from(number(1)?).ok()?,
                purpose: PinPurpose::try_from(number(2)?).ok()?,
                change: PinSet::from_bits(number(3)?),
                unblock: PinSet::from_bits(number(4)?),
                cache: PinCachePolicy::from_codes(number(6)?, number(7)?).ok()?,
                secure_entry: number(8)? & PinInfo::REQUIRE_SECURE_ENTRY != 0,
            }),
            Kind::Structure(fields) => {
                let known = |value| (value != u32::MAX).then_some(value);
                let field = |(at, name): (usize, &&'static str)| Some((*name, known(number(at + 1)?)));
                PropertyValue::Fields(fields.iter().enumerate().map(field).collect::<Option<_>>()?)
            }
        })
    }

    /// The bytes of a value as people write it: `yes` and `no`, a number, hexadecimal digits (a card's
    /// identity may have the dashes of a GUID; its bytes stay in their order).
    ///
    /// # Errors
    /// [`Error::BadInput`] for a text that is none, and a property nobody sets.
    pub fn encode(&self, text: &str) -> Result<Vec<u8>, Error> {
        let bad = |expected: &str| Error::BadInput {
            what: format!("{text:?} is no value for property {:?}: {expected} is expected", self.name),
        };
        if !self.settable {
            return Err(Error::BadInput { what: format!("property {:?} cannot be set", self.name) });
        }
        let number = |value: u32| value.to_le_bytes().to_vec();
        match self.kind {
            Kind::Switch => match text.to_ascii_lowercase().as_str() {
                "yes" | "true" | "on" | "1" => Ok(number(1)),
                "no" | "false" | "off" | "0" => Ok(number(0)),
                _ => Err(bad("yes or no")),
            },
            Kind::Identity => {
                let digits = text.replace(['-', '{', '}'], "");
                hex_bytes(&digits).filter(|id| id.len() == 16).ok_or_else(|| bad("32 hexadecimal digits"))
            }
            Kind::Bytes => {
                hex_bytes(text).filter(|id| !id.is_empty()).ok_or_else(|| bad("hexadecimal digits"))
            }
            _ => text.parse().map(number).map_err(|_| bad("a number")),
        }
    }
}

impl CardSession {
    /// A property's value. `selector` is what [`Property::selector`] says, 0 where there is nothing to
    /// choose.
    ///
    /// # Errors
    /// [`Error::NotSupported`] for one the module has not, [`Error::BadCardData`] for an answer that is none.
    pub fn property_value(&mut self, property: &Property, selector: u32) -> Result<PropertyValue, Error> {
        let bytes = self.property(property.name, property.version(), selector)?;
        property.decode(&bytes).ok_or_else(|| {
            self.damaged(format!("property {:?} has {} bytes that mean nothing", property.name, bytes.len()))
        })
    }

    /// The room that is left on the card.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Call`].
    pub fn free_space(&mut self) -> Result<FreeSpace, Error> {
        self.plain(Repeat::Safe, |session| {
            session.module.free_space().map_err(|error| session.failed("tell its free space", error))
        })
    }

    /// The values a selector of this property can have on this card.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Call`].
    pub fn selectors(&mut self, property: &Property) -> Result<Vec<u32>, Error> {
        Ok(match property.selector {
            Selector::None => vec![0],
            Selector::Operation => vec![1, 2],
            Selector::KeySpec => KeySpec::ALL.iter().map(|spec| spec.code()).collect(),
            Selector::Pin => {
                self.pin_roles()?.iter().filter(|id| *id != PinId::EVERYONE).map(PinId::get).collect()
            }
        })
    }
}

impl fmt::Display for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles = |roles: &PinSet| match roles.is_empty() {
            true => "nobody".to_owned(),
            false => roles.iter().map(|id| id.to_string()).collect::<Vec<_>>().join(", "),
        };
        match self {
            Self::Switch(on) => f.write_str(if *on { "yes" } else { "no" }),
            Self::Number(number) => write!(f, "{number}"),
            Self::Roles(set) => f.write_str(&roles(set)),
            Self::Identity(bytes) => f.write_str(&hex(bytes)),
            Self::Bytes(bytes) => f.write_str(&hex(bytes)),
            Self::Names(names) => f.write_str(&names.join(", ")),
            Self::PinInfo(info) => {
                let PinInfo { kind, purpose, change, unblock, cache, secure_entry } = info;
                let (change, unblock) = (roles(change), roles(unblock));
                write!(f, "{kind:?} for {purpose:?}, changed by {change}, unblocked by {unblock}, ")?;
                write!(f, "cached {cache:?}{}", if *secure_entry { ", secure entry" } else { "" })
            }
            Self::Fields(fields) => {
                let text = |(name, value): &(&str, Option<u32>)| {
                    format!(
                        "{name} {}",
                        value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
                    )
                };
                f.write_str(&fields.iter().map(text).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

/// The names of a UTF-16 multi-string.
fn names(bytes: &[u8]) -> Option<Vec<String>> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    let parts = units.split(|unit| *unit == 0).filter(|part| !part.is_empty());
    parts.map(|part| String::from_utf16(part).ok()).collect()
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(name: &str) -> &'static Property {
        Property::named(name).expect("a property")
    }

    #[test]
    fn values_are_read() {
        let text = |name: &str, bytes: &[u8]| property(name).decode(bytes).map(|value| value.to_string());
        let numbers = |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|n| n.to_le_bytes()).collect() };
        let is =
            |name, bytes: &[u8], expected: &str| assert_eq!(text(name, bytes).as_deref(), Some(expected));
        is("free space", &numbers(&[1, 9, u32::MAX, 30]), "bytes 9, containers unknown, max containers 30");
        is("Read Only Mode", &numbers(&[1]), "yes");
        is("PIN List", &numbers(&[0x06]), "user, admin");
        is("Authenticated State", &numbers(&[0]), "nobody");
        is("Card Identifier", &[0xAB; 16], &"ab".repeat(16));
        is("Chaining Modes", &[b'A', 0, 0, 0, b'B', 0, 0, 0, 0, 0], "A, B");
        is(
            "PIN Information",
            &numbers(&[6, 0, 0, 2, 4, 6, 1, 60, 1]),
            "AlphaNumeric for Authentication, changed by user, unblocked by admin, cached Timed(60), secure entry",
        );
        for (name, bytes) in [
            ("Read Only Mode", &[1, 0][..]),
            ("Card Identifier", &[0; 15]),
            ("Free Space", &[0; 12]),
            ("Chaining Modes", &[0; 3]),
            ("PIN Information", &[0xFF; 36]),
        ] {
            assert_eq!(property(name).decode(bytes), None, "{name}");
        }
    }

    #[test]
    fn values_are_written() {
        let encode = |name: &str, text: &str| property(name).encode(text);
        assert_eq!(encode("Read Only Mode", "Yes"), Ok(vec![1, 0, 0, 0]));
        assert_eq!(encode("Cache Mode", "2"), Ok(vec![2, 0, 0, 0]));
        let id = "00112233-4455-6677-8899-aabbccddeeff";
        assert_eq!(encode("Card Identifier", id).expect("an identity")[..4], [0x00, 0x11, 0x22, 0x33]);
        assert_eq!(encode("Card Serial Number", "0aFF"), Ok(vec![0x0A, 0xFF]));
        for (name, text) in [
            ("Read Only Mode", "maybe"),
            ("Cache Mode", "two"),
            ("Card Identifier", "00"),
            ("Card Serial Number", "0"),
            ("PIN List", "1"),
        ] {
            assert!(matches!(encode(name, text), Err(Error::BadInput { .. })), "{name} {text}");
        }
        assert!(Property::named("no such").is_none());
    }
}
