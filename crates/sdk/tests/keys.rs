//! Containers, signatures, decryption, key agreement (5.6 to 5.9, 5.32 to 5.36).

mod common;

use cardmod_sdk::Status;
use cardmod_sdk::sys::{
    BCRYPT_OAEP_PADDING_INFO, BCRYPT_PKCS1_PADDING_INFO, BCRYPT_PSS_PADDING_INFO, BCryptBuffer,
    BCryptBufferDesc, CARD_DERIVE_KEY, CARD_DH_AGREEMENT_INFO, CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO,
    CONTAINER_INFO, Zeroed,
};
use cardmod_sdk::types::padding::{pkcs1_encrypt_block, pss_verify};
use cardmod_sdk::types::{EcPublicKey, HashAlgorithm, KeySpec, PublicKey};

use common::module::{Full, ec_point, reset_script, rsa_key, script};
use common::{Host, call, refused, take, wide};

const PADDING_INFO: u32 = 0x4000_0000;
const SIZE_ONLY: u32 = 0x2000_0000;
const SHA_256: u32 = 0x800C;

fn logged_in(version: u32) -> Host {
    reset_script();
    let mut host = Host::of_version::<Full>(version);
    let (mut user, mut pin, null) = (wide("user"), *b"1234", std::ptr::null_mut());
    assert_eq!(call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), pin.as_mut_ptr(), 4, null), 0);
    host
}

/// A signing request for container 0's signature key, version 2.
fn request(data: &[u8]) -> CARD_SIGNING_INFO {
    CARD_SIGNING_INFO {
        dwVersion: 2,
        dwKeySpec: 2,
        aiHashAlg: SHA_256,
        pbData: data.as_ptr().cast_mut(),
        cbData: data.len() as u32,
        pbSignedData: std::ptr::dangling_mut(),
        cbSignedData: 0xDEAD,
        ..CARD_SIGNING_INFO::ZEROED
    }
}

fn sign(host: &mut Host, info: &mut CARD_SIGNING_INFO) -> Result<Vec<u8>, Status> {
    let code = call!(host, pfnCardSignData, &raw mut *info);
    if code != 0 {
        if info.dwVersion <= 2 {
            assert!(info.pbSignedData.is_null(), "a failure leaves NULL");
            assert_eq!(info.cbSignedData, 0);
        }
        return Err(Status::from_code(code));
    }
    Ok(take(info.pbSignedData, info.cbSignedData))
}

#[test]
fn rsa_signatures_are_little_endian() {
    let mut host = logged_in(7);
    let digest = [7u8; 32];
    let signature = sign(&mut host, &mut request(&digest)).unwrap();
    assert_eq!(signature, (0..128).rev().collect::<Vec<u8>>());
    assert_eq!(script(|script| script.signed.len()), 51, "DigestInfo");
    let mut bare = request(&digest);
    bare.dwSigningFlags = 1;
    assert!(sign(&mut host, &mut bare).is_ok());
    assert_eq!(script(|script| script.signed.clone()), digest);
    assert_eq!(common::live_blocks(), 0);
}

#[test]
fn ecdsa_signatures_are_never_reversed_and_long_hashes_are_cut() {
    let mut host = logged_in(7);
    let digest: Vec<u8> = (0..64).collect();
    let mut info = request(&digest);
    (info.bContainerIndex, info.dwKeySpec, info.aiHashAlg) = (1, 3, 0x800E);
    assert_eq!(sign(&mut host, &mut info), Ok((0..64).collect()));
    assert_eq!(script(|script| script.signed.clone()), digest[..32]);
}

#[test]
fn padding_information_is_read() {
    let mut host = logged_in(7);
    let digest = [7u8; 32];
    let mut name = wide("SHA256");
    let mut pss = BCRYPT_PSS_PADDING_INFO { pszAlgId: name.as_mut_ptr(), cbSalt: 20 };
    let mut info = request(&digest);
    info.dwSigningFlags = PADDING_INFO;
    info.dwPaddingType = 4;
    info.pPaddingInfo = (&raw mut pss).cast();
    assert!(sign(&mut host, &mut info).is_ok());
    let block = script(|script| script.signed.clone());
    assert!(pss_verify(HashAlgorithm::Sha256, &digest, Some(20), &block, 1024));
    pss.cbSalt = 95;
    info.pPaddingInfo = (&raw mut pss).cast();
    assert_eq!(sign(&mut host, &mut info), Err(Status::InvalidParameter), "no room for the salt");
    info.dwPaddingType = 8;
    assert_eq!(sign(&mut host, &mut info), Err(Status::InvalidParameter), "OAEP, which CNG numbers 4");
    let mut pkcs1 = BCRYPT_PKCS1_PADDING_INFO { pszAlgId: std::ptr::null_mut() };
    info.dwPaddingType = 2;
    info.pPaddingInfo = (&raw mut pkcs1).cast();
    assert!(sign(&mut host, &mut info).is_ok());
    assert_eq!(script(|script| script.signed.clone()), digest, "no name, no identifier");
    info.pPaddingInfo = std::ptr::null_mut();
    assert_eq!(sign(&mut host, &mut info), Err(Status::InvalidParameter));
    info.dwPaddingType = 1;
    assert_eq!(sign(&mut host, &mut info), Err(Status::InvalidParameter), "not a whole block");
    let block = [1u8; 128];
    let mut raw = request(&block);
    (raw.dwSigningFlags, raw.dwPaddingType) = (PADDING_INFO, 1);
    assert!(sign(&mut host, &mut raw).is_ok());
    assert_eq!(script(|script| script.signed.clone()), block);
}

#[test]
fn signing_is_refused_with_the_right_code() {
    let mut host = logged_in(7);
    let digest = [7u8; 32];
    type Change = fn(&mut CARD_SIGNING_INFO);
    let cases: [(Change, Status); 14] = [
        (|info| info.pbData = std::ptr::null_mut(), Status::InvalidParameter),
        (|info| info.dwSigningFlags = u32::MAX, Status::InvalidParameter),
        (|info| info.dwVersion = 65538, Status::RevisionMismatch),
        (|info| info.dwVersion = 3, Status::RevisionMismatch),
        (|info| info.dwVersion = 1, Status::RevisionMismatch),
        (|info| info.dwVersion = 0, Status::RevisionMismatch),
        (|info| info.dwKeySpec = 65538, Status::InvalidParameter),
        (|info| info.dwKeySpec = 5, Status::UnsupportedFeature),
        (|info| info.dwKeySpec = 3, Status::InvalidParameter),
        (|info| info.bContainerIndex = 255, Status::NoKeyContainer),
        (|info| (info.bContainerIndex, info.dwKeySpec) = (2, 1), Status::NoKeyContainer),
        (|info| info.aiHashAlg = 0x8005, Status::UnsupportedFeature),
        (|info| info.aiHashAlg = 0x1000_0000, Status::InvalidParameter),
        (|info| info.cbData = 31, Status::InvalidParameter),
    ];
    for (number, (change, status)) in cases.into_iter().enumerate() {
        let mut info = request(&digest);
        change(&mut info);
        assert_eq!(sign(&mut host, &mut info), Err(status), "case {number}");
    }
    refused!(call!(host, pfnCardSignData, std::ptr::null_mut()), Status::InvalidParameter);
    assert_eq!(call!(host, pfnCardDeauthenticateEx, 0xFF, 0), 0);
    assert_eq!(sign(&mut host, &mut request(&digest)), Err(Status::SecurityViolation));
    assert_eq!(common::live_blocks(), 0);
}

/// A version 1 structure ends before the padding members; Miri sees any access beyond.
#[test]
fn the_basic_structure_has_no_padding_members() {
    let mut host = logged_in(6);
    let digest = [7u8; 32];
    let mut info = request(&digest);
    info.dwVersion = 1;
    let size = std::mem::offset_of!(CARD_SIGNING_INFO, pPaddingInfo);
    let mut block = vec![0u64; size / 8];
    // SAFETY:
    // - both have at least `size` bytes.
    unsafe { std::ptr::copy_nonoverlapping((&raw const info).cast::<u8>(), block.as_mut_ptr().cast(), size) };
    assert_eq!(call!(host, pfnCardSignData, block.as_mut_ptr().cast()), 0);
    // SAFETY:
    // - as above, the other way.
    unsafe { std::ptr::copy_nonoverlapping(block.as_ptr().cast::<u8>(), (&raw mut info).cast(), size) };
    assert_eq!(take(info.pbSignedData, info.cbSignedData).len(), 128);
    info.dwSigningFlags = PADDING_INFO;
    assert_eq!(sign(&mut host, &mut info), Err(Status::RevisionMismatch));
    info.dwVersion = 2;
    info.dwSigningFlags = 0;
    assert!(sign(&mut host, &mut info).is_ok(), "version 2 without padding information");
}

#[test]
fn a_size_query_costs_nothing_and_fails_early() {
    let mut host = logged_in(7);
    let digest = [7u8; 32];
    assert!(sign(&mut host, &mut request(&digest)).is_ok());
    script(|script| script.calls.clear());
    let mut info = request(&digest);
    info.dwSigningFlags = SIZE_ONLY;
    assert_eq!(call!(host, pfnCardSignData, &raw mut info), 0);
    assert_eq!(info.cbSignedData, 128);
    assert!(info.pbSignedData.is_null());
    assert!(script(|script| script.calls.is_empty()), "no card access");
    info.aiHashAlg = 0x8005;
    assert_eq!(sign(&mut host, &mut info), Err(Status::UnsupportedFeature));
}

fn decryption(data: &mut [u8]) -> CARD_RSA_DECRYPT_INFO {
    CARD_RSA_DECRYPT_INFO {
        dwVersion: 2,
        dwKeySpec: 1,
        pbData: data.as_mut_ptr(),
        cbData: data.len() as u32,
        dwPaddingType: 1,
        ..CARD_RSA_DECRYPT_INFO::ZEROED
    }
}

#[test]
fn decryption_replaces_the_ciphertext() {
    let mut host = logged_in(7);
    let plain: Vec<u8> = (0..128).collect();
    script(|script| script.decrypted = plain.clone());
    let mut data: Vec<u8> = (100..228).collect();
    let mut info = decryption(&mut data);
    assert_eq!(call!(host, pfnCardRSADecrypt, &raw mut info), 0);
    assert_eq!(info.cbData, 128);
    assert_eq!(data, (0..128).rev().collect::<Vec<u8>>());
    assert_eq!(
        script(|script| script.signed.clone()),
        (100..228).rev().collect::<Vec<u8>>(),
        "big-endian inside"
    );
    let mut noise = |bytes: &mut [u8]| bytes.fill(0x5A);
    let block = pkcs1_encrypt_block(b"message", 128, &mut noise).unwrap();
    script(|script| script.decrypted = block.as_bytes().to_vec());
    let mut info = decryption(&mut data);
    info.dwPaddingType = 2;
    assert_eq!(call!(host, pfnCardRSADecrypt, &raw mut info), 0);
    assert_eq!(info.cbData, 7);
    assert_eq!(&data[..8], b"egassem\0", "reversed within its length, and nothing of the block is left");
}

#[test]
fn decryption_is_refused_with_the_right_code() {
    let mut host = logged_in(7);
    script(|script| script.decrypted = vec![1; 128]);
    let mut data = vec![3u8; 128];
    let mut oaep = BCRYPT_OAEP_PADDING_INFO {
        pszAlgId: std::ptr::null_mut(),
        pbLabel: std::ptr::null_mut(),
        cbLabel: 0,
    };
    type Change = fn(&mut CARD_RSA_DECRYPT_INFO);
    let cases: [(Change, Status); 12] = [
        (|info| info.pbData = std::ptr::null_mut(), Status::InvalidParameter),
        (|info| info.dwVersion = 1, Status::RevisionMismatch),
        (|info| info.dwVersion = 3, Status::RevisionMismatch),
        (|info| info.dwKeySpec = 77, Status::InvalidParameter),
        (|info| info.dwKeySpec = 6, Status::InvalidParameter),
        (|info| info.bContainerIndex = 9, Status::NoKeyContainer),
        (|info| info.bContainerIndex = 1, Status::InvalidParameter),
        (|info| info.cbData = 127, Status::InsufficientBuffer),
        (|info| info.dwPaddingType = 0, Status::InvalidParameter),
        (|info| info.dwPaddingType = 4, Status::InvalidParameter),
        (|info| info.dwPaddingType = 2, Status::InvalidParameter),
        (|info| info.dwPaddingType = 8, Status::InvalidParameter),
    ];
    for (number, (change, status)) in cases.into_iter().enumerate() {
        let mut info = decryption(&mut data);
        if number == 11 {
            info.pPaddingInfo = (&raw mut oaep).cast();
        }
        change(&mut info);
        let code = call!(host, pfnCardRSADecrypt, &raw mut info);
        assert_eq!(Status::from_code(code), status, "case {number}");
    }
    assert_eq!(data, vec![3; 128], "a failure leaves the data");
    let mut sixth = logged_in(6);
    script(|script| script.decrypted = vec![1; 128]);
    let mut info = decryption(&mut data);
    refused!(call!(sixth, pfnCardRSADecrypt, &raw mut info), Status::RevisionMismatch);
    info.dwVersion = 0;
    assert_eq!(call!(sixth, pfnCardRSADecrypt, &raw mut info), 0);
}

fn agree(host: &mut Host, index: u8, peer: &[u8]) -> Result<u8, Status> {
    let mut info = CARD_DH_AGREEMENT_INFO {
        dwVersion: 2,
        bContainerIndex: index,
        dwPublicKey: peer.len() as u32,
        pbPublicKey: peer.as_ptr().cast_mut(),
        ..CARD_DH_AGREEMENT_INFO::ZEROED
    };
    let code = call!(host, pfnCardConstructDHAgreement, &raw mut info);
    if code == 0 { Ok(info.bSecretAgreementIndex) } else { Err(Status::from_code(code)) }
}

fn peer_blob(spec: KeySpec) -> Vec<u8> {
    let point: EcPublicKey = ec_point();
    PublicKey::Ec(point).to_blob(spec)
}

fn derive(
    host: &mut Host,
    index: u8,
    kdf: &str,
    flags: u32,
    buffer: Option<&mut [u8]>,
) -> Result<Vec<u8>, Status> {
    let mut kdf = wide(kdf);
    let own = buffer.is_some();
    let mut info = CARD_DERIVE_KEY {
        dwVersion: 1,
        dwFlags: flags,
        pwszKDF: kdf.as_mut_ptr(),
        bSecretAgreementIndex: index,
        ..CARD_DERIVE_KEY::ZEROED
    };
    if let Some(buffer) = buffer {
        info.pbDerivedKey = buffer.as_mut_ptr();
        info.cbDerivedKey = buffer.len() as u32;
    }
    let code = call!(host, pfnCardDeriveKey, &raw mut info);
    if code != 0 {
        return Err(Status::from_code(code));
    }
    if own || flags & SIZE_ONLY != 0 {
        return Ok(vec![0; info.cbDerivedKey as usize]);
    }
    Ok(take(info.pbDerivedKey, info.cbDerivedKey))
}

#[test]
fn keys_are_agreed_and_derived() {
    let mut host = logged_in(7);
    let secret: Vec<u8> = (0..32).collect();
    let first = agree(&mut host, 1, &peer_blob(KeySpec::EcdheP256)).unwrap();
    let second = agree(&mut host, 1, &peer_blob(KeySpec::EcdheP256)).unwrap();
    assert_ne!(first, second);
    let hash = HashAlgorithm::Sha1.digest(&secret).unwrap();
    assert_eq!(derive(&mut host, first, "HASH", 0, None), Ok(hash.clone()));
    assert_eq!(derive(&mut host, first, "HASH", SIZE_ONLY, None).map(|key| key.len()), Ok(20));
    let mut buffer = [9u8; 24];
    assert_eq!(derive(&mut host, first, "HASH", 0, Some(&mut buffer)).map(|key| key.len()), Ok(20));
    assert_eq!(buffer[..20], hash);
    assert_eq!(buffer[20..], [9; 4]);
    let mut short = [0u8; 19];
    assert_eq!(derive(&mut host, first, "HASH", 0, Some(&mut short)), Err(Status::InsufficientBuffer));
    let raw = derive(&mut host, second, "TRUNCATE", 0, None).unwrap();
    assert_eq!(raw, (0..32).rev().collect::<Vec<u8>>());
    assert_eq!(derive(&mut host, first, "HMAC", 1, None).map(|key| key.len()), Ok(20));
    for (kdf, flags, status) in [
        ("NOPE", 0, Status::InvalidParameter),
        ("HMAC", 0, Status::InvalidParameter),
        ("HASH", 2, Status::InvalidParameter),
        ("HASH", 0x0100_0000, Status::InvalidParameter),
    ] {
        assert_eq!(derive(&mut host, first, kdf, flags, None), Err(status), "{kdf} {flags:#x}");
    }
    assert_eq!(call!(host, pfnCardDestroyDHAgreement, first, 0), 0);
    refused!(call!(host, pfnCardDestroyDHAgreement, first, 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardDestroyDHAgreement, second, 1), Status::InvalidParameter);
    assert_eq!(derive(&mut host, first, "HASH", 0, None), Err(Status::InvalidParameter));
    assert_eq!(common::live_blocks(), 0);
}

#[test]
fn parameters_of_a_derivation_are_read() {
    unsafe extern "system" fn index_of(
        _data: *mut cardmod_sdk::sys::CARD_DATA,
        secret: *mut std::ffi::c_void,
        index: *mut u8,
        _flags: u32,
    ) -> u32 {
        // SAFETY:
        // - the SDK's own output.
        unsafe { index.write(secret.addr() as u8) };
        0
    }
    let mut host = logged_in(7);
    host.data().pfnCspGetDHAgreement = Some(index_of);
    let agreement = agree(&mut host, 1, &peer_blob(KeySpec::EcdheP256)).unwrap();
    let mut hash = wide("SHA256");
    let mut prepend = *b"label";
    let mut buffers = [
        BCryptBuffer { cbBuffer: 14, BufferType: 0, pvBuffer: hash.as_mut_ptr().cast() },
        BCryptBuffer { cbBuffer: 5, BufferType: 1, pvBuffer: prepend.as_mut_ptr().cast() },
        BCryptBuffer {
            cbBuffer: 8,
            BufferType: 6,
            pvBuffer: std::ptr::without_provenance_mut(agreement.into()),
        },
    ];
    let mut list = BCryptBufferDesc { ulVersion: 0, cBuffers: 3, pBuffers: buffers.as_mut_ptr() };
    let mut kdf = wide("HASH");
    let mut info = CARD_DERIVE_KEY {
        dwVersion: 2,
        pwszKDF: kdf.as_mut_ptr(),
        bSecretAgreementIndex: agreement,
        pParameterList: (&raw mut list).cast(),
        ..CARD_DERIVE_KEY::ZEROED
    };
    assert_eq!(call!(host, pfnCardDeriveKey, &raw mut info), 0);
    let secret: Vec<u8> = (0..32).collect();
    let whole = [&b"label"[..], &secret, &secret].concat();
    assert_eq!(take(info.pbDerivedKey, info.cbDerivedKey), HashAlgorithm::Sha256.digest(&whole).unwrap());
    list.cBuffers = 1000;
    info.pbDerivedKey = std::ptr::null_mut();
    info.pParameterList = (&raw mut list).cast();
    refused!(call!(host, pfnCardDeriveKey, &raw mut info), Status::InvalidParameter);
    info.dwVersion = 3;
    refused!(call!(host, pfnCardDeriveKey, &raw mut info), Status::RevisionMismatch);
}

#[test]
fn agreements_are_refused_with_the_right_code() {
    let mut host = logged_in(7);
    let peer = peer_blob(KeySpec::EcdheP256);
    assert_eq!(agree(&mut host, 9, &peer), Err(Status::NoKeyContainer));
    assert_eq!(agree(&mut host, 2, &peer), Err(Status::NoKeyContainer));
    assert_eq!(agree(&mut host, 0, &peer), Err(Status::InvalidParameter), "an RSA key");
    assert_eq!(agree(&mut host, 1, &peer[..71]), Err(Status::InvalidParameter));
    assert_eq!(agree(&mut host, 1, &[&peer[..], &[0]].concat()), Err(Status::InvalidParameter));
    assert_eq!(agree(&mut host, 1, &peer_blob(KeySpec::EcdsaP256)), Err(Status::InvalidParameter));
    let mut info = CARD_DH_AGREEMENT_INFO { dwVersion: 1, ..CARD_DH_AGREEMENT_INFO::ZEROED };
    refused!(call!(host, pfnCardConstructDHAgreement, &raw mut info), Status::RevisionMismatch);
    info.dwVersion = 2;
    refused!(call!(host, pfnCardConstructDHAgreement, &raw mut info), Status::InvalidParameter);
    let mut made = 0;
    let full = loop {
        match agree(&mut host, 1, &peer) {
            Ok(_) => made += 1,
            Err(status) => break status,
        }
    };
    assert_eq!((made, full), (64, Status::NoMemory));
}

#[test]
fn containers_are_described() {
    reset_script();
    let mut host = Host::new::<Full>();
    let mut info = CONTAINER_INFO { dwVersion: 0, cbSigPublicKey: 9, ..CONTAINER_INFO::ZEROED };
    assert_eq!(call!(host, pfnCardGetContainerInfo, 2, 0, &raw mut info), 0);
    let blob = take(info.pbSigPublicKey, info.cbSigPublicKey);
    assert_eq!(PublicKey::from_blob(&blob).unwrap().0, rsa_key());
    assert!(info.pbKeyExPublicKey.is_null());
    assert_eq!(info.cbKeyExPublicKey, 0);
    for (index, flags, version, status) in [
        (255, 0, 1, Status::NoKeyContainer),
        (0, 1, 1, Status::InvalidParameter),
        (0, 0, 2, Status::RevisionMismatch),
        (0, 0, 257, Status::RevisionMismatch),
    ] {
        info.dwVersion = version;
        refused!(call!(host, pfnCardGetContainerInfo, index, flags, &raw mut info), status);
    }
    refused!(call!(host, pfnCardGetContainerInfo, 0, 0, std::ptr::null_mut()), Status::InvalidParameter);
    assert_eq!(common::live_blocks(), 0);
}

#[test]
fn keys_are_made_and_deleted() {
    let mut host = logged_in(7);
    let null = std::ptr::null_mut();
    for (index, flags, spec, bits, status) in [
        (3, 0, 1, 2048, Status::InvalidParameter),
        (3, 3, 1, 2048, Status::InvalidParameter),
        (3, 1, 0, 2048, Status::InvalidParameter),
        (3, 1, 9, 0, Status::InvalidParameter),
        (3, 1, 5, 0, Status::UnsupportedFeature),
        (3, 1, 1, 2049, Status::InvalidParameter),
        (3, 1, 3, 2048, Status::InvalidParameter),
        (3, 2, 1, 2048, Status::InvalidParameter),
        (10, 1, 1, 2048, Status::NoKeyContainer),
    ] {
        refused!(call!(host, pfnCardCreateContainer, index, flags, spec, bits, null), status);
    }
    for (owner, status) in
        [(0, Status::InvalidParameter), (2, Status::SecurityViolation), (7, Status::InvalidParameter)]
    {
        refused!(call!(host, pfnCardCreateContainerEx, 3, 1, 1, 2048, null, owner), status);
    }
    assert_eq!(call!(host, pfnCardCreateContainerEx, 3, 1, 1, 2048, null, 3), 0);
    assert_eq!(call!(host, pfnCardCreateContainer, 3, 1, 3, 0, null), 0);
    assert_eq!(call!(host, pfnCardDeleteContainer, 3, 0), 0);
    assert_eq!(call!(host, pfnCardDeleteContainer, 3, 0), 0, "what does not exist is deleted");
    assert_eq!(call!(host, pfnCardDeleteContainer, 255, 0), 0);
    refused!(call!(host, pfnCardDeleteContainer, 0, 1), Status::InvalidParameter);
    let mut not_a_blob = [7u8; 64];
    refused!(
        call!(host, pfnCardCreateContainer, 3, 2, 1, 2048, not_a_blob.as_mut_ptr()),
        Status::InvalidParameter
    );
}

#[test]
fn a_private_key_is_imported_by_its_blob() {
    let mut host = logged_in(7);
    let point = ec_point();
    // The generator's private key is 1.
    let mut blob = 0x324B_4345u32.to_le_bytes().to_vec();
    blob.extend_from_slice(&32u32.to_le_bytes());
    blob.extend_from_slice(point.x());
    blob.extend_from_slice(point.y());
    blob.extend_from_slice(&[0; 31]);
    blob.push(1);
    refused!(call!(host, pfnCardCreateContainer, 4, 2, 3, 0, blob.as_mut_ptr()), Status::InvalidParameter);
    assert_eq!(call!(host, pfnCardCreateContainer, 4, 2, 6, 0, blob.as_mut_ptr()), 0);
    assert!(agree(&mut host, 4, &peer_blob(KeySpec::EcdheP256)).is_ok());
}
