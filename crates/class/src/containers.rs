//! Containers: their public keys (kept in the host's cache), their use, their making and deleting.

use cardmod_gids::{CardKey, KeyAlgorithm, KeyMaterial, MAX_CONTAINERS, PinReference};
use cardmod_sdk::{
    CardContext, ContainerCreation, KeyAgreement, KeyRef, NewKey, Result, SignatureInput, Status,
};
use cardmod_types::{ContainerIndex, ContainerKeys, EcPublicKey, KeyHalf, PinId, PublicKey, SecretBytes};

use crate::ClassModule;
use crate::answer;

impl ClassModule {
    pub(crate) fn public_keys(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<ContainerKeys> {
        let tag = self.cache_tag(cx, index)?;
        let cached = tag.as_ref().and_then(|tag| cx.cache().lookup(tag)).and_then(|entry| read_entry(&entry));
        let (half, key) = match cached {
            Some(known) => known,
            None => {
                let (half, key) = self.card(cx).container_key(index).map_err(answer::reading)?;
                if let Some(tag) = &tag {
                    cx.cache().add(tag, &write_entry(half, &key));
                }
                (half, key)
            }
        };
        Ok(match half {
            KeyHalf::Signature => ContainerKeys { signature: Some(key), key_exchange: None },
            KeyHalf::KeyExchange => ContainerKeys { signature: None, key_exchange: Some(key) },
        })
    }

    /// The name of a container's entry in the host's cache: it contains the card's counters, so that a
    /// change by anybody makes it another name. `None` where the counters were not read yet: reading them
    /// for this alone could cost more than the cache saves.
    fn cache_tag(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<Option<String>> {
        let counters = self.card(cx).counters_at_hand().map_err(answer::reading)?;
        Ok(counters.map(|counters| {
            format!("gids-key-{:02x}-{:04x}-{:04x}", index.get(), counters.containers, counters.files)
        }))
    }

    /// A change of the container makes the host forget what it kept under the present counters.
    fn forget_cached(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()> {
        if let Some(tag) = self.cache_tag(cx, index)? {
            cx.cache().delete(&tag);
        }
        Ok(())
    }

    /// The key behind a reference, which must be of the kind the caller believes it to be.
    fn card_key(&mut self, cx: &mut CardContext<'_>, key: KeyRef) -> Result<CardKey> {
        let mut card = self.card(cx);
        let record = card.key_record(key.container).map_err(answer::using_a_key)?;
        let card_key = card.card_key(key.container).map_err(answer::using_a_key)?;
        let same = record.half == key.spec.half() && card_key.algorithm.curve() == key.spec.curve();
        if same { Ok(card_key) } else { Err(Status::NoKeyContainer) }
    }

    pub(crate) fn sign_with(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        input: &SignatureInput<'_>,
    ) -> Result<Vec<u8>> {
        let key = self.card_key(cx, key)?;
        let mut card = self.card(cx);
        match *input {
            SignatureInput::Pkcs1(digest_info) => card.sign_pkcs1(key, digest_info),
            SignatureInput::RawRsa(block) => card.sign_raw(key, block),
            SignatureInput::Ecdsa(hash) => card.sign_ecdsa(key, hash),
        }
        .map_err(answer::using_a_key)
    }

    pub(crate) fn decrypt_with(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        ciphertext: &[u8],
    ) -> Result<SecretBytes> {
        let key = self.card_key(cx, key)?;
        self.card(cx).decipher_raw(key, ciphertext).map_err(answer::using_a_key)
    }

    /// Keys are the user's, and only the user makes them. The card would find out too late: a key about
    /// to be replaced would be gone.
    pub(crate) fn require_user(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        let mut card = self.card(cx);
        if card.user_is_verified() {
            return Ok(());
        }
        match card.is_verified(PinReference::User).map_err(answer::reading)? {
            true => Ok(()),
            false => Err(Status::SecurityViolation),
        }
    }
}

impl KeyAgreement for ClassModule {
    fn agree(&mut self, cx: &mut CardContext<'_>, key: KeyRef, peer: &EcPublicKey) -> Result<SecretBytes> {
        let key = self.card_key(cx, key)?;
        self.card(cx).agree(key, peer).map_err(answer::using_a_key)
    }
}

impl ContainerCreation for ClassModule {
    fn create_key(
        &mut self,
        cx: &mut CardContext<'_>,
        key: KeyRef,
        new: NewKey<'_>,
        owner: PinId,
    ) -> Result<()> {
        if key.container.get() >= MAX_CONTAINERS {
            return Err(Status::NoKeyContainer);
        }
        if owner != PinId::USER {
            return Err(Status::InvalidParameter);
        }
        self.check_curves(key.spec)?;
        let material = match (new, key.spec.curve()) {
            (NewKey::Import(private), _) => KeyMaterial::Import(private),
            (NewKey::Generate { .. }, Some(curve)) => KeyMaterial::Generate(KeyAlgorithm::ec(curve)),
            (NewKey::Generate { bits }, None) => {
                KeyMaterial::Generate(KeyAlgorithm::rsa(bits).ok_or(Status::UnsupportedFeature)?)
            }
        };
        self.require_user(cx)?;
        self.forget_cached(cx, key.container)?;
        self.card(cx)
            .create_key(key.container, key.spec.half(), material)
            .map(drop)
            .map_err(answer::making_a_key)
    }

    fn delete_container(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()> {
        self.forget_cached(cx, index)?;
        self.card(cx).delete_key(index).map_err(answer::making_a_key)
    }
}

/// A cache entry: the half, then the public key as `SubjectPublicKeyInfo`.
fn write_entry(half: KeyHalf, key: &PublicKey) -> Vec<u8> {
    let mut entry = vec![match half {
        KeyHalf::Signature => 2,
        KeyHalf::KeyExchange => 1,
    }];
    entry.extend(key.to_spki_der());
    entry
}

fn read_entry(entry: &[u8]) -> Option<(KeyHalf, PublicKey)> {
    let (half, key) = match entry {
        [1, key @ ..] => (KeyHalf::KeyExchange, key),
        [2, key @ ..] => (KeyHalf::Signature, key),
        _ => return None,
    };
    PublicKey::from_spki_der(key).ok().map(|key| (half, key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::RsaPublicKey;

    #[test]
    fn cache_entries_come_back_and_foreign_ones_do_not() {
        let modulus = [&[0xC1][..], &[1; 127]].concat();
        let key = PublicKey::Rsa(RsaPublicKey::new(&modulus, 65_537).expect("key"));
        for half in [KeyHalf::Signature, KeyHalf::KeyExchange] {
            assert_eq!(read_entry(&write_entry(half, &key)), Some((half, key.clone())));
        }
        for entry in [&[][..], &[3, 0x30, 0][..], &[1][..], &[1, 0x30, 0x80][..]] {
            assert_eq!(read_entry(entry), None);
        }
    }
}
