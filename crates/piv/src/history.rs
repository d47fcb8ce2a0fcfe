//! The Key History: how many retired keys have their certificate on the card, and how many elsewhere
//! (SP 800-73-5 part 1, section 3.3.3). Programs read the certificates of retired keys as far as it says.

use crate::objects::fields::Fields;
use crate::{ObjectTag, PivCard, PivError, RetiredNumber, Slot};

impl PivCard<'_> {
    /// Keeps the Key History right when the certificate of a retired key appears or goes. A card without
    /// that object is left without.
    pub(crate) fn note_retired(&mut self, slot: Slot, appears: bool) -> Result<(), PivError> {
        let Slot::Retired(number) = slot else { return Ok(()) };
        let Some(value) = self.object(ObjectTag::KEY_HISTORY)?.filter(|value| !value.is_empty()) else {
            return Ok(());
        };
        let mut history = HistoryCounts::parse(&value)?;
        if appears {
            history.admit(number.get());
        } else if history.on_card == number.get() {
            history.on_card = self.last_retired_below(number.get())?;
        }
        let counted = history.write(&value);
        if counted == value { Ok(()) } else { self.put_object(ObjectTag::KEY_HISTORY, &counted) }
    }

    /// The highest retired slot below a number that has a certificate; 0 for none.
    fn last_retired_below(&mut self, number: u8) -> Result<u8, PivError> {
        for slot in Slot::retired().take(usize::from(number) - 1).collect::<Vec<_>>().into_iter().rev() {
            if let Slot::Retired(below) = slot
                && !self.is_empty(slot.object())?
            {
                return Ok(below.get());
            }
        }
        Ok(0)
    }
}

/// The counts in a Key History object.
struct HistoryCounts {
    /// Retired keys with a certificate on the card: they are 82 and upward.
    on_card: u8,
    /// Retired keys with a certificate elsewhere: they are 95 and downward.
    off_card: u8,
}

/// Tag of the number of certificates on the card.
const ON_CARD: u8 = 0xC1;
/// Tag of the number of certificates elsewhere.
const OFF_CARD: u8 = 0xC2;

impl HistoryCounts {
    fn parse(value: &[u8]) -> Result<Self, PivError> {
        let count = |tag| match Fields::new(value).find(tag) {
            Some([count @ 0..=RetiredNumber::COUNT]) => Ok(*count),
            _ => Err(PivError::Malformed("key history")),
        };
        Ok(Self { on_card: count(ON_CARD)?, off_card: count(OFF_CARD)? })
    }

    /// Counts a certificate in the retired slot of this number.
    fn admit(&mut self, number: u8) {
        self.on_card = self.on_card.max(number);
        // The key was counted among those without certificate on the card, and so were all below it.
        self.off_card = self.off_card.min(RetiredNumber::COUNT - self.on_card);
    }

    /// The object with these counts, everything else as it was.
    fn write(&self, value: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(value.len());
        let mut fields = Fields::new(value);
        let mut before = value;
        while let Some((tag, _)) = fields.next() {
            let (raw, rest) = before.split_at(before.len() - fields.rest().len());
            match tag {
                ON_CARD => out.extend([ON_CARD, 1, self.on_card]),
                OFF_CARD => out.extend([OFF_CARD, 1, self.off_card]),
                _ => out.extend_from_slice(raw),
            }
            before = rest;
        }
        out.extend_from_slice(before);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_counts_what_appears() {
        let value = [0xC1, 1, 2, 0xC2, 1, 3, 0xF3, 1, b'u', 0xFE, 0];
        let mut history = HistoryCounts::parse(&value).unwrap();
        assert_eq!(history.write(&value), value);
        history.admit(5);
        assert_eq!(history.write(&value), [0xC1, 1, 5, 0xC2, 1, 3, 0xF3, 1, b'u', 0xFE, 0]);
        history.admit(4);
        assert_eq!((history.on_card, history.off_card), (5, 3));
        history.admit(19);
        assert_eq!((history.on_card, history.off_card), (19, 1), "a key that had its certificate elsewhere");
        for bad in [&[0xC1, 1, 21, 0xC2, 1, 0][..], &[0xC1, 1, 0], &[0xC1, 2, 0, 0, 0xC2, 1, 0], &[]] {
            assert!(HistoryCounts::parse(bad).is_err());
        }
    }
}
