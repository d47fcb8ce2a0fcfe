//! Roles, PINs, challenges (5.10 to 5.19, 7.5, 7.8).

mod common;

use cardmod_sdk::Status;

use common::module::{CHALLENGE, EXTERNAL_ROLE, Full, PIN, PUK, PUK_ROLE, RESPONSE, reset_script, script};
use common::{Host, Out, call, refused, wide};

const GENERATE: u32 = 0x1000_0000;
const SESSION: u32 = 0x2000_0000;
const SILENT: u32 = 0x40;

fn by_name(host: &mut Host, user: &str, pin: &[u8]) -> (u32, u32) {
    let (mut pin, mut attempts) = (pin.to_vec(), 77);
    pin.reserve(1); // a pointer that is not dangling even for no bytes
    let length = pin.len() as u32;
    let code = call!(
        host,
        pfnCardAuthenticatePin,
        wide(user).as_mut_ptr(),
        pin.as_mut_ptr(),
        length,
        &raw mut attempts
    );
    (code, attempts)
}

fn by_id(host: &mut Host, id: u32, flags: u32, pin: Option<&[u8]>) -> (u32, Out, u32) {
    let (mut pin, mut attempts, mut out) = (pin.map(<[u8]>::to_vec), 77, Out::garbage());
    let (pointer, length) =
        pin.as_mut().map_or((std::ptr::null_mut(), 0), |pin| (pin.as_mut_ptr(), pin.len() as u32));
    let code = call!(
        host,
        pfnCardAuthenticateEx,
        id,
        flags,
        pointer,
        length,
        &raw mut out.pointer,
        &raw mut out.length,
        &raw mut attempts
    );
    (code, out, attempts)
}

fn authenticated(host: &mut Host) -> u32 {
    let (mut state, mut length) = ([0u8; 4], 0);
    let name = wide("Authenticated State");
    assert_eq!(call!(host, pfnCardGetProperty, name.as_ptr(), state.as_mut_ptr(), 4, &raw mut length, 0), 0);
    u32::from_ne_bytes(state)
}

fn challenge(host: &mut Host) {
    let mut out = Out::garbage();
    assert_eq!(call!(host, pfnCardGetChallenge, &raw mut out.pointer, &raw mut out.length), 0);
    assert_eq!(out.take(), CHALLENGE);
}

#[test]
fn a_pin_is_verified_by_name() {
    reset_script();
    let mut host = Host::new::<Full>();
    assert_eq!(by_name(&mut host, "user", PIN), (0, 0));
    assert_eq!(authenticated(&mut host), 2);
    for user in ["anonymous", "", "User2", &"x".repeat(5000)] {
        assert_eq!(by_name(&mut host, user, PIN), (Status::InvalidParameter.code(), 0), "{user:.9}");
    }
    assert_eq!(by_name(&mut host, "admin", PIN).0, Status::InvalidParameter.code(), "not by PIN");
    let wrong = Status::WrongPin { attempts: None }.code();
    assert_eq!(by_name(&mut host, "user", b"12345"), (wrong, 2));
    assert_eq!(authenticated(&mut host), 0, "a failure deauthenticates");
    assert_eq!(by_name(&mut host, "user", b""), (wrong, 1));
    assert_eq!(by_name(&mut host, "user", b"1"), (wrong, 0), "the last try");
    assert_eq!(by_name(&mut host, "user", PIN), (Status::PinBlocked.code(), 0));
}

#[test]
fn absurd_lengths_are_not_read() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (mut pin, mut attempts) = (*b"1234", 77);
    let mut user = wide("user");
    for length in [256, u32::MAX] {
        let code = call!(
            host,
            pfnCardAuthenticatePin,
            user.as_mut_ptr(),
            pin.as_mut_ptr(),
            length,
            &raw mut attempts
        );
        assert_eq!((code, attempts), (Status::WrongPin { attempts: None }.code(), u32::MAX));
    }
    assert!(script(|script| !script.calls.contains(&"verify_pin")), "no try was spent");
    let null = std::ptr::null_mut();
    refused!(
        call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), null, 4, &raw mut attempts),
        Status::InvalidParameter
    );
    refused!(
        call!(host, pfnCardAuthenticatePin, std::ptr::null_mut(), pin.as_mut_ptr(), 4, &raw mut attempts),
        Status::InvalidParameter
    );
    let without = std::ptr::null_mut();
    assert_eq!(call!(host, pfnCardAuthenticatePin, user.as_mut_ptr(), pin.as_mut_ptr(), 4, without), 0);
}

#[test]
fn a_pin_is_verified_by_id() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (code, out, _) = by_id(&mut host, 1, SILENT, Some(PIN));
    assert_eq!(code, 0);
    out.assert_cleared();
    for (id, flags, pin) in [
        (0, 0, Some(PIN)),
        (5, 0, Some(PIN)),
        (8, 0, Some(PIN)),
        (u32::MAX, 0, Some(PIN)),
        (PUK_ROLE, 0, Some(PIN)),
        (1, 1, Some(PIN)),
        (1, GENERATE | SESSION, Some(PIN)),
        (1, 0, None),
        (1, 0, Some(&[][..])),
        (EXTERNAL_ROLE, SILENT, None),
    ] {
        let (code, out, attempts) = by_id(&mut host, id, flags, pin);
        assert_eq!((code, attempts), (Status::InvalidParameter.code(), 0), "{id} {flags:#x} {pin:?}");
        out.assert_cleared();
    }
    assert_eq!(authenticated(&mut host), 2, "no refused call changed a role");
    let (code, _, attempts) = by_id(&mut host, 1, 0, Some(b"9999"));
    assert_eq!((Status::from_code(code), attempts), (Status::WrongPin { attempts: None }, 2));
}

#[test]
fn session_pins_go_there_and_back() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (code, _, _) = by_id(&mut host, 2, GENERATE, Some(&[1; 8]));
    refused!(code, Status::UnsupportedFeature);
    let (code, _, _) = by_id(&mut host, 2, 0, Some(&[]));
    refused!(code, Status::InvalidParameter);
    let (code, out, _) = by_id(&mut host, 1, GENERATE, Some(PIN));
    assert_eq!(code, 0);
    let session = out.take();
    assert_eq!(authenticated(&mut host), 0, "making one does not unlock");
    assert_eq!(by_id(&mut host, 1, SESSION, Some(&session)).0, 0);
    assert_eq!(authenticated(&mut host), 2);
    refused!(by_id(&mut host, 1, SESSION, Some(b"stale")).0, Status::WrongPin { attempts: None });
    let (mut pin, null) = (PIN.to_vec(), std::ptr::null_mut());
    refused!(
        call!(
            host,
            pfnCardAuthenticateEx,
            1,
            GENERATE,
            pin.as_mut_ptr(),
            4,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            null
        ),
        Status::InvalidParameter
    );
}

#[test]
fn an_external_pin_answers_a_session_pin() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (name, text) = (wide("PIN Context String"), wide("Sign?"));
    let bytes: Vec<u8> = text.iter().flat_map(|unit| unit.to_ne_bytes()).collect();
    let code =
        call!(host, pfnCardSetProperty, name.as_ptr(), bytes.as_ptr().cast_mut(), bytes.len() as u32, 0);
    assert_eq!(code, 0);
    let (code, out, _) = by_id(&mut host, EXTERNAL_ROLE, 0, None);
    assert_eq!(code, 0);
    assert_eq!(out.take(), b"external");
    assert_eq!(script(|script| script.session_pin.clone()), Some(b"Sign?".to_vec()));
    let (code, out, _) = by_id(&mut host, EXTERNAL_ROLE, SILENT, Some(b"1"));
    assert_eq!((code, out.take()), (0, b"external".to_vec()));
}

#[test]
fn the_administrator_answers_a_challenge_once() {
    reset_script();
    let mut host = Host::new::<Full>();
    let respond = |host: &mut Host, response: &[u8]| {
        let (mut response, mut attempts) = (response.to_vec(), 77);
        let length = response.len() as u32;
        let code =
            call!(host, pfnCardAuthenticateChallenge, response.as_mut_ptr(), length, &raw mut attempts);
        (code, attempts)
    };
    let wrong = Status::WrongPin { attempts: None }.code();
    assert_eq!(respond(&mut host, &RESPONSE), (wrong, u32::MAX), "no challenge was fetched");
    challenge(&mut host);
    assert_eq!(respond(&mut host, &RESPONSE[..7]), (Status::InvalidParameter.code(), 0));
    assert_eq!(respond(&mut host, b"WRONGONE"), (wrong, 5));
    assert_eq!(respond(&mut host, &RESPONSE).0, wrong, "the challenge is spent");
    challenge(&mut host);
    assert_eq!(respond(&mut host, &RESPONSE), (0, 0));
    assert_eq!(authenticated(&mut host), 4);
    let mut out = Out::garbage();
    let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
    refused!(call!(host, pfnCardGetChallenge, std::ptr::null_mut(), length), Status::InvalidParameter);
    refused!(call!(host, pfnCardGetChallengeEx, 1, pointer, length, 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardGetChallengeEx, 7, pointer, length, 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardGetChallengeEx, 2, pointer, length, 1), Status::InvalidParameter);
    assert_eq!(call!(host, pfnCardGetChallengeEx, 2, pointer, length, 0), 0);
    assert_eq!(out.take(), CHALLENGE);
    assert_eq!(by_id(&mut host, 2, 0, Some(&RESPONSE)).0, 0, "also through CardAuthenticateEx");
}

/// `CardChangeAuthenticator`.
fn change(host: &mut Host, user: &str, old: &[u8], new: &[u8], retry: u32, flags: u32) -> (u32, u32) {
    let (mut old, mut new, mut attempts) = (old.to_vec(), new.to_vec(), 77);
    let (old_len, new_len) = (old.len() as u32, new.len() as u32);
    let code = call!(
        host,
        pfnCardChangeAuthenticator,
        wide(user).as_mut_ptr(),
        old.as_mut_ptr(),
        old_len,
        new.as_mut_ptr(),
        new_len,
        retry,
        flags,
        &raw mut attempts
    );
    (code, attempts)
}

#[test]
fn a_pin_is_changed() {
    reset_script();
    let mut host = Host::new::<Full>();
    let invalid = Status::InvalidParameter.code();
    assert_eq!(change(&mut host, "user", PIN, b"12", 0, 2), (invalid, 0), "against the policy");
    assert_eq!(change(&mut host, "user", PIN, b"5678", 3, 2).0, invalid, "retry count");
    assert_eq!(change(&mut host, "user", PIN, b"5678", 0, 0).0, invalid);
    assert_eq!(change(&mut host, "user", PIN, b"5678", 0, 1).0, invalid, "the user has no key");
    assert_eq!(change(&mut host, "nobody", PIN, b"5678", 0, 2).0, invalid);
    let wrong = Status::WrongPin { attempts: None }.code();
    assert_eq!(change(&mut host, "user", b"0000", b"5678", 0, 2), (wrong, 2));
    assert_eq!(change(&mut host, "user", PIN, b"5678", 0, 2), (0, 0));
    assert_eq!(authenticated(&mut host), 2);
    assert_eq!(by_name(&mut host, "user", b"5678").0, 0);
}

#[test]
fn the_admin_key_is_changed_by_a_response() {
    reset_script();
    let mut host = Host::new::<Full>();
    challenge(&mut host);
    assert_eq!(change(&mut host, "admin", &RESPONSE, &[1; 23], 0, 1).0, Status::InvalidParameter.code());
    assert_eq!(change(&mut host, "admin", &RESPONSE, &[1; 24], 0, 1), (0, 0));
    assert_eq!(authenticated(&mut host), 4);
    challenge(&mut host);
    assert_eq!(change(&mut host, "admin", &RESPONSE, &[1; 24], 9, 1).0, Status::InvalidParameter.code());
    let wrong = Status::WrongPin { attempts: None }.code();
    assert_eq!(change(&mut host, "admin", &RESPONSE, &[1; 24], 0, 1).0, wrong, "the challenge was void");
}

fn unblock(host: &mut Host, user: &str, authority: &[u8], retry: u32, flags: u32) -> u32 {
    let (mut authority, mut new) = (authority.to_vec(), *b"4321");
    let length = authority.len() as u32;
    call!(
        host,
        pfnCardUnblockPin,
        wide(user).as_mut_ptr(),
        authority.as_mut_ptr(),
        length,
        new.as_mut_ptr(),
        4,
        retry,
        flags
    )
}

#[test]
fn a_blocked_pin_is_unblocked() {
    reset_script();
    let mut host = Host::new::<Full>();
    for _ in 0..4 {
        by_name(&mut host, "user", b"0000");
    }
    refused!(by_name(&mut host, "user", PIN).0, Status::PinBlocked);
    refused!(unblock(&mut host, "user", b"bad puk!", 0, 2), Status::WrongPin { attempts: None });
    refused!(unblock(&mut host, "user", PUK, 0, 3), Status::InvalidParameter);
    refused!(unblock(&mut host, "admin", PUK, 0, 2), Status::InvalidParameter);
    refused!(unblock(&mut host, "user", PUK, u32::MAX, 2), Status::InvalidParameter);
    assert_eq!(unblock(&mut host, "user", PUK, 0, 2), 0);
    assert_eq!(authenticated(&mut host), 0);
    assert_eq!(by_name(&mut host, "user", b"4321").0, 0);
    refused!(unblock(&mut host, "user", &RESPONSE, 0, 1), Status::WrongPin { attempts: None });
    challenge(&mut host);
    assert_eq!(unblock(&mut host, "user", &RESPONSE, 5, 1), 0);
}

#[test]
fn change_and_unblock_by_id_obey_permissions() {
    reset_script();
    let mut host = Host::new::<Full>();
    let ex = |host: &mut Host, flags: u32, by: u32, authority: &[u8], target: u32| {
        let (mut authority, mut new, mut attempts) = (authority.to_vec(), *b"4321", 77);
        let length = authority.len() as u32;
        let code = call!(
            host,
            pfnCardChangeAuthenticatorEx,
            flags,
            by,
            authority.as_mut_ptr(),
            length,
            target,
            new.as_mut_ptr(),
            4,
            0,
            &raw mut attempts
        );
        (code, attempts)
    };
    let invalid = (Status::InvalidParameter.code(), 0);
    assert_eq!(ex(&mut host, 0, 1, PIN, 1), invalid);
    assert_eq!(ex(&mut host, 3, 1, PIN, 1), invalid);
    assert_eq!(ex(&mut host, 2, 2, PIN, 1), invalid, "the administrator may not change it");
    assert_eq!(ex(&mut host, 1, 1, PIN, 1), invalid, "nobody unblocks himself");
    assert_eq!(ex(&mut host, 1, PUK_ROLE, PUK, PUK_ROLE), invalid);
    assert_eq!(ex(&mut host, 1, 6, PUK, 1), invalid);
    assert_eq!(ex(&mut host, 2, 1, b"0000", 1), (Status::WrongPin { attempts: None }.code(), 2));
    assert_eq!(ex(&mut host, 2, 1, PIN, 1), (0, 0));
    assert_eq!(authenticated(&mut host), 2);
    assert_eq!(ex(&mut host, 1, PUK_ROLE, PUK, 1), (0, 0));
    assert_eq!(authenticated(&mut host), 0);
    challenge(&mut host);
    assert_eq!(ex(&mut host, 1, 2, &RESPONSE, 1), (0, 0));
}

#[test]
fn roles_lose_their_rights() {
    reset_script();
    let mut host = Host::new::<Full>();
    assert_eq!(by_name(&mut host, "user", PIN).0, 0);
    refused!(call!(host, pfnCardDeauthenticate, std::ptr::null_mut(), 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardDeauthenticate, wide("x").as_mut_ptr(), 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardDeauthenticate, wide("user").as_mut_ptr(), 1), Status::InvalidParameter);
    refused!(call!(host, pfnCardDeauthenticateEx, 2, 1), Status::InvalidParameter);
    assert_eq!(call!(host, pfnCardDeauthenticateEx, 0xE0 | 0x04 | 0x01, 0), 0, "others, some not existing");
    assert_eq!(authenticated(&mut host), 2);
    assert_eq!(call!(host, pfnCardDeauthenticateEx, 0xFF, 0), 0);
    assert_eq!(authenticated(&mut host), 0);
    assert_eq!(by_name(&mut host, "user", PIN).0, 0);
    assert_eq!(call!(host, pfnCardDeauthenticate, wide("user").as_mut_ptr(), 0), 0);
    assert_eq!(authenticated(&mut host), 0);
}
