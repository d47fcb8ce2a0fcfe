//! Use of the cardholder's keys: GENERAL AUTHENTICATE (SP 800-73 part 2, section 3.2.4).
//!
//! The command names key and algorithm, so it may be sent before anything is known of the card's state: it
//! can at worst fail. `6982` then says that the PIN is to be verified first.

use cardmod_iso7816::tlv::{Reader, Tag, Writer};
use cardmod_iso7816::{Command, Le, Response, StatusWord, ecdsa_fixed_width};
use cardmod_types::{EcCurve, SecretBytes};
use zeroize::Zeroizing;

use crate::card::PivCard;
use crate::error::refused;
use crate::state::Selection;
use crate::{KeyAlgorithm, PivCommand, PivError, Slot, SlotKey};

/// The longest message for Ed25519: what one extended APDU can carry, and more than any card takes.
const MAX_MESSAGE: usize = 65_000;
/// Tag of the dynamic authentication template.
const TEMPLATE: Tag = Tag::new(0x7C);
/// Tag of what is signed or deciphered.
const CHALLENGE: Tag = Tag::new(0x81);
/// Tag of the result; empty in the command.
const RESPONSE: Tag = Tag::new(0x82);
/// Tag of the other party's point.
const EXPONENTIATION: Tag = Tag::new(0x85);

impl PivCard<'_> {
    /// Signs.
    ///
    /// For RSA `input` is the block of the modulus' length, padded by the caller (PKCS#1 v1.5, PSS), and the
    /// signature is as long. For P-256 and P-384 it is a hash, brought to the curve's length here, and the
    /// signature is `r‖s`, each as long as a coordinate. For Ed25519 it is the whole message, and the
    /// signature has 64 bytes.
    ///
    /// Nothing else is sent where the application is selected, so that a PIN-always key can be used right
    /// after VERIFY.
    ///
    /// # Errors
    ///
    /// The card's refusal: `6982` when the PIN is to be verified (again), `6A80` or `6A86` where the place has
    /// no such key, after which its certificate is read anew, `6985` when nobody touched the token; [`PivError::InvalidInput`] for input of a wrong
    /// length.
    pub fn sign(&mut self, slot: Slot, algorithm: KeyAlgorithm, input: &[u8]) -> Result<Vec<u8>, PivError> {
        match algorithm {
            KeyAlgorithm::X25519 => Err(PivError::InvalidInput("an X25519 key does not sign")),
            KeyAlgorithm::Ed25519 if input.len() > MAX_MESSAGE => {
                Err(PivError::InvalidInput("the message is too long for a card"))
            }
            KeyAlgorithm::Ed25519 => {
                let signature = self.operate(slot, algorithm, CHALLENGE, input)?;
                check_len(&signature, 64)?;
                Ok(signature.to_vec())
            }
            _ => match algorithm.curve() {
                Some(curve) => self.sign_hash(slot, algorithm, curve, input),
                None => self.raw_rsa(slot, algorithm, input).map(|block| block.to_vec()),
            },
        }
    }

    fn sign_hash(
        &mut self,
        slot: Slot,
        algorithm: KeyAlgorithm,
        curve: EcCurve,
        hash: &[u8],
    ) -> Result<Vec<u8>, PivError> {
        if hash.is_empty() {
            return Err(PivError::InvalidInput("there is no hash to sign"));
        }
        let answer = self.operate(slot, algorithm, CHALLENGE, &fitted(hash, curve.coordinate_len()))?;
        ecdsa_fixed_width(&answer, curve.coordinate_len()).ok_or(PivError::Malformed("signature"))
    }

    /// The raw RSA private-key operation on a cryptogram of the modulus' length; the padding stays in.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign).
    pub fn decipher(
        &mut self,
        slot: Slot,
        algorithm: KeyAlgorithm,
        cryptogram: &[u8],
    ) -> Result<SecretBytes, PivError> {
        self.raw_rsa(slot, algorithm, cryptogram).map(SecretBytes::from)
    }

    /// Key agreement with the other party's public key: X of the shared point, as long as a coordinate
    /// (P-256, P-384), or the shared secret of X25519.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign); [`PivError::InvalidInput`] for a key that agrees with nobody.
    pub fn agree(&mut self, slot: Slot, peer: &SlotKey) -> Result<SecretBytes, PivError> {
        const UNFIT: PivError = PivError::InvalidInput("a PIV card does not agree on keys of this kind");
        let (point, algorithm) = match peer {
            SlotKey::Ec(key) => (key.to_uncompressed(), KeyAlgorithm::ec(key.curve()).ok_or(UNFIT)?),
            SlotKey::X25519(point) => (point.to_vec(), KeyAlgorithm::X25519),
            SlotKey::Rsa(_) | SlotKey::Ed25519(_) => return Err(UNFIT),
        };
        let secret = self.operate(slot, algorithm, EXPONENTIATION, &point)?;
        check_len(&secret, algorithm.byte_len())?;
        Ok(SecretBytes::from(secret))
    }

    fn raw_rsa(
        &mut self,
        slot: Slot,
        algorithm: KeyAlgorithm,
        block: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        if !algorithm.is_rsa() {
            return Err(PivError::InvalidInput("the key is not an RSA key"));
        }
        let length = algorithm.byte_len();
        if block.len() != length {
            return Err(PivError::InvalidInput("the block does not have the length of the modulus"));
        }
        let answer = self.operate(slot, algorithm, CHALLENGE, block)?;
        // Cards exist that drop the number's leading zeros.
        let missing = length.checked_sub(answer.len()).filter(|_| !answer.is_empty());
        let start = missing.ok_or(PivError::Malformed("answer to a key operation"))?;
        let mut result = Zeroizing::new(vec![0; length]);
        result[start..].copy_from_slice(&answer);
        Ok(result)
    }

    /// GENERAL AUTHENTICATE with the key; what is inside of `82`.
    fn operate(
        &mut self,
        slot: Slot,
        algorithm: KeyAlgorithm,
        tag: Tag,
        input: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        let command = general_authenticate(slot, algorithm, tag, input);
        // A trial of extended length that fails would stand between VERIFY and the key.
        let short = slot.is_pin_always() && self.state.just_verified;
        let response = self.use_key(slot, &command, short)?;
        match response.status {
            StatusWord::OK => {}
            status => {
                if status == StatusWord::SECURITY_STATUS_NOT_SATISFIED && !slot.is_pin_always() {
                    self.state.verified.user = false;
                }
                if is_about_key(status) {
                    // The place may hold another key by now than the one that is remembered.
                    self.state.forget_object(slot.object());
                }
                return Err(refused(PivCommand::UseKey, status));
            }
        }
        let result = result(&response).ok_or(PivError::Malformed("answer to a key operation"))?;
        let result = Zeroizing::new(result.to_vec());
        // No other application has an answer like that.
        self.state.selection = Selection::Certain;
        Ok(result)
    }

    /// Sends the command at once where the selection is believed; where the answer may come from another
    /// application PIV is selected, and the command sent once more.
    fn use_key(&mut self, slot: Slot, command: &Command, cautiously: bool) -> Result<Response, PivError> {
        let belief = self.state.selection;
        if belief == Selection::Unknown {
            self.select()?;
        }
        let response = if cautiously { self.send_proven(command)? } else { self.send(command)? };
        let again = match belief {
            Selection::Unknown => false,
            Selection::Believed => speaks_against_piv(response.status, slot),
            Selection::Certain => crate::card::is_foreign(response.status),
        };
        if again {
            self.state.interrupted();
            self.select()?;
            return self.send(command);
        }
        Ok(response)
    }
}

fn general_authenticate(slot: Slot, algorithm: KeyAlgorithm, tag: Tag, input: &[u8]) -> Command {
    let template = Writer::new()
        .template(TEMPLATE, |template| template.object(RESPONSE, &[]).object(tag, input))
        .finish();
    // Extended length pays only where data or answer do not fit a short APDU.
    let le = if template.len() > 255 || algorithm.byte_len() > 248 { Le::All } else { Le::Short };
    Command::new(0x00, 0x87, algorithm.id(), slot.reference().get()).secret_data(template).le(le)
}

/// What is inside of `82`, wherever in the template it stands.
fn result(response: &Response) -> Option<&[u8]> {
    let template = Reader::new(&response.data).next()?.ok()?;
    let is_template = template.tag == TEMPLATE;
    is_template.then(|| template.children().find(RESPONSE).ok().flatten()).flatten()
}

/// Whether an answer to the use of a key is no reason to think that PIV gave it. A missing right is one,
/// but for a key that everybody may use; so are a missing touch and a PIN that is blocked.
fn speaks_against_piv(status: StatusWord, slot: Slot) -> bool {
    match status {
        StatusWord::OK | StatusWord::CONDITIONS_NOT_SATISFIED | StatusWord::AUTHENTICATION_BLOCKED => false,
        StatusWord::SECURITY_STATUS_NOT_SATISFIED => slot.is_free(),
        _ => true,
    }
}

/// Refusals of cards whose key is of another kind than the command says, or not there.
const fn is_about_key(status: StatusWord) -> bool {
    matches!(
        status,
        StatusWord::WRONG_DATA | StatusWord::INCORRECT_P1_P2 | StatusWord::REFERENCED_DATA_NOT_FOUND
    )
}

/// A hash as long as the curve's numbers: a shorter one with zeros in front, of a longer one the front
/// (FIPS 186-5, section 6.4.1).
fn fitted(hash: &[u8], length: usize) -> Vec<u8> {
    let front = &hash[..hash.len().min(length)];
    [&vec![0; length - front.len()], front].concat()
}

fn check_len(answer: &[u8], length: usize) -> Result<(), PivError> {
    if answer.len() == length { Ok(()) } else { Err(PivError::Malformed("answer to a key operation")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_the_standards() {
        let command = general_authenticate(Slot::Authentication, KeyAlgorithm::P256, CHALLENGE, &[7; 32]);
        assert_eq!((command.ins, command.p1, command.p2, command.le), (0x87, 0x11, 0x9A, Some(Le::Short)));
        assert_eq!(command.data[..6], [0x7C, 0x24, 0x82, 0x00, 0x81, 0x20]);
        let rsa = general_authenticate(Slot::Authentication, KeyAlgorithm::Rsa2048, CHALLENGE, &[7; 256]);
        assert_eq!(rsa.data[..10], [0x7C, 0x82, 0x01, 0x06, 0x82, 0x00, 0x81, 0x82, 0x01, 0x00]);
        assert_eq!((rsa.data.len(), rsa.le), (266, Some(Le::All)));
    }

    #[test]
    fn hashes_are_brought_to_the_curves_length() {
        assert_eq!(fitted(&[1, 2, 3], 3), [1, 2, 3]);
        assert_eq!(fitted(&[1, 2], 4), [0, 0, 1, 2]);
        assert_eq!(fitted(&[1, 2, 3], 2), [1, 2]);
    }
}
