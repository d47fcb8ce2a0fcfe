//! Key references: what P2 names (SP 800-73 part 1, table 4).

use std::fmt;

use crate::Slot;

/// A PIN, a PUK or a key of the card.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyReference(u8);

impl KeyReference {
    /// The global PIN, of the whole card.
    pub const GLOBAL_PIN: Self = Self(0x00);
    /// The PIN of the PIV application.
    pub const PIN: Self = Self(0x80);
    /// The PUK.
    pub const PUK: Self = Self(0x81);
    /// The management key, of the administrator.
    pub const MANAGEMENT: Self = Self(0x9B);

    /// The reference with this value.
    #[must_use]
    pub const fn new(value: u8) -> Self {
        Self(value)
    }

    /// Its value.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl From<Slot> for KeyReference {
    fn from(slot: Slot) -> Self {
        slot.reference()
    }
}

impl fmt::Debug for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyReference({:02X})", self.0)
    }
}

impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02x}", self.0)
    }
}
