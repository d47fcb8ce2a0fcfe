//! The places of asymmetric keys (SP 800-73 part 1, table 4): reference, certificate object, label.

use std::fmt;
use std::str::FromStr;

use crate::{KeyReference, ObjectTag};

/// The number of a retired key management key, 1 to 20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RetiredNumber(u8);

impl RetiredNumber {
    /// How many there are.
    pub const COUNT: u8 = 20;

    /// The number, when it is one of 1 to 20.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        match number {
            1..=Self::COUNT => Some(Self(number)),
            _ => None,
        }
    }

    /// 1 to 20.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// All of them, ascending.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        (1..=Self::COUNT).map(Self)
    }
}

/// A place for one key and its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// 9A, PIV Authentication: after the PIN.
    Authentication,
    /// 9C, Digital Signature: the PIN before every use.
    Signature,
    /// 9D, Key Management: after the PIN.
    KeyManagement,
    /// 9E, Card Authentication: without PIN.
    CardAuthentication,
    /// 82 to 95, retired key management keys: after the PIN.
    Retired(RetiredNumber),
    /// F9, the key that signs attestations: vendors' extension, not for use by GENERAL AUTHENTICATE.
    Attestation,
}

impl Slot {
    /// The four places every card has.
    pub const MAIN: [Self; 4] =
        [Self::Authentication, Self::Signature, Self::KeyManagement, Self::CardAuthentication];

    /// The places of the cardholder's keys: the main ones, then the retired ones.
    pub fn all() -> impl DoubleEndedIterator<Item = Self> {
        Self::MAIN.into_iter().chain(Self::retired())
    }

    /// The retired places, ascending.
    pub fn retired() -> impl DoubleEndedIterator<Item = Self> {
        RetiredNumber::all().map(Self::Retired)
    }

    /// The key reference: P2 of GENERAL AUTHENTICATE and GENERATE.
    #[must_use]
    pub const fn reference(self) -> KeyReference {
        KeyReference::new(match self {
            Self::Authentication => 0x9A,
            Self::Signature => 0x9C,
            Self::KeyManagement => 0x9D,
            Self::CardAuthentication => 0x9E,
            Self::Retired(number) => 0x81 + number.get(),
            Self::Attestation => 0xF9,
        })
    }

    /// The place with this key reference.
    #[must_use]
    pub const fn from_reference(reference: KeyReference) -> Option<Self> {
        Some(match reference.get() {
            0x9A => Self::Authentication,
            0x9C => Self::Signature,
            0x9D => Self::KeyManagement,
            0x9E => Self::CardAuthentication,
            0xF9 => Self::Attestation,
            reference @ 0x82..=0x95 => Self::Retired(RetiredNumber(reference - 0x81)),
            _ => return None,
        })
    }

    /// The data object of its certificate.
    #[must_use]
    pub const fn object(self) -> ObjectTag {
        match self {
            Self::Authentication => ObjectTag::CERTIFICATE_AUTHENTICATION,
            Self::Signature => ObjectTag::CERTIFICATE_SIGNATURE,
            Self::KeyManagement => ObjectTag::CERTIFICATE_KEY_MANAGEMENT,
            Self::CardAuthentication => ObjectTag::CERTIFICATE_CARD_AUTHENTICATION,
            Self::Retired(number) => ObjectTag::new(0x005F_C10C + number.get() as u32),
            Self::Attestation => ObjectTag::YUBICO_ATTESTATION,
        }
    }

    /// Two lower-case hexadecimal digits, the key reference: "9a".
    #[must_use]
    pub fn label(self) -> String {
        format!("{:02x}", self.reference().get())
    }

    /// Whether the standard wants the PIN verified immediately before every use (SP 800-73 part 1,
    /// table 4: "PIN Always"). Tokens may say otherwise in a key's policy.
    #[must_use]
    pub const fn is_pin_always(self) -> bool {
        matches!(self, Self::Signature)
    }

    /// Whether the standard lets everybody use the key.
    #[must_use]
    pub const fn is_free(self) -> bool {
        matches!(self, Self::CardAuthentication)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.label())
    }
}

/// A text that names no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a place is one of 9a, 9c, 9d, 9e, 82 to 95 and f9")]
pub struct UnknownSlot;

impl FromStr for Slot {
    type Err = UnknownSlot;

    /// Reads a label, in either case.
    fn from_str(text: &str) -> Result<Self, UnknownSlot> {
        if text.len() != 2 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(UnknownSlot);
        }
        let reference = u8::from_str_radix(text, 16).map_err(|_| UnknownSlot)?;
        Self::from_reference(KeyReference::new(reference)).ok_or(UnknownSlot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_objects_and_labels() {
        let last = Slot::Retired(RetiredNumber::new(20).expect("in range"));
        assert_eq!(last.reference().get(), 0x95);
        assert_eq!(last.object().get(), 0x005F_C120);
        let first = Slot::retired().next().expect("twenty");
        assert_eq!((first.reference().get(), first.object().get()), (0x82, 0x005F_C10D));
        assert_eq!(Slot::CardAuthentication.object().get(), 0x005F_C101);
        assert_eq!(Slot::KeyManagement.object().get(), 0x005F_C10B);
        assert_eq!(Slot::all().count(), 24);
        for slot in Slot::all().chain([Slot::Attestation]) {
            assert_eq!(slot.label().parse(), Ok(slot));
            assert_eq!(slot.label().to_uppercase().parse(), Ok(slot));
            assert_eq!(Slot::from_reference(slot.reference()), Some(slot));
        }
    }

    #[test]
    fn anything_else_names_no_place() {
        for text in ["", "9", "9b", "81", "96", "+9", "9a ", "0x9a", "zz", "9é"] {
            assert_eq!(text.parse::<Slot>(), Err(UnknownSlot), "{text}");
        }
        assert_eq!(RetiredNumber::new(0), None);
        assert_eq!(RetiredNumber::new(21), None);
    }
}
