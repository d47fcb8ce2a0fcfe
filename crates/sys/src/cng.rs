//! What callers of the interface need of bcrypt.h: padding, key blobs, derivation parameters.

use crate::scalars::*;

structures! {
    /// Head of a CNG key blob.
    struct BCRYPT_KEY_BLOB {
        /// Which blob follows.
        Magic: ULONG,
    }
    /// Head of an RSA key blob; big-endian numbers follow.
    struct BCRYPT_RSAKEY_BLOB {
        /// `BCRYPT_RSAPUBLIC_MAGIC` and its neighbours.
        Magic: ULONG,
        /// Length of the modulus in bits.
        BitLength: ULONG,
        /// Length of the public exponent in bytes.
        cbPublicExp: ULONG,
        /// Length of the modulus in bytes.
        cbModulus: ULONG,
        /// Length of the first prime in bytes, 0 in public keys.
        cbPrime1: ULONG,
        /// Length of the second prime in bytes, 0 in public keys.
        cbPrime2: ULONG,
    }
    /// Head of an elliptic curve key blob; X, Y and in private keys d follow, big-endian.
    struct BCRYPT_ECCKEY_BLOB {
        /// `BCRYPT_ECDSA_PUBLIC_P256_MAGIC` and its neighbours.
        dwMagic: ULONG,
        /// Bytes per coordinate.
        cbKey: ULONG,
    }
    /// Head of a Diffie-Hellman key blob.
    struct BCRYPT_DH_KEY_BLOB {
        /// `BCRYPT_DH_PUBLIC_MAGIC` and its neighbours.
        dwMagic: ULONG,
        /// Bytes per number.
        cbKey: ULONG,
    }
    /// Head of a symmetric key blob; the key follows.
    struct BCRYPT_KEY_DATA_BLOB_HEADER {
        /// `BCRYPT_KEY_DATA_BLOB_MAGIC`.
        dwMagic: ULONG,
        /// `BCRYPT_KEY_DATA_BLOB_VERSION1`.
        dwVersion: ULONG,
        /// Length of the key in bytes.
        cbKeyData: ULONG,
    }
    /// PKCS#1 v1.5 signature padding.
    struct BCRYPT_PKCS1_PADDING_INFO {
        /// The hash's name; NULL for no DigestInfo.
        pszAlgId: LPCWSTR,
    }
    /// PSS signature padding.
    struct BCRYPT_PSS_PADDING_INFO {
        /// The hash's name.
        pszAlgId: LPCWSTR,
        /// Length of the salt in bytes.
        cbSalt: ULONG,
    }
    /// OAEP encryption padding.
    struct BCRYPT_OAEP_PADDING_INFO {
        /// The hash's name.
        pszAlgId: LPCWSTR,
        /// The label, or NULL.
        pbLabel: PUCHAR,
        /// Length of the label in bytes.
        cbLabel: ULONG,
    }
    /// One parameter of a key derivation.
    struct BCryptBuffer {
        /// Length in bytes.
        cbBuffer: ULONG,
        /// What it is (`KDF_…`).
        BufferType: ULONG,
        /// The bytes.
        pvBuffer: PVOID,
    }
    /// The parameters of a key derivation.
    struct BCryptBufferDesc {
        /// `BCRYPTBUFFER_VERSION`.
        ulVersion: ULONG,
        /// How many.
        cBuffers: ULONG,
        /// The first of them.
        pBuffers: *mut BCryptBuffer,
    }
    /// Key lengths in bits.
    struct BCRYPT_KEY_LENGTHS_STRUCT {
        /// The shortest.
        dwMinLength: ULONG,
        /// The longest.
        dwMaxLength: ULONG,
        /// The step.
        dwIncrement: ULONG,
    }
    /// One parameter of a key storage provider's function.
    struct NCryptBuffer {
        /// Length in bytes.
        cbBuffer: ULONG,
        /// What it is (`NCRYPTBUFFER_…`).
        BufferType: ULONG,
        /// The bytes.
        pvBuffer: PVOID,
    }
    /// The parameters of a key storage provider's function.
    struct NCryptBufferDesc {
        /// `NCRYPTBUFFER_VERSION`.
        ulVersion: ULONG,
        /// How many.
        cBuffers: ULONG,
        /// The first of them.
        pBuffers: *mut BCryptBuffer,
    }
    /// Key lengths of a key storage provider, in bits.
    struct NCRYPT_SUPPORTED_LENGTHS {
        /// The shortest.
        dwMinLength: DWORD,
        /// The longest.
        dwMaxLength: DWORD,
        /// The step.
        dwIncrement: DWORD,
        /// The usual one.
        dwDefaultLength: DWORD,
    }
}

numbers! {
    group "Padding of CNG. OAEP and PSS are swapped against `CARD_PADDING_…` (bcrypt.h)." {
        BCRYPT_PAD_NONE = 1,
        BCRYPT_PAD_PKCS1 = 2,
        BCRYPT_PAD_OAEP = 4,
        BCRYPT_PAD_PSS = 8,
        BCRYPT_PAD_PKCS1_OPTIONAL_HASH_OID = 0x10,
        BCRYPT_PAD_PQDSA = 0x20,
        BCRYPT_BLOCK_PADDING = 1,
    }
    group "Padding a provider supports (bcrypt.h)." {
        BCRYPT_SUPPORTED_PAD_ROUTER = 1,
        BCRYPT_SUPPORTED_PAD_PKCS1_ENC = 2,
        BCRYPT_SUPPORTED_PAD_PKCS1_SIG = 4,
        BCRYPT_SUPPORTED_PAD_OAEP = 8,
        BCRYPT_SUPPORTED_PAD_PSS = 0x10,
    }
    group "Kind of a derivation parameter (bcrypt.h)." {
        KDF_HASH_ALGORITHM = 0,
        KDF_SECRET_PREPEND = 1,
        KDF_SECRET_APPEND = 2,
        KDF_HMAC_KEY = 3,
        KDF_TLS_PRF_LABEL = 4,
        KDF_TLS_PRF_SEED = 5,
        KDF_SECRET_HANDLE = 6,
        KDF_TLS_PRF_PROTOCOL = 7,
        KDF_ALGORITHMID = 8,
        KDF_PARTYUINFO = 9,
        KDF_PARTYVINFO = 10,
        KDF_SUPPPUBINFO = 11,
        KDF_SUPPPRIVINFO = 12,
        KDF_LABEL = 13,
        KDF_CONTEXT = 14,
        KDF_SALT = 15,
        KDF_ITERATION_COUNT = 16,
        KDF_GENERIC_PARAMETER = 17,
        KDF_KEYBITLENGTH = 18,
        KDF_HKDF_SALT = 19,
        KDF_HKDF_INFO = 20,
    }
    group "Flag of a derivation: the secret itself is the HMAC key (bcrypt.h)." {
        KDF_USE_SECRET_AS_HMAC_KEY_FLAG = 1,
    }
    group "Version of a parameter list (bcrypt.h)." {
        BCRYPTBUFFER_VERSION = 0,
    }
    group "Symmetric key blob (bcrypt.h)." {
        BCRYPT_KEY_DATA_BLOB_MAGIC = 0x4D42_444B,
        BCRYPT_KEY_DATA_BLOB_VERSION1 = 1,
        BCRYPT_PKCS11_RSA_AES_WRAP_BLOB_MAGIC = 0x5750_4152,
    }
    group "Magic of an RSA key blob (bcrypt.h)." {
        BCRYPT_RSAPUBLIC_MAGIC = 0x3141_5352,
        BCRYPT_RSAPRIVATE_MAGIC = 0x3241_5352,
        BCRYPT_RSAFULLPRIVATE_MAGIC = 0x3341_5352,
    }
    group "Magic of an elliptic curve key blob (bcrypt.h)." {
        BCRYPT_ECDSA_PUBLIC_P256_MAGIC = 0x3153_4345,
        BCRYPT_ECDSA_PRIVATE_P256_MAGIC = 0x3253_4345,
        BCRYPT_ECDSA_PUBLIC_P384_MAGIC = 0x3353_4345,
        BCRYPT_ECDSA_PRIVATE_P384_MAGIC = 0x3453_4345,
        BCRYPT_ECDSA_PUBLIC_P521_MAGIC = 0x3553_4345,
        BCRYPT_ECDSA_PRIVATE_P521_MAGIC = 0x3653_4345,
        BCRYPT_ECDSA_PUBLIC_GENERIC_MAGIC = 0x5044_4345,
        BCRYPT_ECDSA_PRIVATE_GENERIC_MAGIC = 0x5644_4345,
        BCRYPT_ECDH_PUBLIC_P256_MAGIC = 0x314B_4345,
        BCRYPT_ECDH_PRIVATE_P256_MAGIC = 0x324B_4345,
        BCRYPT_ECDH_PUBLIC_P384_MAGIC = 0x334B_4345,
        BCRYPT_ECDH_PRIVATE_P384_MAGIC = 0x344B_4345,
        BCRYPT_ECDH_PUBLIC_P521_MAGIC = 0x354B_4345,
        BCRYPT_ECDH_PRIVATE_P521_MAGIC = 0x364B_4345,
        BCRYPT_ECDH_PUBLIC_GENERIC_MAGIC = 0x504B_4345,
        BCRYPT_ECDH_PRIVATE_GENERIC_MAGIC = 0x564B_4345,
        BCRYPT_ECC_PARAMETERS_MAGIC = 0x5043_4345,
    }
    group "Magic of a finite field key blob (bcrypt.h)." {
        BCRYPT_DH_PARAMETERS_MAGIC = 0x4D50_4844,
        BCRYPT_DH_PUBLIC_MAGIC = 0x4250_4844,
        BCRYPT_DH_PRIVATE_MAGIC = 0x5650_4844,
        BCRYPT_DSA_PARAMETERS_MAGIC = 0x4D50_5344,
        BCRYPT_DSA_PARAMETERS_MAGIC_V2 = 0x324D_5044,
        BCRYPT_DSA_PUBLIC_MAGIC = 0x4250_5344,
        BCRYPT_DSA_PRIVATE_MAGIC = 0x5650_5344,
        BCRYPT_DSA_PUBLIC_MAGIC_V2 = 0x3242_5044,
        BCRYPT_DSA_PRIVATE_MAGIC_V2 = 0x3256_5044,
    }
    group "Magic of a post-quantum key blob (bcrypt.h)." {
        BCRYPT_LMS_PUBLIC_MAGIC = 0x4B50_4D4C,
        BCRYPT_XMSS_PUBLIC_MAGIC = 0x4B50_4D58,
        BCRYPT_MLDSA_PUBLIC_MAGIC = 0x4B50_5344,
        BCRYPT_MLDSA_PRIVATE_MAGIC = 0x4B53_5344,
        BCRYPT_MLDSA_PRIVATE_SEED_MAGIC = 0x5353_5344,
        BCRYPT_MLKEM_PUBLIC_MAGIC = 0x504B_4C4D,
        BCRYPT_MLKEM_PRIVATE_MAGIC = 0x524B_4C4D,
        BCRYPT_MLKEM_PRIVATE_SEED_MAGIC = 0x534B_4C4D,
        BCRYPT_SLHDSA_PUBLIC_MAGIC = 0x4B50_4853,
        BCRYPT_SLHDSA_PRIVATE_MAGIC = 0x4B53_4853,
    }
}
