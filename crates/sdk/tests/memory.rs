//! The host's memory: failing at every allocation, nothing left behind, nothing foreign freed (16.1).

mod common;

use cardmod_sdk::Status;
use cardmod_sdk::sys::{CARD_DERIVE_KEY, CARD_DH_AGREEMENT_INFO, CARD_SIGNING_INFO, CONTAINER_INFO, Zeroed};
use cardmod_sdk::types::{KeySpec, PublicKey};

use common::module::{Full, ec_point, reset_script};
use common::{Host, Out, call, ledger, live_blocks, name, take, wide};

/// Runs an operation with its first, second, … allocation failing until it succeeds; each failure must
/// be NO_MEMORY and leave nothing.
fn failing_everywhere(host: &mut Host, expected: usize, operation: impl Fn(&mut Host) -> u32) {
    let mut failures = 0;
    loop {
        ledger(|ledger| {
            ledger.allocations = 0;
            ledger.fail_at = Some(failures + 1);
        });
        let before = live_blocks();
        let code = operation(host);
        assert_eq!(live_blocks(), before, "after failure {failures}");
        if code == 0 {
            break;
        }
        assert_eq!(Status::from_code(code), Status::NoMemory);
        failures += 1;
    }
    ledger(|ledger| ledger.fail_at = None);
    assert_eq!(failures, expected);
}

#[test]
fn every_allocation_may_fail() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (mut user, mut pin, null) = (wide("user"), *b"1234", std::ptr::null_mut());
    assert_eq!(call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), pin.as_mut_ptr(), 4, null), 0);
    failing_everywhere(&mut host, 1, |host| {
        let (mut file, mut out) = (name("cardid"), Out::garbage());
        let null = std::ptr::null_mut();
        let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
        let code = call!(host, pfnCardReadFile, null, file.as_mut_ptr(), 0, pointer, length);
        if code == 0 {
            out.take();
        } else {
            out.assert_cleared();
        }
        code
    });
    failing_everywhere(&mut host, 1, |host| {
        let mut out = Out::garbage();
        let null = std::ptr::null_mut();
        let code = call!(host, pfnCardEnumFiles, null, (&raw mut out.pointer).cast(), &raw mut out.length, 0);
        if code == 0 {
            out.take();
        }
        code
    });
    failing_everywhere(&mut host, 2, |host| {
        let mut info = CONTAINER_INFO { dwVersion: 1, ..CONTAINER_INFO::ZEROED };
        let code = call!(host, pfnCardGetContainerInfo, 0, 0, &raw mut info);
        if code == 0 {
            take(info.pbSigPublicKey, info.cbSigPublicKey);
            take(info.pbKeyExPublicKey, info.cbKeyExPublicKey);
        } else {
            assert!(info.pbSigPublicKey.is_null() && info.pbKeyExPublicKey.is_null());
        }
        code
    });
    failing_everywhere(&mut host, 1, |host| {
        let (mut pin, mut out) = (*b"1234", Out::garbage());
        let null = std::ptr::null_mut();
        let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
        let code =
            call!(host, pfnCardAuthenticateEx, 1, 0x1000_0000, pin.as_mut_ptr(), 4, pointer, length, null);
        if code == 0 {
            assert_eq!(out.take(), b"session");
        }
        code
    });
}

#[test]
fn signatures_and_keys_may_fail_too() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (mut user, mut pin, null) = (wide("user"), *b"1234", std::ptr::null_mut());
    assert_eq!(call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), pin.as_mut_ptr(), 4, null), 0);
    failing_everywhere(&mut host, 1, |host| {
        let digest = [7u8; 32];
        let mut info = CARD_SIGNING_INFO {
            dwVersion: 2,
            dwKeySpec: 2,
            aiHashAlg: 0x800C,
            pbData: digest.as_ptr().cast_mut(),
            cbData: 32,
            ..CARD_SIGNING_INFO::ZEROED
        };
        let code = call!(host, pfnCardSignData, &raw mut info);
        if code == 0 {
            take(info.pbSignedData, info.cbSignedData);
        }
        code
    });
    let peer = PublicKey::Ec(ec_point()).to_blob(KeySpec::EcdheP256);
    let mut agreement = CARD_DH_AGREEMENT_INFO {
        dwVersion: 2,
        bContainerIndex: 1,
        dwPublicKey: peer.len() as u32,
        pbPublicKey: peer.as_ptr().cast_mut(),
        ..CARD_DH_AGREEMENT_INFO::ZEROED
    };
    assert_eq!(call!(host, pfnCardConstructDHAgreement, &raw mut agreement), 0);
    failing_everywhere(&mut host, 1, |host| {
        let mut kdf = wide("HASH");
        let mut info = CARD_DERIVE_KEY {
            dwVersion: 1,
            pwszKDF: kdf.as_mut_ptr(),
            bSecretAgreementIndex: agreement.bSecretAgreementIndex,
            ..CARD_DERIVE_KEY::ZEROED
        };
        let code = call!(host, pfnCardDeriveKey, &raw mut info);
        if code == 0 {
            take(info.pbDerivedKey, info.cbDerivedKey);
        }
        code
    });
    assert_eq!(host.delete(), 0);
    assert_eq!(live_blocks(), 0);
}
