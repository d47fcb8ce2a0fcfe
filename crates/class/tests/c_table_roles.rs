//! Roles, properties and files through the table a host gets, on virtual cards.

mod table;

use std::ptr::null_mut;

use cardmod_heap::{FaultPlan, Mode};
use cardmod_sdk::Status;
use cardmod_types::KeySpec;
use cardmod_virtual::{Behaviour, CardOptions};

use table::calls::Padding;
use table::{ADMIN_KEY, Host, PIN, PUK, answer, call, outcome, wide};

const NOBODY: u32 = 0;
const USER: u32 = 2;
const ADMIN: u32 = 4;
const UNBLOCK: u32 = 1;
const CHANGE: u32 = 2;
const BY_RESPONSE: u32 = 1;
const BY_PUK: u32 = 2;
const DIGEST: [u8; 32] = [0x5D; 32];
const SHA_256: Padding = Padding::Basic(0x800C);

/// Cards as the specification has them, and as GidsApplet is.
fn cards(name: &str) -> [Host; 2] {
    let applet =
        CardOptions { behaviour: Behaviour::Applet, extended_length: false, ..CardOptions::default() };
    [Host::new(name), Host::with_options(&format!("{name}-applet"), 7, applet)]
}

/// Whether the user's rights are really there: a signature is made or refused.
fn can_sign(host: &mut Host) -> bool {
    match host.sign(0, KeySpec::EcdsaP256, Padding::Basic(0), &DIGEST) {
        Ok(_) => true,
        Err(Status::SecurityViolation) => false,
        Err(other) => panic!("{other:?}"),
    }
}

/// Whether the administrator's rights are really there.
fn can_administrate(host: &mut Host) -> bool {
    match host.set_property("Card Identifier", &[7; 16], 0) {
        Ok(()) => true,
        Err(Status::SecurityViolation) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn rights(host: &mut Host) -> u32 {
    let told = host.authenticated();
    let proved = u32::from(can_sign(host)) * USER + u32::from(can_administrate(host)) * ADMIN;
    assert_eq!(told, proved, "the state told is the state proved");
    proved
}

#[test]
fn roles_come_and_go_and_operations_prove_it() {
    for mut host in cards("rights") {
        host.as_user();
        host.generate(0, KeySpec::EcdsaP256, 0).expect("a key");
        assert_eq!(rights(&mut host), USER);
        assert_eq!(host.as_admin(&ADMIN_KEY), Ok(()));
        assert_eq!(rights(&mut host), USER | ADMIN);
        host.deauthenticate().expect("deauthenticated");
        assert_eq!(rights(&mut host), NOBODY);
        host.as_user();
        assert!(can_sign(&mut host));
        let mut user = wide("user");
        assert_eq!(outcome(call!(host, pfnCardDeauthenticate, user.as_mut_ptr(), 0)), Ok(()));
        assert_eq!(rights(&mut host), NOBODY, "with a key chosen before");
        host.as_user();
        assert_eq!(host.pin(1, b"000000"), Err(Status::WrongPin { attempts: None }));
        assert_eq!(rights(&mut host), NOBODY, "a wrong PIN takes the role away");
        host.as_user();
        assert_eq!(host.as_admin(&[1; 24]), Err(Status::WrongPin { attempts: None }));
        assert_eq!(rights(&mut host), USER, "the other role is untouched");
        host.reset();
        assert!(!can_sign(&mut host));
        assert_eq!(rights(&mut host), NOBODY);
    }
}

#[test]
fn a_reset_by_the_host_is_noticed() {
    for mut host in cards("reset") {
        host.as_user();
        host.generate(0, KeySpec::KeyExchange, 1024).expect("a key");
        let key = host.key(0);
        host.reset();
        assert_eq!(host.generate(0, KeySpec::KeyExchange, 2048), Err(Status::SecurityViolation));
        assert_eq!(host.key(0), key, "the old key is still there");
        host.as_user();
        host.as_admin(&ADMIN_KEY).expect("admin");
        host.reset();
        assert_eq!(host.authenticated(), NOBODY);
        assert_eq!(host.delete(0), Err(Status::SecurityViolation));
        assert_eq!(host.key(0), key);
    }
}

#[test]
fn a_challenge_is_answered_once() {
    let mut host = Host::new("challenge");
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let challenge = host.challenge().expect("a challenge");
        assert_eq!(challenge.len(), 8);
        assert!(seen.insert(challenge), "never the same");
    }
    let challenge = host.challenge().expect("a challenge");
    let right = answer(&ADMIN_KEY, &challenge);
    assert_eq!(host.respond(&right[..7]), (Err(Status::InvalidParameter), 0));
    assert_eq!(host.respond(&[]), (Err(Status::InvalidParameter), 0));
    assert_eq!(host.respond(&right), (Ok(()), 0));
    assert_eq!(host.respond(&right), (Err(Status::WrongPin { attempts: None }), u32::MAX), "spent");
    let stale = answer(&ADMIN_KEY, &challenge);
    host.challenge().expect("a fresh one");
    assert_eq!(host.respond(&stale), (Err(Status::WrongPin { attempts: None }), u32::MAX));
    let get = |host: &mut Host, id: u32, flags: u32| {
        let (mut pointer, mut length) = (null_mut(), 0);
        outcome(call!(host, pfnCardGetChallengeEx, id, &raw mut pointer, &raw mut length, flags))?;
        Ok::<_, Status>(host.take(pointer, length).len())
    };
    assert_eq!(get(&mut host, 2, 0), Ok(8));
    for (id, flags) in [(0, 0), (1, 0), (3, 0), (4, 0), (8, 0), (2, 1)] {
        assert_eq!(get(&mut host, id, flags), Err(Status::InvalidParameter), "{id} {flags}");
    }
}

#[test]
fn a_pin_is_changed_or_everything_stays() {
    for mut host in cards("change") {
        host.as_user();
        host.generate(0, KeySpec::EcdsaP256, 0).expect("a key");
        host.deauthenticate().expect("deauthenticated");
        let change = |host: &mut Host, by: u32, old: &[u8], target: u32, new: &[u8]| {
            host.change(CHANGE, by, old, target, new)
        };
        assert_eq!(change(&mut host, 1, PIN, 1, b"1"), (Err(Status::InvalidParameter), 0));
        assert_eq!(rights(&mut host), NOBODY, "the right old PIN opens nothing when the change fails");
        assert_eq!(change(&mut host, 1, PIN, 1, &[b'1'; 200]), (Err(Status::InvalidParameter), 0));
        assert_eq!(rights(&mut host), NOBODY);
        let wrong = Err(Status::WrongPin { attempts: None });
        assert_eq!(change(&mut host, 1, b"000000", 1, b"654321"), (wrong, 2));
        for (by, target) in [(2, 1), (3, 1), (1, 2), (1, 3), (0, 1), (1, 0), (1, 5), (9, 1)] {
            let outcome = change(&mut host, by, PIN, target, b"654321");
            assert_eq!(outcome, (Err(Status::InvalidParameter), 0), "{by} {target}");
        }
        assert_eq!(change(&mut host, 1, PIN, 1, b"654321"), (Ok(()), 0));
        assert_eq!(rights(&mut host), USER);
        assert_eq!(host.pin(1, PIN), wrong);
        assert_eq!(host.pin(1, b"654321"), Ok(()));

        // The administrator's key, by a response.
        let challenge = host.challenge().expect("a challenge");
        let response = answer(&ADMIN_KEY, &challenge);
        assert_eq!(change(&mut host, 2, &response, 2, &[4; 16]), (Err(Status::InvalidParameter), 0));
        assert_eq!(change(&mut host, 2, &response, 2, &[4; 24]), (Ok(()), 0));
        assert_eq!(rights(&mut host), USER | ADMIN);
        assert_eq!(host.as_admin(&ADMIN_KEY), wrong);
        assert_eq!(host.as_admin(&[4; 24]), Ok(()));
    }
}

#[test]
fn a_pin_is_unblocked_and_nobody_is_left_authenticated() {
    for mut host in cards("unblock") {
        host.as_user();
        host.generate(0, KeySpec::EcdsaP256, 0).expect("a key");
        for left in [2, 1, 0] {
            let (mut user, mut pin, mut attempts) = (wide("user"), *b"000000", 9);
            let code = call!(
                host,
                pfnCardAuthenticatePin,
                user.as_mut_ptr(),
                pin.as_mut_ptr(),
                6,
                &raw mut attempts
            );
            assert_eq!((outcome(code), attempts), (Err(Status::WrongPin { attempts: None }), left));
        }
        assert_eq!(host.pin(1, PIN), Err(Status::PinBlocked));
        assert_eq!(host.change(CHANGE, 1, PIN, 1, b"654321"), (Err(Status::PinBlocked), 0));
        for (retry, flags) in [(0, 0), (0, 3), (5, BY_PUK), (u32::MAX, BY_PUK)] {
            assert_eq!(
                host.unblock(PUK, PIN, retry, flags),
                Err(Status::InvalidParameter),
                "{retry} {flags}"
            );
        }
        assert_eq!(host.unblock(PUK, b"1", 0, BY_PUK), Err(Status::InvalidParameter));
        let wrong = Err(Status::WrongPin { attempts: None });
        assert_eq!(host.unblock(b"11111111", PIN, 0, BY_PUK), wrong);
        assert_eq!(host.change(UNBLOCK, 3, b"11111111", 1, PIN), (wrong, 1));
        assert_eq!(host.pin(1, PIN), Err(Status::PinBlocked));
        assert_eq!(host.unblock(PUK, PIN, 0, BY_PUK), Ok(()));
        assert_eq!(rights(&mut host), NOBODY);
        host.as_user();

        // By the administrator: a new PIN the card refuses must not leave his rights behind.
        let response = answer(&ADMIN_KEY, &host.challenge().expect("a challenge"));
        assert_eq!(host.unblock(&response, b"1", 0, BY_RESPONSE), Err(Status::InvalidParameter));
        assert!(!can_administrate(&mut host));
        assert_eq!(rights(&mut host), NOBODY);
        let response = answer(&ADMIN_KEY, &host.challenge().expect("a challenge"));
        assert_eq!(host.unblock(&response, PIN, 5, BY_RESPONSE), Err(Status::InvalidParameter));
        assert_eq!(host.unblock(&response, PIN, 0, BY_RESPONSE), wrong, "the challenge is void");
        let response = answer(&ADMIN_KEY, &host.challenge().expect("a challenge"));
        assert_eq!(host.unblock(&response, b"999999", 0, BY_RESPONSE), Ok(()));
        assert_eq!(rights(&mut host), NOBODY);
        let response = answer(&ADMIN_KEY, &host.challenge().expect("a challenge"));
        assert_eq!(host.change(UNBLOCK, 2, &response, 1, PIN), (Ok(()), 0));
        assert_eq!(rights(&mut host), NOBODY);
        assert_eq!(host.change(UNBLOCK, 1, PIN, 1, PIN), (Err(Status::InvalidParameter), 0));
        host.as_user();
    }
}

#[test]
fn properties_of_the_card() {
    let mut host = Host::new("properties");
    let word = |host: &mut Host, name: &str, flags: u32| {
        host.property(name, flags).map(|value| u32::from_ne_bytes(value.try_into().expect("four bytes")))
    };
    assert_eq!(word(&mut host, "PIN List", 0), Ok(0b1110));
    for (id, strength) in [
        (1, Ok(1)),
        (2, Ok(1)),
        (3, Ok(1)),
        (0, Err(Status::InvalidParameter)),
        (4, Err(Status::InvalidParameter)),
    ] {
        assert_eq!(word(&mut host, "PIN Strength Verify", id), strength, "{id}");
        assert_eq!(host.property("PIN Information", id).is_ok(), strength.is_ok(), "{id}");
    }
    assert_eq!(word(&mut host, "Key Import Support", 0), Ok(1));
    assert_eq!(word(&mut host, "Padding Schemes", 2), Ok(2 | 4 | 8));
    assert_eq!(word(&mut host, "Padding Schemes", 1), Ok(0));
    assert_eq!(word(&mut host, "Cache Mode", 0), Ok(1));
    assert_eq!(word(&mut host, "Read Only Mode", 0), Ok(0));
    assert_eq!(word(&mut host, "Supports Windows x.509 Enrollment", 0), Ok(1));
    assert_eq!(host.property("Chaining Modes", 0), Ok(vec![0; 4]));
    assert_eq!(host.property("Algorithms", 1), Ok(vec![0; 4]));
    let names = "RSA\0ECDSA_P256\0ECDSA_P384\0ECDSA_P521\0ECDH_P256\0ECDH_P384\0ECDH_P521\0";
    let names: Vec<u8> = wide(names).iter().flat_map(|unit| unit.to_ne_bytes()).collect();
    assert_eq!(host.property("Algorithms", 2), Ok(names));
    assert_eq!(host.property("Card Serial Number", 0), Err(Status::UnsupportedFeature));
    for spec in 1..=8 {
        assert_eq!(host.property("Key Sizes", spec).map(|sizes| sizes.len()), Ok(20), "{spec}");
    }
    assert_eq!(host.property("Key Sizes", 9), Err(Status::InvalidParameter));
    let plain = CardOptions { ec: false, ..CardOptions::default() };
    let mut plain = Host::with_options("properties-rsa", 7, plain);
    assert_eq!(plain.property("Key Sizes", 3), Err(Status::UnsupportedFeature));
    let rsa: Vec<u8> = wide("RSA\0").iter().flat_map(|unit| unit.to_ne_bytes()).collect();
    assert_eq!(plain.property("Algorithms", 2), Ok(rsa));
    assert_eq!(plain.generate(0, KeySpec::EcdsaP256, 0), Err(Status::UnsupportedFeature));
}

#[test]
fn the_administrators_properties() {
    let mut host = Host::new("admin-group");
    let one = 1u32.to_ne_bytes();
    let pin_info: Vec<u8> =
        [6u32, 0, 5, 2, 4, 6, 0, 0, 0].iter().flat_map(|word| word.to_ne_bytes()).collect();
    let group: [(&str, &[u8], u32); 7] = [
        ("Read Only Mode", &one, 0),
        ("Cache Mode", &one, 0),
        ("Supports Windows x.509 Enrollment", &one, 0),
        ("Card Identifier", &[9; 16], 0),
        ("Card Serial Number", &[1, 2], 0),
        ("PIN Information", &pin_info, 1),
        ("PIN Strength Verify", &one, 1),
    ];
    for who in ["nobody", "the user"] {
        for (name, value, flags) in group {
            assert_eq!(host.set_property(name, value, flags), Err(Status::SecurityViolation), "{who} {name}");
        }
        host.as_user();
    }
    host.as_admin(&ADMIN_KEY).expect("admin");
    for (name, value, flags) in group {
        let expected = if name == "Card Identifier" { Ok(()) } else { Err(Status::UnsupportedFeature) };
        assert_eq!(host.set_property(name, value, flags), expected, "{name}");
    }
    assert_eq!(host.read(None, "cardid"), Ok(vec![9; 16]));
    assert_eq!(host.property("Card Identifier", 0), Ok(vec![9; 16]));
    for name in ["Free Space", "Capabilities", "PIN List", "Algorithms", "Nonsense"] {
        assert_eq!(host.set_property(name, &one, 0), Err(Status::UnsupportedFeature), "{name}");
    }
}

#[test]
fn files_are_read_by_anybody_in_any_spelling() {
    let mut host = Host::new("files");
    assert_eq!(host.read(None, "CARDid"), Ok(vec![0x5A; 16]));
    assert_eq!(host.read(Some("mScp"), "CmApfiLE").map(|map| map.len() % 86), Ok(0));
    assert_eq!(host.read(None, "cardapps"), Ok(b"mscp\0\0\0\0".to_vec()));
    assert_eq!(host.read(None, "mscp"), Err(Status::FileNotFound), "a directory of that name");
    assert_eq!(host.read(Some("cardid"), "cardid"), Err(Status::DirectoryNotFound), "a file of that name");
    assert_eq!(host.read(Some("mscp"), "kxc00"), Err(Status::FileNotFound));
    for name in ["", "ninechars", "a/b"] {
        assert_eq!(host.read(None, name), Err(Status::InvalidParameter), "{name}");
    }
}

#[test]
fn memory_that_runs_out_leaves_nothing_behind() {
    let mut host = Host::new("memory");
    host.as_user();
    host.generate(0, KeySpec::KeyExchange, 1024).expect("a key");
    let starved = || {
        Mode::Faulty(FaultPlan { fail_at: Some(1), and_after: true, checked: true, ..FaultPlan::default() })
    };
    drop(host);
    let mut host = Host::connected("memory", 7, starved());
    assert_eq!(host.acquire(0), 0, "the module keeps nothing in the host's memory");
    host.as_user();
    assert_eq!(host.keys(0).err(), Some(Status::NoMemory));
    assert_eq!(host.read(None, "cardcf"), Err(Status::NoMemory));
    assert_eq!(host.sign(0, KeySpec::KeyExchange, SHA_256, &DIGEST), Err(Status::NoMemory));
    assert_eq!(host.challenge(), Err(Status::NoMemory));
    assert_eq!(host.ledger().live_blocks, 0);
}

#[test]
fn acquire_recognises_its_card() {
    drop(Host::new("acquire"));
    let refused = |version: u32, flags: u32, spoil: fn(&mut cardmod_sdk::sys::CARD_DATA)| {
        let mut host = Host::connected("acquire", version, Mode::Plain);
        spoil(host.data());
        let code = host.acquire(flags);
        assert!(host.data().pvVendorSpecific.is_null() && host.data().pfnCardReadFile.is_none());
        assert_eq!(host.data().dwVersion, version, "nothing is written");
        outcome(code).expect_err("refused")
    };
    static OTHER: [u8; 4] = [0x3B, 0x02, 0x14, 0x50];
    static ZEROS: [u8; 20] = [0; 20];
    let other = |data: &mut cardmod_sdk::sys::CARD_DATA| {
        (data.pbAtr, data.cbAtr) = (OTHER.as_ptr().cast_mut(), 4);
    };
    let zeros = |data: &mut cardmod_sdk::sys::CARD_DATA| {
        (data.pbAtr, data.cbAtr) = (ZEROS.as_ptr().cast_mut(), 20);
    };
    assert_eq!(refused(7, 0, other), Status::UnknownCard, "a card's, but not this one's");
    assert_eq!(refused(7, 0, zeros), Status::UnknownCard);
    assert_eq!(refused(7, 0, |data| data.cbAtr = 2), Status::InvalidParameter);
    assert_eq!(refused(7, 0, |data| data.cbAtr = 34), Status::InvalidParameter);
    assert_eq!(refused(7, 0, |data| data.hScard = 0), Status::InvalidHandle);
    assert_eq!(refused(3, 0, |_| {}), Status::RevisionMismatch);
    assert_eq!(refused(7, 1, |_| {}), Status::UnsupportedFeature);
    assert_eq!(refused(6, 1, |_| {}), Status::InvalidParameter);
    assert_eq!(refused(7, 2, |_| {}), Status::InvalidParameter);
    for version in 4..=7 {
        let mut host = Host::connected("acquire", version, Mode::Checked);
        assert_eq!(host.acquire(0), 0);
        assert_eq!(host.data().dwVersion, version);
        assert_eq!(host.read(None, "cardid"), Ok(vec![0x5A; 16]));
    }
}
