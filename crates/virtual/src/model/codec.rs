//! The byte form of stored state: big-endian numbers and length-prefixed strings, read with bounds.

use zeroize::Zeroizing;

/// Stored bytes that are not what this program writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Appends fields. What was written is wiped when dropped, also what growing left behind.
#[derive(Default)]
pub(crate) struct Encoder(Zeroizing<Vec<u8>>);

impl Encoder {
    pub(crate) fn byte(&mut self, value: u8) {
        self.raw(&[value]);
    }

    pub(crate) fn flag(&mut self, value: bool) {
        self.byte(u8::from(value));
    }

    pub(crate) fn word(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn long(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn quad(&mut self, value: u64) {
        self.raw(&value.to_be_bytes());
    }

    /// A string of at most 4 GiB, with its length before it.
    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.long(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.raw(value);
    }

    /// Bytes whose number the reader knows.
    pub(crate) fn raw(&mut self, value: &[u8]) {
        let needed = self.0.len() + value.len();
        if needed > self.0.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.next_power_of_two().max(256)));
            grown.extend_from_slice(&self.0);
            self.0 = grown;
        }
        self.0.extend_from_slice(value);
    }

    /// `Some` as 1 and what `write` adds, `None` as 0.
    pub(crate) fn option<T>(&mut self, value: Option<&T>, write: impl FnOnce(&mut Encoder, &T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

/// Takes fields off the front.
pub(crate) struct Decoder<'a>(&'a [u8]);

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Decoder<'a> {
        Decoder(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Malformed> {
        let [value] = self.array()?;
        Ok(value)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn word(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn long(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn quad(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = usize::try_from(self.long()?).map_err(|_| Malformed)?;
        self.raw(len)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = rest;
        Ok(*head)
    }

    pub(crate) fn raw(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, Malformed>,
    ) -> Result<Option<T>, Malformed> {
        if self.flag()? { read(self).map(Some) } else { Ok(None) }
    }

    /// All bytes must have been read.
    pub(crate) fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() { Ok(()) } else { Err(Malformed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_in_order() {
        let mut out = Encoder::default();
        out.byte(1);
        out.word(0x0203);
        out.long(0x0405_0607);
        out.quad(8);
        out.bytes(b"abc");
        out.option(Some(&7u8), |out, value| out.byte(*value));
        out.option(None::<&u8>, |out, value| out.byte(*value));
        let bytes = out.finish();
        let mut read = Decoder::new(&bytes);
        assert_eq!(read.byte(), Ok(1));
        assert_eq!(read.word(), Ok(0x0203));
        assert_eq!(read.long(), Ok(0x0405_0607));
        assert_eq!(read.quad(), Ok(8));
        assert_eq!(read.bytes(), Ok(&b"abc"[..]));
        assert_eq!(read.option(Decoder::byte), Ok(Some(7)));
        assert_eq!(read.option(Decoder::byte), Ok(None));
        assert_eq!(read.end(), Ok(()));
    }

    #[test]
    fn short_and_strange_input_is_refused() {
        assert_eq!(Decoder::new(&[0, 0, 0, 9, 1]).bytes(), Err(Malformed));
        assert_eq!(Decoder::new(&[2]).flag(), Err(Malformed));
        assert_eq!(Decoder::new(&[]).byte(), Err(Malformed));
        assert_eq!(Decoder::new(&[1]).end(), Err(Malformed));
    }
}
