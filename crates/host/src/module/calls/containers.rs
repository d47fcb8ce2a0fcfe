//! Containers: creation, deletion, public keys.

use cardmod_sys::{CARD_CREATE_CONTAINER_KEY_GEN, CARD_CREATE_CONTAINER_KEY_IMPORT};
use cardmod_types::{ContainerIndex, ContainerKeys, KeySpec, PinId, PrivateKey, PublicKey};

use crate::module::context::Context;
use crate::module::function::{CallError, CardFunction};
use crate::module::layout;

impl Context {
    /// `CardCreateContainer` with a key generated on the card (specification 7.07, section 4.2.4).
    /// `bits` is the length of an RSA key; a curve says its own.
    ///
    /// # Errors
    /// The module's code.
    pub fn generate_key(&mut self, index: ContainerIndex, spec: KeySpec, bits: u32) -> Result<(), CallError> {
        let bits = if spec.is_rsa() { bits } else { 0 };
        self.touched.containers.push(index);
        self.table.create_container(index.get(), CARD_CREATE_CONTAINER_KEY_GEN, spec.code(), bits, None)
    }

    /// `CardCreateContainer` with an imported key.
    ///
    /// # Errors
    /// The module's code.
    pub fn import_key(
        &mut self,
        index: ContainerIndex,
        spec: KeySpec,
        key: &PrivateKey,
    ) -> Result<(), CallError> {
        let bits = if spec.is_rsa() { key.public().bits() } else { 0 };
        let blob = key.to_blob(spec);
        let flags = CARD_CREATE_CONTAINER_KEY_IMPORT;
        self.touched.containers.push(index);
        self.table.create_container(index.get(), flags, spec.code(), bits, Some(blob.as_bytes()))
    }

    /// `CardCreateContainerEx` with a key generated on the card, owned by a role (version 7).
    ///
    /// # Errors
    /// The module's code.
    pub fn generate_key_ex(
        &mut self,
        index: ContainerIndex,
        spec: KeySpec,
        bits: u32,
        owner: PinId,
    ) -> Result<(), CallError> {
        let bits = if spec.is_rsa() { bits } else { 0 };
        let flags = CARD_CREATE_CONTAINER_KEY_GEN;
        self.touched.containers.push(index);
        self.table.create_container_ex(index.get(), flags, spec.code(), bits, None, owner.get())
    }

    /// `CardCreateContainerEx` with an imported key, owned by a role (version 7).
    ///
    /// # Errors
    /// The module's code.
    pub fn import_key_ex(
        &mut self,
        index: ContainerIndex,
        spec: KeySpec,
        key: &PrivateKey,
        owner: PinId,
    ) -> Result<(), CallError> {
        let bits = if spec.is_rsa() { key.public().bits() } else { 0 };
        let blob = key.to_blob(spec);
        let flags = CARD_CREATE_CONTAINER_KEY_IMPORT;
        self.touched.containers.push(index);
        self.table.create_container_ex(
            index.get(),
            flags,
            spec.code(),
            bits,
            Some(blob.as_bytes()),
            owner.get(),
        )
    }

    /// `CardDeleteContainer` (specification 7.07, section 4.2.5): deletes both keys; a container that
    /// does not exist is no error.
    ///
    /// # Errors
    /// The module's code.
    pub fn delete_container(&mut self, index: ContainerIndex) -> Result<(), CallError> {
        self.touched.containers.push(index);
        self.table.delete_container(index.get())
    }

    /// `CardGetContainerInfo` (specification 7.07, section 4.2.6): the public keys.
    ///
    /// # Errors
    /// The module's code, `SCARD_E_NO_KEY_CONTAINER` for a container that does not exist; or keys
    /// that cannot be.
    pub fn get_container_info(&mut self, index: ContainerIndex) -> Result<ContainerKeys, CallError> {
        let function = CardFunction::GetContainerInfo;
        let mut info = layout::ContainerInfo::new();
        self.table.get_container_info(index.get(), &mut info)?;
        // Both blocks are taken before either is looked at, so that neither stays behind.
        let signature = self.take(function, &info.signature());
        let key_exchange = self.take(function, &info.key_exchange());
        Ok(ContainerKeys { signature: public_key(&signature?)?, key_exchange: public_key(&key_exchange?)? })
    }
}

/// A public key; an empty blob is none.
fn public_key(blob: &[u8]) -> Result<Option<PublicKey>, CallError> {
    if blob.is_empty() {
        return Ok(None);
    }
    let (key, _half) = PublicKey::from_blob(blob)
        .map_err(|_| CallError::lie(CardFunction::GetContainerInfo, "gave a public key blob that is none"))?;
    Ok(Some(key))
}
