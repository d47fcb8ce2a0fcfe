//! VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (GIDS 2.0, same titles).

use cardmod_iso7816::StatusWord;

use super::{Answer, Context, Reply, Request, Stop};
use crate::model::gids::persistent::Persistent;
use crate::model::reference::Reference;
use crate::options::Behaviour;

/// Which reference data a command names in P2.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// 80: the application PIN.
    Pin,
    /// 81: the PUK.
    Puk,
}

/// With data: compares. Without: says whether the PIN is verified, or how many tries are left.
pub(super) fn verify(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let which = which(request.p2)?;
    let reference = which.of(context.persistent)?;
    if request.data.is_empty() {
        let verified = which == Which::Pin && context.volatile.status.user;
        return match reference.tries {
            _ if verified && context.options.behaviour == Behaviour::Specification => Reply::done(),
            0 => Err(StatusWord::AUTHENTICATION_BLOCKED.into()),
            left => Err(StatusWord::tries(left).into()),
        };
    }
    compare(context, which, request.data)?;
    if which == Which::Pin {
        context.volatile.status.user = true;
        context.volatile.uses.clear();
    }
    Reply::done()
}

/// P2 82: everything that was proved is forgotten, and the keys chosen on the strength of it. Data is
/// ignored.
pub(super) fn clear(context: &mut Context<'_>, _: &Request<'_>) -> Answer {
    context.volatile.drop_security();
    Reply::done()
}

/// Old and new value one after the other; the card knows how long the old one is.
pub(super) fn change(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let which = which(request.p2)?;
    let split = which.of(context.persistent)?.len().min(request.data.len());
    let (old, new) = request.data.split_at(split);
    compare(context, which, old)?;
    replace(context, which, new)?;
    Reply::done()
}

/// Sets a first value; in the initialisation state, where nothing protects the card anyway.
pub(super) fn create(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let which = which(request.p2)?;
    replace(context, which, request.data)?;
    Reply::done()
}

/// PUK and new PIN one after the other. The security status stays.
pub(super) fn unblock_by_puk(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    Which::Pin.of(context.persistent)?;
    let split = Which::Puk.of(context.persistent)?.len().min(request.data.len());
    let (puk, new) = request.data.split_at(split);
    compare(context, Which::Puk, puk)?;
    replace(context, Which::Pin, new)?;
    Reply::done()
}

/// The new PIN, after the administrator authenticated. The security status is reset afterwards.
pub(super) fn unblock_by_admin(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    Which::Pin.of(context.persistent)?;
    replace(context, Which::Pin, request.data)?;
    context.volatile.drop_security();
    Reply::done()
}

fn which(p2: u8) -> Result<Which, StatusWord> {
    match p2 {
        0x80 => Ok(Which::Pin),
        0x81 => Ok(Which::Puk),
        // 00 would be a global PIN, which the card has not.
        _ => Err(StatusWord::REFERENCED_DATA_NOT_FOUND),
    }
}

impl Which {
    fn of(self, persistent: &Persistent) -> Result<&Reference, StatusWord> {
        let reference = match self {
            Which::Pin => persistent.pin.as_ref(),
            Which::Puk => persistent.puk.as_ref(),
        };
        reference.ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)
    }

    fn set(self, persistent: &mut Persistent, value: Reference) {
        match self {
            Which::Pin => persistent.pin = Some(value),
            Which::Puk => persistent.puk = Some(value),
        }
    }
}

/// Compares a candidate. The lost try is on disk before the comparison begins, so that whoever cuts
/// the power in between has used it up.
fn compare(context: &mut Context<'_>, which: Which, candidate: &[u8]) -> Result<(), Stop> {
    let reference = which.of(context.persistent)?.clone();
    let left = match reference.tries.checked_sub(1) {
        Some(left) => left,
        None => return Err(StatusWord::AUTHENTICATION_BLOCKED.into()),
    };
    let counted = reference.with_tries(left);
    context.commit(|persistent| {
        which.set(persistent, counted);
        Ok(())
    })?;
    if !reference.matches(candidate) {
        if which == Which::Pin {
            context.volatile.drop_user();
        }
        return Err(StatusWord::tries(left).into());
    }
    context.commit(|persistent| {
        which.set(persistent, reference.with_tries(reference.limit));
        Ok(())
    })
}

/// Gives a new value with all tries.
fn replace(context: &mut Context<'_>, which: Which, value: &[u8]) -> Result<(), Stop> {
    let limit = context.options.pin_tries;
    let reference = Reference::new(value, limit).ok_or(StatusWord::WRONG_DATA)?;
    context.commit(|persistent| {
        which.set(persistent, reference);
        Ok(())
    })
}
