/* cardmod.h: the card module (smart card minidriver) interface, versions 4 to 7.
 *
 * Made from the crate cardmod-sys; do not edit. Widths are those of Windows on every platform, so
 * this header may stand beside pcsc-lite's. License: MIT OR Apache-2.0. */
#ifndef CARDMOD_H
#define CARDMOD_H

#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32) && !defined(_WIN64)
#define CARDMOD_API __stdcall
#else
#define CARDMOD_API
#endif

#if defined(_WIN32)
#define CARDMOD_EXPORT __declspec(dllexport)
#else
#define CARDMOD_EXPORT __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cardmod_CARD_CACHE_FILE_FORMAT cardmod_CARD_CACHE_FILE_FORMAT;
typedef struct cardmod_CONTAINER_MAP_RECORD cardmod_CONTAINER_MAP_RECORD;
typedef struct cardmod_CARD_CAPABILITIES cardmod_CARD_CAPABILITIES;
typedef struct cardmod_PIN_CACHE_POLICY cardmod_PIN_CACHE_POLICY;
typedef struct cardmod_PIN_INFO cardmod_PIN_INFO;
typedef struct cardmod_CONTAINER_INFO cardmod_CONTAINER_INFO;
typedef struct cardmod_CARD_FILE_INFO cardmod_CARD_FILE_INFO;
typedef struct cardmod_CARD_FREE_SPACE_INFO cardmod_CARD_FREE_SPACE_INFO;
typedef struct cardmod_CARD_KEY_SIZES cardmod_CARD_KEY_SIZES;
typedef struct cardmod_CARD_RSA_DECRYPT_INFO cardmod_CARD_RSA_DECRYPT_INFO;
typedef struct cardmod_CARD_SIGNING_INFO cardmod_CARD_SIGNING_INFO;
typedef struct cardmod_CARD_DH_AGREEMENT_INFO cardmod_CARD_DH_AGREEMENT_INFO;
typedef struct cardmod_CARD_DERIVE_KEY cardmod_CARD_DERIVE_KEY;
typedef struct cardmod_CARD_ENCRYPTED_DATA cardmod_CARD_ENCRYPTED_DATA;
typedef struct cardmod_CARD_IMPORT_KEYPAIR cardmod_CARD_IMPORT_KEYPAIR;
typedef struct cardmod_CARD_CHANGE_AUTHENTICATOR cardmod_CARD_CHANGE_AUTHENTICATOR;
typedef struct cardmod_CARD_CHANGE_AUTHENTICATOR_RESPONSE cardmod_CARD_CHANGE_AUTHENTICATOR_RESPONSE;
typedef struct cardmod_CARD_AUTHENTICATE cardmod_CARD_AUTHENTICATE;
typedef struct cardmod_CARD_AUTHENTICATE_RESPONSE cardmod_CARD_AUTHENTICATE_RESPONSE;
typedef struct cardmod_CARD_DATA cardmod_CARD_DATA;
typedef struct cardmod_CLMD_PIV_CERT_DATA cardmod_CLMD_PIV_CERT_DATA;
typedef struct cardmod_CLMD_PIV_GENERATE_ASYMMETRIC_KEY cardmod_CLMD_PIV_GENERATE_ASYMMETRIC_KEY;
typedef struct cardmod_CLMD_PIV_PUBLIC_KEY_DATA cardmod_CLMD_PIV_PUBLIC_KEY_DATA;
typedef struct cardmod_PUBLICKEYSTRUC cardmod_PUBLICKEYSTRUC;
typedef struct cardmod_RSAPUBKEY cardmod_RSAPUBKEY;
typedef struct cardmod_DHPUBKEY cardmod_DHPUBKEY;
typedef struct cardmod_CRYPT_DATA_BLOB cardmod_CRYPT_DATA_BLOB;
typedef struct cardmod_PROV_ENUMALGS_EX cardmod_PROV_ENUMALGS_EX;
typedef struct cardmod_BCRYPT_KEY_BLOB cardmod_BCRYPT_KEY_BLOB;
typedef struct cardmod_BCRYPT_RSAKEY_BLOB cardmod_BCRYPT_RSAKEY_BLOB;
typedef struct cardmod_BCRYPT_ECCKEY_BLOB cardmod_BCRYPT_ECCKEY_BLOB;
typedef struct cardmod_BCRYPT_DH_KEY_BLOB cardmod_BCRYPT_DH_KEY_BLOB;
typedef struct cardmod_BCRYPT_KEY_DATA_BLOB_HEADER cardmod_BCRYPT_KEY_DATA_BLOB_HEADER;
typedef struct cardmod_BCRYPT_PKCS1_PADDING_INFO cardmod_BCRYPT_PKCS1_PADDING_INFO;
typedef struct cardmod_BCRYPT_PSS_PADDING_INFO cardmod_BCRYPT_PSS_PADDING_INFO;
typedef struct cardmod_BCRYPT_OAEP_PADDING_INFO cardmod_BCRYPT_OAEP_PADDING_INFO;
typedef struct cardmod_BCryptBuffer cardmod_BCryptBuffer;
typedef struct cardmod_BCryptBufferDesc cardmod_BCryptBufferDesc;
typedef struct cardmod_BCRYPT_KEY_LENGTHS_STRUCT cardmod_BCRYPT_KEY_LENGTHS_STRUCT;
typedef struct cardmod_NCryptBuffer cardmod_NCryptBuffer;
typedef struct cardmod_NCryptBufferDesc cardmod_NCryptBufferDesc;
typedef struct cardmod_NCRYPT_SUPPORTED_LENGTHS cardmod_NCRYPT_SUPPORTED_LENGTHS;

/* Functions */
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_ACQUIRE_CONTEXT)(cardmod_CARD_DATA *pCardData, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DELETE_CONTEXT)(cardmod_CARD_DATA *pCardData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_QUERY_CAPABILITIES)(cardmod_CARD_DATA *pCardData, cardmod_CARD_CAPABILITIES *pCardCapabilities);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_CHALLENGE_EX)(cardmod_CARD_DATA *pCardData, uint32_t PinId, uint8_t **ppbChallengeData, uint32_t *pcbChallengeData, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_AUTHENTICATE_EX)(cardmod_CARD_DATA *pCardData, uint32_t PinId, uint32_t dwFlags, uint8_t *pbPinData, uint32_t cbPinData, uint8_t **ppbSessionPin, uint32_t *pcbSessionPin, uint32_t *pcAttemptsRemaining);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CHANGE_AUTHENTICATOR_EX)(cardmod_CARD_DATA *pCardData, uint32_t dwFlags, uint32_t dwAuthenticatingPinId, uint8_t *pbAuthenticatingPinData, uint32_t cbAuthenticatingPinData, uint32_t dwTargetPinId, uint8_t *pbTargetData, uint32_t cbTargetData, uint32_t cRetryCount, uint32_t *pcAttemptsRemaining);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DEAUTHENTICATE_EX)(cardmod_CARD_DATA *pCardData, uint32_t PinId, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DELETE_CONTAINER)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, uint32_t dwReserved);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CREATE_CONTAINER)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, uint32_t dwFlags, uint32_t dwKeySpec, uint32_t dwKeySize, uint8_t *pbKeyData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CREATE_CONTAINER_EX)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, uint32_t dwFlags, uint32_t dwKeySpec, uint32_t dwKeySize, uint8_t *pbKeyData, uint32_t PinId);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_CONTAINER_INFO)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, uint32_t dwFlags, cardmod_CONTAINER_INFO *pContainerInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_AUTHENTICATE_PIN)(cardmod_CARD_DATA *pCardData, uint16_t *pwszUserId, uint8_t *pbPin, uint32_t cbPin, uint32_t *pcAttemptsRemaining);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_CHALLENGE)(cardmod_CARD_DATA *pCardData, uint8_t **ppbChallengeData, uint32_t *pcbChallengeData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_AUTHENTICATE_CHALLENGE)(cardmod_CARD_DATA *pCardData, uint8_t *pbResponseData, uint32_t cbResponseData, uint32_t *pcAttemptsRemaining);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_UNBLOCK_PIN)(cardmod_CARD_DATA *pCardData, uint16_t *pwszUserId, uint8_t *pbAuthenticationData, uint32_t cbAuthenticationData, uint8_t *pbNewPinData, uint32_t cbNewPinData, uint32_t cRetryCount, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CHANGE_AUTHENTICATOR)(cardmod_CARD_DATA *pCardData, uint16_t *pwszUserId, uint8_t *pbCurrentAuthenticator, uint32_t cbCurrentAuthenticator, uint8_t *pbNewAuthenticator, uint32_t cbNewAuthenticator, uint32_t cRetryCount, uint32_t dwFlags, uint32_t *pcAttemptsRemaining);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DEAUTHENTICATE)(cardmod_CARD_DATA *pCardData, uint16_t *pwszUserId, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CREATE_DIRECTORY)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, uint32_t AccessCondition);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DELETE_DIRECTORY)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CREATE_FILE)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, char *pszFileName, uint32_t cbInitialCreationSize, uint32_t AccessCondition);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_READ_FILE)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, char *pszFileName, uint32_t dwFlags, uint8_t **ppbData, uint32_t *pcbData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_WRITE_FILE)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, char *pszFileName, uint32_t dwFlags, uint8_t *pbData, uint32_t cbData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DELETE_FILE)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, char *pszFileName, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_ENUM_FILES)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, char **pmszFileNames, uint32_t *pdwcbFileName, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_FILE_INFO)(cardmod_CARD_DATA *pCardData, char *pszDirectoryName, char *pszFileName, cardmod_CARD_FILE_INFO *pCardFileInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_QUERY_FREE_SPACE)(cardmod_CARD_DATA *pCardData, uint32_t dwFlags, cardmod_CARD_FREE_SPACE_INFO *pCardFreeSpaceInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_QUERY_KEY_SIZES)(cardmod_CARD_DATA *pCardData, uint32_t dwKeySpec, uint32_t dwFlags, cardmod_CARD_KEY_SIZES *pKeySizes);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_RSA_DECRYPT)(cardmod_CARD_DATA *pCardData, cardmod_CARD_RSA_DECRYPT_INFO *pInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_SIGN_DATA)(cardmod_CARD_DATA *pCardData, cardmod_CARD_SIGNING_INFO *pInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_CONSTRUCT_DH_AGREEMENT)(cardmod_CARD_DATA *pCardData, cardmod_CARD_DH_AGREEMENT_INFO *pAgreementInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DERIVE_KEY)(cardmod_CARD_DATA *pCardData, cardmod_CARD_DERIVE_KEY *pAgreementInfo);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DESTROY_DH_AGREEMENT)(cardmod_CARD_DATA *pCardData, uint8_t bSecretAgreementIndex, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CSP_GET_DH_AGREEMENT)(cardmod_CARD_DATA *pCardData, void *hSecretAgreement, uint8_t *pbSecretAgreementIndex, uint32_t dwFlags);
typedef void *(CARDMOD_API *cardmod_PFN_CSP_ALLOC)(size_t Size);
typedef void *(CARDMOD_API *cardmod_PFN_CSP_REALLOC)(void *Address, size_t Size);
typedef void (CARDMOD_API *cardmod_PFN_CSP_FREE)(void *Address);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CSP_CACHE_ADD_FILE)(void *pvCacheContext, uint16_t *wszTag, uint32_t dwFlags, uint8_t *pbData, uint32_t cbData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CSP_CACHE_LOOKUP_FILE)(void *pvCacheContext, uint16_t *wszTag, uint32_t dwFlags, uint8_t **ppbData, uint32_t *pcbData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CSP_CACHE_DELETE_FILE)(void *pvCacheContext, uint16_t *wszTag, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CSP_PAD_DATA)(cardmod_CARD_SIGNING_INFO *pSigningInfo, uint32_t cbMaxWidth, uint32_t *pcbPaddedBuffer, uint8_t **ppbPaddedBuffer);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CSP_UNPAD_DATA)(cardmod_CARD_RSA_DECRYPT_INFO *pRSADecryptInfo, uint32_t *pcbUnpaddedData, uint8_t **ppbUnpaddedData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_CONTAINER_PROPERTY)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, const uint16_t *wszProperty, uint8_t *pbData, uint32_t cbData, uint32_t *pdwDataLen, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_SET_CONTAINER_PROPERTY)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, const uint16_t *wszProperty, uint8_t *pbData, uint32_t cbDataLen, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_PROPERTY)(cardmod_CARD_DATA *pCardData, const uint16_t *wszProperty, uint8_t *pbData, uint32_t cbData, uint32_t *pdwDataLen, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_SET_PROPERTY)(cardmod_CARD_DATA *pCardData, const uint16_t *wszProperty, uint8_t *pbData, uint32_t cbDataLen, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_MD_IMPORT_SESSION_KEY)(cardmod_CARD_DATA *pCardData, const uint16_t *pwszBlobType, const uint16_t *pwszAlgId, uintptr_t *phKey, uint8_t *pbInput, uint32_t cbInput);
typedef uint32_t (CARDMOD_API *cardmod_PFN_MD_ENCRYPT_DATA)(cardmod_CARD_DATA *pCardData, uintptr_t hKey, const uint16_t *pwszSecureFunction, uint8_t *pbInput, uint32_t cbInput, uint32_t dwFlags, cardmod_CARD_ENCRYPTED_DATA **ppEncryptedData, uint32_t *pcEncryptedData);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_SHARED_KEY_HANDLE)(cardmod_CARD_DATA *pCardData, uint8_t *pbInput, uint32_t cbInput, uint8_t **ppbOutput, uint32_t *pcbOutput, uintptr_t *phKey);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_DESTROY_KEY)(cardmod_CARD_DATA *pCardData, uintptr_t hKey);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_ALGORITHM_PROPERTY)(cardmod_CARD_DATA *pCardData, const uint16_t *pwszAlgId, const uint16_t *pwszProperty, uint8_t *pbData, uint32_t cbData, uint32_t *pdwDataLen, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_GET_KEY_PROPERTY)(cardmod_CARD_DATA *pCardData, uintptr_t hKey, const uint16_t *pwszProperty, uint8_t *pbData, uint32_t cbData, uint32_t *pdwDataLen, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_SET_KEY_PROPERTY)(cardmod_CARD_DATA *pCardData, uintptr_t hKey, const uint16_t *pwszProperty, uint8_t *pbInput, uint32_t cbInput, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_IMPORT_SESSION_KEY)(cardmod_CARD_DATA *pCardData, uint8_t bContainerIndex, void *pPaddingInfo, const uint16_t *pwszBlobType, const uint16_t *pwszAlgId, uintptr_t *phKey, uint8_t *pbInput, uint32_t cbInput, uint32_t dwFlags);
typedef uint32_t (CARDMOD_API *cardmod_PFN_CARD_PROCESS_ENCRYPTED_DATA)(cardmod_CARD_DATA *pCardData, uintptr_t hKey, const uint16_t *pwszSecureFunction, cardmod_CARD_ENCRYPTED_DATA *pEncryptedData, uint32_t cEncryptedData, uint8_t *pbOutput, uint32_t cbOutput, uint32_t *pdwOutputLen, uint32_t dwFlags);

/* Structures */
struct cardmod_CARD_CACHE_FILE_FORMAT {
    uint8_t bVersion;
    uint8_t bPinsFreshness;
    uint16_t wContainersFreshness;
    uint16_t wFilesFreshness;
};

struct cardmod_CONTAINER_MAP_RECORD {
    uint16_t wszGuid[40];
    uint8_t bFlags;
    uint8_t bReserved;
    uint16_t wSigKeySizeBits;
    uint16_t wKeyExchangeKeySizeBits;
};

struct cardmod_CARD_CAPABILITIES {
    uint32_t dwVersion;
    int32_t fCertificateCompression;
    int32_t fKeyGen;
};

struct cardmod_PIN_CACHE_POLICY {
    uint32_t dwVersion;
    uint32_t PinCachePolicyType;
    uint32_t dwPinCachePolicyInfo;
};

struct cardmod_PIN_INFO {
    uint32_t dwVersion;
    uint32_t PinType;
    uint32_t PinPurpose;
    uint32_t dwChangePermission;
    uint32_t dwUnblockPermission;
    cardmod_PIN_CACHE_POLICY PinCachePolicy;
    uint32_t dwFlags;
};

struct cardmod_CONTAINER_INFO {
    uint32_t dwVersion;
    uint32_t dwReserved;
    uint32_t cbSigPublicKey;
    uint8_t *pbSigPublicKey;
    uint32_t cbKeyExPublicKey;
    uint8_t *pbKeyExPublicKey;
};

struct cardmod_CARD_FILE_INFO {
    uint32_t dwVersion;
    uint32_t cbFileSize;
    uint32_t AccessCondition;
};

struct cardmod_CARD_FREE_SPACE_INFO {
    uint32_t dwVersion;
    uint32_t dwBytesAvailable;
    uint32_t dwKeyContainersAvailable;
    uint32_t dwMaxKeyContainers;
};

struct cardmod_CARD_KEY_SIZES {
    uint32_t dwVersion;
    uint32_t dwMinimumBitlen;
    uint32_t dwDefaultBitlen;
    uint32_t dwMaximumBitlen;
    uint32_t dwIncrementalBitlen;
};

struct cardmod_CARD_RSA_DECRYPT_INFO {
    uint32_t dwVersion;
    uint8_t bContainerIndex;
    uint32_t dwKeySpec;
    uint8_t *pbData;
    uint32_t cbData;
    void *pPaddingInfo;
    uint32_t dwPaddingType;
};

struct cardmod_CARD_SIGNING_INFO {
    uint32_t dwVersion;
    uint8_t bContainerIndex;
    uint32_t dwKeySpec;
    uint32_t dwSigningFlags;
    uint32_t aiHashAlg;
    uint8_t *pbData;
    uint32_t cbData;
    uint8_t *pbSignedData;
    uint32_t cbSignedData;
    void *pPaddingInfo;
    uint32_t dwPaddingType;
};

struct cardmod_CARD_DH_AGREEMENT_INFO {
    uint32_t dwVersion;
    uint8_t bContainerIndex;
    uint32_t dwFlags;
    uint32_t dwPublicKey;
    uint8_t *pbPublicKey;
    uint8_t *pbReserved;
    uint32_t cbReserved;
    uint8_t bSecretAgreementIndex;
};

struct cardmod_CARD_DERIVE_KEY {
    uint32_t dwVersion;
    uint32_t dwFlags;
    uint16_t *pwszKDF;
    uint8_t bSecretAgreementIndex;
    void *pParameterList;
    uint8_t *pbDerivedKey;
    uint32_t cbDerivedKey;
    uint16_t *pwszAlgId;
    uint32_t dwKeyLen;
    uintptr_t hKey;
};

struct cardmod_CARD_ENCRYPTED_DATA {
    uint8_t *pbEncryptedData;
    uint32_t cbEncryptedData;
};

struct cardmod_CARD_IMPORT_KEYPAIR {
    uint32_t dwVersion;
    uint8_t bContainerIndex;
    uint32_t PinId;
    uint32_t dwKeySpec;
    uint32_t dwKeySize;
    uint32_t cbInput;
    uint8_t pbInput[];
};

struct cardmod_CARD_CHANGE_AUTHENTICATOR {
    uint32_t dwVersion;
    uint32_t dwFlags;
    uint32_t dwAuthenticatingPinId;
    uint32_t cbAuthenticatingPinData;
    uint32_t dwTargetPinId;
    uint32_t cbTargetData;
    uint32_t cRetryCount;
    uint8_t pbData[];
};

struct cardmod_CARD_CHANGE_AUTHENTICATOR_RESPONSE {
    uint32_t dwVersion;
    uint32_t cAttemptsRemaining;
};

struct cardmod_CARD_AUTHENTICATE {
    uint32_t dwVersion;
    uint32_t dwFlags;
    uint32_t PinId;
    uint32_t cbPinData;
    uint8_t pbPinData[];
};

struct cardmod_CARD_AUTHENTICATE_RESPONSE {
    uint32_t dwVersion;
    uint32_t cbSessionPin;
    uint32_t cAttemptsRemaining;
    uint8_t pbSessionPin[];
};

struct cardmod_CARD_DATA {
    uint32_t dwVersion;
    uint8_t *pbAtr;
    uint32_t cbAtr;
    uint16_t *pwszCardName;
    cardmod_PFN_CSP_ALLOC pfnCspAlloc;
    cardmod_PFN_CSP_REALLOC pfnCspReAlloc;
    cardmod_PFN_CSP_FREE pfnCspFree;
    cardmod_PFN_CSP_CACHE_ADD_FILE pfnCspCacheAddFile;
    cardmod_PFN_CSP_CACHE_LOOKUP_FILE pfnCspCacheLookupFile;
    cardmod_PFN_CSP_CACHE_DELETE_FILE pfnCspCacheDeleteFile;
    void *pvCacheContext;
    cardmod_PFN_CSP_PAD_DATA pfnCspPadData;
    uintptr_t hSCardCtx;
    uintptr_t hScard;
    void *pvVendorSpecific;
    cardmod_PFN_CARD_DELETE_CONTEXT pfnCardDeleteContext;
    cardmod_PFN_CARD_QUERY_CAPABILITIES pfnCardQueryCapabilities;
    cardmod_PFN_CARD_DELETE_CONTAINER pfnCardDeleteContainer;
    cardmod_PFN_CARD_CREATE_CONTAINER pfnCardCreateContainer;
    cardmod_PFN_CARD_GET_CONTAINER_INFO pfnCardGetContainerInfo;
    cardmod_PFN_CARD_AUTHENTICATE_PIN pfnCardAuthenticatePin;
    cardmod_PFN_CARD_GET_CHALLENGE pfnCardGetChallenge;
    cardmod_PFN_CARD_AUTHENTICATE_CHALLENGE pfnCardAuthenticateChallenge;
    cardmod_PFN_CARD_UNBLOCK_PIN pfnCardUnblockPin;
    cardmod_PFN_CARD_CHANGE_AUTHENTICATOR pfnCardChangeAuthenticator;
    cardmod_PFN_CARD_DEAUTHENTICATE pfnCardDeauthenticate;
    cardmod_PFN_CARD_CREATE_DIRECTORY pfnCardCreateDirectory;
    cardmod_PFN_CARD_DELETE_DIRECTORY pfnCardDeleteDirectory;
    void *pvUnused3;
    void *pvUnused4;
    cardmod_PFN_CARD_CREATE_FILE pfnCardCreateFile;
    cardmod_PFN_CARD_READ_FILE pfnCardReadFile;
    cardmod_PFN_CARD_WRITE_FILE pfnCardWriteFile;
    cardmod_PFN_CARD_DELETE_FILE pfnCardDeleteFile;
    cardmod_PFN_CARD_ENUM_FILES pfnCardEnumFiles;
    cardmod_PFN_CARD_GET_FILE_INFO pfnCardGetFileInfo;
    cardmod_PFN_CARD_QUERY_FREE_SPACE pfnCardQueryFreeSpace;
    cardmod_PFN_CARD_QUERY_KEY_SIZES pfnCardQueryKeySizes;
    cardmod_PFN_CARD_SIGN_DATA pfnCardSignData;
    cardmod_PFN_CARD_RSA_DECRYPT pfnCardRSADecrypt;
    cardmod_PFN_CARD_CONSTRUCT_DH_AGREEMENT pfnCardConstructDHAgreement;
    cardmod_PFN_CARD_DERIVE_KEY pfnCardDeriveKey;
    cardmod_PFN_CARD_DESTROY_DH_AGREEMENT pfnCardDestroyDHAgreement;
    cardmod_PFN_CSP_GET_DH_AGREEMENT pfnCspGetDHAgreement;
    cardmod_PFN_CARD_GET_CHALLENGE_EX pfnCardGetChallengeEx;
    cardmod_PFN_CARD_AUTHENTICATE_EX pfnCardAuthenticateEx;
    cardmod_PFN_CARD_CHANGE_AUTHENTICATOR_EX pfnCardChangeAuthenticatorEx;
    cardmod_PFN_CARD_DEAUTHENTICATE_EX pfnCardDeauthenticateEx;
    cardmod_PFN_CARD_GET_CONTAINER_PROPERTY pfnCardGetContainerProperty;
    cardmod_PFN_CARD_SET_CONTAINER_PROPERTY pfnCardSetContainerProperty;
    cardmod_PFN_CARD_GET_PROPERTY pfnCardGetProperty;
    cardmod_PFN_CARD_SET_PROPERTY pfnCardSetProperty;
    cardmod_PFN_CSP_UNPAD_DATA pfnCspUnpadData;
    cardmod_PFN_MD_IMPORT_SESSION_KEY pfnMDImportSessionKey;
    cardmod_PFN_MD_ENCRYPT_DATA pfnMDEncryptData;
    cardmod_PFN_CARD_IMPORT_SESSION_KEY pfnCardImportSessionKey;
    cardmod_PFN_CARD_GET_SHARED_KEY_HANDLE pfnCardGetSharedKeyHandle;
    cardmod_PFN_CARD_GET_ALGORITHM_PROPERTY pfnCardGetAlgorithmProperty;
    cardmod_PFN_CARD_GET_KEY_PROPERTY pfnCardGetKeyProperty;
    cardmod_PFN_CARD_SET_KEY_PROPERTY pfnCardSetKeyProperty;
    cardmod_PFN_CARD_DESTROY_KEY pfnCardDestroyKey;
    cardmod_PFN_CARD_PROCESS_ENCRYPTED_DATA pfnCardProcessEncryptedData;
    cardmod_PFN_CARD_CREATE_CONTAINER_EX pfnCardCreateContainerEx;
};

struct cardmod_CLMD_PIV_CERT_DATA {
    uint32_t dwVersion;
    uint32_t dwCertTag;
    uint8_t *pbCert;
    uint32_t cbCert;
};

struct cardmod_CLMD_PIV_GENERATE_ASYMMETRIC_KEY {
    uint32_t dwVersion;
    uint8_t bAlgorithmId;
    uint8_t bKeyId;
    uint8_t *pbKey;
    uint32_t cbKey;
};

struct cardmod_CLMD_PIV_PUBLIC_KEY_DATA {
    uint32_t dwVersion;
    uint8_t bKeyId;
    uint8_t *pbPublicKey;
    uint32_t cbPublicKey;
};

struct cardmod_PUBLICKEYSTRUC {
    uint8_t bType;
    uint8_t bVersion;
    uint16_t reserved;
    uint32_t aiKeyAlg;
};

struct cardmod_RSAPUBKEY {
    uint32_t magic;
    uint32_t bitlen;
    uint32_t pubexp;
};

struct cardmod_DHPUBKEY {
    uint32_t magic;
    uint32_t bitlen;
};

struct cardmod_CRYPT_DATA_BLOB {
    uint32_t cbData;
    uint8_t *pbData;
};

struct cardmod_PROV_ENUMALGS_EX {
    uint32_t aiAlgid;
    uint32_t dwDefaultLen;
    uint32_t dwMinLen;
    uint32_t dwMaxLen;
    uint32_t dwProtocols;
    uint32_t dwNameLen;
    char szName[20];
    uint32_t dwLongNameLen;
    char szLongName[40];
};

struct cardmod_BCRYPT_KEY_BLOB {
    uint32_t Magic;
};

struct cardmod_BCRYPT_RSAKEY_BLOB {
    uint32_t Magic;
    uint32_t BitLength;
    uint32_t cbPublicExp;
    uint32_t cbModulus;
    uint32_t cbPrime1;
    uint32_t cbPrime2;
};

struct cardmod_BCRYPT_ECCKEY_BLOB {
    uint32_t dwMagic;
    uint32_t cbKey;
};

struct cardmod_BCRYPT_DH_KEY_BLOB {
    uint32_t dwMagic;
    uint32_t cbKey;
};

struct cardmod_BCRYPT_KEY_DATA_BLOB_HEADER {
    uint32_t dwMagic;
    uint32_t dwVersion;
    uint32_t cbKeyData;
};

struct cardmod_BCRYPT_PKCS1_PADDING_INFO {
    const uint16_t *pszAlgId;
};

struct cardmod_BCRYPT_PSS_PADDING_INFO {
    const uint16_t *pszAlgId;
    uint32_t cbSalt;
};

struct cardmod_BCRYPT_OAEP_PADDING_INFO {
    const uint16_t *pszAlgId;
    uint8_t *pbLabel;
    uint32_t cbLabel;
};

struct cardmod_BCryptBuffer {
    uint32_t cbBuffer;
    uint32_t BufferType;
    void *pvBuffer;
};

struct cardmod_BCryptBufferDesc {
    uint32_t ulVersion;
    uint32_t cBuffers;
    cardmod_BCryptBuffer *pBuffers;
};

struct cardmod_BCRYPT_KEY_LENGTHS_STRUCT {
    uint32_t dwMinLength;
    uint32_t dwMaxLength;
    uint32_t dwIncrement;
};

struct cardmod_NCryptBuffer {
    uint32_t cbBuffer;
    uint32_t BufferType;
    void *pvBuffer;
};

struct cardmod_NCryptBufferDesc {
    uint32_t ulVersion;
    uint32_t cBuffers;
    cardmod_BCryptBuffer *pBuffers;
};

struct cardmod_NCRYPT_SUPPORTED_LENGTHS {
    uint32_t dwMinLength;
    uint32_t dwMaxLength;
    uint32_t dwIncrement;
    uint32_t dwDefaultLength;
};

/* Numbers */
#define CARDMOD_SCARD_PROVIDER_CARD_MODULE UINT32_C(0x80000001)
#define CARDMOD_CARD_DATA_VALUE_UNKNOWN UINT32_C(0xFFFFFFFF)
#define CARDMOD_CARD_DATA_VERSION_FOUR UINT32_C(0x4)
#define CARDMOD_CARD_DATA_VERSION_FIVE UINT32_C(0x5)
#define CARDMOD_CARD_DATA_VERSION_SIX UINT32_C(0x6)
#define CARDMOD_CARD_DATA_VERSION_SEVEN UINT32_C(0x7)
#define CARDMOD_CARD_DATA_CURRENT_VERSION UINT32_C(0x7)
#define CARDMOD_CARD_SECURE_KEY_INJECTION_NO_CARD_MODE UINT32_C(0x1)
#define CARDMOD_AT_ECDSA_P256 UINT32_C(0x3)
#define CARDMOD_AT_ECDSA_P384 UINT32_C(0x4)
#define CARDMOD_AT_ECDSA_P521 UINT32_C(0x5)
#define CARDMOD_AT_ECDHE_P256 UINT32_C(0x6)
#define CARDMOD_AT_ECDHE_P384 UINT32_C(0x7)
#define CARDMOD_AT_ECDHE_P521 UINT32_C(0x8)
#define CARDMOD_CARD_CACHE_FILE_CURRENT_VERSION UINT32_C(0x1)
#define CARDMOD_MAX_CONTAINER_NAME_LEN UINT32_C(0x27)
#define CARDMOD_CONTAINER_MAP_VALID_CONTAINER UINT32_C(0x1)
#define CARDMOD_CONTAINER_MAP_DEFAULT_CONTAINER UINT32_C(0x2)
#define CARDMOD_CARD_CAPABILITIES_CURRENT_VERSION UINT32_C(0x1)
#define CARDMOD_CONTAINER_INFO_CURRENT_VERSION UINT32_C(0x1)
#define CARDMOD_CARD_FILE_INFO_CURRENT_VERSION UINT32_C(0x1)
#define CARDMOD_CARD_FREE_SPACE_INFO_CURRENT_VERSION UINT32_C(0x1)
#define CARDMOD_CARD_KEY_SIZES_CURRENT_VERSION UINT32_C(0x1)
#define CARDMOD_PIN_CACHE_POLICY_CURRENT_VERSION UINT32_C(0x6)
#define CARDMOD_PIN_INFO_CURRENT_VERSION UINT32_C(0x6)
#define CARDMOD_CARD_RSA_KEY_DECRYPT_INFO_VERSION_ONE UINT32_C(0x1)
#define CARDMOD_CARD_RSA_KEY_DECRYPT_INFO_VERSION_TWO UINT32_C(0x2)
#define CARDMOD_CARD_RSA_KEY_DECRYPT_INFO_CURRENT_VERSION UINT32_C(0x2)
#define CARDMOD_CARD_SIGNING_INFO_BASIC_VERSION UINT32_C(0x1)
#define CARDMOD_CARD_SIGNING_INFO_CURRENT_VERSION UINT32_C(0x2)
#define CARDMOD_CARD_DH_AGREEMENT_INFO_VERSION UINT32_C(0x2)
#define CARDMOD_CARD_DERIVE_KEY_VERSION UINT32_C(0x1)
#define CARDMOD_CARD_DERIVE_KEY_VERSION_TWO UINT32_C(0x2)
#define CARDMOD_CARD_DERIVE_KEY_CURRENT_VERSION UINT32_C(0x2)
#define CARDMOD_CARD_IMPORT_KEYPAIR_VERSION_SEVEN UINT32_C(0x7)
#define CARDMOD_CARD_IMPORT_KEYPAIR_CURRENT_VERSION UINT32_C(0x7)
#define CARDMOD_CARD_CHANGE_AUTHENTICATOR_VERSION_SEVEN UINT32_C(0x7)
#define CARDMOD_CARD_CHANGE_AUTHENTICATOR_CURRENT_VERSION UINT32_C(0x7)
#define CARDMOD_CARD_CHANGE_AUTHENTICATOR_RESPONSE_VERSION_SEVEN UINT32_C(0x7)
#define CARDMOD_CARD_CHANGE_AUTHENTICATOR_RESPONSE_CURRENT_VERSION UINT32_C(0x7)
#define CARDMOD_CARD_AUTHENTICATE_VERSION_SEVEN UINT32_C(0x7)
#define CARDMOD_CARD_AUTHENTICATE_CURRENT_VERSION UINT32_C(0x7)
#define CARDMOD_CARD_AUTHENTICATE_RESPONSE_VERSION_SEVEN UINT32_C(0x7)
#define CARDMOD_CARD_AUTHENTICATE_RESPONSE_CURRENT_VERSION UINT32_C(0x7)
#define CARDMOD_MAX_PINS UINT32_C(0x8)
#define CARDMOD_ROLE_EVERYONE UINT32_C(0x0)
#define CARDMOD_ROLE_USER UINT32_C(0x1)
#define CARDMOD_ROLE_ADMIN UINT32_C(0x2)
#define CARDMOD_PIN_SET_NONE UINT32_C(0x0)
#define CARDMOD_PIN_SET_ALL_ROLES UINT32_C(0xFF)
#define CARDMOD_PIN_CHANGE_FLAG_UNBLOCK UINT32_C(0x1)
#define CARDMOD_PIN_CHANGE_FLAG_CHANGEPIN UINT32_C(0x2)
#define CARDMOD_CARD_AUTHENTICATE_PIN_CHALLENGE_RESPONSE UINT32_C(0x1)
#define CARDMOD_CARD_AUTHENTICATE_PIN_PIN UINT32_C(0x2)
#define CARDMOD_CARD_AUTHENTICATE_GENERATE_SESSION_PIN UINT32_C(0x10000000)
#define CARDMOD_CARD_AUTHENTICATE_SESSION_PIN UINT32_C(0x20000000)
#define CARDMOD_CARD_PIN_SILENT_CONTEXT UINT32_C(0x40)
#define CARDMOD_CARD_PIN_STRENGTH_PLAINTEXT UINT32_C(0x1)
#define CARDMOD_CARD_PIN_STRENGTH_SESSION_PIN UINT32_C(0x2)
#define CARDMOD_PIN_INFO_REQUIRE_SECURE_ENTRY UINT32_C(0x1)
#define CARDMOD_CP_CACHE_MODE_GLOBAL_CACHE UINT32_C(0x1)
#define CARDMOD_CP_CACHE_MODE_SESSION_ONLY UINT32_C(0x2)
#define CARDMOD_CP_CACHE_MODE_NO_CACHE UINT32_C(0x3)
#define CARDMOD_CARD_CREATE_CONTAINER_KEY_GEN UINT32_C(0x1)
#define CARDMOD_CARD_CREATE_CONTAINER_KEY_IMPORT UINT32_C(0x2)
#define CARDMOD_CARD_PADDING_INFO_PRESENT UINT32_C(0x40000000)
#define CARDMOD_CARD_BUFFER_SIZE_ONLY UINT32_C(0x20000000)
#define CARDMOD_CARD_RETURN_KEY_HANDLE UINT32_C(0x1000000)
#define CARDMOD_CARD_PADDING_NONE UINT32_C(0x1)
#define CARDMOD_CARD_PADDING_PKCS1 UINT32_C(0x2)
#define CARDMOD_CARD_PADDING_PSS UINT32_C(0x4)
#define CARDMOD_CARD_PADDING_OAEP UINT32_C(0x8)
#define CARDMOD_CARD_BLOCK_PADDING UINT32_C(0x1)
#define CARDMOD_CARD_KEY_IMPORT_PLAIN_TEXT UINT32_C(0x1)
#define CARDMOD_CARD_KEY_IMPORT_RSA_KEYEST UINT32_C(0x2)
#define CARDMOD_CARD_KEY_IMPORT_ECC_KEYEST UINT32_C(0x4)
#define CARDMOD_CARD_KEY_IMPORT_SHARED_SYMMETRIC UINT32_C(0x8)
#define CARDMOD_CARD_CIPHER_OPERATION UINT32_C(0x1)
#define CARDMOD_CARD_ASYMMETRIC_OPERATION UINT32_C(0x2)
#define CARDMOD_InvalidDirAc UINT32_C(0x0)
#define CARDMOD_UserCreateDeleteDirAc UINT32_C(0x1)
#define CARDMOD_AdminCreateDeleteDirAc UINT32_C(0x2)
#define CARDMOD_InvalidAc UINT32_C(0x0)
#define CARDMOD_EveryoneReadUserWriteAc UINT32_C(0x1)
#define CARDMOD_UserWriteExecuteAc UINT32_C(0x2)
#define CARDMOD_EveryoneReadAdminWriteAc UINT32_C(0x3)
#define CARDMOD_UnknownAc UINT32_C(0x4)
#define CARDMOD_UserReadWriteAc UINT32_C(0x5)
#define CARDMOD_AdminReadWriteAc UINT32_C(0x6)
#define CARDMOD_AlphaNumericPinType UINT32_C(0x0)
#define CARDMOD_ExternalPinType UINT32_C(0x1)
#define CARDMOD_ChallengeResponsePinType UINT32_C(0x2)
#define CARDMOD_EmptyPinType UINT32_C(0x3)
#define CARDMOD_AuthenticationPin UINT32_C(0x0)
#define CARDMOD_DigitalSignaturePin UINT32_C(0x1)
#define CARDMOD_EncryptionPin UINT32_C(0x2)
#define CARDMOD_NonRepudiationPin UINT32_C(0x3)
#define CARDMOD_AdministratorPin UINT32_C(0x4)
#define CARDMOD_PrimaryCardPin UINT32_C(0x5)
#define CARDMOD_UnblockOnlyPin UINT32_C(0x6)
#define CARDMOD_PinCacheNormal UINT32_C(0x0)
#define CARDMOD_PinCacheTimed UINT32_C(0x1)
#define CARDMOD_PinCacheNone UINT32_C(0x2)
#define CARDMOD_PinCacheAlwaysPrompt UINT32_C(0x3)
#define CARDMOD_SCARD_S_SUCCESS UINT32_C(0x0)
#define CARDMOD_SCARD_F_INTERNAL_ERROR UINT32_C(0x80100001)
#define CARDMOD_SCARD_E_CANCELLED UINT32_C(0x80100002)
#define CARDMOD_SCARD_E_INVALID_HANDLE UINT32_C(0x80100003)
#define CARDMOD_SCARD_E_INVALID_PARAMETER UINT32_C(0x80100004)
#define CARDMOD_SCARD_E_INVALID_TARGET UINT32_C(0x80100005)
#define CARDMOD_SCARD_E_NO_MEMORY UINT32_C(0x80100006)
#define CARDMOD_SCARD_F_WAITED_TOO_LONG UINT32_C(0x80100007)
#define CARDMOD_SCARD_E_INSUFFICIENT_BUFFER UINT32_C(0x80100008)
#define CARDMOD_SCARD_E_UNKNOWN_READER UINT32_C(0x80100009)
#define CARDMOD_SCARD_E_TIMEOUT UINT32_C(0x8010000A)
#define CARDMOD_SCARD_E_SHARING_VIOLATION UINT32_C(0x8010000B)
#define CARDMOD_SCARD_E_NO_SMARTCARD UINT32_C(0x8010000C)
#define CARDMOD_SCARD_E_UNKNOWN_CARD UINT32_C(0x8010000D)
#define CARDMOD_SCARD_E_CANT_DISPOSE UINT32_C(0x8010000E)
#define CARDMOD_SCARD_E_PROTO_MISMATCH UINT32_C(0x8010000F)
#define CARDMOD_SCARD_E_NOT_READY UINT32_C(0x80100010)
#define CARDMOD_SCARD_E_INVALID_VALUE UINT32_C(0x80100011)
#define CARDMOD_SCARD_E_SYSTEM_CANCELLED UINT32_C(0x80100012)
#define CARDMOD_SCARD_F_COMM_ERROR UINT32_C(0x80100013)
#define CARDMOD_SCARD_F_UNKNOWN_ERROR UINT32_C(0x80100014)
#define CARDMOD_SCARD_E_INVALID_ATR UINT32_C(0x80100015)
#define CARDMOD_SCARD_E_NOT_TRANSACTED UINT32_C(0x80100016)
#define CARDMOD_SCARD_E_READER_UNAVAILABLE UINT32_C(0x80100017)
#define CARDMOD_SCARD_P_SHUTDOWN UINT32_C(0x80100018)
#define CARDMOD_SCARD_E_PCI_TOO_SMALL UINT32_C(0x80100019)
#define CARDMOD_SCARD_E_READER_UNSUPPORTED UINT32_C(0x8010001A)
#define CARDMOD_SCARD_E_DUPLICATE_READER UINT32_C(0x8010001B)
#define CARDMOD_SCARD_E_CARD_UNSUPPORTED UINT32_C(0x8010001C)
#define CARDMOD_SCARD_E_NO_SERVICE UINT32_C(0x8010001D)
#define CARDMOD_SCARD_E_SERVICE_STOPPED UINT32_C(0x8010001E)
#define CARDMOD_SCARD_E_UNEXPECTED UINT32_C(0x8010001F)
#define CARDMOD_SCARD_E_ICC_INSTALLATION UINT32_C(0x80100020)
#define CARDMOD_SCARD_E_ICC_CREATEORDER UINT32_C(0x80100021)
#define CARDMOD_SCARD_E_UNSUPPORTED_FEATURE UINT32_C(0x80100022)
#define CARDMOD_SCARD_E_DIR_NOT_FOUND UINT32_C(0x80100023)
#define CARDMOD_SCARD_E_FILE_NOT_FOUND UINT32_C(0x80100024)
#define CARDMOD_SCARD_E_NO_DIR UINT32_C(0x80100025)
#define CARDMOD_SCARD_E_NO_FILE UINT32_C(0x80100026)
#define CARDMOD_SCARD_E_NO_ACCESS UINT32_C(0x80100027)
#define CARDMOD_SCARD_E_WRITE_TOO_MANY UINT32_C(0x80100028)
#define CARDMOD_SCARD_E_BAD_SEEK UINT32_C(0x80100029)
#define CARDMOD_SCARD_E_INVALID_CHV UINT32_C(0x8010002A)
#define CARDMOD_SCARD_E_UNKNOWN_RES_MNG UINT32_C(0x8010002B)
#define CARDMOD_SCARD_E_NO_SUCH_CERTIFICATE UINT32_C(0x8010002C)
#define CARDMOD_SCARD_E_CERTIFICATE_UNAVAILABLE UINT32_C(0x8010002D)
#define CARDMOD_SCARD_E_NO_READERS_AVAILABLE UINT32_C(0x8010002E)
#define CARDMOD_SCARD_E_COMM_DATA_LOST UINT32_C(0x8010002F)
#define CARDMOD_SCARD_E_NO_KEY_CONTAINER UINT32_C(0x80100030)
#define CARDMOD_SCARD_E_SERVER_TOO_BUSY UINT32_C(0x80100031)
#define CARDMOD_SCARD_E_PIN_CACHE_EXPIRED UINT32_C(0x80100032)
#define CARDMOD_SCARD_E_NO_PIN_CACHE UINT32_C(0x80100033)
#define CARDMOD_SCARD_E_READ_ONLY_CARD UINT32_C(0x80100034)
#define CARDMOD_SCARD_W_UNSUPPORTED_CARD UINT32_C(0x80100065)
#define CARDMOD_SCARD_W_UNRESPONSIVE_CARD UINT32_C(0x80100066)
#define CARDMOD_SCARD_W_UNPOWERED_CARD UINT32_C(0x80100067)
#define CARDMOD_SCARD_W_RESET_CARD UINT32_C(0x80100068)
#define CARDMOD_SCARD_W_REMOVED_CARD UINT32_C(0x80100069)
#define CARDMOD_SCARD_W_SECURITY_VIOLATION UINT32_C(0x8010006A)
#define CARDMOD_SCARD_W_WRONG_CHV UINT32_C(0x8010006B)
#define CARDMOD_SCARD_W_CHV_BLOCKED UINT32_C(0x8010006C)
#define CARDMOD_SCARD_W_EOF UINT32_C(0x8010006D)
#define CARDMOD_SCARD_W_CANCELLED_BY_USER UINT32_C(0x8010006E)
#define CARDMOD_SCARD_W_CARD_NOT_AUTHENTICATED UINT32_C(0x8010006F)
#define CARDMOD_SCARD_W_CACHE_ITEM_NOT_FOUND UINT32_C(0x80100070)
#define CARDMOD_SCARD_W_CACHE_ITEM_STALE UINT32_C(0x80100071)
#define CARDMOD_SCARD_W_CACHE_ITEM_TOO_BIG UINT32_C(0x80100072)
#define CARDMOD_NTE_OP_OK UINT32_C(0x0)
#define CARDMOD_NTE_BAD_UID UINT32_C(0x80090001)
#define CARDMOD_NTE_BAD_HASH UINT32_C(0x80090002)
#define CARDMOD_NTE_BAD_KEY UINT32_C(0x80090003)
#define CARDMOD_NTE_BAD_LEN UINT32_C(0x80090004)
#define CARDMOD_NTE_BAD_DATA UINT32_C(0x80090005)
#define CARDMOD_NTE_BAD_SIGNATURE UINT32_C(0x80090006)
#define CARDMOD_NTE_BAD_VER UINT32_C(0x80090007)
#define CARDMOD_NTE_BAD_ALGID UINT32_C(0x80090008)
#define CARDMOD_NTE_BAD_FLAGS UINT32_C(0x80090009)
#define CARDMOD_NTE_BAD_TYPE UINT32_C(0x8009000A)
#define CARDMOD_NTE_BAD_KEY_STATE UINT32_C(0x8009000B)
#define CARDMOD_NTE_BAD_HASH_STATE UINT32_C(0x8009000C)
#define CARDMOD_NTE_NO_KEY UINT32_C(0x8009000D)
#define CARDMOD_NTE_NO_MEMORY UINT32_C(0x8009000E)
#define CARDMOD_NTE_EXISTS UINT32_C(0x8009000F)
#define CARDMOD_NTE_PERM UINT32_C(0x80090010)
#define CARDMOD_NTE_NOT_FOUND UINT32_C(0x80090011)
#define CARDMOD_NTE_DOUBLE_ENCRYPT UINT32_C(0x80090012)
#define CARDMOD_NTE_BAD_PROVIDER UINT32_C(0x80090013)
#define CARDMOD_NTE_BAD_PROV_TYPE UINT32_C(0x80090014)
#define CARDMOD_NTE_BAD_PUBLIC_KEY UINT32_C(0x80090015)
#define CARDMOD_NTE_BAD_KEYSET UINT32_C(0x80090016)
#define CARDMOD_NTE_PROV_TYPE_NOT_DEF UINT32_C(0x80090017)
#define CARDMOD_NTE_PROV_TYPE_ENTRY_BAD UINT32_C(0x80090018)
#define CARDMOD_NTE_KEYSET_NOT_DEF UINT32_C(0x80090019)
#define CARDMOD_NTE_KEYSET_ENTRY_BAD UINT32_C(0x8009001A)
#define CARDMOD_NTE_PROV_TYPE_NO_MATCH UINT32_C(0x8009001B)
#define CARDMOD_NTE_SIGNATURE_FILE_BAD UINT32_C(0x8009001C)
#define CARDMOD_NTE_PROVIDER_DLL_FAIL UINT32_C(0x8009001D)
#define CARDMOD_NTE_PROV_DLL_NOT_FOUND UINT32_C(0x8009001E)
#define CARDMOD_NTE_BAD_KEYSET_PARAM UINT32_C(0x8009001F)
#define CARDMOD_NTE_FAIL UINT32_C(0x80090020)
#define CARDMOD_NTE_SYS_ERR UINT32_C(0x80090021)
#define CARDMOD_NTE_SILENT_CONTEXT UINT32_C(0x80090022)
#define CARDMOD_NTE_TOKEN_KEYSET_STORAGE_FULL UINT32_C(0x80090023)
#define CARDMOD_NTE_TEMPORARY_PROFILE UINT32_C(0x80090024)
#define CARDMOD_NTE_FIXEDPARAMETER UINT32_C(0x80090025)
#define CARDMOD_NTE_INVALID_HANDLE UINT32_C(0x80090026)
#define CARDMOD_NTE_INVALID_PARAMETER UINT32_C(0x80090027)
#define CARDMOD_NTE_BUFFER_TOO_SMALL UINT32_C(0x80090028)
#define CARDMOD_NTE_NOT_SUPPORTED UINT32_C(0x80090029)
#define CARDMOD_NTE_NO_MORE_ITEMS UINT32_C(0x8009002A)
#define CARDMOD_NTE_BUFFERS_OVERLAP UINT32_C(0x8009002B)
#define CARDMOD_NTE_DECRYPTION_FAILURE UINT32_C(0x8009002C)
#define CARDMOD_NTE_INTERNAL_ERROR UINT32_C(0x8009002D)
#define CARDMOD_NTE_UI_REQUIRED UINT32_C(0x8009002E)
#define CARDMOD_NTE_HMAC_NOT_SUPPORTED UINT32_C(0x8009002F)
#define CARDMOD_NTE_DEVICE_NOT_READY UINT32_C(0x80090030)
#define CARDMOD_NTE_AUTHENTICATION_IGNORED UINT32_C(0x80090031)
#define CARDMOD_NTE_VALIDATION_FAILED UINT32_C(0x80090032)
#define CARDMOD_NTE_INCORRECT_PASSWORD UINT32_C(0x80090033)
#define CARDMOD_NTE_ENCRYPTION_FAILURE UINT32_C(0x80090034)
#define CARDMOD_NTE_DEVICE_NOT_FOUND UINT32_C(0x80090035)
#define CARDMOD_NTE_USER_CANCELLED UINT32_C(0x80090036)
#define CARDMOD_NTE_PASSWORD_CHANGE_REQUIRED UINT32_C(0x80090037)
#define CARDMOD_NTE_NOT_ACTIVE_CONSOLE UINT32_C(0x80090038)
#define CARDMOD_NTE_VBS_UNAVAILABLE UINT32_C(0x80090039)
#define CARDMOD_NTE_VBS_CANNOT_DECRYPT_KEY UINT32_C(0x8009003A)
#define CARDMOD_S_OK UINT32_C(0x0)
#define CARDMOD_S_FALSE UINT32_C(0x1)
#define CARDMOD_E_NOTIMPL UINT32_C(0x80004001)
#define CARDMOD_E_POINTER UINT32_C(0x80004003)
#define CARDMOD_E_ABORT UINT32_C(0x80004004)
#define CARDMOD_E_FAIL UINT32_C(0x80004005)
#define CARDMOD_E_UNEXPECTED UINT32_C(0x8000FFFF)
#define CARDMOD_E_ACCESSDENIED UINT32_C(0x80070005)
#define CARDMOD_E_HANDLE UINT32_C(0x80070006)
#define CARDMOD_E_OUTOFMEMORY UINT32_C(0x8007000E)
#define CARDMOD_E_INVALIDARG UINT32_C(0x80070057)
#define CARDMOD_ERROR_SUCCESS UINT32_C(0x0)
#define CARDMOD_NO_ERROR UINT32_C(0x0)
#define CARDMOD_ERROR_INVALID_FUNCTION UINT32_C(0x1)
#define CARDMOD_ERROR_FILE_NOT_FOUND UINT32_C(0x2)
#define CARDMOD_ERROR_PATH_NOT_FOUND UINT32_C(0x3)
#define CARDMOD_ERROR_ACCESS_DENIED UINT32_C(0x5)
#define CARDMOD_ERROR_INVALID_HANDLE UINT32_C(0x6)
#define CARDMOD_ERROR_NOT_ENOUGH_MEMORY UINT32_C(0x8)
#define CARDMOD_ERROR_BAD_FORMAT UINT32_C(0xB)
#define CARDMOD_ERROR_INVALID_DATA UINT32_C(0xD)
#define CARDMOD_ERROR_OUTOFMEMORY UINT32_C(0xE)
#define CARDMOD_ERROR_NO_MORE_FILES UINT32_C(0x12)
#define CARDMOD_ERROR_WRITE_PROTECT UINT32_C(0x13)
#define CARDMOD_ERROR_NOT_READY UINT32_C(0x15)
#define CARDMOD_ERROR_CRC UINT32_C(0x17)
#define CARDMOD_ERROR_BAD_LENGTH UINT32_C(0x18)
#define CARDMOD_ERROR_GEN_FAILURE UINT32_C(0x1F)
#define CARDMOD_ERROR_SHARING_VIOLATION UINT32_C(0x20)
#define CARDMOD_ERROR_HANDLE_EOF UINT32_C(0x26)
#define CARDMOD_ERROR_HANDLE_DISK_FULL UINT32_C(0x27)
#define CARDMOD_ERROR_NOT_SUPPORTED UINT32_C(0x32)
#define CARDMOD_ERROR_DEV_NOT_EXIST UINT32_C(0x37)
#define CARDMOD_ERROR_FILE_EXISTS UINT32_C(0x50)
#define CARDMOD_ERROR_CANNOT_MAKE UINT32_C(0x52)
#define CARDMOD_ERROR_INVALID_PASSWORD UINT32_C(0x56)
#define CARDMOD_ERROR_INVALID_PARAMETER UINT32_C(0x57)
#define CARDMOD_ERROR_BUFFER_OVERFLOW UINT32_C(0x6F)
#define CARDMOD_ERROR_CALL_NOT_IMPLEMENTED UINT32_C(0x78)
#define CARDMOD_ERROR_INSUFFICIENT_BUFFER UINT32_C(0x7A)
#define CARDMOD_ERROR_INVALID_NAME UINT32_C(0x7B)
#define CARDMOD_ERROR_MOD_NOT_FOUND UINT32_C(0x7E)
#define CARDMOD_ERROR_PROC_NOT_FOUND UINT32_C(0x7F)
#define CARDMOD_ERROR_DIR_NOT_EMPTY UINT32_C(0x91)
#define CARDMOD_ERROR_BAD_ARGUMENTS UINT32_C(0xA0)
#define CARDMOD_ERROR_BUSY UINT32_C(0xAA)
#define CARDMOD_ERROR_ALREADY_EXISTS UINT32_C(0xB7)
#define CARDMOD_ERROR_MORE_DATA UINT32_C(0xEA)
#define CARDMOD_ERROR_NO_MORE_ITEMS UINT32_C(0x103)
#define CARDMOD_ERROR_INVALID_ADDRESS UINT32_C(0x1E7)
#define CARDMOD_ERROR_ARITHMETIC_OVERFLOW UINT32_C(0x216)
#define CARDMOD_ERROR_VERSION_PARSE_ERROR UINT32_C(0x309)
#define CARDMOD_ERROR_OPERATION_ABORTED UINT32_C(0x3E3)
#define CARDMOD_ERROR_NOACCESS UINT32_C(0x3E6)
#define CARDMOD_ERROR_INVALID_FLAGS UINT32_C(0x3EC)
#define CARDMOD_ERROR_BADDB UINT32_C(0x3F1)
#define CARDMOD_ERROR_BADKEY UINT32_C(0x3F2)
#define CARDMOD_ERROR_DLL_INIT_FAILED UINT32_C(0x45A)
#define CARDMOD_ERROR_IO_DEVICE UINT32_C(0x45D)
#define CARDMOD_ERROR_INVALID_DLL UINT32_C(0x482)
#define CARDMOD_ERROR_DEVICE_NOT_CONNECTED UINT32_C(0x48F)
#define CARDMOD_ERROR_NOT_FOUND UINT32_C(0x490)
#define CARDMOD_ERROR_NO_MATCH UINT32_C(0x491)
#define CARDMOD_ERROR_CANCELLED UINT32_C(0x4C7)
#define CARDMOD_ERROR_RETRY UINT32_C(0x4D5)
#define CARDMOD_ERROR_NOT_LOGGED_ON UINT32_C(0x4DD)
#define CARDMOD_ERROR_SMARTCARD_SUBSYSTEM_FAILURE UINT32_C(0x4F0)
#define CARDMOD_ERROR_UNIDENTIFIED_ERROR UINT32_C(0x507)
#define CARDMOD_ERROR_REVISION_MISMATCH UINT32_C(0x51A)
#define CARDMOD_ERROR_PRIVILEGE_NOT_HELD UINT32_C(0x522)
#define CARDMOD_ERROR_NO_SUCH_USER UINT32_C(0x525)
#define CARDMOD_ERROR_WRONG_PASSWORD UINT32_C(0x52B)
#define CARDMOD_ERROR_PASSWORD_RESTRICTION UINT32_C(0x52D)
#define CARDMOD_ERROR_LOGON_FAILURE UINT32_C(0x52E)
#define CARDMOD_ERROR_INTERNAL_ERROR UINT32_C(0x54F)
#define CARDMOD_ERROR_INVALID_INDEX UINT32_C(0x585)
#define CARDMOD_ERROR_TIMEOUT UINT32_C(0x5B4)
#define CARDMOD_ERROR_DEVICE_REMOVED UINT32_C(0x651)
#define CARDMOD_ERROR_FUNCTION_NOT_CALLED UINT32_C(0x65A)
#define CARDMOD_ERROR_DATATYPE_MISMATCH UINT32_C(0x65D)
#define CARDMOD_ERROR_UNSUPPORTED_TYPE UINT32_C(0x65E)
#define CARDMOD_ERROR_ACCOUNT_LOCKED_OUT UINT32_C(0x775)
#define CARDMOD_ERROR_INVALID_STATE UINT32_C(0x139F)
#define CARDMOD_AT_KEYEXCHANGE UINT32_C(0x1)
#define CARDMOD_AT_SIGNATURE UINT32_C(0x2)
#define CARDMOD_ALG_CLASS_ANY UINT32_C(0x0)
#define CARDMOD_ALG_CLASS_SIGNATURE UINT32_C(0x2000)
#define CARDMOD_ALG_CLASS_MSG_ENCRYPT UINT32_C(0x4000)
#define CARDMOD_ALG_CLASS_DATA_ENCRYPT UINT32_C(0x6000)
#define CARDMOD_ALG_CLASS_HASH UINT32_C(0x8000)
#define CARDMOD_ALG_CLASS_KEY_EXCHANGE UINT32_C(0xA000)
#define CARDMOD_ALG_CLASS_ALL UINT32_C(0xE000)
#define CARDMOD_ALG_TYPE_ANY UINT32_C(0x0)
#define CARDMOD_ALG_TYPE_DSS UINT32_C(0x200)
#define CARDMOD_ALG_TYPE_RSA UINT32_C(0x400)
#define CARDMOD_ALG_TYPE_BLOCK UINT32_C(0x600)
#define CARDMOD_ALG_TYPE_STREAM UINT32_C(0x800)
#define CARDMOD_ALG_TYPE_DH UINT32_C(0xA00)
#define CARDMOD_ALG_TYPE_SECURECHANNEL UINT32_C(0xC00)
#define CARDMOD_ALG_TYPE_ECDH UINT32_C(0xE00)
#define CARDMOD_ALG_TYPE_THIRDPARTY UINT32_C(0x1000)
#define CARDMOD_ALG_SID_ANY UINT32_C(0x0)
#define CARDMOD_ALG_SID_THIRDPARTY_ANY UINT32_C(0x0)
#define CARDMOD_ALG_SID_RSA_ANY UINT32_C(0x0)
#define CARDMOD_ALG_SID_RSA_PKCS UINT32_C(0x1)
#define CARDMOD_ALG_SID_RSA_MSATWORK UINT32_C(0x2)
#define CARDMOD_ALG_SID_RSA_ENTRUST UINT32_C(0x3)
#define CARDMOD_ALG_SID_RSA_PGP UINT32_C(0x4)
#define CARDMOD_ALG_SID_DSS_ANY UINT32_C(0x0)
#define CARDMOD_ALG_SID_DSS_PKCS UINT32_C(0x1)
#define CARDMOD_ALG_SID_DSS_DMS UINT32_C(0x2)
#define CARDMOD_ALG_SID_ECDSA UINT32_C(0x3)
#define CARDMOD_ALG_SID_DES UINT32_C(0x1)
#define CARDMOD_ALG_SID_3DES UINT32_C(0x3)
#define CARDMOD_ALG_SID_DESX UINT32_C(0x4)
#define CARDMOD_ALG_SID_IDEA UINT32_C(0x5)
#define CARDMOD_ALG_SID_CAST UINT32_C(0x6)
#define CARDMOD_ALG_SID_SAFERSK64 UINT32_C(0x7)
#define CARDMOD_ALG_SID_SAFERSK128 UINT32_C(0x8)
#define CARDMOD_ALG_SID_3DES_112 UINT32_C(0x9)
#define CARDMOD_ALG_SID_CYLINK_MEK UINT32_C(0xC)
#define CARDMOD_ALG_SID_RC5 UINT32_C(0xD)
#define CARDMOD_ALG_SID_AES_128 UINT32_C(0xE)
#define CARDMOD_ALG_SID_AES_192 UINT32_C(0xF)
#define CARDMOD_ALG_SID_AES_256 UINT32_C(0x10)
#define CARDMOD_ALG_SID_AES UINT32_C(0x11)
#define CARDMOD_ALG_SID_SKIPJACK UINT32_C(0xA)
#define CARDMOD_ALG_SID_TEK UINT32_C(0xB)
#define CARDMOD_ALG_SID_RC2 UINT32_C(0x2)
#define CARDMOD_ALG_SID_RC4 UINT32_C(0x1)
#define CARDMOD_ALG_SID_SEAL UINT32_C(0x2)
#define CARDMOD_ALG_SID_DH_SANDF UINT32_C(0x1)
#define CARDMOD_ALG_SID_DH_EPHEM UINT32_C(0x2)
#define CARDMOD_ALG_SID_AGREED_KEY_ANY UINT32_C(0x3)
#define CARDMOD_ALG_SID_KEA UINT32_C(0x4)
#define CARDMOD_ALG_SID_ECDH UINT32_C(0x5)
#define CARDMOD_ALG_SID_ECDH_EPHEM UINT32_C(0x6)
#define CARDMOD_ALG_SID_ECMQV UINT32_C(0x1)
#define CARDMOD_ALG_SID_MD2 UINT32_C(0x1)
#define CARDMOD_ALG_SID_MD4 UINT32_C(0x2)
#define CARDMOD_ALG_SID_MD5 UINT32_C(0x3)
#define CARDMOD_ALG_SID_SHA UINT32_C(0x4)
#define CARDMOD_ALG_SID_SHA1 UINT32_C(0x4)
#define CARDMOD_ALG_SID_MAC UINT32_C(0x5)
#define CARDMOD_ALG_SID_RIPEMD UINT32_C(0x6)
#define CARDMOD_ALG_SID_RIPEMD160 UINT32_C(0x7)
#define CARDMOD_ALG_SID_SSL3SHAMD5 UINT32_C(0x8)
#define CARDMOD_ALG_SID_HMAC UINT32_C(0x9)
#define CARDMOD_ALG_SID_TLS1PRF UINT32_C(0xA)
#define CARDMOD_ALG_SID_HASH_REPLACE_OWF UINT32_C(0xB)
#define CARDMOD_ALG_SID_SHA_256 UINT32_C(0xC)
#define CARDMOD_ALG_SID_SHA_384 UINT32_C(0xD)
#define CARDMOD_ALG_SID_SHA_512 UINT32_C(0xE)
#define CARDMOD_ALG_SID_SSL3_MASTER UINT32_C(0x1)
#define CARDMOD_ALG_SID_SCHANNEL_MASTER_HASH UINT32_C(0x2)
#define CARDMOD_ALG_SID_SCHANNEL_MAC_KEY UINT32_C(0x3)
#define CARDMOD_ALG_SID_PCT1_MASTER UINT32_C(0x4)
#define CARDMOD_ALG_SID_SSL2_MASTER UINT32_C(0x5)
#define CARDMOD_ALG_SID_TLS1_MASTER UINT32_C(0x6)
#define CARDMOD_ALG_SID_SCHANNEL_ENC_KEY UINT32_C(0x7)
#define CARDMOD_ALG_SID_EXAMPLE UINT32_C(0x50)
#define CARDMOD_CALG_MD2 UINT32_C(0x8001)
#define CARDMOD_CALG_MD4 UINT32_C(0x8002)
#define CARDMOD_CALG_MD5 UINT32_C(0x8003)
#define CARDMOD_CALG_SHA UINT32_C(0x8004)
#define CARDMOD_CALG_SHA1 UINT32_C(0x8004)
#define CARDMOD_CALG_MAC UINT32_C(0x8005)
#define CARDMOD_CALG_SSL3_SHAMD5 UINT32_C(0x8008)
#define CARDMOD_CALG_HMAC UINT32_C(0x8009)
#define CARDMOD_CALG_TLS1PRF UINT32_C(0x800A)
#define CARDMOD_CALG_HASH_REPLACE_OWF UINT32_C(0x800B)
#define CARDMOD_CALG_SHA_256 UINT32_C(0x800C)
#define CARDMOD_CALG_SHA_384 UINT32_C(0x800D)
#define CARDMOD_CALG_SHA_512 UINT32_C(0x800E)
#define CARDMOD_CALG_HUGHES_MD5 UINT32_C(0xA003)
#define CARDMOD_CALG_THIRDPARTY_HASH UINT32_C(0x9000)
#define CARDMOD_CALG_RSA_SIGN UINT32_C(0x2400)
#define CARDMOD_CALG_RSA_KEYX UINT32_C(0xA400)
#define CARDMOD_CALG_DSS_SIGN UINT32_C(0x2200)
#define CARDMOD_CALG_ECDSA UINT32_C(0x2203)
#define CARDMOD_CALG_NO_SIGN UINT32_C(0x2000)
#define CARDMOD_CALG_ECMQV UINT32_C(0xA001)
#define CARDMOD_CALG_DES UINT32_C(0x6601)
#define CARDMOD_CALG_RC2 UINT32_C(0x6602)
#define CARDMOD_CALG_3DES UINT32_C(0x6603)
#define CARDMOD_CALG_DESX UINT32_C(0x6604)
#define CARDMOD_CALG_3DES_112 UINT32_C(0x6609)
#define CARDMOD_CALG_SKIPJACK UINT32_C(0x660A)
#define CARDMOD_CALG_TEK UINT32_C(0x660B)
#define CARDMOD_CALG_CYLINK_MEK UINT32_C(0x660C)
#define CARDMOD_CALG_RC5 UINT32_C(0x660D)
#define CARDMOD_CALG_AES_128 UINT32_C(0x660E)
#define CARDMOD_CALG_AES_192 UINT32_C(0x660F)
#define CARDMOD_CALG_AES_256 UINT32_C(0x6610)
#define CARDMOD_CALG_AES UINT32_C(0x6611)
#define CARDMOD_CALG_RC4 UINT32_C(0x6801)
#define CARDMOD_CALG_SEAL UINT32_C(0x6802)
#define CARDMOD_CALG_DH_SF UINT32_C(0xAA01)
#define CARDMOD_CALG_DH_EPHEM UINT32_C(0xAA02)
#define CARDMOD_CALG_AGREEDKEY_ANY UINT32_C(0xAA03)
#define CARDMOD_CALG_KEA_KEYX UINT32_C(0xAA04)
#define CARDMOD_CALG_ECDH UINT32_C(0xAA05)
#define CARDMOD_CALG_ECDH_EPHEM UINT32_C(0xAE06)
#define CARDMOD_CALG_SSL3_MASTER UINT32_C(0x4C01)
#define CARDMOD_CALG_SCHANNEL_MASTER_HASH UINT32_C(0x4C02)
#define CARDMOD_CALG_SCHANNEL_MAC_KEY UINT32_C(0x4C03)
#define CARDMOD_CALG_PCT1_MASTER UINT32_C(0x4C04)
#define CARDMOD_CALG_SSL2_MASTER UINT32_C(0x4C05)
#define CARDMOD_CALG_TLS1_MASTER UINT32_C(0x4C06)
#define CARDMOD_CALG_SCHANNEL_ENC_KEY UINT32_C(0x4C07)
#define CARDMOD_CALG_NULLCIPHER UINT32_C(0x6000)
#define CARDMOD_CALG_THIRDPARTY_SIGNATURE UINT32_C(0x3000)
#define CARDMOD_CALG_THIRDPARTY_CIPHER UINT32_C(0x7000)
#define CARDMOD_CALG_THIRDPARTY_KEY_EXCHANGE UINT32_C(0xB000)
#define CARDMOD_CALG_OID_INFO_CNG_ONLY UINT32_C(0xFFFFFFFF)
#define CARDMOD_CALG_OID_INFO_PARAMETERS UINT32_C(0xFFFFFFFE)
#define CARDMOD_CALG_OID_INFO_PQ UINT32_C(0xFFFFFFFD)
#define CARDMOD_SIMPLEBLOB UINT32_C(0x1)
#define CARDMOD_PUBLICKEYBLOB UINT32_C(0x6)
#define CARDMOD_PRIVATEKEYBLOB UINT32_C(0x7)
#define CARDMOD_PLAINTEXTKEYBLOB UINT32_C(0x8)
#define CARDMOD_OPAQUEKEYBLOB UINT32_C(0x9)
#define CARDMOD_PUBLICKEYBLOBEX UINT32_C(0xA)
#define CARDMOD_SYMMETRICWRAPKEYBLOB UINT32_C(0xB)
#define CARDMOD_KEYSTATEBLOB UINT32_C(0xC)
#define CARDMOD_CUR_BLOB_VERSION UINT32_C(0x2)
#define CARDMOD_CRYPT_NOHASHOID UINT32_C(0x1)
#define CARDMOD_CRYPT_TYPE2_FORMAT UINT32_C(0x2)
#define CARDMOD_CRYPT_X931_FORMAT UINT32_C(0x4)
#define CARDMOD_CRYPT_EXPORTABLE UINT32_C(0x1)
#define CARDMOD_CRYPT_USER_PROTECTED UINT32_C(0x2)
#define CARDMOD_CRYPT_NO_SALT UINT32_C(0x10)
#define CARDMOD_CRYPT_PREGEN UINT32_C(0x40)
#define CARDMOD_CRYPT_ARCHIVABLE UINT32_C(0x4000)
#define CARDMOD_CRYPT_FORCE_KEY_PROTECTION_HIGH UINT32_C(0x8000)
#define CARDMOD_CRYPT_DECRYPT_RSA_NO_PADDING_CHECK UINT32_C(0x20)
#define CARDMOD_CRYPT_OAEP UINT32_C(0x40)
#define CARDMOD_CRYPT_SECRETDIGEST UINT32_C(0x1)
#define CARDMOD_CRYPT_IPSEC_HMAC_KEY UINT32_C(0x100)
#define CARDMOD_CRYPT_NEWKEYSET UINT32_C(0x8)
#define CARDMOD_CRYPT_DELETEKEYSET UINT32_C(0x10)
#define CARDMOD_CRYPT_MACHINE_KEYSET UINT32_C(0x20)
#define CARDMOD_CRYPT_SILENT UINT32_C(0x40)
#define CARDMOD_CRYPT_DEFAULT_CONTAINER_OPTIONAL UINT32_C(0x80)
#define CARDMOD_CRYPT_VERIFYCONTEXT UINT32_C(0xF0000000)
#define CARDMOD_CRYPT_FIRST UINT32_C(0x1)
#define CARDMOD_CRYPT_NEXT UINT32_C(0x2)
#define CARDMOD_PP_CLIENT_HWND UINT32_C(0x1)
#define CARDMOD_PP_ENUMALGS UINT32_C(0x1)
#define CARDMOD_PP_ENUMCONTAINERS UINT32_C(0x2)
#define CARDMOD_PP_IMPTYPE UINT32_C(0x3)
#define CARDMOD_PP_NAME UINT32_C(0x4)
#define CARDMOD_PP_VERSION UINT32_C(0x5)
#define CARDMOD_PP_CONTAINER UINT32_C(0x6)
#define CARDMOD_PP_CONTEXT_INFO UINT32_C(0xB)
#define CARDMOD_PP_KEYEXCHANGE_ALG UINT32_C(0xE)
#define CARDMOD_PP_SIGNATURE_ALG UINT32_C(0xF)
#define CARDMOD_PP_PROVTYPE UINT32_C(0x10)
#define CARDMOD_PP_ENUMALGS_EX UINT32_C(0x16)
#define CARDMOD_PP_ADMIN_PIN UINT32_C(0x1F)
#define CARDMOD_PP_KEYEXCHANGE_PIN UINT32_C(0x20)
#define CARDMOD_PP_SIGNATURE_PIN UINT32_C(0x21)
#define CARDMOD_PP_UNIQUE_CONTAINER UINT32_C(0x24)
#define CARDMOD_PP_KEYSPEC UINT32_C(0x27)
#define CARDMOD_PP_USER_CERTSTORE UINT32_C(0x2A)
#define CARDMOD_PP_SMARTCARD_READER UINT32_C(0x2B)
#define CARDMOD_PP_PIN_PROMPT_STRING UINT32_C(0x2C)
#define CARDMOD_PP_SMARTCARD_GUID UINT32_C(0x2D)
#define CARDMOD_PP_ROOT_CERTSTORE UINT32_C(0x2E)
#define CARDMOD_PP_SECURE_KEYEXCHANGE_PIN UINT32_C(0x2F)
#define CARDMOD_PP_SMARTCARD_READER_ICON UINT32_C(0x2F)
#define CARDMOD_PP_SECURE_SIGNATURE_PIN UINT32_C(0x30)
#define CARDMOD_PROV_RSA_FULL UINT32_C(0x1)
#define CARDMOD_PROV_RSA_SIG UINT32_C(0x2)
#define CARDMOD_PROV_RSA_SCHANNEL UINT32_C(0xC)
#define CARDMOD_PROV_RSA_AES UINT32_C(0x18)
#define CARDMOD_BCRYPT_PAD_NONE UINT32_C(0x1)
#define CARDMOD_BCRYPT_PAD_PKCS1 UINT32_C(0x2)
#define CARDMOD_BCRYPT_PAD_OAEP UINT32_C(0x4)
#define CARDMOD_BCRYPT_PAD_PSS UINT32_C(0x8)
#define CARDMOD_BCRYPT_PAD_PKCS1_OPTIONAL_HASH_OID UINT32_C(0x10)
#define CARDMOD_BCRYPT_PAD_PQDSA UINT32_C(0x20)
#define CARDMOD_BCRYPT_BLOCK_PADDING UINT32_C(0x1)
#define CARDMOD_BCRYPT_SUPPORTED_PAD_ROUTER UINT32_C(0x1)
#define CARDMOD_BCRYPT_SUPPORTED_PAD_PKCS1_ENC UINT32_C(0x2)
#define CARDMOD_BCRYPT_SUPPORTED_PAD_PKCS1_SIG UINT32_C(0x4)
#define CARDMOD_BCRYPT_SUPPORTED_PAD_OAEP UINT32_C(0x8)
#define CARDMOD_BCRYPT_SUPPORTED_PAD_PSS UINT32_C(0x10)
#define CARDMOD_KDF_HASH_ALGORITHM UINT32_C(0x0)
#define CARDMOD_KDF_SECRET_PREPEND UINT32_C(0x1)
#define CARDMOD_KDF_SECRET_APPEND UINT32_C(0x2)
#define CARDMOD_KDF_HMAC_KEY UINT32_C(0x3)
#define CARDMOD_KDF_TLS_PRF_LABEL UINT32_C(0x4)
#define CARDMOD_KDF_TLS_PRF_SEED UINT32_C(0x5)
#define CARDMOD_KDF_SECRET_HANDLE UINT32_C(0x6)
#define CARDMOD_KDF_TLS_PRF_PROTOCOL UINT32_C(0x7)
#define CARDMOD_KDF_ALGORITHMID UINT32_C(0x8)
#define CARDMOD_KDF_PARTYUINFO UINT32_C(0x9)
#define CARDMOD_KDF_PARTYVINFO UINT32_C(0xA)
#define CARDMOD_KDF_SUPPPUBINFO UINT32_C(0xB)
#define CARDMOD_KDF_SUPPPRIVINFO UINT32_C(0xC)
#define CARDMOD_KDF_LABEL UINT32_C(0xD)
#define CARDMOD_KDF_CONTEXT UINT32_C(0xE)
#define CARDMOD_KDF_SALT UINT32_C(0xF)
#define CARDMOD_KDF_ITERATION_COUNT UINT32_C(0x10)
#define CARDMOD_KDF_GENERIC_PARAMETER UINT32_C(0x11)
#define CARDMOD_KDF_KEYBITLENGTH UINT32_C(0x12)
#define CARDMOD_KDF_HKDF_SALT UINT32_C(0x13)
#define CARDMOD_KDF_HKDF_INFO UINT32_C(0x14)
#define CARDMOD_KDF_USE_SECRET_AS_HMAC_KEY_FLAG UINT32_C(0x1)
#define CARDMOD_BCRYPTBUFFER_VERSION UINT32_C(0x0)
#define CARDMOD_BCRYPT_KEY_DATA_BLOB_MAGIC UINT32_C(0x4D42444B)
#define CARDMOD_BCRYPT_KEY_DATA_BLOB_VERSION1 UINT32_C(0x1)
#define CARDMOD_BCRYPT_PKCS11_RSA_AES_WRAP_BLOB_MAGIC UINT32_C(0x57504152)
#define CARDMOD_BCRYPT_RSAPUBLIC_MAGIC UINT32_C(0x31415352)
#define CARDMOD_BCRYPT_RSAPRIVATE_MAGIC UINT32_C(0x32415352)
#define CARDMOD_BCRYPT_RSAFULLPRIVATE_MAGIC UINT32_C(0x33415352)
#define CARDMOD_BCRYPT_ECDSA_PUBLIC_P256_MAGIC UINT32_C(0x31534345)
#define CARDMOD_BCRYPT_ECDSA_PRIVATE_P256_MAGIC UINT32_C(0x32534345)
#define CARDMOD_BCRYPT_ECDSA_PUBLIC_P384_MAGIC UINT32_C(0x33534345)
#define CARDMOD_BCRYPT_ECDSA_PRIVATE_P384_MAGIC UINT32_C(0x34534345)
#define CARDMOD_BCRYPT_ECDSA_PUBLIC_P521_MAGIC UINT32_C(0x35534345)
#define CARDMOD_BCRYPT_ECDSA_PRIVATE_P521_MAGIC UINT32_C(0x36534345)
#define CARDMOD_BCRYPT_ECDSA_PUBLIC_GENERIC_MAGIC UINT32_C(0x50444345)
#define CARDMOD_BCRYPT_ECDSA_PRIVATE_GENERIC_MAGIC UINT32_C(0x56444345)
#define CARDMOD_BCRYPT_ECDH_PUBLIC_P256_MAGIC UINT32_C(0x314B4345)
#define CARDMOD_BCRYPT_ECDH_PRIVATE_P256_MAGIC UINT32_C(0x324B4345)
#define CARDMOD_BCRYPT_ECDH_PUBLIC_P384_MAGIC UINT32_C(0x334B4345)
#define CARDMOD_BCRYPT_ECDH_PRIVATE_P384_MAGIC UINT32_C(0x344B4345)
#define CARDMOD_BCRYPT_ECDH_PUBLIC_P521_MAGIC UINT32_C(0x354B4345)
#define CARDMOD_BCRYPT_ECDH_PRIVATE_P521_MAGIC UINT32_C(0x364B4345)
#define CARDMOD_BCRYPT_ECDH_PUBLIC_GENERIC_MAGIC UINT32_C(0x504B4345)
#define CARDMOD_BCRYPT_ECDH_PRIVATE_GENERIC_MAGIC UINT32_C(0x564B4345)
#define CARDMOD_BCRYPT_ECC_PARAMETERS_MAGIC UINT32_C(0x50434345)
#define CARDMOD_BCRYPT_DH_PARAMETERS_MAGIC UINT32_C(0x4D504844)
#define CARDMOD_BCRYPT_DH_PUBLIC_MAGIC UINT32_C(0x42504844)
#define CARDMOD_BCRYPT_DH_PRIVATE_MAGIC UINT32_C(0x56504844)
#define CARDMOD_BCRYPT_DSA_PARAMETERS_MAGIC UINT32_C(0x4D505344)
#define CARDMOD_BCRYPT_DSA_PARAMETERS_MAGIC_V2 UINT32_C(0x324D5044)
#define CARDMOD_BCRYPT_DSA_PUBLIC_MAGIC UINT32_C(0x42505344)
#define CARDMOD_BCRYPT_DSA_PRIVATE_MAGIC UINT32_C(0x56505344)
#define CARDMOD_BCRYPT_DSA_PUBLIC_MAGIC_V2 UINT32_C(0x32425044)
#define CARDMOD_BCRYPT_DSA_PRIVATE_MAGIC_V2 UINT32_C(0x32565044)
#define CARDMOD_BCRYPT_LMS_PUBLIC_MAGIC UINT32_C(0x4B504D4C)
#define CARDMOD_BCRYPT_XMSS_PUBLIC_MAGIC UINT32_C(0x4B504D58)
#define CARDMOD_BCRYPT_MLDSA_PUBLIC_MAGIC UINT32_C(0x4B505344)
#define CARDMOD_BCRYPT_MLDSA_PRIVATE_MAGIC UINT32_C(0x4B535344)
#define CARDMOD_BCRYPT_MLDSA_PRIVATE_SEED_MAGIC UINT32_C(0x53535344)
#define CARDMOD_BCRYPT_MLKEM_PUBLIC_MAGIC UINT32_C(0x504B4C4D)
#define CARDMOD_BCRYPT_MLKEM_PRIVATE_MAGIC UINT32_C(0x524B4C4D)
#define CARDMOD_BCRYPT_MLKEM_PRIVATE_SEED_MAGIC UINT32_C(0x534B4C4D)
#define CARDMOD_BCRYPT_SLHDSA_PUBLIC_MAGIC UINT32_C(0x4B504853)
#define CARDMOD_BCRYPT_SLHDSA_PRIVATE_MAGIC UINT32_C(0x4B534853)

/* Names; the wide ones are UTF-16 */
#define CARDMOD_szBASE_CSP_DIR "mscp"
#define CARDMOD_szINTERMEDIATE_CERTS_DIR "mscerts"
#define CARDMOD_szCACHE_FILE "cardcf"
#define CARDMOD_szCARD_IDENTIFIER_FILE "cardid"
#define CARDMOD_szCONTAINER_MAP_FILE "cmapfile"
#define CARDMOD_szROOT_STORE_FILE "msroots"
#define CARDMOD_szUSER_SIGNATURE_CERT_PREFIX "ksc"
#define CARDMOD_szUSER_KEYEXCHANGE_CERT_PREFIX "kxc"
#define CARDMOD_szUSER_SIGNATURE_PRIVATE_KEY_PREFIX "kss"
#define CARDMOD_szUSER_SIGNATURE_PUBLIC_KEY_PREFIX "ksp"
#define CARDMOD_szUSER_KEYEXCHANGE_PRIVATE_KEY_PREFIX "kxs"
#define CARDMOD_szUSER_KEYEXCHANGE_PUBLIC_KEY_PREFIX "kxp"
#define CARDMOD_wszCARD_USER_EVERYONE u"anonymous"
#define CARDMOD_wszCARD_USER_USER u"user"
#define CARDMOD_wszCARD_USER_ADMIN u"admin"
#define CARDMOD_CCP_CONTAINER_INFO u"Container Info"
#define CARDMOD_CCP_PIN_IDENTIFIER u"PIN Identifier"
#define CARDMOD_CCP_ASSOCIATED_ECDH_KEY u"Associated ECDH Key"
#define CARDMOD_CP_CARD_FREE_SPACE u"Free Space"
#define CARDMOD_CP_CARD_CAPABILITIES u"Capabilities"
#define CARDMOD_CP_CARD_KEYSIZES u"Key Sizes"
#define CARDMOD_CP_CARD_READ_ONLY u"Read Only Mode"
#define CARDMOD_CP_CARD_CACHE_MODE u"Cache Mode"
#define CARDMOD_CP_SUPPORTS_WIN_X509_ENROLLMENT u"Supports Windows x.509 Enrollment"
#define CARDMOD_CP_CARD_GUID u"Card Identifier"
#define CARDMOD_CP_CARD_SERIAL_NO u"Card Serial Number"
#define CARDMOD_CP_CARD_PIN_INFO u"PIN Information"
#define CARDMOD_CP_CARD_LIST_PINS u"PIN List"
#define CARDMOD_CP_CARD_AUTHENTICATED_STATE u"Authenticated State"
#define CARDMOD_CP_CARD_PIN_STRENGTH_VERIFY u"PIN Strength Verify"
#define CARDMOD_CP_CARD_PIN_STRENGTH_CHANGE u"PIN Strength Change"
#define CARDMOD_CP_CARD_PIN_STRENGTH_UNBLOCK u"PIN Strength Unblock"
#define CARDMOD_CP_PARENT_WINDOW u"Parent Window"
#define CARDMOD_CP_PIN_CONTEXT_STRING u"PIN Context String"
#define CARDMOD_CP_KEY_IMPORT_SUPPORT u"Key Import Support"
#define CARDMOD_CP_ENUM_ALGORITHMS u"Algorithms"
#define CARDMOD_CP_PADDING_SCHEMES u"Padding Schemes"
#define CARDMOD_CP_CHAINING_MODES u"Chaining Modes"
#define CARDMOD_CARD_3DES_112_ALGORITHM u"3DES_112"
#define CARDMOD_CARD_3DES_ALGORITHM u"3DES"
#define CARDMOD_CARD_AES_ALGORITHM u"AES"
#define CARDMOD_CARD_CHAIN_MODE_CBC u"ChainingModeCBC"
#define CARDMOD_CSF_IMPORT_KEYPAIR u"Import Key Pair"
#define CARDMOD_CSF_CHANGE_AUTHENTICATOR u"Change Authenticator"
#define CARDMOD_CSF_AUTHENTICATE u"Authenticate"
#define CARDMOD_CKP_CHAINING_MODE u"ChainingMode"
#define CARDMOD_CKP_INITIALIZATION_VECTOR u"IV"
#define CARDMOD_CKP_BLOCK_LENGTH u"BlockLength"
#define CARDMOD_BCRYPT_KDF_HASH u"HASH"
#define CARDMOD_BCRYPT_KDF_HMAC u"HMAC"
#define CARDMOD_BCRYPT_KDF_TLS_PRF u"TLS_PRF"
#define CARDMOD_BCRYPT_KDF_SP80056A_CONCAT u"SP800_56A_CONCAT"
#define CARDMOD_BCRYPT_KDF_RAW_SECRET u"TRUNCATE"
#define CARDMOD_BCRYPT_KDF_HKDF u"HKDF"
#define CARDMOD_BCRYPT_MD2_ALGORITHM u"MD2"
#define CARDMOD_BCRYPT_MD4_ALGORITHM u"MD4"
#define CARDMOD_BCRYPT_MD5_ALGORITHM u"MD5"
#define CARDMOD_BCRYPT_SHA1_ALGORITHM u"SHA1"
#define CARDMOD_BCRYPT_SHA256_ALGORITHM u"SHA256"
#define CARDMOD_BCRYPT_SHA384_ALGORITHM u"SHA384"
#define CARDMOD_BCRYPT_SHA512_ALGORITHM u"SHA512"
#define CARDMOD_BCRYPT_SHA3_256_ALGORITHM u"SHA3-256"
#define CARDMOD_BCRYPT_SHA3_384_ALGORITHM u"SHA3-384"
#define CARDMOD_BCRYPT_SHA3_512_ALGORITHM u"SHA3-512"
#define CARDMOD_BCRYPT_SHAKE128_ALGORITHM u"SHAKE128"
#define CARDMOD_BCRYPT_SHAKE256_ALGORITHM u"SHAKE256"
#define CARDMOD_BCRYPT_CSHAKE128_ALGORITHM u"CSHAKE128"
#define CARDMOD_BCRYPT_CSHAKE256_ALGORITHM u"CSHAKE256"
#define CARDMOD_BCRYPT_KMAC128_ALGORITHM u"KMAC128"
#define CARDMOD_BCRYPT_KMAC256_ALGORITHM u"KMAC256"
#define CARDMOD_BCRYPT_AES_CMAC_ALGORITHM u"AES-CMAC"
#define CARDMOD_BCRYPT_AES_GMAC_ALGORITHM u"AES-GMAC"
#define CARDMOD_BCRYPT_RSA_ALGORITHM u"RSA"
#define CARDMOD_BCRYPT_RSA_SIGN_ALGORITHM u"RSA_SIGN"
#define CARDMOD_BCRYPT_DSA_ALGORITHM u"DSA"
#define CARDMOD_BCRYPT_DH_ALGORITHM u"DH"
#define CARDMOD_BCRYPT_ECDSA_ALGORITHM u"ECDSA"
#define CARDMOD_BCRYPT_ECDSA_P256_ALGORITHM u"ECDSA_P256"
#define CARDMOD_BCRYPT_ECDSA_P384_ALGORITHM u"ECDSA_P384"
#define CARDMOD_BCRYPT_ECDSA_P521_ALGORITHM u"ECDSA_P521"
#define CARDMOD_BCRYPT_ECDH_ALGORITHM u"ECDH"
#define CARDMOD_BCRYPT_ECDH_P256_ALGORITHM u"ECDH_P256"
#define CARDMOD_BCRYPT_ECDH_P384_ALGORITHM u"ECDH_P384"
#define CARDMOD_BCRYPT_ECDH_P521_ALGORITHM u"ECDH_P521"
#define CARDMOD_BCRYPT_LMS_ALGORITHM u"LMS"
#define CARDMOD_BCRYPT_XMSS_ALGORITHM u"XMSS"
#define CARDMOD_BCRYPT_MLDSA_ALGORITHM u"ML-DSA"
#define CARDMOD_BCRYPT_MLKEM_ALGORITHM u"ML-KEM"
#define CARDMOD_BCRYPT_SLHDSA_ALGORITHM u"SLH-DSA"
#define CARDMOD_BCRYPT_ECC_CURVE_NISTP192 u"nistP192"
#define CARDMOD_BCRYPT_ECC_CURVE_NISTP224 u"nistP224"
#define CARDMOD_BCRYPT_ECC_CURVE_NISTP256 u"nistP256"
#define CARDMOD_BCRYPT_ECC_CURVE_NISTP384 u"nistP384"
#define CARDMOD_BCRYPT_ECC_CURVE_NISTP521 u"nistP521"
#define CARDMOD_BCRYPT_3DES_112_ALGORITHM u"3DES_112"
#define CARDMOD_BCRYPT_3DES_ALGORITHM u"3DES"
#define CARDMOD_BCRYPT_AES_ALGORITHM u"AES"
#define CARDMOD_BCRYPT_XTS_AES_ALGORITHM u"XTS-AES"
#define CARDMOD_BCRYPT_CHACHA20_POLY1305_ALGORITHM u"CHACHA20_POLY1305"
#define CARDMOD_BCRYPT_DESX_ALGORITHM u"DESX"
#define CARDMOD_BCRYPT_DES_ALGORITHM u"DES"
#define CARDMOD_BCRYPT_RC2_ALGORITHM u"RC2"
#define CARDMOD_BCRYPT_RC4_ALGORITHM u"RC4"
#define CARDMOD_BCRYPT_RNG_ALGORITHM u"RNG"
#define CARDMOD_BCRYPT_RNG_DUAL_EC_ALGORITHM u"DUALECRNG"
#define CARDMOD_BCRYPT_RNG_FIPS186_DSA_ALGORITHM u"FIPS186DSARNG"
#define CARDMOD_BCRYPT_CAPI_KDF_ALGORITHM u"CAPI_KDF"
#define CARDMOD_BCRYPT_HKDF_ALGORITHM u"HKDF"
#define CARDMOD_BCRYPT_PBKDF2_ALGORITHM u"PBKDF2"
#define CARDMOD_BCRYPT_SP800108_CTR_HMAC_ALGORITHM u"SP800_108_CTR_HMAC"
#define CARDMOD_BCRYPT_SP80056A_CONCAT_ALGORITHM u"SP800_56A_CONCAT"
#define CARDMOD_BCRYPT_TLS1_1_KDF_ALGORITHM u"TLS1_1_KDF"
#define CARDMOD_BCRYPT_TLS1_2_KDF_ALGORITHM u"TLS1_2_KDF"
#define CARDMOD_BCRYPT_CHAIN_MODE_NA u"ChainingModeN/A"
#define CARDMOD_BCRYPT_CHAIN_MODE_CBC u"ChainingModeCBC"
#define CARDMOD_BCRYPT_CHAIN_MODE_CCM u"ChainingModeCCM"
#define CARDMOD_BCRYPT_CHAIN_MODE_CFB u"ChainingModeCFB"
#define CARDMOD_BCRYPT_CHAIN_MODE_ECB u"ChainingModeECB"
#define CARDMOD_BCRYPT_CHAIN_MODE_GCM u"ChainingModeGCM"
#define CARDMOD_BCRYPT_ALGORITHM_NAME u"AlgorithmName"
#define CARDMOD_BCRYPT_BLOCK_LENGTH u"BlockLength"
#define CARDMOD_BCRYPT_BLOCK_SIZE_LIST u"BlockSizeList"
#define CARDMOD_BCRYPT_CHAINING_MODE u"ChainingMode"
#define CARDMOD_BCRYPT_HKDF_HASH_ALGORITHM u"HkdfHashAlgorithm"
#define CARDMOD_BCRYPT_INITIALIZATION_VECTOR u"IV"
#define CARDMOD_BCRYPT_KEY_LENGTH u"KeyLength"
#define CARDMOD_BCRYPT_KEY_LENGTHS u"KeyLengths"
#define CARDMOD_BCRYPT_KEY_STRENGTH u"KeyStrength"
#define CARDMOD_BCRYPT_PADDING_SCHEMES u"PaddingSchemes"
#define CARDMOD_BCRYPT_AES_WRAP_KEY_BLOB u"Rfc3565KeyWrapBlob"
#define CARDMOD_BCRYPT_DH_PRIVATE_BLOB u"DHPRIVATEBLOB"
#define CARDMOD_BCRYPT_DH_PUBLIC_BLOB u"DHPUBLICBLOB"
#define CARDMOD_BCRYPT_DSA_PRIVATE_BLOB u"DSAPRIVATEBLOB"
#define CARDMOD_BCRYPT_DSA_PUBLIC_BLOB u"DSAPUBLICBLOB"
#define CARDMOD_BCRYPT_ECCFULLPRIVATE_BLOB u"ECCFULLPRIVATEBLOB"
#define CARDMOD_BCRYPT_ECCFULLPUBLIC_BLOB u"ECCFULLPUBLICBLOB"
#define CARDMOD_BCRYPT_ECCPRIVATE_BLOB u"ECCPRIVATEBLOB"
#define CARDMOD_BCRYPT_ECCPUBLIC_BLOB u"ECCPUBLICBLOB"
#define CARDMOD_BCRYPT_KEY_DATA_BLOB u"KeyDataBlob"
#define CARDMOD_BCRYPT_MLKEM_DECAPSULATION_BLOB u"MLKEMPRIVATEBLOB"
#define CARDMOD_BCRYPT_MLKEM_ENCAPSULATION_BLOB u"MLKEMPUBLICBLOB"
#define CARDMOD_BCRYPT_MLKEM_PRIVATE_BLOB u"MLKEMPRIVATEBLOB"
#define CARDMOD_BCRYPT_MLKEM_PRIVATE_SEED_BLOB u"MLKEMPRIVATESEEDBLOB"
#define CARDMOD_BCRYPT_MLKEM_PUBLIC_BLOB u"MLKEMPUBLICBLOB"
#define CARDMOD_BCRYPT_OPAQUE_KEY_BLOB u"OpaqueKeyBlob"
#define CARDMOD_BCRYPT_PKCS11_RSA_AES_WRAP_KEY_BLOB u"PKCS11RsaAesWrapBlob"
#define CARDMOD_BCRYPT_PQDSA_PRIVATE_BLOB u"PQDSAPRIVATEBLOB"
#define CARDMOD_BCRYPT_PQDSA_PRIVATE_SEED_BLOB u"PQDSAPRIVATESEEDBLOB"
#define CARDMOD_BCRYPT_PQDSA_PUBLIC_BLOB u"PQDSAPUBLICBLOB"
#define CARDMOD_BCRYPT_PRIVATE_KEY_BLOB u"PRIVATEBLOB"
#define CARDMOD_BCRYPT_PUBLIC_KEY_BLOB u"PUBLICBLOB"
#define CARDMOD_BCRYPT_RSAFULLPRIVATE_BLOB u"RSAFULLPRIVATEBLOB"
#define CARDMOD_BCRYPT_RSAPRIVATE_BLOB u"RSAPRIVATEBLOB"
#define CARDMOD_BCRYPT_RSAPUBLIC_BLOB u"RSAPUBLICBLOB"
#define CARDMOD_LEGACY_DH_PRIVATE_BLOB u"CAPIDHPRIVATEBLOB"
#define CARDMOD_LEGACY_DH_PUBLIC_BLOB u"CAPIDHPUBLICBLOB"
#define CARDMOD_LEGACY_DSA_PRIVATE_BLOB u"CAPIDSAPRIVATEBLOB"
#define CARDMOD_LEGACY_DSA_PUBLIC_BLOB u"CAPIDSAPUBLICBLOB"
#define CARDMOD_LEGACY_DSA_V2_PRIVATE_BLOB u"V2CAPIDSAPRIVATEBLOB"
#define CARDMOD_LEGACY_DSA_V2_PUBLIC_BLOB u"V2CAPIDSAPUBLICBLOB"
#define CARDMOD_LEGACY_RSAPRIVATE_BLOB u"CAPIPRIVATEBLOB"
#define CARDMOD_LEGACY_RSAPUBLIC_BLOB u"CAPIPUBLICBLOB"
#define CARDMOD_SSL_ECCPUBLIC_BLOB u"SSLECCPUBLICBLOB"
#define CARDMOD_MS_PRIMITIVE_PROVIDER u"Microsoft Primitive Provider"

/* The one export of a card module. */
CARDMOD_EXPORT uint32_t CARDMOD_API CardAcquireContext(cardmod_CARD_DATA *pCardData, uint32_t dwFlags);

#ifdef __cplusplus
}
#endif

#endif /* CARDMOD_H */
