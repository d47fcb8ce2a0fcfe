//! PIN, PUK and global PIN: eight bytes and a count of tries.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::PivFlavour;
use crate::model::codec::{Decoder, Encoder, Malformed};

/// Bytes of a padded PIN or PUK (SP 800-73 part 2, 2.4.3).
pub(crate) const LEN: usize = 8;
/// What a YubiKey has when it leaves the factory.
pub(crate) const DEFAULT_PIN: &[u8] = b"123456";
/// The same, the PUK.
pub(crate) const DEFAULT_PUK: &[u8] = b"12345678";

const FILL: u8 = 0xFF;
const MIN_LEN: usize = 6;

/// What a reference is for; the formats differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// The application's PIN, or the global one.
    Pin,
    /// The PUK.
    Puk,
}

/// A padded value, on the heap: what is moved is the place where it lies, so that no copy stays behind.
pub(crate) type Value = Box<Zeroizing<[u8; LEN]>>;

/// One PIN or PUK.
#[derive(Clone)]
pub(crate) struct Secret {
    value: Value,
    /// Tries left; 0 is blocked.
    pub(crate) tries: u8,
    /// Tries after a success.
    pub(crate) limit: u8,
}

impl Secret {
    /// With all its tries.
    pub(crate) fn new(value: Value, limit: u8) -> Secret {
        Secret { value, tries: limit, limit }
    }

    /// The same value with another count.
    pub(crate) fn with_tries(&self, tries: u8) -> Secret {
        Secret { value: self.value.clone(), tries, limit: self.limit }
    }

    /// Compares in a time that depends on neither value.
    pub(crate) fn matches(&self, candidate: &[u8; LEN]) -> bool {
        self.value.ct_eq(candidate).into()
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.raw(self.value.as_slice());
        out.byte(self.tries);
        out.byte(self.limit);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Secret, Malformed> {
        let value = boxed(read.raw(LEN)?).ok_or(Malformed)?;
        let (tries, limit) = (read.byte()?, read.byte()?);
        if limit > 0 && tries <= limit { Ok(Secret { value, tries, limit }) } else { Err(Malformed) }
    }
}

/// The value on the heap, by no other way than its copy there; `None` for more than fits.
pub(crate) fn boxed(padded: &[u8]) -> Option<Value> {
    let mut value = Box::new(Zeroizing::new([FILL; LEN]));
    value.get_mut(..padded.len())?.copy_from_slice(padded);
    Some(value)
}

/// A value as commands carry it, from what people type; `None` if no such card takes it.
pub(crate) fn padded(flavour: PivFlavour, what: Use, typed: &[u8]) -> Option<Value> {
    boxed(typed).filter(|value| is_settable(flavour, what, value))
}

/// Whether this may become the value: a PIN has six to eight bytes before the filling, decimal digits on
/// a standard card; a standard card's PUK is any eight bytes, a YubiKey's has the form of a PIN.
pub(crate) fn is_settable(flavour: PivFlavour, what: Use, value: &[u8; LEN]) -> bool {
    let typed = value.iter().position(|byte| *byte == FILL).unwrap_or(LEN);
    let (typed, filling) = value.split_at(typed);
    let form = typed.len() >= MIN_LEN && filling.iter().all(|byte| *byte == FILL);
    match (flavour, what) {
        (PivFlavour::Standard, Use::Puk) => true,
        (PivFlavour::Standard, Use::Pin) => form && typed.iter().all(u8::is_ascii_digit),
        (PivFlavour::YubiKey, _) => form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use PivFlavour::{Standard, YubiKey};

    #[test]
    fn forms() {
        let settable = |flavour, what, typed: &[u8]| padded(flavour, what, typed).is_some();
        for flavour in [Standard, YubiKey] {
            assert!(settable(flavour, Use::Pin, b"123456") && settable(flavour, Use::Pin, b"12345678"));
            assert!(settable(flavour, Use::Puk, b"ABCDEFGH"));
            assert!(!settable(flavour, Use::Pin, b"12345") && !settable(flavour, Use::Pin, b""));
            assert!(!settable(flavour, Use::Pin, b"123456789"));
            assert!(!is_settable(flavour, Use::Pin, b"12345\xFF67"));
        }
        assert!(!settable(Standard, Use::Pin, b"12345a") && settable(YubiKey, Use::Pin, b"12345a"));
        assert!(settable(Standard, Use::Puk, b"1") && !settable(YubiKey, Use::Puk, b"1"));
    }

    #[test]
    fn values() {
        let pin = Secret::new(padded(YubiKey, Use::Pin, DEFAULT_PIN).expect("a PIN"), 3);
        assert!(pin.matches(b"123456\xFF\xFF") && !pin.matches(b"123457\xFF\xFF"));
        let mut out = Encoder::default();
        pin.with_tries(1).encode(&mut out);
        let bytes = out.finish();
        let back = Secret::decode(&mut Decoder::new(&bytes)).expect("as written");
        assert_eq!((back.tries, back.limit, back.matches(b"123456\xFF\xFF")), (1, 3, true));
        for (tries, limit) in [(4, 3), (0, 0)] {
            let bad = [&bytes[..8], &[tries, limit]].concat();
            assert!(Secret::decode(&mut Decoder::new(&bad)).is_err());
        }
    }
}
