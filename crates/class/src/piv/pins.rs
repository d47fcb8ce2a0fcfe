//! Roles: the user's PIN, the same PIN for the keys that want it each time, the PUK, the administrator.

use cardmod_piv::{KeyReference, PinReference, PinState, PivError};
use cardmod_sdk::{CardContext, PinAdministration, Result, Status, UnblockAuthority};
use cardmod_types::{Pin, PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet};

use super::PivModule;
use super::answer;

/// The PIN for keys that want it verified directly before each use; Windows' own role for it.
const ALWAYS: u32 = 3;
/// The PUK's role, as Windows numbers it.
const PUK: u32 = 4;

/// The role of keys that want the PIN directly before each use.
pub(super) fn always() -> PinId {
    PinId::try_from(ALWAYS).unwrap_or(PinId::USER)
}

/// The PUK's role.
fn puk() -> PinId {
    PinId::try_from(PUK).unwrap_or(PinId::USER)
}

/// Whether the role is the user's PIN under one of its two names.
pub(super) fn is_pin(id: PinId) -> bool {
    id == PinId::USER || id == always()
}

impl PivModule {
    pub(super) fn roles(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet> {
        let mut roles = PinSet::only(PinId::USER);
        roles.insert(always());
        roles.insert(puk());
        if self.is_writable(cx)? {
            roles.insert(PinId::ADMIN);
        }
        Ok(roles)
    }

    /// Without a question to the card, unless it is about the administrator.
    pub(super) fn role_exists(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<bool> {
        Ok(is_pin(id) || id == puk() || id == PinId::ADMIN && self.is_writable(cx)?)
    }

    pub(super) fn role(id: PinId) -> Result<PinInfo> {
        let info = |kind, purpose, change, unblock, cache| PinInfo {
            kind,
            purpose,
            change,
            unblock,
            cache,
            secure_entry: false,
        };
        let (own, by_puk) = (PinSet::only(id), PinSet::only(puk()));
        let text = PinKind::AlphaNumeric;
        match id {
            PinId::USER => Ok(info(text, PinPurpose::PrimaryCard, own, by_puk, PinCachePolicy::Normal)),
            PinId::ADMIN => {
                let kind = PinKind::ChallengeResponse;
                Ok(info(kind, PinPurpose::Administrator, own, PinSet::NONE, PinCachePolicy::Normal))
            }
            id if id == always() => {
                let cache = PinCachePolicy::AlwaysPrompt;
                Ok(info(text, PinPurpose::DigitalSignature, own, by_puk, cache))
            }
            id if id == puk() => {
                Ok(info(text, PinPurpose::UnblockOnly, own, PinSet::NONE, PinCachePolicy::None))
            }
            _ => Err(Status::InvalidParameter),
        }
    }

    /// What the card tells of the PIN without costing a try; of the PUK only where it has metadata.
    pub(super) fn tries(&mut self, cx: &mut CardContext<'_>, id: PinId) -> Result<Option<u32>> {
        let tries = if is_pin(id) {
            self.pin_state(cx)?.and_then(|state| state.tries_left)
        } else if id == puk() {
            match self.card(cx).metadata(KeyReference::PUK) {
                Ok(metadata) => metadata.and_then(|metadata| metadata.tries).map(|tries| tries.left),
                Err(error @ PivError::Exchange(_)) => return Err(answer::reading(error)),
                Err(_) => None,
            }
        } else {
            None
        };
        Ok(tries.map(u32::from))
    }

    pub(super) fn verify(&mut self, cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()> {
        if !is_pin(id) {
            return Err(Status::InvalidParameter);
        }
        if id == always() {
            // What its use needs to be known is found out now: nothing may come between VERIFY and the key.
            self.prepare_always(cx)?;
        }
        // What was kept is of the card that is there, or is not looked at.
        self.recognise(cx)?;
        let kept = if self.pin.is_none() { self.kept_pin(cx) } else { None };
        if kept.is_some() {
            self.identity(cx)?;
        }
        let reference = match kept {
            Some(kept) => kept,
            None => self.pin_reference(cx)?,
        };
        let outcome = self.card(cx).verify_pin(reference, pin);
        let outcome = match outcome {
            Err(refused @ PivError::Status { .. }) if kept.is_some() => {
                self.verify_as_told(cx, (reference, pin), refused)
            }
            outcome => outcome,
        };
        outcome.map_err(answer::verifying)?;
        self.pin.get_or_insert(reference);
        self.keep_pin(cx);
        Ok(())
    }

    /// A PIN was refused by the reference that only was kept: where the card names another one by now, the
    /// PIN is that one.
    fn verify_as_told(
        &mut self,
        cx: &mut CardContext<'_>,
        (kept, pin): (PinReference, &Pin),
        refused: PivError,
    ) -> core::result::Result<(), PivError> {
        self.forget_kept_pin(cx);
        let told = self.card(cx).primary_pin()?;
        self.pin = Some(told);
        if told == kept { Err(refused) } else { self.card(cx).verify_pin(told, pin) }
    }

    /// The PIN the user knows: the card's global one where its Discovery object says that it comes first. What
    /// an earlier card in the reader said of that is not asked: to recognise this one costs no more than the
    /// selection that a PIN wants before it in any case.
    pub(super) fn pin_reference(&mut self, cx: &mut CardContext<'_>) -> Result<PinReference> {
        self.recognise(cx)?;
        if let Some(known) = self.pin {
            return Ok(known);
        }
        let primary = self.card(cx).primary_pin().map_err(answer::reading)?;
        self.pin = Some(primary);
        Ok(primary)
    }

    fn pin_state(&mut self, cx: &mut CardContext<'_>) -> Result<Option<PinState>> {
        let reference = self.pin_reference(cx)?;
        self.card(cx).pin_state(reference).map_err(answer::reading)
    }

    fn is_user(&mut self, cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(self.pin_state(cx)?.is_some_and(|state| state.is_verified))
    }

    /// The user, as far as this module has seen; else the card is asked.
    pub(super) fn require_user(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        let verified = self.state().verified();
        if verified.user || verified.management {
            return Ok(());
        }
        if self.is_user(cx)? { Ok(()) } else { Err(Status::SecurityViolation) }
    }

    pub(super) fn authenticated_roles(&mut self, cx: &mut CardContext<'_>) -> Result<PinSet> {
        let verified = if cx.continuity() {
            self.state().verified()
        } else {
            self.card(cx).confirmed_roles().map_err(answer::reading)?
        };
        let mut roles = PinSet::NONE;
        if verified.user {
            roles.insert(PinId::USER);
        }
        if verified.management {
            roles.insert(PinId::ADMIN);
        }
        Ok(roles)
    }

    /// No command takes the administrator's rights: where they were used, only a reset does. Cards exist whose
    /// reset takes nothing, so the PIN is taken back first.
    pub(super) fn drop_rights(&mut self, cx: &mut CardContext<'_>) -> Result<()> {
        if self.access.owes_reset || self.state().verified().management {
            if let Err(error) = self.card(cx).log_out() {
                tracing::debug!(%error, "the PIN is not taken back before the reset");
            }
            self.access.owes_reset = false;
            tracing::debug!("the administrator's rights end with a reset of the card");
            return Err(Status::UnsupportedFeature);
        }
        self.card(cx).log_out().map_err(answer::verifying)
    }
}

impl PinAdministration for PivModule {
    fn change_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        by: PinId,
        old: &Pin,
        target: PinId,
        new: &Pin,
    ) -> Result<()> {
        if is_pin(by) && is_pin(target) {
            let reference = self.pin_reference(cx)?;
            self.card(cx).change_pin(reference, old, new).map_err(answer::changing)
        } else if by == puk() && target == puk() {
            // What form of PUK the card takes is not an earlier card's either.
            self.recognise(cx)?;
            self.card(cx).change_pin(PinReference::Puk, old, new).map_err(answer::changing)
        } else {
            Err(Status::InvalidParameter)
        }
    }

    fn unblock_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        authority: UnblockAuthority<'_>,
        target: PinId,
        new: &Pin,
        tries: Option<u32>,
    ) -> Result<()> {
        if !is_pin(target) || tries.is_some() {
            // The card fixes the number of tries.
            return Err(Status::InvalidParameter);
        }
        match authority {
            // The PUK is that of the application's own PIN.
            UnblockAuthority::Secret(role, _)
                if role == puk() && self.pin_reference(cx)? == PinReference::Global =>
            {
                return Err(Status::UnsupportedFeature);
            }
            UnblockAuthority::Secret(role, secret) if role == puk() => {
                self.card(cx).unblock_pin(secret, new).map_err(answer::changing)?;
            }
            UnblockAuthority::Secret(..) => return Err(Status::InvalidParameter),
            // The management key sets no PIN.
            UnblockAuthority::Response(_) => return Err(Status::UnsupportedFeature),
        }
        // The card leaves the PIN's status as it was (SP 800-73 part 2, section 3.2.3).
        if let Err(error) = self.card(cx).log_out() {
            // The PIN is a new one all the same: the end of the user's right comes with a reset.
            tracing::debug!(%error, "the card does not log out");
            self.access.owes_reset = true;
        }
        Ok(())
    }
}
