//! What Yubico's tools keep beside a management key: the admin data (object 5FFF00), which everybody
//! reads, and the key itself in the printed information (object 5FC109), which needs the PIN.
//!
//! Source: Yubico, PIV extensions, "Admin access". The admin data are `80 {81 flags, 82 salt, 83 time}`,
//! the protected key is `88 {89 key}`. Objects nobody here knows are kept as they were read.

use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};
use cardmod_types::SecretBytes;
use zeroize::Zeroizing;

use crate::PivError;

/// Template of the admin data.
const ADMIN: Tag = Tag::new(0x80);
/// Flags, one byte.
const FLAGS: Tag = Tag::new(0x81);
/// Salt of a key derived from the PIN.
const SALT: Tag = Tag::new(0x82);
/// When the PIN was changed last.
const TIMESTAMP: Tag = Tag::new(0x83);
/// Template of the protected key.
const PROTECTED: Tag = Tag::new(0x88);
/// The key in it.
const KEY: Tag = Tag::new(0x89);
/// A key in it that is about to become the card's: an addition of this project, so that no
/// interruption of a change loses the key.
const NEXT_KEY: Tag = Tag::new(0x8A);

/// Flag: the PUK was blocked on purpose.
const PUK_BLOCKED: u8 = 0x01;
/// Flag: the management key is stored under the PIN's protection.
const KEY_PROTECTED: u8 = 0x02;

/// The admin data.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AdminData {
    flags: u8,
    salt: Option<Vec<u8>>,
    timestamp: Option<Vec<u8>>,
    /// Encoded objects with other tags.
    others: Vec<u8>,
}

impl AdminData {
    /// Reads the object's value (without the outer `53`). An empty one says nothing.
    ///
    /// # Errors
    ///
    /// [`PivError::Malformed`].
    pub fn parse(value: &[u8]) -> Result<Self, PivError> {
        const MALFORMED: PivError = PivError::Malformed("admin data");
        let mut data = Self::default();
        if value.is_empty() {
            return Ok(data);
        }
        let template = single(value).ok().filter(|tlv| tlv.tag == ADMIN).ok_or(MALFORMED)?;
        for tlv in template.children() {
            let tlv = tlv.map_err(|_| MALFORMED)?;
            match (tlv.tag, tlv.value) {
                (FLAGS, [flags]) => data.flags = *flags,
                (FLAGS, _) => return Err(MALFORMED),
                (SALT, salt) => data.salt = Some(salt.to_vec()),
                (TIMESTAMP, time) => data.timestamp = Some(time.to_vec()),
                _ => data.others.extend_from_slice(tlv.raw),
            }
        }
        Ok(data)
    }

    /// The object's value.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let inner = |mut writer: Writer| {
            if self.flags != 0 {
                writer = writer.object(FLAGS, &[self.flags]);
            }
            if let Some(salt) = &self.salt {
                writer = writer.object(SALT, salt);
            }
            if let Some(time) = &self.timestamp {
                writer = writer.object(TIMESTAMP, time);
            }
            writer.encoded(&self.others)
        };
        Writer::new().template(ADMIN, inner).finish().to_vec()
    }

    /// Whether the tools blocked the PUK on purpose, since it would give the management key away.
    #[must_use]
    pub const fn is_puk_blocked(&self) -> bool {
        self.flags & PUK_BLOCKED != 0
    }

    /// Whether the management key is stored in the printed information.
    #[must_use]
    pub const fn is_key_protected(&self) -> bool {
        self.flags & KEY_PROTECTED != 0
    }

    /// The salt, where the management key is derived from the PIN, which is deprecated.
    #[must_use]
    pub fn salt(&self) -> Option<&[u8]> {
        self.salt.as_deref()
    }

    /// The same, telling whether the key is stored under the PIN. A derived key there is none afterwards.
    #[must_use]
    pub fn with_key_protected(mut self, protected: bool) -> Self {
        self.flags = if protected { self.flags | KEY_PROTECTED } else { self.flags & !KEY_PROTECTED };
        self.salt = None;
        self
    }

    /// The same while a key is being stored: a salt stays as long as the derived key is the card's.
    #[must_use]
    pub(crate) fn protected_beside(mut self) -> Self {
        self.flags |= KEY_PROTECTED;
        self
    }

    /// The same, telling whether the PUK was blocked on purpose.
    #[must_use]
    pub const fn with_puk_blocked(mut self, blocked: bool) -> Self {
        self.flags = if blocked { self.flags | PUK_BLOCKED } else { self.flags & !PUK_BLOCKED };
        self
    }
}

/// The printed information where it holds a management key.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct ProtectedKey {
    /// The card's key.
    pub(crate) current: Option<SecretBytes>,
    /// The key that a change was about to set when it was interrupted, if it was.
    pub(crate) next: Option<SecretBytes>,
    /// Encoded objects with other tags.
    pub(crate) others: Zeroizing<Vec<u8>>,
}

impl ProtectedKey {
    /// Reads the object's value; `None` where the object is used for what it is named after.
    pub(crate) fn parse(value: &[u8]) -> Result<Option<Self>, PivError> {
        const MALFORMED: PivError = PivError::Malformed("protected management key");
        let mut key = Self::default();
        let mut found = value.is_empty();
        for tlv in Reader::new(value) {
            let Ok(tlv) = tlv else { return if found { Err(MALFORMED) } else { Ok(None) } };
            if tlv.tag != PROTECTED {
                return Ok(None);
            }
            found = true;
            for child in tlv.children() {
                let child = child.map_err(|_| MALFORMED)?;
                match child.tag {
                    KEY => key.current = Some(SecretBytes::from(child.value)),
                    NEXT_KEY => key.next = Some(SecretBytes::from(child.value)),
                    _ => key.others.extend_from_slice(child.raw),
                }
            }
        }
        Ok(Some(key))
    }

    /// The object's value.
    pub(crate) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let inner = |mut writer: Writer| {
            if let Some(key) = &self.current {
                writer = writer.object(KEY, key.as_bytes());
            }
            if let Some(key) = &self.next {
                writer = writer.object(NEXT_KEY, key.as_bytes());
            }
            writer.encoded(&self.others)
        };
        Writer::new().template(PROTECTED, inner).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_data_of_the_vendor_tools() {
        let bytes = [0x80, 0x0A, 0x81, 0x01, 0x03, 0x82, 0x01, 0xAA, 0x99, 0x02, 1, 2];
        let data = AdminData::parse(&bytes).unwrap();
        assert!(data.is_puk_blocked() && data.is_key_protected());
        assert_eq!(data.salt(), Some(&[0xAA][..]));
        assert_eq!(data.encode(), bytes, "what is not known is kept");
        let plain = data.with_key_protected(false);
        assert_eq!(plain.encode(), [0x80, 0x07, 0x81, 0x01, 0x01, 0x99, 0x02, 1, 2]);
        assert_eq!(plain.with_puk_blocked(false).encode(), [0x80, 0x04, 0x99, 0x02, 1, 2]);
    }

    #[test]
    fn admin_data_that_are_none() {
        assert_eq!(AdminData::parse(&[]).unwrap(), AdminData::default());
        assert_eq!(AdminData::default().encode(), [0x80, 0x00]);
        for bytes in
            [&[0x81, 0x01, 0x02][..], &[0x80, 0x05, 0x81], &[0x80, 0x02, 0x81, 0x00], &[0x80, 0x00, 0x80]]
        {
            assert_eq!(AdminData::parse(bytes), Err(PivError::Malformed("admin data")), "{bytes:02X?}");
        }
    }

    #[test]
    fn a_protected_key_comes_back_and_printed_information_is_left_alone() {
        let bytes = [0x88, 0x08, 0x89, 0x02, 7, 8, 0x8A, 0x02, 9, 9];
        let key = ProtectedKey::parse(&bytes).unwrap().unwrap();
        assert_eq!(key.current, Some(SecretBytes::from(&[7, 8])));
        assert_eq!(key.next, Some(SecretBytes::from(&[9, 9])));
        assert_eq!(*key.encode(), bytes);
        assert_eq!(ProtectedKey::parse(&[]).unwrap(), Some(ProtectedKey::default()));
        assert_eq!(ProtectedKey::parse(&[0x01, 0x01, b'A', 0xFE, 0x00]).unwrap(), None);
        assert_eq!(ProtectedKey::parse(b"no objects at all").unwrap(), None);
        assert!(ProtectedKey::parse(&[0x88, 0x03, 0x89, 0x05, 1]).is_err());
        assert_eq!(format!("{key:?}").matches("SecretBytes(2)").count(), 2);
    }
}
