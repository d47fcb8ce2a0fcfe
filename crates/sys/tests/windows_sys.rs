//! A second oracle: `windows-sys`, which is made from Microsoft's metadata.
//!
//! Four structures differ there in size alone: the metadata gives the data that follows them one
//! byte, and alignment makes four of it.
#![allow(non_upper_case_globals, reason = "names are those of the header")]

use core::mem::{offset_of, size_of};

use windows_sys::Win32::Security::Cryptography as theirs;

/// Sizes and all offsets of structures that both have.
macro_rules! same_layout {
    ($( $name:ident $(tail $tail:literal)? { $($field:ident)* } )*) => {$(
        let tail = 0 $(+ $tail)?;
        assert_eq!(size_of::<cardmod_sys::$name>() + tail, size_of::<theirs::$name>(), stringify!($name));
        $(
            assert_eq!(
                offset_of!(cardmod_sys::$name, $field),
                offset_of!(theirs::$name, $field),
                concat!(stringify!($name), "::", stringify!($field))
            );
        )*
    )*};
}

#[test]
fn structures_agree() {
    same_layout! {
        CARD_CACHE_FILE_FORMAT { bVersion bPinsFreshness wContainersFreshness wFilesFreshness }
        CONTAINER_MAP_RECORD { wszGuid bFlags bReserved wSigKeySizeBits wKeyExchangeKeySizeBits }
        CARD_CAPABILITIES { dwVersion fCertificateCompression fKeyGen }
        PIN_CACHE_POLICY { dwVersion PinCachePolicyType dwPinCachePolicyInfo }
        PIN_INFO { dwVersion PinType PinPurpose dwChangePermission dwUnblockPermission PinCachePolicy dwFlags }
        CONTAINER_INFO { dwVersion dwReserved cbSigPublicKey pbSigPublicKey cbKeyExPublicKey pbKeyExPublicKey }
        CARD_FILE_INFO { dwVersion cbFileSize AccessCondition }
        CARD_FREE_SPACE_INFO { dwVersion dwBytesAvailable dwKeyContainersAvailable dwMaxKeyContainers }
        CARD_KEY_SIZES { dwVersion dwMinimumBitlen dwDefaultBitlen dwMaximumBitlen dwIncrementalBitlen }
        CARD_RSA_DECRYPT_INFO { dwVersion bContainerIndex dwKeySpec pbData cbData pPaddingInfo dwPaddingType }
        CARD_SIGNING_INFO {
            dwVersion bContainerIndex dwKeySpec dwSigningFlags aiHashAlg pbData cbData pbSignedData cbSignedData
            pPaddingInfo dwPaddingType
        }
        CARD_DH_AGREEMENT_INFO {
            dwVersion bContainerIndex dwFlags dwPublicKey pbPublicKey pbReserved cbReserved bSecretAgreementIndex
        }
        CARD_DERIVE_KEY {
            dwVersion dwFlags pwszKDF bSecretAgreementIndex pParameterList pbDerivedKey cbDerivedKey pwszAlgId
            dwKeyLen hKey
        }
        CARD_ENCRYPTED_DATA { pbEncryptedData cbEncryptedData }
        CARD_IMPORT_KEYPAIR tail 4 { dwVersion bContainerIndex PinId dwKeySpec dwKeySize cbInput pbInput }
        CARD_CHANGE_AUTHENTICATOR tail 4 {
            dwVersion dwFlags dwAuthenticatingPinId cbAuthenticatingPinData dwTargetPinId cbTargetData cRetryCount
            pbData
        }
        CARD_CHANGE_AUTHENTICATOR_RESPONSE { dwVersion cAttemptsRemaining }
        CARD_AUTHENTICATE tail 4 { dwVersion dwFlags PinId cbPinData pbPinData }
        CARD_AUTHENTICATE_RESPONSE tail 4 { dwVersion cbSessionPin cAttemptsRemaining pbSessionPin }
        CARD_DATA {
            dwVersion pbAtr cbAtr pwszCardName pfnCspAlloc pfnCspReAlloc pfnCspFree pfnCspCacheAddFile
            pfnCspCacheLookupFile pfnCspCacheDeleteFile pvCacheContext pfnCspPadData hSCardCtx hScard
            pvVendorSpecific pfnCardDeleteContext pfnCardQueryCapabilities pfnCardDeleteContainer
            pfnCardCreateContainer pfnCardGetContainerInfo pfnCardAuthenticatePin pfnCardGetChallenge
            pfnCardAuthenticateChallenge pfnCardUnblockPin pfnCardChangeAuthenticator pfnCardDeauthenticate
            pfnCardCreateDirectory pfnCardDeleteDirectory pvUnused3 pvUnused4 pfnCardCreateFile pfnCardReadFile
            pfnCardWriteFile pfnCardDeleteFile pfnCardEnumFiles pfnCardGetFileInfo pfnCardQueryFreeSpace
            pfnCardQueryKeySizes pfnCardSignData pfnCardRSADecrypt pfnCardConstructDHAgreement pfnCardDeriveKey
            pfnCardDestroyDHAgreement pfnCspGetDHAgreement pfnCardGetChallengeEx pfnCardAuthenticateEx
            pfnCardChangeAuthenticatorEx pfnCardDeauthenticateEx pfnCardGetContainerProperty
            pfnCardSetContainerProperty pfnCardGetProperty pfnCardSetProperty pfnCspUnpadData
            pfnMDImportSessionKey pfnMDEncryptData pfnCardImportSessionKey pfnCardGetSharedKeyHandle
            pfnCardGetAlgorithmProperty pfnCardGetKeyProperty pfnCardSetKeyProperty pfnCardDestroyKey
            pfnCardProcessEncryptedData pfnCardCreateContainerEx
        }
        BCRYPT_RSAKEY_BLOB { Magic BitLength cbPublicExp cbModulus cbPrime1 cbPrime2 }
        BCRYPT_ECCKEY_BLOB { dwMagic cbKey }
        BCRYPT_PKCS1_PADDING_INFO { pszAlgId }
        BCRYPT_PSS_PADDING_INFO { pszAlgId cbSalt }
        BCRYPT_OAEP_PADDING_INFO { pszAlgId pbLabel cbLabel }
        BCryptBuffer { cbBuffer BufferType pvBuffer }
        BCryptBufferDesc { ulVersion cBuffers pBuffers }
    }
}

/// Numbers that both have.
macro_rules! same_number {
    ($($name:ident)*) => {$(
        assert_eq!(i64::from(cardmod_sys::$name), i64::from(theirs::$name), stringify!($name));
    )*};
}

#[test]
fn numbers_agree() {
    same_number! {
        CARD_DATA_VALUE_UNKNOWN CARD_DATA_CURRENT_VERSION AT_ECDSA_P521 AT_ECDHE_P256 MAX_CONTAINER_NAME_LEN
        CONTAINER_MAP_DEFAULT_CONTAINER MAX_PINS ROLE_ADMIN PIN_SET_ALL_ROLES PIN_CHANGE_FLAG_CHANGEPIN
        CP_CACHE_MODE_NO_CACHE CARD_AUTHENTICATE_GENERATE_SESSION_PIN CARD_AUTHENTICATE_SESSION_PIN
        CARD_PIN_SILENT_CONTEXT PIN_INFO_CURRENT_VERSION CARD_CREATE_CONTAINER_KEY_IMPORT
        CARD_AUTHENTICATE_PIN_PIN CARD_PADDING_INFO_PRESENT CARD_BUFFER_SIZE_ONLY CARD_PADDING_PSS
        CARD_PADDING_OAEP CARD_RETURN_KEY_HANDLE CARD_DERIVE_KEY_CURRENT_VERSION CARD_DH_AGREEMENT_INFO_VERSION
        CARD_SECURE_KEY_INJECTION_NO_CARD_MODE CARD_KEY_IMPORT_SHARED_SYMMETRIC CARD_CIPHER_OPERATION
        EveryoneReadUserWriteAc AdminReadWriteAc UserCreateDeleteDirAc ExternalPinType PinCacheAlwaysPrompt
        UnblockOnlyPin CALG_SHA_256 CALG_RSA_KEYX BCRYPT_ECDSA_PUBLIC_P256_MAGIC KDF_SECRET_HANDLE
    }
}

/// How a function is called: the widths of its parameters and of its result, in bytes.
trait Shape {
    const PARAMETERS: &'static [usize];
    const RESULT: usize;
}

macro_rules! shapes {
    ($(($($parameter:ident)*))*) => {$(
        impl<Result, $($parameter),*> Shape for Option<unsafe extern "system" fn($($parameter),*) -> Result> {
            const PARAMETERS: &'static [usize] = &[$(size_of::<$parameter>()),*];
            const RESULT: usize = size_of::<Result>();
        }
    )*};
}

shapes! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J)
}

/// Function types that both have.
macro_rules! same_function {
    ($($name:ident)*) => {$(
        assert_eq!(
            <cardmod_sys::$name as Shape>::PARAMETERS,
            <theirs::$name as Shape>::PARAMETERS,
            concat!("parameters of ", stringify!($name))
        );
        assert_eq!(<cardmod_sys::$name as Shape>::RESULT, <theirs::$name as Shape>::RESULT, stringify!($name));
    )*};
}

#[test]
fn function_types_agree() {
    same_function! {
        PFN_CARD_ACQUIRE_CONTEXT PFN_CARD_DELETE_CONTEXT PFN_CARD_QUERY_CAPABILITIES PFN_CARD_GET_CHALLENGE_EX
        PFN_CARD_AUTHENTICATE_EX PFN_CARD_CHANGE_AUTHENTICATOR_EX PFN_CARD_DEAUTHENTICATE_EX
        PFN_CARD_DELETE_CONTAINER PFN_CARD_CREATE_CONTAINER PFN_CARD_CREATE_CONTAINER_EX
        PFN_CARD_GET_CONTAINER_INFO PFN_CARD_AUTHENTICATE_PIN PFN_CARD_GET_CHALLENGE
        PFN_CARD_AUTHENTICATE_CHALLENGE PFN_CARD_UNBLOCK_PIN PFN_CARD_CHANGE_AUTHENTICATOR
        PFN_CARD_DEAUTHENTICATE PFN_CARD_CREATE_DIRECTORY PFN_CARD_DELETE_DIRECTORY PFN_CARD_CREATE_FILE
        PFN_CARD_READ_FILE PFN_CARD_WRITE_FILE PFN_CARD_DELETE_FILE PFN_CARD_ENUM_FILES PFN_CARD_GET_FILE_INFO
        PFN_CARD_QUERY_FREE_SPACE PFN_CARD_QUERY_KEY_SIZES PFN_CARD_RSA_DECRYPT PFN_CARD_SIGN_DATA
        PFN_CARD_CONSTRUCT_DH_AGREEMENT PFN_CARD_DERIVE_KEY PFN_CARD_DESTROY_DH_AGREEMENT
        PFN_CSP_GET_DH_AGREEMENT PFN_CSP_ALLOC PFN_CSP_REALLOC PFN_CSP_FREE PFN_CSP_CACHE_ADD_FILE
        PFN_CSP_CACHE_LOOKUP_FILE PFN_CSP_CACHE_DELETE_FILE PFN_CSP_PAD_DATA PFN_CSP_UNPAD_DATA
        PFN_CARD_GET_CONTAINER_PROPERTY PFN_CARD_SET_CONTAINER_PROPERTY PFN_CARD_GET_PROPERTY
        PFN_CARD_SET_PROPERTY PFN_MD_IMPORT_SESSION_KEY PFN_MD_ENCRYPT_DATA PFN_CARD_IMPORT_SESSION_KEY
        PFN_CARD_GET_SHARED_KEY_HANDLE PFN_CARD_GET_ALGORITHM_PROPERTY PFN_CARD_GET_KEY_PROPERTY
        PFN_CARD_SET_KEY_PROPERTY PFN_CARD_DESTROY_KEY PFN_CARD_PROCESS_ENCRYPTED_DATA
    }
}
