//! Certificates of containers: written, replaced, deleted.

use cardmod_types::{ContainerIndex, ContainerRecord, FilePath, KeyHalf, PinId, PublicKey, certificate};

use super::cache::Counter;
use super::containers::{HALVES, is_missing};
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::session::CardSession;
use crate::error::Error;
use crate::x509;

/// Which half of a container a certificate is for.
enum Fitting {
    /// This one's key is the certificate's.
    Known(KeyHalf),
    /// One of these, if any. Cards with places may tell a key by the certificate beside it, which is of an older
    /// one where another program replaced the key alone: it stands against no other certificate.
    Perhaps(Vec<KeyHalf>),
}

impl CardSession {
    /// Writes the certificate of a container's key, replacing the one it has. With no half named, it
    /// goes to the key it was made for. Answers the half.
    ///
    /// # Errors
    /// Before anything is written: [`Error::BadCertificate`], [`Error::CertificateTooLarge`],
    /// [`Error::CertificateMismatch`], [`Error::NoSuchContainer`], [`Error::NoSuchKey`],
    /// [`Error::CardFull`], [`Error::ReadOnlyCard`]. Then those of the PIN and the card.
    pub fn import_certificate(
        &mut self,
        name: Option<&str>,
        half: Option<KeyHalf>,
        der: &[u8],
        pins: &mut dyn PinSource,
    ) -> Result<KeyHalf, Error> {
        let limit = certificate::MAX_LEN;
        if der.len() > limit {
            return Err(Error::CertificateTooLarge { length: der.len(), limit });
        }
        let public = x509::summary(der)?.public;
        let need = |session: &mut Self| {
            session.writable()?;
            let (index, record) = session.find(name)?;
            session.fitting_halves(index, &record, half, &public)?;
            Ok(Need { role: Some(PinId::USER), container: Some(record.name.as_str().to_owned()) })
        };
        self.change(Repeat::Safe, Some(pins), need, |session| {
            let (index, record) = session.find(name)?;
            let content = session.certificate_file(der)?;
            match session.fitting_halves(index, &record, half, &public)? {
                Fitting::Known(half) => session.write_certificate(half, index, &content).map(|()| half),
                Fitting::Perhaps(halves) => session.replace_outdated(&record, index, &halves, &content),
            }
        })
    }

    /// Deletes the certificate of a container's key; with no half named, of its only one.
    ///
    /// # Errors
    /// [`Error::NoCertificate`], [`Error::NoSuchContainer`], [`Error::ReadOnlyCard`], those of the PIN.
    pub fn delete_certificate(
        &mut self,
        name: Option<&str>,
        half: Option<KeyHalf>,
        pins: &mut dyn PinSource,
    ) -> Result<(), Error> {
        let need = |session: &mut Self| {
            session.writable()?;
            let (index, record) = session.find(name)?;
            session.half_with_certificate(index, record.name.as_str(), half)?;
            Ok(Need { role: Some(PinId::USER), container: Some(record.name.as_str().to_owned()) })
        };
        self.change(Repeat::Never, Some(pins), need, |session| {
            let (index, record) = session.find(name)?;
            let half = session.half_with_certificate(index, record.name.as_str(), half)?;
            session.delete_certificate_file(half, index)
        })
    }

    /// The half whose key the certificate is for.
    fn fitting_halves(
        &mut self,
        index: ContainerIndex,
        record: &ContainerRecord,
        half: Option<KeyHalf>,
        public: &PublicKey,
    ) -> Result<Fitting, Error> {
        let keys = self.recorded_keys(index, record)?;
        let key = |half| match half {
            KeyHalf::Signature => keys.signature.as_ref(),
            KeyHalf::KeyExchange => keys.key_exchange.as_ref(),
        };
        let (container, card) = (record.name.as_str().to_owned(), self.reader.clone());
        let mut candidates: Vec<_> =
            HALVES.into_iter().filter(|candidate| half.is_none_or(|half| half == *candidate)).collect();
        if HALVES.into_iter().all(|half| key(half).is_none()) {
            return Err(Error::NoSuchKey { container, half, card });
        }
        if let Some(matching) = candidates.iter().find(|half| key(**half) == Some(public)) {
            return Ok(Fitting::Known(*matching));
        }
        if !self.places()?.is_empty() && self.half_with_certificate(index, &container, None).is_ok() {
            candidates.sort_by_key(|half| key(*half).is_none());
            return Ok(Fitting::Perhaps(candidates));
        }
        if candidates.into_iter().all(|half| key(half).is_none()) {
            return Err(Error::NoSuchKey { container, half, card });
        }
        Err(Error::CertificateMismatch { container, card })
    }

    /// Writes a certificate where the module alone can tell whether it is the key's.
    fn replace_outdated(
        &mut self,
        record: &ContainerRecord,
        index: ContainerIndex,
        halves: &[KeyHalf],
        content: &[u8],
    ) -> Result<KeyHalf, Error> {
        for half in halves {
            match self.write_certificate(*half, index, content) {
                Ok(()) => {
                    // The key is not the one that was believed to be there.
                    self.cached.drop_keys(index);
                    self.remember_map(None);
                    return Ok(*half);
                }
                Err(Error::Call { source, .. }) if source.is(cardmod_sys::SCARD_E_INVALID_PARAMETER) => {}
                Err(error) => return Err(error),
            }
        }
        let (container, card) = (record.name.as_str().to_owned(), self.reader.clone());
        Err(Error::CertificateMismatch { container, card })
    }

    fn half_with_certificate(
        &mut self,
        index: ContainerIndex,
        container: &str,
        half: Option<KeyHalf>,
    ) -> Result<KeyHalf, Error> {
        for candidate in HALVES.into_iter().filter(|candidate| half.is_none_or(|half| half == *candidate)) {
            let path = FilePath::certificate(candidate, index);
            // The file counts, not what is in it: a broken one is there to be deleted.
            match self.module.read_file(&path) {
                Ok(_) => return Ok(candidate),
                Err(error) if is_missing(&error) => {}
                Err(error) => {
                    return Err(Error::of_file(&self.reader, &path.to_string(), "read a certificate", error));
                }
            }
        }
        Err(Error::NoCertificate { container: container.to_owned(), card: self.reader.clone() })
    }

    /// What is written for a certificate: compressed, unless the module does that itself.
    fn certificate_file(&mut self, der: &[u8]) -> Result<Vec<u8>, Error> {
        let content = if self.capabilities()?.certificate_compression {
            der.to_vec()
        } else {
            certificate::compress(der)
                .map_err(|_| Error::CertificateTooLarge { length: der.len(), limit: certificate::MAX_LEN })?
        };
        self.room_for(content.len(), "the certificate")?;
        Ok(content)
    }

    /// Writes a certificate's file. One that was made for it and cannot be filled is removed again.
    fn write_certificate(
        &mut self,
        half: KeyHalf,
        index: ContainerIndex,
        content: &[u8],
    ) -> Result<(), Error> {
        let path = FilePath::certificate(half, index);
        let existed = match self.module.get_file_info(&path) {
            Ok(_) => true,
            Err(error) if is_missing(&error) => false,
            Err(error) => {
                return Err(Error::of_file(&self.reader, &path.to_string(), "look at a file", error));
            }
        };
        self.count(&[Counter::Files])?;
        let written = self.write_or_create(&path, content);
        if written.is_ok() {
            self.remember_file(&path, content);
        }
        if written.is_err()
            && !existed
            && let Err(error) = self.module.delete_file(&path)
        {
            tracing::debug!(%error, "the file of a certificate that was not written stays on the card");
        }
        written
    }

    /// Deletes a certificate's file, where there is one.
    pub(super) fn delete_certificate_file(
        &mut self,
        half: KeyHalf,
        index: ContainerIndex,
    ) -> Result<(), Error> {
        let path = FilePath::certificate(half, index);
        match self.module.get_file_info(&path) {
            Ok(_) => {}
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => {
                return Err(Error::of_file(&self.reader, &path.to_string(), "look at a file", error));
            }
        }
        self.count(&[Counter::Files])?;
        match self.module.delete_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if is_missing(&error) => Ok(()),
            Err(error) => Err(Error::of_file(&self.reader, &path.to_string(), "delete a certificate", error)),
        }
    }
}
