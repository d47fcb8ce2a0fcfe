//! Signatures checked with public keys, as anybody without a card would.

use cardmod_types::{EcCurve, EcPublicKey, PublicKey, RsaPublicKey, SignaturePadding, padding};
use rsa::BoxedUint;
use rsa::traits::PublicKeyParts as _;

use crate::error::Error;

/// Checks a signature over a hash: RSA big-endian with its padding, ECDSA as `r‖s` with
/// [`SignaturePadding::None`].
///
/// # Errors
/// [`Error::SignatureWrong`]; [`Error::BadInput`] for a key or padding that signs nothing.
pub fn verify_signature(
    public: &PublicKey,
    padding: &SignaturePadding,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    match public {
        PublicKey::Rsa(key) => verify_rsa(key, padding, digest, signature),
        PublicKey::Ec(key) => verify_ecdsa(key, digest, signature),
    }
}

fn verify_rsa(
    key: &RsaPublicKey,
    padding: &SignaturePadding,
    digest: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let block = public_operation(key, signature)?;
    let wrong = |_| Error::SignatureWrong;
    let is_right = match padding {
        SignaturePadding::None => block == digest,
        SignaturePadding::Pkcs1 { hash } => {
            let data = match hash {
                Some(hash) => padding::digest_info(*hash, digest)
                    .map_err(|error| Error::BadInput { what: error.to_string() })?,
                None => digest.to_vec(),
            };
            block == padding::pkcs1_sign_block(&data, key.modulus_len()).map_err(wrong)?
        }
        SignaturePadding::Pss { hash, salt_len } => {
            return check_pss(key, *hash, *salt_len, digest, &block);
        }
    };
    if is_right { Ok(()) } else { Err(Error::SignatureWrong) }
}

fn check_pss(
    key: &RsaPublicKey,
    hash: cardmod_types::HashAlgorithm,
    salt_len: usize,
    digest: &[u8],
    block: &[u8],
) -> Result<(), Error> {
    let bits = usize::try_from(key.bits()).map_err(|_| Error::SignatureWrong)?;
    if padding::pss_verify(hash, digest, Some(salt_len), block, bits) {
        Ok(())
    } else {
        Err(Error::SignatureWrong)
    }
}

/// The block an RSA signature or ciphertext stands for: `input` to the public exponent, big-endian,
/// of the modulus' length.
fn public_operation(key: &RsaPublicKey, input: &[u8]) -> Result<Vec<u8>, Error> {
    if input.len() != key.modulus_len() {
        return Err(Error::SignatureWrong);
    }
    let odd = |error: rsa::Error| Error::BadInput { what: format!("the RSA key cannot be used: {error}") };
    let modulus = BoxedUint::from_be_slice_vartime(key.modulus());
    let exponent = BoxedUint::from(u64::from(key.exponent()));
    let public = rsa::RsaPublicKey::new_with_size_limits(modulus, exponent, 512..=16_384).map_err(odd)?;
    let input = BoxedUint::from_be_slice_vartime(input);
    if input.cmp_vartime(public.n().as_ref()).is_ge() {
        return Err(Error::SignatureWrong);
    }
    let output = rsa::hazmat::rsa_encrypt(&public, &input).map_err(|_| Error::SignatureWrong)?;
    let bytes = output.to_be_bytes_trimmed_vartime();
    let mut block = vec![0; key.modulus_len()];
    let at = block.len().checked_sub(bytes.len()).ok_or(Error::SignatureWrong)?;
    block[at..].copy_from_slice(&bytes);
    Ok(block)
}

macro_rules! verify_on {
    ($curve:ident, $key:expr, $digest:expr, $signature:expr) => {{
        use $curve::ecdsa::signature::hazmat::PrehashVerifier as _;
        let point = $key.to_uncompressed();
        let key = $curve::ecdsa::VerifyingKey::from_sec1_bytes(&point)
            .map_err(|_| Error::BadInput { what: "the public key is not on its curve".to_owned() })?;
        let signature =
            $curve::ecdsa::Signature::from_slice($signature).map_err(|_| Error::SignatureWrong)?;
        key.verify_prehash($digest, &signature).map_err(|_| Error::SignatureWrong)
    }};
}

fn verify_ecdsa(key: &EcPublicKey, digest: &[u8], signature: &[u8]) -> Result<(), Error> {
    // A hash shorter than half the curve's order is refused by the crate; as a number it is the
    // same with zeros before it.
    let width = key.curve().coordinate_len();
    let mut padded = vec![0; width.saturating_sub(digest.len())];
    padded.extend_from_slice(digest);
    match key.curve() {
        EcCurve::P256 => verify_on!(p256, key, &padded, signature),
        EcCurve::P384 => verify_on!(p384, key, &padded, signature),
        EcCurve::P521 => verify_on!(p521, key, &padded, signature),
    }
}
