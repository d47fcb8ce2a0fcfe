//! Status words, SW1 SW2 of ISO 7816-4 (5.6).

use std::fmt;

/// The two bytes that end every response APDU.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StatusWord(u16);

/// Declares the named status words and the name look-up from one list.
macro_rules! status_words {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $text:literal;)*) => {
        impl StatusWord {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// What the status word says in ISO 7816-4, or `None` for one without a fixed meaning.
            #[must_use]
            pub const fn text(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    0x6100..=0x61FF => Some("more data available"),
                    0x63C0..=0x63CF => Some("verification failed"),
                    0x6C00..=0x6CFF => Some("wrong expected length"),
                    _ => None,
                }
            }
        }
    };
}

status_words! {
    /// Normal processing.
    OK = 0x9000, "success";
    /// The end of the file or record was reached before Le bytes were read.
    END_OF_FILE = 0x6282, "end of file reached";
    /// The selected file is deactivated.
    FILE_DEACTIVATED = 0x6283, "selected file deactivated";
    /// The selected file is in termination state.
    FILE_TERMINATED = 0x6285, "selected file terminated";
    /// Verification failed without a counter in the answer.
    VERIFICATION_FAILED = 0x6300, "verification failed";
    /// Memory failure.
    MEMORY_FAILURE = 0x6581, "memory failure";
    /// Wrong length (Lc, or extended length not taken).
    WRONG_LENGTH = 0x6700, "wrong length";
    /// The logical channel is not supported.
    CHANNEL_NOT_SUPPORTED = 0x6881, "logical channel not supported";
    /// Secure messaging is not supported.
    SECURE_MESSAGING_NOT_SUPPORTED = 0x6882, "secure messaging not supported";
    /// The last command of the chain was expected.
    LAST_OF_CHAIN_EXPECTED = 0x6883, "last command of the chain expected";
    /// Command chaining is not supported.
    CHAINING_NOT_SUPPORTED = 0x6884, "command chaining not supported";
    /// The command is not allowed.
    COMMAND_NOT_ALLOWED = 0x6900, "command not allowed";
    /// The security status is not satisfied.
    SECURITY_STATUS_NOT_SATISFIED = 0x6982, "security status not satisfied";
    /// The authentication method is blocked.
    AUTHENTICATION_BLOCKED = 0x6983, "authentication method blocked";
    /// The reference data is not usable.
    REFERENCE_DATA_NOT_USABLE = 0x6984, "reference data not usable";
    /// The conditions of use are not satisfied.
    CONDITIONS_NOT_SATISFIED = 0x6985, "conditions of use not satisfied";
    /// No current EF.
    NO_CURRENT_EF = 0x6986, "no current EF";
    /// Incorrect parameters in the data field.
    WRONG_DATA = 0x6A80, "incorrect parameters in the command data field";
    /// The function is not supported.
    FUNCTION_NOT_SUPPORTED = 0x6A81, "function not supported";
    /// File or application not found.
    FILE_NOT_FOUND = 0x6A82, "file or application not found";
    /// Record not found.
    RECORD_NOT_FOUND = 0x6A83, "record not found";
    /// Not enough memory in the file.
    NOT_ENOUGH_MEMORY = 0x6A84, "not enough memory space";
    /// Nc is inconsistent with the TLV structure.
    INCONSISTENT_TLV = 0x6A85, "length inconsistent with the TLV structure";
    /// Incorrect P1 P2.
    INCORRECT_P1_P2 = 0x6A86, "incorrect parameters P1 P2";
    /// Nc is inconsistent with P1 P2.
    INCONSISTENT_P1_P2 = 0x6A87, "length inconsistent with P1 P2";
    /// Referenced data not found.
    REFERENCED_DATA_NOT_FOUND = 0x6A88, "referenced data not found";
    /// The file already exists.
    FILE_EXISTS = 0x6A89, "file already exists";
    /// The DF name already exists.
    DF_NAME_EXISTS = 0x6A8A, "DF name already exists";
    /// Wrong P1 P2.
    WRONG_P1_P2 = 0x6B00, "wrong parameters P1 P2";
    /// The instruction is not supported or invalid.
    INSTRUCTION_NOT_SUPPORTED = 0x6D00, "instruction not supported";
    /// The class is not supported.
    CLASS_NOT_SUPPORTED = 0x6E00, "class not supported";
    /// No precise diagnosis.
    NO_DIAGNOSIS = 0x6F00, "no precise diagnosis";
}

impl StatusWord {
    /// The status word with this value (SW1 is the high byte).
    #[must_use]
    pub const fn new(value: u16) -> Self {
        Self(value)
    }

    /// `61xx`: `available` bytes wait for GET RESPONSE; 256 and more are written `6100`.
    #[must_use]
    pub fn more(available: usize) -> Self {
        Self(0x6100 | u16::from(u8::try_from(available).unwrap_or(0)))
    }

    /// `63Cx`: a comparison failed and `left` tries remain (at most 15 can be said).
    #[must_use]
    pub fn tries(left: u8) -> Self {
        Self(0x63C0 | u16::from(left.min(0x0F)))
    }

    /// `6Cxx`: wrong Le; `available` is the right one.
    #[must_use]
    pub const fn wrong_le(available: u8) -> Self {
        Self(0x6C00 | available as u16)
    }

    /// The value, SW1 in the high byte.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// The first byte.
    #[must_use]
    pub const fn sw1(self) -> u8 {
        (self.0 >> 8) as u8
    }

    /// The second byte.
    #[must_use]
    pub const fn sw2(self) -> u8 {
        (self.0 & 0xFF) as u8
    }

    /// SW1 SW2 as they travel.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; 2] {
        self.0.to_be_bytes()
    }

    /// `9000`.
    #[must_use]
    pub const fn is_ok(self) -> bool {
        self.0 == 0x9000
    }

    /// `61xx`: how many bytes GET RESPONSE may ask for (256 stands for "256 or more").
    #[must_use]
    pub const fn more_data(self) -> Option<usize> {
        match self.0 {
            0x6100 => Some(256),
            0x6101..=0x61FF => Some((self.0 & 0xFF) as usize),
            _ => None,
        }
    }

    /// `6Cxx`: the Le the command should have had (256 for `6C00`).
    #[must_use]
    pub const fn correct_le(self) -> Option<usize> {
        match self.0 {
            0x6C00 => Some(256),
            0x6C01..=0x6CFF => Some((self.0 & 0xFF) as usize),
            _ => None,
        }
    }

    /// `63Cx`: the tries left after a failed comparison.
    #[must_use]
    pub const fn retries(self) -> Option<u8> {
        match self.0 {
            0x63C0..=0x63CF => Some((self.0 & 0x0F) as u8),
            _ => None,
        }
    }
}

impl From<u16> for StatusWord {
    fn from(value: u16) -> Self {
        Self(value)
    }
}

impl From<StatusWord> for u16 {
    fn from(status: StatusWord) -> Self {
        status.0
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusWord({:04X})", self.0)
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text() {
            Some(text) => write!(f, "{:04X} ({text})", self.0),
            None => write!(f, "{:04X}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_back() {
        assert_eq!(StatusWord::new(0x63C2).retries(), Some(2));
        assert_eq!(StatusWord::new(0x6302).retries(), None);
        assert_eq!(StatusWord::new(0x6100).more_data(), Some(256));
        assert_eq!(StatusWord::new(0x6113).more_data(), Some(0x13));
        assert_eq!(StatusWord::OK.more_data(), None);
        assert_eq!(StatusWord::new(0x6C00).correct_le(), Some(256));
        assert_eq!(StatusWord::wrong_le(5).correct_le(), Some(5));
        assert_eq!(StatusWord::more(300), StatusWord::new(0x6100));
        assert_eq!(StatusWord::more(12), StatusWord::new(0x610C));
        assert_eq!(StatusWord::tries(200), StatusWord::new(0x63CF));
    }

    #[test]
    fn display_names_the_word() {
        assert_eq!(StatusWord::FILE_NOT_FOUND.to_string(), "6A82 (file or application not found)");
        assert_eq!(StatusWord::new(0x63C1).to_string(), "63C1 (verification failed)");
        assert_eq!(StatusWord::new(0x1234).to_string(), "1234");
        assert_eq!(format!("{:?}", StatusWord::OK), "StatusWord(9000)");
        assert_eq!(StatusWord::OK.to_bytes(), [0x90, 0x00]);
        assert_eq!((StatusWord::OK.sw1(), StatusWord::OK.sw2()), (0x90, 0));
    }
}
