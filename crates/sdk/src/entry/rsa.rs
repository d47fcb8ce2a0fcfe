//! Operations with a private key that answer bytes: signatures and RSA decryption (5.32, 5.33).

use cardmod_sys::{
    CARD_BUFFER_SIZE_ONLY, CARD_PADDING_INFO_PRESENT, CRYPT_NOHASHOID, CRYPT_TYPE2_FORMAT, CRYPT_X931_FORMAT,
};
use cardmod_types::padding::{oaep_unpad, pkcs1_unpad};
use cardmod_types::{ContainerIndex, SecretBytes};
use zeroize::Zeroizing;

use crate::boundary::{DecryptInfo, Host, PaddingInfo, SigningInfo};
use crate::entry::signature::{Scheme, cng_hash_or_sha1};
use crate::entry::{key, key_spec, offered};
use crate::live::{Call, enter, with_state};
use crate::module::{CardModule, KeyRef, Result};
use crate::status::Status;

/// The version of the signing and decryption structures that has padding information.
const WITH_PADDING: u32 = 2;

pub(crate) fn sign_data<M: CardModule>(host: &Host, info: SigningInfo) -> Result<()> {
    let (version, fields) = info.get()?;
    if version > WITH_PADDING {
        return Err(Status::RevisionMismatch);
    }
    let data = info.data()?;
    let flags = fields.dwSigningFlags;
    check_signing_flags(flags)?;
    check_signing_version(with_state::<M, _>(host, |state| Ok(state.facts.version))?, version, flags)?;
    let spec = key_spec(fields.dwKeySpec)?;
    let padding = if flags & CARD_PADDING_INFO_PRESENT == 0 { None } else { Some(info.padding()?) };
    let scheme = Scheme::choose(spec, flags, fields.aiHashAlg, padding, data)?;
    let key = KeyRef { container: ContainerIndex::new(fields.bContainerIndex), spec };
    let size_only = flags & CARD_BUFFER_SIZE_ONLY != 0;
    let outcome = enter::<M, _>(host, |call| {
        let shape = key::of_spec(call, key.container, spec, size_only)?;
        scheme.check_room(&shape, data)?;
        if size_only {
            return Ok(Outcome::Length(shape.signature_len));
        }
        let signature = scheme.sign(call, key, &shape, data)?;
        if signature.len() != shape.signature_len {
            tracing::error!(
                length = signature.len(),
                expected = shape.signature_len,
                "wrong signature length"
            );
            return Err(Status::Unexpected);
        }
        Ok(Outcome::Signature(signature))
    })?;
    match outcome {
        Outcome::Length(length) => info.set_length(length),
        Outcome::Signature(mut signature) => {
            if spec.is_rsa() {
                signature.reverse(); // 10.3: little-endian for RSA, never for ECDSA
            }
            info.give(host, &signature)
        }
    }
}

enum Outcome {
    Length(usize),
    Signature(Vec<u8>),
}

fn check_signing_flags(flags: u32) -> Result<()> {
    let formats = CRYPT_TYPE2_FORMAT | CRYPT_X931_FORMAT;
    let known = CARD_PADDING_INFO_PRESENT | CARD_BUFFER_SIZE_ONLY | CRYPT_NOHASHOID | formats;
    if flags & !known != 0 {
        return Err(Status::InvalidParameter);
    }
    if flags & formats != 0 {
        return Err(Status::UnsupportedFeature);
    }
    Ok(())
}

/// 5.32: a context of version 7 speaks version 2 only, and padding information exists only there.
fn check_signing_version(context: u32, version: u32, flags: u32) -> Result<()> {
    let needed = context >= 7 || flags & CARD_PADDING_INFO_PRESENT != 0;
    if needed && version < WITH_PADDING { Err(Status::RevisionMismatch) } else { Ok(()) }
}

pub(crate) fn decrypt<M: CardModule>(host: &Host, info: DecryptInfo) -> Result<()> {
    let (version, fields) = info.get()?;
    let context = with_state::<M, _>(host, |state| Ok(state.facts.version))?;
    check_decrypt_version(context, version)?;
    let mut block = info.data()?;
    let spec = key_spec(fields.dwKeySpec)?;
    if !spec.is_rsa() {
        return Err(Status::InvalidParameter);
    }
    let padding = if version == WITH_PADDING { info.padding()? } else { PaddingInfo::None };
    let unpad = Unpad::choose(padding)?;
    block.reverse();
    let key = KeyRef { container: ContainerIndex::new(fields.bContainerIndex), spec };
    let plain = enter::<M, _>(host, |call| decrypt_raw(call, key, &block))?;
    let plain = unpad.apply(plain)?;
    let mut reversed = Zeroizing::new(plain.as_bytes().to_vec());
    reversed.reverse();
    info.replace(&reversed)
}

/// 5.33: version 1 up to interface version 6, version 2 from 7 on.
fn check_decrypt_version(context: u32, version: u32) -> Result<()> {
    let known = if context >= 7 { version == WITH_PADDING } else { version <= 1 };
    if known { Ok(()) } else { Err(Status::RevisionMismatch) }
}

fn decrypt_raw<M: CardModule>(call: &mut Call<'_, M>, key: KeyRef, block: &[u8]) -> Result<SecretBytes> {
    let shape = key::of_spec(call, key.container, key.spec, false)?;
    if block.len() < shape.signature_len {
        return Err(Status::InsufficientBuffer);
    }
    if block.len() > shape.signature_len {
        return Err(Status::InvalidParameter);
    }
    let plain = offered(call.module.rsa_decryption())?.decrypt_raw(&mut call.cx, key, block)?;
    if plain.len() == block.len() { Ok(plain) } else { Err(Status::Unexpected) }
}

/// What is taken off a decrypted block.
enum Unpad {
    Nothing,
    Pkcs1,
    Oaep(cardmod_types::HashAlgorithm, Vec<u8>),
}

impl Unpad {
    fn choose(padding: PaddingInfo) -> Result<Self> {
        match padding {
            PaddingInfo::None => Ok(Self::Nothing),
            PaddingInfo::Pkcs1 { .. } => Ok(Self::Pkcs1),
            PaddingInfo::Oaep { hash, label } => {
                let hash = cng_hash_or_sha1(hash.as_deref())?;
                hash.digest(&[]).ok_or(Status::UnsupportedFeature)?;
                Ok(Self::Oaep(hash, label))
            }
            PaddingInfo::Pss { .. } => Err(Status::InvalidParameter),
        }
    }

    /// In constant time; whatever is wrong with the block, the answer is the same and nothing of it is
    /// logged.
    fn apply(&self, block: SecretBytes) -> Result<SecretBytes> {
        let plain = match self {
            Self::Nothing => return Ok(block),
            Self::Pkcs1 => pkcs1_unpad(block.as_bytes()),
            Self::Oaep(hash, label) => oaep_unpad(*hash, label, block.as_bytes()),
        };
        plain.map_err(|_| Status::InvalidParameter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_follow_the_context() {
        assert_eq!(check_signing_version(7, 1, 0), Err(Status::RevisionMismatch));
        assert_eq!(check_signing_version(7, 2, 0), Ok(()));
        assert_eq!(check_signing_version(6, 1, 0), Ok(()));
        assert_eq!(check_signing_version(6, 2, 0), Ok(()));
        assert_eq!(check_signing_version(5, 1, CARD_PADDING_INFO_PRESENT), Err(Status::RevisionMismatch));
        assert_eq!(check_decrypt_version(6, 0), Ok(()));
        assert_eq!(check_decrypt_version(6, 2), Err(Status::RevisionMismatch));
        assert_eq!(check_decrypt_version(7, 1), Err(Status::RevisionMismatch));
        assert_eq!(check_decrypt_version(7, 2), Ok(()));
    }

    #[test]
    fn unknown_flag_bits_are_refused() {
        assert_eq!(check_signing_flags(u32::MAX), Err(Status::InvalidParameter));
        assert_eq!(check_signing_flags(CRYPT_X931_FORMAT), Err(Status::UnsupportedFeature));
        assert_eq!(check_signing_flags(CRYPT_NOHASHOID | CARD_BUFFER_SIZE_ONLY), Ok(()));
    }

    #[test]
    fn a_bad_block_is_one_error() {
        let block = SecretBytes::new(vec![7; 128]);
        assert_eq!(Unpad::Pkcs1.apply(block.clone()), Err(Status::InvalidParameter));
        let oaep = Unpad::choose(PaddingInfo::Oaep { hash: None, label: Vec::new() }).unwrap();
        assert_eq!(oaep.apply(block), Err(Status::InvalidParameter));
    }
}
