//! PIN roles and sets of them (minidriver specification, sections 4.2.1 and 5.6.1).

use core::fmt;

use crate::code::UnknownCode;

/// A role's number (`PIN_ID`), 0 to 7.
///
/// Roles 0, 1 and 2 are everyone, the user and the administrator; 3 to 7 are the card's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PinId(u8);

impl PinId {
    /// `ROLE_EVERYONE`: never authenticated, ignored in sets.
    pub const EVERYONE: Self = Self(0);
    /// `ROLE_USER`: file rights and the normal owner of keys.
    pub const USER: Self = Self(1);
    /// `ROLE_ADMIN`: the administrator, who never owns keys.
    pub const ADMIN: Self = Self(2);
    /// How many roles there are (`MAX_PINS`).
    pub const COUNT: u32 = 8;

    /// The number, 0 to 7.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0 as u32
    }

    /// The role's bit in a `PIN_SET`: `1 << number`.
    #[must_use]
    pub const fn bit(self) -> u32 {
        1 << self.0
    }
}

impl TryFrom<u32> for PinId {
    type Error = UnknownCode;

    fn try_from(code: u32) -> Result<Self, UnknownCode> {
        match u8::try_from(code) {
            Ok(id) if code < Self::COUNT => Ok(Self(id)),
            _ => Err(UnknownCode::new("PIN role", code)),
        }
    }
}

impl From<PinId> for u32 {
    fn from(id: PinId) -> Self {
        id.get()
    }
}

impl fmt::Display for PinId {
    /// The specification's name for roles 0 to 2, the number beyond.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("everyone"),
            1 => f.write_str("user"),
            2 => f.write_str("admin"),
            n => write!(f, "role {n}"),
        }
    }
}

/// A set of roles (`PIN_SET`), one bit for each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PinSet(u8);

impl PinSet {
    /// `PIN_SET_NONE`.
    pub const NONE: Self = Self(0);
    /// `PIN_SET_ALL_ROLES`.
    pub const ALL: Self = Self(0xFF);

    /// The set of these bits; bits above the eight roles mean nothing and are dropped.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self((bits & 0xFF) as u8)
    }

    /// The set of one role.
    #[must_use]
    pub const fn only(id: PinId) -> Self {
        Self(1 << id.0)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Whether the role is in the set.
    #[must_use]
    pub const fn contains(self, id: PinId) -> bool {
        self.0 & (1 << id.0) != 0
    }

    /// Whether no role is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Puts the role in.
    pub const fn insert(&mut self, id: PinId) {
        self.0 |= 1 << id.0;
    }

    /// Takes the role out.
    pub const fn remove(&mut self, id: PinId) {
        self.0 &= !(1 << id.0);
    }

    /// The roles of either set.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The roles of this set that are not in the other.
    #[must_use]
    pub const fn difference(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The roles in order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = PinId> {
        (0..8).map(PinId).filter(move |id| self.contains(*id))
    }
}

impl FromIterator<PinId> for PinSet {
    fn from_iter<I: IntoIterator<Item = PinId>>(ids: I) -> Self {
        ids.into_iter().fold(Self::NONE, |set, id| set.union(Self::only(id)))
    }
}

impl fmt::Debug for PinSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(PinId::get)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_numbers_end_at_seven() {
        assert_eq!(PinId::try_from(7).unwrap().bit(), 0x80);
        assert_eq!(PinId::try_from(8).unwrap_err().to_string(), "0x8 is not a valid PIN role");
        assert!(PinId::try_from(0x101).is_err());
    }

    #[test]
    fn sets_keep_the_low_eight_bits() {
        let mut set = PinSet::from_bits(0xFFFF_FF0A);
        assert_eq!(set.bits(), 0x0A);
        assert_eq!(set.iter().map(PinId::get).collect::<Vec<_>>(), [1, 3]);
        set.insert(PinId::ADMIN);
        set.remove(PinId::USER);
        assert_eq!(set.bits(), 0x0C);
        assert_eq!(format!("{set:?}"), "{2, 3}");
        assert_eq!(set.iter().collect::<PinSet>(), set);
        assert_eq!(set.difference(PinSet::only(PinId::ADMIN)).bits(), 0x08);
    }
}
