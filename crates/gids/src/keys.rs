//! Use of container keys: MANAGE SECURITY ENVIRONMENT and PERFORM SECURITY OPERATION; and the data field
//! of PUT KEY.

use cardmod_iso7816::tlv::{Tag, Writer};
use cardmod_iso7816::{Command, Le, StatusWord, ecdsa_fixed_width};
use cardmod_types::{EcPublicKey, SecretBytes};
use zeroize::Zeroizing;

use crate::algorithm::{KeyAlgorithm, KeyOperation};
use crate::card::{GidsCard, is_foreign, refused};
use crate::state::Environment;
use crate::{GidsCommand, GidsError};

/// A key the card can be asked to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CardKey {
    /// Its reference, `81` to `9E`.
    pub reference: u8,
    /// What it is.
    pub algorithm: KeyAlgorithm,
}

impl GidsCard<'_> {
    /// RSA signature over a `DigestInfo` (or a bare hash); the card adds the PKCS#1 v1.5 padding.
    ///
    /// # Errors
    ///
    /// The card's refusal: `6982` when the user is not verified; [`GidsError::InvalidInput`] when the key
    /// is not RSA, or the input too long for it.
    pub fn sign_pkcs1(&mut self, key: CardKey, digest_info: &[u8]) -> Result<Vec<u8>, GidsError> {
        check_rsa(key)?;
        if digest_info.len() + 11 > key.algorithm.byte_len() {
            return Err(GidsError::InvalidInput("the input is too long for the key"));
        }
        let answer = self.operate(key, KeyOperation::SignPkcs1, GidsCommand::Sign, digest_info)?;
        Ok(block(&answer, key)?.to_vec())
    }

    /// RSA signature over a full block of the modulus' length, padded by the caller (PSS).
    ///
    /// A key whose EF, or card, has no raw signature is asked for the raw decipherment instead, which is
    /// the same operation.
    ///
    /// # Errors
    ///
    /// As [`sign_pkcs1`](Self::sign_pkcs1); [`GidsError::InvalidInput`] for a block of another length.
    pub fn sign_raw(&mut self, key: CardKey, padded: &[u8]) -> Result<Vec<u8>, GidsError> {
        check_block(key, padded)?;
        let outcome = match self.operate(key, KeyOperation::SignRaw, GidsCommand::Sign, padded) {
            Err(GidsError::Status { status, .. }) if is_algorithm_refusal(status) => {
                self.operate(key, KeyOperation::DecipherRaw, GidsCommand::Decipher, padded)
            }
            outcome => outcome,
        };
        Ok(block(&outcome?, key)?.to_vec())
    }

    /// ECDSA signature over a hash no longer than the curve: `r‖s`, each as long as a coordinate.
    ///
    /// # Errors
    ///
    /// The card's refusal; [`GidsError::InvalidInput`] when the key is not EC or the hash too long,
    /// [`GidsError::Malformed`] when the answer is no signature.
    pub fn sign_ecdsa(&mut self, key: CardKey, hash: &[u8]) -> Result<Vec<u8>, GidsError> {
        let curve = key.algorithm.curve().ok_or(GidsError::InvalidInput("the key is not an EC key"))?;
        if hash.is_empty() || hash.len() > curve.coordinate_len() {
            return Err(GidsError::InvalidInput("the hash does not fit the curve"));
        }
        let answer = self.operate(key, KeyOperation::SignRaw, GidsCommand::Sign, hash)?;
        ecdsa_fixed_width(&answer, curve.coordinate_len()).ok_or(GidsError::Malformed("signature"))
    }

    /// The raw RSA private-key operation on a cryptogram of the modulus' length; the padding stays in.
    ///
    /// # Errors
    ///
    /// As [`sign_raw`](Self::sign_raw).
    pub fn decipher_raw(&mut self, key: CardKey, cryptogram: &[u8]) -> Result<SecretBytes, GidsError> {
        check_block(key, cryptogram)?;
        let answer = self.operate(key, KeyOperation::DecipherRaw, GidsCommand::Decipher, cryptogram)?;
        Ok(SecretBytes::new(block(&answer, key)?.to_vec()))
    }

    /// Key agreement, this project's extension: `04‖X‖Y` of the peer goes in, X of the shared point comes
    /// out, big-endian and as long as a coordinate.
    ///
    /// # Errors
    ///
    /// The card's refusal; [`GidsError::InvalidInput`] when key and point are not of one curve,
    /// [`GidsError::Malformed`] for an answer of another length.
    pub fn agree(&mut self, key: CardKey, peer: &EcPublicKey) -> Result<SecretBytes, GidsError> {
        if key.algorithm.curve() != Some(peer.curve()) {
            return Err(GidsError::InvalidInput("the key and the peer's point are not of one curve"));
        }
        let point = peer.to_uncompressed();
        let answer = self.operate(key, KeyOperation::Agree, GidsCommand::KeyAgreement, &point)?;
        if answer.len() != key.algorithm.byte_len() {
            return Err(GidsError::Malformed("shared secret"));
        }
        Ok(SecretBytes::new(answer.to_vec()))
    }

    /// PSO with the key, after MSE where the key and algorithm are not the current ones. When a reused
    /// environment turns out to be gone, it is set once more.
    fn operate(
        &mut self,
        key: CardKey,
        operation: KeyOperation,
        name: GidsCommand,
        data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, GidsError> {
        self.require_selected()?;
        let wanted = Environment {
            algorithm_reference: operation.reference(key.algorithm),
            key_reference: key.reference,
        };
        let reused = *self.state.environments.slot(operation) == Some(wanted);
        if !reused {
            self.set_environment(operation, wanted)?;
        }
        let command = security_operation(key, operation, data);
        let mut response = self.send(&command)?;
        if reused && !response.status.is_ok() && is_environment_lost(response.status) {
            self.set_environment(operation, wanted)?;
            response = self.send(&command)?;
        }
        if !response.status.is_ok() {
            *self.state.environments.slot(operation) = None;
        }
        response.ok().map_err(|status| refused(name, status))
    }

    /// MSE SET. A card on which another application turns out to be selected is selected again, so that
    /// the refusal that follows is about the right that is missing.
    fn set_environment(&mut self, operation: KeyOperation, wanted: Environment) -> Result<(), GidsError> {
        *self.state.environments.slot(operation) = None;
        let data = [0x80, 0x01, wanted.algorithm_reference, 0x84, 0x01, wanted.key_reference];
        let command = Command::new(0x00, 0x22, 0x41, operation.template()).data(&data);
        let mut status = self.send(&command)?.status;
        if is_foreign(status) {
            self.select()?;
            status = self.send(&command)?.status;
        }
        match status {
            StatusWord::OK => {
                *self.state.environments.slot(operation) = Some(wanted);
                self.state.environments.touched = true;
                Ok(())
            }
            status => {
                if status == StatusWord::SECURITY_STATUS_NOT_SATISFIED {
                    self.state.verified.user = false;
                }
                Err(refused(GidsCommand::ManageSecurityEnvironment, status))
            }
        }
    }
}

/// The data field of PUT KEY: `70 { 84 reference, A5 { parts } }`.
pub(crate) fn put_key(reference: u8, parts: impl FnOnce(Writer) -> Writer) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(Tag::new(0x70), |key| {
            key.object(Tag::new(0x84), &[reference]).template(Tag::new(0xA5), parts)
        })
        .finish()
}

fn security_operation(key: CardKey, operation: KeyOperation, data: &[u8]) -> Command {
    let (p1, p2) = match operation {
        KeyOperation::SignPkcs1 | KeyOperation::SignRaw => (0x9E, 0x9A),
        KeyOperation::DecipherRaw | KeyOperation::Agree => (0x80, 0x86),
    };
    // Extended length pays only where data or answer do not fit a short APDU.
    let le = if data.len() > 255 || key.algorithm.byte_len() > 256 { Le::All } else { Le::Short };
    Command::new(0x00, 0x2A, p1, p2).data(data).le(le)
}

/// An answer that is a number below the modulus, brought to the modulus' length: cards exist that drop
/// leading zeros.
fn block(answer: &[u8], key: CardKey) -> Result<Zeroizing<Vec<u8>>, GidsError> {
    let length = key.algorithm.byte_len();
    if answer.is_empty() || answer.len() > length {
        return Err(GidsError::Malformed("answer to a key operation"));
    }
    let mut block = Zeroizing::new(vec![0; length]);
    block[length - answer.len()..].copy_from_slice(answer);
    Ok(block)
}

fn check_rsa(key: CardKey) -> Result<(), GidsError> {
    if key.algorithm.is_rsa() { Ok(()) } else { Err(GidsError::InvalidInput("the key is not an RSA key")) }
}

fn check_block(key: CardKey, data: &[u8]) -> Result<(), GidsError> {
    check_rsa(key)?;
    if data.len() == key.algorithm.byte_len() {
        Ok(())
    } else {
        Err(GidsError::InvalidInput("the block does not have the length of the modulus"))
    }
}

/// Refusals of an algorithm the key or card lacks, as opposed to a missing right or a bad block.
const fn is_algorithm_refusal(status: StatusWord) -> bool {
    matches!(
        status,
        StatusWord::NO_DIAGNOSIS | StatusWord::FUNCTION_NOT_SUPPORTED | StatusWord::REFERENCE_DATA_NOT_USABLE
    )
}

/// Refusals of PSO that an MSE may cure.
const fn is_environment_lost(status: StatusWord) -> bool {
    is_foreign(status)
        || matches!(
            status,
            StatusWord::SECURITY_STATUS_NOT_SATISFIED
                | StatusWord::REFERENCE_DATA_NOT_USABLE
                | StatusWord::CONDITIONS_NOT_SATISFIED
                | StatusWord::REFERENCED_DATA_NOT_FOUND
        )
}
