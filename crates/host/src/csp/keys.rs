//! The use of keys: sign, decrypt, agree. Values of RSA are big-endian on this side.

use cardmod_types::kdf::Kdf;
use cardmod_types::{
    ContainerIndex, DecryptPadding, EcPublicKey, KeyHalf, KeySpec, PublicKey, SecretBytes, SignaturePadding,
    padding,
};

use super::kdf_parameters::KdfParameters;
use super::operation::{Need, Repeat};
use super::pin_source::PinSource;
use super::request::{DecryptRequest, DeriveRequest, KeyInfo, SignRequest};
use super::session::CardSession;
use crate::error::Error;
use crate::module::CallError;

/// Which key is to be used.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// The container; `None` for the card's default one.
    pub(crate) name: Option<&'a str>,
    /// The half of it; `None` for the only one, preferring key exchange.
    pub(crate) half: Option<KeyHalf>,
    /// The key it must be; `None` for whatever is there.
    pub(crate) public: Option<&'a PublicKey>,
}

impl<'a> Wanted<'a> {
    fn any(name: Option<&'a str>, half: Option<KeyHalf>) -> Self {
        Self { name, half, public: None }
    }
}

/// A key of the card that is to be used.
pub(super) struct Chosen {
    index: ContainerIndex,
    container: String,
    spec: KeySpec,
    public: PublicKey,
}

impl CardSession {
    /// A container's key without its certificate: the named half, or the only one, preferring key exchange.
    /// With no name the default container's. Costs less than [`container`](Self::container).
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoDefaultContainer`], [`Error::NoSuchKey`].
    pub fn key(&mut self, name: Option<&str>, half: Option<KeyHalf>) -> Result<KeyInfo, Error> {
        self.plain(Repeat::Safe, |session| {
            let Chosen { container, spec, public, .. } = session.choose(Wanted::any(name, half))?;
            Ok(KeyInfo { container, half: spec.half(), spec, public })
        })
    }

    /// The same with the public key that the card has now, whatever is remembered: to be handed out.
    ///
    /// # Errors
    /// As [`key`](Self::key).
    pub fn read_key(&mut self, name: Option<&str>, half: Option<KeyHalf>) -> Result<KeyInfo, Error> {
        self.plain(Repeat::Safe, |session| {
            let Chosen { index, container, spec, public } = session.choose(Wanted::any(name, half))?;
            session.confirm_keys(index)?;
            Ok(KeyInfo { container, half: spec.half(), spec, public })
        })
    }

    /// Signs by the very key that was found before, such as for a request that names it; see
    /// [`sign`](Self::sign).
    ///
    /// # Errors
    /// Those of [`sign`](Self::sign); [`Error::KeyChanged`] where the container has another key by now.
    pub fn sign_as(
        &mut self,
        key: &KeyInfo,
        request: &SignRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<Vec<u8>, Error> {
        let wanted = Wanted { name: Some(&key.container), half: Some(key.half), public: Some(&key.public) };
        self.sign_by(wanted, request, pins)
    }

    /// Signs: RSA big-endian, of the modulus' length; ECDSA as `r‖s`.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchKey`], [`Error::BadInput`] for a hash that does not
    /// fit the padding, [`Error::NotSupported`], those of the PIN.
    pub fn sign(
        &mut self,
        name: Option<&str>,
        request: &SignRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<Vec<u8>, Error> {
        self.sign_by(Wanted::any(name, request.half), request, pins)
    }

    /// [`sign`](Self::sign) by the very key that is wanted.
    pub(crate) fn sign_by(
        &mut self,
        wanted: Wanted<'_>,
        request: &SignRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<Vec<u8>, Error> {
        let need = |session: &mut Self| {
            let key = session.choose(wanted)?;
            check_signature(request, &key.public)?;
            session.owner_of(&key)
        };
        self.run(Repeat::Safe, Some(pins), need, |session| {
            let key = session.choose(wanted)?;
            let answer = session.module.sign_data(key.index, key.spec, &request.padding, request.digest);
            let signature = answer.map_err(|error| session.use_failed(key.index, "sign", error))?;
            let mut signature = signature.to_vec();
            if signature.len() != key.public.signature_len() {
                return Err(session.damaged(format!("it made a signature of {} bytes", signature.len())));
            }
            if key.spec.is_rsa() {
                signature.reverse();
            }
            let signed = (&request.padding, request.digest);
            session.check_signature(key.index, &key.public, signed, &signature)?;
            Ok(signature)
        })
    }

    /// The public key of a container: the named half, or its only one, preferring key exchange. Its
    /// certificate is not read.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoDefaultContainer`], [`Error::NoSuchKey`].
    pub fn public_key(&mut self, name: Option<&str>, half: Option<KeyHalf>) -> Result<PublicKey, Error> {
        self.plain(Repeat::Safe, |session| Ok(session.choose(Wanted::any(name, half))?.public))
    }

    /// Decrypts with an RSA key. The ciphertext is big-endian; the plaintext is as it was encrypted.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchKey`], [`Error::BadInput`] for a ciphertext of
    /// another length than the modulus, [`Error::DecryptionFailed`], those of the PIN.
    pub fn decrypt(
        &mut self,
        name: Option<&str>,
        request: &DecryptRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<SecretBytes, Error> {
        self.decrypt_by(Wanted::any(name, request.half), request, pins)
    }

    /// [`decrypt`](Self::decrypt) by the very key that is wanted.
    pub(crate) fn decrypt_by(
        &mut self,
        wanted: Wanted<'_>,
        request: &DecryptRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<SecretBytes, Error> {
        let need = |session: &mut Self| {
            let key = session.choose(wanted)?;
            session.check_key(key.index, key.spec.half(), &key.public)?;
            session.check_ciphertext(request, &key)?;
            session.owner_of(&key)
        };
        self.run(Repeat::Safe, Some(pins), need, |session| {
            let key = session.choose(wanted)?;
            session.decrypt_with(&key, request)
        })
    }

    fn decrypt_with(&mut self, key: &Chosen, request: &DecryptRequest<'_>) -> Result<SecretBytes, Error> {
        let mut reversed = request.ciphertext.to_vec();
        reversed.reverse();
        let answer = match self.module.rsa_decrypt(key.index, key.spec, &request.padding, &reversed) {
            // The module removes no such padding: the raw block is unpadded here.
            Err(error) if error.is_unsupported() && request.padding != DecryptPadding::None => {
                let raw = self.module.rsa_decrypt(key.index, key.spec, &DecryptPadding::None, &reversed);
                raw.map(|(block, _)| (block, false))
            }
            answer => answer,
        };
        let (mut plain, unpadded) =
            answer.map_err(|error| self.failed_decryption(key, &request.padding, error))?;
        plain.as_mut_bytes().reverse();
        let failed = |_| self.undecryptable(key);
        match &request.padding {
            DecryptPadding::None => Ok(plain),
            _ if unpadded => Ok(plain),
            DecryptPadding::Pkcs1 => padding::pkcs1_unpad(plain.as_bytes()).map_err(failed),
            DecryptPadding::Oaep { hash, label } => {
                padding::oaep_unpad(*hash, label, plain.as_bytes()).map_err(failed)
            }
        }
    }

    /// A module that removes padding answers a wrong one with a code of its choice: all the codes
    /// that say nothing else are one error here.
    fn failed_decryption(&mut self, key: &Chosen, padding: &DecryptPadding, error: CallError) -> Error {
        let vague = error.is(cardmod_sys::SCARD_E_INVALID_PARAMETER)
            || error.is(cardmod_sys::SCARD_E_INVALID_VALUE)
            || error.is(cardmod_sys::SCARD_F_INTERNAL_ERROR)
            || error.is(cardmod_sys::SCARD_E_UNEXPECTED);
        if vague && *padding != DecryptPadding::None {
            self.undecryptable(key)
        } else {
            self.use_failed(key.index, "decrypt", error)
        }
    }

    fn undecryptable(&self, key: &Chosen) -> Error {
        Error::DecryptionFailed { container: key.container.clone(), card: self.reader.clone() }
    }

    /// Agrees on a secret with another side's public key, and derives a key from it.
    ///
    /// # Errors
    /// [`Error::NoSuchContainer`], [`Error::NoSuchKey`], [`Error::BadInput`] for a public key on
    /// another curve, [`Error::NotSupported`] for an RSA key or a derivation the card has not, those of
    /// the PIN.
    pub fn derive(
        &mut self,
        name: Option<&str>,
        request: &DeriveRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<SecretBytes, Error> {
        self.derive_by(Wanted::any(name, request.half), request, pins)
    }

    /// [`derive`](Self::derive) by the very key that is wanted.
    pub(crate) fn derive_by(
        &mut self,
        wanted: Wanted<'_>,
        request: &DeriveRequest<'_>,
        pins: &mut dyn PinSource,
    ) -> Result<SecretBytes, Error> {
        let need = |session: &mut Self| {
            let key = session.choose(wanted)?;
            session.check_key(key.index, key.spec.half(), &key.public)?;
            session.check_peer(&key, request.peer)?;
            session.owner_of(&key)
        };
        self.run(Repeat::Safe, Some(pins), need, |session| {
            let key = session.choose(wanted)?;
            let agreement = session.module.construct_dh_agreement(key.index, request.peer);
            let agreement =
                agreement.map_err(|error| session.use_failed(key.index, "agree on a key", error))?;
            let derived = session.derive_from(&agreement, request.kdf, request.len);
            if let Err(error) = session.module.destroy_dh_agreement(agreement) {
                tracing::debug!(%error, "the module keeps an agreement");
            }
            derived
        })
    }

    fn derive_from(
        &mut self,
        agreement: &crate::module::Agreement,
        kdf: &Kdf,
        len: Option<usize>,
    ) -> Result<SecretBytes, Error> {
        let parameters = KdfParameters::of(kdf);
        // These two make as much as the caller has room for; the others make what they make.
        let wanted = match kdf {
            Kdf::Hkdf { .. } | Kdf::Sp800_56aConcat { .. } => len,
            Kdf::Hash { .. } | Kdf::Hmac { .. } | Kdf::TlsPrf { .. } | Kdf::Truncate => None,
        };
        let derived =
            self.module.derive_key(agreement, kdf.name(), parameters.flags(), &parameters.list(), wanted);
        let mut derived = derived.map_err(|error| self.failed("derive a key", error))?;
        match len {
            Some(len) if derived.len() < len => {
                Err(Error::BadInput { what: format!("{len} bytes are wanted of a key of {}", derived.len()) })
            }
            Some(len) => {
                derived.truncate(len);
                Ok(derived)
            }
            None => Ok(derived),
        }
    }

    /// The key to use.
    fn choose(&mut self, wanted: Wanted<'_>) -> Result<Chosen, Error> {
        let Wanted { name, half, public: expected } = wanted;
        let (index, container, keys) = self.find_keys(name)?;
        let key_exchange = keys.key_exchange.map(|key| (KeyHalf::KeyExchange, key));
        let signature = keys.signature.map(|key| (KeyHalf::Signature, key));
        let key = match half {
            Some(KeyHalf::KeyExchange) => key_exchange,
            Some(KeyHalf::Signature) => signature,
            None => key_exchange.or(signature),
        };
        let Some((half, public)) = key else {
            return Err(Error::NoSuchKey { container, half, card: self.reader.clone() });
        };
        if expected.is_some_and(|expected| *expected != public) {
            return Err(Error::KeyChanged { container, card: self.reader.clone() });
        }
        Ok(Chosen { index, container, spec: public.spec(half), public })
    }

    /// The container has a key to use.
    pub(super) fn usable(&mut self, name: &str) -> Result<(), Error> {
        self.choose(Wanted::any(Some(name), None)).map(drop)
    }

    fn owner_of(&mut self, key: &Chosen) -> Result<Need, Error> {
        let role = self.container_owner(key.index)?;
        if self.is_asked_every_time(role)?
            || role != cardmod_types::PinId::EVERYONE && self.cached.has_hints()
        {
            // Between the PIN and the key's use nothing may come, so the module learns before what it has to
            // know of the key. On a card without counters any key may be one of those, by a policy that shows
            // only when it is used, and what the module does not know it has to read in any case.
            let keys = self.module.get_container_info(key.index);
            keys.map_err(|error| self.failed("tell the public keys of a container", error))?;
        }
        // A key of everyone needs nobody.
        let role = (role != cardmod_types::PinId::EVERYONE).then_some(role);
        Ok(Need { role, container: Some(key.container.clone()) })
    }

    /// Both public keys are on one curve.
    fn check_peer(&self, key: &Chosen, peer: &EcPublicKey) -> Result<(), Error> {
        match &key.public {
            PublicKey::Ec(_) if key.spec.half() == KeyHalf::Signature => Err(Error::WrongKeyKind {
                container: key.container.clone(),
                card: self.reader.clone(),
                found: "for signatures".to_owned(),
                wanted: "for key agreement".to_owned(),
            }),
            PublicKey::Ec(own) if own.curve() == peer.curve() => Ok(()),
            PublicKey::Ec(own) => Err(Error::BadInput {
                what: format!(
                    "the other side's key is on P-{}, the key of container {:?} on P-{}",
                    peer.curve().bits(),
                    key.container,
                    own.curve().bits()
                ),
            }),
            PublicKey::Rsa(_) => {
                let what = "derive a key with an RSA key; decrypt instead".to_owned();
                Err(Error::NotSupported { what, card: self.reader.clone() })
            }
        }
    }

    fn check_ciphertext(&self, request: &DecryptRequest<'_>, key: &Chosen) -> Result<(), Error> {
        let PublicKey::Rsa(rsa) = &key.public else {
            let what = "decrypt with an elliptic key; derive a key instead".to_owned();
            return Err(Error::NotSupported { what, card: self.reader.clone() });
        };
        let (expected, length) = (rsa.modulus_len(), request.ciphertext.len());
        if expected == length {
            return Ok(());
        }
        Err(Error::BadInput {
            what: format!(
                "the ciphertext has {length} bytes; the key of container {:?} wants {expected}",
                key.container
            ),
        })
    }
}

/// The hash and the padding fit the key.
fn check_signature(request: &SignRequest<'_>, public: &PublicKey) -> Result<(), Error> {
    let length = request.digest.len();
    let bad = |what: String| Err(Error::BadInput { what });
    match (public, &request.padding) {
        (PublicKey::Ec(_), SignaturePadding::None) if length == 0 => {
            bad("there is no hash to sign".to_owned())
        }
        (PublicKey::Ec(_), SignaturePadding::None) => Ok(()),
        (PublicKey::Ec(_), _) => bad("an elliptic key signs without padding".to_owned()),
        (PublicKey::Rsa(rsa), SignaturePadding::None) if length != rsa.modulus_len() => bad(format!(
            "a signature without padding wants a block of {} bytes, not {length}",
            rsa.modulus_len()
        )),
        (PublicKey::Rsa(_), SignaturePadding::None | SignaturePadding::Pkcs1 { hash: None }) => Ok(()),
        (
            PublicKey::Rsa(_),
            SignaturePadding::Pkcs1 { hash: Some(hash) } | SignaturePadding::Pss { hash, .. },
        ) if length != hash.len() => bad(format!("a hash of {hash} has {} bytes, not {length}", hash.len())),
        (PublicKey::Rsa(_), SignaturePadding::Pkcs1 { .. }) => Ok(()),
        (PublicKey::Rsa(_), SignaturePadding::Pss { hash, salt_len }) => {
            // RFC 8017, section 9.1.1: the encoded message has room for both and two bytes more.
            let room = (public.bits() as usize).saturating_sub(1).div_ceil(8);
            if hash.len().saturating_add(*salt_len).saturating_add(2) <= room {
                return Ok(());
            }
            bad(format!(
                "hash and salt do not fit a {}-bit key: {} bytes and {salt_len} bytes",
                public.bits(),
                hash.len()
            ))
        }
    }
}
