//! Padding by the host: the structures its callbacks want, made from typed requests.

use core::ptr;

use cardmod_sys::{
    BCRYPT_OAEP_PADDING_INFO, BCRYPT_PKCS1_PADDING_INFO, BCRYPT_PSS_PADDING_INFO, CARD_PADDING_INFO_PRESENT,
    CARD_PADDING_NONE, CARD_PADDING_OAEP, CARD_PADDING_PKCS1, CARD_PADDING_PSS, CARD_RSA_DECRYPT_INFO,
    CARD_SIGNING_INFO,
};
use cardmod_types::{DecryptPadding, HashAlgorithm, SecretBytes, SignaturePadding};
use zeroize::Zeroizing;

use crate::boundary::host::{Host, wide};
use crate::context::PadRequest;
use crate::module::{KeyRef, Result};
use crate::status::Status;

/// The version of both structures that carries padding information.
const VERSION: u32 = 2;

impl Host {
    /// Asks the host for the padded block, big-endian (6.5).
    pub(crate) fn pad_for(&self, request: &PadRequest<'_>) -> Result<Zeroizing<Vec<u8>>> {
        let mut digest = request.digest.to_vec();
        let mut name = hash_name(match request.padding {
            SignaturePadding::Pkcs1 { hash } => *hash,
            SignaturePadding::Pss { hash, .. } => Some(*hash),
            SignaturePadding::None => return Err(Status::InvalidParameter),
        });
        let algorithm = name.as_mut().map_or(ptr::null_mut(), |name| name.as_mut_ptr());
        let mut pkcs1 = BCRYPT_PKCS1_PADDING_INFO { pszAlgId: algorithm };
        let mut pss = BCRYPT_PSS_PADDING_INFO { pszAlgId: algorithm, cbSalt: 0 };
        let (kind, padding) = match request.padding {
            SignaturePadding::Pss { salt_len, .. } => {
                pss.cbSalt = u32::try_from(*salt_len).map_err(|_| Status::InvalidParameter)?;
                (CARD_PADDING_PSS, (&raw mut pss).cast())
            }
            _ => (CARD_PADDING_PKCS1, (&raw mut pkcs1).cast()),
        };
        let mut info = CARD_SIGNING_INFO {
            dwVersion: VERSION,
            bContainerIndex: request.key.container.get(),
            dwKeySpec: request.key.spec.code(),
            dwSigningFlags: CARD_PADDING_INFO_PRESENT,
            aiHashAlg: 0,
            pbData: digest.as_mut_ptr(),
            cbData: u32::try_from(digest.len()).map_err(|_| Status::InvalidParameter)?,
            pbSignedData: ptr::null_mut(),
            cbSignedData: 0,
            pPaddingInfo: padding,
            dwPaddingType: kind,
        };
        // SAFETY:
        // - everything the structure points to is a local value that outlives the call.
        let mut block = unsafe { self.pad(&mut info, request.modulus_len) }?;
        if block.len() != request.modulus_len as usize {
            return Err(Status::Unexpected);
        }
        block.reverse();
        Ok(block)
    }

    /// Asks the host to take the padding off a raw decrypted block, big-endian (6.6).
    pub(crate) fn unpad_for(
        &self,
        version: u32,
        key: KeyRef,
        padding: &DecryptPadding,
        block: &[u8],
    ) -> Result<SecretBytes> {
        let mut reversed = Zeroizing::new(block.to_vec());
        reversed.reverse();
        let mut oaep =
            BCRYPT_OAEP_PADDING_INFO { pszAlgId: ptr::null_mut(), pbLabel: ptr::null_mut(), cbLabel: 0 };
        let mut name = None;
        let mut label_copy = Vec::new();
        let (kind, info) = match padding {
            DecryptPadding::None => (CARD_PADDING_NONE, ptr::null_mut()),
            DecryptPadding::Pkcs1 => (CARD_PADDING_PKCS1, ptr::null_mut()),
            DecryptPadding::Oaep { hash, label } => {
                label_copy.extend_from_slice(label);
                oaep.pszAlgId = name.insert(wide(hash.cng_name())).as_mut_ptr();
                oaep.pbLabel = label_copy.as_mut_ptr();
                oaep.cbLabel = u32::try_from(label.len()).map_err(|_| Status::InvalidParameter)?;
                (CARD_PADDING_OAEP, (&raw mut oaep).cast())
            }
        };
        let mut info = CARD_RSA_DECRYPT_INFO {
            dwVersion: VERSION,
            bContainerIndex: key.container.get(),
            dwKeySpec: key.spec.code(),
            pbData: reversed.as_mut_ptr(),
            cbData: u32::try_from(block.len()).map_err(|_| Status::InvalidParameter)?,
            pPaddingInfo: info,
            dwPaddingType: kind,
        };
        // SAFETY:
        // - everything the structure points to is a local value that outlives the call.
        let mut plain = unsafe { self.unpad(version, &mut info) }?;
        plain.reverse();
        Ok(SecretBytes::from(plain))
    }
}

fn hash_name(hash: Option<HashAlgorithm>) -> Option<Vec<u16>> {
    hash.map(|hash| wide(hash.cng_name()))
}
