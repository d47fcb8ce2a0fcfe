//! A virtual card for a test, in one line.
//!
//! ```
//! let test = cardmod_default::testing::card();
//! let mut session = test.session();
//! assert_eq!(session.containers()?.len(), 0);
//! # Ok::<(), cardmod_host::Error>(())
//! ```
//!
//! [`card`] makes a GIDS card, [`piv_card`] a PIV card, [`dual_card`] one that carries both. Each is in a store
//! of its own in the system's folder for temporary files, and erased when its [`TestCard`] is dropped. A process may have any number of them at a time, in any
//! number of threads. Nothing else is touched: no daemon, no root, no card of the user.
//!
//! Other programs reach such a card too: they are started with [`TestCard::home`] in the variable
//! `CARDMOD_HOME`.

use std::path::Path;
use std::sync::Arc;

use cardmod_host::types::{CardId, Pin, SecretBytes};
use cardmod_host::{
    Card, CardSession, Container, FixedPin, Host, KeyAlgorithm, KeySource, ModuleSource, NewContainer,
    OpenOptions,
};
use cardmod_pcsc::Provider;
use cardmod_virtual::{CreatedCard, GidsProfile, PivProfile, Store, StoreError};
use cardmod_winscard::Mounted;
use tempfile::TempDir;

use crate::environment::{EnvironmentError, built_in_module};

/// The user's PIN of a test's card.
pub const PIN: &str = "123456";
/// The PUK of a test's card.
pub const PUK: &str = "87654321";
/// The administrator's key of a test's card with GIDS.
pub const ADMIN_KEY: [u8; 24] = *b"cardmod admin key 24 by.";
/// The management key of a test's card with PIV: the triple-DES key that every new token has.
pub const MANAGEMENT_KEY: [u8; 24] = cardmod_virtual::DEFAULT_MANAGEMENT_KEY;

/// The length of the random part of a card's name.
const SUFFIX_LEN: usize = 8;

/// A new, empty card with the PIN [`PIN`], the PUK [`PUK`] and the administrator's key [`ADMIN_KEY`].
///
/// # Panics
/// Where no card can be made; [`TestCard::of_profile`] answers an error instead.
#[must_use = "the card is erased when this is dropped"]
#[track_caller]
pub fn card() -> TestCard {
    let made = profile().and_then(|profile| TestCard::of_profile(&profile));
    made.unwrap_or_else(|error| panic!("a card for the test: {error}"))
}

/// What [`card`] puts on a card, to be changed and handed to [`TestCard::of_profile`].
///
/// # Errors
/// Where the system gives no random numbers.
pub fn profile() -> Result<GidsProfile, EnvironmentError> {
    let mut random = cardmod_virtual::SystemRandom;
    let generated = GidsProfile::generate(Pin::from(PIN), &mut random);
    let CardId(card_id) = generated.map_err(|fault| EnvironmentError::Store(fault.into()))?.card_id;
    let admin_key = SecretBytes::from(&ADMIN_KEY[..]);
    Ok(GidsProfile {
        puk: Some(Pin::from(PUK)),
        ..GidsProfile::new(Pin::from(PIN), admin_key, CardId(card_id))
    })
}

/// A new PIV card without keys: PIN [`PIN`], PUK [`PUK`], management key [`MANAGEMENT_KEY`], and the vendor
/// commands that tokens have.
///
/// # Panics
/// Where no card can be made; [`TestCard::of_piv_profile`] answers an error instead.
#[must_use = "the card is erased when this is dropped"]
#[track_caller]
pub fn piv_card() -> TestCard {
    let made = TestCard::of_piv_profile(&piv_profile());
    made.unwrap_or_else(|error| panic!("a card for the test: {error}"))
}

/// What [`piv_card`] puts on a card, to be changed and handed to [`TestCard::of_piv_profile`].
#[must_use]
pub fn piv_profile() -> PivProfile {
    PivProfile::new(Pin::from(PIN), Pin::from(PUK))
}

/// A new card with both applications, each with the secrets of [`card`] and [`piv_card`]. They count tries
/// apart.
///
/// # Panics
/// Where no card can be made; [`TestCard::of_both_profiles`] answers an error instead.
#[must_use = "the card is erased when this is dropped"]
#[track_caller]
pub fn dual_card() -> TestCard {
    let made = profile().and_then(|gids| TestCard::of_both_profiles(&gids, &piv_profile()));
    made.unwrap_or_else(|error| panic!("a card for the test: {error}"))
}

/// A virtual card that is there as long as this value.
pub struct TestCard {
    name: String,
    reader: String,
    host: Host,
    store: Store,
    // Before the folder it serves.
    _mounted: Mounted,
    home: TempDir,
}

impl TestCard {
    /// A GIDS card of this profile.
    ///
    /// # Errors
    /// [`EnvironmentError`]: no place for its files, or a process whose PC/SC provider is another one.
    pub fn of_profile(profile: &GidsProfile) -> Result<Self, EnvironmentError> {
        Self::made(|store, name| store.create(name, profile))
    }

    /// A PIV card of this profile.
    ///
    /// # Errors
    /// As [`Self::of_profile`].
    pub fn of_piv_profile(profile: &PivProfile) -> Result<Self, EnvironmentError> {
        Self::made(|store, name| store.create_piv(name, profile))
    }

    /// A card with both applications. The options of the GIDS profile hold for the card.
    ///
    /// # Errors
    /// As [`Self::of_profile`].
    pub fn of_both_profiles(gids: &GidsProfile, piv: &PivProfile) -> Result<Self, EnvironmentError> {
        Self::made(|store, name| store.create_dual(name, gids, piv))
    }

    fn made(
        make: impl FnOnce(&Store, &str) -> Result<CreatedCard, StoreError>,
    ) -> Result<Self, EnvironmentError> {
        let no_place =
            |error: std::io::Error| EnvironmentError::NoTemporaryStore { reason: error.to_string() };
        let provider = Provider::from_table(cardmod_winscard::table());
        Provider::install(Arc::clone(&provider))?;
        let home = tempfile::Builder::new().prefix("cardmod-test-").rand_bytes(SUFFIX_LEN).tempdir();
        let home = home.map_err(no_place)?;
        let store = Store::open(home.path().join("cards"))?;
        // The folder's own random letters: readers of one process have different names.
        let folder = home.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let name = folder.trim_start_matches("cardmod-").to_owned();
        make(&store, &name)?;
        let mounted = Mounted::new(&store).map_err(no_place)?;
        let reader = cardmod_winscard::reader_name(&name);
        Ok(Self { name, reader, host: Host::new(provider), store, _mounted: mounted, home })
    }

    /// The card's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The reader it is in.
    #[must_use]
    pub fn reader(&self) -> &str {
        &self.reader
    }

    /// The host that opens it.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The store it is in: to take it out of its reader, for instance.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The module that drives it.
    #[must_use]
    pub fn module(&self) -> ModuleSource {
        built_in_module()
    }

    /// What other programs are given in the variable `CARDMOD_HOME` to see this card.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The card, opened, for one thread.
    ///
    /// # Panics
    /// Where it cannot be opened; [`Self::host`] opens it with an error instead.
    #[must_use]
    #[track_caller]
    pub fn session(&self) -> CardSession {
        let opened = self.host.open(&self.reader, &self.module(), OpenOptions::default());
        opened.unwrap_or_else(|error| panic!("the test's card: {error}"))
    }

    /// The card, opened, for several threads and for signers.
    ///
    /// # Panics
    /// As [`Self::session`].
    #[must_use]
    #[track_caller]
    pub fn open(&self) -> Card {
        self.session().share()
    }

    /// The right PIN, as often as it is asked for.
    #[must_use]
    pub fn pin(&self) -> FixedPin {
        FixedPin::new(Pin::from(PIN))
    }

    /// Makes a container with a generated key on a card with GIDS, in the half that suits it: an elliptic key signs, an RSA
    /// key signs and decrypts.
    ///
    /// # Panics
    /// Where the card does not make it.
    #[track_caller]
    pub fn generate(&self, container: &str, algorithm: KeyAlgorithm) -> Container {
        let half = match algorithm {
            KeyAlgorithm::Rsa(_) => cardmod_host::types::KeyHalf::KeyExchange,
            _ => cardmod_host::types::KeyHalf::Signature,
        };
        let key = KeySource::Generate(algorithm);
        let new = NewContainer { name: container.to_owned(), key, half, default: false };
        // Through a host of its own: a PIN that the test's host kept would not be asked for again.
        let host = Host::new(Arc::clone(self.host.provider())).without_pin_cache();
        let session = host.open(&self.reader, &self.module(), OpenOptions::default());
        let made = session.and_then(|mut session| session.create_container(&new, &mut self.pin()));
        made.unwrap_or_else(|error| panic!("container {container} of the test's card: {error}"))
    }
}

impl Drop for TestCard {
    fn drop(&mut self) {
        // Who still has it open finds it taken out. Where that fails, its files go all the same.
        let _ = self.store.open_card(&self.name).map(|mut card| card.eject());
    }
}

impl std::fmt::Debug for TestCard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestCard").field("reader", &self.reader).finish_non_exhaustive()
    }
}
