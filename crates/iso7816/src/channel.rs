//! The one thing the crate asks of its surroundings: a channel that carries one command to the card
//! and brings its answer back.

use core::num::NonZeroU32;

use zeroize::Zeroizing;

use crate::PinEntry;

/// A way to one card: a PC/SC handle, a virtual card, or a script in a test.
pub trait CardChannel {
    /// Sends one command APDU and returns the card's whole answer, status word included.
    ///
    /// # Errors
    ///
    /// [`TransportError`] when no answer came back: the card was removed or reset, the reader failed.
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError>;

    /// What reader, protocol and card allow beyond short APDUs. Asked before every command, so the
    /// answer may change when the card does.
    fn limits(&self) -> Limits {
        Limits::SHORT
    }

    /// The reader's own way to take PINs, where it has one: a secret typed there passes nobody's memory.
    fn pin_entry(&mut self) -> Option<&mut dyn PinEntry> {
        None
    }
}

impl<C: CardChannel + ?Sized> CardChannel for &mut C {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        (**self).transmit(command)
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }

    fn pin_entry(&mut self) -> Option<&mut dyn PinEntry> {
        (**self).pin_entry()
    }
}

impl<C: CardChannel + ?Sized> CardChannel for Box<C> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        (**self).transmit(command)
    }

    fn limits(&self) -> Limits {
        (**self).limits()
    }

    fn pin_entry(&mut self) -> Option<&mut dyn PinEntry> {
        (**self).pin_entry()
    }
}

/// What a channel can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Limits {
    /// Extended Lc and Le may be used: reader and card both take them.
    pub extended_length: bool,
    /// The protocol is T=0: a case 4 command is sent without Le and the card answers `61xx`
    /// (ISO 7816-3, 12.2.5), and extended length is never used.
    pub t0: bool,
    /// The longest command data the reader carries in one APDU, where it carries less than the form of the
    /// APDU could say: longer data goes in parts.
    pub command_data: Option<NonZeroU32>,
}

impl Limits {
    /// Short APDUs over T=1 (or a channel that hides the protocol).
    pub const SHORT: Self = Self { extended_length: false, t0: false, command_data: None };
    /// Extended length over T=1.
    pub const EXTENDED: Self = Self { extended_length: true, ..Self::SHORT };

    /// What the card announces in its ATR: the card capabilities, compact-TLV tag `7x` of the
    /// historical bytes, third byte, bit 7 (ISO 7816-4, 12.1.1.8 and table 119). A card that says
    /// nothing there is taken as short; it may still say more in EF.ATR.
    #[must_use]
    pub fn announced_in_atr(atr: &[u8]) -> Self {
        let extended = historical_bytes(atr).and_then(card_capabilities).is_some_and(|byte| byte & 0x40 != 0);
        Self { extended_length: extended, ..Self::SHORT }
    }
}

/// The historical bytes of an ATR (ISO 7816-3, 8.2): the interface bytes are skipped by their
/// presence bits.
fn historical_bytes(atr: &[u8]) -> Option<&[u8]> {
    let t0 = *atr.get(1)?;
    let count = usize::from(t0 & 0x0F);
    let mut position = 2;
    let mut presence = t0;
    while presence & 0xF0 != 0 {
        position += (presence & 0x70).count_ones() as usize;
        if presence & 0x80 == 0 {
            break;
        }
        presence = *atr.get(position)?;
        position += 1;
    }
    atr.get(position..position.checked_add(count)?)
}

/// The third software function table of the card capabilities, when the historical bytes carry one.
fn card_capabilities(historical: &[u8]) -> Option<u8> {
    let (&category, rest) = historical.split_first()?;
    let mut objects = match category {
        0x80 => rest,
        // Category 00 ends with three status bytes that are no object.
        0x00 => rest.get(..rest.len().checked_sub(3)?)?,
        _ => return None,
    };
    while let Some((&header, rest)) = objects.split_first() {
        let length = usize::from(header & 0x0F);
        let value = rest.get(..length)?;
        if header >> 4 == 7 {
            return value.get(2).copied();
        }
        objects = rest.get(length..)?;
    }
    None
}

/// No answer came back from the card. The code is the PC/SC code with its Windows value and is not
/// interpreted here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the card could not be reached (PC/SC code {code:#010x})")]
pub struct TransportError {
    /// PC/SC code, Windows value (`SCARD_W_REMOVED_CARD` is `8010_0069`).
    pub code: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn atr_without_capabilities_is_short() {
        for atr in [
            &[][..],
            &[0x3B][..],
            &[0x3B, 0x80, 0x80, 0x01, 0x01][..],
            &[0x3B, 0xFF][..],
            &[0x3B, 0xF7, 0x18, 0, 0, 0x80, 0x31, 0xFE, 0x45, 0x73, 0x66, 0x74, 0x65, 0x2D, 0x6E, 0x66, 0xC4]
                [..],
        ] {
            assert_eq!(Limits::announced_in_atr(atr), Limits::SHORT, "{atr:02X?}");
        }
    }

    #[test]
    fn atr_with_capabilities_tells_extended_length() {
        // T=1; historical bytes 80 73 C0 01 C0.
        let atr = [0x3B, 0x85, 0x80, 0x01, 0x80, 0x73, 0xC0, 0x01, 0xC0, 0x77];
        assert_eq!(Limits::announced_in_atr(&atr), Limits::EXTENDED);
        let mut short = atr;
        short[8] = 0x80;
        assert_eq!(Limits::announced_in_atr(&short), Limits::SHORT);
        assert_eq!(Limits::announced_in_atr(&atr[..8]), Limits::SHORT, "cut off");
    }
}
