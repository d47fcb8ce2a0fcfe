//! The functions of a card module and the callbacks of its host.
//!
//! All are `WINAPI` (stdcall on 32-bit x86, the C convention elsewhere) and, but for the memory
//! callbacks, answer a `DWORD`: 0 or a code of [`crate::SCARD_E_INVALID_PARAMETER`]'s family. The
//! rules of each are in section 4 of the Windows Smart Card Minidriver Specification v7.07.

use crate::card_data::PCARD_DATA;
use crate::scalars::*;
use crate::structures::*;

functions! {
    // Contexts
    /// `CardAcquireContext`: the module's one export; checks the card and publishes the table.
    fn PFN_CARD_ACQUIRE_CONTEXT(pCardData: PCARD_DATA, dwFlags: DWORD) -> DWORD;
    /// `CardDeleteContext`: frees everything; may come without a transaction or with the card gone.
    fn PFN_CARD_DELETE_CONTEXT(pCardData: PCARD_DATA) -> DWORD;
    /// `CardQueryCapabilities`: certificate compression and key generation.
    fn PFN_CARD_QUERY_CAPABILITIES(pCardData: PCARD_DATA, pCardCapabilities: PCARD_CAPABILITIES) -> DWORD;

    // Authentication
    /// `CardGetChallengeEx` (v6): a challenge for a role of challenge/response type.
    fn PFN_CARD_GET_CHALLENGE_EX(
        pCardData: PCARD_DATA, PinId: PIN_ID, ppbChallengeData: *mut PBYTE, pcbChallengeData: PDWORD,
        dwFlags: DWORD,
    ) -> DWORD;
    /// `CardAuthenticateEx` (v6): verifies a role's PIN, or makes or uses a session PIN.
    fn PFN_CARD_AUTHENTICATE_EX(
        pCardData: PCARD_DATA, PinId: PIN_ID, dwFlags: DWORD, pbPinData: PBYTE, cbPinData: DWORD,
        ppbSessionPin: *mut PBYTE, pcbSessionPin: PDWORD, pcAttemptsRemaining: PDWORD,
    ) -> DWORD;
    /// `CardChangeAuthenticatorEx` (v6): changes or unblocks a PIN by another's or its own authority.
    fn PFN_CARD_CHANGE_AUTHENTICATOR_EX(
        pCardData: PCARD_DATA, dwFlags: DWORD, dwAuthenticatingPinId: PIN_ID, pbAuthenticatingPinData: PBYTE,
        cbAuthenticatingPinData: DWORD, dwTargetPinId: PIN_ID, pbTargetData: PBYTE, cbTargetData: DWORD,
        cRetryCount: DWORD, pcAttemptsRemaining: PDWORD,
    ) -> DWORD;
    /// `CardDeauthenticateEx` (v6): takes rights away; the parameter named PinId is a set.
    fn PFN_CARD_DEAUTHENTICATE_EX(pCardData: PCARD_DATA, PinId: PIN_SET, dwFlags: DWORD) -> DWORD;

    // Containers
    /// `CardDeleteContainer`: deletes a container's keys; a missing container is success.
    fn PFN_CARD_DELETE_CONTAINER(pCardData: PCARD_DATA, bContainerIndex: BYTE, dwReserved: DWORD) -> DWORD;
    /// `CardCreateContainer`: generates or imports one key. Key data carries no length.
    fn PFN_CARD_CREATE_CONTAINER(
        pCardData: PCARD_DATA, bContainerIndex: BYTE, dwFlags: DWORD, dwKeySpec: DWORD, dwKeySize: DWORD,
        pbKeyData: PBYTE,
    ) -> DWORD;
    /// `CardCreateContainerEx` (v7): the same, for a named role.
    fn PFN_CARD_CREATE_CONTAINER_EX(
        pCardData: PCARD_DATA, bContainerIndex: BYTE, dwFlags: DWORD, dwKeySpec: DWORD, dwKeySize: DWORD,
        pbKeyData: PBYTE, PinId: PIN_ID,
    ) -> DWORD;
    /// `CardGetContainerInfo`: a container's public keys.
    fn PFN_CARD_GET_CONTAINER_INFO(
        pCardData: PCARD_DATA, bContainerIndex: BYTE, dwFlags: DWORD, pContainerInfo: PCONTAINER_INFO,
    ) -> DWORD;

    // Authentication by user name, since version 4
    /// `CardAuthenticatePin`: verifies the PIN of "user" or "admin".
    fn PFN_CARD_AUTHENTICATE_PIN(
        pCardData: PCARD_DATA, pwszUserId: LPWSTR, pbPin: PBYTE, cbPin: DWORD, pcAttemptsRemaining: PDWORD,
    ) -> DWORD;
    /// `CardGetChallenge`: a challenge for the administrator's key.
    fn PFN_CARD_GET_CHALLENGE(
        pCardData: PCARD_DATA, ppbChallengeData: *mut PBYTE, pcbChallengeData: PDWORD,
    ) -> DWORD;
    /// `CardAuthenticateChallenge`: the answer to it.
    fn PFN_CARD_AUTHENTICATE_CHALLENGE(
        pCardData: PCARD_DATA, pbResponseData: PBYTE, cbResponseData: DWORD, pcAttemptsRemaining: PDWORD,
    ) -> DWORD;
    /// `CardUnblockPin`: a new PIN, by challenge/response or by a PUK.
    fn PFN_CARD_UNBLOCK_PIN(
        pCardData: PCARD_DATA, pwszUserId: LPWSTR, pbAuthenticationData: PBYTE, cbAuthenticationData: DWORD,
        pbNewPinData: PBYTE, cbNewPinData: DWORD, cRetryCount: DWORD, dwFlags: DWORD,
    ) -> DWORD;
    /// `CardChangeAuthenticator`: a new PIN or administrator key, by the old one.
    fn PFN_CARD_CHANGE_AUTHENTICATOR(
        pCardData: PCARD_DATA, pwszUserId: LPWSTR, pbCurrentAuthenticator: PBYTE,
        cbCurrentAuthenticator: DWORD, pbNewAuthenticator: PBYTE, cbNewAuthenticator: DWORD,
        cRetryCount: DWORD, dwFlags: DWORD, pcAttemptsRemaining: PDWORD,
    ) -> DWORD;
    /// `CardDeauthenticate`: takes the rights of "user" or "admin" away.
    fn PFN_CARD_DEAUTHENTICATE(pCardData: PCARD_DATA, pwszUserId: LPWSTR, dwFlags: DWORD) -> DWORD;

    // Files
    /// `CardCreateDirectory`.
    fn PFN_CARD_CREATE_DIRECTORY(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, AccessCondition: CARD_DIRECTORY_ACCESS_CONDITION,
    ) -> DWORD;
    /// `CardDeleteDirectory`: the directory must be empty.
    fn PFN_CARD_DELETE_DIRECTORY(pCardData: PCARD_DATA, pszDirectoryName: LPSTR) -> DWORD;
    /// `CardCreateFile`.
    fn PFN_CARD_CREATE_FILE(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, pszFileName: LPSTR, cbInitialCreationSize: DWORD,
        AccessCondition: CARD_FILE_ACCESS_CONDITION,
    ) -> DWORD;
    /// `CardReadFile`: the whole file, in a block of the host's memory.
    fn PFN_CARD_READ_FILE(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, pszFileName: LPSTR, dwFlags: DWORD,
        ppbData: *mut PBYTE, pcbData: PDWORD,
    ) -> DWORD;
    /// `CardWriteFile`: replaces a file's content.
    fn PFN_CARD_WRITE_FILE(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, pszFileName: LPSTR, dwFlags: DWORD, pbData: PBYTE,
        cbData: DWORD,
    ) -> DWORD;
    /// `CardDeleteFile`.
    fn PFN_CARD_DELETE_FILE(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, pszFileName: LPSTR, dwFlags: DWORD,
    ) -> DWORD;
    /// `CardEnumFiles`: a directory's file names, each ended by zero, one more zero at the end.
    fn PFN_CARD_ENUM_FILES(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, pmszFileNames: *mut LPSTR, pdwcbFileName: LPDWORD,
        dwFlags: DWORD,
    ) -> DWORD;
    /// `CardGetFileInfo`: a file's size and access condition.
    fn PFN_CARD_GET_FILE_INFO(
        pCardData: PCARD_DATA, pszDirectoryName: LPSTR, pszFileName: LPSTR, pCardFileInfo: PCARD_FILE_INFO,
    ) -> DWORD;
    /// `CardQueryFreeSpace`.
    fn PFN_CARD_QUERY_FREE_SPACE(
        pCardData: PCARD_DATA, dwFlags: DWORD, pCardFreeSpaceInfo: PCARD_FREE_SPACE_INFO,
    ) -> DWORD;
    /// `CardQueryKeySizes`: lengths of a key spec's keys, in bits.
    fn PFN_CARD_QUERY_KEY_SIZES(
        pCardData: PCARD_DATA, dwKeySpec: DWORD, dwFlags: DWORD, pKeySizes: PCARD_KEY_SIZES,
    ) -> DWORD;

    // Cryptography
    /// `CardRSADecrypt`: in place, little-endian.
    fn PFN_CARD_RSA_DECRYPT(pCardData: PCARD_DATA, pInfo: PCARD_RSA_DECRYPT_INFO) -> DWORD;
    /// `CardSignData`: signs a hash; RSA results are little-endian, ECDSA results `r‖s` big-endian.
    fn PFN_CARD_SIGN_DATA(pCardData: PCARD_DATA, pInfo: PCARD_SIGNING_INFO) -> DWORD;
    /// `CardConstructDHAgreement`: agrees on a secret and answers its index.
    fn PFN_CARD_CONSTRUCT_DH_AGREEMENT(
        pCardData: PCARD_DATA, pAgreementInfo: PCARD_DH_AGREEMENT_INFO,
    ) -> DWORD;
    /// `CardDeriveKey` (v5): a key from an agreed secret.
    fn PFN_CARD_DERIVE_KEY(pCardData: PCARD_DATA, pAgreementInfo: PCARD_DERIVE_KEY) -> DWORD;
    /// `CardDestroyDHAgreement` (v5).
    fn PFN_CARD_DESTROY_DH_AGREEMENT(
        pCardData: PCARD_DATA, bSecretAgreementIndex: BYTE, dwFlags: DWORD,
    ) -> DWORD;

    // Callbacks of the host
    /// `CspGetDHAgreement` (v5): the index of an agreement behind a secret's handle.
    fn PFN_CSP_GET_DH_AGREEMENT(
        pCardData: PCARD_DATA, hSecretAgreement: PVOID, pbSecretAgreementIndex: *mut BYTE, dwFlags: DWORD,
    ) -> DWORD;
    /// `CspAlloc`: a block of the host's memory, or NULL.
    fn PFN_CSP_ALLOC(Size: SIZE_T) -> LPVOID;
    /// `CspReAlloc`: the block resized and perhaps moved, or NULL with the old block whole.
    fn PFN_CSP_REALLOC(Address: LPVOID, Size: SIZE_T) -> LPVOID;
    /// `CspFree`: the block returned.
    fn PFN_CSP_FREE(Address: LPVOID);
    /// `CspCacheAddFile`: the host copies the data under the tag.
    fn PFN_CSP_CACHE_ADD_FILE(
        pvCacheContext: PVOID, wszTag: LPWSTR, dwFlags: DWORD, pbData: PBYTE, cbData: DWORD,
    ) -> DWORD;
    /// `CspCacheLookupFile`: a block that the module frees with `CspFree`.
    fn PFN_CSP_CACHE_LOOKUP_FILE(
        pvCacheContext: PVOID, wszTag: LPWSTR, dwFlags: DWORD, ppbData: *mut PBYTE, pcbData: PDWORD,
    ) -> DWORD;
    /// `CspCacheDeleteFile`.
    fn PFN_CSP_CACHE_DELETE_FILE(pvCacheContext: PVOID, wszTag: LPWSTR, dwFlags: DWORD) -> DWORD;
    /// `CspPadData`: a padded block of `cbMaxWidth` bytes, which the module frees.
    fn PFN_CSP_PAD_DATA(
        pSigningInfo: PCARD_SIGNING_INFO, cbMaxWidth: DWORD, pcbPaddedBuffer: *mut DWORD,
        ppbPaddedBuffer: *mut PBYTE,
    ) -> DWORD;
    /// `CspUnpadData` (v7): decrypted data without its padding, which the module frees.
    fn PFN_CSP_UNPAD_DATA(
        pRSADecryptInfo: PCARD_RSA_DECRYPT_INFO, pcbUnpaddedData: *mut DWORD, ppbUnpaddedData: *mut PBYTE,
    ) -> DWORD;

    // Properties (v6)
    /// `CardGetContainerProperty` (v6).
    fn PFN_CARD_GET_CONTAINER_PROPERTY(
        pCardData: PCARD_DATA, bContainerIndex: BYTE, wszProperty: LPCWSTR, pbData: PBYTE, cbData: DWORD,
        pdwDataLen: PDWORD, dwFlags: DWORD,
    ) -> DWORD;
    /// `CardSetContainerProperty` (v6).
    fn PFN_CARD_SET_CONTAINER_PROPERTY(
        pCardData: PCARD_DATA, bContainerIndex: BYTE, wszProperty: LPCWSTR, pbData: PBYTE, cbDataLen: DWORD,
        dwFlags: DWORD,
    ) -> DWORD;
    /// `CardGetProperty` (v6); `dwFlags` may select a role, a key spec or an operation.
    fn PFN_CARD_GET_PROPERTY(
        pCardData: PCARD_DATA, wszProperty: LPCWSTR, pbData: PBYTE, cbData: DWORD, pdwDataLen: PDWORD,
        dwFlags: DWORD,
    ) -> DWORD;
    /// `CardSetProperty` (v6).
    fn PFN_CARD_SET_PROPERTY(
        pCardData: PCARD_DATA, wszProperty: LPCWSTR, pbData: PBYTE, cbDataLen: DWORD, dwFlags: DWORD,
    ) -> DWORD;

    // Secure key injection (v7)
    /// `MDImportSessionKey` (v7): a plain session key into the module, on the server.
    fn PFN_MD_IMPORT_SESSION_KEY(
        pCardData: PCARD_DATA, pwszBlobType: LPCWSTR, pwszAlgId: LPCWSTR, phKey: PCARD_KEY_HANDLE,
        pbInput: PBYTE, cbInput: DWORD,
    ) -> DWORD;
    /// `MDEncryptData` (v7): input of a secure function encrypted, on the server.
    fn PFN_MD_ENCRYPT_DATA(
        pCardData: PCARD_DATA, hKey: CARD_KEY_HANDLE, pwszSecureFunction: LPCWSTR, pbInput: PBYTE,
        cbInput: DWORD, dwFlags: DWORD, ppEncryptedData: *mut PCARD_ENCRYPTED_DATA, pcEncryptedData: PDWORD,
    ) -> DWORD;
    /// `CardGetSharedKeyHandle` (v7): a shared or negotiated key.
    fn PFN_CARD_GET_SHARED_KEY_HANDLE(
        pCardData: PCARD_DATA, pbInput: PBYTE, cbInput: DWORD, ppbOutput: *mut PBYTE, pcbOutput: PDWORD,
        phKey: PCARD_KEY_HANDLE,
    ) -> DWORD;
    /// `CardDestroyKey` (v7).
    fn PFN_CARD_DESTROY_KEY(pCardData: PCARD_DATA, hKey: CARD_KEY_HANDLE) -> DWORD;
    /// `CardGetAlgorithmProperty` (v7).
    fn PFN_CARD_GET_ALGORITHM_PROPERTY(
        pCardData: PCARD_DATA, pwszAlgId: LPCWSTR, pwszProperty: LPCWSTR, pbData: PBYTE, cbData: DWORD,
        pdwDataLen: PDWORD, dwFlags: DWORD,
    ) -> DWORD;
    /// `CardGetKeyProperty` (v7).
    fn PFN_CARD_GET_KEY_PROPERTY(
        pCardData: PCARD_DATA, hKey: CARD_KEY_HANDLE, pwszProperty: LPCWSTR, pbData: PBYTE, cbData: DWORD,
        pdwDataLen: PDWORD, dwFlags: DWORD,
    ) -> DWORD;
    /// `CardSetKeyProperty` (v7).
    fn PFN_CARD_SET_KEY_PROPERTY(
        pCardData: PCARD_DATA, hKey: CARD_KEY_HANDLE, pwszProperty: LPCWSTR, pbInput: PBYTE, cbInput: DWORD,
        dwFlags: DWORD,
    ) -> DWORD;
    /// `CardImportSessionKey` (v7): a session key encrypted to a container's key.
    fn PFN_CARD_IMPORT_SESSION_KEY(
        pCardData: PCARD_DATA, bContainerIndex: BYTE, pPaddingInfo: LPVOID, pwszBlobType: LPCWSTR,
        pwszAlgId: LPCWSTR, phKey: PCARD_KEY_HANDLE, pbInput: PBYTE, cbInput: DWORD, dwFlags: DWORD,
    ) -> DWORD;
    /// `CardProcessEncryptedData` (v7): decrypts and performs a secure function.
    fn PFN_CARD_PROCESS_ENCRYPTED_DATA(
        pCardData: PCARD_DATA, hKey: CARD_KEY_HANDLE, pwszSecureFunction: LPCWSTR,
        pEncryptedData: PCARD_ENCRYPTED_DATA, cEncryptedData: DWORD, pbOutput: PBYTE, cbOutput: DWORD,
        pdwOutputLen: PDWORD, dwFlags: DWORD,
    ) -> DWORD;
}
