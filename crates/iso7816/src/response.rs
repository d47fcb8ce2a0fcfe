//! The response APDU.

use std::fmt;

use zeroize::Zeroizing;

use crate::StatusWord;

/// What the card answered: data (wiped when dropped) and status word.
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The data field, without the status word. May be empty.
    pub data: Zeroizing<Vec<u8>>,
    /// SW1 SW2.
    pub status: StatusWord,
}

impl Response {
    /// Splits a raw answer into data and status word; `None` when it is shorter than two bytes.
    #[must_use]
    pub fn parse(mut raw: Zeroizing<Vec<u8>>) -> Option<Self> {
        let &[.., sw1, sw2] = raw.as_slice() else { return None };
        let length = raw.len() - 2;
        raw.truncate(length);
        Some(Self { data: raw, status: StatusWord::new(u16::from_be_bytes([sw1, sw2])) })
    }
}

/// Prints the length of the data only: it may be a decrypted secret.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({} bytes, {:?})", self.data.len(), self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_answers_are_refused() {
        assert_eq!(Response::parse(Zeroizing::new(vec![])), None);
        assert_eq!(Response::parse(Zeroizing::new(vec![0x90])), None);
        let whole = Response::parse(Zeroizing::new(vec![1, 2, 0x90, 0])).map(|r| (r.data.to_vec(), r.status));
        assert_eq!(whole, Some((vec![1, 2], StatusWord::OK)));
    }

    #[test]
    fn debug_hides_the_data() {
        let response = Response { data: Zeroizing::new(vec![0xAA; 3]), status: StatusWord::OK };
        assert_eq!(format!("{response:?}"), "Response(3 bytes, StatusWord(9000))");
    }
}
