//! Tags of data objects (SP 800-73 part 1, table 3; vendors' objects from their published libraries).

use std::fmt;

use cardmod_iso7816::tlv::Tag;

/// A data object's tag, as GET DATA and PUT DATA name it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectTag(u32);

impl ObjectTag {
    /// Card Capability Container.
    pub const CCC: Self = Self(0x005F_C107);
    /// Card Holder Unique Identifier.
    pub const CHUID: Self = Self(0x005F_C102);
    /// Certificate of 9A.
    pub const CERTIFICATE_AUTHENTICATION: Self = Self(0x005F_C105);
    /// Fingerprints; after the PIN.
    pub const FINGERPRINTS: Self = Self(0x005F_C103);
    /// Security Object: digests of other objects, signed.
    pub const SECURITY_OBJECT: Self = Self(0x005F_C106);
    /// Facial image; after the PIN.
    pub const FACIAL_IMAGE: Self = Self(0x005F_C108);
    /// Certificate of 9E.
    pub const CERTIFICATE_CARD_AUTHENTICATION: Self = Self(0x005F_C101);
    /// Certificate of 9C.
    pub const CERTIFICATE_SIGNATURE: Self = Self(0x005F_C10A);
    /// Certificate of 9D.
    pub const CERTIFICATE_KEY_MANAGEMENT: Self = Self(0x005F_C10B);
    /// Printed Information; after the PIN. Yubico's tools keep the management key there.
    pub const PRINTED: Self = Self(0x005F_C109);
    /// Discovery Object, whose answer is not wrapped in `53`.
    pub const DISCOVERY: Self = Self(0x7E);
    /// Key History.
    pub const KEY_HISTORY: Self = Self(0x005F_C10C);
    /// Iris images; after the PIN.
    pub const IRIS: Self = Self(0x005F_C121);
    /// Biometric Information Templates Group, whose answer is not wrapped in `53`.
    pub const BIOMETRIC_GROUP: Self = Self(0x7F61);
    /// Certificate of the signer of the secure messaging certificate.
    pub const SECURE_MESSAGING_SIGNER: Self = Self(0x005F_C122);
    /// Pairing code; after the PIN.
    pub const PAIRING_CODE: Self = Self(0x005F_C123);
    /// Yubico: administration data (flags, salt, time of the last PIN change).
    pub const YUBICO_ADMIN_DATA: Self = Self(0x005F_FF00);
    /// Yubico: certificate of F9.
    pub const YUBICO_ATTESTATION: Self = Self(0x005F_FF01);
    /// Yubico: the container map of its minidriver.
    pub const YUBICO_CONTAINER_MAP: Self = Self(0x005F_FF10);
    /// cardmod's container map, where Yubico's is not to be had.
    pub const CARDMOD_CONTAINER_MAP: Self = Self(0x005F_FF40);

    /// The tag with this number: its bytes, most significant first.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The tag as BER writes it.
    #[must_use]
    pub const fn tag(self) -> Tag {
        Tag::new(self.0)
    }

    /// Whether the object is its own template: not wrapped in `53`, neither read nor written.
    #[must_use]
    pub const fn is_bare(self) -> bool {
        matches!(self, Self::DISCOVERY | Self::BIOMETRIC_GROUP)
    }

    /// Whether the standard wants the PIN before it is read. Such content is never kept.
    #[must_use]
    pub const fn is_private(self) -> bool {
        matches!(
            self,
            Self::FINGERPRINTS | Self::FACIAL_IMAGE | Self::PRINTED | Self::IRIS | Self::PAIRING_CODE
        )
    }
}

impl fmt::Debug for ObjectTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectTag({:X})", self.0)
    }
}

impl fmt::Display for ObjectTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}", self.0)
    }
}
