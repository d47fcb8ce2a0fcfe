//! Card and container properties, queries of the card as a whole (5.3 to 5.5, 5.28 to 5.31, 7.9).

mod common;

use cardmod_sdk::Status;
use cardmod_sdk::sys::{
    CARD_CAPABILITIES, CARD_FREE_SPACE_INFO, CARD_KEY_SIZES, CONTAINER_INFO, CP_CARD_AUTHENTICATED_STATE,
    CP_CARD_CACHE_MODE, CP_CARD_CAPABILITIES, CP_CARD_FREE_SPACE, CP_CARD_GUID, CP_CARD_KEYSIZES,
    CP_CARD_LIST_PINS, CP_CARD_PIN_INFO, CP_CARD_PIN_STRENGTH_CHANGE, CP_CARD_PIN_STRENGTH_VERIFY,
    CP_CARD_READ_ONLY, CP_CARD_SERIAL_NO, CP_CHAINING_MODES, CP_ENUM_ALGORITHMS, CP_KEY_IMPORT_SUPPORT,
    CP_PADDING_SCHEMES, CP_PARENT_WINDOW, CP_PIN_CONTEXT_STRING, CP_SUPPORTS_WIN_X509_ENROLLMENT, Zeroed,
};

use common::module::{Bare, Full, RESPONSE, reset_script, script};
use common::{Host, Out, call, refused, take, wide};

/// Gets a property into a buffer of this size, whose first word is `version`; answers its bytes, or the
/// cause and the length told.
fn get(host: &mut Host, name: &[u16], size: u32, version: u32, flags: u32) -> Result<Vec<u8>, (Status, u32)> {
    let mut buffer = vec![0u64; 16];
    buffer[0] = u64::from(version).to_le();
    let mut length = 0xDEAD;
    let code = call!(
        host,
        pfnCardGetProperty,
        name.as_ptr(),
        buffer.as_mut_ptr().cast(),
        size,
        &raw mut length,
        flags
    );
    if code != 0 {
        return Err((Status::from_code(code), length));
    }
    let bytes: Vec<u8> = buffer.iter().flat_map(|word| word.to_ne_bytes()).collect();
    assert!(bytes[length as usize..].iter().all(|byte| *byte == 0), "nothing beyond the length is written");
    Ok(bytes[..length as usize].to_vec())
}

fn word(bytes: &[u8]) -> u32 {
    bytes.try_into().map(u32::from_ne_bytes).expect("four bytes")
}

#[test]
fn every_property_has_its_exact_size() {
    reset_script();
    let mut host = Host::new::<Full>();
    let cases: [(&[u16], u32, usize); 14] = [
        (CP_CARD_FREE_SPACE, 0, 16),
        (CP_CARD_CAPABILITIES, 0, 12),
        (CP_CARD_KEYSIZES, 1, 20),
        (CP_CARD_READ_ONLY, 0, 4),
        (CP_CARD_CACHE_MODE, 0, 4),
        (CP_SUPPORTS_WIN_X509_ENROLLMENT, 0, 4),
        (CP_CARD_GUID, 0, 16),
        (CP_CARD_SERIAL_NO, 0, 3),
        (CP_CARD_PIN_INFO, 1, 36),
        (CP_CARD_LIST_PINS, 0, 4),
        (CP_CARD_AUTHENTICATED_STATE, 0, 4),
        (CP_CARD_PIN_STRENGTH_VERIFY, 1, 4),
        (CP_KEY_IMPORT_SUPPORT, 0, 4),
        (CP_CARD_KEYSIZES, 3, 20),
    ];
    for (name, flags, size) in cases {
        let text = String::from_utf16_lossy(name);
        assert_eq!(get(&mut host, name, 128, 0, flags).map(|bytes| bytes.len()), Ok(size), "{text}");
        assert!(get(&mut host, name, size as u32, 0, flags).is_ok(), "{text}");
        for short in [0, 1, size as u32 - 1] {
            let answer = get(&mut host, name, short, 0, flags);
            assert_eq!(answer, Err((Status::BufferTooSmall, size as u32)), "{text} with {short}");
        }
    }
}

#[test]
fn values_are_those_of_the_module() {
    reset_script();
    let mut host = Host::new::<Full>();
    assert_eq!(get(&mut host, CP_CARD_GUID, 16, 0, 0).unwrap(), b"0123456789abcdef");
    assert_eq!(word(&get(&mut host, CP_CARD_CACHE_MODE, 4, 0, 0).unwrap()), 1);
    assert_eq!(word(&get(&mut host, CP_CARD_LIST_PINS, 4, 0, 0).unwrap()), 0b1_1110);
    assert_eq!(word(&get(&mut host, CP_SUPPORTS_WIN_X509_ENROLLMENT, 4, 0, 0).unwrap()), 1);
    assert_eq!(word(&get(&mut host, CP_CARD_PIN_STRENGTH_VERIFY, 4, 0, 1).unwrap()), 3);
    assert_eq!(word(&get(&mut host, CP_CARD_PIN_STRENGTH_VERIFY, 4, 0, 4).unwrap()), 2);
    assert_eq!(word(&get(&mut host, CP_KEY_IMPORT_SUPPORT, 4, 0, 0).unwrap()), 1);
    let space = get(&mut host, CP_CARD_FREE_SPACE, 16, 1, 0).unwrap();
    let words: Vec<u32> = space.chunks(4).map(word).collect();
    assert_eq!(words, [1, 1000, u32::MAX, 9]);
    let info = get(&mut host, CP_CARD_PIN_INFO, 36, 6, 1).unwrap();
    let words: Vec<u32> = info.chunks(4).map(word).collect();
    assert_eq!(words, [6, 0, 5, 2, 0x0C, 6, 1, 60, 0]);
    let sizes = get(&mut host, CP_CARD_KEYSIZES, 20, 0, 3).unwrap();
    assert_eq!(sizes.chunks(4).map(word).collect::<Vec<_>>(), [1, 256, 256, 256, 1]);
    script(|script| script.read_only = true);
    assert_eq!(word(&get(&mut host, CP_CARD_READ_ONLY, 4, 0, 0).unwrap()), 1);
    assert_eq!(word(&get(&mut host, CP_SUPPORTS_WIN_X509_ENROLLMENT, 4, 0, 0).unwrap()), 0);
    let space = get(&mut host, CP_CARD_FREE_SPACE, 16, 1, 0).unwrap();
    assert_eq!(space.chunks(4).map(word).collect::<Vec<_>>(), [1, 0, 0, 9]);
}

#[test]
fn names_selectors_and_versions_are_checked() {
    reset_script();
    let mut host = Host::new::<Full>();
    let invalid = Err((Status::InvalidParameter, 0));
    for name in ["", "Nonsense", "free space", &"Long".repeat(1000)] {
        assert_eq!(get(&mut host, &wide(name), 128, 0, 0), invalid, "{name:.12}");
    }
    for (name, flags) in [
        (CP_CARD_FREE_SPACE, 1),
        (CP_CARD_CAPABILITIES, 0xFF),
        (CP_CARD_KEYSIZES, 0),
        (CP_CARD_KEYSIZES, 9),
        (CP_CARD_PIN_INFO, 0),
        (CP_CARD_PIN_INFO, 7),
        (CP_CARD_PIN_INFO, 8),
        (CP_CARD_PIN_STRENGTH_VERIFY, 6),
        (CP_CARD_LIST_PINS, 1),
        (CP_ENUM_ALGORITHMS, 0),
        (CP_PADDING_SCHEMES, 3),
        (CP_CHAINING_MODES, 1),
    ] {
        assert_eq!(
            get(&mut host, name, 128, 0, flags),
            invalid,
            "{} {flags}",
            String::from_utf16_lossy(name)
        );
    }
    for name in [CP_CARD_FREE_SPACE, CP_CARD_CAPABILITIES] {
        assert_eq!(get(&mut host, name, 128, 2, 0), Err((Status::RevisionMismatch, 0)));
    }
    assert_eq!(get(&mut host, CP_CARD_PIN_INFO, 36, 7, 1), Err((Status::RevisionMismatch, 0)));
    let unsupported = Err((Status::UnsupportedFeature, 0));
    assert_eq!(get(&mut host, CP_CARD_KEYSIZES, 20, 0, 5), unsupported);
    assert_eq!(get(&mut host, CP_PARENT_WINDOW, 8, 0, 0), unsupported);
    assert_eq!(get(&mut host, CP_CARD_PIN_STRENGTH_CHANGE, 4, 0, 1), unsupported);
    assert_eq!(get(&mut host, CP_PIN_CONTEXT_STRING, 0, 0, 0), unsupported, "whatever the buffer");
    let mut sixth = Host::of_version::<Full>(6);
    assert_eq!(get(&mut sixth, CP_KEY_IMPORT_SUPPORT, 4, 0, 0), invalid, "not before version 7");
    let (mut length, mut buffer) = (9, [0u8; 4]);
    let name = CP_CARD_READ_ONLY.as_ptr();
    let null = std::ptr::null_mut();
    refused!(call!(host, pfnCardGetProperty, name, null, 4, &raw mut length, 0), Status::InvalidParameter);
    assert_eq!(length, 0);
    refused!(
        call!(host, pfnCardGetProperty, name, buffer.as_mut_ptr(), 4, std::ptr::null_mut(), 0),
        Status::InvalidParameter
    );
    refused!(
        call!(host, pfnCardGetProperty, std::ptr::null(), buffer.as_mut_ptr(), 4, &raw mut length, 0),
        Status::InvalidParameter
    );
}

fn set(host: &mut Host, name: &[u16], value: &[u8], flags: u32) -> Status {
    let mut value = value.to_vec();
    let length = value.len() as u32;
    let code = call!(host, pfnCardSetProperty, name.as_ptr(), value.as_mut_ptr(), length, flags);
    Status::from_code(code)
}

const OK: Status = Status::Transport(0);

#[test]
fn what_the_keys_can_do_is_told_for_each_operation() {
    reset_script();
    let mut host = Host::new::<Full>();
    let text = |bytes: Vec<u8>| {
        let units: Vec<u16> = bytes.chunks(2).map(|unit| u16::from_ne_bytes([unit[0], unit[1]])).collect();
        String::from_utf16(&units).expect("text")
    };
    let names = get(&mut host, CP_ENUM_ALGORITHMS, 128, 0, 2).map(text).unwrap();
    assert_eq!(names, "RSA\0ECDSA_P256\0ECDH_P256\0\0");
    let size = 2 * names.len() as u32;
    assert_eq!(get(&mut host, CP_ENUM_ALGORITHMS, size - 1, 0, 2), Err((Status::BufferTooSmall, size)));
    assert_eq!(word(&get(&mut host, CP_PADDING_SCHEMES, 4, 0, 2).unwrap()), 2 | 4 | 8);
    assert_eq!(get(&mut host, CP_PADDING_SCHEMES, 3, 0, 2), Err((Status::BufferTooSmall, 4)));
    // No session key ever gets onto the card: no cipher, no padding for one, no mode of one.
    assert_eq!(get(&mut host, CP_ENUM_ALGORITHMS, 4, 0, 1).unwrap(), [0; 4]);
    assert_eq!(word(&get(&mut host, CP_PADDING_SCHEMES, 4, 0, 1).unwrap()), 0);
    assert_eq!(get(&mut host, CP_CHAINING_MODES, 4, 0, 0).unwrap(), [0; 4]);
    assert_eq!(get(&mut host, CP_CHAINING_MODES, 3, 0, 0), Err((Status::BufferTooSmall, 4)));
}

#[test]
fn the_set_matrix_holds() {
    reset_script();
    let mut host = Host::new::<Full>();
    let one = 1u32.to_ne_bytes();
    let pin_info: Vec<u8> =
        [6u32, 0, 5, 2, 4, 6, 1, 60, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
    let admin_group: [(&[u16], &[u8], u32); 7] = [
        (CP_CARD_READ_ONLY, &one, 0),
        (CP_CARD_CACHE_MODE, &one, 0),
        (CP_SUPPORTS_WIN_X509_ENROLLMENT, &one, 0),
        (CP_CARD_GUID, &[3; 16], 0),
        (CP_CARD_SERIAL_NO, &[1, 2], 0),
        (CP_CARD_PIN_INFO, &pin_info, 1),
        (CP_CARD_PIN_STRENGTH_VERIFY, &one, 1),
    ];
    for (name, value, flags) in admin_group {
        assert_eq!(set(&mut host, name, value, flags), Status::SecurityViolation, "nobody");
    }
    let mut pin = *b"1234";
    let mut user = wide("user");
    let null = std::ptr::null_mut();
    assert_eq!(call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), pin.as_mut_ptr(), 4, null), 0);
    for (name, value, flags) in admin_group {
        assert_eq!(set(&mut host, name, value, flags), Status::SecurityViolation, "the user");
    }
    let mut out = Out::garbage();
    assert_eq!(call!(host, pfnCardGetChallenge, &raw mut out.pointer, &raw mut out.length), 0);
    out.take();
    let mut response = RESPONSE;
    let null = std::ptr::null_mut();
    assert_eq!(call!(host, pfnCardAuthenticateChallenge, response.as_mut_ptr(), 8, null), 0);
    let answers = admin_group.map(|(name, value, flags)| set(&mut host, name, value, flags));
    let no = Status::UnsupportedFeature;
    assert_eq!(answers, [no, no, no, OK, no, OK, no]);
    for (name, value, flags) in [
        (CP_CARD_GUID, &[3u8; 15][..], 0),
        (CP_CARD_READ_ONLY, &[1], 0),
        (CP_CARD_READ_ONLY, &2u32.to_ne_bytes(), 0),
        (CP_CARD_CACHE_MODE, &4u32.to_ne_bytes(), 0),
        (CP_CARD_CACHE_MODE, &one, 1),
        (CP_CARD_PIN_INFO, &pin_info, 0),
        (CP_CARD_PIN_INFO, &pin_info, 7),
        (CP_CARD_PIN_INFO, &pin_info[..35], 1),
    ] {
        assert_eq!(set(&mut host, name, value, flags), Status::InvalidParameter);
    }
    for name in [CP_CARD_FREE_SPACE, CP_CARD_LIST_PINS, CP_CARD_AUTHENTICATED_STATE, &wide("Nonsense")] {
        assert_eq!(set(&mut host, name, &one, 0), Status::UnsupportedFeature);
        assert_eq!(
            set(&mut host, name, &[], 1),
            Status::UnsupportedFeature,
            "before anything else is looked at"
        );
    }
    assert_eq!(set(&mut host, CP_CARD_PIN_STRENGTH_VERIFY, &one, 0), Status::InvalidParameter);
    refused!(
        call!(host, pfnCardSetProperty, CP_CARD_GUID.as_ptr(), std::ptr::null_mut(), 16, 0),
        Status::InvalidParameter
    );
}

#[test]
fn windows_and_context_strings_may_be_set_by_everyone() {
    reset_script();
    let mut host = Host::of_version::<Bare>(6);
    assert_eq!(set(&mut host, CP_PARENT_WINDOW, &0usize.to_ne_bytes(), 0), OK);
    assert_eq!(set(&mut host, CP_PARENT_WINDOW, &0u32.to_ne_bytes(), 0), OK);
    assert_eq!(set(&mut host, CP_PARENT_WINDOW, &[0; 3], 0), Status::InvalidParameter);
    assert_eq!(set(&mut host, CP_PIN_CONTEXT_STRING, &[b'x', 0, 0, 0], 0), OK);
    assert_eq!(set(&mut host, CP_PIN_CONTEXT_STRING, b"x", 0), Status::InvalidParameter);
    assert_eq!(set(&mut host, CP_PIN_CONTEXT_STRING, &[b'x', 0], 1), Status::InvalidParameter);
    let null = std::ptr::null_mut();
    assert_eq!(call!(host, pfnCardSetProperty, CP_PIN_CONTEXT_STRING.as_ptr(), null, 0, 0), 0);
    assert_eq!(set(&mut host, CP_CARD_GUID, &[3; 16], 0), Status::UnsupportedFeature);
}

#[test]
fn a_module_has_properties_of_its_own() {
    reset_script();
    let mut host = Host::new::<Full>();
    let own = wide("Own Text");
    assert_eq!(get(&mut host, &own, 128, 0, 0), Ok(Vec::new()));
    assert_eq!(set(&mut host, &own, b"a text", 0), OK);
    assert_eq!(set(&mut host, &own, b"another", 1), OK);
    assert_eq!(get(&mut host, &own, 6, 0, 0).as_deref(), Ok(&b"a text"[..]));
    assert_eq!(get(&mut host, &own, 128, 0, 1).as_deref(), Ok(&b"another"[..]));
    assert_eq!(get(&mut host, &own, 5, 0, 0), Err((Status::BufferTooSmall, 6)), "the length is told");
    assert_eq!(get(&mut host, &own, 128, 0, 2), Err((Status::InvalidParameter, 0)));
    assert_eq!(set(&mut host, &own, b"x", 2), Status::InvalidParameter);
    assert_eq!(set(&mut host, &own, &vec![7; 1 << 16], 0), OK);
    assert_eq!(set(&mut host, &own, &vec![7; (1 << 16) + 1], 0), Status::InvalidParameter, "too long");
    let null = std::ptr::null_mut();
    assert_eq!(call!(host, pfnCardSetProperty, own.as_ptr(), null, 0, 0), 0);
    assert_eq!(get(&mut host, &own, 128, 0, 0), Ok(Vec::new()), "NULL is the empty value");

    let before = script(|script| script.calls.len());
    for name in ["own text", "Own Text ", "Own"] {
        assert_eq!(get(&mut host, &wide(name), 128, 0, 0), Err((Status::InvalidParameter, 0)), "{name}");
        assert_eq!(set(&mut host, &wide(name), b"x", 1), Status::UnsupportedFeature, "{name}");
    }
    // What the SDK knows in any version is never the module's.
    let mut sixth = Host::of_version::<Full>(6);
    assert_eq!(get(&mut sixth, CP_ENUM_ALGORITHMS, 128, 0, 0), Err((Status::InvalidParameter, 0)));
    assert_eq!(set(&mut sixth, CP_ENUM_ALGORITHMS, b"x", 0), Status::UnsupportedFeature);
    assert_eq!(get(&mut host, CP_CARD_FREE_SPACE, 16, 1, 0).map(|bytes| bytes.len()), Ok(16));
    let asked = script(|script| script.calls[before..].iter().any(|call| call.contains("own property")));
    assert!(!asked);
    let mut bare = Host::of_version::<Bare>(6);
    assert_eq!(get(&mut bare, &own, 128, 0, 0), Err((Status::InvalidParameter, 0)));
    assert_eq!(set(&mut bare, &own, b"x", 0), Status::UnsupportedFeature);

    script(|script| script.panic_in = Some("set own property"));
    assert_eq!(set(&mut host, &own, b"x", 0), Status::Unexpected);
    script(|script| script.panic_in = None);
    assert_eq!(get(&mut host, &own, 128, 0, 0), Err((Status::Unexpected, 0)), "closed after a panic");
}

#[test]
fn containers_have_properties() {
    reset_script();
    let mut host = Host::new::<Full>();
    let get = |host: &mut Host, index: u8, name: &str, size: u32, version: u32, flags: u32| {
        let (mut buffer, mut length) = ([0u64; 8], 0xDEAD);
        buffer[0] = u64::from(version).to_le();
        let name = wide(name);
        let code = call!(
            host,
            pfnCardGetContainerProperty,
            index,
            name.as_ptr(),
            buffer.as_mut_ptr().cast(),
            size,
            &raw mut length,
            flags
        );
        if code == 0 { Ok((buffer, length)) } else { Err((Status::from_code(code), length)) }
    };
    let (buffer, length) = get(&mut host, 0, "PIN Identifier", 4, 0, 0).unwrap();
    assert_eq!((buffer[0] as u32, length), (1, 4));
    let (buffer, length) = get(&mut host, 1, "Associated ECDH Key", 1, 0, 0).unwrap();
    assert_eq!((buffer[0] as u8, length), (1, 1));
    assert_eq!(get(&mut host, 0, "Associated ECDH Key", 1, 0, 0), Err((Status::UnsupportedFeature, 0)));
    assert_eq!(get(&mut host, 9, "Associated ECDH Key", 1, 0, 0), Err((Status::NoKeyContainer, 0)));
    let size = size_of::<CONTAINER_INFO>() as u32;
    assert_eq!(get(&mut host, 0, "Container Info", 4, 0, 0), Err((Status::BufferTooSmall, size)));
    assert_eq!(get(&mut host, 0, "Container Info", size, 2, 0), Err((Status::RevisionMismatch, 0)));
    assert_eq!(get(&mut host, 9, "Container Info", size, 1, 0), Err((Status::NoKeyContainer, 0)));
    assert_eq!(get(&mut host, 9, "PIN Identifier", 4, 0, 0), Err((Status::NoKeyContainer, 0)));
    assert_eq!(get(&mut host, 0, "PIN Identifier", 4, 0, 1), Err((Status::InvalidParameter, 0)));
    assert_eq!(get(&mut host, 0, "Nonsense", 4, 0, 0), Err((Status::InvalidParameter, 0)));
    let (mut info, mut length) = (CONTAINER_INFO { dwVersion: 1, ..CONTAINER_INFO::ZEROED }, 0);
    let (name, data) = (wide("Container Info"), (&raw mut info).cast());
    let (name, told) = (name.as_ptr(), &raw mut length);
    assert_eq!(call!(host, pfnCardGetContainerProperty, 0, name, data, size, told, 0), 0);
    assert_eq!(length, size);
    assert_eq!(take(info.pbSigPublicKey, info.cbSigPublicKey).len(), 20 + 128);
    assert_eq!(take(info.pbKeyExPublicKey, info.cbKeyExPublicKey)[4..8], 0xA400u32.to_le_bytes());
    assert_eq!(common::live_blocks(), 0);
}

#[test]
fn container_properties_are_set() {
    reset_script();
    let mut host = Host::new::<Full>();
    let set = |host: &mut Host, index: u8, name: &str, value: &[u8], flags: u32| {
        let (name, mut value) = (wide(name), value.to_vec());
        let length = value.len() as u32;
        let code =
            call!(host, pfnCardSetContainerProperty, index, name.as_ptr(), value.as_mut_ptr(), length, flags);
        Status::from_code(code)
    };
    let user = 1u32.to_ne_bytes();
    assert_eq!(set(&mut host, 0, "PIN Identifier", &user, 0), Status::SecurityViolation);
    assert_eq!(set(&mut host, 0, "PIN Identifier", &2u32.to_ne_bytes(), 0), Status::SecurityViolation);
    assert_eq!(set(&mut host, 0, "PIN Identifier", &7u32.to_ne_bytes(), 0), Status::InvalidParameter);
    assert_eq!(set(&mut host, 0, "PIN Identifier", &user[..3], 0), Status::InvalidParameter);
    assert_eq!(set(&mut host, 9, "PIN Identifier", &user, 0), Status::NoKeyContainer);
    assert_eq!(set(&mut host, 0, "PIN Identifier", &user, 1), Status::InvalidParameter);
    assert_eq!(set(&mut host, 0, "Container Info", &[0; 40], 0), Status::UnsupportedFeature);
    assert_eq!(set(&mut host, 0, "Associated ECDH Key", &[1], 0), Status::UnsupportedFeature);
    script(|script| script.read_only = true);
    assert_eq!(set(&mut host, 0, "PIN Identifier", &user, 0), Status::UnsupportedFeature);
}

#[test]
fn the_card_is_queried() {
    reset_script();
    let mut host = Host::new::<Full>();
    for version in [0, 1] {
        let mut capabilities =
            CARD_CAPABILITIES { dwVersion: version, fCertificateCompression: 9, fKeyGen: 9 };
        assert_eq!(call!(host, pfnCardQueryCapabilities, &raw mut capabilities), 0);
        assert_eq!(
            (capabilities.dwVersion, capabilities.fCertificateCompression, capabilities.fKeyGen),
            (1, 0, 1)
        );
    }
    let mut capabilities = CARD_CAPABILITIES { dwVersion: 257, fCertificateCompression: 0, fKeyGen: 0 };
    refused!(call!(host, pfnCardQueryCapabilities, &raw mut capabilities), Status::RevisionMismatch);
    refused!(call!(host, pfnCardQueryCapabilities, std::ptr::null_mut()), Status::InvalidParameter);
    let mut bare = Host::of_version::<Bare>(6);
    capabilities.dwVersion = 1;
    assert_eq!(call!(bare, pfnCardQueryCapabilities, &raw mut capabilities), 0);
    assert_eq!(capabilities.fKeyGen, 0, "a claim without container creation is not passed on");
    let mut space = CARD_FREE_SPACE_INFO {
        dwVersion: 0,
        dwBytesAvailable: 0,
        dwKeyContainersAvailable: 0,
        dwMaxKeyContainers: 0,
    };
    refused!(call!(host, pfnCardQueryFreeSpace, 1, &raw mut space), Status::InvalidParameter);
    assert_eq!(call!(host, pfnCardQueryFreeSpace, 0, &raw mut space), 0);
    assert_eq!((space.dwVersion, space.dwBytesAvailable), (1, 1000));
    space.dwVersion = 255;
    refused!(call!(host, pfnCardQueryFreeSpace, 0, &raw mut space), Status::RevisionMismatch);
    let query = |host: &mut Host, spec: u32, flags: u32, version: u32| {
        let mut sizes = CARD_KEY_SIZES {
            dwVersion: version,
            dwMinimumBitlen: 0,
            dwDefaultBitlen: 0,
            dwMaximumBitlen: 0,
            dwIncrementalBitlen: 0,
        };
        Status::from_code(call!(host, pfnCardQueryKeySizes, spec, flags, &raw mut sizes))
    };
    assert_eq!(query(&mut host, 1, 0, 0), OK);
    assert_eq!(query(&mut host, 8, 0, 1), Status::UnsupportedFeature);
    assert_eq!(query(&mut host, 9, 0, 1), Status::InvalidParameter);
    assert_eq!(query(&mut host, 0, 0, 1), Status::InvalidParameter);
    assert_eq!(query(&mut host, 1, 1, 1), Status::InvalidParameter);
    assert_eq!(query(&mut host, 1, 0, 65537), Status::RevisionMismatch);
}
