//! PIN and PUK with their counters.

use cardmod_types::Pin;
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::codec::{Decoder, Encoder, Malformed};

/// The shortest value a PIN or PUK may be given.
pub(crate) const MIN_LEN: usize = 4;
/// The longest one (GIDS 2.0, "VERIFY").
pub(crate) const MAX_LEN: usize = 127;

/// One PIN or PUK.
#[derive(Clone)]
pub(crate) struct Reference {
    value: Pin,
    /// Tries left; 0 is blocked.
    pub(crate) tries: u8,
    /// Tries after a success.
    pub(crate) limit: u8,
}

impl Reference {
    /// A fresh one; `None` if the value's length is outside [`MIN_LEN`]..=[`MAX_LEN`].
    pub(crate) fn new(value: &[u8], limit: u8) -> Option<Reference> {
        let fits = (MIN_LEN..=MAX_LEN).contains(&value.len());
        fits.then(|| Reference { value: Pin::from(value), tries: limit, limit })
    }

    /// The same value with another count.
    pub(crate) fn with_tries(&self, tries: u8) -> Reference {
        Reference { value: self.value.clone(), tries, limit: self.limit }
    }

    /// How many bytes a right value has; CHANGE and RESET RETRY split their data there.
    pub(crate) fn len(&self) -> usize {
        self.value.len()
    }

    /// Compares in a time that depends on neither value; another length is another value.
    pub(crate) fn matches(&self, candidate: &[u8]) -> bool {
        let fits = Choice::from(u8::from(candidate.len() <= MAX_LEN));
        (padded(self.value.as_bytes()).as_slice().ct_eq(padded(candidate).as_slice()) & fits).into()
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.bytes(self.value.as_bytes());
        out.byte(self.tries);
        out.byte(self.limit);
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<Reference, Malformed> {
        let value = Pin::from(read.bytes()?);
        let (tries, limit) = (read.byte()?, read.byte()?);
        let sound = (MIN_LEN..=MAX_LEN).contains(&value.len()) && tries <= limit && (1..=15).contains(&limit);
        if sound { Ok(Reference { value, tries, limit }) } else { Err(Malformed) }
    }
}

/// Length and value in a field of fixed size.
fn padded(value: &[u8]) -> Zeroizing<[u8; MAX_LEN + 1]> {
    let mut field = Zeroizing::new([0; MAX_LEN + 1]);
    let kept = value.len().min(MAX_LEN);
    field[..kept].copy_from_slice(&value[..kept]);
    field[MAX_LEN] = u8::try_from(kept).unwrap_or(u8::MAX);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_other_lengths_differ() {
        let pin = Reference::new(b"1234", 3).expect("four bytes");
        assert!(pin.matches(b"1234"));
        assert!(!pin.matches(b"1234\0") && !pin.matches(b"123") && !pin.matches(b""));
        assert!(!pin.matches(&[b'1'; 300]));
        let long = Reference::new(&[b'1'; MAX_LEN], 3).expect("longest");
        assert!(long.matches(&[b'1'; MAX_LEN]) && !long.matches(&[b'1'; MAX_LEN + 1]));
    }

    #[test]
    fn lengths_are_bounded() {
        assert!(Reference::new(b"123", 3).is_none());
        assert!(Reference::new(&[0; MAX_LEN + 1], 3).is_none());
    }
}
