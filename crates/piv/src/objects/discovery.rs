//! The Discovery object: which PINs the card has (SP 800-73 part 1, section 3.3.2).

use cardmod_iso7816::tlv::{Reader, Tag};

use crate::PivError;

/// Tag of the PIN usage policy.
const POLICY: Tag = Tag::new(0x5F2F);
/// Tag of the AID.
const AID: Tag = Tag::new(0x4F);

/// What the Discovery object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    aid: Vec<u8>,
    policy: u8,
    preference: u8,
}

impl Discovery {
    /// Reads the object's value, what is inside of `7E`.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`] without a policy of two bytes.
    pub fn parse(value: &[u8]) -> Result<Self, PivError> {
        let mut found = None;
        let mut aid = Vec::new();
        for tlv in Reader::new(value).map_while(Result::ok) {
            match (tlv.tag, tlv.value) {
                (POLICY, &[policy, preference]) => found = Some((policy, preference)),
                (AID, value) => aid = value.to_vec(),
                _ => {}
            }
        }
        let (policy, preference) = found.ok_or(PivError::Malformed("discovery object"))?;
        Ok(Self { aid, policy, preference })
    }

    /// The AID it names.
    #[must_use]
    pub fn aid(&self) -> &[u8] {
        &self.aid
    }

    /// The global PIN satisfies the access rules of PIV too.
    #[must_use]
    pub const fn takes_global_pin(&self) -> bool {
        self.policy & 0x20 != 0
    }

    /// The cardholder is to be asked for the global PIN first. Cards exist that fill this byte though they
    /// do not take the global PIN; there it means nothing.
    #[must_use]
    pub const fn prefers_global_pin(&self) -> bool {
        self.takes_global_pin() && self.preference == 0x20
    }

    /// On-card biometric comparison satisfies the access rules.
    #[must_use]
    pub const fn compares_biometrics(&self) -> bool {
        self.policy & 0x10 != 0
    }

    /// The virtual contact interface is implemented.
    #[must_use]
    pub const fn has_virtual_contact_interface(&self) -> bool {
        self.policy & 0x08 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovery(policy: u8, preference: u8) -> Discovery {
        let mut value = vec![0x4F, 0x0B, 0xA0, 0, 0, 3, 8, 0, 0, 0x10, 0, 1, 0, 0x5F, 0x2F, 2];
        value.extend([policy, preference]);
        Discovery::parse(&value).expect("well-formed")
    }

    #[test]
    fn the_global_pin_counts_only_where_it_is_taken() {
        assert!(!discovery(0x40, 0x00).takes_global_pin());
        assert!(!discovery(0x40, 0x20).prefers_global_pin());
        assert!(!discovery(0x60, 0x10).prefers_global_pin());
        assert!(discovery(0x60, 0x10).takes_global_pin());
        assert!(discovery(0x60, 0x20).prefers_global_pin());
        assert!(discovery(0x50, 0x00).compares_biometrics());
        assert!(!discovery(0x68, 0x00).compares_biometrics());
        assert!(discovery(0x48, 0x00).has_virtual_contact_interface());
        assert!(!discovery(0x76, 0x00).has_virtual_contact_interface());
        assert_eq!(discovery(0x40, 0x10).aid().len(), 11);
    }

    #[test]
    fn without_policy_it_says_nothing() {
        for value in [&[][..], &[0x5F, 0x2F, 1, 0x40], &[0x5F, 0x2F, 2, 0x40], &[0xFF; 9]] {
            assert!(Discovery::parse(value).is_err(), "{value:02X?}");
        }
    }
}
