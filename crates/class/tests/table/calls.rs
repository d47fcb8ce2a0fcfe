//! The table's entries with Rust's types.

use std::ptr::{null, null_mut};

use cardmod_sdk::Status;
use cardmod_sdk::sys::{
    BCRYPT_OAEP_PADDING_INFO, BCRYPT_PKCS1_PADDING_INFO, BCRYPT_PSS_PADDING_INFO, BCryptBuffer,
    BCryptBufferDesc, CARD_BUFFER_SIZE_ONLY, CARD_DERIVE_KEY, CARD_DH_AGREEMENT_INFO,
    CARD_PADDING_INFO_PRESENT, CARD_PADDING_NONE, CARD_PADDING_OAEP, CARD_PADDING_PKCS1, CARD_PADDING_PSS,
    CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO, CONTAINER_INFO, Zeroed,
};
use cardmod_types::{KeySpec, PrivateKey, PublicKey};

use super::{Host, PIN, answer, call, outcome, wide};

pub type Outcome<T> = Result<T, Status>;

/// Padding of a request, with CNG's names.
#[derive(Clone, Copy, Debug)]
pub enum Padding {
    /// The form without padding information, with this `ALG_ID`.
    Basic(u32),
    None,
    Pkcs1(Option<&'static str>),
    Pss(Option<&'static str>, u32),
    Oaep(&'static str, &'static [u8]),
}

impl Host {
    pub fn pin(&mut self, id: u32, pin: &[u8]) -> Outcome<()> {
        let mut pin = pin.to_vec();
        let length = pin.len() as u32;
        let out = null_mut();
        outcome(call!(
            self,
            pfnCardAuthenticateEx,
            id,
            0,
            pin.as_mut_ptr(),
            length,
            null_mut(),
            null_mut(),
            out
        ))
    }

    /// The right PIN.
    pub fn as_user(&mut self) {
        self.pin(1, PIN).expect("the PIN");
    }

    pub fn challenge(&mut self) -> Outcome<Vec<u8>> {
        let (mut pointer, mut length) = (null_mut(), 0);
        outcome(call!(self, pfnCardGetChallenge, &raw mut pointer, &raw mut length))?;
        Ok(self.take(pointer, length))
    }

    pub fn respond(&mut self, response: &[u8]) -> (Outcome<()>, u32) {
        let (mut response, mut attempts) = (response.to_vec(), 9);
        let length = response.len() as u32;
        let code =
            call!(self, pfnCardAuthenticateChallenge, response.as_mut_ptr(), length, &raw mut attempts);
        (outcome(code), attempts)
    }

    pub fn as_admin(&mut self, key: &[u8]) -> Outcome<()> {
        let challenge = self.challenge()?;
        self.respond(&answer(key, &challenge)).0
    }

    pub fn deauthenticate(&mut self) -> Outcome<()> {
        outcome(call!(self, pfnCardDeauthenticateEx, 0xFF, 0))
    }

    pub fn change(&mut self, flags: u32, by: u32, old: &[u8], target: u32, new: &[u8]) -> (Outcome<()>, u32) {
        let (mut old, mut new, mut attempts) = (old.to_vec(), new.to_vec(), 9);
        let (old_len, new_len) = (old.len() as u32, new.len() as u32);
        let code = call!(
            self,
            pfnCardChangeAuthenticatorEx,
            flags,
            by,
            old.as_mut_ptr(),
            old_len,
            target,
            new.as_mut_ptr(),
            new_len,
            0,
            &raw mut attempts
        );
        (outcome(code), attempts)
    }

    pub fn unblock(&mut self, authority: &[u8], new: &[u8], retry: u32, flags: u32) -> Outcome<()> {
        let (mut user, mut authority, mut new) = (wide("user"), authority.to_vec(), new.to_vec());
        let (authority_len, new_len) = (authority.len() as u32, new.len() as u32);
        outcome(call!(
            self,
            pfnCardUnblockPin,
            user.as_mut_ptr(),
            authority.as_mut_ptr(),
            authority_len,
            new.as_mut_ptr(),
            new_len,
            retry,
            flags
        ))
    }

    /// A property of up to 256 bytes, the first word being 0.
    pub fn property(&mut self, name: &str, flags: u32) -> Outcome<Vec<u8>> {
        let (name, mut buffer, mut length) = (wide(name), vec![0u8; 256], 0);
        let target = buffer.as_mut_ptr();
        outcome(call!(self, pfnCardGetProperty, name.as_ptr(), target, 256, &raw mut length, flags))?;
        buffer.truncate(length as usize);
        Ok(buffer)
    }

    pub fn authenticated(&mut self) -> u32 {
        let state = self.property("Authenticated State", 0).expect("a state");
        u32::from_ne_bytes(state.try_into().expect("four bytes"))
    }

    pub fn set_property(&mut self, name: &str, value: &[u8], flags: u32) -> Outcome<()> {
        let (name, mut value) = (wide(name), value.to_vec());
        let length = value.len() as u32;
        outcome(call!(self, pfnCardSetProperty, name.as_ptr(), value.as_mut_ptr(), length, flags))
    }

    pub fn generate(&mut self, index: u8, spec: KeySpec, bits: u32) -> Outcome<()> {
        outcome(call!(self, pfnCardCreateContainerEx, index, 1, spec.code(), bits, null_mut(), 1))
    }

    pub fn import(&mut self, index: u8, spec: KeySpec, key: &PrivateKey) -> Outcome<()> {
        let mut blob = key.to_blob(spec).as_bytes().to_vec();
        outcome(call!(self, pfnCardCreateContainer, index, 2, spec.code(), 0, blob.as_mut_ptr()))
    }

    pub fn delete(&mut self, index: u8) -> Outcome<()> {
        outcome(call!(self, pfnCardDeleteContainer, index, 0))
    }

    /// Both public keys of a container.
    pub fn keys(&mut self, index: u8) -> Outcome<[Option<PublicKey>; 2]> {
        let mut info = CONTAINER_INFO { dwVersion: 1, ..CONTAINER_INFO::ZEROED };
        outcome(call!(self, pfnCardGetContainerInfo, index, 0, &raw mut info))?;
        let pairs =
            [(info.pbSigPublicKey, info.cbSigPublicKey), (info.pbKeyExPublicKey, info.cbKeyExPublicKey)];
        Ok(pairs.map(|(pointer, length)| {
            let blob = (!pointer.is_null()).then(|| self.take(pointer, length))?;
            Some(PublicKey::from_blob(&blob).expect("a key blob").0)
        }))
    }

    /// The one key of a container.
    pub fn key(&mut self, index: u8) -> PublicKey {
        self.keys(index).expect("a container").into_iter().flatten().next().expect("a key")
    }

    /// A signature in big-endian order; `Err` leaves NULL and 0.
    pub fn sign(&mut self, index: u8, spec: KeySpec, padding: Padding, data: &[u8]) -> Outcome<Vec<u8>> {
        let (mut signature, _) = self.sign_with(index, spec, padding, data, 0)?;
        if spec.is_rsa() {
            signature.reverse();
        }
        Ok(signature)
    }

    /// The length a signature would have.
    pub fn sign_length(&mut self, index: u8, spec: KeySpec, padding: Padding, data: &[u8]) -> Outcome<u32> {
        self.sign_with(index, spec, padding, data, CARD_BUFFER_SIZE_ONLY).map(|(_, length)| length)
    }

    fn sign_with(
        &mut self,
        index: u8,
        spec: KeySpec,
        padding: Padding,
        data: &[u8],
        flags: u32,
    ) -> Outcome<(Vec<u8>, u32)> {
        let mut data = data.to_vec();
        let mut name = Vec::new();
        let mut named = |text: Option<&str>| {
            name = text.map(wide).unwrap_or_default();
            if name.is_empty() { null_mut() } else { name.as_mut_ptr() }
        };
        let (mut pkcs1, mut pss);
        let (mut algorithm, mut present) = (0, CARD_PADDING_INFO_PRESENT);
        let (kind, info) = match padding {
            Padding::Basic(id) => {
                (algorithm, present) = (id, 0);
                (0, null_mut())
            }
            Padding::None => (CARD_PADDING_NONE, null_mut()),
            Padding::Pkcs1(hash) => {
                pkcs1 = BCRYPT_PKCS1_PADDING_INFO { pszAlgId: named(hash) };
                (CARD_PADDING_PKCS1, (&raw mut pkcs1).cast())
            }
            Padding::Pss(hash, salt) => {
                pss = BCRYPT_PSS_PADDING_INFO { pszAlgId: named(hash), cbSalt: salt };
                (CARD_PADDING_PSS, (&raw mut pss).cast())
            }
            Padding::Oaep(..) => (CARD_PADDING_OAEP, null_mut()),
        };
        let mut info = CARD_SIGNING_INFO {
            dwVersion: 2,
            bContainerIndex: index,
            dwKeySpec: spec.code(),
            dwSigningFlags: flags | present,
            aiHashAlg: algorithm,
            pbData: data.as_mut_ptr(),
            cbData: data.len() as u32,
            pbSignedData: std::ptr::dangling_mut(),
            cbSignedData: 0xDEAD,
            pPaddingInfo: info,
            dwPaddingType: kind,
        };
        let result = outcome(call!(self, pfnCardSignData, &raw mut info));
        if result.is_err() || flags & CARD_BUFFER_SIZE_ONLY != 0 {
            assert!(info.pbSignedData.is_null(), "nothing handed out");
        }
        result.inspect_err(|_| assert_eq!(info.cbSignedData, 0))?;
        if info.pbSignedData.is_null() {
            return Ok((Vec::new(), info.cbSignedData));
        }
        Ok((self.take(info.pbSignedData, info.cbSignedData), info.cbSignedData))
    }

    /// Decrypts a big-endian cryptogram; the answer is big-endian too.
    pub fn decrypt(
        &mut self,
        index: u8,
        spec: KeySpec,
        padding: Padding,
        cryptogram: &[u8],
    ) -> Outcome<Vec<u8>> {
        let mut data: Vec<u8> = cryptogram.iter().rev().copied().collect();
        let (mut name, mut label) = (Vec::new(), Vec::new());
        let mut oaep = BCRYPT_OAEP_PADDING_INFO { pszAlgId: null_mut(), pbLabel: null_mut(), cbLabel: 0 };
        let (kind, info) = match padding {
            Padding::None => (CARD_PADDING_NONE, null_mut()),
            Padding::Oaep(hash, text) => {
                name.extend(wide(hash));
                label.extend_from_slice(text);
                oaep.pszAlgId = name.as_mut_ptr();
                oaep.pbLabel = label.as_mut_ptr();
                oaep.cbLabel = label.len() as u32;
                (CARD_PADDING_OAEP, (&raw mut oaep).cast())
            }
            _ => (CARD_PADDING_PKCS1, null_mut()),
        };
        let mut info = CARD_RSA_DECRYPT_INFO {
            dwVersion: 2,
            bContainerIndex: index,
            dwKeySpec: spec.code(),
            pbData: data.as_mut_ptr(),
            cbData: data.len() as u32,
            pPaddingInfo: info,
            dwPaddingType: kind,
        };
        outcome(call!(self, pfnCardRSADecrypt, &raw mut info))?;
        data.truncate(info.cbData as usize);
        data.reverse();
        Ok(data)
    }

    /// Agrees with the peer whose public key blob this is.
    pub fn agree(&mut self, index: u8, peer: &[u8]) -> Outcome<u8> {
        let mut peer = peer.to_vec();
        let mut info = CARD_DH_AGREEMENT_INFO {
            dwVersion: 2,
            bContainerIndex: index,
            dwPublicKey: peer.len() as u32,
            pbPublicKey: peer.as_mut_ptr(),
            ..CARD_DH_AGREEMENT_INFO::ZEROED
        };
        outcome(call!(self, pfnCardConstructDHAgreement, &raw mut info))?;
        Ok(info.bSecretAgreementIndex)
    }

    pub fn destroy(&mut self, agreement: u8) -> Outcome<()> {
        outcome(call!(self, pfnCardDestroyDHAgreement, agreement, 0))
    }

    /// Derives a key three ways (length, own buffer, the module's memory), which must agree.
    pub fn derive(
        &mut self,
        agreement: u8,
        kdf: &str,
        flags: u32,
        parameters: &[(u32, Vec<u8>)],
    ) -> Outcome<Vec<u8>> {
        let mut name = wide(kdf);
        let mut values: Vec<Vec<u8>> = parameters.iter().map(|(_, value)| value.clone()).collect();
        let mut buffers: Vec<BCryptBuffer> = values
            .iter_mut()
            .zip(parameters)
            .map(|(value, (kind, _))| BCryptBuffer {
                cbBuffer: value.len() as u32,
                BufferType: *kind,
                pvBuffer: value.as_mut_ptr().cast(),
            })
            .collect();
        let mut list =
            BCryptBufferDesc { ulVersion: 0, cBuffers: buffers.len() as u32, pBuffers: buffers.as_mut_ptr() };
        let request = |more: u32, buffer: *mut u8, length: u32| CARD_DERIVE_KEY {
            dwVersion: 2,
            dwFlags: flags | more,
            bSecretAgreementIndex: agreement,
            pbDerivedKey: buffer,
            cbDerivedKey: length,
            ..CARD_DERIVE_KEY::ZEROED
        };
        let mut run = |host: &mut Self, mut info: CARD_DERIVE_KEY| {
            info.pwszKDF = name.as_mut_ptr();
            info.pParameterList = (&raw mut list).cast();
            outcome(call!(host, pfnCardDeriveKey, &raw mut info)).map(|()| info)
        };
        let length = run(self, request(CARD_BUFFER_SIZE_ONLY, null_mut(), 0))?.cbDerivedKey;
        let made = run(self, request(0, null_mut(), 0))?;
        let made = self.take(made.pbDerivedKey, made.cbDerivedKey);
        assert_eq!(made.len(), length as usize);
        let mut own = vec![0u8; length as usize];
        let filled = run(self, request(0, own.as_mut_ptr(), length))?;
        assert_eq!((&own, filled.cbDerivedKey), (&made, length));
        let short = run(self, request(0, own.as_mut_ptr(), length - 1)).map(|info| info.cbDerivedKey);
        match kdf {
            "SP800_56A_CONCAT" | "HKDF" => assert_eq!(short, Ok(length - 1), "as long as asked for"),
            _ => assert_eq!(short, Err(Status::InsufficientBuffer)),
        }
        Ok(made)
    }

    pub fn read(&mut self, directory: Option<&str>, name: &str) -> Outcome<Vec<u8>> {
        let directory = directory.map(|text| format!("{text}\0").into_bytes());
        let directory = directory.as_ref().map_or(null(), |text| text.as_ptr()).cast_mut().cast();
        let mut name = format!("{name}\0").into_bytes();
        let (mut pointer, mut length) = (std::ptr::dangling_mut(), 0xDEAD);
        let code = call!(
            self,
            pfnCardReadFile,
            directory,
            name.as_mut_ptr().cast(),
            0,
            &raw mut pointer,
            &raw mut length
        );
        if code != 0 {
            assert!(pointer.is_null() && length == 0, "a failure leaves nothing");
        }
        outcome(code).map(|()| self.take(pointer, length))
    }
}
