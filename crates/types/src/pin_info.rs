//! What a card says about a PIN: `PIN_INFO` (minidriver specification, section 4.2).

use crate::code::UnknownCode;
use crate::pin_id::PinSet;

/// A role's PIN: its kind, what it is for, who may change and unblock it, how long a host may keep it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PinInfo {
    /// `PinType`: how the role is authenticated.
    pub kind: PinKind,
    /// `PinPurpose`: the text of the prompt, nothing else.
    pub purpose: PinPurpose,
    /// `dwChangePermission`: the roles that may change this PIN.
    pub change: PinSet,
    /// `dwUnblockPermission`: the roles that may unblock this PIN.
    pub unblock: PinSet,
    /// `PinCachePolicy`: how long a host may keep it.
    pub cache: PinCachePolicy,
    /// `PIN_INFO_REQUIRE_SECURE_ENTRY`: to be entered on the secure desktop.
    pub secure_entry: bool,
}

impl PinInfo {
    /// `PIN_INFO_REQUIRE_SECURE_ENTRY`, the one flag of `dwFlags`.
    pub const REQUIRE_SECURE_ENTRY: u32 = 1;

    /// `dwFlags`.
    #[must_use]
    pub const fn flags(&self) -> u32 {
        if self.secure_entry { Self::REQUIRE_SECURE_ENTRY } else { 0 }
    }
}

macro_rules! code_enum {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$vdoc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* $variant = $code,)*
        }

        impl $name {
            /// All of them, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The number of Cardmod.h.
            #[must_use]
            pub const fn code(self) -> u32 {
                self as u32
            }
        }

        impl TryFrom<u32> for $name {
            type Error = UnknownCode;

            fn try_from(code: u32) -> Result<Self, UnknownCode> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(UnknownCode::new($what, code)),
                }
            }
        }
    };
}
pub(crate) use code_enum;

code_enum! {
    /// `SECRET_TYPE`: how a role is authenticated.
    PinKind, "PIN type" {
        /// `AlphaNumericPinType`: the host asks for it and passes it on.
        AlphaNumeric = 0,
        /// `ExternalPinType`: entered outside the host, at a keypad or sensor.
        External = 1,
        /// `ChallengeResponsePinType`: the answer to a challenge of the card.
        ChallengeResponse = 2,
        /// `EmptyPinType`: none; the operation is just tried.
        Empty = 3,
    }
}

code_enum! {
    /// `SECRET_PURPOSE`: what the prompt says.
    PinPurpose, "PIN purpose" {
        /// `AuthenticationPin`.
        Authentication = 0,
        /// `DigitalSignaturePin`.
        DigitalSignature = 1,
        /// `EncryptionPin`.
        Encryption = 2,
        /// `NonRepudiationPin`.
        NonRepudiation = 3,
        /// `AdministratorPin`.
        Administrator = 4,
        /// `PrimaryCardPin`.
        PrimaryCard = 5,
        /// `UnblockOnlyPin`: a PUK.
        UnblockOnly = 6,
    }
}

/// `PIN_CACHE_POLICY`: how long a host may keep a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinCachePolicy {
    /// `PinCacheNormal`: for the process.
    Normal,
    /// `PinCacheTimed`: for this many seconds.
    Timed(u32),
    /// `PinCacheNone`: not beyond the transaction.
    None,
    /// `PinCacheAlwaysPrompt`: asked for and verified before every operation.
    AlwaysPrompt,
}

impl PinCachePolicy {
    /// `PinCachePolicyType` and `dwPinCachePolicyInfo` (the seconds, 0 where there are none).
    #[must_use]
    pub const fn codes(self) -> (u32, u32) {
        match self {
            Self::Normal => (0, 0),
            Self::Timed(seconds) => (1, seconds),
            Self::None => (2, 0),
            Self::AlwaysPrompt => (3, 0),
        }
    }

    /// Reads `PinCachePolicyType` and `dwPinCachePolicyInfo`.
    ///
    /// # Errors
    /// [`UnknownCode`] for a type the specification has not.
    pub const fn from_codes(policy: u32, seconds: u32) -> Result<Self, UnknownCode> {
        match policy {
            0 => Ok(Self::Normal),
            1 => Ok(Self::Timed(seconds)),
            2 => Ok(Self::None),
            3 => Ok(Self::AlwaysPrompt),
            _ => Err(UnknownCode::new("PIN cache policy", policy)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_header() {
        assert_eq!(PinKind::ALL.iter().map(|kind| kind.code()).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(PinPurpose::ALL.len(), 7);
        for purpose in PinPurpose::ALL {
            assert_eq!(PinPurpose::try_from(purpose.code()), Ok(*purpose));
        }
        assert_eq!(PinKind::try_from(4).unwrap_err().to_string(), "0x4 is not a valid PIN type");
        assert!(PinPurpose::try_from(7).is_err());
    }

    #[test]
    fn policies_keep_their_seconds() {
        for policy in [
            PinCachePolicy::Normal,
            PinCachePolicy::Timed(60),
            PinCachePolicy::None,
            PinCachePolicy::AlwaysPrompt,
        ] {
            let (kind, seconds) = policy.codes();
            assert_eq!(PinCachePolicy::from_codes(kind, seconds), Ok(policy));
        }
        assert_eq!(PinCachePolicy::from_codes(4, 0).unwrap_err().code, 4);
        assert_eq!(PinCachePolicy::from_codes(0, 7), Ok(PinCachePolicy::Normal));
    }
}
