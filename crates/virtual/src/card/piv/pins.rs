//! VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (SP 800-73 part 2, 3.2.1 to 3.2.3).

use cardmod_iso7816::StatusWord;

use super::{Answer, Context, Reply, Request, Stop};
use crate::model::piv::secret::{LEN, Secret, Use, boxed, is_settable};
use crate::model::piv::volatile::Immediacy;
use crate::model::piv::{Persistent, PivFlavour};

/// Which reference data a command names in P2.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    /// 00: the PIN of the whole card.
    Global,
    /// 80: the application's PIN.
    Pin,
    /// 81: the PUK.
    Puk,
}

/// With data: compares. Without: says whether the PIN is verified, or how many tries are left.
pub(super) fn verify(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let which = which(request.p2)?;
    let tries = which.of(context.persistent)?.tries;
    if request.data.is_empty() {
        return match tries {
            _ if which.is_verified(context) => Reply::done(),
            0 => Err(StatusWord::AUTHENTICATION_BLOCKED.into()),
            left => Err(StatusWord::tries(left).into()),
        };
    }
    compare(context, which, value(request.data)?)?;
    which.set_verified(context, true);
    context.volatile.immediacy = Immediacy::Verified;
    Reply::done()
}

/// P1 FF: the PIN counts as not verified from here on.
pub(super) fn log_out(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let which = which(request.p2)?;
    which.of(context.persistent)?;
    which.set_verified(context, false);
    Reply::done()
}

/// Old and new value one after the other. What was verified stays so.
pub(super) fn change(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let which = which(request.p2)?;
    let (old, new) = values(request.data)?;
    check_form(context, which, new)?;
    compare(context, which, old)?;
    replace(context, which, new)?;
    Reply::done()
}

/// PUK and new PIN one after the other. What was verified stays so.
pub(super) fn unblock(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let (puk, new) = values(request.data)?;
    check_form(context, Which::Pin, new)?;
    compare(context, Which::Puk, puk)?;
    replace(context, Which::Pin, new)?;
    Reply::done()
}

fn which(p2: u8) -> Result<Which, StatusWord> {
    match p2 {
        0x00 => Ok(Which::Global),
        0x80 => Ok(Which::Pin),
        0x81 => Ok(Which::Puk),
        _ => Err(StatusWord::REFERENCED_DATA_NOT_FOUND),
    }
}

impl Which {
    fn of(self, card: &Persistent) -> Result<&Secret, StatusWord> {
        match self {
            Which::Global => card.global.as_ref().map(|global| &global.pin),
            Which::Pin => Some(&card.pin),
            Which::Puk => Some(&card.puk),
        }
        .ok_or(StatusWord::REFERENCED_DATA_NOT_FOUND)
    }

    fn set(self, card: &mut Persistent, secret: Secret) {
        match self {
            Which::Global => {
                if let Some(global) = &mut card.global {
                    global.pin = secret;
                }
            }
            Which::Pin => card.pin = secret,
            Which::Puk => card.puk = secret,
        }
    }

    fn form(self) -> Use {
        if self == Which::Puk { Use::Puk } else { Use::Pin }
    }

    fn is_verified(self, context: &Context<'_>) -> bool {
        match self {
            Which::Global => context.volatile.global_pin,
            Which::Pin => context.volatile.pin,
            Which::Puk => false,
        }
    }

    fn set_verified(self, context: &mut Context<'_>, verified: bool) {
        match self {
            Which::Global => context.volatile.global_pin = verified,
            Which::Pin => context.volatile.pin = verified,
            // Knowing the PUK opens nothing but the command it comes with.
            Which::Puk => {}
        }
    }
}

/// Eight bytes; whatever else comes costs no try.
fn value(data: &[u8]) -> Result<&[u8; LEN], StatusWord> {
    data.try_into().map_err(|_| StatusWord::WRONG_DATA)
}

/// Two times eight.
fn values(data: &[u8]) -> Result<(&[u8; LEN], &[u8; LEN]), StatusWord> {
    match data.as_chunks::<LEN>() {
        ([first, second], []) => Ok((first, second)),
        _ => Err(StatusWord::WRONG_DATA),
    }
}

/// A standard card looks at the new value first, so that a bad one costs nothing. A YubiKey compares
/// first, which tools use to block it: they send values no PIN can have.
fn check_form(context: &Context<'_>, which: Which, new: &[u8; LEN]) -> Result<(), StatusWord> {
    let standard = context.persistent.flavour == PivFlavour::Standard;
    if standard && !is_settable(PivFlavour::Standard, which.form(), new) {
        return Err(StatusWord::WRONG_DATA);
    }
    Ok(())
}

/// Compares a candidate. The lost try is on disk before the comparison begins, so that whoever cuts
/// the power in between has used it up. On a standard card a value of a form no PIN has costs nothing.
fn compare(context: &mut Context<'_>, which: Which, candidate: &[u8; LEN]) -> Result<(), Stop> {
    let secret = which.of(context.persistent)?.clone();
    let left = secret.tries.checked_sub(1).ok_or(StatusWord::AUTHENTICATION_BLOCKED)?;
    let flavour = context.persistent.flavour;
    if flavour == PivFlavour::Standard && !is_settable(flavour, which.form(), candidate) {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let counted = secret.with_tries(left);
    context.commit(|card| {
        which.set(card, counted);
        Ok(())
    })?;
    if !secret.matches(candidate) {
        which.set_verified(context, false);
        return Err(StatusWord::tries(left).into());
    }
    context.commit(|card| {
        which.set(card, secret.with_tries(secret.limit));
        Ok(())
    })
}

/// Gives a new value with all tries.
fn replace(context: &mut Context<'_>, which: Which, new: &[u8; LEN]) -> Result<(), Stop> {
    if !is_settable(context.persistent.flavour, which.form(), new) {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let limit = which.of(context.persistent)?.limit;
    let secret = Secret::new(boxed(new).ok_or(StatusWord::WRONG_DATA)?, limit);
    context.commit(|card| {
        which.set(card, secret);
        Ok(())
    })
}
