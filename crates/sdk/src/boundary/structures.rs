//! The caller's structures: version first, then the prefix that version has, then what it points to.

use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr;

use cardmod_sys::{
    BCRYPT_OAEP_PADDING_INFO, BCRYPT_PKCS1_PADDING_INFO, BCRYPT_PSS_PADDING_INFO, CARD_PADDING_NONE,
    CARD_PADDING_OAEP, CARD_PADDING_PKCS1, CARD_PADDING_PSS, CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO,
};
use zeroize::Zeroizing;

use crate::boundary::host::{Host, HostBlock};
use crate::boundary::params::Wide;
use crate::module::Result;
use crate::raw::{self, Plain, member};
use crate::status::Status;

/// Longer than any hash, RSA block or key of this interface.
pub(super) const MAX_DATA: u32 = 1 << 16;
/// A structure with nothing behind it: filled by the module, its version chosen by the caller.
pub(crate) struct Versioned<T: Plain>(*mut T);

impl<T: Plain> Versioned<T> {
    /// # Safety
    /// `structure` is NULL, or points to a `T` (which begins with `dwVersion`) readable and writable
    /// while the call runs.
    pub(super) unsafe fn read(structure: *mut T) -> Self {
        Self(structure)
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL.
    pub(crate) fn required(&self) -> Result<()> {
        if self.0.is_null() { Err(Status::InvalidParameter) } else { Ok(()) }
    }

    /// # Errors
    /// [`Status::RevisionMismatch`] for a version above `known`; 0 counts as 1.
    pub(crate) fn check(&self, known: u32) -> Result<()> {
        let version = self.version().ok_or(Status::InvalidParameter)?;
        if version > known { Err(Status::RevisionMismatch) } else { Ok(()) }
    }

    /// The caller's version; `None` for NULL.
    pub(super) fn version(&self) -> Option<u32> {
        self.required().ok()?;
        // SAFETY:
        // - not NULL, and the structure begins with its version: the promise of `read`.
        Some(unsafe { raw::read(self.0.cast::<u32>()) })
    }

    pub(crate) fn set(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY:
            // - not NULL: writable by the promise of `read`.
            unsafe { raw::write(self.0, value) };
        }
    }
}

/// A pointer of which only the presence matters.
pub(crate) struct Present(bool);

impl Present {
    /// # Safety
    /// None is needed; the form is that of all parameters.
    pub(super) unsafe fn read<T>(pointer: *mut T) -> Self {
        Self(!pointer.is_null())
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL.
    pub(crate) fn required(&self) -> Result<()> {
        if self.0 { Ok(()) } else { Err(Status::InvalidParameter) }
    }
}

/// Reads the version, then as much as `size_of_version` knows of it; only the version where it knows
/// nothing.
///
/// # Safety
/// `structure` is NULL, or readable as far as its own `dwVersion` says.
pub(super) unsafe fn by_version<T: Plain>(
    structure: *const T,
    size_of_version: fn(u32) -> Option<usize>,
) -> Option<(u32, T)> {
    if structure.is_null() {
        return None;
    }
    // SAFETY:
    // - not NULL, and every structure begins with its version.
    let version = unsafe { raw::read(structure.cast::<u32>()) };
    let size = size_of_version(version).unwrap_or(size_of::<u32>());
    // SAFETY:
    // - readable for the size its version has, by the caller's promise.
    Some((version, unsafe { raw::prefix(structure, size) }))
}

/// Bytes a structure points to.
///
/// # Safety
/// `pointer` is NULL or readable for `length` bytes while the call runs, unless `length` exceeds 65,536.
pub(super) unsafe fn pointed<'a>(pointer: *const u8, length: u32) -> Result<&'a [u8]> {
    if length > MAX_DATA {
        return Err(Status::InvalidParameter);
    }
    // SAFETY:
    // - the caller's promise.
    unsafe { raw::slice(pointer, length as usize) }.ok_or(Status::InvalidParameter)
}

/// `CARD_SIGNING_INFO`.
pub(crate) struct SigningInfo {
    target: *mut CARD_SIGNING_INFO,
    value: Option<(u32, CARD_SIGNING_INFO)>,
}

impl SigningInfo {
    /// # Safety
    /// `structure` is NULL, or a structure as Cardmod.h says, readable and writable as far as its version
    /// says, with live pointers, while the call runs.
    pub(super) unsafe fn read(structure: *mut CARD_SIGNING_INFO) -> Self {
        let size = |version| match version {
            0 | 1 => Some(offset_of!(CARD_SIGNING_INFO, pPaddingInfo)),
            2 => Some(size_of::<CARD_SIGNING_INFO>()),
            _ => None,
        };
        // SAFETY:
        // - the caller's promise.
        let info = Self { target: structure, value: unsafe { by_version(structure, size) } };
        info.hand_out(ptr::null_mut(), 0);
        info
    }

    /// The structure's version and content.
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for NULL.
    pub(crate) fn get(&self) -> Result<(u32, &CARD_SIGNING_INFO)> {
        self.value.as_ref().map(|(version, value)| (*version, value)).ok_or(Status::InvalidParameter)
    }

    /// The hash value.
    pub(crate) fn data(&self) -> Result<&[u8]> {
        let (_, value) = self.get()?;
        // SAFETY:
        // - the promise of `read`.
        unsafe { pointed(value.pbData, value.cbData) }
    }

    /// How to pad. What is no padding of signatures is refused before its structure is looked at: a caller
    /// that takes CNG's numbers means another structure than the one named.
    pub(crate) fn padding(&self) -> Result<PaddingInfo> {
        let (_, value) = self.get()?;
        if value.dwPaddingType == CARD_PADDING_OAEP {
            return Err(Status::InvalidParameter);
        }
        // SAFETY:
        // - the promise of `read`; only version 2 has these members, else they are zero.
        unsafe { PaddingInfo::read(value.dwPaddingType, value.pPaddingInfo) }
    }

    /// Tells the length alone.
    pub(crate) fn set_length(&self, length: usize) -> Result<()> {
        self.hand_out(ptr::null_mut(), u32::try_from(length).map_err(|_| Status::Unexpected)?);
        Ok(())
    }

    /// Hands the signature out.
    pub(crate) fn give(&self, host: &Host, signature: &[u8]) -> Result<()> {
        let (pointer, length) = HostBlock::into_parts(Some(host.block(signature)?));
        self.hand_out(pointer, length);
        Ok(())
    }

    fn hand_out(&self, pointer: *mut u8, length: u32) {
        if !matches!(self.value, Some((0..=2, _))) {
            return; // no structure, or one whose form is not known
        }
        let length_member = member!(self.target, CARD_SIGNING_INFO, cbSignedData);
        // SAFETY:
        // - a member of every known version; writable by the promise of `read`.
        unsafe { raw::write(length_member, length) };
        let pointer_member = member!(self.target, CARD_SIGNING_INFO, pbSignedData);
        // SAFETY:
        // - as above.
        unsafe { raw::write(pointer_member, pointer) };
    }
}

/// What stands behind `dwPaddingType` and `pPaddingInfo`, names as the caller wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PaddingInfo {
    None,
    Pkcs1 { hash: Option<String> },
    Pss { hash: Option<String>, salt_len: u32 },
    Oaep { hash: Option<String>, label: Vec<u8> },
}

impl PaddingInfo {
    /// The kinds are those of Cardmod.h, in which PSS and OAEP have each other's numbers of CNG.
    ///
    /// # Safety
    /// `info` is NULL or points to the structure `kind` names, with live pointers.
    unsafe fn read(kind: u32, info: *const c_void) -> Result<Self> {
        if kind == CARD_PADDING_NONE {
            return Ok(Self::None);
        }
        if info.is_null() {
            return Err(Status::InvalidParameter);
        }
        match kind {
            CARD_PADDING_PKCS1 => {
                // SAFETY:
                // - the caller's promise for this kind.
                let info: BCRYPT_PKCS1_PADDING_INFO = unsafe { raw::read(info.cast()) };
                // SAFETY:
                // - a live pointer by the caller's promise.
                let hash = unsafe { Wide::read(info.pszAlgId) }.optional()?;
                Ok(Self::Pkcs1 { hash })
            }
            CARD_PADDING_PSS => {
                // SAFETY:
                // - the caller's promise for this kind.
                let info: BCRYPT_PSS_PADDING_INFO = unsafe { raw::read(info.cast()) };
                // SAFETY:
                // - a live pointer by the caller's promise.
                let hash = unsafe { Wide::read(info.pszAlgId) }.optional()?;
                Ok(Self::Pss { hash, salt_len: info.cbSalt })
            }
            // SAFETY:
            // - the caller's promise for this kind.
            CARD_PADDING_OAEP => unsafe { Self::read_oaep(info.cast()) },
            _ => Err(Status::InvalidParameter),
        }
    }

    /// # Safety
    /// `info` is readable, with live pointers.
    unsafe fn read_oaep(info: *const BCRYPT_OAEP_PADDING_INFO) -> Result<Self> {
        // SAFETY:
        // - the caller's promise.
        let info = unsafe { raw::read(info) };
        // SAFETY:
        // - a live pointer by the caller's promise.
        let hash = unsafe { Wide::read(info.pszAlgId) }.optional()?;
        if info.pbLabel.is_null() {
            return if info.cbLabel == 0 {
                Ok(Self::Oaep { hash, label: Vec::new() })
            } else {
                Err(Status::InvalidParameter)
            };
        }
        // SAFETY:
        // - a live pointer with its count, by the caller's promise.
        let label = unsafe { pointed(info.pbLabel, info.cbLabel) }?;
        Ok(Self::Oaep { hash, label: label.to_vec() })
    }
}

/// `CARD_RSA_DECRYPT_INFO`.
pub(crate) struct DecryptInfo {
    target: *mut CARD_RSA_DECRYPT_INFO,
    value: Option<(u32, CARD_RSA_DECRYPT_INFO)>,
}

impl DecryptInfo {
    /// # Safety
    /// As for [`SigningInfo::read`]; `pbData` is also writable.
    pub(super) unsafe fn read(structure: *mut CARD_RSA_DECRYPT_INFO) -> Self {
        let size = |version| match version {
            0 | 1 => Some(offset_of!(CARD_RSA_DECRYPT_INFO, pPaddingInfo)),
            2 => Some(size_of::<CARD_RSA_DECRYPT_INFO>()),
            _ => None,
        };
        // SAFETY:
        // - the caller's promise.
        Self { target: structure, value: unsafe { by_version(structure, size) } }
    }

    /// # Errors
    /// [`Status::InvalidParameter`] for NULL.
    pub(crate) fn get(&self) -> Result<(u32, &CARD_RSA_DECRYPT_INFO)> {
        self.value.as_ref().map(|(version, value)| (*version, value)).ok_or(Status::InvalidParameter)
    }

    /// A copy of the ciphertext as it came (little-endian); the result will take its place.
    pub(crate) fn data(&self) -> Result<Vec<u8>> {
        let (_, value) = self.get()?;
        // SAFETY:
        // - the promise of `read`.
        unsafe { pointed(value.pbData, value.cbData) }.map(<[u8]>::to_vec)
    }

    /// What to take off. PKCS#1 v1.5 needs no structure; what is no padding of encryption is refused
    /// before its structure is looked at.
    pub(crate) fn padding(&self) -> Result<PaddingInfo> {
        let (_, value) = self.get()?;
        match value.dwPaddingType {
            CARD_PADDING_PSS => Err(Status::InvalidParameter),
            CARD_PADDING_PKCS1 => Ok(PaddingInfo::Pkcs1 { hash: None }),
            // SAFETY:
            // - the promise of `read`; only version 2 has these members, else they are zero.
            kind => unsafe { PaddingInfo::read(kind, value.pPaddingInfo) },
        }
    }

    /// Puts the result in place of the ciphertext, whose rest is cleared, and tells its length.
    pub(crate) fn replace(&self, result: &[u8]) -> Result<()> {
        let (_, value) = self.get()?;
        let room = value.cbData as usize;
        if result.len() > room || value.pbData.is_null() {
            return Err(Status::Unexpected);
        }
        let mut filled = Zeroizing::new(vec![0; room]);
        filled[..result.len()].copy_from_slice(result);
        // SAFETY:
        // - `cbData` bytes, writable by the promise of `read`.
        unsafe { raw::copy_out(&filled, value.pbData) };
        let length = member!(self.target, CARD_RSA_DECRYPT_INFO, cbData);
        // SAFETY:
        // - a member of every version; writable by the promise of `read`.
        unsafe { raw::write(length, u32::try_from(result.len()).map_err(|_| Status::Unexpected)?) };
        Ok(())
    }
}
