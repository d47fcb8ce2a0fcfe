//! VS_VERSIONINFO: the version resource of a file, as Explorer's "Details" shows it.

use std::collections::BTreeMap;

/// A version resource.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// The four numbers of dwFileVersion.
    pub(crate) file: [u16; 4],
    /// The four numbers of dwProductVersion.
    pub(crate) product: [u16; 4],
    /// FileDescription, ProductName and the like.
    pub(crate) strings: BTreeMap<String, String>,
}

/// The first word of VS_FIXEDFILEINFO.
const FIXED_SIGNATURE: u32 = 0xFEEF_04BD;

impl Version {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let (root, _) = Node::read(bytes, 0)?;
        if root.key != "VS_VERSION_INFO" {
            return Err(format!("the version resource is called {:?}", root.key));
        }
        let mut version = Self::default();
        let signature = double_word(root.value, 0);
        if signature != Some(FIXED_SIGNATURE) {
            return Err("the version resource has no VS_FIXEDFILEINFO".to_owned());
        }
        version.file = numbers(root.value, 8)?;
        version.product = numbers(root.value, 16)?;
        for block in root.children()?.iter().filter(|node| node.key == "StringFileInfo") {
            for language in block.children()? {
                for string in language.children()? {
                    version.strings.insert(string.key.clone(), string.text());
                }
            }
        }
        Ok(version)
    }
}

/// One block: length, length of the value, kind, name, value, blocks inside; each part at a multiple of 4.
struct Node<'a> {
    key: String,
    /// Whether the value is text.
    is_text: bool,
    value: &'a [u8],
    inside: &'a [u8],
    /// Where `inside` lies in the resource, for the alignment of what is in it.
    start: usize,
}

impl<'a> Node<'a> {
    /// The block at the beginning of `bytes`, which lie at `start`, and how long it is.
    fn read(bytes: &'a [u8], start: usize) -> Result<(Self, usize), String> {
        const CUT_OFF: &str = "the version resource is cut off";
        let length = usize::from(word(bytes, 0).ok_or(CUT_OFF)?);
        let bytes = bytes.get(..length).ok_or(CUT_OFF)?;
        let value_length = usize::from(word(bytes, 2).ok_or(CUT_OFF)?);
        let is_text = word(bytes, 4).ok_or(CUT_OFF)? == 1;
        let name = wide(bytes.get(6..).ok_or(CUT_OFF)?);
        let value_at = aligned(start, 6 + 2 * (name.encode_utf16().count() + 1)).min(length);
        // a text's length counts characters
        let value_length = if is_text { 2 * value_length } else { value_length };
        let value_end = (value_at + value_length).min(length);
        let inside_at = aligned(start, value_end).min(length);
        let node = Self {
            key: name,
            is_text,
            value: &bytes[value_at..value_end],
            inside: &bytes[inside_at..],
            start: start + inside_at,
        };
        Ok((node, length))
    }

    fn children(&self) -> Result<Vec<Node<'a>>, String> {
        let (mut nodes, mut at) = (Vec::new(), 0);
        while self.inside.len() >= at + 6 {
            let (node, length) = Node::read(&self.inside[at..], self.start + at)?;
            if length == 0 {
                return Err("a block of the version resource is empty".to_owned());
            }
            nodes.push(node);
            at = aligned(self.start, at + length);
        }
        Ok(nodes)
    }

    fn text(&self) -> String {
        if self.is_text { wide(self.value) } else { String::new() }
    }
}

/// The next offset from `offset` on that is a multiple of 4 counted from the resource's beginning.
const fn aligned(start: usize, offset: usize) -> usize {
    (start + offset).next_multiple_of(4) - start
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn double_word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Two double words, the more significant numbers first.
fn numbers(fixed: &[u8], at: usize) -> Result<[u16; 4], String> {
    let words: Option<Vec<u16>> = [2, 0, 6, 4].iter().map(|offset| word(fixed, at + offset)).collect();
    words.and_then(|words| words.try_into().ok()).ok_or("VS_FIXEDFILEINFO is cut off".to_owned())
}

/// UTF-16 up to a zero.
fn wide(bytes: &[u8]) -> String {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
    String::from_utf16_lossy(&units[..end])
}
