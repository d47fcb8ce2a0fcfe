//! The use of keys: signatures, RSA decryption, key agreement and derivation.
//!
//! Data is in the interface's byte order here: RSA values little-endian, everything else as it is.

use cardmod_sys::{
    CARD_BUFFER_SIZE_ONLY, CARD_PADDING_INFO_PRESENT, CARD_PADDING_NONE, CARD_PADDING_OAEP,
    CARD_PADDING_PKCS1, CARD_PADDING_PSS, CRYPT_NOHASHOID, ERROR_INSUFFICIENT_BUFFER,
    SCARD_E_INSUFFICIENT_BUFFER, SCARD_E_INVALID_PARAMETER,
};
use cardmod_types::{
    ContainerIndex, DecryptPadding, EcPublicKey, HashAlgorithm, KeyHalf, KeySpec, PublicKey, SecretBytes,
    SignaturePadding,
};
use zeroize::Zeroizing;

use super::{fits, view, wide};
use crate::module::context::Context;
use crate::module::function::{CallError, CallErrorKind, CardFunction};
use crate::module::layout::{
    AgreementInfo, DecryptInfo, Decryption, Derivation, DeriveInfo, PaddingInfo, Parameters, Signing,
    SigningInfo,
};

/// The longest key a host has a module derive.
const LONGEST_KEY: usize = 64 * 1024;

/// A secret a module holds after a key agreement, until it is destroyed.
#[derive(Debug, PartialEq, Eq)]
pub struct Agreement {
    index: u8,
    handle: usize,
}

impl Agreement {
    /// The module's number of it.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.index
    }
}

/// A parameter of a key derivation (a `BCryptBuffer`).
#[derive(Debug)]
pub enum KdfParameter<'a> {
    /// Bytes, under the type's number (`KDF_HASH_ALGORITHM` …).
    Bytes(u32, &'a [u8]),
    /// Another secret the same module holds (`KDF_SECRET_HANDLE`).
    Secret(&'a Agreement),
}

impl Context {
    /// `CardSignData` (specification 7.07, section 4.6.2): an RSA signature little-endian, or `r‖s`.
    ///
    /// # Errors
    /// The module's code; `SCARD_W_SECURITY_VIOLATION` where the key's role is not authenticated.
    pub fn sign_data(
        &mut self,
        index: ContainerIndex,
        spec: KeySpec,
        padding: &SignaturePadding,
        digest: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CallError> {
        let function = CardFunction::SignData;
        fits(function, digest)?;
        let version = self.structures.signing;
        let name = match padding {
            SignaturePadding::Pkcs1 { hash: Some(hash) } | SignaturePadding::Pss { hash, .. } => {
                cng_name(*hash)
            }
            SignaturePadding::Pkcs1 { hash: None } | SignaturePadding::None => None,
        };
        let units = name.map(|name| wide(function, name)).transpose()?;
        let name = units.as_deref().map(|units| view(function, units)).transpose()?;
        let mut signing = Signing {
            version,
            container: index.get(),
            spec: spec.code(),
            flags: 0,
            hash: 0,
            data: digest,
            padding_type: 0,
        };
        let mut info = match padding {
            SignaturePadding::None => PaddingInfo::Absent,
            SignaturePadding::Pkcs1 { hash } if version < 2 => {
                signing.hash = hash.unwrap_or(HashAlgorithm::Ssl3ShaMd5).calg();
                signing.flags = if hash.is_none() { CRYPT_NOHASHOID } else { 0 };
                PaddingInfo::Absent
            }
            SignaturePadding::Pss { .. } if version < 2 => {
                return Err(CallError::new(function, CallErrorKind::Absent));
            }
            SignaturePadding::Pkcs1 { .. } => {
                (signing.flags, signing.padding_type) = (CARD_PADDING_INFO_PRESENT, CARD_PADDING_PKCS1);
                PaddingInfo::pkcs1(name)
            }
            SignaturePadding::Pss { salt_len, .. } => {
                (signing.flags, signing.padding_type) = (CARD_PADDING_INFO_PRESENT, CARD_PADDING_PSS);
                let unknown =
                    || CallError::new(function, CallErrorKind::Argument("the hash has no name for PSS"));
                PaddingInfo::pss(name.ok_or_else(unknown)?, u32::try_from(*salt_len).unwrap_or(u32::MAX))
            }
        };
        let mut info = SigningInfo::new(&signing, &mut info);
        self.table.sign_data(&mut info)?;
        let signature = self.take(function, &info.signature())?;
        if signature.is_empty() {
            return Err(CallError::lie(function, "gave no signature"));
        }
        Ok(signature)
    }

    /// `CardRSADecrypt` (specification 7.07, section 4.6.1): the ciphertext little-endian; so is the
    /// answer. Where the version agreed on has no padding removal, the answer is the raw block
    /// whatever `padding` says, and the flag is `false`.
    ///
    /// # Errors
    /// The module's code.
    pub fn rsa_decrypt(
        &mut self,
        index: ContainerIndex,
        spec: KeySpec,
        padding: &DecryptPadding,
        ciphertext: &[u8],
    ) -> Result<(SecretBytes, bool), CallError> {
        let function = CardFunction::RsaDecrypt;
        fits(function, ciphertext)?;
        let version = self.structures.decrypt;
        let units = match padding {
            DecryptPadding::Oaep { hash, .. } => {
                cng_name(*hash).map(|name| wide(function, name)).transpose()?
            }
            DecryptPadding::None | DecryptPadding::Pkcs1 => None,
        };
        let (mut info, padding_type) = match padding {
            _ if version < 2 => (PaddingInfo::Absent, 0),
            DecryptPadding::None => (PaddingInfo::Absent, CARD_PADDING_NONE),
            DecryptPadding::Pkcs1 => (PaddingInfo::Absent, CARD_PADDING_PKCS1),
            DecryptPadding::Oaep { label, .. } => {
                let unknown =
                    || CallError::new(function, CallErrorKind::Argument("the hash has no name for OAEP"));
                let name = view(function, units.as_deref().ok_or_else(unknown)?)?;
                (PaddingInfo::oaep(name, label), CARD_PADDING_OAEP)
            }
        };
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let address = buffer.as_ptr();
        let mut decryption = Decryption {
            version,
            container: index.get(),
            spec: spec.code(),
            data: buffer.as_mut_slice(),
            padding_type,
        };
        let mut info = DecryptInfo::new(&mut decryption, &mut info);
        self.table.rsa_decrypt(&mut info)?;
        let result = info.result();
        if result.pointer.cast_const() != address {
            return Err(CallError::lie(function, "put the result elsewhere than in the buffer"));
        }
        let length = usize::try_from(result.length).unwrap_or(usize::MAX);
        let plain = buffer.get(..length);
        let plain =
            plain.ok_or_else(|| CallError::lie(function, "told a length beyond the buffer it was given"))?;
        Ok((SecretBytes::from(plain), version >= 2))
    }

    /// `CardConstructDHAgreement` (specification 7.07, section 4.6.3).
    ///
    /// # Errors
    /// The module's code.
    pub fn construct_dh_agreement(
        &mut self,
        index: ContainerIndex,
        peer: &EcPublicKey,
    ) -> Result<Agreement, CallError> {
        let spec = KeySpec::ec(KeyHalf::KeyExchange, peer.curve());
        let blob = PublicKey::Ec(peer.clone()).to_blob(spec);
        let mut info = AgreementInfo::new(index.get(), &blob);
        self.table.construct_dh_agreement(&mut info)?;
        let index = info.index();
        let mut agreements = self.table.shared().agreements();
        let handle = agreements.last().map_or(1, |(handle, _)| handle + 1);
        agreements.push((handle, index));
        drop(agreements);
        Ok(Agreement { index, handle })
    }

    /// `CardDeriveKey` (specification 7.07, section 4.6.4): `function` is the KDF's CNG name. `wanted`
    /// is the key's length, where the function leaves it to the caller.
    ///
    /// # Errors
    /// The module's code, or a key that cannot be.
    pub fn derive_key(
        &mut self,
        agreement: &Agreement,
        kdf: &str,
        flags: u32,
        parameters: &[KdfParameter<'_>],
        wanted: Option<usize>,
    ) -> Result<SecretBytes, CallError> {
        let function = CardFunction::DeriveKey;
        let units = wide(function, kdf)?;
        let handles: Vec<_> = parameters
            .iter()
            .map(|parameter| match parameter {
                KdfParameter::Bytes(..) => [0; size_of::<usize>()],
                KdfParameter::Secret(secret) => secret.handle.to_ne_bytes(),
            })
            .collect();
        let list: Vec<(u32, &[u8])> = parameters
            .iter()
            .zip(&handles)
            .map(|(parameter, handle)| match parameter {
                KdfParameter::Bytes(kind, bytes) => (*kind, *bytes),
                KdfParameter::Secret(_) => (cardmod_sys::KDF_SECRET_HANDLE, handle.as_slice()),
            })
            .collect();
        for (_, bytes) in &list {
            fits(function, bytes)?;
        }
        let request = DeriveRequest { agreement: agreement.index, units: &units, flags, parameters: &list };
        match wanted {
            Some(wanted) => self.derive_into(&request, wanted),
            None => self.derive_allocated(&request),
        }
    }

    /// Has the module allocate, as most do; falls back on asking for the length.
    fn derive_allocated(&mut self, request: &DeriveRequest<'_>) -> Result<SecretBytes, CallError> {
        let function = CardFunction::DeriveKey;
        let (answer, block) = self.derive_call(request, 0, None)?;
        match answer {
            Ok(()) if !block.pointer.is_null() => {
                let key = self.take(function, &block)?;
                Ok(SecretBytes::from(key.as_slice()))
            }
            Ok(()) => self.derive_into(request, sensible_length(function, block.length)?),
            Err(error) if is_about_the_buffer(&error) => {
                let (answer, block) = self.derive_call(request, CARD_BUFFER_SIZE_ONLY, None)?;
                // The first answer is the one to show: it is about what the caller wanted.
                answer.map_err(|_| error)?;
                self.derive_into(request, sensible_length(function, block.length)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Has the module fill a buffer of ours.
    fn derive_into(&mut self, request: &DeriveRequest<'_>, length: usize) -> Result<SecretBytes, CallError> {
        let function = CardFunction::DeriveKey;
        let mut buffer = Zeroizing::new(vec![0; length]);
        let address = buffer.as_ptr();
        let (answer, block) = self.derive_call(request, 0, Some(&mut buffer))?;
        answer?;
        if block.pointer.cast_const() != address {
            // Some modules allocate in any case.
            let key = self.take(function, &block)?;
            return Ok(SecretBytes::from(key.as_slice()));
        }
        let told = usize::try_from(block.length).unwrap_or(usize::MAX);
        let key = buffer.get(..told);
        let key =
            key.ok_or_else(|| CallError::lie(function, "told a length beyond the buffer it was given"))?;
        Ok(SecretBytes::from(key))
    }

    fn derive_call(
        &mut self,
        request: &DeriveRequest<'_>,
        flags: u32,
        buffer: Option<&mut [u8]>,
    ) -> Result<(Result<(), CallError>, crate::module::table::Block), CallError> {
        let mut parameters = Parameters::new(request.parameters);
        let mut derivation = Derivation {
            version: self.structures.derive,
            flags: request.flags | flags,
            function: view(CardFunction::DeriveKey, request.units)?,
            agreement: request.agreement,
            buffer,
        };
        let mut info = DeriveInfo::new(&mut derivation, &mut parameters);
        let answer = self.table.derive_key(&mut info);
        Ok((answer, info.key()))
    }

    /// `CardDestroyDHAgreement` (specification 7.07, section 4.6.5).
    ///
    /// # Errors
    /// The module's code; the agreement is forgotten in any case.
    pub fn destroy_dh_agreement(&mut self, agreement: Agreement) -> Result<(), CallError> {
        let Agreement { index, handle } = agreement;
        self.table.shared().agreements().retain(|(known, _)| *known != handle);
        self.table.destroy_dh_agreement(index)
    }
}

struct DeriveRequest<'a> {
    agreement: u8,
    units: &'a [u16],
    flags: u32,
    parameters: &'a [(u32, &'a [u8])],
}

/// The name CNG has for a hash; the one of SSL 3 has none, and goes without.
fn cng_name(hash: HashAlgorithm) -> Option<&'static str> {
    match hash {
        HashAlgorithm::Ssl3ShaMd5 => None,
        hash => Some(hash.cng_name()),
    }
}

fn is_about_the_buffer(error: &CallError) -> bool {
    [SCARD_E_INVALID_PARAMETER, SCARD_E_INSUFFICIENT_BUFFER, ERROR_INSUFFICIENT_BUFFER]
        .into_iter()
        .any(|code| error.is(code))
}

fn sensible_length(function: CardFunction, length: u32) -> Result<usize, CallError> {
    usize::try_from(length)
        .ok()
        .filter(|length| (1..=LONGEST_KEY).contains(length))
        .ok_or_else(|| CallError::lie(function, "told a key length that cannot be"))
}
