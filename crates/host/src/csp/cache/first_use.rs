//! What no counter shows: a key that is not the one remembered, found when it is used.
//!
//! A program may have changed the card without moving its counters, the card may have been rolled back
//! to an earlier state, or be another one with the same identity. So a key that is only remembered is
//! checked at its first use: a signature by verifying it here, before anything that cannot be checked
//! afterwards (decryption, key agreement) by reading the public key from the card. Then everything
//! remembered of the card is dropped, in this program and in all others, and the operation is made once
//! more with what the card says now.

use cardmod_sys::SCARD_E_NO_KEY_CONTAINER;
use cardmod_types::{ContainerIndex, ContainerKeys, KeyHalf, PublicKey, SignaturePadding};

use super::Cached;
use crate::csp::session::CardSession;
use crate::error::Error;
use crate::module::CallError;
use crate::verify::verify_signature;

impl Cached {
    /// The module told a container's keys. That counts as read from the card where the module has nothing
    /// else to tell them from.
    pub(super) fn was_told(&mut self, index: ContainerIndex) {
        // A module that was told to forget reads the card.
        if !self.proofs.hearsay || self.has_hints() && !self.untold {
            self.prove(index);
        }
    }

    pub(super) fn prove(&mut self, index: ContainerIndex) {
        self.proofs.insertion.insert(index);
        self.proofs.transaction.insert(index);
    }
}

/// Every method needs a transaction.
impl CardSession {
    /// Checks a signature (as [`verify_signature`] takes it), unless the card has counters and the key was
    /// read or used in this transaction already.
    pub(in crate::csp) fn check_signature(
        &mut self,
        index: ContainerIndex,
        public: &PublicKey,
        (padding, digest): (&SignaturePadding, &[u8]),
        signature: &[u8],
    ) -> Result<(), Error> {
        let proofs = &self.cached.proofs;
        let read_now = proofs.transaction.contains(&index);
        // A card without counters may tell its keys by certificates, beside which any program can make another key.
        if read_now && !proofs.suspected && !self.cached.has_hints() {
            return Ok(());
        }
        match verify_signature(public, padding, digest, signature) {
            Ok(()) => {
                self.cached.prove(index);
                self.cached.proofs.suspected = false;
                Ok(())
            }
            Err(Error::SignatureWrong) if read_now => Err(self.another_key_signs(index)?),
            Err(Error::SignatureWrong) => Err(self.not_the_card_remembered()),
            // A key that nobody can verify with proves nothing, and its signature may still be good.
            Err(error) => {
                tracing::debug!(%error, "a signature was not checked");
                Ok(())
            }
        }
    }

    /// The signature is of another key than the card itself tells.
    fn another_key_signs(&mut self, index: ContainerIndex) -> Result<Error, Error> {
        let damaged = "its signature is not of the key whose public half it tells";
        Ok(self.outdated(index)?.unwrap_or_else(|| self.damaged(damaged.to_owned())))
    }

    /// The use of a key failed. Where the card has no such key, though it tells one, that is said.
    pub(in crate::csp) fn use_failed(
        &mut self,
        index: ContainerIndex,
        operation: &'static str,
        error: CallError,
    ) -> Error {
        let no_key = error.is(SCARD_E_NO_KEY_CONTAINER);
        let error = self.failed(operation, error);
        if !no_key {
            return error;
        }
        self.outdated(index).ok().flatten().unwrap_or(error)
    }

    /// Cards with places tell a key by the certificate beside it, which any program may leave behind.
    fn outdated(&mut self, index: ContainerIndex) -> Result<Option<Error>, Error> {
        let card = self.reader.clone();
        let place = self.places()?.label(index).map(str::to_owned);
        Ok(place.map(|place| Error::CertificateOutdated { place, card }))
    }

    /// Reads a key that is only remembered from the card, before it is used for what cannot be checked.
    pub(in crate::csp) fn check_key(
        &mut self,
        index: ContainerIndex,
        half: KeyHalf,
        public: &PublicKey,
    ) -> Result<(), Error> {
        if self.cached.proofs.insertion.contains(&index) {
            return Ok(());
        }
        let keys = self.keys_from_the_card(index)?;
        let key = match half {
            KeyHalf::Signature => keys.signature,
            KeyHalf::KeyExchange => keys.key_exchange,
        };
        if key.as_ref() == Some(public) {
            self.cached.prove(index);
            return Ok(());
        }
        Err(self.not_the_card_remembered())
    }

    /// A container's keys past every memory, the module's included.
    pub(super) fn keys_from_the_card(&mut self, index: ContainerIndex) -> Result<ContainerKeys, Error> {
        if self.cached.has_hints() {
            // It was told once in this transaction, and reads the card since.
            self.read_anew();
        } else {
            self.module.forget_memory();
        }
        self.module.module_cache().close();
        let keys = self.module.get_container_info(index);
        self.module.module_cache().settle();
        match keys {
            Err(error) if error.is(SCARD_E_NO_KEY_CONTAINER) => Ok(ContainerKeys::default()),
            keys => keys.map_err(|error| self.failed("tell the public keys of a container", error)),
        }
    }

    pub(super) fn not_the_card_remembered(&mut self) -> Error {
        tracing::debug!(reader = self.reader, "the card is not the one remembered: everything is forgotten");
        self.condemn();
        Error::CardChanged { card: self.reader.clone() }
    }

    /// What an attempt failed at. Where that may be because of something only remembered, it is
    /// forgotten, and the attempt can be made again.
    pub(in crate::csp) fn reconsidered(&mut self, error: Error) -> Error {
        let doubtful = matches!(
            error,
            Error::NoSuchContainer { .. }
                | Error::NoDefaultContainer { .. }
                | Error::NoSuchKey { .. }
                | Error::KeyChanged { .. }
                | Error::CertificateOutdated { .. }
                | Error::ContainerExists { .. }
                | Error::CardFull { .. }
                | Error::NoCertificate { .. }
                | Error::CertificateMismatch { .. }
                | Error::UnsupportedAlgorithm { .. }
                | Error::UnsupportedKeySize { .. }
                | Error::NoSuchRole { .. }
                | Error::PinPermission { .. }
                | Error::BadCardData { .. }
                | Error::BadInput { .. }
                | Error::NotSupported { .. }
                | Error::Call { .. }
        ) || self.cached.has_hints() && matches!(error, Error::NotAuthenticated { .. });
        if !doubtful || !self.cached.proofs.hearsay {
            return error;
        }
        self.forget_everything();
        self.cached.items.touch();
        Error::CardChanged { card: self.reader.clone() }
    }
}
