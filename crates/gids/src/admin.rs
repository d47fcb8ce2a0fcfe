//! The administrator: authentication with the admin key, one-way or mutual, and its replacement (GIDS,
//! GENERAL AUTHENTICATE; PUT KEY).

use std::fmt;

use cardmod_iso7816::tlv::{Tag, Writer, single};
use cardmod_iso7816::{Command, Le, StatusWord};
use cardmod_types::SecretBytes;
use zeroize::Zeroizing;

use crate::card::{GidsCard, refused};
use crate::keys::put_key;
use crate::state::Selection;
use crate::{GidsCommand, GidsError};

/// Reference of the admin key.
pub(crate) const ADMIN_KEY: u8 = 0x80;
/// Tag of the dynamic authentication template.
const TEMPLATE: Tag = Tag::new(0x7C);
/// Tag of a challenge in it.
const CHALLENGE: Tag = Tag::new(0x81);
/// Tag of a response in it.
const RESPONSE: Tag = Tag::new(0x82);
/// Length of the card's challenge for external authentication.
const EXTERNAL: usize = 8;
/// Length of either side's challenge for mutual authentication.
const MUTUAL: usize = 16;
/// Length of the token of mutual authentication with 3-key triple DES.
const TOKEN: usize = 40;
/// Length of a 3-key triple DES key.
const TRIPLE_DES: usize = 24;

/// The random numbers of our side of a mutual authentication. Key material is among them, so they are
/// wiped when dropped and never printed.
#[derive(zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
pub struct MutualNonces {
    /// R1, our challenge.
    pub challenge: [u8; MUTUAL],
    /// Z1, our half of the session key material.
    pub key_material: [u8; 7],
}

/// What the holder of the admin key has to encrypt with 3-key triple DES in CBC mode, IV zero, without
/// further padding. The result is the answer for [`GidsCard::authenticate_admin`].
#[derive(Clone, PartialEq, Eq)]
pub enum AdminChallenge {
    /// One block: the card's challenge.
    External([u8; EXTERNAL]),
    /// Five blocks: both challenges, our key material and the padding, `R2‖R1‖Z1‖80`.
    Mutual([u8; TOKEN]),
}

impl AdminChallenge {
    /// The bytes to encrypt: a whole number of 8-byte blocks.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::External(challenge) => challenge,
            Self::Mutual(token) => token,
        }
    }
}

/// Prints the kind only: the long form contains key material.
impl fmt::Debug for AdminChallenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::External(_) => "External",
            Self::Mutual(_) => "Mutual",
        })
    }
}

/// A challenge the card waits for the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PendingChallenge {
    External,
    Mutual,
}

impl PendingChallenge {
    const fn answer_len(self) -> usize {
        match self {
            Self::External => EXTERNAL,
            Self::Mutual => TOKEN,
        }
    }
}

impl GidsCard<'_> {
    /// Fetches a challenge for external authentication.
    ///
    /// # Errors
    ///
    /// The card's refusal; [`GidsError::Malformed`] for a challenge that is not 8 bytes.
    pub fn external_challenge(&mut self) -> Result<AdminChallenge, GidsError> {
        let answer = self.begin(Command::new(0x00, 0x87, 0x00, 0x00).data(&[0x7C, 0x02, 0x81, 0x00]))?;
        let challenge = dynamic(&answer, CHALLENGE).and_then(|value| value.try_into().ok());
        self.state.pending = Some(PendingChallenge::External);
        challenge.map(AdminChallenge::External).ok_or(GidsError::Malformed("challenge"))
    }

    /// Exchanges challenges for mutual authentication. `nonces` are to be fresh random numbers.
    ///
    /// # Errors
    ///
    /// The card's refusal; [`GidsError::Malformed`] for a challenge that is not 16 bytes.
    pub fn mutual_challenge(&mut self, nonces: &MutualNonces) -> Result<AdminChallenge, GidsError> {
        let data = Writer::new().template(TEMPLATE, |t| t.object(CHALLENGE, &nonces.challenge)).finish();
        let answer = self.begin(Command::new(0x00, 0x87, 0x00, 0x00).secret_data(data))?;
        let theirs = dynamic(&answer, CHALLENGE).filter(|value| value.len() == MUTUAL);
        let theirs = theirs.ok_or(GidsError::Malformed("challenge"))?;
        let mut token = [0; TOKEN];
        token[..16].copy_from_slice(theirs);
        token[16..32].copy_from_slice(&nonces.challenge);
        token[32..39].copy_from_slice(&nonces.key_material);
        token[39] = 0x80;
        self.state.pending = Some(PendingChallenge::Mutual);
        Ok(AdminChallenge::Mutual(token))
    }

    fn begin(&mut self, command: Command) -> Result<Zeroizing<Vec<u8>>, GidsError> {
        let chosen = Command::new(0x00, 0x22, 0x81, 0xA4).data(&[0x83, 0x01, ADMIN_KEY]);
        self.command(GidsCommand::ManageSecurityEnvironment, &chosen)?;
        self.command(GidsCommand::GeneralAuthenticate, &command.le(Le::Short))
    }

    /// Sends the answer to the challenge fetched last. The administrator is authenticated afterwards;
    /// either way the challenge is used up. The card's own proof in a mutual authentication cannot be
    /// checked here: only the holder of the admin key could.
    ///
    /// # Errors
    ///
    /// [`GidsError::InvalidInput`] without a challenge, or for an answer of another length than the
    /// challenge; the card's refusal: `6982` for a wrong answer.
    pub fn authenticate_admin(&mut self, answer: &[u8]) -> Result<(), GidsError> {
        let pending = self.state.pending.take().ok_or(GidsError::InvalidInput("no challenge was fetched"))?;
        if answer.len() != pending.answer_len() {
            return Err(GidsError::InvalidInput("the response is not as long as the challenge"));
        }
        let data = Writer::new().template(TEMPLATE, |t| t.object(RESPONSE, answer)).finish();
        let mut command = Command::new(0x00, 0x87, 0x00, 0x00).secret_data(data);
        if pending == PendingChallenge::Mutual {
            command = command.le(Le::Short);
        }
        // No SELECT in between, even when the selection is only believed: it would void the challenge.
        let response = self.send(&command)?;
        self.state.verified.admin = response.status.is_ok();
        if response.status.is_ok() {
            self.state.selection = Selection::Certain;
        }
        response.ok().map(drop).map_err(|status| refused(GidsCommand::GeneralAuthenticate, status))
    }

    /// Replaces the admin key; the administrator must be authenticated. `check_value` is the first three
    /// bytes of the encryption of zeros under the new key.
    ///
    /// # Errors
    ///
    /// [`GidsError::InvalidInput`] for a key that is not 24 bytes; the card's refusal: `6982` without
    /// administrator. After a refusal nobody is authenticated.
    pub fn change_admin_key(&mut self, key: &SecretBytes, check_value: [u8; 3]) -> Result<(), GidsError> {
        if key.as_bytes().len() != TRIPLE_DES {
            return Err(GidsError::InvalidInput("the admin key is not 24 bytes"));
        }
        let data = put_key(ADMIN_KEY, |parts| {
            parts.object(Tag::new(0x87), key.as_bytes()).object(Tag::new(0x88), &check_value)
        });
        let command = Command::new(0x00, 0xDB, 0x3F, 0xFF).secret_data(data);
        match self.command(GidsCommand::PutKey, &command) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.abandon(error)),
        }
    }
}

impl GidsError {
    /// Whether the card refused the administrator's answer: `6982` to GENERAL AUTHENTICATE, or a
    /// counter as for a PIN.
    #[must_use]
    pub fn is_wrong_response(&self) -> bool {
        matches!(
            self,
            Self::Status {
                command: GidsCommand::GeneralAuthenticate,
                status: StatusWord::SECURITY_STATUS_NOT_SATISFIED | StatusWord::VERIFICATION_FAILED,
            }
        ) || self.is_wrong_secret()
    }
}

/// The object with this tag in a dynamic authentication template.
fn dynamic(answer: &[u8], tag: Tag) -> Option<&[u8]> {
    let template = single(answer).ok().filter(|tlv| tlv.tag == TEMPLATE)?;
    template.children().find(tag).ok()?
}
