//! What a reader says about itself: its feature list and its properties (PC/SC 2 part 10, 2.2 to 2.6).

use std::num::NonZeroU32;

use crate::codes::{
    CM_IOCTL_GET_FEATURE_REQUEST, FEATURE_GET_TLV_PROPERTIES, FEATURE_IFD_PIN_PROPERTIES,
    FEATURE_MODIFY_PIN_DIRECT, FEATURE_MODIFY_PIN_FINISH, FEATURE_MODIFY_PIN_START,
    FEATURE_VERIFY_PIN_DIRECT, FEATURE_VERIFY_PIN_FINISH, FEATURE_VERIFY_PIN_START,
};
use crate::convert::control_code;
use crate::error::PcscError;
use crate::native::DWORD;

/// Tag of the property `wLcdLayout`: the display's lines and characters, 0 for none (2.6.2).
pub const LCD_LAYOUT: u8 = 0x01;
/// Tag of the property `bEntryValidationCondition`: what may end an entry (2.6.3).
pub const ENTRY_VALIDATION: u8 = 0x02;
/// Tag of the property `bMinPINSize` (2.6.9).
pub const MIN_PIN_SIZE: u8 = 0x06;
/// Tag of the property `bMaxPINSize` (2.6.10).
pub const MAX_PIN_SIZE: u8 = 0x07;
/// Tag of the property `dwMaxAPDUDataSize`: the longest command data the reader takes; more than 256 means
/// extended length, 0 is what short readers say (PC/SC 2 part 10, 2.6.14).
pub const MAX_APDU_DATA_SIZE: u8 = 0x0A;

/// Longest command data of a short APDU, as the property counts it.
const SHORT_DATA_SIZE: u32 = 256;
/// Longest command data of an extended APDU.
const EXTENDED_DATA: u32 = 65_535;

/// The names of the features by their numbers (PC/SC 2 part 10, 2.2, and supplement 2019).
const NAMES: [(u8, &str); 21] = [
    (0x01, "VERIFY_PIN_START"),
    (0x02, "VERIFY_PIN_FINISH"),
    (0x03, "MODIFY_PIN_START"),
    (0x04, "MODIFY_PIN_FINISH"),
    (0x05, "GET_KEY_PRESSED"),
    (0x06, "VERIFY_PIN_DIRECT"),
    (0x07, "MODIFY_PIN_DIRECT"),
    (0x08, "MCT_READER_DIRECT"),
    (0x09, "MCT_UNIVERSAL"),
    (0x0A, "IFD_PIN_PROPERTIES"),
    (0x0B, "ABORT"),
    (0x0C, "SET_SPE_MESSAGE"),
    (0x0D, "VERIFY_PIN_DIRECT_APP_ID"),
    (0x0E, "MODIFY_PIN_DIRECT_APP_ID"),
    (0x0F, "WRITE_DISPLAY"),
    (0x10, "GET_KEY"),
    (0x11, "IFD_DISPLAY_PROPERTIES"),
    (0x12, "GET_TLV_PROPERTIES"),
    (0x13, "CCID_ESC_COMMAND"),
    (0x20, "EXECUTE_PACE"),
    (0x21, "CONTACTLESS_SPECIFIC"),
];

/// One feature of a reader and the control code that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The feature's number, one of `FEATURE_*`.
    pub tag: u8,
    /// The control code; the list carries it in big-endian order.
    pub code: u32,
}

impl Feature {
    /// The feature's name without `FEATURE_`; `None` for a number that has none.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        NAMES.iter().find(|(tag, _)| *tag == self.tag).map(|(_, name)| *name)
    }
}

/// Reads a feature list: tag, length 4, code. It ends at the first entry that is none.
#[must_use]
pub fn parse_features(list: &[u8]) -> Vec<Feature> {
    list.chunks(6)
        .map_while(|entry| match *entry {
            [tag, 4, a, b, c, d] => Some(Feature { tag, code: u32::from_be_bytes([a, b, c, d]) }),
            _ => None,
        })
        .collect()
}

/// Reads one number of a property list (tag, length 1, 2 or 4, value in little-endian order).
#[must_use]
pub fn parse_property(list: &[u8], wanted: u8) -> Option<u32> {
    let mut rest = list;
    while let [tag, length, following @ ..] = rest {
        let (value, next) = following.split_at_checked(usize::from(*length))?;
        if *tag == wanted && value.len() <= 4 {
            return Some(value.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)));
        }
        rest = next;
    }
    None
}

/// What a reader can do beyond carrying short APDUs, as far as it says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderFeatures {
    pub(crate) list: Vec<Feature>,
    /// `dwMaxAPDUDataSize`; `None` for a reader that does not say.
    pub max_apdu_data: Option<u32>,
    /// `wLcdLayout`: 0 for a reader without display; `None` for one that does not say.
    pub display: Option<u32>,
    /// `bEntryValidationCondition`.
    pub entry_validation: Option<u8>,
    /// `bMinPINSize`, where the reader has such a limit.
    pub min_pin: Option<u8>,
    /// `bMaxPINSize`, where the reader has such a limit.
    pub max_pin: Option<u8>,
}

impl ReaderFeatures {
    /// Asks a reader. One that answers nothing has no features.
    pub(crate) fn ask(control: impl Fn(DWORD, &[u8]) -> Result<Vec<u8>, PcscError>) -> Self {
        let Ok(list) = control(control_code(CM_IOCTL_GET_FEATURE_REQUEST), &[]) else {
            return Self::default();
        };
        let mut features = Self { list: parse_features(&list), ..Self::default() };
        let answer = |feature| {
            let code: Option<u32> = features.code(feature);
            code.and_then(|code| control(code as DWORD, &[]).ok()).unwrap_or_default()
        };
        let pins = answer(FEATURE_IFD_PIN_PROPERTIES);
        let properties = answer(FEATURE_GET_TLV_PROPERTIES);
        if let [low, high, validation, ..] = pins[..] {
            features.display = Some(u32::from(u16::from_le_bytes([low, high])));
            features.entry_validation = Some(validation);
        }
        features.read_properties(&properties);
        features
    }

    fn read_properties(&mut self, list: &[u8]) {
        let number = |tag| parse_property(list, tag);
        let byte = |tag| number(tag).and_then(|value| u8::try_from(value).ok());
        self.max_apdu_data = number(MAX_APDU_DATA_SIZE);
        self.display = number(LCD_LAYOUT).or(self.display);
        self.entry_validation = byte(ENTRY_VALIDATION).or(self.entry_validation);
        self.min_pin = byte(MIN_PIN_SIZE);
        // 0 and FF are what readers without such a limit say.
        self.max_pin = byte(MAX_PIN_SIZE).filter(|most| !matches!(most, 0 | 0xFF));
    }

    /// All features, in the reader's order.
    #[must_use]
    pub fn list(&self) -> &[Feature] {
        &self.list
    }

    /// The control code of a feature, one of `FEATURE_*`.
    #[must_use]
    pub fn code(&self, feature: u32) -> Option<u32> {
        self.list.iter().find(|entry| u32::from(entry.tag) == feature).map(|entry| entry.code)
    }

    /// The reader has a keypad that takes a PIN and sends it to the card.
    #[must_use]
    pub fn verifies_pins(&self) -> bool {
        self.has_either(FEATURE_VERIFY_PIN_DIRECT, [FEATURE_VERIFY_PIN_START, FEATURE_VERIFY_PIN_FINISH])
    }

    /// The same for the change of a PIN.
    #[must_use]
    pub fn modifies_pins(&self) -> bool {
        self.has_either(FEATURE_MODIFY_PIN_DIRECT, [FEATURE_MODIFY_PIN_START, FEATURE_MODIFY_PIN_FINISH])
    }

    /// The reader announces extended length. One that says nothing is taken not to.
    #[must_use]
    pub fn extended_length(&self) -> bool {
        self.max_apdu_data.is_some_and(|size| size > SHORT_DATA_SIZE)
    }

    /// The longest command data in one APDU, where that is less than the form of the APDU could say: less
    /// than 255 bytes, or in extended length less than 65,535.
    #[must_use]
    pub fn command_data(&self) -> Option<NonZeroU32> {
        let form = if self.extended_length() { EXTENDED_DATA } else { SHORT_DATA_SIZE - 1 };
        self.max_apdu_data.filter(|size| *size < form).and_then(NonZeroU32::new)
    }

    fn has_either(&self, direct: u32, halves: [u32; 2]) -> bool {
        self.code(direct).is_some() || halves.into_iter().all(|half| self.code(half).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader with keypad and properties at codes of its own.
    fn reader(
        properties: &'static [u8],
        pins: &'static [u8],
    ) -> impl Fn(DWORD, &[u8]) -> Result<Vec<u8>, PcscError> {
        let list = [0x06, 4, 0x42, 0, 0, 6, 0x0A, 4, 0x42, 0, 0, 9, 0x12, 4, 0x42, 0x33, 0, 0x12];
        move |code, _| match code {
            code if code == control_code(3400) => Ok(list.to_vec()),
            0x4200_0009 => Ok(pins.to_vec()),
            0x4233_0012 => Ok(properties.to_vec()),
            code => panic!("nobody said {code:08X}"),
        }
    }

    #[test]
    fn extended_length_needs_the_readers_word() {
        let extended = |size: &'static [u8]| ReaderFeatures::ask(reader(size, &[])).extended_length();
        assert!(extended(&[1, 2, 0, 0, 0x0A, 4, 0, 0, 1, 0]));
        assert!(!extended(&[0x0A, 4, 0, 1, 0, 0]), "256 is short");
        assert!(!extended(&[1, 2, 0, 0]), "not announced");
        assert!(!extended(&[0x0A, 4, 0]), "cut off");
        let refusing =
            |_: DWORD, _: &[u8]| Err(PcscError::new(crate::SCARD_E_UNSUPPORTED_FEATURE, "SCardControl"));
        assert_eq!(ReaderFeatures::ask(refusing), ReaderFeatures::default());
    }

    #[test]
    fn what_is_less_than_the_form_could_say_limits_commands() {
        let most =
            |size: &'static [u8]| ReaderFeatures::ask(reader(size, &[])).command_data().map(NonZeroU32::get);
        assert_eq!(most(&[0x0A, 4, 0, 0, 1, 0]), None, "all of extended length");
        assert_eq!(most(&[0x0A, 4, 0, 8, 0, 0]), Some(2048));
        assert_eq!(most(&[0x0A, 4, 0, 1, 0, 0]), None, "all of a short APDU");
        assert_eq!(most(&[0x0A, 4, 255, 0, 0, 0]), None);
        assert_eq!(most(&[0x0A, 1, 64]), Some(64));
        assert_eq!(most(&[0x0A, 4, 0, 0, 0, 0]), None, "0 is what readers of short APDUs say");
        assert_eq!(most(&[]), None);
    }

    #[test]
    fn keypads_and_their_properties() {
        let features = ReaderFeatures::ask(reader(&[6, 1, 4, 7, 1, 8], &[0x10, 0x02, 0x07, 0]));
        assert!(features.verifies_pins() && !features.modifies_pins());
        assert_eq!((features.min_pin, features.max_pin), (Some(4), Some(8)));
        assert_eq!((features.display, features.entry_validation), (Some(0x0210), Some(7)));
        let names: Vec<_> = features.list().iter().map(Feature::name).collect();
        let known = ["VERIFY_PIN_DIRECT", "IFD_PIN_PROPERTIES", "GET_TLV_PROPERTIES"].map(Some);
        assert_eq!(names, known);
        assert_eq!(Feature { tag: 0x7E, code: 0 }.name(), None);

        let halves = |tags: &[u8]| {
            let list = tags.iter().map(|tag| Feature { tag: *tag, code: u32::from(*tag) }).collect();
            ReaderFeatures { list, ..ReaderFeatures::default() }
        };
        assert!(halves(&[1, 2, 3, 4]).verifies_pins() && halves(&[1, 2, 3, 4]).modifies_pins());
        assert!(!halves(&[1, 4]).verifies_pins() && !halves(&[1, 4]).modifies_pins());
    }
}
