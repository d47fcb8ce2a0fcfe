//! The structures and strings a host hands to a module, each with the lifetime of what it points at,
//! so that a call that takes one needs no promise of its caller.

use std::marker::PhantomData;
use std::ptr;

use cardmod_sys::{
    ALG_ID, BCRYPT_OAEP_PADDING_INFO, BCRYPT_PKCS1_PADDING_INFO, BCRYPT_PSS_PADDING_INFO, BCryptBuffer,
    BCryptBufferDesc, CARD_CAPABILITIES, CARD_DERIVE_KEY, CARD_DH_AGREEMENT_INFO, CARD_ENCRYPTED_DATA,
    CARD_FILE_INFO, CARD_FREE_SPACE_INFO, CARD_KEY_SIZES, CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO,
    CONTAINER_INFO, DWORD,
};

use super::table::Block;

/// A UTF-16 string that ends with its only NUL, as the interface wants property and user names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide<'a>(&'a [u16]);

impl<'a> Wide<'a> {
    /// The string, where its only NUL is at the end.
    pub(super) fn new(units: &'a [u16]) -> Option<Self> {
        let (last, rest) = units.split_last()?;
        (*last == 0 && !rest.contains(&0)).then_some(Self(units))
    }

    pub(super) fn raw(self) -> *mut u16 {
        self.0.as_ptr().cast_mut()
    }
}

/// A text as UTF-16 with a NUL at the end; `None` where it has one within.
pub(super) fn wide_units(text: &str) -> Option<Vec<u16>> {
    (!text.contains('\0')).then(|| text.encode_utf16().chain([0]).collect())
}

macro_rules! plain_structures {
    ($($(#[$doc:meta])* $name:ident($raw:ident) = $value:expr;)+) => {
        $($(#[$doc])*
        pub(super) struct $name(pub(super) $raw);

        impl $name {
            pub(super) fn new() -> Self {
                Self($value)
            }

            pub(super) fn raw(&mut self) -> *mut $raw {
                &raw mut self.0
            }
        })+
    };
}

plain_structures! {
    /// `CARD_CAPABILITIES`, version 1.
    Capabilities(CARD_CAPABILITIES) =
        CARD_CAPABILITIES { dwVersion: 1, fCertificateCompression: 0, fKeyGen: 0 };
    /// `CARD_FREE_SPACE_INFO`, version 1.
    FreeSpace(CARD_FREE_SPACE_INFO) = CARD_FREE_SPACE_INFO {
        dwVersion: 1, dwBytesAvailable: 0, dwKeyContainersAvailable: 0, dwMaxKeyContainers: 0,
    };
    /// `CARD_KEY_SIZES`, version 1.
    KeySizes(CARD_KEY_SIZES) = CARD_KEY_SIZES {
        dwVersion: 1, dwMinimumBitlen: 0, dwDefaultBitlen: 0, dwMaximumBitlen: 0, dwIncrementalBitlen: 0,
    };
    /// `CARD_FILE_INFO`, version 1.
    FileInfo(CARD_FILE_INFO) = CARD_FILE_INFO { dwVersion: 1, cbFileSize: 0, AccessCondition: 0 };
    /// `CONTAINER_INFO`, version 1.
    ContainerInfo(CONTAINER_INFO) = CONTAINER_INFO {
        dwVersion: 1, dwReserved: 0, cbSigPublicKey: 0, pbSigPublicKey: ptr::null_mut(),
        cbKeyExPublicKey: 0, pbKeyExPublicKey: ptr::null_mut(),
    };
}

impl ContainerInfo {
    /// The block of the signature key.
    pub(super) fn signature(&self) -> Block {
        Block { pointer: self.0.pbSigPublicKey, length: self.0.cbSigPublicKey }
    }

    /// The block of the key exchange key.
    pub(super) fn key_exchange(&self) -> Block {
        Block { pointer: self.0.pbKeyExPublicKey, length: self.0.cbKeyExPublicKey }
    }
}

/// A CNG padding description, as a signing or decryption structure points at it.
pub(super) enum PaddingInfo<'a> {
    /// None.
    Absent,
    /// PKCS #1 v1.5 with a hash's name, or without one.
    Pkcs1(BCRYPT_PKCS1_PADDING_INFO, PhantomData<&'a [u16]>),
    /// PSS.
    Pss(BCRYPT_PSS_PADDING_INFO, PhantomData<&'a [u16]>),
    /// OAEP.
    Oaep(BCRYPT_OAEP_PADDING_INFO, PhantomData<&'a [u8]>),
}

impl<'a> PaddingInfo<'a> {
    pub(super) fn pkcs1(hash: Option<Wide<'a>>) -> Self {
        Self::Pkcs1(
            BCRYPT_PKCS1_PADDING_INFO { pszAlgId: hash.map_or(ptr::null(), |hash| hash.raw().cast_const()) },
            PhantomData,
        )
    }

    pub(super) fn pss(hash: Wide<'a>, salt_len: u32) -> Self {
        Self::Pss(BCRYPT_PSS_PADDING_INFO { pszAlgId: hash.raw(), cbSalt: salt_len }, PhantomData)
    }

    pub(super) fn oaep(hash: Wide<'a>, label: &'a [u8]) -> Self {
        let info = BCRYPT_OAEP_PADDING_INFO {
            pszAlgId: hash.raw(),
            pbLabel: if label.is_empty() { ptr::null_mut() } else { label.as_ptr().cast_mut() },
            cbLabel: length(label),
        };
        Self::Oaep(info, PhantomData)
    }

    /// The structure's address, as the interface's untyped pointer.
    pub(super) fn raw(&mut self) -> cardmod_sys::LPVOID {
        match self {
            Self::Absent => ptr::null_mut(),
            Self::Pkcs1(info, _) => (&raw mut *info).cast(),
            Self::Pss(info, _) => (&raw mut *info).cast(),
            Self::Oaep(info, _) => (&raw mut *info).cast(),
        }
    }
}

/// A length for C; a slice beyond 4 GiB is told shorter than it is, never longer.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// What a signing structure says beside its padding description.
pub(super) struct Signing<'a> {
    /// The structure's version: 1 or 2.
    pub(super) version: DWORD,
    pub(super) container: u8,
    pub(super) spec: u32,
    pub(super) flags: u32,
    pub(super) hash: ALG_ID,
    pub(super) data: &'a [u8],
    pub(super) padding_type: u32,
}

/// `CARD_SIGNING_INFO`.
pub(super) struct SigningInfo<'a>(CARD_SIGNING_INFO, PhantomData<&'a mut PaddingInfo<'a>>);

impl<'a> SigningInfo<'a> {
    pub(super) fn new(signing: &Signing<'a>, padding: &'a mut PaddingInfo<'_>) -> Self {
        let info = CARD_SIGNING_INFO {
            dwVersion: signing.version,
            bContainerIndex: signing.container,
            dwKeySpec: signing.spec,
            dwSigningFlags: signing.flags,
            aiHashAlg: signing.hash,
            pbData: signing.data.as_ptr().cast_mut(),
            cbData: length(signing.data),
            pbSignedData: ptr::null_mut(),
            cbSignedData: 0,
            pPaddingInfo: padding.raw(),
            dwPaddingType: signing.padding_type,
        };
        Self(info, PhantomData)
    }

    pub(super) fn raw(&mut self) -> *mut CARD_SIGNING_INFO {
        &raw mut self.0
    }

    /// The signature the module answered.
    pub(super) fn signature(&self) -> Block {
        Block { pointer: self.0.pbSignedData, length: self.0.cbSignedData }
    }
}

/// What a decryption structure says beside its padding description.
pub(super) struct Decryption<'a> {
    /// The structure's version: 1 or 2.
    pub(super) version: DWORD,
    pub(super) container: u8,
    pub(super) spec: u32,
    /// The ciphertext, little-endian; the result replaces it.
    pub(super) data: &'a mut [u8],
    pub(super) padding_type: u32,
}

/// `CARD_RSA_DECRYPT_INFO`.
pub(super) struct DecryptInfo<'a>(
    CARD_RSA_DECRYPT_INFO,
    PhantomData<(&'a mut [u8], &'a mut PaddingInfo<'a>)>,
);

impl<'a> DecryptInfo<'a> {
    pub(super) fn new(decryption: &'a mut Decryption<'_>, padding: &'a mut PaddingInfo<'_>) -> Self {
        let info = CARD_RSA_DECRYPT_INFO {
            dwVersion: decryption.version,
            bContainerIndex: decryption.container,
            dwKeySpec: decryption.spec,
            cbData: length(decryption.data),
            pbData: decryption.data.as_mut_ptr(),
            pPaddingInfo: padding.raw(),
            dwPaddingType: decryption.padding_type,
        };
        Self(info, PhantomData)
    }

    pub(super) fn raw(&mut self) -> *mut CARD_RSA_DECRYPT_INFO {
        &raw mut self.0
    }

    /// Where the module says the result is, and how long.
    pub(super) fn result(&self) -> Block {
        Block { pointer: self.0.pbData, length: self.0.cbData }
    }
}

/// `CARD_DH_AGREEMENT_INFO`, version 2.
pub(super) struct AgreementInfo<'a>(CARD_DH_AGREEMENT_INFO, PhantomData<&'a [u8]>);

impl<'a> AgreementInfo<'a> {
    pub(super) fn new(container: u8, public_key: &'a [u8]) -> Self {
        let info = CARD_DH_AGREEMENT_INFO {
            dwVersion: 2,
            bContainerIndex: container,
            dwFlags: 0,
            dwPublicKey: length(public_key),
            pbPublicKey: public_key.as_ptr().cast_mut(),
            pbReserved: ptr::null_mut(),
            cbReserved: 0,
            bSecretAgreementIndex: 0,
        };
        Self(info, PhantomData)
    }

    pub(super) fn raw(&mut self) -> *mut CARD_DH_AGREEMENT_INFO {
        &raw mut self.0
    }

    pub(super) fn index(&self) -> u8 {
        self.0.bSecretAgreementIndex
    }
}

/// The parameters of a key derivation: `BCryptBufferDesc` over borrowed bytes.
pub(super) struct Parameters<'a> {
    buffers: Vec<BCryptBuffer>,
    description: BCryptBufferDesc,
    _bytes: PhantomData<&'a [u8]>,
}

impl<'a> Parameters<'a> {
    pub(super) fn new(parameters: &[(u32, &'a [u8])]) -> Self {
        let buffers = parameters
            .iter()
            .map(|(kind, bytes)| BCryptBuffer {
                cbBuffer: length(bytes),
                BufferType: *kind,
                pvBuffer: bytes.as_ptr().cast_mut().cast(),
            })
            .collect();
        let description = BCryptBufferDesc { ulVersion: 0, cBuffers: 0, pBuffers: ptr::null_mut() };
        Self { buffers, description, _bytes: PhantomData }
    }

    /// The description's address; NULL where there is no parameter.
    fn raw(&mut self) -> cardmod_sys::LPVOID {
        if self.buffers.is_empty() {
            return ptr::null_mut();
        }
        self.description.cBuffers = u32::try_from(self.buffers.len()).unwrap_or(0);
        self.description.pBuffers = self.buffers.as_mut_ptr();
        (&raw mut self.description).cast()
    }
}

/// What a derivation structure says beside its parameters.
pub(super) struct Derivation<'a> {
    /// The structure's version: 1 or 2.
    pub(super) version: DWORD,
    pub(super) flags: u32,
    pub(super) function: Wide<'a>,
    pub(super) agreement: u8,
    /// The caller's buffer, or `None` to have the module allocate.
    pub(super) buffer: Option<&'a mut [u8]>,
}

/// `CARD_DERIVE_KEY`.
pub(super) struct DeriveInfo<'a>(CARD_DERIVE_KEY, PhantomData<(&'a mut [u8], &'a mut Parameters<'a>)>);

impl<'a> DeriveInfo<'a> {
    pub(super) fn new(derivation: &'a mut Derivation<'_>, parameters: &'a mut Parameters<'_>) -> Self {
        let buffer = derivation.buffer.as_mut();
        let info = CARD_DERIVE_KEY {
            dwVersion: derivation.version,
            dwFlags: derivation.flags,
            pwszKDF: derivation.function.raw(),
            bSecretAgreementIndex: derivation.agreement,
            pParameterList: parameters.raw(),
            cbDerivedKey: buffer.as_ref().map_or(0, |buffer| length(buffer)),
            pbDerivedKey: buffer.map_or(ptr::null_mut(), |buffer| buffer.as_mut_ptr()),
            pwszAlgId: ptr::null_mut(),
            dwKeyLen: 0,
            hKey: 0,
        };
        Self(info, PhantomData)
    }

    pub(super) fn raw(&mut self) -> *mut CARD_DERIVE_KEY {
        &raw mut self.0
    }

    /// Where the module says the key is, and how long.
    pub(super) fn key(&self) -> Block {
        Block { pointer: self.0.pbDerivedKey, length: self.0.cbDerivedKey }
    }
}

/// An array of `CARD_ENCRYPTED_DATA` over borrowed bytes.
pub(super) struct EncryptedParts<'a>(Vec<CARD_ENCRYPTED_DATA>, PhantomData<&'a [u8]>);

impl<'a> EncryptedParts<'a> {
    pub(super) fn new(parts: &'a [Vec<u8>]) -> Self {
        let describe = |part: &'a Vec<u8>| CARD_ENCRYPTED_DATA {
            pbEncryptedData: part.as_ptr().cast_mut(),
            cbEncryptedData: length(part),
        };
        Self(parts.iter().map(describe).collect(), PhantomData)
    }

    pub(super) fn raw(&mut self) -> *mut CARD_ENCRYPTED_DATA {
        self.0.as_mut_ptr()
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_string_has_one_nul_at_its_end() {
        assert!(Wide::new(&[]).is_none());
        assert!(Wide::new(&[65]).is_none());
        assert!(Wide::new(&[65, 0, 66, 0]).is_none());
        assert!(Wide::new(&[0]).is_some());
        assert!(Wide::new(&[65, 0]).is_some());
        assert_eq!(wide_units("PIN"), Some(vec![80, 73, 78, 0]));
        assert_eq!(wide_units("P\0N"), None);
    }

    #[test]
    fn parameters_point_at_what_they_were_given() {
        let seed = [1_u8, 2, 3];
        let mut parameters = Parameters::new(&[(5, &seed)]);
        assert!(!parameters.raw().is_null());
        assert_eq!(parameters.description.cBuffers, 1);
        assert_eq!(parameters.buffers[0].cbBuffer, 3);
        assert_eq!(parameters.buffers[0].pvBuffer.cast::<u8>().cast_const(), seed.as_ptr());
        assert!(Parameters::new(&[]).raw().is_null());
    }
}
