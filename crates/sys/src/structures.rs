//! The structures that travel through the functions.
//!
//! Natural alignment everywhere; no unions, no bit fields. Four structures end in data that
//! follows them; their last member has no bytes of its own. Where a structure grew, the older
//! version is a prefix of it: see the `…_V1_SIZE` constants.

use crate::scalars::*;

structures! {
    /// The file `cardcf`: freshness counters by which a host knows whether its caches still hold.
    struct CARD_CACHE_FILE_FORMAT, PCARD_CACHE_FILE_FORMAT {
        /// Version of the file; readers ignore it, writers keep it.
        bVersion: BYTE,
        /// Moves with any change or unblocking of a PIN.
        bPinsFreshness: BYTE,
        /// Moves when a key is made or deleted.
        wContainersFreshness: WORD,
        /// Moves when a file is written, made or deleted.
        wFilesFreshness: WORD,
    }

    /// One record of the file `cmapfile`; its position is the container's index. 86 bytes, no padding.
    struct CONTAINER_MAP_RECORD, PCONTAINER_MAP_RECORD {
        /// The container's name: UTF-16, at most 39 units and a zero.
        wszGuid: [WCHAR; 40],
        /// `CONTAINER_MAP_VALID_CONTAINER`, `CONTAINER_MAP_DEFAULT_CONTAINER`.
        bFlags: BYTE,
        /// 0.
        bReserved: BYTE,
        /// Length of the signature key in bits, 0 for none.
        wSigKeySizeBits: WORD,
        /// Length of the key exchange key in bits, 0 for none.
        wKeyExchangeKeySizeBits: WORD,
    }

    /// What the module does for its card.
    struct CARD_CAPABILITIES, PCARD_CAPABILITIES {
        /// `CARD_CAPABILITIES_CURRENT_VERSION`; 0 counts as 1.
        dwVersion: DWORD,
        /// The module compresses certificates; otherwise the host does.
        fCertificateCompression: BOOL,
        /// Keys can be generated on the card.
        fKeyGen: BOOL,
    }

    /// How long a host may keep a PIN.
    struct PIN_CACHE_POLICY, PPIN_CACHE_POLICY {
        /// `PIN_CACHE_POLICY_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// The kind of policy.
        PinCachePolicyType: PIN_CACHE_POLICY_TYPE,
        /// Seconds, for `PinCacheTimed`.
        dwPinCachePolicyInfo: DWORD,
    }

    /// A role's description.
    struct PIN_INFO, PPIN_INFO {
        /// `PIN_INFO_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// How it is entered.
        PinType: SECRET_TYPE,
        /// What it is for.
        PinPurpose: SECRET_PURPOSE,
        /// The roles that may change it.
        dwChangePermission: PIN_SET,
        /// The roles that may unblock it; its own bit is ignored.
        dwUnblockPermission: PIN_SET,
        /// How long a host may keep it.
        PinCachePolicy: PIN_CACHE_POLICY,
        /// `PIN_INFO_REQUIRE_SECURE_ENTRY` or 0.
        dwFlags: DWORD,
    }

    /// A container's public keys; the module allocates, the host frees.
    struct CONTAINER_INFO, PCONTAINER_INFO {
        /// `CONTAINER_INFO_CURRENT_VERSION`; 0 counts as 1.
        dwVersion: DWORD,
        /// 0.
        dwReserved: DWORD,
        /// Length of the signature key's blob in bytes, 0 for none.
        cbSigPublicKey: DWORD,
        /// The signature key's blob, NULL for none.
        pbSigPublicKey: PBYTE,
        /// Length of the key exchange key's blob in bytes, 0 for none.
        cbKeyExPublicKey: DWORD,
        /// The key exchange key's blob, NULL for none.
        pbKeyExPublicKey: PBYTE,
    }

    /// A file's description.
    struct CARD_FILE_INFO, PCARD_FILE_INFO {
        /// `CARD_FILE_INFO_CURRENT_VERSION`; 0 counts as 1.
        dwVersion: DWORD,
        /// Size of the data in bytes.
        cbFileSize: DWORD,
        /// Who may read and write it.
        AccessCondition: CARD_FILE_ACCESS_CONDITION,
    }

    /// The card's room; `CARD_DATA_VALUE_UNKNOWN` where a number is not known.
    struct CARD_FREE_SPACE_INFO, PCARD_FREE_SPACE_INFO {
        /// `CARD_FREE_SPACE_INFO_CURRENT_VERSION`; 0 counts as 1.
        dwVersion: DWORD,
        /// Bytes free.
        dwBytesAvailable: DWORD,
        /// Containers free.
        dwKeyContainersAvailable: DWORD,
        /// Containers in all.
        dwMaxKeyContainers: DWORD,
    }

    /// The lengths of a key spec's keys, in bits.
    struct CARD_KEY_SIZES, PCARD_KEY_SIZES {
        /// `CARD_KEY_SIZES_CURRENT_VERSION`; 0 counts as 1.
        dwVersion: DWORD,
        /// The shortest.
        dwMinimumBitlen: DWORD,
        /// The usual one.
        dwDefaultBitlen: DWORD,
        /// The longest.
        dwMaximumBitlen: DWORD,
        /// The step between lengths.
        dwIncrementalBitlen: DWORD,
    }

    /// RSA decryption, in place. Version 1 ends with `cbData`.
    struct CARD_RSA_DECRYPT_INFO, PCARD_RSA_DECRYPT_INFO {
        /// 1 up to interface version 6, 2 from 7.
        dwVersion: DWORD,
        /// The container.
        bContainerIndex: BYTE,
        /// Which key of it.
        dwKeySpec: DWORD,
        /// Ciphertext, then result; little-endian; the host's memory.
        pbData: PBYTE,
        /// Its length in bytes: that of the modulus, then that of the result.
        cbData: DWORD,
        /// Version 2: `BCRYPT_OAEP_PADDING_INFO` for `CARD_PADDING_OAEP`.
        pPaddingInfo: LPVOID,
        /// Version 2: `CARD_PADDING_NONE`, `_PKCS1` or `_OAEP`.
        dwPaddingType: DWORD,
    }

    /// A signature. Version 1 ends with `cbSignedData`.
    struct CARD_SIGNING_INFO, PCARD_SIGNING_INFO {
        /// 1 or 2.
        dwVersion: DWORD,
        /// The container.
        bContainerIndex: BYTE,
        /// Which key of it.
        dwKeySpec: DWORD,
        /// `CARD_PADDING_INFO_PRESENT`, `CARD_BUFFER_SIZE_ONLY`, `CRYPT_NOHASHOID` and its like.
        dwSigningFlags: DWORD,
        /// The hash (`CALG_…`), unless padding information is present; 0 for data padded already.
        aiHashAlg: ALG_ID,
        /// The hash value.
        pbData: PBYTE,
        /// Its length in bytes.
        cbData: DWORD,
        /// The signature, allocated by the module, freed by the host.
        pbSignedData: PBYTE,
        /// Its length in bytes.
        cbSignedData: DWORD,
        /// Version 2: `BCRYPT_PKCS1_PADDING_INFO` or `BCRYPT_PSS_PADDING_INFO`.
        pPaddingInfo: LPVOID,
        /// Version 2: `CARD_PADDING_NONE`, `_PKCS1` or `_PSS`.
        dwPaddingType: DWORD,
    }

    /// A key agreement.
    struct CARD_DH_AGREEMENT_INFO, PCARD_DH_AGREEMENT_INFO {
        /// `CARD_DH_AGREEMENT_INFO_VERSION`, which is 2.
        dwVersion: DWORD,
        /// The container.
        bContainerIndex: BYTE,
        /// 0.
        dwFlags: DWORD,
        /// Length of the peer's public key in bytes.
        dwPublicKey: DWORD,
        /// The peer's public key, a `BCRYPT_ECCKEY_BLOB`.
        pbPublicKey: PBYTE,
        /// Not used.
        pbReserved: PBYTE,
        /// Not used.
        cbReserved: DWORD,
        /// Answer: the agreement's number.
        bSecretAgreementIndex: BYTE,
    }

    /// A key derived from an agreed secret. Version 1 ends with `cbDerivedKey`.
    struct CARD_DERIVE_KEY, PCARD_DERIVE_KEY {
        /// 1 or 2.
        dwVersion: DWORD,
        /// `KDF_USE_SECRET_AS_HMAC_KEY_FLAG`, `CARD_BUFFER_SIZE_ONLY`, `CARD_RETURN_KEY_HANDLE`.
        dwFlags: DWORD,
        /// The derivation function's name (`BCRYPT_KDF_…`).
        pwszKDF: LPWSTR,
        /// The agreement's number.
        bSecretAgreementIndex: BYTE,
        /// `BCryptBufferDesc` with the function's parameters, or NULL.
        pParameterList: PVOID,
        /// The derived key.
        pbDerivedKey: PBYTE,
        /// Its length in bytes.
        cbDerivedKey: DWORD,
        /// Version 2, with `CARD_RETURN_KEY_HANDLE`: the key's algorithm.
        pwszAlgId: LPWSTR,
        /// Version 2, with `CARD_RETURN_KEY_HANDLE`: the key's length in bits.
        dwKeyLen: DWORD,
        /// Version 2, answer with `CARD_RETURN_KEY_HANDLE`.
        hKey: CARD_KEY_HANDLE,
    }

    /// One piece of encrypted data (version 7).
    struct CARD_ENCRYPTED_DATA, PCARD_ENCRYPTED_DATA {
        /// The data.
        pbEncryptedData: PBYTE,
        /// Its length in bytes.
        cbEncryptedData: DWORD,
    }

    /// Input of the secure function "Import Key Pair"; the private key blob follows.
    struct CARD_IMPORT_KEYPAIR, PCARD_IMPORT_KEYPAIR {
        /// `CARD_IMPORT_KEYPAIR_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// The container.
        bContainerIndex: BYTE,
        /// The owner's role.
        PinId: PIN_ID,
        /// Which key of the container.
        dwKeySpec: DWORD,
        /// Its length in bits.
        dwKeySize: DWORD,
        /// Length of the blob in bytes.
        cbInput: DWORD,
        /// Where the blob begins.
        pbInput: [BYTE; 0],
    }

    /// Input of the secure function "Change Authenticator"; old and new secret follow.
    struct CARD_CHANGE_AUTHENTICATOR, PCARD_CHANGE_AUTHENTICATOR {
        /// `CARD_CHANGE_AUTHENTICATOR_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// `PIN_CHANGE_FLAG_CHANGEPIN` or `PIN_CHANGE_FLAG_UNBLOCK`.
        dwFlags: DWORD,
        /// The role by whose authority.
        dwAuthenticatingPinId: PIN_ID,
        /// Length of its secret in bytes.
        cbAuthenticatingPinData: DWORD,
        /// The role whose secret changes.
        dwTargetPinId: PIN_ID,
        /// Length of the new secret in bytes.
        cbTargetData: DWORD,
        /// The new limit of tries, 0 to leave it.
        cRetryCount: DWORD,
        /// Where the two secrets begin.
        pbData: [BYTE; 0],
    }

    /// Output of the secure function "Change Authenticator".
    struct CARD_CHANGE_AUTHENTICATOR_RESPONSE, PCARD_CHANGE_AUTHENTICATOR_RESPONSE {
        /// `CARD_CHANGE_AUTHENTICATOR_RESPONSE_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// Tries left of the authenticating role.
        cAttemptsRemaining: DWORD,
    }

    /// Input of the secure function "Authenticate"; the PIN follows.
    struct CARD_AUTHENTICATE, PCARD_AUTHENTICATE {
        /// `CARD_AUTHENTICATE_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// As in `CardAuthenticateEx`.
        dwFlags: DWORD,
        /// The role.
        PinId: PIN_ID,
        /// Length of the PIN in bytes.
        cbPinData: DWORD,
        /// Where the PIN begins.
        pbPinData: [BYTE; 0],
    }

    /// Output of the secure function "Authenticate"; a session PIN may follow.
    struct CARD_AUTHENTICATE_RESPONSE, PCARD_AUTHENTICATE_RESPONSE {
        /// `CARD_AUTHENTICATE_RESPONSE_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// Length of the session PIN in bytes, 0 for none.
        cbSessionPin: DWORD,
        /// Tries left.
        cAttemptsRemaining: DWORD,
        /// Where the session PIN begins.
        pbSessionPin: [BYTE; 0],
    }
}

/// Bytes of version 1 of `CARD_RSA_DECRYPT_INFO`, which is all that a caller of it has.
pub const CARD_RSA_DECRYPT_INFO_V1_SIZE: usize = core::mem::offset_of!(CARD_RSA_DECRYPT_INFO, pPaddingInfo);
/// Bytes of version 1 of `CARD_SIGNING_INFO`.
pub const CARD_SIGNING_INFO_V1_SIZE: usize = core::mem::offset_of!(CARD_SIGNING_INFO, pPaddingInfo);
/// Bytes of version 1 of `CARD_DERIVE_KEY`.
pub const CARD_DERIVE_KEY_V1_SIZE: usize = core::mem::offset_of!(CARD_DERIVE_KEY, pwszAlgId);
