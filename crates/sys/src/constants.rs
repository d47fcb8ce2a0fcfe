//! The numbers of Cardmod.h.

numbers! {
    group "Provider number of a card type's module (`SCardGetCardTypeProviderName`)." {
        SCARD_PROVIDER_CARD_MODULE = 0x8000_0001,
    }
    group "A quantity the card cannot tell." {
        CARD_DATA_VALUE_UNKNOWN = 0xFFFF_FFFF,
    }
    group "Version of the interface, in `CARD_DATA::dwVersion`." {
        CARD_DATA_VERSION_FOUR = 4,
        CARD_DATA_VERSION_FIVE = 5,
        CARD_DATA_VERSION_SIX = 6,
        CARD_DATA_VERSION_SEVEN = 7,
        CARD_DATA_CURRENT_VERSION = CARD_DATA_VERSION_SEVEN,
    }
    group "Flag of `CardAcquireContext`: no card, only secure key injection on the server." {
        CARD_SECURE_KEY_INJECTION_NO_CARD_MODE = 1,
    }
    group "Key spec of an elliptic curve key; ECDSA keys sign, ECDHE keys agree." {
        AT_ECDSA_P256 = 3,
        AT_ECDSA_P384 = 4,
        AT_ECDSA_P521 = 5,
        AT_ECDHE_P256 = 6,
        AT_ECDHE_P384 = 7,
        AT_ECDHE_P521 = 8,
    }
    group "Version of the file `cardcf`." {
        CARD_CACHE_FILE_CURRENT_VERSION = 1,
    }
    group "Longest container name, in UTF-16 units without the terminator." {
        MAX_CONTAINER_NAME_LEN = 39,
    }
    group "Flag of a container map record." {
        CONTAINER_MAP_VALID_CONTAINER = 1,
        CONTAINER_MAP_DEFAULT_CONTAINER = 2,
    }
    group "Version of a structure." {
        CARD_CAPABILITIES_CURRENT_VERSION = 1,
        CONTAINER_INFO_CURRENT_VERSION = 1,
        CARD_FILE_INFO_CURRENT_VERSION = 1,
        CARD_FREE_SPACE_INFO_CURRENT_VERSION = 1,
        CARD_KEY_SIZES_CURRENT_VERSION = 1,
        PIN_CACHE_POLICY_CURRENT_VERSION = 6,
        PIN_INFO_CURRENT_VERSION = 6,
        CARD_RSA_KEY_DECRYPT_INFO_VERSION_ONE = 1,
        CARD_RSA_KEY_DECRYPT_INFO_VERSION_TWO = 2,
        CARD_RSA_KEY_DECRYPT_INFO_CURRENT_VERSION = CARD_RSA_KEY_DECRYPT_INFO_VERSION_TWO,
        CARD_SIGNING_INFO_BASIC_VERSION = 1,
        CARD_SIGNING_INFO_CURRENT_VERSION = 2,
        CARD_DH_AGREEMENT_INFO_VERSION = 2,
        CARD_DERIVE_KEY_VERSION = 1,
        CARD_DERIVE_KEY_VERSION_TWO = 2,
        CARD_DERIVE_KEY_CURRENT_VERSION = CARD_DERIVE_KEY_VERSION_TWO,
        CARD_IMPORT_KEYPAIR_VERSION_SEVEN = 7,
        CARD_IMPORT_KEYPAIR_CURRENT_VERSION = CARD_IMPORT_KEYPAIR_VERSION_SEVEN,
        CARD_CHANGE_AUTHENTICATOR_VERSION_SEVEN = 7,
        CARD_CHANGE_AUTHENTICATOR_CURRENT_VERSION = CARD_CHANGE_AUTHENTICATOR_VERSION_SEVEN,
        CARD_CHANGE_AUTHENTICATOR_RESPONSE_VERSION_SEVEN = 7,
        CARD_CHANGE_AUTHENTICATOR_RESPONSE_CURRENT_VERSION = CARD_CHANGE_AUTHENTICATOR_RESPONSE_VERSION_SEVEN,
        CARD_AUTHENTICATE_VERSION_SEVEN = 7,
        CARD_AUTHENTICATE_CURRENT_VERSION = CARD_AUTHENTICATE_VERSION_SEVEN,
        CARD_AUTHENTICATE_RESPONSE_VERSION_SEVEN = 7,
        CARD_AUTHENTICATE_RESPONSE_CURRENT_VERSION = CARD_AUTHENTICATE_RESPONSE_VERSION_SEVEN,
    }
    group "Number of roles a card may have." {
        MAX_PINS = 8,
    }
    group "A role (`PIN_ID`)." {
        ROLE_EVERYONE = 0,
        ROLE_USER = 1,
        ROLE_ADMIN = 2,
    }
    group "A set of roles (`PIN_SET`)." {
        PIN_SET_NONE = 0,
        PIN_SET_ALL_ROLES = 0xFF,
    }
    group "Flag of `CardChangeAuthenticatorEx`." {
        PIN_CHANGE_FLAG_UNBLOCK = 1,
        PIN_CHANGE_FLAG_CHANGEPIN = 2,
    }
    group "Flag of `CardUnblockPin` and `CardChangeAuthenticator`: what authenticates." {
        CARD_AUTHENTICATE_PIN_CHALLENGE_RESPONSE = 1,
        CARD_AUTHENTICATE_PIN_PIN = 2,
    }
    group "Flag of `CardAuthenticateEx`." {
        CARD_AUTHENTICATE_GENERATE_SESSION_PIN = 0x1000_0000,
        CARD_AUTHENTICATE_SESSION_PIN = 0x2000_0000,
        CARD_PIN_SILENT_CONTEXT = 0x40,
    }
    group "Bit of the properties \"PIN Strength …\"." {
        CARD_PIN_STRENGTH_PLAINTEXT = 1,
        CARD_PIN_STRENGTH_SESSION_PIN = 2,
    }
    group "Flag of `PIN_INFO`: entry on the secure desktop wanted." {
        PIN_INFO_REQUIRE_SECURE_ENTRY = 1,
    }
    group "Value of the property \"Cache Mode\"." {
        CP_CACHE_MODE_GLOBAL_CACHE = 1,
        CP_CACHE_MODE_SESSION_ONLY = 2,
        CP_CACHE_MODE_NO_CACHE = 3,
    }
    group "Flag of `CardCreateContainer`; exactly one." {
        CARD_CREATE_CONTAINER_KEY_GEN = 1,
        CARD_CREATE_CONTAINER_KEY_IMPORT = 2,
    }
    group "Flag of signing, decryption and derivation." {
        CARD_PADDING_INFO_PRESENT = 0x4000_0000,
        CARD_BUFFER_SIZE_ONLY = 0x2000_0000,
        CARD_RETURN_KEY_HANDLE = 0x0100_0000,
    }
    group "RSA padding. PSS and OAEP are swapped against CNG's `BCRYPT_PAD_…`: translate, never cast." {
        CARD_PADDING_NONE = 1,
        CARD_PADDING_PKCS1 = 2,
        CARD_PADDING_PSS = 4,
        CARD_PADDING_OAEP = 8,
    }
    group "Symmetric padding (PKCS#5)." {
        CARD_BLOCK_PADDING = 1,
    }
    group "Bit of the property \"Key Import Support\"." {
        CARD_KEY_IMPORT_PLAIN_TEXT = 1,
        CARD_KEY_IMPORT_RSA_KEYEST = 2,
        CARD_KEY_IMPORT_ECC_KEYEST = 4,
        CARD_KEY_IMPORT_SHARED_SYMMETRIC = 8,
    }
    group "Selector of the properties \"Algorithms\" and \"Padding Schemes\"." {
        CARD_CIPHER_OPERATION = 1,
        CARD_ASYMMETRIC_OPERATION = 2,
    }
    group "`CARD_DIRECTORY_ACCESS_CONDITION`: who creates and deletes." {
        InvalidDirAc = 0,
        UserCreateDeleteDirAc = 1,
        AdminCreateDeleteDirAc = 2,
    }
    group "`CARD_FILE_ACCESS_CONDITION`: who reads and writes." {
        InvalidAc = 0,
        EveryoneReadUserWriteAc = 1,
        UserWriteExecuteAc = 2,
        EveryoneReadAdminWriteAc = 3,
        UnknownAc = 4,
        UserReadWriteAc = 5,
        AdminReadWriteAc = 6,
    }
    group "`SECRET_TYPE`: how a PIN is entered." {
        AlphaNumericPinType = 0,
        ExternalPinType = 1,
        ChallengeResponsePinType = 2,
        EmptyPinType = 3,
    }
    group "`SECRET_PURPOSE`: what a PIN is for." {
        AuthenticationPin = 0,
        DigitalSignaturePin = 1,
        EncryptionPin = 2,
        NonRepudiationPin = 3,
        AdministratorPin = 4,
        PrimaryCardPin = 5,
        UnblockOnlyPin = 6,
    }
    group "`PIN_CACHE_POLICY_TYPE`: how long a host may keep a PIN." {
        PinCacheNormal = 0,
        PinCacheTimed = 1,
        PinCacheNone = 2,
        PinCacheAlwaysPrompt = 3,
    }
}

/// The set of one role (`CREATE_PIN_SET`).
#[must_use]
pub const fn CREATE_PIN_SET(PinId: crate::PIN_ID) -> crate::PIN_SET {
    1u32.wrapping_shl(PinId)
}

/// Adds a role to a set (`SET_PIN`).
pub const fn SET_PIN(PinSet: &mut crate::PIN_SET, PinId: crate::PIN_ID) {
    *PinSet |= CREATE_PIN_SET(PinId);
}

/// Whether a role is in a set (`IS_PIN_SET`).
#[must_use]
pub const fn IS_PIN_SET(PinSet: crate::PIN_SET, PinId: crate::PIN_ID) -> bool {
    PinSet & CREATE_PIN_SET(PinId) != 0
}

/// Takes a role out of a set (`CLEAR_PIN`).
pub const fn CLEAR_PIN(PinSet: &mut crate::PIN_SET, PinId: crate::PIN_ID) {
    *PinSet &= !CREATE_PIN_SET(PinId);
}
