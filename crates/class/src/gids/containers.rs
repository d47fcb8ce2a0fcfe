//! Containers: their public keys (kept in the host's cache), their use, their making and deleting.

use cardmod_gids::{CardKey, GidsCard, KeyAlgorithm, KeyMaterial, MAX_CONTAINERS, PinReference};
use cardmod_sdk::{
    CardContext, ContainerCreation, KeyAgreement, KeyRef, NewKey, Result, SignatureInput, Status,
};
use cardmod_types::{ContainerIndex, ContainerKeys, EcPublicKey, KeyHalf, PinId, SecretBytes};

use super::answer;
use super::module::GidsModule;

impl GidsModule {
    pub(crate) fn public_keys(
        &mut self,
        cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<ContainerKeys> {
        // Once for the entry: without a vouching host each look at them is a command.
        let counters = self.card(cx).counters_at_hand().map_err(answer::reading)?;
        let kept = counters.as_ref().and_then(|counters| self.kept_key(cx, index, counters));
        let (half, key) = match kept {
            Some(known) => known,
            None => {
                let read = self.at_hand(cx, |card| card.container_key(index));
                let (half, key) = read.map_err(answer::reading)?;
                if let Some(counters) = &counters {
                    self.keep_key(cx, index, (half, &key), counters);
                }
                (half, key)
            }
        };
        if let Some(counters) = &counters {
            self.keep_layout(cx, counters);
        }
        self.keep_puk(cx);
        Ok(match half {
            KeyHalf::Signature => ContainerKeys { signature: Some(key), key_exchange: None },
            KeyHalf::KeyExchange => ContainerKeys { signature: None, key_exchange: Some(key) },
        })
    }

    /// The key behind a reference, which must be of the kind the caller believes it to be.
    fn card_key(&mut self, cx: &mut CardContext<'_>, key: KeyRef) -> Result<CardKey> {
        let known =
            |card: &mut GidsCard<'_>| Ok((card.key_record(key.container)?, card.card_key(key.container)?));
        let (record, card_key) = self.at_hand(cx, known).map_err(answer::using_a_key)?;
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

impl KeyAgreement for GidsModule {
    fn agree(&mut self, cx: &mut CardContext<'_>, key: KeyRef, peer: &EcPublicKey) -> Result<SecretBytes> {
        let key = self.card_key(cx, key)?;
        self.card(cx).agree(key, peer).map_err(answer::using_a_key)
    }
}

impl ContainerCreation for GidsModule {
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
        self.forget_kept(cx, Some(key.container));
        self.card(cx)
            .create_key(key.container, key.spec.half(), material)
            .map(drop)
            .map_err(answer::making_a_key)
    }

    fn delete_container(&mut self, cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()> {
        self.forget_kept(cx, Some(index));
        self.card(cx).delete_key(index).map_err(answer::making_a_key)
    }
}
