//! GIDS cards: the profile of a new one.

use cardmod_types::{CardId, Pin, SecretBytes};
use zeroize::Zeroizing;

use crate::fault::CardFault;
use crate::options::CardOptions;
use crate::ports::Random;

/// Bytes of the administrator's triple-DES key.
pub const ADMIN_KEY_LEN: usize = 24;

/// A card with the Microsoft generic profile, ready for use ("Windows inbox smart card minidriver",
/// electrical profile).
#[derive(Debug, Clone)]
pub struct GidsProfile {
    /// The user's PIN, 4 to 127 bytes.
    pub pin: Pin,
    /// The PUK, 4 to 127 bytes; without one the administrator unblocks the PIN.
    pub puk: Option<Pin>,
    /// The administrator's three-key triple-DES key, 24 bytes.
    pub admin_key: SecretBytes,
    /// The card's identity, the file cardid.
    pub card_id: CardId,
    /// Capabilities and limits.
    pub options: CardOptions,
}

/// A card without files, PIN and keys, in the initialisation state: for tools that personalise
/// (`gids-tool --initialize`).
#[derive(Debug, Clone, Default)]
pub struct BlankProfile {
    /// Capabilities and limits.
    pub options: CardOptions,
    /// Start one state earlier, where the application's own templates are loaded first.
    pub bare: bool,
}

impl GidsProfile {
    /// The profile with this PIN and admin key, no PUK and the default options.
    #[must_use]
    pub fn new(pin: Pin, admin_key: SecretBytes, card_id: CardId) -> GidsProfile {
        GidsProfile { pin, puk: None, admin_key, card_id, options: CardOptions::default() }
    }

    /// The profile with this PIN and a random admin key and identity. Keep the admin key: it cannot be
    /// read from the card.
    ///
    /// # Errors
    /// [`CardFault::Random`].
    pub fn generate(pin: Pin, random: &mut dyn Random) -> Result<GidsProfile, CardFault> {
        let mut key = Zeroizing::new(vec![0; ADMIN_KEY_LEN]);
        random.fill(&mut key)?;
        let mut id = [0; CardId::LEN];
        random.fill(&mut id)?;
        Ok(GidsProfile::new(pin, SecretBytes::from(key), CardId(id)))
    }
}
