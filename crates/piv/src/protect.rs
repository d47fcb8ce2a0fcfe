//! The management key under the PIN's protection: reading what Yubico's tools left, and storing a key so
//! that no interruption loses it.
//!
//! The admin data (5FFF00) say how the key is kept: in the printed information (5FC109), which the card
//! shows after the PIN, or derived from the PIN and a salt, which is deprecated and only read here.

use zeroize::Zeroizing;

use crate::admin_data::ProtectedKey;
use crate::{AdminData, ManagementAlgorithm, ManagementKey, ObjectTag, PivCard, PivError, TouchPolicy};

impl PivCard<'_> {
    /// What Yubico's tools note about management key and PUK; nothing on a card without.
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object); [`PivError::Malformed`].
    pub fn admin_data(&mut self) -> Result<AdminData, PivError> {
        AdminData::parse(&self.object(ObjectTag::YUBICO_ADMIN_DATA)?.unwrap_or_default())
    }

    /// The management key that is stored under the PIN, which must be verified: usually one; two where a
    /// change was interrupted, the likely one first. Empty where none is stored.
    ///
    /// A key derived from the PIN is not stored: [`ManagementKey::derived`] makes it of the PIN and the
    /// salt in the [`admin_data`](Self::admin_data).
    ///
    /// # Errors
    ///
    /// As [`object`](Self::object): `6982` without the PIN; [`PivError::Malformed`].
    pub fn protected_management_keys(&mut self) -> Result<Vec<ManagementKey>, PivError> {
        if !self.admin_data()?.is_key_protected() {
            return Ok(Vec::new());
        }
        let Some(stored) = self.stored_key()? else { return Ok(Vec::new()) };
        let keys = stored.current.into_iter().chain(stored.next);
        keys.map(|bytes| ManagementKey::new(bytes, None)).collect()
    }

    /// Authenticates the administrator with the key that is stored under the PIN, which must be verified.
    /// `nonce` gives fresh randomness.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where no key is stored; what `nonce` says; as
    /// [`authenticate_management`](Self::authenticate_management).
    pub fn authenticate_protected(
        &mut self,
        mut nonce: impl FnMut() -> Result<[u8; 16], PivError>,
    ) -> Result<ManagementKey, PivError> {
        let mut outcome = Err(PivError::Unsupported("a management key under the PIN: none is stored"));
        for key in self.protected_management_keys()? {
            match self.authenticate_management(&key, nonce()?) {
                Ok(()) => {
                    let algorithm = self.state.facts.management_algorithm.or(key.algorithm());
                    return algorithm.map_or_else(|| Ok(key.clone()), |known| key.with_algorithm(known));
                }
                // The other one, should a change have been interrupted.
                Err(error @ (PivError::WrongManagementKey | PivError::OtherManagementAlgorithm(_))) => {
                    outcome = Err(error);
                }
                Err(error) => return Err(error),
            }
        }
        outcome
    }

    /// Makes `new` the management key and stores it under the PIN. Administrator and PIN must be
    /// authenticated. At every moment the card's key is the old one or stored on the card: what a broken-off
    /// change leaves is found by [`protected_management_keys`](Self::protected_management_keys).
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the printed information is in use for what it is named after; as
    /// [`set_management_key`](Self::set_management_key) and [`put_object`](Self::put_object). The card's
    /// key is the old one when the command that sets it was refused, else the new one, which is stored.
    pub fn protect_management_key(
        &mut self,
        new: &ManagementKey,
        touch: TouchPolicy,
    ) -> Result<(), PivError> {
        const IN_USE: PivError = PivError::Unsupported("a management key where printed information is");
        if new.algorithm().is_none() {
            return Err(PivError::InvalidInput("the new key's algorithm is not known"));
        }
        let admin = self.admin_data()?;
        let stored = self.stored_key()?.ok_or(IN_USE)?;
        let bytes = || new.as_bytes().into();
        let both = ProtectedKey { next: Some(bytes()), ..stored.clone() };
        self.put(ObjectTag::PRINTED, &both.encode())?;
        if !admin.is_key_protected() {
            self.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin.clone().protected_beside().encode())?;
        }
        if let Err(error) = self.set_management_key(new, touch) {
            // As it was; where this fails too, the old key is still the first one to be tried.
            let _ = self.put(ObjectTag::PRINTED, &stored.encode());
            let _ = self.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin.encode());
            return Err(error);
        }
        let only = ProtectedKey { current: Some(bytes()), next: None, ..stored };
        self.put(ObjectTag::PRINTED, &only.encode())?;
        self.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin.with_key_protected(true).encode())
    }

    /// Makes `new` the management key, which the caller keeps, and takes away what the card keeps beside the
    /// old one: the copy under the PIN, the salt. The administrator must be authenticated, and for the copy
    /// the PIN.
    ///
    /// # Errors
    ///
    /// As [`set_management_key`](Self::set_management_key); afterwards those of
    /// [`put_object`](Self::put_object), when the new key is the card's already.
    pub fn expose_management_key(&mut self, new: &ManagementKey, touch: TouchPolicy) -> Result<(), PivError> {
        let admin = self.admin_data()?;
        let stored = if admin.is_key_protected() { self.stored_key()? } else { None };
        self.set_management_key(new, touch)?;
        if admin.is_key_protected() || admin.salt().is_some() {
            self.put_object(ObjectTag::YUBICO_ADMIN_DATA, &admin.with_key_protected(false).encode())?;
        }
        match stored {
            Some(stored) => {
                let none = ProtectedKey { current: None, next: None, ..stored };
                self.put(ObjectTag::PRINTED, &none.encode())
            }
            None => Ok(()),
        }
    }

    /// The kind of management key this card has, where that was found out; asks where it was not.
    ///
    /// # Errors
    ///
    /// As [`management_metadata`](Self::management_metadata).
    pub fn management_algorithm(&mut self) -> Result<Option<ManagementAlgorithm>, PivError> {
        if self.state.facts.management_algorithm.is_none() {
            self.management_metadata()?;
        }
        Ok(self.state.facts.management_algorithm)
    }

    /// The printed information where it holds a management key, or nothing; `None` where it is in use.
    fn stored_key(&mut self) -> Result<Option<ProtectedKey>, PivError> {
        let value: Zeroizing<Vec<u8>> = self.secret_object(ObjectTag::PRINTED)?.unwrap_or_default();
        ProtectedKey::parse(&value)
    }
}
