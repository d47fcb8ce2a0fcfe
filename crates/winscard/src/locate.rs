//! Which readers have a card that is looked for: Windows' `SCardLocateCards` and `SCardLocateCardsByATR`.

use cardmod_pcsc::{ReaderState, SCARD_STATE_ATRMATCH, SCARD_STATE_IGNORE, SCARD_STATE_UNAWARE};

use crate::api;

/// An ATR, and which of its bits count (winscard.h `SCARD_ATRMASK`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AtrMask {
    pub(crate) atr: Vec<u8>,
    pub(crate) mask: Vec<u8>,
}

impl AtrMask {
    pub(crate) fn matches(&self, atr: &[u8]) -> bool {
        let same = |((found, wanted), mask): ((&u8, &u8), &u8)| found & mask == wanted & mask;
        atr.len() == self.atr.len() && atr.iter().zip(&self.atr).zip(&self.mask).all(same)
    }
}

/// The state of each reader at this moment, with `SCARD_STATE_ATRMATCH` where its card's ATR is wanted.
pub(crate) fn locate(
    context: u32,
    readers: &mut [ReaderState],
    mut is_wanted: impl FnMut(&[u8]) -> Result<bool, u32>,
) -> Result<(), u32> {
    for reader in readers.iter_mut() {
        // What the caller believes would make the call wait for something else.
        reader.current = SCARD_STATE_UNAWARE | reader.current & SCARD_STATE_IGNORE;
    }
    api::status_change(context, 0, readers)?;
    for reader in readers.iter_mut().filter(|reader| reader.has_card()) {
        if is_wanted(&reader.atr)? {
            reader.event |= SCARD_STATE_ATRMATCH;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_says_which_bits_count() {
        let wanted = AtrMask { atr: vec![0x3B, 0x85, 0xF0], mask: vec![0xFF, 0x0F, 0xF0] };
        assert!(wanted.matches(&[0x3B, 0x95, 0xFF]));
        assert!(!wanted.matches(&[0x3B, 0x96, 0xFF]));
        assert!(!wanted.matches(&[0x3B, 0x85, 0x0F]));
        assert!(!wanted.matches(&[0x3B, 0x85]) && !wanted.matches(&[0x3B, 0x85, 0xF0, 0]), "another length");
    }
}
