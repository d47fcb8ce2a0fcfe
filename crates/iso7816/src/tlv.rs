//! BER-TLV of ISO 7816-4 (5.2.2): a borrowed, bounded reader and a writer.
//!
//! The reader takes tags of up to three bytes and definite lengths of up to three bytes (what ISO 7816-4
//! allows is a little more; no card object needs it). It never recurses: a nested template is a new
//! reader over a value, made by the caller.

use std::fmt;

use zeroize::Zeroizing;

/// A tag of one to three bytes, as the number its bytes form: `5C`, `DF20`, `7F49`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(u32);

impl Tag {
    /// The tag with these bytes, most significant first. Only well-formed tags (see [`Tag::read`]) can be
    /// read back.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The tag at the start of `bytes` and what follows it; `None` when there is no well-formed tag of at
    /// most three bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        match bytes {
            [first, rest @ ..] if first & 0x1F != 0x1F => Some((Self(u32::from(*first)), rest)),
            [first, second, rest @ ..] if second & 0x80 == 0 => {
                Some((Self(number(&[*first, *second])), rest))
            }
            [first, second, third, rest @ ..] if third & 0x80 == 0 => {
                Some((Self(number(&[*first, *second, *third])), rest))
            }
            _ => None,
        }
    }

    /// The number its bytes form.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Whether the value is itself a sequence of data objects (bit 6 of the first byte).
    #[must_use]
    pub fn is_constructed(self) -> bool {
        self.bytes().first().is_some_and(|first| first & 0x20 != 0)
    }

    /// Its bytes, most significant first, without leading zeros (at least one byte).
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let bytes = self.0.to_be_bytes();
        let skip = (self.0.leading_zeros() / 8).min(3) as usize;
        bytes[skip..].to_vec()
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:02X})", self.0)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

/// One data object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: Tag,
    /// Its value.
    pub value: &'a [u8],
    /// The whole object: tag, length and value as they were read.
    pub raw: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// A reader over the value of a template.
    #[must_use]
    pub const fn children(&self) -> Reader<'a> {
        Reader::new(self.value)
    }
}

/// Prints tag and length: the value may be secret.
impl fmt::Debug for Tlv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tlv({}, {} bytes)", self.tag, self.value.len())
    }
}

/// The bytes are no sequence of data objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed data object at byte {offset}")]
pub struct TlvError {
    /// Where the object that could not be read begins.
    pub offset: usize,
}

/// Reads data objects one after another.
///
/// Also an iterator, which ends after the first error.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// A reader over a sequence of data objects.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    /// The next object, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`TlvError`] when the rest is no data object; the reader is at its end afterwards.
    pub fn read(&mut self) -> Result<Option<Tlv<'a>>, TlvError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        match read_one(self.rest) {
            Some((tlv, rest)) => {
                self.offset += self.rest.len() - rest.len();
                self.rest = rest;
                Ok(Some(tlv))
            }
            None => {
                self.rest = &[];
                Err(TlvError { offset: self.offset })
            }
        }
    }

    /// The value of the first object with this tag from here on, or `None`.
    ///
    /// # Errors
    ///
    /// [`TlvError`] when something before it is malformed.
    pub fn find(mut self, tag: Tag) -> Result<Option<&'a [u8]>, TlvError> {
        while let Some(tlv) = self.read()? {
            if tlv.tag == tag {
                return Ok(Some(tlv.value));
            }
        }
        Ok(None)
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Result<Tlv<'a>, TlvError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The one object `bytes` consist of.
///
/// # Errors
///
/// [`TlvError`] when it is malformed, or followed by anything.
pub fn single(bytes: &[u8]) -> Result<Tlv<'_>, TlvError> {
    match read_one(bytes) {
        Some((tlv, [])) => Ok(tlv),
        Some((tlv, _)) => Err(TlvError { offset: tlv.raw.len() }),
        None => Err(TlvError { offset: 0 }),
    }
}

/// The object at the start of `bytes` and what follows it.
fn read_one(bytes: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (tag, rest) = Tag::read(bytes)?;
    let (length, rest) = read_length(rest)?;
    let (value, rest) = rest.split_at_checked(length)?;
    Some((Tlv { tag, value, raw: &bytes[..bytes.len() - rest.len()] }, rest))
}

/// The length field at the start of `bytes` and what follows it: the short form and `81`, `82`, `83`.
#[must_use]
pub fn read_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [length @ 0..=0x7F, rest @ ..] => Some((usize::from(*length), rest)),
        [form @ 0x81..=0x83, rest @ ..] => {
            let (digits, rest) = rest.split_at_checked(usize::from(form & 0x7F))?;
            Some((number(digits) as usize, rest))
        }
        _ => None,
    }
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value << 8 | u32::from(*digit))
}

/// The bytes of a length field, in the shortest form.
#[must_use]
pub fn length_field(length: usize) -> Vec<u8> {
    let digits = (length as u64).to_be_bytes();
    let skip = (length as u64).leading_zeros() as usize / 8;
    match length {
        0..=0x7F => vec![digits[7]],
        _ => {
            let mut field = vec![0x80 | (8 - skip) as u8];
            field.extend_from_slice(&digits[skip..]);
            field
        }
    }
}

/// Writes data objects. What is written is wiped when dropped, so keys may pass through.
#[derive(Default)]
pub struct Writer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Writer {
    /// An empty writer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an object with this value.
    #[must_use]
    pub fn object(mut self, tag: Tag, value: &[u8]) -> Self {
        self.push(&tag.bytes(), value);
        self
    }

    /// Appends a template: an object whose value is what `build` writes.
    #[must_use]
    pub fn template(mut self, tag: Tag, build: impl FnOnce(Writer) -> Writer) -> Self {
        let inner = build(Writer::new());
        self.push(&tag.bytes(), &inner.bytes);
        self
    }

    /// Appends bytes that are already encoded objects.
    #[must_use]
    pub fn encoded(mut self, objects: &[u8]) -> Self {
        self.reserve(objects.len());
        self.bytes.extend_from_slice(objects);
        self
    }

    /// What was written.
    #[must_use]
    pub fn finish(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    fn push(&mut self, tag: &[u8], value: &[u8]) {
        let length = length_field(value.len());
        self.reserve(tag.len() + length.len() + value.len());
        self.bytes.extend_from_slice(tag);
        self.bytes.extend_from_slice(&length);
        self.bytes.extend_from_slice(value);
    }

    /// Makes room through a wiped copy: growing a `Vec` in place would free the old block as it is.
    fn reserve(&mut self, more: usize) {
        if self.bytes.capacity() - self.bytes.len() < more {
            let mut grown = Zeroizing::new(Vec::with_capacity((self.bytes.len() + more).next_power_of_two()));
            grown.extend_from_slice(&self.bytes);
            self.bytes = grown;
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.bytes.len())
    }
}
