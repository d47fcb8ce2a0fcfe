//! The administrator: authentication with the management key, mutual where the card can, and its
//! replacement (SP 800-73-5 part 2, section 3.2.4 and appendix A; SET MANAGEMENT KEY of Yubico).

use cardmod_iso7816::tlv::{Tag, Writer, single};
use cardmod_iso7816::{Command, Le, StatusWord};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::error::refused;
use crate::management::MAX_BLOCK;
use crate::state::Selection;
use crate::{KeyReference, ManagementAlgorithm, ManagementKey, PivCard, PivCommand, PivError, TouchPolicy};

/// Tag of the dynamic authentication template.
const TEMPLATE: Tag = Tag::new(0x7C);
/// Tag of a witness in it: what the card encrypted, and we decrypt.
const WITNESS: Tag = Tag::new(0x80);
/// Tag of a challenge in it.
const CHALLENGE: Tag = Tag::new(0x81);
/// Tag of a response in it.
const RESPONSE: Tag = Tag::new(0x82);

/// A challenge for whoever holds the management key; the answer is one block encrypted
/// ([`ManagementKey::respond`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagementChallenge {
    /// What kind of key the card has.
    pub algorithm: ManagementAlgorithm,
    /// The block to encrypt: 8 bytes for triple DES, 16 for AES.
    pub block: Vec<u8>,
}

/// What the card asked, and in which algorithm.
type Question = (ManagementAlgorithm, Zeroizing<Vec<u8>>);

impl PivCard<'_> {
    /// Authenticates the administrator, and the card to us: each side proves that it has the key. A card
    /// that knows only the one-sided form is content with our proof.
    ///
    /// The algorithm is the one this card's key was found to have before, else the one given with the
    /// key, else whatever the card takes. `nonce` is fresh randomness of the caller; triple DES uses half.
    ///
    /// # Errors
    ///
    /// [`PivError::WrongManagementKey`]; [`PivError::OtherManagementAlgorithm`] where the card's key is of
    /// another kind; [`PivError::CardNotAuthentic`] where the card's own proof is wrong; the card's refusal.
    /// In each case the administrator is not authenticated.
    pub fn authenticate_management(
        &mut self,
        key: &ManagementKey,
        nonce: [u8; MAX_BLOCK],
    ) -> Result<(), PivError> {
        self.require_selected()?;
        self.state.verified.management = false;
        let algorithms = self.likely_algorithms(key);
        if let Some((algorithm, witness)) = self.first_answer(&algorithms, WITNESS)? {
            return self.prove_both(key, algorithm, &witness, nonce);
        }
        if let Some((algorithm, challenge)) = self.first_answer(&algorithms, CHALLENGE)? {
            let response = key.respond(algorithm, &challenge)?;
            return self.answer(algorithm, &response);
        }
        let known = self.management_metadata()?.and_then(|metadata| metadata.management_algorithm());
        match known.filter(|known| !algorithms.contains(known)) {
            Some(algorithm) => Err(PivError::OtherManagementAlgorithm(algorithm)),
            None => Err(PivError::Unsupported("a management key of this kind")),
        }
    }

    /// Fetches a challenge for the holder of the management key, wherever that is. Without an algorithm the
    /// one the card takes is found by asking.
    ///
    /// # Errors
    ///
    /// [`PivError::Unsupported`] where the card gives none; [`PivError::Malformed`] for one of another
    /// length than the algorithm's block.
    pub fn management_challenge(
        &mut self,
        algorithm: Option<ManagementAlgorithm>,
    ) -> Result<ManagementChallenge, PivError> {
        self.require_selected()?;
        self.state.pending = None;
        let mut algorithms = Vec::from_iter(algorithm.or(self.state.facts.management_algorithm));
        if algorithm.is_none() {
            algorithms.extend(ManagementAlgorithm::ALL);
        }
        let (algorithm, block) = self
            .first_answer(&algorithms, CHALLENGE)?
            .ok_or(PivError::Unsupported("a challenge to the administrator"))?;
        self.state.pending = Some(algorithm);
        Ok(ManagementChallenge { algorithm, block: block.to_vec() })
    }

    /// Sends the answer to the challenge fetched last, which is used up either way. The administrator is
    /// authenticated afterwards.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] without a challenge, or for an answer of another length;
    /// [`PivError::WrongManagementKey`]; the card's refusal.
    pub fn management_response(&mut self, response: &[u8]) -> Result<(), PivError> {
        let pending = self.state.pending.take();
        let algorithm = pending.ok_or(PivError::InvalidInput("no challenge was fetched"))?;
        if response.len() != algorithm.block_len() {
            return Err(PivError::InvalidInput("the response is not as long as the challenge"));
        }
        self.answer(algorithm, response)
    }

    /// Replaces the management key, of which the algorithm must be known; the administrator must be
    /// authenticated, and stays so. `touch` says whether the card wants to be touched before it is used.
    ///
    /// What Yubico's tools keep beside the key is not changed: see
    /// [`protect_management_key`](Self::protect_management_key) and
    /// [`expose_management_key`](Self::expose_management_key), which do.
    ///
    /// # Errors
    ///
    /// [`PivError::InvalidInput`] without an algorithm; [`PivError::Unsupported`] where the card has not
    /// the command, or refuses the algorithm or touch policy; the card's refusal, after which the old key
    /// is the card's.
    pub fn set_management_key(&mut self, key: &ManagementKey, touch: TouchPolicy) -> Result<(), PivError> {
        let algorithm =
            key.algorithm().ok_or(PivError::InvalidInput("the new key's algorithm is not known"))?;
        let p2 = match touch {
            TouchPolicy::Default | TouchPolicy::Never => 0xFF,
            TouchPolicy::Always => 0xFE,
            TouchPolicy::Cached => 0xFD,
        };
        let mut data = Zeroizing::new(Vec::with_capacity(3 + algorithm.key_len()));
        // The longest key has 32 bytes.
        data.extend([algorithm.id(), KeyReference::MANAGEMENT.get(), algorithm.key_len() as u8]);
        data.extend_from_slice(key.as_bytes());
        let command = Command::new(0x00, 0xFF, 0xFF, p2).secret_data(data);
        let outcome = self.extension(PivCommand::SetManagementKey, &command);
        match outcome {
            Ok(_) => {
                self.state.facts.management_algorithm = Some(algorithm);
                Ok(())
            }
            Err(PivError::Status {
                status: StatusWord::INCORRECT_P1_P2 | StatusWord::WRONG_DATA, ..
            }) => Err(PivError::Unsupported("a management key of this algorithm or touch policy")),
            Err(error) => Err(self.without_right(error)),
        }
    }

    /// The algorithms to ask for, the likely one first.
    fn likely_algorithms(&self, key: &ManagementKey) -> Vec<ManagementAlgorithm> {
        let mut algorithms: Vec<_> = key.candidates().collect();
        if let Some(known) = self.state.facts.management_algorithm {
            algorithms.sort_by_key(|algorithm| *algorithm != known);
        }
        algorithms
    }

    /// What the card answers when asked for a witness or challenge in one algorithm after the other: the
    /// first one it does not refuse as another key's.
    fn first_answer(
        &mut self,
        algorithms: &[ManagementAlgorithm],
        what: Tag,
    ) -> Result<Option<Question>, PivError> {
        for algorithm in algorithms {
            let data = Writer::new().template(TEMPLATE, |template| template.object(what, &[])).finish();
            let command = authenticate(*algorithm, data).le(Le::Short);
            match self.command(PivCommand::AuthenticateManagement, &command) {
                Ok(answer) => {
                    let block = dynamic(&answer, what).filter(|block| block.len() == algorithm.block_len());
                    let block = block.ok_or(PivError::Malformed("challenge to the administrator"))?;
                    self.state.facts.management_algorithm = Some(*algorithm);
                    return Ok(Some((*algorithm, Zeroizing::new(block.to_vec()))));
                }
                Err(PivError::Status { status, .. }) if is_other_algorithm(status) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The second half of the mutual form: the decrypted witness and our challenge go out, the card's
    /// answer to it comes back.
    fn prove_both(
        &mut self,
        key: &ManagementKey,
        algorithm: ManagementAlgorithm,
        witness: &[u8],
        nonce: [u8; MAX_BLOCK],
    ) -> Result<(), PivError> {
        let challenge = &nonce[..algorithm.block_len()];
        let expected = key.respond(algorithm, challenge)?;
        let proof = key.decrypt(algorithm, witness)?;
        let data = Writer::new()
            .template(TEMPLATE, |template| template.object(WITNESS, &proof).object(CHALLENGE, challenge))
            .finish();
        let answer = self.conclude(&authenticate(algorithm, data).le(Le::Short))?;
        let is_authentic = dynamic(&answer, RESPONSE).is_some_and(|answer| answer.ct_eq(&expected).into());
        if !is_authentic {
            return Err(PivError::CardNotAuthentic);
        }
        self.state.verified.management = true;
        Ok(())
    }

    /// The second half of the one-sided form.
    fn answer(&mut self, algorithm: ManagementAlgorithm, response: &[u8]) -> Result<(), PivError> {
        let data = Writer::new().template(TEMPLATE, |template| template.object(RESPONSE, response)).finish();
        self.conclude(&authenticate(algorithm, data))?;
        self.state.verified.management = true;
        Ok(())
    }

    /// Sends the second half. No SELECT in between, even when the selection is only believed: it would
    /// void the challenge.
    fn conclude(&mut self, command: &Command) -> Result<Zeroizing<Vec<u8>>, PivError> {
        self.state.verified.management = false;
        let response = self.send(command)?;
        match response.status {
            StatusWord::OK => {
                self.state.selection = Selection::Certain;
                Ok(response.data)
            }
            StatusWord::WRONG_DATA | StatusWord::SECURITY_STATUS_NOT_SATISFIED => {
                Err(PivError::WrongManagementKey)
            }
            status if status.sw1() == 0x63 => Err(PivError::WrongManagementKey),
            status => Err(refused(PivCommand::AuthenticateManagement, status)),
        }
    }

    /// A refusal of a write; after one for want of the right nobody is the administrator.
    pub(crate) fn without_right(&mut self, error: PivError) -> PivError {
        if error.is_access_denied() {
            self.state.verified.management = false;
        }
        error
    }
}

fn authenticate(algorithm: ManagementAlgorithm, data: Zeroizing<Vec<u8>>) -> Command {
    Command::new(0x00, 0x87, algorithm.id(), KeyReference::MANAGEMENT.get()).secret_data(data)
}

/// The object with this tag in a dynamic authentication template.
fn dynamic(answer: &[u8], tag: Tag) -> Option<&[u8]> {
    let template = single(answer).ok().filter(|tlv| tlv.tag == TEMPLATE)?;
    template.children().find(tag).ok()?
}

/// Refusals of an algorithm, or of a form of authentication, that the card's key is not made for.
const fn is_other_algorithm(status: StatusWord) -> bool {
    matches!(
        status,
        StatusWord::INCORRECT_P1_P2
            | StatusWord::WRONG_DATA
            | StatusWord::FUNCTION_NOT_SUPPORTED
            | StatusWord::REFERENCED_DATA_NOT_FOUND
    )
}
