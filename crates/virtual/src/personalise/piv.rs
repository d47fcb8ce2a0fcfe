//! The PIV application of a new card: its data objects (SP 800-73-5, part 1, section 3 and appendix A).

use cardmod_iso7816::tlv::Tag;
use zeroize::Zeroizing;

use super::Refused;
use crate::model::piv::Persistent;
use crate::ports::Random;
use crate::profile::PivProfile;

/// A data object: its tag and what stands inside of 53.
pub(crate) type Object = (Tag, Zeroizing<Vec<u8>>);

const CCC: Tag = Tag::new(0x5F_C107);
const CHUID: Tag = Tag::new(0x5F_C102);
const PRINTED: Tag = Tag::new(0x5F_C109);
/// Where Yubico's programs keep what they need to know (their "admin data").
const ADMIN_DATA: Tag = Tag::new(0x5F_FF00);

/// The FASC-N of issuers that are no federal agency: 9999-9999-999999-0-1-0000000000-3-0000-1.
const FASC_N: [u8; 25] = [
    0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE, 0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42,
    0x10, 0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB,
];

/// The application with its objects and without keys.
pub(super) fn application(profile: &PivProfile, random: &mut dyn Random) -> Result<Persistent, Refused> {
    profile.check().map_err(Refused::Profile)?;
    let mut objects = Vec::new();
    if !profile.without_chuid {
        let guid = match profile.guid {
            Some(guid) => guid,
            None => PivProfile::random_guid(random)?,
        };
        let mut unique = [0; 14];
        random.fill(&mut unique)?;
        objects.push((CHUID, chuid(guid, &profile.expiry)));
        objects.push((CCC, capabilities(unique)));
    }
    if profile.protect_management_key {
        objects.push((PRINTED, protected_key(profile.management_key.as_bytes())));
        objects.push((ADMIN_DATA, admin_data()));
    }
    let mut serial = [0; 4];
    random.fill(&mut serial)?;
    // Nine digits at most, as the numbers of tokens have.
    let mut application = Persistent::new(profile, objects, u32::from_be_bytes(serial) % 1_000_000_000)?;
    crate::card::equip_piv(&mut application, random)?;
    Ok(application)
}

/// Section 3.1.2, without the signature that only an issuer can make.
fn chuid(guid: [u8; 16], expiry: &[u8; 8]) -> Zeroizing<Vec<u8>> {
    fields(&[(0x30, &FASC_N), (0x34, &guid), (0x35, expiry), (0x3E, &[]), (0xFE, &[])])
}

/// Appendix A, Table 8: a card identifier under the GSC-RID, both version numbers 2.1, no card
/// applications beside the PIV data model.
fn capabilities(unique: [u8; 14]) -> Zeroizing<Vec<u8>> {
    let mut identifier = vec![0xA0, 0x00, 0x00, 0x01, 0x16, 0xFF, 0x02];
    identifier.extend_from_slice(&unique);
    fields(&[
        (0xF0, &identifier),
        (0xF1, &[0x21]),
        (0xF2, &[0x21]),
        (0xF3, &[]),
        (0xF4, &[0x00]),
        (0xF5, &[0x10]),
        (0xF6, &[]),
        (0xF7, &[]),
        (0xFA, &[]),
        (0xFB, &[]),
        (0xFC, &[]),
        (0xFD, &[]),
        (0xFE, &[]),
    ])
}

/// Yubico's use of Printed Information: 88 { 89 key }.
fn protected_key(key: &[u8]) -> Zeroizing<Vec<u8>> {
    let inner = fields(&[(0x89, key)]);
    fields(&[(0x88, &inner)])
}

/// Yubico's admin data: 80 { 81 flags }, here "the management key is kept behind the PIN".
fn admin_data() -> Zeroizing<Vec<u8>> {
    let inner = fields(&[(0x81, &[0x02])]);
    fields(&[(0x80, &inner)])
}

/// Objects with tags of one byte, in the short lengths that all of these have.
fn fields(list: &[(u8, &[u8])]) -> Zeroizing<Vec<u8>> {
    let len = list.iter().map(|(_, value)| 2 + value.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    for (tag, value) in list {
        out.push(*tag);
        out.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(value);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of yubico-piv-tool's tests, whose FASC-N has the right parity.
    #[test]
    fn a_known_chuid() {
        let guid =
            [0x19, 0x9E, 0xE7, 0x77, 0x16, 0x57, 0xCF, 0xDE, 0x06, 0x1B, 0x74, 0x57, 0x15, 0x1A, 0xC4, 0x6D];
        let made = chuid(guid, b"20300101");
        assert_eq!(made.len(), 0x3B);
        assert_eq!(made[..6], [0x30, 0x19, 0xD4, 0xE7, 0x39, 0xDA]);
        assert_eq!(made[27..29], [0x34, 0x10]);
        assert_eq!(made[29..45], guid);
        assert_eq!(made[45..], *b"\x35\x0820300101\x3E\x00\xFE\x00");
    }

    /// Every symbol of the FASC-N has odd parity, and the last one checks all before it.
    #[test]
    fn the_fasc_n_is_well_formed() {
        let bits: Vec<u8> =
            FASC_N.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
        let symbols: Vec<&[u8]> = bits.chunks(5).collect();
        assert_eq!(symbols.len(), 40);
        for symbol in &symbols {
            assert_eq!(symbol.iter().sum::<u8>() % 2, 1, "{symbol:?}");
        }
        for column in 0..4 {
            assert_eq!(symbols.iter().map(|symbol| symbol[column]).sum::<u8>() % 2, 0, "column {column}");
        }
    }

    #[test]
    fn the_capability_container_has_its_length() {
        assert_eq!(capabilities([7; 14]).len(), 0x33);
    }
}
