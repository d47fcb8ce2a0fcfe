//! Roles authenticated, challenged, deauthenticated; PINs changed and unblocked (5.10 to 5.19).

use cardmod_sys::{
    CARD_AUTHENTICATE_GENERATE_SESSION_PIN as GENERATE_SESSION_PIN,
    CARD_AUTHENTICATE_PIN_CHALLENGE_RESPONSE as CHALLENGE_RESPONSE, CARD_AUTHENTICATE_PIN_PIN as PIN_PIN,
    CARD_AUTHENTICATE_SESSION_PIN as SESSION_PIN, CARD_PIN_SILENT_CONTEXT as SILENT,
    PIN_CHANGE_FLAG_CHANGEPIN as CHANGE, PIN_CHANGE_FLAG_UNBLOCK as UNBLOCK,
};
use cardmod_types::{Pin, PinId, PinInfo, PinKind, PinPurpose, PinSet, SecretBytes};

use crate::boundary::{Bytes, Host, Out, OutBlock, Wide};
use crate::entry::{offered, reserved};
use crate::live::{Call, enter};
use crate::module::{CardModule, Result, UnblockAuthority};
use crate::status::Status;

/// A session PIN, challenge or response is never longer.
const MAX_SECRET: u32 = 4096;
/// Three keys of DES (7.7).
const ADMIN_KEY_LEN: usize = 24;

pub(crate) fn authenticate_pin<M: CardModule>(
    host: &Host,
    user: Wide,
    pin: Bytes<'_>,
    attempts: Out<u32>,
) -> Result<()> {
    let id = user_role(&user)?;
    counted(&attempts, || {
        let pin = pin.pin()?;
        enter::<M, _>(host, |call| {
            if describe(call, id)?.kind != PinKind::AlphaNumeric {
                return Err(Status::InvalidParameter);
            }
            call.module.verify_pin(&mut call.cx, id, &pin)
        })
    })
}

pub(crate) fn authenticate_ex<M: CardModule>(
    host: &Host,
    id: u32,
    flags: u32,
    pin: Bytes<'_>,
    session: OutBlock,
    attempts: Out<u32>,
) -> Result<()> {
    let both = GENERATE_SESSION_PIN | SESSION_PIN;
    if flags & !(both | SILENT) != 0 || flags & both == both {
        return Err(Status::InvalidParameter);
    }
    if flags & GENERATE_SESSION_PIN != 0 {
        session.required()?;
    }
    let id = role(id)?;
    let made = counted(&attempts, || {
        enter::<M, _>(host, |call| {
            let info = describe(call, id)?;
            if info.purpose == PinPurpose::UnblockOnly {
                return Err(Status::InvalidParameter);
            }
            match info.kind {
                PinKind::Empty => Ok(None),
                _ if flags & SESSION_PIN != 0 => verify_session_pin(call, id, &pin).map(|()| None),
                PinKind::AlphaNumeric => verify(call, id, flags, &pin),
                PinKind::External => verify_external(call, id, flags, &pin).map(Some),
                // A session PIN by itself unlocks nothing, and a response cannot be turned into one.
                PinKind::ChallengeResponse if flags & GENERATE_SESSION_PIN != 0 => {
                    Err(Status::UnsupportedFeature)
                }
                PinKind::ChallengeResponse => respond(call, id, &pin).map(|()| None),
            }
        })
    })?;
    match made {
        Some(session_pin) if session.required().is_ok() => session.give(host, session_pin.as_bytes()),
        _ => Ok(()),
    }
}

fn verify<M: CardModule>(
    call: &mut Call<'_, M>,
    id: PinId,
    flags: u32,
    pin: &Bytes<'_>,
) -> Result<Option<SecretBytes>> {
    let pin = pin.pin()?;
    if pin.is_empty() {
        // 14: unlike CardAuthenticatePin, which calls an empty PIN wrong.
        return Err(Status::InvalidParameter);
    }
    if flags & GENERATE_SESSION_PIN == 0 {
        return call.module.verify_pin(&mut call.cx, id, &pin).map(|()| None);
    }
    offered(call.module.secure_pin_entry())?.generate_session_pin(&mut call.cx, id, &pin).map(Some)
}

fn verify_session_pin<M: CardModule>(call: &mut Call<'_, M>, id: PinId, pin: &Bytes<'_>) -> Result<()> {
    let session_pin = pin.at_most(MAX_SECRET, Status::WrongPin { attempts: None })?;
    let secure = offered(call.module.secure_pin_entry())?;
    secure.verify_session_pin(&mut call.cx, id, &SecretBytes::from(session_pin))
}

/// 5.11: without data the module collects the PIN, which a silent caller forbids.
fn verify_external<M: CardModule>(
    call: &mut Call<'_, M>,
    id: PinId,
    flags: u32,
    pin: &Bytes<'_>,
) -> Result<SecretBytes> {
    let silent = flags & SILENT != 0;
    if silent && pin.is_null() {
        return Err(Status::InvalidParameter);
    }
    let data = if pin.is_null() { None } else { Some(pin.pin()?) };
    offered(call.module.secure_pin_entry())?.verify_external(&mut call.cx, id, silent, data.as_ref())
}

fn respond<M: CardModule>(call: &mut Call<'_, M>, id: PinId, response: &Bytes<'_>) -> Result<()> {
    let response = response.at_most(MAX_SECRET, Status::InvalidParameter)?;
    if response.is_empty() {
        return Err(Status::InvalidParameter);
    }
    offered(call.module.admin_authentication())?;
    call.memory.spend_challenge(response.len())?;
    let roles = offered(call.module.admin_authentication())?;
    match id {
        PinId::ADMIN => roles.authenticate(&mut call.cx, response),
        id => roles.authenticate_as(&mut call.cx, id, response),
    }
}

pub(crate) fn get_challenge<M: CardModule>(host: &Host, challenge: OutBlock) -> Result<()> {
    challenge.required()?;
    let bytes = enter::<M, _>(host, |call| fetch_challenge(call, PinId::ADMIN))?;
    challenge.give(host, &bytes)
}

pub(crate) fn get_challenge_ex<M: CardModule>(
    host: &Host,
    id: u32,
    challenge: OutBlock,
    flags: u32,
) -> Result<()> {
    challenge.required()?;
    reserved(flags)?;
    let id = role(id)?;
    let bytes = enter::<M, _>(host, |call| {
        if describe(call, id)?.kind != PinKind::ChallengeResponse {
            return Err(Status::InvalidParameter);
        }
        fetch_challenge(call, id)
    })?;
    challenge.give(host, &bytes)
}

fn fetch_challenge<M: CardModule>(call: &mut Call<'_, M>, id: PinId) -> Result<Vec<u8>> {
    call.memory.void_challenge();
    let roles = offered(call.module.admin_authentication())?;
    let challenge = match id {
        PinId::ADMIN => roles.challenge(&mut call.cx),
        id => roles.challenge_of(&mut call.cx, id),
    }?;
    if challenge.is_empty() || !challenge.len().is_multiple_of(8) {
        tracing::error!(length = challenge.len(), "a challenge is one or more blocks of 8 bytes");
        return Err(Status::Unexpected);
    }
    call.memory.challenge_given(challenge.len());
    Ok(challenge)
}

pub(crate) fn authenticate_challenge<M: CardModule>(
    host: &Host,
    response: Bytes<'_>,
    attempts: Out<u32>,
) -> Result<()> {
    response.at_most(MAX_SECRET, Status::InvalidParameter)?;
    counted(&attempts, || enter::<M, _>(host, |call| respond(call, PinId::ADMIN, &response)))
}

pub(crate) fn unblock_pin<M: CardModule>(
    host: &Host,
    user: Wide,
    authority: Bytes<'_>,
    new: Bytes<'_>,
    retry: u32,
    flags: u32,
) -> Result<()> {
    let target = user_role(&user)?;
    authority.at_most(MAX_SECRET, Status::InvalidParameter)?;
    let new = new_pin(&new)?;
    if flags != CHALLENGE_RESPONSE && flags != PIN_PIN {
        return Err(Status::InvalidParameter);
    }
    if target == PinId::ADMIN {
        return Err(Status::InvalidParameter); // nobody unblocks the administrator by name
    }
    enter::<M, _>(host, |call| {
        offered(call.module.pin_administration())?;
        let info = describe(call, target)?;
        let by = if flags == CHALLENGE_RESPONSE { PinId::ADMIN } else { puk_of(call, target, &info)? };
        unblock(call, by, &authority, target, &new, retry)
    })
}

/// The role whose secret unblocks another's: the first one permitted that has a PIN.
fn puk_of<M: CardModule>(call: &mut Call<'_, M>, target: PinId, info: &PinInfo) -> Result<PinId> {
    for id in info.unblock.iter().filter(|id| *id != target && *id != PinId::EVERYONE) {
        if exists(call, id)? && describe(call, id)?.kind == PinKind::AlphaNumeric {
            return Ok(id);
        }
    }
    Err(Status::UnsupportedFeature)
}

fn unblock<M: CardModule>(
    call: &mut Call<'_, M>,
    by: PinId,
    authority: &Bytes<'_>,
    target: PinId,
    new: &Pin,
    retry: u32,
) -> Result<()> {
    let tries = match retry {
        0 => None,
        u32::MAX => {
            call.memory.void_challenge();
            return Err(Status::InvalidParameter);
        }
        tries => Some(tries),
    };
    let secret;
    let authority = if describe(call, by)?.kind == PinKind::ChallengeResponse {
        let response = authority.at_most(MAX_SECRET, Status::InvalidParameter)?;
        offered(call.module.admin_authentication())?;
        call.memory.spend_challenge(response.len())?;
        UnblockAuthority::Response(response)
    } else {
        secret = authority.pin()?;
        UnblockAuthority::Secret(by, &secret)
    };
    offered(call.module.pin_administration())?.unblock_pin(&mut call.cx, authority, target, new, tries)?;
    call.cx.forget_protected();
    Ok(())
}

pub(crate) fn change_authenticator<M: CardModule>(
    host: &Host,
    user: Wide,
    current: Bytes<'_>,
    new: Bytes<'_>,
    retry: u32,
    flags: u32,
    attempts: Out<u32>,
) -> Result<()> {
    let id = user_role(&user)?;
    current.at_most(MAX_SECRET, Status::InvalidParameter)?;
    new.required()?;
    if flags != CHALLENGE_RESPONSE && flags != PIN_PIN {
        return Err(Status::InvalidParameter);
    }
    counted(&attempts, || {
        enter::<M, _>(host, |call| {
            let wanted = if flags == PIN_PIN { PinKind::AlphaNumeric } else { PinKind::ChallengeResponse };
            if describe(call, id)?.kind != wanted {
                return Err(Status::InvalidParameter);
            }
            change(call, id, &current, id, &new, retry)
        })
    })
}

#[expect(clippy::too_many_arguments, reason = "the interface's own parameters")]
pub(crate) fn change_authenticator_ex<M: CardModule>(
    host: &Host,
    flags: u32,
    by: u32,
    authority: Bytes<'_>,
    target: u32,
    new: Bytes<'_>,
    retry: u32,
    attempts: Out<u32>,
) -> Result<()> {
    if flags == CHANGE && by == target && authority.is_null() && new.is_null() {
        return change_external::<M>(host, role(target)?, retry, &attempts);
    }
    authority.at_most(MAX_SECRET, Status::InvalidParameter)?;
    new.required()?;
    if flags != UNBLOCK && flags != CHANGE {
        return Err(Status::InvalidParameter);
    }
    let (by, target) = (role(by)?, role(target)?);
    counted(&attempts, || {
        enter::<M, _>(host, |call| {
            describe(call, by)?;
            let info = describe(call, target)?;
            if flags == CHANGE {
                permitted(info.change.contains(by))?;
                change(call, by, &authority, target, &new, retry)
            } else {
                permitted(by != target && info.unblock.contains(by))?;
                offered(call.module.pin_administration())?;
                unblock(call, by, &authority, target, &new_pin(&new)?, retry)
            }
        })
    })
}

/// Neither secret came with the call: an external PIN is changed where it is entered.
fn change_external<M: CardModule>(host: &Host, id: PinId, retry: u32, attempts: &Out<u32>) -> Result<()> {
    if retry != 0 {
        return Err(Status::InvalidParameter);
    }
    counted(attempts, || {
        enter::<M, _>(host, |call| {
            let info = describe(call, id)?;
            if info.kind != PinKind::External {
                return Err(Status::InvalidParameter);
            }
            permitted(info.change.contains(id))?;
            offered(call.module.secure_pin_entry())?.change_external(&mut call.cx, id)
        })
    })
}

/// Replaces a PIN, or the administrator's key.
fn change<M: CardModule>(
    call: &mut Call<'_, M>,
    by: PinId,
    authority: &Bytes<'_>,
    target: PinId,
    new: &Bytes<'_>,
    retry: u32,
) -> Result<()> {
    if retry != 0 {
        call.memory.void_challenge();
        return Err(Status::InvalidParameter); // no card of this interface changes both at once
    }
    if describe(call, by)?.kind == PinKind::ChallengeResponse {
        if by != PinId::ADMIN || target != by {
            return Err(Status::UnsupportedFeature);
        }
        return change_key(call, authority, new);
    }
    offered(call.module.pin_administration())?;
    let (old, new) = (authority.pin()?, new_pin(new)?);
    offered(call.module.pin_administration())?.change_pin(&mut call.cx, by, &old, target, &new)
}

fn change_key<M: CardModule>(call: &mut Call<'_, M>, response: &Bytes<'_>, new: &Bytes<'_>) -> Result<()> {
    offered(call.module.admin_authentication())?;
    let response = response.at_most(MAX_SECRET, Status::InvalidParameter)?;
    let key = SecretBytes::from(new.required()?);
    if key.len() != ADMIN_KEY_LEN {
        return Err(Status::InvalidParameter);
    }
    call.memory.spend_challenge(response.len())?;
    offered(call.module.admin_authentication())?.change_key(&mut call.cx, response, &key)
}

pub(crate) fn deauthenticate<M: CardModule>(host: &Host, user: Wide, flags: u32) -> Result<()> {
    let id = user_role(&user)?;
    reserved(flags)?;
    enter::<M, _>(host, |call| drop_rights(call, PinSet::only(id)))
}

pub(crate) fn deauthenticate_ex<M: CardModule>(host: &Host, roles: u32, flags: u32) -> Result<()> {
    reserved(flags)?;
    let roles = PinSet::from_bits(roles);
    enter::<M, _>(host, |call| drop_rights(call, roles))
}

/// Success only when every role named that exists has lost its rights.
fn drop_rights<M: CardModule>(call: &mut Call<'_, M>, roles: PinSet) -> Result<()> {
    let mut existing = PinSet::NONE;
    for id in roles.iter().filter(|id| *id != PinId::EVERYONE) {
        if exists(call, id)? {
            existing.insert(id);
        }
    }
    if !existing.is_empty() {
        call.module.deauthenticate(&mut call.cx, existing)?;
    }
    call.cx.forget_protected();
    Ok(())
}

/// A role's description.
///
/// # Errors
/// [`Status::InvalidParameter`] for a role the card has not, and for everyone.
pub(crate) fn describe<M: CardModule>(call: &mut Call<'_, M>, id: PinId) -> Result<PinInfo> {
    if id == PinId::EVERYONE || !exists(call, id)? {
        return Err(Status::InvalidParameter);
    }
    call.module.pin_info(&mut call.cx, id)
}

/// Whether the card has a role.
pub(crate) fn exists<M: CardModule>(call: &mut Call<'_, M>, id: PinId) -> Result<bool> {
    call.module.has_role(&mut call.cx, id)
}

/// Runs an authentication and tells the tries left where it fails (7.5).
fn counted<R>(attempts: &Out<u32>, body: impl FnOnce() -> Result<R>) -> Result<R> {
    let result = body();
    if let Some(left) = result.as_ref().err().and_then(|status| status.attempts()) {
        attempts.set(left);
    }
    result
}

/// The two users that have names.
fn user_role(user: &Wide) -> Result<PinId> {
    match user.text()?.as_str() {
        "user" => Ok(PinId::USER),
        "admin" => Ok(PinId::ADMIN),
        _ => Err(Status::InvalidParameter),
    }
}

fn role(id: u32) -> Result<PinId> {
    PinId::try_from(id).map_err(|_| Status::InvalidParameter)
}

/// A PIN to be set; what no card takes is against every policy.
fn new_pin(bytes: &Bytes<'_>) -> Result<Pin> {
    bytes.at_most(255, Status::InvalidParameter).map(Pin::from)
}

/// A permission the target's `PIN_INFO` does not give makes the request wrong (5.17).
fn permitted(granted: bool) -> Result<()> {
    if granted { Ok(()) } else { Err(Status::InvalidParameter) }
}
