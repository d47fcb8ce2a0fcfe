//! Whether a slot's key is the one of a public key, on cards that do not tell: found out by a use of it.

use cardmod_piv::{KeyAlgorithm, PivCard, PivError, Slot, SlotKey};
use cardmod_sdk::{Result, Status};
use cardmod_types::{EcCurve, EcPublicKey, RsaPublicKey, padding};
use rsa::BoxedUint;

use super::answer;

/// The slot's key signs something fresh, and the public key verifies it. A key that does not sign, or not now,
/// proves nothing, and is taken as another; only where the PIN may help that is said.
///
/// # Errors
/// [`Status::SecurityViolation`]: the user has to be authenticated first. A failing channel.
pub(super) fn is_key_of(card: &mut PivCard<'_>, slot: Slot, key: &SlotKey) -> Result<bool> {
    let Some(algorithm) = KeyAlgorithm::of(key) else { return Ok(false) };
    let block = match key {
        SlotKey::Rsa(rsa) => {
            let block = padding::pkcs1_sign_block(&fresh(32)?, rsa.modulus_len());
            block.map_err(|_| Status::InvalidParameter)?
        }
        SlotKey::Ec(ec) => fresh(ec.curve().coordinate_len())?,
        SlotKey::Ed25519(_) | SlotKey::X25519(_) => return Ok(false),
    };
    match card.sign(slot, algorithm, &block) {
        Ok(signature) => Ok(match key {
            SlotKey::Rsa(rsa) => opens(rsa, &signature).is_some_and(|opened| opened == block),
            SlotKey::Ec(ec) => verifies(ec, &block, &signature),
            SlotKey::Ed25519(_) | SlotKey::X25519(_) => false,
        }),
        Err(error @ PivError::Exchange(_)) => Err(answer::using_a_key(error)),
        // Directly before a use like this no PIN can be verified.
        Err(error) if error.is_access_denied() && !slot.is_pin_always() => Err(Status::SecurityViolation),
        Err(error) => {
            tracing::debug!(%slot, %error, "the key does not prove which it is");
            Ok(false)
        }
    }
}

fn fresh(len: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    getrandom::fill(&mut bytes).map_err(|_| Status::Unexpected)?;
    Ok(bytes)
}

/// The block that an RSA signature stands for; as long as the modulus.
fn opens(key: &RsaPublicKey, signature: &[u8]) -> Option<Vec<u8>> {
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let exponent = BoxedUint::from(u64::from(key.exponent()));
    let public = rsa::RsaPublicKey::new_with_size_limits(modulus, exponent, 512..=16_384).ok()?;
    let opened = rsa::hazmat::rsa_encrypt(&public, &BoxedUint::from_be_slice_vartime(signature)).ok()?;
    let bytes = opened.to_be_bytes_trimmed_vartime();
    let mut block = vec![0; key.modulus_len().checked_sub(bytes.len())?];
    block.extend_from_slice(&bytes);
    Some(block)
}

macro_rules! verify_on {
    ($curve:ident, $key:expr, $hash:expr, $signature:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
        let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(&$key.to_uncompressed());
        let signature = $curve::ecdsa::Signature::from_slice($signature);
        matches!((key, signature), (Ok(key), Ok(signature)) if key.verify_prehash($hash, &signature).is_ok())
    }};
}

fn verifies(key: &EcPublicKey, hash: &[u8], signature: &[u8]) -> bool {
    match key.curve() {
        EcCurve::P256 => verify_on!(p256, key, hash, signature),
        EcCurve::P384 => verify_on!(p384, key, hash, signature),
        // No PIV card has keys on it.
        EcCurve::P521 => false,
    }
}
