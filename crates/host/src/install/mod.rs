//! What installs a card module on Windows: the INF of a driver package, a file for `regedit`, and the plug
//! and play id of a card.
//!
//! Sources: minidriver specification 7.07, appendices A (registration) and D (discovery), and Microsoft's pages
//! "Smart Card Plug and Play" and "Windows Inbox Smart Card Minidriver" with their sample INF files.

mod inf;
mod place;
mod reg;

use std::collections::BTreeSet;

use crate::module::Processor;
use crate::registry::RegisterError;

pub use self::inf::{DriverDate, DriverVersion, Package, PackageFile};
pub use self::place::{check_own, file_name, is_absolute, registered_as};
pub use self::reg::{RegFile, utf16_file};

/// The CryptoAPI provider that drives card modules.
pub const BASE_PROVIDER: &str = "Microsoft Base Smart Card Crypto Provider";
/// The CNG provider that drives card modules.
pub const KEY_STORAGE_PROVIDER: &str = "Microsoft Smart Card Key Storage Provider";

/// The key of card kinds, below `HKEY_LOCAL_MACHINE`.
const SMART_CARDS: &str = r"SOFTWARE\Microsoft\Cryptography\Calais\SmartCards";
/// The same for 32-bit programs of a 64-bit Windows.
const SMART_CARDS_32: &str = r"SOFTWARE\WOW6432Node\Microsoft\Cryptography\Calais\SmartCards";

/// A kind of card as it is to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardKind {
    /// The card's name.
    pub name: String,
    /// The ATR after masking.
    pub atr: Vec<u8>,
    /// The mask, as long as the ATR.
    pub mask: Vec<u8>,
}

/// The provider names of an entry; `None` leaves one out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Providers {
    /// `Crypto Provider`.
    pub crypto: Option<String>,
    /// `Smart Card Key Storage Provider`.
    pub key_storage: Option<String>,
}

impl Default for Providers {
    fn default() -> Self {
        Self { crypto: Some(BASE_PROVIDER.to_owned()), key_storage: Some(KEY_STORAGE_PROVIDER.to_owned()) }
    }
}

/// Why there is no such file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// An entry could not be registered like that.
    #[error(transparent)]
    Entry(#[from] RegisterError),
    /// The text has a meaning of its own in an INF.
    #[error(
        "{text:?} cannot stand in an INF: it has a quotation mark, a percent sign or a control character"
    )]
    Text {
        /// The text.
        text: String,
    },
    /// A driver package needs at least one of them.
    #[error("a driver package needs {0}")]
    Nothing(&'static str),
    /// A file's name is none, or two files have the same.
    #[error("{name:?} is no name of a file of the package: {reason}")]
    File {
        /// The name.
        name: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The path is none that an entry of Windows' registry can have.
    #[error("{0}")]
    Module(String),
    /// The file is a part of Windows.
    #[error("{0} is Windows' own class driver: it is there already, and no package may replace it")]
    OfWindows(String),
    /// Programs of 64 and of 32 bits cannot load the same file.
    #[error("{path} is one file, and programs of 64 and of 32 bits need one each")]
    OneForBoth {
        /// The file.
        path: String,
    },
    /// A hardware id has other characters than Windows gives them.
    #[error("{0:?} is no plug and play id of a smart card: SCFILTER\\CID_ and hexadecimal digits or a GUID")]
    HardwareId(String),
}

/// The plug and play id that Windows makes of an ATR's historical bytes; `None` where there are none. It is
/// the last of the ids that Windows tries, for cards that tell no other.
#[must_use]
pub fn pnp_id(historical: &[u8]) -> Option<String> {
    let digits: String = historical.iter().map(|byte| format!("{byte:02X}")).collect();
    (!digits.is_empty()).then(|| format!("{PNP_PREFIX}{digits}"))
}

/// What the ids of smart cards begin with.
const PNP_PREFIX: &str = r"SCFILTER\CID_";

/// An id that Windows could give a card: hexadecimal digits, or the text of a GUID.
fn check_hardware_id(id: &str) -> Result<(), InstallError> {
    let wrong = || InstallError::HardwareId(id.to_owned());
    let start = id.get(..PNP_PREFIX.len()).filter(|start| start.eq_ignore_ascii_case(PNP_PREFIX));
    let rest = start.map(|_| &id[PNP_PREFIX.len()..]).ok_or_else(wrong)?;
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let groups: Vec<&str> = rest.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_guid = lengths == [8, 4, 4, 4, 12];
    let is_historical = groups.len() == 1 && matches!(rest.len(), 2..=30) && rest.len() % 2 == 0;
    if groups.into_iter().all(hexadecimal) && (is_guid || is_historical) { Ok(()) } else { Err(wrong()) }
}

/// The kinds have names of their own that registry keys can have, and patterns that can match.
fn check_kinds(kinds: &[CardKind]) -> Result<(), InstallError> {
    let mut names = BTreeSet::new();
    for kind in kinds {
        crate::registry::check_entry(&kind.name, &kind.atr, &kind.mask)?;
        if kind.name.contains('\\') {
            return Err(RegisterError::BackslashInName.into());
        }
        if !names.insert(kind.name.to_lowercase()) {
            return Err(InstallError::Text { text: kind.name.clone() });
        }
    }
    if kinds.is_empty() { Err(InstallError::Nothing("a kind of card")) } else { Ok(()) }
}

/// Bytes as INF and `.reg` write them.
fn listed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(",")
}

/// What Windows' driver packages call a processor.
const fn platform(processor: Processor) -> Option<&'static str> {
    match processor {
        Processor::X86 => Some("x86"),
        Processor::X86_64 => Some("amd64"),
        Processor::Arm64 => Some("arm64"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plug_and_play_ids() {
        // As Microsoft's sample has it for 3B 04 51 FF 08 00, and as a YubiKey 5 shows in Windows.
        assert_eq!(pnp_id(&[0x51, 0xFF, 0x08, 0x00]).as_deref(), Some(r"SCFILTER\CID_51FF0800"));
        let key = b"\x80\x73\xC0\x21\xC0\x57YubiKey";
        assert_eq!(pnp_id(key).as_deref(), Some(r"SCFILTER\CID_8073C021C057597562694B6579"));
        assert_eq!(pnp_id(&[]), None);
    }

    #[test]
    fn hardware_ids_are_checked() {
        for good in [r"SCFILTER\CID_51FF0800", r"scfilter\cid_2777be07-6993-4513-bd80-c184fcb0ab2d"] {
            assert!(check_hardware_id(good).is_ok(), "{good}");
        }
        for bad in
            [r"SCFILTER\CID_", r"SCFILTER\CID_5", r"USB\VID_1", r"SCFILTER\CID_51,x", r"SCFILTER\CID_51-FF"]
        {
            assert!(check_hardware_id(bad).is_err(), "{bad}");
        }
        assert!(
            check_hardware_id(&format!(r"SCFILTER\CID_{}", "AB".repeat(16))).is_err(),
            "15 bytes at most"
        );
    }
}
