//! The card's root certificates (file `mscp/msroots`, a PKCS #7 bag), and chains that end in them.

use cardmod_types::{FilePath, KeyHalf, certificate};

use super::cache::Counter;
use super::containers::is_missing;
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::session::CardSession;
use crate::error::Error;
use crate::x509;

impl CardSession {
    /// The certificates in the card's root store, each as DER; none where it has no such file.
    ///
    /// # Errors
    /// [`Error::BadCardData`] for a file that is no bag of certificates; those of the card.
    pub fn roots(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        self.plain(Repeat::Safe, Self::read_roots)
    }

    /// Replaces the card's root store by these certificates (DER).
    ///
    /// # Errors
    /// Before anything is written: [`Error::BadCertificate`], [`Error::CardFull`],
    /// [`Error::ReadOnlyCard`]. Then those of the PIN and the card.
    pub fn write_roots(&mut self, roots: &[Vec<u8>], pins: &mut dyn PinSource) -> Result<(), Error> {
        self.change_roots(pins, |_| Ok(Some(roots.to_vec())), false)
    }

    /// Adds certificates (DER) to the card's root store; answers how many were not there yet.
    ///
    /// # Errors
    /// As [`write_roots`](Self::write_roots); also [`Error::BadCardData`] for a store that is broken.
    pub fn add_roots(&mut self, more: &[Vec<u8>], pins: &mut dyn PinSource) -> Result<usize, Error> {
        let mut added = 0;
        let change = |mut roots: Vec<Vec<u8>>| {
            let before = roots.len();
            for root in more {
                if !roots.contains(root) {
                    roots.push(root.clone());
                }
            }
            added = roots.len() - before;
            Ok((added > 0).then_some(roots))
        };
        self.change_roots(pins, change, true)?;
        Ok(added)
    }

    /// Removes a certificate (DER) from the card's root store.
    ///
    /// # Errors
    /// [`Error::NoSuchRoot`] where it is not there; as [`add_roots`](Self::add_roots).
    pub fn remove_root(&mut self, root: &[u8], pins: &mut dyn PinSource) -> Result<(), Error> {
        let card = self.reader.clone();
        let change = |mut roots: Vec<Vec<u8>>| {
            let at = roots.iter().position(|known| known == root);
            roots.remove(at.ok_or_else(|| Error::NoSuchRoot { card: card.clone() })?);
            Ok(Some(roots))
        };
        self.change_roots(pins, change, true)
    }

    /// The certificate of a container's key and the certificates above it, as far as the card's root store
    /// and `others` (DER) have them.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoCertificate`], [`Error::BadCertificate`].
    pub fn certificate_chain(
        &mut self,
        name: Option<&str>,
        half: Option<KeyHalf>,
        others: &[Vec<u8>],
    ) -> Result<Vec<Vec<u8>>, Error> {
        self.plain(Repeat::Safe, |session| {
            let (index, record) = session.find(name)?;
            session.confirm(index)?;
            let container = session.described(index, &record)?;
            let mut keys = container.keys.iter().filter(|key| half.is_none_or(|half| key.half == half));
            let leaf = keys.find_map(|key| key.certificate.as_deref()).ok_or_else(|| {
                Error::NoCertificate { container: container.name.clone(), card: session.reader.clone() }
            })?;
            // A broken store does not keep the certificate itself from being had.
            let mut pool = others.to_vec();
            match session.read_roots() {
                Ok(roots) => pool.extend(roots),
                Err(Error::BadCardData { what, .. }) => tracing::warn!(what, "the root store is passed over"),
                Err(error) => return Err(error),
            }
            x509::chain(leaf, &pool)
        })
    }

    fn read_roots(&mut self) -> Result<Vec<Vec<u8>>, Error> {
        let path = FilePath::msroots();
        self.read_anew();
        let file = match self.module.read_file(&path) {
            Ok(file) if file.is_empty() => return Ok(Vec::new()),
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(Vec::new()),
            Err(error) => return Err(Error::of_file(&self.reader, &path.to_string(), "read a file", error)),
        };
        let broken = |reason: String| self.damaged(format!("file {path}: {reason}"));
        let bag = match certificate::is_compressed(&file) {
            true => certificate::expand(&file).map_err(|error| broken(error.to_string()))?,
            false => file.to_vec(),
        };
        x509::from_pkcs7(&bag).map_err(|error| broken(error.to_string()))
    }

    /// Reads the store if wanted, has it changed, and writes it, unless nothing changes.
    fn change_roots(
        &mut self,
        pins: &mut dyn PinSource,
        mut change: impl FnMut(Vec<Vec<u8>>) -> Result<Option<Vec<Vec<u8>>>, Error>,
        read: bool,
    ) -> Result<(), Error> {
        let mut planned = |session: &mut Self| {
            let roots = if read { session.read_roots()? } else { Vec::new() };
            change(roots)?.map(|roots| x509::to_pkcs7(&roots)).transpose()
        };
        // What is to be written shows before the PIN is asked for: nothing, or more than there is room for.
        let mut bag = None;
        self.plain(Repeat::Safe, |session| {
            session.writable()?;
            bag = planned(session)?;
            bag.as_deref().map_or(Ok(()), |bag| session.room_for(bag.len(), "the root certificates"))
        })?;
        if bag.is_none() {
            return Ok(());
        }
        let need = |session: &mut Self| {
            session.writable()?;
            Ok(Need::user())
        };
        self.change(Repeat::Never, Some(pins), need, |session| {
            let Some(bag) = planned(session)? else { return Ok(()) };
            session.count(&[Counter::Files])?;
            session.write_or_create(&FilePath::msroots(), &bag)
        })
    }

    /// The card does not say that it has less room than that.
    pub(super) fn room_for(&mut self, bytes: usize, what: &str) -> Result<(), Error> {
        let space = self.module.free_space().map_err(|error| self.failed("tell its free space", error))?;
        let needed = u32::try_from(bytes).unwrap_or(u32::MAX);
        match space.bytes {
            Some(free) if free < needed => Err(Error::CardFull {
                card: self.reader.clone(),
                what: format!("{needed} bytes are needed for {what} and {free} are free"),
            }),
            _ => Ok(()),
        }
    }
}
