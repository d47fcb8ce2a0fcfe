//! Control reference templates in the FCP of a key EF, tag A5 (GIDS 2.0, Tables 12 to 14).

use cardmod_iso7816::tlv::{Reader, Tag, Writer};

use super::algorithm::Template;

/// One use that a key EF allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ControlReference {
    /// What kind of use.
    pub(crate) template: Template,
    /// The algorithm, tag 80.
    pub(crate) algorithm: u8,
    /// The key, tag 83 or 84.
    pub(crate) key: u8,
    /// The usage qualifier, tag 95.
    pub(crate) usage: u8,
    /// Uses after one verification of the PIN, tag 90 in A3; 0 is unlimited.
    pub(crate) uses_per_pin: u16,
}

const ALGORITHM: Tag = Tag::new(0x80);
const KEY: Tag = Tag::new(0x83);
const PRIVATE_KEY: Tag = Tag::new(0x84);
const USAGE: Tag = Tag::new(0x95);
const COUNTERS: Tag = Tag::new(0xA3);
const USAGE_COUNTER: Tag = Tag::new(0x90);

/// Reads the value of tag A5; `None` if it is malformed or empty.
pub(crate) fn parse_all(value: &[u8]) -> Option<Vec<ControlReference>> {
    let mut references = Vec::new();
    for object in Reader::new(value) {
        let object = object.ok()?;
        let template = Template::from_tag(u8::try_from(object.tag.get()).ok()?)?;
        references.push(parse_one(template, object.value)?);
    }
    (!references.is_empty()).then_some(references)
}

fn parse_one(template: Template, value: &[u8]) -> Option<ControlReference> {
    let fields = Reader::new(value);
    let byte = |tag| match fields.clone().find(tag).ok()? {
        Some([byte]) => Some(*byte),
        _ => None,
    };
    let uses_per_pin = match fields.clone().find(COUNTERS).ok()? {
        None => 0,
        Some(counters) => match Reader::new(counters).find(USAGE_COUNTER).ok()?? {
            [high, low] => u16::from_be_bytes([*high, *low]),
            _ => return None,
        },
    };
    Some(ControlReference {
        template,
        algorithm: byte(ALGORITHM)?,
        key: byte(KEY).or_else(|| byte(PRIVATE_KEY))?,
        usage: byte(USAGE)?,
        uses_per_pin,
    })
}

/// The value of tag A5.
pub(crate) fn encode_all(references: &[ControlReference]) -> Vec<u8> {
    let mut out = Writer::new();
    for reference in references {
        out = out.template(Tag::new(u32::from(reference.template.tag())), |fields| {
            let fields = fields
                .object(ALGORITHM, &[reference.algorithm])
                .object(KEY, &[reference.key])
                .object(USAGE, &[reference.usage]);
            match reference.uses_per_pin {
                0 => fields,
                uses => fields.template(COUNTERS, |c| c.object(USAGE_COUNTER, &uses.to_be_bytes())),
            }
        });
    }
    out.finish().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_template_round_trips() {
        let value = [
            0xB8, 0x09, 0x80, 1, 0x47, 0x83, 1, 0x81, 0x95, 1, 0x40, //
            0xB6, 0x0F, 0x80, 1, 0x57, 0x83, 1, 0x81, 0x95, 1, 0x40, 0xA3, 4, 0x90, 2, 0, 1,
        ];
        let parsed = parse_all(&value).expect("recorded bytes");
        assert_eq!(parsed.len(), 2);
        assert_eq!((parsed[0].algorithm, parsed[0].uses_per_pin), (0x47, 0));
        assert_eq!((parsed[1].template, parsed[1].uses_per_pin), (Template::Signature, 1));
        assert_eq!(encode_all(&parsed), value);
    }

    #[test]
    fn malformed_templates() {
        assert_eq!(parse_all(&[]), None);
        assert_eq!(parse_all(&[0xB9, 0]), None);
        assert_eq!(parse_all(&[0xB8, 3, 0x80, 1, 7]), None);
    }
}
