//! msclmd.h: what Windows' own class module adds for PIV cards.

use crate::scalars::*;

structures! {
    /// Property "PIV Certificate".
    struct CLMD_PIV_CERT_DATA, PCLMD_PIV_CERT_DATA {
        /// `CLMD_PIV_CERT_DATA_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// The certificate's object (`CLMD_FILE_TAG_…`).
        dwCertTag: DWORD,
        /// The certificate.
        pbCert: PBYTE,
        /// Its length in bytes.
        cbCert: DWORD,
    }

    /// Property "PIV Generate Key".
    struct CLMD_PIV_GENERATE_ASYMMETRIC_KEY, PCLMD_PIV_GENERATE_ASYMMETRIC_KEY {
        /// `CLMD_PIV_GENERATE_ASYMMETRIC_KEY_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// Algorithm reference of SP 800-78.
        bAlgorithmId: BYTE,
        /// Key reference of SP 800-73.
        bKeyId: BYTE,
        /// The public key.
        pbKey: PBYTE,
        /// Its length in bytes.
        cbKey: DWORD,
    }

    /// Property "PIV Public Key".
    struct CLMD_PIV_PUBLIC_KEY_DATA, PCLMD_PIV_PUBLIC_KEY_DATA {
        /// `CLMD_PIV_PUBLIC_KEY_DATA_CURRENT_VERSION`.
        dwVersion: DWORD,
        /// Key reference of SP 800-73.
        bKeyId: BYTE,
        /// The public key.
        pbPublicKey: PBYTE,
        /// Its length in bytes.
        cbPublicKey: DWORD,
    }
}

numbers! {
    group "A role of the inbox class module on PIV cards." {
        /// The PIN asked before every signature with key 9C.
        ROLE_PIN_ALWAYS = 3,
        /// The PUK, which only unblocks.
        ROLE_PUK = 4,
    }
    group "Version of a structure of msclmd.h." {
        CLMD_PIV_CERT_DATA_CURRENT_VERSION = 0,
        CLMD_PIV_GENERATE_ASYMMETRIC_KEY_CURRENT_VERSION = 0,
        CLMD_PIV_PUBLIC_KEY_DATA_CURRENT_VERSION = 0,
    }
    group "Tag of a PIV data object (SP 800-73-4 part 1, table 3)." {
        CLMD_FILE_TAG_PIV_AUTH_CERT = 0x5FC105,
        CLMD_FILE_TAG_SIG_CERT = 0x5FC10A,
        CLMD_FILE_TAG_KEY_MGMT_CERT = 0x5FC10B,
        CLMD_FILE_TAG_CARD_AUTH_CERT = 0x5FC101,
        CLMD_FILE_TAG_CHUID = 0x5FC102,
        CLMD_FILE_TAG_CARD_CAPABILITY_CONTAINER = 0x5FC107,
        CLMD_FILE_TAG_UNSIGNED_CHUID = 0x5FC104,
        CLMD_FILE_TAG_FINGERPRINT = 0x5FC103,
        CLMD_FILE_TAG_SECURITY_OBJECT = 0x5FC106,
        CLMD_FILE_TAG_FACIAL_IMAGE = 0x5FC108,
        CLMD_FILE_TAG_PRINTED_INFORMATION = 0x5FC109,
        CLMD_FILE_TAG_KEY_HISTORY = 0x5FC10C,
        CLMD_FILE_TAG_FIRST_RETIRED_KEY_MGMT_KEY = 0x5FC10D,
        CLMD_FILE_TAG_LAST_RETIRED_KEY_MGMT_KEY = 0x5FC120,
    }
}

texts! {
    wide "Property of the inbox class module on PIV cards." {
        CP_CARD_PIV = "PIV Card",
        CP_PIV_CARD_CAPABILITY_CONTAINER = "PIV CCC",
        CP_PIV_CARD_HOLDER_UNIQUE_IDENTIFIER = "PIV CHUID",
        CP_PIV_CARD_HOLDER_UNSIGNED_UNIQUE_IDENTIFIER = "PIV UCHUID",
        CP_PIV_FINGERPRINT = "PIV Fingerprint",
        CP_PIV_SECURITY_OBJECT = "PIV Security Object",
        CP_PIV_FACIAL_IMAGE = "PIV Facial Image",
        CP_PIV_PRINTED_INFORMATION = "PIV Printed Information",
        CP_PIV_GENERATE_KEY = "PIV Generate Key",
        CP_PIV_CERTIFICATE = "PIV Certificate",
        CP_PIV_PUBLIC_KEY = "PIV Public Key",
        CP_PIV_KEY_HISTORY_OBJECT = "PIV Key History Object",
    }
}
