//! The names of Cardmod.h: directories, files, users, properties, algorithms, secure functions.

texts! {
    narrow "Directory of the card's file system." {
        szBASE_CSP_DIR = "mscp",
        szINTERMEDIATE_CERTS_DIR = "mscerts",
    }
    narrow "File of the card's file system." {
        szCACHE_FILE = "cardcf",
        szCARD_IDENTIFIER_FILE = "cardid",
        szCONTAINER_MAP_FILE = "cmapfile",
        szROOT_STORE_FILE = "msroots",
    }
    narrow "Beginning of a file's name, followed by the container's index." {
        szUSER_SIGNATURE_CERT_PREFIX = "ksc",
        szUSER_KEYEXCHANGE_CERT_PREFIX = "kxc",
        szUSER_SIGNATURE_PRIVATE_KEY_PREFIX = "kss",
        szUSER_SIGNATURE_PUBLIC_KEY_PREFIX = "ksp",
        szUSER_KEYEXCHANGE_PRIVATE_KEY_PREFIX = "kxs",
        szUSER_KEYEXCHANGE_PUBLIC_KEY_PREFIX = "kxp",
    }
    wide "A principal, for the functions that take a name." {
        wszCARD_USER_EVERYONE = "anonymous",
        wszCARD_USER_USER = "user",
        wszCARD_USER_ADMIN = "admin",
    }
    wide "Property of a container." {
        CCP_CONTAINER_INFO = "Container Info",
        CCP_PIN_IDENTIFIER = "PIN Identifier",
        CCP_ASSOCIATED_ECDH_KEY = "Associated ECDH Key",
    }
    wide "Property of a card." {
        CP_CARD_FREE_SPACE = "Free Space",
        CP_CARD_CAPABILITIES = "Capabilities",
        CP_CARD_KEYSIZES = "Key Sizes",
        CP_CARD_READ_ONLY = "Read Only Mode",
        CP_CARD_CACHE_MODE = "Cache Mode",
        CP_SUPPORTS_WIN_X509_ENROLLMENT = "Supports Windows x.509 Enrollment",
        CP_CARD_GUID = "Card Identifier",
        CP_CARD_SERIAL_NO = "Card Serial Number",
        CP_CARD_PIN_INFO = "PIN Information",
        CP_CARD_LIST_PINS = "PIN List",
        CP_CARD_AUTHENTICATED_STATE = "Authenticated State",
        CP_CARD_PIN_STRENGTH_VERIFY = "PIN Strength Verify",
        CP_CARD_PIN_STRENGTH_CHANGE = "PIN Strength Change",
        CP_CARD_PIN_STRENGTH_UNBLOCK = "PIN Strength Unblock",
        CP_PARENT_WINDOW = "Parent Window",
        CP_PIN_CONTEXT_STRING = "PIN Context String",
        CP_KEY_IMPORT_SUPPORT = "Key Import Support",
        CP_ENUM_ALGORITHMS = "Algorithms",
        CP_PADDING_SCHEMES = "Padding Schemes",
        CP_CHAINING_MODES = "Chaining Modes",
    }
    wide "Symmetric algorithm of secure key injection." {
        CARD_3DES_112_ALGORITHM = "3DES_112",
        CARD_3DES_ALGORITHM = "3DES",
        CARD_AES_ALGORITHM = "AES",
    }
    wide "Chaining mode of secure key injection." {
        CARD_CHAIN_MODE_CBC = "ChainingModeCBC",
    }
    wide "Secure function of secure key injection." {
        CSF_IMPORT_KEYPAIR = "Import Key Pair",
        CSF_CHANGE_AUTHENTICATOR = "Change Authenticator",
        CSF_AUTHENTICATE = "Authenticate",
    }
    wide "Property of a symmetric key." {
        CKP_CHAINING_MODE = "ChainingMode",
        CKP_INITIALIZATION_VECTOR = "IV",
        CKP_BLOCK_LENGTH = "BlockLength",
    }
}
