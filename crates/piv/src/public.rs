//! Public keys as GENERATE and GET METADATA answer them: `81 modulus 82 exponent` for RSA, `86 point` for
//! curves (SP 800-73-5 part 2, section 3.3.2; Yubico for the curves the standard lacks).

use cardmod_iso7816::tlv::{Reader, Tag, single};
use cardmod_types::{EcPublicKey, RsaPublicKey};

use crate::{KeyAlgorithm, PivError, SlotKey};

/// The template GENERATE answers with.
const TEMPLATE: Tag = Tag::new(0x7F49);
/// RSA modulus.
const MODULUS: Tag = Tag::new(0x81);
/// RSA public exponent.
const EXPONENT: Tag = Tag::new(0x82);
/// Point of a curve.
const POINT: Tag = Tag::new(0x86);

/// The key in the answer to GENERATE: within its template, which documentation leaves out.
pub(crate) fn generated(algorithm: KeyAlgorithm, answer: &[u8]) -> Result<SlotKey, PivError> {
    match single(answer) {
        Ok(tlv) if tlv.tag == TEMPLATE => public_key(algorithm, tlv.value),
        _ => public_key(algorithm, answer),
    }
}

/// The key of an algorithm, of its objects.
pub(crate) fn public_key(algorithm: KeyAlgorithm, objects: &[u8]) -> Result<SlotKey, PivError> {
    const MALFORMED: PivError = PivError::Malformed("public key");
    let find = |tag| Reader::new(objects).find(tag).ok().flatten().ok_or(MALFORMED);
    if algorithm.is_rsa() {
        let exponent = exponent(find(EXPONENT)?).ok_or(MALFORMED)?;
        let key = RsaPublicKey::new(find(MODULUS)?, exponent).map_err(|_| MALFORMED)?;
        // A card that made a key of another length is not the one that was asked for it.
        return if key.bits() == algorithm.bits() { Ok(SlotKey::Rsa(key)) } else { Err(MALFORMED) };
    }
    let point = find(POINT)?;
    match (algorithm, algorithm.curve()) {
        (_, Some(curve)) => {
            EcPublicKey::from_uncompressed(curve, point).map(SlotKey::Ec).map_err(|_| MALFORMED)
        }
        (KeyAlgorithm::Ed25519, _) => point.try_into().map(SlotKey::Ed25519).map_err(|_| MALFORMED),
        _ => point.try_into().map(SlotKey::X25519).map_err(|_| MALFORMED),
    }
}

/// A number of up to four bytes, however many zeros it begins with.
fn exponent(bytes: &[u8]) -> Option<u32> {
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    (bytes.len() <= 4).then(|| bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::EcCurve;

    #[test]
    fn a_point_with_and_without_its_template() {
        let point = [&[4][..], &[7; 64]].concat();
        let key = SlotKey::Ec(EcPublicKey::from_uncompressed(EcCurve::P256, &point).unwrap());
        let bare = [&[0x86, 0x41][..], &point].concat();
        let whole = [&[0x7F, 0x49, 0x43][..], &bare].concat();
        assert_eq!(generated(KeyAlgorithm::P256, &whole), Ok(key.clone()));
        assert_eq!(generated(KeyAlgorithm::P256, &bare), Ok(key));
        assert!(generated(KeyAlgorithm::P384, &whole).is_err(), "a point of another curve");
        assert!(generated(KeyAlgorithm::Rsa2048, &whole).is_err(), "not an RSA key");
        let edwards = [&[0x86, 0x20][..], &[9; 32]].concat();
        assert_eq!(generated(KeyAlgorithm::Ed25519, &edwards), Ok(SlotKey::Ed25519([9; 32])));
        assert_eq!(generated(KeyAlgorithm::X25519, &edwards), Ok(SlotKey::X25519([9; 32])));
        assert!(generated(KeyAlgorithm::Ed25519, &edwards[..30]).is_err());
    }

    #[test]
    fn an_rsa_key_has_the_length_asked_for() {
        let mut modulus = vec![0xC1; 128];
        modulus[127] |= 1;
        let objects = [&[0x81, 0x81, 0x80][..], &modulus, &[0x82, 0x03, 1, 0, 1]].concat();
        let key = RsaPublicKey::new(&modulus, 65_537).unwrap();
        assert_eq!(generated(KeyAlgorithm::Rsa1024, &objects), Ok(SlotKey::Rsa(key)));
        assert!(generated(KeyAlgorithm::Rsa2048, &objects).is_err());
        let long = [&[0x81, 0x81, 0x80][..], &modulus, &[0x82, 0x05, 1, 0, 0, 0, 1]].concat();
        assert!(generated(KeyAlgorithm::Rsa1024, &long).is_err(), "an exponent of 33 bits");
        for cut in 0..objects.len() {
            assert!(generated(KeyAlgorithm::Rsa1024, &objects[..cut]).is_err(), "cut at {cut}");
        }
    }
}
