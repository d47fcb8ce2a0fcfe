//! The values of the PC/SC interface, by name and with Windows' numbers.
//!
//! Source of the numbers: Winscard.h and Winsmcrd.h of the Windows SDK; PC/SC 2 part 5 and part 10. Where
//! pcsc-lite counts differently, this crate translates; nothing else in the project knows.

macro_rules! return_codes {
    ($($name:ident = $value:literal, $text:literal;)*) => {
        $(#[doc = $text] pub const $name: u32 = $value;)*

        /// The name of a PC/SC return code, as `SCARD_E_NO_SMARTCARD`.
        #[must_use]
        pub fn code_name(code: u32) -> Option<&'static str> {
            match code { $($value => Some(stringify!($name)),)* _ => None }
        }

        /// What a PC/SC return code means, in one clause.
        #[must_use]
        pub fn code_text(code: u32) -> Option<&'static str> {
            match code { $($value => Some($text),)* _ => None }
        }
    };
}

return_codes! {
    SCARD_S_SUCCESS = 0x0000_0000, "success";
    SCARD_F_INTERNAL_ERROR = 0x8010_0001, "the resource manager found itself inconsistent";
    SCARD_E_CANCELLED = 0x8010_0002, "cancelled by the application";
    SCARD_E_INVALID_HANDLE = 0x8010_0003, "the handle is not valid";
    SCARD_E_INVALID_PARAMETER = 0x8010_0004, "a parameter is not valid";
    SCARD_E_INVALID_TARGET = 0x8010_0005, "the start-up information is missing or not valid";
    SCARD_E_NO_MEMORY = 0x8010_0006, "out of memory";
    SCARD_F_WAITED_TOO_LONG = 0x8010_0007, "an internal timer ran out";
    SCARD_E_INSUFFICIENT_BUFFER = 0x8010_0008, "the buffer is too small";
    SCARD_E_UNKNOWN_READER = 0x8010_0009, "no reader has this name";
    SCARD_E_TIMEOUT = 0x8010_000A, "the time allowed is over";
    SCARD_E_SHARING_VIOLATION = 0x8010_000B, "the card is in use by another connection";
    SCARD_E_NO_SMARTCARD = 0x8010_000C, "there is no card in the reader";
    SCARD_E_UNKNOWN_CARD = 0x8010_000D, "no card has this name";
    SCARD_E_CANT_DISPOSE = 0x8010_000E, "the card cannot be left in the requested manner";
    SCARD_E_PROTO_MISMATCH = 0x8010_000F, "the card does not speak the requested protocol";
    SCARD_E_NOT_READY = 0x8010_0010, "the reader or the card is not ready";
    SCARD_E_INVALID_VALUE = 0x8010_0011, "a parameter has a value that is not valid";
    SCARD_E_SYSTEM_CANCELLED = 0x8010_0012, "cancelled by the system";
    SCARD_F_COMM_ERROR = 0x8010_0013, "internal communication failed";
    SCARD_F_UNKNOWN_ERROR = 0x8010_0014, "an unknown internal error";
    SCARD_E_INVALID_ATR = 0x8010_0015, "the answer to reset is not valid";
    SCARD_E_NOT_TRANSACTED = 0x8010_0016, "there is no transaction to end, or it was broken";
    SCARD_E_READER_UNAVAILABLE = 0x8010_0017, "the reader is not available";
    SCARD_P_SHUTDOWN = 0x8010_0018, "given up so that the server can exit";
    SCARD_E_PCI_TOO_SMALL = 0x8010_0019, "the protocol control buffer is too small";
    SCARD_E_READER_UNSUPPORTED = 0x8010_001A, "the reader is not supported";
    SCARD_E_DUPLICATE_READER = 0x8010_001B, "the reader's name is taken";
    SCARD_E_CARD_UNSUPPORTED = 0x8010_001C, "the card is not supported";
    SCARD_E_NO_SERVICE = 0x8010_001D, "the resource manager is not running";
    SCARD_E_SERVICE_STOPPED = 0x8010_001E, "the resource manager has stopped";
    SCARD_E_UNEXPECTED = 0x8010_001F, "an unexpected error";
    SCARD_E_ICC_INSTALLATION = 0x8010_0020, "the card has no primary provider";
    SCARD_E_ICC_CREATEORDER = 0x8010_0021, "this order of creation is not supported";
    SCARD_E_UNSUPPORTED_FEATURE = 0x8010_0022, "the feature is not supported";
    SCARD_E_DIR_NOT_FOUND = 0x8010_0023, "the directory does not exist on the card";
    SCARD_E_FILE_NOT_FOUND = 0x8010_0024, "the file does not exist on the card";
    SCARD_E_NO_DIR = 0x8010_0025, "the path does not name a directory";
    SCARD_E_NO_FILE = 0x8010_0026, "the path does not name a file";
    SCARD_E_NO_ACCESS = 0x8010_0027, "access denied";
    SCARD_E_WRITE_TOO_MANY = 0x8010_0028, "the card is full";
    SCARD_E_BAD_SEEK = 0x8010_0029, "the file position could not be set";
    SCARD_E_INVALID_CHV = 0x8010_002A, "the PIN is not valid";
    SCARD_E_UNKNOWN_RES_MNG = 0x8010_002B, "a layer below answered an unknown error";
    SCARD_E_NO_SUCH_CERTIFICATE = 0x8010_002C, "the certificate does not exist";
    SCARD_E_CERTIFICATE_UNAVAILABLE = 0x8010_002D, "the certificate could not be read";
    SCARD_E_NO_READERS_AVAILABLE = 0x8010_002E, "there is no reader";
    SCARD_E_COMM_DATA_LOST = 0x8010_002F, "data was lost between reader and card";
    SCARD_E_NO_KEY_CONTAINER = 0x8010_0030, "the key container does not exist";
    SCARD_E_SERVER_TOO_BUSY = 0x8010_0031, "the resource manager is too busy";
    SCARD_W_UNSUPPORTED_CARD = 0x8010_0065, "the reader cannot talk to this card";
    SCARD_W_UNRESPONSIVE_CARD = 0x8010_0066, "the card does not answer a reset";
    SCARD_W_UNPOWERED_CARD = 0x8010_0067, "the card has no power";
    SCARD_W_RESET_CARD = 0x8010_0068, "the card was reset by somebody else";
    SCARD_W_REMOVED_CARD = 0x8010_0069, "the card was removed";
    SCARD_W_SECURITY_VIOLATION = 0x8010_006A, "access denied for a security reason";
    SCARD_W_WRONG_CHV = 0x8010_006B, "the PIN is wrong";
    SCARD_W_CHV_BLOCKED = 0x8010_006C, "the PIN is blocked";
    SCARD_W_EOF = 0x8010_006D, "the end of the file is reached";
    SCARD_W_CANCELLED_BY_USER = 0x8010_006E, "cancelled by the user";
    SCARD_W_CARD_NOT_AUTHENTICATED = 0x8010_006F, "no PIN was presented";
    SCARD_W_CACHE_ITEM_NOT_FOUND = 0x8010_0070, "the item is not in the cache";
    SCARD_W_CACHE_ITEM_STALE = 0x8010_0071, "the item in the cache is too old";
    SCARD_W_CACHE_ITEM_TOO_BIG = 0x8010_0072, "the item is too big for the cache";
}

macro_rules! values {
    ($($name:ident = $value:literal, $text:literal;)*) => { $(#[doc = $text] pub const $name: u32 = $value;)* };
}

values! {
    SCARD_SCOPE_USER = 0, "the context works in the user's domain";
    SCARD_SCOPE_TERMINAL = 1, "the context works in the terminal's domain (refused by nobody, used by nobody)";
    SCARD_SCOPE_SYSTEM = 2, "the context works in the system's domain";

    SCARD_SHARE_EXCLUSIVE = 1, "no other connection to the card may exist";
    SCARD_SHARE_SHARED = 2, "others may connect too";
    SCARD_SHARE_DIRECT = 3, "a connection to the reader, with or without a card";

    SCARD_LEAVE_CARD = 0, "leave the card as it is";
    SCARD_RESET_CARD = 1, "reset the card";
    SCARD_UNPOWER_CARD = 2, "power the card down";
    SCARD_EJECT_CARD = 3, "eject the card";

    SCARD_PROTOCOL_UNDEFINED = 0, "no protocol is active";
    SCARD_PROTOCOL_T0 = 1, "T=0";
    SCARD_PROTOCOL_T1 = 2, "T=1";
    SCARD_PROTOCOL_RAW = 0x0001_0000, "the reader's own protocol (4 with pcsc-lite)";

    SCARD_UNKNOWN = 0, "state of a reader: unknown (Windows' number; pcsc-lite has bits)";
    SCARD_ABSENT = 1, "state of a reader: no card (Windows' number)";
    SCARD_PRESENT = 2, "state of a reader: card present, not in position (Windows' number)";
    SCARD_SWALLOWED = 3, "state of a reader: card in position, not powered (Windows' number)";
    SCARD_POWERED = 4, "state of a reader: card powered (Windows' number)";
    SCARD_NEGOTIABLE = 5, "state of a reader: card reset, protocol open (Windows' number)";
    SCARD_SPECIFIC = 6, "state of a reader: protocol set (Windows' number)";

    SCARD_STATE_UNAWARE = 0x0000, "the caller does not know; answer at once";
    SCARD_STATE_IGNORE = 0x0001, "the caller does not care about this reader";
    SCARD_STATE_CHANGED = 0x0002, "the state differs from what the caller believed";
    SCARD_STATE_UNKNOWN = 0x0004, "no such reader";
    SCARD_STATE_UNAVAILABLE = 0x0008, "the reader's state cannot be told";
    SCARD_STATE_EMPTY = 0x0010, "no card in the reader";
    SCARD_STATE_PRESENT = 0x0020, "a card is in the reader";
    SCARD_STATE_ATRMATCH = 0x0040, "the card's ATR is one that was asked for";
    SCARD_STATE_EXCLUSIVE = 0x0080, "a connection has the card for itself";
    SCARD_STATE_INUSE = 0x0100, "there are connections to the card";
    SCARD_STATE_MUTE = 0x0200, "the card does not answer";
    SCARD_STATE_UNPOWERED = 0x0400, "the card has no power";

    INFINITE = 0xFFFF_FFFF, "wait without end";

    SCARD_ATTR_VENDOR_NAME = 0x0001_0100, "attribute: vendor's name";
    SCARD_ATTR_VENDOR_IFD_TYPE = 0x0001_0101, "attribute: the reader's model";
    SCARD_ATTR_VENDOR_IFD_VERSION = 0x0001_0102, "attribute: the reader's version, 0xMMmmbbbb";
    SCARD_ATTR_VENDOR_IFD_SERIAL_NO = 0x0001_0103, "attribute: the reader's serial number";
    SCARD_ATTR_CHANNEL_ID = 0x0002_0110, "attribute: channel type and number, 0xDDDDCCCC";
    SCARD_ATTR_ASYNC_PROTOCOL_TYPES = 0x0003_0120, "attribute: asynchronous protocols the reader speaks";
    SCARD_ATTR_DEFAULT_CLK = 0x0003_0121, "attribute: default clock in kHz";
    SCARD_ATTR_MAX_CLK = 0x0003_0122, "attribute: highest clock in kHz";
    SCARD_ATTR_DEFAULT_DATA_RATE = 0x0003_0123, "attribute: default data rate in bits per second";
    SCARD_ATTR_MAX_DATA_RATE = 0x0003_0124, "attribute: highest data rate in bits per second";
    SCARD_ATTR_MAX_IFSD = 0x0003_0125, "attribute: largest information field the reader takes";
    SCARD_ATTR_POWER_MGMT_SUPPORT = 0x0004_0131, "attribute: not zero where the reader can power a card down";
    SCARD_ATTR_CHARACTERISTICS = 0x0006_0150, "attribute: mechanical characteristics";
    SCARD_ATTR_CURRENT_PROTOCOL_TYPE = 0x0008_0201, "attribute: the active protocol";
    SCARD_ATTR_ICC_PRESENCE = 0x0009_0300, "attribute: 0 no card, 1 not in position, 2 in position";
    SCARD_ATTR_ICC_INTERFACE_STATUS = 0x0009_0301, "attribute: not zero where the contacts have power";
    SCARD_ATTR_ATR_STRING = 0x0009_0303, "attribute: the card's answer to reset";
    SCARD_ATTR_ICC_TYPE_PER_ATR = 0x0009_0304, "attribute: the card's type by its ATR";
    SCARD_ATTR_MAXINPUT = 0x0007_A007, "attribute: longest command the reader takes";
    SCARD_ATTR_DEVICE_UNIT = 0x7FFF_0001, "attribute: number among readers of this kind";
    SCARD_ATTR_DEVICE_IN_USE = 0x7FFF_0002, "attribute: reserved";
    SCARD_ATTR_DEVICE_FRIENDLY_NAME_A = 0x7FFF_0003, "attribute: display name in bytes";
    SCARD_ATTR_DEVICE_SYSTEM_NAME_A = 0x7FFF_0004, "attribute: system name in bytes";
    SCARD_ATTR_DEVICE_FRIENDLY_NAME_W = 0x7FFF_0005, "attribute: display name in UTF-16";
    SCARD_ATTR_DEVICE_SYSTEM_NAME_W = 0x7FFF_0006, "attribute: system name in UTF-16";

    CM_IOCTL_GET_FEATURE_REQUEST = 3400, "function number of the control code that lists a reader's features";
    FEATURE_VERIFY_PIN_START = 0x01, "feature: PIN entry at the reader begins";
    FEATURE_VERIFY_PIN_FINISH = 0x02, "feature: PIN entry at the reader ends";
    FEATURE_MODIFY_PIN_START = 0x03, "feature: PIN change at the reader begins";
    FEATURE_MODIFY_PIN_FINISH = 0x04, "feature: PIN change at the reader ends";
    FEATURE_GET_KEY_PRESSED = 0x05, "feature: the key pressed since PIN entry began";
    FEATURE_VERIFY_PIN_DIRECT = 0x06, "feature: PIN entry at the reader";
    FEATURE_MODIFY_PIN_DIRECT = 0x07, "feature: PIN change at the reader";
    FEATURE_IFD_PIN_PROPERTIES = 0x0A, "feature: properties of PIN entry";
    FEATURE_ABORT = 0x0B, "feature: ends PIN entry";
    FEATURE_GET_TLV_PROPERTIES = 0x12, "feature: the reader's properties in TLV";
    FEATURE_CCID_ESC_COMMAND = 0x13, "feature: commands of the reader's maker (CCID escape)";
}

/// Name under which `SCardGetStatusChange` reports readers that come and go.
pub const PNP_NOTIFICATION: &str = r"\\?PnP?\Notification";

/// Longest ATR (ISO 7816-3 8.2).
pub const MAX_ATR_LEN: usize = 33;

/// Longest response: 65,536 bytes and the status word (ISO 7816-4 5.1).
pub const MAX_RESPONSE_LEN: usize = 65_536 + 2;
