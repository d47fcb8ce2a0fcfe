//! Elementary files: data objects, or one key.

use cardmod_crypto::KeyKind;
use cardmod_iso7816::tlv::Tag;
use zeroize::Zeroizing;

use super::access::AccessRules;
use super::crt::{self, ControlReference};
use crate::model::codec::{Decoder, Encoder, Malformed};

/// Where an EF is in its life (GIDS 2.0, Table 18; the numbers are tag 8A's).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileState {
    /// Created and not activated: access rules do not hold yet.
    Initialisation = 3,
    /// A key EF without a key.
    Deactivated = 4,
    /// In use.
    Activated = 5,
}

/// An elementary file.
#[derive(Clone)]
pub(crate) struct ElementaryFile {
    pub(crate) state: FileState,
    pub(crate) rules: AccessRules,
    pub(crate) content: Content,
}

/// What a file holds.
#[derive(Clone)]
pub(crate) enum Content {
    /// BER-TLV data objects, in the order they were created. The value may be empty.
    Objects(Vec<(Tag, Zeroizing<Vec<u8>>)>),
    /// One key and what it may be used for.
    Key { uses: Vec<ControlReference>, key: Option<StoredKey> },
}

/// A key in a key EF.
#[derive(Clone)]
pub(crate) struct StoredKey {
    /// Random name of this very key, so that prepared copies are told from its successors.
    pub(crate) id: u64,
    pub(crate) material: Material,
}

/// The secret half.
#[derive(Clone)]
pub(crate) enum Material {
    /// DER private key and the public key template 7F49.
    Asymmetric { kind: KeyKind, der: Zeroizing<Vec<u8>>, public: Vec<u8> },
    /// A triple-DES key.
    Symmetric(Zeroizing<Vec<u8>>),
}

impl ElementaryFile {
    /// Bytes this file takes from the card's capacity.
    pub(crate) fn size(&self) -> usize {
        const FILE: usize = 16;
        FILE + match &self.content {
            Content::Objects(objects) => {
                objects.iter().map(|(tag, value)| object_size(*tag, value.len())).sum()
            }
            Content::Key { key, .. } => match key.as_ref().map(|key| &key.material) {
                Some(Material::Asymmetric { der, public, .. }) => der.len() + public.len(),
                Some(Material::Symmetric(key)) => key.len(),
                None => 0,
            },
        }
    }

    pub(crate) fn encode(&self, out: &mut Encoder) {
        out.byte(self.state as u8);
        out.bytes(self.rules.as_bytes());
        match &self.content {
            Content::Objects(objects) => {
                out.byte(0);
                out.long(u32::try_from(objects.len()).unwrap_or(u32::MAX));
                for (tag, value) in objects {
                    out.long(tag.get());
                    out.bytes(value);
                }
            }
            Content::Key { uses, key } => {
                out.byte(1);
                out.bytes(&crt::encode_all(uses));
                out.option(key.as_ref(), |out, key| key.encode(out));
            }
        }
    }

    pub(crate) fn decode(read: &mut Decoder<'_>) -> Result<ElementaryFile, Malformed> {
        let state = match read.byte()? {
            3 => FileState::Initialisation,
            4 => FileState::Deactivated,
            5 => FileState::Activated,
            _ => return Err(Malformed),
        };
        let rules = AccessRules::parse(read.bytes()?).ok_or(Malformed)?;
        let content = match read.byte()? {
            0 => {
                let count = read.long()?;
                let object = |_| Ok((Tag::new(read.long()?), Zeroizing::new(read.bytes()?.to_vec())));
                Content::Objects((0..count).map(object).collect::<Result<_, _>>()?)
            }
            1 => Content::Key {
                uses: crt::parse_all(read.bytes()?).ok_or(Malformed)?,
                key: read.option(StoredKey::decode)?,
            },
            _ => return Err(Malformed),
        };
        Ok(ElementaryFile { state, rules, content })
    }
}

/// Bytes of a data object with its tag and length.
pub(crate) fn object_size(tag: Tag, len: usize) -> usize {
    tag.bytes().len() + cardmod_iso7816::tlv::length_field(len).len() + len
}

impl StoredKey {
    fn encode(&self, out: &mut Encoder) {
        out.quad(self.id);
        match &self.material {
            Material::Symmetric(key) => {
                out.byte(0);
                out.bytes(key);
            }
            Material::Asymmetric { kind, der, public } => {
                out.byte(if kind.is_rsa() { 1 } else { 2 });
                out.long(kind.bits());
                out.bytes(der);
                out.bytes(public);
            }
        }
    }

    fn decode(read: &mut Decoder<'_>) -> Result<StoredKey, Malformed> {
        let id = read.quad()?;
        let shape = read.byte()?;
        if shape == 0 {
            return Ok(StoredKey {
                id,
                material: Material::Symmetric(Zeroizing::new(read.bytes()?.to_vec())),
            });
        }
        let kind = match (shape, read.long()?) {
            (1, bits) => KeyKind::rsa(bits).map_err(|_| Malformed)?,
            (2, 256) => KeyKind::P256,
            (2, 384) => KeyKind::P384,
            (2, 521) => KeyKind::P521,
            _ => return Err(Malformed),
        };
        let der = Zeroizing::new(read.bytes()?.to_vec());
        Ok(StoredKey { id, material: Material::Asymmetric { kind, der, public: read.bytes()?.to_vec() } })
    }
}
