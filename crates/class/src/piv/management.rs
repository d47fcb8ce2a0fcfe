//! Write mode: where the management key comes from, its use inside of an entry, and what follows from it.
//!
//! A card can be written by whoever has its management key (9B), not by the user alone. The key is looked
//! for in this order: the property "Cardmod Management Key"; the file named by the environment; the key that
//! Yubico's tools keep on the card under the PIN; the value every fresh token has, where the card says that
//! it still has it. Where none is to be had the card is read-only.
//!
//! No command takes the administrator's rights back. After they were used, `CardDeauthenticate` fails once,
//! which makes the host reset the card.

use cardmod_piv::{ManagementAlgorithm, ManagementKey, PivError};
use cardmod_sdk::{AdminAuthentication, CardContext, Result, Status};
use cardmod_types::SecretBytes;

use super::PivModule;
use super::{answer, key_file};

/// The one byte that stands for the key of fresh tokens.
const WELL_KNOWN: [u8; 1] = [1];

/// What this context knows about the right to write.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// Given by the host.
    given: Option<ManagementKey>,
    /// Where the key comes from; the inner `None`: from nowhere. The outer: not looked for yet.
    found: Option<Option<Source>>,
    /// The administrator was authenticated, and the host has not been told to reset the card.
    pub(super) owes_reset: bool,
}

/// Where the management key comes from.
#[derive(Clone, Debug)]
enum Source {
    /// The host, or the administrator of the machine.
    Given(ManagementKey),
    /// The card, under the PIN.
    Protected,
    /// It is the one of fresh tokens: the card says so.
    WellKnown,
}

impl Access {
    /// Takes the value of the property "Cardmod Management Key".
    ///
    /// # Errors
    /// [`Status::InvalidParameter`] for what is no key; the one before is kept.
    pub(super) fn give(&mut self, value: &[u8]) -> Result<()> {
        self.given = match value {
            [] => None,
            value if *value == WELL_KNOWN => Some(ManagementKey::well_known()),
            [0, key @ ..] => Some(parse(key, None)?),
            [id, key @ ..] => {
                let algorithm = ManagementAlgorithm::from_id(*id).ok_or(Status::InvalidParameter)?;
                Some(parse(key, Some(algorithm))?)
            }
        };
        self.found = None;
        Ok(())
    }

    /// Forgets the key that was given.
    pub(super) fn withdraw(&mut self) {
        self.given = None;
        self.found = None;
    }

    /// Whether it was found out that the card cannot be written.
    pub(super) fn is_known_read_only(&self) -> bool {
        matches!(self.found, Some(None))
    }

    /// What was found out is asked for again.
    pub(super) fn forget(&mut self) {
        self.found = None;
    }
}

fn parse(key: &[u8], algorithm: Option<ManagementAlgorithm>) -> Result<ManagementKey> {
    ManagementKey::new(SecretBytes::from(key), algorithm).map_err(|_| Status::InvalidParameter)
}

impl PivModule {
    /// Whether a management key is to be had. Asks the card once, and only where nobody gave a key.
    pub(super) fn is_writable(&mut self, cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(self.source(cx)?.is_some())
    }

    fn source(&mut self, cx: &mut CardContext<'_>) -> Result<Option<Source>> {
        if let Some(found) = &self.access.found {
            return Ok(found.clone());
        }
        let found = match self.access.given.clone().or_else(key_file::configured) {
            Some(key) => Some(Source::Given(key)),
            None => self.source_on_card(cx)?,
        };
        self.access.found = Some(found.clone());
        Ok(found)
    }

    /// What the card offers. The question about the default key comes first since it costs one command and
    /// ends the search on a fresh token; a card whose key still has that value has no other one under the PIN.
    fn source_on_card(&mut self, cx: &mut CardContext<'_>) -> Result<Option<Source>> {
        let metadata = lenient(self.card(cx).management_metadata())?.flatten();
        if metadata.is_some_and(|metadata| metadata.is_default == Some(true)) {
            return Ok(Some(Source::WellKnown));
        }
        let data = lenient(self.card(cx).admin_data())?;
        Ok(data.filter(|data| data.is_key_protected()).map(|_| Source::Protected))
    }

    /// Authenticates the administrator for what the running entry has to write.
    ///
    /// # Errors
    /// [`Status::SecurityViolation`] where the key is not the card's, or cannot be read without the PIN;
    /// [`Status::UnsupportedFeature`] where there is none.
    pub(super) fn authorise(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        if self.state().verified().management {
            return Ok(());
        }
        // A key that was given is for one card; another gets nothing of it.
        self.recognise(cx)?;
        let source = self.source(cx)?.ok_or(Status::UnsupportedFeature)?;
        let nonce = fresh_nonce().map_err(answer::managing)?;
        self.access.owes_reset = true;
        let mut card = self.card(cx);
        let outcome = match source {
            Source::Given(key) => card.authenticate_management(&key, nonce),
            Source::WellKnown => card.authenticate_management(&ManagementKey::well_known(), nonce),
            Source::Protected => card.authenticate_protected(fresh_nonce).map(drop),
        };
        outcome.map_err(|error| {
            // What the card said of its key may have been so once.
            self.access.forget();
            answer::managing(error)
        })
    }
}

/// Nothing, where the card has no such thing or answers nonsense; what fails on the way there fails.
fn lenient<T>(outcome: core::result::Result<T, PivError>) -> Result<Option<T>> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(error @ PivError::Exchange(_)) => Err(answer::reading(error)),
        Err(error) => {
            tracing::debug!(%error, "a question about the management key without answer");
            Ok(None)
        }
    }
}

fn fresh_nonce() -> core::result::Result<[u8; 16], PivError> {
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(|_| PivError::NoRandomness)?;
    Ok(nonce)
}

impl AdminAuthentication for PivModule {
    fn challenge(&mut self, cx: &mut CardContext<'_>) -> Result<Vec<u8>> {
        self.require_writable(cx)?;
        let challenge = self.card(cx).management_challenge(None).map_err(answer::challenging)?;
        Ok(challenge.block)
    }

    fn authenticate(&mut self, cx: &mut CardContext<'_>, response: &[u8]) -> Result<()> {
        self.require_writable(cx)?;
        self.access.owes_reset = true;
        self.card(cx).management_response(response).map_err(answer::challenging)
    }

    fn change_key(&mut self, cx: &mut CardContext<'_>, response: &[u8], new_key: &SecretBytes) -> Result<()> {
        self.require_writable(cx)?;
        self.access.owes_reset = true;
        self.card(cx).management_response(response).map_err(answer::challenging)?;
        let key = self.new_management_key(cx, new_key)?;
        self.access.forget();
        let touch = cardmod_piv::TouchPolicy::Never;
        let data = lenient(self.card(cx).admin_data())?;
        let outcome = if data.is_some_and(|data| data.is_key_protected()) {
            // The copy behind the PIN would be of a key that is no more; to replace it takes the PIN.
            self.card(cx).protect_management_key(&key, touch)
        } else {
            self.card(cx).set_management_key(&key, touch)
        };
        outcome.map_err(answer::challenging)
    }
}

impl PivModule {
    pub(super) fn require_writable(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        if self.is_writable(cx)? { Ok(()) } else { Err(Status::UnsupportedFeature) }
    }

    /// The interface knows keys of 24 bytes: they stay what the card's key is, triple DES or AES-192.
    fn new_management_key(&mut self, cx: &mut CardContext<'_>, new: &SecretBytes) -> Result<ManagementKey> {
        let told = lenient(self.card(cx).management_algorithm())?.flatten();
        let algorithm = told.filter(|told| told.key_len() == new.len());
        parse(new.as_bytes(), Some(algorithm.unwrap_or(ManagementAlgorithm::TripleDes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn give(value: &[u8]) -> Result<Option<ManagementKey>> {
        let mut access = Access::default();
        access.give(value)?;
        Ok(access.given)
    }

    #[test]
    fn keys_are_given_with_or_without_their_algorithm() {
        let key = [7; 24];
        let with = |id: u8| [&[id][..], &key].concat();
        assert_eq!(give(&[]), Ok(None));
        assert!(give(&[1]).unwrap().unwrap().is_well_known());
        assert_eq!(give(&with(0)).unwrap().unwrap().algorithm(), None);
        assert_eq!(give(&with(3)).unwrap().unwrap().algorithm(), Some(ManagementAlgorithm::TripleDes));
        assert_eq!(give(&with(0x0A)).unwrap().unwrap().algorithm(), Some(ManagementAlgorithm::Aes192));
        for wrong in [&[0][..], &[1, 7], &with(8), &with(0x0C), &with(5), &[0; 20]] {
            assert_eq!(give(wrong), Err(Status::InvalidParameter), "{wrong:02X?}");
        }
    }

    #[test]
    fn a_wrong_value_leaves_the_one_before() {
        let mut access = Access::default();
        access.give(&[1]).unwrap();
        assert!(access.give(&[9, 9]).is_err());
        assert!(access.given.as_ref().is_some_and(ManagementKey::is_well_known));
        access.give(&[]).unwrap();
        assert!(access.given.is_none());
    }
}
