//! What a card says about itself: capabilities, key sizes, free space, files, keys, caching
//! (minidriver specification, sections 4.1, 4.3, 4.4 and 4.5.4).

use crate::access::FileAccess;
use crate::code::UnknownCode;
use crate::pin_info::code_enum;
use crate::public_key::PublicKey;

/// `CARD_CAPABILITIES`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities {
    /// `fCertificateCompression`: the module compresses certificates by itself. `false`: the host
    /// stores them compressed, and the module passes files on as they are.
    pub certificate_compression: bool,
    /// `fKeyGen`: the card generates keys.
    pub key_generation: bool,
}

/// `CARD_KEY_SIZES`: the lengths in bits a kind of key can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeySizes {
    /// `dwMinimumBitlen`.
    pub minimum: u32,
    /// `dwDefaultBitlen`.
    pub default: u32,
    /// `dwMaximumBitlen`.
    pub maximum: u32,
    /// `dwIncrementalBitlen`; 0 where only one length exists.
    pub increment: u32,
}

impl KeySizes {
    /// The sizes of a key that has but one.
    #[must_use]
    pub const fn only(bits: u32) -> Self {
        Self { minimum: bits, default: bits, maximum: bits, increment: 0 }
    }

    /// Whether a length in bits is one of them.
    #[must_use]
    pub const fn contains(&self, bits: u32) -> bool {
        if bits < self.minimum || bits > self.maximum {
            return false;
        }
        let over = bits - self.minimum;
        over == 0 || bits == self.maximum || (self.increment != 0 && over.is_multiple_of(self.increment))
    }
}

/// `CARD_FREE_SPACE_INFO`. `None` is `CARD_DATA_VALUE_UNKNOWN`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FreeSpace {
    /// `dwBytesAvailable`: bytes for files.
    pub bytes: Option<u32>,
    /// `dwKeyContainersAvailable`: containers that can still be made.
    pub containers: Option<u32>,
    /// `dwMaxKeyContainers`: containers the card can have at all.
    pub max_containers: Option<u32>,
}

impl FreeSpace {
    /// `CARD_DATA_VALUE_UNKNOWN`.
    pub const UNKNOWN: u32 = u32::MAX;

    /// The number for the interface.
    #[must_use]
    pub const fn code(value: Option<u32>) -> u32 {
        match value {
            Some(value) => value,
            None => Self::UNKNOWN,
        }
    }

    /// The meaning of a number of the interface.
    #[must_use]
    pub const fn from_code(code: u32) -> Option<u32> {
        if code == Self::UNKNOWN { None } else { Some(code) }
    }
}

/// `CARD_FILE_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileInfo {
    /// `cbFileSize`: bytes.
    pub size: u32,
    /// `AccessCondition`; `None` is `UnknownAc`.
    pub access: Option<FileAccess>,
}

/// `CONTAINER_INFO`: the public keys of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerKeys {
    /// The signature key, if there is one.
    pub signature: Option<PublicKey>,
    /// The key exchange key, if there is one.
    pub key_exchange: Option<PublicKey>,
}

code_enum! {
    /// Property "Cache Mode": how long a host may keep what it read from the card.
    CacheMode, "cache mode" {
        /// `CP_CACHE_MODE_GLOBAL_CACHE`: for ever, by identity and counters.
        Global = 1,
        /// `CP_CACHE_MODE_SESSION_ONLY`: until the card is removed.
        Session = 2,
        /// `CP_CACHE_MODE_NO_CACHE`: not at all.
        None = 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_go_in_steps_from_the_minimum() {
        let sizes = KeySizes { minimum: 1024, default: 2048, maximum: 4096, increment: 1024 };
        assert!([1024, 2048, 3072, 4096].into_iter().all(|bits| sizes.contains(bits)));
        assert!(![0, 512, 1536, 2049, 5120].into_iter().any(|bits| sizes.contains(bits)));
        assert!(KeySizes::only(521).contains(521));
        assert!(!KeySizes::only(521).contains(520));
        let two = KeySizes { minimum: 1024, default: 2048, maximum: 2048, increment: 0 };
        assert!(two.contains(1024) && two.contains(2048) && !two.contains(1536));
    }

    #[test]
    fn unknown_space_is_all_ones() {
        assert_eq!(FreeSpace::code(None), 0xFFFF_FFFF);
        assert_eq!(FreeSpace::from_code(0xFFFF_FFFF), None);
        assert_eq!(FreeSpace::from_code(FreeSpace::code(Some(9))), Some(9));
    }

    #[test]
    fn cache_modes_are_one_to_three() {
        assert_eq!(CacheMode::ALL.iter().map(|mode| mode.code()).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(CacheMode::try_from(0).is_err());
    }
}
