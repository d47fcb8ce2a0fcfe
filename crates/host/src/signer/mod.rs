//! A key of a card for programs that sign: the traits of the `signature` crate over a container.
//!
//! [`Card::signer`] chooses a key and answers a [`CardKey`], which signs hashes, decrypts and agrees
//! on keys. The typed signers made of it are what other crates take for a signing key:
//!
//! | Signer | Made by | Signs |
//! |---|---|---|
//! | [`EcdsaSigner`] | [`CardKey::ecdsa`] | ECDSA on P-256, P-384 or P-521, as `r‖s` or DER |
//! | [`RsaPkcs1Signer`] | [`CardKey::rsa_pkcs1`] | RSA PKCS#1 v1.5 |
//! | [`RsaPssSigner`] | [`CardKey::rsa_pss`] | RSA-PSS |
//! | [`AnySigner`] | [`CardKey::any_signer`] | whatever the key is, as certificates want it |
//!
//! Invariants:
//! - a PIN is asked for after the card was given back: neither its lock nor a transaction is held
//!   while a user types;
//! - a signer signs with the key it was made for: when its container has another one, the signer fails
//!   before the card signs;
//! - an error of the `signature` crate carries the [`Error`] as its source ([`card_error`]).

mod any;
mod decryptor;
mod ecdsa;
mod pins;
mod rsa;

use std::fmt;
use std::sync::Arc;

use cardmod_types::kdf::Kdf;
use cardmod_types::{DecryptPadding, EcPublicKey, KeyHalf, PublicKey, SecretBytes, SignaturePadding};
use der::Document;
use spki::EncodePublicKey;

pub use self::any::{AnySignature, AnySigner, AnyVerifyingKey};
pub use self::decryptor::RsaDecryptor;
pub use self::ecdsa::{CardCurve, EcdsaSigner};
pub use self::rsa::{CardDigest, RsaPkcs1Signer, RsaPssSigner};
use crate::csp::{
    Card, CardSession, DecryptRequest, DeriveRequest, KeyAlgorithm, PinSource, SignRequest, Wanted,
};
use crate::error::Error;

/// A key of a card. Cloning is cheap, and all clones use the same card.
#[derive(Clone)]
pub struct CardKey {
    shared: Arc<Shared>,
}

struct Shared {
    card: Card,
    reader: String,
    container: String,
    half: KeyHalf,
    public: PublicKey,
    pins: pins::Source,
}

impl Card {
    /// The key of a container, for signing, decrypting and key agreement. `None` takes the card's default
    /// container, and of its keys the only one, preferring key exchange as Windows does.
    ///
    /// `pins` is asked when the card wants a PIN, which is with the first use, and again whenever the
    /// card has forgotten it.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoDefaultContainer`], [`Error::NoSuchKey`], those of the
    /// card.
    pub fn signer(
        &self,
        container: Option<&str>,
        half: Option<KeyHalf>,
        pins: impl PinSource + Send + 'static,
    ) -> Result<CardKey, Error> {
        let mut session = self.lock();
        let key = session.key(container, half)?;
        let shared = Shared {
            card: self.clone(),
            reader: session.reader().to_owned(),
            half: key.half,
            public: key.public,
            container: key.container,
            pins: pins::Source::new(pins),
        };
        Ok(CardKey { shared: Arc::new(shared) })
    }
}

impl CardKey {
    /// The container's name.
    #[must_use]
    pub fn container(&self) -> &str {
        &self.shared.container
    }

    /// The half of the container the key is in.
    #[must_use]
    pub fn half(&self) -> KeyHalf {
        self.shared.half
    }

    /// The public key.
    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.shared.public
    }

    /// The kind of key.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        KeyAlgorithm::of(&self.shared.public)
    }

    /// The card the key is on.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.shared.card
    }

    /// The key's certificate (DER), as the card has it now, whatever is remembered.
    ///
    /// # Errors
    /// [`Error::NoCertificate`], [`Error::KeyChanged`], those of the card.
    pub fn certificate(&self) -> Result<Vec<u8>, Error> {
        let container = self.shared.card.lock().container(Some(&self.shared.container))?;
        let key = container.key(Some(self.shared.half)).filter(|key| key.public == self.shared.public);
        let key = key.ok_or_else(|| self.changed())?;
        key.certificate.clone().ok_or_else(|| Error::NoCertificate {
            container: self.shared.container.clone(),
            card: self.shared.reader.clone(),
        })
    }

    /// Signs a hash: RSA big-endian, of the modulus' length; ECDSA (with [`SignaturePadding::None`]) as
    /// `r‖s`.
    ///
    /// # Errors
    /// Those of [`CardSession::sign`]; [`Error::KeyChanged`].
    pub fn sign_digest(&self, padding: SignaturePadding, digest: &[u8]) -> Result<Vec<u8>, Error> {
        let request = SignRequest { half: Some(self.shared.half), padding, digest };
        self.with_card(|session, wanted, pins| session.sign_by(wanted, &request, pins))
    }

    /// Decrypts with an RSA key. The ciphertext is big-endian, of the modulus' length.
    ///
    /// # Errors
    /// Those of [`CardSession::decrypt`]; [`Error::KeyChanged`].
    pub fn decrypt(&self, padding: DecryptPadding, ciphertext: &[u8]) -> Result<SecretBytes, Error> {
        let request = DecryptRequest { half: Some(self.shared.half), padding, ciphertext };
        self.with_card(|session, wanted, pins| session.decrypt_by(wanted, &request, pins))
    }

    /// Agrees on a secret with another side's public key, and derives a key from it. `len` is the number
    /// of bytes wanted; `None` takes what the derivation yields.
    ///
    /// # Errors
    /// Those of [`CardSession::derive`]; [`Error::KeyChanged`].
    pub fn derive(&self, peer: &EcPublicKey, kdf: &Kdf, len: Option<usize>) -> Result<SecretBytes, Error> {
        let request = DeriveRequest { half: Some(self.shared.half), peer, kdf, len };
        self.with_card(|session, wanted, pins| session.derive_by(wanted, &request, pins))
    }

    /// Runs an operation by this very key.
    fn with_card<T>(
        &self,
        mut operation: impl FnMut(&mut CardSession, Wanted<'_>, &mut dyn PinSource) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let Shared { card, container, half, public, pins, .. } = &*self.shared;
        let wanted = Wanted { name: Some(container), half: Some(*half), public: Some(public) };
        pins.attend(card, |session, pins| operation(session, wanted, pins))
    }

    fn changed(&self) -> Error {
        let Shared { container, reader, .. } = &*self.shared;
        Error::KeyChanged { container: container.clone(), card: reader.clone() }
    }

    /// The key is not what a typed signer needs.
    fn wrong_kind(&self, wanted: String) -> Error {
        Error::WrongKeyKind {
            container: self.shared.container.clone(),
            card: self.shared.reader.clone(),
            found: self.algorithm().to_string(),
            wanted,
        }
    }
}

impl EncodePublicKey for CardKey {
    fn to_public_key_der(&self) -> spki::Result<Document> {
        Document::try_from(self.shared.public.to_spki_der()).map_err(Into::into)
    }
}

impl fmt::Debug for CardKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CardKey")
            .field("reader", &self.shared.reader)
            .field("container", &self.shared.container)
            .field("half", &self.shared.half)
            .field("algorithm", &self.algorithm().to_string())
            .finish_non_exhaustive()
    }
}

/// What a card failed at, out of an error of the `signature` crate or of one that has it for a cause.
#[must_use]
pub fn card_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a Error> {
    std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref())
}

/// An error for the `signature` crate's traits, with this one as its source.
fn failed(error: Error) -> signature::Error {
    signature::Error::from_source(error)
}
