//! Key material handed in: private key blobs, peers of a key agreement, parameters of a derivation.

use core::mem::offset_of;

use cardmod_sys::{BCryptBuffer, BCryptBufferDesc, CARD_DERIVE_KEY, CARD_DH_AGREEMENT_INFO};
use cardmod_types::{KeyHalf, PrivateKey};
use zeroize::Zeroizing;

use crate::boundary::host::Host;
use crate::boundary::params::Wide;
use crate::boundary::structures::{MAX_DATA, by_version, pointed};
use crate::module::Result;
use crate::raw::{self, member};
use crate::status::Status;

/// More parameters than any key derivation function has.
const MAX_PARAMETERS: u32 = 64;
/// `KDF_SECRET_HANDLE`: the parameter whose value is a handle, not a buffer.
const KDF_SECRET_HANDLE: u32 = 6;

/// `CARD_DH_AGREEMENT_INFO`.
pub(crate) struct AgreementInfo {
    target: *mut CARD_DH_AGREEMENT_INFO,
    value: Option<(u32, CARD_DH_AGREEMENT_INFO)>,
}

impl AgreementInfo {
    /// # Safety
    /// As for [`SigningInfo::read`].
    pub(super) unsafe fn read(structure: *mut CARD_DH_AGREEMENT_INFO) -> Self {
        let size = |version| (version == 2).then_some(size_of::<CARD_DH_AGREEMENT_INFO>());
        // SAFETY:
        // - the caller's promise.
        Self { target: structure, value: unsafe { by_version(structure, size) } }
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL, [`Status::RevisionMismatch`] for any version but 2.
    pub(crate) fn get(&self) -> Result<&CARD_DH_AGREEMENT_INFO> {
        match &self.value {
            None => Err(Status::InvalidParameter),
            Some((2, value)) => Ok(value),
            Some(_) => Err(Status::RevisionMismatch),
        }
    }

    /// The peer's public key blob.
    pub(crate) fn peer(&self) -> Result<&[u8]> {
        let value = self.get()?;
        // SAFETY:
        // - the promise of `read`.
        unsafe { pointed(value.pbPublicKey, value.dwPublicKey) }
    }

    pub(crate) fn set_index(&self, index: u8) -> Result<()> {
        self.get()?;
        let target = member!(self.target, CARD_DH_AGREEMENT_INFO, bSecretAgreementIndex);
        // SAFETY:
        // - a member of version 2, which `get` has checked; writable by the promise of `read`.
        unsafe { raw::write(target, index) };
        Ok(())
    }
}

/// `CARD_DERIVE_KEY`.
pub(crate) struct DeriveInfo {
    target: *mut CARD_DERIVE_KEY,
    value: Option<(u32, CARD_DERIVE_KEY)>,
}

/// One parameter of a key derivation function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Parameter {
    /// Number (`KDF_…`) and content.
    Bytes(u32, Zeroizing<Vec<u8>>),
    /// The host's handle of another agreement (`KDF_SECRET_HANDLE`).
    Secret(usize),
}

impl DeriveInfo {
    /// # Safety
    /// As for [`SigningInfo::read`]; `pbDerivedKey` is NULL or writable for `cbDerivedKey` bytes.
    pub(super) unsafe fn read(structure: *mut CARD_DERIVE_KEY) -> Self {
        let size = |version| match version {
            0 | 1 => Some(offset_of!(CARD_DERIVE_KEY, pwszAlgId)),
            2 => Some(size_of::<CARD_DERIVE_KEY>()),
            _ => None,
        };
        // SAFETY:
        // - the caller's promise.
        Self { target: structure, value: unsafe { by_version(structure, size) } }
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL, [`Status::RevisionMismatch`] for a version above 2.
    pub(crate) fn get(&self) -> Result<(u32, &CARD_DERIVE_KEY)> {
        match &self.value {
            None => Err(Status::InvalidParameter),
            Some((version @ 0..=2, value)) => Ok((*version, value)),
            Some(_) => Err(Status::RevisionMismatch),
        }
    }

    pub(crate) fn kdf(&self) -> Result<String> {
        let (_, value) = self.get()?;
        // SAFETY:
        // - a live string or NULL by the promise of `read`.
        unsafe { Wide::read(value.pwszKDF) }.text()
    }

    pub(crate) fn parameters(&self) -> Result<Vec<Parameter>> {
        let (_, value) = self.get()?;
        let list: *const BCryptBufferDesc = value.pParameterList.cast_const().cast();
        if list.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY:
        // - a live list by the promise of `read`.
        let list = unsafe { raw::read(list) };
        if list.cBuffers > MAX_PARAMETERS || (list.cBuffers > 0 && list.pBuffers.is_null()) {
            return Err(Status::InvalidParameter);
        }
        let mut parameters = Vec::new();
        for index in 0..list.cBuffers as usize {
            // SAFETY:
            // - one of the list's `cBuffers` live elements.
            let buffer: BCryptBuffer = unsafe { raw::read(list.pBuffers.wrapping_add(index)) };
            // SAFETY:
            // - a live element of the list.
            parameters.push(unsafe { Parameter::read(&buffer) }?);
        }
        Ok(parameters)
    }

    /// Length the caller's buffer has; `None` where the module is to allocate.
    pub(crate) fn buffer(&self) -> Result<Option<usize>> {
        let (_, value) = self.get()?;
        let own = !value.pbDerivedKey.is_null() && value.cbDerivedKey > 0;
        Ok(own.then_some(value.cbDerivedKey as usize))
    }

    pub(crate) fn set_length(&self, length: usize) -> Result<()> {
        self.get()?;
        let target = member!(self.target, CARD_DERIVE_KEY, cbDerivedKey);
        let length = u32::try_from(length).map_err(|_| Status::Unexpected)?;
        // SAFETY:
        // - a member of every known version, which `get` has checked; writable by the promise of `read`.
        unsafe { raw::write(target, length) };
        Ok(())
    }

    /// Fills the caller's buffer, or allocates one where there is none.
    ///
    /// # Errors
    /// [`Status::InsufficientBuffer`], the length needed having been told.
    pub(crate) fn give(&self, host: &Host, key: &[u8]) -> Result<()> {
        let (_, value) = self.get()?;
        match self.buffer()? {
            Some(room) if room < key.len() => {
                self.set_length(key.len())?;
                Err(Status::InsufficientBuffer)
            }
            Some(_) => {
                // SAFETY:
                // - the caller's buffer, large enough; writable by the promise of `read`.
                unsafe { raw::copy_out(key, value.pbDerivedKey) };
                self.set_length(key.len())
            }
            None => {
                let block = host.block(key)?;
                self.set_length(key.len())?;
                let target = member!(self.target, CARD_DERIVE_KEY, pbDerivedKey);
                // SAFETY:
                // - a member of every known version; writable by the promise of `read`.
                unsafe { raw::write(target, block.into_raw()) };
                Ok(())
            }
        }
    }
}

impl Parameter {
    /// # Safety
    /// The buffer is live, unless it is a handle.
    unsafe fn read(buffer: &BCryptBuffer) -> Result<Self> {
        if buffer.BufferType == KDF_SECRET_HANDLE {
            return Ok(Self::Secret(buffer.pvBuffer.addr()));
        }
        if buffer.cbBuffer == 0 {
            return Ok(Self::Bytes(buffer.BufferType, Zeroizing::default()));
        }
        // SAFETY:
        // - live by the caller's promise.
        let bytes = unsafe { pointed(buffer.pvBuffer.cast(), buffer.cbBuffer) }?;
        Ok(Self::Bytes(buffer.BufferType, Zeroizing::new(bytes.to_vec())))
    }
}

/// A private key blob, whose length only its own header tells.
pub(crate) struct KeyBlob(*const u8);

impl KeyBlob {
    /// # Safety
    /// `blob` is NULL, or readable for its header and for the length the header tells.
    pub(super) unsafe fn read(blob: *mut u8) -> Self {
        Self(blob.cast_const())
    }

    pub(super) fn is_null(&self) -> bool {
        self.0.is_null()
    }

    /// The key, and the half of a container its blob is for.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for NULL and for anything that is no private key blob.
    pub(crate) fn key(&self) -> Result<(PrivateKey, KeyHalf)> {
        if self.0.is_null() {
            return Err(Status::InvalidParameter);
        }
        let header = self.bytes(PrivateKey::BLOB_HEADER_LEN)?;
        let length = PrivateKey::blob_len(header).map_err(|_| Status::InvalidParameter)?;
        PrivateKey::from_blob(self.bytes(length)?).map_err(|_| Status::InvalidParameter)
    }

    fn bytes(&self, length: usize) -> Result<&[u8]> {
        if length > MAX_DATA as usize {
            return Err(Status::InvalidParameter);
        }
        // SAFETY:
        // - header bytes, or the length the header tells: readable by the promise of `read`.
        unsafe { raw::slice(self.0, length) }.ok_or(Status::InvalidParameter)
    }
}
