//! What callers of the interface need of wincrypt.h: algorithm ids, key blobs, provider parameters.

use crate::scalars::*;

structures! {
    /// Head of a CryptoAPI key blob (BLOBHEADER).
    struct PUBLICKEYSTRUC {
        /// `PUBLICKEYBLOB`, `PRIVATEKEYBLOB`, ….
        bType: BYTE,
        /// `CUR_BLOB_VERSION`.
        bVersion: BYTE,
        /// 0.
        reserved: WORD,
        /// `CALG_RSA_SIGN` or `CALG_RSA_KEYX`.
        aiKeyAlg: ALG_ID,
    }
    /// Second head of an RSA key blob; the modulus follows, little-endian.
    struct RSAPUBKEY {
        /// "RSA1" for public keys, "RSA2" for private ones.
        magic: DWORD,
        /// Length of the modulus in bits.
        bitlen: DWORD,
        /// The public exponent.
        pubexp: DWORD,
    }
    /// Second head of a Diffie-Hellman key blob.
    struct DHPUBKEY {
        /// "DH1" or "DH2".
        magic: DWORD,
        /// Length of the prime in bits.
        bitlen: DWORD,
    }
    /// Bytes with their length.
    struct CRYPT_DATA_BLOB {
        /// Length in bytes.
        cbData: DWORD,
        /// The bytes.
        pbData: *mut BYTE,
    }
    /// An algorithm of a provider (`PP_ENUMALGS_EX`).
    struct PROV_ENUMALGS_EX {
        /// The algorithm.
        aiAlgid: ALG_ID,
        /// Default key length in bits.
        dwDefaultLen: DWORD,
        /// Shortest key in bits.
        dwMinLen: DWORD,
        /// Longest key in bits.
        dwMaxLen: DWORD,
        /// Protocols it serves.
        dwProtocols: DWORD,
        /// Length of the short name with its terminator.
        dwNameLen: DWORD,
        /// The short name.
        szName: [CHAR; 20],
        /// Length of the long name with its terminator.
        dwLongNameLen: DWORD,
        /// The long name.
        szLongName: [CHAR; 40],
    }
}

numbers! {
    group "Key spec of an RSA key (wincrypt.h)." {
        AT_KEYEXCHANGE = 1,
        AT_SIGNATURE = 2,
    }
    group "Class of an algorithm id (wincrypt.h)." {
        ALG_CLASS_ANY = 0,
        ALG_CLASS_SIGNATURE = 1 << 13,
        ALG_CLASS_MSG_ENCRYPT = 2 << 13,
        ALG_CLASS_DATA_ENCRYPT = 3 << 13,
        ALG_CLASS_HASH = 4 << 13,
        ALG_CLASS_KEY_EXCHANGE = 5 << 13,
        ALG_CLASS_ALL = 7 << 13,
    }
    group "Type of an algorithm id (wincrypt.h)." {
        ALG_TYPE_ANY = 0,
        ALG_TYPE_DSS = 1 << 9,
        ALG_TYPE_RSA = 2 << 9,
        ALG_TYPE_BLOCK = 3 << 9,
        ALG_TYPE_STREAM = 4 << 9,
        ALG_TYPE_DH = 5 << 9,
        ALG_TYPE_SECURECHANNEL = 6 << 9,
        ALG_TYPE_ECDH = 7 << 9,
        ALG_TYPE_THIRDPARTY = 8 << 9,
    }
    group "Number of an algorithm within its class and type (wincrypt.h)." {
        ALG_SID_ANY = 0,
        ALG_SID_THIRDPARTY_ANY = 0,
        ALG_SID_RSA_ANY = 0,
        ALG_SID_RSA_PKCS = 1,
        ALG_SID_RSA_MSATWORK = 2,
        ALG_SID_RSA_ENTRUST = 3,
        ALG_SID_RSA_PGP = 4,
        ALG_SID_DSS_ANY = 0,
        ALG_SID_DSS_PKCS = 1,
        ALG_SID_DSS_DMS = 2,
        ALG_SID_ECDSA = 3,
        ALG_SID_DES = 1,
        ALG_SID_3DES = 3,
        ALG_SID_DESX = 4,
        ALG_SID_IDEA = 5,
        ALG_SID_CAST = 6,
        ALG_SID_SAFERSK64 = 7,
        ALG_SID_SAFERSK128 = 8,
        ALG_SID_3DES_112 = 9,
        ALG_SID_CYLINK_MEK = 12,
        ALG_SID_RC5 = 13,
        ALG_SID_AES_128 = 14,
        ALG_SID_AES_192 = 15,
        ALG_SID_AES_256 = 16,
        ALG_SID_AES = 17,
        ALG_SID_SKIPJACK = 10,
        ALG_SID_TEK = 11,
        ALG_SID_RC2 = 2,
        ALG_SID_RC4 = 1,
        ALG_SID_SEAL = 2,
        ALG_SID_DH_SANDF = 1,
        ALG_SID_DH_EPHEM = 2,
        ALG_SID_AGREED_KEY_ANY = 3,
        ALG_SID_KEA = 4,
        ALG_SID_ECDH = 5,
        ALG_SID_ECDH_EPHEM = 6,
        ALG_SID_ECMQV = 1,
        ALG_SID_MD2 = 1,
        ALG_SID_MD4 = 2,
        ALG_SID_MD5 = 3,
        ALG_SID_SHA = 4,
        ALG_SID_SHA1 = 4,
        ALG_SID_MAC = 5,
        ALG_SID_RIPEMD = 6,
        ALG_SID_RIPEMD160 = 7,
        ALG_SID_SSL3SHAMD5 = 8,
        ALG_SID_HMAC = 9,
        ALG_SID_TLS1PRF = 10,
        ALG_SID_HASH_REPLACE_OWF = 11,
        ALG_SID_SHA_256 = 12,
        ALG_SID_SHA_384 = 13,
        ALG_SID_SHA_512 = 14,
        ALG_SID_SSL3_MASTER = 1,
        ALG_SID_SCHANNEL_MASTER_HASH = 2,
        ALG_SID_SCHANNEL_MAC_KEY = 3,
        ALG_SID_PCT1_MASTER = 4,
        ALG_SID_SSL2_MASTER = 5,
        ALG_SID_TLS1_MASTER = 6,
        ALG_SID_SCHANNEL_ENC_KEY = 7,
        ALG_SID_EXAMPLE = 80,
    }
    group "Hash or MAC algorithm id (wincrypt.h)." {
        CALG_MD2 = 0x8001,
        CALG_MD4 = 0x8002,
        CALG_MD5 = 0x8003,
        CALG_SHA = 0x8004,
        CALG_SHA1 = 0x8004,
        CALG_MAC = 0x8005,
        CALG_SSL3_SHAMD5 = 0x8008,
        CALG_HMAC = 0x8009,
        CALG_TLS1PRF = 0x800A,
        CALG_HASH_REPLACE_OWF = 0x800B,
        CALG_SHA_256 = 0x800C,
        CALG_SHA_384 = 0x800D,
        CALG_SHA_512 = 0x800E,
        CALG_HUGHES_MD5 = 0xA003,
        CALG_THIRDPARTY_HASH = 0x9000,
    }
    group "Key or cipher algorithm id (wincrypt.h)." {
        CALG_RSA_SIGN = 0x2400,
        CALG_RSA_KEYX = 0xA400,
        CALG_DSS_SIGN = 0x2200,
        CALG_ECDSA = 0x2203,
        CALG_NO_SIGN = 0x2000,
        CALG_ECMQV = 0xA001,
        CALG_DES = 0x6601,
        CALG_RC2 = 0x6602,
        CALG_3DES = 0x6603,
        CALG_DESX = 0x6604,
        CALG_3DES_112 = 0x6609,
        CALG_SKIPJACK = 0x660A,
        CALG_TEK = 0x660B,
        CALG_CYLINK_MEK = 0x660C,
        CALG_RC5 = 0x660D,
        CALG_AES_128 = 0x660E,
        CALG_AES_192 = 0x660F,
        CALG_AES_256 = 0x6610,
        CALG_AES = 0x6611,
        CALG_RC4 = 0x6801,
        CALG_SEAL = 0x6802,
        CALG_DH_SF = 0xAA01,
        CALG_DH_EPHEM = 0xAA02,
        CALG_AGREEDKEY_ANY = 0xAA03,
        CALG_KEA_KEYX = 0xAA04,
        CALG_ECDH = 0xAA05,
        CALG_ECDH_EPHEM = 0xAE06,
        CALG_SSL3_MASTER = 0x4C01,
        CALG_SCHANNEL_MASTER_HASH = 0x4C02,
        CALG_SCHANNEL_MAC_KEY = 0x4C03,
        CALG_PCT1_MASTER = 0x4C04,
        CALG_SSL2_MASTER = 0x4C05,
        CALG_TLS1_MASTER = 0x4C06,
        CALG_SCHANNEL_ENC_KEY = 0x4C07,
        CALG_NULLCIPHER = 0x6000,
        CALG_THIRDPARTY_SIGNATURE = 0x3000,
        CALG_THIRDPARTY_CIPHER = 0x7000,
        CALG_THIRDPARTY_KEY_EXCHANGE = 0xB000,
        CALG_OID_INFO_CNG_ONLY = 0xFFFF_FFFF,
        CALG_OID_INFO_PARAMETERS = 0xFFFF_FFFE,
        CALG_OID_INFO_PQ = 0xFFFF_FFFD,
    }
    group "Type of a CryptoAPI key blob (wincrypt.h)." {
        SIMPLEBLOB = 1,
        PUBLICKEYBLOB = 6,
        PRIVATEKEYBLOB = 7,
        PLAINTEXTKEYBLOB = 8,
        OPAQUEKEYBLOB = 9,
        PUBLICKEYBLOBEX = 10,
        SYMMETRICWRAPKEYBLOB = 11,
        KEYSTATEBLOB = 12,
    }
    group "Version of a CryptoAPI key blob (wincrypt.h)." {
        CUR_BLOB_VERSION = 2,
    }
    group "Flag of `CryptSignHash`, allowed in `CARD_SIGNING_INFO::dwSigningFlags` (wincrypt.h)." {
        CRYPT_NOHASHOID = 1,
        CRYPT_TYPE2_FORMAT = 2,
        CRYPT_X931_FORMAT = 4,
    }
    group "Flag of CryptoAPI (wincrypt.h)." {
        CRYPT_EXPORTABLE = 1,
        CRYPT_USER_PROTECTED = 2,
        CRYPT_NO_SALT = 0x10,
        CRYPT_PREGEN = 0x40,
        CRYPT_ARCHIVABLE = 0x4000,
        CRYPT_FORCE_KEY_PROTECTION_HIGH = 0x8000,
        CRYPT_DECRYPT_RSA_NO_PADDING_CHECK = 0x20,
        CRYPT_OAEP = 0x40,
        CRYPT_SECRETDIGEST = 1,
        CRYPT_IPSEC_HMAC_KEY = 0x100,
        CRYPT_NEWKEYSET = 8,
        CRYPT_DELETEKEYSET = 0x10,
        CRYPT_MACHINE_KEYSET = 0x20,
        CRYPT_SILENT = 0x40,
        CRYPT_DEFAULT_CONTAINER_OPTIONAL = 0x80,
        CRYPT_VERIFYCONTEXT = 0xF000_0000,
        CRYPT_FIRST = 1,
        CRYPT_NEXT = 2,
    }
    group "Provider parameter (wincrypt.h)." {
        PP_CLIENT_HWND = 1,
        PP_ENUMALGS = 1,
        PP_ENUMCONTAINERS = 2,
        PP_IMPTYPE = 3,
        PP_NAME = 4,
        PP_VERSION = 5,
        PP_CONTAINER = 6,
        PP_CONTEXT_INFO = 11,
        PP_KEYEXCHANGE_ALG = 14,
        PP_SIGNATURE_ALG = 15,
        PP_PROVTYPE = 16,
        PP_ENUMALGS_EX = 22,
        PP_ADMIN_PIN = 31,
        PP_KEYEXCHANGE_PIN = 32,
        PP_SIGNATURE_PIN = 33,
        PP_UNIQUE_CONTAINER = 36,
        PP_KEYSPEC = 39,
        PP_USER_CERTSTORE = 42,
        PP_SMARTCARD_READER = 43,
        PP_PIN_PROMPT_STRING = 44,
        PP_SMARTCARD_GUID = 45,
        PP_ROOT_CERTSTORE = 46,
        PP_SECURE_KEYEXCHANGE_PIN = 47,
        PP_SMARTCARD_READER_ICON = 47,
        PP_SECURE_SIGNATURE_PIN = 48,
    }
    group "Provider type (wincrypt.h)." {
        PROV_RSA_FULL = 1,
        PROV_RSA_SIG = 2,
        PROV_RSA_SCHANNEL = 12,
        PROV_RSA_AES = 24,
    }
}

texts! {
    narrow "Name of the smart card provider of CryptoAPI (wincrypt.h)." {
        MS_SCARD_PROV_A = "Microsoft Base Smart Card Crypto Provider",
    }
    wide "Name of the smart card provider of CryptoAPI (wincrypt.h)." {
        MS_SCARD_PROV_W = "Microsoft Base Smart Card Crypto Provider",
    }
}
