//! Whose resource manager is imitated where the two differ.

use std::time::Duration;

use cardmod_pcsc::{SCARD_NEGOTIABLE, SCARD_SPECIFIC};

/// Name of the environment variable that selects the profile.
const VARIABLE: &str = "CARDMOD_PCSC_PROFILE";
/// Name of pcsc-lite's own variable that makes calls fail where they would wait for a transaction.
const NO_BLOCKING: &str = "PCSCLITE_NO_BLOCKING";

/// The behaviour of virtual readers where pcsc-lite and Windows differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Profile {
    /// A transaction in which nothing happens for five seconds is broken by a reset (Windows 8 and later).
    pub(crate) idle_limit: Option<Duration>,
    /// A name that no reader has makes `SCardGetStatusChange` fail (pcsc-lite) or is reported in its entry.
    pub(crate) unknown_reader_fails: bool,
    /// A reader that comes into use counts as changed (Windows); with pcsc-lite only the way back does.
    pub(crate) use_is_a_change: bool,
    /// The connection that reset a card at the end of a transaction is told so too (pcsc-lite).
    pub(crate) own_reset_is_reported: bool,
    /// `SCardConnect` waits for another connection's transaction (pcsc-lite).
    pub(crate) connecting_waits: bool,
    /// The state that `SCardStatus` tells of a card in use, as Windows' number.
    pub(crate) connected_state: u32,
    /// Calls on a card that is in somebody else's transaction wait.
    pub(crate) waits: bool,
}

impl Profile {
    /// pcsc-lite's behaviour.
    pub(crate) const PCSC_LITE: Self = Self {
        idle_limit: None,
        unknown_reader_fails: true,
        use_is_a_change: false,
        own_reset_is_reported: true,
        connecting_waits: true,
        connected_state: SCARD_NEGOTIABLE,
        waits: true,
    };

    /// Windows' behaviour.
    pub(crate) const WINDOWS: Self = Self {
        idle_limit: Some(Duration::from_secs(5)),
        unknown_reader_fails: false,
        use_is_a_change: true,
        own_reset_is_reported: false,
        connecting_waits: false,
        connected_state: SCARD_SPECIFIC,
        waits: true,
    };

    /// The profile that the environment names; without a name, that of this platform.
    pub(crate) fn from_environment() -> Self {
        let mut profile = match std::env::var(VARIABLE).as_deref() {
            Ok("windows") => Self::WINDOWS,
            Ok("pcsclite") => Self::PCSC_LITE,
            _ if cfg!(windows) => Self::WINDOWS,
            _ => Self::PCSC_LITE,
        };
        if !cfg!(windows) && std::env::var_os(NO_BLOCKING).is_some() {
            profile.waits = false;
        }
        profile
    }
}
