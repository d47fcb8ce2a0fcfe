//! When a key asks for PIN and touch: extensions of Yubico, understood by compatible tokens (key
//! generation and import, tags AA and AB; GET METADATA, tag 02).

use std::fmt;
use std::str::FromStr;

/// A text that names no policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownPolicy {
    /// Of the PIN.
    #[error("a PIN policy is default, never, once, always, match-once or match-always")]
    Pin,
    /// Of the touch.
    #[error("a touch policy is default, never, always or cached")]
    Touch,
}

/// When the card wants the PIN before it uses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PinPolicy {
    /// As the slot has it: always for 9C, never for 9E, once for the others.
    Default,
    /// Never.
    Never,
    /// Once in a session.
    Once,
    /// Directly before each use.
    Always,
    /// A fingerprint or the PIN, once in a session.
    MatchOnce,
    /// A fingerprint or the PIN, directly before each use.
    MatchAlways,
}

impl PinPolicy {
    /// All of them, by number.
    pub const ALL: [Self; 6] =
        [Self::Default, Self::Never, Self::Once, Self::Always, Self::MatchOnce, Self::MatchAlways];

    /// The number on the wire.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The policy of a number.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// The name on command lines and in tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Never => "never",
            Self::Once => "once",
            Self::Always => "always",
            Self::MatchOnce => "match-once",
            Self::MatchAlways => "match-always",
        }
    }
}

impl fmt::Display for PinPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for PinPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.label().eq_ignore_ascii_case(text)).ok_or(UnknownPolicy::Pin)
    }
}

/// When the card wants to be touched before it uses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TouchPolicy {
    /// As the card has it: never.
    Default,
    /// Never.
    Never,
    /// Before each use.
    Always,
    /// Before a use, unless one was touched for in the last 15 seconds.
    Cached,
}

impl TouchPolicy {
    /// All of them, by number.
    pub const ALL: [Self; 4] = [Self::Default, Self::Never, Self::Always, Self::Cached];

    /// The number on the wire.
    #[must_use]
    pub const fn id(self) -> u8 {
        self as u8
    }

    /// The policy of a number.
    #[must_use]
    pub fn from_id(id: u8) -> Option<Self> {
        Self::ALL.get(usize::from(id)).copied()
    }

    /// The name on command lines and in tables.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Never => "never",
            Self::Always => "always",
            Self::Cached => "cached",
        }
    }
}

impl fmt::Display for TouchPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

impl FromStr for TouchPolicy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|p| p.label().eq_ignore_ascii_case(text)).ok_or(UnknownPolicy::Touch)
    }
}

/// What is asked for when a key is made. What is not asked for is not sent, so that a card of the plain
/// standard takes the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Policies {
    /// The PIN.
    pub pin: Option<PinPolicy>,
    /// The touch.
    pub touch: Option<TouchPolicy>,
}

impl Policies {
    /// Nothing beyond the standard.
    pub const NONE: Self = Self { pin: None, touch: None };

    /// Whether anything is asked for.
    #[must_use]
    pub const fn any(self) -> bool {
        self.pin.is_some() || self.touch.is_some()
    }

    /// The objects AA and AB, where asked for.
    pub(crate) fn objects(self) -> Vec<u8> {
        let mut objects = Vec::new();
        if let Some(pin) = self.pin {
            objects.extend([0xAA, 0x01, pin.id()]);
        }
        if let Some(touch) = self.touch {
            objects.extend([0xAB, 0x01, touch.id()]);
        }
        objects
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_come_back() {
        for policy in PinPolicy::ALL {
            assert_eq!(PinPolicy::from_id(policy.id()), Some(policy));
            assert_eq!(policy.label().parse(), Ok(policy));
        }
        for policy in TouchPolicy::ALL {
            assert_eq!(TouchPolicy::from_id(policy.id()), Some(policy));
            assert_eq!(policy.label().parse(), Ok(policy));
        }
        assert_eq!(PinPolicy::from_id(6), None);
        assert_eq!(TouchPolicy::from_id(4), None);
        assert_eq!("often".parse::<PinPolicy>(), Err(UnknownPolicy::Pin));
        assert_eq!("often".parse::<TouchPolicy>(), Err(UnknownPolicy::Touch));
    }

    #[test]
    fn only_what_is_asked_for_is_sent() {
        assert_eq!(Policies::NONE.objects(), []);
        let both = Policies { pin: Some(PinPolicy::Always), touch: Some(TouchPolicy::Cached) };
        assert_eq!(both.objects(), [0xAA, 1, 3, 0xAB, 1, 3]);
        assert!(both.any() && !Policies::NONE.any());
    }
}
