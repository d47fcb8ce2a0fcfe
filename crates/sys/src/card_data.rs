//! `CARD_DATA`: the table through which a host and a card module know each other.

use crate::functions::*;
use crate::scalars::*;
use crate::version::{Member, SetBy};

/// A value whose every member is zero, NULL or absent.
pub trait Zeroed {
    /// That value.
    const ZEROED: Self;
}

/// Declares `CARD_DATA` with, for each member, the version that brought it and who writes it.
macro_rules! card_data {
    (
        $(#[$attribute:meta])*
        struct $name:ident, $pointer:ident {
            $( $since:literal $set_by:ident $(#[$field_attribute:meta])* $field:ident: $ty:ident, )*
        }
    ) => {
        structures! {
            $(#[$attribute])*
            struct $name, $pointer {
                $( $(#[$field_attribute])* $field: $ty, )*
            }
        }
        pub(crate) const MEMBERS: &[Member] = &[$(
            Member {
                name: stringify!($field),
                ty: stringify!($ty),
                since: $since,
                set_by: SetBy::$set_by,
                offset: core::mem::offset_of!($name, $field),
                size: size_of::<$ty>(),
            },
        )*];
    };
}

card_data! {
    /// One context between a host and a card module.
    ///
    /// The host zeroes it, fills its members and calls `CardAcquireContext`; the module answers its
    /// version in `dwVersion` and fills the entries of that version. It carries no size: see
    /// [`crate::version`].
    struct CARD_DATA, PCARD_DATA {
        4 Host /** The version asked for, then the version answered (4 to 7). */ dwVersion: DWORD,
        4 Host /** The card's answer to reset. */ pbAtr: PBYTE,
        4 Host /** Its length in bytes, at most 33. */ cbAtr: DWORD,
        4 Host /** The card type's registered name. */ pwszCardName: LPWSTR,
        4 Host /** Memory for the module. */ pfnCspAlloc: PFN_CSP_ALLOC,
        4 Host /** Memory resized. */ pfnCspReAlloc: PFN_CSP_REALLOC,
        4 Host /** Memory returned. */ pfnCspFree: PFN_CSP_FREE,
        4 Host /** Stores into the host's cache; may be NULL. */ pfnCspCacheAddFile: PFN_CSP_CACHE_ADD_FILE,
        4 Host /** Looks into the host's cache; may be NULL. */ pfnCspCacheLookupFile: PFN_CSP_CACHE_LOOKUP_FILE,
        4 Host /** Removes from the host's cache; may be NULL. */ pfnCspCacheDeleteFile: PFN_CSP_CACHE_DELETE_FILE,
        4 Host /** Handed back to the three cache callbacks. */ pvCacheContext: PVOID,
        4 Host /** Pads data to be signed; may be NULL. */ pfnCspPadData: PFN_CSP_PAD_DATA,
        4 Host /** PC/SC context; may change between calls. */ hSCardCtx: SCARDCONTEXT,
        4 Host /** PC/SC card handle; may change between calls. */ hScard: SCARDHANDLE,
        4 Module /** The module's own; a host never reads it. */ pvVendorSpecific: PVOID,
        4 Module /** Required. */ pfnCardDeleteContext: PFN_CARD_DELETE_CONTEXT,
        4 Module /** Required. */ pfnCardQueryCapabilities: PFN_CARD_QUERY_CAPABILITIES,
        4 Module /** Required. */ pfnCardDeleteContainer: PFN_CARD_DELETE_CONTAINER,
        4 Module /** Required. */ pfnCardCreateContainer: PFN_CARD_CREATE_CONTAINER,
        4 Module /** Required. */ pfnCardGetContainerInfo: PFN_CARD_GET_CONTAINER_INFO,
        4 Module /** Required. */ pfnCardAuthenticatePin: PFN_CARD_AUTHENTICATE_PIN,
        4 Module /** Required. */ pfnCardGetChallenge: PFN_CARD_GET_CHALLENGE,
        4 Module /** Required. */ pfnCardAuthenticateChallenge: PFN_CARD_AUTHENTICATE_CHALLENGE,
        4 Module /** Required. */ pfnCardUnblockPin: PFN_CARD_UNBLOCK_PIN,
        4 Module /** Required. */ pfnCardChangeAuthenticator: PFN_CARD_CHANGE_AUTHENTICATOR,
        4 Module /** NULL allowed: the host resets the card instead. */ pfnCardDeauthenticate: PFN_CARD_DEAUTHENTICATE,
        4 Module /** Required. */ pfnCardCreateDirectory: PFN_CARD_CREATE_DIRECTORY,
        4 Module /** Required. */ pfnCardDeleteDirectory: PFN_CARD_DELETE_DIRECTORY,
        4 Reserved /** NULL. */ pvUnused3: LPVOID,
        4 Reserved /** NULL. */ pvUnused4: LPVOID,
        4 Module /** Required. */ pfnCardCreateFile: PFN_CARD_CREATE_FILE,
        4 Module /** Required. */ pfnCardReadFile: PFN_CARD_READ_FILE,
        4 Module /** Required. */ pfnCardWriteFile: PFN_CARD_WRITE_FILE,
        4 Module /** Required. */ pfnCardDeleteFile: PFN_CARD_DELETE_FILE,
        4 Module /** Required. */ pfnCardEnumFiles: PFN_CARD_ENUM_FILES,
        4 Module /** Required. */ pfnCardGetFileInfo: PFN_CARD_GET_FILE_INFO,
        4 Module /** Required. */ pfnCardQueryFreeSpace: PFN_CARD_QUERY_FREE_SPACE,
        4 Module /** Required. */ pfnCardQueryKeySizes: PFN_CARD_QUERY_KEY_SIZES,
        4 Module /** Required. */ pfnCardSignData: PFN_CARD_SIGN_DATA,
        4 Module /** NULL for a module that knows only elliptic curves. */ pfnCardRSADecrypt: PFN_CARD_RSA_DECRYPT,
        4 Module /** NULL for a module that knows only RSA. */
            pfnCardConstructDHAgreement: PFN_CARD_CONSTRUCT_DH_AGREEMENT,
        5 Module /** NULL for a module that knows only RSA. */ pfnCardDeriveKey: PFN_CARD_DERIVE_KEY,
        5 Module /** NULL for a module that knows only RSA. */
            pfnCardDestroyDHAgreement: PFN_CARD_DESTROY_DH_AGREEMENT,
        5 Host /** Turns a secret's handle into an agreement's index; may be NULL. */
            pfnCspGetDHAgreement: PFN_CSP_GET_DH_AGREEMENT,
        6 Module /** Required. */ pfnCardGetChallengeEx: PFN_CARD_GET_CHALLENGE_EX,
        6 Module /** Required. */ pfnCardAuthenticateEx: PFN_CARD_AUTHENTICATE_EX,
        6 Module /** Required. */ pfnCardChangeAuthenticatorEx: PFN_CARD_CHANGE_AUTHENTICATOR_EX,
        6 Module /** Required. */ pfnCardDeauthenticateEx: PFN_CARD_DEAUTHENTICATE_EX,
        6 Module /** Required. */ pfnCardGetContainerProperty: PFN_CARD_GET_CONTAINER_PROPERTY,
        6 Module /** Required. */ pfnCardSetContainerProperty: PFN_CARD_SET_CONTAINER_PROPERTY,
        6 Module /** Required. */ pfnCardGetProperty: PFN_CARD_GET_PROPERTY,
        6 Module /** Required. */ pfnCardSetProperty: PFN_CARD_SET_PROPERTY,
        7 Host /** Removes padding from decrypted data; may be NULL. */ pfnCspUnpadData: PFN_CSP_UNPAD_DATA,
        7 Module /** Required. */ pfnMDImportSessionKey: PFN_MD_IMPORT_SESSION_KEY,
        7 Module /** Required. */ pfnMDEncryptData: PFN_MD_ENCRYPT_DATA,
        7 Module /** Required. */ pfnCardImportSessionKey: PFN_CARD_IMPORT_SESSION_KEY,
        7 Module /** Required. */ pfnCardGetSharedKeyHandle: PFN_CARD_GET_SHARED_KEY_HANDLE,
        7 Module /** Required. */ pfnCardGetAlgorithmProperty: PFN_CARD_GET_ALGORITHM_PROPERTY,
        7 Module /** Required. */ pfnCardGetKeyProperty: PFN_CARD_GET_KEY_PROPERTY,
        7 Module /** Required. */ pfnCardSetKeyProperty: PFN_CARD_SET_KEY_PROPERTY,
        7 Module /** Required. */ pfnCardDestroyKey: PFN_CARD_DESTROY_KEY,
        7 Module /** Required. */ pfnCardProcessEncryptedData: PFN_CARD_PROCESS_ENCRYPTED_DATA,
        7 Module /** Required. */ pfnCardCreateContainerEx: PFN_CARD_CREATE_CONTAINER_EX,
    }
}

impl CARD_DATA {
    /// All members zero, as a host begins.
    #[must_use]
    pub const fn zeroed() -> Self {
        Self::ZEROED
    }
}

impl<T> Zeroed for Option<T> {
    const ZEROED: Self = None;
}
impl<T> Zeroed for *mut T {
    const ZEROED: Self = core::ptr::null_mut();
}
impl<T> Zeroed for *const T {
    const ZEROED: Self = core::ptr::null();
}
impl<T: Zeroed, const N: usize> Zeroed for [T; N] {
    const ZEROED: Self = [const { T::ZEROED }; N];
}
impl Zeroed for u8 {
    const ZEROED: Self = 0;
}
impl Zeroed for u16 {
    const ZEROED: Self = 0;
}
impl Zeroed for u32 {
    const ZEROED: Self = 0;
}
impl Zeroed for i32 {
    const ZEROED: Self = 0;
}
impl Zeroed for usize {
    const ZEROED: Self = 0;
}
