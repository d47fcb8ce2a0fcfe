//! What anybody without the card can check: public-key operations.

use cardmod_crypto::KeyKind;
use cardmod_types::{EcCurve, EcPublicKey, PrivateKey, PublicKey};
use rsa::BoxedUint;

/// A key made outside of the card, for import; and the same for operations.
pub fn software_key(kind: KeyKind) -> (PrivateKey, cardmod_crypto::PrivateKey) {
    let key = cardmod_crypto::PrivateKey::generate(kind).expect("a key");
    let der = key.to_der().expect("an encoding");
    let typed =
        if kind.is_rsa() { PrivateKey::from_pkcs1_der(&der) } else { PrivateKey::from_sec1_der(&der) };
    (typed.expect("a key"), key)
}

fn rsa_key(key: &PublicKey) -> rsa::RsaPublicKey {
    let PublicKey::Rsa(key) = key else { panic!("not an RSA key") };
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let exponent = BoxedUint::from(u64::from(key.exponent()));
    rsa::RsaPublicKey::new_with_size_limits(modulus, exponent, 512..=16_384).expect("a key")
}

/// Whether a signature by PSS with SHA-256 and a salt of this length is right.
pub fn pss_is_right(key: &PublicKey, digest: &[u8], salt: usize, signature: &[u8]) -> bool {
    rsa_key(key).verify(rsa::Pss::<sha2::Sha256>::new_with_salt(salt), digest, signature).is_ok()
}

/// The block a signature stands for, or the cryptogram of a block.
pub fn rsa_public(key: &PublicKey, input: &[u8]) -> Vec<u8> {
    let public = rsa_key(key);
    let PublicKey::Rsa(key) = key else { panic!("not an RSA key") };
    assert_eq!(input.len(), key.modulus_len());
    let output =
        rsa::hazmat::rsa_encrypt(&public, &BoxedUint::from_be_slice_vartime(input)).expect("a block");
    let bytes = output.to_be_bytes_trimmed_vartime();
    let mut block = vec![0; key.modulus_len()];
    let at = block.len() - bytes.len();
    block[at..].copy_from_slice(&bytes);
    block
}

macro_rules! verify_on {
    ($curve:ident, $key:expr, $digest:expr, $signature:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
        let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(&$key.to_uncompressed()).expect("a key");
        let signature = $curve::ecdsa::Signature::from_slice($signature).expect("a signature");
        key.verify_prehash($digest, &signature).is_ok()
    }};
}

/// Whether `r‖s` is the key's signature over the hash.
pub fn ecdsa_is_right(key: &PublicKey, digest: &[u8], signature: &[u8]) -> bool {
    let PublicKey::Ec(key) = key else { panic!("not an EC key") };
    let key: &EcPublicKey = key;
    let mut padded = vec![0; key.curve().coordinate_len().saturating_sub(digest.len())];
    padded.extend_from_slice(digest);
    match key.curve() {
        EcCurve::P256 => verify_on!(p256, key, &padded, signature),
        EcCurve::P384 => verify_on!(p384, key, &padded, signature),
        EcCurve::P521 => verify_on!(p521, key, &padded, signature),
    }
}
