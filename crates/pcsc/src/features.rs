//! What a reader says about itself: its feature list and its properties (PC/SC 2 part 10, 2.2 to 2.6).

use crate::codes::{CM_IOCTL_GET_FEATURE_REQUEST, FEATURE_GET_TLV_PROPERTIES};
use crate::convert::control_code;
use crate::error::PcscError;
use crate::native::DWORD;

/// Tag of the property `dwMaxAPDUDataSize`: the longest command data the reader takes; more than 256 means
/// extended length (PC/SC 2 part 10, 2.6.14).
pub const MAX_APDU_DATA_SIZE: u8 = 0x0A;

/// Longest command data of a short APDU, as the property counts it.
const SHORT_DATA_SIZE: u32 = 256;

/// One feature of a reader and the control code that reaches it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The feature's number, one of `FEATURE_*`.
    pub tag: u8,
    /// The control code; the list carries it in big-endian order.
    pub code: u32,
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

/// Does the reader announce extended length? A reader that says nothing is taken not to.
pub(crate) fn takes_extended_length(control: impl Fn(DWORD, &[u8]) -> Result<Vec<u8>, PcscError>) -> bool {
    let Ok(features) = control(control_code(CM_IOCTL_GET_FEATURE_REQUEST), &[]) else { return false };
    let wanted = |feature: &Feature| u32::from(feature.tag) == FEATURE_GET_TLV_PROPERTIES;
    let Some(feature) = parse_features(&features).into_iter().find(wanted) else { return false };
    let Ok(properties) = control(feature.code as DWORD, &[]) else { return false };
    parse_property(&properties, MAX_APDU_DATA_SIZE).is_some_and(|size| size > SHORT_DATA_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extended_length_needs_the_readers_word() {
        let features = [0x0A, 4, 0x42, 0, 0, 9, 0x12, 4, 0x42, 0x33, 0, 0x12];
        let reader = |size: &'static [u8]| {
            move |code: DWORD, _: &[u8]| {
                if code == control_code(3400) {
                    return Ok(features.to_vec());
                }
                assert_eq!(code, 0x4233_0012);
                Ok(size.to_vec())
            }
        };
        assert!(takes_extended_length(reader(&[1, 2, 0, 0, 0x0A, 4, 0, 0, 1, 0])));
        assert!(!takes_extended_length(reader(&[0x0A, 4, 0, 1, 0, 0])), "256 is short");
        assert!(!takes_extended_length(reader(&[1, 2, 0, 0])), "not announced");
        assert!(!takes_extended_length(reader(&[0x0A, 4, 0])), "cut off");
        let refusing =
            |_: DWORD, _: &[u8]| Err(PcscError::new(crate::SCARD_E_UNSUPPORTED_FEATURE, "SCardControl"));
        assert!(!takes_extended_length(refusing));
    }
}
