//! Containers: their keys made, imported, read and deleted, and the keymap kept.
//!
//! The order of writes is chosen for a card torn out at any point: key file and key first, keymap second
//! (the container map is the caller's, and last); a deletion goes the other way round. A container
//! without key is never visible.

use cardmod_iso7816::tlv::{Reader, Tag, Writer, single};
use cardmod_iso7816::{Command, Le, StatusWord};
use cardmod_types::{ContainerIndex, EcPublicKey, KeyHalf, PrivateKey, PublicKey, RsaPublicKey};
use zeroize::Zeroizing;

use crate::algorithm::KeyAlgorithm;
use crate::card::{GidsCard, refused};
use crate::files::full;
use crate::keymap::{KeyRecord, Keymap};
use crate::keys::{CardKey, put_key};
use crate::layout::{ef, object};
use crate::templates::key_file_template;
use crate::{GidsCommand, GidsError};

/// Containers of a card: key references `81` to `9E`.
pub const MAX_CONTAINERS: u8 = 30;

/// Where a new key comes from.
#[derive(Clone, Copy)]
pub enum KeyMaterial<'a> {
    /// Generated on the card.
    Generate(KeyAlgorithm),
    /// Imported.
    Import(&'a PrivateKey),
}

impl KeyMaterial<'_> {
    fn algorithm(&self) -> Result<KeyAlgorithm, GidsError> {
        match self {
            Self::Generate(algorithm) => Ok(*algorithm),
            Self::Import(key) => {
                KeyAlgorithm::of(&key.public()).ok_or(GidsError::Unsupported("keys of this size"))
            }
        }
    }
}

impl GidsCard<'_> {
    /// The keymap; empty on a card that never had a container.
    ///
    /// # Errors
    ///
    /// [`GidsError::Malformed`], or the card's refusal.
    pub fn keymap(&mut self) -> Result<Keymap, GidsError> {
        let bytes = self.object(ef::TABLE, object::KEYMAP_OR_CARDID)?.unwrap_or_default();
        Keymap::parse(&bytes).map_err(|_| GidsError::Malformed("keymap"))
    }

    /// The key of a container.
    ///
    /// # Errors
    ///
    /// [`GidsError::NoKey`].
    pub fn key_record(&mut self, container: ContainerIndex) -> Result<KeyRecord, GidsError> {
        self.keymap()?.get(container).ok_or(GidsError::NoKey(container))
    }

    /// The key of a container, ready for use.
    ///
    /// # Errors
    ///
    /// [`GidsError::NoKey`]; [`GidsError::Unsupported`] for an algorithm this edge does not know.
    pub fn card_key(&mut self, container: ContainerIndex) -> Result<CardKey, GidsError> {
        let record = self.key_record(container)?;
        let algorithm = record.algorithm.ok_or(GidsError::Unsupported("the algorithm of this key"))?;
        Ok(CardKey { reference: record.key_reference(), algorithm })
    }

    /// Half and public key of a container, readable by everyone.
    ///
    /// # Errors
    ///
    /// [`GidsError::NoKey`]; the card's refusal; [`GidsError::Malformed`].
    pub fn container_key(&mut self, container: ContainerIndex) -> Result<(KeyHalf, PublicKey), GidsError> {
        let record = self.key_record(container)?;
        let reference = record.key_reference();
        if let Some(key) = self.state.content.key(reference) {
            return Ok((record.half, key));
        }
        let key = self.read_public_key(container, reference)?;
        self.state.content.set_key(reference, Some(key.clone()));
        Ok((record.half, key))
    }

    /// Makes the key of a container, or replaces it. The user must be verified: a replaced key's file may
    /// be deleted before the card gets to say so.
    ///
    /// # Errors
    ///
    /// [`GidsError::Full`] for a container out of range or a full card, [`GidsError::Unsupported`] when
    /// the container has a key of the other half (the profile gives a container one key) or for a key
    /// size without reference; the card's refusal. A failed replacement by a key of the same algorithm
    /// leaves what the card made of the old key; after any other failure the container has no key.
    pub fn create_key(
        &mut self,
        container: ContainerIndex,
        half: KeyHalf,
        material: KeyMaterial<'_>,
    ) -> Result<PublicKey, GidsError> {
        let algorithm = material.algorithm()?;
        let mut keymap = self.keymap()?;
        let old = keymap.get(container);
        if old.is_some_and(|record| record.half != half) {
            return Err(GidsError::Unsupported("two keys in one container"));
        }
        let reference = key_reference(container)?;
        self.state.content.set_key(reference, None);
        let reusable = old.is_some_and(|record| record.algorithm == Some(algorithm));
        let new_file = self.make_key_file(reference, algorithm, half, reusable)?;
        let filled = match material {
            KeyMaterial::Generate(_) => self.generate(container, reference, algorithm),
            KeyMaterial::Import(key) => self.import(reference, key).map(|()| key.public()),
        };
        let key = match filled {
            Ok(key) => key,
            Err(error) => {
                // A refusal leaves the key of an old file as it was; a new file must not stay empty.
                if new_file {
                    self.discard_key(container, reference, old.is_some());
                }
                return Err(full(error));
            }
        };
        let key_ef = key_ef(reference);
        if old != Some(KeyRecord { algorithm: Some(algorithm), half, ef: key_ef }) {
            keymap.set(container, algorithm, half, key_ef);
            self.put_object(ef::TABLE, object::KEYMAP_OR_CARDID, &keymap.to_bytes()).map_err(full)?;
        }
        self.state.content.set_key(reference, Some(key.clone()));
        Ok(key)
    }

    /// Deletes the key of a container; one without key is no error. What a creation or a deletion that was
    /// cut short left of it goes as well.
    ///
    /// # Errors
    ///
    /// The card's refusal: `6982` without the right.
    pub fn delete_key(&mut self, container: ContainerIndex) -> Result<(), GidsError> {
        let mut keymap = self.keymap()?;
        let Some(record) = keymap.get(container) else { return self.delete_stray_key(&keymap, container) };
        self.state.content.set_key(record.key_reference(), None);
        keymap.clear(container);
        self.put_object(ef::TABLE, object::KEYMAP_OR_CARDID, &keymap.to_bytes())?;
        self.delete_key_file(record.ef)
    }

    /// Deletes the key file that the keymap no longer, or not yet, knows of.
    fn delete_stray_key(&mut self, keymap: &Keymap, container: ContainerIndex) -> Result<(), GidsError> {
        let Ok(reference) = key_reference(container) else { return Ok(()) };
        let taken = |other| keymap.get(other).is_some_and(|record| record.ef == key_ef(reference));
        if keymap.used().any(taken) { Ok(()) } else { self.delete_key_file(key_ef(reference)) }
    }

    /// Containers that still can get a key.
    ///
    /// # Errors
    ///
    /// As [`keymap`](Self::keymap).
    pub fn free_containers(&mut self) -> Result<u32, GidsError> {
        let used = self.keymap()?.used().filter(|container| container.get() < MAX_CONTAINERS).count();
        Ok(u32::from(MAX_CONTAINERS) - used as u32)
    }

    /// CREATE FILE and ACTIVATE FILE for a key. A file left from before stays when it is of the same kind
    /// (`reusable`), else it is deleted. Returns whether the file is new.
    fn make_key_file(
        &mut self,
        reference: u8,
        algorithm: KeyAlgorithm,
        half: KeyHalf,
        reusable: bool,
    ) -> Result<bool, GidsError> {
        if reusable && self.select_file(key_ef(reference)).is_ok() {
            return Ok(false);
        }
        let template = key_file_template(reference, algorithm, half);
        let create = Command::new(0x00, 0xE0, 0x00, 0x00).secret_data(template);
        match self.command(GidsCommand::CreateFile, &create) {
            Err(GidsError::Status { status: StatusWord::FILE_EXISTS, .. }) => {
                self.delete_key_file(key_ef(reference))?;
                self.command(GidsCommand::CreateFile, &create).map_err(full)?;
            }
            other => {
                other.map_err(full)?;
            }
        }
        self.command(GidsCommand::ActivateFile, &Command::new(0x00, 0x44, 0x00, 0x00))?;
        Ok(true)
    }

    fn generate(
        &mut self,
        container: ContainerIndex,
        reference: u8,
        algorithm: KeyAlgorithm,
    ) -> Result<PublicKey, GidsError> {
        let crt = Writer::new()
            .template(Tag::new(0xAC), |crt| {
                crt.object(Tag::new(0x80), &[algorithm.reference()]).object(Tag::new(0x83), &[reference])
            })
            .finish();
        let command = Command::new(0x00, 0x47, 0x00, 0x00).secret_data(crt).le(Le::All);
        let answer = self.command(GidsCommand::GenerateKey, &command)?;
        let key = match parse_public_key(&answer) {
            Some(key) => key,
            None => self.read_public_key(container, reference)?,
        };
        if KeyAlgorithm::of(&key) == Some(algorithm) { Ok(key) } else { Err(GidsError::Malformed("new key")) }
    }

    fn import(&mut self, reference: u8, key: &PrivateKey) -> Result<(), GidsError> {
        let (kind, value) = match key {
            PrivateKey::Rsa(rsa) => (0x02, rsa.to_pkcs1_der().into_zeroizing()),
            PrivateKey::Ec(ec) => (0x03, ec_private_value(ec.d(), &ec.public().to_uncompressed())),
        };
        let data = put_key(reference, |parts| {
            parts
                .object(Tag::new(0x83), &[kind])
                .object(Tag::new(0x84), &[0x00])
                .object(Tag::new(0x87), &value)
        });
        self.command(GidsCommand::PutKey, &Command::new(0x00, 0xDB, 0x3F, 0xFF).secret_data(data)).map(drop)
    }

    fn read_public_key(&mut self, container: ContainerIndex, reference: u8) -> Result<PublicKey, GidsError> {
        // The tag 7F49 with the length 80 stands for "the whole template" (an extended header list).
        let request = [0x70, 0x08, 0x84, 0x01, reference, 0xA5, 0x03, 0x7F, 0x49, 0x80];
        let command = Command::new(0x00, 0xCB, 0x3F, 0xFF).data(&request).le(Le::All);
        let response = self.read(&command, |response| response.data.starts_with(&[0x7F, 0x49]))?;
        match response.status {
            StatusWord::OK => parse_public_key(&response.data).ok_or(GidsError::Malformed("public key")),
            StatusWord::REFERENCED_DATA_NOT_FOUND | StatusWord::FILE_NOT_FOUND => {
                Err(GidsError::NoKey(container))
            }
            status => Err(refused(GidsCommand::GetPublicKey, status)),
        }
    }

    /// After a failed creation: no half-made key file stays. The first error is the one to report, so
    /// what fails here is left.
    fn discard_key(&mut self, container: ContainerIndex, reference: u8, in_keymap: bool) {
        let outcome =
            if in_keymap { self.delete_key(container) } else { self.delete_key_file(key_ef(reference)) };
        drop(outcome);
    }

    /// SELECT of an EF, without answer.
    pub(crate) fn select_file(&mut self, ef: u16) -> Result<(), GidsError> {
        let command = Command::new(0x00, 0xA4, 0x00, 0x0C).data(&ef.to_be_bytes());
        self.command(GidsCommand::Select, &command).map(drop)
    }

    /// SELECT and DELETE FILE; a file that is missing is no error.
    fn delete_key_file(&mut self, ef: u16) -> Result<(), GidsError> {
        match self.select_file(ef) {
            Err(GidsError::Status { status: StatusWord::FILE_NOT_FOUND, .. }) => return Ok(()),
            other => other?,
        }
        self.state.environments.distrust();
        self.command(GidsCommand::DeleteFile, &Command::new(0x00, 0xE4, 0x00, 0x00)).map(drop)
    }
}

/// The reference of a container's key.
fn key_reference(container: ContainerIndex) -> Result<u8, GidsError> {
    match container.get() {
        index @ 0..MAX_CONTAINERS => Ok(0x81 + index),
        _ => Err(GidsError::Full("another container")),
    }
}

const fn key_ef(reference: u8) -> u16 {
    ef::FIRST_KEY & 0xFF00 | reference as u16
}

/// `SEQUENCE { INTEGER 1, OCTET STRING private, OCTET STRING point }` (GIDS, PUT KEY).
fn ec_private_value(private: &[u8], point: &[u8]) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(Tag::new(0x30), |key| {
            key.object(Tag::new(0x02), &[1]).object(Tag::new(0x04), private).object(Tag::new(0x04), point)
        })
        .finish()
}

/// `7F49 { 81 modulus, 82 exponent }` or `7F49 { 86 04‖X‖Y }`; the curve follows from the point's length.
fn parse_public_key(answer: &[u8]) -> Option<PublicKey> {
    let template = single(answer).ok().filter(|tlv| tlv.tag == Tag::new(object::PUBLIC_KEY))?;
    let part = |tag: u32| Reader::new(template.value).find(Tag::new(tag)).ok().flatten();
    if let Some(point) = part(0x86) {
        let algorithm = KeyAlgorithm::ALL
            .into_iter()
            .find(|algorithm| !algorithm.is_rsa() && 1 + 2 * algorithm.byte_len() == point.len())?;
        return EcPublicKey::from_uncompressed(algorithm.curve()?, point).ok().map(PublicKey::Ec);
    }
    let exponent = part(0x82)?;
    if exponent.len() > 4 {
        return None;
    }
    let exponent = exponent.iter().fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
    RsaPublicKey::new(part(0x81)?, exponent).ok().map(PublicKey::Rsa)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_keys_are_recognised() {
        let modulus = [&[0xC0][..], &[1; 127]].concat();
        let rsa = Writer::new()
            .template(Tag::new(0x7F49), |t| {
                t.object(Tag::new(0x81), &modulus).object(Tag::new(0x82), &[1, 0, 1])
            })
            .finish();
        let key = parse_public_key(&rsa).expect("RSA key");
        assert_eq!(KeyAlgorithm::of(&key), Some(KeyAlgorithm::Rsa1024));
        for answer in [&[][..], &[0x7F, 0x49, 0][..], &[0x7F, 0x49, 4, 0x86, 2, 4, 1][..], &rsa[..9]] {
            assert_eq!(parse_public_key(answer), None);
        }
    }

    #[test]
    fn containers_end_where_the_references_end() {
        assert_eq!(key_reference(ContainerIndex::new(0)), Ok(0x81));
        assert_eq!(key_reference(ContainerIndex::new(29)), Ok(0x9E));
        assert_eq!(key_reference(ContainerIndex::new(30)), Err(GidsError::Full("another container")));
        assert_eq!(key_ef(0x9E), 0xB09E);
    }
}
