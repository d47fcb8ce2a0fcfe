//! The padding a module asks its host for: made for signatures, removed after decryptions.
//!
//! Blocks cross the interface little-endian, like every RSA value of it (the texts leave the order of
//! these two callbacks open; this is the project's rule).

use cardmod_sys::{
    ALG_ID, CRYPT_NOHASHOID, DWORD, SCARD_E_INVALID_PARAMETER, SCARD_E_UNEXPECTED,
    SCARD_E_UNSUPPORTED_FEATURE,
};
use cardmod_types::{HashAlgorithm, padding};
use zeroize::Zeroizing;

/// The largest modulus, in bytes, a block is made for.
const LARGEST_MODULUS: u32 = 2048;

/// A padding description, after its pointers were followed.
pub(super) enum Padding {
    /// None: the block is as it is.
    None,
    /// PKCS #1 v1.5, with a `DigestInfo` for this hash or without one.
    Pkcs1(Option<HashAlgorithm>),
    /// PSS.
    Pss { hash: HashAlgorithm, salt_len: u32 },
    /// OAEP.
    Oaep { hash: HashAlgorithm, label: Vec<u8> },
}

/// What a module wants padded.
pub(super) struct SigningRequest<'a> {
    pub(super) flags: DWORD,
    pub(super) hash: ALG_ID,
    /// The description of a structure of version 2, where its flag is set.
    pub(super) padding: Option<Padding>,
    pub(super) digest: &'a [u8],
}

/// What a module wants unpadded: the decrypted block, little-endian.
pub(super) struct UnpadRequest<'a> {
    pub(super) padding: Padding,
    pub(super) block: &'a [u8],
}

/// Pads to a block of `width` bytes, little-endian.
pub(super) fn pad(request: &SigningRequest<'_>, width: DWORD) -> Result<Zeroizing<Vec<u8>>, DWORD> {
    if width == 0 || width > LARGEST_MODULUS {
        return Err(SCARD_E_INVALID_PARAMETER);
    }
    let width = usize::try_from(width).map_err(|_| SCARD_E_INVALID_PARAMETER)?;
    let padding = match &request.padding {
        Some(padding) => padding,
        None if request.flags & CRYPT_NOHASHOID != 0 => &Padding::Pkcs1(None),
        None if request.hash == 0 => &Padding::None,
        None => {
            let hash = HashAlgorithm::from_calg(request.hash).ok_or(SCARD_E_UNSUPPORTED_FEATURE)?;
            &Padding::Pkcs1(Some(hash))
        }
    };
    let mut block = Zeroizing::new(make_block(padding, request.digest, width)?);
    block.reverse();
    Ok(block)
}

fn make_block(padding: &Padding, digest: &[u8], width: usize) -> Result<Vec<u8>, DWORD> {
    let bad = |_| SCARD_E_INVALID_PARAMETER;
    match padding {
        Padding::None if digest.len() == width => Ok(digest.to_vec()),
        Padding::None => Err(SCARD_E_INVALID_PARAMETER),
        Padding::Pkcs1(hash) => {
            let info = match hash {
                Some(hash) => padding::digest_info(*hash, digest).map_err(bad)?,
                None => digest.to_vec(),
            };
            padding::pkcs1_sign_block(&info, width).map_err(bad)
        }
        Padding::Pss { hash, salt_len } => {
            let salt_len = usize::try_from(*salt_len).map_err(|_| SCARD_E_INVALID_PARAMETER)?;
            if salt_len > width {
                return Err(SCARD_E_INVALID_PARAMETER);
            }
            let mut salt = vec![0; salt_len];
            getrandom::fill(&mut salt).map_err(|_| SCARD_E_UNEXPECTED)?;
            // The interface tells the width in bytes only; card keys fill their last byte.
            padding::pss_encode(*hash, digest, &salt, width * 8).map_err(bad)
        }
        Padding::Oaep { .. } => Err(SCARD_E_INVALID_PARAMETER),
    }
}

/// Removes the padding of a decrypted block; both are little-endian.
pub(super) fn unpad(request: &UnpadRequest<'_>) -> Result<Zeroizing<Vec<u8>>, DWORD> {
    let mut block = Zeroizing::new(request.block.to_vec());
    block.reverse();
    let bad = |_| SCARD_E_INVALID_PARAMETER;
    let plain = match &request.padding {
        Padding::None => return Ok(Zeroizing::new(request.block.to_vec())),
        Padding::Pkcs1(_) => padding::pkcs1_unpad(&block).map_err(bad)?,
        Padding::Oaep { hash, label } => padding::oaep_unpad(*hash, label, &block).map_err(bad)?,
        Padding::Pss { .. } => return Err(SCARD_E_INVALID_PARAMETER),
    };
    let mut plain = Zeroizing::new(plain.as_bytes().to_vec());
    plain.reverse();
    Ok(plain)
}
