//! Arguments at random: every answer is one of the interface's codes, nothing is left behind, and outputs
//! are cleared on failure.

mod common;

use cardmod_sdk::sys::{CARD_RSA_DECRYPT_INFO, CARD_SIGNING_INFO, Zeroed};
use cardmod_sdk::{CardModule, Status};
use proptest::prelude::*;

use common::module::{Bare, Full, reset_script, script};
use common::{Host, Out, call, take, wide};

/// Whether a code is one the interface names, or success.
fn is_known(code: u32) -> bool {
    code == 0 || !matches!(Status::from_code(code), Status::Transport(_) | Status::Unexpected)
}

fn read<M: CardModule>(directory: Option<Vec<u8>>, file: Vec<u8>, flags: u32) {
    let mut host = Host::of_version::<M>(6);
    let end = |mut text: Vec<u8>| {
        text.push(0);
        text
    };
    let (mut directory, mut file, mut out) = (directory.map(end), end(file), Out::garbage());
    let directory = directory.as_mut().map_or(std::ptr::null_mut(), |name| name.as_mut_ptr());
    let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
    let code = call!(host, pfnCardReadFile, directory, file.as_mut_ptr(), flags, pointer, length);
    assert!(is_known(code), "{code:#x}");
    if code == 0 {
        out.take();
    } else {
        out.assert_cleared();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_of_any_bytes(
        directory in proptest::option::of(proptest::collection::vec(any::<u8>(), 0..20)),
        file in proptest::collection::vec(any::<u8>(), 0..20),
        flags in prop_oneof![Just(0u32), any::<u32>()],
    ) {
        reset_script();
        read::<Full>(directory.clone(), file.clone(), flags);
        read::<Bare>(directory, file, flags);
    }

    #[test]
    fn properties_of_any_name_size_and_flags(
        index in 0usize..24,
        garbled in any::<String>(),
        size in 0u32..64,
        version in 0u32..9,
        flags in prop_oneof![0u32..10, any::<u32>()],
    ) {
        reset_script();
        let names = ["Free Space", "Capabilities", "Key Sizes", "Read Only Mode", "Cache Mode",
            "Supports Windows x.509 Enrollment", "Card Identifier", "Card Serial Number", "PIN Information",
            "PIN List", "Authenticated State", "PIN Strength Verify", "Key Import Support", "Algorithms",
            "Padding Schemes", "Chaining Modes", "Parent Window", "PIN Context String"];
        let name = wide(names.get(index).copied().unwrap_or(&garbled));
        let mut host = Host::new::<Full>();
        let (mut buffer, mut length) = ([0xEEu8; 72], 0xDEAD);
        buffer[..4].copy_from_slice(&version.to_ne_bytes());
        let before = buffer;
        let data = buffer.as_mut_ptr();
        let code = call!(host, pfnCardGetProperty, name.as_ptr(), data, size, &raw mut length, flags);
        prop_assert!(is_known(code), "{:#x}", code);
        prop_assert_eq!(&buffer[size as usize..], &before[size as usize..], "nothing beyond the buffer");
        if code == 0 {
            prop_assert!(length <= size);
        } else if code == Status::BufferTooSmall.code() {
            prop_assert!(length > size);
        } else {
            prop_assert_eq!(length, 0);
            prop_assert_eq!(buffer, before);
        }
    }

    #[test]
    fn signing_requests_of_any_numbers(
        version in prop_oneof![0u32..4, any::<u32>()],
        container in 0u8..4,
        spec in prop_oneof![0u32..10, any::<u32>()],
        flags in prop_oneof![Just(0u32), Just(0x4000_0000), Just(0x2000_0000), Just(1), any::<u32>()],
        hash in prop_oneof![0x8000u32..0x8010, any::<u32>()],
        kind in 0u32..9,
        data in proptest::collection::vec(any::<u8>(), 0..140),
        context in 4u32..=7,
    ) {
        reset_script();
        let mut host = Host::of_version::<Full>(context);
        let mut user = wide("user");
        let (mut pin, null) = (*b"1234", std::ptr::null_mut());
        prop_assert_eq!(call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), pin.as_mut_ptr(), 4, null), 0);
        let mut info = CARD_SIGNING_INFO {
            dwVersion: version,
            bContainerIndex: container,
            dwKeySpec: spec,
            dwSigningFlags: flags,
            aiHashAlg: hash,
            pbData: data.as_ptr().cast_mut(),
            cbData: data.len() as u32,
            dwPaddingType: kind,
            ..CARD_SIGNING_INFO::ZEROED
        };
        let code = call!(host, pfnCardSignData, &raw mut info);
        prop_assert!(is_known(code), "{:#x}", code);
        if code == 0 && !info.pbSignedData.is_null() {
            take(info.pbSignedData, info.cbSignedData);
        }
        prop_assert_eq!(common::live_blocks(), 0);
    }

    #[test]
    fn decrypted_blocks_of_any_bytes(
        plain in proptest::collection::vec(any::<u8>(), 128),
        start in prop_oneof![Just([0u8, 2]), any::<[u8; 2]>()],
    ) {
        reset_script();
        let mut plain = plain;
        plain[..2].copy_from_slice(&start);
        script(|script| script.decrypted = plain);
        let mut host = Host::new::<Full>();
        let mut data = [1u8; 128];
        let mut info = CARD_RSA_DECRYPT_INFO {
            dwVersion: 2,
            dwKeySpec: 1,
            pbData: data.as_mut_ptr(),
            cbData: 128,
            dwPaddingType: 2,
            ..CARD_RSA_DECRYPT_INFO::ZEROED
        };
        let code = call!(host, pfnCardRSADecrypt, &raw mut info);
        if code == 0 {
            prop_assert!(info.cbData <= 117);
        } else {
            prop_assert_eq!(code, Status::InvalidParameter.code());
            prop_assert_eq!((data, info.cbData), ([1; 128], 128));
        }
    }
}
