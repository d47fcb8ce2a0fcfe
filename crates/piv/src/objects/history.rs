//! Key History: which retired keys there are (SP 800-73 part 1, section 3.3.3).

use super::fields::{Fields, text};
use crate::{PivError, RetiredNumber, Slot};

/// What the Key History object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHistory {
    /// Retired keys with their certificate on the card: 82 and upwards.
    pub with_certificate: u8,
    /// Retired keys whose certificate is elsewhere: 95 and downwards.
    pub without_certificate: u8,
    /// Where those certificates are to be had; text of the card, not to be trusted.
    pub url: Option<String>,
}

impl KeyHistory {
    /// Reads the object's value. Missing counts are zero; what is not whole ends the reading.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`] for more keys than there are places.
    pub fn parse(value: &[u8]) -> Result<Self, PivError> {
        let mut history = Self { with_certificate: 0, without_certificate: 0, url: None };
        for (tag, value) in Fields::new(value) {
            match (tag, value) {
                (0xC1, &[count]) => history.with_certificate = count,
                (0xC2, &[count]) => history.without_certificate = count,
                (0xF3, url) if !url.is_empty() => history.url = Some(text(url)),
                _ => {}
            }
        }
        let total = u16::from(history.with_certificate) + u16::from(history.without_certificate);
        if total > u16::from(RetiredNumber::COUNT) {
            return Err(PivError::Malformed("key history"));
        }
        Ok(history)
    }

    /// The places of the keys with certificates, ascending.
    pub fn slots_with_certificate(&self) -> impl Iterator<Item = Slot> + use<> {
        Slot::retired().take(usize::from(self.with_certificate))
    }

    /// The places of the keys without certificates, descending.
    pub fn slots_without_certificate(&self) -> impl Iterator<Item = Slot> + use<> {
        Slot::retired().rev().take(usize::from(self.without_certificate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::tests::bytes;

    #[test]
    fn keys_grow_from_both_ends() {
        let history = KeyHistory::parse(&bytes("C10102 C20101 F30968747470 3A2F2F782F FE00")).expect("whole");
        let labels = |slots: Vec<Slot>| slots.into_iter().map(Slot::label).collect::<Vec<_>>();
        assert_eq!(labels(history.slots_with_certificate().collect()), ["82", "83"]);
        assert_eq!(labels(history.slots_without_certificate().collect()), ["95"]);
        assert_eq!(history.url.as_deref(), Some("http://x/"));
    }

    #[test]
    fn empty_and_cut_histories_have_no_keys() {
        for value in [&[][..], &[0xC1], &[0xC1, 1], &bytes("C10100C20100FE00")] {
            let history = KeyHistory::parse(value).expect("lenient");
            assert_eq!(history.slots_with_certificate().count(), 0, "{value:02X?}");
        }
    }

    #[test]
    fn a_card_that_lies_about_its_keys_is_found_out() {
        assert!(KeyHistory::parse(&bytes("C10114C20100")).is_ok());
        assert!(KeyHistory::parse(&bytes("C10114C20101")).is_err());
        assert!(KeyHistory::parse(&bytes("C101FFC201FF")).is_err());
    }
}
