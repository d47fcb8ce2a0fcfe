//! Data objects: which exist, who reads them, how large they may be.

use super::PivFlavour;

/// Discovery, BIT group template: without the outer tag 53 (SP 800-73 part 1, 3.3.2 and 3.3.6).
pub(crate) const DISCOVERY: u32 = 0x7E;
pub(crate) const BIT_GROUP: u32 = 0x7F61;
/// Printed information.
pub(crate) const PRINTED: u32 = 0x5F_C109;
/// The certificate of YubiKey's attestation key.
pub(crate) const ATTESTATION: u32 = 0x5F_FF01;

/// The largest object of a YubiKey 5, which certificates of both flavours get.
const LARGE: usize = 3052;

/// Whether such a card can have the object.
pub(crate) fn exists(tag: u32, flavour: PivFlavour) -> bool {
    match tag {
        DISCOVERY | BIT_GROUP => true,
        0x5F_C101..=0x5F_C103 | 0x5F_C105..=0x5F_C10C => true,
        0x5F_C10D..=0x5F_C123 => true,
        0x5F_0000..=0x5F_FFFF => flavour.is_yubikey(),
        _ => false,
    }
}

/// Whether it stands on its own, not inside 53.
pub(crate) fn is_bare(tag: u32) -> bool {
    matches!(tag, DISCOVERY | BIT_GROUP)
}

/// Whether reading needs the PIN: fingerprints, facial image, printed information, iris, pairing code
/// (SP 800-73 part 1, Table 2).
pub(crate) fn needs_pin(tag: u32) -> bool {
    matches!(tag, 0x5F_C103 | 0x5F_C108 | PRINTED | 0x5F_C121 | 0x5F_C123)
}

/// Bytes the object may have. A standard card keeps the biometrics of SP 800-73-4 besides.
pub(crate) fn capacity(tag: u32, flavour: PivFlavour) -> usize {
    match (flavour, tag) {
        (PivFlavour::Standard, 0x5F_C103) => 4006,
        (PivFlavour::Standard, 0x5F_C108) => 12710,
        (PivFlavour::Standard, 0x5F_C121) => 7106,
        _ => LARGE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_has_thirty_six() {
        let tags = (0x5F_0000..=0x5F_FFFF).chain([DISCOVERY, BIT_GROUP, 0x7F49, 0x53]);
        let standard: Vec<u32> = tags.filter(|tag| exists(*tag, PivFlavour::Standard)).collect();
        assert_eq!(standard.len(), 36);
        assert_eq!(standard.iter().filter(|tag| needs_pin(**tag)).count(), 5);
        assert!(!exists(0x5F_C104, PivFlavour::Standard) && exists(0x5F_C104, PivFlavour::YubiKey));
        assert!(exists(ATTESTATION, PivFlavour::YubiKey) && !exists(0x60_0000, PivFlavour::YubiKey));
    }
}
