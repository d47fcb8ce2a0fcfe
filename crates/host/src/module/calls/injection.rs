//! Secure key injection (version 7, specification 7.07, section 4.8): session keys and what is done
//! with them. Modules without it answer `SCARD_E_UNSUPPORTED_FEATURE`.

use cardmod_sys::{CARD_ENCRYPTED_DATA, CARD_PADDING_NONE, CARD_PADDING_OAEP, CARD_PADDING_PKCS1};
use cardmod_types::{ContainerIndex, HashAlgorithm, SecretBytes};
use zeroize::Zeroizing;

use super::properties::grow;
use super::{fits, view, wide};
use crate::module::context::Context;
use crate::module::function::{CallError, CardFunction};
use crate::module::layout::{EncryptedParts, PaddingInfo};
use crate::module::table::Block;

/// A key the module holds, by its handle.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedKey(usize);

/// How a session key was encrypted to the card's key.
#[derive(Clone, Debug)]
pub enum SessionKeyPadding {
    /// Not padded.
    None,
    /// PKCS #1 v1.5.
    Pkcs1,
    /// OAEP.
    Oaep(OaepParameters),
}

/// The parameters of OAEP.
#[derive(Clone, Debug)]
pub struct OaepParameters {
    /// The hash.
    pub hash: HashAlgorithm,
    /// The label.
    pub label: Vec<u8>,
}

impl Context {
    /// `MDImportSessionKey`: a plain session key into the module.
    ///
    /// # Errors
    /// The module's code.
    pub fn md_import_session_key(
        &mut self,
        blob_type: &str,
        algorithm: &str,
        blob: &SecretBytes,
    ) -> Result<SharedKey, CallError> {
        let function = CardFunction::ImportSessionKeyIntoModule;
        let (blob_type, algorithm) = (wide(function, blob_type)?, wide(function, algorithm)?);
        let mut key = 0;
        let (blob_type, algorithm) = (view(function, &blob_type)?, view(function, &algorithm)?);
        self.table.md_import_session_key(blob_type, algorithm, &mut key, blob.as_bytes())?;
        Ok(SharedKey(key))
    }

    /// `MDEncryptData`: encrypts a request for the card.
    ///
    /// # Errors
    /// The module's code, or parts that cannot be.
    pub fn md_encrypt_data(
        &mut self,
        key: &SharedKey,
        secure_function: &str,
        data: &SecretBytes,
        flags: u32,
    ) -> Result<Vec<Vec<u8>>, CallError> {
        let function = CardFunction::EncryptData;
        let name = wide(function, secure_function)?;
        let mut parts = Block::EMPTY;
        self.table.md_encrypt_data(key.0, view(function, &name)?, data.as_bytes(), flags, &mut parts)?;
        self.take_parts(&parts)
    }

    /// The array a module answered, then each block it points at; all are taken before any is judged.
    fn take_parts(&self, array: &Block) -> Result<Vec<Vec<u8>>, CallError> {
        const POINTER: usize = size_of::<usize>();
        let function = CardFunction::EncryptData;
        let entry = size_of::<CARD_ENCRYPTED_DATA>();
        let entry_len = u32::try_from(entry).unwrap_or(u32::MAX);
        let length = array.length.checked_mul(entry_len);
        let length =
            length.ok_or_else(|| CallError::lie(function, "told a number of parts that cannot be"))?;
        let array = self.take(function, &Block { pointer: array.pointer, length })?;
        let parts: Vec<_> = array
            .chunks_exact(entry)
            .map(|entry| {
                let (mut address, mut length) = ([0; POINTER], [0; 4]);
                address.copy_from_slice(&entry[..POINTER]);
                length.copy_from_slice(&entry[POINTER..POINTER + 4]);
                let pointer = std::ptr::with_exposed_provenance_mut(usize::from_ne_bytes(address));
                self.take(function, &Block { pointer, length: u32::from_ne_bytes(length) })
            })
            .collect();
        parts.into_iter().map(|part| part.map(|part| part.to_vec())).collect()
    }

    /// `CardImportSessionKey`: a session key encrypted to the RSA key of a container.
    ///
    /// # Errors
    /// The module's code.
    pub fn import_session_key(
        &mut self,
        index: ContainerIndex,
        padding: &SessionKeyPadding,
        (blob_type, algorithm): (&str, &str),
        blob: &[u8],
    ) -> Result<SharedKey, CallError> {
        let function = CardFunction::ImportSessionKey;
        fits(function, blob)?;
        let (blob_type, algorithm) = (wide(function, blob_type)?, wide(function, algorithm)?);
        let hash = match padding {
            SessionKeyPadding::Oaep(oaep) => wide(function, oaep.hash.cng_name())?,
            SessionKeyPadding::None | SessionKeyPadding::Pkcs1 => vec![0],
        };
        let (mut info, flags) = match padding {
            SessionKeyPadding::None => (PaddingInfo::Absent, CARD_PADDING_NONE),
            SessionKeyPadding::Pkcs1 => (PaddingInfo::Absent, CARD_PADDING_PKCS1),
            SessionKeyPadding::Oaep(oaep) => {
                (PaddingInfo::oaep(view(function, &hash)?, &oaep.label), CARD_PADDING_OAEP)
            }
        };
        let mut key = 0;
        let (blob_type, algorithm) = (view(function, &blob_type)?, view(function, &algorithm)?);
        self.table.import_session_key(index.get(), &mut info, blob_type, algorithm, &mut key, blob, flags)?;
        Ok(SharedKey(key))
    }

    /// `CardGetSharedKeyHandle`: a key both sides have. Without a key in the answer the output goes
    /// to the other side, and its answer in again.
    ///
    /// # Errors
    /// The module's code.
    pub fn get_shared_key_handle(
        &mut self,
        data: Option<&[u8]>,
    ) -> Result<(Option<SharedKey>, Zeroizing<Vec<u8>>), CallError> {
        let function = CardFunction::GetSharedKeyHandle;
        data.map_or(Ok(()), |data| fits(function, data))?;
        let (mut output, mut key) = (Block::EMPTY, 0);
        self.table.get_shared_key_handle(data, &mut output, &mut key)?;
        let output = self.take(function, &output)?;
        Ok(((key != 0).then_some(SharedKey(key)), output))
    }

    /// `CardGetAlgorithmProperty`.
    ///
    /// # Errors
    /// The module's code, or an answer that cannot be.
    pub fn get_algorithm_property(
        &mut self,
        algorithm: &str,
        name: &str,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let function = CardFunction::GetAlgorithmProperty;
        let (algorithm, name) = (wide(function, algorithm)?, wide(function, name)?);
        let (algorithm, name) = (view(function, &algorithm)?, view(function, &name)?);
        let table = &mut self.table;
        grow(function, 1, size_of::<cardmod_sys::CARD_KEY_SIZES>(), |buffer, needed| {
            table.get_algorithm_property(algorithm, name, buffer, needed)
        })
    }

    /// `CardGetKeyProperty`.
    ///
    /// # Errors
    /// The module's code, or an answer that cannot be.
    pub fn get_key_property(&mut self, key: &SharedKey, name: &str) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let function = CardFunction::GetKeyProperty;
        let name = wide(function, name)?;
        let name = view(function, &name)?;
        let table = &mut self.table;
        grow(function, 0, 4, |buffer, needed| table.get_key_property(key.0, name, buffer, needed))
    }

    /// `CardSetKeyProperty`.
    ///
    /// # Errors
    /// The module's code.
    pub fn set_key_property(&mut self, key: &SharedKey, name: &str, data: &[u8]) -> Result<(), CallError> {
        let function = CardFunction::SetKeyProperty;
        fits(function, data)?;
        let name = wide(function, name)?;
        self.table.set_key_property(key.0, view(function, &name)?, data)
    }

    /// `CardDestroyKey`.
    ///
    /// # Errors
    /// The module's code; the handle is forgotten in any case.
    pub fn destroy_key(&mut self, key: SharedKey) -> Result<(), CallError> {
        let SharedKey(handle) = key;
        self.table.destroy_key(handle)
    }

    /// `CardProcessEncryptedData`: the card decrypts and executes. The answer's length is asked for
    /// first, which executes nothing.
    ///
    /// # Errors
    /// The module's code, or an answer that cannot be.
    pub fn process_encrypted_data(
        &mut self,
        key: &SharedKey,
        secure_function: &str,
        parts: &[Vec<u8>],
        flags: u32,
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let function = CardFunction::ProcessEncryptedData;
        for part in parts {
            fits(function, part)?;
        }
        let name = wide(function, secure_function)?;
        let name = view(function, &name)?;
        let mut needed = 0;
        let mut list = EncryptedParts::new(parts);
        self.table.process_encrypted_data(key.0, name, &mut list, None, &mut needed, flags)?;
        let length = usize::try_from(needed).ok().filter(|length| *length <= 64 * 1024);
        let length = length.ok_or_else(|| CallError::lie(function, "wants a buffer larger than any"))?;
        let mut output = Zeroizing::new(vec![0; length]);
        self.table.process_encrypted_data(key.0, name, &mut list, Some(&mut output), &mut needed, flags)?;
        let told = usize::try_from(needed).unwrap_or(usize::MAX);
        if told > output.len() {
            return Err(CallError::lie(function, "told a length beyond the buffer it was given"));
        }
        output.truncate(told);
        Ok(output)
    }
}
