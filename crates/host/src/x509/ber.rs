//! BER as DER: what other programs write with lengths that are not said beforehand, or strings in
//! pieces (X.690, sections 8.1.3.6 and 8.7), in the one form the parsers here read.

use zeroize::Zeroizing;

/// The depth at which something is no file any more but an attack on the stack.
const DEEPEST: usize = 40;
/// The bit of a tag's first byte that says "made of others".
const CONSTRUCTED: u8 = 0x20;
const OBJECT_IDENTIFIER: u8 = 0x06;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
/// `[0]`, made of others.
const CONTEXT_0: u8 = 0xA0;

/// One element: its tag, and its content in DER.
struct Element {
    tag: Vec<u8>,
    content: Zeroizing<Vec<u8>>,
}

/// The first element of `input` in DER; DER itself comes out as it went in. `None` for what is no BER.
/// What stands behind the element is ignored, as others do who pad such files.
pub(super) fn definite(input: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut rest = input;
    let element = element(&mut rest, 0)?;
    let mut out = Zeroizing::new(Vec::with_capacity(input.len()));
    element.write(&mut out);
    Some(out)
}

/// Takes one element off the input.
fn element(input: &mut &[u8], depth: usize) -> Option<Element> {
    if depth > DEEPEST {
        return None;
    }
    let mut tag = tag(input)?;
    let constructed = tag[0] & CONSTRUCTED != 0;
    let length = length(input)?;
    if !constructed {
        let content = take(input, length?)?;
        return Some(Element { tag, content: Zeroizing::new(content.to_vec()) });
    }
    let mut children = Vec::new();
    match length {
        Some(length) => {
            let mut content = take(input, length)?;
            while !content.is_empty() {
                children.push(element(&mut content, depth + 1)?);
            }
        }
        None => loop {
            if let Some(rest) = input.strip_prefix(&[0, 0]) {
                *input = rest;
                break;
            }
            children.push(element(input, depth + 1)?);
        },
    }
    if tag == [OCTET_STRING | CONSTRUCTED] {
        tag = vec![OCTET_STRING];
        return Some(Element { tag, content: joined(&children)? });
    }
    if tag == [SEQUENCE] {
        join_encrypted_content(&mut children);
    }
    let mut content = Zeroizing::new(Vec::new());
    children.iter().for_each(|child| child.write(&mut content));
    Some(Element { tag, content })
}

/// The pieces of an octet string as one.
fn joined(children: &[Element]) -> Option<Zeroizing<Vec<u8>>> {
    let mut whole = Zeroizing::new(Vec::new());
    for child in children {
        if child.tag != [OCTET_STRING] {
            return None;
        }
        whole.extend_from_slice(&child.content);
    }
    Some(whole)
}

/// `EncryptedContentInfo` (RFC 5652, section 6.1) has an octet string under an implicit tag, which in
/// pieces looks like any other `[0]`: what tells it apart is its place, and that nothing else is in it.
fn join_encrypted_content(children: &mut [Element]) {
    let [kind, algorithm, content] = children else { return };
    let tags = (kind.tag.as_slice(), algorithm.tag.as_slice(), content.tag.as_slice());
    if tags == (&[OBJECT_IDENTIFIER], &[SEQUENCE], &[CONTEXT_0])
        && let Some(whole) = pieces(&content.content)
    {
        *content = Element { tag: vec![CONTEXT_0 & !CONSTRUCTED], content: whole };
    }
}

/// Octet strings one after another, as one; `None` where something else is among them.
fn pieces(mut rest: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut whole = Zeroizing::new(Vec::new());
    while !rest.is_empty() {
        if tag(&mut rest)? != [OCTET_STRING] {
            return None;
        }
        let length = length(&mut rest)??;
        whole.extend_from_slice(take(&mut rest, length)?);
    }
    Some(whole)
}

impl Element {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.tag);
        let length = self.content.len();
        match u8::try_from(length) {
            Ok(short) if short < 0x80 => out.push(short),
            _ => {
                let bytes = length.to_be_bytes();
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                out.push(0x80 | (bytes.len() - zeros) as u8);
                out.extend_from_slice(&bytes[zeros..]);
            }
        }
        out.extend_from_slice(&self.content);
    }
}

fn tag(input: &mut &[u8]) -> Option<Vec<u8>> {
    let mut tag = take(input, 1)?.to_vec();
    if tag[0] & 0x1F == 0x1F {
        // A large number goes on as long as the highest bit is set.
        loop {
            let byte = take(input, 1)?[0];
            tag.push(byte);
            if byte & 0x80 == 0 {
                break;
            }
            if tag.len() > 5 {
                return None;
            }
        }
    }
    Some(tag)
}

/// A length; `Some(None)` where it is not said.
fn length(input: &mut &[u8]) -> Option<Option<usize>> {
    match take(input, 1)?[0] {
        short @ ..0x80 => Some(Some(usize::from(short))),
        0x80 => Some(None),
        long => {
            let bytes = take(input, usize::from(long & 0x7F))?;
            let significant = bytes.iter().skip_while(|byte| **byte == 0);
            if significant.clone().count() > 4 {
                return None;
            }
            Some(Some(significant.fold(0, |length, byte| length << 8 | usize::from(*byte))))
        }
    }
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn der(ber: &[u8]) -> Option<Vec<u8>> {
        definite(ber).map(|der| der.to_vec())
    }

    #[test]
    fn der_stays_as_it_is() {
        let long = [&[0x30, 0x82, 0x01, 0x04, 0x04, 0x82, 0x01, 0x00][..], &[7; 256]].concat();
        assert_eq!(der(&long), Some(long.clone()));
        assert_eq!(der(&[0x30, 0x00]), Some(vec![0x30, 0x00]));
        assert_eq!(der(&[0xBF, 0x81, 0x01, 0x02, 0x05, 0x00]), Some(vec![0xBF, 0x81, 0x01, 2, 5, 0]));
    }

    #[test]
    fn open_lengths_and_pieces_are_closed() {
        let ber = [0x30, 0x80, 0x24, 0x80, 0x04, 0x01, 0xAA, 0x04, 0x02, 0xBB, 0xCC, 0, 0, 0, 0, 0xFF];
        assert_eq!(der(&ber), Some(vec![0x30, 0x05, 0x04, 0x03, 0xAA, 0xBB, 0xCC]));
        // A length longer than it needs to be.
        assert_eq!(der(&[0x04, 0x82, 0x00, 0x01, 0xAA]), Some(vec![0x04, 0x01, 0xAA]));
        let content = [0x30, 0x80, 0x06, 0x01, 0x2A, 0x30, 0x00, 0xA0, 0x80, 0x04, 0x01, 1, 0x04, 0x01, 2];
        let content = [&content[..], &[0, 0, 0, 0]].concat();
        assert_eq!(der(&content), Some(vec![0x30, 0x09, 0x06, 0x01, 0x2A, 0x30, 0x00, 0x80, 0x02, 1, 2]));
    }

    #[test]
    fn what_only_stands_in_such_a_place_stays() {
        let other = [0x30, 0x0A, 0x06, 0x01, 0x2A, 0x30, 0x00, 0xA0, 0x03, 0x02, 0x01, 0x07];
        assert_eq!(der(&other), Some(other.to_vec()));
    }

    #[test]
    fn broken_input_is_refused() {
        for broken in [
            &[][..],
            &[0x30],
            &[0x30, 0x05, 0x04],
            &[0x04, 0x80, 0x00, 0x00],
            &[0x30, 0x80, 0x04, 0x01, 0xAA],
            &[0x24, 0x03, 0x02, 0x01, 0x00],
            &[0x04, 0x85, 1, 0, 0, 0, 0],
            &[0x30, 0x80].repeat(1000),
        ] {
            assert_eq!(der(broken), None, "{broken:02X?}");
        }
    }
}
