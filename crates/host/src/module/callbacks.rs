//! The callbacks a host lends to a module beside the memory ones: the module's cache, padding and
//! its removal, and the translation of agreement handles.
//!
//! This is one of the two files of the crate with unsafe code. Every pointer that arrives comes from
//! a module; what it points at is copied at once, and only what `Cardmod.h` promises for that
//! parameter is touched. Lengths are bounded before anything is read. No panic leaves a callback.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;

use cardmod_sys::{
    BCRYPT_OAEP_PADDING_INFO, BCRYPT_PKCS1_PADDING_INFO, BCRYPT_PSS_PADDING_INFO, CARD_DATA,
    CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO, DWORD, ERROR_INVALID_PARAMETER, ERROR_REVISION_MISMATCH,
    SCARD_E_INVALID_PARAMETER, SCARD_E_NO_MEMORY, SCARD_E_UNEXPECTED, SCARD_S_SUCCESS,
    SCARD_W_CACHE_ITEM_NOT_FOUND, SCARD_W_CACHE_ITEM_TOO_BIG,
};
use zeroize::Zeroizing;

use super::pad::{self, Padding, SigningRequest, UnpadRequest};
use super::shared::{Shared, running};

/// The longest tag, hash name or label a module may hand in. All the known ones are far shorter.
const LONGEST_STRING: usize = 256;
/// The largest block of data a module may hand in.
const LARGEST_DATA: usize = 4 * 1024 * 1024;

/// Fills the host's callbacks into a `CARD_DATA`.
pub(super) fn lend(card: &mut CARD_DATA, shared: &Arc<Shared>) {
    let memory = shared.heap().callbacks();
    card.pfnCspAlloc = Some(memory.alloc);
    card.pfnCspReAlloc = Some(memory.realloc);
    card.pfnCspFree = Some(memory.free);
    card.pfnCspCacheAddFile = Some(cache_add_file);
    card.pfnCspCacheLookupFile = Some(cache_lookup_file);
    card.pfnCspCacheDeleteFile = Some(cache_delete_file);
    // Only compared, never dereferenced: the running context is known by thread.
    card.pvCacheContext = Arc::as_ptr(shared).cast_mut().cast();
    card.pfnCspPadData = Some(pad_data);
    card.pfnCspGetDHAgreement = Some(get_dh_agreement);
    card.pfnCspUnpadData = Some(unpad_data);
}

/// Runs a callback's body; a panic within becomes a code.
fn guarded(body: impl FnOnce() -> Result<(), DWORD>) -> DWORD {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => SCARD_S_SUCCESS,
        Ok(Err(code)) => code,
        Err(_) => SCARD_E_UNEXPECTED,
    }
}

/// The running context, if the cache context a module hands back is its.
fn cache_owner(context: *mut core::ffi::c_void) -> Result<Arc<Shared>, DWORD> {
    let (shared, _) = running().ok_or(SCARD_E_UNEXPECTED)?;
    if context.cast_const() == Arc::as_ptr(&shared).cast() {
        Ok(shared)
    } else {
        Err(ERROR_INVALID_PARAMETER)
    }
}

unsafe extern "system" fn cache_add_file(
    context: *mut core::ffi::c_void,
    tag: *mut u16,
    flags: DWORD,
    data: *mut u8,
    data_len: DWORD,
) -> DWORD {
    guarded(|| {
        let shared = cache_owner(context)?;
        no_flags(flags)?;
        let tag = read_wide(tag).ok_or(ERROR_INVALID_PARAMETER)?;
        let data = read_bytes(data, data_len).ok_or(ERROR_INVALID_PARAMETER)?;
        if shared.cache().add(tag, data) { Ok(()) } else { Err(SCARD_W_CACHE_ITEM_TOO_BIG) }
    })
}

unsafe extern "system" fn cache_lookup_file(
    context: *mut core::ffi::c_void,
    tag: *mut u16,
    flags: DWORD,
    data: *mut *mut u8,
    data_len: *mut DWORD,
) -> DWORD {
    guarded(|| {
        write_block(data, data_len, ptr::null_mut(), 0)?;
        let shared = cache_owner(context)?;
        no_flags(flags)?;
        let tag = read_wide(tag).ok_or(ERROR_INVALID_PARAMETER)?;
        let found = shared.cache().get(&tag).map(|found| Zeroizing::new(found.to_vec()));
        give(&shared, &found.ok_or(SCARD_W_CACHE_ITEM_NOT_FOUND)?, data, data_len)
    })
}

unsafe extern "system" fn cache_delete_file(
    context: *mut core::ffi::c_void,
    tag: *mut u16,
    flags: DWORD,
) -> DWORD {
    guarded(|| {
        let shared = cache_owner(context)?;
        no_flags(flags)?;
        let tag = read_wide(tag).ok_or(ERROR_INVALID_PARAMETER)?;
        if shared.cache().remove(&tag) { Ok(()) } else { Err(SCARD_W_CACHE_ITEM_NOT_FOUND) }
    })
}

unsafe extern "system" fn pad_data(
    info: *mut CARD_SIGNING_INFO,
    width: DWORD,
    padded_len: *mut DWORD,
    padded: *mut *mut u8,
) -> DWORD {
    guarded(|| {
        write_block(padded, padded_len, ptr::null_mut(), 0)?;
        let (shared, _) = running().ok_or(SCARD_E_UNEXPECTED)?;
        let (version, info) = read_signing_info(info)?;
        let padding = if version >= 2 && info.dwSigningFlags & cardmod_sys::CARD_PADDING_INFO_PRESENT != 0 {
            Some(read_padding(info.dwPaddingType, info.pPaddingInfo)?)
        } else {
            None
        };
        let digest = read_bytes(info.pbData, info.cbData).ok_or(SCARD_E_INVALID_PARAMETER)?;
        let request =
            SigningRequest { flags: info.dwSigningFlags, hash: info.aiHashAlg, padding, digest: &digest };
        let block = pad::pad(&request, width)?;
        give(&shared, &block, padded, padded_len)
    })
}

unsafe extern "system" fn unpad_data(
    info: *mut CARD_RSA_DECRYPT_INFO,
    unpadded_len: *mut DWORD,
    unpadded: *mut *mut u8,
) -> DWORD {
    guarded(|| {
        write_block(unpadded, unpadded_len, ptr::null_mut(), 0)?;
        let (shared, _) = running().ok_or(SCARD_E_UNEXPECTED)?;
        let info = read_decrypt_info(info)?;
        let padding = read_padding(info.dwPaddingType, info.pPaddingInfo)?;
        let block = read_bytes(info.pbData, info.cbData).ok_or(SCARD_E_INVALID_PARAMETER)?;
        let plain = pad::unpad(&UnpadRequest { padding, block: &block })?;
        give(&shared, &plain, unpadded, unpadded_len)
    })
}

unsafe extern "system" fn get_dh_agreement(
    card: *mut CARD_DATA,
    secret: *mut core::ffi::c_void,
    index: *mut u8,
    flags: DWORD,
) -> DWORD {
    guarded(|| {
        if index.is_null() {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        no_flags(flags)?;
        let (shared, data) = running().ok_or(SCARD_E_UNEXPECTED)?;
        if card as usize != data {
            return Err(SCARD_E_INVALID_PARAMETER);
        }
        let found =
            shared.agreements().iter().find(|(handle, _)| *handle == secret as usize).map(|found| found.1);
        let found = found.ok_or(SCARD_E_INVALID_PARAMETER)?;
        // SAFETY:
        // - not NULL; the module promises a BYTE to write to (Cardmod.h, pfnCspGetDHAgreement)
        unsafe { index.write(found) };
        Ok(())
    })
}

fn no_flags(flags: DWORD) -> Result<(), DWORD> {
    if flags == 0 { Ok(()) } else { Err(ERROR_INVALID_PARAMETER) }
}

/// Copies bytes into a block of the context's memory and hands it out.
fn give(shared: &Shared, bytes: &[u8], block: *mut *mut u8, block_len: *mut DWORD) -> Result<(), DWORD> {
    let length = DWORD::try_from(bytes.len()).map_err(|_| SCARD_E_NO_MEMORY)?;
    let given = shared.heap().give(bytes).map_err(|_| SCARD_E_NO_MEMORY)?;
    write_block(block, block_len, given.as_ptr(), length)
}

/// Writes a block's address and length to where the module wants them.
fn write_block(
    block: *mut *mut u8,
    block_len: *mut DWORD,
    address: *mut u8,
    length: DWORD,
) -> Result<(), DWORD> {
    if block.is_null() || block_len.is_null() {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    // SAFETY:
    // - not NULL; the module promises a pointer to write to (Cardmod.h, out parameter)
    unsafe { block.write(address) };
    // SAFETY:
    // - not NULL; the module promises a DWORD to write to (Cardmod.h, out parameter)
    unsafe { block_len.write(length) };
    Ok(())
}

/// A NUL-terminated UTF-16 string, without its NUL; `None` if it is NULL or longer than any.
fn read_wide(string: *const u16) -> Option<Vec<u16>> {
    if string.is_null() {
        return None;
    }
    let mut units = Vec::new();
    while units.len() <= LONGEST_STRING {
        // SAFETY:
        // - the module promises a NUL-terminated string, and no earlier unit was its NUL
        let unit = unsafe { string.wrapping_add(units.len()).read_unaligned() };
        if unit == 0 {
            return Some(units);
        }
        units.push(unit);
    }
    None
}

/// A module's bytes, copied; `None` if they are NULL but not empty, or beyond any sense.
fn read_bytes(bytes: *const u8, length: DWORD) -> Option<Zeroizing<Vec<u8>>> {
    let length = usize::try_from(length).ok().filter(|length| *length <= LARGEST_DATA)?;
    if length == 0 {
        return Some(Zeroizing::default());
    }
    if bytes.is_null() {
        return None;
    }
    let mut copy = Zeroizing::new(vec![0; length]);
    // SAFETY:
    // - not NULL; the module promises `length` readable bytes
    // - `copy` has `length` bytes and is new, so it overlaps nothing
    unsafe { ptr::copy_nonoverlapping(bytes, copy.as_mut_ptr(), length) };
    Some(copy)
}

/// The version a structure begins with.
fn read_version(structure: *const DWORD) -> Result<DWORD, DWORD> {
    if structure.is_null() {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    // SAFETY:
    // - not NULL; every version of the structure begins with its version
    Ok(unsafe { structure.read_unaligned() }.max(1))
}

/// A signing structure: version 1 ends before the padding description.
fn read_signing_info(info: *const CARD_SIGNING_INFO) -> Result<(DWORD, CARD_SIGNING_INFO), DWORD> {
    let version = read_version(info.cast())?;
    let length = match version {
        1 => core::mem::offset_of!(CARD_SIGNING_INFO, pPaddingInfo),
        2 => size_of::<CARD_SIGNING_INFO>(),
        _ => return Err(ERROR_REVISION_MISMATCH),
    };
    let mut copy = CARD_SIGNING_INFO {
        dwVersion: 0,
        bContainerIndex: 0,
        dwKeySpec: 0,
        dwSigningFlags: 0,
        aiHashAlg: 0,
        pbData: ptr::null_mut(),
        cbData: 0,
        pbSignedData: ptr::null_mut(),
        cbSignedData: 0,
        pPaddingInfo: ptr::null_mut(),
        dwPaddingType: 0,
    };
    // SAFETY:
    // - not NULL (its version was read); the module hands the structure it received, of this version
    // - `length` is at most the structure's size, and `copy` is a value of it on this stack
    // - the members are integers and pointers, for which every bit pattern is a value
    unsafe { ptr::copy_nonoverlapping(info.cast::<u8>(), (&raw mut copy).cast::<u8>(), length) };
    Ok((version, copy))
}

/// A decryption structure; the interface demands version 2 here.
fn read_decrypt_info(info: *const CARD_RSA_DECRYPT_INFO) -> Result<CARD_RSA_DECRYPT_INFO, DWORD> {
    if read_version(info.cast())? != 2 {
        return Err(ERROR_REVISION_MISMATCH);
    }
    // SAFETY:
    // - not NULL (its version was read); the module hands a structure of version 2, which is whole
    // - the members are integers and pointers, for which every bit pattern is a value
    Ok(unsafe { info.read_unaligned() })
}

/// The padding description of a structure of version 2.
fn read_padding(kind: u32, info: cardmod_sys::LPVOID) -> Result<Padding, DWORD> {
    let unknown_hash = cardmod_sys::SCARD_E_UNSUPPORTED_FEATURE;
    let missing = || if info.is_null() { Err(SCARD_E_INVALID_PARAMETER) } else { Ok(()) };
    match kind {
        cardmod_sys::CARD_PADDING_NONE => Ok(Padding::None),
        cardmod_sys::CARD_PADDING_PKCS1 if info.is_null() => Ok(Padding::Pkcs1(None)),
        cardmod_sys::CARD_PADDING_PKCS1 => {
            // SAFETY:
            // - not NULL; this padding type promises a structure of this kind
            let info = unsafe { info.cast::<BCRYPT_PKCS1_PADDING_INFO>().read_unaligned() };
            if info.pszAlgId.is_null() {
                return Ok(Padding::Pkcs1(None));
            }
            Ok(Padding::Pkcs1(Some(read_hash(info.pszAlgId).ok_or(unknown_hash)?)))
        }
        cardmod_sys::CARD_PADDING_PSS => {
            missing()?;
            // SAFETY:
            // - not NULL; this padding type promises a structure of this kind
            let info = unsafe { info.cast::<BCRYPT_PSS_PADDING_INFO>().read_unaligned() };
            let hash = read_hash(info.pszAlgId).ok_or(unknown_hash)?;
            Ok(Padding::Pss { hash, salt_len: info.cbSalt })
        }
        cardmod_sys::CARD_PADDING_OAEP => {
            missing()?;
            // SAFETY:
            // - not NULL; this padding type promises a structure of this kind
            let info = unsafe { info.cast::<BCRYPT_OAEP_PADDING_INFO>().read_unaligned() };
            let hash = read_hash(info.pszAlgId).ok_or(unknown_hash)?;
            let label = read_bytes(info.pbLabel, info.cbLabel).ok_or(SCARD_E_INVALID_PARAMETER)?;
            Ok(Padding::Oaep { hash, label: label.to_vec() })
        }
        _ => Err(SCARD_E_INVALID_PARAMETER),
    }
}

/// A CNG hash name.
fn read_hash(name: *const u16) -> Option<cardmod_types::HashAlgorithm> {
    let name = String::from_utf16(&read_wide(name)?).ok()?;
    cardmod_types::HashAlgorithm::from_cng_name(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code() {
        assert_eq!(guarded(|| panic!("within a callback")), SCARD_E_UNEXPECTED);
        assert_eq!(guarded(|| Err(SCARD_E_NO_MEMORY)), SCARD_E_NO_MEMORY);
        assert_eq!(guarded(|| Ok(())), SCARD_S_SUCCESS);
    }

    #[test]
    fn what_a_module_hands_in_is_bounded() {
        let endless = vec![65_u16; 2 * LONGEST_STRING];
        assert_eq!(read_wide(endless.as_ptr()), None);
        assert_eq!(read_wide(ptr::null()), None);
        assert_eq!(read_wide([65, 66, 0].as_ptr()), Some(vec![65, 66]));
        assert!(read_bytes([1_u8].as_ptr(), u32::MAX).is_none());
        assert!(read_bytes(ptr::null(), 1).is_none());
        assert!(read_bytes(ptr::null(), 0).is_some_and(|bytes| bytes.is_empty()));
        assert!(read_bytes([1_u8, 2].as_ptr(), 2).is_some_and(|bytes| bytes.as_slice() == [1, 2]));
    }

    #[test]
    fn outside_of_a_call_nothing_is_given() {
        let (mut block, mut length) = (ptr::dangling_mut::<u8>(), 7);
        let mut tag = [65_u16, 0];
        // SAFETY:
        // - a NUL-terminated tag and two live outputs, as the callback wants them
        let code = unsafe {
            cache_lookup_file(ptr::null_mut(), tag.as_mut_ptr(), 0, &raw mut block, &raw mut length)
        };
        assert_eq!(code, SCARD_E_UNEXPECTED);
        assert!(block.is_null() && length == 0, "the outputs are empty after a failure");
    }

    #[test]
    fn old_structures_are_read_no_further_than_they_go() {
        let mut info = CARD_SIGNING_INFO {
            dwVersion: 1,
            bContainerIndex: 3,
            dwKeySpec: 2,
            dwSigningFlags: 0,
            aiHashAlg: 4,
            pbData: ptr::null_mut(),
            cbData: 0,
            pbSignedData: ptr::null_mut(),
            cbSignedData: 0,
            pPaddingInfo: ptr::dangling_mut::<u8>().cast(),
            dwPaddingType: 9,
        };
        let (version, read) = read_signing_info(&raw const info).expect("version 1");
        assert_eq!((version, read.bContainerIndex, read.aiHashAlg), (1, 3, 4));
        assert!(read.pPaddingInfo.is_null() && read.dwPaddingType == 0);
        info.dwVersion = 3;
        assert_eq!(read_signing_info(&raw const info).map(drop), Err(ERROR_REVISION_MISMATCH));
        assert_eq!(read_signing_info(ptr::null()).map(drop), Err(SCARD_E_INVALID_PARAMETER));
    }
}
