//! [`Store`]: a directory of virtual cards.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::card::Card;
use crate::connection::{CardStatus, VirtualCard, snapshot};
use crate::disk::image::{self, ImageFile, ImageKind};
use crate::disk::run::{self, Found, Run};
use crate::disk::secret::DeviceSecret;
use crate::disk::{CardPaths, clients, files, lock, system};
use crate::fault::{CardFault, StoreError};
use crate::ports::{Random as _, SystemRandom};
use crate::profile::{BlankProfile, GidsProfile, PivProfile};

/// What the names of unfinished cards, and of files of erased ones that are open still, begin with: with a dot, as no
/// card's name does.
const NEW: &str = ".new-";
const GONE: &str = ".gone-";

/// A directory of cards, each a directory of its own; see `disk.rs` for what is in there.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
    patience: Duration,
}

/// What kind of card an image holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CardKind {
    /// A GIDS card.
    Gids,
    /// A PIV card.
    Piv,
    /// A card with both applications.
    Dual,
    /// An image that this program cannot read; opening the card says why.
    Unreadable,
}

impl From<ImageKind> for CardKind {
    fn from(kind: ImageKind) -> CardKind {
        match kind {
            ImageKind::Gids => CardKind::Gids,
            ImageKind::Piv => CardKind::Piv,
            ImageKind::Dual => CardKind::Dual,
        }
    }
}

/// A card in a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardEntry {
    /// Its name.
    pub name: String,
    /// Its image.
    pub path: PathBuf,
    /// What it is.
    pub kind: CardKind,
}

/// A card that was just made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedCard {
    /// Its name.
    pub name: String,
    /// Its image.
    pub path: PathBuf,
}

/// Where a card is and what opens it.
#[derive(Clone)]
pub(crate) struct CardPlace {
    pub(crate) name: String,
    pub(crate) paths: CardPaths,
    pub(crate) secret: Arc<DeviceSecret>,
    /// How long to wait for the card's lock.
    pub(crate) patience: Duration,
}

impl Store {
    /// The store in this directory. The directory is made when the first card is.
    ///
    /// # Errors
    /// [`StoreError::Card`] if the path is there and no directory; [`StoreError::BadPatience`].
    pub fn open(dir: impl Into<PathBuf>) -> Result<Store, StoreError> {
        let dir = dir.into();
        if dir.exists() && !dir.is_dir() {
            let cause = std::io::Error::from(std::io::ErrorKind::NotADirectory);
            return Err(files::fault("open", &dir, cause).into());
        }
        Ok(Store { dir, patience: lock::patience_from_environment()? })
    }

    /// The same store, with another limit for waiting until another program has finished its command: 30
    /// seconds unless `CARDMOD_CARD_PATIENCE_MS` says otherwise. Past it the answer is [`CardFault::Busy`].
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Store {
        Store { patience, ..self }
    }

    /// `$CARDMOD_HOME/cards`, else `$XDG_DATA_HOME/cardmod/cards`, else the same under `~/.local/share`
    /// (`%LOCALAPPDATA%` on Windows). A service without `$HOME` has the home of its user.
    ///
    /// # Errors
    /// [`StoreError::NoDirectory`].
    pub fn default_dir() -> Result<PathBuf, StoreError> {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(home) = variable("CARDMOD_HOME") {
            return Ok(home.join("cards"));
        }
        let home = || std::env::home_dir().filter(|home| home.is_absolute());
        let data = variable("XDG_DATA_HOME").filter(|path| path.is_absolute());
        let data = data.or_else(|| if cfg!(windows) { variable("LOCALAPPDATA") } else { None });
        let data = data.or_else(|| Some(home()?.join(".local").join("share")));
        data.map(|data| data.join("cardmod").join("cards")).ok_or(StoreError::NoDirectory)
    }

    /// The store's directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The cards, by name.
    ///
    /// # Errors
    /// [`StoreError::Card`] if the directory cannot be read.
    pub fn cards(&self) -> Result<Vec<CardEntry>, StoreError> {
        let entries = match std::fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(files::fault("read", &self.dir, cause).into()),
        };
        let mut cards = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| files::fault("read", &self.dir, cause))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = CardPaths::new(entry.path()).image();
            if check_name(&name).is_err() || !path.is_file() {
                continue;
            }
            let kind = match image::read_header(&path) {
                Ok(header) => CardKind::from(header.kind),
                Err(_) => CardKind::Unreadable,
            };
            cards.push(CardEntry { name, path, kind });
        }
        cards.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(cards)
    }

    /// Makes a card with the Microsoft generic profile, ready for use.
    ///
    /// # Errors
    /// [`StoreError::BadName`], [`StoreError::Exists`], [`StoreError::Profile`], and what the files fail at.
    pub fn create(&self, name: &str, profile: &GidsProfile) -> Result<CreatedCard, StoreError> {
        check_name(name)?;
        self.place_card(name, &Card::gids(profile)?)
    }

    /// Makes a PIV card, ready for use.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_piv(&self, name: &str, profile: &PivProfile) -> Result<CreatedCard, StoreError> {
        check_name(name)?;
        self.place_card(name, &Card::piv(profile)?)
    }

    /// Makes a card with both applications. The options of the GIDS profile hold for the card.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_dual(
        &self,
        name: &str,
        gids: &GidsProfile,
        piv: &PivProfile,
    ) -> Result<CreatedCard, StoreError> {
        check_name(name)?;
        self.place_card(name, &Card::dual(gids, piv)?)
    }

    /// Makes a card without files, PIN and keys, for tools that personalise.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_blank(&self, name: &str, profile: &BlankProfile) -> Result<CreatedCard, StoreError> {
        check_name(name)?;
        profile.options.check().map_err(|bad| StoreError::Profile(bad.to_string()))?;
        self.place_card(name, &Card::blank(profile.options.clone(), profile.bare))
    }

    /// Connects to a card.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCard`]; [`StoreError::Card`] with [`CardFault::Image`] for an image that is
    /// newer, cut off, damaged or another store's.
    pub fn open_card(&self, name: &str) -> Result<VirtualCard, StoreError> {
        Ok(VirtualCard::open(self.place(name)?)?)
    }

    /// What can be seen of a card without connecting to it. Unlike a connection, looking does not keep
    /// the card powered.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCard`], [`StoreError::Card`].
    pub fn status(&self, name: &str) -> Result<CardStatus, StoreError> {
        Ok(snapshot(&self.place(name)?)?)
    }

    /// Destroys a card with its keys. Connections to it find it erased.
    ///
    /// # Errors
    /// [`StoreError::NoSuchCard`]; [`StoreError::InUse`] while another program claims the card or has a
    /// transaction open.
    pub fn erase(&self, name: &str) -> Result<(), StoreError> {
        check_name(name)?;
        let paths = CardPaths::new(self.dir.join(name));
        if !paths.image().is_file() {
            return Err(self.no_such_card(name));
        }
        let lock = files::open_or_create(&paths.lock())?;
        lock::lock(&lock, &paths.lock(), self.patience)?;
        // Erased by another process while this one waited, and maybe made anew under another lock.
        if !files::is_at(&lock, &paths.lock()) {
            return Err(self.no_such_card(name));
        }
        self.mark_erased(name, &paths)?;
        let directory = paths.directory();
        let removed = system::remove_file(&paths.image(), || self.aside()).and_then(|()| {
            // Without an image nobody comes in.
            drop(lock);
            self.remove_directory(directory)
        });
        removed.map_err(|cause| files::fault("remove", directory, cause))?;
        Ok(())
    }

    /// Refuses while the card is in use; otherwise tells its connections.
    fn mark_erased(&self, name: &str, paths: &CardPaths) -> Result<(), StoreError> {
        let mut file = files::open_or_create(&paths.run())?;
        let found = run::read(&mut file, None).map_err(|cause| files::fault("read", &paths.run(), cause))?;
        let mut run = match found {
            Found::Run(run) => *run,
            Found::Unchanged | Found::Unusable => Run::default(),
        };
        let alive = |id| clients::is_alive(&paths.clients(), id);
        let claimed =
            run.clients.iter().any(|client| client.share != run::Share::Observer && alive(client.id));
        if claimed || run.lease.is_some_and(|lease| alive(lease.owner)) {
            return Err(StoreError::InUse { name: name.to_owned() });
        }
        run.erased = true;
        run::write(&mut file, &mut run).map_err(|cause| files::fault("write", &paths.run(), cause).into())
    }

    /// Puts a finished card into the store: its directory appears whole or not at all.
    fn place_card(&self, name: &str, card: &Card) -> Result<CreatedCard, StoreError> {
        files::create_directory(&self.dir)?;
        let lock = self.lock()?;
        let target = self.dir.join(name);
        if CardPaths::new(target.clone()).image().exists() {
            return Err(StoreError::Exists { name: name.to_owned() });
        }
        self.remove_leftovers(&target)?;
        let secret = DeviceSecret::load_or_create(&self.secret_path())?;
        let mut random = [0; 8];
        SystemRandom.fill(&mut random)?;
        let new = self.dir.join(format!("{NEW}{:016x}", u64::from_be_bytes(random)));
        let made = make_directory(&new, &secret, card, u64::from_be_bytes(random)).and_then(|()| {
            let renamed = system::rename(&new, &target).and_then(|()| files::sync_directory(&target));
            renamed.map_err(|cause| files::fault("create", &target, cause))
        });
        if made.is_err() {
            // The error to report is the first one.
            let _ = std::fs::remove_dir_all(&new);
        }
        drop(lock);
        made?;
        Ok(CreatedCard { name: name.to_owned(), path: CardPaths::new(target).image() })
    }

    /// Removes what a kill left behind: a card half erased, cards half made.
    fn remove_leftovers(&self, target: &Path) -> Result<(), CardFault> {
        let entries = std::fs::read_dir(&self.dir).map_err(|cause| files::fault("read", &self.dir, cause))?;
        for path in entries.flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let unfinished = name.starts_with(NEW);
            if unfinished || path == target {
                self.remove_directory(&path).map_err(|cause| files::fault("remove", &path, cause))?;
            } else if name.starts_with(GONE) {
                // Somebody may have it open still; it goes another time.
                let _ = std::fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Removes a card's directory, also while others have files in it open.
    fn remove_directory(&self, directory: &Path) -> std::io::Result<()> {
        system::remove_directory(directory, || self.aside())
    }

    /// A name for a file that is to be removed.
    fn aside(&self) -> PathBuf {
        let mut random = [0; 8];
        // Without randomness the name may be taken, which the system says.
        let _ = SystemRandom.fill(&mut random);
        self.dir.join(format!("{GONE}{:016x}", u64::from_be_bytes(random)))
    }

    fn place(&self, name: &str) -> Result<CardPlace, StoreError> {
        check_name(name)?;
        let paths = CardPaths::new(self.dir.join(name));
        if !paths.image().is_file() {
            return Err(self.no_such_card(name));
        }
        let secret = match DeviceSecret::load(&self.secret_path())? {
            Some(secret) => Arc::new(secret),
            None => {
                let cause = crate::fault::ImageError::ForeignSecret;
                return Err(CardFault::Image { path: paths.image(), cause }.into());
            }
        };
        Ok(CardPlace { name: name.to_owned(), paths, secret, patience: self.patience })
    }

    /// The store's lock, held while the file lives.
    fn lock(&self) -> Result<File, CardFault> {
        let path = self.dir.join(".lock");
        let file = files::open_or_create(&path)?;
        lock::lock(&file, &path, self.patience)?;
        Ok(file)
    }

    fn secret_path(&self) -> PathBuf {
        self.dir.join("device.secret")
    }

    fn no_such_card(&self, name: &str) -> StoreError {
        StoreError::NoSuchCard { name: name.to_owned(), dir: self.dir.clone() }
    }
}

fn make_directory(path: &Path, secret: &DeviceSecret, card: &Card, stamp: u64) -> Result<(), CardFault> {
    files::create_directory(path)?;
    let image = ImageFile::create(CardPaths::new(path.to_path_buf()).image(), card.kind(), secret)?;
    image.save(&card.persistent_state(), stamp)
}

/// Names are file names and parts of reader names.
fn check_name(name: &str) -> Result<(), StoreError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let sound = (1..=32).contains(&name.len()) && name.chars().all(allowed) && !name.starts_with('.');
    // Beside the cards lies the device secret, on some systems in letters of any case.
    if !sound || name.eq_ignore_ascii_case("device.secret") {
        return Err(StoreError::BadName { name: name.to_owned() });
    }
    match system::is_reserved(name) {
        true => Err(StoreError::ReservedName { name: name.to_owned() }),
        false => Ok(()),
    }
}
