//! `CardAcquireContext`: the caller's structure checked, the version agreed, the entries published.

use core::ptr;

use cardmod_sys::version::{SetBy, members, size_of_card_data};
use cardmod_sys::{CARD_DATA, CARD_SECURE_KEY_INJECTION_NO_CARD_MODE, DWORD};

use crate::boundary::host::Host;
use crate::boundary::{self as entries, unsupported};
use crate::context::Facts;
use crate::live::{self, Offers};
use crate::log;
use crate::module::{CardModule, Result};
use crate::panics::{fence, inside};
use crate::raw::{self, Scan, member};
use crate::status::Status;

/// The longest ATR (ISO 7816-3, 8.1).
const MAX_ATR: u32 = 33;
/// More than any card type's name, with its terminator.
const NAME_LIMIT: usize = 512;

/// `CardAcquireContext` of the module `M`: what [`export!`](crate::export) exports, and what a program
/// calls that has the module built in.
///
/// Checks in the order of specification 5.1; nothing of the structure is written unless it answers 0.
///
/// # Safety
/// `data` is NULL or points to a `CARD_DATA` with all members of the version in its `dwVersion` (up to 7),
/// filled by a host as Cardmod.h asks: pointers NULL or valid, callbacks with the signatures of their types.
/// After success the structure stays where it is until `CardDeleteContext`.
pub unsafe extern "system" fn acquire<M: CardModule>(data: *mut CARD_DATA, flags: DWORD) -> DWORD {
    // The settings of the log are read here; whoever is being acquired keeps it awake by itself.
    let awake = inside(log::User::enter);
    let code = fence("CardAcquireContext", |logged| {
        // SAFETY:
        // - the caller's promise, which is the same.
        unsafe { try_acquire::<M>(data, flags, logged) }
    });
    drop(awake);
    code
}

/// # Safety
/// As for [`acquire`].
unsafe fn try_acquire<M: CardModule>(
    data: *mut CARD_DATA,
    flags: DWORD,
    logged: &mut log::Call,
) -> Result<()> {
    if data.is_null() || flags & !CARD_SECURE_KEY_INJECTION_NO_CARD_MODE != 0 {
        return Err(Status::InvalidParameter);
    }
    let requested = member!(data, CARD_DATA, dwVersion);
    // SAFETY:
    // - the first member of every version.
    let version = negotiate::<M>(unsafe { raw::read(requested) })?;
    if flags != 0 {
        // 14: a card is needed; versions before 7 do not even know the flag.
        return Err(if version >= 7 { Status::UnsupportedFeature } else { Status::InvalidParameter });
    }
    let size = size_of_card_data(version).ok_or(Status::RevisionMismatch)?;
    // SAFETY:
    // - the caller's structure has all members of the version it asked for, which is not lower.
    let mut table: CARD_DATA = unsafe { raw::prefix(data, size) };
    // SAFETY:
    // - the host's members, with live pointers: the caller's promise.
    let facts = unsafe { check(&table, version) }?;
    // SAFETY:
    // - at least version 4, and filled: the caller's promise.
    let mut host = unsafe { Host::read(data) }?;
    host.forget_old_handle();
    logged.arguments(Some(host.handles), &[("flags", &flags), ("card", &facts)]);
    let (offers, handle) = live::acquire::<M>(&host, facts)?;
    table.dwVersion = version;
    table.pvVendorSpecific = ptr::without_provenance_mut(handle.to_raw());
    publish_core::<M>(&mut table);
    publish_capabilities::<M>(&mut table, offers);
    publish_version_6::<M>(&mut table, offers);
    publish_version_7::<M>(&mut table, offers);
    for member in members(version).filter(|member| member.set_by != SetBy::Host || member.offset == 0) {
        // SAFETY:
        // - a member of this version, all of which the caller's structure has; the host's own are left
        //   alone, but for `dwVersion`.
        unsafe { raw::write_range(data, &table, member.offset..member.offset + member.size) };
    }
    Ok(())
}

/// The version to answer (4.3): the caller's, or the module's own where that is lower.
fn negotiate<M: CardModule>(requested: u32) -> Result<u32> {
    const {
        assert!(M::MINIMUM_VERSION >= 4, "the lowest interface version is 4");
        assert!(M::CURRENT_VERSION <= 7, "the highest interface version is 7");
        assert!(M::MINIMUM_VERSION <= M::CURRENT_VERSION, "the versions are in order");
    }
    if requested < M::MINIMUM_VERSION {
        return Err(Status::RevisionMismatch);
    }
    Ok(requested.min(M::CURRENT_VERSION))
}

/// Checks the host's members and takes what is kept of them.
///
/// # Safety
/// `pbAtr` is NULL or readable for `cbAtr` bytes where that is at most 33; `pwszCardName` is NULL or a
/// terminated string.
unsafe fn check(table: &CARD_DATA, version: u32) -> Result<Facts> {
    let no_memory =
        table.pfnCspAlloc.is_none() || table.pfnCspReAlloc.is_none() || table.pfnCspFree.is_none();
    if table.pbAtr.is_null() || table.pwszCardName.is_null() || no_memory {
        return Err(Status::InvalidParameter);
    }
    if table.cbAtr == 0 || table.cbAtr > MAX_ATR {
        return Err(Status::InvalidParameter);
    }
    // SAFETY:
    // - not NULL, and not longer than an ATR: readable by the caller's promise.
    let atr = unsafe { raw::slice(table.pbAtr, table.cbAtr as usize) }.ok_or(Status::InvalidParameter)?;
    // SAFETY:
    // - the caller's promise.
    let name = match unsafe { raw::terminated(table.pwszCardName.cast_const(), NAME_LIMIT) } {
        Scan::Text(name) => String::from_utf16_lossy(&name),
        Scan::Null | Scan::TooLong => return Err(Status::InvalidParameter),
    };
    check_atr(atr)?;
    if table.hSCardCtx == 0 || table.hScard == 0 {
        return Err(Status::InvalidHandle);
    }
    Ok(Facts { atr: atr.to_vec(), card_name: name, version, ..Facts::default() })
}

/// An ATR begins with one of two convention bytes, else it is no card's; T0 counts historical bytes,
/// which must be there (ISO 7816-3, 8.2).
fn check_atr(atr: &[u8]) -> Result<()> {
    if !matches!(atr[0], 0x3B | 0x3F) {
        return Err(Status::UnknownCard);
    }
    let historical = atr.get(1).map(|t0| usize::from(t0 & 0x0F));
    match historical {
        Some(count) if atr.len() >= 2 + count => Ok(()),
        _ => Err(Status::InvalidParameter),
    }
}

/// `choose!(offered, entry)`: the entry, or the stub of the same signature.
macro_rules! choose {
    ($offered:expr, $entry:ident) => {
        if $offered { Some(entries::$entry::<M> as _) } else { Some(unsupported::$entry as _) }
    };
}

/// What every module has.
fn publish_core<M: CardModule>(table: &mut CARD_DATA) {
    table.pvUnused3 = ptr::null_mut();
    table.pvUnused4 = ptr::null_mut();
    table.pfnCardDeleteContext = Some(entries::card_delete_context::<M>);
    table.pfnCardQueryCapabilities = Some(entries::card_query_capabilities::<M>);
    table.pfnCardGetContainerInfo = Some(entries::card_get_container_info::<M>);
    table.pfnCardAuthenticatePin = Some(entries::card_authenticate_pin::<M>);
    table.pfnCardDeauthenticate = Some(entries::card_deauthenticate::<M>);
    table.pfnCardReadFile = Some(entries::card_read_file::<M>);
    table.pfnCardEnumFiles = Some(entries::card_enum_files::<M>);
    table.pfnCardGetFileInfo = Some(entries::card_get_file_info::<M>);
    table.pfnCardQueryFreeSpace = Some(entries::card_query_free_space::<M>);
    table.pfnCardQueryKeySizes = Some(entries::card_query_key_sizes::<M>);
    table.pfnCardSignData = Some(entries::card_sign_data::<M>);
}

/// What versions 4 and 5 have of the capabilities. RSA decryption and key agreement alone are NULL where
/// the module has no such keys at all; everything else answers that it is not supported.
fn publish_capabilities<M: CardModule>(table: &mut CARD_DATA, offers: Offers) {
    let (creation, files) = (offers.container_creation, offers.file_writing);
    table.pfnCardDeleteContainer = choose!(creation, card_delete_container);
    table.pfnCardCreateContainer = choose!(creation, card_create_container);
    let (pins, admin) = (offers.pin_administration, offers.admin_authentication);
    table.pfnCardGetChallenge = choose!(admin, card_get_challenge);
    table.pfnCardAuthenticateChallenge = choose!(admin, card_authenticate_challenge);
    table.pfnCardUnblockPin = choose!(pins, card_unblock_pin);
    table.pfnCardChangeAuthenticator = choose!(pins || admin, card_change_authenticator);
    table.pfnCardCreateDirectory = choose!(files, card_create_directory);
    table.pfnCardDeleteDirectory = choose!(files, card_delete_directory);
    table.pfnCardCreateFile = choose!(files, card_create_file);
    table.pfnCardWriteFile = choose!(files, card_write_file);
    table.pfnCardDeleteFile = choose!(files, card_delete_file);
    table.pfnCardRSADecrypt = None;
    if M::RSA {
        table.pfnCardRSADecrypt = choose!(offers.rsa_decryption, card_rsa_decrypt);
    }
    table.pfnCardConstructDHAgreement = None;
    table.pfnCardDeriveKey = None;
    table.pfnCardDestroyDHAgreement = None;
    if M::ECC {
        table.pfnCardConstructDHAgreement = choose!(offers.key_agreement, card_construct_dh_agreement);
        table.pfnCardDeriveKey = choose!(offers.key_agreement, card_derive_key);
        table.pfnCardDestroyDHAgreement = choose!(offers.key_agreement, card_destroy_dh_agreement);
    }
}

fn publish_version_6<M: CardModule>(table: &mut CARD_DATA, offers: Offers) {
    let (pins, admin) = (offers.pin_administration, offers.admin_authentication);
    table.pfnCardGetChallengeEx = choose!(admin, card_get_challenge_ex);
    table.pfnCardAuthenticateEx = Some(entries::card_authenticate_ex::<M>);
    table.pfnCardChangeAuthenticatorEx = choose!(pins || admin, card_change_authenticator_ex);
    table.pfnCardDeauthenticateEx = Some(entries::card_deauthenticate_ex::<M>);
    table.pfnCardGetContainerProperty = Some(entries::card_get_container_property::<M>);
    table.pfnCardSetContainerProperty = choose!(offers.property_writing, card_set_container_property);
    table.pfnCardGetProperty = Some(entries::card_get_property::<M>);
    table.pfnCardSetProperty = Some(entries::card_set_property::<M>);
}

fn publish_version_7<M: CardModule>(table: &mut CARD_DATA, offers: Offers) {
    let injection = offers.key_injection;
    table.pfnMDImportSessionKey = choose!(injection, md_import_session_key);
    table.pfnMDEncryptData = choose!(injection, md_encrypt_data);
    table.pfnCardImportSessionKey = choose!(injection, card_import_session_key);
    table.pfnCardGetSharedKeyHandle = choose!(injection, card_get_shared_key_handle);
    table.pfnCardGetAlgorithmProperty = choose!(injection, card_get_algorithm_property);
    table.pfnCardGetKeyProperty = choose!(injection, card_get_key_property);
    table.pfnCardSetKeyProperty = choose!(injection, card_set_key_property);
    table.pfnCardDestroyKey = choose!(injection, card_destroy_key);
    table.pfnCardProcessEncryptedData = choose!(injection, card_process_encrypted_data);
    table.pfnCardCreateContainerEx = choose!(offers.container_creation, card_create_container_ex);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_atr_is_recognised_by_its_form() {
        assert_eq!(check_atr(&[0; 20]), Err(Status::UnknownCard));
        assert_eq!(check_atr(&[0xFF; 20]), Err(Status::UnknownCard));
        assert_eq!(check_atr(&[0x3B, 0x85]), Err(Status::InvalidParameter), "five historical bytes missing");
        assert_eq!(check_atr(&[0x3B]), Err(Status::InvalidParameter));
        assert_eq!(check_atr(&[0x3B, 0x02, 0x14, 0x50]), Ok(()));
    }
}
